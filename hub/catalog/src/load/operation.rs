//! One operation of a document.

use super::body::{self, Answer, Body};
use super::parameter::{self, Given};
use super::report::{At, Report};
use super::service::{self, Membership};
use super::shape::weigh;
use super::system::Context;
use crate::catalog::BODY_FIELD;
use crate::nearest;
use hub_core::{
    Assurance, Audience, DataLevel, Effect, Operation, ParameterPlace, PathTemplate, Shape, SubjectBinding, SystemId,
    Text,
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::str::FromStr;

/// Where an operation stands in its document.
pub(super) struct Site<'d, 'a> {
    pub(super) path: &'d str,
    pub(super) method: &'d str,
    /// Parameters of the path item.
    pub(super) shared: Option<&'d Value>,
    pub(super) shared_at: &'a At<'a>,
}

/// An operation that waits for its service.
pub(super) struct Draft {
    pub(super) operation: Operation,
    pub(super) membership: Membership,
    /// Whether the body may be left out.
    pub(super) body_is_optional: bool,
    /// Pointer to it in its document, for findings about several documents.
    pub(super) pointer: String,
}

pub(super) fn read<'d>(
    site: &Site<'d, '_>,
    value: &'d Value,
    at: &At<'_>,
    context: &Context<'_>,
    report: &mut Report<'d>,
) -> Option<Draft> {
    if !value.is_object() {
        report.error("bad-operation", at, "操作应为对象", "An operation is an object");
        return None;
    }
    let lists = [(site.shared, site.shared_at), (value.get("parameters"), at)];
    let given = parameter::read(lists, context, report);
    parameter::check_path(site.path, &given, at, report);
    let request = body::request(value, at, context, report);
    let answer = body::answer(value, at, context, report);
    let bound: Vec<SubjectBinding> = bindings(value);
    let input = input(&given, request.as_ref(), &bound, context, at, report);
    let body_is_optional = request.as_ref().is_some_and(|b| !b.required);
    let operation = assemble(site, value, given, request, answer, input, bound, context);
    check(&operation, at, report);
    Some(Draft {
        membership: service::membership(value, context),
        operation,
        body_is_optional,
        pointer: at.pointer(),
    })
}

#[allow(
    clippy::too_many_arguments,
    reason = "the parts of one operation, put together in one place"
)]
fn assemble(
    site: &Site<'_, '_>,
    value: &Value,
    given: Vec<Given>,
    request: Option<Body>,
    answer: Answer,
    mut input: Shape,
    bound: Vec<SubjectBinding>,
    context: &Context<'_>,
) -> Operation {
    let audience = word(value, "x-hub-audience").unwrap_or(Audience::Both);
    let assurance = word(value, "x-hub-assurance").unwrap_or(Assurance::R2);
    let mut output = answer.body.as_ref().map_or_else(Shape::empty, |b| b.shape.clone());
    weigh(&mut input, context.dictionary, audience, assurance);
    weigh(&mut output, context.dictionary, audience, assurance);
    let values: Vec<_> = given
        .iter()
        .map(|g| (g.parameter.name.as_str(), g.examples.as_slice()))
        .collect();
    let is_bound = |field: &str| bound.iter().any(|b| b.field == field);
    let examples = body::join(&values, request.as_ref(), answer.body.as_ref(), is_bound);
    let id = operation_id(&context.system.id, site.method, site.path, value);
    let summary = texts(value, "summary").unwrap_or_else(|| Text::same(id.clone()));
    Operation {
        id: id.into(),
        system: context.system.id.clone(),
        service: None,
        method: site.method.to_ascii_uppercase(),
        path: PathTemplate(site.path.to_owned()),
        major: context.system.major,
        assurance,
        audience,
        effect: word(value, "x-hub-effect").unwrap_or_else(|| effect_of(site.method)),
        level: input.highest_level().max(output.highest_level()),
        bound,
        cache_seconds: value
            .get("x-hub-cache")
            .and_then(Value::as_u64)
            .and_then(|s| u32::try_from(s).ok()),
        basis: extension(value, "x-hub-basis"),
        parameters: given.into_iter().map(|g| g.parameter).collect(),
        request_type: request.as_ref().map(|b| b.media_type.clone()),
        request: request.map(|b| b.schema),
        status: answer.status,
        response: answer.body.map(|b| b.schema),
        input,
        output,
        description: texts(value, "description").unwrap_or_else(|| summary.clone()),
        summary,
        examples,
    }
}

