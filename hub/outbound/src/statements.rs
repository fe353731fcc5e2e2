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

/// A column that the table does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NoColumn(pub(crate) String);

/// A name between quotes. A quote in it is doubled, a NUL ends nothing.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('\0', "").replace('"', "\"\""))
}

struct Writer<'t> {
    grammar: Grammar,
    table: &'t Table,
    values: Vec<Option<String>>,
}

impl Writer<'_> {
    fn column(&self, name: &str) -> Result<(String, String), NoColumn> {
        let columns = &self.table.columns;
        let exact = columns.iter().find(|(n, _)| n == name);
        let found = exact.or_else(|| columns.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)));
        let (name, kind) = found.ok_or_else(|| NoColumn(name.to_owned()))?;
        Ok((quoted(name), kind.clone()))
    }

    fn value(&mut self, kind: &str, value: Option<String>) -> String {
        self.values.push(value);
        let at = self.values.len();
        match self.grammar {
            Grammar::Lite => format!("${at}"),
            // The type comes from the database's own catalog.
            Grammar::Pg => format!("CAST(CAST(${at} AS TEXT) AS {kind})"),
        }
    }

    fn wheres(&mut self, wheres: &[SqlWhere]) -> Result<String, NoColumn> {
        let mut text = String::new();
        for (at, condition) in wheres.iter().enumerate() {
            let (column, kind) = self.column(&condition.column)?;
            let value = self.value(&kind, Some(condition.value.clone()));
            let test = match condition.test {
                SqlTest::Is => "=",
                SqlTest::After => ">",
            };
            let word = if at == 0 { " WHERE" } else { " AND" };
            text.push_str(&format!("{word} {column} {test} {value}"));
        }
        Ok(text)
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

pub(crate) fn insert(grammar: Grammar, table: &Table, insert: &SqlInsert) -> Result<Statement, NoColumn> {
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
pub(crate) fn select(grammar: Grammar, table: &Table, select: &SqlSelect) -> Result<Statement, NoColumn> {
    let mut writer = writer(grammar, table);
    let columns = table.columns.iter();
    let columns: Vec<String> = columns.map(|(n, _)| format!("CAST({} AS TEXT)", quoted(n))).collect();
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

pub(crate) fn update(grammar: Grammar, table: &Table, update: &SqlUpdate) -> Result<Option<Statement>, NoColumn> {
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

/// Only for SQLite files of our own.
pub(crate) fn create(table: &SqlTable) -> String {
    let counter = table.counter.iter();
    let counter = counter.map(|c| format!("{} INTEGER PRIMARY KEY AUTOINCREMENT", quoted(c)));
    let columns = table.columns.iter().map(|c| format!("{} TEXT", quoted(c)));
    let columns: Vec<String> = counter.chain(columns).collect();
    format!(
        "CREATE TABLE IF NOT EXISTS {} ({})",
        quoted(&table.name),
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
        assert_eq!(quoted("a\"b\0"), "\"a\"\"b\"");
    }
}
