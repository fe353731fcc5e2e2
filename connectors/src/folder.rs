//! Reading a folder of connectors: `<agency>/<system>/connector.yaml`. The one place of this crate that touches files,
//! and only when the hub starts or reloads.

use crate::connector::Connector;
use crate::error::unreadable;
use crate::fixture::Fixture;
use crate::settings::Origin;
use hub_catalog::{Catalog, Document};
use hub_core::{Finding, SystemId, Text};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Name of a manifest in its folder.
pub const MANIFEST_NAME: &str = "connector.yaml";
/// Name of the folder of recorded exchanges beside a manifest.
pub const FIXTURES_NAME: &str = "fixtures";

/// Reads every recorded exchange of one system, in order of names. A system needs none.
///
/// # Errors
/// Everything that cannot be read, one finding a file.
pub fn load_fixtures(dir: &Path, system: &SystemId) -> Result<Vec<Fixture>, Vec<Finding>> {
    let folder = dir.join(&system.agency).join(&system.system).join(FIXTURES_NAME);
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .map(|entries| entries.flatten().map(|e| e.path()).collect())
        .unwrap_or_default();
    files.retain(|file| file.extension().is_some_and(|e| e == "yaml"));
    files.sort();
    let mut fixtures = Vec::new();
    let mut findings = Vec::new();
    for file in files {
        let name = file.display().to_string();
        let read = std::fs::read(&file).map_err(|e| unreadable(&name, &e));
        match read.and_then(|bytes| Fixture::parse(&name, &bytes)) {
            Ok(fixture) => fixtures.push(fixture),
            Err(finding) => findings.push(finding),
        }
    }
    if findings.is_empty() {
        Ok(fixtures)
    } else {
        Err(findings)
    }
}

/// Compiles every manifest below a folder, in several threads. A folder that is not there has no connectors. Systems
/// whose manifest has errors are left out and their findings returned with the notes of the others.
#[must_use]
pub fn load_folder(dir: &Path, catalog: &Catalog) -> (BTreeMap<SystemId, Arc<Connector>>, Vec<Finding>) {
    let mut findings = Vec::new();
    let files = manifests(dir, &mut findings);
    let threads = std::thread::available_parallelism().map_or(2, usize::from).min(8);
    let chunk = files.len().div_ceil(threads).max(1);
    let results: Vec<_> = std::thread::scope(|scope| {
        let workers: Vec<_> = files
            .chunks(chunk)
            .map(|files| scope.spawn(move || files.iter().map(|f| load_file(dir, f, catalog)).collect::<Vec<_>>()))
            .collect();
        workers.into_iter().flat_map(|w| w.join().unwrap_or_default()).collect()
    });
    let mut connectors = BTreeMap::new();
    for (connector, notes) in results {
        findings.extend(notes);
        if let Some(connector) = connector {
            connectors.insert(connector.system().clone(), Arc::new(connector));
        }
    }
    (connectors, findings)
}

/// Manifests in order, so that findings come in the same order every time.
fn manifests(dir: &Path, findings: &mut Vec<Finding>) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for agency in folders(dir, findings) {
        for system in folders(&agency, findings) {
            let file = system.join(MANIFEST_NAME);
            if file.is_file() {
                files.push(file);
            }
        }
    }
    files
}

fn folders(dir: &Path, findings: &mut Vec<Finding>) -> Vec<PathBuf> {
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Vec::new(),
        Err(error) => {
            findings.push(unreadable(&dir.display().to_string(), &error));
            return Vec::new();
        }
    };
    let mut folders: Vec<PathBuf> = entries.flatten().map(|e| e.path()).filter(|p| p.is_dir()).collect();
    folders.sort();
    folders
}

fn load_file(dir: &Path, file: &Path, catalog: &Catalog) -> (Option<Connector>, Vec<Finding>) {
    let name = file.display().to_string();
    let bytes = match std::fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) => return (None, vec![unreadable(&name, &error)]),
    };
    let document = match Document::parse(&name, &bytes) {
        Ok(document) => document,
        Err(finding) => return (None, vec![finding]),
    };
    match Connector::compile(&document, catalog, Origin::Operator) {
        Ok(compiled) => {
            let mut notes = compiled.notes;
            notes.extend(misplaced(dir, file, &document, compiled.connector.system()));
            (Some(compiled.connector), notes)
        }
        Err(findings) => (None, findings),
    }
}

/// The folder's name and the manifest's `system` must agree, or people look in the wrong place.
fn misplaced(dir: &Path, file: &Path, document: &Document, system: &SystemId) -> Option<Finding> {
    let folder = file
        .parent()?
        .strip_prefix(dir)
        .ok()?
        .to_string_lossy()
        .replace('\\', "/");
    (folder != system.to_string()).then(|| {
        document
            .finding(
                "misplaced",
                "/system",
                Text::new("文件夹与 `system` 不一致", "The folder does not agree with `system`"),
            )
            .severity(hub_core::Severity::Warning)
            .expected(folder, system.to_string())
    })
}
