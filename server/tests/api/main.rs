//! The REST API and the triggers over HTTP: a whole service with a real store and a made-up outside.

mod approvals;
mod archived;
mod bad_input;
mod clock;
mod deploys;
mod deploys_of_files;
mod documented;
mod four_eyes;
mod hung_up;
mod identity;
mod links;
mod metrics;
mod pauses;
mod playbooks;
mod records;
mod routes;
mod runs;
#[path = "../../../cli/src/sandboxed.rs"]
#[allow(dead_code, reason = "the command line uses more of it")]
mod sandboxed;
mod service;
mod settle;
mod stream;
mod support;
mod triggers;
