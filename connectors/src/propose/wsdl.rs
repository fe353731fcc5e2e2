//! WSDL 1.1 with its schemas inside: SOAP calls, document and RPC style (W3C Note 15 March 2001).

use super::ProposeError;
use super::envelope::{self, Envelope};
use super::upstream::{Node, Part, Upstream, UpstreamCall};
use super::write::quoted;
use super::xsd::{Schemas, documentation, local};
use crate::xml::{self, Element, Limits};
use hub_core::Text;

/// What the calls of one binding have in common.
struct Binding<'x> {
    element: &'x Element,
    port_type: &'x Element,
    is_rpc: bool,
    is_12: bool,
    address: Option<&'x str>,
}

/// Reads a description.
pub(super) fn read(text: &str) -> Result<Upstream, ProposeError> {
    let limits = Limits {
        depth: 100,
        ..Limits::default()
    };
    let root = xml::parse(text, limits).map_err(|e| ProposeError::Unreadable(e.to_string()))?;
    if root.name != "definitions" {
        return Err(ProposeError::Unreadable(format!(
            "`{}` is not a WSDL 1.1 document",
            root.name
        )));
    }
    let schemas = Schemas::of(root.child("types"));
    let binding =
        binding(&root).ok_or_else(|| ProposeError::Nothing(Text::new("没有 SOAP 绑定", "it has no SOAP binding")))?;
    let mut calls = Vec::new();
    let mut facts = Facts::default();
    for bound in binding.element.children.iter().filter(|c| c.name == "operation") {
        calls.extend(call(&root, &schemas, &binding, bound, &mut facts));
    }
    if calls.is_empty() {
        return Err(ProposeError::Nothing(Text::new("没有操作", "it has no operations")));
    }
    let (path, address) = place(binding.address);
    let output = output(&mut calls);
    let mut parts = vec![frame(&facts, &binding, output)];
    parts.extend(facts.head);
    let envelopes: Vec<Envelope> = calls.iter_mut().map(|c| envelope::take(&mut c.response)).collect();
    parts.extend(envelope::unify(&envelopes, &mut calls));
    Ok(Upstream {
        calls,
        dialect: "soap",
        address,
        path,
        parts,
        is_complete: true,
    })
}

/// The first binding that speaks SOAP, 1.1 before 1.2, with the port that uses it.
fn binding(root: &Element) -> Option<Binding<'_>> {
    const SOAP: &str = "http://schemas.xmlsoap.org/wsdl/soap/";
    const SOAP12: &str = "http://schemas.xmlsoap.org/wsdl/soap12/";
    let named = |kind: &str, name: &str| -> Option<&Element> {
        root.children
            .iter()
            .find(|c| c.name == kind && c.attribute("name") == Some(local(name)))
    };
    let ports = || {
        root.children
            .iter()
            .filter(|c| c.name == "service")
            .flat_map(|s| &s.children)
    };
    [SOAP, SOAP12].into_iter().find_map(|namespace| {
        root.children
            .iter()
            .filter(|c| c.name == "binding")
            .find_map(|element| {
                let soap = element
                    .children
                    .iter()
                    .find(|c| c.name == "binding" && c.namespace.as_deref() == Some(namespace))?;
                let first = element.children.iter().find(|c| c.name == "operation");
                let style = soap
                    .attribute("style")
                    .or_else(|| first?.child("operation")?.attribute("style"))
                    .unwrap_or("document");
                let port = ports().find(|p| p.attribute("binding").map(local) == element.attribute("name"));
                Some(Binding {
                    element,
                    port_type: named("portType", element.attribute("type")?)?,
                    is_rpc: style == "rpc",
                    is_12: namespace == SOAP12,
                    address: port
                        .and_then(|p| p.child("address"))
                        .and_then(|a| a.attribute("location")),
                })
            })
    })
}

#[derive(Default)]
struct Facts {
    namespace: String,
    is_qualified: Option<bool>,
    actions: Vec<(String, String)>,
    head: Option<Part>,
}

fn call(
    root: &Element,
    schemas: &Schemas<'_>,
    binding: &Binding<'_>,
    bound: &Element,
    facts: &mut Facts,
) -> Option<UpstreamCall> {
    let name = bound.attribute("name")?;
    let declared = binding
        .port_type
        .children
        .iter()
        .find(|o| o.name == "operation" && o.attribute("name") == Some(name))?;
    let message = |direction: &str| -> Option<&Element> {
        let wanted = local(declared.child(direction)?.attribute("message")?);
        root.children
            .iter()
            .find(|m| m.name == "message" && m.attribute("name") == Some(wanted))
    };
    let (element, request) = side(schemas, message("input"), binding.is_rpc, name);
    let (_, response) = side(schemas, message("output"), binding.is_rpc, name);
    let is_ordered = binding.is_rpc || schemas.is_ordered(&element);
    let body = bound.child("input").and_then(|i| i.child("body"));
    let (namespace, qualified) = match schemas.form(&element) {
        Some((namespace, qualified)) if !binding.is_rpc => (namespace, qualified),
        _ => (
            body.and_then(|b| b.attribute("namespace"))
                .or_else(|| root.attribute("targetNamespace"))
                .unwrap_or_default(),
            false,
        ),
    };
    if facts.namespace.is_empty() {
        namespace.clone_into(&mut facts.namespace);
        facts.is_qualified = Some(qualified);
    }
    let action = bound
        .child("operation")
        .and_then(|o| o.attribute("soapAction"))
        .unwrap_or_default();
    facts.actions.push((element.clone(), action.to_owned()));
    if facts.head.is_none() {
        facts.head = head(root, schemas, bound);
    }
    let mut more = Vec::new();
    if namespace != facts.namespace {
        more.push(("frame".to_owned(), format!("{{namespace: {}}}", quoted(namespace))));
    }
    Some(UpstreamCall {
        name: name.to_owned(),
        call: element,
        method: "POST".to_owned(),
        words: documentation(declared),
        request,
        response,
        is_ordered,
        more,
    })
}

