//! Keys as agencies hand them out: PEM, bare base64 of the DER, or hex.

use crate::{Result, from_base64};

/// The DER inside a key text: PEM with any label, or base64 alone (the habit of payment gateways).
pub(crate) fn der(text: &str) -> Result<Vec<u8>> {
    let body: String = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with("-----"))
        .collect();
    from_base64(&body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pem_and_bare_base64_are_the_same() {
        let bare = der("MAMCAQA=").unwrap();
        assert_eq!(bare, [0x30, 3, 2, 1, 0]);
        assert_eq!(
            der("-----BEGIN KEY-----\r\nMAMC\r\nAQA=\r\n-----END KEY-----\r\n").unwrap(),
            bare
        );
    }
}
