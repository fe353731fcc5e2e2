//! The subject's half of an authenticator.

use crate::sso::AccessTokens;
use crate::{PairwiseKey, TokenVerifier};
use hub_core::ports::Shown;
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

    /// The subject behind a token that was shown.
    ///
    /// # Errors
    /// `token-invalid` or `token-expired`.
    pub fn subject(&self, shown: &Shown<'_>, now: Timestamp) -> Result<Arc<Subject>, Problem> {
        let verified = match self.own.as_ref().and_then(|own| own.caller(shown, now)) {
            Some(own) => own,
            // Tokens of others are bound to no key that we know of.
            None if shown.proof.is_some() => Err(crate::TokenError::Proof("cnf")),
            None => self.verifier.verify(shown.token, now),
        };
        verified.map_err(crate::TokenError::problem)
    }

    /// The subject's name towards one agency or client.
    #[must_use]
    pub fn pairwise(&self, subject: &Subject, sector: &str) -> String {
        self.pairwise.id(subject, sector)
    }
}
