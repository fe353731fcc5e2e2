//! XML signatures of upstreams (W3C XML Signature 1.1; OASIS Web Services Security X.509 Token Profile 1.1), both halves: where a
//! signature stands and what it covers. Canonicalising, digesting and signing is [`hub_crypto`]'s.
//!
//! A signature that is right is not enough: it must cover what is read. Here that is the document as a whole, or the body
//! of the SOAP envelope, and nothing else is accepted.

use crate::context::Secrets;
use hub_crypto::{CryptoError, xml_sign, xml_verify};

const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
const C14N: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
const WSSE: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
const WSU: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";
const X509: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3";
const BASE64: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary";

/// How XML is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct XmlSign {
    pub kind: Kind,
    pub method: Method,
    /// Name of the private key.
    pub secret: String,
    /// Name of the certificate that goes along.
    pub certificate: Option<String>,
    /// Name of the other side's certificate or public key.
    pub verify: Option<String>,
    /// Whether answers are signed too.
    pub answers: bool,
}

/// Where the signature stands and what it covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// In the SOAP header, over the SOAP body.
    Wsse,
    /// In the document, over all of it.
    Enveloped,
}

/// Signature and digest method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    RsaSha256,
    RsaSha1,
    EcdsaSha256,
}

impl Method {
    fn uris(self) -> (&'static str, &'static str) {
        let sha256 = "http://www.w3.org/2001/04/xmlenc#sha256";
        match self {
            Self::RsaSha256 => ("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", sha256),
            Self::EcdsaSha256 => ("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", sha256),
            Self::RsaSha1 => (
                "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
                "http://www.w3.org/2000/09/xmldsig#sha1",
            ),
        }
    }
}

/// Why a document is not signed, or not signed right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum XmlSignError {
    #[error("the secret `{0}` is not set")]
    NoSecret(String),
    #[error("the secret `{0}` is no key or certificate in PEM or base64")]
    Key(String),
    #[error("the document has no place for a signature")]
    Place,
    #[error("the document cannot be signed")]
    Failed,
    #[error("the signature of the document does not match")]
    Mismatch,
    #[error("the signature does not cover what is read")]
    Uncovered,
}

impl XmlSign {
    /// Names of the secrets it needs.
    pub fn secrets(&self) -> Vec<String> {
        let names = [Some(&self.secret), self.certificate.as_ref(), self.verify.as_ref()];
        names.into_iter().flatten().cloned().collect()
    }

    /// The document with its signature.
    pub fn sign(&self, document: &str, secrets: &dyn Secrets) -> Result<String, XmlSignError> {
        let certificate = match &self.certificate {
            Some(name) => Some(bare(&secret(secrets, name)?)),
            None => None,
        };
        let template = match self.kind {
            Kind::Wsse => self.in_header(document, certificate.as_deref())?,
            Kind::Enveloped => self.in_document(document, certificate.as_deref())?,
        };
        let key = secret(secrets, &self.secret)?;
        xml_sign(&key, &template).map_err(|error| self::error(error, &self.secret, XmlSignError::Failed))
    }

    /// Whether a document is signed by the holder of the key of this name, over what is read of it.
    pub fn check(&self, document: &str, name: &str, secrets: &dyn Secrets) -> Result<(), XmlSignError> {
        let key = secret(secrets, name)?;
        let covered = xml_verify(&key, document);
        let covered = covered.map_err(|error| self::error(error, name, XmlSignError::Mismatch))?;
        let parsed = roxmltree::Document::parse(document).map_err(|_| XmlSignError::Mismatch)?;
        let root = parsed.root_element();
        let id = |node: roxmltree::Node<'_, '_>| {
            let own = node.attributes().find(|a| a.name() == "Id");
            own.map(|a| format!("#{}", a.value())).unwrap_or_default()
        };
        let wanted = match self.kind {
            Kind::Enveloped => [String::new(), id(root)],
            Kind::Wsse => {
                let body = root.children().find(|n| n.tag_name().name() == "Body");
                let id = id(body.ok_or(XmlSignError::Uncovered)?);
                [id.clone(), id]
            }
        };
        let fits = |uri: &String| wanted.iter().any(|w| w == uri) && (self.kind == Kind::Enveloped || !uri.is_empty());
        if covered.iter().any(fits) {
            Ok(())
        } else {
            Err(XmlSignError::Uncovered)
        }
    }

