//! Makes one answer: from the contract's example where there is one, else invented; completed with what the state
//! knows; checked against the contract before it leaves, and mended place by place where it does not fit.

use crate::Contracts;
use crate::invent::{DocumentReferences, Inventor, Spot, Style, Trouble, general};
use crate::paging::Window;
use crate::party::Party;
use crate::pattern::Patterns;
use crate::rules;
use crate::seed::Seed;
use crate::vocabulary::Vocabulary;
use hub_core::problem::Violation;
use hub_core::time::{Timestamp, civil};
use hub_core::{Operation, Problem, ProblemCode, Shape, Text};
use serde_json::{Map, Value};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

/// Rounds of making, checking and mending.
const ROUNDS: usize = 10;
/// Rounds after which the contract's example is no longer the base.
const EXAMPLE_ROUNDS: usize = 4;
/// Items shown of a list by a persona with many records.
const MANY_RECORDS: usize = 12;

/// A row of a list that the state knows.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// Members that are known.
    pub known: Map<String, Value>,
    /// What the rest is made from.
    pub seed: Seed,
}

/// What is wanted of an answer.
pub(crate) struct Wish<'a> {
    pub operation: &'a Operation,
    pub input: &'a Map<String, Value>,
    pub party: &'a Party<'a>,
    pub now: Timestamp,
    pub style: Style,
    pub seed: Seed,
    /// Top-level members the state knows.
    pub fixed: Map<String, Value>,
    /// A list the state knows.
    pub rows: Option<(String, Vec<Row>)>,
    pub window: Option<Window>,
}

/// Makes the answer of a wish.
///
/// # Errors
/// A problem that names the place in the contract for which no value was found.
pub(crate) fn make(
    contracts: &dyn Contracts,
    words: &Vocabulary,
    patterns: &Patterns,
    wish: &Wish<'_>,
) -> Result<Value, Problem> {
    let Some(schema) = &wish.operation.response else {
        return Ok(Value::Null);
    };
    let references = DocumentReferences {
        contracts,
        system: &wish.operation.system,
        root: schema,
    };
    let example = best_example(wish.operation, wish.input);
    let mut misses: BTreeMap<String, usize> = BTreeMap::new();
    let mut last = Vec::new();
    for round in 0..ROUNDS {
        let inventor = Inventor {
            words,
            patterns,
            party: wish.party,
            references: &references,
            echo: wish.input,
            now: wish.now,
            style: wish.style,
            seed: wish.seed,
            misses: &misses,
            window: wish.window.as_ref(),
            request: false,
            made: &Cell::new(0),
        };
        let base = example.filter(|_| wish.style == Style::Rich && round < EXAMPLE_ROUNDS);
        let maker = Maker {
            inventor: &inventor,
            wish,
            schema,
        };
        let body = match maker.body(base) {
            Ok(body) => body,
            Err(trouble) => {
                last = vec![nowhere(&trouble)];
                *misses.entry(trouble.pointer).or_default() += 1;
                continue;
            }
        };
        match contracts.check_output(wish.operation, &body) {
            Ok(()) => return Ok(body),
            Err(violations) => last = violations,
        }
        let places: BTreeSet<String> = last.iter().map(|v| general(&v.place)).collect();
        for place in places {
            *misses.entry(place).or_default() += 1;
        }
    }
    example
        .filter(|body| contracts.check_output(wish.operation, body).is_ok())
        .cloned()
        .ok_or_else(|| failure(wish.operation, &last))
}

fn nowhere(trouble: &Trouble) -> Violation {
    Violation {
        place: trouble.pointer.clone(),
        keyword: "schema".to_owned(),
        expected: Text::new(
            "可以生成值的结构",
            format!("a schema a value can be made for: {}", trouble.reason),
        ),
        got: trouble.reason.clone(),
    }
}

fn failure(operation: &Operation, violations: &[Violation]) -> Problem {
    let place = violations.first().map_or("", |v| v.place.as_str());
    let mut problem = Problem::violations(ProblemCode::Internal, violations.to_vec()).detail(
        format!("沙箱无法为 {} 生成符合合同的回答，位置 {place}", operation.id),
        format!(
            "The sandbox cannot make an answer for {} that fits its contract, at {place}",
            operation.id
        ),
    );
    problem.place = Some(format!("response{place}"));
    problem
}

/// The example whose input is most like the call's.
fn best_example<'a>(operation: &'a Operation, input: &Map<String, Value>) -> Option<&'a Value> {
    let likeness = |given: Option<&Map<String, Value>>| {
        given.map_or(0, |g| g.iter().filter(|(k, v)| input.get(*k) == Some(*v)).count())
    };
    let with_output = operation
        .examples
        .iter()
        .filter_map(|e| Some((likeness(e.input.as_ref()), e.output.as_ref()?)));
    with_output
        .rev()
        .max_by_key(|(like, _)| *like)
        .map(|(_, output)| output)
}

struct Maker<'a> {
    inventor: &'a Inventor<'a>,
    wish: &'a Wish<'a>,
    schema: &'a Value,
}

