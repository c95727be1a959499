//! What playbooks do, step by step: each construct compiled, run on a virtual clock, and read as a timeline.

use counterplay_runtime::simulate::{
    Answers, Cause, People, Scenario, Scripted, Simulation, When, simulate,
};
use std::collections::BTreeMap;

/// 1 March 2026, 08:00 UTC.
const START_MS: i64 = 1_772_352_000_000;

const DEVICE: &str = r#"{ "id": "d-1", "name": "LT-1", "platform": "windows" }"#;
const USER: &str = r#"{ "id": "u-1", "name": "Ana Lopez", "email": "ana.lopez@example.org", "principal": null, "kind": "Member" }"#;

struct Case {
    source: String,
    answers: Vec<&'static str>,
    people: People,
}

/// A playbook that a person starts with a user and a device.
fn playbook(lines: &str) -> Case {
    Case {
        source: format!(
            "use microsoft.(intune, entra)\nuse notify, ticket\n\nplaybook p \"P\" {{\n  when manual(user: User, device: Device)\n{lines}\n}}\n"
        ),
        answers: Vec::new(),
        people: People::default(),
    }
}

impl Case {
    fn answer(mut self, answer: &'static str) -> Case {
        self.answers.push(answer);
        self
    }

    fn people(mut self, people: People) -> Case {
        self.people = people;
        self
    }

