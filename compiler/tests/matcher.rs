//! Random playbooks and random objects: what the index and the sparing reader say is what reading everything and
//! asking each playbook says.

use counterplay_compiler::workspace::{Source, Workspace};
use counterplay_machine::deployment::{Deployment, Mode};
use counterplay_machine::eval::{EvalError, TenantFacts};
use counterplay_machine::expr::Slot;
use counterplay_machine::index::Index;
use counterplay_machine::ingest::{self, Judgement, Recognised, Rejection, Scene, Typed};
use counterplay_machine::playbook::{Playbook, TriggerKind};
use counterplay_machine::reader::Reader;
use counterplay_machine::{Program, Value as Typing};
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Two events with fields of all kinds, read in all ways.
const EVENTS: &str = r#"
/// How bad.
enum Level ordered { unknown, low, medium = "Medium", high }

/// Who.
type Owner { name: Text, mail: Text?, level: Level }

/// Something was seen.
event seen {
  source: push
  known_by: "id", "level", "at"
  fires: once per (raw.id, raw.level, raw.more.state)
  field id: Text = raw.id
  field level: Level = raw.level
  field category: Text? = raw.category ?? raw.more.category
  field count: Int = raw.more.count
  field at: Time = raw.at
  field open: Bool = raw.more.open
  field took: Duration? = raw.took
  field owner: Owner? = raw.owner
  field extra: Json = raw.extra
  field tags: List<Text> = list(t.name for t in raw.tags where t.name is present)
  field owners: List<Owner> = raw.owners
  field first: Json? = first(t in raw.tags where t.on == true)
}

/// It was closed.
event closed {
  source: push
  known_by: "id", "closed"
  fires: when raw.state changes to "closed"
  field id: Text = raw.id
  field level: Level = raw.level
  field category: Text? = raw.category
  field count: Int = length(raw.closed.by ?? "")
}
"#;

const CONFIG: &str = r#"
[project]
name = "Test"

[teams.soc]
members = ["ana@example.org"]
teams_webhook = "soc"

[connections.teams]

[tenants.t0]
id = "t0"
groups = ["gold"]

[tenants.t1]
id = "t1"
groups = ["gold", "silver"]

[tenants.t2]
id = "t2"
domains = ["b"]
"#;

/// Conditions over what both events have, and over what only the first has.
fn atom() -> impl Strategy<Value = String> {
    let word = || prop::sample::select(vec!["a", "b", "c", "mail", "z"]);
    let level = || prop::sample::select(vec!["low", "medium", "high"]);
    let order = || prop::sample::select(vec!["<", "<=", ">", ">=", "==", "!="]);
    prop_oneof![
        (order(), level()).prop_map(|(op, l)| format!("it.level {op} {l}")),
        (level(), level()).prop_map(|(a, b)| format!("it.level in [{a}, {b}]")),
        (order(), 0..6_i64).prop_map(|(op, n)| format!("it.count {op} {n}")),
        (order(), 0..6_i64).prop_map(|(op, n)| format!("{n} {op} it.count")),
        (0..6_i64, 0..6_i64).prop_map(|(a, b)| format!("it.count in [{a}, {b}]")),
        word().prop_map(|w| format!("(it.category ?? \"a\") == \"{w}\"")),
        word().prop_map(|w| format!("it.id starts with \"{w}\"")),
        word().prop_map(|w| format!("it.id contains \"{w}\"")),
        word().prop_map(|w| format!("lower(it.id) == \"{w}\"")),
        word().prop_map(|w| format!("it.id matches r\"{w}+\"")),
        word().prop_map(|w| format!("tenant.name == \"{w}\"")),
        word().prop_map(|w| format!("\"{w}\" in tenant.domains")),
        Just("it.category is present".to_owned()),
        Just("it.category is absent".to_owned()),
        // These may fail: on a large number, on a text that spells none.
        (order(), 0..9_i64).prop_map(|(op, n)| format!("it.count + 1 {op} {n}")),
        (order(), 0..9_i64).prop_map(|(op, n)| format!("to_int(it.id) {op} {n}")),
    ]
}

