//! Signatures of what is sent to developers, by the Standard Webhooks specification: an HMAC-SHA-256 over id, time and body.

use hub_core::time::Timestamp;
use hub_crypto::{CryptoError, Digest, base64, from_base64, hmac, random};
use serde::{Deserialize, Serialize};

/// How a secret begins.
const PREFIX: &str = "whsec_";

/// A secret, and until when it signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Secret {
    secret: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
}

/// The secrets of one address, the newest first.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secrets(Vec<Secret>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

impl Secrets {
    /// With a first one.
    ///
    /// # Errors
    /// If the system gives no randomness.
    pub fn new() -> Result<Self, CryptoError> {
        Ok(Self(vec![fresh()?]))
    }

    /// The newest, to be shown.
    #[must_use]
    pub fn newest(&self) -> &str {
        self.0.first().map_or("", |s| s.secret.as_str())
    }

    /// Puts a new one before those there are, which sign on until a time.
    ///
    /// # Errors
    /// If the system gives no randomness.
    pub fn rotate(&mut self, until: Timestamp) -> Result<(), CryptoError> {
        // One more than two would only make headers long.
        self.0.truncate(1);
        for old in &mut self.0 {
            old.until = Some(until);
        }
        self.0.insert(0, fresh()?);
        Ok(())
    }

    /// The headers that sign a body.
    #[must_use]
    pub fn headers(&self, id: &str, at: Timestamp, body: &[u8]) -> Vec<(String, String)> {
        let time = at.as_second().to_string();
        let mut said = format!("{id}.{time}.").into_bytes();
        said.extend_from_slice(body);
        let good = self.0.iter().filter(|s| s.until.is_none_or(|until| at < until));
        let signatures: Vec<String> = good.filter_map(|s| signature(&s.secret, &said)).collect();
        vec![
            ("webhook-id".to_owned(), id.to_owned()),
            ("webhook-timestamp".to_owned(), time),
            ("webhook-signature".to_owned(), signatures.join(" ")),
        ]
    }
}

fn fresh() -> Result<Secret, CryptoError> {
    Ok(Secret {
        secret: format!("{PREFIX}{}", base64(&random::<32>()?)),
        until: None,
    })
}

fn signature(secret: &str, said: &[u8]) -> Option<String> {
    let key = from_base64(secret.strip_prefix(PREFIX)?).ok()?;
    Some(format!("v1,{}", base64(&hmac(Digest::Sha256, &key, said))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's own documents.
    #[test]
    fn a_published_example_is_signed_as_published() {
        let secrets = Secrets(vec![Secret {
            secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned(),
            until: None,
        }]);
        let at = Timestamp::from_second(1_614_265_330).unwrap();
        let headers = secrets.headers("msg_p5jXN8AQM9LWM0D4loKWxJek", at, br#"{"test": 2432232314}"#);
        assert_eq!(headers[2].1, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn two_secrets_sign_while_one_replaces_the_other() {
        let mut secrets = Secrets::new().unwrap();
        let old = secrets.newest().to_owned();
        let at = |second| Timestamp::from_second(second).unwrap();
        secrets.rotate(at(100)).unwrap();
        assert_ne!(secrets.newest(), old);
        let signed = |second| secrets.headers("evt_1", at(second), b"{}")[2].1.split(' ').count();
        assert_eq!((signed(99), signed(100)), (2, 1));
        assert!(!format!("{secrets:?}").contains(&old));
    }
}
