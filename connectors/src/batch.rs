//! Files of a drop folder: lines of cells, a marker that appears when a file is whole, totals that must agree. Questions
//! are answered from the newest file that agrees; requests go the other way, the marker last. Both halves.

use crate::charset::Charset;
use crate::connector::{Connector, Handler};
use crate::context::{NoFiles, ServerContext};
use crate::dialect::delimited::{self, Form};
use crate::dialect::{self, ReadError};
use crate::error::{ConnectorError, Failure};
use crate::exchange::cell;
use crate::mapping::encode::{Absent, Encoder};
use crate::mapping::template::{Template, scalar_text};
use crate::parts::Parts;
use crate::plan::{Plan, Transport};
use crate::server::{Outcome, business, document};
use crate::statement::Statement;
use crate::step::Note;
use hub_core::time::{Timestamp, civil};
use hub_core::transport::{FileAnswer, FileFound, FileLogin, FileLook, FileRequest, FileWrite};
use hub_core::{Effect, Operation};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Newest files that are looked at for one that agrees.
const MOST_FILES: usize = 3;
/// Decimal places that sums are kept with.
const PLACES: usize = 6;

/// What all files of an operation have in common.
#[derive(Debug, Clone)]
pub struct BatchRules {
    pub(crate) files: Option<String>,
    pub(crate) marker: String,
    pub(crate) says: Vec<Total>,
    pub(crate) form: Form,
    pub(crate) header: bool,
    pub(crate) columns: Vec<String>,
    pub(crate) contains: Vec<String>,
    pub(crate) trailer: Vec<Total>,
    pub(crate) request: Option<String>,
    pub(crate) reply: Option<String>,
    pub(crate) every_ms: u64,
    pub(crate) entry: Entry,
}

/// Who logs in where the folder is a server's, and which server it must be.
#[derive(Debug, Clone, Default)]
pub(crate) struct Entry {
    pub(crate) pins: Vec<String>,
    pub(crate) key: Option<Arc<Template>>,
    pub(crate) basic: Option<(Arc<Template>, Arc<Template>)>,
}

impl Entry {
    /// The login, its secrets made by whoever has them; `None` where the manifest says nothing of a server.
    ///
    /// # Errors
    /// Those of the maker.
    pub(crate) fn login<E>(&self, make: impl Fn(&Template) -> Result<String, E>) -> Result<Option<FileLogin>, E> {
        if self.pins.is_empty() && self.key.is_none() && self.basic.is_none() {
            return Ok(None);
        }
        let made = |template: Option<&Arc<Template>>| template.map(|t| make(t)).transpose();
        Ok(Some(FileLogin {
            user: made(self.basic.as_ref().map(|(user, _)| user))?,
            password: made(self.basic.as_ref().map(|(_, password)| password))?,
            key: made(self.key.as_ref())?,
            pins: self.pins.clone(),
        }))
    }

    pub(crate) fn templates(&self) -> impl Iterator<Item = &Arc<Template>> {
        self.key
            .iter()
            .chain(self.basic.iter().flat_map(|(user, password)| [user, password]))
    }
}

/// One cell of a line of totals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Total {
    Text(String),
    Count,
    Sum(String),
}

impl Total {
    /// From its notation; `None` if it is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let Some(inner) = text.strip_prefix('{').and_then(|t| t.strip_suffix('}')) else {
            return (!text.contains(['{', '}'])).then(|| Total::Text(text.to_owned()));
        };
        match inner.trim() {
            "count" => Some(Total::Count),
            other => other.strip_prefix("sum ").map(|c| Total::Sum(c.trim().to_owned())),
        }
    }

    fn agrees(&self, cell: &str, records: &[Value]) -> bool {
        match self {
            Total::Text(text) => cell.trim() == text,
            Total::Count => cell.trim().parse() == Ok(records.len()),
            Total::Sum(column) => sum(column, records).is_some_and(|s| decimal(cell) == Some(s)),
        }
    }

    fn write(&self, records: &[Value]) -> Option<String> {
        Some(match self {
            Total::Text(text) => text.clone(),
            Total::Count => records.len().to_string(),
            Total::Sum(column) => written(sum(column, records)?),
        })
    }
}

fn sum(column: &str, records: &[Value]) -> Option<i128> {
    records.iter().try_fold(0_i128, |sum, record| {
        let text = record.get(column).and_then(scalar_text).unwrap_or_default();
        let value = if text.trim().is_empty() { 0 } else { decimal(&text)? };
        sum.checked_add(value)
    })
}

