//! Headers that a gateway in front of the hub puts in: taken only with a signature that fits, fresh, and once.

use super::file::{Headers, ProviderFile};
use super::oidc::Told;
use super::trouble::{Trouble, Why};
use crate::sso::{hashed, later};
use hub_connectors::Secrets;
use hub_connectors::charset::Charset;
use hub_connectors::message::Message;
use hub_connectors::sign::Given;
use hub_core::time::Timestamp;
use hub_store::Store;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// How long a request that was taken is remembered, in seconds: longer than any recipe lets one be old.
const REMEMBERED: u64 = 48 * 3600;

/// Who is meant.
pub(crate) async fn told(
    store: &Store,
    file: &ProviderFile,
    rules: &Headers,
    headers: &[(String, String)],
    secrets: &dyn Secrets,
    now: Timestamp,
) -> Result<Told, Trouble> {
    let own: Vec<(String, String)> = headers
        .iter()
        .map(|(n, v)| (n.to_ascii_lowercase(), v.clone()))
        .filter(|(n, _)| rules.names.contains(n))
        .collect();
    // Of two headers of one name the gateway would have signed one and we might read the other.
    let twice = rules
        .names
        .iter()
        .any(|name| own.iter().filter(|(n, _)| n == name).count() > 1);
    if twice {
        return Err(Trouble::untrusted("a header came twice"));
    }
    let message = Message {
        method: "GET".to_owned(),
        headers: own.clone(),
        ..Message::default()
    };
    let given = Given {
        now,
        random: [0; 32],
        secrets,
        session: &BTreeMap::new(),
        charset: Charset::Utf8,
    };
    let verified = rules.sign.verify(&message, &given, &|_| None);
    let verified = verified.map_err(|e| Trouble::untrusted(format!("its headers: {e}")))?;
    if verified.at.is_none() {
        return Err(Trouble::untrusted("its headers have no time"));
    }
    let all: Map<String, Value> = own.iter().map(|(n, v)| (n.clone(), v.as_str().into())).collect();
    let all = Value::Object(all);
    let mut told = Told::default();
    for (name, place) in &rules.take {
        told.values.extend(place.text(&all).map(|v| (name.clone(), v)));
    }
    let taken = |name: &Option<String>| {
        name.as_ref()
            .and_then(|n| told.values.get(n))
            .filter(|v| !v.is_empty())
            .cloned()
    };
    (told.everywhere, told.here) = (taken(&file.subject.everywhere), taken(&file.subject.here));
    // Neither the order of headers nor how a signature is written makes one request another: only what is signed does.
    let value = |name: &String| own.iter().find(|(n, _)| n == name).map_or("", |(_, v)| v.as_str());
    let signed: Vec<&str> = rules.covered.iter().map(value).collect();
    let mark = hashed(&format!("idp header\0{}\0{}", file.id, signed.join("\0")));
    if store.sign_ins().comes_first(&mark, now, later(now, REMEMBERED)).await? {
        Ok(told)
    } else {
        Err(Trouble::new(Why::Used, "these headers were taken before"))
    }
}
