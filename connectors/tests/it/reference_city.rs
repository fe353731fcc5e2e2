//! The reference city's own manifests, where they are checked out beside this crate.

use hub_catalog::Catalog;
use hub_connectors::sign::SecretKind;
use hub_core::Severity;
use std::collections::BTreeMap;
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
    use crate::city::OneFile;
    use hub_connectors::{Availability, Context, ServerContext, Step};
    use hub_core::ports::{Answer, Call};
    use serde_json::{Map, Value};
    use std::sync::Arc;

    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let catalog = Catalog::load(&root.join("../specs")).unwrap_or_else(|f| panic!("{}", f[0]));
    let (connectors, _) = hub_connectors::load_folder(&root, &catalog);
    let now: hub_core::time::Timestamp = "2026-04-08T02:15:30Z".parse().unwrap();
    let pair = hub_crypto::rsa_generate().unwrap();
    let mut failures = Vec::new();
    let mut done = 0;
    for operation in catalog.operations() {
        let Some(connector) = connectors.get(&operation.system) else {
            continue;
        };
        if connector.available(operation.key()) != Availability::Live {
            continue;
        }
        let secrets = keys(connector, &pair);
        for example in &operation.examples {
            let (Some(input), Some(output)) = (&example.input, &example.output) else {
                continue;
            };
            let call = Call {
                operation: Arc::clone(operation),
                input: input.clone(),
                subject: None,
                pairwise: Some("p".into()),
                submission: Some("s".into()),
                request_id: "r".into(),
                controls: Vec::new(),
                deadline_ms: 1_000,
            };
            let context = Context {
                now,
                random: [3; 32],
                secrets: &secrets,
                session: None,
                files: &OneFile,
            };
            let mut arrived = Map::new();
            let mut step = connector.begin(&call, &context);
            let answer = loop {
                match step {
                    Err(error) => break Err(error.to_string()),
                    Ok(Step::Done { answer, .. }) => break Ok(answer.body),
                    Ok(Step::Send { request, dialogue, .. }) => {
                        let returned = connector.exchange(
                            &request,
                            &ServerContext { now, secrets: &secrets },
                            &mut |found, input| {
                                assert_eq!(found.id, operation.id);
                                arrived = input;
                                Ok(Answer::new(operation.status, output.clone()))
                            },
                        );
                        step = connector.resume(dialogue, &returned, &context);
                    }
                }
            };
            done += 1;
            match answer {
                // A rare character in a form of an old charset is refused, which is right and has its own test.
                Err(error) if error.contains("no bytes in GBK") => {}
                Err(error) => failures.push(format!("{} {}: {error}", operation.id, example.name)),
                Ok(body) => {
                    if let Err(violations) = catalog.check_output(operation, &body) {
                        failures.push(format!("{} {}: {:?}", operation.id, example.name, violations[0]));
                    }
                    // A feed without rows tells nothing of what its rows would have told.
                    let bare = connector.chosen_by(operation.key()).is_empty() || !has_empty_list(output);
                    if bare {
                        differ(&operation.id, "output", output, &body, &mut failures);
                    }
                    // What rows are chosen by here is not sent.
                    let mut sent = input.clone();
                    sent.retain(|name, _| !connector.chosen_by(operation.key()).contains(&name.as_str()));
                    differ(
                        &operation.id,
                        "input",
                        &Value::Object(sent),
                        &Value::Object(arrived),
                        &mut failures,
                    );
                }
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

/// The key pair of GB/T 32918.5-2017.
const SM2: &str = "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8";

fn has_empty_list(output: &serde_json::Value) -> bool {
    let members = output.as_object().into_iter().flat_map(serde_json::Map::values);
    members.filter_map(serde_json::Value::as_array).any(Vec::is_empty)
}

/// Secrets made up for a connector; one pair of RSA keys for all that sign with one.
fn keys(connector: &hub_connectors::Connector, (private, public): &(String, String)) -> BTreeMap<String, String> {
    let signing = connector.signing_secrets();
    let value = |name: &String| match signing.iter().find(|(n, _)| n == name) {
        Some((_, SecretKind::Rsa)) if name.contains("public") || name.contains("verify") => public.clone(),
        Some((_, SecretKind::Rsa)) => private.clone(),
        Some((_, SecretKind::Sm2)) => SM2.to_owned(),
        _ if name.contains("sm2") => SM2.to_owned(),
        // Long enough for what is cut of it for keys.
        _ => format!("{name}-value-0123456789"),
    };
    connector.secrets().iter().map(|n| (n.clone(), value(n))).collect()
}

/// What arrived must be what was sent; what did not arrive must be optional, which the contract's check has seen.
fn differ(id: &str, what: &str, expected: &serde_json::Value, found: &serde_json::Value, failures: &mut Vec<String>) {
    if let (Some(expected), Some(found)) = (expected.as_object(), found.as_object()) {
        for (name, value) in expected {
            match found.get(name) {
                Some(other) if other == value => {}
                Some(other) => failures.push(format!("{id} {what} {name}: {value} became {other}")),
                None if value.is_null() || value.as_array().is_some_and(Vec::is_empty) => {}
                None => failures.push(format!("{id} {what} {name}: {value} is gone")),
            }
        }
    }
}
