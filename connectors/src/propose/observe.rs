//! Recorded exchanges as an upstream: which calls they are, and what stands around the fields.

use super::ProposeError;
use super::decode::{Body, Decoded, Shown, inner_xml, json, rooted};
use super::envelope::{self, Envelope};
use super::exchange::Exchange;
use super::openapi::{is_credential, last_words};
use super::surround::{self, BODIES, CODES};
use super::upstream::{Kind, Node, Part, Upstream, UpstreamCall};
use super::values::{Looks, text};
use super::words::squeezed;
use super::write::quoted;
use hub_core::Text;
use serde_json::{Map, Value};

/// One exchange, taken out of its frame.
struct Sight {
    key: String,
    name: String,
    method: String,
    /// Fields, among them those of query and path.
    request: Node,
    /// Everything that stands beside the fields.
    around: Node,
    answer: Option<Value>,
}

/// How requests are framed; the same for all of them.
#[derive(Default)]
struct Frame {
    dialect: &'static str,
    entries: Vec<(String, String)>,
    /// Path of the operation code, from the root of the body.
    code: Option<Vec<String>>,
    /// Path of the fields.
    body: Option<Vec<String>>,
    /// Path of the answer's text, below the response element.
    output: Option<String>,
    /// Where the answer's tree starts with the name of its root.
    is_rooted: bool,
    path: Option<String>,
}

pub(super) fn observe(exchanges: &[Exchange], looks: &Looks) -> Result<Upstream, ProposeError> {
    let seen: Vec<Decoded> = exchanges.iter().map(Decoded::of).collect();
    let data: Vec<&Decoded> = seen
        .iter()
        .filter(|d| d.answer.shown != Shown::Page && !is_login(d))
        .collect();
    if data.is_empty() {
        return Err(ProposeError::Nothing(Text::new(
            "没有数据",
            "it has no data: only pages or logins",
        )));
    }
    let mut frame = frame(&data);
    let mut around = Node {
        kind: Kind::Object,
        ..Node::default()
    };
    let mut calls: Vec<UpstreamCall> = Vec::new();
    for sight in data.iter().map(|d| sight(d, &frame)) {
        around.merge(sight.around);
        let index = calls.iter().position(|c| c.call == sight.key);
        let call = match index.and_then(|i| calls.get_mut(i)) {
            Some(known) => known,
            None => {
                calls.push(UpstreamCall {
                    name: sight.name,
                    call: sight.key,
                    method: sight.method,
                    request: Node {
                        kind: Kind::Object,
                        ..Node::default()
                    },
                    ..UpstreamCall::default()
                });
                match calls.last_mut() {
                    Some(new) => new,
                    None => continue,
                }
            }
        };
        call.request.merge(sight.request);
        if let Some(answer) = sight.answer {
            call.response.learn(&answer);
        }
    }
    let envelopes: Vec<Envelope> = calls.iter_mut().map(|c| envelope::take(&mut c.response)).collect();
    let is_enveloped = envelopes.iter().filter(|e| e.code.is_some()).count() * 2 > envelopes.len();
    if frame.dialect == "rest-json" && is_enveloped {
        frame.dialect = "rest-envelope";
    }
    let mut parts = Vec::new();
    if !frame.entries.is_empty() {
        let reason = Text::new("各请求的共同结构", "what the requests have in common");
        parts.push(Part::new("frame", frame.entries.clone(), 88, reason));
    }
    parts.extend(surround::credentials(&data));
    parts.extend(surround::sent(&around, looks));
    parts.extend(surround::session(&seen));
    parts.extend(envelope::unify(&envelopes, &mut calls));
    Ok(Upstream {
        calls,
        dialect: frame.dialect,
        address: exchanges.iter().find_map(|e| e.host.clone()),
        path: frame.path,
        parts,
        is_complete: false,
    })
}

/// A call that gets a session rather than data.
pub(super) fn is_login(seen: &Decoded) -> bool {
    let low = seen.path.to_ascii_lowercase();
    ["login", "/token", "oauth", "logon", "signin"]
        .iter()
        .any(|w| low.contains(w))
}

