//! The simulated city: every system's own dialect, spoken by its connector run backwards in front of the mock engine.

use crate::engine::MockEngine;
use hub_connectors::{Connector, Handler, Secrets, ServerContext};
use hub_core::{RawRequest, RawResponse, SystemId};
use std::sync::Arc;

/// The world all of the simulated city lives in, apart from every developer's.
pub const CITY_WORLD: &str = "city";

/// Hands out the connector of a system as it is now, so that a reload reaches the city too.
pub type ConnectorSource = Arc<dyn Fn(&SystemId) -> Option<Arc<Connector>> + Send + Sync>;

/// Hands out the secrets of a system, already scoped to it: the same its client half signs with.
pub type SecretSource = Arc<dyn Fn(&SystemId) -> Arc<dyn Secrets> + Send + Sync>;

/// Every upstream of the reference city. Opens no socket: its host does.
pub struct City {
    connectors: ConnectorSource,
    engine: Arc<MockEngine>,
    secrets: SecretSource,
}

impl City {
    /// A city of these connectors over this engine.
    #[must_use]
    pub fn new(connectors: ConnectorSource, engine: Arc<MockEngine>, secrets: SecretSource) -> Self {
        Self {
            connectors,
            engine,
            secrets,
        }
    }

    /// Lends a system to a host of another transport: its connector, the moment, the business. `None` where the city
    /// has no such system.
    pub fn lend<T>(
        &self,
        system: &SystemId,
        work: impl FnOnce(&Connector, &ServerContext<'_>, &mut Handler<'_>) -> T,
    ) -> Option<T> {
        let connector = (self.connectors)(system)?;
        let secrets = (self.secrets)(system);
        let context = ServerContext {
            now: self.engine.now(),
            secrets: secrets.as_ref(),
        };
        Some(work(&connector, &context, &mut |operation, input| {
            if connector.is_statement(operation) {
                return Ok(self.engine.statement(CITY_WORLD, &connector, &input));
            }
            self.engine.answer(CITY_WORLD, operation, &input, &[])
        }))
    }

    /// Answers a request in the system's own dialect. 404 where the city has no such system.
    #[must_use]
    pub fn answer(&self, system: &SystemId, request: &RawRequest) -> RawResponse {
        let answered = self.lend(system, |connector, context, handler| {
            connector.serve(request, context, handler)
        });
        answered.unwrap_or_else(|| RawResponse {
            status: 404,
            headers: vec![("Content-Type".to_owned(), "text/plain".to_owned())],
            body: b"no such system".to_vec(),
        })
    }
}
