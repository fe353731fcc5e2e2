//! Forms and queries in any charset: `application/x-www-form-urlencoded` (WHATWG URL, section 5) over the bytes of the
//! upstream's charset, as old servers read it. `multipart/form-data` is in [`multipart`].

pub mod multipart;

use crate::charset::{Charset, CharsetError};

/// Most pairs a form may have.
const MAX_PAIRS: usize = 10_000;

/// What cannot be written or read as a form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// Characters or bytes outside of the charset.
    #[error(transparent)]
    Charset(#[from] CharsetError),
    /// More pairs than allowed.
    #[error("more than {MAX_PAIRS} pairs")]
    TooMany,
    /// Not a multipart body as its boundary says.
    #[error("not a multipart body: {0}")]
    Multipart(&'static str),
}

/// How characters are escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Escape {
    /// As browsers and Java's `URLEncoder` do: space is `+`, `*-._` stay.
    #[default]
    Form,
    /// As RFC 3986 says: space is `%20`, `-._~` stay.
    Percent,
    /// [`Escape::Form`] with lower-case hex, as .NET writes it.
    FormLower,
}

/// Escapes one name or value.
///
/// # Errors
/// [`CharsetError::Unmappable`].
pub fn escape(text: &str, charset: Charset, style: Escape) -> Result<String, CharsetError> {
    Ok(escape_bytes(&charset.encode(text)?, style))
}

/// Escapes bytes that are already in the charset.
#[must_use]
pub fn escape_bytes(bytes: &[u8], style: Escape) -> String {
    let mut out = String::with_capacity(bytes.len());
    for &byte in bytes {
        match (byte, style) {
            (b' ', Escape::Form | Escape::FormLower) => out.push('+'),
            (b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_', _)
            | (b'*', Escape::Form | Escape::FormLower)
            | (b'~', Escape::Percent) => out.push(char::from(byte)),
            (_, Escape::FormLower) => out.push_str(&format!("%{byte:02x}")),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// Bytes of an escaped name or value. `+` is a space; a `%` without two hex digits behind it stays, as the standard has
/// it.
#[must_use]
pub fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.as_bytes();
    while let Some((&first, rest)) = bytes.split_first() {
        let digits = rest.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        let byte = digits
            .filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|d| u8::from_str_radix(d, 16).ok());
        bytes = rest;
        match (first, byte) {
            (b'%', Some(byte)) => {
                out.push(byte);
                bytes = rest.get(2..).unwrap_or_default();
            }
            (b'+', _) => out.push(b' '),
            _ => out.push(first),
        }
    }
    out
}

/// Writes pairs in order. The result is ASCII.
///
/// # Errors
/// [`CharsetError::Unmappable`], if the charset cannot say a character.
pub fn encode<N: AsRef<str>, V: AsRef<str>>(
    pairs: impl IntoIterator<Item = (N, V)>,
    charset: Charset,
    style: Escape,
) -> Result<String, CharsetError> {
    let mut out = String::new();
    for (name, value) in pairs {
        if !out.is_empty() {
            out.push('&');
        }
        out.push_str(&escape(name.as_ref(), charset, style)?);
        out.push('=');
        out.push_str(&escape(value.as_ref(), charset, style)?);
    }
    Ok(out)
}

/// Reads pairs in order; repeated names stay repeated.
///
/// # Errors
/// [`FormError::Charset`] for bytes outside of the charset, [`FormError::TooMany`].
pub fn decode(text: &str, charset: Charset) -> Result<Vec<(String, String)>, FormError> {
    let mut pairs = Vec::new();
    for pair in text.split('&').filter(|p| !p.is_empty()) {
        if pairs.len() == MAX_PAIRS {
            return Err(FormError::TooMany);
        }
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        pairs.push((charset.decode(&unescape(name))?, charset.decode(&unescape(value))?));
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn gbk_bytes_are_escaped() {
        // Python: urllib.parse.quote_plus('张三 & co', encoding='gbk').
        let pairs = vec![pair("xm", "张三 & co"), pair("空", "")];
        let text = "xm=%D5%C5%C8%FD+%26+co&%BF%D5=";
        assert_eq!(encode(pairs.clone(), Charset::Gbk, Escape::Form).unwrap(), text);
        assert_eq!(decode(text, Charset::Gbk).unwrap(), pairs);
        assert!(encode([("xm", "𠮷")], Charset::Gbk, Escape::Form).is_err());
        assert_eq!(
            encode([("xm", "𠮷")], Charset::Gb18030, Escape::Form).unwrap(),
            "xm=%954%B25"
        );
    }

    #[test]
    fn the_three_ways_to_escape() {
        let of = |style| escape("a b*~/中", Charset::Utf8, style).unwrap();
        assert_eq!(of(Escape::Form), "a+b*%7E%2F%E4%B8%AD");
        assert_eq!(of(Escape::FormLower), "a+b*%7e%2f%e4%b8%ad");
        assert_eq!(of(Escape::Percent), "a%20b%2A~%2F%E4%B8%AD");
    }

    #[test]
    fn sloppy_forms_are_read() {
        assert_eq!(
            decode("a&b=1=2&&c=%zz%4&d=%41+", Charset::Utf8).unwrap(),
            [pair("a", ""), pair("b", "1=2"), pair("c", "%zz%4"), pair("d", "A ")]
        );
        assert!(matches!(decode("a=%D5", Charset::Utf8), Err(FormError::Charset(_))));
        assert_eq!(decode(&"a=1&".repeat(10_001), Charset::Utf8), Err(FormError::TooMany));
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(pairs in prop::collection::vec(("\\PC{1,8}", "\\PC{0,12}"), 0..6)) {
            for style in [Escape::Form, Escape::Percent, Escape::FormLower] {
                for charset in [Charset::Utf8, Charset::Gb18030] {
                    let text = encode(pairs.clone(), charset, style).unwrap();
                    prop_assert!(text.is_ascii());
                    prop_assert_eq!(&decode(&text, charset).unwrap(), &pairs);
                }
            }
        }
    }
}
