//! XML Schema 1.0 as far as descriptions of services use it: elements and types as trees of places.

use super::upstream::{Kind, Node};
use crate::xml::Element;
use std::collections::HashMap;

/// Levels of elements that are followed; recursive types end there.
const DEPTH: usize = 10;
/// Places of one message: more is no message but a language.
const MOST: usize = 2_000;

/// All schemas of a description, by local names: two types of one name in two namespaces are rare and alike.
#[derive(Debug, Default)]
pub(super) struct Schemas<'x> {
    elements: HashMap<&'x str, (&'x Element, &'x Element)>,
    complex: HashMap<&'x str, &'x Element>,
    simple: HashMap<&'x str, &'x Element>,
    groups: HashMap<&'x str, &'x Element>,
}

impl<'x> Schemas<'x> {
    pub(super) fn of(types: Option<&'x Element>) -> Self {
        let mut all = Self::default();
        for schema in types
            .into_iter()
            .flat_map(|t| &t.children)
            .filter(|s| s.name == "schema")
        {
            for part in &schema.children {
                let Some(name) = part.attribute("name") else { continue };
                match part.name.as_str() {
                    "element" => drop(all.elements.entry(name).or_insert((part, schema))),
                    "complexType" => drop(all.complex.entry(name).or_insert(part)),
                    "simpleType" => drop(all.simple.entry(name).or_insert(part)),
                    "group" => drop(all.groups.entry(name).or_insert(part)),
                    _ => {}
                }
            }
        }
        all
    }

    /// Namespace of a global element, and whether what stands in it is qualified.
    pub(super) fn form(&self, element: &str) -> Option<(&'x str, bool)> {
        let (_, schema) = self.elements.get(element)?;
        let qualified = schema.attribute("elementFormDefault") == Some("qualified");
        Some((schema.attribute("targetNamespace").unwrap_or_default(), qualified))
    }

    /// Whether the children of a global element stand in a sequence.
    pub(super) fn is_ordered(&self, element: &str) -> bool {
        let declared = self.elements.get(element).map(|(e, _)| *e);
        let complex = declared.and_then(|e| {
            e.child("complexType")
                .or_else(|| self.complex.get(local(e.attribute("type")?)).copied())
        });
        complex.is_some_and(|c| c.child("sequence").is_some() || c.child("complexContent").is_some())
    }

    /// A global element as a tree.
    pub(super) fn element(&self, name: &str) -> Node {
        let mut left = MOST;
        match self.elements.get(name) {
            Some((element, _)) => self.declared(element, DEPTH, &mut left),
            None => Node::named(name),
        }
    }

    /// A part of a message that names its type.
    pub(super) fn typed(&self, name: &str, type_name: &str) -> Node {
        let mut node = Node::named(name);
        node.required = true;
        let mut left = MOST;
        self.fill(&mut node, type_name, DEPTH, &mut left);
        node
    }

    fn declared(&self, element: &Element, depth: usize, left: &mut usize) -> Node {
        if let Some(reference) = element.attribute("ref")
            && let Some((global, _)) = self.elements.get(local(reference))
        {
            let mut node = match depth.checked_sub(1) {
                Some(depth) => self.declared(global, depth, left),
                None => Node::named(local(reference)),
            };
            occurs(&mut node, element);
            return node;
        }
        let mut node = Node::named(element.attribute("name").unwrap_or_default());
        node.words = documentation(element);
        occurs(&mut node, element);
        let (Some(depth), true) = (depth.checked_sub(1), *left > 0) else {
            return node;
        };
        *left -= 1;
        if let Some(complex) = element.child("complexType") {
            self.complex(&mut node, complex, depth, left);
        } else if let Some(simple) = element.child("simpleType") {
            self.simple(&mut node, simple, depth);
        } else if let Some(type_name) = element.attribute("type") {
            self.fill(&mut node, type_name, depth, left);
        }
        node
    }

    fn fill(&self, node: &mut Node, type_name: &str, depth: usize, left: &mut usize) {
        let name = local(type_name);
        if let Some(complex) = self.complex.get(name) {
            self.complex(node, complex, depth, left);
        } else if let Some(simple) = self.simple.get(name) {
            self.simple(node, simple, depth);
        } else {
            builtin(node, name);
        }
    }

