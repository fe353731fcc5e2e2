//! Step validate: parameters and body against the contract.

use crate::evidence::CheckedInput;
use crate::input::{acceptable, assemble};
use crate::setting::Setting;
use hub_core::{Operation, Problem, ProblemCode};

/// The input, once it fits.
pub(crate) fn validate(
    at: &Setting<'_>,
    operation: &Operation,
    path: Vec<(String, String)>,
) -> Result<CheckedInput, Problem> {
    acceptable(at.inbound)?;
    let input = assemble(operation, path, at.inbound)?;
    match at.catalog().check_input(operation, &input) {
        Ok(()) => Ok(CheckedInput::new(input)),
        Err(violations) => Err(Problem::violations(ProblemCode::ValidationFailed, violations)),
    }
}
