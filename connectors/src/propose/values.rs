//! What values show: whether they can be a field's at all, and in which form the upstream writes it.

use super::upstream::{Kind, Node};
use hub_core::check_digit::{id_card_is_valid, uscc_is_valid};
use hub_core::{Semantic, Shape, ShapeKind, Text};
use regex::Regex;
use serde_json::Value;

/// What values say about a pair of an upstream place and a field.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Evidence {
    /// Added to the points of the names.
    pub(super) points: i32,
    /// At least so many points, whatever the names are.
    pub(super) floor: i32,
    /// The codec that writes such values, if they are not written as the contract does.
    pub(super) form: Option<String>,
    /// In words.
    pub(super) reason: Option<Text>,
}

impl Evidence {
    fn fits(points: i32, form: Option<String>, zh: &str, en: &str) -> Self {
        Self {
            points,
            floor: 0,
            form,
            reason: Some(Text::new(zh, en)),
        }
    }

    fn against(points: i32) -> Self {
        Self {
            points: -points,
            ..Self::default()
        }
    }
}

/// Forms of days, as codecs name them, with what they look like.
const DATES: &[(&str, &str)] = &[
    ("yyyy-MM-dd", r"^\d{4}-\d\d-\d\d$"),
    ("yyyyMMdd", r"^(19|20|99)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])$"),
    ("yyyy/MM/dd", r"^\d{4}/\d\d/\d\d$"),
    ("yyyy/M/d", r"^\d{4}/\d{1,2}/\d{1,2}$"),
    ("yyyy.MM.dd", r"^\d{4}\.\d\d\.\d\d$"),
    ("yyyy年MM月dd日", r"^\d{4}年\d\d月\d\d日$"),
    ("yyyy年M月d日", r"^\d{4}年\d{1,2}月\d{1,2}日$"),
    ("yyyy-MM-dd HH:mm:ss", r"^\d{4}-\d\d-\d\d 00:00:00$"),
];

