//! Two hub processes over one PostgreSQL behind a balancer, and their end at any moment.

use crate::relay::{self, Passed, Passing};
use crate::support::City;
use hub_server::wiring::Ready;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How long a balancer looks for a hub that takes a request.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where the two listen, and what came of requests on the way.
pub struct Balancer {
    hubs: [SocketAddr; 2],
    next: AtomicUsize,
    /// Requests that went to the other hub, for the first was not there or died over them.
    pub moved: AtomicUsize,
    /// Requests that may have arrived and were answered by nobody.
    pub lost: AtomicUsize,
}

impl Balancer {
    /// What balancers do: a request that was not sent goes to the other hub; one that may have arrived does so only if it can be
    /// repeated. A pushed request is good once, so an address that names one is not repeated.
    async fn answer(&self, request: Passing) -> Vec<u8> {
        let repeatable = request.method() == "GET" && !request.target().contains("request_uri=");
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let turn = self.next.fetch_add(1, Ordering::Relaxed);
            match relay::pass(self.hubs[turn % 2], &request).await {
                Passed::Answered(bytes) => return bytes,
                Passed::Broken if !repeatable => {
                    self.lost.fetch_add(1, Ordering::Relaxed);
                    return relay::gone();
                }
                Passed::Broken | Passed::NotSent => {
                    self.moved.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            }
        }
        relay::gone()
    }
}

/// The two.
pub struct Pair {
    /// Where they are reached together.
    pub base: String,
    pub balancer: Arc<Balancer>,
    city: City,
    folder: PathBuf,
    database: String,
    addresses: [SocketAddr; 2],
    hubs: [Option<Child>; 2],
}

impl Pair {
    /// Starts both.
    pub async fn start(city: City, folder: &Path, database: String) -> (Self, Ready) {
        // Free now; each finds its own again after every end.
        let taken = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let addresses = taken.each_ref().map(|l| l.local_addr().unwrap());
        drop(taken);
        let balancer = Arc::new(Balancer {
            hubs: addresses,
            next: AtomicUsize::new(0),
            moved: AtomicUsize::new(0),
            lost: AtomicUsize::new(0),
        });
        let way = Arc::clone(&balancer);
        let address = relay::listen(move |request| {
            let way = Arc::clone(&way);
            async move { way.answer(request).await }
        });
        let mut pair = Self {
            base: format!("http://{}", address.await),
            balancer,
            city,
            folder: folder.to_owned(),
            database,
            addresses,
            hubs: [None, None],
        };
        // One after the other: the first makes the tables and the keys.
        let mut ready = None;
        for which in [0, 1] {
            pair.spawn(which);
            ready = Some(pair.wait(which));
        }
        (pair, ready.unwrap())
    }

    fn data(&self, which: usize) -> PathBuf {
        self.folder.join(format!("hub-{which}"))
    }

    fn spawn(&mut self, which: usize) {
        let data = self.data(which);
        std::fs::create_dir_all(&data).unwrap();
        drop(std::fs::remove_file(data.join("ready.json")));
        let log = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(data.join("log"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_hub"));
        command
            .args(["serve", "--test-issuer", "--listen", &self.addresses[which].to_string()])
            .arg("--ready-file")
            .arg(data.join("ready.json"))
            .arg("--data-dir")
            .arg(data.join("data"))
            .env("HUB_LISTEN_ADMIN_ADDRESS", "127.0.0.1:0")
            .env("HUB_LISTEN_PUBLIC_URL", &self.base)
            .env("HUB_STORE_URL", &self.database)
            .env("HUB_MASTER_KEY", "0f".repeat(32));
        for name in ["specs", "connectors", "policies"] {
            command.arg(format!("--{name}")).arg(self.city.path(name));
        }
        let child = command.stdout(Stdio::null()).stderr(log.unwrap()).spawn();
        self.hubs[which] = Some(child.unwrap());
    }

    fn is_ready(&self, which: usize) -> Option<Ready> {
        let bytes = std::fs::read(self.data(which).join("ready.json")).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    fn wait(&self, which: usize) -> Ready {
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(120) {
            if let Some(ready) = self.is_ready(which) {
                return ready;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let log = std::fs::read_to_string(self.data(which).join("log")).unwrap_or_default();
        panic!("hub {which} did not start: {log}");
    }

    /// Kills one of the two after the other, one each second as long as the other answers, and starts it again at once, until it is
    /// told to stop; answers how many.
    pub fn kill_in_turn(&mut self, over: &dyn Fn(usize) -> bool) -> usize {
        let mut kills = 0;
        while !over(kills) {
            std::thread::sleep(Duration::from_secs(1));
            let which = kills % 2;
            self.wait(1 - which);
            end(&mut self.hubs[which]);
            self.spawn(which);
            kills += 1;
        }
        kills
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        self.hubs.iter_mut().for_each(end);
    }
}

/// SIGKILL: nothing is finished, nothing is said.
fn end(child: &mut Option<Child>) {
    if let Some(mut child) = child.take() {
        drop(child.kill());
        drop(child.wait());
    }
}
