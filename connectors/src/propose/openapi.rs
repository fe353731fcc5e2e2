//! An upstream's own OpenAPI 3.x or Swagger 2.0 document.

use super::ProposeError;
use super::envelope::{self, Envelope};
use super::upstream::{Kind, Node, Part, Upstream, UpstreamCall};
use super::values::text;
use hub_core::Text;
use serde_json::Value;

/// References behind references that are followed; recursive schemas end there.
const DEPTH: usize = 10;
const METHODS: [&str; 7] = ["get", "post", "put", "patch", "delete", "head", "options"];

/// Reads a document.
pub(super) fn read(document: &Value) -> Result<Upstream, ProposeError> {
    let is_old = document.get("swagger").is_some();
    if !is_old && document.get("openapi").is_none() {
        return Err(ProposeError::Unreadable("neither `openapi` nor `swagger`".to_owned()));
    }
    let reader = Reader { document };
    let (address, base) = reader.address(is_old);
    let mut calls = Vec::new();
    let mut is_form = false;
    for (path, item) in members(document.get("paths")) {
        for (method, operation) in members(Some(item)).filter(|(m, _)| METHODS.contains(&m.as_str())) {
            let (call, form) = reader.call(&base, path, method, item, operation);
            is_form |= form;
            calls.push(call);
        }
    }
    if calls.is_empty() {
        return Err(ProposeError::Nothing(Text::new("没有操作", "it has no operations")));
    }
    let envelopes: Vec<Envelope> = calls.iter_mut().map(|c| envelope::take(&mut c.response)).collect();
    let enveloped = envelopes.iter().filter(|e| e.code.is_some()).count() * 2 > envelopes.len();
    let mut parts: Vec<Part> = reader.security().into_iter().collect();
    if enveloped || envelopes.iter().any(|e| !e.data.is_empty()) {
        parts.extend(envelope::unify(&envelopes, &mut calls));
    }
    Ok(Upstream {
        calls,
        dialect: match (is_form, enveloped) {
            (true, _) => "form",
            (false, true) => "rest-envelope",
            (false, false) => "rest-json",
        },
        address,
        path: None,
        parts,
        is_complete: true,
    })
}

fn members(value: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    value.and_then(Value::as_object).into_iter().flatten()
}

fn word<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

struct Reader<'d> {
    document: &'d Value,
}

