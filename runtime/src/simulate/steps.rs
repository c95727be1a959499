//! Two journals in, their decisions beside each other out, each as a line that people read. Times differ by what a clock's
//! granularity and a busy machine make of them: that is no difference.

use super::record::sends_again;
use crate::timeline::{call, relative, value_text};
use counterplay_machine::duration::SECOND_MS;
use counterplay_machine::journal::{Entry, What};
use counterplay_machine::state::Outcome;
use serde::Serialize;
use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::sync::Arc;

/// By how much ends of waits may differ and still be the same, in milliseconds.
const SLACK_MS: i64 = 5 * SECOND_MS;
/// The most pairs of steps that are held against each other; of longer journals what follows the first difference is
/// not matched any more.
const PAIRS_MAX: usize = 4_000_000;

/// In which of the two a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum In {
    /// In both.
    Both,
    /// In the run, and the other version does not do it.
    Run,
    /// The other version does it, and the run did not.
    Version,
    /// In the run, after what the other version is known to do.
    Unknown,
}

/// A step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// When, in milliseconds from the start of the run.
    pub at_ms: i64,
    /// In which of the two.
    #[serde(rename = "in")]
    pub within: In,
    /// What it is.
    pub text: String,
}

/// A decision.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Step {
    at_ms: i64,
    text: String,
    /// What it is told with, whole: texts are cut for people.
    with: Option<(Arc<str>, Json)>,
    /// For how long it waits, in milliseconds.
    waits_ms: Option<i64>,
}

impl Step {
    fn is(&self, other: &Step) -> bool {
        let near = match (self.waits_ms, other.waits_ms) {
            (Some(a), Some(b)) => (a - b).abs() <= SLACK_MS,
            (a, b) => a == b,
        };
        near && self.text == other.text && self.with == other.with
    }

    /// The words; whole where what differs may stand in what is cut.
    fn told(&self, whole: bool) -> String {
        if let (true, Some((name, args))) = (whole, &self.with) {
            let cut = call(name, args);
            return self.text.replace(&cut, &uncut(name, args));
        }
        match self.waits_ms {
            // To the second: what is below is the machine's and not the playbook's.
            Some(ms) => {
                let seconds = (ms + SECOND_MS / 2) / SECOND_MS * SECOND_MS;
                format!("{} {}", self.text, relative(seconds))
            }
            None => self.text.clone(),
        }
    }
}

/// A call with its arguments, no text cut.
fn uncut(name: &str, args: &Json) -> String {
    let Json::Object(fields) = args else {
        return call(name, args);
    };
    let args = fields.iter().map(|(name, value)| match value {
        Json::String(text) => format!("{name}: \"{text}\""),
        other => format!("{name}: {}", value_text(other)),
    });
    format!("{name}({})", args.collect::<Vec<_>>().join(", "))
}

/// The decisions of a journal. What a service did (attempts, answers, what held the run) is none.
pub(super) fn of(journal: &[Entry], started_ms: i64) -> Vec<Step> {
    let mut out = Vec::new();
    // Where a person has told a held run to send its call again: that is no other call.
    let mut again = BTreeSet::new();
    for entry in journal {
        let place = (entry.node, &entry.path);
        if sends_again(&entry.what) {
            again.insert(place);
        }
        if matches!(entry.what, What::Asked { .. } | What::Intended { .. }) && again.remove(&place)
        {
            continue;
        }
        let with = match &entry.what {
            What::Asked { query: of, args }
            | What::Intended {
                action: of, args, ..
            }
            | What::Emitted {
                event: of,
                fields: args,
            } => Some((of.clone(), args.clone())),
            _ => None,
        };
        let mut waits_ms = None;
        let mut until = |until_ms: i64| waits_ms = Some(until_ms.saturating_sub(entry.at_ms));
        let text = match &entry.what {
            What::Stage { label, .. } => {
                let label = label.trim_end_matches([' ', '{']);
                format!("stage `{label}`")
            }
            What::Chose { label, way } => format!("`{label}`: {way}"),
            What::Asked { query, args } => format!("asks {}", call(query, args)),
            What::Intended {
                action,
                args,
                impact,
                ..
            } => format!("does {} ({impact})", call(action, args)),
            What::ActionFailed { action, reason, .. } => format!("{action} fails: {reason}"),
            What::StepFailed { label, reason } => format!("`{label}` fails: {reason}"),
            What::Skipped { action, reason } => format!("skips {action}: {reason}"),
            What::Waiting { until_ms } => {
                until(*until_ms);
                "waits".into()
            }
            What::ApprovalAsked {
                question,
                about,
                needs,
                until_ms,
                ..
            } => {
                until(*until_ms);
                let about = match about.is_empty() {
                    true => String::new(),
                    false => format!(" about {}", about.join(", ")),
                };
                let people = match needs {
                    1 => "one has".to_owned(),
                    many => format!("{many} have"),
                };
                format!("asks people \"{question}\"{about}, of whom {people} to agree within")
            }
            What::Voted {
                by,
                approve,
                answer,
                ..
            } => match (answer, approve) {
                (Some(answer), _) => format!("{by} answers \"{answer}\""),
                (None, true) => format!("{by} approves"),
                (None, false) => format!("{by} rejects"),
            },
            What::ApprovalDecided { decision } => decision.clone(),
            What::Came { event } => format!("{event} comes"),
            What::Emitted { event, fields } => format!("raises {}", call(event, fields)),
            What::Forked { count, elements } => match elements {
                true => format!("for each of {count}"),
                false => format!("{count} branches"),
            },
            What::Failing { reason } => format!("fails: {reason}"),
            What::Ended { outcome } => format!("ends: {}", ending(outcome)),
            What::Started { .. }
            | What::Answered { .. }
            | What::QueryFailed { .. }
            | What::Performed { .. }
            | What::TryingAgain { .. }
            | What::TimeMoved { .. }
            | What::Woke
            | What::VoteRefused { .. }
            | What::NotJudged { .. }
            | What::Held { .. }
            | What::Resumed
            | What::Settled { .. }
            | What::SettleRefused { .. } => continue,
        };
        out.push(Step {
            at_ms: entry.at_ms.saturating_sub(started_ms),
            text,
            with,
            waits_ms,
        });
    }
    out
}

