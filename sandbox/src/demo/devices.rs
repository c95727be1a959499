//! In: the time now and the people. Out: the five devices of Contoso.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::json;

use super::{days_before, hours_before, people};
use crate::ids;
use crate::tenant::{ComplianceState, DeviceLifecycle, ManagedDevice, User};

/// Jonas's laptop, which does not keep the rules.
pub(super) const JONAS_LAPTOP: &str = "b48d2f60-91c7-4e35-a0d2-6e1f5a7c2001";
/// Priya's laptop.
pub(super) const PRIYA_LAPTOP: &str = "b48d2f60-91c7-4e35-a0d2-6e1f5a7c2002";
const MEI_MACBOOK: &str = "b48d2f60-91c7-4e35-a0d2-6e1f5a7c2003";
const OMAR_IPHONE: &str = "b48d2f60-91c7-4e35-a0d2-6e1f5a7c2004";
const SCANNER: &str = "b48d2f60-91c7-4e35-a0d2-6e1f5a7c2005";

pub(super) fn all(
    now: Timestamp,
    users: &BTreeMap<String, User>,
) -> BTreeMap<String, ManagedDevice> {
    let owner = |id: &str| users.get(id);
    let windows = ("Windows", "10.0.26100.2314");
    let mut jonas = device(
        now,
        JONAS_LAPTOP,
        "CONTOSO-LT-014",
        windows,
        owner(people::JONAS),
    );
    jonas.compliance_state = ComplianceState::Noncompliant;
    jonas.last_sync_date_time = days_before(now, 9);
    [
        jonas,
        device(
            now,
            PRIYA_LAPTOP,
            "CONTOSO-LT-007",
            windows,
            owner(people::PRIYA),
        ),
        device(
            now,
            MEI_MACBOOK,
            "Mei's MacBook Pro",
            ("macOS", "15.6.1"),
            owner(people::MEI),
        ),
        device(
            now,
            OMAR_IPHONE,
            "Omar's iPhone",
            ("iOS", "18.6"),
            owner(people::OMAR),
        ),
        device(now, SCANNER, "WAREHOUSE-SCAN-03", ("Android", "14"), None),
    ]
    .map(|device| (device.id.clone(), device))
    .into()
}

fn device(
    now: Timestamp,
    id: &str,
    name: &str,
    (system, version): (&str, &str),
    owner: Option<&User>,
) -> ManagedDevice {
    let of_owner = |field: fn(&User) -> &String| owner.map(field).cloned().unwrap_or_default();
    let (maker, model) = match system {
        "Windows" => ("Microsoft Corporation", "Surface Laptop 6"),
        "macOS" => ("Apple", "MacBook Pro"),
        "iOS" => ("Apple", "iPhone 16"),
        _ => ("Zebra", "TC58"),
    };
    let details = json!({
        "managedDeviceName": name,
        "managedDeviceOwnerType": "company",
        "deviceEnrollmentType": match system {
            "Windows" => "windowsAzureADJoin",
            "Android" => "androidEnterpriseDedicatedDevice",
            _ => "deviceEnrollmentProgram",
        },
        "deviceRegistrationState": "registered",
        "deviceCategoryDisplayName": "",
        "azureADRegistered": true,
        "complianceGracePeriodExpirationDateTime": "9999-12-31T23:59:59Z",
        "emailAddress": owner.and_then(|owner| owner.mail.clone()).unwrap_or_default(),
        "exchangeAccessState": "none",
        "isEncrypted": true,
        "isSupervised": system == "iOS",
        "jailBroken": "Unknown",
        "managementAgent": "mdm",
        "manufacturer": maker,
        "model": model,
        "partnerReportedThreatState": "unknown",
        "serialNumber": format!("SBX{}", &id[id.len() - 4..]),
        "totalStorageSpaceInBytes": 512_110_190_592_u64,
        "freeStorageSpaceInBytes": 211_110_190_592_u64,
        "wiFiMacAddress": "",
    });
    ManagedDevice {
        id: id.to_owned(),
        device_name: name.to_owned(),
        user_id: of_owner(|owner| &owner.id),
        user_principal_name: of_owner(|owner| &owner.user_principal_name),
        user_display_name: of_owner(|owner| &owner.display_name),
        operating_system: system.to_owned(),
        os_version: version.to_owned(),
        compliance_state: ComplianceState::Compliant,
        azure_ad_device_id: ids::guid(&format!("entra device {id}")),
        enrolled_date_time: days_before(now, 400),
        last_sync_date_time: hours_before(now, 3),
        device_action_results: Vec::new(),
        details: serde_json::from_value(details).unwrap_or_default(),
        lifecycle: DeviceLifecycle::Managed,
        compliant_after_sync: false,
    }
}
