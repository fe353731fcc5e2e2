//! Where people are signed in, for the pipeline: the provider answers, and apps are told of what ended.

use super::BackChannel;
use hub_core::ports::{BoxFuture, SignIns, SignedInAsk, SignedInAt};
use hub_core::time::Timestamp;
use hub_core::{Problem, ProblemCode};
use hub_identity::sso::{OauthError, Provider};

/// The provider behind the pipeline's port.
pub struct PersonsSignIns {
    /// Who knows.
    pub provider: Provider,
    /// The way to apps.
    pub back_channel: BackChannel,
}

impl SignIns for PersonsSignIns {
    fn list<'a>(&'a self, ask: SignedInAsk<'a>, now: Timestamp) -> BoxFuture<'a, Result<Vec<SignedInAt>, Problem>> {
        Box::pin(async move {
            let viewer = self.provider.viewer(ask.subject, ask.token, ask.client, now).await;
            let own = self.provider.sessions(&viewer.map_err(unknown)?, now).await;
            let places = own.map_err(unknown)?.into_iter().map(|one| SignedInAt {
                id: one.name,
                device: one.device,
                since: one.since,
                seen: one.seen,
                is_this: one.is_this,
            });
            Ok(places.collect())
        })
    }

    fn end<'a>(
        &'a self,
        ask: SignedInAsk<'a>,
        id: Option<&'a str>,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<usize, Problem>> {
        Box::pin(async move {
            let viewer = self.provider.viewer(ask.subject, ask.token, ask.client, now).await;
            let viewer = viewer.map_err(unknown)?;
            let ended = match id {
                Some(id) => self.provider.end_named(&viewer, id, now).await,
                None => self.provider.end_others(&viewer, now).await,
            };
            let ended = ended.map_err(unknown)?;
            self.back_channel.tell(ended.notices);
            Ok(ended.sessions)
        })
    }
}

/// Nothing but the store can fail here.
fn unknown(error: OauthError) -> Problem {
    Problem::new(ProblemCode::StoreUnavailable).inner(error.inner.unwrap_or_default())
}