fn ending(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Failed(failure) => format!("failed at {}: {}", failure.step, failure.reason),
        Outcome::Stopped { why: Some(why) } => format!("stopped: {why}"),
        other => other.name().to_owned(),
    }
}

/// Puts them beside each other: the longest part that both have in common, and what is in one only.
pub(super) fn compare(run: Vec<Step>, version: Vec<Step>) -> Vec<Compared> {
    let mut out = Vec::new();
    let same = run
        .iter()
        .zip(&version)
        .take_while(|(a, b)| a.is(b))
        .count();
    let put = |out: &mut Vec<Compared>, step: &Step, within: In| {
        out.push(Compared {
            at_ms: step.at_ms,
            within,
            text: step.told(within != In::Both),
        });
    };
    run.iter()
        .take(same)
        .for_each(|s| put(&mut out, s, In::Both));
    let (run, version) = (&run[same..], &version[same..]);
    if run.len().saturating_mul(version.len()) > PAIRS_MAX {
        run.iter().for_each(|s| put(&mut out, s, In::Run));
        version.iter().for_each(|s| put(&mut out, s, In::Version));
        return out;
    }
    // common[i][j]: how much the rests from i and from j have in common.
    let mut common = vec![vec![0_u32; version.len() + 1]; run.len() + 1];
    for i in (0..run.len()).rev() {
        for j in (0..version.len()).rev() {
            common[i][j] = match run[i].is(&version[j]) {
                true => common[i + 1][j + 1] + 1,
                false => common[i + 1][j].max(common[i][j + 1]),
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    while i < run.len() || j < version.len() {
        if i < run.len() && j < version.len() && run[i].is(&version[j]) {
            put(&mut out, &run[i], In::Both);
            (i, j) = (i + 1, j + 1);
        } else if j == version.len() || i < run.len() && common[i + 1][j] >= common[i][j + 1] {
            put(&mut out, &run[i], In::Run);
            i += 1;
        } else {
            put(&mut out, &version[j], In::Version);
            j += 1;
        }
    }
    out
}

/// Where the other version stops in the middle: what the run did after the last step that both have is not known of it.
pub(super) fn cut_off(steps: Vec<Compared>) -> Vec<Compared> {
    let last = steps.iter().rposition(|step| step.within == In::Both);
    let (mut out, mut rest) = (steps, Vec::new());
    for step in out.split_off(last.map_or(0, |at| at + 1)) {
        match step.within {
            In::Version => out.push(step),
            _ => rest.push(Compared {
                within: In::Unknown,
                ..step
            }),
        }
    }
    out.append(&mut rest);
    out
}

/// The difference that begins at a step, in a sentence.
pub(super) fn sentence(steps: &[Compared], at: usize) -> String {
    let rest = steps.get(at..).unwrap_or_default();
    let differing = || rest.iter().take_while(|step| step.within != In::Both);
    let first = |within: In| differing().find(|step| step.within == within);
    let when = rest.first().map_or(0, |step| step.at_ms);
    let when = relative(when);
    match (first(In::Run), first(In::Version)) {
        (Some(run), Some(version)) => format!(
            "at +{when} the run {}, and the other version {}",
            verb(&run.text),
            verb(&version.text)
        ),
        (Some(run), None) => {
            format!(
                "at +{when} the run {}, and the other version does not",
                verb(&run.text)
            )
        }
        (None, Some(version)) => {
            format!(
                "at +{when} the other version {}, and the run did not",
                verb(&version.text)
            )
        }
        (None, None) => format!("at +{when}"),
    }
}

/// A step as what somebody does.
fn verb(text: &str) -> String {
    let does = [
        "asks ", "does ", "skips ", "waits ", "raises ", "fails: ", "ends: ",
    ];
    match does.iter().any(|word| text.starts_with(word)) {
        true => text.to_owned(),
        false => format!("has: {text}"),
    }
}
