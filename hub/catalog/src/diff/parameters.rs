//! Parameters of an operation, its path item's included.

use super::book::{At, Book, Node, join};
use super::collect::{Collector, Found};
use super::lifecycle::{self, End};
use super::operations::Operation;
use super::table::{Area, Effect};
use crate::document::escape;
use indexmap::IndexMap;
use serde_json::Value;

/// Header parameters that OpenAPI has other places for.
const IGNORED: &[&str] = &["accept", "content-type", "authorization"];

/// One parameter.
#[derive(Debug, Clone)]
struct Parameter<'a> {
    value: &'a Value,
    at: At,
    name: &'a str,
    place: &'a str,
}

/// What identifies a parameter for the client: a path parameter is its position, a header is called in any case.
fn key(place: &str, name: &str, path: &str) -> (String, String) {
    let name = match place {
        "header" => name.to_ascii_lowercase(),
        "path" => {
            let mut names = path.split('{').skip(1).filter_map(|p| p.split('}').next());
            names
                .position(|n| n == name)
                .map_or_else(|| name.to_owned(), |i| i.to_string())
        }
        _ => name.to_owned(),
    };
    (place.to_owned(), name)
}

fn list<'a>(book: Book<'a>, operation: &Operation<'a>) -> IndexMap<(String, String), Parameter<'a>> {
    let mut all = IndexMap::new();
    for (above, above_at) in [(operation.item.0, &operation.item.1), (operation.value, &operation.at)] {
        let list = above.get("parameters").and_then(Value::as_array);
        for (index, value) in list.into_iter().flatten().enumerate() {
            let at = join(&join(above_at, "parameters"), &index.to_string());
            let (value, at) = book.follow(value, at);
            let text = |name: &str| value.get(name).and_then(Value::as_str);
            let (Some(name), Some(place)) = (text("name"), text("in")) else {
                continue;
            };
            if place == "header" && IGNORED.contains(&name.to_ascii_lowercase().as_str()) {
                continue;
            }
            let parameter = Parameter { value, at, name, place };
            all.insert(key(place, name, operation.path), parameter);
        }
    }
    all
}

/// Parameters of two operations.
pub(super) fn compare<'a>(out: &mut Collector<'a>, act: usize, area: Area, old: &Operation<'a>, new: &Operation<'a>) {
    let (olds, news) = (list(out.old, old), list(out.new, new));
    for (key, parameter) in &olds {
        match news.get(key) {
            Some(new) => pair(out, act, area, parameter, new),
            None => gone(out, act, area, parameter),
        }
    }
    for (_, parameter) in news.iter().filter(|(key, _)| !olds.contains_key(*key)) {
        let keyword = if parameter.required() {
            "required-parameter"
        } else {
            "parameter"
        };
        let found = Found::new(area, keyword, Effect::Added)
            .old(&old.at)
            .new_at(&parameter.at);
        out.find(act, found.says(None, Some(parameter.shown())).inside(parameter.shown()));
    }
}

fn gone(out: &mut Collector<'_>, act: usize, area: Area, parameter: &Parameter<'_>) {
    let keyword = match lifecycle::end(parameter.value, out.today) {
        _ if area != Area::Parameter => "parameter",
        End::Come => "retired-parameter",
        End::Ahead => "early-removal",
        End::Unannounced if parameter.required() => "required-parameter",
        End::Unannounced => "parameter",
    };
    let found = Found::new(area, keyword, Effect::Removed).old(&parameter.at);
    let found = found.says(Some(parameter.shown()), None).inside(parameter.shown());
    out.find(act, found.field(format!("/{}", escape(parameter.name))));
}

impl<'a> Parameter<'a> {
    fn flag(&self, name: &str) -> bool {
        self.value.get(name) == Some(&Value::Bool(true))
    }

    fn required(&self) -> bool {
        self.place == "path" || self.flag("required")
    }

    fn shown(&self) -> String {
        format!("{} {}", self.place, self.name)
    }

    /// Style and explode with their defaults (OpenAPI 3.1, 4.8.12).
    fn style(&self) -> (&'a str, bool) {
        let default = if ["query", "cookie"].contains(&self.place) {
            "form"
        } else {
            "simple"
        };
        let style = self.value.get("style").and_then(Value::as_str).unwrap_or(default);
        let explode = self.value.get("explode").and_then(Value::as_bool);
        (style, explode.unwrap_or(style == "form"))
    }

