//! What has happened in the sandbox: worlds, each with the matters made in it. Bounded: the oldest matter of a full
//! world goes first, and so does the world that was left alone longest.

use crate::links::Flow;
use crate::seed::Seed;
use hub_core::SystemId;
use hub_core::time::Timestamp;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Matters a world.
    pub matters: usize,
    /// Worlds.
    pub worlds: usize,
    /// Matters in all worlds together.
    pub total: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            matters: 10_000,
            worlds: 1_000,
            total: 50_000,
        }
    }
}

/// Something that happened to a matter after it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// The agency asked for papers.
    NeedDocs,
    /// Papers were handed in.
    Supplemented,
    /// Withdrawn or cancelled.
    Ended,
    /// Whoever booked has come.
    Arrived,
    /// Money went back.
    Refunded,
}

/// One matter: a case, a booking, an order, a certificate, a subscription.
#[derive(Debug, Clone)]
pub(crate) struct Matter {
    pub system: SystemId,
    /// Operation that made it.
    pub made_by: Arc<str>,
    pub service: Option<Arc<str>>,
    pub flow: Flow,
    /// Every handle it is found by.
    pub handles: Vec<String>,
    /// Numbers of the person or company it belongs to; empty if to nobody in particular.
    pub owners: Vec<String>,
    /// What was said when it was made.
    pub input: Map<String, Value>,
    /// What is known of it: the input and every answer about it.
    pub data: Map<String, Value>,
    /// The answer it was made with, for the same request again.
    pub answer: Value,
    pub created: Timestamp,
    /// Working days until a decision.
    pub days: u32,
    /// Made by the scenario `pending`: a payment waits as long.
    pub held: bool,
    pub events: Vec<(Timestamp, Event)>,
    pub seed: Seed,
}

impl Matter {
    /// Whether somebody with these numbers may see it.
    pub(crate) fn is_visible_to(&self, numbers: &[String]) -> bool {
        numbers.is_empty() || self.owners.is_empty() || self.owners.iter().any(|o| numbers.contains(o))
    }
}

/// A free place as it was shown.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    /// What was shown, by property and by canonical field.
    pub data: Map<String, Value>,
    /// Places there were before anybody booked here.
    pub places: u64,
}

/// Offers kept; beyond that all are forgotten, they are shown again with the next look.
const OFFERS: usize = 20_000;

/// One developer's state.
#[derive(Debug, Clone, Default)]
pub(crate) struct World {
    matters: BTreeMap<u64, Matter>,
    index: HashMap<(SystemId, String), Vec<u64>>,
    /// Places offered, by service and key: what a booking of one of them is about.
    offers: HashMap<(String, String), Offer>,
    /// Owners whose invented past has been written, by system.
    remembered: HashSet<(SystemId, String)>,
    next: u64,
}

impl World {
    /// The number the next matter will get; part of its seed and its handle.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }

    /// A matter by one of its handles, if somebody with these numbers may see it.
    pub(crate) fn find(&self, system: &SystemId, handle: &str, numbers: &[String]) -> Option<(u64, &Matter)> {
        let ids = self.index.get(&(system.clone(), handle.to_owned()))?;
        let matters = ids.iter().filter_map(|id| Some((*id, self.matters.get(id)?)));
        matters.into_iter().find(|(_, m)| m.is_visible_to(numbers))
    }

    /// Whether anybody's matter has this handle.
    pub(crate) fn is_taken(&self, system: &SystemId, handle: &str) -> bool {
        self.index.contains_key(&(system.clone(), handle.to_owned()))
    }

    /// The matters of a system, newest first.
    pub(crate) fn of<'a>(&'a self, system: &'a SystemId) -> impl Iterator<Item = &'a Matter> {
        self.matters.values().rev().filter(move |m| m.system == *system)
    }

    /// Keeps a matter.
    pub(crate) fn add(&mut self, matter: Matter, limit: usize) {
        while self.matters.len() >= limit.max(1) {
            let Some((id, old)) = self.matters.pop_first() else {
                break;
            };
            self.forget(id, &old);
        }
        let id = self.next;
        self.next += 1;
        for handle in &matter.handles {
            self.index
                .entry((matter.system.clone(), handle.clone()))
                .or_default()
                .push(id);
        }
        self.matters.insert(id, matter);
    }

    fn forget(&mut self, id: u64, old: &Matter) {
        for handle in &old.handles {
            let key = (old.system.clone(), handle.clone());
            if let Some(ids) = self.index.get_mut(&key) {
                ids.retain(|other| *other != id);
                if ids.is_empty() {
                    self.index.remove(&key);
                }
            }
        }
    }

    /// Removes a matter as if it had never been.
    pub(crate) fn remove(&mut self, id: u64) {
        if let Some(old) = self.matters.remove(&id) {
            self.forget(id, &old);
        }
    }

    /// Keeps an offer.
    pub(crate) fn offer(&mut self, service: &str, key: &str, offer: Offer) {
        if self.offers.len() >= OFFERS {
            self.offers.clear();
        }
        self.offers.insert((service.to_owned(), key.to_owned()), offer);
    }

    /// An offer by its key.
    pub(crate) fn offered(&self, service: &str, key: &str) -> Option<&Offer> {
        self.offers.get(&(service.to_owned(), key.to_owned()))
    }

    /// Changes a matter.
    pub(crate) fn change(&mut self, id: u64, with: impl FnOnce(&mut Matter)) {
        if let Some(matter) = self.matters.get_mut(&id) {
            with(matter);
        }
    }

