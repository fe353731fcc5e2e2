//! Statements, rows and errors in SQLite's words.

use crate::StoreError;
use crate::db::{Cell, Row, SHAPE, Statement};
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, ToSql, ffi};

/// What went wrong while asking.
#[derive(Debug)]
pub(super) enum Broken {
    /// The database says no.
    Asked(rusqlite::Error),
    /// It says what nobody has written.
    Answered(StoreError),
}

impl From<rusqlite::Error> for Broken {
    fn from(error: rusqlite::Error) -> Self {
        Self::Asked(error)
    }
}

impl Broken {
    pub(super) fn unavailable(self) -> StoreError {
        match self {
            Self::Asked(error) => unavailable(&error),
            Self::Answered(error) => error,
        }
    }

    /// The same for a statement that commits by itself: what a disk has taken of it when it fails nobody knows.
    pub(super) fn unsure(self) -> StoreError {
        match self {
            Self::Asked(error) => match error.sqlite_error_code() {
                Some(code) if code != ErrorCode::SystemIoFailure => unavailable(&error),
                _ => StoreError::Unsure(error.to_string()),
            },
            Self::Answered(error) => error,
        }
    }
}

/// What happened, without the values: SQLite's messages name tables and columns only.
pub(super) fn unavailable(error: &rusqlite::Error) -> StoreError {
    let taken = [
        ffi::SQLITE_CONSTRAINT_UNIQUE,
        ffi::SQLITE_CONSTRAINT_PRIMARYKEY,
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY,
        ffi::SQLITE_CONSTRAINT_CHECK,
    ];
    match error.sqlite_error() {
        Some(inner) if taken.contains(&inner.extended_code) => StoreError::Conflict,
        _ => StoreError::Unavailable(error.to_string()),
    }
}

impl ToSql for Cell {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(int) => ValueRef::Integer(*int),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

fn cell(value: ValueRef<'_>) -> Result<Cell, StoreError> {
    Ok(match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(int) => Cell::Int(int),
        ValueRef::Text(text) => Cell::Text(String::from_utf8(text.to_vec()).map_err(|_| SHAPE)?),
        ValueRef::Blob(bytes) => Cell::Bytes(bytes.to_vec()),
        ValueRef::Real(_) => return Err(SHAPE),
    })
}

/// Runs a statement and reads its rows, `most` of them: one that writes is done only when all are read.
pub(super) fn rows(connection: &Connection, statement: &Statement, most: usize) -> Result<Vec<Row>, Broken> {
    let mut prepared = connection.prepare_cached(statement.sql)?;
    for place in 1..=prepared.parameter_count() {
        // To SQLite `$2` is a name, which has the place where it comes first.
        let number = prepared
            .parameter_name(place)
            .and_then(|name| name.get(1..)?.parse::<usize>().ok());
        let cell = number.and_then(|number| statement.values.get(number.checked_sub(1)?));
        let cell = cell.ok_or(rusqlite::Error::InvalidParameterCount(place, statement.values.len()))?;
        prepared.raw_bind_parameter(place, cell)?;
    }
    let columns = prepared.column_count();
    let (mut read, mut rows) = (Vec::new(), prepared.raw_query());
    while read.len() < most
        && let Some(row) = rows.next()?
    {
        let cells = (0..columns).map(|column| row.get_ref(column).map_err(Broken::Asked));
        let cells = cells.map(|value| cell(value?).map_err(Broken::Answered));
        read.push(Row(cells.collect::<Result<_, _>>()?));
    }
    Ok(read)
}
