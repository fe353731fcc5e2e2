//! How often the matcher is right: the reference city's own manifests are the truth.

use super::assign::{self};
use super::upstream::{Kind, Node, Upstream, UpstreamCall};
use super::*;
use crate::mapping::bind::Bind;
use crate::mapping::path::Path;
use crate::plan::Plan;
use crate::sign::SecretKind;
use crate::{Availability, Context, NoFiles, ServerContext, Step};
use hub_core::RawRequest;
use hub_core::ports::{Answer, Call};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::LazyLock;

struct City {
    catalog: Catalog,
    connectors: BTreeMap<SystemId, Arc<Connector>>,
}

static CITY: LazyLock<City> = LazyLock::new(|| {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let catalog = Catalog::load(&root.join("../specs")).unwrap_or_else(|f| panic!("{}", f[0]));
    let (connectors, _) = crate::load_folder(&root, &catalog);
    City { catalog, connectors }
});

/// Pairs of one direction, with the paths of lists in front of those of their members, as proposals give them.
fn truth(binds: &[Bind], upstream: &str, canonical: &str, pairs: &mut Vec<(String, String)>) {
    let below = |above: &str, name: &str| {
        if above.is_empty() {
            name.to_owned()
        } else {
            format!("{above}/{name}")
        }
    };
    for bind in binds {
        let (up, own) = (
            below(upstream, &shown(&bind.path)),
            below(canonical, &shown(&bind.field)),
        );
        pairs.push((up.clone(), own.clone()));
        truth(bind.rows.as_deref().unwrap_or_default(), &up, &own, pairs);
    }
}

fn shown(path: &Path) -> String {
    path.to_string().trim_start_matches('/').to_owned()
}

/// Manifests may leave the marks of lists out where no row is written; here they say nothing.
fn unmarked(path: &str) -> String {
    path.replace("[]", "")
}

fn is_list(bind: &Bind) -> bool {
    bind.item.is_some()
}

/// A tree with nothing but names, as a manual's table has them.
fn names(binds: &[Bind], node: &mut Node) {
    node.kind = Kind::Object;
    for bind in binds {
        let path = shown(&bind.path);
        let steps: Vec<&str> = path.trim_end_matches("[]").split('/').collect();
        let mut at = &mut *node;
        for (i, step) in steps.iter().enumerate() {
            let index = match at.children.iter().position(|c| c.name == *step) {
                Some(index) => index,
                None => {
                    at.children.push(Node::named(step));
                    at.children.len() - 1
                }
            };
            at = &mut at.children[index];
            if i + 1 < steps.len() {
                at.kind = Kind::Object;
            }
        }
        at.is_list = is_list(bind);
        if let Some(rows) = &bind.rows {
            names(rows, at);
        }
    }
}

#[derive(Default, Debug)]
struct Tally {
    calls: usize,
    calls_right: usize,
    rows: usize,
    rows_right: usize,
    rows_taken: usize,
    rows_taken_right: usize,
}

impl Tally {
    fn share(right: usize, of: usize) -> f64 {
        right as f64 * 100.0 / of.max(1) as f64
    }

    fn line(&self, what: &str) -> String {
        format!(
            "{what}: operations {}/{} ({:.1} %), rows {}/{} ({:.1} %), of those in force {}/{} right ({:.1} %)",
            self.calls_right,
            self.calls,
            Self::share(self.calls_right, self.calls),
            self.rows_right,
            self.rows,
            Self::share(self.rows_right, self.rows),
            self.rows_taken_right,
            self.rows_taken,
            Self::share(self.rows_taken_right, self.rows_taken)
        )
    }
}

fn plans(connector: &Connector) -> Vec<&Arc<Plan>> {
    connector.plans.values().filter(|p| p.operation.is_some()).collect()
}

