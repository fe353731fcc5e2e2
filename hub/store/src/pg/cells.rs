//! Values to PostgreSQL and back.

use crate::StoreError;
use crate::db::{Cell, Row, Statement};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgArguments, PgRow, PgTypeInfo};
use sqlx::query::Query;
use sqlx::{Encode, Postgres, Row as _, Type, TypeInfo, ValueRef};

/// NULL of no declared type: the server takes the one its column has.
struct Nothing;

impl Type<Postgres> for Nothing {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(0))
    }
}

impl Encode<'_, Postgres> for Nothing {
    fn encode_by_ref(&self, _: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Ok(IsNull::Yes)
    }
}

pub(super) fn bound(statement: Statement) -> Query<'static, Postgres, PgArguments> {
    let mut query = sqlx::query(statement.sql);
    for cell in statement.values {
        query = match cell {
            Cell::Null => query.bind(Nothing),
            Cell::Int(int) => query.bind(int),
            Cell::Text(text) => query.bind(text),
            Cell::Bytes(bytes) => query.bind(bytes),
        };
    }
    query
}

pub(super) fn row(row: &PgRow) -> Result<Row, StoreError> {
    (0..row.len())
        .map(|place| cell(row, place))
        .collect::<Result<_, _>>()
        .map(Row)
        .map_err(|_| StoreError::Damaged("a column has another type than written"))
}

fn cell(row: &PgRow, place: usize) -> Result<Cell, sqlx::Error> {
    let value = row.try_get_raw(place)?;
    if value.is_null() {
        return Ok(Cell::Null);
    }
    let kind = value.type_info();
    Ok(match kind.name() {
        "INT8" => Cell::Int(row.try_get(place)?),
        // Columns are 64 bits wide; a literal in RETURNING is not.
        "INT4" => Cell::Int(row.try_get::<i32, _>(place)?.into()),
        "BYTEA" => Cell::Bytes(row.try_get(place)?),
        _ => Cell::Text(row.try_get(place)?),
    })
}
