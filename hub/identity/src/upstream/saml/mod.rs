//! SAML 2.0 Web SSO (OASIS SAML Core, Bindings, Profiles 2.0, March 2005) towards an identity provider: out with a request, back
//! with a response whose signature, addressee, time and occasion were checked, and the provider's word of a sign-out.
//!
//! - Nothing is read but what a pinned key has signed, and that in the bytes that were signed ([`hub_crypto::xml_signed`]).
//! - A response belongs to one request of one browser, and its assertion is good once.
//! - Encrypted assertions are not supported, and refused as such.

mod held;
mod logout;
mod our;
mod query;
mod request;
mod response;
mod their;
mod xml;

pub use logout::{LoggedOut, LogoutAsk};
pub use request::Form;

pub(crate) use held::{Held, reason, word};
pub(crate) use logout::{AGE, answered, read as leaving};
pub(crate) use our::described;
pub(crate) use request::{Act, Out};
pub(crate) use response::{Expected, read};
pub(crate) use their::Described;

/// Namespace of the protocol.
const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
/// Namespace of assertions.
const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
/// Namespace of metadata.
const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
/// The binding that comes in an address.
const REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
/// The binding that comes in a form.
const POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";

/// The value under which a file finds the class of authentication (`AuthnContextClassRef`).
const CONTEXT: &str = "authn_context";

/// The id of the request that a dance sent. XML wants it to begin with a letter or `_`.
fn request_id(nonce: &str) -> String {
    format!("_{nonce}")
}
