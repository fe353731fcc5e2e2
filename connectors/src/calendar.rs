//! When a system is closed: the `closed` part of a manifest, read in China Standard Time.
//!
//! Windows: `22:00-06:00` (daily, may cross midnight), `Sunday 01:00-05:00`, `day 1 00:00-06:00`,
//! `last day of month 18:00-24:00`, `06-30 18:00-24:00`.

use hub_core::time::{Timestamp, china, civil};
use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::{Span, ToSpan};

/// Which days a window opens on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Days {
    Every,
    Weekday(Weekday),
    OfMonth(i8),
    LastOfMonth,
    Yearly(i8, i8),
}

/// One recurring window, from a time of day for some minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    days: Days,
    from: Time,
    minutes: i32,
}

/// All windows of a system.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Calendar {
    windows: Vec<Window>,
}

impl Calendar {
    /// Reads windows as written in a manifest.
    ///
    /// # Errors
    /// The first text that is no window.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let windows = texts
            .into_iter()
            .map(|text| window(text).ok_or_else(|| text.to_owned()))
            .collect::<Result<_, _>>()?;
        Ok(Self { windows })
    }

    /// Whether there is no window at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.windows.is_empty()
    }

    /// If the system is closed now: when it opens again. Windows that touch are one.
    #[must_use]
    pub fn resumes_at(&self, now: Timestamp) -> Option<Timestamp> {
        let mut at = civil(now);
        let mut closed = false;
        // Each round moves past one window; more rounds than windows would mean that it never opens.
        for _ in 0..=self.windows.len() * 2 {
            match self.windows.iter().filter_map(|w| w.end_if_inside(at)).max() {
                Some(end) => (at, closed) = (end, true),
                None => break,
            }
        }
        let opens = at.to_zoned(china()).ok()?.timestamp();
        closed.then_some(opens)
    }
}

impl Window {
    fn end_if_inside(&self, at: DateTime) -> Option<DateTime> {
        let today = at.date();
        [Some(today), today.yesterday().ok()]
            .into_iter()
            .flatten()
            .filter(|day| self.opens_on(*day))
            .find_map(|day| {
                let start = day.to_datetime(self.from);
                let end = start.checked_add(Span::new().minutes(self.minutes)).ok()?;
                (start <= at && at < end).then_some(end)
            })
    }

    fn opens_on(&self, day: Date) -> bool {
        match self.days {
            Days::Every => true,
            Days::Weekday(weekday) => day.weekday() == weekday,
            Days::OfMonth(number) => day.day() == number,
            Days::LastOfMonth => day == day.last_of_month(),
            Days::Yearly(month, number) => (day.month(), day.day()) == (month, number),
        }
    }
}

fn window(text: &str) -> Option<Window> {
    let text = text.trim();
    let (days, hours) = text.rsplit_once(' ').map_or(("", text), |(d, h)| (d.trim(), h));
    let (from, to) = hours.split_once('-')?;
    let (from, to) = (minute_of_day(from)?, minute_of_day(to)?);
    let minutes = if to > from { to - from } else { to + 1440 - from };
    Some(Window {
        days: parse_days(&days.to_ascii_lowercase())?,
        from: Time::new(i8::try_from(from / 60).ok()?, i8::try_from(from % 60).ok()?, 0, 0).ok()?,
        minutes,
    })
}

fn minute_of_day(text: &str) -> Option<i32> {
    let (hour, minute) = text.trim().split_once(':')?;
    let (hour, minute): (i32, i32) = (hour.parse().ok()?, minute.parse().ok()?);
    let good = (0..24).contains(&hour) && (0..60).contains(&minute) || (hour, minute) == (24, 0);
    good.then_some(hour * 60 + minute)
}

