//! A run's journal in; what it was told, by whom and how long that took, out: a call's answer, people's votes, an event.

use counterplay_machine::Value;
use counterplay_machine::journal::{Entry, What};
use counterplay_machine::playbook::{NodeKind, Playbook};
use counterplay_machine::state::Run;
use counterplay_machine::step::{Settled, Vote};
use serde_json::Value as Json;
use std::sync::Arc;

/// What a run was told.
pub(super) struct Record {
    calls: Vec<Call>,
    asked: Vec<Asked>,
    /// Events that it waited for and that came: when, which, and what it carried where that is kept.
    pub came: Vec<(i64, Arc<str>, Option<Value>)>,
}

/// A call and its answer.
struct Call {
    name: Arc<str>,
    args: Json,
    /// Absent where the run ended, or ends its record, before there was one.
    answer: Option<Result<Json, String>>,
    after_ms: i64,
    used: bool,
}

/// Something that people were asked.
pub(super) struct Asked {
    question: String,
    about: Vec<String>,
    /// Who might answer.
    pub eligible: Vec<String>,
    /// What they said, and how long after they were asked.
    pub votes: Vec<(i64, Vote)>,
    used: bool,
}

impl Record {
    /// Reads a journal. Attempts that were made again, and what held the run meanwhile, are left out: the last answer
    /// is the one that counted.
    pub fn of(run: &Run, playbook: &Playbook, journal: &[Entry]) -> Record {
        let mut record = Record {
            calls: Vec::new(),
            asked: Vec::new(),
            came: Vec::new(),
        };
        for (at, entry) in journal.iter().enumerate() {
            let rest = || {
                let rest = journal.get(at + 1..).unwrap_or_default().iter();
                rest.filter(|later| later.path == entry.path)
            };
            match &entry.what {
                What::Asked { query: name, args }
                | What::Intended {
                    action: name, args, ..
                } => {
                    // What was sent again stands for both.
                    if is_sent_again(entry, name, rest()) {
                        continue;
                    }
                    let answer = rest().find_map(|later| Some((later.at_ms, answer(name, later)?)));
                    let at_ms = answer.as_ref().map_or(entry.at_ms, |(at_ms, _)| *at_ms);
                    record.calls.push(Call {
                        name: name.clone(),
                        args: args.clone(),
                        answer: answer.map(|(_, answer)| answer),
                        after_ms: at_ms.saturating_sub(entry.at_ms),
                        used: false,
                    });
                }
                What::ApprovalAsked {
                    question,
                    about,
                    eligible,
                    ..
                } => {
                    let votes = rest()
                        .take_while(|later| !matches!(later.what, What::ApprovalDecided { .. }))
                        .filter_map(|later| {
                            let after_ms = later.at_ms.saturating_sub(entry.at_ms);
                            Some((after_ms, vote(later)?))
                        });
                    record.asked.push(Asked {
                        question: question.clone(),
                        about: about.clone(),
                        eligible: eligible.clone(),
                        votes: votes.collect(),
                        used: false,
                    });
                }
                What::Came { event } => {
                    let node = entry.node.unwrap_or_default();
                    let wait = playbook.graph.node_weight(node.into()).map(|n| &n.kind);
                    let carried = match wait {
                        Some(NodeKind::WaitEvent(wait)) => {
                            let mut threads = run.threads.values();
                            threads.find_map(|thread| thread.slots.get(&wait.slot).cloned())
                        }
                        _ => None,
                    };
                    record.came.push((entry.at_ms, event.clone(), carried));
                }
                _ => {}
            }
        }
        record
    }

    /// What a call gave, and after how long. A query has to ask the same; of an action the next result is taken where none
    /// had the same arguments.
    pub fn answer(
        &mut self,
        name: &str,
        args: &Json,
        is_action: bool,
    ) -> Option<(Option<Result<Json, String>>, i64)> {
        let open = |call: &&mut Call| !call.used && *call.name == *name;
        let same = self.calls.iter_mut().filter(open).find(|c| c.args == *args);
        let call = match same {
            Some(call) => call,
            None if is_action => self.calls.iter_mut().find(open)?,
            None => return None,
        };
        call.used = true;
        Some((call.answer.clone(), call.after_ms))
    }

    /// Who was asked the same, and what they said when.
    pub fn votes(&mut self, question: &str, about: &[String]) -> Option<&Asked> {
        let mut asked = self.asked.iter_mut();
        let found = asked.find(|a| !a.used && a.question == question && a.about == about)?;
        found.used = true;
        Some(found)
    }
}

/// What an entry says of a call.
fn answer(name: &str, entry: &Entry) -> Option<Result<Json, String>> {
    match &entry.what {
        What::Answered { query: of, value }
        | What::Performed {
            action: of, value, ..
        } if **of == *name => Some(Ok(value.clone())),
        What::QueryFailed { query: of, reason }
        | What::ActionFailed {
            action: of, reason, ..
        } if **of == *name => Some(Err(reason.clone())),
        What::Settled {
            action: of,
            settled: Settled::Done,
            ..
        } if **of == *name => Some(Ok(Json::Null)),
        _ => None,
    }
}

/// Whether a call that held its run is sent again later.
fn is_sent_again<'e>(call: &Entry, name: &str, rest: impl Iterator<Item = &'e Entry>) -> bool {
    let mut is_told = false;
    for later in rest.filter(|later| later.node == call.node) {
        match &later.what {
            What::Asked { query: of, .. } | What::Intended { action: of, .. } if **of == *name => {
                return is_told;
            }
            what => is_told |= sends_again(what),
        }
    }
    false
}

/// Whether a person tells a held run to send its call again.
pub(super) fn sends_again(what: &What) -> bool {
    matches!(
        what,
        What::Resumed
            | What::Settled {
                settled: Settled::NotDone,
                ..
            }
    )
}

fn vote(entry: &Entry) -> Option<Vote> {
    let What::Voted {
        by,
        approve,
        comment,
        answer,
        by_link,
        ..
    } = &entry.what
    else {
        return None;
    };
    Some(Vote {
        approval: String::new(),
        by: by.clone(),
        approve: *approve,
        comment: comment.clone(),
        answer: answer.clone(),
        by_link: *by_link,
    })
}
