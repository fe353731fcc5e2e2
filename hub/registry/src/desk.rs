//! The desk at which agencies register: who they are, what they brought, what becomes of it.
//!
//! Everything is on disk before it is in memory; what is in memory is read anew by [`Desk::refresh`], because another hub
//! over the same store may have changed it.

use crate::assess::{Reading, reading};
use crate::life::{State, Step};
use crate::people::{Member, People, Role, member, token};
use crate::shelf::{Shelf, Shown};
use crate::{RegistryError, key};
use arc_swap::ArcSwap;
use hub_catalog::lint::RuleSet;
use hub_core::time::Timestamp;
use hub_crypto::{hex, random};
use hub_store::{Act, AgencyRow, MemberRow, Store, StoreError, VersionRow};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// Name of the hashing key in the store.
const MAC: &str = "registry.people";
/// Agencies that may wait to be approved at a time: whoever asks is not known yet.
const WAITING: usize = 200;
/// Most characters of a name or a reason.
const TEXT: usize = 500;

/// The desk.
pub struct Desk {
    pub(crate) store: Store,
    mac: Vec<u8>,
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

/// A person who was just let in.
#[derive(Clone)]
pub struct Invited {
    /// Who.
    pub member: Member,
    /// The token; shown this once.
    pub token: String,
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

