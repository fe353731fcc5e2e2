-- Who used what of a person: every line of the trail about a subject, where that subject can see it.

CREATE TABLE disclosures (
    id         TEXT PRIMARY KEY,
    subject    TEXT NOT NULL,
    at         INTEGER NOT NULL,
    request_id TEXT NOT NULL,
    client     TEXT NOT NULL,
    operation  TEXT NOT NULL,
    fields     TEXT NOT NULL,
    status     INTEGER NOT NULL,
    problem    TEXT,
    reached    INTEGER NOT NULL CHECK (reached IN (0, 1)),
    principal  TEXT
) STRICT;
CREATE INDEX disclosures_subject ON disclosures (subject, at);
