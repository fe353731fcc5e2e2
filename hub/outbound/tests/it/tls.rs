//! Pinned certificates and the floor of TLS, against a TLS server with a self-signed certificate that expired in 2021; and a
//! way that is closed.

use crate::{post, soon, target, way};
use hub_core::Effect;
use hub_outbound::{SendEffect, SendErrorKind, TlsRules};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion, version};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;

/// Made with openssl for this test alone; SHA-256 by `sha256sum` of the DER form.
const CERTIFICATE: &str = "MIIBWDCB/6ADAgECAgECMAoGCCqGSM49BAMCMB8xHTAbBgNVBAMMFG9sZC11cHN0cmVhbS5leGFtcGxlMB4XDTIwMDEwMTAwMDAwMFoXDTIxMDEwMTAwMDAwMFowHzEdMBsGA1UEAwwUb2xkLXVwc3RyZWFtLmV4YW1wbGUwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASMOIipXD+5zM6ygOkOJa9j3Q/EbjXac5fvjWHdCHDFTGZnUGYg+I0GvwYQ307FOCC99G0maV75XqUwvvRpSlg/oywwKjAJBgNVHRMEAjAAMB0GA1UdDgQWBBTMAHlV83Gd7FKt/GIc81ZgdLXtezAKBggqhkjOPQQDAgNIADBFAiAnbxV2+fp5tVl1CjcScfmnWrxvOecrPijalxPcY8+qGgIhANDZGqZPElcjNtjOOWHyWc2ldbDiegT0jDgIYwJf1Mro";
const KEY: &str = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgqpYnD/GRSS3wF5roUUiKzuQwLdLoFaKVhcrHGO33Nc2hRANCAASMOIipXD+5zM6ygOkOJa9j3Q/EbjXac5fvjWHdCHDFTGZnUGYg+I0GvwYQ307FOCC99G0maV75XqUwvvRpSlg/";
pub(crate) const PIN: &str = "adeb48537f6388ef50c13be11cc94b9e4aaddd5f9573be77efdab5aea12eeb3b";

pub(crate) fn server_config(versions: &[&'static SupportedProtocolVersion]) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let certificate = CertificateDer::from(hub_crypto::from_base64(CERTIFICATE).unwrap());
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(hub_crypto::from_base64(KEY).unwrap()));
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    Arc::new(config)
}

/// Answers every connection with an empty 200 over these versions of TLS.
fn serve(versions: &[&'static SupportedProtocolVersion]) -> u16 {
    let config = server_config(versions);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
            let mut buffer = [0; 4096];
            let mut seen = Vec::new();
            while !seen.ends_with(b"hello") {
                match stream.read(&mut buffer) {
                    Ok(n) if n > 0 => seen.extend_from_slice(&buffer[..n]),
                    _ => break,
                }
            }
            let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    });
    port
}

pub(crate) fn pinned(pin: &str, only_13: bool) -> TlsRules {
    TlsRules {
        pins: vec![hub_crypto::from_hex(pin).unwrap().try_into().unwrap()],
        only_13,
    }
}

async fn call(port: u16, rules: Option<TlsRules>) -> Result<u16, SendErrorKind> {
    let mut to = target(&format!("https://127.0.0.1:{port}/"));
    to.tls = rules.map(Arc::new);
    let sent = way().send(&to, post("/x"), soon(), Effect::Once).await;
    sent.map(|answer| answer.status).map_err(|error| {
        assert_eq!(error.effect, SendEffect::None, "{error}");
        error.kind
    })
}

#[tokio::test]
async fn q30_a_pinned_certificate_and_no_other() {
    let port = serve(&[&version::TLS12, &version::TLS13]);
    assert_eq!(call(port, Some(pinned(PIN, false))).await, Ok(204));
    assert_eq!(call(port, Some(pinned(PIN, true))).await, Ok(204));
    // Self-signed and expired: without the pin it is not believed.
    assert_eq!(call(port, None).await, Err(SendErrorKind::Unreachable));
    let none = TlsRules::default();
    assert_eq!(call(port, Some(none)).await, Err(SendErrorKind::Unreachable));
    let other = PIN.replacen(&PIN[..2], if &PIN[..2] == "00" { "01" } else { "00" }, 1);
    assert_eq!(
        call(port, Some(pinned(&other, false))).await,
        Err(SendErrorKind::Unreachable)
    );
    // Two pins while a certificate is changed.
    let mut both = pinned(&other, false);
    both.pins.extend(pinned(PIN, false).pins);
    assert_eq!(call(port, Some(both)).await, Ok(204));
}

#[tokio::test]
async fn q30_a_floor_is_a_floor() {
    let port = serve(&[&version::TLS12]);
    assert_eq!(call(port, Some(pinned(PIN, false))).await, Ok(204));
    assert_eq!(
        call(port, Some(pinned(PIN, true))).await,
        Err(SendErrorKind::Unreachable)
    );
}

/// A listener whose queue is full drops what knocks, as an allow-list does.
#[tokio::test]
async fn q19_no_connection_in_time() {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    let _listener = socket.listen(1).unwrap();
    let mut waiting = Vec::new();
    for _ in 0..8 {
        let knock = tokio::time::timeout(
            std::time::Duration::from_millis(300),
            tokio::net::TcpStream::connect(address),
        );
        match knock.await {
            Ok(Ok(stream)) => waiting.push(stream),
            _ => break,
        }
    }
    let mut to = target(&format!("http://{address}/"));
    to.timeout_ms = 9_000;
    let later = tokio::time::Instant::now() + std::time::Duration::from_secs(9);
    let error = way().send(&to, post("/x"), later, Effect::Once).await.unwrap_err();
    assert_eq!((error.kind, error.effect), (SendErrorKind::NoWay, SendEffect::None));
}
