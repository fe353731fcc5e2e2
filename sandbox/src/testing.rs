//! Hand-made contracts for this crate's own tests.

use crate::engine::MockEngine;
use crate::{ContractSource, Contracts};
use hub_core::ports::Clock;
use hub_core::problem::Violation;
use hub_core::time::Timestamp;
use hub_core::{
    Archetype, Assurance, Audience, Card, DataLevel, Effect, Mask, Operation, Parameter, ParameterPlace, PathTemplate,
    Semantic, Service, Shape, ShapeKind, SubjectAttribute, SubjectBinding, SystemId, Text,
};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// A case that is decided in a day.
pub(crate) fn matter(handle: &str, owner: &str) -> crate::state::Matter {
    crate::state::Matter {
        system: SystemId::new("a", "b"),
        made_by: "a.x".into(),
        service: None,
        flow: crate::links::Flow::Case,
        handles: vec![handle.to_owned()],
        owners: vec![owner.to_owned()],
        input: Map::new(),
        data: Map::new(),
        answer: Value::Null,
        created: Timestamp::UNIX_EPOCH,
        days: 1,
        legal_days: 0,
        papers: 0,
        meets: None,
        ends: None,
        held: false,
        events: Vec::new(),
        seed: crate::seed::Seed::new(1),
    }
}

/// Whether a value fits a schema.
pub(crate) fn fits(schema: &Value, value: &Value) -> bool {
    jsonschema::options()
        .should_validate_formats(true)
        .build(schema)
        .unwrap()
        .is_valid(value)
}

/// The outline of a schema without references.
pub(crate) fn shape(name: &str, schema: &Value, required: bool) -> Shape {
    let kind = match schema["type"].as_str() {
        Some("string") => ShapeKind::String,
        Some("integer") => ShapeKind::Integer,
        Some("number") => ShapeKind::Number,
        Some("boolean") => ShapeKind::Boolean,
        Some("array") => ShapeKind::Array,
        Some("object") => ShapeKind::Object,
        _ => ShapeKind::Any,
    };
    let needed = |n: &str| schema["required"].as_array().is_some_and(|r| r.iter().any(|r| r == n));
    let children = schema["properties"].as_object().into_iter().flatten();
    Shape {
        name: name.into(),
        field: None,
        kind,
        nullable: false,
        required,
        semantic: match schema["format"].as_str() {
            Some("date") => Semantic::Date,
            Some("date-time") => Semantic::DateTime,
            _ => Semantic::Plain,
        },
        level: DataLevel::L1,
        mask: Mask::None,
        choices: schema["enum"].as_array().cloned().unwrap_or_default(),
        schema: Arc::new(schema.clone()),
        children: children.map(|(n, s)| shape(n, s, needed(n))).collect(),
        item: schema.get("items").map(|i| Box::new(shape("", i, true))),
    }
}

/// An operation of the system `a/b`. Its service is the part of the id before the second dot.
pub(crate) fn operation(id: &str, method: &str, path: &str, input: &Value, output: &Value) -> Operation {
    let service: Vec<&str> = id.split('.').take(2).collect();
    let parameters = path
        .split('{')
        .skip(1)
        .filter_map(|p| p.split_once('}'))
        .map(|(name, _)| Parameter {
            name: name.to_owned(),
            place: ParameterPlace::Path,
            required: true,
            schema: Arc::new(json!({"type": "string"})),
        });
    Operation {
        id: id.into(),
        system: SystemId::new("a", "b"),
        service: (!id.starts_with("a.b.")).then(|| service.join(".").into()),
        method: method.to_owned(),
        path: PathTemplate(path.to_owned()),
        major: 1,
        assurance: Assurance::R2,
        audience: Audience::Both,
        effect: if method == "GET" { Effect::None } else { Effect::Once },
        level: DataLevel::L2,
        bound: Vec::new(),
        cache_seconds: None,
        basis: None,
        parameters: parameters.collect(),
        request_type: None,
        request: None,
        status: 200,
        response: Some(Arc::new(output.clone())),
        input: shape("", input, true),
        output: shape("", output, true),
        summary: Text::default(),
        description: Text::default(),
        examples: Vec::new(),
    }
}

