//! `kill -9` under load: nothing whose answer has left is lost.

use crate::support::{City, example, http, names_papers, persona, request};
use hub_core::Effect;
use hub_server::wiring::Ready;
use serde_json::Value;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Starts the binary over a city and waits until it answers.
pub fn start(city: &City, data: &Path) -> (Child, Ready, Duration) {
    let file = data.join("ready.json");
    drop(std::fs::remove_file(&file));
    let began = Instant::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_hub"));
    command
        .args(["demo", "--listen", "127.0.0.1:0", "--ready-file"])
        .arg(&file)
        .arg("--data-dir")
        .arg(data);
    for name in ["specs", "connectors", "policies"] {
        command.arg(format!("--{name}")).arg(city.path(name));
    }
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while began.elapsed() < Duration::from_secs(60) {
        if let Some(ready) = std::fs::read(&file).ok().and_then(|b| serde_json::from_slice(&b).ok()) {
            return (child, ready, began.elapsed());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    panic!("the hub did not start");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_survives_kill_9() {
    let city = City::sample().unhurried();
    let data = tempfile::tempdir().unwrap();
    let catalog = hub_catalog::Catalog::load(&city.path("specs")).unwrap();
    let (mut child, ready, _) = start(&city, data.path());
    let client = http();

    let operation = catalog
        .operations()
        .iter()
        .find(|o| {
            o.effect == Effect::Once
                && !names_papers(&o.input)
                && o.service.is_some()
                && o.method == "POST"
                && o.assurance > hub_core::Assurance::R0
        })
        .unwrap();
    let who = persona(&ready, operation).to_owned();
    let (target, body) = request(operation, &example(operation));
    let send = |key: String| {
        let request = client
            .post(format!("{}/gateway{target}", ready.base_url))
            .header("x-api-key", ready.client_key.as_deref().unwrap())
            .header("authorization", format!("Bearer {}", ready.subject_tokens[&who]))
            .header("content-type", "application/json")
            .header("idempotency-key", key.clone())
            .header("x-request-id", key)
            .body(body.as_ref().unwrap().to_string());
        async move {
            let answer = request.send().await.ok()?;
            let status = answer.status().as_u16();
            Some((
                status,
                serde_json::from_slice::<Value>(&answer.bytes().await.ok()?).ok()?,
            ))
        }
    };
    let mut answered = Vec::new();
    let began = Instant::now();
    for n in 0.. {
        let key = format!("crash-{n:06}");
        let answers = futures_util::future::join_all((0..4).map(|m| send(format!("{key}-{m}")))).await;
        for (m, answer) in answers.into_iter().enumerate() {
            if let Some((status, body)) = answer {
                answered.push((format!("{key}-{m}"), status, body));
            }
        }
        if began.elapsed() > Duration::from_millis(1500) {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(
        answered.iter().filter(|(_, s, _)| *s < 300).count() > 3,
        "{:?}",
        answered.first()
    );

    let (mut child, ready, took) = start(&city, data.path());
    assert!(
        took < Duration::from_secs(15),
        "restart took {took:?} in the dev profile"
    );
    let send = |key: &str| {
        client
            .post(format!("{}/gateway{target}", ready.base_url))
            .header("x-api-key", ready.client_key.as_deref().unwrap())
            .header("authorization", format!("Bearer {}", ready.subject_tokens[&who]))
            .header("content-type", "application/json")
            .header("idempotency-key", key)
            .body(body.as_ref().unwrap().to_string())
            .send()
    };
    for (key, status, body) in answered.iter().filter(|(_, s, _)| *s < 300) {
        let again = send(key).await.unwrap();
        assert_eq!(again.status().as_u16(), *status, "{key}");
        let value: Value = serde_json::from_slice(&again.bytes().await.unwrap()).unwrap();
        assert_eq!(value, *body, "{key}: the answer is another one");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    hub_gateway::trail::verify(&data.path().join("trail")).unwrap();
    let trail = crate::calls::trail(data.path());
    for (key, ..) in answered {
        assert!(
            trail.iter().any(|r| r["request_id"] == key.as_str()),
            "{key} is not in the trail"
        );
    }
}
