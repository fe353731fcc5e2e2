//! Sealed bodies: the `seal` part of a manifest says what of a message is enciphered, with which key, how the result is
//! written and where it stands. Whoever sends seals, whoever reads opens; both are here, for both sides.
//!
//! Keys are templates of the signing language, so that a key that is cut, hex, or made of another one by the vendor's
//! own rule needs no code. No secret and no plain text is in an error.

mod asymmetric;
mod read;

pub(crate) use read::seal;

use crate::charset::Charset;
use crate::codec::parse_json;
use crate::dialect::{MAX_DEPTH, ReadError, json, text_form};
use crate::manifest::model::{Format, TextForm};
use crate::mapping::path::Path;
use crate::message::Message;
use crate::sign::template::{Spans, Template};
use crate::sign::{Given, Output, Place, SignError};
use asymmetric::EnvelopeRule;
use hub_crypto::{Cipher, CryptoError, Digest, Envelope, Mode, Padding, Provider, Software, digest};
use serde_json::Value;

/// How bodies of a system are sealed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seal {
    method: Method,
    /// Whose holder opens what is sent.
    key: Template,
    /// What opens the other side's messages; without it `key` does.
    ours: Option<Template>,
    iv: Iv,
    aad: Option<Template>,
    output: Output,
    what: What,
    text: PlainText,
    /// Whether signatures cover the plain content instead of the sealed one.
    pub signs_plain: bool,
    envelope: Option<EnvelopeRule>,
    answer: Option<Box<Seal>>,
}

/// What seals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    /// A block cipher under a key both sides know, or one sent along.
    Block(Cipher, Chain, Padding),
    /// A key pair.
    Pair(Envelope),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chain {
    Ecb,
    Cbc,
    Gcm,
}

/// Where the initial vector comes from.
#[derive(Debug, Clone, PartialEq)]
enum Iv {
    /// There is none.
    None,
    /// Always this one.
    Fixed(Template),
    /// Made for the message, in front of what it seals.
    Front,
    /// Made for the message, at a place of its own, written as the sealed text is.
    At(Place),
    /// The same, but the text at the place is itself the vector.
    TextAt(Place),
}

/// What is sealed.
#[derive(Debug, Clone, PartialEq)]
enum What {
    /// The bytes of the body.
    Body,
    /// What stands at the first path; the sealed text goes to the second.
    Tree(Path, Path),
    /// Values, each where it stands.
    Values(Vec<Path>),
}

/// How a tree becomes the text that is sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PlainText {
    Form(TextForm),
    SortedJson,
    /// A text as it is; other values as JSON.
    Text,
}

/// Why something cannot be sealed or opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SealError {
    /// A template of the key or vector cannot be filled.
    #[error(transparent)]
    Made(#[from] SignError),
    /// The key does not fit the cipher.
    #[error("the key of `seal` is not usable: {0}")]
    Key(String),
    /// Something that should be sealed is not, or stands elsewhere.
    #[error("{0} is missing")]
    Missing(String),
    /// Not sealed with this key, or damaged.
    #[error("the sealed part cannot be opened")]
    Broken,
    /// What was sealed cannot be read.
    #[error("what was sealed cannot be read: {0}")]
    Content(String),
}

impl Seal {
    /// How answers are sealed, if they are.
    pub fn answer(&self) -> Option<&Self> {
        self.answer.as_deref()
    }

    /// Names of the secrets it needs.
    pub fn secrets(&self) -> Vec<String> {
        let iv = match &self.iv {
            Iv::Fixed(template) => Some(template),
            _ => None,
        };
        let own = [Some(&self.key), self.ours.as_ref(), iv, self.aad.as_ref()];
        let mut names: Vec<String> = own.into_iter().flatten().flat_map(Template::secrets).collect();
        names.extend(self.envelope.iter().flat_map(EnvelopeRule::secrets));
        names.extend(self.answer.iter().flat_map(|a| a.secrets()));
        names
    }

