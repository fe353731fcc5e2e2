//! The pipeline of one call, in its fixed order, on a page. Whoever runs it (`edge`) writes the trail.

use crate::access::authorize;
use crate::authenticate::authenticate;
use crate::bind::bind;
use crate::cache::{Age, fresh};
use crate::evidence::Grant;
use crate::gateway::Gateway;
use crate::journey::Journey;
use crate::limits::admit;
use crate::matters;
use crate::normalize::{flagged, normalize, reply};
use crate::replay::{Begun, Ticket, begin};
use crate::resolve::{Found, controls, resolve};
use crate::rights::{consented, represented};
use crate::sent::noted;
use crate::setting::Setting;
use crate::show::{MaskFrom, mask_from, show};
use crate::snapshot::Snapshot;
use crate::submissions::{self, Patience, settle};
use crate::sunset::told;
use crate::validate::validate;
use hub_core::ports::{Answer, Call};
use hub_core::{Effect, Environment, Inbound, Problem, Reply};
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Gateway {
    /// One call from its address to its answer. Every step either goes on or ends it with a problem.
    pub(crate) async fn call(
        &self,
        inbound: &Inbound,
        environment: Environment,
        journey: &mut Journey,
    ) -> Result<Reply, Problem> {
        let at = Setting::new(&self.core, inbound, environment);
        // resolve; its refusal waits behind the address limit, so that probing costs the prober
        let found = resolve(&at);
        // address
        at.address()?;
        let Found { operation, path } = found?;
        journey.resolved(&operation);
        let controls = controls(&at)?;
        // authenticate
        let caller = authenticate(&at, &operation)?;
        journey.known(&caller);
        // authorize: for whom, whether they may, whether they agreed
        let caller = represented(&at, caller, Some(&operation)).await?;
        journey.known(&caller);
        let permit = authorize(&at, &caller, &operation)?;
        journey.allowed(&permit);
        consented(&at, &caller, &operation).await?;
        // limit
        let (allowance, admitted) = admit(&at, &caller, &operation.id);
        journey.limited(allowance.as_ref());
        admitted?;
        // validate
        let checked = validate(&at, &operation, path)?;
        noted(&at, &caller, &operation, &checked);
        // bind
        let (mut call, grant) = bind(&at, &caller, &operation, checked, permit, controls).await?;
        journey.bound(&call);
        // replay
        let ticket = match begin(&at, &caller, &call).await? {
            Begun::Fresh(ticket) => ticket,
            Begun::Replayed(outcome) => {
                journey.replayed();
                return outcome.map(|answer| told(&at.snapshot, &operation, reply(&operation, answer, None)));
            }
        };
        // cache, accept, call, normalize, show
        let (outcome, age) = self.carry(&at.snapshot, &mut call, &grant, &ticket, journey).await;
        ticket.end(&self.core.store, &outcome).await;
        outcome.map(|answer| told(&at.snapshot, &operation, reply(&operation, answer, age)))
    }

    /// The part of a call that may have an effect: its outcome, and its age where others may see it too.
    async fn carry(
        &self,
        snapshot: &Snapshot,
        call: &mut Call,
        grant: &Grant,
        ticket: &Ticket,
        journey: &mut Journey,
    ) -> (Result<Answer, Problem>, Option<Age>) {
        let core = self.core.as_ref();
        let operation = Arc::clone(&call.operation);
        let privacy = &snapshot.policies.privacy;
        let masked = mask_from(privacy, call);
        // cache
        let world = format!("{}{masked:?}{}", grant.environment(), snapshot.version);
        let live = grant.environment() == Environment::Live;
        if let Some(key) = core.answers.key(call, &world).filter(|_| live) {
            let answered = self.obtain(snapshot, call, grant, masked);
            let kept = core.answers.through(key, &operation, answered).await;
            core.metrics
                .cache_hits
                .fetch_add(u64::from(kept.hit), Ordering::Relaxed);
            journey.reached(grant);
            return (kept.outcome, kept.age);
        }
        // accept
        let stores = operation.effect == Effect::Once && live;
        let submission = if stores {
            match submissions::accept(&core.store, call, grant, ticket, core.clock.now()).await {
                Ok(submission) => Some(submission),
                Err(problem) => return (Err(problem), None),
            }
        } else {
            None
        };
        journey.record.submission = submission.as_ref().map(|s| s.id.clone());
        if let Some(underway) = submission.as_ref().filter(|s| s.queued) {
            return (Err(submissions::waits(underway.clone())), None);
        }
        let outcome = self.obtain(snapshot, call, grant, masked).await;
        journey.reached(grant);
        let outcome = match submission {
            Some(submission) => {
                let (id, now) = (submission.id.clone(), core.clock.now());
                let patience = Patience {
                    hours: privacy.delivery_hours,
                    can_tell: self.live.can_tell(&operation),
                };
                let outcome = settle(&core.store, submission, outcome, now, patience).await;
                matters::opened(core, snapshot, &operation, &id, &call.input, &outcome).await;
                outcome
            }
            None => outcome,
        };
        // In the sandbox scenario, world and clock are the caller's own: nothing is kept there, but it is told what would be.
        let age = fresh(&operation).filter(|_| !live && outcome.is_ok());
        (outcome, age)
    }

    /// The upstream's answer as this viewer may see it.
    async fn obtain(
        &self,
        snapshot: &Snapshot,
        call: &Call,
        grant: &Grant,
        masked: MaskFrom,
    ) -> Result<Answer, Problem> {
        let (catalog, operation) = (&snapshot.catalog, &call.operation);
        // call
        let answer = self.ask_upstream(call, grant).await;
        self.core
            .metrics
            .attempts
            .fetch_add(u64::from(grant.attempts()), Ordering::Relaxed);
        for (field, kind) in grant.surprises() {
            self.core.metrics.surprise(&operation.id, &field, kind);
        }
        // normalize
        let answer = normalize(catalog, operation, answer?)?;
        let known = grant.surprises();
        for field in flagged(&answer) {
            // What the connector's own table of codes has noted is counted already.
            if !known
                .iter()
                .any(|(f, kind)| *kind == "unknown-code" && field.ends_with(f))
            {
                self.core.metrics.surprise(&operation.id, &field, "unknown-code");
            }
        }
        // show
        Ok(show(catalog, operation, answer, masked))
    }
}
