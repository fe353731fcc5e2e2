//! WSDL 1.1 with XSD (W3C Note 15 March 2001) as a contract: one POST a operation of the SOAP bindings, with the JSON
//! schema of what its message holds. Document/literal and rpc/literal; where a message is encoded, it is read as literal
//! and that is told.

use super::paths;
use super::sources::Sources;
use super::tree::{At, Node};
use super::xsd::{Name, Page, Schemas, Space, XSD, child, documentation, local, resolved};
use crate::document::nearest;
use hub_core::{Finding, Severity, Text};
use roxmltree::{Document, Node as Element, ParsingOptions};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

const WSDL: &str = "http://schemas.xmlsoap.org/wsdl/";
const WSDL2: &str = "http://www.w3.org/ns/wsdl";
const SOAP: &str = "http://schemas.xmlsoap.org/wsdl/soap/";
const SOAP12: &str = "http://schemas.xmlsoap.org/wsdl/soap12/";
/// Elements and attributes of one file.
const MAX_NODES: u32 = 500_000;
/// Files of one description.
const MAX_FILES: usize = 500;
/// Levels of elements of one file.
const MAX_DEPTH: usize = 200;
/// Schemas that come with SOAP and XML themselves and that nobody packs.
const STANDARD: [&str; 6] = [
    "http://www.w3.org/XML/1998/namespace",
    "http://schemas.xmlsoap.org/soap/encoding/",
    "http://schemas.xmlsoap.org/soap/envelope/",
    "http://schemas.xmlsoap.org/wsdl/",
    "http://www.w3.org/2001/XMLSchema",
    "http://www.w3.org/2000/09/xmldsig#",
];

/// What an XML file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Wsdl,
    Other(&'static str),
}

/// Reads the first file of the set, an XML document.
pub(super) fn read(sources: &mut Sources<'_>) -> Result<Node, Finding> {
    let text = sources.text(0)?;
    {
        let document = parse(sources, 0, &text)?;
        if let What::Other(what) = what(&document) {
            return Err(super::intake::unknown(sources.name(0), what));
        }
    }
    let (texts, wanted) = gather(sources, text)?;
    let mut documents = Vec::new();
    for (file, text) in &texts {
        documents.push((*file, &**text, parse(sources, *file, text)?));
    }
    let mut schemas = Schemas::new();
    let mut definitions = Vec::new();
    let mut numbers: HashMap<u16, (usize, Element<'_, '_>)> = HashMap::new();
    for (file, text, document) in &documents {
        let page = schemas.page(Page::new(*file, text));
        numbers.insert(*file, (page, document.root_element()));
        if document.root_element().tag_name().name() == "definitions" {
            definitions.push((page, document.root_element()));
        }
    }
    let mut seen = HashSet::new();
    for (page, root) in &definitions {
        let file = documents.get(*page).map_or(0, |d| d.0);
        for schema in root
            .children()
            .filter(|c| c.tag_name().name() == "types")
            .flat_map(|t| t.children())
        {
            if schema.has_tag_name((XSD, "schema")) {
                take(&mut schemas, &numbers, &wanted, (file, *page, schema), None, &mut seen);
            }
        }
    }
    let contract = Contract {
        sources,
        schemas,
        definitions,
    };
    contract.write()
}

/// A parsed file within bounds; the parser follows no entity and no document type.
fn parse<'t>(sources: &Sources<'_>, file: u16, text: &'t str) -> Result<Document<'t>, Finding> {
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: MAX_NODES,
        ..ParsingOptions::default()
    };
    let document = Document::parse_with_options(text.trim_start_matches('\u{feff}'), options).map_err(|error| {
        let place = error.pos();
        let (zh, en) = match error {
            roxmltree::Error::DtdDetected => (
                "XML：不允许 DOCTYPE".to_owned(),
                "XML: a DOCTYPE is not allowed".to_owned(),
            ),
            roxmltree::Error::NodesLimitReached => (
                "XML：内容过多".to_owned(),
                "XML: there are too many elements".to_owned(),
            ),
            other => (format!("XML 语法错误（{other}）"), format!("XML: {other}")),
        };
        let words = Text::new(zh, en);
        Finding::error("xml-syntax", sources.name(file), words).at("", place.row as usize, place.col as usize)
    })?;
    let deep = document
        .descendants()
        .find(|n| n.is_element() && n.ancestors().nth(MAX_DEPTH).is_some());
    match deep {
        Some(_) => Err(Finding::error(
            "too-deep",
            sources.name(file),
            Text::new("嵌套过深", "Nested too deeply"),
        )
        .at("", 1, 1)),
        None => Ok(document),
    }
}

