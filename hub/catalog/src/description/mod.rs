//! Any API description as people have it, in one normal form.
//!
//! OpenAPI 3.0 to 3.2, Swagger 2.0, WSDL 1.1 with XSD; JSON or YAML, in the encodings that are met; one file, or a zip or
//! a set of files that refer to one another. What comes out is OpenAPI 3.1 with JSON Schema 2020-12, extensions kept,
//! references local, and for every value of it the file, line and column it was written at. What has one meaning only is
//! repaired and told of; all else is refused with its place. Nothing is fetched: a reference to what is not in the set is
//! refused with the name of the file to add.

mod bases;
mod bundle;
mod grammar;
mod intake;
mod pack;
mod parameter;
mod paths;
mod quote;
mod reach;
mod references;
mod rooms;
mod schema;
mod sources;
mod special;
mod structure;
mod swagger;
mod target;
mod templates;
mod text;
mod tree;
mod types;
mod validator;
mod wsdl;
mod xsd;
mod zip;

pub(crate) use paths::tidy as tidy_path;

use hub_core::{Finding, Severity, Text};
use serde_json::Value;
use sources::Sources;
use std::collections::BTreeMap;
use tree::Node;

pub use pack::pack;
pub use validator::Validator;

/// Code of the finding that asks for a file.
const MISSING_FILE: &str = "missing-file";

/// What kind of description was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// OpenAPI 3.0, 3.1, 3.2.
    OpenApi,
    /// Swagger 2.0.
    Swagger,
    /// WSDL 1.1.
    Wsdl,
}

impl Format {
    /// Name for programs: `openapi`, `swagger`, `wsdl`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenApi => "openapi",
            Self::Swagger => "swagger",
            Self::Wsdl => "wsdl",
        }
    }
}

/// A description that was read whole.
#[derive(Debug, Clone)]
pub struct Description {
    /// Of what kind it was.
    pub format: Format,
    /// Version of that format as written: `3.0.3`, `2.0`, `1.1`.
    pub version: String,
    /// The normal form: an OpenAPI 3.1 document whose references all begin with `#/`.
    pub document: Value,
    /// How many operations it has.
    pub operations: usize,
    /// What was repaired, every one with its place and in both languages; of severity note or warning.
    pub repairs: Vec<Finding>,
    origins: Origins,
}

/// Where a value of the normal form was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin<'a> {
    /// File as it was named.
    pub file: &'a str,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// Places of all values of a document, in the order of a walk, parents first.
#[derive(Debug, Clone, Default)]
struct Origins {
    files: Vec<String>,
    places: Vec<(tree::At, u32)>,
}

/// Reads one upload: a description, or a zip that holds one and the files it refers to.
///
/// # Errors
///
/// Everything that keeps it from being read, with file, line and column, the source quoted, and what to do.
pub fn read(name: &str, bytes: &[u8]) -> Result<Description, Vec<Finding>> {
    let files = BTreeMap::from([(name.to_owned(), bytes.to_vec())]);
    read_set(name, &files)
}

/// Reads the description `entry` out of a set of files that may refer to one another by relative paths.
///
/// # Errors
///
/// As [`read`].
pub fn read_set(entry: &str, files: &BTreeMap<String, Vec<u8>>) -> Result<Description, Vec<Finding>> {
    let mut sources = Sources::new(entry, files).map_err(|f| vec![f])?;
    let read = intake::read(&mut sources);
    let (names, texts, mut findings) = sources.into_parts();
    let read = match read {
        Ok(read) if findings.iter().all(|f| f.severity != Severity::Error) => Ok(read),
        Ok(_) => Err(()),
        Err(finding) => {
            findings.push(finding);
            Err(())
        }
    };
    quote::quote(&mut findings, &names, &texts);
    match read {
        Ok((root, format, version)) => Ok(Description {
            format,
            version,
            operations: intake::operations(&root),
            repairs: findings,
            origins: Origins::of(names, &root),
            document: root.into_value(),
        }),
        Err(()) => {
            findings.retain(|f| f.severity == Severity::Error);
            Err(findings)
        }
    }
}

/// Files that a refusal asks for and that stand beside `entry`: who has them on disk may add them to the set and read
/// again. Addresses are not among them.
#[must_use]
pub fn missing(refused: &[Finding]) -> Vec<String> {
    let wanted = |f: &Finding| {
        let reference = f.got.as_deref().filter(|_| f.code == MISSING_FILE)?;
        let file = paths::split(reference).0?;
        if paths::url_path(file).is_some() {
            return None;
        }
        let folder = f.file.rsplit_once('/').map_or("", |(folder, _)| folder);
        paths::tidy(&format!("{folder}/{}", paths::percent(file)))
    };
    let mut names: Vec<String> = refused.iter().filter_map(wanted).collect();
    names.sort();
    names.dedup();
    names
}

impl Description {
    /// Where what a JSON pointer of the normal form names was written; where there is no such value, its nearest parent.
    #[must_use]
    pub fn origin(&self, pointer: &str) -> Origin<'_> {
        let at = self.origins.find(&self.document, pointer);
        Origin {
            file: self.origins.files.get(usize::from(at.file)).map_or("", String::as_str),
            line: at.line as usize,
            column: at.column as usize,
        }
    }

    /// A finding at a place of the normal form, told at the place it was written.
    #[must_use]
    pub fn finding(&self, code: &str, pointer: &str, message: Text) -> Finding {
        let origin = self.origin(pointer);
        Finding::error(code, origin.file, message).at(pointer, origin.line, origin.column)
    }
}

impl Origins {
    fn of(files: Vec<String>, root: &Node) -> Self {
        let mut all = Self {
            files,
            places: Vec::new(),
        };
        all.add(root);
        all
    }

    fn add(&mut self, node: &Node) {
        let slot = self.places.len();
        self.places.push((node.at, 1));
        match &node.content {
            tree::Content::Leaf(_) => {}
            tree::Content::List(items) => items.iter().for_each(|item| self.add(item)),
            tree::Content::Map(map) => map.values().for_each(|member| self.add(member)),
        }
        let size = u32::try_from(self.places.len() - slot).unwrap_or(u32::MAX);
        if let Some((_, own)) = self.places.get_mut(slot) {
            *own = size;
        }
    }

    fn find(&self, root: &Value, pointer: &str) -> tree::At {
        let mut slot = 0;
        let mut value = root;
        for token in pointer.split('/').skip(1) {
            let token = crate::document::unescape(token);
            let child = match value {
                Value::Object(map) => map
                    .iter()
                    .enumerate()
                    .find(|(_, (name, _))| **name == token)
                    .map(|(index, (_, child))| (index, child)),
                Value::Array(items) => token.parse().ok().and_then(|i: usize| items.get(i).map(|v| (i, v))),
                _ => None,
            };
            let Some((index, next)) = child else { break };
            slot += 1;
            for _ in 0..index {
                slot += self.places.get(slot).map_or(1, |(_, size)| *size as usize);
            }
            value = next;
        }
        self.places.get(slot).map(|(at, _)| *at).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
