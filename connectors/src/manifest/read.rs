//! From a checked document to a [`Manifest`]. Values that cannot be read give findings; reading goes on, so that one
//! look shows everything.

use super::check::check;
use super::describe::MANIFEST;
use super::model::{
    AnswerPart, Auth, CallSpec, CallbackPart, CodeTable, Empty, FailRule, FailTest, FilesPart, Format, Frame, GiveItem,
    Lives, Lost, Manifest, Names, OperationPart, Paging, Place, RowSections, SendItem, SessionPart, Spot, TextForm,
    Upstream, Verify, Wire, Wsse,
};
use super::rows;
use crate::calendar::{Calendar, duration_ms};
use crate::error::Failure;
use crate::mapping::expr::Expression;
use crate::mapping::path::Path;
use crate::mapping::template::{Template, scalar_text};
use crate::settings::{Limits, Origin};
use hub_catalog::document::{Document, escape, nearest};
use hub_core::{Finding, Severity, SystemId, Text};
use serde_json::{Map, Value};
use std::sync::Arc;

/// Reads a manifest.
///
/// # Errors
/// Everything that is wrong with it by itself, without looking at the contract.
pub fn read(document: &Document, origin: Origin) -> Result<Manifest, Vec<Finding>> {
    let mut findings = Vec::new();
    check(document, &MANIFEST, "", &document.value, &mut findings);
    let empty = Map::new();
    let map = document.value.as_object().unwrap_or(&empty);
    let mut reader = Reader {
        document,
        origin,
        findings,
    };
    let manifest = reader.manifest(map);
    match manifest {
        Some(manifest) if reader.findings.iter().all(|f| f.severity < Severity::Error) => Ok(manifest),
        _ => Err(reader.findings),
    }
}

/// Reads parts and collects what is wrong.
pub(super) struct Reader<'a> {
    document: &'a Document,
    origin: Origin,
    findings: Vec<Finding>,
}

type Part = Map<String, Value>;

fn text(map: &Part, key: &str) -> Option<String> {
    map.get(key).and_then(scalar_text)
}

fn texts(map: &Part, key: &str) -> Vec<String> {
    match map.get(key) {
        Some(Value::Array(items)) => items.iter().filter_map(scalar_text).collect(),
        Some(value) => scalar_text(value).into_iter().collect(),
        None => Vec::new(),
    }
}

fn flag(map: &Part, key: &str) -> Option<bool> {
    map.get(key).and_then(Value::as_bool)
}

fn format(map: &Part, key: &str) -> Option<Format> {
    text(map, key).and_then(|w| Format::parse(&w))
}

fn form(map: &Part, key: &str) -> Option<TextForm> {
    text(map, key).and_then(|w| TextForm::parse(&w))
}

fn part<'m>(map: &'m Part, key: &str) -> Option<&'m Part> {
    map.get(key).and_then(Value::as_object)
}

fn spot(map: &Part, key: &str) -> Option<Spot> {
    text(map, key).map(|t| Spot::parse(&t))
}

fn path(map: &Part, key: &str) -> Option<Path> {
    text(map, key).map(|t| Path::parse(&t))
}

