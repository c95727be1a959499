//! The tables, as steps from one version of the schema to the next.

/// Marks a file as a Counterplay store (`PLAY`).
pub(super) const APPLICATION_ID: i64 = 0x504c_4159;

/// The version of the schema that this program reads and writes.
pub(super) const VERSION: i64 = MIGRATIONS.len() as i64;

/// Each takes the schema one version further. Steps that were released are never edited.
///
/// Indexes are few and partial: every one is written at every transition that touches it.
pub(super) const MIGRATIONS: &[&str] = &["
    CREATE TABLE meta (
        key TEXT PRIMARY KEY,
        value TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    -- Every program that a run was started with.
    CREATE TABLE programs (
        num INTEGER PRIMARY KEY,
        hash TEXT NOT NULL UNIQUE,
        format INTEGER NOT NULL,
        json TEXT NOT NULL,
        stored_ms INTEGER NOT NULL
    ) STRICT;

    -- What may start runs: accepted events, due schedules, manual starts.
    -- state: 0 accepted, 1 matched, 2 dead.
    CREATE TABLE events (
        num INTEGER PRIMARY KEY,
        tenant TEXT NOT NULL,
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        payload TEXT NOT NULL,
        source TEXT,
        received_ms INTEGER NOT NULL,
        state INTEGER NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        next_ms INTEGER NOT NULL,
        remaining TEXT,
        notes TEXT
    ) STRICT;
    CREATE UNIQUE INDEX events_source ON events (tenant, name, source) WHERE source IS NOT NULL;
    CREATE INDEX events_open ON events (next_ms) WHERE state = 0;

    -- What became of an event: the runs that it started (1) or would have repeated (0).
    CREATE TABLE event_runs (
        run INTEGER NOT NULL,
        event INTEGER NOT NULL,
        started INTEGER NOT NULL,
        at_ms INTEGER NOT NULL,
        PRIMARY KEY (run, event, started)
    ) STRICT, WITHOUT ROWID;

    -- The last value of watched objects, and the keys that were seen.
    CREATE TABLE observations (
        tenant TEXT NOT NULL,
        event TEXT NOT NULL,
        object TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (tenant, event, object)
    ) STRICT, WITHOUT ROWID;

    -- `ignore repeats of`: until_ms is NULL where the run's end is what counts.
    CREATE TABLE repeats (
        tenant TEXT NOT NULL,
        playbook TEXT NOT NULL,
        key TEXT NOT NULL,
        run INTEGER NOT NULL REFERENCES runs (num),
        until_ms INTEGER,
        PRIMARY KEY (tenant, playbook, key)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE runs (
        num INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        tenant TEXT NOT NULL,
        playbook TEXT NOT NULL,
        program INTEGER NOT NULL REFERENCES programs (num),
        simulated INTEGER NOT NULL,
        status TEXT NOT NULL,
        started_ms INTEGER NOT NULL,
        updated_ms INTEGER NOT NULL,
        ended_ms INTEGER,
        outcome TEXT,
        entries INTEGER NOT NULL,
        state TEXT NOT NULL
    ) STRICT;
    CREATE INDEX runs_open ON runs (num) WHERE ended_ms IS NULL;

    CREATE TABLE journal (
        num INTEGER PRIMARY KEY,
        run INTEGER NOT NULL REFERENCES runs (num),
        seq INTEGER NOT NULL,
        entry TEXT NOT NULL,
        UNIQUE (run, seq)
    ) STRICT;

    CREATE TABLE timers (
        run INTEGER NOT NULL REFERENCES runs (num),
        id TEXT NOT NULL,
        at_ms INTEGER NOT NULL,
        PRIMARY KEY (run, id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX timers_due ON timers (at_ms);

    CREATE TABLE approvals (
        run INTEGER NOT NULL REFERENCES runs (num),
        id TEXT NOT NULL,
        asked_ms INTEGER NOT NULL,
        PRIMARY KEY (run, id)
    ) STRICT, WITHOUT ROWID;

    -- Calls to be made (sent 0) or under way (sent 1). Gone when their result is committed.
    CREATE TABLE outbox (
        num INTEGER PRIMARY KEY,
        run INTEGER NOT NULL REFERENCES runs (num),
        id TEXT NOT NULL,
        kind TEXT NOT NULL,
        node INTEGER NOT NULL,
        callable TEXT NOT NULL,
        args TEXT NOT NULL,
        attempts INTEGER NOT NULL DEFAULT 0,
        created_ms INTEGER NOT NULL,
        first_sent_ms INTEGER,
        sent INTEGER NOT NULL DEFAULT 0,
        UNIQUE (run, id)
    ) STRICT;

    -- Words of people that the engine has not yet taken up.
    CREATE TABLE inputs (
        num INTEGER PRIMARY KEY,
        run INTEGER NOT NULL REFERENCES runs (num),
        word TEXT NOT NULL,
        at_ms INTEGER NOT NULL
    ) STRICT;

    -- When each schedule was last due.
    CREATE TABLE ticks (
        tenant TEXT NOT NULL,
        playbook TEXT NOT NULL,
        trigger INTEGER NOT NULL,
        last_ms INTEGER NOT NULL,
        PRIMARY KEY (tenant, playbook, trigger)
    ) STRICT, WITHOUT ROWID;

    -- What could not be read or matched, whole, with the reason.
    CREATE TABLE dead_letters (
        num INTEGER PRIMARY KEY,
        at_ms INTEGER NOT NULL,
        tenant TEXT NOT NULL,
        name TEXT,
        event INTEGER,
        payload TEXT NOT NULL,
        reason TEXT NOT NULL
    ) STRICT;
"];
