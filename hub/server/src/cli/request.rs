//! From `field=value` words to a request, by the contract of an operation.

use crate::portal::segment;
use hub_core::RawRequest;
use serde_json::{Map, Value};

/// One operation of an OpenAPI document.
pub struct Contract {
    document: Value,
    method: String,
    path: String,
    operation: Value,
}

/// Words that make no request.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Not `name=value`.
    Form(String),
    /// No such input.
    Unknown {
        /// As written.
        name: String,
        /// What there is.
        near: Vec<String>,
    },
    /// A parameter of the path is missing.
    Missing(String),
}

impl Contract {
    /// An operation by its id.
    ///
    /// # Errors
    /// The nearest ids.
    pub fn find(document: Value, id: &str) -> Result<Self, Vec<String>> {
        let mut ids = Vec::new();
        let mut found = None;
        for (path, item) in document.get("paths").and_then(Value::as_object).into_iter().flatten() {
            for (method, operation) in item.as_object().into_iter().flatten() {
                let Some(own) = operation.get("operationId").and_then(Value::as_str) else {
                    continue;
                };
                if own == id {
                    found = Some((method.to_ascii_uppercase(), path.clone(), operation.clone()));
                }
                ids.push(own.to_owned());
            }
        }
        match found {
            Some((method, path, operation)) => Ok(Self {
                document,
                method,
                path,
                operation,
            }),
            None => Err(hub_catalog::nearest(id, ids.iter().map(String::as_str))),
        }
    }

    /// Whether a repeated call would do the thing twice.
    pub fn once(&self) -> bool {
        self.operation.get("x-hub-effect").and_then(Value::as_str) == Some("once")
    }

    /// Whether only companies may ask.
    pub fn for_companies(&self) -> bool {
        self.operation.get("x-hub-audience").and_then(Value::as_str) == Some("legal")
    }

    /// The request that the words make.
    ///
    /// # Errors
    /// The first word that cannot be taken.
    pub fn request(&self, words: &[String]) -> Result<RawRequest, Refusal> {
        let mut path = self.path.clone();
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let mut request = RawRequest {
            method: self.method.clone(),
            ..RawRequest::default()
        };
        let mut body = Map::new();
        for word in words {
            let (name, text) = word.split_once('=').ok_or_else(|| Refusal::Form(word.clone()))?;
            match self.place(name) {
                Some("path") => path = path.replace(&format!("{{{name}}}"), &segment(text)),
                Some("query") => drop(query.append_pair(name, text)),
                Some("header") => request.headers.push((name.to_owned(), text.to_owned())),
                _ => self.put(&mut body, name, text)?,
            }
        }
        if let Some((_, rest)) = path.split_once('{') {
            return Err(Refusal::Missing(rest.split('}').next().unwrap_or_default().to_owned()));
        }
        let query = query.finish();
        request.target = if query.is_empty() {
            path
        } else {
            format!("{path}?{query}")
        };
        if self.operation.get("requestBody").is_some() {
            request.headers.push(("content-type".into(), "application/json".into()));
            request.body = Value::Object(body).to_string().into_bytes();
        }
        Ok(request)
    }

    fn parameters(&self) -> impl Iterator<Item = &Value> {
        let listed = self.operation.get("parameters").and_then(Value::as_array);
        listed.into_iter().flatten().map(|p| self.resolved(p))
    }

    fn place(&self, name: &str) -> Option<&str> {
        self.parameters()
            .find(|p| p.get("name").and_then(Value::as_str) == Some(name))?
            .get("in")?
            .as_str()
    }

    fn body_schema(&self) -> Option<&Value> {
        let content = self
            .resolved(self.operation.get("requestBody")?)
            .get("content")?
            .as_object()?;
        Some(self.resolved(content.values().next()?.get("schema")?))
    }

    fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        let mut value = value;
        // References to references are rare; a document that chases its own tail is not worth more turns.
        for _ in 0..8 {
            let target = value
                .get("$ref")
                .and_then(Value::as_str)
                .and_then(|r| r.strip_prefix('#'));
            match target.and_then(|pointer| self.document.pointer(pointer)) {
                Some(next) => value = next,
                None => break,
            }
        }
        value
    }

    /// Puts `a.b=text` into the body.
    fn put(&self, body: &mut Map<String, Value>, name: &str, text: &str) -> Result<(), Refusal> {
        let parts: Vec<&str> = name.split('.').collect();
        let mut schema = self.body_schema();
        for part in &parts {
            let properties = schema.and_then(|s| s.get("properties")).and_then(Value::as_object);
            let Some(properties) = properties else {
                schema = None;
                break;
            };
            match properties.get(*part) {
                Some(next) => schema = Some(self.resolved(next)),
                None => {
                    let mut near: Vec<String> = properties.keys().cloned().collect();
                    near.extend(
                        self.parameters()
                            .filter_map(|p| p.get("name")?.as_str().map(str::to_owned)),
                    );
                    return Err(Refusal::Unknown {
                        name: name.to_owned(),
                        near,
                    });
                }
            }
        }
        insert(body, &parts, typed(text, schema));
        Ok(())
    }
}

fn insert(map: &mut Map<String, Value>, parts: &[&str], value: Value) {
    match parts {
        [] => {}
        [last] => drop(map.insert((*last).to_owned(), value)),
        [first, rest @ ..] => {
            let below = map
                .entry((*first).to_owned())
                .or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(below) = below {
                insert(below, rest, value);
            }
        }
    }
}

/// A word as the value that its schema wants: a number that is an id stays text.
fn typed(text: &str, schema: Option<&Value>) -> Value {
    let kind = schema.and_then(|s| s.get("type"));
    let is = |word: &str| match kind {
        Some(Value::String(one)) => one == word,
        Some(Value::Array(many)) => many.iter().any(|k| k == word),
        _ => false,
    };
    if is("string") {
        return Value::from(text);
    }
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn contract() -> Contract {
        let document = json!({
            "paths": {"/a/s/v1/x/{no}": {"post": {
                "operationId": "a.x", "x-hub-effect": "once",
                "parameters": [{"name": "no", "in": "path"}, {"name": "page", "in": "query"}],
                "requestBody": {"content": {"application/json": {"schema": {"properties": {
                    "id_card_no": {"$ref": "#/components/schemas/Id"},
                    "n": {"type": "integer"},
                    "address": {"type": "object", "properties": {"street": {"type": "string"}}},
                    "list": {"type": "array"},
                }}}}},
            }}},
            "components": {"schemas": {"Id": {"type": "string"}}},
        });
        Contract::find(document, "a.x").unwrap_or_else(|n| panic!("{n:?}"))
    }

    fn words(words: &[&str]) -> Result<RawRequest, Refusal> {
        contract().request(&words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn words_become_a_request() {
        let request = words(&[
            "no=a/b",
            "page=2",
            "id_card_no=990101199001010011",
            "n=3",
            "address.street=x=y",
            "list=[1,2]",
        ])
        .unwrap();
        assert_eq!(request.target, "/a/s/v1/x/a%2Fb?page=2");
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        assert_eq!(
            body,
            json!({"id_card_no": "990101199001010011", "n": 3, "address": {"street": "x=y"}, "list": [1, 2]})
        );
    }

    #[test]
    fn wrong_words_are_refused_with_what_there_is() {
        assert_eq!(words(&["page=2"]).unwrap_err(), Refusal::Missing("no".into()));
        assert_eq!(words(&["oops"]).unwrap_err(), Refusal::Form("oops".into()));
        assert!(
            matches!(words(&["no=1", "nn=2"]).unwrap_err(), Refusal::Unknown { near, .. } if near.contains(&"n".to_owned()))
        );
        assert!(Contract::find(json!({"paths": {"/p": {"get": {"operationId": "a.xy"}}}}), "a.xz").is_err());
    }
}
