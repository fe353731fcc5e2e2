//! The course of one call: log in if need be, upload papers, act, log in again once if the session was lost.

use crate::context::Session;
use hub_core::ports::Call;

/// A call on its way, between a request and its answer.
#[derive(Debug)]
pub struct Dialogue {
    call: Call,
    session: Option<Session>,
    fresh: bool,
}

impl Dialogue {
    /// The session made by this dialogue, to be kept at once: it is good even if the call itself fails.
    #[must_use]
    pub fn fresh_session(&self) -> Option<&Session> {
        self.session.as_ref().filter(|_| self.fresh)
    }

    /// The call it is about.
    #[must_use]
    pub fn call(&self) -> &Call {
        &self.call
    }
}
