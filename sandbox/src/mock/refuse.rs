//! A request that does not fit, refused with a status that the description has for it.

use super::ask::Given;
use super::place::Place;
use super::prefer::Wishes;
use super::routes::Route;
use super::{Ask, Mock, Told, Way, choose, media};
use hub_core::problem::Violation;
use hub_core::{Lang, Problem, ProblemCode};
use serde_json::{Value, json};

/// Statuses for a refusal, the more exact one first (RFC 9110, 15.5).
fn statuses(problem: &Problem, route: &Route) -> &'static [u16] {
    let in_path = |violation: &Violation| {
        let name = violation.place.strip_prefix("parameter/").unwrap_or_default();
        let name = name.split('/').next().unwrap_or_default();
        route.path.contains(&format!("{{{name}}}"))
    };
    match problem.code {
        // What a path names wrongly is not there.
        ProblemCode::ValidationFailed if problem.errors.iter().all(in_path) => &[422, 400, 404],
        ProblemCode::ValidationFailed => &[422, 400],
        ProblemCode::BadRequest => &[400, 422],
        ProblemCode::UnsupportedMediaType => &[415, 400, 422],
        ProblemCode::KeyMissing | ProblemCode::TokenMissing => &[401, 403],
        _ => &[],
    }
}
/// Header that says what was wrong where the declared answer has no place for it.
const WHY: &str = "hub-why";
/// Most characters of it.
const LONGEST: usize = 300;

impl Mock {
    /// The declared refusal; the problem itself where none is declared.
    pub(super) fn refused(
        &self,
        route: &Route,
        ask: &Ask<'_>,
        wishes: &Wishes,
        problem: Problem,
    ) -> Result<Told, Problem> {
        let responses = self.responses(route);
        let has = |status: &&u16| responses.as_ref().is_some_and(|r| r.get(&status.to_string()).is_some());
        let statuses = statuses(&problem, route);
        // One that is declared by itself, else the best one that a range or the default stands for.
        let best = statuses.iter().find(has).or_else(|| statuses.first());
        let Some(chosen) = best.and_then(|status| choose::declared(responses.as_ref(), *status)) else {
            return Err(problem);
        };
        let challenge = problem.more.get("challenge").and_then(Value::as_str);
        let challenge = challenge.map(|text| ("www-authenticate".to_owned(), text.to_owned()));
        let mut document = problem.document("", ask.lang(), "");
        if let Some(members) = document.as_object_mut() {
            members.insert("status".to_owned(), json!(chosen.status));
            // Whoever serves the mock names the request in a header.
            members.shift_remove("request_id");
        }
        let content = match &chosen.response {
            Some(response) => choose::content(response, ask.header("accept"))?,
            None => None,
        };
        let media = match content {
            None => usual(&self.description.document, self.whole(route).value),
            // The description's own words for it, unless ours fit them too.
            Some((name, place)) if !self.can_be_told(name, &place, &document) => {
                let Ok(mut told) = self.make(route, &chosen, ask, &Given::default(), wishes) else {
                    return Err(problem);
                };
                told.headers.push((WHY.to_owned(), why(&problem)));
                told.headers.extend(challenge);
                return Ok(told);
            }
            Some((name, _)) => name,
        };
        let mut headers = vec![("content-type".to_owned(), media::sent(media))];
        headers.extend(challenge);
        Ok(Told {
            status: chosen.status,
            headers,
            body: document.to_string().into_bytes(),
            value: Some(document),
            schema: None,
            delay_ms: 0,
        })
    }

    /// Whether a declared answer is one in which the problem can be told.
    fn can_be_told(&self, name: &str, place: &Place<'_>, document: &Value) -> bool {
        let schema = place.raw("schema");
        let fits = |schema: &Place<'_>| self.validator_at(schema, Way::Out).is_none_or(|v| v.accepts(document));
        media::is_json(name) && schema.as_ref().is_none_or(fits)
    }
}

/// JSON as other answers of the operation have it, or those of others: one that is declared without content says no media
/// type of its own.
fn usual<'a>(document: &'a Value, operation: &'a Value) -> &'a str {
    let paths = document.get("paths").and_then(Value::as_object);
    let others = paths.into_iter().flatten().filter_map(|(_, item)| item.as_object());
    let operations = std::iter::once(operation).chain(others.flat_map(|item| item.values()));
    let responses = operations.filter_map(|o| o.get("responses")?.as_object());
    let contents = responses
        .flat_map(|r| r.values())
        .filter_map(|r| r.get("content")?.as_object());
    let mut names = contents.flat_map(|c| c.keys()).map(String::as_str);
    names
        .find(|name| media::is_json(name))
        .unwrap_or("application/problem+json")
}

/// Where and what was expected, in the letters a header can carry.
fn why(problem: &Problem) -> String {
    let document = problem.document("", Lang::En, "");
    let part = |name: &str| {
        document
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let text = match part("where") {
        place if place.is_empty() => part("detail"),
        place => format!("{place}: expected {}", part("expected")),
    };
    let plain = |c: char| if c.is_ascii_graphic() || c == ' ' { c } else { '?' };
    text.chars().take(LONGEST).map(plain).collect()
}
