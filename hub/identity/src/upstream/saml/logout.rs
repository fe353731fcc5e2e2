//! A provider's word of a sign-out (Profiles 4.4), brought by the person's browser, and our answer to it.

use super::super::file::{ProviderFile, Saml};
use super::super::trouble::{Trouble, Why};
use super::request::second;
use super::response::opened;
use super::xml::{below, escaped, only, parsed, text, time};
use super::{ASSERTION, PROTOCOL, query};
use crate::sso::{LogoutNotice, fresh};
use hub_core::time::Timestamp;

/// How old a request may be, in seconds.
pub(crate) const AGE: i64 = 300;

/// How a request came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogoutAsk {
    /// In an address: its query as it came.
    Query(String),
    /// In a form: the message and the relay state.
    Form(String, Option<String>),
}

/// A person has left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoggedOut {
    /// Whom to tell.
    pub notices: Vec<LogoutNotice>,
    /// Where the browser goes back to, if the provider says where.
    pub back: Option<String>,
}

/// What a request says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Leaving {
    pub(crate) id: String,
    /// Who leaves.
    pub(crate) named: String,
    /// Which of their sessions; all, if none is named.
    pub(crate) sessions: Vec<String>,
    pub(crate) relay: Option<String>,
}

/// A request that was signed by the provider, for us, and now.
pub(crate) fn read(
    ask: &LogoutAsk,
    file: &ProviderFile,
    saml: &Saml,
    here: &str,
    now: Timestamp,
) -> Result<Leaving, Trouble> {
    let (document, relay) = match ask {
        LogoutAsk::Query(query) => {
            let (document, relay) = query::verified(query, "SAMLRequest", &saml.keys)?;
            // The address vouches for all of it; a signature inside would be one more thing to be wrong about.
            let plain = hub_crypto::xml_signed(&document, &[], false);
            (plain.map_err(|e| Trouble::untrusted(e.to_string()))?.whole, relay)
        }
        LogoutAsk::Form(field, relay) => {
            let signed = opened(field, saml)?.vouched.into_iter().find(|v| v.is_root);
            let signed = signed.ok_or_else(|| Trouble::untrusted("its word of a sign-out is not signed"))?;
            (signed.text, relay.clone())
        }
    };
    let document = parsed(&document)?;
    let root = document.root_element();
    let id = root.attribute("ID").unwrap_or_default().to_owned();
    if !root.has_tag_name((PROTOCOL, "LogoutRequest")) || root.attribute("Version") != Some("2.0") || id.is_empty() {
        return Err(Trouble::untrusted("it is no request to sign out"));
    }
    if root.attribute("Destination") != Some(here) {
        return Err(Trouble::untrusted("its Destination is another door"));
    }
    let issuer = only(root, ASSERTION, "Issuer")?.map(text).transpose()?;
    if issuer.as_ref() != Some(&file.issuer) {
        return Err(Trouble::untrusted("its Issuer is another"));
    }
    let (at, now) = (time(root, "IssueInstant")?, now.as_second());
    let fresh = at.is_some_and(|at| (now - at).abs() <= AGE + saml.skew);
    let late = time(root, "NotOnOrAfter")?.is_some_and(|until| until.saturating_add(saml.skew) <= now);
    if !fresh || late {
        return Err(Trouble::new(Why::Used, "it is too old"));
    }
    let named = only(root, ASSERTION, "NameID")?.map(text).transpose()?;
    let sessions = below(root, PROTOCOL, "SessionIndex").map(text);
    Ok(Leaving {
        id,
        named: named
            .filter(|n| !n.is_empty())
            .ok_or_else(|| Trouble::untrusted("it names nobody"))?,
        sessions: sessions.collect::<Result<_, _>>()?,
        relay,
    })
}

/// Where the browser goes back to with our answer.
pub(crate) fn answered(
    leaving: &Leaving,
    saml: &Saml,
    entity: &str,
    key: Option<&str>,
    now: Timestamp,
) -> Result<Option<String>, Trouble> {
    let Some(to) = &saml.logout else {
        return Ok(None);
    };
    let document = format!(
        "<samlp:LogoutResponse xmlns:samlp=\"{PROTOCOL}\" xmlns:saml=\"{ASSERTION}\" ID=\"_{}\" Version=\"2.0\" IssueInstant=\"{}\" \
         Destination=\"{}\" InResponseTo=\"{}\"><saml:Issuer>{}</saml:Issuer><samlp:Status>\
         <samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/></samlp:Status></samlp:LogoutResponse>",
        fresh(16)?,
        second(now),
        escaped(to.as_str()),
        escaped(&leaving.id),
        escaped(entity),
    );
    query::signed(to, "SAMLResponse", &document, leaving.relay.as_deref(), key).map(Some)
}
