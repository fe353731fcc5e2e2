//! The server half: files as the system would drop them, and requests taken from where it would find them.

use super::{BatchRules, MOST_FILES, named_by, split};
use crate::connector::{Connector, Handler};
use crate::context::{NoFiles, ServerContext};
use crate::dialect;
use crate::mapping::encode::{Absent, Encoder};
use crate::parts::Parts;
use crate::plan::{Plan, Transport};
use crate::server::{Outcome, business, document};
use crate::statement::Statement;
use hub_core::Operation;
use hub_core::time::{Timestamp, civil};
use hub_core::transport::{FileAnswer, FileFound, FileLook, FileRequest, FileWrite};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

fn plans(connector: &Connector) -> impl Iterator<Item = (&BatchRules, &Arc<Plan>)> {
    connector.plans.values().filter_map(|plan| match &plan.transport {
        Transport::File(rules) => Some((rules.as_ref(), plan)),
        _ => None,
    })
}

/// The server half: the files that answer the questions of the contract's own examples, together in one file, or one each
/// where its name tells them apart.
pub(crate) fn published(
    connector: &Connector,
    context: &ServerContext<'_>,
    handler: &mut Handler<'_>,
) -> Vec<FileWrite> {
    let all = plans(connector);
    all.flat_map(|(rules, plan)| publish(connector, rules, plan, context, handler))
        .collect()
}

fn publish(
    connector: &Connector,
    rules: &BatchRules,
    plan: &Plan,
    context: &ServerContext<'_>,
    handler: &mut Handler<'_>,
) -> Vec<FileWrite> {
    let Some(pattern) = rules.files.as_deref().filter(|_| rules.submits(plan).is_none()) else {
        return Vec::new();
    };
    let day = civil(context.now).date().to_string().replace('-', "");
    let mut files = Vec::new();
    for (asked, records) in records_of(connector, plan, context, handler, pattern.contains('{')) {
        let path = named_by(pattern, &asked).replace('*', &format!("{day}_001"));
        files.extend(
            rules
                .files_of(&path, &records, connector.wiring.charset)
                .unwrap_or_default(),
        );
    }
    files
}

/// What the examples of a contract ask for; of a statement, the two days before.
fn examples(connector: &Connector, operation: &Arc<Operation>, now: Timestamp) -> Vec<Map<String, Value>> {
    if !connector.is_statement(operation) {
        return operation.examples.iter().filter_map(|e| e.input.clone()).collect();
    }
    let days = std::iter::successors(civil(now).date().yesterday().ok(), |day| day.yesterday().ok());
    days.take(2).map(Statement::asked).collect()
}

fn records_of(
    connector: &Connector,
    plan: &Plan,
    context: &ServerContext<'_>,
    handler: &mut Handler<'_>,
    apart: bool,
) -> Vec<(Value, Vec<Value>)> {
    let Some(operation) = &plan.operation else {
        return Vec::new();
    };
    let encoder = Encoder {
        files: &NoFiles,
        uploaded: &BTreeMap::new(),
        absent: Absent::Drop,
        today: Some(hub_core::time::civil(context.now).date()),
    };
    let mut files: Vec<(Value, Vec<Value>)> = if apart { Vec::new() } else { vec![Default::default()] };
    for input in examples(connector, operation, context.now) {
        let mut asked = Value::Object(Map::new());
        let source = Value::Object(input.clone());
        if encoder.encode(&plan.request, &source, &mut asked, "").is_err() {
            continue;
        }
        let Ok(answer) = handler(operation, input) else {
            continue;
        };
        let tree = document(connector, context, plan, &source, &Outcome::Good(answer));
        let mut items = match tree {
            Value::Array(items) => items,
            one => vec![one],
        };
        let first = items.first().and_then(Value::as_object).cloned().unwrap_or_default();
        for item in &mut items {
            let Value::Object(item) = item else { continue };
            // What is said once of all lines stands in each of them.
            for (name, value) in asked.as_object().into_iter().flatten().chain(&first) {
                item.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        if apart {
            files.push((asked, Vec::new()));
        }
        let Some((_, records)) = files.last_mut() else { continue };
        for item in items {
            if !records.contains(&item) {
                records.push(item);
            }
        }
    }
    files
}

/// The server half: where requests appear.
pub(crate) fn requests(connector: &Connector) -> Vec<FileLook> {
    let mut looks: Vec<FileLook> = Vec::new();
    for (rules, plan) in plans(connector) {
        if let Some((folder, name)) = rules.submits(plan).map(split) {
            let (prefix, suffix) = name.split_once("{key}").unwrap_or((name, ""));
            looks.push(FileLook {
                folder: folder.to_owned(),
                prefix: prefix.to_owned(),
                suffix: suffix.to_owned(),
                marker: rules.marker.clone(),
                most: MOST_FILES,
            });
        }
    }
    looks
}

/// The server half: the answer to a request's file, if it is one.
pub(crate) fn take(
    connector: &Connector,
    path: &str,
    bytes: &[u8],
    context: &ServerContext<'_>,
    handler: &mut Handler<'_>,
) -> Vec<FileWrite> {
    let charset = connector.wiring.charset;
    for (rules, plan) in plans(connector) {
        let Some((before, after)) = rules.submits(plan).and_then(|p| p.split_once("{key}")) else {
            continue;
        };
        let Some(key) = path.strip_prefix(before).and_then(|p| p.strip_suffix(after)) else {
            continue;
        };
        let file = FileFound {
            name: path.to_owned(),
            bytes: bytes.to_vec(),
            marker: None,
        };
        let Ok(mut records) = rules.records(&file, charset) else {
            continue;
        };
        let Some(mut fields) = records.pop() else { continue };
        dialect::expand(&mut fields, &plan.request);
        let parts = Parts {
            outer: fields.clone(),
            fields,
            ..Parts::default()
        };
        let (input, outcome) = business(plan, &parts, context.now, handler);
        let Some(reply) = &rules.reply else {
            return Vec::new();
        };
        let tree = document(connector, context, plan, &input, &outcome);
        let written = rules.files_of(&reply.replace("{key}", key), &[tree], charset);
        return written.unwrap_or_default();
    }
    Vec::new()
}

/// The server half without a folder: the answer to an exchange straight from its files.
pub(crate) fn serve(
    connector: &Connector,
    request: &FileRequest,
    context: &ServerContext<'_>,
    handler: &mut Handler<'_>,
) -> FileAnswer {
    let written = match request.writes.first() {
        Some(data) => take(connector, &data.path, &data.bytes, context, handler),
        None => plans(connector)
            .filter(|(rules, _)| {
                let by_name = rules.files.as_deref().is_some_and(|files| files.contains('{'));
                by_name || rules.look(MOST_FILES) == request.look
            })
            .flat_map(|(rules, plan)| publish(connector, rules, plan, context, handler))
            .collect(),
    };
    let Some(look) = &request.look else {
        return FileAnswer::default();
    };
    let files = written.iter().filter_map(|file| {
        let (folder, name) = split(&file.path);
        let fits = folder == look.folder && name.starts_with(&look.prefix) && name.ends_with(&look.suffix);
        let is_marker = !look.marker.is_empty() && name.ends_with(&look.marker);
        let marker = format!("{}{}", file.path, look.marker);
        (fits && !is_marker).then(|| FileFound {
            name: name.to_owned(),
            bytes: file.bytes.clone(),
            marker: written.iter().find(|m| m.path == marker).map(|m| m.bytes.clone()),
        })
    });
    FileAnswer {
        files: files.take(look.most).collect(),
    }
}
