//! What the provider says about itself (OpenID Connect Discovery 1.0, RFC 8414).

use super::client::{AUTH_METHODS, GRANTS};
use super::dpop::PROOF_ALGORITHMS;
use super::keys::ALGORITHMS;
use super::scope::SCOPES;
use hub_core::Assurance;
use serde_json::{Value, json};

/// The discovery document of an issuer.
#[must_use]
pub fn discovery(issuer: &str) -> Value {
    let scopes: Vec<&str> = SCOPES.iter().map(|s| s.name).collect();
    let proven: Vec<&&str> = AUTH_METHODS.iter().filter(|m| **m != "none").collect();
    let levels = [
        Assurance::R0,
        Assurance::R1,
        Assurance::R2,
        Assurance::R3,
        Assurance::R4,
    ];
    json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "pushed_authorization_request_endpoint": format!("{issuer}/par"),
        "token_endpoint": format!("{issuer}/token"),
        "introspection_endpoint": format!("{issuer}/introspect"),
        "revocation_endpoint": format!("{issuer}/revoke"),
        "userinfo_endpoint": format!("{issuer}/userinfo"),
        "end_session_endpoint": format!("{issuer}/logout"),
        "jwks_uri": format!("{issuer}/jwks"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": GRANTS,
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ALGORITHMS,
        "dpop_signing_alg_values_supported": PROOF_ALGORITHMS,
        "sm2_jwks_uri": format!("{issuer}/jwks/sm2"),
        "token_endpoint_auth_methods_supported": AUTH_METHODS,
        "token_endpoint_auth_signing_alg_values_supported": ["ES256", "EdDSA"],
        "introspection_endpoint_auth_methods_supported": proven,
        "introspection_endpoint_auth_signing_alg_values_supported": ["ES256", "EdDSA"],
        "revocation_endpoint_auth_methods_supported": AUTH_METHODS,
        "revocation_endpoint_auth_signing_alg_values_supported": ["ES256", "EdDSA"],
        "code_challenge_methods_supported": ["S256"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "scopes_supported": scopes,
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "sid", "at_hash", "name",
                             "phone_number", "phone_number_verified", "id_number"],
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
        "claims_parameter_supported": false,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
        "acr_values_supported": levels,
        "ui_locales_supported": ["zh-CN", "en"],
        "authorization_response_iss_parameter_supported": true,
    })
}
