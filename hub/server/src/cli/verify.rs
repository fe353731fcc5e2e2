//! `hub verify`: a back end held against its own description.

use super::args::BackendArgs;
use super::description::{description, unread};
use super::outcome::Outcome;
use super::report::{Entry, Suite, junit};
use hub_core::wire::RawRequest;
use hub_core::{Effect, Lang, Severity, SystemId, Text};
use hub_outbound::{EgressPolicy, Outbound, Target, UpstreamLimits};
use hub_sandbox::mock::verify::{Answered, Case, Fault, Kind};
use hub_sandbox::mock::{Listed, Mock, Sample};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

/// Longest a single answer is waited for, in milliseconds.
const PATIENCE: u64 = 10_000;

/// The same thing wrong with one operation, however often it was seen.
struct Group {
    fault: Fault,
    operation: String,
    times: usize,
    what: Text,
    id: String,
    curl: String,
}

/// What became of a run.
#[derive(Default)]
struct Run {
    groups: BTreeMap<(String, &'static str), Group>,
    sent: BTreeMap<&'static str, usize>,
    operations: usize,
    /// Operations that refused credentials: what they really do was not seen.
    closed: usize,
    unheard: Option<String>,
    left: usize,
}

struct Caller {
    outbound: Outbound,
    base: Url,
    headers: Vec<(String, String)>,
    until: Instant,
}

pub async fn run(args: BackendArgs, lang: Lang) -> Outcome {
    let description = match description(&args.spec) {
        Ok(description) => description,
        Err(refused) => return unread(&refused, args.json, lang),
    };
    let mock = match Mock::new(description, args.seed) {
        Ok(mock) => mock.guarded(),
        Err(error) => return Outcome::failed(error, lang),
    };
    let caller = match caller(&args, lang) {
        Ok(caller) => caller,
        Err(outcome) => return outcome,
    };
    let mut run = Run::default();
    let operations: Vec<Listed> = mock.operations().collect();
    for listed in &operations {
        let cases = mock.cases(listed);
        let wanted = cases.iter().filter(|c| args.only.as_ref().is_none_or(|id| *id == c.id));
        let wanted: Vec<&Case> = wanted
            .filter(|c| !args.reads || matches!(c.request.method.as_str(), "GET" | "HEAD"))
            .collect();
        run.operations += usize::from(!wanted.is_empty());
        for case in wanted {
            if run.unheard.is_some() || caller.is_over() {
                run.left += 1;
                continue;
            }
            one(&mock, &caller, case, listed, &mut run).await;
        }
    }
    if args.only.is_none() && !args.reads {
        stories(&mock, &caller, &mut run).await;
    }
    told(&run, &args, lang)
}

fn caller(args: &BackendArgs, lang: Lang) -> Result<Caller, Outcome> {
    let wrong = |words: &str| Outcome::misused(words, lang);
    let base = Url::parse(&args.address)
        .ok()
        .filter(|u| matches!(u.scheme(), "http" | "https"));
    let base = base.ok_or_else(|| wrong("BASE_URL: http://… or https://…"))?;
    let (Some(host), Some(port)) = (base.host_str(), base.port_or_known_default()) else {
        return Err(wrong("BASE_URL: a host is missing"));
    };
    // Whoever runs this names the address; it stands on their own machine as a rule.
    let policy = EgressPolicy::public().allow_inner(host, port);
    let mut headers = Vec::new();
    for header in &args.given {
        let (name, value) = header.split_once(':').ok_or_else(|| wrong("--header 'Name: value'"))?;
        headers.push((name.trim().to_owned(), value.trim().to_owned()));
    }
    Ok(Caller {
        outbound: Outbound::new(policy).map_err(|e| Outcome::failed(e, lang))?,
        base,
        headers,
        until: Instant::now() + Duration::from_secs(args.budget),
    })
}

impl Caller {
    fn is_over(&self) -> bool {
        Instant::now() >= self.until
    }

