//! A strict upstream counts: through a simulated day of bursts no declared budget is ever exceeded.

use crate::server::{Script, Server};
use crate::{post, target};
use hub_core::ports::{BoxFuture, Clock};
use hub_core::time::Timestamp;
use hub_core::{Effect, SystemId};
use hub_outbound::{BreakerSettings, EgressPolicy, Given, Ledger, Outbound, Share};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

/// A clock that tests move.
struct Hands(Mutex<Timestamp>);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// The ledger of a store, in memory.
#[derive(Default)]
struct Book {
    used: Mutex<BTreeMap<String, u64>>,
    silent: Mutex<bool>,
}

impl Ledger for Book {
    fn take<'a>(
        &'a self,
        _system: &'a SystemId,
        day: &'a str,
        want: u64,
        most: u64,
    ) -> BoxFuture<'a, Result<Given, String>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            if *self.silent.lock().unwrap() {
                return Err("it is down".into());
            }
            let mut book = self.used.lock().unwrap();
            let used = book.entry(day.into()).or_default();
            let calls = want.min(most - *used);
            *used += calls;
            Ok(Given { calls, used: *used })
        })
    }

    fn give_back<'a>(&'a self, _system: &'a SystemId, day: &'a str, unused: u64) -> BoxFuture<'a, ()> {
        *self.used.lock().unwrap().entry(day.into()).or_default() -= unused;
        Box::pin(async {})
    }
}

fn hub(clock: &Arc<Hands>, book: &Arc<Book>, share: Share) -> Outbound {
    let hub = Outbound::with(
        EgressPolicy::public(),
        BreakerSettings::default(),
        1000,
        Arc::clone(clock) as Arc<dyn Clock>,
    )
    .unwrap();
    hub.draw_from(Arc::clone(book) as Arc<dyn Ledger>);
    hub.share(share);
    hub
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn q22_two_hubs_never_exceed_what_an_upstream_allows() {
    let server = Server::start(Script::Answer(OK)).await;
    let clock = Arc::new(Hands(Mutex::new("2026-03-01T00:00:00Z".parse().unwrap())));
    let book = Arc::new(Book::default());
    let hubs: Vec<_> = (0..2).map(|rank| hub(&clock, &book, Share { rank, hubs: 2 })).collect();
    let mut t = target(&server.base(""));
    t.limits.rps = Some(40);
    t.limits.daily = Some(150);
    let mut per_day = Vec::new();
    let mut counted = 0;
    // Three days; on each a burst in the morning, one at noon, one at night, from several tenants over both hubs.
    for _ in 0..3 {
        for _ in 0..3 {
            let calls: Vec<_> = (0..90)
                .map(|n| {
                    let (hub, t) = (hubs[n % 2].clone(), t.clone());
                    tokio::spawn(async move {
                        let tenant = ["a", "b", "c"][n % 3];
                        let end = Instant::now() + Duration::from_secs(4);
                        hub.send_for(tenant, &t, post("/x"), end, Effect::None).await.is_ok()
                    })
                })
                .collect();
            for call in calls {
                call.await.unwrap();
            }
            *clock.0.lock().unwrap() += Duration::from_secs(4 * 3600);
        }
        let seen = server.seen().len();
        per_day.push(seen - counted);
        counted = seen;
        *clock.0.lock().unwrap() += Duration::from_secs(12 * 3600);
    }
    assert!(per_day.iter().all(|n| *n <= 150 && *n >= 140), "{per_day:?}");
    let times = server.times();
    for (i, first) in times.iter().enumerate() {
        let second = *first + Duration::from_secs(1);
        let within = times[i..].iter().filter(|t| **t < second).count();
        assert!(within <= 40, "{within} within a second");
    }
}

#[tokio::test]
async fn q22_a_hub_that_stops_gives_back_and_a_silent_ledger_gives_nothing() {
    let server = Server::start(Script::Answer(OK)).await;
    let clock = Arc::new(Hands(Mutex::new("2026-03-01T00:00:00Z".parse().unwrap())));
    let book = Arc::new(Book::default());
    let first = hub(&clock, &book, Share::WHOLE);
    let mut t = target(&server.base(""));
    t.limits.daily = Some(1000);
    let soon = || Instant::now() + Duration::from_secs(5);
    first.send(&t, post("/x"), soon(), Effect::None).await.unwrap();
    assert_eq!(book.used.lock().unwrap()["2026-03-01"], 10, "drawn in pieces");
    first.give_back().await;
    assert_eq!(book.used.lock().unwrap()["2026-03-01"], 1);
    *book.silent.lock().unwrap() = true;
    let error = first.send(&t, post("/x"), soon(), Effect::None).await.unwrap_err();
    assert!(error.to_string().contains("the ledger is silent"), "{error}");
    *book.silent.lock().unwrap() = false;
    first.send(&t, post("/x"), soon(), Effect::None).await.unwrap();
    t.limits.rps = Some(1);
    first.share(Share { rank: 1, hubs: 2 });
    let error = first.send(&t, post("/x"), soon(), Effect::None).await.unwrap_err();
    assert!(error.to_string().contains("no part"), "{error}");
    assert_eq!(server.seen().len(), 2);
}
