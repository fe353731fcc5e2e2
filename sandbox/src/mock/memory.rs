//! What was made, changed and removed, bounded: a mock that runs for weeks must not grow.

use crate::state::lock;
use indexmap::{IndexMap, IndexSet};
use serde_json::{Map, Value};
use std::sync::{Arc, Mutex, MutexGuard};

/// Objects of one collection; the oldest goes first. As many removed ones are remembered.
const OBJECTS: usize = 1_000;
/// Collections: those of different parents (`/users/1/orders`, `/users/2/orders`) count apart.
const SHELVES: usize = 500;
/// Bytes of all objects together, as JSON.
const BYTES: usize = 48 << 20;
/// Bytes of one object; a larger one is answered but not remembered.
const LARGEST: usize = 1 << 20;

/// A resource and the parents in its path.
pub(super) type Key = (usize, Vec<String>);

/// One thing as it was last told.
#[derive(Debug, Clone)]
struct Kept {
    object: Arc<Map<String, Value>>,
    bytes: usize,
}

/// The things of one collection.
#[derive(Debug, Default)]
struct Shelf {
    objects: IndexMap<String, Kept>,
    gone: IndexSet<String>,
    /// Whether anything was done here, beyond being looked at.
    touched: bool,
}

/// All that is remembered.
#[derive(Debug, Default)]
pub(super) struct Memory(Mutex<Shelves>);

#[derive(Debug, Default)]
struct Shelves {
    all: IndexMap<Key, Shelf>,
    bytes: usize,
}

impl Memory {
    pub(super) fn has(&self, key: &Key) -> bool {
        self.shelves().all.contains_key(key)
    }

    /// Begins a collection with the things that were there before anybody came.
    pub(super) fn begin(&self, key: &Key, first: Vec<(String, Map<String, Value>)>) {
        let mut shelves = self.shelves();
        // Somebody else may have been faster; what they did since must stay.
        if shelves.all.contains_key(key) {
            return;
        }
        shelves.all.insert(key.clone(), Shelf::default());
        for (id, object) in first {
            shelves.put(key, id, object);
        }
        shelves.trim(key);
    }

    pub(super) fn get(&self, key: &Key, id: &str) -> Option<Arc<Map<String, Value>>> {
        let shelves = self.shelves();
        shelves.all.get(key)?.objects.get(id).map(|k| Arc::clone(&k.object))
    }

    pub(super) fn is_gone(&self, key: &Key, id: &str) -> bool {
        self.shelves().all.get(key).is_some_and(|s| s.gone.contains(id))
    }

    /// Whether an id is in use or was.
    pub(super) fn is_taken(&self, key: &Key, id: &str) -> bool {
        let shelves = self.shelves();
        let shelf = shelves.all.get(key);
        shelf.is_some_and(|s| s.objects.contains_key(id) || s.gone.contains(id))
    }

    /// Everything in a collection, oldest first, and whether anything was done there.
    pub(super) fn list(&self, key: &Key) -> (Vec<Arc<Map<String, Value>>>, bool) {
        let shelves = self.shelves();
        let Some(shelf) = shelves.all.get(key) else {
            return (Vec::new(), false);
        };
        let objects = shelf.objects.values().map(|k| Arc::clone(&k.object));
        (objects.collect(), shelf.touched)
    }

    /// Remembers a thing; one with the same id is replaced where it stands.
    pub(super) fn keep(&self, key: &Key, id: String, object: Map<String, Value>) {
        let mut shelves = self.shelves();
        let shelf = shelves.all.entry(key.clone()).or_default();
        shelf.touched = true;
        shelf.gone.shift_remove(&id);
        shelves.put(key, id, object);
        shelves.trim(key);
    }

    pub(super) fn remove(&self, key: &Key, id: &str) {
        let mut shelves = self.shelves();
        let shelf = shelves.all.entry(key.clone()).or_default();
        shelf.touched = true;
        shelf.gone.insert(id.to_owned());
        if shelf.gone.len() > OBJECTS {
            shelf.gone.shift_remove_index(0);
        }
        let freed = shelf.objects.shift_remove(id).map_or(0, |k| k.bytes);
        shelves.bytes = shelves.bytes.saturating_sub(freed);
        shelves.trim(key);
    }

    fn shelves(&self) -> MutexGuard<'_, Shelves> {
        lock(&self.0)
    }
}

impl Shelves {
    fn put(&mut self, key: &Key, id: String, object: Map<String, Value>) {
        let bytes = serde_json::to_vec(&object).map_or(LARGEST, |text| text.len());
        let Some(shelf) = self.all.get_mut(key).filter(|_| bytes < LARGEST) else {
            return;
        };
        let object = Arc::new(object);
        let old = shelf.objects.insert(id, Kept { object, bytes });
        self.bytes = (self.bytes + bytes).saturating_sub(old.map_or(0, |k| k.bytes));
        if shelf.objects.len() > OBJECTS
            && let Some((_, old)) = shelf.objects.shift_remove_index(0)
        {
            self.bytes = self.bytes.saturating_sub(old.bytes);
        }
    }

    /// Forgets until it fits: whole collections nobody did anything in, then the oldest ones; the last one used stays
    /// and loses its oldest things.
    fn trim(&mut self, used: &Key) {
        while self.all.len() > SHELVES || self.bytes > BYTES {
            let others = || self.all.iter().filter(|(key, _)| *key != used);
            let idle = others().find(|(_, shelf)| !shelf.touched);
            let Some(key) = idle.or_else(|| others().next()).map(|(key, _)| key.clone()) else {
                let oldest = self.all.get_mut(used).and_then(|s| s.objects.shift_remove_index(0));
                let Some((_, old)) = oldest else { return };
                self.bytes = self.bytes.saturating_sub(old.bytes);
                continue;
            };
            let lost = self.all.shift_remove(&key);
            let lost: usize = lost.iter().flat_map(|s| s.objects.values()).map(|k| k.bytes).sum();
            self.bytes = self.bytes.saturating_sub(lost);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(number: usize, size: usize) -> Map<String, Value> {
        Map::from_iter([
            ("n".to_owned(), json!(number)),
            ("t".to_owned(), json!("x".repeat(size))),
        ])
    }

    #[test]
    fn the_oldest_goes_where_there_are_too_many() {
        let memory = Memory::default();
        let key = (0, vec![]);
        for number in 0..=OBJECTS {
            memory.keep(&key, number.to_string(), object(number, 1));
        }
        assert_eq!(memory.list(&key).0.len(), OBJECTS);
        assert!(memory.get(&key, "0").is_none() && memory.get(&key, "1").is_some());
        memory.remove(&key, "1");
        assert!(memory.is_gone(&key, "1") && memory.is_taken(&key, "1"));
        memory.keep(&key, "big".to_owned(), object(1, LARGEST));
        assert!(memory.get(&key, "big").is_none());
        for number in 0..60 {
            memory.keep(&(1, vec![]), number.to_string(), object(number, LARGEST - 100));
        }
        assert!(memory.shelves().bytes <= BYTES && !memory.has(&key));
        assert!(memory.get(&(1, vec![]), "59").is_some() && memory.get(&(1, vec![]), "0").is_none());
        for parent in 0..=SHELVES {
            memory.begin(&(2, vec![parent.to_string()]), Vec::new());
        }
        assert!(memory.has(&(1, vec![])) && !memory.has(&(2, vec!["0".to_owned()])));
        assert_eq!(memory.shelves().all.len(), SHELVES);
    }
}
