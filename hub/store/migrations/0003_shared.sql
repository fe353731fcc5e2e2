-- What several hubs over one store share, and what became of submissions afterwards.

-- The system and the tenant of a submission are said, so that order and fair shares can be kept without the contract;
-- `holder` is the node that is at it, so that a node that starts again knows what it left behind.
ALTER TABLE submissions ADD COLUMN system TEXT NOT NULL DEFAULT '';
ALTER TABLE submissions ADD COLUMN tenant TEXT;
ALTER TABLE submissions ADD COLUMN holder TEXT NOT NULL DEFAULT '';
ALTER TABLE submissions ADD COLUMN note BLOB;
ALTER TABLE idempotency ADD COLUMN holder TEXT NOT NULL DEFAULT '';
CREATE INDEX submissions_open ON submissions (subject, system, created) WHERE state IN ('stored', 'delivering');
CREATE INDEX submissions_state ON submissions (state, created);

-- One session a system: what a login left, and who may log in now.
CREATE TABLE sessions (
    system      TEXT PRIMARY KEY,
    sealed      BLOB,
    since       INTEGER NOT NULL,
    holder      TEXT NOT NULL,
    lease_until INTEGER NOT NULL
) STRICT;

-- Budgets that are used up in pieces: a name, a period, how much of it is given out.
CREATE TABLE ledger (
    name   TEXT NOT NULL,
    period TEXT NOT NULL,
    used   INTEGER NOT NULL,
    PRIMARY KEY (name, period)
) STRICT;

-- The hubs over this store.
CREATE TABLE nodes (
    id     TEXT PRIMARY KEY,
    joined INTEGER NOT NULL,
    seen   INTEGER NOT NULL
) STRICT;

-- Matters that submissions opened: found by the mark of their number, never by the number itself.
CREATE TABLE cases (
    system     TEXT NOT NULL,
    mark       TEXT NOT NULL,
    submission TEXT,
    state      TEXT,
    at         TEXT,
    news       BLOB,
    version    INTEGER NOT NULL,
    heard      INTEGER NOT NULL,
    polls      INTEGER NOT NULL,
    next_poll  INTEGER NOT NULL,
    PRIMARY KEY (system, mark)
) STRICT;
CREATE INDEX cases_submission ON cases (submission);
CREATE INDEX cases_poll ON cases (next_poll);

-- Orders to be paid, as the hub knows them, and what the daily statements say.
CREATE TABLE orders (
    system     TEXT NOT NULL,
    number     TEXT NOT NULL,
    submission TEXT,
    amount     INTEGER,
    state      TEXT NOT NULL,
    day        TEXT NOT NULL,
    updated    INTEGER NOT NULL,
    PRIMARY KEY (system, number)
) STRICT;
CREATE INDEX orders_day ON orders (system, day);

CREATE TABLE differences (
    system   TEXT NOT NULL,
    day      TEXT NOT NULL,
    number   TEXT NOT NULL,
    kind     TEXT NOT NULL,
    ours     TEXT NOT NULL,
    theirs   TEXT NOT NULL,
    settled  INTEGER NOT NULL CHECK (settled IN (0, 1)),
    found    INTEGER NOT NULL,
    PRIMARY KEY (system, day, number, kind)
) STRICT;