/// A decimal number in millionths; `None` for what is none, or finer than that.
fn decimal(text: &str) -> Option<i128> {
    let text = text.trim().replace(',', "");
    let (negative, text) = text.strip_prefix('-').map_or((false, text.as_str()), |t| (true, t));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |t: &str| t.chars().all(|c| c.is_ascii_digit());
    if whole.is_empty() || whole.len() > 24 || fraction.len() > PLACES || !digits(whole) || !digits(fraction) {
        return None;
    }
    let number: i128 = format!("{whole}{fraction:0<PLACES$}").parse().ok()?;
    Some(if negative { -number } else { number })
}

fn written(millionths: i128) -> String {
    let sign = if millionths < 0 { "-" } else { "" };
    let number = millionths.unsigned_abs();
    let (whole, fraction) = (number / 1_000_000, number % 1_000_000);
    let fraction = format!("{fraction:06}");
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{fraction:0<2}")
    }
}

impl BatchRules {
    /// Where the files stand that answer questions or tell news.
    pub(crate) fn look(&self, most: usize) -> Option<FileLook> {
        let path = self.files.as_deref()?;
        let (folder, name) = split(path);
        let (prefix, suffix) = name.split_once('*').unwrap_or((name, ""));
        Some(FileLook {
            folder: folder.to_owned(),
            prefix: prefix.to_owned(),
            suffix: suffix.to_owned(),
            marker: self.marker.clone(),
            most,
        })
    }

    /// The same where the name of a file holds what is asked for (`{RQ}`: the value of the column `RQ`).
    fn look_for(&self, asked: &Value, most: usize) -> Option<FileLook> {
        let files = named_by(self.files.as_deref()?, asked);
        let rules = Self {
            files: Some(files),
            ..self.clone()
        };
        rules.look(most)
    }

    /// The lines of data of a file that agrees with its own totals.
    ///
    /// # Errors
    /// Why it cannot be trusted.
    pub(crate) fn records(&self, file: &FileFound, charset: Charset) -> Result<Vec<Value>, ConnectorError> {
        let disagrees = |what: &str| ConnectorError::Unreadable {
            what: format!("the file's {what}"),
            effect_unknown: false,
        };
        let mut lines = self.lines(&file.bytes, charset)?;
        let last = if self.trailer.is_empty() { None } else { lines.pop() };
        let columns = if self.header {
            if lines.is_empty() {
                return Err(disagrees("first line is missing"));
            }
            lines.remove(0).iter().map(|name| name.trim().to_owned()).collect()
        } else {
            self.columns.clone()
        };
        let mut records = Vec::with_capacity(lines.len());
        for mut line in lines {
            // A separator behind the last cell is no cell.
            if line.len() == columns.len() + 1 && line.last().is_some_and(String::is_empty) {
                line.pop();
            }
            if line.len() != columns.len() {
                return Err(disagrees("lines have another number of cells than columns"));
            }
            let cells = columns.iter().cloned().zip(line.into_iter().map(Value::from));
            records.push(Value::Object(cells.collect()));
        }
        if let Some(last) = last {
            self.totals(&self.trailer, &last, &records)
                .map_err(|_| disagrees("totals do not agree with its lines"))?;
        }
        if let (false, Some(marker)) = (self.says.is_empty(), &file.marker) {
            let said = self.lines(marker, charset)?.into_iter().next().unwrap_or_default();
            self.totals(&self.says, &said, &records)
                .map_err(|_| disagrees("marker does not agree with it"))?;
        }
        Ok(records)
    }

    fn lines(&self, bytes: &[u8], charset: Charset) -> Result<Vec<Vec<String>>, ConnectorError> {
        let unreadable = |what: String| ConnectorError::Unreadable {
            what,
            effect_unknown: false,
        };
        let text = crate::charset::decode(bytes, Some(charset), None)
            .map_err(|e| unreadable(e.to_string()))?
            .text;
        // What was fetched was a page to log in at, and it was saved under the file's name.
        if dialect::is_html(&text) {
            return Err(ConnectorError::Blocked { effect_unknown: false });
        }
        delimited::read(&text, &self.form).map_err(|e| unreadable(e.to_string()))
    }

    fn totals(&self, expected: &[Total], cells: &[String], records: &[Value]) -> Result<(), ()> {
        let more = cells.get(expected.len()..).unwrap_or_default();
        let agree = cells.len() >= expected.len()
            && more.iter().all(|cell| cell.trim().is_empty())
            && expected.iter().zip(cells).all(|(e, cell)| e.agrees(cell, records));
        agree.then_some(()).ok_or(())
    }

