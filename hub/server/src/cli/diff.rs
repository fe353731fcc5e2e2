//! `hub diff`: what differs between two descriptions, and whether that breaks those who use the old one.

use super::args::{DiffArgs, ReportFormat};
use super::description::{Names, named, unread};
use super::outcome::{Outcome, joined};
use super::report::{Entry, Suite, junit, sarif};
use hub_catalog::description::Description;
use hub_catalog::diff::{Change, Day, Options, Report, Severity, diff, words};
use hub_core::{Finding, Lang, Text};
use serde_json::{Value, json};

pub fn run(args: &DiffArgs, lang: Lang) -> Outcome {
    let format = if args.json { ReportFormat::Json } else { args.format };
    let ((old, old_names), (new, new_names)) = match (named(&args.old), named(&args.new)) {
        (Ok(old), Ok(new)) => (old, new),
        (Err(refused), Ok(_)) | (Ok(_), Err(refused)) => return unread(&refused, format == ReportFormat::Json, lang),
        (Err(mut refused), Err(more)) => {
            refused.extend(more);
            return unread(&refused, format == ReportFormat::Json, lang);
        }
    };
    let today = hub_core::time::civil(hub_core::time::Timestamp::now()).date();
    let options = Options {
        today: Day::parse(&today.to_string()),
    };
    let report = diff(&old.document, &new.document, options);
    let suites = || {
        let place = |change: &Change| match (&change.place.new, &change.place.old) {
            (Some(pointer), _) => placed(&new, &new_names, pointer),
            (None, Some(pointer)) => placed(&old, &old_names, pointer),
            (None, None) => placed(&new, &new_names, ""),
        };
        [Suite {
            file: args.new.display().to_string(),
            entries: report.changes.iter().map(|c| entry(c, place(c), lang)).collect(),
        }]
    };
    let outcome = match format {
        ReportFormat::Text => Outcome::done(text(&report, lang)),
        ReportFormat::Json => Outcome::json(&told(&report)),
        ReportFormat::Sarif => Outcome::json(&sarif("hub diff", &suites())),
        ReportFormat::Junit => Outcome::done(junit("hub diff", &suites())),
    };
    outcome.with_code(u8::from(report.breaking()))
}

/// A place of a description as a finding names it: in the new one, or in the old one for what is gone.
fn placed(description: &Description, names: &Names, pointer: &str) -> Finding {
    let mut finding = description.finding("", pointer, Text::default());
    names.show(&mut finding);
    finding
}

fn entry(change: &Change, place: Finding, lang: Lang) -> Entry {
    let operation = change.operation().map(|o| format!("{o}: ")).unwrap_or_default();
    let title = format!("{operation}{}", change.text.get(lang));
    let message = match change.severity {
        Severity::Safe => title.clone(),
        _ => joined(&title, change.advice.get(lang), lang),
    };
    Entry {
        id: change.id.clone(),
        severity: match change.severity {
            Severity::Breaking => hub_core::Severity::Error,
            Severity::Risky => hub_core::Severity::Warning,
            Severity::Safe => hub_core::Severity::Note,
        },
        fails: change.severity == Severity::Breaking,
        line: format!(
            "{}: {message} [{}]",
            words::severity(change.severity).get(lang),
            change.id
        ),
        title: change.id.clone(),
        message,
        file: place.file,
        place: (place.line, place.column),
        pointer: place.pointer,
        excuse: None,
    }
}

fn told(report: &Report) -> Value {
    let changes: Vec<Value> = report.changes.iter().map(one).collect();
    let count = |severity| report.of(severity).count();
    json!({
        "readable": true,
        "breaking": report.breaking(),
        "counts": {
            "breaking": count(Severity::Breaking),
            "risky": count(Severity::Risky),
            "safe": count(Severity::Safe),
        },
        "changes": changes,
    })
}

fn one(change: &Change) -> Value {
    let mut value = json!(change);
    if let Some(map) = value.as_object_mut() {
        map.insert("operation".into(), json!(change.operation()));
    }
    value
}

fn text(report: &Report, lang: Lang) -> String {
    let mut lines = Vec::new();
    for change in &report.changes {
        let severity = words::severity(change.severity);
        let operation = change.operation().map(|o| format!(" {o}")).unwrap_or_default();
        lines.push(format!(
            "{}{operation}: {} [{}]",
            severity.get(lang),
            change.text.get(lang),
            change.id
        ));
        let others = change.place.operations.len().saturating_sub(1);
        if others > 0 {
            let names: Vec<&str> = change
                .place
                .operations
                .iter()
                .skip(1)
                .map(|u| u.operation.as_str())
                .collect();
            let shown = names.iter().take(3).copied().collect::<Vec<_>>().join(", ");
            let more = if others > 3 { " …" } else { "" };
            lines.push(match lang {
                Lang::Zh => format!("    另有 {others} 处：{shown}{more}"),
                Lang::En => format!("    also in {others} more: {shown}{more}"),
            });
        }
        if change.severity != Severity::Safe {
            lines.push(format!("    {}", change.advice.get(lang)));
        }
    }
    let count = |severity| report.of(severity).count();
    let (breaking, risky, safe) = (count(Severity::Breaking), count(Severity::Risky), count(Severity::Safe));
    lines.push(match lang {
        Lang::Zh => format!("破坏 {breaking}，有风险 {risky}，安全 {safe}"),
        Lang::En => format!("{breaking} breaking, {risky} risky, {safe} safe"),
    });
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn described(schema: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::with_suffix(".yaml").unwrap();
        let text = format!(
            "openapi: 3.1.0\ninfo: {{title: t, version: '1'}}\npaths:\n  /a:\n    post:\n      requestBody:\n        content:\n          application/json:\n            schema: {schema}\n      responses: {{'200': {{description: d}}}}\n"
        );
        std::fs::write(file.path(), text).unwrap();
        file
    }

    fn code(old: &Path, new: &Path) -> String {
        let args = DiffArgs {
            old: old.to_owned(),
            new: new.to_owned(),
            json: true,
            format: ReportFormat::Text,
        };
        format!("{:?}", run(&args, Lang::En))
    }

    #[test]
    fn exit_codes_tell_no_break_break_and_unreadable() {
        let (tight, loose) = (described("{type: string, maxLength: 3}"), described("{type: string}"));
        assert!(code(tight.path(), loose.path()).ends_with("code: 0 }"));
        let broken = code(loose.path(), tight.path());
        assert!(
            broken.ends_with("code: 1 }") && broken.contains("request-body.max-length.narrowed"),
            "{broken}"
        );
        assert!(code(Path::new("/nowhere.yaml"), tight.path()).ends_with("code: 2 }"));
    }
}
