//! Ed25519 (RFC 8032).

use crate::{CryptoError, Result, key};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};

/// A new key: its private half in PKCS#8, and the 32 bytes of its public half.
///
/// # Errors
/// [`CryptoError::Failed`] if the system gives no randomness.
pub fn ed25519_generate() -> Result<(Vec<u8>, Vec<u8>)> {
    let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(|_| CryptoError::Failed)?;
    let private = document.as_ref().to_vec();
    let public = ed25519_public(&private)?;
    Ok((private, public))
}

/// The public half of a private key in PKCS#8 DER.
///
/// # Errors
/// [`CryptoError::Key`] if the key cannot be read.
pub fn ed25519_public(private: &[u8]) -> Result<Vec<u8>> {
    Ok(pair(private).ok_or(FORM)?.public_key().as_ref().to_vec())
}

const FORM: CryptoError = CryptoError::Key("an Ed25519 key: PKCS#8, SubjectPublicKeyInfo or 32 bytes");

/// Signs `data` with a private key in PKCS#8, or its seed of 32 bytes, in PEM or bare base64.
///
/// # Errors
/// [`CryptoError::Key`] if the key cannot be read.
pub fn ed25519_sign(private_key: &str, data: &[u8]) -> Result<Vec<u8>> {
    let der = key::der(private_key).map_err(|_| FORM)?;
    let pair = pair(&der).or_else(|| {
        Ed25519KeyPair::from_seed_unchecked(&der)
            .ok()
            .filter(|_| der.len() == 32)
    });
    Ok(pair.ok_or(FORM)?.sign(data).as_ref().to_vec())
}

fn pair(der: &[u8]) -> Option<Ed25519KeyPair> {
    Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).ok()
}

/// Verifies a signature. The public key is SubjectPublicKeyInfo or 32 bytes, in PEM or bare base64; a private key in
/// PKCS#8 serves as its own public half.
///
/// # Errors
/// [`CryptoError::Key`] if the key cannot be read, [`CryptoError::Mismatch`] if the signature is not right.
pub fn ed25519_verify(public_key: &str, data: &[u8], signature: &[u8]) -> Result<()> {
    let der = key::der(public_key).map_err(|_| FORM)?;
    let public = pair(&der).map_or(der, |pair| pair.public_key().as_ref().to_vec());
    UnparsedPublicKey::new(&ED25519, public)
        .verify(data, signature)
        .map_err(|_| CryptoError::Mismatch)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{base64, from_hex, hex};

    #[test]
    fn the_second_test_of_the_rfc() {
        // RFC 8032, 7.1, TEST 2.
        let seed = from_hex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb").unwrap();
        let public = from_hex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c").unwrap();
        let signature = ed25519_sign(&base64(&seed), &[0x72]).unwrap();
        assert_eq!(
            hex(&signature),
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        );
        ed25519_verify(&base64(&public), &[0x72], &signature).unwrap();
        assert_eq!(
            ed25519_verify(&base64(&public), &[0x73], &signature),
            Err(CryptoError::Mismatch)
        );
        assert!(matches!(ed25519_sign("AAAA", b""), Err(CryptoError::Key(_))));
    }

    #[test]
    fn keys_of_rfc_9421() {
        // RFC 9421, B.1.4: the key pair `test-key-ed25519`.
        let private = "MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF";
        let public = "MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=";
        let signature = ed25519_sign(private, b"m").unwrap();
        ed25519_verify(public, b"m", &signature).unwrap();
        ed25519_verify(private, b"m", &signature).unwrap();
    }
}
