//! How the operations of a system belong together: which one makes a matter, which ones find it again, what they do
//! to it. Read from the contracts alone; nobody writes a script.
//!
//! Two sources: handles (`x-hub-handle`, the hub's own contracts) and paths (a stranger's `POST /things` beside
//! `GET /things/{id}`).

use crate::Contracts;
use crate::vocabulary::Vocabulary;
use hub_core::{Archetype, Effect, Operation, ParameterPlace, Shape, SystemId};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// What an operation does to a matter, by the words in its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Turn {
    /// Withdraw, cancel, delete.
    End,
    /// Hand in more papers.
    Supplement,
    /// Be there: check in.
    Arrive,
    /// Give money back.
    Refund,
    /// Free places.
    Slots,
    /// What is owed.
    Bill,
    /// Is it genuine.
    Verify,
    /// All of them.
    List,
}

/// The life a matter leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Flow {
    /// Submitted, examined, decided.
    Case,
    /// A place kept for somebody.
    Visit,
    /// Money owed and paid.
    Order,
    /// A document in force.
    Certificate,
    /// Notices until cancelled.
    Subscription,
}

/// What one operation is to the matters of its system.
#[derive(Debug, Clone)]
pub(crate) struct Role {
    /// Input fields that find a matter.
    pub takes: Vec<String>,
    /// Output fields that name one.
    pub gives: Vec<String>,
    /// An output list whose items name matters: its name, and the naming field.
    pub lists: Option<(String, String)>,
    /// Turn, if a word says so.
    pub turn: Option<Turn>,
    /// Life of what it makes.
    pub flow: Flow,
    /// Working days until a decision.
    pub days: u32,
    /// Working days the law allows; 0 where it says nothing.
    pub legal_days: u32,
    /// Archetype of its service.
    pub archetype: Option<Archetype>,
    /// Some other operation of the system makes what this one takes, so an unknown handle is really unknown.
    pub made_elsewhere: bool,
}

/// Everything about one system.
#[derive(Debug, Default)]
pub(crate) struct Links {
    roles: HashMap<String, Role>,
    /// Handles that stand in the contracts' examples: known from the start, to everybody.
    examples: HashSet<String>,
    /// The operations that make matters.
    makers: Vec<Maker>,
}

/// An operation that makes matters.
#[derive(Debug)]
pub(crate) struct Maker {
    pub operation: Arc<Operation>,
    /// Output fields that name what it made.
    pub gives: Vec<String>,
}

/// A handle as the index keeps it: numbers and texts alike.
pub(crate) fn handle_text(value: &Value) -> Option<String> {
    match value {
        Value::String(s) if !s.is_empty() => Some(s.clone()),
        Value::Number(n) => Some(n.to_string()),
        _ => None,
    }
}

impl Links {
    /// Reads a system.
    pub(crate) fn of(contracts: &dyn Contracts, words: &Vocabulary, system: &SystemId) -> Self {
        let operations = contracts.operations_of(system);
        let collections = collections(&operations);
        let mut links = Self::default();
        for operation in &operations {
            let role = role(contracts, words, operation, &collections);
            links.note_examples(operation, &role);
            links.roles.insert(operation.id.to_string(), role);
        }
        for operation in operations.iter().filter(|o| o.effect == Effect::Once) {
            let Some(role) = links.roles.get(operation.id.as_ref()) else {
                continue;
            };
            let gives: Vec<String> = role.gives.iter().filter(|g| !in_path(operation, g)).cloned().collect();
            let found_by_path = path_handle(operation).is_some_and(|p| role.takes.contains(&p));
            if !gives.is_empty() && !found_by_path {
                links.makers.push(Maker {
                    operation: operation.clone(),
                    gives,
                });
            }
        }
        for operation in &operations {
            let elsewhere = links.is_made_elsewhere(operation);
            if let Some(role) = links.roles.get_mut(operation.id.as_ref()) {
                role.made_elsewhere = elsewhere;
            }
        }
        links
    }

