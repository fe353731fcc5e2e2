//! Messages in an address, deflated and with a signature over the very text of the query (Bindings 3.4.4).

use super::super::trouble::{Trouble, Why};
use flate2::Compression;
use flate2::read::{DeflateDecoder, DeflateEncoder};
use hub_crypto::{RsaScheme, SignatureForm, base64, ecdsa_sign, ecdsa_verify, from_base64, rsa_sign, rsa_verify};
use std::io::Read;
use url::Url;

/// Largest message once inflated, in bytes.
const LARGEST: u64 = 64 * 1024;

const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
const RSA_SHA512: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512";
const ECDSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256";

/// What signs and how it is called: a key on P-256, else one of RSA.
fn method(key: &str) -> &'static str {
    if ecdsa_sign(key, b"", SignatureForm::Raw).is_ok() {
        ECDSA_SHA256
    } else {
        RSA_SHA256
    }
}

/// An address with a message in it, signed if there is a key.
pub(super) fn signed(
    to: &Url,
    name: &str,
    document: &str,
    relay: Option<&str>,
    key: Option<&str>,
) -> Result<String, Trouble> {
    let mut deflated = Vec::new();
    let written = DeflateEncoder::new(document.as_bytes(), Compression::default()).read_to_end(&mut deflated);
    written.map_err(|e| Trouble::new(Why::Ours, e.to_string()))?;
    let mut query = format!("{name}={}", escaped(&base64(&deflated)));
    if let Some(relay) = relay {
        query += &format!("&RelayState={}", escaped(relay));
    }
    if let Some(key) = key {
        let method = method(key);
        query += &format!("&SigAlg={}", escaped(method));
        let signature = match method {
            ECDSA_SHA256 => ecdsa_sign(key, query.as_bytes(), SignatureForm::Raw),
            _ => rsa_sign(RsaScheme::Sha256, key, query.as_bytes()),
        };
        let signature = signature.map_err(|e| Trouble::new(Why::Ours, format!("signing a message: {e}")))?;
        query += &format!("&Signature={}", escaped(&base64(&signature)));
    }
    let mut address = to.clone();
    let own = address.query().filter(|q| !q.is_empty()).map(|q| format!("{q}&"));
    address.set_query(Some(&(own.unwrap_or_default() + &query)));
    Ok(address.to_string())
}

