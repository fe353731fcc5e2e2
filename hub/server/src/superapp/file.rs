//! Reading `policies/apps/*.yaml`: which services a variant offers, and which modules open in it.

use hub_catalog::document::Document;
use hub_catalog::{Catalog, nearest};
use hub_core::{Finding, Service, Severity, Text};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::Path;

/// Folder of apps in the folder of policies.
const APPS: &str = "apps";

/// A variant of the super-app, or a module that opens in one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppFile {
    /// Names.
    pub name: Text,
    /// What it offers; everything where it does not say.
    #[serde(default)]
    pub offers: Offers,
    /// Services shown first, by id.
    #[serde(default)]
    pub first: Vec<String>,
    /// Modules that open in it, by id.
    #[serde(default)]
    pub modules: Vec<String>,
    /// Whether it is itself a module: an H5 page inside of an app, which signs in silently.
    #[serde(default)]
    pub module: bool,
}

/// A part of the catalog.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Offers {
    /// Of these agencies.
    #[serde(default)]
    pub agencies: Vec<String>,
    /// Of these domains.
    #[serde(default)]
    pub domains: Vec<String>,
    /// These, by id.
    #[serde(default)]
    pub services: Vec<String>,
}

impl Offers {
    /// Whether a service is in it.
    #[must_use]
    pub fn has(&self, service: &Service) -> bool {
        let all = self.agencies.is_empty() && self.domains.is_empty() && self.services.is_empty();
        all || self.agencies.contains(&service.agency)
            || self.domains.contains(&service.domain)
            || self.services.contains(&service.id)
    }
}

/// Reads every app below the folder of policies, by id. A folder that is not there has none.
///
/// # Errors
/// What is wrong, file by file.
pub fn read(policies: &Path) -> Result<BTreeMap<String, AppFile>, Vec<Finding>> {
    let folder = policies.join(APPS);
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(vec![wrong(&folder, &error)]),
    };
    let (mut apps, mut findings) = (BTreeMap::new(), Vec::new());
    for path in entries.filter_map(|e| Some(e.ok()?.path())) {
        if path.extension().is_none_or(|e| e != "yaml") {
            continue;
        }
        let id = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let read = std::fs::read(&path).map_err(|e| wrong(&path, &e));
        let document = read.and_then(|bytes| Document::parse(&path.display().to_string(), &bytes));
        match document.and_then(|d| AppFile::deserialize(&d.value).map_err(|e| wrong(&path, &e))) {
            Ok(app) => drop(apps.insert(id, app)),
            Err(finding) => findings.push(finding),
        }
    }
    for (id, app) in &apps {
        let unknown = app
            .modules
            .iter()
            .filter(|m| apps.get(*m).is_none_or(|other| !other.module));
        findings.extend(unknown.map(|m| {
            let message = Text::new(format!("没有模块 {m}"), format!("There is no module {m}"));
            Finding::error("app-module", format!("{}/{id}.yaml", folder.display()), message)
        }));
    }
    if findings.is_empty() { Ok(apps) } else { Err(findings) }
}

