//! The only SQL that ever reaches an agency's database: written here from names and values, never from texts of others.
//!
//! Names are those that the database itself has told, quoted; values are parameters. All values travel as texts, the
//! database brings them to its columns' types: so a manifest needs to know nothing of types.

use hub_core::transport::{SqlInsert, SqlSelect, SqlTable, SqlTest, SqlUpdate, SqlWhere};

/// Rows of one select at most.
const MOST: u32 = 1_000;

/// Whose grammar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grammar {
    Lite,
    Pg,
    My,
}

/// A table as its database knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    /// Quoted, with its schema where it has one.
    pub(crate) quoted: String,
    /// Names and types of its columns.
    pub(crate) columns: Vec<(String, String)>,
}

/// A statement and its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Statement {
    pub(crate) sql: String,
    pub(crate) values: Vec<Option<String>>,
}

/// Why a row does not fit a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// The table has no such column.
    NoColumn(String),
    /// The column takes numbers, and the value is none.
    NoNumber(String),
}

impl Grammar {
    /// A name between quotes. A quote in it is doubled, a NUL ends nothing.
    fn quoted(self, name: &str) -> String {
        let quote = if self == Self::My { '`' } else { '"' };
        let doubled = [quote, quote].iter().collect::<String>();
        format!("{quote}{}{quote}", name.replace('\0', "").replace(quote, &doubled))
    }

    /// A column as text. MySQL would give the bytes of a number for a column of bits.
    fn read(self, name: &str, kind: &str) -> String {
        let column = self.quoted(name);
        match self {
            Self::My if kind.starts_with("bit") => format!("CAST({column} + 0 AS CHAR)"),
            Self::My => format!("CAST({column} AS CHAR)"),
            Self::Lite | Self::Pg => format!("CAST({column} AS TEXT)"),
        }
    }
}

/// What MySQL compares by; elsewhere the database's own name of a type says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Whole,
    Fraction,
    Time,
    Text,
}

fn family(kind: &str) -> Family {
    let word = kind
        .split(|c: char| !c.is_ascii_alphabetic())
        .next()
        .unwrap_or_default();
    match word {
        "tinyint" | "smallint" | "mediumint" | "int" | "bigint" | "year" | "bit" => Family::Whole,
        "decimal" | "float" | "double" => Family::Fraction,
        "date" | "datetime" | "timestamp" | "time" => Family::Time,
        _ => Family::Text,
    }
}

struct Writer<'t> {
    grammar: Grammar,
    table: &'t Table,
    values: Vec<Option<String>>,
}

impl Writer<'_> {
    fn column(&self, name: &str) -> Result<(String, String), Unfit> {
        let columns = &self.table.columns;
        let exact = columns.iter().find(|(n, _)| n == name);
        let found = exact.or_else(|| columns.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)));
        let (name, kind) = found.ok_or_else(|| Unfit::NoColumn(name.to_owned()))?;
        Ok((self.grammar.quoted(name), kind.clone()))
    }

    fn value(&mut self, kind: &str, value: Option<String>) -> String {
        self.values.push(value);
        let at = self.values.len();
        match self.grammar {
            Grammar::Lite => format!("${at}"),
            // The type comes from the database's own catalog.
            Grammar::Pg => format!("CAST(CAST(${at} AS TEXT) AS {kind})"),
            Grammar::My if kind.starts_with("bit") => "CAST(? AS UNSIGNED)".to_owned(),
            // A strict session refuses what the column's type cannot hold.
            Grammar::My => "?".to_owned(),
        }
    }

    fn wheres(&mut self, wheres: &[SqlWhere]) -> Result<String, Unfit> {
        let mut text = String::new();
        for (at, condition) in wheres.iter().enumerate() {
            let (column, kind) = self.column(&condition.column)?;
            let test = match (self.grammar, condition.test) {
                (Grammar::My, test) => self.mysql(&column, &kind, test, condition)?,
                (_, SqlTest::Is) => format!("{column} = {}", self.value(&kind, Some(condition.value.clone()))),
                (_, SqlTest::After) => format!("{column} > {}", self.value(&kind, Some(condition.value.clone()))),
            };
            let word = if at == 0 { " WHERE" } else { " AND" };
            text.push_str(&format!("{word} {test}"));
        }
        Ok(text)
    }

    /// MySQL compares a number with a text as floating point, reads a text that is no number as 0, and finds texts equal
    /// that differ in case, in accents or, by older collations, in any character of four bytes.
    fn mysql(&mut self, column: &str, kind: &str, test: SqlTest, condition: &SqlWhere) -> Result<String, Unfit> {
        let family = family(kind);
        let number = |fraction: bool| {
            let digits = condition.value.strip_prefix('-').unwrap_or(&condition.value);
            let point = |b: u8| fraction && b == b'.';
            let some = digits.bytes().any(|b| b.is_ascii_digit());
            some && digits.len() <= 65 && digits.bytes().all(|b| b.is_ascii_digit() || point(b))
        };
        let value = match family {
            Family::Whole | Family::Fraction if !number(family == Family::Fraction) => {
                return Err(Unfit::NoNumber(condition.column.clone()));
            }
            Family::Whole => "CAST(? AS DECIMAL(65, 0))",
            Family::Fraction => "CAST(? AS DECIMAL(65, 30))",
            Family::Time | Family::Text => "?",
        };
        self.values.push(Some(condition.value.clone()));
        match (test, family) {
            (SqlTest::After, _) => Ok(format!("{column} > {value}")),
            (SqlTest::Is, Family::Text) => {
                self.values.push(Some(condition.value.clone()));
                // The first half finds it by an index, the second takes it at its word.
                Ok(format!(
                    "{column} = ? AND CAST(CAST({column} AS CHAR) AS BINARY) = CAST(? AS BINARY)"
                ))
            }
            (SqlTest::Is, _) => Ok(format!("{column} = {value}")),
        }
    }

    fn done(self, sql: String) -> Statement {
        Statement {
            sql,
            values: self.values,
        }
    }
}

