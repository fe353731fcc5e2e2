//! A key made for one message, sent along sealed for the other side.

use super::{Seal, SealError, filled, unopened, unsealed};
use crate::message::Message;
use crate::sign::template::Template;
use crate::sign::{Given, Output, Place};
use hub_crypto::{Digest, Envelope, Provider, Software, digest};

/// How the key of a message is sealed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct EnvelopeRule {
    pub(super) envelope: Envelope,
    /// The other side's public key.
    pub(super) key: Template,
    /// Our private key.
    pub(super) ours: Option<Template>,
    pub(super) into: Place,
    pub(super) output: Output,
    /// Bytes of the key.
    pub(super) size: usize,
    /// Whether the key is a text of letters and digits, and it is that text that is sealed.
    pub(super) text: bool,
}

impl EnvelopeRule {
    pub(super) fn secrets(&self) -> Vec<String> {
        let own = [Some(&self.key), self.ours.as_ref()];
        own.into_iter().flatten().flat_map(Template::secrets).collect()
    }

    /// For what the other side sends: sealed for our key.
    pub(super) fn turned(&self) -> Self {
        Self {
            key: self.ours.clone().unwrap_or_else(|| self.key.clone()),
            ..self.clone()
        }
    }

    /// The key of a message that is being made.
    pub(super) fn fresh_key(&self, given: &Given<'_>) -> Vec<u8> {
        let bytes = digest(Digest::Sha512, &[given.random.as_slice(), b"seal-key"].concat());
        if self.text {
            return hub_crypto::hex(&bytes)
                .into_bytes()
                .into_iter()
                .take(self.size)
                .collect();
        }
        bytes.into_iter().take(self.size).collect()
    }

    pub(super) fn put(&self, message: &mut Message, given: &Given<'_>, _seal: &Seal) -> Result<(), SealError> {
        let public = self.key_text(message, given)?;
        let key = self.fresh_key(given);
        let sealed = Software.envelope_seal(self.envelope, &public, &key).map_err(unsealed)?;
        self.into.set(message, self.output.encode(&sealed));
        Ok(())
    }

    pub(super) fn open(&self, message: &Message, given: &Given<'_>) -> Result<Vec<u8>, SealError> {
        let text = self.into.get(message).ok_or_else(|| self.into.missing())?;
        let sealed = self.output.decode(text.trim()).ok_or(SealError::Broken)?;
        let private = self.key_text(message, given)?;
        Software
            .envelope_open(self.envelope, &private, &sealed)
            .map_err(unopened)
    }

    fn key_text(&self, message: &Message, given: &Given<'_>) -> Result<String, SealError> {
        String::from_utf8(filled(&self.key, message, given)?.bytes()).map_err(|_| SealError::Key("no text".into()))
    }
}
