//! The reference city: its default rules open every operation to whoever may ask, and to nobody who speaks for others.

use crate::city::{City, LIMITS, Request, document, lines, problem};
use hub_catalog::{Catalog, Document};
use hub_core::wire::ReplyBody;
use hub_core::{Audience, Operation, ParameterPlace, ProblemCode as Code, Reply, SubjectAttribute};
use hub_gateway::{Policies, Snapshot, all_consents};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Loaded once for all tests.
static CATALOG: LazyLock<Arc<Catalog>> =
    LazyLock::new(|| Arc::new(Catalog::load(&root().join("specs")).unwrap_or_else(|f| panic!("{}", lines(&f)))));

/// The reference catalog under its own access rules, with limits that nobody reaches.
async fn reference() -> (City, Arc<Catalog>) {
    let catalog = Arc::clone(&CATALOG);
    let access = std::fs::read(root().join("policies/access/default.yaml")).unwrap();
    let generous = LIMITS.replace("per_second: 1000", "per_second: 1000000");
    let documents = [
        ("limits", document("limits.yaml", &generous)),
        ("access", Document::parse("default.yaml", &access).unwrap()),
    ];
    let policies = Policies::from_documents(&documents, &catalog).unwrap_or_else(|f| panic!("{}", lines(&f)));
    let city = City::open().await;
    let (from, until) = (
        "2026-01-01T00:00:00Z".parse().unwrap(),
        "2027-01-01T00:00:00Z".parse().unwrap(),
    );
    let agreed = all_consents(&catalog, "client-wide", "zhang", from, until);
    assert!(agreed.len() > 20, "services that stand on consent");
    city.store.consents().add(&agreed).await.unwrap();
    city.gateway.reload(Snapshot {
        catalog: catalog.clone(),
        policies: Arc::new(policies),
        ..Snapshot::default()
    });
    (city, catalog)
}

/// The call of an operation with the input of its first example.
fn request(operation: &Operation, change: impl FnOnce(&mut Map<String, Value>)) -> Request {
    let mut input = operation
        .examples
        .iter()
        .find_map(|e| e.input.clone())
        .unwrap_or_default();
    change(&mut input);
    let mut path = operation.public_path();
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    let mut headers = Vec::new();
    for parameter in &operation.parameters {
        let Some(value) = input.shift_remove(&parameter.name) else {
            continue;
        };
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        match parameter.place {
            ParameterPlace::Path => path = path.replace(&format!("{{{}}}", parameter.name), &text),
            ParameterPlace::Query => drop(query.append_pair(&parameter.name, &text)),
            ParameterPlace::Header => headers.push((parameter.name.clone(), text)),
        }
    }
    let mut request = Request::new(&operation.method, &format!("{path}?{}", query.finish()));
    request.0.headers = headers;
    if operation.request.is_some() {
        request = request.json(&Value::Object(input));
    }
    let token = if operation.audience == Audience::Legal {
        "agent"
    } else {
        "zhang-r4"
    };
    request.key("wide").token(token)
}

fn code(reply: &Reply) -> Option<Code> {
    match &reply.body {
        ReplyBody::Problem(problem) => Some(problem.code),
        _ => None,
    }
}

#[tokio::test]
async fn the_default_rules_open_every_operation() {
    let (city, catalog) = reference().await;
    assert!(catalog.operations().len() > 1_000);
    let mut closed = Vec::new();
    for operation in catalog.operations() {
        let reply = city.call(request(operation, |_| {})).await;
        // Past the rules every call gets to the papers its example names, which nobody has uploaded, or to the scripted
        // upstream, whose answer fits hardly any contract, so that what this person submits next to the system waits.
        let past = matches!(
            code(&reply),
            None | Some(Code::UpstreamContract | Code::FileNotFound | Code::UpstreamBusy)
        );
        if !past {
            closed.push(format!(
                "{} {:?} {:?}",
                operation.id,
                code(&reply),
                problem(&reply).errors
            ));
        }
    }
    assert!(
        closed.is_empty(),
        "{} of {}: {}",
        closed.len(),
        catalog.operations().len(),
        closed.join("\n")
    );
}

#[tokio::test]
async fn no_operation_lets_a_subject_name_somebody_else() {
    let (city, catalog) = reference().await;
    let (mut tried, mut open) = (0, Vec::new());
    for operation in catalog.operations() {
        for bound in &operation.bound {
            let other = match bound.from {
                SubjectAttribute::Name | SubjectAttribute::PartyName | SubjectAttribute::OrgName => json!("李四"),
                SubjectAttribute::IdNumber | SubjectAttribute::PartyNumber => json!("990101199202020029"),
                SubjectAttribute::Mobile => json!("13900000009"),
                SubjectAttribute::Uscc => json!("92990101MA0000002Y"),
                SubjectAttribute::Pairwise => json!("somebody_else_entirely"),
            };
            tried += 1;
            let mut named = request(operation, |input| {
                drop(input.insert(bound.field.clone(), other.clone()));
            });
            // Without a body there is no place for the field: in the query it is unknown to the contract.
            let expected = if operation.request.is_some() {
                Code::SubjectMismatch
            } else {
                let pair = url::form_urlencoded::Serializer::new(String::new())
                    .append_pair(&bound.field, other.as_str().unwrap())
                    .finish();
                named.0.query = format!("{}&{pair}", named.0.query);
                Code::ValidationFailed
            };
            let reply = city.call(named).await;
            if code(&reply) != Some(expected) {
                open.push(format!("{} {}: {:?}", operation.id, bound.field, code(&reply)));
            }
        }
    }
    assert!(tried > 500, "{tried}");
    assert!(open.is_empty(), "{} of {tried}: {}", open.len(), open.join("\n"));
    assert_eq!(city.line.count(), 0);
}
