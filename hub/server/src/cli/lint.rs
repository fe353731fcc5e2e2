//! `hub lint`: whether API descriptions can be read, and what was found in them.

use super::args::{LintArgs, LintFormat};
use super::lint_report::{junit, object, sarif, text};
use super::outcome::Outcome;
use hub_catalog::description::{Description, missing, read_set};
use hub_core::{Finding, Lang, Severity, Text};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Endings of files that a description may take in from beside it; whatever else it names is not opened.
const COMPANIONS: [&str; 5] = ["json", "yaml", "yml", "xsd", "wsdl"];
/// Rounds in which companions name further ones.
const MAX_ROUNDS: usize = 64;

/// What came of one file.
pub(super) struct Linted {
    pub(super) file: String,
    pub(super) read: Result<Description, Vec<Finding>>,
}

pub fn run(args: &LintArgs, lang: Lang) -> Outcome {
    let mut all = Vec::new();
    for path in &args.files {
        match lint(path) {
            Ok(linted) => all.push(linted),
            Err(error) => return Outcome::misused(format!("{}: {error}", path.display()), lang),
        }
    }
    let format = if args.json { LintFormat::Json } else { args.format };
    let outcome = match format {
        LintFormat::Text => Outcome::done(text(&all, lang)),
        LintFormat::Json => Outcome::json(&whole(&all)),
        LintFormat::Sarif => Outcome::json(&sarif(&all, lang)),
        LintFormat::Junit => Outcome::done(junit(&all, lang)),
    };
    outcome.with_code(u8::from(all.iter().any(Linted::fails)))
}

/// One file: its object; several: a list of them.
fn whole(all: &[Linted]) -> Value {
    match all {
        [only] => object(only),
        several => json!({ "files": several.iter().map(object).collect::<Vec<_>>() }),
    }
}

impl Linted {
    /// Everything found, refusals and repairs alike.
    pub(super) fn findings(&self) -> &[Finding] {
        match &self.read {
            Ok(description) => &description.repairs,
            Err(refused) => refused,
        }
    }

    fn fails(&self) -> bool {
        self.findings().iter().any(|f| f.severity == Severity::Error)
    }
}

/// Reads a file and the companions it names, as a zip of them would be read.
fn lint(path: &Path) -> std::io::Result<Linted> {
    let shown = path.display().to_string();
    let place = path.canonicalize()?;
    let entry = within(&place);
    let mut files = BTreeMap::from([(entry.clone(), std::fs::read(&place)?)]);
    let mut read = read_set(&entry, &files);
    for _ in 0..MAX_ROUNDS {
        let Err(refused) = &read else { break };
        let before = files.len();
        for name in missing(refused) {
            let beside = Path::new("/").join(&name);
            let ending = beside
                .extension()
                .and_then(|e| e.to_str())
                .unwrap_or_default()
                .to_ascii_lowercase();
            if COMPANIONS.contains(&ending.as_str())
                && beside.is_file()
                && let Ok(bytes) = std::fs::read(&beside)
            {
                files.insert(name, bytes);
            }
        }
        if files.len() == before {
            break;
        }
        read = read_set(&entry, &files);
    }
    let here = std::env::current_dir().map(|d| within(&d) + "/").unwrap_or_default();
    let named = |finding: &mut Finding| {
        finding.file = match finding.file == entry {
            true => shown.clone(),
            false => finding.file.strip_prefix(&here).unwrap_or(&finding.file).to_owned(),
        };
    };
    match &mut read {
        Ok(description) => description.repairs.iter_mut().for_each(named),
        Err(refused) => refused.iter_mut().for_each(named),
    }
    Ok(Linted { file: shown, read })
}

/// A whole path as a name in a set of files.
fn within(path: &Path) -> String {
    let parts: PathBuf = path
        .components()
        .filter(|c| matches!(c, std::path::Component::Normal(_)))
        .collect();
    parts.to_string_lossy().replace('\\', "/")
}

/// What a finding says in a language.
pub(super) fn said(text: &Text, lang: Lang) -> &str {
    match lang {
        Lang::Zh => &text.zh,
        Lang::En => &text.en,
    }
}
