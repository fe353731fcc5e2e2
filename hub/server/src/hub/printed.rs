//! Unified documents as text: made once an edition, kept while there is room.

use hub_catalog::{Catalog, OpenApiVersion, Selection};
use hub_crypto::{Digest, digest, hex};
use moka::sync::Cache;
use serde_json::Value;
use std::fmt::Write as _;

/// Bytes of documents kept.
const ROOM: u64 = 96 << 20;

/// A document as text.
#[derive(Debug, Clone)]
pub struct Printed {
    /// The text.
    pub text: bytes::Bytes,
    /// Entity tag without quotes.
    pub tag: String,
}

type Key = (u64, Selection, OpenApiVersion, bool);

/// Documents made already.
pub struct Press {
    made: Cache<Key, Printed>,
}

impl Default for Press {
    fn default() -> Self {
        let weigh = |_: &Key, p: &Printed| u32::try_from(p.text.len()).unwrap_or(u32::MAX);
        Self {
            made: Cache::builder().max_capacity(ROOM).weigher(weigh).build(),
        }
    }
}

impl Press {
    /// The document of a selection in the edition of this number.
    pub fn print(
        &self,
        edition: u64,
        catalog: &Catalog,
        base: &str,
        selection: &Selection,
        version: OpenApiVersion,
        yaml: bool,
    ) -> Printed {
        self.made.get_with((edition, selection.clone(), version, yaml), || {
            let document = catalog.openapi(selection, version, base);
            let text = if yaml { to_yaml(&document) } else { document.to_string() };
            let mut tag = hex(&digest(Digest::Sha256, text.as_bytes()));
            tag.truncate(16);
            Printed { text: text.into(), tag }
        })
    }
}

/// JSON as block YAML 1.2. Texts stand in JSON's own quotes, which YAML reads the same.
fn to_yaml(value: &Value) -> String {
    let mut out = String::new();
    block(&mut out, value, 0);
    out
}

fn block(out: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (name, value) in map {
                indent(out, depth);
                let _ = write!(out, "{}:", key(name));
                below(out, value, depth);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                indent(out, depth);
                out.push('-');
                below(out, item, depth);
            }
        }
        scalar => {
            indent(out, depth);
            let _ = writeln!(out, "{scalar}");
        }
    }
}

fn below(out: &mut String, value: &Value, depth: usize) {
    let nested = match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    };
    if nested {
        out.push('\n');
        block(out, value, depth + 1);
    } else {
        let _ = writeln!(out, " {value}");
    }
}

fn indent(out: &mut String, depth: usize) {
    out.extend(std::iter::repeat_n("  ", depth));
}

/// A key that no reader could take for anything but this text.
fn key(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '$')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-./$".contains(c))
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&name.to_ascii_lowercase().as_str());
    if plain && !name.starts_with('$') {
        name.to_owned()
    } else {
        Value::from(name).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn yaml_says_the_same_as_json() {
        let value = json!({
            "openapi": "3.1.0", "200": {"no": null, "/a/{b}": [1, "x: y", {"$ref": "#/c", "t": true}, [], {}]},
            "title": "枢纽 \"q\" \n# no comment", "empty": {},
        });
        let yaml = to_yaml(&value);
        let read = hub_catalog::Document::parse("x.yaml", yaml.as_bytes()).unwrap_or_else(|f| panic!("{f}\n{yaml}"));
        assert_eq!(read.value, value, "{yaml}");
    }
}
