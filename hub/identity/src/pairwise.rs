//! Pairwise ids: the subject's name towards one agency or client.

use crate::IdentityError;
use hub_core::Subject;
use hub_crypto::{Digest, base64_url, hmac, random};
use hub_store::Store;

/// Name of the key in the store.
const NAME: &str = "identity.pairwise";

/// The key from which pairwise ids are made. Lost, all agencies lose sight of all their subjects: back it up.
#[derive(Clone)]
pub struct PairwiseKey(Vec<u8>);

impl std::fmt::Debug for PairwiseKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PairwiseKey(…)")
    }
}

impl PairwiseKey {
    /// The store's key; made at the first start.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn load(store: &Store) -> Result<Self, IdentityError> {
        let fresh = random::<32>().map_err(|e| IdentityError::Key(e.to_string()))?;
        Ok(Self(store.secrets().get_or_keep(NAME, &fresh).await?))
    }

    /// The subject's name in a sector (an agency's or client's id): 43 characters, always the same, and without the key
    /// joinable with no other (OpenID Connect Core 8.1).
    #[must_use]
    pub fn id(&self, subject: &Subject, sector: &str) -> String {
        // The length in front keeps (ab, c) and (a, bc) apart.
        let length = (sector.len() as u64).to_be_bytes();
        let message = [length.as_slice(), sector.as_bytes(), subject.id.as_bytes()].concat();
        base64_url(&hmac(Digest::Sha256, &self.0, &message))
    }

    /// A mark of something that must be found again and not be read: the same parts give the same mark, and nobody without the
    /// key can make it.
    pub(crate) fn mark(&self, parts: &[&str]) -> String {
        let mut message = b"mark".to_vec();
        for part in parts {
            message.extend((part.len() as u64).to_be_bytes());
            message.extend(part.as_bytes());
        }
        base64_url(&hmac(Digest::Sha256, &self.0, &message))
    }
}
