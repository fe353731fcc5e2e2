//! Whether a text with edits means what it meant before, but for what the fixes say they change.

use super::edit::applied;
use super::{Planned, merged};
use crate::description::{Description, read_set};
use crate::diff::{Options, Severity, diff};
use hub_core::Text;
use std::collections::{BTreeMap, BTreeSet};

/// The plans that hold together, and why others were left out.
pub(super) fn proven(
    files: &BTreeMap<String, Vec<u8>>,
    name: &str,
    description: &Description,
    text: &str,
    plans: Vec<Planned>,
) -> (Vec<Planned>, Vec<Text>) {
    let holds = |plans: &[&Planned]| -> Result<(), String> {
        let changed = applied(text, &merged(plans.iter().copied())).ok_or("the edits meet")?;
        let mut files = files.clone();
        files.insert(name.to_owned(), changed.into_bytes());
        let again = read_set(name, &files).map_err(|f| f.first().map(|f| f.message.en.clone()).unwrap_or_default())?;
        let said: BTreeSet<&str> = plans.iter().flat_map(|p| &p.changes).map(String::as_str).collect();
        let report = diff(&description.document, &again.document, Options::default());
        let more = report
            .changes
            .iter()
            .find(|c| c.severity == Severity::Breaking || !said.contains(c.id.as_str()));
        more.map_or(Ok(()), |change| Err(change.id.clone()))
    };
    let all: Vec<&Planned> = plans.iter().collect();
    if plans.is_empty() || holds(&all).is_ok() {
        return (plans, Vec::new());
    }
    let (mut kept, mut dropped) = (Vec::<Planned>::new(), Vec::new());
    for plan in plans {
        let with: Vec<&Planned> = kept.iter().chain(std::iter::once(&plan)).collect();
        match holds(&with) {
            Ok(()) => kept.push(plan),
            Err(reason) => dropped.push(Text::new(
                format!("`{}` 的修改未采用：含义会改变（{reason}）", plan.rule),
                format!(
                    "The fix of `{}` was left out: it would change the meaning ({reason})",
                    plan.rule
                ),
            )),
        }
    }
    (kept, dropped)
}
