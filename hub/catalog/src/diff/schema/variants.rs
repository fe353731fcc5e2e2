//! Alternatives (`anyOf`, `oneOf`) as sets: order, names and wrapping don't matter, only what each allows.
//!
//! `oneOf` is read as its authors mean it: alternatives that do not overlap.

use super::types::{Types, split, types};
use super::{Fact, Judge, Local, Side, Step};
use crate::diff::book::{Book, Node, join};
use crate::diff::table::Effect;
use serde_json::Value;

/// Pairs of alternatives judged at most for one pair of schemas; beyond, only names and places are matched.
const JUDGED: usize = 400;

/// Alternatives of one part.
#[derive(Debug)]
pub(super) struct Choice<'a> {
    pub keyword: &'static str,
    pub variants: Vec<Node<'a>>,
    at: String,
    /// Whether it was written as a choice.
    real: bool,
}

/// The alternatives of a node: one list for each keyword of each part.
pub(super) fn choices<'a>(book: Book<'a>, node: &Node<'a>) -> Vec<Choice<'a>> {
    let mut all = Vec::new();
    for part in &node.parts {
        for (keyword, name) in [("anyOf", "any-of"), ("oneOf", "one-of")] {
            let Some(variants) = part.value.get(keyword).and_then(Value::as_array) else {
                continue;
            };
            let at = join(&part.at, keyword);
            // Null as an alternative is a property of the others, however many there are.
            let nulls = variants.iter().filter(|v| book.only_null(v)).count();
            let null = nulls > 0 && nulls < variants.len();
            let others = variants.iter().enumerate().filter(|(_, v)| !null || !book.only_null(v));
            let nodes = others.map(|(i, variant)| {
                let mut node = book.node(variant, join(&at, &i.to_string()));
                node.or_null(null || part.null);
                node
            });
            all.push(Choice {
                keyword: name,
                variants: nodes.collect(),
                at: at.to_string(),
                real: true,
            });
        }
    }
    all
}

/// Choices of both: those that are the same, then one by one; what has no counterpart came or went as a whole.
pub(super) fn both<'a>(
    out: &mut Local<'a>,
    side: Side<'a>,
    mut old: Vec<Choice<'a>>,
    mut new: Vec<Choice<'a>>,
    judge: &mut dyn Judge<'a>,
) {
    if old.len() + new.len() > 2 {
        old.retain(|o| {
            let found = new.iter().position(|n| alike_sets(o, n, judge));
            found.is_none_or(|at| {
                new.remove(at);
                false
            })
        });
    }
    let (mut old, mut new) = (old.into_iter(), new.into_iter());
    loop {
        match (old.next(), new.next()) {
            (Some(o), Some(n)) => sets(out, side, o, n, judge),
            (Some(o), None) => out.facts.push(fact(o.keyword, Effect::Widened, Some(o.at), None)),
            (None, Some(n)) => out.facts.push(fact(n.keyword, Effect::Narrowed, None, Some(n.at))),
            (None, None) => break,
        }
    }
}

/// Whether two choices offer the same.
fn alike_sets<'a>(old: &Choice<'a>, new: &Choice<'a>, judge: &mut dyn Judge<'a>) -> bool {
    let mut rest: Vec<&Node<'a>> = new.variants.iter().collect();
    old.variants.len() == rest.len()
        && old.variants.iter().all(|o| {
            let found = rest.iter().position(|n| judge.relation(o, n).equal);
            found.map(|at| rest.remove(at)).is_some()
        })
}

/// One side has a choice and the other has none: the other is a choice of one. The rest of the schema goes into each
/// alternative, since it may be what makes them fit.
pub(super) fn one_sided<'a>(
    out: &mut Local<'a>,
    side: Side<'a>,
    pair: (&Node<'a>, &Node<'a>),
    choices: (Vec<Choice<'a>>, Vec<Choice<'a>>),
    judge: &mut dyn Judge<'a>,
) {
    let spread = |book: Book<'a>, node: &Node<'a>, choices: Vec<Choice<'a>>| match choices.into_iter().next() {
        Some(choice) => {
            let rest = without_choice(node);
            let variants = choice.variants.into_iter().map(|v| {
                let name = v.name.clone();
                let mut joined = rest.clone().and(v);
                joined.name = name;
                joined
            });
            Choice {
                variants: variants.collect(),
                ..choice
            }
        }
        None => Choice {
            keyword: "",
            variants: split(&book, node),
            at: node.place(&[]).unwrap_or_default(),
            real: false,
        },
    };
    let (mut old, mut new) = (spread(side.old, pair.0, choices.0), spread(side.new, pair.1, choices.1));
    if old.keyword.is_empty() {
        old.keyword = new.keyword;
    } else {
        new.keyword = old.keyword;
    }
    sets(out, side, old, new, judge);
}

/// Parts that say more than a choice; the choice itself is what the alternatives replace.
fn without_choice<'a>(node: &Node<'a>) -> Node<'a> {
    let mut rest = node.clone();
    rest.parts.retain(|part| {
        let map = part.value.as_object();
        map.is_none_or(|m| !m.contains_key("anyOf") && !m.contains_key("oneOf"))
    });
    rest
}

