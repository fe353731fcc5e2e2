//! Paths into trees: how a manifest names a place in an upstream's message, and how it is read and written there.
//!
//! `a/b` goes down names, `list[]` goes through every item, `list/0` takes one, `.` is the value itself, `[]` a list at
//! the root, `*` whichever single member there is, `*_response` the only one with such a name, `@id` and `#text` the attributes and text of an XML element,
//! `list[kind=x]` the item whose member `kind` is `x` and `list[kind=x][]` every such item. A
//! leading `/` starts at the whole answer instead of its data. `~1` stands for `/` in a name (RFC 6901).

use serde_json::{Map, Value};
use std::fmt;

/// One step down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// A member.
    Name(String),
    /// An item.
    Index(usize),
    /// Every item.
    Each,
    /// The only member, whatever its name.
    Any,
    /// The only member whose name is like this: `*_response`.
    Like(String),
    /// The item whose member has this value.
    Where(String, String),
}

/// A place in a tree.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Path {
    /// From the whole answer rather than from its data.
    pub absolute: bool,
    /// The steps.
    pub segments: Vec<Segment>,
}

impl Path {
    /// Reads a path as written in a manifest.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        let (absolute, rest) = text.strip_prefix('/').map_or((false, text), |rest| (true, rest));
        let mut segments = Vec::new();
        for part in parts(rest).filter(|p| !p.is_empty() && *p != ".") {
            let (name, groups) = strip_groups(part);
            if name == "*" {
                segments.push(Segment::Any);
            } else if name.matches('*').count() == 1 {
                segments.push(Segment::Like(name.to_owned()));
            } else if let (Ok(index), true) = (name.parse::<usize>(), name.len() < 5) {
                segments.push(Segment::Index(index));
            } else if !name.is_empty() {
                segments.push(Segment::Name(name.replace("~1", "/").replace("~0", "~")));
            }
            segments.extend(groups);
        }
        Self { absolute, segments }
    }

    /// The value itself.
    #[must_use]
    pub fn is_self(&self) -> bool {
        self.segments.is_empty()
    }

    /// Whether it goes through every item of a list.
    #[must_use]
    pub fn has_each(&self) -> bool {
        self.segments.contains(&Segment::Each)
    }

    /// The first name, for placing whole members.
    #[must_use]
    pub fn first_name(&self) -> Option<&str> {
        match self.segments.first() {
            Some(Segment::Name(name)) => Some(name),
            _ => None,
        }
    }

    /// What holds a list of its own: `rows` of `rows/row[]`; `None` where the items stand among other things.
    #[must_use]
    pub fn container(&self) -> Option<Self> {
        let at = self.segments.iter().position(|s| *s == Segment::Each)?;
        let above = at.checked_sub(1).filter(|above| *above > 0)?;
        Some(Self {
            absolute: self.absolute,
            segments: self.segments.iter().take(above).cloned().collect(),
        })
    }

    /// The path as one name, where it is one.
    #[must_use]
    pub fn only_name(&self) -> Option<&str> {
        (self.segments.len() == 1).then(|| self.first_name()).flatten()
    }

    /// What stands there; `None` if nothing does. Not for paths through every item.
    #[must_use]
    pub fn get<'v>(&self, tree: &'v Value) -> Option<&'v Value> {
        self.segments.iter().try_fold(tree, step)
    }

    /// Everything that stands there, one entry for each item passed through. A lone value where a list is expected is
    /// a list of one: XML cannot tell them apart.
    #[must_use]
    pub fn get_each<'v>(&self, tree: &'v Value) -> Option<Vec<Option<&'v Value>>> {
        let mut found = vec![Some(tree)];
        let mut through = false;
        let mut segments = self.segments.iter().peekable();
        while let Some(segment) = segments.next() {
            if let (Segment::Where(member, value), Some(Segment::Each)) = (segment, segments.peek()) {
                segments.next();
                if !through && found.iter().all(Option::is_none) {
                    return None;
                }
                through = true;
                let such = found.into_iter().flatten().flat_map(items);
                found = such.filter(|i| is_such(i, member, value)).map(Some).collect();
            } else if *segment == Segment::Each {
                if !through && found.iter().all(Option::is_none) {
                    return None;
                }
                through = true;
                found = found.into_iter().flatten().flat_map(items).map(Some).collect();
            } else {
                found = found.into_iter().map(|v| v.and_then(|v| step(v, segment))).collect();
            }
        }
        if through || found.iter().any(Option::is_some) {
            Some(found)
        } else {
            None
        }
    }

    /// Puts a value there, making what is missing on the way. Objects that are already there are kept.
    pub fn set(&self, tree: &mut Value, value: Value) {
        set(tree, &self.segments, value);
    }

    /// Puts values there, one for each item passed through.
    pub fn set_each(&self, tree: &mut Value, values: Vec<Value>) {
        let Some(at) = self.segments.iter().position(|s| *s == Segment::Each) else {
            set(tree, &self.segments, Value::Array(values));
            return;
        };
        let (mut before, after) = self.segments.split_at(at);
        let after = after.get(1..).unwrap_or_default();
        let mut mark = None;
        if let Some((Segment::Where(member, value), shorter)) = before.split_last() {
            (before, mark) = (shorter, Some((member, value)));
        }
        let list = reach(tree, before);
        if !list.is_array() {
            *list = Value::Array(Vec::new());
        }
        if let (Some((member, value)), Value::Array(list)) = (mark, &mut *list) {
            for new in values {
                let mut item = Value::Object(Map::from_iter([(member.clone(), Value::from(value.as_str()))]));
                set(&mut item, after, new);
                list.push(item);
            }
            return;
        }
        if let Value::Array(list) = list {
            for (index, value) in values.into_iter().enumerate() {
                if list.len() <= index {
                    list.push(Value::Null);
                }
                if let Some(item) = list.get_mut(index) {
                    set(item, after, value);
                }
            }
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        for segment in &self.segments {
            match segment {
                Segment::Each => text.push_str("[]"),
                Segment::Name(name) => text = join(&text, &name.replace('~', "~0").replace('/', "~1")),
                Segment::Index(index) => text = join(&text, &index.to_string()),
                Segment::Any => text = join(&text, "*"),
                Segment::Like(pattern) => text = join(&text, pattern),
                Segment::Where(member, value) => text.push_str(&format!("[{member}={value}]")),
            }
        }
        let text = if text.is_empty() && !self.absolute { "." } else { &text };
        write!(f, "{}{text}", if self.absolute { "/" } else { "" })
    }
}

