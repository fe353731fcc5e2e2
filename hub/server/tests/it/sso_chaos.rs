//! Sign-ins while one of two hubs is killed each second, in the middle of the dance: none is lost.
//!
//! A person whose form is not answered sends it again; an app whose request for tokens is not answered begins again, and the person
//! is not asked anything for it. `SIGN_INS=1000` says how many (`make chaos`); without it a few.

use crate::channel::{Browser, REDIRECT, encoded, parts, query};
use crate::pair::Pair;
use crate::support::{City, Got, http, on_postgres};
use hub_crypto::{Digest, base64_url, digest, random};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Sign-ins under way at the same time.
const AT_ONCE: usize = 4;
/// How often anything is tried again before the sign-in counts as lost.
const TRIES: usize = 30;
/// Kills that there must be at least.
const KILLS: usize = 3;

/// What had to be repeated.
#[derive(Default)]
struct Tally {
    forms: AtomicUsize,
    pushes: AtomicUsize,
    begun: AtomicUsize,
    silent: AtomicUsize,
}

/// An app that signs people in.
struct App {
    base: String,
    id: String,
    proof: String,
    tally: Tally,
}

impl App {
    async fn post(&self, target: &str, form: &[(&str, &str)]) -> Option<Got> {
        let request = http()
            .post(format!("{}{target}", self.base))
            .header("authorization", format!("Basic {}", self.proof))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(encoded(form));
        let answer = request.send().await.ok()?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body = serde_json::from_slice(&answer.bytes().await.ok()?).unwrap_or_default();
        (status != 502).then_some(Got { status, headers, body })
    }

