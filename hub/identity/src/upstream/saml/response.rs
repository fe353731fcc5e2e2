//! The way back: a response read as Profiles 4.1.4.2 and 4.1.4.3 want it, from the bytes that a pinned key has signed.

use super::super::file::{ProviderFile, Saml, Signed};
use super::super::oidc::Told;
use super::super::trouble::{Trouble, Why};
use super::held::Held;
use super::xml::{below, only, parsed, text, time};
use super::{ASSERTION, CONTEXT, PROTOCOL};
use hub_core::time::Timestamp;
use hub_crypto::{SignedXml, from_base64, xml_signed};
use roxmltree::Node;
use std::collections::BTreeMap;

const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
const STATUS: &str = "urn:oasis:names:tc:SAML:2.0:status:";
/// Longest text of an attribute, in bytes.
const LONGEST: usize = 2000;

/// What a response has to fit.
pub(crate) struct Expected<'a> {
    pub(crate) file: &'a ProviderFile,
    pub(crate) saml: &'a Saml,
    /// Who we are there.
    pub(crate) entity: &'a str,
    /// Where it was to come.
    pub(crate) here: &'a str,
    pub(crate) now: Timestamp,
}

/// A document in a form, with its signatures verified.
pub(super) fn opened(field: &str, saml: &Saml) -> Result<SignedXml, Trouble> {
    let bare: String = field.split_whitespace().collect();
    let bytes = from_base64(&bare).map_err(|_| Trouble::untrusted("it is not base64"))?;
    let document = String::from_utf8(bytes).map_err(|_| Trouble::untrusted("it is not UTF-8"))?;
    let keys: Vec<&str> = saml.keys.iter().map(String::as_str).collect();
    xml_signed(&document, &keys, saml.sha1).map_err(|refused| Trouble::untrusted(refused.to_string()))
}

/// What a response says, given the field of the form.
pub(crate) fn read(field: &str, expected: &Expected<'_>) -> Result<Held, Trouble> {
    let signed = opened(field, expected.saml)?;
    let whole = parsed(&signed.whole)?;
    let root = whole.root_element();
    if !root.has_tag_name((PROTOCOL, "Response")) || root.attribute("Version") != Some("2.0") {
        return Err(Trouble::untrusted("it is no response of SAML 2.0"));
    }
    // A failure is no secret and no harm: it is told even where nobody signed it.
    succeeded(root)?;
    let all = |name: &'static str| root.descendants().filter(move |n| n.has_tag_name((ASSERTION, name)));
    let sealed = ["EncryptedAssertion", "EncryptedID", "EncryptedAttribute"];
    if sealed.iter().any(|name| all(name).next().is_some()) {
        return Err(Trouble::new(Why::Unsuited, "encrypted assertions are not supported"));
    }
    if all("Assertion").count() != 1 {
        return Err(Trouble::untrusted("it has not exactly one assertion"));
    }
    let root_text = signed.vouched.iter().find(|v| v.is_root).map(|v| v.text.as_str());
    let own_text = signed.vouched.iter().find(|v| !v.is_root).map(|v| v.text.as_str());
    let enough = match expected.saml.signed {
        Signed::Either => root_text.is_some() || own_text.is_some(),
        Signed::Response => root_text.is_some(),
        Signed::Assertion => own_text.is_some(),
    };
    // From here on nothing is read of the assertion but what was signed.
    let (Some(text), true) = (own_text.or(root_text), enough) else {
        return Err(Trouble::untrusted("what has to be signed is not"));
    };
    let read = parsed(text)?;
    let read = read.root_element();
    let assertion = match own_text {
        Some(_) => Some(read).filter(|n| n.has_tag_name((ASSERTION, "Assertion"))),
        None => only(read, ASSERTION, "Assertion")?,
    };
    let assertion = assertion.ok_or_else(|| Trouble::untrusted("the assertion is not where it belongs"))?;
    let held = expected.assertion(assertion)?;
    expected.envelope(root, root_text.is_some(), &held.answers)?;
    Ok(held)
}

/// Whether the provider says yes; if not, what its codes mean (Core 3.2.2.2).
fn succeeded(root: Node<'_, '_>) -> Result<(), Trouble> {
    let status = only(root, PROTOCOL, "Status")?;
    let code = status.and_then(|s| below(s, PROTOCOL, "StatusCode").next());
    let code = code.ok_or_else(|| Trouble::untrusted("it has no status"))?;
    let of = |node: Node<'_, '_>| {
        node.attribute("Value")
            .and_then(|v| v.strip_prefix(STATUS))
            .unwrap_or_default()
            .to_owned()
    };
    let (first, second) = (of(code), below(code, PROTOCOL, "StatusCode").next().map(of));
    let second = second.unwrap_or_default();
    let why = match (first.as_str(), second.as_str()) {
        ("Success", _) => return Ok(()),
        (_, "AuthnFailed" | "RequestDenied" | "NoPassive" | "UnknownPrincipal") => Why::Cancelled,
        (_, "NoAuthnContext") => Why::Weak,
        ("VersionMismatch", _) => Why::Unsuited,
        ("Requester", _)
        | (
            _,
            "RequestUnsupported"
            | "UnsupportedBinding"
            | "InvalidNameIDPolicy"
            | "NoSupportedIDP"
            | "ProxyCountExceeded"
            | "RequestVersionTooHigh"
            | "RequestVersionTooLow"
            | "RequestVersionDeprecated"
            | "InvalidAttrNameOrValue",
        ) => Why::Unsuited,
        ("Responder", "") | (_, "NoAvailableIDP" | "ResourceNotRecognized" | "TooManyResponses") => Why::Silent,
        _ => Why::Cancelled,
    };
    let plain = |word: String| {
        if word.bytes().all(|b| b.is_ascii_alphabetic()) {
            word
        } else {
            String::new()
        }
    };
    Err(Trouble::new(why, format!("status {} {}", plain(first), plain(second))))
}

