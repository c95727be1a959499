//! Secrets that Vault and Azure Key Vault keep: how they are read, what is said when they cannot be had, and values
//! that change while calls are made. The stores are the sandbox's, which answers as the services document it.

use crate::server::{Server, json};
use crate::support::*;
use counterplay_machine::declare::Auth;
use counterplay_machine::deployment::{ConnectionSettings, SecretsSettings};
use counterplay_machine::secret_store::{
    AzureSignIn, HeldAt, KeyVaultSettings, VaultSettings, VaultSignIn,
};
use counterplay_runtime::call::{CallOutcome, CallRequest, Connector, Setback, Setbacks};
use counterplay_runtime::clock::{Clock, VirtualClock};
use counterplay_runtime::connect::{Secrets, open};
use counterplay_sandbox::{Fault, FaultKind, Options, Sandbox, Service, VaultSecret};
use serde_json::json;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const REFRESH_MS: i64 = 300_000;

struct Store {
    sandbox: Sandbox,
    folder: tempfile::TempDir,
    clock: Arc<VirtualClock>,
}

impl Store {
    async fn new() -> Store {
        let store = Store {
            sandbox: Sandbox::start(Options::default()).await.expect("starts"),
            folder: tempfile::tempdir().expect("a folder"),
            clock: Arc::new(VirtualClock::at(START_MS)),
        };
        store.held("secret-id", "sandbox-secret-id");
        store.held("client-secret", "sandbox-secret");
        store.held("token", "root-token");
        store
    }

    /// A file that only we may read.
    fn held(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        std::fs::write(&path, format!("{text}\n")).expect("written");
        only_ours(&path);
    }

    /// Puts a field into a secret of Vault's.
    fn put(&self, path: &str, field: &str, value: &str) {
        self.sandbox.update(|tenant| {
            let secret: &mut VaultSecret = tenant
                .stores
                .vault
                .secrets
                .entry(path.to_owned())
                .or_default();
            secret.version += 1;
            secret.data.insert(field.to_owned(), value.to_owned());
        });
    }

    fn vault(&self) -> VaultSettings {
        VaultSettings {
            address: format!("{}/vault", self.sandbox.base_url()),
            namespace: None,
            mount: "secret".into(),
            path: "counterplay".into(),
            field: "value".into(),
            sign_in: VaultSignIn::AppRole {
                mount: "approle".into(),
                role_id: "sandbox-role".into(),
                secret_id: HeldAt::File("secret-id".into()),
            },
            refresh_ms: REFRESH_MS,
        }
    }

    fn key_vault(&self, sign_in: AzureSignIn) -> KeyVaultSettings {
        KeyVaultSettings {
            address: format!("{}/keyvault", self.sandbox.base_url()),
            prefix: "counterplay-".into(),
            sign_in,
            refresh_ms: REFRESH_MS,
        }
    }

    fn managed(&self) -> AzureSignIn {
        AzureSignIn::Managed {
            client_id: None,
            url: format!(
                "{}/identity/metadata/identity/oauth2/token",
                self.sandbox.base_url()
            ),
        }
    }

    fn open(&self, settings: SecretsSettings) -> Arc<dyn Secrets> {
        open(&settings, self.folder.path(), self.clock.clone()).expect("opens")
    }

    fn open_vault(&self) -> Arc<dyn Secrets> {
        self.open(SecretsSettings::Vault(self.vault()))
    }

    /// How many requests came to a service whose path holds this.
    fn requests(&self, service: Service, part: &str) -> usize {
        let all = self.sandbox.requests();
        all.iter()
            .filter(|r| r.service == service && r.path.contains(part))
            .count()
    }

    fn pass(&self, ms: i64) {
        self.clock.skip_to(self.clock.now_ms() + ms);
    }
}

#[cfg(unix)]
fn only_ours(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).expect("set");
}

#[cfg(not(unix))]
fn only_ours(_path: &Path) {}

