//! What a file says of an OpenID provider.

use super::Reader;
use crate::upstream::file::{Endpoints, Oidc};
use hub_core::Text;
use jsonwebtoken::Algorithm;

/// Algorithms that a file may name.
pub(in crate::upstream) const ALGORITHMS: [(&str, Algorithm); 3] = [
    ("ES256", Algorithm::ES256),
    ("RS256", Algorithm::RS256),
    ("EdDSA", Algorithm::EdDSA),
];

impl Reader<'_> {
    pub(super) fn oidc(&mut self) -> Option<Oidc> {
        if self.doc.value("/client/id").is_none() {
            self.missing("/client", "id");
        }
        let mut scope = self.words("/scope").unwrap_or_default();
        scope.retain(|s| s != "openid");
        scope.insert(0, "openid".to_owned());
        Some(Oidc {
            endpoints: self.endpoints()?,
            scope,
            algorithms: self.algorithms(),
            userinfo: self.flag("/userinfo").unwrap_or(false),
            pushed: self.flag("/par").unwrap_or(true),
        })
    }

    fn endpoints(&mut self) -> Option<Option<Endpoints>> {
        if self.doc.object("/endpoints", &mut self.findings).is_none() {
            return Some(None);
        }
        let known = ["authorization", "token", "jwks", "userinfo", "par", "says_iss"];
        self.doc.only_keys("/endpoints", &known, &mut self.findings);
        let mut needed = |key: &str| self.needed_address(&format!("/endpoints/{key}"));
        let (authorization, token, jwks) = (needed("authorization"), needed("token"), needed("jwks"));
        Some(Some(Endpoints {
            authorization: authorization?,
            token: token?,
            jwks: jwks?,
            userinfo: self.address("/endpoints/userinfo"),
            par: self.address("/endpoints/par"),
            says_iss: self.flag("/endpoints/says_iss").unwrap_or(false),
        }))
    }

    fn algorithms(&mut self) -> Vec<Algorithm> {
        let Some(words) = self.doc.words("/algorithms", &mut self.findings) else {
            return vec![Algorithm::ES256, Algorithm::RS256];
        };
        let mut found = Vec::new();
        for (word, place) in words {
            match ALGORITHMS.iter().find(|(name, _)| *name == word) {
                Some((_, algorithm)) => found.push(*algorithm),
                None => {
                    let known: Vec<&str> = ALGORITHMS.iter().map(|(n, _)| *n).collect();
                    let what = Text::new("签名算法", "algorithm");
                    let finding = self.doc.unknown(&place, &word, &known, &what);
                    self.findings.push(finding);
                }
            }
        }
        found
    }
}
