//! Findings for other programs: SARIF 2.1.0 and JUnit XML, the same for every command that finds something in files.

use hub_core::Severity;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;

/// One file and what was found in it.
pub(super) struct Suite {
    pub(super) file: String,
    pub(super) entries: Vec<Entry>,
}

/// One thing that was found.
pub(super) struct Entry {
    /// Of what kind it is.
    pub(super) id: String,
    pub(super) severity: Severity,
    /// Whether the command fails for it.
    pub(super) fails: bool,
    /// What is wrong, the same for all of a kind where it can be.
    pub(super) title: String,
    /// What is wrong and what to do.
    pub(super) message: String,
    /// All of it on one line.
    pub(super) line: String,
    pub(super) file: String,
    /// Line and column, from 1.
    pub(super) place: (usize, usize),
    pub(super) pointer: String,
    /// Why it is let pass.
    pub(super) excuse: Option<String>,
}

/// SARIF 2.1.0 (OASIS), as code hosts show it beside a change.
pub(super) fn sarif(tool: &str, all: &[Suite]) -> Value {
    let entries = || all.iter().flat_map(|suite| &suite.entries);
    let rules: BTreeMap<&str, &str> = entries().map(|e| (e.id.as_str(), e.title.as_str())).collect();
    let rules: Vec<Value> = rules
        .iter()
        .map(|(id, title)| json!({"id": id, "shortDescription": {"text": title}}))
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": tool, "version": env!("CARGO_PKG_VERSION"), "rules": rules}},
            "columnKind": "unicodeCodePoints",
            "results": entries().map(result).collect::<Vec<_>>(),
        }],
    })
}

fn result(entry: &Entry) -> Value {
    let excuse = entry.excuse.iter();
    let suppressions: Vec<Value> = excuse
        .map(|why| json!({"kind": "external", "status": "accepted", "justification": why}))
        .collect();
    let (line, column) = entry.place;
    json!({
        "ruleId": entry.id,
        "level": entry.severity,
        "message": {"text": entry.message},
        "locations": [{
            "physicalLocation": {
                "artifactLocation": {"uri": entry.file},
                "region": {"startLine": line.max(1), "startColumn": column.max(1)},
            },
            "logicalLocations": [{"fullyQualifiedName": entry.pointer}],
        }],
        "suppressions": suppressions,
    })
}

/// JUnit XML: a suite a file, a case an entry; what does not fail passes and tells.
pub(super) fn junit(tool: &str, all: &[Suite]) -> String {
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"{}\">\n",
        escaped(tool)
    );
    for suite in all {
        let failures = suite.entries.iter().filter(|e| e.fails).count();
        let file = escaped(&suite.file);
        let _ = writeln!(
            out,
            "  <testsuite name=\"{file}\" tests=\"{}\" failures=\"{failures}\">",
            suite.entries.len().max(1)
        );
        if suite.entries.is_empty() {
            let _ = writeln!(out, "    <testcase classname=\"{file}\" name=\"readable\"/>");
        }
        for entry in &suite.entries {
            let (line, column) = entry.place;
            let place = format!("{}:{line}:{column}", entry.file);
            let words = escaped(&entry.line);
            let element = match entry.fails {
                true => format!("<failure type=\"{}\" message=\"{words}\"/>", escaped(&entry.id)),
                false => format!("<system-out>{words}</system-out>"),
            };
            let _ = writeln!(
                out,
                "    <testcase classname=\"{}\" name=\"{}\">{element}</testcase>",
                escaped(&entry.id),
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
