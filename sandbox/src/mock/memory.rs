//! What was made, changed and removed, bounded: a mock that runs for weeks must not grow.

use crate::state::lock;
use hub_core::time::Timestamp;
use indexmap::{IndexMap, IndexSet};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
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
pub(crate) type Key = (usize, Vec<String>);

/// What became of a thing under a scenario: papers it waits for, and when it is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fate {
    pub papers: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided: Option<Timestamp>,
}

/// One thing as it was last told.
#[derive(Debug, Clone)]
struct Kept {
    object: Arc<Map<String, Value>>,
    bytes: usize,
    /// Place among those that were made here.
    number: u64,
    fate: Option<Fate>,
}

/// A thing as it is written down.
#[derive(Serialize, Deserialize)]
struct Written {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    object: Option<Map<String, Value>>,
    #[serde(default)]
    number: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fate: Option<Fate>,
}

/// The things of one collection.
#[derive(Debug, Clone, Default)]
struct Shelf {
    objects: IndexMap<String, Kept>,
    gone: IndexSet<String>,
    /// Whether anything was done here, beyond being looked at.
    touched: bool,
}

/// What a description remembers.
#[derive(Debug, Default)]
pub struct Memory(Mutex<Shelves>);

#[derive(Debug, Clone, Default)]
struct Shelves {
    all: IndexMap<Key, Shelf>,
    bytes: usize,
    number: u64,
    /// What was changed since it was last written down; `None` for a memory that nobody writes down.
    changed: Option<BTreeSet<(Key, String)>>,
}

/// A thing, and what became of it.
pub(super) type Thing = (Arc<Map<String, Value>>, Option<Fate>);

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
            shelves.put(key, id, object, None);
        }
        shelves.trim(key);
    }

    pub(crate) fn get(&self, key: &Key, id: &str) -> Option<Arc<Map<String, Value>>> {
        self.thing(key, id).map(|(object, _)| object)
    }

    pub(super) fn thing(&self, key: &Key, id: &str) -> Option<Thing> {
        let shelves = self.shelves();
        let kept = shelves.all.get(key)?.objects.get(id)?;
        Some((Arc::clone(&kept.object), kept.fate))
    }

    /// Bytes of what it remembers, as JSON.
    pub(crate) fn bytes(&self) -> usize {
        self.shelves().bytes
    }

    pub(crate) fn is_gone(&self, key: &Key, id: &str) -> bool {
        self.shelves().all.get(key).is_some_and(|s| s.gone.contains(id))
    }

    /// Whether an id is in use or was.
    pub(super) fn is_taken(&self, key: &Key, id: &str) -> bool {
        let shelves = self.shelves();
        let shelf = shelves.all.get(key);
        shelf.is_some_and(|s| s.objects.contains_key(id) || s.gone.contains(id))
    }

    /// Everything in a collection, oldest first, and whether anything was done there.
    pub(super) fn list(&self, key: &Key) -> (Vec<Thing>, bool) {
        let shelves = self.shelves();
        let Some(shelf) = shelves.all.get(key) else {
            return (Vec::new(), false);
        };
        let objects = shelf.objects.values().map(|k| (Arc::clone(&k.object), k.fate));
        (objects.collect(), shelf.touched)
    }

    /// Remembers a thing; one with the same id is replaced where it stands, and what was to become of it stays.
    #[cfg(test)]
    pub(crate) fn keep(&self, key: &Key, id: String, object: Map<String, Value>) {
        self.keep_with(key, id, object, None);
    }

    pub(super) fn keep_with(&self, key: &Key, id: String, object: Map<String, Value>, fate: Option<Fate>) {
        let mut shelves = self.shelves();
        shelves.touch(key).gone.shift_remove(&id);
        shelves.note(key, &id);
        shelves.put(key, id, object, fate);
        shelves.trim(key);
    }

    pub(crate) fn remove(&self, key: &Key, id: &str) {
        let mut shelves = self.shelves();
        let shelf = shelves.touch(key);
        shelf.gone.insert(id.to_owned());
        let forgotten = (shelf.gone.len() > OBJECTS)
            .then(|| shelf.gone.shift_remove_index(0))
            .flatten();
        let freed = shelf.objects.shift_remove(id).map_or(0, |k| k.bytes);
        shelves.bytes = shelves.bytes.saturating_sub(freed);
        shelves.note(key, id);
        if let Some(forgotten) = forgotten {
            shelves.note(key, &forgotten);
        }
        shelves.trim(key);
    }

    /// From now on what is changed is noted.
    pub(crate) fn record(&self) {
        self.shelves().changed.get_or_insert_with(BTreeSet::new);
    }

    /// The same memory apart from this one.
    pub(crate) fn apart(&self) -> Self {
        let mut shelves = self.shelves().clone();
        shelves.changed = Some(BTreeSet::new());
        Self(Mutex::new(shelves))
    }

    /// Things that somebody made or changed.
    pub(crate) fn len(&self) -> usize {
        let shelves = self.shelves();
        shelves
            .all
            .values()
            .filter(|s| s.touched)
            .map(|s| s.objects.len())
            .sum()
    }

    pub(crate) fn is_changed(&self) -> bool {
        self.shelves()
            .changed
            .as_ref()
            .is_some_and(|changed| !changed.is_empty())
    }

    /// What has to be written down since the last time it was asked: where, and what; nothing for what is gone from memory.
    pub(crate) fn changes(&self) -> Vec<(String, Option<String>)> {
        let mut shelves = self.shelves();
        let changed = shelves.changed.as_mut().map(std::mem::take).unwrap_or_default();
        let written = changed.into_iter().map(|(key, id)| {
            let body = shelves.written(&key, &id).and_then(|w| serde_json::to_string(&w).ok());
            (place_of(&key, &id), body)
        });
        written.collect()
    }

    /// Notes again what could not be written down.
    pub(crate) fn change_again(&self, place: &str) {
        if let Some((key, id)) = read_place(place) {
            self.shelves().note(&key, &id);
        }
    }

    /// Takes in what was written down.
    pub(crate) fn read(&self, place: &str, body: &str) {
        let (Some((key, id)), Ok(written)) = (read_place(place), serde_json::from_str::<Written>(body)) else {
            return;
        };
        let mut shelves = self.shelves();
        shelves.number = shelves.number.max(written.number);
        let shelf = shelves.all.entry(key.clone()).or_default();
        shelf.touched = true;
        match written.object {
            None => drop(shelf.gone.insert(id)),
            Some(object) => {
                let bytes = serde_json::to_vec(&object).map_or(0, |text| text.len());
                let (object, number, fate) = (Arc::new(object), written.number, written.fate);
                let kept = Kept {
                    object,
                    bytes,
                    number,
                    fate,
                };
                shelf.objects.insert(id, kept);
                shelf.objects.sort_by(|_, a, _, b| a.number.cmp(&b.number));
                shelves.bytes += bytes;
            }
        }
    }

    fn shelves(&self) -> MutexGuard<'_, Shelves> {
        lock(&self.0)
    }
}

