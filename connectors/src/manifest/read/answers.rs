//! Reading `answer` and `fails`.

use super::*;
use crate::answer::Status;

/// Most texts inside each other that a manifest may ask to unwrap.
const MAX_LEVELS: usize = 4;

impl Reader<'_> {
    pub(super) fn answer(&mut self, map: &Part, at: &str) -> AnswerPart {
        let when = text(map, "when").and_then(|source| {
            let source = source.trim_start_matches("= ").to_owned();
            match Expression::compile(&source, self.origin) {
                Ok(expression) => Some(Arc::new(expression)),
                Err(error) => {
                    self.bad_value(&format!("{at}/when"), &error, &source);
                    None
                }
            }
        });
        let ok = map.get("ok").map(|ok| match ok {
            Value::Array(items) => items.clone(),
            one => vec![one.clone()],
        });
        for word in ok
            .iter()
            .flatten()
            .filter_map(scalar_text)
            .filter(|w| w.starts_with("http "))
        {
            if Status::parse(&Value::from(word.as_str()), &AnswerPart::default()).is_none() {
                self.bad_value(&format!("{at}/ok"), "`http 302`, `http 302 /home` or `http 3xx`", &word);
            }
        }
        AnswerPart {
            code: spot(map, "code"),
            message: spot(map, "message"),
            data: path(map, "data").map(|mut p| {
                p.absolute = true;
                p
            }),
            form: form(map, "as"),
            levels: self.levels(map, at),
            jsonp: flag(map, "jsonp"),
            empty: map.get("empty").map(|value| self.empty(value, at)),
            content_type: text(map, "type"),
            layout: self.layout(map, at),
            ok,
            when,
        }
    }

    pub(super) fn levels(&mut self, map: &Part, at: &str) -> Option<usize> {
        let value = map.get("levels")?;
        let levels = value.as_u64().and_then(|n| usize::try_from(n).ok());
        let levels = levels.filter(|n| (1..=MAX_LEVELS).contains(n));
        if levels.is_none() {
            self.bad_value(&format!("{at}/levels"), "a number from 1 to 4", &value.to_string());
        }
        levels
    }

    pub(super) fn empty(&mut self, value: &Value, at: &str) -> Empty {
        let one = |value: &Value| match value {
            // `empty: "[]"` is the JSON, `empty: ["null"]` too; a word that is no JSON is a text of the upstream.
            Value::String(text) => serde_json::from_str(text).unwrap_or_else(|_| value.clone()),
            other => other.clone(),
        };
        match value {
            Value::String(word) if word == "auto" => Empty::Auto,
            Value::String(word) if word == "never" => Empty::Never,
            Value::Array(items) => Empty::Values(items.iter().map(one).collect()),
            Value::Object(_) => {
                self.bad_value(&format!("{at}/empty"), "JSON texts such as \"[]\"", "a mapping");
                Empty::Auto
            }
            other => Empty::Values(vec![one(other)]),
        }
    }

    pub(super) fn fails(&mut self, map: &Part, at: &str) -> Vec<FailRule> {
        let Some(entries) = part(map, "fails") else {
            return Vec::new();
        };
        let mut rules = Vec::new();
        for (code, word) in entries {
            let word = scalar_text(word).unwrap_or_default();
            let at = format!("{at}/fails/{}", escape(code));
            match (Failure::parse(&word), fail_test(code)) {
                (Some(failure), Some(test)) => rules.push(FailRule { test, failure }),
                (None, _) => {
                    let words: Vec<&str> = Failure::ALL.iter().map(|(w, _)| *w).collect();
                    let near = nearest(&word, words.iter().copied());
                    let finding = self.finding(
                        "unknown-word",
                        &at,
                        format!("`{word}` 不是失败类别"),
                        format!("`{word}` is no kind of failure"),
                    );
                    self.findings.push(
                        finding
                            .expected(format!("one of {}", words.join(", ")), word)
                            .near(near),
                    );
                }
                (_, None) => self.bad_value(
                    &at,
                    "a code, `http 404`, `http 5xx`, `fault Client`, `~ words`, `*`",
                    code,
                ),
            }
        }
        rules
    }
}

fn fail_test(code: &str) -> Option<FailTest> {
    if code == "*" {
        return Some(FailTest::Any);
    }
    if let Some(status) = code.strip_prefix("http ") {
        if let Some(class) = status.strip_suffix("xx") {
            let class: u16 = class.parse().ok()?;
            return Some(FailTest::Http(class * 100, class * 100 + 99));
        }
        let status = status.trim().parse().ok()?;
        return Some(FailTest::Http(status, status));
    }
    if let Some(fault) = code.strip_prefix("fault") {
        return Some(FailTest::Fault(fault.trim().to_owned()));
    }
    match code.split_once('~') {
        Some((code, words)) if code.trim().is_empty() => Some(FailTest::Message(words.trim().to_owned())),
        Some((code, words)) => Some(FailTest::Code(code.trim().to_owned(), words.trim().to_owned())),
        None => Some(FailTest::Code(code.to_owned(), String::new())),
    }
}
