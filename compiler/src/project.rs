//! `counterplay.toml` as text in, the deployment and findings with their places out.

mod canary;
mod credentials;
mod secrets;

use crate::codes;
use crate::diagnostic::{Diagnostic, Severity};
use crate::lints::{self, Levels};
use crate::near;
use crate::span::{Anchor, Place, Span};
use counterplay_machine::Value;
use counterplay_machine::deployment::{
    ConnectionSettings, Credentials, Deployment, Mode, Team, Tenant, UndoSettings, Webhook,
};
use credentials::Placed;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The name of the project file.
pub const FILE_NAME: &str = "counterplay.toml";

/// A project file, read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProjectFile {
    /// Folders with the project's `.play` files, relative to the project file.
    pub sources: Vec<String>,
    /// Shipped responses that the project runs, by playbook id.
    pub responses: Vec<String>,
    /// People, tenants and connections.
    pub deployment: Deployment,
    /// Where each `[playbooks.ID]` stands.
    pub playbooks: Vec<(String, Place)>,
    /// Where each `[connections.NAME]` stands.
    pub connections: Vec<(String, Place)>,
    /// Where each parameter of a tenant stands: tenant, name, the name's place and the value's.
    pub parameters: Vec<(String, String, Place, Place)>,
    /// The emergency accounts of tenants, and where each stands.
    pub break_glass: Vec<(String, Place)>,
    /// Who is said to be away and is in no team, and where that stands.
    pub strangers: Vec<(String, Place)>,
    /// Where each service of a tenant stands.
    pub services: Vec<(String, Place)>,
    /// What is made of warnings.
    pub lints: Levels,
    /// Whether it says where secrets come from, or leaves it out: `[secrets]` has no mistake.
    pub knows_secrets: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    project: ProjectSection,
    #[serde(default)]
    teams: BTreeMap<String, TeamSection>,
    #[serde(default)]
    tenants: BTreeMap<String, TenantSection>,
    #[serde(default)]
    connections: BTreeMap<toml::Spanned<String>, ConnectionSection>,
    #[serde(default)]
    webhooks: BTreeMap<toml::Spanned<String>, WebhookSection>,
    #[serde(default)]
    playbooks: BTreeMap<toml::Spanned<String>, PlaybookSection>,
    #[serde(default)]
    away: BTreeMap<toml::Spanned<String>, crate::away::AwaySection>,
    #[serde(default)]
    lints: BTreeMap<toml::Spanned<String>, toml::Spanned<String>>,
    secrets: Option<secrets::Written>,
    undo: Option<UndoSection>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UndoSection {
    team: Option<toml::Spanned<String>>,
    needs: Option<toml::Spanned<u32>>,
    ask: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProjectSection {
    name: String,
    sources: Option<Vec<String>>,
    #[serde(default)]
    responses: Vec<toml::Spanned<String>>,
    canary: Option<toml::Spanned<toml::Value>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TeamSection {
    members: Vec<toml::Spanned<String>>,
    email: Option<String>,
    teams_webhook: Option<String>,
    slack_webhook: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TenantSection {
    id: String,
    zone: Option<toml::Spanned<String>>,
    #[serde(default)]
    domains: Vec<String>,
    #[serde(default)]
    groups: Vec<String>,
    services: Option<Vec<toml::Spanned<String>>>,
    #[serde(default)]
    break_glass: Vec<toml::Spanned<String>>,
    #[serde(default)]
    parameters: BTreeMap<toml::Spanned<String>, toml::Spanned<toml::Value>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConnectionSection {
    base: Option<String>,
    token_url: Option<String>,
    client_id: Option<String>,
    secret: Option<String>,
    certificate: Option<String>,
    disruptive: Option<credentials::Section>,
    destructive: Option<credentials::Section>,
    from: Option<String>,
    tls: Option<toml::Spanned<String>>,
    #[serde(default)]
    allow_private: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WebhookSection {
    secret: Option<String>,
    tenant: Option<toml::Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PlaybookSection {
    mode: Option<Mode>,
    canary: Option<toml::Spanned<toml::Value>>,
}

/// Reads a project file. `shipped` are the ids of the responses that may be enabled.
pub fn read(path: &Arc<str>, text: &str, shipped: &[String]) -> (ProjectFile, Vec<Diagnostic>) {
    let anchor = Anchor {
        file: path.clone(),
        item: Arc::from(""),
    };
    let at = |range: std::ops::Range<usize>| Place {
        anchor: anchor.clone(),
        span: Span::new(
            range.start,
            range.end.max(range.start + 1).min(text.len().max(1)),
        ),
    };
    let written: Written = match toml::from_str(text) {
        Ok(written) => written,
        Err(error) => {
            let range = error.span().unwrap_or(0..text.len().min(1));
            let diagnostic = Diagnostic::error(
                codes::PROJECT_FILE,
                format!("{FILE_NAME} cannot be read: {}", plain(error.message())),
                at(range),
                "here",
            );
            return (ProjectFile::default(), vec![diagnostic]);
        }
    };
    let mut diagnostics = Vec::new();
    let mut find =
        |message: String, range: std::ops::Range<usize>, label: &str, help: Option<String>| {
            let mut diagnostic = Diagnostic::error(codes::PROJECT_FILE, message, at(range), label);
            diagnostic.help = help;
            diagnostics.push(diagnostic);
        };
    let credentials: Vec<Placed> = written
        .connections
        .iter()
        .flat_map(|(name, connection)| {
            let own = Credentials {
                client_id: connection.client_id.clone(),
                secret: connection.secret.clone(),
                certificate: connection.certificate.clone(),
            };
            let others = (&connection.disruptive, &connection.destructive);
            Placed::all(name.get_ref(), own, others.0.as_ref(), others.1.as_ref())
        })
        .collect();
    let of_teams = written.teams.iter().flat_map(|(name, team)| {
        [
            (
                format!("teams.{name}"),
                "teams_webhook",
                &team.teams_webhook,
            ),
            (
                format!("teams.{name}"),
                "slack_webhook",
                &team.slack_webhook,
            ),
        ]
    });
    let of_connections = credentials.iter().flat_map(|placed| {
        let Placed {
            section,
            credentials,
            ..
        } = placed;
        [
            (section.clone(), "secret", &credentials.secret),
            (section.clone(), "certificate", &credentials.certificate),
        ]
    });
    let of_webhooks = written.webhooks.iter().map(|(name, webhook)| {
        (
            format!("webhooks.{}", name.get_ref()),
            "secret",
            &webhook.secret,
        )
    });
    for (section, key, secret) in of_teams.chain(of_connections).chain(of_webhooks) {
        if secret.as_ref().is_some_and(|s| !is_secret_name(s)) {
            // The line itself is not shown: what stands there may be the secret.
            let (place, label) = match header(text, &section) {
                Some(range) => (range, "in this section"),
                None => (0..1, "in this file"),
            };
            find(
                format!("the {key} of [{section}] is no name of a secret"),
                place,
                label,
                Some(
                    "a name has small letters, digits, `-` and `_`; if it is the secret itself that stands there, take it out, keep it where [secrets] says, and replace it by a new one"
                        .into(),
                ),
            );
        }
    }
    for placed in &credentials {
        if let Some((message, label, help)) = placed.trouble() {
            let place = header(text, &placed.section).unwrap_or(0..1);
            find(message, place, label, Some(help.to_owned()));
        }
    }
    for response in &written.project.responses {
        if !shipped.iter().any(|s| s == response.get_ref()) {
            find(
                format!(
                    "no response `{}` ships with Counterplay",
                    response.get_ref()
                ),
                response.span(),
                "not one of them",
                Some(format!(
                    "there are {}",
                    crate::near::menu(shipped.iter().map(String::as_str))
                )),
            );
        }
    }
    let mut teams = BTreeMap::new();
    for (name, team) in written.teams {
        let mut members: Vec<String> = Vec::new();
        for member in team.members {
            let range = member.span();
            let address = member.into_inner();
            if !address.contains('@') {
                find(
                    format!("`{address}` is not an e-mail address"),
                    range,
                    "members are known by their e-mail addresses",
                    None,
                );
            } else if members.iter().any(|m| m.eq_ignore_ascii_case(&address)) {
                find(
                    format!("`{address}` is in team `{name}` twice"),
                    range,
                    "the second time",
                    Some("one person counts once in an approval".into()),
                );
            } else {
                members.push(address);
            }
        }
        teams.insert(
            name,
            Team {
                members,
                email: team.email,
                teams_webhook: team.teams_webhook,
                slack_webhook: team.slack_webhook,
            },
        );
    }
    let mut tenants = BTreeMap::new();
    let (mut parameters, mut services) = (Vec::new(), Vec::new());
    let mut emergency = Vec::new();
    for (name, tenant) in written.tenants {
        let mut own = BTreeMap::new();
        for (parameter, value) in tenant.parameters {
            let (key, here) = (at(parameter.span()), at(value.span()));
            let parameter = parameter.into_inner();
            parameters.push((name.clone(), parameter.clone(), key, here));
            // Which type it has is said by the parameter's declaration.
            let json = serde_json::to_value(value.into_inner()).unwrap_or_default();
            own.insert(parameter, Value::Json(Arc::new(json)));
        }
        let of_tenant = tenant.services.map(|listed| {
            let all = listed.into_iter().map(|service| {
                services.push((service.get_ref().clone(), at(service.span())));
                service.into_inner()
            });
            all.collect()
        });
        let break_glass = tenant.break_glass.into_iter().map(|entry| {
            emergency.push((entry.get_ref().clone(), at(entry.span())));
            entry.into_inner()
        });
        let break_glass = break_glass.collect();
        let zone = tenant.zone.map(|zone| {
            if jiff::tz::TimeZone::get(zone.get_ref()).is_err() {
                find(
                    format!("there is no time zone `{}`", zone.get_ref()),
                    zone.span(),
                    "expected an IANA name such as \"Europe/London\"",
                    None,
                );
            }
            zone.into_inner()
        });
        tenants.insert(
            name,
            Tenant {
                id: tenant.id,
                zone,
                domains: tenant.domains.iter().map(|d| d.to_lowercase()).collect(),
                groups: tenant.groups,
                services: of_tenant,
                break_glass,
                parameters: own,
            },
        );
    }
    let mut connections = BTreeMap::new();
    let mut connections_at = Vec::new();
    for (name, connection) in written.connections {
        connections_at.push((name.get_ref().clone(), at(name.span())));
        let name = name.into_inner();
        let tls = connection.tls.map(|tls| {
            if !matches!(tls.get_ref().as_str(), "starttls" | "tls" | "none") {
                find(
                    format!("`{}` is no way to protect mail", tls.get_ref()),
                    tls.span(),
                    "expected \"starttls\", \"tls\" or \"none\"",
                    None,
                );
            }
            tls.into_inner()
        });
        connections.insert(
            name,
            ConnectionSettings {
                base: connection.base,
                token_url: connection.token_url,
                client_id: connection.client_id,
                secret: connection.secret,
                certificate: connection.certificate,
                disruptive: connection.disruptive.map(Credentials::from),
                destructive: connection.destructive.map(Credentials::from),
                from: connection.from,
                tls,
                allow_private: connection.allow_private,
                settings: BTreeMap::new(),
            },
        );
    }
    let webhooks = webhooks(written.webhooks, &tenants, &mut find);
    let (away, strangers) = crate::away::read(written.away, &teams, &mut find);
    let undo = undo(written.undo, &teams, &mut find);
    let own_canaries = written.playbooks.iter();
    let canary = canary::read(
        written.project.canary.as_ref(),
        own_canaries.filter_map(|(id, p)| Some((id.get_ref().as_str(), p.canary.as_ref()?))),
        &tenants,
        &mut find,
    );
    let lints = lints::read(written.lints, &mut find);
    let here = first_line(text, "[secrets]").unwrap_or(0..1);
    let (secrets, knows_secrets) = secrets::read(written.secrets, here, &mut find);
    let playbooks = written
        .playbooks
        .keys()
        .map(|id| (id.get_ref().clone(), at(id.span())))
        .collect();
    let file = ProjectFile {
        playbooks,
        connections: connections_at,
        parameters,
        services,
        break_glass: emergency,
        strangers: strangers
            .into_iter()
            .map(|(who, range)| (who, at(range)))
            .collect(),
        lints,
        knows_secrets,
        sources: written
            .project
            .sources
            .unwrap_or_else(|| vec!["playbooks".into()]),
        responses: written
            .project
            .responses
            .into_iter()
            .map(toml::Spanned::into_inner)
            .collect(),
        deployment: Deployment {
            project: written.project.name,
            teams,
            tenants,
            connections,
            webhooks,
            canary,
            away,
            modes: written
                .playbooks
                .into_iter()
                .filter_map(|(id, p)| Some((id.into_inner(), p.mode?)))
                .collect(),
            secrets,
            undo,
        },
    };
    debug_assert!(
        diagnostics
            .iter()
            .all(|d: &Diagnostic| d.severity == Severity::Error)
    );
    (file, diagnostics)
}

/// Where a section's first line stands, or that of the section that it is a part of.
fn header(text: &str, section: &str) -> Option<std::ops::Range<usize>> {
    let (of, name) = section.rsplit_once('.')?;
    first_line(text, &format!("[{section}]"))
        .or_else(|| first_line(text, &format!("[{of}.\"{name}\"]")))
        .or_else(|| header(text, of))
}

/// Where a line begins like this.
fn first_line(text: &str, form: &str) -> Option<std::ops::Range<usize>> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim_start();
        if content.starts_with(form) {
            let start = at + (line.len() - content.len());
            return Some(start..start + form.len());
        }
        at += line.len();
    }
    None
}

/// Who is asked before a run is undone: a team that there is, and no more of it than there are.
fn undo(
    written: Option<UndoSection>,
    teams: &BTreeMap<String, Team>,
    find: &mut impl FnMut(String, std::ops::Range<usize>, &str, Option<String>),
) -> UndoSettings {
    let usual = UndoSettings::default();
    let Some(written) = written else {
        return usual;
    };
    let mut people = teams.values().map(Team::people).max().unwrap_or(0);
    if let Some(team) = &written.team {
        match teams.get(team.get_ref()) {
            Some(team) => people = team.people(),
            None => find(
                format!("there is no team `{}`", team.get_ref()),
                team.span(),
                "who is to be asked before a run is undone?",
                Some(format!(
                    "the teams are {}",
                    near::menu(teams.keys().map(String::as_str))
                )),
            ),
        }
    }
    let needs = written.needs.map_or(usual.needs, |needs| {
        let many = *needs.get_ref();
        if many == 0 || many as usize > people {
            find(
                format!("{many} people cannot agree to undo a run"),
                needs.span(),
                &format!("the team has {people}"),
                Some("whoever asks for it, or whom it is about, may not agree: leave one more than are needed".into()),
            );
        }
        many.max(1)
    });
    UndoSettings {
        team: written.team.map(toml::Spanned::into_inner),
        needs,
        ask: written.ask.unwrap_or(usual.ask),
    }
}

/// The webhooks, each with a secret and a tenant that there is.
fn webhooks(
    written: BTreeMap<toml::Spanned<String>, WebhookSection>,
    tenants: &BTreeMap<String, Tenant>,
    find: &mut impl FnMut(String, std::ops::Range<usize>, &str, Option<String>),
) -> BTreeMap<String, Webhook> {
    let mut webhooks = BTreeMap::new();
    for (name, section) in written {
        let (at, name) = (name.span(), name.into_inner());
        if !is_hook_name(&name) {
            find(
                format!("`{name}` cannot be the name of a webhook"),
                at.clone(),
                "it becomes part of an address",
                Some("a name has letters, digits, `-` and `_`, at most 64".into()),
            );
        }
        if section.secret.is_none() {
            find(
                format!("[webhooks.{name}] names no secret"),
                at.clone(),
                "who signs with what?",
                Some(format!(
                    "add `secret = \"hook-{}\"`, the name of the secret that the sender signs with; without one, anybody could start runs",
                    name.to_lowercase()
                )),
            );
        }
        let menu = || crate::near::menu(tenants.keys().map(String::as_str));
        let tenant = match section.tenant {
            None => {
                find(
                    format!("[webhooks.{name}] names no tenant"),
                    at,
                    "whose deliveries are these?",
                    Some(format!(
                        "add `tenant = …`; the tenants are {}; what a delivery says of itself is never asked",
                        menu()
                    )),
                );
                String::new()
            }
            Some(tenant) => {
                if !tenants.contains_key(tenant.get_ref()) {
                    let near =
                        crate::near::best(tenant.get_ref(), tenants.keys().map(String::as_str));
                    find(
                        format!("there is no tenant `{}`", tenant.get_ref()),
                        tenant.span(),
                        "the tenant that deliveries belong to",
                        Some(match near {
                            Some(near) => format!("did you mean \"{near}\"?"),
                            None => format!("the tenants are {}", menu()),
                        }),
                    );
                }
                tenant.into_inner()
            }
        };
        webhooks.insert(
            name,
            Webhook {
                secret: section.secret.unwrap_or_default(),
                tenant,
            },
        );
    }
    webhooks
}

/// What a webhook may be called: it is part of the address that its sender calls.
fn is_hook_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// What a secret may be called: it becomes part of a variable's name or a key in a file.
fn is_secret_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_')
}

/// The library's message without the words of its implementation.
fn plain(message: &str) -> String {
    message
        .trim()
        .replace("invalid type: ", "")
        .replace("unknown field", "there is no")
        .replace("unknown variant", "there is no")
        .replace("missing field", "this section lacks")
        .replace("a sequence", "a list")
        .replace("a map", "a section")
        .replace("struct ", "the section ")
        .lines()
        .collect::<Vec<_>>()
        .join(" ")
}
