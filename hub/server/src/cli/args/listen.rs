//! `hub listen`.

use super::{Reach, said};
use clap::Args as ClapArgs;
use std::path::PathBuf;

/// `hub listen`.
#[derive(Debug, ClapArgs)]
pub struct ListenArgs {
    /// Address to send every event to, until it is taken.
    #[arg(long, value_name = "URL")]
    pub forward: Option<String>,
    /// Only of these kinds, by comma; `case.*` for all of one.
    #[arg(long, value_name = "KINDS")]
    pub types: Option<String>,
    /// Only of this world.
    #[arg(long, value_name = "WORLD")]
    pub world: Option<String>,
    /// Begin after this number, whatever the file says; 0 for the first event there is.
    #[arg(long, value_name = "CURSOR")]
    pub since: Option<u64>,
    /// File that keeps where it was, and the secret that signs; one in the data folder if missing.
    #[arg(long, value_name = "FILE")]
    pub cursor_file: Option<PathBuf>,
    /// Where the hub is.
    #[command(flatten)]
    pub reach: Reach,
    /// Client key.
    #[arg(long, env = "HUB_KEY", value_name = "KEY", hide_env_values = true)]
    pub key: Option<String>,
    /// Print one JSON object an event.
    #[arg(long)]
    pub json: bool,
}

impl ListenArgs {
    /// The client key that was given.
    pub fn key(&self) -> Option<String> {
        said(self.key.as_ref())
    }
}
