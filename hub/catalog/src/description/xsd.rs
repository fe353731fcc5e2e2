//! XML Schema 1.0 as JSON Schema, by the convention in which the hub reads XML messages: children by their local names,
//! attributes as `@name`, the text beside them as `#text`, what may repeat as a list.

use super::tree::{At, Node};
use roxmltree::Node as Element;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};

pub(super) const XSD: &str = "http://www.w3.org/2001/XMLSchema";
/// Levels of one declaration; named types end it, so more is no schema of a message.
const MAX_DEPTH: usize = 60;
/// Members of one type, its groups unfolded.
const MAX_MEMBERS: usize = 5_000;

/// A name with its namespace.
pub(super) type Name = (String, String);

/// Where elements stand: the number of the file, and the starts of its lines.
pub(super) struct Page<'t> {
    pub(super) file: u16,
    pub(super) text: &'t str,
    pub(super) starts: Vec<usize>,
}

impl<'t> Page<'t> {
    pub(super) fn new(file: u16, text: &'t str) -> Self {
        let breaks = text
            .bytes()
            .enumerate()
            .filter(|(_, b)| *b == b'\n')
            .map(|(i, _)| i + 1);
        Self {
            file,
            text,
            starts: std::iter::once(0).chain(breaks).collect(),
        }
    }

    pub(super) fn at(&self, element: Element<'_, '_>) -> At {
        let offset = element.range().start;
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or_default();
        let column = self.text.get(start..offset).map_or(0, |t| t.chars().count()) + 1;
        At {
            file: self.file,
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(column).unwrap_or(u32::MAX),
        }
    }
}

/// A global declaration and where it is.
#[derive(Clone, Copy)]
pub(super) struct Global<'x> {
    element: Element<'x, 'x>,
    page: usize,
}

/// What kind of declaration a name means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Space {
    Element,
    Type,
    Group,
    Attribute,
    AttributeGroup,
}

/// All schemas of a description, and the shared schemas made of them so far.
pub(super) struct Schemas<'x> {
    pages: Vec<Page<'x>>,
    globals: HashMap<(Space, Name), Global<'x>>,
    /// By local name alone, for documents that forget their imports.
    locals: HashMap<(Space, String), Name>,
    names: HashMap<(Space, Name), String>,
    taken: HashSet<String>,
    queue: Vec<(Space, Name, String)>,
    /// References to types that are nowhere.
    pub(super) unknown: Vec<(At, String)>,
    left: usize,
}

impl<'x> Schemas<'x> {
    pub(super) fn new() -> Self {
        Self {
            pages: Vec::new(),
            globals: HashMap::new(),
            locals: HashMap::new(),
            names: HashMap::new(),
            taken: HashSet::new(),
            queue: Vec::new(),
            unknown: Vec::new(),
            left: super::sources::MAX_VALUES,
        }
    }

    pub(super) fn page(&mut self, page: Page<'x>) -> usize {
        self.pages.push(page);
        self.pages.len() - 1
    }

    pub(super) fn at(&self, page: usize, element: Element<'_, '_>) -> At {
        self.pages.get(page).map(|p| p.at(element)).unwrap_or_default()
    }

    /// Takes in the declarations of one schema; an included one has the namespace of who includes it.
    pub(super) fn add(&mut self, schema: Element<'x, 'x>, page: usize, namespace: &str) {
        for element in schema.children().filter(Element::is_element) {
            let Some(name) = element.attribute("name") else {
                continue;
            };
            let space = match element.tag_name().name() {
                "element" => Space::Element,
                "complexType" | "simpleType" => Space::Type,
                "group" => Space::Group,
                "attribute" => Space::Attribute,
                "attributeGroup" => Space::AttributeGroup,
                _ => continue,
            };
            let full = (namespace.to_owned(), name.to_owned());
            self.locals
                .entry((space, name.to_owned()))
                .or_insert_with(|| full.clone());
            self.globals.entry((space, full)).or_insert(Global { element, page });
        }
    }

    fn find(&self, space: Space, name: &Name) -> Option<(Name, Global<'x>)> {
        if let Some(global) = self.globals.get(&(space, name.clone())) {
            return Some((name.clone(), *global));
        }
        let full = self.locals.get(&(space, name.1.clone()))?;
        self.globals.get(&(space, full.clone())).map(|g| (full.clone(), *g))
    }

