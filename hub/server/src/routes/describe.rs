//! What a route says about itself, and the document made of all of them: `/hub/openapi.json` (OpenAPI 3.1).

use super::table::{Door, Route, TABLE};
use serde_json::{Map, Value, json};

/// Who may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// Anybody.
    Anybody,
    /// A client on behalf of a signed-in subject: key and token.
    Subject,
    /// A client, for itself.
    Client,
    /// A client of the sandbox, for itself.
    SandboxClient,
    /// Anybody, a client of the sandbox for itself.
    MaybeClient,
    /// The owner of a world, by key, or whoever has a token of it.
    World,
    /// A person of an agency or of the hub, by the token of their invitation.
    Member,
    /// An operator.
    Operator,
}

/// One parameter.
#[derive(Debug, Clone)]
pub struct Given {
    name: &'static str,
    place: &'static str,
    about: &'static str,
    schema: Value,
}

/// What `/hub/openapi.json` says about a route.
#[derive(Debug, Clone)]
pub struct Description {
    id: &'static str,
    zh: &'static str,
    en: &'static str,
    who: Who,
    given: Vec<Given>,
    body: Option<(&'static str, Value)>,
    good: (u16, &'static str, Value),
    problems: Vec<u16>,
}

impl Description {
    /// An operation for anybody that answers a JSON object.
    pub fn new(id: &'static str, zh: &'static str, en: &'static str) -> Self {
        Self {
            id,
            zh,
            en,
            who: Who::Anybody,
            given: Vec::new(),
            body: None,
            good: (200, "application/json", json!({"type": "object"})),
            problems: Vec::new(),
        }
    }

    /// Sets who may call.
    pub fn who(mut self, who: Who) -> Self {
        self.who = who;
        self
    }

    /// Adds a parameter of the path.
    pub fn path(mut self, name: &'static str, about: &'static str) -> Self {
        self.given.push(Given {
            name,
            place: "path",
            about,
            schema: json!({"type": "string", "minLength": 1}),
        });
        self
    }

    /// Adds an optional parameter of the query.
    pub fn query(mut self, name: &'static str, about: &'static str, schema: Value) -> Self {
        self.given.push(Given {
            name,
            place: "query",
            about,
            schema,
        });
        self
    }

    /// Adds an optional header.
    pub fn header(mut self, name: &'static str, about: &'static str) -> Self {
        self.given.push(Given {
            name,
            place: "header",
            about,
            schema: json!({"type": "string"}),
        });
        self
    }

    /// Sets the request body.
    pub fn body(mut self, media: &'static str, schema: Value) -> Self {
        self.body = Some((media, schema));
        self
    }

    /// Sets the good answer.
    pub fn good(mut self, status: u16, media: &'static str, schema: Value) -> Self {
        self.good = (status, media, schema);
        self
    }

    /// Lists statuses of problems.
    pub fn problems(mut self, statuses: &[u16]) -> Self {
        self.problems = statuses.to_vec();
        self
    }

    fn operation(&self, route: &Route) -> Value {
        let mut operation = json!({
            "operationId": self.id,
            "tags": [route.name],
            "summary": self.zh,
            "x-hub-en": {"summary": self.en},
            "parameters": self.given.iter().map(parameter).collect::<Vec<_>>(),
            "responses": self.responses(),
        });
        let Some(fields) = operation.as_object_mut() else {
            return operation;
        };
        let security = match self.who {
            Who::Anybody => json!([]),
            Who::Subject => json!([{"clientKey": [], "subjectToken": []}]),
            Who::Client => json!([{"clientKey": []}]),
            Who::SandboxClient => json!([{"sandboxKey": []}]),
            Who::MaybeClient => json!([{}, {"sandboxKey": []}]),
            Who::World => json!([{"sandboxKey": []}, {"worldToken": []}]),
            Who::Member => json!([{"memberToken": []}]),
            Who::Operator => json!([{"adminToken": []}]),
        };
        fields.insert("security".into(), security);
        if let Some((media, schema)) = &self.body {
            fields.insert(
                "requestBody".into(),
                json!({"required": true, "content": {(*media): {"schema": schema}}}),
            );
        }
        if route.door == Door::Admin {
            fields.insert(
                "servers".into(),
                json!([{"url": "http://127.0.0.1:8081", "description": "--admin-listen"}]),
            );
        }
        operation
    }

    fn responses(&self) -> Value {
        let (status, media, schema) = &self.good;
        let good = match *media {
            "" => json!({"description": "Done."}),
            media => json!({"description": "Done.", "content": {(media): {"schema": schema}}}),
        };
        let mut responses = Map::new();
        responses.insert(status.to_string(), good);
        for status in &self.problems {
            responses.insert(status.to_string(), json!({"$ref": "#/components/responses/Problem"}));
        }
        responses.insert("default".into(), json!({"$ref": "#/components/responses/Problem"}));
        Value::Object(responses)
    }
}

fn parameter(given: &Given) -> Value {
    json!({
        "name": given.name,
        "in": given.place,
        "required": given.place == "path",
        "description": given.about,
        "schema": given.schema,
    })
}

/// The document.
#[must_use]
pub fn document(base: &str) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for route in TABLE {
        let Some(says) = route.says else { continue };
        let path = paths.entry(route.template()).or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(route.method.to_ascii_lowercase(), says().operation(route));
        }
    }
    let tags: Vec<Value> = TAGS
        .iter()
        .map(|(name, about)| json!({"name": name, "description": about}))
        .collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Shuniu: the hub's own API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "The hub's own doors. The services of the city are described by /openapi.json.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": base}],
        "tags": tags,
        "paths": paths,
        "components": {"securitySchemes": security_schemes(), "responses": responses(), "schemas": schemas()},
    })
}

