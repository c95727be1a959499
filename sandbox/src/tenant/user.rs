//! In: nothing. Out: a person's account: what Graph shows of it and what was done to it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Mailbox;

/// An account ("user resource type"), with what the sandbox keeps about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Object id.
    pub id: String,
    /// Name.
    pub display_name: String,
    /// First name.
    pub given_name: Option<String>,
    /// Family name.
    pub surname: Option<String>,
    /// Sign-in name; a guest's holds `#EXT#`.
    pub user_principal_name: String,
    /// Address.
    pub mail: Option<String>,
    /// Job title.
    pub job_title: Option<String>,
    /// Department.
    pub department: Option<String>,
    /// Office.
    pub office_location: Option<String>,
    /// Mobile phone.
    pub mobile_phone: Option<String>,
    /// Country; a licence cannot be assigned without one.
    pub usage_location: Option<String>,
    /// Member or guest.
    pub user_type: UserType,
    /// Whether sign-in is allowed.
    pub account_enabled: bool,
    /// The manager's object id.
    pub manager: Option<String>,
    /// Mastered in an on-premises directory: cloud writes are accepted and do not hold.
    pub on_premises_sync_enabled: bool,
    /// Holds an admin role: sensitive writes answer 403.
    pub privileged: bool,
    /// When the account was made.
    pub created_date_time: Timestamp,
    /// Last sign-in; none if the person never signed in.
    pub sign_in_activity: Option<SignInActivity>,
    /// Sessions that began before this are refused.
    pub sign_in_sessions_valid_from_date_time: Option<Timestamp>,
    /// How often the password was set through Graph. The password itself is not kept.
    pub password_changes: u32,
    /// When it was last set.
    pub last_password_change_date_time: Option<Timestamp>,
    /// The person must choose a new password.
    pub force_change_password_next_sign_in: bool,
    /// The person must pass MFA and choose a new password.
    pub force_change_password_next_sign_in_with_mfa: bool,
    /// Licences.
    pub assigned_licenses: Vec<License>,
    /// What the person can authenticate with.
    pub authentication_methods: Vec<AuthenticationMethod>,
    /// As the registration report says.
    pub is_mfa_registered: bool,
    /// As the registration report says, such as `microsoftAuthenticatorPush`.
    pub methods_registered: Vec<String>,
    /// The mailbox; guests have none.
    pub mailbox: Option<Mailbox>,
}

/// Member or guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum UserType {
    /// Someone of this organisation.
    Member,
    /// Someone invited.
    Guest,
}

/// Last sign-in ("signInActivity resource type").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignInActivity {
    /// The last interactive sign-in.
    pub last_sign_in_date_time: Timestamp,
}

/// A licence that a user has ("assignedLicense resource type").
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct License {
    /// The product.
    pub sku_id: String,
    /// Its part number, such as `SPE_E3`.
    pub sku_part_number: String,
    /// Ids of the parts that are switched off.
    pub disabled_plans: Vec<String>,
    /// The group that it comes from; such a licence cannot be removed from the user.
    #[serde(default)]
    pub assigned_by_group: Option<String>,
}

/// Something to authenticate with ("authenticationMethod resource type").
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuthenticationMethod {
    /// Its id.
    pub id: String,
    /// Which kind it is.
    pub kind: MethodKind,
    /// The method that is asked for first; it can be deleted only as the last one.
    #[serde(default)]
    pub is_default: bool,
    /// Other documented members, such as `phoneNumber`.
    #[serde(flatten)]
    pub details: BTreeMap<String, Value>,
}

/// The kind of an authentication method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs)]
pub enum MethodKind {
    Password,
    Phone,
    MicrosoftAuthenticator,
    Fido2,
    SoftwareOath,
    Email,
    WindowsHelloForBusiness,
    TemporaryAccessPass,
}

impl MethodKind {
    /// Every kind.
    pub(crate) const ALL: [MethodKind; 8] = [
        MethodKind::Password,
        MethodKind::Phone,
        MethodKind::MicrosoftAuthenticator,
        MethodKind::Fido2,
        MethodKind::SoftwareOath,
        MethodKind::Email,
        MethodKind::WindowsHelloForBusiness,
        MethodKind::TemporaryAccessPass,
    ];

    /// Its name as it begins both its type and its path.
    fn stem(self) -> &'static str {
        match self {
            MethodKind::Password => "password",
            MethodKind::Phone => "phone",
            MethodKind::MicrosoftAuthenticator => "microsoftAuthenticator",
            MethodKind::Fido2 => "fido2",
            MethodKind::SoftwareOath => "softwareOath",
            MethodKind::Email => "email",
            MethodKind::WindowsHelloForBusiness => "windowsHelloForBusiness",
            MethodKind::TemporaryAccessPass => "temporaryAccessPass",
        }
    }

    /// `#microsoft.graph.phoneAuthenticationMethod` and so on.
    pub fn odata_type(self) -> String {
        format!("#microsoft.graph.{}AuthenticationMethod", self.stem())
    }

    /// `phoneMethods` and so on.
    pub fn path(self) -> String {
        format!("{}Methods", self.stem())
    }

    /// How the registration report names it; none if it does not count as a second factor.
    pub fn registered_as(self) -> Option<&'static str> {
        match self {
            MethodKind::Phone => Some("mobilePhone"),
            MethodKind::MicrosoftAuthenticator => Some("microsoftAuthenticatorPush"),
            MethodKind::Fido2 => Some("fido2SecurityKey"),
            MethodKind::SoftwareOath => Some("softwareOneTimePasscode"),
            MethodKind::WindowsHelloForBusiness => Some("windowsHelloForBusiness"),
            MethodKind::Password | MethodKind::Email | MethodKind::TemporaryAccessPass => None,
        }
    }
}

impl User {
    /// Whether this principal name or address is the user's.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.user_principal_name.eq_ignore_ascii_case(name)
            || self
                .mail
                .as_ref()
                .is_some_and(|mail| mail.eq_ignore_ascii_case(name))
    }

    /// The licence of a product, if the user has it.
    pub fn license(&self, sku_id: &str) -> Option<&License> {
        self.assigned_licenses
            .iter()
            .find(|license| license.sku_id.eq_ignore_ascii_case(sku_id))
    }

    /// Makes the registration report say what the methods say.
    pub fn report_registration(&mut self) {
        let methods = self.authentication_methods.iter();
        self.methods_registered = methods
            .filter_map(|method| method.kind.registered_as())
            .map(str::to_owned)
            .collect();
        self.is_mfa_registered = !self.methods_registered.is_empty();
    }
}
