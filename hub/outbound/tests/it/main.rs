//! Sending against real sockets.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // tests may fail loudly

mod budgets;
mod exchange;
mod mysql;
mod mysql_login;
mod server;
mod sftp;
mod sftp_login;
mod sshd;
mod tls;

use hub_core::{Effect, RawRequest, SystemId};
use hub_outbound::{
    BreakerPhase, BreakerSettings, EgressPolicy, Outbound, SendEffect, SendErrorKind, Target, UpstreamLimits,
};
use server::{Script, Server};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;
use url::Url;

struct WallClock;

impl hub_core::ports::Clock for WallClock {
    fn now(&self) -> hub_core::time::Timestamp {
        hub_core::time::Timestamp::now()
    }
}

fn target(base: &str) -> Target {
    Target {
        system: SystemId::new("x", "y"),
        base: Url::parse(base).unwrap(),
        limits: UpstreamLimits::default(),
        timeout_ms: 2_000,
        trusted_loopback: true,
        source: None,
        tls: None,
        known_as: Vec::new(),
    }
}

fn post(path: &str) -> RawRequest {
    RawRequest {
        method: "POST".into(),
        target: path.into(),
        headers: vec![
            ("content-type".into(), "text/plain".into()),
            ("Host".into(), "other".into()),
        ],
        body: b"hello".to_vec(),
    }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(5)
}

fn way() -> Outbound {
    Outbound::new(EgressPolicy::public()).unwrap()
}

#[tokio::test]
async fn a_call_goes_there_and_back() {
    let server = Server::start(Script::Answer(
        "HTTP/1.1 201 Created\r\nX-A: b\r\nX-A: c\r\nContent-Length: 2\r\n\r\nok",
    ))
    .await;
    let answer = way()
        .send(&target(&server.base("/api")), post("/p?q=1"), soon(), Effect::Once)
        .await
        .unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (201, b"ok".as_slice()));
    assert_eq!(answer.headers.iter().filter(|(n, _)| n == "x-a").count(), 2);
    let seen = server.seen();
    assert!(seen[0].starts_with("POST /api/p?q=1 HTTP/1.1\r\n"), "{}", seen[0]);
    assert!(
        seen[0].contains("content-length: 5\r\n") && seen[0].ends_with("\r\n\r\nhello"),
        "{}",
        seen[0]
    );
    assert!(
        !seen[0].contains("other") && !seen[0].contains("chunked"),
        "{}",
        seen[0]
    );
}

#[tokio::test]
async fn q19_a_system_is_called_from_the_address_it_lets_in() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/", listener.local_addr().unwrap());
    let callers = tokio::spawn(async move {
        let mut callers = Vec::new();
        for _ in 0..3 {
            let (mut stream, from) = listener.accept().await.unwrap();
            callers.push(from.ip().to_string());
            let mut asked = [0; 1024];
            let _ = stream.read(&mut asked).await.unwrap();
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            stream.write_all(answer).await.unwrap();
        }
        callers
    });
    let way = way();
    for source in [None, Some("127.0.0.9"), Some("127.0.0.7")] {
        let to = Target {
            source: source.map(|s| s.parse().unwrap()),
            ..target(&base)
        };
        way.send(&to, post("/"), soon(), Effect::Once).await.unwrap();
    }
    assert_eq!(callers.await.unwrap(), ["127.0.0.1", "127.0.0.9", "127.0.0.7"]);
}