impl Reader<'_> {
    fn bad(&mut self, code: &str, at: &str, zh: impl Into<String>, en: impl Into<String>) -> &mut Finding {
        self.findings.push(self.document.finding(code, at, Text::new(zh, en)));
        // Just pushed; a list that is empty here would have to have lost it.
        let last = self.findings.len() - 1;
        &mut self.findings[last]
    }

    fn bad_value(&mut self, at: &str, expected: &str, got: &str) {
        let finding = self.bad(
            "bad-value",
            at,
            "此处的值无法理解",
            "The value here cannot be understood",
        );
        *finding = finding.clone().expected(expected, got);
    }

    fn manifest(&mut self, map: &Part) -> Option<Manifest> {
        let system = self.system(map);
        let mut send = Vec::new();
        let auth = part(map, "auth")
            .map(|auth| self.auth(auth, &mut send))
            .unwrap_or_default();
        send.extend(self.sends(map, "send", ""));
        let (operations, others) = self.operations(map);
        Some(Manifest {
            upstream: part(map, "upstream").map(|u| self.upstream(u)).unwrap_or_default(),
            frame: part(map, "frame").map(frame).unwrap_or_default(),
            sign: map.get("sign").cloned(),
            auth,
            session: part(map, "session").and_then(|s| self.session(s)),
            answer: part(map, "answer")
                .map(|a| self.answer(a, "/answer"))
                .unwrap_or_default(),
            fails: self.fails(map, ""),
            wire: part(map, "wire").map(wire).unwrap_or_default(),
            paging: part(map, "paging").map(|p| self.paging(p, "/paging")),
            limits: part(map, "limits").map(limits).unwrap_or_default(),
            closed: self.closed(map),
            give: self.gives(map, "give", ""),
            codes: codes(map),
            files: part(map, "files").and_then(|f| self.files(f)),
            names: text(map, "names").and_then(|n| Names::parse(&n)),
            rows: rows::sections(map, ""),
            omit: texts(map, "omit"),
            callback: part(map, "callback").map(|c| self.callback(c)),
            system: system?,
            send,
            operations,
            others,
        })
    }

    fn system(&mut self, map: &Part) -> Option<SystemId> {
        let Some(name) = text(map, "system") else {
            self.bad("missing-key", "", "缺少 `system`", "`system` is missing");
            return None;
        };
        match SystemId::try_from(name.clone()) {
            Ok(id) => Some(id),
            Err(error) => {
                self.bad_value("/system", "agency/system", &error.0);
                None
            }
        }
    }

    fn upstream(&mut self, map: &Part) -> Upstream {
        let url = text(map, "url");
        if let Some(url) = &url {
            self.base(url);
        }
        Upstream {
            dialect: text(map, "dialect").unwrap_or_default(),
            charset: text(map, "charset"),
            timeout_ms: self.duration(map, "timeout", "/upstream"),
            path: text(map, "path"),
            method: text(map, "method"),
            sends: format(map, "sends"),
            answers: format(map, "answers"),
            content_type: text(map, "type"),
            url,
        }
    }

    /// Only operators name variables, and only `UPSTREAM_…`: a manifest must not read the hub's environment.
    fn base(&mut self, url: &str) {
        let at = "/upstream/url";
        if let Some(rest) = url.split_once("${").map(|(_, r)| r) {
            let name = rest.split('}').next().unwrap_or_default();
            if self.origin == Origin::Uploaded {
                self.bad_value(at, "a plain URL: uploaded manifests name no variables", url);
            } else if !name.starts_with("UPSTREAM_") || !url.starts_with("${") || rest.contains("${") {
                self.bad_value(at, "${UPSTREAM_…} and nothing else before it", url);
            }
        } else {
            match url::Url::parse(url) {
                Ok(parsed) if ["http", "https"].contains(&parsed.scheme()) && parsed.username().is_empty() => {}
                _ => self.bad_value(at, "an http or https URL without user and password", url),
            }
        }
    }

    fn duration(&mut self, map: &Part, key: &str, at: &str) -> Option<u64> {
        let value = text(map, key)?;
        let ms = duration_ms(&value);
        if ms.is_none() {
            self.bad_value(&format!("{at}/{key}"), "a duration such as 5s or 800ms", &value);
        }
        ms
    }

    fn template(&mut self, value: &Value, at: &str) -> Option<Arc<Template>> {
        match Template::parse(value, self.origin) {
            Ok(template) => Some(Arc::new(template)),
            Err(error) => {
                self.bad_value(at, &error, &scalar_text(value).unwrap_or_default());
                None
            }
        }
    }

    fn sends(&mut self, map: &Part, key: &str, at: &str) -> Vec<SendItem> {
        let Some(items) = part(map, key) else {
            return Vec::new();
        };
        items
            .iter()
            .filter_map(|(name, value)| {
                let pointer = format!("{at}/{key}/{}", escape(name));
                Some(SendItem {
                    spot: Spot::parse(name),
                    value: self.template(value, &pointer)?,
                    pointer,
                })
            })
            .collect()
    }

    fn gives(&mut self, map: &Part, key: &str, at: &str) -> Vec<GiveItem> {
        let Some(items) = part(map, key) else {
            return Vec::new();
        };
        items
            .iter()
            .filter_map(|(name, value)| {
                let pointer = format!("{at}/{key}/{}", escape(name));
                Some(GiveItem {
                    field: Path::parse(name),
                    value: self.template(value, &pointer)?,
                    pointer,
                })
            })
            .collect()
    }

    fn pair(&mut self, map: &Part, key: &str, at: &str) -> Option<(Arc<Template>, Arc<Template>)> {
        let values = texts(map, key);
        let at = format!("{at}/{key}");
        match values.as_slice() {
            [] => None,
            [user, password] => Some((
                self.template(&Value::from(user.as_str()), &at)?,
                self.template(&Value::from(password.as_str()), &at)?,
            )),
            _ => {
                self.bad_value(&at, "[user, password]", &format!("{} values", values.len()));
                None
            }
        }
    }

    fn auth(&mut self, map: &Part, send: &mut Vec<SendItem>) -> Auth {
        let mut add = |reader: &mut Self, spot: Spot, value: &Value, key: &str| {
            let pointer = format!("/auth/{key}");
            if let Some(value) = reader.template(value, &pointer) {
                send.push(SendItem { spot, value, pointer });
            }
        };
        if let Some(token) = text(map, "bearer") {
            let braced = if token.starts_with('{') {
                token
            } else {
                format!("{{{token}}}")
            };
            let value = Value::from(format!("Bearer {braced}"));
            add(self, Spot::parse("header Authorization"), &value, "bearer");
        }
        for (key, word) in [("header", "header "), ("query", "query "), ("element", "frame ")] {
            if let Some(name) = text(map, key) {
                match map.get("value") {
                    Some(value) => add(self, Spot::parse(&format!("{word}{name}")), value, "value"),
                    None => {
                        self.bad("missing-key", "/auth", "缺少 `value`", "`value` is missing");
                    }
                }
            }
        }
        let wsse = part(map, "wsse").and_then(|w| {
            let at = "/auth/wsse";
            let (Some(user), Some(password)) = (w.get("user"), w.get("password")) else {
                self.bad(
                    "missing-key",
                    at,
                    "缺少 `user` 或 `password`",
                    "`user` or `password` is missing",
                );
                return None;
            };
            Some(Arc::new(Wsse {
                user: self.template(user, at)?,
                password: self.template(password, at)?,
                digest: text(w, "type").as_deref() == Some("digest"),
            }))
        });
        Auth {
            basic: self.pair(map, "basic", "/auth"),
            wsse,
        }
    }

    fn session(&mut self, map: &Part) -> Option<SessionPart> {
        let at = "/session";
        let Some(login) = text(map, "login") else {
            self.bad("missing-key", at, "缺少 `login`", "`login` is missing");
            return None;
        };
        let lost = texts(map, "lost")
            .iter()
            .filter_map(|word| {
                let sign = lost(word);
                if sign.is_none() {
                    self.bad_value("/session/lost", "`401`, `302 /login.jsp`, `html` or `code 40001`", word);
                }
                sign
            })
            .collect();
        let lives = match text(map, "lives") {
            None => Lives::Unknown,
            Some(word) if word == "once" => Lives::Once,
            Some(word) if word.starts_with('/') => Lives::Told(Path::parse(&word)),
            Some(_) => self.duration(map, "lives", at).map_or(Lives::Unknown, Lives::Fixed),
        };
        Some(SessionPart {
            login: CallSpec::parse(&login),
            send: self.sends(map, "send", at),
            basic: self.pair(map, "basic", at),
            sends: format(map, "sends"),
            answers: format(map, "answers"),
            framed: flag(map, "framed"),
            signed: flag(map, "signed"),
            read: part(map, "read")
                .into_iter()
                .flatten()
                .filter_map(|(name, value)| Some((name.clone(), Spot::parse(&scalar_text(value)?))))
                .collect(),
            keep: texts(map, "keep")
                .iter()
                .map(|k| k.strip_prefix("cookie ").unwrap_or(k).trim().to_owned())
                .collect(),
            lives,
            lost,
            answer: part(map, "answer").map(|a| self.answer(a, "/session/answer")),
        })
    }

    fn answer(&mut self, map: &Part, at: &str) -> AnswerPart {
        let when = text(map, "when").and_then(|source| {
            let source = source.trim_start_matches("= ").to_owned();
            match Expression::compile(&source, self.origin) {
                Ok(expression) => Some(Arc::new(expression)),
                Err(error) => {
                    self.bad_value(&format!("{at}/when"), &error, &source);
                    None
                }
            }
        });
        let ok = map.get("ok").map(|ok| match ok {
            Value::Array(items) => items.clone(),
            one => vec![one.clone()],
        });
        AnswerPart {
            code: spot(map, "code"),
            message: spot(map, "message"),
            data: path(map, "data").map(|mut p| {
                p.absolute = true;
                p
            }),
            form: form(map, "as"),
            empty: map.get("empty").map(|value| self.empty(value, at)),
            content_type: text(map, "type"),
            ok,
            when,
        }
    }

    fn empty(&mut self, value: &Value, at: &str) -> Empty {
        let one = |value: &Value| match value {
            // `empty: "[]"` is the JSON, `empty: ["null"]` too; a word that is no JSON is a text of the upstream.
            Value::String(text) => serde_json::from_str(text).unwrap_or_else(|_| value.clone()),
            other => other.clone(),
        };
        match value {
            Value::String(word) if word == "auto" => Empty::Auto,
            Value::String(word) if word == "never" => Empty::Never,
            Value::Array(items) => Empty::Values(items.iter().map(one).collect()),
            Value::Object(_) => {
                self.bad_value(&format!("{at}/empty"), "JSON texts such as \"[]\"", "a mapping");
                Empty::Auto
            }
            other => Empty::Values(vec![one(other)]),
        }
    }

    fn fails(&mut self, map: &Part, at: &str) -> Vec<FailRule> {
        let Some(entries) = part(map, "fails") else {
            return Vec::new();
        };
        let mut rules = Vec::new();
        for (code, word) in entries {
            let word = scalar_text(word).unwrap_or_default();
            let at = format!("{at}/fails/{}", escape(code));
            match (Failure::parse(&word), fail_test(code)) {
                (Some(failure), Some(test)) => rules.push(FailRule { test, failure }),
                (None, _) => {
                    let words: Vec<&str> = Failure::ALL.iter().map(|(w, _)| *w).collect();
                    let near = nearest(&word, words.iter().copied());
                    let finding = self.bad(
                        "unknown-word",
                        &at,
                        format!("`{word}` 不是失败类别"),
                        format!("`{word}` is no kind of failure"),
                    );
                    *finding = finding
                        .clone()
                        .expected(format!("one of {}", words.join(", ")), word)
                        .near(near);
                }
                (_, None) => self.bad_value(
                    &at,
                    "a code, `http 404`, `http 5xx`, `fault Client`, `~ words`, `*`",
                    code,
                ),
            }
        }
        rules
    }

    fn closed(&mut self, map: &Part) -> Calendar {
        let windows = texts(map, "closed");
        match Calendar::parse(windows.iter().map(String::as_str)) {
            Ok(calendar) => calendar,
            Err(window) => {
                self.bad_value("/closed", "a window such as 22:00-06:00 or Sunday 01:00-05:00", &window);
                Calendar::default()
            }
        }
    }

    fn paging(&mut self, map: &Part, at: &str) -> Paging {
        let based = |key: &str, base: i64| {
            text(map, key).map(|t| match t.rsplit_once(" from ") {
                Some((name, from)) => (Spot::parse(name), from.trim().parse().unwrap_or(base)),
                None => (Spot::parse(&t), base),
            })
        };
        let names = texts(map, "fields");
        let fields = match names.as_slice() {
            [] => None,
            [page, size, total] => Some([page.clone(), size.clone(), total.clone()]),
            _ => {
                self.bad_value(&format!("{at}/fields"), "[page, size, total]", &names.join(", "));
                None
            }
        };
        Paging {
            page: based("page", 1),
            size: spot(map, "size"),
            offset: spot(map, "offset"),
            start: based("start", 1),
            end: spot(map, "end"),
            total: path(map, "total"),
            pages: path(map, "pages"),
            max: map.get("max").and_then(Value::as_i64),
            fields,
        }
    }

    fn files(&mut self, map: &Part) -> Option<FilesPart> {
        let needed = |reader: &mut Self, key: &str| {
            let value = text(map, key);
            if value.is_none() {
                reader.bad(
                    "missing-key",
                    "/files",
                    format!("缺少 `{key}`"),
                    format!("`{key}` is missing"),
                );
            }
            value
        };
        let (upload, send, read) = (needed(self, "upload"), needed(self, "send"), needed(self, "read"));
        Some(FilesPart {
            upload: CallSpec::parse(&upload?),
            sends: format(map, "sends"),
            send: Spot::parse(&send?),
            name: spot(map, "name"),
            media_type: spot(map, "type"),
            with: self.sends(map, "with", "/files"),
            read: Path::parse(&read?),
            answer: part(map, "answer").map(|a| self.answer(a, "/files/answer")),
        })
    }

    fn operations(&mut self, map: &Part) -> (Vec<OperationPart>, Option<OperationPart>) {
        let mut operations = Vec::new();
        let mut others = None;
        match map.get("operations") {
            None | Some(Value::String(_)) => {
                others = Some(OperationPart {
                    key: "*".to_owned(),
                    call: CallSpec::parse("same"),
                    pointer: "/operations".to_owned(),
                    ..OperationPart::default()
                });
            }
            Some(Value::Object(entries)) => {
                for (key, value) in entries {
                    let at = format!("/operations/{}", escape(key));
                    let operation = self.operation(key, value, &at);
                    if key == "*" {
                        others = Some(operation);
                    } else {
                        operations.push(operation);
                    }
                }
            }
            Some(_) => {}
        }
        (operations, others)
    }

    fn operation(&mut self, key: &str, value: &Value, at: &str) -> OperationPart {
        let empty = Map::new();
        let map = value.as_object().unwrap_or(&empty);
        let call = value.as_str().map(str::to_owned).or_else(|| text(map, "call"));
        let not_yet = call.as_deref() == Some("not-yet");
        let reason = text(map, "not-yet").or_else(|| not_yet.then(|| "not connected yet".to_owned()));
        let serve = part(map, "serve");
        let serve_at = format!("{at}/serve");
        OperationPart {
            key: key.to_owned(),
            call: call
                .filter(|_| !not_yet)
                .map(|c| CallSpec::parse(&c))
                .unwrap_or_default(),
            rows: rows::sections(map, at),
            send: self.sends(map, "send", at),
            give: self.gives(map, "give", at),
            omit: texts(map, "omit"),
            place: text(map, "in").map(|w| if w == "query" { Place::Query } else { Place::Body }),
            answer: part(map, "answer")
                .map(|a| self.answer(a, &format!("{at}/answer")))
                .unwrap_or_default(),
            fails: self.fails(map, at),
            wire: part(map, "wire").map(wire).unwrap_or_default(),
            paging: part(map, "paging").map(|p| self.paging(p, &format!("{at}/paging"))),
            frame: part(map, "frame").map(frame).unwrap_or_default(),
            names: text(map, "names").and_then(|n| Names::parse(&n)),
            sends: format(map, "sends"),
            answers: format(map, "answers"),
            key_field: text(map, "key"),
            ask: part(map, "unsure").and_then(|u| text(u, "ask")),
            internal: flag(map, "internal").unwrap_or(false),
            signed: flag(map, "signed"),
            session: flag(map, "session"),
            not_yet: reason.map(Text::same),
            serve_input: serve.map(|s| self.gives(s, "input", &serve_at)).unwrap_or_default(),
            serve_data: serve.map(|s| self.sends(s, "data", &serve_at)).unwrap_or_default(),
            pointer: at.to_owned(),
        }
    }

    fn callback(&mut self, map: &Part) -> CallbackPart {
        let verify = match text(map, "verify").as_deref() {
            Some("sign") => Verify::Sign,
            None | Some("none") => Verify::None,
            Some(words) => match words.split_once(" in ") {
                Some((secret, place)) => self
                    .template(&Value::from(secret.trim()), "/callback/verify")
                    .map_or(Verify::None, |t| Verify::Secret(t, Spot::parse(place))),
                None => {
                    self.bad_value(
                        "/callback/verify",
                        "`sign`, `secret:x in header X-Token` or `none`",
                        words,
                    );
                    Verify::None
                }
            },
        };
        CallbackPart {
            verify,
            sends: format(map, "sends"),
            case: path(map, "case"),
            state: path(map, "state"),
            time: path(map, "time"),
            data: path(map, "data").unwrap_or_default(),
            fields: rows::read(map.get("fields"), "/callback/fields"),
            answer: reply(text(map, "answer").as_deref().unwrap_or("text success")),
            refuse: reply(text(map, "refuse").as_deref().unwrap_or("text fail")),
        }
    }
}

