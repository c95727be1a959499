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
", "
    -- People who may log in. roles is a JSON list; tenants a JSON list, NULL for every tenant.
    CREATE TABLE people (
        num INTEGER PRIMARY KEY,
        email TEXT NOT NULL UNIQUE COLLATE NOCASE,
        name TEXT NOT NULL,
        password TEXT NOT NULL,
        roles TEXT NOT NULL,
        tenants TEXT,
        disabled INTEGER NOT NULL DEFAULT 0,
        created_ms INTEGER NOT NULL,
        changed_ms INTEGER NOT NULL
    ) STRICT;

    -- Logins of people; only the digest of what the browser holds.
    CREATE TABLE sessions (
        digest TEXT PRIMARY KEY,
        person INTEGER NOT NULL REFERENCES people (num),
        created_ms INTEGER NOT NULL,
        seen_ms INTEGER NOT NULL,
        expires_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX sessions_person ON sessions (person);

    -- API tokens; only the digest of what the client holds.
    CREATE TABLE tokens (
        num INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        digest TEXT NOT NULL UNIQUE,
        role TEXT NOT NULL,
        tenants TEXT,
        created_by TEXT NOT NULL,
        created_ms INTEGER NOT NULL,
        expires_ms INTEGER NOT NULL,
        used_ms INTEGER,
        revoked_ms INTEGER
    ) STRICT;

    -- The project's files as they were deployed through the API. state: `live`, `superseded`, `waiting`
    -- (for a second person), `refused`.
    CREATE TABLE revisions (
        num INTEGER PRIMARY KEY,
        base INTEGER,
        at_ms INTEGER NOT NULL,
        by TEXT NOT NULL,
        summary TEXT NOT NULL,
        files TEXT NOT NULL,
        state TEXT NOT NULL,
        reasons TEXT NOT NULL,
        decided_by TEXT,
        decided_ms INTEGER
    ) STRICT;
    CREATE UNIQUE INDEX revisions_live ON revisions (state) WHERE state = 'live';

    -- Modes that people set while the service runs; they override the source and survive deploys.
    CREATE TABLE modes (
        playbook TEXT PRIMARY KEY,
        mode TEXT NOT NULL,
        by TEXT NOT NULL,
        at_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    -- Answers to posts that carried an Idempotency-Key. status is NULL while the first one is worked on.
    CREATE TABLE answers (
        caller TEXT NOT NULL,
        key TEXT NOT NULL,
        request TEXT NOT NULL,
        status INTEGER,
        headers TEXT,
        body TEXT,
        at_ms INTEGER NOT NULL,
        PRIMARY KEY (caller, key)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX answers_at ON answers (at_ms);

    -- Who did what, a chain for each tenant (`` for what concerns all): link is the digest over the link
    -- before and this record's digest, which is over the salt and the record. The other columns repeat
    -- what the record says, to search by. The record may go one day; digest and link stay.
    CREATE TABLE audit (
        num INTEGER PRIMARY KEY,
        tenant TEXT NOT NULL,
        seq INTEGER NOT NULL,
        at_ms INTEGER NOT NULL,
        actor TEXT NOT NULL,
        action TEXT NOT NULL,
        run TEXT,
        salt TEXT NOT NULL,
        digest TEXT NOT NULL,
        link TEXT NOT NULL,
        record TEXT,
        UNIQUE (tenant, seq)
    ) STRICT;
    CREATE INDEX audit_run ON audit (run) WHERE run IS NOT NULL;

    -- The last record of each chain, so that one that was cut short is noticed.
    CREATE TABLE audit_heads (
        tenant TEXT PRIMARY KEY,
        seq INTEGER NOT NULL,
        link TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;

    -- The ids of all approvals of a run, in the order in which its journal asks them.
    CREATE TABLE asked (
        num INTEGER PRIMARY KEY,
        run INTEGER NOT NULL REFERENCES runs (num),
        id TEXT NOT NULL
    ) STRICT;
    CREATE INDEX asked_run ON asked (run);
    INSERT INTO asked (run, id) SELECT run, id FROM approvals ORDER BY asked_ms, run, id;

    -- How often what happened, by hour (UTC): what is `started`, `ended.OUTCOME`, `performed.IMPACT`,
    -- `failed.IMPACT`. Runs from before this table are counted, their actions are not.
    CREATE TABLE counters (
        hour_ms INTEGER NOT NULL,
        tenant TEXT NOT NULL,
        playbook TEXT NOT NULL,
        simulated INTEGER NOT NULL,
        what TEXT NOT NULL,
        n INTEGER NOT NULL,
        PRIMARY KEY (hour_ms, tenant, playbook, simulated, what)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO counters SELECT started_ms - started_ms % 3600000, tenant, playbook, simulated, 'started', count(*)
        FROM runs GROUP BY 1, 2, 3, 4;
    INSERT INTO counters SELECT ended_ms - ended_ms % 3600000, tenant, playbook, simulated,
        'ended.' || json_extract(outcome, '$.outcome'), count(*)
        FROM runs WHERE ended_ms IS NOT NULL AND outcome IS NOT NULL GROUP BY 1, 2, 3, 4, 5;
    CREATE INDEX runs_status ON runs (status, tenant) WHERE ended_ms IS NULL;
    CREATE INDEX runs_playbook ON runs (playbook, num);
    -- Lists of arrivals name the runs of each.
    CREATE INDEX event_runs_event ON event_runs (event);

    -- A schedule as it was written when it was last due: one that is written anew counts from then.
    ALTER TABLE ticks ADD COLUMN written TEXT;

    -- How far each polled source has been read, by the source's own clock; polled_ms is NULL before the
    -- first time. `source` is the declaration: another one is another source.
    CREATE TABLE polls (
        tenant TEXT NOT NULL,
        event TEXT NOT NULL,
        source TEXT NOT NULL,
        cursor_ms INTEGER,
        next_ms INTEGER NOT NULL,
        polled_ms INTEGER,
        failures INTEGER NOT NULL DEFAULT 0,
        error TEXT,
        PRIMARY KEY (tenant, event)
    ) STRICT, WITHOUT ROWID;

    -- Signed deliveries that were taken, so that none is taken twice within the window.
    CREATE TABLE deliveries (
        hook TEXT NOT NULL,
        signature TEXT NOT NULL,
        event INTEGER NOT NULL,
        at_ms INTEGER NOT NULL,
        PRIMARY KEY (hook, signature)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX deliveries_old ON deliveries (at_ms);

    -- Messages that tell people where an approval waits. state: 0 to be sent, 1 sent, 2 given up.
    -- begun: 1 while an attempt is under way; still 1 after a crash that lay in between.
    CREATE TABLE messages (
        num INTEGER PRIMARY KEY,
        run INTEGER NOT NULL REFERENCES runs (num),
        approval TEXT NOT NULL,
        channel TEXT NOT NULL,
        recipient TEXT NOT NULL COLLATE NOCASE,
        asked_ms INTEGER NOT NULL,
        state INTEGER NOT NULL DEFAULT 0,
        attempts INTEGER NOT NULL DEFAULT 0,
        begun INTEGER NOT NULL DEFAULT 0,
        next_ms INTEGER NOT NULL,
        ended_ms INTEGER,
        error TEXT,
        UNIQUE (approval, channel, recipient)
    ) STRICT;
    CREATE INDEX messages_open ON messages (next_ms) WHERE state = 0;

    -- What became of a dead letter: when it was tried again, by whom, as which arrival; or when it was
    -- dismissed, by whom and why. playbook is the one that could not be judged, where only that failed.
    ALTER TABLE dead_letters ADD COLUMN replayed_ms INTEGER;
    ALTER TABLE dead_letters ADD COLUMN replayed_by TEXT;
    ALTER TABLE dead_letters ADD COLUMN replayed_event INTEGER;
    ALTER TABLE dead_letters ADD COLUMN dismissed_ms INTEGER;
    ALTER TABLE dead_letters ADD COLUMN dismissed_by TEXT;
    ALTER TABLE dead_letters ADD COLUMN dismissed_why TEXT;
    ALTER TABLE dead_letters ADD COLUMN playbook TEXT;
", "
    -- Events that runs wait for.
    CREATE TABLE awaits (
        run INTEGER NOT NULL REFERENCES runs (num),
        id TEXT NOT NULL,
        tenant TEXT NOT NULL,
        event TEXT NOT NULL,
        PRIMARY KEY (run, id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX awaits_event ON awaits (tenant, event);

    -- When actions that a guard counts were performed, for 31 days.
    CREATE TABLE uses (
        num INTEGER PRIMARY KEY,
        action TEXT NOT NULL,
        tenant TEXT NOT NULL,
        at_ms INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX uses_action ON uses (action, at_ms);
", "
    -- What services are asked to tell us of. id is what the service calls it, NULL before it is set up;
    -- `source` is the declaration with our address: another one is another subscription.
    CREATE TABLE subscriptions (
        tenant TEXT NOT NULL,
        event TEXT NOT NULL,
        source TEXT NOT NULL,
        id TEXT,
        until_ms INTEGER,
        next_ms INTEGER NOT NULL,
        failures INTEGER NOT NULL DEFAULT 0,
        error TEXT,
        PRIMARY KEY (tenant, event)
    ) STRICT, WITHOUT ROWID;

    -- Objects that a service says have changed, until they have been read. A further change replaces the
    -- row, so that what is being read at that time is read again.
    CREATE TABLE changes (
        num INTEGER PRIMARY KEY AUTOINCREMENT,
        tenant TEXT NOT NULL,
        event TEXT NOT NULL,
        object TEXT NOT NULL,
        next_ms INTEGER NOT NULL,
        failures INTEGER NOT NULL DEFAULT 0,
        UNIQUE (tenant, event, object)
    ) STRICT;
    CREATE INDEX changes_due ON changes (next_ms);
", "
    -- What people have paused: nothing is sent for it. kind: all, tenant, playbook. heard: 1 when the engine has
    -- heard of it; under_way: how much had been sent before and was not answered by then.
    CREATE TABLE pauses (
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        by TEXT NOT NULL,
        at_ms INTEGER NOT NULL,
        why TEXT,
        heard INTEGER NOT NULL DEFAULT 0,
        under_way INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (kind, name)
    ) STRICT, WITHOUT ROWID;
", "
    -- Whose call it is, so that tenants take turns.
    ALTER TABLE outbox ADD COLUMN tenant TEXT NOT NULL DEFAULT '';
    UPDATE outbox SET tenant = (SELECT tenant FROM runs WHERE runs.num = outbox.run);
    CREATE INDEX outbox_unsent ON outbox (tenant, num) WHERE sent = 0;
    CREATE INDEX events_tenant ON events (tenant, num) WHERE state = 0;
", "
    -- The texts of audit records with their salts, sealed with their tenant's key, by the record's num. A row may be
    -- taken away; the chain stays whole. audit.salt is empty and audit.record NULL from here on; those of earlier
    -- versions are sealed when the store is opened.
    CREATE TABLE audit_payloads (
        num INTEGER PRIMARY KEY,
        sealed BLOB NOT NULL
    ) STRICT;
    CREATE INDEX audit_unsealed ON audit (num) WHERE record IS NOT NULL;

    -- Each tenant's key, sealed with one that is derived from the master key.
    CREATE TABLE audit_keys (
        tenant TEXT PRIMARY KEY,
        wrapped BLOB NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX audit_erased ON audit (tenant, seq) WHERE action = 'audit.erased';

    -- Heads of chains that were signed.
    CREATE TABLE audit_checkpoints (
        num INTEGER PRIMARY KEY,
        tenant TEXT NOT NULL,
        seq INTEGER NOT NULL,
        link TEXT NOT NULL,
        at_ms INTEGER NOT NULL,
        signature TEXT NOT NULL,
        UNIQUE (tenant, seq)
    ) STRICT;
", "
    -- What a call acts on, with its tenant, as a list; NULL where that is nothing. One at a time acts on each.
    ALTER TABLE outbox ADD COLUMN entities TEXT;
    CREATE INDEX outbox_parked ON outbox (num) WHERE sent = 2;
", "
    -- Actions that can be taken back: what they change, and how that was before and after. state: 0 sent, 1 done,
    -- 2 failed, 3 about to be sent. ended_num: the latest of them when it ended; later ones began after that. undone_by: the run that took it back, which may be the run itself.
    CREATE TABLE deeds (
        num INTEGER PRIMARY KEY,
        run INTEGER NOT NULL REFERENCES runs (num),
        id TEXT NOT NULL,
        node INTEGER NOT NULL,
        action TEXT NOT NULL,
        args TEXT NOT NULL,
        subject TEXT NOT NULL,
        at_ms INTEGER NOT NULL,
        before TEXT,
        after TEXT,
        state INTEGER NOT NULL,
        ended_num INTEGER,
        undone_by INTEGER REFERENCES runs (num),
        UNIQUE (run, id)
    ) STRICT;
    CREATE INDEX deeds_subject ON deeds (subject) WHERE state < 2 AND undone_by IS NULL;

    -- Wishes to undo a run: the run that each became, or why it was refused.
    CREATE TABLE undos (
        num INTEGER PRIMARY KEY,
        run INTEGER NOT NULL REFERENCES runs (num),
        undo_run INTEGER UNIQUE REFERENCES runs (num),
        by TEXT NOT NULL,
        at_ms INTEGER NOT NULL,
        refused TEXT
    ) STRICT;
    CREATE INDEX undos_run ON undos (run);

    -- Which action a step of an undoing run takes back.
    CREATE TABLE undo_steps (
        run INTEGER NOT NULL REFERENCES runs (num),
        node INTEGER NOT NULL,
        deed INTEGER NOT NULL REFERENCES deeds (num),
        PRIMARY KEY (run, node)
    ) STRICT, WITHOUT ROWID;
", "
    -- What is left of runs that ended long ago: a line each. What they did in detail is gone; the audit trail is not.
    CREATE TABLE archived_runs (
        num INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        tenant TEXT NOT NULL,
        playbook TEXT NOT NULL,
        simulated INTEGER NOT NULL,
        started_ms INTEGER NOT NULL,
        ended_ms INTEGER NOT NULL,
        outcome TEXT,
        repeats INTEGER NOT NULL,
        started_by TEXT NOT NULL,
        archived_ms INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX runs_ended ON runs (ended_ms) WHERE ended_ms IS NOT NULL;
", "
    -- Versions of playbooks (hashes of their content) that may act everywhere, and a program that has them. by: NULL where
    -- it acted before the playbook had a canary. deployed: the version of a playbook that was deployed last has the highest.
    CREATE TABLE promotions (
        num INTEGER PRIMARY KEY,
        playbook TEXT NOT NULL,
        version TEXT NOT NULL,
        program INTEGER NOT NULL REFERENCES programs (num),
        by TEXT,
        at_ms INTEGER NOT NULL,
        deployed INTEGER NOT NULL,
        UNIQUE (playbook, version)
    ) STRICT;
", "
    -- Which programs open runs need: looked at whenever an engine starts.
    CREATE INDEX runs_program ON runs (program) WHERE ended_ms IS NULL;
", "
    -- Who stands behind something that came and may not approve in the runs that it starts: people and tokens, a list; NULL for nobody.
    ALTER TABLE events ADD COLUMN behind TEXT;
    ALTER TABLE dead_letters ADD COLUMN behind TEXT;
", "
    -- What a revision changes for people, as the two programs say it: sentences, a list of JSON.
    ALTER TABLE revisions ADD COLUMN changes TEXT NOT NULL DEFAULT '[]';
"];
