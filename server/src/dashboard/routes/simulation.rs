//! A simulation in, the page that shows what would happen out.

use super::Page;
use crate::api::simulate::stopped;
use crate::dashboard::chrome::Area;
use crate::dashboard::drawing::{self, Drawing};
use crate::dashboard::pages::SimulationPage;
use crate::dashboard::pages::simulation::{SimulatedRun, WouldDo};
use crate::dashboard::steps::steps;
use crate::identity::Permission;
use counterplay_machine::playbook::{Playbook, TriggerKind};
use counterplay_machine::schedule::is_schedule;
use counterplay_runtime::simulate::{Assumed, Simulation};
use counterplay_runtime::timeline::{self, Reading, value_text};

/// The page of a simulation.
pub async fn page(
    page: &Page,
    playbook: &Playbook,
    tenant: &str,
    simulation: &Simulation,
) -> SimulationPage {
    let file = playbook
        .graph
        .node_weight(playbook.start)
        .map(|n| n.origin.file.clone())
        .unwrap_or_default();
    let source_page = format!(
        "/playbooks/{}",
        crate::dashboard::text::segment(&playbook.id)
    );
    let runs = simulation
        .runs
        .iter()
        .enumerate()
        .map(|(index, run)| {
            let reading = Reading {
                assumed: run.assumed.iter().filter_map(|a| a.entry).collect(),
                simulated: true,
            };
            let live = drawing::live(playbook, &run.journal, Some(&run.run));
            SimulatedRun {
                status: run
                    .run
                    .outcome
                    .as_ref()
                    .map_or("held", |o| o.name())
                    .to_owned(),
                why: stopped(&run.end),
                steps: steps(&run.journal, &reading, Some(playbook)),
                actions: run
                    .actions
                    .iter()
                    .map(|a| WouldDo {
                        offset: format!("+{}", timeline::relative(a.at_ms - run.run.started_ms)),
                        call: timeline::call(&a.action, &a.args),
                        impact: a.impact,
                    })
                    .collect(),
                assumed: run.assumed.len() as u64,
                drawing: drawing::draw(
                    playbook,
                    &Drawing {
                        id: &format!("simulated-{index}"),
                        source_page: &source_page,
                        file: &file,
                        live: Some(&live),
                    },
                ),
            }
        })
        .collect();
    let assumed = |a: &Assumed| format!("{} answers {}", a.query, value_text(&a.value));
    SimulationPage {
        chrome: page
            .chrome(Area::Playbooks, format!("Simulation of {}", playbook.title))
            .await,
        playbook: playbook.id.to_string(),
        title: playbook.title.to_string(),
        tenant: tenant.to_owned(),
        cause: simulation
            .runs
            .first()
            .map(|r| format!("by {}", r.run.started_by))
            .unwrap_or_default(),
        at_ms: simulation.started_ms,
        runs,
        not_started: simulation.not_started.clone(),
        assumed: simulation.assumed.iter().map(assumed).collect(),
        may_start: page.who().may_in(Permission::Operate, tenant)
            && playbook
                .triggers
                .iter()
                .any(|t| matches!(t.kind, TriggerKind::Manual(_)) || is_schedule(&t.kind)),
    }
}
