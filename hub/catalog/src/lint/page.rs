//! One page a rule, in both languages, with a good and a bad example.

use super::rule::{Ground, Level, Rule};
use hub_core::Text;
use std::fmt::Write;

/// The page of a rule, in Markdown.
#[must_use]
pub fn page(rule: &Rule) -> String {
    let family = rule.family.name();
    let level = weight(rule.level);
    let mut text = format!("# {}\n\n{}。\n\n{}.\n\n", rule.id, rule.title.zh, stop(&rule.title.en));
    let _ = writeln!(text, "- 类别 / family: {} / {}", family.zh, family.en);
    let _ = writeln!(text, "- 级别 / level: {} / {}", level.zh, level.en);
    let _ = writeln!(text, "- 生效 / since: {}", rule.since);
    if let Some(grace) = &rule.grace {
        let _ = writeln!(
            text,
            "- 宽限 / grace: {grace} 之前按“应改”处理 / counts as should before {grace}"
        );
    }
    if let Some((ground, because)) = &rule.ground {
        let name = match ground {
            Ground::Corpus => Text::new("实例", "met in descriptions"),
            Ground::Law => Text::new("法规标准", "law or standard"),
            Ground::Dictionary => Text::new("字典", "dictionary"),
        };
        let _ = writeln!(
            text,
            "- 依据 / ground: {}：{} / {}: {}",
            name.zh, because.zh, name.en, because.en
        );
    }
    if rule.is_fixable() {
        let _ = writeln!(text, "- 可自动修改 / put right by: `hub lint --fix`");
    }
    if let Some(known) = &rule.known_as {
        let _ = writeln!(text, "- 同名规则 / same id in: `{known}`");
    }
    let _ = write!(
        text,
        "\n## 为什么 / Why\n\n{}。\n\n{}.\n\n## 怎么改 / Fix\n\n{}。\n\n{}.\n",
        rule.why.zh,
        stop(&rule.why.en),
        rule.fix.zh,
        stop(&rule.fix.en)
    );
    let _ = write!(
        text,
        "\n## 反例 / Bad\n\n```yaml\n{}\n```\n\n## 正例 / Good\n\n```yaml\n{}\n```\n",
        rule.bad.trim_end(),
        rule.good.trim_end()
    );
    text
}

/// The list of all rules, in Markdown.
#[must_use]
pub fn index<'r>(rules: impl IntoIterator<Item = &'r Rule>) -> String {
    let mut text = String::from(
        "# Rules\n\nWhat `hub lint` asks of a description. Generated from `policies/rules/`.\n\n\
         | rule | level | 类别 | 中文 | English |\n|---|---|---|---|---|\n",
    );
    for rule in rules {
        let _ = writeln!(
            text,
            "| [{0}]({0}.md) | {1} | {2} | {3} | {4} |",
            rule.id,
            rule.level.as_str(),
            rule.family.name().zh,
            rule.title.zh,
            rule.title.en
        );
    }
    text
}

fn weight(level: Level) -> Text {
    match level {
        Level::Must => Text::new("必改", "must"),
        Level::Should => Text::new("应改", "should"),
        Level::Info => Text::new("提示", "info"),
    }
}

/// A sentence without its full stop.
fn stop(text: &str) -> &str {
    text.trim_end_matches('.')
}