async fn value(secrets: &Arc<dyn Secrets>, name: &str) -> String {
    secrets
        .get(name)
        .await
        .expect("a value")
        .expose()
        .to_owned()
}

async fn refusal(secrets: &Arc<dyn Secrets>, name: &str) -> String {
    secrets.get(name).await.expect_err("no value").to_string()
}

#[tokio::test]
async fn vault_lets_a_role_read_one_secret_with_many_fields_or_one_for_each() {
    let store = Store::new().await;
    store.put("counterplay", "graph", "one");
    store.put("team/mail", "password", "two");
    let secrets = store.open_vault();
    assert_eq!(value(&secrets, "graph").await, "one");
    let each = VaultSettings {
        path: "team/{name}".into(),
        field: "password".into(),
        ..store.vault()
    };
    let secrets = store.open(SecretsSettings::Vault(each));
    assert_eq!(value(&secrets, "mail").await, "two");
    // What signs in is nowhere in what the sandbox shows.
    assert!(!format!("{:?}", store.sandbox.requests()).contains("sandbox-secret-id"));
}

#[tokio::test]
async fn vault_takes_a_token_from_a_file_and_a_namespace() {
    let store = Store::new().await;
    store.put("counterplay", "graph", "one");
    store.sandbox.update(|tenant| {
        tenant.stores.vault.namespace = "msp/contoso".into();
        tenant.stores.vault.tokens.insert("root-token".into(), None);
    });
    let with = |namespace: Option<&str>| {
        store.open(SecretsSettings::Vault(VaultSettings {
            namespace: namespace.map(str::to_owned),
            sign_in: VaultSignIn::Token(HeldAt::File("token".into())),
            ..store.vault()
        }))
    };
    let secrets = with(Some("msp/contoso"));
    assert_eq!(value(&secrets, "graph").await, "one");
    assert_eq!(
        refusal(&with(None), "graph").await,
        "the secret `graph` cannot be had from Vault: it does not let us read secret/counterplay; the token has to be good, and its policy has to allow `read` on `secret/data/counterplay`"
    );
    // Vault's agent writes another token into the file: no restart.
    store.sandbox.update(|tenant| {
        tenant.stores.vault.tokens.clear();
        tenant.stores.vault.tokens.insert("next-token".into(), None);
    });
    store.held("token", "next-token");
    store.pass(REFRESH_MS);
    assert_eq!(value(&secrets, "graph").await, "one");
    let open_to_all = with(Some("msp/contoso"));
    std::fs::remove_file(store.folder.path().join("token")).expect("removed");
    let reason = refusal(&open_to_all, "graph").await;
    assert!(
        reason.contains("there is no token: ") && reason.contains("cannot be read"),
        "{reason}"
    );
}

#[tokio::test]
async fn vault_says_why_there_is_no_value() {
    let store = Store::new().await;
    store.put("counterplay", "graph", "one");
    store.put("counterplay", "empty", "");
    let secrets = store.open_vault();
    let mut said = Vec::new();
    said.push(refusal(&secrets, "mail").await);
    said.push(refusal(&secrets, "empty").await);
    store.sandbox.update(|tenant| {
        let secret = tenant.stores.vault.secrets.get_mut("counterplay");
        secret.expect("there").deleted = true;
    });
    said.push(refusal(&secrets, "graph").await);
    store
        .sandbox
        .update(|tenant| tenant.stores.vault.secrets.clear());
    said.push(refusal(&secrets, "graph").await);
    store
        .sandbox
        .update(|tenant| tenant.stores.vault.sealed = true);
    said.push(refusal(&secrets, "graph").await);
    store.sandbox.update(|tenant| {
        tenant.stores.vault.sealed = false;
        tenant.stores.vault.tokens.clear();
    });
    store.held("secret-id", "another-secret-id");
    said.push(refusal(&secrets, "graph").await);
    store.held("secret-id", "");
    let reason = refusal(&secrets, "graph").await;
    assert!(
        reason.contains("there is no secret id: ") && reason.ends_with("is empty"),
        "{reason}"
    );
    insta::assert_snapshot!(said.join("\n"));
}

