//! Bytes as text.

use crate::{CryptoError, Result};
use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD, URL_SAFE_NO_PAD};

/// Upstreams forget the padding as often as they write it.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

/// Lower-case hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    // Every call writes several of these; `encode` would go character by character.
    let mut text = vec![0; bytes.len() * 2];
    match ::hex::encode_to_slice(bytes, &mut text) {
        Ok(()) => String::from_utf8(text).unwrap_or_default(),
        Err(_) => ::hex::encode(bytes),
    }
}

/// Upper-case hex.
#[must_use]
pub fn hex_upper(bytes: &[u8]) -> String {
    ::hex::encode_upper(bytes)
}

/// Base64 with padding (RFC 4648 section 4).
#[must_use]
pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Base64url without padding (RFC 4648 section 5), as JWT writes it.
#[must_use]
pub fn base64_url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads hex in either case.
///
/// # Errors
/// [`CryptoError::Encoding`] if it is not hex.
pub fn from_hex(text: &str) -> Result<Vec<u8>> {
    ::hex::decode(text).map_err(|_| CryptoError::Encoding("hex"))
}

/// Reads base64, with or without padding; white space (line breaks of PEM and MIME) is skipped.
///
/// # Errors
/// [`CryptoError::Encoding`] if it is not base64.
pub fn from_base64(text: &str) -> Result<Vec<u8>> {
    let dense: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    GeneralPurpose::new(&alphabet::STANDARD, LENIENT)
        .decode(dense)
        .map_err(|_| CryptoError::Encoding("base64"))
}

/// Reads base64url, with or without padding.
///
/// # Errors
/// [`CryptoError::Encoding`] if it is not base64url.
pub fn from_base64_url(text: &str) -> Result<Vec<u8>> {
    GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT)
        .decode(text)
        .map_err(|_| CryptoError::Encoding("base64url"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_samples() {
        // RFC 4648 section 10.
        assert_eq!(base64(b"fooba"), "Zm9vYmE=");
        assert_eq!(from_base64("Zm9v\nYmE=").unwrap(), b"fooba");
        assert_eq!(from_base64("Zm9vYmE").unwrap(), b"fooba");
        assert_eq!(base64_url(&[0xfb, 0xff]), "-_8");
        assert_eq!(from_base64_url("-_8").unwrap(), [0xfb, 0xff]);
        assert_eq!(hex(b"fooba"), "666f6f6261");
        assert_eq!(hex_upper(&[0xab]), "AB");
        assert_eq!(from_hex("aB").unwrap(), [0xab]);
    }

    #[test]
    fn nonsense_is_refused() {
        assert_eq!(from_hex("abc"), Err(CryptoError::Encoding("hex")));
        assert_eq!(from_base64("中"), Err(CryptoError::Encoding("base64")));
        assert_eq!(from_base64_url("+/8="), Err(CryptoError::Encoding("base64url")));
    }
}
