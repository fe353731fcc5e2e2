//! A SAML provider that signs whatever a test wants said.

use crate::channel::{Browser, Channel, query};
use crate::support::{Got, TestHub};
use crate::upstream::{come_back, depart};
use flate2::read::DeflateDecoder;
use hub_core::time::Timestamp;
use hub_crypto::{EcdsaKey, base64, from_base64, hex, random, xml_sign};
use std::io::Read;

pub const IDP: &str = "https://idp.example/metadata";
pub const SSO: &str = "https://idp.example/sso";
pub const SLO: &str = "https://idp.example/slo";

const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
pub const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";

/// A key on P-256: private half; the public half is read out of it.
pub fn key() -> String {
    base64(EcdsaKey::generate().unwrap().pkcs8())
}

/// The public half as SubjectPublicKeyInfo.
pub fn public(key: &str) -> String {
    let pair = EcdsaKey::from_pkcs8(&from_base64(key).unwrap()).unwrap();
    // SubjectPublicKeyInfo of a point on P-256 (RFC 5480, 2).
    let head = [
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
        0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
    ];
    base64(&[head.as_slice(), pair.public_point()].concat())
}

/// A provider's file.
pub fn file(keys: &[&str], more: &str) -> String {
    format!(
        "name: {{zh: 校园, en: Campus}}\ndialect: saml\nissuer: {IDP}\nsso: {SSO}\nlogout: {SLO}\ncertificates: {keys:?}\n\
         claims: {{name: displayName, mobile: 'urn:oid:0.9.2342.19200300.100.1.41'}}\n\
         assurance: {{from: authn_context, table: {{'urn:c:sms': R1, 'urn:c:card': R3}}, else: R0}}\nmost: R3\n{more}"
    )
}

/// What a hub asked.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The request.
    pub xml: String,
    pub relay: String,
    pub id: String,
    pub acs: String,
    pub entity: String,
    pub address: String,
}

pub fn attribute(xml: &str, name: &str) -> String {
    let document = roxmltree::Document::parse(xml).unwrap();
    document.root_element().attribute(name).unwrap_or_default().to_owned()
}

pub fn inflate(text: &str) -> String {
    let mut out = String::new();
    let bytes = from_base64(text).unwrap();
    DeflateDecoder::new(bytes.as_slice()).read_to_string(&mut out).unwrap();
    out
}

/// The request in an address.
pub fn asked(address: &str) -> Asked {
    let pairs = query(address);
    let xml = inflate(&pairs["SAMLRequest"]);
    let entity = xml
        .split("<saml:Issuer>")
        .nth(1)
        .unwrap()
        .split('<')
        .next()
        .unwrap()
        .to_owned();
    Asked {
        relay: pairs["RelayState"].clone(),
        id: attribute(&xml, "ID"),
        acs: attribute(&xml, "AssertionConsumerServiceURL"),
        entity,
        xml,
        address: address.to_owned(),
    }
}

/// From a client to the provider.
pub async fn leave(channel: &Channel<'_>, browser: &mut Browser, more: &[(&str, &str)]) -> Asked {
    asked(&depart(channel, browser, "campus", more).await)
}

pub fn at(seconds: i64) -> String {
    let now = Timestamp::now().as_second();
    Timestamp::from_second(now + seconds).unwrap().to_string()
}

fn fresh() -> String {
    format!("_{}", hex(&random::<16>().unwrap()))
}

/// An empty signature over the element of an id.
pub fn skeleton(id: &str) -> String {
    format!(
        "<ds:Signature xmlns:ds=\"{DS}\"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\"/>\
         <ds:SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256\"/><ds:Reference URI=\"#{id}\">\
         <ds:Transforms><ds:Transform Algorithm=\"{DS}enveloped-signature\"/><ds:Transform Algorithm=\"{EXCLUSIVE}\"/></ds:Transforms>\
         <ds:DigestMethod Algorithm=\"{SHA256}\"/><ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/></ds:Signature>"
    )
}

