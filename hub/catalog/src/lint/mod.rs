//! Lint: rules as data, put to the normal form of a description.
//!
//! A rule says where it looks (a path), what it asks (a function) and what people are told in both languages. The hub's
//! own rules are in `policies/rules/`; rulesets written for Spectral are taken as far as they use its core functions.
//! No rule runs code, and every rule ends: paths visit a value once, patterns are tried in linear time.

mod casing;
mod filter;
mod fix;
mod functions;
mod house;
mod order;
mod page;
mod path;
mod rule;
mod spectral;
mod tree;
mod waiver;

pub use fix::{Fixed, fix};
pub use page::{index, page};
pub use rule::{Breach, Family, Ground, Level, Rule};
pub use waiver::{Waiver, Waivers};

use crate::Document;
use crate::description::Description;
use hub_core::{Finding, Text};
use indexmap::IndexMap;
use serde_json::Value;
use spectral::{Change, Override};
use std::collections::BTreeMap;
use tree::Tree;

macro_rules! sheets {
    ($($name:literal),*) => {
        [$((
            concat!("policies/rules/", $name, ".yaml"),
            include_str!(concat!("../../../../policies/rules/", $name, ".yaml")),
        )),*]
    };
}

/// The rules that come with the hub.
const STANDARD: [(&str, &str); 9] = sheets!(
    "structure",
    "naming",
    "errors",
    "paging",
    "formats",
    "privacy",
    "security",
    "card",
    "bilingual"
);

/// Rules that are put together.
#[derive(Debug, Clone, Default)]
pub struct RuleSet {
    /// Every rule and whether it is asked.
    rules: Vec<(Rule, bool)>,
    overrides: Vec<Override>,
    /// What of the files could not be carried, each with place and reason.
    pub notes: Vec<Finding>,
}

/// Something a rule found in a description.
#[derive(Debug, Clone)]
pub struct LintFinding {
    /// Place, expected, got, fix and text; its code is the rule.
    pub finding: Finding,
    /// What the rule is about.
    pub family: Family,
    /// How much it weighs today.
    pub level: Level,
    /// Why it matters.
    pub why: Text,
    /// The waiver that lets it pass, if one does.
    pub waived: Option<Waiver>,
}

impl LintFinding {
    /// As programs read it.
    #[must_use]
    pub fn document(&self) -> serde_json::Value {
        let finding = &self.finding;
        serde_json::json!({
            "rule": finding.code, "family": self.family, "level": self.level,
            "place": {
                "pointer": finding.pointer, "file": finding.file, "line": finding.line, "column": finding.column,
            },
            "expected": finding.expected, "got": finding.got, "near": finding.near, "fix": finding.fix,
            "text": finding.message, "waived": self.waived,
        })
    }

    /// Whether it keeps a version from going live.
    #[must_use]
    pub fn blocks(&self) -> bool {
        self.level == Level::Must && self.waived.is_none()
    }
}

impl RuleSet {
    /// The rules that come with the hub.
    ///
    /// # Errors
    ///
    /// What is wrong with their files; a test sees to it that there is nothing.
    pub fn standard() -> Result<Self, Vec<Finding>> {
        Ok(Self {
            rules: standard()?.into_iter().map(|rule| (rule, true)).collect(),
            ..Self::default()
        })
    }

    /// Reads files of rules, the hub's own form or rulesets for Spectral; those that another extends are not taken twice.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with them, with file, line and column.
    pub fn read(files: &BTreeMap<String, Vec<u8>>) -> Result<Self, Vec<Finding>> {
        let (mut set, mut findings, mut foreign) = (Self::default(), Vec::new(), Vec::new());
        for (name, bytes) in files {
            let text = String::from_utf8_lossy(bytes);
            match Document::parse_foreign(name, &text, &mut Vec::new()) {
                Ok(document) if spectral::is_ruleset(&document) => foreign.push((name, spectral::extended(&document))),
                Ok(_) => match Document::parse(name, bytes)
                    .map_err(|f| vec![f])
                    .and_then(|d| house::read(&d))
                {
                    Ok(rules) => set.rules.extend(rules.into_iter().map(|rule| (rule, true))),
                    Err(wrong) => findings.extend(wrong),
                },
                Err(finding) => findings.push(finding),
            }
        }
        let own = match foreign.is_empty() {
            true => Vec::new(),
            false => standard()?,
        };
        let is_base = |name: &str| {
            let mut all = foreign.iter().flat_map(|(_, bases)| bases);
            all.any(|base| base.rsplit('/').next() == name.rsplit('/').next())
        };
        for (name, _) in &foreign {
            if is_base(name) {
                continue;
            }
            match spectral::read(name, files, &own) {
                Ok(other) => {
                    set.rules.extend(other.rules);
                    set.overrides.extend(other.overrides);
                    set.notes.extend(other.notes);
                }
                Err(wrong) => findings.extend(wrong),
            }
        }
        if findings.is_empty() { Ok(set) } else { Err(findings) }
    }

