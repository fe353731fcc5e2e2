//! Reading a policy document by hand; what all policies share stands beside the documents.

pub(crate) use hub_catalog::document::{Reading, escape};
