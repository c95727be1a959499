//! What the checker says about mistakes, as a policy author reads it. Each snapshot holds the source and
//! the rendered findings.

use counterplay_compiler::workspace::{Source, Workspace};

const CONFIG: &str = r#"
[project]
name = "Test"

[teams.soc]
members = ["ana@example.org", "bo@example.org"]
email = "soc@example.org"
teams_webhook = "soc-teams"

[teams.leads]
members = ["dana@example.org"]

[tenants.contoso]
id = "contoso"
domains = ["example.org"]
groups = ["gold"]

[tenants.tailspin]
id = "tailspin"
domains = ["tailspin.example"]

[connections.graph]
[connections.identity_protection]
[connections.exchange]
[connections.halopsa]
[connections.mail]
[connections.teams]
[connections.slack]
[connections.webhook]

[webhooks.offboarding]
secret = "hook-offboarding"
tenant = "contoso"

[webhooks.leavers]
secret = "hook-leavers"
tenant = "contoso"
"#;

fn findings(source: impl AsRef<str>) -> String {
    let source = source.as_ref();
    let workspace = Workspace::new(
        vec![Source {
            path: "playbooks/case.play".into(),
            module: "case".into(),
            text: source.to_owned(),
        }],
        Some(("counterplay.toml".into(), CONFIG.into())),
    );
    let compiled = workspace.compile();
    format!(
        "{source}\n---\n{}",
        workspace.render(&compiled.diagnostics, false)
    )
}

/// A playbook about a device that Intune reports, with these lines in its head and its first stage.
fn about_device(head: &str, then: &str) -> String {
    format!(
        "use microsoft.(intune, entra)\nuse notify, ticket\n\nplaybook p \"P\" {{\n  when intune.noncompliant as drift\n{head}\n  then {{\n{then}\n  }}\n}}\n"
    )
}

/// A playbook about a device, with these lines in its head and these stages.
fn staged(head: &str, stages: &str) -> String {
    format!(
        "use microsoft.(intune, entra)\nuse notify, ticket\n\nplaybook p \"P\" {{\n  when intune.noncompliant as drift\n{head}\n{stages}\n}}\n"
    )
}

/// Two playbooks that people start for a user, each with its settings and steps.
fn two_about_a_user(one: (&str, &str), other: (&str, &str)) -> String {
    let playbook = |id: &str, (settings, then): (&str, &str)| {
        format!(
            "playbook {id} \"{id}\" {{\n{settings}  when manual(user: User)\n\n  then {{\n{then}\n  }}\n}}\n"
        )
    };
    format!(
        "use microsoft.entra\n\n{}\n{}",
        playbook("contain", one),
        playbook("release", other)
    )
}

/// A playbook that a webhook starts, with these lines in its head.
fn hooked(head: &str) -> String {
    format!(
        "use microsoft.(intune, entra)\n\ntype Leaver {{\n  user: User\n  manager: User?\n  last_day: Time\n  reason: Text?\n}}\n\nplaybook p \"P\" {{\n  {head}\n\n  then {{\n    entra.block_sign_in(request.user)\n  }}\n}}\n"
    )
}

/// A project's own module must not pass for one of the library.
#[test]
fn a_module_that_is_called_like_another() {
    let workspace = Workspace::new(
        vec![Source {
            path: "playbooks/intune.play".into(),
            module: "intune".into(),
            text: "action sync(device: Device) {\n  impact: destructive\n  request: graph.post(\"/deviceManagement/managedDevices/{device.id}/wipe\")\n}\n".into(),
        }],
        Some(("counterplay.toml".into(), CONFIG.into())),
    );
    insta::assert_snapshot!(workspace.render(&workspace.compile().diagnostics, false));
}

/// A shipped response that a project does not run may be copied and changed under its own id.
#[test]
fn a_copy_of_a_shipped_response_is_welcome() {
    let text = counterplay_compiler::library::text("std:/responses/device_noncompliance.play")
        .expect("it ships");
    let workspace = Workspace::new(
        vec![Source {
            path: "playbooks/device_noncompliance.play".into(),
            module: "device_noncompliance".into(),
            text: text.into(),
        }],
        Some(("counterplay.toml".into(), CONFIG.into())),
    );
    let compiled = workspace.compile();
    assert!(
        compiled.diagnostics.is_empty(),
        "{}",
        workspace.render(&compiled.diagnostics, false)
    );
    assert_eq!(compiled.program.playbooks.len(), 1);
}

/// Steps of which each calls the one before twice: more than a thousand in the end.
fn growing() -> String {
    let mut source = String::from(
        "use microsoft.intune\n\nsteps s0(device: Device) {\n  intune.sync(device)\n}\n\n",
    );
    for i in 1..=10 {
        source.push_str(&format!(
            "steps s{i}(device: Device) {{\n  s{j}(device)\n  s{j}(device)\n}}\n\n",
            j = i - 1
        ));
    }
    source
}

macro_rules! cases {
    ($($name:ident: $source:expr;)*) => {
        $(
            #[test]
            fn $name() {
                insta::assert_snapshot!(stringify!($name), findings($source));
            }
        )*
    };
}

