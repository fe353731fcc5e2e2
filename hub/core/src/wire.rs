//! Messages at the two edges, free of any HTTP framework.

use crate::Problem;
use crate::transport::{FileAnswer, FileRequest, SqlAnswer, SqlRequest};
use bytes::Bytes;
use serde_json::Value;
use std::net::IpAddr;

/// Case-insensitive look-up in a list of headers; the first one wins.
fn find<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers
        .iter()
        .find(|(n, _)| n.eq_ignore_ascii_case(name))
        .map(|(_, v)| v.as_str())
}

/// A call as it came in, body whole and within the size limit.
#[derive(Debug, Clone)]
pub struct Inbound {
    /// Upper-case method.
    pub method: String,
    /// Path behind `/gateway` or `/sandbox`, still percent-encoded, starting with `/`.
    pub path: String,
    /// Query string without `?`, still percent-encoded.
    pub query: String,
    /// Headers as sent; values that are not text are dropped at the edge.
    pub headers: Vec<(String, String)>,
    /// Body bytes.
    pub body: Bytes,
    /// Client address after `trusted_proxies`.
    pub peer: IpAddr,
    /// Request id: the client's if it was well formed, else ours.
    pub request_id: String,
}

impl Inbound {
    /// First header of this name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }
}

/// What the hub answers.
#[derive(Debug, Clone)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Headers besides content type and length.
    pub headers: Vec<(String, String)>,
    /// What goes into the body.
    pub body: ReplyBody,
}

/// Body of a [`Reply`].
#[derive(Debug, Clone)]
pub enum ReplyBody {
    /// Nothing.
    Empty,
    /// JSON.
    Json(Value),
    /// Bytes of a declared media type (a file, an untouched pass-through).
    Bytes {
        /// Media type.
        content_type: String,
        /// The bytes.
        bytes: Bytes,
    },
    /// An error; the edge writes it as RFC 9457.
    Problem(Box<Problem>),
}

/// A request in an upstream's own dialect. The client half of a connector makes it, the server half reads it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RawRequest {
    /// Upper-case method.
    pub method: String,
    /// Path and query below the system's base address, percent-encoded, starting with `/`; or a whole address that an
    /// answer gave, which is sent only if it is below that base.
    pub target: String,
    /// Headers in order.
    pub headers: Vec<(String, String)>,
    /// Body bytes.
    pub body: Vec<u8>,
}

impl RawRequest {
    /// First header of this name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// The target's path without its query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.target.split_once('?').map_or(self.target.as_str(), |(p, _)| p)
    }

    /// The target's query without `?`, empty if there is none.
    #[must_use]
    pub fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, q)| q)
    }
}

/// An answer in an upstream's own dialect.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RawResponse {
    /// HTTP status.
    pub status: u16,
    /// Headers in order.
    pub headers: Vec<(String, String)>,
    /// Body bytes as received, decompressed.
    pub body: Vec<u8>,
}

impl RawResponse {
    /// First header of this name, in any case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }
}

/// What a step of a connector sends, by transport.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outgoing {
    /// An HTTP request.
    Http(RawRequest),
    /// Rows of exchange tables.
    Sql(SqlRequest),
    /// Files of a drop folder.
    File(FileRequest),
}

/// What came back, by the same transport.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Returned {
    /// An HTTP answer.
    Http(RawResponse),
    /// Rows.
    Sql(SqlAnswer),
    /// Files.
    File(FileAnswer),
}

impl Outgoing {
    /// The HTTP request, if it is one.
    #[must_use]
    pub fn http(&self) -> Option<&RawRequest> {
        match self {
            Outgoing::Http(request) => Some(request),
            _ => None,
        }
    }
}

impl Returned {
    /// The HTTP answer, if it is one.
    #[must_use]
    pub fn http(&self) -> Option<&RawResponse> {
        match self {
            Returned::Http(response) => Some(response),
            _ => None,
        }
    }
}

impl From<RawRequest> for Outgoing {
    fn from(request: RawRequest) -> Self {
        Outgoing::Http(request)
    }
}

impl From<RawResponse> for Returned {
    fn from(response: RawResponse) -> Self {
        Returned::Http(response)
    }
}
