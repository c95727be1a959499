//! `counterplay sandbox`: ports in, a made-up tenant that answers on them until Ctrl-C out.

use crate::args::SandboxArgs;
use crate::error::{Failure, OK, Outcome};
use crate::out::{self, HEAD, NAME, QUIET, paint};
use crate::sandboxed::{
    self, CLIENT_ID, CLIENT_SECRET, CONNECTIONS, SLACK_PATH, TEAMS_KEY, WEBHOOK_SECRET,
};
use crate::signal;
use counterplay_sandbox::{Options, Sandbox};
use std::net::{Ipv4Addr, SocketAddr};

/// Runs a sandbox until Ctrl-C.
///
/// # Errors
/// When a port is taken.
pub async fn sandbox(args: SandboxArgs) -> Outcome {
    let on = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let options = Options {
        http: on(args.port),
        smtp: on(args.smtp_port),
        ..Options::default()
    };
    let sandbox = Sandbox::start(options)
        .await
        .map_err(|error| Failure::cannot_start(error.to_string()))?;
    let stopped = signal::stop();
    let (base, smtp) = (sandbox.base_url(), sandbox.smtp_addr().to_string());
    out::line(paint(HEAD, "The sandbox is running."))?;
    out::line(format!("  {:<10} {}", "services", paint(NAME, &base)))?;
    out::line(format!(
        "  {:<10} {}",
        "mail",
        paint(NAME, format!("smtp://{smtp}"))
    ))?;
    out::line(format!(
        "  {:<10} {}",
        "state",
        paint(NAME, format!("{base}/sandbox/state"))
    ))?;
    out::line(format!(
        "\n{}",
        paint(HEAD, "To use it, put this into counterplay.toml:")
    ))?;
    out::line(snippet(&base, &smtp))?;
    out::line(paint(HEAD, "and set these before `counterplay run`:"))?;
    out::line(secrets(&base))?;
    out::line(paint(
        QUIET,
        "Ctrl-C stops it; what was changed in it is gone then.",
    ))?;
    stopped.await;
    sandbox.stop().await;
    out::line("\nThe sandbox has stopped.")?;
    Ok(OK)
}

/// The sections of a project file that lead into a sandbox.
pub fn snippet(base: &str, smtp: &str) -> String {
    let mut text = format!(
        "\n[tenants.contoso]\nid = \"{}\"\ndomains = [\"contoso.example\"]\n",
        sandboxed::TENANT_ID
    );
    for name in CONNECTIONS {
        let Some((address, token_url)) = sandboxed::addresses(name, base, smtp) else {
            continue;
        };
        text.push_str(&format!("\n[connections.{name}]\n"));
        match name {
            "teams" | "slack" => {}
            _ => text.push_str(&format!("base = \"{address}\"\n")),
        }
        if let Some(url) = token_url {
            text.push_str(&format!(
                "token_url = \"{url}\"\nclient_id = \"{CLIENT_ID}\"\nsecret = \"sandbox\"\n"
            ));
        }
        match name {
            "webhook" => text.push_str("secret = \"sandbox-webhook\"\n"),
            "mail" => text.push_str("from = \"counterplay@contoso.example\"\ntls = \"none\"\n"),
            _ => {}
        }
        text.push_str("allow_private = true\n");
    }
    text
}

/// The environment variables that hold the sandbox's secrets.
fn secrets(base: &str) -> String {
    let set = |name: &str, value: &str| format!("export COUNTERPLAY_SECRET_{name}=\"{value}\"\n");
    let mut text = String::from("\n");
    text.push_str(&set("SANDBOX", CLIENT_SECRET));
    text.push_str(&set("SANDBOX_WEBHOOK", WEBHOOK_SECRET));
    for team in ["soc", "soc_leads", "it", "security"] {
        let name = format!("TEAMS_{}", team.to_uppercase());
        text.push_str(&set(&name, &format!("{base}/teams/{team}/{TEAMS_KEY}")));
    }
    text.push_str(&set(
        "SLACK_SOC",
        &format!("{base}/slack/services/{SLACK_PATH}"),
    ));
    text
}
