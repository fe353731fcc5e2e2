//! Steps in the life of versions: what each demands, and what it changes.

use crate::assess::NO_UPSTREAM;
use crate::desk::{Desk, act, check_text, unknown, with_state};
use crate::life::{State, Step};
use crate::people::{Member, Role};
use crate::shelf::{Published, Shelf, Shown};
use crate::{RegistryError, shelf};
use hub_catalog::diff::Report;
use hub_catalog::lint::{LintFinding, Waivers};
use hub_core::time::Timestamp;
use hub_core::{Finding, SystemId};
use hub_store::{Act, StoreError, VersionRow};
use std::sync::Arc;
use std::time::Duration;

/// Least time between the announcement of an end and the end.
pub const NOTICE: Duration = Duration::from_secs(90 * 24 * 3600);
/// Act of a version that another one was put in the place of.
const REPLACED: &str = "replaced";

/// A step that somebody wants to take.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Which.
    pub step: Step,
    /// Why, in their words.
    pub why: String,
    /// When it ends, for [`Step::Deprecate`].
    pub sunset: Option<Timestamp>,
    /// To whom, for [`Step::Transfer`].
    pub to: Option<String>,
    /// The manifest, for [`Step::Connect`].
    pub connector: Option<String>,
    /// YAML of waivers, for [`Step::Waive`]; they take the place of those before.
    pub waivers: Option<String>,
}

impl Asked {
    /// A step that needs no more words.
    #[must_use]
    pub fn step(step: Step) -> Self {
        Self {
            step,
            why: String::new(),
            sunset: None,
            to: None,
            connector: None,
            waivers: None,
        }
    }
}

/// A step that may be taken: what it changes, and what would be called after it.
#[derive(Debug)]
pub struct Plan {
    changes: Vec<(VersionRow, Act)>,
    /// Whether calls are answered differently after it.
    pub moves_calls: bool,
    after: Shelf,
}

impl Plan {
    /// Everything that is called after it.
    #[must_use]
    pub fn published(&self, now: Timestamp, folder: &dyn Fn(&SystemId) -> bool) -> Vec<Published> {
        self.after.published(now, folder)
    }
}

/// What stands between a version and going live.
#[derive(Debug, Default)]
pub struct Hindrances {
    /// Findings that must be put right.
    pub findings: Vec<Finding>,
    /// What it breaks that nobody has answered for.
    pub breaks: Option<Report>,
}

impl Hindrances {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.findings.is_empty() && self.breaks.is_none()
    }
}

impl Desk {
    /// What the rules say of a version.
    #[must_use]
    pub fn findings(&self, shown: &Shown, now: Timestamp) -> Vec<LintFinding> {
        // They were read when they were given; what cannot be read any more lets nothing pass.
        let given = shown.row.waivers.as_deref().map(read_waivers).transpose();
        let waivers = given.ok().flatten().unwrap_or_default();
        shown.reading.findings(&self.rules, &waivers, now)
    }

    /// What a version changes for those who call the one that is live: of the same major, or else of the one before.
    #[must_use]
    pub fn changes(&self, shown: &Shown, now: Timestamp) -> Option<(Arc<Shown>, Report)> {
        let shelf = self.shelf();
        let row = &shown.row;
        let earlier = |s: &&&Arc<Shown>| {
            s.row.agency == row.agency && s.row.system == row.system && s.row.major < row.major && s.state().is_called()
        };
        let all = shelf.versions();
        let before = all.iter().filter(earlier).max_by_key(|s| s.row.major);
        let base = shelf.called(&row.agency, &row.system, row.major).or(before.copied())?;
        let own = base.row.id == row.id;
        (!own).then(|| (Arc::clone(base), shown.reading.changes_from(&base.reading, now)))
    }

    /// What stands between a version and going live.
    #[must_use]
    pub fn hindrances(&self, shown: &Shown, now: Timestamp) -> Hindrances {
        self.hindrances_among(shown, &self.findings(shown, now), now)
    }

    /// The same, where what the rules say is known.
    #[must_use]
    pub fn hindrances_among(&self, shown: &Shown, found: &[LintFinding], now: Timestamp) -> Hindrances {
        let must = found.iter().filter(|f| f.blocks());
        let mut findings: Vec<Finding> = must.map(|f| f.finding.clone()).collect();
        let unreachable = shown.reading.unreachable(shown.row.inner_allowed);
        findings.extend(unreachable.filter(|f| f.code != NO_UPSTREAM || shown.row.connector.is_none()));
        let answered_for = shown.row.break_by.is_some();
        let breaks = self
            .changes(shown, now)
            .filter(|(base, report)| base.row.major == shown.row.major && report.breaking() && !answered_for);
        Hindrances {
            findings,
            breaks: breaks.map(|(_, report)| report),
        }
    }

