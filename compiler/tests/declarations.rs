//! What the checker says about integrations that hide what they reach, and about names that would mean two things.
//! Each snapshot holds the source and the rendered findings.

use counterplay_compiler::workspace::{Source, Workspace};

const CONFIG: &str = r#"
[project]
name = "Test"

[teams.soc]
members = ["ana@example.org", "bo@example.org"]
email = "soc@example.org"

[tenants.contoso]
id = "contoso"
domains = ["example.org"]

[connections.graph]
[connections.halopsa]
[connections.mail]
[connections.scanner]
base = "https://scanner.example.org/api"
[connections.scanner2]
base = "https://Scanner.example.org:443/api/"
"#;

fn checked(modules: &[(&str, &str)], config: &str) -> String {
    let sources = modules
        .iter()
        .map(|(module, text)| Source {
            path: format!("playbooks/{module}.play"),
            module: (*module).into(),
            text: (*text).into(),
        })
        .collect();
    let workspace = Workspace::new(sources, Some(("counterplay.toml".into(), config.into())));
    let compiled = workspace.compile();
    workspace.render(&compiled.diagnostics, false)
}

fn findings(source: &str) -> String {
    // The sections of connections that a source does not declare would be told of, too.
    let mut config = CONFIG.to_owned();
    for name in ["scanner2", "scanner"] {
        if !source.contains(&format!("connection {name} ")) {
            let at = config
                .find(&format!("[connections.{name}]\n"))
                .expect("a section");
            let end = config[at + 1..]
                .find('[')
                .map_or(config.len(), |e| at + 1 + e);
            config.replace_range(at..end, "");
        }
    }
    format!("{source}\n---\n{}", checked(&[("case", source)], &config))
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
    names_that_are_always_there: r#"use microsoft.(intune, entra)
use ticket

param failure: Int = 3

steps tell(run: Text) {
  ticket.create(title: run, priority: low)
}

define longer(approval: Text) -> Text = approval

query who(tenant: Text) -> Text {
  request: graph.get("/x/{tenant}")
  returns: body.id
}

playbook a "A" {
  when intune.noncompliant as tenant

  then {
    let team = ticket.create(title: "x", priority: high)
    let run = entra.user("ana") {
      failed { end run }
    }
    for each approval in intune.devices_of(run) { intune.sync(approval) }
    if any(failure in intune.devices_of(run) where failure.platform == ios) { end run }
    wait for intune.noncompliant as failure, at most 2h {
      came { intune.sync(failure.device) }
    }
  }
}

playbook b "B" {
  when manual(team: Text)

  then { ticket.create(title: team, priority: low) }
}
"#;
    argument_that_is_called_team: "use ticket\n\nevent joined {\n  source: push\n  known_by: \"team\"\n  field team: Text = raw.team\n  field run: Text = raw.run\n}\n\naction assign(case: Ticket, team: Text) {\n  impact: notify\n  request: halopsa.post(\"/api/tickets\", json: [{ id: case.id, team: team }])\n}\n";
    types_that_every_playbook_knows: "type User {\n  id: Text\n  name: Text\n}\n\nenum Severity ordered { unknown, low, high }\n\ntype Text {\n  id: Int\n}\n\ntype Recipient {\n  id: Int\n}\n\nguard \"nobody\" {\n  protect u: User where u.name == \"root\"\n}\n";
    settings_that_stand_twice: "use microsoft.intune\n\nplaybook p \"P\" {\n  mode: paused\n  tenants: all\n  tags: [\"a\"]\n  mode: active\n  tenants: [\"contoso\"]\n  tags: [\"b\"]\n  when intune.noncompliant as drift\n\n  then { intune.sync(drift.device) }\n}\n";
    answers_that_are_never_looked_at: "query q(device: Device) -> Bool? {\n  request: graph.get(\"/x/{device.id}\")\n  on 404 where body.code == \"gone\": absent\n  on 404: absent\n  on 404: \"not there\"\n  on 403: \"no\"\n  on 404 where body.code == \"moved\": \"moved\"\n  returns: body.ok\n}\n";
    keys_that_stand_twice: "action remember(device: Device) {\n  impact: notify\n  request: halopsa.post(\"/api/tickets\",\n    query: { a: 1, a: 2 },\n    headers: { Prefer: \"x\", prefer: \"y\" },\n    json: { id: device.id, nested: { name: \"a\", name: \"b\" }, id: device.name })\n}\n";
    headers_that_make_another_call: "action remember(device: Device) {\n  impact: notify\n  request: halopsa.post(\"/api/tickets\",\n    headers: { \"X-Note\": device.id, authorization: device.id, HOST: \"a\", \"x-http-method-override\": \"DELETE\", \"X-Original-URL\": \"/x\", \"Transfer-Encoding\": \"chunked\", \"a\\nb\": \"c\", \"\": \"d\", cookie: \"e\" },\n    json: { id: device.id })\n}\n";
    calls_that_write_with_get: "connection scanner {\n  auth: none\n  destructive: GET \"/devices/*/wipe\"\n  reversible: GET \"/devices/*/scan\"\n  reads: GET \"/devices/*/state\"\n}\n\naction note(device: Device) {\n  impact: notify\n  request: scanner.get(\"/devices/{device.id}/wipe\")\n}\n\naction scan(device: Device) {\n  impact: reversible\n  request: scanner.get(\"/devices/{device.id}/scan\")\n}\n\nquery wiped(device: Device) -> Bool {\n  request: scanner.get(\"/devices/{device.id}/wipe\")\n  returns: body.ok\n}\n\nquery any_of(device: Device, what: Text) -> Bool {\n  request: scanner.get(\"/devices/{device.id}/{what}\")\n  returns: body.ok\n}\n\nquery state(device: Device) -> Bool {\n  request: scanner.get(\"/devices/{device.id}/state\")\n  returns: body.ok\n}\n\nevent wiped_all {\n  source: scanner.poll(\"/devices/all/wipe\", every: 5m)\n  field id: Text = raw.id\n}\n";
    less_harm_at_the_same_address: "connection tame {\n  base: \"https://GRAPH.microsoft.com:443/v1.0/\"\n  auth: none\n  notify: POST \"/deviceManagement/managedDevices/*/wipe\"\n  reads: POST \"/deviceManagement/managedDevices/*/retire\"\n  notify: POST \"/deviceManagement/managedDevices/*/*\"\n  reversible: POST \"/deviceManagement/managedDevices/*/remind\"\n}\n\nconnection root {\n  base: \"https://graph.microsoft.com\"\n  auth: none\n  notify: POST \"/v1.0/deviceManagement/managedDevices/*/wipe\"\n}\n\nconnection beta {\n  base: \"https://graph.example.org/v1.0\"\n  auth: none\n  notify: POST \"/deviceManagement/managedDevices/*/wipe\"\n}\n\naction wipe(device: Device) {\n  impact: notify\n  request: tame.post(\"/deviceManagement/managedDevices/{device.id}/wipe\")\n}\n\naction wipe_too(device: Device) {\n  impact: notify\n  request: root.post(\"/v1.0/deviceManagement/managedDevices/{device.id}/wipe\")\n}\n\naction wipe_elsewhere(device: Device) {\n  impact: notify\n  request: beta.post(\"/deviceManagement/managedDevices/{device.id}/wipe\")\n}\n\naction remind(device: Device) {\n  impact: reversible\n  request: tame.post(\"/deviceManagement/managedDevices/{device.id}/remind\")\n}\n\nquery retired(device: Device) -> Bool {\n  request: tame.post(\"/deviceManagement/managedDevices/{device.id}/retire\")\n  returns: body.ok\n}\n";
    less_harm_at_an_address_of_the_project_file: "connection scanner {\n  auth: none\n  destructive: DELETE \"/scans/*\"\n}\n\nconnection scanner2 {\n  auth: none\n  notify: DELETE \"/scans/*\"\n}\n\naction forget(device: Device) {\n  impact: notify\n  request: scanner2.delete(\"/scans/{device.id}\")\n}\n";
    orders_that_name_nothing: "use microsoft.(entra, intune)\n\naction a(user: User) {\n  impact: notify\n  after: entra.blok_sign_in, b, a, entra.block_sign_in, entra.is_enabled, block_sign_in\n  request: halopsa.post(\"/api/tickets\", json: { id: user.id })\n}\n\naction b(user: User) {\n  impact: notify\n  after: \"a\", exchange.disable_rule\n  request: halopsa.post(\"/api/tickets\", json: { id: user.id })\n}\n";
    an_order_of_another_module: "use microsoft.entra\n\naction tell(user: User) {\n  impact: notify\n  after: entra.block_sign_in\n  request: halopsa.post(\"/api/tickets\", json: { id: user.id })\n}\n\nplaybook p \"P\" {\n  when manual(user: User)\n\n  then {\n    tell(user)\n    entra.block_sign_in(user)\n  }\n}\n";
    calls_that_reach_what_nobody_approves: r#"connection scanner {
  auth: none
  destructive: POST "/wipe"
  destructive: POST "/wipe/*"
  reversible: PATCH "/users/*"
  reversible: POST "/users/block"
}

