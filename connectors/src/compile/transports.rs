//! What travels otherwise than by HTTP, and pages of the upstream's own: laid together and checked.

use super::Compiler;
use super::rows::find;
use crate::batch::{BatchRules, Entry, Total};
use crate::dialect::Via;
use crate::dialect::delimited::Form;
use crate::exchange::ExchangeRules;
use crate::jump::JumpRules;
use crate::manifest::is_identifier;
use crate::manifest::model::{BatchPart, OperationPart};
use crate::news::{NewsRules, NewsSource};
use crate::plan::{Plan, Transport};
use hub_core::{Effect, Operation, Text};
use std::sync::Arc;

/// Milliseconds between two looks for the answer to a file.
const EVERY_MS: u64 = 500;

impl<'a> Compiler<'a> {
    /// How an operation travels. A row or file has the submission's number, so that a repetition is harmless.
    pub(super) fn transport(
        &mut self,
        part: &OperationPart,
        key_field: &mut Option<String>,
        effect: Effect,
    ) -> Transport {
        let transport = match self.preset.via {
            Via::Http => return Transport::Http,
            Via::Sql => self.exchange_rules().map(Transport::Sql),
            Via::File => {
                let code = part.call.code.clone().unwrap_or_default();
                let rules = self.batch_rules(&part.batch, &part.pointer);
                Some(Transport::File(Arc::new(called(rules, &code))))
            }
        };
        if effect == Effect::Once && key_field.is_none() {
            *key_field = Some("key".to_owned());
        }
        transport.unwrap_or_default()
    }

    fn exchange_rules(&mut self) -> Option<Arc<ExchangeRules>> {
        let Some(part) = &self.manifest.exchange else {
            self.once(
                "missing-key",
                "",
                ("缺少 `exchange`", "`exchange` is missing"),
                "exchange: {key: …, flag: …, answers: …}",
            );
            return None;
        };
        Some(Arc::new(ExchangeRules {
            key: part.key.clone(),
            flag: part.flag.clone(),
            answers: part.answers.clone(),
            lists: part.lists.clone(),
            order: part.order.clone(),
            every_ms: part.every_ms,
        }))
    }

    fn batch_rules(&mut self, own: &BatchPart, at: &str) -> BatchRules {
        let none = BatchPart::default();
        let system = self.manifest.batch.as_ref().unwrap_or(&none);
        let separator = own.separator.clone().or_else(|| system.separator.clone());
        let separator = separator.unwrap_or_else(|| ",".to_owned());
        let quotes = own.quotes.or(system.quotes).unwrap_or(separator == ",");
        let list = |own: &Option<Vec<String>>, system: &Option<Vec<String>>| {
            own.clone().or_else(|| system.clone()).unwrap_or_default()
        };
        let text = |own: &Option<String>, system: &Option<String>| own.clone().or_else(|| system.clone());
        let totals = |cells: Vec<String>, compiler: &mut Self| -> Vec<Total> {
            let read: Vec<_> = cells.iter().map(|c| Total::parse(c)).collect();
            if read.contains(&None) {
                compiler.once(
                    "bad-value",
                    &format!("{at}/batch"),
                    ("合计行的写法无法理解", "A cell of the totals cannot be understood"),
                    "a text, {count} or {sum COLUMN}",
                );
            }
            read.into_iter().flatten().collect()
        };
        BatchRules {
            files: text(&own.files, &system.files),
            marker: text(&own.marker, &system.marker).unwrap_or_default(),
            says: totals(list(&own.says, &system.says), self),
            form: Form { separator, quotes },
            header: own.header.or(system.header).unwrap_or(false),
            columns: list(&own.columns, &system.columns),
            contains: list(&own.contains, &system.contains),
            trailer: totals(list(&own.trailer, &system.trailer), self),
            request: text(&own.request, &system.request),
            reply: text(&own.reply, &system.reply),
            every_ms: own.every_ms.or(system.every_ms).unwrap_or(EVERY_MS).max(20),
            entry: self.entry(),
        }
    }

    fn entry(&self) -> Entry {
        let ssh = self.manifest.upstream.ssh.as_ref();
        Entry {
            pins: ssh.map(|s| s.pins.clone()).unwrap_or_default(),
            key: ssh.and_then(|s| s.key.clone()),
            basic: self.manifest.auth.basic.clone(),
        }
    }

    /// What must hold of a call by rows or files as a whole.
    pub(super) fn check_exchange(&mut self, plan: &Plan, at: &str) {
        match &plan.transport {
            Transport::Http => {}
            Transport::Sql(_) => self.check_table(plan, at),
            Transport::File(rules) => self.check_files(plan, rules, at),
        }
    }

    fn check_table(&mut self, plan: &Plan, at: &str) {
        if !plan.code.as_deref().is_some_and(is_identifier) {
            self.once(
                "no-code",
                at,
                ("没有说明请求写入哪张表", "Nothing says which table takes the request"),
                "call: <table>, of letters, digits and _",
            );
        }
        if plan.answer.code.is_none() || (plan.answer.ok.is_none() && plan.answer.when.is_none()) {
            self.once(
                "no-success",
                "/answer",
                (
                    "没有说明哪一列、哪个值表示成功",
                    "Nothing says which column and value mean success",
                ),
                "answer: {code: <column>, ok: <value>}",
            );
        }
        let sent = plan.send.iter().map(|i| &i.spot.path);
        let binds = plan.request.iter().chain(&plan.response).map(|b| &b.path);
        let bad = sent
            .chain(binds)
            .filter_map(|p| p.first_name())
            .find(|name| !is_identifier(name));
        if bad.is_some() {
            self.once(
                "bad-value",
                at,
                (
                    "列名只能由字母、数字和下划线组成",
                    "A column's name is letters, digits and _",
                ),
                "a column of letters, digits and _",
            );
        }
    }

