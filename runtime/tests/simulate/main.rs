//! Whole playbooks, built by hand, on a virtual clock.

mod program;

use counterplay_machine::state::Outcome;
use counterplay_machine::{Program, Value};
use counterplay_runtime::call::{CallOutcome, CallRequest, Connector};
use counterplay_runtime::simulate::{
    Answer, Answers, Cause, People, Scenario, Scripted, Simulation, SimulationEnd, SimulationError,
    TRANSITIONS_MAX, When, simulate,
};
use program::{START_MS, lost_device, program, tenant};
use serde_json::json;
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

fn scenario(program: Program, playbook: &str, cause: Cause) -> Scenario {
    Scenario {
        program: Arc::new(program),
        deployment: program::deployment(),
        tenant: tenant(),
        playbook: playbook.into(),
        cause,
        at_ms: START_MS,
        answers: Answers::new(),
        people: People::default(),
        later: Vec::new(),
        live: None,
    }
}

fn lost(people: People) -> Scenario {
    let values = BTreeMap::from([("device".to_owned(), json!("d-9"))]);
    let cause = Cause::Manual {
        values,
        by: Some("cy@contoso.example".into()),
    };
    Scenario {
        people,
        ..scenario(program(lost_device()), "lost_device", cause)
    }
}

async fn run(scenario: &Scenario) -> Simulation {
    match simulate(scenario).await {
        Ok(simulation) => simulation,
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn sixty_days_pass_in_a_moment() {
    let before = Instant::now();
    let simulation = run(&lost(People::default())).await;
    let took = before.elapsed();
    assert!(took < Duration::from_millis(500), "{took:?}");
    insta::assert_snapshot!(simulation.to_string(), @r#"
    assumed: intune.device answers Sample Device
      +0s       started by cy@contoso.example
      +0s       then
      +0s       intune.sync(device: Sample Device)              reversible   would be done
      +0s       ask intune.is_compliant(device: Sample Device)               false (assumed)
      +0s       wait 60d · until +60d (2026-03-02T00:00:00Z)
      +60d      then (2)
      +60d      approval asked of ana@contoso.example, bo@contoso.example (2 needed, 4h): "Wipe Sample Device?" (about Sample Device)
      +60d 10m  ana@contoso.example approves
      +60d 10m  approved by ana@contoso.example, bo@contoso.example
      +60d 10m  intune.wipe(device: Sample Device)              destructive  would be done · approved by ana@contoso.example, bo@contoso.example
      +60d 10m  ended: completed
    "#);
    let run = &simulation.runs[0];
    assert_eq!(run.run.outcome, Some(Outcome::Completed));
    assert_eq!(run.end, SimulationEnd::Ended);
    assert_eq!(run.ended_ms - START_MS, (60 * 24 * 60 + 10) * 60_000);
    let actions: Vec<(&str, i64)> = run
        .actions
        .iter()
        .map(|a| (&*a.action, a.at_ms - START_MS))
        .collect();
    assert_eq!(
        actions,
        [
            ("intune.sync", 0),
            ("intune.wipe", (60 * 24 * 60 + 10) * 60_000)
        ]
    );
    assert_eq!(
        run.actions[1].args,
        json!({"device": {"id": "d-9", "name": "Sample Device", "owner_email": null}})
    );
}

#[tokio::test]
async fn the_result_goes_through_json_and_is_always_the_same() {
    let first = run(&lost(People::default())).await;
    let text = serde_json::to_string(&first).expect("plain data");
    assert_eq!(
        serde_json::from_str::<Simulation>(&text).expect("the same shape"),
        first
    );
    assert_eq!(run(&lost(People::default())).await, first);
}

#[tokio::test]
async fn people_decide() {
    let rejected = run(&lost(People::Reject { after_ms: 60_000 })).await;
    assert!(matches!(
        rejected.runs[0].run.outcome,
        Some(Outcome::Rejected { .. })
    ));
    assert_eq!(rejected.runs[0].actions.len(), 1);
    let unanswered = run(&lost(People::Unanswered)).await;
    assert!(matches!(
        unanswered.runs[0].run.outcome,
        Some(Outcome::Rejected { .. })
    ));
    assert!(
        unanswered.to_string().contains("nobody answered in time"),
        "{unanswered}"
    );
    let vote = |by: &str, minutes: i64| Scripted {
        by: by.into(),
        approve: true,
        answer: None,
        when: When::AfterAsked(minutes * 60_000),
    };
    let script = vec![
        vote("cy@contoso.example", 1),
        vote("ana@contoso.example", 10),
        vote("bo@contoso.example", 20),
    ];
    let scripted = run(&lost(People::Script(script))).await;
    assert_eq!(scripted.runs[0].run.outcome, Some(Outcome::Completed));
    insta::assert_snapshot!(scripted.to_string(), @r#"
    assumed: intune.device answers Sample Device
      +0s       started by cy@contoso.example
      +0s       then
      +0s       intune.sync(device: Sample Device)              reversible   would be done
      +0s       ask intune.is_compliant(device: Sample Device)               false (assumed)
      +0s       wait 60d · until +60d (2026-03-02T00:00:00Z)
      +60d      then (2)
      +60d      approval asked of ana@contoso.example, bo@contoso.example (2 needed, 4h): "Wipe Sample Device?" (about Sample Device)
      +60d 1m   the answer of cy@contoso.example does not count: cy@contoso.example may not answer: they or a token of theirs started this run, or it is about them
      +60d 10m  ana@contoso.example approves
      +60d 20m  approved by ana@contoso.example, bo@contoso.example
      +60d 20m  intune.wipe(device: Sample Device)              destructive  would be done · approved by ana@contoso.example, bo@contoso.example
      +60d 20m  ended: completed
    "#);
}

#[tokio::test]
async fn given_answers_and_failures_are_used() {
    let mut scenario = lost(People::default());
    let program = scenario.program.clone();
    scenario
        .answers
        .parse(&program, "intune.is_compliant=true")
        .expect("a Bool");
    let compliant = run(&scenario).await;
    assert_eq!(compliant.runs[0].run.outcome, Some(Outcome::Resolved));
    assert!(compliant.runs[0].assumed.is_empty());
    let mut scenario = lost(People::default());
    scenario
        .answers
        .parse(&program, "intune.wipe=fails: the device does not answer")
        .expect("a failure");
    let failed = run(&scenario).await;
    let Some(Outcome::Failed(failure)) = &failed.runs[0].run.outcome else {
        panic!("{failed}")
    };
    assert_eq!(failure.reason, "the device does not answer");
    let mut scenario = lost(People::default());
    scenario
        .answers
        .parse(&program, r#"intune.is_compliant=[false, true]"#)
        .expect("a sequence");
    scenario
        .answers
        .parse(
            &program,
            r#"intune.device={"id": "d-9", "name": "ANA-LAPTOP"}"#,
        )
        .expect("a Device");
    let named = run(&scenario).await;
    assert!(
        named
            .to_string()
            .contains("intune.sync(device: ANA-LAPTOP)"),
        "{named}"
    );
    assert!(named.assumed.is_empty());
}

#[tokio::test]
async fn wrong_answers_and_causes_are_refused() {
    let program = program(lost_device());
    let refused = |text: &str| {
        Answers::new()
            .parse(&program, text)
            .expect_err("refused")
            .to_string()
    };
    assert_eq!(
        refused("intune.is_compliant=perhaps"),
        "the answer for `intune.is_compliant` does not fit: answer: expected true or false, found the text \"perhaps\""
    );
    assert_eq!(
        refused("entra.is_compliant=true"),
        "there is no query or action `entra.is_compliant`; did you mean `intune.is_compliant`?"
    );
    assert!(refused("nothing").contains("name=value"));
    let mut given = Answers::new();
    given.add("intune.nothing", Answer::Value(Value::Absent));
    let unknown = Scenario {
        answers: given,
        ..lost(People::default())
    };
    assert!(matches!(
        simulate(&unknown).await,
        Err(SimulationError::Answer(_))
    ));
    let other = Scenario {
        cause: Cause::Schedule,
        ..lost(People::default())
    };
    assert_eq!(
        simulate(&other).await.expect_err("refused").to_string(),
        "the playbook `lost_device` is not started by a schedule; it starts by hand (device: intune.Device)"
    );
    let values = BTreeMap::from([("laptop".to_owned(), json!("d-9"))]);
    let misspelt = Scenario {
        cause: Cause::Manual { values, by: None },
        ..lost(People::default())
    };
    assert_eq!(
        simulate(&misspelt).await.expect_err("refused").to_string(),
        "the form has no `laptop`; it has device: intune.Device"
    );
}

#[tokio::test]
async fn a_failing_goal_holds_the_run_and_ends_the_simulation() {
    let mut scenario = lost(People::default());
    let program = scenario.program.clone();
    scenario
        .answers
        .parse(&program, "intune.is_compliant=fails: Intune is down")
        .expect("a failure");
    let held = run(&scenario).await;
    assert_eq!(
        held.runs[0].end,
        SimulationEnd::Held {
            reason: "Intune is down".into()
        }
    );
    assert!(
        held.to_string()
            .contains("a person has to settle it (Intune is down)"),
        "{held}"
    );
}

#[tokio::test]
async fn an_event_starts_one_run_per_element_that_passes() {
    let event = |devices: serde_json::Value| Cause::Raw {
        event: "intune.noncompliant".into(),
        json: json!({"id": "x", "devices": devices}),
    };
    let playbook = program::per_device();
    let devices = json!([
        {"id": "d-1", "name": "ONE"},
        {"id": "d-2", "name": "skip me"},
        {"id": "d-1", "name": "ONE"},
        {"id": "d-3", "name": "THREE"},
    ]);
    let simulation = run(&scenario(
        program(playbook.clone()),
        "per_device",
        event(devices),
    ))
    .await;
    assert_eq!(simulation.runs.len(), 2);
    assert_eq!(
        simulation.not_started,
        [
            "`device.name != \"skip me\"` does not hold for skip me",
            "it repeats intune.Device:d-1, for which a run was just started",
        ]
    );
    insta::assert_snapshot!(simulation.to_string(), @r#"
    run 1 of 2
      +0s       started by intune.noncompliant
      +0s       then
      +0s       intune.sync(device: ONE)  reversible   would be done
      +0s       ended: completed
    run 2 of 2
      +0s       started by intune.noncompliant
      +0s       then
      +0s       intune.sync(device: THREE)  reversible   would be done
      +0s       ended: completed
    not started: `device.name != "skip me"` does not hold for skip me
    not started: it repeats intune.Device:d-1, for which a run was just started
    "#);
    let none = run(&scenario(
        program(playbook.clone()),
        "per_device",
        event(json!([])),
    ))
    .await;
    assert_eq!(none.not_started, ["the list of `for each` is empty"]);
    let invalid = scenario(program(playbook), "per_device", event(json!("?")));
    assert!(matches!(
        simulate(&invalid).await,
        Err(SimulationError::Rejected(_))
    ));
}

#[tokio::test]
async fn a_simulation_is_bounded_and_repeated_questions_are_one_line() {
    let values = BTreeMap::from([("device".to_owned(), json!("d-9"))]);
    let cause = Cause::Manual { values, by: None };
    let scenario = scenario(program(program::impatient()), "impatient", cause);
    let simulation = run(&scenario).await;
    assert_eq!(simulation.runs[0].end, SimulationEnd::TooLong);
    assert_eq!(simulation.transitions, TRANSITIONS_MAX);
    assert_eq!(
        simulation.cut_off().as_deref(),
        Some("the simulation was cut off after 100000 transitions; what comes later is not known")
    );
    insta::assert_snapshot!(simulation.to_string(), @r#"
    assumed: intune.device answers Sample Device
      +0s       started by hand
      +0s       waiting until +60d (2026-03-02T00:00:00Z)
      +0s       ask intune.is_compliant(device: Sample Device)               false (assumed) · 50000 times until +13h 53m
      the simulation ends here: 100000 transitions
    "#);
}

/// Answers queries and would betray any action.
#[derive(Default)]
struct Live(Mutex<Vec<String>>);

impl Connector for Live {
    fn call(&self, request: CallRequest) -> Pin<Box<dyn Future<Output = CallOutcome> + Send + '_>> {
        Box::pin(async move {
            self.0
                .lock()
                .expect("no panic")
                .push(request.callable.to_string());
            match &*request.callable {
                "intune.device" => CallOutcome::Done(program::device("d-9", "LIVE-LAPTOP")),
                _ => CallOutcome::Done(Value::Bool(false)),
            }
        })
    }
}

#[tokio::test]
async fn a_live_connector_is_only_asked() {
    let live = Arc::new(Live::default());
    let scenario = Scenario {
        live: Some(live.clone()),
        ..lost(People::default())
    };
    let simulation = run(&scenario).await;
    assert!(
        simulation.to_string().contains("LIVE-LAPTOP"),
        "{simulation}"
    );
    assert!(simulation.runs[0].assumed.is_empty());
    let asked = live.0.lock().expect("no panic").clone();
    assert!(asked.contains(&"intune.device".to_owned()));
    assert!(
        !asked
            .iter()
            .any(|name| name == "intune.sync" || name == "intune.wipe"),
        "{asked:?}"
    );
}
