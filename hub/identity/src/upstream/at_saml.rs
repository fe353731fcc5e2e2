//! The doors of SAML: a response that comes in a form, our metadata, a provider's word of a sign-out.

use super::dance::Kept;
use super::file::{Dialect, ProviderFile, Saml};
use super::oidc::Told;
use super::providers::Upstreams;
use super::saml::{self, Held, LoggedOut, LogoutAsk};
use super::trouble::{Trouble, Why};
use crate::sso::{Params, hashed, later};
use hub_core::time::Timestamp;

impl Upstreams {
    /// Who we are at a provider: the id of its file, else the address of our metadata.
    pub(crate) fn entity(&self, file: &ProviderFile) -> Result<String, Trouble> {
        let ours = self.ours(file)?;
        if ours.id.is_empty() {
            Ok(format!("{}/metadata", self.doors_of(&file.id)))
        } else {
            Ok(ours.id)
        }
    }

    /// Our private key at a provider, if requests are signed.
    pub(crate) fn signing_key(&self, file: &ProviderFile, saml: &Saml) -> Result<Option<String>, Trouble> {
        let Some(signing) = &saml.signing else {
            return Ok(None);
        };
        let key = (self.secrets)(&file.id).get(&signing.key);
        let missing = || format!("the secret `{}` of {} is not set", signing.key, file.id);
        key.map(Some).ok_or_else(|| Trouble::new(Why::Ours, missing()))
    }

    /// The mark of a person by the name under which a provider tells of sign-outs.
    pub(crate) fn named(&self, file: &ProviderFile, name: &str) -> String {
        self.provider.pairwise.mark(&["idp", "named", &file.issuer, "", name])
    }

    /// Whether a provider speaks SAML.
    #[must_use]
    pub fn is_saml(&self, id: &str) -> bool {
        self.one(id)
            .is_ok_and(|one| matches!(one.file.dialect, Dialect::Saml(_)))
    }

    /// A provider's form has brought a response. It comes without our cookie, so that what it says is kept; the browser goes on to
    /// the address that is answered, where it has its cookie. A response that is refused is told there too.
    ///
    /// # Errors
    /// If it belongs to no sign-in that could go on; else the second of the pair says why nobody will be signed in.
    pub async fn saml_response(
        &self,
        id: &str,
        fields: &[(String, String)],
        now: Timestamp,
    ) -> Result<(String, Option<Trouble>), Trouble> {
        let one = self.one(id)?;
        let Dialect::Saml(saml) = &one.file.dialect else {
            return Err(Trouble::new(Why::NoProvider, "it speaks no SAML"));
        };
        let field = |name: &str| -> Result<&str, Trouble> {
            let mut all = fields.iter().filter(|(n, _)| n == name);
            match (all.next(), all.next()) {
                (Some((_, value)), None) => Ok(value),
                _ => Err(Trouble::new(Why::Strange, format!("{name} does not come once"))),
            }
        };
        let state = field("RelayState")?;
        if state.is_empty() || state.len() > 128 || !state.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(Trouble::new(Why::Strange, "its RelayState is not ours"));
        }
        let entity = self.entity(&one.file)?;
        let here = format!("{}/callback", self.doors_of(id));
        let kept = async {
            let expected = saml::Expected {
                file: &one.file,
                saml,
                entity: &entity,
                here: &here,
                now,
            };
            let held = saml::read(field("SAMLResponse")?, &expected)?;
            held.keep(&self.provider.store, id, &one.file.issuer, now).await
        };
        // An address of ours, without its host: a browser that came by another name stays there.
        let back = format!("/sso/via/{id}/callback?state={state}");
        Ok(match kept.await {
            Ok(name) => (format!("{back}&held={name}"), None),
            Err(trouble) => (format!("{back}&refused={}", saml::word(&trouble.why)), Some(trouble)),
        })
    }

    /// Who came back to the browser that the response is for.
    pub(crate) async fn saml_back(
        &self,
        file: &ProviderFile,
        kept: &Kept,
        params: &Params,
        now: Timestamp,
    ) -> Result<Told, Trouble> {
        if let Some(word) = params.get("refused") {
            return Err(Trouble::new(saml::reason(word), "its response was refused before"));
        }
        let name = params.get("held");
        let name = name.ok_or_else(|| Trouble::new(Why::Cancelled, "it came back without a response"))?;
        Held::take(&self.provider.store, &file.id, name, now).await?.of(kept)
    }

    /// How we describe ourselves to a provider that speaks SAML.
    ///
    /// # Errors
    /// If it does not.
    pub fn saml_metadata(&self, id: &str) -> Result<String, Trouble> {
        let one = self.one(id)?;
        let Dialect::Saml(saml) = &one.file.dialect else {
            return Err(Trouble::new(Why::NoProvider, "it speaks no SAML"));
        };
        Ok(saml::described(saml, &self.entity(&one.file)?, &self.doors_of(id)))
    }

    /// A browser has brought a provider's word that its person signs out.
    ///
    /// # Errors
    /// Why it is not good.
    pub async fn saml_logout(&self, id: &str, ask: &LogoutAsk, now: Timestamp) -> Result<LoggedOut, Trouble> {
        let one = self.one(id)?;
        let file = &one.file;
        let Dialect::Saml(saml) = &file.dialect else {
            return Err(Trouble::new(Why::NoProvider, "it speaks no SAML"));
        };
        let leaving = saml::leaving(ask, file, saml, &format!("{}/logout", self.doors_of(id)), now)?;
        let mark = hashed(&format!("idp logout\0{id}\0{}", leaving.id));
        let remembered = u64::try_from(2 * (saml::AGE + saml.skew)).unwrap_or(0);
        let sign_ins = self.provider.store.sign_ins();
        if !sign_ins.comes_first(&mark, now, later(now, remembered)).await? {
            return Err(Trouble::new(Why::Used, "this word of a sign-out came before"));
        }
        let named = self.named(file, &leaving.named);
        let mut notices = Vec::new();
        if leaving.sessions.is_empty() {
            notices = self.end(Some(&named), None, now).await?;
        }
        for session in &leaving.sessions {
            let their = self.their(file, session);
            notices.extend(self.end(Some(&named), Some(&their), now).await?);
        }
        let key = self.signing_key(file, saml)?;
        let back = saml::answered(&leaving, saml, &self.entity(file)?, key.as_deref(), now)?;
        Ok(LoggedOut { notices, back })
    }
}
