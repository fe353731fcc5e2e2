//! Who acts for agencies and for the hub, and by which token they are known.

use crate::RegistryError;
use crate::key::{fresh_with, hash, parts_with};
use hub_crypto::ct_eq;
use hub_store::MemberRow;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;

/// First word of a person's token.
pub(crate) const WORD: &str = "desk";

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Uploads and asks, for an agency.
    Clerk,
    /// Answers for an agency's services.
    Owner,
    /// Decides, for the hub, what goes live.
    Reviewer,
    /// Runs the hub.
    Operator,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Clerk, Self::Owner, Self::Reviewer, Self::Operator];

    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clerk => "clerk",
            Self::Owner => "owner",
            Self::Reviewer => "reviewer",
            Self::Operator => "operator",
        }
    }

    /// By its word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }

    /// Whether it is one of an agency, not of the hub.
    #[must_use]
    pub const fn is_of_agency(self) -> bool {
        matches!(self, Self::Clerk | Self::Owner)
    }
}

/// Somebody who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Stable id.
    pub id: String,
    /// For which agency; `None` for the hub.
    pub agency: Option<String>,
    /// Name people read.
    pub name: String,
    /// What they may do.
    pub role: Role,
}

impl Member {
    /// Whoever holds the operators' token.
    #[must_use]
    pub fn operator() -> Self {
        Self {
            id: "operator".to_owned(),
            agency: None,
            name: "operator".to_owned(),
            role: Role::Operator,
        }
    }

    /// Whether they may look at what an agency keeps.
    #[must_use]
    pub fn sees(&self, agency: &str) -> bool {
        self.agency.as_deref().is_none_or(|own| own == agency)
    }
}

/// People by the prefixes of their tokens.
#[derive(Debug, Default)]
pub(crate) struct People(HashMap<String, (Vec<u8>, Arc<Member>)>);

impl People {
    pub(crate) fn new(rows: Vec<MemberRow>) -> Self {
        let good = rows.into_iter().filter(|row| row.active).filter_map(|row| {
            let member = member(&row)?;
            Some((row.prefix, (row.hash, Arc::new(member))))
        });
        Self(good.collect())
    }

    /// Whose token it is; as long for a wrong one as for an unknown one.
    pub(crate) fn by_token(&self, mac: &[u8], token: &str) -> Option<Arc<Member>> {
        let prefix = parts_with(WORD, token)?;
        let entry = self.0.get(prefix);
        let same = ct_eq(&hash(mac, token), entry.map_or(&[0; 32], |(kept, _)| kept.as_slice()));
        entry.filter(|_| same).map(|(_, member)| Arc::clone(member))
    }
}

pub(crate) fn member(row: &MemberRow) -> Option<Member> {
    Some(Member {
        id: row.id.clone(),
        agency: row.agency.clone(),
        name: row.name.clone(),
        role: Role::from_word(&row.role)?,
    })
}

/// A fresh token and its prefix.
pub(crate) fn token() -> Result<(String, String), RegistryError> {
    fresh_with(WORD).map_err(|e| RegistryError::Key(e.to_string()))
}
