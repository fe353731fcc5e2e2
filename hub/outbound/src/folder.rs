//! Drop folders. Nothing above the folder is ever touched, no link is followed, a file shows its name when it is whole.

use crate::SendErrorKind;
use crate::failed::{Failed, Left};
use hub_core::transport::{FileAnswer, FileFound, FileLook, FileRequest, FileWrite};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::sleep;

/// Names of one folder that are looked at.
const MOST_NAMES: usize = 100_000;
/// Largest file, unless set otherwise.
const LARGEST: usize = 16 << 20;

/// A folder that stands for a file server.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    base: PathBuf,
    cap: usize,
}

impl Folder {
    pub(crate) fn at(base: PathBuf) -> Self {
        Self { base, cap: LARGEST }
    }

    pub(crate) fn capped(mut self, cap: usize) -> Self {
        self.cap = cap;
        self
    }

    /// One exchange: what has come already is taken; else files are written and waited for.
    pub(crate) async fn exchange(self, request: FileRequest, left: Left) -> Result<FileAnswer, Failed> {
        let mut answer = self.looked(request.look.clone()).await?;
        if !request.writes.is_empty() && answer.files.is_empty() {
            let (folder, writes) = (self.clone(), request.writes);
            let written = move || writes.iter().try_for_each(|write| folder.write(write, &left));
            blocking(written).await?;
            answer = self.looked(request.look.clone()).await?;
        }
        while answer.files.is_empty() && request.look.is_some() && request.every_ms > 0 {
            sleep(Duration::from_millis(request.every_ms)).await;
            answer = self.looked(request.look.clone()).await?;
        }
        Ok(answer)
    }

    async fn looked(&self, look: Option<FileLook>) -> Result<FileAnswer, Failed> {
        let Some(look) = look else {
            return Ok(FileAnswer::default());
        };
        let folder = self.clone();
        blocking(move || folder.look(&look)).await
    }

    /// A path below the base, every folder on the way a folder and no link.
    fn below(&self, path: &str) -> Result<PathBuf, Failed> {
        let escapes = || (SendErrorKind::Address, "a path that leaves the folder".to_owned());
        let mut place = self.base.clone();
        for part in path.split('/').filter(|p| !p.is_empty()) {
            if part == "." || part == ".." || part.contains(['\\', '\0']) {
                return Err(escapes());
            }
            if fs::symlink_metadata(&place).is_ok_and(|m| !m.is_dir() || m.file_type().is_symlink()) {
                return Err(escapes());
            }
            place.push(part);
        }
        if path.starts_with('/') {
            return Err(escapes());
        }
        Ok(place)
    }

    fn look(&self, look: &FileLook) -> Result<FileAnswer, Failed> {
        let folder = self.below(&look.folder)?;
        let mut names = match fs::read_dir(&folder) {
            Ok(entries) => entries
                .take(MOST_NAMES)
                .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
                .filter(|name| is_meant(name, look))
                .collect::<Vec<_>>(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(broken(&error)),
        };
        names.sort_unstable_by(|a, b| b.cmp(a));
        let mut answer = FileAnswer::default();
        let mut left = self.cap;
        for name in names {
            if answer.files.len() == look.most {
                break;
            }
            let marker = if look.marker.is_empty() {
                None
            } else {
                match read(&folder.join(format!("{name}{}", look.marker)), 4_096)? {
                    Some(marker) => Some(marker),
                    None => continue,
                }
            };
            if let Some(bytes) = read(&folder.join(&name), left)? {
                left = left.saturating_sub(bytes.len());
                answer.files.push(FileFound { name, bytes, marker });
            }
        }
        Ok(answer)
    }

    fn write(&self, write: &FileWrite, left: &Left) -> Result<(), Failed> {
        let place = self.below(&write.path)?;
        let (Some(folder), Some(name)) = (place.parent(), place.file_name().and_then(|n| n.to_str())) else {
            return Err((SendErrorKind::Address, "a path without a name".to_owned()));
        };
        fs::create_dir_all(folder).map_err(|e| broken(&e))?;
        if fs::symlink_metadata(&place).is_ok() {
            // Written before: a repetition after a crash goes on with what is missing.
            left.set();
            return Ok(());
        }
        let part = folder.join(format!(".{name}.part"));
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

fn is_meant(name: &str, look: &FileLook) -> bool {
    let marker = !look.marker.is_empty() && name.ends_with(&look.marker) && !look.suffix.ends_with(&look.marker);
    name.len() >= look.prefix.len() + look.suffix.len()
        && name.starts_with(&look.prefix)
        && name.ends_with(&look.suffix)
        && !marker
        && !name.starts_with('.')
}

/// A plain file's content; `None` if there is none, or something that is no plain file.
fn read(path: &Path, cap: usize) -> Result<Option<Vec<u8>>, Failed> {
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
        return Err((SendErrorKind::TooLarge, "a file is too large".to_owned()));
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
