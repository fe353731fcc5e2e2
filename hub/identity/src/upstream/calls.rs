//! Dialects that a file describes: a browser's way, then calls, each filled, signed, sent, checked and read as the file says.

use super::dance::Kept;
use super::file::{Call, Calls, Failing, Place, ProviderFile};
use super::oidc::Told;
use super::plain::{Asked, Ours, Plain};
use super::trouble::{Trouble, Why};
use super::way::{Request, Way, send};
use crate::sso::{AuthRequest, Params};
use hub_catalog::document::Document;
use hub_connectors::Secrets;
use hub_connectors::form::{Escape, encode};
use hub_connectors::message::Message;
use hub_connectors::sign::template::{Spans, Template};
use hub_connectors::sign::{Given, SignError};
use hub_connectors::xml;
use hub_core::RawResponse;
use hub_core::time::Timestamp;
use hub_crypto::{Digest, base64_url, digest, random};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use url::Url;

/// What one act needs.
pub(crate) struct Act<'a> {
    pub(crate) way: &'a dyn Way,
    pub(crate) file: &'a ProviderFile,
    pub(crate) calls: &'a Calls,
    pub(crate) ours: &'a Ours,
    pub(crate) secrets: &'a dyn Secrets,
    pub(crate) now: Timestamp,
}

/// Values by name.
type Values = BTreeMap<String, String>;

