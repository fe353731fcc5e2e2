//! The writer of the journal. Who finds it free writes a record there and then; otherwise one thread writes what has queued
//! up, and one syncs.
//!
//! A record counts as written when the operating system has it, which survives the death of this process; a durable
//! record waits until it is on disk. Whatever has queued up meanwhile goes out in one write and one sync.

use super::chain::{Link, read};
use hub_core::ports::{BoxFuture, TrailError, TrailRecord, TrailSink};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use tokio::sync::{mpsc, oneshot};

/// How a journal is kept.
#[derive(Debug, Clone, Copy)]
pub struct JournalSettings {
    /// Bytes after which a new file is begun.
    pub rotate_bytes: u64,
    /// Records that may wait to be written before callers wait too.
    pub queue: usize,
}

impl Default for JournalSettings {
    fn default() -> Self {
        Self {
            rotate_bytes: 256 * 1024 * 1024,
            queue: 16 * 1024,
        }
    }
}

/// The journal cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The folder or a file cannot be used.
    #[error("the trail in {} cannot be opened: {error}", folder.display())]
    Io {
        /// Folder.
        folder: PathBuf,
        /// Reason.
        error: io::Error,
    },
    /// The last whole line is not what was written. Nothing is appended to a forged journal.
    #[error("the trail in {} is damaged at its end: {reason}", file.display())]
    Damaged {
        /// File.
        file: PathBuf,
        /// Reason.
        reason: &'static str,
    },
}

/// Bytes that a record may have, and more than any has.
const ROOM: u64 = 256 * 1024;

type Done = oneshot::Sender<Result<(), TrailError>>;

struct Entry {
    record: TrailRecord,
    durable: bool,
    done: Done,
}

/// The open journal.
pub struct Journal {
    writer: Arc<Mutex<Writer>>,
    entries: Mutex<Option<mpsc::Sender<Entry>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Journal {
    /// Opens the journal in a folder, creating it, and cuts off a line that a crash left half-written.
    ///
    /// # Errors
    /// Where the folder cannot be used or its last line was tampered with.
    pub fn open(folder: &Path, settings: JournalSettings) -> Result<Self, JournalError> {
        let io = |error| JournalError::Io {
            folder: folder.to_owned(),
            error,
        };
        std::fs::create_dir_all(folder).map_err(io)?;
        let writer = Writer::open(folder, settings.rotate_bytes).map_err(|error| match error {
            OpenError::Io(error) => io(error),
            OpenError::Damaged(file, reason) => JournalError::Damaged { file, reason },
        })?;
        let writer = Arc::new(Mutex::new(writer));
        let (entries, queue) = mpsc::channel(settings.queue);
        let shared = Arc::clone(&writer);
        let (syncs, to_sync) = std::sync::mpsc::channel();
        let write = std::thread::Builder::new()
            .name("trail-write".into())
            .spawn(move || run_writes(&shared, queue, &syncs))
            .map_err(io)?;
        let sync = std::thread::Builder::new()
            .name("trail-sync".into())
            .spawn(move || run_syncs(&to_sync))
            .map_err(io)?;
        Ok(Self {
            writer,
            entries: Mutex::new(Some(entries)),
            threads: Mutex::new(vec![write, sync]),
        })
    }

    /// Writes what is queued and stops. Later records are refused. Blocks until the threads have ended.
    pub fn close(&self) {
        if let Ok(mut entries) = self.entries.lock() {
            entries.take();
        }
        let threads = self.threads.lock().map(|mut t| std::mem::take(&mut *t));
        for thread in threads.unwrap_or_default() {
            if thread.join().is_err() {
                tracing::error!("a trail thread ended in a panic");
            }
        }
    }

    fn sender(&self) -> Option<mpsc::Sender<Entry>> {
        self.entries.lock().ok()?.clone()
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.close();
    }
}

impl TrailSink for Journal {
    fn write(&self, record: TrailRecord, durable: bool) -> BoxFuture<'_, Result<(), TrailError>> {
        Box::pin(async move {
            let closed = || TrailError("the journal is closed".into());
            let sender = self.sender().ok_or_else(closed)?;
            // Handing a record over and waiting costs more than writing it.
            if !durable
                && let Ok(mut writer) = self.writer.try_lock()
                && writer.has_room()
            {
                return writer.one(&record);
            }
            let (done, written) = oneshot::channel();
            let entry = Entry { record, durable, done };
            sender.send(entry).await.map_err(|_| closed())?;
            written.await.map_err(|_| closed())?
        })
    }
}

/// Files of a journal, oldest first.
pub(super) fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        if name.starts_with("trail-") && name.ends_with(".jsonl") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

enum OpenError {
    Io(io::Error),
    Damaged(PathBuf, &'static str),
}

impl From<io::Error> for OpenError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

struct Writer {
    folder: PathBuf,
    rotate_bytes: u64,
    number: u32,
    file: File,
    bytes: u64,
    link: Link,
}

impl Writer {
    fn open(folder: &Path, rotate_bytes: u64) -> Result<Self, OpenError> {
        let files = files(folder)?;
        let number = files.last().and_then(|f| number(f)).unwrap_or(1);
        let mut link = None;
        for path in files.iter().rev() {
            link = repair(path)?;
            if link.is_some() {
                break;
            }
        }
        let path = files.last().cloned().unwrap_or_else(|| name(folder, number));
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        Ok(Self {
            folder: folder.to_owned(),
            rotate_bytes,
            number,
            bytes: file.metadata()?.len(),
            file,
            link: link.unwrap_or_else(Link::genesis),
        })
    }