cases! {
    misspelt_action: about_device("", "    intune.snyc(drift.device)");
    misspelt_module: about_device("", "    intun.sync(drift.device)");
    module_not_imported: "use microsoft.intune\n\nplaybook p \"P\" {\n  when intune.noncompliant as drift\n  then { ticket.create(title: \"x\", priority: high) }\n}\n";
    module_that_does_not_exist: "use microsoft.(intunes, entra)\n\nplaybook p \"P\" {\n  when entra.nothing as e\n  then { end run }\n}\n";
    misspelt_field: about_device("", "    notify.email(team.soc, subject: \"x\", body: drift.device.nmae)");
    relation_read_as_a_field: about_device("  if drift.owner is present\n", "    notify.email(drift.owner.manager, subject: \"x\", body: \"y\")");
    misspelt_binding: about_device("", "    intune.sync(drfit.device)");
    misspelt_event: "use microsoft.intune\n\nplaybook p \"P\" {\n  when intune.noncomplaint as drift\n  then { intune.sync(drift.device) }\n}\n";
    misspelt_member: about_device("", "    ticket.create(title: \"x\", priority: hihg)");
    member_in_quotes: about_device("", "    ticket.create(title: \"x\", priority: \"high\")");
    unknown_team: about_device("", "    notify.teams(team.sok, \"x\")");
    team_without_a_channel: about_device("", "    notify.slack(team.soc, \"x\")");
    unknown_tenant: about_device("", "    intune.sync(drift.device)").replace("  when", "  tenants: [\"contso\"]\n  when");
    unknown_group: about_device("", "    intune.sync(drift.device)").replace("  when", "  tenants: group \"golden\"\n  when");
    missing_argument: about_device("", "    ticket.create(title: \"x\")");
    extra_argument: about_device("", "    intune.sync(drift.device, drift.owner)");
    misnamed_argument: about_device("", "    ticket.create(titel: \"x\", priority: high)");
    argument_of_another_type: about_device("", "    entra.block_sign_in(drift.device)");
    argument_given_twice: about_device("", "    ticket.create(\"x\", title: \"y\", priority: high)");
    maybe_absent_argument: about_device("", "    entra.block_sign_in(drift.owner)");
    maybe_absent_in_text: about_device("", "    notify.teams(team.soc, \"synced {drift.last_sync}\")");
    maybe_absent_field: about_device("", "    notify.teams(team.soc, \"{drift.owner.name}\")");
    narrowing_lost_after_the_block: about_device("", "    if drift.owner is present {\n      entra.block_sign_in(drift.owner)\n    }\n    entra.revoke_sessions(drift.owner)");
    present_question_about_a_certain_value: about_device("", "    if drift.device is present {\n      intune.sync(drift.device)\n    }");
    comparison_with_absent: about_device("", "    if drift.owner == absent {\n      end run\n    }");
    comparing_enum_with_text: about_device("  if drift.device.platform == \"Windows\"\n", "    intune.sync(drift.device)");
    comparing_user_with_text: about_device("  if drift.device == \"d-1\"\n", "    intune.sync(drift.device)");
    ordering_members_without_order: about_device("  if drift.device.platform > windows\n", "    intune.sync(drift.device)");
    comparing_duration_with_number: about_device("", "    if now - run.started > 4 {\n      end run\n    }");
    text_as_condition: about_device("  if drift.device.name\n", "    intune.sync(drift.device)");
    record_in_text: about_device("", "    notify.teams(team.soc, \"{drift.device}\")");
    number_for_text: about_device("", "    ticket.create(title: 42, priority: high)");
    secret_in_text: about_device("", "    notify.teams(team.soc, \"send to {team.soc.teams_webhook}\")");
    secret_kept: about_device("", "    let hook = team.soc.teams_webhook\n    intune.sync(drift.device)");
    query_in_head: about_device("  if intune.is_compliant(drift.device)\n", "    intune.sync(drift.device)");
    query_in_comprehension: about_device("", "    let devices = [drift.device]\n    let bad = list(d for d in devices where not intune.is_compliant(d))\n    notify.teams(team.soc, \"{length(bad)}\")");
    action_in_expression: about_device("", "    notify.teams(team.soc, \"{intune.sync(drift.device)}\")");
    query_without_use: about_device("", "    intune.is_compliant(drift.device)");
    value_without_use: about_device("", "    drift.device");
    result_of_nothing: about_device("", "    let x = intune.sync(drift.device)");
    bound_twice: about_device("", "    let x = 1\n    let x = 2\n    notify.teams(team.soc, \"{x}\")");
    bound_in_a_branch: about_device("", "    if intune.is_compliant(drift.device) {\n      let why = \"fine\"\n    }\n    notify.teams(team.soc, why)");
    match_leaves_cases_out: about_device("", "    match drift.device.platform {\n      windows { intune.sync(drift.device) }\n      ios, android { end run }\n    }");
    match_leaves_absent_out: about_device("", "    match drift.owner {\n      present { entra.block_sign_in(drift.owner) }\n    }");
    match_twice: about_device("", "    match drift.device.platform {\n      windows { intune.sync(drift.device) }\n      windows { end run }\n      else { end run }\n    }");
    loop_over_one: about_device("", "    for each d in drift.device {\n      intune.sync(d)\n    }");
    wrong_arm: about_device("", "    intune.sync(drift.device) {\n      success { end run }\n    }");
    approval_arm_misspelt: about_device("", "    approve \"Wipe?\" about drift.device, by team.soc {\n      aproved { intune.wipe(drift.device) }\n    }");
    wipe_without_approval: about_device("", "    intune.wipe(drift.device)");
    wipe_on_one_way: about_device("", "    if not intune.is_compliant(drift.device) {\n      approve \"Wipe?\" about drift.device, by team.soc\n    }\n    intune.wipe(drift.device)");
    wipe_after_rejection: about_device("", "    approve \"Wipe?\" about drift.device, by team.soc {\n      rejected { intune.wipe(drift.device) }\n    }");
    wipe_of_another_device: about_device("  if drift.owner is present\n", "    let others = intune.devices_of(drift.owner)\n    approve \"Wipe?\" about drift.device, by team.soc\n    for each other in others {\n      intune.wipe(other)\n    }");
    wipe_by_silence: about_device("", "    approve \"Wipe?\" about drift.device, by team.soc, default approve\n    intune.wipe(drift.device)");
    wipe_long_after_approval: about_device("", "    approve \"Wipe?\" about drift.device, by team.soc\n    wait 3d\n    intune.wipe(drift.device)");
    wipe_in_one_parallel_branch: about_device("", "    in parallel {\n      approve \"Wipe?\" about drift.device, by team.soc\n      intune.wipe(drift.device)\n    }");
    wipe_inside_steps: format!("steps erase(device: Device) {{\n  intune.wipe(device)\n}}\n\n{}", about_device("", "    erase(drift.device)"));
    type_inside_itself: "type Folder {\n  name: Text\n  parent: Folder\n}\n\ntype Tree {\n  left: Tree?\n  right: Tree?\n}\n\ndefine is_leaf(tree: Tree) -> Bool = tree.left is absent and tree.right is absent\n";
    steps_that_grow_without_end: growing();
    secret_through_a_default: about_device("", "    notify.teams(team.soc, absent ?? secret(\"graph-client\"))");
    secret_kept_through_a_default: about_device("", "    let x = absent ?? secret(\"graph-client\")\n    notify.teams(team.soc, x)");
    secret_in_a_mixed_list: about_device("", "    for each x in [\"a\", secret(\"graph-client\"), \"b\"] {\n      notify.teams(team.soc, x)\n    }");
    secret_as_json: format!("action post(payload: Json) {{\n  impact: notify\n  request: halopsa.post(\"/api/tickets\", json: payload)\n}}\n\n{}", about_device("", "    post(secret(\"x\"))\n    post(team.soc)\n    post({{ a: team.soc }})")).replace("{{", "{").replace("}}", "}");
    team_in_a_request: "action post(team: Team) {\n  impact: notify\n  request: halopsa.post(\"/api/tickets\", json: { team: team })\n}\n";
    value_of_another_type_through_a_default: about_device("", "    let x = absent ?? 5\n    entra.block_sign_in(x)");
    list_of_unlike_things: about_device("", "    let xs = [drift.device, 1, drift.owner]\n    for each x in xs { intune.sync(x) }");
    event_without_a_name: "use microsoft.intune\n\nplaybook p \"P\" {\n  when intune.noncompliant\n  ignore repeats of drift.device\n  then {\n    intune.sync(drift.device)\n    intune.sync(drift.device)\n  }\n}\n";
    places_behind_other_letters: "// Gerät – Ü\nuse microsoft.intune\n\nplaybook p \"P\" {\n  when intune.noncompliant as drift\n  then { end run }\n}\n\nplaybook p \"Q\" {\n  when intune.noncompliant as drift\n  then { end run }\n}\n";
    present_in_every_other_case: about_device("", "    match drift.owner {\n      absent { end run }\n      else { entra.block_sign_in(drift.owner) }\n    }\n    entra.revoke_sessions(drift.owner)");
    approval_about_a_list_of_one: about_device("", "    approve \"Wipe?\" about [drift.device], by team.soc\n    intune.wipe(drift.device)");
    nothing_bound: about_device("", "    let x = absent\n    let y = []\n    intune.sync(drift.device)");
    text_that_approves: about_device("", "    approve \"Wipe?\" about drift.device, by absent ?? (drift.owner_id ?? \"x\")\n    intune.wipe(drift.device)");
    nothing_in_parallel: about_device("", "    in parallel { }\n    intune.wipe(drift.device)");
    path_that_climbs: "action x(user: User) {\n  impact: reversible\n  request: graph.patch(\"/users/x/mailFolders/inbox/messageRules/..\\\\..\\\\users\\\\{user.id}\", json: { a: 1 })\n}\n\naction y(user: User) {\n  impact: disruptive\n  request: graph.delete(\"/users/{user.id}/authentication/../manager\")\n}\n\naction z(user: User) {\n  impact: disruptive\n  request: graph.delete(\"/users/{user.id}/authentication/x/wip%65\")\n}\n";
    address_from_a_secret: "action x(user: User) {\n  impact: notify\n  request: graph.post(secret(\"wipe-url\"), json: { a: 1 })\n}\n\nquery q(user: User) -> Bool {\n  request: slack.delete(secret(\"url\"))\n  returns: body.ok\n}\n";
    call_that_reaches_something_else: "type Job {\n  device: Device\n}\n\naction erase(user: User, job: Job) {\n  impact: destructive\n  request: graph.post(\"/deviceManagement/managedDevices/{job.device.id}/wipe\")\n}\n\naction erase_by_tag(on tag: Text, id: Text) {\n  impact: destructive\n  request: graph.post(\"/deviceManagement/managedDevices/{id}/wipe\")\n}\n";
    result_of_an_attempt: about_device("", "    attempt each {\n      let case = ticket.create(title: \"x\", priority: high)\n      ticket.note(case, \"y\")\n    }");
    steps_attempted: format!("steps both(device: Device) {{\n  intune.sync(device)\n}}\n\n{}", about_device("", "    attempt both(drift.device)\n    attempt each { both(drift.device) }"));
    approval_that_expires_beside_a_wait: about_device("", "    in parallel {\n      approve \"Wipe?\" about drift.device, by team.soc\n      wait 3d\n    }\n    intune.wipe(drift.device)");
    approval_that_expires_in_a_loop: about_device("  if drift.owner is present\n", "    let ds = intune.devices_of(drift.owner)\n    approve \"Wipe?\" about ds, by team.soc\n    for each d in ds, refuse more than 10 {\n      wait 6h\n      intune.wipe(d)\n    }");
    asking_again_helps: about_device("", "    approve \"Lock?\" about drift.device, by team.soc\n    intune.remote_lock(drift.device)\n    wait 3d\n    approve \"Wipe?\" about drift.device, by team.soc\n    intune.wipe(drift.device)");
    triggers_that_bind_other_names: "use microsoft.entra\n\nplaybook p \"P\" {\n  when every day at 06:00, for each user in entra.inactive_users(since: 90d)\n  when every 15m\n  then { entra.block_sign_in(user) }\n}\n\nplaybook q \"Q\" {\n  when manual(x: User)\n  when manual(x: Device, y: Text)\n  then { entra.block_sign_in(x) }\n}\n\nplaybook r \"R\" {\n  when manual(why: Text = \"x\", key: Secret<Text>)\n  then { end run why }\n}\n";
    webhook_misspelt: hooked("when webhook \"ofboarding\" as request: Leaver");
    webhook_that_the_project_does_not_have: hooked("when webhook \"new-starter\" as request: Leaver");
    webhook_of_another_tenant: hooked("tenants: all except [\"contoso\"]\n  when webhook \"offboarding\" as request: Leaver");
    webhook_twice: hooked("when webhook \"offboarding\" as request: Leaver\n  when webhook \"offboarding\" as request: Leaver");
    webhook_beside_a_form: hooked("when webhook \"offboarding\" as request: Leaver\n  when manual(user: User)");
    webhook_beside_an_event: hooked("when webhook \"offboarding\" as request: Leaver\n  when intune.noncompliant as request");
    webhooks_of_two_types: format!("type Other {{\n  user: User\n}}\n\n{}", hooked("when webhook \"offboarding\" as request: Leaver\n  when webhook \"leavers\" as request: Other"));
    webhook_whose_body_is_an_entity: hooked("when webhook \"offboarding\" as request: User");
    webhook_whose_body_is_a_text: hooked("when webhook \"offboarding\" as request: Text");
    webhook_of_an_unknown_type: hooked("when webhook \"offboarding\" as request: Laever");
    webhook_with_entities_inside: format!("type Batch {{\n  users: List<User>\n  first: Leaver\n  at: ClockTime\n}}\n\n{}", hooked("when webhook \"offboarding\" as request: Batch"));
    webhook_with_a_secret: format!("type Login {{\n  password: Secret<Text>\n}}\n\n{}", hooked("when webhook \"offboarding\" as request: Login"));
    webhooks_that_are_alternatives: hooked("when webhook \"offboarding\" as request: Leaver\n  when webhook \"leavers\" as request: Leaver");
    event_that_is_called_webhook: "event webhook {\n  source: push\n  field user_id: Text = raw.user\n}\n\nplaybook p \"P\" {\n  when webhook as it\n  then {\n    end run it.user_id\n  }\n}\n";
    webhook_that_is_right: hooked("when webhook \"offboarding\" as request: Leaver\n  if request.user.kind != guest and request.last_day > now\n  ignore repeats of request.user");
    key_that_tells_nothing: about_device("  ignore repeats of drift\n", "    intune.sync(drift.device)");
    default_that_knows_a_parameter: "steps tell(user: User, to: Text = user.name) {\n  end run to\n}\n\ndefine big(x: Int = \"text\") -> Int = x + 1\n";
    password_outside_of_a_request: about_device("", "    let p = new_password()\n    intune.sync(drift.device)");
    unknown_on_top: "enum Level ordered { low, high, unknown }\n\nenum Same { a = \"X\", b = \"x\" }\n";
    approvals_in_two_branches: about_device("", "    in parallel {\n      approve \"Wipe?\" about drift.device, by team.soc\n      approve \"Is that right?\" about drift.device, by team.leads\n    }\n    notify.teams(team.soc, \"said {approval.by}\")");
    name_in_two_branches: about_device("", "    in parallel {\n      let x = 1\n      let x = \"text\"\n    }\n    notify.teams(team.soc, \"{x}\")");
    floor_of_no_method: "connection c {\n  base: \"https://example.org\"\n  destructive: PSOT \"/a/wipe\"\n}\n";
    lock_without_approval_is_a_warning: about_device("", "    intune.remote_lock(drift.device)");
    approval_that_nobody_can_give: about_device("", "    approve \"Wipe?\" about drift.device, by team.leads, needs 2 {\n      approved { intune.wipe(drift.device) }\n    }");
    approval_by_whom_it_is_about: about_device("  if drift.owner is present\n", "    let user = drift.owner\n    approve \"Block?\" about drift.device, drift.owner, by user\n    entra.block_sign_in(user)");
    approval_by_each_of_those_that_it_is_about: "use microsoft.entra\n\nplaybook p \"P\" {\n  when manual(one: User, other: User)\n\n  then {\n    let users = [one, other]\n    for each user in users {\n      approve \"Disable all?\" about users, by user\n    }\n    for each user in users {\n      approve \"Disable?\" about other, by one\n    }\n  }\n}\n";
    approval_by_two_of_one_person: about_device("  if drift.owner is present\n", "    approve \"Wipe?\" about drift.device, by drift.owner, needs 2\n    intune.wipe(drift.device)");
    approval_without_a_decider: about_device("", "    approve \"Wipe?\" about drift.device, within 4h");
    approval_about_a_text: about_device("", "    approve \"Wipe?\" about drift.owner_id ?? \"x\", by drift.device\n    intune.sync(drift.device)");
    revoked_before_blocked: about_device("  if drift.owner is present\n", "    entra.revoke_sessions(drift.owner)\n    entra.block_sign_in(drift.owner)");
    revoked_beside_blocked: about_device("  if drift.owner is present\n", "    in parallel {\n      entra.revoke_sessions(drift.owner)\n      entra.block_sign_in(drift.owner)\n    }");
    wipe_of_the_same_device_under_another_name: about_device("", "    let device = drift.device\n    approve \"Wipe?\" about device, by team.soc\n    intune.wipe(drift.device)");
    wipe_of_each_element_that_is_asked_about: about_device("  if drift.owner is present\n", "    for each d in intune.devices_of(drift.owner) {\n      approve \"Wipe {d.name}?\" about d, by team.soc\n      intune.wipe(d)\n    }");
    wipe_of_elements_when_one_was_asked_about: about_device("  if drift.owner is present\n", "    let all_devices = intune.devices_of(drift.owner)\n    for each d in all_devices {\n      approve \"Wipe {d.name}?\" about d, by team.soc\n    }\n    for each e in all_devices {\n      intune.wipe(e)\n    }");
    wipe_after_a_join_that_every_way_passed: about_device("", "    in parallel {\n      approve \"Wipe?\" about drift.device, by team.soc\n      notify.teams(team.soc, \"asked\")\n    }\n    intune.wipe(drift.device)");
    wipe_after_a_join_that_one_way_goes_around: about_device("", "    in parallel {\n      approve \"Wipe?\" about drift.device, by team.soc {\n        rejected { notify.teams(team.soc, \"no\") }\n      }\n      intune.sync(drift.device)\n    }\n    intune.wipe(drift.device)");
    wipe_on_failure_needs_its_own: staged("", "  then {\n    approve \"Wipe?\" about drift.device, by team.soc\n    intune.sync(drift.device)\n  }\n\n  on failure {\n    intune.wipe(drift.device)\n  }");
    wipe_on_failure_that_asks: staged("", "  then {\n    intune.sync(drift.device)\n  }\n\n  on failure {\n    approve \"Wipe?\" about drift.device, by team.soc\n    intune.wipe(drift.device)\n  }");
    wipe_in_steps_that_the_caller_accepts: format!("steps erase(device: Device) {{\n  intune.wipe(device)\n}}\n\n{}", about_device("", "    without approval because \"stolen\" {\n      erase(drift.device)\n    }"));
    wipe_after_repeated_calls: about_device("", "    approve \"Wipe?\" about drift.device, by team.soc, valid 5m\n    intune.sync(drift.device)\n    intune.wipe(drift.device)");
    wipe_after_a_confirmation: about_device("  if drift.owner is present\n", "    approve \"Wipe?\" about drift.device, by team.soc, valid 15m\n    entra.block_sign_in(drift.owner)\n    intune.wipe(drift.device)");
    wipe_after_a_call_that_is_not_idempotent: about_device("", "    approve \"Wipe?\" about drift.device, by team.soc, valid 10m\n    ticket.create(title: \"x\", priority: high)\n    intune.wipe(drift.device)");
    wipe_when_a_call_is_over: about_device("", "    approve \"Wipe?\" about drift.device, by team.soc, valid 1050s\n    ticket.create(title: \"x\", priority: high)\n    intune.wipe(drift.device)");
    wipe_seconds_after_an_approval: about_device("", "    approve \"Wipe?\" about drift.device, by team.soc, valid 605s\n    wait 630s\n    intune.wipe(drift.device)");
    wipe_after_a_last_look: about_device("", "    approve \"Wipe?\" about drift.device, by team.soc, valid 1h\n    wait until intune.is_compliant(drift.device), at most 50m {\n      timed_out { intune.wipe(drift.device) }\n    }");
    wipe_after_what_a_guard_holds_up: format!("guard \"Syncs\" {{\n  limit intune.sync to 1 per 1h per tenant, beyond that approve by team.soc within 3h\n}}\n\n{}", about_device("", "    approve \"Wipe?\" about drift.device, by team.soc, valid 90m\n    intune.sync(drift.device)\n    intune.sync(drift.device)\n    intune.wipe(drift.device)"));
    wipe_that_a_guard_holds_up: format!("guard \"Wipes\" {{\n  limit intune.wipe to 1 per 1h, beyond that approve by team.soc within 8h\n}}\n\n{}", about_device("", "    approve \"Wipe?\" about drift.device, by team.soc, valid 1h\n    intune.wipe(drift.device)"));
    wipe_that_a_guard_holds_up_for_a_month: format!("guard \"Wipes\" {{\n  limit intune.wipe to 1 per 1h, beyond that approve by team.soc within 30d\n}}\n\n{}", about_device("", "    approve \"Wipe?\" about drift.device, by team.soc\n    intune.wipe(drift.device)"));
    wipe_that_a_guard_blocks: format!("guard \"Wipes\" {{\n  limit intune.wipe to 1 per 1h\n}}\n\n{}", about_device("", "    approve \"Wipe?\" about drift.device, by team.soc, valid 1h\n    intune.wipe(drift.device)"));
    wipe_at_a_level_that_tenants_set: format!("param grace: Duration = 1h\n\n{}", staged("", "  then {\n    approve \"Wipe?\" about drift.device, by team.soc\n  }\n  escalate after grace { intune.wipe(drift.device) }"));
    wipes_of_a_hundred_devices: about_device("  if drift.owner is present\n", "    let ds = intune.devices_of(drift.owner)\n    approve \"Wipe?\" about ds, by team.soc\n    for each d in ds {\n      intune.sync(d)\n      intune.wipe(d)\n    }");
    lock_long_after_approval_is_a_warning: about_device("", "    approve \"Lock?\" about drift.device, by team.soc\n    wait 3d\n    intune.remote_lock(drift.device)");
    revoked_inside_steps_before_blocked: format!("steps calm(user: User) {{\n  entra.revoke_sessions(user)\n}}\n\n{}", about_device("  if drift.owner is present\n", "    calm(drift.owner)\n    entra.block_sign_in(drift.owner)"));
    revoked_on_one_way_before_blocked: about_device("  if drift.owner is present\n", "    if intune.is_compliant(drift.device) {\n      entra.revoke_sessions(drift.owner)\n    }\n    wait 2h\n    entra.block_sign_in(drift.owner)");
    revoked_for_another_account: "use microsoft.entra\n\nplaybook p \"P\" {\n  when manual(one: User, other: User)\n\n  then {\n    entra.revoke_sessions(one)\n    entra.block_sign_in(other)\n  }\n}\n";
    level_that_is_always_skipped: staged("", "  then { intune.sync(drift.device) }\n  escalate after 4h unless 1 < 2 { intune.sync(drift.device) }\n  escalate after 24h { intune.sync(drift.device) }");
    level_that_the_head_rules_out: staged("  if drift.device.platform == windows\n", "  then { intune.sync(drift.device) }\n  escalate after 4h unless drift.device.platform == windows or intune.is_compliant(drift.device) {\n    intune.sync(drift.device)\n  }");
    levels_behind_a_goal_that_always_holds: staged("  resolved when not false\n", "  then { intune.sync(drift.device) }\n  escalate after 4h { intune.sync(drift.device) }\n  escalate after 24h { intune.sync(drift.device) }");
    level_that_can_come: staged("  if drift.device.platform == windows\n  resolved when intune.is_compliant(drift.device)\n", "  then {\n    if drift.device.platform != ios { intune.sync(drift.device) }\n  }\n  escalate after 4h unless drift.device.platform == macos { intune.sync(drift.device) }");
    level_behind_the_end: staged("", "  then {\n    if intune.is_compliant(drift.device) {\n      end run \"fine\"\n    } else {\n      intune.sync(drift.device)\n      end run \"told to sync\"\n    }\n  }\n  escalate after 4h { intune.sync(drift.device) }");
    level_whose_time_has_passed: staged("", "  then { intune.sync(drift.device) }\n  wait 30d\n  escalate after 4h { intune.sync(drift.device) }");
    level_whose_time_has_passed_beside_a_wait: staged("", "  then {\n    in parallel {\n      intune.sync(drift.device)\n      wait 1d\n    }\n  }\n  escalate after 4h { intune.sync(drift.device) }");
    level_whose_time_may_pass: staged("", "  then {\n    if intune.is_compliant(drift.device) { wait 1d }\n    wait until intune.is_compliant(drift.device), at most 2d\n  }\n  escalate after 4h { intune.sync(drift.device) }");
    locks_everything_in_a_list: about_device("  if drift.owner is present\n", "    let all_devices = intune.devices_of(drift.owner)\n    without approval because \"stolen\" {\n      for each d in all_devices {\n        if d.id != drift.device.id { intune.remote_lock(d) }\n      }\n    }");
    locks_at_most_some: about_device("  if drift.owner is present\n", "    without approval because \"stolen\" {\n      for each d in intune.devices_of(drift.owner), refuse more than 10 {\n        intune.remote_lock(d)\n      }\n    }");
    locks_those_that_are_written_down: about_device("", "    let both = [drift.device, drift.device]\n    without approval because \"stolen\" {\n      for each d in list(x for x in both where x.platform != ios) {\n        intune.remote_lock(d)\n      }\n    }");
    locks_those_that_were_approved: about_device("  if drift.owner is present\n", "    let all_devices = intune.devices_of(drift.owner)\n    approve \"Lock?\" about all_devices, by team.soc\n    for each d in all_devices { intune.remote_lock(d) }");
    disables_everybody_in_a_list: "use microsoft.entra\n\nplaybook p \"P\" {\n  when every day at 06:00, for each user in entra.inactive_users(since: 90d)\n\n  then {\n    without approval because \"nobody uses them\" {\n      entra.disable(user)\n    }\n  }\n}\n";
    playbooks_that_oppose_each_other: two_about_a_user(("", "    entra.block_sign_in(user)"), ("", "    wait 1d\n    entra.unblock_sign_in(user)"));
    playbook_that_takes_back_what_it_did: two_about_a_user(("", "    entra.block_sign_in(user)"), ("", "    entra.block_sign_in(user)\n    wait 1d\n    entra.unblock_sign_in(user)"));
    playbooks_of_which_one_is_paused: two_about_a_user(("", "    entra.block_sign_in(user)"), ("  mode: paused\n", "    entra.unblock_sign_in(user)"));
    playbooks_that_never_meet: two_about_a_user(("  tenants: all except [\"contoso\"]\n", "    entra.block_sign_in(user)"), ("  tenants: [\"contoso\"]\n", "    entra.unblock_sign_in(user)"));
    one_playbook_that_does_both: two_about_a_user(("", "    if entra.is_enabled(user) {\n      entra.block_sign_in(user)\n    } else {\n      entra.unblock_sign_in(user)\n    }"), ("", "    entra.revoke_sessions(user)"));
    step_after_the_end: about_device("", "    end run \"done\"\n    intune.sync(drift.device)");
    steps_behind_conditions_that_are_certain: about_device("", "    if false { intune.sync(drift.device) }\n    if 1 > 2 { intune.sync(drift.device) } else { intune.sync(drift.device) }\n    if true { intune.sync(drift.device) } else { intune.sync(drift.device) }\n    if false and drift.device.platform == ios { intune.sync(drift.device) }\n    wait until false, at most 1h {\n      met { intune.sync(drift.device) }\n    }\n    if not false { end run \"enough\" }\n    intune.sync(drift.device)");
    playbooks_that_never_start: "use microsoft.intune\n\nplaybook a \"A\" {\n  when intune.noncompliant as drift\n  if drift.owner is present and 1 > 2\n  then { intune.sync(drift.device) }\n}\n\nplaybook b \"B\" {\n  tenants: []\n  when intune.noncompliant as drift\n  then { intune.sync(drift.device) }\n}\n\nplaybook c \"C\" {\n  tenants: all except [\"contoso\", \"tailspin\"]\n  when intune.noncompliant as drift\n  then { intune.sync(drift.device) }\n}\n";
    matches_of_true_and_false: about_device("", "    match drift.device.name == \"x\" {\n      true { intune.sync(drift.device) }\n      false { }\n    }\n    match drift.device.name == \"y\" {\n      true { intune.sync(drift.device) }\n    }");
    matches_with_else_elsewhere: about_device("", "    match drift.device.platform {\n      else { }\n      ios { intune.sync(drift.device) }\n    }\n    match drift.device.platform {\n      ios { intune.sync(drift.device) }\n      else { }\n      else { intune.sync(drift.device) }\n    }\n    match drift.owner {\n      else { }\n      present { intune.sync(drift.device) }\n    }");
    levels_out_of_order: "use microsoft.intune\n\nplaybook p \"P\" {\n  when intune.noncompliant as drift\n  then { intune.sync(drift.device) }\n  escalate after 24h { intune.sync(drift.device) }\n  escalate after 4h { intune.sync(drift.device) }\n}\n";
    no_trigger: "use microsoft.intune\n\nplaybook p \"P\" {\n  then { end run }\n}\n";
    no_stage: "use microsoft.intune\n\nplaybook p \"P\" {\n  when intune.noncompliant as drift\n}\n";
    two_playbooks_of_one_id: "use microsoft.intune\n\nplaybook p \"P\" {\n  when intune.noncompliant as drift\n  then { end run }\n}\n\nplaybook p \"Q\" {\n  when intune.noncompliant as drift\n  then { end run }\n}\n";
    bad_mode: about_device("", "    intune.sync(drift.device)").replace("  when", "  mode: activ\n  when");
    unknown_setting: about_device("", "    intune.sync(drift.device)").replace("  when", "  mod: active\n  when");
    impact_understated: "connection graph2 {\n  base: \"https://graph.microsoft.com/v1.0\"\n  destructive: POST \"/devices/*/wipe\"\n}\n\naction erase(device: Device) {\n  impact: reversible\n  request: graph2.post(\"/devices/{device.id}/wipe\")\n}\n";
    impact_hidden_in_a_value: "connection graph2 {\n  base: \"https://graph.microsoft.com/v1.0\"\n  reversible: POST \"/devices/*/sync\"\n  destructive: POST \"/devices/*/wipe\"\n}\n\naction order(device: Device, verb: Text) {\n  impact: reversible\n  request: graph2.post(\"/devices/{device.id}/{verb}\")\n}\n";
    write_that_nothing_mentions: "action tag(device: Device) {\n  impact: reversible\n  request: graph.post(\"/deviceManagement/managedDevices/{device.id}/tag\")\n}\n";
    query_that_writes: "query touch(device: Device) -> Bool {\n  request: graph.post(\"/deviceManagement/managedDevices/{device.id}/touch\")\n  returns: body.ok\n}\n";
    action_on_nothing: "action flush() {\n  impact: reversible\n  request: graph.post(\"/deviceManagement/managedDevices/x/syncDevice\")\n}\n";
    unknown_connection: "query q(device: Device) -> Bool {\n  request: grahp.get(\"/x\")\n  returns: body.ok\n}\n";
    unknown_property: "query q(device: Device) -> Bool {\n  request: graph.get(\"/x\")\n  permision: \"X\"\n  returns: body.ok\n}\n";
    unknown_type: "query q(device: Devcie) -> Bool {\n  request: graph.get(\"/x\")\n  returns: body.ok\n}\n";
    constructor_lacks_a_field: "query q(id: Text) -> User {\n  request: graph.get(\"/x/{id}\")\n  returns: User(id: body.id, name: body.displayName)\n}\n";
    definition_that_calls_itself: "define f(x: Int) -> Int = g(x)\ndefine g(x: Int) -> Int = f(x) + 1\n";
    steps_that_call_each_other: "steps a(user: User) {\n  b(user)\n}\n\nsteps b(user: User) {\n  a(user)\n}\n";
    schedule_too_short: "use microsoft.entra\n\nplaybook p \"P\" {\n  when every 5s, for each user in entra.inactive_users(since: 90d)\n  then { entra.block_sign_in(user) }\n}\n";
    schedule_that_is_none: "use ticket\n\nplaybook p \"P\" {\n  when schedule \"0 25 * * MON\"\n  when schedule \"0 7 * *\"\n  when schedule \"0 0 31 2 *\"\n  then { ticket.create(title: \"x\", priority: low) }\n}\n";
    schedule_in_an_unknown_zone: "use ticket\n\nplaybook p \"P\" {\n  when schedule \"0 7 * * MON\" in \"Europe/Londn\"\n  then { ticket.create(title: \"x\", priority: low) }\n}\n";
    schedule_that_is_right: "use ticket\n\nplaybook p \"P\" {\n  when schedule \"0 7 * * MON-FRI\" in \"Europe/London\"\n  when every day at 09:00\n  then { ticket.create(title: \"x\", priority: low) }\n}\n";
    waits_for_what_is_no_time: "use ticket\n\nplaybook p \"P\" {\n  when manual(reason: Text, open: Bool)\n  then {\n    wait until reason\n    wait until open\n    wait until 25:00\n    ticket.create(title: \"x\", priority: low)\n  }\n}\n";
    waits_for_a_time_and_for_conditions: "use ticket\nuse microsoft.intune\n\ndefine due(start: Time) -> Time = start + 4h\n\nplaybook p \"P\" {\n  when manual(device: Device, open: Bool)\n  then {\n    wait until run.started + 4h\n    wait until due(run.started)\n    wait until (if open then due(now) else 2h from now)\n    wait until \"09:00\"\n    wait until \"soon\"\n    wait until 4h\n    wait until 09:00, at most 2h\n    wait until intune.is_compliant(device)\n    wait until open and device.name == \"x\"\n    wait until open { met { } }\n    wait until open, checking every 5m\n    ticket.create(title: \"x\", priority: low)\n  }\n  wait until run.started + 8h\n  wait until intune.is_compliant(device)\n}\n";
    an_approval_and_a_wait_for_the_clock: about_device("", "    approve \"Wipe?\" about drift.device, by team.soc, valid 24h\n    wait until 09:00\n    intune.wipe(drift.device)");
    patterns: "use ticket\n\nplaybook p \"P\" {\n  when manual(reason: Text, device: Text)\n  then {\n    if reason matches r\"^VPN-[0-9]+$\" { ticket.create(title: \"right\", priority: low) }\n    if reason matches r\"VPN-([0-9]+\" { ticket.create(title: \"x\", priority: low) }\n    if reason matches \"^VPN\" { ticket.create(title: \"x\", priority: low) }\n    if reason matches device { ticket.create(title: \"x\", priority: low) }\n    if reason matches r\"(a{1000}){1000}\" { ticket.create(title: \"x\", priority: low) }\n  }\n}\n";
    patterns_that_are_put_together: "use ticket\n\nplaybook p \"P\" {\n  when manual(reason: Text)\n  then {\n    if reason matches \"\" + reason { ticket.create(title: \"x\", priority: low) }\n  }\n}\n";
    poll_that_is_right: "use microsoft.graph\n\nevent e {\n  source: graph.poll(\"/x\", every: 1m, since: \"state/changedDateTime\")\n  field id: Text = raw.id\n}\n";
    polls_that_are_wrong: "use microsoft.graph\n\nevent a {\n  source: graph.poll(\"/x\", every: 1m, since: \"changed ge now\")\n  field id: Text = raw.id\n}\n\nevent b {\n  source: graph.poll(\"/x\", every: 0s, from: \"changedDateTime\")\n  field id: Text = raw.id\n}\n";
    subscription_that_is_right: "use microsoft.graph\n\nevent e {\n  source: graph.subscription(\"/x\", changes: [\"created\", \"updated\"], every: 12h, select: [\"id\"])\n  field id: Text = raw.id\n}\n";
    subscriptions_that_are_wrong: "use microsoft.graph\n\nevent a {\n  source: graph.subscription(\"/x\", every: 12h)\n  field id: Text = raw.id\n}\n\nevent b {\n  source: graph.subscription(\"/x\", changes: \"updated\", every: 12h)\n  field id: Text = raw.id\n}\n\nevent c {\n  source: graph.subscription(\"/x\", changes: [\"updatd\"], every: 12h)\n  field id: Text = raw.id\n}\n\nevent d {\n  source: graph.subscription(\"/x\", changes: [\"deleted\"], every: 12h)\n  field id: Text = raw.id\n}\n\nevent f {\n  source: graph.poll(\"/x\", changes: [\"updated\"], every: 1m)\n  field id: Text = raw.id\n}\n\nevent g {\n  source: graph.subscribe(\"/x\", changes: [\"updated\"], every: 1m)\n  field id: Text = raw.id\n}\n\nevent h {\n  source: graph.subscription(\"/x\", changes: [\"updated\"])\n  field id: Text = raw.id\n}\n";
    an_answer_approves_nothing: about_device("  if drift.owner is present\n", "    ask \"May we wipe it?\" to drift.owner {\n      \"Yes\" { intune.wipe(drift.device) }\n    }");
    asks_whom_there_may_not_be: about_device("", "    ask \"Was this you?\" to drift.owner {\n      \"Yes\" { }\n      \"No\", \"Yes\" { }\n    }");
    arms_that_cannot_be_joined: about_device("", "    intune.sync(drift.device) {\n      done, failed { }\n    }\n    approve \"Wipe?\" about drift.device, by team.soc {\n      rejected, unanswerd { }\n      rejected { }\n    }\n    intune.wipe(drift.device)");
    a_no_and_silence_open_nothing: about_device("", "    approve \"Wipe?\" about drift.device, by team.soc {\n      rejected, unanswered { intune.wipe(drift.device) }\n    }");
    asks_a_device: about_device("", "    ask \"Are you well?\" to drift.device {\n      \"Yes\" { }\n    }");
    asks_without_an_answer: about_device("  if drift.owner is present\n", "    ask \"Was this you?\" to drift.owner {\n      unanswered { }\n    }");
    waits_for_an_unknown_event: about_device("", "    wait for intune.noncompilant as later, at most 2h");
    waits_for_an_event_that_may_not_come: about_device("", "    wait for intune.noncompliant as later where later.device.id == drift.device.id, at most 2h\n    intune.sync(later.device)");
    asks_in_a_wait: about_device("", "    wait for intune.noncompliant as later where intune.is_compliant(later.device), at most 2h");
    undoes_what_was_not_done: about_device("  if drift.owner is present\n", "    undo entra.block_sign_in(drift.owner)");
    undoes_what_cannot_be: about_device("", "    intune.sync(drift.device)\n    undo intune.sync(drift.device)");
    decides_by_an_old_event: "use microsoft.(entra, identity)\n\nplaybook p \"P\" {\n  when identity.risk_detected as risk\n  if risk.level >= high\n  then {\n    let serious = risk.level >= high\n    if risk.level == critical { entra.block_sign_in(risk.user) }\n    wait 2h\n    if serious { entra.block_sign_in(risk.user) }\n  }\n  escalate after 4h {\n    if not (risk.level < high) and risk.reason != \"\" { entra.block_sign_in(risk.user) }\n    match risk.level {\n      high, critical { entra.block_sign_in(risk.user) }\n      else { }\n    }\n  }\n}\n";
    decides_by_an_old_event_in_other_words: "use microsoft.(entra, intune, identity)\nuse notify\n\ndefine is_guest(u: User) -> Bool = u.kind == guest\n\nplaybook p \"P\" {\n  when intune.noncompliant as drift\n  then {\n    wait 2h\n    if lower(drift.device.name) == \"x\" { intune.sync(drift.device) }\n    if length(drift.device.name) > 3 { intune.sync(drift.device) }\n    if drift.owner is present and is_guest(drift.owner) { intune.sync(drift.device) }\n    if any(d in [drift.device] where d.platform == ios) { intune.sync(drift.device) }\n    if \"{drift.device.name}\" == \"x\" { intune.sync(drift.device) }\n    if (if drift.device.platform == ios then true else false) { intune.sync(drift.device) }\n    if drift.device.id == \"d-1\" { intune.sync(drift.device) }\n    if drift.owner is present { intune.sync(drift.device) }\n    if any(d in intune.devices_of(User(id: \"u\", name: \"U\", kind: member)) where d.id == drift.device.id) { intune.sync(drift.device) }\n  }\n}\n\nplaybook q \"Q\" {\n  when every day at 06:00, for each user in entra.inactive_users(since: 90d)\n  then {\n    if user.kind == guest { entra.block_sign_in(user) }\n    wait 2h\n    if user.kind == guest { entra.block_sign_in(user) }\n    if any(name in [\"ana\", \"bo\"] where name == lower(user.name)) { entra.block_sign_in(user) }\n  }\n}\n";
    undoes_a_query: about_device("", "    undo intune.is_compliant(drift.device)");
    emits_what_comes_from_outside: about_device("", "    emit intune.noncompliant(device: drift.device)");
    emits_with_mistakes: about_device("", "    emit gone(devcie: drift.device, why: 3)\n    emit gone").replace("playbook", "event gone {\n  source: emit\n  field device: Device = raw.device\n  field why: Text = raw.reason\n}\n\nplaybook");
    a_playbook_that_starts_itself: about_device("", "    emit gone(device: drift.device)").replace("playbook", "event gone {\n  source: emit\n  field device: Device = raw.device\n}\n\nplaybook").replace("then {", "then {\n    ticket.create(title: \"x\", priority: low)").replace("intune.noncompliant as", "gone as");
    a_guard_over_a_text: "guard \"no\" {\n  protect name: Text where name == \"a\"\n}\n";
    a_guard_that_asks: "use microsoft.entra\n\nguard \"no\" {\n  protect user: User where entra.manager(user) is present\n}\n";
    a_guard_that_forbids_nothing: "guard \"no\" { }\n";
    limits_with_mistakes: "use microsoft.(entra, intune)\nuse notify\n\nguard \"no\" {\n  limit notify.email to 20 per 1h\n  limit entra.manager to 20 per 1h\n  limit entra.disable to 0 per 1h\n  limit entra.disable to 5 per 90d\n  limit entra.disable to 5 per 1h, beyond that approve by \"ana\" within 1h\n  limit entra.dissable to 5 per 1h\n}\n";
    a_parameter_whose_default_asks: "use microsoft.entra\n\nparam boss: Bool = entra.manager(User(id: \"x\", name: \"X\", kind: member)) is present\n";
    an_order_of_json: "event noted {\n  source: push\n  known_by: \"noteId\"\n  field loud: Bool = raw.volume > raw.limit\n  field same: Bool = raw.volume == raw.limit\n  field far: Bool = raw.volume > 3\n}\n";
    alternatives_with_different_names: "use microsoft.(entra, identity, intune)\n\nplaybook p \"P\" {\n  when identity.risk_detected as risk\n  when intune.noncompliant as drift\n  then {\n    entra.block_sign_in(risk.user)\n    intune.sync(drift.device)\n  }\n}\n";
    wipe_of_a_list_that_is_asked_anew: about_device("  if drift.owner is present\n", "    let all = intune.devices_of(drift.owner)\n    approve \"Wipe all?\" about all, by team.soc\n    for each d in intune.devices_of(drift.owner), refuse more than 5 {\n      intune.wipe(d)\n    }");
    parameters_with_mistakes: "param who: User = absent\nparam since: Time = now\nparam grace: Duration = \"4h\"\nparam limit: Int = 3\nparam limit: Int = 4\n";
    a_parameter_that_says_when_a_level_is_due: about_device("", "    intune.sync(drift.device)\n  }\n  escalate after grace { intune.sync(drift.device) }\n  escalate after 12h { intune.sync(drift.device)").replace("playbook", "param grace: Duration = 24h\n\nplaybook");
    services_and_facts: about_device("", "    if tenant.has(intnue) or tenant.has(\"intune\") or tenant.has() { intune.sync(drift.device) }\n    if time_of_day(drift.device) < 09:00 { intune.sync(drift.device) }\n    if run.stepz == [] { intune.sync(drift.device) }");
    tests_with_mistakes: about_device("", "    intune.sync(drift.device)") + "\ntest \"a\" of q {\n  given intune.noncompliant from \"a.json\"\n  given schedule p\n  given intune.is_compliant returns 3\n  given intune.comply returns true\n  given tenant \"contsoo\"\n  expect intune.is_compliant\n  expect intune.sync at soon\n  expect outcome complete\n}\n\ntest \"b\" {\n  given intune.is_compliant fails \"away\"\n}\n";
    tests_that_name_other_playbooks: about_device("", "    intune.sync(drift.device)") + "\ntest \"a\" of p {\n  given manual q(user: \"u-1\")\n  expect outcome completed\n}\n\ntest \"b\" of p {\n  given schedule nonsense\n  expect outcome completed\n}\n\nplaybook other \"Other\" {\n  when every day at 07:00\n  then { end run \"done\" }\n}\n\ntest \"c\" of p {\n  given schedule other\n  expect outcome completed\n}\n";
    tests_with_one_title: about_device("", "    intune.sync(drift.device)") + "\ntest \"It syncs\" of p {\n  given intune.noncompliant from \"a.json\"\n  expect outcome completed\n}\n\ntest \"It syncs\" of p {\n  given intune.noncompliant from \"a.json\"\n  expect intune.sync\n}\n\ntest \"It syncs!\" of p {\n  given intune.noncompliant from \"a.json\"\n  expect intune.sync at 0s\n}\n";
    a_test_of_a_webhook_in_another_tenant: "use ticket\n\ntype Leaver {\n  user: User\n}\n\nplaybook leaves \"Leaves\" {\n  when webhook \"offboarding\" as leaver: Leaver\n  then { ticket.create(title: \"x\", priority: low) }\n}\n\ntest \"a\" {\n  given tenant \"tailspin\"\n  given webhook \"offboarding\" from \"a.json\"\n  expect outcome completed\n}\n";
    a_module_whose_folder_is_misspelt: about_device("", "    intune.sync(drift.device)").replace("microsoft.(", "microsot.(");
    a_module_that_is_misspelt: about_device("", "    intune.sync(drift.device)\n    intune.retire(drift.device)").replace("(intune,", "(intnue,");
    a_use_that_cannot_be_read: about_device("", "    intune.sync(drift.device)\n    entra.block_sign_in(drift.owner)").replace("microsoft.(", "microsoft/(");
    an_enum_that_cannot_be_read: "enum Kind { a = \"A\", b = , c }\n\ndefine f(k: Kind) -> Bool = k == a or k == b or k == c\n";
    types_that_hold_each_other: "type B { c: C }\ntype C { a: A }\ntype A { b: B }\n";
    definitions_that_grow: (0..24).map(|i| format!("define f{}(x: Int) -> Int = f{i}(x) + f{i}(x)\n", i + 1)).fold("define f0(x: Int) -> Int = x\n".to_owned(), |all, line| all + &line);
    a_condition_that_cannot_be_read: about_device("  if drift.owner is present and and drift.device.platform == windows", "    entra.block_sign_in(drift.owner)\n    notify.email(drift.owner, subject: \"x\", body: \"x\")");
    the_first_of_a_list: about_device("  if drift.owner is present", "    let d = first(intune.devices_of(drift.owner))");
    emits_what_nobody_declares: about_device("", "    emit nothing(device: drift.device)");
    emits_what_is_misspelt: about_device("", "    emit gon(device: drift.device)\n    emit other(device: drift.device)").replace("playbook", "event gone {\n  source: emit\n  field device: Device = raw.device\n}\n\nplaybook");
    no_time_to_answer: about_device("", "    approve \"Sync?\" about drift.device, by team.soc, within 0m\n    approve \"Sync?\" about drift.device, by team.soc, within -1h\n    approve \"Sync?\" about drift.device, by team.soc, within soon");
    what_is_not_there_is_no_no: about_device("  if drift.owner is present", "    if not drift.owner.email { intune.sync(drift.device) }");
    a_duration_in_quotes: about_device("", "    wait \"4h\"\n    wait \"soon\"");
    several_mistakes_several_findings: about_device("  if drift.device.platfrom == windows\n", "    intune.sycn(drift.device)\n    wait 4\n    ticket.create(title: \"x\")\n    intune.wipe(drift.device)");
}

