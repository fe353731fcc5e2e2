//! CAS 3: a ticket for exactly this service, asked about once, and the server's word of a sign-out (CAS Protocol 3.0.3).

use super::calls::element;
use super::dance::Kept;
use super::file::{Cas, Place, ProviderFile};
use super::oidc::Told;
use super::trouble::{Trouble, Why};
use super::way::{Request, Way, send};
use crate::sso::Params;
use serde_json::Value;
use url::Url;

/// Longest ticket taken.
const TICKET: usize = 256;

/// Where the browser is sent. The service is the way back with the state in it, so that a ticket of another dance is one for
/// another service.
pub(crate) fn out(cas: &Cas, kept: &Kept) -> String {
    let mut url = below(cas, "login");
    url.query_pairs_mut().append_pair("service", &kept.callback);
    if kept.not_before.is_some() {
        url.query_pairs_mut().append_pair("renew", "true");
    }
    url.to_string()
}

fn below(cas: &Cas, name: &str) -> Url {
    let mut url = cas.server.clone();
    let path = format!("{}/{name}", url.path().trim_end_matches('/'));
    url.set_path(&path);
    url
}

/// Who came back.
pub(crate) async fn back(
    way: &dyn Way,
    file: &ProviderFile,
    cas: &Cas,
    kept: &Kept,
    params: &Params,
) -> Result<Told, Trouble> {
    let Some(ticket) = params.get("ticket") else {
        return Err(Trouble::new(Why::Cancelled, "it came back without a ticket"));
    };
    // Whatever else stands in a ticket would stand in our request (CVE-2014-4172).
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if ticket.len() > TICKET || !ticket.bytes().all(plain) {
        return Err(Trouble::untrusted("the ticket has characters that no ticket has"));
    }
    let mut url = below(cas, "p3/serviceValidate");
    url.query_pairs_mut()
        .append_pair("service", &kept.callback)
        .append_pair("ticket", ticket);
    if kept.not_before.is_some() {
        url.query_pairs_mut().append_pair("renew", "true");
    }
    let request = Request {
        method: "GET",
        url: &url,
        headers: vec![("accept".to_owned(), "application/xml".to_owned())],
        body: Vec::new(),
    };
    let answer = send(way, file, request).await?;
    let said = std::str::from_utf8(&answer.body).ok().and_then(element);
    let said =
        said.ok_or_else(|| Trouble::untrusted(format!("serviceValidate answered {} without XML", answer.status)))?;
    if let Some(failure) = said.get("authenticationFailure") {
        let code = failure.get("@code").and_then(Value::as_str).unwrap_or_default();
        return Err(match code {
            "INVALID_TICKET" => Trouble::new(Why::Used, "INVALID_TICKET"),
            "INTERNAL_ERROR" => Trouble::new(Why::Silent, "INTERNAL_ERROR"),
            _ => Trouble::untrusted("serviceValidate says no"),
        });
    }
    let success = said.get("authenticationSuccess").filter(|s| s.is_object());
    let user = success
        .and_then(|s| s.get("user"))
        .and_then(Value::as_str)
        .map(str::trim);
    let (Some(success), Some(user)) = (success, user.filter(|u| !u.is_empty())) else {
        return Err(Trouble::untrusted("serviceValidate names nobody"));
    };
    // A ticket that came by a proxy is somebody else's application speaking for the person.
    if success.get("proxies").is_some() {
        return Err(Trouble::untrusted("the ticket came by a proxy"));
    }
    let attributes = success.get("attributes").cloned().unwrap_or_default();
    let mut told = Told {
        everywhere: Some(user.to_owned()),
        session: Some(ticket.to_owned()),
        ..Told::default()
    };
    let mapped = file.claims.values().chain(file.assurance.from.as_ref());
    for name in mapped.chain(file.refuse.iter().map(|r| &r.name)) {
        let found = Place::parse(name).and_then(|place| place.text(&attributes));
        told.values
            .extend(found.map(|value| (name.clone(), value.trim().to_owned())));
    }
    Ok(told)
}

/// The ticket whose session has ended, out of a logout request.
pub(crate) fn ended(request: &str) -> Option<String> {
    let said = element(request)?;
    let ticket = match said.get("SessionIndex")? {
        Value::String(text) => text.as_str(),
        other => other.get("#text")?.as_str()?,
    };
    let ticket = ticket.trim();
    (!ticket.is_empty() && ticket.len() <= TICKET).then(|| ticket.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logout_request_names_its_ticket() {
        // The sample of the CAS protocol, 3.0.3, section 2.3.3, with its own ids.
        let sample = r#"<samlp:LogoutRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="x1" Version="2.0"
            IssueInstant="2026-01-01T00:00:00Z"><saml:NameID xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">@NOT_USED@</saml:NameID>
            <samlp:SessionIndex>ST-1-abc</samlp:SessionIndex></samlp:LogoutRequest>"#;
        assert_eq!(ended(sample).as_deref(), Some("ST-1-abc"));
        for bad in [
            "",
            "<a/>",
            "<!DOCTYPE a><a><SessionIndex>x</SessionIndex></a>",
            "<a><SessionIndex/></a>",
        ] {
            assert_eq!(ended(bad), None, "{bad}");
        }
    }
}
