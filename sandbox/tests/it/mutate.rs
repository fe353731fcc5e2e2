//! Spoiling an answer: what upstreams, their gateways and their enemies do to good bytes.

use crate::rng::Rng;
use hub_core::RawResponse;
use serde_json::{Map, Value, json};

/// A code that no table and no contract has.
pub const UNKNOWN: &str = "ZZ-unknown-9";

/// Characters of a value that is far too long.
const HUGE: usize = 6_000;

/// What was done, as far as it decides what must come of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A value, a member, a byte: anything but an internal failure may come of it.
    Values,
    /// A page instead of data.
    Page,
    /// Not readable in any way.
    Broken,
    /// A document type, with or without entities.
    DocumentType,
    /// A status that is a failure.
    Status,
    /// No row, no file.
    Nothing,
}

/// One mutation of a good answer; `tree` is its body, if that is JSON.
pub fn mutate(good: &RawResponse, tree: Option<&Value>, rng: &mut Rng) -> (Kind, RawResponse) {
    let mut response = good.clone();
    let kind = match rng.below(20) {
        0 => page(&mut response, rng),
        1 => truncated(&mut response, rng),
        2 => other_charset(&mut response, rng),
        3 => {
            for _ in 0..=rng.below(4) {
                let at = rng.below(response.body.len().max(1));
                if let Some(byte) = response.body.get_mut(at) {
                    *byte = *rng.pick(&[0, b'"', b'<', b'{', b'}', b'&', 0xff, 0x80, b'9', b'\\', b']', b'>']);
                }
            }
            Kind::Values
        }
        4 => {
            response.status = *rng.pick(&[302, 400, 401, 403, 404, 409, 429, 500, 502, 503, 504]);
            Kind::Status
        }
        5 => deep(&mut response, rng),
        6 if is_xml(good) => {
            hostile_xml(&mut response, rng);
            Kind::DocumentType
        }
        _ => {
            values(&mut response, tree, rng);
            Kind::Values
        }
    };
    (kind, response)
}

fn is_xml(response: &RawResponse) -> bool {
    response.body.trim_ascii_start().starts_with(b"<")
}

fn page(response: &mut RawResponse, rng: &mut Rng) -> Kind {
    let pages = [
        "<!DOCTYPE html>\n<html><head><title>拦截</title></head><body>您的访问被拦截</body></html>",
        "<html><body><form action=/login.jsp></form></body></html>",
        "\u{feff}<HTML></HTML>",
        "  \r\n<script>location.href='/waf'</script>",
    ];
    response.body = rng.pick(&pages).as_bytes().to_vec();
    Kind::Page
}

fn truncated(response: &mut RawResponse, rng: &mut Rng) -> Kind {
    // The last byte may be white space, so at least two go; a text of one bracket is kept from being none.
    let length = response.body.trim_ascii_end().len();
    response.body.truncate(1 + rng.below(length.saturating_sub(2)));
    if is_xml(response) || response.body.starts_with(b"{") || response.body.starts_with(b"[") {
        Kind::Broken
    } else {
        Kind::Values
    }
}

fn other_charset(response: &mut RawResponse, rng: &mut Rng) -> Kind {
    let text = String::from_utf8_lossy(&response.body).into_owned();
    response.body = match rng.below(4) {
        0 => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        1 => [&[0xff, 0xfe][..], text.as_bytes()].concat(),
        2 => text.bytes().map(|b| if b < 0x80 { b } else { b ^ 0x20 }).collect(),
        _ => [&response.body[..], &[0xff, 0xff, 0x81]].concat(),
    };
    Kind::Values
}

fn deep(response: &mut RawResponse, rng: &mut Rng) -> Kind {
    let levels = *rng.pick(&[65, 300, 3_000]);
    response.body = if is_xml(response) {
        format!("{}x{}", "<a>".repeat(levels), "</a>".repeat(levels)).into_bytes()
    } else {
        format!("{}{}", "[".repeat(levels), "]".repeat(levels)).into_bytes()
    };
    Kind::Broken
}

