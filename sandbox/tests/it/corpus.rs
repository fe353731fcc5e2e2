//! Every operation of every description that others wrote answers, and fits its own schema by a check of its own.

use hub_catalog::description::{Description, missing, read_set};
use hub_sandbox::mock::{Ask, Listed, Mock, Room, Told};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The corpus beside the checkout, or none, which is said.
fn corpus() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
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

/// A description with the files beside it that it asks for.
fn read(root: &Path, file: &str) -> Option<Description> {
    let mut files = BTreeMap::from([(file.to_owned(), std::fs::read(root.join(file)).ok()?)]);
    loop {
        let refused = match read_set(file, &files) {
            Ok(description) => return Some(description),
            Err(refused) => refused,
        };
        let before = files.len();
        for name in missing(&refused) {
            if let Ok(bytes) = std::fs::read(root.join(&name)) {
                files.insert(name, bytes);
            }
        }
        if files.len() == before {
            return None;
        }
    }
}

/// Id, file, format of every description of the index.
fn index(root: &Path) -> Vec<(String, String, String)> {
    let text = std::fs::read_to_string(root.join("index.csv")).unwrap();
    let mut rows = text.lines();
    let head: Vec<&str> = rows.next().unwrap().split(',').collect();
    let column = |name: &str| head.iter().position(|h| *h == name).unwrap();
    let (id, file, format) = (column("id"), column("file"), column("format"));
    let last = id.max(file).max(format);
    rows.filter_map(|row| {
        // The columns that are read stand before any that holds quotes.
        let cells: Vec<&str> = row.splitn(last + 2, ',').collect();
        let cell = |number: usize| cells.get(number).map(|c| (*c).to_owned());
        Some((cell(id)?, cell(file)?, cell(format)?))
    })
    .collect()
}

/// Checks answers by the normal form itself, not by what the engine checks with.
struct Judge<'a> {
    document: &'a Value,
    compiled: HashMap<String, Result<jsonschema::Validator, String>>,
}

impl Judge<'_> {
    fn verdict(&mut self, pointer: &str, value: &Value) -> Result<(), String> {
        let schema = self.document.pointer(pointer).ok_or("the schema is not there")?;
        let validator = self
            .compiled
            .entry(schema.to_string())
            .or_insert_with(|| compile(self.document, schema))
            .as_ref()
            .map_err(|e| format!("its schema cannot be compiled: {e}"))?;
        match validator.iter_errors(value).next() {
            None => Ok(()),
            Some(error) => Err(format!("at `{}`: {error}", error.instance_path())),
        }
    }
}

fn compile(document: &Value, schema: &Value) -> Result<jsonschema::Validator, String> {
    let mut whole = schema.as_object().cloned().unwrap_or_else(Map::new);
    let mut reached = BTreeMap::new();
    reach(document, schema, &mut reached);
    for (name, schema) in reached {
        let parts: Vec<&str> = name.split('/').skip(1).collect();
        let mut place = &mut whole;
        for part in &parts[..parts.len() - 1] {
            let part = part.replace("~1", "/").replace("~0", "~");
            place = place
                .entry(part)
                .or_insert_with(|| Value::Object(Map::new()))
                .as_object_mut()
                .unwrap();
        }
        place.insert(parts[parts.len() - 1].replace("~1", "/").replace("~0", "~"), schema);
    }
    let mut whole = if schema.is_boolean() {
        schema.clone()
    } else {
        Value::Object(whole)
    };
    encode(&mut whole);
    withhold(&mut whole);
    jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .should_validate_formats(true)
        .offline()
        .build(&whole)
        .map_err(|e| e.to_string())
}

/// What is written only is required of requests alone and has no place in an answer (OpenAPI 3.0.3, Schema Object).
fn withhold(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            let properties = map.get_mut("properties").and_then(Value::as_object_mut);
            let written = |property: &Value| property.get("writeOnly") == Some(&Value::Bool(true));
            let mut hidden = Vec::new();
            for (name, property) in properties.into_iter().flatten().filter(|(_, p)| written(p)) {
                *property = Value::Bool(false);
                hidden.push(Value::from(name.clone()));
            }
            if let Some(required) = map.get_mut("required").and_then(Value::as_array_mut) {
                required.retain(|name| !hidden.contains(name));
            }
            map.values_mut().for_each(withhold);
        }
        Value::Array(items) => items.iter_mut().for_each(withhold),
        _ => {}
    }
}

