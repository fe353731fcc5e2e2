//! Formats that need more than their name: records without a layout and messages without a table can be neither written nor
//! read.

use super::{Compiler, below};
use crate::manifest::model::{Format, Frame, Layout};
use crate::plan::Plan;
use hub_core::Text;
use serde_json::Value;

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

/// The frame of a system that answers in this format. What a dialect says of reading answers it says of its own format.
pub(super) fn of_answers(mut whole: Frame, answers: Format, preset: Format, own: &Frame) -> Frame {
    if answers != preset {
        (whole.output, whole.reads) = (own.output.clone(), own.reads);
    }
    whole
}

/// Keys of a frame that only some formats have.
const SOAP_KEYS: [&str; 4] = ["call", "action", "soap", "style"];
const XML_KEYS: [&str; 4] = ["namespace", "prefix", "namespaces", "qualified"];
const READING_KEYS: [&str; 3] = ["output", "reads", "levels"];

impl Compiler<'_> {
    /// A call that answers in another format than the system says itself where its answer stands.
    pub(super) fn reading(&self, plan: &mut Plan, own: &Frame) {
        let system = self.manifest.upstream.answers.unwrap_or(self.preset.answers);
        plan.frame = of_answers(std::mem::take(&mut plan.frame), plan.answers, system, own);
    }

    /// Keys of frames that no call has a use for: an author who wrote them expects something of them.
    pub(super) fn unused_frames(&mut self) {
        let manifest = self.manifest;
        let (sends, answers) = (
            manifest.upstream.sends.unwrap_or(self.preset.sends),
            manifest.upstream.answers.unwrap_or(self.preset.answers),
        );
        let parts = manifest.operations.iter().chain(&manifest.others);
        let mut all = vec![(sends, answers)];
        for part in parts {
            let own = (part.sends.unwrap_or(sends), part.answers.unwrap_or(answers));
            all.push(own);
            self.unused_keys(&part.pointer, &[own]);
        }
        let session = manifest.session.iter();
        all.extend(session.map(|s| (s.sends.unwrap_or(sends), s.answers.unwrap_or(answers))));
        self.unused_keys("", &all);
    }

    fn unused_keys(&mut self, at: &str, formats: &[(Format, Format)]) {
        let at = below(at, "frame");
        let Some(frame) = self.document.value.pointer(&at).and_then(Value::as_object) else {
            return;
        };
        let speaks = |wanted: &[Format]| formats.iter().any(|(s, a)| wanted.contains(s) || wanted.contains(a));
        let soap = speaks(&[Format::Soap]);
        let xml = soap || speaks(&[Format::Xml]);
        let text = [Format::Soap, Format::Xml, Format::Json, Format::Form, Format::Text];
        let reads = formats.iter().any(|(_, a)| text.contains(a));
        let unused = |key: &&str| {
            SOAP_KEYS.contains(key) && !soap || XML_KEYS.contains(key) && !xml || READING_KEYS.contains(key) && !reads
        };
        let keys: Vec<&str> = frame.keys().map(String::as_str).filter(unused).collect();
        for key in keys {
            let finding = self.document.finding(
                "unused-key",
                &below(&at, key),
                Text::new(
                    format!("此处的 `{key}` 不起作用：没有调用使用它所属的格式"),
                    format!("`{key}` does nothing here: no call is in a format that has it"),
                ),
            );
            self.findings
                .push(finding.expected("a key that these formats use", key));
        }
    }
}

/// Only what stands last may reach to the end.
fn lacks_width(layout: &Layout) -> bool {
    let fields: Vec<_> = layout.fields.iter().chain(&layout.of).collect();
    let ends = usize::from(layout.of.is_empty());
    fields.iter().rev().skip(ends).any(|field| field.width.is_none())
}
