//! The `wire:` part of a manifest: how a system writes all values of one meaning.

use super::coordinates::Datum;
use super::date::DateForm;
use super::money::Money;
use super::text::TextStep;
use super::truth::TruthTable;

/// How a system writes values where a row does not say otherwise. What is not set is written as the contract writes it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WireDefaults {
    pub(in crate::codec) date: Option<DateForm>,
    pub(in crate::codec) datetime: Option<DateForm>,
    pub(in crate::codec) month: Option<DateForm>,
    pub(in crate::codec) money: Option<Money>,
    pub(in crate::codec) truth: Option<TruthTable>,
    pub(in crate::codec) number: Option<TextStep>,
    /// Datum of its coordinates, if not CGCS2000.
    pub coordinates: Option<Datum>,
}

impl WireDefaults {
    /// Keys of the part that are understood here.
    pub const KEYS: [&'static str; 7] = ["date", "datetime", "month", "money", "bool", "number", "coordinates"];

    /// Kinds of values whose form loses something, and what.
    #[must_use]
    pub fn losses(&self) -> Vec<(&'static str, &'static str)> {
        let steps = [
            ("date", self.date.clone().map(super::Step::Date)),
            ("datetime", self.datetime.clone().map(super::Step::DateTime)),
            ("bool", self.truth.clone().map(super::Step::Truth)),
        ];
        steps
            .into_iter()
            .filter_map(|(key, step)| Some((key, step?.loss()?)))
            .collect()
    }

    /// Sets one key. `false` if it is not one of [`Self::KEYS`].
    ///
    /// # Errors
    /// A sentence that says what is wrong with the value.
    pub fn set(&mut self, key: &str, value: &str) -> Result<bool, String> {
        match key {
            "date" => self.date = Some(DateForm::parse(value)?),
            "datetime" => self.datetime = Some(DateForm::parse(value)?),
            "month" => self.month = Some(DateForm::parse(value)?),
            "money" => self.money = Some(Money::parse(value)?),
            "bool" => self.truth = Some(TruthTable::parse(value)?),
            "number" => match value {
                "text" => self.number = Some(TextStep::Text),
                "number" => self.number = None,
                _ => return Err(format!("expected text or number, got `{value}`")),
            },
            "coordinates" => self.coordinates = Datum::parse(value)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}
