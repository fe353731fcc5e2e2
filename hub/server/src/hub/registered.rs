//! What the registry has published, as the catalog and the connectors take it.

use hub_catalog::{Catalog, Document};
use hub_connectors::{Connector, Origin};
use hub_core::{Finding, SystemId, Text};
use hub_gateway::Registration;
use hub_registry::Published;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// The name of a registered contract among the documents of a catalog.
fn name(published: &Published) -> String {
    format!("{}.json", published.system)
}

/// A catalog of a folder and of what is published.
///
/// # Errors
/// As [`Catalog::load`]; a finding about what is published stands at the place of the upload.
pub fn catalog(specs: &Path, published: &[Published]) -> Result<Catalog, Vec<Finding>> {
    let mut documents = Vec::new();
    for one in published {
        let text = one.contract().to_string();
        let document = Document::parse(&name(one), text.as_bytes()).map_err(|f| vec![f])?;
        documents.push(document);
    }
    Catalog::load_with(specs, documents).map_err(|mut findings| {
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
