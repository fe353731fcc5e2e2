//! `hub register`: one description to the running hub, and its first call.

use super::args::RegisterArgs;
use super::description::{gathered, unread};
use super::outcome::Outcome;
use super::running::{Hub, ready};
use hub_core::{Finding, Lang, RawRequest};
use serde_json::{Value, json};

/// Variable with the token of a person of an agency.
const TOKEN: &str = "HUB_DESK_TOKEN";

pub async fn run(args: RegisterArgs, lang: Lang) -> Outcome {
    let (name, bytes) = match gathered(&args.file) {
        Ok(whole) => whole,
        Err(error) => return Outcome::misused(format!("{}: {error}", args.file.display()), lang),
    };
    let known = ready(&args.data_dir);
    let base = args.hub.clone().or_else(|| known.as_ref().map(|r| r.base_url.clone()));
    let variable = || std::env::var(TOKEN).ok().filter(|t| !t.is_empty());
    let kept = || known.as_ref().and_then(|r| r.desk_tokens.get("clerk").cloned());
    let token = args.desk_token.clone().or_else(variable).or_else(kept);
    let (Some(base), Some(token)) = (base, token) else {
        return Outcome::misused(nowhere(&args, lang), lang);
    };
    let hub = match Hub::at(&base) {
        Ok(hub) => hub,
        Err(reason) => return Outcome::misused(reason, lang),
    };
    match registered(&hub, &args, &name, bytes, &token, lang).await {
        Ok(Ok(version)) => shown(&hub, version, &args, lang).await,
        Ok(Err(problem)) => refused(&problem, args.json, lang),
        Err(reason) => Outcome::failed(reason, lang),
    }
}

fn nowhere(args: &RegisterArgs, lang: Lang) -> String {
    let data = args.data_dir.display();
    match lang {
        Lang::Zh => format!(
            "{data} 中没有运行中的枢纽或令牌：先运行 hub demo，或给出 --hub 和 --desk-token；只想试用请用 hub mock"
        ),
        Lang::En => format!(
            "no running hub, or no token, in {data}: start `hub demo`, or give --hub and --desk-token; `hub mock` needs neither"
        ),
    }
}

async fn registered(
    hub: &Hub,
    args: &RegisterArgs,
    name: &str,
    bytes: Vec<u8>,
    token: &str,
    lang: Lang,
) -> Result<Result<Value, Value>, String> {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("file", name);
    for (key, value) in [("agency", &args.for_agency), ("system", &args.system_name)] {
        if let Some(value) = value {
            query.append_pair(key, value);
        }
    }
    let request = RawRequest {
        method: "POST".into(),
        target: format!("/registry/versions?{}", query.finish()),
        headers: vec![
            ("authorization".into(), format!("Bearer {token}")),
            ("content-type".into(), "application/octet-stream".into()),
            ("accept-language".into(), lang.tag().to_owned()),
        ],
        body: bytes,
    };
    let answer = hub.send(request).await?;
    let value: Value = serde_json::from_slice(&answer.body).map_err(|e| e.to_string())?;
    Ok(if answer.status < 300 { Ok(value) } else { Err(value) })
}

/// Where it is, one call, and what that call answers now.
async fn shown(hub: &Hub, mut version: Value, args: &RegisterArgs, lang: Lang) -> Outcome {
    let answered = match version.get("example").filter(|e| e.is_object()) {
        Some(example) => called(hub, example).await,
        None => None,
    };
    let good = answered.as_ref().is_none_or(|a| a.0 < 400);
    if args.json {
        if let (Some(all), Some((status, body))) = (version.as_object_mut(), answered) {
            all.insert("answer".into(), json!({"status": status, "body": body}));
        }
        return Outcome::json(&version).with_code(u8::from(!good));
    }
    let word = |pointer: &str| match version.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    };
    let (must, others) = (word("/verdict/must"), word("/verdict/others"));
    let mut lines = vec![
        match lang {
            Lang::Zh => format!("{} {}：{} 个操作", word("/title"), word("/number"), word("/operations")),
            Lang::En => format!(
                "{} {}: {} operations",
                word("/title"),
                word("/number"),
                word("/operations")
            ),
        },
        match lang {
            Lang::Zh => format!("{must} 个必须修复，{others} 个建议，沙箱不受影响"),
            Lang::En => {
                format!("{must} to put right before it goes live, {others} to consider; the sandbox answers already")
            }
        },
        word("/sandbox_url"),
        format!("\n  {}", word("/example/curl")),
    ];
    if let Some((status, body)) = answered {
        let text = match &body {
            Value::String(text) => text.clone(),
            other => format!("{other:#}"),
        };
        lines.push(format!("\n{status}\n{text}"));
    }
    Outcome::done(lines.join("\n")).with_code(u8::from(!good))
}

async fn called(hub: &Hub, example: &Value) -> Option<(u16, Value)> {
    let text = |name: &str| example.get(name).and_then(Value::as_str).unwrap_or_default();
    let url = url::Url::parse(text("url")).ok()?;
    let query = url.query().map(|q| format!("?{q}")).unwrap_or_default();
    let headers = example.get("headers").and_then(Value::as_object);
    let request = RawRequest {
        method: text("method").to_owned(),
        target: format!("{}{query}", url.path()),
        headers: headers
            .into_iter()
            .flatten()
            .filter_map(|(n, v)| Some((n.clone(), v.as_str()?.to_owned())))
            .collect(),
        body: text("body").as_bytes().to_vec(),
    };
    let answer = hub.send(request).await.ok()?;
    let body = serde_json::from_slice(&answer.body).unwrap_or_else(|_| json!(String::from_utf8_lossy(&answer.body)));
    Some((answer.status, body))
}

fn refused(problem: &Value, as_json: bool, lang: Lang) -> Outcome {
    let word = |name: &str| problem.get(name).and_then(Value::as_str).unwrap_or_default();
    let unreadable = word("code") == "description-unreadable";
    if unreadable
        && let Some(Ok(findings)) = problem
            .get("findings")
            .map(|f| serde_json::from_value::<Vec<Finding>>(f.clone()))
    {
        return unread(&findings, as_json, lang);
    }
    let outcome = if as_json {
        Outcome::json(problem)
    } else {
        Outcome::failed(
            format!(
                "{} [{}] {}\n  {}",
                word("detail"),
                word("code"),
                word("got"),
                word("fix")
            ),
            lang,
        )
    };
    outcome.with_code(1)
}
