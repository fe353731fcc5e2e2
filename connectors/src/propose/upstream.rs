//! What a source tells about an upstream, whatever the source was: calls with the trees of their requests and answers.

use hub_core::Text;
use serde_json::Value;

/// An upstream as a source describes it.
#[derive(Debug, Clone, Default)]
pub(super) struct Upstream {
    /// Its calls, in the order of the source.
    pub(super) calls: Vec<UpstreamCall>,
    /// Word of the dialect.
    pub(super) dialect: &'static str,
    /// Address, as far as the source names one; never written into the manifest, only shown.
    pub(super) address: Option<String>,
    /// Path of all calls, where they share one.
    pub(super) path: Option<String>,
    /// Parts of the manifest that the source decides.
    pub(super) parts: Vec<Part>,
    /// Whether the source lists everything there is (a description) or only what somebody happened to do (a recording).
    pub(super) is_complete: bool,
}

/// One key of the manifest with what stands in it.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// Key: `frame`, `answer`, `send`.
    pub(super) key: &'static str,
    /// Entries in order, written as YAML.
    pub(super) entries: Vec<(String, String)>,
    /// 0 to 100.
    pub(super) confidence: u8,
    /// Why.
    pub(super) reason: Text,
    /// Whether it stands as a comment only, for the author to complete.
    pub(super) is_hint: bool,
}

impl Part {
    pub(super) fn new(key: &'static str, entries: Vec<(String, String)>, confidence: u8, reason: Text) -> Self {
        Self {
            key,
            entries,
            confidence,
            reason,
            is_hint: false,
        }
    }

    pub(super) fn hint(mut self) -> Self {
        self.is_hint = true;
        self
    }
}

/// One call.
#[derive(Debug, Clone, Default)]
pub(super) struct UpstreamCall {
    /// Its name: SOAP operation, operationId, operation code, or the end of its path.
    pub(super) name: String,
    /// What `operations` says for it: `GET /a/{b}`, or a code.
    pub(super) call: String,
    /// Upper-case method.
    pub(super) method: String,
    /// Words of the source about it.
    pub(super) words: String,
    /// What is sent.
    pub(super) request: Node,
    /// What comes back, from where rows start.
    pub(super) response: Node,
    /// Whether the order of the request's elements matters.
    pub(super) is_ordered: bool,
    /// Further keys of its operation, written as YAML.
    pub(super) more: Vec<(String, String)>,
}

/// JSON type of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Kind {
    /// Not known.
    #[default]
    Unknown,
    /// Text.
    Text,
    /// Number, whole or not.
    Number,
    /// Truth value.
    Boolean,
    /// Something with members.
    Object,
}

/// A value, element, parameter or member of an upstream message.
#[derive(Debug, Clone, Default)]
pub(super) struct Node {
    /// Its name in the notation of rows: `XM`, `@id`, `#text`.
    pub(super) name: String,
    /// Its kind; of its items, if it is a list.
    pub(super) kind: Kind,
    /// Whether it is repeated.
    pub(super) is_list: bool,
    /// `query`, `header`, `path`, where that is not where the fields go.
    pub(super) place: Option<&'static str>,
    /// Words of the source about it.
    pub(super) words: String,
    /// `date`, `date-time` and the like.
    pub(super) format: Option<String>,
    /// Values that were seen.
    pub(super) samples: Vec<Value>,
    /// All values it may have.
    pub(super) choices: Vec<String>,
    /// Whether it must be sent.
    pub(super) required: bool,
    /// Members, of an object or of the items of a list of objects.
    pub(super) children: Vec<Node>,
}

/// Values kept of one place: more prove nothing new.
const SAMPLES: usize = 12;

impl Node {
    pub(super) fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            ..Self::default()
        }
    }

    pub(super) fn child(&self, name: &str) -> Option<&Node> {
        self.children.iter().find(|c| c.name == name)
    }

    /// What a value looks like.
    pub(super) fn of(name: &str, value: &Value) -> Self {
        let mut node = Self::named(name);
        node.learn(value);
        node
    }

    /// Adds what one more value shows.
    pub(super) fn learn(&mut self, value: &Value) {
        match value {
            Value::Null => {}
            Value::Array(items) => {
                self.is_list = true;
                items.iter().take(SAMPLES).for_each(|item| self.learn(item));
            }
            Value::Object(members) => {
                self.kind = Kind::Object;
                for (name, member) in members {
                    match self.children.iter_mut().find(|c| c.name == *name) {
                        Some(known) => known.learn(member),
                        None => self.children.push(Node::of(name, member)),
                    }
                }
            }
            scalar => {
                let kind = match scalar {
                    Value::Bool(_) => Kind::Boolean,
                    Value::Number(_) => Kind::Number,
                    _ => Kind::Text,
                };
                if self.kind != Kind::Object {
                    self.kind = if self.kind == Kind::Unknown || self.kind == kind {
                        kind
                    } else {
                        Kind::Text
                    };
                }
                if self.samples.len() < SAMPLES && scalar.as_str() != Some("") && !self.samples.contains(scalar) {
                    self.samples.push(scalar.clone());
                }
            }
        }
    }

    /// Adds another sight of the same place.
    pub(super) fn merge(&mut self, other: Node) {
        self.is_list |= other.is_list;
        if self.kind == Kind::Unknown {
            self.kind = other.kind;
        }
        for sample in other.samples {
            if self.samples.len() < SAMPLES && !self.samples.contains(&sample) {
                self.samples.push(sample);
            }
        }
        for child in other.children {
            match self
                .children
                .iter_mut()
                .find(|c| c.name == child.name && c.place == child.place)
            {
                Some(known) => known.merge(child),
                None => self.children.push(child),
            }
        }
    }

    /// Leaves and lists below, with their paths: objects are only steps on the way.
    pub(super) fn places(&self) -> Vec<(String, &Node)> {
        let mut found = Vec::new();
        if self.is_list {
            found.push((String::from("[]"), self));
        } else if self.kind == Kind::Object {
            self.walk("", &mut found, DEPTH);
        }
        found
    }

    /// The same for the items of a list.
    pub(super) fn item_places(&self) -> Vec<(String, &Node)> {
        let mut found = Vec::new();
        if self.kind == Kind::Object {
            self.walk("", &mut found, DEPTH);
        } else {
            found.push((String::from("."), self));
        }
        found
    }

    fn walk<'n>(&'n self, above: &str, found: &mut Vec<(String, &'n Node)>, left: usize) {
        for child in &self.children {
            let path = if above.is_empty() {
                step(&child.name)
            } else {
                format!("{above}/{}", step(&child.name))
            };
            if child.is_list {
                found.push((format!("{path}[]"), child));
            } else if child.kind == Kind::Object {
                if let Some(left) = left.checked_sub(1) {
                    // The only member, a list, is how XML writes lists: `<rows><row/><row/></rows>`.
                    child.walk(&path, found, left);
                }
            } else {
                found.push((path, child));
            }
        }
    }
}

/// Objects in objects that are looked into.
const DEPTH: usize = 8;

fn step(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
