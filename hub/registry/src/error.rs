//! What the registry refuses.

use crate::life::{State, Step};
use crate::steps::Hindrances;
use hub_core::{Finding, Problem, ProblemCode, SystemId, Text};
use hub_store::StoreError;
use serde_json::json;

/// A change that was not made.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RegistryError {
    /// A value that cannot be taken.
    #[error("`{field}`: {expected} is expected")]
    Value {
        /// Which.
        field: &'static str,
        /// What would have been taken.
        expected: &'static str,
    },
    /// Nothing of this id.
    #[error("there is no {kind} `{id}`")]
    Unknown {
        /// tenant, client or key.
        kind: &'static str,
        /// The id asked for.
        id: String,
    },
    /// It exists already and is another.
    #[error("`{0}` exists already")]
    Exists(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A key could not be made.
    #[error("no key could be made: {0}")]
    Key(String),
    /// It is not this person's to do.
    #[error("this is not yours to do")]
    NotTheirs,
    /// The agency has not been approved, or is suspended.
    #[error("the agency `{0}` is not approved")]
    NotApproved(String),
    /// Too many agencies wait.
    #[error("too many agencies wait to be approved")]
    Full,
    /// This major version stands in the folder of specs.
    #[error("{0} stands in the folder of specs")]
    InFolder(SystemId),
    /// The agency has as many versions as it may have.
    #[error("there are {0} versions already")]
    TooMany(usize),
    /// The upload cannot be read.
    #[error("the description cannot be read")]
    Unreadable(Vec<Finding>),
    /// This version number is in use.
    #[error("version {number} is {state}")]
    Taken {
        /// The number.
        number: String,
        /// Where that version is.
        state: State,
    },
    /// The step is none of this state.
    #[error("`{step}` is not possible in the state `{state}`")]
    State {
        /// What was asked.
        step: Step,
        /// Where it is.
        state: State,
        /// What is possible.
        open: Vec<Step>,
    },
    /// Something stands in the way of going live.
    #[error("the version is not ready")]
    NotReady(std::sync::Arc<Hindrances>),
    /// Another person has to do it.
    #[error("another person has to do this")]
    SecondPerson,
    /// It was not replaced, so it cannot be put back.
    #[error("this version was never replaced by another one")]
    NeverReplaced,
    /// Its end was not announced, or has not come.
    #[error("its announced end has not come")]
    TooEarly,
    /// It was changed in between.
    #[error("it was changed in between")]
    Moved,
}

impl RegistryError {
    /// As the operator's program sees it.
    #[must_use]
    pub fn problem(&self) -> Problem {
        match self {
            Self::Value { field, expected } => {
                Problem::new(ProblemCode::ValidationFailed).at(format!("/{field}"), Text::same(*expected), "")
            }
            Self::Unknown { kind, id } => Problem::new(ProblemCode::NotFound)
                .detail(format!("没有 {kind} `{id}`"), format!("there is no {kind} `{id}`")),
            Self::Exists(id) => {
                Problem::new(ProblemCode::Conflict).detail(format!("`{id}` 已存在"), format!("`{id}` exists already"))
            }
            Self::NotTheirs => Problem::new(ProblemCode::NotAuthorized),
            Self::NotApproved(id) => Problem::new(ProblemCode::NotAuthorized).detail(
                format!("部门 `{id}` 未获批准或已停用"),
                format!("the agency `{id}` is not approved, or suspended"),
            ),
            Self::Full => Problem::new(ProblemCode::RateLimited)
                .detail("等待批准的部门过多", "too many agencies wait to be approved"),
            Self::InFolder(id) => Problem::new(ProblemCode::Conflict).detail(
                format!("{id} 的这个主版本由目录文件夹提供，不能在此更改"),
                format!("this major version of {id} stands in the folder of specs and is not changed here"),
            ),
            Self::TooMany(most) => Problem::new(ProblemCode::QuotaExceeded).detail(
                format!("本部门已有 {most} 个版本，请先下线不用的版本"),
                format!("this agency has {most} versions; retire those that nobody needs"),
            ),
            Self::Unreadable(findings) => unreadable(findings),
            Self::Taken { number, state } => Problem::new(ProblemCode::VersionState).detail(
                format!("版本 {number} 已处于 {state} 状态，不能覆盖；请修改 info.version 后上传"),
                format!("version {number} is {state} and stays as it is; raise info.version and upload it"),
            ),
            Self::State { step, state, open } => Problem::new(ProblemCode::VersionState)
                .detail(
                    format!("状态 {state} 不能进行 {step}"),
                    format!("`{step}` is not possible in the state `{state}`"),
                )
                .with("state", json!(state))
                .with("steps", json!(open)),
            Self::NotReady(hindrances) => not_ready(hindrances),
            Self::SecondPerson => Problem::new(ProblemCode::SecondPersonNeeded),
            Self::NeverReplaced => Problem::new(ProblemCode::VersionState).detail(
                "该版本没有被新版本替换过，无法恢复",
                "this version was never replaced by another one, so there is nothing to go back to",
            ),
            Self::TooEarly => Problem::new(ProblemCode::VersionState).detail(
                "正在使用的版本须先公告停用日期（deprecate），到期后才能下线",
                "what is called ends after its announced end only: deprecate it first",
            ),
            Self::Moved => Problem::new(ProblemCode::VersionState).detail(
                "该版本刚被他人更改，请重新查看",
                "somebody else has just changed it; look at it again",
            ),
            Self::Store(error) => Problem::new(ProblemCode::StoreUnavailable).inner(error.to_string()),
            Self::Key(words) => Problem::new(ProblemCode::Internal).inner(words.clone()),
        }
    }
}

fn unreadable(findings: &[Finding]) -> Problem {
    let problem = Problem::new(ProblemCode::DescriptionUnreadable).with("findings", json!(findings));
    match findings.first() {
        Some(first) => problem
            .detail(first.message.zh.clone(), first.message.en.clone())
            .at(
                format!("{}:{}:{}", first.file, first.line, first.column),
                first.expected.clone().map_or_else(Text::default, Text::same),
                first.got.clone().unwrap_or_default(),
            )
            .near(first.near.clone()),
        None => problem,
    }
}

fn not_ready(hindrances: &Hindrances) -> Problem {
    let (findings, breaks) = (&hindrances.findings, hindrances.breaks.as_ref());
    let breaking = breaks.map_or(0, |report| report.of(hub_catalog::diff::Severity::Breaking).count());
    let problem = Problem::new(ProblemCode::VersionNotReady).detail(
        format!("须改正 {} 处问题；未经认可的不兼容变化 {breaking} 处", findings.len()),
        format!(
            "{} findings to put right; {breaking} breaking changes that nobody answers for",
            findings.len()
        ),
    );
    let problem = problem.with("findings", json!(findings));
    match breaks {
        Some(report) => problem.with("changes", json!(report.changes)),
        None => problem,
    }
}
