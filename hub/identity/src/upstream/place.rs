//! Finding things in answers.

use super::file::{Hop, Place};
use hub_crypto::{from_base64, from_base64_url};
use serde_json::Value;
use std::borrow::Cow;

/// Longest value taken from an answer, in bytes.
const LONGEST: usize = 8 * 1024;

impl Place {
    /// Reads a place.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let hops = text.split('#').map(|hop| match hop {
            "base64" => Some(Hop::Base64),
            "url" => Some(Hop::Url),
            pointer if pointer.starts_with('/') => Some(Hop::Pointer(pointer.to_owned())),
            "" => None,
            member => Some(Hop::Pointer(format!("/{}", hub_catalog::document::escape(member)))),
        });
        hops.collect::<Option<Vec<_>>>().map(Self)
    }

    /// What stands there: a value that is no object and no list, as a text.
    pub(crate) fn text(&self, answer: &Value) -> Option<String> {
        let mut at = Cow::Borrowed(answer);
        for hop in &self.0 {
            at = match hop {
                Hop::Pointer(pointer) => {
                    // A text on the way is JSON of its own.
                    if let Value::String(inner) = at.as_ref() {
                        at = Cow::Owned(serde_json::from_str(inner).ok()?);
                    }
                    Cow::Owned(at.pointer(pointer)?.clone())
                }
                Hop::Base64 => {
                    let text = at.as_str()?.trim();
                    let bytes = from_base64(text).or_else(|_| from_base64_url(text.trim_end_matches('=')));
                    Cow::Owned(String::from_utf8(bytes.ok()?).ok()?.into())
                }
                Hop::Url => {
                    let plain = hub_connectors::form::unescape(at.as_str()?);
                    Cow::Owned(String::from_utf8(plain).ok()?.into())
                }
            };
        }
        let text = match at.into_owned() {
            Value::String(text) => text,
            Value::Null | Value::Array(_) | Value::Object(_) => return None,
            other => other.to_string(),
        };
        (text.len() <= LONGEST).then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn places_reach_into_texts() {
        let answer = json!({
            "code": 0, "data": "{\"user\":{\"id\":\"u1\"}}", "info": hub_crypto::base64(b"{\"uid\":\"u2\"}"), "x": "a%20b", "n": null,
        });
        let at = |text: &str| Place::parse(text).unwrap().text(&answer);
        assert_eq!(at("code").as_deref(), Some("0"));
        assert_eq!(at("/data#/user/id").as_deref(), Some("u1"));
        assert_eq!(at("info#base64#/uid").as_deref(), Some("u2"));
        assert_eq!(at("x#url").as_deref(), Some("a b"));
        for nothing in ["n", "/data#/user", "missing", "/data#base64"] {
            assert_eq!(at(nothing), None, "{nothing}");
        }
        assert_eq!(Place::parse("a##b"), None);
    }
}
