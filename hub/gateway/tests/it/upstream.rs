//! An agency's system for tests: a few lines of HTTP/1.1 on loopback, so that the real way out is walked.

use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What arrived.
#[derive(Debug, Clone)]
pub struct Heard {
    /// `POST /login`.
    pub line: String,
    pub head: String,
    pub body: String,
}

/// What to do with it.
pub enum Do {
    Say(u16, &'static str, String),
    /// With a header besides.
    SayWith(String, &'static str),
    HangUp,
    Silence,
}

type Handler = dyn Fn(&Heard) -> Do + Send + Sync;

pub struct Upstream {
    pub address: String,
    pub heard: Arc<Mutex<Vec<Heard>>>,
}

impl Upstream {
    pub async fn open(handler: impl Fn(&Heard) -> Do + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (log, handler): (_, Arc<Handler>) = (heard.clone(), Arc::new(handler));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(talk(stream, log.clone(), handler.clone()));
            }
        });
        Self { address, heard }
    }

    pub fn lines(&self) -> Vec<String> {
        self.heard.lock().unwrap().iter().map(|h| h.line.clone()).collect()
    }
}

async fn talk(mut stream: TcpStream, log: Arc<Mutex<Vec<Heard>>>, handler: Arc<Handler>) {
    while let Some(heard) = hear(&mut stream).await {
        log.lock().unwrap().push(heard.clone());
        let (head, body) = match handler(&heard) {
            Do::HangUp => return,
            Do::Silence => {
                tokio::time::sleep(Duration::from_secs(5)).await;
                return;
            }
            Do::Say(status, media_type, body) => (format!("{status} X\r\nContent-Type: {media_type}"), body),
            Do::SayWith(header, body) => (
                format!("200 OK\r\nContent-Type: application/json\r\n{header}"),
                body.to_owned(),
            ),
        };
        let answer = format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn hear(stream: &mut TcpStream) -> Option<Heard> {
    let mut bytes = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let n = stream.read(&mut piece).await.ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&piece[..n]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|l| {
                l.to_ascii_lowercase()
                    .strip_prefix("content-length:")
                    .map(|v| v.trim().parse::<usize>().unwrap())
            })
            .unwrap_or(0);
        if body.len() >= length {
            let line = head
                .lines()
                .next()
                .unwrap_or_default()
                .trim_end_matches(" HTTP/1.1")
                .to_owned();
            return Some(Heard {
                line,
                head: head.to_ascii_lowercase(),
                body: body.to_owned(),
            });
        }
    }
}
