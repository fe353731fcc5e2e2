//! One recorded exchange as trees: formats and charset are recognised by what the bytes are, not by what headers say.

use super::exchange::Exchange;
use crate::charset::{self, Charset};
use crate::xml::{self, Element, Limits};
use crate::{dialect, form};
use serde_json::{Map, Value};

/// How a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Shown {
    /// No body.
    #[default]
    Nothing,
    Json,
    Form,
    Xml,
    Soap,
    /// A page for people.
    Page,
    Other,
}

/// A body as a tree.
#[derive(Debug, Clone, Default)]
pub(super) struct Body {
    pub(super) shown: Shown,
    /// JSON, the fields of a form, or what is in the XML root or SOAP call element.
    pub(super) tree: Value,
    /// XML root or SOAP call element.
    pub(super) element: String,
    pub(super) namespace: String,
    /// Whether the children of the SOAP call element are in its namespace.
    pub(super) is_qualified: bool,
    pub(super) is_soap12: bool,
    pub(super) is_fault: bool,
    /// It is not UTF-8.
    pub(super) is_gbk: bool,
}

/// An exchange as trees.
#[derive(Debug, Clone)]
pub(super) struct Decoded {
    pub(super) label: Option<String>,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) request: Body,
    pub(super) status: u16,
    pub(super) sets_cookie: bool,
    pub(super) answer: Body,
}

impl Decoded {
    pub(super) fn of(exchange: &Exchange) -> Self {
        let request = &exchange.request;
        let (query, gbk_query) = pairs(request.query());
        let mut body = body(&request.body, request.header("content-type"));
        body.is_gbk |= gbk_query;
        Self {
            label: exchange.label.clone(),
            method: request.method.clone(),
            path: request.path().to_owned(),
            query,
            headers: request.headers.clone(),
            request: body,
            status: exchange.response.status,
            sets_cookie: exchange.response.header("set-cookie").is_some(),
            answer: self::body(&exchange.response.body, exchange.response.header("content-type")),
        }
    }

    /// An answer that shows what data looks like.
    pub(super) fn is_good(&self) -> bool {
        (200..300).contains(&self.status) && !self.answer.is_fault && self.answer.shown != Shown::Page
    }
}

/// Fields of a query or form, and whether they are GBK.
fn pairs(text: &str) -> (Vec<(String, String)>, bool) {
    match form::decode(text, Charset::Utf8) {
        Ok(pairs) => (pairs, false),
        Err(_) => (form::decode(text, Charset::Gb18030).unwrap_or_default(), true),
    }
}

fn body(bytes: &[u8], content_type: Option<&str>) -> Body {
    if bytes.trim_ascii().is_empty() {
        return Body::default();
    }
    let (text, is_gbk) = match charset::decode(bytes, None, content_type) {
        Ok(decoded) => (decoded.text, !matches!(decoded.charset, Charset::Utf8)),
        Err(_) => match Charset::Gb18030.decode(bytes) {
            Ok(text) => (text, true),
            Err(_) => (String::from_utf8_lossy(bytes).into_owned(), false),
        },
    };
    let text = text.trim();
    let mut body = if dialect::is_html(text) {
        Body {
            shown: Shown::Page,
            ..Body::default()
        }
    } else if text.starts_with(['{', '['])
        && let Some(tree) = json(text)
    {
        Body {
            shown: Shown::Json,
            tree,
            ..Body::default()
        }
    } else if text.starts_with('<')
        && let Ok(root) = xml::parse(text, Limits::default())
    {
        of_xml(&root)
    } else if text.contains('=') && !text.contains(char::is_whitespace) {
        let (fields, gbk) = pairs(text);
        Body {
            shown: Shown::Form,
            tree: Value::Object(fields.into_iter().map(|(n, v)| (n, Value::from(v))).collect()),
            is_gbk: gbk,
            ..Body::default()
        }
    } else {
        Body {
            shown: Shown::Other,
            ..Body::default()
        }
    };
    body.is_gbk |= is_gbk;
    body
}

/// JSON in a text.
pub(super) fn json(text: &str) -> Option<Value> {
    crate::codec::parse_json(text, dialect::MAX_DEPTH)
}

fn of_xml(root: &Element) -> Body {
    if root.name != "Envelope" {
        return Body {
            shown: Shown::Xml,
            tree: root.to_value(),
            element: root.name.clone(),
            namespace: root.namespace.clone().unwrap_or_default(),
            ..Body::default()
        };
    }
    let call = root.child("Body").and_then(|b| b.children.first());
    let namespace = call.and_then(|c| c.namespace.clone()).unwrap_or_default();
    Body {
        shown: Shown::Soap,
        tree: call.map(Element::to_value).unwrap_or_default(),
        element: call.map(|c| c.name.clone()).unwrap_or_default(),
        is_qualified: call
            .and_then(|c| c.children.first())
            .is_none_or(|c| c.namespace.as_deref() == Some(namespace.as_str())),
        is_soap12: root.namespace.as_deref() == Some("http://www.w3.org/2003/05/soap-envelope"),
        is_fault: call.is_some_and(|c| c.name == "Fault"),
        namespace,
        ..Body::default()
    }
}

/// An XML document in a text: its root and what is in it, and the encoding that its declaration names.
pub(super) fn inner_xml(text: &str) -> Option<(String, Value, Option<String>)> {
    let text = text.trim();
    if !text.starts_with('<') {
        return None;
    }
    let root = xml::parse(text, Limits::default()).ok()?;
    let declared = text
        .strip_prefix("<?xml")
        .and_then(|t| t.split_once("?>"))
        .map(|(d, _)| d);
    let encoding = declared.and_then(|d| d.split_once("encoding=")).map(|(_, e)| {
        e.trim_start_matches(['"', '\''])
            .chars()
            .take_while(|c| !matches!(c, '"' | '\''))
            .collect()
    });
    Some((root.name.clone(), root.to_value(), encoding))
}

/// A tree under the name of its root, as pointers of answers in XML see it.
pub(super) fn rooted(name: &str, tree: Value) -> Value {
    Value::Object(Map::from_iter([(name.to_owned(), tree)]))
}
