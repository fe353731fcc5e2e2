//! Consent at the call (PIPL, articles 13 to 15, 23, 29): an operation that stands on consent moves only fields that this
//! person agreed to, in this client, for this service, and has not taken back.

use super::sheet::{Sheet, personal, stands_on_consent, subject_matter};
use crate::authenticate::Caller;
use crate::journey::subject_mark;
use crate::replay::unavailable;
use crate::setting::Setting;
use hub_core::time::{Timestamp, rfc3339};
use hub_core::{DataLevel, Environment, Operation, Problem, ProblemCode, Subject, Text};
use hub_crypto::{hex, random};
use hub_store::ServiceConsent;
use serde_json::{Value, json};
use std::time::Duration;

/// Days a consent holds at most, and where nothing is said.
const DAYS: u64 = 365;
/// From this age on a person agrees for themselves (PIPL, article 31).
const OF_AGE: i16 = 14;

/// Whether the subject agreed to what this operation moves.
pub(crate) async fn consented(at: &Setting<'_>, caller: &Caller, operation: &Operation) -> Result<(), Problem> {
    let live = at.environment == Environment::Live;
    let (Some(client), Some(subject)) = (&caller.client, &caller.subject) else {
        return Ok(());
    };
    // Data of companies are not personal.
    if !live || !stands_on_consent(operation) || subject.mandate.is_some() {
        return Ok(());
    }
    let mark = subject_mark(&subject.id);
    let known = at.core.rights.consents(&at.core.store, &mark, at.now).await;
    let matter = subject_matter(operation);
    let known = known.map_err(unavailable)?;
    let given = known
        .iter()
        .find(|c| c.client == client.id && c.service == matter && c.withdrawn.is_none());
    let lacking = |consent: &ServiceConsent| -> Vec<String> {
        let agreed = |(name, level): &(String, DataLevel)| {
            consent.fields.contains(name) && (*level < DataLevel::L4 || consent.apart.contains(name))
        };
        let all = personal(operation).into_iter().filter(|f| !agreed(f));
        all.map(|(name, _)| name).collect()
    };
    match given {
        Some(consent) if consent.until <= at.now => Err(refusal(ProblemCode::ConsentExpired, &matter)),
        Some(consent) => match lacking(consent) {
            none if none.is_empty() => Ok(()),
            fields => Err(refusal(ProblemCode::ConsentMissing, &matter).with("fields", json!(fields))),
        },
        None => {
            let fields: Vec<String> = personal(operation).into_keys().collect();
            Err(refusal(ProblemCode::ConsentMissing, &matter).with("fields", json!(fields)))
        }
    }
}

fn refusal(code: ProblemCode, matter: &str) -> Problem {
    Problem::new(code)
        .detail(
            format!("请向办事人展示 GET /me/consents/asked/{matter}，同意后 POST /me/consents"),
            format!("Show the person GET /me/consents/asked/{matter}, and on their yes POST /me/consents"),
        )
        .with("service", matter)
}

/// Keeps a yes to a sheet.
///
/// # Errors
/// `validation-failed` for a day count, `access-denied` for a child that says it alone.
pub(crate) async fn give(
    at: &Setting<'_>,
    caller: &Caller,
    subject: &Subject,
    sheet: &Sheet,
    asked: &Value,
) -> Result<ServiceConsent, Problem> {
    if is_child(subject, at.now) && caller.guardian.is_none() {
        return Err(Problem::new(ProblemCode::AccessDenied).detail(
            "未满十四周岁，须由监护人以 guardian 授权同意",
            "Under fourteen: a guardian agrees, with a mandate of the role guardian",
        ));
    }
    let days = match asked.get("days") {
        None => DAYS,
        Some(days) => days.as_u64().filter(|d| (1..=DAYS).contains(d)).ok_or_else(|| {
            Problem::new(ProblemCode::ValidationFailed).at(
                "/days",
                Text::new("1 至 365 的整数", "a whole number from 1 to 365"),
                days.to_string(),
            )
        })?,
    };
    let separately = asked.get("apart") == Some(&Value::Bool(true));
    let bytes = random::<12>().map_err(|e| Problem::new(ProblemCode::Internal).inner(e.to_string()))?;
    let consent = ServiceConsent {
        id: format!("cns_{}", hex(&bytes)),
        subject: subject_mark(&subject.id),
        client: caller.client.as_ref().map(|c| c.id.clone()).unwrap_or_default(),
        service: sheet.service.clone(),
        agency: sheet.agency.clone(),
        fields: sheet.fields.keys().cloned().collect(),
        apart: if separately { sheet.apart() } else { Vec::new() },
        agent: caller.agent.as_ref().map(|agent| subject_mark(&agent.id)),
        since: at.now,
        until: at
            .now
            .saturating_add(Duration::from_secs(days * 86_400))
            .unwrap_or(at.now),
        withdrawn: None,
    };
    at.core.store.consents().give(&consent).await.map_err(unavailable)?;
    at.core.rights.forget(&consent.subject).await;
    Ok(consent)
}

/// As its subject sees it.
pub(crate) fn view(at: &Setting<'_>, consent: &ServiceConsent) -> Value {
    let state = match (consent.withdrawn, consent.until <= at.now) {
        (Some(_), _) => "withdrawn",
        (None, true) => "ended",
        (None, false) => "in-force",
    };
    let catalog = at.catalog();
    json!({
        "id": consent.id, "client": consent.client, "agency": catalog.agency(&consent.agency).map(|a| &a.name),
        "service": {"id": consent.service, "name": catalog.service(&consent.service).map(|s| &s.name)},
        "fields": consent.fields, "apart": consent.apart, "by_agent": consent.agent.is_some(), "state": state,
        "since": rfc3339(consent.since), "until": rfc3339(consent.until), "withdrawn": consent.withdrawn.map(rfc3339),
    })
}

/// Whether a resident id number (GB 11643) says that its owner is under fourteen.
fn is_child(subject: &Subject, now: Timestamp) -> bool {
    let born = subject
        .id_number
        .as_deref()
        .filter(|n| n.len() == 18)
        .and_then(|n| n.get(6..14));
    let born = born.and_then(|b| {
        let part = |range: std::ops::Range<usize>| b.get(range)?.parse::<i16>().ok();
        Some((part(0..4)?, part(4..6)?, part(6..8)?))
    });
    let Some((year, month, day)) = born else { return false };
    let today = hub_core::time::civil(now).date();
    let had_birthday = (i16::from(today.month()), i16::from(today.day())) >= (month, day);
    today.year() - year - i16::from(!had_birthday) < OF_AGE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_known_by_its_number_until_its_birthday() {
        let of = |number: &str| Subject {
            id: "i#s".into(),
            assurance: hub_core::Assurance::R2,
            name: None,
            id_number: Some(number.into()),
            mobile: None,
            mandate: None,
            expires: 0,
        };
        let now = "2026-11-29T20:00:00Z".parse().unwrap(); // the 30th in China
        for (number, child) in [
            ("990000201211300011", false),
            ("990000201212010011", true),
            ("990000202001010011", true),
            ("990000195001010011", false),
            ("H12345678", false),
        ] {
            assert_eq!(is_child(&of(number), now), child, "{number}");
        }
    }
}
