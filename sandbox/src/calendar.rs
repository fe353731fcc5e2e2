//! Working days of the city: Monday to Friday.

use hub_core::time::{Timestamp, china, civil};

/// The day that is so many working days after an instant; the instant's own day for 0.
pub(crate) fn working_days_after(from: Timestamp, days: u32) -> jiff::civil::Date {
    let mut day = civil(from).date();
    let mut left = days;
    while left > 0 {
        let Ok(next) = day.tomorrow() else { return day };
        day = next;
        if !matches!(
            day.weekday(),
            jiff::civil::Weekday::Saturday | jiff::civil::Weekday::Sunday
        ) {
            left -= 1;
        }
    }
    day
}

/// Midnight in the city at the start of a day; `None` beyond the calendar.
pub(crate) fn start_of(day: jiff::civil::Date) -> Option<Timestamp> {
    day.to_zoned(china()).ok().map(|z| z.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weekends_do_not_count() {
        let friday: Timestamp = "2026-11-20T09:00:00+08:00".parse().unwrap();
        assert_eq!(working_days_after(friday, 1).to_string(), "2026-11-23");
        assert_eq!(working_days_after(friday, 6).to_string(), "2026-11-30");
        assert_eq!(working_days_after(friday, 0).to_string(), "2026-11-20");
    }
}
