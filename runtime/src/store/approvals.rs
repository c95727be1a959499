//! Ids in; approvals with their questions, those that are open and those that are over, restricted
//! to tenants, out.

use super::list::Conditions;
use super::{Fault, Store, StoreError, StoredRun, Tx};
use counterplay_machine::journal::{Entry, What};
use counterplay_machine::playbook::NodeKind;
use counterplay_machine::state::OpenApproval;
use rusqlite::{params, params_from_iter};
use serde_json::json;

/// An approval that waits for answers.
#[derive(Clone, Debug, PartialEq)]
pub struct ApprovalInfo {
    /// The approval's id.
    pub id: String,
    /// The run's id.
    pub run: String,
    /// The tenant's name.
    pub tenant: String,
    /// The playbook's id.
    pub playbook: String,
    /// Whether nothing would be performed anyway.
    pub simulated: bool,
    /// When it was asked, in milliseconds since the Unix epoch.
    pub asked_ms: i64,
    /// The question, whom it is about, what it opens, who may answer and until when.
    pub open: OpenApproval,
}

/// An approval by id.
#[derive(Clone, Debug, PartialEq)]
pub enum ApprovalDetail {
    /// It waits for answers.
    Open(ApprovalInfo),
    /// It is over.
    Over(DecidedApproval),
}

/// An approval that is over, as its run's journal tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct DecidedApproval {
    /// The approval's id.
    pub id: String,
    /// The run's id.
    pub run: String,
    /// The tenant's name.
    pub tenant: String,
    /// The playbook's id.
    pub playbook: String,
    /// Whether nothing would be performed anyway.
    pub simulated: bool,
    /// When it was asked, in milliseconds since the Unix epoch.
    pub asked_ms: i64,
    /// The question.
    pub question: String,
    /// The entities that it covers, as people call them.
    pub about: Vec<String>,
    /// The actions that it opens, as written.
    pub actions: Vec<String>,
    /// Who might answer.
    pub eligible: Vec<String>,
    /// How many distinct people.
    pub needs: u32,
    /// Until when, in milliseconds since the Unix epoch.
    pub until_ms: i64,
    /// What could be answered, where it was a question and no approval.
    pub choices: Vec<String>,
    /// The answers that counted, in order.
    pub answers: Vec<Answered>,
    /// The answers that did not count, in order.
    pub refused: Vec<RefusedAnswer>,
    /// `approved`, `approved by default`, `rejected`, `unanswered`; `None` where the run ended first.
    pub decision: Option<String>,
    /// When it was decided, or the run ended, in milliseconds since the Unix epoch.
    pub decided_ms: Option<i64>,
}

impl DecidedApproval {
    /// How it ended, in one word or two: `answered` where it was a question (the answer itself stands among the
    /// answers), `over` where the run ended first.
    pub fn state(&self) -> &str {
        match &self.decision {
            Some(_) if self.answers.iter().any(|a| a.answer.is_some()) => "answered",
            Some(decision) => decision,
            None => "over",
        }
    }
}

/// An answer that counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Who.
    pub by: String,
    /// Whether in favour.
    pub approve: bool,
    /// What they answered, where it was a question and no approval.
    pub answer: Option<String>,
    /// What they said.
    pub comment: Option<String>,
    /// For whom, where that is another person who is away.
    pub instead_of: Option<String>,
    /// Whether they answered by the link in a mail of theirs and did not log in.
    pub by_link: bool,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// An answer that did not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedAnswer {
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: i64,
}

