//! `hub connector test`: fixtures and examples through both halves, offline.

use super::super::args::TestConnector;
use super::super::documents::{folders, named};
use super::super::outcome::{Outcome, line};
use crate::config::Config;
use hub_catalog::Catalog;
use hub_connectors::trial::Trial;
use hub_connectors::{Availability, Connector};
use hub_core::time::Timestamp;
use hub_core::{Finding, Lang, Severity, SystemId};
use serde::Serialize;
use serde_json::json;
use std::path::Path;

/// What was found of one system.
#[derive(Debug, Serialize)]
struct Report {
    system: String,
    operations: usize,
    examples: usize,
    fixtures: usize,
    failures: Vec<Failure>,
}

#[derive(Debug, Serialize)]
struct Failure {
    operation: String,
    /// Name of the example or fixture.
    case: String,
    reason: String,
}

pub fn run(args: &TestConnector, lang: Lang) -> Result<Outcome, Outcome> {
    named(&args.folders, lang)?;
    let wanted = args.system.as_deref().map(|w| super::system(w, lang)).transpose()?;
    let paths = folders(&args.folders, &Config::default().paths);
    let catalog = Catalog::load(&paths.specs).map_err(|f| Outcome::findings(&f, lang))?;
    let (connectors, findings) = hub_connectors::load_folder(&paths.connectors, &catalog);
    let of_wanted = |f: &&Finding| {
        let file = wanted.as_ref().map(|s| format!("{}/{}/", s.agency, s.system));
        f.severity == Severity::Error && file.is_none_or(|name| f.file.replace('\\', "/").contains(&name))
    };
    let broken: Vec<Finding> = findings.iter().filter(of_wanted).cloned().collect();
    if !broken.is_empty() {
        return Err(Outcome::findings(&broken, lang));
    }
    if let Some(system) = wanted.as_ref().filter(|s| !connectors.contains_key(s)) {
        let words = if lang == Lang::Zh {
            "没有连接器"
        } else {
            "there is no connector for"
        };
        return Err(Outcome::misused(format!("{words} {system}"), lang));
    }
    let rsa = hub_crypto::rsa_generate().map_err(|e| Outcome::failed(e, lang))?;
    let trial = Trial {
        now: Timestamp::now(),
        random: 7,
        rsa,
    };
    let chosen = connectors
        .iter()
        .filter(|(id, _)| wanted.as_ref().is_none_or(|w| w == *id));
    let mut reports = Vec::new();
    for (id, connector) in chosen {
        let mut report = examples(&trial, connector, &catalog, id, lang);
        replay(&paths.connectors, connector, &catalog, &mut report, lang)?;
        reports.push(report);
    }
    let failed = reports.iter().any(|r| !r.failures.is_empty());
    let outcome = if args.json {
        let examples: usize = reports.iter().map(|r| r.examples).sum();
        let fixtures: usize = reports.iter().map(|r| r.fixtures).sum();
        Outcome::json(&json!({"systems": reports, "examples": examples, "fixtures": fixtures, "passed": !failed}))
    } else {
        Outcome::done(text(&reports, lang))
    };
    Ok(outcome.with_code(u8::from(failed)))
}

fn examples(trial: &Trial, connector: &Connector, catalog: &Catalog, id: &SystemId, lang: Lang) -> Report {
    let mut report = Report {
        system: id.to_string(),
        operations: 0,
        examples: 0,
        fixtures: 0,
        failures: Vec::new(),
    };
    for operation in catalog.operations_of(id) {
        if connector.available(operation.key()) != Availability::Live {
            continue;
        }
        report.operations += 1;
        for example in &operation.examples {
            let Some(result) = trial.both_ways(connector, catalog, operation, example) else {
                continue;
            };
            report.examples += 1;
            if let Err(mismatch) = result {
                report.failures.push(Failure {
                    operation: operation.id.to_string(),
                    case: example.name.clone(),
                    reason: mismatch.text().get(lang).to_owned(),
                });
            }
        }
    }
    report
}

/// Recorded exchanges beside the manifest.
fn replay(
    dir: &Path,
    connector: &Connector,
    catalog: &Catalog,
    report: &mut Report,
    lang: Lang,
) -> Result<(), Outcome> {
    let fixtures = hub_connectors::load_fixtures(dir, connector.system()).map_err(|findings| {
        let lines: Vec<String> = findings.iter().map(|f| line(f, lang)).collect();
        Outcome::failed(lines.join("\n"), lang)
    })?;
    for fixture in &fixtures {
        report.fixtures += 1;
        for reason in fixture.replay(connector, catalog) {
            report.failures.push(Failure {
                operation: fixture.operation().to_owned(),
                case: fixture.name.clone(),
                reason,
            });
        }
    }
    Ok(())
}

fn text(reports: &[Report], lang: Lang) -> String {
    let mut lines = Vec::new();
    for report in reports {
        for failure in &report.failures {
            lines.push(format!("{} [{}]: {}", failure.operation, failure.case, failure.reason));
        }
        lines.push(match lang {
            Lang::Zh => format!(
                "{}：操作 {}，示例 {}，样例文件 {}，失败 {}",
                report.system,
                report.operations,
                report.examples,
                report.fixtures,
                report.failures.len()
            ),
            Lang::En => format!(
                "{}: {} operations, {} examples, {} fixtures, {} failures",
                report.system,
                report.operations,
                report.examples,
                report.fixtures,
                report.failures.len()
            ),
        });
    }
    lines.join("\n")
}
