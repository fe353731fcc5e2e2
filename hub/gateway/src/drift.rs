//! Drift: what the systems answer is compared with what they answered before. Manuals change without notice; a field that
//! appears, goes missing or becomes something else, and a code that no table knows, is found here before citizens do.
//!
//! Names and kinds only, bounded in number. Nothing waits for it, and nothing fails by it.

use hub_connectors::{Connector, Kind, Sketch};
use hub_core::time::{Timestamp, rfc3339};
use hub_core::{Operation, RawResponse};
use hub_store::Store;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Answers from which an operation's normal outline is learnt.
const LEARN: u32 = 8;
/// Answers in a row without a field that was always there, before it counts as missing.
const MISSING: u32 = 3;
/// Findings kept for one system.
const FINDINGS: usize = 200;
/// Fields kept for one operation.
const FIELDS: usize = 400;
/// Answers of one operation come faster than they need to be looked at.
const PACE: Duration = Duration::from_millis(20);

/// What was learnt and found.
#[derive(Debug, Default)]
pub struct Drift(Mutex<BTreeMap<String, System>>);

#[derive(Debug, Default, Serialize, Deserialize)]
struct System {
    operations: BTreeMap<String, Normal>,
    findings: Vec<Finding>,
    #[serde(skip)]
    dirty: bool,
    /// Findings that found no room.
    #[serde(default)]
    dropped: u64,
}

/// How an operation's answers normally look.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Normal {
    answers: u32,
    fields: BTreeMap<String, Field>,
    #[serde(skip)]
    looked: Option<Instant>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Field {
    kinds: BTreeSet<Kind>,
    seen: u32,
    /// Answers in a row without it.
    gone: u32,
}

/// What has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Finding {
    operation: String,
    /// `new-field`, `missing-field`, `retyped-field`, `new-code`.
    kind: String,
    path: String,
    /// Kinds or the code.
    detail: String,
    breaking: bool,
    first: String,
    last: String,
    count: u64,
}

impl Drift {
    fn state(&self) -> MutexGuard<'_, BTreeMap<String, System>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at a good answer.
    pub(crate) fn watch(&self, connector: &Connector, operation: &Operation, response: &RawResponse, at: Timestamp) {
        let system = connector.system().to_string();
        let now = Instant::now();
        {
            let mut all = self.state();
            let normal = all
                .entry(system.clone())
                .or_default()
                .operations
                .entry(operation.key().to_owned())
                .or_default();
            let fast = normal.looked.is_some_and(|at| now.duration_since(at) < PACE);
            if fast && normal.answers >= LEARN {
                return;
            }
            normal.looked = Some(now);
        }
        // Reading takes time, so nobody waits for it.
        if let Some(sketch) = connector.sketch(operation.key(), response) {
            let mut all = self.state();
            all.entry(system).or_default().compare(operation.key(), &sketch, at);
        }
    }

    /// What was found, as operators see it; of one system or of all.
    #[must_use]
    pub fn findings(&self, system: Option<&str>) -> Vec<Value> {
        let all = self.state();
        let wanted = all.iter().filter(|(name, _)| system.is_none_or(|s| s == *name));
        wanted
            .flat_map(|(name, system)| system.findings.iter().map(move |f| f.told(name)))
            .collect()
    }

