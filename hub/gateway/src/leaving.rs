//! What a subject takes along (PIPL, article 45) and has forgotten (article 47).

use crate::disclosed::disclosed;
use crate::journey::subject_mark;
use crate::me::submission_view;
use crate::replay::unavailable;
use crate::rights::{consent_view, mandate_view};
use crate::setting::Setting;
use hub_core::time::{Timestamp, rfc3339};
use hub_core::{Problem, ProblemCode, Subject, Text};
use serde_json::{Value, json};
use std::time::Duration;

/// Lines of the account in one file.
const MOST: usize = 10_000;
/// Lines, submissions or papers read at once.
const PAGE: u32 = 500;
/// How long the account of who used what is kept whoever asks (cybersecurity law, article 23: six months at least).
const KEPT: Duration = Duration::from_secs(184 * 86_400);

/// Everything that the hub holds of the subject, in one file for machines.
///
/// # Errors
/// If the store does not answer.
pub(crate) async fn export(at: &Setting<'_>, subject: &Subject) -> Result<Value, Problem> {
    let mark = subject_mark(&subject.id);
    let store = &at.core.store;
    let consents = store.consents().of_subject(&mark).await.map_err(unavailable)?;
    let mandates = store.mandates().of_person(&mark).await.map_err(unavailable)?;
    let files = store.files().of_owner(&mark, at.now, PAGE).await.map_err(unavailable)?;
    let submissions = store
        .submissions()
        .of_subject(&mark, None, PAGE)
        .await
        .map_err(unavailable)?;
    let (mut lines, mut before) = (Vec::new(), (at.now, String::from("\u{10ffff}")));
    let whole = loop {
        let page = store
            .disclosures()
            .of_subject(&mark, (before.0, &before.1), PAGE)
            .await
            .map_err(unavailable)?;
        let Some(last) = page.last() else { break true };
        before = (last.at, last.id.clone());
        lines.extend(page);
        if lines.len() >= MOST {
            break false;
        }
    };
    let gone = store.erasures().tombstone(&mark).await.map_err(unavailable)?;
    let forms: Vec<Value> = submissions
        .iter()
        .map(|s| {
            let mut view = submission_view(at, s);
            if let Some(members) = view.as_object_mut() {
                members.insert("said".into(), json!(s.input));
            }
            view
        })
        .collect();
    Ok(json!({
        "format": "hub-export/1", "exported": rfc3339(at.now),
        "person": {"assurance": subject.assurance, "name": subject.name, "id_number": subject.id_number, "mobile": subject.mobile},
        "consents": consents.iter().map(|c| consent_view(at, c)).collect::<Vec<_>>(),
        "mandates": mandates.iter().map(|m| mandate_view(at, m, &mark)).collect::<Vec<_>>(),
        "submissions": forms,
        "files": files.iter().map(crate::files::view).collect::<Vec<_>>(),
        "ledger": disclosed(at, &lines).await?, "ledger_whole": whole,
        "deleted": gone.map(rfc3339),
    }))
}

/// Forgets the subject as far as the law lets.
///
/// # Errors
/// `validation-failed` without a plain yes; if the store does not answer.
pub(crate) async fn erase(at: &Setting<'_>, subject: &Subject, asked: &Value) -> Result<Value, Problem> {
    if asked.get("confirm") != Some(&Value::Bool(true)) {
        let expected = Text::new("true：确认删除", "true: a plain yes");
        let got = asked.get("confirm").unwrap_or(&Value::Null).to_string();
        return Err(Problem::new(ProblemCode::ValidationFailed).at("/confirm", expected, got));
    }
    let mark = subject_mark(&subject.id);
    let kept_from = kept_from(at.now);
    let store = &at.core.store;
    let agents = store.mandates().of_person(&mark).await.map_err(unavailable)?;
    let erased = store
        .erasures()
        .erase(&mark, kept_from, at.now)
        .await
        .map_err(unavailable)?;
    for other in agents.iter().filter_map(|m| m.agent.as_deref()).chain([mark.as_str()]) {
        at.core.rights.forget(other).await;
    }
    let kept = store.disclosures().count(&mark).await.map_err(unavailable)?;
    let until = at.now.saturating_add(KEPT).unwrap_or(at.now);
    Ok(json!({
        "deleted": {"files": erased.files, "submissions": erased.submissions, "consents": erased.consents,
                    "mandates": erased.mandates, "ledger": erased.disclosures},
        "kept": {
            "ledger": kept, "until": rfc3339(until),
            "why": Text::new(
                "网络安全法要求日志至少保存六个月，到期自动删除；未办结的申请在办结后可再次删除",
                "the cybersecurity law has logs kept for six months, then they go by themselves; what is under way can be deleted when it has ended"),
        },
        "agencies": Text::new(
            "各部门系统中的办件档案由该部门依法保存，请向该部门提出",
            "what agencies hold in their own systems is theirs to keep by law: ask them"),
    }))
}

/// From when on the account is kept.
pub(crate) fn kept_from(now: Timestamp) -> Timestamp {
    now.saturating_sub(KEPT).unwrap_or(now)
}
