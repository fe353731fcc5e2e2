//! The plain flow of OAuth 2.0, by the `oauth2` crate over the way we were handed.

use super::file::ProviderFile;
use super::trouble::{Trouble, Why};
use super::way::{Request, Way, send};
use oauth2::basic::{BasicErrorResponse, BasicErrorResponseType, BasicRevocationErrorResponse, BasicTokenType};
use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, Client, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet,
    ExtraTokenFields, HttpRequest, HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError,
    Scope, StandardRevocableToken, StandardTokenIntrospectionResponse, StandardTokenResponse, TokenResponse, TokenUrl,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::sync::{Mutex, PoisonError};
use url::Url;

/// What a token endpoint says beside the token.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct More(Map<String, Value>);

impl ExtraTokenFields for More {}

type Answer = StandardTokenResponse<More, BasicTokenType>;
type OauthClient = Client<
    BasicErrorResponse,
    Answer,
    StandardTokenIntrospectionResponse<More, BasicTokenType>,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// Who we are at a provider, resolved.
#[derive(Clone)]
pub(crate) struct Ours {
    pub(crate) id: String,
    pub(crate) secret: Option<String>,
    pub(crate) in_body: bool,
}

/// A client of a provider.
pub(crate) struct Plain {
    client: OauthClient,
}

/// What an authorization request asks for.
pub(crate) struct Asked<'a> {
    pub(crate) state: &'a str,
    pub(crate) verifier: &'a str,
    pub(crate) scope: &'a [String],
    pub(crate) more: &'a [(&'a str, String)],
}

/// Tokens.
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) more: Map<String, Value>,
}

impl Plain {
    pub(crate) fn new(ours: &Ours, authorization: &Url, token: &Url, callback: &str) -> Result<Self, Trouble> {
        let back = RedirectUrl::new(callback.to_owned()).map_err(|e| Trouble::new(Why::Ours, e.to_string()))?;
        let auth = if ours.in_body {
            AuthType::RequestBody
        } else {
            AuthType::BasicAuth
        };
        let mut client = Client::new(ClientId::new(ours.id.clone()));
        if let Some(secret) = &ours.secret {
            client = client.set_client_secret(ClientSecret::new(secret.clone()));
        }
        Ok(Self {
            client: client
                .set_auth_type(auth)
                .set_auth_uri(AuthUrl::from_url(authorization.clone()))
                .set_token_uri(TokenUrl::from_url(token.clone()))
                .set_redirect_uri(back),
        })
    }

    /// Where a browser is sent.
    pub(crate) fn address(&self, asked: &Asked<'_>) -> Url {
        let state = CsrfToken::new(asked.state.to_owned());
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(asked.verifier.to_owned()));
        let mut request = self.client.authorize_url(|| state).set_pkce_challenge(challenge);
        for scope in asked.scope {
            request = request.add_scope(Scope::new(scope.clone()));
        }
        for (name, value) in asked.more {
            request = request.add_extra_param(*name, value.clone());
        }
        request.url().0
    }

    /// A code becomes tokens.
    pub(crate) async fn exchange(
        &self,
        way: &dyn Way,
        file: &ProviderFile,
        code: &str,
        verifier: &str,
    ) -> Result<Tokens, Trouble> {
        // The crate tells of a failed request in its own words; ours are kept beside it.
        let trouble: Mutex<Option<Trouble>> = Mutex::default();
        let carry = async |request: HttpRequest| {
            carry(way, file, request).await.map_err(|failed| {
                *trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(failed);
                Silent
            })
        };
        let request = self
            .client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(verifier.to_owned()));
        let carry = |request| -> std::pin::Pin<Box<dyn Future<Output = Result<HttpResponse, Silent>> + Send + '_>> {
            Box::pin(carry(request))
        };
        let answer = request.request_async(&carry).await;
        let answer: Answer = answer.map_err(|error| match error {
            RequestTokenError::ServerResponse(said) => match said.error() {
                BasicErrorResponseType::InvalidGrant => Trouble::new(Why::Used, "the code is not good (any more)"),
                other => Trouble::untrusted(format!("the token endpoint says {}", code_of(other))),
            },
            RequestTokenError::Request(_) => trouble
                .into_inner()
                .unwrap_or_else(PoisonError::into_inner)
                .unwrap_or_else(|| Trouble::new(Why::Silent, "no answer")),
            // What came is not repeated: it may hold tokens.
            RequestTokenError::Parse(_, _) => {
                Trouble::untrusted("the answer of the token endpoint is not as it must be")
            }
            RequestTokenError::Other(_) => Trouble::untrusted("the token endpoint answered nothing"),
        })?;
        Ok(Tokens {
            access: answer.access_token().secret().clone(),
            more: answer.extra_fields().0.clone(),
        })
    }
}

/// A code of failure, if it is one of the standard's.
fn code_of(error: &BasicErrorResponseType) -> String {
    match error {
        BasicErrorResponseType::Extension(_) => "something of its own".to_owned(),
        known => known.as_ref().to_owned(),
    }
}

/// No answer.
#[derive(Debug, thiserror::Error)]
#[error("no answer")]
struct Silent;

async fn carry(way: &dyn Way, file: &ProviderFile, request: HttpRequest) -> Result<HttpResponse, Trouble> {
    let url = Url::parse(&request.uri().to_string()).map_err(|_| Trouble::untrusted("no address"))?;
    let headers = request
        .headers()
        .iter()
        .filter_map(|(n, v)| Some((n.as_str().to_owned(), v.to_str().ok()?.to_owned())));
    let ours = Request {
        method: request.method().as_str(),
        url: &url,
        headers: headers.collect(),
        body: request.body().clone(),
    };
    let answer = send(way, file, ours).await?;
    let mut made = oauth2::http::Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        made = made.header(name, value);
    }
    made.body(answer.body)
        .map_err(|_| Trouble::untrusted("its answer is no HTTP"))
}

/// Headers that prove who we are, for calls that the crate does not make; what goes into the body is appended to the form.
pub(crate) fn proof(ours: &Ours, form: &mut Vec<(String, String)>) -> Vec<(String, String)> {
    match &ours.secret {
        Some(secret) if !ours.in_body => {
            let half = |text: &str| -> String { url::form_urlencoded::byte_serialize(text.as_bytes()).collect() };
            let pair = hub_crypto::base64(format!("{}:{}", half(&ours.id), half(secret)).as_bytes());
            vec![("authorization".to_owned(), format!("Basic {pair}"))]
        }
        Some(secret) => {
            form.push(("client_secret".to_owned(), secret.clone()));
            Vec::new()
        }
        None => Vec::new(),
    }
}
