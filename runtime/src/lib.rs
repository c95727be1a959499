//! Events in, durable runs, actions out: the engine that hosts compiled playbooks.

pub mod call;
pub mod clock;
pub mod engine;
pub mod store;
pub mod connect;
pub mod simulate;
pub mod timeline;
