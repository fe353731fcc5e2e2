//! The list of attacks (`tests/attacks.json`): every one has its test, every check that can be taken out is where the list says, and
//! the page that people read says the same. `make attacks` takes the checks out and sees the tests fail.

use crate::channel::REDIRECT;
use crate::support::{City, TestHub, repository};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

fn list() -> Vec<Value> {
    let text = std::fs::read_to_string(repository().join("hub/server/tests/attacks.json")).unwrap();
    serde_json::from_str::<Value>(&text).unwrap()["attacks"]
        .as_array()
        .unwrap()
        .clone()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}"))
}

fn all<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().unwrap()
}

/// Line of the only place of a text in a file, from 1.
fn line(source: &str, find: &str) -> Option<usize> {
    let mut places = source.match_indices(find);
    let (at, _) = places.next()?;
    places
        .next()
        .is_none()
        .then(|| source[..at].matches('\n').count() + 1 + find.len() - find.trim_start_matches('\n').len())
}

#[test]
fn every_attack_has_its_test_and_every_check_its_place() {
    let (attacks, mut sources, mut holes) = (list(), BTreeMap::<String, String>::new(), BTreeSet::new());
    let numbers: Vec<u64> = attacks.iter().map(|a| a["attack"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=41).collect::<Vec<_>>());
    let mut read = |file: &str| {
        let read = || std::fs::read_to_string(repository().join(file)).unwrap_or_else(|e| panic!("{file}: {e}"));
        sources.entry(file.to_owned()).or_insert_with(read).clone()
    };
    for attack in &attacks {
        assert!(!all(attack, "tests").is_empty(), "{attack}");
        for test in all(attack, "tests") {
            let (file, name) = test.as_str().unwrap().split_once(": ").unwrap();
            assert!(read(file).contains(&format!("fn {name}(")), "{test} is gone");
        }
        for hole in all(attack, "without") {
            assert!(holes.insert(text(hole, "id").to_owned()), "{hole} twice");
            assert!(all(attack, "tests").contains(&hole["test"]), "{hole}");
            for edit in all(hole, "edits") {
                let place = line(&read(text(edit, "file")), text(edit, "find"));
                assert!(
                    place.is_some(),
                    "the check of {} is not there once any more: {edit}",
                    text(hole, "id")
                );
            }
        }
    }
}

#[test]
fn generated_attacks() {
    let mut page = String::from(
        "# Attacks on signing in\n\nMade from `hub/server/tests/attacks.json` by `make generate`. Each case is a test; `make attacks` takes \
         the checks out of a build, one at a\ntime, and sees that the test fails. *Hole* is what such a build does; *check* is the file \
         in which it is closed.\n\n| # | case | written in | test | hole: check |\n|---|---|---|---|---|\n",
    );
    let attacks = list();
    let holes: BTreeMap<&str, &Value> = attacks
        .iter()
        .flat_map(|a| all(a, "without"))
        .map(|h| (text(h, "id"), h))
        .collect();
    for attack in &attacks {
        let tests: Vec<String> = all(attack, "tests")
            .iter()
            .map(|t| t.as_str().unwrap().split_once(": ").unwrap())
            .map(|(file, name)| format!("`{name}` ({})", file.rsplit('/').next().unwrap()))
            .collect();
        let closed = all(attack, "without").iter().map(|hole| {
            // A hole that shares its edits with another names that one.
            let what = text(hole, "what");
            let shared = what.split_once("with the hole").map_or("", |(_, rest)| rest);
            let other = shared
                .trim_end_matches(')')
                .rsplit(' ')
                .next()
                .and_then(|id| holes.get(id));
            let edits = all(hole, "edits")
                .iter()
                .chain(other.into_iter().flat_map(|h| all(h, "edits")));
            let files: BTreeSet<&str> = edits.map(|e| text(e, "file").trim_start_matches("hub/")).collect();
            let files: Vec<String> = files.into_iter().map(|f| format!("`{f}`")).collect();
            format!("{}: {}", what.split(" (with").next().unwrap(), files.join(", "))
        });
        let closed: Vec<String> = closed.collect();
        let row = [
            text(attack, "case").to_owned(),
            text(attack, "written").to_owned(),
            tests.join("<br>"),
            closed.join("<br>"),
        ];
        writeln!(page, "| {} | {} |", attack["attack"], row.join(" | ")).unwrap();
    }
    let file = repository().join("docs/attacks.md");
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::write(&file, &page).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        kept == page,
        "docs/attacks.md is not what the list says; run `make generate`"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_41_nothing_of_ours_signs_with_rsa_and_the_crate_that_leaks_is_not_here() {
    let lock = std::fs::read_to_string(repository().join("Cargo.lock")).unwrap();
    assert!(
        lock.contains("name = \"jsonwebtoken\"") && !lock.contains("name = \"rsa\""),
        "RUSTSEC-2023-0071"
    );
    let hub = TestHub::demo(City::empty()).await;
    for target in ["/sso/jwks", "/sso/jwks/sm2"] {
        let keys = hub.ask("GET", target, &[], None).await.body;
        assert!(
            keys["keys"].as_array().unwrap().iter().all(|k| k["kty"] != "RSA"),
            "{keys}"
        );
    }
    let said = hub
        .ask("GET", "/sso/.well-known/openid-configuration", &[], None)
        .await
        .body;
    let signed = said["id_token_signing_alg_values_supported"].as_array().unwrap();
    assert!(
        !signed.is_empty() && !said.to_string().contains("\"RS256\"") && !said.to_string().contains("\"PS256\""),
        "{said}"
    );
    for alg in ["RS256", "PS256", "RS512", "none", "HS256"] {
        let body = json!({"client_name": "x", "redirect_uris": [REDIRECT], "scope": "openid", "id_token_signed_response_alg": alg});
        let got = hub.operate("POST", "/admin/sso/clients", Some(&body)).await;
        assert_eq!(got.status, 422, "{alg}: {}", got.body);
    }
    hub.stop().await;
}
