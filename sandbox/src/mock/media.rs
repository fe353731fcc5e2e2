//! Values as bytes of a media type.

use super::place::Place;
use super::{Mock, multipart, xml};
use serde_json::Value;

/// How common kinds of files begin, so that a program that looks at them knows them.
const BEGINNINGS: [(&str, &[u8]); 8] = [
    ("application/pdf", b"%PDF-1.7\n"),
    ("application/zip", b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
    (
        "application/gzip",
        b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x03\0\0\0\0\0\0\0\0\0",
    ),
    ("image/png", b"\x89PNG\r\n\x1a\n"),
    ("image/jpeg", b"\xff\xd8\xff\xe0"),
    ("image/gif", b"GIF89a"),
    ("image/tiff", b"II*\0"),
    ("audio/mpeg", b"ID3"),
];

/// A media type without its parameters, lower case.
pub(super) fn base(media: &str) -> String {
    media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether a media type holds JSON (RFC 6839, 3.1). A range that leaves it open is answered in JSON.
pub(super) fn is_json(media: &str) -> bool {
    let base = base(media);
    base.ends_with("+json")
        || ["application/json", "text/json", "*/*", "application/*", "json"].contains(&base.as_str())
}

fn is_xml(base: &str) -> bool {
    base.ends_with("+xml") || base == "application/xml" || base == "text/xml"
}

/// Whether a range and a media type meet; either may hold `*`.
pub(super) fn matches(range: &str, media: &str) -> bool {
    let (range, media) = (base(range), base(media));
    let meets = |a: &str, b: &str| a == b || a == "*" || b == "*";
    match (range.split_once('/'), media.split_once('/')) {
        (Some((a, b)), Some((c, d))) => meets(a, c) && meets(b, d),
        _ => range == media || range == "*",
    }
}

/// The media type that is sent for one that is declared.
pub(super) fn sent(media: &str) -> String {
    match base(media).as_str() {
        "*/*" | "application/*" => "application/json".to_owned(),
        "text/*" => "text/plain; charset=utf-8".to_owned(),
        "image/*" => "image/png".to_owned(),
        "multipart/form-data" if !media.contains("boundary=") => format!("{media}; boundary={}", multipart::BOUNDARY),
        base if base.ends_with("/*") => "application/octet-stream".to_owned(),
        base if base.starts_with("text/") && !media.contains(';') => format!("{media}; charset=utf-8"),
        _ => media.to_owned(),
    }
}

/// A value as it is sent.
pub(super) fn write(mock: &Mock, media: &str, schema: Option<&Place<'_>>, value: &Value) -> Vec<u8> {
    let base = base(media);
    if is_json(media) {
        return value.to_string().into_bytes();
    }
    if is_xml(&base) {
        return xml::document(mock, schema, value).into_bytes();
    }
    match (base.as_str(), value) {
        ("application/x-www-form-urlencoded", value) => form(value).into_bytes(),
        ("multipart/form-data", value) => multipart::write(value),
        ("text/csv", Value::Array(rows)) => csv(rows).into_bytes(),
        ("text/event-stream", Value::Array(items)) => lines(items, "data: ", "\n\n"),
        ("application/json-seq", Value::Array(items)) => lines(items, "\u{1e}", "\n"),
        (other, Value::Array(items)) if other.contains("jsonl") || other.contains("ndjson") => lines(items, "", "\n"),
        (_, Value::String(text)) => binary(&base, text),
        (_, value) => value.to_string().into_bytes(),
    }
}

fn binary(base: &str, text: &str) -> Vec<u8> {
    let beginning = BEGINNINGS.iter().find(|(media, _)| *media == base);
    let head = beginning.map_or(&b""[..], |(_, bytes)| bytes);
    [head, text.as_bytes()].concat()
}

fn lines(items: &[Value], before: &str, after: &str) -> Vec<u8> {
    let all: String = items.iter().map(|item| format!("{before}{item}{after}")).collect();
    all.into_bytes()
}

/// A scalar as bare text, everything else as JSON.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A form (WHATWG URL, 5.2).
pub(super) fn form(value: &Value) -> String {
    let mut pairs = Vec::new();
    for (name, value) in value.as_object().into_iter().flatten() {
        match value {
            Value::Array(items) => pairs.extend(items.iter().map(|item| (name, plain(item)))),
            other => pairs.push((name, plain(other))),
        }
    }
    let all: Vec<String> = pairs
        .into_iter()
        .map(|(name, value)| format!("{}={}", percent_encoded(name), percent_encoded(&value)))
        .collect();
    all.join("&")
}

/// Everything but unreserved characters in percent (RFC 3986, 2.1).
pub(super) fn percent_encoded(text: &str) -> String {
    let one = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(one).collect()
}

/// Rows with the names of the first in front (RFC 4180).
fn csv(rows: &[Value]) -> String {
    let cell = |text: String| match text.contains(['"', ',', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    };
    let mut out = String::new();
    let names: Vec<&String> = rows
        .first()
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(|r| r.keys())
        .collect();
    if !names.is_empty() {
        let head: Vec<String> = names.iter().map(|n| cell((*n).clone())).collect();
        out += &(head.join(",") + "\r\n");
    }
    for row in rows {
        let cells: Vec<String> = match row {
            Value::Object(map) => names
                .iter()
                .map(|n| cell(map.get(*n).map(plain).unwrap_or_default()))
                .collect(),
            Value::Array(cells) => cells.iter().map(|v| cell(plain(v))).collect(),
            other => vec![cell(plain(other))],
        };
        out += &(cells.join(",") + "\r\n");
    }
    out
}
