//! The subject's half of an authenticator.

use crate::{PairwiseKey, TokenVerifier};
use hub_core::time::Timestamp;
use hub_core::{Problem, Subject};
use std::sync::Arc;

/// What the pipeline needs of identity; the server joins it with the registry into `hub_core::ports::Authenticator`.
#[derive(Debug)]
pub struct Identity {
    verifier: TokenVerifier,
    pairwise: PairwiseKey,
}

impl Identity {
    /// From its two parts.
    #[must_use]
    pub fn new(verifier: TokenVerifier, pairwise: PairwiseKey) -> Self {
        Self { verifier, pairwise }
    }

    /// The subject behind a bearer token.
    ///
    /// # Errors
    /// `token-invalid` or `token-expired`.
    pub fn subject(&self, token: &str, now: Timestamp) -> Result<Arc<Subject>, Problem> {
        self.verifier.verify(token, now).map_err(crate::TokenError::problem)
    }

    /// The subject's name towards one agency or client.
    #[must_use]
    pub fn pairwise(&self, subject: &Subject, sector: &str) -> String {
        self.pairwise.id(subject, sector)
    }
}
