//! What a rule asks of a place: the core functions of Spectral under their names, and two of our own
//! (`parameter`, `secured`) that need more than one place.

use super::casing;
use super::filter::{pattern, truthy};
use super::order;
use super::tree::{Id, Tree};
use crate::check::compile_as;
use crate::document::escape;
use jsonschema::{Draft, Validator};
use regex::Regex;
use serde_json::{Map, Value};
use std::sync::Arc;

/// Values a place is unfolded to before a schema is asked.
const WHOLE: usize = 20_000;
/// Levels a place is unfolded to where a schema may look anywhere.
const DEEPEST: usize = 100;
/// Keywords for which the depth of a schema says nothing of the values it looks at.
const WHOLE_VALUES: [&str; 5] = ["$ref", "$dynamicRef", "uniqueItems", "enum", "const"];
/// Misses of one place that are told.
const MAX_MISSES: usize = 50;
/// Characters of a value that are shown.
const SHOWN: usize = 80;

/// A question with its options.
#[derive(Debug, Clone)]
pub(super) enum Function {
    Truthy,
    Falsy,
    Defined,
    Undefined,
    Pattern {
        wanted: Option<Regex>,
        unwanted: Option<Regex>,
    },
    Enumeration(Vec<Value>),
    Length {
        min: Option<f64>,
        max: Option<f64>,
    },
    Casing(casing::Casing),
    Schema {
        validator: Arc<Validator>,
        all: bool,
        /// How deep it can look into a value.
        depth: usize,
    },
    Xor(Vec<String>),
    Or(Vec<String>),
    Alphabetical(Option<String>),
    Unreferenced(String),
    TypedEnum,
    /// An operation takes (or must not take) a parameter.
    Parameter {
        name: Regex,
        place: Option<String>,
        wanted: bool,
    },
    /// An operation asks who calls.
    Secured,
}

/// A question that was answered with no.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Miss {
    /// Pointer below the place asked.
    pub(super) below: String,
    pub(super) expected: String,
    pub(super) got: Option<String>,
}

/// What is asked: a value with the node it stands at, or nothing where a field is missing.
#[derive(Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) value: Option<&'a Value>,
    /// The node of the value, where it is one.
    pub(super) id: Option<Id>,
    pub(super) resolved: bool,
}

impl Function {
    /// A function by its name; the message says why there is none.
    pub(super) fn parse(name: &str, options: Option<&Value>) -> Result<Self, String> {
        let empty = Map::new();
        let map = options.and_then(Value::as_object).unwrap_or(&empty);
        let text = |key: &str| map.get(key).and_then(Value::as_str);
        let number = |key: &str| map.get(key).and_then(Value::as_f64);
        let regex = |key: &str| text(key).map(pattern).transpose();
        let wanting = |key: &str| format!("`{name}` needs `{key}` in functionOptions");
        Ok(match name {
            "truthy" => Self::Truthy,
            "falsy" => Self::Falsy,
            "defined" => Self::Defined,
            "undefined" => Self::Undefined,
            "pattern" => {
                let (wanted, unwanted) = (regex("match")?, regex("notMatch")?);
                if wanted.is_none() && unwanted.is_none() {
                    return Err(wanting("match"));
                }
                Self::Pattern { wanted, unwanted }
            }
            "enumeration" => {
                let values = map.get("values").and_then(Value::as_array);
                Self::Enumeration(values.ok_or_else(|| wanting("values"))?.clone())
            }
            "length" => {
                let (min, max) = (number("min"), number("max"));
                if min.is_none() && max.is_none() {
                    return Err(wanting("min"));
                }
                Self::Length { min, max }
            }
            "casing" => Self::Casing(casing::Casing::parse(map)?),
            "schema" => {
                let draft = match text("dialect").unwrap_or("auto") {
                    "draft4" => Draft::Draft4,
                    "draft6" => Draft::Draft6,
                    "draft7" | "auto" => Draft::Draft7,
                    "draft2019-09" => Draft::Draft201909,
                    "draft2020-12" => Draft::Draft202012,
                    other => return Err(format!("there is no dialect `{other}`")),
                };
                let schema = map.get("schema").ok_or_else(|| wanting("schema"))?;
                Self::Schema {
                    validator: Arc::new(compile_as(schema, draft)?),
                    all: map.get("allErrors") == Some(&Value::Bool(true)),
                    depth: sight(schema).unwrap_or(DEEPEST),
                }
            }
            "xor" => Self::Xor(names(map).ok_or_else(|| wanting("properties"))?),
            "or" => Self::Or(names(map).ok_or_else(|| wanting("properties"))?),
            "alphabetical" => Self::Alphabetical(text("keyedBy").map(str::to_owned)),
            "unreferencedReusableObject" => {
                let location = text("reusableObjectsLocation").and_then(|l| l.strip_prefix('#'));
                Self::Unreferenced(location.ok_or_else(|| wanting("reusableObjectsLocation"))?.to_owned())
            }
            "typedEnum" => Self::TypedEnum,
            "parameter" => Self::Parameter {
                name: regex("name")?.ok_or_else(|| wanting("name"))?,
                place: text("in").map(str::to_owned),
                wanted: map.get("present") != Some(&Value::Bool(false)),
            },
            "secured" => Self::Secured,
            other => return Err(format!("`{other}` is no core function")),
        })
    }

