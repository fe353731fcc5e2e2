//! Templates of `values.yaml`: a text with `{…}` holes that dice, the clock, word lists and people fill.

use crate::seed::Dice;
use hub_core::check_digit;
use std::collections::HashMap;

/// One piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Literal(String),
    /// So many characters of an alphabet.
    Characters(&'static str, usize),
    Number(i64, i64),
    Date,
    Year,
    Month,
    Luhn,
    List(String),
    Of {
        role: String,
        attribute: String,
    },
}

/// A template, read once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template(Vec<Piece>);

/// What fills the holes.
pub(crate) struct Filling<'a> {
    /// Word lists by name.
    pub lists: &'a HashMap<String, Vec<String>>,
    /// Today in the city, `yyyyMMdd`.
    pub today: &'a str,
    /// An attribute of the person or company in a role.
    pub of: &'a dyn Fn(&str, &str) -> Option<String>,
}

const DIGITS: &str = "0123456789";
const UPPER: &str = "ABCDEFGHJKLMNPQRSTUVWXYZ";
const UPPER_DIGITS: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const HEX: &str = "0123456789abcdef";

impl Template {
    /// Reads a template.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (hole, behind) = after
                .split_once('}')
                .ok_or_else(|| format!("`{text}`: a hole is not closed"))?;
            if !before.is_empty() {
                pieces.push(Piece::Literal(before.to_owned()));
            }
            pieces.push(Piece::parse(hole).ok_or_else(|| format!("`{text}`: {{{hole}}} is no hole"))?);
            rest = behind;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Literal(rest.to_owned()));
        }
        Ok(Self(pieces))
    }

    /// The first list it names that does not exist.
    pub(crate) fn lost_list<'a>(&'a self, lists: &HashMap<String, Vec<String>>) -> Option<&'a str> {
        self.0.iter().find_map(|piece| match piece {
            Piece::List(name) if !lists.contains_key(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// Whether it speaks of a person or company.
    pub(crate) fn names_somebody(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Of { .. }))
    }

    /// The text; `None` where a role has no such attribute. `rest` replaces the attribute `*`.
    pub(crate) fn fill(&self, dice: &mut Dice, filling: &Filling<'_>, rest: &str) -> Option<String> {
        let mut text = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Literal(words) => text.push_str(words),
                Piece::Characters(alphabet, count) => {
                    let letters: Vec<char> = alphabet.chars().collect();
                    text.extend((0..*count).filter_map(|_| dice.pick(&letters).copied()));
                }
                Piece::Number(low, high) => text.push_str(&dice.between(*low, *high).to_string()),
                Piece::Date => text.push_str(filling.today),
                Piece::Year => text.push_str(filling.today.get(..4)?),
                Piece::Month => text.push_str(filling.today.get(..6)?),
                Piece::Luhn => text.push(check_digit::bank_card(&text)?),
                Piece::List(name) => text.push_str(dice.pick(filling.lists.get(name)?)?),
                Piece::Of { role, attribute } => {
                    let attribute = if attribute == "*" { rest } else { attribute };
                    text.push_str(&(filling.of)(role, attribute)?);
                }
            }
        }
        Some(text)
    }
}

impl Piece {
    fn parse(hole: &str) -> Option<Self> {
        if let Some((role, attribute)) = hole.split_once('.') {
            return Some(Piece::Of {
                role: role.to_owned(),
                attribute: attribute.to_owned(),
            });
        }
        match hole {
            "date" => return Some(Piece::Date),
            "year" => return Some(Piece::Year),
            "month" => return Some(Piece::Month),
            "luhn" => return Some(Piece::Luhn),
            _ => {}
        }
        let (head, tail) = hole.split_at_checked(1)?;
        if let (Some((low, high)), "n") = (tail.split_once('-'), head) {
            return Some(Piece::Number(low.parse().ok()?, high.parse().ok()?));
        }
        if let Ok(count) = tail.parse::<usize>() {
            let alphabet = match head {
                "d" => DIGITS,
                "A" => UPPER,
                "X" => UPPER_DIGITS,
                "x" => HEX,
                _ => return None,
            };
            return Some(Piece::Characters(alphabet, count));
        }
        let word = hole.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        word.then(|| Piece::List(hole.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    #[test]
    fn holes_are_filled_and_unknown_ones_refused() {
        let lists = HashMap::from([("roads".to_owned(), vec!["安澜路".to_owned()])]);
        let of = |role: &str, attribute: &str| (role == "self").then(|| format!("<{attribute}>"));
        let filling = Filling {
            lists: &lists,
            today: "20261122",
            of: &of,
        };
        let fill = |text: &str| {
            Template::parse(text)
                .unwrap()
                .fill(&mut Seed::new(1).dice(), &filling, "name")
        };
        assert_eq!(
            fill("{roads}{n7-7}号 {date} {year}").unwrap(),
            "安澜路7号 20261122 2026"
        );
        assert_eq!(fill("{self.*}").unwrap(), "<name>");
        assert_eq!(fill("{other.name}"), None);
        assert_eq!(fill("{X26}").unwrap().len(), 26);
        assert!(Template::parse("{d4").is_err());
        assert!(Template::parse("{?}").is_err());
        assert_eq!(Template::parse("{rivers}").unwrap().lost_list(&lists), Some("rivers"));
    }
}