    fn simple(&self, node: &mut Node, simple: &Element, depth: usize) {
        if node.words.is_empty() {
            node.words = documentation(simple);
        }
        let Some(restriction) = simple.child("restriction") else {
            node.kind = Kind::Text;
            return;
        };
        let base = local(restriction.attribute("base").unwrap_or("string"));
        match (self.simple.get(base), depth.checked_sub(1)) {
            (Some(simple), Some(depth)) => self.simple(node, simple, depth),
            _ => builtin(node, base),
        }
        for value in restriction.children.iter().filter(|c| c.name == "enumeration") {
            let Some(choice) = value.attribute("value") else {
                continue;
            };
            let words = documentation(value);
            node.choices.push(choice.to_owned());
            if !words.is_empty() {
                // Said as manuals say it, so that one reader understands both.
                node.words += &format!(" {choice}:{words}");
            }
        }
    }

    fn complex(&self, node: &mut Node, complex: &Element, depth: usize, left: &mut usize) {
        node.kind = Kind::Object;
        if node.words.is_empty() {
            node.words = documentation(complex);
        }
        self.content(node, complex, depth, left);
    }

    /// Whatever stands in a type: sequences, choices, extensions, attributes.
    fn content(&self, node: &mut Node, holder: &Element, depth: usize, left: &mut usize) {
        // Only what leads to another type goes deeper; groups inside one are as deep as the document.
        let Some(deeper) = depth.checked_sub(1) else { return };
        for part in &holder.children {
            match part.name.as_str() {
                "sequence" | "all" | "choice" => {
                    let before = node.children.len();
                    self.content(node, part, depth, left);
                    let many = part.attribute("maxOccurs").is_some_and(|m| m != "1" && m != "0");
                    for child in node.children.iter_mut().skip(before) {
                        child.is_list |= many;
                        child.required &= part.name != "choice" && part.attribute("minOccurs") != Some("0");
                    }
                }
                "element" => node.children.push(self.declared(part, depth, left)),
                "group" => {
                    if let Some(group) = part.attribute("ref").and_then(|r| self.groups.get(local(r))) {
                        self.content(node, group, deeper, left);
                    }
                }
                "complexContent" => self.content(node, part, depth, left),
                "extension" | "restriction" => {
                    let base = local(part.attribute("base").unwrap_or_default());
                    if let Some(base) = self.complex.get(base).filter(|_| part.name == "extension") {
                        self.content(node, base, deeper, left);
                    }
                    self.content(node, part, depth, left);
                }
                "simpleContent" => self.text_with_attributes(node, part, deeper, left),
                "attribute" => {
                    let Some(name) = part.attribute("name") else { continue };
                    let mut child = Node::named(&format!("@{name}"));
                    child.words = documentation(part);
                    child.required = part.attribute("use") == Some("required");
                    self.fill(&mut child, part.attribute("type").unwrap_or("string"), deeper, left);
                    node.children.push(child);
                }
                _ => {}
            }
        }
    }

    fn text_with_attributes(&self, node: &mut Node, content: &Element, depth: usize, left: &mut usize) {
        for part in &content.children {
            let base = local(part.attribute("base").unwrap_or("string"));
            let mut text = Node::named("#text");
            text.required = true;
            match (self.simple.get(base), self.complex.get(base)) {
                (Some(simple), _) => self.simple(&mut text, simple, depth),
                (None, Some(complex)) => self.content(node, complex, depth, left),
                (None, None) => builtin(&mut text, base),
            }
            if node.child("#text").is_none() {
                node.children.push(text);
            }
            self.content(node, part, depth, left);
        }
    }
}

fn occurs(node: &mut Node, element: &Element) {
    node.is_list |= element.attribute("maxOccurs").is_some_and(|m| m != "1" && m != "0");
    node.required = element.attribute("minOccurs") != Some("0");
}

fn builtin(node: &mut Node, name: &str) {
    let (kind, format) = match name {
        "boolean" => (Kind::Boolean, None),
        "date" => (Kind::Text, Some("date")),
        "dateTime" => (Kind::Text, Some("date-time")),
        "decimal" => (Kind::Number, Some("decimal")),
        "double" | "float" => (Kind::Number, Some("double")),
        "int" | "integer" | "long" | "short" | "byte" | "positiveInteger" | "nonNegativeInteger" | "unsignedInt"
        | "unsignedLong" | "unsignedShort" | "unsignedByte" => (Kind::Number, None),
        "anyType" => (Kind::Unknown, None),
        _ => (Kind::Text, None),
    };
    node.kind = kind;
    node.format = format.map(str::to_owned);
}

/// A qualified name without its prefix.
pub(super) fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

/// The words of an annotation or of a description's own documentation.
pub(super) fn documentation(element: &Element) -> String {
    let words = element
        .text_at("annotation/documentation")
        .or_else(|| element.text_at("documentation"));
    words
        .unwrap_or_default()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}
