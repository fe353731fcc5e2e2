//! Signatures without code: the `sign` part of a manifest says what is covered, how it becomes one text, how that is
//! digested with which key, and where the result stands. The same recipe signs (the client half) and verifies (the
//! server half, answers, callbacks).
//!
//! The way of a signature: `cover` makes the text, `wrap` and `key` put it between other texts and the secret, `digest`
//! and `output` make the signature, `value` and `into` place it. Everything in braces is a [`template`].
//! `docs/how-to/signing.md` is the reference, with the schemes that are known to work.
//!
//! No secret is in an error or in what [`Recipe::explain`] shows; comparisons take constant time.

mod algorithm;
mod cover;
mod explain;
mod place;
mod read;
mod schema;
mod scope;
mod stamp;
pub mod template;

pub use explain::{SignStep, SignTrace};
pub use schema::schema;

use crate::charset::Charset;
use crate::context::Secrets;
use crate::message::Message;
use algorithm::Algorithm;
pub(crate) use algorithm::Output;
use cover::Cover;
pub(crate) use cover::sorted;
use hub_core::time::Timestamp;
pub(crate) use place::Place;
pub(crate) use scope::fill;
use scope::{Scope, Stamps};
use stamp::{NonceForm, TimeForm};
use std::collections::BTreeMap;
use std::time::Duration;
use template::{Spans, Template};

/// Writes the body of a message, for recipes that cover its bytes. `None` if it cannot be written.
pub type WriteBody<'b> = &'b dyn Fn(&Message) -> Option<Vec<u8>>;

/// What a recipe is handed beside the message.
#[derive(Clone, Copy)]
pub struct Given<'g> {
    /// Now.
    pub now: Timestamp,
    /// Fresh randomness; nonces are made from it.
    pub random: [u8; 32],
    /// The system's secrets.
    pub secrets: &'g dyn Secrets,
    /// Values of the kept session.
    pub session: &'g BTreeMap<String, String>,
    /// Charset of the message; texts are signed in it.
    pub charset: Charset,
}

/// Why a message cannot be signed, or is not signed right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// A secret that the recipe names is not there.
    #[error("the secret `{0}` is not set")]
    NoSecret(String),
    /// A session value that the recipe names is not there.
    #[error("the session has no `{0}`")]
    NoSession(String),
    /// A secret is not the kind of key that the algorithm needs.
    #[error("the secret `{name}` is not usable: {reason}")]
    Key {
        /// Its name.
        name: String,
        /// What is wrong with it, without its content.
        reason: String,
    },
    /// Something to be covered or checked does not stand where it should.
    #[error("{0} is missing")]
    Missing(String),
    /// A text cannot be written in the charset or a value not be decoded.
    #[error("{0}")]
    Text(String),
    /// The body cannot be written.
    #[error("the body to be signed cannot be written")]
    Body,
    /// The signature is not the right one.
    #[error("the signature does not match")]
    Mismatch,
    /// The signature is right but too old, or from the future.
    #[error("the timestamp is {seconds} s off, {allowed} s are allowed")]
    Stale {
        /// Distance from now.
        seconds: u64,
        /// The allowed distance.
        allowed: u64,
    },
}

/// What a verified message said about itself, for a check against replays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verified {
    /// When it was signed.
    pub at: Option<Timestamp>,
    /// Its nonce.
    pub nonce: Option<String>,
}

/// What a secret of a recipe must be, for checks and for making test secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SecretKind {
    /// Any text.
    Text,
    /// An RSA private key; where it verifies, a public key does too.
    Rsa,
    /// An SM2 private key; where it verifies, a public key does too.
    Sm2,
    /// A P-256 private key; where it verifies, a public key does too.
    P256,
    /// An Ed25519 private key; where it verifies, a public key does too.
    Ed25519,
}

/// Signatures at one place that are tried.
const MAX_SIGNATURES: usize = 16;

/// How a system signs.
#[derive(Debug, Clone, PartialEq)]
pub struct Recipe {
    cover: Cover,
    wrap: Template,
    key: Template,
    algorithm: Algorithm,
    /// The word of `digest`, for explanations.
    digest: String,
    secret: Option<String>,
    verify: Option<String>,
    mac_key: Template,
    mac_steps: Vec<Template>,
    /// Whether a derived key is used as its hex text.
    mac_hex: bool,
    output: Output,
    value: Template,
    into: Place,
    /// What stands between signatures, where several may stand at one place.
    several: Option<String>,
    add: Vec<(Place, Template)>,
    timestamp: TimeForm,
    nonce: NonceForm,
    timestamp_at: Option<Place>,
    nonce_at: Option<Place>,
    skew: Duration,
    answer: Option<Box<Recipe>>,
}