/// Conditions over what only the first event has.
fn rich() -> impl Strategy<Value = String> {
    let word = || prop::sample::select(vec!["a", "b", "c", "mail", "z"]);
    let order = || prop::sample::select(vec!["<", "<=", ">", ">=", "==", "!="]);
    prop_oneof![
        4 => atom(),
        1 => Just("it.open".to_owned()),
        1 => Just("not it.open".to_owned()),
        1 => (order(), 1..4_i64).prop_map(|(op, n)| format!("it.at {op} now - {n}h")),
        1 => (order(), 1..4_i64).prop_map(|(op, n)| format!("(it.took ?? 1h) {op} {n}h")),
        1 => word().prop_map(|w| format!("any(t in it.tags where t == \"{w}\")")),
        1 => word().prop_map(|w| format!("it.tags contains \"{w}\"")),
        1 => (order(), 0..3_i64).prop_map(|(op, n)| format!("length(it.tags) {op} {n}")),
        1 => (order(), 0..3_i64)
            .prop_map(|(op, n)| format!("count(o in it.owners where o.level >= medium) {op} {n}")),
        1 => word().prop_map(|w| format!("any(o in it.owners where o.mail is present and o.mail == \"{w}\")")),
        1 => word().prop_map(|w| format!("(it.owner?.name ?? \"a\") == \"{w}\"")),
    ]
}

fn condition(atoms: BoxedStrategy<String>) -> BoxedStrategy<String> {
    let guarded = prop::sample::select(vec!["a", "b", "c"]).prop_map(|w| {
        format!("it.category is present and it.category >= \"{w}\" and length(it.category) < 4")
    });
    let leaf = prop_oneof![6 => atoms, 1 => guarded];
    leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) and ({b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("(({a}) or ({b}))")),
            inner.prop_map(|a| format!("not ({a})")),
        ]
    })
    .boxed()
}

fn playbooks() -> impl Strategy<Value = String> {
    let tenants = || {
        prop::sample::select(vec![
            "all",
            "all except [\"t0\"]",
            "all except [\"t0\", \"t1\"]",
            "group \"gold\"",
            "group \"silver\"",
            "[\"t0\", \"t2\"]",
        ])
    };
    let of_both = (
        tenants(),
        prop::sample::select(vec![
            "events.seen as it\n  when events.closed",
            "events.closed",
        ]),
        prop::option::of(condition(atom().boxed())),
    );
    let of_one = (
        tenants(),
        Just("events.seen"),
        prop::option::of(condition(rich().boxed())),
    );
    let one = prop_oneof![of_both, of_one].prop_map(|(tenants, when, condition)| {
        let condition = condition.map_or_else(String::new, |c| format!("  if {c}\n"));
        format!("  tenants: {tenants}\n  when {when} as it\n{condition}  then {{\n    notify.teams(team.soc, \"x\")\n  }}\n}}\n")
    });
    prop::collection::vec(one, 1..40).prop_map(|all| {
        let mut text = "use events, notify\n".to_owned();
        for (number, body) in all.iter().enumerate() {
            text.push_str(&format!("\nplaybook p{number} \"P{number}\" {{\n{body}"));
        }
        text
    })
}

fn compile(playbooks: &str) -> (Program, Deployment) {
    let source = |module: &str, text: &str| Source {
        path: format!("{module}.play"),
        module: module.into(),
        text: text.into(),
    };
    let workspace = Workspace::new(
        vec![source("events", EVENTS), source("case", playbooks)],
        Some(("counterplay.toml".into(), CONFIG.into())),
    );
    let compiled = workspace.compile();
    assert!(
        !compiled.has_errors(),
        "{playbooks}\n{}",
        workspace.render(&compiled.diagnostics, false)
    );
    let deployment = compiled.file.map(|f| f.deployment).unwrap_or_default();
    (compiled.program, deployment)
}