/// Everything that is referred to, by its pointer, components whole.
fn reach(document: &Value, schema: &Value, reached: &mut BTreeMap<String, Value>) {
    match schema {
        Value::Object(map) => {
            for (key, value) in map {
                let Some(pointer) = value
                    .as_str()
                    .filter(|_| key == "$ref")
                    .and_then(|r| r.strip_prefix('#'))
                else {
                    reach(document, value, reached);
                    continue;
                };
                let depth = if pointer.starts_with("/components/") {
                    4
                } else {
                    usize::MAX
                };
                let pointer = pointer.split('/').take(depth).collect::<Vec<_>>().join("/");
                if let Some(target) = document.pointer(&pointer)
                    && !reached.contains_key(&pointer)
                {
                    reached.insert(pointer, target.clone());
                    reach(document, target, reached);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| reach(document, item, reached)),
        _ => {}
    }
}

/// References are URI references (RFC 3986); names of components may hold anything.
fn encode(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                match value {
                    Value::String(text) if key == "$ref" => {
                        *text = text
                            .bytes()
                            .map(|b| match b {
                                b'!'..=b'~' if !b"<>\"{}|\\^`[]".contains(&b) => char::from(b).to_string(),
                                other => format!("%{other:02X}"),
                            })
                            .collect();
                    }
                    other => encode(other),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(encode),
        _ => {}
    }
}

/// One operation: asked rightly, then judged. `Ok` holds why it cannot be asked rightly, where no value fits what its
/// request wants; then it is asked without.
fn tried(mock: &Mock, minding: &Mock, listed: &Listed, judge: &mut Judge<'_>) -> Result<Option<String>, String> {
    let told_of = |problem: &hub_core::Problem| {
        let place = problem.place.clone().unwrap_or_default();
        let got = problem.got.clone().unwrap_or_default();
        let more = problem
            .errors
            .first()
            .map(|v| v.expected.en.clone())
            .unwrap_or_default();
        let detail = problem.detail.as_ref().map(|d| d.en.clone()).unwrap_or_default();
        format!("{} `{place}` {detail} {more} ({got})", problem.code.as_str())
    };
    let sample = match mock.sample(listed) {
        Ok(sample) => sample,
        Err(problem) => {
            let bare = Ask {
                method: &listed.method,
                path: &listed.path,
                ..Ask::default()
            };
            let told = mock
                .answer_once(&bare)
                .map_err(|p| format!("answer: {}", told_of(&p)))?;
            return judged(&told, judge).map(|()| Some(told_of(&problem)));
        }
    };
    let ask = Ask {
        method: &sample.method,
        path: &sample.path,
        query: &sample.query,
        headers: sample.headers.clone(),
        body: &sample.body,
        room: Room::default(),
    };
    let told = mock.answer(&ask).map_err(|p| format!("answer: {}", told_of(&p)))?;
    let again = mock.answer(&ask).map_err(|p| told_of(&p))?;
    if again != told {
        return Err("the same request has another answer".to_owned());
    }
    judged(&told, judge)?;
    // What others did before is in this one's memory; a 404 for what they removed is right, too.
    match minding.answer(&ask) {
        Ok(told) => judged(&told, judge)
            .map(|()| None)
            .map_err(|cause| format!("with memory: {cause}")),
        Err(problem) if problem.code == hub_core::ProblemCode::RecordNotFound => Ok(None),
        Err(problem) => Err(format!("with memory: {}", told_of(&problem))),
    }
}

fn judged(told: &Told, judge: &mut Judge<'_>) -> Result<(), String> {
    let (Some(pointer), Some(value)) = (&told.schema, &told.value) else {
        return Ok(());
    };
    let media = told.headers.iter().find(|(name, _)| name == "content-type");
    let media = media.map(|(_, media)| media.as_str()).unwrap_or_default();
    // A HEAD has no body to look at.
    if media.contains("json") && !told.body.is_empty() {
        let sent: Value = serde_json::from_slice(&told.body).map_err(|e| e.to_string())?;
        return judge.verdict(pointer, &sent);
    }
    match value {
        // An example in the media type's own form.
        Value::String(text) if media.contains("xml") && text.trim_start().starts_with('<') => Ok(()),
        value => judge.verdict(pointer, value),
    }
}

/// What became of one description.
struct Described {
    id: String,
    file: String,
    format: String,
    operations: usize,
    failed: Vec<(Listed, String)>,
    /// Those no request fits.
    unasked: Vec<(Listed, String)>,
    /// How long it took to read.
    reading: Duration,
}

/// Asks the operations that are wanted, by their number in the whole corpus.
fn described(
    root: &Path,
    (id, file, format): &(String, String, String),
    wanted: impl Fn(usize) -> bool,
) -> Option<Described> {
    let start = Instant::now();
    let description = read(root, file)?;
    let reading = start.elapsed();
    let document = description.document.clone();
    let mut judge = Judge {
        document: &document,
        compiled: HashMap::new(),
    };
    let operations = description.operations;
    let description = Arc::new(description);
    let mock = Mock::new(Arc::clone(&description), 7).unwrap();
    let minding = Mock::new(description, 7).unwrap().remembering();
    let listed: Vec<Listed> = mock.operations().collect();
    assert_eq!(listed.len(), operations, "{file}");
    let listed: Vec<Listed> = listed
        .into_iter()
        .enumerate()
        .filter(|(n, _)| wanted(*n))
        .map(|(_, l)| l)
        .collect();
    let operations = listed.len();
    let (mut failed, mut unasked) = (Vec::new(), Vec::new());
    for one in listed {
        let tried = std::panic::catch_unwind(AssertUnwindSafe(|| tried(&mock, &minding, &one, &mut judge)));
        match tried.unwrap_or_else(|_| Err("panic".to_owned())) {
            Ok(None) => {}
            Ok(Some(cause)) => unasked.push((one, cause)),
            Err(cause) => failed.push((one, cause)),
        }
    }
    if start.elapsed() > SLOW {
        println!("{file}: {operations} operations in {:?}", start.elapsed());
    }
    Some(Described {
        id: id.clone(),
        file: file.clone(),
        format: format.clone(),
        operations,
        failed,
        unasked,
        reading,
    })
}

/// Descriptions that take longer are named.
const SLOW: Duration = Duration::from_secs(5);
/// No description may take longer to read, in an optimised build.
const READING: Duration = Duration::from_secs(2);

/// Every description, and of each the operations whose number is wanted.
fn all(root: &Path, rows: &[(String, String, String)], wanted: impl Fn(usize, usize) -> bool + Sync) -> Vec<Described> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(row) = rows.get(number) else { break };
            done.extend(described(root, row, |operation| wanted(number, operation)));
        }
        done
    };
    let mut done: Vec<Described> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|t| t.join().unwrap()).collect()
    });
    done.sort_by(|a, b| a.id.cmp(&b.id));
    done
}