    /// Every way in which a place does not fit.
    pub(super) fn check(&self, tree: &Tree<'_>, target: Target<'_>) -> Vec<Miss> {
        let value = target.value;
        let miss = |expected: String| vec![Miss::here(expected, value)];
        match self {
            Self::Truthy if !value.is_some_and(truthy) => miss("a value that is not empty".to_owned()),
            Self::Falsy if value.is_some_and(truthy) => miss("no value".to_owned()),
            Self::Defined if value.is_none() => miss("to be there".to_owned()),
            Self::Undefined if value.is_some() => miss("not to be there".to_owned()),
            Self::Pattern { wanted, unwanted } => {
                let Some(Value::String(text)) = value else {
                    return Vec::new();
                };
                let mut misses = Vec::new();
                if let Some(regex) = wanted.as_ref().filter(|r| !r.is_match(text)) {
                    misses.push(Miss::here(format!("to match {regex}"), value));
                }
                if let Some(regex) = unwanted.as_ref().filter(|r| r.is_match(text)) {
                    misses.push(Miss::here(format!("not to match {regex}"), value));
                }
                misses
            }
            Self::Enumeration(values) => match value {
                Some(Value::Array(_) | Value::Object(_)) | None => Vec::new(),
                Some(value) if values.iter().any(|v| same(v, value)) => Vec::new(),
                _ => miss(format!("one of {}", list(values))),
            },
            Self::Length { min, max } => length(value, *min, *max),
            Self::Casing(casing) => match value.and_then(Value::as_str) {
                Some(text) if !text.is_empty() && !casing.fits(text) => miss(casing.name()),
                _ => Vec::new(),
            },
            Self::Schema { validator, all, depth } => schema(validator, *all, *depth, tree, target),
            Self::Xor(names) => {
                let found = count(value, names);
                match found {
                    Some(found) if found != 1 => miss(format!("exactly one of {}", names.join(", "))),
                    _ => Vec::new(),
                }
            }
            Self::Or(names) => match count(value, names) {
                Some(0) => miss(format!("at least one of {}", names.join(", "))),
                _ => Vec::new(),
            },
            Self::Alphabetical(keyed) => order::misplaced(value, keyed.as_deref()),
            Self::Unreferenced(location) => unreferenced(tree, value, location),
            Self::TypedEnum => typed_enum(value),
            Self::Parameter { name, place, wanted } => {
                let has = target.id.is_some_and(|id| takes(tree, id, name, place.as_deref()));
                match (has, wanted) {
                    (false, true) => miss(format!("a parameter whose name matches {name}")),
                    (true, false) => miss(format!("no parameter whose name matches {name}")),
                    _ => Vec::new(),
                }
            }
            Self::Secured if !target.id.is_some_and(|id| secured(tree, id)) => miss("`security`".to_owned()),
            _ => Vec::new(),
        }
    }
}

impl Miss {
    fn here(expected: String, value: Option<&Value>) -> Self {
        Self {
            below: String::new(),
            expected,
            got: value.map(shown),
        }
    }
}

/// A value as a finding shows it.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Object(map) => format!("an object of {}", map.len()),
        Value::Array(items) => format!("a list of {}", items.len()),
        Value::String(text) => cut(text),
        other => cut(&other.to_string()),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn list(values: &[Value]) -> String {
    values.iter().map(shown).collect::<Vec<_>>().join(", ")
}

fn names(map: &Map<String, Value>) -> Option<Vec<String>> {
    let items = map.get("properties")?.as_array()?;
    Some(items.iter().filter_map(|i| i.as_str().map(str::to_owned)).collect())
}

/// Equal as JSON says, whatever the digits of a number look like.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        _ => a == b,
    }
}

fn count(value: Option<&Value>, names: &[String]) -> Option<usize> {
    let map = value?.as_object()?;
    Some(names.iter().filter(|n| map.contains_key(n.as_str())).count())
}

