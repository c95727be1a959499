//! In: reads and changes of licences. Out: "licenseDetails", "subscribedSku" and the changed user.
//!
//! Pages: "List licenseDetails", "user: assignLicense", "List subscribedSkus".

use axum::http::Method;
use serde_json::{Value, json};

use super::{directory_error, find, find_mut, only, users};
use crate::call::{Answer, Call, Problem};
use crate::ids;
use crate::odata;
use crate::tenant::{License, ServicePlan, Sku, User};
use crate::world::World;

/// `GET /users/{id}/licenseDetails`
pub(super) fn details(world: &World, call: &Call, id: &str) -> Answer {
    only(call, &Method::GET)?;
    let user = find(&world.tenant, id)?;
    let licenses = user.assigned_licenses.iter();
    let shown = licenses.map(|license| {
        let sku = world.tenant.skus.get(&license.sku_id);
        let plans = sku
            .map(|sku| sku.service_plans.as_slice())
            .unwrap_or_default();
        let plans: Vec<Value> = plans
            .iter()
            .map(|plan| {
                let off = license.disabled_plans.contains(&plan.service_plan_id);
                service_plan(plan, if off { "Disabled" } else { "Success" })
            })
            .collect();
        json!({
            "id": ids::guid(&format!("license {} {}", user.id, license.sku_id)),
            "skuId": license.sku_id,
            "skuPartNumber": license.sku_part_number,
            "servicePlans": plans,
        })
    });
    let context = format!("users('{}')/licenseDetails", user.id);
    odata::list(shown.collect(), call, &context)
}

fn service_plan(plan: &ServicePlan, status: &str) -> Value {
    json!({
        "servicePlanId": plan.service_plan_id,
        "servicePlanName": plan.service_plan_name,
        "provisioningStatus": status,
        "appliesTo": "User",
    })
}

/// `GET /subscribedSkus`
pub(super) fn skus(world: &World, call: &Call) -> Answer {
    only(call, &Method::GET)?;
    let skus = world.tenant.skus.iter();
    let shown = skus.map(|(id, sku)| {
        let plans = sku.service_plans.iter();
        let plans: Vec<Value> = plans.map(|plan| service_plan(plan, "Success")).collect();
        json!({
            "id": format!("{}_{id}", world.tenant.id),
            "accountId": world.tenant.id,
            "appliesTo": "User",
            "capabilityStatus": "Enabled",
            "skuId": id,
            "skuPartNumber": sku.sku_part_number,
            "consumedUnits": world.tenant.seats_taken(id),
            "prepaidUnits": {"enabled": sku.enabled, "suspended": 0, "warning": 0, "lockedOut": 0},
            "servicePlans": plans,
        })
    });
    odata::list(shown.collect(), call, "subscribedSkus")
}

/// `POST /users/{id}/assignLicense`: all of it, or nothing.
pub(super) fn assign(world: &mut World, call: &Call, id: &str) -> Answer {
    only(call, &Method::POST)?;
    let body = call.json()?;
    let list = |name: &str| {
        body.get(name).and_then(Value::as_array).ok_or_else(|| {
            directory_error(format!(
                "The parameter '{name}' is required and must be a collection."
            ))
        })
    };
    let (adding, removing) = (list("addLicenses")?, list("removeLicenses")?);
    let mut changed = find(&world.tenant, id)?.clone();
    for sku_id in removing {
        remove(&mut changed, sku_id.as_str().unwrap_or_default())?;
    }
    for license in adding {
        let sku_id = license.get("skuId").and_then(Value::as_str);
        let sku_id = sku_id.unwrap_or_default();
        let sku = world.tenant.skus.get(sku_id).ok_or_else(|| {
            directory_error(format!(
                "License {sku_id} does not correspond to a valid company License."
            ))
        })?;
        let already = find(&world.tenant, id)?.license(sku_id).is_some();
        if !already && world.tenant.seats_taken(sku_id) >= sku.enabled as usize {
            return Err(directory_error(format!(
                "Subscription with SKU {sku_id} does not have any available licenses."
            )));
        }
        add(&mut changed, sku_id, sku, license)?;
    }
    let shown = users::wire(&changed);
    *find_mut(&mut world.tenant, id)? = changed;
    odata::entity(shown, 200, call, &users::SHAPE)
}

fn remove(user: &mut User, sku_id: &str) -> Result<(), Problem> {
    let license = user
        .license(sku_id)
        .ok_or_else(|| directory_error("User does not have a corresponding license."))?;
    if license.assigned_by_group.is_some() {
        return Err(directory_error(
            "User license is inherited from a group membership and it cannot be removed directly from the user.",
        ));
    }
    user.assigned_licenses
        .retain(|license| !license.sku_id.eq_ignore_ascii_case(sku_id));
    Ok(())
}

fn add(user: &mut User, sku_id: &str, sku: &Sku, sent: &Value) -> Result<(), Problem> {
    if user.usage_location.is_none() {
        return Err(directory_error(
            "License assignment cannot be done for user with invalid usage location.",
        ));
    }
    let plans = sent.get("disabledPlans").and_then(Value::as_array);
    let plans = plans.into_iter().flatten().filter_map(Value::as_str);
    let disabled_plans: Vec<String> = plans.map(str::to_owned).collect();
    let unknown = |id: &&String| {
        !sku.service_plans
            .iter()
            .any(|plan| plan.service_plan_id == **id)
    };
    if let Some(plan) = disabled_plans.iter().find(unknown) {
        return Err(directory_error(format!(
            "License assignment failed because service plan {plan} is not part of the license."
        )));
    }
    user.assigned_licenses
        .retain(|license| !license.sku_id.eq_ignore_ascii_case(sku_id));
    user.assigned_licenses.push(License {
        sku_id: sku_id.to_owned(),
        sku_part_number: sku.sku_part_number.clone(),
        disabled_plans,
        assigned_by_group: None,
    });
    Ok(())
}
