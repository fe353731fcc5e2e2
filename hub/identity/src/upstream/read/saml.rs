//! What a file, and the metadata that it names, say of a SAML provider.

use super::Reader;
use crate::upstream::file::{NameId, Saml, Signed, Signing};
use crate::upstream::saml::Described;
use hub_core::Text;
use hub_crypto::public_key;
use serde_json::Value;
use url::Url;

/// How requests go.
pub(in crate::upstream) const BINDINGS: [(&str, bool); 2] = [("redirect", false), ("post", true)];
/// What has to be signed.
pub(in crate::upstream) const SIGNED: [(&str, Signed); 3] = [
    ("either", Signed::Either),
    ("response", Signed::Response),
    ("assertion", Signed::Assertion),
];
/// Kinds of names.
pub(in crate::upstream) const NAME_IDS: [(&str, NameId); 4] = [
    ("persistent", NameId::Persistent),
    ("email", NameId::Email),
    ("transient", NameId::Transient),
    ("unspecified", NameId::Unspecified),
];
/// How far clocks may be off if nothing is said, and at most, in seconds.
const SKEW: (i64, i64) = (60, 300);
/// Most keys of a provider.
const KEYS: usize = 8;

impl Reader<'_> {
    /// The provider's metadata, if the file names one.
    pub(super) fn metadata(&mut self) -> Option<Described> {
        let name = self.string("/metadata")?;
        let entity = self.doc.value("/issuer").and_then(Value::as_str).map(str::to_owned);
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        // A file of this folder and of no other.
        let is_plain = name.ends_with(".xml") && !name.starts_with('.') && name.bytes().all(plain);
        let text = Some(&name).filter(|_| is_plain).and_then(|n| (self.beside)(n));
        let described = text.and_then(|text| Described::read(&text, entity.as_deref()));
        if described.is_none() {
            let words = Text::new(
                "元数据文件不可用：要在本文件夹内，且只说明一个登录源（或 issuer 所指的那个），证书可读",
                "The metadata cannot be used: a file of this folder that describes one provider (or the one of issuer), with readable certificates",
            );
            let finding = self.doc.finding("wrong-value", "/metadata", words);
            self.findings
                .push(finding.expected("the name of an .xml file beside this one", name));
        }
        described
    }

    pub(super) fn saml(&mut self, described: Option<&Described>) -> Option<Saml> {
        let before = self.findings.len();
        let chosen = self.one_of("/binding", &BINDINGS);
        let (sso, post) = self.way_there(described, chosen);
        let logout = match self.doc.value("/logout") {
            Some(_) => self.address("/logout"),
            None => described
                .and_then(|d| d.logout.as_ref())
                .and_then(|url| self.described_address(url)),
        };
        let signing = self.signing();
        let skew = self
            .doc
            .value("/skew")
            .map(|v| v.as_i64().filter(|s| (0..=SKEW.1).contains(s)));
        if skew == Some(None) {
            let words = Text::new("时钟误差不可用", "The skew cannot be used");
            let finding = self.doc.finding("wrong-value", "/skew", words);
            self.findings
                .push(finding.expected("seconds, 0 to 300", "something else"));
        }
        let saml = Saml {
            sso: sso?,
            post,
            logout,
            keys: self.keys(described),
            signed: self.one_of("/signed", &SIGNED).unwrap_or(Signed::Either),
            sha1: self.flag("/sha1").unwrap_or(false),
            signing,
            name_id: self.one_of("/name_id", &NAME_IDS).unwrap_or(NameId::Persistent),
            skew: skew.flatten().unwrap_or(SKEW.0),
        };
        // A name that is another each time leads to nobody.
        if saml.name_id == NameId::Transient && self.doc.value("/subject").is_none() {
            self.missing("", "subject");
        }
        (self.findings.len() == before).then_some(saml)
    }

    /// Where browsers go, and whether with a form.
    fn way_there(&mut self, described: Option<&Described>, post: Option<bool>) -> (Option<Url>, bool) {
        if self.doc.value("/sso").is_some() {
            return (self.address("/sso"), post.unwrap_or(false));
        }
        let offered = described.map(|d| (d.redirect.as_ref(), d.post.as_ref()));
        let found = match (offered, post) {
            (Some((Some(url), _)), Some(false) | None) => Some((url, false)),
            (Some((_, Some(url))), Some(true) | None) => Some((url, true)),
            _ => None,
        };
        match found {
            Some((url, post)) => (self.described_address(url), post),
            None => {
                self.missing("", "sso");
                (None, false)
            }
        }
    }

    /// An address of the metadata, held to the same rules as one of the file.
    fn described_address(&mut self, text: &str) -> Option<Url> {
        let good = Url::parse(text).ok().filter(|url| self.takes(url));
        if good.is_none() {
            let words = Text::new("元数据里的地址不可用", "An address of the metadata cannot be used");
            let finding = self.doc.finding("wrong-value", "/metadata", words);
            self.findings
                .push(finding.expected("https://, or inner: true", text.to_owned()));
        }
        good
    }

    /// The keys that are believed: of the file and of the metadata.
    fn keys(&mut self, described: Option<&Described>) -> Vec<String> {
        let mut keys = described.map(|d| d.keys.clone()).unwrap_or_default();
        for (text, place) in self.doc.words("/certificates", &mut self.findings).unwrap_or_default() {
            match public_key(&text) {
                Ok(key) => keys.push(key),
                Err(_) => self.no_certificate(&place),
            }
        }
        keys.dedup();
        if keys.is_empty() {
            self.missing("", "certificates");
        }
        if keys.len() > KEYS {
            let words = Text::new("证书过多", "There are too many certificates");
            self.report("wrong-value", "/certificates", words);
        }
        keys
    }

    fn no_certificate(&mut self, place: &str) {
        let words = Text::new("不是证书或公钥", "This is no certificate and no public key");
        let finding = self.doc.finding("wrong-value", place, words);
        self.findings.push(finding.expected("PEM or base64", "something else"));
    }

    fn signing(&mut self) -> Option<Signing> {
        self.doc.object("/signing", &mut self.findings)?;
        self.doc
            .only_keys("/signing", &["key", "certificate"], &mut self.findings);
        let certificate = self.string("/signing/certificate");
        if certificate.as_ref().is_some_and(|c| public_key(c).is_err()) {
            self.no_certificate("/signing/certificate");
        }
        let key = self.secret("/signing/key");
        if key.is_none() {
            self.missing("/signing", "key");
        }
        let bare = |text: String| {
            text.lines()
                .map(str::trim)
                .filter(|l| !l.starts_with("-----"))
                .collect()
        };
        Some(Signing {
            key: key?,
            certificate: certificate.map(bare),
        })
    }
}
