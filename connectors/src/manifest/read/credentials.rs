//! Reading `auth` and `session`.

use super::*;
use crate::jwt::{Algorithm, Claim, Jwt, KeyForm};
use crate::settings::Tls;
use crate::xmlsig::{Kind, Method, XmlSign};

impl Reader<'_> {
    /// A pin needs a day on which it is looked at again, and a reason: both are read by auditors.
    pub(super) fn tls(&mut self, map: &Part) -> Tls {
        let at = "/upstream/tls";
        let written = texts(map, "pin");
        let pins: Vec<[u8; 32]> = written.iter().filter_map(|p| pin(p)).collect();
        if pins.len() < written.len() {
            self.bad_value(
                &format!("{at}/pin"),
                "the SHA-256 of a certificate, 64 hexadecimal digits",
                &written.join(", "),
            );
        }
        let day = text(map, "until");
        let until = day.as_deref().and_then(|d| d.parse().ok());
        match day {
            Some(day) if until.is_none() => self.bad_value(&format!("{at}/until"), "a day yyyy-MM-dd", &day),
            None if !pins.is_empty() => self.missing("`until`", at),
            _ => {}
        }
        let why = text(map, "why").unwrap_or_default();
        if why.trim().is_empty() {
            self.missing("`why`", at);
        }
        Tls {
            pins,
            only_13: text(map, "min").as_deref() == Some("1.3"),
            until,
            why,
        }
    }

    /// A server is known by its key or not at all: the first one that comes is never believed.
    pub(super) fn ssh(&mut self, map: &Part) -> SshPart {
        let at = "/upstream/ssh";
        let pins = texts(map, "pin");
        if let Some(odd) = pins.iter().find(|pin| !is_fingerprint(pin)) {
            let expected = "SHA256: and 43 characters, as ssh-keygen -l prints it";
            self.bad_value(&format!("{at}/pin"), expected, odd);
        }
        let key = map.get("key").and_then(|key| self.template(key, &format!("{at}/key")));
        SshPart { pins, key }
    }

    pub(super) fn auth(&mut self, map: &Part, send: &mut Vec<SendItem>) -> Auth {
        let mut add = |reader: &mut Self, spot: Spot, value: &Value, key: &str| {
            let pointer = format!("/auth/{key}");
            if let Some(value) = reader.template(value, &pointer) {
                send.push(SendItem { spot, value, pointer });
            }
        };
        if let Some(token) = text(map, "bearer") {
            let braced = if token.starts_with('{') {
                token
            } else {
                format!("{{{token}}}")
            };
            let value = Value::from(format!("Bearer {braced}"));
            add(self, Spot::parse("header Authorization"), &value, "bearer");
        }
        for (key, word) in [("header", "header "), ("query", "query "), ("element", "frame ")] {
            if let Some(name) = text(map, key) {
                match map.get("value") {
                    Some(value) => add(self, Spot::parse(&format!("{word}{name}")), value, "value"),
                    None => {
                        self.missing("`value`", "/auth");
                    }
                }
            }
        }
        let wsse = part(map, "wsse").and_then(|w| {
            let at = "/auth/wsse";
            let (Some(user), Some(password)) = (w.get("user"), w.get("password")) else {
                self.missing("`user` / `password`", at);
                return None;
            };
            Some(Arc::new(Wsse {
                user: self.template(user, at)?,
                password: self.template(password, at)?,
                digest: text(w, "type").as_deref() == Some("digest"),
            }))
        });
        Auth {
            basic: self.pair(map, "basic", "/auth"),
            digest: self.pair(map, "digest", "/auth"),
            wsse,
        }
    }

    pub(super) fn jwt(&mut self, map: &Part) -> Option<Arc<Jwt>> {
        let Some(algorithm) = text(map, "algorithm").and_then(|word| Algorithm::parse(&word)) else {
            self.missing("`algorithm`", "/jwt");
            return None;
        };
        let secret = |key: &str| text(map, key).map(|t| t.strip_prefix("secret:").map(str::to_owned).ok_or(t));
        let name = match secret("secret") {
            Some(Ok(name)) => name,
            Some(Err(got)) => {
                self.bad_value("/jwt/secret", "a reference like secret:key", &got);
                return None;
            }
            None => {
                self.missing("`secret`", "/jwt");
                return None;
            }
        };
        let mut claims = |key: &str| -> Vec<Claim> {
            let items = self.sends(map, key, "/jwt");
            items.into_iter().map(|i| (i.spot.path.to_string(), i.value)).collect()
        };
        let (header, claims) = (claims("header"), claims("claims"));
        let lives = self.duration(map, "lives", "/jwt").unwrap_or(300_000);
        Some(Arc::new(Jwt {
            algorithm,
            secret: name,
            verify: secret("verify").and_then(Result::ok),
            key_form: match text(map, "key").as_deref() {
                Some("hex") => KeyForm::Hex,
                Some("base64") => KeyForm::Base64,
                _ => KeyForm::Text,
            },
            header,
            claims,
            lives: i64::try_from(lives / 1_000).unwrap_or(300),
        }))
    }

    pub(super) fn xml_sign(&mut self, map: &Part) -> Option<XmlSign> {
        let mut name = |key: &str| {
            let text = text(map, key)?;
            let name = text.strip_prefix("secret:").map(str::to_owned);
            if name.is_none() {
                self.bad_value(&format!("/xml-sign/{key}"), "a reference like secret:key", &text);
            }
            name
        };
        let (secret, certificate, verify) = (name("secret"), name("certificate"), name("verify"));
        let kind = match text(map, "kind").as_deref() {
            Some("wsse") => Kind::Wsse,
            Some("enveloped") => Kind::Enveloped,
            _ => {
                self.missing("`kind`", "/xml-sign");
                return None;
            }
        };
        let Some(secret) = secret else {
            self.missing("`secret`", "/xml-sign");
            return None;
        };
        Some(XmlSign {
            kind,
            method: match text(map, "algorithm").as_deref() {
                Some("rsa-sha1") => Method::RsaSha1,
                Some("ecdsa-sha256") => Method::EcdsaSha256,
                _ => Method::RsaSha256,
            },
            secret,
            certificate,
            verify,
            answers: flag(map, "answers").unwrap_or(false),
        })
    }

    pub(super) fn seal(&mut self, map: &Part) -> Option<crate::seal::Seal> {
        match crate::seal::seal(map) {
            Ok(seal) => Some(seal),
            Err(mistakes) => {
                for (key, expected) in mistakes {
                    let at = if key.is_empty() {
                        "/seal".to_owned()
                    } else {
                        format!("/seal/{key}")
                    };
                    let got = map.get(&key).and_then(scalar_text).unwrap_or_default();
                    self.bad_value(&at, &expected, &got);
                }
                None
            }
        }
    }

    pub(super) fn session(&mut self, map: &Part) -> Option<SessionPart> {
        let at = "/session";
        let Some(login) = text(map, "login") else {
            self.missing("`login`", at);
            return None;
        };
        let lost = texts(map, "lost")
            .iter()
            .filter_map(|word| {
                let sign = lost(word);
                if sign.is_none() {
                    self.bad_value("/session/lost", "`401`, `302 /login.jsp`, `html` or `code 40001`", word);
                }
                sign
            })
            .collect();
        let lives = match text(map, "lives") {
            None => Lives::Unknown,
            Some(word) if word == "once" => Lives::Once,
            Some(word) if word.starts_with('/') => Lives::Told(Path::parse(&word)),
            Some(_) => self.duration(map, "lives", at).map_or(Lives::Unknown, Lives::Fixed),
        };
        let refresh = part(map, "refresh").and_then(|refresh| {
            let at = "/session/refresh";
            let Some(call) = text(refresh, "call") else {
                self.missing("`call`", at);
                return None;
            };
            Some((CallSpec::parse(&call), self.sends(refresh, "send", at)))
        });
        let page = part(map, "page").and_then(|page| {
            let at = "/session/page";
            let Some(call) = text(page, "call") else {
                self.missing("`call`", at);
                return None;
            };
            let read = part(page, "read").into_iter().flatten();
            let read = read.filter_map(|(name, value)| Some((name.clone(), Hidden::parse(&scalar_text(value)?))));
            Some((CallSpec::parse(&call), read.collect()))
        });
        Some(SessionPart {
            login: CallSpec::parse(&login),
            page,
            basic_form: text(map, "basic-as").map(|word| word == "form"),
            refresh,
            daily: map
                .get("daily")
                .and_then(Value::as_u64)
                .and_then(|n| u32::try_from(n).ok()),
            send: self.sends(map, "send", at),
            basic: self.pair(map, "basic", at),
            sends: format(map, "sends"),
            answers: format(map, "answers"),
            framed: flag(map, "framed"),
            signed: flag(map, "signed"),
            sealed: flag(map, "sealed"),
            read: part(map, "read")
                .into_iter()
                .flatten()
                .filter_map(|(name, value)| Some((name.clone(), Spot::parse(&scalar_text(value)?))))
                .collect(),
            keep: texts(map, "keep")
                .iter()
                .map(|k| k.strip_prefix("cookie ").unwrap_or(k).trim().to_owned())
                .collect(),
            lives,
            lost,
            answer: part(map, "answer").map(|a| self.answer(a, "/session/answer")),
        })
    }

    pub(super) fn pair(&mut self, map: &Part, key: &str, at: &str) -> Option<(Arc<Template>, Arc<Template>)> {
        let values = texts(map, key);
        let at = format!("{at}/{key}");
        match values.as_slice() {
            [] => None,
            [user, password] => Some((
                self.template(&Value::from(user.as_str()), &at)?,
                self.template(&Value::from(password.as_str()), &at)?,
            )),
            _ => {
                self.bad_value(&at, "[user, password]", &format!("{} values", values.len()));
                None
            }
        }
    }
}

fn lost(word: &str) -> Option<Lost> {
    if word == "html" {
        return Some(Lost::Html);
    }
    if let Some(code) = word.strip_prefix("code ") {
        return Some(Lost::Code(code.trim().to_owned()));
    }
    let (status, place) = word
        .split_once(' ')
        .map_or((word, None), |(s, p)| (s, Some(p.trim().to_owned())));
    let status = status.parse().ok().filter(|s| (100..600).contains(s))?;
    Some(Lost::Status(status, place))
}

/// `sha256:ab12…` or the digits alone, with or without colons between bytes, as `openssl x509 -fingerprint` writes them.
fn pin(text: &str) -> Option<[u8; 32]> {
    let digits = text
        .trim()
        .strip_prefix("sha256:")
        .unwrap_or(text.trim())
        .replace(':', "");
    hub_crypto::from_hex(&digits).ok()?.try_into().ok()
}

/// As OpenSSH prints it: SHA-256 in Base64 without padding.
fn is_fingerprint(text: &str) -> bool {
    let hash = text.strip_prefix("SHA256:").unwrap_or_default();
    hash.len() == 43
        && hash
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'/')
}