fn join(head: &str, tail: &str) -> String {
    if head.is_empty() {
        tail.to_owned()
    } else {
        format!("{head}/{tail}")
    }
}

/// The parts between slashes; a slash inside brackets belongs to a value.
fn parts(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    text.split(move |c| {
        match c {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == '/' && depth == 0
    })
}

/// A name and what stands in brackets behind it: `[]` and `[member=value]`. Other brackets belong to the name, as in
/// the forms of some upstreams.
fn strip_groups(part: &str) -> (&str, Vec<Segment>) {
    let mut name = part;
    let mut groups = Vec::new();
    loop {
        if let Some(shorter) = name.strip_suffix("[]") {
            (name, _) = (shorter, groups.push(Segment::Each));
            continue;
        }
        let group = name
            .strip_suffix(']')
            .and_then(|n| n.rsplit_once('['))
            .and_then(|(head, inner)| Some((head, inner.split_once('=')?)));
        match group {
            Some((head, (member, value))) if !member.is_empty() => {
                groups.push(Segment::Where(member.to_owned(), value.to_owned()));
                name = head;
            }
            _ => break,
        }
    }
    groups.reverse();
    (name, groups)
}

/// Whether an item has this member with this value.
fn is_such(item: &Value, member: &str, value: &str) -> bool {
    match item.get(member) {
        Some(Value::String(text)) => text == value,
        Some(found) => super::template::scalar_text(found).as_deref() == Some(value),
        None => false,
    }
}

fn step<'v>(value: &'v Value, segment: &Segment) -> Option<&'v Value> {
    match (segment, value) {
        // Prefixes are for writing XML; what was read has local names.
        (Segment::Name(name), Value::Object(map)) => map
            .get(name)
            .or_else(|| map.get(name.split_once(':').map(|(_, local)| local)?)),
        (Segment::Index(index), Value::Array(list)) => list.get(*index),
        (Segment::Index(index), Value::Object(map)) if map.contains_key(&index.to_string()) => {
            map.get(&index.to_string())
        }
        // A lone element where a list may stand, as XML gives it.
        (Segment::Index(0), Value::Object(_) | Value::String(_) | Value::Number(_)) => Some(value),
        (Segment::Where(member, wanted), Value::Array(list)) => list.iter().find(|i| is_such(i, member, wanted)),
        (Segment::Where(member, wanted), Value::Object(_)) if is_such(value, member, wanted) => Some(value),
        (Segment::Any, Value::Object(map)) => map.iter().find(|(k, _)| !k.starts_with('@')).map(|(_, v)| v),
        (Segment::Like(pattern), Value::Object(map)) => {
            let mut found = map.iter().filter(|(name, _)| is_like(pattern, name));
            let (_, one) = found.next()?;
            found.next().is_none().then_some(one)
        }
        _ => None,
    }
}

