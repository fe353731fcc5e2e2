//! How we describe ourselves to a provider (SAML Metadata 2.4.4).

use super::super::file::Saml;
use super::xml::escaped;
use super::{METADATA, POST, PROTOCOL, REDIRECT};

/// Our metadata at a provider: `entity` is our name there, `base` the address below which our doors for it are.
pub(crate) fn described(saml: &Saml, entity: &str, base: &str) -> String {
    let signing = saml.signing.as_ref();
    let key = signing.and_then(|s| s.certificate.as_deref()).map(|certificate| {
        format!(
            "<md:KeyDescriptor use=\"signing\"><ds:KeyInfo xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:X509Data>\
             <ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
        )
    });
    let (entity, base) = (escaped(entity), escaped(base));
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <md:EntityDescriptor xmlns:md=\"{METADATA}\" entityID=\"{entity}\">\
         <md:SPSSODescriptor AuthnRequestsSigned=\"{}\" WantAssertionsSigned=\"{}\" protocolSupportEnumeration=\"{PROTOCOL}\">{}\
         <md:SingleLogoutService Binding=\"{REDIRECT}\" Location=\"{base}/logout\"/>\
         <md:SingleLogoutService Binding=\"{POST}\" Location=\"{base}/logout\"/>\
         <md:NameIDFormat>{}</md:NameIDFormat>\
         <md:AssertionConsumerService Binding=\"{POST}\" Location=\"{base}/callback\" index=\"0\" isDefault=\"true\"/>\
         </md:SPSSODescriptor></md:EntityDescriptor>\n",
        signing.is_some(),
        saml.signed != super::super::file::Signed::Response,
        key.unwrap_or_default(),
        saml.name_id.uri(),
    )
}
