//! Numbers that stand in for others: an upstream that has not numbered a matter yet hands out a token (Open311 GeoReport v2).
//! The hub marks it, so that it can be told from a number, and exchanges it when the matter is asked about.

use crate::error::{ConnectorError, Failure};
use crate::mapping::path::Path;
use crate::plan::Plan;
use crate::wiring::code_text;
use serde_json::Value;
use std::sync::Arc;

/// How a number that stands in for another is exchanged for it.
#[derive(Debug)]
pub(crate) struct Resolve {
    /// The call that exchanges it; every name in its path is the token.
    pub plan: Arc<Plan>,
    /// The input field that holds either.
    pub field: String,
    /// What tokens begin with, here.
    pub mark: String,
    /// Where the number is in the answer.
    pub read: Path,
}

impl Resolve {
    /// The upstream's own token in an input, if there is one instead of a number.
    pub fn stand_in(&self, input: &Value) -> Option<String> {
        let token = input.get(&self.field)?.as_str()?.strip_prefix(self.mark.as_str())?;
        (!token.is_empty()).then(|| token.to_owned())
    }

    /// The number in the answer to it.
    pub fn number(&self, data: &Value, document: &Value) -> Result<String, ConnectorError> {
        let tree = if self.read.absolute { document } else { data };
        let number = self.read.get(tree).and_then(code_text).filter(|n| !n.is_empty());
        // The matter is there, but nobody has numbered it: whoever asks comes back later.
        number.ok_or(ConnectorError::Failed {
            failure: Failure::Busy,
            upstream_code: None,
            message: Some("办件尚未编号 / not numbered yet".to_owned()),
            effect_unknown: false,
        })
    }
}
