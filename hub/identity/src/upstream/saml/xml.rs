//! Elements of a canonical text: no comments, no types, so that a name has one text and a text one reading.

use super::super::trouble::Trouble;
use hub_core::time::Timestamp;
use roxmltree::{Document, Node};

/// A text that was checked before, parsed.
pub(super) fn parsed(text: &str) -> Result<Document<'_>, Trouble> {
    Document::parse(text).map_err(|_| Trouble::untrusted("it is not XML"))
}

/// Elements of this name below an element.
pub(super) fn below<'a, 'i>(node: Node<'a, 'i>, space: &'a str, name: &'a str) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(move |n| n.has_tag_name((space, name)))
}

/// The element of this name below an element, if it is the only one.
pub(super) fn only<'a, 'i>(node: Node<'a, 'i>, space: &'a str, name: &'a str) -> Result<Option<Node<'a, 'i>>, Trouble> {
    let mut all = below(node, space, name);
    match (all.next(), all.next()) {
        (found, None) => Ok(found),
        _ => Err(Trouble::untrusted(format!("{name} stands there twice"))),
    }
}

/// The text of an element that has nothing else in it.
pub(super) fn text(node: Node<'_, '_>) -> Result<String, Trouble> {
    if node.children().any(|n| !n.is_text()) {
        let name = node.tag_name().name().to_owned();
        return Err(Trouble::untrusted(format!("{name} is no text")));
    }
    let text: String = node.children().filter_map(|n| n.text()).collect();
    Ok(text.trim().to_owned())
}

/// A time that an attribute says, in seconds; `None` if it says none.
pub(super) fn time(node: Node<'_, '_>, name: &str) -> Result<Option<i64>, Trouble> {
    let Some(said) = node.attribute(name) else {
        return Ok(None);
    };
    let time: Result<Timestamp, _> = said.trim().parse();
    let time = time.map_err(|_| Trouble::untrusted(format!("{name} is no time")))?;
    Ok(Some(time.as_second()))
}

/// A text within XML.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}
