//! JSON Web Tokens (RFC 7519) that the hub makes itself: as a bearer token of each call, or as the assertion with which a
//! token endpoint knows it (RFC 7523). Both halves: writing, and checking as the upstream would.

use crate::context::Secrets;
use crate::error::ConnectorError;
use crate::mapping::template::{Piece, Template, scalar_text};
use hub_core::time::Timestamp;
use hub_crypto::{Digest, Provider, RsaScheme, Signature, SignatureForm, Software, base64_url, ct_eq, from_base64_url};
use serde_json::{Map, Value};
use std::sync::Arc;

/// Seconds that clocks may be apart.
const SKEW: i64 = 60;

/// A value of a token, by its name.
pub(crate) type Claim = (String, Arc<Template>);

/// How tokens are made.
#[derive(Debug)]
pub(crate) struct Jwt {
    /// `alg` of RFC 7518.
    pub algorithm: Algorithm,
    /// Name of the secret that signs.
    pub secret: String,
    /// Name of the key that checks, if the secret's own public half does not.
    pub verify: Option<String>,
    /// How the secret of an HMAC stands.
    pub key_form: KeyForm,
    pub header: Vec<Claim>,
    pub claims: Vec<Claim>,
    /// Seconds from `iat` to `exp`.
    pub lives: i64,
}

/// How the bytes of an HMAC's secret stand in its text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyForm {
    Text,
    Hex,
    Base64,
}

/// A signature algorithm (RFC 7518 section 3.1, RFC 8037).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Hmac(&'static str, Digest),
    Pair(&'static str, Signature),
}

/// Words of `algorithm`.
pub(crate) const ALGORITHMS: &[&str] = &[
    "hs256", "hs384", "hs512", "rs256", "rs512", "ps256", "ps512", "es256", "eddsa", "sm2",
];

impl Algorithm {
    pub fn parse(word: &str) -> Option<Self> {
        let rsa = |name, scheme| Some(Self::Pair(name, Signature::Rsa(scheme)));
        match word {
            "hs256" => Some(Self::Hmac("HS256", Digest::Sha256)),
            "hs384" => Some(Self::Hmac("HS384", Digest::Sha384)),
            "hs512" => Some(Self::Hmac("HS512", Digest::Sha512)),
            "rs256" => rsa("RS256", RsaScheme::Sha256),
            "rs512" => rsa("RS512", RsaScheme::Sha512),
            "ps256" => rsa("PS256", RsaScheme::PssSha256),
            "ps512" => rsa("PS512", RsaScheme::PssSha512),
            "es256" => {
                let form = SignatureForm::Raw;
                Some(Self::Pair("ES256", Signature::EcdsaP256 { form }))
            }
            "eddsa" => Some(Self::Pair("EdDSA", Signature::Ed25519)),
            // No RFC: the name that domestic gateways use.
            "sm2" => Some(Self::Pair(
                "SM2",
                Signature::Sm2 {
                    id: hub_crypto::SM2_DEFAULT_ID.to_vec(),
                    form: SignatureForm::Raw,
                },
            )),
            _ => None,
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Hmac(name, _) | Self::Pair(name, _) => name,
        }
    }
}

impl Jwt {
    /// Names of the secrets it needs.
    pub fn secrets(&self) -> Vec<String> {
        let keys = [Some(&self.secret), self.verify.as_ref()];
        let values = self.header.iter().chain(&self.claims).flat_map(|(_, t)| t.secrets());
        keys.into_iter()
            .flatten()
            .cloned()
            .chain(values.map(str::to_owned))
            .collect()
    }

