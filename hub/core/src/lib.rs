//! The words of the hub as types: what a service, an operation, a field, a problem is.
//!
//! Every other crate speaks in these types, so this one stays small and holds no I/O, no runtime and no
//! clock. Invariants: a [`Problem`] never carries a secret or an unmasked personal value; an [`Operation`]
//! is complete, it never needs the document it was read from. It must never know HTTP frameworks, databases,
//! YAML, or the name of any agency or service.

pub mod check_digit;
pub mod contract;
pub mod finding;
pub mod level;
pub mod mask;
pub mod ports;
pub mod problem;
pub mod subject;
pub mod text;
pub mod time;
pub mod transport;
pub mod wire;

pub use contract::{
    Agency, Card, Example, Operation, Parameter, ParameterPlace, PathTemplate, Semantic, Service, Shape, ShapeKind,
    SubjectBinding, System, SystemId,
};
pub use finding::{Finding, Severity};
pub use level::{Archetype, Assurance, Audience, DataLevel, Effect, Environment, LevelWhen};
pub use mask::Mask;
pub use problem::{Fault, Kept, Problem, ProblemCode};
pub use subject::{Mandate, Subject, SubjectAttribute};
pub use text::{Lang, Text};
pub use wire::{Inbound, Outgoing, RawRequest, RawResponse, Reply, Returned};
