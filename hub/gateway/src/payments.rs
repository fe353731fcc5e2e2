//! Payments: the truth is in the file of the night. The hub keeps the orders its submissions made, and compares them with
//! the daily statement. It never posts again by itself what the upstream does not know to be the same.

use crate::gateway::Gateway;
use crate::matters::text;
use crate::replay::unavailable;
use hub_connectors::{Connector, Event};
use hub_core::ports::Answer;
use hub_core::time::{Timestamp, civil};
use hub_core::{Kept, Operation, Problem, ProblemCode, Text};
use hub_store::{Difference, Order, Store};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The states of an order, in the order in which they come.
pub const STATES: [&str; 7] = hub_connectors::ORDER_STATES;

/// One row of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementRow {
    /// Order number.
    pub order_no: String,
    /// Amount in fen.
    pub amount_fen: i64,
    /// State, one of [`STATES`].
    pub state: String,
}

/// Keeps the order that a submission made, as far as it is known.
pub(crate) async fn made(
    store: &Store,
    connector: &Connector,
    operation: &Operation,
    submission: &str,
    input: &Map<String, Value>,
    outcome: &Result<Answer, Problem>,
    now: Timestamp,
) {
    let Some(payment) = connector.payment(operation.key()) else {
        return;
    };
    let answer = outcome.as_ref().ok().map(|a| &a.body);
    let find = |name: &str| answer.and_then(|a| a.get(name)).or_else(|| input.get(name));
    let Some(number) = find(&payment.order).and_then(text) else {
        return;
    };
    let told = payment.state.as_deref().and_then(find).and_then(text);
    let state = match outcome {
        Ok(_) => told.filter(|s| rank(s).is_some()).unwrap_or_else(|| "created".into()),
        Err(problem) if problem.kept == Kept::Nothing => "failed".into(),
        Err(_) => "paying".into(),
    };
    let order = Order {
        system: operation.system.to_string(),
        number,
        submission: Some(submission.to_owned()),
        amount: payment.amount.as_deref().and_then(find).and_then(Value::as_i64),
        state,
        day: civil(now).date().to_string(),
        updated: now,
    };
    if let Err(error) = put(store, order).await {
        tracing::error!(submission, %error, "an order could not be kept");
    }
}

/// What an upstream's news say about an order.
pub(crate) async fn told(store: &Store, connector: &Connector, event: &Event, now: Timestamp) -> Result<(), Problem> {
    let Some(state) = event.state.as_ref().and_then(|(_, s)| text(s)) else {
        return Ok(());
    };
    if rank(&state).is_none() {
        return Ok(());
    }
    let mut numbers: Vec<String> = connector
        .payments()
        .filter_map(|p| event.values.get(&p.order).and_then(text))
        .collect();
    numbers.dedup();
    for number in numbers {
        let order = Order {
            system: connector.system().to_string(),
            number,
            submission: None,
            amount: None,
            state: state.clone(),
            day: civil(now).date().to_string(),
            updated: now,
        };
        put(store, order).await.map_err(unavailable)?;
    }
    Ok(())
}

/// Keeps an order unless what is kept is further on.
async fn put(store: &Store, order: Order) -> Result<(), hub_store::StoreError> {
    let known = store.orders().get(&order.system, &order.number).await?;
    if known.is_some_and(|k| rank(&k.state) > rank(&order.state)) {
        return Ok(());
    }
    store.orders().put(&order).await
}

fn rank(state: &str) -> Option<usize> {
    STATES.iter().position(|s| *s == state)
}

/// Whether a state moved money, so that it must stand in a statement.
fn moved(state: &str) -> bool {
    matches!(state, "paid" | "refunding" | "refunded")
}

/// What a statement says differently, and the orders that it settles.
fn compare(
    system: &str,
    day: &str,
    ours: &[Order],
    rows: &[StatementRow],
    now: Timestamp,
) -> (Vec<Difference>, Vec<Order>) {
    let known: BTreeMap<&str, &Order> = ours.iter().map(|o| (o.number.as_str(), o)).collect();
    let mut theirs: BTreeMap<&str, &StatementRow> = BTreeMap::new();
    let (mut found, mut settled) = (Vec::new(), Vec::new());
    let difference = |number: &str, kind: &str, ours: String, theirs: String| Difference {
        system: system.to_owned(),
        day: day.to_owned(),
        number: number.to_owned(),
        kind: kind.to_owned(),
        ours,
        theirs,
        settled: false,
        found: now,
    };
    for row in rows {
        let number = row.order_no.as_str();
        if let Some(before) = theirs.insert(number, row) {
            found.push(difference(
                number,
                "twice",
                yuan(before.amount_fen),
                yuan(row.amount_fen),
            ));
            continue;
        }
        let Some(order) = known.get(number) else {
            found.push(difference(
                number,
                "missing-here",
                String::new(),
                format!("{} {}", row.state, yuan(row.amount_fen)),
            ));
            continue;
        };
        if order.amount.is_some_and(|amount| amount != row.amount_fen) {
            let amount = order.amount.unwrap_or_default();
            found.push(difference(number, "amount", yuan(amount), yuan(row.amount_fen)));
        }
        if order.state == row.state {
            continue;
        }
        // What was still open is what the file of the night says. What was thought to be settled otherwise is for a person.
        if matches!(order.state.as_str(), "created" | "paying") || order.state == "refunding" && row.state == "refunded"
        {
            settled.push(Order {
                state: row.state.clone(),
                updated: now,
                ..(*order).clone()
            });
        } else {
            found.push(difference(number, "state", order.state.clone(), row.state.clone()));
        }
    }
    for order in ours.iter().filter(|o| o.day == day && moved(&o.state)) {
        if !theirs.contains_key(order.number.as_str()) {
            let ours = format!("{} {}", order.state, order.amount.map(yuan).unwrap_or_default());
            found.push(difference(&order.number, "missing-there", ours, String::new()));
        }
    }
    (found, settled)
}

