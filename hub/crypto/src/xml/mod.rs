//! XML signatures (W3C XML Signature 1.1): the one module that knows the library which parses, canonicalises, digests and signs.
//!
//! A signature that is right says nothing of what a reader reads. [`xml_verify`] therefore tells which parts were digested, and
//! [`xml_signed`] hands out nothing but those parts themselves, in the very bytes whose digest is signed.

mod read;

pub use read::{SignedXml, Vouched, XmlRefusal, xml_signed};

use crate::{CryptoError, Result};
use bergshamra::keys::loader::load_pem_auto;
use bergshamra::{DsigContext, KeysManager, VerifyResult};

/// Signs: a document with an empty signature gets it filled. The key is a text as agencies hand it out, PEM or bare base64.
///
/// # Errors
/// [`CryptoError::Key`] if the key cannot be read, [`CryptoError::Failed`] if the document cannot be signed.
pub fn xml_sign(private_key: &str, template: &str) -> Result<String> {
    let context = context(&[private_key])?;
    bergshamra::sign(&context, template).map_err(|_| CryptoError::Failed)
}

/// What the first signature of a document covers, as its references name it, if the holder of this key made it. What the
/// document itself says about keys is not believed.
///
/// # Errors
/// [`CryptoError::Key`] if the key cannot be read, [`CryptoError::Mismatch`] if the signature is not right.
pub fn xml_verify(key: &str, document: &str) -> Result<Vec<String>> {
    let mut context = context(&[key])?;
    // The body of an envelope is no sibling of its signature; what is covered is for the caller to look at.
    context.strict_verification = false;
    context.add_id_attr("wsu:Id");
    let result = bergshamra::verify(&context, document).map_err(|_| CryptoError::Mismatch)?;
    let VerifyResult::Valid { references, .. } = result else {
        return Err(CryptoError::Mismatch);
    };
    let digested = references.into_iter().filter(|r| r.digest_verified);
    Ok(digested.map(|r| r.uri).collect())
}

/// The keys that are trusted, and no other.
fn context(keys: &[&str]) -> Result<DsigContext> {
    let mut manager = KeysManager::new();
    for text in keys {
        manager.add_key(key(text).ok_or(CryptoError::Key("a key or certificate in PEM or base64"))?);
    }
    Ok(DsigContext::new(manager))
}

fn key(text: &str) -> Option<bergshamra::Key> {
    let labels = [
        "PRIVATE KEY",
        "RSA PRIVATE KEY",
        "EC PRIVATE KEY",
        "PUBLIC KEY",
        "CERTIFICATE",
    ];
    let wrapped = |label: &&str| {
        format!(
            "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
            lines(&bare(text))
        )
    };
    let mut candidates: Vec<String> = labels.iter().map(wrapped).collect();
    if text.contains("-----BEGIN") {
        candidates = vec![text.to_owned()];
    }
    candidates
        .iter()
        .find_map(|pem| load_pem_auto(pem.as_bytes(), None).ok())
}

/// Base64 without the lines around it.
fn bare(text: &str) -> String {
    let kept = text.lines().map(str::trim).filter(|line| !line.starts_with("-----"));
    kept.collect()
}

/// In lines of 64, as PEM is read.
fn lines(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let parts: Vec<String> = letters.chunks(64).map(|part| part.iter().collect()).collect();
    parts.join("\n")
}
