//! Swagger 2.0 as OpenAPI 3: the same things in other places. Schemas are rewritten afterwards.

use super::grammar::{Kind, OLD_VALUE, reference, walk};
use super::tree::{At, Content, Node};
use crate::document::escape;
use std::collections::HashMap;

const METHODS: [&str; 7] = ["get", "put", "post", "delete", "options", "head", "patch"];
const FORM: &str = "application/x-www-form-urlencoded";
const MULTIPART: &str = "multipart/form-data";
const JSON: &str = "application/json";

/// An OpenAPI-3-shaped tree of a Swagger 2.0 tree.
pub(super) fn convert(mut old: Node) -> Node {
    lift(&mut old);
    repoint(&mut old);
    let at = old.at;
    let mut context = Context {
        consumes: texts(old.take("consumes").as_ref()),
        produces: texts(old.take("produces").as_ref()),
        shared: HashMap::new(),
        servers: Servers::of(&mut old),
    };
    let mut root = Node::new_map(at);
    root.put("openapi", Node::leaf(at, "3.1.0"));
    old.take("swagger");
    if let Some(info) = old.take("info") {
        root.put("info", info);
    }
    root.put("servers", context.servers.list(at, None));
    let mut components = Node::new_map(at);
    if let Some(definitions) = old.take("definitions") {
        components.put("schemas", definitions);
    }
    context.parameters(old.take("parameters"), &mut components);
    if let Some(mut responses) = old.take("responses") {
        for response in responses.map_mut().into_iter().flatten().map(|(_, r)| r) {
            context.response(response, &context.produces);
        }
        components.put("responses", responses);
    }
    if let Some(mut schemes) = old.take("securityDefinitions") {
        for scheme in schemes.map_mut().into_iter().flatten().map(|(_, s)| s) {
            security(scheme);
        }
        components.put("securitySchemes", schemes);
    }
    if let Some(mut paths) = old.take("paths") {
        for (path, item) in paths.map_mut().into_iter().flatten() {
            if path.starts_with('/') {
                context.item(item);
            }
        }
        root.put("paths", paths);
    }
    if components.map().is_some_and(|m| !m.is_empty()) {
        root.put("components", components);
    }
    if let Content::Map(rest) = old.content {
        for (key, member) in rest {
            root.put(key, member);
        }
    }
    root
}

struct Context {
    consumes: Vec<String>,
    produces: Vec<String>,
    /// Shared parameters that are no parameters in OpenAPI 3: bodies and parts of forms.
    shared: HashMap<String, Node>,
    servers: Servers,
}

struct Servers {
    host: Option<(At, String)>,
    base: String,
    schemes: Vec<String>,
}

impl Servers {
    fn of(old: &mut Node) -> Self {
        let schemes = texts(old.take("schemes").as_ref());
        let base = old.take("basePath").and_then(|b| b.text().map(str::to_owned));
        let host = old.take("host").and_then(|h| Some((h.at, h.text()?.to_owned())));
        Self {
            host,
            base: base.unwrap_or_default(),
            schemes,
        }
    }

    fn list(&self, at: At, schemes: Option<&[String]>) -> Node {
        let path = match self.base.as_str() {
            "" if self.host.is_none() => "/".to_owned(),
            base => base.to_owned(),
        };
        let schemes = schemes.unwrap_or(&self.schemes);
        let (at, urls) = match &self.host {
            None => (at, vec![path]),
            Some((at, host)) if schemes.is_empty() => (*at, vec![format!("//{host}{path}")]),
            Some((at, host)) => (*at, schemes.iter().map(|s| format!("{s}://{host}{path}")).collect()),
        };
        let server = |url: String| {
            let mut server = Node::new_map(at);
            server.put("url", Node::leaf(at, url));
            server
        };
        Node::list(at, urls.into_iter().map(server).collect())
    }
}

impl Context {
    fn parameters(&mut self, shared: Option<Node>, components: &mut Node) {
        let Some(shared) = shared else { return };
        let mut kept = Node::new_map(shared.at);
        let Content::Map(map) = shared.content else { return };
        for (name, mut parameter) in map {
            if matches!(parameter.text_at("in"), Some("body" | "formData")) {
                self.shared
                    .insert(format!("#/components/parameters/{}", escape(&name)), parameter);
            } else {
                value(&mut parameter);
                kept.put(name, parameter);
            }
        }
        if kept.map().is_some_and(|m| !m.is_empty()) {
            components.put("parameters", kept);
        }
    }

