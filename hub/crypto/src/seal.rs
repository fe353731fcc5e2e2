//! Sealing: AES-256-GCM with a random nonce in front (NIST SP 800-38D), and keys derived by label.

use crate::{CryptoError, Digest, Result, hmac, random};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

/// Bytes a seal adds: nonce and tag.
pub const SEAL_OVERHEAD: usize = NONCE_LEN + 16;

fn aes(key: &[u8; 32]) -> Result<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, key)
        .map(LessSafeKey::new)
        .map_err(|_| CryptoError::Failed)
}

/// Seals `plain` under `key`, bound to `context` (what it is and whose, so that sealed values cannot be swapped).
/// Good for 2³² seals under one key.
///
/// # Errors
/// [`CryptoError::Failed`] if the system gives no randomness.
pub fn seal(key: &[u8; 32], plain: &[u8], context: &[u8]) -> Result<Vec<u8>> {
    let nonce = random::<NONCE_LEN>()?;
    let mut body = plain.to_vec();
    aes(key)?
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(context), &mut body)
        .map_err(|_| CryptoError::Failed)?;
    Ok([nonce.as_slice(), &body].concat())
}

/// Opens what [`seal`] made with the same key and context.
///
/// # Errors
/// [`CryptoError::Mismatch`] if anything differs.
pub fn open(key: &[u8; 32], sealed: &[u8], context: &[u8]) -> Result<Vec<u8>> {
    let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(CryptoError::Mismatch)?;
    let mut body = body.to_vec();
    let plain = aes(key)?
        .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(context), &mut body)
        .map_err(|_| CryptoError::Mismatch)?;
    Ok(plain.to_vec())
}

/// A key for one purpose out of a master key: HMAC-SHA-256 over the label, the one-block case of HKDF-Expand.
#[must_use]
pub fn derive_key(master: &[u8; 32], label: &str) -> [u8; 32] {
    // RFC 5869 section 2.3 with L = 32: T(1) = HMAC(PRK, info ‖ 0x01).
    let block = hmac(Digest::Sha256, master, &[label.as_bytes(), &[1]].concat());
    let mut key = [0; 32];
    key.iter_mut().zip(block).for_each(|(k, b)| *k = b);
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::from_hex;

    #[test]
    fn opens_a_published_vector() {
        // GCM specification (McGrew, Viega), test case 14: zero key, zero nonce, 16 zero bytes.
        let sealed =
            from_hex("000000000000000000000000cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919")
                .unwrap();
        assert_eq!(open(&[0; 32], &sealed, b"").unwrap(), [0; 16]);
    }

    #[test]
    fn round_trip_is_bound_to_key_and_context() {
        let sealed = seal(&[7; 32], b"plain", b"file:1").unwrap();
        assert_eq!(sealed.len(), 5 + SEAL_OVERHEAD);
        assert_eq!(open(&[7; 32], &sealed, b"file:1").unwrap(), b"plain");
        assert_eq!(open(&[7; 32], &sealed, b"file:2"), Err(CryptoError::Mismatch));
        assert_eq!(open(&[8; 32], &sealed, b"file:1"), Err(CryptoError::Mismatch));
        assert_eq!(open(&[7; 32], b"short", b""), Err(CryptoError::Mismatch));
    }

    #[test]
    fn derived_keys_follow_hkdf() {
        // RFC 5869 A.3 (empty salt and info), first 32 bytes of the output.
        let prk = from_hex("19ef24a32c717b167f33a91d6f648bdf96596776afdb6377ac434c1c293ccb04").unwrap();
        assert_eq!(
            crate::hex(&derive_key(&prk.try_into().unwrap(), "")),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
        );
        assert_ne!(derive_key(&[1; 32], "a"), derive_key(&[1; 32], "b"));
    }
}
