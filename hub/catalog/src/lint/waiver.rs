//! Waivers: findings that somebody answers for until a day.

use super::house::{is_date, wrong};
use crate::Document;
use hub_core::Finding;
use serde::{Deserialize, Serialize};

/// A finding that is let pass: which, why, until when, and who says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// Id of the rule.
    pub rule: String,
    /// JSON pointer of the place, or of what it stands in; empty for the whole description.
    #[serde(default)]
    pub place: String,
    /// Why it is let pass.
    pub why: String,
    /// Last day on which it is, `YYYY-MM-DD`.
    pub until: String,
    /// Who answers for it.
    pub who: String,
}

/// The waivers of a file, with the place each was written at.
#[derive(Debug, Clone, Default)]
pub struct Waivers {
    pub(super) all: Vec<(Waiver, Finding)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sheet {
    waivers: Vec<serde_json::Value>,
}

impl Waivers {
    /// Reads a waivers file.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it: a waiver needs `rule`, `why`, `until` and `who`.
    pub fn read(name: &str, bytes: &[u8]) -> Result<Self, Vec<Finding>> {
        let document = Document::parse(name, bytes).map_err(|f| vec![f])?;
        let sheet: Sheet =
            serde_json::from_value(document.value.clone()).map_err(|e| vec![wrong(&document, "", &e.to_string())])?;
        let (mut all, mut findings) = (Vec::new(), Vec::new());
        for (index, value) in sheet.waivers.into_iter().enumerate() {
            let pointer = format!("/waivers/{index}");
            match serde_json::from_value::<Waiver>(value)
                .map_err(|e| e.to_string())
                .and_then(checked)
            {
                Ok(waiver) => all.push((waiver, wrong(&document, &pointer, ""))),
                Err(reason) => findings.push(wrong(&document, &pointer, &reason)),
            }
        }
        if findings.is_empty() {
            Ok(Self { all })
        } else {
            Err(findings)
        }
    }
}

fn checked(waiver: Waiver) -> Result<Waiver, String> {
    if !is_date(&waiver.until) {
        return Err(format!("`{}` is no day of the form YYYY-MM-DD", waiver.until));
    }
    if waiver.why.trim().is_empty() || waiver.who.trim().is_empty() {
        return Err("`why` and `who` must say something".to_owned());
    }
    if !(waiver.place.is_empty() || waiver.place.starts_with('/')) {
        return Err(format!("`{}` is no JSON pointer", waiver.place));
    }
    Ok(waiver)
}

impl Waiver {
    /// Whether it speaks of a finding.
    pub(super) fn covers(&self, rule: &str, pointer: &str) -> bool {
        let below = pointer.strip_prefix(self.place.as_str());
        self.rule == rule && below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Whether its last day is over.
    pub(super) fn is_over(&self, today: &str) -> bool {
        self.until.as_str() < today
    }
}
