//! A stateful stand-in for the outside: Graph, Intune, Exchange, a ticket system, chat and mail.
//!
//! [`Sandbox::start`] opens one HTTP port and one SMTP port and answers on them as the real services
//! would: the documented paths, status codes and bodies, errors included. Behind them is one small
//! [`Tenant`] that remembers what was done to it. [`demo_tenant`] is the one that the product demo shows.
//!
//! | service | base |
//! | --- | --- |
//! | Microsoft Graph v1.0 | `{base}/graph/v1.0`, with subscriptions to users |
//! | Microsoft identity platform | `{base}/login/{tenant}/oauth2/v2.0/token` |
//! | Exchange Online cmdlets | `{base}/exchange/adminapi/beta/{tenant}/InvokeCommand` |
//! | HaloPSA | `{base}/halo/auth/token`, `{base}/halo/api` |
//! | Teams Workflows webhook | `{base}/teams/{team}/{key}` |
//! | Slack incoming webhook | `{base}/slack/services/{a}/{b}/{c}` |
//! | signed webhook receiver | `{base}/hooks/{name}` |
//! | HashiCorp Vault, KV version 2 | `{base}/vault/v1` |
//! | Azure Key Vault | `{base}/keyvault/secrets/{name}` |
//! | a machine's own identity in Azure | `{base}/identity/metadata/identity/oauth2/token` |
//! | what people use | `{base}/`, `{base}/sandbox/state`, `/requests`, `/faults`, `/reset` |
//!
//! ```no_run
//! # async fn demo() -> Result<(), counterplay_sandbox::StartError> {
//! use counterplay_sandbox::{Fault, FaultKind, Options, Sandbox};
//! let sandbox = Sandbox::start(Options::default()).await?;
//! sandbox.inject(Fault::new("/riskyUsers", FaultKind::Throttle { retry_after_s: None }));
//! println!("{}", sandbox.base_url());
//! sandbox.stop().await;
//! # Ok(())
//! # }
//! ```

mod assertion;
mod call;
mod chat;
mod control;
mod demo;
mod exchange;
mod fault;
mod graph;
mod halo;
mod hooks;
mod http;
mod ids;
mod key_vault;
mod listener;
mod login;
mod notify;
mod odata;
mod offline;
mod pager;
mod record;
mod sandbox;
mod service;
mod smtp;
mod tenant;
mod vault;
mod world;

pub use demo::{demo_tenant, demo_tenant_at};
pub use fault::{Fault, FaultKind};
pub use offline::{Answered, Offline};
pub use record::RecordedRequest;
pub use sandbox::{Options, Sandbox, StartError};
pub use service::Service;
pub use tenant::{
    AppRegistration, AuthenticationMethod, ChatMessage, ChatService, ComplianceState,
    DeviceActionResult, DeviceLifecycle, Domain, KeyVaultStore, License, Mail, Mailbox,
    MailboxType, ManagedDevice, MessageRule, MethodKind, Pager, PagerIncident, PagerStatus,
    RiskyUser, SecretStores, ServicePlan, SignInActivity, Sku, Tenant, Ticket, TicketNote, User,
    UserType, VaultSecret, VaultStore, Via,
};
