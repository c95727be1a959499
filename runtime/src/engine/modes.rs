//! A person's word on a playbook's mode in; the mode that counts from the next start on out.

use super::{Engine, Kit, Refusal};
use crate::store::{NewAudit, Tx};
use counterplay_machine::deployment::Mode;
use counterplay_machine::playbook::Playbook;
use serde_json::json;
use std::sync::Arc;

/// Where a playbook's mode comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModeOrigin {
    /// The playbook's source, which says nothing for `active`.
    Source,
    /// The project file.
    Project,
    /// A person has set it while the engine ran.
    Set {
        /// Who.
        by: String,
        /// When, in milliseconds since the Unix epoch.
        at_ms: i64,
    },
}

/// A playbook's mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaybookMode {
    /// The playbook's id.
    pub playbook: Arc<str>,
    /// The mode that counts.
    pub mode: Mode,
    /// Where it comes from.
    pub origin: ModeOrigin,
    /// The mode that would count if nobody had set one.
    pub otherwise: Mode,
    /// Whether the playbook exists. A mode that was set for one that is gone is kept, and counts
    /// again when it comes back.
    pub exists: bool,
}

impl Engine {
    /// Sets a playbook's mode over whatever source and project file say, or takes that back (`None`).
    /// It counts from the next start on, and stays across deploys and restarts. Open runs go on as
    /// they were started.
    ///
    /// # Errors
    /// [`Refusal::UnknownPlaybook`] when there is no such playbook (a mode that was set for one that
    /// is gone can still be taken back); [`Refusal::Store`].
    pub async fn set_mode(
        &self,
        playbook: &str,
        mode: Option<Mode>,
        by: &str,
    ) -> Result<(), Refusal> {
        let kit = self.kit();
        let exists = kit.program.playbooks.contains_key(playbook);
        let was_set = kit.modes.contains_key(playbook);
        if !exists && (mode.is_some() || !was_set) {
            return Err(Refusal::UnknownPlaybook {
                playbook: playbook.to_owned(),
                known: kit
                    .program
                    .playbooks
                    .keys()
                    .map(ToString::to_string)
                    .collect(),
            });
        }
        let (playbook, by) = (playbook.to_owned(), by.to_owned());
        let now = self.inner.clock.now_ms();
        let set = move |tx: &Tx<'_>| {
            match mode {
                Some(mode) => tx.set_mode(&playbook, mode, &by, now)?,
                None => tx.clear_mode(&playbook)?,
            }
            tx.add_audit(&NewAudit {
                at_ms: now,
                tenant: String::new(),
                actor: by,
                action: "playbook.mode_set".into(),
                run: None,
                object: Some(playbook),
                detail: json!({ "mode": mode }),
            })?;
            Ok(Ok(()))
        };
        self.replace(set, |parts, ()| parts).await?
    }

    /// The mode of a playbook of the live program.
    pub fn mode(&self, playbook: &str) -> Option<PlaybookMode> {
        let kit = self.kit();
        let found = kit.program.playbooks.get(playbook)?;
        Some(mode(&kit, found))
    }

    /// Every playbook's mode, by id; those that are gone and have a mode that was set are among them.
    pub fn modes(&self) -> Vec<PlaybookMode> {
        let kit = self.kit();
        let mut all: Vec<PlaybookMode> = kit
            .program
            .playbooks
            .values()
            .map(|playbook| mode(&kit, playbook))
            .collect();
        let gone = kit
            .modes
            .values()
            .filter(|set| !kit.program.playbooks.contains_key(set.playbook.as_str()));
        all.extend(gone.map(|set| {
            PlaybookMode {
                playbook: Arc::from(set.playbook.as_str()),
                mode: set.mode,
                origin: ModeOrigin::Set {
                    by: set.by.clone(),
                    at_ms: set.at_ms,
                },
                otherwise: kit
                    .project
                    .modes
                    .get(&set.playbook)
                    .copied()
                    .unwrap_or_default(),
                exists: false,
            }
        }));
        all.sort_by(|a, b| a.playbook.cmp(&b.playbook));
        all
    }
}

/// The mode of a playbook: what was set at run time, else what the project says, else what its source says.
fn mode(kit: &Kit, playbook: &Playbook) -> PlaybookMode {
    let project = kit.project.modes.get(&*playbook.id).copied();
    let set = kit.modes.get(&*playbook.id);
    let otherwise = project.unwrap_or(playbook.mode);
    PlaybookMode {
        playbook: playbook.id.clone(),
        mode: set.map_or(otherwise, |s| s.mode),
        origin: match (set, project) {
            (Some(set), _) => ModeOrigin::Set {
                by: set.by.clone(),
                at_ms: set.at_ms,
            },
            (None, Some(_)) => ModeOrigin::Project,
            (None, None) => ModeOrigin::Source,
        },
        otherwise,
        exists: true,
    }
}
