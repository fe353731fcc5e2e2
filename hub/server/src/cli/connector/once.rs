//! `hub connector try`: one real call, both sides of it.

use super::super::args::TryOperation;
use super::super::outcome::Outcome;
use super::aim::{self, Aimed};
use super::veil::Veil;
use hub_connectors::{Connector, ConnectorError, Context, NoFiles, Purpose, Secrets, Step};
use hub_core::ports::Answer;
use hub_core::time::{Timestamp, rfc3339};
use hub_core::{Effect, Lang, Outgoing, RawRequest, RawResponse, Returned};
use hub_outbound::{EgressPolicy, Outbound, Target, TlsRules, UpstreamLimits};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

/// More steps than any dialogue needs.
const MOST_STEPS: usize = 64;

/// What went over the wire.
struct Turn {
    purpose: Purpose,
    request: RawRequest,
    response: Option<RawResponse>,
}

/// How it ended.
enum End {
    Answer(Answer),
    Refused(ConnectorError),
    Silent(String),
}

pub async fn run(args: TryOperation, lang: Lang) -> Result<Outcome, Outcome> {
    let aimed = aim::take(&args.aim, lang)?;
    if aimed.operation.effect != Effect::None && !args.yes {
        let words = match lang {
            Lang::Zh => format!("{} 会真正办理事项；确定要这样做时加 --yes", aimed.operation.id),
            Lang::En => format!(
                "{} has a real effect; say --yes if that is what you want",
                aimed.operation.id
            ),
        };
        return Err(Outcome::misused(words, lang));
    }
    let missing: Vec<&str> = (aimed.connector.secrets().iter())
        .filter(|name| aimed.secrets.get(name).is_none())
        .map(String::as_str)
        .collect();
    if !missing.is_empty() {
        let missing = missing.join(", ");
        let words = match lang {
            Lang::Zh => format!("缺少密钥 {missing}：用 --secrets 给出"),
            Lang::En => format!("secrets are missing: {missing}; give them with --secrets"),
        };
        return Err(Outcome::misused(words, lang));
    }
    let target = target(&aimed.connector, lang)?;
    let outbound = Outbound::new(EgressPolicy::public()).map_err(|e| Outcome::failed(e, lang))?;
    let mut veil = Veil::new(
        aimed
            .connector
            .secrets()
            .iter()
            .filter_map(|n| Some((n.clone(), aimed.secrets.get(n)?))),
    );
    let (turns, end) = course(&aimed, &outbound, &target, &mut veil, lang).await?;
    veil.hide_personal(&aimed.operation.input, &Value::Object(aimed.call.input.clone()));
    match &end {
        End::Answer(answer) => veil.hide_personal(&aimed.operation.output, &answer.body),
        // What could not be read cannot be told apart: whatever looks like a person is hidden.
        End::Refused(_) | End::Silent(_) => veil.doubt(),
    }
    let good = matches!(end, End::Answer(_));
    let told = told(&aimed, &turns, &end, &veil, lang);
    let outcome = if args.aim.json {
        Outcome::json(&told)
    } else {
        Outcome::done(text(&told, lang))
    };
    Ok(outcome.with_code(u8::from(!good)))
}

/// Where the system stands. Whoever runs this command and names an address means it, wherever it is.
pub(super) fn target(connector: &Connector, lang: Lang) -> Result<Target, Outcome> {
    let settings = connector.settings();
    let base = match settings.base_variable() {
        None => settings.base.clone(),
        Some(variable) => match std::env::var(variable).ok().filter(|v| !v.is_empty()) {
            Some(value) => settings.base.replacen(&format!("${{{variable}}}"), &value, 1),
            None => {
                let words = match lang {
                    Lang::Zh => format!("没有系统的地址：设置变量 {variable}"),
                    Lang::En => format!("the address of the system is not known: set {variable}"),
                };
                return Err(Outcome::misused(words, lang));
            }
        },
    };
    let named = settings.base_variable().is_some();
    let base = Url::parse(&base).map_err(|e| Outcome::misused(e, lang))?;
    if let Some(until) = settings.closed.resumes_at(Timestamp::now()) {
        let until = rfc3339(until);
        let words = match lang {
            Lang::Zh => format!("系统此时关闭，{until} 恢复"),
            Lang::En => format!("the system is closed now and opens at {until}"),
        };
        return Err(Outcome::failed(words, lang));
    }
    Ok(Target {
        system: connector.system().clone(),
        base,
        limits: UpstreamLimits {
            rps: settings.limits.rps,
            daily: settings.limits.daily.map(u64::from),
            concurrency: settings.limits.concurrency,
        },
        timeout_ms: settings.timeout_ms,
        trusted_loopback: named,
        source: None,
        known_as: settings.known_as.clone(),
        tls: settings.tls.as_ref().map(|tls| {
            Arc::new(TlsRules {
                pins: tls.pins.clone(),
                only_13: tls.only_13,
            })
        }),
    })
}

