//! ECDSA on P-256 with SHA-256 in the fixed r‖s form of JWS (ES256, RFC 7518 section 3.4).

use crate::{CryptoError, Result, SignatureForm, key};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING,
    EcdsaKeyPair, EcdsaSigningAlgorithm, KeyPair as _, UnparsedPublicKey, VerificationAlgorithm,
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

/// Signs `data` with a private key in PKCS#8 or SEC 1, in PEM or bare base64.
///
/// # Errors
/// [`CryptoError::Key`] if the key cannot be read, [`CryptoError::Failed`] if the library refuses.
pub fn ecdsa_sign(private_key: &str, data: &[u8], form: SignatureForm) -> Result<Vec<u8>> {
    let algorithm = match form {
        SignatureForm::Raw => &ECDSA_P256_SHA256_FIXED_SIGNING,
        SignatureForm::Der => &ECDSA_P256_SHA256_ASN1_SIGNING,
    };
    let pair = pair(private_key, algorithm).ok_or(TEXT)?;
    let signed = pair.sign(&SystemRandom::new(), data);
    signed.map(|s| s.as_ref().to_vec()).map_err(|_| CryptoError::Failed)
}

const TEXT: CryptoError = CryptoError::Key("a P-256 key: PKCS#8, SEC 1 or SubjectPublicKeyInfo");

fn pair(text: &str, algorithm: &'static EcdsaSigningAlgorithm) -> Option<EcdsaKeyPair> {
    EcdsaKeyPair::from_private_key_der(algorithm, &key::der(text).ok()?).ok()
}

/// Verifies a signature. The public key is SubjectPublicKeyInfo or a point, in PEM or bare base64; a private key serves
/// as its own public half.
///
/// # Errors
/// [`CryptoError::Key`] if the key cannot be read, [`CryptoError::Mismatch`] if the signature is not right.
pub fn ecdsa_verify(public_key: &str, data: &[u8], signature: &[u8], form: SignatureForm) -> Result<()> {
    let own = pair(public_key, &ECDSA_P256_SHA256_FIXED_SIGNING);
    let public = match own {
        Some(pair) => pair.public_key().as_ref().to_vec(),
        None => key::der(public_key).map_err(|_| TEXT)?,
    };
    let algorithm: &'static dyn VerificationAlgorithm = match form {
        SignatureForm::Raw => &ECDSA_P256_SHA256_FIXED,
        SignatureForm::Der => &ECDSA_P256_SHA256_ASN1,
    };
    UnparsedPublicKey::new(algorithm, public)
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

    #[test]
    fn reads_keys_as_openssl_and_rfcs_write_them() {
        // RFC 9421, B.1.3: the key pair `test-key-ecc-p256`.
        let private = "-----BEGIN EC PRIVATE KEY-----\n\
                       MHcCAQEEIFKbhfNZfpDsW43+0+JjUr9K+bTeuxopu653+hBaXGA7oAoGCCqGSM49\n\
                       AwEHoUQDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lfw0EkjqF7xB4FivAxzic30tMM\n\
                       4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==\n\
                       -----END EC PRIVATE KEY-----";
        let public = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lf\
                      w0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==";
        for form in [SignatureForm::Raw, SignatureForm::Der] {
            let signature = ecdsa_sign(private, b"m", form).unwrap();
            ecdsa_verify(public, b"m", &signature, form).unwrap();
            ecdsa_verify(private, b"m", &signature, form).unwrap();
            assert_eq!(ecdsa_verify(public, b"n", &signature, form), Err(CryptoError::Mismatch));
        }
        assert!(matches!(
            ecdsa_sign("MAMCAQA=", b"m", SignatureForm::Raw),
            Err(CryptoError::Key(_))
        ));
    }
}
