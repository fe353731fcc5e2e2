//! The envelope of answers: where they say whether it went well, in which words, and where the data is.

use super::upstream::{Kind, Node, Part, UpstreamCall};
use super::values::text;
use super::words::squeezed;
use super::write::quoted;
use hub_core::Text;
use serde_json::Value;
use std::collections::HashMap;

/// Names of codes, the surer ones first.
const CODES: &[&str] = &[
    "resultcode",
    "retcode",
    "returncode",
    "respcode",
    "rspcode",
    "rtncode",
    "errcode",
    "errorcode",
    "errno",
    "code",
    "resultflag",
    "success",
    "status",
    "state",
    "flag",
    "rescode",
    "statuscode",
    "fhz",
    "jgdm",
    "issuccess",
    "ret",
];
const MESSAGES: &[&str] = &[
    "resultmsg",
    "retmsg",
    "returnmsg",
    "respmsg",
    "rspmsg",
    "rtnmsg",
    "errmsg",
    "errormsg",
    "message",
    "msg",
    "info",
    "errinfo",
    "errormessage",
    "resultmessage",
    "returnmessage",
    "resmsg",
    "description",
    "desc",
    "fhxx",
    "jgms",
    "ms",
    "error",
];
const DATA: &[&str] = &[
    "data",
    "result",
    "body",
    "content",
    "rows",
    "payload",
    "returndata",
    "resultdata",
    "bizcontent",
    "response",
    "output",
    "datas",
];
const HEADS: &[&str] = &["head", "header", "status", "result", "response", "resphead", "rsphead"];

/// The envelope of one answer. Pointers are as in the manifest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Envelope {
    pub(super) code: Option<String>,
    pub(super) message: Option<String>,
    pub(super) data: String,
    /// Values the code was seen with, or may have.
    pub(super) seen: Vec<String>,
    /// The code is a truth value or a number.
    pub(super) kind: CodeKind,
}

/// Kind of the code, for a guess where no value is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum CodeKind {
    #[default]
    Text,
    Number,
    Truth,
}

/// Finds the envelope of a tree and takes it off: what remains is where rows start.
pub(super) fn take(tree: &mut Node) -> Envelope {
    let mut found = find(tree, "", 4).unwrap_or_else(|| bare(tree));
    if let Some(data) = at(tree, &found.data).cloned() {
        let drop = |pointer: &Option<String>| {
            let (above, name) = pointer.as_deref()?.rsplit_once('/')?;
            (above == found.data).then(|| name.to_owned())
        };
        let gone = [drop(&found.code), drop(&found.message)];
        *tree = data;
        tree.children.retain(|c| !gone.iter().flatten().any(|g| *g == c.name));
    } else {
        found.data = String::new();
    }
    found
}

fn at<'n>(tree: &'n Node, pointer: &str) -> Option<&'n Node> {
    pointer
        .split('/')
        .filter(|s| !s.is_empty())
        .try_fold(tree, |node, step| node.child(step))
}

fn named<'n>(node: &'n Node, names: &[&str], test: fn(&Node) -> bool) -> Option<&'n Node> {
    names
        .iter()
        .find_map(|wanted| node.children.iter().find(|c| squeezed(&c.name) == *wanted && test(c)))
}

fn scalar(node: &Node) -> bool {
    node.kind != Kind::Object && !node.is_list
}

fn find(node: &Node, above: &str, left: usize) -> Option<Envelope> {
    let left = left.checked_sub(1)?;
    if node.is_list {
        return None;
    }
    let message = named(node, MESSAGES, scalar);
    let data = named(node, DATA, |n| !scalar(n)).or_else(|| named(node, &["data", "result"], |n| n.samples.is_empty()));
    // `status` beside business data is no envelope; beside a message or data it is.
    let code = named(node, CODES, scalar).filter(|c| {
        let vague = matches!(
            squeezed(&c.name).as_str(),
            "code" | "status" | "state" | "flag" | "success" | "ret"
        );
        !vague
            || message.is_some() && (data.is_some() || node.children.len() <= 3)
            || data.is_some() && node.children.len() <= 4
    });
    if let Some(code) = code {
        return Some(envelope(above, code, message, data));
    }
    // A head with the code beside a body with the data.
    if let Some(head) = named(node, HEADS, |n| n.kind == Kind::Object && !n.is_list)
        && let Some(code) = named(head, CODES, scalar)
    {
        let body = named(node, DATA, |n| !scalar(n));
        let message = named(head, MESSAGES, scalar);
        let mut made = envelope(above, code, message, body);
        made.code = Some(format!("{above}/{}/{}", head.name, code.name));
        made.message = message.map(|m| format!("{above}/{}/{}", head.name, m.name));
        return Some(made);
    }
    match node.children.as_slice() {
        [only] if only.kind == Kind::Object && !only.is_list => find(only, &format!("{above}/{}", only.name), left),
        _ => None,
    }
}

