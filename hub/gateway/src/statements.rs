//! Daily statements that are fetched without anybody asking: after the end of a day, once a day and system for all hubs over
//! one store. A day that cannot be fetched is tried again, and none is left out because the hub was away.

use crate::evidence::Grant;
use crate::gateway::Gateway;
use crate::normalize::normalize;
use crate::payments::StatementRow;
use crate::replay::unavailable;
use hub_connectors::{ORDERS, Statement};
use hub_core::ports::{Call, TrailRecord};
use hub_core::time::{Timestamp, civil, rfc3339};
use hub_core::{Environment, Problem, ProblemCode, SystemId, Text};
use hub_store::Difference;
use jiff::civil::{Date, Time};
use serde_json::Value;
use std::sync::Arc;
use std::time::Instant;

/// Minutes between two attempts at the same system, for all hubs together.
const EVERY_MINUTES: i64 = 15;
/// Days that are caught up with after a pause, the oldest first.
const MOST_DAYS: i64 = 7;
/// Days behind after which it is no delay any more.
const LATE_DAYS: i64 = 2;

/// The days whose statements are due: since the last one, else the last one alone.
fn due(now: Timestamp, after: Time, last: Option<Date>) -> Vec<Date> {
    let here = civil(now);
    let back = if here.time() >= after { 1 } else { 2 };
    let ago = |days: i64| here.date().checked_sub(jiff::Span::new().days(days)).ok();
    let days = (back..back + MOST_DAYS).rev().filter_map(ago);
    match last {
        Some(last) => days.filter(|day| *day > last).collect(),
        None => ago(back).into_iter().collect(),
    }
}

impl Gateway {
    /// Fetches and compares the statements that are due; how many.
    pub(crate) async fn statements_due(&self) -> usize {
        let snapshot = self.snapshot();
        let mut compared = 0;
        for (system, connector) in &snapshot.connectors {
            let Some(statement) = connector.statement() else {
                continue;
            };
            match self.catch_up(system, statement).await {
                Ok(days) => compared += days,
                Err(problem) => {
                    let (code, inner) = (problem.code.as_str(), &problem.inner);
                    tracing::warn!(system = %system, code, ?inner, "a daily statement could not be fetched; it is tried again");
                }
            }
        }
        compared
    }

    async fn catch_up(&self, system: &SystemId, statement: &Statement) -> Result<usize, Problem> {
        let (store, now) = (&self.core.store, self.core.clock.now());
        let name = format!("statement/{system}");
        let last = store.meta().get(&name).await.map_err(unavailable)?;
        let days = due(now, statement.after, last.and_then(|day| day.parse().ok()));
        let Some(oldest) = days.first() else { return Ok(0) };
        // One attempt in a while, whichever hub makes it: the first that writes the while down.
        let here = civil(now);
        let slot = (i64::from(here.hour()) * 60 + i64::from(here.minute())) / EVERY_MINUTES;
        let period = format!("{} {slot:02}", here.date());
        if store.ledger().take(&name, &period, 1, 1).await.map_err(unavailable)? == 0 {
            return Ok(0);
        }
        if here
            .date()
            .since(*oldest)
            .is_ok_and(|behind| i64::from(behind.get_days()) > LATE_DAYS)
        {
            tracing::error!(system = %system, day = %oldest, "a daily statement is late: its payments have not been compared");
        }
        for day in &days {
            self.fetch_statement(system, &day.to_string()).await?;
            store.meta().put(&name, &day.to_string()).await.map_err(unavailable)?;
        }
        Ok(days.len())
    }

