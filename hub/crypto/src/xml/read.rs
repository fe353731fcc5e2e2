//! What of a document somebody vouches for, and only that.
//!
//! One tree serves all: it is parsed once, the library verifies every signature on it, and the parts that were signed are
//! canonicalised from it. The digest of these bytes is compared once more with the signed one, so that what a caller reads is,
//! byte for byte, what the holder of the key has signed (CVE-2024-45409, CVE-2025-25291, CVE-2025-25292: readers that looked
//! elsewhere than the verifier did).

use super::context;
use crate::{ct_eq, from_base64};
use bergshamra::c14n::{C14nMode, canonicalize_doc};
use bergshamra::dsig::verify::verify_all_document_with_source;
use bergshamra::xml::uppsala::Parser;
use bergshamra::xml::{Document, NodeId, NodeKind, NodeSet};
use bergshamra::{VerifyResult, crypto};
use std::collections::BTreeSet;

/// Largest document read, in bytes.
const LARGEST: usize = 256 * 1024;
/// Deepest nesting.
const DEEPEST: u32 = 40;
/// Most nodes.
const NODES: usize = 20_000;

const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

/// Methods of signatures that are taken.
const METHODS: [&str; 6] = [
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
    "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
    "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512",
];
/// Digests that are taken.
const DIGESTS: [&str; 3] = [
    "http://www.w3.org/2001/04/xmlenc#sha256",
    "http://www.w3.org/2001/04/xmldsig-more#sha384",
    "http://www.w3.org/2001/04/xmlenc#sha512",
];
/// What is taken beside them from whoever cannot do better.
const OLD: [&str; 2] = [
    "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
    "http://www.w3.org/2000/09/xmldsig#sha1",
];

/// A document that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedXml {
    /// All of it, in canonical form. Whatever is in here and in no part below is anybody's word.
    pub whole: String,
    /// The parts that a trusted key has signed, in the order of the document.
    pub vouched: Vec<Vouched>,
}

/// A part that a trusted key has signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vouched {
    /// Whether it is the document element rather than a child of it.
    pub is_root: bool,
    /// Its canonical form, which is what was signed: without its signature, without comments.
    pub text: String,
}

/// Why a document is not read. Its words repeat nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum XmlRefusal {
    /// Too long, too deep, too many nodes.
    #[error("the document is too large")]
    Large,
    /// Not well formed, or with a document type.
    #[error("the document is not XML, or has a document type")]
    Malformed,
    /// Comments and processing instructions, which signatures do not cover.
    #[error("the document has a comment or a processing instruction")]
    Comment,
    /// Two elements of one id.
    #[error("two elements have one id")]
    Twice,
    /// A signature where none belongs, or one that covers something else than the element it stands in.
    #[error("a signature does not cover the element that it stands in")]
    Place,
    /// A signature of an unusual form.
    #[error("a signature has a form that is not taken")]
    Form,
    /// A method, digest or transform that is not taken.
    #[error("a signature uses an algorithm that is not taken")]
    Algorithm,
    /// No trusted key can be read.
    #[error("a trusted key cannot be read")]
    Key,
    /// A signature does not match under any trusted key.
    #[error("a signature does not match")]
    Mismatch,
}

/// Reads a document, with every signature in it verified under one of the keys. A signature stands in the document element or in
/// a child of it and covers exactly the element it stands in; a single one that is wrong spoils all. SHA-1 is taken only if
/// `old` says so.
///
/// # Errors
/// Why nothing of it can be used. A document without a signature is no error: nothing is vouched for then.
pub fn xml_signed(text: &str, keys: &[&str], old: bool) -> Result<SignedXml, XmlRefusal> {
    if text.len() > LARGEST {
        return Err(XmlRefusal::Large);
    }
    let parser = Parser::new().with_forbid_dtd(true).with_max_depth(DEEPEST);
    let document = parser.parse(text).map_err(|_| XmlRefusal::Malformed)?;
    let root = document.document_element().ok_or(XmlRefusal::Malformed)?;
    let signatures = looked_through(&document, root)?;
    let whole = canonical(&document, &NodeSet::tree_without_comments(root, &document), &[])?;
    let mut vouched = Vec::new();
    if !signatures.is_empty() {
        let forms = signatures.iter().map(|s| Form::read(&document, *s, root, old));
        let forms = forms.collect::<Result<Vec<_>, _>>()?;
        let context = context(keys).map_err(|_| XmlRefusal::Key)?;
        let verified = verify_all_document_with_source(&context, &document, Some(text));
        let verified = verified.map_err(|_| XmlRefusal::Mismatch)?;
        if verified.len() != forms.len() {
            return Err(XmlRefusal::Form);
        }
        for (form, result) in forms.iter().zip(&verified) {
            form.is_what_was_verified(result)?;
            vouched.push(Vouched {
                is_root: form.covers == root,
                text: form.bytes(&document)?,
            });
        }
    }
    Ok(SignedXml { whole, vouched })
}

