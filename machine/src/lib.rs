//! The compiled playbook and its stepper: data and pure functions. No I/O, clock, randomness or async.
//!
//! The compiler makes a [`Program`]; a host (the engine, a simulation, a test) gives a run's state
//! and an input to [`step::step`] and gets a new state, effects to perform and a journal back.

pub mod canary;
pub mod changes;
pub mod cron;
pub mod declare;
pub mod deployment;
pub mod draw;
pub mod duration;
pub mod eval;
pub mod expr;
pub mod guard;
pub mod hash;
pub mod hook;
pub mod index;
pub mod ingest;
pub mod journal;
pub mod json;
pub mod login;
pub mod pattern;
pub mod permissions;
pub mod playbook;
pub mod program;
pub mod reader;
pub mod request;
pub mod response;
pub mod schedule;
pub mod secret_store;
pub mod state;
pub mod step;
pub mod testcase;
pub mod types;
pub mod value;

pub use program::Program;
pub use value::Value;
