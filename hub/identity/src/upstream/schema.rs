use serde_json::{Value, json};

/// JSON Schema of a file.
#[must_use]
pub fn schema() -> Value {
    json!({})
}
