//! Descriptions that others wrote, and the test suites of others, through the reader.

use hub_catalog::description::{Description, missing, read_set};
use hub_core::{Finding, Severity};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

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
pub(crate) fn read_with_companions(root: &Path, file: &str) -> (Result<Description, Vec<Finding>>, Duration) {
    let (read, took, _) = read_among(root, file);
    (read, took)
}

type Read = (Result<Description, Vec<Finding>>, Duration, BTreeMap<String, Vec<u8>>);

/// As [`read_with_companions`], with the files.
pub(crate) fn read_among(root: &Path, file: &str) -> Read {
    let bytes = std::fs::read(root.join(file)).unwrap();
    let mut files = BTreeMap::from([(file.to_owned(), bytes)]);
    loop {
        let start = processor_time();
        let read = read_set(file, &files);
        let took = processor_time().saturating_sub(start);
        let Err(refused) = &read else {
            return (read, took, files);
        };
        let before = files.len();
        for name in missing(refused) {
            if let Ok(bytes) = std::fs::read(root.join(&name)) {
                files.insert(name, bytes);
            }
        }
        if files.len() == before {
            return (read, took, files);
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

pub(crate) struct Row {
    id: String,
    pub(crate) file: String,
    format: String,
    accepted: bool,
}

pub(crate) fn index(root: &Path) -> Vec<Row> {
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

/// What became of one description.
struct Outcome {
    row: Row,
    read: Result<Description, Vec<Finding>>,
}

fn outcomes(root: &Path) -> Vec<Outcome> {
    let one = |row: Row| {
        let (mut read, mut took) = read_with_companions(root, &row.file);
        // A busy machine may be slow once; a slow description is slow every time.
        for _ in 0..2 {
            if took > LIMIT {
                (read, took) = read_with_companions(root, &row.file);
            }
        }
        assert!(took <= LIMIT, "{} takes {took:?}", row.file);
        Outcome { row, read }
    };
    index(root).into_iter().map(one).collect()
}

/// Longest that a description may keep a processor busy.
pub(crate) const LIMIT: Duration = Duration::from_secs(2);

/// How long this thread has had a processor: what others do at the same time does not count.
pub(crate) fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(stat.split(' ').next().unwrap().parse().unwrap())
}

#[test]
fn generated_reading_figures_are_current() {
    let Some(root) = corpus() else { return };
    let outcomes = outcomes(&root);
    let accepted = outcomes.iter().filter(|o| o.row.accepted).count();
    let both = outcomes.iter().filter(|o| o.row.accepted && o.read.is_ok()).count();
    let mut page = String::from("# What the hub reads\n\n");
    let _ = write!(
        page,
        "Written by `make generate` from the development corpus: descriptions of public services that nobody of this project wrote, \
         with the verdicts of five existing tools. Files a description refers to by relative paths are handed over with it; \
         nothing is fetched. The test refuses a description that takes more than 2 s, and more than 512 MiB for all of them.\n\n\
         Of {accepted} descriptions that at least one existing tool accepts, **{both}** are read ({:.1} %).\n\n",
        100.0 * both as f64 / accepted as f64
    );
    table(&mut page, &outcomes);
    page.push_str("\n## Refused\n\nEach with its first finding.\n\n| description | accepted elsewhere | place | reason |\n|---|---|---|---|\n");
    for outcome in &outcomes {
        let Err(refused) = &outcome.read else { continue };
        let first = refused.first().expect("a refusal has a reason");
        assert!(
            first.line > 0 && !first.message.zh.is_empty(),
            "{}: {first}",
            outcome.row.file
        );
        let name = outcome.row.file.trim_start_matches("specs/");
        let elsewhere = if outcome.row.accepted { "yes" } else { "no" };
        let _ = writeln!(
            page,
            "| {} `{name}` | {elsewhere} | {}:{} | {} `{}` |",
            outcome.row.id, first.line, first.column, first.message.en, first.code
        );
    }
    repairs(&mut page, &outcomes);
    suites(&mut page, &root);
    if let Some(peak) = peak_memory() {
        assert!(peak <= 512 << 10, "all of them together take {peak} KiB");
    }
    assert!(both * 100 >= accepted * 99, "{both} of {accepted}");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/figures/reading.md");
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(there, page, "run with UPDATE_GENERATED=1 and commit {}", path.display());
}

fn table(page: &mut String, outcomes: &[Outcome]) {
    let mut formats: BTreeMap<&str, [usize; 5]> = BTreeMap::new();
    for outcome in outcomes {
        let cells = formats.entry(&outcome.row.format).or_default();
        let read = outcome.read.is_ok();
        cells[0] += 1;
        cells[1] += usize::from(outcome.row.accepted);
        cells[2] += usize::from(outcome.row.accepted && read);
        cells[3] += usize::from(read);
        cells[4] += outcome.read.as_ref().map_or(0, |d| d.operations);
    }
    page.push_str("| format | descriptions | accepted by a tool | of these read | read in all | operations |\n|---|---|---|---|---|---|\n");
    for (format, [all, accepted, both, read, operations]) in formats {
        let _ = writeln!(
            page,
            "| {format} | {all} | {accepted} | {both} | {read} | {operations} |"
        );
    }
}

fn repairs(page: &mut String, outcomes: &[Outcome]) {
    let mut codes: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for description in outcomes.iter().filter_map(|o| o.read.as_ref().ok()) {
        let mut seen = std::collections::BTreeSet::new();
        for repair in &description.repairs {
            assert_ne!(repair.severity, Severity::Error);
            let count = codes.entry(&repair.code).or_default();
            count.0 += usize::from(seen.insert(&repair.code));
            count.1 += 1;
        }
    }
    page.push_str("\n## Repaired or read past, and told\n\n| what | descriptions | places |\n|---|---|---|\n");
    for (code, (descriptions, places)) in codes {
        let _ = writeln!(page, "| `{code}` | {descriptions} | {places} |");
    }
}

/// Peak of this process in KiB, where the system says it.
fn peak_memory() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|l| l.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Files below a folder, in order.
pub(super) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for path in std::fs::read_dir(folder).unwrap().flatten().map(|e| e.path()) {
            if path.is_dir() {
                open.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Cases of official and peer suites: what is right is read, what is wrong is refused or told of.
fn suites(page: &mut String, root: &Path) {
    page.push_str("\n## Suites of others\n\n| suite | case | verdict there | here |\n|---|---|---|---|\n");
    let folders = [
        ("oai-examples", "suites/oai-examples", true),
        ("oai-schema-tests 3.1", "suites/oai-schema-tests/3.1/pass", true),
        ("oai-schema-tests 3.2", "suites/oai-schema-tests/3.2/pass", true),
        ("oai-schema-tests 3.1", "suites/oai-schema-tests/3.1/fail", false),
        ("oai-schema-tests 3.2", "suites/oai-schema-tests/3.2/fail", false),
        ("swagger-parser", "suites/swagger-parser", false),
    ];
    let (mut right, mut total) = (0, 0);
    for (suite, folder, good) in folders {
        for path in files(&root.join(folder)) {
            let text = std::fs::read_to_string(&path).unwrap();
            let is_part = !text.contains("openapi") && !text.contains("swagger") && good;
            if is_part {
                continue;
            }
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            let (read, _) = read_with_companions(root, &name);
            total += 1;
            let here = match &read {
                Err(refused) => format!("refused: {} `{}`", refused[0].message.en, refused[0].code),
                Ok(d) if good => {
                    right += 1;
                    assert!(d.document.get("openapi").is_some());
                    continue;
                }
                Ok(d) => match d.repairs.first() {
                    Some(first) => format!("told: {} `{}`", first.message.en, first.code),
                    None => "read".to_owned(),
                },
            };
            right += usize::from(!good && here != "read");
            let case = name.trim_start_matches(folder).trim_start_matches('/').to_owned();
            let _ = writeln!(
                page,
                "| {suite} | `{case}` | {} | {here} |",
                if good { "valid" } else { "invalid" }
            );
        }
    }
    let _ = writeln!(
        page,
        "\n{right} of {total} cases as labelled: what is valid is read (and not listed), what is not is refused or told of."
    );
}
