//! Sounds: pinyin of characters, syllables of typed pinyin, initials.

use super::fold::is_han;
use pinyin::ToPinyin;
use std::collections::HashMap;

/// The most common reading of a character, without its tone.
fn reading(c: char) -> Option<&'static str> {
    c.to_pinyin().map(pinyin::Pinyin::plain)
}

/// Longest name for addresses.
const SLUG: usize = 40;

/// A syllable as ears that don't tell zh from z or -ng from -n hear it.
fn heard(syllable: &str) -> String {
    let spelled = syllable.replace('ü', "v");
    let dulled = [("zh", "z"), ("ch", "c"), ("sh", "s")]
        .into_iter()
        .find_map(|(from, to)| Some(format!("{to}{}", spelled.strip_prefix(from)?)))
        .unwrap_or(spelled);
    match dulled.strip_suffix("ng") {
        Some(open) => format!("{open}n"),
        None => dulled,
    }
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

/// A name for addresses: readings of Chinese characters, other letters as they are, in lower case, hyphens between words;
/// `None` where nothing is left.
#[must_use]
pub fn slug(text: &str) -> Option<String> {
    let mut slug = String::new();
    let mut gap = false;
    for c in text.chars() {
        let word = match is_han(c) {
            true => reading(c).map(|r| r.replace('ü', "v")),
            false => c.is_ascii_alphanumeric().then(|| c.to_ascii_lowercase().to_string()),
        };
        let Some(word) = word else {
            gap = !slug.is_empty();
            continue;
        };
        if gap || (is_han(c) && !slug.is_empty()) {
            slug.push('-');
        }
        gap = is_han(c);
        slug.push_str(&word);
        if slug.len() >= SLUG {
            break;
        }
    }
    slug.truncate(SLUG);
    let slug = slug.trim_matches('-');
    (!slug.is_empty()).then(|| slug.to_owned())
}

/// A syllable as heard, by number.
pub(super) type Sound = u16;

/// Knows what characters and typed syllables sound like.
#[derive(Debug)]
pub(super) struct Syllables {
    typed: HashMap<String, Sound>,
    spoken: HashMap<char, Sound>,
}

impl Syllables {
    /// Knows every reading of the common ideographs.
    pub(super) fn new() -> Self {
        let mut numbers: HashMap<String, Sound> = HashMap::new();
        let mut typed: HashMap<&'static str, Sound> = HashMap::new();
        let mut spoken = HashMap::new();
        for c in '\u{4E00}'..='\u{9FA5}' {
            let Some(syllable) = reading(c) else { continue };
            let sound = *typed.entry(syllable).or_insert_with(|| {
                let next = u16::try_from(numbers.len()).unwrap_or(u16::MAX);
                *numbers.entry(heard(syllable)).or_insert(next)
            });
            spoken.insert(c, sound);
        }
        // Keyboards have no ü: people type v.
        let typed = typed
            .into_iter()
            .map(|(syllable, sound)| (syllable.replace('ü', "v"), sound))
            .collect();
        Self { typed, spoken }
    }

    /// What a character sounds like.
    pub(super) fn of(&self, c: char) -> Option<Sound> {
        self.spoken.get(&c).copied()
    }

    /// The split of a word into the fewest syllables, of several such the one that starts longest, as readers do; `None`
    /// where it is no pinyin.
    pub(super) fn split(&self, word: &str) -> Option<Vec<Sound>> {
        const LONGEST: usize = 6;
        if !word.bytes().all(|b| b.is_ascii_lowercase()) || word.len() > 80 {
            return None;
        }
        // best[i]: how many syllables word[i..] has at least, and the first of them with its length.
        let mut best: Vec<Option<(usize, Sound, usize)>> = vec![None; word.len() + 1];
        if let Some(last) = best.last_mut() {
            *last = Some((0, 0, 0));
        }
        for start in (0..word.len()).rev() {
            let mut chosen: Option<(usize, Sound, usize)> = None;
            for length in 1..=LONGEST.min(word.len() - start) {
                let sound = word.get(start..start + length).and_then(|s| self.typed.get(s));
                let rest = best.get(start + length).copied().flatten();
                if let (Some(sound), Some((count, ..))) = (sound, rest)
                    && chosen.is_none_or(|(fewest, ..)| count < fewest)
                {
                    chosen = Some((count + 1, *sound, length));
                }
            }
            if let Some(slot) = best.get_mut(start) {
                *slot = chosen;
            }
        }
        let mut sounds = Vec::new();
        let mut at = 0;
        while at < word.len() {
            let (_, sound, length) = best.get(at).copied().flatten()?;
            sounds.push(sound);
            at += length;
        }
        Some(sounds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_for_addresses() {
        for (text, name) in [
            ("权籍查询", Some("quan-ji-cha-xun")),
            ("Citizen API (v2)", Some("citizen-api-v2")),
            ("公积金Core 接口", Some("gong-ji-jin-core-jie-kou")),
            ("绿化", Some("lv-hua")),
            ("—", None),
        ] {
            assert_eq!(slug(text).as_deref(), name, "{text}");
        }
        assert!(slug(&"长".repeat(100)).is_some_and(|s| s.len() <= SLUG));
    }

    #[test]
    fn typed_pinyin_sounds_like_characters() {
        let syllables = Syllables::new();
        let of = |text: &str| text.chars().map(|c| syllables.of(c)).collect::<Option<Vec<_>>>();
        for (typed, text) in [
            ("gongjijin", "公积金"),
            ("lihunyuyue", "离婚预约"),
            ("daikuanedu", "贷款额度"),
            ("shishilukuang", "实时路况"),
            ("zangyuan", "张远"),
            ("lvshi", "律师"),
        ] {
            assert_eq!(syllables.split(typed), of(text), "{typed}");
        }
        assert!(syllables.split("gjjyecx").is_none());
        assert!(syllables.split("electricity").is_none());
        assert_eq!(syllables.of('a'), None);
        assert_eq!(initials("公积金ETC余额"), "gjjETCye");
    }
}
