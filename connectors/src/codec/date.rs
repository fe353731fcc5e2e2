//! Dates, date-times and months in the shapes of quirk 12, "long term" among them.

use super::pattern::{Pattern, Reading};
use super::{CodecError, half_width, scalar_text};
use hub_core::time::{china, rfc3339};
use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use serde_json::Value;

/// Validity without end, as the contract writes it.
pub(in crate::codec) const LONG_TERM: &str = "9999-12-31";
/// How upstreams write it besides the last day of year 9999.
const LONG_TERM_WORDS: [&str; 5] = ["长期", "长期有效", "永久", "永久有效", "无固定期限"];

/// What `any` tries, most telling first.
const ANY: [&str; 20] = [
    "yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
    "yyyy-MM-dd'T'HH:mm:ssXXX",
    "yyyy-MM-dd'T'HH:mm:ss.SSS",
    "yyyy-MM-dd'T'HH:mm:ss",
    "yyyy-MM-dd HH:mm:ss.SSS",
    "yyyy-MM-dd HH:mm:ss",
    "yyyy-MM-dd HH:mm",
    "yyyy-MM-dd",
    "yyyy/MM/dd HH:mm:ss",
    "yyyy/MM/dd HH:mm",
    "yyyy/MM/dd",
    "yyyy.MM.dd",
    "yyyyMMddHHmmss",
    "yyyyMMdd",
    "yyyy年M月d日 HH:mm:ss",
    "yyyy年M月d日",
    "yyyy年M月",
    "yyyy-MM",
    "yyyy/MM",
    "yyyyMM",
];

#[derive(Debug, Clone, PartialEq)]
enum Notation {
    Pattern(Pattern),
    /// Since 1970, in milliseconds or seconds, as number or text.
    Epoch {
        millis: bool,
        text: bool,
    },
}

/// How an upstream writes points in time.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::codec) struct DateForm {
    write: Notation,
    /// Other shapes it may come in; empty if it is strict.
    also: Vec<Pattern>,
    /// What it writes for validity without end, if not the last day of year 9999.
    long_term: Option<String>,
}

impl DateForm {
    /// `[any] [PATTERN|iso|xsd|epoch|epoch-ms] [text] [long=WORD]`.
    pub(in crate::codec) fn parse(text: &str) -> Result<Self, String> {
        let (text, long_term) = match text.rsplit_once("long=") {
            Some((head, word)) if !word.is_empty() => (head.trim(), Some(word.trim().to_owned())),
            _ => (text, None),
        };
        let (also, text) = match text.strip_prefix("any") {
            Some(rest) => (any_patterns()?, rest.trim()),
            None => (Vec::new(), text),
        };
        let epoch = |millis, text| Notation::Epoch { millis, text };
        let write = match text {
            "" if also.is_empty() => {
                return Err("expected a pattern like yyyy-MM-dd, or any, iso, xsd, epoch, epoch-ms".into());
            }
            "" => Notation::Pattern(Pattern::parse("yyyy-MM-dd")?),
            "iso" => Notation::Pattern(Pattern::parse("yyyy-MM-dd'T'HH:mm:ssXXX")?),
            "xsd" => Notation::Pattern(Pattern::parse("yyyy-MM-dd'T'HH:mm:ss")?),
            "epoch" => epoch(false, false),
            "epoch text" => epoch(false, true),
            "epoch-ms" => epoch(true, false),
            "epoch-ms text" => epoch(true, true),
            pattern => Notation::Pattern(Pattern::parse(pattern)?),
        };
        // Standards allow fractions and a zone, or neither, where we write the plain form.
        let also = if matches!(text, "iso" | "xsd") {
            any_patterns()?.into_iter().take(4).collect()
        } else {
            also
        };
        Ok(Self { write, also, long_term })
    }

    /// Whether a date comes with a time of day that the contract does not keep.
    pub(in crate::codec) fn drops_time(&self) -> bool {
        match &self.write {
            Notation::Pattern(pattern) => pattern.text().contains('H'),
            Notation::Epoch { .. } => true,
        }
    }

    /// Whether a point in time is written coarser or finer than in whole seconds.
    pub(in crate::codec) fn drops_seconds(&self) -> bool {
        match &self.write {
            Notation::Pattern(pattern) => !pattern.text().contains("ss") || pattern.text().contains('S'),
            Notation::Epoch { millis, .. } => *millis,
        }
    }

    fn expected(&self) -> String {
        match &self.write {
            Notation::Pattern(pattern) => format!("a date written {}", pattern.text()),
            Notation::Epoch { millis: true, .. } => "milliseconds since 1970".into(),
            Notation::Epoch { millis: false, .. } => "seconds since 1970".into(),
        }
    }

    fn write(&self, at: DateTime, value: &Value) -> Result<Value, CodecError> {
        match &self.write {
            Notation::Pattern(pattern) => Ok(pattern.write(at).into()),
            Notation::Epoch { millis, text } => {
                let zoned = at
                    .to_zoned(china())
                    .map_err(|_| CodecError::new("a point in time", value))?;
                let instant = zoned.timestamp();
                let number = if *millis {
                    instant.as_millisecond()
                } else {
                    instant.as_second()
                };
                Ok(if *text {
                    number.to_string().into()
                } else {
                    number.into()
                })
            }
        }
    }

