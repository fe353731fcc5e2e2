//! Exchange tables of a front-end database (前置库): a request is a row with a number and a flag that its reader flips,
//! the answer a row of another table with the same number. Both halves: the hub's rows out and in, the agency's back.
//!
//! The number is the submission's own, so that a row is never written twice and a repetition finds the first answer.

use crate::connector::{Connector, Handler};
use crate::context::ServerContext;
use crate::dialect;
use crate::manifest::model::FlagPart;
use crate::mapping::bind::Bind;
use crate::mapping::template::scalar_text;
use crate::parts::Parts;
use crate::plan::{Plan, Transport};
use crate::server::{Outcome, business, contradicts, credentials, document};
use hub_core::transport::{SqlAnswer, SqlInsert, SqlRequest, SqlRow, SqlSelect, SqlTable, SqlUpdate, SqlWhere};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Rows of one list at most.
const MOST_ITEMS: u32 = 500;
/// Rows that the simulated agency takes at once.
const MOST_WAITING: u32 = 50;

/// What all exchanges of a system have in common.
#[derive(Debug)]
pub struct ExchangeRules {
    pub(crate) key: String,
    pub(crate) flag: FlagPart,
    pub(crate) answers: String,
    pub(crate) lists: Vec<(String, String)>,
    pub(crate) order: Option<String>,
    pub(crate) every_ms: u64,
}

impl ExchangeRules {
    fn answers(&self, table: &str) -> String {
        self.answers.replace("{call}", table)
    }

    fn list_table(&self, member: &str, table: &str) -> Option<String> {
        let (_, list) = self.lists.iter().find(|(m, _)| m == member)?;
        Some(list.replace("{call}", table))
    }

    /// Tables of the lists that these rows speak of, by member.
    fn lists_of(&self, binds: &[Bind], table: &str) -> Vec<(String, String)> {
        let mut lists: Vec<(String, String)> = Vec::new();
        for name in binds.iter().filter_map(|b| b.path.first_name()) {
            if let Some(list) = self.list_table(name, table)
                && !lists.iter().any(|(m, _)| m == name)
            {
                lists.push((name.to_owned(), list));
            }
        }
        lists
    }

    fn by_key(&self, table: String, key: &str) -> SqlSelect {
        SqlSelect {
            table,
            wheres: vec![SqlWhere::is(&self.key, key)],
            order: None,
            most: 1,
        }
    }

    fn items(&self, table: String, key: &str) -> SqlSelect {
        SqlSelect {
            order: self.order.clone(),
            most: MOST_ITEMS,
            ..self.by_key(table, key)
        }
    }

    fn flipped(&self, table: &str, key: &str, to: &str) -> SqlUpdate {
        SqlUpdate {
            table: table.to_owned(),
            set: SqlRow::from_iter([(self.flag.column.clone(), Some(to.to_owned()))]),
            wheres: vec![SqlWhere::is(&self.key, key)],
        }
    }

    /// A tree as rows: its lists first, so that whoever sees the row itself sees all of it.
    fn rows(&self, table: &str, of: &str, key: &str, tree: &Value) -> Vec<SqlInsert> {
        let mut inserts = Vec::new();
        let mut columns = vec![(self.key.clone(), Some(key.to_owned()))];
        for (name, value) in tree.as_object().into_iter().flatten() {
            match (self.list_table(name, of), value) {
                (Some(list), Value::Array(items)) => {
                    inserts.extend(
                        items
                            .iter()
                            .enumerate()
                            .map(|(at, item)| self.item(&list, key, at, item)),
                    );
                }
                // The number is the submission's, whatever a row says.
                (_, value) if *name != self.key => columns.push((name.clone(), cell(value))),
                _ => {}
            }
        }
        columns.retain(|(name, _)| *name != self.flag.column);
        columns.push((self.flag.column.clone(), Some(self.flag.new.clone())));
        inserts.push(SqlInsert {
            table: table.to_owned(),
            row: SqlRow(columns),
        });
        inserts
    }

