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
    for finding in findings.iter_mut().filter(|f| f.got.is_none()) {
        let line = lines
            .get(finding.file.as_str())
            .and_then(|l| l.get(finding.line.checked_sub(1)?));
        let Some(line) = line else { continue };
        let from = match line.chars().count() > MAX_QUOTED {
            true => finding.column.saturating_sub(1),
            false => 0,
        };
        let shown: String = line.chars().skip(from).take(MAX_QUOTED).collect();
        if !shown.trim().is_empty() {
            finding.got = Some(shown.trim().to_owned());
        }
    }
    findings.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
}
