//! What a call looks like on the wire and how it was signed, for the person who has to find out why it was refused.
//! Nothing is sent, and everything secret is blanked.

use crate::blank::{BLANK, Blank};
use crate::client::Outgoing;
use crate::connector::Connector;
use crate::context::{Context, Session};
use crate::dialogue::not_connected;
use crate::error::ConnectorError;
use crate::fetch::Window;
use crate::plan::Plan;
use crate::sign::SignTrace;
use hub_core::RawRequest;
use hub_core::ports::Call;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// One upstream request, explained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Method.
    pub method: String,
    /// Path below the system's address, and query.
    pub target: String,
    /// Headers in order.
    pub headers: Vec<(String, String)>,
    /// The body as text; bytes that are no text of the system's charset as hex.
    pub body: String,
    /// How it was signed; `None` if it is not.
    pub signature: Option<SignTrace>,
    /// Whether the values of the session were made up, because none was at hand.
    pub assumed_session: bool,
}

impl Explanation {
    /// `POST /path?query`.
    #[must_use]
    pub fn request_line(&self) -> String {
        format!("{} {}", self.method, self.target)
    }
}

/// A request and the way it was signed.
pub(crate) struct Explained {
    pub request: RawRequest,
    pub signature: Option<SignTrace>,
}

impl Connector {
    /// The request this call would send, and the exact text its signature covers, secrets blanked. Where a session is
    /// needed and none is handed in, its values are made up; papers that would be uploaded first have made-up ids.
    ///
    /// # Errors
    /// Whatever hinders before anything is sent.
    pub fn explain(&self, call: &Call, context: &Context<'_>) -> Result<Explanation, ConnectorError> {
        let key = call.operation.key();
        let Some(plan) = self.plans.get(key) else {
            return Err(not_connected(key, self.reason(key)));
        };
        self.explained(plan, call, context)
    }

    /// The same for the login that comes before the call; `None` if there is none.
    ///
    /// # Errors
    /// Whatever hinders before anything is sent.
    pub fn explain_login(&self, call: &Call, context: &Context<'_>) -> Option<Result<Explanation, ConnectorError>> {
        let login = self.login.as_ref()?;
        Some(self.explained(login, call, context))
    }

    fn explained(&self, plan: &Plan, call: &Call, context: &Context<'_>) -> Result<Explanation, ConnectorError> {
        let kept = context.session.filter(|s| s.is_good(context.now));
        let assumed = self.assumed_session(context);
        let assumed_session = plan.session && kept.is_none();
        let input = Value::Object(call.input.clone());
        let uploaded = papers(plan, &input);
        let explained = Outgoing {
            plan,
            wiring: &self.wiring,
            call,
            input: &input,
            context,
            session: match plan.login {
                true => Some(&assumed).filter(|_| self.page.is_some()),
                false => Some(kept.unwrap_or(&assumed)).filter(|_| plan.session),
            },
            uploaded: &uploaded,
            file: None,
            window: Window::of(plan, &input),
            given: BTreeMap::new(),
            announced_at: self.announced_at(),
        }
        .explain()?;
        let blank = Blank::new(self, context, &[kept], explained.signature.as_ref());
        let charset = self.wiring.charset;
        let body = charset.decode(&explained.request.body);
        Ok(Explanation {
            method: explained.request.method,
            target: blank.out(&explained.request.target),
            headers: headers(explained.request.headers, &blank),
            body: body.map_or_else(
                |_| format!("(hex) {}", hub_crypto::hex(&explained.request.body)),
                |text| blank.out(&text),
            ),
            signature: explained.signature.map(|trace| blank.trace(trace)),
            assumed_session,
        })
    }

    /// A session whose values say what they stand for.
    fn assumed_session(&self, context: &Context<'_>) -> Session {
        let rules = self.wiring.session.iter();
        let mut values: BTreeMap<String, String> = rules
            .clone()
            .flat_map(|s| &s.read)
            .map(|(name, _)| name)
            .chain(rules.clone().flat_map(|s| s.page.iter().map(|(name, _)| name)))
            .map(|name| (name.clone(), format!("session-{name}")))
            .collect();
        let cookies: Vec<String> = rules
            .flat_map(|s| &s.keep)
            .map(|name| format!("{name}=session-{name}"))
            .collect();
        if !cookies.is_empty() {
            values.insert("cookie".to_owned(), cookies.join("; "));
        }
        Session {
            values,
            since: context.now,
            until: None,
        }
    }
}

/// Ids for papers that the call names and that would be uploaded before it.
fn papers(plan: &Plan, input: &Value) -> BTreeMap<String, String> {
    let mut papers = Vec::new();
    crate::dialogue::collect_papers(&plan.request, input, &mut papers);
    papers
        .into_iter()
        .map(|id| (id.clone(), format!("uploaded-{id}")))
        .collect()
}

/// Headers with their secrets blanked; those that carry a credential in a form of their own as a whole.
fn headers(headers: Vec<(String, String)>, blank: &Blank) -> Vec<(String, String)> {
    let shown = |name: &str, value: &str| match value.split_once(' ') {
        Some(("Basic", _)) if name.eq_ignore_ascii_case("authorization") => format!("Basic {BLANK}"),
        _ => blank.out(value),
    };
    headers
        .into_iter()
        .map(|(name, value)| (name.clone(), shown(&name, &value)))
        .collect()
}
