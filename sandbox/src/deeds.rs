//! Calls that leave something behind: matters made, changed, adopted, and handles shown to somebody.

use crate::lifecycle;
use crate::links::{Role, handle_text, in_path};
use crate::scenario::Twist;
use crate::scene::Scene;
use crate::seed::Seed;
use crate::state::{Event, Matter, lock};
use crate::world::World;
use hub_core::{Effect, Problem, ProblemCode, ShapeKind};
use serde_json::Value;

impl Scene<'_> {
    /// Keeps what a read gave a handle to, so that the handle is good for the next call.
    pub(crate) fn remember(&self, body: &Value) {
        let Some(role) = self.role else { return };
        let own = role
            .gives
            .iter()
            .filter(|g| self.links.is_taken(g))
            .filter_map(|g| body.get(g));
        let handles: Vec<String> = own.filter_map(handle_text).collect();
        if self.operation.effect == Effect::None && !handles.is_empty() {
            self.keep_shown(handles, body, role);
        }
    }

    fn keep_shown(&self, handles: Vec<String>, body: &Value, role: &Role) {
        let mut world = lock(self.world);
        let known = |h: &String| self.links.is_example(h) || world.is_taken(&self.operation.system, h);
        if handles.iter().any(known) {
            return;
        }
        let matter = self.matter(role, handles, self.seed, body);
        world.add(matter, self.limit);
    }

    pub(crate) fn matter(&self, role: &Role, handles: Vec<String>, seed: Seed, body: &Value) -> Matter {
        let mut data = self.input.clone();
        data.extend(body.as_object().cloned().unwrap_or_default());
        Matter {
            system: self.operation.system.clone(),
            made_by: self.operation.id.clone(),
            service: self.operation.service.clone(),
            flow: role.flow,
            handles,
            owners: self.party.owners.clone(),
            input: self.input.clone(),
            data,
            answer: body.clone(),
            created: self.now,
            days: role.days,
            legal_days: role.legal_days,
            papers: 0,
            meets: None,
            ends: None,
            held: false,
            events: Vec::new(),
            seed,
        }
    }

    /// Makes a matter.
    pub(crate) fn create(&self, role: &Role) -> Result<Value, Problem> {
        let mut world = lock(self.world);
        let seed = self.seed.with_number(world.next());
        let mut matter = self.matter(role, Vec::new(), seed, &Value::Null);
        self.take_place(&world, &mut matter)?;
        match self.twist {
            Some(Twist::NeedDocs(papers)) => {
                matter.papers = papers;
                matter.events.push((self.now, Event::NeedDocs));
            }
            Some(Twist::Pending(days)) => {
                matter.days = u32::try_from(days).unwrap_or(u32::MAX);
                matter.held = true;
            }
            None => {}
        }
        let mut fixed = self.known(&matter, &self.operation.output, true);
        let new = |given: &&String| !self.input.contains_key(*given) || self.refers(role);
        for name in role.gives.iter().filter(new) {
            if let Some(value) = self.new_handle(&world, name, seed) {
                fixed.insert(name.clone(), value);
            }
        }
        let body = self.make(seed, fixed)?;
        let named = role
            .gives
            .iter()
            .filter_map(|g| body.get(g).or_else(|| self.input.get(g)));
        matter.handles = named.filter_map(handle_text).collect();
        matter.handles.dedup();
        if let Some(members) = body.as_object() {
            matter.data.extend(members.clone());
        }
        matter.answer = body.clone();
        self.date(&mut matter);
        if !matter.handles.is_empty() {
            world.add(matter, self.limit);
        }
        Ok(body)
    }

    /// A handle nobody has yet.
    fn new_handle(&self, world: &World, name: &str, seed: Seed) -> Option<Value> {
        let shape = self.operation.output.child(name)?;
        if shape.kind == ShapeKind::Integer {
            return Some(Value::from(1_001 + world.next()));
        }
        (0..50).find_map(|again| {
            let value = self.invent(shape, seed.with_number(again))?;
            let text = handle_text(&value)?;
            let free = !world.is_taken(&self.operation.system, &text) && !self.links.is_example(&text);
            free.then_some(value)
        })
    }

    /// The same request as the one that made the matter: the same answer, unless it asks for another amount.
    pub(crate) fn again(&self, matter: &Matter) -> Result<Value, Problem> {
        let differs = |(name, value): (&String, &Value)| {
            value.is_number() && matter.input.get(name).is_some_and(|old| old != value)
        };
        match self.input.iter().find(|entry| differs(*entry)) {
            None => Ok(matter.answer.clone()),
            Some((name, _)) => Err(Problem::new(ProblemCode::Conflict)
                .detail(
                    "同一编号已用于不同的金额",
                    "The same number was used for another amount",
                )
                .at(
                    format!("/{name}"),
                    hub_core::Text::new("与首次相同的值", "the value of the first call"),
                    "***",
                )),
        }
    }

    /// How many papers a call hands in: as many as its list names, one if it names none.
    fn papers_handed_in(&self) -> u64 {
        let lists = self.input.values().filter_map(Value::as_array);
        lists.map(|list| list.len() as u64).max().unwrap_or(1).max(1)
    }

    /// Notes when a booking is due and when a certificate ends.
    pub(crate) fn date(&self, matter: &mut Matter) {
        let moments = &self.words.moments;
        let of = |names: &[String]| {
            let mut found = names.iter().filter_map(|name| matter.data.get(name)?.as_str());
            found.find_map(|text| text.get(..10)?.parse::<jiff::civil::Date>().ok())
        };
        let hour = moments.hours.iter().find_map(|name| matter.data.get(name)?.as_str());
        let hour = hour.and_then(|text| text.get(..5)?.parse::<jiff::civil::Time>().ok());
        let hour = hour.unwrap_or(jiff::civil::time(9, 0, 0, 0));
        let meets = of(&moments.meets).and_then(|day| day.to_datetime(hour).to_zoned(hub_core::time::china()).ok());
        let ends = of(&moments.ends);
        matter.meets = meets.map(|moment| moment.timestamp());
        matter.ends = ends;
    }

    pub(crate) fn conflict(&self) -> Problem {
        Problem::new(ProblemCode::Conflict).detail("该编号已被使用", "This number is taken")
    }

    /// Does something to a matter.
    pub(crate) fn change(&self, id: u64, matter: &Matter, role: &Role) -> Result<Value, Problem> {
        let event = lifecycle::turn(matter, role.turn, self.now)?;
        let mut changed = matter.clone();
        if event == Some(Event::Supplemented) {
            changed.papers = changed.papers.saturating_sub(self.papers_handed_in());
        }
        // As long as one paper is missing the agency waits on.
        let waits = event == Some(Event::Supplemented) && changed.papers > 0;
        changed.events.extend(event.filter(|_| !waits).map(|e| (self.now, e)));
        if event.is_none() && role.turn.is_none() {
            // A plain update: what it says holds from now on.
            let said = self.input.iter().filter(|(name, _)| !in_path(self.operation, name));
            changed.data.extend(said.map(|(k, v)| (k.clone(), v.clone())));
            self.date(&mut changed);
        }
        let body = self.read(&changed)?;
        let mut world = lock(self.world);
        if self.operation.method == "DELETE" {
            world.remove(id);
        } else {
            world.change(id, |kept| *kept = changed);
        }
        Ok(body)
    }

    /// Makes an example's matter real for the caller, then does what was asked to it.
    pub(crate) fn adopt(&self, handles: &[String], role: &Role) -> Result<Value, Problem> {
        let seed = handles.iter().fold(self.seed, |seed, h| seed.with(h));
        let mut matter = self.matter(role, handles.to_vec(), seed, &Value::Null);
        let maker = role
            .takes
            .iter()
            .find_map(|t| self.links.makers_of(t).first().map(|m| m.operation.clone()));
        if let Some(maker) = maker {
            if let Some(role) = self.links.role(&maker) {
                matter.flow = role.flow;
                matter.days = role.days;
            }
            matter.made_by = maker.id.clone();
            matter.service = maker.service.clone();
        }
        let id = {
            let mut world = lock(self.world);
            let id = world.next();
            world.add(matter.clone(), self.limit);
            id
        };
        self.change(id, &matter, role)
    }
}