    /// A new token. `make` makes the values.
    pub fn write(
        &self,
        now: Timestamp,
        secrets: &dyn Secrets,
        make: &dyn Fn(&Template) -> Result<Option<Value>, ConnectorError>,
    ) -> Result<String, ConnectorError> {
        let mut header = Map::from_iter([
            ("alg".to_owned(), Value::from(self.algorithm.name())),
            ("typ".to_owned(), Value::from("JWT")),
        ]);
        let mut claims = Map::new();
        for (values, out) in [(&self.header, &mut header), (&self.claims, &mut claims)] {
            for (name, template) in values {
                if let Some(value) = make(template)? {
                    out.insert(name.clone(), value);
                }
            }
        }
        let issued = now.as_second();
        claims.entry("iat").or_insert(Value::from(issued));
        claims
            .entry("exp")
            .or_insert(Value::from(issued.saturating_add(self.lives)));
        let part = |map: Map<String, Value>| base64_url(Value::Object(map).to_string().as_bytes());
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = self.sign(secrets, signed.as_bytes())?;
        Ok(format!("{signed}.{}", base64_url(&signature)))
    }

    fn sign(&self, secrets: &dyn Secrets, signed: &[u8]) -> Result<Vec<u8>, ConnectorError> {
        let name = &self.secret;
        let secret = secrets
            .get(name)
            .ok_or_else(|| ConnectorError::SecretMissing(name.clone()))?;
        let unusable =
            |reason: String| ConnectorError::Manifest(format!("the secret `{name}` is not usable: {reason}"));
        match &self.algorithm {
            Algorithm::Hmac(_, digest) => {
                let key = self.key_form.bytes(&secret).map_err(|e| unusable(e.to_string()))?;
                Ok(hub_crypto::hmac(*digest, &key, signed))
            }
            Algorithm::Pair(_, signature) => Software
                .sign(signature, &secret, signed)
                .map_err(|e| unusable(e.to_string())),
        }
    }

    /// Whether a token is ours and still good. `known` says what a value must be, where that can be known.
    pub fn verify(
        &self,
        token: &str,
        now: Timestamp,
        secrets: &dyn Secrets,
        known: &dyn Fn(&Template) -> Option<String>,
    ) -> bool {
        self.checked(token, now, secrets, known).is_some()
    }

    fn checked(
        &self,
        token: &str,
        now: Timestamp,
        secrets: &dyn Secrets,
        known: &dyn Fn(&Template) -> Option<String>,
    ) -> Option<()> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let signature = from_base64_url(signature).ok()?;
        let read = |part: &str| -> Option<Value> { serde_json::from_slice(&from_base64_url(part).ok()?).ok() };
        let (header, claims) = (read(header)?, read(claims)?);
        if header.get("alg")?.as_str()? != self.algorithm.name() {
            return None;
        }
        let name = self.verify.as_ref().unwrap_or(&self.secret);
        let key = secrets.get(name)?;
        match &self.algorithm {
            Algorithm::Hmac(_, digest) => {
                let right = hub_crypto::hmac(*digest, &self.key_form.bytes(&key).ok()?, signed.as_bytes());
                ct_eq(&right, &signature).then_some(())?;
            }
            Algorithm::Pair(_, algorithm) => Software.verify(algorithm, &key, signed.as_bytes(), &signature).ok()?,
        }
        let moment = |name: &str| claims.get(name).and_then(Value::as_i64);
        let second = now.as_second();
        let timely = moment("exp").is_some_and(|exp| second <= exp.saturating_add(SKEW))
            && moment("iat").is_none_or(|iat| iat <= second.saturating_add(SKEW));
        let right = |(values, part): (&Vec<Claim>, &Value)| {
            values.iter().all(|(name, template)| {
                let expected = known(template);
                expected.is_none_or(|e| part.get(name).and_then(scalar_text).as_deref() == Some(e.as_str()))
            })
        };
        (timely
            && [(&self.header, &header), (&self.claims, &claims)]
                .into_iter()
                .all(right))
        .then_some(())
    }
}

impl KeyForm {
    fn bytes(self, text: &str) -> hub_crypto::Result<Vec<u8>> {
        match self {
            Self::Text => Ok(text.as_bytes().to_vec()),
            Self::Hex => hub_crypto::from_hex(text),
            Self::Base64 => hub_crypto::from_base64(text),
        }
    }
}

