//! A personal link in, the page of its question out; and the answer that somebody gives there without logging in.
//!
//! Opening it decides nothing, whoever opens it. An answer counts once, for the person that the link was made for,
//! and only where no login is needed; whatever is refused stands in the audit trail.

use super::page::{render, stranger, theme};
use crate::api::approvals::{Decision, Said, comment, counted};
use crate::app::App;
use crate::dashboard::pages::{AnswerPage, ErrorPage};
use crate::dashboard::text;
use crate::http::{Path, Visitor, read_form, whole};
use crate::identity::{Permission, Principal};
use crate::problem::Problem;
use axum::body::Body;
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::CookieJar;
use counterplay_machine::login::needs_login;
use counterplay_machine::state::OpenApproval;
use counterplay_runtime::engine::{LinkRefused, PersonalLink};
use counterplay_runtime::store::{self, ApprovalDetail, ApprovalInfo, DecidedApproval, NewAudit};
use serde::Deserialize;
use serde_json::json;
use std::net::SocketAddr;

/// The answer's form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Answer {
    decision: String,
    answer: String,
    comment: String,
}

/// Who came with which link.
struct Came {
    app: App,
    jar: CookieJar,
    token: String,
    visitor: Option<Principal>,
    client: SocketAddr,
    /// Whether they want to answer; who only looks is not written down, except with a forged link.
    answers: bool,
}

/// `GET /answer/{token}`. Opening it decides nothing.
pub async fn show(
    State(app): State<App>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    Visitor(visitor): Visitor,
    jar: CookieJar,
    Path(token): Path<String>,
) -> Response {
    let came = Came {
        app,
        jar,
        token,
        visitor,
        client,
        answers: false,
    };
    let shown = async {
        let link = came.link().await?;
        match came.find(&link).await? {
            ApprovalDetail::Open(open) if came.needs_login(&open).await? => Ok(to_login(&open.id)),
            detail => {
                let page = came.page(&link, &detail, Answer::default(), None).await?;
                Ok(render(StatusCode::OK, &page))
            }
        }
    };
    let shown: Result<Response, Problem> = shown.await;
    closed(shown.unwrap_or_else(|problem| came.oops(&problem)))
}

/// `POST /answer/{token}`.
pub async fn answer(
    State(app): State<App>,
    ConnectInfo(client): ConnectInfo<SocketAddr>,
    Visitor(visitor): Visitor,
    jar: CookieJar,
    Path(token): Path<String>,
    body: Body,
) -> Response {
    let came = Came {
        app,
        jar,
        token,
        visitor,
        client,
        answers: true,
    };
    let answered = came.answer(body).await;
    closed(answered.unwrap_or_else(|problem| came.oops(&problem)))
}

/// The page's address is the link: what the page asks for does not carry it along.
fn closed(mut response: Response) -> Response {
    let policy = HeaderValue::from_static("strict-origin");
    response
        .headers_mut()
        .insert(header::REFERRER_POLICY, policy);
    response
}

fn to_login(approval: &str) -> Response {
    Redirect::to(&format!("/approvals/{}", text::segment(approval))).into_response()
}

