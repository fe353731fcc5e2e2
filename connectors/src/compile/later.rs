//! What comes of a call later: news of its matter, and whether its order was paid.

use super::{Compiler, below};
use crate::manifest::model::RowSpec;
use crate::mapping::bind::Codes;
use crate::mapping::path::Path;
use crate::plan::Plan;
use crate::resolve::Resolve;
use crate::settings::Payment;
use crate::statement::Statement;
use hub_catalog::document::nearest;
use hub_core::{Operation, Text};
use std::collections::BTreeMap;
use std::sync::Arc;

impl Compiler<'_> {
    /// Only an operation without effect may be asked again and again.
    pub(super) fn can_poll(&mut self, ask: &str, operations: &[Arc<Operation>]) -> bool {
        let good = operations
            .iter()
            .any(|o| o.key() == ask && o.effect == hub_core::Effect::None);
        if !good {
            let keys: Vec<&str> = operations
                .iter()
                .filter(|o| o.effect == hub_core::Effect::None)
                .map(|o| o.key())
                .collect();
            let words = Text::new(
                format!("`{ask}` 不是合同中无副作用的操作"),
                format!("`{ask}` is no operation of the contract without effect"),
            );
            let finding = self.document.finding("unknown-operation", "/callback/poll/ask", words);
            self.findings.push(
                finding
                    .expected("an operation of the contract with effect none", ask)
                    .near(nearest(ask, keys)),
            );
        }
        good
    }

    /// The fields of orders to be paid, which the contract must have.
    pub(super) fn payments(&mut self, operations: &[Arc<Operation>]) -> BTreeMap<String, Payment> {
        let mut all = BTreeMap::new();
        for operation in operations {
            let Some(part) = self.part_of(operation.key()) else {
                continue;
            };
            let Some(payment) = &part.payment else { continue };
            let known = |name: &str| {
                operation
                    .input
                    .child(name)
                    .or_else(|| operation.output.child(name))
                    .is_some()
            };
            let fields = std::iter::once(&payment.order).chain(&payment.amount);
            for name in fields.filter(|n| !known(n)) {
                let words = Text::new(
                    format!("操作 `{}` 没有字段 `{name}`", operation.key()),
                    format!("Operation `{}` has no field `{name}`", operation.key()),
                );
                let at = below(&part.pointer, "payment");
                let finding = self.document.finding("unknown-field", &at, words);
                self.findings
                    .push(finding.expected("a field of the input or the answer", name.as_str()));
            }
            all.insert(operation.key().to_owned(), payment.clone());
        }
        all
    }

    /// The call that exchanges a token for a number, for a field that some operation asks by.
    pub(super) fn resolve(&mut self, operations: &[Arc<Operation>]) -> Option<Resolve> {
        let part = self.manifest.resolve.as_ref()?;
        if !operations.iter().any(|o| o.input.child(&part.field).is_some()) {
            let words = Text::new(
                format!("没有操作以 `{}` 查询", part.field),
                format!("No operation asks by `{}`", part.field),
            );
            let finding = self.document.finding("unknown-field", "/resolve/field", words);
            self.findings
                .push(finding.expected("an input field of the contract", part.field.as_str()));
        }
        Some(Resolve {
            plan: Arc::new(self.exchange_call(&part.call)),
            field: part.field.clone(),
            mark: part.mark.clone(),
            read: part.read.clone(),
        })
    }

    /// The operation that is the daily statement: planned like those of the contract.
    pub(super) fn statement(&mut self, plans: &mut BTreeMap<String, Arc<Plan>>) -> Option<Statement> {
        let manifest = self.manifest;
        let mut parts = manifest.operations.iter().filter(|o| o.statement.is_some());
        let part = parts.next()?;
        let taken = plans.contains_key(&part.key);
        if let Some(second) = parts.next().or_else(|| taken.then_some(part)) {
            let words = Text::new(
                "一个系统只有一份每日对账单，且不是合同中的操作",
                "A system has one daily statement, which is no operation of its contract",
            );
            let at = below(&second.pointer, "statement");
            self.findings.push(self.document.finding("two-rows", &at, words));
            return None;
        }
        let statement = Statement::new(&manifest.system, &part.key, part.statement?);
        let plan = self.plan(part, &statement.operation);
        plans.insert(part.key.clone(), Arc::new(plan));
        Some(statement)
    }
}

/// The canonical field of an upstream name.
pub(super) fn field_of(path: &Path, rows: &[RowSpec]) -> Option<String> {
    let row = rows.iter().find(|r| r.spot.path == *path)?;
    row.targets.first().map(|t| t.field.to_string())
}

/// The meanings of the table of codes that a state goes through, in the table's order, each once.
pub(super) fn order_of(path: &Path, rows: &[RowSpec], codes: &BTreeMap<String, Arc<Codes>>) -> Option<Vec<String>> {
    let row = rows.iter().find(|r| r.spot.path == *path)?;
    let chain = row.targets.iter().flat_map(|t| &t.chain);
    let table = chain.filter_map(|word| codes.get(word.trim())).next()?;
    let mut order: Vec<String> = Vec::new();
    for meaning in table.meanings() {
        if !order.iter().any(|m| m == meaning) {
            order.push(meaning.to_owned());
        }
    }
    Some(order)
}
