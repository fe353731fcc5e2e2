//! `hub check`: everything that is wrong with the folders, and how much there is.

use super::args::CheckArgs;
use super::documents::{folders, named};
use super::outcome::{Outcome, line};
use crate::config::{Config, Paths};
use crate::hub::{not_connected, providers};
use crate::superapp;
use hub_catalog::Catalog;
use hub_connectors::{Connector, MANIFEST_NAME};
use hub_core::{Finding, Lang, Severity, SystemId, Text};
use hub_gateway::Policies;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// Days ahead of which the end of a pin is a warning.
const PIN_DAYS: i32 = 30;

/// What was found.
struct Report {
    catalog: Catalog,
    connectors: BTreeMap<SystemId, Arc<Connector>>,
    findings: Vec<Finding>,
    readable: bool,
    /// How long the specs took to load.
    load_seconds: f64,
}

pub fn run(args: &CheckArgs, lang: Lang) -> Outcome {
    if let Err(misused) = named(&args.folders, lang) {
        return misused;
    }
    let config = Config::load(args.config.as_deref(), &|name| std::env::var(name).ok());
    let (config, mut findings) = match config {
        Ok(config) => (config, Vec::new()),
        Err(findings) => (Config::default(), findings),
    };
    let report = check(&folders(&args.folders, &config.paths), &mut findings);
    let failed = report.findings.iter().any(|f| f.severity == Severity::Error);
    let outcome = if args.json {
        Outcome::json(&report.json())
    } else {
        Outcome::done(report.text(lang))
    };
    outcome.with_code(u8::from(failed))
}

fn check(paths: &Paths, findings: &mut Vec<Finding>) -> Report {
    let mut findings = std::mem::take(findings);
    let began = Instant::now();
    let loaded = Catalog::load(&paths.specs);
    let load_seconds = began.elapsed().as_secs_f64();
    let catalog = match loaded {
        Ok(catalog) => catalog,
        Err(errors) => {
            findings.extend(errors);
            return Report {
                catalog: Catalog::default(),
                connectors: BTreeMap::new(),
                findings,
                readable: false,
                load_seconds,
            };
        }
    };
    findings.extend(catalog.notes().iter().cloned());
    let (connectors, more) = hub_connectors::load_folder(&paths.connectors, &catalog);
    findings.extend(more);
    let today = hub_core::time::civil(hub_core::time::Timestamp::now()).date();
    findings.extend(
        connectors
            .values()
            .filter_map(|c| pin_ends(&paths.connectors, c, today)),
    );
    if let Err(more) = Policies::load(&paths.policies, &catalog) {
        findings.extend(more);
    }
    if let Err(more) = providers(&paths.policies) {
        findings.extend(more);
    }
    if let Err(more) = superapp::read(&paths.policies) {
        findings.extend(more);
    }
    findings.extend(superapp::unknown(&paths.policies, &catalog));
    Report {
        catalog,
        connectors,
        findings,
        readable: true,
        load_seconds,
    }
}

/// A pinned certificate that has to be looked at soon, or should have been.
fn pin_ends(folder: &Path, connector: &Connector, today: jiff::civil::Date) -> Option<Finding> {
    let until = connector.settings().tls.as_ref()?.until?;
    let left = today.until(until).ok()?.get_days();
    (left <= PIN_DAYS).then(|| {
        let file = folder.join(connector.system().to_string()).join(MANIFEST_NAME);
        Finding::error(
            "pin-expires",
            file.display().to_string(),
            Text::new(
                format!("固定的证书应在 {until} 前复核（还有 {left} 天）"),
                format!("The pinned certificate has to be looked at by {until}, in {left} days"),
            ),
        )
        .severity(Severity::Warning)
    })
}

impl Report {
    fn live_services(&self) -> usize {
        let live = |s: &&Arc<hub_core::Service>| not_connected(&self.catalog, &self.connectors, s).is_none();
        self.catalog.services().iter().filter(live).count()
    }

    fn of(&self, severity: Severity) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |f| f.severity == severity)
    }

    fn manifest_lines(&self) -> Value {
        let mut lines: Vec<usize> = self.connectors.values().map(|c| c.lines()).collect();
        lines.sort_unstable();
        let total: usize = lines.iter().sum();
        let connected = self
            .catalog
            .services()
            .iter()
            .filter(|s| self.connectors.contains_key(&s.system))
            .count();
        #[allow(clippy::cast_precision_loss)]
        let per_service = if connected == 0 {
            0.0
        } else {
            total as f64 / connected as f64
        };
        json!({
            "total": total,
            "median": lines.get(lines.len() / 2).copied().unwrap_or(0),
            "max": lines.last().copied().unwrap_or(0),
            "per_service": (per_service * 100.0).round() / 100.0,
        })
    }

    fn json(&self) -> Value {
        let counts = self.catalog.counts();
        json!({
            "agencies": counts.agencies,
            "systems": counts.systems,
            "services": counts.services,
            "operations": counts.operations,
            "live_services": self.live_services(),
            "vacuous_schemas": self.catalog.vacuous_schemas().len(),
            "connectors": self.connectors.len(),
            "load_seconds": (self.load_seconds * 1000.0).round() / 1000.0,
            "manifest_lines": self.manifest_lines(),
            "errors": self.of(Severity::Error).collect::<Vec<_>>(),
            "warnings": self.of(Severity::Warning).collect::<Vec<_>>(),
            "notes": self.of(Severity::Note).collect::<Vec<_>>(),
        })
    }

    fn text(&self, lang: Lang) -> String {
        let mut out: Vec<String> = self.findings.iter().map(|f| line(f, lang)).collect();
        let errors = self.of(Severity::Error).count();
        let warnings = self.of(Severity::Warning).count();
        let counts = self.catalog.counts();
        if self.readable {
            let (live, vacuous) = (self.live_services(), self.catalog.vacuous_schemas().len());
            let lines = self.manifest_lines();
            let figure = |name: &str| lines.get(name).cloned().unwrap_or_default();
            out.push(match lang {
                Lang::Zh => format!(
                    "{} 个部门，{} 个系统，{} 项服务（{live} 项已接入），{} 个操作；空泛的模式 {vacuous}；连接器 {} 个，清单 {} 行，每项服务 {} 行",
                    counts.agencies, counts.systems, counts.services, counts.operations, self.connectors.len(),
                    figure("total"), figure("per_service"),
                ),
                Lang::En => format!(
                    "{} agencies, {} systems, {} services ({live} live), {} operations; vacuous schemas: {vacuous}; {} connectors, {} manifest lines, {} a service",
                    counts.agencies, counts.systems, counts.services, counts.operations, self.connectors.len(),
                    figure("total"), figure("per_service"),
                ),
            });
        }
        out.push(match lang {
            Lang::Zh => format!("错误 {errors}，警告 {warnings}"),
            Lang::En => format!("{errors} errors, {warnings} warnings"),
        });
        out.join("\n")
    }
}