/// Every signature in a document that has nothing odd about it.
fn looked_through(document: &Document<'_>, root: NodeId) -> Result<Vec<NodeId>, XmlRefusal> {
    let all = document.descendants(document.root());
    if all.len() > NODES {
        return Err(XmlRefusal::Large);
    }
    let (mut ids, mut signatures) = (BTreeSet::new(), Vec::new());
    for node in all {
        match document.node_kind(node) {
            // A reader that stops at a comment reads another name than was signed (CVE-2017-11427).
            Some(NodeKind::Comment(_) | NodeKind::ProcessingInstruction(_)) => return Err(XmlRefusal::Comment),
            Some(NodeKind::Element(element)) => {
                for attribute in &element.attributes {
                    let name = attribute.name.local_name.to_ascii_lowercase();
                    let is_id = name == "id" || name == "assertionid";
                    if is_id && !ids.insert(attribute.value.to_string()) {
                        return Err(XmlRefusal::Twice);
                    }
                }
                if element.matches_name_ns(DS, "Signature") {
                    signatures.push(node);
                }
            }
            _ => {}
        }
    }
    let mut parents = BTreeSet::new();
    for signature in &signatures {
        let parent = document.parent(*signature).ok_or(XmlRefusal::Place)?;
        let near = parent == root || document.parent(parent) == Some(root);
        if !near || !parents.insert(parent.index()) {
            return Err(XmlRefusal::Place);
        }
    }
    Ok(signatures)
}

/// A signature of the form that SAML prescribes (Core 5.4): one reference, to the element it stands in.
struct Form {
    signature: NodeId,
    covers: NodeId,
    /// Prefixes that the canonical form keeps though nothing uses them.
    prefixes: Vec<String>,
    digest: String,
    value: Vec<u8>,
}

impl Form {
    fn read(document: &Document<'_>, signature: NodeId, root: NodeId, old: bool) -> Result<Self, XmlRefusal> {
        let parts = children(document, signature, &["SignedInfo", "SignatureValue", "KeyInfo"])?;
        let [info, _, ..] = parts.as_slice() else {
            return Err(XmlRefusal::Form);
        };
        let parts = children(
            document,
            *info,
            &["CanonicalizationMethod", "SignatureMethod", "Reference"],
        )?;
        let [method, signing, reference] = parts.as_slice() else {
            return Err(XmlRefusal::Form);
        };
        let parts = children(document, *reference, &["Transforms", "DigestMethod", "DigestValue"])?;
        let [transforms, digest, value] = parts.as_slice() else {
            return Err(XmlRefusal::Form);
        };
        taken(document, *method, &[EXCLUSIVE], false)?;
        taken(document, *signing, &METHODS, old)?;
        let digest_method = taken(document, *digest, &DIGESTS, old)?;
        let covers = document.parent(signature).unwrap_or(root);
        let own = document.element(covers).and_then(|e| plain(e, "ID"));
        let uri = document.element(*reference).and_then(|e| plain(e, "URI"));
        if own.is_none_or(str::is_empty) || uri.and_then(|u| u.strip_prefix('#')) != own {
            return Err(XmlRefusal::Place);
        }
        let value: String = text(document, *value)?.split_whitespace().collect();
        Ok(Self {
            signature,
            covers,
            prefixes: transformed(document, *transforms)?,
            digest: digest_method,
            value: from_base64(&value).map_err(|_| XmlRefusal::Form)?,
        })
    }

    /// Whether the library means the same signature and the same element, and found both right.
    fn is_what_was_verified(&self, result: &VerifyResult) -> Result<(), XmlRefusal> {
        let VerifyResult::Valid {
            signature_node,
            references,
            ..
        } = result
        else {
            return Err(XmlRefusal::Mismatch);
        };
        let [reference] = references.as_slice() else {
            return Err(XmlRefusal::Form);
        };
        let same = *signature_node == self.signature && reference.resolved_node == Some(self.covers);
        if same && reference.digest_verified {
            Ok(())
        } else {
            Err(XmlRefusal::Place)
        }
    }

