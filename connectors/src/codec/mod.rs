//! Wire codecs: how one value is written by an upstream, and back.
//!
//! A codec is what stands behind the bar of a manifest row (`je: pay_amount_fen | yuan`), or what the system's `wire:`
//! part says for values of that kind. Several steps are chained by further bars, upstream first. Reading is lenient
//! where nothing is lost, writing is exact, and a value that would lose digits is refused instead of rounded.

pub mod coordinates;
mod date;
mod defaults;
mod identity;
mod list;
mod money;
mod pattern;
mod structure;
mod text;
mod truth;

pub use defaults::WireDefaults;
pub use structure::parse_json;

use hub_catalog::document::nearest;
use hub_core::{Semantic, Shape, ShapeKind};
use serde_json::Value;

/// A value that a codec cannot read or write. The text names what was expected, never the value.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("expected {expected}")]
pub struct CodecError {
    /// What should have stood there.
    pub expected: String,
    /// What stood there; to be masked before it is shown.
    pub got: Value,
}

impl CodecError {
    pub(crate) fn new(expected: impl Into<String>, got: &Value) -> Self {
        Self {
            expected: expected.into(),
            got: got.clone(),
        }
    }
}

/// One step of a codec.
#[derive(Debug, Clone, PartialEq)]
enum Step {
    /// As it is, whatever the system's default says.
    Plain,
    Date(date::DateForm),
    DateTime(date::DateForm),
    Month(date::DateForm),
    Money(money::Money),
    Truth(truth::TruthTable),
    IdCard(identity::IdCard),
    Text(text::TextStep),
    List(list::List),
    Structure(structure::Structure),
}

/// How a value is written by an upstream. The default passes values as they are.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Codec {
    /// From the upstream's side to the canonical one.
    steps: Vec<Step>,
    /// Canonical JSON type, to which a decoded value is brought.
    kind: Option<ShapeKind>,
}

/// What the first word of a codec may be.
pub const NAMES: [&str; 27] = [
    "plain",
    "date",
    "datetime",
    "month",
    "fen",
    "yuan",
    "yuan-number",
    "yuan-comma",
    "wanyuan",
    "bool",
    "id-card",
    "text",
    "number",
    "trim",
    "upper",
    "lower",
    "prefix",
    "mark",
    "suffix",
    "pad",
    "digits",
    "join",
    "split",
    "json",
    "base64",
    "hex",
    "first",
];

impl Codec {
    /// Passes values as they are.
    #[must_use]
    pub fn plain() -> Self {
        Self::default()
    }

    /// Reads what stands behind the bar of a manifest row, for example `date yyyyMMdd` or `trim | bool Y/N`.
    ///
    /// # Errors
    /// A sentence that says what is wrong and names the nearest word.
    pub fn parse(text: &str) -> Result<Self, String> {
        let steps = text
            .split('|')
            .map(|step| Step::parse(step.trim()))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self { steps, kind: None })
    }

    /// What a system says for all values of one meaning.
    #[must_use]
    pub fn default_for(semantic: Semantic, wire: &WireDefaults) -> Self {
        let step = match semantic {
            Semantic::Date => wire.date.clone().map(Step::Date),
            Semantic::DateTime => wire.datetime.clone().map(Step::DateTime),
            Semantic::Month => wire.month.clone().map(Step::Month),
            Semantic::Money => wire.money.map(Step::Money),
            Semantic::Plain | Semantic::Longitude | Semantic::Latitude | Semantic::File => None,
        };
        Self {
            steps: step.into_iter().collect(),
            kind: None,
        }
    }

    /// What a system says for a field, by its meaning, type and format. The result knows the canonical type.
    #[must_use]
    pub fn for_shape(shape: &Shape, wire: &WireDefaults) -> Self {
        let mut codec = Self::default_for(shape.semantic, wire);
        if codec.steps.is_empty() {
            let format = shape.schema.get("format").and_then(Value::as_str);
            codec.steps.extend(match (shape.kind, format) {
                (ShapeKind::Boolean, _) => wire.truth.clone().map(Step::Truth),
                (ShapeKind::Integer | ShapeKind::Number, _) => wire.number.clone().map(Step::Text),
                (ShapeKind::String, Some("id-card")) => Some(Step::IdCard(identity::IdCard::default())),
                _ => None,
            });
        }
        codec.of_kind(shape.kind)
    }

    /// The same codec, for a value of this canonical type: `"12"` is brought to `12` for an integer, `12` to `"12"`
    /// for a text.
    #[must_use]
    pub fn of_kind(mut self, kind: ShapeKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Whether values pass as they are.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.steps.is_empty()
    }

    /// What is worth knowing about a value that was read: `long-term` for validity without end (quirk 12),
    /// `masked-id` for an id number that is masked or hashed and so equals nothing (quirk 16).
    #[must_use]
    pub fn flag(&self, decoded: &Value) -> Option<&'static str> {
        let text = decoded.as_str()?;
        self.steps.iter().find_map(|step| match step {
            Step::Date(_) | Step::DateTime(_) if text.starts_with(date::LONG_TERM) => Some("long-term"),
            Step::IdCard(_) if text.contains(['*', ':']) => Some("masked-id"),
            _ => None,
        })
    }

    /// Why different upstream values may become one, so that the value sent back can differ from the one that came.
    #[must_use]
    pub fn loss(&self) -> Option<&'static str> {
        self.steps.iter().find_map(Step::loss)
    }

    /// This codec for a field, with the system's default behind it where it does not say itself how the value is
    /// written (`| trim` on a date still follows `wire: {date: …}`).
    #[must_use]
    pub fn over_default(mut self, shape: &Shape, wire: &WireDefaults) -> Self {
        if self.steps.iter().all(Step::leaves_form_open) {
            self.steps.extend(Self::for_shape(shape, wire).steps);
        }
        self.of_kind(shape.kind)
    }

    /// Canonical value to upstream value. `null` stays `null`: whether it is left out is the frame's affair.
    ///
    /// # Errors
    /// [`CodecError`] if the upstream's form cannot say the value.
    pub fn encode(&self, value: &Value) -> Result<Value, CodecError> {
        if value.is_null() {
            return Ok(Value::Null);
        }
        let mut value = value.clone();
        for step in self.steps.iter().rev() {
            value = step.encode(&value)?;
        }
        Ok(value)
    }

    /// Upstream value to canonical value. `null`, and the empty text where it can't be a value, are `null`.
    ///
    /// # Errors
    /// [`CodecError`] if the value is not in the upstream's declared form.
    pub fn decode(&self, value: &Value) -> Result<Value, CodecError> {
        let mut value = value.clone();
        for step in &self.steps {
            if value.is_null() {
                return Ok(Value::Null);
            }
            value = step.decode(&value)?;
        }
        match self.kind {
            Some(kind) => text::to_kind(&value, kind),
            None => Ok(value),
        }
    }
}

