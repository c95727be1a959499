//! Connectors against real sockets: scripted servers that misbehave, and the sandbox.

mod auth;
mod batch;
mod certificate;
mod circuit;
mod credentials;
mod doubt;
mod egress;
mod http;
mod limits;
mod mail;
mod pages;
mod pauses;
mod server;
mod stores;
mod subscriptions;
mod support;
