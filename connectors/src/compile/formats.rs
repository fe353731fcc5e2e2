//! Formats that need more than their name: records without a layout and messages without a table can be neither written nor
//! read.

use super::{Compiler, below};
use crate::manifest::model::{Format, Layout};
use crate::plan::Plan;
use hub_core::Text;

impl Compiler<'_> {
    /// One finding a format and direction, at the word that asks for it.
    pub(super) fn check_formats(&mut self, plan: &Plan, at: &str) {
        let part = self.manifest.operations.iter().find(|o| o.pointer == at);
        let own = part
            .map(|p| (p.sends.is_some(), p.answers.is_some()))
            .unwrap_or_default();
        if plan.has_body() {
            self.check_format(
                plan,
                plan.sends,
                plan.frame.layout.as_ref(),
                ("sends", "frame"),
                own.0.then_some(at),
            );
        }
        self.check_format(
            plan,
            plan.answers,
            plan.answer.layout.as_ref(),
            ("answers", "answer"),
            own.1.then_some(at),
        );
    }

    fn check_format(
        &mut self,
        plan: &Plan,
        format: Format,
        layout: Option<&Layout>,
        (key, part): (&str, &str),
        own: Option<&str>,
    ) {
        let (zh, en, expected) = match format {
            Format::Fixed | Format::Piped if layout.is_none_or(|l| l.fields.is_empty()) => (
                "定长或分隔文本没有说明字段的次序",
                "Nothing says which fields the record has",
                format!("{part}: {{layout: {{fields: [name, …]}}}}"),
            ),
            Format::Fixed if layout.is_some_and(lacks_width) => (
                "定长文本的字段没有宽度",
                "A field of a text of fixed widths has no width",
                format!("{part}: {{layout: {{fields: [name 20, …]}}}}"),
            ),
            Format::Protobuf if plan.messages.is_none() => (
                "没有说明报文的字段表",
                "Nothing says what the messages hold",
                "messages: {Message: {1: string name}} and upstream: {message: Message}".to_owned(),
            ),
            _ => return,
        };
        let pointer = below(own.unwrap_or("/upstream"), key);
        let finding = self.document.finding("no-layout", &pointer, Text::new(zh, en));
        let finding = finding.expected(expected, "nothing");
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }
}

/// Only what stands last may reach to the end.
fn lacks_width(layout: &Layout) -> bool {
    let fields: Vec<_> = layout.fields.iter().chain(&layout.of).collect();
    let ends = usize::from(layout.of.is_empty());
    fields.iter().rev().skip(ends).any(|field| field.width.is_none())
}
