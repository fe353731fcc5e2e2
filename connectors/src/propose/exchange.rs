//! Recorded exchanges: raw HTTP text as proxies and terminals show it, and HAR 1.2 files as browsers save them.

use super::ProposeError;
use base64::Engine;
use hub_core::{RawRequest, RawResponse, Text};
use serde_json::Value;

/// A request and its answer.
#[derive(Debug, Clone, Default)]
pub(super) struct Exchange {
    /// What the author calls it: `### operation` in front of the request, as files of HTTP clients have it.
    pub(super) label: Option<String>,
    pub(super) host: Option<String>,
    pub(super) request: RawRequest,
    pub(super) response: RawResponse,
}

/// Whether bytes look like a recorded exchange: they start with a request line.
pub(super) fn looks_recorded(bytes: &[u8]) -> bool {
    let first = bytes
        .split(|b| *b == b'\n')
        .find(|l| !l.trim_ascii().is_empty() && label(l).is_none());
    first.is_some_and(|line| start(line).is_some())
}

/// `### operation`.
fn label(line: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(line).ok()?.trim();
    text.strip_prefix("### ").map(|name| name.trim().to_owned())
}

enum Start {
    Request { method: String, target: String },
    Response { status: u16 },
}

/// A request line or a status line (RFC 9112, 3 and 4), with or without the `> ` and `< ` that terminals put before it.
fn start(line: &[u8]) -> Option<Start> {
    let line = std::str::from_utf8(line).ok()?.trim();
    let line = line
        .strip_prefix("> ")
        .or_else(|| line.strip_prefix("< "))
        .unwrap_or(line);
    let mut words = line.split(' ');
    let (first, second, third) = (words.next()?, words.next()?, words.next());
    if first.starts_with("HTTP/") {
        let status = second.parse().ok()?;
        return Some(Start::Response { status });
    }
    let is_method = !first.is_empty() && first.len() <= 8 && first.bytes().all(|b| b.is_ascii_uppercase());
    (is_method && third?.starts_with("HTTP/")).then(|| Start::Request {
        method: first.to_owned(),
        target: second.to_owned(),
    })
}

/// Reads raw HTTP text: request, answer, request, answer. A request without an answer keeps an empty one.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Exchange>, ProposeError> {
    let mut found: Vec<Exchange> = Vec::new();
    let mut lines = bytes.split_inclusive(|b| *b == b'\n').peekable();
    let mut named = None;
    while let Some(line) = lines.next() {
        named = label(line).or(named);
        let Some(begun) = start(line) else { continue };
        let mut headers = Vec::new();
        for line in lines.by_ref() {
            let text = String::from_utf8_lossy(line);
            let text = text.trim();
            let text = text
                .strip_prefix("> ")
                .or_else(|| text.strip_prefix("< "))
                .unwrap_or(text);
            if text.is_empty() || text == ">" || text == "<" {
                break;
            }
            if let Some((name, value)) = text.split_once(':') {
                headers.push((name.trim().to_owned(), value.trim().to_owned()));
            }
        }
        let mut body = Vec::new();
        while let Some(line) = lines.next_if(|l| start(l).is_none() && label(l).is_none()) {
            body.extend_from_slice(line);
        }
        let body = body.trim_ascii_end().to_vec();
        match begun {
            Start::Request { method, target } => {
                let (host, target) = split_host(&target);
                let in_header = headers
                    .iter()
                    .find(|(n, _)| n.eq_ignore_ascii_case("host"))
                    .map(|(_, v)| v.clone());
                found.push(Exchange {
                    label: named.take(),
                    host: host.or(in_header),
                    request: RawRequest {
                        method,
                        target,
                        headers,
                        body,
                    },
                    response: RawResponse::default(),
                });
            }
            Start::Response { status } => {
                if let Some(last) = found.last_mut() {
                    last.response = RawResponse { status, headers, body };
                }
            }
        }
    }
    if found.is_empty() {
        return Err(ProposeError::Nothing(Text::new("没有请求", "it has no requests")));
    }
    Ok(found)
}

fn split_host(target: &str) -> (Option<String>, String) {
    match url::Url::parse(target) {
        Ok(url) if url.has_host() => {
            let path = match url.query() {
                Some(query) => format!("{}?{query}", url.path()),
                None => url.path().to_owned(),
            };
            (url.host_str().map(str::to_owned), path)
        }
        _ => (None, target.to_owned()),
    }
}

/// What browsers load besides data.
const SCENERY: &[&str] = &[
    "html",
    "css",
    "javascript",
    "image/",
    "font/",
    "video/",
    "audio/",
    "octet-stream",
    "wasm",
];

/// Reads a HAR file: calls for data only, of the host that has most of them.
pub(super) fn read_har(har: &Value) -> Result<Vec<Exchange>, ProposeError> {
    let entries = har.pointer("/log/entries").and_then(Value::as_array);
    let entries = entries.ok_or_else(|| ProposeError::Unreadable("no `log.entries`".to_owned()))?;
    let all: Vec<Exchange> = entries.iter().filter_map(entry).collect();
    let mut hosts: Vec<(&str, usize)> = Vec::new();
    for host in all.iter().filter_map(|e| e.host.as_deref()) {
        match hosts.iter_mut().find(|(h, _)| *h == host) {
            Some((_, count)) => *count += 1,
            None => hosts.push((host, 1)),
        }
    }
    let most = hosts
        .iter()
        .rev()
        .max_by_key(|(_, count)| *count)
        .map(|(h, _)| (*h).to_owned());
    let found: Vec<Exchange> = all.into_iter().filter(|e| e.host == most).collect();
    if found.is_empty() {
        return Err(ProposeError::Nothing(Text::new(
            "没有取数据的请求",
            "it has no requests for data",
        )));
    }
    Ok(found)
}

