//! What agencies bring: read, kept, and shown.

use crate::RegistryError;
use crate::assess::Reading;
use crate::desk::{Desk, act, check_code, read_apart, said, unknown, with_state};
use crate::life::{State, Step};
use crate::people::Member;
use crate::shelf::Shown;
use crate::steps::Asked;
use hub_core::SystemId;
use hub_core::time::Timestamp;
use hub_crypto::{hex, random};
use hub_store::{Act, VersionRow};
use std::sync::Arc;

/// Versions of one agency that are not retired.
const VERSIONS: usize = 1_000;

/// An upload.
#[derive(Debug, Clone, Default)]
pub struct Upload {
    /// For which agency.
    pub agency: String,
    /// Name of the system in addresses; from the title if missing.
    pub system: Option<String>,
    /// Name of the file.
    pub file: String,
    /// What is in it.
    pub bytes: Vec<u8>,
    /// Manifest of the connector; inferred if missing.
    pub connector: Option<String>,
    /// Whether it is shown in the sandbox at once.
    pub publish: bool,
}

impl Desk {
    /// Takes an upload: it is read, kept, and shown in the sandbox if that is wanted. What was uploaded before for the same
    /// version and is not live gives way to it; the same file again is the same version. `folder`
    /// says which majors stand in the folder of specs: they are not changed here, nor hidden in the sandbox.
    ///
    /// # Errors
    /// Everything that keeps it from being read; or why it may not be uploaded.
    pub async fn upload(
        &self,
        by: &Member,
        upload: Upload,
        folder: &(dyn Fn(&SystemId, u32) -> bool + Sync),
        now: Timestamp,
    ) -> Result<Arc<Shown>, RegistryError> {
        self.may_upload(by, &upload.agency)?;
        let bytes = upload.bytes.clone();
        let reading = read_apart(upload.file.clone(), bytes)
            .await?
            .map_err(RegistryError::Unreadable)?;
        let system = match &upload.system {
            Some(given) => given.clone(),
            None => system_of(&reading, &upload.file)?,
        };
        check_code("system", &system)?;
        let id = SystemId::new(&upload.agency, &system);
        if folder(&id, reading.major) {
            return Err(RegistryError::InFolder(id));
        }
        let mut seen = self.change.lock().await;
        let mut changes = Vec::new();
        let mut waivers = None;
        for old in self.store.versions().list(Some((&upload.agency, &system))).await? {
            // What was let pass in the version before is let pass until its day comes.
            waivers = old.waivers.clone().or(waivers);
            let state = State::from_word(&old.state).unwrap_or(State::Retired);
            if old.owner != upload.agency && state != State::Retired {
                return Err(RegistryError::NotTheirs);
            }
            if old.number != reading.number || old.major != reading.major || state == State::Retired {
                continue;
            }
            let same = self
                .store
                .versions()
                .get(&old.id)
                .await?
                .is_some_and(|w| w.content == upload.bytes);
            if same && upload.connector.is_none() {
                let known = self.shelf.load().get(&old.id).cloned();
                drop(seen);
                return self.as_it_is(by, known, upload.publish, now).await;
            }
            if state.is_called() || state == State::InReview {
                return Err(RegistryError::Taken {
                    number: old.number,
                    state,
                });
            }
            let act = act(by, &old, "replaced", State::Retired, now, "uploaded again");
            changes.push((with_state(old, State::Retired), act));
        }
        let state = if upload.publish { State::Sandbox } else { State::Draft };
        let name = format!("{}/{system}", upload.agency);
        let row = VersionRow {
            id: format!(
                "ver_{}",
                hex(&random::<8>().map_err(|e| RegistryError::Key(e.to_string()))?)
            ),
            connector: upload.connector.or_else(|| reading.plain_manifest(&name)),
            owner: upload.agency.clone(),
            agency: upload.agency,
            system,
            major: reading.major,
            number: reading.number.clone(),
            state: state.as_str().to_owned(),
            file: upload.file,
            content: upload.bytes,
            author: by.id.clone(),
            waivers,
            asked_by: None,
            break_by: None,
            inner_allowed: false,
            deprecated: None,
            sunset: None,
            created: now,
            updated: now,
            revision: 1,
        };
        if !changes.is_empty() {
            self.store.versions().change(&changes).await?;
        }
        let first = Act {
            revision: 1,
            ..said(by, &row.owner, &row.id, "uploaded", Some(&row.state), now, "")
        };
        self.store.versions().add(&row, &first).await?;
        self.read_with(&mut seen, &row.id, reading).await?;
        self.shelf
            .load()
            .get(&row.id)
            .cloned()
            .ok_or_else(|| unknown("version", &row.id))
    }

    async fn as_it_is(
        &self,
        by: &Member,
        known: Option<Arc<Shown>>,
        publish: bool,
        now: Timestamp,
    ) -> Result<Arc<Shown>, RegistryError> {
        let shown = known.ok_or_else(|| unknown("version", ""))?;
        if !publish || shown.state() != State::Draft {
            return Ok(shown);
        }
        let ask = Asked::step(Step::Publish);
        let plan = self.plan(by, &shown.row.id, &ask, now).await?;
        self.commit(plan).await?;
        self.shelf
            .load()
            .get(&shown.row.id)
            .cloned()
            .ok_or_else(|| unknown("version", ""))
    }

    fn may_upload(&self, by: &Member, agency: &str) -> Result<(), RegistryError> {
        let of_it = by.agency.as_deref() == Some(agency) && by.role.is_of_agency();
        if !of_it {
            return Err(RegistryError::NotTheirs);
        }
        let shelf = self.shelf.load();
        if shelf.versions().iter().filter(|s| s.row.owner == agency).count() >= VERSIONS {
            return Err(RegistryError::TooMany(VERSIONS));
        }
        match shelf.agency(agency).map(|a| a.state.as_str()) {
            None => Err(unknown("agency", agency)),
            Some("approved") => Ok(()),
            Some(_) => Err(RegistryError::NotApproved(agency.to_owned())),
        }
    }
}

/// A name in addresses from the title, or from the file's.
fn system_of(reading: &Reading, file: &str) -> Result<String, RegistryError> {
    let stem = file.rsplit('/').next().unwrap_or(file);
    let stem = stem.split('.').next().unwrap_or(stem);
    let title = (reading.title != file)
        .then(|| hub_catalog::slug(&reading.title))
        .flatten();
    title.or_else(|| hub_catalog::slug(stem)).ok_or(RegistryError::Value {
        field: "system",
        expected: "a name in a-z, 0-9, - for addresses",
    })
}
