//! Connectors against real sockets: scripted servers that misbehave, and the sandbox.

mod auth;
mod egress;
mod http;
mod mail;
mod pages;
mod pauses;
mod server;
mod stores;
mod subscriptions;
mod support;
