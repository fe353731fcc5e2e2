//! Working days of the city: Monday to Friday, less holidays, plus the weekend days that are worked for them. As data:
//! `calendar.yaml`.

use crate::DataError;
use hub_core::Text;
use hub_core::time::{Timestamp, china, civil};
use jiff::civil::{Date, Weekday};
use serde::Deserialize;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

const EMBEDDED: &str = include_str!("../calendar.yaml");

/// The city's calendar. Empty only if the shipped file is broken, which a test rules out.
static CITY: LazyLock<Calendar> = LazyLock::new(|| Calendar::embedded().unwrap_or_default());

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    years: Vec<Year>,
    fixed: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Year {
    year: i16,
    published: bool,
    source: String,
    off: Vec<Off>,
    worked: Vec<Date>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Off {
    from: Date,
    to: Date,
    name: Text,
}

/// What is known of one year.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownYear {
    /// The year.
    pub year: i16,
    /// Whether its make-up days are published.
    pub published: bool,
    /// Where it stands.
    pub source: String,
}

/// Holidays and make-up days.
#[derive(Debug, Default)]
struct Calendar {
    years: Vec<KnownYear>,
    off: HashMap<Date, Text>,
    worked: HashSet<Date>,
    fixed: HashSet<(i8, i8)>,
}

impl Calendar {
    fn embedded() -> Result<Self, DataError> {
        let name = "calendar.yaml";
        let document: Document = crate::data::read(name, EMBEDDED.as_bytes())?;
        let mut calendar = Self::default();
        for text in &document.fixed {
            let day = text
                .split_once('-')
                .and_then(|(m, d)| Some((m.parse().ok()?, d.parse().ok()?)));
            let day = day.ok_or_else(|| DataError::new(name, format!("{text} is no month and day")))?;
            calendar.fixed.insert(day);
        }
        for year in document.years {
            let in_year = |day: &Date| day.year() == year.year;
            let days = year.off.iter().flat_map(|off| [off.from, off.to]);
            if let Some(lost) = days.chain(year.worked.iter().copied()).find(|day| !in_year(day)) {
                return Err(DataError::new(name, format!("{lost} is not in {}", year.year)));
            }
            for off in &year.off {
                let days = off
                    .from
                    .series(jiff::Span::new().days(1))
                    .take_while(|day| *day <= off.to);
                calendar.off.extend(days.map(|day| (day, off.name.clone())));
            }
            calendar.worked.extend(year.worked);
            calendar.years.push(KnownYear {
                year: year.year,
                published: year.published,
                source: year.source,
            });
        }
        Ok(calendar)
    }

    fn is_working(&self, day: Date) -> bool {
        if matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) {
            return self.worked.contains(&day);
        }
        let known = self.years.iter().any(|y| y.year == day.year());
        match known {
            true => !self.off.contains_key(&day),
            false => !self.fixed.contains(&(day.month(), day.day())),
        }
    }
}

/// The years whose holidays are data.
#[must_use]
pub fn known_years() -> &'static [KnownYear] {
    &CITY.years
}

/// Whether offices are open on a day.
#[must_use]
pub fn is_working_day(day: Date) -> bool {
    CITY.is_working(day)
}

/// The holiday a day belongs to, if it is a weekday that is off.
#[must_use]
pub fn holiday(day: Date) -> Option<&'static Text> {
    CITY.off.get(&day)
}

/// Days whose working days are counted beforehand: from the epoch to the end of this year.
const LAST_COUNTED: i16 = 2100;

/// How many working days there are from the epoch to each day, the day itself included.
static COUNTED: LazyLock<Vec<u32>> = LazyLock::new(|| {
    let days = EPOCH
        .series(jiff::Span::new().days(1))
        .take_while(|day| day.year() <= LAST_COUNTED);
    let mut count = 0;
    let counted = days.map(|day| {
        count += u32::from(CITY.is_working(day));
        count
    });
    counted.collect()
});

const EPOCH: Date = jiff::civil::date(1970, 1, 1);

