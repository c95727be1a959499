//! Where events come from, and the services that playbooks call; in a made-up system events to try.

use super::run::Nothing;
use super::{Form, Oops, Page};
use crate::api::health;
use crate::dashboard::chrome::Area;
use crate::dashboard::pages::SourcesPage;
use crate::dashboard::pages::sources::{
    ConnectionRow, PollRow, StoppedRow, SubscriptionCell, WebhookRow,
};
use crate::dashboard::text;
use crate::http::Path;
use crate::identity::Permission;
use crate::problem::Problem;
use axum::response::Response;
use counterplay_machine::declare::Base;
use counterplay_machine::deployment::{ConnectionSettings, Credentials};
use counterplay_machine::duration::format_ms;
use counterplay_machine::playbook::TriggerKind;
use counterplay_runtime::engine::Incoming;
use counterplay_runtime::store::{ArrivalKind, EventFilter, LetterFilter};
use serde_json::json;
use std::time::Duration;

/// How long a match is waited for, so that the run's page can follow at once.
const PATIENCE: Duration = Duration::from_secs(4);

/// `/sources`.
///
/// # Errors
/// The page of what went wrong.
pub async fn show(page: Page) -> Result<Response, Oops> {
    let made = make(&page).await;
    let made = page.or_oops(made).await?;
    Ok(page.show(&made))
}

async fn make(page: &Page) -> Result<SourcesPage, Problem> {
    page.auth.needs(Permission::View)?;
    let scope = &page.who().scope;
    let polls = page
        .app
        .engine
        .sources()
        .await?
        .into_iter()
        .filter(|s| scope.includes(&s.tenant))
        .map(|s| PollRow {
            event: s.event.to_string(),
            tenant: s.tenant,
            every: format_ms(s.every_ms),
            polled_ms: s.polled_ms,
            next_ms: s.next_ms.unwrap_or_else(|| page.app.clock.now_ms()),
            failures: u64::try_from(s.failures).unwrap_or(0),
            error: s.error,
            subscription: s.subscription.map(|s| SubscriptionCell {
                until_ms: s.until_ms,
                error: s.error,
            }),
        })
        .collect();
    Ok(SourcesPage {
        chrome: page.chrome(Area::Sources, "Sources").await,
        service: vec![
            ("Version".into(), env!("CARGO_PKG_VERSION").into()),
            ("Address".into(), page.app.settings.public_url.clone()),
            (
                "Playbooks".into(),
                match &page.app.settings.folder {
                    Some(folder) => format!("from the folder {folder}"),
                    None => "in the store; deploys come through the API".into(),
                },
            ),
            (
                "Open event streams".into(),
                page.app.feed.listeners().to_string(),
            ),
        ],
        problem: None,
        polls,
        webhooks: webhooks(page).await?,
        connections: connections(page),
        pauses: super::pauses::rows(page).await?,
        pausable: super::pauses::choices(page).await?,
        may_confirm: page.auth.needs_everywhere(Permission::Operate).is_ok(),
    })
}

async fn webhooks(page: &Page) -> Result<Vec<WebhookRow>, Problem> {
    let (program, deployment) = (page.app.engine.program(), page.app.engine.deployment());
    let store = page.app.engine.store();
    let mut out = Vec::new();
    for (name, hook) in &deployment.webhooks {
        if !page.who().scope.includes(&hook.tenant) {
            continue;
        }
        let last = EventFilter {
            tenant: Some(hook.tenant.clone()),
            kind: Some(ArrivalKind::Hook),
            name: Some(name.clone()),
            limit: Some(1),
            ..EventFilter::default()
        };
        let last = store.event_page(last).await?.items;
        let letters = LetterFilter {
            tenant: Some(hook.tenant.clone()),
            open: true,
            limit: Some(50),
            ..LetterFilter::default()
        };
        let of = format!("webhook {name}");
        let refused = store.letter_page(letters).await?.items;
        let refused = refused.into_iter().find(|l| l.name.as_ref() == Some(&of));
        out.push(WebhookRow {
            name: name.clone(),
            playbooks: program
                .playbooks
                .values()
                .filter(|p| {
                    p.triggers
                        .iter()
                        .any(|t| matches!(&t.kind, TriggerKind::Webhook(w) if *w.name == **name))
                })
                .map(|p| p.id.to_string())
                .collect(),
            last_ms: last.first().map(|e| e.received_ms),
            refused: refused.map(|l| l.reason),
        });
    }
    Ok(out)
}

