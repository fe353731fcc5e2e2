//! Ciphers that upstreams seal bodies with: SM4 (GB/T 32907-2016) and AES (FIPS 197) in the modes and with the paddings
//! that are met.

use crate::{CryptoError, Result};
use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{
    AES_128, AES_192, AES_256, DecryptingKey, DecryptionContext, EncryptingKey, EncryptionContext, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;
use gmcrypto_core::sm4::{Sm4Cipher, mode_gcm};

/// Bytes of a block, of both ciphers.
const BLOCK: usize = 16;
/// Bytes of a GCM tag.
const TAG: usize = 16;

/// A block cipher.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cipher {
    /// Keys of 16 bytes.
    Sm4,
    /// Keys of 16, 24 or 32 bytes.
    Aes,
}

/// Mode of operation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Electronic codebook. Leaks repetitions; spoken because upstreams demand it.
    Ecb,
    /// Cipher block chaining with this initial vector. Authenticates nothing.
    Cbc {
        /// Initial vector.
        iv: [u8; BLOCK],
    },
    /// Galois/counter mode (NIST SP 800-38D; RFC 8998 for SM4), the tag of 16 bytes behind the cipher text.
    Gcm {
        /// 12 bytes, never twice under one key.
        nonce: [u8; 12],
        /// What is authenticated besides.
        aad: Vec<u8>,
    },
}

/// How the last block is filled, in modes of whole blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Padding {
    /// RFC 5652 section 6.3.
    Pkcs7,
    /// Zero bytes to the next block; none if the length fits already. Trailing zeros of the text itself are lost.
    Zero,
    /// None: the length must fit.
    None,
}

const KEY: CryptoError = CryptoError::Key("16 bytes for SM4; 16, 24 or 32 for AES (16 or 32 with GCM)");

/// Enciphers `plain`.
///
/// # Errors
/// [`CryptoError::Key`] if the key has the wrong length, [`CryptoError::Mismatch`] if an unpadded text does not fit.
pub fn encipher(cipher: Cipher, mode: &Mode, padding: Padding, key: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
    if let Mode::Gcm { nonce, aad } = mode {
        return seal_gcm(cipher, key, nonce, aad, plain);
    }
    let padded = padding.fill(plain)?;
    match cipher {
        Cipher::Sm4 => Ok(sm4_blocks(key, mode, padded, true)?),
        Cipher::Aes => aes_encipher(key, mode, padded),
    }
}

/// Deciphers what [`encipher`] made.
///
/// # Errors
/// [`CryptoError::Key`] if the key has the wrong length; [`CryptoError::Mismatch`] if length, padding or tag are wrong,
/// as they are under a wrong key almost always.
pub fn decipher(cipher: Cipher, mode: &Mode, padding: Padding, key: &[u8], cipher_text: &[u8]) -> Result<Vec<u8>> {
    if let Mode::Gcm { nonce, aad } = mode {
        return open_gcm(cipher, key, nonce, aad, cipher_text);
    }
    if !cipher_text.len().is_multiple_of(BLOCK) {
        return Err(CryptoError::Mismatch);
    }
    let bytes = cipher_text.to_vec();
    let padded = match cipher {
        Cipher::Sm4 => sm4_blocks(key, mode, bytes, false)?,
        Cipher::Aes => aes_decipher(key, mode, bytes)?,
    };
    padding.strip(padded)
}

impl Padding {
    fn fill(self, plain: &[u8]) -> Result<Vec<u8>> {
        let mut bytes = plain.to_vec();
        let over = plain.len() % BLOCK;
        match self {
            Self::Pkcs7 => {
                let pad = BLOCK - over;
                bytes.resize(plain.len() + pad, u8::try_from(pad).unwrap_or_default());
            }
            Self::Zero if over != 0 => bytes.resize(plain.len() + BLOCK - over, 0),
            Self::None if over != 0 => return Err(CryptoError::Mismatch),
            Self::Zero | Self::None => {}
        }
        Ok(bytes)
    }

    fn strip(self, mut bytes: Vec<u8>) -> Result<Vec<u8>> {
        match self {
            Self::None => {}
            Self::Zero => {
                let kept = bytes.iter().rposition(|b| *b != 0).map_or(0, |at| at + 1);
                bytes.truncate(kept);
            }
            Self::Pkcs7 => {
                let pad = bytes.last().copied().unwrap_or(0);
                let kept = bytes.len().checked_sub(usize::from(pad));
                let kept = kept.filter(|_| (1..=16).contains(&pad)).ok_or(CryptoError::Mismatch)?;
                if bytes.iter().skip(kept).any(|b| *b != pad) {
                    return Err(CryptoError::Mismatch);
                }
                bytes.truncate(kept);
            }
        }
        Ok(bytes)
    }
}

fn sm4_key(key: &[u8]) -> Result<[u8; BLOCK]> {
    key.try_into().map_err(|_| KEY)
}

