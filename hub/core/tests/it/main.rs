//! Documents generated from the words of the hub, compared with what is checked in.
//! `make generate` writes them anew.

use hub_core::{Fault, ProblemCode};
use std::path::{Path, PathBuf};
use std::{env, fs};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/problems")
}

fn page(code: ProblemCode) -> String {
    let (title, fix) = (code.title(), code.fix());
    let (zh, en) = match code.fault() {
        Fault::You => ("调用方", "the caller"),
        Fault::Agency => ("部门系统", "the agency's system"),
        Fault::Hub => ("枢纽", "the hub"),
    };
    format!(
        "# {code} ({status})\n\n{}。{}.\n\n- 谁来处理 / who acts: {zh} / {en}\n- 怎么办: {}。\n- what to do: {}.\n",
        title.zh,
        title.en,
        fix.zh,
        fix.en,
        code = code.as_str(),
        status = code.status(),
    )
}

fn pages() -> Vec<(String, String)> {
    let mut index = String::from(
        "# Problems\n\nEvery public error of the hub (RFC 9457). Generated from `hub/core/src/problem.rs`.\n\n| code | status | 中文 | English |\n|---|---|---|---|\n",
    );
    let mut pages = Vec::new();
    for code in ProblemCode::ALL {
        let title = code.title();
        index += &format!(
            "| [{0}]({0}.md) | {1} | {2} | {3} |\n",
            code.as_str(),
            code.status(),
            title.zh,
            title.en
        );
        pages.push((format!("{}.md", code.as_str()), page(*code)));
    }
    pages.push(("README.md".into(), index));
    pages
}

#[test]
fn generated_problem_pages_are_current() {
    let folder = folder();
    if env::var_os("UPDATE_GENERATED").is_some() {
        fs::create_dir_all(&folder).unwrap();
        for (name, text) in pages() {
            fs::write(folder.join(name), text).unwrap();
        }
    }
    for (name, text) in pages() {
        let checked_in = fs::read_to_string(folder.join(&name)).unwrap_or_default();
        assert_eq!(checked_in, text, "docs/problems/{name} is stale; run `make generate`");
    }
    let count = fs::read_dir(&folder).unwrap().count();
    assert_eq!(
        count,
        pages().len(),
        "docs/problems holds a page of a problem that no longer exists"
    );
}
