//! The page before a login: its cookies, and the values that it hides for the form that follows (Q20).

use crate::answer::cookie;
use crate::charset::{Charset, decode};
use crate::context::Session;
use crate::dialect::html::{MAX_PAGE, attribute};
use crate::dialect::json;
use crate::error::ConnectorError;
use crate::manifest::model::{Hidden, Place};
use crate::wiring::{SessionRules, code_text};
use hub_core::RawResponse;
use hub_core::time::Timestamp;
use std::collections::BTreeMap;

impl Hidden {
    pub(crate) fn find(&self, page: &str, response: &RawResponse) -> Option<String> {
        match self {
            Self::Input(name) => attribute(page, "input", name, "value"),
            Self::Meta(name) => attribute(page, "meta", name, "content"),
            Self::At(spot) => match (spot.place, spot.path.only_name()) {
                (Some(Place::Header), Some(name)) => response.header(name).map(str::to_owned),
                (Some(Place::Cookie), Some(name)) => cookie(response, name).map(str::to_owned),
                _ => spot.path.get(&json::read(page).ok()?.tree).and_then(code_text),
            },
        }
    }

    /// The page of the simulated city that hides this value.
    pub(crate) fn shown(&self, value: &str, response: &mut RawResponse) {
        let element = match self {
            Self::Input(name) => format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">"),
            Self::Meta(name) => format!("<meta name=\"{name}\" content=\"{value}\">"),
            Self::At(spot) => {
                let name = spot.path.only_name().unwrap_or_default();
                match spot.place {
                    Some(Place::Header) => response.headers.push((name.to_owned(), value.to_owned())),
                    Some(Place::Cookie) => response
                        .headers
                        .push(("Set-Cookie".to_owned(), format!("{name}={value}; Path=/"))),
                    _ => {
                        let mut tree = serde_json::Value::Null;
                        spot.path.set(&mut tree, value.into());
                        response.body = tree.to_string().into_bytes();
                    }
                }
                return;
            }
        };
        response.body.extend(element.into_bytes());
    }
}

/// What the page leaves for the login: its values, and those cookies of `session.keep` that it sets.
pub(crate) fn opening(
    rules: &SessionRules,
    response: &RawResponse,
    charset: Charset,
    now: Timestamp,
) -> Result<Session, ConnectorError> {
    let body = response.body.get(..MAX_PAGE).unwrap_or(&response.body);
    let text = decode(body, Some(charset), response.header("content-type"))
        .map_or_else(|_| String::from_utf8_lossy(body).into_owned(), |d| d.text);
    let mut values = BTreeMap::new();
    for (name, hidden) in &rules.page {
        let value = hidden.find(&text, response).ok_or_else(|| ConnectorError::Misfit {
            place: name.clone(),
            expected: "what the page before the login promises".to_owned(),
            got: "nothing".to_owned(),
            effect_unknown: false,
        })?;
        values.insert(name.clone(), value);
    }
    let set = rules
        .keep
        .iter()
        .filter_map(|name| Some(format!("{name}={}", cookie(response, name)?)));
    let cookies = set.collect::<Vec<_>>().join("; ");
    if !cookies.is_empty() {
        values.insert("cookie".to_owned(), cookies);
    }
    Ok(Session {
        values,
        since: now,
        until: None,
    })
}