/// Whole blocks through SM4: the library pads in its own way only, and upstreams pad in three.
fn sm4_blocks(key: &[u8], mode: &Mode, mut bytes: Vec<u8>, forward: bool) -> Result<Vec<u8>> {
    let cipher = Sm4Cipher::new(&sm4_key(key)?);
    let mut chain = match mode {
        Mode::Cbc { iv } => Some(*iv),
        Mode::Ecb | Mode::Gcm { .. } => None,
    };
    for block in bytes.as_chunks_mut::<BLOCK>().0 {
        let before = *block;
        if forward {
            chain.iter().for_each(|last| mix(block, last));
            cipher.encrypt_block(block);
        } else {
            cipher.decrypt_block(block);
            chain.iter().for_each(|last| mix(block, last));
        }
        chain = chain.map(|_| if forward { *block } else { before });
    }
    Ok(bytes)
}

fn mix(block: &mut [u8; BLOCK], with: &[u8; BLOCK]) {
    block.iter_mut().zip(with).for_each(|(b, w)| *b ^= w);
}

fn aes_key(key: &[u8]) -> Result<UnboundCipherKey> {
    let algorithm = match key.len() {
        16 => &AES_128,
        24 => &AES_192,
        32 => &AES_256,
        _ => return Err(KEY),
    };
    UnboundCipherKey::new(algorithm, key).map_err(|_| KEY)
}

fn aes_encipher(key: &[u8], mode: &Mode, mut bytes: Vec<u8>) -> Result<Vec<u8>> {
    let key = aes_key(key)?;
    let (key, context) = match mode {
        Mode::Cbc { iv } => (
            EncryptingKey::cbc(key),
            EncryptionContext::Iv128(FixedLength::from(*iv)),
        ),
        Mode::Ecb | Mode::Gcm { .. } => (EncryptingKey::ecb(key), EncryptionContext::None),
    };
    let key = key.map_err(|_| CryptoError::Failed)?;
    key.less_safe_encrypt(&mut bytes, context)
        .map_err(|_| CryptoError::Failed)?;
    Ok(bytes)
}

fn aes_decipher(key: &[u8], mode: &Mode, mut bytes: Vec<u8>) -> Result<Vec<u8>> {
    let key = aes_key(key)?;
    let (key, context) = match mode {
        Mode::Cbc { iv } => (
            DecryptingKey::cbc(key),
            DecryptionContext::Iv128(FixedLength::from(*iv)),
        ),
        Mode::Ecb | Mode::Gcm { .. } => (DecryptingKey::ecb(key), DecryptionContext::None),
    };
    let key = key.map_err(|_| CryptoError::Failed)?;
    let plain = key.decrypt(&mut bytes, context).map_err(|_| CryptoError::Mismatch)?;
    Ok(plain.to_vec())
}

fn aes_gcm(key: &[u8]) -> Result<LessSafeKey> {
    let algorithm = match key.len() {
        16 => &AES_128_GCM,
        32 => &AES_256_GCM,
        _ => return Err(KEY),
    };
    UnboundKey::new(algorithm, key).map(LessSafeKey::new).map_err(|_| KEY)
}

fn seal_gcm(cipher: Cipher, key: &[u8], nonce: &[u8; 12], aad: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
    match cipher {
        Cipher::Sm4 => {
            let (text, tag) = mode_gcm::encrypt(&sm4_key(key)?, nonce, aad, plain).ok_or(CryptoError::Failed)?;
            Ok([text.as_slice(), &tag].concat())
        }
        Cipher::Aes => {
            let mut bytes = plain.to_vec();
            let nonce = Nonce::assume_unique_for_key(*nonce);
            aes_gcm(key)?
                .seal_in_place_append_tag(nonce, Aad::from(aad), &mut bytes)
                .map_err(|_| CryptoError::Failed)?;
            Ok(bytes)
        }
    }
}

