//! The `sign` part of a manifest, read and checked.

mod check;
mod cover;

use super::Recipe;
use super::algorithm::{self, Algorithm, Output};
use super::place::Place;
use super::stamp::{NonceForm, TimeForm};
use super::template::Template;
use hub_catalog::document::nearest;
use hub_crypto::SignatureForm;
use serde_json::{Map, Value};
use std::time::Duration;

/// Keys of the part.
pub(super) const KEYS: [&str; 26] = [
    "cover",
    "template",
    "fields",
    "of",
    "exclude",
    "empties",
    "order",
    "nested",
    "item",
    "joiner",
    "wrap",
    "key",
    "digest",
    "secret",
    "verify",
    "mac_key",
    "mac_steps",
    "output",
    "case",
    "into",
    "value",
    "add",
    "timestamp",
    "nonce",
    "seen",
    "skew",
];
/// Keys that only few recipes need.
pub(super) const RARE_KEYS: [&str; 5] = ["signer", "form", "mac_form", "several", "answer"];

/// Names that templates over a whole message may have.
const MESSAGE: [&str; 8] = [
    "secret",
    "body",
    "method",
    "path",
    "target",
    "query",
    "timestamp",
    "nonce",
];

type Mistakes = Vec<(String, String)>;

/// A part that is being read, with the mistakes found so far.
struct Reader<'p> {
    part: &'p Map<String, Value>,
    mistakes: Mistakes,
}

pub(super) fn recipe(part: &Value) -> Result<Recipe, Mistakes> {
    let Some(members) = part.as_object() else {
        return Err(vec![(String::new(), "expected an object that says how to sign".into())]);
    };
    let mut reader = Reader {
        part: members,
        mistakes: Vec::new(),
    };
    reader.unknown_keys();
    let recipe = reader.recipe();
    match recipe {
        Some(recipe) if reader.mistakes.is_empty() => Ok(recipe),
        _ => Err(reader.mistakes),
    }
}

