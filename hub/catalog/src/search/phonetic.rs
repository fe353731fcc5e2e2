//! Sounds: pinyin of characters, syllables of typed pinyin, initials.

use super::fold::is_han;
use pinyin::ToPinyin;
use std::collections::HashSet;

/// The most common reading of a character, without its tone.
pub(super) fn reading(c: char) -> Option<&'static str> {
    c.to_pinyin().map(pinyin::Pinyin::plain)
}

/// A syllable as ears that don't tell zh from z, n from l or -ng from -n hear it.
pub(super) fn heard(syllable: &str) -> String {
    let mut s = syllable.replace('ü', "v");
    for (from, to) in [("zh", "z"), ("ch", "c"), ("sh", "s")] {
        if let Some(rest) = s.strip_prefix(from) {
            s = format!("{to}{rest}");
        }
    }
    if let Some(open) = s.strip_suffix("ng") {
        s = format!("{open}n");
    }
    s
}

/// The syllables a text sounds like: one a character, `None` where a character has no sound.
pub(super) fn syllables_of(text: &str) -> Vec<Option<String>> {
    text.chars()
        .map(|c| if is_han(c) { reading(c).map(heard) } else { None })
        .collect()
}

/// First letters of the readings of all Chinese characters, and other letters as they are.
pub(super) fn initials(text: &str) -> String {
    text.chars()
        .filter_map(|c| match is_han(c) {
            true => reading(c).and_then(|r| r.chars().next()),
            false => c.is_ascii_alphanumeric().then_some(c),
        })
        .collect()
}

/// Splits typed pinyin.
#[derive(Debug)]
pub(super) struct Syllables(HashSet<&'static str>);

impl Syllables {
    /// Knows every reading of the common ideographs.
    pub(super) fn new() -> Self {
        let common = ('\u{4E00}'..='\u{9FA5}').filter_map(reading);
        Self(common.filter(|r| r.is_ascii()).collect())
    }

    /// The split of a word into the fewest syllables; `None` where it is no pinyin. Of several equally short splits the
    /// one with the longest first syllables is taken, as readers do.
    pub(super) fn split<'w>(&self, word: &'w str) -> Option<Vec<&'w str>> {
        const LONGEST: usize = 6;
        if !word.bytes().all(|b| b.is_ascii_lowercase()) || word.len() > 80 {
            return None;
        }
        // best[i]: syllables of word[i..], and the length of the first one.
        let mut best: Vec<Option<(usize, usize)>> = vec![None; word.len() + 1];
        if let Some(last) = best.last_mut() {
            *last = Some((0, 0));
        }
        for start in (0..word.len()).rev() {
            let mut chosen: Option<(usize, usize)> = None;
            for length in 1..=LONGEST.min(word.len() - start) {
                let known = word.get(start..start + length).is_some_and(|s| self.0.contains(s));
                let rest = best.get(start + length).copied().flatten();
                if let (true, Some((count, _))) = (known, rest)
                    && chosen.is_none_or(|(fewest, _)| count < fewest)
                {
                    chosen = Some((count + 1, length));
                }
            }
            if let Some(slot) = best.get_mut(start) {
                *slot = chosen;
            }
        }
        let mut syllables = Vec::new();
        let mut at = 0;
        while at < word.len() {
            let (_, length) = best.get(at).copied().flatten()?;
            syllables.push(word.get(at..at + length)?);
            at += length;
        }
        Some(syllables)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_pinyin_is_split() {
        let syllables = Syllables::new();
        assert_eq!(syllables.split("gongjijin").unwrap(), ["gong", "ji", "jin"]);
        assert_eq!(syllables.split("lihunyuyue").unwrap(), ["li", "hun", "yu", "yue"]);
        assert_eq!(syllables.split("daikuanedu").unwrap(), ["dai", "kuan", "e", "du"]);
        assert_eq!(syllables.split("shishilukuang").unwrap(), ["shi", "shi", "lu", "kuang"]);
        assert!(syllables.split("gjjyecx").is_none());
        assert!(syllables.split("electricity").is_none());
    }

    #[test]
    fn sounds() {
        assert_eq!(initials("公积金ETC余额"), "gjjETCye");
        assert_eq!(heard("zhang"), heard("zan"));
        assert_eq!(syllables_of("志a愿")[1], None);
    }
}