    /// Seals what it says of a message, but not a whole body: [`Seal::seal_bytes`] does, once it is written.
    ///
    /// # Errors
    /// A missing secret or an unusable key.
    pub fn seal(&self, message: &mut Message, given: &Given<'_>) -> Result<(), SealError> {
        if let Some(rule) = &self.envelope {
            rule.put(message, given, self)?;
        }
        if let Iv::At(place) | Iv::TextAt(place) = &self.iv {
            let iv = self.fresh_iv(given, 0);
            let text = if matches!(self.iv, Iv::At(_)) {
                self.output.encode(&iv)
            } else {
                String::from_utf8_lossy(&iv).into_owned()
            };
            place.set(message, text);
        }
        match &self.what {
            What::Body => Ok(()),
            What::Tree(from, into) => match take(&mut message.body, from) {
                None | Some(Value::Null) => Ok(()),
                Some(value) => {
                    let sealed = self.sealed_value(value, message, given, 0)?;
                    into.set(&mut message.body, sealed);
                    Ok(())
                }
            },
            What::Values(paths) => {
                for (index, path) in paths.iter().enumerate() {
                    let Some(value) = path.get(&message.body).filter(|v| !v.is_null()).cloned() else {
                        continue;
                    };
                    let sealed = self.sealed_value(value, message, given, index)?;
                    path.set(&mut message.body, sealed);
                }
                Ok(())
            }
        }
    }

    /// Opens what it says of a message. What is not there is left out; what stands there unsealed is refused.
    ///
    /// # Errors
    /// [`SealError::Broken`] if it is not sealed with this key.
    pub fn open(&self, message: &mut Message, given: &Given<'_>) -> Result<(), SealError> {
        match &self.what {
            What::Body => Ok(()),
            What::Tree(from, into) => {
                let found = into.get(&message.body).filter(|v| !is_blank(v)).cloned();
                let Some(found) = found else {
                    let plain = from.get(&message.body).filter(|v| !is_blank(v));
                    return match plain {
                        Some(_) if from != into && !from.is_self() => Err(SealError::Missing(format!("`{into}`"))),
                        _ => Ok(()),
                    };
                };
                let opened = self.opened_value(&found, message, given)?;
                if into.is_self() {
                    message.body = Value::Null;
                } else {
                    take(&mut message.body, into);
                }
                from.set(&mut message.body, opened);
                Ok(())
            }
            What::Values(paths) => {
                for path in paths {
                    if let Some(found) = path.get(&message.body).filter(|v| !is_blank(v)).cloned() {
                        let opened = self.opened_value(&found, message, given)?;
                        path.set(&mut message.body, opened);
                    }
                }
                Ok(())
            }
        }
    }

    /// Seals a whole body; other bodies stay as they are.
    ///
    /// # Errors
    /// As [`Seal::seal`].
    pub fn seal_bytes(&self, body: Vec<u8>, message: &Message, given: &Given<'_>) -> Result<Vec<u8>, SealError> {
        if self.what != What::Body || body.is_empty() {
            return Ok(body);
        }
        let sealed = self.encipher(&body, message, given, 0)?;
        Ok(self.output.write(&sealed))
    }

    /// Opens a whole body; other bodies stay as they are. `message` has the headers.
    ///
    /// # Errors
    /// As [`Seal::open`].
    pub fn open_bytes(&self, body: &[u8], message: &Message, given: &Given<'_>) -> Result<Vec<u8>, SealError> {
        if self.what != What::Body || body.trim_ascii().is_empty() {
            return Ok(body.to_vec());
        }
        let sealed = self.output.read(body).ok_or(SealError::Broken)?;
        self.decipher(&sealed, message, given)
    }

    /// Whether the bytes of the body are what is sealed.
    pub fn is_whole(&self) -> bool {
        self.what == What::Body
    }

    /// The same for an upstream's knock: it is sealed for us.
    pub fn of_knock(&self) -> Self {
        Self {
            key: self.ours.clone().unwrap_or_else(|| self.key.clone()),
            envelope: self.envelope.as_ref().map(EnvelopeRule::turned),
            ..self.clone()
        }
    }

