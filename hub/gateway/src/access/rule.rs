//! Access rules as `policies/access/*.yaml` writes them.
//!
//! ```yaml
//! grants:
//!   - name: signed-in-persons          # appears in the trail
//!     who: any                          # or {client: […], tenant: […], plan: […]}
//!     what: {audience: [natural, both], assurance: [R1, R2, R3, R4]}
//!     environment: [live]               # both where left out
//!     when: call.hour >= 6              # CEL
//! ```
//! `who` lists are alternatives; the members of `what` must all fit, the words in one are alternatives. `operation`,
//! `service`, `agency`, `system` and `domain` take `*` at the end. Nobody and nothing are findings, never "everybody".

use super::condition::Condition;
use crate::authenticate::Caller;
use crate::reading::Reading;
use hub_catalog::Catalog;
use hub_core::{Assurance, Audience, DataLevel, Effect, Environment, Finding, Operation, Text};
use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Arc;

/// All rules, indexed by the operations they speak of.
#[derive(Debug, Default)]
pub struct Access {
    rules: Vec<Rule>,
    by_operation: HashMap<Arc<str>, Vec<usize>>,
}

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// Name, unique, as the trail shows it.
    pub name: Arc<str>,
    who: Who,
    environments: Vec<Environment>,
    pub(super) when: Option<Condition>,
}

#[derive(Debug)]
enum Who {
    Any,
    Named {
        clients: Vec<String>,
        tenants: Vec<String>,
        plans: Vec<String>,
    },
}

impl Rule {
    /// Whether it speaks of this caller in this world.
    pub(super) fn covers(&self, caller: &Caller, environment: Environment) -> bool {
        if !self.environments.contains(&environment) {
            return false;
        }
        let (clients, tenants, plans) = match &self.who {
            Who::Any => return true,
            Who::Named {
                clients,
                tenants,
                plans,
            } => (clients, tenants, plans),
        };
        let plan = caller.plan();
        plans.iter().any(|p| p == plan)
            || caller
                .client
                .as_ref()
                .is_some_and(|c| clients.contains(&c.id) || tenants.contains(&c.tenant))
    }
}

impl Access {
    /// Rules that speak of an operation, in the order of the files.
    pub(super) fn of(&self, operation: &Operation) -> impl Iterator<Item = &Rule> {
        let places = self
            .by_operation
            .get(&operation.id)
            .map(Vec::as_slice)
            .unwrap_or_default();
        places.iter().filter_map(|i| self.rules.get(*i))
    }

    /// Names of all rules.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|r| r.name.as_ref())
    }

    /// Adds what one document says. `plans` are the plans that exist.
    pub(crate) fn read(
        &mut self,
        document: &Reading<'_>,
        catalog: &Catalog,
        plans: &[&str],
        findings: &mut Vec<Finding>,
    ) {
        document.only_keys("", &["grants"], findings);
        let count = document.list("/grants", findings).map_or(0, Vec::len);
        for i in 0..count {
            let place = format!("/grants/{i}");
            let Some((rule, what)) = read_rule(document, &place, plans, findings) else {
                continue;
            };
            if self.rules.iter().any(|r| r.name == rule.name) {
                let message = Text::new(
                    format!("授权 {} 定义了两次", rule.name),
                    format!("Grant {} is defined twice", rule.name),
                );
                findings.push(document.finding("duplicate-grant", &format!("{place}/name"), message));
                continue;
            }
            what.check_names(document, catalog, findings);
            for operation in catalog.operations() {
                let domain = domain(catalog, operation);
                if what.fits(operation, domain) {
                    self.by_operation
                        .entry(Arc::clone(&operation.id))
                        .or_default()
                        .push(self.rules.len());
                }
            }
            self.rules.push(rule);
        }
    }
}

/// Domain of an operation, by its agency.
pub(super) fn domain<'a>(catalog: &'a Catalog, operation: &Operation) -> &'a str {
    catalog
        .agency(&operation.system.agency)
        .map_or("", |a| a.domain.as_str())
}