/// Element and tree of one direction.
fn side(schemas: &Schemas<'_>, message: Option<&Element>, is_rpc: bool, operation: &str) -> (String, Node) {
    let parts: Vec<&Element> = message
        .into_iter()
        .flat_map(|m| &m.children)
        .filter(|p| p.name == "part")
        .collect();
    let of_element = parts.iter().find_map(|p| p.attribute("element"));
    if let (Some(element), false) = (of_element, is_rpc) {
        let element = local(element);
        let mut tree = schemas.element(element);
        tree.kind = super::upstream::Kind::Object;
        return (element.to_owned(), tree);
    }
    let mut tree = Node::named(operation);
    tree.kind = super::upstream::Kind::Object;
    tree.children = parts
        .iter()
        .filter_map(|p| {
            let name = p.attribute("name")?;
            let mut node = match (p.attribute("type"), p.attribute("element")) {
                (Some(type_name), _) => schemas.typed(name, type_name),
                (None, Some(element)) => schemas.element(local(element)),
                (None, None) => Node::named(name),
            };
            if node.words.is_empty() {
                node.words = documentation(p);
            }
            Some(node)
        })
        .collect();
    (operation.to_owned(), tree)
}

/// Credentials in the SOAP header, where the description declares one.
fn head(root: &Element, schemas: &Schemas<'_>, bound: &Element) -> Option<Part> {
    let header = bound.child("input")?.child("header")?;
    let wanted = local(header.attribute("message")?);
    let message = root
        .children
        .iter()
        .find(|m| m.name == "message" && m.attribute("name") == Some(wanted))?;
    let element = local(message.child("part")?.attribute("element")?);
    let tree = schemas.element(element);
    let entries = tree
        .places()
        .into_iter()
        .map(|(path, _)| {
            let low = path.to_ascii_lowercase();
            let secret = if low.contains("pass") || low.contains("pwd") || low.contains("mm") {
                "password"
            } else {
                "user"
            };
            let secret = if low.contains("key") || low.contains("token") {
                "key"
            } else {
                secret
            };
            (format!("head {element}/{path}"), format!("secret:{secret}"))
        })
        .collect();
    Some(Part::new(
        "send",
        entries,
        70,
        Text::new("SOAP 头中的凭据", "credentials in the SOAP header"),
    ))
}

/// Path below the host, and the whole address for the author to see.
fn place(address: Option<&str>) -> (Option<String>, Option<String>) {
    let parsed = address.and_then(|a| url::Url::parse(a).ok());
    match parsed {
        Some(url) => (Some(url.path().to_owned()), address.map(str::to_owned)),
        None => (None, None),
    }
}

/// The element below the response element that all answers have: `{call}Result`, `return`. It is taken off the trees.
fn output(calls: &mut [UpstreamCall]) -> Option<String> {
    let lone = |call: &UpstreamCall| match call.response.children.as_slice() {
        [only] if !only.is_list => Some(only.name.clone()),
        _ => None,
    };
    let pattern = |call: &UpstreamCall| {
        let name = lone(call)?;
        let of_call = name == format!("{}Result", call.call) || name == format!("{}Return", call.call);
        Some(if of_call {
            name.replacen(&call.call, "{call}", 1)
        } else {
            name
        })
    };
    let first = pattern(calls.first()?)?;
    let usual = first.starts_with("{call}") || matches!(first.as_str(), "return" | "out" | "result" | "Result");
    if !usual || !calls.iter().all(|c| pattern(c).as_ref() == Some(&first)) {
        return None;
    }
    // A lone value below it is the answer itself; rows need its name then.
    if calls
        .iter()
        .any(|c| c.response.children.iter().any(|n| n.children.is_empty()))
    {
        return None;
    }
    for call in calls.iter_mut() {
        if let Some(only) = call.response.children.pop() {
            call.response = only;
        }
    }
    Some(first)
}

fn frame(facts: &Facts, binding: &Binding<'_>, output: Option<String>) -> Part {
    let mut entries = vec![("namespace".to_owned(), quoted(&facts.namespace))];
    let pattern = |(element, action): &(String, String)| action.replace(element.as_str(), "{call}");
    let actions: Vec<String> = facts.actions.iter().map(pattern).collect();
    if let Some(first) = actions.first().filter(|a| !a.is_empty())
        && actions.iter().all(|a| a == first)
    {
        entries.push(("action".to_owned(), quoted(first)));
    }
    if binding.is_rpc {
        entries.push(("style".to_owned(), "rpc".to_owned()));
    } else if facts.is_qualified == Some(false) {
        entries.push(("qualified".to_owned(), "false".to_owned()));
    }
    if let Some(output) = output {
        entries.push(("output".to_owned(), quoted(&output)));
    }
    if binding.is_12 {
        entries.push(("soap".to_owned(), quoted("1.2")));
    }
    Part::new("frame", entries, 98, Text::new("取自 WSDL", "from the WSDL"))
}
