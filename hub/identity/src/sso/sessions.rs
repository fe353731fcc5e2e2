//! Where a person is signed in, as they see it, and how they end what they do not know or no longer want.

use super::error::OauthError;
use super::grant::{IDLE_SECONDS, Session};
use super::logout::LogoutNotice;
use super::provider::{Provider, hashed};
use hub_core::Subject;
use hub_core::time::Timestamp;
use hub_store::SessionRow;
use serde::Deserialize;

/// A session as its person sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnSession {
    /// What it is called towards its person: leads to nothing that a cookie or a token carries.
    pub name: String,
    /// Kind of browser and machine, coarse; empty if unknown.
    pub device: String,
    /// Signed in at.
    pub since: Timestamp,
    /// Last seen at.
    pub seen: Timestamp,
    /// Whether it is the one that asks.
    pub is_this: bool,
}

/// What is kept beside the person.
#[derive(Deserialize, Default)]
struct Beside {
    #[serde(default)]
    device: String,
}

/// Who looks at the sessions of a person.
#[derive(Debug, Clone)]
pub struct Viewer {
    subject: Subject,
    /// The session that is looked from, if it is from one.
    sid: Option<String>,
    /// Through whom: each is told names of their own, so that nobody can compare them with another's.
    towards: String,
}

impl Viewer {
    /// A person at a page of ours.
    #[must_use]
    pub fn at_page(session: &Session) -> Self {
        Self {
            subject: session.subject.clone(),
            sid: Some(session.sid.clone()),
            towards: String::new(),
        }
    }

    fn name(&self, sid: &str) -> String {
        hashed(&format!("own session\0{}\0{sid}", self.towards))
    }
}

impl Provider {
    /// A person who comes with a checked token through a client.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn viewer(
        &self,
        subject: &Subject,
        token: &str,
        client: &str,
        now: Timestamp,
    ) -> Result<Viewer, OauthError> {
        // A token of another issuer came of no session here.
        let read = self.access.read(token, now).ok();
        let family = match read.as_ref().and_then(|access| access.family.as_ref()) {
            Some(id) => self.store.families().get(id).await?,
            None => None,
        };
        Ok(Viewer {
            subject: subject.clone(),
            sid: family.map(|f| f.sid),
            towards: client.to_owned(),
        })
    }

    /// Where a person is signed in, the youngest first.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn sessions(&self, viewer: &Viewer, now: Timestamp) -> Result<Vec<OwnSession>, OauthError> {
        let own = self.alive(viewer, now).await?.into_iter().map(|row| OwnSession {
            name: viewer.name(&row.sid),
            device: serde_json::from_slice::<Beside>(&row.content)
                .unwrap_or_default()
                .device,
            since: row.since,
            seen: row.seen,
            is_this: viewer.sid.as_ref() == Some(&row.sid),
        });
        Ok(own.collect())
    }

    async fn alive(&self, viewer: &Viewer, now: Timestamp) -> Result<Vec<SessionRow>, OauthError> {
        let mark = self.mark(&viewer.subject);
        let mut rows = self.store.sign_ins().sessions_of(&mark, now).await?;
        rows.retain(|row| now.as_second() - row.seen.as_second() <= IDLE_SECONDS);
        Ok(rows)
    }

    /// Ends every session of the person but the one they look from.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn end_others(&self, viewer: &Viewer, now: Timestamp) -> Result<Ended, OauthError> {
        let mut rows = self.alive(viewer, now).await?;
        rows.retain(|row| viewer.sid.as_ref() != Some(&row.sid));
        self.end_all(rows, now).await
    }

    /// Ends the person's session of a name, be it the one they look from.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn end_named(&self, viewer: &Viewer, name: &str, now: Timestamp) -> Result<Ended, OauthError> {
        let mut rows = self.alive(viewer, now).await?;
        rows.retain(|row| viewer.name(&row.sid) == name);
        self.end_all(rows, now).await
    }

    async fn end_all(&self, rows: Vec<SessionRow>, now: Timestamp) -> Result<Ended, OauthError> {
        let mut ended = Ended::default();
        for row in rows {
            let subject: Subject = serde_json::from_slice(&row.content).map_err(OauthError::ours)?;
            let session = Session {
                sid: row.sid,
                subject,
                since: row.since,
            };
            ended.notices.extend(self.sign_out(&session, now).await?);
            // Whoever ends a device they lost means what apps were given for the time after, too.
            let families = self.store.families();
            let lasting = families.revoke_all_of_session(&session.sid, now).await?;
            self.access.kill(&lasting, now);
            ended.sessions += 1;
        }
        Ok(ended)
    }
}

/// What has ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ended {
    /// How many sessions.
    pub sessions: usize,
    /// Whom to tell.
    pub notices: Vec<LogoutNotice>,
}

/// The kind of browser and machine behind a `User-Agent`, coarse enough to recognise one's own and to tell nobody apart. What is
/// not known is left out; nothing of the text itself is kept.
#[must_use]
pub fn device(agent: &str) -> String {
    // Many say the names of others too; the first that fits is the right one.
    let browsers = [
        ("Edg", "Edge"),
        ("Firefox/", "Firefox"),
        ("FxiOS/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("CriOS/", "Chrome"),
        ("Safari/", "Safari"),
    ];
    let machines = [
        ("HarmonyOS", "HarmonyOS"),
        ("OpenHarmony", "HarmonyOS"),
        ("Android", "Android"),
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Windows", "Windows"),
        ("Macintosh", "Mac"),
        ("Linux", "Linux"),
    ];
    let first = |known: &[(&str, &'static str)]| {
        known
            .iter()
            .find(|(part, _)| agent.contains(part))
            .map(|(_, name)| *name)
    };
    let both: Vec<&str> = first(&browsers).into_iter().chain(first(&machines)).collect();
    both.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_told_in_a_word_or_two() {
        let phone = "Mozilla/5.0 (Linux; Android 14; ABC-1) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36";
        assert_eq!(device(phone), "Chrome, Android");
        let tablet = "Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/604.1";
        assert_eq!(device(tablet), "Safari, iPad");
        assert_eq!(device("curl/8 <script>"), "");
    }
}
