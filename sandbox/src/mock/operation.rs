//! What answering needs of an operation, every part of it once however many operations say the same.
//!
//! In a large description the parts of an operation lie far from each other and from those of the next, and fetching them takes longer than
//! reading them. But most are said again and again: the same page number, the same id, the same refusals.

use super::Mock;
use super::place::Place;
use super::routes::Route;
use crate::state::lock;
use serde_json::Value;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// What answering needs of an operation.
#[derive(Debug, Default)]
pub(super) struct Operation {
    parameters: Vec<Parameter>,
    body: Option<Arc<Part>>,
    responses: Option<Arc<Part>>,
    security: Option<Arc<Part>>,
}

#[derive(Debug)]
struct Parameter {
    part: Arc<Part>,
    /// Its place in the list.
    number: usize,
    /// Whether the list is the operation's or its path's.
    own: bool,
}

/// A value of the description.
#[derive(Debug, PartialEq)]
struct Part {
    value: Value,
    /// Where it stands, if a reference led there; else where its operation says it.
    pointer: Option<String>,
}

/// The parts of all operations, by what they say.
#[derive(Debug, Default)]
pub(super) struct Parts(HashMap<u64, Vec<Arc<Part>>>);

impl Parts {
    /// The part that says what stands at a place that is called `called`.
    fn keep(&mut self, place: &Place<'_>, called: &str) -> Arc<Part> {
        let pointer = (place.pointer != called).then(|| place.pointer.clone());
        // By its text, for the order of members says which is the first.
        let text = place.value.to_string();
        let mut hasher = DefaultHasher::new();
        (&text, &pointer).hash(&mut hasher);
        let alike = self.0.entry(hasher.finish()).or_default();
        let says = |part: &Part| part.value.to_string();
        let known = alike.iter().find(|part| part.pointer == pointer && says(part) == text);
        if let Some(known) = known {
            return Arc::clone(known);
        }
        let new = Arc::new(Part {
            value: place.value.clone(),
            pointer,
        });
        alike.push(Arc::clone(&new));
        new
    }

    fn read(&mut self, operation: &Place<'_>, item: Option<&Place<'_>>) -> Operation {
        let member = |parts: &mut Self, name: &str| {
            let place = operation.get(name)?;
            Some(parts.keep(&place, &format!("{}/{name}", operation.pointer)))
        };
        let key = |part: &Part| (part.value.get("name").cloned(), part.value.get("in").cloned());
        let mut parameters: Vec<Parameter> = Vec::new();
        for (owner, own) in [(Some(operation), true), (item, false)] {
            let Some(owner) = owner else { continue };
            let list = owner.get("parameters");
            for (number, place) in list.iter().flat_map(Place::items).enumerate() {
                let part = self.keep(&place, &format!("{}/parameters/{number}", owner.pointer));
                // An operation's own win over its path's.
                if own || !parameters.iter().any(|known| key(&known.part) == key(&part)) {
                    parameters.push(Parameter { part, number, own });
                }
            }
        }
        Operation {
            parameters,
            body: member(self, "requestBody"),
            responses: member(self, "responses"),
            security: member(self, "security"),
        }
    }
}

impl Mock {
    fn operation_of<'a>(&'a self, route: &'a Route) -> &'a Operation {
        route.own.get_or_init(|| {
            let document = &self.description.document;
            let item = route.shares.then(|| Place::at(document, &route.item));
            lock(&self.parts).read(&self.whole(route), item.as_ref())
        })
    }

    fn place<'a>(&'a self, part: &'a Part, called: impl FnOnce() -> String) -> Place<'a> {
        let pointer = part.pointer.clone().unwrap_or_else(called);
        Place::with(&self.description.document, pointer, &part.value)
    }

    /// The operation as it stands in the description, for what is rarely asked.
    pub(super) fn whole(&self, route: &Route) -> Place<'_> {
        Place::at(&self.description.document, &route.pointer)
    }

    /// The parameters of an operation: its own win over its path's.
    pub(super) fn parameters<'a>(&'a self, route: &'a Route) -> Vec<Place<'a>> {
        let all = self.operation_of(route).parameters.iter();
        all.map(|parameter| {
            let owner = if parameter.own { &route.pointer } else { &route.item };
            self.place(&parameter.part, || format!("{owner}/parameters/{}", parameter.number))
        })
        .collect()
    }

    /// What an operation answers, by status.
    pub(super) fn responses<'a>(&'a self, route: &'a Route) -> Option<Place<'a>> {
        let part = self.operation_of(route).responses.as_ref()?;
        Some(self.place(part, || format!("{}/responses", route.pointer)))
    }

    /// What an operation takes as a body.
    pub(super) fn request_body<'a>(&'a self, route: &'a Route) -> Option<Place<'a>> {
        let part = self.operation_of(route).body.as_ref()?;
        Some(self.place(part, || format!("{}/requestBody", route.pointer)))
    }

    /// What an operation itself says of credentials.
    pub(super) fn security<'a>(&'a self, route: &'a Route) -> Option<&'a Value> {
        let part = self.operation_of(route).security.as_ref()?;
        Some(&part.value)
    }
}
