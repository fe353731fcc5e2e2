//! The rules over descriptions that others wrote, and the scenarios of the tool whose rulesets are taken.

use super::description::{corpus, files, index, read_among};
use hub_catalog::Document;
use hub_catalog::lint::{Fixed, Ground, Level, LintFinding, RuleSet, Waivers, fix, run};
use hub_core::Finding;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, Instant};

const TODAY: &str = "2027-12-31";
/// What the rules may take of one description.
const LIMIT: Duration = Duration::from_secs(2);

#[test]
fn generated_lint_figures_are_current() {
    let Some(root) = corpus() else { return };
    let rules = RuleSet::standard().unwrap();
    let mut hits: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let (mut descriptions, mut blocked, mut slowest) = (0, 0, Duration::ZERO);
    let mut fixes = Fixes::default();
    for row in index(&root) {
        let (Ok(description), _, files) = read_among(&root, &row.file) else {
            continue;
        };
        descriptions += 1;
        let start = Instant::now();
        let found = run(&description, &rules, &Waivers::default(), TODAY);
        let mut took = start.elapsed();
        if took > LIMIT {
            // A busy machine may be slow once.
            let start = Instant::now();
            drop(run(&description, &rules, &Waivers::default(), TODAY));
            took = start.elapsed();
        }
        assert!(took <= LIMIT, "{} takes {took:?}", row.file);
        slowest = slowest.max(took);
        fixes.count(&found, fix(&files, &description, &found, &rules, &row.file));
        blocked += usize::from(found.iter().any(LintFinding::blocks));
        let mut seen = BTreeSet::new();
        for one in &found {
            assert!(one.finding.line > 0, "{} has no place", one.finding);
            let count = hits.entry(one.finding.code.clone()).or_default();
            count.0 += usize::from(seen.insert(&one.finding.code));
            count.1 += 1;
        }
    }
    println!("slowest {slowest:?}");
    let mut page = format!(
        "# What the rules find\n\nWritten by `make generate` from the development corpus: {descriptions} descriptions that are read, \
         each with the files it refers to, on a day when no rule has grace any more. {blocked} of them have something that must be put right. \
         The test refuses a description on which the rules take more than 2 s.\n\n\
         | rule | level | ground | descriptions | places |\n|---|---|---|---|---|\n"
    );
    for rule in rules.rules() {
        let (some, places) = hits.get(&rule.id).copied().unwrap_or_default();
        let ground = match rule.ground.as_ref().map(|(ground, _)| *ground) {
            Some(Ground::Law) => "law",
            Some(Ground::Dictionary) => "dictionary",
            _ => "corpus",
        };
        let _ = writeln!(
            page,
            "| [{0}](../rules/{0}.md) | {1} | {ground} | {some} | {places} |",
            rule.id,
            rule.level.as_str()
        );
        assert!(ground != "corpus" || some > 0, "{} has no hit", rule.id);
    }
    fixes.write(&mut page, &rules);
    scenarios(&mut page, &root);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/figures/lint.md");
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(there, page, "run with UPDATE_GENERATED=1 and commit {}", path.display());
}

/// Which findings have a safe automatic fix, by rule.
#[derive(Default)]
struct Fixes {
    made: BTreeMap<String, usize>,
    all: BTreeMap<(Level, String), usize>,
    dropped: usize,
    refused: usize,
}

impl Fixes {
    fn count(&mut self, found: &[LintFinding], fixed: Result<Fixed, Finding>) {
        for one in found {
            *self.all.entry((one.level, one.finding.code.clone())).or_default() += 1;
        }
        match fixed {
            Ok(fixed) => {
                for (rule, count) in fixed.made {
                    *self.made.entry(rule).or_default() += count;
                }
                fixed.dropped.iter().for_each(|why| println!("{}", why.en));
                self.dropped += fixed.dropped.len();
            }
            Err(_) => self.refused += 1,
        }
    }

    fn write(&self, page: &mut String, rules: &RuleSet) {
        let of = |wanted: Level| {
            let all = self.all.iter().filter(|((level, _), _)| *level == wanted);
            all.fold((0, 0), |(made, sum), ((_, rule), n)| {
                (made + self.made.get(rule).copied().unwrap_or_default(), sum + n)
            })
        };
        let share =
            |(made, sum): (usize, usize)| format!("{made} of {sum} ({:.1} %)", 100.0 * made as f64 / sum.max(1) as f64);
        let _ = write!(
            page,
            "\n## Safe automatic fixes\n\nWhat `hub lint --fix` puts right: the source is edited in place, and the differ finds nothing \
             but what the rule says it changes. Of what must be put right {}, of what should be {}. {} descriptions are no text \
             that is edited (WSDL); {} times a fix was left out because more would have changed. \
             What is left changes what goes over the wire (where a key, a secret or a number stands, and as what), so that \
             only the agency can put it right.\n\n\
             | rule | level | fixed | of |\n|---|---|---|---|\n",
            share(of(Level::Must)),
            share(of(Level::Should)),
            self.refused,
            self.dropped,
        );
        for ((level, rule), all) in self.all.iter().rev() {
            let fixable = rules.rule(rule).is_some_and(hub_catalog::lint::Rule::is_fixable);
            if *level == Level::Must || fixable {
                let made = self.made.get(rule).copied().unwrap_or_default();
                let _ = writeln!(page, "| `{rule}` | {} | {made} | {all} |", level.as_str());
            }
        }
    }
}

