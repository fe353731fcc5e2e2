//! What every page takes from a request, and what it leaves in the browser.

use crate::portal::Frame;
use actix_web::http::header::{HeaderValue, SET_COOKIE};
use actix_web::{HttpRequest, HttpResponse};

/// The frame of a page, by what the browser sent.
#[must_use]
pub fn frame(http: &HttpRequest) -> Frame {
    let query: Vec<_> = url::form_urlencoded::parse(http.query_string().as_bytes())
        .into_owned()
        .collect();
    let accept = http
        .headers()
        .get("accept-language")
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    Frame::new(http.path(), &query, accept).remembering(&cookies(http))
}

/// All cookies a browser sent.
#[must_use]
pub fn cookies(http: &HttpRequest) -> String {
    let all = http.headers().get_all("cookie").filter_map(|c| c.to_str().ok());
    all.collect::<Vec<_>>().join(";")
}

/// Lets the browser keep what was chosen for the pages to come.
pub fn remember(answer: &mut HttpResponse, frame: &Frame) {
    let cookie = frame.remembered().and_then(|c| HeaderValue::from_str(&c).ok());
    if let Some(cookie) = cookie {
        answer.headers_mut().append(SET_COOKIE, cookie);
    }
}
