//! Further fetches of one call: the next pages of an answer, and the second feed whose members belong to the first's.

use crate::answer::AnswerSource;
use crate::error::ConnectorError;
use crate::manifest::model::{AlsoPart, Paging, Place, Spot};
use crate::mapping::path::{Path, Segment};
use crate::mapping::template::scalar_text;
use crate::plan::Plan;
use crate::step::Note;
use hub_core::{RawResponse, ShapeKind, Text};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// Pages one call may fetch.
const MAX_PAGES: usize = 50;
/// Rows one call may gather.
const MAX_ROWS: usize = 50_000;

/// Pages by number that one page of the contract may cost.
const MOST_TURNS: i64 = 20;

/// Refuses what would cost more upstream calls than one call may.
pub(crate) fn affordable(plan: &Plan, window: Option<Window>) -> Result<(), ConnectorError> {
    let Some(window) = window.filter(|_| !plan.gathers()) else {
        return Ok(());
    };
    let turns = window.skip.saturating_add(window.wanted - 1) / window.size.max(1) + 1;
    if turns <= MOST_TURNS {
        return Ok(());
    }
    let most = window.size.saturating_mul(MOST_TURNS - 1);
    Err(ConnectorError::Input {
        place: "/page_size".to_owned(),
        expected: Text::new(format!("每页至多 {most} 行"), format!("at most {most} rows a page")),
    })
}

/// What was fetched so far.
#[derive(Debug, Clone)]
pub(crate) struct Gathered {
    /// Data of the first answer, with the rows of further pages and the members of further feeds.
    pub data: Value,
    /// The first answer as a whole.
    pub document: Value,
    /// The first answer as it came, for headers.
    pub response: RawResponse,
    /// Pages so far.
    pages: usize,
    /// The first row of the last page.
    first: Option<Value>,
    /// Address of the next page.
    next: Option<String>,
    /// Whether the upstream has no more rows.
    pub whole: bool,
    /// Whether it sent a page again, whatever number was asked for.
    again: bool,
}

/// The page the upstream is asked for, where it is not the caller's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    /// Page, from 1.
    pub page: i64,
    /// Rows of a page.
    pub size: i64,
    /// Rows before those that were asked for.
    pub skip: i64,
    /// Rows asked for.
    pub wanted: i64,
}

impl Window {
    /// The window of a call; `None` where the upstream's pages are the caller's.
    pub fn of(plan: &Plan, input: &Value) -> Option<Self> {
        let paging = plan.paging.as_ref()?;
        let (page, size) = paging.asked(input);
        let skipped = (page - 1).saturating_mul(size);
        if plan.gathers() {
            // Rows are chosen or counted here, so that the upstream is asked from its beginning.
            let most = paging.max.unwrap_or(100);
            let own = if plan.pick.is_some() { most } else { size.min(most) };
            let wanted = if plan.pick.is_some() { i64::MAX } else { size };
            return Some(Self {
                page: 1,
                size: own,
                skip: if plan.pick.is_some() { 0 } else { skipped },
                wanted,
            });
        }
        let most = paging.max.filter(|most| *most < size)?;
        let walks = paging.page.is_some() || paging.offset.is_some() || paging.start.is_some();
        walks.then(|| Self {
            page: skipped / most + 1,
            size: most,
            skip: skipped % most,
            wanted: size,
        })
    }

    /// How many rows must be there before those asked for are complete.
    fn needed(self) -> usize {
        usize::try_from(self.skip.saturating_add(self.wanted)).unwrap_or(usize::MAX)
    }
}

impl Gathered {
    /// The first answer.
    pub fn new(plan: &Plan, data: Value, document: Value, response: &RawResponse) -> Self {
        let next = next_address(plan.paging.as_ref(), &data, &document, response);
        let mut gathered = Self {
            first: None,
            pages: 1,
            whole: next.is_none(),
            again: false,
            next,
            data,
            document,
            response: response.clone(),
        };
        gathered.first = gathered.rows(plan).and_then(|r| r.first()).cloned();
        gathered
    }

    fn rows(&self, plan: &Plan) -> Option<&Vec<Value>> {
        plan.page_list()?.get(&self.data)?.as_array()
    }

    /// Lays the rows of a further page behind those that are there. A page that begins as the last one began is the last
    /// one again, whatever the upstream says of its number: then there are no more.
    pub fn add(&mut self, plan: &Plan, data: &Value, document: &Value, response: &RawResponse) {
        self.pages += 1;
        self.next = None;
        self.whole = true;
        let Some(list) = plan.page_list() else { return };
        let more = list.get(data).and_then(Value::as_array).cloned().unwrap_or_default();
        if more.is_empty() {
            return;
        }
        if more.first() == self.first.as_ref() {
            self.again = true;
            return;
        }
        self.first = more.first().cloned();
        self.next = next_address(plan.paging.as_ref(), data, document, response);
        self.whole = self.next.is_none();
        let mut rows = self.rows(plan).cloned().unwrap_or_default();
        rows.extend(more);
        list.set(&mut self.data, Value::Null);
        list.set(&mut self.data, Value::Array(rows));
    }