impl Store {
    /// The approvals that wait for answers, the first asked first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn approvals(&self) -> Result<Vec<ApprovalInfo>, StoreError> {
        self.approvals_within(None).await
    }

    /// The approvals of these tenants (of all where `None`) that wait for answers, the first asked
    /// first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn approvals_within(
        &self,
        tenants: Option<Vec<String>>,
    ) -> Result<Vec<ApprovalInfo>, StoreError> {
        self.read(move |tx| tx.approval_infos(None, tenants.as_deref()))
            .await
    }

    /// An approval by id, whether it waits or is over; `None` when there is none in these tenants (in
    /// any where `None`).
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn approval(
        &self,
        id: &str,
        tenants: Option<Vec<String>>,
    ) -> Result<Option<ApprovalDetail>, StoreError> {
        let id = id.to_owned();
        self.read(move |tx| {
            let run = id.split_once(':').map_or(id.as_str(), |(run, _)| run);
            let Some(info) = tx.run_info(run, tenants.as_deref())? else {
                return Ok(None);
            };
            let open = tx.approval_infos(Some(info.num), None)?;
            if let Some(open) = open.into_iter().find(|a| a.id == id) {
                return Ok(Some(ApprovalDetail::Open(open)));
            }
            Ok(tx.decided(info.num, &id)?.map(ApprovalDetail::Over))
        })
        .await
    }

    /// The approvals of these tenants (of all where `None`) that were decided last, the latest first; those
    /// of the runs that asked last are looked at.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn decided_lately(
        &self,
        limit: u32,
        tenants: Option<Vec<String>>,
    ) -> Result<Vec<DecidedApproval>, StoreError> {
        self.read(move |tx| {
            let mut conditions = Conditions::default();
            conditions.tenants("r.tenant", tenants.as_deref());
            let sql = conditions.clause();
            let sql = format!(
                "SELECT a.run, max(a.num) FROM asked a JOIN runs r ON r.num = a.run{sql} GROUP BY a.run ORDER BY 2 DESC LIMIT {limit}"
            );
            let mut ask = tx.conn.prepare_cached(&sql)?;
            let runs = ask
                .query_map(params_from_iter(conditions.values()), |row| row.get::<_, i64>(0))?
                .collect::<Result<Vec<_>, _>>()?;
            let mut out = Vec::new();
            for run in runs {
                out.extend(tx.all_decided(run)?);
            }
            out.sort_by_key(|d| std::cmp::Reverse(d.decided_ms));
            out.truncate(limit as usize);
            Ok(out)
        })
        .await
    }

    /// The approvals of a run that are over, in the order in which they were asked; none when the run
    /// is not one of these tenants.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn decided_approvals(
        &self,
        run: &str,
        tenants: Option<Vec<String>>,
    ) -> Result<Vec<DecidedApproval>, StoreError> {
        let run = run.to_owned();
        self.read(move |tx| match tx.run_info(&run, tenants.as_deref())? {
            Some(info) => tx.all_decided(info.num),
            None => Ok(Vec::new()),
        })
        .await
    }
}

