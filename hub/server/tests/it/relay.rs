//! HTTP passed on byte by byte: what a balancer and a witness on the way to a system have in common.

use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// One request as it stood on the wire, which asks for the connection to end after its answer.
#[derive(Debug, Clone)]
pub struct Passing {
    pub head: String,
    pub body: Vec<u8>,
}

impl Passing {
    pub fn method(&self) -> &str {
        self.head.split(' ').next().unwrap_or_default()
    }

    pub fn target(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }
}

/// What became of a request that was passed on.
pub enum Passed {
    /// A whole answer.
    Answered(Vec<u8>),
    /// Nobody took the connection: nothing was sent.
    NotSent,
    /// It broke afterwards: nobody knows.
    Broken,
}

/// Listens on a free port and lets `answer` say what every request is answered.
pub async fn listen<F, A>(answer: F) -> SocketAddr
where
    F: Fn(Passing) -> A + Send + Sync + 'static,
    A: Future<Output = Vec<u8>> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = Arc::clone(&answer);
            tokio::spawn(async move {
                if let Some(request) = hear(&mut stream).await {
                    let bytes = answer(request).await;
                    drop(stream.write_all(&bytes).await);
                    drop(stream.shutdown().await);
                }
            });
        }
    });
    address
}

/// A refusal of the one in between.
pub fn gone() -> Vec<u8> {
    b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec()
}

/// Passes a request on.
pub async fn pass(to: SocketAddr, request: &Passing) -> Passed {
    let Ok(mut stream) = TcpStream::connect(to).await else {
        return Passed::NotSent;
    };
    let bytes = [request.head.as_bytes(), &request.body].concat();
    let mut answer = Vec::new();
    if stream.write_all(&bytes).await.is_err() || stream.read_to_end(&mut answer).await.is_err() {
        return Passed::Broken;
    }
    if is_whole(&answer) {
        Passed::Answered(answer)
    } else {
        Passed::Broken
    }
}

/// Whether an answer has come to its end, by its length or its last chunk.
fn is_whole(answer: &[u8]) -> bool {
    let Some((head, body)) = split(answer) else {
        return false;
    };
    let head = head.to_ascii_lowercase();
    match length(&head) {
        Some(length) => body.len() >= length,
        None if head.contains("transfer-encoding: chunked") => body.ends_with(b"0\r\n\r\n"),
        None => true,
    }
}

async fn hear(stream: &mut TcpStream) -> Option<Passing> {
    let mut bytes = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        if let Some((head, body)) = split(&bytes) {
            let head = String::from_utf8(head.as_bytes().to_vec()).ok()?;
            if body.len() >= length(&head.to_ascii_lowercase()).unwrap_or(0) {
                return Some(Passing {
                    head: closing(&head),
                    body: body.to_vec(),
                });
            }
        }
        let read = stream.read(&mut buffer).await.ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&buffer[..read]);
    }
}

fn split(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let end = bytes.windows(4).position(|w| w == b"\r\n\r\n")?;
    Some((std::str::from_utf8(&bytes[..end]).ok()?, &bytes[end + 4..]))
}

fn length(head: &str) -> Option<usize> {
    let line = head.lines().find_map(|l| l.strip_prefix("content-length:"))?;
    line.trim().parse().ok()
}

/// The same head, asking for one answer and no more.
fn closing(head: &str) -> String {
    let kept = head
        .split("\r\n")
        .filter(|l| !l.to_ascii_lowercase().starts_with("connection:"));
    let lines: Vec<&str> = kept.collect();
    format!("{}\r\nConnection: close\r\n\r\n", lines.join("\r\n"))
}
