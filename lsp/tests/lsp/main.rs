//! The features over projects in memory; the protocol itself is tested on the real binary in `tests/`.

mod completion;
mod hints;
mod incremental;
mod names;
mod projects;
mod random_edits;
mod screens;
mod support;