fn hostile_xml(response: &mut RawResponse, rng: &mut Rng) {
    let types = [
        "<!DOCTYPE r [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;\">]>",
        "<!DOCTYPE r SYSTEM \"file:///etc/passwd\">",
        "<!DOCTYPE r [<!ENTITY x SYSTEM \"http://127.0.0.1/\">]>",
        "<!DOCTYPE r>",
    ];
    let body = std::mem::take(&mut response.body);
    let at = if body.starts_with(b"<?xml") {
        body.windows(2).position(|w| w == b"?>").map_or(0, |p| p + 2)
    } else {
        0
    };
    let (head, rest) = body.split_at(at);
    response.body = [head, rng.pick(&types).as_bytes(), rest].concat();
}

/// Unknown, missing, extra, null, wrong type, huge, nested.
fn values(response: &mut RawResponse, tree: Option<&Value>, rng: &mut Rng) {
    if let Some(tree) = tree {
        let mut tree = tree.clone();
        spoil(&mut tree, rng);
        response.body = tree.to_string().into_bytes();
    } else {
        spoil_text(&mut response.body, rng);
    }
}

fn spoil(tree: &mut Value, rng: &mut Rng) {
    match tree {
        Value::Object(map) if !map.is_empty() && !rng.one_in(8) => {
            let index = rng.below(map.len());
            let name = map.keys().nth(index).cloned().unwrap();
            if rng.one_in(7) {
                map.remove(&name);
            } else if rng.one_in(9) {
                map.insert("unannounced".to_owned(), bad_value(rng));
            } else {
                spoil(&mut map[&name], rng);
            }
        }
        Value::Array(items) if !items.is_empty() && !rng.one_in(8) => {
            let index = rng.below(items.len());
            if rng.one_in(7) {
                items.remove(index);
            } else {
                spoil(&mut items[index], rng);
            }
        }
        // A tree inside a text: spoil what is inside as well.
        Value::String(text) if text.starts_with(['{', '[']) && !rng.one_in(4) => {
            if let Ok(mut inner) = serde_json::from_str::<Value>(text) {
                spoil(&mut inner, rng);
                *text = inner.to_string();
            }
        }
        other => *other = bad_value(rng),
    }
}

fn bad_value(rng: &mut Rng) -> Value {
    match rng.below(16) {
        0..=4 => json!(UNKNOWN),
        5 => Value::Null,
        6 => json!({"unexpected": [1, {"deep": true}]}),
        7 => json!([]),
        8 => json!([{}]),
        9 => Value::Object(Map::new()),
        10 => json!(""),
        11 => json!(true),
        12 => json!(-1),
        13 => serde_json::from_str("1e400").unwrap(),
        14 => json!("9".repeat(HUGE)),
        _ => (0..60).fold(json!(1), |inner, _| json!([inner])),
    }
}

/// The text between two tags, plain or escaped, is replaced; or a whole element goes, or comes twice.
fn spoil_text(body: &mut Vec<u8>, rng: &mut Rng) {
    let ends: Vec<usize> = (0..body.len())
        .filter(|at| body[*at..].starts_with(b">") || body[*at..].starts_with(b"&gt;"))
        .map(|at| at + if body[at] == b'>' { 1 } else { 4 })
        .collect();
    if ends.is_empty() {
        *body = UNKNOWN.as_bytes().to_vec();
        return;
    }
    let from = *rng.pick(&ends);
    let rest = &body[from..];
    let until = rest
        .iter()
        .position(|b| *b == b'<' || *b == b'&')
        .map_or(body.len(), |p| from + p);
    let new: Vec<u8> = match rng.below(9) {
        0..=3 => UNKNOWN.as_bytes().to_vec(),
        4 => Vec::new(),
        5 => "9".repeat(HUGE).into_bytes(),
        6 => b"<unexpected><deep>1</deep></unexpected>".to_vec(),
        7 => b"&undefined;".to_vec(),
        _ => b"\x00\x0b".to_vec(),
    };
    body.splice(from..until, new);
}
