//! News: what an upstream tells by rows or files of its own accord, as others do by knocking. Both halves.

use crate::batch::BatchRules;
use crate::callback::event;
use crate::charset::Charset;
use crate::connector::{Connector, Event};
use crate::context::{NoFiles, ServerContext};
use crate::error::ConnectorError;
use crate::manifest::model::FlagPart;
use crate::mapping::bind::Bind;
use crate::mapping::encode::{Absent, Encoder};
use crate::mapping::path::Path;
use crate::mapping::template::Template;
use crate::plan::Plan;
use hub_core::ports::Answer;
use hub_core::time::{Timestamp, civil, rfc3339};
use hub_core::transport::{
    FileRequest, SqlInsert, SqlRequest, SqlRow, SqlSelect, SqlTable, SqlTest, SqlUpdate, SqlWhere,
};
use hub_core::{Effect, Outgoing, Returned};
use hub_crypto::{Digest, digest, hex};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Rows or files read at once.
const MOST_ROWS: u32 = 200;
const MOST_FILES: usize = 20;
/// Hashes of files that are remembered.
const MOST_HASHES: usize = 500;

/// How news are asked for and read.
#[derive(Debug)]
pub(crate) struct NewsRules {
    pub every_ms: u64,
    pub source: NewsSource,
    pub case: Path,
    pub state: Option<Path>,
    pub time: Option<Path>,
    /// Every field the system's rows know.
    pub binds: Vec<Bind>,
    /// User and password of the database.
    pub basic: Option<(Arc<Template>, Arc<Template>)>,
}

/// Where news stand.
#[derive(Debug)]
pub(crate) enum NewsSource {
    /// In a table: with a flag that the hub flips, or with a column that counts up.
    Table {
        table: String,
        order: String,
        flag: Option<FlagPart>,
    },
    /// In files.
    Files(Arc<BatchRules>),
}

/// What was read at one look.
#[derive(Debug, Default)]
pub struct News {
    /// What happened, in order.
    pub events: Vec<Event>,
    /// Dead letters: what could not be read, and why; never with values.
    pub dead: Vec<(String, ConnectorError)>,
    /// Where to go on next time; to be kept once the events are.
    pub after: Option<String>,
    /// To be carried once the events are kept, so that the upstream sees them read.
    pub marks: Option<Outgoing>,
}

/// The next look.
pub(crate) fn ask(rules: &NewsRules, after: Option<&str>, login: Option<(String, String)>) -> Outgoing {
    match &rules.source {
        NewsSource::Table { table, order, flag } => {
            let wheres = match (flag, after) {
                (Some(flag), _) => vec![SqlWhere::is(&flag.column, &*flag.new)],
                (None, Some(after)) => vec![SqlWhere {
                    column: order.clone(),
                    test: SqlTest::After,
                    value: after.to_owned(),
                }],
                (None, None) => Vec::new(),
            };
            Outgoing::Sql(SqlRequest {
                login,
                reads: vec![SqlSelect {
                    table: table.clone(),
                    wheres,
                    order: Some(order.clone()),
                    most: MOST_ROWS,
                }],
                ..SqlRequest::default()
            })
        }
        NewsSource::Files(batch) => Outgoing::File(FileRequest {
            look: batch.look(MOST_FILES),
            ..FileRequest::default()
        }),
    }
}

/// What a look found.
pub(crate) fn read(
    rules: &NewsRules,
    charset: Charset,
    returned: &Returned,
    after: Option<&str>,
    login: Option<(String, String)>,
    now: Timestamp,
) -> News {
    match (&rules.source, returned) {
        (NewsSource::Table { table, order, flag }, Returned::Sql(answer)) => {
            let rows = answer.found.first().map(Vec::as_slice).unwrap_or_default();
            rules.rows((table, order, flag.as_ref()), rows, after, login, now)
        }
        (NewsSource::Files(batch), Returned::File(answer)) => {
            let mut seen: Vec<&str> = after.unwrap_or_default().split(' ').filter(|h| !h.is_empty()).collect();
            let hashes: Vec<String> = answer.files.iter().map(|f| hash(&f.bytes)).collect();
            let mut news = News::default();
            // The oldest first, so that states come in their order.
            for (file, hash) in answer.files.iter().zip(&hashes).rev() {
                if seen.contains(&hash.as_str()) {
                    continue;
                }
                seen.push(hash);
                match batch.records(file, charset) {
                    Ok(records) => records.iter().for_each(|r| rules.one(r, &file.name, now, &mut news)),
                    Err(error) => news.dead.push((file.name.clone(), error)),
                }
            }
            let forgotten = seen.len().saturating_sub(MOST_HASHES);
            news.after = Some(seen.split_off(forgotten).join(" "));
            news
        }
        _ => News::default(),
    }
}

