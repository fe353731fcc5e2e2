//! The city's catalog, loaded once, and an engine over it.

use hub_catalog::Catalog;
use hub_core::ports::Clock;
use hub_core::time::Timestamp;
use hub_core::{Audience, Operation, Subject};
use hub_sandbox::{ContractSource, Contracts, MockEngine};
use serde_json::{Map, Value};
use std::path::Path;
use std::sync::{Arc, LazyLock};

/// The reference city's contracts. `None`, loudly, while there are none.
pub static CATALOG: LazyLock<Option<Arc<Catalog>>> = LazyLock::new(|| {
    let specs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../specs");
    let any = std::fs::read_dir(&specs).is_ok_and(|mut entries| entries.next().is_some());
    if !any {
        println!("SKIPPED: there is nothing in {}", specs.display());
        return None;
    }
    match Catalog::load(&specs) {
        Ok(catalog) => Some(Arc::new(catalog)),
        Err(findings) => {
            let lines: Vec<String> = findings.iter().take(10).map(ToString::to_string).collect();
            panic!("{} findings in the specs, first:\n{}", findings.len(), lines.join("\n"))
        }
    }
});

/// A clock that stands still.
pub struct Still(pub &'static str);

impl Clock for Still {
    fn now(&self) -> Timestamp {
        self.0.parse().unwrap()
    }
}

/// An engine over the city.
pub fn engine(seed: u64) -> Option<MockEngine> {
    let catalog = CATALOG.clone()?;
    let source: ContractSource = Arc::new(move || catalog.clone() as Arc<dyn Contracts>);
    Some(MockEngine::new(source, seed, Arc::new(Still("2026-11-20T10:00:00+08:00"))).unwrap())
}

/// The persona who may call an operation, acting for a company where only companies may.
pub fn caller(engine: &MockEngine, operation: &Operation, person: &str, company: &str) -> Subject {
    let word = match operation.audience {
        Audience::Legal => company,
        _ => person,
    };
    engine.personas().subject(word, "https://issuer.example", 0).unwrap()
}

/// Input as the gateway hands it on: an example's, with the bound fields filled from the subject.
pub fn bind(operation: &Operation, given: &Map<String, Value>, subject: &Subject) -> Map<String, Value> {
    let mut input = given.clone();
    for binding in &operation.bound {
        let pairwise = (binding.from == hub_core::SubjectAttribute::Pairwise).then_some("pw_4f9a1c2b7d6e8a90");
        if let Some(value) = subject.attribute(binding.from).or(pairwise) {
            input.insert(binding.field.clone(), Value::String(value.to_owned()));
        }
    }
    input
}

/// The input of the operation's first example.
pub fn example(operation: &Operation) -> Map<String, Value> {
    operation
        .examples
        .iter()
        .find_map(|e| e.input.clone())
        .unwrap_or_default()
}
