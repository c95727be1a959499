//! Lines of the demo in, the same lines on the terminal at a reader's pace out.

use crate::args::DemoArgs;
use crate::out::{self, ASK, BAD, GOOD, HEAD, QUIET, WARN, paint};
use anstyle::Style;
use std::io::{self, BufRead, IsTerminal};
use std::time::Duration;

/// The pause between lines on a terminal.
const PAUSE: Duration = Duration::from_millis(150);
/// The column of times.
const TIME_WIDTH: usize = 5;
/// The column of what was done.
const WHAT_WIDTH: usize = 38;
/// The most of an explanation that is shown.
const WHY_WIDTH: usize = 78;

/// Where the demo is shown.
#[derive(Debug)]
pub struct Stage {
    pause: Duration,
    /// Whether someone can answer.
    asks: bool,
}

/// The sign in front of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// Something was done.
    Done,
    /// Something failed.
    Failed,
    /// Something failed and the playbook has an answer to that.
    Retried,
    /// Something was found out or decided.
    Fact,
    /// Somebody is asked.
    Question,
}

impl Mark {
    fn sign(self) -> (&'static str, Style) {
        match self {
            Mark::Done => ("✓", GOOD),
            Mark::Failed => ("✗", BAD),
            Mark::Retried => ("!", WARN),
            Mark::Fact => ("·", QUIET),
            Mark::Question => ("?", ASK),
        }
    }
}

impl Stage {
    /// A stage as the options and the terminal want it.
    pub fn new(args: &DemoArgs) -> Stage {
        let pause = match args.pause_ms {
            Some(ms) => Duration::from_millis(ms),
            None if args.fast || !out::is_terminal() => Duration::ZERO,
            None => PAUSE,
        };
        Stage {
            pause,
            asks: !args.yes && io::stdin().is_terminal() && out::is_terminal(),
        }
    }

    /// One line.
    pub async fn line(&self, text: impl std::fmt::Display) -> io::Result<()> {
        out::line(text)?;
        if !self.pause.is_zero() {
            tokio::time::sleep(self.pause).await;
        }
        Ok(())
    }

    /// A chapter's title.
    pub async fn chapter(&self, number: u32, title: &str) -> io::Result<()> {
        self.line("").await?;
        self.line(paint(HEAD, format!("{number}  {title}"))).await
    }

    /// A line of explanation.
    pub async fn say(&self, text: &str) -> io::Result<()> {
        self.line(format!("   {text}")).await
    }

    /// A step: when, what, and why it matters.
    pub async fn step(&self, time: &str, mark: Mark, what: &str, why: &str) -> io::Result<()> {
        let (sign, style) = mark.sign();
        let what = out::harmless(what).replace('\n', " ");
        let fill = WHAT_WIDTH.saturating_sub(what.chars().count());
        let time = paint(QUIET, format!("{time:>TIME_WIDTH$}"));
        let sign = paint(style, sign);
        let why = paint(QUIET, cut(&why.replace('\n', " "), WHY_WIDTH));
        let text = format!("   {time}  {sign} {what}{}  {why}", " ".repeat(fill));
        self.line(text.trim_end()).await
    }

    /// Time that passes.
    pub async fn time_passes(&self, text: &str) -> io::Result<()> {
        self.line(format!("   {}", paint(WARN, format!("⏩ {text}"))))
            .await
    }

    /// Asks for a yes or no at the keyboard; without one the answer is yes, and that is said.
    pub async fn approves(&self, who: &str) -> io::Result<bool> {
        let prompt = format!(
            "          {} ",
            paint(ASK, format!("You are {who}. Approve? [y/n]"))
        );
        if !self.asks {
            self.line(format!(
                "{prompt}y  {}",
                paint(QUIET, "(answered by itself)")
            ))
            .await?;
            return Ok(true);
        }
        loop {
            out::text(&prompt)?;
            match read_line().await?.as_deref().map(str::trim) {
                Some("y" | "Y" | "yes") => return Ok(true),
                Some("n" | "N" | "no") | None => return Ok(false),
                Some(_) => out::line("          Please answer y or n.")?,
            }
        }
    }
}

/// A text of at most so many characters.
pub fn cut(text: &str, width: usize) -> String {
    match text.char_indices().nth(width) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

async fn read_line() -> io::Result<Option<String>> {
    let read = tokio::task::spawn_blocking(|| {
        let mut text = String::new();
        let read = io::stdin().lock().read_line(&mut text)?;
        Ok((read > 0).then_some(text))
    });
    read.await.unwrap_or(Ok(None))
}
