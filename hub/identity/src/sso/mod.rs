//! The hub as an OpenID provider at `{base}/sso`: functions over a store and a time, without HTTP.
//!
//! - A browser is sent back only to an address that its client registered, to the letter.
//! - Codes, refresh tokens, cookies and pushed requests are random and kept as hashes; each that may be used once is used by
//!   one statement.
//! - What one sign-in gave to one client is a family; it dies whole, at once here and within a look at other hubs.
//! - A client learns of a person a pairwise `sub`, the assurance, and what the person agreed to; nothing that it could
//!   compare with another client.

mod access;
mod client;
mod clients;
mod decide;
mod discovery;
mod dpop;
mod error;
mod exchange;
mod grant;
mod id_token;
mod inspect;
mod keys;
mod logout;
mod params;
mod prove;
mod provider;
mod request;
mod scope;
mod sessions;
mod tell;
mod token;

pub use access::{ACCESS_SECONDS, Access, AccessTokens};
pub use client::{AUTH_METHODS, GRANTS, MEMBERS, SsoClient, Unfit};
pub use decide::Next;
pub use discovery::discovery;
pub use dpop::PROOF_ALGORITHMS;
pub use error::{OauthCode, OauthError};
pub use exchange::{EXCHANGED_SECONDS, TOKEN_EXCHANGE};
pub use grant::{SESSION_SECONDS, Session, form_token};
pub use hub_store::SsoClientRow;
pub use keys::{ALGORITHMS, KeyRing};
pub use logout::{Leaving, LogoutNotice};
pub use params::Params;
pub use provider::{Provider, Registered, RegistrationError};
pub(crate) use provider::{fresh, hashed, later};
pub use request::{AuthRequest, Back, PUSHED_SECONDS, Refused};
pub use scope::{SCOPES, Scope, scope};
pub use sessions::{Ended, OwnSession, Viewer, device};
pub use tell::{TOLD_SECONDS, Told};
