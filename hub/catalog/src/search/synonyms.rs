//! Everyday words: what people say, and what services are called.

use super::fold::Folder;
use serde::Deserialize;
use std::collections::BTreeMap;

/// `synonyms.yaml`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Synonyms {
    /// Words that mean the same.
    pub(crate) same: Vec<Vec<String>>,
    /// From what people say to what services are called. A key of several words separated by spaces needs all of them.
    pub(crate) leads_to: BTreeMap<String, Vec<String>>,
}

/// Synonyms ready for queries.
#[derive(Debug, Default)]
pub(super) struct Thesaurus {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    /// All of these must stand in the query.
    when: Vec<String>,
    then: Vec<String>,
}

impl Thesaurus {
    pub(super) fn new(synonyms: &Synonyms, folder: &Folder) -> Self {
        let fold = |word: &String| folder.fold(word).trim().to_owned();
        let mut entries = Vec::new();
        for group in &synonyms.same {
            let words: Vec<String> = group.iter().map(fold).collect();
            for word in &words {
                entries.push(Entry {
                    when: vec![word.clone()],
                    then: words.iter().filter(|w| *w != word).cloned().collect(),
                });
            }
        }
        for (said, called) in &synonyms.leads_to {
            let said = fold(said);
            let is_english = said.is_ascii();
            let when = match is_english {
                // English phrases keep their words together.
                true => vec![said],
                false => said.split_whitespace().map(str::to_owned).collect(),
            };
            entries.push(Entry {
                when,
                then: called.iter().map(fold).collect(),
            });
        }
        Self { entries }
    }

    /// What else a folded query may mean: phrases, each with how much of the query stood for it.
    pub(super) fn expand(&self, folded: &str) -> Vec<(&str, usize)> {
        let padded = format!(" {folded} ");
        let stands = |word: &String| match word.is_ascii() {
            true => padded.contains(&format!(" {word} ")) || padded.contains(&format!(" {word}s ")),
            false => folded.contains(word.as_str()),
        };
        let mut found: Vec<(&str, usize)> = Vec::new();
        for entry in self.entries.iter().filter(|e| e.when.iter().all(stands)) {
            let length: usize = entry.when.iter().map(|w| w.chars().count()).sum();
            for phrase in &entry.then {
                match found.iter_mut().find(|(known, _)| known == phrase) {
                    Some((_, longest)) => *longest = length.max(*longest),
                    None => found.push((phrase, length)),
                }
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_lead_to_words() {
        let synonyms = Synonyms {
            same: vec![vec!["敬老院".into(), "养老院".into()]],
            leads_to: BTreeMap::from([
                ("孩子 打".into(), vec!["未成年人保护".into()]),
                ("wifi".into(), vec!["宽带".into()]),
            ]),
        };
        let thesaurus = Thesaurus::new(&synonyms, &Folder::new());
        assert_eq!(thesaurus.expand("开敬老院"), [("养老院", 3)]);
        assert_eq!(thesaurus.expand("邻居打孩子"), [("未成年人保护", 3)]);
        assert_eq!(thesaurus.expand("home wifi down"), [("宽带", 4)]);
        assert!(thesaurus.expand("wifihome").is_empty());
    }
}
