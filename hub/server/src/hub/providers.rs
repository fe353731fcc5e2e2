//! Reading the folder of identity providers.

use hub_catalog::document::Document;
use hub_core::{Finding, Text};
use hub_identity::upstream::{Around, Providers};
use std::io::ErrorKind;
use std::path::Path;

/// Folder of identity providers in the folder of policies.
const IDENTITY: &str = "identity";
/// Largest file that a provider's file may name, in bytes.
const BESIDE_BYTES: u64 = 1024 * 1024;

/// Reads `identity/*.yaml` below the folder of policies. A folder that is not there says nothing, so nobody comes from anywhere.
///
/// # Errors
/// Every finding in every file.
pub fn providers(policies: &Path) -> Result<Providers, Vec<Finding>> {
    let folder = policies.join(IDENTITY);
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Providers::default()),
        Err(error) => return Err(vec![unreadable(&folder, &error)]),
    };
    let mut files: Vec<_> = entries
        .filter_map(|e| Some(e.ok()?.path()))
        .filter(|p| p.extension().is_some_and(|e| e == "yaml" || e == "yml"))
        .collect();
    files.sort();
    let (mut documents, mut findings) = (Vec::new(), Vec::new());
    for path in files {
        let id = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let read = std::fs::read(&path).map_err(|e| unreadable(&path, &e));
        match read.and_then(|bytes| Document::parse(&path.display().to_string(), &bytes)) {
            Ok(document) => documents.push((id, document)),
            Err(finding) => findings.push(finding),
        }
    }
    let variables = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
    let beside = |name: &str| {
        let path = folder.join(name);
        let small = std::fs::metadata(&path).is_ok_and(|m| m.len() <= BESIDE_BYTES);
        if small {
            std::fs::read_to_string(path).ok()
        } else {
            None
        }
    };
    let around = Around {
        variables: &variables,
        beside: &beside,
    };
    match Providers::from_documents(documents, &around) {
        Ok(providers) if findings.is_empty() => Ok(providers),
        Ok(_) => Err(findings),
        Err(more) => {
            findings.extend(more);
            Err(findings)
        }
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Finding {
    let message = Text::new("无法读取", "It cannot be read");
    Finding::error("unreadable", path.display().to_string(), message).expected("a readable file", error.to_string())
}
