//! Where an OpenID provider stands (OpenID Connect Discovery 1.0).

use super::file::{Endpoints, Oidc, ProviderFile};
use super::trouble::Trouble;
use super::way::{Way, document};
use hub_core::time::Timestamp;
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

/// How long what was discovered is used, in seconds.
const FRESH: i64 = 3600;

/// What was discovered of one provider.
#[derive(Debug, Default)]
pub(crate) struct Discovered(Mutex<Option<(i64, Endpoints)>>);

impl Discovered {
    /// Where it stands: as its file says, else as it says itself.
    pub(crate) async fn endpoints(
        &self,
        way: &dyn Way,
        file: &ProviderFile,
        oidc: &Oidc,
        now: Timestamp,
    ) -> Result<Endpoints, Trouble> {
        if let Some(given) = &oidc.endpoints {
            return Ok(given.clone());
        }
        let now = now.as_second();
        let mut kept = self.0.lock().await;
        if let Some((at, endpoints)) = kept.as_ref()
            && now - at < FRESH
        {
            return Ok(endpoints.clone());
        }
        let address = format!("{}/.well-known/openid-configuration", file.issuer.trim_end_matches('/'));
        let url = Url::parse(&address).map_err(|_| Trouble::untrusted("its issuer is no address"))?;
        match document(way, file, &url).await.and_then(|d| read(file, &d)) {
            Ok(found) => {
                *kept = Some((now, found.clone()));
                Ok(found)
            }
            // It stood there an hour ago; its answers are checked all the same.
            Err(trouble) => match kept.as_ref() {
                Some((_, endpoints)) => Ok(endpoints.clone()),
                None => Err(trouble),
            },
        }
    }
}

fn read(file: &ProviderFile, said: &Value) -> Result<Endpoints, Trouble> {
    let text = |name: &str| said.get(name).and_then(Value::as_str);
    // Whoever answers for another issuer could send people and codes anywhere (Discovery 4.3).
    if text("issuer") != Some(file.issuer.as_str()) {
        return Err(Trouble::untrusted("it describes itself under another issuer"));
    }
    let address = |name: &str| text(name).and_then(|a| Url::parse(a).ok());
    let needed = |name: &str| address(name).ok_or_else(|| Trouble::untrusted(format!("it does not say {name}")));
    let browser = needed("authorization_endpoint")?;
    let plain = file.inner && browser.scheme() == "http";
    if browser.scheme() != "https" && !plain {
        return Err(Trouble::untrusted("its authorization_endpoint is not https"));
    }
    Ok(Endpoints {
        authorization: browser,
        token: needed("token_endpoint")?,
        jwks: needed("jwks_uri")?,
        userinfo: address("userinfo_endpoint"),
        par: address("pushed_authorization_request_endpoint"),
        says_iss: said.get("authorization_response_iss_parameter_supported") == Some(&Value::Bool(true)),
    })
}