    /// A file of these records, and its marker if there are markers.
    fn files_of(&self, path: &str, records: &[Value], charset: Charset) -> Result<Vec<FileWrite>, ReadError> {
        let mut columns = self.columns.clone();
        if columns.is_empty() {
            for name in records.iter().filter_map(Value::as_object).flat_map(Map::keys) {
                if !columns.contains(name) {
                    columns.push(name.clone());
                }
            }
        }
        let mut lines: Vec<Vec<String>> = if self.header { vec![columns.clone()] } else { Vec::new() };
        lines.extend(records.iter().map(|record| {
            let cells = columns.iter();
            cells
                .map(|c| record.get(c).and_then(cell).unwrap_or_default())
                .collect()
        }));
        lines.extend(self.total_line(&self.trailer, records)?);
        let bytes = |lines: &[Vec<String>]| {
            let text = delimited::write(lines, &self.form)?;
            let bytes = charset.encode(&text).map_err(|e| ReadError::Broken(e.to_string()))?;
            Ok::<_, ReadError>(bytes.into_owned())
        };
        let mut files = vec![FileWrite {
            path: path.to_owned(),
            bytes: bytes(&lines)?,
        }];
        if !self.marker.is_empty() {
            let says: Vec<_> = self.total_line(&self.says, records)?.into_iter().collect();
            files.push(FileWrite {
                path: format!("{path}{}", self.marker),
                bytes: bytes(&says)?,
            });
        }
        Ok(files)
    }

    fn total_line(&self, totals: &[Total], records: &[Value]) -> Result<Option<Vec<String>>, ReadError> {
        if totals.is_empty() {
            return Ok(None);
        }
        let cells = totals.iter().map(|t| t.write(records)).collect::<Option<_>>();
        cells
            .map(Some)
            .ok_or_else(|| ReadError::Broken("a column to be summed holds what is no number".to_owned()))
    }

    fn submits(&self, plan: &Plan) -> Option<&str> {
        self.request.as_deref().filter(|_| plan.effect != Effect::None)
    }
}

/// A pattern with the asked values in their places; what is not asked for may be anything.
fn named_by(pattern: &str, asked: &Value) -> String {
    let mut name = String::new();
    let mut rest = pattern;
    while let Some((before, inner)) = rest.split_once('{') {
        let Some((column, after)) = inner.split_once('}') else {
            break;
        };
        // A value never leads to another folder.
        let value = asked
            .get(column)
            .and_then(cell)
            .map(|v| v.replace(['/', '\\', '*', '\0'], ""));
        name.push_str(before);
        name.push_str(value.filter(|v| !v.is_empty()).as_deref().unwrap_or("*"));
        rest = after;
    }
    name + rest
}

fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// The client half: the exchange of one call.
///
/// # Errors
/// A value that cannot stand in such a file.
pub(crate) fn request(
    rules: &BatchRules,
    plan: &Plan,
    content: Value,
    key: &str,
    charset: Charset,
) -> Result<FileRequest, ReadError> {
    let Some(path) = rules.submits(plan) else {
        return Ok(FileRequest {
            look: rules.look_for(&content, MOST_FILES),
            ..FileRequest::default()
        });
    };
    let path = path.replace("{key}", key);
    let writes = rules.files_of(&path, &[content], charset)?;
    let look = rules.reply.as_ref().map(|reply| {
        let reply = reply.replace("{key}", key);
        let (folder, name) = split(&reply);
        FileLook {
            folder: folder.to_owned(),
            prefix: name.to_owned(),
            suffix: String::new(),
            marker: rules.marker.clone(),
            most: 1,
        }
    });
    Ok(FileRequest {
        login: None,
        writes,
        every_ms: if look.is_some() { rules.every_ms } else { 0 },
        look,
    })
}

/// The client half: what the files say to a question or a request. A newer file that cannot be trusted is passed over for
/// an older one, and noted.
///
/// # Errors
/// No file that can be trusted.
pub(crate) fn answer(
    rules: &BatchRules,
    plan: &Plan,
    asked: &Value,
    found: &FileAnswer,
    charset: Charset,
    notes: &mut Vec<Note>,
) -> Result<Value, ConnectorError> {
    if rules.submits(plan).is_some() {
        let Some(file) = found.files.first() else {
            return Ok(Value::Object(Map::new()));
        };
        let mut record = rules.records(file, charset)?.into_iter().next().unwrap_or_default();
        dialect::expand(&mut record, &plan.response);
        return Ok(record);
    }
    let mut last_error = None;
    for file in &found.files {
        match rules.records(file, charset) {
            Ok(records) => {
                if let Some(column) = unknown(rules, plan, asked, &records) {
                    return Err(ConnectorError::NoColumn(column));
                }
                notes.extend(last_error.is_some().then(|| Note {
                    field: String::new(),
                    kind: "file-passed-over",
                }));
                let fits = |record: &Value| fits(rules, record, asked);
                return Ok(records.into_iter().filter(fits).collect());
            }
            Err(error) => last_error = last_error.or(Some(error)),
        }
    }
    Err(last_error.unwrap_or(ConnectorError::Failed {
        failure: Failure::Unavailable,
        upstream_code: None,
        message: None,
        effect_unknown: false,
    }))
}

