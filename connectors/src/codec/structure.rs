//! Values inside values: JSON in a text (quirk 3), base64 and hex of texts.

use super::CodecError;
use serde_json::Value;

/// How many levels of objects and lists an upstream may nest.
const DEPTH: usize = 32;

/// A step that packs a value into a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::codec) enum Structure {
    /// JSON in a text, with its depth limit.
    Json(usize),
    /// Base64 of the UTF-8 text.
    Base64,
    /// Lower-case hex of the UTF-8 text.
    Hex,
}

impl Structure {
    /// `json` or `json DEPTH`.
    pub(in crate::codec) fn json(rest: &str) -> Result<Self, String> {
        match rest {
            "" => Ok(Self::Json(DEPTH)),
            _ => match rest.parse() {
                Ok(depth) if (1..=64).contains(&depth) => Ok(Self::Json(depth)),
                _ => Err(format!("`json` takes nothing or a depth from 1 to 64, got `{rest}`")),
            },
        }
    }

    pub(in crate::codec) fn encode(self, value: &Value) -> Result<Value, CodecError> {
        let text = || value.as_str().ok_or_else(|| CodecError::new("a text", value));
        Ok(match self {
            Self::Json(_) => value.to_string().into(),
            Self::Base64 => hub_crypto::base64(text()?.as_bytes()).into(),
            Self::Hex => hub_crypto::hex(text()?.as_bytes()).into(),
        })
    }

    pub(in crate::codec) fn decode(self, value: &Value) -> Result<Value, CodecError> {
        // An upstream that mends itself and sends the object is understood too.
        let Some(text) = value.as_str() else {
            return match self {
                Self::Json(_) => Ok(value.clone()),
                _ => Err(CodecError::new("a text", value)),
            };
        };
        if text.trim().is_empty() {
            return Ok(Value::Null);
        }
        let as_text = |bytes: Result<Vec<u8>, _>, name: &str| {
            let text = bytes.ok().and_then(|b| String::from_utf8(b).ok());
            text.map(Value::from)
                .ok_or_else(|| CodecError::new(format!("{name} of a UTF-8 text"), value))
        };
        match self {
            Self::Json(depth) => parse_json(text, depth)
                .ok_or_else(|| CodecError::new(format!("JSON of at most {depth} levels in a text"), value)),
            Self::Base64 => as_text(hub_crypto::from_base64(text), "base64"),
            Self::Hex => as_text(hub_crypto::from_hex(text), "hex"),
        }
    }
}

/// Reads JSON of at most `depth` nested objects and lists. `None` if it is not JSON or deeper.
#[must_use]
pub fn parse_json(text: &str, depth: usize) -> Option<Value> {
    if deepest(text) > depth {
        return None;
    }
    serde_json::from_str(text).ok()
}

/// Nesting of brackets outside strings, counted before anything is built.
fn deepest(text: &str) -> usize {
    let (mut now, mut most, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => {
                now += 1;
                most = most.max(now);
            }
            b'}' | b']' if !quoted => now = now.saturating_sub(1),
            _ => {}
        }
    }
    most
}
