//! Papers of subjects: what may be uploaded, and what a call may refer to.

use crate::authenticate::Caller;
use crate::journey::subject_mark;
use crate::replay::unavailable;
use crate::setting::Setting;
use hub_connectors::context::{FileContent, Files as CallFiles};
use hub_core::time::{Timestamp, rfc3339};
use hub_core::{Environment, Operation, Problem, ProblemCode, Semantic, Shape, Subject, Text};
use hub_store::{FileInfo, NewFile, Store};
use jiff::SignedDuration;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Longest file name kept.
const MAX_NAME: usize = 120;
/// Hours a paper stays once a submission holds it.
const USED_HOURS: i64 = 24 * 30;

/// Types that are taken, told by their first bytes; what the client calls them does not count.
#[must_use]
pub fn sniff(bytes: &[u8]) -> Option<&'static str> {
    // OFD (GB/T 33190) is a ZIP package whose entry document is OFD.xml, named in its first kilobytes or its directory.
    let zip = bytes.starts_with(b"PK\x03\x04");
    let names_ofd = || bytes.windows(7).any(|w| w == b"OFD.xml");
    match bytes {
        [b'%', b'P', b'D', b'F', b'-', ..] => Some("application/pdf"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Some("image/png"),
        _ if zip && names_ofd() => Some("application/ofd"),
        _ => None,
    }
}

/// A paper as it comes in.
pub(crate) struct Upload<'a> {
    pub(crate) name: &'a str,
    pub(crate) bytes: &'a [u8],
    /// Bytes it may have.
    pub(crate) cap: usize,
    /// Hours it waits to be used.
    pub(crate) hours: u32,
}

/// Takes a paper in.
pub(crate) async fn put(
    store: &Store,
    subject: &Subject,
    upload: &Upload<'_>,
    now: Timestamp,
) -> Result<Value, Problem> {
    let Upload {
        name,
        bytes,
        cap,
        hours,
    } = *upload;
    if bytes.len() > cap {
        let expected = Text::new(format!("不超过 {cap} 字节"), format!("at most {cap} bytes"));
        return Err(Problem::new(ProblemCode::BodyTooLarge).at("", expected, bytes.len().to_string()));
    }
    let media_type = sniff(bytes).ok_or_else(|| {
        let expected = Text::same("application/pdf, application/ofd, image/jpeg, image/png");
        Problem::new(ProblemCode::FileRejected).at("", expected, "another type, told by its first bytes")
    })?;
    let new = NewFile {
        owner: subject_mark(&subject.id),
        name: clean(name),
        media_type: media_type.to_owned(),
        bytes: bytes.to_vec(),
        now,
        expires: now + SignedDuration::from_hours(i64::from(hours)),
    };
    let info = store.files().put(&new).await.map_err(unavailable)?;
    Ok(view(&info))
}

/// What its owner is told of a paper.
pub(crate) fn view(info: &FileInfo) -> Value {
    json!({
        "file_id": info.id,
        "name": info.name,
        "media_type": info.media_type,
        "size": info.size,
        "sha256": info.sha256,
        "expires": rfc3339(info.expires),
        "used": info.used,
    })
}

/// A name without folders and control characters.
fn clean(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect();
    if clean.trim().is_empty() { "file".into() } else { clean }
}

/// The papers that one call refers to, read before it is encoded.
#[derive(Debug, Default)]
pub(crate) struct Papers(BTreeMap<String, FileContent>);

impl CallFiles for Papers {
    fn get(&self, file_id: &str) -> Option<FileContent> {
        self.0.get(file_id).cloned()
    }
}

/// Reads the papers that a live call refers to. In the sandbox, where no paper is read, every id passes.
pub(crate) async fn papers(
    at: &Setting<'_>,
    caller: &Caller,
    operation: &Operation,
    input: &Map<String, Value>,
) -> Result<Papers, Problem> {
    if at.environment == Environment::Sandbox {
        return Ok(Papers::default());
    }
    let owner = caller.subject.as_ref().map(|s| subject_mark(&s.id)).unwrap_or_default();
    Papers::of(&at.core.store, operation, input, &owner, at.now).await
}

impl Papers {
    /// Reads them out of the store. Only the subject's own can be referred to.
    pub(crate) async fn of(
        store: &Store,
        operation: &Operation,
        input: &Map<String, Value>,
        owner: &str,
        now: Timestamp,
    ) -> Result<Self, Problem> {
        let mut ids = Vec::new();
        for (name, value) in input {
            if let Some(shape) = operation.input.child(name) {
                find(shape, value, &format!("/{name}"), &mut ids);
            }
        }
        let mut papers = BTreeMap::new();
        for (place, id) in ids {
            let file = store.files().get(&id, owner, now).await.map_err(unavailable)?;
            let file = file.ok_or_else(|| {
                let expected = Text::new("本人上传的文件编号", "the id of a file the subject uploaded");
                Problem::new(ProblemCode::FileNotFound).at(place, expected, id.clone())
            })?;
            let content = FileContent {
                name: file.info.name,
                media_type: file.info.media_type,
                bytes: file.bytes,
            };
            papers.insert(id, content);
        }
        Ok(Self(papers))
    }

    /// Notes that a submission holds them, so that they do not expire under it.
    pub(crate) async fn hold(&self, store: &Store, owner: &str, now: Timestamp) -> Result<(), Problem> {
        for id in self.0.keys() {
            let until = now + SignedDuration::from_hours(USED_HOURS);
            store.files().used(id, owner, until).await.map_err(unavailable)?;
        }
        Ok(())
    }
}

/// File ids in a value, with their places.
fn find(shape: &Shape, value: &Value, place: &str, ids: &mut Vec<(String, String)>) {
    match (shape.semantic, value) {
        (Semantic::File, Value::String(id)) => ids.push((place.to_owned(), id.clone())),
        (_, Value::Object(members)) => {
            for (name, member) in members {
                if let Some(child) = shape.child(name) {
                    find(child, member, &format!("{place}/{name}"), ids);
                }
            }
        }
        (_, Value::Array(items)) => {
            for (i, item) in items.iter().enumerate() {
                if let Some(shape) = &shape.item {
                    find(shape, item, &format!("{place}/{i}"), ids);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_told_by_bytes() {
        assert_eq!(sniff(b"%PDF-1.7\n"), Some("application/pdf"));
        assert_eq!(sniff(&[0xff, 0xd8, 0xff, 0xe0]), Some("image/jpeg"));
        assert_eq!(sniff(b"\x89PNG\r\n\x1a\n...."), Some("image/png"));
        assert_eq!(sniff(b"PK\x03\x04....OFD.xml...."), Some("application/ofd"));
        assert_eq!(sniff(b"PK\x03\x04....word/document.xml"), None);
        assert_eq!(sniff(b"<html>"), None);
        assert_eq!(sniff(b""), None);
    }

    #[test]
    fn names_lose_folders_and_controls() {
        assert_eq!(clean("../../etc/passwd"), "passwd");
        assert_eq!(clean("C:\\a\\身份证.pdf"), "身份证.pdf");
        assert_eq!(clean("a\r\nb.png"), "ab.png");
        assert_eq!(clean("/"), "file");
    }
}
