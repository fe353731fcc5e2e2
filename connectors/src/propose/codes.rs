//! Code lists: which upstream code is which value of the contract.

use super::upstream::Node;
use super::values::text;
use super::words::{Sounds, alike, characters, overlap, split, squeezed};
use hub_core::Shape;
use serde_json::Value;

/// A table in order: the upstream's code, and the value it is, as far as that is known.
pub(super) type Table = Vec<(String, Option<String>)>;

/// The table of a place whose values are not the contract's own; `None` where none is needed or nothing is known.
pub(super) fn table(node: &Node, shape: &Shape) -> Option<Table> {
    let own: Vec<String> = shape.choices.iter().map(text).collect();
    if own.is_empty() {
        return None;
    }
    let explained = explained(&node.words);
    let mut codes: Vec<String> = node.choices.clone();
    for code in node
        .samples
        .iter()
        .map(text)
        .chain(explained.iter().map(|(c, _)| c.clone()))
    {
        if !code.is_empty() && !codes.contains(&code) {
            codes.push(code);
        }
    }
    if codes.is_empty() || codes.iter().all(|c| own.contains(c)) {
        return None;
    }
    let mut free = own.clone();
    let mut table = Table::new();
    for code in codes {
        let words = explained
            .iter()
            .find(|(c, _)| *c == code)
            .map(|(_, w)| w.as_str())
            .unwrap_or_default();
        let best = free
            .iter()
            .enumerate()
            .map(|(i, value)| (likeness(&code, words, value, shape), std::cmp::Reverse(i)))
            .max_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let value = best.filter(|(like, _)| *like >= 0.6).map(|(_, i)| free.remove(i.0));
        table.push((code, value));
    }
    Some(table)
}

/// How likely a code is a value of the contract, 0 to 1.
fn likeness(code: &str, words: &str, value: &str, shape: &Shape) -> f64 {
    if squeezed(code) == squeezed(value) && !squeezed(code).is_empty() {
        return 1.0;
    }
    let label = |lang: &str| -> String {
        let labels = shape.schema.get("x-hub-labels").and_then(|l| l.get(value));
        labels
            .and_then(|l| l.get(lang))
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let (zh, en) = (label("zh"), label("en"));
    let mut best = if code.bytes().any(|b| b.is_ascii_alphabetic()) && code.len() > 2 {
        alike(&split(code), &split(value)).max(alike(&split(code), &split(&en)) * 0.95)
    } else {
        0.0
    };
    let title = characters(&zh);
    if !title.is_empty() {
        let han = characters(if words.is_empty() { code } else { words });
        if !han.is_empty() {
            best = best.max(if han == title { 1.0 } else { overlap(&han, &title) * 0.9 });
        }
        best = best.max(f64::from(Sounds::of(&zh).spelled(&squeezed(code)).0) / 100.0 * 0.9);
    }
    if !words.is_empty() {
        best = best
            .max(alike(&split(words), &split(&en)) * 0.9)
            .max(alike(&split(words), &split(value)) * 0.9);
    }
    best
}

/// Codes that a description explains: `1:正常 2:注销`, `01-draft, 02-submitted`.
fn explained(words: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let parts = words
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | '，' | ';' | '；' | '、' | '(' | ')' | '（' | '）'));
    for part in parts {
        let cut = part
            .char_indices()
            .find(|(_, c)| matches!(c, ':' | '：' | '-' | '=' | '—'));
        let Some((at, mark)) = cut else { continue };
        let code = part.get(..at).unwrap_or_default();
        let said = part.get(at + mark.len_utf8()..).unwrap_or_default();
        let is_code =
            !code.is_empty() && code.len() <= 16 && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if is_code && !said.is_empty() {
            found.push((code.to_owned(), said.to_owned()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn codes_are_found_by_words_labels_and_explanations() {
        let shape = Shape {
            choices: vec![json!("accepted"), json!("in_review"), json!("rejected")],
            schema: json!({"x-hub-labels": {"accepted": {"zh": "已受理", "en": "Accepted"}, "in_review": {"zh": "审核中", "en": "In review"},
                           "rejected": {"zh": "不予受理", "en": "Rejected"}}})
            .into(),
            ..Shape::empty()
        };
        let some = |code: &str, value: &str| (code.to_owned(), Some(value.to_owned()));
        let of = |choices: &[&str], words: &str| {
            let mut node = Node::named("zt");
            node.choices = choices.iter().map(|c| (*c).to_owned()).collect();
            node.words = words.to_owned();
            table(&node, &shape)
        };
        assert_eq!(
            of(&["ACCEPTED", "IN_REVIEW"], ""),
            Some(vec![some("ACCEPTED", "accepted"), some("IN_REVIEW", "in_review")])
        );
        assert_eq!(
            of(&["YSL", "SHZ"], ""),
            Some(vec![some("YSL", "accepted"), some("SHZ", "in_review")])
        );
        assert_eq!(
            of(&[], "状态 1:已受理 2:审核中"),
            Some(vec![some("1", "accepted"), some("2", "in_review")])
        );
        assert_eq!(of(&["accepted"], ""), None);
        assert_eq!(of(&["9"], ""), Some(vec![("9".to_owned(), None)]));
    }
}
