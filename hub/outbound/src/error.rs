//! What can go wrong on the way out.

use std::time::Duration;

/// Why a call brought no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendErrorKind {
    /// Nobody listens at the address.
    #[error("the upstream refused the connection")]
    Refused,
    /// No connection came about: name, route, or TLS.
    #[error("the upstream cannot be reached")]
    Unreachable,
    /// No connection came about in time: as a rule an allow-list or a dedicated line is in the way.
    #[error("the way to the upstream is closed")]
    NoWay,
    /// No whole answer in time.
    #[error("the upstream did not answer in time")]
    Timeout,
    /// The upstream's own limits (rate, daily budget, concurrency) leave no room before the deadline.
    #[error("the upstream's budget is used up")]
    Budget {
        /// When room is expected.
        retry_after: Duration,
    },
    /// Too many calls failed lately.
    #[error("the upstream is resting after failures")]
    BreakerOpen {
        /// When it is tried again.
        retry_after: Duration,
    },
    /// The upstream does not take the hub's login.
    #[error("the upstream does not take the hub's login")]
    Denied {
        /// When the next login is tried; zero where at once.
        retry_after: Duration,
    },
    /// The egress policy forbids the address, or it is no address.
    #[error("the egress policy does not allow this address")]
    Address,
    /// The answer is larger than the cap.
    #[error("the upstream's answer is too large")]
    TooLarge,
    /// The connection broke, or what came is no HTTP.
    #[error("the upstream's answer broke off or is not HTTP")]
    Broken,
}

/// Whether a failed call may have done something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SendEffect {
    /// Nothing has happened: no byte left, or the call was a read.
    None,
    /// It left; whether it arrived is not known.
    Unknown,
}

/// A call that brought no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}{}", suffix(.detail))]
pub struct SendError {
    /// Why.
    pub kind: SendErrorKind,
    /// What may have happened.
    pub effect: SendEffect,
    /// Words for the operator; never an address with a query, a header or a body.
    pub detail: Option<String>,
}

fn suffix(words: &Option<String>) -> String {
    words.as_ref().map_or_else(String::new, |w| format!(": {w}"))
}

impl SendError {
    /// An error before anything left.
    #[must_use]
    pub fn unsent(kind: SendErrorKind) -> Self {
        Self {
            kind,
            effect: SendEffect::None,
            detail: None,
        }
    }

    /// The same with words for the operator.
    #[must_use]
    pub fn because(mut self, words: impl Into<String>) -> Self {
        self.detail = Some(words.into());
        self
    }

    /// How long to wait before a next attempt, where that is known.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self.kind {
            SendErrorKind::Budget { retry_after } | SendErrorKind::BreakerOpen { retry_after } => Some(retry_after),
            SendErrorKind::Denied { retry_after } => Some(retry_after).filter(|wait| !wait.is_zero()),
            _ => None,
        }
    }
}

/// The room could not be furnished.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// TLS could not be set up.
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
    /// The HTTP client could not be built.
    #[error("the HTTP client cannot be built: {0}")]
    Client(String),
}
