//! Titles of schemas in a unified document. Client generators name types after `title`, so that two enums that are both
//! called 状态 would become one type; here the words stand in the description, and types get their names from their place.

use serde_json::{Map, Value};

/// Keywords that hold one schema.
const ONE: [&str; 8] = [
    "items",
    "additionalProperties",
    "contains",
    "not",
    "if",
    "then",
    "else",
    "propertyNames",
];
/// Keywords that hold a list of schemas.
const LIST: [&str; 4] = ["allOf", "anyOf", "oneOf", "prefixItems"];
/// Keywords that hold schemas by name.
const NAMED: [&str; 4] = ["properties", "patternProperties", "$defs", "dependentSchemas"];

/// Moves the titles of all schemas of a document into their descriptions.
pub(super) fn describe(document: &mut Value) {
    if let Some(Value::Object(schemas)) = document.pointer_mut("/components/schemas") {
        schemas.values_mut().for_each(schema);
    }
    if let Some(paths) = document.get_mut("paths") {
        below(paths);
    }
}

/// Every value under the key `schema`; examples are left alone.
fn below(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map.iter_mut() {
                match key.as_str() {
                    "schema" => schema(inner),
                    "example" | "examples" => {}
                    _ => below(inner),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(below),
        _ => {}
    }
}

fn schema(value: &mut Value) {
    let Value::Object(map) = value else { return };
    for key in ONE {
        if let Some(inner) = map.get_mut(key) {
            schema(inner);
        }
    }
    for key in LIST {
        if let Some(Value::Array(items)) = map.get_mut(key) {
            items.iter_mut().for_each(schema);
        }
    }
    for key in NAMED {
        if let Some(Value::Object(named)) = map.get_mut(key) {
            named.values_mut().for_each(schema);
        }
    }
    retitle(map);
}

fn retitle(map: &mut Map<String, Value>) {
    let Some(Value::String(zh)) = map.shift_remove("title") else {
        return;
    };
    let en = map.get("x-hub-en").and_then(Value::as_str).filter(|en| *en != zh);
    let mut words = en.map_or_else(|| zh.clone(), |en| format!("{zh} {en}"));
    if let Some(longer) = map.get("description").and_then(Value::as_str) {
        words = format!("{words}\n\n{longer}");
    }
    map.insert("description".into(), Value::String(words));
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn titles_become_descriptions_and_properties_named_title_stay() {
        let mut document = json!({
            "paths": {"/a": {"get": {"responses": {"200": {"content": {"application/json": {
                "schema": {"properties": {"title": {"title": "标题", "x-hub-en": "Title", "type": "string"}}},
                "examples": {"normal": {"value": {"title": "x", "schema": {"title": "y"}}}},
            }}}}}}},
            "components": {"schemas": {"state": {"title": "状态", "description": "怎样", "enum": ["a"]}}},
        });
        describe(&mut document);
        let media = &document["paths"]["/a"]["get"]["responses"]["200"]["content"]["application/json"];
        assert_eq!(media["schema"]["properties"]["title"]["description"], "标题 Title");
        assert!(media["schema"]["properties"]["title"].get("title").is_none());
        assert_eq!(media["examples"]["normal"]["value"]["schema"]["title"], "y");
        assert_eq!(
            document["components"]["schemas"]["state"]["description"],
            "状态\n\n怎样"
        );
    }
}
