//! The reference city's own manifests, where they are checked out beside this crate.

use hub_catalog::Catalog;
use hub_core::Severity;
use std::path::PathBuf;

#[test]
fn every_manifest_of_the_reference_city_compiles() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let catalog = Catalog::load(&root.join("../specs")).unwrap_or_else(|f| panic!("{}", f[0]));
    let (connectors, findings) = hub_connectors::load_folder(&root, &catalog);
    let errors: Vec<String> = findings
        .iter()
        .filter(|f| f.severity == Severity::Error)
        .map(ToString::to_string)
        .collect();
    assert!(errors.is_empty(), "{} errors\n{}", errors.len(), errors.join("\n"));
    assert_eq!(connectors.len(), catalog.systems().len());
}
