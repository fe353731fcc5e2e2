//! `hub lint`: whether API descriptions can be read, and what was found in them.

use super::args::{LintArgs, ReportFormat};
use super::description::{Names, Opened, open};
use super::fixes;
use super::lint_report::{object, suite, text};
use super::outcome::{Outcome, line};
use super::report::{Suite, junit, sarif};
use hub_catalog::description::Description;
use hub_catalog::lint::{Family, LintFinding, RuleSet, Waivers};
use hub_core::{Finding, Lang, Text};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Endings of files of rules.
const RULES: [&str; 3] = ["yaml", "yml", "json"];

/// What came of one file.
pub(super) struct Linted {
    pub(super) file: String,
    /// The description, where it can be read.
    pub(super) read: Option<Description>,
    /// What keeps it from being read; or else what was repaired, and what the rules say.
    pub(super) findings: Vec<LintFinding>,
}

/// What descriptions are held against.
pub(super) struct Measure {
    pub(super) rules: RuleSet,
    waivers: Waivers,
    /// `YYYY-MM-DD`.
    today: String,
}

pub fn run(args: &LintArgs, lang: Lang) -> Outcome {
    let measure = match measure(args, lang) {
        Ok(measure) => measure,
        Err(outcome) => return outcome,
    };
    if args.fix {
        return fixes::run(args, &measure, lang);
    }
    let mut all = Vec::new();
    for path in &args.files {
        match lint(path, &measure) {
            Ok(linted) => all.push(linted),
            Err(error) => return Outcome::misused(format!("{}: {error}", path.display()), lang),
        }
    }
    let format = if args.json { ReportFormat::Json } else { args.format };
    let suites = || -> Vec<Suite> { all.iter().map(|linted| suite(linted, lang)).collect() };
    let outcome = match format {
        ReportFormat::Text => Outcome::done(text(&all, lang)),
        ReportFormat::Json => Outcome::json(&whole(&all)),
        ReportFormat::Sarif => Outcome::json(&sarif("hub lint", &suites())),
        ReportFormat::Junit => Outcome::done(junit("hub lint", &suites())),
    };
    let notes: Vec<String> = measure.rules.notes.iter().map(|note| line(note, lang)).collect();
    outcome
        .saying(notes.join("\n"))
        .with_code(u8::from(all.iter().any(Linted::fails)))
}

/// Reads the rules and waivers; what is wrong with them ends the command before any description is looked at.
fn measure(args: &LintArgs, lang: Lang) -> Result<Measure, Outcome> {
    let wrong = |findings: Vec<Finding>| Outcome::findings(&findings, lang).with_code(2);
    let unread = |path: &Path, error: std::io::Error| Outcome::misused(format!("{}: {error}", path.display()), lang);
    let rules = match &args.rules {
        None => RuleSet::standard().map_err(wrong)?,
        Some(path) => {
            let files = rule_files(path).map_err(|error| unread(path, error))?;
            RuleSet::read(&files).map_err(wrong)?
        }
    };
    let waivers = match &args.waivers {
        None => Waivers::default(),
        Some(path) => {
            let bytes = std::fs::read(path).map_err(|error| unread(path, error))?;
            Waivers::read(&path.display().to_string(), &bytes).map_err(wrong)?
        }
    };
    let today = hub_core::time::civil(hub_core::time::Timestamp::now())
        .date()
        .to_string();
    Ok(Measure { rules, waivers, today })
}

/// A file of rules, or those that stand in a folder.
fn rule_files(path: &Path) -> std::io::Result<BTreeMap<String, Vec<u8>>> {
    let mut paths = vec![path.to_owned()];
    if path.is_dir() {
        let entries = std::fs::read_dir(path)?.collect::<Result<Vec<_>, _>>()?;
        let is_rules = |path: &PathBuf| {
            let ending = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
            path.is_file() && RULES.contains(&ending)
        };
        paths = entries.into_iter().map(|entry| entry.path()).filter(is_rules).collect();
    }
    paths
        .into_iter()
        .map(|path| Ok((path.display().to_string(), std::fs::read(&path)?)))
        .collect()
}

/// One file: its object; several: a list of them.
fn whole(all: &[Linted]) -> Value {
    match all {
        [only] => object(only),
        several => json!({ "files": several.iter().map(object).collect::<Vec<_>>() }),
    }
}

impl Linted {
    pub(super) fn fails(&self) -> bool {
        self.findings.iter().any(LintFinding::blocks)
    }
}

/// What was found while reading, beside what rules find.
fn while_reading(finding: Finding) -> LintFinding {
    LintFinding {
        family: Family::Reading,
        level: finding.severity.into(),
        why: Text::default(),
        waived: None,
        finding,
    }
}

/// Reads a file and holds it against the rules.
fn lint(path: &Path, measure: &Measure) -> std::io::Result<Linted> {
    let (mut linted, names) = held(path, open(path)?, measure);
    linted
        .findings
        .iter_mut()
        .for_each(|found| names.show(&mut found.finding));
    Ok(linted)
}

/// A file that was read, held against the rules; its findings name files as they were read.
pub(super) fn held(path: &Path, opened: Opened, measure: &Measure) -> (Linted, Names) {
    let (read, findings): (_, Vec<LintFinding>) = match opened.read {
        Ok(mut description) => {
            let repairs = std::mem::take(&mut description.repairs);
            let mut findings: Vec<LintFinding> = repairs.into_iter().map(while_reading).collect();
            let found = hub_catalog::lint::run(&description, &measure.rules, &measure.waivers, &measure.today);
            findings.extend(found);
            (Some(description), findings)
        }
        Err(refused) => (None, refused.into_iter().map(while_reading).collect()),
    };
    let linted = Linted {
        file: path.display().to_string(),
        read,
        findings,
    };
    (linted, opened.names)
}