    /// Whether what stands in a global element is qualified.
    pub(super) fn is_qualified(&self, name: &Name) -> bool {
        let found = self.find(Space::Element, name);
        let schema = found.and_then(|(_, g)| g.element.ancestors().find(|a| a.tag_name().name() == "schema"));
        schema.and_then(|s| s.attribute("elementFormDefault")) == Some("qualified")
    }

    /// A reference to the shared schema of a global element or type.
    pub(super) fn refer(&mut self, space: Space, name: &Name, at: At) -> Node {
        let mut node = Node::new_map(at);
        let Some((full, _)) = self.find(space, name) else {
            self.unknown.push((at, name.1.clone()));
            return node;
        };
        let key = (space, full.clone());
        let shared = match self.names.get(&key) {
            Some(shared) => shared.clone(),
            None => {
                let base = full.1.clone();
                let free = (1..)
                    .map(|n: usize| if n == 1 { base.clone() } else { format!("{base}_{n}") })
                    .find(|n| !self.taken.contains(n));
                let shared = free.unwrap_or(base);
                self.taken.insert(shared.clone());
                self.names.insert(key, shared.clone());
                self.queue.push((space, full, shared.clone()));
                shared
            }
        };
        let reference = format!("#/components/schemas/{}", crate::document::escape(&shared));
        node.put("$ref", Node::leaf(at, reference));
        node
    }

    /// The shared schemas of all that was referred to.
    pub(super) fn shared(&mut self, at: At) -> Node {
        let mut all = Node::new_map(at);
        while let Some((space, name, shared)) = self.queue.pop() {
            let Some((_, global)) = self.find(space, &name) else {
                continue;
            };
            let node = match space {
                Space::Element => self.element(global.element, global.page, MAX_DEPTH),
                _ => self.type_of(global.element, global.page, MAX_DEPTH),
            };
            all.put(shared, node);
        }
        all
    }

    /// The schema of one occurrence of an element.
    fn element(&mut self, element: Element<'x, 'x>, page: usize, depth: usize) -> Node {
        let at = self.at(page, element);
        let (Some(depth), Some(left)) = (depth.checked_sub(1), self.left.checked_sub(1)) else {
            return Node::new_map(at);
        };
        self.left = left;
        if let Some(reference) = element.attribute("ref") {
            return self.refer(Space::Element, &resolved(element, reference), at);
        }
        let mut node = if let Some(inner) = child(element, "complexType").or_else(|| child(element, "simpleType")) {
            self.type_of(inner, page, depth)
        } else if let Some(named) = element.attribute("type") {
            self.named(element, named, at)
        } else {
            Node::new_map(at)
        };
        described(&mut node, element, at);
        if element.attribute("nillable") == Some("true") {
            node = or_null(node, at);
        }
        for key in ["default", "fixed"] {
            if let Some(value) = element
                .attribute(key)
                .filter(|_| node.text_at("type") == Some("string"))
            {
                node.put(if key == "fixed" { "const" } else { key }, Node::leaf(at, value));
            }
        }
        node
    }

    /// A type by its name.
    pub(super) fn named(&mut self, scope: Element<'_, '_>, name: &str, at: At) -> Node {
        let full = resolved(scope, name);
        if full.0 == XSD && !self.globals.contains_key(&(Space::Type, full.clone())) {
            return Node::from_value(at, &builtin(&full.1));
        }
        self.refer(Space::Type, &full, at)
    }

    fn type_of(&mut self, declared: Element<'x, 'x>, page: usize, depth: usize) -> Node {
        let at = self.at(page, declared);
        let Some(depth) = depth.checked_sub(1) else {
            return Node::new_map(at);
        };
        let mut node = match declared.tag_name().name() {
            "simpleType" => self.simple(declared, page, depth),
            _ => self.complex(declared, page, depth),
        };
        described(&mut node, declared, at);
        node
    }

