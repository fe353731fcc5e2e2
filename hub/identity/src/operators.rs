//! People who operate the hub: two factors, a lock after failures, and roles that exclude each other (GB/T 22239-2019, 8.1.4.1,
//! 8.1.5: system, security and audit administrators).

use crate::IdentityError;
use hub_core::time::Timestamp;
use hub_crypto::{Digest, base64_url, ct_eq, digest, hex, hmac, pbkdf2, random};
use hub_store::{OperatorRow, Store};
use std::time::Duration;

/// Failures in a row until the account is locked, and for how long.
const MOST_FAILURES: i64 = 5;
const LOCKED: Duration = Duration::from_secs(15 * 60);
/// Longest a session lives, and without being used.
const ABSOLUTE: Duration = Duration::from_secs(8 * 3600);
const IDLE: Duration = Duration::from_secs(15 * 60);
/// Shortest password.
pub const SHORTEST: usize = 12;
/// Seconds of a step (RFC 6238, 5.2), and how many steps a clock may be off.
const STEP: i64 = 30;
const DRIFT: i64 = 1;

/// What an operator is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Duty {
    /// Runs the hub: reloads, queues, payments, connectors.
    System,
    /// Decides who may do what: clients, applications, operators.
    Security,
    /// Reads what was done, and changes nothing.
    Audit,
}

impl Duty {
    /// Every duty.
    pub const ALL: [Self; 3] = [Self::System, Self::Security, Self::Audit];

    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Security => "security",
            Self::Audit => "audit",
        }
    }

    /// From its word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|d| d.as_str() == word)
    }
}

/// An operator who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// Stable id.
    pub id: String,
    /// Name.
    pub name: String,
    /// What for.
    pub duty: Duty,
}

/// An operator just made. The second factor is shown once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOperator {
    /// Who.
    pub operator: Operator,
    /// Address for an authenticator app (`otpauth://…`).
    pub otpauth: String,
    /// The same secret in base32, to type.
    pub secret: String,
}

/// Why an operator was not made.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// The name is taken or not one.
    #[error("the name is taken, or is not 2 to 40 letters, digits, - and _")]
    Name,
    /// The password is too short.
    #[error("the password has fewer than {SHORTEST} characters")]
    Password,
    /// The store, or the system's randomness.
    #[error(transparent)]
    Identity(#[from] IdentityError),
}

/// The people who operate the hub.
#[derive(Debug, Clone)]
pub struct Staff {
    store: Store,
}

