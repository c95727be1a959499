//! Spans of a real service at a real collector: with run, step, tenant and playbook, a run in one trace; and a collector that
//! does not answer delays nothing.

use counterplay_tests::collector::Collector;
use counterplay_tests::contained::{PLAYBOOK, lead};
use counterplay_tests::outside;
use counterplay_tests::service::Service;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use std::collections::BTreeSet;
use std::net::TcpListener;
use std::process::Command;
use std::time::{Duration, Instant};

fn serve(variables: &[(&str, &str)]) -> Service {
    let variables: Vec<(String, String)> = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Service::with(
        tempfile::tempdir().expect("a folder"),
        &["--sandbox"],
        &variables,
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_gets_the_spans_of_a_run_in_one_trace() {
    let collector = Collector::start();
    let mut service = serve(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.address),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=abc"),
    ]);
    let run = lead(&service).await;
    // Sooner than the next batch would be sent: the last spans are sent at the stop.
    let (code, said) = service.stopped().await;
    assert_eq!(code, Some(0), "{said}");

    let received = collector.received();
    let first = received.first().expect("a request");
    assert!(first.line.starts_with("POST /v1/traces "), "{}", first.line);
    assert_eq!(first.headers["content-type"], "application/x-protobuf");
    assert_eq!(first.headers["x-key"], "abc");

    let spans = collector.spans();
    for span in &spans {
        assert_eq!(span.resource["service.name"], "counterplay");
        assert!(!span.attributes["tenant"].is_empty(), "{span:#?}");
        if let Some(run) = span.attributes.get("run") {
            for key in ["step", "playbook"] {
                let value = span.attributes.get(key);
                assert!(
                    value.is_some_and(|v| !v.is_empty()),
                    "{run} {key}: {span:#?}"
                );
            }
        }
    }
    let of: Vec<_> = spans
        .iter()
        .filter(|s| s.attributes.get("run") == Some(&run))
        .collect();
    let names: BTreeSet<&str> = of.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(
        Vec::from_iter(names),
        ["approval", "attempt", "call", "message", "transition"]
    );
    let traces: BTreeSet<&str> = of.iter().map(|span| span.trace.as_str()).collect();
    assert_eq!(traces.len(), 1, "{traces:?}");
    assert!(
        of.iter()
            .all(|span| span.attributes["playbook"] == PLAYBOOK)
    );
    assert!(of.iter().all(|span| span.attributes["tenant"] == "contoso"));

    // A call that was throttled has two attempts, which are its children.
    let blocking = of
        .iter()
        .find(|span| span.name == "call" && span.attributes["callable"] == "entra.block_sign_in");
    let blocking = &blocking.expect("the call").span;
    let attempts: Vec<_> = of
        .iter()
        .filter(|s| s.span.parent_span_id == blocking.span_id && s.name == "attempt")
        .filter(|s| s.attributes["callable"] == "entra.block_sign_in")
        .collect();
    let numbers: Vec<&str> = attempts
        .iter()
        .map(|s| s.attributes["number"].as_str())
        .collect();
    assert_eq!(numbers, ["1", "2"]);
    assert!(
        attempts
            .iter()
            .all(|s| s.span.kind == SpanKind::Client as i32)
    );
    assert!(
        blocking.end_time_unix_nano - blocking.start_time_unix_nano > 900_000_000,
        "it was asked to wait for a second"
    );
    // The start of a run points to the event that it came from.
    let begin = of
        .iter()
        .find(|span| span.attributes["step"] == "begin")
        .expect("a start");
    let from = begin.span.links.first().expect("a link");
    let matched = spans
        .iter()
        .find(|s| s.span.span_id == from.span_id)
        .expect("it was sent");
    assert_eq!(
        (matched.name.as_str(), matched.attributes["what"].as_str()),
        ("matched", PLAYBOOK)
    );
    let ended = of
        .iter()
        .flat_map(|span| &span.span.events)
        .any(|e| e.name == "the run has ended");
    assert!(ended, "{of:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_never_answers_delays_nothing() {
    // Connections are taken by the system, and nobody ever reads.
    let mute = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", mute.local_addr().expect("an address"));
    let mut service = serve(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &address),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "500"),
        ("OTEL_BSP_SCHEDULE_DELAY", "100"),
        // Full at once.
        ("OTEL_BSP_MAX_QUEUE_SIZE", "4"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "2"),
    ]);
    let begun = Instant::now();
    lead(&service).await;
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "{:?}",
        begun.elapsed()
    );
    let asked = Instant::now();
    let (code, said) = service.stopped().await;
    assert_eq!(code, Some(0), "{said}");
    assert!(
        asked.elapsed() < Duration::from_secs(12),
        "{:?}",
        asked.elapsed()
    );
    let told = said
        .matches("the collector of OpenTelemetry does not take spans")
        .count();
    assert_eq!(told, 1, "{said}");
}

#[test]
fn a_protocol_that_is_not_spoken_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new(outside::counterplay())
        .args(["serve", "--sandbox", "--listen", "127.0.0.1:0"])
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4317")
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
        .current_dir(folder.path())
        .output()
        .expect("it starts");
    let said = outside::printed(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("only http/protobuf is spoken"), "{said}");
}
