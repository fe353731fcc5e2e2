use super::*;
use serde_json::{Value, json};

mod platforms;
mod schemes;
mod standards;
mod verification;

/// What the tests sign with: 2026-04-08T10:15:30+08:00, secrets, a session.
struct Desk {
    now: Timestamp,
    secrets: BTreeMap<String, String>,
    session: BTreeMap<String, String>,
    charset: Charset,
}

impl Desk {
    fn new(secrets: &[(&str, &str)]) -> Self {
        Self {
            now: Timestamp::from_second(1_775_614_530).unwrap(),
            secrets: secrets
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
                .collect(),
            session: BTreeMap::from([("token".to_owned(), "TOKEN".to_owned())]),
            charset: Charset::Utf8,
        }
    }

    fn given(&self) -> Given<'_> {
        Given {
            now: self.now,
            random: [7; 32],
            secrets: &self.secrets,
            session: &self.session,
            charset: self.charset,
        }
    }
}

fn recipe(part: impl Into<Value>) -> Recipe {
    Recipe::parse(&part.into()).unwrap()
}

/// A POST with this body.
fn post(body: Value) -> Message {
    Message {
        method: "POST".into(),
        path: "/open/query".into(),
        body,
        ..Message::default()
    }
}

/// A GET with this query.
fn get(query: &[(&str, &str)]) -> Message {
    Message {
        method: "GET".into(),
        path: "/".into(),
        query: query.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
        ..Message::default()
    }
}

/// The body as compact JSON; nothing for a message without one.
fn body(message: &Message) -> Option<Vec<u8>> {
    Some(match &message.body {
        Value::Null => Vec::new(),
        Value::String(text) => text.clone().into_bytes(),
        other => other.to_string().into_bytes(),
    })
}

fn signed(recipe: &Recipe, mut message: Message, desk: &Desk) -> Message {
    recipe.sign(&mut message, &desk.given(), &body).unwrap();
    // Whatever signs must verify what it signed.
    recipe.verify(&message, &desk.given(), &body).unwrap();
    message
}

/// The member `sign` of a signed body.
fn sign(part: Value, message: Value, desk: &Desk) -> String {
    let message = signed(&recipe(part), post(message), desk);
    message.body["sign"].as_str().unwrap().to_owned()
}
