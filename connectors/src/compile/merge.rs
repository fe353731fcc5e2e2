//! Laying the parts of a dialect, a system and an operation over each other: what is more particular wins, key by key.

use crate::codec::WireDefaults;
use crate::manifest::model::{AnswerPart, Frame, Wire};
use crate::mapping::encode::Absent;
use hub_catalog::document::{Document, nearest};
use hub_core::{Finding, Text};

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
        empty: over.empty.clone().or_else(|| base.empty.clone()),
        content_type: over.content_type.clone().or_else(|| base.content_type.clone()),
    }
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

/// What becomes of absent fields.
pub(super) fn absent(system: &Wire, operation: &Wire) -> Absent {
    match operation.null.as_deref().or(system.null.as_deref()) {
        Some("null") => Absent::Null,
        Some("empty") => Absent::Empty,
        _ => Absent::Drop,
    }
}
