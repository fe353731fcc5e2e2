//! When certificates end (RFC 5280, 4.1.2.5). Nothing is verified.

use x509_parser::pem::Pem;

/// Ends of the certificates in a PEM text, in seconds since the epoch, in the order of the text; none where there is no
/// certificate in it.
#[must_use]
pub fn certificate_ends(pem: &str) -> Vec<i64> {
    if !pem.contains("-----BEGIN CERTIFICATE-----") {
        return Vec::new();
    }
    Pem::iter_from_buffer(pem.as_bytes())
        .filter_map(Result::ok)
        .filter(|block| block.label == "CERTIFICATE")
        .filter_map(|block| Some(block.parse_x509().ok()?.validity().not_after.timestamp()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    // Made by `openssl req -x509 -newkey ed25519 -nodes -subj /CN=test`; `openssl x509 -enddate` says
    // notAfter=Jan  3 17:34:37 2028 GMT.
    const TEST: &str = include_str!("test_certificate.pem");

    #[test]
    fn the_end_of_every_certificate_is_read() {
        assert_eq!(certificate_ends(TEST), [1_830_533_677]);
        assert_eq!(certificate_ends(&format!("x\n{TEST}{TEST}")).len(), 2);
        assert_eq!(certificate_ends("secret"), []);
        assert_eq!(certificate_ends(&TEST.replace("MII", "AAA")), []);
    }
}
