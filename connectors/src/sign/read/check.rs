//! What must hang together in a recipe: mistakes that would show only as refused signatures.

use super::Mistakes;
use crate::sign::algorithm::Algorithm;
use crate::sign::{Recipe, SecretKind};

/// Mistakes of a recipe whose parts are right.
pub(super) fn recipe(recipe: &Recipe) -> Mistakes {
    secret(recipe).into_iter().chain(stamps(recipe)).collect()
}

/// A secret that is needed is named, and one that is named is used.
fn secret(recipe: &Recipe) -> Option<(String, String)> {
    let in_template = |name: &str| {
        [&recipe.wrap, &recipe.key, &recipe.value].iter().any(|t| t.names(name))
            || recipe.cover.template().is_some_and(|t| t.names(name))
            || recipe.add.iter().any(|(_, t)| t.names(name))
    };
    let used = match recipe.algorithm {
        Algorithm::Asymmetric(_) => true,
        Algorithm::Hmac(_) => recipe.mac_key.names("secret") || in_template("secret"),
        Algorithm::Plain | Algorithm::Digest(_) => in_template("secret"),
    };
    let only_verifies = recipe.verify.is_some() && recipe.algorithm.secret_kind() != SecretKind::Text;
    match &recipe.secret {
        None if used && !only_verifies => Some((
            String::new(),
            "`secret` is missing: the key, for example secret:key".into(),
        )),
        Some(_) if !used => Some((
            "/secret".into(),
            "the secret is not used; say where with `key`, for example key: \"suffix &key=\"".into(),
        )),
        _ => None,
    }
}

/// Who verifies must find what was signed.
fn stamps(recipe: &Recipe) -> Mistakes {
    let used = |name: &str| recipe.templates().iter().any(|t| t.names(name));
    let lost = [("timestamp", &recipe.timestamp_at), ("nonce", &recipe.nonce_at)]
        .into_iter()
        .filter(|(name, place)| used(name) && place.is_none() && recipe.holder(name).is_none());
    lost.map(|(name, _)| {
        let message = format!("{{{name}}} is signed; put it somewhere with `add`, or say with `seen` where it stands");
        (String::new(), message)
    })
    .collect()
}
