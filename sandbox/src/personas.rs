//! The frozen people and companies every sandbox starts with, as data.

use crate::DataError;
use hub_core::{Assurance, Mandate, Subject, Text, check_digit};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

const EMBEDDED: &str = include_str!("../personas.yaml");

/// A frozen test citizen.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Stable id, the value of `Hub-Persona`.
    pub id: String,
    /// Name as on the id card.
    pub name: String,
    /// Name in Latin letters.
    pub en: String,
    /// Id number with a right check digit, in a region that is never issued.
    pub id_number: String,
    /// Mobile number in a range that is assigned to nobody.
    pub mobile: String,
    /// `male` or `female`.
    pub gender: String,
    /// yyyy-MM-dd.
    pub birth_date: String,
    /// Where the person lives.
    pub address: String,
    /// How surely the test issuer knows the person.
    pub assurance: Assurance,
    /// What the persona is there to show, for example `minor`, `no-record`.
    pub traits: Vec<String>,
    /// The same in a sentence.
    pub story: Text,
    /// Other personas by kind of relation (`spouse`, `guardian`, `helper`, …).
    #[serde(default)]
    pub relations: BTreeMap<String, String>,
    /// What registers hold about the person, by canonical field.
    #[serde(default)]
    pub fields: Map<String, Value>,
}

/// A frozen test company.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Company {
    /// Stable id.
    pub id: String,
    /// Registered name.
    pub org_name: String,
    /// Name in English.
    pub en: String,
    /// Unified social credit code with a right check character, in a region that is never issued.
    pub uscc: String,
    /// Persona who represents it by law.
    pub representative: String,
    /// Registered address.
    pub address: String,
    /// `active` or `deregistered`.
    pub status: String,
    /// What the company is there to show.
    pub traits: Vec<String>,
    /// The same in a sentence.
    pub story: Text,
    /// What registers hold about it, by canonical field.
    #[serde(default)]
    pub fields: Map<String, Value>,
}

/// Who may act for which company.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonaMandate {
    /// Persona who acts.
    pub person: String,
    /// Company acted for.
    pub company: String,
    /// `legal_rep`, `finance`, `hr`, `agent`.
    pub role: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    default: String,
    people: Vec<Person>,
    companies: Vec<Company>,
    mandates: Vec<PersonaMandate>,
}

/// Everybody, checked: ids are unique, numbers have right check characters, every relation leads somewhere.
#[derive(Debug, Clone)]
pub struct Personas {
    document: Document,
    by_id: HashMap<String, usize>,
    by_number: HashMap<String, usize>,
    companies: HashMap<String, usize>,
}

impl Personas {
    /// The personas this crate ships.
    ///
    /// # Errors
    /// Only if the shipped file is broken, which a test rules out.
    pub fn embedded() -> Result<Self, DataError> {
        Self::read("personas.yaml", EMBEDDED.as_bytes())
    }

    /// The personas of a file.
    ///
    /// # Errors
    /// A file that cannot be read, is no such document, or contradicts itself.
    pub fn load(path: &Path) -> Result<Self, DataError> {
        let name = path.display().to_string();
        let bytes = std::fs::read(path).map_err(|e| DataError::new(&name, e))?;
        Self::read(&name, &bytes)
    }

    fn read(name: &str, bytes: &[u8]) -> Result<Self, DataError> {
        let document: Document = crate::data::read(name, bytes)?;
        let index = |ids: Vec<&str>| -> HashMap<String, usize> {
            ids.into_iter().enumerate().map(|(i, id)| (id.to_owned(), i)).collect()
        };
        let all = Self {
            by_id: index(document.people.iter().map(|p| p.id.as_str()).collect()),
            by_number: index(document.people.iter().map(|p| p.id_number.as_str()).collect()),
            companies: document
                .companies
                .iter()
                .enumerate()
                .flat_map(|(i, c)| [(c.id.clone(), i), (c.uscc.clone(), i)])
                .collect(),
            document,
        };
        all.check().map_err(|words| DataError::new(name, words))?;
        Ok(all)
    }

