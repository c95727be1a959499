//! What the environment says of OpenTelemetry in; spans about runs sent to a collector (OTLP over HTTP), or nothing, out.
//!
//! Spans are put into a queue that holds so many and no more; a thread of its own sends them. A collector that is slow or
//! gone costs the spans that do not fit, and no run any time.

use crate::error::Failure;
use opentelemetry::trace::TracerProvider;
use opentelemetry::trace::{Link, SpanBuilder, SpanKind, TraceContextExt, TraceId, Tracer};
use opentelemetry::{Context, KeyValue, Value};
use opentelemetry_otlp::SpanExporter as Otlp;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    IdGenerator, RandomIdGenerator, SdkTracer, SdkTracerProvider, Span, SpanData, SpanExporter,
};
use sha2::{Digest, Sha256};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::{Layer, Registry};

/// How long the last spans are waited for at the end.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// The part of the program whose spans and lines are sent: what is about runs, and nothing of the libraries.
const PART: &str = "counterplay_runtime";

/// Spans on their way to a collector. The last ones are sent when this is stopped.
#[derive(Debug)]
pub struct Telemetry(SdkTracerProvider);

impl Telemetry {
    /// What the variables of OpenTelemetry ask for: nothing where no address of a collector is among them.
    ///
    /// # Errors
    /// When they cannot be carried out.
    pub fn from_environment() -> Result<Option<Telemetry>, Failure> {
        let set = |name: &str| std::env::var(name).ok();
        if !is_wanted(&set) {
            return Ok(None);
        }
        let cannot = |why: String| {
            Failure::cannot_start(format!(
                "spans cannot be sent as the variables of OpenTelemetry ask for: {why}"
            ))
        };
        if let Some(protocol) = other_protocol(&set) {
            return Err(cannot(format!(
                "OTEL_EXPORTER_OTLP_PROTOCOL is {protocol}, and only http/protobuf is spoken"
            )));
        }
        let otlp = Otlp::builder().with_http().build();
        let exporter = Telling {
            otlp: otlp.map_err(|error| cannot(error.to_string()))?,
            is_lost: AtomicBool::new(false),
        };
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let mut resource = Resource::builder().with_attribute(version);
        if !is_named(&set) {
            resource = resource.with_service_name("counterplay");
        }
        Ok(Some(Telemetry(
            SdkTracerProvider::builder()
                .with_resource(resource.build())
                .with_id_generator(ByRun::default())
                .with_batch_exporter(exporter)
                .build(),
        )))
    }

    /// What takes spans.
    pub fn layer(&self) -> Box<dyn Layer<Registry> + Send + Sync> {
        let tracer = self.0.tracer("counterplay");
        tracing_opentelemetry::layer()
            .with_tracer(OfRuns(tracer))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_context_activation(false)
            .with_filter(Targets::new().with_target(PART, LevelFilter::INFO))
            .boxed()
    }

    /// Sends the last spans, as far as the collector takes them in time.
    pub fn stop(self) {
        if let Err(error) = self.0.shutdown_with_timeout(STOP_WITHIN) {
            tracing::warn!("the last spans were not sent: {error}");
        }
    }
}

type Set<'a> = &'a dyn Fn(&str) -> Option<String>;

fn is_wanted(set: Set<'_>) -> bool {
    let is =
        |name: &str, value: &str| set(name).is_some_and(|v| v.trim().eq_ignore_ascii_case(value));
    let addresses = [
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    ];
    addresses
        .iter()
        .any(|name| set(name).is_some_and(|v| !v.trim().is_empty()))
        && !is("OTEL_SDK_DISABLED", "true")
        && !is("OTEL_TRACES_EXPORTER", "none")
}

/// A protocol that is asked for and not spoken.
fn other_protocol(set: Set<'_>) -> Option<String> {
    let names = [
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        "OTEL_EXPORTER_OTLP_PROTOCOL",
    ];
    let asked = names
        .iter()
        .find_map(|name| set(name).filter(|v| !v.trim().is_empty()));
    asked.filter(|v| !v.trim().eq_ignore_ascii_case("http/protobuf"))
}

/// Whether the environment names the service.
fn is_named(set: Set<'_>) -> bool {
    set("OTEL_SERVICE_NAME").is_some_and(|name| !name.is_empty())
        || set("OTEL_RESOURCE_ATTRIBUTES").is_some_and(|all| {
            let mut keys = all.split(',').filter_map(|pair| pair.split('=').next());
            keys.any(|key| key.trim() == "service.name")
        })
}

/// An exporter that tells when the collector is lost, and when it is there again.
#[derive(Debug)]
struct Telling {
    otlp: Otlp,
    is_lost: AtomicBool,
}