    fn complex(&mut self, declared: Element<'x, 'x>, page: usize, depth: usize) -> Node {
        let at = self.at(page, declared);
        let content = child(declared, "complexContent").or_else(|| child(declared, "simpleContent"));
        let derived = content.and_then(|c| child(c, "extension").or_else(|| child(c, "restriction")));
        let Some(derived) = derived else {
            return self.object(declared, page, depth, at);
        };
        let base = derived.attribute("base").unwrap_or("xs:anyType");
        if content.is_some_and(|c| c.tag_name().name() == "simpleContent") {
            let text = self.named(derived, base, at);
            let mut own = self.object(derived, page, depth, at);
            if own
                .get("properties")
                .and_then(Node::map)
                .is_none_or(indexmap::IndexMap::is_empty)
            {
                return text;
            }
            if text.get("$ref").is_some() && self.is_complex(derived, base) {
                return both(text, own, at);
            }
            if let Some(properties) = own.get_mut("properties") {
                properties.put("#text", text);
            }
            return own;
        }
        let own = self.object(derived, page, depth, at);
        // A restriction says all of its members again; what it leaves out is gone.
        if derived.tag_name().name() == "restriction" || resolved(derived, base).0 == XSD {
            return own;
        }
        let base = self.named(derived, base, at);
        both(base, own, at)
    }

    fn is_complex(&self, scope: Element<'_, '_>, name: &str) -> bool {
        let found = self.find(Space::Type, &resolved(scope, name));
        found.is_some_and(|(_, g)| g.element.tag_name().name() == "complexType")
    }

    fn object(&mut self, holder: Element<'x, 'x>, page: usize, depth: usize, at: At) -> Node {
        let mut members = Members {
            properties: Node::new_map(at),
            required: Vec::new(),
            left: MAX_MEMBERS,
        };
        self.members(holder, page, depth, false, true, &mut members);
        let mut node = Node::new_map(at);
        node.put("type", Node::leaf(at, "object"));
        if !members.required.is_empty() {
            node.put("required", Node::list(at, members.required));
        }
        node.put("properties", members.properties);
        node
    }

    fn members(
        &mut self,
        holder: Element<'x, 'x>,
        page: usize,
        depth: usize,
        many: bool,
        must: bool,
        to: &mut Members,
    ) {
        let Some(depth) = depth.checked_sub(1) else { return };
        for part in holder.children().filter(Element::is_element) {
            let Some(left) = to.left.checked_sub(1) else { return };
            to.left = left;
            let many = many || repeats(part);
            let must = must && part.attribute("minOccurs") != Some("0");
            match part.tag_name().name() {
                "sequence" | "all" => self.members(part, page, depth, many, must, to),
                "choice" => self.members(part, page, depth, many, false, to),
                "element" => self.member(part, page, depth, many, must, to),
                "group" => {
                    let found = part
                        .attribute("ref")
                        .and_then(|r| self.find(Space::Group, &resolved(part, r)));
                    if let Some((_, group)) = found {
                        self.members(group.element, group.page, depth, many, must, to);
                    }
                }
                "attributeGroup" => {
                    let found = part
                        .attribute("ref")
                        .and_then(|r| self.find(Space::AttributeGroup, &resolved(part, r)));
                    if let Some((_, group)) = found {
                        self.members(group.element, group.page, depth, false, true, to);
                    }
                }
                "attribute" => self.attribute(part, page, depth, to),
                _ => {}
            }
        }
    }

    fn member(&mut self, part: Element<'x, 'x>, page: usize, depth: usize, many: bool, must: bool, to: &mut Members) {
        let at = self.at(page, part);
        let name = part
            .attribute("name")
            .or_else(|| part.attribute("ref").map(local))
            .unwrap_or_default();
        let mut node = self.element(part, page, depth);
        // An element that stands twice in a type is a list in the message.
        let again = to.properties.get(name).is_some();
        if many || again {
            let mut list = Node::new_map(at);
            list.put("type", Node::leaf(at, "array"));
            list.put("items", node);
            let limit = |key| part.attribute(key).and_then(|n| n.parse::<u64>().ok());
            if let Some(least) = limit("minOccurs").filter(|n| *n > 1 && !again) {
                list.put("minItems", Node::leaf(at, least));
            }
            if let Some(most) = limit("maxOccurs").filter(|n| *n > 1 && !again) {
                list.put("maxItems", Node::leaf(at, most));
            }
            node = list;
        }
        to.properties.put(name, node);
        if must && !again {
            to.required.push(Node::leaf(at, name));
        }
    }

