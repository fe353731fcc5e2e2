//! The words that choose an outcome, on every operation that can show it.

use crate::invent::Style;
use crate::links::{Flow, Role, Turn};
use crate::vocabulary::Vocabulary;
pub(crate) use crate::word::Word;
use hub_core::problem::Violation;
use hub_core::{DataLevel, Effect, Kept, Operation, Problem, ProblemCode, Shape, Text};

/// A scenario as asked for: the word and its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scenario {
    pub word: Word,
    /// As it was written, for the echo.
    pub text: String,
    at: Option<String>,
    number: Option<u64>,
    /// Whether a caller said it, by header or in the query.
    said: bool,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            word: Word::Ok,
            text: "ok".to_owned(),
            at: None,
            number: None,
            said: false,
        }
    }
}

/// What the engine does under a scenario.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    /// Answers, in a style.
    Answer(Style),
    /// Answers late.
    Late(u64),
    /// Makes the matter, and then something more.
    Accept(Twist),
    /// Refuses.
    Refuse(Problem),
}

/// How a matter made under a scenario differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Twist {
    /// The agency asks for so many papers.
    NeedDocs(u64),
    /// The decision takes so many working days.
    Pending(u64),
}

impl Scenario {
    /// Reads `word[; key=value]` from the controls; `hub-scenario` wins over `_scenario`. `Err` is the unknown word.
    pub(crate) fn read(controls: &[(String, String)]) -> Result<Self, String> {
        let find = |name: &str| {
            controls
                .iter()
                .find(|(n, _)| n.eq_ignore_ascii_case(name))
                .map(|(_, v)| v.trim())
        };
        let Some(text) = find("hub-scenario")
            .or_else(|| find("_scenario"))
            .filter(|t| !t.is_empty())
        else {
            return Ok(Self::default());
        };
        let mut parts = text.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let (word, _) = Word::ALL
            .into_iter()
            .find(|(_, s)| *s == name)
            .ok_or_else(|| name.to_owned())?;
        let mut scenario = Self {
            word,
            text: text.to_owned(),
            at: None,
            number: None,
            said: true,
        };
        for (key, value) in parts.filter_map(|p| p.split_once('=')) {
            match key.trim() {
                "at" => scenario.at = Some(value.trim().to_owned()),
                _ => scenario.number = value.trim().parse().ok(),
            }
        }
        Ok(scenario)
    }

    /// The scenario of a word alone.
    pub(crate) fn of_word(word: Word) -> Self {
        Self {
            word,
            text: word.as_str().to_owned(),
            ..Self::default()
        }
    }

    /// Whether a caller said it.
    pub(crate) fn is_said(&self) -> bool {
        self.said
    }

    /// What refuses a call whatever the operation; `None` for words that let it through.
    pub(crate) fn refusal(&self) -> Option<Problem> {
        let code = match self.word {
            Word::NotFound => ProblemCode::RecordNotFound,
            Word::Invalid => ProblemCode::ValidationFailed,
            Word::Rejected => ProblemCode::BusinessRejected,
            Word::Duplicate => ProblemCode::Conflict,
            Word::Limited => return Some(Problem::new(ProblemCode::RateLimited).retry_after(self.seconds())),
            Word::Down => ProblemCode::UpstreamUnavailable,
            Word::Cut => ProblemCode::UpstreamUnexpected,
            _ => return None,
        };
        Some(Problem::new(code))
    }

    /// The place that is to be wrong.
    pub(crate) fn at(&self) -> Option<&str> {
        self.at.as_deref()
    }

    /// The number beside the word.
    pub(crate) fn number(&self) -> Option<u64> {
        self.number
    }

    /// Milliseconds a late answer takes.
    pub(crate) fn delay_ms(&self) -> u64 {
        self.number.unwrap_or(2_000)
    }

    /// Seconds until it is worth another try.
    pub(crate) fn seconds(&self) -> u64 {
        self.number.unwrap_or(3).max(1)
    }

    /// What happens to an operation under this scenario; `None` where it cannot express it.
    pub(crate) fn outcome(&self, words: &Vocabulary, operation: &Operation, role: Option<&Role>) -> Option<Outcome> {
        if !is_possible(self.word, words, operation, role) {
            return None;
        }
        let refuse = |problem: Problem| Outcome::Refuse(problem);
        let lost = if operation.effect == Effect::None {
            Kept::Nothing
        } else {
            Kept::Unknown
        };
        let number = |default: u64| self.number.unwrap_or(default);
        Some(match self.word {
            Word::Ok => Outcome::Answer(Style::Rich),
            Word::Minimal => Outcome::Answer(Style::Minimal),
            Word::Maximal => Outcome::Answer(Style::Maximal),
            Word::Empty => Outcome::Answer(Style::Empty),
            Word::NotFound => refuse(not_found()),
            Word::Invalid => refuse(invalid(operation, self.at.as_deref())),
            Word::Rejected => refuse(Problem::new(ProblemCode::BusinessRejected).detail(
                "不符合办理条件：经审核，所提交的信息与登记信息不一致",
                "The conditions are not met: what was submitted differs from the register",
            )),
            Word::NeedDocs => Outcome::Accept(Twist::NeedDocs(number(1).clamp(1, 20))),
            Word::Pending => Outcome::Accept(Twist::Pending(number(5).min(3_650))),
            Word::Duplicate => refuse(
                Problem::new(ProblemCode::Conflict)
                    .detail("已有一件相同的办件正在办理", "The same matter is already being handled"),
            ),
            Word::ConsentMissing => refuse(Problem::new(ProblemCode::ConsentMissing)),
            Word::ConsentExpired => refuse(Problem::new(ProblemCode::ConsentExpired)),
            Word::Limited => refuse(Problem::new(ProblemCode::RateLimited).retry_after(self.seconds())),
            Word::Down => refuse(Problem::new(ProblemCode::UpstreamUnavailable)),
            Word::Slow => Outcome::Late(self.delay_ms()),
            Word::Cut => refuse(
                Problem::new(ProblemCode::UpstreamUnexpected)
                    .detail(
                        format!("部门系统在发送 {} 字节后断开", number(512)),
                        format!("The agency's system broke off after {} bytes", number(512)),
                    )
                    .kept(lost),
            ),
            Word::Garbled => refuse(garbled(&operation.output).kept(lost)),
        })
    }
}

