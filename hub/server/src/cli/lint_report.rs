//! What `hub lint` prints for people, and as JSON; what it tells other programs is written by [`super::report`].

use super::lint::Linted;
use super::outcome::{joined, line};
use super::report::{Entry, Suite};
use hub_catalog::lint::{Family, Level, LintFinding};
use hub_core::Lang;
use indexmap::IndexMap;
use serde_json::{Value, json};
use std::cmp::Reverse;

/// Places of one cause that a person is shown.
const SHOWN: usize = 5;

/// One file as a JSON object.
pub(super) fn object(linted: &Linted) -> Value {
    let all: Vec<Value> = linted.findings.iter().map(LintFinding::document).collect();
    match &linted.read {
        Some(description) => json!({
            "file": linted.file,
            "readable": true,
            "format": description.format.as_str(),
            "version": description.version,
            "operations": description.operations,
            "findings": all,
            "refused": [],
        }),
        None => json!({
            "file": linted.file,
            "readable": false,
            "format": null,
            "version": null,
            "operations": 0,
            "findings": [],
            "refused": all,
        }),
    }
}

/// For a person at a terminal: what must be put right first, the same cause once.
pub(super) fn text(all: &[Linted], lang: Lang) -> String {
    let mut out = Vec::new();
    for linted in all {
        for group in groups(&linted.findings) {
            cause(&group, lang, &mut out);
        }
        out.push(summary(linted, lang));
    }
    out.join("\n")
}

/// Findings of one cause together: the rule, and what it says.
fn groups(findings: &[LintFinding]) -> Vec<Vec<&LintFinding>> {
    let mut causes: IndexMap<(&str, &str, bool), Vec<&LintFinding>> = IndexMap::new();
    for found in findings {
        let cause = (
            found.finding.code.as_str(),
            found.finding.message.en.as_str(),
            found.waived.is_some(),
        );
        causes.entry(cause).or_default().push(found);
    }
    let weight = |group: &Vec<&LintFinding>| group.first().map(|f| Reverse((f.waived.is_none(), f.level)));
    let mut groups: Vec<_> = causes.into_values().collect();
    groups.sort_by_key(weight);
    groups
}

fn cause(group: &[&LintFinding], lang: Lang, out: &mut Vec<String>) {
    let Some(first) = group.first() else { return };
    if let [only] = group
        && only.family == Family::Reading
    {
        out.push(line(&only.finding, lang));
        return;
    }
    let level = level(first.level, lang);
    let finding = &first.finding;
    let (open, close, times) = match lang {
        Lang::Zh => ("【", "】", "处"),
        Lang::En => ("[", "]", " times"),
    };
    out.push(format!(
        "{level} {open}{}{close} {} [{}] × {}{times}",
        first.family.name().get(lang),
        finding.message.get(lang),
        finding.code,
        group.len(),
    ));
    if !first.why.get(lang).is_empty() {
        out.push(format!("  {}", first.why.get(lang)));
    }
    if let Some(fix) = &finding.fix {
        out.push(format!("  → {}", fix.get(lang)));
    }
    if let Some(waiver) = &first.waived {
        out.push(match lang {
            Lang::Zh => format!("  已豁免至 {}：{}（{}）", waiver.until, waiver.why, waiver.who),
            Lang::En => format!("  let pass until {}: {} ({})", waiver.until, waiver.why, waiver.who),
        });
    }
    for found in group.iter().take(SHOWN) {
        let place = &found.finding;
        let got = place.got.as_ref().map(|got| format!("  {got}")).unwrap_or_default();
        out.push(format!(
            "    {}:{}:{}  {}{got}",
            place.file, place.line, place.column, place.pointer
        ));
    }
    if let Some(more) = group.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        out.push(match lang {
            Lang::Zh => format!("    另有 {more} 处（--json 全部列出）"),
            Lang::En => format!("    and {more} more (--json lists all)"),
        });
    }
}

fn level(level: Level, lang: Lang) -> &'static str {
    match (level, lang) {
        (Level::Must, Lang::Zh) => "必改",
        (Level::Should, Lang::Zh) => "应改",
        (Level::Info, Lang::Zh) => "提示",
        (level, Lang::En) => level.as_str(),
    }
}

fn summary(linted: &Linted, lang: Lang) -> String {
    let file = &linted.file;
    let Some(description) = &linted.read else {
        let reasons = linted.findings.len();
        return match lang {
            Lang::Zh => format!("{file}：无法读取，{reasons} 个原因"),
            Lang::En if reasons == 1 => format!("{file}: not readable, for one reason"),
            Lang::En => format!("{file}: not readable, for {reasons} reasons"),
        };
    };
    let count = |level: Level| {
        let open = linted.findings.iter().filter(|f| f.waived.is_none());
        open.filter(|f| f.level == level).count()
    };
    let (must, should, info) = (count(Level::Must), count(Level::Should), count(Level::Info));
    let (format, version) = (description.format.as_str(), &description.version);
    let operations = description.operations;
    match lang {
        Lang::Zh => format!(
            "{file}：可读，{format} {version}，{operations} 个操作；{must} 处必改，{should} 处应改，{info} 处提示"
        ),
        Lang::En => format!(
            "{file}: readable, {format} {version}, {operations} operations; {must} must, {should} should, {info} info"
        ),
    }
}

/// One file as other programs are told of it.
pub(super) fn suite(linted: &Linted, lang: Lang) -> Suite {
    let entry = |found: &LintFinding| {
        let finding = &found.finding;
        let title = finding.message.get(lang).to_owned();
        let message = match &finding.fix {
            Some(fix) => joined(&title, fix.get(lang), lang),
            None => title.clone(),
        };
        Entry {
            id: finding.code.clone(),
            severity: finding.severity,
            fails: found.blocks(),
            title,
            message,
            line: line(finding, lang),
            file: finding.file.clone(),
            place: (finding.line, finding.column),
            pointer: finding.pointer.clone(),
            excuse: found.waived.as_ref().map(|waiver| waiver.why.clone()),
        }
    };
    Suite {
        file: linted.file.clone(),
        entries: linted.findings.iter().map(entry).collect(),
    }
}
