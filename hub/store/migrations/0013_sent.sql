-- Which fields of an operation's input a client really sends: pointers with `*` for any entry, empty for any input at all, `/**` behind
-- a pointer for what the contract does not name or was not noted.
CREATE TABLE sent (
    operation TEXT NOT NULL,
    client    TEXT NOT NULL,
    field     TEXT NOT NULL,
    last_used INTEGER NOT NULL,
    PRIMARY KEY (operation, client, field)
) STRICT;
