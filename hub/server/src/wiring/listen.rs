//! The listeners: taken before anything is built, so that the addresses are known, and served once everything is.

use crate::config::Listen;
use crate::hub::Worker;
use crate::routes::{Door, configure};
use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer};
use hub_gateway::LiveUpstream;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

/// How long an idle connection is kept.
const KEEP_ALIVE: Duration = Duration::from_secs(60);
/// How long a request's head may take.
const HEAD: Duration = Duration::from_secs(10);
/// Connections that wait to be accepted.
const BACKLOG: i32 = 2048;

/// The hub's two listeners.
pub struct Listeners {
    public: TcpListener,
    admin: TcpListener,
    /// Public address as clients write it.
    pub base: String,
    /// Operators' address.
    pub admin_base: String,
}

impl Listeners {
    /// Takes the addresses.
    ///
    /// # Errors
    /// In words, with the address that is taken.
    pub fn bind(listen: &Listen) -> Result<Self, String> {
        let public = bind(listen.address)?;
        let admin = bind(listen.admin_address)?;
        let at = |listener: &TcpListener| listener.local_addr().map_err(|e| e.to_string());
        let base = match &listen.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => spoken(at(&public)?),
        };
        Ok(Self {
            base,
            admin_base: spoken(at(&admin)?),
            public,
            admin,
        })
    }
}

fn bind(address: SocketAddr) -> Result<TcpListener, String> {
    let socket = if address.is_ipv4() {
        tokio::net::TcpSocket::new_v4()
    } else {
        tokio::net::TcpSocket::new_v6()
    };
    let bound = socket.and_then(|s| {
        // A restart must not wait until the kernel has forgotten the connections of the last run.
        s.set_reuseaddr(true)?;
        s.bind(address)?;
        s.listen(u32::try_from(BACKLOG).unwrap_or(1024))?.into_std()
    });
    bound.map_err(|e| format!("{address}: {e}"))
}

/// An address as a person types it: an unspecified host is this machine.
fn spoken(address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        format!("http://127.0.0.1:{}", address.port())
    } else {
        format!("http://{address}")
    }
}

/// What is being served.
pub struct Served {
    public: ServerHandle,
    admin: ServerHandle,
    city: Option<ServerHandle>,
}

impl Served {
    /// Shuts the doors; answers under way are finished.
    pub async fn stop_doors(&self) {
        self.public.stop(true).await;
        self.admin.stop(true).await;
    }

    /// Stops the simulated city, last, because deliveries still go there.
    pub async fn stop_city(&self) {
        if let Some(city) = &self.city {
            city.stop(true).await;
        }
    }
}

/// Serves both doors. Every thread gets its own connections to the upstreams.
///
/// # Errors
/// If a listener cannot be served.
pub fn serve(
    listeners: Listeners,
    worker: &Worker,
    live: &Arc<LiveUpstream>,
    city: Option<ServerHandle>,
) -> std::io::Result<Served> {
    let workers = threads(worker.hub.config.listen.workers);
    let public = start(Door::Public, listeners.public, worker, live, workers)?;
    let admin = start(Door::Admin, listeners.admin, worker, live, 1)?;
    Ok(Served { public, admin, city })
}

/// How many threads answer. More than processors would take turns of some milliseconds on one, and calls would wait for them.
fn threads(configured: u64) -> usize {
    let processors = || std::thread::available_parallelism().map_or(1, usize::from);
    match usize::try_from(configured) {
        Ok(0) | Err(_) => processors(),
        Ok(given) => given,
    }
}

fn start(
    door: Door,
    listener: TcpListener,
    worker: &Worker,
    live: &Arc<LiveUpstream>,
    workers: usize,
) -> std::io::Result<ServerHandle> {
    let (shared, live) = (worker.clone(), Arc::clone(live));
    let shutdown = worker.hub.config.listen.shutdown_seconds;
    let server = HttpServer::new(move || {
        let own = own(&shared, &live);
        App::new().configure(move |app| configure(door, &own, app))
    });
    let server = server
        .workers(workers)
        .keep_alive(KEEP_ALIVE)
        // A client that hangs up is gone: the trail says so, and nobody computes for it what need not be.
        .h1_allow_half_closed(false)
        .client_request_timeout(HEAD)
        .shutdown_timeout(shutdown)
        .disable_signals()
        .listen(listener)?
        .run();
    let handle = server.handle();
    tokio::spawn(server);
    Ok(handle)
}

/// A thread's own hub: shared state, own connections.
fn own(shared: &Worker, live: &LiveUpstream) -> Worker {
    match live.for_worker() {
        Ok(own) => Worker {
            hub: Arc::clone(&shared.hub),
            gateway: shared.gateway.for_worker(Arc::new(own)),
        },
        Err(error) => {
            tracing::warn!(%error, "this thread shares the connections of the others");
            shared.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::threads;

    #[test]
    fn nobody_who_says_nothing_gets_more_threads_than_processors() {
        let processors = std::thread::available_parallelism().unwrap().get();
        assert_eq!(threads(0), processors);
        assert_eq!(threads(3), 3);
    }
}