const TIMES: &[(&str, &str)] = &[
    ("iso", r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$"),
    ("xsd", r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$"),
    ("yyyy-MM-dd HH:mm:ss", r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$"),
    ("yyyy-MM-dd HH:mm", r"^\d{4}-\d\d-\d\d \d\d:\d\d$"),
    ("yyyyMMddHHmmss", r"^(19|20)\d{12}$"),
    ("yyyy/MM/dd HH:mm:ss", r"^\d{4}/\d\d/\d\d \d\d:\d\d:\d\d$"),
    ("epoch-ms", r"^1\d{12}$"),
    ("epoch", r"^1\d{9}$"),
];

const MONTHS: &[(&str, &str)] = &[
    ("yyyy-MM", r"^\d{4}-(0[1-9]|1[0-2])$"),
    ("yyyyMM", r"^(19|20)\d\d(0[1-9]|1[0-2])$"),
    ("yyyy/MM", r"^\d{4}/(0[1-9]|1[0-2])$"),
    ("yyyy年MM月", r"^\d{4}年\d\d月$"),
];

/// Pairs of texts for yes and no.
const TRUTHS: &[&str] = &["1/0", "Y/N", "true/false", "是/否", "T/F", "y/n", "yes/no"];

/// Patterns, compiled once.
#[derive(Debug)]
pub(super) struct Looks {
    dates: Vec<(&'static str, Regex)>,
    times: Vec<(&'static str, Regex)>,
    months: Vec<(&'static str, Regex)>,
}

impl Looks {
    pub(super) fn new() -> Self {
        let all = |list: &[(&'static str, &str)]| {
            list.iter()
                .filter_map(|(form, look)| Some((*form, Regex::new(look).ok()?)))
                .collect()
        };
        Self {
            dates: all(DATES),
            times: all(TIMES),
            months: all(MONTHS),
        }
    }

    fn form(looks: &[(&'static str, Regex)], texts: &[String]) -> Option<&'static str> {
        looks
            .iter()
            .find(|(_, look)| !texts.is_empty() && texts.iter().all(|t| look.is_match(t)))
            .map(|(form, _)| *form)
    }

    /// What the values and the declared type of a place say about a field.
    pub(super) fn weigh(&self, node: &Node, shape: &Shape) -> Evidence {
        let texts: Vec<String> = node
            .samples
            .iter()
            .map(text)
            .filter(|t| !t.is_empty() && !t.contains('*'))
            .collect();
        match shape.semantic {
            Semantic::Date => self.day(node, &texts),
            Semantic::DateTime => self.moment(node, &texts),
            Semantic::Month => match (Self::form(&self.months, &texts), texts.is_empty()) {
                (Some(form), _) => Evidence::fits(8, Some(format!("month {form}")), "是月份", "a month"),
                (None, true) => Evidence::default(),
                (None, false) => Evidence::against(30),
            },
            Semantic::Money => money(node, &texts),
            _ => self.plain(node, shape, &texts),
        }
    }

    fn day(&self, node: &Node, texts: &[String]) -> Evidence {
        if let Some(form) = Self::form(&self.dates, texts) {
            return Evidence::fits(10, Some(format!("date {form}")), "值是日期", "values are dates");
        }
        if let Some(form) = Self::form(&self.times, texts) {
            let form = if form == "iso" || form == "xsd" {
                "yyyy-MM-dd'T'HH:mm:ss"
            } else {
                form
            };
            return Evidence::fits(2, Some(format!("date {form}")), "值是时间", "values are moments");
        }
        if !texts.is_empty() {
            return Evidence::against(35);
        }
        match node.format.as_deref() {
            Some("date") => Evidence::fits(8, Some("date yyyy-MM-dd".into()), "类型是日期", "declared as a date"),
            Some("date-time") => Evidence::fits(
                0,
                Some("date yyyy-MM-dd'T'HH:mm:ss".into()),
                "类型是时间",
                "declared as a moment",
            ),
            _ if node.kind == Kind::Boolean => Evidence::against(40),
            _ => Evidence::default(),
        }
    }

    fn moment(&self, node: &Node, texts: &[String]) -> Evidence {
        if let Some(form) = Self::form(&self.times, texts) {
            let number = node.kind == Kind::Number || !form.starts_with("epoch");
            let form = if number {
                form.to_owned()
            } else {
                format!("{form} text")
            };
            return Evidence::fits(10, Some(format!("datetime {form}")), "值是时间", "values are moments");
        }
        if let Some(form) = Self::form(&self.dates, texts) {
            return Evidence::fits(-6, Some(format!("datetime {form}")), "值是日期", "values are days");
        }
        if !texts.is_empty() {
            return Evidence::against(35);
        }
        match node.format.as_deref() {
            Some("date-time") => Evidence::fits(8, Some("datetime xsd".into()), "类型是时间", "declared as a moment"),
            Some("date") => Evidence::against(10),
            _ if node.kind == Kind::Boolean => Evidence::against(40),
            _ => Evidence::default(),
        }
    }

    fn plain(&self, node: &Node, shape: &Shape, texts: &[String]) -> Evidence {
        if !shape.choices.is_empty() {
            return choices(node, shape, texts);
        }
        match shape.kind {
            ShapeKind::Boolean => truth(node, texts),
            ShapeKind::Integer | ShapeKind::Number => {
                let number = |t: &String| t.replace(',', "").parse::<f64>().is_ok();
                if texts.iter().any(|t| !number(t)) || node.kind == Kind::Boolean {
                    Evidence::against(40)
                } else if shape.kind == ShapeKind::Integer
                    && texts.iter().any(|t| t.contains('.') && !t.ends_with(".0"))
                {
                    Evidence::against(20)
                } else if node.format.as_deref().is_some_and(|f| f.starts_with("date")) {
                    Evidence::against(30)
                } else if texts.is_empty() {
                    Evidence::default()
                } else {
                    Evidence {
                        points: 4,
                        ..Evidence::default()
                    }
                }
            }
            ShapeKind::String => self.text(node, shape, texts),
            _ => Evidence::default(),
        }
    }

    fn text(&self, node: &Node, shape: &Shape, texts: &[String]) -> Evidence {
        let format = shape.schema.get("format").and_then(Value::as_str).unwrap_or_default();
        let all = |test: fn(&str) -> bool| !texts.is_empty() && texts.iter().all(|t| test(t));
        if format == "id-card" || format == "party-number" {
            if all(|t| t.len() == 18 && id_card_is_valid(&t.to_ascii_uppercase())) {
                let form = texts
                    .iter()
                    .any(|t| t.ends_with('x'))
                    .then(|| "id-card lower-x".to_owned());
                return Evidence {
                    floor: 62,
                    ..Evidence::fits(14, form, "18 位，校验位正确", "18 digits with a valid check digit")
                };
            }
            if !all(uscc_is_valid) && !texts.is_empty() {
                return Evidence::against(45);
            }
        }
        if format == "uscc" || format == "party-number" {
            if all(|t| t.len() == 18 && uscc_is_valid(t)) {
                return Evidence {
                    floor: 62,
                    ..Evidence::fits(
                        14,
                        None,
                        "统一社会信用代码，校验位正确",
                        "a credit code with a valid check digit",
                    )
                };
            }
            if !texts.is_empty() {
                return Evidence::against(45);
            }
        }
        let dated = node.format.as_deref().is_some_and(|f| f.starts_with("date"))
            || Self::form(&self.dates, texts).is_some() && node.kind != Kind::Number
            || Self::form(&self.times, texts).is_some() && node.kind != Kind::Number;
        let pattern = shape.schema.get("pattern").and_then(Value::as_str);
        let pattern = pattern.and_then(|p| Regex::new(p).ok());
        match pattern {
            Some(pattern) if !texts.is_empty() => {
                if texts.iter().all(|t| pattern.is_match(t)) {
                    // A pattern that takes anything proves nothing.
                    let strict = !pattern.is_match("Zz 一/.");
                    Evidence {
                        points: if strict { 7 } else { 1 },
                        reason: strict.then(|| Text::new("值符合格式", "values fit the pattern")),
                        ..Evidence::default()
                    }
                } else {
                    Evidence::against(35)
                }
            }
            _ if dated || node.kind == Kind::Boolean => Evidence::against(22),
            _ => Evidence::default(),
        }
    }

    /// The form of a date or month that stands in values of no declared meaning, for constants such as time stamps.
    pub(super) fn stamp(&self, sample: &Value) -> Option<&'static str> {
        let texts = [text(sample)];
        Self::form(&self.times, &texts).or_else(|| Self::form(&self.dates, &texts))
    }
}

fn money(node: &Node, texts: &[String]) -> Evidence {
    let plain = |t: &String| t.replace(',', "").parse::<f64>().is_ok();
    if texts.iter().any(|t| !plain(t)) || node.kind == Kind::Boolean {
        return Evidence::against(40);
    }
    let number = node.kind == Kind::Number;
    if texts.iter().any(|t| t.contains(',')) {
        return Evidence::fits(
            8,
            Some("yuan-comma".into()),
            "金额带千分位",
            "amounts with groups of digits",
        );
    }
    if texts.iter().any(|t| t.contains('.')) {
        let form = if number { "yuan-number" } else { "yuan" };
        return Evidence::fits(
            6,
            Some(form.into()),
            "金额有两位小数，单位元",
            "amounts with decimals: yuan",
        );
    }
    if texts.is_empty() {
        return match node.format.as_deref() {
            Some("decimal") => Evidence::fits(
                4,
                Some("yuan".into()),
                "类型是小数，单位元",
                "declared as a decimal: yuan",
            ),
            Some("double" | "float") => Evidence::fits(
                4,
                Some("yuan-number".into()),
                "类型是小数，单位元",
                "declared as a fraction: yuan",
            ),
            Some(f) if f.starts_with("date") => Evidence::against(40),
            _ => Evidence::default(),
        };
    }
    let form = if number { "fen" } else { "fen text" };
    Evidence::fits(2, Some(form.into()), "没有小数，按分", "no decimals: taken as fen")
}

fn truth(node: &Node, texts: &[String]) -> Evidence {
    if node.kind == Kind::Boolean {
        return Evidence::fits(8, None, "是否值", "a truth value");
    }
    if texts.is_empty() {
        return if node.kind == Kind::Number || node.format.is_some() {
            Evidence::against(10)
        } else {
            Evidence::default()
        };
    }
    let pair = TRUTHS.iter().find(|pair| {
        pair.split_once('/')
            .is_some_and(|(yes, no)| texts.iter().all(|t| t == yes || t == no))
    });
    match pair {
        Some(pair) => {
            let number = if node.kind == Kind::Number { " number" } else { "" };
            Evidence::fits(6, Some(format!("bool {pair}{number}")), "是否值", "yes or no")
        }
        None => Evidence::against(40),
    }
}

fn choices(node: &Node, shape: &Shape, texts: &[String]) -> Evidence {
    let own: Vec<String> = shape.choices.iter().map(text).collect();
    let seen: Vec<&String> = if node.choices.is_empty() {
        texts.iter().collect()
    } else {
        node.choices.iter().collect()
    };
    if seen.is_empty() {
        let odd = node.kind == Kind::Boolean || node.format.as_deref().is_some_and(|f| f.starts_with("date"));
        return if odd {
            Evidence::against(30)
        } else {
            Evidence::default()
        };
    }
    let same = |s: &&&String| own.iter().any(|o| o.eq_ignore_ascii_case(s));
    if seen.iter().all(|s| same(&s)) {
        return Evidence::fits(14, None, "值在代码表中", "values are in the list of codes");
    }
    // Codes are short words or digits; sentences, amounts and dates are none.
    if seen.iter().any(|s| s.len() > 24 || s.contains([' ', '.', ':'])) {
        return Evidence::against(30);
    }
    Evidence {
        points: if node.choices.is_empty() { 0 } else { 6 },
        ..Evidence::default()
    }
}

/// A scalar as a text.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn shape(semantic: Semantic, kind: ShapeKind, schema: Value) -> Shape {
        Shape {
            semantic,
            kind,
            schema: schema.into(),
            ..Shape::empty()
        }
    }

    fn weigh(values: &[Value], shape: &Shape) -> Evidence {
        let mut node = Node::named("x");
        values.iter().for_each(|v| node.learn(v));
        Looks::new().weigh(&node, shape)
    }

    #[test]
    fn values_tell_their_form() {
        let text = ShapeKind::String;
        let form = |semantic, value: Value| weigh(&[value], &shape(semantic, text, json!({}))).form;
        assert_eq!(
            form(Semantic::Date, json!("20260408")).as_deref(),
            Some("date yyyyMMdd")
        );
        assert_eq!(
            form(Semantic::Date, json!("2026-04-08")).as_deref(),
            Some("date yyyy-MM-dd")
        );
        assert_eq!(
            form(Semantic::Date, json!("2026年4月8日")).as_deref(),
            Some("date yyyy年M月d日")
        );
        assert_eq!(
            form(Semantic::DateTime, json!("2026-04-08 10:15:30")).as_deref(),
            Some("datetime yyyy-MM-dd HH:mm:ss")
        );
        assert_eq!(
            form(Semantic::DateTime, json!(1_775_614_530_000_i64)).as_deref(),
            Some("datetime epoch-ms")
        );
        assert_eq!(
            form(Semantic::DateTime, json!("1775614530")).as_deref(),
            Some("datetime epoch text")
        );
        assert_eq!(form(Semantic::Month, json!("202603")).as_deref(), Some("month yyyyMM"));
        assert_eq!(form(Semantic::Money, json!("12.80")).as_deref(), Some("yuan"));
        assert_eq!(form(Semantic::Money, json!("1,280.50")).as_deref(), Some("yuan-comma"));
        assert_eq!(form(Semantic::Money, json!(1280)).as_deref(), Some("fen"));
    }

    #[test]
    fn a_valid_check_digit_is_a_reason_of_its_own() {
        let id = shape(Semantic::Plain, ShapeKind::String, json!({"format": "id-card"}));
        // 11010519491231002X is the worked example of GB 11643.
        assert!(weigh(&[json!("11010519491231002X")], &id).floor > 50);
        assert!(weigh(&[json!("110105194912310021")], &id).points < -30);
        let lower = weigh(&[json!("11010519491231002x")], &id);
        assert_eq!(lower.form.as_deref(), Some("id-card lower-x"));
    }

    #[test]
    fn values_that_cannot_be_speak_against() {
        let date = shape(Semantic::Date, ShapeKind::String, json!({}));
        assert!(weigh(&[json!("张三")], &date).points < 0);
        let number = shape(Semantic::Plain, ShapeKind::Number, json!({}));
        assert!(weigh(&[json!("十二")], &number).points < 0);
        let yes = shape(Semantic::Plain, ShapeKind::Boolean, json!({}));
        assert_eq!(weigh(&[json!("Y"), json!("N")], &yes).form.as_deref(), Some("bool Y/N"));
    }
}
