//! Logins at servers that are not to be trusted, and in the way of MySQL 8, played by the test packet by packet.

use crate::exchange::{carried, request, target};
use crate::tls::{PIN, pinned, server_config};
use crate::way;
use hub_outbound::{SendEffect, SendErrorKind, TlsRules};
use rustls::{ServerConnection, StreamOwned, version};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use url::Url;

const PASSWORD: &str = "sehr-geheim";
const SSL: u16 = 0x800;
const OK: &[u8] = &[0, 0, 0, 2, 0, 0, 0];

/// A greeting as MySQL 8 sends it.
fn greeting(plugin: &str, extra: u16) -> Vec<u8> {
    let mut bytes = b"\x0a8.0.36\0\x07\0\0\0abcdefgh\0".to_vec();
    bytes.extend((0xf7df_u16 & !SSL | extra).to_le_bytes());
    bytes.extend(b"\x2d\x02\0\xff\xdf\x15\0\0\0\0\0\0\0\0\0\0ijklmnopqrst\0");
    bytes.extend(plugin.bytes().chain([0]));
    bytes
}

fn put(stream: &mut impl Write, sequence: u8, payload: &[u8]) {
    let length = u32::try_from(payload.len()).unwrap().to_le_bytes();
    let head = [length[0], length[1], length[2], sequence];
    let _ = stream.write_all(&[&head, payload].concat());
    let _ = stream.flush();
}

/// The next packet; nothing once the hub has hung up.
fn get(stream: &mut impl Read) -> Vec<u8> {
    let mut head = [0; 4];
    if stream.read_exact(&mut head).is_err() {
        return Vec::new();
    }
    let mut payload = vec![0; usize::from(head[0]) | usize::from(head[1]) << 8];
    stream.read_exact(&mut payload).unwrap();
    payload
}

/// Plays a server for one connection; all it was sent.
fn play(script: impl FnOnce(TcpStream) -> Vec<Vec<u8>> + Send + 'static) -> (Url, JoinHandle<Vec<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        script(stream)
    });
    let url = format!("mysql://hub:{PASSWORD}@127.0.0.1:{port}/qzk");
    (Url::parse(&url).unwrap(), server)
}

/// Says all of these, one after each packet of the hub's, then welcomes whatever follows, until a statement is prepared.
fn converse(mut stream: impl Read + Write, sequence: u8, said: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut got = Vec::new();
    for (turn, words) in (0..).zip(said) {
        got.push(get(&mut stream));
        put(&mut stream, sequence + 2 * turn, words);
        if words == &[1, 3] {
            put(&mut stream, sequence + 2 * turn + 1, OK);
        }
    }
    loop {
        let next = get(&mut stream);
        match next.first() {
            Some(3) => put(&mut stream, 1, OK),
            Some(0x16) => put(&mut stream, 1, b"\xff\x7a\x04#42S02gone"),
            _ => break got,
        }
        got.push(next);
    }
}

/// All that the server was sent. The hub hangs up meanwhile.
async fn heard(server: JoinHandle<Vec<Vec<u8>>>) -> Vec<Vec<u8>> {
    tokio::task::spawn_blocking(|| server.join().unwrap()).await.unwrap()
}

async fn refused(url: &Url, rules: Option<TlsRules>) -> String {
    let mut to = target(url);
    to.tls = rules.map(Arc::new);
    let error = carried(&way(), &to, request("n-1")).await.unwrap_err();
    assert_eq!(error.effect, SendEffect::None, "{error:?}");
    assert!(
        [SendErrorKind::Broken, SendErrorKind::Unreachable].contains(&error.kind),
        "{error:?}"
    );
    error.detail.unwrap_or_default()
}

fn holds(packets: &[Vec<u8>], text: &str) -> bool {
    packets.concat().windows(text.len()).any(|part| part == text.as_bytes())
}

