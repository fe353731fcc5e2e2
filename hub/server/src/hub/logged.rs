//! One line of the log of calls: what is kept of a call, what of it may be shown, how it is sent again.

use hub_catalog::{Catalog, Resolution};
use hub_core::wire::ReplyBody;
use hub_core::{DataLevel, Inbound, Operation, Problem, Reply, Shape};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::sync::Arc;

/// Bytes kept of a body.
const LARGEST: usize = 64 << 10;
/// The same of a caller without an account: anybody may write here.
const OF_NOBODY: usize = 8 << 10;
/// Headers kept of a request, beside those that steer the sandbox. No credentials.
const KEPT: [&str; 6] = [
    "content-type",
    "accept",
    "accept-language",
    "idempotency-key",
    "prefer",
    "user-agent",
];
/// From this level on values are never shown in the log.
const HIDDEN_FROM: DataLevel = DataLevel::L3;

/// What was said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Said {
    /// Path below the sandbox.
    pub path: String,
    /// Query.
    pub query: String,
    /// Headers, without credentials.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Kept,
    /// Headers of the answer.
    pub answer_headers: Vec<(String, String)>,
    /// Body of the answer.
    pub answer: Kept,
    /// Persona behind the token, if there was one.
    #[serde(default)]
    pub persona: Option<String>,
    /// Whether a token was shown.
    #[serde(default)]
    pub token: bool,
}

/// A body, as far as it is kept.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Kept {
    /// Text; empty for what is none.
    pub text: String,
    /// Bytes of the whole.
    pub bytes: usize,
}

impl Kept {
    fn of(bytes: &[u8]) -> Self {
        let text = std::str::from_utf8(bytes).unwrap_or_default();
        let whole = bytes.len() <= LARGEST && !text.contains('\0');
        Self {
            text: if whole { text.to_owned() } else { String::new() },
            bytes: bytes.len(),
        }
    }

    /// Whether all of it is there.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.text.len() == self.bytes
    }

    fn json(&self) -> Option<Value> {
        serde_json::from_str(&self.text).ok()
    }
}

impl Said {
    /// Of a request.
    #[must_use]
    pub fn of(inbound: &Inbound) -> Self {
        let keeps = |name: &str| name.starts_with("hub-") && name != "hub-world" || KEPT.contains(&name);
        let named = inbound.headers.iter().map(|(n, v)| (n.to_ascii_lowercase(), v));
        Self {
            path: inbound.path.clone(),
            query: inbound.query.clone(),
            headers: named.filter(|(n, _)| keeps(n)).map(|(n, v)| (n, v.clone())).collect(),
            body: Kept::of(&inbound.body),
            answer_headers: Vec::new(),
            answer: Kept::default(),
            persona: None,
            token: inbound
                .headers
                .iter()
                .any(|(n, v)| n.eq_ignore_ascii_case("authorization") && !v.contains(" hub_")),
        }
    }

    /// With its answer.
    pub fn answered(&mut self, reply: &Result<Reply, Problem>, document: impl Fn(&Problem) -> Value) {
        let bytes = match reply {
            Err(problem) => document(problem).to_string().into_bytes(),
            Ok(reply) => match &reply.body {
                ReplyBody::Problem(problem) => document(problem).to_string().into_bytes(),
                ReplyBody::Empty => Vec::new(),
                ReplyBody::Json(value) => serde_json::to_vec(value).unwrap_or_default(),
                ReplyBody::Bytes { bytes, .. } => bytes.to_vec(),
            },
        };
        self.answer = Kept::of(&bytes);
        if let Ok(reply) = reply {
            self.answer_headers.clone_from(&reply.headers);
        }
    }

    /// Of a caller without an account: larger bodies are told by their size alone.
    pub fn of_nobody(&mut self) {
        for kept in [&mut self.body, &mut self.answer] {
            if kept.text.len() > OF_NOBODY {
                kept.text.clear();
            }
        }
    }

    /// The operation that was meant.
    #[must_use]
    pub fn operation(&self, catalog: &Catalog, method: &str) -> Option<Arc<Operation>> {
        match catalog.resolve(method, &self.path) {
            Resolution::Found { operation, .. } => Some(operation),
            _ => None,
        }
    }
}

/// A call as it may be shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// Path and query below the sandbox.
    pub target: String,
    /// Body of the request.
    pub request: Value,
    /// Body of the answer.
    pub response: Value,
    /// Where values were hidden.
    pub hidden: Vec<String>,
}

