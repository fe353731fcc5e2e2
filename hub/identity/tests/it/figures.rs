//! Figures of the provider by itself, for `make bench`: never a test, printed as one line of JSON.

use crate::forge::{at, store};
use crate::sso::{Hub, hub, params, wang};
use hub_core::ports::Shown;
use hub_crypto::{EcdsaKey, ecdsa_verify_p256};
use hub_identity::sso::{ACCESS_SECONDS, SsoClient, TOKEN_EXCHANGE};
use serde_json::json;
use std::time::{Duration, Instant};

/// Seconds of processor time that this process has used, all threads, in the kernel too.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks / 100.0
}

/// Microseconds a piece of work takes, over at least a second.
fn microseconds(mut work: impl FnMut(usize)) -> f64 {
    let (began, mut times) = (Instant::now(), 0_usize);
    while began.elapsed() < Duration::from_secs(1) {
        for _ in 0..100 {
            work(times);
            times += 1;
        }
    }
    began.elapsed().as_secs_f64() * 1e6 / times as f64
}

async fn exchanging(hub: &Hub, client: &SsoClient, subject_token: &str) -> f64 {
    let module = json!({"client_id": "module", "client_name": "m", "sector": "m", "redirect_uris": ["https://m.example/cb"], "scope": "openid"});
    hub.provider.register(&module, at(0)).await.unwrap();
    let form = params(&[
        ("grant_type", TOKEN_EXCHANGE),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ("subject_token", subject_token),
        ("audience", "module"),
    ]);
    let (before, began, mut done) = (processor_seconds(), Instant::now(), 0_u32);
    while began.elapsed() < Duration::from_secs(3) {
        hub.provider.token(client, &form, None, at(1)).await.unwrap();
        done += 1;
    }
    f64::from(done) / (processor_seconds() - before)
}

#[tokio::test]
#[ignore = "a measurement, run by `make bench`"]
async fn figures() {
    let (_dir, store) = store().await;
    let hub = hub(&store, at(0)).await;
    let app = json!({
        "client_id": "app", "client_name": "x", "token_endpoint_auth_method": "client_secret_post",
        "redirect_uris": ["https://app.example/cb"], "scope": "openid services",
        "grant_types": ["authorization_code", TOKEN_EXCHANGE], "token_exchange_audiences": ["module"],
    });
    let secret = hub.provider.register(&app, at(0)).await.unwrap().secret.unwrap();
    let client = params(&[("client_id", "app"), ("client_secret", &secret)]);
    let client = hub.provider.prove(&client, None, at(0)).await.unwrap();
    let mut tokens = Vec::new();
    for _ in 0..2_000 {
        let cookie = hub.provider.sign_in(&wang(), None, at(0)).await.unwrap();
        let code = hub.code(&client, &cookie, "openid services", at(0)).await.unwrap();
        let got = hub.exchange(&client, &code, at(0)).await.unwrap();
        tokens.push(got["access_token"].as_str().unwrap().to_owned());
    }
    let check = |token: &str| hub.gateway.subject(&Shown::bearer(token), at(1)).unwrap();
    let began = Instant::now();
    for token in &tokens {
        check(token);
    }
    let first = began.elapsed().as_secs_f64() * 1e6 / tokens.len() as f64;
    let cached = microseconds(|n| drop(check(&tokens[n % tokens.len()])));
    let key = EcdsaKey::generate().unwrap();
    let signature = key.sign(tokens[0].as_bytes()).unwrap();
    let bare = microseconds(|_| ecdsa_verify_p256(key.public_point(), tokens[0].as_bytes(), &signature).unwrap());
    let exchanges = exchanging(&hub, &client, &tokens[0]).await;
    println!(
        "FIGURES {}",
        json!({
            "check_first_us": first, "check_cached_us": cached, "signature_us": bare,
            "exchanges_per_core_second": exchanges, "token_seconds": ACCESS_SECONDS,
        })
    );
}
