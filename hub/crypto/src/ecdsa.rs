//! ECDSA on P-256 with SHA-256 in the fixed r‖s form of JWS (ES256, RFC 7518 section 3.4).

use crate::{CryptoError, Result};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, UnparsedPublicKey,
};

const FORM: CryptoError = CryptoError::Key("a P-256 private key in PKCS#8");

/// A signing key.
pub struct EcdsaKey {
    pair: EcdsaKeyPair,
    pkcs8: Vec<u8>,
}

impl std::fmt::Debug for EcdsaKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EcdsaKey(…)")
    }
}

impl EcdsaKey {
    /// A new key.
    ///
    /// # Errors
    /// [`CryptoError::Failed`] if the system gives no randomness.
    pub fn generate() -> Result<Self> {
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .map_err(|_| CryptoError::Failed)?;
        Self::from_pkcs8(document.as_ref())
    }

    /// A key kept as PKCS#8 DER.
    ///
    /// # Errors
    /// [`CryptoError::Key`] if it is not one.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der).map_err(|_| FORM)?;
        Ok(Self {
            pair,
            pkcs8: der.to_vec(),
        })
    }

    /// PKCS#8 DER, to be sealed before it is stored.
    #[must_use]
    pub fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    /// The public point, uncompressed: `04 ‖ x ‖ y`, 65 bytes.
    #[must_use]
    pub fn public_point(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    /// Signs `data`: 64 bytes r‖s.
    ///
    /// # Errors
    /// [`CryptoError::Failed`] if the library refuses.
    pub fn sign(&self, data: &[u8]) -> Result<Vec<u8>> {
        self.pair
            .sign(&SystemRandom::new(), data)
            .map(|s| s.as_ref().to_vec())
            .map_err(|_| CryptoError::Failed)
    }
}

/// Verifies r‖s over `data` under an uncompressed point or SubjectPublicKeyInfo.
///
/// # Errors
/// [`CryptoError::Mismatch`] if it is not right.
pub fn ecdsa_verify_p256(public_key: &[u8], data: &[u8], signature: &[u8]) -> Result<()> {
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public_key)
        .verify(data, signature)
        .map_err(|_| CryptoError::Mismatch)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::from_hex;

    #[test]
    fn verifies_the_published_sample() {
        // RFC 6979 A.2.5, P-256 with SHA-256 over "sample".
        let point = from_hex(concat!(
            "04",
            "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6",
            "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
        ))
        .unwrap();
        let signature = from_hex(concat!(
            "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716",
            "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
        ))
        .unwrap();
        ecdsa_verify_p256(&point, b"sample", &signature).unwrap();
        assert_eq!(
            ecdsa_verify_p256(&point, b"simple", &signature),
            Err(CryptoError::Mismatch)
        );
    }

    #[test]
    fn own_keys_survive_storage() {
        let key = EcdsaKey::generate().unwrap();
        let again = EcdsaKey::from_pkcs8(key.pkcs8()).unwrap();
        assert_eq!(again.public_point().len(), 65);
        let signature = again.sign(b"m").unwrap();
        assert_eq!(signature.len(), 64);
        ecdsa_verify_p256(key.public_point(), b"m", &signature).unwrap();
    }
}
