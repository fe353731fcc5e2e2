//! One OpenAPI document to a system with its operations.

use super::dictionary::Dictionary;
use super::extensions::Extensions;
use super::operation::{self, Draft};
use super::report::{At, Report};
use super::schema::{Home, Rewriter, component_name};
use super::shape::Outline;
use crate::{Document, nearest};
use hub_core::{DataLevel, Finding, System, SystemId, Text};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;

/// Methods of a path item.
pub const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
/// What may stand beside methods in a path item.
const BESIDE_METHODS: [&str; 5] = ["summary", "description", "servers", "parameters", "$ref"];

/// What one document came to.
pub(super) struct Built<'d> {
    pub(super) system: Option<System>,
    pub(super) operations: Vec<Draft>,
    pub(super) components: HashMap<String, Arc<Value>>,
    pub(super) report: Report<'d>,
}

/// The surroundings of an operation while it is read.
pub(super) struct Context<'a> {
    pub(super) system: &'a System,
    pub(super) dictionary: &'a Dictionary,
    pub(super) rewriter: Rewriter<'a>,
    pub(super) outline: Outline<'a>,
    /// Whether the document has no extension at all: a stranger's.
    pub(super) is_plain: bool,
    /// Whether any operation names a service.
    pub(super) has_services: bool,
}

/// Reads a document named `<agency>/<system>.yaml`.
pub(super) fn read<'d>(document: &'d Document, dictionary: &Dictionary, extensions: &Extensions) -> Built<'d> {
    let mut report = Report::new(document);
    let is_plain = !extensions.check(&mut report);
    let Some(id) = id_of(document, &mut report) else {
        return Built::nothing(report);
    };
    let Some(is_30) = version(document, &mut report) else {
        return Built::nothing(report);
    };
    let system = system(id, document);
    let prefix = format!("{}.{}", system.id.agency, system.id.system);
    let rewriter = Rewriter {
        home: Home::System {
            dictionary,
            prefix: &prefix,
        },
        is_30,
    };
    let components = components(document, &prefix, &rewriter, &mut report);
    // Whoever marks levels at all has marked what is sensitive; of a stranger's values nothing is known.
    let default_level = if is_plain { DataLevel::L2 } else { DataLevel::L1 };
    let context = Context {
        system: &system,
        dictionary,
        outline: Outline::of_system(dictionary, &components, default_level),
        rewriter,
        is_plain,
        has_services: names_services(document),
    };
    let operations = operations(&context, &mut report);
    Built {
        operations,
        system: Some(system),
        components,
        report,
    }
}

impl<'d> Built<'d> {
    fn nothing(report: Report<'d>) -> Self {
        Self {
            system: None,
            operations: Vec::new(),
            components: HashMap::new(),
            report,
        }
    }
}

fn id_of(document: &Document, report: &mut Report<'_>) -> Option<SystemId> {
    let stem = document
        .name
        .rsplit_once('.')
        .map_or(document.name.as_str(), |(stem, _)| stem);
    match SystemId::try_from(stem.to_owned()) {
        Ok(id) => Some(id),
        Err(error) => {
            let finding = report.finding(
                "bad-file-name",
                &At::Root,
                "文件应放在 <部门>/<系统>.yaml，名称只用小写字母、数字和连字符",
                "A spec stands at <agency>/<system>.yaml, in lower-case letters, digits and hyphens",
            );
            report.push(finding.expected("<agency>/<system>.yaml", error.0));
            None
        }
    }
}

/// Whether the document is OpenAPI 3.0; `None` where it is none that can be read.
fn version(document: &Document, report: &mut Report<'_>) -> Option<bool> {
    let said = document
        .value
        .get("openapi")
        .map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned));
    match said.as_deref() {
        Some(v) if v.starts_with("3.0") => Some(true),
        Some(v) if v.starts_with("3.1") || v.starts_with("3.2") => Some(false),
        other => {
            let key = At::Root.key("openapi");
            let got = match (other, document.value.get("swagger")) {
                (Some(v), _) => format!("openapi: {v}"),
                (None, Some(v)) => format!("swagger: {v}"),
                (None, None) => "no openapi key".to_owned(),
            };
            let finding = report.finding(
                "not-openapi",
                &key,
                "这不是 OpenAPI 3.0 或 3.1 文档",
                "This is no OpenAPI 3.0 or 3.1 document",
            );
            report.push(finding.expected("openapi: 3.1.0", got));
            None
        }
    }
}

fn system(id: SystemId, document: &Document) -> System {
    let info = document.value.get("info");
    let word = |key: &str| info.and_then(|i| i.get(key)).and_then(Value::as_str);
    let fallback = id.to_string();
    let zh = word("title").filter(|t| !t.is_empty()).unwrap_or(&fallback);
    let en = word("x-hub-en").unwrap_or(zh);
    let version = info.and_then(|i| i.get("version")).map_or_else(
        || "1.0.0".to_owned(),
        |v| v.as_str().map_or_else(|| v.to_string(), str::to_owned),
    );
    System {
        name: Text::new(zh, en),
        major: major_of(&version),
        version,
        id,
    }
}

