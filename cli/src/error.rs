//! What went wrong in; an exit code and a sentence for people out.

use std::io;

/// Everything is fine.
pub const OK: u8 = 0;
/// The command worked and found something wrong: errors in a file, a rejected event, a failed run.
pub const FOUND: u8 = 1;
/// The command could not do its work: wrong usage, something unreadable, something that is not there.
pub const CANNOT: u8 = 2;
/// A person pressed Ctrl-C.
pub const INTERRUPTED: u8 = 130;

/// How a command ends: its exit code, or why it broke off.
pub type Outcome = Result<u8, Failure>;

/// Why a command broke off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The exit code.
    pub code: u8,
    /// The sentence for standard error; nothing where everything has been said.
    pub message: Option<String>,
}

impl Failure {
    /// The command cannot do its work.
    pub fn cannot_start(message: impl Into<String>) -> Failure {
        Failure {
            code: CANNOT,
            message: Some(message.into()),
        }
    }

    /// The command did its work and the answer is no.
    pub fn refused(message: impl Into<String>) -> Failure {
        Failure {
            code: FOUND,
            message: Some(message.into()),
        }
    }

    /// Everything has been said already.
    pub fn said(code: u8) -> Failure {
        Failure {
            code,
            message: None,
        }
    }
}

impl From<io::Error> for Failure {
    /// A failure to write. A reader that has gone away (`| head`) is not an error.
    fn from(error: io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::said(OK),
            _ => Failure::cannot_start(format!("the output cannot be written: {error}")),
        }
    }
}
