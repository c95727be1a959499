//! What is said of every run of a playbook, held against a reckoning over its source.

use counterplay_compiler::prove::{Actions, Held, Kind, Proof, prove, refuted};
use counterplay_compiler::workspace::{Source, Workspace};
use counterplay_machine::deployment::Deployment;
use counterplay_machine::playbook::{Edge, NodeKind};
use proptest::prelude::*;

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
/// A question to Graph or an action of it: the attempt that meets the first trouble, ten minutes, and an attempt that
/// begins just before their end. An attempt may have to sign in, twice.
const GRAPH: i64 = 2 * MINUTE + 10 * MINUTE + 2 * MINUTE;
/// A message to Teams, which is tried again for five minutes.
const TEAMS: i64 = 20 * SECOND + 5 * MINUTE + 20 * SECOND;

fn proofs(text: &str) -> Vec<Proof> {
    // Only what is declared may be set up.
    let lamp = text.contains("connection lamp");
    let config = format!("{CONFIG}{}", if lamp { "[connections.lamp]\n" } else { "" });
    let workspace = Workspace::new(
        vec![Source {
            path: "case.play".into(),
            module: "case".into(),
            text: text.into(),
        }],
        Some(("counterplay.toml".into(), config)),
    );
    let compiled = workspace.compile();
    assert!(
        compiled.diagnostics.is_empty(),
        "{text}\n{}",
        workspace.render(&compiled.diagnostics, false)
    );
    let program = &compiled.program;
    let refuted = refuted(&workspace);
    let deployment = compiled
        .file
        .as_ref()
        .map(|f| f.deployment.clone())
        .unwrap_or_default();
    program
        .playbooks
        .values()
        .map(|p| {
            prove(
                program,
                &deployment,
                p,
                refuted.get(&p.id).cloned().unwrap_or_default(),
            )
        })
        .collect()
}

const CONFIG: &str = r#"
[project]
name = "Test"

[teams.soc]
members = ["ana@example.org", "bo@example.org"]
teams_webhook = "soc"

[connections.graph]
[connections.teams]
[connections.mail]
"#;

fn proof(stages: &str) -> Proof {
    let text = format!(
        "use microsoft.(intune, entra)\nuse notify\n\nplaybook p \"P\" {{\n  when manual(user: User, device: Device)\n\n{stages}\n}}\n"
    );
    proofs(&text).remove(0)
}

/// Steps, of which a source and a reckoning are made.
#[derive(Clone, Debug)]
enum Tree {
    Tell,
    Sync,
    Lock,
    Wait(i64),
    If(Vec<Tree>, Vec<Tree>),
    Parallel(Vec<Vec<Tree>>),
    Each(u64, Vec<Tree>),
    Until(i64, Vec<Tree>, Vec<Tree>),
    Approve(i64, Vec<Tree>, Vec<Tree>),
}

fn trees() -> impl Strategy<Value = Vec<Tree>> {
    let leaf = prop_oneof![
        Just(Tree::Tell),
        Just(Tree::Sync),
        Just(Tree::Lock),
        (1..90_i64).prop_map(Tree::Wait),
    ];
    let tree = leaf.prop_recursive(4, 40, 4, |inner| {
        let some = || prop::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            (some(), some()).prop_map(|(a, b)| Tree::If(a, b)),
            prop::collection::vec(some(), 1..4).prop_map(Tree::Parallel),
            (1..9_u64, some()).prop_map(|(n, body)| Tree::Each(n, body)),
            (1..9_i64, some(), some()).prop_map(|(h, a, b)| Tree::Until(h, a, b)),
            (1..9_i64, some(), some()).prop_map(|(h, a, b)| Tree::Approve(h, a, b)),
        ]
    });
    prop::collection::vec(tree, 1..5)
}

fn source(steps: &[Tree], names: &mut u32) -> String {
    let mut text = String::new();
    for step in steps {
        *names += 1;
        let name = *names;
        let mut inner = |steps: &[Tree]| source(steps, names);
        text += &match step {
            Tree::Tell => "notify.teams(team.soc, \"x\")\n".to_owned(),
            Tree::Sync => "intune.sync(device)\n".to_owned(),
            Tree::Lock => {
                "without approval because \"a test\" {\nintune.remote_lock(device)\n}\n".to_owned()
            }
            Tree::Wait(minutes) => format!("wait {minutes}m\n"),
            Tree::If(a, b) => format!(
                "if intune.is_compliant(device) {{\n{}}} else {{\n{}}}\n",
                inner(a),
                inner(b)
            ),
            Tree::Parallel(branches) => {
                let all: String = branches
                    .iter()
                    .map(|b| format!("then {{\n{}}}\n", inner(b)))
                    .collect();
                format!("in parallel {{\n{all}}}\n")
            }
            Tree::Each(n, body) => format!(
                "for each d{name} in devices, refuse more than {n} {{\n{}}}\n",
                inner(body)
            ),
            Tree::Until(hours, met, late) => format!(
                "wait until intune.is_compliant(device), at most {hours}h {{\nmet {{\n{}}}\ntimed_out {{\n{}}}\n}}\n",
                inner(met),
                inner(late)
            ),
            Tree::Approve(hours, yes, no) => format!(
                "approve \"Go on?\" about device, by team.soc, within {hours}h {{\napproved {{\n{}}}\nrejected {{\n{}}}\n}}\n",
                inner(yes),
                inner(no)
            ),
        };
    }
    text
}

