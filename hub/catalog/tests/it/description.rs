//! Descriptions that others wrote, and the test suites of others, through the reader.

use hub_catalog::description::{Description, missing, read_set};
use hub_core::{Finding, Severity};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The corpus beside the checkout, or none, which is said.
pub(crate) fn corpus() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let folder = std::env::var_os("HUB_SHARED")
        .map_or(beside, PathBuf::from)
        .join("corpus/dev");
    if folder.is_dir() {
        return Some(folder);
    }
    println!(
        "SKIPPED: {} is not there; HUB_SHARED names another folder",
        folder.display()
    );
    None
}

/// Reads a file of the corpus with the files beside it that it asks for, as a person would zip them.
pub(crate) fn read_with_companions(root: &Path, file: &str) -> (Result<Description, Vec<Finding>>, Duration, usize) {
    let bytes = std::fs::read(root.join(file)).unwrap();
    let mut files = BTreeMap::from([(file.to_owned(), bytes)]);
    loop {
        let start = Instant::now();
        let read = read_set(file, &files);
        let took = start.elapsed();
        let Err(refused) = &read else {
            return (read, took, files.len());
        };
        let before = files.len();
        for name in missing(refused) {
            if let Ok(bytes) = std::fs::read(root.join(&name)) {
                files.insert(name, bytes);
            }
        }
        if files.len() == before {
            return (read, took, files.len());
        }
    }
}

/// A row of a CSV file, quotes undone.
pub(crate) fn csv(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                cell.push('"');
                chars.next();
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            c => cell.push(c),
        }
    }
    rows
}

struct Row {
    id: String,
    file: String,
    format: String,
    accepted: bool,
}

fn index(root: &Path) -> Vec<Row> {
    let rows = csv(&std::fs::read_to_string(root.join("index.csv")).unwrap());
    let head = &rows[0];
    let column = |name: &str| head.iter().position(|h| h == name).unwrap();
    let peers = [
        "swagger_parser",
        "redocly",
        "spectral",
        "openapi_spec_validator",
        "zeep_wsdl",
    ]
    .map(column);
    let (id, file, format, version) = (column("id"), column("file"), column("format"), column("version"));
    rows[1..]
        .iter()
        .map(|r| Row {
            id: r[id].clone(),
            file: r[file].clone(),
            format: format!("{} {}", r[format], r[version]),
            accepted: peers.iter().any(|p| r[*p] == "accept"),
        })
        .collect()
}

#[test]
fn corpus_survey() {
    let Some(root) = corpus() else { return };
    let (mut slowest, mut accepted, mut both) = (Duration::ZERO, 0, 0);
    for row in index(&root) {
        let (read, took, _) = read_with_companions(&root, &row.file);
        if took > slowest {
            slowest = took;
            println!("slow {took:?} {}", row.file);
        }
        accepted += usize::from(row.accepted);
        both += usize::from(row.accepted && read.is_ok());
        match read {
            Ok(d) => {
                let warned: std::collections::BTreeMap<&str, usize> =
                    d.repairs.iter().fold(BTreeMap::new(), |mut m, f| {
                        *m.entry(f.code.as_str()).or_default() += usize::from(f.severity != Severity::Error);
                        m
                    });
                if !warned.is_empty() {
                    println!("{} ok {} {warned:?}", row.id, row.accepted);
                }
            }
            Err(refused) => println!(
                "{} REFUSED {} {} {}: {}",
                row.id,
                if row.accepted { "though accepted" } else { "" },
                row.format,
                refused.len(),
                refused[0]
            ),
        }
    }
    println!("{both} of {accepted}");
}
