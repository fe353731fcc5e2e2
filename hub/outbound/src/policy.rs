//! Where calls may go, and the address of one call.

use crate::address::{AddressClass, classify};
use crate::{SendError, SendErrorKind, TlsRules, UpstreamLimits};
use hub_core::SystemId;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use url::{Host, Url};

/// One egress policy. The default reaches public addresses only.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EgressPolicy {
    inner: BTreeSet<(String, u16)>,
}

impl EgressPolicy {
    /// Public addresses only.
    #[must_use]
    pub fn public() -> Self {
        Self::default()
    }

    /// Lets one host and port stand on this machine or in a private network. Host as in a URL, port explicit.
    #[must_use]
    pub fn allow_inner(mut self, host: &str, port: u16) -> Self {
        self.inner.insert((host.to_ascii_lowercase(), port));
        self
    }

    /// Whether calls may go to a base address as far as its text tells. A name is judged again, by what it resolves to,
    /// whenever a connection is made.
    ///
    /// # Errors
    /// Why not.
    pub fn admits(&self, base: &Url) -> Result<(), SendError> {
        let target = Target {
            system: SystemId::new("hub", "hub"),
            base: base.clone(),
            limits: UpstreamLimits::default(),
            timeout_ms: 0,
            trusted_loopback: false,
            source: None,
            tls: None,
            known_as: Vec::new(),
        };
        route(self, &target, "").map(drop)
    }

    /// Whether a host and port that are no URL's may stand in a private network.
    pub(crate) fn lists_host(&self, host: &str, port: u16) -> bool {
        self.inner.contains(&(host.to_ascii_lowercase(), port))
    }

    fn lists(&self, url: &Url) -> bool {
        match (url.host_str(), url.port_or_known_default()) {
            (Some(host), Some(port)) => {
                self.inner.contains(&(host.to_owned(), port))
                    || host
                        .strip_prefix('[')
                        .and_then(|h| h.strip_suffix(']'))
                        .is_some_and(|h| self.inner.contains(&(h.to_owned(), port)))
            }
            _ => false,
        }
    }
}

/// Where one call goes.
#[derive(Debug, Clone)]
pub struct Target {
    /// Whose budget, breaker and limits apply.
    pub system: SystemId,
    /// Base address; the path is a prefix of every target.
    pub base: Url,
    /// Limits of the upstream.
    pub limits: UpstreamLimits,
    /// Longest wait for one answer, in milliseconds.
    pub timeout_ms: u64,
    /// An operator has named this very address, so it may be loopback or private. Never true for an uploaded connector.
    pub trusted_loopback: bool,
    /// From which address of this machine it is called over HTTP; the system chooses where nothing is said.
    pub source: Option<IpAddr>,
    /// How its TLS differs from the hub's own rules.
    pub tls: Option<Arc<TlsRules>>,
    /// Other names of the same server, `host` or `host:port`, that stand in addresses which its answers give. They are
    /// called at `base` all the same.
    pub known_as: Vec<String>,
}

/// How far a call may reach; decides which of the two clients (and so which resolver) carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Reach {
    /// Public addresses only.
    Public,
    /// Loopback and private networks too.
    Inner,
}

impl Reach {
    /// Whether an address of this class may be connected to.
    pub(crate) fn admits(self, address: IpAddr) -> bool {
        match classify(address) {
            AddressClass::Public => true,
            AddressClass::Inner => self == Reach::Inner,
            AddressClass::Forbidden => false,
        }
    }
}

fn refused(why: &str) -> SendError {
    SendError::unsent(SendErrorKind::Address).because(why)
}

/// The URL of a call and how far it may reach.
pub(crate) fn route(policy: &EgressPolicy, target: &Target, path: &str) -> Result<(Url, Reach), SendError> {
    let base = &target.base;
    if !matches!(base.scheme(), "http" | "https") {
        return Err(refused("the scheme is neither http nor https"));
    }
    if !base.username().is_empty() || base.password().is_some() {
        return Err(refused("the address carries credentials"));
    }
    let url = match path.split_once("://") {
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https") => {
            own(base, &target.known_as, path)?
        }
        _ => append(base, path)?,
    };
    let reach = if target.trusted_loopback || policy.lists(&url) {
        Reach::Inner
    } else {
        Reach::Public
    };
    // Literals never reach the resolver, and `url` has already read every odd spelling (2130706433, 0x7f.1, 127.1).
    let literal = match url.host() {
        Some(Host::Ipv4(v4)) => Some(IpAddr::V4(v4)),
        Some(Host::Ipv6(v6)) => Some(IpAddr::V6(v6)),
        Some(Host::Domain(name)) if !name.is_empty() => None,
        _ => return Err(refused("the address has no host")),
    };
    match literal {
        Some(address) if !reach.admits(address) => Err(refused("the address is not public")),
        _ => Ok((url, reach)),
    }
}

