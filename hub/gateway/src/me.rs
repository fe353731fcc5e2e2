//! `/me`: what belongs to the subject and lives in the hub: papers and submissions. Bearer only.

use crate::authenticate::{Caller, both, once};
use crate::disclosed::disclosed;
use crate::gateway::Gateway;
use crate::journey::{Journey, subject_mark};
use crate::leaving::{erase, export};
use crate::limits::admit;
use crate::replay::unavailable;
use crate::rights::{accept, consent_view, give, mandate_view, offer, represented, sheet};
use crate::setting::Setting;
use crate::{files, matters, signed_in, submissions};
use hub_core::time::Timestamp;
use hub_core::wire::ReplyBody;
use hub_core::{Environment, Inbound, Lang, Problem, ProblemCode, Reply, Subject, Text};
use hub_store::Submission;
use serde_json::{Value, json};

/// Submissions or papers listed at once.
const PAGE: u32 = 50;

/// What is asked for.
enum Wanted<'a> {
    PutFile,
    Files,
    File(&'a str),
    DropFile(&'a str),
    Submissions,
    Submission(&'a str),
    Ledger,
    Consents,
    ConsentAsked(&'a str),
    GiveConsent,
    Withdraw(&'a str),
    Mandates,
    OfferMandate,
    AcceptMandate,
    EndMandate(&'a str),
    Sessions,
    EndSessions,
    EndSession(&'a str),
    Export,
    Erase,
}

impl Wanted<'_> {
    fn name(&self) -> &'static str {
        match self {
            Wanted::PutFile => "me.file-put",
            Wanted::Files => "me.file-list",
            Wanted::File(_) => "me.file-get",
            Wanted::DropFile(_) => "me.file-delete",
            Wanted::Submissions => "me.submission-list",
            Wanted::Submission(_) => "me.submission-get",
            Wanted::Ledger => "me.ledger",
            Wanted::Consents => "me.consent-list",
            Wanted::ConsentAsked(_) => "me.consent-asked",
            Wanted::GiveConsent => "me.consent-give",
            Wanted::Withdraw(_) => "me.consent-withdraw",
            Wanted::Mandates => "me.mandate-list",
            Wanted::OfferMandate => "me.mandate-offer",
            Wanted::AcceptMandate => "me.mandate-accept",
            Wanted::EndMandate(_) => "me.mandate-end",
            Wanted::Sessions => "me.session-list",
            Wanted::EndSessions => "me.session-end-others",
            Wanted::EndSession(_) => "me.session-end",
            Wanted::Export => "me.export",
            Wanted::Erase => "me.erase",
        }
    }
}

impl Wanted<'_> {
    /// Whether somebody who acts for the subject may.
    fn is_open_to(&self, caller: &Caller) -> bool {
        match self {
            Wanted::PutFile | Wanted::Files | Wanted::File(_) | Wanted::DropFile(_) => true,
            Wanted::Submissions | Wanted::Submission(_) => true,
            Wanted::Consents | Wanted::ConsentAsked(_) | Wanted::GiveConsent | Wanted::Withdraw(_) => {
                caller.guardian.is_some()
            }
            _ => false,
        }
    }
}

fn wanted<'a>(method: &str, path: &'a str) -> Result<Wanted<'a>, Problem> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let allow = |methods: &[&str]| Err(Problem::new(ProblemCode::MethodNotAllowed).with("allow", json!(methods)));
    match (parts.as_slice(), method) {
        (["files"], "POST") => Ok(Wanted::PutFile),
        (["files"], "GET") => Ok(Wanted::Files),
        (["files"], _) => allow(&["GET", "POST"]),
        (["files", id], "GET") => Ok(Wanted::File(id)),
        (["files", id], "DELETE") => Ok(Wanted::DropFile(id)),
        (["files", _], _) => allow(&["GET", "DELETE"]),
        (["submissions"], "GET") => Ok(Wanted::Submissions),
        (["submissions", id], "GET") => Ok(Wanted::Submission(id)),
        (["submissions", ..], _) => allow(&["GET"]),
        (["ledger"], "GET") => Ok(Wanted::Ledger),
        (["ledger"], _) => allow(&["GET"]),
        (["sessions"], "GET") => Ok(Wanted::Sessions),
        (["sessions"], "DELETE") => Ok(Wanted::EndSessions),
        (["sessions"], _) => allow(&["GET", "DELETE"]),
        (["sessions", id], "DELETE") => Ok(Wanted::EndSession(id)),
        (["sessions", _], _) => allow(&["DELETE"]),
        (["export"], "GET") => Ok(Wanted::Export),
        (["export"], _) => allow(&["GET"]),
        (["deletion"], "POST") => Ok(Wanted::Erase),
        (["deletion"], _) => allow(&["POST"]),
        (["consents"], "GET") => Ok(Wanted::Consents),
        (["consents"], "POST") => Ok(Wanted::GiveConsent),
        (["consents"], _) => allow(&["GET", "POST"]),
        (["consents", "asked", service], "GET") => Ok(Wanted::ConsentAsked(service)),
        (["consents", "asked", _], _) => allow(&["GET"]),
        (["consents", id], "DELETE") => Ok(Wanted::Withdraw(id)),
        (["consents", _], _) => allow(&["DELETE"]),
        (["mandates"], "GET") => Ok(Wanted::Mandates),
        (["mandates"], "POST") => Ok(Wanted::OfferMandate),
        (["mandates"], _) => allow(&["GET", "POST"]),
        (["mandates", "accept"], "POST") => Ok(Wanted::AcceptMandate),
        (["mandates", "accept"], _) => allow(&["POST"]),
        (["mandates", id], "DELETE") => Ok(Wanted::EndMandate(id)),
        (["mandates", _], _) => allow(&["DELETE"]),
        _ => Err(Problem::new(ProblemCode::NotFound)),
    }
}

impl Gateway {
    /// One call of `/me`, under the address limit and the plan of its client like any other.
    pub(crate) async fn own(&self, inbound: &Inbound, journey: &mut Journey) -> Result<Reply, Problem> {
        let at = Setting::new(&self.core, inbound, Environment::Live);
        at.address()?;
        let wanted = wanted(&inbound.method, &inbound.path)?;
        journey.record.operation = Some(wanted.name().to_owned());
        let caller = represented(&at, both(&at)?, None).await?;
        if let Some(client) = &caller.client {
            journey.record.environment = client.environment;
        }
        journey.known(&caller);
        let (allowance, admitted) = admit(&at, &caller, wanted.name());
        journey.limited(allowance.as_ref());
        admitted?;
        if caller.agent.is_some() && !wanted.is_open_to(&caller) {
            return Err(Problem::new(ProblemCode::MandateInvalid).detail(
                "受托人看不到委托人的台账、同意和授权，只有监护人可以管理同意",
                "Whoever acts for a person does not see that person's account, consents and mandates; only a guardian manages consents",
            ));
        }
        let subject = caller
            .subject
            .clone()
            .ok_or_else(|| Problem::new(ProblemCode::TokenMissing))?;
        self.serve(&at, &wanted, &caller, &subject).await
    }

    async fn serve(
        &self,
        at: &Setting<'_>,
        wanted: &Wanted<'_>,
        caller: &Caller,
        subject: &Subject,
    ) -> Result<Reply, Problem> {
        let owner = subject_mark(&subject.id);
        match *wanted {
            Wanted::PutFile => put_file(at, subject).await,
            Wanted::Files => {
                let list = at.core.store.files().of_owner(&owner, at.now, PAGE).await;
                let views: Vec<Value> = list.map_err(unavailable)?.iter().map(files::view).collect();
                Ok(json_reply(200, list_of(&views)))
            }
            Wanted::File(id) => file(at, &owner, id).await,
            Wanted::DropFile(id) => {
                let dropped = at.core.store.files().remove(id, &owner).await.map_err(unavailable)?;
                dropped.then(no_content).ok_or_else(missing)
            }
            Wanted::Submissions => {
                let list = at.core.store.submissions().of_subject(&owner, None, PAGE).await;
                let views: Vec<Value> = list
                    .map_err(unavailable)?
                    .iter()
                    .map(|s| submission_view(at, s))
                    .collect();
                Ok(json_reply(200, list_of(&views)))
            }
            Wanted::Ledger => used(at, &owner).await,
            Wanted::Consents | Wanted::ConsentAsked(_) | Wanted::GiveConsent | Wanted::Withdraw(_) => {
                consents(at, wanted, caller, subject).await
            }
            Wanted::Mandates | Wanted::OfferMandate | Wanted::AcceptMandate | Wanted::EndMandate(_) => {
                mandates(at, wanted, caller, subject).await
            }
            Wanted::Sessions | Wanted::EndSessions | Wanted::EndSession(_) => {
                sessions(at, wanted, caller, subject).await
            }
            Wanted::Export => {
                let mut reply = json_reply(200, export(at, subject).await?);
                let name = "attachment; filename=\"my-data.json\"";
                reply.headers.push(("Content-Disposition".into(), name.into()));
                Ok(reply)
            }
            Wanted::Erase => Ok(json_reply(200, erase(at, subject, &body(at)?).await?)),
            Wanted::Submission(id) => {
                let found = at.core.store.submissions().get(id).await.map_err(unavailable)?;
                let found = found.filter(|s| s.subject == owner).ok_or_else(missing)?;
                let cases = at.core.store.cases().of_submission(id).await.map_err(unavailable)?;
                let mut view = submission_view(at, &found);
                if let Some(members) = view.as_object_mut()
                    && !cases.is_empty()
                {
                    members.insert("matters".into(), cases.iter().map(matters::view).collect());
                }
                Ok(json_reply(200, view))
            }
        }
    }
}

/// Where the subject is signed in, and what they end.
async fn sessions(at: &Setting<'_>, wanted: &Wanted<'_>, caller: &Caller, subject: &Subject) -> Result<Reply, Problem> {
    match *wanted {
        Wanted::EndSession(id) => {
            let ended = signed_in::end(at, caller, subject, Some(id)).await?;
            (ended > 0).then(no_content).ok_or_else(missing)
        }
        Wanted::EndSessions => {
            let ended = signed_in::end(at, caller, subject, None).await?;
            Ok(json_reply(200, json!({"ended": ended})))
        }
        _ => Ok(json_reply(200, list_of(&signed_in::list(at, caller, subject).await?))),
    }
}

/// What the subject agreed to, is asked, says, takes back.
async fn consents(at: &Setting<'_>, wanted: &Wanted<'_>, caller: &Caller, subject: &Subject) -> Result<Reply, Problem> {
    let owner = subject_mark(&subject.id);
    match *wanted {
        Wanted::ConsentAsked(service) => Ok(json_reply(200, sheet(at, &percent_decoded(service))?.view(at))),
        Wanted::GiveConsent => {
            let asked = body(at)?;
            let sheet = sheet(at, asked.get("service").and_then(Value::as_str).unwrap_or_default())?;
            let consent = give(at, caller, subject, &sheet, &asked).await?;
            Ok(json_reply(201, consent_view(at, &consent)))
        }
        Wanted::Withdraw(id) => {
            let taken = at.core.store.consents().withdraw(id, &owner, at.now).await;
            let taken = taken.map_err(unavailable)?;
            at.core.rights.forget(&owner).await;
            taken.then(no_content).ok_or_else(missing)
        }
        _ => {
            let list = at.core.store.consents().of_subject(&owner).await.map_err(unavailable)?;
            let views: Vec<Value> = list.iter().map(|c| consent_view(at, c)).collect();
            Ok(json_reply(200, list_of(&views)))
        }
    }
}

/// Whom the subject lets act for them, and for whom they act.
async fn mandates(at: &Setting<'_>, wanted: &Wanted<'_>, caller: &Caller, subject: &Subject) -> Result<Reply, Problem> {
    // Nobody hands on what they were given.
    if caller.agent.is_some() || once(at.inbound, "mandate")?.is_some() {
        return Err(Problem::new(ProblemCode::MandateInvalid).detail(
            "受托人不能以委托人名义管理授权",
            "Whoever acts under a mandate cannot give or end mandates with it",
        ));
    }
    let owner = subject_mark(&subject.id);
    let all = at.core.store.mandates();
    match *wanted {
        Wanted::OfferMandate => {
            let (mandate, code) = offer(at, subject, &body(at)?).await?;
            let mut view = mandate_view(at, &mandate, &owner);
            if let Some(members) = view.as_object_mut() {
                members.insert("code".into(), json!(code));
            }
            Ok(json_reply(201, view))
        }
        Wanted::AcceptMandate => {
            let id = accept(at, subject, &body(at)?).await?;
            let held = all.of_person(&owner).await.map_err(unavailable)?;
            let view = held.iter().find(|m| m.id == id).map(|m| mandate_view(at, m, &owner));
            Ok(json_reply(200, view.ok_or_else(missing)?))
        }
        Wanted::EndMandate(id) => {
            let known = all.of_person(&owner).await.map_err(unavailable)?;
            let agent = known.into_iter().find(|m| m.id == id).and_then(|m| m.agent);
            let ended = all.end(id, &owner, at.now).await.map_err(unavailable)?;
            for mark in agent.iter().chain([&owner]) {
                at.core.rights.forget(mark).await;
            }
            ended.then(no_content).ok_or_else(missing)
        }
        _ => {
            let list = all.of_person(&owner).await.map_err(unavailable)?;
            let views: Vec<Value> = list.iter().map(|m| mandate_view(at, m, &owner)).collect();
            Ok(json_reply(200, list_of(&views)))
        }
    }
}

/// The body as a JSON object.
fn body(at: &Setting<'_>) -> Result<Value, Problem> {
    let read = serde_json::from_slice::<Value>(&at.inbound.body)
        .ok()
        .filter(Value::is_object);
    read.ok_or_else(|| {
        Problem::new(ProblemCode::BadRequest).at("/", Text::new("JSON 对象", "a JSON object"), "something else")
    })
}

/// Who used what of the subject, newest first: who, what, why and how it ended, in plain words.
async fn used(at: &Setting<'_>, owner: &str) -> Result<Reply, Problem> {
    let query: Vec<(String, String)> = url::form_urlencoded::parse(at.inbound.query.as_bytes())
        .into_owned()
        .collect();
    let cursor = query
        .iter()
        .find(|(name, _)| name == "cursor")
        .map(|(_, text)| text.as_str());
    let before = match cursor {
        None => (at.now, String::new()),
        Some(text) => place(text).ok_or_else(|| {
            let expected = Text::new("上一页的 next_cursor", "`next_cursor` of the page before");
            Problem::new(ProblemCode::ValidationFailed).at("parameter/cursor", expected, text)
        })?,
    };
    let store = &at.core.store;
    let uses = store
        .disclosures()
        .of_subject(owner, (before.0, &before.1), PAGE)
        .await
        .map_err(unavailable)?;
    let total = store.disclosures().count(owner).await.map_err(unavailable)?;
    let items = disclosed(at, &uses).await?;
    let next = (uses.len() == PAGE as usize)
        .then(|| uses.last().map(|last| last.at.to_string()))
        .flatten();
    Ok(json_reply(
        200,
        json!({"items": items, "total": total, "next_cursor": next}),
    ))
}

/// A cursor: the time and the id of the last use shown.
fn place(text: &str) -> Option<(Timestamp, String)> {
    let (at, id) = text.split_once(' ')?;
    Some((at.parse().ok()?, id.to_owned()))
}

async fn put_file(at: &Setting<'_>, subject: &Subject) -> Result<Reply, Problem> {
    let name = at
        .inbound
        .header("hub-file-name")
        .map(percent_decoded)
        .unwrap_or_default();
    let upload = files::Upload {
        name: &name,
        bytes: &at.inbound.body,
        cap: at.core.settings.file_cap,
        hours: at.policies().privacy.unused_file_hours,
    };
    let view = files::put(&at.core.store, subject, &upload, at.now).await?;
    Ok(json_reply(201, view))
}

async fn file(at: &Setting<'_>, owner: &str, id: &str) -> Result<Reply, Problem> {
    let file = at
        .core
        .store
        .files()
        .get(id, owner, at.now)
        .await
        .map_err(unavailable)?;
    let file = file.ok_or_else(missing)?;
    Ok(Reply {
        status: 200,
        headers: vec![
            ("Cache-Control".into(), "no-store".into()),
            ("Content-Disposition".into(), "attachment".into()),
        ],
        body: ReplyBody::Bytes {
            content_type: file.info.media_type,
            bytes: file.bytes.into(),
        },
    })
}

/// A submission as its subject sees it.
pub(crate) fn submission_view(at: &Setting<'_>, submission: &Submission) -> Value {
    let lang = Lang::from_accept_language(at.inbound.header("accept-language").unwrap_or_default());
    submissions::view(submission, lang, &at.core.settings.base)
}

fn no_content() -> Reply {
    Reply {
        status: 204,
        headers: Vec::new(),
        body: ReplyBody::Empty,
    }
}

/// The same for what never was and for what belongs to somebody else.
fn missing() -> Problem {
    Problem::new(ProblemCode::NotFound)
}

fn list_of(items: &[Value]) -> Value {
    json!({"items": items})
}

fn json_reply(status: u16, body: Value) -> Reply {
    Reply {
        status,
        headers: vec![("Cache-Control".into(), "no-store".into())],
        body: ReplyBody::Json(body),
    }
}

/// File names come percent-encoded, because headers are ASCII.
fn percent_decoded(text: &str) -> String {
    let pair = format!("n={}", text.replace('+', "%2B").replace('&', "%26"));
    url::form_urlencoded::parse(pair.as_bytes())
        .next()
        .map(|(_, v)| v.into_owned())
        .unwrap_or_default()
}
