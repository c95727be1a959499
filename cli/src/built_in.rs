//! Nothing in, the project that comes with the binary out: the five shipped responses and sample events.

use include_dir::{Dir, include_dir};
use std::collections::BTreeMap;

/// The project file of the built-in project.
pub const CONFIG: &str = include_str!("../../examples/shipped-responses/counterplay.toml");
/// The name under which messages mention it.
pub const CONFIG_PATH: &str = "built-in:/counterplay.toml";

/// The project file of the tour, which `serve --sandbox` opens.
pub const TOUR_CONFIG: &str = include_str!("../../examples/tour/counterplay.toml");

static TOUR: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../examples/tour/playbooks");

/// The tour's own playbooks, by path.
pub fn tour_files() -> BTreeMap<String, String> {
    TOUR.files()
        .filter_map(|file| {
            let path = format!("playbooks/{}", file.path().to_str()?);
            Some((path, file.contents_utf8()?.to_owned()))
        })
        .collect()
}

static EVENTS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../examples/shipped-responses/events");

/// A sample event by its file name.
pub fn event(name: &str) -> Option<&'static str> {
    EVENTS.get_file(name)?.contents_utf8()
}
