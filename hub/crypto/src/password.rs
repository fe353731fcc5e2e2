//! Passwords as they are kept (PBKDF2 with HMAC-SHA-256, RFC 8018).

use aws_lc_rs::pbkdf2::{PBKDF2_HMAC_SHA256, derive};
use std::num::NonZeroU32;

/// Rounds: what OWASP asks for with SHA-256.
const ROUNDS: u32 = 600_000;

/// 32 bytes made of a password and a salt, on purpose slowly.
#[must_use]
pub fn pbkdf2(password: &[u8], salt: &[u8]) -> Vec<u8> {
    let many = NonZeroU32::new(ROUNDS).unwrap_or(NonZeroU32::MIN);
    rounds(password, salt, many)
}

fn rounds(password: &[u8], salt: &[u8], rounds: NonZeroU32) -> Vec<u8> {
    let mut out = vec![0; 32];
    derive(PBKDF2_HMAC_SHA256, rounds, salt, password, &mut out);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hex;

    #[test]
    fn the_published_sample() {
        // RFC 7914, 11: PBKDF2-HMAC-SHA-256 of "passwd" and "salt", one round, its first 32 bytes.
        assert_eq!(
            hex(&rounds(b"passwd", b"salt", NonZeroU32::MIN)),
            "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
        );
        assert_ne!(pbkdf2(b"a", b"salt"), pbkdf2(b"b", b"salt"));
    }
}
