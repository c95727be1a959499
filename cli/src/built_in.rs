//! Nothing in, the project that comes with the binary out: the five shipped responses and sample events.

use include_dir::{Dir, include_dir};

/// The project file of the built-in project.
pub const CONFIG: &str = include_str!("../../examples/shipped-responses/counterplay.toml");
/// The name under which messages mention it.
pub const CONFIG_PATH: &str = "built-in:/counterplay.toml";

static EVENTS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../examples/shipped-responses/events");

/// A sample event by its file name.
pub fn event(name: &str) -> Option<&'static str> {
    EVENTS.get_file(name)?.contents_utf8()
}
