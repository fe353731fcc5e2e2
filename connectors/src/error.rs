//! Why a call through a connector did not give an answer, and the problem that becomes of it.

use hub_core::{Effect, Finding, Kept, Problem, ProblemCode, Text};

/// What an upstream's failure means; the words of `fails` in a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Failure {
    /// Nothing was found.
    NotFound,
    /// The agency refuses on its merits.
    Rejected,
    /// It conflicts with what exists.
    Conflict,
    /// The upstream finds the data wrong.
    Invalid,
    /// Closed for maintenance or settlement.
    Maintenance,
    /// Its capacity or our budget there is used up.
    Busy,
    /// It does not accept the hub's credentials or rights.
    Refused,
    /// The session or token is no longer good: log in again, once.
    Session,
    /// Broken on its side; nothing has happened.
    Unavailable,
    /// Broken on its side; something may have happened.
    Timeout,
    /// Not a failure after all.
    Ok,
}

impl Failure {
    /// All words with their meaning.
    pub const ALL: [(&'static str, Failure); 11] = [
        ("not-found", Failure::NotFound),
        ("rejected", Failure::Rejected),
        ("conflict", Failure::Conflict),
        ("invalid", Failure::Invalid),
        ("maintenance", Failure::Maintenance),
        ("busy", Failure::Busy),
        ("refused", Failure::Refused),
        ("session", Failure::Session),
        ("unavailable", Failure::Unavailable),
        ("timeout", Failure::Timeout),
        ("ok", Failure::Ok),
    ];

    /// From the word of a manifest.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(w, _)| *w == word).map(|(_, f)| *f)
    }

    /// The word in a manifest.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(_, f)| *f == self)
            .map_or("rejected", |(w, _)| w)
    }

    /// The public problem it becomes.
    #[must_use]
    pub fn code(self) -> ProblemCode {
        match self {
            Failure::NotFound => ProblemCode::RecordNotFound,
            Failure::Rejected | Failure::Invalid | Failure::Ok => ProblemCode::BusinessRejected,
            Failure::Conflict => ProblemCode::Conflict,
            Failure::Maintenance => ProblemCode::UpstreamMaintenance,
            Failure::Busy => ProblemCode::UpstreamBusy,
            Failure::Refused | Failure::Session => ProblemCode::UpstreamRefused,
            Failure::Unavailable => ProblemCode::UpstreamUnavailable,
            Failure::Timeout => ProblemCode::UpstreamTimeout,
        }
    }

    /// The word nearest to a problem, for the server half.
    #[must_use]
    pub fn of(code: ProblemCode) -> Self {
        match code {
            ProblemCode::RecordNotFound | ProblemCode::NotFound | ProblemCode::FileNotFound => Failure::NotFound,
            ProblemCode::Conflict | ProblemCode::IdempotencyConflict => Failure::Conflict,
            ProblemCode::ValidationFailed | ProblemCode::BadRequest => Failure::Invalid,
            ProblemCode::UpstreamMaintenance => Failure::Maintenance,
            ProblemCode::UpstreamBusy | ProblemCode::RateLimited | ProblemCode::QuotaExceeded => Failure::Busy,
            ProblemCode::UpstreamRefused | ProblemCode::AccessDenied => Failure::Refused,
            ProblemCode::UpstreamUnavailable | ProblemCode::NotConnected => Failure::Unavailable,
            ProblemCode::UpstreamTimeout => Failure::Timeout,
            _ => Failure::Rejected,
        }
    }
}

/// Why a step of the client half failed. Texts never hold secrets or unmasked personal values.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ConnectorError {
    /// The manifest binds no such operation, or its dialect comes later.
    #[error("operation `{key}` is not connected: {}", reason.en)]
    NotConnected {
        /// Operation key.
        key: String,
        /// Why.
        reason: Text,
    },
    /// A canonical value cannot be written as the upstream wants it.
    #[error("`{place}` cannot be sent: expected {}", expected.en)]
    Input {
        /// JSON pointer into the flat input.
        place: String,
        /// What the upstream can take.
        expected: Text,
    },
    /// A secret the manifest names is not there.
    #[error("the secret `{0}` is not set")]
    SecretMissing(String),
    /// A file named in the input does not exist.
    #[error("file `{0}` does not exist")]
    FileMissing(String),
    /// The upstream said no, in its own words.
    #[error("upstream failure `{}`{}", failure.as_str(), upstream_code.as_deref().map(|c| format!(" (code {c})")).unwrap_or_default())]
    Failed {
        /// What it means.
        failure: Failure,
        /// The upstream's code.
        upstream_code: Option<String>,
        /// The upstream's own words.
        message: Option<String>,
        /// Whether something may have happened there.
        effect_unknown: bool,
    },
    /// An HTML page where data was expected.
    #[error("the upstream's network answered with a page instead of data")]
    Blocked {
        /// Whether something may have happened there.
        effect_unknown: bool,
    },
    /// Bytes that cannot be read as the dialect says.
    #[error("the answer cannot be read: {what}")]
    Unreadable {
        /// What is wrong, without its content.
        what: String,
        /// Whether something may have happened there.
        effect_unknown: bool,
    },
    /// A readable answer in which something needed is missing or of the wrong kind.
    #[error("the answer does not fit at `{place}`: expected {expected}, got {got}")]
    Misfit {
        /// Where in the answer, by upstream names.
        place: String,
        /// What was expected.
        expected: String,
        /// What was found: its kind, never its value.
        got: String,
        /// Whether something may have happened there.
        effect_unknown: bool,
    },
    /// A file without a column by which its lines are to be told apart: all of them, other people's too, would be an answer.
    #[error(
        "the file has no column `{0}`, which is asked for: have its header or `columns` corrected, take the row out of \
         `request`, or put {{{0}}} into the name in `batch.files`"
    )]
    NoColumn(String),
    /// The engine or the manifest is at fault.
    #[error("{0}")]
    Manifest(String),
    /// An upstream's knock at our door that cannot be trusted or read.
    #[error("callback refused: {0}")]
    Callback(String),
}

