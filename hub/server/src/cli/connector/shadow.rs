//! `hub connector shadow`: the contract held against the real system by reading alone (quirk 31).
//!
//! Nothing with an effect is ever sent: only operations whose contract says `none` are taken, and of their dialogues only
//! logins, questions and the reading itself. What is shown is names, places and kinds, never a value.

use super::super::args::ShadowSystem;
use super::super::documents::{folders, named};
use super::super::outcome::Outcome;
use super::once::target;
use super::shadow_report::{Case, Report, Verdict};
use crate::config::Config;
use crate::wiring::{Own, given_secrets};
use hub_catalog::{Catalog, Document};
use hub_connectors::fixture::Fixture;
use hub_connectors::trial::Trial;
use hub_connectors::{
    Availability, Connector, ConnectorError, Context, NoFiles, Purpose, Secrets, Session, Sketch, Step,
};
use hub_core::ports::{Answer, Call};
use hub_core::time::Timestamp;
use hub_core::{Effect, Lang, Operation, Outgoing, RawResponse, Returned, SystemId, Text};
use hub_outbound::{EgressPolicy, Outbound, SendErrorKind, Target};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// More steps than any dialogue needs.
const MOST_STEPS: usize = 64;
/// Longest wait for the system's budget before one call.
const PATIENCE: Duration = Duration::from_secs(30);

/// Inputs by operation: what was given, else what was recorded.
type Inputs = BTreeMap<String, Vec<Map<String, Value>>>;

pub async fn run(args: ShadowSystem, lang: Lang) -> Result<Outcome, Outcome> {
    named(&args.folders, lang)?;
    let system = super::system(&args.system, lang)?;
    let paths = folders(&args.folders, &Config::default().paths);
    let catalog = Catalog::load(&paths.specs).map_err(|f| Outcome::findings(&f, lang))?;
    let (connectors, findings) = hub_connectors::load_folder(&paths.connectors, &catalog);
    let Some(connector) = connectors.get(&system) else {
        let own = format!("{system}/");
        let of_system = |f: &hub_core::Finding| f.file.replace('\\', "/").contains(&own);
        let broken: Vec<_> = findings.into_iter().filter(of_system).collect();
        if !broken.is_empty() {
            return Err(Outcome::findings(&broken, lang));
        }
        let words = Text::new(
            format!("没有连接器 {system}"),
            format!("there is no connector for {system}"),
        );
        return Err(Outcome::misused(words.get(lang), lang));
    };
    let fixtures =
        hub_connectors::load_fixtures(&paths.connectors, &system).map_err(|f| Outcome::findings(&f, lang))?;
    let given = match &args.inputs {
        Some(file) => inputs(file, &catalog, &system, lang)?,
        None => Inputs::new(),
    };
    let source = given_secrets(args.secrets.as_deref()).map_err(|f| Outcome::findings(&f, lang))?;
    let secrets = Own::new(&source, &system);
    let missing = connector.secrets().iter().filter(|name| secrets.get(name).is_none());
    let missing: Vec<&str> = missing.map(String::as_str).collect();
    if !missing.is_empty() {
        let missing = missing.join(", ");
        let words = Text::new(
            format!("缺少密钥 {missing}：用 --secrets 给出"),
            format!("secrets are missing: {missing}; give them with --secrets"),
        );
        return Err(Outcome::misused(words.get(lang), lang));
    }
    let mut shadow = Shadow {
        target: target(connector, lang)?,
        outbound: Outbound::new(EgressPolicy::public()).map_err(|e| Outcome::failed(e, lang))?,
        trial: Trial {
            now: Timestamp::now(),
            random: 7,
            rsa: hub_crypto::rsa_generate().map_err(|e| Outcome::failed(e, lang))?,
        },
        catalog: &catalog,
        connector,
        secrets,
        session: None,
        left: args.most,
    };
    let mut report = Report::new(&system);
    for operation in catalog.operations_of(&system) {
        shadow.operation(operation, &given, &fixtures, &mut report).await;
    }
    let outcome = if args.json {
        Outcome::json(&report.json(lang))
    } else {
        Outcome::done(report.text(lang))
    };
    Ok(outcome.with_code(u8::from(!report.is_good())))
}

