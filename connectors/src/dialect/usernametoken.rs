//! WS-Security UsernameToken Profile 1.0 (OASIS, 2004): a user and a password, plain or as a digest, in the SOAP header.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hub_core::time::Timestamp;
use hub_crypto::{Digest, ct_eq, digest};
use serde_json::{Map, Value, json};

const WSSE: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
const WSU: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";
const PROFILE: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0";
const BASE64: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary";

/// `Base64(SHA-1(nonce + created + password))`.
#[must_use]
pub fn password_digest(nonce: &[u8], created: &str, password: &str) -> String {
    let mut data = nonce.to_vec();
    data.extend_from_slice(created.as_bytes());
    data.extend_from_slice(password.as_bytes());
    STANDARD.encode(digest(Digest::Sha1, &data))
}

/// The header element (client half).
#[must_use]
pub fn write(user: &str, password: &str, digested: bool, nonce: &[u8], now: Timestamp) -> (String, Value) {
    let created = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let mut token = Map::new();
    token.insert("wsse:Username".into(), user.into());
    if digested {
        let password = password_digest(nonce, &created, password);
        token.insert(
            "wsse:Password".into(),
            json!({"@Type": format!("{PROFILE}#PasswordDigest"), "#text": password}),
        );
        token.insert(
            "wsse:Nonce".into(),
            json!({"@EncodingType": BASE64, "#text": STANDARD.encode(nonce)}),
        );
        token.insert("wsu:Created".into(), created.into());
    } else {
        token.insert(
            "wsse:Password".into(),
            json!({"@Type": format!("{PROFILE}#PasswordText"), "#text": password}),
        );
    }
    let security = json!({"@xmlns:wsse": WSSE, "@xmlns:wsu": WSU, "wsse:UsernameToken": token});
    ("wsse:Security".to_owned(), security)
}

/// Whether a header as read carries this user and password (server half).
#[must_use]
pub fn verify(head: &Value, user: &str, password: &str) -> bool {
    let Some(token) = head.pointer("/Security/UsernameToken") else {
        return false;
    };
    let text = |name: &str| match token.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other
            .get("#text")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
        None => String::new(),
    };
    let digested = token
        .pointer("/Password/@Type")
        .and_then(Value::as_str)
        .is_some_and(|t| t.ends_with("#PasswordDigest"));
    let expected = if digested {
        let nonce = STANDARD.decode(text("Nonce")).unwrap_or_default();
        password_digest(&nonce, &text("Created"), password)
    } else {
        password.to_owned()
    };
    ct_eq(text("Username").as_bytes(), user.as_bytes()) & ct_eq(text("Password").as_bytes(), expected.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed with another tool: `printf %s NONCE CREATED PASSWORD | openssl sha1 -binary | base64`.
    #[test]
    fn a_digest_computed_with_another_tool() {
        let digest = password_digest(b"0123456789abcdef", "2026-04-08T02:15:30Z", "secret");
        assert_eq!(digest, "2wVkEWXHHXXxTSEBylVxoiMnqYA=");
    }

    #[test]
    fn both_kinds_are_verified() {
        for digested in [false, true] {
            let now: Timestamp = "2026-04-08T02:15:30Z".parse().unwrap();
            let (_, security) = write("hub", "pw", digested, b"0123456789abcdef", now);
            let text = crate::xml::write(
                "Header",
                &json!({"wsse:Security": security}),
                &crate::xml::Style::default(),
            )
            .unwrap();
            let head = crate::xml::parse(&text, crate::xml::Limits::default())
                .unwrap()
                .to_value();
            assert!(verify(&head, "hub", "pw"));
            assert!(!verify(&head, "hub", "other"));
            assert!(!verify(&json!({}), "hub", "pw"));
        }
    }
}
