//! Approvals: what waits for people, and their answers.

use crate::api::time;
use crate::app::App;
use crate::http::{Auth, Body, IdempotencyKey, Path, Refused};
use crate::identity::Permission;
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use counterplay_runtime::store::{
    ApprovalDetail, ApprovalInfo, DecidedApproval, Message, WordRefused,
};
use serde::{Deserialize, Serialize};

/// The longest comment, in characters.
const COMMENT_MAX: usize = 2_000;

/// An approval.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ApprovalView {
    /// The id.
    pub id: String,
    /// The run.
    pub run: String,
    /// The tenant.
    pub tenant: String,
    /// The playbook.
    pub playbook: String,
    /// Whether nothing would be performed anyway.
    pub simulated: bool,
    /// `open`, `approved`, `rejected`, `answered` (a question), `unanswered`, or `over` where the run ended before.
    pub state: String,
    /// The question.
    pub question: String,
    /// Whom or what it is about.
    pub about: Vec<String>,
    /// What it opens, as written.
    pub actions: Vec<String>,
    /// Who may answer, by e-mail address.
    pub eligible: Vec<String>,
    /// Who may not: who started the run or stands behind its start, and whom it is about.
    pub excluded: Vec<String>,
    /// What can be answered, where it is a question to a person and no approval.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// How many distinct people have to approve.
    pub needs: u32,
    /// The answers so far.
    pub answers: Vec<AnswerView>,
    /// When it was asked, RFC 3339.
    #[schema(format = DateTime)]
    pub asked_at: String,
    /// When it expires, RFC 3339; silence then counts as a rejection unless the playbook says otherwise.
    #[schema(format = DateTime)]
    pub expires_at: String,
    /// Whether the caller may answer it now.
    pub may_answer: bool,
    /// The messages with a link to its page; of one approval, not in lists.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<MessageView>,
}

/// A message that an approval waits.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct MessageView {
    /// `mail`, `teams`, `slack`, `reminder` (a second mail to who has not answered).
    pub channel: String,
    /// An e-mail address, or a team's name where it goes to a team's channel.
    pub recipient: String,
    /// `waiting`, `sent`, `given up`.
    pub state: String,
    /// When it was sent or given up, RFC 3339.
    #[schema(format = DateTime)]
    pub ended_at: Option<String>,
    /// Why the last attempt failed, or why there will be none.
    pub error: Option<String>,
}

/// Someone's answer.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct AnswerView {
    /// Who.
    pub by: String,
    /// Whether in favour.
    pub approve: bool,
    /// What they answered, where it is a question and no approval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// What they said.
    pub comment: Option<String>,
    /// For whom, where that is another person who is away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<String>,
    /// Whether they answered by the link in a mail of theirs and did not log in; said once the approval is over.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub by_link: bool,
}

/// The approvals that wait.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct ApprovalList {
    /// The first asked first.
    pub approvals: Vec<ApprovalView>,
}

/// An answer.
#[derive(Clone, Debug, Deserialize, utoipa::ToSchema)]
#[serde(
    deny_unknown_fields,
    expecting = "an object with `decision`, or with `answer`"
)]
pub struct NewAnswer {
    /// Yes or no, to an approval.
    pub decision: Option<Decision>,
    /// One of the `choices`, to a question.
    pub answer: Option<String>,
    /// Why; a rejection needs it.
    pub comment: Option<String>,
}

/// Yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// In favour.
    Approve,
    /// Against; one is enough.
    Reject,
}

/// What a person says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// To an approval.
    Decision(Decision),
    /// To a question.
    Answer(String),
}

/// List what waits for approval
#[utoipa::path(get, path = "/approvals", tag = "approvals",
    operation_id = "listApprovals",
    responses((status = 200, description = "What waits for people", body = ApprovalList), Refused))]
pub async fn list(State(app): State<App>, auth: Auth) -> Result<Json<ApprovalList>, Problem> {
    auth.needs(Permission::View)?;
    let open = app.engine.store().approvals_within(auth.tenants()).await?;
    Ok(Json(ApprovalList {
        approvals: open.iter().map(|a| open_view(&auth, a)).collect(),
    }))
}

/// One approval
///
/// Also one that is over.
#[utoipa::path(get, path = "/approvals/{id}", tag = "approvals",
    operation_id = "readApproval",
    params(("id" = String, Path, description = "The approval's id")),
    responses(
        (status = 200, description = "The approval, with what it would let happen", body = ApprovalView),
        Refused))]