    fn sealed_value(
        &self,
        value: Value,
        message: &Message,
        given: &Given<'_>,
        index: usize,
    ) -> Result<Value, SealError> {
        let plain = self.text.write(value, given.charset)?;
        let sealed = self.encipher(&plain, message, given, index)?;
        Ok(self.output.encode(&sealed).into())
    }

    fn opened_value(&self, value: &Value, message: &Message, given: &Given<'_>) -> Result<Value, SealError> {
        let text = value.as_str().ok_or(SealError::Broken)?;
        let sealed = self.output.decode(text.trim()).ok_or(SealError::Broken)?;
        let plain = self.decipher(&sealed, message, given)?;
        self.text.read(&plain, given.charset)
    }

    fn encipher(&self, plain: &[u8], message: &Message, given: &Given<'_>, index: usize) -> Result<Vec<u8>, SealError> {
        let (cipher, chain, padding) = match self.method {
            Method::Pair(envelope) => {
                let key = self.key_text(message, given)?;
                return Software.envelope_seal(envelope, &key, plain).map_err(unsealed);
            }
            Method::Block(cipher, chain, padding) => (cipher, chain, padding),
        };
        let key = self.key(message, given)?;
        let iv = match &self.iv {
            Iv::None => Vec::new(),
            Iv::Fixed(template) => filled(template, message, given)?.bytes(),
            Iv::Front | Iv::At(_) | Iv::TextAt(_) => self.fresh_iv(given, index),
        };
        let mode = self.mode(chain, &iv, message, given)?;
        let sealed = Software
            .encipher(cipher, &mode, padding, &key, plain)
            .map_err(unsealed)?;
        Ok(if self.iv == Iv::Front {
            [iv, sealed].concat()
        } else {
            sealed
        })
    }

    fn decipher(&self, sealed: &[u8], message: &Message, given: &Given<'_>) -> Result<Vec<u8>, SealError> {
        let (cipher, chain, padding) = match self.method {
            Method::Pair(envelope) => {
                let key = self.key_text(message, given)?;
                return Software.envelope_open(envelope, &key, sealed).map_err(unopened);
            }
            Method::Block(cipher, chain, padding) => (cipher, chain, padding),
        };
        let key = self.opening_key(message, given)?;
        let mut sealed = sealed;
        let iv = match &self.iv {
            Iv::None => Vec::new(),
            Iv::Fixed(template) => filled(template, message, given)?.bytes(),
            Iv::Front => {
                let (iv, rest) = sealed.split_at_checked(chain.iv_length()).ok_or(SealError::Broken)?;
                sealed = rest;
                iv.to_vec()
            }
            Iv::At(place) => {
                let text = place.get(message).ok_or_else(|| SealError::from(place.missing()))?;
                self.output.decode(&text).ok_or(SealError::Broken)?
            }
            Iv::TextAt(place) => place.get(message).ok_or_else(|| place.missing())?.into_bytes(),
        };
        let mode = self.mode(chain, &iv, message, given)?;
        Software
            .decipher(cipher, &mode, padding, &key, sealed)
            .map_err(unopened)
    }

    fn mode(&self, chain: Chain, iv: &[u8], message: &Message, given: &Given<'_>) -> Result<Mode, SealError> {
        let wrong = || SealError::Key(format!("its `iv` has {} bytes, not {}", iv.len(), chain.iv_length()));
        Ok(match chain {
            Chain::Ecb => Mode::Ecb,
            Chain::Cbc => Mode::Cbc {
                iv: iv.try_into().map_err(|_| wrong())?,
            },
            Chain::Gcm => Mode::Gcm {
                nonce: iv.try_into().map_err(|_| wrong())?,
                aad: match &self.aad {
                    Some(template) => filled(template, message, given)?.bytes(),
                    None => Vec::new(),
                },
            },
        })
    }