fn yuan(fen: i64) -> String {
    format!(
        "{}{}.{:02}",
        if fen < 0 { "-" } else { "" },
        fen.abs() / 100,
        fen.abs() % 100
    )
}

impl Gateway {
    /// Compares the orders of one system with the statement of one day, settles what was open, and keeps what differs.
    ///
    /// # Errors
    /// If the day or a state cannot be read, or the store does not answer.
    pub async fn reconcile(&self, system: &str, day: &str, rows: &[StatementRow]) -> Result<Vec<Difference>, Problem> {
        let now = self.core.clock.now();
        if day.parse::<jiff::civil::Date>().is_err() {
            let expected = Text::same("yyyy-MM-dd");
            return Err(Problem::new(ProblemCode::ValidationFailed).at("path/day", expected, day));
        }
        if let Some((n, row)) = rows.iter().enumerate().find(|(_, r)| rank(&r.state).is_none()) {
            let expected = Text::same(STATES.join(", "));
            return Err(Problem::new(ProblemCode::ValidationFailed).at(
                format!("/rows/{n}/state"),
                expected,
                &row.state,
            ));
        }
        let orders = self.core.store.orders();
        let mut ours = orders.of_day(system, day).await.map_err(unavailable)?;
        for row in rows {
            // Made before midnight, paid after it.
            if !ours.iter().any(|o| o.number == row.order_no) {
                ours.extend(orders.get(system, &row.order_no).await.map_err(unavailable)?);
            }
        }
        let (found, settled) = compare(system, day, &ours, rows, now);
        for order in &settled {
            orders.put(order).await.map_err(unavailable)?;
        }
        orders.differ(system, day, &found).await.map_err(unavailable)?;
        tracing::info!(
            system,
            day,
            rows = rows.len(),
            settled = settled.len(),
            differences = found.len(),
            "a statement was compared"
        );
        Ok(found)
    }

    /// What statements say differently; settled ones only if asked for.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn differences(&self, settled: bool, most: u32) -> Result<Vec<Difference>, Problem> {
        self.core
            .store
            .orders()
            .differences(settled, most)
            .await
            .map_err(unavailable)
    }

    /// A person has settled a difference; false if there is none.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn settle_difference(&self, system: &str, day: &str, number: &str) -> Result<bool, Problem> {
        self.core
            .store
            .orders()
            .settle(system, day, number)
            .await
            .map_err(unavailable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q27_a_statement_settles_what_is_open_and_lists_the_rest() {
        let now: Timestamp = "2026-04-09T01:00:00Z".parse().unwrap();
        let order = |number: &str, amount, state: &str| Order {
            system: "ut/gas".into(),
            number: number.into(),
            submission: None,
            amount,
            state: state.into(),
            day: "2026-04-08".into(),
            updated: now,
        };
        let ours = [
            order("P1", Some(12_850), "paying"),
            order("P2", Some(100), "paid"),
            order("P3", Some(5), "failed"),
            order("P4", Some(7), "paid"),
            order("P5", None, "created"),
            order("P6", Some(9), "paying"),
        ];
        let row = |number: &str, amount_fen, state: &str| StatementRow {
            order_no: number.into(),
            amount_fen,
            state: state.into(),
        };
        let rows = [
            row("P1", 12_850, "paid"),
            row("P2", 1_000, "paid"),
            row("P3", 5, "paid"),
            row("P5", 300, "closed"),
            row("P9", 42, "paid"),
            row("P9", 42, "paid"),
        ];
        let (found, settled) = compare("ut/gas", "2026-04-08", &ours, &rows, now);
        let found: Vec<_> = found
            .iter()
            .map(|d| (d.number.as_str(), d.kind.as_str(), d.ours.as_str(), d.theirs.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                ("P2", "amount", "1.00", "10.00"),
                ("P3", "state", "failed", "paid"),
                ("P9", "missing-here", "", "paid 0.42"),
                ("P9", "twice", "0.42", "0.42"),
                ("P4", "missing-there", "paid 0.07", ""),
            ],
            "an order that was never paid need not stand in a statement"
        );
        let settled: Vec<_> = settled.iter().map(|o| (o.number.as_str(), o.state.as_str())).collect();
        assert_eq!(settled, [("P1", "paid"), ("P5", "closed")]);
    }
}
