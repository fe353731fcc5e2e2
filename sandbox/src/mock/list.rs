//! Lists of what is remembered: filtered by the query where a parameter is called as a member is, and paged.

use super::ask::pairs;
use super::media::plain;
use super::place::Place;
use super::remember::Call;
use super::resource::plain as bare;
use super::{Mock, Told};
use crate::invent::Style;
use serde_json::{Map, Value};
use std::collections::HashSet;
use std::sync::Arc;

/// Names of paging parameters beside those the vocabulary has, small letters and digits alone.
const PAGES: [&str; 3] = ["pageindex", "currentpage", "current"];
const SIZES: [&str; 4] = ["rows", "maxresults", "top", "itemsperpage"];
/// Names of members that tell how many there are in all, and how many pages.
const TOTALS: [&str; 4] = ["totalelements", "totalitems", "totalresults", "totalrecords"];
const PAGE_TOTALS: [&str; 3] = ["totalpages", "pagecount", "pages"];
/// Things on a page where nothing says how many.
const USUAL_SIZE: usize = 20;

/// A remembered thing.
type Thing = Arc<Map<String, Value>>;

/// Which part of a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Part {
    skip: usize,
    size: usize,
}

/// What the items of a list look like.
struct Form<'a> {
    tellable: Option<HashSet<String>>,
    schema: Option<Place<'a>>,
    /// An invented one.
    template: Option<Value>,
    /// Whether everything is told that can be.
    full: bool,
}

impl Mock {
    /// The things that a query asks for.
    pub(super) fn filtered(&self, call: &Call<'_>, all: &[Thing]) -> Vec<Thing> {
        let names = pairs(call.ask.query).into_iter().map(|(name, _)| name);
        let filters: Vec<(String, &Value)> = names
            .filter(|name| all.iter().any(|thing| thing.contains_key(name)))
            .filter_map(|name| Some((name.clone(), call.given.echo.get(&name)?)))
            .filter(|(_, wanted)| !wanted.is_object())
            .collect();
        let fits = |thing: &&Thing| {
            let mut all = filters.iter();
            all.all(|(name, wanted)| thing.get(name).is_some_and(|own| meets(own, wanted)))
        };
        all.iter().filter(fits).cloned().collect()
    }

    /// A list's answer with these things in it.
    pub(super) fn told_list(&self, mut told: Told, at: &str, kept: &[Thing], call: &Call<'_>) -> Told {
        let Some(value) = told.value.clone() else { return told };
        let root = told.schema.as_ref().map(|p| Place::at(&self.description.document, p));
        let list = root.and_then(|root| self.schema_within(&root, at));
        let items = list.as_ref().and_then(Self::items_of);
        let template = value.pointer(at).and_then(|l| l.get(0)).cloned();
        let part = self.part(call, list.as_ref());
        let form = Form {
            tellable: items.as_ref().and_then(|items| self.tellable(items)),
            schema: items,
            template,
            full: Self::style(call.wishes) != Style::Minimal,
        };
        let shown = kept.iter().skip(part.skip).take(part.size);
        let shown: Vec<Value> = shown.map(|thing| self.as_item(thing, &form)).collect();
        let mut whole = value;
        if let Some(place) = whole.pointer_mut(at) {
            *place = Value::Array(shown);
        }
        let mut counted = whole.clone();
        self.count(&mut counted, kept.len(), part.size, 0);
        // Where a contract forbids to tell the number, the things alone are told.
        if !self.retell(&mut told, counted) {
            self.retell(&mut told, whole);
        }
        told
    }

    /// The members an item can tell, where its schema names any.
    fn tellable(&self, items: &Place<'_>) -> Option<HashSet<String>> {
        let flat = super::coerce::flat(self, items.value);
        let known = flat.get("properties").and_then(Value::as_object)?;
        let secret = |schema: &Value| super::coerce::flat(self, schema).get("writeOnly") == Some(&Value::Bool(true));
        let told = known.iter().filter(|(_, schema)| !secret(schema));
        Some(told.map(|(name, _)| name.clone()).collect())
    }

