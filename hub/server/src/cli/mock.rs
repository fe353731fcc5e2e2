//! `hub mock`: every operation of one description, answered alone.

use super::args::MockArgs;
use super::description::{description, unread};
use super::outcome::Outcome;
use crate::wiring::{MockServer, signalled};
use hub_core::{Lang, Problem, Text};
use hub_sandbox::mock::{Ask, Mock, Room, Told};
use serde_json::{Map, Value, json};
use std::sync::Arc;

pub async fn run(args: MockArgs, lang: Lang) -> Outcome {
    let description = match description(&args.file) {
        Ok(description) => description,
        Err(refused) => return unread(&refused, args.json, lang),
    };
    let mock = match Mock::new(description, args.seed) {
        Ok(mock) => mock,
        Err(error) => return Outcome::failed(error, lang),
    };
    match args.once.as_deref() {
        Some([method, path]) => once(&mock, &method.to_ascii_uppercase(), path, &args, lang),
        _ if args.stateless => serve(mock.guarded(), &args, lang).await,
        _ => serve(mock.guarded().remembering(), &args, lang).await,
    }
}

async fn serve(mock: Mock, args: &MockArgs, lang: Lang) -> Outcome {
    let server = match MockServer::bind(args.listen) {
        Ok(server) => server,
        Err(error) => return Outcome::failed(format!("{}: {error}", args.listen), lang),
    };
    let base = server.base.clone();
    let operations = mock.operations().count();
    let first = mock.operations().next();
    let inferred: Vec<Text> = match args.stateless {
        true => Vec::new(),
        false => mock.inference().map(|i| i.sentence).collect(),
    };
    let handle = match server.start(Arc::new(mock), lang) {
        Ok(handle) => handle,
        Err(error) => return Outcome::failed(error, lang),
    };
    if args.json {
        let state: Vec<&str> = inferred.iter().map(|sentence| sentence.get(lang)).collect();
        println!(
            "{}",
            json!({"base_url": base, "operations": operations, "state": state})
        );
    } else {
        let example = first
            .map(|f| format!("  {} {base}{}", f.method, f.path))
            .unwrap_or_default();
        match lang {
            Lang::Zh => println!("{base} 应答 {operations} 个操作，Ctrl-C 停止\n{example}"),
            Lang::En => println!("{base} answers {operations} operations; Ctrl-C stops it\n{example}"),
        }
        told(&inferred, lang);
    }
    signalled().await;
    handle.stop(true).await;
    Outcome::default()
}

/// Sentences of state printed at the start; a large description has hundreds.
const SENTENCES: usize = 10;

fn told(inferred: &[Text], lang: Lang) {
    if inferred.is_empty() {
        return;
    }
    match lang {
        Lang::Zh => println!("记住所做的修改（--stateless 关闭）："),
        Lang::En => println!("It remembers what is done (--stateless turns that off):"),
    }
    for sentence in inferred.iter().take(SENTENCES) {
        println!("  {}", sentence.get(lang));
    }
    let more = inferred.len().saturating_sub(SENTENCES);
    match lang {
        _ if more == 0 => {}
        Lang::Zh => println!("  另有 {more} 组"),
        Lang::En => println!("  and {more} more"),
    }
}

fn once(mock: &Mock, method: &str, target: &str, args: &MockArgs, lang: Lang) -> Outcome {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers = args.headers.iter().filter_map(|h| h.split_once(':'));
    let ask = Ask {
        method,
        path,
        query,
        headers: headers
            .map(|(n, v)| (n.trim().to_owned(), v.trim().to_owned()))
            .collect(),
        body: args.body.as_deref().unwrap_or_default().as_bytes(),
        room: Room::default(),
    };
    match mock.answer_once(&ask) {
        Ok(told) => printed(&told, args.json),
        Err(problem) => refused(&problem, args.json, lang),
    }
}

fn printed(told: &Told, as_json: bool) -> Outcome {
    let text = String::from_utf8_lossy(&told.body).into_owned();
    let outcome = if as_json {
        let headers: Map<String, Value> = told.headers.iter().map(|(n, v)| (n.clone(), json!(v))).collect();
        let body = match serde_json::from_slice::<Value>(&told.body) {
            Ok(value) => value,
            Err(_) if told.body.is_empty() => Value::Null,
            Err(_) => Value::String(text),
        };
        Outcome::json(&json!({"status": told.status, "headers": headers, "body": body}))
    } else {
        Outcome::done(text)
    };
    outcome.with_code(u8::from(told.status >= 400))
}

fn refused(problem: &Problem, as_json: bool, lang: Lang) -> Outcome {
    let document = problem.document("", lang, "");
    let status = problem.code.status();
    let outcome = if as_json {
        let headers = json!({"content-type": "application/problem+json"});
        Outcome::json(&json!({"status": status, "headers": headers, "body": document}))
    } else {
        Outcome::json(&document)
    };
    outcome.with_code(1)
}
