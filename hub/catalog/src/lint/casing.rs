//! Ways to write a name: `camel`, `snake` and their kin.

use super::filter::pattern;
use regex::Regex;
use serde_json::{Map, Value};

/// A way to write a name.
#[derive(Debug, Clone)]
pub(super) struct Casing {
    name: String,
    form: Regex,
    /// A name that is the separator alone, where one may lead.
    alone: Option<String>,
}

impl Casing {
    pub(super) fn parse(options: &Map<String, Value>) -> Result<Self, String> {
        let name = options.get("type").and_then(Value::as_str).unwrap_or_default();
        let digits = match options.get("disallowDigits") {
            Some(Value::Bool(true)) => "",
            _ => "0-9",
        };
        let (head, more) = match name {
            "flat" => ("[a-z]", format!("[a-z{digits}]*")),
            "camel" => ("[a-z]", humps(digits)),
            "pascal" => ("[A-Z]", humps(digits)),
            "kebab" => ("[a-z]", format!("[a-z{digits}]*(?:-[a-z{digits}]+)*")),
            "snake" => ("[a-z]", format!("[a-z{digits}]*(?:_[a-z{digits}]+)*")),
            "cobol" => ("[A-Z]", format!("[A-Z{digits}]*(?:-[A-Z{digits}]+)*")),
            "macro" => ("[A-Z]", format!("[A-Z{digits}]*(?:_[A-Z{digits}]+)*")),
            other => return Err(format!("there is no casing `{other}`")),
        };
        let word = format!("{head}{more}");
        let separator = options.get("separator").and_then(Value::as_object);
        let (form, alone) = match separator.and_then(|s| s.get("char")?.as_str()) {
            None => (format!("^{word}$"), None),
            Some(sign) => {
                let leads = separator.and_then(|s| s.get("allowLeading")) == Some(&Value::Bool(true));
                let quoted = regex::escape(sign);
                let lead = if leads { format!("(?:{quoted})?") } else { String::new() };
                (
                    format!("^{lead}{word}(?:{quoted}{word})*$"),
                    leads.then(|| sign.to_owned()),
                )
            }
        };
        Ok(Self {
            name: name.to_owned(),
            form: pattern(&form)?,
            alone,
        })
    }

    pub(super) fn fits(&self, text: &str) -> bool {
        self.form.is_match(text) || self.alone.as_deref() == Some(text)
    }

    pub(super) fn name(&self) -> String {
        format!("{} case", self.name)
    }
}

/// What follows the first letter where words begin with capitals; single capitals only at the end.
fn humps(digits: &str) -> String {
    format!("[a-z{digits}]*(?:[A-Z{digits}](?:[a-z{digits}]+|$))*")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_fit_their_casing() {
        let cases = [
            (json!({"type": "camel"}), "acceptanceNo", true),
            (json!({"type": "camel"}), "AcceptanceNo", false),
            (json!({"type": "camel"}), "acceptance_no", false),
            (json!({"type": "pascal"}), "AcceptanceNo", true),
            (json!({"type": "snake"}), "acceptance_no", true),
            (json!({"type": "snake"}), "acceptance-no", false),
            (json!({"type": "kebab"}), "a-1", true),
            (json!({"type": "kebab", "disallowDigits": true}), "a-1", false),
            (json!({"type": "macro"}), "A_B", true),
            (json!({"type": "cobol"}), "A-B", true),
            (json!({"type": "flat"}), "ab", true),
            (json!({"type": "flat"}), "aB", false),
            (
                json!({"type": "kebab", "separator": {"char": "/", "allowLeading": true}}),
                "/a-b/c",
                true,
            ),
            (
                json!({"type": "kebab", "separator": {"char": "/", "allowLeading": true}}),
                "/",
                true,
            ),
            (json!({"type": "kebab", "separator": {"char": "/"}}), "/a", false),
        ];
        for (options, name, fits) in cases {
            let casing = Casing::parse(options.as_object().unwrap()).unwrap();
            assert_eq!(casing.fits(name), fits, "{name} as {options}");
        }
        assert!(Casing::parse(json!({"type": "spongebob"}).as_object().unwrap()).is_err());
    }
}