    fn check(&self) -> Result<(), String> {
        if self.by_id.len() < self.people().len() || self.by_number.len() < self.people().len() {
            return Err("two people share an id or an id number".into());
        }
        if self.companies.len() < 2 * self.companies().len() {
            return Err("two companies share an id or a credit code".into());
        }
        for person in self.people() {
            if !check_digit::id_card_is_valid(&person.id_number) {
                return Err(format!("{}: wrong check digit of id_number", person.id));
            }
            if let Some(lost) = person.relations.values().find(|id| !self.by_id.contains_key(*id)) {
                return Err(format!("{}: nobody is called {lost}", person.id));
            }
        }
        for company in self.companies() {
            if !check_digit::uscc_is_valid(&company.uscc) || !self.by_id.contains_key(&company.representative) {
                return Err(format!("{}: wrong uscc or unknown representative", company.id));
            }
        }
        let known = |m: &PersonaMandate| self.by_id.contains_key(&m.person) && self.companies.contains_key(&m.company);
        if !self.by_id.contains_key(&self.document.default) || !self.document.mandates.iter().all(known) {
            return Err("the default or a mandate names nobody".into());
        }
        Ok(())
    }

    /// Major version of the set; it changes only when somebody in it changes.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.document.version
    }

    /// Everybody, in order.
    #[must_use]
    pub fn people(&self) -> &[Person] {
        &self.document.people
    }

    /// Every company, in order.
    #[must_use]
    pub fn companies(&self) -> &[Company] {
        &self.document.companies
    }

    /// Every mandate, in order.
    #[must_use]
    pub fn mandates(&self) -> &[PersonaMandate] {
        &self.document.mandates
    }

    /// Who a caller is that names nobody: the id of the default persona.
    #[must_use]
    pub fn default_id(&self) -> &str {
        &self.document.default
    }

    /// A person by persona id.
    #[must_use]
    pub fn person(&self, id: &str) -> Option<&Person> {
        self.people().get(*self.by_id.get(id)?)
    }

    /// A person by id number.
    #[must_use]
    pub fn person_by_number(&self, id_number: &str) -> Option<&Person> {
        self.people().get(*self.by_number.get(id_number)?)
    }

    /// A company by persona id or by credit code.
    #[must_use]
    pub fn company(&self, id_or_uscc: &str) -> Option<&Company> {
        self.companies().get(*self.companies.get(id_or_uscc)?)
    }

    /// The mandates a person holds, with the company of each.
    pub fn mandates_of<'a>(&'a self, person: &'a str) -> impl Iterator<Item = (&'a PersonaMandate, &'a Company)> {
        self.mandates()
            .iter()
            .filter(move |m| m.person == person)
            .filter_map(|m| Some((m, self.company(&m.company)?)))
    }

    /// The subject a persona signs in as. `word` is a persona id, or `person@company` to act under a mandate.
    /// `issuer` and `expires` are what the token would say; `None` if there is no such persona or mandate.
    #[must_use]
    pub fn subject(&self, word: &str, issuer: &str, expires: i64) -> Option<Subject> {
        let (id, company) = word.split_once('@').map_or((word, None), |(p, c)| (p, Some(c)));
        let person = self.person(id)?;
        let mandate = match company {
            None => None,
            Some(company) => {
                let (held, company) = self
                    .mandates_of(id)
                    .find(|(_, c)| c.id == company || c.uscc == company)?;
                Some(Mandate {
                    uscc: company.uscc.clone(),
                    org_name: company.org_name.clone(),
                    role: held.role.clone(),
                })
            }
        };
        Some(Subject {
            id: format!("{issuer}|{id}"),
            assurance: person.assurance,
            name: Some(person.name.clone()),
            id_number: Some(person.id_number.clone()),
            mobile: Some(person.mobile.clone()),
            mandate,
            expires,
        })
    }

    /// What everybody can sign in as: each person, then each mandate as `person@company`.
    pub fn words(&self) -> impl Iterator<Item = String> + '_ {
        let people = self.people().iter().map(|p| p.id.clone());
        people.chain(self.mandates().iter().map(|m| format!("{}@{}", m.person, m.company)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn the_shipped_set_is_whole_and_nobody_in_it_exists() {
        let all = Personas::embedded().unwrap();
        assert_eq!((all.people().len(), all.companies().len()), (24, 6));
        let mobiles: HashSet<_> = all.people().iter().map(|p| &p.mobile).collect();
        assert_eq!(mobiles.len(), 24);
        for person in all.people() {
            assert!(person.id_number.starts_with("99"), "{}", person.id);
            let born = person.birth_date.replace('-', "");
            assert_eq!(person.id_number.get(6..14), Some(born.as_str()));
            let male = person.id_number.as_bytes()[16] % 2 == 1;
            assert_eq!(person.gender == "male", male, "{}", person.id);
            assert!(person.mobile.starts_with("1540000") && person.mobile.len() == 11);
        }
        for company in all.companies() {
            assert_eq!(company.uscc.get(2..4), Some("99"));
            assert!(
                all.mandates()
                    .iter()
                    .any(|m| m.company == company.id && m.person == company.representative)
            );
        }
    }

    /// Nobody in the set changes within a major version: whoever changes somebody counts `version` up, and this with it.
    #[test]
    fn the_set_is_frozen_by_its_version() {
        let all = Personas::embedded().unwrap();
        let people = all.people().iter().map(|p| format!("{p:?}"));
        let firms = all.companies().iter().map(|c| format!("{c:?}"));
        let mandates = all.mandates().iter().map(|m| format!("{m:?}"));
        let whole: Vec<String> = people.chain(firms).chain(mandates).collect();
        let digest = hub_crypto::hex(&hub_crypto::digest(
            hub_crypto::Digest::Sha256,
            whole.join("\n").as_bytes(),
        ));
        let frozen = [(1, "9937809fc1cdc962c714209a247952c8f1f6ce4a73af04c1a7436b27dde2bd40")];
        assert_eq!((all.version(), digest.as_str()), frozen[0]);
    }

    /// Regions are given out by provinces from 11 to 82 (GB/T 2260); nothing begins with 99.
    #[test]
    fn regions_are_never_issued() {
        let all = Personas::embedded().unwrap();
        for person in all.people() {
            // Permanent residents of other countries: 9, the region as two digits, the country (GB/T 2659).
            let foreign = person.traits.iter().any(|t| t == "foreigner");
            let region = if foreign { "99" } else { "990" };
            assert!(person.id_number.starts_with(region), "{}", person.id);
        }
        for company in all.companies() {
            assert_eq!(company.uscc.get(2..5), Some("990"), "{}", company.id);
        }
    }

    #[test]
    fn every_kind_of_person_is_there() {
        let all = Personas::embedded().unwrap();
        let kinds = [
            "no-record",
            "many-records",
            "minor",
            "elder",
            "helper",
            "foreigner",
            "compound-surname",
            "two-surnames",
            "deceased",
            "moved-city",
            "expired-licence",
            "debt",
            "dual-role",
        ];
        for kind in kinds {
            assert!(
                all.people().iter().any(|p| p.traits.iter().any(|t| t == kind)),
                "{kind}"
            );
        }
        let beyond = all
            .people()
            .iter()
            .filter(|p| p.name.chars().any(|c| c > '\u{ffff}'))
            .count();
        assert!(beyond >= 3);
        assert_eq!(all.people().iter().filter(|p| p.name == "张伟").count(), 2);
        let minor = all.person("wang-zihan").unwrap();
        assert_eq!(
            minor.relations.get("guardian").map(String::as_str),
            Some("wang-jianguo")
        );
    }

    #[test]
    fn a_persona_signs_in_as_herself_or_for_her_company() {
        let all = Personas::embedded().unwrap();
        let alone = all.subject("zheng-haiyan", "https://issuer.example", 9).unwrap();
        assert_eq!(alone.name.as_deref(), Some("郑海燕"));
        assert!(alone.mandate.is_none());
        let acting = all
            .subject("zheng-haiyan@lantian-catering", "https://issuer.example", 9)
            .unwrap();
        assert_eq!(acting.mandate.unwrap().role, "finance");
        assert!(all.subject("chen-xin@yunfan-tech", "i", 9).is_none());
        assert!(all.subject("nobody", "i", 9).is_none());
        assert_eq!(all.words().count(), 24 + all.mandates().len());
    }
}