fn entry(entry: &Value) -> Option<Exchange> {
    let (request, response) = (entry.get("request")?, entry.get("response")?);
    let content = response.get("content");
    let media = content
        .and_then(|c| c.get("mimeType"))
        .and_then(Value::as_str)
        .unwrap_or_default();
    if SCENERY.iter().any(|s| media.contains(s)) {
        return None;
    }
    let (host, target) = split_host(request.get("url")?.as_str()?);
    let body = content
        .and_then(|c| c.get("text"))
        .and_then(Value::as_str)
        .unwrap_or_default();
    let coded = content.and_then(|c| c.get("encoding")).and_then(Value::as_str) == Some("base64");
    let answer = if coded {
        base64::engine::general_purpose::STANDARD
            .decode(body)
            .unwrap_or_default()
    } else {
        body.as_bytes().to_vec()
    };
    let mut answer_headers = headers(response);
    if !answer_headers
        .iter()
        .any(|(n, _)| n.eq_ignore_ascii_case("content-type"))
    {
        answer_headers.push(("content-type".to_owned(), media.to_owned()));
    }
    let status = response
        .get("status")
        .and_then(Value::as_u64)
        .and_then(|s| u16::try_from(s).ok());
    Some(Exchange {
        label: None,
        host,
        request: RawRequest {
            method: request.get("method")?.as_str()?.to_ascii_uppercase(),
            target,
            headers: headers(request),
            body: posted(request).into_bytes(),
        },
        response: RawResponse {
            status: status.unwrap_or(0),
            headers: answer_headers,
            body: answer,
        },
    })
}

fn headers(message: &Value) -> Vec<(String, String)> {
    let listed = message.get("headers").and_then(Value::as_array).into_iter().flatten();
    listed
        .filter_map(|h| {
            Some((
                h.get("name")?.as_str()?.to_owned(),
                h.get("value")?.as_str()?.to_owned(),
            ))
        })
        .filter(|(name, _)| !name.starts_with(':'))
        .collect()
}

/// The body that was posted: its text, or its parameters as a form.
fn posted(request: &Value) -> String {
    let Some(data) = request.get("postData") else {
        return String::new();
    };
    if let Some(text) = data.get("text").and_then(Value::as_str).filter(|t| !t.is_empty()) {
        return text.to_owned();
    }
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    for parameter in data.get("params").and_then(Value::as_array).into_iter().flatten() {
        let word = |key: &str| parameter.get(key).and_then(Value::as_str).unwrap_or_default();
        form.append_pair(word("name"), word("value"));
    }
    form.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn raw_text_is_requests_and_answers() {
        let text = "POST http://a.example/x?y=1 HTTP/1.1\r\nContent-Type: application/json\r\n\r\n{\"a\":1}\r\n\r\nHTTP/1.1 200 OK\r\n\r\n{\"b\":2}\r\n\nGET /z HTTP/1.1\nHost: b.example\n\nHTTP/1.1 404 Not Found\n\n";
        let found = read(text.as_bytes()).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(
            (found[0].request.target.as_str(), found[0].host.as_deref()),
            ("/x?y=1", Some("a.example"))
        );
        assert_eq!(found[0].request.body, b"{\"a\":1}");
        assert_eq!(
            (found[0].response.status, found[0].response.body.as_slice()),
            (200, b"{\"b\":2}".as_slice())
        );
        assert_eq!(
            (found[1].request.method.as_str(), found[1].response.status),
            ("GET", 404)
        );
        assert!(looks_recorded(text.as_bytes()) && !looks_recorded(b"{}"));
        let labelled = format!("### first\n{text}");
        let found = read(labelled.replace("GET /z", "### second\nGET /z").as_bytes()).unwrap();
        let labels: Vec<_> = found.iter().filter_map(|e| e.label.as_deref()).collect();
        assert_eq!(labels, ["first", "second"]);
        assert_eq!(found[0].response.body, b"{\"b\":2}");
        assert!(looks_recorded(labelled.as_bytes()));
    }

    #[test]
    fn har_files_give_their_data() {
        let har = serde_json::json!({"log": {"entries": [
            {"request": {"method": "GET", "url": "https://a.example/logo.png", "headers": []}, "response": {"status": 200, "content": {"mimeType": "image/png"}}},
            {"request": {"method": "POST", "url": "https://a.example/q?x=1", "headers": [{"name": ":authority", "value": "a"}, {"name": "X-A", "value": "b"}],
                         "postData": {"mimeType": "application/x-www-form-urlencoded", "params": [{"name": "n", "value": "张"}]}},
             "response": {"status": 200, "headers": [], "content": {"mimeType": "application/json", "encoding": "base64", "text": "eyJhIjoxfQ=="}}},
        ]}});
        let found = read_har(&har).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].request.body, b"n=%E5%BC%A0");
        assert_eq!(found[0].response.body, b"{\"a\":1}");
        assert_eq!(found[0].request.headers, [("X-A".to_owned(), "b".to_owned())]);
    }
}
