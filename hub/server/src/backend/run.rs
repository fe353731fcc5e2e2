//! One run over a description, and one request of it again.

use super::caller::Caller;
use hub_core::Text;
use hub_sandbox::mock::verify::{Answered, Case, Fault, Kind};
use hub_sandbox::mock::{Listed, Mock};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The same thing wrong with one operation, however often it was seen.
#[derive(Debug, Clone)]
pub struct Group {
    /// What is wrong.
    pub fault: Fault,
    /// With which operation.
    pub operation: String,
    /// How often it was seen.
    pub times: usize,
    /// What the first request is about.
    pub what: Text,
    /// By which the first request is sent again.
    pub id: String,
    /// The first request as a command.
    pub curl: String,
}

/// What is to be sent.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// One request alone.
    pub only: Option<String>,
    /// GET and HEAD alone.
    pub reads: bool,
    /// What stands in commands in place of headers that were given.
    pub hidden: Option<&'static str>,
}

/// What became of a run.
#[derive(Debug, Clone, Default)]
pub struct Run {
    /// What is wrong, by operation and rule.
    pub groups: BTreeMap<(String, &'static str), Group>,
    /// Requests by kind.
    pub sent: BTreeMap<&'static str, usize>,
    /// Operations asked so far.
    pub operations: usize,
    /// Operations there are.
    pub all: usize,
    /// Operations that refused credentials: what they really do was not seen.
    pub closed: usize,
    /// Why nobody is at home.
    pub unheard: Option<String>,
    /// Requests for which there was no time.
    pub left: usize,
}

/// What became of sending one request again.
#[derive(Debug, Clone)]
pub struct Again {
    /// The answer, or why there was none.
    pub answered: Result<Answered, String>,
    /// What is wrong with it.
    pub faults: Vec<Fault>,
    /// The request as a command.
    pub curl: String,
    /// What the request is about.
    pub what: Text,
}

/// Sends everything that is wanted; says how far it is after every operation.
pub async fn run(mock: &Mock, caller: &Caller, wanted: &Wanted, told: &(dyn Fn(&Run) + Send + Sync)) -> Run {
    let mut run = Run::default();
    let operations: Vec<Listed> = mock.operations().collect();
    run.all = operations.len();
    for listed in &operations {
        let cases = mock.cases(listed);
        let asked = cases
            .iter()
            .filter(|c| wanted.only.as_ref().is_none_or(|id| *id == c.id));
        let asked: Vec<&Case> = asked
            .filter(|c| !wanted.reads || matches!(c.request.method.as_str(), "GET" | "HEAD"))
            .collect();
        run.operations += usize::from(!asked.is_empty());
        for case in asked {
            if run.unheard.is_some() || caller.is_over() {
                run.left += 1;
                continue;
            }
            one(mock, caller, case, listed, &mut run, wanted).await;
        }
        told(&run);
    }
    if wanted.only.is_none() && !wanted.reads {
        stories(mock, caller, &mut run, wanted).await;
    }
    run
}

async fn one(mock: &Mock, caller: &Caller, case: &Case, listed: &Listed, run: &mut Run, wanted: &Wanted) {
    *run.sent.entry(case.kind.as_str()).or_default() += 1;
    let place = format!("{} {}", listed.method, listed.path);
    match caller.send(case).await {
        Ok(answered) => {
            if case.kind == Kind::Positive && matches!(answered.status, 401 | 403) {
                run.closed += 1;
            }
            for fault in mock.judge(case, &answered) {
                run.note(caller, case, &place, fault, wanted);
            }
        }
        // Nobody at home is one finding, not a thousand.
        Err(error) if run.sent.values().sum::<usize>() == 1 => run.unheard = Some(error),
        Err(error) => run.note(caller, case, &place, silent(&error), wanted),
    }
}

fn silent(error: &str) -> Fault {
    Fault {
        rule: "no-answer",
        text: Text::new(format!("没有应答：{error}"), format!("no answer: {error}")),
    }
}

async fn stories(mock: &Mock, caller: &Caller, run: &mut Run, wanted: &Wanted) {
    for mut story in mock.stories() {
        while let Some(turn) = mock.turn(&story) {
            if run.unheard.is_some() || caller.is_over() {
                run.left += 1;
                break;
            }
            *run.sent.entry("story").or_default() += 1;
            let Ok(answered) = caller.send(&turn.case).await else {
                break;
            };
            let place = format!("{} {}", turn.case.request.method, turn.case.request.path);
            if let Some(fault) = mock.told_turn(&mut story, &turn, &answered) {
                run.note(caller, &turn.case, &place, fault, wanted);
            }
        }
    }
}

/// Sends one request again, by its id; what is part of a story is told from its beginning. Nothing if there is none of this id.
pub async fn again(mock: &Mock, caller: &Caller, id: &str, hidden: Option<&str>) -> Option<Again> {
    for listed in mock.operations() {
        let Some(case) = mock.cases(&listed).into_iter().find(|c| c.id == id) else {
            continue;
        };
        let answered = caller.send(&case).await;
        let faults = match &answered {
            Ok(answered) => mock.judge(&case, answered),
            Err(error) => vec![silent(error)],
        };
        return Some(Again {
            answered,
            faults,
            curl: caller.curl(&case, hidden),
            what: case.what,
        });
    }
    let (head, _) = id.rsplit_once('.').filter(|_| id.starts_with("story."))?;
    for mut story in mock.stories() {
        while let Some(turn) = mock
            .turn(&story)
            .filter(|turn| turn.case.id.starts_with(&format!("{head}.")))
        {
            let answered = caller.send(&turn.case).await;
            let fault = match &answered {
                Ok(answered) => mock.told_turn(&mut story, &turn, answered),
                Err(error) => Some(silent(error)),
            };
            if turn.case.id == id || answered.is_err() || fault.is_some() {
                return Some(Again {
                    answered,
                    faults: fault.into_iter().collect(),
                    curl: caller.curl(&turn.case, hidden),
                    what: turn.case.what,
                });
            }
        }
    }
    None
}

impl Run {
    fn note(&mut self, caller: &Caller, case: &Case, operation: &str, fault: Fault, wanted: &Wanted) {
        let key = (operation.to_owned(), fault.rule);
        let group = self.groups.entry(key).or_insert_with(|| Group {
            operation: operation.to_owned(),
            times: 0,
            what: case.what.clone(),
            id: case.id.clone(),
            curl: caller.curl(case, wanted.hidden),
            fault,
        });
        group.times += 1;
    }

    /// Whether anything is wrong.
    #[must_use]
    pub fn fails(&self) -> bool {
        !self.groups.is_empty() || self.unheard.is_some()
    }

    /// The same for programs.
    #[must_use]
    pub fn report(&self) -> Value {
        let groups: Vec<Value> = self.groups.values().map(Group::view).collect();
        let sent: usize = self.sent.values().sum();
        json!({
            "operations": self.operations, "requests": sent, "by_kind": self.sent, "not_sent": self.left,
            "unauthorized": self.closed, "unreachable": self.unheard, "findings": groups,
        })
    }
}

impl Group {
    fn view(&self) -> Value {
        json!({
            "rule": self.fault.rule, "operation": self.operation, "message": self.fault.text, "times": self.times,
            "first": self.what, "replay": self.id, "curl": self.curl,
        })
    }
}