    /// How many findings there are by system, kind and severity.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<(String, String, &'static str), u64> {
        let mut counts = BTreeMap::new();
        for (name, system) in self.state().iter() {
            for finding in &system.findings {
                let severity = if finding.breaking { "breaking" } else { "safe" };
                *counts
                    .entry((name.clone(), finding.kind.clone(), severity))
                    .or_default() += 1;
            }
        }
        counts
    }

    /// An operator has seen it: what a system answers from now on is normal. Whether it was known.
    pub fn accept(&self, system: &str) -> bool {
        let mut all = self.state();
        let Some(known) = all.get_mut(system) else { return false };
        *known = System {
            dirty: true,
            ..System::default()
        };
        true
    }

    /// Keeps what was learnt since the last time.
    pub(crate) async fn keep(&self, store: &Store) {
        let texts: Vec<(String, String)> = {
            let mut all = self.state();
            all.iter_mut()
                .filter_map(|(name, s)| {
                    std::mem::take(&mut s.dirty).then_some(())?;
                    Some((name.clone(), serde_json::to_string(s).ok()?))
                })
                .collect()
        };
        let names: Vec<String> = self.state().keys().cloned().collect();
        let index = serde_json::to_string(&names).unwrap_or_default();
        let mut all = texts;
        if !all.is_empty() {
            all.push(("*".to_owned(), index));
        }
        for (name, text) in all {
            if let Err(error) = store.meta().put(&format!("drift/{name}"), &text).await {
                tracing::warn!(system = name, %error, "what was learnt of a system could not be kept");
            }
        }
    }

    /// Takes up what was learnt before.
    pub(crate) async fn restore(&self, store: &Store) {
        let Ok(Some(index)) = store.meta().get("drift/*").await else {
            return;
        };
        let names: Vec<String> = serde_json::from_str(&index).unwrap_or_default();
        for name in names {
            if let Ok(Some(text)) = store.meta().get(&format!("drift/{name}")).await
                && let Ok(system) = serde_json::from_str(&text)
            {
                self.state().insert(name, system);
            }
        }
    }
}

/// What an answer has otherwise than one that is known, as if answers like that had been learnt; as operators see findings.
#[must_use]
pub fn apart(operation: &str, known: &Sketch, seen: &Sketch) -> Vec<Value> {
    let now = Timestamp::now();
    let mut system = System::default();
    (0..LEARN).for_each(|_| system.compare(operation, known, now));
    system.findings.clear();
    (0..MISSING).for_each(|_| system.compare(operation, seen, now));
    system.findings.iter().map(|f| f.told("")).collect()
}

impl Finding {
    fn told(&self, system: &str) -> Value {
        json!({
            "system": system, "operation": self.operation, "kind": self.kind, "path": self.path, "detail": self.detail,
            "severity": if self.breaking { "breaking" } else { "safe" },
            "first": self.first, "last": self.last, "count": self.count,
        })
    }
}

impl System {
    fn compare(&mut self, key: &str, sketch: &Sketch, now: Timestamp) {
        for (path, code) in &sketch.unknown_codes {
            let breaking = sketch.mapped.get(path).copied().unwrap_or(false);
            self.find(key, "new-code", path, code, breaking, now);
        }
        let normal = self.operations.entry(key.to_owned()).or_default();
        let learning = normal.answers < LEARN;
        normal.answers = normal.answers.saturating_add(1);
        let mut found = Vec::new();
        for (path, kinds) in &sketch.fields {
            let known = normal.fields.contains_key(path);
            if !known && normal.fields.len() >= FIELDS {
                continue;
            }
            let field = normal.fields.entry(path.clone()).or_default();
            let other: Vec<Kind> = kinds
                .difference(&field.kinds)
                .copied()
                .filter(|k| *k != Kind::Null)
                .collect();
            if !learning && !known {
                found.push(("new-field", path, words(kinds), false));
            } else if !learning && !other.is_empty() && field.kinds.iter().any(|k| *k != Kind::Null) {
                let mapped = sketch.mapped.contains_key(path);
                found.push(("retyped-field", path, words(&other), mapped));
            }
            field.seen = field.seen.saturating_add(1);
            field.gone = 0;
            field.kinds.extend(kinds);
        }
        if !learning {
            for (path, field) in &mut normal.fields {
                // What hangs below something that is missing is not missed by itself.
                let below = path
                    .rsplit_once('/')
                    .is_some_and(|(above, _)| !sketch.fields.contains_key(above));
                if field.seen < LEARN || below || sketch.fields.contains_key(path) {
                    continue;
                }
                field.gone = field.gone.saturating_add(1);
                if field.gone >= MISSING {
                    let required = sketch.mapped.get(path).copied().unwrap_or(false);
                    found.push(("missing-field", path, words(&field.kinds), required));
                }
            }
        }
        let found: Vec<_> = found
            .into_iter()
            .map(|(kind, path, detail, breaking)| (kind, path.clone(), detail, breaking))
            .collect();
        // What is learnt is kept; afterwards only what is found, or every answer would be a write.
        self.dirty |= learning || !found.is_empty() || !sketch.unknown_codes.is_empty();
        for (kind, path, detail, breaking) in found {
            self.find(key, kind, &path, &detail, breaking, now);
        }
    }

