//! Contracts: what the public sees of agencies, systems, services and operations, ready for use.
//!
//! The catalog builds these from OpenAPI documents; the connectors, the mock engine and the gateway only read them.

use crate::{Archetype, Assurance, Audience, DataLevel, Effect, Mask, SubjectAttribute, Text};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::fmt;
use std::sync::Arc;

/// A back end of an agency, written `agency/system`. An earlier major version that stays callable beside the newest of the
/// same system is a system of its own, written `agency/system.v1`; in addresses both have the same name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SystemId {
    /// Agency code, for example `hpf`.
    pub agency: String,
    /// Name within the agency, for example `core`.
    pub system: String,
}

impl SystemId {
    /// From the two parts.
    pub fn new(agency: impl Into<String>, system: impl Into<String>) -> Self {
        Self {
            agency: agency.into(),
            system: system.into(),
        }
    }

    /// Its name in addresses: without the major version that an earlier one carries.
    #[must_use]
    pub fn public_name(&self) -> &str {
        earlier(&self.system).map_or(&self.system, |(name, _)| name)
    }

    /// Whether it is an earlier major version of a system.
    #[must_use]
    pub fn is_earlier(&self) -> bool {
        earlier(&self.system).is_some()
    }

    /// The key in a manifest of an operation of this system, by the operation's whole id.
    #[must_use]
    pub fn key_of<'i>(&self, id: &'i str) -> &'i str {
        let behind = |id: &'i str, name: &str| id.strip_prefix(name)?.strip_prefix('.');
        let Some(rest) = behind(id, &self.agency) else {
            return id;
        };
        behind(rest, &self.system).unwrap_or(rest)
    }

    /// The variable that holds its upstream address: `UPSTREAM_NR_REG` for `nr/reg`.
    #[must_use]
    pub fn upstream_variable(&self) -> String {
        self.variable("UPSTREAM")
    }

    /// Name of the variable in which an operator says from which address of this machine the system is called.
    #[must_use]
    pub fn egress_variable(&self) -> String {
        self.variable("EGRESS")
    }

    fn variable(&self, prefix: &str) -> String {
        format!("{prefix}_{}_{}", self.agency, self.system)
            .replace(['-', '.'], "_")
            .to_ascii_uppercase()
    }
}

/// `title.v1` taken apart.
fn earlier(system: &str) -> Option<(&str, &str)> {
    let (name, major) = system.split_once(".v")?;
    let digits = !major.is_empty() && major.len() <= 6 && major.bytes().all(|b| b.is_ascii_digit());
    digits.then_some((name, major))
}

impl fmt::Display for SystemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.agency, self.system)
    }
}

/// A system id that is not `agency/system` in lower-case letters, digits and hyphens.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not `agency/system` in lower-case letters, digits and hyphens")]
pub struct BadSystemId(pub String);

impl TryFrom<String> for SystemId {
    type Error = BadSystemId;
    fn try_from(text: String) -> Result<Self, BadSystemId> {
        let word = |w: &str| {
            !w.is_empty()
                && w.chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        };
        match text.split_once('/') {
            Some((agency, system)) if word(agency) && word(earlier(system).map_or(system, |(name, _)| name)) => {
                Ok(Self::new(agency, system))
            }
            _ => Err(BadSystemId(text)),
        }
    }
}

impl From<SystemId> for String {
    fn from(id: SystemId) -> String {
        id.to_string()
    }
}

/// Who offers services.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Agency {
    /// Department code.
    pub code: String,
    /// Full name.
    pub name: Text,
    /// Short name as used in lists.
    pub short: Text,
    /// government, livelihood or city.
    pub domain: String,
    /// Public telephone, if any.
    pub phone: Option<String>,
}

/// One back end of an agency: one document, one connector.
#[derive(Debug, Clone, PartialEq)]
pub struct System {
    /// Its id.
    pub id: SystemId,
    /// Its name.
    pub name: Text,
    /// Major version of its document, the `v1` in paths.
    pub major: u32,
    /// Full version of its document.
    pub version: String,
}

