//! The text of a key: `hub_live_<prefix>_<secret>` or `hub_test_<prefix>_<secret>`.

use hub_core::Environment;
use hub_crypto::{CryptoError, Digest, hex, hmac, random};

/// Bytes of the public prefix.
const PREFIX: usize = 6;
/// Bytes of the secret: 160 bits.
const SECRET: usize = 20;

/// The parts of a well-formed key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Parts<'a> {
    pub(crate) environment: Environment,
    pub(crate) prefix: &'a str,
}

fn word(environment: Environment) -> &'static str {
    match environment {
        Environment::Live => "live",
        Environment::Sandbox => "test",
    }
}

/// A new key and its prefix.
pub(crate) fn fresh(environment: Environment) -> Result<(String, String), CryptoError> {
    fresh_with(word(environment))
}

/// A new key with another first word, and its prefix.
pub(crate) fn fresh_with(word: &str) -> Result<(String, String), CryptoError> {
    let prefix = hex(&random::<PREFIX>()?);
    let secret = hex(&random::<SECRET>()?);
    Ok((format!("hub_{word}_{prefix}_{secret}"), prefix))
}

/// Takes a key apart; `None` if it was never one of ours.
pub(crate) fn parts(key: &str) -> Option<Parts<'_>> {
    [Environment::Live, Environment::Sandbox]
        .into_iter()
        .find_map(|environment| {
            let prefix = parts_with(word(environment), key)?;
            Some(Parts { environment, prefix })
        })
}

/// The prefix of a key with this first word.
pub(crate) fn parts_with<'k>(word: &str, key: &'k str) -> Option<&'k str> {
    let rest = key.strip_prefix("hub_")?.strip_prefix(word)?.strip_prefix('_')?;
    let (prefix, secret) = rest.split_once('_')?;
    let digits = |text: &str, bytes: usize| {
        text.len() == bytes * 2 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    (digits(prefix, PREFIX) && digits(secret, SECRET)).then_some(prefix)
}

/// The hash that is kept. Keyed, so that the database alone does not even let guesses be tried.
pub(crate) fn hash(mac: &[u8], key: &str) -> Vec<u8> {
    hmac(Digest::Sha256, mac, key.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_key_is_taken_apart_again() {
        for environment in [Environment::Live, Environment::Sandbox] {
            let (key, prefix) = fresh(environment).unwrap();
            let expected = Parts {
                environment,
                prefix: &prefix,
            };
            assert_eq!(parts(&key), Some(expected));
            assert_eq!(key.len(), 4 + 5 + 12 + 1 + 40);
        }
    }

    #[test]
    fn whatever_is_not_a_key_is_refused() {
        let (key, _) = fresh(Environment::Live).unwrap();
        for wrong in [
            "",
            "hub_live_",
            &key.to_uppercase(),
            &format!("{key} "),
            &format!("{key}0"),
            &key.replacen("live", "prod", 1),
            key.get(..key.len() - 1).unwrap(),
        ] {
            assert_eq!(parts(wrong), None, "{wrong}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_without_a_fall(text in "(hub_(live|test)_)?\\PC{0,70}") {
            let _ = parts(&text);
        }
    }
}
