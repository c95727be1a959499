//! Arguments in, an exit code out: the command line, as a library so that tests can use its parts.

mod address;
mod archive;
pub mod args;
pub mod audit;
pub mod backup;
mod built_in;
pub mod cause;
pub mod check;
pub mod choose;
mod clock;
pub mod demo;
mod deploy;
pub mod doc;
pub mod error;
pub mod explain;
mod fix;
pub mod fmt;
pub mod follow;
pub mod gather;
pub mod graph;
pub mod identity;
pub mod input;
pub mod log;
pub mod lookup;
pub mod lsp;
pub mod out;
mod pause;
mod permissions;
pub mod progress;
pub mod project;
mod promote;
mod replay;
pub mod report;
pub mod run;
pub mod runs;
pub mod sandbox;
pub mod sandboxed;
pub mod sarif;
mod secrets;
pub mod serve;
pub mod settle;
mod show;
pub mod signal;
pub mod simulate;
pub mod table;
mod telemetry;
mod test;
mod undo;
mod unreadable;
pub mod values;
pub mod verify;
pub mod view;
pub mod waiting;
pub mod words;

use args::{Cli, Command};
use clap::Parser;
use error::{Failure, Outcome};
use log::Tells;
use std::ffi::OsString;

/// Carries out one command line, the program's name first, and says how the process should end.
pub fn run(args: impl IntoIterator<Item = OsString>) -> u8 {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to standard output; a reader that has gone away is no error.
            let _ = error.print();
            return u8::try_from(error.exit_code()).unwrap_or(2);
        }
    };
    cli.color.apply();
    let log = log::start(match &cli.command {
        Command::Serve(args) => Tells::Service(args.log_format),
        Command::Run(_) => Tells::Runs,
        _ => Tells::Asked,
    });
    let outcome = log.and_then(|log| {
        let outcome = carry_out(cli.command);
        // The last spans are sent after the last run has come to rest.
        drop(log);
        outcome
    });
    match outcome {
        Ok(code) => code,
        Err(failure) => {
            if let Some(message) = &failure.message {
                out::complain(message);
            }
            failure.code
        }
    }
}

fn carry_out(command: Command) -> Outcome {
    match command {
        Command::Check(args) => check::check(&args),
        Command::Explain(args) => explain::explain(&args),
        Command::Graph(args) => graph::graph(&args),
        Command::Verify(args) => verify::verify(&args),
        Command::Doc(args) => doc::doc(&args),
        Command::Fmt(args) => fmt::fmt(&args),
        Command::Fix(args) => fix::fix(&args),
        Command::Permissions(args) => permissions::permissions(&args),
        Command::Lsp(args) => lsp::lsp(&args),
        Command::Test(args) => asynchronously(test::test(args)),
        Command::Simulate(args) => asynchronously(simulate::simulate(*args)),
        Command::Run(args) => asynchronously(run::run(*args)),
        Command::Serve(args) => asynchronously(serve::serve(*args)),
        Command::Runs(args) => asynchronously(runs::runs(args)),
        Command::Show(args) => asynchronously(show::show(args)),
        Command::Approve(args) => asynchronously(words::decide(args, true)),
        Command::Reject(args) => asynchronously(words::decide(args, false)),
        Command::Answer(args) => asynchronously(words::answer(args)),
        Command::Settle(args) => asynchronously(settle::settle(args)),
        Command::Resume(args) => asynchronously(words::resume(args)),
        Command::Cancel(args) => asynchronously(words::cancel(args)),
        Command::Move(args) => asynchronously(unreadable::anew(args)),
        Command::Clock(args) => asynchronously(clock::clock(args)),
        Command::Undo(args) => asynchronously(undo::undo(args)),
        Command::Replay(args) => asynchronously(replay::replay(args)),
        Command::Deploy(args) => asynchronously(deploy::deploy(args)),
        Command::Promote(args) => asynchronously(promote::promote(args)),
        Command::Pause(args) => asynchronously(pause::pause(args)),
        Command::Unpause(args) => asynchronously(pause::unpause(args)),
        Command::Archive(args) => asynchronously(archive::archive(args)),
        Command::Backup(args) => asynchronously(backup::backup(args)),
        Command::Audit(args) => asynchronously(audit::audit(args)),
        Command::User(args) => asynchronously(identity::user(args)),
        Command::Token(args) => asynchronously(identity::token(args)),
        Command::Sandbox(args) => asynchronously(sandbox::sandbox(args)),
        Command::Demo(args) => asynchronously(demo::demo(args)),
    }
}

pub(crate) fn asynchronously(work: impl Future<Output = Outcome>) -> Outcome {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::cannot_start(format!("the system gives no threads: {error}")))?;
    let outcome = runtime.block_on(work);
    // A read from the keyboard may still be waiting; nothing else is.
    runtime.shutdown_background();
    outcome
}
