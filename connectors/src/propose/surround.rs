//! What stands around the fields of recorded requests: credentials, signatures, time stamps, sessions.

use super::decode::Decoded;
use super::observe::is_login;
use super::openapi::is_credential;
use super::upstream::{Kind, Node, Part};
use super::values::{Looks, text};
use super::words::{split, squeezed};
use super::write::quoted;
use hub_core::Text;
use serde_json::Value;

/// Members that name the operation.
pub(super) const CODES: &[&str] = &[
    "method",
    "funccode",
    "functioncode",
    "funcid",
    "servicecode",
    "serviceid",
    "service",
    "trancode",
    "transcode",
    "txcode",
    "tradecode",
    "interfacecode",
    "interfaceid",
    "api",
    "apiname",
    "apicode",
    "action",
    "cmd",
    "command",
    "infno",
    "jybh",
    "jydm",
    "ywbm",
    "fwbm",
    "code",
];
/// Members that hold the fields.
pub(super) const BODIES: &[&str] = &[
    "bizcontent",
    "bizdata",
    "data",
    "body",
    "params",
    "param",
    "request",
    "content",
    "input",
    "payload",
    "reqdata",
    "busidata",
];

/// Members that say who calls, when, and how, but not what is asked.
const AROUND: &[&str] = &[
    "appid",
    "appkey",
    "appcode",
    "appsecret",
    "clientid",
    "timestamp",
    "reqtime",
    "requesttime",
    "nonce",
    "noncestr",
    "random",
    "version",
    "ver",
    "charset",
    "signtype",
    "sign",
    "signature",
    "signdata",
    "sig",
    "mac",
    "token",
    "accesstoken",
    "sessionid",
    "requestid",
    "reqid",
    "traceid",
    "msgid",
    "enctype",
    "username",
    "password",
    "passwd",
    "pwd",
    "sitekey",
    "channel",
    "chnl",
    "format",
];
const SIGNS: &[&str] = &["sign", "signature", "signdata", "sig", "mac"];
const SECRETS: &[&str] = &[
    "appid",
    "appkey",
    "appcode",
    "appsecret",
    "clientid",
    "token",
    "accesstoken",
    "username",
    "password",
    "passwd",
    "pwd",
    "sitekey",
    "sessionid",
];

/// Whether a member is about the call rather than about the matter.
pub(super) fn is_around(name: &str) -> bool {
    AROUND.contains(&squeezed(name).as_str())
}

/// `send` for everything that stands beside the fields, and a hint for a signature.
pub(super) fn sent(around: &Node, looks: &Looks) -> Vec<Part> {
    let mut send = Vec::new();
    let mut parts = Vec::new();
    let mut unknown = Vec::new();
    let mut add = |name: &str, node: &Node| {
        let word = squeezed(&node.name);
        if SIGNS.contains(&word.as_str()) {
            parts.push(signature(name, node));
            return;
        }
        let key = if node.place == Some("query") {
            format!("query {name}")
        } else {
            name.to_owned()
        };
        match constant(node, &word, looks) {
            Some(value) => send.push((key, value)),
            None => unknown.push((key, "?".to_owned())),
        }
    };
    for child in &around.children {
        if child.kind == Kind::Object {
            for (path, node) in child.places() {
                add(&format!("{}/{path}", child.name), node);
            }
        } else {
            add(&child.name, child);
        }
    }
    if !send.is_empty() {
        let reason = Text::new("每个请求都带的值", "what every request carries");
        parts.push(Part::new("send", send, 75, reason));
    }
    if !unknown.is_empty() {
        let reason = Text::new("每次不同，来历不明", "differs from call to call; the manual knows why");
        parts.push(Part::new("send", unknown, 20, reason).hint());
    }
    parts
}

/// Where the value of a member comes from. Values that may be secret are never repeated.
fn constant(node: &Node, word: &str, looks: &Looks) -> Option<String> {
    let first = node.samples.first()?;
    if SECRETS.contains(&word) || is_credential(&node.name) {
        return Some(format!("secret:{}", split(&node.name).join("-")));
    }
    if word.contains("time") || word == "ts" {
        return Some(match looks.stamp(first)? {
            "epoch" => "$epoch".to_owned(),
            "epoch-ms" => "$epoch_ms".to_owned(),
            form => quoted(&format!("$now {form}")),
        });
    }
    if word.contains("nonce") || word.contains("random") {
        let sample = text(first);
        let digits = sample.bytes().all(|b| b.is_ascii_digit());
        return Some(match (digits, sample.contains('-')) {
            (_, true) => "$uuid".to_owned(),
            (true, _) => format!("$digits {}", sample.len()),
            (false, _) => format!("$nonce {}", sample.len()),
        });
    }
    if ["requestid", "reqid", "traceid", "msgid"].contains(&word) {
        return Some("$request_id".to_owned());
    }
    let same = node.samples.len() == 1;
    same.then(|| match first {
        Value::String(value) => quoted(value),
        other => other.to_string(),
    })
}

