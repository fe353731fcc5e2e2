//! `hub verify`: a back end held against its own description.

use super::args::BackendArgs;
use super::description::{description, unread};
use super::outcome::Outcome;
use super::report::{Entry, Suite, junit};
use crate::backend::{self, Caller, Group, Run, Wanted};
use hub_core::{Lang, Severity};
use hub_outbound::{EgressPolicy, Outbound};
use hub_sandbox::mock::Mock;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

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
    let wanted = Wanted {
        only: args.only.clone(),
        reads: args.reads,
        hidden: None,
    };
    let run = backend::run(&mock, &caller, &wanted, &|_| {}).await;
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
        inner: true,
        pace: Duration::ZERO,
        stop: Arc::default(),
    })
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
        return Outcome::json(&run.report()).with_code(code);
    }
    Outcome::done(text(run, args, lang)).with_code(code)
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
