//! The binary `hub`.

fn main() -> std::process::ExitCode {
    hub_server::cli::main()
}
