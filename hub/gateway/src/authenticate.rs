//! Step authenticate: who calls, and on whose behalf.
//!
//! Live calls need a client; the subject is optional here and demanded by `authorize`. The sandbox also takes
//! nobody at all, so that a newcomer's first line of curl works: then a persona stands in.

use crate::ports::Personas;
use crate::setting::Setting;
use hub_core::ports::{Authenticator, Client, Proof, Shown};
use hub_core::time::Timestamp;
use hub_core::{Environment, Inbound, Operation, Problem, ProblemCode, Subject, Text};
use std::net::IpAddr;
use std::sync::Arc;

/// Plan of anonymous sandbox callers.
pub const ANONYMOUS_PLAN: &str = "anonymous";

/// Who makes this call.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Client behind the key; `None` only in the sandbox.
    pub client: Option<Arc<Client>>,
    /// Person behind the token, or the persona.
    pub subject: Option<Arc<Subject>>,
    /// The person who acts, where the subject is another under a mandate.
    pub agent: Option<Arc<Subject>>,
    /// The mandate, where that person is the subject's guardian.
    pub guardian: Option<String>,
    /// Client address after trusted proxies.
    pub peer: IpAddr,
}

impl Caller {
    /// Name of the plan whose limits count.
    #[must_use]
    pub fn plan(&self) -> &str {
        self.client.as_ref().map_or(ANONYMOUS_PLAN, |c| &c.plan)
    }

    /// What the limits of a client are counted under.
    #[must_use]
    pub fn client_key(&self) -> String {
        self.client
            .as_ref()
            .map_or_else(|| self.peer.to_string(), |c| c.id.clone())
    }
}

/// What the client sent to prove itself.
struct Credentials<'a> {
    key: Option<&'a str>,
    token: Option<Shown<'a>>,
}

/// Reads the credentials and proves them.
pub(crate) fn authenticate(at: &Setting<'_>, operation: &Operation) -> Result<Caller, Problem> {
    let authenticator = at.core.authenticator.as_ref();
    let credentials = credentials(at.inbound, door(at.environment))?;
    let client = match credentials.key {
        Some(key) => Some(client(authenticator, key, at.environment, at.now)?),
        None if at.environment == Environment::Sandbox => None,
        None => return Err(Problem::new(ProblemCode::KeyMissing)),
    };
    let subject = match (credentials.token, at.environment) {
        (Some(shown), _) => Some(authenticator.subject(&shown, at.now)?),
        (None, Environment::Sandbox) => persona(at.core.personas.as_ref(), at.inbound, operation)?,
        (None, Environment::Live) => None,
    };
    Ok(Caller {
        client,
        subject,
        agent: None,
        guardian: None,
        peer: at.inbound.peer,
    })
}

/// Who makes a sandbox call of which only the address is known: a client or nobody; persons play no part.
pub(crate) fn stranger(at: &Setting<'_>) -> Result<Caller, Problem> {
    let credentials = credentials(at.inbound, door(at.environment))?;
    let known = |key| client(at.core.authenticator.as_ref(), key, at.environment, at.now);
    Ok(Caller {
        client: credentials.key.map(known).transpose()?,
        subject: None,
        agent: None,
        guardian: None,
        peer: at.inbound.peer,
    })
}

/// Key and token for the doors that always need both (`/me`).
pub(crate) fn both(at: &Setting<'_>) -> Result<Caller, Problem> {
    let authenticator = at.core.authenticator.as_ref();
    let credentials = credentials(at.inbound, "/me")?;
    let key = credentials.key.ok_or_else(|| Problem::new(ProblemCode::KeyMissing))?;
    let client = authenticator
        .client(key, at.now)
        .ok_or_else(|| Problem::new(ProblemCode::KeyInvalid))?;
    let shown = credentials
        .token
        .ok_or_else(|| Problem::new(ProblemCode::TokenMissing))?;
    Ok(Caller {
        client: Some(client),
        subject: Some(authenticator.subject(&shown, at.now)?),
        agent: None,
        guardian: None,
        peer: at.inbound.peer,
    })
}

