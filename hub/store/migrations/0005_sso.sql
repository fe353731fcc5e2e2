-- The hub as an OpenID provider. Codes, tokens, cookies and pushed requests are found by their hash: whoever reads the
-- database can present none of them. A subject is a mark, never a name; what is known of a person is sealed.

-- Applications that people sign in to. `redirects`, `logouts`, `scopes` and `grants` are JSON lists, compared to the letter.
CREATE TABLE sso_clients (
    id           TEXT PRIMARY KEY,
    name         TEXT NOT NULL,
    en           TEXT NOT NULL,
    auth         TEXT NOT NULL CHECK (auth IN ('none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt')),
    secret       BLOB,
    keys         TEXT,
    redirects    TEXT NOT NULL,
    logouts      TEXT NOT NULL,
    back_channel TEXT,
    sector       TEXT NOT NULL,
    scopes       TEXT NOT NULL,
    grants       TEXT NOT NULL,
    pushed_only  INTEGER NOT NULL CHECK (pushed_only IN (0, 1)),
    alg          TEXT NOT NULL,
    active       INTEGER NOT NULL CHECK (active IN (0, 1)),
    created      INTEGER NOT NULL
) STRICT;

-- Pushed requests (`pushed`), and requests whose person is at one of our pages (`open`).
CREATE TABLE sso_requests (
    hash    TEXT PRIMARY KEY,
    kind    TEXT NOT NULL CHECK (kind IN ('pushed', 'open')),
    client  TEXT NOT NULL,
    sealed  BLOB NOT NULL,
    expires INTEGER NOT NULL
) STRICT;
CREATE INDEX sso_requests_expires ON sso_requests (expires);

-- People who are signed in, by the hash of their cookie; `sid` stays while the cookie changes.
CREATE TABLE sso_sessions (
    hash    TEXT PRIMARY KEY,
    sid     TEXT NOT NULL UNIQUE,
    subject TEXT NOT NULL,
    sealed  BLOB NOT NULL,
    since   INTEGER NOT NULL,
    seen    INTEGER NOT NULL,
    expires INTEGER NOT NULL
) STRICT;
CREATE INDEX sso_sessions_subject ON sso_sessions (subject);
CREATE INDEX sso_sessions_expires ON sso_sessions (expires);

-- What one sign-in gave to one client: a family of tokens that lives and dies as one. `lasting`: it outlives the session.
CREATE TABLE sso_families (
    id      TEXT PRIMARY KEY,
    client  TEXT NOT NULL,
    subject TEXT NOT NULL,
    sid     TEXT NOT NULL,
    sealed  BLOB NOT NULL,
    lasting INTEGER NOT NULL CHECK (lasting IN (0, 1)),
    expires INTEGER NOT NULL,
    revoked INTEGER
) STRICT;
CREATE INDEX sso_families_whose ON sso_families (subject, client);
CREATE INDEX sso_families_sid ON sso_families (sid);
CREATE INDEX sso_families_revoked ON sso_families (revoked) WHERE revoked IS NOT NULL;
CREATE INDEX sso_families_expires ON sso_families (expires);

CREATE TABLE sso_codes (
    hash    TEXT PRIMARY KEY,
    client  TEXT NOT NULL,
    family  TEXT NOT NULL,
    sealed  BLOB NOT NULL,
    expires INTEGER NOT NULL,
    used    INTEGER
) STRICT;

-- Refresh tokens, used ones too: one that comes back tells of a theft. `next` is the one that took its place.
CREATE TABLE sso_refresh (
    hash   TEXT PRIMARY KEY,
    family TEXT NOT NULL,
    since  INTEGER NOT NULL,
    next   TEXT
) STRICT;
CREATE INDEX sso_refresh_family ON sso_refresh (family);
CREATE INDEX sso_codes_family ON sso_codes (family);

-- What a person agreed to give a client. Every change is a row of the next epoch; the last one counts.
CREATE TABLE sso_consents (
    subject   TEXT NOT NULL,
    client    TEXT NOT NULL,
    epoch     INTEGER NOT NULL,
    scopes    TEXT NOT NULL,
    since     INTEGER NOT NULL,
    until     INTEGER NOT NULL,
    withdrawn INTEGER,
    PRIMARY KEY (subject, client, epoch)
) STRICT;

-- What may come once only: ids of client assertions.
CREATE TABLE sso_seen (
    mark    TEXT PRIMARY KEY,
    expires INTEGER NOT NULL
) STRICT;
