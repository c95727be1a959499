//! In: nothing. Out: the products that Contoso bought, with the ids that Microsoft publishes
//! ("Product names and service plan identifiers for licensing").

use std::collections::BTreeMap;

use crate::tenant::{License, ServicePlan, Sku};

/// Microsoft 365 E3.
const E3: &str = "05e9a617-0261-4cee-bb44-138d3ef5d965";
/// Exchange Online (Plan 1).
const EXCHANGE: &str = "4b9405b0-7788-4568-add1-99614e613b69";
/// Enterprise Mobility + Security E5.
const EMS: &str = "b05e124f-c7cc-45a0-a6aa-8cf78c946968";

pub(super) fn all() -> BTreeMap<String, Sku> {
    [
        sku(
            E3,
            "SPE_E3",
            20,
            &[
                (
                    "efb87545-963c-4e0d-99df-69c6916d9eb0",
                    "EXCHANGE_S_ENTERPRISE",
                ),
                (
                    "5dbe027f-2339-4123-9542-606e4d348a72",
                    "SHAREPOINTENTERPRISE",
                ),
                ("57ff2da0-773e-42df-b2af-ffb7a2317929", "TEAMS1"),
                ("43de0ff5-c92c-492b-9116-175376d08c38", "OFFICESUBSCRIPTION"),
                ("41781fb2-bc02-4b7c-bd55-b576c07bb09d", "AAD_PREMIUM"),
                ("c1ec4a95-1f05-45b3-a911-aa3fa01094f5", "INTUNE_A"),
            ],
        ),
        sku(
            EXCHANGE,
            "EXCHANGESTANDARD",
            5,
            &[(
                "9aaf7827-d63c-4b61-89c3-182f06f82e5c",
                "EXCHANGE_S_STANDARD",
            )],
        ),
        sku(
            EMS,
            "EMSPREMIUM",
            10,
            &[
                ("eec0eb4f-6444-4f95-aba0-50c24d67f998", "AAD_PREMIUM_P2"),
                ("14ab5db5-e6c4-4b20-b4bc-13e36fd2227f", "ATA"),
            ],
        ),
    ]
    .into()
}

fn sku(id: &str, part: &str, enabled: u32, plans: &[(&str, &str)]) -> (String, Sku) {
    let plan = |(id, name): &(&str, &str)| ServicePlan {
        service_plan_id: (*id).to_owned(),
        service_plan_name: (*name).to_owned(),
    };
    let sku = Sku {
        sku_part_number: part.to_owned(),
        enabled,
        service_plans: plans.iter().map(plan).collect(),
    };
    (id.to_owned(), sku)
}

fn license(id: &str, part: &str) -> License {
    License {
        sku_id: id.to_owned(),
        sku_part_number: part.to_owned(),
        disabled_plans: Vec::new(),
        assigned_by_group: None,
    }
}

pub(super) fn e3() -> License {
    license(E3, "SPE_E3")
}

pub(super) fn exchange() -> License {
    license(EXCHANGE, "EXCHANGESTANDARD")
}

pub(super) fn ems() -> License {
    license(EMS, "EMSPREMIUM")
}
