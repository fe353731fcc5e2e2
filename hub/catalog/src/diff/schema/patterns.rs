//! Regular expressions of descriptions, read in bounded time and memory.

use regex::{Regex, RegexBuilder};

/// Bytes a compiled expression may take.
const SIZE: usize = 1 << 20;

/// The expression, if this engine can read it (it knows no look-around).
pub(super) fn regex(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(pattern).size_limit(SIZE).build().ok()
}
