//! A run whose times were noted by a clock that has been set right since in; the run with the times that a right clock
//! would have given, out. Pure.

use super::HELD_MS_MAX;
use crate::journal::{Entry, What};
use crate::playbook::{NodeKind, Playbook, TriggerKind};
use crate::schedule;
use crate::state::{Run, Waiting};
use petgraph::graph::NodeIndex;

/// What became of a run's times.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SetRight {
    /// Timers that fire at another time: the effect's id and when.
    pub timers: Vec<(String, i64)>,
    /// What is told of it.
    pub journal: Vec<Entry>,
}

impl SetRight {
    /// Whether the run stays as it was.
    pub fn is_nothing(&self) -> bool {
        self.timers.is_empty() && self.journal.is_empty()
    }

    fn tell(&mut self, at: (u32, &str), until_ms: i64, by_ms: i64, now_ms: i64) {
        let (node, path) = at;
        self.journal.push(Entry {
            at_ms: now_ms,
            node: Some(node),
            path: path.to_owned(),
            what: What::TimeMoved { until_ms, by_ms },
        });
    }
}

/// When something began, as the clock showed then, and by how much that clock has been set since.
#[derive(Clone, Copy)]
struct Began {
    at_ms: i64,
    by_ms: i64,
}

/// Moves the times of a run. Each entry of its journal comes with the milliseconds by which the clock that it was
/// written by has been set since: nothing where that clock was right.
///
/// What waits for a span, or for so long since the run's start, waits the whole of it; what waits for a time of the day
/// waits for the next one; what waits until a time that was given waits until then. Looks in between are due at once
/// where they would come later than they should.
pub fn set_right(
    playbook: &Playbook,
    run: &mut Run,
    journal: &[(Entry, i64)],
    now_ms: i64,
) -> SetRight {
    let mut out = SetRight::default();
    let started_by = journal
        .iter()
        .find(|(entry, _)| matches!(entry.what, What::Started { .. }))
        .map_or(0, |(_, by_ms)| *by_ms);
    run.started_ms = run.started_ms.saturating_add(started_by);
    let zone = run.tenant.zone.clone();
    for thread in run.threads.values_mut() {
        let path = thread.path.clone();
        let before = thread.deadlines.clone();
        for (node, until) in &mut thread.deadlines {
            let Some(began) = began(journal, *node, &path, |w| matches!(w, What::Waiting { .. }))
            else {
                continue;
            };
            let kind = playbook.graph.node_weight(NodeIndex::new(*node as usize));
            let right = match kind.map(|n| &n.kind) {
                Some(NodeKind::WaitTime { .. }) => *until,
                Some(NodeKind::WaitSinceStart { .. }) => until.saturating_add(started_by),
                Some(NodeKind::WaitClock { minutes }) if began.by_ms != 0 => {
                    let at = TriggerKind::At {
                        weekday: None,
                        minutes: *minutes,
                    };
                    let since = began.at_ms.saturating_add(began.by_ms);
                    schedule::next_after(&at, &zone, since)
                        .unwrap_or(until.saturating_add(began.by_ms))
                }
                _ => until.saturating_add(began.by_ms),
            };
            let by_ms = right.saturating_sub(*until);
            if by_ms != 0 {
                *until = right;
                out.tell((*node, &path), right, by_ms, now_ms);
            }
        }
        let node = thread.node;
        match &mut thread.waiting {
            Waiting::Timer { id, at_ms } => {
                let (was, is) = (before.get(&node), thread.deadlines.get(&node));
                let end = match (was, is) {
                    (Some(was), Some(is)) if was == at_ms => *is,
                    (_, Some(is)) => (*at_ms).min(*is),
                    _ => *at_ms,
                };
                let kind = playbook.graph.node_weight(NodeIndex::new(node as usize));
                let every = match kind.map(|n| &n.kind) {
                    Some(NodeKind::WaitUntil { every_ms, .. }) => Some(*every_ms),
                    _ => playbook.checking_every_ms,
                };
                let next = every.map_or(end, |every| end.min(now_ms.saturating_add(every)));
                if next != *at_ms {
                    *at_ms = next;
                    out.timers.push((id.clone(), next));
                }
            }
            Waiting::Event { id, until_ms } => {
                if let Some(by_ms) =
                    moved(journal, node, &path, |w| matches!(w, What::Waiting { .. }))
                {
                    *until_ms = until_ms.saturating_add(by_ms);
                    out.timers.push((id.clone(), *until_ms));
                    out.tell((node, &path), *until_ms, by_ms, now_ms);
                }
            }
            Waiting::Held { id, .. } => {
                let held = began(journal, node, &path, |w| matches!(w, What::Held { .. }));
                if let Some(held) = held.filter(|held| held.by_ms != 0) {
                    let since = held.at_ms.saturating_add(held.by_ms);
                    let until = since.saturating_add(HELD_MS_MAX);
                    out.timers.push((id.clone(), until));
                    out.tell((node, &path), until, held.by_ms, now_ms);
                }
            }
            _ => {}
        }
    }
    for (id, open) in &mut run.approvals {
        let asked = |w: &What| matches!(w, What::ApprovalAsked { .. });
        if let Some(by_ms) = moved(journal, open.node, &open.path, asked) {
            open.until_ms = open.until_ms.saturating_add(by_ms);
            out.timers.push((id.clone(), open.until_ms));
            out.tell((open.node, &open.path), open.until_ms, by_ms, now_ms);
        }
    }
    for grant in &mut run.grants {
        let given = |w: &What| matches!(w, What::ApprovalDecided { .. });
        if let Some(by_ms) = moved(journal, grant.node, &grant.path, given) {
            grant.until_ms = grant.until_ms.saturating_add(by_ms);
            out.tell((grant.node, &grant.path), grant.until_ms, by_ms, now_ms);
        }
    }
    out
}

/// The latest beginning of something at a place. What was moved before began anew then, by a right clock.
fn began(
    journal: &[(Entry, i64)],
    node: u32,
    path: &str,
    begins: impl Fn(&What) -> bool,
) -> Option<Began> {
    journal
        .iter()
        .rev()
        .filter(|(entry, _)| entry.node == Some(node) && entry.path == path)
        .find(|(entry, _)| begins(&entry.what) || matches!(entry.what, What::TimeMoved { .. }))
        .map(|(entry, by_ms)| Began {
            at_ms: entry.at_ms,
            by_ms: *by_ms,
        })
}

/// By how much the latest of it is moved, where it is.
fn moved(
    journal: &[(Entry, i64)],
    node: u32,
    path: &str,
    begins: impl Fn(&What) -> bool,
) -> Option<i64> {
    let began = began(journal, node, path, begins)?;
    Some(began.by_ms).filter(|by_ms| *by_ms != 0)
}
