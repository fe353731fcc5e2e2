//! One request to an address that a developer has named.

use hub_core::ports::Clock;
use hub_core::{Effect, Problem, ProblemCode, RawRequest, SystemId, Text};
use hub_outbound::{BreakerSettings, EgressPolicy, Outbound, SendErrorKind, SetupError, Target, UpstreamLimits};
use std::sync::Arc;
use std::time::{Duration, Instant};
use url::Url;

/// Longest wait for an answer, in milliseconds.
const PATIENCE: u64 = 10_000;
/// Largest answer that is read.
const ANSWER: usize = 256 * 1024;
/// Longest address.
const ADDRESS: usize = 2_000;
/// Characters of an answer that are kept.
const EXCERPT: usize = 300;
/// Characters in a row that may be a key or a token.
const TOKEN: usize = 16;
/// Digits in a row that may be a person's.
const DIGITS: usize = 7;

/// The way to addresses of developers.
#[derive(Clone)]
pub struct Sender {
    outbound: Outbound,
    inner: bool,
}

/// What came of a request.
#[derive(Debug, Clone, Default)]
pub struct Sent {
    /// Status, if there was an answer.
    pub status: Option<u16>,
    /// Why there was none, in a word.
    pub error: Option<&'static str>,
    /// How long it took.
    pub took: Duration,
    /// The body.
    pub body: Vec<u8>,
    /// Seconds after which the other side wants to be asked again.
    pub retry_after: Option<u64>,
}

impl Sent {
    /// Whether it was taken.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }

    /// The word for what came of it.
    #[must_use]
    pub fn word(&self) -> String {
        match (self.status, self.error) {
            (Some(status), _) => format!("status-{status}"),
            (None, error) => error.unwrap_or("broken").to_owned(),
        }
    }

    /// The beginning of the answer, without what may be a secret or a person's number.
    #[must_use]
    pub fn excerpt(&self) -> String {
        redacted(&String::from_utf8_lossy(self.body.get(..4_096).unwrap_or(&self.body)))
    }
}

fn redacted(text: &str) -> String {
    let mut out = String::new();
    let mut word = String::new();
    let flush = |word: &mut String, out: &mut String| {
        let digits = word
            .split(|c: char| !c.is_ascii_digit())
            .map(str::len)
            .max()
            .unwrap_or(0);
        let hides = word.len() >= TOKEN || digits >= DIGITS;
        out.push_str(if hides { "***" } else { word });
        word.clear();
    };
    for c in text.chars() {
        if c.is_ascii_alphanumeric() || "_-.+/=".contains(c) {
            word.push(c);
            continue;
        }
        flush(&mut word, &mut out);
        if !c.is_control() || c == '\n' {
            out.push(c);
        }
    }
    flush(&mut word, &mut out);
    out.chars().take(EXCERPT).collect()
}

/// The origin of an address.
#[must_use]
pub fn origin(url: &Url) -> Option<Url> {
    let mut origin = url.clone();
    origin.set_path("/");
    origin.set_query(None);
    origin.set_fragment(None);
    origin.has_host().then_some(origin)
}

impl Sender {
    /// With connections of its own. `inner` lets it reach this machine and private networks.
    ///
    /// # Errors
    /// If TLS or the HTTP client cannot be set up.
    pub fn new(clock: Arc<dyn Clock>, inner: bool) -> Result<Self, SetupError> {
        // Who is asked how often is decided here: a breaker would only make attempts of one that were none.
        let never = BreakerSettings {
            least_calls: u32::MAX,
            ..BreakerSettings::default()
        };
        let outbound = Outbound::with(EgressPolicy::public(), never, ANSWER, clock)?;
        Ok(Self { outbound, inner })
    }

    /// An address that may be asked, as far as its text tells; `place` is where it was said.
    ///
    /// # Errors
    /// If it may not.
    pub fn address(&self, text: &str, place: &str) -> Result<Url, Problem> {
        let expected = match self.inner {
            true => Text::new("http:// 或 https:// 地址", "an http:// or https:// address"),
            false => Text::new("公网 https:// 地址", "a public https:// address"),
        };
        let refused = || Problem::new(ProblemCode::ValidationFailed).at(place, expected.clone(), "***");
        if text.len() > ADDRESS {
            return Err(refused());
        }
        let url = Url::parse(text).map_err(|_| refused())?;
        let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        let public = url.scheme() == "https" && EgressPolicy::public().admits(&url).is_ok();
        match plain && (self.inner && matches!(url.scheme(), "http" | "https") || public) {
            true => Ok(url),
            false => Err(refused()),
        }
    }

