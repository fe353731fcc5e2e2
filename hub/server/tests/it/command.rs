//! The command line: text for people, JSON for programs, exit codes for both.

use crate::support::{City, TestHub, repository};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

fn hub(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hub"))
        .args(args)
        .env("LANG", "C")
        .env_remove("LC_ALL")
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn folders(city: &City) -> Vec<String> {
    ["specs", "connectors", "policies"]
        .iter()
        .flat_map(|n| [format!("--{n}"), city.path(n).display().to_string()])
        .collect()
}

fn with<'a>(args: &[&'a str], more: &'a [String]) -> Vec<&'a str> {
    args.iter().copied().chain(more.iter().map(String::as_str)).collect()
}

#[test]
fn check_counts_and_names_every_error_with_its_place() {
    let city = City::sample();
    let folders = folders(&city);
    let good = hub(&with(&["check", "--json"], &folders));
    let report: Value = serde_json::from_slice(&good.stdout).unwrap();
    assert_eq!(good.status.code(), Some(0), "{report:#}");
    for name in ["agencies", "systems", "services", "operations", "live_services"] {
        assert!(report[name].as_u64().unwrap() > 0, "{name}: {report}");
    }
    assert_eq!(report["vacuous_schemas"], 0);
    assert!(
        report["manifest_lines"]["total"].as_u64().unwrap() > 0 && report["manifest_lines"]["per_service"].is_number()
    );

    let manifest = crate::support::manifests_below(&city.path("connectors"))[0].clone();
    let broken = std::fs::read_to_string(&manifest).unwrap() + "\nno_such_part: 1\n";
    std::fs::write(&manifest, &broken).unwrap();
    let bad = hub(&with(&["check", "--json"], &folders));
    let report: Value = serde_json::from_slice(&bad.stdout).unwrap();
    assert_eq!(bad.status.code(), Some(1), "{report:#}");
    let errors = report["errors"].as_array().unwrap();
    assert_eq!(errors.len(), 1, "one clear message a cause: {errors:#?}");
    assert_eq!(errors[0]["line"], broken.lines().count());
    assert!(errors[0]["file"].as_str().unwrap().ends_with("connector.yaml"));
    let words = hub(&with(&["check", "--lang", "zh"], &folders));
    assert!(text(&words.stdout).contains("错误"), "{}", text(&words.stdout));
}

#[test]
fn wrong_use_is_2() {
    assert_eq!(hub(&["check", "--specs", "/no/such/folder"]).status.code(), Some(2));
    assert_eq!(hub(&["check", "--no-such-option"]).status.code(), Some(2));
    assert_eq!(
        hub(&["call", "x", "--data-dir", "/no/such/folder"]).status.code(),
        Some(2)
    );
    assert_eq!(
        hub(&["audit", "verify", "--data-dir", "/no/such/folder"]).status.code(),
        Some(2)
    );
    assert_eq!(hub(&["demo", "--listen", "0.0.0.0:0"]).status.code(), Some(2));
    let help = hub(&["--lang", "zh", "check", "--help"]);
    assert!(text(&help.stdout).contains("检查"), "{}", text(&help.stdout));
    assert_eq!(help.status.code(), Some(0));
}

