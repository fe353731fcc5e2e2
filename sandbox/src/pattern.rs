//! Texts that match a regular expression, found by walking it instead of guessing.

use crate::seed::Dice;
use crate::state::lock;
use regex_syntax::hir::{Class, Hir, HirKind, Repetition};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// Tries before giving a pattern up; each allows repetitions to grow further.
const TRIES: usize = 12;
/// Longest text ever made, whatever the pattern allows.
const LONGEST: usize = 4_000;

/// Patterns read so far. Reading one with large classes costs more than writing a thousand texts.
#[derive(Debug, Default)]
pub(crate) struct Patterns(
    Mutex<HashMap<String, Option<Arc<Hir>>>>,
    Mutex<HashMap<String, Option<regex::Regex>>>,
);

/// Bytes one compiled pattern may take.
const COMPILED: usize = 1 << 20;

/// Patterns kept; beyond that all are read again.
const KEPT: usize = 2_000;

impl Patterns {
    /// Whether a text matches; `false` for a pattern that cannot be read.
    pub(crate) fn accepts(&self, pattern: &str, text: &str) -> bool {
        let mut kept = lock(&self.1);
        if kept.len() >= KEPT {
            kept.clear();
        }
        let compiled = kept.entry(pattern.to_owned()).or_insert_with(|| {
            let built = regex::RegexBuilder::new(&ascii_digits(pattern))
                .size_limit(COMPILED)
                .build();
            built.ok()
        });
        compiled.as_ref().is_some_and(|regex| regex.is_match(text))
    }

    /// A pattern ready to be walked; `None` where it cannot be read (look-around is not supported).
    pub(crate) fn read(&self, pattern: &str) -> Option<Arc<Hir>> {
        let mut kept = lock(&self.0);
        if let Some(known) = kept.get(pattern) {
            return known.clone();
        }
        let parsed = regex_syntax::ParserBuilder::new().build().parse(&ascii_digits(pattern));
        let hir = parsed.ok().map(Arc::new);
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(pattern.to_owned(), hir.clone());
        hir
    }
}

/// A text of `min` to `max` characters that matches a pattern; `None` where no try had the right length.
pub(crate) fn text(hir: &Hir, min: usize, max: usize, dice: &mut Dice) -> Option<String> {
    let max = max.min(LONGEST);
    for attempt in 0..TRIES {
        // The first try aims low in the allowed range, later ones at the least and the most.
        let target = match attempt {
            0 => min.max(1),
            _ => min + dice.index(max.saturating_sub(min).min(64) + 1),
        };
        let mut walk = Walk {
            text: String::new(),
            length: 0,
            target,
            dice,
        };
        walk.write(hir, 0);
        if (min..=max).contains(&walk.length) {
            return Some(walk.text);
        }
    }
    None
}

/// JSON Schema patterns are ECMA-262, where `\d` and `\w` are ASCII.
fn ascii_digits(pattern: &str) -> String {
    let mut out = String::new();
    let mut chars = pattern.chars();
    let mut in_class = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('d') => out.push_str(if in_class { "0-9" } else { "[0-9]" }),
                Some('w') => out.push_str(if in_class { "A-Za-z0-9_" } else { "[A-Za-z0-9_]" }),
                // ECMA lets a slash be escaped, this parser does not.
                Some('/') => out.push('/'),
                Some(other) => out.extend(['\\', other]),
                None => out.push('\\'),
            },
            '[' => {
                if in_class {
                    out.push('\\');
                }
                in_class = true;
                out.push(c);
            }
            ']' => {
                in_class = false;
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}

struct Walk<'a> {
    text: String,
    length: usize,
    target: usize,
    dice: &'a mut Dice,
}

