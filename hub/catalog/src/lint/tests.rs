//! The rules that come with the hub, each by its own examples, and the kernel by small cases.

use super::*;
use crate::description::read;
use hub_core::Severity;
use std::collections::BTreeSet;
use std::path::Path as FilePath;

const TODAY: &str = "2027-12-31";

/// A fragment as a whole description.
fn whole(fragment: &str) -> String {
    let info = match fragment.contains("info:") {
        true => "",
        false => "info: {title: t, version: \"1\"}\n",
    };
    format!("openapi: 3.1.0\n{info}{fragment}")
}

fn found(fragment: &str) -> Vec<LintFinding> {
    let text = whole(fragment);
    let description = read("example.yaml", text.as_bytes()).unwrap_or_else(|refused| panic!("{text}\n{}", refused[0]));
    run(&description, &RuleSet::standard().unwrap(), &Waivers::default(), TODAY)
}

#[test]
fn every_rule_has_a_good_and_a_bad_example() {
    let rules = RuleSet::standard().unwrap_or_else(|f| panic!("{}", f[0]));
    let mut ids = BTreeSet::new();
    for rule in rules.rules() {
        assert!(ids.insert(&rule.id), "{} stands twice", rule.id);
        let of_rule = |fragment: &str| found(fragment).iter().filter(|f| f.finding.code == rule.id).count();
        assert_eq!(of_rule(&rule.good), 0, "the good example of {} is not good", rule.id);
        assert!(of_rule(&rule.bad) > 0, "the bad example of {} is not bad", rule.id);
    }
    assert!(ids.len() >= 25, "{}", ids.len());
}

#[test]
fn every_rule_speaks_both_languages_and_says_why_it_is_there() {
    for rule in RuleSet::standard().unwrap().rules() {
        let (_, because) = rule.ground.as_ref().expect("a ground");
        for text in [&rule.title, &rule.why, &rule.fix, because] {
            assert!(
                text.zh.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)),
                "{}: {}",
                rule.id,
                text.zh
            );
            assert!(text.en.is_ascii() && !text.en.is_empty(), "{}: {}", rule.id, text.en);
        }
    }
}

#[test]
fn generated_rule_pages_are_current() {
    let folder = FilePath::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/rules");
    let rules = RuleSet::standard().unwrap();
    let mut pages: Vec<(String, String)> = rules.rules().map(|r| (format!("{}.md", r.id), page(r))).collect();
    pages.push(("README.md".to_owned(), index(rules.rules())));
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::create_dir_all(&folder).unwrap();
        for (name, text) in &pages {
            std::fs::write(folder.join(name), text).unwrap();
        }
    }
    for (name, text) in &pages {
        let there = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert_eq!(&there, text, "run with UPDATE_GENERATED=1 and commit docs/rules/{name}");
    }
    let names: BTreeSet<String> = pages.into_iter().map(|(name, _)| name).collect();
    for entry in std::fs::read_dir(&folder).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        assert!(names.contains(&name), "{name} is the page of no rule");
    }
}

/// A ruleset of others put to a plain document: rule, pointer, level.
fn asked(ruleset: &str, document: &str) -> Vec<(String, String, Level)> {
    let files = BTreeMap::from([("rules.yaml".to_owned(), ruleset.as_bytes().to_vec())]);
    let rules = RuleSet::read(&files).unwrap_or_else(|f| panic!("{}", f[0]));
    assert!(rules.notes.is_empty(), "{}", rules.notes[0]);
    let document = Document::parse("d.yaml", document.as_bytes()).unwrap();
    let breaches = rules.breaches(&document.value, "d.yaml", TODAY);
    let short = |(rule, level, breach): (&Rule, Level, Breach)| (rule.id.clone(), breach.pointer, level);
    breaches.into_iter().map(short).collect()
}