impl Recipe {
    /// Reads the `sign` part of a manifest.
    ///
    /// # Errors
    /// One entry a mistake: JSON pointer within the part, and a sentence.
    pub fn parse(part: &serde_json::Value) -> Result<Self, Vec<(String, String)>> {
        read::recipe(part)
    }

    /// How answers are signed, if they are.
    #[must_use]
    pub fn answer(&self) -> Option<&Self> {
        self.answer.as_deref()
    }

    /// The secrets it names and what they must be.
    #[must_use]
    pub fn secrets(&self) -> Vec<(String, SecretKind)> {
        let kind = self.algorithm.secret_kind();
        let keys = self.secret.iter().chain(&self.verify).map(|name| (name.clone(), kind));
        let in_templates = self.templates().into_iter().flat_map(Template::secrets);
        let mut all: Vec<_> = keys.chain(in_templates.map(|name| (name, SecretKind::Text))).collect();
        all.extend(self.answer.iter().flat_map(|a| a.secrets()));
        // A key that templates use as text too is still a key.
        all.sort_by(|a, b| (&a.0, std::cmp::Reverse(a.1)).cmp(&(&b.0, std::cmp::Reverse(b.1))));
        all.dedup_by(|later, first| later.0 == first.0);
        all
    }

    fn templates(&self) -> Vec<&Template> {
        let own = [&self.wrap, &self.key, &self.mac_key, &self.value];
        let rest = self.mac_steps.iter().chain(self.add.iter().map(|(_, t)| t));
        own.into_iter().chain(rest).chain(self.cover.template()).collect()
    }

    /// Whether it covers the bytes of the body, so that the body must not change after signing.
    #[must_use]
    pub fn covers_body(&self) -> bool {
        self.cover.needs_body() || self.templates().iter().any(|t| t.names("body"))
    }

    /// Signs: places what `add` says (timestamp, nonce, application id, …), then the signature.
    ///
    /// # Errors
    /// [`SignError`]; the message may then be half signed and must not be sent.
    pub fn sign(&self, message: &mut Message, given: &Given<'_>, body: WriteBody<'_>) -> Result<(), SignError> {
        let stamps = self.fresh_stamps(given);
        for (place, template) in &self.add {
            let text = Scope::new(given, message, body, &stamps, self).text(template)?;
            place.set(message, text);
        }
        let scope = Scope::new(given, message, body, &stamps, self);
        let signature = self.signature(&scope)?;
        let value = scope.with("signature", signature).text(&self.value)?;
        self.into.set(message, value);
        Ok(())
    }

    /// Checks the signature of a message, and its age where a timestamp is known.
    ///
    /// # Errors
    /// [`SignError::Missing`], [`SignError::Mismatch`], [`SignError::Stale`], and those of signing.
    pub fn verify(&self, message: &Message, given: &Given<'_>, body: WriteBody<'_>) -> Result<Verified, SignError> {
        let found = self.into.get(message).ok_or_else(|| self.into.missing())?;
        let stamps = self.found_stamps(message)?;
        let scope = Scope::new(given, message, body, &stamps, self);
        self.check_any(&scope, &found)?;
        let at = stamps.timestamp.as_deref().and_then(|text| self.timestamp.read(text));
        if stamps.timestamp.is_some() {
            self.check_age(
                at.ok_or_else(|| SignError::Missing("a readable timestamp".into()))?,
                given.now,
            )?;
        }
        Ok(Verified {
            at,
            nonce: stamps.nonce,
        })
    }

    /// Whether the place of the signature is empty.
    #[must_use]
    pub fn is_unsigned(&self, message: &Message) -> bool {
        self.into.get(message).is_none_or(|text| text.trim().is_empty())
    }

    /// One of the signatures that stand there is right.
    fn check_any(&self, scope: &Scope<'_>, found: &str) -> Result<(), SignError> {
        let Some(between) = &self.several else {
            return self.check(scope, found);
        };
        let parts = found.split(between.as_str()).map(str::trim).filter(|p| !p.is_empty());
        for part in parts.take(MAX_SIGNATURES) {
            match self.check(scope, part) {
                Err(SignError::Mismatch) => {}
                other => return other,
            }
        }
        Err(SignError::Mismatch)
    }

    fn check(&self, scope: &Scope<'_>, found: &str) -> Result<(), SignError> {
        let signature = self.bare_signature(scope, found)?;
        if self.algorithm.is_symmetric() {
            let right = self.signature(scope)?;
            return match self.output.same(&right, &signature) {
                true => Ok(()),
                false => Err(SignError::Mismatch),
            };
        }
        let text = self.signed_text(scope)?.bytes();
        let (name, key) = self.public_key(scope.given)?;
        let signature = self.output.decode(&signature).ok_or(SignError::Mismatch)?;
        self.algorithm.check(&name, &key, &text, &signature)
    }