/// The flat input: parameters, body properties, and bound fields that stand nowhere.
fn input(
    given: &[Given],
    request: Option<&Body>,
    bound: &[SubjectBinding],
    context: &Context<'_>,
    at: &At<'_>,
    report: &mut Report<'_>,
) -> Shape {
    let mut input = Shape::empty();
    input.children = given.iter().map(|g| g.shape.clone()).collect();
    match request {
        Some(body) if body.is_flat() => {
            for child in &body.shape.children {
                let required = child.required && body.required;
                match input.children.iter_mut().find(|c| c.name == child.name) {
                    Some(parameter) => parameter.required |= required,
                    None => input.children.push(Shape {
                        required,
                        ..child.clone()
                    }),
                }
            }
        }
        Some(body) => input.children.push(Shape {
            name: BODY_FIELD.into(),
            required: body.required,
            ..body.shape.clone()
        }),
        None => {}
    }
    for binding in bound {
        bind(&mut input, binding, given, request, context, at, report);
    }
    input
}

fn bind(
    input: &mut Shape,
    binding: &SubjectBinding,
    given: &[Given],
    request: Option<&Body>,
    context: &Context<'_>,
    at: &At<'_>,
    report: &mut Report<'_>,
) {
    let field = binding.field.as_str();
    let subject = at.key("x-hub-subject");
    let here = subject.key(field);
    if given.iter().any(|g| g.parameter.name == field) {
        let zh = format!("绑定字段 `{field}` 不能是参数");
        report.error(
            "bound-parameter",
            &here,
            zh,
            format!("The bound field `{field}` can't be a parameter"),
        );
    }
    let in_body = request.and_then(|b| b.shape.child(field));
    if in_body.is_some_and(|c| c.required) {
        let finding = report.finding(
            "bound-required",
            &here,
            format!("绑定字段 `{field}` 不能列入 required"),
            format!("The bound field `{field}` can't be in the body's `required`"),
        );
        let fix = Text::new(
            "请从 required 中去掉，枢纽会填写",
            "Take it out of `required`; the hub fills it in.",
        );
        report.push(finding.fix(fix));
    }
    if let Some(child) = input.children.iter_mut().find(|c| c.name.as_ref() == field) {
        child.required = true;
        return;
    }
    match context.dictionary.field(field) {
        Some(known) => input.children.push(Shape {
            required: true,
            ..known.shape.clone()
        }),
        None => {
            let body = request
                .into_iter()
                .flat_map(|b| &b.shape.children)
                .map(|c| c.name.as_ref());
            let near = nearest(field, body.chain(context.dictionary.names()));
            let finding = report.finding(
                "unknown-bound-field",
                &here,
                format!("绑定字段 `{field}` 既不在请求体中也不在字典中"),
                format!("The bound field `{field}` is neither in the body nor in the dictionary"),
            );
            report.push(finding.near(near));
        }
    }
}

/// What levels and assurance forbid.
fn check(operation: &Operation, at: &At<'_>, report: &mut Report<'_>) {
    let anonymous = operation.assurance == Assurance::R0;
    if anonymous && operation.level > DataLevel::L2 {
        let shapes = operation.input.children.iter().chain([&operation.output]);
        let highest = shapes.map(|s| heaviest(s, "")).max_by_key(|(level, _)| *level);
        let (level, name) = highest.unwrap_or((operation.level, String::new()));
        let finding = report.finding(
            "anonymous-level",
            &at.key("x-hub-assurance"),
            format!("R0 操作不能含 L2 以上的字段（`{name}`）"),
            format!("An R0 operation can't hold a field above L2 (`{name}`)"),
        );
        report.push(finding.expected("L2 at most", level.as_str()));
    }
    if anonymous && !operation.bound.is_empty() {
        let zh = "R0 操作没有主体，不能绑定字段";
        report.error(
            "anonymous-bound",
            &at.key("x-hub-subject"),
            zh,
            "An R0 operation has no subject to bind fields from",
        );
    }
    address_levels(operation, at, report);
    let cacheable = anonymous && operation.level == DataLevel::L1 && operation.bound.is_empty();
    if operation.cache_seconds.is_some() && !cacheable {
        let (zh, en) = (
            "缓存仅对 R0、L1 且无绑定字段的操作有效",
            "A cache works only for R0 operations of level L1 that bind nothing",
        );
        report.warning("cache-without-effect", &at.key("x-hub-cache"), zh, en);
    }
}

