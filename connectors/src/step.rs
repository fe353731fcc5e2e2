//! Steps of one call: what to send next, or the answer.

use crate::context::Session;
use crate::dialogue::Dialogue;
use hub_core::Outgoing;
use hub_core::ports::Answer;

/// What a request is for; decides budget, retry and what a failure leaves behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Logs in or gets a token. Has no effect on any matter and may be repeated.
    Login,
    /// Uploads a paper that the call will name. May be repeated.
    Upload,
    /// The call itself.
    Act,
    /// Asks whether an earlier call arrived. Has no effect.
    Ask,
}

/// What to do next.
#[derive(Debug)]
pub enum Step {
    /// Send this and hand the answer to [`Connector::resume`](crate::Connector::resume).
    Send {
        /// What goes out by its transport, complete and signed.
        request: Outgoing,
        /// What it is for.
        purpose: Purpose,
        /// What is known so far. After a login it holds the fresh session: [`Dialogue::fresh_session`].
        dialogue: Dialogue,
    },
    /// The answer.
    Done {
        /// Canonical.
        answer: Answer,
        /// A session made on the way, to be kept for the next call.
        session: Option<Session>,
        /// Surprises that did no harm, such as an unknown code that was passed on; never with values.
        notes: Vec<Note>,
        /// Host of the upstream's own page to which the answer leads, for the trail.
        jump: Option<String>,
    },
}

/// A harmless surprise in an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Canonical field; empty where it is about the answer as a whole.
    pub field: String,
    /// What was surprising, for example `unknown-code`.
    pub kind: &'static str,
}
