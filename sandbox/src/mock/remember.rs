//! Things that were made are there, changed ones are changed, removed ones are gone.
//!
//! What is remembered is laid over what would be answered anyway, so that every answer stays within its contract. A thing
//! nobody made is still answered, as invented, unless it was removed.

use super::ask::Given;
use super::choose;
use super::media::percent_encoded;
use super::memory::{Key, Memory};
use super::overlay::{list_at, thing_at};
use super::place::Place;
use super::prefer::Wishes;
use super::resource::{Deed, Resource};
use super::routes::Route;
use super::{Ask, Mock, PathValues, Told, Way, patch};
use crate::links::handle_text;
use crate::scenario::Word;
use hub_core::{Problem, ProblemCode};
use serde_json::{Map, Value};
use std::sync::Arc;

/// Ids tried before one is taken twice.
const TRIES: usize = 3_000;

/// A request to a resource.
pub(super) struct Call<'a> {
    pub route: &'a Route,
    pub values: &'a PathValues,
    pub ask: &'a Ask<'a>,
    pub given: &'a Given,
    pub wishes: &'a Wishes,
}

/// A resource and where its things are remembered.
pub(super) struct Home<'a> {
    pub memory: &'a Memory,
    pub resource: &'a Resource,
    pub key: Key,
    id: Option<&'a str>,
}

impl Mock {
    /// Answers from memory; `None` where the operation has none.
    pub(super) fn remembered(&self, call: &Call<'_>) -> Result<Option<Told>, Problem> {
        let own = call.ask.room.memory.or(self.memory.as_ref());
        let Some(memory) = own.filter(|_| call.wishes.leaves_open()) else {
            return Ok(None);
        };
        if let Some(gone) = self.below_gone(memory, call) {
            return gone.map(Some);
        }
        self.hand_in(memory, call);
        let Some((index, resource, deed)) = self.resources.of_route(call.route) else {
            return Ok(None);
        };
        let mut parents: Vec<String> = call.values.iter().map(|(_, v)| v.clone()).collect();
        let own = match deed {
            Deed::Create | Deed::List => None,
            _ => parents.pop(),
        };
        let home = Home {
            memory,
            resource,
            key: (index, parents),
            id: self.id_of(resource),
        };
        self.begin(&home, call, own.is_some());
        let told = match (deed, own) {
            (Deed::Create, _) => self.create(&home, call)?,
            (Deed::List, _) => self.list(&home, call)?,
            (Deed::Read, Some(own)) => self.read_one(&home, call, &own)?,
            (Deed::Replace | Deed::Change, Some(own)) => self.change(&home, call, deed, &own)?,
            (_, Some(own)) => self.remove(&home, call, &own)?,
            _ => return Ok(None),
        };
        Ok(Some(told))
    }

    /// What is removed is not there, nor is anything below it.
    fn below_gone(&self, memory: &Memory, call: &Call<'_>) -> Option<Result<Told, Problem>> {
        let values = || call.values.iter().map(|(_, v)| v.clone());
        let gone = self.resources.above(call.route).iter().any(|(index, names)| {
            let key = (*index, values().take(names.saturating_sub(1)).collect());
            let own = values().nth(names.saturating_sub(1));
            own.is_some_and(|own| memory.is_gone(&key, &own))
        });
        gone.then(|| self.not_there(call))
    }

    fn not_there(&self, call: &Call<'_>) -> Result<Told, Problem> {
        match choose::declared(self.responses(call.route).as_ref(), 404) {
            Some(chosen) => self.make(call.route, &chosen, call.ask, call.given, call.wishes),
            None => Err(Problem::new(ProblemCode::RecordNotFound)),
        }
    }

    fn usual(&self, call: &Call<'_>) -> Result<Told, Problem> {
        let chosen = choose::response(self.responses(call.route).as_ref(), None)?;
        self.make(call.route, &chosen, call.ask, call.given, call.wishes)
    }

    /// Fills a collection with what its list shows to the first who asks, so that what was listed can be read, changed
    /// and removed.
    fn begin(&self, home: &Home<'_>, call: &Call<'_>, item: bool) {
        if home.memory.has(&home.key) {
            return;
        }
        let first = self.population(home, call, item).unwrap_or_default();
        home.memory.begin(&home.key, first);
    }

