//! Digests and MACs.

use aws_lc_rs::{constant_time, digest as lc};
use md5::Digest as _;

/// A digest algorithm. MD5 and SHA-1 are here because upstreams demand them, never for the hub's own use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Digest {
    /// RFC 1321.
    Md5,
    /// FIPS 180-4.
    Sha1,
    /// FIPS 180-4.
    Sha256,
    /// FIPS 180-4.
    Sha384,
    /// FIPS 180-4.
    Sha512,
    /// GB/T 32905-2016.
    Sm3,
}

impl Digest {
    /// Bytes of one block, which HMAC pads its key to.
    fn block_len(self) -> usize {
        match self {
            Self::Sha384 | Self::Sha512 => 128,
            Self::Md5 | Self::Sha1 | Self::Sha256 | Self::Sm3 => 64,
        }
    }
}

/// Digest of `data`.
#[must_use]
pub fn digest(algorithm: Digest, data: &[u8]) -> Vec<u8> {
    let by_lc = |a| lc::digest(a, data).as_ref().to_vec();
    match algorithm {
        Digest::Md5 => md5::Md5::digest(data).to_vec(),
        Digest::Sm3 => gmcrypto_core::sm3::hash(data).to_vec(),
        Digest::Sha1 => by_lc(&lc::SHA1_FOR_LEGACY_USE_ONLY),
        Digest::Sha256 => by_lc(&lc::SHA256),
        Digest::Sha384 => by_lc(&lc::SHA384),
        Digest::Sha512 => by_lc(&lc::SHA512),
    }
}

/// HMAC (RFC 2104) of `data` under `key`, over any of the digests.
#[must_use]
pub fn hmac(algorithm: Digest, key: &[u8], data: &[u8]) -> Vec<u8> {
    // Spelled out because no library here covers MD5 and SM3 beside the others.
    let block = algorithm.block_len();
    let mut padded = if key.len() > block {
        digest(algorithm, key)
    } else {
        key.to_vec()
    };
    padded.resize(block, 0);
    let pass = |pad: u8, message: &[u8]| {
        let mut bytes: Vec<u8> = padded.iter().map(|b| b ^ pad).collect();
        bytes.extend_from_slice(message);
        digest(algorithm, &bytes)
    };
    pass(0x5c, &pass(0x36, data))
}

/// Whether two byte strings are equal, in a time that depends on their lengths only.
#[must_use]
pub fn ct_eq(a: &[u8], b: &[u8]) -> bool {
    constant_time::verify_slices_are_equal(a, b).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hex;

    #[test]
    fn digests_of_abc_as_their_standards_print_them() {
        let of = |d| hex(&digest(d, b"abc"));
        assert_eq!(of(Digest::Md5), "900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(of(Digest::Sha1), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(
            of(Digest::Sha256),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(
            of(Digest::Sha384),
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7"
        );
        assert!(of(Digest::Sha512).starts_with("ddaf35a193617abacc417349ae204131"));
        // GB/T 32905-2016, A.1.
        assert_eq!(
            of(Digest::Sm3),
            "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
        );
    }

    #[test]
    fn sm3_of_two_blocks() {
        // GB/T 32905-2016, A.2.
        assert_eq!(
            hex(&digest(Digest::Sm3, &b"abcd".repeat(16))),
            "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"
        );
    }

    #[test]
    fn hmac_of_published_cases() {
        let of = |d| hex(&hmac(d, b"Jefe", b"what do ya want for nothing?"));
        // RFC 2202 case 2 for MD5 and SHA-1, RFC 4231 case 2 for SHA-256; SM3 by OpenSSL.
        assert_eq!(of(Digest::Md5), "750c783e6ab0b503eaa86e310a5db738");
        assert_eq!(of(Digest::Sha1), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
        assert_eq!(
            of(Digest::Sha256),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            of(Digest::Sm3),
            "2e87f1d16862e6d964b50a5200bf2b10b764faa9680a296a2405f24bec39f882"
        );
        // RFC 4231 case 6: a key longer than the block is digested first.
        assert_eq!(
            hex(&hmac(
                Digest::Sha256,
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First"
            )),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
        assert!(
            hex(&hmac(
                Digest::Sha512,
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First"
            ))
            .starts_with("80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f352")
        );
    }

    #[test]
    fn equality() {
        assert!(ct_eq(b"abc", b"abc"));
        assert!(!ct_eq(b"abc", b"abd"));
        assert!(!ct_eq(b"abc", b"ab"));
    }
}
