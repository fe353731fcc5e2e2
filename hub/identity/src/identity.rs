//! The subject's half of an authenticator.

use crate::sso::AccessTokens;
use crate::{PairwiseKey, TokenVerifier};
use hub_core::time::Timestamp;
use hub_core::{Problem, Subject};
use std::sync::Arc;

/// What the pipeline needs of identity; the server joins it with the registry into `hub_core::ports::Authenticator`.
#[derive(Debug)]
pub struct Identity {
    verifier: TokenVerifier,
    pairwise: PairwiseKey,
    own: Option<Arc<AccessTokens>>,
}

impl Identity {
    /// From its two parts.
    #[must_use]
    pub fn new(verifier: TokenVerifier, pairwise: PairwiseKey) -> Self {
        Self {
            verifier,
            pairwise,
            own: None,
        }
    }

    /// The same, taking the hub's own access tokens too.
    #[must_use]
    pub fn with_own(self, own: Arc<AccessTokens>) -> Self {
        Self { own: Some(own), ..self }
    }

    /// The subject behind a bearer token.
    ///
    /// # Errors
    /// `token-invalid` or `token-expired`.
    pub fn subject(&self, token: &str, now: Timestamp) -> Result<Arc<Subject>, Problem> {
        let verified = match self.own.as_ref().filter(|own| own.is_ours(token)) {
            Some(own) => own.caller(token, now),
            None => self.verifier.verify(token, now),
        };
        verified.map_err(crate::TokenError::problem)
    }

    /// The subject's name towards one agency or client.
    #[must_use]
    pub fn pairwise(&self, subject: &Subject, sector: &str) -> String {
        self.pairwise.id(subject, sector)
    }
}
