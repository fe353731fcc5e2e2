//! The scales on which operations, fields and subjects are measured.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A word that stands on none of the scales.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{got}` is not one of {expected}")]
pub struct NotOnScale {
    /// What was read.
    pub got: String,
    /// What would have been accepted.
    pub expected: &'static str,
}

macro_rules! scale {
    ($(#[$doc:meta])* $name:ident: $list:literal { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $word)] $variant),+
        }
        impl $name {
            /// The word in documents.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }
            /// Every value, lowest first.
            pub const ALL: &'static [$name] = &[$($name::$variant),+];
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(self.as_str()) }
        }
        impl FromStr for $name {
            type Err = NotOnScale;
            fn from_str(s: &str) -> Result<Self, NotOnScale> {
                match s { $($word => Ok($name::$variant),)+ _ => Err(NotOnScale { got: s.to_owned(), expected: $list }) }
            }
        }
    };
}

scale! {
    /// How surely the subject is known.
    Assurance: "R0, R1, R2, R3, R4" {
        /// Anonymous.
        R0 = "R0",
        /// Mobile number checked.
        R1 = "R1",
        /// Name and id number matched.
        R2 = "R2",
        /// Person present: face check token, network credential, e-licence scan.
        R3 = "R3",
        /// Certificate or counter.
        R4 = "R4",
    }
}

scale! {
    /// How sensitive data is. Computed from fields, never declared.
    DataLevel: "L1, L2, L3, L4" {
        /// Public or not personal.
        L1 = "L1",
        /// General personal or business data.
        L2 = "L2",
        /// Important personal data.
        L3 = "L3",
        /// Sensitive personal data.
        L4 = "L4",
    }
}

scale! {
    /// What a repeated call would do.
    Effect: "none, repeatable, once" {
        /// A read.
        None = "none",
        /// Has an effect, but repeating it changes nothing more.
        Repeatable = "repeatable",
        /// Must happen once.
        Once = "once",
    }
}

scale! {
    /// Who may ask for a service.
    Audience: "natural, legal, both" {
        /// Natural persons.
        Natural = "natural",
        /// Companies and organisations, through an agent with a mandate.
        Legal = "legal",
        /// Either.
        Both = "both",
    }
}

scale! {
    /// The world a call happens in.
    Environment: "live, sandbox" {
        /// The agencies' systems.
        Live = "live",
        /// The mock engine.
        Sandbox = "sandbox",
    }
}

scale! {
    /// The kind of thing a service is; decides its verbs.
    Archetype: "query, application, report, appointment, booking, payment, certificate, verification, calculation, subscription" {
        /// Reads a fact.
        Query = "query",
        /// A case that is submitted, followed, supplemented, withdrawn.
        Application = "application",
        /// A report from a citizen that becomes a case.
        Report = "report",
        /// Slots of an office.
        Appointment = "appointment",
        /// Places at an event or venue.
        Booking = "booking",
        /// A bill, an order, its state.
        Payment = "payment",
        /// A certificate issued, fetched, verified.
        Certificate = "certificate",
        /// Is this document genuine.
        Verification = "verification",
        /// An estimate from given figures.
        Calculation = "calculation",
        /// Notices until cancelled.
        Subscription = "subscription",
    }
}

/// A field may weigh less where no natural person stands behind it (`x-hub-level-when` of the dictionary).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LevelWhen {
    /// Level in an operation whose audience is legal persons only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal: Option<DataLevel>,
    /// Level in an R0 operation, where nobody knows whose figure it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anonymous: Option<DataLevel>,
}
