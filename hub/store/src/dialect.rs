//! Where the two databases need different words: types in migrations, and locking. Everything else is said once, beside
//! its repository.

use crate::StoreError;
use sqlx::migrate::{Migrate, Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, SqlSafeStr};

/// Migrations in order, in SQLite's words; a released one is never changed. One that is missing in a database is made
/// good, whichever came after it.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "first", include_str!("../migrations/0001_first.sql")),
    (2, "doubt", include_str!("../migrations/0002_doubt.sql")),
    (3, "shared", include_str!("../migrations/0003_shared.sql")),
    (4, "registry", include_str!("../migrations/0004_registry.sql")),
    (5, "sso", include_str!("../migrations/0005_sso.sql")),
    (6, "disclosures", include_str!("../migrations/0006_disclosures.sql")),
    (7, "upstream", include_str!("../migrations/0007_upstream.sql")),
    (8, "worlds", include_str!("../migrations/0008_worlds.sql")),
    (9, "sso_bound", include_str!("../migrations/0009_sso_bound.sql")),
    (10, "rights", include_str!("../migrations/0010_rights.sql")),
    (11, "people", include_str!("../migrations/0011_people.sql")),
    (12, "events", include_str!("../migrations/0012_events.sql")),
    (13, "sent", include_str!("../migrations/0013_sent.sql")),
];

/// Which words the database understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// SQLite.
    Lite,
    /// PostgreSQL.
    Pg,
}

// The first of a person at a system, by the order of an index: `NOT EXISTS` of an earlier one made PostgreSQL read the whole
// table for each of thousands that wait.
macro_rules! take_due {
    ($locking:literal) => {
        concat!(
            "WITH due AS (
                 SELECT id FROM submissions s
                 WHERE state IN ('stored', 'delivering') AND next_at <= $1 AND (subject = '' OR id = (
                     SELECT e.id FROM submissions e
                     WHERE e.subject = s.subject AND e.system = s.system AND e.state IN ('stored', 'delivering')
                     ORDER BY e.created, e.id LIMIT 1))
                 ORDER BY next_at, created LIMIT $2 ",
            $locking,
            ")
             UPDATE submissions
             SET doubt = CASE WHEN state = 'delivering' THEN 1 ELSE 0 END,
                 state = 'delivering', attempts = attempts + 1, next_at = $3, updated = $1, holder = $4
             WHERE id IN (SELECT id FROM due)
             RETURNING id, operation, client, subject, pairwise, request_id, input, state, attempts, next_at,
                       answer, reason, created, updated, system, tenant, note, doubt"
        )
    };
}

macro_rules! take_polls {
    ($locking:literal) => {
        concat!(
            "WITH due AS (SELECT system, mark FROM cases WHERE next_poll <= $1 ORDER BY next_poll LIMIT $2 ",
            $locking,
            ")
             UPDATE cases SET next_poll = $3, polls = polls + 1, version = version + 1
             WHERE (system, mark) IN (SELECT system, mark FROM due)
             RETURNING system, mark, submission, state, at, news, version, heard, polls, next_poll"
        )
    };
}

impl Dialect {
    /// Takes matters to be asked about: now, most, when they are due again.
    pub(crate) const fn take_polls(self) -> &'static str {
        match self {
            Self::Lite => take_polls!(""),
            Self::Pg => take_polls!("FOR UPDATE SKIP LOCKED"),
        }
    }

    /// Takes what is due: now, most, end of the lease. SQLite has one writer; on PostgreSQL hubs step around each other's
    /// rows instead of queueing up behind them.
    pub(crate) const fn take_due(self) -> &'static str {
        match self {
            Self::Lite => take_due!(""),
            Self::Pg => take_due!("FOR UPDATE SKIP LOCKED"),
        }
    }

    /// Brings a database up to date.
    pub(crate) async fn migrate<C: Migrate>(self, connection: &mut C) -> Result<(), StoreError> {
        // Not `run`: what it returns cannot be sent between threads, and so could nothing that opens a store.
        self.migrator()
            .run_direct(None, connection, false)
            .await
            .map_err(|e| StoreError::Migration(e.to_string()))
    }

    fn migrator(self) -> Migrator {
        let list = MIGRATIONS.iter().map(|(number, name, text)| {
            let text = match self {
                Self::Lite => (*text).into_sql_str(),
                Self::Pg => AssertSqlSafe(in_postgres_words(text)).into_sql_str(),
            };
            Migration::new(*number, (*name).into(), MigrationType::Simple, text, false)
        });
        Migrator::with_migrations(list.collect())
    }
}

/// SQLite's STRICT tables know INTEGER (64 bits), TEXT (compared by bytes) and BLOB only, and PostgreSQL calls the same
/// things differently.
fn in_postgres_words(text: &str) -> String {
    let lines = text.lines().map(|line| {
        if line.starts_with("--") {
            return line.to_owned();
        }
        line.replace(") STRICT;", ");")
            .replace(" INTEGER", " BIGINT")
            .replace(" BLOB", " BYTEA")
            .replace(" TEXT", " TEXT COLLATE \"C\"")
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::in_postgres_words;

    #[test]
    fn types_are_translated_and_comments_left_alone() {
        let text = "-- TEXT STRICT;\nCREATE TABLE a (\n    b TEXT NOT NULL,\n    c INTEGER,\n    d BLOB\n) STRICT;";
        let words =
            "-- TEXT STRICT;\nCREATE TABLE a (\n    b TEXT COLLATE \"C\" NOT NULL,\n    c BIGINT,\n    d BYTEA\n);";
        assert_eq!(in_postgres_words(text), words);
    }
}
