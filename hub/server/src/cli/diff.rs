//! `hub diff`: what differs between two descriptions, and whether that breaks those who use the old one.

use super::args::DiffArgs;
use super::description::{description, unread};
use super::outcome::Outcome;
use hub_catalog::diff::{Change, Day, Options, Report, Severity, diff, words};
use hub_core::Lang;
use serde_json::{Value, json};

pub fn run(args: &DiffArgs, lang: Lang) -> Outcome {
    let (old, new) = match (description(&args.old), description(&args.new)) {
        (Ok(old), Ok(new)) => (old, new),
        (Err(refused), Ok(_)) | (Ok(_), Err(refused)) => return unread(&refused, args.json, lang),
        (Err(mut refused), Err(more)) => {
            refused.extend(more);
            return unread(&refused, args.json, lang);
        }
    };
    let today = hub_core::time::civil(hub_core::time::Timestamp::now()).date();
    let options = Options {
        today: Day::parse(&today.to_string()),
    };
    let report = diff(&old.document, &new.document, options);
    let outcome = if args.json {
        Outcome::json(&told(&report))
    } else {
        Outcome::done(text(&report, lang))
    };
    outcome.with_code(u8::from(report.breaking()))
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