#[test]
fn names_alone_find_most_rows_of_the_reference_city() {
    let mut tally = Tally::default();
    let mut misses: BTreeMap<(String, String), usize> = BTreeMap::new();
    for (system, connector) in &CITY.connectors {
        let plans = plans(connector);
        if plans.is_empty() {
            continue;
        }
        let calls = plans.iter().map(|plan| {
            let (mut request, mut response) = (Node::default(), Node::default());
            names(&plan.request, &mut request);
            names(&plan.response, &mut response);
            UpstreamCall {
                name: plan.code.clone().unwrap_or_else(|| plan.key.clone()),
                call: plan.key.clone(),
                method: plan.method.clone(),
                request,
                response,
                ..UpstreamCall::default()
            }
        });
        let upstream = Upstream {
            calls: calls.collect(),
            dialect: "rest-json",
            is_complete: true,
            ..Upstream::default()
        };
        let mut matcher = Matcher::new();
        let operations: Vec<Arc<Operation>> = CITY.catalog.operations_of(system).cloned().collect();
        // Operations are given here: this is about rows.
        let pairings: Vec<Pairing<'_>> = operations
            .iter()
            .map(|operation| Pairing {
                operation: Arc::clone(operation),
                call: upstream.calls.iter().find(|c| c.call == operation.key()),
                confidence: 99,
                reason: Text::default(),
                others: Vec::new(),
            })
            .collect();
        let together = pair::together(&pairings);
        for pairing in &pairings {
            let Some(call) = pairing.call else { continue };
            let Some(plan) = plans.iter().find(|p| p.key == pairing.operation.key()) else {
                continue;
            };
            for (node, shape, binds) in [
                (&call.request, &pairing.operation.input, &plan.request),
                (&call.response, &pairing.operation.output, &plan.response),
            ] {
                let matches = assign::assign(&mut matcher, &node.places(), &assign::fields(shape), &together);
                let mut found = Vec::new();
                flatten("", "", &matches, &mut found);
                let mut pairs = Vec::new();
                truth(binds, "", "", &mut pairs);
                for (upstream, canonical) in pairs {
                    let (upstream, canonical) = (unmarked(&upstream), unmarked(&canonical));
                    let chosen = found.iter().find(|f| unmarked(&f.0) == upstream);
                    let right = chosen.is_some_and(|f| f.1 == canonical);
                    tally.rows += 1;
                    tally.rows_right += usize::from(right);
                    if let Some(chosen) = chosen.filter(|f| f.2 >= TAKEN) {
                        tally.rows_taken += 1;
                        tally.rows_taken_right += usize::from(chosen.1 == canonical);
                    }
                    if !right {
                        *misses.entry((upstream, canonical)).or_default() += 1;
                    }
                }
            }
        }
    }
    println!("{}", tally.line("names alone"));
    let mut worst: Vec<_> = misses.into_iter().collect();
    worst.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    for ((upstream, canonical), n) in worst.iter().take(40) {
        println!("  {n} {upstream} {canonical}");
    }
    assert!(tally.rows > 5_000, "{tally:?}");
    assert!(Tally::share(tally.rows_right, tally.rows) > 97.0, "{tally:?}");
    assert!(
        Tally::share(tally.rows_taken_right, tally.rows_taken) > 99.0,
        "{tally:?}"
    );
}

/// Secrets made up for a connector.
fn secrets(connector: &Connector, pair: &(String, String)) -> BTreeMap<String, String> {
    let signing = connector.signing_secrets();
    let value = |name: &String| match signing.iter().find(|(n, _)| n == name) {
        Some((_, SecretKind::Rsa)) if name.contains("public") || name.contains("verify") => pair.1.clone(),
        Some((_, SecretKind::Rsa)) => pair.0.clone(),
        _ => format!("{name}-value"),
    };
    connector.secrets().iter().map(|n| (n.clone(), value(n))).collect()
}

fn raw(request: &RawRequest, response: &hub_core::RawResponse) -> Vec<u8> {
    let mut text = format!("{} {} HTTP/1.1\r\n", request.method, request.target).into_bytes();
    let mut message = |headers: &[(String, String)], body: &[u8]| {
        for (name, value) in headers {
            text.extend(format!("{name}: {value}\r\n").into_bytes());
        }
        text.extend(b"\r\n");
        text.extend(body);
        text.extend(b"\r\n");
    };
    message(&request.headers, &request.body);
    text.extend(format!("HTTP/1.1 {} OK\r\n", response.status).into_bytes());
    let mut message = |headers: &[(String, String)], body: &[u8]| {
        for (name, value) in headers {
            text.extend(format!("{name}: {value}\r\n").into_bytes());
        }
        text.extend(b"\r\n");
        text.extend(body);
        text.extend(b"\r\n");
    };
    message(&response.headers, &response.body);
    text
}

/// What somebody would have recorded at the system: every example of the contract through both halves.
fn recorded(system: &SystemId, connector: &Connector, keys: &(String, String)) -> (Vec<u8>, BTreeMap<String, String>) {
    let now: hub_core::time::Timestamp = "2026-04-08T02:15:30Z".parse().unwrap();
    let secrets = secrets(connector, keys);
    let mut text = Vec::new();
    let mut lines = BTreeMap::new();
    for operation in CITY.catalog.operations_of(system) {
        if connector.available(operation.key()) != Availability::Live {
            continue;
        }
        let example = operation
            .examples
            .iter()
            .find(|e| e.input.is_some() && e.output.is_some());
        let Some((input, output)) = example.and_then(|e| Some((e.input.clone()?, e.output.clone()?))) else {
            continue;
        };
        let call = Call {
            operation: Arc::clone(operation),
            input,
            subject: None,
            pairwise: Some("p".into()),
            agent: None,
            submission: Some("s".into()),
            request_id: "r".into(),
            controls: Vec::new(),
            deadline_ms: 1_000,
        };
        let context = Context {
            now,
            random: [3; 32],
            secrets: &secrets,
            session: None,
            files: &NoFiles,
        };
        let mut step = connector.begin(&call, &context);
        while let Ok(Step::Send { request, dialogue, .. }) = step {
            // Only HTTP is recorded.
            let Some(request) = request.http().cloned() else { break };
            lines.insert(
                operation.key().to_owned(),
                format!("{} {}", request.method, request.path()),
            );
            let server = ServerContext { now, secrets: &secrets };
            let response = connector.serve(&request, &server, &mut |_, _| {
                Ok(Answer::new(operation.status, output.clone()))
            });
            text.extend(raw(&request, &response));
            step = connector.resume(dialogue, &response.into(), &context);
        }
    }
    (text, lines)
}

