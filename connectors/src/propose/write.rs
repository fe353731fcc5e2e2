//! A proposal as a manifest that a person reads: every row with how sure it is and why, doubtful ones as comments.

use super::merge::{Row, Rows, Side};
use super::upstream::{Part, Upstream};
use hub_core::{Lang, SystemId, Text};

/// Column from which comments stand.
const COLUMN: usize = 46;

/// One operation of the manifest.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) key: String,
    /// `None`: not bound.
    pub(super) call: Option<String>,
    pub(super) more: Vec<(String, String)>,
    pub(super) confidence: u8,
    pub(super) reason: Text,
    pub(super) others: Vec<(String, u8)>,
}

/// A YAML scalar, in quotes where it needs them, inside braces too.
pub(super) fn quoted(text: &str) -> String {
    const WORDS: &[&str] = &["true", "false", "null", "yes", "no", "on", "off", "y", "n", "~"];
    let starts = text.starts_with(|c: char| c.is_alphabetic() || matches!(c, '/' | '$' | '_'));
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '/' | '_' | '.' | '-' | '$' | ' ');
    let is_plain = starts
        && text.chars().all(plain)
        && !text.ends_with(' ')
        && !WORDS.contains(&text.to_ascii_lowercase().as_str());
    if is_plain {
        text.to_owned()
    } else {
        serde_json::Value::from(text).to_string()
    }
}

/// A key on a line of its own.
fn key(name: &str) -> String {
    let odd = name.starts_with(['@', '#', '*', '[', '.', '&', '!', '"', '%', '{'])
        || name.contains(": ")
        || name.contains(" #");
    let digits = name.bytes().all(|b| b.is_ascii_digit());
    if odd || digits {
        serde_json::Value::from(name).to_string()
    } else {
        name.to_owned()
    }
}

struct Sheet {
    lines: Vec<String>,
    lang: Lang,
}

impl Sheet {
    fn put(&mut self, text: &str, confidence: u8, reason: &Text) {
        let reason = reason.get(self.lang);
        let width = text.chars().count();
        let gap = " ".repeat(COLUMN.saturating_sub(width).max(2));
        let mark = if reason.is_empty() {
            format!("{confidence} %")
        } else {
            format!("{confidence} % {reason}")
        };
        self.lines.push(format!("{text}{gap}# {mark}"));
    }

    fn say(&mut self, zh: &str, en: &str) {
        let words = if self.lang == Lang::Zh { zh } else { en };
        self.lines.push(format!("# {words}"));
    }
}

/// The whole manifest.
pub(super) fn manifest(
    system: &SystemId,
    title: &Text,
    upstream: &Upstream,
    rows: &Rows,
    lines: &[Line],
    lang: Lang,
) -> String {
    let mut sheet = Sheet {
        lines: Vec::new(),
        lang,
    };
    sheet.lines.push(format!("# {}", title.get(lang)));
    sheet.say(
        "由 hub connector new 提出。每行后是把握和理由；把握不足的行是注释，请核对后启用。",
        "Proposed by hub connector new. Behind each line stands how sure it is and why; doubtful lines are comments: check them.",
    );
    if let Some(address) = &upstream.address {
        let address: String = address.chars().filter(|c| !c.is_control()).collect();
        let variable = system.upstream_variable();
        sheet.say(
            &format!("来源中的地址：{address}；运行时由变量 {variable} 给出"),
            &format!("Address in the source: {address}; {variable} gives it when the hub runs"),
        );
    }
    sheet.lines.push(format!("system: {system}"));
    let path = upstream
        .path
        .as_deref()
        .filter(|p| *p != "/")
        .map(|p| format!(", path: {}", quoted(p)));
    sheet.lines.push(format!(
        "upstream: {{dialect: {}{}}}",
        upstream.dialect,
        path.unwrap_or_default()
    ));
    for part in &upstream.parts {
        put_part(&mut sheet, part);
    }
    if !rows.wire.is_empty() {
        let reason = Text::new("值的样子", "what values look like");
        put_part(&mut sheet, &Part::new("wire", quoted_all(&rows.wire), 85, reason));
    }
    put_codes(&mut sheet, rows);
    if let Some(names) = rows.names {
        let reason = if names == "rows" {
            Text::new("没有行的字段不发送", "what has no row is not sent")
        } else {
            Text::new("名称只是写法不同", "the contract's names in another form")
        };
        sheet.put(&format!("names: {names}"), 95, &reason);
    }
    put_rows(&mut sheet, "fields", &rows.fields);
    put_rows(&mut sheet, "request", &rows.request);
    put_operations(&mut sheet, rows, lines);
    sheet.lines.join("\n") + "\n"
}

fn quoted_all(entries: &[(String, String)]) -> Vec<(String, String)> {
    entries.iter().map(|(k, v)| (k.clone(), quoted(v))).collect()
}

fn flow(entries: &[(String, String)]) -> String {
    let entries: Vec<String> = entries.iter().map(|(k, v)| format!("{}: {v}", key(k))).collect();
    format!("{{{}}}", entries.join(", "))
}

fn put_part(sheet: &mut Sheet, part: &Part) {
    let mark = if part.is_hint { "# " } else { "" };
    sheet.put(
        &format!("{mark}{}: {}", part.key, flow(&part.entries)),
        part.confidence,
        &part.reason,
    );
}