/// What apps name and the catalog does not have: it would be left out without a word.
#[must_use]
pub fn unknown(policies: &Path, catalog: &Catalog) -> Vec<Finding> {
    let services: BTreeSet<&str> = catalog.services().iter().map(|s| s.id.as_ref()).collect();
    let agencies: BTreeSet<&str> = catalog.agencies().iter().map(|a| a.code.as_ref()).collect();
    let domains: BTreeSet<&str> = catalog.services().iter().map(|s| s.domain.as_ref()).collect();
    let lists = [
        (
            "/first",
            &services,
            Text::new("目录中没有这项服务", "The catalog has no such service"),
        ),
        (
            "/offers/services",
            &services,
            Text::new("目录中没有这项服务", "The catalog has no such service"),
        ),
        (
            "/offers/agencies",
            &agencies,
            Text::new("目录中没有这个部门", "The catalog has no such agency"),
        ),
        (
            "/offers/domains",
            &domains,
            Text::new("目录中没有这个领域", "The catalog has no such domain"),
        ),
    ];
    let entries = std::fs::read_dir(policies.join(APPS)).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries
        .map(|e| e.path())
        .filter(|p| p.extension().is_some_and(|e| e == "yaml"))
        .collect();
    files.sort();
    let mut findings = Vec::new();
    for path in files {
        let name = path.display().to_string();
        // What cannot be read is told by whoever reads it.
        let Some(document) = std::fs::read(&path)
            .ok()
            .and_then(|bytes| Document::parse(&name, &bytes).ok())
        else {
            continue;
        };
        for (place, known, message) in &lists {
            let listed = document.value.pointer(place).and_then(Value::as_array);
            for (index, id) in listed.into_iter().flatten().enumerate() {
                let Some(id) = id.as_str().filter(|id| !known.contains(id)) else {
                    continue;
                };
                let finding = document.finding("app-unknown", &format!("{place}/{index}"), message.clone());
                let near = nearest(id, known.iter().copied());
                findings.push(
                    finding
                        .severity(Severity::Warning)
                        .expected("an id of the catalog", id)
                        .near(near),
                );
            }
        }
    }
    findings
}

fn wrong(path: &Path, error: &dyn std::fmt::Display) -> Finding {
    let message = Text::new("应用的描述无法读取", "The description of an app cannot be read");
    Finding::error("app-unreadable", path.display().to_string(), message)
        .expected("name, offers, first, modules, module", error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let policies = tempfile::tempdir().unwrap();
        let apps = policies.path().join(APPS);
        std::fs::create_dir(&apps).unwrap();
        for (name, text) in files {
            std::fs::write(apps.join(name), text).unwrap();
        }
        policies
    }

    #[test]
    fn an_app_offers_what_its_file_says() {
        let policies = folder(&[
            ("all.yaml", "name: {zh: 甲, en: A}\nmodules: [inside]\n"),
            (
                "inside.yaml",
                "name: {zh: 乙, en: B}\nmodule: true\noffers: {services: [a.one]}\n",
            ),
            ("notes.md", "no app"),
        ]);
        let apps = read(policies.path()).unwrap();
        assert_eq!(apps.keys().collect::<Vec<_>>(), ["all", "inside"]);
        assert!(read(Path::new("/nowhere")).unwrap().is_empty());
    }

    #[test]
    fn what_the_catalog_does_not_have_is_told_with_its_place() {
        let specs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../specs");
        let catalog = Catalog::load(&specs).unwrap();
        let known = catalog.services()[0].id.clone();
        let text = format!(
            "name: {{zh: 甲, en: A}}\nfirst:\n  - {known}\n  - {known}s\noffers:\n  agencies: [no-such-agency]\n  domains: [government]\n"
        );
        let policies = folder(&[("a.yaml", &text), ("b.yaml", "{")]);
        let findings = unknown(policies.path(), &catalog);
        let said: Vec<String> = findings.iter().map(ToString::to_string).collect();
        assert_eq!(findings.len(), 2, "{said:?}");
        assert!(
            said[0].contains("a.yaml:4:") && said[0].contains(&format!("did you mean {known}")),
            "{said:?}"
        );
        assert!(
            said[1].contains("a.yaml:6:") && said[1].contains("no-such-agency"),
            "{said:?}"
        );
        assert!(findings.iter().all(|f| f.severity == Severity::Warning));
        // The apps that come with the hub name nothing else than its catalog.
        assert_eq!(unknown(&specs.join("../policies"), &catalog), []);
    }

    #[test]
    fn an_app_that_cannot_be_used_is_told_with_its_file() {
        let unknown = folder(&[("a.yaml", "name: {zh: 甲, en: A}\nmodules: [gone]\n")]);
        let findings = read(unknown.path()).unwrap_err();
        assert_eq!((findings.len(), findings[0].code.as_ref()), (1, "app-module"));
        let odd = folder(&[("a.yaml", "name: {zh: 甲, en: A}\ncolour: red\n")]);
        let findings = read(odd.path()).unwrap_err();
        assert!(findings[0].to_string().contains("colour"), "{}", findings[0]);
    }
}
