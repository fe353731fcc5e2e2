//! Documents that are made from code are checked in, so that a change of the public face is seen in review.
//! `make generate` writes them anew.

use serde_json::Value;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Compares with the file that is checked in, or writes it where `UPDATE_GENERATED` is set.
fn generated(name: &str, value: &Value) {
    let file = root().join("docs/schema").join(name);
    let text = format!("{value:#}\n");
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, &text).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        kept == text,
        "{} is not what the code says; run `make generate`",
        file.display()
    );
}

#[test]
fn generated_hub_openapi() {
    generated(
        "hub.openapi.json",
        &hub_server::routes::document("http://127.0.0.1:8080"),
    );
}

#[test]
fn generated_config_schema() {
    generated("config.schema.json", &hub_server::config::Config::schema());
}

#[test]
fn generated_identity_schema() {
    generated("identity.schema.json", &hub_identity::upstream::schema());
}
