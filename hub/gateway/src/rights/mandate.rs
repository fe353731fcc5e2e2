//! Mandates: one person acts for a company or another person, because that side offered it and the other accepted it.

use crate::authenticate::{Caller, once};
use crate::journey::subject_mark;
use crate::replay::unavailable;
use crate::setting::Setting;
use hub_core::time::rfc3339;
use hub_core::{Assurance, Environment, Mandate, Operation, Problem, ProblemCode, Subject, Text};
use hub_crypto::{Digest, base64_url, digest, hex, random};
use hub_store::MandateRow;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// The header that names the mandate a call is made under.
const HEADER: &str = "mandate";
/// Days a mandate holds at most, and where nothing is said.
const MOST_DAYS: u64 = 3 * 365;
const DAYS: u64 = 365;
/// Roles that a mandate can give. A guardian agrees for a child, a helper fills in and hands in.
const ROLES: &[&str] = &["agent", "finance", "hr", "helper", "guardian"];
/// Roles that let somebody offer a company's mandates.
const HEADS: &[&str] = &["legal_rep", "administrator"];

/// The caller as the call is made: under a mandate, if the request names one.
///
/// # Errors
/// `mandate-invalid`, if it is not in force for this caller and this operation.
pub(crate) async fn represented(
    at: &Setting<'_>,
    caller: Caller,
    operation: Option<&Operation>,
) -> Result<Caller, Problem> {
    let Some(id) = once(at.inbound, HEADER)?.filter(|_| at.environment == Environment::Live) else {
        return Ok(caller);
    };
    let Some(agent) = caller.subject.clone() else {
        return Err(Problem::new(ProblemCode::TokenMissing));
    };
    let mark = subject_mark(&agent.id);
    let known = at.core.rights.mandates(&at.core.store, &mark, at.now).await;
    let known = known.map_err(unavailable)?;
    let held = known.iter().find(|m| m.id == id && m.agent.as_deref() == Some(&mark));
    let held = held.ok_or_else(|| {
        invalid(
            "没有这份授权，或不是授予您的",
            "There is no such mandate, or it is not yours",
        )
    })?;
    if held.ended.is_some() || held.accepted.is_none() || held.until <= at.now {
        return Err(invalid("授权已终止或到期", "The mandate has ended"));
    }
    let covered = |o: &Operation| {
        let service = o.service.as_deref();
        held.services.is_empty() || service.is_some_and(|s| held.services.iter().any(|m| m == s))
    };
    if !operation.is_none_or(covered) {
        return Err(invalid("授权不包含该服务", "The mandate does not cover this service"));
    }
    let subject = acting(held, &agent)?;
    Ok(Caller {
        subject: Some(Arc::new(subject)),
        guardian: (held.role == "guardian").then(|| held.id.clone()),
        agent: (!held.company).then_some(agent),
        ..caller
    })
}

/// Whom the services see: the agent for a company, or the person acted for, known no surer than whoever acts.
fn acting(held: &MandateRow, agent: &Subject) -> Result<Subject, Problem> {
    let damaged = |e: serde_json::Error| Problem::new(ProblemCode::Internal).inner(e.to_string());
    if held.company {
        let mandate: Mandate = serde_json::from_slice(&held.content).map_err(damaged)?;
        return Ok(Subject {
            mandate: Some(Mandate {
                role: held.role.clone(),
                ..mandate
            }),
            ..agent.clone()
        });
    }
    let principal: Subject = serde_json::from_slice(&held.content).map_err(damaged)?;
    Ok(Subject {
        assurance: principal.assurance.min(agent.assurance),
        expires: agent.expires,
        ..principal
    })
}

fn invalid(zh: &str, en: &str) -> Problem {
    Problem::new(ProblemCode::MandateInvalid).detail(zh, en)
}

