//! Every operation of every spec.

use crate::town::{CATALOG, bind, caller, engine, example};
use hub_core::ProblemCode;
use std::collections::BTreeMap;

const PERSON: &str = "wang-jianguo";
const COMPANY: &str = "zheng-haiyan@yunfan-tech";

/// Calls everything once under a scenario; returns what went wrong.
fn call_all(scenario: &str, may_refuse: bool) -> Vec<String> {
    let (Some(catalog), Some(engine)) = (CATALOG.as_ref(), engine(1)) else {
        return Vec::new();
    };
    let controls = [("hub-scenario".to_owned(), scenario.to_owned())];
    let mut wrong = Vec::new();
    for operation in catalog.operations() {
        let subject = caller(&engine, operation, PERSON, COMPANY);
        let input = bind(operation, &example(operation), &subject);
        engine.reset("every");
        match engine.answer("every", operation, &input, &controls) {
            Ok(answer) => {
                if let Err(violations) = catalog.check_output(operation, &answer.body) {
                    wrong.push(format!("{}: {violations:?}", operation.id));
                }
            }
            Err(problem) if may_refuse && problem.code == ProblemCode::ScenarioUnknown => {}
            Err(problem) => wrong.push(format!(
                "{}: {:?} {:?} {:?}",
                operation.id, problem.code, problem.place, problem.expected
            )),
        }
    }
    wrong
}

fn assert_none(wrong: &[String]) {
    assert!(
        wrong.is_empty(),
        "{} of them, first:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(30)].join("\n")
    );
}

#[test]
fn answers_its_example() {
    assert_none(&call_all("ok", false));
}

#[test]
fn answers_in_every_size() {
    for scenario in ["minimal", "maximal", "empty"] {
        assert_none(&call_all(scenario, scenario == "empty"));
    }
}

#[test]
fn answers_the_same_for_the_same_seed_and_history() {
    let (Some(catalog), Some(one), Some(two)) = (CATALOG.as_ref(), engine(5), engine(5)) else {
        return;
    };
    let mut differing = 0;
    let other = engine(6).unwrap();
    for operation in catalog.operations().iter().step_by(3) {
        let subject = caller(&one, operation, PERSON, COMPANY);
        let input = bind(operation, &example(operation), &subject);
        let answers = [&one, &two].map(|e| e.answer("w", operation, &input, &[]).map(|a| a.body.to_string()));
        assert_eq!(answers[0], answers[1], "{}", operation.id);
        differing += usize::from(other.answer("w", operation, &input, &[]).map(|a| a.body.to_string()) != answers[0]);
    }
    assert!(differing > 100, "the seed hardly matters: {differing}");
}

#[test]
fn every_scenario_word_answers_or_says_why_not() {
    let (Some(catalog), Some(engine)) = (CATALOG.as_ref(), engine(1)) else {
        return;
    };
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for operation in catalog.operations().iter().step_by(7) {
        let subject = caller(&engine, operation, PERSON, COMPANY);
        let input = bind(operation, &example(operation), &subject);
        let possible = engine.scenarios(operation);
        for (word, text) in hub_sandbox::Word::ALL {
            let controls = [("hub-scenario".to_owned(), text.to_owned())];
            let answer = engine.answer("scenarios", operation, &input, &controls);
            let unknown = answer.as_ref().is_err_and(|p| p.code == ProblemCode::ScenarioUnknown);
            assert_eq!(unknown, !possible.contains(&word), "{} {text}", operation.id);
            assert!(
                !answer.is_err_and(|p| p.code == ProblemCode::Internal),
                "{} {text}",
                operation.id
            );
            *seen.entry(text).or_default() += usize::from(!unknown);
        }
    }
    assert_eq!(seen.len(), 17);
    assert!(seen.values().all(|n| *n > 0), "{seen:?}");
}
