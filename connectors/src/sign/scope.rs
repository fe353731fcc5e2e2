//! What the names in templates stand for.

use super::place::Place;
use super::stamp::TimeForm;
use super::template::{Spans, Template};
use super::{Given, Recipe, SignError, WriteBody, cover};
use crate::mapping::path::Path;
use crate::message::Message;

/// Timestamp and nonce of one message.
#[derive(Debug, Clone, Default)]
pub(super) struct Stamps {
    pub(super) timestamp: Option<String>,
    pub(super) nonce: Option<String>,
}

/// What the names in templates stand for, for one message.
#[derive(Clone)]
pub(super) struct Scope<'s> {
    pub(super) given: &'s Given<'s>,
    pub(super) message: &'s Message,
    pub(super) body: WriteBody<'s>,
    stamps: &'s Stamps,
    pub(super) recipe: &'s Recipe,
    /// Names that only some templates have: `text`, `signature`, `name`, `value`.
    local: Vec<(&'static str, Spans)>,
}

impl<'s> Scope<'s> {
    pub(super) fn new(
        given: &'s Given<'s>,
        message: &'s Message,
        body: WriteBody<'s>,
        stamps: &'s Stamps,
        recipe: &'s Recipe,
    ) -> Self {
        Self {
            given,
            message,
            body,
            stamps,
            recipe,
            local: Vec::new(),
        }
    }

    pub(super) fn with_spans(&self, name: &'static str, spans: Spans) -> Self {
        let mut scope = self.clone();
        scope.local.retain(|(n, _)| *n != name);
        scope.local.push((name, spans));
        scope
    }

    pub(super) fn with(&self, name: &'static str, text: String) -> Self {
        self.with_spans(name, Spans::open(text.into_bytes()))
    }

    pub(super) fn secret(&self, name: &str) -> Result<String, SignError> {
        self.given
            .secrets
            .get(name)
            .ok_or_else(|| SignError::NoSecret(name.to_owned()))
    }

    pub(super) fn spans(&self, template: &Template) -> Result<Spans, SignError> {
        template.fill(self.given.charset, &|name| self.lookup(name))
    }

    pub(super) fn text(&self, template: &Template) -> Result<String, SignError> {
        let bytes = self.spans(template)?.bytes();
        self.given
            .charset
            .decode(&bytes)
            .map_err(|e| SignError::Text(e.to_string()))
    }

    fn lookup(&self, name: &str) -> Result<Spans, SignError> {
        if let Some((_, spans)) = self.local.iter().find(|(n, _)| *n == name) {
            return Ok(spans.clone());
        }
        let stamp = |stamp: &Option<String>| stamp.clone().ok_or_else(|| SignError::Missing(format!("the {name}")));
        let text = match name.split_once(':') {
            Some(("time", form)) => self.timestamp_as(form)?,
            Some((word, key)) => return of_message(word, key, self.message, self.given),
            None => match name {
                "secret" => {
                    let key = self.recipe.secret.clone().unwrap_or_default();
                    return of_message("secret", &key, self.message, self.given);
                }
                "body" => return (self.body)(self.message).map(Spans::open).ok_or(SignError::Body),
                "method" => self.message.method.clone(),
                "path" => self.message.path.clone(),
                "query" => self.query()?,
                "target" => target(&self.message.path, &self.query()?),
                "timestamp" => stamp(&self.stamps.timestamp)?,
                "nonce" => stamp(&self.stamps.nonce)?,
                other => return Err(SignError::Missing(format!("`{other}`"))),
            },
        };
        Ok(Spans::open(self.encoded(&text)?))
    }

    fn query(&self) -> Result<String, SignError> {
        let own = self.recipe.into.parameter(&Path::default());
        cover::query(self.message, self.given.charset, own)
    }

    /// The timestamp of the message in another form.
    fn timestamp_as(&self, form: &str) -> Result<String, SignError> {
        let missing = || SignError::Missing("a readable timestamp".into());
        let written = self.stamps.timestamp.as_deref().ok_or_else(missing)?;
        let at = self.recipe.timestamp.read(written).ok_or_else(missing)?;
        TimeForm::parse(form)
            .map(|form| form.write(at))
            .map_err(SignError::Text)
    }

    pub(super) fn encoded(&self, text: &str) -> Result<Vec<u8>, SignError> {
        let bytes = self
            .given
            .charset
            .encode(text)
            .map_err(|e| SignError::Text(e.to_string()))?;
        Ok(bytes.into_owned())
    }
}

/// What a request line has: the path, and the query behind it where there is one.
fn target(path: &str, query: &str) -> String {
    match query {
        "" => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}

/// What a name with a colon stands for: a secret, a value of the session, a value of the message.
fn of_message(word: &str, key: &str, message: &Message, given: &Given<'_>) -> Result<Spans, SignError> {
    let encoded = |text: &str| match given.charset.encode(text) {
        Ok(bytes) => Ok(bytes.into_owned()),
        Err(error) => Err(SignError::Text(error.to_string())),
    };
    match word {
        "secret" => {
            let secret = given.secrets.get(key);
            let secret = secret.ok_or_else(|| SignError::NoSecret(key.to_owned()))?;
            Ok(Spans::hidden(encoded(&secret)?))
        }
        "session" => {
            let value = given.session.get(key);
            let value = value.ok_or_else(|| SignError::NoSession(key.to_owned()))?;
            Ok(Spans::hidden(encoded(value)?))
        }
        _ => {
            let value = Place::named(word, key).get(message).unwrap_or_default();
            Ok(Spans::open(encoded(&value)?))
        }
    }
}

/// A template that is no part of a signature.
pub(crate) fn fill(template: &Template, message: &Message, given: &Given<'_>) -> Result<Spans, SignError> {
    template.fill(given.charset, &|name| match name.split_once(':') {
        Some((word, key)) => of_message(word, key, message, given),
        None => Ok(Spans::open(match name {
            "method" => message.method.clone().into_bytes(),
            "path" => message.path.clone().into_bytes(),
            "query" => cover::query(message, given.charset, None)?.into_bytes(),
            other => return Err(SignError::Missing(format!("`{other}`"))),
        })),
    })
}