enum How { gently, at_once, unknown }

type Job {
  dev: Device
}

type Batch {
  jobs: List<Job>
}

type Alert {
  id: Text
  title: Text
  owner: User?
}

action wipe_ids(u: User, ids: List<Text>) {
  impact: destructive
  request: scanner.post("/wipe", json: { devices: ids })
}

action bulk(u: User, job: Job, batch: Batch) {
  impact: reversible
  request: scanner.post("/users/block", json: { who: [job.dev.id], all: list(j.dev.id for j in batch.jobs) })
}

action anything(u: User, job: Json) {
  impact: reversible
  request: scanner.post("/users/block", json: { who: job.dev.id })
}

action block_by_id(ticket: Ticket, id: Text) {
  impact: reversible
  request: scanner.patch("/users/{id}", json: { accountEnabled: false })
}

action block_owner(alert: Alert) {
  impact: reversible
  request: scanner.patch("/users/{alert.id}", json: { owner: alert.owner?.id, all: alert })
}

define joined(ids: List<Text>, extra: Text) -> Text = join(list("{i}{extra}" for i in ids), ",")

action in_words(u: User, ids: List<Text>, n: Int, q: Text, h: Text) {
  impact: destructive
  request: scanner.post(
    "/wipe/{u.id}",
    query: { q: upper(q), n: n + 1 },
    headers: { "X-Anchor": (if h == "" then u.id else "x") },
    json: { who: joined(ids, u.id) },
  )
}
"#;
    calls_that_reach_what_is_approved: r#"connection scanner {
  auth: none
  destructive: POST "/wipe/*"
  reversible: POST "/users/block"
}