impl<'d> Reader<'d> {
    fn resolved(&self, value: &'d Value) -> &'d Value {
        let mut value = value;
        for _ in 0..DEPTH {
            let target = value
                .get("$ref")
                .and_then(Value::as_str)
                .and_then(|r| r.strip_prefix('#'));
            match target.and_then(|pointer| self.document.pointer(pointer)) {
                Some(next) => value = next,
                None => break,
            }
        }
        value
    }

    /// The whole address, and the path that stands before all others.
    fn address(&self, is_old: bool) -> (Option<String>, String) {
        if is_old {
            let base = word(self.document, "basePath").trim_end_matches('/').to_owned();
            let host = word(self.document, "host");
            return ((!host.is_empty()).then(|| format!("https://{host}{base}")), base);
        }
        let server = self
            .document
            .pointer("/servers/0/url")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let path = match url::Url::parse(server) {
            Ok(url) => url.path().to_owned(),
            Err(_) => server.to_owned(),
        };
        let address = (!server.is_empty()).then(|| server.to_owned());
        let path = if path.contains('{') { String::new() } else { path };
        (address, path.trim_end_matches('/').to_owned())
    }

    fn call(
        &self,
        base: &str,
        path: &str,
        method: &str,
        item: &'d Value,
        operation: &'d Value,
    ) -> (UpstreamCall, bool) {
        let method = method.to_ascii_uppercase();
        let in_query = matches!(method.as_str(), "GET" | "HEAD" | "DELETE");
        let mut request = Node {
            kind: Kind::Object,
            ..Node::default()
        };
        let mut is_form = false;
        let listed = [item, operation]
            .into_iter()
            .filter_map(|v| v.get("parameters")?.as_array())
            .flatten();
        for parameter in listed.map(|p| self.resolved(p)) {
            match word(parameter, "in") {
                "body" => {
                    if let Some(schema) = parameter.get("schema") {
                        let body = self.node("", schema, DEPTH);
                        request.children.extend(body.children);
                    }
                }
                place => {
                    is_form |= place == "formData";
                    let schema = parameter.get("schema").unwrap_or(parameter);
                    let mut node = self.node(word(parameter, "name"), schema, DEPTH);
                    node.words = format!("{} {}", word(parameter, "description"), node.words)
                        .trim()
                        .to_owned();
                    node.required = parameter.get("required") == Some(&Value::Bool(true));
                    node.place = match place {
                        "query" if !in_query => Some("query"),
                        "header" => Some("header"),
                        "cookie" => Some("cookie"),
                        "path" => Some("path"),
                        _ => None,
                    };
                    if let Some(example) = parameter.get("example") {
                        node.learn(example);
                    }
                    // What identifies the caller is no field; `auth` and `send` say it.
                    if node.place != Some("header") || !is_credential(&node.name) {
                        request.children.push(node);
                    }
                }
            }
        }
        if let Some(content) = operation
            .get("requestBody")
            .map(|b| self.resolved(b))
            .and_then(|b| b.get("content"))
        {
            let (media, body) = self.content(content);
            is_form |= media.contains("x-www-form-urlencoded");
            request.children.extend(body.children);
        }
        let mut more = Vec::new();
        if is_form && in_query {
            is_form = false;
        }
        let response = self.response(operation);
        let id = word(operation, "operationId");
        let name = if id.is_empty() { last_words(path) } else { id.to_owned() };
        if method == "DELETE" && request.children.iter().any(|c| c.place.is_none()) {
            more.push(("in".to_owned(), "query".to_owned()));
        }
        let call = UpstreamCall {
            name,
            call: format!("{method} {base}{path}"),
            words: [word(operation, "summary"), word(operation, "description")]
                .join(" ")
                .trim()
                .to_owned(),
            method,
            request,
            response,
            is_ordered: false,
            more,
        };
        (call, is_form)
    }

    fn response(&self, operation: &'d Value) -> Node {
        let good = members(operation.get("responses"))
            .find(|(status, _)| status.starts_with('2'))
            .or_else(|| members(operation.get("responses")).find(|(status, _)| *status == "default"));
        let Some((_, response)) = good else {
            return Node::default();
        };
        let response = self.resolved(response);
        if let Some(schema) = response.get("schema") {
            let mut node = self.node("", schema, DEPTH);
            members(response.get("examples")).for_each(|(_, example)| node.learn(example));
            return node;
        }
        response.get("content").map(|c| self.content(c).1).unwrap_or_default()
    }

    /// The first JSON, form or other content with its tree, and what its examples show.
    fn content(&self, content: &'d Value) -> (String, Node) {
        let Some(all) = content.as_object() else {
            return Default::default();
        };
        let json = all.iter().find(|(media, _)| media.contains("json"));
        let Some((media, described)) = json.or_else(|| all.iter().next()) else {
            return Default::default();
        };
        let mut node = described
            .get("schema")
            .map(|s| self.node("", s, DEPTH))
            .unwrap_or_default();
        if let Some(example) = described.get("example") {
            node.learn(example);
        }
        for (_, example) in members(described.get("examples")) {
            if let Some(value) = self.resolved(example).get("value") {
                node.learn(value);
            }
        }
        (media.clone(), node)
    }

    fn node(&self, name: &str, schema: &'d Value, depth: usize) -> Node {
        let mut node = Node::named(name);
        let Some(depth) = depth.checked_sub(1) else { return node };
        let schema = self.resolved(schema);
        node.words = [word(schema, "title"), word(schema, "description")]
            .join(" ")
            .trim()
            .to_owned();
        let kind = schema.get("type");
        let is = |wanted: &str| match kind {
            Some(Value::String(one)) => one == wanted,
            Some(Value::Array(many)) => many.iter().any(|k| k == wanted),
            _ => false,
        };
        if is("array") || schema.get("items").is_some() {
            let item = schema
                .get("items")
                .map(|i| self.node(name, i, depth))
                .unwrap_or_default();
            node.words = format!("{} {}", node.words, item.words).trim().to_owned();
            node.kind = item.kind;
            node.children = item.children;
            node.samples = item.samples;
            node.is_list = true;
        } else {
            node.kind = match () {
                () if is("object") || schema.get("properties").is_some() => Kind::Object,
                () if is("integer") || is("number") => Kind::Number,
                () if is("boolean") => Kind::Boolean,
                () if is("string") => Kind::Text,
                () => Kind::Unknown,
            };
            let format = word(schema, "format");
            let format = if is("number") && format.is_empty() {
                "double"
            } else {
                format
            };
            node.format = (!format.is_empty() && !format.starts_with("int")).then(|| format.to_owned());
            let choices = schema.get("enum").and_then(Value::as_array).into_iter().flatten();
            node.choices = choices.map(text).filter(|t| !t.is_empty()).collect();
            self.members_of(&mut node, schema, depth);
        }
        for key in ["example", "default"] {
            if let Some(value) = schema.get(key) {
                node.learn(value);
            }
        }
        node
    }

    fn members_of(&self, node: &mut Node, schema: &'d Value, depth: usize) {
        let required: Vec<&str> = schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        for (name, member) in members(schema.get("properties")) {
            let mut child = self.node(name, member, depth);
            child.required = required.contains(&name.as_str());
            node.children.push(child);
        }
        for key in ["allOf", "oneOf", "anyOf"] {
            for part in schema.get(key).and_then(Value::as_array).into_iter().flatten() {
                let part = self.node("", part, depth);
                if node.kind == Kind::Unknown {
                    node.kind = part.kind;
                }
                node.merge(part);
            }
        }
    }

    /// The first scheme of the document that manifests know.
    fn security(&self) -> Option<Part> {
        let schemes = self
            .document
            .pointer("/components/securitySchemes")
            .or_else(|| self.document.get("securityDefinitions"));
        let reason = Text::new("取自文档的安全方案", "from the document's security scheme");
        members(schemes).find_map(|(_, scheme)| {
            let scheme = self.resolved(scheme);
            let entries = match (word(scheme, "type"), word(scheme, "scheme"), word(scheme, "in")) {
                ("basic", ..) | ("http", "basic", _) => {
                    vec![("basic".to_owned(), "[secret:user, secret:password]".to_owned())]
                }
                ("http", "bearer", _) => vec![("bearer".to_owned(), "secret:token".to_owned())],
                ("apiKey", _, "header") => vec![
                    ("header".to_owned(), super::write::quoted(word(scheme, "name"))),
                    ("value".to_owned(), "secret:key".to_owned()),
                ],
                ("apiKey", _, "query") => vec![
                    ("query".to_owned(), super::write::quoted(word(scheme, "name"))),
                    ("value".to_owned(), "secret:key".to_owned()),
                ],
                ("oauth2", ..) => return Some(self.token(scheme)),
                _ => return None,
            };
            Some(Part::new("auth", entries, 85, reason.clone()))
        })
    }

    /// A token endpoint, for client credentials.
    fn token(&self, scheme: &Value) -> Part {
        let url = scheme
            .pointer("/flows/clientCredentials/tokenUrl")
            .or_else(|| scheme.get("tokenUrl"))
            .and_then(Value::as_str)
            .unwrap_or("/oauth/token");
        let path = url::Url::parse(url).map_or_else(|_| url.to_owned(), |u| u.path().to_owned());
        let entries = [
            ("login", format!("POST {path}")),
            ("sends", "form".to_owned()),
            (
                "send",
                "{grant_type: client_credentials, client_id: secret:id, client_secret: secret:secret}".to_owned(),
            ),
            ("answer", "{}".to_owned()),
            ("read", "{token: /access_token}".to_owned()),
            ("lives", "/expires_in".to_owned()),
            ("lost", "[401]".to_owned()),
        ];
        let entries = entries.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
        let reason = Text::new(
            "OAuth 2 令牌，还要在 send 中带上令牌",
            "an OAuth 2 token; `send` has to carry it",
        );
        Part::new("session", entries, 50, reason).hint()
    }
}

/// Whether a header says who calls rather than what is asked.
pub(super) fn is_credential(name: &str) -> bool {
    let low = name.to_ascii_lowercase();
    [
        "authorization",
        "token",
        "api-key",
        "apikey",
        "app-key",
        "appkey",
        "secret",
        "sign",
        "cookie",
    ]
    .iter()
    .any(|w| low.contains(w))
}

/// A name made of the words of a path that are no variables.
pub(super) fn last_words(path: &str) -> String {
    let steps: Vec<&str> = path
        .split('/')
        .filter(|s| !s.is_empty() && !s.starts_with('{'))
        .collect();
    let kept = steps.iter().rev().take(2).rev().copied().collect::<Vec<_>>();
    kept.join("-")
}