    /// Fetches a system's statement of one day and compares it; what differs.
    ///
    /// # Errors
    /// If the manifest names no statement, the day is none, or the system or the store does not answer.
    pub async fn fetch_statement(&self, system: &SystemId, day: &str) -> Result<Vec<Difference>, Problem> {
        let snapshot = self.snapshot();
        let known = snapshot.connectors.get(system).and_then(|c| c.statement());
        let statement = known.ok_or_else(|| {
            Problem::new(ProblemCode::NotConnected).detail(
                "该系统的清单没有写明对账单从哪里取",
                "The manifest of this system does not say where its statement comes from",
            )
        })?;
        let day: Date = day.parse().map_err(|_| {
            let expected = Text::same("yyyy-MM-dd");
            Problem::new(ProblemCode::ValidationFailed).at("path/day", expected, day)
        })?;
        let operation = &statement.operation;
        let call = Call {
            operation: Arc::clone(operation),
            input: Statement::asked(day),
            subject: None,
            pairwise: None,
            agent: None,
            submission: None,
            request_id: format!("statement-{}-{}-{day}", system.agency, system.system),
            controls: Vec::new(),
            deadline_ms: self.core.settings.deadline_ms,
        };
        let grant = Grant::for_upkeep(operation, "statement");
        let (now, started) = (self.core.clock.now(), Instant::now());
        let outcome = self.read_upstream(&call, &grant).await;
        let outcome = outcome.and_then(|answer| normalize(&snapshot.catalog, operation, answer));
        self.note_fetch(&call, &grant, outcome.as_ref().err(), now, started)
            .await;
        let rows = rows(&outcome?.body)?;
        self.reconcile(&system.to_string(), &day.to_string(), &rows).await
    }

    async fn note_fetch(
        &self,
        call: &Call,
        grant: &Grant,
        problem: Option<&Problem>,
        now: Timestamp,
        started: Instant,
    ) {
        let operation = &call.operation;
        let record = TrailRecord {
            at: rfc3339(now),
            request_id: call.request_id.clone(),
            environment: Environment::Live,
            client: None,
            tenant: None,
            subject: None,
            principal: None,
            agent: None,
            operation: Some(operation.id.to_string()),
            level: Some(operation.level),
            grant: Some(grant.rule().to_owned()),
            fields: Vec::new(),
            status: problem.map_or(operation.status, |p| p.code.status()),
            problem: problem.map(|p| p.code.as_str().to_owned()),
            submission: None,
            elapsed_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            attempts: grant.attempts(),
            jump: None,
        };
        if let Err(error) = self.core.trail.write(record, true).await {
            tracing::error!(error = %error, "a trail record was not written");
        }
    }
}

/// The orders of a statement. A row that lacks something makes the whole statement one that cannot be compared.
fn rows(body: &Value) -> Result<Vec<StatementRow>, Problem> {
    let orders = body.get(ORDERS).and_then(Value::as_array);
    let read = |(n, row): (usize, &Value)| {
        let text = |name: &str| row.get(name).and_then(Value::as_str).map(str::to_owned);
        let amount = row.get("amount_fen").and_then(Value::as_i64);
        match (text("order_no"), amount, text("state")) {
            (Some(order_no), Some(amount_fen), Some(state)) => Ok(StatementRow {
                order_no,
                amount_fen,
                state,
            }),
            _ => Err(Problem::new(ProblemCode::UpstreamContract).at(
                format!("/{ORDERS}/{n}"),
                Text::same("order_no, amount_fen, state"),
                "less",
            )),
        }
    };
    orders.into_iter().flatten().enumerate().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_due_after_their_end_and_none_is_left_out() {
        let days = |now: &str, last: Option<&str>| -> Vec<String> {
            let last = last.map(|day| day.parse().unwrap());
            let due = due(now.parse().unwrap(), Time::constant(2, 30, 0, 0), last);
            due.iter().map(ToString::to_string).collect()
        };
        assert_eq!(days("2026-04-09T02:29:00+08:00", None), ["2026-04-07"]);
        assert_eq!(days("2026-04-09T02:30:00+08:00", None), ["2026-04-08"]);
        assert_eq!(days("2026-04-09T02:30:00+08:00", Some("2026-04-07")), ["2026-04-08"]);
        assert!(days("2026-04-09T23:59:00+08:00", Some("2026-04-08")).is_empty());
        assert!(days("2026-04-10T01:00:00+08:00", Some("2026-04-08")).is_empty());
        let three = ["2026-04-09", "2026-04-10", "2026-04-11"];
        assert_eq!(days("2026-04-12T03:00:00+08:00", Some("2026-04-08")), three);
        assert_eq!(days("2026-06-01T03:00:00+08:00", Some("2026-04-08")).len(), 7);
    }
}
