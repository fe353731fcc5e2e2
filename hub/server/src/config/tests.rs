use super::*;

fn load(yaml: &str, variables: &[(&str, &str)]) -> Result<Config, Vec<Finding>> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("hub.yaml");
    std::fs::write(&file, yaml).unwrap();
    Config::load(Some(&file), &|name| {
        variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned())
    })
}

#[test]
fn file_then_variables() {
    let yaml = "listen:\n  address: 127.0.0.1:9000\n  workers: 4\nidentity: {test_issuer: true}\n";
    let config = load(
        yaml,
        &[
            ("HUB_LISTEN_WORKERS", "3"),
            ("HUB_LISTEN_TRUSTED_PROXIES", "10.0.0.0/8, ::1"),
        ],
    )
    .unwrap();
    assert_eq!(config.listen.address, "127.0.0.1:9000".parse().unwrap());
    assert_eq!(config.listen.workers, 3);
    assert_eq!(config.trusted_proxies().len(), 2);
    assert!(config.identity.test_issuer);
    assert!(!Config::default().identity.test_issuer);
}

#[test]
fn unknown_keys_and_bad_values_are_refused_with_their_place() {
    let findings = load(
        "listen:\n  adress: 1\n  workers: many\nlissten: {}\n",
        &[("HUB_LOG_FORM", "json")],
    )
    .unwrap_err();
    let seen: Vec<_> = findings
        .iter()
        .map(|f| (f.code.as_str(), f.line, f.near.join(",")))
        .collect();
    assert_eq!(findings.len(), 3, "{findings:?}");
    assert!(
        seen.iter()
            .any(|(c, l, n)| *c == "unknown-key" && *l == 2 && n.contains("address")),
        "{seen:?}"
    );
    assert!(seen.iter().any(|(c, l, _)| *c == "bad-value" && *l == 3), "{seen:?}");
    assert!(
        seen.iter()
            .any(|(c, l, n)| *c == "unknown-key" && *l == 4 && n.contains("listen")),
        "{seen:?}"
    );
    assert_eq!(
        load("", &[("HUB_LISTEN_WORKERS", "x")]).unwrap_err()[0].file,
        "HUB_LISTEN_WORKERS"
    );
}

#[test]
fn an_empty_file_is_the_default() {
    assert_eq!(load("", &[]).unwrap().listen.address, Config::default().listen.address);
}
