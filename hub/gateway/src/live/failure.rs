//! What a failure on the way means: the problem, and whether trying again is allowed.

use hub_connectors::ConnectorError;
use hub_core::{Kept, Problem, ProblemCode};
use hub_outbound::{SendEffect, SendError, SendErrorKind};
use std::time::Duration;

/// A course that failed.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) problem: Problem,
    /// It can be tried again without harm, and that may help.
    pub(super) again: bool,
    /// The system knows of no such record.
    pub(super) not_found: bool,
    /// Something came back from the system.
    pub(super) answered: bool,
}

impl From<Problem> for Failed {
    fn from(problem: Problem) -> Self {
        Self {
            problem,
            again: false,
            not_found: false,
            answered: false,
        }
    }
}

impl Failed {
    /// The system answered, and its answer is a failure. It would answer the same again.
    pub(super) fn told(error: &ConnectorError) -> Self {
        Self {
            problem: error.problem(),
            again: false,
            not_found: error.is_not_found(),
            answered: matches!(
                error,
                ConnectorError::Failed { .. }
                    | ConnectorError::Blocked { .. }
                    | ConnectorError::Unreadable { .. }
                    | ConnectorError::Misfit { .. }
            ),
        }
    }

    /// No answer came. `harmless`: a second arrival would change nothing.
    pub(super) fn silent(error: &SendError, harmless: bool) -> Self {
        let seconds = |wait: &Duration| wait.as_secs().max(1);
        let problem = match &error.kind {
            SendErrorKind::Refused | SendErrorKind::Unreachable | SendErrorKind::Broken => {
                Problem::new(ProblemCode::UpstreamUnavailable)
            }
            SendErrorKind::Timeout => Problem::new(ProblemCode::UpstreamTimeout),
            SendErrorKind::NoWay => Problem::new(ProblemCode::UpstreamBlocked),
            SendErrorKind::Budget { retry_after } => {
                Problem::new(ProblemCode::UpstreamBusy).retry_after(seconds(retry_after))
            }
            SendErrorKind::BreakerOpen { retry_after } => {
                Problem::new(ProblemCode::UpstreamUnavailable).retry_after(seconds(retry_after))
            }
            SendErrorKind::Denied { retry_after } => {
                let problem = Problem::new(ProblemCode::UpstreamRefused);
                match retry_after.is_zero() {
                    true => problem,
                    false => problem.retry_after(seconds(retry_after)),
                }
            }
            SendErrorKind::Address => Problem::new(ProblemCode::UpstreamAddress),
            SendErrorKind::TooLarge => Problem::new(ProblemCode::UpstreamUnexpected),
        };
        let kept = match error.effect {
            SendEffect::None => Kept::Nothing,
            SendEffect::Unknown => Kept::Unknown,
        };
        // A timeout has used the time up, a budget or breaker says no itself; the rest may pass.
        let passing = matches!(
            error.kind,
            SendErrorKind::Refused | SendErrorKind::Unreachable | SendErrorKind::Broken
        );
        Self {
            problem: problem.kept(kept).inner(error.to_string()),
            again: passing && (error.effect == SendEffect::None || harmless),
            not_found: false,
            answered: false,
        }
    }
}