impl ConnectorError {
    /// Marks whether the call may have had its effect, from what a repetition would do.
    #[must_use]
    pub fn for_effect(mut self, effect: Effect) -> Self {
        let unknown = effect != Effect::None;
        match &mut self {
            ConnectorError::Failed {
                failure,
                effect_unknown,
                ..
            } => *effect_unknown = unknown && (*effect_unknown || *failure == Failure::Timeout),
            ConnectorError::Blocked { effect_unknown }
            | ConnectorError::Unreadable { effect_unknown, .. }
            | ConnectorError::Misfit { effect_unknown, .. } => *effect_unknown = unknown,
            _ => {}
        }
        self
    }

    /// Marks an upstream's refusal as one that does not say that nothing was done.
    #[must_use]
    pub(crate) fn unsure(mut self) -> Self {
        if let ConnectorError::Failed { effect_unknown, .. } = &mut self {
            *effect_unknown = true;
        }
        self
    }

    /// Whether the upstream may have done what it was asked, so that it must be asked before a repetition.
    #[must_use]
    pub fn effect_unknown(&self) -> bool {
        match self {
            ConnectorError::Failed { effect_unknown, .. }
            | ConnectorError::Blocked { effect_unknown }
            | ConnectorError::Unreadable { effect_unknown, .. }
            | ConnectorError::Misfit { effect_unknown, .. } => *effect_unknown,
            _ => false,
        }
    }

    /// Whether the upstream says that there is no such record.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(
            self,
            ConnectorError::Failed {
                failure: Failure::NotFound,
                ..
            }
        )
    }

    /// The public problem.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let kept = if self.effect_unknown() {
            Kept::Unknown
        } else {
            Kept::Nothing
        };
        let problem = match self {
            ConnectorError::NotConnected { reason, .. } => {
                Problem::new(ProblemCode::NotConnected).detail(&reason.zh, &reason.en)
            }
            ConnectorError::Input { place, expected } => {
                Problem::new(ProblemCode::ValidationFailed).at(place, expected.clone(), "***")
            }
            ConnectorError::SecretMissing(_) => Problem::new(ProblemCode::NotConnected).detail(
                "该系统的接入密钥尚未配置",
                "The credentials of this system are not configured",
            ),
            ConnectorError::FileMissing(_) => Problem::new(ProblemCode::FileNotFound),
            ConnectorError::Failed {
                failure,
                upstream_code,
                message,
                ..
            } => failed(*failure, upstream_code.as_deref(), message.as_deref()),
            ConnectorError::Blocked { .. } => Problem::new(ProblemCode::UpstreamBlocked),
            ConnectorError::Unreadable { .. } => Problem::new(ProblemCode::UpstreamUnexpected),
            ConnectorError::Misfit {
                place, expected, got, ..
            } => Problem::new(ProblemCode::UpstreamContract).at(place, Text::same(expected), got),
            ConnectorError::NoColumn(column) => Problem::new(ProblemCode::UpstreamContract)
                .at(column, Text::new("文件中的一列", "a column of the file"), "missing")
                .detail(
                    format!("系统的文件缺少查询所用的列 {column}，无法筛选，因此不返回任何数据；请接入方核对文件表头或清单中的列"),
                    format!(
                        "The system's file has no column {column}, by which it is searched, so nothing of it is shown; whoever \
                         connected the system has to compare the file's header with the manifest"
                    ),
                ),
            ConnectorError::Manifest(_) => Problem::new(ProblemCode::Internal),
            ConnectorError::Callback(_) => Problem::new(ProblemCode::CallbackRejected),
        };
        problem.kept(kept).inner(self.to_string())
    }
}

/// The upstream's own words are shown to the caller as the reason: they are why the agency said no.
fn failed(failure: Failure, code: Option<&str>, message: Option<&str>) -> Problem {
    let mut problem = Problem::new(failure.code());
    let shown = !matches!(failure, Failure::Refused | Failure::Session);
    if let Some(message) = message.filter(|m| shown && !m.trim().is_empty()) {
        let short: String = crate::blank::impersonal(message).chars().take(300).collect();
        problem = problem.detail(short.clone(), short);
    }
    if let Some(code) = code {
        problem = problem.with("upstream_code", code);
    }
    problem
}

/// A folder of connectors that could not be read at all.
#[must_use]
pub fn unreadable(file: &str, error: &std::io::Error) -> Finding {
    Finding::error(
        "unreadable-file",
        file,
        Text::new("文件无法读取", "The file cannot be read"),
    )
    .expected("a readable file", error.to_string())
}
