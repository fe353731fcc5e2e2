//! The database, whichever it is: statements in, rows out.
//!
//! SQL is written once, in the subset both databases share (`$n`, RETURNING, ON CONFLICT, text ids, integer times; no
//! ordering by what may be NULL, which they put at different ends).

use crate::StoreError;
use crate::dialect::Dialect;
use crate::lite::Lite;
use crate::pg::Pg;

/// A value bound to a statement, or found in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cell {
    /// Nothing.
    Null,
    /// A whole number.
    Int(i64),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl From<i64> for Cell {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<bool> for Cell {
    fn from(value: bool) -> Self {
        Self::Int(i64::from(value))
    }
}

impl From<&str> for Cell {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Cell {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<Vec<u8>> for Cell {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(value)
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// One statement with its values.
#[derive(Debug, Clone)]
pub(crate) struct Statement {
    pub(crate) sql: &'static str,
    pub(crate) values: Vec<Cell>,
}

/// A statement and its values: `sql("… $1 …", ["x".into()])`.
pub(crate) fn sql<const N: usize>(text: &'static str, values: [Cell; N]) -> Statement {
    Statement {
        sql: text,
        values: values.into(),
    }
}

/// One row; cells are taken by place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row(pub(crate) Vec<Cell>);

pub(crate) const SHAPE: StoreError = StoreError::Damaged("a column has another type than written");

impl Row {
    fn cell(&mut self, place: usize) -> Result<Cell, StoreError> {
        self.0
            .get_mut(place)
            .map(|c| std::mem::replace(c, Cell::Null))
            .ok_or(SHAPE)
    }

    pub(crate) fn text(&mut self, place: usize) -> Result<String, StoreError> {
        self.maybe_text(place)?.ok_or(SHAPE)
    }

    pub(crate) fn maybe_text(&mut self, place: usize) -> Result<Option<String>, StoreError> {
        match self.cell(place)? {
            Cell::Text(text) => Ok(Some(text)),
            Cell::Null => Ok(None),
            _ => Err(SHAPE),
        }
    }

    pub(crate) fn int(&mut self, place: usize) -> Result<i64, StoreError> {
        self.maybe_int(place)?.ok_or(SHAPE)
    }

    pub(crate) fn maybe_int(&mut self, place: usize) -> Result<Option<i64>, StoreError> {
        match self.cell(place)? {
            Cell::Int(int) => Ok(Some(int)),
            Cell::Null => Ok(None),
            _ => Err(SHAPE),
        }
    }

    pub(crate) fn flag(&mut self, place: usize) -> Result<bool, StoreError> {
        self.int(place).map(|n| n != 0)
    }

    pub(crate) fn bytes(&mut self, place: usize) -> Result<Vec<u8>, StoreError> {
        self.maybe_bytes(place)?.ok_or(SHAPE)
    }

    pub(crate) fn maybe_bytes(&mut self, place: usize) -> Result<Option<Vec<u8>>, StoreError> {
        match self.cell(place)? {
            Cell::Bytes(bytes) => Ok(Some(bytes)),
            Cell::Null => Ok(None),
            _ => Err(SHAPE),
        }
    }
}

/// The database behind the repositories.
#[derive(Debug, Clone)]
pub enum Db {
    /// SQLite in a file, the default.
    Lite(Lite),
    /// PostgreSQL, for several hubs over one store.
    Pg(Pg),
}

impl Db {
    /// Which words it understands.
    pub(crate) const fn dialect(&self) -> Dialect {
        match self {
            Self::Lite(_) => Dialect::Lite,
            Self::Pg(_) => Dialect::Pg,
        }
    }

    /// Reads rows.
    pub(crate) async fn read(&self, statement: Statement) -> Result<Vec<Row>, StoreError> {
        match self {
            Self::Lite(lite) => lite.read(statement).await,
            Self::Pg(pg) => pg.read(statement).await,
        }
    }

    /// Reads the first row or none.
    pub(crate) async fn read_first(&self, statement: Statement) -> Result<Option<Row>, StoreError> {
        self.read(statement).await.map(|rows| rows.into_iter().next())
    }

    /// The same for what an index finds at once and is not large: on SQLite nothing else runs in this thread meanwhile.
    pub(crate) async fn read_one(&self, statement: Statement) -> Result<Option<Row>, StoreError> {
        match self {
            Self::Lite(lite) => lite.read_here(&statement),
            Self::Pg(_) => self.read_first(statement).await,
        }
    }

    /// Writes durably; answers the RETURNING rows.
    pub(crate) async fn write(&self, statement: Statement) -> Result<Vec<Row>, StoreError> {
        self.write_all(vec![statement]).await
    }

    /// Writes all or nothing, durably; answers the RETURNING rows of the last.
    pub(crate) async fn write_all(&self, statements: Vec<Statement>) -> Result<Vec<Row>, StoreError> {
        storable(&statements)?;
        match self {
            Self::Lite(lite) => lite.write(statements).await,
            Self::Pg(pg) => pg.write(statements).await,
        }
    }

    /// Finishes writing and closes.
    pub(crate) async fn close(&self) {
        match self {
            Self::Lite(lite) => lite.close().await,
            Self::Pg(pg) => pg.close().await,
        }
    }
}

/// PostgreSQL's text holds every character but one; what one database refuses the other must not keep.
fn storable(statements: &[Statement]) -> Result<(), StoreError> {
    let bad = |cell: &Cell| matches!(cell, Cell::Text(text) if text.contains('\0'));
    if statements.iter().flat_map(|s| &s.values).any(bad) {
        return Err(StoreError::Unfit("a text with a NUL character"));
    }
    Ok(())
}
