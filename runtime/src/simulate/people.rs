//! An approval in, who answers it when and how out: what people do in a simulation.

use counterplay_machine::duration::MINUTE_MS;
use counterplay_machine::state::OpenApproval;
use counterplay_machine::step::Vote;

/// What people do when they are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum People {
    /// As many of the eligible as are needed approve, this many milliseconds after they were asked.
    Approve {
        /// The delay in milliseconds.
        after_ms: i64,
    },
    /// The first of the eligible rejects, this many milliseconds after being asked.
    Reject {
        /// The delay in milliseconds.
        after_ms: i64,
    },
    /// Nobody answers.
    Unanswered,
    /// These answers are given to every approval, eligible or not.
    Script(Vec<Scripted>),
}

/// A person's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scripted {
    /// Who, by e-mail address.
    pub by: String,
    /// Whether in favour.
    pub approve: bool,
    /// How long after being asked, in milliseconds.
    pub after_ms: i64,
}

impl Default for People {
    /// Approval after ten minutes.
    fn default() -> Self {
        People::Approve {
            after_ms: 10 * MINUTE_MS,
        }
    }
}

impl People {
    /// The answers to an approval with the time of each, in milliseconds after it was asked.
    pub(super) fn votes(&self, id: &str, open: &OpenApproval) -> Vec<(i64, Vote)> {
        let vote = |by: &str, approve: bool, after_ms: i64| {
            let vote = Vote {
                approval: id.to_owned(),
                by: by.to_owned(),
                approve,
                comment: None,
            };
            (after_ms.max(0), vote)
        };
        let eligible = || {
            let excluded =
                |who: &&String| !open.excluded.iter().any(|x| x.eq_ignore_ascii_case(who));
            open.eligible.iter().filter(excluded)
        };
        match self {
            People::Approve { after_ms } => eligible()
                .take(open.needs as usize)
                .map(|who| vote(who, true, *after_ms))
                .collect(),
            People::Reject { after_ms } => eligible()
                .take(1)
                .map(|who| vote(who, false, *after_ms))
                .collect(),
            People::Unanswered => Vec::new(),
            People::Script(answers) => answers
                .iter()
                .map(|a| vote(&a.by, a.approve, a.after_ms))
                .collect(),
        }
    }
}
