//! Whom a call is about: the persona behind the bound numbers, or somebody invented for a number nobody has.

use crate::Personas;
use crate::seed::{Dice, Seed};
use crate::vocabulary::Vocabulary;
use hub_core::{Operation, SubjectAttribute, check_digit};
use serde_json::{Map, Value};
use std::cell::OnceCell;

/// Facts about one person.
#[derive(Debug, Clone)]
struct Human {
    name: String,
    id_number: String,
    mobile: String,
    address: String,
}

/// Facts about one company.
#[derive(Debug, Clone)]
struct Firm {
    name: String,
    uscc: String,
    address: String,
    representative: String,
}

/// The person or company a call is about, and everybody who belongs to them.
#[derive(Clone)]
pub(crate) struct Party<'a> {
    personas: &'a Personas,
    words: &'a Vocabulary,
    seed: Seed,
    /// Invented when first asked for, unless the call names them.
    human: OnceCell<Human>,
    firm: OnceCell<Firm>,
    acts_for_firm: bool,
    /// Numbers by which the contract binds the call to a subject; empty where nothing is bound or given.
    pub(crate) owners: Vec<String>,
    /// What registers hold about the persona, by canonical field.
    pub(crate) fields: Map<String, Value>,
    /// What the persona is there to show.
    pub(crate) traits: Vec<String>,
}

impl<'a> Party<'a> {
    /// Reads the party out of a call's input.
    pub(crate) fn of(
        personas: &'a Personas,
        words: &'a Vocabulary,
        seed: Seed,
        operation: &Operation,
        input: &Map<String, Value>,
    ) -> Self {
        let bound = |wanted: &[SubjectAttribute]| {
            operation
                .bound
                .iter()
                .filter(|b| wanted.contains(&b.from))
                .find_map(|b| input.get(&b.field)?.as_str().map(str::to_owned))
        };
        use SubjectAttribute as A;
        let party_number = bound(&[A::PartyNumber]);
        let is_uscc = |n: &String| check_digit::uscc_is_valid(n) && !check_digit::id_card_is_valid(n);
        let uscc = bound(&[A::Uscc]).or_else(|| party_number.clone().filter(is_uscc));
        let id_number = bound(&[A::IdNumber]).or_else(|| party_number.clone().filter(|n| !is_uscc(n)));
        let owner = uscc.clone().or_else(|| id_number.clone());
        let owner = owner.or_else(|| bound(&[A::Pairwise])).or_else(|| bound(&[A::Mobile]));
        let mut party = Self {
            acts_for_firm: uscc.is_some(),
            owners: owner.into_iter().collect(),
            ..Self::nobody(personas, words, seed)
        };
        let mut human = party.human_of(id_number.as_deref(), "self");
        let mut firm = party.firm_of(uscc.as_deref(), "self");
        party.take_names(operation, input, &mut human, &mut firm);
        (party.human, party.firm) = (human.into(), firm.into());
        if let Some(person) = id_number.as_deref().and_then(|n| personas.person_by_number(n)) {
            (party.fields, party.traits) = (person.fields.clone(), person.traits.clone());
        }
        if let Some(company) = uscc.as_deref().and_then(|n| personas.company(n)) {
            (party.fields, party.traits) = (company.fields.clone(), company.traits.clone());
        }
        party
    }

    /// Somebody invented, where the contract binds nobody.
    pub(crate) fn nobody(personas: &'a Personas, words: &'a Vocabulary, seed: Seed) -> Self {
        Self {
            personas,
            words,
            seed,
            human: OnceCell::new(),
            firm: OnceCell::new(),
            acts_for_firm: false,
            owners: Vec::new(),
            fields: Map::new(),
            traits: Vec::new(),
        }
    }

