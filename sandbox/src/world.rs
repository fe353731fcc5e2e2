//! One developer's state: the matters made in it, its clock, its timers, and what it has to write down to survive.
//! Bounded: the oldest matter of a full world goes first.

use crate::clock::{Turn, WorldClock};
use crate::links::Flow;
use crate::mock::Memory;
use crate::parts::{Change, Part};
use crate::state::{Event, Matter, Offer};
use crate::timeline::{self, Happening, Kind};
use hub_core::time::Timestamp;
use hub_core::{Problem, ProblemCode, SystemId, Text};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

/// Offers kept; beyond that all are forgotten, they are shown again with the next look.
const OFFERS: usize = 20_000;
/// Descriptions that remember at a time.
const MEMORIES: usize = 200;
/// Bytes of all matters together, about; the oldest goes first.
const BYTES: usize = 64 << 20;
/// Bytes of what descriptions remember, together; the one that remembers most goes first, of those that nobody is at.
const MEMORY_BYTES: usize = 128 << 20;
/// Happenings that can be read again, once they are written down.
const HAPPENINGS: usize = 10_000;

/// What a world says of itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Head {
    /// The word its answers are invented from; a fork keeps it.
    origin: String,
    clock: WorldClock,
    next: u64,
    /// Up to when it was told what happened.
    told: Timestamp,
    /// Happenings so far.
    happenings: u64,
}

/// One developer's state.
#[derive(Debug, Clone)]
pub(crate) struct World {
    head: Head,
    matters: BTreeMap<u64, Arc<Matter>>,
    /// What the matters take in memory.
    bytes: usize,
    index: HashMap<(SystemId, String), Vec<u64>>,
    /// Places offered, by service and key: what a booking of one of them is about.
    offers: HashMap<(String, String), Offer>,
    /// Owners whose invented past has been written, by system.
    remembered: HashSet<String>,
    /// When the next thing happens to which matter.
    due: BTreeSet<(Timestamp, u64)>,
    happened: VecDeque<Arc<Happening>>,
    /// Number of the last happening that is known to be written down.
    kept: u64,
    memories: BTreeMap<String, Arc<Memory>>,
    /// What was changed since it was last written down; `None` for a world that nobody writes down.
    changed: Option<BTreeSet<Part>>,
}

impl World {
    pub(crate) fn new(origin: &str, clock: WorldClock, machine: Timestamp) -> Self {
        Self {
            head: Head {
                origin: origin.to_owned(),
                clock,
                next: 0,
                told: clock.now(machine),
                happenings: 0,
            },
            matters: BTreeMap::new(),
            bytes: 0,
            index: HashMap::new(),
            offers: HashMap::new(),
            remembered: HashSet::new(),
            due: BTreeSet::new(),
            happened: VecDeque::new(),
            kept: 0,
            memories: BTreeMap::new(),
            changed: None,
        }
    }

    /// From now on what is changed is noted.
    pub(crate) fn recording(mut self) -> Self {
        self.changed = Some(BTreeSet::from([Part::Head]));
        for memory in self.memories.values() {
            memory.record();
        }
        self
    }

    /// The same world apart from this one; what it needs to be written down is all noted in the one it came from.
    pub(crate) fn apart(&self) -> Self {
        let memories = self
            .memories
            .iter()
            .map(|(name, m)| (name.clone(), Arc::new(m.apart())));
        Self {
            memories: memories.collect(),
            changed: Some(BTreeSet::new()),
            ..self.clone()
        }
    }

    fn note(&mut self, part: Part) {
        if let Some(changed) = &mut self.changed {
            changed.insert(part);
        }
    }

    pub(crate) fn origin(&self) -> &str {
        &self.head.origin
    }

    pub(crate) fn clock(&self) -> WorldClock {
        self.head.clock
    }

    /// The number the next matter will get; part of its seed and its handle.
    pub(crate) fn next(&self) -> u64 {
        self.head.next
    }

