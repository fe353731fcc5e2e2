//! Lines of cells between separators: files of drop folders, with quotes (RFC 4180) or without. Both halves.

use super::ReadError;

/// Lines of one file at most.
const MOST_LINES: usize = 500_000;
/// Cells of one line at most.
const MOST_CELLS: usize = 1_000;

/// How cells stand in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// Between two cells.
    pub separator: String,
    /// Whether cells may stand in quotes. Without, a cell can hold neither separator nor line break.
    pub quotes: bool,
}

/// Writes lines. Quoted files end their lines with CRLF (RFC 4180, 2), others with LF.
///
/// # Errors
/// A cell that cannot stand in this form.
pub fn write(lines: &[Vec<String>], form: &Form) -> Result<String, ReadError> {
    let mut text = String::new();
    for line in lines {
        for (at, cell) in line.iter().enumerate() {
            if at > 0 {
                text.push_str(&form.separator);
            }
            let special = cell.contains(&form.separator) || cell.contains(['"', '\r', '\n']);
            match (special, form.quotes) {
                (true, true) => {
                    text.push('"');
                    text.push_str(&cell.replace('"', "\"\""));
                    text.push('"');
                }
                (true, false) if cell.contains(&form.separator) || cell.contains(['\r', '\n']) => {
                    return Err(ReadError::Broken(
                        "a cell holds the separator or a line break, and cells have no quotes".to_owned(),
                    ));
                }
                _ => text.push_str(cell),
            }
        }
        text.push_str(if form.quotes { "\r\n" } else { "\n" });
    }
    Ok(text)
}

/// Reads lines; empty ones are left out.
///
/// # Errors
/// Quotes that do not close, text behind closing quotes, too many lines or cells.
pub fn read(text: &str, form: &Form) -> Result<Vec<Vec<String>>, ReadError> {
    let broken = |what: &str| Err(ReadError::Broken(what.to_owned()));
    let mut lines = Vec::new();
    let mut line: Vec<String> = Vec::new();
    let mut rest = text.trim_start_matches('\u{feff}');
    while !rest.is_empty() {
        let (cell, after) = match (form.quotes, rest.strip_prefix('"')) {
            (true, Some(quoted)) => match unquoted(quoted) {
                Some(found) => found,
                None => return broken("quotes that do not close"),
            },
            _ => {
                let (cell, after) = rest.split_at(end_of_cell(rest, &form.separator));
                let ends_line = after.is_empty() || after.starts_with('\n');
                let cell = if ends_line {
                    cell.strip_suffix('\r').unwrap_or(cell)
                } else {
                    cell
                };
                (cell.to_owned(), after)
            }
        };
        line.push(cell);
        if line.len() > MOST_CELLS {
            return broken("too many cells in a line");
        }
        if let Some(after) = after.strip_prefix(form.separator.as_str()) {
            rest = after;
            if rest.is_empty() {
                line.push(String::new());
            }
            continue;
        }
        rest = match after.strip_prefix("\r\n").or_else(|| after.strip_prefix('\n')) {
            Some(after) => after,
            None if after.is_empty() => after,
            None => return broken("text behind closing quotes"),
        };
        end(&mut lines, &mut line);
        if lines.len() > MOST_LINES {
            return broken("too many lines");
        }
    }
    end(&mut lines, &mut line);
    Ok(lines)
}

/// Where a cell without quotes ends. Both ends are looked for in one go: a file in which one of them never comes would
/// else be read to its end for every cell.
fn end_of_cell(text: &str, separator: &str) -> usize {
    let first = separator.chars().next();
    text.match_indices(|c| c == '\n' || Some(c) == first)
        .map(|(at, _)| at)
        .find(|at| {
            let from = text.get(*at..).unwrap_or_default();
            from.starts_with('\n') || from.starts_with(separator)
        })
        .unwrap_or(text.len())
}

fn end(lines: &mut Vec<Vec<String>>, line: &mut Vec<String>) {
    let line = std::mem::take(line);
    if line.iter().any(|cell| !cell.is_empty()) {
        lines.push(line);
    }
}

/// The cell behind opening quotes, and what follows the closing ones.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut cell = String::new();
    let mut rest = text;
    loop {
        let (before, after) = rest.split_once('"')?;
        cell.push_str(before);
        match after.strip_prefix('"') {
            Some(again) => {
                cell.push('"');
                rest = again;
            }
            None => return Some((cell, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_any_separator_is_read_in_one_go() {
        let begun = std::time::Instant::now();
        let text = format!("{}last", "\n".repeat(1 << 19));
        assert_eq!(read(&text, &form("|", false)).unwrap(), [["last"]]);
        let lines = read(&"x\n".repeat(1 << 18), &form("|+|", true)).unwrap();
        assert_eq!(lines.len(), 1 << 18);
        assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
        assert_eq!(read("a|b|+|c|+", &form("|+|", false)).unwrap(), [["a|b", "c|+"]]);
    }

    fn form(separator: &str, quotes: bool) -> Form {
        Form {
            separator: separator.to_owned(),
            quotes,
        }
    }

    /// The examples of RFC 4180, section 2.
    #[test]
    fn reads_the_examples_of_rfc_4180() {
        let comma = form(",", true);
        let rows = [["aaa", "bbb", "ccc"], ["zzz", "yyy", "xxx"]];
        for text in [
            "aaa,bbb,ccc\r\nzzz,yyy,xxx\r\n",
            "aaa,bbb,ccc\r\nzzz,yyy,xxx",
            "\"aaa\",\"bbb\",\"ccc\"\r\nzzz,yyy,xxx",
        ] {
            assert_eq!(read(text, &comma).unwrap(), rows, "{text:?}");
        }
        assert_eq!(
            read("\"aaa\",\"b\r\nbb\",\"ccc\"\r\nzzz,yyy,xxx", &comma).unwrap(),
            [["aaa", "b\r\nbb", "ccc"], ["zzz", "yyy", "xxx"]]
        );
        assert_eq!(
            read("\"aaa\",\"b\"\"bb\",\"ccc\"", &comma).unwrap(),
            [["aaa", "b\"bb", "ccc"]]
        );
        assert_eq!(
            write(&[vec!["aaa".into(), "b\"bb".into(), "c,c".into()]], &comma).unwrap(),
            "aaa,\"b\"\"bb\",\"c,c\"\r\n"
        );
    }

    #[test]
    fn other_separators_have_no_quotes() {
        assert_eq!(read("a|\"b|\n", &form("|", false)).unwrap(), [["a", "\"b", ""]]);
        assert_eq!(read("a\u{1b}b c\r\n", &form("\u{1b}", false)).unwrap(), [["a", "b c"]]);
        assert!(write(&[vec!["a|b".into()]], &form("|", false)).is_err());
        assert!(write(&[vec!["a\nb".into()]], &form("|", false)).is_err());
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let comma = form(",", true);
        for text in ["\"abc", "\"abc\"d,e", &",".repeat(1_001)] {
            assert!(read(text, &comma).is_err());
        }
    }
}
