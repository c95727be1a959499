//! In: the time now. Out: the ten people of Contoso.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::json;

use super::{days_before, hours_before, products, rules};
use crate::ids;
use crate::tenant::{
    AuthenticationMethod, License, Mailbox, MethodKind, SignInActivity, User, UserType,
};

pub(super) const NORA: &str = "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1001";
pub(super) const OMAR: &str = "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1002";
pub(super) const PRIYA: &str = "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1003";
pub(super) const JONAS: &str = "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1004";
pub(super) const MEI: &str = "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1005";
pub(super) const LUCAS: &str = "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1006";
pub(super) const HANNAH: &str = "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1007";
pub(super) const VICTOR: &str = "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1008";
pub(super) const ELENA: &str = "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1009";
pub(super) const SAM: &str = "7c9e1a40-52b1-4d0e-8a11-0f6b3c2d1010";

use MethodKind::{Fido2, MicrosoftAuthenticator, Phone, SoftwareOath};

pub(super) fn all(now: Timestamp) -> BTreeMap<String, User> {
    let mut nora = member(
        now,
        NORA,
        "Nora",
        "Lindqvist",
        "Managing Director",
        "Management",
    );
    authenticate(&mut nora, &[MicrosoftAuthenticator, Phone]);

    let mut omar = member(now, OMAR, "Omar", "Haddad", "Head of Finance", "Finance");
    omar.manager = Some(NORA.to_owned());
    authenticate(&mut omar, &[MicrosoftAuthenticator, Fido2]);

    let mut priya = member(now, PRIYA, "Priya", "Raman", "Accounts Payable", "Finance");
    priya.manager = Some(OMAR.to_owned());
    priya.assigned_licenses = vec![products::e3(), products::ems()];
    let mut mailbox = Mailbox::regular(rules::suspicious());
    mailbox.messages.push(rules::phishing_mail());
    priya.mailbox = Some(mailbox);
    authenticate(&mut priya, &[MicrosoftAuthenticator, Phone, SoftwareOath]);

    let mut jonas = member(now, JONAS, "Jonas", "Weber", "Head of Sales", "Sales");
    jonas.manager = Some(NORA.to_owned());
    authenticate(&mut jonas, &[Phone]);

    let mut mei = member(now, MEI, "Mei", "Tanaka", "Designer", "Marketing");
    mei.manager = Some(JONAS.to_owned());
    mei.mailbox = Some(Mailbox::regular(rules::harmless()));
    authenticate(&mut mei, &[Fido2, Phone]);

    let mut lucas = member(
        now,
        LUCAS,
        "Lucas",
        "Ferreira",
        "Warehouse Lead",
        "Operations",
    );
    lucas.manager = Some(JONAS.to_owned());
    lucas.assigned_licenses = vec![products::exchange()];

    let mut hannah = member(
        now,
        HANNAH,
        "Hannah",
        "Cole",
        "Campaign Manager",
        "Marketing",
    );
    hannah.manager = Some(JONAS.to_owned());
    hannah.assigned_licenses = vec![products::e3(), products::exchange()];
    hannah.sign_in_activity = signed_in(days_before(now, 120));
    authenticate(&mut hannah, &[Phone]);

    let mut victor = member(now, VICTOR, "Victor", "Okafor", "IT Administrator", "IT");
    victor.manager = Some(NORA.to_owned());
    victor.privileged = true;
    victor.assigned_licenses = vec![products::e3(), products::ems()];
    authenticate(&mut victor, &[Fido2, MicrosoftAuthenticator]);

    let mut sam = member(now, SAM, "Sam", "Whitfield", "Payroll Officer", "Finance");
    sam.manager = Some(OMAR.to_owned());
    sam.on_premises_sync_enabled = true;
    authenticate(&mut sam, &[Phone]);

    let mut elena = member(now, ELENA, "Elena", "Petrova", "Auditor", "External");
    elena.user_type = UserType::Guest;
    elena.user_principal_name =
        "elena.petrova_northwind.example#EXT#@contoso.onmicrosoft.com".to_owned();
    elena.mail = Some("elena.petrova@northwind.example".to_owned());
    elena.usage_location = None;
    elena.assigned_licenses = Vec::new();
    elena.mailbox = None;

    [
        nora, omar, priya, jonas, mei, lucas, hannah, victor, elena, sam,
    ]
    .map(|user| (user.id.clone(), user))
    .into()
}

/// Somebody enabled, with E3 and an empty mailbox, who signed in two hours ago and has only a password.
fn member(now: Timestamp, id: &str, given: &str, family: &str, job: &str, in_: &str) -> User {
    let name = format!("{}.{}", given.to_lowercase(), family.to_lowercase());
    let address = format!("{name}@contoso.example");
    let e3: License = products::e3();
    User {
        id: id.to_owned(),
        display_name: format!("{given} {family}"),
        given_name: Some(given.to_owned()),
        surname: Some(family.to_owned()),
        user_principal_name: address.clone(),
        mail: Some(address),
        job_title: Some(job.to_owned()),
        department: Some(in_.to_owned()),
        office_location: None,
        mobile_phone: None,
        usage_location: Some("GB".to_owned()),
        user_type: UserType::Member,
        account_enabled: true,
        manager: None,
        on_premises_sync_enabled: false,
        privileged: false,
        created_date_time: days_before(now, 700),
        sign_in_activity: signed_in(hours_before(now, 2)),
        sign_in_sessions_valid_from_date_time: None,
        password_changes: 0,
        last_password_change_date_time: Some(days_before(now, 200)),
        force_change_password_next_sign_in: false,
        force_change_password_next_sign_in_with_mfa: false,
        assigned_licenses: vec![e3],
        authentication_methods: vec![method(id, MethodKind::Password, false)],
        is_mfa_registered: false,
        methods_registered: Vec::new(),
        mailbox: Some(Mailbox::regular(Vec::new())),
    }
}

fn signed_in(at: Timestamp) -> Option<SignInActivity> {
    Some(SignInActivity {
        last_sign_in_date_time: at,
    })
}

/// Registers methods; the first is the default.
fn authenticate(user: &mut User, kinds: &[MethodKind]) {
    for (at, kind) in kinds.iter().enumerate() {
        let method = method(&user.id, *kind, at == 0);
        user.authentication_methods.push(method);
    }
    user.report_registration();
}

fn method(user: &str, kind: MethodKind, is_default: bool) -> AuthenticationMethod {
    // The ids of the password and of the mobile phone are the same for everybody.
    let (id, details) = match kind {
        MethodKind::Password => (
            "28c10230-6103-485e-b985-444c60001490".to_owned(),
            json!({"password": null, "createdDateTime": null}),
        ),
        Phone => (
            "3179e48a-750b-4051-897c-87b9720928f7".to_owned(),
            json!({"phoneNumber": "+44 7700900123", "phoneType": "mobile", "smsSignInState": "notAllowedByPolicy"}),
        ),
        MicrosoftAuthenticator => (
            ids::guid(&format!("authenticator {user}")),
            json!({"displayName": "Pixel 9", "deviceTag": "SoftwareTokenActivated", "phoneAppVersion": "6.2511.7533", "createdDateTime": null}),
        ),
        Fido2 => (
            ids::guid(&format!("fido2 {user}")),
            json!({"displayName": "Blue key", "model": "Security Key NFC", "aaGuid": ids::guid("fido2 model"), "attestationLevel": "attested"}),
        ),
        _ => (ids::guid(&format!("{kind:?} {user}")), json!({})),
    };
    AuthenticationMethod {
        id,
        kind,
        is_default,
        details: serde_json::from_value(details).unwrap_or_default(),
    }
}
