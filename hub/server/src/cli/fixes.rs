//! `hub lint --fix`: what can be put right without changing what a description means, shown before it is written.

use super::args::LintArgs;
use super::description::open;
use super::lint::{Measure, held};
use super::outcome::{Outcome, line};
use hub_catalog::lint::fix;
use hub_core::Lang;
use std::path::Path;

/// What was done to one file.
struct Done {
    diff: String,
    said: Vec<String>,
    /// Whether something must be put right that is not.
    fails: bool,
}

pub(super) fn run(args: &LintArgs, measure: &Measure, lang: Lang) -> Outcome {
    let (mut diffs, mut said, mut fails) = (String::new(), Vec::new(), false);
    for path in &args.files {
        match one(path, measure, args.write, lang) {
            Ok(done) => {
                diffs.push_str(&done.diff);
                said.extend(done.said);
                fails |= done.fails;
            }
            Err(error) => return Outcome::misused(format!("{}: {error}", path.display()), lang),
        }
    }
    Outcome::done(diffs).saying(said.join("\n")).with_code(u8::from(fails))
}

fn one(path: &Path, measure: &Measure, write: bool, lang: Lang) -> std::io::Result<Done> {
    let opened = open(path)?;
    let files = opened.files.clone();
    let (mut linted, names) = held(path, opened, measure);
    let fails = linted.fails();
    let Some(description) = &linted.read else {
        linted
            .findings
            .iter_mut()
            .for_each(|found| names.show(&mut found.finding));
        let said = linted.findings.iter().map(|f| line(&f.finding, lang)).collect();
        return Ok(Done {
            diff: String::new(),
            said,
            fails,
        });
    };
    let shown = path.display().to_string();
    let fixed = match fix(&files, description, &linted.findings, &measure.rules, &shown) {
        Ok(fixed) => fixed,
        Err(mut refused) => {
            names.show(&mut refused);
            return Ok(Done {
                diff: String::new(),
                said: vec![line(&refused, lang)],
                fails: true,
            });
        }
    };
    let mut said: Vec<String> = fixed.dropped.iter().map(|why| why.get(lang).to_owned()).collect();
    let made: usize = fixed.made.values().sum();
    let left = linted.findings.len() - made;
    let write = write && made > 0;
    if write {
        std::fs::write(path, &fixed.text)?;
    }
    said.push(match (lang, write) {
        (Lang::Zh, true) => format!("{shown}：已改 {made} 处，余 {left} 处"),
        (Lang::Zh, false) => format!("{shown}：可改 {made} 处，余 {left} 处；加 --write 写入文件"),
        (Lang::En, true) => format!("{shown}: {made} put right, {left} left"),
        (Lang::En, false) => format!("{shown}: {made} can be put right, {left} will be left; --write writes the file"),
    });
    let blocks = linted.findings.iter().filter(|f| f.blocks());
    let fails = blocks
        .filter(|f| !write || !fixed.made.contains_key(&f.finding.code))
        .count()
        > 0;
    Ok(Done {
        diff: fixed.diff,
        said,
        fails,
    })
}
