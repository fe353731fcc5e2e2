//! SM2 signatures (GB/T 32918.2-2016) with the options upstreams differ in, and the keys of SM2.

use crate::{CryptoError, Result, from_hex, hex, key, random};
use gmcrypto_core::asn1::sig::{decode_sig, encode_sig};
use gmcrypto_core::sm2::{Sm2PrivateKey, Sm2PublicKey, sign_with_id, verify_with_id};
use gmcrypto_core::{pkcs8, sec1, spki};
use rand::rngs::SysRng;

/// The signer id that GM/T 0009 prescribes where parties agreed on none.
pub const SM2_DEFAULT_ID: &[u8] = b"1234567812345678";

/// How a signature of two numbers is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SignatureForm {
    /// ASN.1 SEQUENCE of r and s.
    Der,
    /// r‖s, 64 bytes.
    Raw,
}

/// Private key: 64 hex digits, or PKCS#8 or SEC 1 in PEM or bare base64.
pub(crate) fn private(text: &str) -> Result<Sm2PrivateKey> {
    const FORM: CryptoError = CryptoError::Key("an SM2 private key: 64 hex digits, PKCS#8 or SEC 1");
    if let Ok(Ok(scalar)) = from_hex(text.trim()).map(<[u8; 32]>::try_from) {
        return Option::from(Sm2PrivateKey::from_bytes_be(&scalar)).ok_or(FORM);
    }
    let der = key::der(text).map_err(|_| FORM)?;
    if let Ok(key) = pkcs8::decode(&der) {
        return Ok(key);
    }
    let scalar = sec1::decode(&der).map(|k| k.scalar_be).ok_or(FORM)?;
    Option::from(Sm2PrivateKey::from_bytes_be(&scalar)).ok_or(FORM)
}

/// Public key: 128 hex digits with or without leading `04`, or SubjectPublicKeyInfo in PEM or bare base64; a private key
/// serves as its own public half.
pub(crate) fn public(text: &str) -> Result<Sm2PublicKey> {
    const FORM: CryptoError = CryptoError::Key("an SM2 public key: 04 and 128 hex digits, or SubjectPublicKeyInfo");
    if let Ok(mut point) = from_hex(text.trim()) {
        if point.len() == 64 {
            point.insert(0, 4);
        }
        let own = || private(text).ok().map(|key| key.public_key());
        return Sm2PublicKey::from_sec1_bytes(&point).or_else(own).ok_or(FORM);
    }
    let read = spki::decode(&key::der(text).map_err(|_| FORM)?);
    read.or_else(|| private(text).ok().map(|key| key.public_key()))
        .ok_or(FORM)
}

/// A new private key as 64 hex digits.
///
/// # Errors
/// [`CryptoError::Failed`] if the system gives no randomness.
pub fn sm2_generate() -> Result<String> {
    // A number that is no key comes up once in 2³² tries.
    for _ in 0..8 {
        let scalar = random::<32>()?;
        let key: Option<Sm2PrivateKey> = Option::from(Sm2PrivateKey::from_bytes_be(&scalar));
        if key.is_some() {
            return Ok(hex(&scalar));
        }
    }
    Err(CryptoError::Failed)
}

/// The public point of a key, uncompressed: `04 ‖ x ‖ y`, 65 bytes.
///
/// # Errors
/// [`CryptoError::Key`] if the key cannot be read.
pub fn sm2_public(private_key: &str) -> Result<Vec<u8>> {
    Ok(private(private_key)?.public_key().to_sec1_uncompressed().to_vec())
}

/// Signs `data` for the signer `id`.
///
/// # Errors
/// [`CryptoError::Key`] if the key cannot be read, [`CryptoError::Failed`] if the system gives no randomness or the
/// id is longer than 8191 bytes.
pub fn sm2_sign(private_key: &str, id: &[u8], data: &[u8], form: SignatureForm) -> Result<Vec<u8>> {
    let der = sign_with_id(&private(private_key)?, id, data, &mut SysRng).map_err(|_| CryptoError::Failed)?;
    match form {
        SignatureForm::Der => Ok(der),
        SignatureForm::Raw => {
            let (r, s) = decode_sig(&der).ok_or(CryptoError::Failed)?;
            Ok([r, s].concat())
        }
    }
}