fn most(data: &[&Decoded], test: impl Fn(&Decoded) -> bool) -> bool {
    data.iter().filter(|d| test(d)).count() * 2 > data.len()
}

fn frame(data: &[&Decoded]) -> Frame {
    let gbk = data.iter().any(|d| d.request.is_gbk || d.answer.is_gbk);
    let shown = |wanted: Shown| most(data, |d| d.request.shown == wanted);
    let answers = |wanted: Shown| most(data, |d| d.answer.shown == wanted);
    let first = data.first().map(|d| d.path.clone());
    let one_path = first.filter(|p| {
        data.len() > 1 && data.iter().all(|d| d.path == *p)
            || shown(Shown::Soap)
            || shown(Shown::Xml) && data.len() == 1
    });
    let mut frame = if shown(Shown::Soap) {
        of_soap(data)
    } else if shown(Shown::Xml) {
        let mut frame = of_tree(data);
        frame.dialect = if gbk { "xml-gbk" } else { "xml" };
        let root = data.first().map(|d| d.request.element.clone()).unwrap_or_default();
        frame.entries.insert(0, ("root".to_owned(), quoted(&root)));
        frame
    } else {
        let mut frame = of_tree(data);
        frame.dialect = match () {
            () if frame.code.is_some() && shown(Shown::Json) => "signed-gateway",
            () if shown(Shown::Form) && gbk => "form-gbk",
            () if shown(Shown::Form) => "form",
            () if answers(Shown::Xml) && gbk => "xml-gbk",
            () if answers(Shown::Xml) => "xml",
            () => "rest-json",
        };
        if frame.dialect == "signed-gateway" && !frame.entries.iter().any(|(k, _)| k == "as") {
            frame.entries.push(("as".to_owned(), "object".to_owned()));
        }
        frame
    };
    frame.path = one_path;
    frame.is_rooted |= answers(Shown::Xml);
    frame
}

fn of_soap(data: &[&Decoded]) -> Frame {
    let Some(first) = data.first().map(|d| &d.request) else {
        return Frame::default();
    };
    let mut frame = Frame {
        dialect: "soap",
        entries: vec![("namespace".to_owned(), quoted(&first.namespace))],
        ..Frame::default()
    };
    let actions: Vec<String> = data
        .iter()
        .filter_map(|d| {
            let (_, action) = d.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case("soapaction"))?;
            Some(action.trim_matches('"').replace(d.request.element.as_str(), "{call}"))
        })
        .collect();
    if let Some(action) = actions
        .first()
        .filter(|a| !a.is_empty() && actions.iter().all(|b| b == *a))
    {
        frame.entries.push(("action".to_owned(), quoted(action)));
    }
    if !first.is_qualified {
        frame.entries.push(("qualified".to_owned(), "false".to_owned()));
    }
    if first.is_soap12 {
        frame.entries.push(("soap".to_owned(), quoted("1.2")));
    }
    // XML in a text, with the code in another argument.
    let inner = |body: &Body| {
        let members = body.tree.as_object()?;
        members
            .iter()
            .find_map(|(name, value)| Some((name.clone(), inner_xml(value.as_str()?)?)))
    };
    if let Some((argument, (root, _, encoding))) = inner(first)
        && most(data, |d| inner(&d.request).is_some())
    {
        frame.dialect = "soap-cdata";
        frame.entries.push(("call".to_owned(), quoted(&first.element)));
        frame.code = code(data, &[]);
        if let Some(code) = &frame.code {
            frame.entries.push(("code".to_owned(), quoted(&code.join("/"))));
        }
        frame.entries.push(("body".to_owned(), quoted(&argument)));
        frame.entries.push(("root".to_owned(), quoted(&root)));
        if let Some(encoding) = encoding {
            frame.entries.push(("declaration".to_owned(), quoted(&encoding)));
        }
        frame.body = Some(vec![argument]);
    }
    if frame.dialect == "soap-cdata"
        && let Some((output, _)) = data.iter().find_map(|d| inner(&d.answer))
    {
        frame.entries.push(("output".to_owned(), quoted(&output)));
        frame.output = Some(output);
        frame.is_rooted = true;
    } else if let Some(output) = common_output(data) {
        frame.entries.push(("output".to_owned(), quoted(&output)));
    }
    frame
}

