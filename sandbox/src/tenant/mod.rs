//! In: nothing. Out: the state of one made-up Microsoft 365 tenant and its neighbours.

mod device;
mod mailbox;
mod messages;
mod pager;
mod risk;
mod stores;
mod ticket;
mod user;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use device::{ComplianceState, DeviceActionResult, DeviceLifecycle, ManagedDevice};
pub use mailbox::{Mailbox, MailboxType, Message, MessageRule};
pub use messages::{ChatMessage, ChatService, Mail, Via};
pub use pager::{Pager, PagerIncident, PagerStatus};
pub use risk::RiskyUser;
pub use stores::{KeyVaultStore, SecretStores, VaultSecret, VaultStore};
pub use ticket::{Ticket, TicketNote};
pub use user::{AuthenticationMethod, License, MethodKind, SignInActivity, User, UserType};

/// Everything that the sandbox holds. Maps are ordered by id, so that two equal states read the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tenant {
    /// The tenant id.
    pub id: String,
    /// The organisation's name.
    pub display_name: String,
    /// Verified domains by name.
    pub domains: BTreeMap<String, Domain>,
    /// The application that may sign in, at the identity platform and at HaloPSA.
    pub app: AppRegistration,
    /// How long an access token is good, in seconds.
    pub token_lifetime_s: u64,
    /// People by object id.
    pub users: BTreeMap<String, User>,
    /// Products that the tenant bought, by SKU id.
    pub skus: BTreeMap<String, Sku>,
    /// Whether the tenant has Intune; without it `/deviceManagement` answers 400.
    pub intune: bool,
    /// Intune devices by id.
    pub devices: BTreeMap<String, ManagedDevice>,
    /// How often a device must be read before a pending remote action is done; 0 finishes it at once.
    pub device_action_reads: u32,
    /// Identity Protection's risky users by object id.
    pub risky_users: BTreeMap<String, RiskyUser>,
    /// `riskDetection` objects by id, as Graph shows them.
    pub risk_detections: BTreeMap<String, Value>,
    /// `security.alert` (alerts_v2) objects by id, as Graph shows them.
    pub alerts: BTreeMap<String, Value>,
    /// `signIn` objects by id, as Graph shows them.
    pub sign_ins: BTreeMap<String, Value>,
    /// HaloPSA tickets by number.
    pub tickets: BTreeMap<u64, Ticket>,
    /// Teams webhooks: team to key.
    pub teams_webhooks: BTreeMap<String, String>,
    /// Slack webhooks: `a/b/c` to the channel's name.
    pub slack_webhooks: BTreeMap<String, String>,
    /// The secret that signs what is posted to `/hooks/{name}`.
    pub webhook_secret: String,
    /// PagerDuty.
    #[serde(default)]
    pub pager: Pager,
    /// Stores of secrets.
    pub stores: SecretStores,
    /// Messages that arrived by webhook, oldest first.
    pub chat: Vec<ChatMessage>,
    /// Mail that arrived by SMTP or was sent with `sendMail`, oldest first.
    pub mails: Vec<Mail>,
}

/// A domain of the tenant ("domain resource type").
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Domain {
    /// New users get this domain.
    pub is_default: bool,
    /// The `onmicrosoft.com` domain that came with the tenant.
    pub is_initial: bool,
    /// Ownership was proved.
    pub is_verified: bool,
}

/// The application's credentials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AppRegistration {
    /// `client_id`.
    pub client_id: String,
    /// `client_secret`.
    pub client_secret: String,
    /// The certificate whose key may sign in its place, as PEM.
    #[serde(default)]
    pub certificate: Option<String>,
}

/// A product that the tenant bought ("subscribedSku resource type").
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sku {
    /// Its part number, such as `SPE_E3`.
    pub sku_part_number: String,
    /// How many seats were bought.
    pub enabled: u32,
    /// What it consists of.
    pub service_plans: Vec<ServicePlan>,
}

/// A part of a product ("servicePlanInfo resource type").
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServicePlan {
    /// Its id.
    pub service_plan_id: String,
    /// Its name, such as `EXCHANGE_S_ENTERPRISE`.
    pub service_plan_name: String,
}

impl Tenant {
    /// The user with this object id, principal name or mail address, as the services accept them.
    pub fn user(&self, key: &str) -> Option<&User> {
        self.users
            .get(key)
            .or_else(|| self.users.values().find(|user| user.is(key)))
    }

    /// Like [`Tenant::user`], to change it.
    pub fn user_mut(&mut self, key: &str) -> Option<&mut User> {
        let id = self.user(key)?.id.clone();
        self.users.get_mut(&id)
    }

    /// Whether this is the tenant's id or one of its domains.
    pub fn is_named(&self, name: &str) -> bool {
        self.id.eq_ignore_ascii_case(name)
            || self
                .domains
                .keys()
                .any(|domain| domain.eq_ignore_ascii_case(name))
    }

    /// How many seats of a product are taken.
    pub fn seats_taken(&self, sku_id: &str) -> usize {
        let has = |user: &&User| user.license(sku_id).is_some();
        self.users.values().filter(has).count()
    }
}