#[test]
fn mistakes_in_the_project_file() {
    let mut all = String::new();
    for config in [
        "",
        "[project]\nname = 3\n",
        "[project]\nname = \"X\"\nresponses = [\"compromised_users\"]\n",
        "[project]\nname = \"X\"\n\n[teams.soc]\nmembers = [\"ana\"]\n",
        "[project]\nname = \"X\"\n\n[tenants.a]\nid = \"a\"\nzone = \"Europe/Londn\"\n",
        "[project]\nname = \"X\"\n\n[tenant.a]\nid = \"a\"\n",
        "[project]\nname = \"X\"\n\n[secrets]\nprovider = \"vault\"\n",
        "[project]\nname = \"X\"\n\n[tenants.contoso]\nid = \"contoso\"\n\n[webhooks.offboarding]\n\n[webhooks.leavers]\nsecret = \"hook-leavers\"\ntenant = \"contso\"\n\n[webhooks.\"hr/new\"]\nsecret = \"Hook.Secret\"\ntenant = \"fabrikam\"\n",
        "[project\nname = \"X\"\n",
        "[project]\nname = \"X\"\n\n[tenants.a]\nid = \"a\"\nservices = [\"intune\", \"exchagne\"]\n\n[tenants.a.parameters]\ngrace = \"4h\"\n",
        "[project]\nname = \"X\"\nresponses = [\"stale_account\"]\n\n[playbooks.stale_acount]\nmode = \"paused\"\n\n[teams.it]\nmembers = [\"a@b.c\"]\n\n[connections.graph]\n\n[connections.exchange]\nsecret = \"aB3~xYzSuper.Secret\"\n",
    ] {
        let workspace =
            Workspace::new(Vec::new(), Some(("counterplay.toml".into(), config.into())));
        let compiled = workspace.compile();
        all.push_str(&format!(
            "{config}---\n{}\n",
            workspace.render(&compiled.diagnostics, false)
        ));
    }
    insta::assert_snapshot!(all);
}