/// The day that is so many working days after another, if both are counted.
fn counted_after(day: Date, days: u32) -> Option<Date> {
    let place = usize::try_from(EPOCH.until(day).ok()?.get_days()).ok()?;
    let wanted = COUNTED.get(place)?.checked_add(days)?;
    let found = COUNTED.partition_point(|count| *count < wanted);
    COUNTED.get(found)?;
    EPOCH
        .checked_add(jiff::Span::new().try_days(i64::try_from(found).ok()?).ok()?)
        .ok()
}

/// The day that is so many working days after an instant; the instant's own day for 0.
pub(crate) fn working_days_after(from: Timestamp, days: u32) -> Date {
    after(civil(from).date(), days)
}

/// The day that is so many working days after another; the last of the calendar where it ends before.
pub(crate) fn after(day: Date, days: u32) -> Date {
    if days == 0 {
        return day;
    }
    if let Some(found) = counted_after(day, days) {
        return found;
    }
    let (mut day, mut left) = (day, days);
    while left > 0 {
        let Ok(next) = day.tomorrow() else { return day };
        day = next;
        if CITY.is_working(day) {
            left -= 1;
        }
    }
    day
}

/// Midnight in the city at the start of a day; `None` beyond the calendar.
pub(crate) fn start_of(day: Date) -> Option<Timestamp> {
    day.to_zoned(china()).ok().map(|z| z.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after_day(from: &str, days: u32) -> String {
        after(from.parse().unwrap(), days).to_string()
    }

    #[test]
    fn weekends_do_not_count() {
        let friday: Timestamp = "2026-11-20T09:00:00+08:00".parse().unwrap();
        assert_eq!(working_days_after(friday, 1).to_string(), "2026-11-23");
        assert_eq!(working_days_after(friday, 6).to_string(), "2026-11-30");
        assert_eq!(working_days_after(friday, 0).to_string(), "2026-11-20");
    }

    #[test]
    fn holidays_do_not_count_and_make_up_days_do() {
        Calendar::embedded().unwrap();
        // Spring Festival 2026: the Saturday before and the Saturday after are worked.
        assert_eq!(after_day("2026-02-13", 1), "2026-02-14");
        assert_eq!(after_day("2026-02-14", 1), "2026-02-24");
        assert_eq!(after_day("2026-02-27", 1), "2026-02-28");
        // National Day: off until Wednesday, the Saturday after is worked.
        assert_eq!(after_day("2026-09-30", 1), "2026-10-08");
        assert_eq!(after_day("2026-10-09", 1), "2026-10-10");
        assert_eq!(after_day("2026-12-31", 1), "2027-01-04");
        assert_eq!(after_day("2027-02-04", 1), "2027-02-11");
        // Nobody knows yet: the fixed days.
        assert_eq!(after_day("2030-04-30", 1), "2030-05-03");
        assert_eq!(holiday("2026-06-19".parse().unwrap()).unwrap().zh, "端午节");
    }

    #[test]
    fn what_is_counted_beforehand_is_what_walking_finds() {
        let walked = |from: Date, days: u32| {
            let mut later = from
                .series(jiff::Span::new().days(1))
                .skip(1)
                .filter(|day| is_working_day(*day));
            later.nth(days as usize - 1).unwrap()
        };
        for (n, from) in [
            "2026-02-12",
            "2026-02-14",
            "2026-10-03",
            "1999-12-31",
            "2100-12-20",
            "1969-12-30",
        ]
        .iter()
        .enumerate()
        {
            let from: Date = from.parse().unwrap();
            for days in [1, 2, 7, 30 + u32::try_from(n).unwrap()] {
                assert_eq!(after(from, days), walked(from, days), "{from} {days}");
            }
        }
    }

    #[test]
    fn a_year_has_as_many_working_days_as_was_published() {
        let first: Date = "2026-01-01".parse().unwrap();
        let days = first
            .series(jiff::Span::new().days(1))
            .take_while(|day| day.year() == 2026);
        assert_eq!(days.filter(|day| is_working_day(*day)).count(), 248);
        assert!(known_years().iter().any(|y| y.year == 2026 && y.published));
    }
}
