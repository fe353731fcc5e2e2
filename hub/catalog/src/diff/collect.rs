//! Gathers what the parts of the comparison find, and makes changes of it: one for each cause, with all operations
//! it shows up in.

use super::book::{At, Book, Node};
use super::change::{Change, Direction, Place, Report, Severity, Use};
use super::day::Day;
use super::graph::Graph;
use super::schema::{Side, clipped};
use super::table::{Area, Effect, kind};
use super::words;
use indexmap::IndexMap;

/// An operation under comparison, as changes name it.
#[derive(Debug, Clone)]
pub(super) struct Act {
    /// Method and path.
    pub name: String,
    pub id: Option<String>,
    /// Whether its stability level promises nothing (`x-stability-level: draft` or `alpha`).
    pub unstable: bool,
}

/// Something found outside schemas.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub area: Area,
    pub keyword: &'static str,
    pub effect: Effect,
    pub from: Option<String>,
    pub to: Option<String>,
    pub old_at: Option<String>,
    pub new_at: Option<String>,
    /// Where inside the operation.
    pub at: String,
    /// Pointer of what it is about, where that is a field or parameter.
    pub field: String,
}

/// A pair of schemas that an operation leads to.
#[derive(Debug)]
struct Root {
    pair: usize,
    area: Area,
    act: usize,
    at: String,
    /// Pointer of the parameter or header, before the fields inside it.
    field: String,
}

/// What identifies a cause.
type Cause = (
    Area,
    &'static str,
    Effect,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
);

/// The state of one comparison.
#[derive(Debug)]
pub(super) struct Collector<'a> {
    pub old: Book<'a>,
    pub new: Book<'a>,
    pub today: Option<Day>,
    graph: Graph<'a>,
    acts: Vec<Act>,
    roots: Vec<Root>,
    found: Vec<(Found, Option<usize>)>,
}

impl Found {
    pub fn new(area: Area, keyword: &'static str, effect: Effect) -> Self {
        Self {
            area,
            keyword,
            effect,
            from: None,
            to: None,
            old_at: None,
            new_at: None,
            at: String::new(),
            field: String::new(),
        }
    }

    pub fn old(mut self, at: &At) -> Self {
        self.old_at = Some(at.to_string());
        self
    }

    pub fn new_at(mut self, at: &At) -> Self {
        self.new_at = Some(at.to_string());
        self
    }

    pub fn says(mut self, from: Option<String>, to: Option<String>) -> Self {
        (self.from, self.to) = (from.map(|t| clipped(&t)), to.map(|t| clipped(&t)));
        self
    }

    pub fn inside(mut self, at: impl Into<String>) -> Self {
        self.at = at.into();
        self
    }

    pub fn field(mut self, pointer: String) -> Self {
        self.field = pointer;
        self
    }
}

impl<'a> Collector<'a> {
    pub fn new(old: Book<'a>, new: Book<'a>, today: Option<Day>) -> Self {
        let side = Side {
            old,
            new,
            direction: Direction::Both,
            textual: false,
        };
        Self {
            old,
            new,
            today,
            graph: Graph::new(side),
            acts: Vec::new(),
            roots: Vec::new(),
            found: Vec::new(),
        }
    }

    /// Begins an operation; what is found from here on can name it.
    pub fn act(&mut self, act: Act) -> usize {
        self.acts.push(act);
        self.acts.len() - 1
    }

    pub fn find(&mut self, act: usize, found: Found) {
        self.found.push((found, Some(act)));
    }

    /// Something about the description as a whole.
    pub fn find_all(&mut self, found: Found) {
        self.found.push((found, None));
    }

    /// Compares two schemas that an operation leads to.
    pub fn schemas(
        &mut self,
        act: usize,
        area: Area,
        at: &str,
        field: &str,
        textual: bool,
        pair: (Node<'a>, Node<'a>),
    ) {
        let id = self.graph.compare(pair.0, pair.1, area.direction(), textual);
        self.roots.push(Root {
            pair: id,
            area,
            act,
            at: at.to_owned(),
            field: field.to_owned(),
        });
    }

    /// Everything found, as changes.
    pub fn report(mut self) -> Report {
        if self.graph.exhausted() {
            self.find_all(Found::new(Area::Api, "limit", Effect::Changed));
        }
        let mut causes: IndexMap<Cause, Vec<(Use, bool)>> = IndexMap::new();
        for (found, act) in &self.found {
            let cause = (
                found.area,
                found.keyword,
                found.effect,
                found.from.clone(),
                found.to.clone(),
                found.old_at.clone(),
                found.new_at.clone(),
                None,
            );
            let uses = causes.entry(cause).or_default();
            if let Some(act) = act.and_then(|a| self.acts.get(a)) {
                uses.push((act.at(found.at.clone(), found.field.clone()), act.unstable));
            }
        }
        for root in &self.roots {
            let Some(act) = self.acts.get(root.act) else { continue };
            for met in self.graph.met(root.pair) {
                let fact = met.fact;
                let cause = (
                    root.area,
                    fact.keyword,
                    fact.effect,
                    fact.from.clone(),
                    fact.to.clone(),
                    fact.old_at.clone(),
                    fact.new_at.clone(),
                    fact.name.clone(),
                );
                let at = [root.at.as_str(), &met.shown]
                    .iter()
                    .filter(|t| !t.is_empty())
                    .copied()
                    .collect::<Vec<_>>()
                    .join(" ");
                let uses = causes.entry(cause).or_default();
                uses.push((act.at(at, format!("{}{}", root.field, met.field)), act.unstable));
            }
        }
        let mut changes: Vec<Change> = causes
            .into_iter()
            .filter_map(|(cause, uses)| change(cause, uses))
            .collect();
        changes.sort_by(|a, b| {
            let key = |c: &Change| {
                (
                    c.severity,
                    c.operation().map(str::to_owned),
                    c.place.old.clone(),
                    c.place.new.clone(),
                )
            };
            key(a).cmp(&key(b)).then_with(|| a.id.cmp(&b.id))
        });
        Report { changes }
    }
}

impl Act {
    fn at(&self, at: String, field: String) -> Use {
        Use {
            operation: self.name.clone(),
            operation_id: self.id.clone(),
            at,
            field,
        }
    }
}

fn change(cause: Cause, mut uses: Vec<(Use, bool)>) -> Option<Change> {
    let (area, keyword, effect, from, to, old, new, _) = cause;
    let mut kind = kind(area, keyword, effect)?;
    if kind.severity == Severity::Breaking && !uses.is_empty() && uses.iter().all(|(_, unstable)| *unstable) {
        kind.severity = Severity::Risky;
    }
    let mut operations: Vec<Use> = Vec::new();
    for (place, _) in uses.drain(..) {
        if !operations.contains(&place) {
            operations.push(place);
        }
    }
    let at = operations.first().map(|u| u.at.clone()).unwrap_or_default();
    Some(Change {
        id: kind.id(),
        severity: kind.severity,
        direction: area.direction(),
        text: words::sentence(&kind, &at, from.as_deref(), to.as_deref()),
        advice: words::advice(&kind),
        place: Place { old, new, operations },
        from,
        to,
        clients: Vec::new(),
    })
}
