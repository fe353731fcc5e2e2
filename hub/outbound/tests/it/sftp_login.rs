//! What a file server learns of a password: nothing before its key was known. The server is the test's own, for it has to say
//! what it was told.

use crate::exchange::{files, target};
use crate::soon;
use hub_core::transport::{FileLogin, FileRequest};
use hub_core::{Effect, Outgoing};
use hub_outbound::{EgressPolicy, Outbound, SendEffect, SendErrorKind};
use russh::keys::{Algorithm, HashAlg, PrivateKey, ssh_key};
use russh::server::{Auth, Config, Handler, run_stream};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use url::Url;

/// Users and passwords that were told.
type Told = Arc<Mutex<Vec<(String, String)>>>;

struct Listening(Told);

impl Handler for Listening {
    type Error = russh::Error;

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, russh::Error> {
        self.0.lock().unwrap().push((user.to_owned(), password.to_owned()));
        Ok(if password == "right" {
            Auth::Accept
        } else {
            Auth::reject()
        })
    }
}

async fn server(key: PrivateKey) -> (u16, Told) {
    let told = Told::default();
    let config = Arc::new(Config {
        keys: vec![key],
        auth_rejection_time: std::time::Duration::ZERO,
        ..Config::default()
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn({
        let told = told.clone();
        async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (config, told) = (config.clone(), told.clone());
                tokio::spawn(async move {
                    if let Ok(session) = run_stream(config, stream, Listening(told)).await {
                        drop(session.await);
                    }
                });
            }
        }
    });
    (port, told)
}

fn key(seed: u8) -> PrivateKey {
    let pair = ssh_key::private::Ed25519Keypair::from_seed(&[seed; 32]);
    let key = PrivateKey::from(pair);
    assert_eq!(key.algorithm(), Algorithm::Ed25519);
    key
}

#[tokio::test(flavor = "multi_thread")]
async fn q25_a_password_is_told_to_the_pinned_server_only() {
    let (port, told) = server(key(1)).await;
    let address = Url::parse(&format!("sftp://hub@127.0.0.1:{port}/drop")).unwrap();
    let way = Outbound::new(EgressPolicy::public()).unwrap();
    let ask = async |pinned: u8, password: &str| {
        let login = FileLogin {
            password: Some(password.to_owned()),
            pins: vec![key(pinned).public_key().fingerprint(HashAlg::Sha256).to_string()],
            ..FileLogin::default()
        };
        let request = FileRequest {
            login: Some(login),
            ..files("JF_")
        };
        let sent = way
            .carry("", &target(&address), Outgoing::File(request), soon(), Effect::None)
            .await;
        sent.unwrap_err()
    };
    let wrong = ask(2, "right").await;
    assert!(wrong.to_string().contains("another host key"), "{wrong}");
    assert_eq!(told.lock().unwrap().len(), 0);
    let refused = ask(1, "stale").await;
    assert!(
        refused.to_string().contains("does not take this user's password"),
        "{refused}"
    );
    assert_eq!(
        (refused.kind.clone(), refused.effect, refused.retry_after()),
        (
            SendErrorKind::Denied {
                retry_after: Duration::ZERO
            },
            SendEffect::None,
            None
        )
    );
    // It lets the user in, but has no files: that is no answer.
    let empty = ask(1, "right").await;
    assert_eq!(empty.kind, SendErrorKind::Unreachable, "{empty}");
    let told = told.lock().unwrap().clone();
    let pair = |password: &str| ("hub".to_owned(), password.to_owned());
    assert_eq!(told, [pair("stale"), pair("right")]);
    assert!(!format!("{wrong}{refused}{empty}").contains("stale"));
}

#[tokio::test(flavor = "multi_thread")]
async fn q20_a_refused_password_is_not_told_again_and_again() {
    let (port, told) = server(key(1)).await;
    let address = Url::parse(&format!("sftp://hub@127.0.0.1:{port}/drop")).unwrap();
    let way = Outbound::new(EgressPolicy::public()).unwrap();
    let place = target(&address);
    for n in 0..6 {
        let login = FileLogin {
            password: Some("stale".to_owned()),
            pins: vec![key(1).public_key().fingerprint(HashAlg::Sha256).to_string()],
            ..FileLogin::default()
        };
        let request = FileRequest {
            login: Some(login),
            ..files("JF_")
        };
        let sent = way.carry("", &place, Outgoing::File(request), soon(), Effect::None);
        let refused = sent.await.unwrap_err();
        assert!(matches!(refused.kind, SendErrorKind::Denied { .. }), "{refused}");
        assert_eq!(refused.retry_after().is_some(), n > 0, "{n}: {refused}");
    }
    assert_eq!(told.lock().unwrap().len(), 2);
}