    /// Name of the key that checks what the other side signs.
    pub fn theirs(&self) -> &str {
        self.verify.as_deref().unwrap_or(&self.secret)
    }

    fn in_header(&self, document: &str, certificate: Option<&str>) -> Result<String, XmlSignError> {
        let body = document.find("<soap:Body").ok_or(XmlSignError::Place)?;
        let token = certificate.map(|text| {
            format!("<wsse:BinarySecurityToken EncodingType=\"{BASE64}\" ValueType=\"{X509}\" wsu:Id=\"X509\">{text}</wsse:BinarySecurityToken>")
        });
        let info = certificate.map(|_| {
            format!("<ds:KeyInfo><wsse:SecurityTokenReference><wsse:Reference URI=\"#X509\" ValueType=\"{X509}\"/></wsse:SecurityTokenReference></ds:KeyInfo>")
        });
        let signature = self.skeleton("#Body", "", info.as_deref());
        let inside = format!("{}{signature}", token.unwrap_or_default());
        let (before, after) = document.split_at_checked(body).ok_or(XmlSignError::Place)?;
        let after = after.replacen(
            "<soap:Body",
            &format!("<soap:Body xmlns:wsu=\"{WSU}\" wsu:Id=\"Body\""),
            1,
        );
        let security = format!(
            "<wsse:Security xmlns:wsse=\"{WSSE}\" xmlns:wsu=\"{WSU}\" soap:mustUnderstand=\"1\">{inside}</wsse:Security>"
        );
        // Beside a user and a password the signature stands in the same element.
        let before = if let Some((left, right)) = before.split_once("</wsse:Security>") {
            format!("{left}{inside}</wsse:Security>{right}")
        } else if let Some((left, right)) = before.split_once("</soap:Header>") {
            format!("{left}{security}</soap:Header>{right}")
        } else {
            format!("{before}<soap:Header>{security}</soap:Header>")
        };
        Ok(before + &after)
    }

    fn in_document(&self, document: &str, certificate: Option<&str>) -> Result<String, XmlSignError> {
        let info = certificate.map(|text| {
            format!(
                "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{text}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
            )
        });
        let enveloped = format!("<ds:Transform Algorithm=\"{ENVELOPED}\"/>");
        let signature = self.skeleton("", &enveloped, info.as_deref());
        let end = document.rfind("</").ok_or(XmlSignError::Place)?;
        let (before, after) = document.split_at_checked(end).ok_or(XmlSignError::Place)?;
        Ok(format!("{before}{signature}{after}"))
    }

    fn skeleton(&self, uri: &str, transform: &str, info: Option<&str>) -> String {
        let (method, digest) = self.method.uris();
        format!(
            "<ds:Signature xmlns:ds=\"{DS}\"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm=\"{C14N}\"/>\
             <ds:SignatureMethod Algorithm=\"{method}\"/><ds:Reference URI=\"{uri}\"><ds:Transforms>{transform}\
             <ds:Transform Algorithm=\"{C14N}\"/></ds:Transforms><ds:DigestMethod Algorithm=\"{digest}\"/>\
             <ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/>{}</ds:Signature>",
            info.unwrap_or_default()
        )
    }
}

fn secret(secrets: &dyn Secrets, name: &str) -> Result<String, XmlSignError> {
    secrets.get(name).ok_or_else(|| XmlSignError::NoSecret(name.to_owned()))
}

