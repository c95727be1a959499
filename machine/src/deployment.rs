//! What the project file says of people, tenants and connections, as data. No secret values: only
//! their names.

pub use crate::canary::Canary;
use crate::declare::Impact;
pub use crate::secret_store::SecretsSettings;
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
    /// For which tenants versions act that nobody has promoted.
    #[serde(default, skip_serializing_if = "Canary::is_none")]
    pub canary: Canary,
    /// Who is away and who answers approvals meanwhile, by e-mail address in small letters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub away: BTreeMap<String, Absence>,
    /// Where secret values come from.
    pub secrets: SecretsSettings,
    /// Who is asked before a run is undone.
    #[serde(default)]
    pub undo: UndoSettings,
}

/// Who is asked before a run is undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoSettings {
    /// The team; the one that approved in the run where none is named.
    pub team: Option<String>,
    /// How many of them have to agree.
    pub needs: u32,
    /// Whether they are asked before anything is undone, and not only where something is in doubt.
    pub ask: bool,
}

impl Default for UndoSettings {
    fn default() -> Self {
        UndoSettings {
            team: None,
            needs: 1,
            ask: true,
        }
    }
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

/// Who we are at a service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// The client id or user name, in clear.
    pub client_id: Option<String>,
    /// The name of the secret: client secret, bearer token, password, key.
    pub secret: Option<String>,
    /// The name of the secret that holds a certificate and its private key (OAuth2).
    pub certificate: Option<String>,
}

impl ConnectionSettings {
    /// Who we are for something of this impact; queries have none.
    pub fn credentials(&self, impact: Option<Impact>) -> Credentials {
        let disruptive = self.disruptive.as_ref();
        let other = match impact {
            Some(Impact::Destructive) => self.destructive.as_ref().or(disruptive),
            Some(Impact::Disruptive) => disruptive,
            Some(Impact::Notify | Impact::Reversible) | None => None,
        };
        other.cloned().unwrap_or_else(|| Credentials {
            client_id: self.client_id.clone(),
            secret: self.secret.clone(),
            certificate: self.certificate.clone(),
        })
    }
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
    /// The name of the secret that holds a certificate and its private key, in the place of a client secret (OAuth2).
    #[serde(default)]
    pub certificate: Option<String>,
    /// Other credentials for disruptive actions, and for destructive ones that have none of their own.
    #[serde(default)]
    pub disruptive: Option<Credentials>,
    /// Other credentials for destructive actions.
    #[serde(default)]
    pub destructive: Option<Credentials>,
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

#[cfg(test)]
mod tests {
    use super::{Absence, ConnectionSettings, Credentials, Deployment, Team};
    use crate::declare::Impact;

    #[test]
    fn harm_needs_credentials_of_its_own_where_there_are_some() {
        let of = |id: &str| Credentials {
            client_id: Some(id.to_owned()),
            ..Credentials::default()
        };
        let mut settings = ConnectionSettings {
            client_id: Some("everyday".into()),
            disruptive: Some(of("disruptive")),
            ..ConnectionSettings::default()
        };
        let who = |settings: &ConnectionSettings| {
            [
                None,
                Some(Impact::Notify),
                Some(Impact::Reversible),
                Some(Impact::Disruptive),
                Some(Impact::Destructive),
            ]
            .map(|impact| settings.credentials(impact).client_id.unwrap_or_default())
        };
        assert_eq!(
            who(&settings),
            [
                "everyday",
                "everyday",
                "everyday",
                "disruptive",
                "disruptive"
            ]
        );
        settings.destructive = Some(of("destructive"));
        assert_eq!(who(&settings)[3..], ["disruptive", "destructive"]);
        settings.disruptive = None;
        assert_eq!(who(&settings)[3..], ["everyday", "destructive"]);
    }

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
