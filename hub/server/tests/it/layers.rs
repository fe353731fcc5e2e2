//! A room imports lower layers only and never a room of its own layer, tests included.

use serde_json::Value;
use std::process::Command;

/// Layer of each room, from the ground up (ARCHITECTURE.md, "Rooms").
const LAYERS: &[(&str, u8)] = &[
    ("hub-core", 0),
    ("hub-crypto", 0),
    ("hub-catalog", 1),
    ("hub-store", 1),
    ("hub-outbound", 1),
    ("hub-connectors", 2),
    ("hub-gateway", 3),
    ("hub-registry", 3),
    ("hub-identity", 3),
    ("hub-sandbox", 3),
    ("hub-federation", 3),
    ("hub-server", 4),
];

fn layer(room: &str) -> Option<u8> {
    LAYERS.iter().find(|(name, _)| *name == room).map(|(_, layer)| *layer)
}

/// `(room, what it imports)` that go upward or sideways. hub-crypto and hub-core are one ground: neither imports.
fn wrong(metadata: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    for package in metadata["packages"].as_array().unwrap() {
        let room = package["name"].as_str().unwrap();
        let Some(own) = layer(room) else {
            wrong.push(format!("{room} stands on no layer"));
            continue;
        };
        for dependency in package["dependencies"].as_array().unwrap() {
            let name = dependency["name"].as_str().unwrap();
            let inside = dependency["path"].is_string();
            match layer(name) {
                Some(other) if other >= own => {
                    wrong.push(format!("{room} (layer {own}) imports {name} (layer {other})"));
                }
                None if inside => wrong.push(format!("{room} imports {name}, which stands on no layer")),
                _ => {}
            }
        }
    }
    wrong
}

#[test]
fn rooms_import_lower_layers_only() {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(metadata["packages"].as_array().unwrap().len() >= 11);
    assert_eq!(wrong(&metadata), Vec::<String>::new());
}

#[test]
fn an_edge_upward_or_sideways_is_seen() {
    let metadata = serde_json::json!({"packages": [
        {"name": "hub-store", "dependencies": [{"name": "hub-gateway", "path": "x"}, {"name": "hub-core", "path": "x"}]},
        {"name": "hub-gateway", "dependencies": [{"name": "hub-sandbox", "kind": "dev", "path": "x"}]},
        {"name": "hub-new", "dependencies": []},
    ]});
    assert_eq!(wrong(&metadata).len(), 3);
}

/// How long RSA signing takes in that crate tells of the key (RUSTSEC-2023-0071); everything here signs with aws-lc.
#[test]
fn attack_41_nothing_signs_with_the_rsa_crate() {
    let lock = std::fs::read_to_string(crate::support::repository().join("Cargo.lock")).unwrap();
    let names: Vec<&str> = lock.lines().filter_map(|l| l.strip_prefix("name = ")).collect();
    assert!(names.contains(&"\"aws-lc-rs\""), "the lock file is read");
    assert!(!names.contains(&"\"rsa\""));
}