/// A call with everything hidden that the policy hides: what is of level L3 or L4, and what `from` says besides. Without an
/// operation, members are known by the dictionary's names.
#[must_use]
pub fn shown(
    catalog: &Catalog,
    operation: Option<&Operation>,
    said: &Said,
    from: Option<DataLevel>,
    failed: bool,
) -> Shown {
    let mut hiding = Hiding {
        catalog,
        from: from.map_or(HIDDEN_FROM, |from| from.max(HIDDEN_FROM)).min(HIDDEN_FROM),
        hidden: Vec::new(),
    };
    let body = |kept: &Kept| match (kept.json(), kept.bytes, kept.is_whole()) {
        (Some(value), _, _) => value,
        (None, 0, _) => Value::Null,
        (None, _, true) => Value::String("(not JSON)".to_owned()),
        (None, bytes, false) => Value::String(format!("({bytes} bytes)")),
    };
    let request = hiding.value(operation.map(|o| &o.input), &body(&said.body), "request");
    let response = match failed {
        // A problem speaks of places and has hidden what was there.
        true => body(&said.answer),
        false => hiding.value(operation.map(|o| &o.output), &body(&said.answer), "response"),
    };
    Shown {
        target: hiding.target(operation, said),
        request,
        response,
        hidden: hiding.hidden,
    }
}

struct Hiding<'a> {
    catalog: &'a Catalog,
    from: DataLevel,
    hidden: Vec<String>,
}

impl Hiding<'_> {
    fn hides(&self, shape: &Shape) -> bool {
        let name = shape.field.as_deref().unwrap_or(&shape.name);
        shape.level >= self.from && !self.catalog.is_handle(name)
    }

    fn mask(&self, shape: &Shape, value: &Value) -> Value {
        match shape.mask.hides() {
            true => shape.mask.apply(value),
            false => Value::String("***".to_owned()),
        }
    }

    fn value(&mut self, shape: Option<&Shape>, value: &Value, at: &str) -> Value {
        if let Some(shape) = shape.filter(|shape| self.hides(shape) && !value.is_null()) {
            self.hidden.push(at.to_owned());
            return match value {
                Value::Object(_) | Value::Array(_) => Value::String("***".to_owned()),
                plain => self.mask(shape, plain),
            };
        }
        match value {
            Value::Object(members) => {
                let shown = members.iter().map(|(name, member)| {
                    let child = shape
                        .and_then(|s| s.child(name))
                        .or_else(|| self.catalog.field(name))
                        .cloned();
                    (
                        name.clone(),
                        self.value(child.as_ref(), member, &format!("{at}/{name}")),
                    )
                });
                Value::Object(shown.collect::<Map<_, _>>())
            }
            Value::Array(items) => {
                let item = shape.and_then(|s| s.item.as_deref());
                let shown = items.iter().enumerate();
                Value::Array(
                    shown
                        .map(|(n, value)| self.value(item, value, &format!("{at}/{n}")))
                        .collect(),
                )
            }
            plain => plain.clone(),
        }
    }

    fn is_hidden_name(&self, operation: Option<&Operation>, name: &str) -> bool {
        let own = operation.and_then(|o| o.input.child(name));
        own.or_else(|| self.catalog.field(name))
            .is_some_and(|shape| self.hides(shape))
    }

    fn target(&mut self, operation: Option<&Operation>, said: &Said) -> String {
        let template = operation.map(Operation::public_path).unwrap_or_default();
        let names: Vec<&str> = template.split('/').collect();
        let steps = said.path.split('/').enumerate().map(|(n, step)| {
            let name = names.get(n).and_then(|s| s.strip_prefix('{')?.strip_suffix('}'));
            match name.is_some_and(|name| self.is_hidden_name(operation, name)) {
                true => "***",
                false => step,
            }
        });
        let path = steps.collect::<Vec<_>>().join("/");
        if path != said.path {
            self.hidden.push("request/path".to_owned());
        }
        if said.query.is_empty() {
            return path;
        }
        let mut pairs = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in url::form_urlencoded::parse(said.query.as_bytes()) {
            if self.is_hidden_name(operation, &name) {
                self.hidden.push(format!("request/query/{name}"));
                pairs.append_pair(&name, "***");
            } else {
                pairs.append_pair(&name, &value);
            }
        }
        format!("{path}?{}", pairs.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_bodies_of_nobody_are_told_by_their_size() {
        let said = |bytes: usize| {
            let mut said = Said::of(&Inbound {
                method: "POST".to_owned(),
                path: "/a".to_owned(),
                query: String::new(),
                headers: Vec::new(),
                body: vec![b'x'; bytes].into(),
                peer: std::net::Ipv4Addr::LOCALHOST.into(),
                request_id: "r".to_owned(),
            });
            said.of_nobody();
            (said.body.is_whole(), said.body.bytes)
        };
        assert_eq!(said(OF_NOBODY), (true, OF_NOBODY));
        assert_eq!(said(OF_NOBODY + 1), (false, OF_NOBODY + 1));
    }
}
