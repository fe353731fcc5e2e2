//! What the registry has published, as the catalog and the connectors take it.

use hub_catalog::{Catalog, Document};
use hub_connectors::{Connector, Origin};
use hub_core::{Finding, SystemId, Text};
use hub_gateway::Registration;
use hub_registry::Published;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The name of a registered contract among the documents of a catalog.
fn name(published: &Published) -> String {
    format!("{}.json", published.system)
}

/// A folder's catalog with what is published beside it.
///
/// # Errors
/// As [`Catalog::beside`]; a finding stands at the place of the upload.
pub fn catalog(folder: &Catalog, published: &[Published]) -> Result<Catalog, Vec<Finding>> {
    let mut documents = Vec::new();
    for one in published {
        let text = one.contract().to_string();
        let document = Document::parse(&name(one), text.as_bytes()).map_err(|f| vec![f])?;
        documents.push(document);
    }
    folder.beside(documents).map_err(|mut findings| {
        for finding in &mut findings {
            let own = published.iter().find(|one| name(one) == finding.file);
            if let Some(origin) = own.map(|one| one.document.description.origin(&finding.pointer)) {
                finding.file = origin.file.to_owned();
                (finding.line, finding.column) = (origin.line, origin.column);
            }
        }
        findings
    })
}

/// Connectors of what is published; a version without one is in the catalog and not connected.
pub fn connectors(published: &[Published], catalog: &Catalog) -> (BTreeMap<SystemId, Arc<Connector>>, Vec<Finding>) {
    let (mut connectors, mut findings) = (BTreeMap::new(), Vec::new());
    for one in published {
        let Some(manifest) = &one.connector else { continue };
        let file = format!("{}/connector.yaml", one.system);
        let compiled = Document::parse(&file, manifest.as_bytes())
            .map_err(|f| vec![f])
            .and_then(|document| Connector::compile(&document, catalog, Origin::Uploaded));
        match compiled {
            // A manifest that speaks for another system would take its place.
            Ok(compiled) if *compiled.connector.system() != one.system => {
                let text = Text::new("清单写的是另一个系统", "The manifest is for another system");
                let got = compiled.connector.system().to_string();
                findings.push(Finding::error("misplaced", file, text).expected(one.system.to_string(), got));
            }
            Ok(compiled) => {
                findings.extend(compiled.notes);
                connectors.insert(one.system.clone(), Arc::new(compiled.connector));
            }
            Err(more) => findings.extend(more),
        }
    }
    (connectors, findings)
}

/// What the registry says of each system.
pub fn registrations(published: &[Published]) -> BTreeMap<SystemId, Registration> {
    let each = published.iter().map(|one| {
        let registration = Registration {
            version: one.version.clone(),
            inner_allowed: one.inner_allowed,
            deprecated: one.deprecated,
            sunset: one.sunset,
        };
        (one.system.clone(), registration)
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hub_core::Severity;
    use hub_registry::{Reading, reading};
    use std::collections::BTreeSet;
    use std::fmt::Write;
    use std::path::{Path, PathBuf};

    const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/figures/registered.md");

    /// The corpus beside the checkout, or none, which is said.
    fn corpus() -> Option<PathBuf> {
        let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
        let root = std::env::var_os("HUB_SHARED")
            .map_or(beside, PathBuf::from)
            .join("corpus/dev");
        if !root.is_dir() {
            println!(
                "SKIPPED: {} is not there; HUB_SHARED names another folder",
                root.display()
            );
        }
        root.is_dir().then_some(root)
    }

    /// As it would be called; codes of what hinders it.
    fn called(read: Reading) -> (bool, bool, BTreeSet<String>) {
        let one = [Published {
            system: SystemId::new("demo", "x"),
            version: String::new(),
            connector: read.plain_manifest("demo/x"),
            document: Arc::new(read),
            inner_allowed: true,
            deprecated: None,
            sunset: None,
        }];
        let has_address = one.iter().any(|o| o.connector.is_some());
        let codes = |all: Vec<Finding>| {
            all.into_iter()
                .filter(|f| f.severity == Severity::Error)
                .map(|f| f.code)
                .collect()
        };
        match catalog(&Catalog::default(), &one) {
            Err(findings) => (false, has_address, codes(findings)),
            Ok(catalog) => {
                let (made, findings) = connectors(&one, &catalog);
                (!made.is_empty(), has_address, codes(findings))
            }
        }
    }

    #[test]
    fn generated_registered_figures_are_current() {
        let Some(root) = corpus() else { return };
        let index = std::fs::read_to_string(root.join("index.csv")).unwrap();
        let files: BTreeSet<&str> = index
            .lines()
            .skip(1)
            .filter_map(|line| line.split(',').nth(1))
            .collect();
        let (mut read, mut addressed, mut connected, mut hindered) = (0, 0, 0, Vec::new());
        for file in files {
            let Ok(bytes) = std::fs::read(root.join(file)) else {
                continue;
            };
            let Ok(reading) = reading(file, &bytes) else { continue };
            let (is_connected, has_address, codes) = called(reading);
            read += 1;
            addressed += usize::from(has_address);
            connected += usize::from(is_connected);
            if has_address && !is_connected {
                hindered.push((file, codes));
            }
        }
        assert!(
            connected * 100 >= addressed * 99,
            "{connected} of {addressed}: {hindered:?}"
        );
        let mut page = format!(
            "# What goes live without a hand-written manifest\n\n\
             Written by `make generate` from the development corpus. A description can go live by itself where it names the whole address of its \
             system: {addressed} of the {read} that are read as single files do. For {connected} of these the catalog holds the contract and the \
             inferred manifest fits it, REST and SOAP alike.\n"
        );
        if !hindered.is_empty() {
            page.push_str("\n| description | what hinders it |\n|---|---|\n");
        }
        for (file, codes) in hindered {
            let codes: Vec<String> = codes.into_iter().collect();
            let _ = writeln!(page, "| `{file}` | {} |", codes.join(", "));
        }
        if std::env::var_os("UPDATE_GENERATED").is_some() {
            std::fs::write(PAGE, &page).unwrap();
        }
        assert_eq!(std::fs::read_to_string(PAGE).unwrap(), page, "run `make generate`");
    }
}
