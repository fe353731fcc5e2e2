//! Parameters of an operation.

use super::body;
use super::report::{At, Report};
use super::system::{Context, follow};
use crate::nearest;
use hub_core::{Parameter, ParameterPlace, Shape};
use serde_json::{Value, json};
use std::sync::Arc;

/// Headers that OpenAPI or the hub itself gives a meaning; a contract does not describe them.
const OWN_HEADERS: [&str; 7] = [
    "accept",
    "content-type",
    "authorization",
    "x-api-key",
    "x-request-id",
    "idempotency-key",
    "traceparent",
];

/// A parameter with its outline and example values.
pub(super) struct Given {
    pub(super) parameter: Parameter,
    pub(super) shape: Shape,
    pub(super) examples: Vec<(String, Value)>,
    /// Pointer to where it is written.
    pub(super) pointer: String,
}

/// The parameters of the path item and of the operation; the operation's win.
pub(super) fn read<'d>(
    lists: [(Option<&'d Value>, &At<'_>); 2],
    context: &Context<'_>,
    report: &mut Report<'d>,
) -> Vec<Given> {
    let mut all: Vec<Given> = Vec::new();
    for (list, at) in lists {
        let here = at.key("parameters");
        let items = list.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        for (index, item) in items.iter().enumerate() {
            let Some((item, pointer)) = follow(item, &here.index(index), report) else {
                continue;
            };
            let Some(given) = one(item, pointer, context, report) else {
                continue;
            };
            let same =
                |g: &Given| g.parameter.name == given.parameter.name && g.parameter.place == given.parameter.place;
            match all.iter_mut().find(|g| same(g)) {
                Some(earlier) => *earlier = given,
                None => all.push(given),
            }
        }
    }
    all
}

fn one<'d>(item: &'d Value, pointer: String, context: &Context<'_>, report: &mut Report<'d>) -> Option<Given> {
    let at = At::Pointer(&pointer);
    let Some(name) = item.get("name").and_then(Value::as_str) else {
        report.error("bad-parameter", &at, "参数缺少 name", "A parameter needs a `name`");
        return None;
    };
    let place = match item.get("in").and_then(Value::as_str) {
        Some("path") => ParameterPlace::Path,
        Some("query") => ParameterPlace::Query,
        Some("header") if OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str()) => return None,
        Some("header") => ParameterPlace::Header,
        Some("cookie") => {
            report.warning(
                "cookie-parameter",
                &at,
                "枢纽不转发 Cookie 参数",
                "The hub passes no cookies on; this parameter is left out",
            );
            return None;
        }
        other => {
            let finding = report.finding(
                "bad-parameter",
                &at,
                "参数的 in 不正确",
                "The `in` of a parameter is wrong",
            );
            let got = other.unwrap_or("nothing");
            let near = nearest(got, ["path", "query", "header"]);
            report.push(finding.expected("path, query or header", got).near(near));
            return None;
        }
    };
    let (holder, here) = match item
        .get("content")
        .and_then(Value::as_object)
        .and_then(|c| c.iter().next())
    {
        Some((media_type, media)) => (
            media,
            format!("{pointer}/content/{}", crate::document::escape(media_type)),
        ),
        None => (item, pointer.clone()),
    };
    let here = At::Pointer(&here);
    let schema = match holder.get("schema") {
        Some(schema) => context.rewriter.rewrite(schema, &here.key("schema"), report),
        None => json!({"type": "string"}),
    };
    let required = place == ParameterPlace::Path || item.get("required") == Some(&Value::Bool(true));
    let shape = context.outline.draw(name, &Arc::new(schema), required);
    let examples = body::examples(item, &shape.schema, &at, report);
    let parameter = Parameter {
        name: name.to_owned(),
        place,
        required,
        schema: Arc::clone(&shape.schema),
    };
    Some(Given {
        parameter,
        shape,
        examples,
        pointer,
    })
}

/// Every `{name}` of the path has its parameter and the other way round.
pub(super) fn check_path(path: &str, given: &[Given], at: &At<'_>, report: &mut Report<'_>) {
    let names = template_names(path);
    let Some(names) = names else {
        report.error(
            "bad-path",
            at,
            format!("路径 `{path}` 的花括号不成对"),
            format!("The braces of `{path}` don't match"),
        );
        return;
    };
    let in_path: Vec<&Given> = given
        .iter()
        .filter(|g| g.parameter.place == ParameterPlace::Path)
        .collect();
    for name in &names {
        if !in_path.iter().any(|g| g.parameter.name == *name) {
            let near = nearest(name, in_path.iter().map(|g| g.parameter.name.as_str()));
            let finding = report.finding(
                "missing-path-parameter",
                at,
                format!("路径中的 {{{name}}} 没有对应的参数"),
                format!("{{{name}}} of the path has no parameter"),
            );
            report.push(finding.near(near));
        }
    }
    for given in in_path {
        let name = given.parameter.name.as_str();
        if !names.contains(&name) {
            let finding = report.finding(
                "stray-path-parameter",
                &At::Pointer(&given.pointer),
                format!("路径中没有 {{{name}}}"),
                format!("There is no {{{name}}} in the path"),
            );
            report.push(finding.near(nearest(name, names.iter().copied())));
        }
    }
}

/// The names in a path template; `None` where the braces don't match.
fn template_names(path: &str) -> Option<Vec<&str>> {
    let mut names = Vec::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        if before.contains('}') {
            return None;
        }
        let (name, tail) = after.split_once('}')?;
        if name.is_empty() || name.contains(['{', '/']) {
            return None;
        }
        names.push(name);
        rest = tail;
    }
    (!rest.contains('}')).then_some(names)
}
