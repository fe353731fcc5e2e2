//! The demo super-app over HTTP; its pages in a browser are judged by the peers.

use crate::outage::city_without_upstreams;
use crate::support::{TestHub, example, http};
use hub_core::{Assurance, Effect};
use hub_server::wiring::Plan;

/// Calls after which a breaker would have opened.
const CALLS: usize = 12;

#[tokio::test(flavor = "multi_thread")]
async fn an_agency_that_is_away_does_not_cut_the_app_off_from_the_hub() {
    let city = city_without_upstreams();
    let data = tempfile::tempdir().unwrap();
    let mut config = city.config(data.path());
    config.identity.test_issuer = true;
    let plan = Plan {
        config,
        simulated: true,
        credentials: true,
        apps: true,
        ..Plan::default()
    };
    let hub = TestHub::start(city, data, plan).await;
    let catalog = hub.catalog();
    let open = catalog
        .operations()
        .iter()
        .find(|o| o.assurance == Assurance::R0 && o.effect == Effect::None && o.service.is_some() && hub.is_live(o));
    let operation = open.expect("the sample city has an operation for everybody");
    let service = operation.service.as_deref().unwrap();
    let form = form_of(&example(operation));
    let address = format!("{}/s/{service}/{}", hub.ready().apps["city"], operation.id);
    for call in 0..CALLS {
        let request = http()
            .post(&address)
            .header("content-type", "application/x-www-form-urlencoded");
        let page = request.body(form.clone()).send().await.unwrap().text().await.unwrap();
        // The hub's own words for it, which have a request id; not that the hub itself is silent.
        assert!(page.contains("请求编号"), "call {call}: {page}");
    }
    hub.stop().await;
}

fn form_of(input: &serde_json::Map<String, serde_json::Value>) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in input {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        form.append_pair(name, &text);
    }
    form.finish()
}