/// One thing a person or company can ask for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Service {
    /// Slug, for example `psb.residence-permit`.
    pub id: String,
    /// Number, an alias of the id, for example `psb-0012`.
    pub number: String,
    /// Names.
    pub name: Text,
    /// Other names people use; for search.
    pub aliases: Vec<String>,
    /// Offered by.
    pub agency: String,
    /// Behind it.
    pub system: SystemId,
    /// government, livelihood or city.
    pub domain: String,
    /// Topic codes, the first leads.
    pub themes: Vec<String>,
    /// Kind.
    pub archetype: Archetype,
    /// Life or business event (一件事) it takes part in.
    pub event: Option<Text>,
    /// Who may ask.
    pub audience: Audience,
    /// Highest level among its operations.
    pub level: DataLevel,
    /// Highest assurance among its own operations.
    pub assurance: Assurance,
    /// Its card.
    pub card: Card,
    /// Operation ids, the leading one first.
    pub operations: Vec<String>,
}

/// What a person must know before asking.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// Who may ask.
    pub who: Text,
    /// Papers to bring or upload, one text each.
    #[serde(default)]
    pub papers: Vec<Text>,
    /// Fee in words.
    pub fee: Text,
    /// Working days by law, 0 for at once.
    pub legal_days: u32,
    /// Working days promised, 0 for at once.
    pub promised_days: u32,
    /// Visits to a hall.
    #[serde(default)]
    pub visits: u32,
    /// Where it can be handled (全国通办, …).
    #[serde(default)]
    pub scope: Option<Text>,
    /// Kind of matter (行政许可, …).
    #[serde(default)]
    pub kind: Option<Text>,
    /// Legal basis in words.
    #[serde(default)]
    pub basis: Option<Text>,
}

/// One callable act of a service. The unit of policy, quota and audit.
#[derive(Debug, Clone)]
pub struct Operation {
    /// operationId, unique in the catalog: the slug, or `slug.verb`; `agency.system.verb` for shared resources.
    pub id: Arc<str>,
    /// Back end.
    pub system: SystemId,
    /// Service slug; `None` for a resource shared by a system's services (its cases).
    pub service: Option<Arc<str>>,
    /// Upper-case method.
    pub method: String,
    /// Path within the system's document.
    pub path: PathTemplate,
    /// Major version.
    pub major: u32,
    /// Least assurance.
    pub assurance: Assurance,
    /// Who may call.
    pub audience: Audience,
    /// What a repeated call does.
    pub effect: Effect,
    /// Computed from request and response.
    pub level: DataLevel,
    /// Fields filled from the subject.
    pub bound: Vec<SubjectBinding>,
    /// Seconds an answer may be kept; only effective for R0, L1 and nothing bound.
    pub cache_seconds: Option<u32>,
    /// Legal basis (`statutory: …`) or `consent`.
    pub basis: Option<Text>,
    /// Path, query and header parameters.
    pub parameters: Vec<Parameter>,
    /// Media type of the request body, `application/json` as a rule.
    pub request_type: Option<String>,
    /// Schema of the request body, self-contained JSON Schema 2020-12 apart from `#/components/schemas/…` references.
    pub request: Option<Arc<Value>>,
    /// Status of the good answer.
    pub status: u16,
    /// Schema of the good answer, as above; `None` for an empty answer.
    pub response: Option<Arc<Value>>,
    /// Everything the caller and the subject together give, parameters and top-level body properties in one object.
    pub input: Shape,
    /// The good answer.
    pub output: Shape,
    /// Short name.
    pub summary: Text,
    /// Longer text, CommonMark.
    pub description: Text,
    /// Examples of input (flat, as `input`) and output.
    pub examples: Vec<Example>,
}

impl Operation {
    /// The name a manifest uses: the id without its leading `agency.system.` or `agency.`.
    #[must_use]
    pub fn key(&self) -> &str {
        self.system.key_of(&self.id)
    }

    /// Path below `/gateway` and `/sandbox`, as a template.
    #[must_use]
    pub fn public_path(&self) -> String {
        format!(
            "/{}/{}/v{}{}",
            self.system.agency,
            self.system.public_name(),
            self.major,
            self.path
        )
    }

    /// Whether a field of the input is bound to the subject.
    #[must_use]
    pub fn is_bound(&self, field: &str) -> bool {
        self.bound.iter().any(|b| b.field == field)
    }
}

/// A path with `{name}` segments.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PathTemplate(pub String);

impl fmt::Display for PathTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A field that names the person or company.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubjectBinding {
    /// Top-level input field.
    pub field: String,
    /// Where its value comes from.
    pub from: SubjectAttribute,
}

