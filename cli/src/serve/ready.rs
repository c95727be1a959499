//! A service that is about to answer in; who may log in, and the lines that say where it is, out.

use crate::address;
use crate::error::Failure;
use crate::out::{self, HEAD, NAME, QUIET, WARN, paint};
use crate::project::{self, Project};
use counterplay_sandbox::Sandbox;
use counterplay_server::app::App;
use counterplay_server::identity::{DemoPerson, Identity, Scope};
use counterplay_server::project::Origin;
use std::net::SocketAddr;

/// A person who can log in with a password that is shown now and never again.
#[derive(Clone, Debug)]
pub struct Login {
    /// The e-mail address.
    pub email: String,
    /// The password.
    pub password: String,
    /// What they may do, in words.
    pub may: String,
}

/// The address that people use.
///
/// # Errors
/// When passwords would cross a network in clear.
pub fn public_url(given: Option<&str>, address: SocketAddr) -> Result<String, Failure> {
    let Some(url) = given else {
        if !address.ip().is_loopback() {
            return Err(Failure::cannot_start(format!(
                "{address} can be reached from other machines, and passwords would cross the network in clear; put a proxy with TLS in front and name its address with --public-url https://…"
            )));
        }
        return Ok(format!("http://{address}"));
    };
    let no_address = || {
        Failure::cannot_start(
            "--public-url is an address such as https://counterplay.msp.example, without a path",
        )
    };
    let read = address::read(url).ok_or_else(no_address)?;
    match read.in_clear {
        true => Err(Failure::cannot_start(
            "--public-url begins with https://: passwords would cross the network in clear otherwise",
        )),
        false => Ok(read.base),
    }
}

/// Sees to it that somebody can log in.
///
/// # Errors
/// When the store cannot be written.
pub async fn people(
    identity: &Identity,
    admin: Option<&str>,
    sandbox: bool,
) -> Result<Vec<Login>, Failure> {
    let cannot =
        |e: counterplay_server::identity::IdentityError| Failure::cannot_start(e.to_string());
    if sandbox {
        let password = counterplay_server::identity::random_password().map_err(cannot)?;
        let players = super::tour::people();
        let people: Vec<DemoPerson> = players
            .iter()
            .map(|person| DemoPerson {
                email: person.email.into(),
                name: person.name.into(),
                roles: person.roles.iter().copied().collect(),
                scope: Scope::All,
                password: password.clone(),
            })
            .collect();
        identity.ensure_people(&people).await.map_err(cannot)?;
        return Ok(players
            .iter()
            .map(|person| Login {
                email: person.email.into(),
                password: password.clone(),
                may: person.may.into(),
            })
            .collect());
    }
    let first = identity.first_administrator(admin).await.map_err(cannot)?;
    Ok(first
        .map(|first| Login {
            email: first.email,
            password: first.password,
            may: "the first administrator".into(),
        })
        .into_iter()
        .collect())
}

/// Says where the service is.
///
/// # Errors
/// When standard output is closed.
pub fn announce(
    app: &App,
    project: &Project,
    people: &[Login],
    sandbox: Option<&Sandbox>,
) -> Result<(), Failure> {
    let live = app.projects.live();
    let deployment = app.engine.deployment();
    let url = &app.settings.public_url;
    out::line(format!(
        "{} {}",
        paint(HEAD, format!("Counterplay serves {}", deployment.project)),
        paint(
            QUIET,
            format!(
                "({}, {})",
                out::count(live.compiled.program.playbooks.len(), "playbook"),
                out::count(deployment.tenants.len(), "tenant")
            )
        ),
    ))?;
    let row = |what: &str, text: String| out::line(format!("  {what:<10} {text}"));
    row("dashboard", paint(NAME, format!("{url}/")))?;
    row("API", paint(NAME, format!("{url}/api/openapi.json")))?;
    if let Some(sandbox) = sandbox {
        let base = sandbox.base_url();
        row(
            "outside",
            format!(
                "{}  {}",
                paint(NAME, format!("{base}/")),
                paint(QUIET, "made up; what is done to it is seen there")
            ),
        )?;
    }
    let source = match (app.projects.origin(), &project.root) {
        (Origin::Folder, Some(root)) => {
            format!("{} (read-only through the API)", project::shown(root))
        }
        (Origin::Store, _) => match live.revision {
            Some(revision) => {
                format!("the store, revision {revision}; deploys come through the API")
            }
            None => "the store; deploys come through the API".into(),
        },
        (Origin::Folder, None) => "built in".into(),
    };
    row("playbooks", source)?;
    if !people.is_empty() {
        out::line(format!(
            "\n{} {}",
            paint(HEAD, "Log in as"),
            paint(WARN, "(passwords are shown only now)")
        ))?;
        let width = people.iter().map(|p| p.email.len()).max().unwrap_or(0);
        for person in people {
            out::line(format!(
                "  {:<width$}  {}  {}",
                person.email,
                paint(NAME, &person.password),
                paint(QUIET, &person.may),
            ))?;
        }
    }
    let later = match sandbox {
        None => "Ctrl-C stops in good order; what is open goes on at the next start.",
        Some(_) => {
            "Ctrl-C stops in good order; what is open goes on at the next start, in a made-up tenant and with passwords that are new then."
        }
    };
    out::line(format!("\n{}", paint(QUIET, later)))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::public_url;

    #[test]
    fn passwords_never_cross_a_network_in_clear() {
        let address = |text: &str| text.parse().expect("an address");
        let local = address("127.0.0.1:7447");
        assert_eq!(
            public_url(None, local).expect("loopback"),
            "http://127.0.0.1:7447"
        );
        assert!(public_url(None, address("0.0.0.0:7447")).is_err());
        let https = public_url(Some("https://cp.example/"), address("0.0.0.0:7447"));
        assert_eq!(https.expect("behind a proxy"), "https://cp.example");
        for bad in [
            "http://cp.example",
            "cp.example",
            "https://",
            "https://cp.example/x",
            "ftp://x",
            "https://cp.example:99999",
            "https://someone@cp.example",
            "https://cp.example?x",
            "https://cp example",
            "nonsense",
        ] {
            assert!(public_url(Some(bad), local).is_err(), "{bad}");
        }
    }
}
