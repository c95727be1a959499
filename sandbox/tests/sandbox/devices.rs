//! In: calls on Intune devices. Out: 204 for "accepted", and an outcome that comes later.

use counterplay_sandbox::{ComplianceState, DeviceLifecycle};
use serde_json::json;

use crate::client::{Caller, IPHONE, MACBOOK, OMAR, WINDOWS};

const DEVICES: &str = "/deviceManagement/managedDevices";

#[tokio::test]
async fn devices_are_listed_by_state_and_owner() {
    let caller = Caller::new().await;
    let (_, all) = caller.get(DEVICES).await;
    assert_eq!(all["value"].as_array().map(Vec::len), Some(5));
    let (_, page) = caller
        .get(&format!("{DEVICES}?$filter=complianceState%20eq%20'noncompliant'&$select=id,deviceName,operatingSystem,complianceState"))
        .await;
    assert_eq!(
        page["value"],
        json!([{
        "id": WINDOWS, "deviceName": "CONTOSO-LT-014",
        "operatingSystem": "Windows", "complianceState": "noncompliant"}])
    );
    let (_, page) = caller
        .get(&format!("{DEVICES}?$filter=userId%20eq%20'{OMAR}'"))
        .await;
    assert_eq!(page["value"][0]["id"], IPHONE);
    let (_, page) = caller.get(&format!("/users/{OMAR}/managedDevices")).await;
    assert_eq!(page["value"][0]["id"], IPHONE);
    let (_, page) = caller
        .get(&format!("{DEVICES}?$filter=userId%20eq%20''"))
        .await;
    assert_eq!(page["value"][0]["operatingSystem"], "Android");
}

#[tokio::test]
async fn a_wipe_is_pending_before_it_is_done() {
    let caller = Caller::new().await;
    caller
        .sandbox
        .update(|tenant| tenant.device_action_reads = 1);
    let path = format!("{DEVICES}/{MACBOOK}");
    let body =
        json!({"keepEnrollmentData": false, "keepUserData": false, "macOsUnlockCode": "123456"});
    assert_eq!(
        caller
            .graph("POST", &format!("{path}/wipe"), Some(body))
            .await
            .0,
        204
    );
    let (_, device) = caller.get(&path).await;
    let result = &device["deviceActionResults"][0];
    assert_eq!(
        (&result["actionName"], &result["actionState"]),
        (&"wipe".into(), &"pending".into())
    );
    assert!(result.get("readsLeft").is_none() && device.get("lifecycle").is_none());
    let (_, device) = caller.get(&path).await;
    assert_eq!(device["deviceActionResults"][0]["actionState"], "done");
    assert_eq!(
        caller.sandbox.state().devices[MACBOOK].lifecycle,
        DeviceLifecycle::Wiped
    );
    assert_eq!(
        caller.graph("POST", &format!("{path}/wipe"), None).await.0,
        400
    );
    let shown = serde_json::to_string(&caller.sandbox.requests()).expect("JSON");
    assert!(!shown.contains("123456"));
}

#[tokio::test]
async fn actions_fit_the_platform_and_the_body() {
    let caller = Caller::new().await;
    let post = async |id: &str, action: &str, body| {
        caller
            .graph("POST", &format!("{DEVICES}/{id}/{action}"), body)
            .await
            .0
    };
    assert_eq!(post(WINDOWS, "remoteLock", None).await, 400);
    assert_eq!(post(IPHONE, "remoteLock", None).await, 204);
    assert_eq!(post(WINDOWS, "rebootNow", None).await, 204);
    assert_eq!(
        post(WINDOWS, "wipe", Some(json!({"keepUserData": "no"}))).await,
        400
    );
    assert_eq!(post(WINDOWS, "wipe", Some(json!({"why": true}))).await, 400);
    assert_eq!(post("nothing", "wipe", None).await, 404);
    assert_eq!(post(WINDOWS, "explode", None).await, 404);
    assert_eq!(post(IPHONE, "retire", None).await, 204);
    let state = caller.sandbox.state();
    assert_eq!(state.devices[IPHONE].lifecycle, DeviceLifecycle::Retired);
    assert_eq!(state.devices[WINDOWS].lifecycle, DeviceLifecycle::Managed);
}

#[tokio::test]
async fn a_sync_may_heal() {
    let caller = Caller::new().await;
    let path = format!("{DEVICES}/{WINDOWS}/syncDevice");
    assert_eq!(caller.graph("POST", &path, None).await.0, 204);
    let state = |caller: &Caller| caller.sandbox.state().devices[WINDOWS].compliance_state;
    assert_eq!(state(&caller), ComplianceState::Noncompliant);
    caller.sandbox.update(|tenant| {
        tenant
            .devices
            .get_mut(WINDOWS)
            .expect("it")
            .compliant_after_sync = true;
    });
    assert_eq!(caller.graph("POST", &path, None).await.0, 204);
    assert_eq!(state(&caller), ComplianceState::Compliant);
}

#[tokio::test]
async fn a_tenant_may_lack_intune() {
    let caller = Caller::new().await;
    caller.sandbox.update(|tenant| tenant.intune = false);
    let (status, body) = caller.get(DEVICES).await;
    assert_eq!(status, 400);
    assert_eq!(
        body["error"]["message"],
        "Request not applicable to target tenant."
    );
}