fn parse_days(text: &str) -> Option<Days> {
    let weekday = |name: &str| {
        [
            ("monday", Weekday::Monday),
            ("tuesday", Weekday::Tuesday),
            ("wednesday", Weekday::Wednesday),
            ("thursday", Weekday::Thursday),
            ("friday", Weekday::Friday),
            ("saturday", Weekday::Saturday),
            ("sunday", Weekday::Sunday),
        ]
        .into_iter()
        .find(|(n, _)| *n == name)
        .map(|(_, d)| Days::Weekday(d))
    };
    match text {
        "" | "daily" => Some(Days::Every),
        "last day of month" => Some(Days::LastOfMonth),
        _ => weekday(text).or_else(|| {
            if let Some(number) = text.strip_prefix("day ") {
                let number: i8 = number.parse().ok()?;
                return (1..=31).contains(&number).then_some(Days::OfMonth(number));
            }
            let (month, day) = text.split_once('-')?;
            let (month, day): (i8, i8) = (month.parse().ok()?, day.parse().ok()?);
            Date::new(2024, month, day).ok().map(|_| Days::Yearly(month, day))
        }),
    }
}

/// A duration as manifests write it: `5s`, `300ms`, `2h`, `30m`, `1d`.
#[must_use]
pub(crate) fn duration_ms(text: &str) -> Option<u64> {
    let split = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(split);
    let number: u64 = number.parse().ok()?;
    let factor = match unit.trim() {
        "ms" => 1,
        "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(factor).filter(|ms| *ms > 0)
}

/// An instant some milliseconds later; the same instant if that cannot be said.
#[must_use]
pub(crate) fn later(now: Timestamp, ms: u64) -> Timestamp {
    let ms = i64::try_from(ms).unwrap_or(i64::MAX / 4);
    now.checked_add(ms.milliseconds()).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn opens(windows: &[&str], now: &str) -> Option<String> {
        let calendar = Calendar::parse(windows.iter().copied()).unwrap();
        calendar.resumes_at(at(now)).map(hub_core::time::rfc3339)
    }

    #[test]
    fn a_nightly_window_crosses_midnight() {
        let night = ["22:00-06:00"];
        let morning = Some("2026-04-09T06:00:00+08:00".to_owned());
        assert_eq!(opens(&night, "2026-04-08T23:30:00+08:00"), morning);
        assert_eq!(opens(&night, "2026-04-09T05:59:59+08:00"), morning);
        assert_eq!(opens(&night, "2026-04-09T06:00:00+08:00"), None);
        assert_eq!(opens(&night, "2026-04-08T21:59:59+08:00"), None);
    }

    #[test]
    fn month_end_weekday_and_yearly_windows() {
        let month_end = ["last day of month 18:00-24:00"];
        assert_eq!(
            opens(&month_end, "2026-02-28T20:00:00+08:00"),
            Some("2026-03-01T00:00:00+08:00".into())
        );
        assert_eq!(opens(&month_end, "2026-02-27T20:00:00+08:00"), None);
        assert_eq!(
            opens(&["Sunday 01:00-05:00"], "2026-04-12T02:00:00+08:00"),
            Some("2026-04-12T05:00:00+08:00".into())
        );
        assert_eq!(
            opens(&["06-30 18:00-24:00"], "2026-06-30T18:00:00+08:00"),
            Some("2026-07-01T00:00:00+08:00".into())
        );
    }

    #[test]
    fn windows_that_touch_are_one() {
        assert_eq!(
            opens(&["23:30-24:00", "00:00-02:00"], "2026-04-08T23:45:00+08:00"),
            Some("2026-04-09T02:00:00+08:00".into())
        );
    }

    #[test]
    fn what_is_no_window_is_named() {
        assert_eq!(Calendar::parse(["25:00-26:00"]), Err("25:00-26:00".to_owned()));
        assert_eq!(
            Calendar::parse(["someday 01:00-02:00"]),
            Err("someday 01:00-02:00".to_owned())
        );
    }

    #[test]
    fn durations() {
        assert_eq!(duration_ms("5s"), Some(5_000));
        assert_eq!(duration_ms("300ms"), Some(300));
        assert_eq!(duration_ms("2h"), Some(7_200_000));
        assert_eq!(duration_ms("5 parsecs"), None);
    }
}
