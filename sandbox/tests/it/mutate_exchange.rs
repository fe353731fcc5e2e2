//! Spoiling what front-end databases and drop folders hold: rows with the wrong columns, files that were cut or swapped.

use crate::mutate::{Kind, UNKNOWN};
use crate::rng::Rng;
use hub_core::transport::{FileAnswer, FileFound, SqlAnswer, SqlRow};

/// Characters of a cell that is far too long.
const HUGE: usize = 6_000;
/// Rows of a list that never ends.
const MANY: usize = 1_200;

/// One mutation of the rows that an exchange found.
pub fn rows(good: &SqlAnswer, rng: &mut Rng) -> (Kind, SqlAnswer) {
    let mut answer = good.clone();
    match rng.below(16) {
        0 => return (Kind::Nothing, SqlAnswer::default()),
        1 => {
            if let Some(first) = answer.found.first_mut() {
                first.clear();
            }
            return (Kind::Nothing, answer);
        }
        // The lists were not written, or twice, or belong to another select.
        2 => answer.found.truncate(1),
        3 => {
            let at = rng.below(answer.found.len());
            if let Some(rows) = answer.found.get_mut(at) {
                let again = rows.clone();
                rows.extend(again);
            }
        }
        4 => {
            if let Some(row) = answer.found.last().and_then(|rows| rows.first()).cloned() {
                answer.found.push(vec![row; MANY]);
            }
        }
        _ => {
            let filled: Vec<usize> = (0..answer.found.len())
                .filter(|n| !answer.found[*n].is_empty())
                .collect();
            if !filled.is_empty() {
                let rows = &mut answer.found[*rng.pick(&filled)];
                let at = rng.below(rows.len());
                row(&mut rows[at], rng);
            }
        }
    }
    (Kind::Values, answer)
}

fn row(row: &mut SqlRow, rng: &mut Rng) {
    if row.0.is_empty() {
        return;
    }
    let at = rng.below(row.0.len());
    match rng.below(9) {
        0 => drop(row.0.remove(at)),
        1 => row.0.push(("UNANNOUNCED".to_owned(), cell(rng))),
        // Another database, other capitals.
        2 => row.0[at].0 = row.0[at].0.to_lowercase(),
        3 => row.0.clear(),
        _ => row.0[at].1 = cell(rng),
    }
}

fn cell(rng: &mut Rng) -> Option<String> {
    Some(match rng.below(14) {
        0..=4 => UNKNOWN.to_owned(),
        5 => return None,
        6 => String::new(),
        7 => "9".repeat(HUGE),
        8 => "\u{0}\u{b}\u{fffd}".to_owned(),
        9 => r#"{"unexpected": [1, {"deep": true}]}"#.to_owned(),
        10 => "[".repeat(3_000),
        11 => "-1e400".to_owned(),
        12 => "<html><body>拦截</body></html>".to_owned(),
        _ => "0000-00-00 00:00:00".to_owned(),
    })
}

/// One mutation of the files that were found. Every file of the city has a total or a marker that counts its lines, so
/// that one that was cut is known by it.
pub fn files(good: &FileAnswer, rng: &mut Rng) -> (Kind, FileAnswer) {
    let mut answer = good.clone();
    let Some(file) = answer.files.first_mut() else {
        return (Kind::Nothing, answer);
    };
    let kind = match rng.below(12) {
        0 => {
            answer.files.clear();
            Kind::Nothing
        }
        1 => {
            file.bytes = b"<!DOCTYPE html>\n<html><head><title>login</title></head><body></body></html>\n".to_vec();
            Kind::Page
        }
        2 => {
            let length = file.bytes.trim_ascii_end().len();
            file.bytes.truncate(rng.below(length.saturating_sub(1)));
            Kind::Broken
        }
        3 => {
            file.bytes = vec![b'9'; 1 << 20];
            Kind::Broken
        }
        4 => {
            file.bytes = b"\n".repeat(1_000);
            Kind::Broken
        }
        5 => {
            file.marker = match rng.below(3) {
                0 => None,
                1 => Some(UNKNOWN.as_bytes().to_vec()),
                _ => Some(vec![0xff; 40]),
            };
            Kind::Values
        }
        6 => {
            // The newest is spoiled, the one of the day before is still there.
            let before = file.clone();
            spoil(file, rng);
            answer.files.push(before);
            Kind::Values
        }
        7 => {
            for _ in 0..=rng.below(4) {
                let at = rng.below(file.bytes.len());
                if let Some(byte) = file.bytes.get_mut(at) {
                    *byte = *rng.pick(&[0, b'"', b',', b'|', b'\n', b'\r', 0xff, 0x80, b'9']);
                }
            }
            Kind::Values
        }
        _ => {
            spoil(file, rng);
            Kind::Values
        }
    };
    (kind, answer)
}

/// A line goes or comes twice, a cell is another, too long, in quotes that do not close, or there is one more.
fn spoil(file: &mut FileFound, rng: &mut Rng) {
    let mut lines: Vec<Vec<u8>> = file.bytes.split(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
    let at = rng.below(lines.len());
    match rng.below(6) {
        0 => drop(lines.remove(at)),
        1 => {
            let again = lines[at].clone();
            lines.insert(at, again);
        }
        2 => lines[at].extend_from_slice(b",|extra"),
        _ => {
            let line = &mut lines[at];
            let ends = |b: &u8| matches!(b, b',' | b'|');
            let starts: Vec<usize> = std::iter::once(0)
                .chain((0..line.len()).filter(|n| ends(&line[*n])).map(|n| n + 1))
                .collect();
            let from = *rng.pick(&starts);
            let until = line[from..].iter().position(ends).map_or(line.len(), |n| from + n);
            let new: Vec<u8> = match rng.below(7) {
                0..=2 => UNKNOWN.as_bytes().to_vec(),
                3 => Vec::new(),
                4 => vec![b'9'; HUGE],
                5 => b"\"open".to_vec(),
                _ => b"\x00\x0b".to_vec(),
            };
            line.splice(from..until, new);
        }
    }
    file.bytes = lines.join(&b'\n');
}