#[test]
fn paths_lead_where_they_say() {
    let document = "a: {b: [{n: 1, k: x}, {n: 2}, {n: 3}], c: {n: 4, get: {s: 1}, post: {s: 2}}}\nr: {$ref: '#/a/c'}\n";
    let cases = [
        ("$.a.c.n", vec!["/a/c/n"]),
        ("$['a'].b[0].n", vec!["/a/b/0/n"]),
        ("$.a.b[*].n", vec!["/a/b/0/n", "/a/b/1/n", "/a/b/2/n"]),
        ("$.a.b[1:].n", vec!["/a/b/1/n", "/a/b/2/n"]),
        ("$.a.b[:-1].n", vec!["/a/b/0/n", "/a/b/1/n"]),
        ("$..n", vec!["/a/b/0/n", "/a/b/1/n", "/a/b/2/n", "/a/c/n"]),
        ("$.a.b[?(@.n > 1 && @.n <= 2)]", vec!["/a/b/1"]),
        ("$.a.b[?(@.k)]", vec!["/a/b/0"]),
        ("$.a.b[?(!@.k && @.n != 2)]", vec!["/a/b/2"]),
        ("$.a.c[get,post].s", vec!["/a/c/get/s", "/a/c/post/s"]),
        (
            "$.a.c[?(@property === 'get' || @property.match(/^PO/i))]",
            vec!["/a/c/get", "/a/c/post"],
        ),
        ("$.a.c.get^.n", vec!["/a/c/n"]),
        ("$.r.n", vec!["/a/c/n"]),
        ("$.a.b[?(@parentProperty == 'b' && @.n == 3)]", vec!["/a/b/2"]),
    ];
    for (path, expected) in cases {
        let ruleset = format!("rules: {{r: {{given: \"{path}\", then: {{function: undefined}}}}}}");
        let mut places: Vec<String> = asked(&ruleset, document).into_iter().map(|(_, p, _)| p).collect();
        places.sort();
        assert_eq!(places, expected, "{path}");
    }
}

#[test]
fn core_functions_answer_as_they_are_known_to() {
    let document =
        "t: text\ne: ''\nz: 0\nl: [b, a]\no: {x: 1, y: 2}\nk: {type: [string, 'null'], enum: [a, null, 3]}\nn: null\n";
    let cases = [
        ("$", "{field: t, function: truthy}", vec![]),
        ("$", "{field: e, function: truthy}", vec!["/e"]),
        ("$", "{field: missing, function: truthy}", vec![""]),
        ("$", "{field: o.missing, function: truthy}", vec!["/o"]),
        ("$", "{field: z, function: falsy}", vec![]),
        ("$", "{field: t, function: falsy}", vec!["/t"]),
        ("$", "{field: n, function: defined}", vec![]),
        (
            "$",
            "{field: t, function: pattern, functionOptions: {match: '^x', notMatch: 'ex'}}",
            vec!["/t", "/t"],
        ),
        (
            "$",
            "{field: t, function: enumeration, functionOptions: {values: [a]}}",
            vec!["/t"],
        ),
        (
            "$",
            "{field: l, function: length, functionOptions: {min: 3}}",
            vec!["/l"],
        ),
        ("$", "{field: t, function: length, functionOptions: {max: 4}}", vec![]),
        (
            "$",
            "{field: t, function: casing, functionOptions: {type: macro}}",
            vec!["/t"],
        ),
        ("$", "{field: l, function: alphabetical}", vec!["/l/1"]),
        ("$", "{field: o, function: alphabetical}", vec![]),
        (
            "$",
            "{field: o, function: xor, functionOptions: {properties: [x, y]}}",
            vec!["/o"],
        ),
        (
            "$",
            "{field: o, function: xor, functionOptions: {properties: [x, q]}}",
            vec![],
        ),
        (
            "$",
            "{field: o, function: schema, functionOptions: {schema: {properties: {x: {type: string}}}}}",
            vec!["/o/x"],
        ),
        (
            "$",
            "{field: missing, function: schema, functionOptions: {schema: true}}",
            vec![""],
        ),
        ("$", "{field: k, function: typedEnum}", vec!["/k/enum/2"]),
        (
            "$.o",
            "{field: '@key', function: pattern, functionOptions: {match: '^x$'}}",
            vec!["/o/y"],
        ),
    ];
    for (given, then, expected) in cases {
        let ruleset = format!("rules: {{r: {{given: \"{given}\", then: {then}}}}}");
        let places: Vec<String> = asked(&ruleset, document).into_iter().map(|(_, p, _)| p).collect();
        assert_eq!(places, expected, "{given} {then}");
    }
}

