//! `hub connector explain`: why would they refuse our signature?

use super::super::args::ExplainOperation;
use super::super::outcome::Outcome;
use super::aim;
use hub_connectors::{Context, Explanation, NoFiles};
use hub_core::Lang;
use hub_core::time::Timestamp;
use serde_json::json;
use std::collections::BTreeMap;

pub fn run(args: &ExplainOperation, lang: Lang) -> Result<Outcome, Outcome> {
    let aimed = aim::take(&args.aim, lang)?;
    let random = hub_crypto::random::<32>().map_err(|e| Outcome::failed(e, lang))?;
    // Secrets that are not at hand are blanked anyway: their place is enough to see what is covered.
    let names = aimed.connector.secrets().iter();
    let (mut secrets, mut assumed) = (BTreeMap::new(), Vec::new());
    for name in names {
        let given = hub_connectors::Secrets::get(&aimed.secrets, name);
        if given.is_none() {
            assumed.push(name.clone());
        }
        secrets.insert(name.clone(), given.unwrap_or_else(|| format!("secret-{name}")));
    }
    let context = Context {
        now: Timestamp::now(),
        random,
        secrets: &secrets,
        session: None,
        files: &NoFiles,
    };
    let failed = |e: hub_connectors::ConnectorError| Outcome::failed(e, lang);
    let login = aimed
        .connector
        .explain_login(&aimed.call, &context)
        .transpose()
        .map_err(failed)?;
    let act = aimed.connector.explain(&aimed.call, &context).map_err(failed)?;
    if args.aim.json {
        let value = json!({"operation": aimed.operation.id, "login": login, "call": act, "secrets_missing": assumed});
        return Ok(Outcome::json(&value));
    }
    let mut out = Vec::new();
    if let Some(login) = &login {
        out.push(if lang == Lang::Zh {
            "== 登录".to_owned()
        } else {
            "== login".to_owned()
        });
        out.extend(lines(login, lang));
        out.push(String::new());
    }
    out.push(if lang == Lang::Zh {
        "== 调用".to_owned()
    } else {
        "== call".to_owned()
    });
    out.extend(lines(&act, lang));
    let outcome = Outcome::done(out.join("\n"));
    if assumed.is_empty() {
        return Ok(outcome);
    }
    let assumed = assumed.join(", ");
    Ok(outcome.saying(match lang {
        Lang::Zh => format!("没有给出密钥 {assumed}：签名值不是真的，被覆盖的文本是真的（--secrets）"),
        Lang::En => format!(
            "secrets not given: {assumed}; the signature is not the real one, the text it covers is (--secrets)"
        ),
    }))
}

/// A request as it stands on the wire, and how its signature came about.
fn lines(explained: &Explanation, lang: Lang) -> Vec<String> {
    let mut out = vec![explained.request_line()];
    out.extend(explained.headers.iter().map(|(n, v)| format!("{n}: {v}")));
    if !explained.body.is_empty() {
        out.push(String::new());
        out.push(explained.body.clone());
    }
    let Some(signature) = &explained.signature else {
        out.push(String::new());
        out.push(if lang == Lang::Zh {
            "（没有签名）".to_owned()
        } else {
            "(not signed)".to_owned()
        });
        return out;
    };
    out.push(String::new());
    out.push(if lang == Lang::Zh {
        "-- 签名覆盖的准确文本：".to_owned()
    } else {
        "-- the exact text that is signed:".to_owned()
    });
    out.push(signature.covered.clone());
    for step in &signature.steps {
        out.push(format!("-- {} ({}): {}", step.key, step.about.get(lang), step.text));
    }
    if explained.assumed_session {
        out.push(if lang == Lang::Zh {
            "（会话的值是假设的）".to_owned()
        } else {
            "(the values of the session are assumed)".to_owned()
        });
    }
    out
}
