//! An answer is lost of what must not be done twice: Intune says whether it was asked for, and only what it was not is sent
//! again. The library's actions, the real engine and the sandbox.

use counterplay_machine::state::{Outcome, Status};
use counterplay_runtime::store::{AuditFilter, RunDetail};
use counterplay_runtime::timeline::{self, Reading};
use counterplay_sandbox::{DeviceActionResult, Fault, FaultKind};
use counterplay_tests::{Bench, project};
use serde_json::json;

/// 20 November 2026, 08:00 UTC.
const NOW_MS: i64 = 1_795_161_600_000;
const DEVICE: &str = "b48d2f60-91c7-4e35-a0d2-6e1f5a7c2001";

fn source(action: &str) -> String {
    format!(
        "use microsoft.intune\n\nplaybook probe \"Probe\" {{\n  when manual(device: Device)\n  then {{\n    \
         without approval because \"this is a test\" {{ intune.{action}(device) }}\n  }}\n}}\n"
    )
}

/// The run of an action whose first attempt meets a fault.
async fn run(action: &str, fault: FaultKind, more: impl FnOnce(&Bench)) -> (Bench, RunDetail) {
    let bench = Bench::of(project(&source(action)), NOW_MS).await;
    let path = format!("/{action}");
    bench.sandbox.inject(Fault::new(path, fault).on("POST"));
    more(&bench);
    bench.start("probe", json!({ "device": DEVICE })).await;
    bench.settle().await;
    let run = bench.runs().await.remove(0);
    (bench, run)
}

fn posts(bench: &Bench, action: &str) -> usize {
    let requests = bench.sandbox.requests();
    let sent = requests
        .iter()
        .filter(|r| r.method == "POST" && r.path.ends_with(action));
    sent.count()
}

fn asked(bench: &Bench, action: &str) -> usize {
    let state = bench.sandbox.state();
    let results = &state.devices[DEVICE].device_action_results;
    results.iter().filter(|r| r.action_name == action).count()
}

#[tokio::test]
async fn what_was_done_is_found_and_not_sent_again() {
    for action in ["wipe", "retire"] {
        // The device has not checked in: all that there is to see is that it was asked for.
        let (bench, run) = run(action, FaultKind::DropAfter, |bench| {
            bench
                .sandbox
                .update(|tenant| tenant.device_action_reads = 100);
        })
        .await;
        assert_eq!(
            run.run.outcome,
            Some(Outcome::Completed),
            "{:?}",
            run.journal
        );
        assert_eq!(
            (posts(&bench, action), asked(&bench, action)),
            (1, 1),
            "{action}"
        );
    }
}

#[tokio::test]
async fn what_was_not_done_is_sent_again() {
    for action in ["wipe", "retire"] {
        // The same was asked for before, by somebody else: that does not count.
        let (bench, run) = run(action, FaultKind::DropConnection, |bench| {
            bench.sandbox.update(|tenant| {
                let device = tenant.devices.get_mut(DEVICE).expect("a device");
                let long_ago = device.enrolled_date_time;
                device.device_action_results.push(DeviceActionResult {
                    action_name: action.to_owned(),
                    action_state: "canceled".to_owned(),
                    start_date_time: long_ago,
                    last_updated_date_time: long_ago,
                    reads_left: 0,
                });
            });
        })
        .await;
        assert_eq!(
            run.run.outcome,
            Some(Outcome::Completed),
            "{:?}",
            run.journal
        );
        assert_eq!(
            (posts(&bench, action), asked(&bench, action)),
            (2, 2),
            "{action}"
        );
    }
}

#[tokio::test]
async fn where_nobody_can_say_it_is_a_persons_to_settle() {
    let refused = FaultKind::Status {
        status: 403,
        code: "Forbidden".into(),
        message: "The application may not read devices.".into(),
    };
    let (bench, run) = run("wipe", FaultKind::DropAfter, |bench| {
        let look = Fault::new("deviceActionResults", refused).on("GET");
        bench.sandbox.inject(look.times(10));
    })
    .await;
    assert_eq!(run.run.status(), Status::Held, "{:?}", run.journal);
    assert_eq!((posts(&bench, "wipe"), asked(&bench, "wipe")), (1, 1));
}

/// A playbook that wipes, and waits for what comes of that.
const FOLLOWED: &str = r#"use microsoft.intune

playbook probe "Probe" {
  when manual(device: Device)
  then {
    without approval because "this is a test" { intune.wipe(device) }
    wait until (intune.outcome(device, what: "wipe", since: run.started) ?? done) not in [none, pending, active],
        at most 7d, checking every 1h {
      met {
        let became = intune.outcome(device, what: "wipe", since: run.started) ?? done
        end run "{became}"
      }
      timed_out { end run "never" }
    }
  }
}
"#;

async fn pass(bench: &Bench, ms: i64) {
    bench.wait_until(bench.now_ms() + ms).await;
}

fn end(run: &RunDetail) -> Option<String> {
    match &run.run.outcome {
        Some(Outcome::Stopped { why }) => why.clone(),
        other => panic!("{other:?}: {:?}", run.journal),
    }
}

/// Starts it while the device is off.
async fn followed() -> Bench {
    let bench = Bench::of(project(FOLLOWED), NOW_MS).await;
    bench
        .sandbox
        .update(|tenant| tenant.device_action_reads = 100_000);
    bench.start("probe", json!({ "device": DEVICE })).await;
    bench.settle().await;
    bench
}

#[tokio::test]
async fn what_was_only_accepted_is_not_called_done() {
    let bench = followed().await;
    let run = bench.runs().await.remove(0);
    let lines = timeline::lines(&run.journal, &Reading::default());
    let wipe = lines
        .iter()
        .find(|line| line.text.starts_with("intune.wipe"));
    let said = wipe
        .and_then(|line| line.result.clone())
        .unwrap_or_default();
    assert!(
        said.starts_with("accepted: the device carries it out when it next checks in"),
        "{said}"
    );
    let audit = bench.engine.store().audit(AuditFilter::default()).await;
    let audit = audit.expect("readable").items;
    let record = audit.iter().find(|r| r.action == "action.performed");
    assert_eq!(
        record.expect("on record").detail["accepted"],
        "the device carries it out when it next checks in"
    );
    assert_eq!(run.run.outcome, None, "it waits for the device");
}

#[tokio::test]
async fn what_came_of_it_is_told() {
    for (state, told) in [
        ("done", "done"),
        ("failed", "failed"),
        ("notSupported", "not_supported"),
        ("canceled", "canceled"),
    ] {
        let bench = followed().await;
        bench.sandbox.update(|tenant| {
            let device = tenant.devices.get_mut(DEVICE).expect("a device");
            let result = device.device_action_results.last_mut().expect("asked");
            result.action_state = state.to_owned();
        });
        pass(&bench, 2 * 3_600_000).await;
        assert_eq!(end(&bench.runs().await[0]).as_deref(), Some(told));
    }
}

#[tokio::test]
async fn a_device_that_is_gone_was_wiped_and_one_that_stays_off_was_not() {
    let bench = followed().await;
    bench.sandbox.update(|tenant| {
        tenant.devices.remove(DEVICE);
    });
    pass(&bench, 2 * 3_600_000).await;
    assert_eq!(end(&bench.runs().await[0]).as_deref(), Some("done"));

    let bench = followed().await;
    pass(&bench, 8 * 86_400_000).await;
    assert_eq!(end(&bench.runs().await[0]).as_deref(), Some("never"));
}
