//! From a manifest and a contract to a connector: everything laid together and checked.

mod calls;
mod formats;
mod later;
mod merge;
mod row_checks;
mod rows;
mod transports;

use crate::batch::Entry;
use crate::callback::{CallbackRules, Proof};
use crate::charset::Charset;
use crate::codec::WireDefaults;
use crate::connector::{Compiled, Connector};
use crate::dialect::{Preset, SPOKEN};
use crate::manifest::model::{AnswerPart, Frame, Manifest, Names, OperationPart, Place, RowSpec, Verify};
use crate::manifest::{self};
use crate::mapping::bind::{Bind, Codes};
use crate::protobuf::Messages;
use crate::settings::{Origin, Settings};
use crate::sign::Recipe;
use crate::untouched;
use crate::wiring::{SessionRules, Wiring};
use hub_catalog::Catalog;
use hub_catalog::document::{Document, escape, nearest};
use hub_core::{Finding, Operation, Severity, Shape, Text};
use rows::{Direction, RowCompiler};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

/// Milliseconds for one attempt where the manifest says nothing.
const DEFAULT_TIMEOUT_MS: u64 = 10_000;

/// Checks a manifest against the contract and makes it ready.
pub(crate) fn compile(document: &Document, catalog: &Catalog, origin: Origin) -> Result<Compiled, Vec<Finding>> {
    let manifest = manifest::read(document, origin)?;
    let operations: Vec<Arc<Operation>> = catalog.operations_of(&manifest.system).cloned().collect();
    if catalog.system(&manifest.system).is_none() {
        return Err(vec![unknown_system(document, catalog, &manifest)]);
    }
    let lines = lines_of(document.source());
    let Some(preset) = Preset::named(&manifest.upstream.dialect) else {
        return Err(vec![unknown_dialect(document, &manifest)]);
    };
    let mut compiler = Compiler::new(document, catalog, &manifest, &preset, origin);
    let compiled = compiler.connector(&operations, lines);
    let (errors, notes): (Vec<_>, Vec<_>) = std::mem::take(&mut compiler.findings)
        .into_iter()
        .partition(|f| f.severity == Severity::Error);
    if errors.is_empty() {
        Ok(Compiled {
            connector: compiled,
            notes,
            lines,
        })
    } else {
        Err(errors)
    }
}

/// Everything known while one manifest is compiled.
struct Compiler<'a> {
    document: &'a Document,
    catalog: &'a Catalog,
    manifest: &'a Manifest,
    frame: Frame,
    answer: AnswerPart,
    preset: &'a Preset,
    names: Names,
    wire: WireDefaults,
    codes: BTreeMap<String, Arc<Codes>>,
    recipe: Option<Recipe>,
    messages: Option<Arc<Messages>>,
    charset: Charset,
    findings: Vec<Finding>,
    used: HashSet<String>,
}

impl<'a> Compiler<'a> {
    fn new(
        document: &'a Document,
        catalog: &'a Catalog,
        manifest: &'a Manifest,
        preset: &'a Preset,
        _origin: Origin,
    ) -> Self {
        let mut findings = Vec::new();
        let wire = merge::wire(document, "", &manifest.wire, &WireDefaults::default(), &mut findings);
        let part = manifest.sign.as_ref();
        let recipe = part.and_then(|part| read_recipe(document, part, "/sign", &mut findings));
        let charset = match manifest.upstream.charset.as_deref() {
            None => preset.charset,
            Some(label) => Charset::named(label).unwrap_or(preset.charset),
        };
        let messages = merge::messages(document, manifest, &mut findings);
        let answers = manifest.upstream.answers.unwrap_or(preset.answers);
        Self {
            document,
            catalog,
            manifest,
            messages,
            frame: formats::of_answers(
                merge::frame(&preset.frame, &manifest.frame),
                answers,
                preset.answers,
                &manifest.frame,
            ),
            answer: merge::answer(&preset.answer, &manifest.answer),
            preset,
            names: manifest.names.unwrap_or(preset.names),
            wire,
            codes: tables(manifest),
            recipe,
            charset,
            findings,
            used: HashSet::new(),
        }
    }

