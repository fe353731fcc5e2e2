//! Hides secrets and persons in raw messages before anybody sees them.

use hub_connectors::charset::{self, Charset};
use hub_connectors::{Session, form};
use hub_core::{RawRequest, RawResponse, Shape};
use serde_json::{Value, json};

/// What stands in the place of a secret.
const BLANK: &str = "***";
/// Texts shorter than this say nothing and stand everywhere.
const SHORT: usize = 2;
/// A text in Base64 from this length on may hold anything.
const CODED: usize = 48;

/// What must not be seen.
pub struct Veil {
    hidden: Vec<(String, String)>,
    /// Whatever looks like a person is hidden too.
    doubts: bool,
}

impl Veil {
    /// Hides secrets, also where they stand percent-encoded.
    pub fn new(secrets: impl Iterator<Item = (String, String)>) -> Self {
        let mut veil = Self {
            hidden: Vec::new(),
            doubts: false,
        };
        for (name, value) in secrets {
            veil.hide(&value, &format!("<secret:{name}>"));
        }
        veil
    }

    fn hide(&mut self, value: &str, instead: &str) {
        if value.chars().count() < SHORT {
            return;
        }
        let encoded: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
        let coded = hub_crypto::base64(value.as_bytes());
        let hex = hub_crypto::hex(value.as_bytes());
        for form in [value.to_owned(), encoded, coded, hex] {
            if !self.hidden.iter().any(|(h, _)| *h == form) {
                self.hidden.push((form, instead.to_owned()));
            }
        }
        // The longer first, or a part of a secret would stay.
        self.hidden.sort_by_key(|(h, _)| std::cmp::Reverse(h.len()));
    }

    /// Hides what a login gave.
    pub fn hide_session(&mut self, session: &Session) {
        for (name, value) in &session.values {
            let instead = format!("<session:{name}>");
            self.hide(value, &instead);
            // Cookies are sent one by one.
            for part in value.split(';').filter_map(|c| c.split_once('=')) {
                self.hide(part.1.trim(), &instead);
            }
        }
    }

    /// Hides the values of fields as the dictionary masks them.
    pub fn hide_personal(&mut self, shape: &Shape, value: &Value) {
        if shape.mask.hides() {
            let (plain, masked) = (scalar(value), scalar(&shape.mask.apply(value)));
            if let Some(plain) = plain.filter(|p| Some(p) != masked.as_ref()) {
                self.hide(&plain, masked.as_deref().unwrap_or(BLANK));
            }
        }
        match value {
            Value::Object(map) => {
                for (name, member) in map {
                    if let Some(child) = shape.child(name) {
                        self.hide_personal(child, member);
                    }
                }
            }
            Value::Array(items) => {
                for item in items {
                    if let Some(shape) = &shape.item {
                        self.hide_personal(shape, item);
                    }
                }
            }
            _ => {}
        }
    }

    /// From now on whatever looks like a person is hidden.
    pub fn doubt(&mut self) {
        self.doubts = true;
    }

    /// A text without what must not be seen.
    pub fn text(&self, text: &str) -> String {
        let hidden = self.hidden.iter().fold(text.to_owned(), |t, (plain, instead)| {
            t.replace(plain.as_str(), instead)
        });
        let hidden = numbers(&coded(&hidden));
        if self.doubts { names(&hidden) } else { hidden }
    }

    pub fn request(&self, request: &RawRequest) -> Value {
        let (path, query) = (request.path(), request.query());
        let target = if query.is_empty() {
            path.to_owned()
        } else {
            format!("{path}?{}", fields(query))
        };
        json!({
            "line": self.text(&format!("{} {target}", request.method)),
            "headers": self.headers(&request.headers),
            "body": self.body(&request.body, request.header("content-type")),
        })
    }

    pub fn response(&self, response: &RawResponse, with_body: bool) -> Value {
        let body = if with_body {
            self.body(&response.body, response.header("content-type"))
        } else {
            BLANK.to_owned()
        };
        json!({"line": format!("HTTP {}", response.status), "headers": self.headers(&response.headers), "body": body})
    }

    fn headers(&self, headers: &[(String, String)]) -> Vec<[String; 2]> {
        const CLOSED: [&str; 4] = ["authorization", "cookie", "set-cookie", "proxy-authorization"];
        headers
            .iter()
            .map(|(name, value)| {
                let closed = CLOSED.contains(&name.to_ascii_lowercase().as_str());
                [name.clone(), if closed { BLANK.to_owned() } else { self.text(value) }]
            })
            .collect()
    }

