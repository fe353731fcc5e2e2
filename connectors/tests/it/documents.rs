//! What is generated and checked in.

use std::path::PathBuf;

#[test]
fn generated_schema_of_manifests_is_current() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/schema/connector.schema.json");
    let mut text = serde_json::to_string_pretty(&hub_connectors::Connector::schema()).unwrap();
    text.push('\n');
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(there, text, "run with UPDATE_GENERATED=1 and commit {}", path.display());
}
