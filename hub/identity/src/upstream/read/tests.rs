//! What is wrong with a file is said with its place; the shipped examples and the schema agree with the reader.

use crate::upstream::{Around, Dialect, Providers, schema};
use hub_catalog::document::Document;
use hub_core::{Assurance, Finding};

fn read(text: &str) -> Result<Providers, Vec<Finding>> {
    let document = Document::parse("test.yaml", text.as_bytes()).unwrap();
    let variables = |name: &str| (name == "IDENTITY_HOST").then(|| "id.example".to_owned());
    let around = Around {
        variables: &variables,
        beside: &|name| (name == "idp.xml").then(|| METADATA.replace("CERTIFICATE", KEY)),
    };
    Providers::from_documents(vec![("test".to_owned(), document)], &around)
}

const OIDC: &str = "name: {zh: 测, en: T}\ndialect: oidc\nissuer: https://id.example\nclient: {id: hub}\nmost: R2\n";
const CALLS: &str = "name: {zh: 测, en: T}\ndialect: oauth2\nissuer: https://id.example\nmost: R2\nsubject: id\n\
                     authorize: {url: 'https://id.example/a', send: {s: '{state}'}}\n\
                     calls:\n  - {url: 'https://id.example/t', query: {code: '{code}'}, take: {id: id}}\n";

const KEY: &str = include_str!("../../../../crypto/tests/rsa/public.b64");
const SAML: &str = "name: {zh: 测, en: T}\ndialect: saml\nissuer: urn:idp\nmost: R2\nsso: https://id.example/sso\ncertificates: [KEY]\n";
const METADATA: &str = r#"<EntitiesDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#">
  <EntityDescriptor entityID="urn:other"><SPSSODescriptor/></EntityDescriptor>
  <EntityDescriptor entityID="urn:idp"><IDPSSODescriptor>
    <KeyDescriptor use="encryption"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>x</ds:X509Certificate></ds:X509Data></ds:KeyInfo></KeyDescriptor>
    <KeyDescriptor><ds:KeyInfo><ds:X509Data><ds:X509Certificate>CERTIFICATE</ds:X509Certificate></ds:X509Data></ds:KeyInfo></KeyDescriptor>
    <SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://id.example/slo" ResponseLocation="https://id.example/slo/answer"/>
    <SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://id.example/sso/post"/>
    <SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://id.example/sso"/>
  </IDPSSODescriptor></EntityDescriptor></EntitiesDescriptor>"#;

fn shipped() -> Vec<(String, Document)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/identity");
    let files = folder.read_dir().unwrap().map(|e| e.unwrap().path());
    files
        .map(|path| {
            let id = path.file_stem().unwrap().to_string_lossy().into_owned();
            let document = Document::parse(&path.display().to_string(), &std::fs::read(&path).unwrap()).unwrap();
            (id, document)
        })
        .collect()
}

#[test]
fn the_shipped_examples_are_right_and_off() {
    let documents = shipped();
    assert!(documents.len() >= 9);
    let schema = schema();
    let validator = jsonschema::options().offline().build(&schema).unwrap();
    for (id, document) in &documents {
        let lines = document.source().lines().count();
        assert!(lines <= 60, "{id} has {lines} lines");
        let wrong: Vec<String> = validator
            .iter_errors(&document.value)
            .map(|e| format!("{e} at {}", e.instance_path()))
            .collect();
        assert_eq!(wrong, Vec::<String>::new(), "{id}");
    }
    let around = Around {
        variables: &|_| None,
        beside: &|_| None,
    };
    let providers = Providers::from_documents(documents, &around).unwrap();
    assert!(providers.all().iter().all(|p| !p.active));
}

#[test]
fn variables_and_defaults() {
    let text = OIDC.replace("https://id.example", "https://${IDENTITY_HOST}");
    let read = read(&text).unwrap();
    let file = &read.all()[0];
    assert_eq!(
        (file.issuer.as_str(), file.active, file.inner),
        ("https://id.example", true, false)
    );
    assert_eq!(file.assurance.of(Some("R4")), Assurance::R0, "no table, no worth");
    let Dialect::Oidc(oidc) = &file.dialect else { panic!() };
    assert!(oidc.scope == ["openid"] && !oidc.userinfo && oidc.pushed);
}

/// What is reported of a file with one thing changed: code, pointer, line.
fn told(text: &str, from: &str, to: &str) -> Vec<(String, String, usize)> {
    assert!(text.contains(from), "{from}");
    let found = read(&text.replace(from, to)).err().unwrap_or_default();
    found.into_iter().map(|f| (f.code, f.pointer, f.line)).collect()
}