    /// What to fetch next: the address of a page, or its number.
    pub fn more(&self, plan: &Plan, window: Option<Window>) -> Option<NextPage> {
        let window = window?;
        let held = self.rows(plan).map_or(0, Vec::len);
        if held >= window.needed() || held >= MAX_ROWS || self.pages >= MAX_PAGES {
            return None;
        }
        if plan.gathers() {
            return self.next.clone().map(NextPage::Address);
        }
        // Numbered pages: a page that is not full is the last.
        let full = i64::try_from(held).unwrap_or(i64::MAX) >= window.size.saturating_mul(self.count());
        (full && (self.pages == 1 || !self.whole_by_repetition(plan, window)))
            .then(|| NextPage::Number(window.page.saturating_add(self.count())))
    }

    fn count(&self) -> i64 {
        i64::try_from(self.pages).unwrap_or(i64::MAX)
    }

    /// Whether the last page brought nothing new.
    fn whole_by_repetition(&self, plan: &Plan, window: Window) -> bool {
        let held = self.rows(plan).map_or(0, Vec::len);
        i64::try_from(held).unwrap_or(i64::MAX) <= window.size.saturating_mul(self.count() - 1)
    }

    /// A note where the upstream sent a page again.
    pub fn repeated(&self, plan: &Plan) -> Option<Note> {
        let lists = plan.contract.iter().flat_map(|c| &c.output.children);
        let list = lists.filter(|c| c.kind == ShapeKind::Array).map(|c| c.name.to_string());
        self.again.then(|| Note {
            field: list.take(1).collect(),
            kind: "repeated-page",
        })
    }

    /// Why the page asked for cannot be shown: the upstream counts rows on it, and no link leads there. An empty page would
    /// say that there are none.
    pub fn out_of_reach(&self, plan: &Plan, window: Option<Window>, input: &Value) -> Option<ConnectorError> {
        let (window, paging) = (window?, plan.paging.as_ref()?);
        if paging.next.is_none() || plan.pick.is_some() || self.pages >= MAX_PAGES {
            return None;
        }
        let held = i64::try_from(self.rows(plan)?.len()).ok()?;
        let source = AnswerSource {
            data: &self.data,
            document: &self.document,
            response: &self.response,
        };
        let total = paging.total(&source, input)?;
        (window.skip > 0 && held <= window.skip && window.skip < total).then(|| ConnectorError::Misfit {
            place: paging
                .next
                .as_ref()
                .map_or_else(String::new, |spot| spot.path.to_string()),
            expected: "a link to the next page".to_owned(),
            got: format!("none after {held} of {total} rows"),
            effect_unknown: false,
        })
    }

    /// Leaves the rows that were asked for.
    pub fn cut(&mut self, plan: &Plan, window: Option<Window>) {
        let (Some(window), Some(list), None) = (window, plan.page_list(), &plan.pick) else {
            return;
        };
        let Some(rows) = self.rows(plan) else { return };
        let skip = usize::try_from(window.skip).unwrap_or(usize::MAX);
        let wanted = usize::try_from(window.wanted).unwrap_or(usize::MAX);
        let cut: Vec<Value> = rows.iter().skip(skip).take(wanted).cloned().collect();
        list.set(&mut self.data, Value::Null);
        list.set(&mut self.data, Value::Array(cut));
    }

    /// Number of rows held, where these are all.
    pub fn total(&self, plan: &Plan) -> Option<i64> {
        let rows = self.rows(plan)?;
        self.whole.then(|| i64::try_from(rows.len()).ok()).flatten()
    }

    /// Lays the answer of a further call into the first one's data.
    pub fn join(&mut self, part: &AlsoPart, data: &Value) {
        let (Some(list), Some(by)) = (&part.list, &part.by) else {
            crate::parts::merge(&mut self.data, data.clone());
            return;
        };
        let mut others: HashMap<String, &Map<String, Value>> = HashMap::new();
        for item in list.get(data).and_then(Value::as_array).into_iter().flatten() {
            if let (Some(key), Some(members)) = (item.get(by).and_then(scalar_text), item.as_object()) {
                others.insert(key, members);
            }
        }
        let Some(mut rows) = list.get(&self.data).and_then(Value::as_array).cloned() else {
            return;
        };
        for row in &mut rows {
            let other = row.get(by).and_then(scalar_text).and_then(|key| others.get(&key));
            if let (Some(other), Value::Object(members)) = (other, row) {
                for (name, value) in *other {
                    members.entry(name.clone()).or_insert_with(|| value.clone());
                }
            }
        }
        list.set(&mut self.data, Value::Null);
        list.set(&mut self.data, Value::Array(rows));
    }
}