/// `operation: {field: value}` or a list of such, by id or by the part of it that is the system's own.
fn inputs(file: &Path, catalog: &Catalog, system: &SystemId, lang: Lang) -> Result<Inputs, Outcome> {
    let name = file.display().to_string();
    let bytes = std::fs::read(file).map_err(|e| Outcome::misused(format!("{name}: {e}"), lang))?;
    let document = Document::parse(&name, &bytes).map_err(|f| Outcome::findings(&[f], lang))?;
    let mut inputs = Inputs::new();
    for (word, value) in document.value.as_object().into_iter().flatten() {
        let known = catalog
            .operations_of(system)
            .find(|o| *o.id == **word || o.key() == word);
        let Some(operation) = known else {
            let words = Text::new(
                format!("{name}：{system} 没有操作 {word}"),
                format!("{name}: {system} has no operation {word}"),
            );
            return Err(Outcome::misused(words.get(lang), lang));
        };
        let all = match value {
            Value::Array(all) => all.clone(),
            one => vec![one.clone()],
        };
        for input in all {
            let input = input.as_object().cloned().unwrap_or_default();
            if let Err(wrong) = catalog.check_input(operation, &input) {
                // The place and the rule, not what was given: it may be a person's.
                let places: Vec<String> = wrong
                    .iter()
                    .map(|v| format!("{word} {}: {}", v.place, v.expected.get(lang)))
                    .collect();
                return Err(Outcome::misused(format!("{name}\n{}", places.join("\n")), lang));
            }
            inputs.entry(operation.id.to_string()).or_default().push(input);
        }
    }
    Ok(inputs)
}

/// One run against one system.
struct Shadow<'a> {
    catalog: &'a Catalog,
    connector: &'a Connector,
    secrets: Own,
    target: Target,
    outbound: Outbound,
    trial: Trial,
    /// The last login's, so that a run is one session where the system lets it be one.
    session: Option<Session>,
    /// Calls that may still be made.
    left: u32,
}

/// How one call ended.
enum End {
    Answer(Answer, Option<RawResponse>),
    Refused(ConnectorError),
    Silent(String),
    /// It was not made, or not to its end.
    Withheld(Text),
}