/// Where a parameter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ParameterPlace {
    /// In the path.
    Path,
    /// In the query.
    Query,
    /// In a header.
    Header,
}

/// A parameter of an operation.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Name.
    pub name: String,
    /// Place.
    pub place: ParameterPlace,
    /// Whether it must be given.
    pub required: bool,
    /// Its schema.
    pub schema: Arc<Value>,
}

/// An example of one call.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// Key in the document.
    pub name: String,
    /// Flat input, without bound fields.
    pub input: Option<Map<String, Value>>,
    /// Body of the good answer.
    pub output: Option<Value>,
}

/// JSON type of a shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ShapeKind {
    /// Text.
    String,
    /// Whole number.
    Integer,
    /// Number.
    Number,
    /// Truth value.
    Boolean,
    /// Object; see `children`.
    Object,
    /// Array; see `item`.
    Array,
    /// No single type is known (composition, recursion past the depth limit, no schema).
    Any,
}

/// What a value means beyond its JSON type; decides its wire codec.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Semantic {
    /// Nothing special.
    #[default]
    Plain,
    /// `format: date`; long-term validity is 9999-12-31.
    Date,
    /// `format: date-time`, written with `+08:00`.
    DateTime,
    /// A month, `yyyy-MM` (`format: month`).
    Month,
    /// Integer fen (`x-hub-unit: fen`).
    Money,
    /// Longitude in CGCS2000 (`x-hub-unit: longitude`).
    Longitude,
    /// Latitude in CGCS2000 (`x-hub-unit: latitude`).
    Latitude,
    /// Id of an uploaded or fetched file (`x-hub-unit: file`).
    File,
}

/// The outline of a value: enough to map, mask and invent it without reading JSON Schema again.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// Property name; empty for the root and for array items.
    pub name: Arc<str>,
    /// Canonical field of the dictionary this is, if it is one.
    pub field: Option<Arc<str>>,
    /// Type.
    pub kind: ShapeKind,
    /// Whether `null` is allowed too.
    pub nullable: bool,
    /// Whether the enclosing object requires it. For `Operation::input`: required from client and subject together.
    pub required: bool,
    /// Meaning.
    pub semantic: Semantic,
    /// Own level, without children.
    pub level: DataLevel,
    /// How it is shown to others.
    pub mask: Mask,
    /// Allowed values, empty if free.
    pub choices: Vec<Value>,
    /// The resolved schema of this value (references into `#/components/schemas` kept).
    pub schema: Arc<Value>,
    /// Properties of an object, in document order.
    pub children: Vec<Shape>,
    /// Items of an array.
    pub item: Option<Box<Shape>>,
}

impl Shape {
    /// An object without properties.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            name: "".into(),
            field: None,
            kind: ShapeKind::Object,
            nullable: false,
            required: true,
            semantic: Semantic::Plain,
            level: DataLevel::L1,
            mask: Mask::None,
            choices: Vec::new(),
            schema: Arc::new(Value::Object(Map::new())),
            children: Vec::new(),
            item: None,
        }
    }

    /// A property by name.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<&Shape> {
        self.children.iter().find(|c| c.name.as_ref() == name)
    }

    /// The highest level of this value and all below it.
    #[must_use]
    pub fn highest_level(&self) -> DataLevel {
        let below = self
            .children
            .iter()
            .chain(self.item.as_deref())
            .map(Shape::highest_level)
            .max();
        below.map_or(self.level, |b| b.max(self.level))
    }

    /// The value as somebody sees it who is not entitled to it. Names listed in `open` stay as they are.
    #[must_use]
    pub fn masked(&self, value: &Value, open: &[&str]) -> Value {
        if open.contains(&self.name.as_ref()) {
            return value.clone();
        }
        if self.mask.hides() {
            return self.mask.apply(value);
        }
        match (value, &self.item) {
            (Value::Object(map), _) => Value::Object(
                map.iter()
                    .map(|(k, v)| {
                        (
                            k.clone(),
                            self.child(k).map_or_else(|| v.clone(), |c| c.masked(v, open)),
                        )
                    })
                    .collect(),
            ),
            (Value::Array(items), Some(item)) => Value::Array(items.iter().map(|v| item.masked(v, open)).collect()),
            _ => value.clone(),
        }
    }
}
