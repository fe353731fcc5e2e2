//! What a command ends with: something for standard output, something for standard error, an exit code.

use hub_core::{Finding, Lang, Severity};
use serde_json::Value;
use std::io::Write;
use std::process::ExitCode;

/// The end of a command.
#[derive(Debug, Default)]
pub struct Outcome {
    out: String,
    err: String,
    code: u8,
}

impl Outcome {
    /// Done, with text for standard output.
    pub fn done(out: impl Into<String>) -> Self {
        Self {
            out: out.into(),
            ..Self::default()
        }
    }

    /// Done, with JSON for standard output.
    pub fn json(value: &Value) -> Self {
        Self::done(format!("{value:#}"))
    }

    /// Failed for one reason.
    pub fn failed(reason: impl std::fmt::Display, lang: Lang) -> Self {
        let word = if lang == Lang::Zh { "错误" } else { "error" };
        Self {
            err: format!("{word}: {reason}"),
            code: 1,
            ..Self::default()
        }
    }

    /// Used wrongly.
    pub fn misused(reason: impl std::fmt::Display, lang: Lang) -> Self {
        Self {
            code: 2,
            ..Self::failed(reason, lang)
        }
    }

    /// Stopped by findings.
    pub fn findings(findings: &[Finding], lang: Lang) -> Self {
        let err = findings.iter().map(|f| line(f, lang)).collect::<Vec<_>>().join("\n");
        Self {
            err,
            code: 1,
            ..Self::default()
        }
    }

    /// Adds text for standard error, so that standard output stays what it is for.
    pub fn saying(mut self, err: impl Into<String>) -> Self {
        self.err = err.into();
        self
    }

    /// Sets the exit code to 1.
    pub fn with_code(mut self, code: u8) -> Self {
        self.code = code;
        self
    }

    /// Prints and ends. A closed standard output (`| head`) is no failure.
    pub fn finish(self, _lang: Lang) -> ExitCode {
        let put = |mut to: Box<dyn Write>, text: &str| {
            if !text.is_empty() {
                let _ = writeln!(to, "{}", text.trim_end());
            }
        };
        put(Box::new(std::io::stdout()), &self.out);
        put(Box::new(std::io::stderr()), &self.err);
        ExitCode::from(self.code)
    }
}

/// One finding on one line.
pub fn line(finding: &Finding, lang: Lang) -> String {
    let severity = match (finding.severity, lang) {
        (Severity::Error, Lang::Zh) => "错误",
        (Severity::Warning, Lang::Zh) => "警告",
        (Severity::Note, Lang::Zh) => "提示",
        (Severity::Error, Lang::En) => "error",
        (Severity::Warning, Lang::En) => "warning",
        (Severity::Note, Lang::En) => "note",
    };
    if lang == Lang::En {
        return format!("{severity}: {finding}");
    }
    let mut text = format!("{severity}: {}", finding.file);
    if finding.line > 0 {
        text += &format!(":{}:{}", finding.line, finding.column);
    }
    text += &format!("：{}", finding.message.zh);
    match (&finding.expected, &finding.got) {
        (Some(e), Some(g)) => text += &format!("（应为 {e}，实为 {g}）"),
        (Some(e), None) => text += &format!("（应为 {e}）"),
        _ => {}
    }
    if !finding.near.is_empty() {
        text += &format!("；是否想写 {}？", finding.near.join("、"));
    }
    if let Some(fix) = &finding.fix {
        text += &fix.zh;
    }
    format!("{text} [{}]", finding.code)
}