/// Offers a mandate in the caller's own name or in the name of the company they head; answers it with the code that its
/// other side accepts it with, which is shown once.
///
/// # Errors
/// `validation-failed`, `assurance-too-low`, `access-denied`.
pub(crate) async fn offer(at: &Setting<'_>, subject: &Subject, asked: &Value) -> Result<(MandateRow, String), Problem> {
    if subject.assurance < Assurance::R2 {
        return Err(Problem::new(ProblemCode::AssuranceTooLow).with("required_assurance", "R2"));
    }
    let wrong = |place: &str, expected: Text, got: &Value| {
        Err(Problem::new(ProblemCode::ValidationFailed).at(place, expected, got.to_string()))
    };
    let role = match asked.get("role") {
        Some(Value::String(role)) if ROLES.contains(&role.as_str()) => role.clone(),
        other => {
            let expected = Text::same(ROLES.join(", "));
            return wrong("/role", expected, other.unwrap_or(&Value::Null));
        }
    };
    let days = match asked.get("days").map(|d| (d.as_u64(), d)) {
        None => DAYS,
        Some((Some(days), _)) if (1..=MOST_DAYS).contains(&days) => days,
        Some((_, got)) => {
            return wrong(
                "/days",
                Text::new("1 至 1095 的整数", "a whole number from 1 to 1095"),
                got,
            );
        }
    };
    let services = services(at, asked)?;
    let reason = asked.get("reason").and_then(Value::as_str).unwrap_or_default();
    let (principal, content) = match &subject.mandate {
        None => (subject_mark(&subject.id), serde_json::to_vec(subject)),
        Some(company) if HEADS.contains(&company.role.as_str()) => (company.uscc.clone(), serde_json::to_vec(company)),
        Some(_) => {
            return Err(Problem::new(ProblemCode::AccessDenied).detail(
                "只有法定代表人或管理员可以代表企业授权",
                "Only the legal representative or an administrator gives mandates of a company",
            ));
        }
    };
    let ours = |e: &dyn ToString| Problem::new(ProblemCode::Internal).inner(e.to_string());
    let code = base64_url(&random::<18>().map_err(|e| ours(&e))?);
    let mandate = MandateRow {
        id: format!("mdt_{}", hex(&random::<12>().map_err(|e| ours(&e))?)),
        principal,
        company: subject.mandate.is_some(),
        offered: subject_mark(&subject.id),
        agent: None,
        code: hashed(&code),
        role,
        services,
        reason: reason.chars().take(200).collect(),
        content: content.map_err(|e| ours(&e))?,
        since: at.now,
        until: at
            .now
            .saturating_add(Duration::from_secs(days * 86_400))
            .unwrap_or(at.now),
        accepted: None,
        ended: None,
    };
    at.core.store.mandates().offer(&mandate).await.map_err(unavailable)?;
    at.core.rights.forget(&mandate.offered).await;
    Ok((mandate, code))
}

fn services(at: &Setting<'_>, asked: &Value) -> Result<Vec<String>, Problem> {
    let Some(list) = asked.get("services") else {
        return Ok(Vec::new());
    };
    let names = list.as_array().filter(|l| l.len() <= 200).cloned().unwrap_or_default();
    let known: Vec<String> = names
        .iter()
        .filter_map(|v| {
            v.as_str()
                .filter(|s| at.catalog().service(s).is_some())
                .map(str::to_owned)
        })
        .collect();
    if known.is_empty() || known.len() != names.len() {
        let expected = Text::new(
            "目录中的服务编号，至少一个；不写表示全部",
            "ids of services of the catalog, at least one; all if left out",
        );
        return Err(Problem::new(ProblemCode::ValidationFailed).at("/services", expected, list.to_string()));
    }
    Ok(known)
}

/// Accepts an offer by its code; answers its id.
///
/// # Errors
/// `mandate-invalid`, for every code that opens nothing.
pub(crate) async fn accept(at: &Setting<'_>, subject: &Subject, asked: &Value) -> Result<String, Problem> {
    if subject.assurance < Assurance::R2 {
        return Err(Problem::new(ProblemCode::AssuranceTooLow).with("required_assurance", "R2"));
    }
    let code = asked.get("code").and_then(Value::as_str).unwrap_or_default();
    let mark = subject_mark(&subject.id);
    let accepted = at.core.store.mandates().accept(&hashed(code), &mark, at.now).await;
    let accepted = accepted.map_err(unavailable)?;
    at.core.rights.forget(&mark).await;
    accepted.ok_or_else(|| {
        invalid(
            "邀请码无效、已用过、已终止，或是您自己发出的",
            "The code is unknown, used, ended, or your own",
        )
    })
}

fn hashed(code: &str) -> String {
    base64_url(&digest(Digest::Sha256, format!("mandate\0{code}").as_bytes()))
}

/// As either side sees it.
pub(crate) fn view(at: &Setting<'_>, mandate: &MandateRow, mark: &str) -> Value {
    let state = match (mandate.ended, mandate.accepted, mandate.until <= at.now) {
        (Some(_), _, _) => "ended",
        (None, _, true) => "expired",
        (None, None, false) => "offered",
        (None, Some(_), false) => "in-force",
    };
    let held = mandate.agent.as_deref() == Some(mark);
    let principal = match mandate.company {
        true => serde_json::from_slice::<Mandate>(&mandate.content)
            .ok()
            .map(|m| m.org_name),
        false => serde_json::from_slice::<Subject>(&mandate.content)
            .ok()
            .and_then(|s| s.name),
    };
    json!({
        "id": mandate.id, "side": if held { "agent" } else { "principal" }, "principal": principal, "company": mandate.company,
        "role": mandate.role, "services": mandate.services, "reason": mandate.reason, "state": state,
        "since": rfc3339(mandate.since), "until": rfc3339(mandate.until), "accepted": mandate.accepted.map(rfc3339),
        "ended": mandate.ended.map(rfc3339),
    })
}
