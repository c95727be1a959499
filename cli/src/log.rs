//! What the environment and a service's options say of the log in; a log on standard error, as text or as JSON lines, out.

use crate::args::LogFormat;
use crate::error::Failure;
use crate::out;
use crate::telemetry::Telemetry;
use counterplay_compiler::near;
use std::sync::atomic::{AtomicBool, Ordering};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt};

/// What a service tells unless it is asked for something else.
const SERVICE: &str = "warn";

/// Whether standard error holds JSON lines and nothing else.
static JSON_LINES: AtomicBool = AtomicBool::new(false);

type Told = Box<dyn Layer<Registry> + Send + Sync>;

/// A log that has begun. What it sends elsewhere is sent when it is dropped.
#[derive(Debug, Default)]
pub struct Log(Option<Telemetry>);

/// What a command tells of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tells {
    /// What it is asked for.
    Asked,
    /// The same, and it drives runs, whose spans may be wanted elsewhere.
    Runs,
    /// It is a service, which always tells what goes wrong, in this format.
    Service(LogFormat),
}

/// Starts the log: `COUNTERPLAY_LOG=debug` writes what happens inside to standard error; a service always tells what goes
/// wrong. What drives runs sends spans to a collector where the variables of OpenTelemetry say so.
///
/// # Errors
/// When what the environment says cannot be understood.
pub fn start(tells: Tells) -> Result<Log, Failure> {
    let service = match tells {
        Tells::Service(format) => Some(format),
        Tells::Asked | Tells::Runs => None,
    };
    let asked = std::env::var("COUNTERPLAY_LOG").ok();
    let asked = asked.or_else(|| service.map(|_| SERVICE.to_owned()));
    let layer = asked.map(|asked| layer(&asked, service)).transpose()?;
    let telemetry = match tells {
        Tells::Asked => None,
        Tells::Runs | Tells::Service(_) => Telemetry::from_environment()?,
    };
    let spans = telemetry.as_ref().map(Telemetry::layer);
    let layers: Vec<Told> = layer.into_iter().chain(spans).collect();
    if !layers.is_empty() {
        // A second one in the same process (tests) is refused, and the first goes on.
        let _ = Registry::default().with(layers).try_init();
    }
    Ok(Log(telemetry))
}

impl Drop for Log {
    fn drop(&mut self) {
        if let Some(telemetry) = self.0.take() {
            telemetry.stop();
        }
    }
}

fn layer(asked: &str, service: Option<LogFormat>) -> Result<Told, Failure> {
    let filter = match no_level(asked) {
        Some(why) => Err(why),
        None => EnvFilter::try_new(asked).map_err(|error| error.to_string()),
    };
    let filter = filter.map_err(|why| {
        Failure::cannot_start(format!(
            "COUNTERPLAY_LOG is not understood ({why}); it is a level such as `info`, or levels by part such as `warn,counterplay_runtime=debug`"
        ))
    })?;
    let layer = fmt::layer().with_writer(std::io::stderr);
    if service != Some(LogFormat::Json) {
        return Ok(layer
            .with_ansi(out::is_error_colored())
            .with_filter(filter)
            .boxed());
    }
    JSON_LINES.store(true, Ordering::SeqCst);
    let told = concat!(module_path!(), "=info")
        .parse()
        .map_err(|error| Failure::cannot_start(format!("{error}")))?;
    Ok(layer.json().with_filter(filter.add_directive(told)).boxed())
}

/// A word that stands for itself and is no level. The filter takes it for the name of a part, of which it then tells
/// everything, and of all others nothing, not even errors.
fn no_level(asked: &str) -> Option<String> {
    let spans = asked.contains(['[', '{']);
    let mut words = asked.split(',').map(str::trim);
    let word = words.find(|word| {
        !spans && !word.is_empty() && !word.contains('=') && word.parse::<LevelFilter>().is_err()
    })?;
    let levels = ["error", "warn", "info", "debug", "trace", "off"];
    let near = near::best(word, levels);
    let meant = near.map_or_else(
        || format!("for all of a part write `{word}=trace`"),
        |near| format!("did you mean `{near}`?"),
    );
    Some(format!("`{word}` is no level; {meant}"))
}

/// Takes what people are told on standard error into the log, where that is to hold nothing but JSON lines; whether it did.
pub fn takes(text: &str) -> bool {
    let takes = JSON_LINES.load(Ordering::SeqCst);
    let text = text.trim();
    if takes && !text.is_empty() {
        tracing::info!("{}", anstream::adapter::strip_str(text));
    }
    takes
}
