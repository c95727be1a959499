//! In: calls on accounts. Out: "user", its manager, sessions, methods and licences.

use serde_json::json;

use crate::client::{Caller, HANNAH, NORA, OMAR, PRIYA, SAM, VICTOR};

#[tokio::test]
async fn select_decides_what_is_shown() {
    let caller = Caller::new().await;
    let (_, user) = caller.get("/users/priya.raman@contoso.example").await;
    assert_eq!(user["id"], PRIYA);
    assert!(user.get("accountEnabled").is_none() && user.get("userType").is_none());
    let path = format!("/users/{PRIYA}?$select=accountEnabled,userType,signInActivity,city");
    let (_, user) = caller.get(&path).await;
    assert_eq!(user["accountEnabled"], true);
    assert_eq!(user["userType"], "Member");
    assert!(user["signInActivity"]["lastSignInDateTime"].is_string());
    assert!(user["city"].is_null() && user.get("id").is_none());
    let (status, body) = caller
        .get(&format!("/users/{PRIYA}?$select=shoeSize"))
        .await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (400, &"BadRequest".into())
    );
    let guest = "/users/elena.petrova_northwind.example%23EXT%23@contoso.onmicrosoft.com";
    let (status, user) = caller.get(guest).await;
    assert_eq!(
        (status, &user["displayName"]),
        (200, &"Elena Petrova".into())
    );
}

#[tokio::test]
async fn errors_are_graphs() {
    let caller = Caller::new().await;
    let before = caller.sandbox.state();
    for (method, path, body, status, code) in [
        (
            "GET",
            "/users/nobody",
            None,
            404,
            "Request_ResourceNotFound",
        ),
        ("GET", "/no/such/path", None, 404, "ResourceNotFound"),
        ("DELETE", "/users", None, 405, "Request_BadRequest"),
        ("GET", "/users?$search=x", None, 400, "BadRequest"),
        ("GET", "/users?$filter=a%20has%20b", None, 400, "BadRequest"),
        (
            "GET",
            "/users?$filter=lastSignIn%20ge%202026-01-01T00:00:00Z",
            None,
            400,
            "BadRequest",
        ),
        (
            "PATCH",
            "/users/omar.haddad@contoso.example",
            Some(json!({"shoeSize": 4})),
            400,
            "Request_BadRequest",
        ),
        (
            "PATCH",
            "/users/omar.haddad@contoso.example",
            Some(json!({"accountEnabled": "no"})),
            400,
            "Request_BadRequest",
        ),
        (
            "PATCH",
            "/users/omar.haddad@contoso.example",
            Some(json!({"passwordProfile": {"password": "short"}})),
            400,
            "Request_BadRequest",
        ),
    ] {
        let (got, answer) = caller.graph(method, path, body).await;
        assert_eq!(
            (got, &answer["error"]["code"]),
            (status, &code.into()),
            "{path}"
        );
    }
    let url = format!("{}/graph/v1.0/users/{OMAR}", caller.sandbox.base_url());
    let request = caller
        .http
        .patch(url)
        .bearer_auth(&caller.token)
        .body("{oops");
    let (status, body) = crate::client::read(request.send().await.expect("an answer")).await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (400, &"BadRequest".into())
    );
    assert_eq!(caller.sandbox.state(), before, "a refusal changes nothing");
}

#[tokio::test]
async fn a_manager_may_be_missing() {
    let caller = Caller::new().await;
    let (status, manager) = caller.get(&format!("/users/{PRIYA}/manager")).await;
    assert_eq!((status, &manager["id"]), (200, &OMAR.into()));
    assert_eq!(manager["@odata.type"], "#microsoft.graph.user");
    let (status, body) = caller.get(&format!("/users/{NORA}/manager")).await;
    assert_eq!(status, 404);
    assert_eq!(body["error"]["code"], "Request_ResourceNotFound");
}

#[tokio::test]
async fn inactive_people_are_found() {
    let caller = Caller::new().await;
    let since = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(90 * 24);
    let since = since.strftime("%Y-%m-%dT%H:%M:%SZ");
    let filter = format!("signInActivity/lastSignInDateTime%20le%20{since}");
    let path = format!("/users?$filter={filter}&$select=id,signInActivity");
    let (status, page) = caller.get(&path).await;
    assert_eq!(
        (status, page["value"].as_array().map(Vec::len)),
        (200, Some(1))
    );
    assert_eq!(page["value"][0]["id"], HANNAH);
    caller.sandbox.update(|tenant| {
        tenant.user_mut(HANNAH).expect("Hannah").account_enabled = false;
    });
    let path = format!("/users?$filter={filter}%20and%20accountEnabled%20eq%20true");
    let (_, page) = caller.get(&path).await;
    assert_eq!(page["value"], json!([]));
}