    /// The address to send a person to.
    async fn begin(&self, verifier: &str, state: &str, more: &[(&str, &str)], pushed: bool) -> String {
        let challenge = base64_url(&digest(Digest::Sha256, verifier.as_bytes()));
        let mut all = vec![
            ("client_id", self.id.as_str()),
            ("redirect_uri", REDIRECT),
            ("response_type", "code"),
            ("scope", "openid profile services"),
            ("state", state),
            ("nonce", state),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        all.extend_from_slice(more);
        if !pushed {
            return format!("/sso/authorize?{}", encoded(&all));
        }
        for _ in 0..TRIES {
            if let Some(got) = self.post("/sso/par", &all).await {
                assert_eq!(got.status, 201, "{}", got.body);
                let name = got.body["request_uri"].as_str().unwrap();
                return format!(
                    "/sso/authorize?{}",
                    encoded(&[("client_id", &self.id), ("request_uri", name)])
                );
            }
            self.tally.pushes.fetch_add(1, Ordering::Relaxed);
        }
        panic!("nothing could be pushed");
    }

    /// One person's whole sign-in with consent; answers the access token and the person's name here.
    async fn sign_in(&self, persona: &str, number: usize) -> (String, String) {
        let mut browser = Browser::at(&self.base);
        let (verifier, state) = (base64_url(&random::<32>().unwrap()), format!("s-{number}"));
        let pushed = number.is_multiple_of(2);
        let mut asked = None;
        for _ in 0..TRIES {
            let target = self.begin(&verifier, &state, &[("prompt", "consent")], pushed).await;
            let first = browser.get(&target).await;
            let page = browser.follow(first).await;
            if page.status == 200 {
                asked = Some(page);
                break;
            }
            // What was pushed was taken, and the answer lost: the app's button is pressed once more.
            assert!(pushed, "{} {}", page.status, page.body);
            self.tally.begun.fetch_add(1, Ordering::Relaxed);
        }
        let page = asked.expect("a page to sign in at");
        let signed = self.sent(&mut browser, &page, &[("persona", persona)]).await;
        let page = browser.follow(signed).await;
        assert_eq!(page.status, 200, "asked for consent: {}", page.body);
        let agreed = self.sent(&mut browser, &page, &[("answer", "yes")]).await;
        let mut back = agreed.header("location").to_owned();
        for _ in 0..TRIES {
            assert!(back.starts_with(REDIRECT), "{back}");
            let said = query(&back);
            assert_eq!(
                (said["state"].as_str(), said["iss"].as_str()),
                (state.as_str(), format!("{}/sso", self.base).as_str())
            );
            let form = [
                ("grant_type", "authorization_code"),
                ("code", &said["code"]),
                ("redirect_uri", REDIRECT),
                ("code_verifier", &verifier),
            ];
            if let Some(got) = self.post("/sso/token", &form).await {
                assert_eq!(got.status, 200, "{}", got.body);
                let claims = parts(got.body["id_token"].as_str().unwrap()).1;
                assert_eq!(claims["nonce"], state.as_str());
                let access = got.body["access_token"].as_str().unwrap().to_owned();
                return (access, claims["sub"].as_str().unwrap().to_owned());
            }
            // Nobody knows whether the code was used. The person is signed in and has agreed: a new one comes without a question.
            self.tally.silent.fetch_add(1, Ordering::Relaxed);
            let target = self.begin(&verifier, &state, &[("prompt", "none")], false).await;
            let got = browser.get(&target).await;
            assert_eq!(got.status, 303, "{}", got.body);
            back = got.header("location").to_owned();
        }
        panic!("no tokens");
    }

    /// A form, until it is answered.
    async fn sent(&self, browser: &mut Browser, page: &Got, fields: &[(&str, &str)]) -> Got {
        for _ in 0..TRIES {
            let got = browser.submit(page, fields).await;
            if got.status != 502 {
                assert_eq!(got.status, 303, "{}", got.body);
                return got;
            }
            self.tally.forms.fetch_add(1, Ordering::Relaxed);
        }
        panic!("the form was never answered");
    }
}

async fn chaos(database: String, count: usize) {
    let folder = tempfile::tempdir().unwrap();
    let (mut pair, ready) = Pair::start(City::empty().unhurried(), folder.path(), database).await;
    let body = json!({"client_name": "城市通", "redirect_uris": [REDIRECT], "scope": "openid profile services"});
    let made = http()
        .post(format!("{}/admin/sso/clients", ready.admin_url))
        .header("authorization", format!("Bearer {}", ready.admin_token))
        .header("content-type", "application/json")
        .body(body.to_string());
    let made: Value = serde_json::from_slice(&made.send().await.unwrap().bytes().await.unwrap()).unwrap();
    let (id, secret) = (
        made["client_id"].as_str().unwrap(),
        made["client_secret"].as_str().unwrap(),
    );
    let app = Arc::new(App {
        base: pair.base.clone(),
        id: id.to_owned(),
        proof: hub_crypto::base64(format!("{id}:{secret}").as_bytes()),
        tally: Tally::default(),
    });
    let people: Arc<Vec<String>> = Arc::new(
        ready
            .subject_tokens
            .keys()
            .filter(|p| !p.contains('@'))
            .cloned()
            .collect(),
    );
    let (balancer, done) = (Arc::clone(&pair.balancer), Arc::new(AtomicUsize::new(0)));
    let (begun, killed) = (Instant::now(), Arc::new(AtomicUsize::new(0)));
    let killer = std::thread::spawn({
        let (done, killed) = (Arc::clone(&done), Arc::clone(&killed));
        move || {
            pair.kill_in_turn(&|kills| {
                killed.store(kills, Ordering::SeqCst);
                done.load(Ordering::SeqCst) == AT_ONCE
            });
            pair
        }
    });
    let (next, mut workers) = (Arc::new(AtomicUsize::new(0)), Vec::new());
    for _ in 0..AT_ONCE {
        let (app, people, next, killed, done) =
            (app.clone(), people.clone(), next.clone(), killed.clone(), done.clone());
        workers.push(tokio::spawn(async move {
            let mut tokens = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::SeqCst);
                if number >= count && killed.load(Ordering::SeqCst) >= KILLS {
                    break;
                }
                let persona = people[number % people.len()].clone();
                // In a task of its own: one that is lost is counted, and does not keep the others from going on.
                let one = tokio::spawn({
                    let (app, persona) = (app.clone(), persona.clone());
                    async move { app.sign_in(&persona, number).await }
                });
                tokens.push((persona, one.await));
            }
            done.fetch_add(1, Ordering::SeqCst);
            tokens
        }));
    }
    let mut all = Vec::new();
    for worker in workers {
        all.extend(worker.await.unwrap());
    }
    let took = begun.elapsed();
    let pair = tokio::task::spawn_blocking(move || killer.join().unwrap())
        .await
        .unwrap();
    let lost = all.iter().filter(|(_, one)| one.is_err()).count();
    let (tally, kills) = (&app.tally, killed.load(Ordering::SeqCst));
    let figure = |n: &AtomicUsize| n.load(Ordering::SeqCst);
    println!(
        "{} sign-ins with consent in {} s, {kills} kills, {lost} lost; {} requests moved to the other hub, {} answers lost: {} forms sent \
         again, {} pushes repeated, {} begun again at the app, {} codes fetched anew without a question",
        all.len(),
        took.as_secs(),
        figure(&balancer.moved),
        figure(&balancer.lost),
        figure(&tally.forms),
        figure(&tally.pushes),
        figure(&tally.begun),
        figure(&tally.silent),
    );
    assert_eq!(lost, 0);
    assert!(all.len() >= count && kills >= KILLS);
    assert!(figure(&balancer.moved) > 0, "no hub was missed by anybody");
    // Tokens are good at whichever hub, and name the person by one name.
    let mut names = std::collections::BTreeMap::new();
    for (persona, one) in all.iter().rev().take(2 * people.len()) {
        let (access, sub) = one.as_ref().unwrap();
        assert_eq!(names.entry(persona).or_insert(sub), &sub, "one person, one name");
        let request = http().get(format!("{}/sso/userinfo", pair.base));
        let got = request
            .header("authorization", format!("Bearer {access}"))
            .send()
            .await
            .unwrap();
        assert_eq!(got.status().as_u16(), 200);
        let told: Value = serde_json::from_slice(&got.bytes().await.unwrap()).unwrap();
        assert_eq!(told["sub"], sub.as_str());
    }
    let different: std::collections::BTreeSet<_> = names.values().collect();
    assert_eq!(different.len(), names.len());
    assert!(begun.elapsed() < Duration::from_secs(3600));
}

fn how_many() -> usize {
    std::env::var("SIGN_INS")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(40)
}

#[tokio::test(flavor = "multi_thread")]
async fn sso_chaos_over_postgresql_loses_no_sign_in() {
    on_postgres(|url| chaos(url, how_many())).await;
}
