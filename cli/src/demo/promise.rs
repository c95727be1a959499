//! The tenant at the end of the demo in, what is not as it was promised out.

use super::changes::factors;
use counterplay_sandbox::{MailboxType, Tenant};

/// Whom the demo is about.
pub const COMPROMISED: &str = "priya.raman@contoso.example";
/// Who has left.
pub const STALE: &str = "hannah.cole@contoso.example";

/// What is not as promised; nothing when all is well.
pub fn broken(tenant: &Tenant, approved: bool) -> Vec<String> {
    let mut out = Vec::new();
    let mut want = |holds: bool, what: &str| {
        if !holds {
            out.push(what.to_owned());
        }
    };
    let priya = tenant.user(COMPROMISED);
    let of_priya = |test: fn(&counterplay_sandbox::User) -> bool| priya.is_some_and(test);
    want(
        of_priya(|u| !u.account_enabled),
        "the compromised account is blocked",
    );
    want(
        of_priya(|u| u.sign_in_sessions_valid_from_date_time.is_some()),
        "its sessions are revoked",
    );
    want(
        of_priya(|u| u.password_changes == 1),
        "its password was changed once",
    );
    want(of_priya(|u| factors(u) == 0), "its MFA methods are gone");
    let title = |text: &str| {
        tenant
            .tickets
            .values()
            .filter(|t| t.summary.contains(text))
            .count()
    };
    want(
        title("Compromised account") == 1,
        "one ticket was opened about it",
    );
    let mails = |text: &str| {
        tenant
            .mails
            .iter()
            .filter(|m| m.subject.contains(text))
            .count()
    };
    want(
        mails("Unacknowledged compromise") == 1,
        "the leads were told once, by mail",
    );
    want(
        tenant
            .chat
            .iter()
            .any(|m| m.text.contains("Contained Priya Raman")),
        "the SOC was told in Teams",
    );
    let hannah = tenant.user(STALE);
    if approved {
        want(
            hannah.is_some_and(|u| !u.account_enabled && u.assigned_licenses.is_empty()),
            "the stale account is disabled and has no licences",
        );
        want(
            hannah
                .and_then(|u| u.mailbox.as_ref())
                .is_some_and(|m| m.kind == MailboxType::Shared),
            "its mailbox is shared",
        );
    } else {
        want(
            hannah.is_some_and(|u| u.account_enabled && !u.assigned_licenses.is_empty()),
            "the account that was not approved is left alone",
        );
    }
    out
}