/// An assertion about `person` that answers what was asked, without its signature.
pub fn assertion(asked: &Asked, person: &str) -> String {
    let (id, now, soon, before) = (fresh(), at(0), at(300), at(-30));
    let (acs, request, entity) = (&asked.acs, &asked.id, &asked.entity);
    format!(
        "<saml:Assertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"{id}\" Version=\"2.0\" IssueInstant=\"{now}\">\
         <saml:Issuer>{IDP}</saml:Issuer><saml:Subject>\
         <saml:NameID Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\">{person}</saml:NameID>\
         <saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"><saml:SubjectConfirmationData \
         NotOnOrAfter=\"{soon}\" Recipient=\"{acs}\" InResponseTo=\"{request}\"/></saml:SubjectConfirmation></saml:Subject>\
         <saml:Conditions NotBefore=\"{before}\" NotOnOrAfter=\"{soon}\"><saml:AudienceRestriction><saml:Audience>{entity}</saml:Audience>\
         </saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant=\"{now}\" SessionIndex=\"s-{person}\">\
         <saml:AuthnContext><saml:AuthnContextClassRef>urn:c:sms</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>\
         <saml:AttributeStatement><saml:Attribute Name=\"urn:oid:2.16.840.1.113730.3.1.241\" FriendlyName=\"displayName\">\
         <saml:AttributeValue>人物 {person}</saml:AttributeValue></saml:Attribute>\
         <saml:Attribute Name=\"urn:oid:0.9.2342.19200300.100.1.41\"><saml:AttributeValue>13800000000</saml:AttributeValue>\
         </saml:Attribute></saml:AttributeStatement></saml:Assertion>"
    )
}

/// A response with these assertions in it.
pub fn response(asked: &Asked, inside: &str) -> String {
    let (id, now, acs, request) = (fresh(), at(0), &asked.acs, &asked.id);
    format!(
        "<samlp:Response xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\" xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" \
         ID=\"{id}\" Version=\"2.0\" IssueInstant=\"{now}\" Destination=\"{acs}\" InResponseTo=\"{request}\"><saml:Issuer>{IDP}</saml:Issuer>\
         <samlp:Status><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"/></samlp:Status>{inside}</samlp:Response>"
    )
}

/// A document signed by a key: the signature follows the Issuer, as the schemas want it.
pub fn signed(document: &str, key: &str) -> String {
    let id = attribute(document, "ID");
    let (before, after) = document.split_once("</saml:Issuer>").unwrap();
    xml_sign(key, &format!("{before}</saml:Issuer>{}{after}", skeleton(&id))).unwrap()
}

/// The usual: a response with one signed assertion.
pub fn usual(asked: &Asked, person: &str, key: &str) -> String {
    response(asked, &signed(&assertion(asked, person), key))
}

/// What the hub answers the form that a provider's page posts: it comes without the browser's cookie.
pub async fn posted(hub: &TestHub, asked: &Asked, document: &str) -> Got {
    let encoded = base64(document.as_bytes());
    let form = [("SAMLResponse", encoded.as_str()), ("RelayState", asked.relay.as_str())];
    let path = asked.acs.strip_prefix(&hub.ready().base_url).unwrap();
    Browser::new(hub).ask("POST", path, Some(&form)).await
}

/// The same, and on with the browser.
pub async fn back(hub: &TestHub, browser: &mut Browser, asked: &Asked, document: &str) -> Got {
    let got = posted(hub, asked, document).await;
    match got.status {
        303 => come_back(browser, got.header("location")).await,
        _ => got,
    }
}

/// A time of an attribute, another one.
pub fn timed(text: &str, name: &str, time: &str) -> String {
    let (before, rest) = text.split_once(&format!(" {name}=\"")).unwrap();
    let (_, after) = rest.split_once('"').unwrap();
    format!("{before} {name}=\"{time}\"{after}")
}
