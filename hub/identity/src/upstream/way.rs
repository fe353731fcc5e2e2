//! The way to a provider, which whoever wires the hub hands in: nothing here opens a socket.

use super::file::ProviderFile;
use super::trouble::{Trouble, Why};
use hub_core::{RawRequest, RawResponse};
use serde_json::Value;
use url::Url;

/// Largest answer read, in bytes; the way may stop earlier.
pub const ANSWER_BYTES: usize = 256 * 1024;

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// Which provider.
    pub provider: String,
    /// Scheme, host and port.
    pub base: Url,
    /// Whether the operator has named this very host and lets it stand on this machine or in a private network.
    pub inner: bool,
}

/// Sends one request, bounded in time and size, without following redirects.
#[async_trait::async_trait]
pub trait Way: Send + Sync {
    /// Sends it.
    ///
    /// # Errors
    /// Why there is no answer, in words for a log.
    async fn send(&self, to: &Destination, request: RawRequest) -> Result<RawResponse, String>;
}

/// A request that is being made.
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    pub(crate) url: &'a Url,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

/// Sends a request to a provider.
pub(crate) async fn send(way: &dyn Way, file: &ProviderFile, request: Request<'_>) -> Result<RawResponse, Trouble> {
    let url = request.url;
    let mut base = url.clone();
    base.set_path("/");
    base.set_query(None);
    base.set_fragment(None);
    let named = url
        .host_str()
        .zip(url.port_or_known_default())
        .is_some_and(|(host, port)| file.hosts.iter().any(|(h, p)| h == host && *p == port));
    if url.scheme() != "https" && !(file.inner && named) {
        return Err(Trouble::untrusted("it names an address without https"));
    }
    let to = Destination {
        provider: file.id.clone(),
        base,
        // What an answer names is no operator's word, however trusted the provider is.
        inner: file.inner && named,
    };
    let target = url
        .query()
        .map_or_else(|| url.path().to_owned(), |q| format!("{}?{q}", url.path()));
    let raw = RawRequest {
        method: request.method.to_owned(),
        target,
        headers: request.headers,
        body: request.body,
    };
    let answer = way.send(&to, raw).await;
    let answer = answer.map_err(|why| Trouble::new(Why::Silent, format!("{}: {why}", url.path())))?;
    if answer.body.len() > ANSWER_BYTES {
        return Err(Trouble::untrusted("its answer is too large"));
    }
    match answer.status {
        500.. => Err(Trouble::new(
            Why::Silent,
            format!("{} answered {}", url.path(), answer.status),
        )),
        300..400 => Err(Trouble::untrusted(format!("{} wants to send us elsewhere", url.path()))),
        _ => Ok(answer),
    }
}

/// A JSON document.
pub(crate) async fn document(way: &dyn Way, file: &ProviderFile, url: &Url) -> Result<Value, Trouble> {
    let request = Request {
        method: "GET",
        url,
        headers: vec![("accept".to_owned(), "application/json".to_owned())],
        body: Vec::new(),
    };
    let answer = send(way, file, request).await?;
    if answer.status != 200 {
        return Err(Trouble::untrusted(format!("{} answered {}", url.path(), answer.status)));
    }
    serde_json::from_slice(&answer.body).map_err(|_| Trouble::untrusted(format!("{} is not JSON", url.path())))
}
