//! The process log: one JSON line an event for programs, plain lines on a terminal. Holds request ids; never personal
//! data, keys, tokens, query strings or bodies.

use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Plain lines.
    Text,
    /// JSON lines.
    Json,
}

impl Form {
    /// From the config's word; `auto` is text on a terminal and JSON elsewhere.
    #[must_use]
    pub fn from_word(word: &str) -> Self {
        match word {
            "json" => Form::Json,
            "text" => Form::Text,
            _ if std::io::stderr().is_terminal() => Form::Text,
            _ => Form::Json,
        }
    }
}

/// Starts the log on standard error. A second start in one process changes nothing.
pub fn start(form: Form, level: &str) {
    let filter = EnvFilter::try_new(level).unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let started = match form {
        Form::Json => log.json().flatten_event(true).with_current_span(false).try_init(),
        Form::Text => log.with_target(false).try_init(),
    };
    if started.is_err() {
        tracing::debug!("the log was started before");
    }
}
