//! Whether every reference of a bundled description leads somewhere and ends.

use super::grammar::{Kind, may_refer, walk};
use super::rooms::beside;
use super::sources::Sources;
use super::tree::{At, Content, Node};
use hub_core::Text;
use std::collections::HashMap;

/// References that may follow one another; more is a chain nobody wrote by hand.
const MAX_CHAIN: usize = 64;

struct Reference {
    text: String,
    at: At,
    pointer: String,
}

/// Reports what leads nowhere or round in a circle without saying anything. Schemas that hold themselves are fine.
pub(super) fn check(sources: &mut Sources<'_>, root: &mut Node, kind: Kind) {
    let mut found: Vec<Reference> = Vec::new();
    let mut own_base: Option<String> = None;
    walk(root, kind, &mut String::new(), &mut |node, kind, pointer| {
        if own_base.as_deref().is_some_and(|base| !pointer.starts_with(base)) {
            own_base = None;
        }
        if own_base.is_some() {
            return;
        }
        if kind == Kind::Schema && node.text_at("$id").is_some() {
            own_base = Some(pointer.to_owned());
            return;
        }
        if may_refer(kind)
            && let Some(reference) = node.get("$ref")
            && let Some(text) = reference.text()
        {
            found.push(Reference {
                text: text.to_owned(),
                at: reference.at,
                pointer: format!("{pointer}/$ref"),
            });
        }
    });
    let mut known: HashMap<String, Fate> = HashMap::new();
    for reference in found {
        let fate = known
            .entry(reference.text.clone())
            .or_insert_with(|| fate(root, &reference.text));
        let (code, zh, en) = match fate {
            Fate::Fine => continue,
            Fate::Nowhere => (
                "dangling-reference",
                format!("`{}` 不存在", reference.text),
                format!("`{}` does not exist", reference.text),
            ),
            Fate::Circle => (
                "reference-cycle",
                format!("`{}` 只引用自身，没有内容", reference.text),
                format!("`{}` leads back to itself and says nothing", reference.text),
            ),
        };
        let near = beside(root, reference.text.trim_start_matches('#'));
        let finding = sources.finding(code, reference.at, &reference.pointer, Text::new(zh, en));
        let fix = Text::new(
            "请改正引用或补充被引用的内容",
            "Correct the reference or add what it names.",
        );
        sources.findings.push(
            finding
                .expected("a reference to something that exists", reference.text)
                .near(near)
                .fix(fix),
        );
    }
}

enum Fate {
    Fine,
    Nowhere,
    Circle,
}

fn fate(root: &Node, text: &str) -> Fate {
    let mut text = text.to_owned();
    let mut seen = 0;
    loop {
        let Some(fragment) = text.strip_prefix('#') else {
            // What is left without a file was told of as missing already.
            return Fate::Fine;
        };
        if !fragment.is_empty() && !fragment.starts_with('/') {
            return match anchored(root, fragment) {
                true => Fate::Fine,
                false => Fate::Nowhere,
            };
        }
        let Some(target) = root.pointer(fragment) else {
            return Fate::Nowhere;
        };
        let Some(next) = target.text_at("$ref") else {
            return Fate::Fine;
        };
        seen += 1;
        if seen > MAX_CHAIN {
            return Fate::Circle;
        }
        text = next.to_owned();
    }
}

fn anchored(node: &Node, anchor: &str) -> bool {
    match &node.content {
        Content::Leaf(_) => false,
        Content::List(items) => items.iter().any(|item| anchored(item, anchor)),
        Content::Map(map) => {
            ["$anchor", "$dynamicAnchor"]
                .into_iter()
                .any(|key| node.text_at(key) == Some(anchor))
                || map.values().any(|member| anchored(member, anchor))
        }
    }
}
