//! What must never be shown, taken out of texts that are: the secrets of a system, which it may send back in its refusal,
//! and numbers of persons in its words.

use crate::connector::Connector;
use crate::context::{Context, Session};
use crate::error::ConnectorError;
use crate::form::{Escape, escape_bytes};
use crate::sign::SignTrace;
use hub_core::check_digit;
use serde_json::Value;

/// What stands in the place of a secret.
pub(crate) const BLANK: &str = "***";
/// Secrets of fewer characters are blanked where they stand as a word: `hub` is no secret within `github`.
const SHORT: usize = 8;

/// Most characters of an upstream's words that go on.
const MOST_WORDS: usize = 500;
/// Most characters of an upstream's code: it goes into problems and logs.
const MOST_CODE: usize = 100;

/// Texts that must not be shown, in all the forms in which they may stand in a request; the longest first.
pub(crate) struct Blank {
    texts: Vec<String>,
    /// The signature in its forms: a short secret that stands in it by chance is not blanked there.
    made: Vec<String>,
}

impl Blank {
    pub(crate) fn new(
        connector: &Connector,
        context: &Context<'_>,
        sessions: &[Option<&Session>],
        signature: Option<&SignTrace>,
    ) -> Self {
        let secrets = connector.secrets.iter().filter_map(|name| context.secrets.get(name));
        let sessions = sessions.iter().flatten();
        let kept = sessions.flat_map(|s| s.values.values().cloned());
        let hidden = signature.into_iter().flat_map(|s| s.hidden.iter().cloned());
        let charset = connector.wiring.charset;
        let mut texts: Vec<String> = secrets
            .chain(kept)
            .chain(hidden)
            .flat_map(|text| {
                let escaped = |style| charset.encode(&text).map(|bytes| escape_bytes(&bytes, style)).ok();
                let forms = [Escape::Percent, Escape::Form, Escape::FormLower].map(escaped);
                let json = Value::from(text.as_str()).to_string();
                let json = json.trim_matches('"').to_owned();
                let xml = quick_xml::escape::escape(text.as_str()).into_owned();
                let mut all = within_base64(text.as_bytes());
                all.extend(forms.into_iter().flatten());
                all.extend([json, xml, hub_crypto::base64(text.as_bytes()), text]);
                all
            })
            .filter(|text| !text.trim().is_empty())
            .collect();
        texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
        texts.dedup();
        let made = signature.and_then(|s| s.made.as_deref());
        let made = made.into_iter().flat_map(|made| {
            let forms = [Escape::Percent, Escape::Form, Escape::FormLower];
            let escaped = forms.map(|style| escape_bytes(made.as_bytes(), style));
            escaped.into_iter().chain([made.to_owned()])
        });
        Self {
            made: made.filter(|made| !texts.contains(made)).collect(),
            texts,
        }
    }

    pub(crate) fn out(&self, text: &str) -> String {
        for made in &self.made {
            if let Some((before, after)) = text.split_once(made.as_str()) {
                return format!("{}{made}{}", self.out(before), self.out(after));
            }
        }
        self.texts
            .iter()
            .fold(text.to_owned(), |text, secret| match text.contains(secret.as_str()) {
                true if secret.chars().count() < SHORT => words_out(&text, secret),
                true => text.replace(secret.as_str(), BLANK),
                false => text,
            })
    }

    pub(crate) fn trace(&self, mut trace: SignTrace) -> SignTrace {
        trace.covered = self.out(&trace.covered);
        for step in &mut trace.steps {
            step.text = self.out(&step.text);
        }
        trace
    }
}

impl Connector {
    /// An error without what the system must not tell on: callers read its words.
    pub(crate) fn discreet(
        &self,
        error: ConnectorError,
        context: &Context<'_>,
        fresh: Option<&Session>,
    ) -> ConnectorError {
        match error {
            ConnectorError::Failed {
                failure,
                upstream_code,
                message,
                effect_unknown,
            } => {
                let blank = Blank::new(self, context, &[context.session, fresh], None);
                ConnectorError::Failed {
                    failure,
                    upstream_code: upstream_code.map(|code| short(&blank.out(&code), MOST_CODE)),
                    message: message.map(|words| short(&blank.out(&words), MOST_WORDS)),
                    effect_unknown,
                }
            }
            other => other,
        }
    }
}

