//! Identity providers: people come from there, described as data in `policies/identity/*.yaml`.
//!
//! - Nothing here opens a socket: whoever wires the hub hands in a [`Way`], which is bounded in time and size and follows no
//!   redirect.
//! - A dance belongs to one browser, one provider and one parked request; it is taken once, whichever hub the person comes back to.
//! - A person is an issuer and what that calls them; beside it only an id number that both sides have proven (R2) leads to one
//!   account. E-mail and telephone numbers never do.
//! - What a file does not map stays out, and a provider's word on assurance counts up to what its file says.

mod arrive;
mod at_saml;
mod calls;
mod cas;
mod dance;
mod discovery;
mod file;
mod folder;
mod header;
mod keys;
mod oidc;
mod place;
mod plain;
mod providers;
mod read;
mod saml;
mod schema;
mod sign_out;
mod token;
mod trouble;
mod way;

pub use file::{
    Attribute, Authorize, Call, Calls, Cas, Client, Dialect, Endpoints, Failing, Headers, Levels, Linking, NameId,
    Oidc, Place, ProviderFile, Reference, Refusal, Saml, Signed, Signing,
};
pub use folder::Providers;
pub use providers::{Door, Failed, SecretsOf, Start, Upstreams, Welcome};
pub use read::Around;
pub use saml::{Form, LoggedOut, LogoutAsk};
pub use schema::schema;
pub use trouble::{Trouble, Why};
pub use way::{ANSWER_BYTES, Destination, Way};
