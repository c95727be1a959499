//! The deployment's master key in; for each tenant the key that its audit records are sealed with out.
//!
//! A tenant's key is made of random bytes and stored sealed with a key derived from the master key. A store
//! remembers by which master key it was written (a value derived from it, which tells nothing about it) and
//! takes no other one.

use super::{Fault, StoreError, Tx, codec, sealed};
use crate::connect::{KEY_LENGTH, MasterKey, MasterKeyError};
use rusqlite::{Connection, OptionalExtension, params};
use sealed::Key;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

/// Under which name the store remembers its master key.
const MARK: &str = "master key";
/// The file that holds the master key where none is given.
const FILE: &str = "master.key";

/// Where a store's master key lies where none is given: beside the store.
pub fn master_key_path(store: &Path) -> PathBuf {
    store.with_file_name(FILE)
}

/// The keys of a store. The master key is read when it is first needed.
pub(super) struct Keyring {
    store: PathBuf,
    given: Option<MasterKey>,
    master: OnceLock<MasterKey>,
    /// Keys of tenants by the bytes in which they are stored, since a key whose row was rolled back is none.
    opened: Mutex<HashMap<Vec<u8>, Key>>,
}

impl Keyring {
    /// The keys of the store at a path, with its master key where that does not lie beside it.
    pub fn new(store: &Path, given: Option<MasterKey>) -> Keyring {
        Keyring {
            store: store.to_owned(),
            given,
            master: OnceLock::new(),
            opened: Mutex::default(),
        }
    }

    /// The master key, which has to be the one that the store was written with.
    fn master(&self, conn: &Connection) -> Result<&MasterKey, Fault> {
        if let Some(master) = self.master.get() {
            return Ok(master);
        }
        let known = mark(conn)?;
        let master = find(&self.store, self.given.as_ref(), known.as_deref())?;
        Ok(self.master.get_or_init(|| master))
    }

    fn open(&self, master: &MasterKey, tenant: &str, wrapped: &[u8]) -> Option<Key> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = opened.get(wrapped) {
            return Some(*key);
        }
        let key = sealed::open(&wrapping(master), tenant.as_bytes(), wrapped)?;
        let key = Key::try_from(key).ok()?;
        opened.insert(wrapped.to_vec(), key);
        Some(key)
    }
}

/// What the store remembers of its master key; `None` before it was ever used with one.
fn mark(conn: &Connection) -> Result<Option<String>, rusqlite::Error> {
    conn.query_row("SELECT value FROM meta WHERE key = ?1", [MARK], |row| {
        row.get(0)
    })
    .optional()
}

/// Finds the master key before anything of an existing store is changed. A new one is made only for a store
/// that was never used with one.
pub(super) fn settle(
    conn: &Connection,
    store: &Path,
    given: Option<&MasterKey>,
    empty: bool,
) -> Result<MasterKey, StoreError> {
    let known = match empty {
        true => None,
        false => mark(conn).map_err(|error| StoreError::of_sqlite(store, &error))?,
    };
    find(store, given, known.as_deref()).map_err(|fault| StoreError::of(store, fault))
}

/// Lets the store remember its master key.
pub(super) fn remember(conn: &Connection, master: &MasterKey) -> Result<(), rusqlite::Error> {
    conn.execute(
        "INSERT OR IGNORE INTO meta (key, value) VALUES (?1, ?2)",
        [MARK, &mark_of(master)],
    )
    .map(|_| ())
}

fn mark_of(master: &MasterKey) -> String {
    codec::hex(&master.derive("mark of a store", b""))
}

fn wrapping(master: &MasterKey) -> Key {
    master.derive("keys of tenants", b"")
}

fn find(store: &Path, given: Option<&MasterKey>, known: Option<&str>) -> Result<MasterKey, Fault> {
    let path = master_key_path(store);
    let refused = |error: StoreError| Fault::Refused(Box::new(error));
    let master = match (given, known) {
        (Some(given), _) => Ok(given.clone()),
        (None, None) => MasterKey::load_or_create(&path),
        (None, Some(_)) => MasterKey::load(&path),
    }
    .map_err(|error| match error {
        MasterKeyError::Missing(key) => refused(StoreError::NoKey {
            path: store.to_owned(),
            key,
        }),
        other => refused(StoreError::BadKey(other.to_string())),
    })?;
    match known {
        Some(known) if known != mark_of(&master) => Err(refused(StoreError::OtherKey {
            path: store.to_owned(),
            key: match given {
                Some(_) => "that was given".to_owned(),
                None => path.display().to_string(),
            },
        })),
        _ => Ok(master),
    }
}

impl Tx<'_> {
    /// The master key.
    pub(super) fn master(&self) -> Result<&MasterKey, Fault> {
        self.keys.master(self.conn)
    }

    /// The master key's derived key for a purpose.
    pub(super) fn derived(&self, purpose: &str, subject: &[u8]) -> Result<Key, Fault> {
        Ok(self.master()?.derive(purpose, subject))
    }

    /// The key of a tenant's audit records; `None` where none was ever made.
    fn tenant_key(&self, tenant: &str) -> Result<Option<Key>, Fault> {
        let wrapped: Option<Vec<u8>> = self
            .conn
            .prepare_cached("SELECT wrapped FROM audit_keys WHERE tenant = ?1")?
            .query_row([tenant], |row| row.get(0))
            .optional()?;
        let Some(wrapped) = wrapped else {
            return Ok(None);
        };
        let master = self.keys.master(self.conn)?;
        let opened = self.keys.open(master, tenant, &wrapped);
        opened.map(Some).ok_or_else(|| Fault::Unreadable {
            what: format!("the key of the audit records of {tenant:?}"),
            detail: "it was changed or belongs to another store".into(),
        })
    }

    /// The key of a tenant's audit records, which is made where there is none.
    pub(super) fn sealing_key(&self, tenant: &str) -> Result<Key, Fault> {
        match self.tenant_key(tenant)? {
            Some(key) => Ok(key),
            None => self.make_key(tenant),
        }
    }

    /// Seals a text with a tenant's key, bound to a place.
    pub(super) fn seal_with(&self, key: &Key, about: &[u8], text: &[u8]) -> Result<Vec<u8>, Fault> {
        sealed::seal(key, self.salts.draw()?, about, text).ok_or_else(too_long)
    }

    /// Opens what was sealed for a tenant and a place; `None` where it was changed, or the key is gone.
    pub(super) fn unseal(
        &self,
        tenant: &str,
        about: &[u8],
        bytes: &[u8],
    ) -> Result<Option<Vec<u8>>, Fault> {
        let key = self.tenant_key(tenant)?;
        Ok(key.and_then(|key| sealed::open(&key, about, bytes)))
    }

    fn make_key(&self, tenant: &str) -> Result<Key, Fault> {
        let master = self.keys.master(self.conn)?;
        let mut key = [0; KEY_LENGTH];
        for part in key.chunks_exact_mut(16) {
            part.copy_from_slice(&self.salts.draw()?);
        }
        let wrapped = sealed::seal(
            &wrapping(master),
            self.salts.draw()?,
            tenant.as_bytes(),
            &key,
        );
        self.conn
            .prepare_cached("INSERT INTO audit_keys (tenant, wrapped) VALUES (?1, ?2)")?
            .execute(params![tenant, wrapped.ok_or_else(too_long)?])?;
        Ok(key)
    }
}

/// AES-GCM takes 64 GiB.
fn too_long() -> Fault {
    Fault::Unreadable {
        what: "an audit record".into(),
        detail: "it is too long to be sealed".into(),
    }
}
