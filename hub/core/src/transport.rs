//! What goes to an upstream that is no HTTP server: rows of exchange tables, files of a drop folder. Pure data; whoever
//! carries it writes the SQL and opens the files.

/// A row: column names as the manifest writes them and values as texts, in order. `None` is NULL.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SqlRow(pub Vec<(String, Option<String>)>);

impl SqlRow {
    /// The value of a column, in any case: databases fold names each in their own way.
    #[must_use]
    pub fn get(&self, column: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(column))
            .and_then(|(_, value)| value.as_deref())
    }
}

impl<N: Into<String>> FromIterator<(N, Option<String>)> for SqlRow {
    fn from_iter<I: IntoIterator<Item = (N, Option<String>)>>(columns: I) -> Self {
        Self(columns.into_iter().map(|(n, v)| (n.into(), v)).collect())
    }
}

/// A row to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlInsert {
    /// Table, perhaps with its schema before a dot.
    pub table: String,
    /// The row.
    pub row: SqlRow,
}

/// How a column is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SqlTest {
    /// It has this value.
    Is,
    /// It comes after this value, in the column's own order.
    After,
}

/// A condition on a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlWhere {
    /// Column.
    pub column: String,
    /// How it is compared.
    pub test: SqlTest,
    /// With what.
    pub value: String,
}

impl SqlWhere {
    /// The column has this value.
    #[must_use]
    pub fn is(column: &str, value: impl Into<String>) -> Self {
        Self {
            column: column.to_owned(),
            test: SqlTest::Is,
            value: value.into(),
        }
    }
}

/// Rows to be read: all columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlSelect {
    /// Table.
    pub table: String,
    /// Conditions, all of which must hold.
    pub wheres: Vec<SqlWhere>,
    /// Column the rows are ordered by.
    pub order: Option<String>,
    /// Most rows taken.
    pub most: u32,
}

/// Columns to be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlUpdate {
    /// Table.
    pub table: String,
    /// New values.
    pub set: SqlRow,
    /// Conditions, all of which must hold.
    pub wheres: Vec<SqlWhere>,
}

/// A table to be made, where it is not there: all columns are texts. Only for databases of our own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlTable {
    /// Name.
    pub name: String,
    /// Columns.
    pub columns: Vec<String>,
    /// The column that numbers rows by itself.
    pub counter: Option<String>,
}

/// One exchange with a database: rows are written in one short transaction, an answer is waited for outside of any,
/// further rows are read, and what was read is marked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SqlRequest {
    /// User and password, where the address does not say them.
    pub login: Option<(String, String)>,
    /// If this finds a row, nothing is written: the exchange was begun before.
    pub unless: Option<SqlSelect>,
    /// Rows to be written, all or none, in order.
    pub inserts: Vec<SqlInsert>,
    /// Looked for again and again until it finds a row or time is up; its rows come first in the answer.
    pub awaited: Option<SqlSelect>,
    /// Milliseconds between two looks. 0: one look only, and none found is no failure.
    pub every_ms: u64,
    /// Read after that; each one's rows follow in the answer.
    pub reads: Vec<SqlSelect>,
    /// Changed last, in one transaction.
    pub updates: Vec<SqlUpdate>,
}

/// What an exchange found: the rows of every select, the awaited one first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SqlAnswer {
    /// Rows by select.
    pub found: Vec<Vec<SqlRow>>,
}

/// A file to be written whole: its name shows only when all of it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileWrite {
    /// Path below the base folder.
    pub path: String,
    /// Content.
    pub bytes: Vec<u8>,
}

/// Files to be looked for: those with this beginning and end whose marker is there too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileLook {
    /// Folder below the base folder; empty for the base folder itself.
    pub folder: String,
    /// What names begin with.
    pub prefix: String,
    /// What names end with.
    pub suffix: String,
    /// What a marker's name ends with, after the whole name of the file; empty where there are no markers.
    pub marker: String,
    /// Most files taken, the last by name first.
    pub most: usize,
}

/// Who logs in at a file server, and which server it must be. Its debug text holds no secret.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct FileLogin {
    /// User, where the address does not say one.
    pub user: Option<String>,
    /// Password, if the server asks for one.
    pub password: Option<String>,
    /// Private key in OpenSSH's or PKCS #8's text form.
    pub key: Option<String>,
    /// Fingerprints (`SHA256:…`) of the keys by which the server is known, one of which it must show.
    pub pins: Vec<String>,
}

impl std::fmt::Debug for FileLogin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileLogin")
            .field("pins", &self.pins)
            .finish_non_exhaustive()
    }
}

/// One exchange with a drop folder: files are written in order, then looked for. A file that is there already is not
/// written again, and nothing is where what is looked for has come.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileRequest {
    /// Who logs in where the folder is a server's.
    pub login: Option<FileLogin>,
    /// Files to be written, the marker last.
    pub writes: Vec<FileWrite>,
    /// Files to be read.
    pub look: Option<FileLook>,
    /// Milliseconds between two looks until one is found. 0: one look only.
    pub every_ms: u64,
}

/// A file that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFound {
    /// Its name without its folder.
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
    /// The content of its marker, if there are markers.
    pub marker: Option<Vec<u8>>,
}

/// What was found in a drop folder, the last by name first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileAnswer {
    /// The files.
    pub files: Vec<FileFound>,
}
