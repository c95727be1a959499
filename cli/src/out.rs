//! Text and styles in, lines on the terminal out; colours only where someone sees them.

use crate::log;
use anstyle::{AnsiColor, Style};
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

/// Titles.
pub const HEAD: Style = Style::new().bold();
/// As it should be.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// Worth a look.
pub const WARN: Style = AnsiColor::Yellow.on_default();
/// Wrong.
pub const BAD: Style = AnsiColor::Red.on_default().bold();
/// Names and numbers that matter.
pub const NAME: Style = AnsiColor::Cyan.on_default();
/// Questions to people.
pub const ASK: Style = AnsiColor::Magenta.on_default().bold();
/// Background.
pub const QUIET: Style = Style::new().dimmed();
/// No style.
pub const PLAIN: Style = Style::new();

/// A text in a style, control characters of foreign text made harmless.
pub fn paint(style: Style, text: impl Display) -> String {
    let text = harmless(&text.to_string());
    format!("{style}{text}{style:#}")
}

/// A text without control characters: an event or a file must not steer the reader's terminal.
pub fn harmless(text: &str) -> String {
    let safe = |c: char| !c.is_control() || matches!(c, '\n' | '\t');
    text.chars()
        .map(|c| if safe(c) { c } else { '?' })
        .collect()
}

/// Writes one line to standard output.
///
/// # Errors
/// When standard output cannot be written.
pub fn line(text: impl Display) -> io::Result<()> {
    writeln!(anstream::stdout().lock(), "{text}")
}

/// Writes text as it is to standard output.
///
/// # Errors
/// When standard output cannot be written.
pub fn text(text: impl Display) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    write!(out, "{text}")?;
    out.flush()
}

/// Writes a line to standard error; nobody can be told when that fails.
pub fn note(text: impl Display) {
    let text = text.to_string();
    if !log::takes(&text) {
        let _ = writeln!(anstream::stderr().lock(), "{text}");
    }
}

/// Writes an error to standard error.
pub fn complain(message: &str) {
    note(format!("{} {}", paint(BAD, "error:"), harmless(message)));
}

/// Whether colours are shown on standard output.
pub fn is_colored() -> bool {
    anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never
}

/// Whether colours are shown on standard error.
pub fn is_error_colored() -> bool {
    anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never
}

/// Whether a person reads standard output.
pub fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// `1 run`, `3 runs`.
pub fn count(number: usize, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_cannot_steer_the_terminal() {
        assert_eq!(paint(PLAIN, "a\u{1b}[2Jb\u{7}"), "a?[2Jb?");
        assert_eq!(count(1, "run"), "1 run");
        assert_eq!(count(0, "run"), "0 runs");
    }
}
