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

/// Holds what an operation answers under a word against the rule for that word. `n` is how many workers there are, so that
/// each takes its share.
fn words_of_a_share(share: usize, n: usize) -> (BTreeMap<&'static str, usize>, usize) {
    let (Some(catalog), Some(engine)) = (CATALOG.as_ref(), engine(1)) else {
        return (BTreeMap::new(), 0);
    };
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut services = 0;
    // A service is its leading operation: what a newcomer calls first.
    for service in catalog.services().iter().skip(share).step_by(n) {
        let operation = catalog.operation(&service.operations[0]).unwrap();
        services += 1;
        let subject = caller(&engine, operation, PERSON, COMPANY);
        let input = bind(operation, &example(operation), &subject);
        let possible = engine.scenarios(operation);
        for (word, text) in hub_sandbox::Word::ALL {
            engine.reset("scenarios");
            let controls = [("hub-scenario".to_owned(), text.to_owned())];
            let told = engine.tell("scenarios", operation, &input, &controls);
            let place = format!("{} {text}", operation.id);
            if !possible.contains(&word) {
                let refused = told.result.unwrap_err();
                assert_eq!(refused.code, ProblemCode::ScenarioUnknown, "{place}");
                let named: Vec<&str> = refused.more["possible"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .filter_map(|w| w.as_str())
                    .collect();
                let able: Vec<&str> = possible.iter().map(|w| w.as_str()).collect();
                assert_eq!(named, able, "{place}");
                continue;
            }
            let refusal = match text {
                "not-found" => Some(ProblemCode::RecordNotFound),
                "invalid" => Some(ProblemCode::ValidationFailed),
                "rejected" => Some(ProblemCode::BusinessRejected),
                "duplicate" => Some(ProblemCode::Conflict),
                "consent-missing" => Some(ProblemCode::ConsentMissing),
                "consent-expired" => Some(ProblemCode::ConsentExpired),
                "limited" => Some(ProblemCode::RateLimited),
                "down" => Some(ProblemCode::UpstreamUnavailable),
                "cut" => Some(ProblemCode::UpstreamUnexpected),
                "garbled" => Some(ProblemCode::UpstreamContract),
                _ => None,
            };
            match (refusal, told.result) {
                (Some(code), Err(problem)) => assert_eq!(problem.code, code, "{place}"),
                (None, Ok(answer)) => {
                    let fits = catalog.check_output(operation, &answer.body);
                    assert!(fits.is_ok(), "{place}: {fits:?}");
                    assert_eq!(told.delay_ms > 0, text == "slow", "{place}");
                }
                (_, other) => panic!("{place}: {other:?}"),
            }
            *seen.entry(text).or_default() += 1;
        }
    }
    (seen, services)
}

#[test]
fn every_scenario_word_on_every_service_answers_or_says_why_not() {
    let share = |n| std::thread::spawn(move || words_of_a_share(n, 2));
    let (one, two) = (share(0), share(1));
    let ((one, first), (two, second)) = (one.join().unwrap(), two.join().unwrap());
    let Some(catalog) = CATALOG.as_ref() else { return };
    assert_eq!(first + second, catalog.services().len());
    assert!(first + second >= 1_669, "{}", first + second);
    for (word, name) in hub_sandbox::Word::ALL {
        let both = one.get(name).unwrap_or(&0) + two.get(name).unwrap_or(&0);
        assert!(both > 0, "{word:?} is shown nowhere");
    }
    eprintln!("{one:?}\n{two:?}");
}

#[test]
fn an_amount_chooses_the_outcome_where_nobody_says_a_scenario() {
    let (Some(catalog), Some(engine)) = (CATALOG.as_ref(), engine(1)) else {
        return;
    };
    let mut told = 0;
    for operation in catalog.operations() {
        let money = operation
            .input
            .children
            .iter()
            .find(|c| c.semantic == hub_core::Semantic::Money);
        let Some(money) = money.filter(|_| operation.examples.iter().any(|e| e.input.is_some())) else {
            continue;
        };
        let subject = caller(&engine, operation, PERSON, COMPANY);
        let mut input = bind(operation, &example(operation), &subject);
        input.insert(money.name.to_string(), 12_386.into());
        let refused = engine.answer("magic", operation, &input, &[]).unwrap_err();
        assert_eq!(refused.code, ProblemCode::UpstreamUnavailable, "{}", operation.id);
        // What is said wins.
        let said = [("hub-scenario".to_owned(), "not-found".to_owned())];
        let refused = engine.answer("magic", operation, &input, &said).unwrap_err();
        assert_eq!(refused.code, ProblemCode::RecordNotFound, "{}", operation.id);
        told += 1;
    }
    assert!(told > 20, "{told}");
}
