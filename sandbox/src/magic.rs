//! Data that choose an outcome, for callers who can say no scenario: surnames that nobody has, last digits of amounts.

use crate::word::Word;
use hub_core::{Operation, Semantic};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Which data mean which word.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Magic {
    /// Fields that hold a person's name, beside those whose name ends in `_name` of a person.
    names: Vec<String>,
    surnames: BTreeMap<String, String>,
    amounts: BTreeMap<String, u8>,
}

impl Magic {
    /// The surname and the last two digits of an amount in fen that mean a word.
    #[must_use]
    pub fn of(&self, word: Word) -> (Option<&str>, Option<u8>) {
        let surname = self.surnames.get(word.as_str()).map(String::as_str);
        (surname, self.amounts.get(word.as_str()).copied())
    }

    /// The word that what a caller says means.
    pub(crate) fn word(&self, operation: &Operation, input: &Map<String, Value>) -> Option<Word> {
        let meant = operation.input.children.iter().find_map(|child| {
            let value = input.get(child.name.as_ref())?;
            let field = child.field.as_deref().unwrap_or(&child.name);
            match value {
                Value::String(text) if self.is_name(field) => self.of_name(text),
                Value::Number(number) if child.semantic == Semantic::Money => self.of_amount(number.as_i64()?),
                _ => None,
            }
        });
        let meant = meant?;
        Word::ALL
            .into_iter()
            .find(|(_, name)| *name == meant)
            .map(|(word, _)| word)
    }

    /// The same for what a description alone knows of its members: their names.
    pub(crate) fn word_by_name(&self, said: &Map<String, Value>) -> Option<Word> {
        let meant = said.iter().find_map(|(field, value)| match value {
            Value::String(text) if self.is_name(field) => self.of_name(text),
            Value::Number(number) if field.ends_with("_fen") => self.of_amount(number.as_i64()?),
            _ => None,
        })?;
        Word::ALL
            .into_iter()
            .find(|(_, name)| *name == meant)
            .map(|(word, _)| word)
    }

    fn is_name(&self, field: &str) -> bool {
        self.names.iter().any(|name| name == field) || field.ends_with("_person_name")
    }

    fn of_name(&self, name: &str) -> Option<&str> {
        let found = self
            .surnames
            .iter()
            .find(|(_, surname)| name.starts_with(surname.as_str()));
        found.map(|(word, _)| word.as_str())
    }

    fn of_amount(&self, fen: i64) -> Option<&str> {
        let digits = u8::try_from(fen.rem_euclid(100)).ok()?;
        let found = self.amounts.iter().find(|(_, own)| **own == digits);
        found.map(|(word, _)| word.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Personas;
    use crate::vocabulary::Vocabulary;
    use std::collections::HashSet;

    #[test]
    fn every_word_has_its_surname_and_its_digits_and_nobody_is_called_so() {
        let magic = Vocabulary::embedded().unwrap().magic;
        let people = Personas::embedded().unwrap();
        let (mut surnames, mut digits) = (HashSet::new(), HashSet::new());
        for (word, name) in Word::ALL.into_iter().filter(|(word, _)| *word != Word::Ok) {
            let (surname, amount) = magic.of(word);
            assert!(
                surnames.insert(surname.unwrap()) && digits.insert(amount.unwrap()),
                "{name}"
            );
            assert!(!people.people().iter().any(|p| p.name.starts_with(surname.unwrap())));
        }
        assert_eq!((magic.surnames.len(), magic.amounts.len()), (16, 16));
        let said = |name: &str, value: Value| magic.word_by_name(&Map::from_iter([(name.to_owned(), value)]));
        assert_eq!(said("contact_name", "查无此人".into()), Some(Word::NotFound));
        assert_eq!(said("street_name", "查无此人".into()), None);
        assert_eq!(said("pay_fen", 12_386.into()), Some(Word::Down));
        assert_eq!(said("pay_fen", 12_300.into()), None);
    }
}
