//! What `hub lint` prints: text, JSON, SARIF 2.1.0, JUnit XML.

use super::lint::{Linted, said};
use super::outcome::line;
use hub_core::{Finding, Lang, Severity};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;

/// One file as a JSON object.
pub(super) fn object(linted: &Linted) -> Value {
    let all = |findings: &[Finding]| findings.iter().map(finding).collect::<Vec<_>>();
    match &linted.read {
        Ok(description) => json!({
            "file": linted.file,
            "readable": true,
            "format": description.format.as_str(),
            "version": description.version,
            "operations": description.operations,
            "findings": all(&description.repairs),
            "refused": [],
        }),
        Err(refused) => json!({
            "file": linted.file,
            "readable": false,
            "format": null,
            "version": null,
            "operations": 0,
            "findings": [],
            "refused": all(refused),
        }),
    }
}

fn finding(finding: &Finding) -> Value {
    json!({
        "rule": finding.code,
        "level": finding.severity,
        "place": {
            "pointer": finding.pointer,
            "file": finding.file,
            "line": finding.line,
            "column": finding.column,
        },
        "expected": finding.expected,
        "got": finding.got,
        "near": finding.near,
        "fix": finding.fix,
        "text": finding.message,
    })
}

/// For a person at a terminal.
pub(super) fn text(all: &[Linted], lang: Lang) -> String {
    let mut out = Vec::new();
    for linted in all {
        out.extend(linted.findings().iter().map(|f| line(f, lang)));
        let file = &linted.file;
        out.push(match (&linted.read, lang) {
            (Ok(d), Lang::Zh) => format!(
                "{file}：可读，{} {}，{} 个操作",
                d.format.as_str(),
                d.version,
                d.operations
            ),
            (Ok(d), Lang::En) => format!(
                "{file}: readable, {} {}, {} operations",
                d.format.as_str(),
                d.version,
                d.operations
            ),
            (Err(refused), Lang::Zh) => format!("{file}：无法读取，{} 个原因", refused.len()),
            (Err(refused), Lang::En) => format!("{file}: not readable, for {} reasons", refused.len()),
        });
    }
    out.join("\n")
}

/// SARIF 2.1.0 (OASIS), as code hosts show it beside a change.
pub(super) fn sarif(all: &[Linted], lang: Lang) -> Value {
    let findings = || all.iter().flat_map(Linted::findings);
    let rules: BTreeMap<&str, &Finding> = findings().map(|f| (f.code.as_str(), f)).collect();
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

fn result(finding: &Finding, lang: Lang) -> Value {
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
    })
}

/// JUnit XML: a suite a file, a case a finding; what is no error passes and tells.
pub(super) fn junit(all: &[Linted], lang: Lang) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"hub lint\">\n");
    for linted in all {
        let findings = linted.findings();
        let failures = findings.iter().filter(|f| f.severity == Severity::Error).count();
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
        for finding in findings {
            let place = format!("{}:{}:{}", finding.file, finding.line, finding.column);
            let words = escaped(&line(finding, lang));
            let element = match finding.severity {
                Severity::Error => format!("<failure type=\"{}\" message=\"{words}\"/>", escaped(&finding.code)),
                _ => format!("<system-out>{words}</system-out>"),
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
