//! A run's journal in, lines that an analyst reads out: times relative to the start, each action on one line.
//!
//! Lines are data (a kind, a severity, columns), so that a terminal or a page can colour them; [`render`]
//! gives plain text with the columns aligned.

use crate::undo::JUDGE;
use counterplay_machine::declare::Impact;
use counterplay_machine::duration::{
    DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, format_ms, format_time_ms,
};
use counterplay_machine::journal::{Entry, What};
use counterplay_machine::playbook::StageKind;
use counterplay_machine::state::Outcome;
use counterplay_machine::step::Settled;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::collections::BTreeSet;

/// Texts among arguments and answers are cut to this many characters.
const VALUE_MAX: usize = 60;
/// The time's column.
const TIME_WIDTH: usize = 8;
/// Longer lines do not push the columns of all others to the right.
const TEXT_WIDTH_MAX: usize = 72;
/// The impact's column.
const IMPACT_WIDTH: usize = 12;

/// What a line tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineKind {
    /// The run started.
    Start,
    /// A stage began.
    Stage,
    /// A query and its answer.
    Query,
    /// An action and what became of it.
    Action,
    /// An attempt at a call that gave no answer; another one follows.
    Retry,
    /// A way was chosen.
    Branch,
    /// Branches or elements began.
    Fork,
    /// The run waits for a time.
    Wait,
    /// An approval: asked, answered, decided.
    Approval,
    /// The run is held, or goes on after it was.
    Held,
    /// The run ended, or `on failure` follows.
    End,
}

/// How much attention a line deserves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Background.
    Quiet,
    /// As it should be.
    Normal,
    /// Worth a look: skipped, unanswered, assumed.
    Notice,
    /// Something failed or is held.
    Problem,
}

/// A line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// When, in milliseconds from the start of the run.
    pub at_ms: i64,
    /// What it tells.
    pub kind: LineKind,
    /// How much attention it deserves.
    pub severity: Severity,
    /// How deep in loops and parallel branches it stands.
    pub depth: u32,
    /// The words.
    pub text: String,
    /// The impact, for actions.
    pub impact: Option<Impact>,
    /// What became of it, where that is a column of its own: `done`, `failed: …`.
    pub result: Option<String>,
    /// The journal's entry that it tells, by index; the first of those that are told together.
    #[serde(skip)]
    pub entry: usize,
    /// The entry that ended what it tells: an answer, a failure.
    #[serde(skip)]
    pub end: Option<usize>,
}

/// How a journal is to be read.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// Entries, by index, whose answers were assumed by a simulation.
    pub assumed: BTreeSet<usize>,
    /// Nothing was really performed: actions read "would be done".
    pub simulated: bool,
}

/// Reads a journal. Entries are in the order in which they happened.
pub fn lines(journal: &[Entry], reading: &Reading) -> Vec<Line> {
    let mut reader = Reader {
        journal,
        reading,
        started_ms: journal.first().map_or(0, |e| e.at_ms),
        told: BTreeSet::new(),
        out: Vec::new(),
    };
    for index in 0..journal.len() {
        if !reader.told.contains(&index) {
            let before = reader.out.len();
            reader.read(index);
            for line in reader.out.iter_mut().skip(before) {
                line.entry = index;
            }
        }
    }
    fold(reader.out)
}

/// Questions that are asked again and again with the same answer become one line.
fn fold(lines: Vec<Line>) -> Vec<Line> {
    let mut out: Vec<Line> = Vec::new();
    // Where the lines since the last step of another kind stand, and how often and when last each was seen.
    let mut recent: Vec<(usize, u32, i64)> = Vec::new();
    for line in lines {
        if !matches!(line.kind, LineKind::Query | LineKind::Branch) {
            say_repeats(&mut out, &mut recent);
            out.push(line);
            continue;
        }
        let same = recent.iter_mut().find(|(at, ..)| {
            let earlier = &out[*at];
            (earlier.kind, &earlier.text, &earlier.result) == (line.kind, &line.text, &line.result)
        });
        match same {
            Some((_, count, last_ms)) => {
                *count += 1;
                *last_ms = line.at_ms;
            }
            None => {
                recent.push((out.len(), 1, line.at_ms));
                out.push(line);
            }
        }
    }
    say_repeats(&mut out, &mut recent);
    out
}