    /// A thing as an item: as it is where it fits, else over an invented one.
    fn as_item(&self, thing: &Thing, form: &Form<'_>) -> Value {
        let (template, schema) = (form.template.as_ref(), form.schema.as_ref());
        let told = |name: &String| match &form.tellable {
            Some(known) if form.full => known.contains(name),
            _ => template.is_some_and(|t| t.get(name).is_some()),
        };
        let itself = Value::Object((**thing).clone());
        if thing.keys().all(told) && schema.is_some_and(|s| self.takes(&s.pointer, &itself)) {
            return itself;
        }
        match template {
            Some(template) => self.laid(template, thing, schema, form.full),
            None => self.laid(&Value::Object(Map::new()), thing, schema, true),
        }
    }

    fn part(&self, call: &Call<'_>, list: Option<&Place<'_>>) -> Part {
        let paging = &self.words.paging;
        let parameters = self.parameters(call.route);
        let named = |names: &[String], more: &[&str]| {
            let is = |name: &str| more.contains(&bare(name).as_str()) || names.iter().any(|n| bare(n) == bare(name));
            let own = parameters.iter().filter(|p| p.text("in") == Some("query"));
            own.filter_map(|p| Some((p.text("name")?, p)))
                .find(|(name, _)| is(name))
        };
        let (page, size) = (named(&paging.page, &PAGES), named(&paging.size, &SIZES));
        let offset = named(&paging.offset, &[]);
        let most = list.and_then(|l| super::coerce::flat(self, l.value).get("maxItems")?.as_u64());
        let most = most.map_or(usize::MAX, fit);
        if page.is_none() && size.is_none() && offset.is_none() {
            return Part { skip: 0, size: most };
        }
        let said = |one: Option<(&str, &Place<'_>)>| {
            let (name, place) = one?;
            let given = call.given.echo.get(name).and_then(Value::as_u64);
            given
                .or_else(|| place.value.pointer("/schema/default")?.as_u64())
                .map(fit)
        };
        let size = said(size).filter(|s| *s > 0).unwrap_or(USUAL_SIZE).min(most);
        let first = page.map_or(1, |(_, place)| {
            let says = |key: &str| place.value.pointer(key).and_then(Value::as_u64) == Some(0);
            usize::from(!says("/schema/default") && !says("/schema/minimum"))
        });
        let skip = match (said(page), said(offset)) {
            (Some(page), _) => page.saturating_sub(first).saturating_mul(size),
            (None, Some(offset)) => offset,
            (None, None) => 0,
        };
        Part { skip, size }
    }

    /// Writes numbers of things and of pages where an answer tells them, not within the things themselves.
    fn count(&self, value: &mut Value, total: usize, size: usize, depth: usize) {
        let Some(members) = value.as_object_mut().filter(|_| depth < 3) else {
            return;
        };
        for (name, value) in members {
            let name = bare(name);
            let known = self.words.paging.total.iter().any(|n| bare(n) == name);
            if value.is_u64() && (known || TOTALS.contains(&name.as_str())) {
                *value = Value::from(total);
            } else if value.is_u64() && PAGE_TOTALS.contains(&name.as_str()) {
                *value = Value::from(total.div_ceil(size.max(1)));
            } else {
                self.count(value, total, size, depth + 1);
            }
        }
    }
}

fn fit(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Whether a member is what is looked for: one of several wanted, or one of several there.
fn meets(own: &Value, wanted: &Value) -> bool {
    match (own, wanted) {
        (_, Value::Array(wanted)) => wanted.iter().any(|w| meets(own, w)),
        (Value::Array(own), _) => own.iter().any(|o| meets(o, wanted)),
        _ => plain(own) == plain(wanted),
    }
}