impl Expected<'_> {
    /// What stands around the assertion: for us, from the provider, and about the same request.
    fn envelope(&self, root: Node<'_, '_>, is_signed: bool, answers: &str) -> Result<(), Trouble> {
        match root.attribute("Destination") {
            Some(to) if to == self.here => {}
            // Who signs a message says where it goes (Bindings 3.5.5.2).
            None if !is_signed => {}
            _ => return Err(Trouble::untrusted("its Destination is another door")),
        }
        if let Some(issuer) = only(root, ASSERTION, "Issuer")? {
            self.issued(issuer)?;
        }
        if root.attribute("InResponseTo") == Some(answers) {
            Ok(())
        } else {
            Err(Trouble::untrusted("it answers no request, or two"))
        }
    }

    fn issued(&self, issuer: Node<'_, '_>) -> Result<(), Trouble> {
        if text(issuer)? == self.file.issuer {
            Ok(())
        } else {
            Err(Trouble::untrusted("its Issuer is another"))
        }
    }

    fn assertion(&self, assertion: Node<'_, '_>) -> Result<Held, Trouble> {
        let id = assertion.attribute("ID").unwrap_or_default().to_owned();
        if assertion.attribute("Version") != Some("2.0") || id.is_empty() {
            return Err(Trouble::untrusted("it is no assertion of SAML 2.0"));
        }
        let needed = |name: &'static str| {
            let found = only(assertion, ASSERTION, name)?;
            found.ok_or_else(|| Trouble::untrusted(format!("the assertion has no {name}")))
        };
        self.issued(needed("Issuer")?)?;
        let subject = needed("Subject")?;
        let (answers, until) = self.confirmed(subject)?;
        self.conditions(needed("Conditions")?)?;
        let statement = below(assertion, ASSERTION, "AuthnStatement").next();
        let statement = statement.ok_or_else(|| Trouble::untrusted("it does not say that anybody signed in"))?;
        let since = self.signed_in(statement)?;
        let mut values = self.attributes(assertion)?;
        if let Some(class) = context(statement)? {
            values.insert(CONTEXT.to_owned(), vec![class]);
        }
        let named = self.named(subject)?;
        let by = self.file.subject.everywhere.as_ref();
        let chosen: BTreeMap<String, String> = values
            .iter()
            .filter_map(|(name, all)| Some((name.clone(), self.one(name, all)?)))
            .collect();
        let everywhere = match by {
            Some(name) => chosen.get(name).cloned(),
            None => named.clone(),
        };
        Ok(Held {
            told: Told {
                everywhere,
                here: self
                    .file
                    .subject
                    .here
                    .as_ref()
                    .and_then(|name| chosen.get(name).cloned()),
                session: statement.attribute("SessionIndex").map(str::to_owned),
                named,
                values: chosen,
            },
            id,
            answers,
            since,
            skew: self.saml.skew,
            until,
        })
    }

    /// The request that a bearer of this may answer here and now (Profiles 4.1.4.2), and until when.
    fn confirmed(&self, subject: Node<'_, '_>) -> Result<(String, i64), Trouble> {
        let mut why = Trouble::untrusted("nobody may bear it");
        for confirmation in below(subject, ASSERTION, "SubjectConfirmation") {
            let data = only(confirmation, ASSERTION, "SubjectConfirmationData")?;
            let Some(data) = data.filter(|_| confirmation.attribute("Method") == Some(BEARER)) else {
                continue;
            };
            match self.borne(data) {
                Ok(borne) => return Ok(borne),
                Err(trouble) => why = trouble,
            }
        }
        Err(why)
    }

    fn borne(&self, data: Node<'_, '_>) -> Result<(String, i64), Trouble> {
        if data.attribute("Recipient") != Some(self.here) {
            return Err(Trouble::untrusted("its Recipient is another door"));
        }
        let until = time(data, "NotOnOrAfter")?.ok_or_else(|| Trouble::untrusted("it is good for ever"))?;
        self.now_is_between(time(data, "NotBefore")?, Some(until))?;
        let answers = data.attribute("InResponseTo").filter(|a| !a.is_empty());
        let answers = answers.ok_or_else(|| Trouble::untrusted("nobody has asked for it"))?;
        Ok((answers.to_owned(), until))
    }

    fn now_is_between(&self, from: Option<i64>, until: Option<i64>) -> Result<(), Trouble> {
        let (now, skew) = (self.now.as_second(), self.saml.skew);
        if from.is_some_and(|from| now.saturating_add(skew) < from) {
            return Err(Trouble::untrusted("it is not good yet"));
        }
        if until.is_some_and(|until| until.saturating_add(skew) <= now) {
            return Err(Trouble::new(Why::Used, "it is not good any more"));
        }
        Ok(())
    }

    /// Core 2.5.1: every condition holds, and one that nobody here knows does not.
    fn conditions(&self, conditions: Node<'_, '_>) -> Result<(), Trouble> {
        self.now_is_between(time(conditions, "NotBefore")?, time(conditions, "NotOnOrAfter")?)?;
        let mut is_ours = false;
        for condition in conditions.children().filter(Node::is_element) {
            match condition.tag_name().name() {
                "AudienceRestriction" => {
                    let audiences = below(condition, ASSERTION, "Audience").map(text);
                    let audiences = audiences.collect::<Result<Vec<_>, _>>()?;
                    if !audiences.iter().any(|a| a == self.entity) {
                        return Err(Trouble::untrusted("its Audience is another"));
                    }
                    is_ours = true;
                }
                "OneTimeUse" | "ProxyRestriction" => {}
                _ => return Err(Trouble::untrusted("it has a condition that is not known here")),
            }
        }
        if is_ours {
            Ok(())
        } else {
            Err(Trouble::untrusted("it has no Audience"))
        }
    }

    /// When the person signed in there, in seconds.
    fn signed_in(&self, statement: Node<'_, '_>) -> Result<i64, Trouble> {
        let since = time(statement, "AuthnInstant")?;
        let since = since.ok_or_else(|| Trouble::untrusted("it does not say when anybody signed in"))?;
        self.now_is_between(Some(since), time(statement, "SessionNotOnOrAfter")?)?;
        Ok(since)
    }

    /// The name of the person. Of another kind than was asked for it might be somebody else's.
    fn named(&self, subject: Node<'_, '_>) -> Result<Option<String>, Trouble> {
        let Some(name) = only(subject, ASSERTION, "NameID")? else {
            return Ok(None);
        };
        if !self.saml.name_id.fits(name.attribute("Format")) {
            return Err(Trouble::untrusted("the name of the person is of another kind"));
        }
        let theirs = name.attribute("NameQualifier").is_none_or(|q| q == self.file.issuer);
        if theirs && name.attribute("SPNameQualifier").is_none_or(|q| q == self.entity) {
            Ok(Some(text(name)?).filter(|t| !t.is_empty()))
        } else {
            Err(Trouble::untrusted("the name of the person is for somebody else"))
        }
    }

    /// The attributes that the file speaks of, by Name and by FriendlyName.
    fn attributes(&self, assertion: Node<'_, '_>) -> Result<BTreeMap<String, Vec<String>>, Trouble> {
        let file = self.file;
        let linking = [file.subject.everywhere.as_ref(), file.subject.here.as_ref()];
        let mut wanted: Vec<&String> = file.claims.values().chain(file.assurance.from.as_ref()).collect();
        wanted.extend(file.refuse.iter().map(|r| &r.name));
        wanted.extend(linking.into_iter().flatten());
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let statements = below(assertion, ASSERTION, "AttributeStatement");
        for attribute in statements.flat_map(|s| below(s, ASSERTION, "Attribute")) {
            let names = [attribute.attribute("Name"), attribute.attribute("FriendlyName")];
            let mut names: Vec<&str> = names.into_iter().flatten().collect();
            names.dedup();
            for name in names
                .into_iter()
                .filter(|n| *n != CONTEXT && wanted.iter().any(|w| w == n))
            {
                let values = below(attribute, ASSERTION, "AttributeValue").map(text);
                for value in values.collect::<Result<Vec<_>, _>>()? {
                    if value.len() > LONGEST {
                        return Err(Trouble::untrusted("an attribute is too long"));
                    }
                    found.entry(name.to_owned()).or_default().push(value);
                }
            }
        }
        Ok(found)
    }

    /// Of several values of an attribute the one that counts: one that is refused, the surest, else the first.
    fn one(&self, name: &str, all: &[String]) -> Option<String> {
        let refused = self.file.refuse.iter().filter(|r| r.name == name);
        let refused = refused.flat_map(|r| r.is.iter()).find(|value| all.contains(value));
        let levels = &self.file.assurance;
        let surest = || {
            let known = all.iter().filter(|v| levels.table.contains_key(*v));
            let known = known.max_by_key(|v| levels.of(Some(v)));
            known.filter(|_| levels.from.as_deref() == Some(name))
        };
        refused.or_else(surest).or(all.first()).cloned()
    }
}

/// The class of how the person signed in.
fn context(statement: Node<'_, '_>) -> Result<Option<String>, Trouble> {
    let context = only(statement, ASSERTION, "AuthnContext")?;
    let class = context.and_then(|c| below(c, ASSERTION, "AuthnContextClassRef").next());
    class.map(text).transpose()
}
