//! The `seal` part of a manifest, read and checked.

use super::asymmetric::EnvelopeRule;
use super::{Chain, Iv, Method, PlainText, Seal, What};
use crate::manifest::model::TextForm;
use crate::mapping::path::Path;
use crate::mapping::template::scalar_text;
use crate::sign::template::Template;
use crate::sign::{Output, Place};
use hub_crypto::{Cipher, Envelope, Padding, Sm2Order};
use serde_json::{Map, Value};

/// Names that templates of keys and vectors may have without a colon.
const NAMES: [&str; 4] = ["method", "path", "query", "secret"];

type Part = Map<String, Value>;
/// Key within the part, and what was expected there.
type Mistake = (String, String);

/// Reads the part; unknown keys and words are found by the structural check.
///
/// # Errors
/// One entry a mistake.
pub(crate) fn seal(part: &Part) -> Result<Seal, Vec<Mistake>> {
    let mut reader = Reader {
        part: part.clone(),
        mistakes: Vec::new(),
    };
    let seal = reader.seal();
    let answer = match part.get("answer") {
        Some(Value::String(word)) if word == "none" => None,
        Some(Value::Object(differs)) => reader.answer(differs),
        _ => reader.answer(&Part::new()),
    };
    match seal {
        Some(mut seal) if reader.mistakes.is_empty() => {
            seal.answer = answer.map(Box::new);
            Ok(seal)
        }
        _ => Err(reader.mistakes),
    }
}

struct Reader {
    part: Part,
    mistakes: Vec<Mistake>,
}

impl Reader {
    fn mistake(&mut self, key: &str, expected: impl Into<String>) {
        self.mistakes.push((key.to_owned(), expected.into()));
    }

    fn text(&self, key: &str) -> Option<String> {
        self.part.get(key).and_then(scalar_text)
    }

    fn template(&mut self, key: &str, text: &str) -> Option<Template> {
        // `secret:x` alone is what people write everywhere else.
        let text = if text.starts_with("secret:") {
            format!("{{{text}}}")
        } else {
            text.to_owned()
        };
        match Template::parse(&text, &NAMES) {
            Ok(template) if !template.names("secret") => Some(template),
            Ok(_) => {
                self.mistake(key, "{secret:NAME}: here no secret is meant without a name");
                None
            }
            Err(message) => {
                self.mistake(key, message);
                None
            }
        }
    }

    /// What differs in answers, over what holds for requests; sealed for us.
    fn answer(&mut self, differs: &Part) -> Option<Seal> {
        let mut part = self.part.clone();
        part.extend(differs.clone());
        let mut reader = Reader {
            part,
            mistakes: Vec::new(),
        };
        let seal = reader.seal();
        let found = reader
            .mistakes
            .into_iter()
            .map(|(key, expected)| (format!("answer/{key}"), expected));
        if self.mistakes.is_empty() {
            self.mistakes.extend(found);
        }
        Some(seal?.of_knock())
    }

    fn seal(&mut self) -> Option<Seal> {
        let method = self.method()?;
        let envelope = self.envelope();
        let key = match (self.text("key"), &envelope) {
            (Some(text), _) => self.template("key", &text)?,
            (None, Some(_)) => Template::default(),
            (None, None) => {
                self.mistake(
                    "",
                    "`key`: the key, for example secret:seal-key or \"{secret:key | unhex}\"",
                );
                return None;
            }
        };
        let ours = self.text("open").map(|text| self.template("open", &text));
        let aad = self.text("aad").map(|text| self.template("aad", &text));
        Some(Seal {
            iv: self.iv(method)?,
            output: self.output(matches!(method, Method::Block(..)))?,
            what: self.what()?,
            text: self.plain_text(),
            signs_plain: self.text("signature").as_deref() == Some("plain"),
            method,
            key,
            ours: ours.flatten(),
            aad: aad.flatten(),
            envelope,
            answer: None,
        })
    }

    fn method(&mut self) -> Option<Method> {
        let word = self.text("cipher").unwrap_or_default();
        if let Some(envelope) = envelope(&word) {
            return Some(Method::Pair(envelope));
        }
        let padding = match self.text("padding").as_deref() {
            Some("zero") => Padding::Zero,
            Some("none") => Padding::None,
            _ => Padding::Pkcs7,
        };
        let (cipher, chain) = match word.as_str() {
            "sm4-ecb" => (Cipher::Sm4, Chain::Ecb),
            "sm4-cbc" => (Cipher::Sm4, Chain::Cbc),
            "sm4-gcm" => (Cipher::Sm4, Chain::Gcm),
            "aes-ecb" => (Cipher::Aes, Chain::Ecb),
            "aes-cbc" => (Cipher::Aes, Chain::Cbc),
            "aes-gcm" => (Cipher::Aes, Chain::Gcm),
            _ => {
                self.mistake(
                    "cipher",
                    "sm4-ecb, sm4-cbc, sm4-gcm, aes-ecb, aes-cbc, aes-gcm, or a cipher of key pairs",
                );
                return None;
            }
        };
        Some(Method::Block(cipher, chain, padding))
    }