impl Step {
    fn parse(text: &str) -> Result<Self, String> {
        let (name, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let rest = rest.trim();
        let bare = |step: Self| {
            if rest.is_empty() {
                Ok(step)
            } else {
                Err(format!("`{name}` takes nothing, got `{rest}`"))
            }
        };
        let step = match name {
            "plain" => bare(Self::Plain)?,
            "date" => Self::Date(date::DateForm::parse(rest)?),
            "datetime" => Self::DateTime(date::DateForm::parse(rest)?),
            "month" => Self::Month(date::DateForm::parse(rest)?),
            "fen" | "yuan" | "yuan-number" | "yuan-comma" | "wanyuan" => Self::Money(money::Money::parse(text)?),
            "bool" => Self::Truth(truth::TruthTable::parse(rest)?),
            "id-card" => Self::IdCard(identity::IdCard::parse(rest)?),
            "text" | "number" | "trim" | "upper" | "lower" | "prefix" | "suffix" | "mark" | "pad" | "digits" => {
                Self::Text(text::TextStep::parse(name, rest)?)
            }
            "join" | "split" | "first" => Self::List(list::List::parse(name, rest)?),
            "json" => Self::Structure(structure::Structure::json(rest)?),
            "base64" => bare(Self::Structure(structure::Structure::Base64))?,
            "hex" => bare(Self::Structure(structure::Structure::Hex))?,
            _ => {
                let near = nearest(name, NAMES);
                let hint = near.first().map_or_else(|| NAMES.join(", "), Clone::clone);
                return Err(format!("`{name}` is not a codec; did you mean {hint}?"));
            }
        };
        Ok(step)
    }

    /// Whether this only dresses a text, so that its form is still the system's.
    fn leaves_form_open(&self) -> bool {
        use text::TextStep::{Lower, Mark, Prefix, Suffix, Trim, Upper};
        matches!(self, Self::Text(Trim | Upper | Lower | Prefix(_) | Suffix(_) | Mark(_)))
    }

    fn loss(&self) -> Option<&'static str> {
        use text::TextStep::{Digits, Lower, Pad, Trim, Upper};
        Some(match self {
            Self::Date(form) if form.drops_time() => "the time of day is dropped",
            Self::DateTime(form) if form.drops_seconds() => "what is finer than the pattern is dropped",
            Self::Truth(table) if table.has_synonyms() => "several words mean one truth value; the first is sent back",
            Self::Text(Trim) => "white space around the text is dropped",
            Self::Text(Upper | Lower) => "upper and lower case become one",
            Self::Text(Digits) => "everything but digits is dropped",
            Self::Text(Pad(..)) => "the fill in front is dropped",
            Self::List(list::List::First) => "only the first of the list is kept",
            _ => return None,
        })
    }

    fn encode(&self, value: &Value) -> Result<Value, CodecError> {
        match self {
            Self::Plain => Ok(value.clone()),
            Self::Date(form) => form.encode_date(value),
            Self::DateTime(form) => form.encode_datetime(value),
            Self::Month(form) => form.encode_month(value),
            Self::Money(form) => form.encode(value),
            Self::Truth(table) => table.encode(value),
            Self::IdCard(form) => form.encode(value),
            Self::Text(step) => step.encode(value),
            Self::List(list) => list.encode(value),
            Self::Structure(structure) => structure.encode(value),
        }
    }

    fn decode(&self, value: &Value) -> Result<Value, CodecError> {
        match self {
            Self::Plain => Ok(value.clone()),
            Self::Date(form) => form.decode_date(value),
            Self::DateTime(form) => form.decode_datetime(value),
            Self::Month(form) => form.decode_month(value),
            Self::Money(form) => form.decode(value),
            Self::Truth(table) => table.decode(value),
            Self::IdCard(form) => form.decode(value),
            Self::Text(step) => step.decode(value),
            Self::List(list) => list.decode(value),
            Self::Structure(structure) => structure.decode(value),
        }
    }
}

/// The text of a scalar: a string as it is, a number with all its digits.
fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// Full-width digits, signs and letters as their ASCII forms, outer white space removed. Upstream forms are filled in
/// by people with an input method switched on.
fn half_width(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '！'..='～' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
            '\u{3000}' => ' ',
            _ => c,
        })
        .collect::<String>()
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests;