/// Of two ways the larger, of branches all, of a loop as many as it takes.
fn reckon(steps: &[Tree]) -> (Actions, i64) {
    let both = |a: &[Tree], b: &[Tree]| {
        let (a, b) = (reckon(a), reckon(b));
        (a.0.max(b.0), a.1.max(b.1))
    };
    let one = |actions: Actions, ms: i64| (actions, ms);
    let mut all = (Actions::default(), 0_i64);
    for step in steps {
        let (actions, ms) = match step {
            Tree::Tell => one(
                Actions {
                    notify: 1,
                    ..Actions::default()
                },
                TEAMS,
            ),
            Tree::Sync => one(
                Actions {
                    reversible: 1,
                    ..Actions::default()
                },
                GRAPH,
            ),
            Tree::Lock => one(
                Actions {
                    disruptive: 1,
                    ..Actions::default()
                },
                GRAPH,
            ),
            Tree::Wait(minutes) => one(Actions::default(), minutes * MINUTE),
            Tree::If(a, b) => {
                let (actions, ms) = both(a, b);
                (actions, ms + GRAPH)
            }
            Tree::Parallel(branches) => branches
                .iter()
                .map(|b| reckon(b))
                .fold((Actions::default(), 0), |all, one| {
                    (all.0 + one.0, all.1.max(one.1))
                }),
            Tree::Each(n, body) => {
                let (actions, ms) = reckon(body);
                (actions * *n, ms * *n as i64)
            }
            Tree::Until(hours, met, late) => {
                let (actions, ms) = both(met, late);
                (actions, ms + hours * HOUR + GRAPH)
            }
            Tree::Approve(hours, yes, no) => {
                let (actions, ms) = both(yes, no);
                (actions, ms + hours * HOUR)
            }
        };
        all = (all.0 + actions, all.1 + ms);
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn numbers_and_times_are_those_of_the_source(steps in trees()) {
        let body = source(&steps, &mut 0);
        let proof = proof(&format!("  then {{\nlet devices = intune.devices_of(user)\n{body}}}"));
        let (actions, ms) = reckon(&steps);
        prop_assert!(proof.ends.proved);
        prop_assert!(proof.holds());
        prop_assert_eq!(proof.actions, actions, "{}", body);
        prop_assert_eq!(proof.longest.ms, ms + GRAPH, "{}", body);
    }
}

#[test]
fn numbers_stop_at_the_largest() {
    let loops = 14;
    let mut body = String::from("intune.sync(device)\n");
    for i in 0..loops {
        body = format!("for each d{i} in devices, refuse more than 100000 {{\n{body}}}\n");
    }
    let proof = proof(&format!(
        "  then {{\nlet devices = intune.devices_of(user)\n{body}}}"
    ));
    assert_eq!(proof.actions.reversible, u64::MAX);
    assert_eq!(proof.actions.all(), u64::MAX);
    assert_eq!(proof.longest.ms, i64::MAX);
    assert!(!proof.holds(), "what cannot be counted is no bound");
}

#[test]
fn levels_count_from_the_start_and_failures_come_last() {
    let proof = proof(
        "  then {\n    wait 1h\n    intune.sync(device)\n  }\n  escalate after 4h { notify.teams(team.soc, \"x\") }\n  escalate after 24h { notify.teams(team.soc, \"x\") }\n  on failure { notify.teams(team.soc, \"failed\") }",
    );
    assert_eq!(proof.longest.ms, 24 * HOUR + 2 * TEAMS);
    assert_eq!(proof.actions.notify, 3);
    assert_eq!(proof.actions.reversible, 1);
}

#[test]
fn a_call_takes_what_the_runtime_gives_it() {
    let longest = |step: &str| proof(&format!("  then {{ {step} }}")).longest.ms;
    // Read back for two minutes, by a question that may begin just before their end.
    assert_eq!(longest("entra.block_sign_in(user)"), GRAPH + 4 * MINUTE);
    // A mail: all before the text, the text, and a second for the good-bye.
    let mail = 2 * 30 * SECOND + SECOND;
    assert_eq!(
        longest("notify.email(team.soc, subject: \"x\", body: \"x\")"),
        mail + 10 * MINUTE + mail
    );
}

#[test]
fn a_list_that_is_written_down_has_its_length() {
    let longest = |list: &str| {
        proof(&format!(
            "  then {{ for each d in {list}, 2 at a time {{ intune.sync(d) }} }}"
        ))
        .longest
        .ms
    };
    assert_eq!(longest("[device, device, device]"), 2 * GRAPH);
    assert_eq!(longest("intune.devices_of(user)"), GRAPH + 50 * GRAPH);
}

#[test]
fn a_call_without_retries_takes_one_attempt() {
    let text = "connection lamp {\n  base: \"https://lamp.example.org\"\n  timeout: 1s\nRETRY  notify: POST \"/*\"\n}\n\naction light(on device: Device) {\n  impact: notify\n  request: lamp.post(\"/{device.id}\")\n}\n\nplaybook p \"P\" {\n  when manual(device: Device)\n  then { light(device) }\n}\n";
    let longest = |retry: &str| proofs(&text.replace("RETRY", retry)).remove(0).longest.ms;
    assert_eq!(longest(""), SECOND);
    // As measured: `light` is not idempotent, and a closed port is tried again all the same.
    assert_eq!(longest("  retry: for 40s, from 1s up to 5s\n"), 42 * SECOND);
}

#[test]
fn people_are_asked_for_one_budget_after_the_other() {
    let text = "use microsoft.intune\n\nguard \"One\" {\n  limit intune.sync to 1 per 1h, beyond that approve by team.soc within 1h\n  limit intune.sync to 5 per 1d, beyond that approve by team.soc within 3h\n}\n\nguard \"Two\" {\n  limit intune.sync to 9 per 7d\n}\n\nplaybook p \"P\" {\n  when manual(device: Device)\n  then { intune.sync(device) }\n}\n";
    assert_eq!(proofs(text).remove(0).longest.ms, GRAPH + 4 * HOUR);
}

#[test]
fn harm_is_told_with_what_holds_it_back() {
    let proof = proof(
        "  then {\n    without approval because \"it is stolen\" { intune.remote_lock(device) }\n    approve \"Wipe?\" about device, by team.soc, within 4h\n    intune.wipe(device)\n  }",
    );
    let held: Vec<&Held> = proof.harm.iter().map(|h| &h.held).collect();
    assert_eq!(held[0], &Held::Accepted("it is stolen".into()));
    assert!(matches!(held[1], Held::Approved(gates) if gates.len() == 1 && gates[0].line == 9));
    assert_eq!(proof.waits.len(), 1);
    assert_eq!(
        (proof.waits[0].kind, proof.waits[0].then.as_str()),
        (Kind::Approval, "ends the run as rejected")
    );
    assert!(proof.holds());
}

#[test]
fn a_question_goes_on_where_nothing_says_what_silence_means() {
    let proof = proof(
        "  then {\n    ask \"Was it you?\" to user, within 1h {\n      \"No\" { intune.sync(device) }\n      \"Yes\" { }\n    }\n  }",
    );
    assert_eq!(proof.waits[0].then, "goes on as unanswered");
    assert!(proof.waits[0].decided && proof.holds());
}

#[test]
fn whoever_starts_a_run_may_not_approve_in_it() {
    let gate = |trigger: &str, needs: u32| {
        let text = format!(
            "use microsoft.intune\n\nplaybook p \"P\" {{\n  when {trigger}\n  then {{\n    approve \"Sync?\" about it.device, by team.soc, needs {needs}, within 4h\n    intune.sync(it.device)\n  }}\n}}\n"
        );
        let text = match trigger.starts_with("manual") {
            true => text.replace("it.device", "device"),
            false => text,
        };
        proofs(&text).remove(0)
    };
    let small = gate("manual(device: Device)", 2);
    assert_eq!(
        small.waits[0].too_few.as_deref(),
        Some(
            "team.soc has 2 members and 2 have to approve; whoever starts the run may not: when that is one of them, the step fails"
        )
    );
    assert!(!small.holds());
    assert!(gate("manual(device: Device)", 1).holds());
    assert!(gate("intune.noncompliant as it", 2).holds());
}

#[test]
fn what_the_library_ships_is_certain() {
    let workspace = Workspace::new(Vec::new(), None);
    let program = workspace.compile().program;
    let refuted = refuted(&workspace);
    let mut all = String::new();
    for playbook in program.playbooks.values() {
        let found = refuted.get(&playbook.id).cloned().unwrap_or_default();
        let proof = prove(&program, &Deployment::default(), playbook, found);
        assert!(proof.ends.proved, "{proof:?}");
        assert!(proof.holds(), "{proof:?}");
        all += &format!(
            "{}: {}, {:?}\n",
            proof.playbook,
            counterplay_machine::duration::format_ms(proof.longest.ms),
            proof.actions
        );
    }
    insta::assert_snapshot!(all);
}

#[test]
fn a_cycle_without_a_timer_is_told() {
    let workspace = Workspace::new(Vec::new(), None);
    let program = workspace.compile().program;
    let mut playbook = program.playbooks["device_noncompliance"].clone();
    let stages: Vec<_> = playbook
        .graph
        .node_indices()
        .filter(|n| matches!(playbook.graph[*n].kind, NodeKind::Perform(_)))
        .collect();
    playbook.graph.add_edge(stages[1], stages[0], Edge::Failed);
    let proof = prove(&program, &Deployment::default(), &playbook, Vec::new());
    assert!(!proof.ends.proved && !proof.holds());
    assert!(
        proof
            .ends
            .cycle
            .iter()
            .any(|s| s.text.starts_with("intune.sync")),
        "{proof:?}"
    );
}
