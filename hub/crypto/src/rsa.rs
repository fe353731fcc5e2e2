//! RSA PKCS#1 v1.5 with SHA-256 (RFC 8017 section 8.2), which payment gateways call RSA2.

use crate::{CryptoError, Result, key};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey};

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

/// Signs `data`. `private_key` is PKCS#8 or PKCS#1, in PEM or bare base64, of at least 2048 bits.
///
/// # Errors
/// [`CryptoError::Key`] if the key cannot be read.
pub fn rsa_sign_sha256(private_key: &str, data: &[u8]) -> Result<Vec<u8>> {
    const FORM: CryptoError = CryptoError::Key("an RSA private key of 2048 bits or more, PKCS#8 or PKCS#1");
    let der = key::der(private_key).map_err(|_| FORM)?;
    let pair = pair(&der).ok_or(FORM)?;
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), data, &mut signature)
        .map_err(|_| CryptoError::Failed)?;
    Ok(signature)
}

fn pair(der: &[u8]) -> Option<KeyPair> {
    KeyPair::from_pkcs8(der).or_else(|_| KeyPair::from_der(der)).ok()
}

/// Verifies a signature. `public_key` is a SubjectPublicKeyInfo or a PKCS#1 key, in PEM or bare base64; a private key
/// serves as its own public half.
///
/// # Errors
/// [`CryptoError::Key`] if the key text is not base64, [`CryptoError::Mismatch`] if the signature is not right.
pub fn rsa_verify_sha256(public_key: &str, data: &[u8], signature: &[u8]) -> Result<()> {
    let der = key::der(public_key).map_err(|_| CryptoError::Key("an RSA public key"))?;
    let der = pair(&der).map_or(der, |pair| pair.public_key().as_ref().to_vec());
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, der)
        .verify(data, signature)
        .map_err(|_| CryptoError::Mismatch)
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