/// What a signature looks like tells the digest; what it covers stands in the manual only.
fn signature(name: &str, node: &Node) -> Part {
    let sample = node.samples.first().map(text).unwrap_or_default();
    let hex = !sample.is_empty() && sample.bytes().all(|b| b.is_ascii_hexdigit());
    let digest = match (hex, sample.len()) {
        (true, 32) => "md5",
        (true, 40) => "sha1",
        (true, 64) => "sm3",
        _ => "sha256",
    };
    let case = if sample.bytes().any(|b| b.is_ascii_uppercase()) {
        "upper"
    } else {
        "lower"
    };
    let entries = [
        ("cover", "sorted".to_owned()),
        ("key", quoted("suffix &key=")),
        ("digest", digest.to_owned()),
        ("case", case.to_owned()),
        ("into", quoted(name)),
        ("secret", "secret:key".to_owned()),
    ];
    let reason = Text::new(
        "有签名：按手册核对 docs/how-to/signing.md",
        "requests are signed: see the manual and docs/how-to/signing.md",
    );
    let entries = entries.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
    Part::new("sign", entries, 30, reason).hint()
}

/// Headers that say who calls.
pub(super) fn credentials(data: &[&Decoded]) -> Vec<Part> {
    let Some(first) = data.first() else { return Vec::new() };
    let reason = || Text::new("请求头中的凭据", "credentials in the headers");
    let part = |key: &'static str, entries: &[(&str, String)]| {
        let entries = entries.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
        Part::new(key, entries, 85, reason())
    };
    let mut parts = Vec::new();
    for (name, value) in &first.headers {
        let low = name.to_ascii_lowercase();
        let scheme = value.split(' ').next().unwrap_or_default().to_ascii_lowercase();
        match (low.as_str(), scheme.as_str()) {
            ("authorization", "basic") => {
                parts.push(part("auth", &[("basic", "[secret:user, secret:password]".to_owned())]));
            }
            ("authorization", "bearer") => parts.push(part("auth", &[("bearer", "secret:token".to_owned())])),
            ("cookie" | "soapaction", _) => {}
            _ if is_credential(name) && parts.iter().all(|p: &Part| p.key != "auth") => {
                parts.push(part(
                    "auth",
                    &[("header", quoted(name)), ("value", "secret:key".to_owned())],
                ));
            }
            _ => {}
        }
    }
    parts
}

/// A login that was recorded, or a cookie that must come from one.
pub(super) fn session(seen: &[Decoded]) -> Option<Part> {
    let login = seen.iter().find(|d| is_login(d));
    let cookie = seen
        .iter()
        .flat_map(|d| &d.headers)
        .find(|(n, _)| n.eq_ignore_ascii_case("cookie"));
    let keep = cookie
        .and_then(|(_, v)| v.split('=').next())
        .map(|name| name.trim().to_owned());
    if login.is_none() && keep.is_none() {
        return None;
    }
    let path = login.map_or_else(|| "POST /login".to_owned(), |d| format!("{} {}", d.method, d.path));
    let mut entries = vec![("login".to_owned(), path)];
    let names = login
        .and_then(|d| d.request.tree.as_object())
        .into_iter()
        .flatten()
        .map(|(n, _)| n);
    let send: Vec<String> = names.map(|n| format!("{n}: secret:{}", split(n).join("-"))).collect();
    if !send.is_empty() {
        entries.push(("send".to_owned(), format!("{{{}}}", send.join(", "))));
    }
    match (&keep, login.is_some_and(|d| d.sets_cookie)) {
        (Some(name), _) => entries.push(("keep".to_owned(), format!("cookie {name}"))),
        (None, true) => entries.push(("keep".to_owned(), "cookie JSESSIONID".to_owned())),
        (None, false) => entries.push(("read".to_owned(), "{token: /data/token}".to_owned())),
    }
    entries.push(("lost".to_owned(), "[401, html]".to_owned()));
    let reason = Text::new(
        "有登录：请核对读取和失效的标志",
        "there is a login: check what it gives and how it ends",
    );
    Some(Part::new("session", entries, 40, reason).hint())
}