fn read_rule(document: &Reading<'_>, place: &str, plans: &[&str], findings: &mut Vec<Finding>) -> Option<(Rule, What)> {
    document.object(place, findings)?;
    document.only_keys(place, &["name", "who", "what", "environment", "when"], findings);
    let before = findings.len();
    let name = document
        .string(&format!("{place}/name"), findings)
        .unwrap_or_default()
        .to_owned();
    if name.is_empty() {
        let message = Text::new("授权没有名称", "A grant has no name");
        findings.push(
            document
                .finding("missing-name", place, message)
                .expected("name", "nothing"),
        );
    }
    let who = read_who(document, &format!("{place}/who"), plans, findings);
    let what = What::read(document, &format!("{place}/what"), findings);
    let environments = read_scale::<Environment>(document, &format!("{place}/environment"), Environment::ALL, findings)
        .unwrap_or_else(|| Environment::ALL.to_vec());
    let at = format!("{place}/when");
    let when = document.string(&at, findings).map(str::to_owned).and_then(|source| {
        Condition::compile(&source)
            .map_err(|reason| {
                let message = Text::new("条件无法使用", "The condition cannot be used");
                findings.push(
                    document
                        .finding("bad-condition", &at, message)
                        .expected("a CEL condition", reason),
                );
            })
            .ok()
    });
    let rule = Rule {
        name: name.into(),
        who: who?,
        environments,
        when,
    };
    (findings.len() == before).then_some((rule, what?))
}

fn read_who(document: &Reading<'_>, place: &str, plans: &[&str], findings: &mut Vec<Finding>) -> Option<Who> {
    if is_any(document, place) {
        return Some(Who::Any);
    }
    document.object(place, findings);
    document.only_keys(place, &["client", "tenant", "plan"], findings);
    let mut list = |key: &str| document.words(&format!("{place}/{key}"), findings).unwrap_or_default();
    let (clients, tenants, named_plans) = (list("client"), list("tenant"), list("plan"));
    for (plan, at) in named_plans.iter().filter(|(p, _)| !plans.contains(&p.as_str())) {
        findings.push(document.unknown(at, plan, plans, &Text::new("方案", "plan")));
    }
    let words = |list: Vec<(String, String)>| list.into_iter().map(|(w, _)| w).collect::<Vec<_>>();
    let (clients, tenants, plans) = (words(clients), words(tenants), words(named_plans));
    if clients.is_empty() && tenants.is_empty() && plans.is_empty() {
        let message = Text::new("授权没有指明任何人", "The grant names nobody");
        findings.push(
            document
                .finding("grant-names-nobody", place, message)
                .expected("any, or client, tenant or plan", "nobody"),
        );
        return None;
    }
    Some(Who::Named {
        clients,
        tenants,
        plans,
    })
}

fn is_any(document: &Reading<'_>, place: &str) -> bool {
    document.0.value.pointer(place).and_then(serde_json::Value::as_str) == Some("any")
}