    /// A matter by one of its handles, if somebody with these numbers may see it.
    pub(crate) fn find(&self, system: &SystemId, handle: &str, numbers: &[String]) -> Option<(u64, &Matter)> {
        let ids = self.index.get(&(system.clone(), handle.to_owned()))?;
        let matters = ids.iter().filter_map(|id| Some((*id, self.matters.get(id)?.as_ref())));
        matters.into_iter().find(|(_, m)| m.is_visible_to(numbers))
    }

    /// Whether anybody's matter has this handle.
    pub(crate) fn is_taken(&self, system: &SystemId, handle: &str) -> bool {
        self.index.contains_key(&(system.clone(), handle.to_owned()))
    }

    /// The matters of a system, newest first.
    pub(crate) fn of<'a>(&'a self, system: &'a SystemId) -> impl Iterator<Item = &'a Matter> {
        let matters = self.matters.values().rev().map(AsRef::as_ref);
        matters.filter(move |m| m.system == *system)
    }

    /// The cases with a handle, whatever their system.
    pub(crate) fn with_handle(&self, handle: &str) -> Vec<u64> {
        let named = |m: &Matter| m.handles.iter().any(|h| h == handle);
        let found = self.matters.iter().filter(|(_, m)| named(m));
        found.map(|(id, _)| *id).collect()
    }

    pub(crate) fn matter(&self, id: u64) -> Option<&Matter> {
        self.matters.get(&id).map(AsRef::as_ref)
    }

    /// Keeps a matter.
    pub(crate) fn add(&mut self, matter: Matter, limit: usize) {
        while self.matters.len() >= limit.max(1) {
            let Some((id, _)) = self.matters.first_key_value() else {
                break;
            };
            self.remove(*id);
        }
        let id = self.head.next;
        self.head.next += 1;
        self.note(Part::Head);
        let now = self.head.told;
        // What lies in the past was written with it: nobody saw it happen.
        if matter.created >= now {
            self.tell(now, Kind::Submitted, &matter);
            if matter.flow == Flow::Order && !matter.held {
                // Whoever reads it from here on finds it paid.
                self.tell(now, Kind::Paid, &matter);
            }
            for (_, event) in &matter.events {
                self.tell(now, Kind::from(*event), &matter);
            }
        }
        self.put(id, matter);
    }

    fn put(&mut self, id: u64, matter: Matter) {
        for handle in &matter.handles {
            let key = (matter.system.clone(), handle.clone());
            self.index.entry(key).or_default().push(id);
        }
        if let Some((at, _)) = timeline::next_after(&matter, self.head.told) {
            self.due.insert((at, id));
        }
        self.bytes += matter.weight();
        self.matters.insert(id, Arc::new(matter));
        self.note(Part::Matter(id));
        while self.bytes > BYTES {
            let Some(oldest) = self.matters.keys().copied().find(|other| *other != id) else {
                break;
            };
            self.remove(oldest);
        }
    }