impl Act<'_> {
    /// Where the browser is sent.
    pub(crate) fn out(&self, kept: &Kept, request: &AuthRequest) -> Result<String, Trouble> {
        let authorize = &self.calls.authorize;
        let values = self.values(kept);
        let mut pairs = Vec::new();
        for (name, template) in &authorize.send {
            pairs.push((name.clone(), self.filled(template, &values)?));
        }
        let mut url = match &self.calls.token {
            // The plain flow; what the file sends stands beside what the standard says.
            Some(token) => {
                let plain = Plain::new(self.ours, &authorize.url, token, &kept.callback)?;
                let mut more = again(request);
                more.extend(pairs.iter().map(|(n, v)| (n.as_str(), v.clone())));
                plain.address(&Asked {
                    state: &kept.state,
                    verifier: &kept.verifier,
                    scope: &[],
                    more: &more,
                })
            }
            None => {
                let mut url = authorize.url.clone();
                // Vendors compare `redirect_uri` and scopes byte by byte and read `+` as a plus.
                let query = encode(
                    pairs.iter().map(|(n, v)| (n, v)),
                    hub_connectors::charset::Charset::Utf8,
                    Escape::Percent,
                );
                let query = query.map_err(|e| Trouble::untrusted(e.to_string()))?;
                let all: Vec<&str> = url
                    .query()
                    .into_iter()
                    .chain([query.as_str()])
                    .filter(|q| !q.is_empty())
                    .collect();
                let all = all.join("&");
                url.set_query((!all.is_empty()).then_some(&all));
                url
            }
        };
        url.set_fragment(authorize.fragment.as_deref());
        Ok(url.to_string())
    }

    /// Who came back.
    pub(crate) async fn back(&self, kept: &Kept, params: &Params) -> Result<Told, Trouble> {
        let mut values = self.values(kept);
        for (name, parameter) in &self.calls.back {
            let Some(value) = params.get(parameter) else {
                return Err(Trouble::new(
                    Why::Cancelled,
                    format!("it came back without {parameter}"),
                ));
            };
            values.insert(name.clone(), value.to_owned());
        }
        if let Some(token) = &self.calls.token {
            let plain = Plain::new(self.ours, &self.calls.authorize.url, token, &kept.callback)?;
            let code = values.get("code").cloned().unwrap_or_default();
            let tokens = plain.exchange(self.way, self.file, &code, &kept.verifier).await?;
            values.insert("access_token".to_owned(), tokens.access);
        }
        for call in &self.calls.calls {
            self.call(call, &mut values).await?;
        }
        let taken = |name: &Option<String>| {
            name.as_ref()
                .and_then(|n| values.get(n))
                .filter(|v| !v.is_empty())
                .cloned()
        };
        Ok(Told {
            everywhere: taken(&self.file.subject.everywhere),
            here: taken(&self.file.subject.here),
            session: None,
            named: None,
            values,
        })
    }

    fn values(&self, kept: &Kept) -> Values {
        let challenge = base64_url(&digest(Digest::Sha256, kept.verifier.as_bytes()));
        let mut values = Values::from([
            ("client_id".to_owned(), self.ours.id.clone()),
            ("callback".to_owned(), kept.callback.clone()),
            ("state".to_owned(), kept.state.clone()),
            ("nonce".to_owned(), kept.nonce.clone()),
            ("verifier".to_owned(), kept.verifier.clone()),
            ("challenge".to_owned(), challenge),
        ]);
        values.extend(self.ours.secret.clone().map(|s| ("client_secret".to_owned(), s)));
        values
    }

    fn filled(&self, template: &Template, values: &Values) -> Result<String, Trouble> {
        let lookup = |name: &str| {
            let found = match name.strip_prefix("secret:") {
                Some(secret) => self
                    .secrets
                    .get(secret)
                    .ok_or_else(|| SignError::NoSecret(secret.to_owned())),
                None => values
                    .get(name)
                    .cloned()
                    .ok_or_else(|| SignError::Missing(name.to_owned())),
            };
            found.map(|text| Spans::open(text.into_bytes()))
        };
        let spans = template.fill(hub_connectors::charset::Charset::Utf8, &lookup);
        let bytes = spans.map_err(|e| Trouble::new(Why::Ours, e.to_string()))?.bytes();
        String::from_utf8(bytes).map_err(|_| Trouble::untrusted("a value is no text"))
    }

    async fn call(&self, call: &Call, values: &mut Values) -> Result<(), Trouble> {
        let mut message = Message {
            method: if call.post { "POST" } else { "GET" }.to_owned(),
            path: call.url.path().to_owned(),
            query: call.url.query_pairs().into_owned().collect(),
            ..Message::default()
        };
        for (name, template) in &call.query {
            message.query.push((name.clone(), self.filled(template, values)?));
        }
        for (name, template) in &call.headers {
            message.set_header(name, self.filled(template, values)?);
        }
        let mut body = Map::new();
        for (name, template) in &call.body {
            body.insert(name.clone(), self.filled(template, values)?.into());
        }
        message.body = Value::Object(body);
        let random = random::<32>().map_err(|e| Trouble::new(Why::Ours, e.to_string()))?;
        let given = Given {
            now: self.now,
            random,
            secrets: self.secrets,
            session: values,
            charset: call.charset,
        };
        if let Some(recipe) = &call.sign {
            let signed = recipe.sign(&mut message, &given, &|m| written(call, m));
            signed.map_err(|e| Trouble::new(Why::Ours, format!("signing: {e}")))?;
        }
        let url = address(call, &message)?;
        let request = Request {
            method: &message.method.clone(),
            url: &url,
            headers: headers(call, &message),
            body: written(call, &message).unwrap_or_default(),
        };
        let answer = send(self.way, self.file, request).await?;
        let said = read(call, &answer)?;
        judged(call, &answer, &said)?;
        if let Some(recipe) = call.sign.as_ref().and_then(|r| r.answer()) {
            let message = Message {
                headers: answer.headers.clone(),
                body: said.clone(),
                ..Message::default()
            };
            // Over the bytes as they came: whoever writes them anew has changed what was signed.
            recipe
                .verify(&message, &given, &|_| Some(answer.body.clone()))
                .map_err(|e| Trouble::untrusted(format!("the signature of its answer: {e}")))?;
        }
        for (name, place) in &call.take {
            match place.text(&said) {
                Some(value) => drop(values.insert(name.clone(), value)),
                // A later call must not go on with a value of an earlier one.
                None => drop(values.remove(name)),
            }
        }
        Ok(())
    }
}