    fn attribute(&mut self, part: Element<'x, 'x>, page: usize, depth: usize, to: &mut Members) {
        if part.attribute("use") == Some("prohibited") {
            return;
        }
        let at = self.at(page, part);
        let mut declared = part;
        if let Some(reference) = part.attribute("ref")
            && let Some((_, global)) = self.find(Space::Attribute, &resolved(part, reference))
        {
            declared = global.element;
        }
        let name = declared.attribute("name").or_else(|| part.attribute("ref").map(local));
        let mut node = match (child(declared, "simpleType"), declared.attribute("type")) {
            (Some(simple), _) => self.type_of(simple, page, depth),
            (None, Some(named)) => self.named(declared, named, at),
            (None, None) => Node::from_value(at, &builtin("string")),
        };
        described(&mut node, declared, at);
        let name = format!("@{}", name.unwrap_or_default());
        if part.attribute("use") == Some("required") {
            to.required.push(Node::leaf(at, name.clone()));
        }
        to.properties.put(name, node);
    }

    fn simple(&mut self, declared: Element<'x, 'x>, page: usize, depth: usize) -> Node {
        let at = self.at(page, declared);
        if let Some(union) = child(declared, "union") {
            let mut members: Vec<Node> = Vec::new();
            for name in union.attribute("memberTypes").unwrap_or_default().split_whitespace() {
                members.push(self.named(union, name, at));
            }
            for inner in union.children().filter(|c| c.tag_name().name() == "simpleType") {
                members.push(self.type_of(inner, page, depth));
            }
            let mut node = Node::new_map(at);
            if !members.is_empty() {
                node.put("anyOf", Node::list(at, members));
            }
            return node;
        }
        let Some(restriction) = child(declared, "restriction") else {
            // A list is one text with spaces between.
            return Node::from_value(at, &builtin("string"));
        };
        let base = match (child(restriction, "simpleType"), restriction.attribute("base")) {
            (Some(inner), _) => self.type_of(inner, page, depth),
            (None, Some(base)) => self.named(restriction, base, at),
            (None, None) => Node::from_value(at, &builtin("string")),
        };
        let is_text = base.text_at("type").is_none_or(|t| t == "string");
        let facets = self.facets(restriction, page, is_text, at);
        if facets.map().is_none_or(indexmap::IndexMap::is_empty) {
            return base;
        }
        if base.get("$ref").is_some() {
            return both(base, facets, at);
        }
        let mut node = base;
        if let (Some(own), super::tree::Content::Map(facets)) = (node.map_mut(), facets.content) {
            own.extend(facets);
        }
        node
    }

    fn facets(&self, restriction: Element<'x, 'x>, page: usize, is_text: bool, at: At) -> Node {
        let mut node = Node::new_map(at);
        let (mut choices, mut patterns) = (Vec::new(), Vec::new());
        for facet in restriction.children().filter(Element::is_element) {
            let Some(value) = facet.attribute("value") else {
                continue;
            };
            let at = self.at(page, facet);
            let number = || value.trim().parse::<serde_json::Number>().ok();
            let mut put = |key: &str, number: Option<serde_json::Number>| {
                if let Some(number) = number {
                    node.put(key, Node::leaf(at, Value::Number(number)));
                }
            };
            match facet.tag_name().name() {
                "enumeration" => choices.push(match number().filter(|_| !is_text) {
                    Some(number) => Node::leaf(at, Value::Number(number)),
                    None => Node::leaf(at, value),
                }),
                "pattern" => patterns.push(format!("(?:{value})")),
                "length" => {
                    put("minLength", number());
                    put("maxLength", number());
                }
                "minLength" | "maxLength" if is_text => put(facet.tag_name().name(), number()),
                "minInclusive" if !is_text => put("minimum", number()),
                "maxInclusive" if !is_text => put("maximum", number()),
                "minExclusive" if !is_text => put("exclusiveMinimum", number()),
                "maxExclusive" if !is_text => put("exclusiveMaximum", number()),
                _ => {}
            }
        }
        if !choices.is_empty() {
            node.put("enum", Node::list(at, choices));
        }
        if !patterns.is_empty() && is_text {
            // Patterns of XML Schema cover the whole value, several are alternatives.
            node.put("pattern", Node::leaf(at, format!("^(?:{})$", patterns.join("|"))));
        }
        node
    }
}