/// A column that is asked for and that the file has not, where its name does not tell it either. A file without lines has
/// nothing to be told apart.
fn unknown(rules: &BatchRules, plan: &Plan, asked: &Value, records: &[Value]) -> Option<String> {
    let there = records.first().and_then(Value::as_object)?;
    let named = |column: &str| {
        rules
            .files
            .as_deref()
            .is_some_and(|f| f.contains(&format!("{{{column}}}")))
    };
    let mut columns = plan.request.iter().filter_map(|bind| bind.path.first_name());
    let missing = columns.find(|column| {
        let is_asked = asked
            .get(column)
            .and_then(cell)
            .is_some_and(|wanted| !wanted.is_empty());
        is_asked && !there.contains_key(*column) && !named(column)
    });
    missing.map(str::to_owned)
}

/// Whether a record is one of those asked for: equal in every column that both have.
fn fits(rules: &BatchRules, record: &Value, asked: &Value) -> bool {
    asked.as_object().into_iter().flatten().all(|(column, wanted)| {
        let Some(wanted) = cell(wanted).filter(|w| !w.is_empty()) else {
            return true;
        };
        match record.get(column).and_then(Value::as_str) {
            Some(found) if rules.contains.contains(column) => found.contains(wanted.trim()),
            Some(found) => found.trim() == wanted.trim(),
            None => true,
        }
    })
}

fn plans(connector: &Connector) -> impl Iterator<Item = (&BatchRules, &Arc<Plan>)> {
    connector.plans.values().filter_map(|plan| match &plan.transport {
        Transport::File(rules) => Some((rules.as_ref(), plan)),
        _ => None,
    })
}

/// The server half: the files that answer the questions of the contract's own examples, together in one file, or one each
/// where its name tells them apart.
pub(crate) fn published(
    connector: &Connector,
    context: &ServerContext<'_>,
    handler: &mut Handler<'_>,
) -> Vec<FileWrite> {
    let all = plans(connector);
    all.flat_map(|(rules, plan)| publish(connector, rules, plan, context, handler))
        .collect()
}

fn publish(
    connector: &Connector,
    rules: &BatchRules,
    plan: &Plan,
    context: &ServerContext<'_>,
    handler: &mut Handler<'_>,
) -> Vec<FileWrite> {
    let Some(pattern) = rules.files.as_deref().filter(|_| rules.submits(plan).is_none()) else {
        return Vec::new();
    };
    let day = civil(context.now).date().to_string().replace('-', "");
    let mut files = Vec::new();
    for (asked, records) in records_of(connector, plan, context, handler, pattern.contains('{')) {
        let path = named_by(pattern, &asked).replace('*', &format!("{day}_001"));
        files.extend(
            rules
                .files_of(&path, &records, connector.wiring.charset)
                .unwrap_or_default(),
        );
    }
    files
}

/// What the examples of a contract ask for; of a statement, the two days before.
fn examples(connector: &Connector, operation: &Arc<Operation>, now: Timestamp) -> Vec<Map<String, Value>> {
    if !connector.is_statement(operation) {
        return operation.examples.iter().filter_map(|e| e.input.clone()).collect();
    }
    let days = std::iter::successors(civil(now).date().yesterday().ok(), |day| day.yesterday().ok());
    days.take(2).map(Statement::asked).collect()
}

