//! What a file says of a browser's way, of calls, and of signed headers.

use super::Reader;
use crate::upstream::file::{Authorize, Call, Calls, Failing, Headers, Place};
use hub_catalog::document::escape;
use hub_connectors::charset::Charset;
use hub_connectors::sign::Recipe;
use hub_connectors::sign::template::Template;
use hub_core::Text;
use serde_json::Value;
use std::collections::BTreeMap;

/// Names that stand in every template; beside them `secret:name`.
const OURS: [&str; 7] = [
    "client_id",
    "client_secret",
    "callback",
    "state",
    "nonce",
    "verifier",
    "challenge",
];
/// Most calls of one sign-in.
const MOST_CALLS: usize = 5;
/// Shortest and longest state: 128 bits, and what vendors take.
const STATE: std::ops::RangeInclusive<u64> = 32..=128;
/// Keys of one call.
pub(in crate::upstream) const CALL: [&str; 12] = [
    "url", "method", "query", "form", "json", "headers", "sign", "charset", "answer", "ok", "take", "fails",
];

impl Reader<'_> {
    pub(super) fn calls(&mut self) -> Option<Calls> {
        let authorize = self.authorize();
        let back = self.back();
        let mut known: Vec<String> = OURS.iter().map(|w| (*w).to_owned()).collect();
        known.extend(back.keys().cloned());
        let token = self.address("/token");
        if token.is_some() {
            known.push("access_token".to_owned());
            if !back.contains_key("code") {
                self.missing("/back", "code");
            }
        }
        let count = self.doc.list("/calls", &mut self.findings).map_or(0, Vec::len);
        if count > MOST_CALLS {
            let words = Text::new("调用太多", "Too many calls");
            self.report("wrong-value", "/calls", words);
        }
        let mut calls = Vec::new();
        for index in 0..count {
            let call = self.call(&format!("/calls/{index}"), &known)?;
            known.extend(call.take.iter().map(|(name, _)| name.clone()));
            calls.push(call);
        }
        if calls.is_empty() && token.is_none() {
            self.missing("", "calls");
        }
        Some(Calls {
            authorize: authorize?,
            back,
            token,
            calls,
        })
    }

    fn authorize(&mut self) -> Option<Authorize> {
        if self.doc.object("/authorize", &mut self.findings).is_none() {
            self.missing("", "authorize");
            return None;
        }
        let keys = ["url", "send", "fragment", "state", "state_length"];
        self.doc.only_keys("/authorize", &keys, &mut self.findings);
        let ours: Vec<String> = OURS.iter().map(|w| (*w).to_owned()).collect();
        let send = self.templates("/authorize/send", &ours);
        let state = match self.string("/authorize/state").as_deref() {
            None => Some("state".to_owned()),
            Some("in-callback") => None,
            Some(name) => Some(name.to_owned()),
        };
        let length = match self.doc.value("/authorize/state_length") {
            None => *STATE.end() / 2,
            Some(value) => match value.as_u64().filter(|n| STATE.contains(n)) {
                Some(length) => length,
                None => {
                    let finding = self
                        .doc
                        .wrong("/authorize/state_length", "a number from 32 to 128", value);
                    self.findings.push(finding);
                    *STATE.start()
                }
            },
        };
        Some(Authorize {
            url: self.needed_address("/authorize/url")?,
            send,
            fragment: self.string("/authorize/fragment"),
            state,
            state_length: usize::try_from(length).unwrap_or(64),
        })
    }

    /// What comes back: a name here, the parameter there.
    fn back(&mut self) -> BTreeMap<String, String> {
        let Some(names) = self.doc.object("/back", &mut self.findings).cloned() else {
            return BTreeMap::from([("code".to_owned(), "code".to_owned())]);
        };
        let mut back = BTreeMap::new();
        for name in names.keys() {
            if let Some(parameter) = self.string(&format!("/back/{}", escape(name))) {
                back.insert(name.clone(), parameter);
            }
        }
        back
    }

    fn call(&mut self, place: &str, known: &[String]) -> Option<Call> {
        self.doc.object(place, &mut self.findings)?;
        self.doc.only_keys(place, &CALL, &mut self.findings);
        let at = |key: &str| format!("{place}/{key}");
        let (form, json) = (self.templates(&at("form"), known), self.templates(&at("json"), known));
        if !form.is_empty() && !json.is_empty() {
            let words = Text::new("form 和 json 只能有一个", "form and json exclude each other");
            self.report("unknown-key", &at("json"), words);
        }
        let has_body = !form.is_empty() || !json.is_empty();
        let post = self.one_of(&at("method"), &[("GET", false), ("POST", true)]);
        if post == Some(false) && has_body {
            let words = Text::new("GET 没有请求体", "A GET has no body");
            self.report("wrong-value", &at("method"), words);
        }
        let charset = match self.string(&at("charset")) {
            None => Charset::Utf8,
            Some(label) => match Charset::named(&label) {
                Some(charset) => charset,
                None => {
                    let words = Text::new("不认识的字符集", "An unknown charset");
                    let finding = self.doc.finding("unknown-name", &at("charset"), words);
                    self.findings.push(finding.expected("utf-8, gbk, gb18030", label));
                    Charset::Utf8
                }
            },
        };
        Some(Call {
            post: post.unwrap_or(has_body),
            query: self.templates(&at("query"), known),
            json: !json.is_empty(),
            body: if json.is_empty() { form } else { json },
            headers: self.templates(&at("headers"), known),
            sign: self.recipe(&at("sign")),
            charset,
            xml: self
                .one_of(&at("answer"), &[("json", false), ("xml", true)])
                .unwrap_or(false),
            ok: self.ok(&at("ok")),
            take: self.take(&at("take")),
            fails: self.fails(&at("fails")),
            url: self.needed_address(&at("url"))?,
        })
    }

    /// Names and texts with names in braces.
    fn templates(&mut self, place: &str, known: &[String]) -> Vec<(String, Template)> {
        let Some(members) = self.doc.object(place, &mut self.findings).cloned() else {
            return Vec::new();
        };
        let allowed: Vec<&str> = known.iter().map(String::as_str).collect();
        let mut found = Vec::new();
        for (name, value) in members {
            let at = format!("{place}/{}", escape(&name));
            let text = match &value {
                Value::String(text) => text.clone(),
                Value::Number(_) | Value::Bool(_) => value.to_string(),
                _ => {
                    let finding = self.doc.wrong(&at, "a text", &value);
                    self.findings.push(finding);
                    continue;
                }
            };
            match Template::parse(&text, &allowed) {
                Ok(template) => found.push((name, template)),
                Err(words) => self.report(
                    "wrong-template",
                    &at,
                    Text::new(format!("模板有误：{words}"), words.clone()),
                ),
            }
        }
        found
    }

    fn recipe(&mut self, place: &str) -> Option<Recipe> {
        let part = self.doc.value(place)?;
        match Recipe::parse(part) {
            Ok(recipe) => Some(recipe),
            Err(mistakes) => {
                for (pointer, words) in mistakes {
                    let text = Text::new(format!("签名配方有误：{words}"), words.clone());
                    self.report("wrong-recipe", &format!("{place}{pointer}"), text);
                }
                None
            }
        }
    }

    fn place(&mut self, at: &str, text: &str) -> Option<Place> {
        let place = Place::parse(text);
        if place.is_none() {
            let words = Text::new("位置写法不对", "This is not a place in an answer");
            let finding = self.doc.finding("wrong-value", at, words);
            self.findings
                .push(finding.expected("/data/id, id, /data#/id or header#base64#/id", text));
        }
        place
    }

    fn ok(&mut self, place: &str) -> Vec<(Place, Vec<String>)> {
        let Some(members) = self.doc.object(place, &mut self.findings).cloned() else {
            return Vec::new();
        };
        let mut rules = Vec::new();
        for name in members.keys() {
            let at = format!("{place}/{}", escape(name));
            if let (Some(found), Some(values)) = (self.place(&at, name), self.scalars(&at)) {
                rules.push((found, values));
            }
        }
        rules
    }

    fn take(&mut self, place: &str) -> Vec<(String, Place)> {
        let Some(members) = self.doc.object(place, &mut self.findings).cloned() else {
            return Vec::new();
        };
        let mut taken = Vec::new();
        for name in members.keys() {
            let at = format!("{place}/{}", escape(name));
            if OURS.contains(&name.as_str()) {
                let words = Text::new("这个名字已有含义", "This name has a meaning already");
                self.report("wrong-value", &at, words);
            }
            if let Some(found) = self.string(&at).and_then(|text| self.place(&at, &text)) {
                taken.push((name.clone(), found));
            }
        }
        taken
    }

    fn fails(&mut self, place: &str) -> Option<(Place, BTreeMap<String, Failing>)> {
        self.doc.object(place, &mut self.findings)?;
        self.doc.only_keys(place, &["at", "codes"], &mut self.findings);
        let at = self.string(&format!("{place}/at"));
        let codes = self.doc.object(&format!("{place}/codes"), &mut self.findings).cloned();
        let (Some(at), Some(codes)) = (at, codes) else {
            self.missing(place, "at, codes");
            return None;
        };
        let words = [
            ("used", Failing::Used),
            ("busy", Failing::Busy),
            ("denied", Failing::Denied),
        ];
        let mut table = BTreeMap::new();
        for code in codes.keys() {
            if let Some(word) = self.one_of(&format!("{place}/codes/{}", escape(code)), &words) {
                table.insert(code.clone(), word);
            }
        }
        Some((self.place(&format!("{place}/at"), &at)?, table))
    }

    pub(super) fn headers(&mut self) -> Option<Headers> {
        if self.doc.value("/sign").is_none() {
            self.missing("", "sign");
        }
        let take = self.take("/take");
        if take.is_empty() {
            self.missing("", "take");
        }
        let sign = self.recipe("/sign")?;
        // Without a time a header that was seen once is good for ever.
        let seen = self
            .doc
            .value("/sign/seen")
            .is_some_and(|s| s.get("timestamp").is_some());
        let covered = self
            .doc
            .value("/sign")
            .is_some_and(|s| s.to_string().contains("{timestamp"));
        if !seen || !covered {
            let words = Text::new(
                "签名的请求头必须带时间，且时间在签名之内：请写 seen.timestamp 和 {timestamp}",
                "Signed headers must carry a time that the signature covers: say seen.timestamp and {timestamp}",
            );
            self.report("missing-key", "/sign", words);
        }
        let text = self
            .doc
            .value("/sign")
            .map(Value::to_string)
            .unwrap_or_default()
            .to_ascii_lowercase();
        for (name, place) in &take {
            let covered = place
                .member()
                .is_some_and(|header| text.contains(&format!("{{header:{header}")));
            if !covered {
                let words = Text::new("该请求头不在签名之内", "The signature does not cover this header");
                self.report("wrong-value", &format!("/take/{}", escape(name)), words);
            }
        }
        let seen = |name: &str| {
            let place = self.doc.value(&format!("/sign/seen/{name}")).and_then(Value::as_str);
            let header = place.and_then(|p| p.strip_prefix("header "));
            header
                .filter(|_| text.contains(&format!("{{{name}")))
                .map(str::to_ascii_lowercase)
        };
        let mut covered = named(&text, &["header:"]);
        covered.extend(seen("timestamp"));
        covered.extend(seen("nonce"));
        Some(Headers {
            sign,
            take,
            names: named(&text, &["header:", "header "]),
            covered,
        })
    }
}

/// The headers that a recipe names.
fn named(recipe: &str, marks: &[&str]) -> Vec<String> {
    let mut names = Vec::new();
    for mark in marks {
        for rest in recipe.split(*mark).skip(1) {
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            let name: String = rest.chars().take_while(|c| plain(*c)).collect();
            if !name.is_empty() && !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}
