//! `hub serve`: a hub for a city of one's own.

use super::args::ServeArgs;
use super::demo::{keep, place};
use super::documents::named;
use super::outcome::Outcome;
use crate::config::Config;
use crate::wiring::Plan;
use hub_core::Lang;

pub async fn run(args: ServeArgs, lang: Lang) -> Outcome {
    if let Err(misused) = named(&args.folders, lang) {
        return misused;
    }
    let mut config = match Config::load(args.config.as_deref(), &|name| std::env::var(name).ok()) {
        Ok(config) => config,
        Err(findings) => return Outcome::findings(&findings, lang),
    };
    place(&mut config, &args.place, &args.folders);
    if let Some(secrets) = args.secrets {
        config.paths.secrets = Some(secrets);
    }
    config.identity.test_issuer |= args.test_issuer;
    let credentials = args.place.ready_file.is_some();
    let plan = Plan {
        config,
        credentials,
        ..Plan::default()
    };
    keep(plan, &args.place, args.json, lang).await
}
