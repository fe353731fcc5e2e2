//! `hub call`: one operation of the running hub, as short as it can be.

use super::args::CallArgs;
use super::outcome::Outcome;
use super::request::{Contract, Refusal};
use super::running::{Hub, ready};
use crate::wiring::Ready;
use hub_core::{Lang, RawRequest, RawResponse};
use serde_json::{Value, json};

pub async fn run(args: CallArgs, lang: Lang) -> Outcome {
    let known = ready(&args.reach.data_dir);
    let Some(base) = args
        .reach
        .address()
        .or_else(|| known.as_ref().map(|r| r.base_url.clone()))
    else {
        let data = args.reach.data_dir.display();
        return Outcome::misused(
            match lang {
                Lang::Zh => format!("{data} 中没有运行中的枢纽：先运行 hub demo，或给出 --hub"),
                Lang::En => format!("no running hub in {data}: start `hub demo`, or give --hub"),
            },
            lang,
        );
    };
    let hub = match Hub::at(&base) {
        Ok(hub) => hub,
        Err(reason) => return Outcome::misused(reason, lang),
    };
    let contract = match contract(&hub, &args.operation, lang).await {
        Ok(contract) => contract,
        Err(outcome) => return outcome,
    };
    let mut request = match contract.request(&args.fields) {
        Ok(request) => request,
        Err(refusal) => return Outcome::misused(refusal.words(lang), lang),
    };
    let door = if args.sandbox { "/sandbox" } else { "/gateway" };
    request.target = format!("{door}{}", request.target);
    if let Err(misused) = identify(&mut request, &args, &contract, known.as_ref(), lang) {
        return misused;
    }
    match hub.send(request).await {
        Ok(answer) => shown(&answer, args.json, lang),
        Err(reason) => Outcome::failed(reason, lang),
    }
}

/// Looks the operation up in the running hub's own document.
async fn contract(hub: &Hub, id: &str, lang: Lang) -> Result<Contract, Outcome> {
    let agency: String = url::form_urlencoded::byte_serialize(id.split('.').next().unwrap_or(id).as_bytes()).collect();
    let request = RawRequest {
        method: "GET".into(),
        target: format!("/openapi.json?agency={agency}"),
        ..RawRequest::default()
    };
    let answer = hub.send(request).await.map_err(|e| Outcome::failed(e, lang))?;
    let document: Value = serde_json::from_slice(&answer.body).map_err(|e| Outcome::failed(e, lang))?;
    Contract::find(document, id).map_err(|near| {
        let near = near.join(", ");
        Outcome::misused(
            match lang {
                Lang::Zh => format!("没有操作 {id}；相近的有：{near}"),
                Lang::En => format!("there is no operation {id}; near: {near}"),
            },
            lang,
        )
    })
}

/// Adds who calls and for whom. Without `--as` the persona that fits: a company's agent for services of companies.
fn identify(
    request: &mut RawRequest,
    args: &CallArgs,
    contract: &Contract,
    known: Option<&Ready>,
    lang: Lang,
) -> Result<(), Outcome> {
    let mut put = |name: &str, value: String| request.headers.push((name.to_owned(), value));
    put("accept-language", lang.tag().to_owned());
    let kept = known.and_then(|r| {
        if args.sandbox {
            r.sandbox_key.clone()
        } else {
            r.client_key.clone()
        }
    });
    if let Some(key) = args.key().or(kept) {
        put("x-api-key", key);
    }
    if let Some(scenario) = &args.scenario {
        put("hub-scenario", scenario.clone());
    }
    if contract.once() {
        put("idempotency-key", uuid::Uuid::now_v7().to_string());
    }
    if let Some(token) = args.token() {
        put("authorization", format!("Bearer {token}"));
        return Ok(());
    }
    let tokens = known.map(|r| &r.subject_tokens);
    match (&args.persona, tokens) {
        (Some(persona), _) if args.sandbox => put("hub-persona", persona.clone()),
        (Some(persona), Some(tokens)) => match tokens.get(persona) {
            Some(token) => put("authorization", format!("Bearer {token}")),
            None => {
                let near = hub_catalog::nearest(persona, tokens.keys().map(String::as_str)).join(", ");
                let words = match lang {
                    Lang::Zh => format!("没有人物 {persona}；相近的有：{near}"),
                    Lang::En => format!("there is no persona {persona}; near: {near}"),
                };
                return Err(Outcome::misused(words, lang));
            }
        },
        (None, Some(tokens)) if !args.sandbox => {
            let company = contract.for_companies();
            let default = known.and_then(|r| r.default_persona.as_ref()).filter(|_| !company);
            let fitting = default.and_then(|d| tokens.get(d));
            if let Some(token) =
                fitting.or_else(|| tokens.iter().find(|(p, _)| p.contains('@') == company).map(|(_, t)| t))
            {
                put("authorization", format!("Bearer {token}"));
            }
        }
        _ => {}
    }
    Ok(())
}

fn shown(answer: &RawResponse, as_json: bool, lang: Lang) -> Outcome {
    let body: Value =
        serde_json::from_slice(&answer.body).unwrap_or_else(|_| json!(String::from_utf8_lossy(&answer.body)));
    let good = answer.status < 400;
    if as_json {
        let headers: Value = answer
            .headers
            .iter()
            .map(|(n, v)| (n.clone(), json!(v)))
            .collect::<serde_json::Map<_, _>>()
            .into();
        return Outcome::json(&json!({"status": answer.status, "headers": headers, "body": body}))
            .with_code(u8::from(!good));
    }
    if good {
        return Outcome::done(if body.is_null() {
            String::new()
        } else {
            format!("{body:#}")
        });
    }
    let word = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default();
    let mut lines = vec![
        format!("{} {} [{}]", answer.status, word("title"), word("code")),
        word("detail").to_owned(),
    ];
    for (name, zh) in [
        ("where", "位置"),
        ("expected", "应为"),
        ("got", "实为"),
        ("fix", "怎么办"),
        ("kept", "是否保留"),
        ("request_id", "请求编号"),
    ] {
        let value = word(name);
        if !value.is_empty() {
            lines.push(format!("  {}: {value}", if lang == Lang::Zh { zh } else { name }));
        }
    }
    lines.dedup();
    Outcome::failed(lines.join("\n"), lang)
}

impl Refusal {
    pub(super) fn words(&self, lang: Lang) -> String {
        match (self, lang) {
            (Refusal::Form(field), Lang::Zh) => format!("`{field}` 应写成 名称=值"),
            (Refusal::Form(field), Lang::En) => format!("`{field}` should be NAME=VALUE"),
            (Refusal::Unknown { name, near }, Lang::Zh) => format!("没有输入 {name}；可用：{}", near.join(", ")),
            (Refusal::Unknown { name, near }, Lang::En) => {
                format!("there is no input {name}; there are: {}", near.join(", "))
            }
            (Refusal::Missing(name), Lang::Zh) => format!("缺少路径参数 {name}"),
            (Refusal::Missing(name), Lang::En) => format!("the path needs {name}"),
        }
    }
}
