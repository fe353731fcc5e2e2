//! Short secrets sealed for the holder of a private key: SM2 (GB/T 32918.4-2016) and RSA (RFC 8017), as upstreams send
//! the key of a body.

use crate::sm2::{private, public};
use crate::{CryptoError, Result, key, rsa};
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, OaepPublicEncryptingKey,
    Pkcs1PrivateDecryptingKey, Pkcs1PublicEncryptingKey, PrivateDecryptingKey, PublicEncryptingKey,
};
use gmcrypto_core::asn1::ciphertext::{decode, encode};
use gmcrypto_core::sm2::raw_ciphertext::{decode_c1c2c3_legacy, decode_c1c3c2, encode_c1c3c2};
use gmcrypto_core::sm2::{decrypt, encrypt};
use rand::rngs::SysRng;

/// Bytes of C1 with its leading `04`, and of C3.
const C1: usize = 65;
const C3: usize = 32;

/// How a secret is sealed for a key pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Envelope {
    /// SM2, written as said.
    Sm2(Sm2Order),
    /// RSAES-OAEP with SHA-256.
    RsaOaep,
    /// RSAES-OAEP with SHA-1, the default of many libraries.
    RsaOaepSha1,
    /// RSAES-PKCS1-v1_5.
    RsaPkcs1,
}

/// How the three parts of an SM2 cipher text are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sm2Order {
    /// Point, hash, text: GB/T 32918.4-2016.
    C1C3C2,
    /// Point, text, hash: libraries before the standard of 2016.
    C1C2C3,
    /// ASN.1, GM/T 0009-2012.
    Der,
}

/// Seals `plain` for the holder of the private half.
///
/// # Errors
/// [`CryptoError::Key`] if the key cannot be read, [`CryptoError::Failed`] if there is no randomness or the text is too
/// long.
pub fn envelope_seal(envelope: Envelope, public_key: &str, plain: &[u8]) -> Result<Vec<u8>> {
    match envelope {
        Envelope::Sm2(order) => {
            let der = encrypt(&public(public_key)?, plain, &mut SysRng).map_err(|_| CryptoError::Failed)?;
            if order == Sm2Order::Der {
                return Ok(der);
            }
            let new = encode_c1c3c2(&decode(&der).ok_or(CryptoError::Failed)?);
            Ok(if order == Sm2Order::C1C3C2 { new } else { turned(&new) })
        }
        Envelope::RsaOaep | Envelope::RsaOaepSha1 => {
            let key = OaepPublicEncryptingKey::new(rsa_public(public_key)?).map_err(|_| RSA)?;
            let mut out = vec![0; key.ciphertext_size()];
            let sealed = key.encrypt(oaep(envelope), plain, &mut out, None);
            sealed.map(|bytes| bytes.to_vec()).map_err(|_| CryptoError::Failed)
        }
        Envelope::RsaPkcs1 => {
            let key = Pkcs1PublicEncryptingKey::new(rsa_public(public_key)?).map_err(|_| RSA)?;
            let mut out = vec![0; key.ciphertext_size()];
            let sealed = key.encrypt(plain, &mut out);
            sealed.map(|bytes| bytes.to_vec()).map_err(|_| CryptoError::Failed)
        }
    }
}

/// Opens what [`envelope_seal`] made. An SM2 point is read with and without its leading `04`.
///
/// # Errors
/// [`CryptoError::Key`] if the key cannot be read, [`CryptoError::Mismatch`] if it is not sealed for it.
pub fn envelope_open(envelope: Envelope, private_key: &str, sealed: &[u8]) -> Result<Vec<u8>> {
    const WRONG: fn(aws_lc_rs::error::Unspecified) -> CryptoError = |_| CryptoError::Mismatch;
    match envelope {
        Envelope::Sm2(order) => {
            let key = private(private_key)?;
            let with_point = |bytes: &[u8]| [&[4], bytes].concat();
            let read = |bytes: &[u8]| match order {
                Sm2Order::C1C3C2 => decode_c1c3c2(bytes),
                Sm2Order::C1C2C3 => decode_c1c2c3_legacy(bytes),
                Sm2Order::Der => decode(bytes),
            };
            let open = |bytes: &[u8]| decrypt(&key, &encode(&read(bytes)?)).ok();
            open(sealed)
                .or_else(|| open(&with_point(sealed)).filter(|_| order != Sm2Order::Der))
                .ok_or(CryptoError::Mismatch)
        }
        Envelope::RsaOaep | Envelope::RsaOaepSha1 => {
            let key = OaepPrivateDecryptingKey::new(rsa_private(private_key)?).map_err(|_| RSA)?;
            let mut out = vec![0; key.min_output_size()];
            let plain = key.decrypt(oaep(envelope), sealed, &mut out, None);
            plain.map(|bytes| bytes.to_vec()).map_err(WRONG)
        }
        Envelope::RsaPkcs1 => {
            let key = Pkcs1PrivateDecryptingKey::new(rsa_private(private_key)?).map_err(|_| RSA)?;
            let mut out = vec![0; key.min_output_size()];
            key.decrypt(sealed, &mut out).map(|bytes| bytes.to_vec()).map_err(WRONG)
        }
    }
}

