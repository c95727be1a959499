//! Real events in, a verdict for each out: a typed event, a precise rejection, or "not known".

use counterplay_machine::deployment::Deployment;
use counterplay_machine::eval::TenantFacts;
use counterplay_machine::ingest::{self, Observation, Recognised, Scene, Typed};
use counterplay_machine::reader::Reader;
use counterplay_machine::{Program, Value};
use serde_json::Value as Json;

fn verdict(program: &Program, json: &Json) -> String {
    let deployment = Deployment::default();
    let tenant = TenantFacts {
        name: "contoso".into(),
        id: "contoso".into(),
        zone: "UTC".into(),
        domains: vec!["contoso.com".into(), "contoso.onmicrosoft.com".into()],
        ..Default::default()
    };
    let scene = Scene {
        program,
        deployment: &deployment,
        tenant: &tenant,
        now_ms: 0,
    };
    let recognised = ingest::recognise(program, json);
    sparing(scene, json, &recognised);
    match recognised {
        Recognised::Unknown => "not known to the library".into(),
        Recognised::Ambiguous(events) => format!("ambiguous: {}", events.join(", ")),
        Recognised::Event(event) => match ingest::read(scene, &event, json) {
            Err(rejection) => format!("rejected: {rejection}"),
            Ok(typed) => {
                let fires = match &typed.observation {
                    Observation::Fires => "fires".to_owned(),
                    Observation::Quiet(why) => format!("does not fire: {why}"),
                    Observation::FiresIfChanged {
                        reached: true,
                        value,
                        ..
                    } => format!("fires on the change to {value}"),
                    Observation::FiresIfChanged { value, .. } => {
                        format!("does not fire: the value is {value}")
                    }
                    Observation::FiresOnce { key } => format!("fires once per {key}"),
                };
                let unlisted = if typed.unlisted.is_empty() {
                    String::new()
                } else {
                    format!(
                        "\n    unlisted values became unknown: {}",
                        typed.unlisted.join(", ")
                    )
                };
                let fields = match &typed.record {
                    Value::Record(record) => record
                        .fields
                        .iter()
                        .map(|(name, value)| format!("\n    {name}: {}", value.redacted_json()))
                        .collect::<String>(),
                    _ => String::new(),
                };
                format!("{event}, {fires}{unlisted}{fields}")
            }
        },
    }
}

/// Reading only what declarations look at says the same, whatever the object is said to be.
fn sparing(scene: Scene<'_>, json: &Json, recognised: &Recognised) {
    let reader = Reader::new(scene.program);
    let little = reader.wanted(None).read(json).expect("JSON");
    assert_eq!(&ingest::recognise(scene.program, &little), recognised);
    for (name, event) in &scene.program.events {
        let without_object = |typed: Result<Typed, _>| {
            typed.map(|mut typed| {
                typed.slots.remove(&event.raw);
                typed
            })
        };
        let all = without_object(ingest::read(scene, name, json));
        let little = reader.wanted(Some(name)).read(json).expect("JSON");
        assert_eq!(
            without_object(ingest::read(scene, name, &little)),
            all,
            "{name}"
        );
    }
}

#[test]
fn every_event_of_the_corpus_gets_a_verdict() {
    let folder = counterplay_tests::root().join("../shared/corpus/events");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("skipped: there is no folder ../shared/corpus/events beside the repository");
        return;
    };
    let program = counterplay_tests::library();
    let mut files: Vec<_> = entries
        .filter_map(Result::ok)
        .map(|e| e.path())
        .filter(|p| p.extension().is_some_and(|e| e == "json"))
        .collect();
    files.sort();
    assert!(files.len() >= 60, "only {} files", files.len());
    let mut report = String::new();
    for file in files {
        let name = file
            .file_name()
            .and_then(|n| n.to_str())
            .unwrap_or("?")
            .to_owned();
        let bytes = std::fs::read(&file).expect("a readable file");
        let text = match serde_json::from_slice::<Json>(&bytes) {
            Err(error) => format!("not JSON: {error}"),
            Ok(json) => match json.get("value").and_then(Json::as_array) {
                Some(items) => items
                    .iter()
                    .enumerate()
                    .map(|(i, item)| format!("[{i}] {}", verdict(&program, item)))
                    .collect::<Vec<_>>()
                    .join("\n  "),
                None => verdict(&program, &json),
            },
        };
        report.push_str(&format!("{name}\n  {text}\n"));
    }
    insta::assert_snapshot!(report);
}

/// Any part of an event may be missing or of another type; what comes out is a verdict, never a panic.
#[test]
fn broken_events_are_answered() {
    let program = counterplay_tests::library();
    let mut count = 0;
    for file in [
        "risk-detection",
        "noncompliant-device",
        "forwarding-rule",
        "mfa-registration",
    ] {
        let path = counterplay_tests::root()
            .join(format!("examples/shipped-responses/events/{file}.json"));
        let json: Json =
            serde_json::from_slice(&std::fs::read(path).expect("an event")).expect("JSON");
        let whole = verdict(&program, &json);
        assert!(whole.contains("fires"), "{file}: {whole}");
        let keys: Vec<String> = json
            .as_object()
            .map(|o| o.keys().cloned().collect())
            .unwrap_or_default();
        for key in keys {
            for broken in [
                Json::Null,
                Json::Bool(true),
                Json::from(7),
                Json::from("\u{0}"),
                Json::from(vec![Json::Null, Json::from(1.5)]),
                serde_json::json!({ "nested": { "deep": [1, 2, 3] } }),
            ] {
                let mut json = json.clone();
                json[key.as_str()] = broken;
                assert!(!verdict(&program, &json).is_empty());
                count += 1;
            }
            let mut json = json.clone();
            json.as_object_mut().map(|o| o.remove(&key));
            assert!(!verdict(&program, &json).is_empty());
        }
    }
    assert!(count > 200, "{count}");
}
