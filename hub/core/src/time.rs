//! Time as the hub writes it. All instants are UTC inside; people and agencies read China Standard Time.

/// A point in time. One name for it, so that the library behind can be exchanged.
pub type Timestamp = jiff::Timestamp;

/// Offset of China Standard Time, which has had no daylight saving since 1991.
#[must_use]
pub fn china() -> jiff::tz::TimeZone {
    jiff::tz::TimeZone::fixed(jiff::tz::Offset::constant(8))
}

/// RFC 3339 with `+08:00`, whole seconds: the form of every date-time the hub answers with.
#[must_use]
pub fn rfc3339(at: Timestamp) -> String {
    at.to_zoned(china()).strftime("%Y-%m-%dT%H:%M:%S+08:00").to_string()
}

/// The civil date and time in China at an instant.
#[must_use]
pub fn civil(at: Timestamp) -> jiff::civil::DateTime {
    at.to_zoned(china()).datetime()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_in_china_standard_time() {
        assert_eq!(
            rfc3339(Timestamp::from_second(1_775_617_530).unwrap()),
            "2026-04-08T11:05:30+08:00"
        );
    }
}
