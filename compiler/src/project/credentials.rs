//! The credentials of a connection as they are written in, and what is wrong with them, out.

use counterplay_machine::deployment::Credentials;
use serde::Deserialize;

/// Other credentials of a connection, for actions that do more harm.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Section {
    client_id: Option<String>,
    secret: Option<String>,
    certificate: Option<String>,
}

impl From<Section> for Credentials {
    fn from(section: Section) -> Credentials {
        Credentials {
            client_id: section.client_id,
            secret: section.secret,
            certificate: section.certificate,
        }
    }
}

/// Credentials, and where they stand.
pub(super) struct Placed {
    /// `connections.graph` or `connections.graph.destructive`.
    pub section: String,
    pub credentials: Credentials,
    /// The everyday application, where these are for actions that do more harm.
    instead_of: Option<Credentials>,
}

impl Placed {
    /// The everyday ones of a connection, and the others that it has.
    pub fn all(
        name: &str,
        own: Credentials,
        disruptive: Option<&Section>,
        destructive: Option<&Section>,
    ) -> Vec<Placed> {
        let others = [("disruptive", disruptive), ("destructive", destructive)];
        let mut all: Vec<Placed> = others
            .into_iter()
            .filter_map(|(impact, section)| {
                Some(Placed {
                    section: format!("connections.{name}.{impact}"),
                    credentials: section?.clone().into(),
                    instead_of: Some(own.clone()),
                })
            })
            .collect();
        all.push(Placed {
            section: format!("connections.{name}"),
            credentials: own,
            instead_of: None,
        });
        all
    }

    /// What is wrong: a sentence, a label and what to do.
    pub fn trouble(&self) -> Option<(String, &'static str, &'static str)> {
        let Placed {
            section,
            credentials,
            instead_of,
        } = self;
        if credentials.secret.is_some() && credentials.certificate.is_some() {
            return Some((
                format!("[{section}] has both a secret and a certificate"),
                "one of them proves who we are",
                "leave one of them out",
            ));
        }
        let own = instead_of.as_ref()?;
        if credentials.secret.is_none() && credentials.certificate.is_none() {
            return Some((
                format!("[{section}] has no credentials"),
                "whose application acts here?",
                "add client_id and secret, or client_id and certificate, of another application, or leave the section out",
            ));
        }
        let same = own.client_id.is_some()
            && (credentials.client_id.is_none() || credentials.client_id == own.client_id);
        same.then(|| {
            (
                format!("[{section}] names no other application"),
                "its client_id is the everyday one's, or left out",
                "add the client_id of the application that may do this; the everyday one need not have the permission then",
            )
        })
    }
}
