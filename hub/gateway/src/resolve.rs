//! Step resolve: which operation is meant, and which sandbox controls come with it.

use crate::setting::Setting;
use hub_catalog::Resolution;
use hub_core::{Environment, Operation, Problem, ProblemCode, Text};
use std::sync::Arc;

/// What a path led to.
pub(crate) struct Found {
    pub(crate) operation: Arc<Operation>,
    pub(crate) path: Vec<(String, String)>,
}

/// Looks the operation up.
pub(crate) fn resolve(at: &Setting<'_>) -> Result<Found, Problem> {
    let inbound = at.inbound;
    match at.catalog().resolve(&inbound.method, &inbound.path) {
        Resolution::Found { operation, parameters } => Ok(Found {
            operation,
            path: parameters,
        }),
        Resolution::WrongMethod { allow } => Err(Problem::new(ProblemCode::MethodNotAllowed)
            .at("method", Text::same(allow.join(", ")), inbound.method.clone())
            .with("allow", allow)),
        Resolution::Unknown { near } => Err(Problem::new(ProblemCode::NotFound).near(near)),
    }
}

/// Headers that steer the sandbox. A live call that carries one was meant for the other world.
pub(crate) fn controls(at: &Setting<'_>) -> Result<Vec<(String, String)>, Problem> {
    let controls: Vec<(String, String)> = at
        .inbound
        .headers
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))
        .filter(|(name, _)| name.starts_with("hub-"))
        .collect();
    match (at.environment, controls.first()) {
        (Environment::Live, Some((name, _))) => Err(Problem::new(ProblemCode::ControlNotAllowed).at(
            format!("header/{name}"),
            Text::new("/gateway 上没有 Hub- 头", "no Hub- header on /gateway"),
            name.clone(),
        )),
        _ => Ok(controls),
    }
}