/// Binds `id_card_no` to the subject's number.
pub(crate) fn bound(mut operation: Operation) -> Operation {
    operation.bound = vec![SubjectBinding {
        field: "id_card_no".to_owned(),
        from: SubjectAttribute::IdNumber,
    }];
    operation
}

/// A service of the system `a/b`.
fn service(slug: &str, archetype: Archetype) -> Service {
    Service {
        id: slug.to_owned(),
        number: "a-0001".to_owned(),
        name: Text::new("服务", "Service"),
        aliases: Vec::new(),
        agency: "a".to_owned(),
        system: SystemId::new("a", "b"),
        domain: "city".to_owned(),
        themes: Vec::new(),
        archetype,
        event: None,
        audience: Audience::Both,
        level: DataLevel::L2,
        assurance: Assurance::R2,
        card: Card {
            promised_days: 3,
            ..Card::default()
        },
        operations: Vec::new(),
    }
}

/// Contracts without a catalog.
#[derive(Default)]
pub(crate) struct Handmade {
    pub operations: Vec<Arc<Operation>>,
    pub services: HashMap<String, Arc<Service>>,
    pub components: HashMap<String, Arc<Value>>,
}

impl Handmade {
    pub(crate) fn with(mut self, slug: &str, archetype: Archetype, operations: Vec<Operation>) -> Self {
        self.services
            .insert(slug.to_owned(), Arc::new(service(slug, archetype)));
        self.operations.extend(operations.into_iter().map(Arc::new));
        self
    }

    pub(crate) fn get(&self, id: &str) -> Arc<Operation> {
        self.operations.iter().find(|o| o.id.as_ref() == id).unwrap().clone()
    }
}

impl Contracts for Handmade {
    fn check_output(&self, operation: &Operation, body: &Value) -> Result<(), Vec<Violation>> {
        let mut schema = operation.response.as_deref().cloned().unwrap_or(json!(true));
        if let Some(map) = schema.as_object_mut() {
            let shared: Map<String, Value> = self
                .components
                .iter()
                .map(|(k, v)| (k.rsplit('/').next().unwrap().to_owned(), v.as_ref().clone()))
                .collect();
            map.insert("components".to_owned(), json!({"schemas": shared}));
        }
        let validator = jsonschema::options()
            .should_validate_formats(true)
            .build(&schema)
            .unwrap();
        let violations: Vec<Violation> = validator
            .iter_errors(body)
            .map(|e| Violation {
                place: e.instance_path().to_string(),
                keyword: "schema".to_owned(),
                expected: Text::same(e.to_string()),
                got: String::new(),
            })
            .collect();
        if violations.is_empty() { Ok(()) } else { Err(violations) }
    }

    fn is_handle(&self, field: &str) -> bool {
        [
            "acceptance_no",
            "booking_no",
            "order_no",
            "elicense_no",
            "subscription_id",
        ]
        .contains(&field)
    }

    fn component(&self, _system: &SystemId, reference: &str) -> Option<Arc<Value>> {
        self.components.get(reference).cloned()
    }

    fn operations_of(&self, system: &SystemId) -> Vec<Arc<Operation>> {
        self.operations
            .iter()
            .filter(|o| o.system == *system)
            .cloned()
            .collect()
    }

    fn service(&self, slug: &str) -> Option<Arc<Service>> {
        self.services.get(slug).cloned()
    }
}

/// A clock that is set by hand.
pub(crate) struct HandClock(pub Mutex<Timestamp>);

impl HandClock {
    pub(crate) fn at(text: &str) -> Arc<Self> {
        Arc::new(Self(Mutex::new(text.parse().unwrap())))
    }

    pub(crate) fn set(&self, text: &str) {
        *self.0.lock().unwrap() = text.parse().unwrap();
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// An engine over hand-made contracts.
pub(crate) fn engine(contracts: &Arc<Handmade>, clock: Arc<HandClock>) -> MockEngine {
    let contracts = contracts.clone();
    let source: ContractSource = Arc::new(move || contracts.clone());
    MockEngine::new(source, 7, clock).unwrap()
}

/// A map of an object literal.
pub(crate) fn map(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}
