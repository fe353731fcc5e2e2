//! Where a person is signed in, as they see it, and how they end what they do not know or no longer want.

use super::error::OauthError;
use super::grant::{IDLE_SECONDS, Session};
use super::logout::LogoutNotice;
use super::provider::{Provider, hashed};
use hub_core::Subject;
use hub_core::time::Timestamp;
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

impl Provider {
    /// Where a person is signed in, the youngest first.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn sessions(&self, this: &Session, now: Timestamp) -> Result<Vec<OwnSession>, OauthError> {
        let rows = self
            .store
            .sign_ins()
            .sessions_of(&self.mark(&this.subject), now)
            .await?;
        let alive = rows
            .into_iter()
            .filter(|row| now.as_second() - row.seen.as_second() <= IDLE_SECONDS);
        let own = alive.map(|row| OwnSession {
            name: named(&row.sid),
            device: serde_json::from_slice::<Beside>(&row.content)
                .unwrap_or_default()
                .device,
            since: row.since,
            seen: row.seen,
            is_this: row.sid == this.sid,
        });
        Ok(own.collect())
    }

    /// Ends other sessions of the person: the one of a name, or all; answers whom to tell. The one that asks goes on.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn end_others(
        &self,
        this: &Session,
        name: Option<&str>,
        now: Timestamp,
    ) -> Result<Vec<LogoutNotice>, OauthError> {
        let rows = self
            .store
            .sign_ins()
            .sessions_of(&self.mark(&this.subject), now)
            .await?;
        let mut notices = Vec::new();
        for row in rows {
            let meant = row.sid != this.sid && name.is_none_or(|n| n == named(&row.sid));
            if !meant {
                continue;
            }
            let subject: Subject = serde_json::from_slice(&row.content).map_err(OauthError::ours)?;
            let session = Session {
                sid: row.sid,
                subject,
                since: row.since,
            };
            notices.extend(self.sign_out(&session, now).await?);
            // Whoever ends a device they lost means what apps were given for the time after, too.
            let families = self.store.families();
            let lasting = families.revoke_all_of_session(&session.sid, now).await?;
            self.access.kill(&lasting, now);
        }
        Ok(notices)
    }
}

fn named(sid: &str) -> String {
    hashed(&format!("own session\0{sid}"))
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