/// One operation of so many is asked in every run.
const SAMPLE: usize = 5;
/// Of every so many-th description.
const DESCRIPTIONS: usize = 6;

#[test]
fn a_sample_of_what_others_described_is_answered_rightly() {
    let Some(root) = corpus() else { return };
    // Large descriptions take seconds to read in a build that is not optimised: the small ones are many.
    let small = |row: &(String, String, String)| std::fs::metadata(root.join(&row.1)).is_ok_and(|m| m.len() < 200_000);
    let rows: Vec<_> = index(&root).into_iter().filter(small).step_by(DESCRIPTIONS).collect();
    let done = all(&root, &rows, |row, operation| (row + operation).is_multiple_of(SAMPLE));
    let there = std::fs::read_to_string(figures()).unwrap();
    let asked: usize = done.iter().map(|d| d.operations).sum();
    assert!(asked > 50, "{asked}");
    for one in done {
        for (listed, cause) in one.failed {
            let row = format!(
                "| {} `{}` | {} `{}` |",
                one.id,
                short(&one.file),
                listed.method,
                listed.path
            );
            assert!(there.contains(&row), "{row}: {cause}");
        }
    }
}

fn short(file: &str) -> &str {
    file.trim_start_matches("specs/")
}

fn figures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/figures/mock.md")
}

