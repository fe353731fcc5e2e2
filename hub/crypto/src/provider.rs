//! What a certified module must be able to do to stand in for the software here.

use crate::{Digest, Result, Sm2Form, Sm4Mode};

/// A signature algorithm with its options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signature {
    /// RSA PKCS#1 v1.5 with SHA-256.
    RsaSha256,
    /// SM2 with SM3.
    Sm2 {
        /// Signer id.
        id: Vec<u8>,
        /// How the signature is written.
        form: Sm2Form,
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
    /// Enciphers with SM4.
    ///
    /// # Errors
    /// If the module refuses.
    fn sm4_encrypt(&self, key: &[u8; 16], mode: Sm4Mode, plain: &[u8]) -> Result<Vec<u8>>;
    /// Deciphers with SM4.
    ///
    /// # Errors
    /// If padding or length are wrong.
    fn sm4_decrypt(&self, key: &[u8; 16], mode: Sm4Mode, cipher_text: &[u8]) -> Result<Vec<u8>>;
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
            Signature::RsaSha256 => crate::rsa_sign_sha256(private_key, data),
            Signature::Sm2 { id, form } => crate::sm2_sign(private_key, id, data, *form),
        }
    }

    fn verify(&self, algorithm: &Signature, public_key: &str, data: &[u8], signature: &[u8]) -> Result<()> {
        match algorithm {
            Signature::RsaSha256 => crate::rsa_verify_sha256(public_key, data, signature),
            Signature::Sm2 { id, form } => crate::sm2_verify(public_key, id, data, signature, *form),
        }
    }

    fn sm4_encrypt(&self, key: &[u8; 16], mode: Sm4Mode, plain: &[u8]) -> Result<Vec<u8>> {
        Ok(crate::sm4_encrypt(key, mode, plain))
    }

    fn sm4_decrypt(&self, key: &[u8; 16], mode: Sm4Mode, cipher_text: &[u8]) -> Result<Vec<u8>> {
        crate::sm4_decrypt(key, mode, cipher_text)
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
            form: Sm2Form::Raw,
        };
        let key = "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8";
        let public = "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020\
                      CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13";
        let signature = provider.sign(&sm2, key, b"m").unwrap();
        provider.verify(&sm2, public, b"m", &signature).unwrap();
        assert!(provider.verify(&sm2, public, b"n", &signature).is_err());
        let sealed = provider.sm4_encrypt(&[1; 16], Sm4Mode::Ecb, b"m").unwrap();
        assert_eq!(provider.sm4_decrypt(&[1; 16], Sm4Mode::Ecb, &sealed).unwrap(), b"m");
    }
}
