//! Reading a provider's file by hand, so that every finding names its place, what was expected and the nearest name.

mod calls;
mod oidc;
mod person;
mod saml;

pub(super) use calls::CALL;
pub(super) use oidc::ALGORITHMS;
pub(super) use saml::{BINDINGS, NAME_IDS, SIGNED};

use super::file::{Cas, Client, Dialect, ProviderFile, Reference};
use super::saml::Described;
use hub_catalog::document::{Document, Reading, escape};
use hub_core::{Finding, Text};
use serde_json::Value;
use url::Url;

/// Keys of every file.
pub(in crate::upstream) const KEYS: [&str; 12] = [
    "name",
    "active",
    "dialect",
    "issuer",
    "inner",
    "client",
    "subject",
    "subject_of_app",
    "claims",
    "assurance",
    "most",
    "refuse",
];
/// Dialects and the keys they add.
pub(in crate::upstream) const DIALECTS: [(&str, &[&str]); 5] = [
    ("oidc", &["endpoints", "scope", "algorithms", "userinfo", "par"]),
    ("oauth2", &["authorize", "back", "token", "calls"]),
    ("cas", &["server"]),
    (
        "saml",
        &[
            "sso",
            "binding",
            "logout",
            "certificates",
            "metadata",
            "signed",
            "sha1",
            "signing",
            "name_id",
            "skew",
        ],
    ),
    ("header", &["sign", "take"]),
];
/// What variables of the environment begin with.
const VARIABLES: &str = "IDENTITY_";

/// What files of the folder may speak of beside themselves.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// Variables of the environment.
    pub variables: &'a dyn Fn(&str) -> Option<String>,
    /// The text of another file of the folder.
    pub beside: &'a dyn Fn(&str) -> Option<String>,
}

/// A document that is being read.
pub(super) struct Reader<'a> {
    pub(super) doc: Reading<'a>,
    pub(super) findings: Vec<Finding>,
    /// Whether addresses may be plain http, and stand anywhere.
    pub(super) inner: bool,
    /// Hosts and ports named so far.
    pub(super) hosts: Vec<(String, u16)>,
    /// The text of another file of the folder.
    pub(super) beside: &'a dyn Fn(&str) -> Option<String>,
}

/// Reads a file.
pub(super) fn provider(
    id: &str,
    mut document: Document,
    around: &Around<'_>,
    findings: &mut Vec<Finding>,
) -> Option<ProviderFile> {
    let mut missing = Vec::new();
    fill(&mut document.value, "", around.variables, &mut missing);
    let mut reader = Reader {
        doc: Reading(&document),
        findings: Vec::new(),
        inner: document.value.pointer("/inner") == Some(&Value::Bool(true)),
        hosts: Vec::new(),
        beside: around.beside,
    };
    for (place, name) in missing {
        let words = Text::new(
            format!("环境变量 {name} 未设置，或不以 {VARIABLES} 开头"),
            format!("The variable {name} is not set, or does not begin with {VARIABLES}"),
        );
        reader.report("missing-variable", &place, words);
    }
    let file = reader.file(id);
    let failed = !reader.findings.is_empty();
    findings.append(&mut reader.findings);
    file.filter(|_| !failed)
}

/// Puts variables of the environment in place of `${IDENTITY_…}`.
fn fill(
    value: &mut Value,
    place: &str,
    variables: &dyn Fn(&str) -> Option<String>,
    missing: &mut Vec<(String, String)>,
) {
    match value {
        Value::String(text) => {
            while let Some((before, rest)) = text.split_once("${") {
                let Some((name, after)) = rest.split_once('}') else {
                    break;
                };
                let known = Some(name).filter(|n| n.starts_with(VARIABLES)).and_then(variables);
                // A value must not bring a variable of its own.
                let Some(known) = known.filter(|k| !k.contains("${")) else {
                    missing.push((place.to_owned(), name.to_owned()));
                    break;
                };
                *text = format!("{before}{known}{after}");
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                fill(item, &format!("{place}/{index}"), variables, missing);
            }
        }
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                fill(member, &format!("{place}/{}", escape(name)), variables, missing);
            }
        }
        _ => {}
    }
}