const RSA: CryptoError = CryptoError::Key("an RSA key of 2048 bits or more");

fn oaep(envelope: Envelope) -> &'static aws_lc_rs::rsa::OaepAlgorithm {
    if envelope == Envelope::RsaOaep {
        &OAEP_SHA256_MGF1SHA256
    } else {
        &OAEP_SHA1_MGF1SHA1
    }
}

/// The hash behind the text instead of before it.
fn turned(new: &[u8]) -> Vec<u8> {
    let (point, rest) = new.split_at(C1.min(new.len()));
    let (hash, text) = rest.split_at(C3.min(rest.len()));
    [point, text, hash].concat()
}

fn rsa_public(text: &str) -> Result<PublicEncryptingKey> {
    let der = key::der(text).map_err(|_| RSA)?;
    let own = || Some(PrivateDecryptingKey::from_pkcs8(&der).ok()?.public_key());
    PublicEncryptingKey::from_der(&der).ok().or_else(own).ok_or(RSA)
}

fn rsa_private(text: &str) -> Result<PrivateDecryptingKey> {
    let der = key::der(text).map_err(|_| RSA)?;
    PrivateDecryptingKey::from_pkcs8(&rsa::as_pkcs8(der)).map_err(|_| RSA)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::from_hex;

    // GB/T 32918.5-2017, C.2: the recommended curve, "encryption standard".
    const PRIVATE: &str = "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8";
    const C1_HEX: &str = concat!(
        "04",
        "04EBFC718E8D1798620432268E77FEB6415E2EDE0E073C0F4F640ECD2E149A73",
        "E858F9D81E5430A57B36DAAB8F950A3C64E6EE6A63094D99283AFF767E124DF0"
    );
    const C2_HEX: &str = "21886CA989CA9C7D58087307CA93092D651EFA";
    const C3_HEX: &str = "59983C18F809E262923C53AEC295D30383B54E39D609D160AFCB1908D0BD8766";

    #[test]
    fn opens_the_standards_example_in_every_order() {
        let bytes = |parts: &[&str]| from_hex(&parts.concat()).unwrap();
        let open = |order, bytes: &[u8]| envelope_open(Envelope::Sm2(order), PRIVATE, bytes);
        let plain = b"encryption standard".to_vec();
        let new = bytes(&[C1_HEX, C3_HEX, C2_HEX]);
        assert_eq!(open(Sm2Order::C1C3C2, &new), Ok(plain.clone()));
        assert_eq!(open(Sm2Order::C1C3C2, &new[1..]), Ok(plain.clone()));
        let old = bytes(&[C1_HEX, C2_HEX, C3_HEX]);
        assert_eq!(open(Sm2Order::C1C2C3, &old), Ok(plain));
        assert_eq!(turned(&new), old);
        assert_eq!(open(Sm2Order::C1C2C3, &new), Err(CryptoError::Mismatch));
        assert_eq!(open(Sm2Order::C1C3C2, &old), Err(CryptoError::Mismatch));
        assert_eq!(open(Sm2Order::Der, &new), Err(CryptoError::Mismatch));
    }

    #[test]
    fn seals_for_both_kinds_of_key() {
        let rsa = include_str!("../tests/rsa/pkcs8.b64");
        let rsa_public = include_str!("../tests/rsa/public.b64");
        let old = include_str!("../tests/rsa/pkcs1.b64");
        for envelope in [Envelope::RsaOaep, Envelope::RsaOaepSha1, Envelope::RsaPkcs1] {
            let sealed = envelope_seal(envelope, rsa_public, b"0123456789abcdef").unwrap();
            for key in [rsa, old] {
                assert_eq!(envelope_open(envelope, key, &sealed).unwrap(), b"0123456789abcdef");
            }
            assert!(envelope_open(envelope, rsa, &[1; 256]).is_err());
        }
        for order in [Sm2Order::C1C3C2, Sm2Order::C1C2C3, Sm2Order::Der] {
            // A private key serves for its own public half.
            let sealed = envelope_seal(Envelope::Sm2(order), PRIVATE, b"0123456789abcdef").unwrap();
            assert_eq!(
                envelope_open(Envelope::Sm2(order), PRIVATE, &sealed).unwrap(),
                b"0123456789abcdef"
            );
        }
    }
}
