//! A look at the tags before a tree is built. The reader's time grows with the square of the attributes of an element,
//! and the stack of whoever walks the tree with its depth, so both are bounded here in one linear pass.

use super::{Limits, XmlError};

/// What is skipped whole: how it begins and ends.
const OPAQUE: [(&str, &str); 3] = [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>")];

/// Refuses texts that are deeper, or have more attributes in one tag, than allowed.
pub(super) fn check(text: &str, limits: Limits) -> Result<(), XmlError> {
    let mut depth = 0_usize;
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        rest = rest.get(at..).unwrap_or_default();
        if let Some(end) = OPAQUE
            .iter()
            .find(|(start, _)| rest.starts_with(start))
            .map(|(_, end)| end)
        {
            // Without an end it is not well-formed, which the reader says.
            rest = rest.split_once(end).map_or("", |(_, after)| after);
            continue;
        }
        let tag = tag(rest);
        if tag.attributes > limits.attributes {
            return Err(XmlError::TooLarge {
                limit: "the allowed number of attributes",
            });
        }
        match (rest.starts_with("</"), tag.is_empty) {
            (true, _) => depth = depth.saturating_sub(1),
            (false, true) => {}
            (false, false) => depth += 1,
        }
        if depth > limits.depth {
            return Err(XmlError::TooLarge {
                limit: "the allowed depth",
            });
        }
        rest = rest.get(tag.length..).unwrap_or_default();
    }
    Ok(())
}

/// A tag, from its `<` on.
struct Tag {
    length: usize,
    attributes: usize,
    is_empty: bool,
}

/// Ends behind `>`, or in front of a `<` that cannot stand there.
fn tag(text: &str) -> Tag {
    let mut attributes = 0;
    let mut quote = None;
    let mut before = b' ';
    for (index, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => {
                return Tag {
                    length: index + 1,
                    attributes,
                    is_empty: before == b'/',
                };
            }
            (_, b'<') if index > 0 => {
                return Tag {
                    length: index,
                    attributes,
                    is_empty: false,
                };
            }
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'=') => attributes += 1,
            (Some(q), _) if q == byte => quote = None,
            _ => {}
        }
        before = byte;
    }
    Tag {
        length: text.len(),
        attributes,
        is_empty: false,
    }
}