    fn item(&self, table: &str, key: &str, at: usize, item: &Value) -> SqlInsert {
        let mut columns = vec![(self.key.clone(), Some(key.to_owned()))];
        columns.extend(self.order.iter().map(|o| (o.clone(), Some((at + 1).to_string()))));
        for (name, value) in item.as_object().into_iter().flatten() {
            columns.push((name.clone(), cell(value)));
        }
        SqlInsert {
            table: table.to_owned(),
            row: SqlRow(columns),
        }
    }
}

pub(crate) fn cell(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        // What is no single value stands as JSON in its column.
        other => Some(scalar_text(other).unwrap_or_else(|| other.to_string())),
    }
}

fn object(row: &SqlRow) -> Value {
    let members = row.0.iter();
    Value::Object(
        members
            .filter_map(|(name, value)| Some((name.clone(), Value::from(value.as_deref()?))))
            .collect(),
    )
}

/// A row and its lists as a tree whose names are those of the manifest: databases fold names each in their own way.
pub(crate) fn tree(row: &SqlRow, lists: Vec<(String, Vec<SqlRow>)>, binds: &[Bind]) -> Value {
    let mut tree = object(row);
    named(&mut tree, binds);
    for (member, rows) in lists {
        let inner = binds
            .iter()
            .find(|b| b.path.first_name() == Some(&member))
            .and_then(|b| b.rows.as_deref())
            .unwrap_or_default();
        let items = rows.iter().map(|row| {
            let mut item = object(row);
            named(&mut item, inner);
            dialect::expand(&mut item, inner);
            item
        });
        if let (Value::Object(map), false) = (&mut tree, rows.is_empty()) {
            map.insert(member, items.collect());
        }
    }
    dialect::expand(&mut tree, binds);
    tree
}

fn named(tree: &mut Value, binds: &[Bind]) {
    let Value::Object(map) = tree else { return };
    for name in binds.iter().filter_map(|b| b.path.first_name()) {
        if map.contains_key(name) {
            continue;
        }
        let other = map.keys().find(|k| k.eq_ignore_ascii_case(name)).cloned();
        if let Some(value) = other.and_then(|other| map.shift_remove(&other)) {
            map.insert(name.to_owned(), value);
        }
    }
}

/// The client half: the exchange of one call.
pub(crate) fn request(
    rules: &ExchangeRules,
    plan: &Plan,
    content: &Value,
    key: &str,
    login: Option<(String, String)>,
) -> SqlRequest {
    let table = plan.code.clone().unwrap_or_default();
    let answers = rules.answers(&table);
    let lists = rules.lists_of(&plan.response, &table);
    SqlRequest {
        login,
        unless: Some(rules.by_key(table.clone(), key)),
        inserts: rules.rows(&table, &table, key, content),
        awaited: Some(rules.by_key(answers.clone(), key)),
        every_ms: rules.every_ms,
        reads: lists.into_iter().map(|(_, list)| rules.items(list, key)).collect(),
        updates: vec![rules.flipped(&answers, key, &rules.flag.taken)],
    }
}

/// The client half: what an exchange found, as one tree. `None` where no answer was there.
pub(crate) fn answer(rules: &ExchangeRules, plan: &Plan, found: &SqlAnswer) -> Option<Value> {
    let mut found = found.found.iter();
    let row = found.next()?.first()?;
    let table = plan.code.as_deref().unwrap_or_default();
    let lists = rules.lists_of(&plan.response, table).into_iter();
    let lists = lists.map(|(member, _)| member).zip(found.cloned()).collect();
    let mut tree = tree(row, lists, &plan.response);
    let spots = [&plan.answer.code, &plan.answer.message];
    for name in spots.into_iter().flatten().filter_map(|s| s.path.first_name()) {
        if let (Value::Object(map), Some(value)) = (&mut tree, row.get(name)) {
            map.insert(name.to_owned(), Value::from(value));
        }
    }
    Some(tree)
}

/// The server half: what waits in the tables of requests.
pub(crate) fn waiting(connector: &Connector) -> Vec<SqlSelect> {
    let mut selects: Vec<SqlSelect> = Vec::new();
    for (rules, table) in tables(connector) {
        if !selects.iter().any(|s| s.table == table) {
            selects.push(SqlSelect {
                table: table.to_owned(),
                wheres: vec![SqlWhere::is(&rules.flag.column, &*rules.flag.new)],
                order: None,
                most: MOST_WAITING,
            });
        }
    }
    selects
}

