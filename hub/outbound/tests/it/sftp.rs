//! Files on a real OpenSSH server: what a folder of this machine does, by another carrier.

use crate::exchange::{files, target};
use crate::soon;
use crate::sshd::{Sshd, make_key};
use hub_core::transport::{FileLogin, FileRequest, FileWrite};
use hub_core::{Effect, Outgoing, Returned};
use hub_outbound::{EgressPolicy, Outbound, SendEffect, SendError, SendErrorKind};
use std::time::Duration;
use url::Url;

fn login(server: &Sshd, key: &str, pin: &str) -> FileLogin {
    FileLogin {
        key: Some(server.key(key)),
        pins: vec![server.fingerprint(pin)],
        ..FileLogin::default()
    }
}

async fn carried(
    way: &Outbound,
    address: &str,
    login: FileLogin,
    request: FileRequest,
) -> Result<Vec<(String, Vec<u8>)>, SendError> {
    let target = target(&Url::parse(address).unwrap());
    let request = FileRequest {
        login: Some(login),
        ..request
    };
    match way
        .carry("", &target, Outgoing::File(request), soon(), Effect::Once)
        .await?
    {
        Returned::File(answer) => Ok(answer.files.into_iter().map(|f| (f.name, f.bytes)).collect()),
        other => panic!("{other:?}"),
    }
}

fn way() -> Outbound {
    Outbound::new(EgressPolicy::public()).unwrap()
}

