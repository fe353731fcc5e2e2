//! The config: one YAML file plus `HUB_<AREA>_<SETTING>` variables, read once. Unknown keys are refused with their place.

mod area;
mod setting;

use crate::http::address::Block;
use area::{Area, area};
use hub_catalog::document::Document;
use hub_core::{Finding, Text};
use serde_json::{Value, json};
pub use setting::Hidden;
use setting::{Given, Unfit};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

/// A loopback address; port 0 takes a free one.
const fn loopback(port: u16) -> SocketAddr {
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

area! {
    /// Where the hub listens and how it treats what comes in.
    Listen "listen" {
        /// Address and port of the public listener; port 0 takes a free one.
        address: SocketAddr = loopback(8080),
        /// Address and port of the operators' listener. Keep it on loopback or an operators' network.
        admin_address: SocketAddr = loopback(8081),
        /// Public address as clients write it, without a trailing slash; from `address` if it is missing.
        public_url: Option<String> = None,
        /// Threads that answer requests; 0 takes one for each processor the hub may run on.
        workers: u64 = 0,
        /// Proxies whose `X-Forwarded-For` is believed: addresses or blocks like `10.0.0.0/8`.
        trusted_proxies: Vec<String> = Vec::new(),
        /// Largest request body in bytes, files apart.
        body_bytes: u64 = 1 << 20,
        /// Largest file upload in bytes.
        file_bytes: u64 = 20 << 20,
        /// Longest time a body may take to arrive, in milliseconds.
        body_timeout_ms: u64 = 15_000,
        /// Longest time calls under way get to finish at shutdown, in seconds.
        shutdown_seconds: u64 = 20,
    }
}

area! {
    /// Folders and files.
    Paths "paths" {
        /// API descriptions, one file a system.
        specs: PathBuf = "specs".into(),
        /// Connectors, one folder a system.
        connectors: PathBuf = "connectors".into(),
        /// Access grants, plans, privacy rules.
        policies: PathBuf = "policies".into(),
        /// Personas of the sandbox.
        personas: PathBuf = "sandbox/personas.yaml".into(),
        /// What must survive: store, trail, keys.
        data: PathBuf = "data".into(),
        /// Secrets of the upstreams: `agency/system: {name: value}`.
        secrets: Option<PathBuf> = None,
    }
}

area! {
    /// Where what must survive is kept.
    Database "store" {
        /// `postgres://user:password@host/database` that several hubs share; an SQLite file in the data folder if it is
        /// missing. It holds a password: set HUB_STORE_URL rather than writing it down.
        url: Option<Hidden> = None,
    }
}

area! {
    /// Who vouches for subjects.
    Identity "identity" {
        /// Whether the built-in test issuer signs tokens for personas. Never on where real people are served.
        test_issuer: bool = false,
    }
}

area! {
    /// The sandbox.
    Sandbox "sandbox" {
        /// Seed of all invented values; the same seed gives the same answers.
        seed: u64 = 20_260_408,
    }
}

area! {
    /// What the hub sends to developers: webhooks and verifications.
    Developer "developer" {
        /// Whether they may go to this machine and to private networks. Never on where strangers have keys: they could
        /// have the hub knock at doors that are closed to them.
        inner_addresses: bool = false,
    }
}

area! {
    /// The process log on standard error.
    Log "log" {
        /// json, text, or auto (text on a terminal).
        form: String = "auto".into(),
        /// Filter in the form of tracing: a level, or `crate=level,…`.
        level: String = "info,actix_server=warn".into(),
    }
}

/// The whole config.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Listeners.
    pub listen: Listen,
    /// Folders.
    pub paths: Paths,
    /// Store.
    pub store: Database,
    /// Identity.
    pub identity: Identity,
    /// Sandbox.
    pub sandbox: Sandbox,
    /// What is sent to developers.
    pub developer: Developer,
    /// Log.
    pub log: Log,
}

impl Config {
    /// Reads the file, if one is given, and then the variables.
    ///
    /// # Errors
    /// Every key and value that cannot be used, with its place.
    pub fn load(file: Option<&Path>, variables: &dyn Fn(&str) -> Option<String>) -> Result<Self, Vec<Finding>> {
        let mut config = Self::default();
        let mut findings = Vec::new();
        if let Some(path) = file {
            match read(path) {
                Ok(document) => config.take_document(&document, &mut findings),
                Err(finding) => findings.push(finding),
            }
        }
        config.take_variables(variables, &mut findings);
        config.check(&mut findings);
        if findings.is_empty() { Ok(config) } else { Err(findings) }
    }