#[test]
fn mistakes_in_credentials() {
    let mut all = String::new();
    for section in [
        "client_id = \"a\"\nsecret = \"s\"\ncertificate = \"c\"",
        "client_id = \"a\"\nsecret = \"s\"\n\n[connections.graph.destructive]\nclient_id = \"b\"",
        "client_id = \"a\"\nsecret = \"s\"\n\n[connections.graph.destructive]\nclient_id = \"a\"\nsecret = \"t\"",
        "client_id = \"a\"\nsecret = \"s\"\ndisruptive = { secret = \"t\" }",
        "client_id = \"a\"\nsecret = \"s\"\n\n[connections.graph.disruptive]\nclient_id = \"b\"\ncertificate = \"PLANTED/key\"",
        "client_id = \"a\"\nsecret = \"s\"\n\n[connections.graph.reversible]\nclient_id = \"b\"\nsecret = \"t\"",
        // Nothing is wrong with these.
        "client_id = \"a\"\ncertificate = \"c\"\n\n[connections.graph.disruptive]\nclient_id = \"b\"\nsecret = \"t\"\n\n[connections.graph.destructive]\nclient_id = \"d\"\ncertificate = \"e\"",
        "secret = \"s\"\ndestructive = { secret = \"t\" }",
    ] {
        let config = format!("[project]\nname = \"X\"\n\n[connections.graph]\n{section}\n");
        let workspace = Workspace::new(
            Vec::new(),
            Some(("counterplay.toml".into(), config.as_str().into())),
        );
        let rendered = workspace.render(&workspace.compile().diagnostics, false);
        assert!(!rendered.contains("PLANTED"), "{rendered}");
        all.push_str(&format!("{section}\n---\n{rendered}\n"));
    }
    insta::assert_snapshot!(all);
}

