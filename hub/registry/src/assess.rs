//! What can be said of an uploaded description before anybody looks at it.

use crate::soap;
use hub_catalog::description::{Description, Format, read};
use hub_catalog::diff::{self, Day, Options};
use hub_catalog::lint::{LintFinding, RuleSet, Waivers, run};
use hub_core::time::{Timestamp, civil};
use hub_core::{Finding, Text};
use hub_outbound::EgressPolicy;
use serde_json::Value;
use std::sync::Arc;
use url::Url;

/// Code of the finding about an address in a private network.
pub const NOT_PUBLIC: &str = "upstream-not-public";
/// Code of the finding about an address that is nowhere said.
pub const NO_UPSTREAM: &str = "upstream-missing";

/// A description that was read.
#[derive(Debug)]
pub struct Reading {
    /// The normal form and where its values were written.
    pub description: Arc<Description>,
    /// `info.title`.
    pub title: String,
    /// `info.version`.
    pub number: String,
    /// Its first digits: the major version.
    pub major: u32,
    /// The first server's address, if it is a whole one.
    pub upstream: Option<Url>,
}

/// Reads an upload.
///
/// # Errors
/// Everything that keeps it from being read.
pub fn reading(file: &str, bytes: &[u8]) -> Result<Reading, Vec<Finding>> {
    let description = read(file, bytes)?;
    let word = |key: &str| {
        let value = description.document.pointer(&format!("/info/{key}"))?;
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), |t| t.trim().to_owned());
        (!text.is_empty()).then_some(text)
    };
    let number = word("version").unwrap_or_else(|| "1.0.0".to_owned());
    Ok(Reading {
        title: word("title").unwrap_or_else(|| file.to_owned()),
        major: hub_catalog::major_of(&number),
        upstream: upstream(&description.document),
        number,
        description: Arc::new(description),
    })
}

/// The first server, its variables at their defaults.
fn upstream(document: &Value) -> Option<Url> {
    let server = document.pointer("/servers/0")?;
    let mut address = server.get("url")?.as_str()?.to_owned();
    for (name, variable) in server.get("variables").and_then(Value::as_object).into_iter().flatten() {
        let default = variable.get("default").and_then(Value::as_str).unwrap_or_default();
        address = address.replace(&format!("{{{name}}}"), default);
    }
    let url = Url::parse(&address).ok()?;
    // What a build was to fill in is no address.
    let host = url.host_str().unwrap_or_default();
    let is_whole = !host.is_empty() && !host.contains(['$', '{', '}', '%']);
    (is_whole && matches!(url.scheme(), "http" | "https")).then_some(url)
}

impl Reading {
    /// What the hub's rules find, and what was repaired.
    #[must_use]
    pub fn findings(&self, rules: &RuleSet, waivers: &Waivers, now: Timestamp) -> Vec<LintFinding> {
        run(&self.description, rules, waivers, &civil(now).date().to_string())
    }

    /// What keeps its system from being reached: no address, or one that is not public.
    #[must_use]
    pub fn unreachable(&self, inner_allowed: bool) -> Option<Finding> {
        let about = |code: &str, message: Text| self.description.finding(code, "/servers/0/url", message);
        let Some(url) = &self.upstream else {
            let message = Text::new(
                "没有写明后台系统的完整地址，也没有连接器",
                "Neither a whole address of the back end nor a connector is given",
            );
            let fix = Text::new(
                "请在 servers 中写明 https 地址，或上传连接器清单",
                "Write an https address under `servers`, or upload a connector manifest",
            );
            return Some(about(NO_UPSTREAM, message).fix(fix));
        };
        if inner_allowed || EgressPolicy::public().admits(url).is_ok() {
            return None;
        }
        let message = Text::new(
            "后台系统地址不是公网地址",
            "The address of the back end is not a public one",
        );
        let fix = Text::new(
            "请使用公网地址；专网地址须由枢纽运维人员放行（allow-inner）",
            "Use a public address; an operator of the hub may allow an inner one (allow-inner)",
        );
        Some(
            about(NOT_PUBLIC, message)
                .expected("a public address", url.as_str())
                .fix(fix),
        )
    }

    /// The manifest of a system that speaks as its description says.
    #[must_use]
    pub fn plain_manifest(&self, system: &str) -> Option<String> {
        let url = self.upstream.as_ref()?;
        let address = Value::from(url.as_str().trim_end_matches('/'));
        let head = format!("# Inferred: the system speaks as its description says.\nsystem: {system}\n");
        Some(match self.description.format {
            Format::Wsdl => soap::manifest(&head, &address, &self.description.document),
            Format::OpenApi | Format::Swagger => {
                format!("{head}upstream: {{url: {address}, dialect: rest-json}}\noperations: same\n")
            }
        })
    }

    /// What differs from another version.
    #[must_use]
    pub fn changes_from(&self, old: &Self, now: Timestamp) -> diff::Report {
        let options = Options {
            today: Day::parse(&civil(now).date().to_string()),
        };
        diff::diff(&old.description.document, &self.description.document, options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn major_versions_as_they_are_written() {
        for (number, expected) in [("1.0.0", 1), ("v2", 2), ("0.1.0", 0), ("2026-11", 2026), ("beta", 1)] {
            assert_eq!(hub_catalog::major_of(number), expected, "{number}");
        }
    }

    #[test]
    fn the_address_of_the_back_end_is_read_and_judged() {
        let read = |servers: &str| {
            let text = format!("openapi: 3.1.0\ninfo: {{title: T, version: 1.0.0}}\nservers: {servers}\npaths: {{}}\n");
            reading("t.yaml", text.as_bytes()).unwrap()
        };
        let code = |servers: &str| read(servers).unreachable(false).map(|f| f.code);
        assert_eq!(code("[{url: 'https://api.example.gov.cn/v1'}]"), None);
        assert_eq!(
            code("[{url: 'https://{h}/v1', variables: {h: {default: a.example}}}]"),
            None
        );
        assert_eq!(code("[{url: /v1}]").as_deref(), Some(NO_UPSTREAM));
        assert_eq!(code("[{url: 'https://${host}/v1'}]").as_deref(), Some(NO_UPSTREAM));
        assert_eq!(code("[{url: 'http://169.254.169.254/'}]").as_deref(), Some(NOT_PUBLIC));
        assert_eq!(code("[{url: 'http://2130706433/'}]").as_deref(), Some(NOT_PUBLIC));
        assert!(read("[{url: 'http://127.0.0.1:9/'}]").unreachable(true).is_none());
    }
}