fn hash(bytes: &[u8]) -> String {
    let mut hash = hex(&digest(Digest::Sha256, bytes));
    hash.truncate(32);
    hash
}

impl NewsRules {
    /// Who logs in to the database.
    pub(crate) fn login(&self, context: &ServerContext<'_>) -> Option<(String, String)> {
        let (user, password) = self.basic.as_ref()?;
        let text = |template| crate::server::credential(template, context, None);
        Some((text(user)?, text(password)?))
    }

    fn rows(
        &self,
        (table, order, flag): (&str, &str, Option<&FlagPart>),
        rows: &[SqlRow],
        after: Option<&str>,
        login: Option<(String, String)>,
        now: Timestamp,
    ) -> News {
        let mut news = News {
            after: after.map(str::to_owned),
            ..News::default()
        };
        let mut updates = Vec::new();
        for row in rows {
            let place = row.get(order).unwrap_or_default().to_owned();
            let dead = news.dead.len();
            let tree = crate::exchange::tree(row, Vec::new(), &self.binds);
            self.one(&tree, &place, now, &mut news);
            if let Some(flag) = flag {
                let is_dead = news.dead.len() > dead;
                let to = flag.dead.as_ref().filter(|_| is_dead).unwrap_or(&flag.taken);
                updates.push(SqlUpdate {
                    table: table.to_owned(),
                    set: SqlRow::from_iter([(flag.column.clone(), Some(to.clone()))]),
                    wheres: vec![SqlWhere::is(order, &*place)],
                });
            }
            news.after = Some(place);
        }
        news.marks = (!updates.is_empty()).then(|| {
            Outgoing::Sql(SqlRequest {
                login,
                updates,
                ..SqlRequest::default()
            })
        });
        news
    }

    fn one(&self, tree: &Value, place: &str, now: Timestamp, news: &mut News) {
        match event(
            &self.binds,
            &self.case,
            self.state.as_ref(),
            self.time.as_ref(),
            (tree, tree),
            now,
        ) {
            Ok(event) => news.events.push(event),
            Err(error) => news.dead.push((place.to_owned(), error)),
        }
    }
}

/// The server half: the row that tells of a matter that was just opened or changed.
pub(crate) fn told(
    connector: &Connector,
    plan: &Plan,
    answer: &Answer,
    context: &ServerContext<'_>,
) -> Option<SqlInsert> {
    let rules = connector.news.as_ref()?;
    let NewsSource::Table { table, flag, .. } = &rules.source else {
        return None;
    };
    if plan.effect == Effect::None {
        return None;
    }
    let mut body = answer.body.clone();
    if let (Some(field), Value::Object(map)) = (rules.time.as_ref().and_then(|t| rules.field(t)), &mut body) {
        map.insert(field, Value::from(rfc3339(context.now)));
    }
    let mut tree = Value::Null;
    let encoder = Encoder {
        files: &NoFiles,
        uploaded: &BTreeMap::new(),
        absent: Absent::Drop,
        today: Some(civil(context.now).date()),
    };
    encoder.encode(&rules.binds, &body, &mut tree, "").ok()?;
    let columns = rules.columns();
    let mut row: Vec<(String, Option<String>)> = crate::exchange::members(tree)
        .into_iter()
        .filter(|(name, _)| columns.contains(name))
        .map(|(name, value)| (name, crate::exchange::cell(&value)))
        .collect();
    let has_case = rules.case.first_name().is_some_and(|c| row.iter().any(|(n, _)| n == c));
    if let Some(flag) = flag {
        row.push((flag.column.clone(), Some(flag.new.clone())));
    }
    has_case.then(|| SqlInsert {
        table: table.clone(),
        row: SqlRow(row),
    })
}

impl NewsRules {
    fn columns(&self) -> Vec<String> {
        let paths = [Some(&self.case), self.state.as_ref(), self.time.as_ref()];
        let names = paths.into_iter().flatten().filter_map(|p| p.first_name());
        names.map(str::to_owned).collect()
    }

    /// The canonical field of an upstream name.
    fn field(&self, path: &Path) -> Option<String> {
        let bind = self.binds.iter().find(|b| b.path == *path)?;
        bind.field.only_name().map(str::to_owned)
    }
}

/// The server half: the table of news.
pub(crate) fn table(connector: &Connector) -> Option<SqlTable> {
    let rules = connector.news.as_ref()?;
    let NewsSource::Table { table, order, flag } = &rules.source else {
        return None;
    };
    let mut columns = rules.columns();
    columns.extend(flag.iter().map(|f| f.column.clone()));
    Some(SqlTable {
        name: table.clone(),
        columns,
        counter: Some(order.clone()),
    })
}
