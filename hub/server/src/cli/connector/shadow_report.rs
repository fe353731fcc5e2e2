//! What a shadow run found, by operation: names, places and kinds.

use hub_core::problem::Violation;
use hub_core::{Lang, Operation, SystemId, Text};
use serde_json::{Value, json};

/// What one call showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Read, valid against the contract, of the known shape.
    Passed,
    /// Read and valid, with differences that do no harm.
    Differs,
    /// No such record there.
    NoRecord,
    /// Not called.
    NotTried,
    /// No answer came.
    Unanswered,
    /// It cannot be read, breaks the contract, or has changed in what is read.
    Broken,
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Differs => "differs",
            Self::NoRecord => "no-record",
            Self::NotTried => "not-tried",
            Self::Unanswered => "unanswered",
            Self::Broken => "broken",
        }
    }

    fn text(self, lang: Lang) -> &'static str {
        let (zh, en) = match self {
            Self::Passed => ("通过", "passed"),
            Self::Differs => ("有差异，无害", "differs, harmlessly"),
            Self::NoRecord => ("无此记录", "no such record"),
            Self::NotTried => ("未调用", "not tried"),
            Self::Unanswered => ("没有应答", "unanswered"),
            Self::Broken => ("不符", "broken"),
        };
        if lang == Lang::Zh { zh } else { en }
    }
}

/// One call.
#[derive(Debug)]
pub struct Case {
    verdict: Verdict,
    words: Text,
    /// Places of the canonical answer that break the contract.
    contract: Vec<(String, Text)>,
    /// Kind, path and kinds of what is otherwise than known, and whether it breaks something.
    drift: Vec<(String, String, String, bool)>,
}

impl Case {
    pub fn new(verdict: Verdict, words: Text) -> Self {
        Self {
            verdict,
            words,
            contract: Vec::new(),
            drift: Vec::new(),
        }
    }

    pub fn breaks(&mut self, violations: &[Violation]) {
        let places = violations.iter().map(|v| (v.place.clone(), v.expected.clone()));
        self.contract.extend(places);
        self.verdict = Verdict::Broken;
    }

    /// Differences as the drift watch words them.
    pub fn drifts(&mut self, found: Vec<Value>) {
        // An answer that fits the contract misses nothing that is needed: its list is empty.
        let fits = self.contract.is_empty();
        for one in found {
            let text = |key: &str| one.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
            let kind = text("kind");
            let breaking = text("severity") == "breaking" && !(fits && kind == "missing-field");
            // A new code is a value; where it stands is enough.
            let detail = if kind == "new-code" {
                String::new()
            } else {
                text("detail")
            };
            self.verdict = self
                .verdict
                .max(if breaking { Verdict::Broken } else { Verdict::Differs });
            self.drift.push((kind, text("path"), detail, breaking));
        }
    }

    fn json(&self, lang: Lang) -> Value {
        let contract: Vec<Value> = self
            .contract
            .iter()
            .map(|(place, expected)| json!({"place": place, "expected": expected.get(lang)}))
            .collect();
        let drift: Vec<Value> = self
            .drift
            .iter()
            .map(|(kind, path, detail, breaking)| json!({"kind": kind, "path": path, "detail": detail, "breaking": breaking}))
            .collect();
        json!({"verdict": self.verdict.word(), "reason": self.words.get(lang), "contract": contract, "drift": drift})
    }

    fn lines(&self, lang: Lang) -> Vec<String> {
        let mut lines = Vec::new();
        if !self.words.get(lang).is_empty() {
            lines.push(format!("    {}", self.words.get(lang)));
        }
        let contract = self.contract.iter();
        lines.extend(contract.map(|(place, expected)| format!("    {place}: {}", expected.get(lang))));
        let drift = self.drift.iter();
        lines.extend(drift.map(|(kind, path, detail, _)| format!("    {kind} {path} {detail}").trim_end().to_owned()));
        lines
    }
}

/// Everything of one run.
#[derive(Debug)]
pub struct Report {
    system: String,
    operations: Vec<(String, Vec<Case>)>,
}

impl Report {
    pub fn new(system: &SystemId) -> Self {
        Self {
            system: system.to_string(),
            operations: Vec::new(),
        }
    }

    pub fn skip(&mut self, operation: &Operation, words: Text) {
        self.add(operation, Case::new(Verdict::NotTried, words));
    }

    pub fn add(&mut self, operation: &Operation, case: Case) {
        match self.operations.last_mut().filter(|(id, _)| **id == *operation.id) {
            Some((_, cases)) => cases.push(case),
            None => self.operations.push((operation.id.to_string(), vec![case])),
        }
    }

    /// Whether something was proved and nothing disproved.
    pub fn is_good(&self) -> bool {
        let count = |wanted: &[Verdict]| self.count(wanted) > 0;
        count(&[Verdict::Passed, Verdict::Differs]) && !count(&[Verdict::Broken, Verdict::Unanswered])
    }

    fn count(&self, wanted: &[Verdict]) -> usize {
        let cases = self.operations.iter().flat_map(|(_, cases)| cases);
        cases.filter(|case| wanted.contains(&case.verdict)).count()
    }

    pub fn json(&self, lang: Lang) -> Value {
        let operations: Vec<Value> = self
            .operations
            .iter()
            .map(|(id, cases)| {
                let cases: Vec<Value> = cases.iter().map(|case| case.json(lang)).collect();
                json!({"operation": id, "calls": cases})
            })
            .collect();
        json!({"system": self.system, "operations": operations, "passed": self.is_good()})
    }

    pub fn text(&self, lang: Lang) -> String {
        let mut lines = Vec::new();
        for (id, cases) in &self.operations {
            for case in cases {
                lines.push(format!("{id}: {}", case.verdict.text(lang)));
                lines.extend(case.lines(lang));
            }
        }
        let good = self.count(&[Verdict::Passed, Verdict::Differs]);
        let bad = self.count(&[Verdict::Broken, Verdict::Unanswered]);
        let open = self.count(&[Verdict::NoRecord, Verdict::NotTried]);
        lines.push(match lang {
            Lang::Zh => format!("{}：通过 {good}，不符或无应答 {bad}，未证明 {open}", self.system),
            Lang::En => format!(
                "{}: {good} passed, {bad} broken or unanswered, {open} not proved",
                self.system
            ),
        });
        lines.join("\n")
    }
}
