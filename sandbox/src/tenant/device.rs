//! In: nothing. Out: an Intune device and the remote actions that it was sent.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A device ("managedDevice resource type"), with what the sandbox keeps about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ManagedDevice {
    /// Its Intune id.
    pub id: String,
    /// Its name.
    pub device_name: String,
    /// The owner's object id; empty if it has none.
    pub user_id: String,
    /// The owner's sign-in name; empty if it has none.
    pub user_principal_name: String,
    /// The owner's name; empty if it has none.
    pub user_display_name: String,
    /// `Windows`, `macOS`, `iOS` or `Android`.
    pub operating_system: String,
    /// Version of the operating system.
    pub os_version: String,
    /// Whether it keeps the rules.
    pub compliance_state: ComplianceState,
    /// Its id in Entra, as alerts name it.
    #[serde(rename = "azureADDeviceId")]
    pub azure_ad_device_id: String,
    /// When it was enrolled.
    pub enrolled_date_time: Timestamp,
    /// When it last checked in.
    pub last_sync_date_time: Timestamp,
    /// Remote actions, newest last.
    pub device_action_results: Vec<DeviceActionResult>,
    /// Other documented members, such as `serialNumber`.
    #[serde(flatten)]
    pub details: BTreeMap<String, Value>,
    /// What became of it (kept by the sandbox, not shown by Graph).
    #[serde(default)]
    pub lifecycle: DeviceLifecycle,
    /// A finished `syncDevice` makes it compliant (kept by the sandbox, not shown by Graph).
    #[serde(default)]
    pub compliant_after_sync: bool,
}

/// Whether a device keeps the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub enum ComplianceState {
    Unknown,
    Compliant,
    Noncompliant,
    Conflict,
    Error,
    InGracePeriod,
    ConfigManager,
}

/// What became of a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DeviceLifecycle {
    /// Under management.
    #[default]
    Managed,
    /// Company data removed, out of management.
    Retired,
    /// Erased.
    Wiped,
}

/// A remote action ("deviceActionResult resource type").
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeviceActionResult {
    /// `syncDevice`, `wipe` and so on.
    pub action_name: String,
    /// `none`, `pending`, `canceled`, `active`, `done`, `failed` or `notSupported`.
    pub action_state: String,
    /// When it was asked for.
    pub start_date_time: Timestamp,
    /// When its state last changed.
    pub last_updated_date_time: Timestamp,
    /// How many more reads it stays pending (kept by the sandbox, not shown by Graph).
    #[serde(default)]
    pub reads_left: u32,
}
