//! Bodies in parts (RFC 7578): forms with files in them.

use super::media::plain;
use serde_json::Value;

/// What separates the parts that are written here. Values are JSON texts or invented ones, which hold no line like it.
pub(super) const BOUNDARY: &str = "hub-mock-5b1c0a";

/// Parts read of one body.
const MOST: usize = 1_000;

/// Name and text of every part; a file's bytes as far as they are text. `None` where the body is not in parts.
#[must_use]
pub fn read(media: &str, body: &[u8]) -> Option<Vec<(String, String)>> {
    let boundary = media.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let is_it = name.trim().eq_ignore_ascii_case("boundary");
        is_it.then(|| value.trim().trim_matches('"'))
    })?;
    let line = format!("--{boundary}");
    let mut rest = body.get(find(body, line.as_bytes())?..)?;
    let mut parts = Vec::new();
    while parts.len() < MOST {
        rest = rest.get(line.len()..)?;
        if rest.starts_with(b"--") {
            return Some(parts);
        }
        let begin = find(rest, b"\n")? + 1;
        let end = find(rest, format!("\n{line}").as_bytes())?;
        let part = rest.get(begin..end.max(begin))?;
        parts.extend(one(part.strip_suffix(b"\r").unwrap_or(part)));
        rest = rest.get(end + 1..)?;
    }
    None
}

fn one(part: &[u8]) -> Option<(String, String)> {
    let (head, body) = match (find(part, b"\r\n\r\n"), find(part, b"\n\n")) {
        (Some(at), _) => (part.get(..at)?, part.get(at + 4..)?),
        (None, Some(at)) => (part.get(..at)?, part.get(at + 2..)?),
        (None, None) => (part, &b""[..]),
    };
    let head = String::from_utf8_lossy(head);
    let disposition = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("content-disposition").then_some(value)
    })?;
    let name = disposition.split(';').find_map(|p| p.trim().strip_prefix("name="))?;
    Some((
        name.trim_matches('"').to_owned(),
        String::from_utf8_lossy(body).into_owned(),
    ))
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len().max(1)).position(|window| window == wanted)
}

/// A form in parts.
pub(super) fn write(value: &Value) -> Vec<u8> {
    let mut out = String::new();
    let mut part = |name: &str, value: &Value| {
        let name = name.replace('"', "%22");
        let kind = match value {
            Value::Object(_) | Value::Array(_) => "Content-Type: application/json\r\n",
            _ => "",
        };
        let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n{kind}\r\n");
        out += &(head + &plain(value) + "\r\n");
    };
    for (name, value) in value.as_object().into_iter().flatten() {
        match value {
            Value::Array(items) => items.iter().for_each(|item| part(name, item)),
            other => part(name, other),
        }
    }
    out += &format!("--{BOUNDARY}--\r\n");
    out.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn parts_come_back_as_they_were_written() {
        let media = format!("multipart/form-data; boundary=\"{BOUNDARY}\"");
        let written = write(&json!({"a": "x\r\ny", "tags": ["b", "c"], "o": {"k": 1}}));
        let pair = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        let wanted = vec![
            pair("a", "x\r\ny"),
            pair("tags", "b"),
            pair("tags", "c"),
            pair("o", r#"{"k":1}"#),
        ];
        assert_eq!(read(&media, &written), Some(wanted));
        let curl = b"--xyz\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\nhi\n\r\n--xyz--\r\n";
        assert_eq!(
            read("multipart/form-data; boundary=xyz", curl),
            Some(vec![pair("f", "hi\n")])
        );
        assert_eq!(read("multipart/form-data", curl), None);
        assert_eq!(read("multipart/form-data; boundary=xyz", b"--xyz\r\nno end"), None);
        assert_eq!(read("multipart/form-data; boundary=xyz", b"--xyz--"), Some(vec![]));
    }
}