    /// The request as it is sent: with the headers that were given in place of invented ones.
    fn request(&self, case: &Case) -> RawRequest {
        let Sample {
            method,
            path,
            query,
            headers,
            body,
        } = case.request.clone();
        let mut all = headers;
        if case.kind != Kind::Unguarded {
            for (name, value) in &self.headers {
                all.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
                all.push((name.clone(), value.clone()));
            }
        }
        RawRequest {
            method,
            target: if query.is_empty() {
                path
            } else {
                format!("{path}?{query}")
            },
            headers: all,
            body,
        }
    }

    async fn send(&self, case: &Case) -> Result<Answered, String> {
        let target = Target {
            // Of its own, so that what one request breaks keeps no other from being sent.
            system: SystemId::new("verify", &case.id),
            base: self.base.clone(),
            limits: UpstreamLimits::default(),
            timeout_ms: PATIENCE,
            trusted_loopback: true,
            tls: None,
        };
        let deadline = Instant::now() + Duration::from_millis(PATIENCE);
        let answer = self
            .outbound
            .send(&target, self.request(case), deadline, Effect::None)
            .await;
        let answer = answer.map_err(|e| e.to_string())?;
        Ok(Answered {
            status: answer.status,
            headers: answer.headers,
            body: answer.body,
        })
    }

    fn curl(&self, case: &Case) -> String {
        let request = self.request(case);
        let quoted = |text: &str| format!("'{}'", text.replace('\'', "'\\''"));
        let mut line = format!("curl -i -X {}", request.method);
        for (name, value) in &request.headers {
            let _ = write!(line, " -H {}", quoted(&format!("{name}: {value}")));
        }
        if !request.body.is_empty() && request.body.len() <= 2_000 {
            let _ = write!(line, " -d {}", quoted(&String::from_utf8_lossy(&request.body)));
        }
        let base = self.base.as_str().trim_end_matches('/');
        let _ = write!(line, " {}", quoted(&format!("{base}{}", request.target)));
        line
    }
}

async fn one(mock: &Mock, caller: &Caller, case: &Case, listed: &Listed, run: &mut Run) {
    *run.sent.entry(case.kind.as_str()).or_default() += 1;
    match caller.send(case).await {
        Ok(answered) => {
            if case.kind == Kind::Positive && matches!(answered.status, 401 | 403) {
                run.closed += 1;
            }
            for fault in mock.judge(case, &answered) {
                run.note(caller, case, &format!("{} {}", listed.method, listed.path), fault);
            }
        }
        // Nobody at home is one finding, not a thousand.
        Err(error) if run.sent.values().sum::<usize>() == 1 => run.unheard = Some(error),
        Err(error) => {
            let text = Text::new(format!("没有应答：{error}"), format!("no answer: {error}"));
            let fault = Fault {
                rule: "no-answer",
                text,
            };
            run.note(caller, case, &format!("{} {}", listed.method, listed.path), fault);
        }
    }
}

async fn stories(mock: &Mock, caller: &Caller, run: &mut Run) {
    for mut story in mock.stories() {
        while let Some(turn) = mock.turn(&story) {
            if run.unheard.is_some() || caller.is_over() {
                run.left += 1;
                break;
            }
            *run.sent.entry("story").or_default() += 1;
            let Ok(answered) = caller.send(&turn.case).await else {
                break;
            };
            let place = format!("{} {}", turn.case.request.method, turn.case.request.path);
            if let Some(fault) = mock.told_turn(&mut story, &turn, &answered) {
                run.note(caller, &turn.case, &place, fault);
            }
        }
    }
}

impl Run {
    fn note(&mut self, caller: &Caller, case: &Case, operation: &str, fault: Fault) {
        let key = (operation.to_owned(), fault.rule);
        let group = self.groups.entry(key).or_insert_with(|| Group {
            operation: operation.to_owned(),
            times: 0,
            what: case.what.clone(),
            id: case.id.clone(),
            curl: caller.curl(case),
            fault,
        });
        group.times += 1;
    }