fn what(document: &Document<'_>) -> What {
    let root = document.root_element();
    match (root.tag_name().namespace(), root.tag_name().name()) {
        (Some(WSDL) | None, "definitions") => What::Wsdl,
        (Some(WSDL2), _) => What::Other("WSDL 2.0"),
        (_, "description") => What::Other("WSDL 2.0"),
        (_, "schema") => What::Other("XML Schema"),
        (_, "application") => What::Other("WADL"),
        (_, "Envelope") => What::Other("SOAP message"),
        (_, "html") => What::Other("HTML"),
        _ => What::Other("XML"),
    }
}

/// Texts with the numbers of their files.
type Texts = Vec<(u16, Rc<str>)>;

/// Imports by the file they stand in and the place they name.
type Wanted = HashMap<(u16, String), u16>;

/// The texts of all files, each reached by an import of another.
fn gather(sources: &mut Sources<'_>, first: Rc<str>) -> Result<(Texts, Wanted), Finding> {
    let mut texts = vec![(0, first)];
    let mut wanted = Wanted::new();
    let mut known = HashSet::from([0]);
    let mut missing = HashSet::new();
    let mut next = 0;
    while let Some((file, text)) = texts.get(next).cloned() {
        next += 1;
        let document = parse(sources, file, &text)?;
        let page = Page::new(file, &text);
        for element in document.descendants().filter(Element::is_element) {
            if !matches!(element.tag_name().name(), "import" | "include" | "redefine") {
                continue;
            }
            let Some(location) = element
                .attribute("schemaLocation")
                .or_else(|| element.attribute("location"))
            else {
                continue;
            };
            match sources.find(file, location) {
                Some(found) => {
                    wanted.insert((file, location.to_owned()), found);
                    if known.insert(found) && texts.len() < MAX_FILES {
                        let text = sources.text(found)?;
                        texts.push((found, text));
                    }
                }
                None => {
                    let standard = element.attribute("namespace").is_some_and(|n| STANDARD.contains(&n));
                    if !standard && missing.insert(location.to_owned()) {
                        tell_missing(sources, location, page.at(element));
                    }
                }
            }
        }
    }
    Ok((texts, wanted))
}

fn tell_missing(sources: &mut Sources<'_>, location: &str, at: At) {
    let add = paths::to_add(location);
    let words = Text::new(
        format!("缺少被引用的文件：{location}（不会自动下载）"),
        format!("The file it imports is not there: {location} (nothing is fetched)"),
    );
    let fix = Text::new(
        format!("请把 `{add}` 与 WSDL 一起打包成 zip 上传"),
        format!("Upload a zip of the WSDL and `{add}`."),
    );
    let finding = sources
        .finding(super::MISSING_FILE, at, "", words)
        .expected(add, location)
        .fix(fix);
    sources.findings.push(finding);
}

/// Takes a schema in, and those it imports; one that is included has the namespace of who includes it.
fn take<'x>(
    schemas: &mut Schemas<'x>,
    files: &HashMap<u16, (usize, Element<'x, 'x>)>,
    wanted: &Wanted,
    (file, page, schema): (u16, usize, Element<'x, 'x>),
    includer: Option<&str>,
    seen: &mut HashSet<(u16, usize, String)>,
) {
    let namespace = schema
        .attribute("targetNamespace")
        .or(includer)
        .unwrap_or_default()
        .to_owned();
    if !seen.insert((file, schema.range().start, namespace.clone())) {
        return;
    }
    schemas.add(schema, page, &namespace);
    for part in schema.children().filter(Element::is_element) {
        let Some(location) = part.attribute("schemaLocation") else {
            continue;
        };
        let includer = (part.tag_name().name() != "import").then_some(namespace.as_str());
        if part.tag_name().name() == "redefine" {
            schemas.add(part, page, &namespace);
        }
        let found = wanted.get(&(file, location.to_owned()));
        if let Some((file, (page, root))) = found.and_then(|f| Some((*f, *files.get(f)?)))
            && root.tag_name().name() == "schema"
        {
            take(schemas, files, wanted, (file, page, root), includer, seen);
        }
    }
}