fn again(request: &AuthRequest) -> Vec<(&str, String)> {
    if request.again {
        vec![("prompt", "login".to_owned())]
    } else {
        Vec::new()
    }
}

/// The address with its query.
fn address(call: &Call, message: &Message) -> Result<Url, Trouble> {
    let mut url = call.url.clone();
    let pairs = message.query.iter().map(|(n, v)| (n, v));
    let query = encode(pairs, call.charset, Escape::Percent).map_err(|e| Trouble::untrusted(e.to_string()))?;
    url.set_query((!query.is_empty()).then_some(&query));
    Ok(url)
}

fn headers(call: &Call, message: &Message) -> Vec<(String, String)> {
    let mut headers = message.headers.clone();
    let named = |headers: &[(String, String)], name: &str| headers.iter().any(|(n, _)| n.eq_ignore_ascii_case(name));
    if call.post && !named(&headers, "content-type") {
        let kind = if call.json {
            "application/json".to_owned()
        } else {
            format!("application/x-www-form-urlencoded; charset={}", call.charset)
        };
        headers.push(("content-type".to_owned(), kind));
    }
    headers
}

/// The body as it is sent.
fn written(call: &Call, message: &Message) -> Option<Vec<u8>> {
    if !call.post {
        return Some(Vec::new());
    }
    if call.json {
        let text = message.body.to_string();
        return call.charset.encode(&text).ok().map(std::borrow::Cow::into_owned);
    }
    let members = message.body.as_object()?;
    let pairs: Vec<(&String, &str)> = members.iter().filter_map(|(n, v)| Some((n, v.as_str()?))).collect();
    encode(pairs, call.charset, Escape::Percent)
        .ok()
        .map(String::into_bytes)
}

/// The answer as a tree.
fn read(call: &Call, answer: &RawResponse) -> Result<Value, Trouble> {
    let unreadable = || {
        Trouble::untrusted(format!(
            "{} answered {} with something unreadable",
            call.url.path(),
            answer.status
        ))
    };
    let text = call.charset.decode(&answer.body).map_err(|_| unreadable())?;
    if call.xml {
        return element(&text).ok_or_else(unreadable);
    }
    // Of two members of one name one is signed and the other read, so that is no JSON of ours.
    let said = Document::parse("answer.json", text.trim().as_bytes())
        .map_err(|_| unreadable())?
        .value;
    // A page or a bare word is no answer.
    if said.is_object() { Ok(said) } else { Err(unreadable()) }
}

/// XML as a tree, bounded.
pub(crate) fn element(text: &str) -> Option<Value> {
    let limits = xml::Limits {
        depth: 16,
        nodes: 2000,
        attributes: 32,
    };
    Some(xml::parse(text, limits).ok()?.to_value())
}

/// Whether the answer says yes.
fn judged(call: &Call, answer: &RawResponse, said: &Value) -> Result<(), Trouble> {
    let good = answer.status == 200 && call.ok.iter().all(|(place, values)| holds(place, values, said));
    if good {
        return Ok(());
    }
    let code = call
        .fails
        .as_ref()
        .and_then(|(place, table)| Some((place.text(said)?, table)));
    let meant = code.as_ref().and_then(|(code, table)| table.get(code));
    let why = match meant {
        Some(Failing::Used) => Why::Used,
        Some(Failing::Busy) => Why::Silent,
        Some(Failing::Denied) => Why::Cancelled,
        None => Why::Untrusted,
    };
    let code = code.map(|(code, _)| code).filter(|c| c.len() <= 32).unwrap_or_default();
    Err(Trouble::new(
        why,
        format!("{} answered {} {code}", call.url.path(), answer.status),
    ))
}

fn holds(place: &Place, values: &[String], said: &Value) -> bool {
    match place.text(said) {
        None => values.iter().any(|v| v == "absent"),
        Some(found) => values
            .iter()
            .any(|v| *v == found || v == "present" && !found.is_empty()),
    }
}
