//! What makes a signature out of a text, and how it is written.

use super::{SecretKind, SignError};
use hub_crypto::{CryptoError, Digest, Provider, RsaScheme, Signature, SignatureForm, Software, ct_eq};

/// A digest, MAC or signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Algorithm {
    /// The text itself: tokens and passwords that only have to be put together.
    Plain,
    Digest(Digest),
    Hmac(Digest),
    Asymmetric(Signature),
}

/// Names of `digest`.
pub(super) const NAMES: [&str; 20] = [
    "md5",
    "sha1",
    "sha256",
    "sha384",
    "sha512",
    "sm3",
    "hmac-md5",
    "hmac-sha1",
    "hmac-sha256",
    "hmac-sha384",
    "hmac-sha512",
    "hmac-sm3",
    "rsa2",
    "rsa-sha512",
    "rsa-pss-sha256",
    "rsa-pss-sha512",
    "ecdsa-p256",
    "ed25519",
    "sm2",
    "plain",
];

/// A digest by name.
pub(super) fn digest(name: &str) -> Option<Digest> {
    Some(match name {
        "md5" => Digest::Md5,
        "sha1" => Digest::Sha1,
        "sha256" => Digest::Sha256,
        "sha384" => Digest::Sha384,
        "sha512" => Digest::Sha512,
        "sm3" => Digest::Sm3,
        _ => return None,
    })
}

impl Algorithm {
    /// By name; `signer` is for SM2, `form` for signatures of two numbers (DER for SM2, raw for ECDSA by default).
    pub(super) fn parse(name: &str, signer: &str, form: Option<SignatureForm>) -> Option<Self> {
        if let Some(inner) = name.strip_prefix("hmac-") {
            return digest(inner).map(Self::Hmac);
        }
        match name {
            "plain" => Some(Self::Plain),
            "rsa2" => Some(Self::Asymmetric(Signature::Rsa(RsaScheme::Sha256))),
            "rsa-sha512" => Some(Self::Asymmetric(Signature::Rsa(RsaScheme::Sha512))),
            "rsa-pss-sha256" => Some(Self::Asymmetric(Signature::Rsa(RsaScheme::PssSha256))),
            "rsa-pss-sha512" => Some(Self::Asymmetric(Signature::Rsa(RsaScheme::PssSha512))),
            "ed25519" => Some(Self::Asymmetric(Signature::Ed25519)),
            "ecdsa-p256" => Some(Self::Asymmetric(Signature::EcdsaP256 {
                form: form.unwrap_or(SignatureForm::Raw),
            })),
            "sm2" => Some(Self::Asymmetric(Signature::Sm2 {
                id: signer.as_bytes().to_vec(),
                form: form.unwrap_or(SignatureForm::Der),
            })),
            _ => digest(name).map(Self::Digest),
        }
    }

    /// Whether whoever checks needs the same secret.
    pub(super) fn is_symmetric(&self) -> bool {
        !matches!(self, Self::Asymmetric(_))
    }

    pub(super) fn secret_kind(&self) -> SecretKind {
        match self {
            Self::Asymmetric(Signature::Rsa(_)) => SecretKind::Rsa,
            Self::Asymmetric(Signature::EcdsaP256 { .. }) => SecretKind::P256,
            Self::Asymmetric(Signature::Ed25519) => SecretKind::Ed25519,
            Self::Asymmetric(Signature::Sm2 { .. }) => SecretKind::Sm2,
            _ => SecretKind::Text,
        }
    }

    /// Signs with a private key; nothing for the symmetric ones.
    pub(super) fn sign(&self, name: &str, key: &str, text: &[u8]) -> Result<Vec<u8>, SignError> {
        match self {
            Self::Asymmetric(signature) => Software.sign(signature, key, text).map_err(|e| unusable(name, e)),
            _ => Ok(Vec::new()),
        }
    }

    /// Checks with a public key.
    pub(super) fn check(&self, name: &str, key: &str, text: &[u8], found: &[u8]) -> Result<(), SignError> {
        match self {
            Self::Asymmetric(signature) => Software
                .verify(signature, key, text, found)
                .map_err(|error| match error {
                    CryptoError::Mismatch => SignError::Mismatch,
                    error => unusable(name, error),
                }),
            _ => Err(SignError::Mismatch),
        }
    }
}

fn unusable(name: &str, error: CryptoError) -> SignError {
    SignError::Key {
        name: name.to_owned(),
        reason: error.to_string(),
    }
}

/// How the bytes of a signature are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    Hex,
    HexUpper,
    Base64,
    Base64Url,
    /// The bytes themselves, where a whole body is one value.
    Raw,
}

impl Output {
    pub(crate) fn encode(self, bytes: &[u8]) -> String {
        match self {
            Self::Hex => hub_crypto::hex(bytes),
            Self::HexUpper => hub_crypto::hex_upper(bytes),
            Self::Base64 => hub_crypto::base64(bytes),
            Self::Base64Url => hub_crypto::base64_url(bytes),
            Self::Raw => String::from_utf8_lossy(bytes).into_owned(),
        }
    }

    pub(crate) fn decode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Hex | Self::HexUpper => hub_crypto::from_hex(text).ok(),
            Self::Base64 => hub_crypto::from_base64(text).ok(),
            Self::Base64Url => hub_crypto::from_base64_url(text).ok(),
            Self::Raw => Some(text.as_bytes().to_vec()),
        }
    }

    /// As the bytes of a body.
    pub(crate) fn write(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Raw => bytes.to_vec(),
            _ => self.encode(bytes).into_bytes(),
        }
    }

    /// From the bytes of a body.
    pub(crate) fn read(self, body: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Raw => Some(body.to_vec()),
            _ => self.decode(std::str::from_utf8(body).ok()?.trim()),
        }
    }

    /// Whether two signatures are the same. Hex is compared without its case, which half of all manuals get wrong.
    pub(crate) fn same(self, right: &str, found: &str) -> bool {
        match self {
            Self::Hex | Self::HexUpper => ct_eq(
                right.to_ascii_lowercase().as_bytes(),
                found.to_ascii_lowercase().as_bytes(),
            ),
            Self::Base64 | Self::Base64Url | Self::Raw => ct_eq(right.as_bytes(), found.as_bytes()),
        }
    }
}
