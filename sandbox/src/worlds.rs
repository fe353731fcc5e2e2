//! Every world in memory, by name. The pinned ones are emptied only by name: everybody lives in them. Of the others the one
//! left alone longest is put away first, unless somebody is in it or it holds what is not written down yet.

use crate::state::{Limits, lock};
use crate::world::World;
use hub_core::time::Timestamp;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// A world as it is handed out.
pub(crate) type Kept = Arc<Mutex<World>>;

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
    bytes: usize,
    worlds: HashMap<String, Shelved>,
}

#[derive(Debug)]
struct Shelved {
    /// Turn it was last used in.
    used: u64,
    /// Matters it held then, and bytes.
    held: (usize, usize),
    world: Kept,
}

impl Shelved {
    fn is_free(&self) -> bool {
        Arc::strong_count(&self.world) == 1 && self.world.try_lock().is_ok_and(|world| !world.is_changed())
    }
}

impl Shelf {
    fn remove(&mut self, name: &str) {
        if let Some(gone) = self.worlds.remove(name) {
            self.total = self.total.saturating_sub(gone.held.0);
            self.bytes = self.bytes.saturating_sub(gone.held.1);
        }
    }

    /// Puts away the world left alone longest, but none of those named.
    fn forget_one(&mut self, but: &[&str]) -> bool {
        let mut free: Vec<(&String, &Shelved)> = self
            .worlds
            .iter()
            .filter(|(name, _)| !but.contains(&name.as_str()))
            .collect();
        free.sort_by_key(|(_, shelved)| shelved.used);
        let oldest = free.into_iter().find(|(_, shelved)| shelved.is_free());
        let oldest = oldest.map(|(name, _)| name.clone());
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
    pub(crate) fn get(&self, name: &str, make: impl FnOnce() -> World) -> Kept {
        let mut shelf = lock(&self.all);
        shelf.turn += 1;
        let turn = shelf.turn;
        if !shelf.worlds.contains_key(name) && shelf.worlds.len() >= self.limits.worlds.max(1) {
            shelf.forget_one(&self.pinned);
        }
        let shelved = shelf.worlds.entry(name.to_owned()).or_insert_with(|| Shelved {
            used: turn,
            held: (0, 0),
            world: Arc::new(Mutex::new(make())),
        });
        shelved.used = turn;
        shelved.world.clone()
    }

    /// A world by name, if it is in memory.
    pub(crate) fn known(&self, name: &str) -> Option<Kept> {
        lock(&self.all).worlds.get(name).map(|shelved| shelved.world.clone())
    }

    /// Notes what a world holds after a call; makes room where all of them together hold too much.
    pub(crate) fn settle(&self, name: &str, held: (usize, usize)) {
        let mut shelf = lock(&self.all);
        let Some(shelved) = shelf.worlds.get_mut(name) else {
            return;
        };
        let before = std::mem::replace(&mut shelved.held, held);
        shelf.total = shelf.total.saturating_add(held.0).saturating_sub(before.0);
        shelf.bytes = shelf.bytes.saturating_add(held.1).saturating_sub(before.1);
        let mut spared = self.pinned.clone();
        spared.push(name);
        let too_much = |shelf: &Shelf| shelf.total > self.limits.total || shelf.bytes > self.limits.bytes;
        while too_much(&shelf) && shelf.forget_one(&spared) {}
    }

    /// Puts a world away, or another in its place.
    pub(crate) fn reset(&self, name: &str) {
        lock(&self.all).remove(name);
    }

    /// Worlds in which something is due by the machine's time.
    pub(crate) fn due(&self, now: Timestamp) -> Vec<Kept> {
        let all: Vec<Kept> = lock(&self.all).worlds.values().map(|s| s.world.clone()).collect();
        let is_due = |world: &Kept| lock(world).next_due().is_some_and(|at| at <= now);
        all.into_iter().filter(is_due).collect()
    }

    /// The names of worlds that hold what is not written down yet.
    pub(crate) fn changed(&self) -> Vec<String> {
        let all: Vec<(String, Kept)> = {
            let shelf = lock(&self.all);
            shelf
                .worlds
                .iter()
                .map(|(name, s)| (name.clone(), s.world.clone()))
                .collect()
        };
        let changed = all.into_iter().filter(|(_, world)| lock(world).is_changed());
        changed.map(|(name, _)| name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::WorldClock;
    use crate::testing::matter;

    fn new() -> World {
        World::new("w", WorldClock::default(), Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn worlds_are_bounded_and_apart() {
        let limits = Limits {
            matters: 9,
            worlds: 2,
            total: 5,
            bytes: 1_000,
        };
        let worlds = Worlds::new(limits, vec!["pinned"]);
        let get = |name: &str| worlds.get(name, new);
        lock(&get("one")).add(matter("h", "me"), 9);
        assert_eq!(lock(&get("two")).len(), 0);
        assert_eq!(lock(&get("one")).len(), 1);
        get("three");
        assert_eq!(lock(&get("one")).len(), 1, "`two` was left alone longest");
        worlds.reset("one");
        assert_eq!(lock(&get("one")).len(), 0);
        lock(&get("pinned")).add(matter("p", "me"), 9);
        worlds.settle("pinned", (4, 0));
        lock(&get("one")).add(matter("h", "me"), 9);
        worlds.settle("one", (2, 0));
        assert_eq!(lock(&get("one")).len(), 1, "whoever calls keeps what is its own");
        get("two");
        worlds.settle("two", (1, 0));
        assert_eq!(lock(&get("pinned")).len(), 1, "everybody lives here");
        worlds.settle("two", (0, 999));
        assert!(worlds.known("two").is_some());
        worlds.settle("pinned", (0, 2));
        assert!(worlds.known("two").is_none(), "bytes count as matters do");
    }

    #[test]
    fn a_world_that_is_used_or_not_written_down_stays() {
        let limits = Limits {
            matters: 9,
            worlds: 1,
            total: 5,
            bytes: 1_000,
        };
        let worlds = Worlds::new(limits, Vec::new());
        let held = worlds.get("held", new);
        drop(worlds.get("dirty", || new().recording()));
        drop(worlds.get("other", new));
        assert!(worlds.known("held").is_some() && worlds.known("dirty").is_some());
        assert_eq!(worlds.changed(), ["dirty"]);
        drop(held);
        lock(&worlds.known("dirty").unwrap()).changes();
        drop(worlds.get("more", new));
        assert!(worlds.known("held").is_none());
    }
}
