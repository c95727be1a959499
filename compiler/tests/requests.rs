//! What a declared request sends when its values are hostile: values become literals and never words of the query.

use counterplay_compiler::workspace::{Source, Workspace};
use counterplay_machine::Value;
use counterplay_machine::deployment::Deployment;
use counterplay_machine::eval::{Env, TenantFacts};
use counterplay_machine::expr::Slot;
use counterplay_machine::request::{Call, HttpCall, build};
use std::sync::Arc;

const SOURCE: &str = r#"
query hunted(who: Text, since: Time, limit: Int) -> List<Json> {
  permission: "ThreatHunting.Read.All"
  request: graph.post("/security/runHuntingQuery",
    kql: "SigninLogs | where User == {who} and Time > {since} | take {limit}")
  returns: body.results
}

query filtered(who: Text) -> List<Json> {
  permission: "User.Read.All"
  request: graph.get("/users", filter: "displayName eq {who}")
  returns: body.value
}
"#;

fn call(name: &str, args: Vec<Value>) -> HttpCall {
    let source = Source {
        path: "playbooks/case.play".into(),
        module: "case".into(),
        text: SOURCE.into(),
    };
    let workspace = Workspace::new(vec![source], None);
    let compiled = workspace.compile();
    assert!(
        compiled.diagnostics.is_empty(),
        "{}",
        workspace.render(&compiled.diagnostics, false)
    );
    let callable = &compiled.program.callables[name];
    let slots = |slot: Slot| {
        let at = callable.params.iter().position(|p| p.slot == slot)?;
        args.get(at).cloned()
    };
    let built = build(
        callable,
        &Env {
            types: &compiled.program.types,
            deployment: &Deployment::default(),
            tenant: &TenantFacts::default(),
            now_ms: 0,
            run: None,
            call: None,
            slots: &slots,
            names: &|_: Slot| None::<Arc<str>>,
        },
    );
    match built.expect("a request") {
        Call::Http(call) => call,
        Call::Mail(_) => panic!("no mail"),
    }
}

fn hunted(who: &str) -> String {
    let call = call(
        "case.hunted",
        vec![Value::text(who), Value::Time(0), Value::Int(5)],
    );
    let query = call.json.expect("a body").get("Query").expect("a query");
    query.plain()
}

#[test]
fn a_hunting_query_holds_values_as_literals() {
    assert_eq!(
        hunted("ana@example.org"),
        "SigninLogs | where User == \"ana@example.org\" and Time > datetime(1970-01-01T00:00:00Z) | take 5"
    );
    assert!(
        hunted("a\" or 1 == 1 //")
            .starts_with(r#"SigninLogs | where User == "a\" or 1 == 1 //" and"#)
    );
    assert!(hunted("a\\\" | x").contains(r#"== "a\\\" | x" and"#));
    assert!(hunted("a\n| drop").contains(r#"== "a\n| drop" and"#));
}

#[test]
fn a_filter_holds_values_as_literals() {
    let call = call("case.filtered", vec![Value::text("O'Brien' or 1 eq 1")]);
    assert_eq!(
        call.query,
        [(
            "$filter".to_owned(),
            "displayName eq 'O''Brien'' or 1 eq 1'".to_owned()
        )]
    );
}