    /// Looks whether a step may be taken. Nothing is done yet.
    ///
    /// # Errors
    /// Why it may not.
    pub async fn plan(&self, by: &Member, id: &str, asked: &Asked, now: Timestamp) -> Result<Plan, RegistryError> {
        let row = self.version(id).await?;
        let state = State::from_word(&row.state).unwrap_or(State::Retired);
        let Some(after) = asked.step.from(state) else {
            return Err(RegistryError::State {
                step: asked.step,
                state,
                open: Step::open(state, by.role),
            });
        };
        self.permitted(by, &row, asked.step)?;
        if asked.step.needs_reason() {
            check_text("why", &asked.why)?;
        }
        if matches!(asked.step, Step::Ask | Step::Approve) {
            let shelf = self.shelf();
            let shown = shelf.get(id).ok_or_else(|| unknown("version", id))?;
            let hindrances = self.hindrances(shown, now);
            if !hindrances.is_empty() {
                return Err(RegistryError::NotReady(Arc::new(hindrances)));
            }
        }
        let changes = self.changed(by, row, asked, after, now).await?;
        let moved = changes.iter().map(|(row, _)| row);
        Ok(Plan {
            moves_calls: asked.step.moves_calls(state),
            after: self.shelf_after(moved).await?,
            changes,
        })
    }

    /// Whether it is for this person to do.
    fn permitted(&self, by: &Member, row: &VersionRow, step: Step) -> Result<(), RegistryError> {
        let own = by.agency.as_deref() == Some(row.owner.as_str());
        if !step.roles().contains(&by.role) || (by.role.is_of_agency() && !own) {
            return Err(RegistryError::NotTheirs);
        }
        let shelf = self.shelf();
        let approved = shelf.agency(&row.owner).is_some_and(|a| a.state == "approved");
        if by.role.is_of_agency() && !approved {
            return Err(RegistryError::NotApproved(row.owner.clone()));
        }
        let second = match step {
            Step::AllowBreak => by.id != row.author,
            Step::Approve => by.id != row.author && row.asked_by.as_ref() != Some(&by.id),
            _ => true,
        };
        second.then_some(()).ok_or(RegistryError::SecondPerson)
    }

    /// The rows after a step, each with its act.
    async fn changed(
        &self,
        by: &Member,
        row: VersionRow,
        asked: &Asked,
        after: State,
        now: Timestamp,
    ) -> Result<Vec<(VersionRow, Act)>, RegistryError> {
        let mut changes = Vec::new();
        if matches!(asked.step, Step::Approve | Step::RollBack) {
            if asked.step == Step::RollBack && !self.was_replaced(&row).await? {
                return Err(RegistryError::NeverReplaced);
            }
            for old in self.versions_of(&row.agency, &row.system).await? {
                let is_called = State::from_word(&old.state).is_some_and(State::is_called);
                if old.major == row.major && is_called {
                    let act = act(by, &old, REPLACED, State::Retired, now, &asked.why);
                    changes.push((with_state(old, State::Retired), act));
                }
            }
        }
        if asked.step == Step::Transfer {
            let to = self.heir(asked)?;
            for old in self.versions_of(&row.agency, &row.system).await? {
                let state = State::from_word(&old.state).unwrap_or(State::Retired);
                let act = act(by, &old, "transfer", state, now, &asked.why);
                let given = VersionRow {
                    owner: to.clone(),
                    ..old
                };
                changes.push((given, act));
            }
            return Ok(changes);
        }
        let word = asked.step.as_str();
        let act = act(by, &row, word, after, now, &asked.why);
        let mut row = with_state(row, after);
        match asked.step {
            Step::Ask => row.asked_by = Some(by.id.clone()),
            Step::SendBack | Step::Withdraw => row.asked_by = None,
            Step::AllowBreak => row.break_by = Some(by.id.clone()),
            Step::Waive => {
                let text = asked.waivers.clone().unwrap_or_default();
                read_waivers(&text)?;
                row.waivers = Some(text);
            }
            Step::AllowInner => row.inner_allowed = true,
            Step::Connect => row.connector = Some(manifest(asked, &row)?),
            Step::Deprecate => {
                row.sunset = Some(end(asked, now)?);
                row.deprecated = Some(now);
            }
            Step::Keep | Step::RollBack => (row.sunset, row.deprecated) = (None, None),
            Step::Retire => may_end(by, &row, now)?,
            Step::Publish | Step::Approve | Step::Transfer => {}
        }
        changes.push((row, act));
        Ok(changes)
    }

