//! The daily statement of a simulated system: the orders that were made there on a day, as the engine remembers them.

use crate::engine::MockEngine;
use crate::lifecycle;
use crate::state::{Matter, lock};
use hub_connectors::{Connector, DAY, ORDERS, Payment};
use hub_core::ports::Answer;
use hub_core::time::{Timestamp, civil};
use serde_json::{Map, Value, json};

impl MockEngine {
    /// What a system's statement says of the day that is asked for.
    #[must_use]
    pub fn statement(&self, world: &str, connector: &Connector, input: &Map<String, Value>) -> Answer {
        let day = input.get(DAY).and_then(Value::as_str).unwrap_or_default();
        let kept = self.world(world);
        let mut world = lock(&kept);
        let now = world.now(self.now());
        let made = world.of(connector.system());
        let made = made.filter(|m| civil(m.created).date().to_string() == day);
        let rows: Vec<Value> = made
            .filter_map(|matter| row(matter, connector.payment_of(&matter.made_by)?, now))
            .collect();
        Answer::new(200, json!({ ORDERS: rows }))
    }
}

fn row(matter: &Matter, payment: &Payment, now: Timestamp) -> Option<Value> {
    let find = |name: &str| matter.answer.get(name).or_else(|| matter.input.get(name));
    let number = find(&payment.order)?.as_str()?;
    let amount = payment.amount.as_deref().and_then(find).and_then(Value::as_i64);
    let state = match lifecycle::word(matter, now, false) {
        "created" | "paying" => "paying",
        "refunded" => "refunded",
        "cancelled" | "withdrawn" => "closed",
        _ => "paid",
    };
    Some(json!({"order_no": number, "amount_fen": amount.unwrap_or(0), "state": state}))
}