fn connections(page: &Page) -> Vec<ConnectionRow> {
    let (program, deployment) = (page.app.engine.program(), page.app.engine.deployment());
    let mut known = health::connections(&page.app, &page.auth);
    deployment
        .connections
        .iter()
        .map(|(name, settings)| {
            let declared = program.connections.get(name.as_str());
            let base = settings
                .base
                .clone()
                .or_else(|| match declared?.base.as_ref()? {
                    Base::Address(address) => Some(address.to_string()),
                    _ => None,
                });
            let known = known.remove(name).unwrap_or_default();
            let stopped: Vec<StoppedRow> = known
                .stopped
                .into_iter()
                .map(|(tenant, open)| StoppedRow {
                    tenant,
                    next_ms: open.next_ms,
                    reason: open.reason,
                })
                .collect();
            let state = match (known.failed_ms, known.worked_ms, declared) {
                (Some(_), _, _) => "failing",
                _ if !stopped.is_empty() => "failing",
                (None, Some(_), _) => "ok",
                (None, None, Some(_)) => "not used yet",
                (None, None, None) => "no playbook uses it",
            };
            ConnectionRow {
                name: name.clone(),
                base: base.unwrap_or_else(|| "addresses are secrets of the teams".into()),
                auth: credentials(settings),
                state: state.into(),
                ok_ms: known.worked_ms,
                error: known.error,
                stopped,
            }
        })
        .collect()
}

/// Who we are at a connection, in words; no secret, only names of them.
fn credentials(settings: &ConnectionSettings) -> String {
    let one = |credentials: &Credentials| {
        let proof = match (&credentials.secret, &credentials.certificate) {
            (_, Some(certificate)) => Some(format!("certificate {certificate}")),
            (Some(secret), None) => Some(format!("secret {secret}")),
            (None, None) => None,
        };
        let parts: Vec<String> = credentials
            .client_id
            .clone()
            .into_iter()
            .chain(proof)
            .collect();
        parts.join(", ")
    };
    let own = one(&settings.credentials(None));
    let own = if own.is_empty() { "none".into() } else { own };
    let others = [
        ("disruptive", &settings.disruptive),
        ("destructive", &settings.destructive),
    ];
    others
        .into_iter()
        .fold(own, |all, (impact, other)| match other {
            Some(other) => format!("{all}; for {impact} actions {}", one(other)),
            None => all,
        })
}

/// `POST /try/{sample}`: delivers an event of the made-up system.
///
/// # Errors
/// The page of what went wrong.
pub async fn deliver(Path(name): Path<String>, form: Form<Nothing>) -> Result<Response, Oops> {
    let page = form.page;
    let done = async {
        page.auth.needs(Permission::Operate)?;
        let none = || Problem::not_found("there is no such event to try");
        let sandbox = page.app.settings.sandbox.as_ref().ok_or_else(none)?;
        let sample = sandbox.samples.iter().find(|s| s.name == name);
        let sample = sample.ok_or_else(none)?;
        let tenant = crate::triggers::events::tenant(&page.app, &page.auth)?;
        let mut payload = sample.payload.clone();
        if sample.fresh_id {
            payload["id"] = json!(format!("{name}-{:x}", page.app.clock.now_ms()));
        }
        let incoming = Incoming {
            tenant: tenant.clone(),
            event: None,
            payload,
            source: None,
        };
        let receipt = page.app.engine.accept(incoming).await?;
        let info = crate::api::start::matched(&page.app, receipt.event, &tenant, PATIENCE).await?;
        Ok::<_, Problem>((info, receipt.quiet))
    };
    Ok(match done.await {
        Ok((info, quiet)) => match (info.started.first(), info.repeated.first()) {
            (Some(run), _) => page.back(
                &format!("/runs/{}", text::segment(run)),
                "The event was delivered, and this run answers it.",
            ),
            (None, Some(run)) => page.back(
                &format!("/runs/{}", text::segment(run)),
                "The event was delivered. No second run was started: it would repeat this one.",
            ),
            (None, None) => page.back(
                "/",
                &format!(
                    "The event was delivered, and no run has started: {}",
                    quiet.or(info.notes).unwrap_or_default()
                ),
            ),
        },
        Err(problem) => page.back_with_problem("/", &problem),
    })
}
