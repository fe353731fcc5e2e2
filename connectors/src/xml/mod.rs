//! XML messages as small owned trees, and as the JSON values that mappings work on.
//!
//! The convention, both ways:
//!
//! - an element without attributes and children is its text, `""` if it is empty; one with `xsi:nil="true"` is `null`;
//! - any other element is an object: attributes as `@name`, then children by local name, repeated ones as an array,
//!   then its own text, if it is more than white space, as `#text`;
//! - prefixes are gone after reading: names are local. Namespace declarations and the attributes of XML Schema instance
//!   and SOAP, which say how and not what, are left out;
//! - in writing, `null` and absent are the same, an array repeats its element, `#cdata` is text in a CDATA section, and
//!   the order of an object is the order of its elements.
//!
//! A lone element of a list cannot be told from a plain one here; the contract's shape decides that above.
//! Document types are refused, so there are no entities to expand; depth and size are bounded.

mod scan;
mod write;

pub use write::{Nulls, Style, write};

use roxmltree::{Document, Node, ParsingOptions};
use serde_json::{Map, Value};

const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";
/// Namespaces whose attributes say how a message is packed.
const PACKING: [&str; 6] = [
    XSI,
    "http://schemas.xmlsoap.org/soap/envelope/",
    "http://schemas.xmlsoap.org/soap/encoding/",
    "http://www.w3.org/2003/05/soap-envelope",
    "http://www.w3.org/2003/05/soap-encoding",
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd",
];

/// What is wrong with a document, or with a value that should become one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum XmlError {
    /// It has a document type, as HTML pages do and no message may.
    #[error("a document type is not allowed in a message")]
    DocumentType,
    /// It is not well-formed.
    #[error("not well-formed XML at line {line}, column {column}")]
    Malformed {
        /// Line, from 1.
        line: u32,
        /// Column, from 1.
        column: u32,
    },
    /// It is deeper or larger than allowed.
    #[error("the XML is larger than {limit}")]
    TooLarge {
        /// Which limit.
        limit: &'static str,
    },
    /// A name that XML does not allow.
    #[error("`{0}` cannot be the name of an element or attribute")]
    Name(String),
    /// A character that XML cannot carry in any form.
    #[error("the character U+{0:04X} cannot stand in XML")]
    Character(u32),
    /// A value that has no place in a tree of elements.
    #[error("a list cannot stand {0}")]
    Misplaced(&'static str),
}

/// Bounds of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Elements inside elements.
    pub depth: usize,
    /// Elements, texts and comments together.
    pub nodes: u32,
    /// Attributes and namespace declarations of one element.
    pub attributes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: 64,
            nodes: 500_000,
            attributes: 256,
        }
    }
}

/// An attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Local name.
    pub name: String,
    /// Its namespace.
    pub namespace: Option<String>,
    /// Its value.
    pub value: String,
}

/// An element.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Element {
    /// Local name.
    pub name: String,
    /// Its namespace.
    pub namespace: Option<String>,
    /// Attributes in order, without namespace declarations.
    pub attributes: Vec<Attribute>,
    /// Elements in it, in order.
    pub children: Vec<Element>,
    /// Its own text: CDATA sections and character data, joined.
    pub text: String,
}

/// Reads a document. White space in front of the declaration, which pages of scripts leave there, is skipped; the
/// declaration's encoding is ignored, because the text has been decoded already.
///
/// # Errors
/// [`XmlError`] if it is not well-formed, has a document type or is beyond the limits.
pub fn parse(text: &str, limits: Limits) -> Result<Element, XmlError> {
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: limits.nodes,
        ..ParsingOptions::default()
    };
    scan::check(text, limits)?;
    let document = Document::parse_with_options(text.trim_start(), options).map_err(|error| match error {
        roxmltree::Error::DtdDetected => XmlError::DocumentType,
        roxmltree::Error::NodesLimitReached => XmlError::TooLarge {
            limit: "the allowed number of nodes",
        },
        other => XmlError::Malformed {
            line: other.pos().row,
            column: other.pos().col,
        },
    })?;
    element(document.root_element(), limits.depth)
}

/// Recursion is bounded by `left`.
fn element(node: Node, left: usize) -> Result<Element, XmlError> {
    let left = left.checked_sub(1).ok_or(XmlError::TooLarge {
        limit: "the allowed depth",
    })?;
    let mut made = Element {
        name: node.tag_name().name().to_owned(),
        namespace: node.tag_name().namespace().map(str::to_owned),
        ..Element::default()
    };
    made.attributes = node
        .attributes()
        .map(|a| Attribute {
            name: a.name().to_owned(),
            namespace: a.namespace().map(str::to_owned),
            value: a.value().to_owned(),
        })
        .collect();
    for child in node.children() {
        if child.is_element() {
            made.children.push(element(child, left)?);
        } else if let (true, Some(text)) = (child.is_text(), child.text()) {
            made.text.push_str(text);
        }
    }
    Ok(made)
}

impl Element {
    /// First child of this local name.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|c| c.name == name)
    }

    /// The element at a path of local names below this one; itself for the empty path.
    #[must_use]
    pub fn at(&self, path: &str) -> Option<&Self> {
        path.split('/')
            .filter(|step| !step.is_empty())
            .try_fold(self, |element, step| element.child(step))
    }

    /// Value of the attribute of this local name.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|a| a.name == name)
            .map(|a| a.value.as_str())
    }

    /// The text at `a/b`, or the attribute at `a/b/@id`.
    #[must_use]
    pub fn text_at(&self, path: &str) -> Option<&str> {
        let (above, last) = path.rsplit_once('/').unwrap_or(("", path));
        match last.strip_prefix('@') {
            Some(name) => self.at(above)?.attribute(name),
            None => self.at(path).map(|e| e.text.as_str()),
        }
    }

    /// What stands in this element, by the convention of this module.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let own = |a: &&Attribute| a.namespace.as_deref().is_none_or(|n| !PACKING.contains(&n));
        let nil = |a: &Attribute| a.namespace.as_deref() == Some(XSI) && a.name == "nil";
        if self
            .attributes
            .iter()
            .any(|a| nil(a) && matches!(a.value.trim(), "true" | "1"))
        {
            return Value::Null;
        }
        let mut object = Map::new();
        for attribute in self.attributes.iter().filter(own) {
            object.insert(format!("@{}", attribute.name), attribute.value.as_str().into());
        }
        if object.is_empty() && self.children.is_empty() {
            return self.text.as_str().into();
        }
        for child in &self.children {
            let value = child.to_value();
            match object.get_mut(&child.name) {
                // A repeated element: what stood there first may itself never be an array, so this is unambiguous.
                Some(Value::Array(items)) => items.push(value),
                Some(first) => *first = Value::Array(vec![first.take(), value]),
                None => {
                    object.insert(child.name.clone(), value);
                }
            }
        }
        if !self.text.trim().is_empty() {
            object.insert("#text".to_owned(), self.text.trim().into());
        }
        Value::Object(object)
    }
}

#[cfg(test)]
mod tests;