    /// Names the caller gave for the subject win over what a number suggests.
    fn take_names(&self, operation: &Operation, input: &Map<String, Value>, human: &mut Human, firm: &mut Firm) {
        for binding in &operation.bound {
            let Some(given) = input.get(&binding.field).and_then(Value::as_str) else {
                continue;
            };
            let slot = match binding.from {
                SubjectAttribute::Name => &mut human.name,
                SubjectAttribute::Mobile => &mut human.mobile,
                SubjectAttribute::OrgName => &mut firm.name,
                SubjectAttribute::PartyName if self.acts_for_firm => &mut firm.name,
                SubjectAttribute::PartyName => &mut human.name,
                _ => continue,
            };
            given.clone_into(slot);
        }
    }

    /// Whether the persona has a trait.
    pub(crate) fn is(&self, word: &str) -> bool {
        self.traits.iter().any(|t| t == word)
    }

    /// Whether the caller's name for the subject is not the one the persona's number belongs to.
    pub(crate) fn is_misnamed(&self) -> bool {
        let human = self.human();
        let known = self.personas.person_by_number(&human.id_number);
        known.is_some_and(|person| person.name != human.name)
    }

    fn human(&self) -> &Human {
        self.human.get_or_init(|| self.human_of(None, "self"))
    }

    fn firm(&self) -> &Firm {
        self.firm.get_or_init(|| self.firm_of(None, "self"))
    }

    /// A seed that is the same whenever the call is about the same person or company.
    pub(crate) fn seed(&self) -> Option<Seed> {
        self.owners.first().map(|number| self.seed.with("party").with(number))
    }

    /// An attribute of somebody in a role. `nth` tells people apart in lists, where nobody but the first is `self`.
    pub(crate) fn attribute(&self, role: &str, attribute: &str, nth: usize) -> Option<String> {
        let another = nth > 0 || role != "self";
        let role = if nth > 0 {
            format!("{role}-{nth}")
        } else {
            role.to_owned()
        };
        let human = || {
            if another {
                self.human_of(None, &role)
            } else {
                self.human().clone()
            }
        };
        let firm = || {
            if another {
                self.firm_of(None, &role)
            } else {
                self.firm().clone()
            }
        };
        let acts = self.acts_for_firm && !another;
        Some(match attribute {
            "name" => human().name,
            "id_number" | "id_card_no" => human().id_number,
            "mobile" => human().mobile,
            "address" => human().address,
            "birth_date" => born(&human().id_number)?,
            "gender_code" => if is_male(&human().id_number)? { "1" } else { "2" }.to_owned(),
            "org_name" => firm().name,
            "uscc" => firm().uscc,
            "org_address" => firm().address,
            "legal_rep" => firm().representative,
            "party_name" if acts => firm().name,
            "party_name" => human().name,
            "party_number" if acts => firm().uscc,
            "party_number" => human().id_number,
            _ => return None,
        })
    }

    fn human_of(&self, number: Option<&str>, role: &str) -> Human {
        let related = || {
            let me = self.personas.person_by_number(&self.human.get()?.id_number)?;
            self.personas.person(me.relations.get(role)?)
        };
        let known = number.map_or_else(related, |n| self.personas.person_by_number(n));
        if let Some(person) = known {
            return Human {
                name: person.name.clone(),
                id_number: person.id_number.clone(),
                mobile: person.mobile.clone(),
                address: person.address.clone(),
            };
        }
        let base = number.map_or_else(|| self.base(), |n| self.seed.with(n));
        self.invent_human(base.with(role), number)
    }

    fn firm_of(&self, number: Option<&str>, role: &str) -> Firm {
        if let Some(company) = number.and_then(|n| self.personas.company(n)) {
            return Firm {
                name: company.org_name.clone(),
                uscc: company.uscc.clone(),
                address: company.address.clone(),
                representative: self
                    .personas
                    .person(&company.representative)
                    .map_or_else(String::new, |p| p.name.clone()),
            };
        }
        let base = number.map_or_else(|| self.base(), |n| self.seed.with(n));
        let mut dice = base.with(role).with("firm").dice();
        let body = format!("MA9{}", digits(&mut dice, 5));
        let code = number.map_or_else(|| invent_uscc(&body), str::to_owned);
        let words = [self.word(&mut dice, "company_words"), self.word(&mut dice, "trades")];
        Firm {
            name: format!("枢城{}有限公司", words.concat()),
            uscc: code,
            address: self.street(&mut dice),
            representative: self.invent_human(base.with(role).with("representative"), None).name,
        }
    }

