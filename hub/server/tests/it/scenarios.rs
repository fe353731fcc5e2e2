//! What a caller of the sandbox asks for is heard, whatever was answered before.

use crate::support::{City, TestHub, example, request};
use hub_core::{Assurance, Effect};

/// An answer that may be kept live is made anew in the sandbox: scenario, world and clock are the caller's own.
#[tokio::test(flavor = "multi_thread")]
async fn a_scenario_is_heard_though_the_answer_may_be_kept() {
    let hub = TestHub::demo(City::sample()).await;
    let catalog = hub.catalog();
    let may_be_kept = catalog.operations().iter().find(|o| {
        o.cache_seconds.is_some_and(|s| s > 0)
            && o.assurance == Assurance::R0
            && o.effect == Effect::None
            && !example(o).is_empty()
    });
    let operation = may_be_kept.expect("an answer that may be kept");
    let (target, body) = request(operation, &example(operation));
    let (live, sandbox) = (format!("/gateway{target}"), format!("/sandbox{target}"));
    let key = hub.ready().client_key.clone().expect("a key");
    let own = [("x-api-key", key.as_str())];
    let kept = hub.ask(&operation.method, &live, &own, body.as_ref()).await;
    let lives = kept.header("cache-control").to_owned();
    assert!(kept.status == 200 && lives.contains("max-age"), "{lives}");

    for (scenario, status) in [
        ("ok", 200),
        ("not-found", 404),
        ("ok", 200),
        ("limited", 429),
        ("down", 503),
    ] {
        let answer = hub
            .ask(
                &operation.method,
                &sandbox,
                &[("hub-scenario", scenario)],
                body.as_ref(),
            )
            .await;
        assert_eq!(answer.status, status, "{scenario}: {}", answer.body);
        if status == 200 {
            assert_eq!(answer.header("cache-control"), lives, "it is told what would be");
        }
    }
}