    /// A vector for one value of one message. Letters and digits, so that it may stand as a text.
    fn fresh_iv(&self, given: &Given<'_>, index: usize) -> Vec<u8> {
        let length = match self.method {
            Method::Block(_, chain, _) => chain.iv_length(),
            Method::Pair(_) => 0,
        };
        let label = format!("seal-iv-{index}");
        let bytes = digest(Digest::Sha256, &[given.random.as_slice(), label.as_bytes()].concat());
        if matches!(self.iv, Iv::TextAt(_)) {
            return hub_crypto::hex(&bytes).into_bytes().into_iter().take(length).collect();
        }
        bytes.into_iter().take(length).collect()
    }

    fn key(&self, message: &Message, given: &Given<'_>) -> Result<Vec<u8>, SealError> {
        match &self.envelope {
            Some(rule) => Ok(rule.fresh_key(given)),
            None => Ok(filled(&self.key, message, given)?.bytes()),
        }
    }

    fn opening_key(&self, message: &Message, given: &Given<'_>) -> Result<Vec<u8>, SealError> {
        match &self.envelope {
            Some(rule) => rule.open(message, given),
            None => Ok(filled(&self.key, message, given)?.bytes()),
        }
    }

    fn key_text(&self, message: &Message, given: &Given<'_>) -> Result<String, SealError> {
        String::from_utf8(filled(&self.key, message, given)?.bytes()).map_err(|_| SealError::Key("no text".into()))
    }
}

impl Chain {
    fn iv_length(self) -> usize {
        match self {
            Self::Ecb => 0,
            Self::Cbc => 16,
            Self::Gcm => 12,
        }
    }
}

impl PlainText {
    fn write(self, value: Value, charset: Charset) -> Result<Vec<u8>, SealError> {
        let content = |e: ReadError| SealError::Content(e.to_string());
        let text = match (self, value) {
            (Self::Text, Value::String(text)) => text,
            (Self::Text, value) => value.to_string(),
            (Self::SortedJson, value) => crate::sign::sorted(&value).to_string(),
            (Self::Form(TextForm::Object | TextForm::Json), value) => json::write(&value),
            (Self::Form(form), value) => {
                let written = text_form::write(value, form, None, None).map_err(content)?;
                written.as_str().unwrap_or_default().to_owned()
            }
        };
        crate::dialect::encode(charset, &text, Format::Json).map_err(content)
    }

    fn read(self, plain: &[u8], charset: Charset) -> Result<Value, SealError> {
        let text = charset.decode(plain).map_err(|e| SealError::Content(e.to_string()))?;
        match self {
            Self::Text => Ok(text.into()),
            Self::SortedJson | Self::Form(TextForm::Object | TextForm::Json) => parse_json(text.trim(), MAX_DEPTH)
                .ok_or_else(|| SealError::Content("not JSON, or nested too deeply".into())),
            Self::Form(form) => text_form::read(&Value::from(text), form)
                .map(|document| document.tree)
                .map_err(|e| SealError::Content(e.to_string())),
        }
    }
}

/// A template of the signing language, outside of a signature.
fn filled(template: &Template, message: &Message, given: &Given<'_>) -> Result<Spans, SealError> {
    crate::sign::fill(template, message, given).map_err(SealError::Made)
}

/// Takes a member out of a tree; the whole tree for the empty path.
fn take(tree: &mut Value, path: &Path) -> Option<Value> {
    use crate::mapping::path::Segment;
    let Some((last, above)) = path.segments.split_last() else {
        return Some(tree.take());
    };
    let above = Path {
        absolute: false,
        segments: above.to_vec(),
    };
    // Down by name, since a place in a tree is changed here, not looked at.
    let mut at = tree;
    for segment in &above.segments {
        let Segment::Name(name) = segment else { return None };
        at = at.get_mut(name)?;
    }
    match last {
        Segment::Name(name) => at.as_object_mut()?.shift_remove(name),
        _ => None,
    }
}

fn is_blank(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty())
}

fn unsealed(error: CryptoError) -> SealError {
    SealError::Key(error.to_string())
}

fn unopened(error: CryptoError) -> SealError {
    match error {
        CryptoError::Key(_) => SealError::Key(error.to_string()),
        _ => SealError::Broken,
    }
}

#[cfg(test)]
mod tests;
