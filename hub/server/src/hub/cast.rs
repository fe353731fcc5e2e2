//! Personas of the sandbox as subjects: for callers that name one, and as whom the test issuer signs people in.

use hub_core::ports::Clock;
use hub_core::{Audience, Operation, Subject, SubjectAttribute};
use hub_identity::TestSubject;
use hub_sandbox::Personas;
use std::sync::Arc;

/// Name of the test issuer in tokens; the same at every start, so that tokens survive one.
pub const ISSUER: &str = "urn:hub:test-issuer";
/// This hub's name in the test issuer's tokens.
pub const AUDIENCE: &str = "hub";
/// Seconds a persona is known for where nobody signed in.
const KNOWN_FOR: i64 = 3600;

/// The personas, and the clock by which they are known.
pub struct Cast {
    personas: Personas,
    clock: Arc<dyn Clock>,
}

impl Cast {
    /// Of these personas.
    pub fn new(personas: Personas, clock: Arc<dyn Clock>) -> Self {
        Self { personas, clock }
    }

    /// The personas.
    #[must_use]
    pub fn personas(&self) -> &Personas {
        &self.personas
    }

    /// The subject of a persona; the same subject as with a token of the test issuer.
    fn subject(&self, word: &str) -> Option<Arc<Subject>> {
        let expires = self.clock.now().as_second() + KNOWN_FOR;
        let mut subject = self.personas.subject(word, ISSUER, expires)?;
        let person = word.split('@').next().unwrap_or(word);
        subject.id = format!("{ISSUER}#{person}");
        Some(Arc::new(subject))
    }

    /// What the test issuer says about a persona.
    #[must_use]
    pub fn signed_in(&self, word: &str) -> Option<TestSubject> {
        let subject = self.personas.subject(word, ISSUER, 0)?;
        Some(TestSubject {
            sub: word.split('@').next().unwrap_or(word).to_owned(),
            assurance: subject.assurance,
            name: subject.name,
            id_number: subject.id_number,
            mobile: subject.mobile,
            mandate: subject.mandate,
        })
    }
}

impl hub_gateway::Personas for Cast {
    fn named(&self, id: &str) -> Option<Arc<Subject>> {
        self.subject(id)
    }

    fn fitting(&self, operation: &Operation) -> Option<Arc<Subject>> {
        let company = [SubjectAttribute::Uscc, SubjectAttribute::OrgName];
        let for_company =
            operation.audience == Audience::Legal || operation.bound.iter().any(|b| company.contains(&b.from));
        let sure = |s: &Arc<Subject>| s.assurance >= operation.assurance;
        if !for_company {
            let default = self.subject(self.personas.default_id()).filter(sure);
            let other = || {
                self.personas
                    .people()
                    .iter()
                    .find_map(|p| self.subject(&p.id).filter(sure))
            };
            return default.or_else(other);
        }
        let words = self
            .personas
            .mandates()
            .iter()
            .map(|m| format!("{}@{}", m.person, m.company));
        words.into_iter().find_map(|word| self.subject(&word).filter(sure))
    }

    fn near(&self, id: &str) -> Vec<String> {
        let words: Vec<String> = self.personas.words().collect();
        hub_catalog::nearest(id, words.iter().map(String::as_str))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hub_core::time::Timestamp;
    use hub_gateway::Personas as _;

    struct Noon;
    impl Clock for Noon {
        fn now(&self) -> Timestamp {
            Timestamp::from_second(1_775_617_530).unwrap()
        }
    }

    #[test]
    fn a_persona_is_the_same_subject_with_and_without_a_token() {
        let cast = Cast::new(Personas::embedded().unwrap(), Arc::new(Noon));
        for word in cast.personas().words().collect::<Vec<_>>() {
            let named = cast.named(&word).unwrap();
            let signed = cast.signed_in(&word).unwrap();
            assert_eq!(named.id, format!("{ISSUER}#{}", signed.sub));
            assert_eq!((&named.id_number, &named.mandate), (&signed.id_number, &signed.mandate));
        }
        assert!(cast.named("nobody").is_none());
        assert!(cast.near("wang-jiangou").contains(&"wang-jianguo".to_owned()));
    }
}
