//! Whether a caller shows what an operation asks for. What is shown is not judged: nobody is anybody in here.

use super::ask::Given;
use super::ask::{cookies, pairs};
use super::place::Place;
use super::prefer::Wishes;
use super::routes::Route;
use super::{Ask, Mock, Sample, Told, choose};
use hub_catalog::description::Format;
use hub_core::{Problem, ProblemCode, Text};
use serde_json::Value;

/// What a scheme wants to see.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wanted {
    Header(String),
    Query(String),
    Cookie(String),
    /// `Authorization` with this scheme.
    Authorization(String),
    /// Something a mock cannot see, or a scheme nobody described.
    Unseen,
}

impl Wanted {
    fn of(scheme: &Place<'_>) -> Self {
        let name = || scheme.text("name").unwrap_or_default().to_owned();
        match (scheme.text("type"), scheme.text("in")) {
            (Some("apiKey"), Some("header")) => Self::Header(name()),
            (Some("apiKey"), Some("query")) => Self::Query(name()),
            (Some("apiKey"), Some("cookie")) => Self::Cookie(name()),
            (Some("http"), _) => Self::Authorization(scheme.text("scheme").unwrap_or("Bearer").to_owned()),
            (Some("oauth2" | "openIdConnect"), _) => Self::Authorization("Bearer".to_owned()),
            _ => Self::Unseen,
        }
    }

    fn is_shown(&self, ask: &Ask<'_>) -> bool {
        match self {
            Self::Header(name) => ask.header(name).is_some_and(|v| !v.trim().is_empty()),
            Self::Query(name) => pairs(ask.query).iter().any(|(n, v)| n == name && !v.is_empty()),
            Self::Cookie(name) => !cookies(ask, name).is_empty(),
            Self::Authorization(scheme) => {
                let said = ask.header("authorization").and_then(|v| v.trim().split_once(' '));
                said.is_some_and(|(own, rest)| own.eq_ignore_ascii_case(scheme) && !rest.trim().is_empty())
            }
            Self::Unseen => true,
        }
    }

    /// What a 401 says (RFC 9110, 11.6.1). Keys have no scheme of their own; the name many use says the place.
    fn challenge(&self) -> Option<String> {
        let name = |name: &str| name.replace(['"', '\\'], "");
        match self {
            Self::Header(own) => Some(format!("ApiKey realm=\"mock\", header=\"{}\"", name(own))),
            Self::Query(own) => Some(format!("ApiKey realm=\"mock\", query=\"{}\"", name(own))),
            Self::Cookie(own) => Some(format!("ApiKey realm=\"mock\", cookie=\"{}\"", name(own))),
            Self::Authorization(scheme) => {
                let scheme: String = scheme.chars().filter(char::is_ascii_alphanumeric).collect();
                let mut letters = scheme.chars();
                let first = letters.next().map(|c| c.to_ascii_uppercase());
                Some(format!(
                    "{}{} realm=\"mock\"",
                    first.map(String::from).unwrap_or_default(),
                    letters.as_str()
                ))
            }
            Self::Unseen => None,
        }
    }

    fn place(&self) -> String {
        match self {
            Self::Header(name) => format!("header/{name}"),
            Self::Query(name) => format!("parameter/{name}"),
            Self::Cookie(name) => format!("cookie/{name}"),
            _ => "header/Authorization".to_owned(),
        }
    }
}

impl Mock {
    /// Each way of being let in, as all that it takes. None where everybody is.
    fn ways(&self, route: &Route) -> Vec<Vec<(Wanted, bool)>> {
        let document = &self.description.document;
        let wanted = self
            .security(route)
            .or_else(|| document.get("security"))
            .and_then(Value::as_array);
        let components = Place::at(document, "/components/securitySchemes");
        let one = |way: &Value| {
            let names = way.as_object().into_iter().flatten().map(|(name, _)| name);
            let schemes = names.map(|name| match components.get(name) {
                Some(scheme) => {
                    let person = matches!(scheme.text("type"), Some("oauth2" | "openIdConnect"));
                    (Wanted::of(&scheme), person)
                }
                None => (Wanted::Unseen, false),
            });
            schemes.collect()
        };
        let mut ways: Vec<Vec<(Wanted, bool)>> = wanted.into_iter().flatten().map(one).collect();
        if self.asks_for_authorization(route) {
            ways = match ways.is_empty() {
                true => vec![Vec::new()],
                false => ways,
            };
            ways.iter_mut()
                .for_each(|way| way.push((Wanted::Header("Authorization".to_owned()), false)));
        }
        ways
    }