/// Verifies a signature of the signer `id` over `data`.
///
/// # Errors
/// [`CryptoError::Key`] if the key cannot be read, [`CryptoError::Mismatch`] if the signature is not right.
pub fn sm2_verify(public_key: &str, id: &[u8], data: &[u8], signature: &[u8], form: SignatureForm) -> Result<()> {
    let key = public(public_key)?;
    let good = match form {
        SignatureForm::Der => verify_with_id(&key, id, data, signature),
        SignatureForm::Raw => match signature.split_first_chunk::<32>().map(|(r, s)| (r, s.try_into())) {
            Some((r, Ok(s))) => verify_with_id(&key, id, data, &encode_sig(r, s)),
            _ => false,
        },
    };
    if good { Ok(()) } else { Err(CryptoError::Mismatch) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::from_base64;

    // GB/T 32918.5-2017, A.2: the recommended curve, the default id, "message digest".
    const PRIVATE: &str = "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8";
    const PUBLIC: &str = concat!(
        "0409F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020",
        "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
    );
    const SIGNATURE: &str = concat!(
        "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3",
        "B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"
    );

    #[test]
    fn verifies_the_standards_example() {
        let raw = from_hex(SIGNATURE).unwrap();
        sm2_verify(PUBLIC, SM2_DEFAULT_ID, b"message digest", &raw, SignatureForm::Raw).unwrap();
        sm2_verify(
            &PUBLIC[2..],
            SM2_DEFAULT_ID,
            b"message digest",
            &raw,
            SignatureForm::Raw,
        )
        .unwrap();
        let refused = |id, message: &[u8], form| sm2_verify(PUBLIC, id, message, &raw, form);
        assert_eq!(
            refused(SM2_DEFAULT_ID, b"message", SignatureForm::Raw),
            Err(CryptoError::Mismatch)
        );
        assert_eq!(
            refused(b"other", b"message digest", SignatureForm::Raw),
            Err(CryptoError::Mismatch)
        );
        assert_eq!(
            refused(SM2_DEFAULT_ID, b"message digest", SignatureForm::Der),
            Err(CryptoError::Mismatch)
        );
    }

    #[test]
    fn a_key_made_here_signs() {
        let private = sm2_generate().unwrap();
        let signature = sm2_sign(&private, SM2_DEFAULT_ID, b"m", SignatureForm::Raw).unwrap();
        let public = crate::hex(&sm2_public(&private).unwrap());
        sm2_verify(&public, SM2_DEFAULT_ID, b"m", &signature, SignatureForm::Raw).unwrap();
        assert_eq!(sm2_public(PRIVATE).unwrap(), from_hex(PUBLIC).unwrap());
        assert_ne!(sm2_generate().unwrap(), private);
    }

    #[test]
    fn reads_keys_and_signatures_made_elsewhere() {
        // Made with OpenSSL 3.0 (`dgst -sm3 -sign -sigopt distid:…`); the key guards nothing.
        let spki = "MFkwEwYHKoZIzj0CAQYIKoEcz1UBgi0DQgAEQ6ghk2kEPOT6fMgVLGAd2m6vz0vf\n\
                    OJT90atm1Khd6enRdMAY2d2uUSayo+KWHzCETFLd7FmwcRhMkN2xIZtimg==";
        let pkcs8 = "MIGHAgEAMBMGByqGSM49AgEGCCqBHM9VAYItBG0wawIBAQQgKU4WA3BQmpAy/Mvm\n\
                     WXq3y0y5fjn8kAlIfKWkELg01FqhRANCAARDqCGTaQQ85Pp8yBUsYB3abq/PS984\n\
                     lP3Rq2bUqF3p6dF0wBjZ3a5RJrKj4pYfMIRMUt3sWbBxGEyQ3bEhm2Ka";
        let der = from_base64(
            "MEUCIQCgqCDm4NiJcIve6wJsxShiYNRi2iCi3j15+2JrtjmvyAIgBtyh0255ilarpXNa+iH4hCYq+d6VrTloHszmod//rh0=",
        )
        .unwrap();
        let message = b"app_id=2014072300007148&charset=utf-8&method=alipay.trade.query";
        sm2_verify(spki, SM2_DEFAULT_ID, message, &der, SignatureForm::Der).unwrap();
        sm2_verify(pkcs8, SM2_DEFAULT_ID, message, &der, SignatureForm::Der).unwrap();
        let own = sm2_sign(pkcs8, SM2_DEFAULT_ID, message, SignatureForm::Der).unwrap();
        sm2_verify(spki, SM2_DEFAULT_ID, message, &own, SignatureForm::Der).unwrap();
    }

    #[test]
    fn signs_in_both_forms() {
        for form in [SignatureForm::Der, SignatureForm::Raw] {
            let signature = sm2_sign(PRIVATE, b"id", b"m", form).unwrap();
            sm2_verify(PUBLIC, b"id", b"m", &signature, form).unwrap();
            sm2_verify(PRIVATE, b"id", b"m", &signature, form).unwrap();
        }
        assert!(matches!(
            sm2_sign("00", b"id", b"m", SignatureForm::Raw),
            Err(CryptoError::Key(_))
        ));
    }
}
