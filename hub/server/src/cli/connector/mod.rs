//! `hub connector`: from what an upstream's people have at hand to a manifest, and trying it before and after there is a
//! connection.

mod aim;
mod explain;
mod once;
mod propose;
mod rehearse;
mod shadow;
mod shadow_report;
mod veil;

use super::args::Connector;
use super::outcome::Outcome;
use hub_core::{Lang, SystemId};

pub async fn run(command: Connector, lang: Lang) -> Outcome {
    let done = match command {
        Connector::New(new) => propose::run(&new, lang),
        Connector::Test(test) => rehearse::run(&test, lang),
        Connector::Try(once) => once::run(once, lang).await,
        Connector::Shadow(shadow) => shadow::run(shadow, lang).await,
        Connector::Explain(explain) => explain::run(&explain, lang),
    };
    done.unwrap_or_else(|stopped| stopped)
}

/// The system that a word names.
fn system(word: &str, lang: Lang) -> Result<SystemId, Outcome> {
    SystemId::try_from(word.to_owned()).map_err(|bad| {
        Outcome::misused(
            match lang {
                Lang::Zh => format!("`{word}` 应写成 部门/系统，例如 hpf/core"),
                Lang::En => bad.to_string(),
            },
            lang,
        )
    })
}