    /// Its schema, and the media type where it has one.
    fn schema(&self, book: Book<'a>) -> (Node<'a>, Option<&'a str>) {
        let content = self
            .value
            .get("content")
            .and_then(Value::as_object)
            .and_then(|c| c.iter().next());
        if let Some((media, content)) = content {
            let at = join(&join(&self.at, "content"), media);
            let schema = content.get("schema");
            return (
                schema.map(|s| book.node(s, join(&at, "schema"))).unwrap_or_default(),
                Some(media),
            );
        }
        let schema = self.value.get("schema");
        (
            schema
                .map(|s| book.node(s, join(&self.at, "schema")))
                .unwrap_or_default(),
            None,
        )
    }
}

/// Whether a schema is a list or an object, for which the way of writing matters.
fn composed(node: &Node<'_>) -> bool {
    is(node, "array") || is(node, "object")
}

fn is(node: &Node<'_>, name: &str) -> bool {
    node.all("type")
        .any(|(v, _)| v == name || v.as_array().is_some_and(|a| a.iter().any(|v| v == name)))
}

fn pair<'a>(out: &mut Collector<'a>, act: usize, area: Area, old: &Parameter<'a>, new: &Parameter<'a>) {
    let shown = old.shown();
    let note = |out: &mut Collector<'a>, keyword, effect, from: Option<String>, to: Option<String>| {
        let found = Found::new(area, keyword, effect).old(&old.at).new_at(&new.at);
        out.find(act, found.says(from, to).inside(shown.clone()));
    };
    if area == Area::Parameter {
        lifecycle::compare(out, act, area, &shown, (old.value, &old.at), (new.value, &new.at));
    }
    match (old.required(), new.required()) {
        (false, true) => note(out, "required", Effect::Narrowed, None, None),
        (true, false) => note(out, "required", Effect::Widened, None, None),
        _ => {}
    }
    for (name, keyword) in [("allowEmptyValue", "empty-value"), ("allowReserved", "reserved")] {
        match (old.flag(name), new.flag(name)) {
            (true, false) => note(out, keyword, Effect::Narrowed, None, None),
            (false, true) => note(out, keyword, Effect::Widened, None, None),
            _ => {}
        }
    }
    let ((old_node, old_media), (new_node, new_media)) = (old.schema(out.old), new.schema(out.new));
    if old_media != new_media {
        let shown = |m: Option<&str>| Some(m.unwrap_or("schema").to_owned());
        note(out, "content", Effect::Changed, shown(old_media), shown(new_media));
    }
    let (style, explode) = (old.style(), new.style());
    let matters = style.0 != explode.0 || composed(&old_node) && composed(&new_node);
    if old_media.is_none() && new_media.is_none() && style != explode && matters {
        let shown = |(style, explode): (&str, bool)| Some(format!("{style}, explode: {explode}"));
        note(out, "style", Effect::Changed, shown(style), shown(explode));
    }
    let field = format!("/{}", escape(old.name));
    // `a=1` reads the same as one value and as a list of one (style form, exploded).
    let repeated = old_media.is_none() && style == ("form", true) && explode == style;
    let (was_list, is_list) = (is(&old_node, "array"), is(&new_node, "array"));
    let pair = match (was_list, is_list) {
        (false, true) if repeated && !composed(&old_node) && !old_node.anything() => {
            note(out, "list", Effect::Widened, None, None);
            (old_node, entry(out.new, &new_node))
        }
        (true, false) if repeated && !composed(&new_node) && !new_node.anything() => {
            note(out, "list", Effect::Narrowed, None, None);
            (entry(out.old, &old_node), new_node)
        }
        _ => (old_node, new_node),
    };
    out.schemas(act, area, &shown, &field, false, pair);
}

fn entry<'a>(book: Book<'a>, node: &Node<'a>) -> Node<'a> {
    let items: Vec<_> = node.all("items").collect();
    items.into_iter().fold(Node::default(), |all, (schema, part)| {
        all.and(book.node(schema, join(&part.at, "items")))
    })
}