/// Appends a target as text, so that `//host` or `..` in it can never leave the base.
fn append(base: &Url, path: &str) -> Result<Url, SendError> {
    if !(path.is_empty() || path.starts_with('/') || path.starts_with('?')) {
        return Err(refused("the target does not start with a slash"));
    }
    if path
        .chars()
        .any(|c| c.is_control() || c == '\\' || c == '#' || c == ' ')
    {
        return Err(refused("the target has characters that do not stand in a path"));
    }
    let root = base.path().trim_end_matches('/');
    let (way, query) = path.split_once('?').map_or((path, None), |(w, q)| (w, Some(q)));
    if way.split('/').any(is_dots) {
        return Err(refused("the target has dot segments"));
    }
    let mut url = base.clone();
    url.set_fragment(None);
    url.set_path(&format!("{root}{way}"));
    match query {
        Some(query) => url.set_query(Some(query)),
        None if !path.is_empty() => url.set_query(None),
        None => {}
    }
    Ok(url)
}

/// A whole address, as links to next pages and announced feeds are: the upstream's own, below its base, or nothing. What an
/// answer says must not send the hub's credentials elsewhere.
fn own(base: &Url, known_as: &[String], address: &str) -> Result<Url, SendError> {
    let url = Url::parse(address).map_err(|_| refused("the address given cannot be read"))?;
    let same_host = url.host() == base.host() || is_loopback(&url) && is_loopback(base);
    let same =
        url.scheme() == base.scheme() && same_host && url.port_or_known_default() == base.port_or_known_default();
    let is_plain = url.username().is_empty() && url.password().is_none();
    if !is_plain || !same && !is_known(&url, known_as) {
        return Err(refused("the address given is another server's"));
    }
    let root = base.path().trim_end_matches('/');
    let below = url
        .path()
        .strip_prefix(root)
        .filter(|below| below.is_empty() || below.starts_with('/'))
        .ok_or_else(|| refused("the address given is not below the base"))?;
    let target = url
        .query()
        .map_or_else(|| below.to_owned(), |query| format!("{below}?{query}"));
    append(base, &target)
}

/// Names of this machine are one.
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether the operator says that this is another name of the same server. A name without a port means the scheme's own.
fn is_known(url: &Url, known_as: &[String]) -> bool {
    let (Some(host), port) = (url.host_str(), url.port()) else {
        return false;
    };
    known_as.iter().any(|name| match port {
        Some(port) => name
            .rsplit_once(':')
            .is_some_and(|(name, own)| name.eq_ignore_ascii_case(host) && own.parse() == Ok(port)),
        None => name.eq_ignore_ascii_case(host),
    })
}

