-- What happened in worlds, told to the clients they belong to, and back ends that are held against their descriptions.

-- The number of the last event of a client: whoever adds one holds this row, so that numbers become visible in their order.
CREATE TABLE event_heads (
    client TEXT PRIMARY KEY,
    last   INTEGER NOT NULL
) STRICT;

CREATE TABLE events (
    client TEXT NOT NULL,
    number INTEGER NOT NULL,
    id     TEXT NOT NULL UNIQUE,
    world  TEXT NOT NULL,
    kind   TEXT NOT NULL,
    at     INTEGER NOT NULL,
    body   BLOB NOT NULL,
    PRIMARY KEY (client, number)
) STRICT;
CREATE INDEX events_at ON events (at);

-- `sealed` holds address and secrets. `cursor` is the number of the last event that deliveries were made of; `lease` is until when
-- `holder` delivers, `failing` since when nothing arrives.
CREATE TABLE webhooks (
    id      TEXT PRIMARY KEY,
    client  TEXT NOT NULL,
    tenant  TEXT NOT NULL,
    state   TEXT NOT NULL CHECK (state IN ('pending', 'active', 'off')),
    reason  TEXT NOT NULL,
    kinds   TEXT NOT NULL,
    world   TEXT NOT NULL,
    sealed  BLOB NOT NULL,
    cursor  INTEGER NOT NULL,
    failing INTEGER,
    lease   INTEGER NOT NULL,
    holder  TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
) STRICT;
CREATE INDEX webhooks_client ON webhooks (client, created);
CREATE INDEX webhooks_tenant ON webhooks (tenant);
CREATE INDEX webhooks_lease ON webhooks (state, lease);

CREATE TABLE deliveries (
    webhook  TEXT NOT NULL,
    number   INTEGER NOT NULL,
    event    TEXT NOT NULL,
    state    TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'failed')),
    attempts INTEGER NOT NULL,
    next_at  INTEGER NOT NULL,
    updated  INTEGER NOT NULL,
    PRIMARY KEY (webhook, number)
) STRICT;
CREATE INDEX deliveries_due ON deliveries (webhook, state, next_at);
CREATE INDEX deliveries_event ON deliveries (event);

CREATE TABLE delivery_attempts (
    webhook TEXT NOT NULL,
    number  INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    body    BLOB NOT NULL,
    PRIMARY KEY (webhook, number, at)
) STRICT;

-- When the next thing is due in a world whose clock runs, by the machine's time, and at which hub it was last used.
CREATE TABLE world_timers (
    world TEXT PRIMARY KEY,
    node  TEXT NOT NULL,
    due   INTEGER NOT NULL
) STRICT;
CREATE INDEX world_timers_due ON world_timers (node, due);

-- `asked` and `report` are sealed: addresses, credentials, what a back end answered.
CREATE TABLE verifications (
    id      TEXT PRIMARY KEY,
    client  TEXT NOT NULL,
    tenant  TEXT NOT NULL,
    node    TEXT NOT NULL,
    state   TEXT NOT NULL CHECK (state IN ('unproven', 'running', 'done', 'interrupted')),
    asked   BLOB NOT NULL,
    report  BLOB,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
) STRICT;
CREATE INDEX verifications_client ON verifications (client, created);
-- One at a time a tenant, whichever hub it runs at.
CREATE UNIQUE INDEX verifications_running ON verifications (tenant) WHERE state = 'running';
