//! HTTP Digest (RFC 7616; MD5 and SHA-256, `qop` auth). The password never travels: the upstream asks, the answer proves
//! that it is known. Both halves.

use hub_core::RawRequest;
use hub_crypto::{Digest, ct_eq, digest, hex, hmac};

/// Longest header that is read, and the most challenges in all of them.
const LONGEST: usize = 8_192;
const MOST: usize = 16;
/// Seconds for which the simulated city takes a nonce of its own.
const LIVES: i64 = 300;
/// Realm of the simulated city.
const REALM: &str = "hub";

/// What an upstream asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Challenge {
    algorithm: Digest,
    /// As the upstream wrote it; absent means MD5.
    named: Option<String>,
    realm: String,
    nonce: String,
    opaque: Option<String>,
    /// Whether only the nonce of the last answer was too old.
    pub stale: bool,
}

/// A challenge, and how often it was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proof {
    pub challenge: Challenge,
    pub count: u32,
}

/// The strongest challenge that can be answered.
pub(crate) fn asked(headers: &[(String, String)]) -> Option<Challenge> {
    let all = headers
        .iter()
        .filter(|(name, value)| name.eq_ignore_ascii_case("www-authenticate") && value.len() <= LONGEST)
        .flat_map(|(_, value)| challenges(value));
    let readable: Vec<Challenge> = all
        .take(MOST)
        .filter_map(|(scheme, words)| read(&scheme, &words))
        .collect();
    let strong = readable.iter().position(|c| c.algorithm == Digest::Sha256);
    readable.into_iter().nth(strong.unwrap_or(0))
}

type Words = Vec<(String, String)>;

fn word<'w>(words: &'w Words, name: &str) -> Option<&'w str> {
    words
        .iter()
        .find(|(n, _)| n.eq_ignore_ascii_case(name))
        .map(|(_, v)| v.as_str())
}

fn algorithm(name: Option<&str>) -> Option<Digest> {
    match name.unwrap_or("MD5") {
        n if n.eq_ignore_ascii_case("MD5") => Some(Digest::Md5),
        n if n.eq_ignore_ascii_case("SHA-256") => Some(Digest::Sha256),
        _ => None,
    }
}

fn read(scheme: &str, words: &Words) -> Option<Challenge> {
    let text = |name: &str| word(words, name).map(str::to_owned);
    let offers = word(words, "qop")?
        .split(',')
        .any(|q| q.trim().eq_ignore_ascii_case("auth"));
    let plain = words
        .iter()
        .all(|(_, v)| v.chars().all(|c| c == ' ' || c.is_ascii_graphic()));
    if !scheme.eq_ignore_ascii_case("digest") || !offers || !plain {
        return None;
    }
    Some(Challenge {
        algorithm: algorithm(word(words, "algorithm"))?,
        named: text("algorithm"),
        realm: text("realm")?,
        nonce: text("nonce").filter(|n| !n.is_empty())?,
        opaque: text("opaque"),
        stale: word(words, "stale").is_some_and(|s| s.eq_ignore_ascii_case("true")),
    })
}

/// The challenges of one header (RFC 9110, 11.6.1): schemes with their parameters, all separated by commas.
fn challenges(header: &str) -> Vec<(String, Words)> {
    let mut found: Vec<(String, Words)> = Vec::new();
    let mut rest = header;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let end = rest.find(|c: char| !is_token(c)).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        if name.is_empty() {
            // What is neither is skipped, so that the end is always reached.
            let mut characters = rest.chars();
            if characters.next().is_none() {
                return found;
            }
            rest = characters.as_str();
            continue;
        }
        let Some(value) = after.trim_start().strip_prefix('=') else {
            if found.len() == MOST {
                return found;
            }
            found.push((name.to_owned(), Words::new()));
            rest = after;
            continue;
        };
        let (value, after) = value_of(value.trim_start());
        if let Some((_, words)) = found.last_mut() {
            words.push((name.to_owned(), value));
        }
        rest = after;
    }
}

fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~/:".contains(c)
}