/// Words of a scale at a place.
fn read_scale<T>(document: &Reading<'_>, place: &str, all: &[T], findings: &mut Vec<Finding>) -> Option<Vec<T>>
where
    T: FromStr + Copy + std::fmt::Display,
{
    let words = document.words(place, findings)?;
    let known: Vec<String> = all.iter().map(ToString::to_string).collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let mut values = Vec::new();
    for (word, at) in words {
        match word.parse() {
            Ok(value) => values.push(value),
            Err(_) => findings.push(document.unknown(&at, &word, &known, &Text::new("取值", "value"))),
        }
    }
    Some(values)
}

/// Which operations a rule speaks of.
#[derive(Debug, Default)]
struct What {
    /// Member, words, places of the words.
    names: Vec<(&'static str, Vec<(String, String)>)>,
    audience: Option<Vec<Audience>>,
    assurance: Option<Vec<Assurance>>,
    level: Option<Vec<DataLevel>>,
    effect: Option<Vec<Effect>>,
}

const NAMES: [&str; 5] = ["operation", "service", "agency", "system", "domain"];

impl What {
    fn read(document: &Reading<'_>, place: &str, findings: &mut Vec<Finding>) -> Option<Self> {
        if is_any(document, place) {
            return Some(Self::default());
        }
        let at = |key: &str| format!("{place}/{key}");
        document.object(place, findings);
        let mut known = NAMES.to_vec();
        known.extend(["audience", "assurance", "level", "effect"]);
        document.only_keys(place, &known, findings);
        let what = Self {
            names: NAMES
                .iter()
                .filter_map(|n| Some((*n, document.words(&at(n), findings)?)))
                .collect(),
            audience: read_scale(document, &at("audience"), Audience::ALL, findings),
            assurance: read_scale(document, &at("assurance"), Assurance::ALL, findings),
            level: read_scale(document, &at("level"), DataLevel::ALL, findings),
            effect: read_scale(document, &at("effect"), Effect::ALL, findings),
        };
        if what.is_empty() {
            let message = Text::new("授权没有指明任何操作", "The grant names no operation");
            let expected = format!("any, or {}", known.join(", "));
            findings.push(
                document
                    .finding("grant-names-nothing", place, message)
                    .expected(expected, "nothing"),
            );
            return None;
        }
        Some(what)
    }

    /// Nothing said, or a member with an empty list, which no operation could fit.
    fn is_empty(&self) -> bool {
        let sizes = [
            self.audience.as_ref().map(Vec::len),
            self.assurance.as_ref().map(Vec::len),
            self.level.as_ref().map(Vec::len),
            self.effect.as_ref().map(Vec::len),
        ];
        let mut said = sizes
            .into_iter()
            .flatten()
            .chain(self.names.iter().map(|(_, w)| w.len()))
            .peekable();
        said.peek().is_none() || said.any(|n| n == 0)
    }

    fn fits(&self, operation: &Operation, domain: &str) -> bool {
        fn one_of<T: PartialEq>(list: Option<&Vec<T>>, value: &T) -> bool {
            list.is_none_or(|l| l.contains(value))
        }
        one_of(self.audience.as_ref(), &operation.audience)
            && one_of(self.assurance.as_ref(), &operation.assurance)
            && one_of(self.level.as_ref(), &operation.level)
            && one_of(self.effect.as_ref(), &operation.effect)
            && self.names.iter().all(|(member, words)| {
                let name = match *member {
                    "operation" => operation.id.to_string(),
                    "service" => operation.service.as_deref().unwrap_or_default().to_owned(),
                    "agency" => operation.system.agency.clone(),
                    "system" => operation.system.to_string(),
                    _ => domain.to_owned(),
                };
                words.iter().any(|(pattern, _)| matches(pattern, &name))
            })
    }

    /// A name without a star that the catalog does not have is a slip of the pen.
    fn check_names(&self, document: &Reading<'_>, catalog: &Catalog, findings: &mut Vec<Finding>) {
        for (member, words) in &self.names {
            let (known, what): (Vec<String>, Text) = match *member {
                "operation" => (
                    catalog.operations().iter().map(|o| o.id.to_string()).collect(),
                    Text::new("操作", "operation"),
                ),
                "service" => (
                    catalog.services().iter().map(|s| s.id.clone()).collect(),
                    Text::new("服务", "service"),
                ),
                "agency" => (
                    catalog.agencies().iter().map(|a| a.code.clone()).collect(),
                    Text::new("部门", "agency"),
                ),
                "system" => (
                    catalog.systems().iter().map(|s| s.id.to_string()).collect(),
                    Text::new("系统", "system"),
                ),
                _ => (
                    ["government", "livelihood", "city"].map(str::to_owned).to_vec(),
                    Text::new("领域", "domain"),
                ),
            };
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            for (word, at) in words.iter().filter(|(w, _)| !known.iter().any(|k| matches(w, k))) {
                findings.push(document.unknown(at, word, &known, &what));
            }
        }
    }
}

/// `*` at the end stands for anything.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => pattern == name,
    }
}