#[tokio::test]
async fn a_token_of_vault_is_renewed_before_its_end_and_replaced_after_it() {
    let store = Store::new().await;
    store.put("counterplay", "graph", "one");
    let secrets = store.open_vault();
    let counts = || {
        (
            store.requests(Service::Vault, "/approle/login"),
            store.requests(Service::Vault, "/renew-self"),
            store.requests(Service::Vault, "/data/"),
        )
    };
    value(&secrets, "graph").await;
    value(&secrets, "graph").await;
    assert_eq!(counts(), (1, 0, 1), "kept for its time");
    store.pass(REFRESH_MS);
    value(&secrets, "graph").await;
    assert_eq!(counts(), (1, 0, 2), "read again with the same token");
    store.pass(600_000);
    value(&secrets, "graph").await;
    assert_eq!(
        counts(),
        (1, 1, 3),
        "two thirds of its 20 minutes have passed"
    );
    store.pass(1_300_000);
    value(&secrets, "graph").await;
    assert_eq!(counts(), (2, 1, 4), "it has ended");
    // Somebody revokes it.
    store
        .sandbox
        .update(|tenant| tenant.stores.vault.tokens.clear());
    store.pass(REFRESH_MS);
    value(&secrets, "graph").await;
    assert_eq!(counts(), (3, 1, 6), "refused once, and read with another");
}

#[tokio::test]
async fn a_store_that_is_away_stops_nobody_who_has_a_value() {
    let store = Store::new().await;
    store.put("counterplay", "graph", "one");
    let secrets = store.open_vault();
    value(&secrets, "graph").await;
    store
        .sandbox
        .update(|tenant| tenant.stores.vault.sealed = true);
    store.pass(REFRESH_MS);
    assert_eq!(value(&secrets, "graph").await, "one");
    let asked = store.requests(Service::Vault, "/data/");
    value(&secrets, "graph").await;
    assert_eq!(
        store.requests(Service::Vault, "/data/"),
        asked,
        "not asked at each call"
    );
    store.pass(3_600_000);
    assert_eq!(
        refusal(&secrets, "graph").await,
        "the secret `graph` cannot be had from Vault at present: it answered 503: Vault is sealed"
    );
    store
        .sandbox
        .update(|tenant| tenant.stores.vault.sealed = false);
    assert_eq!(value(&secrets, "graph").await, "one");
    // Taken back there, it ends here, too: that is no outage.
    store
        .sandbox
        .update(|tenant| tenant.stores.vault.secrets.clear());
    store.pass(REFRESH_MS);
    assert!(
        refusal(&secrets, "graph")
            .await
            .contains("there is nothing at secret/counterplay")
    );
}