    /// Whether `Authorization` is a parameter that must be there. OpenAPI 3 tells to ignore such a one; Swagger 2.0, whose
    /// schemes cannot say more than a name, does not.
    fn asks_for_authorization(&self, route: &Route) -> bool {
        let named = |p: &Place<'_>| {
            p.text("in") == Some("header") && p.text("name").is_some_and(|n| n.eq_ignore_ascii_case("authorization"))
        };
        let required = |p: &Place<'_>| p.value.get("required") == Some(&Value::Bool(true));
        self.description.format == Format::Swagger && self.parameters(route).iter().any(|p| named(p) && required(p))
    }

    /// Whether an operation is called in somebody's name.
    pub(super) fn acts_for_somebody(&self, route: &Route) -> bool {
        self.ways(route).iter().flatten().any(|(_, person)| *person)
    }

    /// The 401, where a caller shows too little.
    pub(super) fn unshown(&self, route: &Route, ask: &Ask<'_>, wishes: &Wishes) -> Result<Option<Told>, Problem> {
        let ways = self.ways(route);
        let open = |way: &Vec<(Wanted, bool)>| way.iter().all(|(wanted, _)| wanted.is_shown(ask));
        if ways.is_empty() || ways.iter().any(open) {
            return Ok(None);
        }
        let missing: Vec<&Wanted> = ways
            .iter()
            .flatten()
            .map(|(w, _)| w)
            .filter(|w| !w.is_shown(ask))
            .collect();
        let mut challenges: Vec<String> = missing.iter().filter_map(|w| w.challenge()).collect();
        challenges.dedup();
        let challenge = challenges.join(", ");
        let responses = self.responses(route);
        let own = responses.as_ref().is_some_and(|r| r.value.get("401").is_some());
        if let Some(chosen) = choose::declared(responses.as_ref(), 401).filter(|_| own) {
            let mut told = self.make(route, &chosen, ask, &Given::default(), wishes)?;
            told.headers.retain(|(name, _)| name != "www-authenticate");
            told.headers.push(("www-authenticate".to_owned(), challenge));
            return Ok(Some(told));
        }
        let (code, place) = match missing.first() {
            Some(wanted @ Wanted::Authorization(_)) => (ProblemCode::TokenMissing, wanted.place()),
            Some(wanted) => (ProblemCode::KeyMissing, wanted.place()),
            None => (ProblemCode::KeyMissing, String::new()),
        };
        let expected = Text::new(
            "描述要求的凭证，任意值均可",
            "the credential the description asks for, with any value",
        );
        Err(Problem::new(code)
            .at(place, expected, "nothing")
            .with("challenge", challenge))
    }

    /// Shows what an operation asks for first.
    pub(super) fn show(&self, route: &Route, sample: &mut Sample, query: &mut Vec<String>) {
        let ways = self.ways(route);
        for (wanted, _) in ways.first().into_iter().flatten() {
            match wanted {
                Wanted::Header(name) => sample.headers.push((name.clone(), "mock".to_owned())),
                Wanted::Query(name) => query.push(format!("{}=mock", super::media::percent_encoded(name))),
                Wanted::Cookie(name) => sample.headers.push(("cookie".to_owned(), format!("{name}=mock"))),
                Wanted::Authorization(scheme) => sample
                    .headers
                    .push(("authorization".to_owned(), format!("{scheme} mock"))),
                Wanted::Unseen => {}
            }
        }
    }
}