    fn item(&self, item: &mut Node) {
        let common = item.take("parameters").map(|p| self.sorted(p));
        let (parameters, bodies) = common.unwrap_or_default();
        let at = item.at;
        for method in METHODS {
            if let Some(operation) = item.get_mut(method).filter(|o| o.map().is_some()) {
                self.operation(operation, &bodies);
            }
        }
        if !parameters.is_empty() {
            item.put("parameters", Node::list(at, parameters));
        }
    }

    /// Parameters as OpenAPI 3 has them, and what makes up the body.
    fn sorted(&self, parameters: Node) -> (Vec<Node>, Vec<Node>) {
        let (mut plain, mut bodies) = (Vec::new(), Vec::new());
        let Content::List(items) = parameters.content else {
            return (plain, bodies);
        };
        for mut parameter in items {
            if let Some(body) = parameter.text_at("$ref").and_then(|r| self.shared.get(r)) {
                bodies.push(body.clone());
            } else if matches!(parameter.text_at("in"), Some("body" | "formData")) {
                bodies.push(parameter);
            } else {
                value(&mut parameter);
                plain.push(parameter);
            }
        }
        (plain, bodies)
    }

    fn operation(&self, operation: &mut Node, common: &[Node]) {
        let at = operation.at;
        let consumes = match operation.take("consumes") {
            Some(own) => texts(Some(&own)),
            None => self.consumes.clone(),
        };
        let produces = match operation.take("produces") {
            Some(own) => texts(Some(&own)),
            None => self.produces.clone(),
        };
        let schemes = operation.take("schemes").map(|s| texts(Some(&s)));
        if let Some(own) = schemes.filter(|own| *own != self.servers.schemes && self.servers.host.is_some()) {
            operation.put("servers", self.servers.list(at, Some(&own)));
        }
        let mut bodies: Vec<Node> = common.to_vec();
        if let Some(parameters) = operation.take("parameters") {
            let place = parameters.at;
            let (plain, own) = self.sorted(parameters);
            let is_body = |n: &Node| n.text_at("in") == Some("body");
            // Its own body stands for the path's, and a part of a form for the path's of that name.
            bodies.retain(|b| {
                let same = |o: &Node| (is_body(o) && is_body(b)) || o.text_at("name") == b.text_at("name");
                !own.iter().any(same)
            });
            bodies.extend(own);
            if !plain.is_empty() {
                operation.put("parameters", Node::list(place, plain));
            }
        }
        if let Some(body) = body(bodies, &consumes) {
            operation.put("requestBody", body);
        }
        let responses = operation.get_mut("responses").and_then(Node::map_mut);
        for (key, response) in responses.into_iter().flatten() {
            if !key.starts_with("x-") {
                self.response(response, &produces);
            }
        }
    }

    fn response(&self, response: &mut Node, produces: &[String]) {
        if response.text_at("$ref").is_some() || response.map().is_none() {
            return;
        }
        let at = response.at;
        for header in response
            .get_mut("headers")
            .and_then(Node::map_mut)
            .into_iter()
            .flatten()
            .map(|(_, h)| h)
        {
            value(header);
        }
        let schema = response.take("schema");
        let mut examples = response.take("examples");
        if schema.is_none()
            && examples
                .as_ref()
                .is_none_or(|e| e.map().is_none_or(indexmap::IndexMap::is_empty))
        {
            return;
        }
        let mut types: Vec<String> = produces.to_vec();
        if let Some(map) = examples.as_ref().and_then(Node::map) {
            types.extend(map.keys().filter(|k| k.contains('/') && !produces.contains(k)).cloned());
        }
        if types.is_empty() {
            types.push(JSON.to_owned());
        }
        let mut content = Node::new_map(at);
        for name in types {
            let mut media = Node::new_map(at);
            if let Some(schema) = &schema {
                media.put("schema", schema.clone());
            }
            if let Some(example) = examples.as_mut().and_then(|e| e.take(&name)) {
                media.put("example", example);
            }
            content.put(name, media);
        }
        response.put("content", content);
    }
}

