//! Changes of a text at single places, and how they are shown before they are made.

use super::layout::{Form, Layout, Spot};
use serde_json::Value;
use std::fmt::Write;
use std::ops::Range;

/// Lines shown before and after a change.
const CONTEXT: usize = 3;

/// One place of a text with what is to stand there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edit {
    pub(super) range: Range<usize>,
    pub(super) put: String,
}

/// A member put before the others of a mapping, as the mapping is written.
pub(super) fn insert(text: &str, layout: &Layout, spot: &Spot, name: &str, value: &Value) -> Option<Edit> {
    if !spot.is_map {
        return None;
    }
    let quoted = |text: &str| Value::from(text).to_string();
    let first = spot.items.first().and_then(|at| layout.spot(*at));
    let (at, put) = match (spot.form, first) {
        (Form::Block, Some(first)) => {
            let name = if is_plain(name) { name.to_owned() } else { quoted(name) };
            let value = match value {
                Value::String(text) if is_plain(text) => text.clone(),
                other => other.to_string(),
            };
            before(text, first.from, &format!("{name}: {value}"))?
        }
        (Form::Flow, Some(first)) => {
            let member = format!("{}: {value},", quoted(name));
            match text.get(spot.start..first.from)?.contains('\n') {
                true => before(text, first.from, &member)?,
                false => (first.from, format!("{member} ")),
            }
        }
        (Form::Flow, None) => (spot.start + 1, format!("{}: {value}", quoted(name))),
        _ => return None,
    };
    Some(Edit { range: at..at, put })
}

/// A line put before the one that begins with what stands at a place: where, and what.
fn before(text: &str, at: usize, put: &str) -> Option<(usize, String)> {
    let (start, blank) = indentation(text, at)?;
    let ending = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let dashed = text.get(start..at) != Some(blank.as_str());
    Some(match dashed {
        true => (at, format!("{put}{ending}{blank}")),
        false => (start, format!("{blank}{put}{ending}")),
    })
}

/// Where the line of a place begins, and its indentation; none where other things than blanks, or the dash of an item, stand
/// before the place.
fn indentation(text: &str, at: usize) -> Option<(usize, String)> {
    let start = text.get(..at)?.rfind('\n').map_or(0, |n| n + 1);
    let blank = text.get(start..at)?.replace('-', " ");
    blank.chars().all(|c| c == ' ' || c == '\t').then_some((start, blank))
}

/// An item of a list taken out; the first of a list stays, for what stands before it is no separator.
pub(super) fn remove(text: &str, layout: &Layout, at: usize) -> Option<Edit> {
    let spot = layout.spot(at)?;
    let list = layout.spot(spot.parent?).filter(|list| !list.is_map)?;
    let place = list.items.iter().position(|item| *item == at)?;
    match list.form {
        Form::Flow if spot.form != Form::Block => {
            let next = list.items.get(place + 1).and_then(|n| layout.spot(*n));
            let before = place.checked_sub(1).and_then(|p| layout.spot(*list.items.get(p)?));
            let range = match (before, next) {
                (_, Some(next)) => spot.start..next.start,
                (Some(before), None) => before.end..spot.end,
                (None, None) => return None,
            };
            let plain = !text.get(range.clone())?.contains('#');
            plain.then(|| Edit {
                range,
                put: String::new(),
            })
        }
        Form::Block if list.items.len() > 1 => {
            let start = text.get(..spot.start)?.rfind('\n').map_or(0, |n| n + 1);
            let dashed = text.get(start..spot.start)?.trim() == "-";
            let last = last_line(text, layout, at)?;
            let end = text.get(last..)?.find('\n').map_or(text.len(), |n| last + n + 1);
            let plain = !text.get(start..end)?.contains('#');
            (dashed && plain).then(|| Edit {
                range: start..end,
                put: String::new(),
            })
        }
        _ => None,
    }
}

/// A place in the last line of a value: behind its last scalar.
fn last_line(text: &str, layout: &Layout, at: usize) -> Option<usize> {
    let spot = layout.spot(at)?;
    match (spot.form, spot.items.last()) {
        (Form::Block, Some(last)) => last_line(text, layout, *last),
        // The end of a text over several lines is the beginning of what follows.
        (Form::Scalar, _) if text.get(spot.start..spot.end)?.contains('\n') => None,
        _ => Some(spot.end),
    }
}

/// Whether a text may stand in YAML without quotes, and in a flow too.
fn is_plain(text: &str) -> bool {
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(letters)
        && crate::document::plain_is_text(text)
}

/// A text with edits made; none where two of them meet.
pub(super) fn applied(text: &str, edits: &[Edit]) -> Option<String> {
    let mut out = String::with_capacity(text.len() + edits.len() * 32);
    let mut at = 0;
    for edit in edits {
        out.push_str(text.get(at..edit.range.start)?);
        out.push_str(&edit.put);
        at = edit.range.end;
    }
    out.push_str(text.get(at..)?);
    Some(out)
}

