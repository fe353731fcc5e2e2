//! From a checked document to a [`Manifest`]. Values that cannot be read give findings; reading goes on, so that one
//! look shows everything.

mod answers;
mod calls;
mod credentials;
mod picks;
mod transports;

pub(crate) use transports::is_identifier;

use super::check::check;
use super::describe::MANIFEST;
use super::model::{
    AlsoPart, AnswerPart, Auth, CallSpec, CallbackPart, CodeTable, Empty, FailRule, FailTest, FilesPart, Format, Frame,
    GiveItem, Hidden, Layout, LayoutField, Lives, Lost, Manifest, Names, Near, OperationPart, Paging, Pick, Place,
    Reckon, ResolvePart, RowSections, SendItem, SessionPart, Spot, SshPart, Test, TextForm, Upstream, Verify, Wire,
    Wsse,
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
    fn finding(&self, code: &str, at: &str, zh: impl Into<String>, en: impl Into<String>) -> Finding {
        self.document.finding(code, at, Text::new(zh, en))
    }

    pub(super) fn missing(&mut self, key: &str, at: &str) {
        let finding = self.finding("missing-key", at, format!("缺少 {key}"), format!("{key} is missing"));
        self.findings.push(finding);
    }

    pub(super) fn bad_value(&mut self, at: &str, expected: &str, got: &str) {
        let finding = self.finding(
            "bad-value",
            at,
            "此处的值无法理解",
            "The value here cannot be understood",
        );
        self.findings.push(finding.expected(expected, got));
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
            frame: self.framed(map, ""),
            sign: map.get("sign").cloned(),
            xml_sign: part(map, "xml-sign").and_then(|x| self.xml_sign(x)),
            jwt: part(map, "jwt").and_then(|j| self.jwt(j)),
            seal: part(map, "seal").and_then(|s| self.seal(s)),
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
            expires: self.expires(map),
            give: self.gives(map, "give", ""),
            codes: self.codes(map),
            files: part(map, "files").and_then(|f| self.files(f)),
            names: text(map, "names").and_then(|n| Names::parse(&n)),
            rows: rows::sections(map, ""),
            omit: texts(map, "omit"),
            resolve: part(map, "resolve").and_then(|r| self.resolve(r)),
            callback: part(map, "callback").map(|c| self.callback(c)),
            exchange: part(map, "exchange").and_then(|e| self.exchange(e)),
            batch: part(map, "batch").map(|b| self.batch(b, "/batch")),
            news: part(map, "news").and_then(|n| self.news(n)),
            jump: part(map, "jump").map(|j| self.jump(j, "/jump")),
            messages: messages(map),
            system: system?,
            send,
            operations,
            others,
        })
    }

    fn system(&mut self, map: &Part) -> Option<SystemId> {
        let Some(name) = text(map, "system") else {
            self.missing("`system`", "");
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
            self.base(url, text(map, "dialect").as_deref().unwrap_or_default());
        }
        Upstream {
            known_as: self.known_as(map),
            dialect: text(map, "dialect").unwrap_or_default(),
            charset: text(map, "charset"),
            timeout_ms: self.duration(map, "timeout", "/upstream"),
            clock_of_answers: text(map, "clock").as_deref() == Some("answers"),
            path: text(map, "path"),
            method: text(map, "method"),
            sends: format(map, "sends"),
            answers: format(map, "answers"),
            content_type: text(map, "type"),
            tls: part(map, "tls").map(|tls| self.tls(tls)),
            ssh: part(map, "ssh").map(|ssh| self.ssh(ssh)),
            message: text(map, "message"),
            url,
        }
    }

    /// Only operators name variables, and only `UPSTREAM_…`: a manifest must not read the hub's environment.
    pub(super) fn base(&mut self, url: &str, dialect: &str) {
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
                Ok(parsed)
                    if self.origin == Origin::Operator
                        && of_dialect(dialect).contains(&parsed.scheme())
                        && parsed.password().is_none() => {}
                _ => self.bad_value(at, "an http or https URL without user and password", url),
            }
        }
    }

    /// `known_as`: hosts, perhaps with a port.
    fn known_as(&mut self, map: &Part) -> Vec<String> {
        let names = texts(map, "known_as");
        for name in &names {
            let url = url::Url::parse(&format!("http://{name}/")).ok();
            let is_host = url.is_some_and(|url| {
                let shown = url.port().map_or_else(String::new, |port| format!(":{port}"));
                url.host_str()
                    .is_some_and(|host| name.eq_ignore_ascii_case(&format!("{host}{shown}")))
            });
            if !is_host {
                self.bad_value("/upstream/known_as", "a host, or a host and a port", name);
            }
        }
        names
    }

    pub(super) fn duration(&mut self, map: &Part, key: &str, at: &str) -> Option<u64> {
        let value = text(map, key)?;
        let ms = duration_ms(&value);
        if ms.is_none() {
            self.bad_value(&format!("{at}/{key}"), "a duration such as 5s or 800ms", &value);
        }
        ms
    }

    pub(super) fn template(&mut self, value: &Value, at: &str) -> Option<Arc<Template>> {
        match Template::parse(value, self.origin) {
            Ok(template) => Some(Arc::new(template)),
            Err(error) => {
                self.bad_value(at, &error, &scalar_text(value).unwrap_or_default());
                None
            }
        }
    }

    pub(super) fn sends(&mut self, map: &Part, key: &str, at: &str) -> Vec<SendItem> {
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

    pub(super) fn gives(&mut self, map: &Part, key: &str, at: &str) -> Vec<GiveItem> {
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

    /// `state: {…}`, and `state from 2026-07-01: {…}` for the version of the list that is in force from a day on.
    fn codes(&mut self, map: &Part) -> Vec<CodeTable> {
        let mut tables = Vec::new();
        for (key, table) in part(map, "codes").into_iter().flatten() {
            let (name, from) = match key.split_once(" from ") {
                None => (key.as_str(), None),
                Some((name, day)) => match day.trim().parse() {
                    Ok(day) => (name.trim(), Some(day)),
                    Err(_) => {
                        self.bad_value(&format!("/codes/{}", escape(key)), "`name from yyyy-MM-dd`", key);
                        continue;
                    }
                },
            };
            tables.push(CodeTable {
                name: name.to_owned(),
                from,
                entries: table
                    .as_object()
                    .into_iter()
                    .flatten()
                    .map(|(code, value)| (code.clone(), value.clone()))
                    .collect(),
            });
        }
        tables
    }

    fn expires(&mut self, map: &Part) -> Vec<(String, jiff::civil::Date)> {
        let mut all = Vec::new();
        for (name, day) in part(map, "expires").into_iter().flatten() {
            let day = scalar_text(day).unwrap_or_default();
            match day.parse() {
                Ok(day) => all.push((name.clone(), day)),
                Err(_) => self.bad_value(&format!("/expires/{}", escape(name)), "a day such as 2027-03-01", &day),
            }
        }
        all
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
}

/// Schemes of addresses that are no URL of a server, by dialect.
fn of_dialect(dialect: &str) -> &'static [&'static str] {
    match dialect {
        "front-db" => &["sqlite", "postgres", "postgresql", "mysql"],
        "csv-batch" => &["file", "sftp"],
        _ => &[],
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
        levels: None,
        layout: None,
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

fn messages(map: &Part) -> Vec<(String, String, String)> {
    let mut lines = Vec::new();
    for (message, fields) in part(map, "messages").into_iter().flatten() {
        for (number, words) in fields.as_object().into_iter().flatten() {
            lines.push((message.clone(), number.clone(), scalar_text(words).unwrap_or_default()));
        }
    }
    lines
}

/// Empty sections, for parts that have none.
impl RowSections {
    /// Whether there is no row at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.request.is_empty() && self.response.is_empty()
    }
}
