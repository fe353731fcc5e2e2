//! File servers over SSH: the same exchanges as with a folder of this machine, carried by SFTP (version 3, as OpenSSH speaks it).
//!
//! Nothing above the base folder is touched and no link is followed, as far as this version lets a client see that: a file is
//! looked at before it is opened, and what was opened must have the size and date that were seen.

mod login;

use crate::SendErrorKind;
use crate::failed::{Failed, Left};
use crate::shelf::{self, MOST_NAMES, Shelf, escapes, nameless, parts, too_large, unfinished};
use hub_core::transport::{FileAnswer, FileRequest, FileWrite};
use login::Line;
pub(crate) use login::Server;
use russh_sftp::client::RawSftpSession;
use russh_sftp::client::error::Error;
use russh_sftp::protocol::{FileAttributes, OpenFlags, StatusCode};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Connections kept idle for one server, and for how long.
const IDLE: usize = 4;
const IDLE_FOR: Duration = Duration::from_secs(20);
/// Bytes asked for and written at once; every server takes as many.
const PIECE: usize = 32_768;
/// Kinds of files in the mode that servers tell.
const KIND: u32 = 0o170_000;
const FOLDER: u32 = 0o040_000;
const PLAIN: u32 = 0o100_000;
/// What a server calls the wish that a file be on its disk.
const FSYNC: &str = "fsync@openssh.com";

/// Idle connections of one worker. A connection that failed is never kept.
#[derive(Default)]
pub(crate) struct Servers {
    idle: Mutex<HashMap<Server, Vec<(Instant, Session)>>>,
}

impl Servers {
    fn idle(&self, server: &Server) -> Option<Session> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle.get_mut(server)?;
        kept.retain(|(since, session)| since.elapsed() < IDLE_FOR && !session.line.is_closed());
        kept.pop().map(|(_, session)| session)
    }

    fn keep(&self, server: Server, session: Session) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = idle.entry(server).or_default();
        if kept.len() < IDLE {
            kept.push((Instant::now(), session));
        }
    }

    /// One exchange. A kept connection that turns out to be dead before anything left is replaced, once.
    pub(crate) async fn exchange(
        &self,
        server: Server,
        request: &FileRequest,
        cap: usize,
        left: &Left,
    ) -> Result<FileAnswer, Failed> {
        if let Some(mut session) = self.idle(&server) {
            match shelf::exchange(&mut session, request, cap, left).await {
                Ok(answer) => {
                    self.keep(server, session);
                    return Ok(answer);
                }
                Err(failed) if left.is_set() || is_final(&failed) => return Err(failed),
                Err(_) => {}
            }
        }
        let mut session = Session::open(&server).await?;
        let answer = shelf::exchange(&mut session, request, cap, left).await?;
        self.keep(server, session);
        Ok(answer)
    }
}

/// Another connection would not change it.
fn is_final(failed: &Failed) -> bool {
    matches!(
        failed.0,
        SendErrorKind::TooLarge | SendErrorKind::Address | SendErrorKind::Denied { .. }
    )
}

/// A connection that is logged in, and the folder that stands for the agency's.
struct Session {
    line: Line,
    sftp: RawSftpSession,
    base: String,
    syncs: bool,
}

/// What is at a path, links not followed.
struct Seen {
    kind: u32,
    size: Option<u64>,
    changed: Option<u32>,
}

impl Seen {
    fn of(attributes: &FileAttributes) -> Self {
        Self {
            kind: attributes.permissions.unwrap_or_default() & KIND,
            size: attributes.size,
            changed: attributes.mtime,
        }
    }
}

impl Session {
    async fn open(server: &Server) -> Result<Self, Failed> {
        let (line, stream) = login::connect(server).await?;
        let sftp = RawSftpSession::new(stream);
        let version = sftp.init().await.map_err(|e| broken(&e))?;
        Ok(Self {
            line,
            base: server.base.clone(),
            syncs: version.extensions.contains_key(FSYNC),
            sftp,
        })
    }

    /// A path below the base, every folder on the way a folder and no link.
    async fn below(&self, path: &str) -> Result<String, Failed> {
        let mut place = self.base.clone();
        for part in parts(path)? {
            if self.seen(&place).await?.is_some_and(|seen| seen.kind != FOLDER) {
                return Err(escapes());
            }
            place = format!("{place}/{part}");
        }
        Ok(place)
    }

    async fn seen(&self, path: &str) -> Result<Option<Seen>, Failed> {
        match self.sftp.lstat(path).await {
            Ok(found) => Ok(Some(Seen::of(&found.attrs))),
            Err(error) if says(&error, StatusCode::NoSuchFile) => Ok(None),
            Err(error) => Err(broken(&error)),
        }
    }

    async fn list(&self, handle: &str) -> Result<Vec<String>, Failed> {
        let mut names = Vec::new();
        while names.len() < MOST_NAMES {
            match self.sftp.readdir(handle).await {
                Ok(some) => names.extend(some.files.into_iter().map(|file| file.filename)),
                Err(error) if says(&error, StatusCode::Eof) => break,
                Err(error) => return Err(broken(&error)),
            }
        }
        names.truncate(MOST_NAMES);
        Ok(names)
    }

