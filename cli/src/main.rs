//! The process's arguments in, its exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(counterplay_cli::run(std::env::args_os()))
}