/// `{call}Result` where all answers have it alone.
fn common_output(data: &[&Decoded]) -> Option<String> {
    let result = |d: &&Decoded| {
        let members = d.answer.tree.as_object().filter(|m| m.len() == 1)?;
        let (name, value) = members.iter().next()?;
        (value.is_object() && *name == format!("{}Result", d.request.element)).then_some(())
    };
    let good: Vec<&&Decoded> = data.iter().filter(|d| d.is_good()).collect();
    (!good.is_empty() && good.iter().all(|d| result(d).is_some())).then(|| "{call}Result".to_owned())
}

/// Code and body inside JSON, forms and XML.
fn of_tree(data: &[&Decoded]) -> Frame {
    let mut frame = Frame::default();
    let heads = ["head", "header", "Head", "HEAD", "pub", "public", "sysHead"];
    frame.code = code(data, &[]).or_else(|| heads.iter().find_map(|h| code(data, &[h])));
    let Some(tree) = data.first().map(|d| &d.request.tree) else {
        return frame;
    };
    let body = tree.as_object().and_then(|m| {
        let named = |(name, _): &(&String, &Value)| BODIES.contains(&squeezed(name).as_str());
        let holds = |(_, value): &(&String, &Value)| {
            value.is_object() || value.as_str().is_some_and(|t| t.trim_start().starts_with('{'))
        };
        m.iter().find(|e| named(e) && holds(e))
    });
    // Without a code or marks of a gateway a member called data is just a member.
    let framed = frame.code.is_some()
        || tree
            .as_object()
            .is_some_and(|m| m.keys().any(|k| surround::is_around(k)));
    if let Some(code) = &frame.code {
        frame.entries.push(("code".to_owned(), quoted(&code.join("/"))));
    }
    if let (Some((name, value)), true) = (body, framed) {
        frame.entries.push(("body".to_owned(), quoted(name)));
        if value.is_string() {
            frame.entries.push(("as".to_owned(), "json".to_owned()));
        }
        frame.body = Some(vec![name.clone()]);
    }
    frame
}

/// A member that says which operation is meant: named like one, on one shared path, a word.
fn code(data: &[&Decoded], above: &[&str]) -> Option<Vec<String>> {
    let first = data.first()?;
    if data.iter().any(|d| d.path != first.path) {
        return None;
    }
    let within = |tree: &Value| -> Option<Map<String, Value>> {
        let mut tree = tree;
        for step in above {
            tree = tree.get(*step)?;
        }
        tree.as_object().cloned()
    };
    let is_word = |value: &Value| {
        let word = text(value);
        !word.is_empty()
            && word.len() <= 64
            && word
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/'))
    };
    let members = within(&first.request.tree)?;
    CODES.iter().find_map(|wanted| {
        let (name, _) = members
            .iter()
            .find(|(name, value)| squeezed(name) == *wanted && is_word(value))?;
        let everywhere = data.iter().all(|d| {
            within(&d.request.tree)
                .and_then(|m| m.get(name).map(is_word))
                .unwrap_or(false)
        });
        everywhere.then(|| above.iter().map(|s| (*s).to_owned()).chain([name.clone()]).collect())
    })
}