fn writer(grammar: Grammar, table: &Table) -> Writer<'_> {
    Writer {
        grammar,
        table,
        values: Vec::new(),
    }
}

pub(crate) fn insert(grammar: Grammar, table: &Table, insert: &SqlInsert) -> Result<Statement, Unfit> {
    let mut writer = writer(grammar, table);
    let (mut names, mut values) = (Vec::new(), Vec::new());
    for (name, value) in &insert.row.0 {
        let (column, kind) = writer.column(name)?;
        names.push(column);
        values.push(writer.value(&kind, value.clone()));
    }
    let sql = format!(
        "INSERT INTO {} ({}) VALUES ({})",
        table.quoted,
        names.join(", "),
        values.join(", ")
    );
    Ok(writer.done(sql))
}

/// Reads all columns as texts, in the table's order.
pub(crate) fn select(grammar: Grammar, table: &Table, select: &SqlSelect) -> Result<Statement, Unfit> {
    let mut writer = writer(grammar, table);
    let columns = table.columns.iter();
    let columns: Vec<String> = columns.map(|(name, kind)| grammar.read(name, kind)).collect();
    let wheres = writer.wheres(&select.wheres)?;
    let order = match &select.order {
        Some(order) => format!(" ORDER BY {}", writer.column(order)?.0),
        None => String::new(),
    };
    let most = select.most.min(MOST);
    let sql = format!(
        "SELECT {} FROM {}{wheres}{order} LIMIT {most}",
        columns.join(", "),
        table.quoted
    );
    Ok(writer.done(sql))
}

pub(crate) fn update(grammar: Grammar, table: &Table, update: &SqlUpdate) -> Result<Option<Statement>, Unfit> {
    // Without a condition it would change the whole table, and no exchange means that.
    if update.wheres.is_empty() || update.set.0.is_empty() {
        return Ok(None);
    }
    let mut writer = writer(grammar, table);
    let mut sets = Vec::new();
    for (name, value) in &update.set.0 {
        let (column, kind) = writer.column(name)?;
        let value = writer.value(&kind, value.clone());
        sets.push(format!("{column} = {value}"));
    }
    let wheres = writer.wheres(&update.wheres)?;
    let sql = format!("UPDATE {} SET {}{wheres}", table.quoted, sets.join(", "));
    Ok(Some(writer.done(sql)))
}

/// Asks a database for a table in any case: its quoted name and schema, its name as it is, its columns and their types.
pub(crate) fn columns(grammar: Grammar, schema: &str, name: &str) -> Statement {
    let sql = match grammar {
        Grammar::Lite => "SELECT '' || $1, name, type FROM pragma_table_info($2)",
        Grammar::Pg => {
            "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname), a.attname::text, \
             format_type(a.atttypid, NULL) \
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             JOIN pg_attribute a ON a.attrelid = c.oid \
             WHERE lower(c.relname) = lower($2) AND c.relkind IN ('r', 'v', 'p', 'f', 'm') \
             AND a.attnum > 0 AND NOT a.attisdropped \
             AND CASE WHEN $1 = '' THEN pg_table_is_visible(c.oid) ELSE lower(n.nspname) = lower($1) END \
             ORDER BY a.attnum"
        }
        // On servers that tell names apart by case, the one spelled as asked comes first.
        Grammar::My => {
            "SELECT CONCAT('`', REPLACE(table_schema, '`', '``'), '`.`', REPLACE(table_name, '`', '``'), '`'), \
             CAST(column_name AS CHAR), LOWER(CAST(column_type AS CHAR)) \
             FROM information_schema.columns \
             WHERE IF(? = '', table_schema = DATABASE(), LOWER(table_schema) = LOWER(?)) \
             AND LOWER(table_name) = LOWER(?) \
             ORDER BY CAST(table_name AS BINARY) = CAST(? AS BINARY) DESC, table_schema, table_name, ordinal_position"
        }
    };
    let values = match grammar {
        Grammar::My => vec![schema, schema, name, name],
        Grammar::Lite | Grammar::Pg => vec![schema, name],
    };
    Statement {
        sql: sql.to_owned(),
        values: values.into_iter().map(|v| Some(v.to_owned())).collect(),
    }
}

