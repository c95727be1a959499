//! Nothing in; a compiled project with the shipped responses and one with a gate, and simulated runs of it, out.

use counterplay_compiler::workspace::{Source, Workspace};
use counterplay_machine::Program;
use counterplay_machine::deployment::Deployment;
use counterplay_machine::eval::TenantFacts;
use counterplay_runtime::simulate::{self, Answers, Cause, People, Scenario, Simulation};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The source of the playbook with a gate.
pub const LOST_DEVICE: &str =
    include_str!("../../../examples/lost-device/playbooks/lost_device.play");
const CONFIG: &str = include_str!("../../../examples/shipped-responses/counterplay.toml");

/// A compiled project.
pub struct Project {
    /// The program.
    pub program: Arc<Program>,
    /// People and tenants.
    pub deployment: Deployment,
}

/// Compiles it.
pub fn project() -> Project {
    let teams = "\n[teams.leads]\nmembers = [\"dana.kim@msp.example\", \"eli.novak@msp.example\", \"finn.murphy@msp.example\"]\nemail = \"leads@msp.example\"\n";
    let source = Source {
        path: "playbooks/lost_device.play".to_owned(),
        module: "lost_device".to_owned(),
        text: LOST_DEVICE.to_owned(),
    };
    let config = ("counterplay.toml".to_owned(), format!("{CONFIG}{teams}"));
    let workspace = Workspace::new(vec![source], Some(config));
    let compiled = workspace.compile();
    assert!(
        !compiled.has_errors(),
        "{}",
        workspace.render(&compiled.diagnostics, false)
    );
    Project {
        program: Arc::new(compiled.program),
        deployment: compiled.file.map(|f| f.deployment).unwrap_or_default(),
    }
}

/// Simulates a lost device with these people.
pub fn lost_device(project: &Project, at_ms: i64, people: People) -> Simulation {
    let device = json!({
        "id": "b48d2f60-91c7-4e35-a0d2-6e1f5a7c2004",
        "name": "LAPTOP-PRIYA",
        "platform": "ios",
    });
    let values = BTreeMap::from([
        ("device".to_owned(), device["id"].clone()),
        ("reason".to_owned(), json!("left on a train to Bergen")),
    ]);
    scenario(
        project,
        "lost_device",
        Cause::Manual {
            values,
            by: Some("finn.murphy@msp.example".to_owned()),
        },
        at_ms,
        people,
    )
}

/// Simulates a compromised user.
pub fn compromised_user(project: &Project, at_ms: i64) -> Simulation {
    let json = serde_json::from_str(include_str!(
        "../../../examples/shipped-responses/events/risk-detection.json"
    ))
    .expect("an event");
    let cause = Cause::Raw {
        event: "identity.risk_detected".to_owned(),
        json,
    };
    scenario(project, "compromised_user", cause, at_ms, People::default())
}

fn scenario(
    project: &Project,
    playbook: &str,
    cause: Cause,
    at_ms: i64,
    people: People,
) -> Simulation {
    let tenant = &project.deployment.tenants["contoso"];
    let scenario = Scenario {
        program: project.program.clone(),
        deployment: project.deployment.clone(),
        tenant: TenantFacts::of("contoso", tenant),
        playbook: playbook.to_owned(),
        cause,
        at_ms,
        answers: Answers::default(),
        people,
        later: Vec::new(),
        live: None,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime
        .block_on(simulate::simulate(&scenario))
        .expect("a simulation")
}
