//! How likely an upstream place is a canonical field: points of 100 and the reason.

use super::upstream::{Kind, Node};
use super::values::{Evidence, Looks};
use super::words::{Sounds, alike, characters, overlap, split, squeezed};
use hub_core::{Shape, ShapeKind, Text};
use serde_json::Value;
use std::collections::HashMap;

/// Points and why.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Score {
    /// 0 to 100.
    pub(super) points: u8,
    /// In words.
    pub(super) reason: Text,
    /// The codec that the values ask for.
    pub(super) form: Option<String>,
}

/// A canonical field as names are compared with it.
#[derive(Debug)]
struct Known {
    name: String,
    words: Vec<String>,
    english: Vec<String>,
    title: String,
    characters: Vec<char>,
    sounds: Sounds,
}

/// Compares names and values; remembers what it has compared.
#[derive(Debug)]
pub(super) struct Matcher {
    /// Numbers of the texts that were met, so that what was compared is found again without copying them.
    numbers: HashMap<String, u32>,
    known: HashMap<(u32, u32), Known>,
    names: HashMap<[u32; 4], (u8, Text)>,
    pub(super) looks: Looks,
}

/// Names that say less than what stands above them.
const VAGUE: &[&str] = &[
    "#text", "value", "val", "text", "item", "items", "row", "rows", "list", "record", "records", "data", "entry",
    "element", "string", "return", "result", "info", "content",
];

impl Matcher {
    pub(super) fn new() -> Self {
        Self {
            numbers: HashMap::new(),
            known: HashMap::new(),
            names: HashMap::new(),
            looks: Looks::new(),
        }
    }

    /// Points of a place for a field; `None` if it cannot be.
    pub(super) fn score(&mut self, path: &str, node: &Node, shape: &Shape) -> Option<Score> {
        let array = shape.kind == ShapeKind::Array;
        if array && !node.is_list {
            return self.joined(path, node, shape);
        }
        if array != node.is_list {
            return None;
        }
        let (name, reason) = self.name(path, node, shape).clone();
        if array {
            return Some(Score {
                points: name,
                reason,
                form: None,
            });
        }
        let Evidence {
            points,
            floor,
            form,
            reason: seen,
        } = self.looks.weigh(node, shape);
        let name_points = i32::from(name);
        // Good names leave little for values to add.
        let added = if points > 0 {
            points.min((100 - name_points) / 2)
        } else {
            points
        };
        let total = (name_points + added)
            .max(if name_points > 0 || floor > 0 { floor } else { 0 })
            .clamp(0, 99);
        let reason = match seen {
            Some(seen) if name == 0 => seen,
            Some(seen) if points > 0 => Text::new(
                format!("{}，{}", reason.zh, seen.zh),
                format!("{}, {}", reason.en, seen.en),
            ),
            _ => reason,
        };
        Some(Score {
            points: u8::try_from(total).unwrap_or(0),
            reason,
            form,
        })
    }

    /// A list of words in one text: `a,b`.
    fn joined(&mut self, path: &str, node: &Node, shape: &Shape) -> Option<Score> {
        let of_scalars = shape
            .item
            .as_ref()
            .is_some_and(|i| i.children.is_empty() && i.kind == ShapeKind::String);
        if !of_scalars || node.kind == Kind::Number || node.kind == Kind::Boolean {
            return None;
        }
        let (name, reason) = self.name(path, node, shape).clone();
        let dunhao = node
            .samples
            .iter()
            .any(|s| s.as_str().is_some_and(|t| t.contains('、')));
        Some(Score {
            points: name.saturating_sub(12),
            reason,
            form: Some(if dunhao { "join dunhao" } else { "join ," }.to_owned()),
        })
    }

    fn number(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let next = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
        self.numbers.insert(text.to_owned(), next);
        next
    }

    /// Points of the name and the words alone.
    pub(super) fn name(&mut self, path: &str, node: &Node, shape: &Shape) -> &(u8, Text) {
        let (field, titled) = (self.number(&shape.name), self.number(title(shape)));
        let memo = [self.number(path), self.number(&node.words), field, titled];
        let known = self.known.entry((field, titled)).or_insert_with(|| Known::of(shape));
        self.names.entry(memo).or_insert_with(|| {
            spellings(path)
                .iter()
                .map(|(spelling, less)| {
                    let (points, reason) = known.compare(spelling);
                    (points.saturating_sub(*less), reason)
                })
                .chain([known.described(&node.words)])
                .fold(
                    (0, Text::default()),
                    |best, next| if next.0 > best.0 { next } else { best },
                )
        })
    }
}

