//! The way out: an `AuthnRequest` in an address (Bindings 3.4) or in a form (3.5), signed if we have a key.

use super::super::dance::Kept;
use super::super::file::{ProviderFile, Saml};
use super::super::trouble::{Trouble, Why};
use super::xml::escaped;
use super::{ASSERTION, CONTEXT, POST, PROTOCOL, query, request_id};
use crate::sso::AuthRequest;
use hub_core::time::Timestamp;
use hub_crypto::{base64, xml_sign};
use std::fmt::Write as _;

/// A form that a person sends on to a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// Where to.
    pub action: String,
    /// Its fields.
    pub fields: Vec<(String, String)>,
}

/// How a browser goes to the provider.
pub(crate) enum Out {
    Address(String),
    Form(Form),
}

/// What one act needs.
pub(crate) struct Act<'a> {
    pub(crate) file: &'a ProviderFile,
    pub(crate) saml: &'a Saml,
    /// Who we are there.
    pub(crate) entity: &'a str,
    /// Our private key, if requests are signed.
    pub(crate) key: Option<&'a str>,
    pub(crate) now: Timestamp,
}

impl Act<'_> {
    /// Where the browser goes, and with what.
    pub(crate) fn out(&self, kept: &Kept, request: &AuthRequest) -> Result<Out, Trouble> {
        if !self.saml.post {
            let document = self.document(kept, request, "");
            let address = query::signed(&self.saml.sso, "SAMLRequest", &document, Some(&kept.state), self.key)?;
            return Ok(Out::Address(address));
        }
        let document = match self.key {
            None => self.document(kept, request, ""),
            Some(key) => {
                let template = self.document(kept, request, &query::skeleton(key, &request_id(&kept.nonce)));
                xml_sign(key, &template).map_err(|e| Trouble::new(Why::Ours, format!("signing a request: {e}")))?
            }
        };
        Ok(Out::Form(Form {
            action: self.saml.sso.to_string(),
            fields: vec![
                ("SAMLRequest".to_owned(), base64(document.as_bytes())),
                ("RelayState".to_owned(), kept.state.clone()),
            ],
        }))
    }

    /// The request (Core 3.4.1).
    fn document(&self, kept: &Kept, request: &AuthRequest, signature: &str) -> String {
        let (id, sso) = (request_id(&kept.nonce), escaped(self.saml.sso.as_str()));
        let (at, back) = (second(self.now), escaped(&kept.callback));
        // There is no word for `max_age`; AuthnInstant is held against it on the way back.
        let anew = if kept.not_before.is_some() {
            " ForceAuthn=\"true\""
        } else {
            ""
        };
        let mut text = format!(
            "<samlp:AuthnRequest xmlns:samlp=\"{PROTOCOL}\" xmlns:saml=\"{ASSERTION}\" ID=\"{id}\" Version=\"2.0\" \
             IssueInstant=\"{at}\" Destination=\"{sso}\"{anew} ProtocolBinding=\"{POST}\" AssertionConsumerServiceURL=\"{back}\">\
             <saml:Issuer>{}</saml:Issuer>{signature}<samlp:NameIDPolicy Format=\"{}\" AllowCreate=\"true\"/>",
            escaped(self.entity),
            self.saml.name_id.uri(),
        );
        let levels = &self.file.assurance;
        let words = request.least.filter(|_| levels.from.as_deref() == Some(CONTEXT));
        let words = words.map(|least| levels.words(least)).unwrap_or_default();
        if !words.is_empty() {
            text.push_str("<samlp:RequestedAuthnContext Comparison=\"exact\">");
            for word in words {
                let _infallible = write!(
                    text,
                    "<saml:AuthnContextClassRef>{}</saml:AuthnContextClassRef>",
                    escaped(word)
                );
            }
            text.push_str("</samlp:RequestedAuthnContext>");
        }
        text + "</samlp:AuthnRequest>"
    }
}

/// A time to the second, which is what the oldest readers take.
pub(super) fn second(now: Timestamp) -> String {
    Timestamp::from_second(now.as_second()).unwrap_or(now).to_string()
}
