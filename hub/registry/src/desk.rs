//! The desk at which agencies register: who they are, what they brought, what becomes of it.
//!
//! Everything is on disk before it is in memory; what is in memory is read anew by [`Desk::refresh`], because another hub
//! over the same store may have changed it.

use crate::RegistryError;
use crate::assess::{Reading, reading};
use crate::life::State;
use crate::people::{Member, People};
use crate::shelf::{Shelf, Shown};
use arc_swap::ArcSwap;
use hub_catalog::lint::RuleSet;
use hub_core::time::Timestamp;
use hub_crypto::random;
use hub_store::{Act, Store, VersionRow};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::Mutex;

/// Name of the hashing key in the store.
const MAC: &str = "registry.people";
/// Most characters of a name or a reason.
const TEXT: usize = 500;

/// The desk.
pub struct Desk {
    pub(crate) store: Store,
    pub(crate) mac: Vec<u8>,
    people: ArcSwap<People>,
    pub(crate) shelf: ArcSwap<Shelf>,
    pub(crate) rules: RuleSet,
    /// Held over a change and the reading after it.
    pub(crate) change: Mutex<i64>,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Desk")
    }
}

impl Desk {
    /// Reads everything into memory.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn load(store: Store, rules: RuleSet) -> Result<Self, RegistryError> {
        let fresh = random::<32>().map_err(|e| RegistryError::Key(e.to_string()))?;
        let mac = store.secrets().get_or_keep(MAC, &fresh).await?;
        let desk = Self {
            store,
            mac,
            people: ArcSwap::default(),
            shelf: ArcSwap::default(),
            rules,
            change: Mutex::new(-1),
        };
        desk.refresh().await?;
        Ok(desk)
    }

    /// Reads what was done since the last time, here or at another hub. `true` if anything was.
    ///
    /// # Errors
    /// If the store does not answer; then what is in memory stays.
    pub async fn refresh(&self) -> Result<bool, RegistryError> {
        let mut seen = self.change.lock().await;
        self.read_anew(&mut seen).await
    }

    /// Reads what was done; what was uploaded and read just now is not read again.
    pub(crate) async fn read_with(&self, seen: &mut i64, id: &str, just_read: Reading) -> Result<bool, RegistryError> {
        self.read_all(seen, Some((id, Arc::new(just_read)))).await
    }

    pub(crate) async fn read_anew(&self, seen: &mut i64) -> Result<bool, RegistryError> {
        self.read_all(seen, None).await
    }

    async fn read_all(&self, seen: &mut i64, just_read: Option<(&str, Arc<Reading>)>) -> Result<bool, RegistryError> {
        let acts = self.store.versions().acts_so_far().await?;
        if acts == *seen {
            return Ok(false);
        }
        self.people
            .store(Arc::new(People::new(self.store.agencies().members().await?)));
        let agencies = self.store.agencies().all().await?;
        let known = self.shelf.load_full();
        let mut all = BTreeMap::new();
        for row in self.store.versions().list(None).await? {
            let fresh = just_read.as_ref().filter(|(id, _)| *id == row.id);
            let reading = match known
                .get(&row.id)
                .map(|shown| &shown.reading)
                .or(fresh.map(|(_, reading)| reading))
            {
                Some(reading) => Arc::clone(reading),
                None => match self.kept(&row).await? {
                    Some(reading) => reading,
                    None => continue,
                },
            };
            all.insert(row.id.clone(), Arc::new(Shown { row, reading }));
        }
        self.shelf.store(Arc::new(Shelf::new(all, agencies)));
        *seen = acts;
        Ok(true)
    }

    pub(crate) async fn read_again(&self, row: &VersionRow) -> Result<Arc<Reading>, RegistryError> {
        let kept = self.kept(row).await?;
        kept.ok_or_else(|| unknown("version", &row.id))
    }

    /// Reads a kept upload again. What could be read once can be read again, unless it was damaged or the reader became
    /// stricter: then it is left out and told of, and nothing else suffers.
    async fn kept(&self, row: &VersionRow) -> Result<Option<Arc<Reading>>, RegistryError> {
        let Some(whole) = self.store.versions().get(&row.id).await? else {
            return Ok(None);
        };
        match read_apart(whole.file, whole.content).await? {
            Ok(reading) => Ok(Some(Arc::new(reading))),
            Err(findings) => {
                tracing::error!(version = %row.id, findings = findings.len(), "a registered description is not readable any more");
                Ok(None)
            }
        }
    }

    /// Every version that is not retired, with its agencies.
    #[must_use]
    pub fn shelf(&self) -> Arc<Shelf> {
        self.shelf.load_full()
    }

    /// Whose token it is.
    #[must_use]
    pub fn member(&self, token: &str) -> Option<Arc<Member>> {
        self.people.load().by_token(&self.mac, token)
    }

    /// What was done to a version, person or agency.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn history(&self, subject: &str) -> Result<Vec<Act>, RegistryError> {
        Ok(self.store.versions().acts(subject).await?)
    }

    /// What was done for an agency from a time on.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn acts_of(&self, agency: &str, from: Timestamp, most: i64) -> Result<Vec<Act>, RegistryError> {
        Ok(self.store.versions().acts_of(agency, from, most).await?)
    }

    /// One version, retired ones too, without its upload.
    ///
    /// # Errors
    /// If there is none.
    pub async fn version(&self, id: &str) -> Result<VersionRow, RegistryError> {
        let found = self.store.versions().get(id).await?;
        let head = found.map(|whole| VersionRow {
            content: Vec::new(),
            ..whole
        });
        head.ok_or_else(|| unknown("version", id))
    }

    /// All versions of one system, retired ones too, oldest first.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn versions_of(&self, agency: &str, system: &str) -> Result<Vec<VersionRow>, RegistryError> {
        Ok(self.store.versions().list(Some((agency, system))).await?)
    }
}

