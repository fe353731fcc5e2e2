//! What whoever hosts the engine does with worlds: opens and forks them, turns their clocks, writes them down.

use crate::clock::{Turn, WorldClock};
use crate::engine::MockEngine;
use crate::lifecycle;
use crate::links::Flow;
use crate::mock::Memory;
use crate::parts::{Change, TOLD};
use crate::state::{Event, lock};
use crate::timeline::Happening;
use crate::world::World;
use crate::worlds::Kept;
use hub_core::time::Timestamp;
use hub_core::{Problem, ProblemCode, Text};
use std::sync::Arc;

/// A world that somebody is in: it stays in memory as long.
#[derive(Debug, Clone)]
pub struct Entered(#[expect(dead_code, reason = "held, not used")] Kept);

/// What came of turning a clock.
#[derive(Debug, Clone, PartialEq)]
pub struct Moved {
    /// Before.
    pub from: Timestamp,
    /// After.
    pub to: Timestamp,
    /// Whether the clock stands.
    pub frozen: bool,
    /// What happened on the way, in order.
    pub happened: Vec<Arc<Happening>>,
}

/// How a world is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// What time it is.
    pub now: Timestamp,
    /// Whether the clock stands.
    pub frozen: bool,
    /// Matters in it.
    pub matters: usize,
    /// Things kept for registered descriptions.
    pub things: usize,
}

/// What somebody in place of an agency decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// In favour.
    Approve,
    /// Against.
    Reject,
    /// So many papers are asked for.
    AskForPapers(u64),
}

/// What happened, among the parts of a world that have to be written down; in order.
#[must_use]
pub fn happenings(changes: &[Change]) -> Vec<Happening> {
    let told = changes.iter().filter(|change| change.key.starts_with(TOLD));
    let read = |change: &Change| serde_json::from_str(change.body.as_deref()?).ok();
    let mut told: Vec<Happening> = told.filter_map(read).collect();
    told.sort_by_key(|happening| happening.number);
    told
}

impl MockEngine {
    /// Makes a world that is written down.
    pub fn open(&self, name: &str, clock: WorldClock) {
        let world = || World::new(name, clock, self.clock.now()).recording();
        self.worlds.reset(name);
        drop(self.worlds.get(name, world));
    }

    /// Puts a world in memory from what was written down of it; false if that is no world.
    pub fn load(&self, name: &str, parts: &[(String, String)]) -> bool {
        let Some(world) = World::read(parts) else { return false };
        let held = world.held();
        // Whoever was faster may have changed something since.
        drop(self.worlds.get(name, || world.apart()));
        self.worlds.settle(name, held);
        true
    }

    /// Enters a world, if it is in memory.
    #[must_use]
    pub fn enter(&self, name: &str) -> Option<Entered> {
        self.worlds.known(name).map(Entered)
    }

    /// Makes a world that is the same as another and apart from it; what has to be written down of the other, so that all of
    /// it is there for both.
    #[must_use]
    pub fn fork(&self, from: &str, to: &str) -> Option<Vec<Change>> {
        let source = self.worlds.known(from)?;
        let (changes, world) = {
            let mut source = lock(&source);
            (source.changes(), source.apart())
        };
        let held = world.held();
        self.worlds.reset(to);
        drop(self.worlds.get(to, || world));
        self.worlds.settle(to, held);
        Some(changes)
    }

    /// Puts a world away. Whoever is in it goes on with what is no world any more.
    pub fn put_away(&self, name: &str) {
        self.worlds.reset(name);
    }

    /// What time it is in a world; the machine's where there is no such world.
    #[must_use]
    pub fn now_in(&self, name: &str) -> Timestamp {
        let machine = self.clock.now();
        self.worlds
            .known(name)
            .map_or(machine, |world| lock(&world).clock().now(machine))
    }

    /// How a world is.
    #[must_use]
    pub fn standing(&self, name: &str) -> Option<Standing> {
        let kept = self.worlds.known(name)?;
        let mut world = lock(&kept);
        Some(Standing {
            now: world.now(self.clock.now()),
            frozen: world.clock().is_frozen(),
            matters: world.len(),
            things: world.things(),
        })
    }