/// The token that was shown at `/me`, which [`both`] has checked.
pub(crate) fn shown_at_me(inbound: &Inbound) -> Result<&str, Problem> {
    let credentials = credentials(inbound, "/me")?;
    let shown = credentials
        .token
        .ok_or_else(|| Problem::new(ProblemCode::TokenMissing))?;
    Ok(shown.token)
}

/// Where calls of an environment come in.
fn door(environment: Environment) -> &'static str {
    match environment {
        Environment::Live => "/gateway",
        Environment::Sandbox => "/sandbox",
    }
}

/// Key and token as they were sent to a door below `prefix`.
fn credentials<'a>(inbound: &'a Inbound, prefix: &str) -> Result<Credentials<'a>, Problem> {
    let key = once(inbound, "x-api-key")?;
    let shown = match once(inbound, "authorization")? {
        None => None,
        Some(value) => Some(shown(inbound, prefix, value)?),
    };
    // Clients of few means can send their key as the bearer: it cannot be mistaken for a token.
    Ok(match (key, shown) {
        (None, Some(shown)) if shown.proof.is_none() && shown.token.starts_with("hub_") => Credentials {
            key: Some(shown.token),
            token: None,
        },
        (key, token) => Credentials { key, token },
    })
}

/// A token by the scheme `Bearer` (RFC 6750), or `DPoP` with its proof (RFC 9449, 7.1).
fn shown<'a>(inbound: &'a Inbound, prefix: &str, value: &'a str) -> Result<Shown<'a>, Problem> {
    let (scheme, token) = value.split_once(' ').unwrap_or((value, ""));
    let token = token.trim();
    if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() {
        return Ok(Shown::bearer(token));
    }
    if scheme.eq_ignore_ascii_case("dpop") && !token.is_empty() {
        let text = once(inbound, "dpop")?.unwrap_or_default();
        let proof = Proof {
            text,
            method: &inbound.method,
            path: format!("{prefix}{}", inbound.path),
        };
        return Ok(Shown {
            token,
            proof: Some(proof),
        });
    }
    Err(Problem::new(ProblemCode::BadRequest)
        .detail(
            "Authorization 头只接受 Bearer 和 DPoP 方案",
            "The Authorization header takes the schemes Bearer and DPoP only",
        )
        .at("header/Authorization", Text::same("Bearer …, DPoP …"), "***"))
}

/// A header that decides something must not come twice: proxies and the hub could read different ones.
pub(crate) fn once<'a>(inbound: &'a Inbound, name: &str) -> Result<Option<&'a str>, Problem> {
    let mut found = inbound.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
    let first = found.next().map(|(_, v)| v.trim());
    if found.next().is_some() {
        return Err(Problem::new(ProblemCode::BadRequest)
            .detail(
                format!("{name} 头只能出现一次"),
                format!("The {name} header may appear once only"),
            )
            .at(format!("header/{name}"), Text::new("一次", "once"), "2"));
    }
    Ok(first)
}

fn client(
    authenticator: &dyn Authenticator,
    key: &str,
    environment: Environment,
    now: Timestamp,
) -> Result<Arc<Client>, Problem> {
    let client = authenticator
        .client(key, now)
        .ok_or_else(|| Problem::new(ProblemCode::KeyInvalid))?;
    if client.environment != environment {
        return Err(Problem::new(ProblemCode::KeyEnvironment)
            .with("key_environment", client.environment.as_str())
            .with("called_environment", environment.as_str()));
    }
    Ok(client)
}

/// The persona that stands in where nobody signed in.
fn persona(personas: &dyn Personas, inbound: &Inbound, operation: &Operation) -> Result<Option<Arc<Subject>>, Problem> {
    let Some(id) = once(inbound, "hub-persona")? else {
        return Ok(personas.fitting(operation));
    };
    match personas.named(id) {
        Some(subject) => Ok(Some(subject)),
        None => Err(Problem::new(ProblemCode::BadRequest)
            .detail("没有这个测试人物", "There is no such persona")
            .at(
                "header/Hub-Persona",
                Text::new("/sandbox/_personas 中的编号", "an id listed at /sandbox/_personas"),
                id,
            )
            .near(personas.near(id))),
    }
}
