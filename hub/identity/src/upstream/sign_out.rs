//! A provider tells that a person has signed out there: what came of that sign-in ends here.

use super::cas;
use super::file::Dialect;
use super::oidc;
use super::providers::Upstreams;
use super::trouble::{Trouble, Why};
use crate::sso::{LogoutNotice, Session, hashed, later};
use hub_core::time::Timestamp;
use serde_json::Value;

/// How long an id of a logout token is remembered, in seconds: longer than one can be good.
const REMEMBERED: u64 = 25 * 3600;

impl Upstreams {
    /// A logout token came (Back-Channel Logout 1.0, 2.5); answers whom to tell.
    ///
    /// # Errors
    /// Why it is not good.
    pub async fn logout_token(&self, id: &str, token: &str, now: Timestamp) -> Result<Vec<LogoutNotice>, Trouble> {
        let one = self.one(id)?;
        let file = &one.file;
        let Dialect::Oidc(oidc) = &file.dialect else {
            return Err(Trouble::new(Why::NoProvider, "it tells nothing by tokens"));
        };
        let way = self.way.as_ref();
        let endpoints = one.discovered.endpoints(way, file, oidc, now).await?;
        let ours = self.ours(file)?;
        let act = oidc::Act {
            way,
            file,
            oidc,
            endpoints: &endpoints,
            ours: &ours,
            keys: &one.keys,
        };
        let claims = act.checker().logout_token(token, now).await?;
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let mark = hashed(&format!("idp logout\0{id}\0{}", text("jti").unwrap_or_default()));
        let sign_ins = self.provider.store.sign_ins();
        if !sign_ins.comes_first(&mark, now, later(now, REMEMBERED)).await? {
            return Err(Trouble::new(Why::Used, "this logout token came before"));
        }
        let person = text("sub").map(|sub| {
            self.provider
                .pairwise
                .mark(&["idp", "everywhere", &file.issuer, "", sub])
        });
        let their = text("sid").map(|sid| self.their(file, sid));
        self.end(person.as_deref(), their.as_deref(), now).await
    }

    /// A CAS server tells of a sign-out; answers whom to tell. Its message is not signed, so it counts by what only the server
    /// and we know: the ticket.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn cas_logout(&self, id: &str, request: &str, now: Timestamp) -> Result<Vec<LogoutNotice>, Trouble> {
        let one = self.one(id)?;
        if !matches!(one.file.dialect, Dialect::Cas(_)) {
            return Err(Trouble::new(Why::NoProvider, "it is no CAS server"));
        }
        let ticket = cas::ended(request).ok_or_else(|| Trouble::untrusted("the logout request names no ticket"))?;
        let their = self.their(&one.file, &ticket);
        self.end(None, Some(&their), now).await
    }

    pub(crate) async fn end(
        &self,
        mark: Option<&str>,
        their: Option<&str>,
        now: Timestamp,
    ) -> Result<Vec<LogoutNotice>, Trouble> {
        let ended = self.provider.store.arrivals().take_sessions(mark, their).await?;
        let mut notices = Vec::new();
        for (sid, subject) in ended {
            let rows = self.provider.store.sign_ins().sessions_of(&subject, now).await?;
            let Some(row) = rows.into_iter().find(|row| row.sid == sid) else {
                continue;
            };
            let session = Session {
                subject: serde_json::from_slice(&row.content).map_err(|e| Trouble::new(Why::Ours, e.to_string()))?,
                sid: row.sid,
                since: row.since,
            };
            notices.extend(self.provider.sign_out(&session, now).await?);
        }
        Ok(notices)
    }
}