    /// Turns the clock of a world.
    ///
    /// # Errors
    /// Where it does not go; `None` in place of a world that is not in memory.
    pub fn turn(&self, name: &str, turn: &Turn) -> Option<Result<Moved, Problem>> {
        let kept = self.worlds.known(name)?;
        let machine = self.clock.now();
        let mut world = lock(&kept);
        let from = world.now(machine);
        Some(world.turn(turn, machine).map(|happened| Moved {
            from,
            to: world.clock().now(machine),
            frozen: world.clock().is_frozen(),
            happened,
        }))
    }

    /// What happened in a world after a number, oldest first.
    #[must_use]
    pub fn happened(&self, name: &str, after: u64, most: usize) -> Vec<Arc<Happening>> {
        let Some(kept) = self.worlds.known(name) else {
            return Vec::new();
        };
        let mut world = lock(&kept);
        world.now(self.clock.now());
        world.happened(after, most)
    }

    /// Decides a case of a world, by its number.
    ///
    /// # Errors
    /// If there is no such case, or it is decided or withdrawn.
    pub fn decide(&self, name: &str, case: &str, decision: Decision) -> Result<Vec<Arc<Happening>>, Problem> {
        let none = || {
            Problem::new(ProblemCode::RecordNotFound)
                .detail(
                    "这个世界里没有该编号的办件",
                    "There is no case of this number in this world",
                )
                .at(
                    "/case",
                    Text::new("本世界中一个办件的编号", "the number of a case of this world"),
                    case,
                )
        };
        let kept = self.worlds.known(name).ok_or_else(none)?;
        let mut world = lock(&kept);
        let now = world.now(self.clock.now());
        let before = world.happened(0, usize::MAX).last().map_or(0, |h| h.number);
        let is_case = |id: &u64| world.matter(*id).is_some_and(|m| m.flow == Flow::Case);
        let id = world.with_handle(case).into_iter().find(is_case).ok_or_else(none)?;
        let state = world
            .matter(id)
            .map(|m| lifecycle::word(m, now, false))
            .unwrap_or_default();
        if ["approved", "rejected", "withdrawn", "cancelled"].contains(&state) {
            return Err(Problem::new(ProblemCode::Conflict)
                .detail("该办件已办结或已撤回", "The case is decided or withdrawn")
                .with("state", state));
        }
        world.change(id, |matter| {
            let event = match decision {
                Decision::Approve => Event::Approved,
                Decision::Reject => Event::Rejected,
                Decision::AskForPapers(papers) => {
                    matter.papers = papers;
                    Event::NeedDocs
                }
            };
            matter.events.push((now, event));
        });
        Ok(world.happened(before, usize::MAX))
    }

    /// Where a description keeps its things in a world.
    #[must_use]
    pub fn memory(&self, name: &str, description: &str) -> Arc<Memory> {
        let world = self.world(name);
        let (memory, held) = {
            let mut world = lock(&world);
            (world.memory(description), world.held())
        };
        self.worlds.settle(name, held);
        memory
    }

    /// Worlds that hold what is not written down yet.
    #[must_use]
    pub fn changed(&self) -> Vec<String> {
        self.worlds.changed()
    }

    /// Whether a world holds what is not written down yet.
    #[must_use]
    pub fn is_changed(&self, name: &str) -> bool {
        self.worlds.known(name).is_some_and(|world| lock(&world).is_changed())
    }

    /// What has to be written down of a world since the last time it was asked.
    #[must_use]
    pub fn changes(&self, name: &str) -> Vec<Change> {
        self.worlds
            .known(name)
            .map_or_else(Vec::new, |world| lock(&world).changes())
    }

    /// Notes that parts of a world are written down.
    pub fn written_down(&self, name: &str, keys: &[String]) {
        if let Some(world) = self.worlds.known(name) {
            lock(&world).written_down(keys);
        }
    }

    /// Lets everything happen that is due by now in worlds that are in memory.
    pub fn pass_due(&self) {
        let now = self.clock.now();
        for world in self.worlds.due(now) {
            lock(&world).now(now);
        }
    }

    /// When the next thing is due in a world, by the machine's time; nothing while its clock stands.
    #[must_use]
    pub fn next_due(&self, name: &str) -> Option<Timestamp> {
        self.worlds.known(name).and_then(|world| lock(&world).next_due())
    }

    /// Notes again what could not be written down.
    pub fn change_again(&self, name: &str, keys: &[String]) {
        if let Some(world) = self.worlds.known(name) {
            lock(&world).change_again(keys);
        }
    }
}
