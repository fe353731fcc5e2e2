//! What a started hub tells programs: addresses and first credentials, in the ready file and in the data folder.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Name of the file in the data folder.
pub const RUNNING: &str = "running.json";

/// Addresses and first credentials of a running hub.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Ready {
    /// Public address.
    pub base_url: String,
    /// Operators' address.
    pub admin_url: String,
    /// Key of the first live client; `None` where none was made.
    pub client_key: Option<String>,
    /// Key of the first sandbox client.
    pub sandbox_key: Option<String>,
    /// Operators' token.
    pub admin_token: String,
    /// Tokens of the test issuer by persona; empty where it is off.
    pub subject_tokens: BTreeMap<String, String>,
    /// Tokens at the registry by role: of people of a first agency, and of a reviewer of the hub. Empty where none were made.
    #[serde(default)]
    pub desk_tokens: BTreeMap<String, String>,
    /// Persona that acts where nobody is named.
    pub default_persona: Option<String>,
    /// Addresses of the demo super-app's variants and modules, by id; empty where they do not run.
    #[serde(default)]
    pub apps: BTreeMap<String, String>,
    /// Addresses of the simulated systems; empty where there are none.
    pub simulated_systems: BTreeMap<String, String>,
}

impl std::fmt::Debug for Ready {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ready")
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}

impl Ready {
    /// Reads the file of a running hub in its data folder.
    ///
    /// # Errors
    /// If there is none or it cannot be read.
    pub fn read(data: &Path) -> std::io::Result<Self> {
        let bytes = std::fs::read(data.join(RUNNING))?;
        serde_json::from_slice(&bytes).map_err(std::io::Error::other)
    }

    /// Writes a file for its owner's eyes only, whole or not at all.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, file: &Path) -> std::io::Result<()> {
        let text = serde_json::to_vec_pretty(self).map_err(std::io::Error::other)?;
        let mut name = file.file_name().unwrap_or_default().to_owned();
        name.push(".new");
        let draft = file.with_file_name(name);
        // A draft of a hub that died; its mode may be anybody's.
        let _ = std::fs::remove_file(&draft);
        let mut out: File = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&draft)?;
        out.write_all(&text)?;
        out.write_all(b"\n")?;
        std::fs::rename(&draft, file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn only_the_owner_reads_credentials() {
        let dir = tempfile::tempdir().unwrap();
        let ready = Ready {
            admin_token: "t".into(),
            ..Ready::default()
        };
        ready.write(&dir.path().join(RUNNING)).unwrap();
        ready.write(&dir.path().join(RUNNING)).unwrap();
        let mode = std::fs::metadata(dir.path().join(RUNNING))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(Ready::read(dir.path()).unwrap().admin_token, "t");
        assert!(!format!("{ready:?}").contains('t') || !format!("{ready:?}").contains("admin"));
    }
}