/// A token or a quoted text, and what follows it.
fn value_of(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(|c: char| !is_token(c)).unwrap_or(text.len());
        let (value, rest) = text.split_at(end);
        return (value.to_owned(), rest);
    };
    let mut value = String::new();
    let mut characters = quoted.chars();
    while let Some(c) = characters.next() {
        match c {
            '"' => break,
            '\\' => value.extend(characters.next()),
            c => value.push(c),
        }
    }
    (value, characters.as_str())
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// `response` of RFC 7616, 3.4.1, for `qop` auth.
fn response(algorithm: Digest, user: &[&str; 3], nonce: &[&str; 3], request: &[&str; 2]) -> String {
    let hash = |text: String| hex(&digest(algorithm, text.as_bytes()));
    let (a1, a2) = (hash(user.join(":")), hash(request.join(":")));
    hash(format!("{a1}:{}:auth:{a2}", nonce.join(":")))
}

impl Proof {
    pub(crate) fn of(challenge: Challenge) -> Self {
        Self { challenge, count: 0 }
    }

    /// The `Authorization` of a request. `cnonce` must be fresh for each challenge.
    pub(crate) fn answer(&mut self, user: &str, password: &str, cnonce: &str, method: &str, target: &str) -> String {
        self.count += 1;
        let Challenge {
            algorithm,
            named,
            realm,
            nonce,
            opaque,
            ..
        } = &self.challenge;
        let count = format!("{:08x}", self.count);
        let response = response(
            *algorithm,
            &[user, realm, password],
            &[nonce, &count, cnonce],
            &[method, target],
        );
        // A name that no quoted text can hold goes as RFC 8187 says.
        let name = if user.is_ascii() {
            format!("username={}", quoted(user))
        } else {
            let bytes = user.bytes().map(|b| match b {
                b if b.is_ascii_alphanumeric() => char::from(b).to_string(),
                b => format!("%{b:02X}"),
            });
            format!("username*=UTF-8''{}", bytes.collect::<String>())
        };
        let mut header = format!(
            "Digest {name}, realm={}, nonce={}, uri={}, response=\"{response}\", qop=auth, nc={count}, cnonce={}",
            quoted(realm),
            quoted(nonce),
            quoted(target),
            quoted(cnonce)
        );
        for (name, value) in [
            ("algorithm", named.as_deref()),
            ("opaque", opaque.as_deref().map(quoted).as_deref()),
        ] {
            if let Some(value) = value {
                header.push_str(&format!(", {name}={value}"));
            }
        }
        header
    }
}

/// The server half: the nonce of a second, which nobody else can make.
fn nonce(password: &str, second: i64) -> String {
    let mark = hmac(Digest::Sha256, password.as_bytes(), second.to_string().as_bytes());
    format!("{second:x}-{}", hex(&mark).get(..32).unwrap_or_default())
}

/// The server half: the headers that ask.
pub(crate) fn ask(password: &str, second: i64, stale: bool) -> Vec<(String, String)> {
    let old = if stale { ", stale=true" } else { "" };
    let one = |algorithm: &str| {
        let words = format!(
            "Digest realm=\"{REALM}\", qop=\"auth\", algorithm={algorithm}, nonce=\"{}\"{old}",
            nonce(password, second)
        );
        ("WWW-Authenticate".to_owned(), words)
    };
    vec![one("SHA-256"), one("MD5")]
}