fn say_repeats(lines: &mut [Line], recent: &mut Vec<(usize, u32, i64)>) {
    for (at, count, last_ms) in recent.drain(..).filter(|(_, count, _)| *count > 1) {
        let Some(line) = lines.get_mut(at) else {
            continue;
        };
        let note = format!(" · {count} times until +{}", relative(last_ms));
        match &mut line.result {
            Some(result) => result.push_str(&note),
            None => line.text.push_str(&note),
        }
    }
}

/// Lines as plain text, columns aligned, one per line and each ended by a line break.
pub fn render(lines: &[Line]) -> String {
    let shown = |line: &Line| format!("{}{}", "  ".repeat(line.depth as usize), line.text);
    let width = lines
        .iter()
        .filter(|line| line.impact.is_some() || line.result.is_some())
        .map(|line| shown(line).chars().count())
        .filter(|width| *width <= TEXT_WIDTH_MAX)
        .max()
        .unwrap_or(0);
    let mut out = String::new();
    for line in lines {
        let time = format!("+{}", relative(line.at_ms));
        let mut text = format!("  {time:<TIME_WIDTH$}  {}", shown(line));
        if line.impact.is_some() || line.result.is_some() {
            let used = shown(line).chars().count();
            text.push_str(&" ".repeat(width.saturating_sub(used)));
            let impact = line
                .impact
                .map_or_else(String::new, |impact| impact.to_string());
            text.push_str(&format!(
                "  {impact:<IMPACT_WIDTH$} {}",
                line.result.as_deref().unwrap_or_default()
            ));
        }
        out.push_str(text.trim_end());
        out.push('\n');
    }
    out
}

/// A time from the start as people say it: the largest unit and one below it, days from the second one on.
pub fn relative(ms: i64) -> String {
    let ms = ms.max(0);
    let (large, below): (i64, &[i64]) = match ms {
        _ if ms >= 2 * DAY_MS => (DAY_MS, &[HOUR_MS, MINUTE_MS]),
        _ if ms >= HOUR_MS => (HOUR_MS, &[MINUTE_MS]),
        _ if ms >= MINUTE_MS => (MINUTE_MS, &[SECOND_MS]),
        _ => (SECOND_MS, &[]),
    };
    let unit = |size: i64| match size {
        DAY_MS => "d",
        HOUR_MS => "h",
        MINUTE_MS => "m",
        _ => "s",
    };
    let rest = ms % large;
    match below.iter().find(|small| rest >= **small) {
        None => format!("{}{}", ms / large, unit(large)),
        Some(small) => format!(
            "{}{} {}{}",
            ms / large,
            unit(large),
            rest / small,
            unit(*small)
        ),
    }
}

/// An action or query with its arguments as one reads it: `entra.block_sign_in(user: Ana Lopez)`.
pub fn call(name: &str, args: &Json) -> String {
    let args = match args {
        Json::Object(args) => args
            .iter()
            .map(|(name, value)| format!("{name}: {}", value_text(value)))
            .collect::<Vec<_>>()
            .join(", "),
        Json::Null => String::new(),
        other => value_text(other),
    };
    format!("{name}({args})")
}