#[tokio::test]
async fn key_vault_is_read_by_the_machine_itself_or_by_an_application() {
    let store = Store::new().await;
    store.sandbox.update(|tenant| {
        let secrets = &mut tenant.stores.key_vault.secrets;
        secrets.insert("counterplay-graph-app".into(), "one".into());
    });
    let application = AzureSignIn::Application {
        authority: format!("{}/login", store.sandbox.base_url()),
        tenant: "contoso.onmicrosoft.com".into(),
        client_id: "counterplay-sandbox".into(),
        client_secret: HeldAt::File("client-secret".into()),
    };
    for sign_in in [store.managed(), application.clone()] {
        let secrets = store.open(SecretsSettings::KeyVault(store.key_vault(sign_in)));
        assert_eq!(value(&secrets, "graph_app").await, "one");
        assert_eq!(value(&secrets, "graph-app").await, "one");
    }
    assert_eq!(
        store.requests(Service::Identity, "resource=https%3A%2F%2Fvault.azure.net"),
        1
    );
    assert_eq!(store.requests(Service::Login, "/token"), 1);

    let mut said = Vec::new();
    let machine = store.open(SecretsSettings::KeyVault(store.key_vault(store.managed())));
    said.push(refusal(&machine, "mail").await);
    store.sandbox.update(|tenant| {
        let vault = &mut tenant.stores.key_vault;
        vault.disabled.push("counterplay-graph-app".into());
    });
    said.push(refusal(&machine, "graph-app").await);
    store
        .sandbox
        .update(|tenant| tenant.stores.key_vault.may_read = false);
    said.push(refusal(&machine, "graph-app").await);
    store
        .sandbox
        .update(|tenant| tenant.stores.key_vault.machine_has_identity = false);
    let other = store.open(SecretsSettings::KeyVault(store.key_vault(store.managed())));
    said.push(refusal(&other, "graph-app").await);
    store.held("client-secret", "an-old-one");
    let app = store.open(SecretsSettings::KeyVault(store.key_vault(application)));
    said.push(refusal(&app, "graph-app").await);
    store.sandbox.inject(Fault::new(
        "/identity",
        FaultKind::Throttle {
            retry_after_s: None,
        },
    ));
    said.push(refusal(&other, "graph-app").await);
    insta::assert_snapshot!(said.join("\n"));
}

/// A service that accepts one bearer token, which can be changed.
async fn guarded(accepted: Arc<Mutex<String>>) -> Server {
    Server::start(move |_, request| {
        let shown = request.header("authorization");
        if shown == format!("Bearer {}", accepted.lock().expect("no panic")) {
            json(200, json!({"ok": true}))
        } else {
            json(
                401,
                json!({"error": {"code": "Unauthorized", "message": "Not you."}}),
            )
        }
    })
    .await
}

fn bench(store: &Store, auth: Auth, settings: ConnectionSettings) -> Bench {
    Bench::with_secrets(
        connection(auth),
        Some(settings),
        vec![action("act")],
        store.clock.clone(),
        store.open_vault(),
    )
}

#[tokio::test]
async fn a_secret_that_was_replaced_is_looked_up_when_the_old_one_is_refused() {
    let store = Store::new().await;
    store.put("counterplay", "service-secret", "old-value");
    let accepted = Arc::new(Mutex::new("old-value".to_owned()));
    let server = guarded(accepted.clone()).await;
    let bench = bench(&store, Auth::Bearer, settings(&server.base()));
    assert_eq!(bench.call("act").await, done());
    // Both sides change it; nobody restarts anything.
    store.pass(60_000);
    store.put("counterplay", "service-secret", "new-value");
    "new-value".clone_into(&mut accepted.lock().expect("no panic"));
    assert_eq!(bench.call("act").await, done());
    let sent: Vec<String> = server
        .received()
        .iter()
        .map(|r| r.header("authorization").to_owned())
        .collect();
    assert_eq!(
        sent,
        ["Bearer old-value", "Bearer old-value", "Bearer new-value"],
        "the old one once more, then the new one"
    );
    // Where there is no new one the refusal is told, and the store is not asked by each call that comes.
    "another".clone_into(&mut accepted.lock().expect("no panic"));
    let before = store.requests(Service::Vault, "/data/");
    for _ in 0..3 {
        let reason = failure(bench.call("act").await);
        assert!(reason.starts_with("the service answered 401"), "{reason}");
    }
    assert_eq!(store.requests(Service::Vault, "/data/"), before);
}