    /// Sends one request for a tenant. Redirects are an answer like any other.
    pub async fn send(
        &self,
        tenant: &str,
        url: &Url,
        method: &str,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    ) -> Sent {
        let began = Instant::now();
        let Some(base) = origin(url) else {
            return Sent {
                error: Some("address"),
                ..Sent::default()
            };
        };
        let target = Target {
            system: SystemId::new("developer", tenant),
            base,
            limits: UpstreamLimits::default(),
            timeout_ms: PATIENCE,
            trusted_loopback: self.inner,
            source: None,
            tls: None,
            known_as: Vec::new(),
        };
        let query = url.query().map(|q| format!("?{q}")).unwrap_or_default();
        let request = RawRequest {
            method: method.to_owned(),
            target: format!("{}{query}", url.path()),
            headers,
            body,
        };
        let deadline = tokio::time::Instant::now() + Duration::from_millis(PATIENCE);
        let sent = self
            .outbound
            .send_for(tenant, &target, request, deadline, Effect::Repeatable)
            .await;
        let took = began.elapsed();
        match sent {
            Ok(answer) => Sent {
                status: Some(answer.status),
                error: None,
                took,
                retry_after: answer
                    .headers
                    .iter()
                    .find(|(n, _)| n.eq_ignore_ascii_case("retry-after"))
                    .and_then(|(_, v)| v.trim().parse().ok()),
                body: answer.body,
            },
            Err(error) => Sent {
                error: Some(word(&error.kind)),
                took,
                ..Sent::default()
            },
        }
    }
}

fn word(kind: &SendErrorKind) -> &'static str {
    match kind {
        SendErrorKind::Refused => "refused",
        SendErrorKind::Unreachable => "unreachable",
        SendErrorKind::NoWay => "no-way",
        SendErrorKind::Timeout => "timeout",
        SendErrorKind::Budget { .. } | SendErrorKind::BreakerOpen { .. } => "busy",
        SendErrorKind::Address => "address",
        SendErrorKind::Denied { .. } => "denied",
        SendErrorKind::TooLarge => "too-large",
        SendErrorKind::Broken => "broken",
    }
}

/// What a word means that says why something did not arrive.
#[must_use]
pub fn why(word: &str) -> Text {
    if let Some(status) = word.strip_prefix("status-") {
        return Text::new(format!("对方应答 {status}"), format!("it answered {status}"));
    }
    let (zh, en) = match word {
        "refused" => ("对方拒绝连接", "the connection was refused"),
        "unreachable" | "no-way" => ("无法连接对方", "it cannot be reached"),
        "timeout" => ("对方没有及时应答", "it did not answer in time"),
        "busy" => ("请求过于频繁", "too much was sent at once"),
        "address" => (
            "出口策略不允许该地址（只能是公网地址）",
            "the egress policy does not allow the address: it has to be public",
        ),
        "too-large" => ("应答过大", "its answer is too large"),
        "broken" => ("应答中断，或不是 HTTP", "its answer broke off or is no HTTP"),
        "wrong-answer" => (
            "没有原样返回挑战值",
            "it did not answer with the value of the challenge",
        ),
        "gone" => ("对方应答 410，表示不再接收", "it answered 410: it wants nothing more"),
        "silent" => ("长时间没有任何送达", "nothing has arrived for long"),
        "owner" => ("由所有者关闭", "its owner switched it off"),
        "asked" => ("尚未验证", "not proven yet"),
        _ => ("", ""),
    };
    Text::new(zh, en)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hub_core::time::Timestamp;

    struct Standing;

    impl Clock for Standing {
        fn now(&self) -> Timestamp {
            Timestamp::UNIX_EPOCH
        }
    }

    #[test]
    fn only_public_addresses_are_taken_unless_an_operator_allows_others() {
        let public = Sender::new(Arc::new(Standing), false).unwrap();
        let inner = Sender::new(Arc::new(Standing), true).unwrap();
        assert!(public.address("https://hooks.example/a?b=c", "/url").is_ok());
        for wrong in [
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://10.0.0.1/",
            "https://169.254.169.254/latest",
            "http://hooks.example/",
            "https://u:p@hooks.example/",
            "ftp://hooks.example/",
            "hooks",
            "https://hooks.example/#x",
        ] {
            assert!(public.address(wrong, "/url").is_err(), "{wrong}");
        }
        assert!(inner.address("http://127.0.0.1:9/", "/url").is_ok());
        assert!(inner.address("http://u@127.0.0.1:9/", "/url").is_err());
    }

    #[test]
    fn an_excerpt_keeps_no_token_and_no_number() {
        let told = redacted("no such user 110101199003070011, token sk_live_4eC39HqLyjWDarjtT1zdp7dc\u{0}, code 42");
        assert_eq!(told, "no such user ***, token ***, code 42");
        assert_eq!(redacted(&"长 ".repeat(400)).chars().count(), EXCERPT);
    }
}