#[tokio::test]
async fn loopback_needs_trust_as_a_literal_and_as_a_name() {
    let server = Server::start(Script::Answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")).await;
    for host in ["127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]"] {
        let mut t = target(&format!("http://{host}:{}/", server.port()));
        t.trusted_loopback = false;
        let error = way().send(&t, post("/x"), soon(), Effect::Once).await.unwrap_err();
        assert_eq!(
            (error.kind, error.effect),
            (SendErrorKind::Address, SendEffect::None),
            "{host}"
        );
    }
    assert!(server.seen().is_empty());
    let mut named = target(&format!("http://localhost:{}/", server.port()));
    assert!(way().send(&named, post("/x"), soon(), Effect::Once).await.is_ok());
    named.trusted_loopback = false;
    let listed = Outbound::new(EgressPolicy::public().allow_inner("localhost", server.port())).unwrap();
    assert!(listed.send(&named, post("/x"), soon(), Effect::Once).await.is_ok());
}

#[tokio::test]
async fn a_redirect_is_handed_back() {
    let server = Server::start(Script::Answer(
        "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n",
    ))
    .await;
    let answer = way()
        .send(&target(&server.base("")), post("/x"), soon(), Effect::Once)
        .await
        .unwrap();
    assert_eq!(answer.status, 307);
    assert_eq!(answer.header("location"), Some("http://169.254.169.254/"));
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn silence_after_sending_leaves_doubt_unless_it_was_a_read() {
    let server = Server::start(Script::Silence).await;
    let mut t = target(&server.base(""));
    t.timeout_ms = 150;
    for (effect, doubt) in [(Effect::Once, SendEffect::Unknown), (Effect::None, SendEffect::None)] {
        let error = way().send(&t, post("/x"), soon(), effect).await.unwrap_err();
        assert_eq!((error.kind, error.effect), (SendErrorKind::Timeout, doubt));
    }
    let body_less = RawRequest {
        body: Vec::new(),
        ..post("/x")
    };
    let error = way().send(&t, body_less, soon(), Effect::Once).await.unwrap_err();
    assert_eq!(error.effect, SendEffect::Unknown, "an empty body proves nothing");
}

#[tokio::test]
async fn nobody_listening_leaves_no_doubt() {
    let server = Server::start(Script::Silence).await;
    let base = server.base("");
    server.stop().await;
    let error = way()
        .send(&target(&base), post("/x"), soon(), Effect::Once)
        .await
        .unwrap_err();
    assert_eq!((error.kind, error.effect), (SendErrorKind::Refused, SendEffect::None));
}

#[tokio::test]
async fn an_unknown_name_leaves_no_doubt() {
    let error = way()
        .send(&target("http://nowhere.invalid/"), post("/x"), soon(), Effect::Once)
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind, error.effect),
        (SendErrorKind::Unreachable, SendEffect::None)
    );
}

#[tokio::test]
async fn plain_http_behind_an_https_address_leaves_no_doubt() {
    let server = Server::start(Script::Answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")).await;
    let base = server.base("").replace("http:", "https:");
    let error = way()
        .send(&target(&base), post("/x"), soon(), Effect::Once)
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind, error.effect),
        (SendErrorKind::Unreachable, SendEffect::None)
    );
}

#[tokio::test]
async fn a_deadline_that_strikes_while_connecting_leaves_no_doubt() {
    let server = Server::start(Script::Silence).await;
    let mut t = target(&server.base("").replace("http:", "https:"));
    t.timeout_ms = 200;
    let error = way().send(&t, post("/x"), soon(), Effect::Once).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (SendErrorKind::Timeout, SendEffect::None));
}

#[tokio::test]
async fn a_broken_answer_leaves_doubt() {
    for bytes in ["", "SSH-2.0-x\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort"] {
        let server = Server::start(Script::Close(bytes)).await;
        let error = way()
            .send(&target(&server.base("")), post("/x"), soon(), Effect::Once)
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind, error.effect),
            (SendErrorKind::Broken, SendEffect::Unknown),
            "{bytes}"
        );
        assert_eq!(server.seen().len(), 1, "never sent twice");
    }
}

fn small(cap: usize) -> Outbound {
    Outbound::with(
        EgressPolicy::public(),
        BreakerSettings::default(),
        cap,
        Arc::new(WallClock),
    )
    .unwrap()
}

#[tokio::test]
async fn the_cap_holds_for_announced_streamed_and_packed_bodies() {
    let announced = Server::start(Script::Answer("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")).await;
    let streamed = Server::start(Script::Answer(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n12345678\r\n8\r\n12345678\r\n0\r\n\r\n",
    ))
    .await;
    let packed = Server::start(Script::Gzip(1 << 20)).await;
    for server in [announced, streamed, packed] {
        let cap = if server.is_gzip() { 100_000 } else { 10 };
        let error = small(cap)
            .send(&target(&server.base("")), post("/x"), soon(), Effect::None)
            .await
            .unwrap_err();
        assert_eq!(error.kind, SendErrorKind::TooLarge);
    }
    let packed = Server::start(Script::Gzip(1 << 20)).await;
    let answer = way()
        .send(&target(&packed.base("")), post("/x"), soon(), Effect::None)
        .await
        .unwrap();
    assert_eq!((answer.body.len(), answer.header("content-encoding")), (1 << 20, None));
}

#[tokio::test]
async fn headers_beyond_the_cap_are_refused() {
    let many = format!(
        "HTTP/1.1 200 OK\r\nX-Long: {}\r\nContent-Length: 0\r\n\r\n",
        "a".repeat(80_000)
    );
    let server = Server::start(Script::Text(many)).await;
    let error = way()
        .send(&target(&server.base("")), post("/x"), soon(), Effect::None)
        .await
        .unwrap_err();
    assert_eq!(error.kind, SendErrorKind::TooLarge);
}