#[test]
fn openapi_and_export_write_what_they_read() {
    let city = City::sample();
    let folders = folders(&city);
    let out = city.path("api.json").display().to_string();
    for version in ["3.1", "3.0"] {
        let done = hub(&with(
            &["openapi", "--version", version, "--out", &out, "--json"],
            &folders,
        ));
        assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
        let document: Value = serde_json::from_slice(&std::fs::read(&out).unwrap()).unwrap();
        assert!(document["openapi"].as_str().unwrap().starts_with(version));
        assert!(document["paths"].as_object().unwrap().len() > 3);
    }
    let to = city.path("exported").display().to_string();
    let done = hub(&with(&["export", "--out", &to, "--json"], &folders));
    assert_eq!(done.status.code(), Some(0), "{}", text(&done.stderr));
    let again = Path::new(&to);
    let (specs, connectors) = (
        again.join("specs").display().to_string(),
        again.join("connectors").display().to_string(),
    );
    let checked = hub(&["check", "--json", "--specs", &specs, "--connectors", &connectors]);
    let report: Value = serde_json::from_slice(&checked.stdout).unwrap();
    assert_eq!(report["errors"], serde_json::json!([]));
    assert_eq!(
        hub(&with(&["export", "--out", &to], &folders)).status.code(),
        Some(2),
        "a folder in use is not overwritten"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn call_is_short_and_a_client_is_one_command() {
    let running = TestHub::demo(City::sample()).await;
    let operation = crate::operators::live_read(&running);
    let data = running.data().display().to_string();
    let mut words = vec![
        "call".to_owned(),
        operation.id.to_string(),
        "--data-dir".into(),
        data.clone(),
        "--json".into(),
    ];
    for (name, value) in crate::support::example(&operation) {
        words.push(format!(
            "{name}={}",
            value.as_str().map_or_else(|| value.to_string(), str::to_owned)
        ));
    }
    for sandbox in [false, true] {
        let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
        if sandbox {
            words.push("--sandbox");
        }
        let done = tokio::task::block_in_place(|| hub(&words));
        let answer: Value = serde_json::from_slice(&done.stdout).unwrap_or_else(|_| panic!("{}", text(&done.stderr)));
        assert_eq!(done.status.code(), Some(0), "{answer:#}");
        assert_eq!(answer["status"], operation.status);
    }
    let unknown = tokio::task::block_in_place(|| hub(&["call", &format!("{}x", operation.id), "--data-dir", &data]));
    assert_eq!(unknown.status.code(), Some(2));
    assert!(
        text(&unknown.stderr).contains(operation.id.as_ref()),
        "{}",
        text(&unknown.stderr)
    );
    let made =
        tokio::task::block_in_place(|| hub(&["client", "new", "--tenant", "team", "--data-dir", &data, "--json"]));
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    assert!(made["key"].as_str().unwrap().starts_with("hub_live_"));
    running.stop().await;
}

#[test]
fn the_repository_has_no_error() {
    let at = |name: &str| repository().join(name).display().to_string();
    let (specs, connectors, policies) = (at("specs"), at("connectors"), at("policies"));
    let done = hub(&[
        "check",
        "--json",
        "--specs",
        &specs,
        "--connectors",
        &connectors,
        "--policies",
        &policies,
    ]);
    let report: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(report["errors"], serde_json::json!([]), "{:#}", report["errors"]);
    assert_eq!(report["vacuous_schemas"], 0);
}

/// Shells and containers set variables to nothing to take them away.
#[test]
fn a_variable_that_is_set_to_nothing_is_not_set() {
    let empty = tempfile::tempdir().unwrap();
    let data = empty.path().display().to_string();
    for (args, variables) in [
        (&["call", "a.b"][..], &["HUB_URL", "HUB_KEY", "HUB_TOKEN"][..]),
        (&["client", "list"], &["HUB_ADMIN_URL", "HUB_ADMIN_TOKEN"]),
    ] {
        let run = Command::new(env!("CARGO_BIN_EXE_hub"))
            .args(args)
            .args(["--data-dir", &data])
            .envs(variables.iter().map(|name| (name, " ")))
            .env("LANG", "C")
            .env_remove("LC_ALL")
            .output()
            .unwrap();
        let said = text(&run.stdout) + &text(&run.stderr);
        assert!(said.contains("no running hub in"), "{args:?}: {said}");
    }
}

#[test]
fn lint_reads_a_description_with_the_files_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("api.yaml");
    let words = "openapi: 3.0.3\ninfo: {title: t, version: 1}\npaths:\n  /a: {$ref: 'parts/a.yaml'}\n";
    std::fs::write(&root, words).unwrap();
    let file = root.to_str().unwrap();

    let alone = hub(&["lint", file, "--json"]);
    let report: Value = serde_json::from_slice(&alone.stdout).unwrap();
    assert_eq!(
        (alone.status.code(), &report["readable"]),
        (Some(1), &false.into()),
        "{report:#}"
    );
    let refused = &report["refused"][0];
    assert_eq!(refused["rule"], "missing-file");
    assert_eq!(
        (&refused["place"]["line"], &refused["place"]["file"]),
        (&4.into(), &file.into())
    );
    assert!(
        refused["text"]["zh"].as_str().unwrap().contains("parts/a.yaml"),
        "{refused:#}"
    );

    std::fs::create_dir(folder.path().join("parts")).unwrap();
    let item = "get: {responses: {'200': {description: ok}}}\n";
    std::fs::write(folder.path().join("parts/a.yaml"), item).unwrap();
    let whole = hub(&["lint", file, "--json"]);
    let report: Value = serde_json::from_slice(&whole.stdout).unwrap();
    assert_eq!(
        (whole.status.code(), &report["readable"]),
        (Some(0), &true.into()),
        "{report:#}"
    );
    assert_eq!(
        (&report["format"], &report["version"], &report["operations"]),
        (&"openapi".into(), &"3.0.3".into(), &1.into())
    );
    assert_eq!(
        (&report["findings"][0]["rule"], &report["findings"][0]["level"]),
        (&"not-a-text".into(), &"info".into())
    );
    let text = text(&hub(&["lint", file, "--lang", "zh"]).stdout);
    assert!(text.contains("可读，openapi 3.0.3，1 个操作"), "{text}");
}

#[test]
fn lint_holds_a_description_against_rules_and_waivers() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let description = "openapi: 3.1.0\ninfo: {title: 登记, version: '1'}\npaths:\n  /a:\n    get:\n      parameters: [{name: password, in: query, schema: {type: string}}]\n      responses: {'200': {description: ok}}\n";
    let file = write("api.yaml", description);
    let done = hub(&["lint", &file, "--json"]);
    assert_eq!(done.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&done.stdout).unwrap();
    let found = report["findings"].as_array().unwrap();
    let secret = found.iter().find(|f| f["rule"] == "secret-in-address").unwrap();
    assert_eq!(
        (&secret["family"], &secret["level"]),
        (&"security".into(), &"must".into())
    );
    assert_eq!(
        (&secret["place"]["line"], &secret["place"]["file"], &secret["got"]),
        (&6.into(), &file.as_str().into(), &"password".into())
    );
    for text in [&secret["text"], &secret["fix"]] {
        assert!(!text["zh"].as_str().unwrap().is_empty() && !text["en"].as_str().unwrap().is_empty());
    }
    let words = text(&hub(&["lint", &file, "--lang", "zh"]).stdout);
    assert!(
        words.starts_with("必改 【安全】 口令或令牌作为网址参数 [secret-in-address] × 1处"),
        "{words}"
    );

    let waivers = write(
        "waivers.yaml",
        "waivers: [{rule: secret-in-address, place: /paths/~1a, why: 旧接口, until: '2999-01-01', who: 王五}]\n",
    );
    let done = hub(&["lint", &file, "--waivers", &waivers, "--json"]);
    let report: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(done.status.code(), Some(0), "{report:#}");
    let found = report["findings"].as_array().unwrap();
    let secret = found.iter().find(|f| f["rule"] == "secret-in-address").unwrap();
    assert_eq!(secret["waived"]["who"], "王五");

    let rules = write(
        "spectral.yaml",
        "rules:\n  mine: {given: $.info, severity: error, then: {field: contact, function: truthy}}\n  code: {given: $, then: {function: own}}\n",
    );
    let done = hub(&["lint", &file, "--rules", &rules, "--json"]);
    let report: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(done.status.code(), Some(1));
    let found: Vec<&Value> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|f| &f["rule"])
        .collect();
    assert_eq!(found, [&Value::from("mine")]);
    assert!(
        text(&done.stderr).contains("`own` is no core function"),
        "{}",
        text(&done.stderr)
    );
    let broken = write("broken.yaml", "family: naming\nrules: {r: {level: must}}\n");
    let done = hub(&["lint", &file, "--rules", &broken]);
    assert_eq!(done.status.code(), Some(2));
    assert!(text(&done.stderr).contains("broken.yaml:2:"), "{}", text(&done.stderr));
}

