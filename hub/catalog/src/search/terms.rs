//! What texts and queries are cut into: characters and pairs of them, syllable pairs, English words.

use super::fold::is_han;
use super::phonetic::{Sound, Syllables};
use std::hash::{DefaultHasher, Hash, Hasher};

/// One searchable piece, small enough to be copied: a kind and what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Term {
    /// One Chinese character.
    Character(char),
    /// Two neighbouring Chinese characters.
    Pair(char, char),
    /// Two neighbouring syllables as heard.
    Sounds(Sound, Sound),
    /// An English word, a number, or another run of letters, without its ending; hashed.
    Word(u64),
}

impl Term {
    /// The term of a word that has lost its ending.
    pub(super) fn word(stem: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        stem.hash(&mut hasher);
        Term::Word(hasher.finish())
    }
}

/// Pieces of a folded text, in order, repeated ones included.
pub(super) fn terms(folded: &str, syllables: &Syllables) -> Vec<Term> {
    let mut found = Vec::new();
    for run in runs(folded) {
        match run {
            Run::Han(text) => han(&text, syllables, &mut found),
            Run::Latin(word) => {
                if !is_stop_word(&word) {
                    found.push(Term::word(&stem(&word)));
                }
            }
        }
    }
    found
}

fn han(text: &str, syllables: &Syllables, found: &mut Vec<Term>) {
    let mut before: Option<char> = None;
    for c in text.chars() {
        found.push(Term::Character(c));
        if let Some(first) = before {
            found.push(Term::Pair(first, c));
            if let (Some(a), Some(b)) = (syllables.of(first), syllables.of(c)) {
                found.push(Term::Sounds(a, b));
            }
        }
        before = Some(c);
    }
}

/// A stretch of one script.
#[derive(Debug, PartialEq)]
pub(super) enum Run {
    Han(String),
    Latin(String),
}

/// Stretches of Chinese characters and of other letters and digits.
pub(super) fn runs(folded: &str) -> Vec<Run> {
    let mut all: Vec<Run> = Vec::new();
    let mut broken = true;
    for c in folded.chars() {
        if c == ' ' {
            broken = true;
            continue;
        }
        match (all.last_mut(), is_han(c)) {
            (Some(Run::Han(text)), true) if !broken => text.push(c),
            (Some(Run::Latin(text)), false) if !broken => text.push(c),
            (_, true) => all.push(Run::Han(c.into())),
            (_, false) => all.push(Run::Latin(c.into())),
        }
        broken = false;
    }
    all
}

/// Words of English that say nothing about what is wanted.
fn is_stop_word(word: &str) -> bool {
    const WORDS: [&str; 62] = [
        "a", "an", "the", "of", "for", "to", "in", "on", "at", "by", "with", "and", "or", "is", "are", "was", "be",
        "am", "i", "my", "me", "we", "our", "you", "your", "it", "its", "this", "that", "how", "do", "does", "can",
        "could", "where", "what", "when", "which", "who", "want", "need", "get", "please", "someone", "there", "from",
        "if", "any", "some", "have", "has", "had", "about", "into", "up", "down", "near", "nearest", "here", "would",
        "should", "will",
    ];
    WORDS.contains(&word)
}

/// A word without the endings of plural and participle; rough on purpose, queries and texts are cut alike.
pub(super) fn stem(word: &str) -> String {
    if word.len() < 4 || !word.is_ascii() {
        return word.to_owned();
    }
    for (ending, instead) in [
        ("ations", "at"),
        ("ation", "at"),
        ("ities", "it"),
        ("ity", "it"),
        ("ies", "i"),
        ("ing", ""),
        ("ed", ""),
        ("es", ""),
        ("al", ""),
        ("s", ""),
        ("e", ""),
        ("y", "i"),
    ] {
        if let Some(root) = word.strip_suffix(ending)
            && root.len() >= 3
        {
            return format!("{root}{instead}");
        }
    }
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cut_by_script() {
        assert_eq!(
            runs("etc 办理2次"),
            [
                Run::Latin("etc".into()),
                Run::Han("办理".into()),
                Run::Latin("2".into()),
                Run::Han("次".into())
            ]
        );
        let syllables = Syllables::new();
        let found = terms("查水费", &syllables);
        let water = Term::Sounds(syllables.of('水').unwrap(), syllables.of('费').unwrap());
        assert!(found.contains(&Term::Pair('水', '费')) && found.contains(&water));
    }

    #[test]
    fn endings_fall() {
        assert_eq!(stem("bills"), stem("bill"));
        assert_eq!(stem("parking"), stem("parked"));
        assert_eq!(stem("libraries"), stem("library"));
        assert_eq!(
            terms("how to pay the bill", &Syllables::new()),
            [Term::word("pay"), Term::word("bill")]
        );
    }
}