fn place_of(key: &Key, id: &str) -> String {
    serde_json::json!([key.0, key.1, id]).to_string()
}

fn read_place(place: &str) -> Option<(Key, String)> {
    let (index, parents, id) = serde_json::from_str(place).ok()?;
    Some(((index, parents), id))
}

impl Shelves {
    /// A collection in which something is done. Once that is so, all of it is worth writing down.
    fn touch(&mut self, key: &Key) -> &mut Shelf {
        let shelf = self.all.entry(key.clone()).or_default();
        if !shelf.touched
            && let Some(changed) = &mut self.changed
        {
            changed.extend(shelf.objects.keys().map(|id| (key.clone(), id.clone())));
        }
        shelf.touched = true;
        shelf
    }

    fn note(&mut self, key: &Key, id: &str) {
        if let Some(changed) = &mut self.changed {
            changed.insert((key.clone(), id.to_owned()));
        }
    }

    fn written(&self, key: &Key, id: &str) -> Option<Written> {
        let shelf = self.all.get(key).filter(|s| s.touched)?;
        let kept = shelf.objects.get(id);
        let there = kept.is_some() || shelf.gone.contains(id);
        there.then(|| Written {
            object: kept.map(|k| (*k.object).clone()),
            number: kept.map_or(0, |k| k.number),
            fate: kept.and_then(|k| k.fate),
        })
    }

    fn put(&mut self, key: &Key, id: String, object: Map<String, Value>, fate: Option<Fate>) {
        let bytes = serde_json::to_vec(&object).map_or(LARGEST, |text| text.len());
        let Some(shelf) = self.all.get_mut(key).filter(|_| bytes < LARGEST) else {
            return;
        };
        let before = shelf.objects.get(&id).map(|k| k.number);
        let number = before.unwrap_or(self.number + 1);
        self.number = self.number.max(number);
        let object = Arc::new(object);
        let kept = Kept {
            object,
            bytes,
            number,
            fate,
        };
        let old = shelf.objects.insert(id, kept);
        self.bytes = (self.bytes + bytes).saturating_sub(old.map_or(0, |k| k.bytes));
        if shelf.objects.len() > OBJECTS
            && let Some((id, old)) = shelf.objects.shift_remove_index(0)
        {
            self.bytes = self.bytes.saturating_sub(old.bytes);
            self.note(key, &id);
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
                let Some((id, old)) = oldest else { return };
                self.bytes = self.bytes.saturating_sub(old.bytes);
                self.note(used, &id);
                continue;
            };
            let Some(lost) = self.all.shift_remove(&key) else {
                continue;
            };
            let bytes: usize = lost.objects.values().map(|k| k.bytes).sum();
            self.bytes = self.bytes.saturating_sub(bytes);
            for id in lost.objects.keys().chain(&lost.gone) {
                self.note(&key, id);
            }
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
