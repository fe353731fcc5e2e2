//! What `hub lint` prints: text, JSON, SARIF 2.1.0, JUnit XML.

use super::lint::{Linted, said};
use super::outcome::line;
use hub_catalog::lint::{Family, Level, LintFinding};
use hub_core::{Finding, Lang};
use indexmap::IndexMap;
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::Write;

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

/// SARIF 2.1.0 (OASIS), as code hosts show it beside a change.
pub(super) fn sarif(all: &[Linted], lang: Lang) -> Value {
    let findings = || all.iter().flat_map(|linted| &linted.findings);
    let rules: BTreeMap<&str, &Finding> = findings().map(|f| (f.finding.code.as_str(), &f.finding)).collect();
    let rules: Vec<Value> = rules
        .iter()
        .map(|(id, f)| json!({"id": id, "shortDescription": {"text": said(&f.message, lang)}}))
        .collect();
    let results: Vec<Value> = findings().map(|f| result(f, lang)).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "hub lint", "version": env!("CARGO_PKG_VERSION"), "rules": rules}},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn result(found: &LintFinding, lang: Lang) -> Value {
    let finding = &found.finding;
    let suppressions: Vec<Value> = found
        .waived
        .iter()
        .map(|waiver| json!({"kind": "external", "status": "accepted", "justification": waiver.why}))
        .collect();
    let mut message = said(&finding.message, lang).to_owned();
    if let Some(fix) = &finding.fix {
        let _ = write!(message, " {}", said(fix, lang));
    }
    json!({
        "ruleId": finding.code,
        "level": finding.severity,
        "message": {"text": message},
        "locations": [{
            "physicalLocation": {
                "artifactLocation": {"uri": finding.file},
                "region": {"startLine": finding.line.max(1), "startColumn": finding.column.max(1)},
            },
            "logicalLocations": [{"fullyQualifiedName": finding.pointer}],
        }],
        "suppressions": suppressions,
    })
}

/// JUnit XML: a suite a file, a case a finding; what is no error passes and tells.
pub(super) fn junit(all: &[Linted], lang: Lang) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"hub lint\">\n");
    for linted in all {
        let findings = &linted.findings;
        let failures = findings.iter().filter(|f| f.blocks()).count();
        let _ = writeln!(
            out,
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\">",
            escaped(&linted.file),
            findings.len().max(1)
        );
        if findings.is_empty() {
            let _ = writeln!(
                out,
                "    <testcase classname=\"{}\" name=\"readable\"/>",
                escaped(&linted.file)
            );
        }
        for found in findings {
            let finding = &found.finding;
            let place = format!("{}:{}:{}", finding.file, finding.line, finding.column);
            let words = escaped(&line(finding, lang));
            let element = match found.blocks() {
                true => format!("<failure type=\"{}\" message=\"{words}\"/>", escaped(&finding.code)),
                false => format!("<system-out>{words}</system-out>"),
            };
            let _ = writeln!(
                out,
                "    <testcase classname=\"{}\" name=\"{}\">{element}</testcase>",
                escaped(&finding.code),
                escaped(&place)
            );
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}

/// Text for XML; characters that XML has no form for become a space.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' | '\r' => out.push(' '),
            c if u32::from(c) < 0x20 || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
