//! Drop folders. Nothing above the folder is ever touched, no link is followed, a file shows its name when it is whole.

use crate::SendErrorKind;
use crate::failed::{Failed, Left};
use crate::shelf::{MOST_NAMES, Shelf, escapes, nameless, parts, too_large, unfinished};
use hub_core::transport::FileWrite;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A folder that stands for a file server.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    base: PathBuf,
}

impl Folder {
    pub(crate) fn at(base: PathBuf) -> Self {
        Self { base }
    }

    /// A path below the base, every folder on the way a folder and no link.
    fn below(&self, path: &str) -> Result<PathBuf, Failed> {
        let mut place = self.base.clone();
        for part in parts(path)? {
            if fs::symlink_metadata(&place).is_ok_and(|m| !m.is_dir() || m.file_type().is_symlink()) {
                return Err(escapes());
            }
            place.push(part);
        }
        Ok(place)
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, Failed> {
        match fs::read_dir(self.below(folder)?) {
            Ok(entries) => Ok(entries
                .take(MOST_NAMES)
                .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
                .collect()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(broken(&error)),
        }
    }

    fn put(&self, write: &FileWrite, left: &Left) -> Result<(), Failed> {
        let place = self.below(&write.path)?;
        let (Some(folder), Some(name)) = (place.parent(), place.file_name().and_then(|n| n.to_str())) else {
            return Err(nameless());
        };
        fs::create_dir_all(folder).map_err(|e| broken(&e))?;
        if fs::symlink_metadata(&place).is_ok() {
            // Written before: a repetition after a crash goes on with what is missing.
            left.set();
            return Ok(());
        }
        let part = folder.join(unfinished(name));
        drop(fs::remove_file(&part));
        let written = File::create_new(&part).and_then(|mut file| {
            file.write_all(&write.bytes)?;
            file.sync_all()
        });
        written.map_err(|e| broken(&e))?;
        left.set();
        fs::rename(&part, &place).map_err(|e| broken(&e))
    }
}

impl Shelf for Folder {
    async fn names(&mut self, folder: &str) -> Result<Vec<String>, Failed> {
        let (this, folder) = (self.clone(), folder.to_owned());
        blocking(move || this.list(&folder)).await
    }

    async fn read(&mut self, folder: &str, name: &str, cap: usize) -> Result<Option<Vec<u8>>, Failed> {
        let (this, folder, name) = (self.clone(), folder.to_owned(), name.to_owned());
        blocking(move || content(&this.below(&folder)?.join(name), cap)).await
    }

    async fn write(&mut self, write: &FileWrite, left: &Left) -> Result<(), Failed> {
        let (this, write, left) = (self.clone(), write.clone(), left.clone());
        blocking(move || this.put(&write, &left)).await
    }
}

/// A plain file's content; `None` if there is none, or something that is no plain file.
fn content(path: &Path, cap: usize) -> Result<Option<Vec<u8>>, Failed> {
    let seen = match fs::symlink_metadata(path) {
        Ok(seen) if seen.is_file() => seen,
        _ => return Ok(None),
    };
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(broken(&error)),
    };
    // The file that was opened is the one that was looked at, not a link put in its place meanwhile.
    let opened = file.metadata().map_err(|e| broken(&e))?;
    if (seen.dev(), seen.ino()) != (opened.dev(), opened.ino()) {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    let limit = u64::try_from(cap).unwrap_or(u64::MAX).saturating_add(1);
    file.take(limit).read_to_end(&mut bytes).map_err(|e| broken(&e))?;
    if bytes.len() > cap {
        return Err(too_large());
    }
    Ok(Some(bytes))
}

fn broken(error: &io::Error) -> Failed {
    (
        SendErrorKind::Broken,
        format!("the folder cannot be used: {}", error.kind()),
    )
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Failed> + Send + 'static) -> Result<T, Failed> {
    let gone = |_| (SendErrorKind::Broken, "the work on the folder broke off".to_owned());
    tokio::task::spawn_blocking(work).await.map_err(gone)?
}
