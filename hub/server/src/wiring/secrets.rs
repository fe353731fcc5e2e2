//! Secrets of the upstreams: derived for the simulated city, given by the operator for a real one.

use hub_catalog::Document;
use hub_connectors::About;
use hub_core::ports::Clock;
use hub_core::{Finding, SystemId, Text};
use hub_crypto::{derive_key, hex, rsa_generate};
use hub_gateway::SecretSource;
use hub_identity::sso::{AccessTokens, Told};
use hub_store::{Store, StoreError};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Name of the seed in the store.
const SEED: &str = "city.seed";
/// Name of the key pair in the store.
const PAIR: &str = "city.rsa";

/// Secrets of the simulated city. Derived from one seed, so that both ends know them and a restart changes none; key
/// pairs are one pair for the whole city, known by names that end in `private-key` and `public-key`; names with `sm2` in
/// them are the city's SM2 key, which serves for both halves.
pub struct DerivedSecrets {
    seed: [u8; 32],
    private_key: String,
    public_key: String,
}

impl DerivedSecrets {
    /// Reads the seed from the store, or keeps a new one there.
    ///
    /// # Errors
    /// If the store does not answer or what it kept is damaged.
    pub async fn open(store: &Store) -> Result<Self, StoreError> {
        let damaged = StoreError::Damaged("the secrets of the simulated city");
        let fresh = hub_crypto::random::<32>().map_err(|e| StoreError::Unavailable(e.to_string()))?;
        let seed = store.secrets().get_or_keep(SEED, &fresh).await?;
        let pair = match store.secrets().get(PAIR).await? {
            Some(pair) => pair,
            None => {
                let (private, public) = rsa_generate().map_err(|e| StoreError::Unavailable(e.to_string()))?;
                store
                    .secrets()
                    .get_or_keep(PAIR, format!("{private}\n{public}").as_bytes())
                    .await?
            }
        };
        let pair = String::from_utf8(pair).ok();
        let (private_key, public_key) = pair.as_deref().and_then(|p| p.split_once('\n')).ok_or(damaged)?;
        Ok(Self {
            seed: <[u8; 32]>::try_from(seed).map_err(|_| StoreError::Damaged("the seed of the simulated city"))?,
            private_key: private_key.to_owned(),
            public_key: public_key.to_owned(),
        })
    }
}

impl SecretSource for DerivedSecrets {
    fn get(&self, system: &SystemId, name: &str) -> Option<String> {
        let spelled = name.replace('_', "-");
        if spelled.contains("sm2") {
            return Some(hex(&derive_key(&self.seed, "city/sm2")));
        }
        if spelled.ends_with("private-key") {
            return Some(self.private_key.clone());
        }
        if spelled.ends_with("public-key") {
            return Some(self.public_key.clone());
        }
        let key = derive_key(&self.seed, &format!("{system}/{name}"));
        Some(hex(key.get(..16)?))
    }
}

/// Secrets written down by the operator: a file, and `HUB_SECRET_<AGENCY>_<SYSTEM>_<NAME>` over it.
#[derive(Default)]
pub struct GivenSecrets {
    file: BTreeMap<String, BTreeMap<String, String>>,
}

impl GivenSecrets {
    /// Reads the file, if there is one.
    ///
    /// # Errors
    /// What is wrong with it. A finding never quotes a value.
    pub fn load(file: Option<&Path>) -> Result<Self, Vec<Finding>> {
        let Some(path) = file else { return Ok(Self::default()) };
        let name = path.display().to_string();
        let bytes = std::fs::read(path).map_err(|e| {
            let words = Text::new(
                format!("无法读取密钥文件：{e}"),
                format!("the file of secrets cannot be read: {e}"),
            );
            vec![Finding::error("unreadable-file", &name, words)]
        })?;
        let document = Document::parse(&name, &bytes).map_err(|f| vec![f])?;
        let mut secrets = Self::default();
        let mut findings = Vec::new();
        let systems = document.value.as_object().into_iter().flatten();
        for (system, values) in systems {
            let place = format!("/{}", hub_catalog::document::escape(system));
            if let Err(e) = SystemId::try_from(system.clone()) {
                findings.push(document.finding("bad-system", &place, Text::same(e.to_string())));
                continue;
            }
            let own = secrets.file.entry(system.clone()).or_default();
            for (name, value) in values.as_object().into_iter().flatten() {
                match value.as_str() {
                    Some(value) => drop(own.insert(name.clone(), value.to_owned())),
                    None => {
                        let words = Text::new(
                            "密钥的值必须是文本（加引号）",
                            "a secret must be a text; put it in quotes",
                        );
                        findings.push(document.finding("bad-value", &format!("{place}/{name}"), words));
                    }
                }
            }
        }
        if findings.is_empty() {
            Ok(secrets)
        } else {
            Err(findings)
        }
    }
}