impl Shadow<'_> {
    async fn operation(
        &mut self,
        operation: &Arc<Operation>,
        given: &Inputs,
        fixtures: &[Fixture],
        report: &mut Report,
    ) {
        if operation.effect != Effect::None {
            return report.skip(
                operation,
                Text::new("有实际效果，从不调用", "it has an effect and is never called"),
            );
        }
        if let Availability::NotYet { reason } = self.connector.available(operation.key()) {
            return report.skip(operation, reason);
        }
        let recorded = fixtures.iter().filter(|f| f.operation() == operation.key());
        let recorded: Vec<&Fixture> = recorded.filter(|f| f.answered().is_some()).collect();
        let inputs: Vec<Map<String, Value>> = match given.get(&*operation.id) {
            Some(inputs) => inputs.clone(),
            None => recorded.iter().map(|f| f.input().clone()).collect(),
        };
        if inputs.is_empty() {
            let words = Text::new(
                "没有样例，也没有给出输入",
                "nothing is recorded of it and no input was given",
            );
            return report.skip(operation, words);
        }
        let known = self.known(operation, &recorded);
        for input in inputs {
            let end = self.call(operation, input).await;
            report.add(operation, self.judged(operation, end, known.as_ref()));
        }
    }

    /// The outline that its answers should have: as recorded, else as the manifest and the contract's examples say.
    fn known(&self, operation: &Arc<Operation>, recorded: &[&Fixture]) -> Option<Sketch> {
        let recorded = recorded.iter().filter_map(|f| f.answered().cloned());
        let examples = operation.examples.iter();
        let simulated = examples.filter_map(|e| self.trial.simulated(self.connector, operation, e));
        let mut answers = recorded.chain(simulated);
        answers.find_map(|answer| self.connector.sketch(operation.key(), &answer))
    }

    fn judged(&self, operation: &Operation, end: End, known: Option<&Sketch>) -> Case {
        let (answer, response) = match end {
            End::Withheld(words) => return Case::new(Verdict::NotTried, words),
            End::Silent(words) => return Case::new(Verdict::Unanswered, Text::same(words)),
            End::Refused(error) if error.is_not_found() => {
                let words = Text::new(
                    "系统没有这样的记录，什么也没有证明",
                    "the system has no such record; nothing is proved",
                );
                return Case::new(Verdict::NoRecord, words);
            }
            // Its texts hold names, places and kinds.
            End::Refused(error) => return Case::new(Verdict::Broken, Text::same(error.to_string())),
            End::Answer(answer, response) => (answer, response),
        };
        let mut case = Case::new(Verdict::Passed, Text::default());
        if let Err(violations) = self.catalog.check_output(operation, &answer.body) {
            case.breaks(&violations);
        }
        let seen = response.and_then(|r| self.connector.sketch(operation.key(), &r));
        if let (Some(known), Some(seen)) = (known, seen) {
            case.drifts(hub_gateway::apart(operation.key(), known, &seen));
        }
        case
    }

    async fn call(&mut self, operation: &Arc<Operation>, input: Map<String, Value>) -> End {
        let Ok(random) = hub_crypto::random::<32>() else {
            return End::Silent("no randomness".to_owned());
        };
        let call = Call {
            operation: Arc::clone(operation),
            input,
            subject: None,
            pairwise: Some("shadow".to_owned()),
            agent: None,
            submission: None,
            request_id: uuid::Uuid::now_v7().to_string(),
            controls: Vec::new(),
            deadline_ms: self.target.timeout_ms,
        };
        let session = self.session.clone();
        let connector = self.connector;
        let mut last = None;
        let mut step = connector.begin(&call, &self.context(random, session.as_ref()));
        for _ in 0..MOST_STEPS {
            let (request, purpose, dialogue) = match step {
                Err(error) => return End::Refused(error),
                Ok(Step::Done { answer, session, .. }) => {
                    self.session = session.or(self.session.take());
                    return End::Answer(answer, last);
                }
                Ok(Step::Send {
                    request,
                    purpose,
                    dialogue,
                }) => (request, purpose, dialogue),
            };
            if let Some(words) = withheld(&request, purpose) {
                return End::Withheld(words);
            }
            let returned = match self.send(request).await {
                Ok(returned) => returned,
                Err(end) => return end,
            };
            if let (Returned::Http(response), Purpose::Act) = (&returned, purpose) {
                last = Some(response.clone());
            }
            step = connector.resume(dialogue, &returned, &self.context(random, session.as_ref()));
        }
        End::Silent("the dialogue does not end".to_owned())
    }

    fn context<'c>(&'c self, random: [u8; 32], session: Option<&'c Session>) -> Context<'c> {
        Context {
            now: Timestamp::now(),
            random,
            secrets: &self.secrets,
            session,
            files: &NoFiles,
        }
    }

    /// One message within the system's budget: where that is used up for a moment, it is waited for.
    async fn send(&mut self, request: Outgoing) -> Result<Returned, End> {
        if self.left == 0 {
            let words = Text::new("到达 --most 的次数", "as many calls were made as --most allows");
            return Err(End::Withheld(words));
        }
        self.left -= 1;
        let patience = Instant::now() + PATIENCE;
        loop {
            let deadline = Instant::now() + Duration::from_millis(self.target.timeout_ms);
            let sent = self
                .outbound
                .carry("", &self.target, request.clone(), deadline, Effect::None)
                .await;
            match sent {
                Ok(returned) => return Ok(returned),
                Err(error) => match error.kind {
                    SendErrorKind::Budget { retry_after } if Instant::now() + retry_after < patience => {
                        sleep(retry_after.max(Duration::from_millis(20))).await;
                    }
                    _ => return Err(End::Silent(error.to_string())),
                },
            }
        }
    }
}

/// Why a message is not sent, though the operation only reads: it would leave something there.
fn withheld(request: &Outgoing, purpose: Purpose) -> Option<Text> {
    let writes = match request {
        Outgoing::Http(_) => purpose == Purpose::Upload,
        Outgoing::Sql(request) => !request.inserts.is_empty() || !request.updates.is_empty(),
        Outgoing::File(request) => !request.writes.is_empty(),
    };
    writes.then(|| {
        Text::new(
            "提问本身要写入行、文件或上传，因此不发出",
            "to ask, a row or file would have to be written or something uploaded, so it is not asked",
        )
    })
}
