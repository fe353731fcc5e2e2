//! The log of the sandbox's calls: noted on the way of a call, written down behind it in batches.
//!
//! Invariants: a call never waits for the log; what is lost with a crash is what was noted in the last second; no key and
//! no token is in it.

use hub_core::Problem;
use hub_core::time::Timestamp;
use hub_crypto::{Digest, ct_eq, hex, hmac, random};
use hub_store::{CallRow, Store, StoreError, WantedCalls};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// Days a line is kept.
const KEPT_DAYS: i64 = 30;
/// Lines that may wait; beyond that they are counted and let go.
const WAITING: usize = 50_000;
/// Bytes that may wait, likewise.
const WAITING_BYTES: usize = 64 << 20;
/// Lines written in one commit.
const BATCH: usize = 500;
/// Between two times of writing.
const EVERY: Duration = Duration::from_millis(250);
/// Secret behind the tokens of links.
const LINKS: &str = "sandbox.log.links";

/// The log.
pub struct CallLog {
    store: Store,
    waiting: Mutex<Waiting>,
    /// Stamp of the last line: the next one's is later.
    last: AtomicI64,
    lost: AtomicU64,
    written: watch::Sender<u64>,
    writing: tokio::sync::Mutex<()>,
    links: Vec<u8>,
}

/// Lines that are not written yet, and the bytes of what they say.
#[derive(Default)]
struct Waiting {
    lines: Vec<CallRow>,
    bytes: usize,
}

impl CallLog {
    /// Over a store.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn open(store: Store) -> Result<Self, StoreError> {
        let fresh = random::<32>().map_err(|e| StoreError::Unavailable(e.to_string()))?;
        Ok(Self {
            links: store.secrets().get_or_keep(LINKS, &fresh).await?,
            store,
            waiting: Mutex::default(),
            last: AtomicI64::new(0),
            lost: AtomicU64::new(0),
            written: watch::Sender::new(0),
            writing: tokio::sync::Mutex::new(()),
        })
    }

    /// Notes a call. Its time is made one of its own.
    pub fn note(&self, mut line: CallRow) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.lines.len() >= WAITING || waiting.bytes >= WAITING_BYTES {
            self.lost.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let at = line.at.as_microsecond().max(self.last.load(Ordering::Relaxed) + 1);
        self.last.store(at, Ordering::Relaxed);
        line.at = Timestamp::from_microsecond(at).unwrap_or(line.at);
        self.store
            .node()
            .get(5..13)
            .unwrap_or_default()
            .clone_into(&mut line.node);
        waiting.bytes += line.body.len();
        waiting.lines.push(line);
    }

    /// Lines that were let go because too many waited.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Writes down what waits.
    ///
    /// # Errors
    /// If the store does not answer; the lines wait on.
    pub async fn flush(&self) -> Result<(), StoreError> {
        let _held = self.writing.lock().await;
        loop {
            let batch: Vec<CallRow> = {
                let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
                waiting.lines.iter().take(BATCH).cloned().collect()
            };
            if batch.is_empty() {
                return Ok(());
            }
            // They leave the queue only once they are on disk: writing one twice changes nothing.
            match self.store.calls().keep(&batch).await {
                Ok(()) => {}
                Err(error @ StoreError::Unfit(_)) => {
                    tracing::warn!(%error, "lines of the log of calls cannot be stored");
                    self.lost.fetch_add(batch.len() as u64, Ordering::Relaxed);
                }
                Err(error) => return Err(error),
            }
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            let written = batch.len().min(waiting.lines.len());
            let freed: usize = waiting.lines.drain(..written).map(|line| line.body.len()).sum();
            waiting.bytes = waiting.bytes.saturating_sub(freed);
            drop(waiting);
            self.written.send_modify(|n| *n += 1);
        }
    }

    /// Writes down again and again.
    pub async fn run(self: Arc<Self>) {
        let mut every = tokio::time::interval(EVERY);
        every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            every.tick().await;
            if let Err(error) = self.flush().await {
                tracing::warn!(%error, "the log of calls could not be written");
            }
        }
    }

    /// Hears of lines that were written from now on.
    #[must_use]
    pub fn listen(&self) -> watch::Receiver<u64> {
        self.written.subscribe()
    }

    /// The calls of a client.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn of_client(&self, wanted: &WantedCalls) -> Result<Vec<CallRow>, Problem> {
        self.store.calls().of_client(wanted).await.map_err(super::stored)
    }

    /// The calls of a client after one, oldest first.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn newer(&self, client: &str, after: (Timestamp, &str), most: u32) -> Result<Vec<CallRow>, Problem> {
        self.store
            .calls()
            .newer(client, after, most)
            .await
            .map_err(super::stored)
    }

    /// The calls with a request id; what waits is written down first.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn with_request_id(&self, request_id: &str, most: u32) -> Result<Vec<CallRow>, Problem> {
        self.flush().await.map_err(super::stored)?;
        self.store
            .calls()
            .with_request_id(request_id, most)
            .await
            .map_err(super::stored)
    }

    /// What in a link proves that its line may be seen.
    #[must_use]
    pub fn proof(&self, line: &CallRow) -> String {
        let name = format!("{} {} {}", line.at.as_microsecond(), line.node, line.request_id);
        let mut proof = hex(&hmac(Digest::Sha256, &self.links, name.as_bytes()));
        proof.truncate(32);
        proof
    }

    /// Whether a proof is that of a line.
    #[must_use]
    pub fn proves(&self, line: &CallRow, proof: &str) -> bool {
        ct_eq(self.proof(line).as_bytes(), proof.as_bytes())
    }

    /// Forgets what is too old.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn upkeep(&self, now: Timestamp) -> Result<(), StoreError> {
        let Ok(before) = now.checked_sub(jiff::SignedDuration::from_hours(24 * KEPT_DAYS)) else {
            return Ok(());
        };
        while self.store.calls().forget_before(before).await? > 0 {}
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_waits_is_bounded_in_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), None).await.unwrap();
        let log = CallLog::open(store).await.unwrap();
        let line = || CallRow {
            at: Timestamp::now(),
            node: String::new(),
            request_id: "r".to_owned(),
            client: String::new(),
            world: "default".to_owned(),
            operation: String::new(),
            method: "POST".to_owned(),
            status: 200,
            code: String::new(),
            scenario: "ok".to_owned(),
            took_us: 1,
            replay_of: None,
            body: "x".repeat(16 << 20),
        };
        (0..6).for_each(|_| log.note(line()));
        assert_eq!(log.lost(), 2, "64 MiB wait, the others are let go");
        log.flush().await.unwrap();
        log.note(line());
        assert_eq!(log.lost(), 2, "what is written makes room");
    }
}
