//! Statuses that `answer.ok` names as successes: `http 302`, `http 302 /home`, `http 3xx`, and bare `302` where no code
//! is declared. Logins of sites made for people answer so.

use crate::manifest::model::AnswerPart;
use crate::wiring::code_text;
use hub_core::RawResponse;
use serde_json::Value;

/// A status, or a class of them, and a part of the address it leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Status {
    from: u16,
    to: u16,
    part: String,
}

impl Status {
    /// Reads one word of `ok`; `None` if it is a code.
    pub fn parse(word: &Value, answer: &AnswerPart) -> Option<Self> {
        let word = code_text(word)?;
        let (rest, bare) = word
            .strip_prefix("http ")
            .map_or((word.as_str(), true), |rest| (rest, false));
        let (status, part) = rest.trim().split_once(' ').unwrap_or((rest.trim(), ""));
        let (from, to) = match status.strip_suffix("xx") {
            Some(class) if !bare => {
                let class: u16 = class.parse().ok()?;
                (class.checked_mul(100)?, class.checked_mul(100)?.checked_add(99)?)
            }
            _ => {
                let status = status.parse().ok().filter(|s| (100..600).contains(s))?;
                (status, status)
            }
        };
        // A bare number is a code where there are codes, and never took a success among 2xx away.
        let meant = !bare || answer.code.is_none() && answer.when.is_none() && (300..400).contains(&from);
        meant.then(|| Self {
            from,
            to,
            part: part.trim().to_owned(),
        })
    }

    /// The status and the address in the simulated city.
    pub fn shown(&self) -> (u16, String) {
        let place = if self.part.starts_with('/') {
            self.part.clone()
        } else {
            "/".to_owned() + &self.part
        };
        (self.from, place)
    }
}

/// The statuses that a plan's `ok` names.
pub(crate) fn named(answer: &AnswerPart) -> impl Iterator<Item = Status> {
    answer
        .ok
        .iter()
        .flatten()
        .filter_map(|word| Status::parse(word, answer))
}

/// How particularly `ok` names this response's status: the length of the part of its address, `None` if it does not.
pub(super) fn fits(answer: &AnswerPart, response: &RawResponse) -> Option<usize> {
    let found = named(answer).filter(|s| (s.from..=s.to).contains(&response.status));
    found
        .filter(|s| leads_to(response, &s.part))
        .map(|s| s.part.len())
        .max()
}

/// Whether `ok` names nothing but statuses, so that every other one is a refusal.
pub(super) fn alone(answer: &AnswerPart) -> bool {
    answer.when.is_none() && answer.code.is_none() && named(answer).next().is_some()
}

/// Whether a redirect leads to an address with this part.
pub(super) fn leads_to(response: &RawResponse, part: &str) -> bool {
    part.is_empty() || response.header("location").is_some_and(|l| l.contains(part))
}