/// Any JSON, often of a kind that fits somewhere.
fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        (0..9_i64).prop_map(Json::from),
        prop::sample::select(vec![
            json!(1.5),
            json!(i64::MAX),
            json!(u64::MAX),
            json!(-1)
        ]),
        prop::sample::select(vec![
            "a",
            "b",
            "c",
            "mail",
            "Medium",
            "low",
            "HIGH",
            "new",
            "7",
            "",
            "2026-01-31T08:00:00Z",
            "2h",
            "closed",
            "ü\u{1F600}\"\\",
        ])
        .prop_map(Json::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Json::from),
            prop::collection::vec((key(), inner), 0..4)
                .prop_map(|fields| fields.into_iter().collect()),
        ]
    })
}

fn key() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "id", "level", "category", "at", "more", "took", "owner", "extra", "tags", "owners",
        "closed", "state", "name", "on", "mail", "count", "open", "by", "", "other",
    ])
    .prop_map(str::to_owned)
}

/// An object that is an event, most of the time with a few places that are something else; as text, in which names may
/// stand twice.
fn object() -> impl Strategy<Value = String> {
    let owner =
        |name: &str, level: &str| json!({"name": name, "mail": name, "level": level, "x": [1]});
    let good = (
        prop::sample::select(vec!["a", "bb", "mail1", "7", "99999999999999999999"]),
        prop::sample::select(vec!["low", "medium", "HIGH", "odd"]),
        prop::option::of(prop::sample::select(vec!["a", "b", "cccc"])),
        prop::sample::select(vec![0_i64, 1, 3, 5, i64::MAX]),
        any::<bool>(),
        0..3_usize,
    )
        .prop_map(move |(id, level, category, count, open, some)| {
            let tags: Vec<Json> = (0..some)
                .map(|i| json!({"name": if i == 0 { json!("a") } else { Json::Null }, "on": open, "y": {"z": i}}))
                .collect();
            let owners: Vec<Json> = (0..some).map(|_| owner("mail", level)).collect();
            vec![
                ("id".to_owned(), json!(id)),
                ("level".to_owned(), json!(level)),
                ("category".to_owned(), json!(category)),
                ("at".to_owned(), json!("2026-05-28T18:00:00.5Z")),
                ("more".to_owned(), json!({"count": count, "open": open, "state": "x", "other": [[{}]]})),
                ("took".to_owned(), if open { json!("90m") } else { Json::Null }),
                ("owner".to_owned(), if some > 0 { owner("a", "high") } else { Json::Null }),
                ("extra".to_owned(), json!({"k": [1, {"l": null}]})),
                ("tags".to_owned(), json!(tags)),
                ("owners".to_owned(), json!(owners)),
                ("state".to_owned(), json!("closed")),
                ("closed".to_owned(), json!({"by": "abc"})),
                ("noise".to_owned(), json!({"deep": [{"er": [1, 2, "…"]}], "text": "a\"b"})),
            ]
        });
    (
        good,
        prop::collection::vec((any::<prop::sample::Index>(), any_json()), 0..2),
        prop::collection::vec((key(), any_json()), 0..3),
        prop::collection::btree_set(0..13_usize, 0..2),
    )
        .prop_map(|(mut fields, changed, more, gone)| {
            for (at, value) in changed {
                let at = at.index(fields.len());
                fields[at].1 = value;
            }
            let kept = fields
                .into_iter()
                .enumerate()
                .filter(|(i, _)| !gone.contains(i));
            let fields: Vec<String> = kept
                .map(|(_, field)| field)
                .chain(more)
                .map(|(name, value)| format!("{}:{value}", Json::from(name)))
                .collect();
            format!("{{{}}}", fields.join(", "))
        })
}

fn tenant(deployment: &Deployment, name: &str) -> TenantFacts {
    TenantFacts::of(name, &deployment.tenants[name])
}

fn scene<'a>(
    program: &'a Program,
    deployment: &'a Deployment,
    tenant: &'a TenantFacts,
) -> Scene<'a> {
    Scene {
        program,
        deployment,
        tenant,
        now_ms: 1_780_000_000_000,
    }
}