impl Maker<'_> {
    fn body(&self, example: Option<&Value>) -> Result<Value, Trouble> {
        let root = Spot::root(&self.wish.operation.output);
        let mut body = match example {
            Some(example) => self.freshen(example, &root),
            None => self.inventor.value(self.schema, &root)?,
        };
        self.put_rows(&mut body)?;
        if let Value::Object(body) = &mut body {
            for (name, value) in &self.wish.fixed {
                if root.shape.is_some_and(|s| s.child(name).is_some())
                    && !self.inventor.missed_within(&root.property(name))
                {
                    body.insert(name.clone(), value.clone());
                }
            }
        }
        Ok(body)
    }

    /// An example's value with what must not come from an example replaced: whatever the caller said, whatever
    /// belongs to one person, dates that lie on the wrong side of the clock.
    fn freshen(&self, value: &Value, spot: &Spot<'_>) -> Value {
        match value {
            Value::Object(members) => Value::Object(
                members
                    .iter()
                    .map(|(name, value)| (name.clone(), self.freshen(value, &spot.property(name))))
                    .collect(),
            ),
            Value::Array(items) => self.freshen_list(items, spot),
            _ => self.freshen_scalar(value, spot).unwrap_or_else(|| value.clone()),
        }
    }

    fn freshen_scalar(&self, value: &Value, spot: &Spot<'_>) -> Option<Value> {
        let inventor = self.inventor;
        let empty = Map::new();
        let flat = spot.shape.and_then(|s| s.schema.as_object()).unwrap_or(&empty);
        let missed = inventor.missed(spot);
        if missed > 1 {
            return inventor.value(&spot.shape?.schema, spot).ok();
        }
        if missed == 1 {
            return None;
        }
        if let Some(known) = rules::known(inventor, spot).filter(|k| rules::fits(flat, k)) {
            return Some(known);
        }
        let stale = rules::days_of(inventor, spot).is_some_and(|range| is_stale(value, range, inventor.now));
        if stale || rules::is_personal(inventor, spot) {
            return rules::by_rule(inventor, flat, spot, &mut inventor.dice(spot));
        }
        None
    }

    fn freshen_list(&self, items: &[Value], spot: &Spot<'_>) -> Value {
        let window = self.inventor.window.filter(|w| spot.depth == 1 && w.list == spot.name);
        let many = spot.depth == 1 && self.inventor.party.is("many-records");
        let (offset, count) = match window {
            Some(window) => (window.offset, window.count),
            None if many && !items.is_empty() => (0, MANY_RECORDS),
            None => (0, items.len()),
        };
        let most = spot
            .shape
            .and_then(|s| s.schema.get("maxItems")?.as_u64())
            .unwrap_or(u64::MAX);
        let count = count.min(usize::try_from(most).unwrap_or(usize::MAX));
        let made = (0..count).filter_map(|index| {
            let place = spot.item(offset + index);
            match items.get(offset + index) {
                Some(item) => Some(self.freshen(item, &place)),
                None if items.is_empty() => self.inventor.value(&place.shape?.schema, &place).ok(),
                None => Some(self.vary(items.get((offset + index) % items.len())?, &place)),
            }
        });
        Value::Array(made.collect())
    }

    /// One more item like an example's: figures, codes and whatever has a rule are made anew, free text stays.
    fn vary(&self, value: &Value, spot: &Spot<'_>) -> Value {
        let again = |schema: &Value| self.inventor.value(schema, spot).ok();
        match (value, spot.shape) {
            (Value::Object(members), _) => Value::Object(
                members
                    .iter()
                    .map(|(name, value)| (name.clone(), self.vary(value, &spot.property(name))))
                    .collect(),
            ),
            (Value::Array(_), _) | (_, None) => value.clone(),
            (_, Some(shape)) if rules::is_free_text(self.inventor, spot) => match self.inventor.missed(spot) {
                0 => value.clone(),
                _ => again(&shape.schema).unwrap_or_else(|| value.clone()),
            },
            (_, Some(shape)) => again(&shape.schema).unwrap_or_else(|| value.clone()),
        }
    }

    /// Replaces a list by the rows the state knows.
    fn put_rows(&self, body: &mut Value) -> Result<(), Trouble> {
        let (Some((list, rows)), Value::Object(body)) = (&self.wish.rows, body) else {
            return Ok(());
        };
        let root = Spot::root(&self.wish.operation.output);
        let spot = root.property(list);
        let Some(item) = spot.shape.and_then(|s: &Shape| s.item.as_deref()) else {
            return Ok(());
        };
        let mut made = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            // A row is about the caller, so it is no other person's: number 0.
            let place = Spot {
                nth: 0,
                ..spot.item(index)
            };
            let inventor = Inventor {
                seed: row.seed,
                echo: &row.known,
                ..*self.inventor
            };
            let mut value = inventor.value(&item.schema, &place)?;
            if let Value::Object(value) = &mut value {
                for (name, known) in &row.known {
                    if item.child(name).is_some() && self.inventor.missed(&place.property(name)) == 0 {
                        value.insert(name.clone(), known.clone());
                    }
                }
            }
            made.push(value);
        }
        body.insert(list.clone(), Value::Array(made));
        Ok(())
    }
}

/// Whether a date of an example lies on the other side of the clock than its rule says.
fn is_stale(value: &Value, (low, high): (i64, i64), now: Timestamp) -> bool {
    let Some(day) = value
        .as_str()
        .and_then(|s| s.get(..10)?.parse::<jiff::civil::Date>().ok())
    else {
        return false;
    };
    let today = civil(now).date();
    (low > 0 && day <= today) || (high < 0 && day >= today) || (low == 0 && high == 0 && day != today)
}