#[tokio::test]
async fn a_header_with_a_line_break_is_not_sent() {
    let server = Server::start(Script::Silence).await;
    let mut request = post("/x");
    request.headers.push(("x-id".into(), "a\r\nx-evil: 1".into()));
    let error = way()
        .send(&target(&server.base("")), request, soon(), Effect::Once)
        .await
        .unwrap_err();
    assert_eq!((error.kind, error.effect), (SendErrorKind::Broken, SendEffect::None));
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn workers_share_the_breaker_and_it_closes_again() {
    let server = Server::start(Script::Answer("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")).await;
    let settings = BreakerSettings {
        least_calls: 4,
        rest: Duration::from_millis(200),
        ..BreakerSettings::default()
    };
    let one = Outbound::with(EgressPolicy::public(), settings, 1000, Arc::new(WallClock)).unwrap();
    let two = one.for_worker().unwrap();
    let t = target(&server.base(""));
    for _ in 0..4 {
        assert_eq!(
            one.send(&t, post("/x"), soon(), Effect::Once).await.unwrap().status,
            503
        );
    }
    let error = two.send(&t, post("/x"), soon(), Effect::Once).await.unwrap_err();
    assert!(matches!(error.kind, SendErrorKind::BreakerOpen { .. }), "{error}");
    assert_eq!(error.effect, SendEffect::None);
    assert_eq!(one.health()[0].phase, BreakerPhase::Open);
    assert_eq!(server.seen().len(), 4);
    server.change(Script::Answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    tokio::time::sleep(Duration::from_millis(250)).await;
    assert_eq!(
        two.send(&t, post("/x"), soon(), Effect::Once).await.unwrap().status,
        200
    );
    assert_eq!(one.health()[0].phase, BreakerPhase::Closed);
}

#[tokio::test]
async fn a_caller_in_a_hurry_does_not_open_the_breaker() {
    let server = Server::start(Script::Silence).await;
    let way = way();
    for _ in 0..12 {
        let hurry = Instant::now() + Duration::from_millis(20);
        let error = way
            .send(&target(&server.base("")), post("/x"), hurry, Effect::None)
            .await
            .unwrap_err();
        assert_eq!(error.kind, SendErrorKind::Timeout);
    }
    assert_eq!(way.health()[0].phase, BreakerPhase::Closed);
}

#[tokio::test]
async fn the_rate_is_never_exceeded_as_the_upstream_sees_it() {
    let server = Server::start(Script::Answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")).await;
    let one = way();
    let mut t = target(&server.base(""));
    t.limits.rps = Some(10);
    let calls = (0..60).map(|i| {
        let (way, t) = (
            if i % 2 == 0 {
                one.clone()
            } else {
                one.for_worker().unwrap()
            },
            t.clone(),
        );
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(40 * i)).await;
            way.send(&t, post("/x"), soon(), Effect::None).await
        })
    });
    let (mut good, mut refused) = (0, 0);
    for call in calls.collect::<Vec<_>>() {
        match call.await.unwrap() {
            Ok(_) => good += 1,
            Err(e) => {
                assert!(e.retry_after().is_some(), "{e}");
                refused += 1;
            }
        }
    }
    let times = server.times();
    for (i, first) in times.iter().enumerate() {
        let within = times[i..]
            .iter()
            .filter(|t| **t < *first + Duration::from_secs(1))
            .count();
        assert!(within <= 10, "{within} within a second");
    }
    assert!(good >= 20 && refused > 0, "{good} {refused}");
}

#[tokio::test]
async fn the_daily_budget_and_the_places_hold() {
    let server = Server::start(Script::Answer("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")).await;
    let first = way();
    let mut t = target(&server.base(""));
    t.limits.daily = Some(2);
    for _ in 0..2 {
        first.send(&t, post("/x"), soon(), Effect::None).await.unwrap();
    }
    let error = first.send(&t, post("/x"), soon(), Effect::None).await.unwrap_err();
    assert!(matches!(error.kind, SendErrorKind::Budget { .. }) && error.effect == SendEffect::None);

    let slow = Server::start(Script::Silence).await;
    let mut t = target(&slow.base(""));
    t.limits.concurrency = Some(1);
    let way = way();
    let busy = tokio::spawn({
        let (way, t) = (way.clone(), t.clone());
        async move { way.send(&t, post("/x"), soon(), Effect::None).await }
    });
    tokio::time::sleep(Duration::from_millis(100)).await;
    let error = way
        .send(
            &t,
            post("/x"),
            Instant::now() + Duration::from_millis(200),
            Effect::Once,
        )
        .await
        .unwrap_err();
    assert!(matches!(error.kind, SendErrorKind::Budget { .. }), "{error}");
    busy.abort();
    assert_eq!(slow.seen().len(), 1);
    let _ = busy.await;
    t.timeout_ms = 100;
    let error = way.send(&t, post("/x"), soon(), Effect::None).await.unwrap_err();
    assert_eq!(error.kind, SendErrorKind::Timeout, "a caller that left frees its place");
}
