//! Several upstream pages for one page of the contract (quirk 17), where the upstream's largest page is smaller than what
//! was asked for. It stops at the end of the rows, at the page wanted, and where an upstream that knows no pages sends its
//! first row again.

use crate::error::ConnectorError;
use crate::paging::{MOST_TURNS, Span};
use crate::plan::Plan;
use crate::step::Note;
use hub_core::ports::Answer;
use hub_core::{Effect, ShapeKind, Text};
use serde_json::Value;

/// What was gathered so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gathered {
    /// The first answer; later ones only add rows.
    answer: Option<Answer>,
    rows: Vec<Value>,
    firsts: Vec<Value>,
    notes: Vec<Note>,
}

/// Refuses what would cost more upstream calls than one call may.
pub(crate) fn affordable(plan: &Plan, input: &Value) -> Result<(), ConnectorError> {
    match span(plan, input) {
        Some((span, _)) if span.turns > MOST_TURNS => Err(ConnectorError::Input {
            place: "/page_size".to_owned(),
            expected: Text::new(
                format!("每页至多 {} 行", span.size.saturating_mul(MOST_TURNS - 1)),
                format!("at most {} rows a page", span.size.saturating_mul(MOST_TURNS - 1)),
            ),
        }),
        _ => Ok(()),
    }
}

/// The pages to ask for and the field that holds their rows; `None` where one answer is all.
fn span<'p>(plan: &'p Plan, input: &Value) -> Option<(Span, &'p str)> {
    let paging = plan.paging.as_ref().filter(|_| plan.effect == Effect::None)?;
    let span = paging.span(input);
    let mut lists = plan.contract.as_ref()?.output.children.iter();
    let mut lists = lists.by_ref().filter(|c| c.kind == ShapeKind::Array);
    match (lists.next(), lists.next()) {
        (Some(only), None) if span.turns > 1 => Some((span, only.name.as_ref())),
        _ => None,
    }
}

impl Gathered {
    /// Pages that were answered so far.
    pub(crate) fn turns(&self) -> i64 {
        i64::try_from(self.firsts.len()).unwrap_or(i64::MAX)
    }

    /// Takes one answer. `None`: the next page is needed.
    pub(crate) fn take(
        &mut self,
        plan: &Plan,
        input: &Value,
        mut answer: Answer,
        notes: Vec<Note>,
    ) -> Option<(Answer, Vec<Note>)> {
        let Some((span, field)) = span(plan, input) else {
            return Some((answer, notes));
        };
        let rows = match answer.body.get_mut(field).map(Value::take) {
            Some(Value::Array(rows)) => rows,
            _ => Vec::new(),
        };
        let size = usize::try_from(span.size).unwrap_or(usize::MAX);
        let short = rows.len() < size;
        let first = rows.first().cloned().unwrap_or_default();
        let again = !first.is_null() && self.firsts.contains(&first);
        self.note(notes);
        if again {
            self.note(vec![Note {
                field: field.to_owned(),
                kind: "repeated-page",
            }]);
        } else {
            self.rows.extend(rows);
        }
        self.firsts.push(first);
        self.answer.get_or_insert(answer);
        if !(again || short || self.turns_over(span)) {
            return None;
        }
        let (skip, want) = (bounded(span.skip), bounded(span.want));
        let wanted: Vec<Value> = std::mem::take(&mut self.rows)
            .into_iter()
            .skip(skip)
            .take(want)
            .collect();
        let mut whole = self.answer.take()?;
        if let Value::Object(map) = &mut whole.body {
            map.insert(field.to_owned(), Value::Array(wanted));
        }
        Some((whole, std::mem::take(&mut self.notes)))
    }

    fn turns_over(&self, span: Span) -> bool {
        i64::try_from(self.firsts.len()).unwrap_or(i64::MAX) >= span.turns
    }

    fn note(&mut self, notes: Vec<Note>) {
        for note in notes {
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
    }
}

fn bounded(number: i64) -> usize {
    usize::try_from(number).unwrap_or(0)
}
