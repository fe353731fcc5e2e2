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
    let fixed = |text: String| match &finding.fix {
        Some(fix) => format!("{} [{}]", joined(&text, fix.get(lang), lang), finding.code),
        None => format!("{text} [{}]", finding.code),
    };
    if lang == Lang::En {
        let mut plain = finding.clone();
        plain.fix = None;
        let text = format!("{severity}: {plain}");
        let end = format!(" [{}]", finding.code);
        return fixed(text.strip_suffix(&end).unwrap_or(&text).to_owned());
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
    fixed(text)
}

/// Two sentences, the first ended where nobody ended it.
pub fn joined(first: &str, second: &str, lang: Lang) -> String {
    let ended = first.trim_end().ends_with(['.', '?', '!', '。', '？', '！']);
    match (lang, ended) {
        (Lang::Zh, true) => format!("{first}{second}"),
        (Lang::Zh, false) => format!("{first}。{second}"),
        (Lang::En, true) => format!("{first} {second}"),
        (Lang::En, false) => format!("{first}. {second}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hub_core::Text;

    #[test]
    fn a_finding_and_what_to_do_are_two_sentences() {
        let finding = Finding::error("c", "a.yaml", Text::new("缺少文件", "A file is missing"))
            .at("", 1, 2)
            .expected("b.yaml", "c.yaml")
            .fix(Text::new("请补上", "Add it."));
        assert_eq!(
            line(&finding, Lang::En),
            "error: a.yaml:1:2: A file is missing (expected b.yaml, got c.yaml). Add it. [c]"
        );
        assert_eq!(
            line(&finding, Lang::Zh),
            "错误: a.yaml:1:2：缺少文件（应为 b.yaml，实为 c.yaml）。请补上 [c]"
        );
        let near = finding.near(vec!["d".to_owned()]);
        assert!(
            line(&near, Lang::Zh).contains("；是否想写 d？请补上 [c]"),
            "{}",
            line(&near, Lang::Zh)
        );
    }
}
