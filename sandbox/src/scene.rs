//! One call in one world: finds out what it means for the matters there and plays it.

use crate::answer::{self, Wish};
use crate::invent::{Inventor, Spot, Style};
use crate::lifecycle::members;
use crate::links::{Flow, Links, Role, Turn, given, in_path};
use crate::paging::{Window, paging};
use crate::party::Party;
use crate::pattern::Patterns;
use crate::scenario::{Twist, not_found};
use crate::seed::Seed;
use crate::state::{Matter, lock};
use crate::vocabulary::Vocabulary;
use crate::world::World;
use crate::{Contracts, invent};
use hub_core::time::Timestamp;
use hub_core::{Archetype, Effect, Operation, Problem, Shape};
use serde_json::{Map, Value};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// Everything one call depends on.
pub(crate) struct Scene<'a> {
    pub contracts: &'a dyn Contracts,
    pub words: &'a Vocabulary,
    pub patterns: &'a Patterns,
    pub links: &'a Links,
    pub role: Option<&'a Role>,
    pub operation: &'a Operation,
    pub input: &'a Map<String, Value>,
    pub party: &'a Party<'a>,
    pub now: Timestamp,
    pub style: Style,
    pub twist: Option<Twist>,
    /// Grown by world, operation and input, paging left out.
    pub seed: Seed,
    pub world: &'a Mutex<World>,
    pub limit: usize,
}

