//! A store's file in; whether its pages are as they should be out. What takes longer than a moment goes on beside the
//! work: a store of a million runs is several gigabytes, and nobody waits for that while an account is under attack.

use super::group::Shared;
use super::{StoreError, codec, open, programs};
use rusqlite::{Connection, ErrorCode};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Checks every page.
pub(super) fn pages(conn: &Connection, path: &Path) -> Result<(), StoreError> {
    verdict(conn)
        .map_err(|e| StoreError::of_sqlite(path, &e))?
        .map_err(|detail| damaged(path, detail))
}

/// Reads what open runs need, which the check of pages does not look into: their programs, and their states.
pub(super) fn contents(conn: &Connection, path: &Path) -> Result<(), StoreError> {
    let sql = |e: rusqlite::Error| StoreError::of_sqlite(path, &e);
    let mut programs = conn
        .prepare("SELECT hash, json, num FROM programs")
        .map_err(sql)?;
    let mut rows = programs.query([]).map_err(sql)?;
    while let Some(row) = rows.next().map_err(sql)? {
        let num = row.get(2).map_err(sql)?;
        let whole = programs::whole(num, row).map_err(sql)?;
        whole.map_err(|fault| StoreError::of(path, fault))?;
    }
    let mut runs = conn
        .prepare("SELECT id, state FROM runs WHERE ended_ms IS NULL")
        .map_err(sql)?;
    let mut rows = runs.query([]).map_err(sql)?;
    while let Some(row) = rows.next().map_err(sql)? {
        let id: String = row.get(0).map_err(sql)?;
        let state: String = row.get(1).map_err(sql)?;
        codec::check(&format!("run {id}"), &state).map_err(|fault| StoreError::of(path, fault))?;
    }
    Ok(())
}

/// Checks as many pages as can be looked at within a time; whether that was all of them.
pub(super) fn within(conn: &Connection, path: &Path, time: Duration) -> Result<bool, StoreError> {
    if time.is_zero() {
        return Ok(false);
    }
    if time == Duration::MAX {
        return pages(conn, path).map(|()| true);
    }
    let interrupt = conn.get_interrupt_handle();
    let (done, ended) = mpsc::channel::<()>();
    let alarm = std::thread::spawn(move || {
        if ended.recv_timeout(time) == Err(RecvTimeoutError::Timeout) {
            interrupt.interrupt();
        }
    });
    let verdict = verdict(conn);
    drop(done);
    // So that it interrupts nothing else.
    let _ = alarm.join();
    match verdict {
        Ok(Ok(())) => Ok(true),
        Ok(Err(detail)) => Err(damaged(path, detail)),
        Err(e) if e.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => Ok(false),
        Err(e) => Err(StoreError::of_sqlite(path, &e)),
    }
}

/// The check that goes on beside the work. What it finds ends the work.
pub(super) struct Check {
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    interrupt: rusqlite::InterruptHandle,
}

impl Check {
    pub(super) fn start(shared: &Arc<Shared>) -> Result<Check, StoreError> {
        let conn = open::connect(&shared.path, open::busy(shared.patience()), true)?;
        let interrupt = conn.get_interrupt_handle();
        let over = Arc::new(AtomicBool::new(false));
        let path = shared.path.clone();
        let (shared, ended) = (shared.clone(), over.clone());
        let thread = std::thread::Builder::new()
            .name("store-check".to_owned())
            .spawn(move || {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                match pages(&conn, &shared.path) {
                    Ok(()) => tracing::info!("every page of the store was checked"),
                    Err(_) if ended.load(Ordering::SeqCst) => {}
                    Err(error @ StoreError::Corrupt { .. }) => {
                        tracing::error!("{error}");
                        shared.end(error);
                    }
                    Err(error) => tracing::warn!("the store was not checked: {error}"),
                }
            })
            .map_err(|e| StoreError::CannotOpen {
                path,
                detail: e.to_string(),
            })?;
        Ok(Check {
            over,
            thread: Some(thread),
            interrupt,
        })
    }
}

impl Drop for Check {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        let Some(thread) = self.thread.take() else {
            return;
        };
        // It may not have begun yet.
        while !thread.is_finished() {
            self.interrupt.interrupt();
            std::thread::sleep(Duration::from_millis(1));
        }
        let _ = thread.join();
    }
}

fn verdict(conn: &Connection) -> Result<Result<(), String>, rusqlite::Error> {
    let said: String = conn.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    Ok(match said.as_str() {
        "ok" => Ok(()),
        said => Err(said.split_whitespace().collect::<Vec<_>>().join(" ")),
    })
}

fn damaged(path: &Path, detail: String) -> StoreError {
    StoreError::Corrupt {
        path: path.to_owned(),
        detail,
    }
}