fn length(value: Option<&Value>, min: Option<f64>, max: Option<f64>) -> Vec<Miss> {
    let size = match value {
        Some(Value::String(text)) => text.chars().count() as f64,
        Some(Value::Array(items)) => items.len() as f64,
        Some(Value::Object(map)) => map.len() as f64,
        Some(Value::Number(number)) => match number.as_f64() {
            Some(number) => number,
            None => return Vec::new(),
        },
        _ => return Vec::new(),
    };
    let miss = |words: String| Miss {
        below: String::new(),
        expected: words,
        got: Some(size.to_string()),
    };
    match (min, max) {
        (Some(min), _) if size < min => vec![miss(format!("a length of {min} or more"))],
        (_, Some(max)) if size > max => vec![miss(format!("a length of {max} or less"))],
        _ => Vec::new(),
    }
}

fn schema(validator: &Validator, all: bool, depth: usize, tree: &Tree<'_>, target: Target<'_>) -> Vec<Miss> {
    let whole = match target.id.filter(|_| target.resolved) {
        Some(id) => tree.whole(id, depth, &mut WHOLE.clone()),
        None => match target.value {
            Some(value) => value.clone(),
            None => return vec![Miss::here("to be there".to_owned(), None)],
        },
    };
    let most = if all { MAX_MISSES } else { 1 };
    validator
        .iter_errors(&whole)
        .take(most)
        .map(|error| Miss {
            below: error.instance_path().to_string(),
            expected: cut(&error.masked().to_string()),
            got: Some(shown(error.instance())),
        })
        .collect()
}

/// How deep a schema can look into a value: no deeper than it is nested itself, unless it compares whole values or comes
/// back to itself.
fn sight(schema: &Value) -> Option<usize> {
    let inner: Vec<&Value> = match schema {
        Value::Object(map) if WHOLE_VALUES.iter().any(|key| map.contains_key(*key)) => return None,
        Value::Object(map) => map.values().collect(),
        Value::Array(items) => items.iter().collect(),
        _ => return Some(0),
    };
    let deepest = inner
        .into_iter()
        .try_fold(0, |most, value| Some(sight(value)?.max(most)));
    deepest.map(|depth| depth + 1)
}

fn unreferenced(tree: &Tree<'_>, value: Option<&Value>, location: &str) -> Vec<Miss> {
    let Some(Value::Object(map)) = value else {
        return Vec::new();
    };
    map.keys()
        .map(|name| escape(name))
        .filter(|name| !tree.is_referenced(&format!("{location}/{name}")))
        .map(|name| Miss {
            below: format!("/{name}"),
            expected: "to be referred to".to_owned(),
            got: None,
        })
        .collect()
}

/// Whether a value is of a JSON Schema type.
fn is_of(value: &Value, name: &str) -> bool {
    match name {
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => match value {
            Value::Number(n) => n.is_i64() || n.is_u64() || n.as_f64().is_some_and(|f| f.fract() == 0.0),
            _ => false,
        },
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        _ => true,
    }
}

fn typed_enum(value: Option<&Value>) -> Vec<Miss> {
    let Some(Value::Object(map)) = value else {
        return Vec::new();
    };
    let types: Vec<&str> = match map.get("type") {
        Some(Value::String(name)) => vec![name],
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
        _ => return Vec::new(),
    };
    let nullable = map.get("nullable") == Some(&Value::Bool(true));
    let fits = |v: &Value| (nullable && v.is_null()) || types.iter().any(|t| is_of(v, t));
    let members = map.get("enum").and_then(Value::as_array).into_iter().flatten();
    members
        .enumerate()
        .filter(|(_, member)| !fits(member))
        .map(|(index, member)| Miss {
            below: format!("/enum/{index}"),
            expected: types.join(" or "),
            got: Some(shown(member)),
        })
        .collect()
}

/// Whether an operation takes a parameter of a name, its own or its path's.
fn takes(tree: &Tree<'_>, operation: Id, name: &Regex, place: Option<&str>) -> bool {
    let path = tree.entry(operation).map_or(0, |e| e.parent);
    [operation, path].into_iter().any(|holder| {
        let Some(list) = tree.child(holder, "parameters") else {
            return false;
        };
        tree.children(list).any(|one| {
            let parameter = tree.value(tree.settled(one));
            let text = |key: &str| parameter.get(key).and_then(Value::as_str);
            place.is_none_or(|p| text("in") == Some(p)) && text("name").is_some_and(|n| name.is_match(n))
        })
    })
}

/// Whether an operation, or the whole description, asks for credentials. An empty list says openly that none are needed.
fn secured(tree: &Tree<'_>, operation: Id) -> bool {
    tree.child(operation, "security")
        .or_else(|| tree.child(0, "security").filter(|s| tree.children(*s).next().is_some()))
        .is_some()
}