impl Came {
    async fn answer(&self, body: Body) -> Result<Response, Problem> {
        let link = self.link().await?;
        let bytes = whole(body).await?;
        let fields: Answer = read_form(&bytes)?;
        let said = match fields.decision.as_str() {
            "approve" => Said::Decision(Decision::Approve),
            "reject" => Said::Decision(Decision::Reject),
            "" if !fields.answer.is_empty() => Said::Answer(fields.answer.clone()),
            _ => return Err(Problem::bad_request("the form says neither yes nor no")),
        };
        let before = self.find(&link).await?;
        if let ApprovalDetail::Open(open) = &before
            && self.needs_login(open).await?
        {
            let why = "what may follow the answer needs a login";
            self.refused(&link, why).await?;
            return Ok(to_login(&open.id));
        }
        let taken = self.take(&link, &before, said, &fields.comment).await;
        match taken {
            Ok(()) => {
                let after = match &before {
                    ApprovalDetail::Open(open) => counted(&self.app, None, open).await?,
                    ApprovalDetail::Over(_) => self.find(&link).await?,
                };
                let page = self.page(&link, &after, Answer::default(), None).await?;
                Ok(render(StatusCode::OK, &page))
            }
            Err(problem) if matches!(problem.status, 409 | 422) => {
                let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::CONFLICT);
                let now = self.find(&link).await?;
                let page = self.page(&link, &now, fields, Some(problem.detail)).await?;
                Ok(render(status, &page))
            }
            Err(problem) => Err(problem),
        }
    }

    /// Takes the answer, if it counts.
    async fn take(
        &self,
        link: &PersonalLink,
        before: &ApprovalDetail,
        said: Said,
        typed: &str,
    ) -> Result<(), Problem> {
        let tenant = match before {
            ApprovalDetail::Open(open) => &open.tenant,
            ApprovalDetail::Over(over) => &over.tenant,
        };
        if let Err(problem) = self.account(link, &said, tenant).await {
            self.refused(link, &problem.detail).await?;
            return Err(problem);
        }
        let comment = comment(&said, Some(typed.to_owned()))?;
        let (approve, answer) = match said {
            Said::Decision(decision) => (decision == Decision::Approve, None),
            Said::Answer(answer) => (true, Some(answer)),
        };
        let said = store::Said {
            approve,
            comment,
            answer,
            by_link: true,
        };
        self.app
            .engine
            .say(&link.approval, &link.person, said)
            .await?;
        Ok(())
    }

    /// What the link stands for.
    async fn link(&self) -> Result<PersonalLink, Problem> {
        let link = match self.app.engine.personal_link(&self.token) {
            Ok(link) => link,
            Err(LinkRefused::Forged) => {
                // Guesses must not fill the audit trail.
                self.app.identity.guess(self.client.ip())?;
                let why = LinkRefused::Forged.to_string();
                self.record(None, &why).await?;
                return Err(Problem::forbidden(format!(
                    "{why}; take the whole address from the mail, or log in and look for the approval there"
                )));
            }
            Err(LinkRefused::Expired(link)) => {
                if self.answers {
                    self.refused(&link, "the link has expired").await?;
                }
                return Err(Problem::new(
                    StatusCode::GONE,
                    "not-found",
                    "The time to answer is over",
                    "nobody can answer by this link any more; log in to see what became of the approval",
                ));
            }
        };
        if let Some(visitor) = &self.visitor
            && !visitor.id.eq_ignore_ascii_case(&link.person)
        {
            let why = format!("it is another person's link: {} is logged in", visitor.id);
            self.refused(&link, &why).await?;
            return Err(Problem::forbidden(
                "this link is another person's, and you are logged in as somebody else",
            ));
        }
        Ok(link)
    }

    async fn find(&self, link: &PersonalLink) -> Result<ApprovalDetail, Problem> {
        let store = self.app.engine.store();
        let found = store.approval(&link.approval, None).await?;
        found.ok_or_else(|| {
            Problem::not_found("there is no such approval any more; its run may be gone")
        })
    }

    /// Whether who answers has to log in.
    async fn needs_login(&self, info: &ApprovalInfo) -> Result<bool, Problem> {
        let store = self.app.engine.store();
        let Some(found) = store.run_detail(&info.run).await? else {
            return Ok(true);
        };
        let playbook = found.program.playbooks.get(&found.run.playbook);
        Ok(playbook.is_none_or(|playbook| needs_login(&found.program, playbook, &info.open)))
    }

    /// Who has an account needs the right to answer; who has none is asked by mail only.
    async fn account(&self, link: &PersonalLink, said: &Said, tenant: &str) -> Result<(), Problem> {
        let Some(person) = self.app.identity.known(&link.person).await? else {
            return Ok(());
        };
        let needed = match said {
            Said::Decision(_) => Permission::Approve,
            Said::Answer(_) => Permission::View,
        };
        if person.disabled {
            return Err(Problem::forbidden("your account is disabled"));
        }
        let may = person.roles.iter().any(|role| role.allows(needed));
        if !may || !person.scope.includes(tenant) {
            return Err(Problem::forbidden(
                "your account has no right to answer this; an administrator can give it to you",
            ));
        }
        Ok(())
    }

    async fn refused(&self, link: &PersonalLink, why: &str) -> Result<(), Problem> {
        self.record(Some(link), why).await
    }

    /// Writes a refusal down: in the chain of the run's tenant where the link is genuine.
    async fn record(&self, link: Option<&PersonalLink>, why: &str) -> Result<(), Problem> {
        let mut audit = NewAudit {
            at_ms: self.app.clock.now_ms(),
            tenant: String::new(),
            actor: "personal link".into(),
            action: "approval.link_refused".into(),
            run: None,
            object: None,
            detail: json!({ "reason": why, "from": self.client.ip().to_string() }),
        };
        if let Some(link) = link {
            let run = link.approval.split(':').next().unwrap_or_default();
            if let Some(found) = self.app.engine.store().run_detail(run).await? {
                audit.tenant = found.run.tenant.name.clone();
                audit.run = Some(found.run.id.clone());
            }
            audit.actor = link.person.clone();
            audit.object = Some(link.approval.clone());
        }
        self.app.record(audit).await
    }

    async fn page(
        &self,
        link: &PersonalLink,
        detail: &ApprovalDetail,
        typed: Answer,
        error: Option<String>,
    ) -> Result<AnswerPage, Problem> {
        let (run, tenant) = match detail {
            ApprovalDetail::Open(open) => (&open.run, &open.tenant),
            ApprovalDetail::Over(over) => (&over.run, &over.tenant),
        };
        let found = self.app.engine.store().run_detail(run).await?;
        let playbook = found.as_ref().and_then(|f| {
            let playbook = f.program.playbooks.get(&f.run.playbook);
            playbook.map(|p| p.title.to_string())
        });
        let (question, actions, about, choices, until_ms, over) = match detail {
            ApprovalDetail::Open(info) => {
                let OpenApproval {
                    question,
                    actions,
                    about,
                    answers,
                    until_ms,
                    ..
                } = info.open.clone();
                let about = about.into_iter().map(|(_, name)| name).collect();
                let over = voted(&info.open, &link.person);
                (question, actions, about, answers, until_ms, over)
            }
            ApprovalDetail::Over(over) => (
                over.question.clone(),
                over.actions.clone(),
                over.about.clone(),
                over.choices.clone(),
                over.until_ms,
                Some(how_over(over, &link.person)),
            ),
        };
        let here = format!("/answer/{}", self.token);
        let over = match (&error, over) {
            (Some(error), Some(_)) => Some(format!("Your answer does not count: {error}.")),
            (_, over) => over,
        };
        Ok(AnswerPage {
            chrome: stranger(&self.app, theme(&self.jar), here, &question),
            id: link.approval.clone(),
            person: link.person.clone(),
            question,
            title: playbook.unwrap_or_default(),
            tenant: tenant.clone(),
            actions,
            about,
            choices,
            until_ms,
            error: error.filter(|_| over.is_none()),
            over,
            comment: typed.comment,
        })
    }

    fn oops(&self, problem: &Problem) -> Response {
        let status =
            StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let page = ErrorPage {
            chrome: stranger(
                &self.app,
                theme(&self.jar),
                "/approvals".into(),
                &problem.title,
            ),
            status: problem.status,
            title: problem.title.clone(),
            detail: problem.detail.clone(),
            way_out: Some(("/approvals".into(), "Log in and look at what waits".into())),
        };
        let mut response = render(status, &page);
        if let Some(seconds) = problem.retry_after_s {
            let headers = response.headers_mut();
            headers.insert(axum::http::header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// What is said to somebody who has approved already.
fn voted(open: &OpenApproval, who: &str) -> Option<String> {
    let mut votes = open.votes.iter();
    let mine = votes.any(|(by, _)| by.eq_ignore_ascii_case(who));
    mine.then(|| {
        "You have approved. More people are needed; you need not stay on this page.".into()
    })
}

/// How it ended, to somebody who was asked.
fn how_over(over: &DecidedApproval, who: &str) -> String {
    let mine = over.answers.iter().find(|a| a.by.eq_ignore_ascii_case(who));
    match mine {
        Some(answer) => match (&answer.answer, answer.approve) {
            (Some(answer), _) => format!("You have answered “{answer}”."),
            (None, true) => "You have approved.".into(),
            (None, false) => "You have rejected.".into(),
        },
        None => format!("It is over: {}.", over.state()),
    }
}
