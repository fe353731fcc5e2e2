//! An upstream that does as it is told.

use std::io::Write;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

#[derive(Clone)]
pub enum Script {
    /// Answers and keeps the connection.
    Answer(&'static str),
    /// The same with owned text.
    Text(String),
    /// Zeros of this length, packed.
    Gzip(usize),
    /// Answers and closes.
    Close(&'static str),
    /// Reads and says nothing.
    Silence,
}

#[derive(Default)]
struct Seen {
    requests: Vec<String>,
    times: Vec<Instant>,
}

pub struct Server {
    port: u16,
    seen: Arc<Mutex<Seen>>,
    script: Arc<Mutex<Script>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub async fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Arc::new(Mutex::new(Seen::default()));
        let script = Arc::new(Mutex::new(script));
        let (noted, told) = (Arc::clone(&seen), Arc::clone(&script));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&noted), Arc::clone(&told)));
            }
        });
        Self {
            port,
            seen,
            script,
            task,
        }
    }

    pub async fn stop(mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn base(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub fn change(&self, script: Script) {
        *self.script.lock().unwrap() = script;
    }

    pub fn is_gzip(&self) -> bool {
        matches!(*self.script.lock().unwrap(), Script::Gzip(_))
    }

    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().requests.clone()
    }

    pub fn times(&self) -> Vec<Instant> {
        self.seen.lock().unwrap().times.clone()
    }
}

async fn serve(mut stream: TcpStream, seen: Arc<Mutex<Seen>>, script: Arc<Mutex<Script>>) {
    let mut buffer = Vec::new();
    loop {
        let silent = matches!(*script.lock().unwrap(), Script::Silence);
        let Some(request) = read_one(&mut stream, &mut buffer, silent).await else {
            return;
        };
        {
            let mut seen = seen.lock().unwrap();
            seen.requests.push(request);
            seen.times.push(Instant::now());
        }
        let script = script.lock().unwrap().clone();
        let (bytes, close) = match script {
            Script::Answer(text) => (text.as_bytes().to_vec(), false),
            Script::Text(text) => (text.into_bytes(), false),
            Script::Gzip(size) => (packed(size), false),
            Script::Close(text) => (text.as_bytes().to_vec(), true),
            Script::Silence => continue,
        };
        if stream.write_all(&bytes).await.is_err() || close {
            return;
        }
    }
}

async fn read_one(stream: &mut TcpStream, buffer: &mut Vec<u8>, silent: bool) -> Option<String> {
    loop {
        if let Some(head) = buffer.windows(4).position(|w| w == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&buffer[..head]).to_ascii_lowercase();
            let length = text
                .lines()
                .find_map(|l| l.strip_prefix("content-length: ")?.parse::<usize>().ok())
                .unwrap_or(0);
            let end = head + 4 + length;
            if buffer.len() >= end {
                let request = String::from_utf8_lossy(&buffer[..end]).into_owned();
                buffer.drain(..end);
                return Some(request);
            }
        }
        let mut chunk = [0; 4096];
        match stream.read(&mut chunk).await {
            // A TLS hello: a server of plain HTTP hangs up on it, unless it says nothing at all.
            Ok(n) if n > 0 && chunk[0] == 0x16 && !silent => return None,
            Ok(n) if n > 0 => buffer.extend_from_slice(&chunk[..n]),
            _ => return None,
        }
    }
}

fn packed(size: usize) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&vec![0; size]).unwrap();
    let body = encoder.finish().unwrap();
    let mut out = format!(
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    out.extend(body);
    out
}
