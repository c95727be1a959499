//! What somebody wants changed and the project that runs in, the files as they would be out. Pure.

use super::compile::{ConfigFile, Files, source_folders};
use super::deploy::{DeployError, Live};
use std::collections::BTreeMap;

/// The longest path of a source.
const PATH_LENGTH_MAX: usize = 200;

/// A deploy in the making.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Draft {
    /// A new file with a new playbook.
    New {
        /// The file; after its first playbook when left out.
        path: Option<String>,
        /// Its text.
        source: String,
    },
    /// Another text for the file of a playbook.
    Change {
        /// The playbook's id.
        id: String,
        /// The file's text.
        source: String,
    },
    /// Other texts for files by their path, new ones among them; those without a text are removed.
    Files(BTreeMap<String, Option<String>>),
}

/// Who deploys and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deploying {
    /// The actor, as audit records name them.
    pub by: String,
    /// What changes, in words.
    pub summary: Option<String>,
}

/// The project with a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Applied {
    /// Its files.
    pub(super) files: Files,
    /// Those that differ.
    pub(super) touched: Vec<String>,
    /// What has to be in them.
    pub(super) expected: Expected,
}

/// What has to be in the files that a draft touches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// A playbook.
    Any,
    /// This playbook.
    This(String),
    /// Whatever a project is made of.
    Whatever,
}

impl Expected {
    /// Whether it is there.
    pub(super) fn check(&self, playbooks: &[String]) -> Result<(), DeployError> {
        match self {
            Expected::This(id) if !playbooks.contains(id) => Err(DeployError::Unfit(format!(
                "the source no longer has the playbook `{id}`; deploy another one under its own address"
            ))),
            Expected::Any if playbooks.is_empty() => {
                Err(DeployError::Unfit("the source has no playbook".into()))
            }
            _ => Ok(()),
        }
    }
}

impl Draft {
    /// The project's files with it.
    pub(super) fn apply(self, live: &Live, config: &ConfigFile) -> Result<Applied, DeployError> {
        let mut files = live.files.clone();
        match self {
            Draft::New { path, source } => {
                let path = match path {
                    Some(path) => path,
                    None => format!("{}/{}.play", folder(config), first_playbook(&source)?),
                };
                fits(&path, config)?;
                if files.contains_key(&path) {
                    return Err(DeployError::Conflict(format!(
                        "there is a file {path}; change its playbook with PUT, or name another path"
                    )));
                }
                files.insert(path.clone(), source);
                Ok(Applied {
                    files,
                    touched: vec![path],
                    expected: Expected::Any,
                })
            }
            Draft::Change { id, source } => {
                let stand =
                    live.compiled.stands.get(&id).ok_or_else(|| {
                        DeployError::NotFound(format!("there is no playbook `{id}`"))
                    })?;
                if stand.shipped {
                    return Err(DeployError::Conflict(format!(
                        "`{id}` ships with Counterplay and is not edited; set its mode to paused and deploy a copy under another id"
                    )));
                }
                files.insert(stand.path.clone(), source);
                Ok(Applied {
                    files,
                    touched: vec![stand.path.clone()],
                    expected: Expected::This(id),
                })
            }
            Draft::Files(changed) => {
                let mut touched = Vec::new();
                for (path, text) in changed {
                    match text {
                        Some(text) => {
                            if !files.contains_key(&path) {
                                fits(&path, config)?;
                            }
                            if files.get(&path) != Some(&text) {
                                files.insert(path.clone(), text);
                                touched.push(path);
                            }
                        }
                        None => {
                            if files.remove(&path).is_none() {
                                return Err(DeployError::Unfit(format!(
                                    "there is no file {path} that could be removed"
                                )));
                            }
                            touched.push(path);
                        }
                    }
                }
                if touched.is_empty() {
                    return Err(DeployError::Unfit(
                        "none of these files differs from what is deployed".into(),
                    ));
                }
                Ok(Applied {
                    files,
                    touched,
                    expected: Expected::Whatever,
                })
            }
        }
    }
}

/// Where new files go.
fn folder(config: &ConfigFile) -> String {
    let mut folders = source_folders(config).into_iter();
    folders.next().unwrap_or_else(|| "playbooks".into())
}

/// Whether a path is one of a source, within the project's source folders.
fn fits(path: &str, config: &ConfigFile) -> Result<(), DeployError> {
    let plain = path.len() <= PATH_LENGTH_MAX
        && path.ends_with(".play")
        && path.split('/').all(|part| {
            !part.is_empty()
                && !part.starts_with('.')
                && part
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        });
    if !plain {
        let folder = folder(config);
        return Err(DeployError::Unfit(format!(
            "the path of a playbook is one such as {folder}/lost_device.play: letters, digits, `-`, `_`, ending in .play"
        )));
    }
    let folders = source_folders(config);
    let inside = folders.is_empty()
        || folders.iter().any(|f| {
            path.strip_prefix(f.as_str())
                .is_some_and(|r| r.starts_with('/'))
        });
    if !inside {
        return Err(DeployError::Unfit(format!(
            "{path} lies in none of the project's source folders: {}",
            folders.join(", ")
        )));
    }
    Ok(())
}

/// The id of the first playbook of a source, read as the compiler's own item list has it.
fn first_playbook(source: &str) -> Result<String, DeployError> {
    let parsed = counterplay_compiler::syntax::parse(&std::sync::Arc::from("source"), source);
    let keys = parsed.items.iter().map(|item| item.key.as_ref());
    keys.filter_map(|key: &str| key.strip_prefix("playbook "))
        .map(|id| id.split('#').next().unwrap_or(id).to_owned())
        .find(|id| !id.is_empty())
        .ok_or_else(|| {
            DeployError::Unfit(
                "the source has no playbook: one begins with `playbook ID \"TITLE\" {`".into(),
            )
        })
}