/// Reads a description on a thread where it holds up nobody.
pub(crate) async fn read_apart(
    file: String,
    bytes: Vec<u8>,
) -> Result<Result<Reading, Vec<hub_core::Finding>>, RegistryError> {
    tokio::task::spawn_blocking(move || reading(&file, &bytes))
        .await
        .map_err(|e| RegistryError::Key(e.to_string()))
}

pub(crate) fn with_state(row: VersionRow, state: State) -> VersionRow {
    VersionRow {
        state: state.as_str().to_owned(),
        ..row
    }
}

/// An act on a version, as it was read.
pub(crate) fn act(by: &Member, on: &VersionRow, word: &str, state: State, now: Timestamp, why: &str) -> Act {
    Act {
        revision: on.revision + 1,
        ..said(by, &on.owner, &on.id, word, Some(state.as_str()), now, why)
    }
}

pub(crate) fn said(
    by: &Member,
    agency: &str,
    subject: &str,
    word: &str,
    state: Option<&str>,
    now: Timestamp,
    why: &str,
) -> Act {
    Act {
        at: now,
        actor: by.id.clone(),
        role: by.role.as_str().to_owned(),
        agency: agency.to_owned(),
        subject: subject.to_owned(),
        act: word.to_owned(),
        state: state.map(str::to_owned),
        revision: 0,
        why: why.chars().take(TEXT).collect(),
    }
}

pub(crate) fn unknown(kind: &'static str, id: &str) -> RegistryError {
    RegistryError::Unknown {
        kind,
        id: id.chars().filter(|c| !c.is_control()).take(100).collect(),
    }
}

/// A code as it stands in addresses and in the names of folders.
pub(crate) fn check_code(field: &'static str, code: &str) -> Result<(), RegistryError> {
    let letters = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
    let good =
        (1..=40).contains(&code.len()) && code.bytes().all(letters) && !code.starts_with('-') && !code.ends_with('-');
    good.then_some(()).ok_or(RegistryError::Value {
        field,
        expected: "1 to 40 of a-z, 0-9, -",
    })
}

pub(crate) fn check_text(field: &'static str, text: &str) -> Result<(), RegistryError> {
    let good =
        !text.trim().is_empty() && text.chars().count() <= TEXT && !text.chars().any(|c| c.is_control() && c != '\n');
    good.then_some(()).ok_or(RegistryError::Value {
        field,
        expected: "1 to 500 characters",
    })
}
