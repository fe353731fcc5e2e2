//! `multipart/form-data` (RFC 7578), bounded.

use super::FormError;
use crate::charset::Charset;

/// Most parts a body may have.
const MAX_PARTS: usize = 1_000;

/// One part of a body.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Part {
    /// Name of the field.
    pub name: String,
    /// Name of the file, if it is one.
    pub file_name: Option<String>,
    /// Media type, if it says one.
    pub content_type: Option<String>,
    /// Its bytes; text in the form's charset.
    pub bytes: Vec<u8>,
}

/// Media type of a body with this boundary.
#[must_use]
pub fn content_type(boundary: &str) -> String {
    format!("multipart/form-data; boundary={boundary}")
}

/// The boundary that a `Content-Type` header names.
#[must_use]
pub fn boundary(content_type: &str) -> Option<&str> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().to_ascii_lowercase().starts_with("multipart/") {
        return None;
    }
    let value = parameter(parameters, "boundary")?;
    (1..=70).contains(&value.len()).then_some(value)
}

/// Writes parts. The boundary must not occur in them: make it from 16 random bytes.
///
/// # Errors
/// [`FormError::Charset`] for names outside of the charset.
pub fn write(parts: &[Part], boundary: &str, charset: Charset) -> Result<Vec<u8>, FormError> {
    let mut out = Vec::new();
    for part in parts {
        let mut head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"",
            quoted(&part.name)
        );
        if let Some(file) = &part.file_name {
            head.push_str(&format!("; filename=\"{}\"", quoted(file)));
        }
        head.push_str("\r\n");
        if let Some(kind) = &part.content_type {
            head.push_str(&format!("Content-Type: {}\r\n", one_line(kind)));
        }
        head.push_str("\r\n");
        out.extend_from_slice(&charset.encode(&head)?);
        out.extend_from_slice(&part.bytes);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    Ok(out)
}

/// Reads parts.
///
/// # Errors
/// [`FormError::Multipart`] if the body is not what the boundary promises, [`FormError::Charset`] for names outside of
/// the charset.
pub fn read(body: &[u8], boundary: &str, charset: Charset) -> Result<Vec<Part>, FormError> {
    let delimiter = format!("--{boundary}").into_bytes();
    let start = find(body, &delimiter).ok_or(FormError::Multipart("the boundary is missing"))?;
    let mut rest = body.get(start + delimiter.len()..).unwrap_or_default();
    // Every further delimiter has a line break in front that is not part of the content.
    let inner = [b"\r\n".as_slice(), &delimiter].concat();
    let mut parts = Vec::new();
    while !rest.starts_with(b"--") {
        if parts.len() == MAX_PARTS {
            return Err(FormError::Multipart("too many parts"));
        }
        let padding = rest.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        let line = rest.get(padding..).unwrap_or_default().strip_prefix(b"\r\n".as_slice());
        let content = line.ok_or(FormError::Multipart("a boundary does not end its line"))?;
        let end = find(content, &inner).ok_or(FormError::Multipart("the last boundary is missing"))?;
        let (whole, after) = content.split_at_checked(end).unwrap_or((content, &[]));
        parts.push(part(whole, charset)?);
        rest = after.get(inner.len()..).unwrap_or_default();
    }
    Ok(parts)
}

fn part(whole: &[u8], charset: Charset) -> Result<Part, FormError> {
    let (head, bytes) = match find(whole, b"\r\n\r\n") {
        Some(end) => whole.split_at_checked(end).unwrap_or((whole, &[])),
        None => return Err(FormError::Multipart("a part has no head")),
    };
    let head = charset.decode(head)?;
    let header = |name: &str| {
        head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.trim().eq_ignore_ascii_case(name).then(|| value.trim())
        })
    };
    let disposition = header("Content-Disposition").ok_or(FormError::Multipart("a part has no Content-Disposition"))?;
    let name = parameter(disposition, "name").ok_or(FormError::Multipart("a part has no name"))?;
    Ok(Part {
        name: unquoted(name),
        file_name: parameter(disposition, "filename").map(unquoted),
        content_type: header("Content-Type").map(str::to_owned),
        bytes: bytes.get(4..).unwrap_or_default().to_vec(),
    })
}

/// A parameter of a header value; quotes are taken off.
fn parameter<'t>(text: &'t str, wanted: &str) -> Option<&'t str> {
    let mut rest = text;
    loop {
        let (name, after) = rest.split_once('=')?;
        let name = name.rsplit(';').next().unwrap_or(name).trim();
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_once(';').unwrap_or((after, "")),
        };
        if name.eq_ignore_ascii_case(wanted) {
            return Some(value.trim());
        }
        rest = next;
    }
}