/// Everything that a reader says, without the object itself.
type Said = (Recognised, Vec<(String, Result<Typed, Rejection>)>);

fn said(scene: Scene<'_>, json: &Json, read: &dyn Fn(&str) -> Json) -> Said {
    let events = ["events.seen", "events.closed", "events.none"];
    let typed = events.map(|event| {
        let typed = ingest::read(scene, event, &read(event)).map(|mut typed| {
            let raw = scene.program.events[event].raw;
            typed.slots.remove(&raw);
            typed
        });
        (event.to_owned(), typed)
    });
    (ingest::recognise(scene.program, json), typed.into())
}

fn sparing(reader: &Reader, event: Option<&str>, text: &str) -> Result<Json, String> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let json = reader
        .wanted(event)
        .read(&mut deserializer)
        .map_err(|e| e.to_string())?;
    deserializer.end().map_err(|e| e.to_string())?;
    Ok(json)
}

/// The plain way: each playbook by itself.
fn plain(
    scene: Scene<'_>,
    event: &str,
    record: &Typing,
) -> BTreeMap<Arc<str>, Result<Judgement, EvalError>> {
    let groups = &scene.deployment.tenants[&scene.tenant.name].groups;
    let waits = |p: &&Playbook| {
        ingest::mode(scene.deployment, p) != Mode::Paused
            && p.tenants.includes(&scene.tenant.name, groups)
            && p.triggers
                .iter()
                .any(|t| matches!(&t.kind, TriggerKind::Event(e) if &**e == event))
    };
    let waiting = scene.program.playbooks.values().filter(waits);
    waiting
        .map(|p| {
            let slots: BTreeMap<Slot, Typing> = p
                .event_slot
                .map(|s| (s, record.clone()))
                .into_iter()
                .collect();
            (p.id.clone(), ingest::judge(scene, p, &slots, false))
        })
        .collect()
}

/// How many were turned down by the index, of those that wait.
fn compare(index: &Index, scene: Scene<'_>, event: &str, typed: &Typed) -> (usize, usize) {
    let awake = index.awake(scene.program, scene.deployment);
    let all = plain(scene, event, &typed.record);
    let found = index.find(&awake, scene, event, &typed.record, usize::MAX);
    let again = index.find(&awake, scene, event, &typed.record, 3);
    assert_eq!(found.waiting, all.len());
    assert_eq!(found.candidates, again.candidates);
    assert_eq!(found.others[..found.others.len().min(3)], again.others[..]);
    let mut seen = BTreeSet::new();
    for candidate in &found.candidates {
        let judged = &all[candidate.playbook];
        if candidate.holds {
            assert!(
                matches!(judged, Ok(Judgement::Yes { .. })),
                "{} is said to hold: {judged:?}",
                candidate.playbook
            );
        }
        seen.insert(candidate.playbook);
    }
    let others: BTreeSet<&Arc<str>> = found.others.into_iter().collect();
    for (id, judged) in &all {
        let is_out = matches!(judged, Ok(Judgement::No { .. }));
        assert!(seen.contains(id) != others.contains(id));
        assert!(is_out || seen.contains(id), "{id} is missed: {judged:?}");
    }
    let named = index.is_awaited(&awake, scene.deployment, &scene.tenant.name, event);
    assert_eq!(named, !all.is_empty());
    (others.len(), all.len())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_index_finds_what_asking_each_finds(
        text in playbooks(),
        objects in prop::collection::vec(object(), 24),
        paused in prop::collection::btree_set(0..40_usize, 0..3),
    ) {
        let (program, mut deployment) = compile(&text);
        for number in paused {
            deployment.modes.insert(format!("p{number}"), Mode::Paused);
        }
        let index = Index::new(&program);
        for object in objects {
            let json: Json = serde_json::from_str(&object).expect("JSON");
            for name in ["t0", "t1", "t2"] {
                let tenant = tenant(&deployment, name);
                let scene = scene(&program, &deployment, &tenant);
                for event in ["events.seen", "events.closed"] {
                    if let Ok(typed) = ingest::read(scene, event, &json) {
                        compare(&index, scene, event, &typed);
                    }
                }
            }
        }
    }
}