/// The table that the rows of [`columns`] tell of: the first, if there are several that differ in case.
pub(crate) fn table(grammar: Grammar, name: &str, rows: &[Vec<Option<String>>]) -> Option<Table> {
    let text = |row: &[Option<String>], at: usize| row.get(at).cloned().flatten().unwrap_or_default();
    let first = text(rows.first()?, 0);
    let columns = rows.iter().filter(|row| text(row, 0) == first);
    let columns = columns.map(|row| (text(row, 1), text(row, 2))).collect();
    let quoted = match grammar {
        Grammar::Lite => grammar.quoted(name),
        Grammar::Pg | Grammar::My => first,
    };
    Some(Table { quoted, columns })
}

/// Only for SQLite files of our own.
pub(crate) fn create(table: &SqlTable) -> String {
    let counter = table.counter.iter();
    let counter = counter.map(|c| format!("{} INTEGER PRIMARY KEY AUTOINCREMENT", Grammar::Lite.quoted(c)));
    let columns = table
        .columns
        .iter()
        .map(|c| format!("{} TEXT", Grammar::Lite.quoted(c)));
    let columns: Vec<String> = counter.chain(columns).collect();
    format!(
        "CREATE TABLE IF NOT EXISTS {} ({})",
        Grammar::Lite.quoted(&table.name),
        columns.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use hub_core::transport::SqlRow;

    fn table() -> Table {
        Table {
            quoted: "\"gab\".\"t_bj\"".into(),
            columns: vec![
                ("lsh".into(), "character varying".into()),
                ("cjsj".into(), "timestamp without time zone".into()),
                ("sign".into(), "integer".into()),
            ],
        }
    }

    #[test]
    fn statements_hold_names_of_the_database_and_no_values() {
        let row = SqlRow::from_iter([("LSH", Some("x'); DROP TABLE t; --".to_owned())), ("SIGN", None)]);
        let into = SqlInsert {
            table: "gab.T_BJ".into(),
            row,
        };
        let made = insert(Grammar::Pg, &table(), &into).unwrap();
        assert_eq!(
            made.sql,
            "INSERT INTO \"gab\".\"t_bj\" (\"lsh\", \"sign\") VALUES (CAST(CAST($1 AS TEXT) AS character varying), \
             CAST(CAST($2 AS TEXT) AS integer))"
        );
        assert_eq!(made.values, [Some("x'); DROP TABLE t; --".to_owned()), None]);
        let from = SqlSelect {
            table: "gab.T_BJ".into(),
            wheres: vec![SqlWhere::is("Lsh", "1")],
            order: Some("cjsj".into()),
            most: 5_000_000,
        };
        assert_eq!(
            select(Grammar::Lite, &table(), &from).unwrap().sql,
            "SELECT CAST(\"lsh\" AS TEXT), CAST(\"cjsj\" AS TEXT), CAST(\"sign\" AS TEXT) FROM \"gab\".\"t_bj\" \
             WHERE \"lsh\" = $1 ORDER BY \"cjsj\" LIMIT 1000"
        );
    }

    #[test]
    fn unknown_columns_and_unconditional_changes_are_refused() {
        let change = SqlUpdate {
            table: "t".into(),
            set: SqlRow::from_iter([("sign", Some("1".to_owned()))]),
            wheres: Vec::new(),
        };
        assert_eq!(update(Grammar::Lite, &table(), &change), Ok(None));
        let change = SqlUpdate {
            wheres: vec![SqlWhere::is("lsh\" OR 1=1 --", "1")],
            ..change
        };
        assert!(update(Grammar::Lite, &table(), &change).is_err());
        assert_eq!(Grammar::Pg.quoted("a\"b\0"), "\"a\"\"b\"");
        assert_eq!(Grammar::My.quoted("a`b\"\0"), "`a``b\"`");
    }
}
