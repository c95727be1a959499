//! In: a running sandbox. Out: whether it answers over real connections as the services would.

mod batch;
mod client;
mod devices;
mod exchange;
mod faults;
mod identity;
mod mail;
mod messages;
mod pager;
mod rules;
mod running;
mod subscriptions;
mod tickets;
mod tokens;
mod users;