    /// Where invented people hang: at the subject, or at the call where nobody is bound.
    fn base(&self) -> Seed {
        self.seed().unwrap_or(self.seed)
    }

    fn invent_human(&self, seed: Seed, number: Option<&str>) -> Human {
        let mut dice = seed.with("human").dice();
        let id_number = number.map_or_else(|| self.invent_id_number(&mut dice), str::to_owned);
        let male = is_male(&id_number).unwrap_or_else(|| dice.chance(50));
        let given = self.word(&mut dice, if male { "given_male" } else { "given_female" });
        Human {
            name: self.word(&mut dice, "surnames") + &given,
            id_number,
            mobile: format!("15409{}", digits(&mut dice, 6)),
            address: self.street(&mut dice),
        }
    }

    fn invent_id_number(&self, dice: &mut Dice) -> String {
        let region = self.word(dice, "division_codes");
        let (year, month, day) = (dice.between(1955, 2003), dice.between(1, 12), dice.between(1, 28));
        let head = format!("{region}{year}{month:02}{day:02}{}", digits(dice, 3));
        match check_digit::id_card(&head) {
            Some(check) => format!("{head}{check}"),
            None => head,
        }
    }

    fn street(&self, dice: &mut Dice) -> String {
        let (district, road) = (self.word(dice, "districts"), self.word(dice, "roads"));
        format!("枢城市{district}{road}{}号", dice.between(1, 300))
    }

    fn word(&self, dice: &mut Dice, list: &str) -> String {
        let words = self.words.lists.get(list);
        words.and_then(|w| dice.pick(w)).cloned().unwrap_or_default()
    }
}

fn digits(dice: &mut Dice, count: usize) -> String {
    (0..count)
        .map(|_| char::from(b'0' + u8::try_from(dice.below(10)).unwrap_or(0)))
        .collect()
}

/// A credit code in a region that is never issued, over eight characters of an organisation code (GB 11714-1997).
fn invent_uscc(body: &str) -> String {
    const WEIGHTS: [u32; 8] = [3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 = body
        .chars()
        .filter_map(|c| c.to_digit(36))
        .zip(WEIGHTS)
        .map(|(d, w)| d * w)
        .sum();
    let organisation = match 11 - sum % 11 {
        10 => 'X',
        11 => '0',
        n => char::from_digit(n, 10).unwrap_or('0'),
    };
    let head = format!("91990101{body}{organisation}");
    match check_digit::uscc(&head) {
        Some(check) => format!("{head}{check}"),
        None => head,
    }
}

/// The birth date inside an 18-digit id number.
fn born(id_number: &str) -> Option<String> {
    let (year, month, day) = (id_number.get(6..10)?, id_number.get(10..12)?, id_number.get(12..14)?);
    Some(format!("{year}-{month}-{day}"))
}

fn is_male(id_number: &str) -> Option<bool> {
    let digit = id_number.chars().nth(16)?.to_digit(10)?;
    Some(digit % 2 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invented_numbers_pass_their_checks() {
        let (personas, words) = (Personas::embedded().unwrap(), Vocabulary::embedded().unwrap());
        let operation = crate::testing::operation("x", "GET", "/x", &serde_json::json!({}), &serde_json::json!({}));
        let party = Party::of(&personas, &words, Seed::new(3), &operation, &Map::new());
        for nth in 0..40 {
            assert!(check_digit::id_card_is_valid(
                &party.attribute("other", "id_number", nth).unwrap()
            ));
            assert!(check_digit::uscc_is_valid(
                &party.attribute("other", "uscc", nth).unwrap()
            ));
        }
        assert_ne!(party.attribute("self", "name", 1), party.attribute("self", "name", 2));
    }
}