impl Staff {
    /// Over a store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    /// Whether somebody is there who decides who may do what: from then on the first token opens nothing.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn has_security(&self) -> Result<bool, IdentityError> {
        let all = self.store.operators().all().await?;
        Ok(all.iter().any(|o| o.active && o.role == Duty::Security.as_str()))
    }

    /// Everybody, whether they may still sign in or not.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn all(&self) -> Result<Vec<OperatorRow>, IdentityError> {
        Ok(self.store.operators().all().await?)
    }

    /// Lets somebody in.
    ///
    /// # Errors
    /// What is wrong with name or password.
    pub async fn add(
        &self,
        name: &str,
        password: &str,
        duty: Duty,
        now: Timestamp,
    ) -> Result<NewOperator, OperatorError> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        if !(2..=40).contains(&name.len()) || !name.bytes().all(plain) {
            return Err(OperatorError::Name);
        }
        if password.chars().count() < SHORTEST {
            return Err(OperatorError::Password);
        }
        let random_bytes = || random::<32>().map_err(|e| IdentityError::Key(e.to_string()));
        let (salt, secret, id) = (random_bytes()?, random_bytes()?, random_bytes()?);
        let secret = secret.get(..20).unwrap_or(&secret).to_vec();
        let row = OperatorRow {
            id: format!("opr_{}", hex(id.get(..8).unwrap_or(&id))),
            name: name.to_owned(),
            role: duty.as_str().to_owned(),
            password: hashed(password, &salt),
            salt: salt.to_vec(),
            secret: secret.clone(),
            step: now.as_second() / STEP - DRIFT - 1,
            failed: 0,
            locked: Timestamp::UNIX_EPOCH,
            active: true,
            created: now,
        };
        if !self.store.operators().add(&row).await.map_err(IdentityError::from)? {
            return Err(OperatorError::Name);
        }
        let typed = base32(&secret);
        Ok(NewOperator {
            operator: Operator {
                id: row.id,
                name: row.name,
                duty,
            },
            otpauth: format!("otpauth://totp/hub:{name}?secret={typed}&issuer=hub&algorithm=SHA1&digits=6&period=30"),
            secret: typed,
        })
    }

    /// Signs somebody in by name, password and the code of the moment; `None` for everything that is not right, one answer for
    /// all of it. Answers the token of the session.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn sign_in(
        &self,
        name: &str,
        password: &str,
        code: &str,
        now: Timestamp,
    ) -> Result<Option<(Operator, String)>, IdentityError> {
        let all = self.store.operators();
        let known = all.all().await?.into_iter().find(|o| o.name == name && o.active);
        // As much work for a name that nobody has.
        let nobody = (vec![0; 32], vec![0; 32]);
        let (kept, salt) = known.as_ref().map_or(nobody, |o| (o.password.clone(), o.salt.clone()));
        let given = password.to_owned();
        let hash = tokio::task::spawn_blocking(move || hashed(&given, &salt))
            .await
            .map_err(|e| IdentityError::Key(e.to_string()))?;
        let right = ct_eq(&hash, &kept);
        let Some(row) = known else { return Ok(None) };
        if row.locked > now {
            return Ok(None);
        }
        let moment = now.as_second() / STEP;
        let step = (moment - DRIFT..=moment + DRIFT)
            .find(|step| *step > row.step && ct_eq(totp(&row.secret, *step).as_bytes(), code.as_bytes()));
        let (true, Some(step)) = (right, step) else {
            let until = now.saturating_add(LOCKED).unwrap_or(now);
            all.failed(&row.id, MOST_FAILURES, until).await?;
            return Ok(None);
        };
        let token = random::<32>().map_err(|e| IdentityError::Key(e.to_string()))?;
        let token = format!("hub_operator_{}", base64_url(&token));
        if !all.sign_in(&row.id, step, &mark(&token), now).await? {
            return Ok(None);
        }
        Ok(operator(&row).map(|operator| (operator, token)))
    }

    /// Who holds a token.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn holder(&self, token: &str, now: Timestamp) -> Result<Option<Operator>, IdentityError> {
        let ago = |span| now.saturating_sub(span).unwrap_or(now);
        let row = self
            .store
            .operators()
            .session(&mark(token), ago(ABSOLUTE), ago(IDLE), now)
            .await?;
        Ok(row.as_ref().and_then(operator))
    }

    /// Ends a session.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn sign_out(&self, token: &str) -> Result<(), IdentityError> {
        Ok(self.store.operators().sign_out(&mark(token)).await?)
    }

    /// Lets somebody in no more.
    ///
    /// # Errors
    /// If the store does not answer.
    pub async fn dismiss(&self, id: &str) -> Result<bool, IdentityError> {
        Ok(self.store.operators().dismiss(id).await?)
    }
}

fn operator(row: &OperatorRow) -> Option<Operator> {
    Some(Operator {
        id: row.id.clone(),
        name: row.name.clone(),
        duty: Duty::parse(&row.role)?,
    })
}

fn hashed(password: &str, salt: &[u8]) -> Vec<u8> {
    pbkdf2(password.as_bytes(), salt)
}

fn mark(token: &str) -> String {
    base64_url(&digest(Digest::Sha256, token.as_bytes()))
}

/// The code of a step of time (RFC 6238; RFC 4226, 5.3): six digits, HMAC-SHA-1.
#[must_use]
pub fn totp(secret: &[u8], step: i64) -> String {
    let hash = hmac(Digest::Sha1, secret, &step.to_be_bytes());
    let at = usize::from(hash.last().copied().unwrap_or_default() & 0x0f);
    let four = hash
        .get(at..at + 4)
        .and_then(|b| <[u8; 4]>::try_from(b).ok())
        .unwrap_or_default();
    format!("{:06}", (u32::from_be_bytes(four) & 0x7fff_ffff) % 1_000_000)
}

/// Base32 without padding (RFC 4648, 6).
fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let (mut text, mut held, mut bits) = (String::new(), 0_u32, 0_u32);
    for byte in bytes {
        held = (held << 8 | u32::from(*byte)) & 0xffff;
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            let letter = ALPHABET.get(((held >> bits) & 31) as usize).copied().unwrap_or(b'A');
            text.push(char::from(letter));
        }
    }
    if bits > 0 {
        let letter = ALPHABET
            .get(((held << (5 - bits)) & 31) as usize)
            .copied()
            .unwrap_or(b'A');
        text.push(char::from(letter));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_the_published_samples() {
        // RFC 6238, appendix B, SHA-1, the last six of eight digits.
        for (second, code) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            assert_eq!(totp(b"12345678901234567890", second / STEP), code);
        }
    }

    #[test]
    fn base32_of_the_published_samples() {
        // RFC 4648, 10.
        for (plain, text) in [
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(plain.as_bytes()), text);
        }
    }
}