fn is_dots(segment: &str) -> bool {
    matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(base: &str, trusted: bool) -> Target {
        Target {
            system: SystemId::new("a", "b"),
            base: Url::parse(base).unwrap(),
            limits: UpstreamLimits::default(),
            timeout_ms: 1000,
            trusted_loopback: trusted,
            source: None,
            tls: None,
            known_as: vec!["bikes.city.example".to_owned(), "gw.example:8443".to_owned()],
        }
    }

    fn try_route(policy: &EgressPolicy, base: &str, path: &str, trusted: bool) -> Result<String, SendErrorKind> {
        route(policy, &target(base, trusted), path)
            .map(|(url, _)| url.to_string())
            .map_err(|e| e.kind)
    }

    #[test]
    fn every_spelling_of_an_inner_literal_is_refused() {
        for host in [
            "127.0.0.1",
            "127.1",
            "127.0.1",
            "2130706433",
            "0x7f.1",
            "0x7f000001",
            "0177.0.0.1",
            "017700000001",
            "127.0.0.1.",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[0:0:0:0:0:0:0:1]",
            "10.0.0.1",
            "192.168.1.1",
            "172.16.0.1",
            "169.254.169.254",
            "0xa9fea9fe",
            "2852039166",
            "[fe80::1]",
            "[fd00::1]",
            "100.64.0.1",
            "0.0.0.0",
            "0",
            "[::]",
            "224.0.0.1",
            "255.255.255.255",
            "%31%32%37.0.0.1",
            "\u{ff11}\u{ff12}\u{ff17}.0.0.1",
            "127\u{3002}0\u{3002}0\u{3002}1",
            "[64:ff9b::7f00:1]",
            "[2002:7f00:1::]",
        ] {
            let got = try_route(&EgressPolicy::public(), &format!("http://{host}/"), "/x", false);
            assert_eq!(got, Err(SendErrorKind::Address), "{host}");
        }
        assert!(try_route(&EgressPolicy::public(), "https://8.8.8.8/", "/x", false).is_ok());
    }

    #[test]
    fn an_operator_opens_loopback_but_never_metadata() {
        let none = EgressPolicy::public();
        assert!(try_route(&none, "http://127.0.0.1:9/", "/x", true).is_ok());
        assert!(try_route(&none, "http://169.254.169.254/", "/x", true).is_err());
        let listed = EgressPolicy::public().allow_inner("127.0.0.1", 9).allow_inner("::1", 9);
        assert!(try_route(&listed, "http://127.0.0.1:9/", "/x", false).is_ok());
        assert!(try_route(&listed, "http://[::1]:9/", "/x", false).is_ok());
        assert!(try_route(&listed, "http://127.0.0.1:10/", "/x", false).is_err());
    }

    #[test]
    fn a_target_never_leaves_its_base() {
        let p = EgressPolicy::public();
        let base = "https://up.example/api/";
        assert_eq!(
            try_route(&p, base, "/a?b=1", false).unwrap(),
            "https://up.example/api/a?b=1"
        );
        assert_eq!(
            try_route(&p, base, "//evil.example/x", false).unwrap(),
            "https://up.example/api//evil.example/x"
        );
        assert_eq!(
            try_route(&p, "https://up.example", "", false).unwrap(),
            "https://up.example/"
        );
        for path in [
            "@evil.example/",
            "/../x",
            "/a/%2E%2e/x",
            "/a\\..\\x",
            "/a#b",
            "/a b",
            "/a\r\nHost: x",
            "evil",
        ] {
            assert_eq!(try_route(&p, base, path, false), Err(SendErrorKind::Address), "{path}");
        }
        for base in [
            "ftp://up.example/",
            "http://user@up.example/",
            "file:///etc/passwd",
            "data:x",
        ] {
            assert_eq!(try_route(&p, base, "/x", false), Err(SendErrorKind::Address), "{base}");
        }
    }

    #[test]
    fn an_address_from_an_answer_is_the_base_s_own() {
        let p = EgressPolicy::public();
        let base = "https://up.example/api/";
        for (address, url) in [
            (
                "https://up.example/api/Slot?page=2",
                "https://up.example/api/Slot?page=2",
            ),
            ("https://UP.example:443/api?p=3", "https://up.example/api?p=3"),
            // A server that stands behind another gives the addresses that the world knows it by.
            (
                "https://bikes.city.example/api/en/stations.json",
                "https://up.example/api/en/stations.json",
            ),
            ("http://Gw.example:8443/api/x", "https://up.example/api/x"),
        ] {
            assert_eq!(try_route(&p, base, address, false).unwrap(), url);
        }
        for address in [
            "https://evil.example/api/Slot",
            "http://up.example/api/Slot",
            "https://up.example:8443/api/Slot",
            "https://user@up.example/api/Slot",
            "https://user@bikes.city.example/api/Slot",
            "https://bikes.city.example/apis",
            "https://bikes.city.example:8443/api/x",
            "https://gw.example/api/x",
            "https://gw.example:8444/api/x",
            "https://up.example/other",
            "https://up.example/apis",
            "https://up.example/api/../x",
            "https://up.example/api/%2e%2e/x",
            "https://",
        ] {
            assert_eq!(
                try_route(&p, base, address, false),
                Err(SendErrorKind::Address),
                "{address}"
            );
        }
    }

    #[test]
    fn names_of_this_machine_are_one() {
        let p = EgressPolicy::public();
        let address = "http://localhost:9000/gbfs/en/stations.json";
        for base in ["http://127.0.0.1:9000/gbfs", "http://[::1]:9000/gbfs"] {
            let url = try_route(&p, base, address, true).unwrap();
            assert_eq!(url, format!("{base}/en/stations.json"));
        }
        for base in ["http://127.0.0.1:9001/gbfs", "http://10.0.0.1:9000/gbfs"] {
            assert_eq!(
                try_route(&p, base, address, true),
                Err(SendErrorKind::Address),
                "{base}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_the_target_the_host_stays(path in "\\PC{0,40}") {
            if let Ok((url, _)) = route(&EgressPolicy::public(), &target("https://up.example:8443/api", false), &format!("/{path}")) {
                proptest::prop_assert_eq!(url.host_str(), Some("up.example"));
                proptest::prop_assert_eq!(url.port(), Some(8443));
                proptest::prop_assert!(url.path().starts_with("/api/"));
            }
        }
    }
}