    fn find(&mut self, operation: &str, kind: &str, path: &str, detail: &str, breaking: bool, now: Timestamp) {
        let same = |f: &&mut Finding| {
            f.operation == operation && f.kind == kind && f.path == path && (kind != "new-code" || f.detail == detail)
        };
        if let Some(known) = self.findings.iter_mut().find(same) {
            known.last = rfc3339(now);
            known.count = known.count.saturating_add(1);
            return;
        }
        if self.findings.len() >= FINDINGS {
            self.dropped = self.dropped.saturating_add(1);
            return;
        }
        tracing::warn!(
            operation,
            kind,
            path,
            detail,
            breaking,
            "a system answers otherwise than before"
        );
        self.findings.push(Finding {
            operation: operation.to_owned(),
            kind: kind.to_owned(),
            path: path.to_owned(),
            detail: detail.to_owned(),
            breaking,
            first: rfc3339(now),
            last: rfc3339(now),
            count: 1,
        });
    }
}

fn words<'a>(kinds: impl IntoIterator<Item = &'a Kind>) -> String {
    let words: Vec<String> = kinds.into_iter().map(|k| format!("{k:?}").to_lowercase()).collect();
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sketch(fields: &[(&str, Kind)]) -> Sketch {
        Sketch {
            fields: fields
                .iter()
                .map(|(p, k)| ((*p).to_owned(), BTreeSet::from([*k])))
                .collect(),
            mapped: BTreeMap::from([("xm".to_owned(), true), ("bz".to_owned(), false)]),
            ..Sketch::default()
        }
    }

    #[test]
    fn q32_new_missing_and_retyped_fields_are_found_once_each() {
        let now = Timestamp::now();
        let mut system = System::default();
        let usual = sketch(&[("xm", Kind::Text), ("bz", Kind::Text), ("id", Kind::Number)]);
        (0..LEARN).for_each(|_| system.compare("q", &usual, now));
        assert_eq!(system.findings, []);
        let changed = sketch(&[("bz", Kind::Null), ("id", Kind::Text), ("sjh", Kind::Text)]);
        (0..5).for_each(|_| system.compare("q", &changed, now));
        let found: Vec<_> = system
            .findings
            .iter()
            .map(|f| (f.kind.as_str(), f.path.as_str(), f.detail.as_str(), f.breaking))
            .collect();
        assert_eq!(
            found,
            [
                ("retyped-field", "id", "text", false),
                ("new-field", "sjh", "text", false),
                ("missing-field", "xm", "text", true),
            ],
            "null is no other kind"
        );
        let mut coded = usual.clone();
        coded.unknown_codes.insert(("xm".into(), "07".into()));
        system.compare("q", &coded, now);
        system.compare("q", &coded, now);
        let last = system.findings.last().unwrap();
        assert_eq!(
            (last.kind.as_str(), last.detail.as_str(), last.count),
            ("new-code", "07", 2)
        );
    }

    #[test]
    fn q32_memory_is_bounded() {
        let now = Timestamp::now();
        let mut system = System::default();
        for n in 0..2_000 {
            let name = format!("f{n}");
            system.compare("q", &sketch(&[(&name, Kind::Text)]), now);
        }
        assert!(system.findings.len() <= FINDINGS && system.dropped > 0);
        assert!(system.operations["q"].fields.len() <= FIELDS);
    }
}
