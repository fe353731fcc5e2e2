//! Files of a drop folder: lines of cells, a marker that appears when a file is whole, totals that must agree. Questions
//! are answered from the newest file that agrees; requests go the other way, the marker last. Both halves.

mod server;
mod totals;

use crate::charset::Charset;
use crate::dialect::delimited::{self, Form};
use crate::dialect::{self, ReadError};
use crate::error::{ConnectorError, Failure};
use crate::exchange::cell;
use crate::mapping::template::Template;
use crate::plan::Plan;
use crate::step::Note;
use hub_core::Effect;
use hub_core::transport::{FileAnswer, FileFound, FileLogin, FileLook, FileRequest, FileWrite};
use serde_json::{Map, Value};
use std::sync::Arc;

pub(crate) use server::{published, requests, serve, take};
pub(crate) use totals::Total;

/// Newest files that are looked at for one that agrees.
const MOST_FILES: usize = 3;

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