    /// True the first time it is asked for an owner in a system.
    pub(crate) fn remember(&mut self, system: &SystemId, owner: &str) -> bool {
        self.remembered.insert((system.clone(), owner.to_owned()))
    }

    /// Matters kept.
    pub(crate) fn len(&self) -> usize {
        self.matters.len()
    }
}

/// Every world, by name. The pinned ones are emptied only by name: everybody lives in them.
#[derive(Debug, Default)]
pub(crate) struct Worlds {
    limits: Limits,
    pinned: Vec<&'static str>,
    all: Mutex<Shelf>,
}

/// Worlds on the shelf, with what all of them hold together.
#[derive(Debug, Default)]
struct Shelf {
    turn: u64,
    total: usize,
    worlds: HashMap<String, Shelved>,
}

#[derive(Debug, Default)]
struct Shelved {
    /// Turn it was last used in.
    used: u64,
    /// Matters it held then.
    held: usize,
    world: Arc<Mutex<World>>,
}

impl Shelf {
    fn remove(&mut self, name: &str) {
        if let Some(gone) = self.worlds.remove(name) {
            self.total = self.total.saturating_sub(gone.held);
        }
    }

    /// Forgets the world left alone longest, but none of those named.
    fn forget_one(&mut self, but: &[&str]) -> bool {
        let free = self.worlds.iter().filter(|(name, _)| !but.contains(&name.as_str()));
        let oldest = free
            .min_by_key(|(_, shelved)| shelved.used)
            .map(|(name, _)| name.clone());
        oldest.map(|name| self.remove(&name)).is_some()
    }
}

impl Worlds {
    pub(crate) fn new(limits: Limits, pinned: Vec<&'static str>) -> Self {
        Self {
            limits,
            pinned,
            all: Mutex::default(),
        }
    }

    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    /// A world by name, made when first named.
    pub(crate) fn get(&self, name: &str) -> Arc<Mutex<World>> {
        let mut shelf = lock(&self.all);
        shelf.turn += 1;
        let turn = shelf.turn;
        if !shelf.worlds.contains_key(name) && shelf.worlds.len() >= self.limits.worlds.max(1) {
            shelf.forget_one(&self.pinned);
        }
        let shelved = shelf.worlds.entry(name.to_owned()).or_default();
        shelved.used = turn;
        shelved.world.clone()
    }

    /// Notes what a world holds after a call; makes room where all of them together hold too much.
    pub(crate) fn settle(&self, name: &str, held: usize) {
        let mut shelf = lock(&self.all);
        let Some(shelved) = shelf.worlds.get_mut(name) else {
            return;
        };
        let before = std::mem::replace(&mut shelved.held, held);
        shelf.total = shelf.total.saturating_add(held).saturating_sub(before);
        let mut spared = self.pinned.clone();
        spared.push(name);
        while shelf.total > self.limits.total && shelf.forget_one(&spared) {}
    }

    /// Empties a world.
    pub(crate) fn reset(&self, name: &str) {
        lock(&self.all).remove(name);
    }
}

/// A lock whose holder panicked still guards a usable world: every change is one insertion.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matter(handle: &str, owner: &str) -> Matter {
        Matter {
            system: SystemId::new("a", "b"),
            made_by: "a.x".into(),
            service: None,
            flow: Flow::Case,
            handles: vec![handle.to_owned()],
            owners: vec![owner.to_owned()],
            input: Map::new(),
            data: Map::new(),
            answer: Value::Null,
            created: Timestamp::UNIX_EPOCH,
            days: 1,
            held: false,
            events: Vec::new(),
            seed: Seed::new(1),
        }
    }

    #[test]
    fn the_oldest_goes_first_and_its_handle_with_it() {
        let (mut world, system) = (World::default(), SystemId::new("a", "b"));
        for n in 0..5 {
            world.add(matter(&format!("h{n}"), "me"), 3);
        }
        assert_eq!(world.len(), 3);
        assert!(!world.is_taken(&system, "h1"));
        assert!(world.find(&system, "h2", &["me".to_owned()]).is_some());
        assert!(world.find(&system, "h2", &["you".to_owned()]).is_none());
        assert!(world.find(&SystemId::new("a", "c"), "h2", &[]).is_none());
    }

    #[test]
    fn worlds_are_bounded_and_apart() {
        let limits = Limits {
            matters: 9,
            worlds: 2,
            total: 5,
        };
        let worlds = Worlds::new(limits, vec!["pinned"]);
        lock(&worlds.get("one")).add(matter("h", "me"), 9);
        assert_eq!(lock(&worlds.get("two")).len(), 0);
        assert_eq!(lock(&worlds.get("one")).len(), 1);
        worlds.get("three");
        assert_eq!(lock(&worlds.get("one")).len(), 1, "`two` was left alone longest");
        worlds.reset("one");
        assert_eq!(lock(&worlds.get("one")).len(), 0);
        lock(&worlds.get("pinned")).add(matter("p", "me"), 9);
        worlds.settle("pinned", 4);
        lock(&worlds.get("one")).add(matter("h", "me"), 9);
        worlds.settle("one", 2);
        assert_eq!(lock(&worlds.get("one")).len(), 1, "whoever calls keeps what is its own");
        worlds.get("two");
        worlds.settle("two", 1);
        assert_eq!(lock(&worlds.get("pinned")).len(), 1, "everybody lives here");
    }
}
