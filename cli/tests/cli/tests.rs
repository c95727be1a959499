//! `test`: a project's tests are played, each in its tenant.

use crate::support::{Place, Result};

const PROJECT: &str = r#"
[project]
name = "X"
sources = ["."]

[tenants.contoso]
id = "contoso"
domains = ["contoso.example"]

[tenants.tailspin]
id = "tailspin"
domains = ["tailspin.example"]

[webhooks.leaving]
secret = "hook"
tenant = "tailspin"
"#;

const LEAVES: &str = "type Leaving {\n  name: Text\n}\n\nplaybook leaves \"Leaves\" {\n  when webhook \"leaving\" as leaving: Leaving\n  then { end run \"in {tenant.name}\" }\n}\n\ntest \"a delivery comes\" {\n  given webhook \"leaving\" from \"leaving.json\"\n  expect outcome stopped\n}\n";

#[test]
fn a_delivery_is_played_in_the_tenant_of_its_webhook() -> Result {
    let place = Place::new()?;
    place.write("counterplay.toml", PROJECT)?;
    place.write("leaves.play", LEAVES)?;
    place.write("leaving.json", "{\"name\": \"Ana\"}")?;
    let ran = place.run(&["test", "--show"])?;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.out.contains("in tailspin"), "{ran:?}");
    Ok(())
}

#[test]
fn what_is_given_and_of_no_use_is_told() -> Result {
    let place = Place::new()?;
    place.write("counterplay.toml", PROJECT)?;
    place.write("leaving.json", "{\"name\": \"Ana\"}")?;
    let given = "  given approval from \"ana@contoso.example\" after 5m\n  given intune.sync fails \"away\"\n  expect";
    let text = LEAVES.replace("  expect", given);
    place.write("leaves.play", format!("use microsoft.intune\n\n{text}"))?;
    let ran = place.run(&["test"])?;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for told in [
        "not needed: `given intune.sync fails \"away\"`: no call of it failed\n",
        "not needed: `given approval from \"ana@contoso.example\"`: nothing was open that it could answer\n",
    ] {
        assert!(ran.out.contains(told), "{ran:?}");
    }
    Ok(())
}
