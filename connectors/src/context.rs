//! What a connector is handed from outside: time, randomness, secrets, files, a kept session. It has nothing else.

use hub_core::Assurance;
use hub_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Secrets of one system, already scoped to `<agency>/<system>/` by whoever implements this.
pub trait Secrets: Send + Sync {
    /// The secret of this name, if it is there.
    fn get(&self, name: &str) -> Option<String>;

    /// A token that the hub signs for this system and this call, about whom it is made; `None` where nobody signs.
    fn subject_token(&self, _about: &About<'_>) -> Option<String> {
        None
    }
}

/// Whom a token for a system is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About<'a> {
    /// The subject's name towards the agency.
    pub subject: &'a str,
    /// The name of who acts, where somebody else does.
    pub agent: Option<&'a str>,
    /// How surely the subject is known, where that is told.
    pub assurance: Option<Assurance>,
}

impl Secrets for BTreeMap<String, String> {
    fn get(&self, name: &str) -> Option<String> {
        BTreeMap::get(self, name).cloned()
    }
}

/// Papers that a call refers to by file id.
pub trait Files: Send + Sync {
    /// The file of this id, if the caller may use it.
    fn get(&self, file_id: &str) -> Option<FileContent>;
}

/// No files at all.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoFiles;

impl Files for NoFiles {
    fn get(&self, _file_id: &str) -> Option<FileContent> {
        None
    }
}

/// A paper.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileContent {
    /// File name as the citizen gave it.
    pub name: String,
    /// Media type as sniffed.
    pub media_type: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// What a login left behind: cookies, tokens. The gateway keeps it per system and hands it back with the next call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Values by the names of `session.read`, and `cookie` for a kept cookie header.
    pub values: BTreeMap<String, String>,
    /// When it was made.
    pub since: Timestamp,
    /// When it ends by what the upstream or the manifest says; `None` where neither does.
    pub until: Option<Timestamp>,
}

impl Session {
    /// Whether it can still be used at this time.
    #[must_use]
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// What a step of the client half may use.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Now.
    pub now: Timestamp,
    /// Fresh for every step; nonces and ids are made from it.
    pub random: [u8; 32],
    /// The system's secrets.
    pub secrets: &'a dyn Secrets,
    /// The kept session, if there is one.
    pub session: Option<&'a Session>,
    /// Papers.
    pub files: &'a dyn Files,
}

/// What the server half (the simulated city) may use.
#[derive(Clone, Copy)]
pub struct ServerContext<'a> {
    /// Now.
    pub now: Timestamp,
    /// The system's secrets, the same the client half has.
    pub secrets: &'a dyn Secrets,
}