fn short(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// What is surely there of a text when it stands somewhere inside of what is written in base64, as `user:password` is:
/// for each of the three ways in which its bytes may fall into groups, the characters that nothing beside it decides.
fn within_base64(text: &[u8]) -> Vec<String> {
    let one = |before: usize| {
        let bytes: Vec<u8> = std::iter::repeat_n(0, before).chain(text.iter().copied()).collect();
        let whole = hub_crypto::base64(&bytes);
        let sure = bytes.len() * 8 / 6;
        let unsure = (before * 8).div_ceil(6);
        whole.get(unsure..sure).unwrap_or_default().to_owned()
    };
    (0..3).map(one).filter(|inside| inside.len() >= SHORT).collect()
}

/// Blanks a text where no letter or digit stands next to it.
fn words_out(text: &str, word: &str) -> String {
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(word) {
        let within = is_part(before.chars().next_back().or(out.chars().next_back())) || is_part(after.chars().next());
        out.push_str(before);
        out.push_str(if within { word } else { BLANK });
        rest = after;
    }
    out + rest
}

/// Words of an upstream with the middle of each number of a person replaced: who reads them need not be that person.
/// Resident id numbers (GB 11643, 18 places; 15 before 1999), mobile numbers and bank cards (ISO/IEC 7812, by their check
/// digit) are told by their form.
pub(crate) fn impersonal(words: &str) -> String {
    let mut out = String::with_capacity(words.len());
    let mut rest = words;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, number) = rest.split_at(start);
        let digits = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
        let check = usize::from(digits == 17 && matches!(number.as_bytes().get(digits), Some(b'X' | b'x')));
        let (number, after) = number.split_at(digits + check);
        out.push_str(before);
        match is_personal(number) {
            true => {
                let (head, tail) = (number.get(..3), number.get(number.len() - 2..));
                out.extend([head.unwrap_or_default(), "****", tail.unwrap_or_default()]);
            }
            false => out.push_str(number),
        }
        rest = after;
    }
    out + rest
}

fn is_personal(number: &str) -> bool {
    let is_date = |month: Option<&str>, day: Option<&str>| {
        let within = |part: Option<&str>, most: u8| {
            part.and_then(|p| p.parse::<u8>().ok())
                .is_some_and(|n| (1..=most).contains(&n))
        };
        within(month, 12) && within(day, 31)
    };
    match number.len() {
        11 => number.starts_with('1') && !matches!(number.as_bytes().get(1), Some(b'0'..=b'2')),
        15 => is_date(number.get(8..10), number.get(10..12)),
        18 if matches!(number.get(6..8), Some("18" | "19" | "20"))
            && is_date(number.get(10..12), number.get(12..14)) =>
        {
            true
        }
        16..=19 if number.ends_with(['X', 'x']) => false,
        16..=19 => check_digit::bank_card_is_valid(number),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_persons_lose_their_middle_and_other_numbers_stay() {
        for (said, shown) in [
            (
                "用户 430105199001011234 手机 13812345678 欠费",
                "用户 430****34 手机 138****78 欠费",
            ),
            ("11010519491231002X已登记", "110****2X已登记"),
            ("旧证 110105491231002", "旧证 110****02"),
            ("card 4111111111111111.", "card 411****11."),
            ("单号 2026113000001234 已存在", "单号 2026113000001234 已存在"),
            (
                "电话 12345，办件 20261130000000123456",
                "电话 12345，办件 20261130000000123456",
            ),
            ("", ""),
        ] {
            assert_eq!(impersonal(said), shown);
        }
    }

    #[test]
    fn short_secrets_are_blanked_as_words_only() {
        assert_eq!(words_out("bad digest for hub", "hub"), "bad digest for ***");
        assert_eq!(words_out("github hub1 (hub)", "hub"), "github hub1 (***)");
        assert_eq!(words_out("hubhub", "hub"), "hubhub");
    }

    #[test]
    fn a_secret_is_found_inside_of_base64_wherever_it_begins() {
        let secret = "sEcReT-9f31-Key";
        let inside = within_base64(secret.as_bytes());
        for before in ["", "a", "ab", "abc", "user:"] {
            for after in ["", "x", "xy"] {
                let whole = hub_crypto::base64(format!("{before}{secret}{after}").as_bytes());
                assert!(
                    inside.iter().any(|part| whole.contains(part)),
                    "{before}|{after}: {whole} {inside:?}"
                );
            }
        }
        assert!(within_base64(b"abc").is_empty());
    }
}