#[test]
fn lint_speaks_to_other_programs() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a <b>.yaml");
    std::fs::write(
        &file,
        "openapi: 3.0.3\ninfo: {title: t, version: '1'}\nservers: {url: /}\npaths: {}\n",
    )
    .unwrap();
    let file = file.to_str().unwrap();
    let sarif = hub(&["lint", file, "--format", "sarif"]);
    assert_eq!(sarif.status.code(), Some(1));
    let sarif: Value = serde_json::from_slice(&sarif.stdout).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!(
        (&result["ruleId"], &result["level"]),
        (&"wrong-type".into(), &"error".into())
    );
    assert_eq!(result["locations"][0]["physicalLocation"]["region"]["startLine"], 3);
    let junit = text(&hub(&["lint", file, "--format", "junit"]).stdout);
    assert!(
        junit.contains("failures=\"1\"")
            && junit.contains("a &lt;b&gt;.yaml:3:")
            && junit.contains("<failure type=\"wrong-type\""),
        "{junit}"
    );
    assert_eq!(hub(&["lint", "no/such/file.yaml"]).status.code(), Some(2));
    assert_eq!(hub(&["lint"]).status.code(), Some(2));
}

#[test]
fn lint_shows_what_it_would_fix_before_it_writes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("api.yaml");
    let before = "openapi: 3.0.3\ninfo: {title: 登记, version: '1'} # 勿删\npaths:\n  /a:\n    get: # 第一个\n      responses: {'404': {description: 查无记录}, '200': {description: ok}}\n";
    std::fs::write(&path, before).unwrap();
    let file = path.to_str().unwrap();

    let shown = hub(&["lint", file, "--fix"]);
    let diff = text(&shown.stdout);
    assert_eq!(shown.status.code(), Some(0), "{}", text(&shown.stderr));
    assert!(
        diff.starts_with(&format!("--- {file}\n+++ {file}\n@@ -3,4 +3,5 @@\n"))
            && diff.contains("\n+      operationId: get-a\n"),
        "{diff}"
    );
    assert_eq!(std::fs::read_to_string(&path).unwrap(), before);

    let written = hub(&["lint", file, "--fix", "--write", "--lang", "zh"]);
    assert!(text(&written.stderr).contains("已改 1 处"), "{}", text(&written.stderr));
    let after = before.replace("      responses", "      operationId: get-a\n      responses");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), after);
    assert_eq!(text(&hub(&["lint", file, "--fix"]).stdout), "");

    for wrong in [&["lint", file, "--write"][..], &["lint", file, "--fix", "--json"]] {
        assert_eq!(hub(wrong).status.code(), Some(2), "{wrong:?}");
    }
    // 登记 in GB18030.
    let bytes = b"openapi: 3.0.3\ninfo: {title: \xB5\xC7\xBC\xC7, version: '1'}\npaths: {}\n";
    std::fs::write(&path, bytes).unwrap();
    let refused = hub(&["lint", file, "--fix", "--write"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        text(&refused.stderr).contains("Only files in UTF-8 are edited"),
        "{}",
        text(&refused.stderr)
    );
}