/// The words an operation can express.
pub(crate) fn possible(words: &Vocabulary, operation: &Operation, role: Option<&Role>) -> Vec<Word> {
    let all = Word::ALL.into_iter().map(|(word, _)| word);
    all.filter(|word| is_possible(*word, words, operation, role)).collect()
}

fn is_possible(word: Word, words: &Vocabulary, operation: &Operation, role: Option<&Role>) -> bool {
    let makes = operation.effect == Effect::Once && role.is_some_and(|r| !r.gives.is_empty());
    let opens = makes && role.is_some_and(|r| r.turn.is_none_or(|t| t == Turn::Bill));
    match word {
        Word::Empty => operation.output.children.iter().any(can_be_empty),
        Word::Invalid => !operation.input.children.is_empty(),
        Word::Duplicate => operation.effect != Effect::None,
        Word::NeedDocs => opens && asks_for_papers(words, &operation.output),
        Word::Pending => opens && role.is_some_and(|r| matches!(r.flow, Flow::Case | Flow::Order)),
        Word::ConsentMissing | Word::ConsentExpired => !operation.bound.is_empty() && operation.level > DataLevel::L1,
        _ => true,
    }
}

fn can_be_empty(list: &Shape) -> bool {
    let least = list.schema.get("minItems").and_then(serde_json::Value::as_u64);
    list.item.is_some() && least.unwrap_or(0) == 0
}

fn asks_for_papers(words: &Vocabulary, output: &Shape) -> bool {
    let states = output.children.iter().filter(|c| crate::lifecycle::is_state(c));
    states
        .into_iter()
        .any(|c| words.state("need-docs", &c.choices).is_some())
}

/// The problem for a record that is not there.
pub(crate) fn not_found() -> Problem {
    Problem::new(ProblemCode::RecordNotFound)
}

fn invalid(operation: &Operation, at: Option<&str>) -> Problem {
    let first = operation.input.children.first().map(|c| format!("/{}", c.name));
    let place = at.map(str::to_owned).or(first).unwrap_or_default();
    Problem::violations(
        ProblemCode::ValidationFailed,
        vec![Violation {
            place,
            keyword: "scenario".to_owned(),
            expected: Text::new("符合合同的值", "a value that fits the contract"),
            got: "***".to_owned(),
        }],
    )
}

fn garbled(output: &Shape) -> Problem {
    let place = output
        .children
        .first()
        .map_or_else(String::new, |c| format!("/{}", c.name));
    Problem::violations(
        ProblemCode::UpstreamContract,
        vec![Violation {
            place,
            keyword: "type".to_owned(),
            expected: Text::new("合同所述的类型", "the type the contract says"),
            got: "<html>".to_owned(),
        }],
    )
}

/// The problem for a word that is unknown or cannot be expressed: it lists those that can.
pub(crate) fn unknown(word: &str, possible: &[Word]) -> Problem {
    let names: Vec<String> = possible.iter().map(|w| w.as_str().to_owned()).collect();
    Problem::new(ProblemCode::ScenarioUnknown)
        .detail(
            format!("此操作可用的场景：{}", names.join("、")),
            format!("This operation can show: {}", names.join(", ")),
        )
        .at(
            "header/Hub-Scenario",
            Text::same(names.join(" | ")),
            word.chars().take(40).collect::<String>(),
        )
        .with("possible", names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Scenario, String> {
        Scenario::read(&[("hub-scenario".to_owned(), text.to_owned())])
    }

    #[test]
    fn words_are_read_with_their_parameters() {
        let late = read("slow; ms=1500").unwrap();
        assert_eq!((late.word, late.number), (Word::Slow, Some(1500)));
        assert_eq!(read("invalid; at=/a/b").unwrap().at.as_deref(), Some("/a/b"));
        assert_eq!(read("perfect"), Err("perfect".to_owned()));
        assert_eq!(Scenario::read(&[]).unwrap().word, Word::Ok);
        let query = Scenario::read(&[("_scenario".to_owned(), "down".to_owned())]).unwrap();
        assert_eq!(query.word, Word::Down);
    }
}