/// `text success`, `json {"code":0}`, `xml <ok/>`.
fn reply(text: &str) -> (Format, String) {
    match text.split_once(' ') {
        Some((word, rest)) if Format::parse(word).is_some() => {
            (Format::parse(word).unwrap_or(Format::Text), rest.to_owned())
        }
        _ => (Format::Text, text.to_owned()),
    }
}

fn lost(word: &str) -> Option<Lost> {
    if word == "html" {
        return Some(Lost::Html);
    }
    if let Some(code) = word.strip_prefix("code ") {
        return Some(Lost::Code(code.trim().to_owned()));
    }
    let (status, place) = word
        .split_once(' ')
        .map_or((word, None), |(s, p)| (s, Some(p.trim().to_owned())));
    let status = status.parse().ok().filter(|s| (100..600).contains(s))?;
    Some(Lost::Status(status, place))
}

fn fail_test(code: &str) -> Option<FailTest> {
    if code == "*" {
        return Some(FailTest::Any);
    }
    if let Some(status) = code.strip_prefix("http ") {
        if let Some(class) = status.strip_suffix("xx") {
            let class: u16 = class.parse().ok()?;
            return Some(FailTest::Http(class * 100, class * 100 + 99));
        }
        let status = status.trim().parse().ok()?;
        return Some(FailTest::Http(status, status));
    }
    if let Some(fault) = code.strip_prefix("fault") {
        return Some(FailTest::Fault(fault.trim().to_owned()));
    }
    match code.split_once('~') {
        Some((code, words)) if code.trim().is_empty() => Some(FailTest::Message(words.trim().to_owned())),
        Some((code, words)) => Some(FailTest::Code(code.trim().to_owned(), words.trim().to_owned())),
        None => Some(FailTest::Code(code.to_owned(), String::new())),
    }
}