/// Whether a name is like a pattern with one `*` in it, which stands for any text; without one it is the name.
pub(crate) fn is_like(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((before, after)) => {
            let middle = name.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
            middle.is_some_and(|m| !m.is_empty())
        }
    }
}

/// A name that is like a pattern, for the simulated city.
pub(crate) fn alike(pattern: &str) -> String {
    pattern.replacen('*', "hub", 1)
}

fn items(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(list) => list.iter().collect(),
        Value::Null => Vec::new(),
        Value::String(text) if text.trim().is_empty() => Vec::new(),
        other => vec![other],
    }
}

fn reach<'t>(tree: &'t mut Value, segments: &[Segment]) -> &'t mut Value {
    let Some((first, rest)) = segments.split_first() else {
        return tree;
    };
    let next = match first {
        Segment::Index(index) if *index < 1_000 => item_at(tree, *index),
        Segment::Each => item_at(tree, 0),
        Segment::Name(name) => member(tree, name),
        Segment::Index(index) => member(tree, &index.to_string()),
        Segment::Any => member(tree, "value"),
        Segment::Like(pattern) => member(tree, &alike(pattern)),
        Segment::Where(name, value) => such_item(tree, name, value),
    };
    reach(next, rest)
}

fn member<'t>(tree: &'t mut Value, name: &str) -> &'t mut Value {
    if !tree.is_object() {
        *tree = match std::mem::take(tree) {
            // Text that turns out to have attributes or children beside it.
            text @ Value::String(_) => Value::Object(Map::from_iter([("#text".to_owned(), text)])),
            _ => Value::Object(Map::new()),
        };
    }
    match tree {
        Value::Object(map) => map.entry(name.to_owned()).or_insert(Value::Null),
        other => other,
    }
}

/// The item with this member and value, made if there is none.
fn such_item<'t>(tree: &'t mut Value, name: &str, value: &str) -> &'t mut Value {
    let at = match tree.as_array() {
        Some(list) => list.iter().position(|i| is_such(i, name, value)),
        None => None,
    };
    let at = at.unwrap_or_else(|| tree.as_array().map_or(0, Vec::len));
    let item = item_at(tree, at);
    if !item.is_object() {
        *item = Value::Object(Map::from_iter([(name.to_owned(), Value::from(value))]));
    }
    item
}

fn item_at(tree: &mut Value, index: usize) -> &mut Value {
    if !tree.is_array() {
        *tree = Value::Array(Vec::new());
    }
    if let Value::Array(list) = tree
        && list.len() <= index
    {
        list.resize(index + 1, Value::Null);
    }
    // Two looks, because a borrow that may be given back cannot also fall through to the tree itself.
    if tree.get(index).is_none() {
        return tree;
    }
    &mut tree[index]
}

