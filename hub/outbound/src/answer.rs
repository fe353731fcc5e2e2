//! Reading an upstream's answer: whole, capped, unpacked.

use crate::SendErrorKind;
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use hub_core::RawResponse;
use reqwest::header::HeaderMap;
use std::io::Read;

/// Most header bytes kept.
const HEADER_BYTES: usize = 64 * 1024;

/// Headers that belong to the connection, not to the message (RFC 9110, 7.6.1).
const HOP_BY_HOP: &[&str] = &[
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Whether a header belongs to the connection.
pub(crate) fn hop_by_hop(name: &str) -> bool {
    HOP_BY_HOP.contains(&name)
}

/// Why an answer could not be taken.
pub(crate) type Unread = (SendErrorKind, Option<String>);

/// Reads the whole answer; `cap` bounds the body as received and as unpacked.
pub(crate) async fn read(mut response: reqwest::Response, cap: usize) -> Result<RawResponse, Unread> {
    let status = response.status().as_u16();
    let mut headers = take_headers(response.headers())?;
    if response.content_length().is_some_and(|n| n > cap as u64) {
        return Err((SendErrorKind::TooLarge, None));
    }
    let mut body: Vec<u8> =
        Vec::with_capacity(response.content_length().map_or(0, |n| usize::try_from(n).unwrap_or(0)));
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > cap => return Err((SendErrorKind::TooLarge, None)),
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break,
            Err(error) if error.is_timeout() => return Err((SendErrorKind::Timeout, None)),
            Err(_) => return Err((SendErrorKind::Broken, Some("the body broke off".into()))),
        }
    }
    if let Some(at) = headers.iter().position(|(n, _)| n == "content-encoding") {
        let (_, coding) = headers.remove(at);
        body = unpack(&coding.to_ascii_lowercase(), body, cap)?;
        headers.retain(|(n, _)| n != "content-length");
    }
    Ok(RawResponse { status, headers, body })
}

fn take_headers(map: &HeaderMap) -> Result<Vec<(String, String)>, Unread> {
    let mut size = 0;
    let mut headers = Vec::with_capacity(map.len());
    for (name, value) in map {
        size += name.as_str().len() + value.len();
        if size > HEADER_BYTES {
            return Err((SendErrorKind::TooLarge, Some("the headers are too large".into())));
        }
        if !hop_by_hop(name.as_str()) {
            headers.push((name.as_str().to_owned(), text(value.as_bytes())));
        }
    }
    Ok(headers)
}

/// Header bytes as text: UTF-8 where they are, else one character a byte (RFC 9110, 5.5).
fn text(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| bytes.iter().copied().map(char::from).collect(), str::to_owned)
}

/// Some back ends compress without being asked.
fn unpack(coding: &str, body: Vec<u8>, cap: usize) -> Result<Vec<u8>, Unread> {
    match coding.trim() {
        "" | "identity" => Ok(body),
        "gzip" | "x-gzip" => unpacked(MultiGzDecoder::new(body.as_slice()), cap),
        // The name means zlib (RFC 9110, 8.4.1.2), but raw deflate is sent under it as well.
        "deflate" if body.first().is_some_and(|b| b & 0x0f == 8) => unpacked(ZlibDecoder::new(body.as_slice()), cap),
        "deflate" => unpacked(DeflateDecoder::new(body.as_slice()), cap),
        _ => Err((SendErrorKind::Broken, Some("unknown content coding".into()))),
    }
}

fn unpacked(decoder: impl Read, cap: usize) -> Result<Vec<u8>, Unread> {
    let mut out = Vec::new();
    decoder
        .take(cap as u64 + 1)
        .read_to_end(&mut out)
        .map_err(|_| (SendErrorKind::Broken, Some("the content coding is damaged".into())))?;
    if out.len() > cap {
        return Err((SendErrorKind::TooLarge, None));
    }
    Ok(out)
}
