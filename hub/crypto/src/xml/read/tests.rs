//! Every way in which a document is not what was signed, each beside the document that is.

use super::*;
use crate::{EcdsaKey, base64, rsa_generate, xml_sign};

fn key() -> String {
    base64(EcdsaKey::generate().unwrap().pkcs8())
}

fn signature(id: &str, method: &str, digest: &str) -> String {
    format!(
        "<ds:Signature xmlns:ds=\"{DS}\"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\"/>\
         <ds:SignatureMethod Algorithm=\"{method}\"/><ds:Reference URI=\"#{id}\"><ds:Transforms>\
         <ds:Transform Algorithm=\"{ENVELOPED}\"/><ds:Transform Algorithm=\"{EXCLUSIVE}\"/></ds:Transforms>\
         <ds:DigestMethod Algorithm=\"{digest}\"/><ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/></ds:Signature>"
    )
}

fn signed(key: &str, more: &str) -> String {
    let part = format!(
        "<a ID=\"a1\">{}<who>li</who></a>",
        signature("a1", METHODS[3], DIGESTS[0])
    );
    xml_sign(key, &format!("<r xmlns:x=\"urn:x\" ID=\"r1\">{part}{more}</r>")).unwrap()
}

fn refused(text: &str, key: &str) -> XmlRefusal {
    xml_signed(text, &[key], false).unwrap_err()
}

#[test]
fn only_what_is_signed_is_vouched_for() {
    let key = key();
    let document = signed(&key, "<b ID=\"b1\">mine</b>");
    let read = xml_signed(&document, &[&self::key(), &key], false).unwrap();
    let expected = Vouched {
        is_root: false,
        text: "<a ID=\"a1\"><who>li</who></a>".to_owned(),
    };
    assert_eq!(read.vouched, [expected]);
    assert!(read.whole.contains("<b ID=\"b1\">mine</b>"));
    let nothing = xml_signed("<r><a>x</a></r>", &[], false).unwrap();
    assert_eq!((nothing.vouched.len(), nothing.whole.as_str()), (0, "<r><a>x</a></r>"));
}

#[test]
fn what_is_not_what_was_signed_is_refused() {
    let key = key();
    let document = signed(&key, "");
    let change = |from: &str, to: &str| {
        assert!(document.contains(from), "{from}");
        refused(&document.replacen(from, to, 1), &key)
    };
    assert_eq!(refused(&document, &self::key()), XmlRefusal::Mismatch);
    assert_eq!(change(">li<", ">wang<"), XmlRefusal::Mismatch);
    assert_eq!(change(">li<", ">l<!-- -->i<"), XmlRefusal::Comment);
    assert_eq!(change(">li<", ">l<?x?>i<"), XmlRefusal::Comment);
    assert_eq!(change("</r>", "<a ID=\"a1\"/></r>"), XmlRefusal::Twice);
    assert_eq!(change("</r>", "<a id=\"a1\"/></r>"), XmlRefusal::Twice);
    assert_eq!(change("#a1", "#r1"), XmlRefusal::Place);
    assert_eq!(change("URI=\"#a1\"", "URI=\"\""), XmlRefusal::Place);
    assert_eq!(
        change("<ds:SignatureValue", "<ds:Object/><ds:SignatureValue"),
        XmlRefusal::Form
    );
    assert_eq!(
        change("</ds:Signature>", "<ds:Object/></ds:Signature>"),
        XmlRefusal::Form
    );
    assert_eq!(
        change("<ds:Reference", "<ds:Reference/><ds:Reference"),
        XmlRefusal::Form
    );
    assert_eq!(change("</ds:DigestValue>", "<x/></ds:DigestValue>"), XmlRefusal::Form);
    assert_eq!(change("<ds:Reference", "x<ds:Reference"), XmlRefusal::Form);
    assert_eq!(change("<r ", "<!DOCTYPE r><r "), XmlRefusal::Malformed);
    let deep = format!("{}{}", "<d>".repeat(60), "</d>".repeat(60));
    assert_eq!(change("</r>", &format!("{deep}</r>")), XmlRefusal::Malformed);
    assert_eq!(
        change("</r>", &format!("{}</r>", "<d/>".repeat(NODES))),
        XmlRefusal::Large
    );
    assert_eq!(
        change("</r>", &format!("{}</r>", " ".repeat(LARGEST))),
        XmlRefusal::Large
    );
    // The signature moved to where it covers nothing that is read.
    let from = document.find("<ds:Signature ").unwrap();
    let to = document.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    let (own, rest) = (&document[from..to], [&document[..from], &document[to..]].concat());
    let moved = rest.replace("</r>", &format!("<e><f>{own}</f></e></r>"));
    assert_eq!(refused(&moved, &key), XmlRefusal::Place);
    let moved = rest.replace("</r>", &format!("{own}</r>"));
    assert_eq!(refused(&moved, &key), XmlRefusal::Place);
    // Right in itself, but deeper than anybody reads; and a second one in the same element.
    let deeper = document.replace("<a ID", "<w><a ID").replace("</a>", "</a></w>");
    assert_eq!(refused(&deeper, &key), XmlRefusal::Place);
    let twice = document.replacen(own, &format!("{own}{own}"), 1);
    assert_eq!(refused(&twice, &key), XmlRefusal::Place);
}

#[test]
fn old_algorithms_need_a_word() {
    // Made with OpenSSL over a canonical form written by hand: the library here checks SHA-1 and does not sign with it.
    let document = include_str!("sha1.xml");
    let public = include_str!("../../../tests/rsa/public.b64");
    assert_eq!(refused(document, public), XmlRefusal::Algorithm);
    let read = xml_signed(document, &[public], true).unwrap();
    assert_eq!(read.vouched[0].text, "<a ID=\"a1\"><who>li</who></a>");
    let (private, public) = rsa_generate().unwrap();
    let template = format!("<a ID=\"a1\">{}x</a>", signature("a1", METHODS[0], OLD[1]));
    let document = xml_sign(&private, &template).unwrap();
    assert_eq!(refused(&document, &public), XmlRefusal::Algorithm);
    assert_eq!(xml_signed(&document, &[&public], true).unwrap().vouched.len(), 1);
    // A key is no password: a MAC made with what everybody knows signs nothing.
    let hmac = "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256";
    let template = format!("<a ID=\"a1\">{}x</a>", signature("a1", hmac, DIGESTS[0]));
    assert_eq!(refused(&template, &public), XmlRefusal::Algorithm);
}