    fn iv(&mut self, method: Method) -> Option<Iv> {
        let needs = matches!(method, Method::Block(_, Chain::Cbc | Chain::Gcm, _));
        let gcm = matches!(method, Method::Block(_, Chain::Gcm, _));
        let Some(text) = self.text("iv") else {
            if needs {
                self.mistake(
                    "",
                    "`iv`: front, `at PLACE`, or the vector itself, for example secret:iv",
                );
                return None;
            }
            return Some(Iv::None);
        };
        if !needs {
            self.mistake("iv", "nothing: this cipher takes no vector");
            return None;
        }
        if text == "front" {
            return Some(Iv::Front);
        }
        if let Some(place) = text.strip_prefix("at ") {
            return Some(Iv::At(Place::parse(place)));
        }
        if let Some(place) = text.strip_prefix("text at ") {
            return Some(Iv::TextAt(Place::parse(place)));
        }
        let template = self.template("iv", &text)?;
        if gcm && template.is_constant() {
            // A nonce that repeats under one key gives the key away.
            self.mistake("iv", "front or `at PLACE`: with gcm a vector must never come twice");
            return None;
        }
        Some(Iv::Fixed(template))
    }

    fn output(&mut self, block: bool) -> Option<Output> {
        let word = self
            .text("output")
            .unwrap_or_else(|| if block { "hex" } else { "base64" }.to_owned());
        match (word.as_str(), self.text("case").as_deref()) {
            ("hex", Some("upper")) => Some(Output::HexUpper),
            ("hex", _) => Some(Output::Hex),
            ("base64", None) => Some(Output::Base64),
            ("base64url", None) => Some(Output::Base64Url),
            ("raw", None) => Some(Output::Raw),
            _ => {
                self.mistake("output", "hex, base64, base64url or raw; case is for hex");
                None
            }
        }
    }

    fn what(&mut self) -> Option<What> {
        let into = self.text("into").map(|text| Path::parse(&text));
        let raw = self.text("output").as_deref() == Some("raw");
        match self.part.get("of") {
            Some(Value::Array(items)) if into.is_none() && !raw => {
                let paths = items.iter().filter_map(scalar_text);
                Some(What::Values(paths.map(|text| Path::parse(&text)).collect()))
            }
            Some(Value::Array(_)) => {
                self.mistake(
                    "into",
                    "nothing: values of a list are sealed where they stand, as texts",
                );
                None
            }
            of => {
                let of = of.and_then(scalar_text).unwrap_or_else(|| "body".to_owned());
                match (of.as_str(), into) {
                    ("body", None) => Some(What::Body),
                    _ if raw => {
                        self.mistake("output", "hex, base64 or base64url: raw bytes are for whole bodies");
                        None
                    }
                    ("body", Some(into)) => Some(What::Tree(Path::default(), into)),
                    (path, into) => {
                        let path = Path::parse(path);
                        Some(What::Tree(path.clone(), into.unwrap_or(path)))
                    }
                }
            }
        }
    }

    fn plain_text(&self) -> PlainText {
        let default = if self.part.get("of").is_some_and(Value::is_array) {
            "text"
        } else {
            "json"
        };
        match self.text("as").as_deref().unwrap_or(default) {
            "text" => PlainText::Text,
            "sorted-json" => PlainText::SortedJson,
            word => PlainText::Form(TextForm::parse(word).unwrap_or(TextForm::Json)),
        }
    }

    fn envelope(&mut self) -> Option<EnvelopeRule> {
        let part = self.part.get("envelope")?.as_object()?.clone();
        let text = |key: &str| part.get(key).and_then(scalar_text);
        let word = text("cipher").unwrap_or_default();
        let (Some(envelope), Some(key), Some(into)) = (envelope(&word), text("key"), text("into")) else {
            self.mistake("envelope", "cipher, key (their public key) and into");
            return None;
        };
        let key = self.template("envelope/key", &key)?;
        let ours = text("open").map(|text| self.template("envelope/open", &text));
        Some(EnvelopeRule {
            envelope,
            key,
            ours: ours.flatten(),
            into: Place::parse(&into),
            output: match (text("output").as_deref(), text("case").as_deref()) {
                (Some("hex"), Some("upper")) => Output::HexUpper,
                (Some("hex"), _) => Output::Hex,
                _ => Output::Base64,
            },
            size: text("size").and_then(|n| n.parse().ok()).unwrap_or(16),
            text: text("as").as_deref() == Some("text"),
        })
    }
}

/// A cipher of key pairs by its word.
fn envelope(word: &str) -> Option<Envelope> {
    Some(match word {
        "sm2-c1c3c2" => Envelope::Sm2(Sm2Order::C1C3C2),
        "sm2-c1c2c3" => Envelope::Sm2(Sm2Order::C1C2C3),
        "sm2-der" => Envelope::Sm2(Sm2Order::Der),
        "rsa-oaep" => Envelope::RsaOaep,
        "rsa-oaep-sha1" => Envelope::RsaOaepSha1,
        "rsa-pkcs1" => Envelope::RsaPkcs1,
        _ => return None,
    })
}
