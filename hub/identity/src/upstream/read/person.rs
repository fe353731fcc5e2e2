//! What a file says of a person: who it is, what is known, how surely, and who must not come in.

use super::Reader;
use crate::upstream::file::{ATTRIBUTES, Attribute, Dialect, Levels, Linking, Refusal};
use hub_core::{Assurance, Text};
use serde_json::Value;
use std::collections::BTreeMap;

const LEVELS: [(&str, Assurance); 5] = [
    ("R0", Assurance::R0),
    ("R1", Assurance::R1),
    ("R2", Assurance::R2),
    ("R3", Assurance::R3),
    ("R4", Assurance::R4),
];

impl Reader<'_> {
    /// Attributes and the names of the values they come from.
    pub(super) fn claims(&mut self) -> BTreeMap<Attribute, String> {
        let known: Vec<&str> = ATTRIBUTES.iter().map(|(w, _)| *w).collect();
        self.doc.object("/claims", &mut self.findings);
        self.doc.only_keys("/claims", &known, &mut self.findings);
        let mut claims = BTreeMap::new();
        for (word, attribute) in ATTRIBUTES {
            if let Some(from) = self.string(&format!("/claims/{word}")) {
                claims.insert(attribute, from);
            }
        }
        let company = [Attribute::Uscc, Attribute::OrgName, Attribute::Role];
        let named = company.iter().filter(|a| claims.contains_key(a)).count();
        if named != 0 && named != company.len() {
            let words = Text::new(
                "uscc、org_name、role 要么都有，要么都没有",
                "uscc, org_name and role go together or not at all",
            );
            self.report("missing-key", "/claims", words);
        }
        claims
    }

    pub(super) fn linking(&mut self, dialect: Option<&Dialect>) -> Linking {
        let linking = Linking {
            everywhere: self.string("/subject"),
            here: self.string("/subject_of_app"),
        };
        let none = linking == Linking::default();
        match dialect {
            // What names a person is fixed there.
            Some(Dialect::Oidc(_) | Dialect::Cas(_)) if !none => {
                let words = Text::new(
                    "该方言里由规范决定以什么识别一个人",
                    "In this dialect the standard says what names a person",
                );
                self.report("unknown-key", "/subject", words);
            }
            Some(Dialect::Calls(_) | Dialect::Header(_)) if none => self.missing("", "subject"),
            _ => {}
        }
        linking
    }

    pub(super) fn levels(&mut self) -> Option<Levels> {
        let most = match self.doc.value("/most") {
            Some(_) => self.level("/most"),
            None => {
                self.missing("", "most");
                None
            }
        };
        let mut levels = Levels {
            from: None,
            table: BTreeMap::new(),
            otherwise: Assurance::R0,
            most: most?,
        };
        match self.doc.value("/assurance") {
            None => {}
            Some(Value::String(_)) => levels.otherwise = self.level("/assurance")?,
            Some(_) => {
                self.doc.object("/assurance", &mut self.findings)?;
                self.doc
                    .only_keys("/assurance", &["from", "table", "else"], &mut self.findings);
                levels.from = self.string("/assurance/from");
                if levels.from.is_none() {
                    self.missing("/assurance", "from");
                }
                levels.otherwise = self.level("/assurance/else").unwrap_or(Assurance::R0);
                let table = self.doc.object("/assurance/table", &mut self.findings).cloned();
                for word in table.iter().flat_map(|t| t.keys()) {
                    let place = format!("/assurance/table/{}", hub_catalog::document::escape(word));
                    if let Some(level) = self.level(&place) {
                        levels.table.insert(word.clone(), level);
                    }
                }
            }
        }
        Some(levels)
    }

    fn level(&mut self, place: &str) -> Option<Assurance> {
        self.one_of(place, &LEVELS)
    }

    pub(super) fn refusals(&mut self) -> Vec<Refusal> {
        let count = self.doc.list("/refuse", &mut self.findings).map_or(0, Vec::len);
        let mut refusals = Vec::new();
        for index in 0..count {
            let place = format!("/refuse/{index}");
            self.doc.object(&place, &mut self.findings);
            self.doc.only_keys(&place, &["value", "is", "why"], &mut self.findings);
            let name = self.string(&format!("{place}/value"));
            let is = self.scalars(&format!("{place}/is"));
            let why = self.doc.text(&format!("{place}/why"), &mut self.findings);
            match (name, is, why) {
                (Some(name), Some(is), Some(why)) => refusals.push(Refusal { name, is, why }),
                _ => self.missing(&place, "value, is, why"),
            }
        }
        refusals
    }

    /// One value or a list of them, each as a text.
    pub(super) fn scalars(&mut self, place: &str) -> Option<Vec<String>> {
        let value = self.doc.value(place)?;
        let text = |v: &Value| match v {
            Value::String(text) => Some(text.clone()),
            Value::Number(_) | Value::Bool(_) => Some(v.to_string()),
            _ => None,
        };
        let texts = match value {
            Value::Array(items) => items.iter().map(text).collect::<Option<Vec<_>>>(),
            one => text(one).map(|t| vec![t]),
        };
        if texts.is_none() {
            let finding = self.doc.wrong(place, "a value or a list of values", value);
            self.findings.push(finding);
        }
        texts
    }
}