fn sight(seen: &Decoded, frame: &Frame) -> Sight {
    let mut tree = seen.request.tree.clone();
    let code = frame
        .code
        .as_ref()
        .and_then(|path| remove(&mut tree, path))
        .map(|v| text(&v));
    let fields = match frame.body.as_ref() {
        Some(path) => remove(&mut tree, path).unwrap_or_default(),
        None => Value::Null,
    };
    let fields = match &fields {
        Value::String(inner) => json(inner)
            .or_else(|| inner_xml(inner).map(|(_, tree, _)| tree))
            .unwrap_or(fields),
        _ => fields,
    };
    let mut around = Map::new();
    let mut own = Map::new();
    for (name, value) in tree.as_object().into_iter().flatten() {
        let beside = frame.body.is_some() || surround::is_around(name);
        (if beside { &mut around } else { &mut own }).insert(name.clone(), value.clone());
    }
    if let Value::Object(fields) = fields {
        own.extend(fields);
    }
    let mut request = Node::of("", &Value::Object(own));
    request.kind = Kind::Object;
    let in_query = matches!(seen.method.as_str(), "GET" | "HEAD" | "DELETE");
    let mut around = Node::of("", &Value::Object(around));
    for (name, value) in &seen.query {
        let mut node = Node::of(name, &Value::from(value.as_str()));
        node.place = (!in_query).then_some("query");
        let beside = surround::is_around(name) || is_credential(name);
        let target = if beside { &mut around } else { &mut request };
        if beside {
            node.place = Some("query");
        }
        target.children.push(node);
    }
    let (path, steps) = template(&seen.path);
    request.children.extend(steps);
    let (key, name) = match (code, seen.request.shown) {
        (Some(code), _) => (code.clone(), code.rsplit('.').next().unwrap_or(&code).to_owned()),
        (None, Shown::Soap) => (seen.request.element.clone(), seen.request.element.clone()),
        (None, _) => (format!("{} {path}", seen.method), name_of(&path)),
    };
    Sight {
        key,
        name: seen.label.clone().unwrap_or(name),
        method: seen.method.clone(),
        request,
        around,
        answer: seen.is_good().then(|| answer(seen, frame)),
    }
}

/// The answer as pointers of the manifest see it.
fn answer(seen: &Decoded, frame: &Frame) -> Value {
    let tree = &seen.answer.tree;
    if let Some(output) = &frame.output {
        let inner = tree.get(output).and_then(Value::as_str).and_then(inner_xml);
        return inner.map(|(root, tree, _)| rooted(&root, tree)).unwrap_or_default();
    }
    if frame.entries.iter().any(|(k, v)| k == "output" && v.contains("{call}")) {
        return tree
            .get(format!("{}Result", seen.request.element))
            .cloned()
            .unwrap_or_default();
    }
    if seen.answer.shown == Shown::Xml {
        return rooted(&seen.answer.element, tree.clone());
    }
    tree.clone()
}

fn remove(tree: &mut Value, path: &[String]) -> Option<Value> {
    let (last, above) = path.split_last()?;
    let mut at = tree;
    for step in above {
        at = at.get_mut(step)?;
    }
    at.as_object_mut()?.shift_remove(last)
}

/// The last words of a path without the ending of its technology.
fn name_of(path: &str) -> String {
    let words = last_words(path);
    let last = words
        .rsplit_once('.')
        .filter(|(_, e)| e.len() <= 6)
        .map_or(words.as_str(), |(w, _)| w);
    last.rsplit_once('-')
        .filter(|(_, l)| path.contains(&format!("/{l}.")))
        .map_or(last, |(_, l)| l)
        .to_owned()
}

/// A path with variables in the place of numbers and ids, and what stood there.
fn template(path: &str) -> (String, Vec<Node>) {
    let mut nodes = Vec::new();
    let mut made = String::new();
    let mut before = "";
    for step in path.split('/').filter(|s| !s.is_empty()) {
        let digits = step.bytes().filter(u8::is_ascii_digit).count();
        let variable = digits == step.len() || digits >= 6 || step.len() >= 16 && digits >= 3;
        if variable {
            let stem = before.trim_end_matches('s');
            let name = if stem.is_empty() {
                "id".to_owned()
            } else {
                stem.to_owned()
            };
            let mut node = Node::of(&name, &Value::from(step));
            node.place = Some("path");
            nodes.push(node);
            made += &format!("/{{{name}}}");
        } else {
            made += &format!("/{step}");
        }
        before = step;
    }
    if made.is_empty() {
        made.push('/');
    }
    (made, nodes)
}