    fn connector(&mut self, operations: &[Arc<Operation>], lines: usize) -> Connector {
        let mut plans = BTreeMap::new();
        let mut asks = BTreeMap::new();
        let mut not_yet = BTreeMap::new();
        let wiring = self.wiring();
        self.unknown_operations(operations);
        for operation in operations {
            let Some(part) = self.part_of(operation.key()) else {
                self.unbound(operation);
                continue;
            };
            if let Some(reason) = &part.not_yet {
                not_yet.insert(operation.key().to_owned(), reason.clone());
                continue;
            }
            let mut plan = self.plan(part, operation);
            if let Some(ask) = plan.ask.clone()
                && let Some(plan) = self.ask(&ask, part, operation, operations)
            {
                asks.insert(operation.key().to_owned(), Arc::new(plan));
            }
            plan.untouched = untouched::leaves_answers(&plan, &wiring);
            plans.insert(operation.key().to_owned(), Arc::new(plan));
        }
        let statement = self.statement(&mut plans);
        let login = self.login().map(Arc::new);
        let page = self.page().map(Arc::new);
        let refresh = self.refresh().map(Arc::new);
        let payments = self.payments(operations);
        let upload = self.upload().map(|(plan, rules)| (Arc::new(plan), rules));
        let callback = self.callback(operations);
        let news = self.news(operations);
        let resolve = self.resolve(operations);
        self.unused_rows(operations);
        self.lossy_parts();
        self.unused_frames();
        self.tls_note();
        let mut connector = Connector {
            system: self.manifest.system.clone(),
            settings: settings(self.manifest),
            lines,
            wiring,
            plans,
            asks,
            page,
            login,
            refresh,
            payments,
            statement,
            upload,
            callback,
            news,
            resolve,
            not_yet,
            secrets: Vec::new(),
        };
        connector.secrets = secrets(&connector);
        self.session_names(&connector);
        connector
    }

    fn wiring(&self) -> Wiring {
        Wiring {
            charset: self.charset,
            sign: self.recipe.clone(),
            seal: self.manifest.seal.clone(),
            jwt: self.manifest.jwt.clone(),
            xml_sign: self.manifest.xml_sign.clone(),
            session: self.manifest.session.as_ref().map(|s| SessionRules {
                page: s.page.iter().flat_map(|(_, read)| read.clone()).collect(),
                read: s.read.clone(),
                keep: s.keep.clone(),
                lives: s.lives.clone(),
                lost: s.lost.clone(),
            }),
            digest: self.manifest.auth.digest.clone(),
        }
    }

