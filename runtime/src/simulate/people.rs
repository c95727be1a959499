//! An approval in, who answers it when and how out: what people do in a simulation.

use counterplay_machine::duration::MINUTE_MS;
use counterplay_machine::state::OpenApproval;
use counterplay_machine::step::Vote;
use std::collections::BTreeSet;

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
    /// What is answered to a question.
    pub answer: Option<String>,
    /// When.
    pub when: When,
}

/// When a person answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// So long after being asked, in milliseconds.
    AfterAsked(i64),
    /// So long after the run started, in milliseconds. What is open then is answered; else, once, what is asked next.
    SinceStart(i64),
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
    ///
    /// To a question, people who approve give the first answer, and people who reject the last. `used` holds which answers
    /// of a script have been given something to answer: nobody says one thing twice.
    pub(super) fn votes(
        &self,
        id: &str,
        open: &OpenApproval,
        since_start_ms: i64,
        used: &mut BTreeSet<usize>,
    ) -> Vec<(i64, Vote)> {
        let vote = |by: &str, approve: bool, after_ms: i64| {
            let answer = if approve {
                open.answers.first()
            } else {
                open.answers.last()
            };
            let vote = Vote {
                approval: id.to_owned(),
                by: by.to_owned(),
                approve: approve || answer.is_some(),
                comment: None,
                answer: answer.cloned(),
                by_link: false,
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
                .enumerate()
                // What answers a question is no vote, and the other way round.
                .filter(|(_, a)| a.answer.is_some() != open.answers.is_empty())
                .filter(|(i, a)| {
                    let over = matches!(a.when, When::SinceStart(ms) if ms <= since_start_ms);
                    used.insert(*i) || !over
                })
                .map(|(_, a)| {
                    let after_ms = match a.when {
                        When::AfterAsked(ms) => ms,
                        When::SinceStart(ms) => ms.saturating_sub(since_start_ms),
                    };
                    let (after_ms, given) = vote(&a.by, a.approve, after_ms);
                    let answer = a.answer.clone();
                    (after_ms, Vote { answer, ..given })
                })
                .collect(),
        }
    }
}
