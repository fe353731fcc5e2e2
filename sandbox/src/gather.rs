//! Reads that gather many matters: lists of one's own, free places, what is still owed.

use crate::answer::Row;
use crate::invent::Style;
use crate::lifecycle::word;
use crate::paging::paging;
use crate::scene::Scene;
use crate::seed::Seed;
use crate::state::{Matter, Offer, lock};
use crate::world::World;
use hub_core::time::{Timestamp, civil};
use hub_core::{Problem, ProblemCode, Semantic, Shape};
use serde_json::{Map, Value};

/// Days of free places shown, and places a day.
const DAYS: i64 = 5;
const TIMES: [&str; 4] = ["09:00-10:00", "10:00-11:00", "14:00-15:00", "15:00-16:00"];
/// What an ordinary persona, and one with many records, has done before the developer came.
const PAST: usize = 2;
const LONG_PAST: usize = 12;

impl Scene<'_> {
    /// The caller's matters, newest first, filtered by input fields that items have too, and paged.
    pub(crate) fn list(&self, list: &str, field: &str) -> Result<Value, Problem> {
        let output = &self.operation.output;
        let Some(item) = output.child(list).and_then(|l| l.item.as_deref()) else {
            return self.make_with(self.seed, Map::new(), None, None, self.style);
        };
        let rows = {
            let mut world = lock(self.world);
            self.write_past(&mut world, field, item);
            self.rows(&world, field, item)
        };
        let rows = if self.style == Style::Empty { Vec::new() } else { rows };
        let total = rows.len();
        let page = paging(&self.words.paging, self.input, &self.operation.input, output).map(|(page, _, _)| page);
        let shown = match page {
            Some(page) => rows.into_iter().skip(page.skip).take(page.size).collect(),
            None => rows,
        };
        let mut fixed = Map::new();
        for name in self.words.paging.total.iter().filter(|t| output.child(t).is_some()) {
            fixed.insert(name.clone(), Value::from(total));
        }
        self.make_with(self.seed, fixed, Some((list.to_owned(), shown)), None, self.style)
    }

    fn rows(&self, world: &World, field: &str, item: &Shape) -> Vec<Row> {
        let service = self.operation.service.as_deref();
        let mine = world
            .of(&self.operation.system)
            .filter(|m| m.is_visible_to(&self.party.owners) && m.data.contains_key(field))
            .filter(|m| service.is_none() || m.service.as_deref() == service);
        let filters: Vec<(&String, &Value)> = self
            .input
            .iter()
            .filter(|(name, value)| item.child(name).is_some() && !value.is_array() && !value.is_object())
            .collect();
        let mut made: Vec<(Timestamp, Row)> = mine
            .map(|m| {
                (
                    m.created,
                    Row {
                        known: self.known(m, item, false),
                        seed: m.seed.with(&self.operation.id),
                    },
                )
            })
            .filter(|(_, row)| {
                filters
                    .iter()
                    .all(|(name, value)| row.known.get(*name).is_none_or(|v| v == *value))
            })
            .collect();
        made.sort_by_key(|(created, _)| std::cmp::Reverse(*created));
        made.into_iter().map(|(_, row)| row).collect()
    }

    /// What the persona did before: written when the list is first looked at, found by its handles from then on.
    fn write_past(&self, world: &mut World, field: &str, item: &Shape) {
        let (system, Some(owner)) = (&self.operation.system, self.party.owners.first()) else {
            return;
        };
        let makers: Vec<_> = self.links.makers_of(field);
        let service = self.operation.service.as_deref();
        let makers: Vec<_> = makers
            .into_iter()
            .filter(|m| service.is_none() || m.operation.service.as_deref() == service)
            .collect();
        let scope = service.unwrap_or("");
        if makers.is_empty() || !world.remember(system, &format!("{owner} {field} {scope}")) {
            return;
        }
        let count = match () {
            () if self.party.is("no-record") => 0,
            () if self.party.is("many-records") => LONG_PAST,
            () => PAST,
        };
        let base = self
            .party
            .seed()
            .unwrap_or(self.seed)
            .with(&system.to_string())
            .with(scope);
        for n in (1..=count).rev() {
            let seed = base.with_number(n as u64);
            if let Some(matter) = self.past(seed, n, field, item, &makers) {
                let taken = matter.handles.iter().any(|h| world.is_taken(system, h));
                if !taken {
                    world.add(matter, self.limit);
                }
            }
        }
    }

    fn past(&self, seed: Seed, n: usize, field: &str, item: &Shape, makers: &[&crate::links::Maker]) -> Option<Matter> {
        let maker = seed.with("maker").dice().pick(makers).copied()?;
        let role = self.links.role(&maker.operation)?;
        let value = self.invent(item.child(field)?, seed)?;
        let handle = crate::links::handle_text(&value)?;
        let mut matter = self.matter(role, vec![handle], seed, &Value::Null);
        // The newest is still being handled, the others are long decided.
        let days = i64::try_from(n - 1).ok()?.saturating_mul(23).saturating_add(1);
        matter.created = self.now.checked_sub(jiff::SignedDuration::from_hours(24 * days)).ok()?;
        matter.made_by = maker.operation.id.clone();
        matter.service = maker.operation.service.clone();
        matter.input = Map::new();
        matter.data = Map::from_iter([(field.to_owned(), value)]);
        Some(matter)
    }

    /// Free places: made from the seed, less what was booked in this world.
    pub(crate) fn slots(&self) -> Result<Value, Problem> {
        let output = &self.operation.output;
        let remaining = |shape: &Shape| {
            let names = &self.words.paging.remaining;
            names.iter().find_map(|n| shape.child(n)).map(|c| c.name.to_string())
        };
        let listed = output.children.iter().find_map(|list| {
            let item = list.item.as_deref()?;
            Some((list, item, remaining(item)?))
        });
        let Some((list, item, left)) = listed else {
            let fixed = remaining(output).map(|name| (name, Value::from(self.seed.dice().between(3, 30))));
            return self.make_with(self.seed, fixed.into_iter().collect(), None, None, self.style);
        };
        let Some(key) = self.booking_key(item) else {
            return self.make_with(self.seed, Map::new(), None, None, self.style);
        };
        let rows: Vec<Row> = if self.style == Style::Empty {
            Vec::new()
        } else {
            self.places(item, &key, &left)
        };
        let places: Vec<u64> = rows.iter().filter_map(|r| r.known.get(&left)?.as_u64()).collect();
        let rows = self.less_booked(rows, &key, &left);
        let body = self.make_with(
            self.seed,
            Map::new(),
            Some((list.name.to_string(), rows)),
            None,
            self.style,
        )?;
        self.offer(&body, list, &key, &places);
        Ok(body)
    }

    /// The member of a place by which the service's booking names it.
    fn booking_key(&self, item: &Shape) -> Option<String> {
        let siblings = self.contracts.operations_of(&self.operation.system);
        let booking = siblings.iter().find(|o| {
            o.service == self.operation.service && o.effect == hub_core::Effect::Once && o.id != self.operation.id
        })?;
        let strings = item.children.iter().filter(|c| c.kind == hub_core::ShapeKind::String);
        let shared = strings.filter(|c| c.semantic == Semantic::Plain && booking.input.child(&c.name).is_some());
        let key = shared.max_by_key(|c| c.name.ends_with("_id") || c.name.ends_with("_no"))?;
        Some(key.name.to_string())
    }

    fn places(&self, item: &Shape, key: &str, left: &str) -> Vec<Row> {
        let asked = self
            .input
            .values()
            .find_map(|v| v.as_str()?.parse::<jiff::civil::Date>().ok());
        let today = civil(self.now).date();
        let examples = self
            .operation
            .examples
            .iter()
            .find_map(|e| e.output.as_ref()?.as_object()?.values().find_map(Value::as_array));
        let offsets = if asked.is_some() { 0..1 } else { 1..DAYS + 1 };
        let mut rows = Vec::new();
        for offset in offsets {
            let Ok(day) = asked.unwrap_or(today).checked_add(jiff::Span::new().days(offset)) else {
                continue;
            };
            for (n, time) in TIMES.iter().enumerate() {
                let place = format!("S{}-{}{n}", day.strftime("%Y%m%d"), time.get(..2).unwrap_or("00"));
                let seed = self.seed.with(&place);
                let example = examples.and_then(|e| e.get(rows.len() % e.len().max(1))?.as_object());
                let mut known = example.cloned().unwrap_or_default();
                known.insert(key.to_owned(), Value::String(place));
                known.insert(left.to_owned(), Value::from(seed.with("places").dice().between(2, 30)));
                for child in &item.children {
                    let name = child.name.to_string();
                    match child.semantic {
                        Semantic::Date => known.insert(name, Value::String(day.to_string())),
                        _ if name.ends_with("time_slot") => known.insert(name, Value::String((*time).to_owned())),
                        _ => None,
                    };
                }
                rows.push(Row { known, seed });
            }
        }
        rows
    }

    fn less_booked(&self, mut rows: Vec<Row>, key: &str, left: &str) -> Vec<Row> {
        let world = lock(self.world);
        let service = self.operation.service.as_deref().unwrap_or_default();
        for row in &mut rows {
            let Some(place) = row.known.get(key).and_then(Value::as_str) else {
                continue;
            };
            let booked = self.booked(&world, service, place);
            if let Some(places) = row.known.get(left).and_then(Value::as_u64) {
                row.known
                    .insert(left.to_owned(), Value::from(places.saturating_sub(booked)));
            }
        }
        rows
    }

    /// How many still hold a place.
    fn booked(&self, world: &World, service: &str, place: &str) -> u64 {
        let holds = |m: &&Matter| {
            m.service.as_deref() == Some(service)
                && word(m, self.now, false) == "booked"
                && m.input.values().any(|v| v.as_str() == Some(place))
        };
        world.of(&self.operation.system).filter(holds).count() as u64
    }

    fn offer(&self, body: &Value, list: &Shape, key: &str, places: &[u64]) {
        let Some(service) = self.operation.service.as_deref() else {
            return;
        };
        let items = body.get(list.name.as_ref()).and_then(Value::as_array);
        let mut world = lock(self.world);
        for (item, places) in items.into_iter().flatten().zip(places) {
            let (Some(members), Some(key)) = (item.as_object(), item.get(key).and_then(Value::as_str)) else {
                continue;
            };
            let mut data = members.clone();
            for child in list.item.iter().flat_map(|i| &i.children) {
                if let (Some(field), Some(value)) = (&child.field, members.get(child.name.as_ref())) {
                    data.insert(field.to_string(), value.clone());
                }
            }
            world.offer(service, key, Offer { data, places: *places });
        }
    }

    /// Takes the place a booking names; what was shown of it belongs to the booking.
    pub(crate) fn take_place(&self, world: &World, matter: &mut Matter) -> Result<(), Problem> {
        let Some(service) = self.operation.service.as_deref() else {
            return Ok(());
        };
        for place in self.input.values().filter_map(Value::as_str) {
            let Some(offer) = world.offered(service, place) else {
                continue;
            };
            if self.booked(world, service, place) >= offer.places {
                return Err(Problem::new(ProblemCode::Conflict).detail("该时段已约满", "This place is fully booked"));
            }
            for (name, value) in &offer.data {
                matter.data.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        Ok(())
    }

    /// Whether the caller has paid in this world what the bill is about.
    pub(crate) fn is_settled(&self) -> bool {
        let same = |m: &Matter| {
            let mut shared = self
                .input
                .iter()
                .filter(|(name, value)| value.is_string() && m.input.contains_key(*name));
            shared.all(|(name, value)| m.input.get(name) == Some(value))
        };
        let world = lock(self.world);
        let mine = world
            .of(&self.operation.system)
            .filter(|m| m.service == self.operation.service);
        let mut paid = mine.filter(|m| m.is_visible_to(&self.party.owners) && word(m, self.now, false) == "paid");
        paid.any(same)
    }

    /// The members of a bill when nothing is owed any more.
    pub(crate) fn nothing_due(&self) -> Map<String, Value> {
        let due = self.operation.output.children.iter().filter(|c| {
            let name = c.field.as_deref().unwrap_or(&c.name);
            self.words.moments.due.iter().any(|d| d == name)
        });
        due.map(|c| (c.name.to_string(), Value::from(0))).collect()
    }
}
