//! What becomes of a thing under `need-docs` and `pending`: papers that are handed in one after the other, a decision that
//! falls when the clock has come to it.

use super::Mock;
use super::memory::{Fate, Memory, Thing};
use super::remember::{Call, Home};
use super::resource::Deed;
use crate::calendar::{start_of, working_days_after};
use crate::scenario::Word;
use hub_core::time::Timestamp;
use serde_json::{Map, Value};

/// Working days a decision takes where the caller says nothing, and after the last paper.
const DAYS: u64 = 5;

impl Mock {
    /// What is to become of a thing that is made in this call.
    pub(super) fn fate(&self, call: &Call<'_>) -> Option<Fate> {
        let number = call.wishes.number();
        match call.wishes.word() {
            Word::NeedDocs => Some(Fate {
                papers: number.unwrap_or(1).clamp(1, 20),
                decided: None,
            }),
            Word::Pending => Some(Fate {
                papers: 0,
                decided: decided(self.now(call.ask), number.unwrap_or(DAYS)),
            }),
            _ => None,
        }
    }

    /// The same after one paper more.
    pub(super) fn handed_in(&self, fate: Fate, call: &Call<'_>) -> Fate {
        match fate.papers {
            0 => fate,
            1 => Fate {
                papers: 0,
                decided: decided(self.now(call.ask), DAYS),
            },
            papers => Fate {
                papers: papers - 1,
                ..fate
            },
        }
    }

    /// Counts what is sent below a thing as a paper for it, where the path says so.
    pub(super) fn hand_in(&self, memory: &Memory, call: &Call<'_>) {
        let last = call
            .route
            .path
            .rsplit('/')
            .find(|step| !step.is_empty())
            .unwrap_or_default();
        let sends = ["POST", "PUT", "PATCH"].contains(&&*call.route.method);
        if !sends || self.words.turn(last) != Some("supplement") {
            return;
        }
        for (index, names) in self.resources.above(call.route) {
            let mut values = call.values.iter().map(|(_, value)| value.clone());
            let key = (*index, values.by_ref().take(names.saturating_sub(1)).collect());
            let Some(own) = values.next() else { continue };
            if let Some((object, Some(fate))) = memory.thing(&key, &own) {
                let fate = Some(self.handed_in(fate, call));
                memory.keep_with(&key, own, (*object).clone(), fate);
            }
        }
    }

    /// A thing as it is at this time.
    pub(super) fn aged(&self, home: &Home<'_>, call: &Call<'_>, (object, fate): &Thing) -> Map<String, Value> {
        let mut object = (**object).clone();
        let Some(fate) = fate else { return object };
        let state = match fate.decided {
            _ if fate.papers > 0 => "need-docs",
            Some(decided) if self.now(call.ask) >= decided => "approved",
            _ => "processing",
        };
        let route = home.resource.route(Deed::Read, &self.routes);
        if let Some((at, value)) = route.and_then(|route| self.state(route, state)) {
            let name = at.rsplit('/').next().unwrap_or_default();
            object.insert(name.replace("~1", "/").replace("~0", "~"), value);
        }
        object
    }
}

fn decided(from: Timestamp, days: u64) -> Option<Timestamp> {
    let days = u32::try_from(days.clamp(1, 3_650)).unwrap_or(1);
    start_of(working_days_after(from, days))
}
