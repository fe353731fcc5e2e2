//! The page of one call of the sandbox.

use super::{Fact, Frame};
use crate::hub::compared::Compared;
use askama::Template;

/// A step of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// Its word.
    pub name: String,
    /// The same in a sentence.
    pub text: String,
    /// `passed`, `refused` or `not-reached`.
    pub outcome: &'static str,
}

/// What the page says.
pub struct CallPage {
    /// Request id.
    pub request_id: String,
    /// Method and target.
    pub target: String,
    /// Facts.
    pub facts: Vec<Fact>,
    /// Steps.
    pub stages: Vec<Stage>,
    /// The request beside its contract.
    pub beside: Vec<Compared>,
    /// Why it failed, line by line.
    pub failed: Vec<String>,
    /// Problem code; empty where there was none.
    pub code: String,
    /// Body of the request.
    pub request: String,
    /// Body of the answer.
    pub response: String,
    /// The same as a command.
    pub curl: String,
    /// Places that are hidden.
    pub hidden: usize,
}

#[derive(Template)]
#[template(path = "call.html")]
struct Page<'a> {
    frame: &'a Frame,
    page: CallPage,
}

/// The page of one call.
///
/// # Errors
/// If the template fails.
pub fn call(frame: &Frame, page: CallPage) -> askama::Result<String> {
    Page { frame, page }.render()
}
