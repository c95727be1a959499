//! A playbook and a tenant in; whether a version that nobody has promoted acts there out. Data of the project file.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// For whom versions act that nobody has promoted yet: the tenants of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Canary {
    /// The group for every playbook that says nothing of its own; none where versions act everywhere at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// What single playbooks say, by id: their group, or none where they act everywhere at once.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub playbooks: BTreeMap<String, Option<String>>,
}

impl Canary {
    /// Whether there is none at all.
    pub fn is_none(&self) -> bool {
        self.group.is_none() && self.playbooks.values().all(Option::is_none)
    }

    /// The group that a playbook's new versions act for first; none where they act everywhere at once.
    pub fn of(&self, playbook: &str) -> Option<&str> {
        match self.playbooks.get(playbook) {
            Some(own) => own.as_deref(),
            None => self.group.as_deref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_playbook_has_the_last_word() {
        let canary = Canary {
            group: Some("ring0".into()),
            playbooks: [
                ("urgent".to_owned(), None),
                ("wipe".to_owned(), Some("lab".to_owned())),
            ]
            .into(),
        };
        assert_eq!(canary.of("respond"), Some("ring0"));
        assert_eq!(canary.of("urgent"), None);
        assert_eq!(canary.of("wipe"), Some("lab"));
        assert!(!canary.is_none() && Canary::default().is_none());
        assert_eq!(Canary::default().of("respond"), None);
    }
}
