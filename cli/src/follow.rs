//! Journal entries as they are committed in, the lines that they complete out.

use counterplay_machine::journal::{Entry, What};
use counterplay_machine::playbook::StageKind;
use counterplay_runtime::timeline::{self, Line, Reading};
use serde_json::Value as Json;
use std::collections::HashMap;
use std::sync::Arc;

/// Remembers what each run recorded, so that the end of a step is told together with its beginning.
#[derive(Debug, Default)]
pub struct Follower {
    runs: HashMap<Arc<str>, Vec<Entry>>,
}

impl Follower {
    /// Whether a run has been seen.
    pub fn knows(&self, run: &str) -> bool {
        self.runs.contains_key(run)
    }

    /// Takes over what a run recorded before it was followed.
    pub fn begin(&mut self, run: &Arc<str>, journal: Vec<Entry>) {
        self.runs.insert(run.clone(), journal);
    }

    /// Takes in an entry and gives the line that it completes, if any: a call is told when it has ended.
    pub fn take(&mut self, run: &Arc<str>, simulated: bool, entry: Entry) -> Option<Line> {
        let journal = self.runs.entry(run.clone()).or_default();
        journal.push(entry);
        let (entry, before) = journal.split_last()?;
        let same = |e: &&Entry| e.node == entry.node && e.path == entry.path;
        let begun =
            |test: fn(&What) -> bool| before.iter().rev().filter(same).find(|e| test(&e.what));
        let mut told: Vec<Entry> = before.first().cloned().into_iter().collect();
        match &entry.what {
            What::Asked { .. }
            | What::Intended { .. }
            | What::Woke
            | What::Stage {
                stage: StageKind::Wait,
                ..
            } => return None,
            What::Answered { .. } | What::QueryFailed { .. } => {
                told.extend(begun(|w| matches!(w, What::Asked { .. })).cloned());
            }
            What::Performed { .. } | What::ActionFailed { .. } => {
                told.extend(begun(|w| matches!(w, What::Intended { .. })).cloned());
            }
            What::Waiting { .. } => {
                let stage = |e: &&Entry| {
                    matches!(
                        e.what,
                        What::Stage {
                            stage: StageKind::Wait,
                            ..
                        }
                    )
                };
                told.extend(before.last().filter(stage).cloned());
            }
            What::ApprovalDecided { .. } => {
                let votes = before
                    .iter()
                    .filter(same)
                    .filter(|e| matches!(e.what, What::ApprovalAsked { .. } | What::Voted { .. }));
                told.extend(votes.cloned());
            }
            // A vote that decides is told with the decision that follows it.
            What::Voted { approve, .. } => {
                let asked = begun(|w| matches!(w, What::ApprovalAsked { .. }));
                let needs = asked.map_or(1, |e| match &e.what {
                    What::ApprovalAsked { needs, .. } => *needs as usize,
                    _ => 1,
                });
                let given = before
                    .iter()
                    .filter(same)
                    .filter(|e| matches!(e.what, What::Voted { .. }));
                if !approve || given.count() + 1 >= needs {
                    return None;
                }
            }
            _ => {}
        }
        told.push(entry.clone());
        let reading = Reading {
            simulated,
            ..Reading::default()
        };
        timeline::lines(&told, &reading).pop()
    }

    /// The arguments of the call that the last entry of a run ended.
    pub fn arguments(&self, run: &str) -> Option<&Json> {
        let (entry, before) = self.runs.get(run)?.split_last()?;
        before
            .iter()
            .rev()
            .filter(|e| e.node == entry.node && e.path == entry.path)
            .find_map(|e| match &e.what {
                What::Intended { args, .. } | What::Asked { args, .. } => Some(args),
                _ => None,
            })
    }

    /// When a run started, in milliseconds since the Unix epoch.
    pub fn started_ms(&self, run: &str) -> Option<i64> {
        Some(self.runs.get(run)?.first()?.at_ms)
    }
}