impl Scene<'_> {
    /// Plays the call.
    pub(crate) fn play(&self) -> Result<Value, Problem> {
        let Some(role) = self.role else {
            return self.plain(Map::new());
        };
        let handles = given(role, self.input);
        let (found, taken) = self.find(&handles);
        let example = handles.iter().any(|h| self.links.is_example(h));
        let reads = self.operation.effect == Effect::None;
        match found {
            Some((_, matter)) if reads && role.turn == Some(Turn::Verify) => self.verdict("match", Some(&matter)),
            Some((_, matter)) if reads => self.read(&matter),
            Some(_) if self.refers(role) => self.create(role),
            Some((_, matter)) if matter.made_by == self.operation.id => self.again(&matter),
            Some(_) if self.names_it_anew(role) => Err(self.conflict()),
            Some((id, matter)) => self.change(id, &matter, role),
            None if handles.is_empty() && reads => self.look(role),
            None if handles.is_empty() => self.create(role),
            None if taken && !reads && !role.made_elsewhere => Err(self.conflict()),
            None if taken => Err(not_found()),
            None if reads && example => self.look(role),
            None if reads && role.made_elsewhere && self.can_doubt() => self.verdict("unknown", None),
            None if reads && role.made_elsewhere => Err(not_found()),
            None if reads => self.look(role),
            None if example && self.refers(role) => self.create(role),
            None if example && (role.made_elsewhere || role.turn.is_some()) => self.adopt(&handles, role),
            None if role.made_elsewhere => Err(not_found()),
            None => self.create(role),
        }
    }

    /// Whether the handle given only refers to an earlier matter, and a new case is made about it.
    pub(crate) fn refers(&self, role: &Role) -> bool {
        let in_body = role.takes.iter().any(|t| !in_path(self.operation, t));
        let makes = self.operation.effect == Effect::Once && role.turn.is_none() && !role.gives.is_empty();
        makes && in_body && role.flow == Flow::Case && role.made_elsewhere
    }

    /// Whether the caller chooses the handle of what is made: an order number. Somebody else's use of it is no update.
    fn names_it_anew(&self, role: &Role) -> bool {
        let chosen = |name: &String| role.gives.contains(name) && !in_path(self.operation, name);
        let makes = self.operation.effect == Effect::Once && role.turn.is_none() && !role.made_elsewhere;
        makes && role.takes.iter().any(chosen)
    }

    fn find(&self, handles: &[String]) -> (Option<(u64, Matter)>, bool) {
        let world = lock(self.world);
        let system = &self.operation.system;
        let found = handles.iter().find_map(|h| world.find(system, h, &self.party.owners));
        let found = found.map(|(id, matter)| (id, matter.clone()));
        (found, handles.iter().any(|h| world.is_taken(system, h)))
    }

    /// The answer with what the state knows of it.
    pub(crate) fn make(&self, seed: Seed, fixed: Map<String, Value>) -> Result<Value, Problem> {
        self.make_with(seed, fixed, None, None, self.style)
    }

    pub(crate) fn make_with(
        &self,
        seed: Seed,
        fixed: Map<String, Value>,
        rows: Option<(String, Vec<answer::Row>)>,
        window: Option<Window>,
        style: Style,
    ) -> Result<Value, Problem> {
        let wish = Wish {
            operation: self.operation,
            input: self.input,
            party: self.party,
            now: self.now,
            style,
            seed,
            fixed,
            rows,
            window,
        };
        answer::make(self.contracts, self.words, self.patterns, &wish)
    }

    /// A read that finds nothing kept: a list, free places, a bill, or just a fact.
    fn look(&self, role: &Role) -> Result<Value, Problem> {
        if role.takes.is_empty() || given(role, self.input).is_empty() {
            if let Some((list, field)) = &role.lists {
                return self.list(list, field);
            }
            if role.turn == Some(Turn::Slots) {
                return self.slots();
            }
        }
        if role.turn == Some(Turn::Bill) && self.is_settled() {
            return self.plain(self.nothing_due());
        }
        if role.turn == Some(Turn::Verify) || role.archetype == Some(Archetype::Verification) {
            return self.verdict("match", None);
        }
        self.plain(Map::new())
    }

    /// A fact from the contract alone.
    fn plain(&self, mut fixed: Map<String, Value>) -> Result<Value, Problem> {
        let blank = self.party.is("no-record") && self.operation.effect == Effect::None && self.is_query();
        let lists = self.operation.output.children.iter().any(|c| c.item.is_some());
        if blank && !lists {
            return Err(not_found());
        }
        let style = if blank { Style::Empty } else { self.style };
        let page = paging(
            &self.words.paging,
            self.input,
            &self.operation.input,
            &self.operation.output,
        );
        let mut window = None;
        if let Some((page, list, total)) = page {
            let all = self.virtual_total(style);
            window = Some(page.window(list, all));
            if let Some(total) = total {
                fixed.insert(total.to_owned(), Value::from(all));
            }
        } else if style == Style::Empty {
            let totals = self
                .words
                .paging
                .total
                .iter()
                .filter(|t| self.operation.output.child(t).is_some());
            fixed.extend(totals.map(|t| (t.clone(), Value::from(0))));
        }
        let body = self.make_with(self.seed, fixed, None, window, style)?;
        self.remember(&body);
        Ok(body)
    }

    fn is_query(&self) -> bool {
        let bound_number = !self.party.owners.is_empty();
        bound_number
            && self
                .role
                .is_none_or(|r| r.archetype.is_none_or(|a| a == Archetype::Query))
    }

    /// How many items a list has that nobody keeps.
    fn virtual_total(&self, style: Style) -> usize {
        match style {
            Style::Empty | Style::Minimal => 0,
            Style::Maximal => 200,
            Style::Rich => self.seed.with("total").dice().index(38) + 3,
        }
    }

    /// A value for one member, apart from any answer.
    pub(crate) fn invent(&self, shape: &Shape, seed: Seed) -> Option<Value> {
        let schema = self.operation.response.as_deref().unwrap_or(&shape.schema);
        let references = invent::DocumentReferences {
            contracts: self.contracts,
            system: &self.operation.system,
            root: schema,
        };
        let (echo, misses) = (Map::new(), BTreeMap::new());
        let inventor = Inventor {
            words: self.words,
            patterns: self.patterns,
            party: self.party,
            references: &references,
            echo: &echo,
            now: self.now,
            style: Style::Rich,
            seed,
            misses: &misses,
            window: None,
            request: false,
            made: &Cell::new(0),
        };
        let spot = Spot {
            name: &shape.name,
            ..Spot::root(shape)
        };
        inventor.value(&shape.schema, &spot).ok()
    }

    /// Shows a matter.
    pub(crate) fn read(&self, matter: &Matter) -> Result<Value, Problem> {
        let fixed = self.known(matter, &self.operation.output, false);
        self.make(matter.seed.with(&self.operation.id), fixed)
    }

    /// What is known of a matter, by the members of a shape.
    pub(crate) fn known(&self, matter: &Matter, shape: &Shape, opening: bool) -> Map<String, Value> {
        let service = matter.service.as_deref().and_then(|s| self.contracts.service(s));
        let name = service.as_ref().map(|s| s.name.zh.as_str());
        let mut known: Map<String, Value> = shape
            .children
            .iter()
            .filter_map(|child| {
                let by_field = || matter.data.get(child.field.as_deref()?);
                let value = matter.data.get(child.name.as_ref()).or_else(by_field)?;
                Some((child.name.to_string(), value.clone()))
            })
            .collect();
        known.extend(members(self.words, shape, matter, name, self.now, opening));
        known
    }

    /// Whether the answer can say that a document is unknown.
    fn can_doubt(&self) -> bool {
        self.verdict_member("unknown").is_some()
    }

    fn verdict_member(&self, word: &str) -> Option<(String, Value)> {
        let mut results = self
            .operation
            .output
            .children
            .iter()
            .filter(|c| c.name.ends_with("result"));
        results.find_map(|c| Some((c.name.to_string(), self.words.state(word, &c.choices)?)))
    }

    /// The answer of a verification.
    fn verdict(&self, word: &str, matter: Option<&Matter>) -> Result<Value, Problem> {
        let word = if word == "match" && self.party.is_misnamed() {
            "mismatch"
        } else {
            word
        };
        let mut fixed = matter
            .map(|m| self.known(m, &self.operation.output, false))
            .unwrap_or_default();
        fixed.extend(self.verdict_member(word));
        match matter {
            Some(matter) => self.make(matter.seed.with(&self.operation.id), fixed),
            None => self.plain(fixed),
        }
    }
}