fn envelope(above: &str, code: &Node, message: Option<&Node>, data: Option<&Node>) -> Envelope {
    let seen: Vec<String> = if code.choices.is_empty() {
        code.samples.iter().map(text).collect()
    } else {
        code.choices.clone()
    };
    let said = success(&code.words);
    Envelope {
        code: Some(format!("{above}/{}", code.name)),
        message: message.map(|m| format!("{above}/{}", m.name)),
        data: data.map_or_else(|| above.to_owned(), |d| format!("{above}/{}", d.name)),
        seen: said.map_or(seen, |s| vec![s]),
        kind: match code.kind {
            Kind::Boolean => CodeKind::Truth,
            Kind::Number => CodeKind::Number,
            _ if code.samples.iter().any(Value::is_boolean) => CodeKind::Truth,
            _ => CodeKind::Text,
        },
    }
}

/// No envelope; but where one object holds everything, rows start in it.
fn bare(tree: &Node) -> Envelope {
    let mut data = String::new();
    let mut node = tree;
    while let ([only], false) = (node.children.as_slice(), node.is_list) {
        if only.kind != Kind::Object || only.is_list {
            break;
        }
        data = format!("{data}/{}", only.name);
        node = only;
    }
    Envelope {
        data,
        ..Envelope::default()
    }
}

/// The code that words call success: `0成功`, `1：成功`, `0000 success`.
fn success(words: &str) -> Option<String> {
    let low = words.to_lowercase();
    let at = ["成功", "正常", "success", " ok"]
        .iter()
        .filter_map(|w| low.find(w))
        .min()?;
    let before: String = low
        .get(..at)?
        .chars()
        .rev()
        .skip_while(|c| !c.is_ascii_alphanumeric())
        .collect();
    let code: String = before.chars().take_while(char::is_ascii_alphanumeric).collect();
    let code: String = code.chars().rev().collect();
    code.chars().any(|c| c.is_ascii_digit()).then_some(code)
}

/// The envelope that most calls have as the system's; the others say what differs.
pub(super) fn unify(envelopes: &[Envelope], calls: &mut [UpstreamCall]) -> Option<Part> {
    let mut counts: HashMap<(Option<&String>, Option<&String>, &String), usize> = HashMap::new();
    for e in envelopes {
        *counts
            .entry((e.code.as_ref(), e.message.as_ref(), &e.data))
            .or_default() += 1;
    }
    let usual = envelopes
        .iter()
        .enumerate()
        .max_by_key(|(i, e)| {
            let count = counts
                .get(&(e.code.as_ref(), e.message.as_ref(), &e.data))
                .copied()
                .unwrap_or(0);
            (count, std::cmp::Reverse(*i))
        })
        .map(|(_, e)| e.clone())?;
    for (envelope, call) in envelopes.iter().zip(calls.iter_mut()) {
        let mut differs = Vec::new();
        if envelope.code != usual.code
            && let Some(code) = &envelope.code
        {
            differs.push(format!("code: {}", quoted(code)));
        }
        if envelope.message != usual.message
            && let Some(message) = &envelope.message
        {
            differs.push(format!("message: {}", quoted(message)));
        }
        if envelope.data != usual.data {
            let data = if envelope.data.is_empty() { "/" } else { &envelope.data };
            differs.push(format!("data: {}", quoted(data)));
        }
        if !differs.is_empty() {
            call.more
                .push(("answer".to_owned(), format!("{{{}}}", differs.join(", "))));
        }
    }
    part(&usual, envelopes)
}

fn part(usual: &Envelope, envelopes: &[Envelope]) -> Option<Part> {
    let mut entries = Vec::new();
    let (mut confidence, mut reason) = (80, Text::new("应答的共同结构", "what the answers have in common"));
    if let Some(code) = &usual.code {
        entries.push(("code".to_owned(), quoted(code)));
        let seen: Vec<&String> = envelopes.iter().flat_map(|e| &e.seen).collect();
        let (ok, sure) = good(&seen, usual.kind);
        if !sure {
            confidence = 40;
            reason = Text::new("成功码是猜的，请核对", "the code of success is a guess: check it");
        }
        entries.push(("ok".to_owned(), quoted(&ok)));
    }
    if let Some(message) = &usual.message {
        entries.push(("message".to_owned(), quoted(message)));
    }
    if !usual.data.is_empty() {
        entries.push(("data".to_owned(), quoted(&usual.data)));
    }
    (!entries.is_empty()).then(|| Part::new("answer", entries, confidence, reason))
}

/// The code of success among those seen: the most frequent of what looks like success.
fn good(seen: &[&String], kind: CodeKind) -> (String, bool) {
    const USUAL: &[&str] = &[
        "0",
        "0000",
        "000000",
        "00",
        "200",
        "1",
        "ok",
        "success",
        "true",
        "y",
        "s",
        "10000",
        "20000",
        "0x00000000",
    ];
    let usual = |s: &&&String| USUAL.contains(&s.to_lowercase().as_str());
    let mut counts: HashMap<&String, usize> = HashMap::new();
    for s in seen {
        *counts.entry(s).or_default() += 1;
    }
    let rank = |s: &&&String| (usual(s), counts.get(**s).copied().unwrap_or(0));
    if let Some(best) = seen.iter().rev().max_by_key(rank) {
        return ((*best).clone(), usual(&best));
    }
    let guess = match kind {
        CodeKind::Truth => "true",
        CodeKind::Number | CodeKind::Text => "0",
    };
    (guess.to_owned(), kind == CodeKind::Truth)
}