fn tables(connector: &Connector) -> impl Iterator<Item = (&ExchangeRules, &str)> {
    connector.plans.values().filter_map(|plan| match &plan.transport {
        Transport::Sql(rules) => Some((rules.as_ref(), plan.code.as_deref()?)),
        _ => None,
    })
}

/// The server half: the lists that belong to a waiting row, to be read before it is taken.
pub(crate) fn lists(connector: &Connector, table: &str, row: &SqlRow) -> Vec<SqlSelect> {
    let Some((rules, plan)) = addressed(connector, table, row) else {
        return Vec::new();
    };
    let key = row.get(&rules.key).unwrap_or_default();
    let lists = rules.lists_of(&plan.request, table).into_iter();
    lists.map(|(_, list)| rules.items(list, key)).collect()
}

/// The operation that a row is for: several may share a table and differ by a constant.
fn addressed<'c>(connector: &'c Connector, table: &str, row: &SqlRow) -> Option<(&'c ExchangeRules, &'c Arc<Plan>)> {
    let mut best: Option<(usize, &ExchangeRules, &Arc<Plan>)> = None;
    for plan in connector.plans.values() {
        let Transport::Sql(rules) = &plan.transport else {
            continue;
        };
        if plan.code.as_deref() != Some(table) {
            continue;
        }
        let parts = parts(plan, tree(row, Vec::new(), &plan.request));
        let constants = plan.send.iter().filter(|i| i.value.constant_text().is_some()).count();
        if !contradicts(plan, &parts) && best.as_ref().is_none_or(|(most, _, _)| *most < constants + 1) {
            best = Some((constants + 1, rules, plan));
        }
    }
    best.map(|(_, rules, plan)| (rules, plan))
}

fn parts(plan: &Plan, tree: Value) -> Parts {
    let mut outer = tree;
    // Columns of constants are in no row of the manifest, so their case is put right here.
    if let Value::Object(map) = &mut outer {
        for name in plan.send.iter().filter_map(|i| i.spot.path.only_name()) {
            let other = map.keys().find(|k| k.eq_ignore_ascii_case(name)).cloned();
            if let Some(value) = other.and_then(|other| map.shift_remove(&other)) {
                map.insert(name.to_owned(), value);
            }
        }
    }
    Parts {
        fields: outer.clone(),
        outer,
        ..Parts::default()
    }
}

/// The server half: what the agency writes when it has dealt with a row, and the flag that it flips.
pub(crate) fn take(
    connector: &Connector,
    table: &str,
    row: &SqlRow,
    lists: &[Vec<SqlRow>],
    context: &ServerContext<'_>,
    handler: &mut Handler<'_>,
) -> SqlRequest {
    let Some((rules, plan)) = addressed(connector, table, row) else {
        return dead(connector, table, row);
    };
    let Some(key) = row.get(&rules.key) else {
        return dead(connector, table, row);
    };
    let members = rules.lists_of(&plan.request, table).into_iter().map(|(m, _)| m);
    let parts = parts(
        plan,
        tree(row, members.zip(lists.iter().cloned()).collect(), &plan.request),
    );
    let (input, outcome) = match credentials(connector, plan, &parts, context) {
        Ok(()) => business(plan, &parts, context.now, handler),
        Err(failure) => (Value::Null, Outcome::Failed(failure, "无权访问".to_owned())),
    };
    let mut inserts = rules.rows(
        &rules.answers(table),
        table,
        key,
        &document(connector, context, plan, &input, &outcome),
    );
    if let Outcome::Good(answer) = &outcome {
        inserts.extend(crate::news::told(connector, plan, answer, context));
    }
    SqlRequest {
        // A row that was answered but not flipped, because somebody held a lock, is only flipped.
        unless: Some(rules.by_key(rules.answers(table), key)),
        inserts,
        updates: vec![rules.flipped(table, key, &rules.flag.taken)],
        ..SqlRequest::default()
    }
}