#[test]
fn diff_speaks_to_other_programs_as_lint_does() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, schema: &str| {
        let path = folder.path().join(name);
        let words = format!(
            "openapi: 3.1.0\ninfo: {{title: t, version: '1'}}\npaths:\n  /a:\n    post:\n      requestBody:\n        content:\n          application/json:\n            schema: {schema}\n      responses: {{'200': {{description: d}}}}\n"
        );
        std::fs::write(&path, words).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (old, new) = (
        write("old.yaml", "{type: string}"),
        write("new.yaml", "{type: string, maxLength: 3}"),
    );
    let sarif = hub(&["diff", &old, &new, "--format", "sarif"]);
    assert_eq!(sarif.status.code(), Some(1));
    let sarif: Value = serde_json::from_slice(&sarif.stdout).unwrap();
    let run = &sarif["runs"][0];
    assert_eq!(run["tool"]["driver"]["name"], "hub diff");
    let result = &run["results"][0];
    assert_eq!(
        (&result["ruleId"], &result["level"]),
        (&"request-body.max-length.narrowed".into(), &"error".into())
    );
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(
        (&place["artifactLocation"]["uri"], &place["region"]["startLine"]),
        (&new.as_str().into(), &9.into())
    );
    let junit = text(&hub(&["diff", &old, &new, "--format", "junit"]).stdout);
    assert!(
        junit.contains("<testsuites name=\"hub diff\">")
            && junit.contains("failures=\"1\"")
            && junit.contains("<failure type=\"request-body.max-length.narrowed\""),
        "{junit}"
    );
    let junit = text(&hub(&["diff", &new, &old, "--format", "junit"]).stdout);
    assert!(
        junit.contains("failures=\"0\"") && junit.contains("<system-out>"),
        "{junit}"
    );
}
