//! The process's arguments in, its exit code out.

use std::process::ExitCode;

/// A heap that stays quick when a large one was used before: the service compiles, and then runs for months.
#[global_allocator]
static HEAP: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ExitCode::from(counterplay_cli::run(std::env::args_os()))
}