#[tokio::test]
async fn long_lists_come_in_pages() {
    let caller = Caller::new().await;
    let mut seen = Vec::new();
    let mut path = "/users?$select=id&$top=4".to_owned();
    loop {
        let (status, page) = caller.get(&path).await;
        assert_eq!(status, 200);
        seen.extend(page["value"].as_array().cloned().unwrap_or_default());
        match page["@odata.nextLink"].as_str() {
            Some(link) => {
                let base = format!("{}/graph/v1.0", caller.sandbox.base_url());
                path = link.strip_prefix(&base).expect("same origin").to_owned();
            }
            None => break,
        }
    }
    let ids = caller.sandbox.state().users.into_keys();
    assert_eq!(seen, ids.map(|id| json!({"id": id})).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_account_is_disabled_and_its_sessions_revoked() {
    let caller = Caller::new().await;
    let path = format!("/users/{PRIYA}");
    let off = Some(json!({"accountEnabled": false}));
    assert_eq!(caller.graph("PATCH", &path, off.clone()).await.0, 204);
    let (status, body) = caller
        .graph("POST", &format!("{path}/revokeSignInSessions"), None)
        .await;
    assert_eq!((status, &body["value"]), (200, &true.into()));
    let password = json!({"passwordProfile": {
        "password": "Tr0mbone-Sky-41", "forceChangePasswordNextSignInWithMfa": true}});
    assert_eq!(caller.graph("PATCH", &path, Some(password)).await.0, 204);
    let state = caller.sandbox.state();
    let priya = state.user(PRIYA).expect("Priya");
    assert!(!priya.account_enabled && priya.force_change_password_next_sign_in_with_mfa);
    assert!(priya.sign_in_sessions_valid_from_date_time.is_some());
    assert_eq!(priya.password_changes, 1);

    let (status, body) = caller
        .graph("PATCH", &format!("/users/{VICTOR}"), off.clone())
        .await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (403, &"Authorization_RequestDenied".into())
    );
    let (status, _) = caller.graph("PATCH", &format!("/users/{SAM}"), off).await;
    assert_eq!(status, 204);
    assert!(
        caller
            .sandbox
            .state()
            .user(SAM)
            .expect("Sam")
            .account_enabled
    );
}

#[tokio::test]
async fn methods_go_one_by_one_and_the_default_last() {
    let caller = Caller::new().await;
    let base = format!("/users/{PRIYA}/authentication");
    let (_, list) = caller.get(&format!("{base}/methods")).await;
    let methods = list["value"].as_array().cloned().unwrap_or_default();
    assert_eq!(methods.len(), 4);
    let path = |kind: &str| {
        let wanted = format!("#microsoft.graph.{kind}AuthenticationMethod");
        let found = methods
            .iter()
            .find(|method| method["@odata.type"] == wanted.as_str());
        let id = found
            .and_then(|method| method["id"].as_str())
            .expect("registered");
        format!("{base}/{kind}Methods/{id}")
    };
    let default = path("microsoftAuthenticator");
    assert_eq!(caller.graph("DELETE", &default, None).await.0, 400);
    assert_eq!(caller.graph("DELETE", &path("phone"), None).await.0, 204);
    assert_eq!(caller.graph("DELETE", &path("phone"), None).await.0, 404);
    assert_eq!(
        caller.graph("DELETE", &path("softwareOath"), None).await.0,
        204
    );
    assert_eq!(caller.graph("DELETE", &default, None).await.0, 204);
    assert_eq!(caller.graph("DELETE", &path("password"), None).await.0, 405);
    let details = "/reports/authenticationMethods/userRegistrationDetails";
    let (_, report) = caller.get(&format!("{details}/{PRIYA}")).await;
    assert_eq!(report["isMfaRegistered"], false);
    let (_, report) = caller
        .get(&format!("{details}?$filter=isMfaRegistered%20eq%20true"))
        .await;
    assert_eq!(report["value"].as_array().map(Vec::len), Some(7));
}

#[tokio::test]
async fn licences_are_removed_and_given_back() {
    let caller = Caller::new().await;
    let (_, list) = caller.get(&format!("/users/{HANNAH}/licenseDetails")).await;
    let e3 = list["value"][0]["skuId"].clone();
    assert_eq!(list["value"][0]["skuPartNumber"], "SPE_E3");
    assert_eq!(
        list["value"][0]["servicePlans"][0]["provisioningStatus"],
        "Success"
    );
    let path = format!("/users/{HANNAH}/assignLicense");
    let remove = Some(json!({"addLicenses": [], "removeLicenses": [e3]}));
    let (status, user) = caller.graph("POST", &path, remove.clone()).await;
    assert_eq!((status, &user["id"]), (200, &HANNAH.into()));
    assert_eq!(
        caller
            .sandbox
            .state()
            .user(HANNAH)
            .map(|user| user.assigned_licenses.len()),
        Some(1)
    );
    let (status, body) = caller.graph("POST", &path, remove).await;
    assert_eq!(status, 400);
    assert_eq!(
        body["error"]["message"],
        "User does not have a corresponding license."
    );
    let plan = "57ff2da0-773e-42df-b2af-ffb7a2317929";
    let add =
        json!({"addLicenses": [{"skuId": e3, "disabledPlans": [plan]}], "removeLicenses": []});
    assert_eq!(caller.graph("POST", &path, Some(add)).await.0, 200);
    let (_, list) = caller.get(&format!("/users/{HANNAH}/licenseDetails")).await;
    let plans = list["value"][1]["servicePlans"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let off = plans
        .iter()
        .find(|found| found["servicePlanId"] == plan)
        .expect("Teams");
    assert_eq!(off["provisioningStatus"], "Disabled");
    caller.sandbox.update(|tenant| {
        let e3 = tenant
            .skus
            .values_mut()
            .find(|sku| sku.sku_part_number == "EMSPREMIUM");
        e3.expect("EMS").enabled = 2;
    });
    let ems = json!({"addLicenses": [{"skuId": "b05e124f-c7cc-45a0-a6aa-8cf78c946968"}], "removeLicenses": []});
    let (status, body) = caller.graph("POST", &path, Some(ems)).await;
    assert_eq!(status, 400, "{body}");
}
