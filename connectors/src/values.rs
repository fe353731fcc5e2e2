//! Making the values a manifest sends or gives by itself, out of what the context hands in.

use crate::codec::{Codec, WireDefaults};
use crate::context::{About, FileContent, Secrets, Session};
use crate::error::ConnectorError;
use crate::jwt::Jwt;
use crate::mapping::template::{Piece, Template, scalar_text};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hub_core::time::{Timestamp, civil, rfc3339};
use hub_core::{Assurance, Semantic, Text};
use hub_crypto::{Digest, digest};
use serde_json::Value;
use std::cell::Cell;

/// Everything a value can be made of.
pub struct Maker<'a> {
    /// Now.
    pub now: Timestamp,
    /// Fresh for this request.
    pub random: [u8; 32],
    /// The system's secrets.
    pub secrets: &'a dyn Secrets,
    /// The session.
    pub session: Option<&'a Session>,
    /// Canonical input.
    pub input: &'a Value,
    /// How the system writes dates and times.
    pub wire: &'a WireDefaults,
    /// Operation code.
    pub code: Option<&'a str>,
    /// Submission id.
    pub submission: Option<&'a str>,
    /// Request id.
    pub request_id: &'a str,
    /// The subject's name towards the agency.
    pub pairwise: Option<&'a str>,
    /// The name of who acts for the subject, and how surely the subject is known.
    pub acting: (Option<&'a str>, Option<Assurance>),
    /// The file being uploaded.
    pub file: Option<&'a FileContent>,
    /// How tokens are made.
    pub(crate) jwt: Option<&'a Jwt>,
    /// Further variables for expressions: `data`, `answer`, `out`.
    pub variables: Vec<(&'static str, &'a Value)>,
    /// Random values made so far, so that each is its own.
    pub drawn: Cell<u8>,
}

