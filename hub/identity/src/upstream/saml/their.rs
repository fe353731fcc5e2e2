//! What a provider's metadata says of it. The operator has put the file there, which is why it is believed.

use super::{METADATA, POST, REDIRECT, xml};
use hub_crypto::public_key;
use roxmltree::{Document, Node};

const DS: &str = "http://www.w3.org/2000/09/xmldsig#";

/// A provider as its metadata describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Described {
    /// Its entity id.
    pub(crate) entity: String,
    /// Where browsers go, with the request in the address.
    pub(crate) redirect: Option<String>,
    /// Where browsers go with a form.
    pub(crate) post: Option<String>,
    /// Where it takes answers to its word of a sign-out.
    pub(crate) logout: Option<String>,
    /// Its keys, SubjectPublicKeyInfo in base64.
    pub(crate) keys: Vec<String>,
}

impl Described {
    /// Out of its metadata; of several entities the one of this name.
    pub(crate) fn read(text: &str, entity: Option<&str>) -> Option<Self> {
        let document = Document::parse(text).ok()?;
        let all = document
            .descendants()
            .filter(|n| n.has_tag_name((METADATA, "EntityDescriptor")));
        let fitting = all.filter(|n| entity.is_none_or(|e| n.attribute("entityID") == Some(e)));
        let providers = fitting.filter_map(|n| Some((n, xml::below(n, METADATA, "IDPSSODescriptor").next()?)));
        let mut providers = providers.collect::<Vec<_>>().into_iter();
        let ((entity, provider), None) = (providers.next()?, providers.next()) else {
            return None;
        };
        let logout = |name| {
            let service = at(provider, "SingleLogoutService", REDIRECT)?;
            service.attribute(name).map(str::to_owned)
        };
        let location =
            |name: &str, binding: &str| at(provider, name, binding)?.attribute("Location").map(str::to_owned);
        Some(Self {
            entity: entity.attribute("entityID")?.to_owned(),
            redirect: location("SingleSignOnService", REDIRECT),
            post: location("SingleSignOnService", POST),
            logout: logout("ResponseLocation").or_else(|| logout("Location")),
            keys: keys(provider)?,
        })
    }
}

fn at<'a, 'i>(provider: Node<'a, 'i>, name: &str, binding: &str) -> Option<Node<'a, 'i>> {
    let mut all = provider.children().filter(|n| n.has_tag_name((METADATA, name)));
    all.find(|n| n.attribute("Binding") == Some(binding))
}

/// Keys that sign; a key without a use serves for all. One that cannot be read spoils the file, for it may be the one in use.
fn keys(provider: Node<'_, '_>) -> Option<Vec<String>> {
    let mut keys = Vec::new();
    for descriptor in xml::below(provider, METADATA, "KeyDescriptor") {
        if descriptor.attribute("use").is_some_and(|u| u != "signing") {
            continue;
        }
        let certificates = descriptor
            .descendants()
            .filter(|n| n.has_tag_name((DS, "X509Certificate")));
        for certificate in certificates {
            let text: String = certificate.text()?.split_whitespace().collect();
            keys.push(public_key(&text).ok()?);
        }
    }
    Some(keys)
}
