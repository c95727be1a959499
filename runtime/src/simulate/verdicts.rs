//! A run's journal in; what guards said of its actions out, to be asked for the same calls again.

use counterplay_machine::guard::{BEYOND_BUDGET, BLOCKED};
use counterplay_machine::journal::{Entry, What};
use counterplay_machine::playbook::{NodeKind, Playbook};
use counterplay_machine::step::Consulted;
use serde_json::Value as Json;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What guards said, one verdict for each call, in order.
#[derive(Default)]
pub(super) struct Verdicts(RefCell<Vec<Verdict>>);

/// What they said of a call.
struct Verdict {
    action: Arc<str>,
    /// Its arguments, where it was made in the end.
    args: Option<Json>,
    /// What it acted on, where people were asked about that.
    about: Option<Vec<String>>,
    /// Questions to people, and why it was blocked.
    said: Vec<String>,
    /// The call of the replay that it is about.
    call: Option<String>,
}

impl Verdicts {
    /// Reads a journal.
    pub fn of(playbook: &Playbook, journal: &[Entry]) -> Verdicts {
        let mut verdicts: Vec<Verdict> = Vec::new();
        // Calls that people are asked about, by their place.
        let mut open: BTreeMap<(Option<u32>, &str), usize> = BTreeMap::new();
        for entry in journal {
            let place = (entry.node, entry.path.as_str());
            let mut verdict = |action: &Arc<str>, last: bool| {
                let known = match last {
                    true => open.remove(&place),
                    false => open.get(&place).copied(),
                };
                let at = known.unwrap_or(verdicts.len());
                if at == verdicts.len() {
                    verdicts.push(Verdict {
                        action: action.clone(),
                        args: None,
                        about: None,
                        said: Vec::new(),
                        call: None,
                    });
                }
                if !last {
                    open.insert(place, at);
                }
                at
            };
            match &entry.what {
                What::ApprovalAsked {
                    question, about, ..
                } if question.starts_with(BEYOND_BUDGET) => {
                    let node = entry.node.unwrap_or_default();
                    let node = playbook.graph.node_weight(node.into()).map(|n| &n.kind);
                    if let Some(NodeKind::Perform(perform)) = node {
                        let at = verdict(&perform.action, false);
                        verdicts[at].about = Some(about.clone());
                        verdicts[at].said.push(question.clone());
                    }
                }
                What::Intended { action, args, .. } => {
                    let at = verdict(action, true);
                    verdicts[at].args = Some(args.clone());
                }
                What::ActionFailed { action, reason, .. } if reason.starts_with(BLOCKED) => {
                    let at = verdict(action, true);
                    verdicts[at].said.push(reason.clone());
                }
                _ => {}
            }
        }
        Verdicts(RefCell::new(verdicts))
    }

    /// Whether guards said then that nothing is left of a budget.
    pub fn recall(&self, asked: &Consulted<'_>) -> bool {
        let mut verdicts = self.0.borrow_mut();
        let mine = |v: &Verdict| v.call.as_deref() == Some(asked.call);
        let same = |v: &Verdict| {
            v.call.is_none()
                && *v.action == *asked.action
                && v.args.as_ref().is_none_or(|args| args == asked.args)
                && v.about.as_ref().is_none_or(|about| about == asked.about)
        };
        let at = verdicts.iter().position(mine);
        let Some(at) = at.or_else(|| verdicts.iter().position(same)) else {
            return false;
        };
        let verdict = &mut verdicts[at];
        verdict.call = Some(asked.call.to_owned());
        verdict.said.iter().any(|said| said.contains(asked.spent))
    }
}
