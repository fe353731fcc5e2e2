-- Agencies, their people, and the versions of descriptions they register.

CREATE TABLE agencies (
    id      TEXT PRIMARY KEY,
    name    TEXT NOT NULL,
    en      TEXT NOT NULL,
    state   TEXT NOT NULL CHECK (state IN ('asked', 'approved', 'suspended')),
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
) STRICT;

-- People; those of the hub itself belong to no agency.
CREATE TABLE members (
    id      TEXT PRIMARY KEY,
    agency  TEXT REFERENCES agencies (id),
    name    TEXT NOT NULL,
    role    TEXT NOT NULL CHECK (role IN ('clerk', 'owner', 'reviewer', 'operator')),
    prefix  TEXT NOT NULL UNIQUE,
    hash    BLOB NOT NULL,
    active  INTEGER NOT NULL CHECK (active IN (0, 1)),
    created INTEGER NOT NULL
) STRICT;

-- `owner` answers for it now; the path keeps the agency it was registered under. `inner_ok`: an operator lets its upstream
-- stand on this machine or in a private network. `since`: from then on it is deprecated.
CREATE TABLE versions (
    id        TEXT PRIMARY KEY,
    agency    TEXT NOT NULL,
    system    TEXT NOT NULL,
    owner     TEXT NOT NULL,
    major     INTEGER NOT NULL,
    number    TEXT NOT NULL,
    state     TEXT NOT NULL,
    file      TEXT NOT NULL,
    content   BLOB NOT NULL,
    connector TEXT,
    waivers   TEXT,
    author    TEXT NOT NULL,
    asked_by  TEXT,
    break_by  TEXT,
    inner_ok  INTEGER NOT NULL CHECK (inner_ok IN (0, 1)),
    since     INTEGER,
    sunset    INTEGER,
    created   INTEGER NOT NULL,
    updated   INTEGER NOT NULL,
    revision  INTEGER NOT NULL
) STRICT;
CREATE INDEX versions_system ON versions (agency, system, created);
CREATE INDEX versions_state ON versions (state);
-- One version of a major is called at a time, whoever publishes in the same moment.
CREATE UNIQUE INDEX versions_called ON versions (agency, system, major) WHERE state IN ('live', 'deprecated');

-- What was done, never changed: what was true on a day is read from it.
CREATE TABLE acts (
    id       TEXT PRIMARY KEY,
    at       INTEGER NOT NULL,
    actor    TEXT NOT NULL,
    role     TEXT NOT NULL,
    agency   TEXT NOT NULL,
    subject  TEXT NOT NULL,
    act      TEXT NOT NULL,
    state    TEXT,
    revision INTEGER NOT NULL,
    why      TEXT NOT NULL
) STRICT;
CREATE INDEX acts_subject ON acts (subject, at, revision);
CREATE INDEX acts_agency ON acts (agency, at);
-- Two who change one version in the same moment would write the same revision: the second is refused whole.
CREATE UNIQUE INDEX acts_step ON acts (subject, revision) WHERE revision > 0;

-- Who was told of what: once each.
CREATE TABLE notices (
    client  TEXT NOT NULL,
    version TEXT NOT NULL,
    kind    TEXT NOT NULL,
    text    TEXT NOT NULL,
    created INTEGER NOT NULL,
    PRIMARY KEY (client, version, kind)
) STRICT;
CREATE INDEX notices_client ON notices (client, created);

-- Who uses which operation, for those who want to change it.
CREATE TABLE usage (
    operation TEXT NOT NULL,
    client    TEXT NOT NULL,
    calls     INTEGER NOT NULL,
    last_used INTEGER NOT NULL,
    PRIMARY KEY (operation, client)
) STRICT;