/// WHATWG HTML, "multipart/form-data encoding algorithm".
fn quoted(text: &str) -> String {
    text.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

fn unquoted(text: &str) -> String {
    text.replace("%22", "\"").replace("%0D", "\r").replace("%0A", "\n")
}

fn one_line(text: &str) -> String {
    text.replace(['\r', '\n'], " ")
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    // RFC 7578 describes the form; these are the bytes a browser sends for it.
    const BODY: &[u8] = b"--AaB03x\r\n\
        Content-Disposition: form-data; name=\"field1\"\r\n\r\n\
        Joe owes =80100.\r\n\
        --AaB03x\r\n\
        content-disposition: form-data; name=\"pics\"; filename=\"a%22b.txt\"\r\n\
        Content-Type: text/plain\r\n\r\n\
        \r\n--AaB03\x00\r\n\
        --AaB03x--\r\n";

    #[test]
    fn reads_a_browsers_form() {
        let parts = read(BODY, "AaB03x", Charset::Utf8).unwrap();
        let [field, file] = parts.as_slice() else {
            panic!("{parts:?}")
        };
        assert_eq!(
            (field.name.as_str(), field.bytes.as_slice()),
            ("field1", b"Joe owes =80100.".as_slice())
        );
        assert_eq!(file.file_name.as_deref(), Some("a\"b.txt"));
        assert_eq!(file.content_type.as_deref(), Some("text/plain"));
        assert_eq!(file.bytes, b"\r\n--AaB03\x00");
    }

    #[test]
    fn writes_what_it_reads() {
        let part = Part {
            name: "文件".into(),
            file_name: Some("证\"件.jpg".into()),
            content_type: Some("image/jpeg".into()),
            bytes: vec![0xff, 0xd8],
        };
        let body = write(std::slice::from_ref(&part), "b1", Charset::Gbk).unwrap();
        let expected = [
            b"--b1\r\nContent-Disposition: form-data; name=\"\xce\xc4\xbc\xfe\"; filename=\"\xd6\xa4%22\xbc\xfe.jpg\"\r\n".as_slice(),
            b"Content-Type: image/jpeg\r\n\r\n\xff\xd8\r\n--b1--\r\n",
        ]
        .concat();
        assert_eq!(body, expected);
        assert_eq!(read(&body, "b1", Charset::Gbk).unwrap(), [part]);
        assert_eq!(read(b"--b1--", "b1", Charset::Utf8).unwrap(), []);
    }

    #[test]
    fn broken_bodies_are_refused() {
        let error = |body: &[u8]| match read(body, "b", Charset::Utf8) {
            Err(FormError::Multipart(what)) => what,
            other => panic!("{other:?}"),
        };
        assert_eq!(error(b""), "the boundary is missing");
        assert_eq!(
            error(b"--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx"),
            "the last boundary is missing"
        );
        assert_eq!(error(b"--bb\r\n"), "a boundary does not end its line");
        assert_eq!(error(b"--b\r\nx\r\n--b--"), "a part has no head");
        assert_eq!(
            error(b"--b\r\nA: b\r\n\r\n\r\n--b--"),
            "a part has no Content-Disposition"
        );
    }

    #[test]
    fn boundaries_are_found() {
        assert_eq!(
            boundary("multipart/form-data; charset=utf-8; boundary=\"x y\""),
            Some("x y")
        );
        assert_eq!(boundary("Multipart/Form-Data;boundary=x"), Some("x"));
        assert_eq!(boundary("text/plain; boundary=x"), None);
        assert_eq!(content_type("x"), "multipart/form-data; boundary=x");
    }

    proptest! {
        #[test]
        fn bodies_return(parts in prop::collection::vec(("\\PC{1,6}", prop::option::of("\\PC{1,6}"), prop::collection::vec(any::<u8>(), 0..40)), 0..4)) {
            let parts: Vec<Part> = parts.into_iter().map(|(name, file_name, bytes)| Part { name: name.trim().into(), file_name: file_name.map(|f| f.trim().into()), content_type: None, bytes }).collect();
            prop_assume!(parts.iter().all(|p| !p.name.contains("%") && !p.file_name.as_deref().unwrap_or("").contains('%')));
            let body = write(&parts, "0123456789abcdef", Charset::Utf8).unwrap();
            prop_assert_eq!(read(&body, "0123456789abcdef", Charset::Utf8).unwrap(), parts);
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(prop_oneof![Just(b'-'), Just(b'b'), Just(b'\r'), Just(b'\n'), Just(b':'), any::<u8>()], 0..80)) {
            let _ = read(&bytes, "b", Charset::Utf8);
        }
    }
}