    fn signed_text(&self, scope: &Scope<'_>) -> Result<Spans, SignError> {
        let text = self.cover.text(scope)?;
        let wrapped = scope.with_spans("text", text).spans(&self.wrap)?;
        scope.with_spans("text", wrapped).spans(&self.key)
    }

    fn signature(&self, scope: &Scope<'_>) -> Result<String, SignError> {
        let text = self.signed_text(scope)?.bytes();
        let bytes = match &self.algorithm {
            Algorithm::Plain => {
                return scope
                    .given
                    .charset
                    .decode(&text)
                    .map_err(|e| SignError::Text(e.to_string()));
            }
            Algorithm::Digest(digest) => hub_crypto::digest(*digest, &text),
            Algorithm::Hmac(digest) => {
                let mut key = scope.spans(&self.mac_key)?.bytes();
                for step in &self.mac_steps {
                    key = hub_crypto::hmac(*digest, &key, &scope.spans(step)?.bytes());
                    if self.mac_hex {
                        key = hub_crypto::hex(&key).into_bytes();
                    }
                }
                hub_crypto::hmac(*digest, &key, &text)
            }
            asymmetric => {
                let name = self.secret.clone().unwrap_or_default();
                asymmetric.sign(&name, &scope.secret(&name)?, &text)?
            }
        };
        Ok(self.output.encode(&bytes))
    }

    /// What stands in `value` at `{signature}`.
    fn bare_signature(&self, scope: &Scope<'_>, found: &str) -> Result<String, SignError> {
        let (before, after) = self.value.around("signature");
        let (before, after) = (scope.text(&before)?, scope.text(&after)?);
        // Where what stands beside the signatures (`t=…,v1=…,v1=…`) is divided as they are, it was divided off.
        let (before, after) = match self.several.as_deref() {
            Some(between) => (
                before.rsplit(between).next().unwrap_or_default(),
                after.split(between).next().unwrap_or_default(),
            ),
            None => (before.as_str(), after.as_str()),
        };
        let bare = found.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
        bare.map(str::to_owned).ok_or(SignError::Mismatch)
    }

    /// `verify` names the key; without it the private key serves for its own public half.
    fn public_key(&self, given: &Given<'_>) -> Result<(String, String), SignError> {
        let name = self
            .verify
            .as_ref()
            .or(self.secret.as_ref())
            .cloned()
            .unwrap_or_default();
        match given.secrets.get(&name) {
            Some(key) => Ok((name, key)),
            None => Err(SignError::NoSecret(name)),
        }
    }

    fn fresh_stamps(&self, given: &Given<'_>) -> Stamps {
        Stamps {
            timestamp: Some(self.timestamp.write(given.now)),
            nonce: Some(self.nonce.make(&given.random)),
        }
    }

    /// Timestamp and nonce as the message has them, where the recipe knows their places.
    fn found_stamps(&self, message: &Message) -> Result<Stamps, SignError> {
        let find = |name: &str, place: &Option<Place>| {
            let alone = place.as_ref().map(|place| (place, None));
            let Some((place, within)) = alone.or_else(|| self.holder(name).map(|(p, t)| (p, Some(t)))) else {
                return Ok(None);
            };
            let text = place.get(message).and_then(|text| match within {
                // A signature of another kind may stand between (`t=…,v0=…,v1=…`).
                Some(template) => template
                    .captured(&text, name)
                    .map(|text| match self.several.as_deref() {
                        Some(between) => text.split(between).next().unwrap_or_default().to_owned(),
                        None => text,
                    }),
                None => Some(text),
            });
            match text.filter(|text| !text.is_empty()) {
                Some(text) => Ok(Some(text)),
                None => Err(place.missing()),
            }
        };
        Ok(Stamps {
            timestamp: find("timestamp", &self.timestamp_at)?,
            nonce: find("nonce", &self.nonce_at)?,
        })
    }

    /// Where a stamp stands inside of a longer text: in one that `add` places, or beside the signature.
    fn holder(&self, name: &str) -> Option<(&Place, &Template)> {
        let added = self.add.iter().map(|(place, template)| (place, template));
        added
            .chain([(&self.into, &self.value)])
            .find(|(_, template)| template.shows(name))
    }

    fn check_age(&self, at: Timestamp, now: Timestamp) -> Result<(), SignError> {
        let seconds = now.as_second().abs_diff(at.as_second());
        let allowed = self.skew.as_secs();
        if seconds > allowed {
            Err(SignError::Stale { seconds, allowed })
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests;