fn fact(keyword: &'static str, effect: Effect, old_at: Option<String>, new_at: Option<String>) -> Fact {
    Fact {
        keyword,
        effect,
        from: None,
        to: None,
        old_at,
        new_at,
        name: None,
    }
}

fn sets<'a>(out: &mut Local<'a>, side: Side<'a>, old: Choice<'a>, new: Choice<'a>, judge: &mut dyn Judge<'a>) {
    let keyword = new.keyword;
    let mut olds: Vec<Option<Node<'a>>> = old.variants.into_iter().map(Some).collect();
    let mut news: Vec<Option<Node<'a>>> = new.variants.into_iter().map(Some).collect();
    let (all_old, all_new) = (olds.clone(), news.clone());
    equal(&mut olds, &mut news, judge);
    named(out, &mut olds, &mut news);
    let few = all_old.len() * all_new.len() <= JUDGED;
    // A named alternative is promised by its name: another one that allows as much does not stand in for it.
    let coverable = |v: &Node<'a>, real: bool| few && (v.name.is_none() || !real);
    let mut left_old: Vec<Node<'a>> = olds.into_iter().flatten().collect();
    let mut left_new: Vec<Node<'a>> = news.into_iter().flatten().collect();
    alike(out, side, &mut left_old, &mut left_new);
    // One that allows all that another did takes its place, so that what it allows besides is told.
    left_old.retain(|o| {
        let heir = left_new
            .iter()
            .position(|n| coverable(o, old.real) && judge.relation(o, n).covers);
        heir.is_none_or(|at| {
            out.go(Step::Same, o.clone(), left_new.remove(at));
            false
        })
    });
    left_old.retain(|o| !(coverable(o, old.real) && all_new.iter().flatten().any(|n| judge.relation(o, n).covers)));
    left_new.retain(|n| !(coverable(n, new.real) && all_old.iter().flatten().any(|o| judge.relation(o, n).covered)));
    for variant in left_old {
        let mut gone = fact(
            keyword,
            Effect::Narrowed,
            Some(variant.place(&[]).unwrap_or(old.at.clone())),
            Some(new.at.clone()),
        );
        gone.from = Some(title(side.old, &variant));
        out.facts.push(gone);
    }
    for variant in left_new {
        let mut come = fact(
            keyword,
            Effect::Widened,
            Some(old.at.clone()),
            Some(variant.place(&[]).unwrap_or(new.at.clone())),
        );
        come.to = Some(title(side.new, &variant));
        out.facts.push(come);
    }
}

/// Takes out alternatives that both sides have, by name first, then by place, then any.
fn equal<'a>(olds: &mut [Option<Node<'a>>], news: &mut [Option<Node<'a>>], judge: &mut dyn Judge<'a>) {
    let few = olds.len() * news.len() <= JUDGED;
    for (i, slot) in olds.iter_mut().enumerate() {
        let Some(old) = slot.clone() else { continue };
        let by_name = news
            .iter()
            .position(|n| n.as_ref().is_some_and(|n| n.name.is_some() && n.name == old.name));
        let rest = (0..news.len()).filter(|_| few);
        let candidates = by_name.into_iter().chain([i]).chain(rest);
        for at in candidates {
            let Some(Some(new)) = news.get(at) else { continue };
            if judge.relation(&old, new).equal {
                *slot = None;
                if let Some(taken) = news.get_mut(at) {
                    *taken = None;
                }
                break;
            }
        }
    }
}

/// Pairs what is left by name, title or tag: such alternatives are the same one, changed.
fn named<'a>(out: &mut Local<'a>, olds: &mut [Option<Node<'a>>], news: &mut [Option<Node<'a>>]) {
    for slot in olds.iter_mut() {
        let Some(old) = slot else { continue };
        let same = |new: &Node<'a>| {
            (old.name.is_some() && old.name == new.name) || label(old).is_some_and(|l| Some(l) == label(new))
        };
        let found = news.iter_mut().find(|n| n.as_ref().is_some_and(same));
        if let Some(new) = found.and_then(Option::take)
            && let Some(old) = slot.take()
        {
            out.go(Step::Same, old, new);
        }
    }
}

fn label<'a>(node: &Node<'a>) -> Option<&'a str> {
    node.all("title").find_map(|(v, _)| v.as_str())
}

/// Pairs what is still left where there is one of each and they are of one kind: the difference is told field by field.
fn alike<'a>(out: &mut Local<'a>, side: Side<'a>, olds: &mut Vec<Node<'a>>, news: &mut Vec<Node<'a>>) {
    let ([old], [new]) = (olds.as_slice(), news.as_slice()) else {
        return;
    };
    let kind = types(&side.old, old);
    if kind == types(&side.new, new) && kind != Types::ALL {
        out.go(Step::Same, old.clone(), new.clone());
        olds.clear();
        news.clear();
    }
}

/// An alternative in a few words.
fn title<'a>(book: Book<'a>, node: &Node<'a>) -> String {
    node.name
        .clone()
        .or_else(|| label(node).map(str::to_owned))
        .unwrap_or_else(|| types(&book, node).shown())
}
