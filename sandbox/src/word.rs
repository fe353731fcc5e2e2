//! The seventeen words of `Hub-Scenario`.

/// A word of `Hub-Scenario`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Word {
    /// A valid, rich answer.
    Ok,
    /// Only required fields.
    Minimal,
    /// Every optional field, longest text, most items.
    Maximal,
    /// Valid, but no records.
    Empty,
    /// No such record.
    NotFound,
    /// Refused as if a field were wrong; `at=/pointer`.
    Invalid,
    /// Refused by the agency.
    Rejected,
    /// Accepted, then papers are asked for; `n=2`.
    NeedDocs,
    /// Accepted, decided later; `days=5`.
    Pending,
    /// Conflict with an earlier matter.
    Duplicate,
    /// The subject has not consented.
    ConsentMissing,
    /// The subject's consent has ended.
    ConsentExpired,
    /// Too many calls; `retry=3`.
    Limited,
    /// The upstream is absent.
    Down,
    /// The upstream is late; `ms=2000`.
    Slow,
    /// The upstream breaks off; `after=512`.
    Cut,
    /// The upstream answers outside its contract.
    Garbled,
}

impl Word {
    /// Every word, in the order of the help.
    pub const ALL: [(Word, &'static str); 17] = [
        (Word::Ok, "ok"),
        (Word::Minimal, "minimal"),
        (Word::Maximal, "maximal"),
        (Word::Empty, "empty"),
        (Word::NotFound, "not-found"),
        (Word::Invalid, "invalid"),
        (Word::Rejected, "rejected"),
        (Word::NeedDocs, "need-docs"),
        (Word::Pending, "pending"),
        (Word::Duplicate, "duplicate"),
        (Word::ConsentMissing, "consent-missing"),
        (Word::ConsentExpired, "consent-expired"),
        (Word::Limited, "limited"),
        (Word::Down, "down"),
        (Word::Slow, "slow"),
        (Word::Cut, "cut"),
        (Word::Garbled, "garbled"),
    ];

    /// The word as it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(w, _)| *w == self).map_or("ok", |(_, s)| s)
    }
}
