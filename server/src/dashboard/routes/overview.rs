//! The first page: what waits, what happens, how the last week went.

use super::{Oops, Page, rows};
use crate::api::approvals::may_answer;
use crate::dashboard::charts::{Day, IMPACTS};
use crate::dashboard::chrome::Area;
use crate::dashboard::pages::OverviewPage;
use crate::dashboard::pages::overview::TryThis;
use crate::dashboard::ui;
use crate::problem::Problem;
use axum::response::Response;
use counterplay_machine::duration::DAY_MS;
use counterplay_machine::state::Status;
use counterplay_runtime::store::{RunFilter, StatsFilter, Tally};
use std::collections::BTreeMap;

/// How many lines each list has.
const LINES: u32 = 6;
/// How many days the charts go back, today included.
const DAYS: i64 = 7;

/// `/`.
///
/// # Errors
/// The page of what went wrong.
pub async fn show(page: Page) -> Result<Response, Oops> {
    let made = make(&page).await;
    let made = page.or_oops(made).await?;
    Ok(page.show(&made))
}

async fn make(page: &Page) -> Result<OverviewPage, Problem> {
    page.auth.needs(crate::identity::Permission::View)?;
    let (store, program) = (page.app.engine.store(), page.app.engine.program());
    let now = page.app.clock.now_ms();
    let tenants = page.auth.tenants();
    let list = |filter: RunFilter| {
        let filter = RunFilter {
            tenants: tenants.clone(),
            limit: Some(LINES),
            ..filter
        };
        async {
            let found = store.run_page(filter).await?;
            Ok::<_, Problem>(
                found
                    .items
                    .iter()
                    .map(|i| rows::run(&program, i))
                    .collect::<Vec<_>>(),
            )
        }
    };
    let held = list(RunFilter {
        status: Some(Status::Held),
        ..RunFilter::default()
    })
    .await?;
    let mut running = list(RunFilter {
        open: true,
        ..RunFilter::default()
    })
    .await?;
    running.retain(|r| r.status != "held");
    let week = now - DAYS * DAY_MS;
    let failed = list(RunFilter {
        outcome: Some("failed".into()),
        from_ms: Some(week),
        ..RunFilter::default()
    })
    .await?;
    let counts = store.open_counts(tenants.clone()).await?;
    let span = StatsFilter {
        tenants: tenants.clone(),
        // Days of the calendar, so that each bar is a whole one.
        from_ms: (now - now.rem_euclid(DAY_MS)) - (DAYS - 1) * DAY_MS,
        to_ms: now + DAY_MS,
        ..StatsFilter::default()
    };
    let days = days(&store.hours(span.clone()).await?, span.from_ms);
    let failed_count = store
        .tally(span)
        .await?
        .ended
        .get("failed")
        .copied()
        .unwrap_or(0);
    let approvals = store.approvals_within(tenants).await?;
    let mut waiting: Vec<_> = approvals
        .iter()
        .filter(|a| may_answer(&page.auth, a))
        .map(|a| rows::approval(page, &program, a))
        .collect();
    waiting.sort_by_key(|w| w.until_ms);
    let waiting_count = waiting.len() as u64;
    waiting.truncate(LINES as usize);
    let number = |n: i64| u64::try_from(n).unwrap_or(0);
    Ok(OverviewPage {
        chrome: page.chrome(Area::Overview, "Overview").await,
        waiting,
        waiting_count,
        running_count: number(counts.running + counts.waiting + counts.awaiting_approval),
        running,
        held_count: number(counts.held),
        held,
        failed_count: number(failed_count),
        failed,
        days,
        tries: tries(page).await?,
        samples: samples(page),
        has_playbooks: !program.playbooks.is_empty(),
    })
}

/// Hours summed to days; days on which nothing happened are there, too.
fn days(hours: &[counterplay_runtime::store::Hour], from_ms: i64) -> Vec<Day> {
    let mut tallies: BTreeMap<i64, Tally> = (0..DAYS).map(|d| (d, Tally::default())).collect();
    for hour in hours {
        if let Some(tally) = tallies.get_mut(&((hour.hour_ms - from_ms).div_euclid(DAY_MS))) {
            tally.add(&hour.tally);
        }
    }
    if hours.is_empty() {
        return Vec::new();
    }
    let number = |n: i64| u64::try_from(n).unwrap_or(0);
    tallies
        .into_iter()
        .map(|(day, tally)| Day {
            date: ui::utc(from_ms + day * DAY_MS).chars().take(10).collect(),
            succeeded: number(tally.went_well()),
            failed: number(tally.went_badly()),
            actions: IMPACTS.map(|impact| {
                let performed = tally.performed.get(&impact.to_string());
                number(performed.copied().unwrap_or_default())
            }),
        })
        .collect()
}

/// Events that can be let happen, for who may.
fn samples(page: &Page) -> Vec<(String, String)> {
    let may = page.who().may(crate::identity::Permission::Operate);
    let sandbox = page.app.settings.sandbox.iter().filter(|_| may);
    sandbox
        .flat_map(|s| &s.samples)
        .map(|s| (s.name.clone(), s.title.clone()))
        .collect()
}

/// The playbook of the tour that a newcomer starts.
const TOUR: &str = "contain_account";

/// What a newcomer may try in a made-up system.
async fn tries(page: &Page) -> Result<Vec<TryThis>, Problem> {
    let Some(sandbox) = &page.app.settings.sandbox else {
        return Ok(Vec::new());
    };
    if !page.app.engine.program().playbooks.contains_key(TOUR) {
        return Ok(Vec::new());
    }
    let filter = RunFilter {
        playbook: Some(TOUR.into()),
        from_ms: Some(sandbox.since_ms),
        limit: Some(20),
        ..RunFilter::default()
    };
    let runs = page.app.engine.store().run_page(filter).await?.items;
    let started = !runs.is_empty();
    let ended = runs.iter().any(|r| r.ended_ms.is_some());
    let step = |title: &str, text: &str, href: &str, link: &str, done| TryThis {
        title: title.into(),
        text: text.into(),
        href: href.into(),
        link: link.into(),
        done,
    };
    Ok(vec![
        step(
            "Simulate",
            "See what an account in other hands would set off, on a virtual clock. Nothing is performed.",
            "/playbooks/contain_account#simulate",
            "Simulate it",
            started,
        ),
        step(
            "Start it",
            "The same for real within the sandbox: sign-in is blocked, sessions end, and the SOC is asked. Only who may operate can: Finn or Ana.",
            "/playbooks/contain_account#run",
            "Start a run",
            started,
        ),
        step(
            "Approve",
            "In a private window log in as Ana, who did not start it, and let the password be replaced. Or say no.",
            "/approvals",
            "Open the approvals",
            ended,
        ),
        step(
            "Watch",
            "The run’s page moves by itself: what was sent, what came back, where it stands.",
            "/runs?playbook=contain_account",
            "See the runs",
            ended,
        ),
    ])
}