    fn population(&self, home: &Home<'_>, call: &Call<'_>, item: bool) -> Option<Vec<(String, Map<String, Value>)>> {
        let id = home.id?;
        let route = home.resource.route(Deed::List, &self.routes)?;
        let path = match item {
            true => call.ask.path.trim_end_matches('/').rsplit_once('/')?.0,
            false => call.ask.path,
        };
        let ask = Ask {
            method: "GET",
            path,
            room: call.ask.room,
            ..Ask::default()
        };
        let values: PathValues = call.values.iter().take(home.key.1.len()).cloned().collect();
        let given = self.read_lenient(route, &values, &ask).ok()?;
        let wishes = Wishes::default();
        let told = self
            .usual(&Call {
                route,
                values: &values,
                ask: &ask,
                given: &given,
                wishes: &wishes,
            })
            .ok()?;
        let value = told.value?;
        let things = value.pointer(&list_at(&value, Some(id))?)?.as_array()?.iter();
        let first = things.filter_map(|thing| {
            let thing = thing.as_object()?;
            Some((handle_text(thing.get(id)?)?, thing.clone()))
        });
        Some(first.collect())
    }

    /// An answer with a thing over it, and that thing as it was told.
    fn with_thing(&self, mut told: Told, home: &Home<'_>, over: &Map<String, Value>, wishes: &Wishes) -> (Told, Value) {
        let Some(value) = &told.value else {
            return (told, Value::Null);
        };
        let Some(at) = thing_at(value, home.id) else {
            return (told, Value::Null);
        };
        let root = told.schema.as_ref().map(|p| Place::at(&self.description.document, p));
        let schema = root.and_then(|root| self.schema_within(&root, &at));
        let full = Self::style(wishes) != crate::invent::Style::Minimal;
        let mut whole = value.clone();
        if let Some(place) = whole.pointer_mut(&at) {
            *place = self.laid(place, over, schema.as_ref(), full);
        }
        if !self.retell(&mut told, whole) {
            // The thing fits where it stands, but not in what is around it; or it has no schema of its own.
            let whole = self.tried(&told, &at, over);
            self.retell(&mut told, whole);
        }
        let thing = told.value.as_ref().and_then(|v| v.pointer(&at)).cloned();
        (told, thing.unwrap_or(Value::Null))
    }

    fn create(&self, home: &Home<'_>, call: &Call<'_>) -> Result<Told, Problem> {
        let told = self.usual(call)?;
        let sent = call.given.body.clone().unwrap_or_default();
        let (mut told, _) = self.with_thing(told, home, &sent, call.wishes);
        let mut object = sent.clone();
        self.show_state(&mut told, call.route, call.wishes.word());
        object.extend(self.thing_of(&told, home));
        if call.wishes.word() == Word::NeedDocs && home.resource.route(Deed::Read, &self.routes).is_some() {
            // Papers are asked for after it was taken in: who reads it next sees that.
            self.set_state(&mut told, call.route, "submitted");
        }
        let said = home.id.and_then(|id| sent.get(id)).and_then(handle_text);
        let invented = home
            .id
            .and_then(|id| object.get(id))
            .filter(|v| handle_text(v).is_some())
            .cloned();
        let first = match invented {
            Some(value) => value,
            None => self.named(home).unwrap_or_else(|| Value::from(1)),
        };
        let id = match said {
            // Who names a thing means that thing.
            Some(_) => first,
            None => {
                let (next, id) = self.free(home, told, first, call.wishes);
                told = next;
                id
            }
        };
        if let Some(name) = home.id {
            object.insert(name.to_owned(), id.clone());
        }
        let Some(text) = handle_text(&id) else { return Ok(told) };
        self.say_where(&mut told, call.ask, &text);
        let fate = self.fate(call);
        home.memory.keep_with(&home.key, text, object, fate);
        Ok(told)
    }