impl Maker<'_> {
    /// The value; `None` if something it is made of is absent and may be (`$submission`, an optional input field).
    ///
    /// # Errors
    /// A missing secret, an expression without a value.
    pub fn make(&self, template: &Template) -> Result<Option<Value>, ConnectorError> {
        match template {
            Template::Constant(value) => Ok(Some(value.clone())),
            Template::Expression(expression) => {
                let now = Value::from(rfc3339(self.now));
                let mut variables = vec![("input", self.input), ("now", &now)];
                variables.extend(self.variables.iter().copied());
                expression
                    .evaluate(&variables)
                    .map(|v| Some(v).filter(|v| !v.is_null()))
                    .map_err(ConnectorError::Manifest)
            }
            Template::Pieces(pieces) => match pieces.as_slice() {
                [only] => self.piece(only),
                _ => {
                    let mut text = String::new();
                    for piece in pieces {
                        match self.piece(piece)?.as_ref().and_then(scalar_text) {
                            Some(part) => text.push_str(&part),
                            None => return Ok(None),
                        }
                    }
                    Ok(Some(Value::from(text)))
                }
            },
        }
    }

    /// The value as text.
    ///
    /// # Errors
    /// As [`Maker::make`].
    pub fn text(&self, template: &Template) -> Result<Option<String>, ConnectorError> {
        Ok(self.make(template)?.as_ref().and_then(scalar_text))
    }

    fn piece(&self, piece: &Piece) -> Result<Option<Value>, ConnectorError> {
        let given = |text: Option<&str>| text.map(Value::from);
        Ok(match piece {
            Piece::Literal(text) => Some(Value::from(text.as_str())),
            Piece::Now(pattern) => Some(self.moment(Semantic::DateTime, "datetime", pattern.as_deref())?),
            Piece::Date(pattern) => Some(self.moment(Semantic::Date, "date", pattern.as_deref())?),
            Piece::Epoch => Some(Value::from(self.now.as_second())),
            Piece::EpochMs => Some(Value::from(self.now.as_millisecond())),
            Piece::Nonce(length) => Some(Value::from(self.draw(b"0123456789abcdefghijklmnopqrstuvwxyz", *length))),
            Piece::Digits(length) => Some(Value::from(self.draw(b"0123456789", *length))),
            Piece::Uuid => Some(Value::from(self.uuid())),
            Piece::Submission => given(self.submission),
            Piece::RequestId => Some(Value::from(self.request_id)),
            Piece::Pairwise => given(self.pairwise),
            Piece::SubjectToken => match self.pairwise {
                None => None,
                Some(subject) => {
                    let (agent, assurance) = self.acting;
                    let about = About {
                        subject,
                        agent,
                        assurance,
                    };
                    let token = self.secrets.subject_token(&about);
                    Some(Value::from(
                        token.ok_or_else(|| ConnectorError::SecretMissing("$subject_token".into()))?,
                    ))
                }
            },
            Piece::Call => given(self.code),
            Piece::Input(path) => path.get(self.input).filter(|v| !v.is_null()).cloned(),
            Piece::File(part) => self.file.map(|file| match part.as_str() {
                "name" => Value::from(file.name.as_str()),
                "type" => Value::from(file.media_type.as_str()),
                "size" => Value::from(file.bytes.len()),
                _ => Value::from(STANDARD.encode(&file.bytes)),
            }),
            Piece::Secret(name) => match self.secrets.get(name) {
                Some(secret) => Some(Value::from(secret)),
                None => return Err(ConnectorError::SecretMissing(name.clone())),
            },
            Piece::Jwt => match self.jwt {
                Some(jwt) => Some(Value::from(jwt.write(self.now, self.secrets, &|t| self.make(t))?)),
                None => return Err(ConnectorError::Manifest("`$jwt` without a part `jwt`".to_owned())),
            },
            Piece::Base64(inner) => {
                let text = self.piece(inner)?.as_ref().and_then(scalar_text);
                text.map(|t| Value::from(STANDARD.encode(t)))
            }
            Piece::Session(name) => given(self.session.and_then(|s| s.values.get(name)).map(String::as_str)),
        })
    }

    fn moment(&self, semantic: Semantic, codec: &str, pattern: Option<&str>) -> Result<Value, ConnectorError> {
        let codec = match pattern {
            Some(pattern) => Codec::parse(&format!("{codec} {pattern}")).map_err(ConnectorError::Manifest)?,
            None => Codec::default_for(semantic, self.wire),
        };
        let value = match semantic {
            // A time of day in a date pattern is a time: `$date` is for dates only.
            Semantic::Date => Value::from(civil(self.now).date().to_string()),
            _ => Value::from(rfc3339(self.now)),
        };
        codec.encode(&value).map_err(|e| ConnectorError::Input {
            place: String::new(),
            expected: Text::same(e.expected),
        })
    }

    /// Fresh bytes for one value.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let number = self.drawn.get();
        self.drawn.set(number.wrapping_add(1));
        let mut seed = self.random.to_vec();
        seed.push(number);
        digest(Digest::Sha256, &seed)
    }

    fn draw(&self, alphabet: &[u8], length: usize) -> String {
        let mut text = String::with_capacity(length);
        while text.len() < length {
            for byte in self.bytes() {
                if text.len() == length {
                    break;
                }
                let index = usize::from(byte) % alphabet.len();
                text.extend(alphabet.get(index).map(|b| char::from(*b)));
            }
        }
        text
    }

    fn uuid(&self) -> String {
        let mut bytes = self.bytes();
        bytes.truncate(16);
        // Version 4 and variant of RFC 9562.
        if let Some(byte) = bytes.get_mut(6) {
            *byte = (*byte & 0x0f) | 0x40;
        }
        if let Some(byte) = bytes.get_mut(8) {
            *byte = (*byte & 0x3f) | 0x80;
        }
        let hex = hub_crypto::hex(&bytes);
        let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
        format!(
            "{}-{}-{}-{}-{}",
            part(0, 8),
            part(8, 12),
            part(12, 16),
            part(16, 20),
            part(20, 32)
        )
    }
}
