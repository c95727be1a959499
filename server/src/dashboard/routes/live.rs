//! Topics in, server-sent events when something about one of them changes out.

use crate::api::stream::{events, listen};
use crate::app::App;
use crate::dashboard::topics;
use crate::feed::News;
use crate::http::{Auth, Visitor};
use crate::identity::Permission;
use crate::problem::Problem;
use axum::extract::{RawQuery, State};
use axum::response::IntoResponse;
use axum::response::sse::Event;
use counterplay_machine::journal::What;
use percent_encoding::percent_decode_str;
use std::collections::BTreeSet;

/// The most topics of a page.
const TOPICS_MAX: usize = 200;

/// All approvals of a run, followed by its id.
const APPROVAL_OF: &str = "approval-of:";

/// Follows topics: an event `changed` with the topic as its data.
///
/// # Errors
/// 401 for who is not logged in, 403 for who may not look, 503 where too many follow.
pub async fn live(
    State(app): State<App>,
    visitor: Visitor,
    RawQuery(query): RawQuery,
) -> Result<impl IntoResponse, Problem> {
    let Visitor(Some(who)) = visitor else {
        return Err(Problem::unauthorized("log in to follow what happens"));
    };
    Auth(who.clone()).needs(Permission::View)?;
    let wanted = wanted(query.as_deref().unwrap_or_default());
    let listener = listen(&app, None, who.scope.names()).await?;
    Ok(events(listener, move |news| {
        let about = of(&news);
        let changed: Vec<&str> = wanted
            .iter()
            .filter(|topic| about.iter().any(|a| concerns(a, topic)))
            .map(String::as_str)
            .collect();
        // One event for all: the page fetches itself once.
        (!changed.is_empty()).then(|| Event::default().event("changed").data(changed.join("\n")))
    }))
}

/// Whether news about a topic concern one that a page has. An approval's id begins with its run's.
fn concerns(about: &str, topic: &str) -> bool {
    match about.strip_prefix(APPROVAL_OF) {
        Some(run) => topic
            .strip_prefix("approval:")
            .and_then(|id| id.strip_prefix(run))
            .is_some_and(|rest| rest.starts_with(':')),
        None => about == topic,
    }
}

fn wanted(query: &str) -> BTreeSet<String> {
    query
        .split('&')
        .filter_map(|pair| pair.strip_prefix("topic="))
        .take(TOPICS_MAX)
        .filter_map(|topic| {
            let topic = topic.replace('+', " ");
            let topic = percent_decode_str(&topic).decode_utf8().ok()?;
            Some(topic.into_owned())
        })
        .collect()
}

/// The topics that a piece of news is about.
fn of(news: &News) -> Vec<String> {
    let plain = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
    match news {
        News::Changed { topic, .. } => match *topic {
            "approvals" => plain(&[topics::APPROVALS, topics::COUNTS]),
            "letters" => plain(&[topics::LETTERS, topics::COUNTS]),
            "deploys" => plain(&[topics::DEPLOYS, topics::PLAYBOOKS, topics::COUNTS]),
            "playbooks" => plain(&[topics::PLAYBOOKS]),
            "sources" | "pauses" => plain(&[topics::SOURCES]),
            _ => Vec::new(),
        },
        News::Entry(item) => {
            let mut out: Vec<String> = plain(&[topics::RUNS, topics::AUDIT]);
            out.push(topics::run(&item.run));
            match &item.entry.what {
                What::Started { .. }
                | What::Ended { .. }
                | What::Held { .. }
                | What::Resumed
                | What::Settled { .. } => {
                    out.push(topics::playbook(&item.playbook));
                    out.push(topics::COUNTS.to_owned());
                    // Its approvals are over with it.
                    out.push(topics::APPROVALS.to_owned());
                    out.push(format!("{APPROVAL_OF}{}", item.run));
                }
                What::ApprovalAsked { .. }
                | What::Voted { .. }
                | What::VoteRefused { .. }
                | What::ApprovalDecided { .. } => {
                    out.push(topics::APPROVALS.to_owned());
                    out.push(topics::COUNTS.to_owned());
                    out.push(format!("{APPROVAL_OF}{}", item.run));
                }
                _ => {}
            }
            out
        }
    }
}