    fn check_files(&mut self, plan: &Plan, rules: &BatchRules, at: &str) {
        if rules.files.is_none() && (plan.effect == Effect::None || rules.request.is_none()) {
            self.once(
                "missing-key",
                at,
                ("没有说明读写哪些文件", "Nothing says which files are read or written"),
                "batch: {files: …}, or {request: …} for operations with an effect",
            );
        }
        if !rules.header && rules.columns.is_empty() {
            self.once(
                "missing-key",
                at,
                ("没有说明有哪些列", "Nothing names the columns"),
                "batch: {header: true} or {columns: […]}",
            );
        }
        let told = |column: &str| {
            rules
                .files
                .as_deref()
                .is_some_and(|f| f.contains(&format!("{{{column}}}")))
        };
        let asked = plan.request.iter().filter_map(|bind| bind.path.first_name());
        let mut unknown = asked.filter(|c| !rules.columns.iter().any(|known| known == c) && !told(c));
        let reads = plan.effect == Effect::None || rules.request.is_none();
        if reads && !rules.header && !rules.columns.is_empty() && unknown.next().is_some() {
            self.once(
                "bad-value",
                at,
                (
                    "查询所用的列不在 `columns` 之中，无法筛选",
                    "A column that is asked for is none of `columns`, so nothing could be told apart by it",
                ),
                "a column of `columns`, or {COLUMN} in the name in `batch.files`",
            );
        }
        let needs_code = [&rules.files, &rules.request]
            .into_iter()
            .flatten()
            .any(|p| p.contains("{call}"));
        if needs_code {
            self.once(
                "no-code",
                at,
                (
                    "文件名中的 `{call}` 没有对应的值",
                    "Nothing stands for `{call}` in the files' names",
                ),
                "call: <name in the file's name>",
            );
        }
    }

    /// The upstream's own page that an operation's answer leads to.
    pub(super) fn jump(&mut self, part: &OperationPart, operation: &Operation) -> Option<JumpRules> {
        let own = part.jump.as_ref()?;
        let system = self.manifest.jump.as_ref();
        let at = format!("{}/jump", part.pointer);
        let hosts = if own.hosts.is_empty() {
            system.map(|s| s.hosts.clone()).unwrap_or_default()
        } else {
            own.hosts.clone()
        };
        if hosts.is_empty() {
            self.once(
                "missing-key",
                &at,
                (
                    "没有列出允许跳转的主机",
                    "No host is listed on which the page may stand",
                ),
                "jump: {hosts: [h5.example.gov.cn]}",
            );
        }
        let into = own.into.clone().or_else(|| system.and_then(|s| s.into.clone()));
        let field = into.as_ref().and_then(|i| find(&operation.output, i));
        let (Some(into), Some(field)) = (&into, field) else {
            self.once(
                "unknown-field",
                &at,
                (
                    "合同中没有放跳转地址的字段",
                    "The contract has no field for the page's address",
                ),
                "jump: {into: <a field of the answer>}",
            );
            return None;
        };
        Some(JumpRules {
            hosts: hosts.into_iter().collect(),
            into: into.clone(),
            required: field.required,
            to: own.to.clone(),
            with: own.with.clone(),
            signed: own.signed,
        })
    }

    /// News by rows or files.
    pub(super) fn news(&mut self, operations: &[Arc<Operation>]) -> Option<NewsRules> {
        let part = self.manifest.news.as_ref()?;
        let source = match self.preset.via {
            Via::Sql => {
                let exchange = self.exchange_rules()?;
                match &part.order {
                    Some(order) if is_identifier(&part.from) => NewsSource::Table {
                        table: part.from.clone(),
                        order: order.clone(),
                        flag: part.flagged.then(|| exchange.flag.clone()),
                    },
                    _ => {
                        self.once(
                            "missing-key",
                            "/news",
                            ("缺少表名或递增的列", "The table or its counting column is missing"),
                            "news: {from: <table>, order: <column>}",
                        );
                        return None;
                    }
                }
            }
            Via::File => {
                let mut rules = self.batch_rules(&BatchPart::default(), "");
                rules.files = Some(part.from.clone());
                NewsSource::Files(Arc::new(rules))
            }
            Via::Http => {
                self.once(
                    "misplaced",
                    "/news",
                    (
                        "`news` 只用于表和文件",
                        "`news` is for tables and files; others knock: `callback`",
                    ),
                    "callback: {…}",
                );
                return None;
            }
        };
        Some(NewsRules {
            every_ms: part.every_ms,
            source,
            case: part.case.clone(),
            state: part.state.clone(),
            time: part.time.clone(),
            binds: self.any_rows(&part.fields, "news", operations),
            basic: self.manifest.auth.basic.clone(),
        })
    }

    /// A finding, once however many operations share its cause.
    fn once(&mut self, code: &str, at: &str, (zh, en): (&str, &str), expected: &str) {
        let finding = self
            .document
            .finding(code, at, Text::new(zh, en))
            .expected(expected, "nothing");
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }
}

/// The rules of one operation: its code in the names of its files.
fn called(mut rules: BatchRules, code: &str) -> BatchRules {
    if !code.is_empty() {
        for path in [&mut rules.files, &mut rules.request, &mut rules.reply]
            .into_iter()
            .flatten()
        {
            *path = path.replace("{call}", code);
        }
    }
    rules
}