/// The Chinese title of a field.
fn title(shape: &Shape) -> &str {
    word(shape, "title")
}

fn word<'s>(shape: &'s Shape, key: &str) -> &'s str {
    shape.schema.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The names that a path offers: its last step, and where that is vague what stands above it; each with what it costs.
fn spellings(path: &str) -> Vec<(String, u8)> {
    let clean = |step: &str| step.trim_end_matches("[]").trim_start_matches('@').to_owned();
    let steps: Vec<String> = path
        .split('/')
        .map(clean)
        .filter(|s| !s.is_empty() && s != ".")
        .collect();
    let Some(last) = steps.last() else { return Vec::new() };
    let mut all = vec![(last.clone(), 0)];
    if path.ends_with("[]") {
        for ending in ["List", "_list", "list", "Lst", "Array", "Items", "s", "lb"] {
            if let Some(stem) = last.strip_suffix(ending).filter(|s| s.len() > 1) {
                all.push((stem.to_owned(), 2));
            }
        }
    }
    let above = steps.len().checked_sub(2).and_then(|i| steps.get(i));
    if let Some(above) = above {
        if VAGUE.contains(&last.to_ascii_lowercase().as_str()) {
            all.push((above.clone(), 3));
        }
        all.push((format!("{above}_{last}"), 4));
    }
    all
}

impl Known {
    fn of(shape: &Shape) -> Self {
        let title = title(shape).to_owned();
        let english = word(shape, "x-hub-en");
        Self {
            name: squeezed(&shape.name),
            words: split(&shape.name),
            english: split(english),
            characters: characters(&title),
            sounds: Sounds::of(&title),
            title,
        }
    }

    /// A name against the field's own name, its English and its Chinese title.
    fn compare(&self, spelling: &str) -> (u8, Text) {
        let flat = squeezed(spelling);
        if !flat.is_empty() && flat == self.name {
            return (99, Text::new("同名", "the same name"));
        }
        let han = characters(spelling);
        if !han.is_empty() {
            return self.chinese(&han, 97.0);
        }
        let words = split(spelling);
        let own = points(alike(&words, &self.words), 96.0);
        let english = points(alike(&words, &self.english), 93.0);
        let (spelled, full) = self.sounds.spelled(&flat);
        let title = &self.title;
        let sound = if full {
            Text::new(format!("“{title}”的拼音"), format!("pinyin of {title}"))
        } else {
            Text::new(format!("“{title}”的拼音首字母"), format!("pinyin initials of {title}"))
        };
        let word = || Text::new("名称的词相同", "the same words in the name");
        let mut best = (spelled, sound);
        if own > best.0 {
            best = (own, word());
        }
        if english > best.0 {
            best = (
                english,
                Text::new("英文名称的词相同", "the same words in the English title"),
            );
        }
        best
    }

    /// The source's own words about a place.
    fn described(&self, words: &str) -> (u8, Text) {
        if words.is_empty() {
            return (0, Text::default());
        }
        let han = characters(words);
        if !han.is_empty() {
            return self.chinese(&han, 97.0);
        }
        let like = alike(&split(words), &self.english);
        (
            points(like, 92.0),
            Text::new("英文说明相同", "described in the same words"),
        )
    }

    fn chinese(&self, han: &[char], most: f64) -> (u8, Text) {
        let reason = Text::new(
            format!("说明与“{}”相同", self.title),
            format!("described as {}", self.title),
        );
        if han == self.characters.as_slice() {
            return (points(1.0, most), reason);
        }
        let holds = |long: &[char], short: &[char]| short.len() >= 2 && long.windows(short.len()).any(|w| w == short);
        let like = overlap(han, &self.characters);
        let inside = holds(han, &self.characters) || holds(&self.characters, han);
        let like = if inside { like.max(0.8) } else { like };
        (
            points(like, most - 4.0),
            Text::new(
                format!("说明与“{}”相近", self.title),
                format!("described much like {}", self.title),
            ),
        )
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn points(like: f64, most: f64) -> u8 {
    if like < 0.34 {
        0
    } else {
        (like * most).clamp(0.0, 100.0) as u8
    }
}
