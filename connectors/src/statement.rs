//! The daily statement of a system that takes payments. It is an operation that no contract has, because no client calls it:
//! its contract is the same everywhere and stands here. Input is the day, the answer lists the orders that moved on it.

use hub_core::contract::PathTemplate;
use hub_core::{
    Assurance, Audience, DataLevel, Effect, Example, Operation, Semantic, Shape, ShapeKind, SystemId, Text,
};
use jiff::civil::{Date, Time};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// The states of an order, in the order in which they come.
pub const ORDER_STATES: [&str; 7] = ["created", "paying", "failed", "closed", "paid", "refunding", "refunded"];

/// The input field: the civil day in China.
pub const DAY: &str = "day";
/// The member of the answer that lists orders, each with `order_no`, `amount_fen` and `state`.
pub const ORDERS: &str = "order_list";

/// Where a system's daily statement comes from.
#[derive(Debug, Clone)]
pub struct Statement {
    /// What is called.
    pub operation: Arc<Operation>,
    /// The time of the next day after which the statement is there.
    pub after: Time,
}

impl Statement {
    pub(crate) fn new(system: &SystemId, key: &str, after: Time) -> Self {
        Self {
            operation: Arc::new(operation(system, key)),
            after,
        }
    }

    /// The input that asks for a day.
    #[must_use]
    pub fn asked(day: Date) -> Map<String, Value> {
        Map::from_iter([(DAY.to_owned(), Value::from(day.to_string()))])
    }
}

fn field(name: &str, kind: ShapeKind, semantic: Semantic, schema: Value) -> Shape {
    Shape {
        name: name.into(),
        kind,
        semantic,
        schema: Arc::new(schema),
        ..Shape::empty()
    }
}

fn object(name: &str, children: Vec<Shape>) -> Shape {
    let members: Map<String, Value> = children
        .iter()
        .map(|c| (c.name.to_string(), c.schema.as_ref().clone()))
        .collect();
    let required: Vec<&str> = children.iter().map(|c| c.name.as_ref()).collect();
    let schema = json!({"type": "object", "required": required, "properties": members});
    Shape {
        children,
        ..field(name, ShapeKind::Object, Semantic::Plain, schema)
    }
}

fn operation(system: &SystemId, key: &str) -> Operation {
    let text = json!({"type": "string"});
    let date = json!({"type": "string", "format": "date"});
    let day = field(DAY, ShapeKind::String, Semantic::Date, date);
    let state = Shape {
        choices: ORDER_STATES.map(Value::from).to_vec(),
        ..field(
            "state",
            ShapeKind::String,
            Semantic::Plain,
            json!({"type": "string", "enum": ORDER_STATES}),
        )
    };
    let order = object(
        "",
        vec![
            field("order_no", ShapeKind::String, Semantic::Plain, text),
            field(
                "amount_fen",
                ShapeKind::Integer,
                Semantic::Money,
                json!({"type": "integer"}),
            ),
            state,
        ],
    );
    let list = json!({"type": "array", "items": order.schema.as_ref()});
    let orders = Shape {
        item: Some(Box::new(order)),
        ..field(ORDERS, ShapeKind::Array, Semantic::Plain, list)
    };
    let (input, output) = (object("", vec![day]), object("", vec![orders]));
    Operation {
        id: format!("{}.{}.{key}", system.agency, system.system).into(),
        system: system.clone(),
        service: None,
        method: "POST".to_owned(),
        path: PathTemplate("/".to_owned()),
        major: 1,
        assurance: Assurance::R0,
        audience: Audience::Both,
        effect: Effect::None,
        level: DataLevel::L2,
        bound: Vec::new(),
        cache_seconds: None,
        basis: None,
        parameters: Vec::new(),
        request_type: None,
        request: None,
        status: 200,
        response: Some(Arc::clone(&output.schema)),
        input,
        output,
        summary: Text::new("每日对账单", "Daily statement"),
        description: Text::new("按日列出订单", "The orders of one day"),
        examples: Vec::<Example>::new(),
    }
}