fn set(tree: &mut Value, segments: &[Segment], value: Value) {
    let target = reach(tree, segments);
    match (target, value) {
        (Value::Object(there), Value::Object(new)) => there.extend(new),
        (Value::Object(there), text @ Value::String(_))
            if there.keys().all(|k| k.starts_with('@')) && !there.is_empty() =>
        {
            there.insert("#text".to_owned(), text);
        }
        (target, value) => *target = value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn reads_what_it_writes() {
        for text in [
            "a/b",
            "list[]",
            "a/list[]/id",
            "rows/0/x",
            ".",
            "[]",
            "*/return",
            "/resp/head",
            "a~1b",
            "e/@id",
            "extension[url=http://a.example/b]/valueString",
            "telecom[system=phone][]/value",
            "attribute[x]",
        ] {
            let path = Path::parse(text);
            assert_eq!(Path::parse(&path.to_string()), path, "{text}");
        }
    }

    #[test]
    fn goes_through_lists_and_lone_values() {
        let path = Path::parse("jfmx/row[]");
        let many = json!({"jfmx": {"row": [{"a": 1}, {"a": 2}]}});
        let lone = json!({"jfmx": {"row": {"a": 1}}});
        assert_eq!(path.get_each(&many).unwrap().len(), 2);
        assert_eq!(path.get_each(&lone).unwrap(), vec![Some(&json!({"a": 1}))]);
        assert_eq!(path.get_each(&json!({"jfmx": ""})), None);
        assert_eq!(path.get_each(&json!({"jfmx": {"row": null}})).unwrap().len(), 0);
    }

    #[test]
    fn writes_lists_item_by_item() {
        let mut tree = json!({});
        Path::parse("l[]/id").set_each(&mut tree, vec![json!(1), json!(2)]);
        Path::parse("l[]/n").set_each(&mut tree, vec![json!("a"), json!("b")]);
        assert_eq!(tree, json!({"l": [{"id": 1, "n": "a"}, {"id": 2, "n": "b"}]}));
    }

    #[test]
    fn items_are_chosen_by_a_member() {
        let path = Path::parse("telecom[system=phone]/value");
        let tree = json!({"telecom": [{"system": "email", "value": "a@b"}, {"system": "phone", "value": "1"}]});
        assert_eq!(path.get(&tree), Some(&json!("1")));
        let mut written = json!({"telecom": [{"system": "email", "value": "a@b"}]});
        path.set(&mut written, json!("1"));
        assert_eq!(written, tree);
        let each = Path::parse("ext[url=u/x][]/v");
        let mut written = json!({});
        each.set_each(&mut written, vec![json!(1), json!(2)]);
        assert_eq!(
            written,
            json!({"ext": [{"url": "u/x", "v": 1}, {"url": "u/x", "v": 2}]})
        );
        assert_eq!(each.get_each(&written).unwrap(), [Some(&json!(1)), Some(&json!(2))]);
        assert_eq!(
            each.get_each(&json!({"ext": [{"url": "y"}]})).unwrap(),
            Vec::<Option<&Value>>::new()
        );
        assert_eq!(each.get_each(&json!({})), None);
    }

    #[test]
    fn a_root_list_and_an_index() {
        let mut tree = Value::Null;
        Path::parse("[]").set_each(&mut tree, vec![json!(1), json!(2)]);
        assert_eq!(tree, json!([1, 2]));
        let mut tree = Value::Null;
        Path::parse("rows/0/x").set(&mut tree, json!(5));
        assert_eq!(tree, json!({"rows": [{"x": 5}]}));
    }

    #[test]
    fn text_beside_an_attribute() {
        let mut tree = json!({});
        Path::parse("price").set(&mut tree, json!("3.50"));
        Path::parse("price/@cur").set(&mut tree, json!("CNY"));
        assert_eq!(tree, json!({"price": {"#text": "3.50", "@cur": "CNY"}}));
        let mut tree = json!({});
        Path::parse("price/@cur").set(&mut tree, json!("CNY"));
        Path::parse("price").set(&mut tree, json!("3.50"));
        assert_eq!(tree, json!({"price": {"@cur": "CNY", "#text": "3.50"}}));
    }
}