#[test]
fn mistakes_in_where_secrets_come_from() {
    let mut all = String::new();
    for section in [
        "provider = \"valt\"\naddress = \"https://vault.example.org\"",
        "prefix = \"CP_\"",
        "provider = \"vault\"",
        "provider = \"vault\"\naddress = \"http://vault.example.org:8200\"\nrole_id = \"r\"\nrefresh = \"1s\"",
        "provider = \"vault\"\naddress = \"https://vault.example.org:8200\"\ntoken = \"hvs.PLANTED\"\nmount = \"a/../b\"\nsecret_id_file = \"x\"",
        "provider = \"vault\"\naddress = \"https://vault.example.org:8200\"\ntoken_file = \"t\"\ntoken_variable = \"T\"\nrole_id = \"r\"\nsecret_id_file = \"s\"\nnamspace = \"team\"",
        "provider = \"azure-key-vault\"\naddress = \"https://me@contoso.vault.azure.net\"\nclient_secret = \"PLANTED\"\ntenant = \"contoso\"\nprefix = \"soc_\"",
        "provider = \"file\"\npath = 3\npassword = \"PLANTED\"",
        // Nothing is wrong with these.
        "provider = \"vault\"\naddress = \"http://127.0.0.1:8200\"\ntoken_file = \"t\"\npath = \"soc/{name}\"\nnamespace = \"team\"\nrefresh = \"1h\"",
        "provider = \"vault\"\naddress = \"https://vault.example.org:8200/\"\nrole_id = \"r\"\nsecret_id_variable = \"S\"\nauth_mount = \"soc\"",
        "provider = \"azure-key-vault\"\naddress = \"https://contoso.vault.azure.net\"",
        "provider = \"azure-key-vault\"\naddress = \"https://contoso.vault.azure.net\"\ntenant = \"t\"\nclient_id = \"c\"\nclient_secret_file = \"f\"",
    ] {
        let config = format!("[project]\nname = \"X\"\n\n[secrets]\n{section}\n");
        let workspace = Workspace::new(
            Vec::new(),
            Some(("counterplay.toml".into(), config.as_str().into())),
        );
        let rendered = workspace.render(&workspace.compile().diagnostics, false);
        assert!(!rendered.contains("PLANTED"), "{rendered}");
        all.push_str(&format!("{section}\n---\n{rendered}\n"));
    }
    insta::assert_snapshot!(all);
}

