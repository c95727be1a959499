//! A path in, a connection to a store of this version out; every way in which that fails has its
//! own sentence, and nothing is written before the file is known to be ours.

use super::keys::{self, Keyring};
use super::schema::{APPLICATION_ID, MIGRATIONS, VERSION};
use super::{EngineLock, StoreError, audit_seal, check};
use crate::connect::MasterKey;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, MAIN_DB, OpenFlags, TransactionBehavior};
use std::fs::OpenOptions;
use std::path::Path;
use std::time::Duration;

/// What the header of a file says.
struct Header {
    application: i64,
    version: i64,
    empty: bool,
}

/// How long one statement waits for a lock, given a transaction's patience.
pub(super) fn busy(patience: Duration) -> Duration {
    patience.min(Duration::from_secs(5))
}

/// Makes the file where it is missing, checks it and brings its schema up to date; whether every page was checked within
/// the time for that.
pub(super) fn prepare(
    path: &Path,
    patience: Duration,
    key: Option<&MasterKey>,
    check_within: Duration,
) -> Result<bool, StoreError> {
    let sql = |e: rusqlite::Error| StoreError::of_sqlite(path, &e);
    if !exists(path)? {
        create(path)?;
    }
    let mut conn = raw(path, busy(patience))?;
    let header = header(&conn, path)?;
    let checked = check::within(&conn, path, check_within)?;
    wal(&conn, path)?;
    let master = keys::settle(&conn, path, key, header.empty)?;
    if header.version < VERSION {
        let _lock = EngineLock::take(path)?;
        migrate(&mut conn).map_err(sql)?;
    }
    keys::remember(&conn, &master).map_err(sql)?;
    let ring = Keyring::new(path, Some(master));
    if audit_seal::is_open(&conn).map_err(sql)? {
        let _lock = EngineLock::take(path)?;
        audit_seal::close(&mut conn, &ring).map_err(|fault| StoreError::of(path, fault))?;
    }
    conn.close().map_err(|(_, e)| sql(e))?;
    Ok(checked)
}

/// Checks that a store is there and has this version's schema.
pub(super) fn look(path: &Path) -> Result<(), StoreError> {
    if !exists(path)? {
        return Err(StoreError::Missing(path.to_owned()));
    }
    let header = header(&raw(path, busy(Duration::MAX))?, path)?;
    if header.empty {
        return Err(StoreError::Missing(path.to_owned()));
    }
    if header.version < VERSION {
        return Err(StoreError::Older {
            path: path.to_owned(),
            found: header.version,
            known: VERSION,
        });
    }
    Ok(())
}

/// A connection for work, after [`prepare`] or [`look`].
pub(super) fn connect(path: &Path, busy: Duration, read: bool) -> Result<Connection, StoreError> {
    let conn = raw(path, busy)?;
    wal(&conn, path)?;
    conn.pragma_update(None, "synchronous", "FULL")
        .and_then(|()| conn.pragma_update(None, "foreign_keys", true))
        .and_then(|()| conn.pragma_update(None, "trusted_schema", false))
        .and_then(|()| conn.pragma_update(None, "query_only", read))
        // What a savepoint needs to go back to stays in memory: no file is made for it.
        .and_then(|()| conn.pragma_update(None, "temp_store", "MEMORY"))
        // A prepared statement stays as it is, whatever values it is given: planning again costs more than it finds.
        .and_then(|()| conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true))
        .map_err(|e| StoreError::of_sqlite(path, &e))?;
    conn.set_prepared_statement_cache_capacity(256);
    Ok(conn)
}

fn exists(path: &Path) -> Result<bool, StoreError> {
    if path.is_dir() {
        return Err(StoreError::IsFolder(path.to_owned()));
    }
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
    if let Some(folder) = folder
        && !folder.is_dir()
    {
        return Err(StoreError::NoFolder(folder.to_owned()));
    }
    path.try_exists().map_err(|e| StoreError::CannotOpen {
        path: path.to_owned(),
        detail: e.to_string(),
    })
}

/// Makes an empty file that only its owner may read: it will hold personal data.
pub(super) fn create(path: &Path) -> Result<(), StoreError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(e)
            if matches!(
                e.kind(),
                std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem
            ) =>
        {
            Err(StoreError::ReadOnly(path.to_owned()))
        }
        Err(e) => Err(StoreError::CannotOpen {
            path: path.to_owned(),
            detail: e.to_string(),
        }),
    }
}

pub(super) fn raw(path: &Path, busy: Duration) -> Result<Connection, StoreError> {
    let sql = |e: rusqlite::Error| StoreError::of_sqlite(path, &e);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags).map_err(sql)?;
    conn.busy_timeout(busy).map_err(sql)?;
    if conn.is_readonly(MAIN_DB).map_err(sql)? {
        return Err(StoreError::ReadOnly(path.to_owned()));
    }
    Ok(conn)
}