    /// Whether some other operation makes what this one takes. Where this one makes it too, under a name the caller
    /// chooses (an order number), only operations that choose the name themselves count.
    fn is_made_elsewhere(&self, operation: &Operation) -> bool {
        let Some(role) = self.role(operation) else { return false };
        let shared = operation.service.is_none();
        let here = |m: &Maker| m.operation.id == operation.id;
        let makes_it_too = self.makers.iter().any(here);
        role.takes.iter().any(|taken| {
            self.makers.iter().filter(|m| !here(m)).any(|maker| {
                let names_it = self.role(&maker.operation).is_some_and(|r| !r.takes.contains(taken));
                let collection = split_item(&operation.path.0).map(|(collection, _)| collection);
                let posted_there = collection == Some(maker.operation.path.0.trim_end_matches('/'));
                let by_path = in_path(operation, taken) && (shared || posted_there);
                // An order number of another service says nothing about this one's.
                let apart = role.flow == Flow::Order && maker.operation.service != operation.service;
                if makes_it_too && apart {
                    return false;
                }
                let gives_it = maker.gives.contains(taken) || by_path;
                gives_it && (names_it || !makes_it_too)
            })
        })
    }

    /// The operations that make matters named by a field; all of them where none does.
    pub(crate) fn makers_of(&self, field: &str) -> Vec<&Maker> {
        let named: Vec<&Maker> = self
            .makers
            .iter()
            .filter(|m| m.gives.iter().any(|g| g == field))
            .collect();
        if named.is_empty() {
            self.makers.iter().collect()
        } else {
            named
        }
    }

    /// The role of an operation.
    pub(crate) fn role(&self, operation: &Operation) -> Option<&Role> {
        self.roles.get(operation.id.as_ref())
    }

    /// Whether a handle stands in an example.
    pub(crate) fn is_example(&self, handle: &str) -> bool {
        self.examples.contains(handle)
    }

    /// Whether anybody can look a handle field up again, which makes it worth remembering.
    pub(crate) fn is_taken(&self, field: &str) -> bool {
        self.roles.values().any(|r| r.takes.iter().any(|t| t == field))
    }

    fn note_examples(&mut self, operation: &Operation, role: &Role) {
        for example in &operation.examples {
            let input = example
                .input
                .iter()
                .flat_map(|i| role.takes.iter().filter_map(|t| i.get(t)));
            let output = example
                .output
                .iter()
                .flat_map(|o| role.gives.iter().filter_map(|g| o.get(g)));
            let rows = role.lists.iter().flat_map(|(list, field)| {
                let rows = example.output.as_ref().and_then(|o| o.get(list)?.as_array());
                rows.into_iter().flatten().filter_map(move |row| row.get(field))
            });
            let found: Vec<String> = input.chain(output).chain(rows).filter_map(handle_text).collect();
            self.examples.extend(found);
        }
    }
}

/// Collection paths that can be posted to and have items, with the name of the item's parameter.
fn collections(operations: &[Arc<Operation>]) -> HashMap<String, String> {
    let posted: HashSet<&str> = operations
        .iter()
        .filter(|o| o.method == "POST")
        .map(|o| o.path.0.trim_end_matches('/'))
        .collect();
    operations
        .iter()
        .filter_map(|o| {
            let (collection, name) = split_item(&o.path.0)?;
            posted
                .contains(collection)
                .then(|| (collection.to_owned(), name.to_owned()))
        })
        .collect()
}

/// `/things/{id}/photos` as `/things` and `id`.
fn split_item(path: &str) -> Option<(&str, &str)> {
    let (collection, rest) = path.rsplit_once("/{")?;
    let (name, _) = rest.split_once('}')?;
    Some((collection, name))
}

/// The path parameter that names the item.
fn path_handle(operation: &Operation) -> Option<String> {
    split_item(&operation.path.0).map(|(_, name)| name.to_owned())
}

