//! What a certified module must be able to do to stand in for the software here.

use crate::{Cipher, Digest, Envelope, Mode, Padding, Result, RsaScheme, SignatureForm};

/// A signature algorithm with its options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signature {
    /// RSA.
    Rsa(RsaScheme),
    /// ECDSA on P-256 with SHA-256.
    EcdsaP256 {
        /// How the signature is written.
        form: SignatureForm,
    },
    /// Ed25519.
    Ed25519,
    /// SM2 with SM3.
    Sm2 {
        /// Signer id.
        id: Vec<u8>,
        /// How the signature is written.
        form: SignatureForm,
    },
}

/// A maker and checker of MACs, signatures and ciphers. Keys are texts as [`Software`] reads them; a hardware module
/// takes the same parameter as the name of a key it holds.
pub trait Provider: Send + Sync {
    /// Digest of `data`.
    fn digest(&self, algorithm: Digest, data: &[u8]) -> Vec<u8>;
    /// HMAC of `data`.
    fn hmac(&self, algorithm: Digest, key: &[u8], data: &[u8]) -> Vec<u8>;
    /// Signature over `data`.
    ///
    /// # Errors
    /// If the key is unknown or unreadable, or the module refuses.
    fn sign(&self, algorithm: &Signature, private_key: &str, data: &[u8]) -> Result<Vec<u8>>;
    /// Checks a signature.
    ///
    /// # Errors
    /// If the key is unreadable or the signature is not right.
    fn verify(&self, algorithm: &Signature, public_key: &str, data: &[u8], signature: &[u8]) -> Result<()>;
    /// Enciphers.
    ///
    /// # Errors
    /// If the key has the wrong length or the module refuses.
    fn encipher(&self, cipher: Cipher, mode: &Mode, padding: Padding, key: &[u8], plain: &[u8]) -> Result<Vec<u8>>;
    /// Deciphers.
    ///
    /// # Errors
    /// If padding, length or tag are wrong.
    fn decipher(&self, cipher: Cipher, mode: &Mode, padding: Padding, key: &[u8], sealed: &[u8]) -> Result<Vec<u8>>;
    /// Seals a short secret for the holder of a private key.
    ///
    /// # Errors
    /// If the key is unreadable or the module refuses.
    fn envelope_seal(&self, envelope: Envelope, public_key: &str, plain: &[u8]) -> Result<Vec<u8>>;
    /// Opens such a secret.
    ///
    /// # Errors
    /// If the key is unreadable or the secret not sealed for it.
    fn envelope_open(&self, envelope: Envelope, private_key: &str, sealed: &[u8]) -> Result<Vec<u8>>;
}

/// The provider that needs no hardware.
#[derive(Debug, Clone, Copy, Default)]
pub struct Software;

impl Provider for Software {
    fn digest(&self, algorithm: Digest, data: &[u8]) -> Vec<u8> {
        crate::digest(algorithm, data)
    }

    fn hmac(&self, algorithm: Digest, key: &[u8], data: &[u8]) -> Vec<u8> {
        crate::hmac(algorithm, key, data)
    }

    fn sign(&self, algorithm: &Signature, private_key: &str, data: &[u8]) -> Result<Vec<u8>> {
        match algorithm {
            Signature::Rsa(scheme) => crate::rsa_sign(*scheme, private_key, data),
            Signature::EcdsaP256 { form } => crate::ecdsa_sign(private_key, data, *form),
            Signature::Ed25519 => crate::ed25519_sign(private_key, data),
            Signature::Sm2 { id, form } => crate::sm2_sign(private_key, id, data, *form),
        }
    }

    fn verify(&self, algorithm: &Signature, public_key: &str, data: &[u8], signature: &[u8]) -> Result<()> {
        match algorithm {
            Signature::Rsa(scheme) => crate::rsa_verify(*scheme, public_key, data, signature),
            Signature::EcdsaP256 { form } => crate::ecdsa_verify(public_key, data, signature, *form),
            Signature::Ed25519 => crate::ed25519_verify(public_key, data, signature),
            Signature::Sm2 { id, form } => crate::sm2_verify(public_key, id, data, signature, *form),
        }
    }

    fn encipher(&self, cipher: Cipher, mode: &Mode, padding: Padding, key: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
        crate::encipher(cipher, mode, padding, key, plain)
    }

    fn decipher(&self, cipher: Cipher, mode: &Mode, padding: Padding, key: &[u8], sealed: &[u8]) -> Result<Vec<u8>> {
        crate::decipher(cipher, mode, padding, key, sealed)
    }

    fn envelope_seal(&self, envelope: Envelope, public_key: &str, plain: &[u8]) -> Result<Vec<u8>> {
        crate::envelope_seal(envelope, public_key, plain)
    }

    fn envelope_open(&self, envelope: Envelope, private_key: &str, sealed: &[u8]) -> Result<Vec<u8>> {
        crate::envelope_open(envelope, private_key, sealed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn software_serves_through_the_trait() {
        let provider: &dyn Provider = &Software;
        let sm2 = Signature::Sm2 {
            id: crate::SM2_DEFAULT_ID.to_vec(),
            form: SignatureForm::Raw,
        };
        let key = "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8";
        let public = "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020\
                      CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13";
        let signature = provider.sign(&sm2, key, b"m").unwrap();
        provider.verify(&sm2, public, b"m", &signature).unwrap();
        assert!(provider.verify(&sm2, public, b"n", &signature).is_err());
        let (cipher, mode, padding) = (Cipher::Sm4, Mode::Ecb, Padding::Pkcs7);
        let sealed = provider.encipher(cipher, &mode, padding, &[1; 16], b"m").unwrap();
        let opened = provider.decipher(cipher, &mode, padding, &[1; 16], &sealed);
        assert_eq!(opened.unwrap(), b"m");
        let envelope = Envelope::Sm2(crate::Sm2Order::C1C3C2);
        let sealed = provider.envelope_seal(envelope, public, b"m").unwrap();
        assert_eq!(provider.envelope_open(envelope, key, &sealed).unwrap(), b"m");
        let ed = "MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF";
        let signature = provider.sign(&Signature::Ed25519, ed, b"m").unwrap();
        provider.verify(&Signature::Ed25519, ed, b"m", &signature).unwrap();
        let rsa = include_str!("../tests/rsa/pkcs8.b64");
        for scheme in [
            RsaScheme::Sha256,
            RsaScheme::Sha512,
            RsaScheme::PssSha256,
            RsaScheme::PssSha512,
        ] {
            let algorithm = Signature::Rsa(scheme);
            let signature = provider.sign(&algorithm, rsa, b"m").unwrap();
            provider.verify(&algorithm, rsa, b"m", &signature).unwrap();
            let other = Signature::Rsa(RsaScheme::Sha256);
            let fits = provider.verify(&other, rsa, b"m", &signature).is_ok();
            assert_eq!(fits, scheme == RsaScheme::Sha256);
        }
    }
}
