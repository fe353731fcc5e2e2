//! A wire between the store and the database that can be cut, or fall silent, at a chosen moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What the wire does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Wire {
    /// Carries everything.
    Whole,
    /// Carries what goes to the database; what comes back is lost and the line is cut.
    CutAnswer,
    /// Carries nothing more, and does not say so.
    Silent,
}

/// The wire.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    state: Arc<AtomicU8>,
    hang_up: watch::Sender<()>,
    listening: JoinHandle<()>,
}

impl Proxy {
    /// A wire to the database's own address, at a port of ours.
    pub(crate) async fn start(port: u16, database: String) -> Self {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(([127, 0, 0, 1], port).into()).unwrap();
        let listener: TcpListener = socket.listen(64).unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(AtomicU8::new(Wire::Whole as u8));
        let (hang_up, hung_up) = watch::channel(());
        let shared = Arc::clone(&state);
        let listening = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (state, mut hung_up, database) = (Arc::clone(&shared), hung_up.clone(), database.clone());
                tokio::spawn(async move {
                    let server = TcpStream::connect(database).await.unwrap();
                    tokio::select! {
                        () = carry(client, server, &state) => {}
                        _ = hung_up.changed() => {}
                    }
                });
            }
        });
        Self {
            port,
            state,
            hang_up,
            listening,
        }
    }

    pub(crate) fn set(&self, wire: Wire) {
        self.state.store(wire as u8, Ordering::SeqCst);
    }

    /// Cuts every line and refuses new ones.
    pub(crate) async fn stop(self) {
        self.listening.abort();
        let _ = self.listening.await; // then the port is free
        drop(self.hang_up);
    }
}

async fn carry(client: TcpStream, server: TcpStream, state: &AtomicU8) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let silent = || state.load(Ordering::SeqCst) == Wire::Silent as u8;
    let forth = async {
        let mut bytes = vec![0; 65536];
        while let Ok(n @ 1..) = from_client.read(&mut bytes).await {
            if !silent() && to_server.write_all(&bytes[..n]).await.is_err() {
                return;
            }
        }
    };
    let back = async {
        let mut bytes = vec![0; 65536];
        while let Ok(n @ 1..) = from_server.read(&mut bytes).await {
            if state.load(Ordering::SeqCst) == Wire::CutAnswer as u8 {
                return;
            }
            if !silent() && to_client.write_all(&bytes[..n]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = forth => {}
        () = back => {}
    }
}