fn role(
    contracts: &dyn Contracts,
    words: &Vocabulary,
    operation: &Operation,
    collections: &HashMap<String, String>,
) -> Role {
    let is_handle = |shape: &&Shape| contracts.is_handle(shape.field.as_deref().unwrap_or(&shape.name));
    let name = |shape: &Shape| shape.name.to_string();
    let mut takes: Vec<String> = operation.input.children.iter().filter(is_handle).map(name).collect();
    let mut gives: Vec<String> = operation.output.children.iter().filter(is_handle).map(name).collect();
    let mut lists = operation.output.children.iter().find_map(|list| {
        let field = list.item.as_deref()?.children.iter().find(is_handle)?;
        Some((name(list), name(field)))
    });
    if let Some((collection, parameter)) = split_item(&operation.path.0)
        && collections.contains_key(collection)
        && !takes.iter().any(|t| t == parameter)
    {
        takes.push(parameter.to_owned());
    }
    if let Some(parameter) = collections.get(operation.path.0.trim_end_matches('/')) {
        let names = |shape: &Shape| id_field(shape, parameter);
        if gives.is_empty() && operation.method == "POST" {
            gives.extend(names(&operation.output));
        }
        if lists.is_none() && operation.method == "GET" {
            lists = operation
                .output
                .children
                .iter()
                .find_map(|list| Some((name(list), names(list.item.as_deref()?)?)));
        }
    }
    let service = operation.service.as_deref().and_then(|s| contracts.service(s));
    let archetype = service.as_ref().map(|s| s.archetype);
    Role {
        turn: turn(words, operation),
        flow: flow(archetype),
        days: service.as_ref().map_or(5, |s| s.card.promised_days),
        legal_days: service.map_or(0, |s| s.card.legal_days),
        archetype,
        takes,
        gives,
        lists,
        made_elsewhere: false,
    }
}

/// The property of an object that a path parameter means.
fn id_field(shape: &Shape, parameter: &str) -> Option<String> {
    let last = parameter.rsplit(['_', '-']).next().unwrap_or(parameter);
    let by_name = [parameter, "id", last].into_iter().find(|n| shape.child(n).is_some());
    by_name.map(str::to_owned)
}

fn flow(archetype: Option<Archetype>) -> Flow {
    match archetype {
        Some(Archetype::Appointment | Archetype::Booking) => Flow::Visit,
        Some(Archetype::Payment) => Flow::Order,
        Some(Archetype::Certificate | Archetype::Verification) => Flow::Certificate,
        Some(Archetype::Subscription) => Flow::Subscription,
        _ => Flow::Case,
    }
}

/// The turn named by the verb of the operation id, or by what stands behind the item in its path.
fn turn(words: &Vocabulary, operation: &Operation) -> Option<Turn> {
    if operation.method == "DELETE" {
        return Some(Turn::End);
    }
    let verb = match operation.service.as_deref() {
        Some(slug) => operation.id.strip_prefix(slug).unwrap_or_default(),
        None => operation.key(),
    };
    let path = operation.path.0.rsplit_once('}').map_or("", |(_, behind)| behind);
    verb.split(['.', '-'])
        .chain(path.split(['/', '-']))
        .find_map(|word| match words.turn(word)? {
            "end" => Some(Turn::End),
            "supplement" => Some(Turn::Supplement),
            "arrive" => Some(Turn::Arrive),
            "refund" => Some(Turn::Refund),
            "slots" => Some(Turn::Slots),
            "bill" => Some(Turn::Bill),
            "verify" => Some(Turn::Verify),
            "list" => Some(Turn::List),
            _ => None,
        })
}

/// The handles a call gives, as they are looked up.
pub(crate) fn given(role: &Role, input: &Map<String, Value>) -> Vec<String> {
    role.takes
        .iter()
        .filter_map(|t| input.get(t))
        .filter_map(handle_text)
        .collect()
}

/// Whether an input field stands in the path.
pub(crate) fn in_path(operation: &Operation, field: &str) -> bool {
    operation
        .parameters
        .iter()
        .any(|p| p.place == ParameterPlace::Path && p.name == field)
}
