//! The life of a version: its states, the steps between them, and who may take them. Pure; the table is the whole of it.

use crate::people::Role;
use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($variant:ident $word:literal $what:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $(#[doc = $what] #[serde(rename = $word)] $variant,)+
        }
        impl $name {
            /// Every one, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];
            /// Its word.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
            /// By its word.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str() == word)
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// Where a version is in its life.
    State {
        Draft "draft" "Read and kept; nobody calls it.",
        Sandbox "sandbox" "Called in the sandbox.",
        InReview "in-review" "Asked for; a reviewer of the hub has it.",
        Live "live" "Called by citizens.",
        Deprecated "deprecated" "Called still, with an end that is told.",
        Retired "retired" "Over, or replaced; kept for the record.",
    }
}

words! {
    /// What can be done to a version.
    Step {
        Publish "publish" "Show it in the sandbox.",
        Ask "ask" "Ask for it to go live.",
        AllowBreak "allow-break" "Answer for what it breaks.",
        Approve "approve" "Let it go live.",
        SendBack "send-back" "Return it with a reason.",
        Withdraw "withdraw" "Take the asking back.",
        Connect "connect" "Say how its system is reached.",
        Waive "waive" "Let findings pass, each with why, until when and who says so.",
        AllowInner "allow-inner" "Let its system stand in a private network.",
        Deprecate "deprecate" "Announce its end.",
        Keep "keep" "Take the announced end back.",
        Retire "retire" "End it.",
        RollBack "roll-back" "Let it be called again in place of the one that replaced it.",
        Transfer "transfer" "Give the system to another agency.",
    }
}

/// One row of the table: a step, from which states, to which (`None`: it stays), and who may take it.
struct Rule(Step, &'static [State], Option<State>, &'static [Role]);

use Role::{Clerk, Operator, Owner, Reviewer};
use State::{Deprecated, Draft, InReview, Live, Retired, Sandbox};

const RULES: [Rule; 14] = [
    Rule(Step::Publish, &[Draft], Some(Sandbox), &[Clerk, Owner]),
    Rule(Step::Ask, &[Sandbox], Some(InReview), &[Clerk, Owner]),
    Rule(Step::AllowBreak, &[Sandbox, InReview], None, &[Owner]),
    Rule(Step::Approve, &[InReview], Some(Live), &[Reviewer]),
    Rule(Step::SendBack, &[InReview], Some(Sandbox), &[Reviewer]),
    Rule(Step::Withdraw, &[InReview], Some(Sandbox), &[Clerk, Owner]),
    Rule(Step::Connect, &[Draft, Sandbox], None, &[Clerk, Owner]),
    Rule(Step::Waive, &[Draft, Sandbox, InReview], None, &[Reviewer]),
    Rule(Step::AllowInner, &[Draft, Sandbox, InReview], None, &[Operator]),
    Rule(Step::Deprecate, &[Live], Some(Deprecated), &[Owner]),
    Rule(Step::Keep, &[Deprecated], Some(Live), &[Owner]),
    Rule(
        Step::Retire,
        &[Draft, Sandbox, Live, Deprecated],
        Some(Retired),
        &[Owner, Operator],
    ),
    Rule(Step::RollBack, &[Retired], Some(Live), &[Owner, Operator]),
    Rule(
        Step::Transfer,
        &[Draft, Sandbox, InReview, Live, Deprecated],
        None,
        &[Owner, Operator],
    ),
];

impl State {
    /// Whether the sandbox answers for it.
    #[must_use]
    pub fn is_shown(self) -> bool {
        matches!(self, Sandbox | InReview | Live | Deprecated)
    }

    /// Whether the gateway answers for it.
    #[must_use]
    pub fn is_called(self) -> bool {
        matches!(self, Live | Deprecated)
    }
}

impl Step {
    fn rule(self) -> Option<&'static Rule> {
        RULES.iter().find(|rule| rule.0 == self)
    }

    /// The state after it, taken in this state; `None` if it can't be.
    #[must_use]
    pub fn from(self, state: State) -> Option<State> {
        let rule = self.rule().filter(|rule| rule.1.contains(&state))?;
        Some(rule.2.unwrap_or(state))
    }

    /// Who may take it.
    #[must_use]
    pub fn roles(self) -> &'static [Role] {
        self.rule().map_or(&[], |rule| rule.3)
    }

    /// Whether whoever takes it says why.
    #[must_use]
    pub fn needs_reason(self) -> bool {
        matches!(
            self,
            Self::SendBack | Self::Retire | Self::RollBack | Self::AllowBreak | Self::AllowInner | Self::Deprecate
        )
    }

    /// Whether it changes what the gateway answers for.
    #[must_use]
    pub fn moves_calls(self, state: State) -> bool {
        self == Self::Transfer
            || self
                .from(state)
                .is_some_and(|after| after.is_called() || state.is_called())
    }

    /// The steps that somebody in a role may take in a state.
    #[must_use]
    pub fn open(state: State, role: Role) -> Vec<Self> {
        let all = Self::ALL.iter().copied();
        all.filter(|step| step.from(state).is_some() && step.roles().contains(&role))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_step_has_one_rule_and_every_state_is_reached() {
        for step in Step::ALL {
            assert_eq!(RULES.iter().filter(|rule| rule.0 == *step).count(), 1, "{step}");
            assert!(!step.roles().is_empty());
        }
        let mut reached = BTreeSet::from([Draft]);
        for _ in State::ALL {
            let next: Vec<State> = reached
                .iter()
                .flat_map(|state| Step::ALL.iter().filter_map(|step| step.from(*state)))
                .collect();
            reached.extend(next);
        }
        assert_eq!(reached.len(), State::ALL.len());
    }

    #[test]
    fn nothing_goes_live_but_by_a_reviewer_or_back_to_where_it_was() {
        for state in [Draft, Sandbox, InReview] {
            let steps: Vec<Step> = Step::ALL
                .iter()
                .copied()
                .filter(|step| step.from(state).is_some_and(State::is_called))
                .collect();
            let expected: &[Step] = if state == InReview { &[Step::Approve] } else { &[] };
            assert_eq!(steps, expected, "{state}");
        }
        assert_eq!(Step::Approve.roles(), [Reviewer]);
    }

    #[test]
    fn words_are_read_back() {
        for state in State::ALL {
            assert_eq!(State::from_word(state.as_str()), Some(*state));
        }
        assert_eq!(Step::from_word("fly"), None);
        assert_eq!(Step::open(Live, Clerk), []);
        assert_eq!(Step::open(Retired, Owner), [Step::RollBack]);
    }
}
