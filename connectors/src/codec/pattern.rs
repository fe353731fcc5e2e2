//! Date patterns in the notation manuals use (Java's `SimpleDateFormat`): `yyyyMMdd`, `yyyy年M月d日 HH:mm`.

use jiff::civil::{Date, DateTime, Time};

/// A part of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// A number: which, and its least width when written.
    Field(Field, usize),
    /// Offset from UTC, `+08:00` or, without colon, `+0800`.
    Zone { colon: bool },
    /// Anything else, as it is.
    Literal(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    Fraction,
}

/// A date pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern {
    parts: Vec<Part>,
    text: String,
}

/// What a pattern read: the civil time and its offset from UTC in seconds, if one was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) at: DateTime,
    pub(super) offset: Option<i32>,
}

impl Pattern {
    /// From its text.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut parts: Vec<Part> = Vec::new();
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            if c == '\'' {
                let quoted: String = std::iter::from_fn(|| rest.next_if(|c| *c != '\'')).collect();
                if rest.next().is_none() {
                    return Err(format!("the quote in `{text}` is not closed"));
                }
                push_literal(&mut parts, if quoted.is_empty() { "'" } else { &quoted });
                continue;
            }
            if !c.is_ascii_alphabetic() {
                push_literal(&mut parts, c.encode_utf8(&mut [0; 4]));
                continue;
            }
            let mut width = 1;
            while rest.next_if_eq(&c).is_some() {
                width += 1;
            }
            parts.push(part(c, width).ok_or_else(|| {
                format!("`{c}` in `{text}` is not a pattern letter; use y M d H m s S X, and quotes around words")
            })?);
        }
        let has_year = parts.iter().any(|p| matches!(p, Part::Field(Field::Year, _)));
        if !has_year {
            return Err(format!(
                "`{text}` has no year; a pattern looks like yyyy-MM-dd HH:mm:ss"
            ));
        }
        Ok(Self {
            parts,
            text: text.to_owned(),
        })
    }

    /// Its text.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Writes a civil time of China.
    pub(super) fn write(&self, at: DateTime) -> String {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(text) => out.push_str(text),
                Part::Zone { colon } => out.push_str(if *colon { "+08:00" } else { "+0800" }),
                Part::Field(Field::Fraction, width) => {
                    let nanos = format!("{:09}", at.subsec_nanosecond());
                    out.push_str(nanos.get(..*width).unwrap_or(&nanos));
                }
                Part::Field(field, width) => out.push_str(&format!("{:0width$}", value(*field, at))),
            }
        }
        out
    }

    /// Reads a text in this pattern. A field that a separator follows may be shorter than its letters (`2026/4/8`).
    pub(super) fn read(&self, text: &str) -> Option<Reading> {
        let mut rest = text;
        let mut numbers = Numbers::default();
        let mut offset = None;
        for (i, part) in self.parts.iter().enumerate() {
            match part {
                Part::Literal(literal) => rest = rest.strip_prefix(literal.as_str())?,
                Part::Zone { .. } => {
                    let (seconds, after) = zone(rest)?;
                    offset = Some(seconds);
                    rest = after;
                }
                Part::Field(field, width) => {
                    let exact = *field == Field::Year || self.packed(i);
                    let most = if exact { *width } else { longest(*field, *width) };
                    let digits = rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
                    let least = if exact { *width } else { 1 };
                    let (number, after) = rest.split_at_checked(digits).filter(|_| digits >= least)?;
                    numbers.set(*field, number)?;
                    rest = after;
                }
            }
        }
        let at = numbers.assemble()?;
        rest.is_empty().then_some(Reading { at, offset })
    }

    /// Whether no separator parts a field from its neighbours.
    fn packed(&self, i: usize) -> bool {
        let is_field = |part: Option<&Part>| matches!(part, Some(Part::Field(..)));
        is_field(self.parts.get(i + 1)) || i.checked_sub(1).is_some_and(|before| is_field(self.parts.get(before)))
    }
}