    /// The civil time in China that an upstream value means; `None` for an upstream's "no date".
    fn read(&self, value: &Value) -> Result<Option<DateTime>, CodecError> {
        let text = scalar_text(value).map(|t| half_width(&t));
        let text = text.ok_or_else(|| CodecError::new(self.expected(), value))?;
        if is_nothing(&text) {
            return Ok(None);
        }
        if LONG_TERM_WORDS.contains(&text.as_str()) || self.long_term.as_deref() == Some(&text) {
            return Ok(Some(Date::MAX.to_datetime(jiff::civil::Time::midnight())));
        }
        let own = match &self.write {
            Notation::Pattern(pattern) => pattern.read(&text).and_then(in_china),
            Notation::Epoch { millis, .. } => instant(&text, *millis),
        };
        own.or_else(|| self.also.iter().find_map(|p| p.read(&text)).and_then(in_china))
            .or_else(|| (!self.also.is_empty()).then(|| guessed_instant(&text)).flatten())
            .map(Some)
            .ok_or_else(|| CodecError::new(self.expected(), value))
    }

    pub(in crate::codec) fn encode_date(&self, value: &Value) -> Result<Value, CodecError> {
        if let (Some(word), Some(LONG_TERM)) = (&self.long_term, value.as_str()) {
            return Ok(word.as_str().into());
        }
        // The library reads other ISO forms too, which no contract allows.
        let text = value.as_str().filter(|t| t.len() == 10);
        let date: Option<Date> = text.and_then(|t| t.parse().ok());
        let date = date.ok_or_else(|| CodecError::new("a date yyyy-MM-dd", value))?;
        self.write(date.to_datetime(jiff::civil::Time::midnight()), value)
    }

    pub(in crate::codec) fn decode_date(&self, value: &Value) -> Result<Value, CodecError> {
        let read = self.read(value)?;
        Ok(read.map_or(Value::Null, |at| at.date().to_string().into()))
    }

    pub(in crate::codec) fn encode_datetime(&self, value: &Value) -> Result<Value, CodecError> {
        let instant: Option<Timestamp> = value.as_str().and_then(|t| t.parse().ok());
        let instant = instant.ok_or_else(|| CodecError::new("a date-time of RFC 3339", value))?;
        self.write(hub_core::time::civil(instant), value)
    }

    pub(in crate::codec) fn decode_datetime(&self, value: &Value) -> Result<Value, CodecError> {
        let Some(at) = self.read(value)? else {
            return Ok(Value::Null);
        };
        at.to_zoned(china())
            .map(|zoned| rfc3339(zoned.timestamp()).into())
            // The library's calendar ends before the last day of year 9999 does in every zone; nobody calls at that hour.
            .or_else(|_| Ok(format!("{}T00:00:00+08:00", at.date()).into()))
    }

    pub(in crate::codec) fn encode_month(&self, value: &Value) -> Result<Value, CodecError> {
        let date: Option<Date> = value.as_str().and_then(|t| format!("{t}-01").parse().ok());
        let date = date.ok_or_else(|| CodecError::new("a month yyyy-MM", value))?;
        self.write(date.to_datetime(jiff::civil::Time::midnight()), value)
    }

    pub(in crate::codec) fn decode_month(&self, value: &Value) -> Result<Value, CodecError> {
        let read = self.read(value)?;
        Ok(read.map_or(Value::Null, |at| format!("{:04}-{:02}", at.year(), at.month()).into()))
    }
}

fn any_patterns() -> Result<Vec<Pattern>, String> {
    ANY.iter().copied().map(Pattern::parse).collect()
}

/// How databases and languages write "no date": empty, zeros, the first day of year 1 (.NET's smallest date).
fn is_nothing(text: &str) -> bool {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let unset = digits.starts_with("00010101") || digits.len() >= 8 && digits.bytes().all(|b| b == b'0');
    text.is_empty() || text.eq_ignore_ascii_case("null") || unset
}

fn in_china(reading: Reading) -> Option<DateTime> {
    let Some(offset) = reading.offset else {
        return Some(reading.at);
    };
    let zone = jiff::tz::Offset::from_seconds(offset).ok()?.to_time_zone();
    Some(hub_core::time::civil(reading.at.to_zoned(zone).ok()?.timestamp()))
}

fn instant(text: &str, millis: bool) -> Option<DateTime> {
    let number: i64 = text.parse().ok()?;
    let instant = if millis {
        Timestamp::from_millisecond(number)
    } else {
        Timestamp::from_second(number)
    };
    instant.ok().map(hub_core::time::civil)
}

/// Ten digits are seconds and thirteen are milliseconds for every date between 2001 and 2286.
fn guessed_instant(text: &str) -> Option<DateTime> {
    match text.len() {
        10 => instant(text, false),
        13 => instant(text, true),
        _ => None,
    }
}