/// A value as one reads it: an entity by its name, a text in quotes, cut when it is long.
pub fn value_text(value: &Json) -> String {
    match value {
        Json::Null => "absent".into(),
        Json::String(text) if text == "[secret]" => text.clone(),
        Json::String(text) => format!(
            "\"{}\"",
            cut(&text.split_whitespace().collect::<Vec<_>>().join(" "))
        ),
        Json::Array(items) if items.len() > 5 => format!("a list of {}", items.len()),
        Json::Array(items) => format!(
            "[{}]",
            items.iter().map(value_text).collect::<Vec<_>>().join(", ")
        ),
        Json::Object(fields) => ["name", "title", "number", "email", "id"]
            .iter()
            .find_map(|key| match fields.get(*key) {
                Some(Json::String(text)) => Some(cut(text)),
                Some(Json::Number(number)) => Some(number.to_string()),
                _ => None,
            })
            .unwrap_or_else(|| cut(&value.to_string())),
        other => other.to_string(),
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(VALUE_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

struct Reader<'a> {
    journal: &'a [Entry],
    reading: &'a Reading,
    started_ms: i64,
    /// Entries that an earlier line has told already.
    told: BTreeSet<usize>,
    out: Vec<Line>,
}

impl<'a> Reader<'a> {
    fn read(&mut self, index: usize) {
        use LineKind as K;
        use Severity as S;
        let entry = &self.journal[index];
        match &entry.what {
            What::Started { by } => {
                self.line(entry, K::Start, S::Quiet, format!("started by {by}"))
            }
            What::Stage { stage, label } => self.stage(index, stage, label),
            What::Chose { label, way } => {
                self.line(
                    entry,
                    K::Branch,
                    S::Quiet,
                    format!("{}: {way}", label.trim_end_matches([' ', '{'])),
                );
            }
            What::Asked { query, args } => self.query(index, query, args),
            What::Intended {
                action,
                args,
                impact,
                authority,
            } => {
                self.action(index, action, args, *impact, authority.as_deref());
            }
            // Ends that no beginning has told: a step that failed before it was sent, or a journal cut short.
            What::Answered { query, value } => {
                self.line(entry, K::Query, S::Normal, format!("{query} answered"));
                self.result(value_text(value));
            }
            What::QueryFailed { query, reason } => {
                self.line(entry, K::Query, S::Problem, query.to_string());
                self.result(format!("failed: {reason}"));
            }
            What::Performed {
                action, accepted, ..
            } => {
                self.line(entry, K::Action, S::Normal, action.to_string());
                self.result(performed(accepted.as_deref()));
            }
            What::ActionFailed {
                action,
                reason,
                handled,
                ..
            } => {
                self.line(entry, K::Action, S::Problem, action.to_string());
                self.result(failure(reason, *handled));
            }
            What::StepFailed { label, reason } => {
                let label = label.trim_end_matches([' ', '{']).to_string();
                self.line(entry, K::Branch, S::Problem, label);
                self.result(failure(reason, true));
            }
            What::TryingAgain {
                call,
                reason,
                next_ms,
            } => {
                // Pauses have parts of a second; they are said in whole ones.
                let pause = next_ms.saturating_sub(entry.at_ms).max(1) + SECOND_MS - 1;
                self.line(entry, K::Retry, S::Notice, format!("{call} is tried again"));
                self.result(format!("in {}: {reason}", relative(pause)));
            }
            What::Skipped { action, reason } => {
                self.line(entry, K::Action, S::Notice, action.to_string());
                self.result(format!("skipped: {reason}"));
            }
            What::Waiting { until_ms } => {
                let text = self.waiting(*until_ms);
                self.line(entry, K::Wait, S::Quiet, format!("waiting {text}"));
            }
            What::TimeMoved { until_ms, by_ms } => {
                let way = if *by_ms < 0 { "back" } else { "forward" };
                let by = format_ms(by_ms.saturating_abs());
                let text = self.waiting(*until_ms);
                let text = format!("the clock was set right ({way} by {by}): {text}");
                self.line(entry, K::Wait, S::Notice, text);
            }
            // The next line's time tells it.
            What::Woke => {}
            What::ApprovalAsked {
                question,
                eligible,
                until_ms,
                answers,
                ..
            } if !answers.is_empty() => {
                let limit = format_ms(until_ms.saturating_sub(entry.at_ms));
                let answers: Vec<String> = answers.iter().map(|a| format!("\"{a}\"")).collect();
                let text = format!(
                    "question to {} ({limit}): \"{question}\" Answers: {}",
                    eligible.join(", "),
                    answers.join(", ")
                );
                self.line(entry, K::Approval, S::Normal, text);
            }
            What::ApprovalAsked {
                question,
                about,
                eligible,
                needs,
                until_ms,
                ..
            } => {
                let limit = format_ms(until_ms.saturating_sub(entry.at_ms));
                let about = if about.is_empty() {
                    String::new()
                } else {
                    format!(" (about {})", about.join(", "))
                };
                let text = format!(
                    "approval asked of {} ({needs} needed, {limit}): \"{question}\"{about}",
                    eligible.join(", ")
                );
                self.line(entry, K::Approval, S::Normal, text);
            }
            What::Voted {
                by,
                answer: Some(answer),
                comment,
                by_link,
                ..
            } => {
                let by = &voter(by, None, *by_link);
                let said = comment
                    .as_ref()
                    .map_or_else(String::new, |comment| format!(": \"{comment}\""));
                let text = format!("{by} answers \"{answer}\"{said}");
                self.line(entry, K::Approval, S::Normal, text);
            }
            What::Voted {
                by,
                approve,
                comment,
                answer: None,
                instead_of,
                by_link,
            } => {
                let by = &voter(by, instead_of.as_deref(), *by_link);
                self.vote(index, by, *approve, comment.as_deref());
            }
            What::Came { event } => {
                self.line(entry, K::Wait, S::Normal, format!("{event} came"));
            }
            What::NotJudged { event, reason } => {
                self.line(
                    entry,
                    K::Wait,
                    S::Notice,
                    format!("{event} came, and whether it is the one cannot be told: {reason}"),
                );
            }
            What::Emitted { event, .. } => {
                self.line(entry, K::Action, S::Normal, format!("{event} raised"));
            }
            What::VoteRefused { by, reason } => {
                self.line(
                    entry,
                    K::Approval,
                    S::Notice,
                    format!("the answer of {by} does not count: {reason}"),
                );
            }
            What::ApprovalDecided { decision } => self.decision(index, decision),
            What::Held { reason } => self.line(
                entry,
                K::Held,
                S::Problem,
                format!("held for a person: {reason}"),
            ),
            What::Resumed => self.line(entry, K::Held, S::Normal, "told to try again".into()),
            What::Settled {
                by,
                action,
                settled,
                comment,
            } => self.settled(index, (by, action), *settled, comment.as_deref()),
            What::SettleRefused { by, reason } => {
                let text = format!("what {by} said does not settle it: {reason}");
                self.line(entry, K::Held, S::Notice, text);
            }
            What::Forked { count, elements } => {
                let what = match (elements, count) {
                    (true, 0) => "the list is empty".into(),
                    (true, 1) => "for the only element".into(),
                    (true, n) => format!("for each of {n} elements"),
                    (false, n) => format!("{n} branches at once"),
                };
                self.line(entry, K::Fork, S::Quiet, what);
            }
            What::Failing { reason } => {
                self.line(entry, K::End, S::Problem, format!("failed: {reason}"))
            }
            What::Ended { outcome } => {
                let severity = match outcome {
                    Outcome::Failed(_) => S::Problem,
                    Outcome::CompletedWithFailures
                    | Outcome::Rejected { .. }
                    | Outcome::Cancelled { .. } => S::Notice,
                    Outcome::Completed | Outcome::Resolved | Outcome::Stopped { .. } => S::Normal,
                };
                self.line(entry, K::End, severity, format!("ended: {outcome}"));
            }
        }
    }

    fn line(&mut self, entry: &Entry, kind: LineKind, severity: Severity, text: String) {
        let place = place(&entry.path);
        self.out.push(Line {
            at_ms: entry.at_ms.saturating_sub(self.started_ms),
            kind,
            severity,
            depth: place.len() as u32,
            text: match place.last() {
                Some(last) => format!("{last} · {text}"),
                None => text,
            },
            impact: None,
            result: None,
            entry: 0,
            end: None,
        });
    }

    fn result(&mut self, result: String) {
        if let Some(line) = self.out.last_mut() {
            line.result = Some(result);
        }
    }

    /// The first later entry of the same step that satisfies a test; another try of the step comes after it.
    fn later(&self, index: usize, test: impl Fn(&What) -> bool) -> Option<usize> {
        let entry = &self.journal[index];
        let mut rest = self.journal.iter().enumerate().skip(index + 1);
        let found = rest.find(|(_, e)| {
            e.node == entry.node
                && e.path == entry.path
                && (test(&e.what) || matches!(e.what, What::Held { .. }))
        });
        found.filter(|(_, e)| test(&e.what)).map(|(at, _)| at)
    }

    fn stage(&mut self, index: usize, stage: &StageKind, label: &str) {
        let entry = &self.journal[index];
        let (severity, text) = match stage {
            StageKind::Then(1) => (Severity::Normal, "then".to_owned()),
            StageKind::Then(number) => (Severity::Normal, format!("then ({number})")),
            StageKind::Escalate {
                level, after_ms, ..
            } => (
                Severity::Normal,
                format!("escalation {level} · after {}", relative(*after_ms)),
            ),
            StageKind::EscalateSkipped { level } => {
                (Severity::Notice, format!("level {level} skipped: {label}"))
            }
            StageKind::OnFailure => (Severity::Problem, "on failure".to_owned()),
            StageKind::Wait => {
                let next = index + 1;
                let until = self.journal.get(next).and_then(|e| match e.what {
                    What::Waiting { until_ms } if e.path == entry.path => Some(until_ms),
                    _ => None,
                });
                match until {
                    Some(until_ms) => {
                        self.told.insert(next);
                        let text = self.waiting(until_ms);
                        let text = format!("{} · {text}", label.trim_end_matches([' ', '{']));
                        return self.line(entry, LineKind::Wait, Severity::Quiet, text);
                    }
                    None => (Severity::Quiet, label.to_owned()),
                }
            }
        };
        self.line(entry, LineKind::Stage, severity, text);
    }

    fn waiting(&self, until_ms: i64) -> String {
        let from_start = relative(until_ms.saturating_sub(self.started_ms));
        format!("until +{from_start} ({})", format_time_ms(until_ms))
    }

    fn query(&mut self, index: usize, query: &str, args: &Json) {
        let entry = &self.journal[index];
        let end = self.later(index, |w| {
            matches!(w, What::Answered { .. } | What::QueryFailed { .. })
        });
        let text = match (query, args.get("action")) {
            (JUDGE, Some(Json::String(action))) => {
                format!("look whether {action} can be taken back")
            }
            _ => format!("ask {}", call(query, args)),
        };
        let (severity, result) = match end.map(|at| (at, &self.journal[at].what)) {
            Some((at, What::Answered { value, .. })) if self.reading.assumed.contains(&at) => {
                (Severity::Notice, format!("{} (assumed)", value_text(value)))
            }
            Some((_, What::Answered { value, .. })) => (Severity::Normal, value_text(value)),
            Some((_, What::QueryFailed { reason, .. })) => {
                (Severity::Problem, format!("failed: {reason}"))
            }
            _ => (Severity::Notice, "no answer yet".to_owned()),
        };
        self.told.extend(end);
        self.line(entry, LineKind::Query, severity, text);
        if let Some(line) = self.out.last_mut() {
            line.end = end;
        }
        self.result(result);
    }

    fn action(
        &mut self,
        index: usize,
        action: &str,
        args: &Json,
        impact: Impact,
        authority: Option<&str>,
    ) {
        let entry = &self.journal[index];
        let end = self.later(index, |w| {
            matches!(w, What::Performed { .. } | What::ActionFailed { .. })
        });
        let (severity, mut result) = match end.map(|at| &self.journal[at].what) {
            Some(What::Performed { .. }) if self.reading.simulated => {
                (Severity::Normal, "would be done".to_owned())
            }
            Some(What::Performed { accepted, .. }) => {
                (Severity::Normal, performed(accepted.as_deref()))
            }
            Some(What::ActionFailed {
                reason, handled, ..
            }) => (Severity::Problem, failure(reason, *handled)),
            _ => (Severity::Notice, "no answer yet".to_owned()),
        };
        if let Some(at) = end {
            let took_ms = self.journal[at].at_ms.saturating_sub(entry.at_ms);
            if took_ms > SECOND_MS {
                result.push_str(&format!(" (took {})", relative(took_ms)));
            }
        }
        if let Some(authority) = authority {
            result.push_str(&format!(" · {authority}"));
        }
        self.told.extend(end);
        self.line(entry, LineKind::Action, severity, call(action, args));
        if let Some(line) = self.out.last_mut() {
            line.impact = Some(impact);
            line.end = end;
        }
        self.result(result);
    }

    /// What a person found out about a held call, with what came of it.
    fn settled(
        &mut self,
        index: usize,
        (by, action): (&str, &str),
        settled: Settled,
        comment: Option<&str>,
    ) {
        let entry = &self.journal[index];
        let found = match settled {
            Settled::Done => "was carried out",
            Settled::NotDone => "was not carried out and is sent again",
            Settled::GivenUp => "was not carried out",
        };
        let said = comment.map_or_else(String::new, |comment| format!(": \"{comment}\""));
        let text = format!("{action} {found}, says {by}{said}");
        self.line(entry, LineKind::Held, Severity::Normal, text);
        let next = index + 1;
        let here = |e: &&Entry| e.node == entry.node && e.path == entry.path;
        match self.journal.get(next).filter(here).map(|e| &e.what) {
            Some(What::Performed { accepted, .. }) => self.result(performed(accepted.as_deref())),
            Some(What::ActionFailed {
                reason, handled, ..
            }) => self.result(failure(reason, *handled)),
            _ => return,
        }
        self.told.insert(next);
    }

    fn vote(&mut self, index: usize, by: &str, approve: bool, comment: Option<&str>) {
        let entry = &self.journal[index];
        let said = comment.map_or_else(String::new, |comment| format!(": \"{comment}\""));
        let is_last = self.journal.get(index + 1).is_some_and(|e| {
            e.node == entry.node
                && e.path == entry.path
                && matches!(e.what, What::ApprovalDecided { .. })
        });
        if !is_last {
            let text = format!(
                "{by} {}{said}",
                if approve { "approves" } else { "rejects" }
            );
            self.line(entry, LineKind::Approval, Severity::Normal, text);
        }
    }

    fn decision(&mut self, index: usize, decision: &str) {
        let entry = &self.journal[index];
        // The answer to a question was told when it was given.
        if decision.starts_with('"') {
            return;
        }
        let same = |e: &&Entry| e.node == entry.node && e.path == entry.path;
        let asked = self.journal[..index]
            .iter()
            .rposition(|e| same(&e) && matches!(e.what, What::ApprovalAsked { .. }));
        let votes = self.journal[asked.unwrap_or(0)..index]
            .iter()
            .filter(same)
            .filter_map(|e| match &e.what {
                What::Voted {
                    by,
                    approve,
                    comment,
                    instead_of,
                    by_link,
                    ..
                } => {
                    let by = voter(by, instead_of.as_deref(), *by_link);
                    Some((by, *approve, comment.as_deref()))
                }
                _ => None,
            });
        let votes: Vec<(String, bool, Option<&str>)> = votes.collect();
        let said = match votes.last() {
            Some((_, _, Some(comment))) => format!(": \"{comment}\""),
            _ => String::new(),
        };
        let (severity, text) = match decision {
            "approved" => {
                let by: Vec<&str> = votes.iter().filter(|v| v.1).map(|v| &*v.0).collect();
                (
                    Severity::Normal,
                    format!("approved by {}{said}", by.join(", ")),
                )
            }
            "rejected" => {
                let by = votes.iter().find(|v| !v.1).map_or("someone", |v| &v.0);
                (Severity::Notice, format!("rejected by {by}{said}"))
            }
            "unanswered" if votes.is_empty() => {
                (Severity::Notice, "nobody answered in time".to_owned())
            }
            "unanswered" => (Severity::Notice, "too few answered in time".to_owned()),
            other => (Severity::Notice, other.to_owned()),
        };
        self.line(entry, LineKind::Approval, severity, text);
    }
}

/// Who answered, for whom, and how.
fn voter(by: &str, instead_of: Option<&str>, by_link: bool) -> String {
    let instead = instead_of.map_or_else(String::new, |who| format!(" (for {who}, who is away)"));
    let how = if by_link { " (by personal link)" } else { "" };
    format!("{by}{instead}{how}")
}

/// What there is to say of an action that was performed, or that its service has taken on.
fn performed(accepted: Option<&str>) -> String {
    match accepted {
        None => "done".to_owned(),
        Some(what) => format!("accepted: {what}"),
    }
}

fn failure(reason: &str, handled: bool) -> String {
    if handled {
        format!("failed, the run goes on: {reason}")
    } else {
        format!("failed: {reason}")
    }
}

/// The branches and elements of a path such as `/1[2]`, outermost first, counted from 1 as people do.
fn place(path: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = path;
    while let Some(kind) = rest.chars().next() {
        let after = &rest[kind.len_utf8()..];
        let digits = after.chars().take_while(char::is_ascii_digit).count();
        let number: u64 = after[..digits].parse().unwrap_or(0);
        match kind {
            '/' => out.push(format!("branch {}", number.saturating_add(1))),
            '[' => out.push(format!("element {}", number.saturating_add(1))),
            _ => {}
        }
        rest = &after[digits..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::sync::Arc;

    fn entry(at_ms: i64, node: u32, path: &str, what: What) -> Entry {
        Entry {
            at_ms,
            node: Some(node),
            path: path.into(),
            what,
        }
    }

    #[test]
    fn times_are_said_as_people_say_them() {
        let said: Vec<String> = [
            0,
            900,
            59_000,
            90_000,
            4 * HOUR_MS,
            26 * HOUR_MS + 30 * MINUTE_MS,
            60 * DAY_MS,
            60 * DAY_MS + 600_000,
        ]
        .map(relative)
        .into();
        assert_eq!(
            said,
            [
                "0s", "0s", "59s", "1m 30s", "4h", "26h 30m", "60d", "60d 10m"
            ]
        );
    }

    #[test]
    fn an_action_is_one_line_with_its_end_and_duration() {
        let intended = |node, path: &str, at| {
            entry(
                at,
                node,
                path,
                What::Intended {
                    action: Arc::from("entra.block_sign_in"),
                    args: json!({"user": {"id": "u-1", "name": "Ana Lopez"}}),
                    impact: Impact::Reversible,
                    authority: None,
                },
            )
        };
        let journal = [
            entry(
                1_000,
                0,
                "",
                What::Started {
                    by: "manual".into(),
                },
            ),
            intended(1, "[0]", 1_000),
            intended(1, "[1]", 1_000),
            entry(
                4_000,
                1,
                "[1]",
                What::ActionFailed {
                    action: Arc::from("entra.block_sign_in"),
                    reason: "no such user".into(),
                    handled: true,
                    may_be_done: false,
                },
            ),
            entry(
                61_000,
                1,
                "[0]",
                What::Performed {
                    action: Arc::from("entra.block_sign_in"),
                    value: Json::Null,
                    accepted: None,
                },
            ),
        ];
        let text = render(&lines(&journal, &Reading::default()));
        assert_eq!(
            text,
            "  +0s       started by manual
  +0s         element 1 · entra.block_sign_in(user: Ana Lopez)  reversible   done (took 1m)
  +0s         element 2 · entra.block_sign_in(user: Ana Lopez)  reversible   failed, the run goes on: no such user (took 3s)
"
        );
    }

    #[test]
    fn decisions_name_who_decided() {
        let asked = What::ApprovalAsked {
            question: "Wipe?".into(),
            about: vec!["Laptop".into()],
            eligible: vec!["ana@x".into(), "bo@x".into()],
            needs: 2,
            until_ms: 4 * HOUR_MS,
            answers: Vec::new(),
        };
        let voted = |by: &str, comment: Option<&str>| What::Voted {
            by: by.into(),
            approve: true,
            comment: comment.map(str::to_owned),
            answer: None,
            instead_of: None,
            by_link: false,
        };
        let journal = [
            entry(0, 1, "", asked),
            entry(600_000, 1, "", voted("ana@x", None)),
            entry(900_000, 1, "", voted("bo@x", Some("it is gone"))),
            entry(
                900_000,
                1,
                "",
                What::ApprovalDecided {
                    decision: "approved".into(),
                },
            ),
        ];
        assert_eq!(
            render(&lines(&journal, &Reading::default())),
            "  +0s       approval asked of ana@x, bo@x (2 needed, 4h): \"Wipe?\" (about Laptop)
  +10m      ana@x approves
  +15m      approved by ana@x, bo@x: \"it is gone\"
"
        );
    }
}
