-- People who operate the hub, what is left of persons who went.

-- Roles exclude each other because a person has one. `password` is a hash, `sealed` the secret of the second factor; `step` is the last
-- step of time whose code was used, so that none counts twice.
CREATE TABLE operators (
    id       TEXT PRIMARY KEY,
    name     TEXT NOT NULL UNIQUE,
    role     TEXT NOT NULL CHECK (role IN ('system', 'security', 'audit')),
    password BLOB NOT NULL,
    salt     BLOB NOT NULL,
    sealed   BLOB NOT NULL,
    step     INTEGER NOT NULL,
    failed   INTEGER NOT NULL,
    locked   INTEGER NOT NULL,
    active   INTEGER NOT NULL CHECK (active IN (0, 1)),
    created  INTEGER NOT NULL
) STRICT;

CREATE TABLE operator_sessions (
    hash     TEXT PRIMARY KEY,
    operator TEXT NOT NULL,
    since    INTEGER NOT NULL,
    seen     INTEGER NOT NULL
) STRICT;
CREATE INDEX operator_sessions_operator ON operator_sessions (operator);

-- Persons who had themselves forgotten: the mark and the time, nothing else.
CREATE TABLE tombstones (
    subject TEXT PRIMARY KEY,
    at      INTEGER NOT NULL
) STRICT;
