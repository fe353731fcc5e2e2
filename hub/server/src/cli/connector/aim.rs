//! One operation, its connector, its input and its secrets, for commands that look at a single call.

use super::super::args::Aim;
use super::super::documents::{folders, named};
use super::super::outcome::Outcome;
use super::super::request::Refusal;
use crate::config::Config;
use crate::wiring::{Own, given_secrets};
use hub_catalog::{Catalog, nearest};
use hub_connectors::{Availability, Connector};
use hub_core::ports::Call;
use hub_core::{Lang, Operation, Shape, ShapeKind};
use serde_json::{Map, Value};
use std::sync::Arc;

/// Everything one call needs.
pub struct Aimed {
    pub operation: Arc<Operation>,
    pub connector: Arc<Connector>,
    pub call: Call,
    pub secrets: Own,
}

/// Finds the operation and its connector, reads the input and checks it against the contract.
pub fn take(aim: &Aim, lang: Lang) -> Result<Aimed, Outcome> {
    named(&aim.folders, lang)?;
    let paths = folders(&aim.folders, &Config::default().paths);
    let catalog = Catalog::load(&paths.specs).map_err(|f| Outcome::findings(&f, lang))?;
    let Some(operation) = catalog.operation(&aim.operation).cloned() else {
        let near = nearest(&aim.operation, catalog.operations().iter().map(|o| o.id.as_ref())).join(", ");
        let words = match lang {
            Lang::Zh => format!("没有操作 {}；相近的有：{near}", aim.operation),
            Lang::En => format!("there is no operation {}; near: {near}", aim.operation),
        };
        return Err(Outcome::misused(words, lang));
    };
    let (connectors, findings) = hub_connectors::load_folder(&paths.connectors, &catalog);
    let Some(connector) = connectors.get(&operation.system).cloned() else {
        let own = format!("{}/", operation.system);
        let of_system: Vec<_> = findings
            .into_iter()
            .filter(|f| f.file.replace('\\', "/").contains(&own))
            .collect();
        if !of_system.is_empty() {
            return Err(Outcome::findings(&of_system, lang));
        }
        let words = if lang == Lang::Zh {
            "没有连接器"
        } else {
            "there is no connector for"
        };
        return Err(Outcome::misused(format!("{words} {}", operation.system), lang));
    };
    if let Availability::NotYet { reason } = connector.available(operation.key()) {
        return Err(Outcome::failed(reason.get(lang), lang));
    }
    let input = input(&operation, &aim.fields).map_err(|r| Outcome::misused(r.words(lang), lang))?;
    if let Err(violations) = catalog.check_input(&operation, &input) {
        let lines: Vec<String> = violations
            .iter()
            .map(|v| format!("{}: {} ({})", v.place, v.expected.get(lang), v.got))
            .collect();
        return Err(Outcome::misused(lines.join("\n"), lang));
    }
    let source = given_secrets(aim.secrets.as_deref()).map_err(|f| Outcome::findings(&f, lang))?;
    let call = Call {
        operation: Arc::clone(&operation),
        input,
        subject: None,
        pairwise: Some("try".to_owned()),
        agent: None,
        submission: Some(uuid::Uuid::now_v7().to_string()),
        request_id: uuid::Uuid::now_v7().to_string(),
        controls: Vec::new(),
        deadline_ms: connector.settings().timeout_ms,
    };
    Ok(Aimed {
        secrets: Own::new(&source, &operation.system),
        operation,
        connector,
        call,
    })
}

/// `name=value` words as canonical input.
fn input(operation: &Operation, words: &[String]) -> Result<Map<String, Value>, Refusal> {
    let mut input = Map::new();
    for word in words {
        let (name, text) = word.split_once('=').ok_or_else(|| Refusal::Form(word.clone()))?;
        let mut shape = &operation.input;
        let mut at = &mut input;
        let mut steps = name.split('.').peekable();
        while let Some(step) = steps.next() {
            let Some(child) = shape.child(step) else {
                let near = shape.children.iter().map(|c| c.name.to_string()).collect();
                return Err(Refusal::Unknown {
                    name: name.to_owned(),
                    near,
                });
            };
            if steps.peek().is_none() {
                at.insert(step.to_owned(), typed(text, child));
                break;
            }
            let below = at.entry(step.to_owned()).or_insert_with(|| Value::Object(Map::new()));
            let Value::Object(below) = below else {
                return Err(Refusal::Form(word.clone()));
            };
            (shape, at) = (child, below);
        }
    }
    Ok(input)
}

/// A word as the value that the contract wants: a number that is a text stays one.
fn typed(text: &str, shape: &Shape) -> Value {
    if shape.kind == ShapeKind::String {
        return Value::from(text);
    }
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}
