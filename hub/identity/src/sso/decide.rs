//! What comes next for a request: signing in, being asked, or the way back with a code.

use super::error::{OauthCode, OauthError};
use super::grant::{Bound, Granted, Session};
use super::params::appended;
use super::provider::{Provider, fresh, hashed, later};
use super::request::{AuthRequest, Back};
use super::scope::scope;
use hub_core::time::Timestamp;
use hub_store::{ConsentRow, FamilyRow, NewCode, RequestKind};

/// Seconds a code is good for.
const CODE_SECONDS: u64 = 60;
/// Seconds a person may spend at our pages.
const OPEN_SECONDS: u64 = 1800;
/// Seconds a family outlives its session, where the person agreed to that.
const LASTING_SECONDS: u64 = 90 * 24 * 3600;
/// Seconds a consent holds.
const CONSENT_SECONDS: u64 = 365 * 24 * 3600;

/// What comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// The person signs in.
    SignIn,
    /// The person is asked for these scopes.
    Consent,
    /// The browser goes back to the client.
    Back(Back),
}

impl Provider {
    /// Keeps a request while its person is at our pages; answers its handle.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn park(&self, request: &AuthRequest, now: Timestamp) -> Result<String, OauthError> {
        let handle = fresh(32)?;
        let content = serde_json::to_vec(request).map_err(OauthError::ours)?;
        let until = later(now, OPEN_SECONDS);
        self.store
            .sign_ins()
            .keep_request(RequestKind::Open, &hashed(&handle), &request.client, &content, until)
            .await?;
        Ok(handle)
    }

    /// The request of a handle.
    ///
    /// # Errors
    /// If it is gone.
    pub async fn parked(&self, handle: &str, now: Timestamp) -> Result<AuthRequest, OauthError> {
        let kept = self.store.sign_ins();
        let kept = kept.request(RequestKind::Open, &hashed(handle), now).await?;
        let gone = || {
            OauthError::request(
                "这次登录已完成或超时，请回到应用重新登录",
                "this sign-in has ended or took too long: go back to the app and begin again",
            )
        };
        serde_json::from_slice(&kept.ok_or_else(gone)?).map_err(OauthError::ours)
    }

    /// What comes next.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn decide(
        &self,
        request: &AuthRequest,
        session: Option<&Session>,
        now: Timestamp,
    ) -> Result<Next, OauthError> {
        let back = |code, zh, en| {
            let error = OauthError::new(code, zh, en);
            Next::Back(self.refusal(&request.redirect, request.state.as_deref(), &error))
        };
        let session = match self.standing(request, session, now).await? {
            Standing::Good(session) => session,
            Standing::Unmet => {
                let code = OauthCode::UnmetAuthenticationRequirements;
                return Ok(back(
                    code,
                    "达不到要求的身份核验等级",
                    "the person is not known as surely as asked",
                ));
            }
            Standing::Missing if request.silent => {
                return Ok(back(OauthCode::LoginRequired, "需要登录", "the person has to sign in"));
            }
            Standing::Missing => return Ok(Next::SignIn),
        };
        if request.ask && !request.silent {
            return Ok(Next::Consent);
        }
        match self.consented(request, session, now).await? {
            Some(scopes) => self.issue(request, session, scopes, now).await.map(Next::Back),
            None if request.silent => Ok(back(
                OauthCode::ConsentRequired,
                "需要本人同意",
                "the person has to be asked",
            )),
            None => Ok(Next::Consent),
        }
    }

    /// Whether the session is good enough for a request.
    async fn standing<'a>(
        &self,
        request: &AuthRequest,
        session: Option<&'a Session>,
        now: Timestamp,
    ) -> Result<Standing<'a>, OauthError> {
        let Some(session) = session else {
            return Ok(Standing::Missing);
        };
        // Whoever signed in for this very request is not sent round again.
        let signed_for_this = session.since.as_microsecond() >= request.opened;
        if request.least.is_some_and(|least| session.subject.assurance < least) {
            return Ok(if signed_for_this {
                Standing::Unmet
            } else {
                Standing::Missing
            });
        }
        let old = |most: i64| now.as_second() - session.since.as_second() > most;
        let stale = request.again || request.max_age.is_some_and(|most| most == 0 || old(most));
        if stale && !signed_for_this {
            return Ok(Standing::Missing);
        }
        if let Some(expected) = &request.expected {
            let client = self.client(&request.client).await?.ok_or_else(OauthError::client)?;
            if self.sub(&session.subject, &client) != *expected {
                return Ok(Standing::Missing);
            }
        }
        Ok(Standing::Good(session))
    }

    async fn consented(
        &self,
        request: &AuthRequest,
        session: &Session,
        now: Timestamp,
    ) -> Result<Option<Vec<String>>, OauthError> {
        let mark = self.mark(&session.subject);
        let kept = self.store.sign_ins().consent(&mark, &request.client).await?;
        let good = kept.is_some_and(|c| {
            c.withdrawn.is_none() && c.until > now && request.scopes.iter().all(|s| c.scopes.contains(s))
        });
        Ok(good.then(|| request.scopes.clone()))
    }

    /// The person says yes to these of the scopes that were asked for: those that need a yes of their own only if it was given.
    ///
    /// # Errors
    /// If the session is not the one that was asked, or the store does not answer.
    pub async fn agree(
        &self,
        request: &AuthRequest,
        session: &Session,
        ticked: &[String],
        now: Timestamp,
    ) -> Result<Next, OauthError> {
        if !matches!(self.standing(request, Some(session), now).await?, Standing::Good(_)) {
            return Ok(Next::SignIn);
        }
        let granted = |name: &&String| scope(name).is_some_and(|s| !s.separate) || ticked.contains(name);
        let scopes: Vec<String> = request.scopes.iter().filter(granted).cloned().collect();
        let consent = ConsentRow {
            subject: self.mark(&session.subject),
            client: request.client.clone(),
            epoch: 0,
            scopes: scopes.clone(),
            since: now,
            until: later(now, CONSENT_SECONDS),
            withdrawn: None,
        };
        self.store.sign_ins().give(&consent).await?;
        self.issue(request, session, scopes, now).await.map(Next::Back)
    }

    /// The person says no.
    #[must_use]
    pub fn decline(&self, request: &AuthRequest) -> Back {
        let error = OauthError::new(OauthCode::AccessDenied, "本人没有同意", "the person said no");
        self.refusal(&request.redirect, request.state.as_deref(), &error)
    }

    /// What a person agreed to and has not withdrawn, the last of each client.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn agreed(&self, subject: &hub_core::Subject, now: Timestamp) -> Result<Vec<ConsentRow>, OauthError> {
        let mut all = self.store.sign_ins().consents(&self.mark(subject)).await?;
        all.dedup_by(|later, first| later.client == first.client);
        all.retain(|c| c.withdrawn.is_none() && c.until > now);
        Ok(all)
    }

    /// Withdraws what a person agreed to give a client: its tokens die everywhere.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn withdraw(
        &self,
        subject: &hub_core::Subject,
        client: &str,
        now: Timestamp,
    ) -> Result<bool, OauthError> {
        let mark = self.mark(subject);
        let withdrawn = self.store.sign_ins().withdraw(&mark, client, now).await?;
        let families = self.store.families().revoke_of_subject(&mark, client, now).await?;
        self.access.kill(&families, now);
        Ok(withdrawn)
    }

    async fn issue(
        &self,
        request: &AuthRequest,
        session: &Session,
        scopes: Vec<String>,
        now: Timestamp,
    ) -> Result<Back, OauthError> {
        let lasting = scopes.iter().any(|s| s == "offline_access");
        let granted = Granted {
            subject: session.subject.clone(),
            scopes,
            sid: session.sid.clone(),
            since: session.since.as_second(),
            tell_time: request.max_age.is_some(),
            resource: request.resource.clone(),
        };
        let bound = Bound {
            redirect: request.redirect.clone(),
            challenge: request.challenge.clone(),
            nonce: request.nonce.clone(),
            holder: request.holder.clone(),
        };
        let code = fresh(32)?;
        let life = if lasting {
            LASTING_SECONDS
        } else {
            super::grant::SESSION_SECONDS
        };
        let family = FamilyRow {
            id: fresh(16)?,
            client: request.client.clone(),
            subject: self.mark(&session.subject),
            sid: session.sid.clone(),
            content: serde_json::to_vec(&granted).map_err(OauthError::ours)?,
            lasting,
            expires: later(now, life),
            revoked: None,
        };
        let kept = NewCode {
            hash: hashed(&code),
            content: serde_json::to_vec(&bound).map_err(OauthError::ours)?,
            expires: later(now, CODE_SECONDS),
        };
        self.store.families().open(&family, &kept).await?;
        let mut pairs = vec![("code", code.as_str())];
        pairs.extend(request.state.as_deref().map(|s| ("state", s)));
        pairs.push(("iss", self.issuer()));
        Ok(Back {
            address: appended(&request.redirect, &pairs),
        })
    }
}

enum Standing<'a> {
    Good(&'a Session),
    Missing,
    Unmet,
}