    fn take_document(&mut self, document: &Document, findings: &mut Vec<Finding>) {
        let Some(areas) = document.value.as_object() else {
            if !document.value.is_null() {
                findings.push(unfit(
                    document,
                    "",
                    &Unfit {
                        expected: "areas with settings".into(),
                    },
                ));
            }
            return;
        };
        for (key, value) in areas {
            match key.as_str() {
                Listen::KEY => take(&mut self.listen, document, value, findings),
                Paths::KEY => take(&mut self.paths, document, value, findings),
                Database::KEY => take(&mut self.store, document, value, findings),
                Identity::KEY => take(&mut self.identity, document, value, findings),
                Sandbox::KEY => take(&mut self.sandbox, document, value, findings),
                Developer::KEY => take(&mut self.developer, document, value, findings),
                Log::KEY => take(&mut self.log, document, value, findings),
                _ => findings.push(unknown(document, &format!("/{key}"), key, &KEYS)),
            }
        }
    }

    fn take_variables(&mut self, variables: &dyn Fn(&str) -> Option<String>, findings: &mut Vec<Finding>) {
        from_variables(&mut self.listen, variables, findings);
        from_variables(&mut self.paths, variables, findings);
        from_variables(&mut self.store, variables, findings);
        from_variables(&mut self.identity, variables, findings);
        from_variables(&mut self.sandbox, variables, findings);
        from_variables(&mut self.developer, variables, findings);
        from_variables(&mut self.log, variables, findings);
    }

    fn check(&self, findings: &mut Vec<Finding>) {
        for text in &self.listen.trusted_proxies {
            if let Err(e) = text.parse::<Block>() {
                let words = Text::new(format!("`{text}` 不是地址或网段"), e.to_string());
                findings.push(Finding::error("bad-value", "listen.trusted_proxies", words));
            }
        }
    }

    /// The trusted proxies as blocks.
    #[must_use]
    pub fn trusted_proxies(&self) -> Vec<Block> {
        self.listen
            .trusted_proxies
            .iter()
            .filter_map(|text| text.parse().ok())
            .collect()
    }

    /// JSON Schema of the file.
    #[must_use]
    pub fn schema() -> Value {
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "hub.yaml",
            "description": "Config of the hub. Every setting can be overridden by a variable HUB_<AREA>_<SETTING>.",
            "type": "object",
            "additionalProperties": false,
            "properties": {
                (Listen::KEY): Listen::schema(),
                (Paths::KEY): Paths::schema(),
                (Database::KEY): Database::schema(),
                (Identity::KEY): Identity::schema(),
                (Sandbox::KEY): Sandbox::schema(),
                (Developer::KEY): Developer::schema(),
                (Log::KEY): Log::schema(),
            },
        })
    }
}

const KEYS: [&str; 7] = [
    Listen::KEY,
    Paths::KEY,
    Database::KEY,
    Identity::KEY,
    Sandbox::KEY,
    Developer::KEY,
    Log::KEY,
];

fn read(path: &Path) -> Result<Document, Finding> {
    let name = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|e| {
        let words = Text::new(
            format!("无法读取配置文件：{e}"),
            format!("the config file cannot be read: {e}"),
        );
        Finding::error("unreadable-file", &name, words)
    })?;
    Document::parse(&name, &bytes)
}

fn take<A: Area>(area: &mut A, document: &Document, value: &Value, findings: &mut Vec<Finding>) {
    let Some(settings) = value.as_object() else {
        if !value.is_null() {
            findings.push(unfit(
                document,
                &format!("/{}", A::KEY),
                &Unfit {
                    expected: "settings".into(),
                },
            ));
        }
        return;
    };
    for (name, value) in settings {
        let pointer = format!("/{}/{name}", A::KEY);
        match area.set(name, Given::Json(value)) {
            Ok(()) => {}
            Err(Some(what)) => findings.push(unfit(document, &pointer, &what)),
            Err(None) => findings.push(unknown(document, &pointer, name, A::NAMES)),
        }
    }
}

fn from_variables<A: Area>(area: &mut A, variables: &dyn Fn(&str) -> Option<String>, findings: &mut Vec<Finding>) {
    for name in A::NAMES {
        let variable = format!("HUB_{}_{name}", A::KEY).to_ascii_uppercase();
        let Some(text) = variables(&variable) else { continue };
        if let Err(Some(what)) = area.set(name, Given::Text(&text)) {
            let words = Text::new("变量的值不可用", "the variable has a value that cannot be used");
            findings.push(Finding::error("bad-value", variable, words).expected(what.expected, text));
        }
    }
}

fn unfit(document: &Document, pointer: &str, what: &Unfit) -> Finding {
    let got = document
        .value
        .pointer(pointer)
        .map(ToString::to_string)
        .unwrap_or_default();
    let words = Text::new("配置项的值不可用", "the setting has a value that cannot be used");
    document
        .finding("bad-value", pointer, words)
        .expected(&what.expected, got)
}

fn unknown(document: &Document, pointer: &str, name: &str, known: &[&str]) -> Finding {
    let words = Text::new(format!("没有配置项 `{name}`"), format!("there is no setting `{name}`"));
    document
        .finding("unknown-key", pointer, words)
        .near(hub_catalog::document::nearest(name, known.iter().copied()))
}

#[cfg(test)]
mod tests;
