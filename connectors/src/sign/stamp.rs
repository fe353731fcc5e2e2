//! Timestamps and nonces.

use crate::codec::Codec;
use hub_core::time::{Timestamp, rfc3339};
use hub_crypto::{Digest, digest, hex};
use serde_json::Value;

/// China Standard Time is ahead of UTC by this.
const CHINA_SECONDS: i64 = 8 * 3600;

/// How a timestamp is written.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum TimeForm {
    /// As a date-time codec says; in UTC instead of China Standard Time if `utc`.
    Codec { codec: Codec, utc: bool },
    /// As HTTP headers have it (RFC 9110, section 5.6.7).
    Http,
}

impl TimeForm {
    /// `epoch`, `epoch-ms`, `http`, a pattern, a pattern with ` utc` behind it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text == "http" {
            return Ok(Self::Http);
        }
        let (form, utc) = text.strip_suffix(" utc").map_or((text, false), |form| (form, true));
        Codec::parse(&format!("datetime {form}")).map(|codec| Self::Codec { codec, utc })
    }

    pub(super) fn write(&self, at: Timestamp) -> String {
        match self {
            Self::Http => at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string(),
            Self::Codec { codec, utc } => {
                let shown = if *utc { shifted(at, -CHINA_SECONDS) } else { at };
                match codec.encode(&rfc3339(shown).into()) {
                    Ok(Value::String(text)) => text,
                    Ok(other) => other.to_string(),
                    Err(_) => String::new(),
                }
            }
        }
    }

    pub(super) fn read(&self, text: &str) -> Option<Timestamp> {
        match self {
            Self::Http => jiff::fmt::rfc2822::parse(text).ok().map(|zoned| zoned.timestamp()),
            Self::Codec { codec, utc } => {
                let read = codec.decode(&text.into()).ok()?;
                let at: Timestamp = read.as_str()?.parse().ok()?;
                Some(if *utc { shifted(at, CHINA_SECONDS) } else { at })
            }
        }
    }
}

fn shifted(at: Timestamp, seconds: i64) -> Timestamp {
    Timestamp::from_second(at.as_second().saturating_add(seconds)).unwrap_or(at)
}

/// How a nonce is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NonceForm {
    Hex(usize),
    Digits(usize),
    Letters(usize),
    Uuid,
}

impl NonceForm {
    /// `hex 32`, `digits 6`, `letters 16` (letters and digits), `uuid`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let form = || format!("expected hex N, digits N, letters N or uuid with N from 4 to 64, got `{text}`");
        if text == "uuid" {
            return Ok(Self::Uuid);
        }
        let (word, length) = text.split_once(' ').ok_or_else(form)?;
        let length: usize = length.parse().map_err(|_| form())?;
        if !(4..=64).contains(&length) {
            return Err(form());
        }
        match word {
            "hex" => Ok(Self::Hex(length)),
            "digits" => Ok(Self::Digits(length)),
            "letters" => Ok(Self::Letters(length)),
            _ => Err(form()),
        }
    }

    pub(super) fn make(self, random: &[u8; 32]) -> String {
        // Other parts of a message may be made from the same randomness.
        let bytes = digest(Digest::Sha512, &[random.as_slice(), b"nonce"].concat());
        let of = |alphabet: &[u8], length: usize| -> String {
            let letter = |b: &u8| alphabet.get(usize::from(*b) % alphabet.len()).copied().map(char::from);
            bytes.iter().filter_map(letter).take(length).collect()
        };
        match self {
            Self::Hex(length) => of(b"0123456789abcdef", length),
            Self::Digits(length) => of(b"0123456789", length),
            Self::Letters(length) => of(
                b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
                length,
            ),
            Self::Uuid => {
                let mut id: Vec<u8> = bytes.iter().copied().take(16).collect();
                // RFC 9562, version 4.
                id.iter_mut().skip(6).take(1).for_each(|b| *b = *b & 0x0f | 0x40);
                id.iter_mut().skip(8).take(1).for_each(|b| *b = *b & 0x3f | 0x80);
                let text = hex(&id);
                let part = |from: usize, to: usize| text.get(from..to).unwrap_or_default().to_owned();
                [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
            }
        }
    }
}
