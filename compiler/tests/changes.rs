//! Two versions of a project in, what people are told of the difference out.

use counterplay_compiler::workspace::{Source, Workspace};
use counterplay_machine::Program;
use counterplay_machine::changes::{changes, contents};

const CONFIG: &str = r#"
[project]
name = "Test"

[teams.soc]
members = ["a@msp.example", "b@msp.example", "c@msp.example"]
email = "soc@msp.example"
teams_webhook = "soc"

[teams.leads]
members = ["d@msp.example", "e@msp.example", "f@msp.example"]

[tenants.acme]
id = "acme.example"

[tenants.birch]
id = "birch.example"

[connections.graph]
client_id = "c"
secret = "s"

[connections.teams]
"#;

fn program(text: &str) -> Program {
    let workspace = Workspace::new(
        vec![Source {
            path: "case.play".into(),
            module: "case".into(),
            text: text.into(),
        }],
        Some(("counterplay.toml".into(), CONFIG.into())),
    );
    let compiled = workspace.compile();
    assert!(
        compiled.diagnostics.is_empty(),
        "{text}\n{}",
        workspace.render(&compiled.diagnostics, false)
    );
    compiled.program
}

/// A playbook with a head and steps.
fn playbook(head: &str, steps: &str) -> String {
    format!(
        "use microsoft.(intune, entra)\nuse notify\n\n/// What is done about a lost device.\nplaybook lost \"Lost device\" {{\n{head}\n  then {{\n{steps}\n  }}\n}}\n"
    )
}

const HEAD: &str = "  when manual(device: Device)\n";
const WIPE: &str = "    approve \"Wipe {device.name}?\" about device, by team.soc, needs 2, within 4h\n    intune.wipe(device)";

#[track_caller]
fn told(before: &str, after: &str, expected: &[&str]) {
    assert_eq!(changes(&program(before), &program(after)), expected);
}

#[test]
fn what_is_the_same_is_said_to_be() {
    let one = playbook(HEAD, WIPE);
    told(&one, &one, &["no run does anything else than before"]);
    let comment = one.replace("  then {", "  // Both of them.\n\n  then {");
    told(&one, &comment, &["no run does anything else than before"]);
}

#[test]
fn playbooks_come_and_go() {
    let one = playbook(HEAD, WIPE);
    let two = one.replace("playbook lost \"Lost device\"", "playbook away \"Away\"");
    told(
        &one,
        &two,
        &[
            "new: `away` (“Away”): by hand (device: Device); performs `intune.wipe` (destructive); asks for 1 approval",
            "gone: `lost` (“Lost device”)",
        ],
    );
    assert_eq!(
        contents(&program(&one)),
        [
            "`lost` (“Lost device”): by hand (device: Device); performs `intune.wipe` (destructive); asks for 1 approval"
        ]
    );
    assert_eq!(contents(&Program::default()), ["there is no playbook"]);
}

#[test]
fn an_approval_is_compared_by_its_question() {
    let other = WIPE
        .replace("needs 2, within 4h", "within 8h")
        .replace("team.soc", "team.leads");
    told(
        &playbook(HEAD, WIPE),
        &playbook(HEAD, &other),
        &[
            "`lost` has the approval “Wipe {device.name}?”, which is team.leads's, it was team.soc's",
            "`lost` has the approval “Wipe {device.name}?”, which needs one person, it was 2 people",
            "`lost` has the approval “Wipe {device.name}?”, which waits 8h, it was 4h",
        ],
    );
    let asks = WIPE.replace("Wipe {device.name}?", "Erase {device.name}?");
    told(
        &playbook(HEAD, WIPE),
        &playbook(HEAD, &asks),
        &[
            "`lost` now asks for the approval “Erase {device.name}?” of team.soc (2 people)",
            "`lost` no longer asks for the approval “Wipe {device.name}?”",
        ],
    );
}