impl SpanExporter for Telling {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let sent = self.otlp.export(batch).await;
        let was_lost = self.is_lost.swap(sent.is_err(), Ordering::SeqCst);
        match &sent {
            Err(error) if !was_lost => tracing::warn!(
                %error,
                "the collector of OpenTelemetry does not take spans; they are dropped until it does"
            ),
            Ok(()) if was_lost => {
                tracing::warn!("the collector of OpenTelemetry takes spans again")
            }
            _ => {}
        }
        sent
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.otlp.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.otlp.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.otlp.set_resource(resource);
    }
}

thread_local! {
    /// The trace that the span belongs to which is being made.
    static TRACE: Cell<Option<TraceId>> = const { Cell::new(None) };
}

/// Makes ids, those of traces by what [`OfRuns`] says.
#[derive(Debug, Default)]
struct ByRun(RandomIdGenerator);

impl IdGenerator for ByRun {
    fn new_trace_id(&self) -> TraceId {
        TRACE.take().unwrap_or_else(|| self.0.new_trace_id())
    }

    fn new_span_id(&self) -> opentelemetry::trace::SpanId {
        self.0.new_span_id()
    }
}

/// Puts all spans of a run into one trace, however long it takes and however often the service is started in between.
struct OfRuns(SdkTracer);

impl Tracer for OfRuns {
    type Span = Span;

    fn build_with_context(&self, mut builder: SpanBuilder, parent: &Context) -> Span {
        if builder.name == "attempt" {
            builder.span_kind = Some(SpanKind::Client);
        }
        let Some(trace) = trace_of(&builder) else {
            return self.0.build_with_context(builder, parent);
        };
        let from = parent.span().span_context().clone();
        if from.trace_id() == trace {
            return self.0.build_with_context(builder, parent);
        }
        if from.is_valid() {
            // What it came from belongs to no run, or to another one.
            builder
                .links
                .get_or_insert_default()
                .push(Link::with_context(from));
        }
        TRACE.set(Some(trace));
        let span = self.0.build_with_context(builder, &Context::new());
        TRACE.set(None);
        span
    }
}

/// The trace of the run that a span is about: made of the run's id.
fn trace_of(builder: &SpanBuilder) -> Option<TraceId> {
    let mut attributes = builder.attributes.iter().flatten();
    let run = attributes.find(|attribute| attribute.key.as_str() == "run")?;
    let Value::String(run) = &run.value else {
        return None;
    };
    let digest = Sha256::digest(run.as_str().as_bytes());
    let mut id = [0; 16];
    id.copy_from_slice(digest.get(..16)?);
    Some(TraceId::from_bytes(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &'static [(&str, &str)]) -> impl Fn(&str) -> Option<String> {
        |name| {
            pairs
                .iter()
                .find(|(n, _)| *n == name)
                .map(|(_, v)| (*v).to_owned())
        }
    }

    #[test]
    fn spans_are_sent_only_where_an_address_says_where() {
        assert!(!is_wanted(&of(&[])));
        assert!(!is_wanted(&of(&[("OTEL_EXPORTER_OTLP_ENDPOINT", " ")])));
        assert!(is_wanted(&of(&[(
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "http://c:4318"
        )])));
        assert!(is_wanted(&of(&[(
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            "http://c/v1"
        )])));
        assert!(!is_wanted(&of(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"),
            ("OTEL_SDK_DISABLED", "TRUE"),
        ])));
        assert!(!is_wanted(&of(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"),
            ("OTEL_TRACES_EXPORTER", "none"),
        ])));
    }

    #[test]
    fn other_protocols_and_names_are_seen() {
        assert_eq!(other_protocol(&of(&[])), None);
        assert_eq!(
            other_protocol(&of(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")])),
            None
        );
        let grpc = other_protocol(&of(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]));
        assert_eq!(grpc.as_deref(), Some("grpc"));
        assert!(!is_named(&of(&[(
            "OTEL_RESOURCE_ATTRIBUTES",
            "a=service.name"
        )])));
        assert!(is_named(&of(&[(
            "OTEL_RESOURCE_ATTRIBUTES",
            "a=b, service.name=c"
        )])));
        assert!(is_named(&of(&[("OTEL_SERVICE_NAME", "c")])));
    }

    #[test]
    fn a_run_has_one_trace() {
        let about = |run: &'static str| {
            let attributes = vec![KeyValue::new("step", "1"), KeyValue::new("run", run)];
            trace_of(&SpanBuilder::from_name("call").with_attributes(attributes))
        };
        assert!(about("r-1").is_some_and(|id| id != TraceId::INVALID));
        assert_eq!(about("r-1"), about("r-1"));
        assert_ne!(about("r-1"), about("r-2"));
        assert_eq!(trace_of(&SpanBuilder::from_name("matching")), None);
    }
}
