//! An upstream that counts: what arrived when, and how many were there at once.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What it does with a request line: status and body.
type Answer = dyn Fn(&str) -> (u16, String) + Send + Sync;

/// What it saw.
#[derive(Default)]
pub struct Seen {
    /// Request lines and when they came.
    pub lines: Mutex<Vec<(Instant, String)>>,
    inside: AtomicUsize,
    /// Most at the same time.
    pub most: AtomicUsize,
}

/// Starts one that takes so long for an answer; its address and what it sees.
pub fn start(pause: Duration, answer: impl Fn(&str) -> (u16, String) + Send + Sync + 'static) -> (String, Arc<Seen>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (seen, answer): (Arc<Seen>, Arc<Answer>) = (Arc::default(), Arc::new(answer));
    std::thread::spawn({
        let seen = seen.clone();
        move || {
            for stream in listener.incoming().flatten() {
                let (seen, answer) = (seen.clone(), answer.clone());
                std::thread::spawn(move || talk(stream, pause, &seen, &*answer));
            }
        }
    });
    (address, seen)
}

fn talk(mut stream: TcpStream, pause: Duration, seen: &Seen, answer: &Answer) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
        let came = Instant::now();
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).ok().filter(|n| *n > 0)?;
            if header.trim().is_empty() {
                break;
            }
        }
        let inside = seen.inside.fetch_add(1, Ordering::SeqCst) + 1;
        seen.most.fetch_max(inside, Ordering::SeqCst);
        let line = line.trim().trim_end_matches(" HTTP/1.1").to_owned();
        seen.lines.lock().unwrap().push((came, line.clone()));
        std::thread::sleep(pause);
        let (status, body) = answer(&line);
        seen.inside.fetch_sub(1, Ordering::SeqCst);
        let head = format!(
            "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all((head + &body).as_bytes()).ok()?;
    }
}
