//! `hub audit verify`: is every line of the journal as it was written, and is none missing.

use super::chain::Link;
use super::journal::files;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// What was checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Files read, oldest first.
    pub files: usize,
    /// Number of the first line; more than 1 where older files were archived.
    pub from: u64,
    /// Lines checked.
    pub lines: u64,
    /// Hash of the last line; all zeros for an empty journal. Keep it elsewhere to notice a cut-off end.
    pub head: String,
}

/// Where the chain is broken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}:{line}: {reason}", file.display())]
pub struct Break {
    /// File.
    pub file: PathBuf,
    /// Line, from 1; 0 where the file itself cannot be read.
    pub line: u64,
    /// Why.
    pub reason: String,
}

/// Checks the whole journal in a folder.
///
/// # Errors
/// The first place where the chain is broken.
pub fn verify(folder: &Path) -> Result<Report, Break> {
    let at = |file: &Path, line, reason: &dyn ToString| Break {
        file: file.to_owned(),
        line,
        reason: reason.to_string(),
    };
    let files = files(folder).map_err(|e| at(folder, 0, &e))?;
    let mut link = None;
    let mut from = 1;
    for file in &files {
        let reader = BufReader::new(File::open(file).map_err(|e| at(file, 0, &e))?);
        for (number, line) in (1..).zip(reader.split(b'\n')) {
            let line = line.map_err(|e| at(file, number, &e))?;
            let followed = match &mut link {
                Some(link) => Link::follow(link, &line),
                None => Link::before(&line).and_then(|mut start| {
                    from = start.n + 1;
                    start.follow(&line)?;
                    link = Some(start);
                    Ok(())
                }),
            };
            followed.map_err(|reason| at(file, number, &reason))?;
        }
    }
    let link = link.unwrap_or_else(Link::genesis);
    Ok(Report {
        files: files.len(),
        from,
        lines: link.n + 1 - from,
        head: link.hash,
    })
}
