//! Versions that may act everywhere: a playbook and the hash of its content each, with who said so. And what
//! is deployed, as the engine that works on the store has noted it.

use super::{Fault, NewAudit, Store, StoreError, Tx, codec};
use counterplay_machine::Program;
use counterplay_machine::deployment::Canary;
use rusqlite::{Row, params};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

/// Under which name what is deployed is kept.
const DEPLOYED: &str = "deployed";

/// A version that may act everywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promotion {
    /// The playbook's id.
    pub playbook: String,
    /// The hash of the version's content.
    pub version: String,
    /// A stored program that has it.
    pub program: i64,
    /// Who said so; nobody where it acted before the playbook had a canary.
    pub by: Option<String>,
    /// When, in milliseconds since the Unix epoch.
    pub at_ms: i64,
}

/// What is deployed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeployedProgram {
    /// The program's number in the store.
    pub program: i64,
    /// For whom versions act first.
    #[serde(default)]
    pub canary: Canary,
}

/// A playbook's deployed version, and whether it may act everywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// The playbook's id.
    pub playbook: Arc<str>,
    /// The hash of its content.
    pub version: String,
    /// The group that it acts for until somebody promotes it.
    pub group: String,
    /// Who has promoted it, where somebody has.
    pub promoted: Option<Promotion>,
    /// The promoted version that was deployed before it, which acts for everybody else meanwhile.
    pub before: Option<Promotion>,
}

/// Why a version is not promoted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PromoteRefused {
    /// No engine has worked on the store.
    #[error(
        "nothing is deployed in this store: `counterplay serve` or `counterplay run` deploys the project"
    )]
    NothingDeployed,
    /// No playbook has this id.
    #[error("there is no playbook `{playbook}` in what is deployed")]
    NoPlaybook {
        /// As given.
        playbook: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// It acts everywhere anyway.
    #[error(
        "`{0}` has no canary in what is deployed: each of its versions acts everywhere at once"
    )]
    NoCanary(String),
    /// Another version is deployed than the one that somebody has looked at.
    #[error("version {deployed} of `{playbook}` is deployed now{}; look at it first", other(.given))]
    OtherVersion {
        /// The playbook.
        playbook: String,
        /// The beginning of its hash.
        deployed: String,
        /// As given.
        given: String,
    },
    /// It has been promoted.
    #[error("version {} of `{}` acts everywhere already{}", short(&.0.version), .0.playbook, by(.0))]
    Already(Box<Promotion>),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// As much of a hash as people are shown.
pub fn short(version: &str) -> &str {
    version.get(..12).unwrap_or(version)
}

fn other(given: &str) -> String {
    match given.trim() {
        "" => ", and an empty text names none".to_owned(),
        given => format!(", and not {given}"),
    }
}

fn by(promotion: &Promotion) -> String {
    match &promotion.by {
        Some(by) => format!(": {by} has promoted it"),
        None => ", since before there was a canary".to_owned(),
    }
}

/// The deployed versions of the playbooks that have a canary, by id. `promotions` are those of the store, the one
/// that was deployed last at the end.
pub fn versions(program: &Program, canary: &Canary, promotions: &[Promotion]) -> Vec<Version> {
    if canary.is_none() {
        return Vec::new();
    }
    let with_canary = program
        .playbooks
        .values()
        .filter_map(|p| Some((p, canary.of(&p.id)?)));
    with_canary
        .map(|(playbook, group)| {
            let of = |promotion: &&Promotion| *promotion.playbook == *playbook.id;
            let this = |promotion: &&Promotion| promotion.version == playbook.hash;
            let mut own = promotions.iter().filter(of);
            Version {
                playbook: playbook.id.clone(),
                version: playbook.hash.clone(),
                group: group.to_owned(),
                promoted: own.clone().find(this).cloned(),
                before: own.rfind(|p| !this(p)).cloned(),
            }
        })
        .collect()
}

fn promotion(row: &Row<'_>) -> Result<Promotion, rusqlite::Error> {
    Ok(Promotion {
        playbook: row.get(0)?,
        version: row.get(1)?,
        program: row.get(2)?,
        by: row.get(3)?,
        at_ms: row.get(4)?,
    })
}

