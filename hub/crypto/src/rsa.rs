//! RSA PKCS#1 v1.5 with SHA-256 (RFC 8017 section 8.2), which payment gateways call RSA2.

use crate::{CryptoError, Result, key};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{
    KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA512, RSA_PKCS1_SHA256, RSA_PKCS1_SHA512,
    RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA512, RsaEncoding, UnparsedPublicKey,
};

/// A new pair of 2048 bits: private key (PKCS#8) and public key (SubjectPublicKeyInfo), both as bare base64.
///
/// # Errors
/// [`CryptoError::Failed`] if the operating system gives no randomness.
pub fn rsa_generate() -> Result<(String, String)> {
    let failed = |_| CryptoError::Failed;
    let pair = KeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
    let private: Pkcs8V1Der<'_> = pair.as_der().map_err(failed)?;
    let public: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(failed)?;
    Ok((crate::base64(private.as_ref()), crate::base64(public.as_ref())))
}

/// What an RSA signature is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RsaScheme {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Sha256,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Sha512,
    /// RSASSA-PSS with SHA-256.
    PssSha256,
    /// RSASSA-PSS with SHA-512.
    PssSha512,
}

/// Signs `data` (RFC 8017). The private key is PKCS#8 or PKCS#1, in PEM or bare base64.
///
/// # Errors
/// [`CryptoError::Key`] if the key cannot be read or is shorter than 2048 bits.
pub fn rsa_sign(scheme: RsaScheme, private_key: &str, data: &[u8]) -> Result<Vec<u8>> {
    const FORM: CryptoError = CryptoError::Key("an RSA private key of 2048 bits or more, PKCS#8 or PKCS#1");
    let der = key::der(private_key).map_err(|_| FORM)?;
    let pair = pair(&der).ok_or(FORM)?;
    let encoding: &'static dyn RsaEncoding = match scheme {
        RsaScheme::Sha256 => &RSA_PKCS1_SHA256,
        RsaScheme::Sha512 => &RSA_PKCS1_SHA512,
        RsaScheme::PssSha256 => &RSA_PSS_SHA256,
        RsaScheme::PssSha512 => &RSA_PSS_SHA512,
    };
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(encoding, &SystemRandom::new(), data, &mut signature)
        .map_err(|_| CryptoError::Failed)?;
    Ok(signature)
}

/// [`rsa_sign`] as upstreams call it RSA2 or SHA256withRSA.
///
/// # Errors
/// As [`rsa_sign`].
pub fn rsa_sign_sha256(private_key: &str, data: &[u8]) -> Result<Vec<u8>> {
    rsa_sign(RsaScheme::Sha256, private_key, data)
}

fn pair(der: &[u8]) -> Option<KeyPair> {
    KeyPair::from_pkcs8(der).or_else(|_| KeyPair::from_der(der)).ok()
}

/// The private key as PKCS#8, whatever it was; what is none stays as it is.
pub(crate) fn as_pkcs8(der: Vec<u8>) -> Vec<u8> {
    let pkcs8 = |pair: &KeyPair| -> Option<Vec<u8>> {
        let der: Pkcs8V1Der<'_> = pair.as_der().ok()?;
        Some(der.as_ref().to_vec())
    };
    pair(&der).as_ref().and_then(pkcs8).unwrap_or(der)
}

/// Verifies a signature over `data`. The public key is SubjectPublicKeyInfo or PKCS#1, in PEM or bare base64; a private
/// key serves as its own public half.
///
/// # Errors
/// [`CryptoError::Key`] if the key cannot be read, [`CryptoError::Mismatch`] if the signature is not right.
pub fn rsa_verify(scheme: RsaScheme, public_key: &str, data: &[u8], signature: &[u8]) -> Result<()> {
    let der = key::der(public_key).map_err(|_| CryptoError::Key("an RSA public key"))?;
    let der = pair(&der).map_or(der, |pair| pair.public_key().as_ref().to_vec());
    let parameters = match scheme {
        RsaScheme::Sha256 => &RSA_PKCS1_2048_8192_SHA256,
        RsaScheme::Sha512 => &RSA_PKCS1_2048_8192_SHA512,
        RsaScheme::PssSha256 => &RSA_PSS_2048_8192_SHA256,
        RsaScheme::PssSha512 => &RSA_PSS_2048_8192_SHA512,
    };
    UnparsedPublicKey::new(parameters, der)
        .verify(data, signature)
        .map_err(|_| CryptoError::Mismatch)
}

/// [`rsa_verify`] of RSA2, SHA256withRSA.
///
/// # Errors
/// As [`rsa_verify`].
pub fn rsa_verify_sha256(public_key: &str, data: &[u8], signature: &[u8]) -> Result<()> {
    rsa_verify(RsaScheme::Sha256, public_key, data, signature)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base64;

    // A pair made for this test with OpenSSL; it guards nothing.
    const PRIVATE_PKCS8: &str = include_str!("../tests/rsa/pkcs8.b64");
    const PRIVATE_PKCS1: &str = include_str!("../tests/rsa/pkcs1.b64");
    const PUBLIC: &str = include_str!("../tests/rsa/public.b64");
    const MESSAGE: &[u8] = b"app_id=2014072300007148&charset=utf-8&method=alipay.trade.query";
    const SIGNATURE: &str = include_str!("../tests/rsa/signature.b64");

    #[test]
    fn signs_as_openssl_does() {
        let expected: String = SIGNATURE.split_whitespace().collect();
        assert_eq!(base64(&rsa_sign_sha256(PRIVATE_PKCS8, MESSAGE).unwrap()), expected);
        assert_eq!(base64(&rsa_sign_sha256(PRIVATE_PKCS1, MESSAGE).unwrap()), expected);
    }

    #[test]
    fn a_new_pair_signs_and_verifies() {
        let (private, public) = rsa_generate().unwrap();
        let signature = rsa_sign_sha256(&private, MESSAGE).unwrap();
        rsa_verify_sha256(&public, MESSAGE, &signature).unwrap();
        assert!(rsa_verify_sha256(PUBLIC, MESSAGE, &signature).is_err());
    }

    #[test]
    fn verifies_and_refuses() {
        let signature = crate::from_base64(SIGNATURE).unwrap();
        rsa_verify_sha256(PUBLIC, MESSAGE, &signature).unwrap();
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{PUBLIC}\n-----END PUBLIC KEY-----\n");
        rsa_verify_sha256(&pem, MESSAGE, &signature).unwrap();
        rsa_verify_sha256(PRIVATE_PKCS8, MESSAGE, &signature).unwrap();
        assert_eq!(
            rsa_verify_sha256(PUBLIC, b"other", &signature),
            Err(CryptoError::Mismatch)
        );
        assert!(matches!(
            rsa_sign_sha256("not a key!", MESSAGE),
            Err(CryptoError::Key(_))
        ));
    }
}
