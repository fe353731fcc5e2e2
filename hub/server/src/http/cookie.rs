//! The one cookie: a random name for a browser, which means something only to the OpenID provider.

use actix_web::HttpRequest;
use actix_web::http::header::COOKIE;

/// Longest value read.
const LONGEST: usize = 128;

/// Name and attributes of the cookie at an address.
///
/// Under `https` it has the prefix `__Host-`, so that no other host of the domain can set it. Browsers take that prefix with
/// `Secure` only, and some of them no `Secure` cookie over plain http, not even on loopback; so there it has another name.
fn name(base: &str) -> (&'static str, &'static str) {
    if base.starts_with("https://") {
        ("__Host-hub", "; Secure")
    } else {
        ("hub-local", "")
    }
}

/// The value the browser sent, if it sent one and no other beside it.
#[must_use]
pub fn read(http: &HttpRequest, base: &str) -> Option<String> {
    let (name, _) = name(base);
    let mut found = http
        .headers()
        .get_all(COOKIE)
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(n, _)| *n == name)
        .map(|(_, value)| value);
    let first = found.next()?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    let good = found.next().is_none() && !first.is_empty() && first.len() <= LONGEST && first.bytes().all(plain);
    good.then(|| first.to_owned())
}

/// The header that sets it; it goes with the browser's session.
#[must_use]
pub fn set(base: &str, value: &str) -> String {
    let (name, secure) = name(base);
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}")
}

/// The header that removes it.
#[must_use]
pub fn removed(base: &str) -> String {
    set(base, "gone") + "; Max-Age=0"
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn attack_31_the_cookie_is_closed() {
        assert_eq!(
            set("https://hub.example", "abc"),
            "__Host-hub=abc; Path=/; HttpOnly; SameSite=Lax; Secure"
        );
        assert_eq!(
            set("http://127.0.0.1:8080", "abc"),
            "hub-local=abc; Path=/; HttpOnly; SameSite=Lax"
        );
        let read = |cookies: &str| {
            let http = TestRequest::default()
                .insert_header(("cookie", cookies))
                .to_http_request();
            read(&http, "https://hub.example")
        };
        assert_eq!(read("a=b; __Host-hub=abc").as_deref(), Some("abc"));
        for bad in [
            "hub=abc",
            "__Host-hub=",
            "__Host-hub=a b",
            "__Host-hub=a; __Host-hub=b",
            "hub-local=abc",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
