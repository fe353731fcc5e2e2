//! `hub connector shadow` (Q31): the contract against production, by reading alone.

use crate::desk::city;
use crate::strict;
use serde_json::Value;
use std::process::{Command, Output};
use std::time::Duration;

const MANIFEST: &str = r#"
system: desk/main
upstream: {dialect: rest-json, timeout: 2s}
auth: {header: X-Key, value: "secret:key"}
limits: {rps: 5, concurrency: 1}
operations:
  notice-query: {call: GET /notices, request: {topic: words}, response: {no: case_no}}
  place-query: {call: GET /places, request: {topic: words}, response: {no: case_no}}
  apply: {call: POST /applications, request: {topic: words}, response: {no: case_no}}
"#;

const RECORDED: &str = r#"operation: place-query
secrets: {key: k}
input: {words: recorded}
exchange:
  - request:
      line: GET /places?topic=recorded
    response:
      text: '{"no":"C-1","room":"2"}'
answer: {case_no: C-1}
"#;

fn shadow(city: &crate::support::City, address: &str, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hub"));
    command.args(["connector", "shadow", "desk/main"]).args(more);
    for name in ["specs", "connectors"] {
        command.arg(format!("--{name}")).arg(city.path(name));
    }
    let command = command.env("LANG", "C").env_remove("LC_ALL");
    let command = command
        .env("UPSTREAM_DESK_MAIN", address)
        .env("HUB_SECRET_DESK_MAIN_KEY", "production-key");
    command.output().unwrap()
}

fn verdicts(told: &Value) -> Vec<(&str, Vec<&str>)> {
    let operations = told["operations"].as_array().unwrap().iter();
    operations
        .map(|o| {
            let calls = o["calls"].as_array().unwrap().iter();
            (
                o["operation"].as_str().unwrap(),
                calls.map(|c| c["verdict"].as_str().unwrap()).collect(),
            )
        })
        .collect()
}

#[test]
fn q31_a_shadow_run_reads_production_and_never_acts() {
    let city = city(MANIFEST);
    let fixtures = city.path("connectors/desk/main/fixtures");
    std::fs::create_dir_all(&fixtures).unwrap();
    std::fs::write(fixtures.join("places.yaml"), RECORDED).unwrap();
    let inputs = city.path("inputs.yaml");
    std::fs::write(
        &inputs,
        "notice-query: [{words: 秘密甲}, {words: 秘密乙}]\napply: {words: never}\n",
    )
    .unwrap();
    let (address, seen) = strict::start(Duration::ZERO, |line| match line {
        l if l.starts_with("GET /notices") => (200, r#"{"no":"秘密丙"}"#.to_owned()),
        // One field more than was recorded, one less; nothing that is read.
        l if l.starts_with("GET /places") => (200, r#"{"no":"秘密丁","floor":3}"#.to_owned()),
        _ => (500, String::new()),
    });
    let given = ["--inputs", inputs.to_str().unwrap(), "--json"];
    let run = shadow(&city, &address, &given);
    let out = String::from_utf8(run.stdout).unwrap();
    let told: Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&run.stderr)));
    assert_eq!(
        verdicts(&told),
        [
            ("desk.notice-query", vec!["passed", "passed"]),
            ("desk.place-query", vec!["differs"]),
            ("desk.apply", vec!["not-tried"])
        ],
        "{told:#}"
    );
    assert_eq!((run.status.code(), told["passed"].as_bool()), (Some(0), Some(true)));
    let drift = told["operations"][1]["calls"][0]["drift"].to_string();
    assert!(
        drift.contains("new-field") && drift.contains("floor") && drift.contains("room"),
        "{drift}"
    );
    // What the upstream counted: three readings, and nothing else whatever.
    let lines = |seen: &strict::Seen| -> Vec<String> {
        let lines = seen.lines.lock().unwrap();
        lines
            .iter()
            .map(|(_, l)| l.split('?').next().unwrap().to_owned())
            .collect()
    };
    assert_eq!(lines(&seen), ["GET /notices", "GET /notices", "GET /places"]);
    assert_eq!(seen.most.load(std::sync::atomic::Ordering::SeqCst), 1);
    for secret in ["秘密", "production-key"] {
        assert!(!out.contains(secret), "{out}");
    }
    // As text, for people.
    let run = shadow(&city, &address, &given[..2]);
    let out = String::from_utf8(run.stdout).unwrap();
    assert!(
        out.contains("desk.apply: not tried") && out.contains("3 passed") && !out.contains("秘密"),
        "{out}"
    );
}

#[test]
fn q31_a_shadow_run_finds_what_breaks_and_shows_no_value() {
    let city = city(MANIFEST);
    let inputs = city.path("inputs.yaml");
    std::fs::write(&inputs, "notice-query: {words: a}\ndesk.place-query: {words: b}\n").unwrap();
    let (address, seen) = strict::start(Duration::ZERO, |line| match line {
        l if l.starts_with("GET /notices") => (200, format!(r#"{{"no":"{}"}}"#, "长".repeat(61))),
        _ => (200, "<html>login</html>".to_owned()),
    });
    let given = ["--inputs", inputs.to_str().unwrap(), "--json"];
    let run = shadow(&city, &address, &given);
    let out = String::from_utf8(run.stdout).unwrap();
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        verdicts(&told),
        [
            ("desk.notice-query", vec!["broken"]),
            ("desk.place-query", vec!["broken"]),
            ("desk.apply", vec!["not-tried"])
        ],
        "{told:#}"
    );
    assert_eq!(run.status.code(), Some(1));
    assert_eq!(
        told["operations"][0]["calls"][0]["contract"][0]["place"], "/case_no",
        "{told:#}"
    );
    assert!(!out.contains("长长"), "{out}");
    // At most so many messages; nobody there; nothing to ask; used wrongly.
    let before = seen.lines.lock().unwrap().len();
    let run = shadow(
        &city,
        &address,
        &["--inputs", inputs.to_str().unwrap(), "--most", "1", "--json"],
    );
    assert_eq!(
        (run.status.code(), seen.lines.lock().unwrap().len()),
        (Some(1), before + 1)
    );
    let run = shadow(&city, "http://127.0.0.1:9", &given);
    let told: Value = serde_json::from_slice(&run.stdout).unwrap();
    assert_eq!((run.status.code(), verdicts(&told)[0].1[0]), (Some(1), "unanswered"));
    assert_eq!(shadow(&city, &address, &[]).status.code(), Some(1), "nothing is proved");
    std::fs::write(&inputs, "notice-query: {words: 7}\n").unwrap();
    let run = shadow(&city, &address, &given);
    assert_eq!(run.status.code(), Some(2));
    std::fs::write(&inputs, "no-such: {}\n").unwrap();
    assert_eq!(shadow(&city, &address, &given).status.code(), Some(2));
    assert_eq!(seen.lines.lock().unwrap().len(), before + 1);
}