#[test]
fn a_connection_that_the_project_does_not_set_up() {
    let config = "[project]\nname = \"X\"\nresponses = [\"stale_account\"]\n\n[teams.it]\nmembers = [\"ana@example.org\"]\n\n[connections.graph]\n";
    let workspace = Workspace::new(Vec::new(), Some(("counterplay.toml".into(), config.into())));
    insta::assert_snapshot!(workspace.render(&workspace.compile().diagnostics, false));
}

#[test]
fn mistakes_about_the_canary() {
    let tenants = "[tenants.a]\nid = \"a\"\ngroups = [\"ring0\", \"gold\"]\n\n[tenants.b]\nid = \"b\"\n\n[teams.it]\nmembers = [\"a@b.c\"]\n\n[connections.graph]\n\n[connections.exchange]\n";
    let mut all = String::new();
    for (project, playbook) in [
        ("canary = \"ring1\"\n", ""),
        ("canary = \"production\"\n", ""),
        ("canary = true\n", ""),
        ("", "canary = \"gld\"\n"),
        ("", "canary = true\n"),
        ("", "canary = [\"ring0\"]\n"),
        // Nothing is wrong with these.
        ("canary = \"ring0\"\n", "canary = false\n"),
        ("", "canary = \"gold\"\nmode = \"simulate\"\n"),
    ] {
        let config = format!(
            "[project]\nname = \"X\"\nresponses = [\"stale_account\"]\n{project}\n[playbooks.stale_account]\n{playbook}\n{tenants}"
        );
        let workspace = Workspace::new(Vec::new(), Some(("counterplay.toml".into(), config)));
        let told = workspace.render(&workspace.compile().diagnostics, false);
        all.push_str(&format!("{project}{playbook}---\n{told}\n"));
    }
    let config = "[project]\nname = \"X\"\ncanary = \"ring0\"\n";
    let workspace = Workspace::new(Vec::new(), Some(("counterplay.toml".into(), config.into())));
    all.push_str(&workspace.render(&workspace.compile().diagnostics, false));
    insta::assert_snapshot!(all);
}

