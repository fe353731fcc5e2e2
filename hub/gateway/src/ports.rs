//! What the gateway needs from whoever wires it, beside the ports of `hub-core`.

use crate::drift::Drift;
use crate::evidence::Grant;
use hub_connectors::About;
use hub_core::ports::{Answer, BoxFuture, Call, Upstream};
use hub_core::time::Timestamp;
use hub_core::{Inbound, Operation, Outgoing, Problem, ProblemCode, Reply, Returned, Subject, SystemId};
use std::sync::Arc;

/// The frozen test citizens and companies on whose behalf anonymous sandbox calls are made.
pub trait Personas: Send + Sync {
    /// By id, as named in `Hub-Persona`.
    fn named(&self, id: &str) -> Option<Arc<Subject>>;
    /// The default one for an operation: sure enough, and with a mandate where the operation needs one.
    fn fitting(&self, operation: &Operation) -> Option<Arc<Subject>>;
    /// Ids close to a misspelt one.
    fn near(&self, id: &str) -> Vec<String>;
}

/// Secrets of connectors. Scoped: a system only ever sees its own.
pub trait SecretSource: Send + Sync {
    /// The secret called `name` of a system.
    fn get(&self, system: &SystemId, name: &str) -> Option<String>;

    /// A token that the hub signs for a system about somebody, good for one call.
    fn subject_token(&self, _system: &SystemId, _about: &About<'_>) -> Option<String> {
        None
    }
}

/// Where the agencies' systems stand.
pub trait AddressSource: Send + Sync {
    /// Value of an `UPSTREAM_…` variable.
    fn variable(&self, name: &str) -> Option<String>;
    /// Whether this system's address may be on loopback (the simulated city).
    fn trusts_loopback(&self, system: &SystemId) -> bool;
    /// Whether the closing hours of this system's manifest hold. A simulated system never closes.
    fn keeps_hours(&self, _system: &SystemId) -> bool {
        true
    }
    /// Value of the variable that says from which address of this machine a system is called, for allow-lists and dedicated
    /// lines; only an operator says it.
    fn source(&self, _system: &SystemId) -> Option<String> {
        None
    }
}

/// What became of a call whose answer never came.
#[derive(Debug, Clone, PartialEq)]
pub enum Asked {
    /// It had arrived; this is its answer.
    Arrived(Answer),
    /// It had not arrived, so it may be sent again.
    NotArrived,
    /// The system offers no way to find out: a person has to.
    CannotTell,
}

/// The way to the agencies' systems: an upstream that can also be asked what became of a call.
pub trait Line: Upstream<Grant> {
    /// Finds out whether an earlier attempt of this call arrived.
    fn ask<'a>(&'a self, call: &'a Call, grant: &'a Grant) -> BoxFuture<'a, Result<Asked, Problem>>;

    /// Looks at what a system tells by rows or files, or marks it as read. No call stands behind it.
    fn look<'a>(&'a self, _system: &'a SystemId, _outgoing: Outgoing) -> BoxFuture<'a, Result<Returned, Problem>> {
        Box::pin(async { Err(Problem::new(ProblemCode::NotConnected)) })
    }

    /// Whether anybody can tell if a call of this operation arrived: the system can be asked, or takes a number only once.
    fn can_tell(&self, _operation: &Operation) -> bool {
        true
    }

    /// Keeps what must survive a restart; called from a timer and before a stop.
    fn keep(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }

    /// Says that this hub lives; called every few seconds.
    fn beat(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }

    /// Leaves the other hubs; called last of all before a stop.
    fn leave(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }

    /// The sessions at the systems.
    fn sessions(&self) -> Vec<SessionStanding> {
        Vec::new()
    }

    /// What has changed in the systems' answers.
    fn drift(&self) -> Option<&Drift> {
        None
    }
}

/// The session at one system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionStanding {
    /// Which.
    pub system: SystemId,
    /// When it ends, if that is known.
    pub until: Option<Timestamp>,
    /// Logins refused in a row.
    pub refusals: u32,
    /// Milliseconds by which the system's clock is ahead of ours.
    pub ahead_ms: i64,
}

/// Registered descriptions that the sandbox shows.
pub trait Described: Send + Sync {
    /// The one that answers a sandbox call; `None` where the catalog does.
    fn find(&self, inbound: &Inbound) -> Option<Arc<dyn Showing>>;
}

/// One registered description, ready to answer.
pub trait Showing: Send + Sync {
    /// Its name in the trail and under its limits: `agency.system.vN`.
    fn name(&self) -> String;

    /// The answer, and the milliseconds that a scenario has it wait.
    ///
    /// # Errors
    /// What the description does not allow.
    fn answer(&self, inbound: &Inbound) -> Result<(Reply, u64), Problem>;
}