/// The pieces before and behind a token in a text such as `Bearer {$jwt}`; `None` if there is none.
pub(crate) fn around(template: &Template) -> Option<(Template, Template)> {
    let Template::Pieces(pieces) = template else {
        return None;
    };
    let at = pieces.iter().position(|p| *p == Piece::Jwt)?;
    let (before, after) = pieces.split_at(at);
    Some((
        Template::Pieces(before.to_vec()),
        Template::Pieces(after.get(1..).unwrap_or_default().to_vec()),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn jwt(algorithm: &str) -> Jwt {
        Jwt {
            algorithm: Algorithm::parse(algorithm).unwrap(),
            secret: "key".into(),
            verify: None,
            key_form: KeyForm::Text,
            header: Vec::new(),
            claims: vec![("iss".into(), Arc::new(Template::Constant("hub".into())))],
            lives: 300,
        }
    }

    fn secrets(key: &str) -> BTreeMap<String, String> {
        BTreeMap::from([("key".to_owned(), key.to_owned())])
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn constant(template: &Template) -> Result<Option<Value>, ConnectorError> {
        Ok(template.constant_text().map(Value::from))
    }

    #[test]
    fn the_es256_example_of_rfc_7515_is_verified() {
        // RFC 7515, A.3.
        let token = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19y\
                     b290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
        let xy = [
            "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
        ];
        let point: Vec<u8> = xy
            .iter()
            .fold(vec![4], |point, part| [point, from_base64_url(part).unwrap()].concat());
        let secrets = secrets(&hub_crypto::base64(&point));
        let verify = |token: &str, second, issuer: &str| {
            let issuer = issuer.to_owned();
            jwt("es256").verify(token, at(second), &secrets, &move |_| Some(issuer.clone()))
        };
        assert!(verify(token, 1_300_819_000, "joe"));
        assert!(!verify(token, 1_300_819_000, "jane"));
        assert!(!verify(token, 1_300_819_441, "joe"), "more than a minute too late");
        assert!(!verify(&token.replace("DtEh", "DtEi"), 1_300_819_000, "joe"));
        assert!(!verify("a.b", 1_300_819_000, "joe"));
    }

    #[test]
    fn an_hs256_token_made_with_another_tool() {
        let token = jwt("hs256")
            .write(at(1_775_614_530), &secrets("secret"), &constant)
            .unwrap();
        assert_eq!(token, include_str!("jwt/hs256.txt").trim());
    }

    #[test]
    fn every_algorithm_signs_what_it_verifies() {
        let rsa = include_str!("../../hub/crypto/tests/rsa/pkcs8.b64");
        let p256 = "MHcCAQEEIFKbhfNZfpDsW43+0+JjUr9K+bTeuxopu653+hBaXGA7oAoGCCqGSM49AwEHoUQDQgAEqIVYZVLCrPZHGHjP17CTW0/\
                    +D9Lfw0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==";
        let keys = [
            ("hs384", "k"),
            ("hs512", "k"),
            ("rs256", rsa),
            ("rs512", rsa),
            ("ps256", rsa),
            ("ps512", rsa),
            ("es256", p256),
            (
                "eddsa",
                "MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF",
            ),
            (
                "sm2",
                "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8",
            ),
        ];
        for (algorithm, key) in keys {
            let (rule, secrets) = (jwt(algorithm), secrets(key));
            let token = rule.write(at(1_000), &secrets, &constant).unwrap();
            let verify = |second| rule.verify(&token, at(second), &secrets, &|t| t.constant_text());
            assert!(
                verify(1_000) && verify(1_360) && !verify(1_361) && !verify(900),
                "{algorithm}"
            );
        }
        assert!(ALGORITHMS.iter().all(|word| Algorithm::parse(word).is_some()));
        let none = jwt("rs256")
            .write(at(0), &secrets("hunter2"), &constant)
            .unwrap_err()
            .to_string();
        assert!(none.contains("not usable") && !none.contains("hunter2"), "{none}");
    }
}
