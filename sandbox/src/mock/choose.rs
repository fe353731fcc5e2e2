//! Which response, which media type, which example.

use super::media;
use super::place::Place;
use hub_core::{Problem, ProblemCode, Text};
use serde_json::Value;

/// A response and the status it is given with.
pub(super) struct Chosen<'a> {
    pub status: u16,
    pub response: Option<Place<'a>>,
}

/// The response that is wanted, else the first good one.
pub(super) fn response<'a>(responses: Option<&Place<'a>>, code: Option<u16>) -> Result<Chosen<'a>, Problem> {
    match code {
        Some(code) => declared(responses, code).ok_or_else(|| undeclared(responses, code)),
        None => Ok(usual(responses)),
    }
}

/// The response of a status: its own, that of its range, the default.
pub(super) fn declared<'a>(responses: Option<&Place<'a>>, status: u16) -> Option<Chosen<'a>> {
    let responses = responses?;
    let names = [status.to_string(), format!("{}XX", status / 100), "default".to_owned()];
    let response = names.iter().find_map(|name| responses.get(name))?;
    Some(Chosen {
        status,
        response: Some(response),
    })
}

fn usual<'a>(responses: Option<&Place<'a>>) -> Chosen<'a> {
    let Some(responses) = responses else {
        return Chosen {
            status: 200,
            response: None,
        };
    };
    let mut coded: Vec<(u16, Place<'a>)> = responses
        .members()
        .filter_map(|(name, response)| {
            let first = name.as_bytes().first().filter(|b| b.is_ascii_digit())?;
            let range = u16::from(first - b'0') * 100;
            let status = if name.ends_with("XX") {
                range
            } else {
                name.parse().ok()?
            };
            Some((status, response))
        })
        .collect();
    coded.sort_by_key(|(status, _)| *status);
    let within = |class: u16| coded.iter().find(|(status, _)| status / 100 == class).cloned();
    let default = || responses.get("default").map(|response| (200, response));
    // 1xx is never the end of an exchange (RFC 9110, 15.2).
    let first = || coded.iter().find(|(status, _)| *status >= 200).cloned();
    match within(2).or_else(default).or_else(|| within(3)).or_else(first) {
        Some((status, response)) => Chosen {
            status,
            response: Some(response),
        },
        None => Chosen {
            status: 200,
            response: None,
        },
    }
}

fn undeclared(responses: Option<&Place<'_>>, code: u16) -> Problem {
    let names: Vec<String> = responses
        .into_iter()
        .flat_map(Place::members)
        .filter(|(name, _)| !name.starts_with("x-"))
        .map(|(name, _)| name.to_owned())
        .collect();
    Problem::new(ProblemCode::ScenarioUnknown)
        .detail(
            format!("描述中没有状态 {code}，已声明的有：{}", names.join("、")),
            format!(
                "The description declares no status {code}; it declares: {}",
                names.join(", ")
            ),
        )
        .at("header/Prefer", Text::same(names.join(" | ")), code.to_string())
        .with("possible", names)
}

/// A media type of a response: what the caller takes most gladly, JSON where that is left open.
pub(super) fn content<'a>(response: &Place<'a>, accept: Option<&str>) -> Result<Option<(&'a str, Place<'a>)>, Problem> {
    let Some(content) = response.get("content") else {
        return Ok(None);
    };
    let declared: Vec<(&'a str, Place<'a>)> = content.members().collect();
    if declared.is_empty() {
        return Ok(None);
    }
    // An empty list of what is taken is legal (RFC 9110, 5.6.1) and wishes for nothing.
    let ranges = ranges(accept.filter(|a| !a.trim().is_empty()).unwrap_or("*/*"));
    let quality = |media: &str| {
        let fits = ranges.iter().filter(|(range, _)| media::matches(range, media));
        // The most special range says how welcome a type is (RFC 9110, 12.5.1).
        let best = fits.max_by_key(|(range, _)| range.len().saturating_sub(range.matches('*').count() * 4));
        best.map_or(0, |(_, quality)| *quality)
    };
    let rated = declared
        .iter()
        .enumerate()
        .map(|(number, (media, _))| (quality(media), media::is_json(media), std::cmp::Reverse(number)));
    match rated.max() {
        Some((quality, _, std::cmp::Reverse(number))) if quality > 0 => Ok(declared.get(number).cloned()),
        _ => {
            let names: Vec<&str> = declared.iter().map(|(media, _)| *media).collect();
            let expected = Text::same(names.join(" | "));
            Err(Problem::new(ProblemCode::NotAcceptable).at("header/Accept", expected, "none of these"))
        }
    }
}

/// Ranges of an `Accept` header and their quality in thousandths.
fn ranges(accept: &str) -> Vec<(String, u32)> {
    let one = |part: &str| {
        let mut words = part.split(';').map(str::trim);
        let range = words.next()?.to_ascii_lowercase();
        let quality = words
            .find_map(|w| w.strip_prefix("q="))
            .and_then(|q| q.parse::<f64>().ok());
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to 0 to 1000"
        )]
        let thousandths = (quality.unwrap_or(1.0).clamp(0.0, 1.0) * 1_000.0) as u32;
        (!range.is_empty()).then_some((range, thousandths))
    };
    accept.split(',').filter_map(one).collect()
}

/// Examples of a media type, header or parameter, with their names; the nameless one first.
pub(super) fn examples<'a>(owner: &Place<'a>) -> Vec<(Option<&'a str>, &'a Value)> {
    let one = owner.value.get("example").map(|value| (None, value));
    let many = owner.get("examples");
    let named = many.iter().flat_map(Place::members).filter_map(|(name, example)| {
        let value = example.value.get("value").or_else(|| example.value.get("dataValue"))?;
        Some((Some(name), value))
    });
    one.into_iter().chain(named).collect()
}