impl Reader<'_> {
    fn mistake(&mut self, key: &str, message: impl Into<String>) {
        let pointer = if key.is_empty() {
            String::new()
        } else {
            format!("/{key}")
        };
        self.mistakes.push((pointer, message.into()));
    }

    fn unknown_keys(&mut self) {
        let known = || KEYS.into_iter().chain(RARE_KEYS);
        for key in self.part.keys().filter(|k| !known().any(|n| n == k.as_str())) {
            let near = nearest(key, known());
            let hint = near
                .first()
                .map_or_else(|| known().collect::<Vec<_>>().join(", "), Clone::clone);
            let pointer = format!("/{}", key.replace('~', "~0").replace('/', "~1"));
            self.mistakes
                .push((pointer, format!("unknown key `{key}`; did you mean {hint}?")));
        }
    }

    fn text(&mut self, key: &str) -> Option<String> {
        match self.part.get(key)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => {
                self.mistake(key, "expected a text");
                None
            }
        }
    }

    /// One of a few words; the first is the default.
    fn word<T: Copy>(&mut self, key: &str, words: &[(&str, T)]) -> Option<T> {
        let default = words.first().map(|(_, value)| *value);
        let Some(text) = self.text(key) else { return default };
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let choices: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.mistake(key, format!("expected {}, got `{text}`", choices.join(", ")));
        }
        found
    }

    fn texts(&mut self, key: &str) -> Vec<String> {
        let list = match self.part.get(key) {
            None => return Vec::new(),
            Some(Value::String(one)) => return vec![one.clone()],
            Some(other) => other
                .as_array()
                .map(|items| items.iter().map(Value::as_str).collect::<Option<Vec<_>>>()),
        };
        if let Some(Some(texts)) = list {
            return texts.into_iter().map(str::to_owned).collect();
        }
        self.mistake(key, "expected a list of texts");
        Vec::new()
    }

    fn template(&mut self, key: &str, text: &str, extra: &[&str]) -> Template {
        let allowed: Vec<&str> = MESSAGE.iter().chain(extra).copied().collect();
        Template::parse(text, &allowed).unwrap_or_else(|message| {
            self.mistake(key, message);
            Template::default()
        })
    }

    /// `secret:name`.
    fn secret(&mut self, key: &str) -> Option<String> {
        let text = self.text(key)?;
        let name = text.strip_prefix("secret:").filter(|name| !name.is_empty());
        if name.is_none() {
            self.mistake(key, format!("expected a reference like secret:key, got `{text}`"));
        }
        name.map(str::to_owned)
    }

    fn recipe(&mut self) -> Option<Recipe> {
        let cover = self.cover()?;
        let algorithm = self.algorithm()?;
        let secret = self.secret("secret");
        let verify = self.secret("verify");
        let wrap = self.text("wrap").unwrap_or_else(|| "{text}".into());
        let wrap = self.around_text("wrap", &wrap);
        let key = self.key(&algorithm);
        let mac_key = self.text("mac_key").unwrap_or_else(|| "{secret}".into());
        let mac_key = self.template("mac_key", &mac_key, &[]);
        let steps = self.texts("mac_steps");
        let mac_steps = steps.iter().map(|step| self.template("mac_steps", step, &[])).collect();
        let value = self.text("value").unwrap_or_else(|| "{signature}".into());
        let value = self.template("value", &value, &["signature"]);
        if !value.names("signature") {
            self.mistake("value", "expected {signature} somewhere in it");
        }
        let into = self.text("into");
        if into.is_none() {
            self.mistake(
                "",
                "`into` is missing: where the signature goes, for example sign or header X-Sign",
            );
        }
        let add = self.additions();
        let output = self.output(&algorithm)?;
        let mut recipe = Recipe {
            cover,
            wrap,
            key,
            algorithm,
            digest: self.text("digest").unwrap_or_default(),
            secret,
            verify,
            mac_key,
            mac_steps,
            mac_hex: self.word("mac_form", &[("raw", false), ("hex", true)])?,
            output,
            value,
            into: Place::parse(&into.unwrap_or_default()),
            several: self.several(),
            timestamp_at: self.seen("timestamp", &add),
            nonce_at: self.seen("nonce", &add),
            add,
            timestamp: self.timestamp()?,
            nonce: self.nonce()?,
            skew: self.skew()?,
            answer: None,
        };
        // What hangs together is judged only where the parts are right.
        if self.mistakes.is_empty() {
            self.mistakes = check::recipe(&recipe);
        }
        recipe.answer = self.answer();
        Some(recipe)
    }

    /// What stands between several signatures at one place.
    fn several(&mut self) -> Option<String> {
        let text = self.text("several")?;
        if text.is_empty() {
            self.mistake(
                "several",
                "expected what stands between two signatures, for example a space",
            );
        }
        Some(text).filter(|t| !t.is_empty())
    }

    fn algorithm(&mut self) -> Option<Algorithm> {
        let form = match self.part.contains_key("form") {
            true => Some(self.word("form", &[("der", SignatureForm::Der), ("raw", SignatureForm::Raw)])?),
            false => None,
        };
        let signer = self.text("signer").unwrap_or_else(|| "1234567812345678".into());
        let Some(name) = self.text("digest") else {
            self.mistake("", format!("`digest` is missing: {}", algorithm::NAMES.join(", ")));
            return None;
        };
        let algorithm = Algorithm::parse(&name, &signer, form);
        if algorithm.is_none() {
            let near = nearest(&name, algorithm::NAMES);
            let hint = near.first().map_or_else(|| algorithm::NAMES.join(", "), Clone::clone);
            self.mistake("digest", format!("`{name}` is not known; did you mean {hint}?"));
        }
        algorithm
    }

    fn around_text(&mut self, key: &str, text: &str) -> Template {
        let template = self.template(key, text, &["text"]);
        if !template.names("text") && self.mistakes.is_empty() {
            self.mistake(key, "expected {text} somewhere in it");
        }
        template
    }

    /// Where the secret stands in the signed text: `none`, `prefix`, `suffix`, `both`, each with what stands between, or
    /// a template.
    fn key(&mut self, algorithm: &Algorithm) -> Template {
        let text = self.text("key").unwrap_or_else(|| "none".into());
        if text.contains('{') {
            return self.around_text("key", &text);
        }
        let (word, between) = text.split_once(' ').unwrap_or((&text, ""));
        let between = between.replace('{', "{{").replace('}', "}}");
        let template = match word {
            "none" => "{text}".to_owned(),
            "suffix" => format!("{{text}}{between}{{secret}}"),
            "prefix" => format!("{{secret}}{between}{{text}}"),
            "both" => format!("{{secret}}{between}{{text}}{between}{{secret}}"),
            _ => {
                let message =
                    format!("expected none, suffix, prefix, both, or a text with {{text}} in it, got `{text}`");
                self.mistake("key", message);
                return Template::default();
            }
        };
        if !algorithm.is_symmetric() && word != "none" {
            self.mistake("key", "a private key signs; it does not stand in the text");
        }
        self.around_text("key", &template)
    }

    fn output(&mut self, algorithm: &Algorithm) -> Option<Output> {
        let default = if algorithm.is_symmetric() { "hex" } else { "base64" };
        let upper = self.word("case", &[("lower", false), ("upper", true)])?;
        let word = self.text("output").unwrap_or_else(|| default.to_owned());
        match (word.as_str(), upper) {
            ("hex", false) => Some(Output::Hex),
            ("hex", true) => Some(Output::HexUpper),
            ("base64" | "base64url", true) => {
                self.mistake("case", "base64 has no case");
                None
            }
            ("base64", false) => Some(Output::Base64),
            ("base64url", false) => Some(Output::Base64Url),
            _ => {
                self.mistake("output", format!("expected hex, base64 or base64url, got `{word}`"));
                None
            }
        }
    }

    fn additions(&mut self) -> Vec<(Place, Template)> {
        let Some(part) = self.part.get("add") else {
            return Vec::new();
        };
        let Some(members) = part.as_object() else {
            self.mistake(
                "add",
                "expected places and what goes there, for example {header X-Time: \"{timestamp}\"}",
            );
            return Vec::new();
        };
        let mut add = Vec::new();
        for (place, text) in members {
            let pointer = format!("add/{}", place.replace('~', "~0").replace('/', "~1"));
            match text.as_str() {
                Some(text) => add.push((Place::parse(place), self.template(&pointer, text, &[]))),
                None => self.mistake(&pointer, "expected a text"),
            }
        }
        add
    }

    /// Where a stamp stands when a message is verified: `seen` says it, or `add` put it there.
    fn seen(&mut self, name: &str, add: &[(Place, Template)]) -> Option<Place> {
        if let Some(part) = self.part.get("seen") {
            let members = part
                .as_object()
                .filter(|m| m.keys().all(|k| k == "timestamp" || k == "nonce"));
            match members.map(|m| m.get(name).map(Value::as_str)) {
                None | Some(Some(None)) => self.mistake("seen", "expected {timestamp: PLACE, nonce: PLACE}"),
                Some(Some(Some(place))) => return Some(Place::parse(place)),
                Some(None) => {}
            }
        }
        add.iter()
            .find(|(_, template)| template.is_just(name))
            .map(|(place, _)| place.clone())
    }

    fn timestamp(&mut self) -> Option<TimeForm> {
        let text = self.text("timestamp").unwrap_or_else(|| "epoch".into());
        TimeForm::parse(&text)
            .map_err(|message| self.mistake("timestamp", message))
            .ok()
    }

    fn nonce(&mut self) -> Option<NonceForm> {
        let text = self.text("nonce").unwrap_or_else(|| "hex 32".into());
        NonceForm::parse(&text)
            .map_err(|message| self.mistake("nonce", message))
            .ok()
    }

    /// `300s`, `5m`, `1h`; five minutes by default.
    fn skew(&mut self) -> Option<Duration> {
        let text = self.text("skew").unwrap_or_else(|| "5m".into());
        let unit = |(suffix, seconds): (char, u64)| Some(text.strip_suffix(suffix)?.parse::<u64>().ok()? * seconds);
        let seconds = [('s', 1), ('m', 60), ('h', 3600)].into_iter().find_map(unit);
        if seconds.is_none() {
            self.mistake("skew", format!("expected a time like 300s, 5m or 1h, got `{text}`"));
        }
        seconds.map(Duration::from_secs)
    }

    /// The same part with what differs for answers.
    fn answer(&mut self) -> Option<Box<Recipe>> {
        let differing = self.part.get("answer")?;
        let Some(differing) = differing.as_object() else {
            self.mistake("answer", "expected an object with what differs for answers");
            return None;
        };
        let mut whole = self.part.clone();
        whole.remove("answer");
        // What a request adds is not in its answer.
        whole.remove("add");
        whole.extend(differing.iter().map(|(key, value)| (key.clone(), value.clone())));
        match recipe(&Value::Object(whole)) {
            Ok(recipe) => Some(Box::new(recipe)),
            Err(mistakes) => {
                for (pointer, message) in mistakes {
                    let own = differing
                        .keys()
                        .any(|key| pointer.trim_start_matches('/').split('/').next() == Some(key));
                    if own || pointer.is_empty() {
                        self.mistakes.push((format!("/answer{pointer}"), message));
                    }
                }
                None
            }
        }
    }
}
