//! The key under which everything else is sealed, and the keys derived from it.

use crate::StoreError;
use hub_crypto::{Digest, derive_key, from_hex, hex, hmac, open, random, seal};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// The master key. Never shown, never in the database.
#[derive(Clone)]
pub struct MasterKey([u8; 32]);

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

fn wrong(words: impl Into<String>) -> StoreError {
    StoreError::MasterKey(words.into())
}

impl MasterKey {
    /// From 64 hexadecimal digits.
    ///
    /// # Errors
    /// If the text is anything else.
    pub fn parse(text: &str) -> Result<Self, StoreError> {
        from_hex(text.trim())
            .ok()
            .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
            .map(Self)
            .ok_or_else(|| wrong("64 hexadecimal digits are expected"))
    }

    /// Reads the key file, or creates it with mode 0600 if `may_create`.
    ///
    /// # Errors
    /// If others may read the file, it is no key, or the disk does not let us.
    pub fn in_file(file: &Path, may_create: bool) -> Result<Self, StoreError> {
        let io = |e: std::io::Error| wrong(format!("{}: {e}", file.display()));
        match fs::read_to_string(file) {
            Ok(text) => {
                let mode = fs::metadata(file).map_err(io)?.permissions().mode();
                if mode & 0o077 != 0 {
                    return Err(wrong(format!("{} is open to others; chmod 600 it", file.display())));
                }
                Self::parse(&text)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && may_create => {
                let key = random::<32>().map_err(|e| wrong(e.to_string()))?;
                let mut new = OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .mode(0o600)
                    .open(file)
                    .map_err(io)?;
                writeln!(new, "{}", hex(&key)).map_err(io)?;
                new.sync_all().map_err(io)?;
                // The name of the file must survive too, before anything is sealed with its content.
                if let Some(folder) = file.parent() {
                    File::open(folder).and_then(|d| d.sync_all()).map_err(io)?;
                }
                Ok(Self(key))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(wrong(format!(
                "{} is missing, but data sealed with it are there",
                file.display()
            ))),
            Err(error) => Err(io(error)),
        }
    }

    /// A sealing key for one purpose.
    pub(crate) fn sealer(&self, purpose: &str) -> Sealer {
        Sealer {
            key: derive_key(&self.0, purpose),
        }
    }
}

/// Seals and opens values of one purpose. The context (purpose of the value and id of its row) keeps a sealed value from
/// being moved to another row.
#[derive(Clone)]
pub(crate) struct Sealer {
    key: [u8; 32],
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer(…)")
    }
}

impl Sealer {
    pub(crate) fn seal(&self, plain: &[u8], column: &str, id: &str) -> Result<Vec<u8>, StoreError> {
        seal(&self.key, plain, context(column, id).as_bytes()).map_err(|e| StoreError::Unavailable(e.to_string()))
    }

    /// A mark by which the same text is found again, from which it cannot be read.
    pub(crate) fn mark(&self, text: &str) -> String {
        let mut mark = hex(&hmac(Digest::Sha256, &self.key, text.as_bytes()));
        mark.truncate(40);
        mark
    }

    pub(crate) fn open(&self, sealed: &[u8], column: &str, id: &str) -> Result<Vec<u8>, StoreError> {
        Ok(open(&self.key, sealed, context(column, id).as_bytes())?)
    }
}

fn context(column: &str, id: &str) -> String {
    format!("{column}\0{id}")
}