    fn part_of(&self, key: &str) -> Option<&'a OperationPart> {
        let manifest = self.manifest;
        manifest
            .operations
            .iter()
            .find(|o| o.key == key && !o.internal)
            .or(manifest.others.as_ref())
    }

    fn unbound(&mut self, operation: &Operation) {
        let key = operation.key();
        self.findings.push(
            self.document
                .finding(
                    "operation-not-bound",
                    "/operations",
                    Text::new(
                        format!("操作 `{key}` 没有绑定"),
                        format!("Operation `{key}` is not bound"),
                    ),
                )
                .expected(format!("`{key}: <call>` or `{key}: not-yet`"), "nothing"),
        );
    }

    fn unknown_operations(&mut self, operations: &[Arc<Operation>]) {
        let keys: Vec<&str> = operations.iter().map(|o| o.key()).collect();
        for part in &self.manifest.operations {
            if part.internal || part.statement.is_some() || keys.contains(&part.key.as_str()) {
                continue;
            }
            self.findings.push(
                self.document
                    .finding(
                        "unknown-operation",
                        &part.pointer,
                        Text::new(
                            format!("合同中没有操作 `{}`", part.key),
                            format!("The contract has no operation `{}`", part.key),
                        ),
                    )
                    .expected("an operation of the system, or `internal: true`", part.key.as_str())
                    .near(nearest(&part.key, keys.iter().copied())),
            );
        }
    }

    /// Tables and forms of the whole system in which different upstream values become one.
    fn lossy_parts(&mut self) {
        let document = self.document;
        for table in &self.manifest.codes {
            let Some(codes) = self.codes.get(&table.name).filter(|_| table.from.is_none()) else {
                continue;
            };
            let lost = codes.lossy();
            if !lost.is_empty() {
                let reason = "several codes mean one; the first of them is sent back";
                let pointer = format!("/codes/{}", escape(&table.name));
                self.findings
                    .push(row_checks::lossy(document, &pointer, reason, &lost.join(", ")));
            }
        }
        for (key, reason) in self.wire.losses() {
            let finding = row_checks::lossy(document, &format!("/wire/{key}"), reason, key);
            self.findings.push(finding);
        }
    }

    /// Whoever audits must see where the hub's own rules of TLS do not decide alone.
    fn tls_note(&mut self) {
        let Some(tls) = &self.manifest.upstream.tls else { return };
        let until = tls.until.map_or_else(|| "-".to_owned(), |day| day.to_string());
        let finding = self.document.finding(
            "tls-of-its-own",
            "/upstream/tls",
            Text::new(
                format!(
                    "该系统的 TLS 另有规定（固定证书 {} 个，至 {until}）：{}",
                    tls.pins.len(),
                    tls.why
                ),
                format!(
                    "The TLS of this system has rules of its own ({} pinned, until {until}): {}",
                    tls.pins.len(),
                    tls.why
                ),
            ),
        );
        self.findings.push(finding.severity(Severity::Note));
    }

    /// `session:x` names must be read at login.
    fn session_names(&mut self, connector: &Connector) {
        let known: Vec<&str> = connector
            .wiring
            .session
            .iter()
            .flat_map(|s| {
                s.read
                    .iter()
                    .map(|(n, _)| n.as_str())
                    .chain(s.keep.iter().map(String::as_str))
                    .chain(s.page.iter().map(|(n, _)| n.as_str()))
            })
            .collect();
        let mut seen = HashSet::new();
        let own = self.manifest.operations.iter().flat_map(|o| &o.send);
        let refresh = self
            .manifest
            .session
            .iter()
            .filter_map(|s| s.refresh.as_ref())
            .flat_map(|(_, send)| send);
        // A login without a page before it has no session yet.
        let login = self
            .manifest
            .session
            .iter()
            .filter(|s| s.page.is_some())
            .flat_map(|s| &s.send);
        for item in self.manifest.send.iter().chain(own).chain(refresh).chain(login) {
            for name in item.value.session_values() {
                if !known.contains(&name) && seen.insert(item.pointer.clone()) {
                    self.findings.push(
                        self.document
                            .finding(
                                "unknown-session-value",
                                &item.pointer,
                                Text::new(format!("会话没有 `{name}`"), format!("The session has no `{name}`")),
                            )
                            .expected("a name under `session.read`", name)
                            .near(nearest(name, known.iter().copied())),
                    );
                }
            }
        }
    }

    fn unused_rows(&mut self, operations: &[Arc<Operation>]) {
        let mut names = BTreeSet::new();
        for operation in operations {
            for shape in [&operation.input, &operation.output] {
                names.extend(shape.children.iter().map(|c| c.name.to_string()));
            }
        }
        let names: Vec<String> = names.into_iter().collect();
        let catalog = self.catalog;
        let known = |name: &str| catalog.field(name).is_some() || names.iter().any(|n| n == name);
        let sections = std::iter::once(&self.manifest.rows)
            .chain(self.manifest.operations.iter().filter(|o| !o.internal).map(|o| &o.rows))
            .chain(self.manifest.others.as_ref().map(|o| &o.rows));
        let mut findings = Vec::new();
        for section in sections {
            for rows in [&section.fields, &section.request, &section.response] {
                findings.extend(row_checks::unused(self.document, rows, &self.used, &known, &names));
            }
        }
        self.findings.extend(findings);
    }

    /// Every field the rows know, for knocks and news: they may carry any of them.
    fn any_rows(&mut self, own: &'a [RowSpec], part: &str, operations: &[Arc<Operation>]) -> Vec<Bind> {
        let mut all = Shape::empty();
        for operation in operations {
            for child in operation.output.children.iter().chain(&operation.input.children) {
                if all.child(&child.name).is_none() {
                    let mut child = child.clone();
                    child.required = false;
                    all.children.push(child);
                }
            }
        }
        let system = &self.manifest.rows;
        let layered = rows::overlay(&[&system.fields, &system.response, own]);
        let reached = HashSet::new();
        let mut findings = Vec::new();
        RowCompiler {
            document: self.document,
            direction: Direction::Response,
            codes: &self.codes,
            wire: &self.wire,
            names: Names::Rows,
            place: Place::Body,
            reached: &reached,
            path_names: &[],
            in_query: false,
            has_upload: self.manifest.files.is_some(),
            operation: part,
            pointer: &format!("/{part}"),
            findings: &mut findings,
            used: &mut self.used,
        }
        .resolve(&layered, &all)
    }

    fn callback(&mut self, operations: &[Arc<Operation>]) -> Option<CallbackRules> {
        let part = self.manifest.callback.as_ref()?;
        let system = &self.manifest.rows;
        let layered = rows::overlay(&[&system.fields, &system.response, &part.fields]);
        let binds = self.any_rows(&part.fields, "callback", operations);
        if matches!(part.verify, Verify::None) {
            self.findings.push(
                self.document
                    .finding(
                        "callback-unverified",
                        "/callback",
                        Text::new(
                            "回调没有校验",
                            "The callback is not verified: whoever knows the address can knock",
                        ),
                    )
                    .severity(Severity::Warning),
            );
        }
        let own = part.sign.as_ref();
        let own = own.and_then(|own| read_recipe(self.document, own, "/callback/sign", &mut self.findings));
        Some(CallbackRules {
            verify: match &part.verify {
                Verify::Sign => Proof::Sign(own.map(Box::new)),
                Verify::Secret(template, spot) => Proof::Secret(Arc::clone(template), spot.clone()),
                Verify::None => Proof::None,
            },
            format: part.sends.or(self.manifest.upstream.sends).unwrap_or(self.preset.sends),
            form: if part.data.is_self() {
                crate::manifest::model::TextForm::Object
            } else {
                self.frame.form.unwrap_or_default()
            },
            case: part.case.clone(),
            state: part.state.clone(),
            time: part.time.clone(),
            data: part.data.clone(),
            binds,
            answer: part.answer.clone(),
            refuse: part.refuse.clone(),
            poll: part.poll.clone().filter(|(ask, _)| self.can_poll(ask, operations)),
            steps: part.steps.iter().cloned().collect(),
            order: part
                .state
                .as_ref()
                .and_then(|s| later::order_of(s, &layered, &self.codes))
                .unwrap_or_default(),
            state_field: part.state.as_ref().and_then(|s| later::field_of(s, &layered)),
        })
    }
}

