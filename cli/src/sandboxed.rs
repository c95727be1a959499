//! A deployment and a sandbox in, the same deployment with every connection leading into the sandbox out.

use counterplay_machine::Program;
use counterplay_machine::declare::{Base, Connection};
use counterplay_machine::deployment::{ConnectionSettings, Deployment};
use counterplay_runtime::connect::MemorySecrets;
use counterplay_sandbox::Sandbox;

/// The tenant that the sandbox holds.
pub const TENANT_ID: &str = "3f1c0a52-8d1e-4b67-9c0a-5e2d7b41f6a8";
/// The application that the sandbox knows.
pub const CLIENT_ID: &str = "counterplay-sandbox";
/// Its secret.
pub const CLIENT_SECRET: &str = "sandbox-secret";
/// What webhooks are signed with.
pub const WEBHOOK_SECRET: &str = "sandbox-webhook-secret";
/// The key in the addresses of Teams channels.
pub const TEAMS_KEY: &str = "sandbox-teams-key";
/// The path of the Slack channel.
pub const SLACK_PATH: &str = "T0CONTOSO/B0SOC/sandbox-slack-key";
/// The secret that holds PagerDuty's routing key, and what the sandbox knows it to be.
const PAGERDUTY: (&str, &str) = ("pagerduty-routing-key", "sandbox-pagerduty-routing-key-01");
/// The sender of mail where the project names none.
const SENDER: &str = "Counterplay <counterplay@sandbox.example>";

/// Where the sandbox answers for a connection: its base and token address; nothing for unknown ones.
pub fn addresses(name: &str, base: &str, smtp: &str) -> Option<(String, Option<String>)> {
    let token = format!("{base}/login/{{tenant.id}}/oauth2/v2.0/token");
    Some(match name {
        "graph" | "identity_protection" => (format!("{base}/graph/v1.0"), Some(token)),
        "exchange" | "exchange_reader" => (format!("{base}/exchange"), Some(token)),
        "halopsa" => (
            format!("{base}/halo"),
            Some(format!("{base}/halo/auth/token")),
        ),
        "teams" => (format!("{base}/teams"), None),
        "slack" => (format!("{base}/slack"), None),
        "pagerduty" => (format!("{base}/pagerduty"), None),
        "webhook" => (format!("{base}/hooks"), None),
        "mail" => (format!("smtp://{smtp}"), None),
        _ => return None,
    })
}

/// The connections that the sandbox stands in for.
pub const CONNECTIONS: [&str; 10] = [
    "graph",
    "identity_protection",
    "exchange",
    "exchange_reader",
    "halopsa",
    "teams",
    "slack",
    "pagerduty",
    "webhook",
    "mail",
];

/// Leads every connection into the sandbox. What the sandbox does not know answers 404 there instead of being
/// called for real. Teams that post messages get a channel of their own.
pub fn deployment(deployment: Deployment, sandbox: &Sandbox) -> (Deployment, MemorySecrets) {
    let (base, smtp) = (sandbox.base_url(), sandbox.smtp_addr().to_string());
    lead(deployment, (&base, &smtp), |team| {
        sandbox.update(|tenant| {
            let key = TEAMS_KEY.to_owned();
            tenant.teams_webhooks.insert(team.to_owned(), key);
        });
    })
}

/// The same for services at this base address, and a mail server at this address; told of each team's channel.
pub fn lead(
    mut deployment: Deployment,
    (base, smtp): (&str, &str),
    mut channel: impl FnMut(&str),
) -> (Deployment, MemorySecrets) {
    let mut secrets = vec![
        ("sandbox client secret".to_owned(), CLIENT_SECRET.to_owned()),
        (
            "sandbox webhook secret".to_owned(),
            WEBHOOK_SECRET.to_owned(),
        ),
        (
            "sandbox slack".to_owned(),
            format!("{base}/slack/services/{SLACK_PATH}"),
        ),
        (PAGERDUTY.0.to_owned(), PAGERDUTY.1.to_owned()),
    ];
    for tenant in deployment.tenants.values_mut() {
        TENANT_ID.clone_into(&mut tenant.id);
    }
    for (name, team) in &mut deployment.teams {
        if team.teams_webhook.is_some() {
            let secret = format!("sandbox teams {name}");
            secrets.push((secret.clone(), format!("{base}/teams/{name}/{TEAMS_KEY}")));
            team.teams_webhook = Some(secret);
            channel(name);
        }
        if team.slack_webhook.is_some() {
            team.slack_webhook = Some("sandbox slack".to_owned());
        }
    }
    // Deliveries to webhooks reach the made-up tenant only; they are signed with a secret that everybody knows.
    for hook in deployment.webhooks.values_mut() {
        "sandbox webhook secret".clone_into(&mut hook.secret);
    }
    let mut names: Vec<String> = CONNECTIONS.map(str::to_owned).to_vec();
    names.extend(deployment.connections.keys().cloned());
    for name in names {
        let given = deployment.connections.remove(&name).unwrap_or_default();
        let settings = settings(&name, base, smtp, given);
        deployment.connections.insert(name, settings);
    }
    (deployment, MemorySecrets::new(secrets))
}

/// Leads connections that only the program knows into the sandbox, too: nothing may be called for real.
pub fn close(deployment: &mut Deployment, program: &Program, sandbox: &Sandbox) {
    let (base, smtp) = (sandbox.base_url(), sandbox.smtp_addr().to_string());
    let has_address = |c: &&Connection| matches!(c.base, Some(Base::Address(_)) | None);
    for connection in program.connections.values().filter(has_address) {
        deployment
            .connections
            .entry(connection.name.to_string())
            .or_insert_with(|| {
                settings(
                    &connection.name,
                    &base,
                    &smtp,
                    ConnectionSettings::default(),
                )
            });
    }
}

fn settings(name: &str, base: &str, smtp: &str, given: ConnectionSettings) -> ConnectionSettings {
    let (address, token_url) = addresses(name, base, smtp).unwrap_or_else(|| {
        let nowhere = format!("{base}/not-in-the-sandbox/{name}");
        (nowhere.clone(), Some(format!("{nowhere}/token")))
    });
    let mail = name == "mail";
    let keyless = matches!(name, "mail" | "teams" | "slack" | "pagerduty");
    let secret = match name {
        "webhook" => "sandbox webhook secret",
        _ => "sandbox client secret",
    };
    ConnectionSettings {
        // The address of a channel is a secret of its team.
        base: (!matches!(name, "teams" | "slack")).then_some(address),
        token_url,
        client_id: (!keyless).then(|| CLIENT_ID.to_owned()),
        secret: (!keyless).then(|| secret.to_owned()),
        // The sandbox knows one application.
        certificate: None,
        disruptive: None,
        destructive: None,
        from: mail.then(|| given.from.unwrap_or_else(|| SENDER.to_owned())),
        tls: mail.then(|| "none".to_owned()),
        allow_private: true,
        settings: given.settings,
    }
}
