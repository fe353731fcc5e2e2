//! From what a provider said to a person here: which account, which attributes, how surely.

use super::file::{Attribute, ProviderFile, Refusal};
use super::oidc::Told;
use super::trouble::{Trouble, Why};
use crate::sso::{Provider, fresh};
use hub_core::time::Timestamp;
use hub_core::{Assurance, Mandate, Subject, check_digit};

/// Most characters of what names a person.
const SUB: usize = 255;
/// Most characters of an attribute.
const TEXT: usize = 200;

/// A person who has come, and under which marks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Arrived {
    pub(crate) subject: Subject,
    /// Mark of the person at the provider.
    pub(crate) mark: String,
}

/// Who it is here.
pub(crate) async fn arrive(
    provider: &Provider,
    file: &ProviderFile,
    client: &str,
    told: &Told,
    now: Timestamp,
) -> Result<Arrived, Trouble> {
    if let Some(refused) = file.refuse.iter().find(|r| is_refused(r, told)) {
        return Err(Trouble::new(
            Why::Unwelcome(refused.why.clone()),
            format!("refused by its file: {}", refused.name),
        ));
    }
    let said = file.assurance.from.as_ref().and_then(|name| told.values.get(name));
    let assurance = file.assurance.of(said.map(String::as_str));
    let id_number = attribute(file, told, Attribute::IdNumber)?.map(|n| n.to_uppercase());
    let marks = marks(provider, file, client, told)?;
    let proven = id_number.as_deref().filter(|n| is_proof(n, assurance));
    let account = account(provider, file, &marks, proven, now).await?;
    let mark = marks.into_iter().next().unwrap_or_default();
    Ok(Arrived {
        subject: Subject {
            id: format!("{}#{account}", provider.issuer()),
            assurance,
            name: attribute(file, told, Attribute::Name)?,
            id_number,
            mobile: attribute(file, told, Attribute::Mobile)?,
            mandate: mandate(file, told)?,
            expires: 0,
        },
        mark,
    })
}

fn is_refused(rule: &Refusal, told: &Told) -> bool {
    told.values.get(&rule.name).is_some_and(|value| rule.is.contains(value))
}

/// Whether an id number may link: well formed, and said by somebody who checked it (R2).
fn is_proof(number: &str, assurance: Assurance) -> bool {
    assurance >= Assurance::R2 && check_digit::id_card_is_valid(number)
}

/// The marks of a person, the one that reaches furthest first. Values of different kinds never meet.
fn marks(provider: &Provider, file: &ProviderFile, client: &str, told: &Told) -> Result<Vec<String>, Trouble> {
    let everywhere = told.everywhere.as_deref().map(|value| ("everywhere", "", value));
    let here = told.here.as_deref().map(|value| ("here", client, value));
    let mut marks = Vec::new();
    for (kind, app, value) in everywhere.into_iter().chain(here) {
        if !crate::claims::is_plain(value, SUB) {
            return Err(Trouble::untrusted("what names the person cannot be used"));
        }
        marks.push(provider.pairwise.mark(&["idp", kind, &file.issuer, app, value]));
    }
    if marks.is_empty() {
        return Err(Trouble::untrusted("it does not say who it is"));
    }
    Ok(marks)
}

/// The account of a person: one that any of the marks leads to, else that of a proven id number, else a new one. All marks lead
/// there afterwards.
async fn account(
    provider: &Provider,
    file: &ProviderFile,
    marks: &[String],
    proven: Option<&str>,
    now: Timestamp,
) -> Result<String, Trouble> {
    let all = provider.store.arrivals();
    let mut known = None;
    for mark in marks {
        known = all.account(mark).await?;
        if known.is_some() {
            break;
        }
    }
    let is_new = known.is_none();
    let mut account = match known {
        Some(account) => account,
        None => format!("acc_{}", fresh(16)?),
    };
    if let Some(number) = proven {
        let mark = provider.pairwise.mark(&["number", number]);
        let owner = all.number(&mark, &account, now).await?;
        // Whoever has an account keeps it: two that exist are not made one by signing in.
        if is_new {
            account = owner;
        }
    }
    for (index, mark) in marks.iter().enumerate() {
        let linked = all.link(mark, &file.id, &account, now).await?;
        if index == 0 {
            account = linked;
        }
    }
    Ok(account)
}

fn attribute(file: &ProviderFile, told: &Told, which: Attribute) -> Result<Option<String>, Trouble> {
    let Some(value) = file.claims.get(&which).and_then(|name| told.values.get(name)) else {
        return Ok(None);
    };
    if value.is_empty() {
        return Ok(None);
    }
    if crate::claims::is_plain(value, TEXT) {
        Ok(Some(value.clone()))
    } else {
        Err(Trouble::untrusted("an attribute that cannot be used"))
    }
}

/// The company somebody acts for, if all of it was said.
fn mandate(file: &ProviderFile, told: &Told) -> Result<Option<Mandate>, Trouble> {
    let part = |which| attribute(file, told, which);
    let (uscc, org_name, role) = (
        part(Attribute::Uscc)?,
        part(Attribute::OrgName)?,
        part(Attribute::Role)?,
    );
    Ok(match (uscc, org_name, role) {
        (Some(uscc), Some(org_name), Some(role)) => Some(Mandate { uscc, org_name, role }),
        _ => None,
    })
}
