//! Who stands behind a token: verifying subject tokens, pairwise ids, identity providers on one side, the OpenID provider on the
//! other, and the test issuer of demo and tests.
//!
//! Invariants:
//! - One algorithm (ES256) and keys known beforehand, but for identity providers, whose files name theirs; nothing in a token
//!   chooses a key by address or brings its own.
//! - A subject is its issuer and its `sub` together. No other claim ever links two, but an id number that both have proven.
//! - An issuer's word on assurance counts up to what it is trusted for, never beyond.
//! - Refusals say why without repeating the token or any claim that names a person.
//!
//! It must never know contracts, agencies, the gateway's clients or HTTP.

mod claims;
mod error;
mod identity;
mod issuer;
mod operators;
mod pairwise;
pub mod sso;
mod test_issuer;
pub mod upstream;
mod verifier;

pub use error::{IdentityError, TokenError};
pub use identity::Identity;
pub use issuer::{SigningKey, TrustedIssuer};
pub use operators::{Duty, NewOperator, Operator, OperatorError, Staff, totp};
pub use pairwise::PairwiseKey;
pub use test_issuer::{TestIssuer, TestSubject};
pub use verifier::TokenVerifier;
