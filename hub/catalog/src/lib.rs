//! The catalog: any API description in, one immutable indexed snapshot out.
//!
//! Reads the specs of a city (or a stranger's plain OpenAPI document), checks them, and answers every question about
//! contracts from memory: which operation a path means, whether input and output fit, which services match a search,
//! what the unified OpenAPI document says. Invariants: a [`Catalog`] never changes after it was made; whatever is wrong
//! with a document is a [`hub_core::Finding`] with file, line and column; nothing is ever fetched because a document
//! says so; what a finding or violation quotes is masked where the field is above L1. It must never know how a call is
//! made, who may make it, or any HTTP framework.

pub mod catalog;
mod check;
pub mod description;
pub mod diff;
pub mod document;
pub mod lint;
mod load;
mod search;
mod unified;
mod vacuous;

pub use catalog::{
    BODY_FIELD, Catalog, Counts, Event, Format, OpenApiVersion, Resolution, SearchPage, SearchQuery, Selection, Theme,
};
pub use document::{Document, nearest};
pub use load::{METHODS, major_of, operation_id, operation_key};
pub use search::slug;
pub use unified::to_yaml;