fn error(error: CryptoError, name: &str, otherwise: XmlSignError) -> XmlSignError {
    match error {
        CryptoError::Key(_) => XmlSignError::Key(name.to_owned()),
        _ => otherwise,
    }
}

/// Base64 without the lines around it.
fn bare(text: &str) -> String {
    let kept = text.lines().map(str::trim).filter(|line| !line.starts_with("-----"));
    kept.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    const KEY: &str = include_str!("../../hub/crypto/tests/rsa/pkcs8.b64");
    const PUBLIC: &str = include_str!("../../hub/crypto/tests/rsa/public.b64");
    const CERTIFICATE: &str = include_str!("xmlsig/certificate.b64");
    const SOAP: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\">\
                        <soap:Body><q xmlns=\"urn:q\"><xm>张三 &amp; 李四</xm></q></soap:Body></soap:Envelope>";

    fn secrets() -> BTreeMap<String, String> {
        [("key", KEY), ("public", PUBLIC), ("certificate", CERTIFICATE)]
            .map(|(n, v)| (n.to_owned(), v.to_owned()))
            .into()
    }

    fn rule(kind: Kind) -> XmlSign {
        XmlSign {
            kind,
            method: Method::RsaSha256,
            secret: "key".into(),
            certificate: Some("certificate".into()),
            verify: Some("public".into()),
            answers: false,
        }
    }

    #[test]
    fn an_envelope_is_signed_over_its_body() {
        let rule = rule(Kind::Wsse);
        let signed = rule.sign(SOAP, &secrets()).unwrap();
        assert!(signed.contains("BinarySecurityToken") && !signed.contains("<ds:SignatureValue/>"));
        for name in ["public", "certificate", "key"] {
            rule.check(&signed, name, &secrets()).unwrap();
        }
        let changed = signed.replace("李四", "王五");
        assert_eq!(rule.check(&changed, "public", &secrets()), Err(XmlSignError::Mismatch));
        assert_eq!(rule.check(SOAP, "public", &secrets()), Err(XmlSignError::Mismatch));
        // The signed body moved aside and another one put in its place.
        let start = signed.find("<soap:Body").unwrap();
        let end = signed.find("</soap:Envelope>").unwrap();
        let wrapped = format!(
            "{}<wrap>{}</wrap><soap:Body><q xmlns=\"urn:q\"><xm>x</xm></q></soap:Body></soap:Envelope>",
            &signed[..start],
            &signed[start..end]
        );
        assert_eq!(rule.check(&wrapped, "public", &secrets()), Err(XmlSignError::Uncovered));
    }

    #[test]
    fn a_document_signed_by_another_tool_is_verified() {
        // Signed with signxml (Python) over the whole document, exclusive canonicalisation, the key of this test.
        let rule = rule(Kind::Enveloped);
        let foreign = include_str!("xmlsig/foreign.xml");
        rule.check(foreign, "public", &secrets()).unwrap();
        let changed = foreign.replace("<je>1280.50</je>", "<je>1280.51</je>");
        assert_eq!(rule.check(&changed, "public", &secrets()), Err(XmlSignError::Mismatch));
    }

    #[test]
    fn keys_in_the_document_are_not_believed() {
        let rule = rule(Kind::Enveloped);
        let signed = rule.sign("<a><b>1</b></a>", &secrets()).unwrap();
        rule.check(&signed, "certificate", &secrets()).unwrap();
        let mut others = secrets();
        let (_, public) = hub_crypto::rsa_generate().unwrap();
        others.insert("public".into(), public);
        assert_eq!(rule.check(&signed, "public", &others), Err(XmlSignError::Mismatch));
        others.insert("public".into(), "hunter2".into());
        let error = rule.check(&signed, "public", &others).unwrap_err();
        assert_eq!(error, XmlSignError::Key("public".into()));
        assert!(!error.to_string().contains("hunter2"));
    }
}
