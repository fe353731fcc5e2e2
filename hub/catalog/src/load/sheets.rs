//! The small files beside the API descriptions: agencies, topics, events, synonyms.

use super::extensions::{Extensions, Sheet};
use super::report::{At, Report};
use crate::Document;
use crate::catalog::{Event, Theme};
use crate::search::Synonyms;
use hub_core::{Agency, Text};
use serde::Deserialize;
use serde_json::Value;

const DEFAULT_DOMAIN: &str = "government";

#[derive(Deserialize)]
struct AgencySheet {
    code: String,
    name: Text,
    short: Option<Text>,
    domain: Option<String>,
    phone: Option<String>,
}

/// An agency from its `agency.yaml`.
pub(super) fn agency(document: &Document, extensions: &Extensions, report: &mut Report<'_>) -> Option<Agency> {
    extensions.check_sheet(Sheet::Agency, report);
    let sheet = AgencySheet::deserialize(&document.value).ok()?;
    let folder = document.name.split('/').next().unwrap_or_default();
    if sheet.code != folder {
        let finding = report.finding(
            "agency-code-mismatch",
            &At::Root.key("code"),
            "部门代码应与文件夹同名",
            "An agency's code is the name of its folder",
        );
        report.push(finding.expected(folder, sheet.code.as_str()));
    }
    Some(Agency {
        short: sheet.short.unwrap_or_else(|| sheet.name.clone()),
        name: sheet.name,
        domain: sheet.domain.unwrap_or_else(|| DEFAULT_DOMAIN.to_owned()),
        phone: sheet.phone,
        code: sheet.code,
    })
}

/// An agency of which only the folder is known.
pub(super) fn bare_agency(code: &str) -> Agency {
    Agency {
        code: code.to_owned(),
        name: Text::same(code),
        short: Text::same(code),
        domain: DEFAULT_DOMAIN.to_owned(),
        phone: None,
    }
}

/// Topics in order of scheme and sort.
pub(super) fn themes(document: &Document, extensions: &Extensions, report: &mut Report<'_>) -> Vec<Theme> {
    extensions.check_sheet(Sheet::Themes, report);
    let map = document.value.as_object();
    let mut themes: Vec<Theme> = map
        .into_iter()
        .flatten()
        .map(|(code, theme)| Theme {
            code: code.clone(),
            name: text(theme),
            scheme: word(theme, "scheme"),
            sort: theme
                .get("sort")
                .and_then(Value::as_u64)
                .and_then(|n| u32::try_from(n).ok())
                .unwrap_or(0),
        })
        .collect();
    themes.sort_by(|a, b| (&a.scheme, a.sort).cmp(&(&b.scheme, b.sort)));
    themes
}

/// Events in document order.
pub(super) fn events(document: &Document, extensions: &Extensions, report: &mut Report<'_>) -> Vec<Event> {
    extensions.check_sheet(Sheet::Events, report);
    let map = document.value.as_object();
    map.into_iter()
        .flatten()
        .map(|(id, event)| Event {
            id: id.clone(),
            name: text(event),
        })
        .collect()
}

/// Everyday words for search.
pub(super) fn synonyms(document: &Document, extensions: &Extensions, report: &mut Report<'_>) -> Synonyms {
    extensions.check_sheet(Sheet::Synonyms, report);
    Synonyms::deserialize(&document.value).unwrap_or_default()
}

fn text(value: &Value) -> Text {
    Text::new(word(value, "zh"), word(value, "en"))
}

fn word(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}