#[test]
fn every_slip_is_told_with_its_place() {
    let one = |code: &str, pointer: &str, line| vec![(code.to_owned(), pointer.to_owned(), line)];
    assert_eq!(told(OIDC, "most: R2", "most: R9"), one("unknown-name", "/most", 5));
    assert_eq!(told(OIDC, "most: R2\n", ""), one("missing-key", "", 1));
    assert_eq!(told(OIDC, "dialect: oidc", "dialect: odic")[0].0, "unknown-name");
    assert_eq!(
        told(OIDC, "most: R2", "most: R2\nserver: https://x"),
        one("unknown-key", "/server", 6)
    );
    assert_eq!(told(OIDC, "https://id", "http://id"), one("wrong-value", "/issuer", 3));
    assert_eq!(
        told(OIDC, "https://id", "https://u:p@id"),
        one("wrong-value", "/issuer", 3)
    );
    assert_eq!(
        told(OIDC, "most: R2", "most: R2\nsubject: email"),
        one("unknown-key", "/subject", 6)
    );
    assert_eq!(
        told(OIDC, "most: R2", "most: R2\nalgorithms: [HS256]"),
        one("unknown-name", "/algorithms/0", 6)
    );
    assert_eq!(
        told(OIDC, "most: R2", "most: R2\nclaims: {email: email}"),
        one("unknown-key", "/claims/email", 6)
    );
    assert_eq!(
        told(OIDC, "most: R2", "most: R2\nclaims: {uscc: a}"),
        one("missing-key", "/claims", 6)
    );
    assert_eq!(
        told(OIDC, "id.example", "${OTHER}")[0],
        one("missing-variable", "/issuer", 3)[0]
    );
    assert_eq!(told(OIDC, "{id: hub}", "{}"), one("missing-key", "/client", 4));
    assert_eq!(told(CALLS, "subject: id\n", ""), one("missing-key", "", 1));
    assert_eq!(
        told(CALLS, "'{code}'", "'{cod}'"),
        one("wrong-template", "/calls/0/query/code", 8)
    );
    assert_eq!(
        told(CALLS, "take: {id: id}", "take: {id: 'a##b'}"),
        one("wrong-value", "/calls/0/take/id", 8)
    );
    assert_eq!(
        told(CALLS, "take: {id: id}", "tkae: {id: id}"),
        one("unknown-key", "/calls/0/tkae", 8)
    );
    assert_eq!(
        told(CALLS, "take: {id: id}", "sign: {digest: md4, into: s}")[0].0,
        "wrong-recipe"
    );
    assert_eq!(
        told(CALLS, "take: {id: id}", "charset: klingon"),
        one("unknown-name", "/calls/0/charset", 8)
    );
    assert_eq!(
        told(CALLS, "send: {s: '{state}'}", "state_length: 8"),
        one("wrong-value", "/authorize/state_length", 6)
    );
}

#[test]
fn a_secret_that_stands_in_a_file_is_not_repeated() {
    let found = read(&OIDC.replace("{id: hub}", "{id: hub, secret: topsecret}")).unwrap_err();
    assert_eq!(found[0].pointer, "/client/secret");
    assert!(!format!("{found:?}").contains("topsecret"));
}

#[test]
fn headers_need_a_time_and_all_that_is_taken_under_the_signature() {
    let good = "name: {zh: 测, en: T}\ndialect: header\nissuer: gw\nmost: R2\nsubject: user\ntake: {user: x-uid}\nsign:\n  \
                template: '{timestamp}{secret}{header:x-uid}'\n  digest: sha256\n  secret: secret:t\n  into: header x-sign\n  \
                seen: {timestamp: header x-time}\n";
    assert!(read(good).is_ok(), "{:?}", read(good).err());
    assert_eq!(
        told(good, "take: {user: x-uid}", "take: {user: x-name}")[0].1,
        "/take/user"
    );
    assert_eq!(told(good, "'{timestamp}{secret}", "'{secret}")[0].1, "/sign");
    assert_eq!(told(good, "  seen: {timestamp: header x-time}\n", "")[0].1, "/sign");
}

#[test]
fn a_saml_provider_by_its_file_or_by_its_metadata() {
    let file = SAML.replace("KEY", &KEY.split_whitespace().collect::<String>());
    let of = |text: &str| match read(text).unwrap().all()[0].dialect.clone() {
        Dialect::Saml(saml) => saml,
        _ => panic!(),
    };
    let plain = of(&file);
    assert!(!plain.post && !plain.sha1 && plain.skew == 60 && plain.logout.is_none());
    let described = "name: {zh: 测, en: T}\ndialect: saml\nmetadata: idp.xml\nmost: R2\n";
    let saml = of(described);
    assert_eq!((saml.sso.as_str(), &saml.keys), ("https://id.example/sso", &plain.keys));
    assert_eq!(saml.logout.unwrap().as_str(), "https://id.example/slo/answer");
    assert_eq!(read(described).unwrap().all()[0].issuer, "urn:idp");
    let posting = of(&format!("{described}binding: post\n"));
    assert!(posting.post && posting.sso.path() == "/sso/post");

    let one = |code: &str, pointer: &str| vec![(code.to_owned(), pointer.to_owned())];
    let told = |from: &str, to: &str| -> Vec<(String, String)> {
        told(&file, from, to)
            .into_iter()
            .map(|(code, place, _)| (code, place))
            .collect()
    };
    assert_eq!(told("sso: https://id.example/sso\n", ""), one("missing-key", ""));
    assert_eq!(told("most: R2", "most: R2\nskew: 900"), one("wrong-value", "/skew"));
    assert_eq!(
        told("most: R2", "most: R2\nsigned: both"),
        one("unknown-name", "/signed")
    );
    assert_eq!(told("most: R2", "most: R2\nname_id: transient"), one("missing-key", ""));
    assert_eq!(
        told("most: R2", "most: R2\nsigning: {key: hunter2}")[0],
        one("wrong-value", "/signing/key")[0]
    );
    assert_eq!(
        told("most: R2", "most: R2\ncertificate: x"),
        one("unknown-key", "/certificate")
    );
    assert_eq!(
        told("certificates: [", "certificates: [AAAA, "),
        one("wrong-value", "/certificates/0")
    );
    for name in ["../idp.xml", "/etc/idp.xml", ".idp.xml", "other.xml", "idp.yaml"] {
        let found = told("most: R2", &format!("most: R2\nmetadata: {name}"));
        assert_eq!(found, one("wrong-value", "/metadata"), "{name}");
    }
}
