-- Worlds of the sandbox, and the log of its calls.

-- What a world is about lies in layers: its own on top, and below it those it was forked from. A layer that something stands
-- on is never written to again, so a fork and a snapshot copy nothing.
CREATE TABLE worlds (
    id       TEXT PRIMARY KEY,
    client   TEXT NOT NULL,
    tenant   TEXT NOT NULL,
    name     TEXT NOT NULL,
    layer    TEXT NOT NULL,
    frozen   INTEGER NOT NULL CHECK (frozen IN (0, 1)),
    created  INTEGER NOT NULL,
    used     INTEGER NOT NULL,
    revision INTEGER NOT NULL
) STRICT;
CREATE INDEX worlds_client ON worlds (client, created);
CREATE INDEX worlds_used ON worlds (frozen, used);

-- Who may use a world without its owner's key: kept as hashes.
CREATE TABLE world_keys (
    hash    BLOB PRIMARY KEY,
    world   TEXT NOT NULL,
    rights  TEXT NOT NULL CHECK (rights IN ('own', 'write', 'read')),
    created INTEGER NOT NULL
) STRICT;
CREATE INDEX world_keys_world ON world_keys (world);

CREATE TABLE world_layers (
    id     TEXT PRIMARY KEY,
    parent TEXT,
    depth  INTEGER NOT NULL
) STRICT;

-- `place` is a mark of where a part stands; where, and what it says, is sealed. Without a body it hides what is below.
CREATE TABLE world_parts (
    layer TEXT NOT NULL,
    place TEXT NOT NULL,
    body  BLOB,
    PRIMARY KEY (layer, place)
) STRICT;

CREATE TABLE world_snapshots (
    id      TEXT PRIMARY KEY,
    world   TEXT NOT NULL,
    layer   TEXT NOT NULL,
    name    TEXT NOT NULL,
    at      INTEGER NOT NULL,
    created INTEGER NOT NULL
) STRICT;
CREATE INDEX world_snapshots_world ON world_snapshots (world, created);

-- Every call of the sandbox. `at` is when it was answered, one microsecond apart at one hub; what was said is sealed.
CREATE TABLE calls (
    at         INTEGER NOT NULL,
    node       TEXT NOT NULL,
    request_id TEXT NOT NULL,
    client     TEXT NOT NULL,
    world      TEXT NOT NULL,
    operation  TEXT NOT NULL,
    method     TEXT NOT NULL,
    status     INTEGER NOT NULL,
    code       TEXT NOT NULL,
    scenario   TEXT NOT NULL,
    took_us    INTEGER NOT NULL,
    replay_of  TEXT,
    body       BLOB NOT NULL,
    PRIMARY KEY (at, node)
) STRICT;
CREATE INDEX calls_request ON calls (request_id);
CREATE INDEX calls_client ON calls (client, at);
CREATE INDEX calls_operation ON calls (client, operation, at);
CREATE INDEX calls_status ON calls (client, status, at);
CREATE INDEX calls_code ON calls (client, code, at);
CREATE INDEX calls_world ON calls (client, world, at);