fn put_codes(sheet: &mut Sheet, rows: &Rows) {
    if rows.codes.is_empty() {
        return;
    }
    sheet.lines.push("codes:".to_owned());
    for (name, table) in &rows.codes {
        let known: Vec<String> = table
            .iter()
            .filter_map(|(code, value)| {
                Some(format!(
                    "{}: {}",
                    serde_json::Value::from(code.as_str()),
                    quoted(value.as_deref()?)
                ))
            })
            .collect();
        let unknown: Vec<&str> = table
            .iter()
            .filter(|(_, v)| v.is_none())
            .map(|(c, _)| c.as_str())
            .collect();
        let share = u8::try_from(known.len() * 90 / table.len().max(1)).unwrap_or(90);
        let reason = if unknown.is_empty() {
            Text::new("代码的词", "words of the codes")
        } else {
            let unknown = unknown.join(", ");
            Text::new(format!("不认识：{unknown}"), format!("not recognised: {unknown}"))
        };
        sheet.put(&format!("  {name}: {{{}}}", known.join(", ")), share, &reason);
    }
}

fn put_rows(sheet: &mut Sheet, section: &str, rows: &[Row]) {
    if rows.is_empty() {
        return;
    }
    // A section of comments only would be an empty value.
    let head = if rows.iter().any(Row::is_taken) {
        format!("{section}:")
    } else {
        format!("# {section}:")
    };
    sheet.lines.push(head);
    for row in rows {
        put_row(sheet, row, 2, false);
    }
}

fn put_row(sheet: &mut Sheet, row: &Row, indent: usize, in_comment: bool) {
    let off = in_comment || !row.is_taken();
    let mark = if off { "# " } else { "" };
    let space = " ".repeat(indent);
    let mut reason = row.reason.clone();
    if !row.others.is_empty() {
        let others: Vec<String> = row.others.iter().map(|(f, c)| format!("{f} {c} %")).collect();
        let others = others.join(", ");
        reason = Text::new(
            format!("{}；或 {others}", reason.zh),
            format!("{}; or {others}", reason.en),
        );
    }
    if row.rows.is_empty() {
        sheet.put(
            &format!("{space}{mark}{}: {}", key(&row.upstream), value(row)),
            row.confidence,
            &reason,
        );
        return;
    }
    let canonical = row.canonical.first().map_or("", String::as_str);
    sheet.put(
        &format!("{space}{mark}{}:", key(&row.upstream)),
        row.confidence,
        &reason,
    );
    let inner = row.rows.iter().any(Row::is_taken);
    let open = if inner { "" } else { " {}" };
    sheet.lines.push(format!("{space}{mark}  {canonical}:{open}"));
    for member in &row.rows {
        put_row(sheet, member, indent + 4, off);
    }
}

/// Field, list of fields, codec and code list.
fn value(row: &Row) -> String {
    let fields = match row.canonical.as_slice() {
        [one] => one.clone(),
        many => return format!("[{}]", many.join(", ")),
    };
    let behind = [&row.table, &row.form];
    behind.iter().filter_map(|b| b.as_deref()).fold(fields, |made, b| {
        let form = format!(" | {b}");
        made + &form
    })
}

/// A row inside braces.
fn flow_row(row: &Row) -> String {
    if row.rows.is_empty() {
        let name = quoted(&row.upstream);
        let text = value(row);
        let text = if text.starts_with('[') || !text.contains([',', ':', '{']) {
            text
        } else {
            serde_json::Value::from(text).to_string()
        };
        return format!("{name}: {text}");
    }
    let members: Vec<String> = row.rows.iter().filter(|r| r.is_taken()).map(flow_row).collect();
    let canonical = row.canonical.first().map_or("", String::as_str);
    format!("{}: {{{canonical}: {{{}}}}}", quoted(&row.upstream), members.join(", "))
}

fn put_operations(sheet: &mut Sheet, rows: &Rows, lines: &[Line]) {
    sheet.lines.push("operations:".to_owned());
    for line in lines {
        let others: Vec<String> = line.others.iter().map(|(c, p)| format!("{c} {p} %")).collect();
        let mut reason = line.reason.clone();
        if !others.is_empty() && line.confidence < 75 {
            let others = others.join(", ");
            reason = Text::new(
                format!("{}；或 {others}", reason.zh),
                format!("{}; or {others}", reason.en),
            );
        }
        let Some(call) = &line.call else {
            reason = Text::new(
                format!("没有认出调用{}", reason.zh),
                format!("no call was recognised{}", reason.en),
            );
            sheet.put(&format!("  {}: not-yet", line.key), line.confidence, &reason);
            continue;
        };
        let mut more = line.more.clone();
        for (side, name) in [(Side::Request, "request"), (Side::Response, "response")] {
            if let Some(own) = rows.own.get(&(line.key.clone(), side)) {
                let rows: Vec<String> = own.iter().map(flow_row).collect();
                more.push((name.to_owned(), format!("{{{}}}", rows.join(", "))));
            }
        }
        let call = quoted_call(call, !more.is_empty());
        let text = if more.is_empty() {
            format!("  {}: {call}", line.key)
        } else {
            more.insert(0, ("call".to_owned(), call));
            format!("  {}: {}", line.key, flow(&more))
        };
        sheet.put(&text, line.confidence, &reason);
    }
}

/// `GET /a/{b}` needs quotes inside braces only.
fn quoted_call(call: &str, in_braces: bool) -> String {
    let plain = call
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | ' '))
        && !call.bytes().all(|b| b.is_ascii_digit());
    let braces = !in_braces
        && call.chars().all(|c| c.is_ascii_graphic() || c == ' ')
        && call.contains('/')
        && !call.contains(" #");
    if plain || braces {
        call.to_owned()
    } else {
        serde_json::Value::from(call).to_string()
    }
}