fn writing(path: &str, bytes: &[u8]) -> FileRequest {
    FileRequest {
        writes: vec![FileWrite {
            path: path.into(),
            bytes: bytes.to_vec(),
        }],
        ..FileRequest::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn q25_files_on_a_server_links_and_files_without_marker_are_not_seen() {
    let Some(server) = Sshd::start() else { return };
    let (folder, out) = (server.drop_folder(), server.drop_folder().join("out"));
    std::fs::create_dir(&out).unwrap();
    let secret = server.folder.path().join("secret.txt");
    std::fs::write(&secret, "secret").unwrap();
    for name in ["JF_1.txt", "JF_2.txt", "JF_3.txt", "JF_4.txt", "QT_9.txt"] {
        std::fs::write(out.join(name), name.repeat(20_000)).unwrap();
    }
    for name in [
        "JF_1.txt.ok",
        "JF_2.txt.ok",
        "JF_3.txt.ok",
        "JF_5.txt.ok",
        "QT_9.txt.ok",
    ] {
        std::fs::write(out.join(name), "").unwrap();
    }
    std::os::unix::fs::symlink(&secret, out.join("JF_5.txt")).unwrap();
    std::os::unix::fs::symlink(&out, folder.join("link")).unwrap();
    let (way, address) = (way(), server.address());
    let found = carried(&way, &address, login(&server, "user", "host"), files("JF_"))
        .await
        .unwrap();
    let names: Vec<_> = found.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["JF_3.txt", "JF_2.txt"]);
    assert_eq!(found[0].1, "JF_3.txt".repeat(20_000).as_bytes());
    let none = carried(&way, &address, login(&server, "user", "host"), files("KEINE_")).await;
    assert!(none.unwrap().is_empty());
    for below in ["link", "link/deeper", "../x", "/etc", "a/../../x"] {
        let mut request = files("JF_");
        request.look.as_mut().unwrap().folder = below.into();
        let looked = carried(&way, &address, login(&server, "user", "host"), request).await;
        assert_eq!(looked.unwrap_err().kind, SendErrorKind::Address, "{below}");
        let request = writing(&format!("{below}/x"), b"");
        let wrote = carried(&way, &address, login(&server, "user", "host"), request).await;
        let wrote = wrote.unwrap_err();
        assert_eq!(
            (wrote.kind, wrote.effect),
            (SendErrorKind::Address, SendEffect::None),
            "{below}"
        );
    }
    assert!(!out.join("x").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn q25_a_request_on_a_server_is_whole_before_its_marker_and_written_once() {
    let Some(server) = Sshd::start() else { return };
    let folder = server.drop_folder();
    let big = "张三|".repeat(30_000);
    let mut request = FileRequest {
        every_ms: 20,
        ..files("FK_1")
    };
    request.writes = writing("in/new/SQ_1.txt", big.as_bytes()).writes;
    request.writes.extend(writing("in/new/SQ_1.txt.ok", b"1").writes);
    let agency = tokio::spawn({
        let (folder, big) = (folder.clone(), big.clone());
        async move {
            while !folder.join("in/new/SQ_1.txt.ok").exists() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            assert_eq!(std::fs::read(folder.join("in/new/SQ_1.txt")).unwrap(), big.as_bytes());
            std::fs::create_dir(folder.join("out")).unwrap();
            std::fs::write(folder.join("out/FK_1.txt"), "done").unwrap();
            std::fs::write(folder.join("out/FK_1.txt.ok"), "").unwrap();
        }
    });
    let (way, address) = (way(), server.address());
    let found = carried(&way, &address, login(&server, "user", "host"), request.clone())
        .await
        .unwrap();
    assert_eq!(found, [("FK_1.txt".to_owned(), b"done".to_vec())]);
    agency.await.unwrap();
    // Nothing unfinished stays, and what is there is not written again.
    let names = || {
        let entries = std::fs::read_dir(folder.join("in/new")).unwrap();
        let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(names(), ["SQ_1.txt", "SQ_1.txt.ok"]);
    let again = writing("in/new/SQ_1.txt", b"other");
    carried(&way, &address, login(&server, "user", "host"), again)
        .await
        .unwrap();
    assert_eq!(std::fs::read(folder.join("in/new/SQ_1.txt")).unwrap(), big.as_bytes());
}

#[tokio::test(flavor = "multi_thread")]
async fn q25_a_server_with_another_key_learns_nothing() {
    let Some(mut server) = Sshd::start() else { return };
    let (way, address) = (way(), server.address());
    let request = || writing("in/a.txt", b"a");
    // Another key than the pinned one; none pinned; one of two pinned, as during a change; pins of the address itself.
    let wrong = carried(&way, &address, login(&server, "user", "other"), request())
        .await
        .unwrap_err();
    assert_eq!(
        (wrong.kind.clone(), wrong.effect),
        (SendErrorKind::Unreachable, SendEffect::None)
    );
    let words = wrong.to_string();
    assert!(
        words.contains("another host key") && words.contains(&server.fingerprint("host")),
        "{words}"
    );
    let mut unpinned = login(&server, "user", "host");
    unpinned.pins.clear();
    let none = carried(&way, &address, unpinned.clone(), request()).await.unwrap_err();
    assert_eq!(none.kind, SendErrorKind::Address);
    assert!(none.to_string().contains("no host key is pinned"), "{none}");
    assert!(!server.drop_folder().join("in").exists());
    let mut two = login(&server, "user", "host");
    two.pins.insert(0, server.fingerprint("other"));
    carried(&way, &address, two.clone(), request()).await.unwrap();
    let own = format!("{address}?pin={}", server.fingerprint("host"));
    carried(&way, &own, unpinned, request()).await.unwrap();
    // The kept connection is not asked again; after a change of keys a new one is, and both pins hold.
    server.stop();
    let gone = carried(&way, &address, two.clone(), request()).await.unwrap_err();
    assert_eq!((gone.kind, gone.effect), (SendErrorKind::Refused, SendEffect::None));
    server.go_on("other");
    carried(&way, &address, two, request()).await.unwrap();
    let old = carried(&way, &address, login(&server, "user", "host"), request())
        .await
        .unwrap_err();
    assert!(old.to_string().contains("another host key"), "{old}");
}

#[tokio::test(flavor = "multi_thread")]
async fn q25_a_stranger_s_key_is_refused_and_no_secret_is_told() {
    let Some(server) = Sshd::start() else { return };
    let (way, address) = (way(), server.address());
    let request = || writing("in/a.txt", b"a");
    let stranger = carried(&way, &address, login(&server, "stranger", "host"), request())
        .await
        .unwrap_err();
    assert_eq!(
        (stranger.kind.clone(), stranger.effect),
        (
            SendErrorKind::Denied {
                retry_after: std::time::Duration::ZERO
            },
            SendEffect::None
        )
    );
    assert!(
        stranger.to_string().contains("does not take this user's key"),
        "{stranger}"
    );
    // RSA keys are not spoken, and say so.
    make_key(server.folder.path(), "rsa", "rsa");
    let rsa = carried(&way, &address, login(&server, "rsa", "host"), request())
        .await
        .unwrap_err();
    assert!(rsa.to_string().contains("Ed25519 or ECDSA"), "{rsa}");
    let mut none = login(&server, "user", "host");
    none.key = None;
    let none = carried(&way, &address, none, request()).await.unwrap_err();
    assert!(none.to_string().contains("no key and no password"), "{none}");
    make_key(server.folder.path(), "ecdsa", "ecdsa");
    let known = std::fs::read(server.folder.path().join("ecdsa.pub")).unwrap();
    std::fs::write(server.folder.path().join("authorized"), known).unwrap();
    carried(&way, &address, login(&server, "ecdsa", "host"), request())
        .await
        .unwrap();
    let written = format!("{:?}", login(&server, "user", "host"));
    assert!(!written.contains("PRIVATE"), "{written}");
}

#[tokio::test(flavor = "multi_thread")]
async fn q25_a_file_server_in_a_private_network_only_where_an_operator_says_so() {
    let Some(server) = Sshd::start() else { return };
    let mut target = target(&Url::parse(&server.address()).unwrap());
    target.trusted_loopback = false;
    let request = FileRequest {
        login: Some(login(&server, "user", "host")),
        ..writing("in/a.txt", b"a")
    };
    let sent = way()
        .carry("", &target, Outgoing::File(request.clone()), soon(), Effect::Once)
        .await;
    assert_eq!(sent.unwrap_err().kind, SendErrorKind::Address);
    let port = target.base.port().unwrap();
    let listed = Outbound::new(EgressPolicy::public().allow_inner("127.0.0.1", port)).unwrap();
    let sent = listed
        .carry("", &target, Outgoing::File(request), soon(), Effect::Once)
        .await;
    assert!(sent.is_ok(), "{sent:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn q25_a_file_on_a_server_that_is_too_large_is_not_taken() {
    let Some(server) = Sshd::start() else { return };
    let out = server.drop_folder().join("out");
    std::fs::create_dir(&out).unwrap();
    std::fs::write(out.join("JF_1.txt"), vec![b'x'; 300_000]).unwrap();
    std::fs::write(out.join("JF_1.txt.ok"), "").unwrap();
    let clock = std::sync::Arc::new(crate::WallClock);
    let small = Outbound::with(
        EgressPolicy::public(),
        hub_outbound::BreakerSettings::default(),
        200_000,
        clock,
    );
    let sent = carried(
        &small.unwrap(),
        &server.address(),
        login(&server, "user", "host"),
        files("JF_"),
    )
    .await;
    assert_eq!(sent.unwrap_err().kind, SendErrorKind::TooLarge);
}