/// The declarations alone, compiled once.
fn declared() -> (Program, Deployment, Reader) {
    let (program, deployment) = compile("use events\n");
    let reader = Reader::new(&program);
    (program, deployment, reader)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    #[test]
    fn the_sparing_reader_says_what_reading_everything_says(
        objects in prop::collection::vec((object(), any::<prop::sample::Index>(), 0..6_usize), 3_000),
    ) {
        let (program, deployment, reader) = declared();
        let tenant = tenant(&deployment, "t0");
        let scene = scene(&program, &deployment, &tenant);
        let (mut read, mut broken) = (0, 0);
        for (mut text, at, how) in objects {
            // One in three is damaged as a text, too.
            let mut at = at.index(text.len());
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            match how {
                0 => text.truncate(at),
                1 => text.insert_str(at, ["\\ud83d", "1e999", "\"", "{", ",", "\u{1}", "0"][at % 7]),
                _ => {}
            }
            let whole = serde_json::from_str::<Json>(&text).map_err(|e| e.to_string());
            let sparing_json = sparing(&reader, None, &text);
            let Ok(json) = whole else {
                prop_assert_eq!(sparing_json.err(), whole.err());
                broken += 1;
                continue;
            };
            let little = sparing_json.expect("what is JSON for one is JSON for the other");
            let all = said(scene, &json, &|_| json.clone());
            read += all.1.iter().filter(|(_, typed)| typed.is_ok()).count();
            let by_text = said(scene, &little, &|event| {
                sparing(&reader, Some(event), &text).expect("JSON")
            });
            prop_assert_eq!(&by_text, &all, "{}", text);
            let by_all = said(scene, &little, &|_| little.clone());
            prop_assert_eq!(&by_all, &all, "{}", text);
        }
        prop_assert!(read > 500 && broken > 200, "{} were read, {} broken", read, broken);
    }
}

/// What the index turns down, and what it leaves to be judged: only conditions that may fail, and what stands behind.
#[test]
fn playbooks_are_turned_down_before_they_are_looked_at() {
    let heads = [
        ("level", "if it.level >= high"),
        (
            "guarded",
            "if it.category is present and it.category == \"b\"",
        ),
        ("words", "if it.id contains \"zz\" and to_int(it.id) > 3"),
        ("sum", "if it.count + 1 > 3 and it.level >= high"),
        ("late", "if it.level >= low and it.count + 1 > 3"),
    ];
    let mut text = "use events, notify\n".to_owned();
    for (id, condition) in heads {
        text.push_str(&format!("\nplaybook {id} \"X\" {{\n  when events.seen as it\n  {condition}\n  then {{\n    notify.teams(team.soc, \"x\")\n  }}\n}}\n"));
    }
    let (program, deployment) = compile(&text);
    let object = json!({
        "id": "7", "level": "low", "category": "a", "more": {"count": 1, "open": true},
        "at": "2026-05-28T18:00:00Z", "owners": [],
    });
    let tenant = tenant(&deployment, "t0");
    let scene = scene(&program, &deployment, &tenant);
    let typed = ingest::read(scene, "events.seen", &object).expect("an event");
    let index = Index::new(&program);
    let awake = index.awake(&program, &deployment);
    let found = index.find(&awake, scene, "events.seen", &typed.record, 9);
    let left: Vec<(&str, bool)> = found
        .candidates
        .iter()
        .map(|c| (&**c.playbook, c.holds))
        .collect();
    assert_eq!(left, [("late", false), ("sum", false)]);
    assert_eq!(compare(&index, scene, "events.seen", &typed), (3, 5));
    assert!(
        index.bytes() > 0 && index.bytes() < 8_000,
        "{}",
        index.bytes()
    );
}