/// Whether a call is the one that was recorded: its code, or its method and path with variables.
fn is_call(call: &str, code: Option<&str>, line: &str) -> bool {
    if let Some(code) = code {
        return call == code;
    }
    let (call, line): (Vec<&str>, Vec<&str>) = (call.split('/').collect(), line.split('/').collect());
    call.len() == line.len() && call.iter().zip(&line).all(|(a, b)| a == b || a.starts_with('{'))
}

#[test]
fn recordings_of_the_reference_city_give_its_manifests_back() {
    let keys = hub_crypto::rsa_generate().unwrap();
    let mut tally = Tally::default();
    let (mut systems, mut complete, mut dialects) = (0, 0, 0);
    let mut wrong: BTreeMap<String, usize> = BTreeMap::new();
    let mut left: BTreeMap<String, usize> = BTreeMap::new();
    let mut misses: BTreeMap<(String, String), usize> = BTreeMap::new();
    for (system, connector) in &CITY.connectors {
        let plans = plans(connector);
        if plans.is_empty() {
            continue;
        }
        systems += 1;
        let (text, calls) = recorded(system, connector, &keys);
        let proposal = match propose("recorded.http", &text, system, &CITY.catalog, Lang::En) {
            Ok(proposal) => proposal,
            Err(error) => {
                println!("{system}: {error}");
                continue;
            }
        };
        let own = std::fs::read_to_string(
            PathBuf::from(env!("CARGO_MANIFEST_DIR"))
                .join(system.to_string())
                .join("connector.yaml"),
        )
        .unwrap();
        let same = own.contains(&format!("dialect: {}", proposal.dialect));
        dialects += usize::from(same);
        if !same {
            println!(
                "{system}: {} for {}",
                proposal.dialect,
                own.lines().find(|l| l.contains("dialect")).unwrap_or_default()
            );
        }
        complete += usize::from(proposal.findings.is_empty());
        for finding in &proposal.findings {
            *left
                .entry(format!("{} {}", finding.code, finding.message.en))
                .or_default() += 1;
        }
        for plan in plans {
            let Some(operation) = proposal.operations.iter().find(|o| o.operation == plan.key) else {
                continue;
            };
            let mut pairs = Vec::new();
            truth(&plan.request, "", "", &mut pairs);
            truth(&plan.response, "", "", &mut pairs);
            let Some(line) = calls.get(&plan.key) else { continue };
            tally.calls += 1;
            let right = operation
                .call
                .as_ref()
                .is_some_and(|c| is_call(c, plan.code.as_deref(), line));
            tally.calls_right += usize::from(right);
            if !right {
                *wrong
                    .entry(format!("{} {:?} for {line} {:?}", plan.key, operation.call, plan.code))
                    .or_default() += 1;
            }
            for (upstream, canonical) in pairs {
                let (upstream, canonical) = (unmarked(&upstream), unmarked(&canonical));
                let chosen = operation.pairs.iter().find(|p| unmarked(&p.0) == upstream);
                // What the examples do not show nobody can find.
                let shows = |u: &String| upstream == unmarked(u) || upstream.starts_with(&format!("{}/", unmarked(u)));
                let visible = chosen.is_some() || operation.unused.iter().any(shows);
                if !visible {
                    continue;
                }
                let good = chosen.is_some_and(|p| unmarked(&p.1) == canonical);
                tally.rows += 1;
                tally.rows_right += usize::from(good);
                if let Some(chosen) = chosen.filter(|p| p.2 >= TAKEN) {
                    tally.rows_taken += 1;
                    tally.rows_taken_right += usize::from(unmarked(&chosen.1) == canonical);
                }
                if !good {
                    *misses.entry((upstream, canonical)).or_default() += 1;
                }
            }
        }
    }
    println!("{}", tally.line("recorded"));
    for (what, list) in [("wrong call", wrong), ("left", left)] {
        let mut list: Vec<_> = list.into_iter().collect();
        list.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
        list.iter()
            .take(30)
            .for_each(|(text, n)| println!("  {what} {n} {text}"));
    }
    println!("systems {systems}, dialect recognised {dialects}, usable as it is {complete}");
    let mut worst: Vec<_> = misses.into_iter().collect();
    worst.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    for ((upstream, canonical), n) in worst.iter().take(40) {
        println!("  {n} {upstream} {canonical}");
    }
    assert!(tally.rows > 3_000, "{tally:?}");
    assert!(Tally::share(tally.rows_right, tally.rows) > 90.0, "{tally:?}");
    // What stands in force must be right: a wrong row costs more than a missing one.
    assert!(
        Tally::share(tally.rows_taken_right, tally.rows_taken) > 99.0,
        "{tally:?}"
    );
    // Sealed bodies, rows and files are not recordings of HTTP, and a public standard is chosen by who knows that it is spoken.
    assert!(
        dialects * 10 >= systems * 8 && complete * 2 > systems,
        "{dialects} and {complete} of {systems}"
    );
}
