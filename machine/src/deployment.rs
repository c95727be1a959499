//! What the project file says of people, tenants and connections, as data. No secret values: only
//! their names.

use crate::value::Value;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The deployment that playbooks run in, read from `counterplay.toml`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Deployment {
    /// The project's name.
    pub project: String,
    /// Teams by name.
    pub teams: BTreeMap<String, Team>,
    /// Tenants by name.
    pub tenants: BTreeMap<String, Tenant>,
    /// Connections that the project grants, by name.
    pub connections: BTreeMap<String, ConnectionSettings>,
    /// Webhooks that other systems deliver to, by name.
    #[serde(default)]
    pub webhooks: BTreeMap<String, Webhook>,
    /// Modes that override the source, by playbook id.
    pub modes: BTreeMap<String, Mode>,
    /// Who is away and who answers approvals meanwhile, by e-mail address in small letters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub away: BTreeMap<String, Absence>,
    /// Where secret values come from.
    pub secrets: SecretsSettings,
}

/// A playbook's mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Runs start and act.
    #[default]
    Active,
    /// Runs start, actions are recorded and not performed.
    Simulate,
    /// No run starts.
    Paused,
}

/// A team.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Team {
    /// E-mail addresses of the members, who may approve.
    pub members: Vec<String>,
    /// The shared mailbox.
    pub email: Option<String>,
    /// The name of the secret that holds the Teams Workflows webhook address.
    pub teams_webhook: Option<String>,
    /// The name of the secret that holds the Slack incoming-webhook address.
    pub slack_webhook: Option<String>,
}

impl Team {
    /// How many people they are: an address that is written twice is one person.
    pub fn people(&self) -> usize {
        let addresses = self.members.iter().map(|m| m.to_ascii_lowercase());
        addresses.collect::<std::collections::BTreeSet<_>>().len()
    }
}

/// A time in which somebody else answers approvals.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Absence {
    /// From when, in milliseconds since the Unix epoch; from always where it is left out.
    pub from_ms: Option<i64>,
    /// Until when, in milliseconds since the Unix epoch.
    pub until_ms: i64,
    /// Who answers, by e-mail address.
    pub delegate: String,
}

impl Deployment {
    /// Who answers for somebody at a time; nobody where they are not away. A delegate who is away has a delegate
    /// of their own; where that leads round in a circle there is none.
    pub fn delegate(&self, who: &str, now_ms: i64) -> Option<&str> {
        let mut at = who.to_ascii_lowercase();
        let mut seen = vec![at.clone()];
        let mut found = None;
        while let Some(absence) = self.away.get(&at) {
            if absence.from_ms.is_some_and(|from| now_ms < from) || now_ms >= absence.until_ms {
                break;
            }
            at = absence.delegate.to_ascii_lowercase();
            if seen.contains(&at) {
                return None;
            }
            seen.push(at.clone());
            found = Some(absence.delegate.as_str());
        }
        found
    }
}

/// A tenant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tenant {
    /// The tenant's id at Microsoft, a GUID or a domain.
    pub id: String,
    /// The tenant's time zone, an IANA name; UTC when left out.
    pub zone: Option<String>,
    /// Verified domains.
    pub domains: Vec<String>,
    /// Groups such as `gold`.
    pub groups: Vec<String>,
    /// The services that the tenant has, as `tenant.has` asks for them; all when left out.
    #[serde(default)]
    pub services: Option<Vec<String>>,
    /// Ids of the accounts that are kept for emergencies.
    #[serde(default)]
    pub break_glass: Vec<String>,
    /// Values of parameters, by name.
    #[serde(default)]
    pub parameters: BTreeMap<String, Value>,
}

/// A webhook: `POST /hooks/NAME`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// The name of the secret that the sender signs with.
    pub secret: String,
    /// The tenant that every delivery belongs to, whatever its body says.
    pub tenant: String,
}

/// How a connection is reached and with which credentials.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ConnectionSettings {
    /// Replaces the declared base address.
    pub base: Option<String>,
    /// Replaces the declared token address (OAuth2).
    pub token_url: Option<String>,
    /// The client id or user name, in clear.
    pub client_id: Option<String>,
    /// The name of the secret: client secret, bearer token, password, key.
    pub secret: Option<String>,
    /// The sender's address (mail).
    pub from: Option<String>,
    /// `starttls`, `tls` or `none` (mail).
    pub tls: Option<String>,
    /// Whether addresses on this machine and private networks may be called.
    #[serde(default)]
    pub allow_private: bool,
    /// Values that request declarations refer to as `setting.NAME`, for instance a client's number in a ticket system.
    #[serde(default)]
    pub settings: BTreeMap<String, serde_json::Value>,
}

/// Where secret values come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SecretsSettings {
    /// Environment variables, with a prefix: `soc-teams` is `COUNTERPLAY_SECRET_SOC_TEAMS`.
    Environment {
        /// The prefix.
        prefix: String,
    },
    /// A TOML file `name = "value"`, readable by its owner only.
    File {
        /// The path, relative to the project file.
        path: String,
    },
}

impl Default for SecretsSettings {
    fn default() -> Self {
        SecretsSettings::Environment {
            prefix: "COUNTERPLAY_SECRET_".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Absence, Deployment, Team};

    #[test]
    fn who_is_away_is_stood_in_for() {
        let away = |from_ms, until_ms, delegate: &str| Absence {
            from_ms,
            until_ms,
            delegate: delegate.into(),
        };
        let deployment = Deployment {
            away: [
                ("ana@x".to_owned(), away(None, 100, "Bo@x")),
                ("bo@x".to_owned(), away(Some(50), 80, "cy@x")),
                ("dan@x".to_owned(), away(None, 100, "eve@x")),
                ("eve@x".to_owned(), away(None, 100, "dan@x")),
            ]
            .into(),
            ..Deployment::default()
        };
        assert_eq!(deployment.delegate("Ana@x", 10), Some("Bo@x"));
        assert_eq!(deployment.delegate("ana@x", 60), Some("cy@x"));
        assert_eq!(deployment.delegate("ana@x", 90), Some("Bo@x"));
        assert_eq!(deployment.delegate("ana@x", 100), None, "they are back");
        assert_eq!(deployment.delegate("dan@x", 10), None, "a circle");
        assert_eq!(deployment.delegate("cy@x", 60), None);
    }

    #[test]
    fn an_address_that_is_written_twice_is_one_person() {
        let team = |members: &[&str]| Team {
            members: members.iter().map(|m| (*m).to_owned()).collect(),
            ..Team::default()
        };
        assert_eq!(
            team(&["a@b.example", "A@B.example", "c@b.example"]).people(),
            2
        );
        assert_eq!(team(&[]).people(), 0);
    }
}