impl Tx<'_> {
    /// Open approvals, of one run or of all, restricted to tenants.
    ///
    /// # Errors
    /// When SQLite refuses or a run cannot be read.
    pub fn approval_infos(
        &self,
        run: Option<i64>,
        tenants: Option<&[String]>,
    ) -> Result<Vec<ApprovalInfo>, Fault> {
        let mut ask = self.conn.prepare_cached(
            "SELECT a.run, a.id, a.asked_ms FROM approvals a JOIN runs r ON r.num = a.run \
             WHERE (?1 IS NULL OR a.run = ?1) \
             AND (?2 IS NULL OR r.tenant IN (SELECT value FROM json_each(?2))) \
             ORDER BY a.asked_ms, a.run, a.id",
        )?;
        let tenants = tenants.map(|t| json!(t).to_string());
        let rows = ask.query_map(params![run, tenants], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
        let mut out = Vec::new();
        for row in rows {
            let (num, id, asked_ms): (i64, String, i64) = row?;
            out.extend(approval_info(&self.run(num)?, &id, asked_ms));
        }
        Ok(out)
    }

    fn asked_ids(&self, run: i64) -> Result<Vec<String>, Fault> {
        let mut ask = self
            .conn
            .prepare_cached("SELECT id FROM asked WHERE run = ?1 ORDER BY num")?;
        let rows = ask.query_map([run], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn decided(&self, run: i64, id: &str) -> Result<Option<DecidedApproval>, Fault> {
        Ok(self.all_decided(run)?.into_iter().find(|a| a.id == id))
    }

    fn all_decided(&self, run: i64) -> Result<Vec<DecidedApproval>, Fault> {
        let stored = self.run(run)?;
        let program = self.program(stored.program)?;
        let covers = |node: u32| -> Vec<String> {
            let graph = program
                .playbooks
                .get(&stored.run.playbook)
                .map(|p| &p.graph);
            let label = |n: u32| graph.and_then(|g| g.node_weight(n.into()));
            match label(node).map(|n| &n.kind) {
                Some(NodeKind::Approve(approve)) => approve
                    .covers
                    .iter()
                    .filter_map(|n| label(*n))
                    .map(|n| n.label.to_string())
                    .collect(),
                _ => Vec::new(),
            }
        };
        let mut asked = tell(&stored, &self.journal(run)?);
        // What was asked before ids were kept goes by the plain id of its step.
        let ids = self.asked_ids(run)?;
        for ((_, approval), id) in asked.iter_mut().rev().zip(ids.into_iter().rev()) {
            approval.id = id;
        }
        asked.retain(|a| !stored.run.approvals.contains_key(&a.1.id));
        Ok(asked
            .into_iter()
            .map(|(node, mut approval)| {
                approval.actions = covers(node);
                approval
            })
            .collect())
    }
}

/// The approvals that a journal tells of, in order, with their steps.
fn tell(stored: &StoredRun, journal: &[Entry]) -> Vec<(u32, DecidedApproval)> {
    let mut out: Vec<(u32, String, DecidedApproval)> = Vec::new();
    for entry in journal {
        let Some(node) = entry.node else {
            if let What::Ended { .. } = entry.what {
                for (_, _, a) in out.iter_mut().filter(|(_, _, a)| a.decided_ms.is_none()) {
                    a.decided_ms = Some(entry.at_ms);
                }
            }
            continue;
        };
        if let What::ApprovalAsked {
            question,
            about,
            eligible,
            needs,
            until_ms,
            answers,
        } = &entry.what
        {
            out.push((
                node,
                entry.path.clone(),
                DecidedApproval {
                    id: format!("{}:{node}{}", stored.run.id, entry.path),
                    run: stored.run.id.clone(),
                    tenant: stored.run.tenant.name.clone(),
                    playbook: stored.run.playbook.to_string(),
                    simulated: stored.simulated,
                    asked_ms: entry.at_ms,
                    question: question.clone(),
                    about: about.clone(),
                    actions: Vec::new(),
                    eligible: eligible.clone(),
                    needs: *needs,
                    until_ms: *until_ms,
                    choices: answers.clone(),
                    answers: Vec::new(),
                    refused: Vec::new(),
                    decision: None,
                    decided_ms: None,
                },
            ));
            continue;
        }
        let Some((_, _, approval)) = out
            .iter_mut()
            .rev()
            .find(|(n, path, _)| *n == node && *path == entry.path)
        else {
            continue;
        };
        match &entry.what {
            What::Voted {
                by,
                approve,
                comment,
                answer,
                instead_of,
                by_link,
            } => approval.answers.push(Answered {
                by: by.clone(),
                approve: *approve,
                answer: answer.clone(),
                comment: comment.clone(),
                instead_of: instead_of.clone(),
                by_link: *by_link,
                at_ms: entry.at_ms,
            }),
            What::VoteRefused { by, reason } => approval.refused.push(RefusedAnswer {
                by: by.clone(),
                reason: reason.clone(),
                at_ms: entry.at_ms,
            }),
            What::ApprovalDecided { decision } => {
                approval.decision = Some(decision.clone());
                approval.decided_ms = Some(entry.at_ms);
            }
            _ => {}
        }
    }
    out.into_iter().map(|(node, _, a)| (node, a)).collect()
}

/// An approval of a run as people see it.
pub(crate) fn approval_info(stored: &StoredRun, id: &str, asked_ms: i64) -> Option<ApprovalInfo> {
    Some(ApprovalInfo {
        open: stored.run.approvals.get(id)?.clone(),
        id: id.to_owned(),
        run: stored.run.id.clone(),
        tenant: stored.run.tenant.name.clone(),
        playbook: stored.run.playbook.to_string(),
        simulated: stored.simulated,
        asked_ms,
    })
}