/// The first digits of a version: `v2.1` is 2, `1` where there are none.
#[must_use]
pub fn major_of(version: &str) -> u32 {
    let digits: String = version
        .trim_start_matches(['v', 'V'])
        .chars()
        .take_while(char::is_ascii_digit)
        .take(6)
        .collect();
    digits.parse().unwrap_or(1)
}

fn names_services(document: &Document) -> bool {
    let paths = document.value.get("paths").and_then(Value::as_object);
    let mut operations = paths
        .into_iter()
        .flatten()
        .filter_map(|(_, item)| item.as_object())
        .flatten();
    operations.any(|(_, operation)| operation.get("x-hub-service").is_some())
}

fn components(
    document: &Document,
    prefix: &str,
    rewriter: &Rewriter<'_>,
    report: &mut Report<'_>,
) -> HashMap<String, Arc<Value>> {
    let parent = At::Root.key("components");
    let at = parent.key("schemas");
    let own = document.value.pointer("/components/schemas").and_then(Value::as_object);
    own.into_iter()
        .flatten()
        .map(|(name, schema)| {
            let schema = rewriter.rewrite(schema, &at.key(name), report);
            (component_name(prefix, name), Arc::new(schema))
        })
        .collect()
}

fn operations(context: &Context<'_>, report: &mut Report<'_>) -> Vec<Draft> {
    let document = report.document;
    let at = At::Root.key("paths");
    let paths = document.value.get("paths");
    if paths.is_some_and(|p| !p.is_object()) {
        report.error("bad-paths", &at, "paths 应为对象", "`paths` is an object");
    }
    let mut drafts = Vec::new();
    for (path, item) in paths.and_then(Value::as_object).into_iter().flatten() {
        if path.starts_with("x-") {
            continue;
        }
        let here = at.key(path);
        if !path.starts_with('/') {
            let finding = report.finding("bad-path", &here, "路径应以 / 开头", "A path starts with /");
            report.push(finding.expected(format!("/{path}"), path.as_str()));
            continue;
        }
        let Some((item, pointer)) = follow(item, &here, report) else {
            continue;
        };
        path_item(path, item, &At::Pointer(&pointer), context, report, &mut drafts);
    }
    drafts
}

fn path_item<'d>(
    path: &'d str,
    item: &'d Value,
    at: &At<'_>,
    context: &Context<'_>,
    report: &mut Report<'d>,
    drafts: &mut Vec<Draft>,
) {
    let Value::Object(item) = item else {
        report.error(
            "bad-path-item",
            at,
            "路径下应为对象",
            "A path holds an object of methods",
        );
        return;
    };
    for (method, operation) in item {
        let here = at.key(method);
        if METHODS.contains(&method.as_str()) {
            let site = operation::Site {
                path,
                method,
                shared: item.get("parameters"),
                shared_at: at,
            };
            drafts.extend(operation::read(&site, operation, &here, context, report));
        } else if !BESIDE_METHODS.contains(&method.as_str()) && !method.starts_with("x-") {
            let near = nearest(method, METHODS);
            let finding = report.finding(
                "unknown-method",
                &here,
                format!("路径下不能有 `{method}`"),
                format!("`{method}` is no method"),
            );
            report.push(finding.expected(METHODS.join(", "), method.as_str()).near(near));
        }
    }
}

/// Follows local references of things that are no schemas (parameters, bodies, answers, path items), with the place
/// where the thing really stands.
pub(super) fn follow<'d>(value: &'d Value, at: &At<'_>, report: &mut Report<'d>) -> Option<(&'d Value, String)> {
    let document: &'d Document = report.document;
    let (mut value, mut pointer) = (value, at.pointer());
    for _ in 0..8 {
        let Some(reference) = value.get("$ref").and_then(Value::as_str) else {
            return Some((value, pointer));
        };
        let target = reference
            .strip_prefix('#')
            .and_then(|p| document.value.pointer(p).map(|v| (v, p)));
        let Some((next, place)) = target else {
            let finding = unresolved(reference, &pointer, report);
            report.push(finding);
            return None;
        };
        (value, pointer) = (next, place.to_owned());
    }
    report.error("reference-cycle", at, "引用循环", "The reference leads back to itself");
    None
}

fn unresolved(reference: &str, pointer: &str, report: &Report<'_>) -> Finding {
    let folder = reference.rsplit_once('/').map_or("", |(folder, _)| folder);
    let siblings = folder
        .strip_prefix('#')
        .and_then(|p| report.document.value.pointer(p))
        .and_then(Value::as_object);
    let names: Vec<String> = siblings
        .into_iter()
        .flatten()
        .map(|(name, _)| format!("{folder}/{name}"))
        .collect();
    let place = format!("{pointer}/$ref");
    let finding = report.finding(
        "unresolved-reference",
        &At::Pointer(&place),
        format!("引用 `{reference}` 找不到目标"),
        format!("`{reference}` leads nowhere"),
    );
    finding.near(nearest(reference, names.iter().map(String::as_str)))
}