    fn thing_of(&self, told: &Told, home: &Home<'_>) -> Map<String, Value> {
        let thing = told.value.as_ref().and_then(|v| v.pointer(&thing_at(v, home.id)?));
        thing.and_then(Value::as_object).cloned().unwrap_or_default()
    }

    /// An id by what the item's path wants.
    fn named(&self, home: &Home<'_>) -> Option<Value> {
        let route = home.resource.route(Deed::Read, &self.routes)?;
        let all = self.parameters(route);
        let own = all
            .iter()
            .find(|p| p.text("in") == Some("path") && p.text("name") == Some(home.resource.parameter.as_str()))?;
        let schema = super::ask::schema_of(own)?;
        self.invent_for(route, &schema, "id").ok()
    }

    /// The answer with an id nobody has yet, and that id.
    fn free(&self, home: &Home<'_>, told: Told, first: Value, wishes: &Wishes) -> (Told, Value) {
        let mut id = first.clone();
        for turn in 0..TRIES {
            let taken = handle_text(&id).is_none_or(|text| home.memory.is_taken(&home.key, &text));
            if !taken {
                let Some(name) = home.id.filter(|_| id != first) else {
                    return (told, id);
                };
                let over = Map::from_iter([(name.to_owned(), id.clone())]);
                let (next, thing) = self.with_thing(told.clone(), home, &over, wishes);
                // Where the answer does not tell the id, nothing in it can be wrong.
                if thing.get(name).is_none_or(|told| *told == id) {
                    return (next, id);
                }
            }
            id = patch::next(&id, self.seed.with_number(turn as u64));
        }
        (told, first)
    }

    /// `Location` of what was made (RFC 9110, 15.3.2): whole where the description wants it whole.
    fn say_where(&self, told: &mut Told, ask: &Ask<'_>, id: &str) {
        let place = format!("{}/{}", ask.path.trim_end_matches('/'), percent_encoded(id));
        match told.headers.iter_mut().find(|(name, _)| name == "location") {
            Some((_, value)) if value.contains("://") => {
                let made = value.split('/').nth(2).unwrap_or_default();
                *value = format!("http://{}{place}", ask.header("host").unwrap_or(made));
            }
            Some((_, value)) => *value = place,
            None if told.status == 201 => told.headers.push(("location".to_owned(), place)),
            None => {}
        }
    }

    fn read_one(&self, home: &Home<'_>, call: &Call<'_>, own: &str) -> Result<Told, Problem> {
        let told = self.usual(call)?;
        let over = match home.memory.thing(&home.key, own) {
            Some(thing) => self.aged(home, call, &thing),
            None => self.own_id(home, call, own),
        };
        let (mut told, _) = self.with_thing(told, home, &over, call.wishes);
        self.show_state(&mut told, call.route, call.wishes.word());
        Ok(told)
    }

    /// The id of the path as the member that holds it.
    fn own_id(&self, home: &Home<'_>, call: &Call<'_>, own: &str) -> Map<String, Value> {
        let read = call.given.echo.get(&home.resource.parameter);
        let value = read.cloned().unwrap_or_else(|| Value::String(own.to_owned()));
        home.id.map(|id| (id.to_owned(), value)).into_iter().collect()
    }

    fn change(&self, home: &Home<'_>, call: &Call<'_>, deed: Deed, own: &str) -> Result<Told, Problem> {
        let told = self.usual(call)?;
        let kept = home.memory.thing(&home.key, own);
        let fate = kept.as_ref().and_then(|(_, fate)| *fate);
        let mut object = match kept {
            Some((object, _)) => (*object).clone(),
            None => self.as_read(home, call, own),
        };
        let sent = call.given.body.clone();
        match (deed, sent) {
            (Deed::Change, Some(sent)) => patch::merge(&mut object, &sent),
            (Deed::Change, None) => patch::operations(&mut object, call.given.list.as_deref().unwrap_or_default()),
            (_, Some(sent)) => {
                let fixed = self.read_only(call.route, &object);
                object = sent;
                object.extend(fixed);
            }
            (_, None) => {}
        }
        object.extend(self.own_id(home, call, own));
        let fate = fate.map(|fate| self.handed_in(fate, call));
        home.memory.keep_with(&home.key, own.to_owned(), object.clone(), fate);
        let shown = self.aged(home, call, &(Arc::new(object), fate));
        Ok(self.with_thing(told, home, &shown, call.wishes).0)
    }