    async fn content(&self, handle: &str, seen: &Seen, cap: usize) -> Result<Option<Vec<u8>>, Failed> {
        let opened = self.sftp.fstat(handle).await.map_err(|e| broken(&e))?;
        let opened = Seen::of(&opened.attrs);
        // Something else than what was looked at, perhaps by way of a link put in its place meanwhile.
        if (opened.kind, opened.size, opened.changed) != (PLAIN, seen.size, seen.changed) {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        loop {
            let at = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            let wanted = u32::try_from(PIECE).unwrap_or(u32::MAX);
            match self.sftp.read(handle, at, wanted).await {
                Ok(piece) if piece.data.is_empty() => return Ok(Some(bytes)),
                Ok(piece) => bytes.extend_from_slice(&piece.data),
                Err(error) if says(&error, StatusCode::Eof) => return Ok(Some(bytes)),
                Err(error) => return Err(broken(&error)),
            }
            if bytes.len() > cap {
                return Err(too_large());
            }
        }
    }

    /// Makes the folder of a path and those above it, down from the base.
    async fn make_folders(&self, path: &str) -> Result<(), Failed> {
        let mut place = self.base.clone();
        for part in parts(path)? {
            place = format!("{place}/{part}");
            if self.seen(&place).await?.is_none()
                && let Err(error) = self.sftp.mkdir(&*place, FileAttributes::empty()).await
                // Somebody else may have made it meanwhile.
                && self.seen(&place).await?.is_none()
            {
                return Err(broken(&error));
            }
        }
        Ok(())
    }

    async fn put(&self, path: &str, bytes: &[u8]) -> Result<(), Failed> {
        let flags = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::EXCLUDE;
        let opened = self.sftp.open(path, flags, FileAttributes::empty()).await;
        let handle = opened.map_err(|e| broken(&e))?.handle;
        let mut at = 0_u64;
        for piece in bytes.chunks(PIECE) {
            let written = self.sftp.write(&*handle, at, piece.to_vec()).await;
            written.map_err(|e| broken(&e))?;
            at += u64::try_from(piece.len()).unwrap_or(u64::MAX);
        }
        if self.syncs {
            self.sftp.fsync(&*handle).await.map_err(|e| broken(&e))?;
        }
        self.sftp.close(handle).await.map_err(|e| broken(&e)).map(drop)
    }
}

impl Shelf for Session {
    async fn names(&mut self, folder: &str) -> Result<Vec<String>, Failed> {
        let path = self.below(folder).await?;
        match self.seen(&path).await? {
            None => return Ok(Vec::new()),
            Some(seen) if seen.kind != FOLDER => return Err(escapes()),
            Some(_) => {}
        }
        let handle = self.sftp.opendir(path).await.map_err(|e| broken(&e))?.handle;
        let names = self.list(&handle).await;
        self.sftp.close(handle).await.map_err(|e| broken(&e))?;
        names
    }

    async fn read(&mut self, folder: &str, name: &str, cap: usize) -> Result<Option<Vec<u8>>, Failed> {
        let path = format!("{}/{name}", self.below(folder).await?);
        let Some(seen) = self.seen(&path).await?.filter(|seen| seen.kind == PLAIN) else {
            return Ok(None);
        };
        if seen
            .size
            .is_some_and(|size| usize::try_from(size).map_or(true, |size| size > cap))
        {
            return Err(too_large());
        }
        let opened = self.sftp.open(path, OpenFlags::READ, FileAttributes::empty()).await;
        let handle = match opened {
            Ok(opened) => opened.handle,
            Err(error) if says(&error, StatusCode::NoSuchFile) => return Ok(None),
            Err(error) => return Err(broken(&error)),
        };
        let content = self.content(&handle, &seen, cap).await;
        self.sftp.close(handle).await.map_err(|e| broken(&e))?;
        content
    }

    async fn write(&mut self, write: &FileWrite, left: &Left) -> Result<(), Failed> {
        let place = self.below(&write.path).await?;
        let (folder, name) = write.path.rsplit_once('/').unwrap_or(("", &write.path));
        if name.is_empty() {
            return Err(nameless());
        }
        self.make_folders(folder).await?;
        if self.seen(&place).await?.is_some() {
            // Written before: a repetition after a crash goes on with what is missing.
            left.set();
            return Ok(());
        }
        let part = format!("{}/{}", self.below(folder).await?, unfinished(name));
        match self.sftp.remove(&*part).await {
            Err(error) if !says(&error, StatusCode::NoSuchFile) => return Err(broken(&error)),
            _ => {}
        }
        self.put(&part, &write.bytes).await?;
        left.set();
        match self.sftp.rename(&*part, &*place).await {
            // This version never writes over a file: another hub with the same request was there first.
            Err(error) if self.seen(&place).await?.is_none() => Err(broken(&error)),
            _ => Ok(()),
        }
    }
}

fn says(error: &Error, code: StatusCode) -> bool {
    matches!(error, Error::Status(status) if status.status_code == code)
}

/// What a failure means. A server's words may hold paths, so that only codes are kept.
fn broken(error: &Error) -> Failed {
    match error {
        Error::Status(status) => {
            let words = format!("the file server says {:?}", status.status_code);
            (SendErrorKind::Broken, words)
        }
        Error::Timeout => (SendErrorKind::Timeout, "the file server did not answer".to_owned()),
        _ => (
            SendErrorKind::Unreachable,
            "the connection to the file server broke".to_owned(),
        ),
    }
}