#[tokio::test]
async fn a_client_secret_that_was_replaced_is_looked_up_when_the_old_one_is_refused() {
    let store = Store::new().await;
    store.put("counterplay", "service-secret", "sandbox-secret");
    let base = store.sandbox.base_url();
    let auth = Auth::OAuth2 {
        token_url: arc(&format!("{base}/login/{{tenant.id}}/oauth2/v2.0/token")),
        scope: arc("https://graph.microsoft.com/.default"),
    };
    let graph = ConnectionSettings {
        client_id: Some("counterplay-sandbox".into()),
        ..settings(&format!("{base}/graph/v1.0"))
    };
    let bench = bench(&store, auth, graph);
    // The sandbox has no /things: an answer that says so proves that we were let in.
    let answered = failure(bench.call("act").await);
    assert!(
        answered.starts_with("the service answered 404"),
        "{answered}"
    );
    store
        .sandbox
        .update(|tenant| tenant.app.client_secret = "rolled-over".into());
    store.put("counterplay", "service-secret", "rolled-over");
    // The token goes on; a new one needs the new secret.
    store.pass(100_000);
    assert_eq!(failure(bench.call("act").await), answered);
    assert_eq!(store.requests(Service::Login, "/token"), 1);
    store.pass(3_600_000);
    store
        .sandbox
        .update(|tenant| tenant.app.client_secret = "rolled-over-again".into());
    assert!(failure(bench.call("act").await).ends_with("(AADSTS7000215)"));
    store.pass(10_000);
    store.put("counterplay", "service-secret", "rolled-over-again");
    assert_eq!(failure(bench.call("act").await), answered);
}

#[tokio::test]
async fn calls_under_way_are_not_disturbed_by_a_new_value() {
    let store = Store::new().await;
    store.put("counterplay", "service-secret", "old-value");
    let accepted = Arc::new(Mutex::new("old-value".to_owned()));
    let server = guarded(accepted).await;
    // Reading the secret again takes its time; who has the old value goes on with it.
    let bench = Arc::new(bench(&store, Auth::Bearer, settings(&server.base())));
    assert_eq!(bench.call("act").await, done());
    store.pass(REFRESH_MS);
    store
        .sandbox
        .inject(Fault::new("/data/", FaultKind::Slow { ms: 800 }));
    let slow = tokio::spawn({
        let bench = bench.clone();
        async move { bench.call("act").await }
    });
    while store.requests(Service::Vault, "/data/") < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let began = std::time::Instant::now();
    assert_eq!(bench.call("act").await, done());
    assert!(
        began.elapsed() < Duration::from_millis(600),
        "it did not wait for the store"
    );
    assert_eq!(slow.await.expect("no panic"), done());
}

#[tokio::test]
async fn a_call_waits_for_a_store_that_is_away_as_it_would_for_the_service() {
    let store = Store::new().await;
    store.put("counterplay", "service-secret", "old-value");
    store.sandbox.inject(
        Fault::new(
            "/vault",
            FaultKind::Status {
                status: 503,
                code: String::new(),
                message: "Vault is sealed".into(),
            },
        )
        .times(3),
    );
    let server = guarded(Arc::new(Mutex::new("old-value".to_owned()))).await;
    let bench = bench(&store, Auth::Bearer, settings(&server.base()));
    let told: Arc<Mutex<Vec<Setback>>> = Arc::default();
    let hears = told.clone();
    let request = CallRequest {
        setbacks: Setbacks::to(move |s| hears.lock().expect("no panic").push(s)),
        ..bench.request("act", "a value")
    };
    assert_eq!(bench.connectors.call(request).await, done());
    let told = told.lock().expect("no panic").clone();
    assert_eq!(told.len(), 3);
    assert_eq!(
        told[0].reason,
        "the secret `service-secret` cannot be had from Vault at present: it answered 503: Vault is sealed"
    );
    assert_eq!(server.received().len(), 1);
    // For longer than the connection tries, it fails and says why.
    store
        .sandbox
        .update(|tenant| tenant.stores.vault.sealed = true);
    store.pass(5_000_000);
    let outcome = bench.call("act").await;
    let CallOutcome::Failed { reason } = outcome else {
        panic!("expected a failure, found {outcome:?}");
    };
    assert!(
        reason.contains("Vault is sealed (tried ") && reason.ends_with("within 1m)"),
        "{reason}"
    );
}
