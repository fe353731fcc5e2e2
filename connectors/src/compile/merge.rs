//! Laying the parts of a dialect, a system and an operation over each other: what is more particular wins, key by key.

use crate::codec::WireDefaults;
use crate::manifest::model::{AnswerPart, Frame, Layout, LayoutField, Manifest, Paging, Wire};
use crate::mapping::encode::Absent;
use crate::protobuf::Messages;
use hub_catalog::document::{Document, escape, nearest};
use hub_core::{Finding, Text};
use std::sync::Arc;

/// One envelope over another.
pub(super) fn answer(base: &AnswerPart, over: &AnswerPart) -> AnswerPart {
    AnswerPart {
        code: over.code.clone().or_else(|| base.code.clone()),
        ok: over.ok.clone().or_else(|| base.ok.clone()),
        when: over.when.clone().or_else(|| base.when.clone()),
        message: over.message.clone().or_else(|| base.message.clone()),
        data: over.data.clone().or_else(|| base.data.clone()),
        form: over.form.or(base.form),
        levels: over.levels.or(base.levels),
        jsonp: over.jsonp.or(base.jsonp),
        empty: over.empty.clone().or_else(|| base.empty.clone()),
        content_type: over.content_type.clone().or_else(|| base.content_type.clone()),
        layout: layout(base.layout.as_ref(), over.layout.as_ref()),
    }
}

/// One layout over another: an operation has its fields, the system its separators and lengths.
fn layout(base: Option<&Layout>, over: Option<&Layout>) -> Option<Layout> {
    let (Some(base), Some(over)) = (base, over) else {
        return over.or(base).cloned();
    };
    let listed = |over: &Vec<LayoutField>, base: &Vec<LayoutField>| {
        if over.is_empty() { base.clone() } else { over.clone() }
    };
    Some(Layout {
        length: over.length.or(base.length),
        whole: over.whole || base.whole,
        separator: if over.separator.is_empty() {
            base.separator.clone()
        } else {
            over.separator.clone()
        },
        trailing: over.trailing || base.trailing,
        fields: listed(&over.fields, &base.fields),
        rows: over.rows.clone().or_else(|| base.rows.clone()),
        of: listed(&over.of, &base.of),
    })
}

/// One set of page names over another.
pub(super) fn paging(base: Option<&Paging>, over: Option<&Paging>) -> Option<Paging> {
    let (Some(base), Some(over)) = (base, over) else {
        return over.or(base).cloned();
    };
    // Who counts pages or rows where the dialect follows links means a server that has no links.
    let counts = |p: &Paging| p.page.is_some() || p.offset.is_some() || p.start.is_some();
    let links = base.next.clone().filter(|_| counts(base) || !counts(over));
    Some(Paging {
        page: over.page.clone().or_else(|| base.page.clone()),
        size: over.size.clone().or_else(|| base.size.clone()),
        offset: over.offset.clone().or_else(|| base.offset.clone()),
        start: over.start.clone().or_else(|| base.start.clone()),
        end: over.end.clone().or_else(|| base.end.clone()),
        total: over.total.clone().or_else(|| base.total.clone()),
        next: over.next.clone().or(links),
        list: over.list.clone().or_else(|| base.list.clone()),
        pages: over.pages.clone().or_else(|| base.pages.clone()),
        max: over.max.or(base.max),
        fields: over.fields.clone().or_else(|| base.fields.clone()),
    })
}

/// One frame over another.
pub(super) fn frame(base: &Frame, over: &Frame) -> Frame {
    let text = |over: &Option<String>, base: &Option<String>| over.clone().or_else(|| base.clone());
    Frame {
        code: over.code.clone().or_else(|| base.code.clone()),
        body: over.body.clone().or_else(|| base.body.clone()),
        form: over.form.or(base.form),
        root: text(&over.root, &base.root),
        declaration: text(&over.declaration, &base.declaration),
        call: text(&over.call, &base.call),
        output: text(&over.output, &base.output),
        reads: over.reads.or(base.reads),
        levels: over.levels.or(base.levels),
        namespace: text(&over.namespace, &base.namespace),
        prefix: text(&over.prefix, &base.prefix),
        namespaces: if over.namespaces.is_empty() {
            base.namespaces.clone()
        } else {
            over.namespaces.clone()
        },
        qualified: over.qualified.or(base.qualified),
        action: text(&over.action, &base.action),
        soap: text(&over.soap, &base.soap),
        order: if over.order.is_empty() {
            base.order.clone()
        } else {
            over.order.clone()
        },
        layout: layout(base.layout.as_ref(), over.layout.as_ref()),
    }
}

/// Sets the forms of a `wire` part over what is set already.
pub(super) fn wire(
    document: &Document,
    at: &str,
    part: &Wire,
    base: &WireDefaults,
    findings: &mut Vec<Finding>,
) -> WireDefaults {
    let mut defaults = base.clone();
    for (key, form) in &part.forms {
        if let Err(error) = defaults.set(key, form) {
            let pointer = format!("{at}/wire/{key}");
            let finding = document
                .finding("bad-value", &pointer, Text::new(format!("`{form}` 无法理解"), error))
                .expected(format!("a form of {key}"), form.as_str())
                .near(nearest(
                    form,
                    ["fen", "yuan", "yuan-number", "rfc3339", "epoch", "epoch-ms"],
                ));
            if !findings.contains(&finding) {
                findings.push(finding);
            }
        }
    }
    defaults
}

/// The tables of protobuf messages: the dialect's, and the manifest's over them.
pub(super) fn messages(document: &Document, manifest: &Manifest, findings: &mut Vec<Finding>) -> Option<Arc<Messages>> {
    let mut tables = if manifest.upstream.dialect == GTFS_REALTIME {
        Messages::gtfs_realtime()
    } else if manifest.messages.is_empty() {
        return None;
    } else {
        Messages::default()
    };
    if let Some(root) = &manifest.upstream.message {
        tables = tables.rooted(root);
    }
    let mut wrong = |at: &str, words: String| {
        let finding = document.finding("bad-value", at, Text::new("报文表有误", words));
        findings.push(finding.expected("`{Message: {1: string name}}`", "something else"));
    };
    for (message, number, words) in &manifest.messages {
        if let Err(error) = tables.add(message, number, words) {
            wrong(&format!("/messages/{}/{}", escape(message), escape(number)), error);
        }
    }
    if let Err(name) = tables.settle() {
        wrong("/messages", format!("there is no message or enum `{name}`"));
    }
    Some(Arc::new(tables))
}

/// The dialect whose messages are built in.
const GTFS_REALTIME: &str = "gtfs-rt";

/// What becomes of absent fields.
pub(super) fn absent(system: &Wire, operation: &Wire) -> Absent {
    match operation.null.as_deref().or(system.null.as_deref()) {
        Some("null") => Absent::Null,
        Some("empty") => Absent::Empty,
        _ => Absent::Drop,
    }
}