impl SecretSource for GivenSecrets {
    fn get(&self, system: &SystemId, name: &str) -> Option<String> {
        let variable = format!("HUB_SECRET_{}_{}_{name}", system.agency, system.system);
        let variable = variable.replace('-', "_").to_ascii_uppercase();
        let given = std::env::var(variable).ok();
        given.or_else(|| self.file.get(&system.to_string())?.get(name).cloned())
    }
}

/// Secrets of systems, and tokens that the hub signs for them.
pub struct Signing {
    /// Where the secrets come from.
    pub secrets: Arc<dyn SecretSource>,
    /// The hub's signing keys.
    pub tokens: Arc<AccessTokens>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

impl SecretSource for Signing {
    fn get(&self, system: &SystemId, name: &str) -> Option<String> {
        self.secrets.get(system, name)
    }

    fn subject_token(&self, system: &SystemId, about: &About<'_>) -> Option<String> {
        let audience = system.to_string();
        let told = Told {
            audience: &audience,
            sub: about.subject,
            actor: about.agent,
            assurance: about.assurance,
        };
        match self.tokens.tell(&told, self.clock.now()) {
            Ok(token) => Some(token),
            Err(error) => {
                tracing::error!(%system, %error, "a token for a system could not be signed");
                None
            }
        }
    }
}

/// The operator's secrets as a source, for commands that look at one call.
///
/// # Errors
/// What is wrong with the file.
pub fn given(file: Option<&Path>) -> Result<Arc<dyn SecretSource>, Vec<Finding>> {
    Ok(Arc::new(GivenSecrets::load(file)?))
}

/// One system's secrets, as its connector sees them.
pub struct Own {
    source: Arc<dyn SecretSource>,
    system: SystemId,
}

impl Own {
    /// Those of a system.
    pub fn new(source: &Arc<dyn SecretSource>, system: &SystemId) -> Self {
        Self {
            source: Arc::clone(source),
            system: system.clone(),
        }
    }
}

impl hub_connectors::Secrets for Own {
    fn get(&self, name: &str) -> Option<String> {
        self.source.get(&self.system, name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn derived_secrets_survive_a_restart_and_differ_by_system() {
        let dir = tempfile::tempdir().unwrap();
        let (a, b) = (SystemId::new("a", "x"), SystemId::new("b", "x"));
        let first = {
            let store = Store::open(dir.path(), None).await.unwrap();
            let secrets = DerivedSecrets::open(&store).await.unwrap();
            let seen = (secrets.get(&a, "key").unwrap(), secrets.get(&a, "private-key").unwrap());
            assert_ne!(seen.0, secrets.get(&b, "key").unwrap());
            assert_ne!(seen.0, secrets.get(&a, "app").unwrap());
            store.close().await;
            seen
        };
        let store = Store::open(dir.path(), None).await.unwrap();
        let secrets = DerivedSecrets::open(&store).await.unwrap();
        assert_eq!(
            (secrets.get(&a, "key").unwrap(), secrets.get(&a, "private-key").unwrap()),
            first
        );
    }

    #[test]
    fn given_secrets_are_scoped_and_findings_quote_none() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("secrets.yaml");
        std::fs::write(&file, "a/x: {key: topsecret}\n").unwrap();
        let secrets = GivenSecrets::load(Some(&file)).unwrap_or_else(|f| panic!("{f:?}"));
        assert_eq!(
            secrets.get(&SystemId::new("a", "x"), "key").as_deref(),
            Some("topsecret")
        );
        assert_eq!(secrets.get(&SystemId::new("b", "x"), "key"), None);
        std::fs::write(&file, "a/x: {key: 123456}\nB x: {}\n").unwrap();
        let findings = GivenSecrets::load(Some(&file)).err().unwrap();
        assert_eq!(findings.len(), 2);
        assert!(
            findings.iter().all(|f| !f.to_string().contains("123456")),
            "{findings:?}"
        );
    }
}