struct Contract<'s, 'f, 'x> {
    sources: &'s mut Sources<'f>,
    schemas: Schemas<'x>,
    definitions: Vec<(usize, Element<'x, 'x>)>,
}

/// A binding to SOAP with the port type it binds and the address it is reached at.
#[derive(Clone, Copy)]
struct Binding<'x> {
    element: Element<'x, 'x>,
    page: usize,
    port_type: Element<'x, 'x>,
    style: &'x str,
    is_12: bool,
    address: Option<&'x str>,
}

impl<'x> Contract<'_, '_, 'x> {
    fn write(mut self) -> Result<Node, Finding> {
        let at = At {
            file: 0,
            line: 1,
            column: 1,
        };
        let mut bindings = self.bindings();
        if bindings.is_empty() {
            bindings = self.bare();
            if let Some(first) = bindings.first() {
                let words = Text::new(
                    "WSDL 没有 SOAP 绑定，已按 portType 以 document 方式读取；地址与 SOAPAction 须在连接器中填写",
                    "The WSDL has no SOAP binding; its port types were read in document style, and the connector has to say address and SOAPAction",
                );
                let at = self.schemas.at(first.page, first.element);
                let finding = self.sources.finding("no-binding", at, "", words);
                self.sources.findings.push(finding.severity(Severity::Warning));
            }
        }
        if bindings.is_empty() {
            let words = Text::new("WSDL 中没有 SOAP 绑定", "The WSDL has no SOAP binding");
            return Err(self.sources.finding("no-operations", at, "", words));
        }
        let mut root = Node::new_map(at);
        root.put("openapi", Node::leaf(at, "3.1.0"));
        root.put("info", self.info(at));
        if let Some(address) = bindings.iter().find_map(|b| b.address) {
            let mut server = Node::new_map(at);
            server.put("url", Node::leaf(at, address));
            root.put("servers", Node::list(at, vec![server]));
        }
        let mut paths = Node::new_map(at);
        let mut ids = HashSet::new();
        for binding in &bindings {
            for bound in elements(binding.element, "operation") {
                self.operation(*binding, bound, &mut paths, &mut ids);
            }
        }
        root.put("paths", paths);
        let shared = self.schemas.shared(at);
        let mut components = Node::new_map(at);
        components.put("schemas", shared);
        root.put("components", components);
        for (at, name) in std::mem::take(&mut self.schemas.unknown) {
            let words = Text::new(
                format!("类型或元素 `{name}` 没有定义，视为任意内容"),
                format!("The type or element `{name}` is defined nowhere; it counts as anything"),
            );
            let finding = self.sources.finding("unknown-type", at, "", words);
            self.sources.findings.push(finding.severity(Severity::Warning));
        }
        Ok(root)
    }

    fn info(&self, at: At) -> Node {
        let mut info = Node::new_map(at);
        let services = || self.definitions.iter().flat_map(|(_, d)| elements(*d, "service"));
        let title = services()
            .find_map(|s| s.attribute("name"))
            .or_else(|| self.definitions.iter().find_map(|(_, d)| d.attribute("name")));
        info.put("title", Node::leaf(at, title.unwrap_or("SOAP")));
        info.put("version", Node::leaf(at, "1"));
        let words = services()
            .map(documentation)
            .chain(self.definitions.iter().map(|(_, d)| documentation(*d)))
            .find(|w| !w.is_empty());
        if let Some(words) = words {
            info.put("description", Node::leaf(at, words));
        }
        info
    }

    /// All elements of a kind at the top of any of the files.
    fn top(&self, kind: &str) -> Vec<(usize, Element<'x, 'x>)> {
        let of = |(page, d): &(usize, Element<'x, 'x>)| elements(*d, kind).map(|e| (*page, e)).collect::<Vec<_>>();
        self.definitions.iter().flat_map(of).collect()
    }

    fn named(&self, kind: &str, name: &str) -> Option<(usize, Element<'x, 'x>)> {
        self.top(kind)
            .into_iter()
            .find(|(_, e)| e.attribute("name") == Some(local(name)))
    }