    /// Whether a record can be written without beginning a new file, which takes time.
    fn has_room(&self) -> bool {
        self.bytes + ROOM <= self.rotate_bytes
    }

    /// Writes a record that need not be on disk.
    fn one(&mut self, record: &TrailRecord) -> Result<(), TrailError> {
        let before = self.link.clone();
        let mut out = Vec::with_capacity(1024);
        self.append(record, &mut out);
        let written = self.write(&out).map_err(|e| TrailError(e.to_string()));
        if written.is_err() {
            self.link = before;
        }
        written
    }

    fn append(&mut self, record: &TrailRecord, out: &mut Vec<u8>) {
        // Serialising a record of strings and numbers cannot fail; a gap would break the chain's numbers anyway.
        self.link
            .append(&serde_json::to_string(record).unwrap_or_default(), out);
    }

    /// Writes a batch at once; answers what need not be on disk and passes the rest on to be synced.
    fn commit(&mut self, batch: &mut Vec<Entry>, syncs: &std::sync::mpsc::Sender<(File, Vec<Done>)>) {
        let before = self.link.clone();
        let mut out = Vec::with_capacity(batch.len() * 512);
        for entry in batch.iter() {
            self.append(&entry.record, &mut out);
        }
        let failure = self.write(&out).err().map(|e| TrailError(e.to_string()));
        if failure.is_some() {
            self.link = before;
        }
        let mut waiting = Vec::new();
        for entry in batch.drain(..) {
            if entry.durable && failure.is_none() {
                waiting.push(entry.done);
            } else {
                let _gone = entry.done.send(failure.clone().map_or(Ok(()), Err));
            }
        }
        if waiting.is_empty() {
            return;
        }
        match self.file.try_clone() {
            // Dropping the senders on a stopped thread tells the callers.
            Ok(file) => drop(syncs.send((file, waiting))),
            Err(error) => waiting.into_iter().for_each(|done| {
                let _gone = done.send(Err(TrailError(error.to_string())));
            }),
        }
    }

    /// Appends bytes, beginning a new file first where this one is full. Half a write is taken back.
    fn write(&mut self, out: &[u8]) -> io::Result<()> {
        if self.bytes > 0 && self.bytes + out.len() as u64 > self.rotate_bytes {
            self.file.sync_data()?;
            self.number += 1;
            let path = name(&self.folder, self.number);
            self.file = OpenOptions::new().create_new(true).append(true).open(path)?;
            self.bytes = 0;
        }
        if let Err(error) = self.file.write_all(out) {
            self.file.set_len(self.bytes)?;
            return Err(error);
        }
        self.bytes += out.len() as u64;
        Ok(())
    }
}

/// Number of a file; older ones may have been archived elsewhere.
fn number(file: &Path) -> Option<u32> {
    file.file_stem()?.to_str()?.strip_prefix("trail-")?.parse().ok()
}

fn name(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("trail-{number:06}.jsonl"))
}

/// Writes at once all that has queued up.
fn run_writes(
    writer: &Mutex<Writer>,
    mut queue: mpsc::Receiver<Entry>,
    syncs: &std::sync::mpsc::Sender<(File, Vec<Done>)>,
) {
    let mut batch = Vec::new();
    while let Some(first) = queue.blocking_recv() {
        batch.push(first);
        let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
        while let Ok(next) = queue.try_recv() {
            batch.push(next);
        }
        writer.commit(&mut batch, syncs);
    }
}

/// Syncs once for all that has queued up.
fn run_syncs(queue: &std::sync::mpsc::Receiver<(File, Vec<Done>)>) {
    while let Ok((mut file, mut waiting)) = queue.recv() {
        while let Ok((newer, more)) = queue.try_recv() {
            // A rotation lies between only after the older file was synced.
            file = newer;
            waiting.extend(more);
        }
        let result = file.sync_data().map_err(|e| TrailError(e.to_string()));
        for done in waiting {
            let _gone = done.send(result.clone());
        }
    }
}

/// Cuts a half-written line off the end of a file and returns where its chain stands; `None` for an empty file.
fn repair(path: &Path) -> Result<Option<Link>, OpenError> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let length = file.metadata()?.len();
    let tail = read_tail(&mut file, length)?;
    let whole = tail.iter().rposition(|b| *b == b'\n').map_or(0, |p| p + 1);
    let torn = tail.len() - whole;
    if torn > 0 {
        tracing::warn!(file = %path.display(), bytes = torn, "cut a half-written line off the trail");
        file.set_len(length - torn as u64)?;
        file.sync_data()?;
    }
    let Some(lines) = whole.checked_sub(1).and_then(|end| tail.get(..end)) else {
        return Ok(None);
    };
    let last = lines.rsplit(|b| *b == b'\n').next().unwrap_or_default();
    let line = read(last).map_err(|reason| OpenError::Damaged(path.to_owned(), reason))?;
    Ok(Some(Link {
        n: line.n,
        hash: line.hash,
    }))
}

/// The end of a file, large enough to hold its last whole line and a torn one.
fn read_tail(file: &mut File, length: u64) -> io::Result<Vec<u8>> {
    let mut window = 64 * 1024;
    loop {
        let start = length.saturating_sub(window);
        file.seek(SeekFrom::Start(start))?;
        let mut tail = Vec::new();
        file.read_to_end(&mut tail)?;
        let feeds = tail.iter().filter(|b| **b == b'\n').count();
        if feeds >= 2 || start == 0 {
            return Ok(tail);
        }
        window *= 4;
    }
}