async fn course(
    aimed: &Aimed,
    outbound: &Outbound,
    target: &Target,
    veil: &mut Veil,
    lang: Lang,
) -> Result<(Vec<Turn>, End), Outcome> {
    let mut turns = Vec::new();
    let random = hub_crypto::random::<32>().map_err(|e| Outcome::failed(e, lang))?;
    let context = |now| Context {
        now,
        random,
        secrets: &aimed.secrets,
        session: None,
        files: &NoFiles,
    };
    let mut step = aimed.connector.begin(&aimed.call, &context(Timestamp::now()));
    for _ in 0..MOST_STEPS {
        let (request, purpose, dialogue) = match step {
            Err(error) => return Ok((turns, End::Refused(error))),
            Ok(Step::Done { answer, .. }) => return Ok((turns, End::Answer(answer))),
            Ok(Step::Send {
                request,
                purpose,
                dialogue,
            }) => (request, purpose, dialogue),
        };
        let Outgoing::Http(request) = request else {
            let words = match lang {
                Lang::Zh => "该系统通过表或文件交换，try 只用于 HTTP",
                Lang::En => "this system is reached by rows or files; try is for HTTP",
            };
            return Err(Outcome::misused(words, lang));
        };
        if let Some(session) = dialogue.fresh_session() {
            veil.hide_session(session);
        }
        let effect = if purpose == Purpose::Act {
            aimed.operation.effect
        } else {
            Effect::None
        };
        let deadline = Instant::now() + Duration::from_millis(target.timeout_ms);
        let sent = outbound.send(target, request.clone(), deadline, effect).await;
        let mut turn = Turn {
            purpose,
            request,
            response: None,
        };
        match sent {
            Ok(response) => {
                let returned = Returned::Http(response.clone());
                step = aimed.connector.resume(dialogue, &returned, &context(Timestamp::now()));
                turn.response = Some(response);
                turns.push(turn);
            }
            Err(error) => {
                turns.push(turn);
                return Ok((turns, End::Silent(error.to_string())));
            }
        }
    }
    Err(Outcome::failed("the dialogue does not end", lang))
}

/// Everything as one object, secrets and persons hidden.
fn told(aimed: &Aimed, turns: &[Turn], end: &End, veil: &Veil, lang: Lang) -> Value {
    let input = aimed
        .operation
        .input
        .masked(&Value::Object(aimed.call.input.clone()), &[]);
    let turns: Vec<Value> = turns
        .iter()
        .map(|turn| {
            // What a login gives is a key to everything.
            let response = turn
                .response
                .as_ref()
                .map(|r| veil.response(r, turn.purpose != Purpose::Login));
            json!({"purpose": purpose(turn.purpose), "request": veil.request(&turn.request), "response": response})
        })
        .collect();
    let mut told = json!({"operation": aimed.operation.id, "system": aimed.operation.system.to_string(), "input": input, "exchange": turns});
    let (name, value) = match end {
        End::Answer(answer) => ("answer", aimed.operation.output.masked(&answer.body, &[])),
        End::Refused(error) => {
            let problem = error.problem();
            let words = veil.text(&error.to_string());
            (
                "problem",
                json!({"code": problem.code.as_str(), "title": problem.code.title().get(lang), "detail": words}),
            )
        }
        End::Silent(reason) => (
            "problem",
            json!({"code": "upstream-unavailable", "title": reason, "detail": reason}),
        ),
    };
    if let Some(map) = told.as_object_mut() {
        map.insert(name.to_owned(), value);
    }
    told
}

fn purpose(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Login => "login",
        Purpose::Upload => "upload",
        Purpose::Act => "act",
        Purpose::Ask => "ask",
    }
}

fn text(told: &Value, lang: Lang) -> String {
    let word = |zh: &'static str, en: &'static str| if lang == Lang::Zh { zh } else { en };
    let at = |pointer: &str| told.pointer(pointer).cloned().unwrap_or_default();
    let mut out = vec![
        format!("== {}", word("规范输入", "canonical input")),
        format!("{:#}", at("/input")),
    ];
    for turn in told.get("exchange").and_then(Value::as_array).into_iter().flatten() {
        for (key, title) in [("request", word("发出", "sent")), ("response", word("收到", "came"))] {
            let Some(message) = turn.get(key).filter(|m| !m.is_null()) else {
                continue;
            };
            let purpose = turn.get("purpose").and_then(Value::as_str).unwrap_or_default();
            out.push(format!("== {title} ({purpose})"));
            let text = |key: &str| message.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
            out.push(text("line"));
            for header in message.get("headers").and_then(Value::as_array).into_iter().flatten() {
                let part = |i: usize| header.get(i).and_then(Value::as_str).unwrap_or_default();
                out.push(format!("{}: {}", part(0), part(1)));
            }
            out.push(String::new());
            out.push(text("body"));
        }
    }
    match told.get("answer") {
        Some(answer) => {
            out.push(format!("== {}", word("规范应答", "canonical answer")));
            out.push(format!("{answer:#}"));
        }
        None => {
            out.push(format!("== {}", word("问题", "problem")));
            let part = |key: &str| at(&format!("/problem/{key}")).as_str().unwrap_or_default().to_owned();
            out.push(format!("{} [{}]", part("title"), part("code")));
            out.push(part("detail"));
        }
    }
    out.join("\n")
}