/// Addresses end up in logs and histories: nothing above L2 belongs there.
fn address_levels(operation: &Operation, at: &At<'_>, report: &mut Report<'_>) {
    for parameter in operation
        .parameters
        .iter()
        .filter(|p| p.place != ParameterPlace::Header)
    {
        let level = operation.input.child(&parameter.name).map(Shape::highest_level);
        let Some(level) = level.filter(|l| *l > DataLevel::L2) else {
            continue;
        };
        let name = &parameter.name;
        let finding = report.finding(
            "level-in-address",
            &at.key("parameters"),
            format!("`{name}` 高于 L2，不能出现在路径或查询参数中"),
            format!("`{name}` is above L2 and can't stand in a path or query"),
        );
        let fix = Text::new(
            "请改为由主体绑定（x-hub-subject），或改用 POST 并设 x-hub-effect: none",
            "Bind it from the subject (x-hub-subject), or make the query a POST with x-hub-effect: none.",
        );
        report.push(finding.expected("L2 at most", level.as_str()).fix(fix));
    }
}

/// The most sensitive value below a shape and its name.
fn heaviest(shape: &Shape, outer: &str) -> (DataLevel, String) {
    let name = if shape.name.is_empty() {
        outer
    } else {
        shape.name.as_ref()
    };
    let below = shape
        .children
        .iter()
        .chain(shape.item.as_deref())
        .map(|c| heaviest(c, name));
    let own = (shape.level, name.to_owned());
    below
        .chain([own.clone()])
        .max_by_key(|(level, _)| *level)
        .unwrap_or(own)
}

/// The id: as written where it starts with the agency, else put below `agency.system.`; from method and path where
/// there is none. So ids of strangers can't collide with anybody's.
/// The last part of an operation's id from its `operationId`, or from `METHOD /path` where it has none.
#[must_use]
pub fn operation_key(text: &str) -> String {
    match text.split_once(" /") {
        Some((method, path)) => tame(&format!("{} /{path}", method.to_ascii_lowercase())),
        None => tame(text),
    }
}

fn tame(text: &str) -> String {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')));
    words.filter(|w| !w.is_empty()).collect::<Vec<_>>().join("-")
}

/// The id of an operation in the catalog, where its document stands under this system.
#[must_use]
pub fn operation_id(system: &SystemId, method: &str, path: &str, value: &Value) -> String {
    let operation_id = value.get("operationId").and_then(Value::as_str);
    let written = operation_id.map(tame).filter(|id| !id.is_empty());
    // A system may carry services of another agency; their slugs start with that agency's code.
    let service = value.get("x-hub-service");
    let slug = service.and_then(|s| s.as_str().or_else(|| s.get("id")?.as_str()));
    let is_full =
        |id: &str| id.starts_with(&format!("{}.", system.agency)) || slug.is_some_and(|slug| id.starts_with(slug));
    match written {
        // The newest major of the system has the plain id.
        Some(id) if system.is_earlier() => format!("{}.{}.{}", system.agency, system.system, plain(&id, system)),
        Some(id) if is_full(&id) => id,
        Some(id) => format!("{}.{}.{id}", system.agency, system.system),
        None => {
            let derived = operation_key(&format!("{method} {path}"));
            format!("{}.{}.{derived}", system.agency, system.system)
        }
    }
}

/// An id without the names of agency and system in front of it.
fn plain<'i>(id: &'i str, system: &SystemId) -> &'i str {
    let rest = id.strip_prefix(&format!("{}.", system.agency)).unwrap_or(id);
    rest.strip_prefix(&format!("{}.", system.public_name())).unwrap_or(rest)
}

fn effect_of(method: &str) -> Effect {
    match method {
        "put" | "delete" => Effect::Repeatable,
        "post" | "patch" => Effect::Once,
        _ => Effect::None,
    }
}

fn bindings(value: &Value) -> Vec<SubjectBinding> {
    let map = value.get("x-hub-subject").and_then(Value::as_object);
    map.into_iter()
        .flatten()
        .filter_map(|(field, from)| {
            let from = serde_json::from_value(from.clone()).ok()?;
            Some(SubjectBinding {
                field: field.clone(),
                from,
            })
        })
        .collect()
}

/// A word of one of the scales. Malformed ones were reported with the extensions.
fn word<T: FromStr>(value: &Value, key: &str) -> Option<T> {
    value.get(key).and_then(Value::as_str).and_then(|w| w.parse().ok())
}

fn extension<T: DeserializeOwned>(value: &Value, key: &str) -> Option<T> {
    value.get(key).and_then(|v| serde_json::from_value(v.clone()).ok())
}

/// A text with its English beside it; the same words twice where there is none.
fn texts(value: &Value, key: &str) -> Option<Text> {
    let zh = value.get(key).and_then(Value::as_str).filter(|t| !t.is_empty())?;
    let en = value.get("x-hub-en").and_then(|e| e.get(key)).and_then(Value::as_str);
    Some(Text::new(zh, en.unwrap_or(zh)))
}
