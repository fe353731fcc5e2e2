//! Which upstream call is which operation of the contract.

use super::assign::{Together, fields};
use super::score::Matcher;
use super::upstream::{Node, Upstream, UpstreamCall};
use super::words::{Sounds, alike, characters, overlap, split, squeezed};
use hub_core::{Effect, Operation, Shape, Text};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Points below which an operation stays without a call.
const LEAST: f64 = 38.0;
/// Calls of which one operation is compared field by field.
const CANDIDATES: usize = 12;

/// An operation and its call.
#[derive(Debug)]
pub(super) struct Pairing<'u> {
    pub(super) operation: Arc<Operation>,
    /// `None` where nothing fits.
    pub(super) call: Option<&'u UpstreamCall>,
    /// 0 to 100.
    pub(super) confidence: u8,
    pub(super) reason: Text,
    /// Other calls it could be.
    pub(super) others: Vec<(String, u8)>,
}

/// Pairs operations with calls, the surest first; every call once.
pub(super) fn pair<'u>(
    matcher: &mut Matcher,
    operations: &[Arc<Operation>],
    upstream: &'u Upstream,
) -> Vec<Pairing<'u>> {
    let mut scores = Vec::new();
    for (o, operation) in operations.iter().enumerate() {
        let asked = Asked::of(operation);
        let mut named: Vec<(usize, f64, Text)> = upstream
            .calls
            .iter()
            .enumerate()
            .map(|(c, call)| {
                let (points, reason) = asked.named(call);
                (c, points, reason)
            })
            .collect();
        // Fields are compared where the name leaves a chance; with few calls everywhere.
        named.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        for (c, named, reason) in named.into_iter().take(CANDIDATES) {
            let Some(call) = upstream.calls.get(c) else { continue };
            let covered = f64::from(coverage(matcher, operation, call));
            let fits = if (operation.effect == Effect::None) == (call.method == "GET") {
                4.0
            } else {
                0.0
            };
            let points = (0.62 * named + 0.34 * covered + fits).min(99.0);
            if points >= LEAST {
                scores.push((points, o, c, reason));
            }
        }
    }
    // One of each: whatever they are called, they are each other's.
    let alone = operations.len() == 1 && upstream.calls.len() == 1;
    if alone && scores.is_empty() {
        scores.push((60.0, 0, 0, Text::new("唯一的调用", "the only call")));
    }
    scores.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let mut of_operation: HashMap<usize, usize> = HashMap::new();
    let mut taken = HashSet::new();
    for (i, (_, o, c, _)) in scores.iter().enumerate() {
        if !of_operation.contains_key(o) && taken.insert(*c) {
            of_operation.insert(*o, i);
        }
    }
    let paired = operations.iter().enumerate().map(|(o, operation)| {
        let chosen = of_operation.get(&o).and_then(|i| scores.get(*i));
        let others = scores.iter().filter(|s| s.1 == o && chosen.is_none_or(|c| c.2 != s.2));
        Pairing {
            operation: Arc::clone(operation),
            call: chosen.and_then(|s| upstream.calls.get(s.2)),
            confidence: chosen.map_or(0, |s| whole(s.0)),
            reason: chosen.map(|s| s.3.clone()).unwrap_or_default(),
            others: others
                .filter_map(|s| Some((upstream.calls.get(s.2)?.call.clone(), whole(s.0))))
                .take(2)
                .collect(),
        }
    });
    paired.collect()
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole(points: f64) -> u8 {
    points.clamp(0.0, 99.0) as u8
}

/// An operation as names of calls are compared with it.
struct Asked {
    key: Vec<String>,
    english: Vec<String>,
    path: Vec<String>,
    title: Vec<char>,
    sounds: Sounds,
}

impl Asked {
    fn of(operation: &Operation) -> Self {
        Self {
            key: split(operation.key()),
            english: split(&operation.summary.en),
            path: split(&operation.path.0),
            title: characters(&operation.summary.zh),
            sounds: Sounds::of(&operation.summary.zh),
        }
    }

    fn named(&self, call: &UpstreamCall) -> (f64, Text) {
        let mut best = (0.0, Text::default());
        let mut offer = |points: f64, zh: &str, en: &str| {
            if points > best.0 {
                best = (points, Text::new(zh, en));
            }
        };
        let words = split(&call.name);
        offer(
            100.0 * alike(&words, &self.key),
            "名称与操作编号相同",
            "named like the operation",
        );
        offer(
            95.0 * alike(&words, &self.english),
            "名称与英文名称相同",
            "named like its English title",
        );
        let spelled = f64::from(self.sounds.spelled(&squeezed(&call.name)).0);
        offer(spelled, "名称是拼音", "pinyin of its title");
        if let Some((_, path)) = call.call.split_once(' ') {
            offer(
                96.0 * alike(&split(path), &self.path),
                "路径的词相同",
                "the same words in the path",
            );
        }
        let han = characters(&call.words);
        if han.is_empty() {
            offer(
                90.0 * alike(&split(&call.words), &self.english),
                "说明相同",
                "described alike",
            );
        } else {
            let inside = self.title.len() > 2 && han.windows(self.title.len()).any(|w| w == self.title.as_slice());
            offer(
                if inside {
                    95.0
                } else {
                    92.0 * overlap(&han, &self.title)
                },
                "说明相同",
                "described alike",
            );
        }
        best
    }
}

/// How much of what the operation requires has a namesake in the call, 0 to 100.
fn coverage(matcher: &mut Matcher, operation: &Operation, call: &UpstreamCall) -> u8 {
    let mut sum = 0_u32;
    let mut count = 0_u32;
    for (shape, node) in [(&operation.input, &call.request), (&operation.output, &call.response)] {
        let places = node.places();
        for (_, field) in fields(shape).iter().filter(|(_, f)| f.required) {
            let best = places
                .iter()
                .filter(|(_, n)| n.is_list == (field.kind == hub_core::ShapeKind::Array))
                .map(|(path, n)| matcher.name(path, n, field).0)
                .max();
            sum += u32::from(best.unwrap_or(0));
            count += 1;
        }
    }
    // An operation that requires nothing fits half.
    sum.checked_div(count)
        .map_or(50, |mean| u8::try_from(mean).unwrap_or(0))
}

/// Places and fields that come and go together over all operations. It takes three of them to tell anything.
pub(super) fn together(pairings: &[Pairing<'_>]) -> Together {
    let mut place_count: HashMap<String, i32> = HashMap::new();
    let mut field_count: HashMap<String, i32> = HashMap::new();
    let mut both: HashMap<(String, String), i32> = HashMap::new();
    let mut side = |node: &Node, shape: &Shape| {
        let places: HashSet<String> = node.places().into_iter().map(|(p, _)| p).collect();
        let names: HashSet<String> = fields(shape).into_iter().map(|(f, _)| f).collect();
        for place in &places {
            *place_count.entry(place.clone()).or_default() += 1;
            for name in &names {
                *both.entry((place.clone(), name.clone())).or_default() += 1;
            }
        }
        for name in names {
            *field_count.entry(name).or_default() += 1;
        }
    };
    for pairing in pairings {
        if let Some(call) = pairing.call {
            side(&call.request, &pairing.operation.input);
            side(&call.response, &pairing.operation.output);
        }
    }
    both.into_iter()
        .filter_map(|((place, field), shared)| {
            let any = place_count.get(&place)? + field_count.get(&field)? - shared;
            (any >= 3).then(|| ((place, field), 18 * shared / any - 9))
        })
        .collect()
}
