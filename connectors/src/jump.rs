//! Pages of the upstream's own (H5): the address to which a citizen is sent with a ticket. It must stand on a host that
//! the manifest names and say nothing about the person.

use crate::context::Context;
use crate::error::ConnectorError;
use crate::manifest::model::SendItem;
use crate::mapping::path::Path;
use crate::mapping::template::scalar_text;
use crate::message::Message;
use crate::outcome::unfounded;
use crate::sign::Given;
use crate::values::Maker;
use crate::wiring::Wiring;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use hub_core::ports::Call;
use hub_core::{DataLevel, Operation};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use url::Url;

/// Characters below which a value is too common to be looked for in an address.
const SHORTEST: usize = 4;

/// What is known of an operation's page.
#[derive(Debug, Clone)]
pub struct JumpRules {
    pub(crate) hosts: Vec<String>,
    pub(crate) into: Path,
    pub(crate) required: bool,
    pub(crate) to: Option<String>,
    pub(crate) with: Vec<SendItem>,
    pub(crate) signed: bool,
}

impl JumpRules {
    /// The address that the manifest makes, if it makes one.
    pub(crate) fn make(
        &self,
        maker: &Maker<'_>,
        wiring: &Wiring,
        context: &Context<'_>,
    ) -> Result<Option<String>, ConnectorError> {
        let Some(to) = &self.to else { return Ok(None) };
        let wrong = |e: &dyn std::fmt::Display| ConnectorError::Manifest(format!("the page's address: {e}"));
        let mut url = Url::parse(to).map_err(|e| wrong(&e))?;
        let mut message = Message {
            method: "GET".to_owned(),
            path: url.path().to_owned(),
            query: url
                .query_pairs()
                .map(|(n, v)| (n.into_owned(), v.into_owned()))
                .collect(),
            ..Message::default()
        };
        for item in &self.with {
            let made = maker.make(&item.value);
            let made = made.map_err(|e| unfounded(e, &self.into.to_string()))?;
            let value = made.as_ref().and_then(scalar_text);
            let name = item.spot.path.only_name().unwrap_or_default().to_owned();
            message.query.extend(value.map(|value| (name, value)));
        }
        if let Some(recipe) = wiring.sign.as_ref().filter(|_| self.signed) {
            let given = Given {
                now: context.now,
                random: context.random,
                secrets: context.secrets,
                session: &BTreeMap::new(),
                charset: wiring.charset,
            };
            recipe
                .sign(&mut message, &given, &|_| Some(Vec::new()))
                .map_err(|e| wrong(&e))?;
        }
        url.query_pairs_mut().clear().extend_pairs(&message.query);
        Ok(Some(url.to_string()))
    }

    /// The host of an address to which a citizen may be sent; why not otherwise.
    pub(crate) fn check(&self, address: &str, call: &Call) -> Result<String, &'static str> {
        let url = Url::parse(address).map_err(|_| "no address")?;
        if url.scheme() != "https" {
            return Err("an address without https");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("an address with user or password");
        }
        let host = url.host_str().unwrap_or_default().to_ascii_lowercase();
        if !self.hosts.iter().any(|h| covers(h, &host)) || url.port().is_some() {
            return Err("an address on another host");
        }
        if tells(&url, &personal(&call.operation, &call.input)) {
            return Err("an address that tells about the person");
        }
        Ok(host)
    }
}

fn covers(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix("*.") {
        Some(domain) => host
            .strip_suffix(domain)
            .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
        None => pattern == host,
    }
}

/// The values of an input that are personal.
fn personal(operation: &Operation, input: &Map<String, Value>) -> Vec<String> {
    let mut values = Vec::new();
    for (name, value) in input {
        let level = operation.input.child(name).map(hub_core::Shape::highest_level);
        if level.is_none_or(|l| l > DataLevel::L1) {
            texts(value, &mut values);
        }
    }
    values
}

fn texts(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|i| texts(i, into)),
        Value::Object(map) => map.values().for_each(|v| texts(v, into)),
        other => into.extend(scalar_text(other).filter(|text| {
            let wide = !text.is_ascii();
            text.chars().count() >= if wide { 2 } else { SHORTEST }
        })),
    }
}

/// Whether an address holds one of these values: as it is, percent-encoded once or twice, in Base64 or hexadecimal.
fn tells(url: &Url, values: &[String]) -> bool {
    let unescape = |text: &str| String::from_utf8_lossy(&crate::form::unescape(text)).into_owned();
    let raw = url.as_str().to_owned();
    let once = unescape(&raw);
    let twice = unescape(&once);
    let seen = [raw, once, twice];
    values.iter().any(|value| {
        let bytes = value.as_bytes();
        let plain = value.to_lowercase();
        let packed = [STANDARD_NO_PAD.encode(bytes), URL_SAFE_NO_PAD.encode(bytes)];
        seen.iter().any(|text| {
            let lower = text.to_lowercase();
            lower.contains(&plain)
                || lower.contains(&hub_crypto::hex(bytes))
                || packed.iter().any(|p| text.contains(p.as_str()))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_exact_or_below() {
        assert!(covers("h5.court.example", "h5.court.example"));
        assert!(covers("*.court.example", "pay.court.example"));
        for (pattern, host) in [
            ("h5.court.example", "evil-h5.court.example"),
            ("*.court.example", "court.example"),
            ("*.court.example", ".court.example"),
            ("*.court.example", "evilcourt.example"),
            ("court.example", "court.example.evil.example"),
        ] {
            assert!(!covers(pattern, host), "{pattern} {host}");
        }
    }

    #[test]
    fn a_number_is_found_however_it_is_packed() {
        let number = "11010119900307123X".to_owned();
        let values = [number.clone(), "张三".to_owned()];
        for address in [
            "https://h/a?id=11010119900307123x",
            "https://h/a?id=%31%31010119900307123X",
            "https://h/a?id=%2531%2531010119900307123X",
            "https://h/a?d=MTEwMTAxMTk5MDAzMDcxMjNY",
            "https://h/a?d=313130313031313939303033303731323358",
            "https://h/11010119900307123X/b",
            "https://h/a#n=11010119900307123X",
            "https://h/a?xm=%E5%BC%A0%E4%B8%89",
        ] {
            assert!(tells(&Url::parse(address).unwrap(), &values), "{address}");
        }
        assert!(!tells(
            &Url::parse("https://h/a?ticket=ST-20260408-8f3c&lsh=990100").unwrap(),
            &values
        ));
    }
}