/// What a parameter or header says about its value, as a schema and a style.
fn value(parameter: &mut Node) {
    if parameter.text_at("$ref").is_some() || parameter.map().is_none() {
        return;
    }
    let stands = parameter.text_at("in").unwrap_or("header").to_owned();
    let (schema, style) = schema_of(parameter, &stands);
    let at = parameter.at;
    if let Some((style, explode)) = style {
        if let Some(style) = style {
            parameter.put("style", Node::leaf(at, style));
        }
        parameter.put("explode", Node::leaf(at, explode));
    }
    if parameter.get("schema").is_none() {
        parameter.put("schema", schema);
    }
}

/// Style and explode; no style where the usual one of the place fits.
type Style = Option<(Option<&'static str>, bool)>;

fn schema_of(parameter: &mut Node, stands: &str) -> (Node, Style) {
    let mut schema = Node::new_map(parameter.at);
    for key in OLD_VALUE {
        if let Some(word) = parameter.take(key) {
            schema.put(key, word);
        }
    }
    if let Some(word) = parameter.take("x-nullable") {
        schema.put("x-nullable", word);
    }
    let format = parameter.take("collectionFormat");
    let is_list = schema.text_at("type") == Some("array");
    let style = match format.as_ref().and_then(Node::text).unwrap_or("csv") {
        _ if !is_list => None,
        "multi" => Some((None, true)),
        "ssv" => Some((Some("spaceDelimited"), false)),
        "pipes" => Some((Some("pipeDelimited"), false)),
        "tsv" => {
            if let Some(format) = format {
                parameter.put("x-collectionFormat", format);
            }
            None
        }
        // Simple, the usual style of paths and headers, is what csv says.
        _ if stands == "path" || stands == "header" => None,
        _ => Some((None, false)),
    };
    inner_items(&mut schema);
    (schema, style)
}

/// `items` of parameters may say how inner lists are written, which a schema can't.
fn inner_items(schema: &mut Node) {
    let mut next = schema.get_mut("items");
    while let Some(items) = next {
        if let Some(format) = items.take("collectionFormat") {
            items.put("x-collectionFormat", format);
        }
        next = items.get_mut("items");
    }
}

fn body(parts: Vec<Node>, consumes: &[String]) -> Option<Node> {
    let at = parts.first()?.at;
    if let Some(index) = parts.iter().position(|p| p.text_at("in") == Some("body")) {
        let mut only = parts.into_iter().nth(index)?;
        let schema = only.take("schema").unwrap_or_else(|| Node::new_map(at));
        only.take("in");
        let name = only.take("name");
        let types = if consumes.is_empty() {
            vec![JSON.to_owned()]
        } else {
            consumes.to_vec()
        };
        let mut content = Node::new_map(at);
        for kind in types {
            let mut media = Node::new_map(at);
            media.put("schema", schema.clone());
            content.put(kind, media);
        }
        only.map_mut()?
            .retain(|k, _| k == "description" || k == "required" || k.starts_with("x-"));
        only.put("content", content);
        if let Some(name) = name {
            only.put("x-body-name", name);
        }
        return Some(only);
    }
    Some(form(at, parts, consumes))
}

fn form(at: At, parts: Vec<Node>, consumes: &[String]) -> Node {
    let has_file = parts.iter().any(|p| p.text_at("type") == Some("file"));
    let mut types: Vec<String> = consumes
        .iter()
        .filter(|c| c.starts_with(MULTIPART) || (c.starts_with(FORM) && !has_file))
        .cloned()
        .collect();
    if types.is_empty() {
        types.push(if has_file { MULTIPART } else { FORM }.to_owned());
    }
    // Where nothing is said, a form may come in either way.
    if consumes.is_empty() && !has_file {
        types.push(MULTIPART.to_owned());
    }
    let (mut properties, mut required, mut encoding) = (Node::new_map(at), Vec::new(), Node::new_map(at));
    for mut part in parts {
        let Some(name) = part.take("name").and_then(|n| n.text().map(str::to_owned)) else {
            continue;
        };
        if part.is_true("required") {
            required.push(Node::leaf(part.at, name.clone()));
        }
        let (mut schema, style) = schema_of(&mut part, "query");
        if let Some((style, explode)) = style {
            let mut how = Node::new_map(part.at);
            how.put("style", Node::leaf(part.at, style.unwrap_or("form")));
            how.put("explode", Node::leaf(part.at, explode));
            encoding.put(name.clone(), how);
        }
        for (key, member) in part.map_mut().map(std::mem::take).into_iter().flatten() {
            if key == "description" || key.starts_with("x-") {
                schema.put(key, member);
            }
        }
        properties.put(name, schema);
    }
    let mut schema = Node::new_map(at);
    schema.put("type", Node::leaf(at, "object"));
    let is_required = !required.is_empty();
    if is_required {
        schema.put("required", Node::list(at, required));
    }
    schema.put("properties", properties);
    let mut content = Node::new_map(at);
    for kind in types {
        let mut media = Node::new_map(at);
        media.put("schema", schema.clone());
        if encoding.map().is_some_and(|m| !m.is_empty()) {
            media.put("encoding", encoding.clone());
        }
        content.put(kind, media);
    }
    let mut body = Node::new_map(at);
    body.put("content", content);
    if is_required {
        body.put("required", Node::leaf(at, true));
    }
    body
}

fn security(scheme: &mut Node) {
    let at = scheme.at;
    match scheme.text_at("type") {
        Some("basic") => {
            scheme.put("type", Node::leaf(at, "http"));
            scheme.put("scheme", Node::leaf(at, "basic"));
        }
        Some("oauth2") => {
            let flow = scheme.take("flow");
            let name = match flow.as_ref().and_then(Node::text) {
                Some("application") => "clientCredentials",
                Some("accessCode") => "authorizationCode",
                Some("password") => "password",
                _ => "implicit",
            };
            let mut inner = Node::new_map(at);
            for key in ["authorizationUrl", "tokenUrl", "scopes"] {
                if let Some(member) = scheme.take(key) {
                    inner.put(key, member);
                }
            }
            if inner.get("scopes").is_none() {
                inner.put("scopes", Node::new_map(at));
            }
            let mut flows = Node::new_map(at);
            flows.put(name, inner);
            scheme.put("flows", flows);
        }
        _ => {}
    }
}

/// Schemas that are referred to where they stand, in a parameter or an answer, get a name: their place will not be there.
fn lift(root: &mut Node) {
    let mut wanted: Vec<String> = Vec::new();
    walk(root, Kind::OldRoot, &mut String::new(), &mut |node, kind, _| {
        if kind == Kind::Schema
            && let Some(text) = reference(node, kind)
            && text.starts_with("#/")
            && !text.starts_with("#/definitions/")
            && !wanted.iter().any(|w| w == text)
        {
            wanted.push(text.to_owned());
        }
    });
    let at = root.at;
    let mut names: HashMap<String, String> = HashMap::new();
    for text in wanted {
        let Some(found) = root.pointer(text.trim_start_matches('#')).cloned() else {
            continue;
        };
        if root.get("definitions").is_none() {
            root.put("definitions", Node::new_map(at));
        }
        let Some(definitions) = root.get_mut("definitions") else {
            return;
        };
        let Some(name) = (1..)
            .map(|n: usize| format!("shared_{n}"))
            .find(|n| definitions.get(n).is_none())
        else {
            return;
        };
        definitions.put(name.clone(), found);
        names.insert(text, format!("#/definitions/{name}"));
    }
    if names.is_empty() {
        return;
    }
    walk(root, Kind::OldRoot, &mut String::new(), &mut |node, kind, _| {
        let renamed = reference(node, kind).and_then(|text| names.get(text)).cloned();
        if let (Some(name), Some(place)) = (renamed, node.get_mut("$ref")) {
            *place = Node::leaf(place.at, name);
        }
    });
}

/// References to the rooms of Swagger, as references to those of OpenAPI 3.
fn repoint(root: &mut Node) {
    let moved = |text: &str| {
        let rooms = [
            ("#/definitions/", "#/components/schemas/"),
            ("#/parameters/", "#/components/parameters/"),
            ("#/responses/", "#/components/responses/"),
        ];
        rooms
            .into_iter()
            .find_map(|(old, new)| text.strip_prefix(old).map(|rest| format!("{new}{rest}")))
    };
    walk(root, Kind::OldRoot, &mut String::new(), &mut |node, kind, _| {
        let new = reference(node, kind).and_then(moved);
        if let (Some(new), Some(place)) = (new, node.get_mut("$ref")) {
            *place = Node::leaf(place.at, new);
        }
    });
}

/// Every media type holds the schema anew, so there is a limit that only a bomb meets.
const MAX_TYPES: usize = 64;

fn texts(list: Option<&Node>) -> Vec<String> {
    let items = list.map(Node::items).unwrap_or_default();
    items
        .iter()
        .filter_map(|i| i.text().map(str::to_owned))
        .take(MAX_TYPES)
        .collect()
}