#[test]
fn generated_mock_figures_are_current() {
    if std::env::var("HUB_CORPUS").as_deref() != Ok("whole") {
        println!("SKIPPED: HUB_CORPUS=whole in an optimised build asks every operation");
        return;
    }
    let Some(root) = corpus() else { return };
    let done = all(&root, &index(&root), |_, _| true);
    for one in &done {
        assert!(
            one.reading < READING || cfg!(debug_assertions),
            "{} {:?}",
            one.file,
            one.reading
        );
    }
    let mut formats: BTreeMap<String, [usize; 3]> = BTreeMap::new();
    let (mut failed, mut unasked) = (Vec::new(), Vec::new());
    for one in done {
        let cells = formats.entry(one.format).or_default();
        cells[0] += 1;
        cells[1] += one.operations;
        cells[2] += one.operations - one.failed.len();
        let row = |(listed, cause)| (one.id.clone(), one.file.clone(), listed, cause);
        failed.extend(one.failed.into_iter().map(row));
        unasked.extend(one.unasked.into_iter().map(row));
    }
    let all: usize = formats.values().map(|c| c[1]).sum();
    let good: usize = formats.values().map(|c| c[2]).sum();
    let page = page(&formats, &failed, &unasked, all, good);
    let path = figures();
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    assert!(good * 1000 >= all * 995, "{good} of {all}");
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        there,
        page,
        "run with UPDATE_GENERATED=1 HUB_CORPUS=whole and commit {}",
        path.display()
    );
}

/// Id and file of a description, an operation, and why.
type Row = (String, String, Listed, String);

fn page(formats: &BTreeMap<String, [usize; 3]>, failed: &[Row], unasked: &[Row], all: usize, good: usize) -> String {
    let mut page = String::from("# What `hub mock` answers\n\n");
    let share = 100.0 * good as f64 / all as f64;
    let _ = write!(
        page,
        "Written from the development corpus by `HUB_CORPUS=whole UPDATE_GENERATED=1 cargo nextest run --release -p hub-sandbox \
         -E 'test(generated_mock_figures)'`. Every operation of every description that is read is asked \
         once, with a request made from the description; the answer is judged by the schema of its own response in the \
         normal form, formats asserted, without what is `writeOnly`, by a validator that the engine does not use; asked again, it must be the same bytes; \
         and a mock that remembers all that was asked before answers rightly, too. No description takes more than 2 s to \
         read.\n\n\
         Of {all} operations **{good}** answer rightly ({share:.2} %).\n\n\
         | format | descriptions | operations | right |\n|---|---|---|---|\n"
    );
    for (format, [descriptions, operations, right]) in formats {
        let _ = writeln!(page, "| {format} | {descriptions} | {operations} | {right} |");
    }
    page.push_str("\n## Not right\n");
    table(&mut page, failed);
    page.push_str(
        "\n## Cannot be asked rightly\n\nNo request was found that fits what the description wants of one. They are asked with \
         nothing in the request, as `--once` does, and the answer is judged like the others.\n",
    );
    table(&mut page, unasked);
    page
}

fn table(page: &mut String, rows: &[Row]) {
    page.push_str("\n| description | operation | cause |\n|---|---|---|\n");
    for (id, file, listed, cause) in rows {
        let name = short(file);
        let cause: String = cause.replace('|', "\\|").replace('\n', " ").chars().take(300).collect();
        let _ = writeln!(
            page,
            "| {id} `{name}` | {} `{}` | {cause} |",
            listed.method, listed.path
        );
    }
}