fn open_gcm(cipher: Cipher, key: &[u8], nonce: &[u8; 12], aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>> {
    match cipher {
        Cipher::Sm4 => {
            let (text, tag) = sealed.split_last_chunk::<TAG>().ok_or(CryptoError::Mismatch)?;
            mode_gcm::decrypt(&sm4_key(key)?, nonce, aad, text, tag).ok_or(CryptoError::Mismatch)
        }
        Cipher::Aes => {
            let mut bytes = sealed.to_vec();
            let nonce = Nonce::assume_unique_for_key(*nonce);
            let plain = aes_gcm(key)?
                .open_in_place(nonce, Aad::from(aad), &mut bytes)
                .map_err(|_| CryptoError::Mismatch)?;
            Ok(plain.to_vec())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{from_hex, hex};

    const KEY: [u8; 16] = [
        0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10,
    ];
    const CBC: Mode = Mode::Cbc {
        iv: *b"1234567890abcdef",
    };

    #[track_caller]
    fn both(cipher: Cipher, mode: &Mode, padding: Padding, key: &[u8], plain: &[u8], sealed: &str) {
        let bytes = encipher(cipher, mode, padding, key, plain).unwrap();
        assert_eq!(hex(&bytes), sealed);
        assert_eq!(decipher(cipher, mode, padding, key, &bytes).unwrap(), plain);
    }

    #[test]
    fn sm4_of_the_standard() {
        // GB/T 32907-2016, A.1: key and block alike.
        let sealed = "681edf34d206965e86b3e94f536e4246";
        both(Cipher::Sm4, &Mode::Ecb, Padding::None, &KEY, &KEY, sealed);
    }

    #[test]
    fn sm4_agrees_with_openssl() {
        let short = "枢纽 ok".as_bytes();
        let sealed = "bac262baffc5b1ce1c7744e17ee73a46";
        both(Cipher::Sm4, &Mode::Ecb, Padding::Pkcs7, &KEY, short, sealed);
        let long = "枢纽 ok, longer than a block".as_bytes();
        let sealed = "81f55f33dc56ce5ad57ec8e1dd3c17ab9a2862fa1c5be1b0d7e91dcb96e4b97a";
        both(Cipher::Sm4, &CBC, Padding::Pkcs7, &KEY, long, sealed);
    }

    #[test]
    fn sm4_gcm_of_rfc_8998() {
        // RFC 8998, A.1.
        let mode = Mode::Gcm {
            nonce: from_hex("00001234567800000000abcd").unwrap().try_into().unwrap(),
            aad: from_hex("feedfacedeadbeeffeedfacedeadbeefabaddad2").unwrap(),
        };
        let plain = from_hex(concat!(
            "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd",
            "eeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa"
        ))
        .unwrap();
        let sealed = concat!(
            "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735",
            "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d",
            "83de3541e4c2b58177e065a9bf7b62ec"
        );
        both(Cipher::Sm4, &mode, Padding::Pkcs7, &KEY, &plain, sealed);
    }

    #[test]
    fn aes_of_the_standards() {
        // NIST SP 800-38A: F.1.1 ECB-AES128, F.1.5 ECB-AES256, F.2.1 CBC-AES128, F.2.5 CBC-AES256, first blocks.
        let key = from_hex("2b7e151628aed2a6abf7158809cf4f3c").unwrap();
        let long = from_hex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4").unwrap();
        let plain = from_hex("6bc1bee22e409f96e93d7e117393172a").unwrap();
        let cbc = Mode::Cbc {
            iv: std::array::from_fn(|i| u8::try_from(i).unwrap()),
        };
        let check = |mode, key: &[u8], sealed| both(Cipher::Aes, mode, Padding::None, key, &plain, sealed);
        check(&Mode::Ecb, &key, "3ad77bb40d7a3660a89ecaf32466ef97");
        check(&Mode::Ecb, &long, "f3eed1bdb5d2a03c064b5a7e3db181f8");
        check(&cbc, &key, "7649abac8119b246cee98e9b12e9197d");
        check(&cbc, &long, "f58c4c04d6e5f1ba779eabfb5f7bfbd6");
    }

    #[test]
    fn aes_gcm_of_its_specification() {
        // GCM specification (McGrew, Viega), test cases 2 and 14: all zero.
        let mode = Mode::Gcm {
            nonce: [0; 12],
            aad: Vec::new(),
        };
        let sealed = "0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf";
        both(Cipher::Aes, &mode, Padding::Pkcs7, &[0; 16], &[0; 16], sealed);
        let sealed = "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919";
        both(Cipher::Aes, &mode, Padding::Pkcs7, &[0; 32], &[0; 16], sealed);
    }

    #[test]
    fn zeros_fill_the_last_block() {
        // 6-byte text filled by hand; the same blocks as without padding.
        let filled = [b"abcdef".as_slice(), &[0; 10]].concat();
        let sealed = encipher(Cipher::Sm4, &CBC, Padding::None, &KEY, &filled).unwrap();
        both(Cipher::Sm4, &CBC, Padding::Zero, &KEY, b"abcdef", &hex(&sealed));
        let refused = encipher(Cipher::Aes, &CBC, Padding::None, &KEY, b"abcdef");
        assert_eq!(refused, Err(CryptoError::Mismatch));
    }

    #[test]
    fn every_length_round_trips_and_damage_is_refused() {
        let gcm = Mode::Gcm {
            nonce: [9; 12],
            aad: b"aad".to_vec(),
        };
        for cipher in [Cipher::Sm4, Cipher::Aes] {
            for mode in [&Mode::Ecb, &CBC, &gcm] {
                for length in 0..40_u8 {
                    let plain: Vec<u8> = (0..length).collect();
                    let sealed = encipher(cipher, mode, Padding::Pkcs7, &KEY, &plain).unwrap();
                    assert_eq!(decipher(cipher, mode, Padding::Pkcs7, &KEY, &sealed).unwrap(), plain);
                }
                let damaged = |bytes: &[u8]| decipher(cipher, mode, Padding::Pkcs7, &KEY, bytes);
                assert_eq!(damaged(b""), Err(CryptoError::Mismatch));
                assert_eq!(damaged(&[0; 15]), Err(CryptoError::Mismatch));
                assert_eq!(damaged(&[0; 16]), Err(CryptoError::Mismatch));
                let short = encipher(cipher, mode, Padding::Pkcs7, &KEY[..15], b"");
                assert!(matches!(short, Err(CryptoError::Key(_))));
            }
        }
    }
}
