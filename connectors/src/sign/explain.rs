//! How a signature came about, step by step, with everything secret blanked: what a person needs when an upstream says
//! no more than `signature error`.

use super::algorithm::Algorithm;
use super::scope::Scope;
use super::template::{Spans, Template};
use super::{Given, Recipe, SignError, WriteBody};
use crate::message::Message;
use hub_core::Text;
use serde::Serialize;

/// One step on the way to a signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SignStep {
    /// The key of the recipe that makes it: `cover`, `wrap`, `key`, `digest`, `value`.
    pub key: &'static str,
    /// What it is.
    pub about: Text,
    /// The text after it, secrets blanked.
    pub text: String,
}

/// The way of one signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SignTrace {
    /// The exact text that was digested or signed, secrets blanked.
    pub covered: String,
    /// How it came about and what became of it.
    pub steps: Vec<SignStep>,
    /// Texts made of secrets that must not be shown wherever they stand.
    #[serde(skip)]
    pub hidden: Vec<String>,
    /// The signature alone, which is no secret whatever stands in it by chance; `None` where it is the signed text.
    #[serde(skip)]
    pub made: Option<String>,
}

impl Recipe {
    /// The exact text that is signed for this message, secrets blanked. `message` is as it was sent.
    ///
    /// # Errors
    /// Those of signing.
    pub fn explain(&self, message: &Message, given: &Given<'_>, body: WriteBody<'_>) -> Result<String, SignError> {
        self.trace(message, given, body).map(|trace| trace.covered)
    }

    /// Every step of signing this message. `message` is as it was sent.
    ///
    /// # Errors
    /// Those of signing.
    pub fn trace(&self, message: &Message, given: &Given<'_>, body: WriteBody<'_>) -> Result<SignTrace, SignError> {
        let stamps = self.found_stamps(message).unwrap_or_else(|_| self.fresh_stamps(given));
        let scope = Scope::new(given, message, body, &stamps, self);
        let mut trace = SignTrace {
            covered: String::new(),
            steps: Vec::new(),
            hidden: Vec::new(),
            made: None,
        };
        let shown = |spans: &Spans| spans.blanked(given.charset);
        let covered = self.cover.text(&scope)?;
        trace.step(
            "cover",
            "被签名覆盖的内容",
            "what the signature covers",
            shown(&covered),
        );
        let wrapped = scope.with_spans("text", covered).spans(&self.wrap)?;
        if !self.wrap.is_just("text") {
            trace.step("wrap", "前后加上固定文本", "with texts around it", shown(&wrapped));
        }
        let whole = scope.with_spans("text", wrapped).spans(&self.key)?;
        if !self.key.is_just("text") {
            trace.step("key", "加入密钥", "with the secret in it", shown(&whole));
        }
        trace.covered = shown(&whole);
        let signature = match self.into.get(message) {
            // A text that is its own signature shows what is secret in it.
            _ if self.algorithm == Algorithm::Plain => trace.covered.clone(),
            Some(found) => found,
            None => self.signature(&scope)?,
        };
        if self.algorithm != Algorithm::Plain {
            trace.made = self.bare_signature(&scope, &signature).ok().filter(|s| s.len() >= 16);
        }
        let (zh, en) = (
            format!("{} 的结果", self.digest),
            format!("what {} made of it", self.digest),
        );
        trace.step("digest", &zh, &en, signature);
        let made = self.add.iter().map(|(_, template)| template);
        for template in made.chain([&self.value]) {
            trace.hidden.extend(hidden(&scope, template, given));
        }
        if self.algorithm == Algorithm::Plain {
            trace.hidden.extend(whole.secret_texts(given.charset));
        }
        Ok(trace)
    }
}

/// The secret texts that a template puts into a message.
fn hidden(scope: &Scope<'_>, template: &Template, given: &Given<'_>) -> Vec<String> {
    let spans = scope.with("signature", String::new()).spans(template);
    spans.map(|s| s.secret_texts(given.charset)).unwrap_or_default()
}

impl SignTrace {
    fn step(&mut self, key: &'static str, zh: &str, en: &str, text: String) {
        self.steps.push(SignStep {
            key,
            about: Text::new(zh, en),
            text,
        });
    }
}
