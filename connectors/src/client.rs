//! The client half of a call's first direction: canonical input into a request, framed, authorised, signed, written.

use crate::batch;
use crate::charset::Charset;
use crate::context::{Context, FileContent, Session};
use crate::dialect::{self, ReadError, json, pairs, record, soap, text_form, usernametoken, xml};
use crate::error::ConnectorError;
use crate::exchange;
use crate::explain::Explained;
use crate::fetch::{Window, resolve};
use crate::form::{self, Escape, multipart};
use crate::manifest::model::{Format, Layout, Place, SendItem};
use crate::mapping::encode::{Encoder, Sink};
use crate::mapping::template::scalar_text;
use crate::message::Message;
use crate::parts::{Parts, merge, object, overlay};
use crate::plan::{Plan, Transport};
use crate::protobuf;
use crate::seal::{Seal, SealError};
use crate::sign::{Given, SignError, SignTrace};
use crate::values::Maker;
use crate::wiring::Wiring;
use crate::xmlsig::XmlSignError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hub_catalog::document::escape;
use hub_core::ports::Call;
use hub_core::{RawRequest, Text};
use serde_json::Value;
use std::cell::Cell;
use std::collections::BTreeMap;

/// One request in the making.
pub(crate) struct Outgoing<'a> {
    /// What is called.
    pub plan: &'a Plan,
    /// What all calls of the system share.
    pub wiring: &'a Wiring,
    /// On whose behalf.
    pub call: &'a Call,
    /// Canonical input.
    pub input: &'a Value,
    /// Time, randomness, secrets, files.
    pub context: &'a Context<'a>,
    /// The session, if the plan needs one.
    pub session: Option<&'a Session>,
    /// Upstream ids of papers.
    pub uploaded: &'a BTreeMap<String, String>,
    /// The paper this uploads.
    pub file: Option<&'a FileContent>,
    /// The page to ask for, where it is not the caller's.
    pub window: Option<Window>,
    /// Values of the path that an earlier answer gave.
    pub given: BTreeMap<String, String>,
    /// Path of the login, to which announced addresses are relative.
    pub announced_at: String,
}