pub async fn read(
    State(app): State<App>,
    auth: Auth,
    Path(id): Path<String>,
) -> Result<Json<ApprovalView>, Problem> {
    auth.needs(Permission::View)?;
    let mut view = match find(&app, &auth, &id).await? {
        ApprovalDetail::Open(open) => open_view(&auth, &open),
        ApprovalDetail::Over(over) => over_view(&over),
    };
    let messages = app.engine.store().messages(&view.id).await?;
    view.messages = messages
        .into_iter()
        .filter(|m| !m.is_to_come())
        .map(message)
        .collect();
    Ok(Json(view))
}

fn message(message: Message) -> MessageView {
    MessageView {
        channel: message.channel.name().into(),
        recipient: message.recipient,
        state: message.state.name().into(),
        ended_at: time::maybe(message.ended_ms),
        error: message.error,
    }
}

/// An approval of the caller's tenants.
///
/// # Errors
/// 404 where there is none.
pub async fn find(app: &App, auth: &Auth, id: &str) -> Result<ApprovalDetail, Problem> {
    let found = app.engine.store().approval(id, auth.tenants()).await?;
    found.ok_or_else(|| Problem::not_found(format!("there is no approval {id}")))
}

/// Answer an approval
///
/// By a person who is logged in, who belongs to those who are asked, and who is neither the one who started the
/// run nor the one whom it is about. Answers that come late or twice are refused with 409 and recorded.
#[utoipa::path(post, path = "/approvals/{id}", tag = "approvals",
    operation_id = "answerApproval", request_body = NewAnswer,
    params(("id" = String, Path, description = "The approval's id"),
        IdempotencyKey),
    responses((status = 200, description = "It is counted", body = ApprovalView), Refused))]
pub async fn answer(
    State(app): State<App>,
    auth: Auth,
    Path(id): Path<String>,
    Body(new): Body<NewAnswer>,
) -> Result<Json<ApprovalView>, Problem> {
    let said = match (new.decision, new.answer) {
        (Some(decision), None) => Said::Decision(decision),
        (None, Some(answer)) => Said::Answer(answer),
        (None, None) => {
            return Err(Problem::unprocessable(
                "say `decision` (`approve` or `reject`) to an approval, or `answer` to a question",
            )
            .with("path", "decision"));
        }
        (Some(_), Some(_)) => {
            return Err(Problem::unprocessable(
                "an approval takes `decision` and a question takes `answer`, never both",
            )
            .with("path", "answer"));
        }
    };
    let detail = vote(&app, &auth, &id, said, new.comment).await?;
    Ok(Json(match detail {
        ApprovalDetail::Open(open) => open_view(&auth, &open),
        ApprovalDetail::Over(over) => over_view(&over),
    }))
}

/// Takes an answer and returns how the approval stands then.
///
/// # Errors
/// When it does not count.
pub async fn vote(
    app: &App,
    auth: &Auth,
    id: &str,
    said: Said,
    comment: Option<String>,
) -> Result<ApprovalDetail, Problem> {
    // A question asks a person about themselves; deciding over others is another right.
    auth.needs(match said {
        Said::Decision(_) => Permission::Approve,
        Said::Answer(_) => Permission::View,
    })?;
    if !auth.0.is_person() {
        return Err(Problem::forbidden(
            "approvals are answered by people: log in with your own account, a token does not count",
        ));
    }
    let comment = self::comment(&said, comment)?;
    let before = match find(app, auth, id).await? {
        ApprovalDetail::Open(open) => open,
        ApprovalDetail::Over(over) => {
            // The refusal is recorded with the run.
            let late = say(app, &over.id, &auth.0.id, said, comment).await;
            return match late {
                Ok(_) => find(app, auth, id).await,
                Err(_) => Err(Problem::conflict(format!(
                    "this approval is over: {}",
                    over.decision.as_deref().unwrap_or("its run has ended")
                ))),
            };
        }
    };
    say(app, &before.id, &auth.0.id, said, comment).await?;
    counted(app, auth.tenants(), &before).await
}