    fn heir(&self, asked: &Asked) -> Result<String, RegistryError> {
        let to = asked.to.clone().unwrap_or_default();
        let shelf = self.shelf();
        match shelf.agency(&to).map(|a| a.state.as_str()) {
            None => Err(unknown("agency", &to)),
            Some("approved") => Ok(to),
            Some(_) => Err(RegistryError::NotApproved(to)),
        }
    }

    async fn was_replaced(&self, row: &VersionRow) -> Result<bool, RegistryError> {
        let acts = self.history(&row.id).await?;
        // Replaced as a draft is not replaced as what citizens call.
        let called = |act: &Act| {
            act.state
                .as_deref()
                .and_then(State::from_word)
                .is_some_and(State::is_called)
        };
        Ok(acts.last().is_some_and(|last| last.act == REPLACED) && acts.iter().any(called))
    }

    async fn shelf_after<'r>(&self, moved: impl Iterator<Item = &'r VersionRow>) -> Result<Shelf, RegistryError> {
        let shelf = self.shelf();
        let mut all: std::collections::BTreeMap<_, _> = shelf
            .versions()
            .into_iter()
            .map(|s| (s.row.id.clone(), Arc::clone(s)))
            .collect();
        for row in moved {
            if row.state == State::Retired.as_str() {
                all.remove(&row.id);
                continue;
            }
            let reading = match all.get(&row.id) {
                Some(known) => Arc::clone(&known.reading),
                None => self.read_again(row).await?,
            };
            let row = row.clone();
            all.insert(row.id.clone(), Arc::new(Shown { row, reading }));
        }
        Ok(shelf::Shelf::new(all, shelf.agencies().cloned().collect()))
    }

    /// Retires what has come to its announced end.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn retire_ended(&self, now: Timestamp) -> Result<(), RegistryError> {
        let shelf = self.shelf();
        let over = |s: &&&Arc<Shown>| s.row.sunset.is_some_and(|end| end <= now);
        for shown in shelf.versions().iter().filter(over) {
            let asked = Asked {
                why: "its announced end has come".to_owned(),
                ..Asked::step(Step::Retire)
            };
            let hub = Member {
                id: "hub".to_owned(),
                ..Member::operator()
            };
            let plan = self.plan(&hub, &shown.row.id, &asked, now).await?;
            match self.commit(plan).await {
                // Another hub over the same store was faster.
                Err(RegistryError::Moved) => {}
                other => other?,
            }
        }
        Ok(())
    }

    /// Takes a step that was looked at.
    ///
    /// # Errors
    /// If anything was changed in between, or the store does not answer.
    pub async fn commit(&self, plan: Plan) -> Result<(), RegistryError> {
        let mut seen = self.change.lock().await;
        match self.store.versions().change(&plan.changes).await {
            Err(StoreError::Conflict) => return Err(RegistryError::Moved),
            other => other?,
        }
        self.read_anew(&mut seen).await.map(drop)
    }
}

fn read_waivers(text: &str) -> Result<Waivers, RegistryError> {
    Waivers::read("waivers", text.as_bytes()).map_err(RegistryError::Unreadable)
}

/// The end that is announced: far enough away for those who call it.
fn end(asked: &Asked, now: Timestamp) -> Result<Timestamp, RegistryError> {
    let expected = RegistryError::Value {
        field: "sunset",
        expected: "a time at least 90 days ahead, for example 2030-01-01T00:00:00+08:00",
    };
    let earliest = now.checked_add(NOTICE).map_err(|_| expected.clone())?;
    asked.sunset.filter(|end| *end >= earliest).ok_or(expected)
}

/// What is called is ended by its agency after its announced end only; an operator can end it at once.
fn may_end(by: &Member, row: &VersionRow, now: Timestamp) -> Result<(), RegistryError> {
    let over = row.sunset.is_some_and(|end| end <= now);
    let was_called = row.deprecated.is_some() || row.asked_by.is_some();
    if by.role == Role::Operator || over || !was_called {
        return Ok(());
    }
    Err(RegistryError::TooEarly)
}

/// A manifest names its own system.
fn manifest(asked: &Asked, row: &VersionRow) -> Result<String, RegistryError> {
    let text = asked.connector.clone().unwrap_or_default();
    let names_it = text.lines().any(|line| {
        line.strip_prefix("system:")
            .is_some_and(|name| name.trim() == format!("{}/{}", row.agency, row.system))
    });
    names_it.then_some(text).ok_or(RegistryError::Value {
        field: "connector",
        expected: "a manifest whose `system` is this one",
    })
}