fn frame(map: &Part) -> Frame {
    let style = text(map, "style");
    Frame {
        code: spot(map, "code"),
        body: spot(map, "body"),
        form: form(map, "as"),
        root: text(map, "root"),
        declaration: text(map, "declaration"),
        call: text(map, "call"),
        output: text(map, "output"),
        reads: form(map, "reads"),
        namespace: text(map, "namespace"),
        prefix: text(map, "prefix"),
        namespaces: part(map, "namespaces")
            .into_iter()
            .flatten()
            .filter_map(|(k, v)| Some((k.clone(), scalar_text(v)?)))
            .collect(),
        qualified: flag(map, "qualified").or(style.map(|s| s != "rpc")),
        action: text(map, "action"),
        soap: text(map, "soap"),
        order: texts(map, "order"),
    }
}

fn wire(map: &Part) -> Wire {
    Wire {
        forms: map
            .iter()
            .filter(|(k, _)| *k != "null")
            .filter_map(|(k, v)| Some((k.clone(), scalar_text(v)?)))
            .collect(),
        null: text(map, "null"),
    }
}

fn limits(map: &Part) -> Limits {
    let count = |key: &str| map.get(key).and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
    Limits {
        rps: count("rps"),
        daily: count("daily"),
        concurrency: count("concurrency"),
    }
}

fn codes(map: &Part) -> Vec<CodeTable> {
    part(map, "codes")
        .into_iter()
        .flatten()
        .map(|(name, table)| CodeTable {
            name: name.clone(),
            entries: table
                .as_object()
                .into_iter()
                .flatten()
                .map(|(code, value)| (code.clone(), value.clone()))
                .collect(),
        })
        .collect()
}

/// Empty sections, for parts that have none.
impl RowSections {
    /// Whether there is no row at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.request.is_empty() && self.response.is_empty()
    }
}
