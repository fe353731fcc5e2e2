//! Formats of the dictionary that JSON Schema doesn't know.

use hub_core::{Text, check_digit};
use jsonschema::ValidationOptions;

/// Adds the checks of all own formats.
pub(super) fn register(options: ValidationOptions<'_>) -> ValidationOptions<'_> {
    options
        .with_format("id-card", id_card)
        .with_format("uscc", check_digit::uscc_is_valid)
        .with_format("party-number", |text: &str| {
            id_card(text) || check_digit::uscc_is_valid(text)
        })
        .with_format("month", month)
        .with_format("mobile", mobile)
}

/// What a value of a format looks like, for own and standard formats alike.
pub(crate) fn described(format: &str) -> Option<Text> {
    let (zh, en) = match format {
        "id-card" => (
            "18 位居民身份证号码，出生日期和校验码正确",
            "an 18-character resident ID number with a real birth date and the right check character",
        ),
        "uscc" => (
            "18 位统一社会信用代码，校验码正确",
            "an 18-character unified social credit code with the right check character",
        ),
        "party-number" => (
            "居民身份证号码或统一社会信用代码，校验码正确",
            "a resident ID number or a unified social credit code with the right check character",
        ),
        "month" => (
            "月份，格式为 yyyy-MM，如 2026-03",
            "a month as yyyy-MM, such as 2026-03",
        ),
        "mobile" => ("11 位中国大陆手机号码", "an 11-digit mobile number of mainland China"),
        "date" => (
            "真实存在的日期，格式为 yyyy-MM-dd，如 2026-03-09",
            "a real date as yyyy-MM-dd, such as 2026-03-09",
        ),
        "date-time" => (
            "带时区的日期时间，如 2026-03-09T08:30:00+08:00",
            "a date and time with its offset, such as 2026-03-09T08:30:00+08:00",
        ),
        "time" => (
            "带时区的时间，如 08:30:00+08:00",
            "a time with its offset, such as 08:30:00+08:00",
        ),
        "duration" => ("ISO 8601 时长，如 PT30M", "a duration of ISO 8601, such as PT30M"),
        "email" | "idn-email" => ("电子邮箱地址", "an e-mail address"),
        "uri" | "iri" => (
            "完整的网址，如 https://example.org/a",
            "an absolute URI, such as https://example.org/a",
        ),
        "uuid" => ("UUID", "a UUID"),
        "ipv4" => ("IPv4 地址", "an IPv4 address"),
        "ipv6" => ("IPv6 地址", "an IPv6 address"),
        "hostname" | "idn-hostname" => ("域名", "a host name"),
        _ => return None,
    };
    Some(Text::new(zh, en))
}

fn id_card(text: &str) -> bool {
    let date = text.get(6..14).and_then(|d| {
        let year = d.get(0..4)?.parse().ok()?;
        let month = d.get(4..6)?.parse().ok()?;
        let day = d.get(6..8)?.parse().ok()?;
        Some(real_date(year, month, day))
    });
    check_digit::id_card_is_valid(text) && date == Some(true)
}

fn real_date(year: u32, month: u32, day: u32) -> bool {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    };
    (1800..=2200).contains(&year) && (1..=days).contains(&day)
}

fn month(text: &str) -> bool {
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    text.split_once('-').is_some_and(|(year, month)| {
        year.len() == 4
            && month.len() == 2
            && digits(year)
            && digits(month)
            && month.parse().is_ok_and(|m: u8| (1..=12).contains(&m))
    })
}

fn mobile(text: &str) -> bool {
    text.len() == 11
        && text.starts_with('1')
        && text.bytes().all(|b| b.is_ascii_digit())
        && text.as_bytes().get(1).is_some_and(|b| *b >= b'3')
}

#[cfg(test)]
mod tests {
    use super::super::compile;
    use serde_json::json;

    #[test]
    fn own_formats_are_asserted() {
        for (format, good, bad) in [
            ("id-card", "34052419800101001X", "340524198001010019"),
            // The check character fits, the 30th of February does not.
            ("id-card", "34052419800101001X", "340524198002300013"),
            ("uscc", "91350100M000100Y43", "91350100M000100Y44"),
            ("party-number", "91350100M000100Y43", "123"),
            ("month", "2026-12", "2026-13"),
            ("mobile", "13800000000", "12800000000"),
            ("date", "9999-12-31", "2026-02-30"),
            ("date-time", "2026-03-09T08:30:00+08:00", "2026-03-09 08:30:00"),
        ] {
            let validator = compile(&json!({"type": "string", "format": format})).unwrap();
            assert!(validator.is_valid(&json!(good)), "{format} {good}");
            assert!(!validator.is_valid(&json!(bad)), "{format} {bad}");
        }
    }

    #[test]
    fn references_outside_and_bombs_do_not_compile() {
        for schema in [
            json!({"$ref": "http://example.org/a.json"}),
            json!({"$ref": "file:///etc/passwd"}),
            json!({"type": "string", "pattern": "([a-z]{1,1000}){1,1000}"}),
            json!({"type": "string", "pattern": "(?=a)b"}),
        ] {
            assert!(compile(&schema).is_err(), "{schema}");
        }
    }
}