    pub(crate) async fn read_anew(&self, seen: &mut i64) -> Result<bool, RegistryError> {
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
            let reading = match known.get(&row.id) {
                Some(shown) => Arc::clone(&shown.reading),
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

    /// An agency asks to be taken in. Its owner's token is good at once, for little until it is approved.
    ///
    /// # Errors
    /// If a value cannot be taken, the code is taken, or too many wait.
    pub async fn ask_in(&self, id: &str, name: &str, en: &str, now: Timestamp) -> Result<Invited, RegistryError> {
        check_code("id", id)?;
        check_text("name", name)?;
        check_text("en", en)?;
        let mut seen = self.change.lock().await;
        let agencies = self.store.agencies().all().await?;
        if agencies.iter().any(|a| a.id == id) {
            return Err(RegistryError::Exists(id.to_owned()));
        }
        if agencies.iter().filter(|a| a.state == "asked").count() >= WAITING {
            return Err(RegistryError::Full);
        }
        let row = AgencyRow {
            id: id.to_owned(),
            name: name.to_owned(),
            en: en.to_owned(),
            state: "asked".to_owned(),
            created: now,
            updated: now,
        };
        let nobody = Member {
            id: "nobody".to_owned(),
            agency: Some(id.to_owned()),
            name: String::new(),
            role: Role::Owner,
        };
        let act = said(&nobody, id, id, "asked-in", Some("asked"), now, "");
        self.store.agencies().put(&row, &act).await?;
        // Acts are told in the order of their times.
        let then = now.checked_add(Duration::from_micros(1)).unwrap_or(now);
        let invited = self.let_in(&nobody, Some(id), name, Role::Owner, then).await?;
        self.read_anew(&mut seen).await?;
        Ok(invited)
    }

    /// An operator takes an agency in, or changes its names.
    ///
    /// # Errors
    /// If a value cannot be taken or the person is no operator.
    pub async fn put_agency(
        &self,
        by: &Member,
        id: &str,
        name: &str,
        en: &str,
        now: Timestamp,
    ) -> Result<(), RegistryError> {
        operator(by)?;
        check_code("id", id)?;
        check_text("name", name)?;
        check_text("en", en)?;
        let mut seen = self.change.lock().await;
        let known = self.store.agencies().all().await?.into_iter().find(|a| a.id == id);
        let row = AgencyRow {
            id: id.to_owned(),
            name: name.to_owned(),
            en: en.to_owned(),
            state: known
                .as_ref()
                .map_or_else(|| "approved".to_owned(), |k| k.state.clone()),
            created: known.map_or(now, |k| k.created),
            updated: now,
        };
        let act = said(by, id, id, "named", Some(&row.state), now, "");
        self.store.agencies().put(&row, &act).await?;
        self.read_anew(&mut seen).await.map(drop)
    }

    /// An operator approves or suspends an agency. A suspended one acts no more, and nothing of it is called.
    ///
    /// # Errors
    /// If the person is no operator, the agency unknown, or no reason is given for a suspension.
    pub async fn judge_agency(
        &self,
        by: &Member,
        id: &str,
        good: bool,
        why: &str,
        now: Timestamp,
    ) -> Result<(), RegistryError> {
        operator(by)?;
        if !good {
            check_text("why", why)?;
        }
        let mut seen = self.change.lock().await;
        let all = self.store.agencies().all().await?;
        let known = all
            .into_iter()
            .find(|a| a.id == id)
            .ok_or_else(|| unknown("agency", id))?;
        let state = if good { "approved" } else { "suspended" };
        let row = AgencyRow {
            state: state.to_owned(),
            updated: now,
            ..known
        };
        let act = said(by, id, id, state, Some(state), now, why);
        self.store.agencies().put(&row, &act).await?;
        self.read_anew(&mut seen).await.map(drop)
    }

    /// Lets a person in: an owner people of their agency, an operator anybody.
    ///
    /// # Errors
    /// If it is not theirs to do, a value cannot be taken, or the agency is unknown.
    pub async fn invite(
        &self,
        by: &Member,
        agency: Option<&str>,
        name: &str,
        role: Role,
        now: Timestamp,
    ) -> Result<Invited, RegistryError> {
        check_text("name", name)?;
        if role.is_of_agency() != agency.is_some() {
            return Err(RegistryError::Value {
                field: "role",
                expected: "clerk or owner for an agency, reviewer or operator for the hub",
            });
        }
        let own = by.role == Role::Owner && agency.is_some() && by.agency.as_deref() == agency;
        if by.role != Role::Operator && !own {
            return Err(RegistryError::NotTheirs);
        }
        let mut seen = self.change.lock().await;
        let invited = self.let_in(by, agency, name, role, now).await?;
        self.read_anew(&mut seen).await?;
        Ok(invited)
    }

    async fn let_in(
        &self,
        by: &Member,
        agency: Option<&str>,
        name: &str,
        role: Role,
        now: Timestamp,
    ) -> Result<Invited, RegistryError> {
        let (token, prefix) = token()?;
        let id = format!(
            "mbr_{}",
            hex(&random::<8>().map_err(|e| RegistryError::Key(e.to_string()))?)
        );
        let row = MemberRow {
            id: id.clone(),
            agency: agency.map(str::to_owned),
            name: name.to_owned(),
            role: role.as_str().to_owned(),
            hash: key::hash(&self.mac, &token),
            prefix,
            active: true,
            created: now,
        };
        let act = said(
            by,
            agency.unwrap_or_default(),
            &id,
            "let-in",
            Some(role.as_str()),
            now,
            "",
        );
        match self.store.agencies().add_member(&row, &act).await {
            Err(StoreError::Conflict) => return Err(unknown("agency", agency.unwrap_or_default())),
            other => other?,
        }
        let member = member(&row).ok_or(RegistryError::NotTheirs)?;
        Ok(Invited { member, token })
    }

    /// Ends a person's token.
    ///
    /// # Errors
    /// If it is not theirs to do or there is no such person.
    pub async fn dismiss(&self, by: &Member, id: &str, why: &str, now: Timestamp) -> Result<(), RegistryError> {
        let mut seen = self.change.lock().await;
        let all = self.store.agencies().members().await?;
        let row = all
            .into_iter()
            .find(|m| m.id == id)
            .ok_or_else(|| unknown("member", id))?;
        let own = by.role == Role::Owner && row.agency.is_some() && by.agency == row.agency;
        if by.role != Role::Operator && !own {
            return Err(RegistryError::NotTheirs);
        }
        let act = said(
            by,
            row.agency.as_deref().unwrap_or_default(),
            id,
            "dismissed",
            None,
            now,
            why,
        );
        self.store.agencies().set_active(id, false, &act).await?;
        self.read_anew(&mut seen).await.map(drop)
    }

    /// The people of an agency, or of the hub.
    ///
    /// # Errors
    /// If it is not theirs to see.
    pub async fn people(&self, by: &Member, agency: Option<&str>) -> Result<Vec<MemberRow>, RegistryError> {
        let may = by.role == Role::Operator || (agency.is_some() && by.agency.as_deref() == agency);
        if !may {
            return Err(RegistryError::NotTheirs);
        }
        let all = self.store.agencies().members().await?;
        Ok(all.into_iter().filter(|m| m.agency.as_deref() == agency).collect())
    }

    /// Takes an upload: it is read, kept, and shown in the sandbox if that is wanted. What was uploaded before for the same
    /// version and is not live gives way to it; the same file again is the same version.
    ///
    /// # Errors
    /// Everything that keeps it from being read; or why it may not be uploaded.
    pub async fn upload(&self, by: &Member, upload: Upload, now: Timestamp) -> Result<Arc<Shown>, RegistryError> {
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
        let mut seen = self.change.lock().await;
        let mut changes = Vec::new();
        for old in self.store.versions().list(Some((&upload.agency, &system))).await? {
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
        self.read_anew(&mut seen).await?;
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
        let ask = crate::steps::Asked::step(Step::Publish);
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
        match self.shelf.load().agency(agency).map(|a| a.state.as_str()) {
            None => Err(unknown("agency", agency)),
            Some("approved") => Ok(()),
            Some(_) => Err(RegistryError::NotApproved(agency.to_owned())),
        }
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
        found.ok_or_else(|| unknown("version", id))
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
async fn read_apart(file: String, bytes: Vec<u8>) -> Result<Result<Reading, Vec<hub_core::Finding>>, RegistryError> {
    tokio::task::spawn_blocking(move || reading(&file, &bytes))
        .await
        .map_err(|e| RegistryError::Key(e.to_string()))
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

fn said(by: &Member, agency: &str, subject: &str, word: &str, state: Option<&str>, now: Timestamp, why: &str) -> Act {
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

fn operator(by: &Member) -> Result<(), RegistryError> {
    (by.role == Role::Operator)
        .then_some(())
        .ok_or(RegistryError::NotTheirs)
}

pub(crate) fn unknown(kind: &'static str, id: &str) -> RegistryError {
    RegistryError::Unknown {
        kind,
        id: id.chars().filter(|c| !c.is_control()).take(100).collect(),
    }
}

/// A code as it stands in addresses and in the names of folders.
fn check_code(field: &'static str, code: &str) -> Result<(), RegistryError> {
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
