//! One line of the journal, written and read.

use hub_crypto::{Digest, digest, hex};
use serde_json::Value;

/// What the first line of a journal follows.
pub(super) const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Member that ends every line; what stands before it is hashed.
const HASH: &str = ",\"hash\":\"";

/// Where a chain stands: the number and hash of its last line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) n: u64,
    pub(super) hash: String,
}

impl Link {
    pub(super) fn genesis() -> Self {
        Self {
            n: 0,
            hash: GENESIS.to_owned(),
        }
    }

    /// Where the chain stood before its oldest line at hand: the beginning, unless older files were archived.
    pub(super) fn before(line: &[u8]) -> Result<Self, &'static str> {
        let first = read(line)?;
        match (first.n, first.prev == GENESIS) {
            (0, _) | (1, false) => Err("the first line does not begin the chain"),
            (n, _) => Ok(Self {
                n: n - 1,
                hash: first.prev,
            }),
        }
    }

    /// Appends the line for a record (already JSON) and moves on to it.
    pub(super) fn append(&mut self, record: &str, out: &mut Vec<u8>) {
        self.n += 1;
        let head = format!("{{\"n\":{},\"prev\":\"{}\",\"record\":{record}", self.n, self.hash);
        self.hash = hash(head.as_bytes());
        out.extend_from_slice(head.as_bytes());
        out.extend_from_slice(HASH.as_bytes());
        out.extend_from_slice(self.hash.as_bytes());
        out.extend_from_slice(b"\"}\n");
    }

    /// Checks that a line (without its line feed) follows, and moves on to it.
    pub(super) fn follow(&mut self, line: &[u8]) -> Result<(), &'static str> {
        let next = read(line)?;
        if next.n != self.n + 1 {
            return Err("its number does not follow");
        }
        if next.prev != self.hash {
            return Err("it does not follow the line before it");
        }
        (self.n, self.hash) = (next.n, next.hash);
        Ok(())
    }
}

pub(super) struct Line {
    pub(super) n: u64,
    pub(super) prev: String,
    pub(super) hash: String,
}

/// Reads a line and checks it against its own hash.
pub(super) fn read(line: &[u8]) -> Result<Line, &'static str> {
    let text = std::str::from_utf8(line).map_err(|_| "it is not UTF-8")?;
    let (head, tail) = text.rsplit_once(HASH).ok_or("it has no hash")?;
    let stated = tail.strip_suffix("\"}").ok_or("it is cut off")?;
    if hash(head.as_bytes()) != stated {
        return Err("its content does not match its hash");
    }
    let document: Value = serde_json::from_str(text).map_err(|_| "it is not JSON")?;
    let n = document.get("n").and_then(Value::as_u64).ok_or("it has no number")?;
    let prev = document
        .get("prev")
        .and_then(Value::as_str)
        .ok_or("it names no line before it")?;
    Ok(Line {
        n,
        prev: prev.to_owned(),
        hash: stated.to_owned(),
    })
}

fn hash(bytes: &[u8]) -> String {
    hex(&digest(Digest::Sha256, bytes))
}