    /// The rules that are asked, of files no override speaks of.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(|(_, on)| *on).map(|(rule, _)| rule)
    }

    /// A rule by its id.
    #[must_use]
    pub fn rule(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().map(|(rule, _)| rule).find(|rule| rule.id == id)
    }

    /// The rules for a file, with their levels on a day.
    fn asked<'r>(&'r self, file: &str, today: &str) -> Vec<(&'r Rule, Level)> {
        let own = self.rules.iter();
        let mut all: IndexMap<&str, (&Rule, Option<Level>)> = own
            .map(|(rule, on)| (rule.id.as_str(), (rule, on.then(|| rule.level_on(today)))))
            .collect();
        let meant = |over: &&Override| over.globs.iter().any(|glob| glob.is_match(file));
        for change in self.overrides.iter().filter(meant).flat_map(|over| &over.changes) {
            match change {
                Change::Set(id, level) => {
                    if let Some((_, now)) = all.get_mut(id.as_str()) {
                        *now = *level;
                    }
                }
                Change::Add(rule) => drop(all.insert(&rule.id, (rule, Some(rule.level)))),
            }
        }
        let on = all.into_values().filter_map(|(rule, level)| Some((rule, level?)));
        on.collect()
    }

    /// Every place of a document that does not fit, by rule; `file` decides which overrides hold.
    #[must_use]
    pub fn breaches(&self, document: &Value, file: &str, today: &str) -> Vec<(&Rule, Level, Breach)> {
        let tree = Tree::new(document);
        let mut found = Vec::new();
        for (rule, level) in self.asked(file, today) {
            found.extend(rule.check(&tree).into_iter().map(|breach| (rule, level, breach)));
        }
        found
    }
}

fn standard() -> Result<Vec<Rule>, Vec<Finding>> {
    let mut all = Vec::new();
    for (name, text) in STANDARD {
        let document = Document::parse(name, text.as_bytes()).map_err(|f| vec![f])?;
        all.extend(house::read(&document)?);
    }
    Ok(all)
}

/// Puts rules to a description on a day, `YYYY-MM-DD`. Waivers that are over, or that nothing needs any more, are findings
/// themselves.
#[must_use]
pub fn run(description: &Description, rules: &RuleSet, waivers: &Waivers, today: &str) -> Vec<LintFinding> {
    let file = description.origin("").file;
    let mut used = vec![false; waivers.all.len()];
    let mut found = Vec::new();
    for (rule, level, breach) in rules.breaches(&description.document, file, today) {
        let mut waived = None;
        for ((waiver, _), used) in waivers.all.iter().zip(&mut used) {
            if waiver.covers(&rule.id, &breach.pointer) {
                *used = true;
                waived = waived.or_else(|| (!waiver.is_over(today)).then(|| waiver.clone()));
            }
        }
        found.push(LintFinding {
            finding: finding(description, rule, level, breach),
            family: rule.family,
            level,
            why: rule.why.clone(),
            waived,
        });
    }
    for ((waiver, place), used) in waivers.all.iter().zip(used) {
        found.extend(about(waiver, place, used, today));
    }
    found
}

fn finding(description: &Description, rule: &Rule, level: Level, breach: Breach) -> Finding {
    let message = match breach.message {
        Some(said) => Text::new(format!("不符合自带规则 `{}`：{said}", rule.id), said),
        None => rule.title.clone(),
    };
    let finding = description.finding(&rule.id, &breach.pointer, message);
    let mut finding = finding.severity(level.severity()).fix(rule.fix.clone());
    (finding.expected, finding.got) = (Some(breach.expected), breach.got);
    finding
}

/// What is to be said of a waiver itself.
fn about(waiver: &Waiver, place: &Finding, used: bool, today: &str) -> Option<LintFinding> {
    let (code, level, message, fix) = match (waiver.is_over(today), used) {
        (true, true) => (
            "waiver-expired",
            Level::Must,
            Text::new(
                format!("豁免已于 {} 到期（{}，{}）", waiver.until, waiver.rule, waiver.who),
                format!("A waiver ended on {} ({}, {})", waiver.until, waiver.rule, waiver.who),
            ),
            Text::new(
                "请修改描述，或说明理由后延期",
                "Put the description right, or give a reason and a new day.",
            ),
        ),
        (_, false) => (
            "waiver-unused",
            Level::Info,
            Text::new(
                format!("豁免已无必要：{} 处没有 {} 的问题", waiver.place, waiver.rule),
                format!(
                    "A waiver lets nothing pass: {} finds nothing at `{}`",
                    waiver.rule, waiver.place
                ),
            ),
            Text::new("请删去该豁免", "Remove the waiver."),
        ),
        (false, true) => return None,
    };
    let mut finding = place.clone();
    (finding.code, finding.severity) = (code.to_owned(), level.severity());
    (finding.message, finding.fix) = (message, Some(fix));
    Some(LintFinding {
        finding,
        family: Family::Structure,
        level,
        why: Text::new(
            "豁免须有期限和负责人",
            "A waiver has an end and somebody who answers for it.",
        ),
        waived: None,
    })
}

#[cfg(test)]
mod tests;