fn records_of(
    connector: &Connector,
    plan: &Plan,
    context: &ServerContext<'_>,
    handler: &mut Handler<'_>,
    apart: bool,
) -> Vec<(Value, Vec<Value>)> {
    let Some(operation) = &plan.operation else {
        return Vec::new();
    };
    let encoder = Encoder {
        files: &NoFiles,
        uploaded: &BTreeMap::new(),
        absent: Absent::Drop,
        today: Some(hub_core::time::civil(context.now).date()),
    };
    let mut files: Vec<(Value, Vec<Value>)> = if apart { Vec::new() } else { vec![Default::default()] };
    for input in examples(connector, operation, context.now) {
        let mut asked = Value::Object(Map::new());
        let source = Value::Object(input.clone());
        if encoder.encode(&plan.request, &source, &mut asked, "").is_err() {
            continue;
        }
        let Ok(answer) = handler(operation, input) else {
            continue;
        };
        let tree = document(connector, context, plan, &source, &Outcome::Good(answer));
        let mut items = match tree {
            Value::Array(items) => items,
            one => vec![one],
        };
        let first = items.first().and_then(Value::as_object).cloned().unwrap_or_default();
        for item in &mut items {
            let Value::Object(item) = item else { continue };
            // What is said once of all lines stands in each of them.
            for (name, value) in asked.as_object().into_iter().flatten().chain(&first) {
                item.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        if apart {
            files.push((asked, Vec::new()));
        }
        let Some((_, records)) = files.last_mut() else { continue };
        for item in items {
            if !records.contains(&item) {
                records.push(item);
            }
        }
    }
    files
}

/// The server half: where requests appear.
pub(crate) fn requests(connector: &Connector) -> Vec<FileLook> {
    let mut looks: Vec<FileLook> = Vec::new();
    for (rules, plan) in plans(connector) {
        if let Some((folder, name)) = rules.submits(plan).map(split) {
            let (prefix, suffix) = name.split_once("{key}").unwrap_or((name, ""));
            looks.push(FileLook {
                folder: folder.to_owned(),
                prefix: prefix.to_owned(),
                suffix: suffix.to_owned(),
                marker: rules.marker.clone(),
                most: MOST_FILES,
            });
        }
    }
    looks
}

/// The server half: the answer to a request's file, if it is one.
pub(crate) fn take(
    connector: &Connector,
    path: &str,
    bytes: &[u8],
    context: &ServerContext<'_>,
    handler: &mut Handler<'_>,
) -> Vec<FileWrite> {
    let charset = connector.wiring.charset;
    for (rules, plan) in plans(connector) {
        let Some((before, after)) = rules.submits(plan).and_then(|p| p.split_once("{key}")) else {
            continue;
        };
        let Some(key) = path.strip_prefix(before).and_then(|p| p.strip_suffix(after)) else {
            continue;
        };
        let file = FileFound {
            name: path.to_owned(),
            bytes: bytes.to_vec(),
            marker: None,
        };
        let Ok(mut records) = rules.records(&file, charset) else {
            continue;
        };
        let Some(mut fields) = records.pop() else { continue };
        dialect::expand(&mut fields, &plan.request);
        let parts = Parts {
            outer: fields.clone(),
            fields,
            ..Parts::default()
        };
        let (input, outcome) = business(plan, &parts, context.now, handler);
        let Some(reply) = &rules.reply else {
            return Vec::new();
        };
        let tree = document(connector, context, plan, &input, &outcome);
        let written = rules.files_of(&reply.replace("{key}", key), &[tree], charset);
        return written.unwrap_or_default();
    }
    Vec::new()
}

/// The server half without a folder: the answer to an exchange straight from its files.
pub(crate) fn serve(
    connector: &Connector,
    request: &FileRequest,
    context: &ServerContext<'_>,
    handler: &mut Handler<'_>,
) -> FileAnswer {
    let written = match request.writes.first() {
        Some(data) => take(connector, &data.path, &data.bytes, context, handler),
        None => plans(connector)
            .filter(|(rules, _)| {
                let by_name = rules.files.as_deref().is_some_and(|files| files.contains('{'));
                by_name || rules.look(MOST_FILES) == request.look
            })
            .flat_map(|(rules, plan)| publish(connector, rules, plan, context, handler))
            .collect(),
    };
    let Some(look) = &request.look else {
        return FileAnswer::default();
    };
    let files = written.iter().filter_map(|file| {
        let (folder, name) = split(&file.path);
        let fits = folder == look.folder && name.starts_with(&look.prefix) && name.ends_with(&look.suffix);
        let is_marker = !look.marker.is_empty() && name.ends_with(&look.marker);
        let marker = format!("{}{}", file.path, look.marker);
        (fits && !is_marker).then(|| FileFound {
            name: name.to_owned(),
            bytes: file.bytes.clone(),
            marker: written.iter().find(|m| m.path == marker).map(|m| m.bytes.clone()),
        })
    });
    FileAnswer {
        files: files.take(look.most).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_exact() {
        assert_eq!(decimal("1,280.50"), Some(1_280_500_000));
        assert_eq!(decimal("-0.000001"), Some(-1));
        for bad in ["", ".", "1.0000001", "1e3", "一", "1.2.3", "--1"] {
            assert_eq!(decimal(bad), None, "{bad}");
        }
        assert_eq!(written(1_280_500_000), "1280.50");
        assert_eq!(written(-5_000_000), "-5");
    }
}