const TAGS: [(&str, &str); 8] = [
    ("catalog", "The catalog for programs."),
    ("sandbox", "What the sandbox offers."),
    (
        "developer",
        "What a client sees of its calls in the sandbox, and what it is told of.",
    ),
    ("registry", "Agencies, their people, and versions of descriptions."),
    ("me", "What belongs to the subject: papers and submissions."),
    ("hub", "The hub about itself."),
    ("health", "Whether it lives."),
    ("admin", "Operators, on a listener of their own."),
];

fn security_schemes() -> Value {
    json!({
        "clientKey": {"type": "apiKey", "in": "header", "name": "X-Api-Key", "description": "Key of the calling client."},
        "sandboxKey": {"type": "apiKey", "in": "header", "name": "X-Api-Key", "description": "Key of a client of the sandbox."},
        "worldToken": {"type": "apiKey", "in": "header", "name": "Hub-World", "description": "Token of a world."},
        "subjectToken": {"type": "http", "scheme": "bearer", "description": "Token of the person on whose behalf."},
        "memberToken": {"type": "http", "scheme": "bearer", "description": "Token of a person of an agency or of the hub."},
        "adminToken": {"type": "http", "scheme": "bearer", "description": "Operators' token."},
    })
}

fn responses() -> Value {
    json!({"Problem": {
        "description": "A problem (RFC 9457).",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }})
}

fn schemas() -> Value {
    let text = json!({"type": "string"});
    json!({
        "Text": {
            "type": "object",
            "required": ["zh", "en"],
            "properties": {"zh": text, "en": text},
        },
        "Problem": {
            "type": "object",
            "required": ["type", "title", "status", "detail", "code", "fix", "at_fault", "kept", "request_id"],
            "properties": {
                "type": {"type": "string", "format": "uri"},
                "title": text, "detail": text, "code": text, "fix": text, "request_id": text,
                "status": {"type": "integer", "minimum": 400, "maximum": 599},
                "at_fault": {"enum": ["you", "agency", "hub"]},
                "kept": {"enum": ["nothing", "saved", "unknown"]},
                "where": text, "expected": text, "got": text, "submission": text,
                "near": {"type": "array", "items": text},
                "retry_after": {"type": "integer", "minimum": 0},
            },
        },
        "Service": super::catalog::service_schema(),
        "Submission": super::me::submission_schema(),
        "Client": super::admin::client_schema(),
        "World": super::worlds_described::world_schema(),
        "Happening": super::worlds_described::happening_schema(),
        "Event": super::events::event_schema(),
        "Delivery": super::events::delivery_schema(),
        "Verification": super::verifications::verification_schema(),
        "Webhook": super::webhooks_described::webhook_schema(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn ids_and_tags_are_known_and_unique() {
        let document = document("http://h");
        let mut ids = HashSet::new();
        for operation in document["paths"]
            .as_object()
            .unwrap()
            .values()
            .flat_map(|p| p.as_object().unwrap().values())
        {
            assert!(ids.insert(operation["operationId"].to_string()), "{operation}");
            assert!(TAGS.iter().any(|(t, _)| operation["tags"][0] == *t), "{operation}");
        }
        assert!(ids.len() > 15);
    }
}
