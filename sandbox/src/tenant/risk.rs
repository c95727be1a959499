//! In: nothing. Out: what Identity Protection thinks of a user.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A user at risk ("riskyUser resource type").
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RiskyUser {
    /// The user's object id.
    pub id: String,
    /// Whether the account was deleted.
    pub is_deleted: bool,
    /// Whether the risk is being computed anew.
    pub is_processing: bool,
    /// `none`, `low`, `medium`, `high` or `hidden`.
    pub risk_level: String,
    /// `atRisk`, `confirmedCompromised`, `dismissed`, `remediated` and so on.
    pub risk_state: String,
    /// Why the state is what it is, such as `adminConfirmedUserCompromised`.
    pub risk_detail: String,
    /// When it last changed.
    pub risk_last_updated_date_time: Timestamp,
    /// Name.
    pub user_display_name: String,
    /// Sign-in name.
    pub user_principal_name: String,
}