    /// The bytes that are signed.
    fn bytes(&self, document: &Document<'_>) -> Result<String, XmlRefusal> {
        let all = NodeSet::tree_without_comments(self.covers, document);
        let own = NodeSet::tree_with_comments(self.signature, document);
        let text = canonical(document, &all.subtract(&own), &self.prefixes)?;
        let digest = crypto::digest::digest(&self.digest, text.as_bytes()).map_err(|_| XmlRefusal::Algorithm)?;
        if ct_eq(&digest, &self.value) {
            Ok(text)
        } else {
            Err(XmlRefusal::Mismatch)
        }
    }
}

/// Elements below an element: exactly these of XML Signature, each once and in this order, with nothing but blanks between them.
/// A signature need not name its key.
fn children(document: &Document<'_>, of: NodeId, names: &[&str]) -> Result<Vec<NodeId>, XmlRefusal> {
    let mut found = Vec::new();
    for child in document.children(of) {
        match document.node_kind(child) {
            Some(NodeKind::Text(text)) if text.trim().is_empty() => {}
            Some(NodeKind::Element(element)) => {
                let wanted = names.get(found.len()).ok_or(XmlRefusal::Form)?;
                if !element.matches_name_ns(DS, wanted) {
                    return Err(XmlRefusal::Form);
                }
                found.push(child);
            }
            _ => return Err(XmlRefusal::Form),
        }
    }
    let may_lack = names.last() == Some(&"KeyInfo");
    if found.len() == names.len() || may_lack && found.len() + 1 == names.len() {
        Ok(found)
    } else {
        Err(XmlRefusal::Form)
    }
}

/// The algorithm of an element, if it is taken.
fn taken(document: &Document<'_>, of: NodeId, known: &[&str], old: bool) -> Result<String, XmlRefusal> {
    let named = document.element(of).and_then(|e| plain(e, "Algorithm"));
    let fits = |name: &&str| known.contains(name) || old && OLD.contains(name);
    named.filter(fits).map(str::to_owned).ok_or(XmlRefusal::Algorithm)
}

/// The prefixes that the canonical form keeps, if the transforms are the two of SAML (Core 5.4.4), in their order.
fn transformed(document: &Document<'_>, transforms: NodeId) -> Result<Vec<String>, XmlRefusal> {
    let parts = children(document, transforms, &["Transform", "Transform"])?;
    let [enveloped, exclusive] = parts.as_slice() else {
        return Err(XmlRefusal::Form);
    };
    taken(document, *enveloped, &[ENVELOPED], false)?;
    taken(document, *exclusive, &[EXCLUSIVE], false)?;
    let listed = document
        .children(*exclusive)
        .into_iter()
        .filter_map(|n| document.element(n));
    let mut prefixes = Vec::new();
    for element in listed {
        if !element.matches_name_ns(EXCLUSIVE, "InclusiveNamespaces") {
            return Err(XmlRefusal::Algorithm);
        }
        let list = plain(element, "PrefixList").unwrap_or_default();
        prefixes.extend(list.split_whitespace().map(str::to_owned));
    }
    Ok(prefixes)
}

/// An attribute without a namespace.
fn plain<'a>(element: &'a bergshamra::xml::Element<'_>, name: &str) -> Option<&'a str> {
    let own = |a: &&bergshamra::xml::Attribute<'_>| a.name.namespace_uri.is_none() && a.name.local_name == name;
    element.attributes.iter().find(own).map(|a| &*a.value)
}

/// The text of an element that has nothing else.
fn text<'a>(document: &'a Document<'_>, of: NodeId) -> Result<&'a str, XmlRefusal> {
    match document.children(of).as_slice() {
        [one] => match document.node_kind(*one) {
            Some(NodeKind::Text(text)) => Ok(text),
            _ => Err(XmlRefusal::Form),
        },
        _ => Err(XmlRefusal::Form),
    }
}

fn canonical(document: &Document<'_>, set: &NodeSet, prefixes: &[String]) -> Result<String, XmlRefusal> {
    let bytes = canonicalize_doc(document, C14nMode::Exclusive, Some(set), prefixes);
    let bytes = bytes.map_err(|_| XmlRefusal::Malformed)?;
    String::from_utf8(bytes).map_err(|_| XmlRefusal::Malformed)
}

#[cfg(test)]
mod tests;
