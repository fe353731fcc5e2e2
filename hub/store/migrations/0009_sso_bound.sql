-- Tokens bound to keys, exchanged tokens, and pages that ask for tokens themselves.
ALTER TABLE sso_clients ADD COLUMN dpop INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sso_clients ADD COLUMN exchanges TEXT NOT NULL DEFAULT '[]';
ALTER TABLE sso_clients ADD COLUMN origins TEXT NOT NULL DEFAULT '[]';

-- Thumbprint of the key that a refresh token is bound to.
ALTER TABLE sso_refresh ADD COLUMN holder TEXT;
