//! Values against the schemas of one description.

use super::{Description, reach};
use crate::check::sentence::{self, About};
use crate::document::escape;
use hub_core::problem::Violation;
use jsonschema::error::{ValidationError, ValidationErrorKind as Kind};
use serde_json::Value;

/// Violations told of one value.
const MAX_VIOLATIONS: usize = 50;

/// A schema of a description, ready to check values.
#[derive(Debug)]
pub struct Validator(jsonschema::Validator);

impl Validator {
    /// Whether a value fits.
    #[must_use]
    pub fn accepts(&self, value: &Value) -> bool {
        self.0.is_valid(value)
    }

    /// Everything that does not fit, in words; values are not quoted, only their types.
    #[must_use]
    pub fn violations(&self, value: &Value) -> Vec<Violation> {
        let mut found: Vec<Violation> = Vec::new();
        for error in self.0.iter_errors(value) {
            for telling in sentence::telling(&error) {
                let violation = violation(telling);
                let known = |v: &Violation| v.place == violation.place && v.keyword == violation.keyword;
                if !found.iter().any(known) {
                    found.push(violation);
                }
            }
            if found.len() >= MAX_VIOLATIONS {
                break;
            }
        }
        found
    }

    /// JSON pointers of the values that do not fit: those of whole alternatives and those within the likeliest one.
    #[must_use]
    pub fn misfits(&self, value: &Value) -> Vec<String> {
        let mut found = Vec::new();
        for error in self.0.iter_errors(value).take(MAX_VIOLATIONS) {
            found.push(error.instance_path().as_str().to_owned());
            found.extend(sentence::telling(&error).into_iter().map(|e| violation(e).place));
        }
        found.sort();
        found.dedup();
        found
    }
}

fn violation(error: &ValidationError<'_>) -> Violation {
    let own = error.instance_path().as_str();
    let (place, got) = match error.kind() {
        Kind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            (format!("{own}/{}", escape(name)), "nothing".to_owned())
        }
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            let name = unexpected.first().map_or("", String::as_str);
            (
                format!("{own}/{}", escape(name)),
                "a property that is not named".to_owned(),
            )
        }
        _ => (own.to_owned(), sentence::type_of(error.instance()).to_owned()),
    };
    Violation {
        place,
        keyword: error.kind().keyword().to_owned(),
        expected: sentence::expected(error, &About::default()),
        got,
    }
}

impl Description {
    /// Compiles the schema at a pointer of the normal form for what is answered; formats are asserted, and `writeOnly`
    /// properties need not be there (OpenAPI 3.0.3, Schema Object).
    ///
    /// # Errors
    ///
    /// What keeps it from being compiled, in English: a schema that is no JSON Schema, or a reference that leads out.
    pub fn validator(&self, pointer: &str) -> Result<Validator, String> {
        let schema = self.document.pointer(pointer).ok_or("there is no such schema")?;
        let mut whole = reach::closure(&self.document, schema);
        let all = whole.clone();
        reach::release(&mut whole, &all, "writeOnly");
        crate::check::compile_among(&whole, &reach::addressed(&self.document)).map(Validator)
    }

    /// The same for what is sent to the service: `readOnly` properties need not be there (OpenAPI 3.1, 4.8.24.4), and
    /// integers of a format fit into it (OpenAPI 3.1, 4.4).
    ///
    /// # Errors
    ///
    /// As [`Description::validator`].
    pub fn request_validator(&self, pointer: &str) -> Result<Validator, String> {
        let schema = self.document.pointer(pointer).ok_or("there is no such schema")?;
        let mut whole = reach::closure(&self.document, schema);
        let all = whole.clone();
        reach::release(&mut whole, &all, "readOnly");
        reach::limit_integers(&mut whole);
        crate::check::compile_among(&whole, &reach::addressed(&self.document)).map(Validator)
    }
}
