//! A session or a token in; who it is, what they may do and for which tenants out.

mod access;

pub use access::{Caller, Permission, Principal, Role, Scope};
