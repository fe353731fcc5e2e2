//! Which events somebody wants.

use hub_catalog::nearest;
use hub_core::{Problem, ProblemCode, Text};
use hub_sandbox::EVENTS;

/// An event of the hub's own: an address was switched off.
pub const SWITCHED_OFF: &str = "webhook.off";
/// What is sent to try an address; no event, and never found by a cursor.
pub const TEST: &str = "webhook.test";
/// What asks an address whether it is its owner's; no event either.
pub const CHALLENGE: &str = "webhook.challenge";
/// Kinds one list can name.
const MOST: usize = 40;

/// Kinds of events and a world; nothing named is everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    kinds: Vec<String>,
    world: String,
}

/// Every kind of event there is.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    EVENTS.into_iter().chain([SWITCHED_OFF])
}

fn is_known(word: &str) -> bool {
    match word.strip_suffix(".*") {
        Some(head) => kinds().any(|kind| kind.split_once('.').is_some_and(|(first, _)| first == head)),
        None => kinds().any(|kind| kind == word),
    }
}

impl Filter {
    /// As it was kept: kinds by comma.
    #[must_use]
    pub fn kept(kinds: &str, world: &str) -> Self {
        let kinds = kinds.split(',').filter(|kind| !kind.is_empty());
        Self {
            kinds: kinds.map(str::to_owned).collect(),
            world: world.to_owned(),
        }
    }

    /// Of words that somebody said; `place` is where.
    ///
    /// # Errors
    /// A word that is no kind of event.
    pub fn said<'a>(words: impl IntoIterator<Item = &'a str>, world: &str, place: &str) -> Result<Self, Problem> {
        let words = words.into_iter().map(str::trim).filter(|word| !word.is_empty());
        let mut kinds: Vec<String> = words.filter(|word| *word != "*").map(str::to_owned).collect();
        kinds.dedup();
        let wrong = kinds.iter().find(|word| !is_known(word));
        if wrong.is_none() && kinds.len() <= MOST && world.len() <= 100 {
            return Ok(Self {
                kinds,
                world: world.to_owned(),
            });
        }
        let got: String = wrong.map_or("…", |word| word.as_str()).chars().take(60).collect();
        let expected = Text::new(
            "事件类型，例如 case.overdue、case.*",
            "kinds of events, such as case.overdue, case.*",
        );
        let near = nearest(&got, self::kinds());
        let code = if place.starts_with('/') {
            ProblemCode::ValidationFailed
        } else {
            ProblemCode::BadRequest
        };
        Err(Problem::new(code).at(place, expected, got).near(near))
    }

    /// Whether an event is wanted.
    #[must_use]
    pub fn wants(&self, kind: &str, world: &str) -> bool {
        let is = |word: &String| match word.strip_suffix('*') {
            Some(head) => kind.starts_with(head),
            None => kind == word,
        };
        (self.kinds.is_empty() || self.kinds.iter().any(is)) && (self.world.is_empty() || self.world == world)
    }

    /// The kinds, by comma.
    #[must_use]
    pub fn kinds(&self) -> String {
        self.kinds.join(",")
    }

    /// The kinds, one by one.
    #[must_use]
    pub fn list(&self) -> &[String] {
        &self.kinds
    }

    /// The world, empty for any.
    #[must_use]
    pub fn world(&self) -> &str {
        &self.world
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_choose_kinds_and_others_are_refused() {
        let some = Filter::said(["case.*", "payment.paid"], "", "/types").unwrap();
        assert!(some.wants("case.overdue", "w") && some.wants("payment.paid", "w"));
        assert!(!some.wants("payment.refunded", "w") && !some.wants("appointment.due", "w"));
        assert_eq!(Filter::kept(&some.kinds(), ""), some);
        let all = Filter::said(["*", ""], "wld_1", "/types").unwrap();
        assert!(all.wants("webhook.off", "wld_1") && !all.wants("webhook.off", "wld_2"));
        let wrong = Filter::said(["case.overdo"], "", "/types").unwrap_err();
        assert_eq!(wrong.code, ProblemCode::ValidationFailed);
        assert!(Filter::said(["cases.*"], "", "parameter/type").is_err());
        assert!(Filter::said(["case*"], "", "parameter/type").is_err());
    }
}
