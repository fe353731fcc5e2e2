//! The person on whose behalf a call is made.

use crate::Assurance;
use serde::{Deserialize, Serialize};

/// Authority of a person to act for a company.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mandate {
    /// Unified social credit code of the principal.
    pub uscc: String,
    /// Registered name of the principal.
    pub org_name: String,
    /// Role given, for example `legal_rep`, `finance`.
    pub role: String,
}

/// A subject whose token was verified. Holds personal data: never log it, `Debug` shows the id only.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// Stable inner id: issuer and subject of the token joined, unique in this hub.
    pub id: String,
    /// How surely the person is known.
    pub assurance: Assurance,
    /// Name.
    #[serde(default)]
    pub name: Option<String>,
    /// Resident id number or another certificate number.
    #[serde(default)]
    pub id_number: Option<String>,
    /// Checked mobile number.
    #[serde(default)]
    pub mobile: Option<String>,
    /// Company the person acts for in this call.
    #[serde(default)]
    pub mandate: Option<Mandate>,
    /// Token expiry, seconds since the epoch.
    pub expires: i64,
}

impl std::fmt::Debug for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subject")
            .field("id", &self.id)
            .field("assurance", &self.assurance)
            .finish_non_exhaustive()
    }
}

/// Which attribute of the subject fills a bound field (`x-hub-subject`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubjectAttribute {
    /// Name of the person.
    Name,
    /// Id number of the person.
    IdNumber,
    /// Checked mobile number of the person.
    Mobile,
    /// Name of the company acted for.
    OrgName,
    /// Credit code of the company acted for.
    Uscc,
    /// Name of the company if one is acted for, else of the person.
    PartyName,
    /// Credit code of the company if one is acted for, else the id number of the person.
    PartyNumber,
    /// The subject's pairwise id towards the agency.
    Pairwise,
}

impl Subject {
    /// The value of an attribute; `None` where the subject has none (the pairwise id is not known here either).
    #[must_use]
    pub fn attribute(&self, attribute: SubjectAttribute) -> Option<&str> {
        let mandate = self.mandate.as_ref();
        match attribute {
            SubjectAttribute::Name => self.name.as_deref(),
            SubjectAttribute::IdNumber => self.id_number.as_deref(),
            SubjectAttribute::Mobile => self.mobile.as_deref(),
            SubjectAttribute::OrgName => mandate.map(|m| m.org_name.as_str()),
            SubjectAttribute::Uscc => mandate.map(|m| m.uscc.as_str()),
            SubjectAttribute::PartyName => mandate.map(|m| m.org_name.as_str()).or(self.name.as_deref()),
            SubjectAttribute::PartyNumber => mandate.map(|m| m.uscc.as_str()).or(self.id_number.as_deref()),
            SubjectAttribute::Pairwise => None,
        }
    }
}
