//! One exchange with files, wherever they are: what is looked for, in which order, how much of it, and what is written when.
//! A folder of this machine and a file server differ in nothing but how they list, read and write.

use crate::SendErrorKind;
use crate::failed::{Failed, Left};
use hub_core::transport::{FileAnswer, FileFound, FileLook, FileRequest, FileWrite};
use std::collections::HashSet;
use std::time::Duration;
use tokio::time::sleep;

/// Names of one folder that are looked at.
pub(crate) const MOST_NAMES: usize = 100_000;
/// Largest marker.
const MARKER: usize = 4_096;

/// Where files are. No implementation touches anything above its base folder or follows a link.
pub(crate) trait Shelf {
    /// The names in a folder, at most [`MOST_NAMES`]; none if there is no such folder.
    async fn names(&mut self, folder: &str) -> Result<Vec<String>, Failed>;

    /// A plain file's content; `None` if there is none, or something that is no plain file.
    async fn read(&mut self, folder: &str, name: &str, cap: usize) -> Result<Option<Vec<u8>>, Failed>;

    /// Writes a file that shows its name when it is whole. One that is there already is left as it is.
    async fn write(&mut self, write: &FileWrite, left: &Left) -> Result<(), Failed>;
}

/// One exchange: what has come already is taken; else files are written and waited for. `cap`: bytes of all files together.
pub(crate) async fn exchange(
    shelf: &mut impl Shelf,
    request: &FileRequest,
    cap: usize,
    left: &Left,
) -> Result<FileAnswer, Failed> {
    let mut answer = looked(shelf, request, cap).await?;
    if !request.writes.is_empty() && answer.files.is_empty() {
        for write in &request.writes {
            shelf.write(write, left).await?;
        }
        answer = looked(shelf, request, cap).await?;
    }
    while answer.files.is_empty() && request.look.is_some() && request.every_ms > 0 {
        sleep(Duration::from_millis(request.every_ms)).await;
        answer = looked(shelf, request, cap).await?;
    }
    Ok(answer)
}

async fn looked(shelf: &mut impl Shelf, request: &FileRequest, cap: usize) -> Result<FileAnswer, Failed> {
    let mut answer = FileAnswer::default();
    let Some(look) = &request.look else {
        return Ok(answer);
    };
    let mut left = cap;
    for name in meant(&shelf.names(&look.folder).await?, look) {
        if answer.files.len() == look.most {
            break;
        }
        let marker = if look.marker.is_empty() {
            None
        } else {
            match shelf.read(&look.folder, &marker_of(&name, look), MARKER).await? {
                Some(marker) => Some(marker),
                None => continue,
            }
        };
        if let Some(bytes) = shelf.read(&look.folder, &name, left).await? {
            left = left.saturating_sub(bytes.len());
            answer.files.push(FileFound { name, bytes, marker });
        }
    }
    Ok(answer)
}

/// Those that are looked for, the last by name first. Without its marker in the same list a file is not there yet.
fn meant(names: &[String], look: &FileLook) -> Vec<String> {
    let there: HashSet<&str> = names.iter().map(String::as_str).collect();
    let whole = |name: &str| look.marker.is_empty() || there.contains(marker_of(name, look).as_str());
    let mut meant: Vec<String> = names
        .iter()
        .filter(|name| is_meant(name, look) && whole(name))
        .cloned()
        .collect();
    meant.sort_unstable_by(|a, b| b.cmp(a));
    meant
}

fn marker_of(name: &str, look: &FileLook) -> String {
    format!("{name}{}", look.marker)
}

fn is_meant(name: &str, look: &FileLook) -> bool {
    let marker = !look.marker.is_empty() && name.ends_with(&look.marker) && !look.suffix.ends_with(&look.marker);
    name.len() >= look.prefix.len() + look.suffix.len()
        && name.starts_with(&look.prefix)
        && name.ends_with(&look.suffix)
        && !marker
        && !name.starts_with('.')
        // What a server calls a name may be a path.
        && !name.contains(['/', '\\', '\0'])
}

/// The parts of a path below the base folder.
pub(crate) fn parts(path: &str) -> Result<Vec<&str>, Failed> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let odd = |part: &&str| *part == "." || *part == ".." || part.contains(['\\', '\0']);
    if path.starts_with('/') || parts.iter().any(odd) {
        return Err(escapes());
    }
    Ok(parts)
}

/// What a file is called while it is written.
pub(crate) fn unfinished(name: &str) -> String {
    format!(".{name}.part")
}

pub(crate) fn escapes() -> Failed {
    (SendErrorKind::Address, "a path that leaves the folder".to_owned())
}

pub(crate) fn nameless() -> Failed {
    (SendErrorKind::Address, "a path without a name".to_owned())
}

pub(crate) fn too_large() -> Failed {
    (SendErrorKind::TooLarge, "a file is too large".to_owned())
}
