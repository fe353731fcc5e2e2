//! What is registered, in memory.

use crate::assess::Reading;
use crate::life::State;
use hub_core::SystemId;
use hub_core::time::Timestamp;
use hub_store::{AgencyRow, VersionRow};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A version and what was read of it.
#[derive(Debug)]
pub struct Shown {
    /// As kept, without the upload.
    pub row: VersionRow,
    /// What was read.
    pub reading: Arc<Reading>,
}

impl Shown {
    /// Where it is in its life.
    #[must_use]
    pub fn state(&self) -> State {
        State::from_word(&self.row.state).unwrap_or(State::Retired)
    }

    /// Its path below `/gateway` and `/sandbox`.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/{}/{}/v{}", self.row.agency, self.row.system, self.row.major)
    }
}

/// A version that is called, as the catalog takes it.
#[derive(Debug, Clone)]
pub struct Published {
    /// Its system; an earlier major version has a name of its own.
    pub system: SystemId,
    /// The version.
    pub version: String,
    /// The contract in the normal form.
    pub document: Arc<Reading>,
    /// Manifest of its connector.
    pub connector: Option<String>,
    /// Whether its upstream may stand in a private network.
    pub inner_allowed: bool,
    /// Since when it is deprecated.
    pub deprecated: Option<Timestamp>,
    /// When it ends.
    pub sunset: Option<Timestamp>,
}

impl Published {
    /// The contract.
    #[must_use]
    pub fn contract(&self) -> &Value {
        &self.document.description.document
    }
}

/// Every version that is not retired, and the agencies.
#[derive(Debug, Default)]
pub struct Shelf {
    all: BTreeMap<String, Arc<Shown>>,
    agencies: BTreeMap<String, AgencyRow>,
}

impl Shelf {
    pub(crate) fn new(all: BTreeMap<String, Arc<Shown>>, agencies: Vec<AgencyRow>) -> Self {
        let agencies = agencies.into_iter().map(|a| (a.id.clone(), a)).collect();
        Self { all, agencies }
    }

    /// A version by id.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Arc<Shown>> {
        self.all.get(id)
    }

    /// Every version, oldest first.
    #[must_use]
    pub fn versions(&self) -> Vec<&Arc<Shown>> {
        let mut all: Vec<_> = self.all.values().collect();
        all.sort_by(|a, b| (a.row.created, &a.row.id).cmp(&(b.row.created, &b.row.id)));
        all
    }

    /// Agencies, by code.
    pub fn agencies(&self) -> impl Iterator<Item = &AgencyRow> {
        self.agencies.values()
    }

    /// An agency.
    #[must_use]
    pub fn agency(&self, code: &str) -> Option<&AgencyRow> {
        self.agencies.get(code)
    }

    /// The version that the gateway answers with for a major.
    #[must_use]
    pub fn called(&self, agency: &str, system: &str, major: u32) -> Option<&Arc<Shown>> {
        self.of(agency, system, major)
            .into_iter()
            .find(|s| s.state().is_called())
    }

    /// The version that the sandbox shows for a major: the one asked for by number, else the one that is called, else the
    /// newest.
    #[must_use]
    pub fn shown(&self, agency: &str, system: &str, major: u32, number: Option<&str>) -> Option<&Arc<Shown>> {
        let all: Vec<_> = self
            .of(agency, system, major)
            .into_iter()
            .filter(|s| s.state().is_shown())
            .collect();
        match number {
            Some(number) => all.into_iter().rev().find(|s| s.row.number == number),
            None => {
                let called = all.iter().find(|s| s.state().is_called()).copied();
                called.or_else(|| all.last().copied())
            }
        }
    }

    fn of(&self, agency: &str, system: &str, major: u32) -> Vec<&Arc<Shown>> {
        let own = |s: &&Arc<Shown>| s.row.agency == agency && s.row.system == system && s.row.major == major;
        self.versions().into_iter().filter(own).collect()
    }

    /// Everything that is called now. `folder` says which systems stand in the folder of specs: they keep their names.
    #[must_use]
    pub fn published(&self, now: Timestamp, folder: &dyn Fn(&SystemId) -> bool) -> Vec<Published> {
        let is_good = |s: &&Arc<Shown>| {
            let owner = self.agency(&s.row.owner).map(|a| a.state.as_str());
            s.state().is_called() && s.row.sunset.is_none_or(|end| now < end) && owner == Some("approved")
        };
        let called: Vec<_> = self.versions().into_iter().filter(is_good).collect();
        let newest = |s: &Shown| {
            let same = |o: &&&Arc<Shown>| o.row.agency == s.row.agency && o.row.system == s.row.system;
            called.iter().filter(same).map(|o| o.row.major).max() == Some(s.row.major)
        };
        let published = |s: &&Arc<Shown>| {
            let plain = SystemId::new(&s.row.agency, &s.row.system);
            let system = match newest(s) && !folder(&plain) {
                true => plain,
                false => SystemId::new(&s.row.agency, format!("{}.v{}", s.row.system, s.row.major)),
            };
            Published {
                connector: s.row.connector.as_ref().map(|text| renamed(text, &system)),
                system,
                version: s.row.id.clone(),
                document: Arc::clone(&s.reading),
                inner_allowed: s.row.inner_allowed,
                deprecated: s.row.deprecated,
                sunset: s.row.sunset,
            }
        };
        called.iter().map(published).collect()
    }
}

/// A manifest under the name its system has now: the line that says it is the hub's to write.
fn renamed(manifest: &str, system: &SystemId) -> String {
    let lines = manifest.lines().map(|line| match line.starts_with("system:") {
        true => format!("system: {system}"),
        false => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n") + "\n"
}
