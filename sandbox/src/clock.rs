//! The clock of a world: it runs with the machine's at a distance, or stands still, and moves forward by any distance.

use crate::calendar;
use hub_core::time::{Timestamp, china};
use hub_core::{Problem, ProblemCode, Text};
use jiff::{SignedDuration, Span};
use serde::{Deserialize, Serialize};

/// What time it is in a world, by the machine's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct WorldClock {
    /// Microseconds by which it is ahead.
    #[serde(default)]
    ahead: i64,
    /// Where it stands still.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    frozen: Option<Timestamp>,
}

/// A distance to move by.
#[derive(Debug, Clone)]
pub enum Distance {
    /// Working days of the city; the time of day stays.
    WorkingDays(u32),
    /// A span of the civil calendar in China.
    Span(Span),
}

/// What is asked of a clock.
#[derive(Debug, Clone)]
pub enum Turn {
    /// Move forward.
    Advance(Distance),
    /// Move to a moment.
    Set(Timestamp),
    /// Stand still.
    Freeze,
    /// Run with the machine again.
    Run,
}

impl WorldClock {
    /// A clock that stands still.
    #[must_use]
    pub fn standing(at: Timestamp) -> Self {
        Self {
            ahead: 0,
            frozen: Some(at),
        }
    }

    /// Now, by the machine's time. A moment beyond the calendar is its end.
    #[must_use]
    pub fn now(&self, machine: Timestamp) -> Timestamp {
        let ahead = SignedDuration::from_micros(self.ahead);
        let running = || machine.checked_add(ahead).unwrap_or(Timestamp::MAX);
        self.frozen.unwrap_or_else(running)
    }

    /// The machine's time when this one shows a moment; nothing if it stands still.
    #[must_use]
    pub fn machine_at(&self, moment: Timestamp) -> Option<Timestamp> {
        let ahead = SignedDuration::from_micros(self.ahead);
        if self.is_frozen() {
            None
        } else {
            moment.checked_sub(ahead).ok()
        }
    }

    /// Whether it stands still.
    #[must_use]
    pub fn is_frozen(&self) -> bool {
        self.frozen.is_some()
    }

    /// The clock after a turn.
    ///
    /// # Errors
    /// A distance beyond the calendar.
    pub fn turned(self, turn: &Turn, machine: Timestamp) -> Result<Self, Problem> {
        let now = self.now(machine);
        Ok(match turn {
            Turn::Advance(distance) => self.at(distance.after(now)?, machine),
            Turn::Set(moment) => self.at(*moment, machine),
            Turn::Freeze => Self::standing(now),
            Turn::Run => Self::default().at(now, machine),
        })
    }

    /// The same clock at another moment.
    fn at(self, moment: Timestamp, machine: Timestamp) -> Self {
        match self.frozen {
            Some(_) => Self::standing(moment),
            None => Self {
                ahead: moment.as_microsecond().saturating_sub(machine.as_microsecond()),
                frozen: None,
            },
        }
    }
}

impl Distance {
    /// Reads `16wd`, `3d`, `2h`, `90m`, `30s` or an ISO 8601 duration (`P1M`, `PT36H`).
    ///
    /// # Errors
    /// `validation-failed` for anything else and for what leads backwards.
    pub fn read(text: &str) -> Result<Self, Problem> {
        let text = text.trim();
        let refused = || {
            Problem::new(ProblemCode::ValidationFailed)
                .detail("无法理解这段时间", "This is no distance in time")
                .at(
                    "/advance",
                    Text::new(
                        "16wd（工作日）、3d、2h、90m、30s 或 ISO 8601 时长，例如 P1M",
                        "16wd (working days), 3d, 2h, 90m, 30s, or a duration of ISO 8601 such as P1M",
                    ),
                    text.chars().take(40).collect::<String>(),
                )
        };
        if text.starts_with('P') {
            let span: Span = text.parse().map_err(|_| refused())?;
            return match span.is_negative() {
                true => Err(refused()),
                false => Ok(Self::Span(span)),
            };
        }
        let end = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(refused)?;
        let (number, unit) = text.split_at(end);
        let number: i64 = number.parse().map_err(|_| refused())?;
        let span = Span::new();
        let span = match unit {
            "wd" => return u32::try_from(number).map(Self::WorkingDays).map_err(|_| refused()),
            "d" => span.try_days(number),
            "h" => span.try_hours(number),
            "m" => span.try_minutes(number),
            "s" => span.try_seconds(number),
            _ => return Err(refused()),
        };
        span.map(Self::Span).map_err(|_| refused())
    }

    /// The moment so far after another.
    ///
    /// # Errors
    /// `validation-failed` beyond the calendar.
    pub fn after(&self, from: Timestamp) -> Result<Timestamp, Problem> {
        let beyond = || {
            Problem::new(ProblemCode::ValidationFailed).at(
                "/advance",
                Text::new("9999 年以前的时刻", "a moment before the year 9999"),
                "beyond the calendar",
            )
        };
        let zoned = from.to_zoned(china());
        match self {
            Self::Span(span) => zoned.checked_add(*span).map(|z| z.timestamp()).map_err(|_| beyond()),
            Self::WorkingDays(days) => {
                let day = calendar::after(zoned.date(), *days);
                if day.year() >= 9999 {
                    return Err(beyond());
                }
                let moment = day.to_datetime(zoned.time()).to_zoned(china());
                moment.map(|z| z.timestamp()).map_err(|_| beyond())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn distances_are_read_and_walked() {
        let from = at("2026-03-03T09:30:00+08:00");
        let walk = |text: &str| hub_core::time::rfc3339(Distance::read(text).unwrap().after(from).unwrap());
        assert_eq!(walk("16wd"), "2026-03-25T09:30:00+08:00");
        assert_eq!(walk("3d"), "2026-03-06T09:30:00+08:00");
        assert_eq!(walk("36h"), "2026-03-04T21:30:00+08:00");
        assert_eq!(walk("P1M"), "2026-04-03T09:30:00+08:00");
        assert_eq!(walk("PT90M"), "2026-03-03T11:00:00+08:00");
        assert_eq!(walk("P20Y"), "2046-03-03T09:30:00+08:00");
        for wrong in ["", "wd", "3", "3x", "-3d", "-P1D", "99999999999999999999d", "P1X"] {
            assert!(Distance::read(wrong).is_err(), "{wrong}");
        }
        assert!(Distance::read("P9000Y").unwrap().after(from).is_err());
    }

    #[test]
    fn a_clock_stands_runs_and_moves() {
        let machine = at("2026-11-30T08:00:00Z");
        let later = at("2026-11-30T08:01:00Z");
        let clock = WorldClock::default();
        assert_eq!(clock.now(machine), machine);
        let day = Turn::Advance(Distance::read("1d").unwrap());
        let ahead = clock.turned(&day, machine).unwrap();
        assert_eq!(ahead.now(later), at("2026-12-01T08:01:00Z"));
        let frozen = ahead.turned(&Turn::Freeze, machine).unwrap();
        assert_eq!(frozen.now(later), at("2026-12-01T08:00:00Z"));
        let set = frozen.turned(&Turn::Set(at("2027-01-01T00:00:00Z")), machine).unwrap();
        assert!(set.is_frozen());
        let run = set.turned(&Turn::Run, machine).unwrap();
        assert_eq!(run.now(later), at("2027-01-01T00:01:00Z"));
    }
}