#[tokio::test]
async fn mysql_a_password_is_never_told_to_who_asks_for_it_in_clear() {
    // In the greeting, and again once the hub has proven it in the only way it knows.
    let switch = b"\xfemysql_clear_password\0";
    let (url, server) = play(move |mut stream| {
        put(&mut stream, 0, &greeting("mysql_clear_password", 0));
        converse(stream, 2, &[switch])
    });
    assert_eq!(
        refused(&url, None).await,
        "the database asks for the password in a way that is not spoken"
    );
    let got = heard(server).await;
    assert_eq!(got.len(), 1);
    assert!(holds(&got, "hub\0") && holds(&got, "mysql_native_password") && !holds(&got, PASSWORD));
    // MySQL 8 does not know the account yet and there is no TLS.
    let (url, server) = play(|mut stream| {
        put(&mut stream, 0, &greeting("caching_sha2_password", 0));
        converse(stream, 2, &[&[1, 4]])
    });
    assert_eq!(
        refused(&url, None).await,
        "the database knows this account over TLS only"
    );
    assert!(!holds(&heard(server).await, PASSWORD));
}

#[tokio::test]
async fn mysql_8_remembers_an_account_or_is_told_below_tls() {
    let (url, server) = play(|mut stream| {
        put(&mut stream, 0, &greeting("caching_sha2_password", 0));
        converse(stream, 2, &[&[1, 3]])
    });
    assert_eq!(refused(&url, None).await, "the database says 42S02", "after the login");
    let got = heard(server).await;
    assert!(holds(&got, "SET NAMES utf8mb4") && holds(&got, "max_execution_time = 5000") && !holds(&got, PASSWORD));

    let secured = |mut stream: TcpStream| {
        put(&mut stream, 0, &greeting("caching_sha2_password", SSL));
        let asked = get(&mut stream);
        let tls = ServerConnection::new(server_config(&[&version::TLS13])).unwrap();
        let mut got = converse(StreamOwned::new(tls, stream), 3, &[&[1, 4], OK]);
        got.insert(0, asked);
        got
    };
    let (url, server) = play(secured);
    assert_eq!(refused(&url, Some(pinned(PIN, true))).await, "the database says 42S02");
    let got = heard(server).await;
    assert_eq!(got[0].len(), 32, "the wish for TLS names nobody");
    assert!(holds(&got[1..2], "qzk\0caching_sha2_password\0"));
    assert_eq!(got[2], [PASSWORD.as_bytes(), b"\0"].concat());
    // Somebody else answers at the address.
    let (url, server) = play(secured);
    let words = refused(&url, Some(pinned(&"00".repeat(32), false))).await;
    assert_eq!(words, "the certificate is not believed, or TLS failed");
    assert!(!holds(&heard(server).await, "hub"));
    // Somebody in between takes the offer of TLS out of the greeting.
    let (url, server) = play(|mut stream| {
        put(&mut stream, 0, &greeting("mysql_native_password", 0));
        converse(stream, 2, &[OK])
    });
    assert_eq!(
        refused(&url, Some(pinned(PIN, false))).await,
        "the database offers no TLS"
    );
    assert!(!holds(&heard(server).await, "hub"));
}

#[tokio::test]
async fn mysql_whatever_else_answers_is_an_error() {
    let whole = greeting("mysql_native_password", 0);
    let mut first: Vec<Vec<u8>> = [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], &[0, 0, 0, 0], &[0xff; 9], b""]
        .map(<[u8]>::to_vec)
        .to_vec();
    for end in [1, 8, 20, 30, whole.len() - 24] {
        let length = u8::try_from(end).unwrap();
        first.push([&[length, 0, 0, 0], &whole[..end]].concat());
    }
    for bytes in first {
        let (url, server) = play(move |mut stream| {
            let _ = stream.write_all(&bytes);
            Vec::new()
        });
        refused(&url, None).await;
        heard(server).await;
    }
    // Too many connections: said in place of a greeting.
    let (url, server) = play(|mut stream| {
        put(&mut stream, 0, b"\xff\x10\x04Too many connections");
        Vec::new()
    });
    assert_eq!(refused(&url, None).await, "the database says 1040");
    heard(server).await;
    // One that never comes to an end.
    let (url, server) = play(|mut stream| {
        put(&mut stream, 0, &greeting("mysql_native_password", 0));
        let switch = b"\xfemysql_native_password\0abcdefghijklmnopqrst\0".as_slice();
        converse(stream, 2, &[switch; 20])
    });
    assert_eq!(refused(&url, None).await, "what answers is no MySQL");
    assert!(heard(server).await.iter().filter(|p| !p.is_empty()).count() <= 7);
}