    fn run(self) -> String {
        let (program, deployment) = counterplay_tests::project(&self.source);
        let mut answers = Answers::new();
        for answer in self.answers {
            answers
                .parse(&program, answer)
                .unwrap_or_else(|e| panic!("{answer}: {e}"));
        }
        let tenant = counterplay_machine::eval::TenantFacts {
            name: "contoso".into(),
            id: "contoso".into(),
            zone: "UTC".into(),
            domains: vec!["example.org".into()],
            ..Default::default()
        };
        let values = BTreeMap::from([
            ("user".to_owned(), serde_json::from_str(USER).expect("JSON")),
            (
                "device".to_owned(),
                serde_json::from_str(DEVICE).expect("JSON"),
            ),
        ]);
        let scenario = Scenario {
            program,
            deployment,
            tenant,
            playbook: "p".into(),
            cause: Cause::Manual {
                values,
                by: Some("finn@example.org".into()),
            },
            at_ms: START_MS,
            answers,
            people: self.people,
            later: Vec::new(),
            live: None,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let simulation: Simulation = runtime
            .block_on(simulate(&scenario))
            .unwrap_or_else(|e| panic!("{e}"));
        let lines: String = self
            .source
            .lines()
            .skip(4)
            .map(|l| format!("{l}\n"))
            .collect();
        format!("{lines}---\n{simulation}")
    }
}

macro_rules! cases {
    ($($name:ident: $case:expr;)*) => {
        $(
            #[test]
            fn $name() {
                insta::assert_snapshot!(stringify!($name), $case.run());
            }
        )*
    };
}

cases! {
    a_failed_action_fails_the_run: playbook("  then {\n    intune.sync(device)\n    notify.teams(team.soc, \"never said\")\n  }")
        .answer("intune.sync=fails: the service answered 503");
    attempt_goes_on: playbook("  then {\n    attempt intune.sync(device)\n    notify.teams(team.soc, \"said all the same\")\n  }")
        .answer("intune.sync=fails: the service answered 503");
    attempt_each_skips_what_needs_the_failed: playbook("  then {\n    attempt each {\n      entra.block_sign_in(user)\n      entra.revoke_sessions(user)\n      intune.sync(device)\n    }\n  }")
        .answer("entra.block_sign_in=fails: there is no such user");
    a_text_matches_a_pattern: playbook("  then {\n    if device.name matches r\"^LT-[0-9]+$\" { notify.teams(team.soc, \"a laptop\") } else { notify.teams(team.soc, \"something else\") }\n    if device.name matches r\"^[0-9]+$\" { notify.teams(team.soc, \"never said\") }\n  }");
    waits_for_the_clock: playbook("  then {\n    wait until 09:00\n    notify.teams(team.soc, \"at nine\")\n    wait until 09:00\n    notify.teams(team.soc, \"at nine the next day\")\n  }\n  wait until 07:30\n  then { notify.teams(team.soc, \"early\") }");
    waits_for_a_time: playbook("  then {\n    let soon = 2h from now\n    wait until soon\n    notify.teams(team.soc, \"two hours later\")\n    wait until run.started\n    notify.teams(team.soc, \"what is past is not waited for\")\n    wait until 500d from now\n    notify.teams(team.soc, \"never said\")\n  }");
    a_failed_arm_knows_why: playbook("  then {\n    intune.sync(device) {\n      done   { notify.teams(team.soc, \"synced\") }\n      failed { notify.teams(team.soc, \"not synced: {failure.reason}\") }\n    }\n    notify.teams(team.soc, \"went on\")\n  }")
        .answer("intune.sync=fails: the device is away");
    on_failure_runs_once_and_the_run_stays_failed: playbook("  then {\n    intune.sync(device)\n  }\n  on failure {\n    notify.teams(team.soc, \"the playbook failed\")\n  }")
        .answer("intune.sync=fails: the device is away");
    parallel_branches_share_what_they_bind: playbook("  then {\n    in parallel {\n      let manager = entra.manager(user)\n      let devices = intune.devices_of(user)\n      then {\n        intune.sync(device)\n        wait 10m\n        intune.sync(device)\n      }\n    }\n    notify.teams(team.soc, \"{length(devices)} devices, a manager: {manager is present}\")\n  }")
        .answer("intune.devices_of=[]");
    a_failure_in_a_branch_waits_for_the_others: playbook("  then {\n    in parallel {\n      intune.sync(device)\n      then {\n        wait 1h\n        notify.teams(team.soc, \"this branch ends first\")\n      }\n    }\n    notify.teams(team.soc, \"never said\")\n  }")
        .answer("intune.sync=fails: the device is away");
    end_run_in_a_branch_waits_for_the_others: playbook("  then {\n    in parallel {\n      if not intune.is_compliant(device) { end run \"enough\" }\n      then {\n        wait 1h\n        notify.teams(team.soc, \"this branch ends first\")\n      }\n    }\n    notify.teams(team.soc, \"never said\")\n  }");
    a_loop_lets_the_other_elements_finish: playbook("  then {\n    for each d in intune.devices_of(user) {\n      intune.sync(d)\n    }\n    notify.teams(team.soc, \"never said\")\n  }")
        .answer("intune.devices_of=[{\"id\":\"a\",\"name\":\"A\",\"platform\":\"iOS\"},{\"id\":\"b\",\"name\":\"B\",\"platform\":\"iOS\"}]")
        .answer("intune.sync=fails: away")
        .answer("intune.sync=null");
    a_loop_refuses_a_list_that_is_too_long: playbook("  then {\n    for each d in intune.devices_of(user), refuse more than 1 {\n      intune.sync(d)\n    }\n  }")
        .answer("intune.devices_of=[{\"id\":\"a\",\"name\":\"A\",\"platform\":\"iOS\"},{\"id\":\"b\",\"name\":\"B\",\"platform\":\"iOS\"}]");
    a_loop_over_nothing_goes_on: playbook("  then {\n    for each d in intune.devices_of(user) {\n      intune.sync(d)\n    }\n    notify.teams(team.soc, \"went on\")\n  }")
        .answer("intune.devices_of=[]");
    two_leads_open_the_wipe: playbook("  then {\n    approve \"Wipe {device.name}?\" about device, by team.leads, needs 2, within 4h\n    intune.wipe(device)\n    notify.teams(team.soc, \"wiped, approved by {approval.by}\")\n  }")
        .people(People::Script(vec![
            Scripted { by: "finn@example.org".into(), approve: true, answer: None, when: When::AfterAsked(60_000) },
            Scripted { by: "dana@example.org".into(), approve: true, answer: None, when: When::AfterAsked(120_000) },
            Scripted { by: "dana@example.org".into(), approve: true, answer: None, when: When::AfterAsked(180_000) },
            Scripted { by: "mallory@example.org".into(), approve: true, answer: None, when: When::AfterAsked(240_000) },
            Scripted { by: "ELI@example.org".into(), approve: true, answer: None, when: When::AfterAsked(300_000) },
        ]));
    one_rejection_ends_it: playbook("  then {\n    approve \"Wipe {device.name}?\" about device, by team.leads, needs 2, within 4h\n    intune.wipe(device)\n  }")
        .people(People::Reject { after_ms: 60_000 });
    nobody_answers: playbook("  then {\n    approve \"Wipe {device.name}?\" about device, by team.leads, within 4h {\n      approved   { intune.wipe(device) }\n      unanswered { notify.teams(team.soc, \"nobody answered\") }\n    }\n  }")
        .people(People::Unanswered);
    a_wait_is_part_of_the_timeline: playbook("  then {\n    wait 1m\n    intune.sync(device)\n  }");
    levels_count_from_the_start: playbook("  then {\n    wait 30m\n    notify.teams(team.soc, \"first\")\n  }\n  escalate after 1h { notify.teams(team.soc, \"second\") }\n  escalate after 2h unless intune.is_compliant(device) { notify.teams(team.soc, \"third\") }\n  escalate after 3h { notify.teams(team.soc, \"fourth\") }")
        .answer("intune.is_compliant=true");
    a_level_that_is_overdue_goes_on_at_once: playbook("  then {\n    wait until intune.is_compliant(device), at most 5h, checking every 2h\n  }\n  escalate after 1h { notify.teams(team.soc, \"late\") }")
        .answer("intune.is_compliant=false");
    the_goal_ends_the_run: playbook("  resolved when intune.is_compliant(device)\n  then { notify.teams(team.soc, \"please restart\") }\n  escalate after 4h { intune.sync(device) }\n  escalate after 24h { entra.block_sign_in(user) }")
        .answer("intune.is_compliant=false")
        .answer("intune.is_compliant=true");
    the_goal_is_looked_at_in_between: playbook("  resolved when intune.is_compliant(device), checking every 15m\n  then { notify.teams(team.soc, \"please restart\") }\n  escalate after 4h { intune.sync(device) }")
        .answer("intune.is_compliant=false")
        .answer("intune.is_compliant=false")
        .answer("intune.is_compliant=false")
        .answer("intune.is_compliant=true");
    the_goal_is_looked_at_before_silence_acts: playbook("  resolved when intune.is_compliant(device)\n  then {\n    approve \"Wipe?\" about device, by team.soc, within 1h {\n      unanswered { notify.teams(team.soc, \"nobody answered\") }\n    }\n  }")
        .answer("intune.is_compliant=false")
        .answer("intune.is_compliant=true")
        .people(People::Unanswered);
    the_goal_is_looked_at_before_the_end_of_a_wait_acts: playbook("  resolved when intune.is_compliant(device)\n  then {\n    wait until user.kind == guest, at most 1h, checking every 1h {\n      timed_out { notify.teams(team.soc, \"no guest\") }\n    }\n  }")
        .answer("intune.is_compliant=false")
        .answer("intune.is_compliant=true");
    a_question_that_fails_holds_and_never_escalates: playbook("  then { notify.teams(team.soc, \"please restart\") }\n  escalate after 4h unless intune.is_compliant(device) { entra.block_sign_in(user) }")
        .answer("intune.is_compliant=fails: the service answered 503");
    waiting_until_it_is_so: playbook("  then {\n    wait until intune.is_compliant(device), at most 1h, checking every 20m {\n      met       { notify.teams(team.soc, \"compliant\") }\n      timed_out { notify.teams(team.soc, \"still not\") }\n    }\n  }")
        .answer("intune.is_compliant=false")
        .answer("intune.is_compliant=false")
        .answer("intune.is_compliant=true");
    waiting_until_the_time_is_up: playbook("  then {\n    wait until intune.is_compliant(device), at most 1h, checking every 20m {\n      met       { notify.teams(team.soc, \"compliant\") }\n      timed_out { notify.teams(team.soc, \"still not\") }\n    }\n  }")
        .answer("intune.is_compliant=false");
    a_question_is_not_asked_where_its_answer_does_not_matter: playbook("  then {\n    if user.kind == guest and intune.is_compliant(device) {\n      notify.teams(team.soc, \"never said\")\n    } else {\n      notify.teams(team.soc, \"not a guest\")\n    }\n  }");
    attempt_with_a_done_arm_goes_on: playbook("  then {\n    attempt intune.sync(device) {\n      done { notify.teams(team.soc, \"synced\") }\n    }\n    notify.teams(team.soc, \"went on\")\n  }")
        .answer("intune.sync=fails: the device is away");
    a_skipped_step_takes_its_failed_arm: playbook("  then {\n    attempt each {\n      entra.block_sign_in(user)\n      entra.revoke_sessions(user) {\n        failed { notify.teams(team.soc, \"not revoked: {failure.reason}\") }\n      }\n    }\n  }")
        .answer("entra.block_sign_in=fails: there is no such user");
    an_approval_in_a_branch_opens_what_follows: playbook("  then {\n    in parallel {\n      approve \"Wipe?\" about device, by team.soc\n      notify.teams(team.soc, \"somebody is asked\")\n    }\n    for each n in [1] {\n      intune.wipe(device)\n    }\n  }");
    an_approval_of_a_list_opens_each_element: playbook("  then {\n    let all = intune.devices_of(user)\n    approve \"Wipe all?\" about all, by team.soc\n    for each d in all, 2 at a time {\n      intune.wipe(d)\n    }\n  }")
        .answer("intune.devices_of=[{\"id\":\"a\",\"name\":\"A\",\"platform\":\"iOS\"},{\"id\":\"b\",\"name\":\"B\",\"platform\":\"iOS\"}]");
    each_element_asks_for_itself: playbook("  then {\n    for each d in intune.devices_of(user) {\n      approve \"Wipe {d.name}?\" about d, by team.soc, within 1h {\n        approved { intune.wipe(d) }\n        unanswered { notify.teams(team.soc, \"kept {d.name}\") }\n      }\n    }\n  }")
        .answer("intune.devices_of=[{\"id\":\"a\",\"name\":\"A\",\"platform\":\"iOS\"},{\"id\":\"b\",\"name\":\"B\",\"platform\":\"iOS\"}]");
    an_answer_chooses_its_arm: playbook("  then {\n    ask \"Was this you?\" to user, within 1h {\n      \"This was me\" { end run \"benign\" }\n      \"Not me\", \"Unsure\" { notify.teams(team.soc, \"not {user.name}\") }\n      unanswered { notify.teams(team.soc, \"no answer\") }\n    }\n    notify.teams(team.soc, \"went on\")\n  }")
        .people(People::Script(vec![
            Scripted { by: "mallory@example.org".into(), approve: true, answer: Some("This was me".into()), when: When::AfterAsked(60_000) },
            Scripted { by: "Ana.Lopez@example.org".into(), approve: true, answer: Some("Perhaps".into()), when: When::AfterAsked(120_000) },
            Scripted { by: "Ana.Lopez@example.org".into(), approve: true, answer: Some("Unsure".into()), when: When::AfterAsked(180_000) },
        ]));
    silence_is_an_answer_of_its_own: playbook("  then {\n    ask \"Was this you?\" to user, within 1h {\n      \"This was me\" { end run \"benign\" }\n    }\n    notify.teams(team.soc, \"nobody said so\")\n  }")
        .people(People::Unanswered);
    an_undo_takes_back_what_was_done: playbook("  then {\n    entra.block_sign_in(user)\n    undo entra.block_sign_in(user)\n  }");
    an_undo_of_what_failed_is_skipped: playbook("  then {\n    attempt entra.block_sign_in(user)\n    undo entra.block_sign_in(user)\n    notify.teams(team.soc, \"went on\")\n  }")
        .answer("entra.block_sign_in=fails: no such user");
    on_failure_undoes_what_was_done: playbook("  then {\n    entra.block_sign_in(user)\n    intune.sync(device)\n  }\n  on failure {\n    undo entra.block_sign_in(user)\n  }")
        .answer("intune.sync=fails: the device is away");
    an_undo_finds_what_a_loop_did: playbook("  then {\n    for each d in [device] { entra.block_sign_in(user) }\n    undo entra.block_sign_in(user)\n  }");
    on_failure_undoes_what_a_loop_did: playbook("  then {\n    for each d in [device] { entra.block_sign_in(user) }\n    intune.sync(device)\n  }\n  on failure {\n    undo entra.block_sign_in(user)\n  }")
        .answer("intune.sync=fails: the device is away");
    a_loop_undoes_what_another_loop_did: playbook("  then {\n    let us = [user, User(id: \"u-2\", name: \"Bo\", kind: member)]\n    for each u in us {\n      if u.id == \"u-2\" { entra.block_sign_in(u) }\n    }\n    for each u in us { undo entra.block_sign_in(u) }\n  }");
    each_step_is_attempted_whatever_failed: playbook("  then {\n    attempt each {\n      if intune.is_compliant(device) { intune.sync(device) }\n      notify.email(entra.manager(user) ?? user, subject: \"s\", body: \"b\")\n      for each d in [device, device], refuse more than 1 { intune.sync(d) }\n      for each d in [device] {\n        if intune.is_compliant(d) { intune.sync(d) }\n        notify.teams(team.soc, \"looked at {d.name}\")\n      }\n      in parallel {\n        if intune.is_compliant(device) { intune.sync(device) }\n        notify.teams(team.soc, \"beside\")\n      }\n      entra.block_sign_in(user)\n    }\n    notify.teams(team.soc, \"went on\")\n  }")
        .answer("intune.is_compliant=fails: the service answered 503")
        .answer("entra.manager=fails: the service answered 503");
    what_needs_a_failed_answer_is_skipped: playbook("  then {\n    attempt each {\n      let devices = intune.devices_of(user)\n      let some = list(d for d in devices where d.platform == windows)\n      for each d in some { intune.sync(d) }\n      notify.teams(team.soc, \"{length(devices)} devices\")\n      if length(devices) > 3 { notify.teams(team.soc, \"many\") }\n      entra.block_sign_in(user)\n    }\n  }")
        .answer("intune.devices_of=fails: the service answered 503");
    an_attempt_passes_over_a_question_in_its_arguments: playbook("  then {\n    attempt notify.email(entra.manager(user) ?? user, subject: \"s\", body: \"b\")\n    notify.teams(team.soc, \"went on\")\n  }")
        .answer("entra.manager=fails: the service answered 503");
    an_approval_that_cannot_be_asked_ends_an_attempt: playbook("  then {\n    attempt each {\n      let manager = entra.manager(user) ?? user\n      approve \"Block?\" about user, by manager\n      entra.block_sign_in(user)\n    }\n  }")
        .answer("entra.manager=fails: the service answered 503");
    a_question_for_an_approval_that_fails_ends_an_attempt: playbook("  then {\n    attempt each {\n      if user.kind == member {\n        approve \"Block?\" about user, by entra.manager(user) ?? user\n      }\n      entra.block_sign_in(user)\n    }\n  }")
        .answer("entra.manager=fails: the service answered 503");
    an_event_that_does_not_come: playbook("  then {\n    wait for intune.noncompliant as later where later.device.id == device.id, at most 2h {\n      came { notify.teams(team.soc, \"again: {later.device.name}\") }\n      timed_out { notify.teams(team.soc, \"not again\") }\n    }\n  }");
    steps_so_far: playbook("  then {\n    attempt intune.sync(device)\n    entra.block_sign_in(user)\n    notify.teams(team.soc, join(list(\"{s.name}: {s.outcome} {s.reason ?? \"\"}\" for s in run.steps), \"; \"))\n  }")
        .answer("intune.sync=fails: the device is away");
    the_time_of_day: playbook("  then {\n    if time_of_day(now) >= 08:00 and time_of_day(now) < 18:00 { notify.teams(team.soc, \"at work\") } else { notify.teams(team.soc, \"at night\") }\n    wait 12h\n    if time_of_day(now) >= 08:00 and time_of_day(now) < 18:00 { notify.teams(team.soc, \"never said\") } else { notify.teams(team.soc, \"at night\") }\n  }");
    waits_for_a_time_that_is_worked_out: playbook("  then {\n    wait until run.started + 4h\n    intune.sync(device)\n  }\n  wait until run.started + 8h\n  then { intune.sync(device) }");
    match_of_a_condition: playbook("  then {\n    match user.kind == member {\n      true  { notify.teams(team.soc, \"a member\") }\n      false { notify.teams(team.soc, \"somebody else\") }\n    }\n  }");
    match_takes_one_case: playbook("  then {\n    match device.platform {\n      ios, macos { notify.teams(team.soc, \"Apple\") }\n      windows    { notify.teams(team.soc, \"Windows\") }\n      else       { notify.teams(team.soc, \"something else\") }\n    }\n  }");
}

/// Guards hold in every playbook: what they protect is left alone, and what is beyond a budget is asked for.
#[test]
fn guards_block_and_ask() {
    let case = Case {
        source: "use microsoft.(intune, entra)\nuse notify\nguard \"never the boss\" {\n  protect u: User where u.id == \"boss\"\n}\nguard \"one sync an hour\" {\n  limit intune.sync to 1 per 1h per tenant, beyond that approve by team.soc within 30m\n}\nplaybook p \"P\" {\n  when manual(user: User, device: Device)\n  then {\n    attempt entra.block_sign_in(User(id: \"boss\", name: \"The boss\", kind: member))\n    notify.email(user, subject: \"hello\", body: \"messages are free\")\n    intune.sync(device)\n    intune.sync(device)\n    wait 2h\n    intune.sync(device)\n  }\n}\n".into(),
        answers: Vec::new(),
        people: People::Script(vec![Scripted {
            by: "ana@example.org".into(),
            approve: true,
            answer: None,
            when: When::AfterAsked(60_000),
        }]),
    };
    insta::assert_snapshot!(case.run());
    let silent = Case {
        source: "use microsoft.(intune, entra)\nuse notify\nguard \"one sync an hour\" {\n  limit intune.sync to 1 per 1h, beyond that approve by team.soc within 30m\n}\nguard \"one block an hour\" {\n  limit entra.block_sign_in to 1 per 1h\n}\nplaybook p \"P\" {\n  when manual(user: User, device: Device)\n  then {\n    entra.block_sign_in(user)\n    attempt entra.block_sign_in(user)\n    intune.sync(device)\n    intune.sync(device)\n  }\n}\n".into(),
        answers: Vec::new(),
        people: People::Unanswered,
    };
    insta::assert_snapshot!("guards_block_without_an_answer", silent.run());
}

/// The list of a trigger's `for each` knows what the form asks for.
#[test]
fn a_start_by_hand_goes_through_a_list() {
    let case = Case {
        source: "use microsoft.intune\nuse notify\nplaybook p \"P\" {\n  when manual(user: User, device: Device), for each d in intune.devices_of(user)\n  if d.id != device.id\n  then {\n    notify.teams(team.soc, \"{user.name} has {d.name}, too\")\n  }\n}\n".into(),
        answers: vec![
            "intune.devices_of=[{\"id\":\"d-1\",\"name\":\"LT-1\",\"platform\":\"iOS\"},{\"id\":\"b\",\"name\":\"B\",\"platform\":\"iOS\"}]",
        ],
        people: People::default(),
    };
    insta::assert_snapshot!(case.run());
}

/// An event of our own carries what it was given.
#[test]
fn an_event_is_raised() {
    let case = Case {
        source: "use microsoft.intune\nevent gone {\n  source: emit\n  field device: Device = raw.device\n  field why: Text = raw.why\n  field after: Duration = raw.after\n}\nplaybook p \"P\" {\n  when manual(user: User, device: Device)\n  then {\n    emit gone(device: device, why: \"lost by {user.name}\", after: 90m)\n  }\n}\n".into(),
        answers: Vec::new(),
        people: People::default(),
    };
    insta::assert_snapshot!(case.run());
}

/// What `steps` bind and return belongs to their caller, and where they wait the caller's goal counts.
#[test]
fn steps_are_put_in_place_of_their_call() {
    let case = Case {
        source: "use microsoft.(intune, entra)\nuse notify\nsteps first_device(user: User) -> Device? {\n  let devices = intune.devices_of(user)\n  for each d in devices {\n    intune.sync(d)\n  }\n  wait 1h\n  return first(d in devices)\n}\nplaybook p \"P\" {\n  when manual(user: User, device: Device)\n  resolved when intune.is_compliant(device)\n  then {\n    let found = first_device(user)\n    if found is present {\n      notify.teams(team.soc, \"first of {user.name}: {found.name}\")\n    }\n  }\n}\n".into(),
        answers: vec![
            "intune.is_compliant=false",
            "intune.devices_of=[{\"id\":\"a\",\"name\":\"A\",\"platform\":\"iOS\"}]",
        ],
        people: People::default(),
    };
    insta::assert_snapshot!(case.run());
}

/// Steps that end without `return` have an absent result.
#[test]
fn steps_without_a_result_give_an_absent_one() {
    let case = Case {
        source: "use microsoft.(intune, entra)\nuse notify\nsteps verdict(device: Device) -> Text? {\n  if intune.is_compliant(device) {\n    return \"fine\"\n  }\n}\nplaybook p \"P\" {\n  when manual(user: User, device: Device)\n  then {\n    let found = verdict(device)\n    if found is present {\n      notify.teams(team.soc, found)\n    } else {\n      notify.teams(team.soc, \"nothing found\")\n    }\n  }\n}\n".into(),
        answers: vec!["intune.is_compliant=false"],
        people: People::default(),
    };
    insta::assert_snapshot!(case.run());
}
