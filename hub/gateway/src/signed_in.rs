//! `/me/sessions`: where the subject is signed in, and how they end what they do not know.

use crate::authenticate::{Caller, shown_at_me};
use crate::setting::Setting;
use hub_core::ports::{SignIns, SignedInAsk, SignedInAt};
use hub_core::time::rfc3339;
use hub_core::{Problem, ProblemCode, Subject};
use serde_json::{Value, json};

/// Every place, the youngest first.
///
/// # Errors
/// `store-unavailable`.
pub(crate) async fn list(at: &Setting<'_>, caller: &Caller, subject: &Subject) -> Result<Vec<Value>, Problem> {
    let places = known(at)?.list(asked(at, caller, subject)?, at.now).await?;
    Ok(places.iter().map(view).collect())
}

/// Ends one, or all others; answers how many.
///
/// # Errors
/// `store-unavailable`.
pub(crate) async fn end(
    at: &Setting<'_>,
    caller: &Caller,
    subject: &Subject,
    id: Option<&str>,
) -> Result<usize, Problem> {
    known(at)?.end(asked(at, caller, subject)?, id, at.now).await
}

fn known<'a>(at: &Setting<'a>) -> Result<&'a dyn SignIns, Problem> {
    let known = at.core.sign_ins.as_deref();
    known.ok_or_else(|| Problem::new(ProblemCode::NotFound))
}

fn asked<'a>(at: &Setting<'a>, caller: &'a Caller, subject: &'a Subject) -> Result<SignedInAsk<'a>, Problem> {
    Ok(SignedInAsk {
        subject,
        token: shown_at_me(at.inbound)?,
        client: caller.client.as_ref().map_or("", |c| &c.id),
    })
}

fn view(place: &SignedInAt) -> Value {
    let device = Some(&place.device).filter(|d| !d.is_empty());
    json!({"id": place.id, "device": device, "since": rfc3339(place.since), "seen": rfc3339(place.seen), "current": place.is_this})
}
