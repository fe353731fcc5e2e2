//! The JSON Schema test suite through the reader and the validators: every case stands as a component of a description.

use super::description::corpus;
use hub_catalog::description::read_set;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

/// Whether the cases of a group come out as the suite says; else the first that does not.
fn group(group: &Value, version: &str, files: &BTreeMap<String, Vec<u8>>) -> Result<usize, String> {
    let mut schema = group["schema"].clone();
    if let Some(map) = schema.as_object_mut() {
        // References of a schema are relative to itself; in a description only an identifier says so.
        let own = if version == "3.0.3" { "id" } else { "$id" };
        if !map.contains_key(own) {
            map.insert("$id".to_owned(), json!("https://case.example/schema"));
        }
    }
    let document = json!({
        "openapi": version,
        "info": {"title": "t", "version": "1"},
        "paths": {},
        "components": {"schemas": {"Case": schema}},
    });
    let mut files = files.clone();
    files.insert("case.json".to_owned(), document.to_string().into_bytes());
    let description = read_set("case.json", &files).map_err(|f| f[0].to_string())?;
    let validator = description.validator("/components/schemas/Case")?;
    let cases = group["tests"].as_array().unwrap();
    for case in cases {
        let expected = case["valid"].as_bool().unwrap();
        if validator.accepts(&case["data"]) != expected {
            return Err(format!(
                "{} should be {}",
                case["description"],
                if expected { "valid" } else { "invalid" }
            ));
        }
    }
    Ok(cases.len())
}

fn remotes(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let folder = root.join("suites/json-schema/remotes");
    let name = |path: &Path| {
        format!(
            "localhost:1234/{}",
            path.strip_prefix(&folder).unwrap().to_str().unwrap()
        )
    };
    let mut files: BTreeMap<String, Vec<u8>> = super::description::files(&folder)
        .iter()
        .map(|path| (name(path), std::fs::read(path).unwrap()))
        .collect();
    let draft4 = root.join("suites/spectral/schemas/oas/schemas/json-schema/draft-04.json");
    files.insert(
        "json-schema.org/draft-04/schema".to_owned(),
        std::fs::read(draft4).unwrap(),
    );
    files
}

#[test]
fn generated_schema_figures_are_current() {
    let Some(root) = corpus() else { return };
    let remotes = remotes(&root);
    let mut page = String::from(
        "# JSON Schema test suite\n\nWritten by `make generate`. Every group of cases stands as a component of a description \
         (2020-12 in OpenAPI 3.1, draft 4 in OpenAPI 3.0), is read, rewritten and compiled as any other schema. \
         Files that a case refers to are handed over with it.\n",
    );
    for (draft, version) in [("draft2020-12", "3.1.0"), ("draft4", "3.0.3")] {
        for optional in [false, true] {
            let folder = root.join("suites/json-schema/tests").join(draft);
            let (mut groups, mut fine, mut cases, mut rows) = (0, 0, 0, String::new());
            for path in super::description::files(&folder) {
                let name = path.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned();
                if name.starts_with("optional") != optional {
                    continue;
                }
                let all: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
                for one in all.as_array().unwrap() {
                    groups += 1;
                    match group(one, version, &remotes) {
                        Ok(count) => (fine, cases) = (fine + 1, cases + count),
                        Err(reason) => {
                            let reason: String = reason.replace(['|', '\n'], " ").chars().take(160).collect();
                            let _ = writeln!(
                                rows,
                                "| `{name}` | {} | {reason} |",
                                one["description"].as_str().unwrap()
                            );
                        }
                    }
                }
            }
            let kind = if optional { "optional" } else { "required" };
            let _ = write!(
                page,
                "\n## {draft}, {kind}\n\n{fine} of {groups} groups pass ({cases} cases).\n"
            );
            if !rows.is_empty() {
                let _ = write!(page, "\n| file | group | what differs |\n|---|---|---|\n{rows}");
            }
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/figures/schemas.md");
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(there, page, "run with UPDATE_GENERATED=1 and commit {}", path.display());
}
