//! A journal in, the steps of a page's timeline out: each line with its request and answer.

use super::icons::icon;
use super::text::Markup;
use counterplay_machine::declare::Impact;
use counterplay_machine::journal::{Entry, What};
use counterplay_machine::playbook::Playbook;
use counterplay_runtime::timeline::{self, LineKind, Reading, Severity};
use serde_json::Value as Json;

/// Longer requests and answers are cut, in characters; the whole is in the record.
const DETAIL_MAX: usize = 6_000;

/// A line of a timeline.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// When from the start of the run: `+4h`.
    pub offset: String,
    /// What it tells.
    pub kind: LineKind,
    /// How much attention it deserves.
    pub severity: Severity,
    /// How deep in loops and branches it stands, at most 4.
    pub depth: u32,
    /// The words.
    pub text: String,
    /// The impact, for actions.
    pub impact: Option<Impact>,
    /// What became of it.
    pub result: Option<String>,
    /// What was sent, secrets replaced, as JSON.
    pub request: Option<String>,
    /// What came back, as JSON, or why nothing did.
    pub answer: Option<String>,
    /// Under which authority an action was performed.
    pub authority: Option<String>,
    /// The line of the source, where it is in the playbook's own file.
    pub line: Option<u32>,
}

impl Step {
    /// The class of the style sheet for its severity.
    pub fn tone(&self) -> &'static str {
        match self.severity {
            Severity::Quiet => "quiet",
            Severity::Normal => "good",
            Severity::Notice => "warn",
            Severity::Problem => "bad",
        }
    }

    /// What kind it is, in a word.
    pub fn word(&self) -> &'static str {
        match self.kind {
            LineKind::Start => "start",
            LineKind::Stage => "stage",
            LineKind::Query => "query",
            LineKind::Action => "action",
            LineKind::Retry => "retry",
            LineKind::Branch => "branch",
            LineKind::Fork => "fork",
            LineKind::Wait => "wait",
            LineKind::Approval => "approval",
            LineKind::Held => "held",
            LineKind::End => "end",
        }
    }

    /// The icon of its kind, or of its failure.
    pub fn sign(&self) -> Markup {
        match (self.severity, self.kind) {
            (Severity::Problem, LineKind::Action | LineKind::Query) => icon("failed"),
            _ => icon(self.word()),
        }
    }

    /// Whether there is more to see.
    pub fn has_detail(&self) -> bool {
        self.request.is_some() || self.answer.is_some()
    }
}

/// Reads a journal. `file` is the playbook's file, whose lines are linked.
pub fn steps(journal: &[Entry], reading: &Reading, playbook: Option<&Playbook>) -> Vec<Step> {
    let started_ms = journal.first().map_or(0, |e| e.at_ms);
    let file = playbook
        .and_then(|p| p.graph.node_weight(p.start))
        .map(|n| n.origin.file.clone());
    timeline::lines(journal, reading)
        .into_iter()
        .map(|line| {
            let entry = journal.get(line.entry).map(|e| &e.what);
            let end = line.end.and_then(|end| journal.get(end)).map(|e| &e.what);
            let request = match entry {
                Some(What::Asked { args, .. } | What::Intended { args, .. }) => detail(args),
                _ => None,
            };
            let answer = match end.or(entry) {
                Some(What::Answered { value, .. } | What::Performed { value, .. }) => detail(value),
                Some(What::QueryFailed { reason, .. } | What::ActionFailed { reason, .. }) => {
                    Some(cut(reason.clone()))
                }
                _ => None,
            };
            let node = journal.get(line.entry).and_then(|e| e.node).and_then(|n| {
                playbook?
                    .graph
                    .node_weight(petgraph::graph::NodeIndex::new(n as usize))
            });
            Step {
                at_ms: started_ms.saturating_add(line.at_ms),
                offset: format!("+{}", timeline::relative(line.at_ms)),
                kind: line.kind,
                severity: line.severity,
                depth: line.depth.min(4),
                text: line.text,
                impact: line.impact,
                result: line.result,
                request,
                answer,
                authority: match entry {
                    Some(What::Intended { authority, .. }) => authority.clone(),
                    _ => None,
                },
                line: node
                    .filter(|n| Some(&n.origin.file) == file.as_ref() && n.origin.line > 0)
                    .map(|n| n.origin.line),
            }
        })
        .collect()
}

/// JSON as people read it; nothing where there is nothing.
pub fn detail(value: &Json) -> Option<String> {
    match value {
        Json::Null => None,
        Json::Object(fields) if fields.is_empty() => None,
        other => serde_json::to_string_pretty(other).ok().map(cut),
    }
}

fn cut(text: String) -> String {
    match text.char_indices().nth(DETAIL_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