#[test]
fn what_a_ruleset_needs_beyond_the_core_is_told() {
    let text = "extends: [[spectral:oas, off], ./code.js]\nrules:\n  typed-enum: error\n  mine: {given: $, then: {function: hasIn}}\n  oas3-schema: error\n  ahead: {given: $, then: {function: pattern, functionOptions: {match: '(?=x)'}}}\n";
    let files = BTreeMap::from([("rules.yaml".to_owned(), text.as_bytes().to_vec())]);
    let set = RuleSet::read(&files).unwrap();
    let on: Vec<(&str, Level)> = set.rules().map(|r| (r.id.as_str(), r.level)).collect();
    assert_eq!(on, [("typed-enum", Level::Must)]);
    let notes: Vec<String> = set
        .notes
        .iter()
        .map(|n| format!("{}: {}", n.line, n.message.en))
        .collect();
    assert_eq!(notes.len(), 4, "{notes:#?}");
    assert!(
        notes[0].contains("code.js") && notes[1].starts_with("4: ") && notes[1].contains("hasIn"),
        "{notes:#?}"
    );
    assert!(set.notes.iter().all(|n| n.severity == Severity::Warning));
}

#[test]
fn a_must_counts_as_should_while_its_grace_lasts() {
    let rules = RuleSet::standard().unwrap();
    let rule = rules.rule("server-https").unwrap();
    assert_eq!(rule.level_on("2027-06-30"), Level::Should);
    assert_eq!(rule.level_on("2027-07-01"), Level::Must);
}

#[test]
fn waivers_let_pass_what_they_name_until_they_end() {
    let text = "openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths:\n  /a:\n    get: {responses: {'404': {description: no}}}\n  /b:\n    get: {responses: {'404': {description: no}}}\n";
    let description = read("d.yaml", text.as_bytes()).unwrap();
    let rules = RuleSet::standard().unwrap();
    let file = "waivers:\n  - {rule: operation-success-response, place: /paths/~1a, why: 旧接口, until: '2027-03-01', who: 王五}\n  - {rule: key-in-query, why: 旧接口, until: '2028-03-01', who: 王五}\n";
    let waivers = Waivers::read("w.yaml", file.as_bytes()).unwrap();
    let blocking = |today: &str| {
        let all = run(&description, &rules, &waivers, today);
        let blocking = all.iter().filter(|f| f.blocks());
        let mut named: Vec<String> = blocking
            .map(|f| format!("{} {}:{}", f.finding.code, f.finding.file, f.finding.line))
            .collect();
        named.sort();
        let unused = all.iter().filter(|f| f.finding.code == "waiver-unused").count();
        (named, unused)
    };
    assert_eq!(
        blocking("2027-03-01"),
        (vec!["operation-success-response d.yaml:7".to_owned()], 1)
    );
    let over = [
        "operation-success-response d.yaml:5",
        "operation-success-response d.yaml:7",
        "waiver-expired w.yaml:2",
    ];
    assert_eq!(blocking("2027-03-02"), (over.map(str::to_owned).to_vec(), 1));
    for wrong in [
        "waivers: [{rule: r, why: w, until: '2027-03-01'}]",
        "waivers: [{rule: r, why: w, until: soon, who: x}]",
        "waivers: [{rule: r, why: ' ', until: '2027-03-01', who: x}]",
        "waivers: [{rule: r, place: paths, why: w, until: '2027-03-01', who: x}]",
    ] {
        assert_eq!(
            Waivers::read("w.yaml", wrong.as_bytes()).unwrap_err()[0].line,
            1,
            "{wrong}"
        );
    }
}

#[test]
fn a_place_behind_a_reference_is_told_once_and_where_it_was_written() {
    let text = "openapi: 3.1.0\ninfo: {title: t, version: '1'}\npaths:\n  /a:\n    get: {parameters: [{$ref: '#/components/parameters/P'}], responses: {'200': {description: ok}}}\n    put: {parameters: [{$ref: '#/components/parameters/P'}], responses: {'200': {description: ok}}}\ncomponents:\n  parameters:\n    P:\n      name: password\n      in: query\n      schema: {type: string}\n";
    let all = found(text.strip_prefix("openapi: 3.1.0\n").unwrap());
    let told: Vec<_> = all.iter().filter(|f| f.finding.code == "secret-in-address").collect();
    assert_eq!(told.len(), 1);
    let place = &told[0].finding;
    assert_eq!(
        (place.line, place.pointer.as_str()),
        (10, "/components/parameters/P/name")
    );
    assert_eq!(place.got.as_deref(), Some("password"));
}
