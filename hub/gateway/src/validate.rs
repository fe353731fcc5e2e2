//! Step validate: parameters and body against the contract.

use crate::evidence::CheckedInput;
use crate::input::{acceptable, assemble};
use hub_catalog::Catalog;
use hub_core::{Inbound, Operation, Problem, ProblemCode};

/// The input, once it fits.
pub(crate) fn validate(
    catalog: &Catalog,
    operation: &Operation,
    path: Vec<(String, String)>,
    inbound: &Inbound,
) -> Result<CheckedInput, Problem> {
    acceptable(inbound)?;
    let input = assemble(operation, path, inbound)?;
    match catalog.check_input(operation, &input) {
        Ok(()) => Ok(CheckedInput::new(input)),
        Err(violations) => Err(Problem::violations(ProblemCode::ValidationFailed, violations)),
    }
}
