//! The command line. Every command prints human text on a terminal and JSON with `--json`, and exits with
//! 0 (done), 1 (findings, refusals, failures) or 2 (used wrongly).

mod args;
mod words;

mod audit;
mod call;
mod check;
mod client;
mod connector;
mod demo;
mod description;
mod diff;
mod documents;
mod export;
mod fixes;
mod lint;
mod lint_report;
mod listen;
mod mock;
mod outcome;
mod register;
mod report;
mod request;
mod running;
mod serve;
mod tries;
mod verify;

use clap::FromArgMatches;
use hub_core::Lang;
use outcome::Outcome;
use std::process::ExitCode;

/// Reads the command line and runs the command.
#[must_use]
pub fn main() -> ExitCode {
    let lang = args::language(std::env::args(), |name| std::env::var(name).ok());
    let matches = words::command(lang).get_matches();
    let parsed = match args::Args::from_arg_matches(&matches) {
        Ok(parsed) => parsed,
        Err(e) => e.exit(),
    };
    let outcome = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime.block_on(run(parsed.command, lang)),
        Err(e) => Outcome::failed(format!("cannot start: {e}"), lang),
    };
    outcome.finish(lang)
}

async fn run(command: args::Command, lang: Lang) -> Outcome {
    match command {
        args::Command::Demo(demo) => demo::run(demo, lang).await,
        args::Command::Serve(serve) => serve::run(serve, lang).await,
        args::Command::Check(check) => check::run(&check, lang),
        args::Command::Diff(args) => diff::run(&args, lang),
        args::Command::Mock(args) => mock::run(args, lang).await,
        args::Command::Lint(lint) => lint::run(&lint, lang),
        args::Command::Verify(args) => verify::run(args, lang).await,
        args::Command::Listen(args) => listen::run(args, lang).await,
        args::Command::Register(args) => register::run(args, lang).await,
        args::Command::Call(call) => call::run(call, lang).await,
        args::Command::Openapi(openapi) => documents::openapi(&openapi, lang),
        args::Command::Export(export) => export::run(&export, lang).await,
        args::Command::Connector(connector) => connector::run(connector, lang).await,
        args::Command::Audit(args::Audit::Verify(verify)) => audit::verify(&verify, lang),
        args::Command::Client(client) => client::run(client, lang).await,
    }
}