    fn fails(&self) -> bool {
        !self.groups.is_empty() || self.unheard.is_some()
    }
}

fn told(run: &Run, args: &BackendArgs, lang: Lang) -> Outcome {
    let code = u8::from(run.fails());
    if args.junit {
        let entries = run.groups.values().map(|group| entry(group, args, lang)).collect();
        let suite = Suite {
            file: args.address.clone(),
            entries,
        };
        return Outcome::done(junit("hub verify", &[suite])).with_code(code);
    }
    if args.json {
        let groups: Vec<Value> = run.groups.values().map(view).collect();
        let sent: usize = run.sent.values().sum();
        return Outcome::json(&json!({
            "operations": run.operations, "requests": sent, "by_kind": run.sent, "not_sent": run.left,
            "unauthorized": run.closed, "unreachable": run.unheard, "findings": groups,
        }))
        .with_code(code);
    }
    Outcome::done(text(run, args, lang)).with_code(code)
}

fn view(group: &Group) -> Value {
    json!({
        "rule": group.fault.rule, "operation": group.operation, "message": group.fault.text, "times": group.times,
        "first": group.what, "replay": group.id, "curl": group.curl,
    })
}

fn entry(group: &Group, args: &BackendArgs, lang: Lang) -> Entry {
    let message = group.fault.text.get(lang).to_owned();
    Entry {
        id: group.fault.rule.to_owned(),
        severity: Severity::Error,
        fails: true,
        title: format!("{}: {}", group.operation, group.fault.rule),
        line: format!("{}: {message}", group.operation),
        message: format!("{message}\n{}\n{}", group.what.get(lang), group.curl),
        file: args.spec.display().to_string(),
        place: (1, 1),
        pointer: group.operation.clone(),
        excuse: None,
    }
}

fn text(run: &Run, args: &BackendArgs, lang: Lang) -> String {
    let mut out = String::new();
    if let Some(error) = &run.unheard {
        let _ = match lang {
            Lang::Zh => writeln!(out, "{} 没有应答：{error}\n请检查地址、端口和防火墙", args.address),
            Lang::En => writeln!(
                out,
                "{} does not answer: {error}\nCheck address, port and firewall",
                args.address
            ),
        };
        return out;
    }
    for group in run.groups.values() {
        let times = match lang {
            Lang::Zh => format!("{} 次", group.times),
            Lang::En => format!("{} ×", group.times),
        };
        let _ = writeln!(out, "{}  {}  ({times})", group.operation, group.fault.rule);
        let _ = writeln!(out, "    {}", group.fault.text.get(lang));
        let _ = writeln!(out, "    {}", group.what.get(lang));
        let _ = writeln!(out, "    {}", group.curl);
        let _ = writeln!(
            out,
            "    hub verify {} --spec {} --seed {} --only {}",
            args.address,
            args.spec.display(),
            args.seed,
            group.id
        );
    }
    let sent: usize = run.sent.values().sum();
    let kinds: Vec<String> = run.sent.iter().map(|(kind, n)| format!("{kind} {n}")).collect();
    let _ = match lang {
        Lang::Zh => writeln!(
            out,
            "{} 个操作，{sent} 次请求（{}），{} 类问题",
            run.operations,
            kinds.join("，"),
            run.groups.len()
        ),
        Lang::En => writeln!(
            out,
            "{} operations, {sent} requests ({}), {} findings",
            run.operations,
            kinds.join(", "),
            run.groups.len()
        ),
    };
    if run.left > 0 {
        let _ = match lang {
            Lang::Zh => writeln!(out, "时间用完，还有 {} 次没有发出（--budget）", run.left),
            Lang::En => writeln!(out, "the time was up, {} were not sent (--budget)", run.left),
        };
    }
    if run.closed > 0 {
        let _ = match lang {
            Lang::Zh => writeln!(out, "{} 个操作拒绝了凭证：用 --header 给出", run.closed),
            Lang::En => writeln!(
                out,
                "{} operations refused the credentials: give some with --header",
                run.closed
            ),
        };
    }
    out
}
