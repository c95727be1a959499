//! Connectors against real sockets: scripted servers that misbehave, and the sandbox.

mod auth;
mod doubt;
mod egress;
mod http;
mod mail;
mod pages;
mod pauses;
mod server;
mod subscriptions;
mod support;