/// A comment as it is kept.
///
/// # Errors
/// 422 where it is too long, or there is none and one is needed.
pub fn comment(said: &Said, typed: Option<String>) -> Result<Option<String>, Problem> {
    let comment = typed.map(|c| c.trim().to_owned()).filter(|c| !c.is_empty());
    if comment
        .as_ref()
        .is_some_and(|c| c.chars().count() > COMMENT_MAX)
    {
        return Err(Problem::unprocessable(format!(
            "a comment has at most {COMMENT_MAX} characters"
        ))
        .with("path", "comment"));
    }
    if *said == Said::Decision(Decision::Reject) && comment.is_none() {
        return Err(Problem::unprocessable(
            "say in `comment` why you reject it: whoever comes after you has to know",
        )
        .with("path", "comment"));
    }
    Ok(comment)
}

async fn say(
    app: &App,
    id: &str,
    by: &str,
    said: Said,
    comment: Option<String>,
) -> Result<String, WordRefused> {
    match said {
        Said::Decision(decision) => {
            let approve = decision == Decision::Approve;
            app.engine.vote(id, by, approve, comment).await
        }
        Said::Answer(answer) => app.engine.answer(id, by, answer, comment).await,
    }
}

/// The approval once the engine has counted the answer; as it stands where that takes long.
///
/// # Errors
/// When the store cannot be read.
pub async fn counted(
    app: &App,
    tenants: Option<Vec<String>>,
    before: &ApprovalInfo,
) -> Result<ApprovalDetail, Problem> {
    let store = app.engine.store();
    for _ in 0..100 {
        match store.approval(&before.id, tenants.clone()).await? {
            Some(ApprovalDetail::Open(now)) if now.open.votes.len() == before.open.votes.len() => {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            Some(other) => return Ok(other),
            None => break,
        }
    }
    let found = store.approval(&before.id, tenants).await?;
    found.ok_or_else(|| Problem::not_found(format!("there is no approval {}", before.id)))
}

/// Whether someone is asked and may answer.
pub fn may_answer(auth: &Auth, approval: &ApprovalInfo) -> bool {
    let me = |list: &[String]| list.iter().any(|e| e.eq_ignore_ascii_case(&auth.0.id));
    let needed = match approval.open.answers.is_empty() {
        true => Permission::Approve,
        false => Permission::View,
    };
    auth.0.is_person()
        && auth.0.may_in(needed, &approval.tenant)
        && me(&approval.open.eligible)
        && !me(&approval.open.excluded)
        && !approval
            .open
            .votes
            .iter()
            .any(|(by, _)| by.eq_ignore_ascii_case(&auth.0.id))
}

fn open_view(auth: &Auth, approval: &ApprovalInfo) -> ApprovalView {
    let open = &approval.open;
    ApprovalView {
        id: approval.id.clone(),
        run: approval.run.clone(),
        tenant: approval.tenant.clone(),
        playbook: approval.playbook.clone(),
        simulated: approval.simulated,
        state: "open".into(),
        question: open.question.clone(),
        about: open.about.iter().map(|(_, name)| name.clone()).collect(),
        actions: open.actions.clone(),
        eligible: open.eligible.clone(),
        excluded: open.excluded.clone(),
        choices: open.answers.clone(),
        needs: open.needs,
        answers: open
            .votes
            .iter()
            .map(|(by, comment)| AnswerView {
                by: by.clone(),
                approve: true,
                answer: None,
                comment: comment.clone(),
                instead_of: open.instead_of(by).map(str::to_owned),
                by_link: false,
            })
            .collect(),
        asked_at: time::rfc3339(approval.asked_ms),
        expires_at: time::rfc3339(open.until_ms),
        may_answer: may_answer(auth, approval),
        messages: Vec::new(),
    }
}

fn over_view(over: &DecidedApproval) -> ApprovalView {
    ApprovalView {
        id: over.id.clone(),
        run: over.run.clone(),
        tenant: over.tenant.clone(),
        playbook: over.playbook.clone(),
        simulated: over.simulated,
        state: over.state().to_owned(),
        question: over.question.clone(),
        about: over.about.clone(),
        actions: over.actions.clone(),
        eligible: over.eligible.clone(),
        excluded: Vec::new(),
        choices: over.choices.clone(),
        needs: over.needs,
        answers: over
            .answers
            .iter()
            .map(|a| AnswerView {
                by: a.by.clone(),
                approve: a.approve,
                answer: a.answer.clone(),
                comment: a.comment.clone(),
                instead_of: a.instead_of.clone(),
                by_link: a.by_link,
            })
            .collect(),
        asked_at: time::rfc3339(over.asked_ms),
        expires_at: time::rfc3339(over.until_ms),
        may_answer: false,
        messages: Vec::new(),
    }
}