fn escaped(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// An empty enveloped signature over the element of an id, as `key` makes them.
pub(super) fn skeleton(key: &str, id: &str) -> String {
    const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
    const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
    let method = method(key);
    format!(
        "<ds:Signature xmlns:ds=\"{DS}\"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\"/>\
         <ds:SignatureMethod Algorithm=\"{method}\"/><ds:Reference URI=\"#{id}\"><ds:Transforms>\
         <ds:Transform Algorithm=\"{DS}enveloped-signature\"/><ds:Transform Algorithm=\"{EXCLUSIVE}\"/></ds:Transforms>\
         <ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/><ds:DigestValue/></ds:Reference></ds:SignedInfo>\
         <ds:SignatureValue/></ds:Signature>"
    )
}

/// A message out of a query that one of the keys has signed. `query` is as it came: whoever writes it anew has changed what was
/// signed.
pub(super) fn verified(query: &str, name: &str, keys: &[String]) -> Result<(String, Option<String>), Trouble> {
    let part = |name: &str| -> Result<Option<&str>, Trouble> {
        let mut all = query
            .split('&')
            .filter(|p| p.split_once('=').is_some_and(|(n, _)| n == name));
        match (all.next(), all.next()) {
            (found, None) => Ok(found),
            _ => Err(Trouble::untrusted(format!("{name} comes twice"))),
        }
    };
    let needed = |name: &str| part(name)?.ok_or_else(|| Trouble::untrusted(format!("{name} is missing")));
    let message = needed(name)?;
    let relay = part("RelayState")?;
    let (method, signature) = (needed("SigAlg")?, needed("Signature")?);
    let covered: Vec<&str> = [Some(message), relay, Some(method)].into_iter().flatten().collect();
    let covered = covered.join("&");
    let (method, signature) = (value(method), decoded(signature)?);
    let fits = |key: &String| is_signed(&method, key, covered.as_bytes(), &signature);
    if !keys.iter().any(fits) {
        return Err(Trouble::untrusted("the signature of its message does not match"));
    }
    Ok((inflated(&decoded(message)?)?, relay.map(value)))
}

fn is_signed(method: &str, key: &str, data: &[u8], signature: &[u8]) -> bool {
    let ecdsa = |form| ecdsa_verify(key, data, signature, form).is_ok();
    match method {
        RSA_SHA256 => rsa_verify(RsaScheme::Sha256, key, data, signature).is_ok(),
        RSA_SHA512 => rsa_verify(RsaScheme::Sha512, key, data, signature).is_ok(),
        // The standard says r‖s; what is built on Java's or OpenSSL's own form sends that.
        ECDSA_SHA256 => ecdsa(SignatureForm::Raw) || ecdsa(SignatureForm::Der),
        _ => false,
    }
}

fn value(pair: &str) -> String {
    let mut pairs = url::form_urlencoded::parse(pair.as_bytes());
    pairs.next().map(|(_, v)| v.into_owned()).unwrap_or_default()
}

fn decoded(pair: &str) -> Result<Vec<u8>, Trouble> {
    let text: String = value(pair).split_whitespace().collect();
    from_base64(&text).map_err(|_| Trouble::untrusted("a parameter is not base64"))
}

fn inflated(bytes: &[u8]) -> Result<String, Trouble> {
    let mut text = String::new();
    let read = DeflateDecoder::new(bytes).take(LARGEST + 1).read_to_string(&mut text);
    match read {
        Ok(length) if length as u64 <= LARGEST => Ok(text),
        Ok(_) => Err(Trouble::untrusted("its message is too large")),
        Err(_) => Err(Trouble::untrusted("its message is not deflated text")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hub_crypto::{EcdsaKey, rsa_generate};

    #[test]
    fn what_is_signed_reads_back_and_nothing_else() {
        let ecdsa = base64(EcdsaKey::generate().unwrap().pkcs8());
        let (rsa, public) = rsa_generate().unwrap();
        for (key, public) in [(&ecdsa, &ecdsa), (&rsa, &public)] {
            let to: Url = "https://id.example/slo?x=1".parse().unwrap();
            let address = signed(&to, "SAMLRequest", "<a>李</a>", Some("s &+"), Some(key)).unwrap();
            let query = address.split_once('?').unwrap().1;
            let keys = [public.clone()];
            let read = verified(query, "SAMLRequest", &keys).unwrap();
            assert_eq!(read, ("<a>李</a>".to_owned(), Some("s &+".to_owned())));
            let other = [base64(EcdsaKey::generate().unwrap().pkcs8()), rsa_generate().unwrap().1];
            for bad in [
                query.replace("RelayState=s", "RelayState=t"),
                query
                    .replace("%23rsa-sha256", "%23rsa-sha512")
                    .replace("%23ecdsa-sha256", "%23rsa-sha256"),
                format!("{query}&SAMLRequest=x"),
                query.split("&Signature").next().unwrap().to_owned(),
                query.split("&SigAlg").next().unwrap().to_owned(),
            ] {
                assert!(verified(&bad, "SAMLRequest", &keys).is_err(), "{bad}");
            }
            assert!(verified(query, "SAMLRequest", &other).is_err());
        }
    }

    #[test]
    fn a_bomb_is_not_inflated() {
        let mut bomb = Vec::new();
        let zeros = vec![b'0'; 10 << 20];
        DeflateEncoder::new(zeros.as_slice(), Compression::best())
            .read_to_end(&mut bomb)
            .unwrap();
        assert_eq!(inflated(&bomb).unwrap_err().inner, "its message is too large");
    }
}
