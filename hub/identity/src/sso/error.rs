//! What the provider refuses, in the words of RFC 6749, OpenID Connect and their relatives.

use crate::IdentityError;
use hub_core::Text;
use hub_store::StoreError;

/// A refusal's code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OauthCode {
    /// Something is missing, malformed or given twice.
    InvalidRequest,
    /// The client is unknown or did not prove itself.
    InvalidClient,
    /// The code, refresh token or assertion is not good.
    InvalidGrant,
    /// The client may not do this.
    UnauthorizedClient,
    /// No such grant type here.
    UnsupportedGrantType,
    /// No such response type here.
    UnsupportedResponseType,
    /// A scope the client may not ask for.
    InvalidScope,
    /// A resource that is not here (RFC 8707).
    InvalidTarget,
    /// The person said no.
    AccessDenied,
    /// `prompt=none`, but nobody is signed in (OpenID Connect Core 3.1.2.6).
    LoginRequired,
    /// `prompt=none`, but the person must be asked.
    ConsentRequired,
    /// Nobody can be known as surely as was asked for.
    UnmetAuthenticationRequirements,
    /// Request objects are not taken.
    RequestNotSupported,
    /// A pushed request that is not there (any more).
    InvalidRequestUri,
    /// Request objects are not fetched.
    RequestUriNotSupported,
    /// Clients do not register themselves on the way (OpenID Connect Core 7.2.1).
    RegistrationNotSupported,
    /// The proof of possession is missing or does not fit (RFC 9449).
    InvalidDpopProof,
    /// The access token is not good (RFC 6750).
    InvalidToken,
    /// The access token is not good for this.
    InsufficientScope,
    /// Ours.
    ServerError,
}

impl OauthCode {
    /// As it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::AccessDenied => "access_denied",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::UnmetAuthenticationRequirements => "unmet_authentication_requirements",
            Self::RequestNotSupported => "request_not_supported",
            Self::InvalidRequestUri => "invalid_request_uri",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::RegistrationNotSupported => "registration_not_supported",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
            Self::ServerError => "server_error",
        }
    }

    /// Status where it is answered rather than sent back with the browser.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidClient | Self::InvalidToken => 401,
            Self::InsufficientScope => 403,
            Self::ServerError => 503,
            _ => 400,
        }
    }
}

/// A refusal. Its texts never repeat what was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}", code.as_str(), text.en)]
pub struct OauthError {
    /// Code.
    pub code: OauthCode,
    /// Why; the English one is plain ASCII, as `error_description` must be.
    pub text: Text,
    /// For the log only.
    pub inner: Option<String>,
}

impl OauthError {
    /// A refusal.
    #[must_use]
    pub fn new(code: OauthCode, zh: &str, en: &str) -> Self {
        Self {
            code,
            text: Text::new(zh, en),
            inner: None,
        }
    }

    /// `invalid_request`.
    #[must_use]
    pub fn request(zh: &str, en: &str) -> Self {
        Self::new(OauthCode::InvalidRequest, zh, en)
    }

    /// `invalid_grant`: one text for all reasons, so that whoever guesses learns nothing.
    #[must_use]
    pub fn grant() -> Self {
        Self::new(
            OauthCode::InvalidGrant,
            "授权码或刷新令牌无效、已用过、已过期，或不是发给该应用的",
            "the code or token is unknown, used, expired, or not this client's",
        )
    }

    /// `invalid_client`, likewise.
    #[must_use]
    pub fn client() -> Self {
        Self::new(
            OauthCode::InvalidClient,
            "应用未登记，或没有按登记的方式证明自己",
            "the client is unknown or did not prove itself the way it is registered",
        )
    }

    /// `server_error`, with what only the log may know.
    #[must_use]
    #[allow(clippy::needless_pass_by_value)] // so that it can stand in `map_err`
    pub fn ours(inner: impl ToString) -> Self {
        Self {
            code: OauthCode::ServerError,
            text: Text::new(
                "枢纽暂时无法处理，请稍后再试",
                "the hub cannot do this now, please try again",
            ),
            inner: Some(inner.to_string()),
        }
    }
}

impl From<StoreError> for OauthError {
    fn from(error: StoreError) -> Self {
        Self::ours(error)
    }
}

impl From<IdentityError> for OauthError {
    fn from(error: IdentityError) -> Self {
        Self::ours(error)
    }
}

impl From<hub_crypto::CryptoError> for OauthError {
    fn from(error: hub_crypto::CryptoError) -> Self {
        Self::ours(error)
    }
}