/// A recipe of signatures; its mistakes are findings at their places.
fn read_recipe(document: &Document, part: &Value, at: &str, findings: &mut Vec<Finding>) -> Option<Recipe> {
    match Recipe::parse(part) {
        Ok(recipe) => Some(recipe),
        Err(mistakes) => {
            for (pointer, words) in mistakes {
                let at = format!("{at}{pointer}");
                findings.push(document.finding("bad-sign", &at, Text::new("签名方案有误", words)));
            }
            None
        }
    }
}

/// Code tables by name, each with all its versions.
fn tables(manifest: &Manifest) -> BTreeMap<String, Arc<Codes>> {
    let mut tables: BTreeMap<String, Codes> = BTreeMap::new();
    for table in &manifest.codes {
        tables
            .entry(table.name.clone())
            .or_default()
            .add(table.from, table.entries.clone());
    }
    tables
        .into_iter()
        .map(|(name, codes)| (name, Arc::new(codes)))
        .collect()
}

fn settings(manifest: &Manifest) -> Settings {
    Settings {
        base: manifest
            .upstream
            .url
            .clone()
            .unwrap_or_else(|| format!("${{{}}}", manifest.system.upstream_variable())),
        known_as: manifest.upstream.known_as.clone(),
        timeout_ms: manifest.upstream.timeout_ms.unwrap_or(DEFAULT_TIMEOUT_MS),
        limits: manifest.limits,
        closed: manifest.closed.clone(),
        has_session: manifest.session.is_some(),
        tls: manifest.upstream.tls.clone(),
        logins_daily: manifest.session.as_ref().and_then(|s| s.daily),
        clock_of_answers: manifest.upstream.clock_of_answers,
        expires: manifest.expires.clone(),
    }
}

