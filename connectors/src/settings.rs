//! What the gateway must know of a system before it calls it.

use crate::calendar::Calendar;
use hub_core::Text;
use jiff::civil::Date;

/// How a system may be called.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Base address: a URL, or `${UPSTREAM_…}` to be filled by whoever runs the hub.
    pub base: String,
    /// Other names of the same server in addresses that its answers give: `host` or `host:port`.
    pub known_as: Vec<String>,
    /// Milliseconds for one attempt.
    pub timeout_ms: u64,
    /// The upstream's budget.
    pub limits: Limits,
    /// When it is closed.
    pub closed: Calendar,
    /// Whether calls need a session, so that logins are made one at a time.
    pub has_session: bool,
    /// How its TLS differs from the hub's own rules.
    pub tls: Option<Tls>,
    /// Logins a day that the system allows.
    pub logins_daily: Option<u32>,
    /// Whether requests are stamped by the system's clock, as its answers tell it.
    pub clock_of_answers: bool,
    /// Last days of secrets that do not say so themselves.
    pub expires: Vec<(String, Date)>,
}

/// How an upstream's TLS differs from the hub's own rules (quirk 30). There is no switch that believes every certificate.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tls {
    /// SHA-256 of the certificates that are believed instead of the machine's roots; none where these decide.
    pub pins: Vec<[u8; 32]>,
    /// Whether nothing below TLS 1.3 is spoken; else TLS 1.2 and 1.3.
    pub only_13: bool,
    /// The day in China on which the pins have to be looked at again.
    pub until: Option<jiff::civil::Date>,
    /// Why, for the audit.
    pub why: String,
}

/// Canonical fields of an order to be paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// Its number.
    pub order: String,
    /// Its amount in fen.
    pub amount: Option<String>,
    /// Its state.
    pub state: Option<String>,
}

impl Settings {
    /// The variable named by `base`, if it is `${NAME}`.
    #[must_use]
    pub fn base_variable(&self) -> Option<&str> {
        self.base.strip_prefix("${").and_then(|b| b.split('}').next())
    }
}

/// What an upstream bears.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Calls a second.
    pub rps: Option<u32>,
    /// Calls a day.
    pub daily: Option<u32>,
    /// Calls at the same time.
    pub concurrency: Option<u32>,
}

/// Whether an operation answers live.
#[derive(Debug, Clone, PartialEq)]
pub enum Availability {
    /// It does.
    Live,
    /// Its connector says nothing about it, or that it is not connected yet.
    NotYet {
        /// Why.
        reason: Text,
    },
}

/// Who wrote a manifest; decides what it may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// A folder of the operator: may name `${UPSTREAM_…}` variables.
    Operator,
    /// Uploaded by an agency: no variables, no macros in expressions.
    Uploaded,
}
