//! Agencies at the desk, and the people who act for them and for the hub.

use crate::desk::{Desk, check_code, check_text, said, unknown};
use crate::people::{Member, Role, member, token};
use crate::{RegistryError, key};
use hub_core::time::Timestamp;
use hub_crypto::{hex, random};
use hub_store::{AgencyRow, MemberRow, StoreError};
use std::time::Duration;

/// Agencies that may wait to be approved at a time: whoever asks is not known yet.
const WAITING: usize = 200;

/// A person who was just let in.
#[derive(Clone)]
pub struct Invited {
    /// Who.
    pub member: Member,
    /// The token; shown this once.
    pub token: String,
}

impl Desk {
    /// An agency asks to be taken in. Its owner's token is good at once, for little until it is approved.
    ///
    /// # Errors
    /// If a value cannot be taken, the code is taken, or too many wait.
    pub async fn ask_in(&self, id: &str, name: &str, en: &str, now: Timestamp) -> Result<Invited, RegistryError> {
        check_code("id", id)?;
        check_text("name", name)?;
        check_text("en", en)?;
        let mut seen = self.change.lock().await;
        let agencies = self.store.agencies().all().await?;
        if agencies.iter().any(|a| a.id == id) {
            return Err(RegistryError::Exists(id.to_owned()));
        }
        if agencies.iter().filter(|a| a.state == "asked").count() >= WAITING {
            return Err(RegistryError::Full);
        }
        let row = AgencyRow {
            id: id.to_owned(),
            name: name.to_owned(),
            en: en.to_owned(),
            state: "asked".to_owned(),
            created: now,
            updated: now,
        };
        let nobody = Member {
            id: "nobody".to_owned(),
            agency: Some(id.to_owned()),
            name: String::new(),
            role: Role::Owner,
        };
        let act = said(&nobody, id, id, "asked-in", Some("asked"), now, "");
        self.store.agencies().put(&row, &act).await?;
        // Acts are told in the order of their times.
        let then = now.checked_add(Duration::from_micros(1)).unwrap_or(now);
        let invited = self.let_in(&nobody, Some(id), name, Role::Owner, then).await?;
        self.read_anew(&mut seen).await?;
        Ok(invited)
    }

    /// An operator takes an agency in, or changes its names.
    ///
    /// # Errors
    /// If a value cannot be taken or the person is no operator.
    pub async fn put_agency(
        &self,
        by: &Member,
        id: &str,
        name: &str,
        en: &str,
        now: Timestamp,
    ) -> Result<(), RegistryError> {
        operator(by)?;
        check_code("id", id)?;
        check_text("name", name)?;
        check_text("en", en)?;
        let mut seen = self.change.lock().await;
        let known = self.store.agencies().all().await?.into_iter().find(|a| a.id == id);
        let row = AgencyRow {
            id: id.to_owned(),
            name: name.to_owned(),
            en: en.to_owned(),
            state: known
                .as_ref()
                .map_or_else(|| "approved".to_owned(), |k| k.state.clone()),
            created: known.map_or(now, |k| k.created),
            updated: now,
        };
        let act = said(by, id, id, "named", Some(&row.state), now, "");
        self.store.agencies().put(&row, &act).await?;
        self.read_anew(&mut seen).await.map(drop)
    }

    /// An operator approves or suspends an agency. A suspended one acts no more, and nothing of it is called.
    ///
    /// # Errors
    /// If the person is no operator, the agency unknown, or no reason is given for a suspension.
    pub async fn judge_agency(
        &self,
        by: &Member,
        id: &str,
        good: bool,
        why: &str,
        now: Timestamp,
    ) -> Result<(), RegistryError> {
        operator(by)?;
        if !good {
            check_text("why", why)?;
        }
        let mut seen = self.change.lock().await;
        let all = self.store.agencies().all().await?;
        let known = all
            .into_iter()
            .find(|a| a.id == id)
            .ok_or_else(|| unknown("agency", id))?;
        let state = if good { "approved" } else { "suspended" };
        let row = AgencyRow {
            state: state.to_owned(),
            updated: now,
            ..known
        };
        let act = said(by, id, id, state, Some(state), now, why);
        self.store.agencies().put(&row, &act).await?;
        self.read_anew(&mut seen).await.map(drop)
    }