impl Walk<'_> {
    fn push(&mut self, c: char) {
        self.text.push(c);
        self.length += 1;
    }

    /// `after` is how many characters must still follow behind this piece.
    fn write(&mut self, hir: &Hir, after: usize) {
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => {}
            HirKind::Literal(literal) => {
                for c in String::from_utf8_lossy(&literal.0).chars() {
                    self.push(c);
                }
            }
            HirKind::Class(class) => {
                if let Some(c) = self.choose(class) {
                    self.push(c);
                }
            }
            HirKind::Capture(capture) => self.write(&capture.sub, after),
            HirKind::Repetition(repetition) => self.repeat(repetition, after),
            HirKind::Concat(pieces) => {
                let mut left: usize = pieces.iter().map(shortest).sum();
                for piece in pieces {
                    left -= shortest(piece);
                    self.write(piece, after + left);
                }
            }
            HirKind::Alternation(branches) => {
                if let Some(branch) = self.dice.pick(branches) {
                    self.write(branch, after);
                }
            }
        }
    }

    fn repeat(&mut self, repetition: &Repetition, after: usize) {
        let min = usize::try_from(repetition.min).unwrap_or(usize::MAX);
        let max = repetition
            .max
            .map_or(LONGEST, |m| usize::try_from(m).unwrap_or(LONGEST));
        let one = shortest(&repetition.sub).max(1);
        // Enough rounds to reach the target with what follows, never more than allowed.
        let wanted = self.target.saturating_sub(self.length + after) / one;
        for _ in 0..wanted.clamp(min.min(LONGEST), max.max(min).min(LONGEST)) {
            self.write(&repetition.sub, after);
            if self.length > LONGEST {
                return;
            }
        }
    }

    /// A character of a class: digits and capitals first, then Chinese characters, then whatever there is.
    fn choose(&mut self, class: &Class) -> Option<char> {
        let ranges: Vec<(char, char)> = match class {
            Class::Unicode(class) => class.ranges().iter().map(|r| (r.start(), r.end())).collect(),
            Class::Bytes(class) => class
                .ranges()
                .iter()
                .map(|r| (r.start() as char, r.end() as char))
                .collect(),
        };
        const LIKED: [(char, char); 5] = [('0', '9'), ('A', 'Z'), ('a', 'z'), ('\u{4e00}', '\u{9fa5}'), ('!', '~')];
        let overlap = |(low, high): (char, char)| {
            let cut = ranges.iter().map(move |&(a, b)| (a.max(low), b.min(high)));
            cut.filter(|(a, b)| a <= b).collect::<Vec<_>>()
        };
        let liked: Vec<Vec<(char, char)>> = LIKED.into_iter().map(overlap).filter(|o| !o.is_empty()).collect();
        let of = liked.first().unwrap_or(&ranges);
        let &(low, high) = self.dice.pick(of)?;
        let code = self.dice.between(i64::from(u32::from(low)), i64::from(u32::from(high)));
        u32::try_from(code).ok().and_then(char::from_u32).or(Some(low))
    }
}

/// The fewest characters a piece takes. Bytes are an upper bound of characters, good enough to leave room.
fn shortest(hir: &Hir) -> usize {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => 0,
        HirKind::Literal(literal) => String::from_utf8_lossy(&literal.0).chars().count(),
        HirKind::Class(_) => 1,
        HirKind::Capture(capture) => shortest(&capture.sub),
        HirKind::Repetition(r) => usize::try_from(r.min).unwrap_or(0).saturating_mul(shortest(&r.sub)),
        HirKind::Concat(pieces) => pieces.iter().map(shortest).sum(),
        HirKind::Alternation(branches) => branches.iter().map(shortest).min().unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::{Dice, Patterns};
    use crate::seed::Seed;

    fn matches(pattern: &str, text: &str) -> bool {
        let schema = serde_json::json!({"type": "string", "pattern": pattern});
        crate::testing::fits(&schema, &serde_json::json!(text))
    }

    fn text(pattern: &str, min: usize, max: usize, dice: &mut Dice) -> Option<String> {
        super::text(Patterns::default().read(pattern)?.as_ref(), min, max, dice)
    }

    #[test]
    fn patterns_of_the_dictionary_are_matched() {
        let patterns = [
            r"^1[3-9]\d{9}$",
            r"^[0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10}$",
            r"^(0[1-9]|[1-4]\d|5[0-6]|97|98)$",
            r"^.{1,4}[（(]\d{4}[)）].{1,20}不动产(权|证明)第\d{7}号$",
            r"^[^@\s]+@[^@\s]+\.[^@\s]+$",
            r"^-?\d{1,3}(\.\d+)?$",
            r"^[0-9A-Z/.-]{8,64}$",
            r"^(ZL)?[0-9]{7,13}(\.[0-9X])?$",
            r"^https://.+$",
            r"^a/b\/c$",
        ];
        for pattern in patterns {
            for n in 0..20 {
                let text = text(pattern, 0, 200, &mut Seed::new(n).dice()).unwrap();
                assert!(matches(pattern, &text), "{pattern}: {text}");
            }
        }
    }

    #[test]
    fn lengths_are_kept_and_hostile_patterns_end() {
        for n in 0..20 {
            let made = text("^[A-Z]+$", 5, 7, &mut Seed::new(n).dice()).unwrap();
            assert!((5..=7).contains(&made.len()), "{made}");
        }
        assert!(text("(?=a)b", 0, 9, &mut Seed::new(1).dice()).is_none());
        assert!(text("((a{1,100}){1,100}){1,100}", 0, 50, &mut Seed::new(1).dice()).is_some());
        assert!(text("^a{10}$", 0, 5, &mut Seed::new(1).dice()).is_none());
    }
}