    fn body(&self, bytes: &[u8], content_type: Option<&str>) -> String {
        let text = charset::decode(bytes, None, content_type).map(|d| d.text);
        let Ok(text) = text.or_else(|_| Charset::Gb18030.decode(bytes)) else {
            return format!("({} bytes)", bytes.len());
        };
        let is_form = content_type.is_some_and(|t| t.contains("x-www-form-urlencoded"));
        self.text(&if is_form { fields(&text) } else { text })
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A query or form as people read it.
fn fields(text: &str) -> String {
    let pairs = form::decode(text, Charset::Utf8).or_else(|_| form::decode(text, Charset::Gb18030));
    match pairs {
        Ok(pairs) => pairs
            .iter()
            .map(|(n, v)| format!("{n}={v}"))
            .collect::<Vec<_>>()
            .join("&"),
        Err(_) => text.to_owned(),
    }
}

/// Long texts in Base64 or hex: what is in them cannot be masked, so only their length is shown.
fn coded(text: &str) -> String {
    let is_coded = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '-' | '_');
    runs(text, is_coded, |run| {
        let mixed = run.bytes().any(|b| b.is_ascii_digit()) && run.bytes().any(|b| b.is_ascii_alphabetic());
        // Paths and digests are shown: nobody can be read from them.
        (run.len() >= CODED && mixed && run.matches('/').count() * 8 < run.len() && run.len() != 64 && run.len() != 128)
            .then(|| format!("({} characters)", run.len()))
    })
}

/// Id numbers and mobile numbers, wherever they stand.
fn numbers(text: &str) -> String {
    runs(
        text,
        |c| c.is_ascii_alphanumeric(),
        |run| {
            let digits = run.bytes().filter(u8::is_ascii_digit).count();
            let id =
                run.len() == 18 && digits >= 17 && hub_core::check_digit::id_card_is_valid(&run.to_ascii_uppercase());
            let old_id = run.len() == 15 && digits == 15;
            let mobile = run.len() == 11 && digits == 11 && run.starts_with('1');
            let keep = |first: usize, last: usize| {
                let (start, end) = (run.get(..first)?, run.get(run.len() - last..)?);
                Some(format!("{start}{}{end}", "*".repeat(run.len() - first - last)))
            };
            match (id || old_id, mobile) {
                (true, _) => keep(3, 4),
                (_, true) => keep(3, 4),
                _ => None,
            }
        },
    )
}

/// Two to four Chinese characters alone between marks may be a name.
fn names(text: &str) -> String {
    let mut before = ' ';
    let mut out = String::new();
    let mut run = String::new();
    let is_han =
        |c: char| matches!(c, '\u{4E00}'..='\u{9FFF}' | '\u{3400}'..='\u{4DBF}' | '\u{20000}'..='\u{2FFFF}' | '·');
    for c in text.chars().chain(['\n']) {
        if is_han(c) {
            run.push(c);
            continue;
        }
        let length = run.chars().count();
        let alone =
            matches!(before, '"' | '>' | '=' | '|' | '\'') && matches!(c, '"' | '<' | '&' | '|' | '\'' | '\n' | '\\');
        if alone && (2..=4).contains(&length) {
            out.extend(run.chars().take(1));
            out.push_str(&"*".repeat(length - 1));
        } else {
            out.push_str(&run);
        }
        run.clear();
        out.push(c);
        before = c;
    }
    out.pop();
    out
}

/// Replaces runs of characters where `instead` says so.
fn runs(text: &str, belongs: impl Fn(char) -> bool, instead: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(&belongs) {
        let (before, from) = rest.split_at(start);
        let end = from.find(|c| !belongs(c)).unwrap_or(from.len());
        let (run, after) = from.split_at(end);
        out.push_str(before);
        out.push_str(instead(run).as_deref().unwrap_or(run));
        rest = after;
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use hub_core::Mask;

    #[test]
    fn secrets_and_persons_are_hidden_in_every_spelling() {
        let secrets = [("key".to_owned(), "k&1".to_owned())];
        let mut veil = Veil::new(secrets.into_iter());
        let mut name = Shape::empty();
        name.mask = Mask::Keep { first: 1, last: 0 };
        veil.hide_personal(&name, &json!("欧阳若兰"));
        let shown =
            veil.text("key=k&1 enc=k%261 b64=ayYx hex=6b2631 name=欧阳若兰 %E6%AC%A7%E9%98%B3%E8%8B%A5%E5%85%B0");
        assert!(
            !shown.contains("k&1") && !shown.contains("k%261") && !shown.contains("ayYx") && !shown.contains("6b2631"),
            "{shown}"
        );
        assert!(
            !shown.contains("若兰") && !shown.contains("%E8%8B%A5") && shown.contains("欧***"),
            "{shown}"
        );
    }

    #[test]
    fn numbers_of_persons_are_hidden_though_nobody_named_them() {
        let veil = Veil::new(std::iter::empty());
        // The worked example of GB 11643, and a number of no subscriber.
        assert_eq!(
            veil.text("<a>11010519491231002X</a>15400000022"),
            "<a>110***********002X</a>154****0022"
        );
        assert_eq!(veil.text("20260408101530"), "20260408101530");
    }

    #[test]
    fn what_could_not_be_read_shows_no_names() {
        let mut veil = Veil::new(std::iter::empty());
        veil.doubt();
        assert_eq!(
            veil.text(r#"{"xm":"张三","msg":"查询失败，请稍后再试"}"#),
            r#"{"xm":"张*","msg":"查询失败，请稍后再试"}"#
        );
        assert_eq!(veil.text("<xm>张三</xm>"), "<xm>张*</xm>");
    }

    #[test]
    fn headers_that_carry_credentials_are_closed() {
        let veil = Veil::new(std::iter::empty());
        let request = RawRequest {
            method: "POST".into(),
            target: "/a?xm=%D5%C5%C8%FD".into(),
            headers: vec![
                ("Authorization".into(), "Basic dTpw".into()),
                ("X-A".into(), "b".into()),
            ],
            body: b"a=%E5%BC%A0".to_vec(),
        };
        let shown = veil.request(&request);
        assert_eq!(shown["headers"], json!([["Authorization", "***"], ["X-A", "b"]]));
        assert_eq!(shown["line"], "POST /a?xm=张三");
    }
}