    /// The SOAP bindings, one for each port type, 1.1 before 1.2.
    fn bindings(&self) -> Vec<Binding<'x>> {
        let mut found: Vec<Binding<'x>> = Vec::new();
        for namespace in [SOAP, SOAP12] {
            for (page, element) in self.top("binding") {
                let Some(soap) = element.children().find(|c| c.has_tag_name((namespace, "binding"))) else {
                    continue;
                };
                let Some((_, port_type)) = element.attribute("type").and_then(|t| self.named("portType", t)) else {
                    continue;
                };
                if found.iter().any(|b| b.port_type == port_type) {
                    continue;
                }
                let name = element.attribute("name");
                let mut ports = self.top("service").into_iter().flat_map(|(_, s)| elements(s, "port"));
                let port = ports.find(|p| p.attribute("binding").map(local) == name);
                found.push(Binding {
                    element,
                    page,
                    port_type,
                    style: soap.attribute("style").unwrap_or("document"),
                    is_12: namespace == SOAP12,
                    address: port
                        .and_then(|p| child(p, "address"))
                        .and_then(|a| a.attribute("location")),
                });
            }
        }
        found
    }

    /// Port types as they are, where nothing binds them.
    fn bare(&self) -> Vec<Binding<'x>> {
        let of = |(page, port_type): (usize, Element<'x, 'x>)| Binding {
            element: port_type,
            page,
            port_type,
            style: "document",
            is_12: false,
            address: None,
        };
        self.top("portType").into_iter().map(of).collect()
    }

    fn operation(&mut self, binding: Binding<'x>, bound: Element<'x, 'x>, paths: &mut Node, ids: &mut HashSet<String>) {
        let at = self.schemas.at(binding.page, bound);
        let Some(name) = bound.attribute("name") else { return };
        let Some(declared) = elements(binding.port_type, "operation").find(|o| o.attribute("name") == Some(name))
        else {
            let near = nearest(
                name,
                elements(binding.port_type, "operation").filter_map(|o| o.attribute("name")),
            );
            let words = Text::new(
                format!("portType 中没有操作 `{name}`"),
                format!("The port type has no operation `{name}`"),
            );
            let finding = self.sources.finding("unknown-operation", at, "", words).near(near);
            self.sources.findings.push(finding);
            return;
        };
        let port = binding.port_type.attribute("name").unwrap_or_default();
        let id = match ids.insert(name.to_owned()) {
            true => name.to_owned(),
            false => format!("{port}.{name}"),
        };
        let soap = bound
            .children()
            .find(|c| c.is_element() && c.tag_name().name() == "operation");
        let style = soap.and_then(|s| s.attribute("style")).unwrap_or(binding.style);
        let is_rpc = style == "rpc";
        let mut operation = Node::new_map(at);
        operation.put("operationId", Node::leaf(at, id.clone()));
        let words = documentation(declared);
        if !words.is_empty() {
            operation.put("summary", Node::leaf(at, words));
        }
        let (element, request) = self.side(declared, bound, "input", is_rpc, at);
        let mut body = Node::new_map(at);
        body.put("required", Node::leaf(at, true));
        body.put("content", json_content(request, at));
        operation.put("requestBody", body);
        let mut responses = Node::new_map(at);
        if child(declared, "output").is_some() {
            let (_, answer) = self.side(declared, bound, "output", is_rpc, at);
            let mut response = Node::new_map(at);
            response.put("description", Node::leaf(at, "OK"));
            response.put("content", json_content(answer, at));
            responses.put("200", response);
        } else {
            let mut response = Node::new_map(at);
            response.put("description", Node::leaf(at, "Accepted"));
            responses.put("202", response);
        }
        operation.put("responses", responses);
        let action = soap.and_then(|s| s.attribute("soapAction")).unwrap_or_default();
        operation.put("x-soap", self.soap(binding, bound, style, action, element.as_ref(), at));
        let mut item = Node::new_map(at);
        item.put("post", operation);
        paths.put(format!("/{id}"), item);
    }

    /// How the message is packed: what a connector's manifest has to say.
    fn soap(
        &self,
        binding: Binding<'x>,
        bound: Element<'x, 'x>,
        style: &str,
        action: &str,
        element: Option<&Name>,
        at: At,
    ) -> Node {
        let mut soap = Node::new_map(at);
        soap.put("version", Node::leaf(at, if binding.is_12 { "1.2" } else { "1.1" }));
        soap.put("style", Node::leaf(at, style));
        soap.put("action", Node::leaf(at, action));
        let body = child(bound, "input").and_then(|i| child(i, "body"));
        let (namespace, name) = match element {
            Some((namespace, name)) => (namespace.as_str(), name.as_str()),
            None => {
                let own = body.and_then(|b| b.attribute("namespace"));
                let target = self
                    .definitions
                    .first()
                    .and_then(|(_, d)| d.attribute("targetNamespace"));
                (
                    own.or(target).unwrap_or_default(),
                    bound.attribute("name").unwrap_or_default(),
                )
            }
        };
        soap.put("namespace", Node::leaf(at, namespace));
        soap.put("element", Node::leaf(at, name));
        let qualified = element.is_some_and(|e| self.schemas.is_qualified(e));
        soap.put("qualified", Node::leaf(at, qualified));
        soap
    }

    /// The content of a message: of its element in document style, of its parts in RPC style.
    fn side(
        &mut self,
        declared: Element<'x, 'x>,
        bound: Element<'x, 'x>,
        direction: &str,
        is_rpc: bool,
        at: At,
    ) -> (Option<Name>, Node) {
        let message = child(declared, direction).and_then(|d| d.attribute("message"));
        let Some((page, message)) = message.and_then(|m| self.named("message", m)) else {
            let words = Text::new(
                format!("{direction} 的消息没有定义"),
                format!("The message of its {direction} is defined nowhere"),
            );
            let finding = self.sources.finding("unknown-message", at, "", words);
            self.sources.findings.push(finding);
            return (None, Node::new_map(at));
        };
        let body = child(bound, direction).and_then(|d| {
            d.descendants()
                .find(|b| b.is_element() && b.tag_name().name() == "body")
        });
        if body.and_then(|b| b.attribute("use")) == Some("encoded") {
            let words = Text::new(
                "`use=\"encoded\"` 已按 literal 读取",
                "`use=\"encoded\"` was read as literal",
            );
            let finding = self.sources.finding("soap-encoded", at, "", words);
            self.sources.findings.push(finding.severity(Severity::Note));
        }
        let named: Option<Vec<&str>> = body
            .and_then(|b| b.attribute("parts"))
            .map(|p| p.split_whitespace().collect());
        let head: HashSet<&str> = child(bound, direction)
            .into_iter()
            .flat_map(|d| elements(d, "header"))
            .filter(|h| h.attribute("message").map(local) == message.attribute("name"))
            .filter_map(|h| h.attribute("part"))
            .collect();
        let parts: Vec<Element<'x, 'x>> = elements(message, "part")
            .filter(|p| {
                let name = p.attribute("name").unwrap_or_default();
                named.as_ref().map_or(!head.contains(name), |n| n.contains(&name))
            })
            .collect();
        if let ([only], false) = (parts.as_slice(), is_rpc)
            && let Some(element) = only.attribute("element")
        {
            let name = resolved(*only, element);
            let at = self.schemas.at(page, *only);
            return (Some(name.clone()), self.schemas.refer(Space::Element, &name, at));
        }
        (None, self.parts(&parts, page, at))
    }

    fn parts(&mut self, parts: &[Element<'x, 'x>], page: usize, at: At) -> Node {
        let (mut properties, mut required) = (Node::new_map(at), Vec::new());
        for part in parts {
            let at = self.schemas.at(page, *part);
            let Some(name) = part.attribute("name") else { continue };
            let (name, node) = match (part.attribute("type"), part.attribute("element")) {
                (Some(named), _) => (name, self.schemas.named(*part, named, at)),
                (None, Some(element)) => {
                    let full = resolved(*part, element);
                    (local(element), self.schemas.refer(Space::Element, &full, at))
                }
                (None, None) => (name, Node::new_map(at)),
            };
            properties.put(name, node);
            required.push(Node::leaf(at, name));
        }
        let mut node = Node::new_map(at);
        node.put("type", Node::leaf(at, "object"));
        if !required.is_empty() {
            node.put("required", Node::list(at, required));
        }
        node.put("properties", properties);
        node
    }
}

fn elements<'a, 'i: 'a, 'n>(
    holder: Element<'a, 'i>,
    name: &'n str,
) -> impl Iterator<Item = Element<'a, 'i>> + use<'a, 'i, 'n> {
    holder
        .children()
        .filter(move |c| c.is_element() && c.tag_name().name() == name)
}

fn json_content(schema: Node, at: At) -> Node {
    let mut media = Node::new_map(at);
    media.put("schema", schema);
    let mut content = Node::new_map(at);
    content.put("application/json", media);
    content
}