#[test]
fn actions_with_what_they_need_and_who_is_asked() {
    let more = format!(
        "{WIPE}\n    notify.teams(team.soc, \"{{device.name}} was wiped\")\n    wait 2h\n    notify.teams(team.soc, \"look\")"
    );
    let without = "    without approval because \"it is ours\" {\n      intune.wipe(device)\n    }";
    told(
        &playbook(HEAD, WIPE),
        &playbook(HEAD, &more),
        &[
            "`lost` now performs `notify.teams` (notify)",
            "`lost` now has the wait `wait 2h`",
        ],
    );
    told(
        &playbook(HEAD, WIPE),
        &playbook(HEAD, without),
        &[
            "`lost` now performs `intune.wipe` without approval, because “it is ours”",
            "`lost` no longer asks for the approval “Wipe {device.name}?”",
        ],
    );
    let longer = more
        .replace("wait 2h", "wait 3h")
        .replace("\"look\"", "\"look again\"");
    told(
        &playbook(HEAD, &more),
        &playbook(HEAD, &longer),
        &[
            "`lost` has the step `notify.teams(team.soc, \"look again\")` instead of `notify.teams(team.soc, \"look\")`",
            "`lost` has the wait `wait 3h` instead of `wait 2h`",
        ],
    );
    let sync = more.replace("    wait 2h", "    intune.sync(device)\n    wait 2h");
    let text = changes(
        &program(&playbook(HEAD, &more)),
        &program(&playbook(HEAD, &sync)),
    );
    let performs = |t: &String| t.starts_with("`lost` now performs `intune.sync`");
    assert!(text.iter().any(performs), "{text:#?}");
    let head = "  when manual(user: User)\n";
    let text = changes(
        &program(&playbook(head, "    entra.block_sign_in(user)")),
        &program(&playbook(
            head,
            "    entra.block_sign_in(user)\n    entra.revoke_sessions(user)",
        )),
    );
    let needs = |t: &String| t.starts_with("`lost` now needs the permission `");
    assert!(text.iter().any(needs), "{text:#?}");
}

#[test]
fn heads_modes_and_tenants() {
    let head = "  mode: simulate\n  tenants: [\"acme\"]\n  when manual(device: Device)\n";
    told(
        &playbook(HEAD, WIPE),
        &playbook(head, WIPE),
        &[
            "`lost` has the mode `simulate` in its source, it was `active`",
            "`lost` is for `acme`, it was for every tenant",
        ],
    );
    let daily = |at: &str, only: &str| {
        format!(
            "use notify\n\nplaybook daily \"Daily\" {{\n  {at}\n{only}  then {{ notify.teams(team.soc, \"{{tenant.name}}\") }}\n}}\n"
        )
    };
    told(
        &daily("when every day at 06:00", ""),
        &daily("when every day at 07:30", "  if tenant.name != \"birch\"\n"),
        &[
            "`daily` starts every day at 07:30 instead of every day at 06:00",
            "`daily` now starts only if `tenant.name != \"birch\"`",
        ],
    );
    let title = playbook(HEAD, WIPE).replace("\"Lost device\"", "\"Gone device\"");
    told(
        &playbook(HEAD, WIPE),
        &title,
        &["`lost` is called “Gone device”, it was “Lost device”"],
    );
}

#[test]
fn guards_are_told_by_their_lines() {
    let with = |lines: &str| {
        format!(
            "{}\nguard \"Enough\" {{\n{lines}\n}}\n",
            playbook(HEAD, WIPE)
        )
    };
    let five = with("  limit entra.disable to 5 per 1h");
    let six = with("  limit entra.disable to 6 per 1h\n  protect u: User where u.id == \"boss\"");
    told(
        &playbook(HEAD, WIPE),
        &five,
        &["new: the guard “Enough” limits `entra.disable` to 5 per 1h"],
    );
    told(
        &five,
        &playbook(HEAD, WIPE),
        &["gone: the guard “Enough” that limits `entra.disable` to 5 per 1h"],
    );
    told(
        &five,
        &six,
        &[
            "the guard “Enough” now limits `entra.disable` to 6 per 1h and protects each `User` that it describes",
            "the guard “Enough” no longer limits `entra.disable` to 5 per 1h",
        ],
    );
}

#[test]
fn escalations_and_their_times() {
    let chase = |hours: u32, more: &str| {
        format!(
            "use notify\n\nplaybook chase \"Chase\" {{\n  when manual(reason: Text)\n  then {{ notify.teams(team.soc, reason) }}\n  escalate after {hours}h {{ notify.teams(team.soc, reason) }}\n{more}}}\n"
        )
    };
    told(
        &chase(4, ""),
        &chase(
            2,
            "  escalate after 24h { notify.teams(team.soc, \"again\") }\n",
        ),
        &[
            "`chase` performs `notify.teams` in 3 steps, it was 2",
            "`chase` escalates to level 1 after 2h, it was 4h",
            "`chase` now escalates to level 2 after 1d",
        ],
    );
}