/// The server half: whether a request proves that it knows the password. `Err(true)`: it does, by a nonce that is too old.
pub(crate) fn verify(request: &RawRequest, user: &str, password: &str, second: i64) -> Result<(), bool> {
    let header = request.header("Authorization").unwrap_or_default();
    let Some((_, words)) = challenges(header)
        .into_iter()
        .find(|(s, _)| s.eq_ignore_ascii_case("digest"))
    else {
        return Err(false);
    };
    let text = |name: &str| word(&words, name).unwrap_or_default();
    let algorithm = algorithm(word(&words, "algorithm")).ok_or(false)?;
    let right = response(
        algorithm,
        &[user, REALM, password],
        &[text("nonce"), text("nc"), text("cnonce")],
        &[&request.method, &request.target],
    );
    let made = text("nonce")
        .split_once('-')
        .and_then(|(s, _)| i64::from_str_radix(s, 16).ok());
    let made = made.filter(|made| ct_eq(nonce(password, *made).as_bytes(), text("nonce").as_bytes()));
    let fits = text("uri") == request.target && text("qop") == "auth" && !text("cnonce").is_empty();
    match made {
        Some(made) if fits && ct_eq(right.as_bytes(), text("response").as_bytes()) => {
            if (0..=LIVES).contains(&(second - made)) {
                Ok(())
            } else {
                Err(true)
            }
        }
        _ => Err(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7616, 3.9.1.
    const CHALLENGES: [&str; 2] = [
        "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm=SHA-256, \
         nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"",
        "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm=MD5, \
         nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"",
    ];
    const CNONCE: &str = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";

    fn headers(values: &[&str]) -> Vec<(String, String)> {
        values
            .iter()
            .map(|v| ("WWW-Authenticate".to_owned(), (*v).to_owned()))
            .collect()
    }

    #[test]
    fn the_examples_of_rfc_7616() {
        let answer = |values: &[&str]| {
            let mut proof = Proof::of(asked(&headers(values)).unwrap());
            proof.answer("Mufasa", "Circle of Life", CNONCE, "GET", "/dir/index.html")
        };
        let sha = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1";
        let md5 = "8ca523f5e9506fed4657c9700eebdbec";
        assert_eq!(
            answer(&CHALLENGES),
            format!(
                "Digest username=\"Mufasa\", realm=\"http-auth@example.org\", \
                 nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", uri=\"/dir/index.html\", response=\"{sha}\", \
                 qop=auth, nc=00000001, cnonce=\"{CNONCE}\", algorithm=SHA-256, \
                 opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
            )
        );
        assert!(answer(&CHALLENGES[1..]).contains(&format!("response=\"{md5}\"")));
        let together = format!("Basic realm=\"x, y=\\\"z\", {}, {}", CHALLENGES[1], CHALLENGES[0]);
        assert!(answer(&[&together]).contains(sha), "the stronger of one header");
    }

    /// RFC 2617, 3.5: no algorithm is MD5.
    #[test]
    fn the_example_of_rfc_2617() {
        let value = "Digest realm=\"testrealm@host.com\", qop=\"auth,auth-int\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", \
                     opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"";
        let mut proof = Proof::of(asked(&headers(&[value])).unwrap());
        let answer = proof.answer("Mufasa", "Circle Of Life", "0a4f113b", "GET", "/dir/index.html");
        assert!(
            answer.contains("response=\"6629fae49393a05397450978507c4ef1\""),
            "{answer}"
        );
        assert!(!answer.contains("algorithm"));
        let second = proof.answer("a\"b", "p", "0a4f113b", "GET", "/");
        assert!(
            second.contains("nc=00000002") && second.contains("username=\"a\\\"b\""),
            "{second}"
        );
        assert!(
            proof
                .answer("张三", "p", "c", "GET", "/")
                .contains("username*=UTF-8''%E5%BC%A0%E4%B8%89")
        );
    }

    #[test]
    fn what_cannot_be_answered_is_not() {
        for bad in [
            "Basic realm=\"x\"",
            "Digest realm=\"x\", nonce=\"n\"",
            "Digest realm=\"x\", nonce=\"n\", qop=\"auth-int\"",
            "Digest realm=\"x\", nonce=\"n\", qop=\"auth\", algorithm=SHA-512-256",
            "Digest realm=\"x\", nonce=\"\", qop=\"auth\"",
            "Digest realm=\"x\u{0}\", nonce=\"n\", qop=\"auth\"",
            "Digest nonce=\"n\", qop=\"auth\"",
            "Digest realm=\"x",
            "=,=\"\\",
            "",
        ] {
            assert_eq!(asked(&headers(&[bad])), None, "{bad}");
        }
        let long = format!("{},x=\"{}\"", CHALLENGES[0], "y".repeat(LONGEST));
        assert_eq!(asked(&headers(&[&long])), None);
    }

    #[test]
    fn both_halves_agree_and_a_changed_request_does_not() {
        let request = |target: &str, header: String| RawRequest {
            method: "POST".into(),
            target: target.into(),
            headers: vec![("Authorization".into(), header)],
            body: Vec::new(),
        };
        for strongest in [0, 1] {
            let challenge = asked(&ask("p1", 1_000, false)[strongest..]).unwrap();
            let mut proof = Proof::of(challenge);
            let header = proof.answer("u", "p1", "c", "POST", "/a?b=1");
            assert_eq!(verify(&request("/a?b=1", header.clone()), "u", "p1", 1_010), Ok(()));
            assert_eq!(verify(&request("/a?b=1", header.clone()), "u", "p1", 1_301), Err(true));
            assert_eq!(verify(&request("/a?b=2", header.clone()), "u", "p1", 1_010), Err(false));
            assert_eq!(verify(&request("/a?b=1", header.clone()), "v", "p1", 1_010), Err(false));
            assert_eq!(verify(&request("/a?b=1", header), "u", "p2", 1_010), Err(false));
        }
        assert!(asked(&ask("p1", 1_000, true)).unwrap().stale);
    }
}
