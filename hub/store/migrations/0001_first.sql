-- Times are microseconds since the epoch, UTC. `sealed` columns hold AES-256-GCM with the row's key as context.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE secrets (
    name   TEXT PRIMARY KEY,
    sealed BLOB NOT NULL
) STRICT;

CREATE TABLE tenants (
    id      TEXT PRIMARY KEY,
    name    TEXT NOT NULL,
    created INTEGER NOT NULL
) STRICT;

CREATE TABLE clients (
    id          TEXT PRIMARY KEY,
    tenant      TEXT NOT NULL REFERENCES tenants (id),
    name        TEXT NOT NULL,
    plan        TEXT NOT NULL,
    environment TEXT NOT NULL CHECK (environment IN ('live', 'sandbox')),
    origins     TEXT NOT NULL,
    active      INTEGER NOT NULL CHECK (active IN (0, 1)),
    created     INTEGER NOT NULL
) STRICT;

CREATE TABLE client_keys (
    prefix  TEXT PRIMARY KEY,
    client  TEXT NOT NULL REFERENCES clients (id),
    hash    BLOB NOT NULL,
    revoked INTEGER NOT NULL CHECK (revoked IN (0, 1)),
    expires INTEGER,
    created INTEGER NOT NULL
) STRICT;

CREATE TABLE submissions (
    id          TEXT PRIMARY KEY,
    operation   TEXT NOT NULL,
    client      TEXT NOT NULL,
    subject     TEXT NOT NULL,
    pairwise    TEXT,
    request_id  TEXT NOT NULL,
    input       BLOB NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('stored', 'delivering', 'delivered', 'failed', 'manual')),
    attempts    INTEGER NOT NULL,
    next_at     INTEGER NOT NULL,
    answer      BLOB,
    reason      TEXT,
    created     INTEGER NOT NULL,
    updated     INTEGER NOT NULL
) STRICT;
CREATE INDEX submissions_due ON submissions (next_at) WHERE state IN ('stored', 'delivering');
CREATE INDEX submissions_subject ON submissions (subject, created);

CREATE TABLE idempotency (
    scope      TEXT PRIMARY KEY,
    request    TEXT NOT NULL,
    done       INTEGER NOT NULL CHECK (done IN (0, 1)),
    submission TEXT,
    status     INTEGER,
    answer     BLOB,
    busy_until INTEGER NOT NULL,
    expires    INTEGER NOT NULL
) STRICT;
CREATE INDEX idempotency_expires ON idempotency (expires);

CREATE TABLE files (
    id         TEXT PRIMARY KEY,
    owner      TEXT NOT NULL,
    name       BLOB NOT NULL,
    media_type TEXT NOT NULL,
    sha256     TEXT NOT NULL,
    size       INTEGER NOT NULL,
    content    BLOB NOT NULL,
    used       INTEGER NOT NULL CHECK (used IN (0, 1)),
    expires    INTEGER NOT NULL,
    created    INTEGER NOT NULL
) STRICT;
CREATE INDEX files_expires ON files (expires);
CREATE INDEX files_owner ON files (owner, created);
