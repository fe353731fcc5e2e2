//! Randomness from the operating system.

use crate::{CryptoError, Result};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};

/// Fills `bytes`.
///
/// # Errors
/// [`CryptoError::Failed`] if the system gives none.
pub fn fill_random(bytes: &mut [u8]) -> Result<()> {
    SystemRandom::new().fill(bytes).map_err(|_| CryptoError::Failed)
}

/// `N` random bytes.
///
/// # Errors
/// [`CryptoError::Failed`] if the system gives none.
pub fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    fill_random(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    #[test]
    fn differs_every_time() {
        assert_ne!(super::random::<16>().unwrap(), super::random::<16>().unwrap());
    }
}