/// A row that nobody can deal with is flipped all the same, or it would be read for ever.
fn dead(connector: &Connector, table: &str, row: &SqlRow) -> SqlRequest {
    let rules = tables(connector).find(|(_, t)| *t == table).map(|(rules, _)| rules);
    let updates = rules.map(|rules| SqlUpdate {
        table: table.to_owned(),
        set: SqlRow::from_iter([(
            rules.flag.column.clone(),
            Some(rules.flag.dead.clone().unwrap_or_else(|| rules.flag.taken.clone())),
        )]),
        wheres: row
            .0
            .iter()
            .filter_map(|(c, v)| Some(SqlWhere::is(c, v.clone()?)))
            .collect(),
    });
    SqlRequest {
        updates: updates.into_iter().collect(),
        ..SqlRequest::default()
    }
}

/// The server half without a database: the answer to an exchange straight from its rows.
pub(crate) fn serve(
    connector: &Connector,
    request: &SqlRequest,
    context: &ServerContext<'_>,
    handler: &mut Handler<'_>,
) -> SqlAnswer {
    let Some(insert) = request.inserts.last() else {
        return SqlAnswer::default();
    };
    let lists: Vec<Vec<SqlRow>> = lists(connector, &insert.table, &insert.row)
        .iter()
        .map(|select| rows_of(&request.inserts, &select.table))
        .collect();
    let made = take(connector, &insert.table, &insert.row, &lists, context, handler);
    let selects = request.awaited.iter().chain(&request.reads);
    SqlAnswer {
        found: selects.map(|s| rows_of(&made.inserts, &s.table)).collect(),
    }
}

fn rows_of(inserts: &[SqlInsert], table: &str) -> Vec<SqlRow> {
    let inserts = inserts.iter().filter(|i| i.table == table);
    inserts.map(|i| i.row.clone()).collect()
}

/// The server half: the tables that a database of the simulated city needs.
pub(crate) fn schema(connector: &Connector) -> Vec<SqlTable> {
    let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut add = |table: String, columns: Vec<String>| {
        let known = tables.entry(table).or_default();
        for column in columns {
            if !known.iter().any(|k| k.eq_ignore_ascii_case(&column)) {
                known.push(column);
            }
        }
    };
    for plan in connector.plans.values() {
        let (Transport::Sql(rules), Some(table)) = (&plan.transport, &plan.code) else {
            continue;
        };
        let common = || vec![rules.key.clone(), rules.flag.column.clone()];
        let sent = plan.send.iter().filter_map(|i| i.spot.path.first_name());
        let told = [&plan.answer.code, &plan.answer.message].into_iter().flatten();
        let told = told.filter_map(|s| s.path.first_name());
        let pages = plan.paging.iter().flat_map(crate::paging::asked).collect::<Vec<_>>();
        let totals = plan
            .paging
            .iter()
            .filter_map(|p| p.total.as_ref().map(|s| &s.path).or(p.pages.as_ref())?.first_name());
        let computed = plan.serve_data.iter().filter_map(|i| i.spot.path.first_name());
        for (table, binds, more) in [
            (
                table.clone(),
                &plan.request,
                sent.map(str::to_owned).chain(pages).collect::<Vec<_>>(),
            ),
            (
                rules.answers(table),
                &plan.response,
                told.chain(computed).chain(totals).map(str::to_owned).collect(),
            ),
        ] {
            let lists = rules.lists_of(binds, plan.code.as_deref().unwrap_or_default());
            let mut columns = common();
            columns.extend(more);
            for bind in binds {
                let Some(name) = bind.path.first_name() else { continue };
                match lists.iter().find(|(m, _)| m == name) {
                    None => columns.push(name.to_owned()),
                    Some((_, list)) => {
                        let mut inner = vec![rules.key.clone()];
                        inner.extend(rules.order.clone());
                        let rows = bind.rows.iter().flatten().filter_map(|b| b.path.first_name());
                        inner.extend(rows.map(str::to_owned));
                        add(list.clone(), inner);
                    }
                }
            }
            add(table, columns);
        }
    }
    let mut tables: Vec<SqlTable> = tables
        .into_iter()
        .map(|(name, columns)| SqlTable {
            name,
            columns,
            counter: None,
        })
        .collect();
    tables.extend(crate::news::table(connector));
    tables
}

/// Members of a tree that is none are none.
pub(crate) fn members(tree: Value) -> Map<String, Value> {
    match tree {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