    /// A thing nobody made, as it would be read.
    fn as_read(&self, home: &Home<'_>, call: &Call<'_>, own: &str) -> Map<String, Value> {
        let Some(route) = home.resource.route(Deed::Read, &self.routes) else {
            return Map::new();
        };
        let ask = Ask {
            method: "GET",
            query: "",
            body: b"",
            headers: Vec::new(),
            ..call.ask.clone()
        };
        let wishes = Wishes::default();
        let given = self.read_lenient(route, call.values, &ask).unwrap_or_default();
        let read = Call {
            route,
            values: call.values,
            ask: &ask,
            given: &given,
            wishes: &wishes,
        };
        let Ok(told) = self.usual(&read) else { return Map::new() };
        let over = self.own_id(home, &read, own);
        let (_, thing) = self.with_thing(told, home, &over, &wishes);
        thing.as_object().cloned().unwrap_or_default()
    }

    /// The members that who replaces a thing cannot set.
    fn read_only(&self, route: &Route, object: &Map<String, Value>) -> Map<String, Value> {
        let fixed = self.fixed_of(route);
        let kept = object.iter().filter(|(name, _)| fixed.contains(*name));
        kept.map(|(n, v)| (n.clone(), v.clone())).collect()
    }

    fn remove(&self, home: &Home<'_>, call: &Call<'_>, own: &str) -> Result<Told, Problem> {
        let told = self.usual(call)?;
        let over = match home.memory.get(&home.key, own) {
            Some(object) => (*object).clone(),
            None => self.own_id(home, call, own),
        };
        home.memory.remove(&home.key, own);
        // What a removal answers is seldom the thing; where it is, it has the id.
        let tells = told.value.as_ref().is_some_and(|v| {
            let thing = thing_at(v, home.id).and_then(|at| v.pointer(&at));
            thing.is_some_and(|t| home.id.is_some_and(|id| t.get(id).is_some()))
        });
        Ok(if tells {
            self.with_thing(told, home, &over, call.wishes).0
        } else {
            told
        })
    }

    fn list(&self, home: &Home<'_>, call: &Call<'_>) -> Result<Told, Problem> {
        let told = self.usual(call)?;
        let Some(value) = &told.value else { return Ok(told) };
        let Some(at) = list_at(value, home.id) else {
            return Ok(told);
        };
        if Self::style(call.wishes) == crate::invent::Style::Empty {
            return Ok(told);
        }
        let (all, touched) = home.memory.list(&home.key);
        let all: Vec<_> = all.iter().map(|thing| Arc::new(self.aged(home, call, thing))).collect();
        let kept = self.filtered(call, &all);
        // Nobody has done anything yet: what is looked for is found, as it always was.
        if kept.is_empty() && !touched {
            return Ok(told);
        }
        Ok(self.told_list(told, &at, &kept, call))
    }

    /// What is answered with those remembered members in it that its contract takes, each tried alone.
    fn tried(&self, told: &Told, at: &str, over: &Map<String, Value>) -> Value {
        let mut whole = told.value.clone().unwrap_or_default();
        let validator = told
            .schema
            .as_ref()
            .and_then(|pointer| self.validator(pointer, Way::Out));
        for (name, value) in over {
            let place = format!("{at}/{}", hub_catalog::document::escape(name));
            let Some(old) = whole.pointer(&place).cloned() else {
                continue;
            };
            if let Some(place) = whole.pointer_mut(&place) {
                *place = value.clone();
            }
            if validator.as_ref().is_some_and(|v| !v.accepts(&whole))
                && let Some(place) = whole.pointer_mut(&place)
            {
                *place = old;
            }
        }
        whole
    }

    /// The validator's word on a value of a schema.
    pub(super) fn takes(&self, pointer: &str, value: &Value) -> bool {
        self.validator(pointer, Way::Out).is_none_or(|v| v.accepts(value))
    }
}