/// The scenarios that bring a ruleset of core functions: found here as often as there, rule by rule.
fn scenarios(page: &mut String, root: &Path) {
    page.push_str(
        "\n## Scenarios of Spectral\n\nThose that bring a ruleset of core functions; the others need code of their own, a ruleset \
         that is not carried, or another program's options, and say so.\n\n| scenario | found there | here |\n|---|---|---|\n",
    );
    let folder = root.join("suites/spectral/scenarios");
    let (mut same, mut different) = (0, Vec::new());
    for path in files(&folder) {
        let name = path.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        match scenario(&text) {
            Ok((there, here)) => {
                let _ = writeln!(page, "| `{name}` | {} | {} |", counted(&there), counted(&here));
                match there == here {
                    true => same += 1,
                    false => different.push(name),
                }
            }
            Err(reason) => {
                let _ = writeln!(page, "| `{name}` | – | {} |", reason.replace(['|', '\n'], " "));
            }
        }
    }
    let _ = writeln!(page, "\n{same} of {} as there.", same + different.len());
    assert!(same >= 8, "only {same}");
    assert!(different.is_empty(), "{different:?}\n{page}");
}

type Counts = BTreeMap<(String, Level), usize>;

fn counted(counts: &Counts) -> String {
    let all: usize = counts.values().sum();
    let rules: Vec<String> = counts
        .iter()
        .map(|((rule, level), n)| format!("{n} {rule} {}", level.as_str()))
        .collect();
    format!("{all}: {}", rules.join(", "))
}

/// What a scenario says is found, and what is; or why it says nothing here.
fn scenario(text: &str) -> Result<(Counts, Counts), String> {
    let mut sections: Vec<(&str, String)> = Vec::new();
    for line in text.lines() {
        match line.strip_prefix("====").and_then(|l| l.strip_suffix("====")) {
            Some(name) => sections.push((name, String::new())),
            None => {
                if let Some((_, text)) = sections.last_mut() {
                    text.push_str(line);
                    text.push('\n');
                }
            }
        }
    }
    let section = |wanted: &str| {
        sections
            .iter()
            .find(|(name, _)| *name == wanted)
            .map(|(_, text)| text.as_str())
    };
    let is_rules = |name: &str| name.starts_with("asset:ruleset") || name.starts_with("asset:spectral");
    let (_, ruleset) = sections
        .iter()
        .find(|(name, _)| is_rules(name))
        .ok_or("brings no ruleset")?;
    let rules = carried(ruleset)?;
    let documents: Vec<(String, &str)> = sections
        .iter()
        .filter(|(name, _)| *name == "document" || name.ends_with("document.json"))
        .map(|(name, text)| (name.trim_start_matches("asset:").to_owned(), text.as_str()))
        .collect();
    let said = section("stdout").ok_or("says nothing of findings")?;
    if documents.is_empty() || said.contains("<html") || said.contains("unrecognized-format") {
        return Err("is about options or output of the other program".to_owned());
    }
    if said.contains("FetchError") {
        return Err("is about fetching, which is never done here".to_owned());
    }
    let mut there = Counts::new();
    for line in said.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let place = |w: &str| {
            w.split_once(':')
                .is_some_and(|(l, c)| l.parse::<u32>().is_ok() && c.parse::<u32>().is_ok())
        };
        let [at, severity, rule, ..] = words.as_slice() else {
            continue;
        };
        let at = at.strip_prefix("{document}:").unwrap_or(at);
        if place(at) {
            *there.entry(((*rule).to_owned(), level(severity))).or_default() += 1;
        }
    }
    let mut here = Counts::new();
    for (name, text) in &documents {
        let document = Document::parse(name, text.as_bytes()).map_err(|f| format!("document: {}", f.message.en))?;
        for (rule, level, _) in rules.breaches(&document.value, name, TODAY) {
            *here.entry((rule.id.clone(), level)).or_default() += 1;
        }
    }
    if said.starts_with("No results with a severity of 'warn'") {
        here.retain(|(_, level), _| *level > Level::Info);
    }
    Ok((there, here))
}

fn level(severity: &str) -> Level {
    match severity {
        "error" => Level::Must,
        "warning" => Level::Should,
        _ => Level::Info,
    }
}

/// The ruleset of a scenario. Where it is written as a program that only states data, the data is taken.
fn carried(text: &str) -> Result<RuleSet, String> {
    let data = match text.split_once("module.exports =") {
        Some((_, data)) if !text.contains("function ") => data
            .trim()
            .trim_end_matches(';')
            .replace("[oas, 'off']", "[spectral:oas, 'off']")
            .replace("DiagnosticSeverity.Error", "error")
            .replace('`', "'"),
        Some(_) => return Err("brings code".to_owned()),
        None => text.to_owned(),
    };
    let files = BTreeMap::from([("ruleset.yaml".to_owned(), data.into_bytes())]);
    let rules = RuleSet::read(&files).map_err(|f| format!("ruleset: {}", f[0].message.en))?;
    match rules.notes.first() {
        Some(note) => Err(note.message.en.clone()),
        None => Ok(rules),
    }
}