impl Tx<'_> {
    /// Every promotion; the version that was deployed last comes last.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn promotions(&self) -> Result<Vec<Promotion>, Fault> {
        let mut ask = self.conn.prepare_cached(
            "SELECT playbook, version, program, by, at_ms FROM promotions ORDER BY deployed, num",
        )?;
        let all = ask.query_map([], promotion)?;
        Ok(all.collect::<Result<_, _>>()?)
    }

    /// The number of the latest promotion; 0 where there is none.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn last_promotion(&self) -> Result<i64, Fault> {
        let mut ask = self
            .conn
            .prepare_cached("SELECT coalesce(max(num), 0) FROM promotions")?;
        Ok(ask.query_row([], |row| row.get(0))?)
    }

    /// Lets a version act everywhere, and writes that into the audit trail; false where it may already.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn add_promotion(&self, new: &Promotion, group: &str) -> Result<bool, Fault> {
        let added = self.conn.execute(
            "INSERT OR IGNORE INTO promotions (playbook, version, program, by, at_ms, deployed) VALUES (?1, ?2, ?3, ?4, ?5, \
             (SELECT coalesce(max(deployed), 0) + 1 FROM promotions WHERE playbook = ?1))",
            params![new.playbook, new.version, new.program, new.by, new.at_ms],
        )?;
        if added > 0 {
            self.add_audit(&NewAudit {
                at_ms: new.at_ms,
                tenant: String::new(),
                actor: new.by.clone().unwrap_or_else(|| "engine".into()),
                action: "playbook.promoted".into(),
                run: None,
                object: Some(new.playbook.clone()),
                detail: json!({
                    "version": new.version,
                    "canary": group,
                    "because": new.by.is_none().then_some("it acted before the playbook had a canary"),
                }),
            })?;
        }
        Ok(added > 0)
    }

    /// Notes that a promoted version is deployed again, and in which program.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn promotion_deployed(
        &self,
        playbook: &str,
        version: &str,
        program: i64,
    ) -> Result<(), Fault> {
        self.conn
            .prepare_cached(
                "UPDATE promotions SET program = ?3, \
                 deployed = (SELECT max(deployed) + 1 FROM promotions WHERE playbook = ?1) \
                 WHERE playbook = ?1 AND version = ?2",
            )?
            .execute(params![playbook, version, program])?;
        Ok(())
    }

    /// What is deployed; nothing before an engine has worked on the store.
    ///
    /// # Errors
    /// When SQLite refuses or it cannot be read.
    pub fn deployed(&self) -> Result<Option<DeployedProgram>, Fault> {
        let found = self.meta(DEPLOYED)?;
        found
            .map(|json| codec::decode("what is deployed", &json))
            .transpose()
    }

    /// Notes what is deployed.
    ///
    /// # Errors
    /// When SQLite refuses.
    pub fn set_deployed(&self, deployed: &DeployedProgram) -> Result<(), Fault> {
        self.set_meta(DEPLOYED, &codec::encode("what is deployed", deployed)?)
    }

    /// What is deployed, with its program.
    pub(super) fn deployed_program(
        &self,
    ) -> Result<Option<(DeployedProgram, Arc<Program>)>, Fault> {
        let Some(deployed) = self.deployed()? else {
            return Ok(None);
        };
        let program = self.program(deployed.program)?;
        Ok(Some((deployed, program)))
    }

    /// [`Store::promote`] as part of this transaction.
    pub(crate) fn promote(
        &self,
        playbook: &str,
        seen: Option<&str>,
        by: &str,
        now_ms: i64,
    ) -> Result<Result<Version, PromoteRefused>, Fault> {
        let Some((deployed, program)) = self.deployed_program()? else {
            return Ok(Err(PromoteRefused::NothingDeployed));
        };
        let versions = versions(&program, &deployed.canary, &self.promotions()?);
        if !program.playbooks.contains_key(playbook) {
            return Ok(Err(PromoteRefused::NoPlaybook {
                playbook: playbook.to_owned(),
                known: program.playbooks.keys().map(ToString::to_string).collect(),
            }));
        }
        let Some(mut version) = versions.into_iter().find(|v| &*v.playbook == playbook) else {
            return Ok(Err(PromoteRefused::NoCanary(playbook.to_owned())));
        };
        if let Some(given) =
            seen.filter(|seen| seen.is_empty() || !version.version.starts_with(seen))
        {
            return Ok(Err(PromoteRefused::OtherVersion {
                playbook: playbook.to_owned(),
                deployed: short(&version.version).to_owned(),
                given: given.to_owned(),
            }));
        }
        if let Some(already) = version.promoted {
            return Ok(Err(PromoteRefused::Already(Box::new(already))));
        }
        let new = Promotion {
            playbook: playbook.to_owned(),
            version: version.version.clone(),
            program: deployed.program,
            by: Some(by.to_owned()),
            at_ms: now_ms,
        };
        self.add_promotion(&new, &version.group)?;
        version.promoted = Some(new);
        Ok(Ok(version))
    }
}

impl Store {
    /// Lets the deployed version of a playbook act everywhere, from its next start on; an engine that works on this
    /// store hears of it at once. `seen` is the version that somebody has looked at, or the beginning of its hash.
    ///
    /// # Errors
    /// Why it is not promoted.
    pub async fn promote(
        &self,
        playbook: &str,
        seen: Option<&str>,
        by: &str,
        now_ms: i64,
    ) -> Result<Version, PromoteRefused> {
        let (playbook, by) = (playbook.to_owned(), by.to_owned());
        let seen = seen.map(str::to_owned);
        self.write(move |tx| tx.promote(&playbook, seen.as_deref(), &by, now_ms))
            .await?
    }

    /// The deployed versions of the playbooks that have a canary; nothing before an engine has worked on the store.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn versions(&self) -> Result<Option<Vec<Version>>, StoreError> {
        self.read(|tx| {
            let Some((deployed, program)) = tx.deployed_program()? else {
                return Ok(None);
            };
            let promotions = tx.promotions()?;
            Ok(Some(versions(&program, &deployed.canary, &promotions)))
        })
        .await
    }
}