/// How the next page is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NextPage {
    /// By the address the upstream gave.
    Address(String),
    /// By its number.
    Number(i64),
}

fn next_address(paging: Option<&Paging>, data: &Value, document: &Value, response: &RawResponse) -> Option<String> {
    let spot = paging?.next.as_ref()?;
    if spot.place == Some(Place::Header) {
        let header = response.header(spot.path.only_name()?)?;
        return linked(header).map(str::to_owned);
    }
    let tree = if spot.path.absolute { document } else { data };
    spot.path
        .get(tree)
        .and_then(Value::as_str)
        .filter(|a| !a.is_empty())
        .map(str::to_owned)
}

/// The target of `rel="next"` in a Link header (RFC 8288).
fn linked(header: &str) -> Option<&str> {
    header.split(',').find_map(|link| {
        let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
        let is_next = parameters.split(';').any(|p| {
            p.trim()
                .split_once('=')
                .is_some_and(|(n, v)| n.trim().eq_ignore_ascii_case("rel") && v.trim().trim_matches('"') == "next")
        });
        is_next.then_some(target)
    })
}

/// Writes the address of the next page (server half).
pub(crate) fn put_next(spot: &Spot, address: &str, document: &mut Value, headers: &mut Vec<(String, String)>) {
    if spot.place == Some(Place::Header) {
        let name = spot.path.only_name().unwrap_or("Link").to_owned();
        headers.push((name, format!("<{address}>; rel=\"next\"")));
    } else {
        spot.path.set(document, Value::from(address));
    }
}

/// A reference (RFC 3986, 5) as the target of a request below the system's base. Whole addresses stay as they are: whoever
/// sends them checks that they are the system's own.
pub(crate) fn resolve(reference: &str, asked: &str) -> String {
    let reference = reference.split('#').next().unwrap_or_default();
    if reference.starts_with("http://") || reference.starts_with("https://") {
        return reference.to_owned();
    }
    let path = asked.split('?').next().unwrap_or_default();
    if reference.starts_with('?') {
        return format!("{path}{reference}");
    }
    if let Some(absolute) = reference.strip_prefix('/') {
        // The base may have a path of its own, which a reference to the same resource repeats.
        let (way, query) = absolute.split_once('?').map_or((absolute, ""), |(w, q)| (w, q));
        if !query.is_empty() && format!("/{way}").ends_with(path) {
            return format!("{path}?{query}");
        }
        return format!("/{absolute}");
    }
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    format!("{folder}/{}", reference.trim_start_matches("./"))
}

/// Takes members out of the items of a list, or leaves only them and the one that joins (server half).
pub(crate) fn part_of(part: &AlsoPart, first: bool, data: &mut Value) {
    let (Some(list), Some(by)) = (&part.list, &part.by) else {
        return;
    };
    let names: Path = Path {
        absolute: false,
        segments: list.segments.iter().filter(|s| **s != Segment::Each).cloned().collect(),
    };
    let Some(mut rows) = names.get(data).and_then(Value::as_array).cloned() else {
        return;
    };
    for row in &mut rows {
        if let Value::Object(members) = row {
            members.retain(|name, _| name == by || part.holds.contains(name) != first);
        }
    }
    names.set(data, Value::Null);
    names.set(data, Value::Array(rows));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_stay_below_the_base() {
        assert_eq!(resolve("?page=2", "/fhir/Slot?x=1"), "/fhir/Slot?page=2");
        assert_eq!(resolve("Slot?page=2", "/fhir/Slot?x=1"), "/fhir/Slot?page=2");
        assert_eq!(resolve("./station_status.json", "/gbfs.json"), "/station_status.json");
        assert_eq!(resolve("/base/fhir/Slot?page=2", "/fhir/Slot"), "/fhir/Slot?page=2");
        assert_eq!(resolve("/feeds/a.json", "/gbfs.json"), "/feeds/a.json");
        assert_eq!(
            resolve("https://up.example/fhir?p=2#x", "/Slot"),
            "https://up.example/fhir?p=2"
        );
    }

    #[test]
    fn the_next_of_a_link_header() {
        let header = r#"<https://www.server.example/ocpi/cpo/2.2/cdrs/?offset=150&limit=50>; rel="next""#;
        assert_eq!(
            linked(header),
            Some("https://www.server.example/ocpi/cpo/2.2/cdrs/?offset=150&limit=50")
        );
        assert_eq!(linked("<a>; rel=\"prev\", <b>; title=x; rel=next"), Some("b"));
        assert_eq!(linked("<a>; rel=\"last\""), None);
    }
}