fn push_literal(parts: &mut Vec<Part>, text: &str) {
    match parts.last_mut() {
        Some(Part::Literal(last)) => last.push_str(text),
        _ => parts.push(Part::Literal(text.to_owned())),
    }
}

fn part(letter: char, width: usize) -> Option<Part> {
    Some(match letter {
        // `yy` would make the century a guess.
        'y' | 'u' if width == 4 || width == 1 => Part::Field(Field::Year, 4),
        'M' if width <= 2 => Part::Field(Field::Month, width),
        'd' if width <= 2 => Part::Field(Field::Day, width),
        'H' if width <= 2 => Part::Field(Field::Hour, width),
        'm' if width <= 2 => Part::Field(Field::Minute, width),
        's' if width <= 2 => Part::Field(Field::Second, width),
        'S' if width <= 9 => Part::Field(Field::Fraction, width),
        'X' | 'x' if width == 2 => Part::Zone { colon: false },
        'X' | 'x' if width == 3 => Part::Zone { colon: true },
        'Z' if width == 1 => Part::Zone { colon: false },
        _ => return None,
    })
}

fn longest(field: Field, width: usize) -> usize {
    match field {
        Field::Year => 4,
        Field::Fraction => width.max(9),
        _ => 2,
    }
}

fn value(field: Field, at: DateTime) -> i32 {
    match field {
        Field::Year => i32::from(at.year()),
        Field::Month => i32::from(at.month()),
        Field::Day => i32::from(at.day()),
        Field::Hour => i32::from(at.hour()),
        Field::Minute => i32::from(at.minute()),
        Field::Second => i32::from(at.second()),
        Field::Fraction => at.subsec_nanosecond(),
    }
}

/// `Z`, `+08:00`, `+0800`, `+08`, and what follows.
fn zone(text: &str) -> Option<(i32, &str)> {
    if let Some(rest) = text.strip_prefix(['Z', 'z']) {
        return Some((0, rest));
    }
    let sign = match text.bytes().next()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let two = |text: &str| -> Option<i32> {
        text.get(..2)
            .filter(|t| t.bytes().all(|b| b.is_ascii_digit()))?
            .parse()
            .ok()
    };
    let hours = two(text.get(1..)?)?;
    let rest = text.get(3..)?;
    let after_colon = rest.strip_prefix(':').unwrap_or(rest);
    let (minutes, rest) = match two(after_colon) {
        Some(minutes) => (minutes, after_colon.get(2..)?),
        None => (0, rest),
    };
    (hours <= 18 && minutes < 60).then_some((sign * (hours * 3600 + minutes * 60), rest))
}

#[derive(Default)]
struct Numbers {
    year: i16,
    month: Option<i8>,
    day: Option<i8>,
    clock: [i8; 3],
    nanos: i32,
}

impl Numbers {
    fn set(&mut self, field: Field, digits: &str) -> Option<()> {
        let [hour, minute, second] = &mut self.clock;
        match field {
            Field::Year => self.year = digits.parse().ok()?,
            Field::Month => self.month = Some(digits.parse().ok()?),
            Field::Day => self.day = Some(digits.parse().ok()?),
            Field::Hour => *hour = digits.parse().ok()?,
            Field::Minute => *minute = digits.parse().ok()?,
            Field::Second => *second = digits.parse().ok()?,
            Field::Fraction => self.nanos = format!("{digits:0<9}").parse().ok()?,
        }
        Some(())
    }

    fn assemble(&self) -> Option<DateTime> {
        let [hour, minute, second] = self.clock;
        let date = Date::new(self.year, self.month.unwrap_or(1), self.day.unwrap_or(1)).ok()?;
        let time = Time::new(hour, minute, second, self.nanos).ok()?;
        Some(date.to_datetime(time))
    }
}