impl Outgoing<'_> {
    fn maker(&self) -> Maker<'_> {
        Maker {
            now: self.context.now,
            random: self.context.random,
            secrets: self.context.secrets,
            session: self.session,
            input: self.input,
            wire: &self.plan.wire,
            code: self.plan.code.as_deref(),
            submission: self.call.submission.as_deref(),
            request_id: &self.call.request_id,
            pairwise: self.call.pairwise.as_deref(),
            acting: (
                self.call.agent.as_deref(),
                self.call.subject.as_ref().map(|s| s.assurance),
            ),
            file: self.file,
            jwt: self.wiring.jwt.as_deref(),
            variables: Vec::new(),
            drawn: Cell::new(0),
        }
    }

    /// The whole request.
    ///
    /// # Errors
    /// A value the upstream cannot take, a missing secret or file.
    pub fn build(&self) -> Result<hub_core::Outgoing, ConnectorError> {
        self.built().map_err(|error| self.located(error))
    }

    /// A value that cannot be written was looked for in a whole text; the field it came from is told.
    fn located(&self, error: ConnectorError) -> ConnectorError {
        match error {
            ConnectorError::Input { place, expected } if place.is_empty() => ConnectorError::Input {
                place: unsaid(self.input, self.wiring.charset).unwrap_or_default(),
                expected,
            },
            other => other,
        }
    }

    fn built(&self) -> Result<hub_core::Outgoing, ConnectorError> {
        let maker = self.maker();
        match &self.plan.transport {
            Transport::Http => {
                let message = self.filled(&maker)?;
                self.write(message, &maker, &mut None).map(Into::into)
            }
            Transport::Sql(rules) => {
                let content = self.content(&mut self.parts(&maker)?)?;
                let request = exchange::request(rules, self.plan, &content, &self.key(), self.login(&maker)?);
                Ok(hub_core::Outgoing::Sql(request))
            }
            Transport::File(rules) => {
                let content = self.content(&mut self.parts(&maker)?)?;
                let request = batch::request(rules, self.plan, content, &self.key(), self.wiring.charset);
                let mut request = request.map_err(|e| unwritable(&e))?;
                request.login = rules.entry.login(|t| maker.text(t).map(Option::unwrap_or_default))?;
                Ok(hub_core::Outgoing::File(request))
            }
        }
    }

    /// The whole request, and how it was signed.
    ///
    /// # Errors
    /// As [`Outgoing::build`].
    pub fn explain(&self) -> Result<Explained, ConnectorError> {
        let maker = self.maker();
        let message = self.filled(&maker)?;
        let mut signature = Some(None);
        let request = self.write(message, &maker, &mut signature)?;
        Ok(Explained {
            request,
            signature: signature.flatten(),
        })
    }

    /// The message before it is signed.
    fn filled(&self, maker: &Maker<'_>) -> Result<Message, ConnectorError> {
        let parts = self.parts(maker)?;
        self.message(parts)
    }

    /// The columns of a row or a line, without sending it.
    pub fn columns(&self) -> Result<Value, ConnectorError> {
        let mut parts = self.parts(&self.maker())?;
        self.content(&mut parts)
    }

    /// The number of a row or file: the submission's, so that a repetition meets the first; a fresh one for reads.
    fn key(&self) -> String {
        let fresh = || hub_crypto::hex(self.context.random.get(..16).unwrap_or_default());
        self.call.submission.clone().unwrap_or_else(fresh)
    }

    fn login(&self, maker: &Maker<'_>) -> Result<Option<(String, String)>, ConnectorError> {
        let Some((user, password)) = &self.plan.basic else {
            return Ok(None);
        };
        let text = |template| maker.text(template).map(Option::unwrap_or_default);
        Ok(Some((text(user)?, text(password)?)))
    }

    /// The text of a credential.
    pub fn made(&self, template: &crate::mapping::template::Template) -> Result<String, ConnectorError> {
        Ok(self.maker().text(template)?.unwrap_or_default())
    }

    fn parts(&self, maker: &Maker<'_>) -> Result<Parts, ConnectorError> {
        let mut parts = Parts::default();
        let mut constants = Parts::default();
        let encoder = Encoder {
            files: self.context.files,
            uploaded: self.uploaded,
            absent: self.plan.absent,
            today: Some(hub_core::time::civil(self.context.now).date()),
        };
        self.send(&self.plan.send, maker, &mut constants)?;
        encoder.encode(&self.plan.request, self.input, &mut parts, "")?;
        if let Some(paging) = &self.plan.paging {
            let (page, size) = self
                .window
                .map_or_else(|| paging.asked(self.input), |w| (w.page, w.size));
            paging.encode(page, size, &mut parts);
        }
        parts.path.extend(self.given.clone());
        self.authorise(maker, &mut parts)?;
        Ok(constants.overlaid(parts))
    }

    fn send(&self, items: &[SendItem], maker: &Maker<'_>, parts: &mut Parts) -> Result<(), ConnectorError> {
        for item in items {
            let Some(value) = maker.make(&item.value)? else {
                continue;
            };
            let place = item.spot.place.unwrap_or(Place::Frame);
            let value = match (&value, self.file, self.plan.sends) {
                // A file part of a multipart body keeps its name and type beside its content.
                (Value::String(_), Some(file), Format::Multipart) if is_content(item) => {
                    pairs::file(&file.bytes, &file.name, &file.media_type)
                }
                _ => value,
            };
            parts.put(place, &item.spot.path, value);
        }
        Ok(())
    }

    fn authorise(&self, maker: &Maker<'_>, parts: &mut Parts) -> Result<(), ConnectorError> {
        if let Some((user, password)) = &self.plan.basic {
            let user = maker.text(user)?.unwrap_or_default();
            let password = maker.text(password)?.unwrap_or_default();
            let value = basic(&user, &password, self.plan.basic_form);
            parts.headers.push(("Authorization".to_owned(), value));
        }
        if let Some(wsse) = &self.plan.wsse {
            let user = maker.text(&wsse.user)?.unwrap_or_default();
            let password = maker.text(&wsse.password)?.unwrap_or_default();
            let nonce: Vec<u8> = maker.bytes().into_iter().take(16).collect();
            let (name, token) = usernametoken::write(&user, &password, wsse.digest, &nonce, self.context.now);
            merge(
                &mut parts.head,
                Value::Object(serde_json::Map::from_iter([(name, token)])),
            );
        }
        if let Some(cookie) = self
            .session
            .filter(|_| self.plan.session || self.plan.login)
            .and_then(|s| s.values.get("cookie"))
        {
            for (name, value) in cookie.split("; ").filter_map(|c| c.split_once('=')) {
                parts.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        Ok(())
    }

    /// Lays fields, constants and code into one content, and the content into a message.
    fn message(&self, mut parts: Parts) -> Result<Message, ConnectorError> {
        let frame = &self.plan.frame;
        if let (Some(spot), Some(code)) = (&frame.code, &self.plan.code) {
            let mut coded = Parts::default();
            coded.put(
                spot.place.unwrap_or(Place::Frame),
                &spot.path,
                Value::from(code.as_str()),
            );
            merge(&mut coded.outer, std::mem::take(&mut parts.outer));
            parts.outer = coded.outer;
            parts.query.extend(coded.query);
            parts.headers.extend(coded.headers);
        }
        let path = self
            .plan
            .path
            .fill(&|name| parts.path.get(name).cloned())
            .ok_or_else(|| ConnectorError::Input {
                place: format!("/{}", self.plan.path.names().join(", ")),
                expected: Text::new("路径需要的值", "a value for the path"),
            })?;
        let content = self.content(&mut parts)?;
        let mut message = Message {
            method: self.plan.method.clone(),
            path,
            query: self.plan.query.clone(),
            headers: parts.headers,
            head: object(parts.head),
            body: Value::Null,
        };
        message.query.extend(parts.query);
        if self.plan.in_query {
            message.query.extend(pairs::from_tree(&content));
        } else if self.plan.sends == Format::Form {
            message.body = pairs::as_sent(content);
        } else {
            message.body = content;
        }
        if !parts.cookies.is_empty() {
            let cookies: Vec<String> = parts.cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
            message.set_header("Cookie", cookies.join("; "));
        }
        Ok(message)
    }

    fn content(&self, parts: &mut Parts) -> Result<Value, ConnectorError> {
        let frame = &self.plan.frame;
        let mut fields = ordered(std::mem::take(&mut parts.fields), &frame.order);
        let mut content = std::mem::take(&mut parts.outer);
        match &frame.body {
            None => overlay(&mut content, fields),
            Some(spot) => {
                if fields.is_null() {
                    fields = Value::Object(serde_json::Map::new());
                }
                let form = frame.form.unwrap_or_default();
                let body = text_form::write(fields, form, frame.root.as_deref(), frame.declaration.as_deref())
                    .map_err(|e| unwritable(&e))?;
                match spot.place {
                    Some(place @ (Place::Query | Place::Header)) => parts.put(place, &spot.path, body),
                    _ => spot.path.set(&mut content, body),
                }
            }
        }
        Ok(ordered(content, &frame.order))
    }

    /// Signs and writes. `trace` is filled if the caller wants to know how it was signed.
    fn write(
        &self,
        mut message: Message,
        maker: &Maker<'_>,
        trace: &mut Option<Option<SignTrace>>,
    ) -> Result<RawRequest, ConnectorError> {
        let charset = self.wiring.charset;
        let boundary = format!("hub-{}", hub_crypto::hex(&maker.bytes()).get(..32).unwrap_or_default());
        self.headers(&mut message, &boundary)?;
        let none = BTreeMap::new();
        let given = Given {
            now: self.context.now,
            random: self.context.random,
            secrets: self.context.secrets,
            session: self.session.map_or(&none, |s| &s.values),
            charset,
        };
        let seal = self.wiring.seal.as_ref().filter(|_| self.plan.sealed);
        let early = seal.filter(|seal| !seal.signs_plain);
        let late = seal.filter(|seal| seal.signs_plain);
        let whole = |seal: Option<&Seal>, body: Vec<u8>, message: &Message| match seal {
            Some(seal) => seal.seal_bytes(body, message, &given).map_err(unsealed),
            None => Ok(body),
        };
        let plain = |message: &Message| write_body(self.plan, message, charset, &boundary);
        if let Some(seal) = early {
            seal.seal(&mut message, &given).map_err(unsealed)?;
        }
        if let Some(recipe) = self.wiring.sign.as_ref().filter(|_| self.plan.signed) {
            let write = |message: &Message| whole(early, plain(message).ok()?, message).ok();
            recipe.sign(&mut message, &given, &write).map_err(unsigned)?;
            if let Some(trace) = trace {
                *trace = Some(recipe.trace(&message, &given, &write).map_err(unsigned)?);
            }
        }
        if let Some(seal) = late {
            seal.seal(&mut message, &given).map_err(unsealed)?;
        }
        let body = plain(&message).map_err(|e| unwritable(&e))?;
        let body = self.xml_signed(body)?;
        let body = whole(seal, body, &message)?;
        let query = form::encode(message.query.iter().map(|(n, v)| (n, v)), charset, Escape::Percent)
            .map_err(|e| unwritable(&ReadError::Broken(e.to_string())))?;
        let path = self.announced()?.unwrap_or(message.path);
        let target = match (query.is_empty(), path.contains('?')) {
            (true, _) => path,
            (false, true) => format!("{path}&{query}"),
            (false, false) => format!("{path}?{query}"),
        };
        Ok(RawRequest {
            method: message.method,
            target,
            headers: message.headers,
            body,
        })
    }

    /// The document with its XML signature, where there is one.
    fn xml_signed(&self, body: Vec<u8>) -> Result<Vec<u8>, ConnectorError> {
        let rule = self.wiring.xml_sign(self.plan.sends).filter(|_| self.plan.has_body());
        let Some(rule) = rule else { return Ok(body) };
        let charset = self.wiring.charset;
        let text = charset
            .decode(&body)
            .map_err(|e| unwritable(&ReadError::Broken(e.to_string())))?;
        let signed = rule.sign(&text, self.context.secrets).map_err(|error| match error {
            XmlSignError::NoSecret(name) => ConnectorError::SecretMissing(name),
            other => ConnectorError::Manifest(other.to_string()),
        })?;
        dialect::encode(charset, &signed, self.plan.sends).map_err(|e| unwritable(&e))
    }

    /// The address that the upstream announced for this call, relative to where it did.
    fn announced(&self) -> Result<Option<String>, ConnectorError> {
        let Some(name) = &self.plan.at else { return Ok(None) };
        let told = self.session.and_then(|s| s.values.get(name));
        let told = told.ok_or_else(|| ConnectorError::Misfit {
            place: name.clone(),
            expected: "an announced address".to_owned(),
            got: "nothing".to_owned(),
            effect_unknown: false,
        })?;
        Ok(Some(resolve(told, &self.announced_at)))
    }

    fn headers(&self, message: &mut Message, boundary: &str) -> Result<(), ConnectorError> {
        let plan = self.plan;
        let accept = match plan.answers {
            Format::Json if plan.accept.is_some() => plan.accept.unwrap_or_default(),
            Format::Protobuf => protobuf::CONTENT_TYPE,
            Format::Json => "application/json",
            Format::Xml | Format::Soap => "text/xml, application/xml, application/soap+xml",
            _ => "*/*",
        };
        if message.header("Accept").is_none() {
            message.set_header("Accept", accept);
        }
        if plan.has_body() {
            let content_type = plan
                .content_type
                .clone()
                .unwrap_or_else(|| content_type(plan, self.wiring.charset, boundary));
            message.set_header("Content-Type", content_type);
            if plan.sends == Format::Soap && !soap::is_12(&plan.frame) {
                message.set_header(
                    "SOAPAction",
                    format!("\"{}\"", soap::action(&plan.frame, plan.element())),
                );
            }
        }
        let unsendable = message
            .headers
            .iter()
            .find(|(_, v)| v.chars().any(char::is_control) || !v.is_ascii());
        match unsendable {
            None => Ok(()),
            Some((name, _)) => Err(ConnectorError::Input {
                place: format!("header {name}"),
                expected: Text::new("可写入请求头的 ASCII 文本", "ASCII text that a header can carry"),
            }),
        }
    }
}

/// HTTP Basic (RFC 7617); at token endpoints both are escaped as in a form first (RFC 6749, section 2.3.1).
pub(crate) fn basic(user: &str, password: &str, form: bool) -> String {
    let written = |text: &str| match form {
        true => form::escape_bytes(text.as_bytes(), Escape::Form),
        false => text.to_owned(),
    };
    let pair = format!("{}:{}", written(user), written(password));
    format!("Basic {}", STANDARD.encode(pair))
}

/// Media type of a request's body.
fn content_type(plan: &Plan, charset: Charset, boundary: &str) -> String {
    let with_charset = |kind: &str| format!("{kind}; charset={}", charset.label());
    match plan.sends {
        Format::Json if plan.accept.is_some() => plan.accept.unwrap_or_default().to_owned(),
        Format::Json if charset == Charset::Utf8 => json::CONTENT_TYPE.to_owned(),
        Format::Json => with_charset(json::CONTENT_TYPE),
        Format::Form => with_charset(pairs::CONTENT_TYPE),
        Format::Xml => with_charset(xml::CONTENT_TYPE),
        Format::Soap => soap::content_type(&plan.frame, Some(&soap::action(&plan.frame, plan.element())))
            .replace("utf-8", &charset.label().to_ascii_lowercase()),
        Format::Multipart => multipart::content_type(boundary),
        Format::Protobuf => protobuf::CONTENT_TYPE.to_owned(),
        Format::Text | Format::Fixed | Format::Piped | Format::None => with_charset("text/plain"),
    }
}

/// The bytes of a request's body.
pub(crate) fn write_body(
    plan: &Plan,
    message: &Message,
    charset: Charset,
    boundary: &str,
) -> Result<Vec<u8>, ReadError> {
    if !plan.has_body() {
        return Ok(Vec::new());
    }
    let content = &message.body;
    let label = charset.label();
    match plan.sends {
        Format::Json => dialect::encode(charset, &json::write(content), plan.sends),
        Format::Form => {
            let text =
                pairs::write(&pairs::from_tree(content), charset).map_err(|e| ReadError::Broken(e.to_string()))?;
            Ok(text.into_bytes())
        }
        Format::Xml => {
            let text = xml::write(plan.document_root(), content, &plan.frame, Some(label.to_owned()))?;
            dialect::encode(charset, &text, plan.sends)
        }
        Format::Soap => {
            let text = soap::write(plan.element(), content.clone(), &message.head, &plan.frame, label)?;
            dialect::encode(charset, &text, plan.sends)
        }
        Format::Multipart => pairs::write_multipart(content, boundary, charset),
        Format::Text => {
            let text = scalar_text(content).unwrap_or_else(|| json::write(content));
            dialect::encode(charset, &text, plan.sends)
        }
        Format::Protobuf => protobuf::write(content, plan.messages()?),
        Format::Fixed | Format::Piped => record::write(
            content,
            plan.frame.layout.as_ref().unwrap_or(&NO_LAYOUT),
            plan.sends,
            charset,
        ),
        Format::None => Ok(Vec::new()),
    }
}

/// For a record whose fields nobody named; loading refuses such manifests.
static NO_LAYOUT: Layout = Layout {
    length: None,
    whole: false,
    separator: String::new(),
    trailing: false,
    fields: Vec::new(),
    rows: None,
    of: Vec::new(),
};

fn unsigned(error: SignError) -> ConnectorError {
    match error {
        SignError::NoSecret(name) => ConnectorError::SecretMissing(name),
        SignError::Text(words) => unwritable(&ReadError::Broken(words)),
        SignError::Body => unwritable(&ReadError::Broken("a body that cannot be written".to_owned())),
        other => ConnectorError::Manifest(format!("the request cannot be signed: {other}")),
    }
}

fn unsealed(error: SealError) -> ConnectorError {
    match error {
        SealError::Made(SignError::NoSecret(name)) => ConnectorError::SecretMissing(name),
        SealError::Content(words) => unwritable(&ReadError::Broken(words)),
        other => ConnectorError::Manifest(format!("the request cannot be sealed: {other}")),
    }
}

fn unwritable(error: &ReadError) -> ConnectorError {
    ConnectorError::Input {
        place: String::new(),
        expected: Text::new(
            "上游系统能表示的内容（字符集或格式不支持）",
            format!("what the upstream can carry: {error}"),
        ),
    }
}

/// JSON pointer to the first text that a charset has no bytes for.
fn unsaid(value: &Value, charset: Charset) -> Option<String> {
    let below = |name: &str, value: &Value| Some(format!("/{}{}", escape(name), unsaid(value, charset)?));
    match value {
        Value::String(text) => charset.encode(text).is_err().then(String::new),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(n, item)| below(&n.to_string(), item)),
        Value::Object(members) => members.iter().find_map(|(name, member)| below(name, member)),
        _ => None,
    }
}

fn is_content(item: &SendItem) -> bool {
    use crate::mapping::template::{Piece, Template};
    matches!(&*item.value, Template::Pieces(p) if matches!(p.as_slice(), [Piece::File(part)] if part == "content"))
}

/// Members in the order an upstream insists on; the others behind them as they were.
pub(crate) fn ordered(tree: Value, order: &[String]) -> Value {
    match tree {
        Value::Object(mut map) if !order.is_empty() => {
            let mut sorted = serde_json::Map::new();
            for name in order {
                if let Some(value) = map.shift_remove(name) {
                    sorted.insert(name.clone(), value);
                }
            }
            sorted.extend(map);
            Value::Object(sorted)
        }
        other => other,
    }
}
