//! Events in, durable runs, actions out: the engine that hosts compiled playbooks.

pub mod brake;
pub mod call;
pub mod clock;
pub mod connect;
pub mod engine;
pub mod finish;
mod links;
pub mod notary;
pub mod ocsf;
mod payload;
mod repeat;
pub mod room;
pub mod simulate;
mod spans;
pub mod store;
pub mod testing;
pub mod timeline;
pub mod undo;

pub use payload::Payload;