impl Reader<'_> {
    fn file(&mut self, id: &str) -> Option<ProviderFile> {
        if self.doc.object("", &mut self.findings).is_none() {
            self.missing("", "name");
            return None;
        }
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if id.is_empty() || id.len() > 40 || !id.bytes().all(plain) {
            let words = Text::new(
                "文件名不能作为登录源的名字",
                "The name of the file cannot name a provider",
            );
            let finding = self.doc.finding("bad-name", "", words);
            self.findings
                .push(finding.expected("a-z, 0-9 and -, at most 40 characters", id));
        }
        let name = self.doc.text("/name", &mut self.findings);
        if name.is_none() {
            self.missing("", "name");
        }
        let described = self.metadata();
        let dialect = self.dialect(described.as_ref());
        let claims = self.claims();
        Some(ProviderFile {
            id: id.to_owned(),
            name: name?,
            active: self.flag("/active").unwrap_or(true),
            issuer: self.issuer(dialect.as_ref(), described.as_ref()),
            inner: self.flag("/inner").unwrap_or(false),
            client: self.client(),
            subject: self.linking(dialect.as_ref()),
            claims,
            assurance: self.levels()?,
            refuse: self.refusals(),
            dialect: dialect?,
            hosts: std::mem::take(&mut self.hosts),
        })
    }

    fn dialect(&mut self, described: Option<&Described>) -> Option<Dialect> {
        let words: Vec<&str> = DIALECTS.iter().map(|(w, _)| *w).collect();
        let Some(word) = self.string("/dialect") else {
            self.missing("", "dialect");
            return None;
        };
        let Some((_, own)) = DIALECTS.iter().find(|(w, _)| *w == word) else {
            let finding = self
                .doc
                .unknown("/dialect", &word, &words, &Text::new("方言", "dialect"));
            self.findings.push(finding);
            return None;
        };
        let known: Vec<&str> = KEYS.iter().chain(own.iter()).copied().collect();
        self.doc.only_keys("", &known, &mut self.findings);
        match word.as_str() {
            "oidc" => self.oidc().map(Dialect::Oidc),
            "oauth2" => self.calls().map(Dialect::Calls),
            "cas" => self
                .needed_address("/server")
                .map(|server| Dialect::Cas(Cas { server })),
            "saml" => self.saml(described).map(Dialect::Saml),
            _ => self.headers().map(Dialect::Header),
        }
    }

    /// The name its people are linked under. CAS has none of its own but its address; metadata has one in it.
    fn issuer(&mut self, dialect: Option<&Dialect>, described: Option<&Described>) -> String {
        let given = self.string("/issuer");
        if let (None, Some(Dialect::Cas(cas))) = (&given, dialect) {
            return cas.server.to_string();
        }
        match given {
            Some(issuer) => {
                let plain = issuer.len() <= 200 && !issuer.is_empty() && issuer.bytes().all(|b| b.is_ascii_graphic());
                if !plain {
                    let words = Text::new("issuer 不可用", "The issuer cannot be used");
                    let finding = self.doc.finding("wrong-value", "/issuer", words);
                    self.findings
                        .push(finding.expected("at most 200 printable ASCII characters", issuer.clone()));
                }
                if matches!(dialect, Some(Dialect::Oidc(_))) {
                    self.address("/issuer");
                }
                issuer
            }
            None if described.is_some() => described.map(|d| d.entity.clone()).unwrap_or_default(),
            None => {
                self.missing("", "issuer");
                String::new()
            }
        }
    }

    fn client(&mut self) -> Client {
        self.doc.object("/client", &mut self.findings);
        self.doc
            .only_keys("/client", &["id", "secret", "auth"], &mut self.findings);
        let id = self
            .string("/client/id")
            .map(|text| match text.strip_prefix("secret:") {
                Some(name) => Reference::Secret(name.to_owned()),
                None => Reference::Text(text),
            });
        let auth = self.one_of("/client/auth", &[("basic", false), ("post", true)]);
        Client {
            id,
            secret: self.secret("/client/secret"),
            in_body: auth.unwrap_or(false),
        }
    }

    /// The name of a secret; a secret itself does not stand in a file.
    pub(super) fn secret(&mut self, place: &str) -> Option<String> {
        let text = self.string(place)?;
        let name = text
            .strip_prefix("secret:")
            .filter(|n| !n.is_empty())
            .map(str::to_owned);
        if name.is_none() {
            let words = Text::new(
                "密钥不写在文件里，只写引用",
                "A secret does not stand in a file, only a reference to it",
            );
            // What was written may be a secret, so it is not repeated.
            let finding = self.doc.finding("wrong-value", place, words);
            self.findings
                .push(finding.expected("secret:name", "a text without secret:"));
        }
        name
    }

    pub(super) fn report(&mut self, code: &str, place: &str, words: Text) {
        let finding = self.doc.finding(code, place, words);
        self.findings.push(finding);
    }

    pub(super) fn missing(&mut self, place: &str, key: &str) {
        let words = Text::new(format!("缺少 {key}"), format!("{key} is missing"));
        let finding = self.doc.finding("missing-key", place, words).expected(key, "nothing");
        self.findings.push(finding);
    }

    pub(super) fn string(&mut self, place: &str) -> Option<String> {
        self.doc.string(place, &mut self.findings).map(str::to_owned)
    }

    pub(super) fn flag(&mut self, place: &str) -> Option<bool> {
        let value = self.doc.value(place)?;
        let flag = value.as_bool();
        if flag.is_none() {
            let finding = self.doc.wrong(place, "true or false", value);
            self.findings.push(finding);
        }
        flag
    }

    /// One of a few words.
    pub(super) fn one_of<T: Copy>(&mut self, place: &str, words: &[(&str, T)]) -> Option<T> {
        let text = self.string(place)?;
        let found = words.iter().find(|(w, _)| *w == text).map(|(_, t)| *t);
        if found.is_none() {
            let known: Vec<&str> = words.iter().map(|(w, _)| *w).collect();
            let finding = self.doc.unknown(place, &text, &known, &Text::new("取值", "value"));
            self.findings.push(finding);
        }
        found
    }

    pub(super) fn words(&mut self, place: &str) -> Option<Vec<String>> {
        let words = self.doc.words(place, &mut self.findings)?;
        Some(words.into_iter().map(|(w, _)| w).collect())
    }

    /// An address that must be there.
    pub(super) fn needed_address(&mut self, place: &str) -> Option<Url> {
        if self.doc.value(place).is_none() {
            let (above, key) = place.rsplit_once('/').unwrap_or(("", place));
            self.missing(above, key);
        }
        self.address(place)
    }

    /// An address: https, or http where the file says that the provider stands inside.
    pub(super) fn address(&mut self, place: &str) -> Option<Url> {
        let text = self.string(place)?;
        let good = Url::parse(&text).ok().filter(|url| self.takes(url));
        if good.is_none() {
            let words = Text::new("地址不可用", "The address cannot be used");
            let expected = if self.inner {
                "an address with https:// or http://, without credentials and #"
            } else {
                "an address with https://, without credentials and #; http:// only with inner: true"
            };
            let finding = self.doc.finding("wrong-value", place, words).expected(expected, text);
            self.findings.push(finding);
        }
        let host = good
            .as_ref()
            .and_then(|u| Some((u.host_str()?.to_owned(), u.port_or_known_default()?)));
        self.hosts.extend(host);
        good
    }

    fn takes(&self, url: &Url) -> bool {
        let scheme = url.scheme() == "https" || url.scheme() == "http" && self.inner;
        let bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        scheme && bare && url.host_str().is_some()
    }
}

/// An algorithm that a file may name.
pub(super) fn algorithm(name: &str) -> Option<jsonwebtoken::Algorithm> {
    ALGORITHMS.iter().find(|(n, _)| *n == name).map(|(_, a)| *a)
}

#[cfg(test)]
mod tests;