#[test]
fn mistakes_about_who_is_away() {
    let soc = "[project]\nname = \"X\"\n\n[teams.soc]\nmembers = [\"ana@example.org\", \"bo@example.org\"]\n\n";
    let mut all = String::new();
    for section in [
        "[away.ana]\nuntil = 2026-12-08\ndelegate = \"bo@example.org\"\n",
        "[away.\"ana@example.org\"]\nuntil = 2026-12-08\ndelegate = \"bo@exampel.org\"\n",
        "[away.\"ana@exampel.org\"]\nuntil = 2026-12-08\ndelegate = \"bo@example.org\"\n",
        "[away.\"nobody@example.org\"]\nuntil = 2026-12-08\ndelegate = \"bo@example.org\"\n",
        "[away.\"ana@example.org\"]\nuntil = 2026-12-08\ndelegate = \"Ana@example.org\"\n",
        "[away.\"ana@example.org\"]\nuntil = 2026-12-08T09:00:00\ndelegate = \"bo@example.org\"\n",
        "[away.\"ana@example.org\"]\nfrom = 2026-12-09\nuntil = 2026-12-08\ndelegate = \"bo@example.org\"\n",
        "[away.\"ana@example.org\"]\nuntil = \"next week\"\ndelegate = \"bo@example.org\"\n",
        "[away.\"ana@example.org\"]\nuntil = 2026-12-08\n",
        "[away.\"ana@example.org\"]\nuntil = 2026-12-08\ndelegate = \"bo@example.org\"\n\n[away.\"Ana@example.org\"]\nuntil = 2026-12-08\ndelegate = \"bo@example.org\"\n",
    ] {
        let config = format!("{soc}{section}");
        let workspace = Workspace::new(Vec::new(), Some(("counterplay.toml".into(), config)));
        let compiled = workspace.compile();
        let told = workspace.render(&compiled.diagnostics, false);
        all.push_str(&format!("{section}---\n{told}\n"));
    }
    insta::assert_snapshot!(all);
}

#[test]
fn a_day_of_absence_counts_to_its_end() {
    let config = "[project]\nname = \"X\"\n\n[teams.soc]\nmembers = [\"ana@example.org\", \"bo@example.org\"]\n\n[away.\"Ana@example.org\"]\nfrom = 2026-12-01T18:00:00+01:00\nuntil = 2026-12-08\ndelegate = \"bo@example.org\"\n";
    let workspace = Workspace::new(Vec::new(), Some(("counterplay.toml".into(), config.into())));
    let compiled = workspace.compile();
    assert!(compiled.diagnostics.is_empty());
    let deployment = compiled.file.expect("a project file").deployment;
    let absence = &deployment.away["ana@example.org"];
    let at = |ms: i64| counterplay_machine::duration::format_time_ms(ms);
    assert_eq!(
        absence.from_ms.map(at).as_deref(),
        Some("2026-12-01T17:00:00Z")
    );
    assert_eq!(at(absence.until_ms), "2026-12-09T00:00:00Z");
    assert_eq!(absence.delegate, "bo@example.org");
}