    /// Lets a person in: an owner people of their agency, an operator anybody.
    ///
    /// # Errors
    /// If it is not theirs to do, a value cannot be taken, or the agency is unknown.
    pub async fn invite(
        &self,
        by: &Member,
        agency: Option<&str>,
        name: &str,
        role: Role,
        now: Timestamp,
    ) -> Result<Invited, RegistryError> {
        check_text("name", name)?;
        if role.is_of_agency() != agency.is_some() {
            return Err(RegistryError::Value {
                field: "role",
                expected: "clerk or owner for an agency, reviewer or operator for the hub",
            });
        }
        manages(by, agency)?;
        let mut seen = self.change.lock().await;
        let invited = self.let_in(by, agency, name, role, now).await?;
        self.read_anew(&mut seen).await?;
        Ok(invited)
    }

    async fn let_in(
        &self,
        by: &Member,
        agency: Option<&str>,
        name: &str,
        role: Role,
        now: Timestamp,
    ) -> Result<Invited, RegistryError> {
        let (token, prefix) = token()?;
        let id = format!(
            "mbr_{}",
            hex(&random::<8>().map_err(|e| RegistryError::Key(e.to_string()))?)
        );
        let row = MemberRow {
            id: id.clone(),
            agency: agency.map(str::to_owned),
            name: name.to_owned(),
            role: role.as_str().to_owned(),
            hash: key::hash(&self.mac, &token),
            prefix,
            active: true,
            created: now,
        };
        let act = said(
            by,
            agency.unwrap_or_default(),
            &id,
            "let-in",
            Some(role.as_str()),
            now,
            "",
        );
        match self.store.agencies().add_member(&row, &act).await {
            Err(StoreError::Conflict) => return Err(unknown("agency", agency.unwrap_or_default())),
            other => other?,
        }
        let member = member(&row).ok_or(RegistryError::NotTheirs)?;
        Ok(Invited { member, token })
    }

    /// Ends a person's token.
    ///
    /// # Errors
    /// If it is not theirs to do or there is no such person.
    pub async fn dismiss(&self, by: &Member, id: &str, why: &str, now: Timestamp) -> Result<(), RegistryError> {
        let mut seen = self.change.lock().await;
        let all = self.store.agencies().members().await?;
        let row = all
            .into_iter()
            .find(|m| m.id == id)
            .ok_or_else(|| unknown("member", id))?;
        manages(by, row.agency.as_deref())?;
        let act = said(
            by,
            row.agency.as_deref().unwrap_or_default(),
            id,
            "dismissed",
            None,
            now,
            why,
        );
        self.store.agencies().set_active(id, false, &act).await?;
        self.read_anew(&mut seen).await.map(drop)
    }

    /// The people of an agency, or of the hub.
    ///
    /// # Errors
    /// If it is not theirs to see.
    pub async fn people(&self, by: &Member, agency: Option<&str>) -> Result<Vec<MemberRow>, RegistryError> {
        let may = by.role == Role::Operator || (agency.is_some() && by.agency.as_deref() == agency);
        if !may {
            return Err(RegistryError::NotTheirs);
        }
        let all = self.store.agencies().members().await?;
        Ok(all.into_iter().filter(|m| m.agency.as_deref() == agency).collect())
    }
}

/// Whether the people of an agency, or of the hub, are this person's to let in and dismiss.
fn manages(by: &Member, agency: Option<&str>) -> Result<(), RegistryError> {
    let own = by.role == Role::Owner && agency.is_some() && by.agency.as_deref() == agency;
    (by.role == Role::Operator || own)
        .then_some(())
        .ok_or(RegistryError::NotTheirs)
}

fn operator(by: &Member) -> Result<(), RegistryError> {
    (by.role == Role::Operator)
        .then_some(())
        .ok_or(RegistryError::NotTheirs)
}
