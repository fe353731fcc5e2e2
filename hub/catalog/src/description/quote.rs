//! The line of the source that a finding is about.

use hub_core::Finding;
use std::collections::HashMap;
use std::rc::Rc;

/// Characters of a line that are shown.
const MAX_QUOTED: usize = 120;

/// Adds the source to findings that don't say what they found, and puts all into the order of the files.
pub(super) fn quote(findings: &mut [Finding], names: &[String], texts: &HashMap<u16, Rc<str>>) {
    let mut lines: HashMap<&str, Vec<&str>> = HashMap::new();
    for (index, name) in names.iter().enumerate() {
        let text = u16::try_from(index).ok().and_then(|i| texts.get(&i));
        if let Some(text) = text.filter(|_| findings.iter().any(|f| f.file == *name)) {
            lines.insert(name, text.lines().collect());
        }
    }
    findings.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
    // Findings of one line come in order, so that a text of one long line is walked along once.
    let mut mark = Mark::default();
    for finding in findings.iter_mut() {
        let line = lines
            .get(finding.file.as_str())
            .and_then(|l| l.get(finding.line.checked_sub(1)?));
        let Some(line) = line.filter(|_| finding.got.is_none()) else {
            continue;
        };
        let from = match line.char_indices().nth(MAX_QUOTED).is_some() {
            true => mark.forward(line, finding.column.saturating_sub(1)),
            false => 0,
        };
        let shown: String = line.get(from..).unwrap_or_default().chars().take(MAX_QUOTED).collect();
        if !shown.trim().is_empty() {
            finding.got = Some(shown.trim().to_owned());
        }
    }
}

/// How far a line was walked along.
#[derive(Default)]
struct Mark<'t> {
    line: &'t str,
    column: usize,
    at: usize,
}

impl<'t> Mark<'t> {
    /// The byte at which a column begins.
    fn forward(&mut self, line: &'t str, column: usize) -> usize {
        if !std::ptr::eq(self.line, line) || column < self.column {
            (self.line, self.column, self.at) = (line, 0, 0);
        }
        let rest = line.get(self.at..).unwrap_or_default();
        let skip = column - self.column;
        self.at += rest.char_indices().nth(skip).map_or(rest.len(), |(at, _)| at);
        self.column = column;
        self.at
    }
}