enum How { gently, at_once, unknown }

type Alert {
  id: Text
  title: Text
  owner: User?
  raw: Json
}

param site: Text = "main"

define shown(alert: Alert) -> Text = "{alert.title} ({alert.id})"

action wipe(
  alert: Alert, devices: List<Device>, on addresses: List<Text>, how: How, at: Time?, sure: Bool, key: Secret<Text>,
  why: Text, tags: List<Text>, before: Json,
) {
  impact: destructive
  details: why, tags, before
  request: scanner.post(
    "/wipe/{alert.id}",
    query: { site: site, run: run.id, tenant: tenant.id },
    headers: { "X-Key": key, "X-How": (if sure then "now" else "later") },
    json: {
      title: shown(alert),
      raw: alert.raw.anything.at.all,
      devices: list(d.id for d in devices where d.platform != ios),
      addresses: addresses,
      how: how,
      at: at,
      why: "{why} ({run.id})",
      tags: tags,
      etag: before.etag,
      password: new_password(),
    },
  )
}

action say(user: User, why: Text) {
  impact: reversible
  request: scanner.post("/users/block", json: { user: user, why: why })
}
"#;
    details_that_are_none: "connection scanner {\n  auth: none\n  destructive: POST \"/wipe/*\"\n}\n\naction wipe(device: Device, reason: Text) {\n  impact: destructive\n  details: reasn, device, \"x\"\n  request: scanner.post(\"/wipe/{device.id}\", json: { why: reason })\n}\n\naction wipe_by_id(device: Device, id: Text) {\n  impact: destructive\n  details: id\n  request: scanner.post(\"/wipe/{id}\")\n}\n";
    revoked_in_a_branch_and_blocked_behind_it: "use microsoft.(entra, intune)\n\nplaybook wrong \"W\" {\n  when manual(user: User, device: Device)\n\n  then {\n    in parallel {\n      entra.revoke_sessions(user)\n      intune.sync(device)\n    }\n    entra.block_sign_in(user)\n  }\n}\n\nplaybook right \"R\" {\n  when manual(user: User, device: Device)\n\n  then {\n    in parallel {\n      entra.block_sign_in(user)\n      intune.sync(device)\n    }\n    entra.revoke_sessions(user)\n  }\n}\n";
    revoked_before_blocked_in_two_loops: "use microsoft.entra\n\nplaybook wrong \"W\" {\n  when manual(ids: List<Text>)\n\n  then {\n    let us = entra.inactive_users(since: 90d)\n    for each u in us { entra.revoke_sessions(u) }\n    for each v in us { entra.block_sign_in(v) }\n  }\n}\n\nplaybook right \"R\" {\n  when manual(ids: List<Text>)\n\n  then {\n    let us = entra.inactive_users(since: 90d)\n    for each u in us { entra.block_sign_in(u) }\n    for each u in us { entra.revoke_sessions(u) }\n  }\n}\n\nplaybook others \"O\" {\n  when manual(ids: List<Text>)\n\n  then {\n    let us = entra.inactive_users(since: 90d)\n    let others = entra.inactive_users(since: 180d)\n    for each u in us { entra.revoke_sessions(u) }\n    for each u in others { entra.block_sign_in(u) }\n  }\n}\n";
}

#[test]
fn a_section_that_sets_up_no_connection() {
    let config = format!("{CONFIG}\n[connections.grph]\n\n[connections.unheard_of]\n")
        .replace(
            "[connections.scanner]\nbase = \"https://scanner.example.org/api\"\n",
            "",
        )
        .replace(
            "[connections.scanner2]\nbase = \"https://Scanner.example.org:443/api/\"\n",
            "",
        );
    insta::assert_snapshot!(checked(&[], &config));
}
