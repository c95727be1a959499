//! What takes long in, a line on standard error out: only on a terminal and only after a second.

use std::io::{IsTerminal, Write, stderr};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long something may take before it is mentioned.
const PATIENCE: Duration = Duration::from_secs(1);

/// A line that disappears when this is dropped.
#[derive(Debug)]
pub struct Progress {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Progress {
    /// Begins something that may take long: `checking 40 files`.
    pub fn begin(what: impl Into<String>) -> Progress {
        if !stderr().is_terminal() {
            return Progress {
                stop: None,
                thread: None,
            };
        }
        let what = what.into();
        let (stop, stopped) = channel();
        let thread = std::thread::spawn(move || {
            let begun = Instant::now();
            let mut shown = false;
            while stopped.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                shown = true;
                let seconds = begun.elapsed().as_secs();
                let _ = write!(stderr(), "\r{what} … {seconds} s ");
                let _ = stderr().flush();
            }
            if shown {
                let _ = write!(stderr(), "\r\u{1b}[2K");
                let _ = stderr().flush();
            }
        });
        Progress {
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // It only writes; were it to panic, the line would stay.
            let _ = thread.join();
        }
    }
}
