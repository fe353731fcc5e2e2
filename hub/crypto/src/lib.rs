//! Bytes in, bytes out: digests, MACs, signatures, sealing, and the Chinese SM2, SM3, SM4.
//!
//! Other crates call the free functions here; they run on the [`Software`] provider. What signs, verifies or
//! enciphers for a system that demands a certified module goes through the [`Provider`] trait instead, so that such a
//! module can stand in for it. The SM algorithms come from a library that is neither audited nor certified.
//!
//! Invariants: no error carries key material or plaintext; every comparison of secrets is [`ct_eq`]; randomness comes
//! from the operating system. It must never know what is signed, for whom, or where keys are kept.

mod certificate;
mod cipher;
mod digest;
mod ecdsa;
mod ed25519;
mod encode;
mod envelope;
mod key;
mod password;
mod provider;
mod random;
mod rsa;
mod seal;
mod sm2;
mod xml;

pub use certificate::{certificate_ends, public_key};
pub use cipher::{Cipher, Mode, Padding, decipher, encipher};
pub use digest::{Digest, ct_eq, digest, hmac};
pub use ecdsa::{EcdsaKey, ecdsa_sign, ecdsa_verify, ecdsa_verify_p256};
pub use ed25519::{ed25519_generate, ed25519_public, ed25519_sign, ed25519_verify};
pub use encode::{base64, base64_url, from_base64, from_base64_url, from_hex, hex, hex_upper};
pub use envelope::{Envelope, Sm2Order, envelope_open, envelope_seal};
pub use password::pbkdf2;
pub use provider::{Provider, Signature, Software};
pub use random::{fill_random, random};
pub use rsa::{RsaScheme, rsa_generate, rsa_sign, rsa_sign_sha256, rsa_verify, rsa_verify_sha256};
pub use seal::{SEAL_OVERHEAD, derive_key, open, seal};
pub use sm2::{SM2_DEFAULT_ID, SignatureForm, sm2_generate, sm2_public, sm2_sign, sm2_verify};
pub use xml::{SignedXml, Vouched, XmlRefusal, xml_sign, xml_signed, xml_verify};

/// What can go wrong with bytes and keys. Says which rule was broken, never with which bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CryptoError {
    /// The key is not in a form this algorithm reads.
    #[error("the key is not readable: expected {0}")]
    Key(&'static str),
    /// The signature or seal does not belong to these bytes and this key.
    #[error("the signature or seal does not match")]
    Mismatch,
    /// Text that should be hex or base64 is not.
    #[error("the text is not {0}")]
    Encoding(&'static str),
    /// The operating system gave no randomness, or the library refused without a reason.
    #[error("the operation failed")]
    Failed,
}

/// Result of this crate.
pub type Result<T> = std::result::Result<T, CryptoError>;
