//! Pairs of schemas as a graph: each is compared once, however many operations lead to it and however it leads back to
//! itself. That bounds circles and time, and it groups what one component's change does everywhere.

use super::book::{Key, Node};
use super::change::{Direction, Severity};
use super::schema::{Fact, Judge, Relation, Side, Step, local};
use super::table::both;
use crate::document::escape;
use std::collections::{HashMap, HashSet, VecDeque};

/// Pairs compared at most. The largest description met has a tenth of it.
const PAIRS: usize = 120_000;
/// Alternatives inside alternatives that are judged.
const NESTED: u8 = 8;

/// One pair, compared or waiting.
#[derive(Debug)]
struct Pair<'a> {
    old: Node<'a>,
    new: Node<'a>,
    direction: Direction,
    textual: bool,
    state: State,
    facts: Vec<Fact>,
    below: Vec<(Step, usize)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    /// Being compared further up: taken for equal meanwhile, as a circle is equal if nothing on it differs.
    Busy,
    Done,
}

/// All pairs met so far.
#[derive(Debug)]
pub(super) struct Graph<'a> {
    side: Side<'a>,
    known: HashMap<(Key, Key, Direction, bool), usize>,
    pairs: Vec<Pair<'a>>,
    judged: HashMap<usize, Relation>,
    exhausted: bool,
}

/// A fact as one operation meets it.
#[derive(Debug)]
pub(super) struct Met<'g> {
    pub fact: &'g Fact,
    /// For people: `items[].name`.
    pub shown: String,
    /// JSON pointer with `*` for any entry.
    pub field: String,
}

impl<'a> Graph<'a> {
    pub fn new(side: Side<'a>) -> Self {
        Self {
            side,
            known: HashMap::new(),
            pairs: Vec::new(),
            judged: HashMap::new(),
            exhausted: false,
        }
    }

    /// Whether there was more to compare than is compared.
    pub fn exhausted(&self) -> bool {
        self.exhausted
    }

    /// The pair of two schemas, compared all the way down.
    pub fn compare(&mut self, old: Node<'a>, new: Node<'a>, direction: Direction, textual: bool) -> usize {
        let root = self.pair(old, new, direction, textual);
        let mut waiting = vec![root];
        let mut seen = HashSet::new();
        while let Some(id) = waiting.pop() {
            if seen.insert(id) {
                self.settle(id, 0);
                waiting.extend(self.below(id));
            }
        }
        root
    }

    /// Everything that differs below a pair, each once, by the shortest way there.
    pub fn met(&self, root: usize) -> Vec<Met<'_>> {
        let mut all = Vec::new();
        let mut seen = HashSet::from([root]);
        let mut waiting = VecDeque::from([(root, String::new(), String::new())]);
        while let Some((id, shown, field)) = waiting.pop_front() {
            let Some(pair) = self.pairs.get(id) else { continue };
            for fact in &pair.facts {
                let (shown, field) = match &fact.name {
                    Some(name) => walked(&shown, &field, &Step::Property(name.clone())),
                    None => (shown.clone(), field.clone()),
                };
                all.push(Met { fact, shown, field });
            }
            for (step, next) in &pair.below {
                if seen.insert(*next) {
                    let (shown, field) = walked(&shown, &field, step);
                    waiting.push_back((*next, shown, field));
                }
            }
        }
        all
    }

    fn below(&self, id: usize) -> Vec<usize> {
        let below = self.pairs.get(id).map(|p| p.below.as_slice()).unwrap_or_default();
        below.iter().map(|(_, next)| *next).collect()
    }

    fn pair(&mut self, old: Node<'a>, new: Node<'a>, direction: Direction, textual: bool) -> usize {
        let key = (old.key(), new.key(), direction, textual);
        if let Some(id) = self.known.get(&key) {
            return *id;
        }
        let id = self.pairs.len();
        self.pairs.push(Pair {
            old,
            new,
            direction,
            textual,
            state: State::Waiting,
            facts: Vec::new(),
            below: Vec::new(),
        });
        self.known.insert(key, id);
        id
    }

    /// Compares one pair, if that is still to do.
    fn settle(&mut self, id: usize, depth: u8) {
        let full = self.pairs.len() > PAIRS;
        let Some(pair) = self.pairs.get_mut(id) else { return };
        if pair.state != State::Waiting {
            return;
        }
        if full {
            self.exhausted = true;
            return;
        }
        pair.state = State::Busy;
        let (old, new, direction, textual) = (pair.old.clone(), pair.new.clone(), pair.direction, pair.textual);
        let side = Side {
            direction,
            textual,
            ..self.side
        };
        let mut asked = Asked {
            graph: self,
            direction,
            textual,
            depth,
        };
        let found = local(side, &old, &new, &mut asked);
        let below: Vec<(Step, usize)> = found
            .below
            .into_iter()
            .map(|b| (b.step, self.pair(b.old, b.new, direction, textual)))
            .collect();
        if let Some(pair) = self.pairs.get_mut(id) {
            pair.facts = found.facts;
            pair.below = below;
            pair.state = State::Done;
        }
    }

    /// How the two of a pair stand to each other; stops as soon as neither covers the other.
    fn judge(&mut self, root: usize, depth: u8) -> Relation {
        if let Some(known) = self.judged.get(&root) {
            return *known;
        }
        let mut relation = Relation {
            covers: true,
            covered: true,
            equal: true,
        };
        let mut settled = true;
        let mut seen = HashSet::new();
        let mut waiting = vec![root];
        while let Some(id) = waiting.pop() {
            if !seen.insert(id) {
                continue;
            }
            self.settle(id, depth);
            let Some(pair) = self.pairs.get(id) else { continue };
            settled &= pair.state == State::Done;
            for fact in &pair.facts {
                let (sent, received) = both(fact.keyword, fact.effect);
                relation.equal = false;
                relation.covers &= sent == Severity::Safe;
                relation.covered &= received == Severity::Safe;
            }
            if !relation.covers && !relation.covered {
                settled = true;
                break;
            }
            waiting.extend(self.below(id));
        }
        if settled {
            self.judged.insert(root, relation);
        }
        relation
    }
}

/// The graph as a judge, within one direction.
struct Asked<'g, 'a> {
    graph: &'g mut Graph<'a>,
    direction: Direction,
    textual: bool,
    depth: u8,
}

impl<'a> Judge<'a> for Asked<'_, 'a> {
    fn relation(&mut self, old: &Node<'a>, new: &Node<'a>) -> Relation {
        if self.depth >= NESTED {
            let named = old.name.is_some() && old.name == new.name;
            let written = old.parts.iter().map(|p| p.value).eq(new.parts.iter().map(|p| p.value));
            let equal = named || written;
            return Relation {
                covers: equal,
                covered: equal,
                equal,
            };
        }
        let id = self.graph.pair(old.clone(), new.clone(), self.direction, self.textual);
        self.graph.judge(id, self.depth + 1)
    }
}

/// A way, one step further.
fn walked(shown: &str, field: &str, step: &Step) -> (String, String) {
    match step {
        Step::Property(name) if shown.is_empty() => (name.clone(), format!("/{}", escape(name))),
        Step::Property(name) => (format!("{shown}.{name}"), format!("{field}/{}", escape(name))),
        Step::Other => (format!("{shown}.*"), format!("{field}/*")),
        Step::Item => (format!("{shown}[]"), format!("{field}/*")),
        Step::Index(index) => (format!("{shown}[{index}]"), format!("{field}/{index}")),
        Step::Same => (shown.to_owned(), field.to_owned()),
    }
}
