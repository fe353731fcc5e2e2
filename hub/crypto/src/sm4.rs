//! SM4 (GB/T 32907-2016) with PKCS#7 padding, in the two modes upstreams use.

use crate::{CryptoError, Result};
use gmcrypto_core::sm4::{BLOCK_SIZE, Sm4Cipher, mode_cbc};

/// Mode of operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sm4Mode {
    /// Electronic codebook. Leaks repetitions; spoken because upstreams demand it.
    Ecb,
    /// Cipher block chaining with this initial vector. Authenticates nothing.
    Cbc {
        /// Initial vector.
        iv: [u8; 16],
    },
}

/// Enciphers `plain`; the result is 1 to 16 bytes longer.
#[must_use]
pub fn sm4_encrypt(key: &[u8; 16], mode: Sm4Mode, plain: &[u8]) -> Vec<u8> {
    match mode {
        Sm4Mode::Cbc { iv } => mode_cbc::encrypt(key, &iv, plain),
        Sm4Mode::Ecb => {
            let pad = BLOCK_SIZE - plain.len() % BLOCK_SIZE;
            let mut bytes = plain.to_vec();
            bytes.resize(plain.len() + pad, u8::try_from(pad).unwrap_or_default());
            let cipher = Sm4Cipher::new(key);
            for block in bytes.as_chunks_mut::<BLOCK_SIZE>().0 {
                cipher.encrypt_block(block);
            }
            bytes
        }
    }
}

/// Deciphers what [`sm4_encrypt`] made.
///
/// # Errors
/// [`CryptoError::Mismatch`] if length or padding are wrong, as they are under a wrong key almost always.
pub fn sm4_decrypt(key: &[u8; 16], mode: Sm4Mode, cipher_text: &[u8]) -> Result<Vec<u8>> {
    match mode {
        Sm4Mode::Cbc { iv } => mode_cbc::decrypt(key, &iv, cipher_text).ok_or(CryptoError::Mismatch),
        Sm4Mode::Ecb => {
            let mut bytes = cipher_text.to_vec();
            let (blocks, rest) = bytes.as_chunks_mut::<BLOCK_SIZE>();
            if !rest.is_empty() {
                return Err(CryptoError::Mismatch);
            }
            let cipher = Sm4Cipher::new(key);
            for block in blocks {
                cipher.decrypt_block(block);
            }
            strip_padding(bytes)
        }
    }
}

fn strip_padding(mut bytes: Vec<u8>) -> Result<Vec<u8>> {
    let pad = bytes.last().copied().unwrap_or(0);
    let kept = bytes
        .len()
        .checked_sub(usize::from(pad))
        .filter(|_| (1..=16).contains(&pad))
        .ok_or(CryptoError::Mismatch)?;
    if bytes.iter().skip(kept).any(|b| *b != pad) {
        return Err(CryptoError::Mismatch);
    }
    bytes.truncate(kept);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{from_hex, hex};

    const KEY: [u8; 16] = [
        0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10,
    ];
    const CBC: Sm4Mode = Sm4Mode::Cbc {
        iv: *b"1234567890abcdef",
    };

    #[test]
    fn the_standards_example() {
        // GB/T 32907-2016, A.1: key and block alike.
        assert!(hex(&sm4_encrypt(&KEY, Sm4Mode::Ecb, &KEY)).starts_with("681edf34d206965e86b3e94f536e4246"));
    }

    #[test]
    fn agrees_with_openssl() {
        let ecb = from_hex("bac262baffc5b1ce1c7744e17ee73a46").unwrap();
        assert_eq!(sm4_encrypt(&KEY, Sm4Mode::Ecb, "枢纽 ok".as_bytes()), ecb);
        assert_eq!(sm4_decrypt(&KEY, Sm4Mode::Ecb, &ecb).unwrap(), "枢纽 ok".as_bytes());
        let cbc = from_hex("81f55f33dc56ce5ad57ec8e1dd3c17ab9a2862fa1c5be1b0d7e91dcb96e4b97a").unwrap();
        let plain = "枢纽 ok, longer than a block".as_bytes();
        assert_eq!(sm4_encrypt(&KEY, CBC, plain), cbc);
        assert_eq!(sm4_decrypt(&KEY, CBC, &cbc).unwrap(), plain);
    }

    #[test]
    fn every_length_round_trips_and_damage_is_refused() {
        for length in 0..40_u8 {
            let plain: Vec<u8> = (0..length).collect();
            for mode in [Sm4Mode::Ecb, CBC] {
                let cipher = sm4_encrypt(&KEY, mode, &plain);
                assert_eq!(sm4_decrypt(&KEY, mode, &cipher).unwrap(), plain);
            }
        }
        for mode in [Sm4Mode::Ecb, CBC] {
            assert_eq!(sm4_decrypt(&KEY, mode, b""), Err(CryptoError::Mismatch));
            assert_eq!(sm4_decrypt(&KEY, mode, &[0; 15]), Err(CryptoError::Mismatch));
            assert_eq!(sm4_decrypt(&KEY, mode, &[0; 16]), Err(CryptoError::Mismatch));
        }
    }
}
