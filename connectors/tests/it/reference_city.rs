//! The reference city's own manifests, where they are checked out beside this crate.

use hub_catalog::Catalog;
use hub_connectors::Availability;
use hub_connectors::trial::{Mismatch, Trial};
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

/// Every example of the contract goes through both halves of its connector and comes back as the contract allows.
#[test]
fn every_example_goes_both_ways() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let catalog = Catalog::load(&root.join("../specs")).unwrap_or_else(|f| panic!("{}", f[0]));
    let (connectors, _) = hub_connectors::load_folder(&root, &catalog);
    let trial = Trial {
        now: "2026-04-08T02:15:30Z".parse().unwrap(),
        random: 3,
        rsa: hub_crypto::rsa_generate().unwrap(),
    };
    let mut failures = Vec::new();
    let mut done = 0;
    for operation in catalog.operations() {
        let Some(connector) = connectors.get(&operation.system) else {
            continue;
        };
        if connector.available(operation.key()) != Availability::Live {
            continue;
        }
        for example in &operation.examples {
            let Some(result) = trial.both_ways(connector, &catalog, operation, example) else {
                continue;
            };
            done += 1;
            match result {
                Ok(()) => {}
                // A rare character in a form of an old charset is refused, which is right and has its own test.
                Err(Mismatch::Failed(error)) if error.to_string().contains("no bytes in GBK") => {}
                Err(mismatch) => failures.push(format!("{} {}: {mismatch:?}", operation.id, example.name)),
            }
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {done}:\n{}",
        failures.len(),
        failures.iter().take(60).cloned().collect::<Vec<_>>().join("\n")
    );
    assert!(done > 1_000, "{done}");
}