/// The edits as a unified diff of the lines of a file.
pub(super) fn unified(name: &str, text: &str, edits: &[Edit]) -> String {
    let starts: Vec<usize> = std::iter::once(0)
        .chain(text.match_indices('\n').map(|(at, _)| at + 1))
        .collect();
    let line_of = |at: usize| starts.partition_point(|start| *start <= at).saturating_sub(1);
    let line = |n: usize| {
        let (from, to) = (starts.get(n).copied(), starts.get(n + 1).copied().unwrap_or(text.len()));
        from.and_then(|from| text.get(from..to)).unwrap_or_default()
    };
    let count = starts.len() - usize::from(text.ends_with('\n') || text.is_empty());
    // Lines that change together, with what stands there afterwards.
    let mut parts: Vec<(Range<usize>, Vec<&Edit>)> = Vec::new();
    for edit in edits {
        let (first, last) = (line_of(edit.range.start), line_of(edit.range.end));
        // Whole lines that go or come leave the line behind them as it is.
        let whole = starts.get(last) == Some(&edit.range.end) && (!edit.range.is_empty() || edit.put.ends_with('\n'));
        let lines = first..(if whole { last } else { last + 1 });
        match parts.last_mut() {
            Some((before, of)) if lines.start < before.end => {
                before.end = before.end.max(lines.end);
                of.push(edit);
            }
            _ => parts.push((lines, vec![edit])),
        }
    }
    let mut out = format!("--- {name}\n+++ {name}\n");
    let mut shift: isize = 0;
    let mut rest = parts.as_slice();
    while let Some((first, _)) = rest.first() {
        let mut length = 1;
        while let (Some((a, _)), Some((b, _))) = (rest.get(length - 1), rest.get(length))
            && b.start <= a.end + 2 * CONTEXT
        {
            length += 1;
        }
        let (group, behind) = rest.split_at(length);
        rest = behind;
        let from = first.start.saturating_sub(CONTEXT);
        let to = (group.last().map_or(first.end, |(l, _)| l.end) + CONTEXT).min(count);
        let (mut body, mut added, mut at) = (String::new(), 0usize, from);
        for (lines, edits) in group {
            (at..lines.start).for_each(|n| push(&mut body, ' ', line(n)));
            lines.clone().for_each(|n| push(&mut body, '-', line(n)));
            let start = starts.get(lines.start).copied().unwrap_or(text.len());
            let end = starts.get(lines.end).copied().unwrap_or(text.len());
            let inner: Vec<Edit> = edits
                .iter()
                .map(|e| Edit {
                    range: e.range.start - start..e.range.end - start,
                    put: e.put.clone(),
                })
                .collect();
            let now = text
                .get(start..end)
                .and_then(|old| applied(old, &inner))
                .unwrap_or_default();
            for new in now.split_inclusive('\n') {
                push(&mut body, '+', new);
                added += 1;
            }
            at = lines.end;
        }
        (at..to).for_each(|n| push(&mut body, ' ', line(n)));
        let old = to - from;
        let taken: usize = group.iter().map(|(lines, _)| lines.len()).sum();
        let new = old - taken + added;
        let begin = from.saturating_add_signed(shift);
        let _ = writeln!(out, "@@ -{},{old} +{},{new} @@", from + 1, begin + 1);
        out.push_str(&body);
        shift += new as isize - old as isize;
    }
    out
}

fn push(body: &mut String, sign: char, line: &str) {
    body.push(sign);
    body.push_str(line.trim_end_matches(['\n', '\r']));
    body.push('\n');
    if !line.ends_with('\n') {
        body.push_str("\\ No newline at end of file\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spot<'l>(layout: &'l Layout, key: &str) -> &'l Spot {
        layout.spots.iter().find(|s| s.key.as_deref() == Some(key)).unwrap()
    }

    fn inserted(text: &str, key: &str) -> String {
        let layout = Layout::of(text).unwrap();
        let edit = insert(text, &layout, spot(&layout, key), "id", &Value::from("x")).unwrap();
        applied(text, &[edit]).unwrap()
    }

    #[test]
    fn a_member_is_put_in_as_the_mapping_is_written() {
        assert_eq!(
            inserted("a:\n  # why\n  b: 1 # c\n", "a"),
            "a:\n  # why\n  id: x\n  b: 1 # c\n"
        );
        assert_eq!(inserted("a: {b: 1}\n", "a"), "a: {\"id\": \"x\", b: 1}\n");
        assert_eq!(inserted("{\"a\": {}}", "a"), "{\"a\": {\"id\": \"x\"}}");
        assert_eq!(
            inserted("{\"a\": {\r\n  \"b\": 1\r\n}}", "a"),
            "{\"a\": {\r\n  \"id\": \"x\",\r\n  \"b\": 1\r\n}}"
        );
        assert_eq!(inserted("l:\n- a:\n    b: 1\n", "a"), "l:\n- a:\n    id: x\n    b: 1\n");
    }

    #[test]
    fn an_item_is_taken_out_with_what_separates_it() {
        let removed = |text: &str, nth: usize| {
            let layout = Layout::of(text).unwrap();
            let at = spot(&layout, "e").items[nth];
            remove(text, &layout, at).map(|e| applied(text, &[e]).unwrap())
        };
        assert_eq!(removed("e: [a, b, b]\n", 2).unwrap(), "e: [a, b]\n");
        assert_eq!(removed("e: [a, a, b]\n", 0).unwrap(), "e: [a, b]\n");
        assert_eq!(removed("e:\n  - a\n  - b\nf: 1\n", 1).unwrap(), "e:\n  - a\nf: 1\n");
        assert_eq!(
            removed("e:\n- {u: 1}\n- u: 2\n  v: 3\nf: 1\n", 1).unwrap(),
            "e:\n- {u: 1}\nf: 1\n"
        );
        // What people wrote beside it is not lost.
        assert_eq!(removed("e:\n  - a\n  - b # old\n", 1), None);
    }

    #[test]
    fn a_diff_shows_the_lines_that_change_among_others() {
        let text = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        let edits = [
            Edit {
                range: 8..8,
                put: "x\n".to_owned(),
            },
            Edit {
                range: 16..18,
                put: String::new(),
            },
        ];
        assert_eq!(
            unified("f", text, &edits),
            "--- f\n+++ f\n@@ -2,8 +2,8 @@\n 2\n 3\n 4\n+x\n 5\n 6\n 7\n 8\n-9\n"
        );
    }
}
