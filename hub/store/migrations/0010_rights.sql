-- What people agreed to for a service, and who may act for whom.

-- One yes of one person, given in one client, to one agency's service: which fields, until when. `apart` lists the fields that
-- were agreed to separately. A yes that another one replaced or that was taken back has its end in `withdrawn`.
CREATE TABLE consents (
    id        TEXT PRIMARY KEY,
    subject   TEXT NOT NULL,
    client    TEXT NOT NULL,
    service   TEXT NOT NULL,
    agency    TEXT NOT NULL,
    fields    TEXT NOT NULL,
    apart     TEXT NOT NULL,
    agent     TEXT,
    since     INTEGER NOT NULL,
    until     INTEGER NOT NULL,
    withdrawn INTEGER,
    changed   INTEGER NOT NULL
) STRICT;
CREATE INDEX consents_subject ON consents (subject, since);
CREATE INDEX consents_changed ON consents (changed);

-- `principal` is a person's mark or a company's code; what is known of them is sealed. `agent` is a mark, unknown until somebody
-- accepts with the code, of which the hash is kept.
CREATE TABLE mandates (
    id        TEXT PRIMARY KEY,
    principal TEXT NOT NULL,
    company   INTEGER NOT NULL CHECK (company IN (0, 1)),
    offered   TEXT NOT NULL,
    agent     TEXT,
    code      TEXT NOT NULL UNIQUE,
    role      TEXT NOT NULL,
    services  TEXT NOT NULL,
    reason    TEXT NOT NULL,
    sealed    BLOB NOT NULL,
    since     INTEGER NOT NULL,
    until     INTEGER NOT NULL,
    accepted  INTEGER,
    ended     INTEGER,
    changed   INTEGER NOT NULL
) STRICT;
CREATE INDEX mandates_principal ON mandates (principal);
CREATE INDEX mandates_offered ON mandates (offered);
CREATE INDEX mandates_agent ON mandates (agent);
CREATE INDEX mandates_changed ON mandates (changed);

-- Who acted, where somebody else did for the subject.
ALTER TABLE disclosures ADD COLUMN agent TEXT;
