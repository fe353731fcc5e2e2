//! What certificates say (RFC 5280): when they end, whose key they carry. Nothing is verified.

use crate::{CryptoError, Result, base64, key};
use x509_parser::pem::Pem;
use x509_parser::prelude::{FromDer, SubjectPublicKeyInfo, X509Certificate};

/// The public key in a certificate, or the public key itself: SubjectPublicKeyInfo as bare base64. PEM or bare base64 is read.
///
/// # Errors
/// [`CryptoError::Key`] if it is neither.
pub fn public_key(text: &str) -> Result<String> {
    const FORM: CryptoError = CryptoError::Key("one certificate or public key, PEM or bare base64");
    let der = key::der(text).map_err(|_| FORM)?;
    if let Ok((rest, certificate)) = X509Certificate::from_der(&der) {
        return if rest.is_empty() {
            Ok(base64(certificate.public_key().raw))
        } else {
            Err(FORM)
        };
    }
    match SubjectPublicKeyInfo::from_der(&der) {
        Ok(([], info)) => Ok(base64(info.raw)),
        _ => Err(FORM),
    }
}

/// Ends of the certificates in a PEM text, in seconds since the epoch, in the order of the text; none where there is no
/// certificate in it.
#[must_use]
pub fn certificate_ends(pem: &str) -> Vec<i64> {
    if !pem.contains("-----BEGIN CERTIFICATE-----") {
        return Vec::new();
    }
    Pem::iter_from_buffer(pem.as_bytes())
        .filter_map(std::result::Result::ok)
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
    fn a_certificate_gives_its_key() {
        let key = public_key(TEST).unwrap();
        assert_eq!(public_key(&key).unwrap(), key, "a key gives itself");
        assert!(key.starts_with("MCowBQYDK2VwAyEA"), "Ed25519: {key}");
        for bad in ["", "hunter2", "AAAA", &format!("{TEST}{TEST}")] {
            assert!(public_key(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_end_of_every_certificate_is_read() {
        assert_eq!(certificate_ends(TEST), [1_830_533_677]);
        assert_eq!(certificate_ends(&format!("x\n{TEST}{TEST}")).len(), 2);
        assert_eq!(certificate_ends("secret"), []);
        assert_eq!(certificate_ends(&TEST.replace("MII", "AAA")), []);
    }
}
