//! Reading a journal on from where it was read before, while it is being written.

use super::journal::files;
use hub_core::ports::TrailRecord;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::path::Path;
use std::time::Duration;

/// Lines read without a rest, and the rest: calls come first, and on a machine of one core a long stretch of reading holds them up.
const STRETCH: usize = 32;
const REST: Duration = Duration::from_micros(500);

/// Up to where a journal was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadTo {
    /// Name of the file; empty before the first.
    pub file: String,
    /// Bytes read of it.
    pub offset: u64,
}

/// A line of a journal.
#[derive(Debug, Clone, Deserialize)]
pub struct Numbered {
    /// Its number.
    pub n: u64,
    /// What it says.
    pub record: TrailRecord,
}

/// Shows the lines behind a place, `most` of them at once, and answers how many there were and the place behind them. A line that
/// is not whole yet is left for the next time; one that cannot be read is passed over, for `verify` to tell of. It rests
/// between stretches, with what is done to each line: call it where a thread may wait.
///
/// # Errors
/// If a file cannot be read.
pub fn follow(
    folder: &Path,
    from: &ReadTo,
    most: usize,
    mut show: impl FnMut(Numbered),
) -> io::Result<(usize, ReadTo)> {
    let mut lines = 0;
    let mut to = from.clone();
    for path in files(folder)? {
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        if name < from.file.as_str() || lines >= most {
            continue;
        }
        if name != to.file {
            to = ReadTo {
                file: name.to_owned(),
                offset: 0,
            };
        }
        let mut reader = BufReader::new(File::open(&path)?);
        reader.seek(SeekFrom::Start(to.offset))?;
        let mut line = Vec::new();
        while lines < most {
            line.clear();
            let read = reader.read_until(b'\n', &mut line)?;
            if line.last() != Some(&b'\n') {
                break;
            }
            to.offset += read as u64;
            lines += 1;
            serde_json::from_slice::<Numbered>(&line).map(&mut show).ok();
            if lines.is_multiple_of(STRETCH) {
                std::thread::sleep(REST);
            }
        }
    }
    Ok((lines, to))
}