struct Members {
    properties: Node,
    required: Vec<Node>,
    left: usize,
}

fn both(first: Node, second: Node, at: At) -> Node {
    let mut node = Node::new_map(at);
    node.put("allOf", Node::list(at, vec![first, second]));
    node
}

fn or_null(mut node: Node, at: At) -> Node {
    if let Some(kind) = node.text_at("type").map(str::to_owned)
        && node.get("enum").is_none()
    {
        node.put(
            "type",
            Node::list(at, vec![Node::leaf(at, kind), Node::leaf(at, "null")]),
        );
        return node;
    }
    let null = Node::from_value(at, &json!({"type": "null"}));
    let mut either = Node::new_map(at);
    either.put("anyOf", Node::list(at, vec![node, null]));
    either
}

fn described(node: &mut Node, element: Element<'_, '_>, at: At) {
    let words = documentation(element);
    if !words.is_empty() && node.get("description").is_none() {
        node.put("description", Node::leaf(at, words));
    }
}

/// The words of an annotation, or of a description's own documentation.
pub(super) fn documentation(element: Element<'_, '_>) -> String {
    let holder = child(element, "annotation").unwrap_or(element);
    let parts = holder
        .children()
        .filter(|c| c.tag_name().name() == "documentation")
        .flat_map(|d| d.descendants())
        .filter(Element::is_text)
        .filter_map(|t| t.text());
    parts.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

pub(super) fn child<'a, 'i>(element: Element<'a, 'i>, name: &str) -> Option<Element<'a, 'i>> {
    element
        .children()
        .find(|c| c.is_element() && c.tag_name().name() == name)
}

fn repeats(element: Element<'_, '_>) -> bool {
    element.attribute("maxOccurs").is_some_and(|m| m != "1" && m != "0")
}

/// A qualified name without its prefix.
pub(super) fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

/// A qualified name as namespace and local name, by the declarations in scope.
pub(super) fn resolved(scope: Element<'_, '_>, name: &str) -> Name {
    let (prefix, own) = match name.split_once(':') {
        Some((prefix, own)) => (Some(prefix), own),
        None => (None, name),
    };
    let namespace = scope.lookup_namespace_uri(prefix).unwrap_or_default();
    (namespace.to_owned(), own.to_owned())
}

/// Types of XML Schema Part 2 as JSON Schema.
fn builtin(name: &str) -> Value {
    let whole = |least: Option<i64>, most: Option<u64>| {
        let mut schema = json!({"type": "integer"});
        if let (Some(map), Some(least)) = (schema.as_object_mut(), least) {
            map.insert("minimum".into(), least.into());
        }
        if let (Some(map), Some(most)) = (schema.as_object_mut(), most) {
            map.insert("maximum".into(), most.into());
        }
        schema
    };
    match name {
        "anyType" | "anySimpleType" => json!({}),
        "boolean" => json!({"type": "boolean"}),
        "decimal" | "float" | "double" => json!({"type": "number"}),
        "integer" => whole(None, None),
        "long" => json!({"type": "integer", "format": "int64"}),
        "int" => json!({"type": "integer", "format": "int32"}),
        "short" => whole(Some(-32_768), Some(32_767)),
        "byte" => whole(Some(-128), Some(127)),
        "nonNegativeInteger" | "unsignedLong" => whole(Some(0), None),
        "unsignedInt" => whole(Some(0), Some(4_294_967_295)),
        "unsignedShort" => whole(Some(0), Some(65_535)),
        "unsignedByte" => whole(Some(0), Some(255)),
        "positiveInteger" => whole(Some(1), None),
        "nonPositiveInteger" => whole(None, Some(0)),
        "negativeInteger" => json!({"type": "integer", "exclusiveMaximum": 0}),
        "date" => json!({"type": "string", "format": "date"}),
        "dateTime" => json!({"type": "string", "format": "date-time"}),
        "duration" => json!({"type": "string", "format": "duration"}),
        "base64Binary" => json!({"type": "string", "contentEncoding": "base64"}),
        _ => json!({"type": "string"}),
    }
}
