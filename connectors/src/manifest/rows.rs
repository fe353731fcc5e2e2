//! Reading rows: `upstream: canonical | codec`, alternatives and rows within rows.

use super::model::{RowSections, RowSpec, Spot, Target};
use crate::mapping::path::Path;
use hub_catalog::document::escape;
use serde_json::{Map, Value};

/// The three sections of a manifest or an operation.
pub(super) fn sections(map: &Map<String, Value>, at: &str) -> RowSections {
    let section = |key: &str| read(map.get(key), &format!("{at}/{key}"));
    RowSections {
        fields: section("fields"),
        request: section("request"),
        response: section("response"),
    }
}

/// Rows that were found sound by the structural check.
pub(super) fn read(value: Option<&Value>, at: &str) -> Vec<RowSpec> {
    let Some(Value::Object(rows)) = value else {
        return Vec::new();
    };
    rows.iter()
        .map(|(name, row)| {
            let pointer = format!("{at}/{}", escape(name));
            RowSpec {
                spot: Spot::parse(name),
                targets: targets(row, &pointer),
                pointer,
            }
        })
        .collect()
}

fn targets(row: &Value, at: &str) -> Vec<Target> {
    match row {
        Value::String(text) => vec![target(text, None)],
        Value::Array(items) => items
            .iter()
            .filter_map(Value::as_str)
            .map(|t| target(t, None))
            .collect(),
        Value::Object(map) => map
            .iter()
            .map(|(canonical, inner)| {
                let below = format!("{at}/{}", escape(canonical));
                target(canonical, Some(read(Some(inner), &below)))
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn target(text: &str, rows: Option<Vec<RowSpec>>) -> Target {
    let mut parts = text.split('|').map(str::trim);
    let field = Path::parse(parts.next().unwrap_or_default());
    Target {
        field,
        chain: parts.map(str::to_owned).collect(),
        rows,
    }
}
