-- People come from identity providers. States are found by their hash; what a provider calls a person, and id numbers, are
-- marks that only the hub's own key can make.

-- Sign-ins that are under way at an identity provider: taken once, by the browser that began.
CREATE TABLE idp_dances (
    state    TEXT PRIMARY KEY,
    provider TEXT NOT NULL,
    browser  TEXT NOT NULL,
    sealed   BLOB NOT NULL,
    expires  INTEGER NOT NULL
) STRICT;
CREATE INDEX idp_dances_expires ON idp_dances (expires);

-- Who a person at an identity provider is here: `mark` is issuer and subject. Several may lead to one account.
CREATE TABLE idp_links (
    mark     TEXT PRIMARY KEY,
    provider TEXT NOT NULL,
    account  TEXT NOT NULL,
    since    INTEGER NOT NULL
) STRICT;
CREATE INDEX idp_links_account ON idp_links (account);

-- Accounts by an id number that was proven.
CREATE TABLE idp_numbers (
    mark    TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    since   INTEGER NOT NULL
) STRICT;

-- Which of our sessions came from which of a provider's, so that its end is ours.
CREATE TABLE idp_sessions (
    sid      TEXT NOT NULL,
    mark     TEXT NOT NULL,
    their    TEXT NOT NULL,
    subject  TEXT NOT NULL,
    expires  INTEGER NOT NULL,
    PRIMARY KEY (sid, mark, their)
) STRICT;
CREATE INDEX idp_sessions_mark ON idp_sessions (mark);
CREATE INDEX idp_sessions_their ON idp_sessions (their);
