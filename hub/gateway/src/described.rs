//! Sandbox calls of registered descriptions that no catalog holds yet: the address, the client and its plan are held
//! against the same rules as those of the catalog; the description itself says what is right and answers.

use crate::authenticate::{Caller, stranger};
use crate::gateway::Gateway;
use crate::journey::Journey;
use crate::limits::admit;
use crate::ports::Showing;
use crate::setting::Setting;
use hub_core::{Environment, Inbound, Problem, Reply};
use std::sync::Arc;
use std::time::Duration;

/// Longest wait that a scenario can ask for.
const LONGEST: Duration = Duration::from_secs(60);

impl Gateway {
    /// The description that answers this call, where the catalog does not.
    pub(crate) fn described(&self, inbound: &Inbound) -> Option<Arc<dyn Showing>> {
        self.core.described.as_ref()?.find(inbound)
    }

    /// Answers a call from its description.
    pub(crate) async fn show_described(
        &self,
        inbound: &Inbound,
        showing: Arc<dyn Showing>,
        journey: &mut Journey,
    ) -> Result<Reply, Problem> {
        let at = Setting::new(&self.core, inbound, Environment::Sandbox);
        at.address()?;
        let caller: Caller = stranger(&at)?;
        journey.known(&caller);
        let name = showing.name();
        journey.record.operation = Some(name.clone());
        let (allowance, admitted) = admit(&at, &caller, &name);
        journey.limited(allowance.as_ref());
        admitted?;
        let (reply, delay_ms) = showing.answer(inbound)?;
        if delay_ms > 0 {
            tokio::time::sleep(Duration::from_millis(delay_ms).min(LONGEST)).await;
        }
        Ok(reply)
    }
}