fn header(conn: &Connection, path: &Path) -> Result<Header, StoreError> {
    let ask = |sql: &str| {
        conn.query_row(sql, [], |row| row.get::<_, i64>(0))
            .map_err(|e| StoreError::of_sqlite(path, &e))
    };
    let header = Header {
        application: ask("PRAGMA application_id")?,
        version: ask("PRAGMA user_version")?,
        empty: ask("SELECT count(*) FROM sqlite_master")? == 0,
    };
    let fresh = header.empty && header.application == 0 && header.version == 0;
    if header.application != APPLICATION_ID && !fresh {
        return Err(StoreError::OtherProgram(path.to_owned()));
    }
    if header.version > VERSION {
        return Err(StoreError::Newer {
            path: path.to_owned(),
            found: header.version,
            known: VERSION,
        });
    }
    Ok(header)
}

fn wal(conn: &Connection, path: &Path) -> Result<(), StoreError> {
    let mode: String = conn
        .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))
        .map_err(|e| StoreError::of_sqlite(path, &e))?;
    if mode.eq_ignore_ascii_case("wal") {
        Ok(())
    } else {
        Err(StoreError::NoWal(path.to_owned()))
    }
}

fn migrate(conn: &mut Connection) -> Result<(), rusqlite::Error> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Read again under the lock: another process may have been faster.
    let version: i64 = tx.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    for step in MIGRATIONS
        .iter()
        .skip(usize::try_from(version).unwrap_or(0))
    {
        tx.execute_batch(step)?;
    }
    tx.pragma_update(None, "application_id", APPLICATION_ID)?;
    tx.pragma_update(None, "user_version", VERSION)?;
    tx.commit()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{StatsFilter, Store};

    #[tokio::test]
    async fn a_store_of_the_first_version_is_brought_up_to_date() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store.db");
        let old = Connection::open(&path).expect("a database");
        old.execute_batch(MIGRATIONS[0]).expect("the first tables");
        old.execute_batch(
            "INSERT INTO programs VALUES (1, 'h', 1, '{}', 0);
             INSERT INTO dead_letters VALUES (1, 5, 'acme', NULL, NULL, '{}', 'no event');",
        )
        .expect("rows");
        for (num, ended, outcome) in [
            (
                1,
                Some(3_600_001),
                r#"{"outcome":"completed_with_failures"}"#,
            ),
            (2, None, ""),
        ] {
            old.execute(
                "INSERT INTO runs VALUES (?1, 'r-' || ?1, 'acme', 'p', 1, 0, 'x', 7, 7, ?2, nullif(?3, ''), 0, '{}')",
                rusqlite::params![num, ended, outcome],
            )
            .expect("a run");
        }
        old.pragma_update(None, "application_id", APPLICATION_ID)
            .and_then(|()| old.pragma_update(None, "user_version", 1))
            .expect("marked");
        old.close().expect("closed");
        assert!(matches!(
            Store::attach(&path),
            Err(StoreError::Older { found: 1, .. })
        ));

        let store = Store::open(&path).expect("brought up to date");
        let filter = StatsFilter {
            to_ms: 7_200_000,
            ..StatsFilter::default()
        };
        let hours = store.hours(filter).await.expect("readable");
        let told: Vec<_> = hours
            .iter()
            .map(|h| (h.hour_ms, h.tally.started, h.tally.ended.clone()))
            .collect();
        let ended = [("completed with failures".to_owned(), 1)].into();
        assert_eq!(told, [(0, 2, Default::default()), (3_600_000, 0, ended)]);
        let letter = store.letter(1, None).await.expect("readable");
        assert_eq!(letter.expect("kept").reason, "no event");
        assert!(store.verify_audit(None).await.expect("readable").is_empty());
    }

    #[tokio::test]
    async fn records_of_an_earlier_version_are_sealed_and_stay_whole() {
        use super::super::audit::{digest, first_link, link};
        use super::super::codec::hex;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store.db");
        let old = Connection::open(&path).expect("a database");
        for step in &MIGRATIONS[..5] {
            old.execute_batch(step).expect("the tables of then");
        }
        let mut before = first_link("acme");
        for seq in 1..=3 {
            let record = format!(
                r#"{{"action":"run.held","actor":"engine","at_ms":5,"detail":{{"reason":"of dana"}},"layout":1,"object":null,"run":null,"seq":{seq},"tenant":"acme"}}"#
            );
            let digest = digest(&[7; 16], &record);
            before = link(&before, &digest);
            old.execute(
                "INSERT INTO audit (tenant, seq, at_ms, actor, action, salt, digest, link, record) \
                 VALUES ('acme', ?1, 5, 'engine', 'run.held', ?2, ?3, ?4, ?5)",
                rusqlite::params![seq, hex(&[7; 16]), hex(&digest), hex(&before), record],
            )
            .expect("a record");
        }
        old.execute(
            "INSERT INTO audit_heads VALUES ('acme', 3, ?1)",
            [hex(&before)],
        )
        .and_then(|_| old.pragma_update(None, "application_id", APPLICATION_ID))
        .and_then(|()| old.pragma_update(None, "user_version", 5))
        .expect("marked");
        old.close().expect("closed");

        let store = Store::open(&path).expect("brought up to date");
        let report = store.verify_audit(None).await.expect("readable").remove(0);
        assert_eq!((report.records, report.first_broken), (3, None));
        let records = store.audit(Default::default()).await.expect("readable");
        assert_eq!(records.items[0].detail["reason"], "of dana");
        let open = Connection::open(&path).expect("a database");
        assert!(!super::audit_seal::is_open(&open).expect("readable"));
    }
}
