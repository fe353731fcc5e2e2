//! API descriptions given on the command line, with the files beside them that they name.

use super::outcome::{Outcome, line};
use hub_catalog::description::{Description, missing, pack, read_set};
use hub_core::{Finding, Lang, Text};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Endings of files that a description may take in from beside it; whatever else it names is not opened.
const COMPANIONS: [&str; 5] = ["json", "yaml", "yml", "xsd", "wsdl"];
/// Rounds in which companions name further ones.
const MAX_ROUNDS: usize = 64;

/// What came of one file.
pub(super) struct Opened {
    pub(super) read: Result<Description, Vec<Finding>>,
    pub(super) names: Names,
    /// The file and the companions it names, as they are on disk.
    pub(super) files: BTreeMap<String, Vec<u8>>,
}

/// What the files of a description are called before people.
pub(super) struct Names {
    entry: String,
    shown: String,
    here: String,
}

impl Names {
    /// Names the file of a finding as the person did, or from the folder they stand in.
    pub(super) fn show(&self, finding: &mut Finding) {
        finding.file = match finding.file == self.entry {
            true => self.shown.clone(),
            false => finding
                .file
                .strip_prefix(&self.here)
                .unwrap_or(&finding.file)
                .to_owned(),
        };
    }
}

/// Reads a file and the companions it names, as a zip of them would be read.
///
/// # Errors
/// Where the file itself cannot be read.
pub(super) fn open(path: &Path) -> std::io::Result<Opened> {
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
    let shown = path.display().to_string();
    let names = Names { entry, shown, here };
    Ok(Opened { read, names, files })
}

/// What is sent of a file: itself, or a zip of it and of the files beside it that it names.
///
/// # Errors
/// Where the file itself cannot be read.
pub(super) fn gathered(path: &Path) -> std::io::Result<(String, Vec<u8>)> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let Opened { files, names, .. } = open(path)?;
    match files.len() {
        0 | 1 => Ok((name, std::fs::read(path)?)),
        _ => {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            Ok((format!("{stem}.zip"), pack(&names.entry, &files)))
        }
    }
}

/// A description with the names its findings bear.
pub(super) fn named(path: &Path) -> Result<(Description, Names), Vec<Finding>> {
    let opened = open(path).map_err(|e| {
        let words = Text::new(format!("无法读取文件：{e}"), format!("The file can't be read: {e}"));
        vec![Finding::error("file-unreadable", path.display().to_string(), words)]
    })?;
    match opened.read {
        Ok(description) => Ok((description, opened.names)),
        Err(mut refused) => {
            refused.iter_mut().for_each(|finding| opened.names.show(finding));
            Err(refused)
        }
    }
}

/// The description, or everything that keeps it from being read, the file itself included.
pub(super) fn description(path: &Path) -> Result<Description, Vec<Finding>> {
    named(path).map(|(description, _)| description)
}

/// Nothing was done, for a description can't be read.
pub(super) fn unread(refused: &[Finding], as_json: bool, lang: Lang) -> Outcome {
    let outcome = if as_json {
        Outcome::json(&json!({"readable": false, "findings": refused}))
    } else {
        Outcome::default()
    };
    let lines: Vec<String> = refused.iter().map(|f| line(f, lang)).collect();
    outcome.saying(lines.join("\n")).with_code(2)
}

/// A whole path as a name in a set of files.
fn within(path: &Path) -> String {
    let parts: PathBuf = path
        .components()
        .filter(|c| matches!(c, std::path::Component::Normal(_)))
        .collect();
    parts.to_string_lossy().replace('\\', "/")
}