    fn forget(&mut self, id: u64, old: &Matter) {
        self.bytes = self.bytes.saturating_sub(old.weight());
        if let Some((at, _)) = timeline::next_after(old, self.head.told) {
            self.due.remove(&(at, id));
        }
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
            self.note(Part::Matter(id));
        }
    }

    /// Changes a matter. What happened to it is told.
    pub(crate) fn change(&mut self, id: u64, with: impl FnOnce(&mut Matter)) {
        let Some(old) = self.matters.remove(&id) else { return };
        self.forget(id, &old);
        let mut matter = (*old).clone();
        with(&mut matter);
        let events: Vec<Event> = matter.events.iter().skip(old.events.len()).map(|(_, e)| *e).collect();
        for event in events {
            self.tell(self.head.told, Kind::from(event), &matter);
        }
        self.put(id, matter);
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

    /// True the first time it is asked for an owner in a system.
    pub(crate) fn remember(&mut self, system: &SystemId, owner: &str) -> bool {
        let word = format!("{system} {owner}");
        let first = self.remembered.insert(word.clone());
        if first {
            self.note(Part::Past(word));
        }
        first
    }

    /// Matters kept.
    pub(crate) fn len(&self) -> usize {
        self.matters.len()
    }

    /// What it holds: matters, and about how many bytes, with what descriptions remember.
    pub(crate) fn held(&self) -> (usize, usize) {
        (self.len(), self.bytes + self.memory_bytes())
    }

    fn memory_bytes(&self) -> usize {
        self.memories.values().map(|m| m.bytes()).sum()
    }

    /// Things kept for descriptions that no catalog holds.
    pub(crate) fn things(&self) -> usize {
        self.memories.values().map(|m| m.len()).sum()
    }

    /// Where a description keeps its things in this world.
    pub(crate) fn memory(&mut self, name: &str) -> Arc<Memory> {
        let recording = self.changed.is_some();
        let make = || {
            let memory = Memory::default();
            if recording {
                memory.record();
            }
            Arc::new(memory)
        };
        let full = self.memories.len() >= MEMORIES && !self.memories.contains_key(name);
        if full || self.memory_bytes() > MEMORY_BYTES {
            // One that nobody is at and that is written down as it is.
            let idle = self
                .memories
                .iter()
                .filter(|(other, m)| *other != name && Arc::strong_count(m) == 1 && !m.is_changed());
            let largest = idle.max_by_key(|(_, m)| m.bytes()).map(|(name, _)| name.clone());
            largest.and_then(|name| self.memories.remove(&name));
        }
        Arc::clone(self.memories.entry(name.to_owned()).or_insert_with(make))
    }

    /// What time it is, after everything that was due has happened.
    pub(crate) fn now(&mut self, machine: Timestamp) -> Timestamp {
        let now = self.head.clock.now(machine);
        self.pass(now);
        now
    }

    /// Lets everything happen that is due, in order; what happened.
    fn pass(&mut self, now: Timestamp) -> Vec<Arc<Happening>> {
        let mut happened = Vec::new();
        while let Some((at, id)) = self.due.first().copied().filter(|(at, _)| *at <= now) {
            self.due.remove(&(at, id));
            let Some(matter) = self.matters.get(&id).cloned() else {
                continue;
            };
            let all = timeline::coming(&matter);
            for (_, kind) in all.iter().filter(|(when, _)| *when == at) {
                happened.push(self.tell(at, *kind, &matter));
            }
            if let Some((next, _)) = all.into_iter().find(|(when, _)| *when > at) {
                self.due.insert((next, id));
            }
        }
        if !happened.is_empty() {
            self.note(Part::Head);
        }
        self.head.told = self.head.told.max(now);
        happened
    }

    fn tell(&mut self, at: Timestamp, kind: Kind, matter: &Matter) -> Arc<Happening> {
        self.head.happenings += 1;
        let happening = Arc::new(Happening {
            number: self.head.happenings,
            at,
            kind,
            system: matter.system.clone(),
            service: matter.service.clone(),
            operation: Arc::clone(&matter.made_by),
            case: matter.handles.first().cloned(),
            flow: Some(matter.flow),
            owners: matter.owners.clone(),
        });
        // What is not written down yet is told to nobody yet.
        let kept = if self.changed.is_some() { self.kept } else { u64::MAX };
        while self.happened.len() >= HAPPENINGS && self.happened.front().is_some_and(|old| old.number <= kept) {
            if let Some(old) = self.happened.pop_front() {
                self.note(Part::Told(old.number));
            }
        }
        self.happened.push_back(Arc::clone(&happening));
        self.note(Part::Told(happening.number));
        self.note(Part::Head);
        happening
    }

    /// Happenings after a number, oldest first.
    pub(crate) fn happened(&self, after: u64, most: usize) -> Vec<Arc<Happening>> {
        let later = self.happened.iter().filter(|h| h.number > after);
        later.take(most).cloned().collect()
    }

    /// Turns the clock; what happened on the way.
    ///
    /// # Errors
    /// Backwards, once anything is in the world; beyond the calendar.
    pub(crate) fn turn(&mut self, turn: &Turn, machine: Timestamp) -> Result<Vec<Arc<Happening>>, Problem> {
        let before = self.now(machine);
        let clock = self.head.clock.turned(turn, machine)?;
        let after = clock.now(machine);
        if after < before && (!self.matters.is_empty() || self.things() > 0) {
            let expected = Text::new("不早于此刻的时间", "a moment that is not before now");
            return Err(Problem::new(ProblemCode::ValidationFailed)
                .detail(
                    "世界里已有办件，时钟不能回拨；请重置世界或从快照复制",
                    "There are matters in this world, so its clock does not go back; reset it or fork a snapshot",
                )
                .at("/set", expected, hub_core::time::rfc3339(after)));
        }
        self.head.clock = clock;
        self.note(Part::Head);
        if after < before {
            self.head.told = after;
        }
        Ok(self.pass(after))
    }

    /// What has to be written down since the last time it was asked.
    pub(crate) fn changes(&mut self) -> Vec<Change> {
        let Some(changed) = self.changed.as_mut().map(std::mem::take) else {
            return Vec::new();
        };
        let mut all: Vec<Change> = changed.into_iter().map(|part| self.written(&part)).collect();
        for (name, memory) in &self.memories {
            let own = memory.changes().into_iter();
            all.extend(own.map(|(key, body)| Change {
                key: format!("d/{name}/{key}"),
                body,
            }));
        }
        all
    }

    /// Whether anything waits to be written down.
    pub(crate) fn is_changed(&self) -> bool {
        self.changed.as_ref().is_some_and(|changed| !changed.is_empty())
            || self.memories.values().any(|m| m.is_changed())
    }

    /// Notes that these parts are written down.
    pub(crate) fn written_down(&mut self, keys: &[String]) {
        let numbers = keys.iter().filter_map(|key| match Part::read(key) {
            Some(Part::Told(number)) => Some(number),
            _ => None,
        });
        self.kept = numbers.max().unwrap_or(0).max(self.kept);
    }

    /// When the next thing is due, by the machine's time; nothing while the clock stands.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        let (at, _) = self.due.first()?;
        self.head.clock.machine_at(*at)
    }

    /// Notes again what could not be written down.
    pub(crate) fn change_again(&mut self, keys: &[String]) {
        for key in keys {
            if let Some((name, key)) = key.strip_prefix("d/").and_then(|rest| rest.split_once('/')) {
                if let Some(memory) = self.memories.get(name) {
                    memory.change_again(key);
                }
            } else if let Some(part) = Part::read(key) {
                self.note(part);
            }
        }
    }

    fn written(&self, part: &Part) -> Change {
        let body = match part {
            Part::Head => serde_json::to_string(&self.head).ok(),
            Part::Matter(id) => self
                .matters
                .get(id)
                .and_then(|m| serde_json::to_string(m.as_ref()).ok()),
            Part::Past(word) => self.remembered.contains(word).then(|| "true".to_owned()),
            Part::Told(number) => {
                let first = self.happened.front().map_or(0, |h| h.number);
                let place = number.checked_sub(first).and_then(|n| usize::try_from(n).ok());
                let happening = place.and_then(|place| self.happened.get(place));
                happening.and_then(|h| serde_json::to_string(h.as_ref()).ok())
            }
        };
        Change { key: part.key(), body }
    }

    /// A world from what was written down; `None` if that is no world.
    pub(crate) fn read(parts: &[(String, String)]) -> Option<Self> {
        let head = parts.iter().find(|(key, _)| *key == Part::Head.key())?;
        let head: Head = serde_json::from_str(&head.1).ok()?;
        let mut world = Self::new(&head.origin, head.clock, Timestamp::UNIX_EPOCH);
        world.head = head;
        let mut told = BTreeMap::new();
        for (key, body) in parts {
            if let Some((name, key)) = key.strip_prefix("d/").and_then(|rest| rest.split_once('/')) {
                world.memory(name).read(key, body);
                continue;
            }
            match Part::read(key)? {
                Part::Head => {}
                Part::Matter(id) => world.put(id, serde_json::from_str(body).ok()?),
                Part::Past(word) => drop(world.remembered.insert(word)),
                Part::Told(number) => drop(told.insert(number, Arc::new(serde_json::from_str(body).ok()?))),
            }
        }
        world.happened = told.into_values().collect();
        world.kept = world.head.happenings;
        Some(world)
    }
}

#[cfg(test)]
#[path = "world_tests.rs"]
mod tests;
