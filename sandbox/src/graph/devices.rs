//! In: reads of Intune devices and remote actions. Out: "managedDevice" and 204 for "accepted, not done".
//!
//! Pages: "Get managedDevice", "List managedDevices", "syncDevice action", "remoteLock action", "retire
//! action", "wipe action", "rebootNow action", "windowsDefenderScan action".

use axum::http::Method;
use serde_json::{Map, Value};

use super::{find, only};
use crate::call::{Answer, Call, Problem, Reply};
use crate::ids;
use crate::odata::{self, Shape};
use crate::tenant::{ComplianceState, DeviceActionResult, DeviceLifecycle, ManagedDevice, Tenant};
use crate::world::World;

const SHAPE: Shape = Shape {
    context: "deviceManagement/managedDevices",
    kind: "microsoft.graph.managedDevice",
    default: &[],
    also: &[
        "activationLockBypassCode",
        "androidSecurityPatchLevel",
        "configurationManagerClientEnabledFeatures",
        "deviceHealthAttestationState",
        "easDeviceId",
        "iccid",
        "imei",
        "meid",
        "notes",
        "phoneNumber",
        "requireUserEnrollmentApproval",
        "subscriberCarrier",
        "udid",
    ],
};

pub(super) fn answer(world: &mut World, call: &Call, path: &[&str]) -> Answer {
    needs_intune(&world.tenant)?;
    match path {
        [] => {
            only(call, &Method::GET)?;
            let devices = world.tenant.devices.values_mut();
            odata::page(devices.map(read).collect(), call, &SHAPE)
        }
        [id] => {
            only(call, &Method::GET)?;
            odata::entity(read(device(&mut world.tenant, id)?), 200, call, &SHAPE)
        }
        [id, action] => act(&mut world.tenant, call, id, action),
        _ => Err(Problem::no_such_path(call)),
    }
}

/// `GET /users/{id}/managedDevices`
pub(super) fn of_user(world: &mut World, call: &Call, id: &str) -> Answer {
    only(call, &Method::GET)?;
    needs_intune(&world.tenant)?;
    let owner = find(&world.tenant, id)?.id.clone();
    let devices = world.tenant.devices.values_mut();
    let owned = devices.filter(|device| device.user_id == owner);
    odata::page(owned.map(read).collect(), call, &SHAPE)
}

fn needs_intune(tenant: &Tenant) -> Result<(), Problem> {
    if tenant.intune {
        Ok(())
    } else {
        let message = "Request not applicable to target tenant.";
        Err(Problem::bad_request(message))
    }
}

fn device<'a>(tenant: &'a mut Tenant, id: &str) -> Result<&'a mut ManagedDevice, Problem> {
    tenant.devices.get_mut(id).ok_or_else(|| {
        Problem::new(
            404,
            "ResourceNotFound",
            format!("Device {id} was not found."),
        )
    })
}

/// Shows a device. Reading lets time pass for it: pending actions come nearer to done.
fn read(device: &mut ManagedDevice) -> Value {
    for at in 0..device.device_action_results.len() {
        let Some(result) = device.device_action_results.get_mut(at) else {
            continue;
        };
        if result.action_state != "pending" {
            continue;
        }
        match result.reads_left.checked_sub(1) {
            Some(left) => result.reads_left = left,
            None => finish(device, at),
        }
    }
    let mut value = serde_json::to_value(&*device).unwrap_or_default();
    if let Some(members) = value.as_object_mut() {
        members.remove("lifecycle");
        members.remove("compliantAfterSync");
    }
    if let Some(Value::Array(results)) = value.get_mut("deviceActionResults") {
        for result in results.iter_mut().filter_map(Value::as_object_mut) {
            result.remove("readsLeft");
        }
    }
    value
}

/// What the action does to the device.
fn finish(device: &mut ManagedDevice, at: usize) {
    let Some(result) = device.device_action_results.get_mut(at) else {
        return;
    };
    let now = ids::now();
    result.action_state = "done".to_owned();
    result.last_updated_date_time = now;
    device.last_sync_date_time = now;
    match result.action_name.as_str() {
        "wipe" => device.lifecycle = DeviceLifecycle::Wiped,
        "retire" => device.lifecycle = DeviceLifecycle::Retired,
        "syncDevice" if device.compliant_after_sync => {
            device.compliance_state = ComplianceState::Compliant;
        }
        _ => {}
    }
}

/// `POST …/{id}/{action}`
fn act(tenant: &mut Tenant, call: &Call, id: &str, action: &str) -> Answer {
    let members: &[&str] = match action {
        "syncDevice" | "remoteLock" | "retire" | "rebootNow" => &[],
        "windowsDefenderScan" => &["quickScan"],
        "wipe" => &[
            "keepEnrollmentData",
            "keepUserData",
            "macOsUnlockCode",
            "useProtectedWipe",
            "persistEsimDataPlan",
            "obliterationBehavior",
        ],
        _ => return Err(Problem::no_such_path(call)),
    };
    only(call, &Method::POST)?;
    check_body(&call.object_or_empty()?, members)?;
    let reads = tenant.device_action_reads;
    let device = device(tenant, id)?;
    if device.lifecycle != DeviceLifecycle::Managed {
        return Err(Problem::bad_request(format!(
            "The device does not support {action} operation or is not in a valid state for this operation."
        )));
    }
    if !is_supported(action, &device.operating_system) {
        return Err(Problem::bad_request(format!(
            "{action} is not supported on the platform '{}'.",
            device.operating_system
        )));
    }
    let now = ids::now();
    device.device_action_results.push(DeviceActionResult {
        action_name: action.to_owned(),
        action_state: "pending".to_owned(),
        start_date_time: now,
        last_updated_date_time: now,
        reads_left: reads,
    });
    if reads == 0 {
        finish(device, device.device_action_results.len() - 1);
    }
    Ok(Reply::empty(204))
}

fn is_supported(action: &str, system: &str) -> bool {
    match action {
        "remoteLock" => ["Android", "iOS", "macOS"].contains(&system),
        "rebootNow" => ["Windows", "iOS", "macOS"].contains(&system),
        "windowsDefenderScan" => system == "Windows",
        _ => true,
    }
}

/// Only the documented members, each of its type.
fn check_body(body: &Map<String, Value>, members: &[&str]) -> Result<(), Problem> {
    for (name, value) in body {
        let fits = match name.as_str() {
            "macOsUnlockCode" | "obliterationBehavior" => value.is_string() || value.is_null(),
            _ => value.is_boolean(),
        };
        if !members.contains(&name.as_str()) || !fits {
            return Err(Problem::bad_request(format!(
                "The parameter '{name}' in the request payload is not a valid parameter for the operation."
            )));
        }
    }
    Ok(())
}
