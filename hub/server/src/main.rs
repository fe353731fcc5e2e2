//! The binary `hub`.

/// A call makes and drops many small values on one thread; the system's allocator takes a quarter of its time for that
/// (`make bench`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    hub_server::cli::main()
}