fn secrets(connector: &Connector) -> Vec<String> {
    let mut names = BTreeSet::new();
    let plans = connector
        .plans
        .values()
        .chain(connector.asks.values())
        .chain(&connector.page)
        .chain(&connector.login)
        .chain(&connector.refresh)
        .chain(connector.upload.iter().map(|(p, _)| p));
    for plan in plans {
        let templates = plan.send.iter().map(|i| &i.value);
        let basic = plan.basic.iter().flat_map(|(u, p)| [u, p]);
        let wsse = plan.wsse.iter().flat_map(|w| [&w.user, &w.password]);
        let entry = plan.entry().into_iter().flat_map(Entry::templates);
        for template in templates.chain(basic).chain(wsse).chain(entry) {
            names.extend(template.secrets().map(str::to_owned));
        }
    }
    if let Some(CallbackRules {
        verify: Proof::Secret(template, _),
        ..
    }) = &connector.callback
    {
        names.extend(template.secrets().map(str::to_owned));
    }
    let digest = connector.wiring.digest.iter().flat_map(|(u, p)| [u, p]);
    names.extend(digest.flat_map(|t| t.secrets()).map(str::to_owned));
    names.extend(connector.signing_secrets().into_iter().map(|(n, _)| n));
    names.extend(
        connector
            .wiring
            .xml_sign
            .iter()
            .flat_map(crate::xmlsig::XmlSign::secrets),
    );
    names.extend(connector.wiring.jwt.iter().flat_map(|j| j.secrets()));
    names.extend(connector.wiring.seal.iter().flat_map(crate::seal::Seal::secrets));
    names.into_iter().collect()
}

/// Lines that say something.
fn lines_of(source: &str) -> usize {
    source
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty() && !l.starts_with('#'))
        .count()
}

fn unknown_system(document: &Document, catalog: &Catalog, manifest: &Manifest) -> Finding {
    let names: Vec<String> = catalog.systems().iter().map(|s| s.id.to_string()).collect();
    let name = manifest.system.to_string();
    document
        .finding(
            "unknown-system",
            "/system",
            Text::new(
                format!("目录中没有系统 `{name}`：没有规范的连接器无法使用"),
                format!("The catalog has no system `{name}`: a connector without a spec is of no use"),
            ),
        )
        .expected("a system of the catalog", name.clone())
        .near(nearest(&name, names.iter().map(String::as_str)))
}

fn unknown_dialect(document: &Document, manifest: &Manifest) -> Finding {
    let word = &manifest.upstream.dialect;
    let (code, zh, en) = if word.is_empty() {
        (
            "missing-key",
            "缺少 `upstream.dialect`".to_owned(),
            "`upstream.dialect` is missing".to_owned(),
        )
    } else {
        (
            "unknown-word",
            format!("没有方言 `{word}`"),
            format!("There is no dialect `{word}`"),
        )
    };
    document
        .finding(code, "/upstream/dialect", Text::new(zh, en))
        .expected(format!("one of {}", SPOKEN.join(", ")), word.as_str())
        .near(nearest(word, SPOKEN))
}

/// Pointer of a key below a part.
fn below(at: &str, key: &str) -> String {
    format!("{at}/{}", escape(key))
}
