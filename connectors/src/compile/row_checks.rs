//! What can be wrong with rows.

use super::rows::{Candidate, Direction, RowCompiler, text_of};
use crate::manifest::model::RowSpec;
use crate::mapping::bind::{Bind, Codes};
use crate::mapping::path::Path;
use hub_catalog::document::{Document, nearest};
use hub_core::{Finding, Severity, Shape, Text};
use std::collections::HashSet;

impl RowCompiler<'_> {
    pub(super) fn check_codes(&mut self, candidate: &Candidate<'_>, table: &str, codes: &Codes, shape: &Shape) {
        if shape.choices.is_empty() {
            return;
        }
        let choices: Vec<String> = shape.choices.iter().map(text_of).collect();
        for value in codes.values() {
            let text = text_of(value);
            if !choices.contains(&text) {
                let field = &candidate.target.field;
                let finding = self
                    .document
                    .finding(
                        "code-not-in-enum",
                        &format!("/codes/{table}"),
                        Text::new(
                            format!("代码表 `{table}` 的 `{text}` 不是 `{field}` 的取值"),
                            format!("`{text}` of table `{table}` is no value of `{field}`"),
                        ),
                    )
                    .expected(format!("one of {}", choices.join(", ")), text.clone())
                    .near(nearest(&text, choices.iter().map(String::as_str)));
                self.add_once(finding);
            }
        }
    }

    pub(super) fn add_once(&mut self, finding: Finding) {
        if !self
            .findings
            .iter()
            .any(|f| f.code == finding.code && f.pointer == finding.pointer && f.got == finding.got)
        {
            self.findings.push(finding);
        }
    }

    pub(super) fn twice(&mut self, candidate: &Candidate<'_>, first: &str) {
        let (line, _) = self.document.position(first);
        let field = &candidate.target.field;
        let finding = self
            .document
            .finding(
                "two-rows",
                candidate.pointer,
                Text::new(
                    format!("`{field}` 有两行，另一行在第 {line} 行"),
                    format!(
                        "`{field}` has two rows in `{}`, the other is in line {line}",
                        self.operation
                    ),
                ),
            )
            .expected("one row a canonical field and direction", "two")
            .fix(Text::new(
                "把只用于一个方向的行移到 `request` 或 `response`，或移到该操作中",
                "Move rows for one direction to `request` or `response`, or rows for one operation there.",
            ));
        self.add_once(finding);
    }

    pub(super) fn missing(&mut self, shape: &Shape, field: &Path) {
        if !shape.required {
            return;
        }
        let (code, zh, en) = match self.direction {
            Direction::Request => (
                "input-not-sent",
                format!("必填项 `{field}` 没有对应的行"),
                format!("`{}` requires `{field}`, but no row sends it", self.operation),
            ),
            Direction::Response => (
                "output-not-given",
                format!("应答必有的 `{field}` 没有对应的行"),
                format!(
                    "The answer of `{}` must have `{field}`, but no row gives it",
                    self.operation
                ),
            ),
        };
        let finding = self
            .document
            .finding(code, self.pointer, Text::new(zh, en))
            .expected(format!("a row `<upstream name>: {field}`"), "none")
            .fix(Text::new(
                "添加一行；上游没有该项时用 `send` 或 `give`，名称相同时用 `names: same`",
                "Add the row; use `give` (or `null` under `request`) where the upstream has none, `names: same` where names agree.",
            ));
        self.add_once(finding);
    }

    pub(super) fn unknown_member(&mut self, candidate: &Candidate<'_>, shape: &Shape) {
        let names: Vec<&str> = shape.children.iter().map(|c| c.name.as_ref()).collect();
        let field = candidate.target.field.to_string();
        let finding = self
            .document
            .finding(
                "unknown-field",
                candidate.pointer,
                Text::new(
                    format!("合同中此处没有 `{field}`"),
                    format!("The contract has no `{field}` here"),
                ),
            )
            .expected(format!("one of {}", names.join(", ")), field.clone())
            .near(nearest(&field, names));
        self.add_once(finding);
    }

    /// No two rows of one direction on one upstream name, unless they are alternatives of one row.
    pub(super) fn check_names(&mut self, binds: &[Bind], rows: &[RowSpec]) {
        if self.direction == Direction::Response {
            return;
        }
        let mut seen: Vec<(&Bind, String)> = Vec::new();
        for bind in binds {
            let pointer = rows
                .iter()
                .find(|r| r.spot.path == bind.path && r.targets.iter().any(|t| t.field == bind.field))
                .map_or_else(|| self.pointer.to_owned(), |r| r.pointer.clone());
            let clash = seen
                .iter()
                .find(|(b, p)| b.place == bind.place && b.path == bind.path && *p != pointer)
                .map(|(b, _)| b.field.to_string());
            if let Some(other) = clash {
                let finding = self
                    .document
                    .finding(
                        "same-upstream-name",
                        &pointer,
                        Text::new(
                            format!("`{}` 与 `{other}` 用了同一个上游名 `{}`", bind.field, bind.path),
                            format!("`{}` and `{other}` both stand at `{}`", bind.field, bind.path),
                        ),
                    )
                    .expected("one canonical field an upstream name", "two");
                self.add_once(finding);
            }
            seen.push((bind, pointer));
        }
    }
}

/// Rows of the system that no operation uses: a warning, or an error where the dictionary does not know the name.
pub(super) fn unused(
    document: &Document,
    rows: &[RowSpec],
    used: &HashSet<String>,
    known: &dyn Fn(&str) -> bool,
    names: &[String],
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for row in rows {
        if used.contains(&row.pointer) || row.targets.is_empty() {
            continue;
        }
        let fields: Vec<String> = row.targets.iter().map(|t| t.field.to_string()).collect();
        let field = fields.join(", ");
        let first = row
            .targets
            .first()
            .and_then(|t| t.field.first_name())
            .unwrap_or_default();
        let finding = if known(first) {
            document
                .finding(
                    "unused-row",
                    &row.pointer,
                    Text::new(
                        format!("没有操作用到 `{field}`"),
                        format!("No operation of this system uses `{field}`"),
                    ),
                )
                .severity(Severity::Warning)
        } else {
            document
                .finding(
                    "unknown-field",
                    &row.pointer,
                    Text::new(
                        format!("没有规范字段 `{field}`"),
                        format!("There is no canonical field `{field}` in this system's contract"),
                    ),
                )
                .expected("a field of the contract", field)
                .near(nearest(first, names.iter().map(String::as_str)))
        };
        findings.push(finding);
    }
    findings
}

/// Where different upstream values become one canonical value: worth knowing, since what is sent back may differ.
pub(super) fn lossy(document: &Document, pointer: &str, reason: &str, what: &str) -> Finding {
    document
        .finding(
            "lossy-row",
            pointer,
            Text::new(
                format!("此处读入后不能原样写回（{what}）"),
                format!("What is read here is not always written back as it was: {reason}"),
            ),
        )
        .expected("one upstream value a canonical value", what)
        .severity(Severity::Note)
}
