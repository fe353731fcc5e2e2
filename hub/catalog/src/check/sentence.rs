//! One sentence per way not to fit, in both languages.

use super::formats;
use hub_core::Text;
use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use serde_json::Value;

/// What is known about the value that does not fit.
#[derive(Debug, Default)]
pub(crate) struct About {
    /// Its title, if it has one.
    pub(crate) title: Option<Text>,
    /// A fitting example that may be shown.
    pub(crate) example: Option<String>,
    /// Words for the values of its enum.
    pub(crate) labels: Option<Value>,
}

/// The errors that say most: below `oneOf` and `anyOf`, those of the branch which fits best.
pub(crate) fn telling<'e>(error: &'e ValidationError<'e>) -> Vec<&'e ValidationError<'e>> {
    let (Kind::AnyOf { context: branches } | Kind::OneOfNotValid { context: branches }) = error.kind() else {
        return vec![error];
    };
    let own = error.instance_path().as_str().len();
    // A branch of another type says nothing; the one with the fewest errors was meant.
    let other_type =
        |e: &ValidationError<'_>| matches!(e.kind(), Kind::Type { .. }) && e.instance_path().as_str().len() <= own;
    let best = branches
        .iter()
        .filter(|errors| !errors.is_empty() && !errors.iter().any(other_type))
        .min_by_key(|errors| errors.len());
    match best {
        Some(errors) => errors.iter().flat_map(telling).collect(),
        None => vec![error],
    }
}

/// What would have been right.
pub(crate) fn expected(error: &ValidationError<'_>, about: &About) -> Text {
    let text = |zh: String, en: String| Text { zh, en };
    match error.kind() {
        Kind::Format { format } => formats::described(format).unwrap_or_else(|| patterned(about)),
        Kind::Pattern { .. } | Kind::RegexEngineFailure { .. } | Kind::BacktrackLimitExceeded { .. } => {
            patterned(about)
        }
        Kind::Enum { options } => one_of(options, about.labels.as_ref()),
        Kind::Constant { expected_value } => Text::same(expected_value.to_string()),
        Kind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            text(format!("必填字段 `{name}`"), format!("the required field `{name}`"))
        }
        Kind::Type { kind } => typed(kind),
        Kind::MinLength { limit: 1 } => Text::new("不能为空", "at least one character"),
        Kind::MinLength { limit } => text(format!("至少 {limit} 个字"), format!("at least {limit} characters")),
        Kind::MaxLength { limit } => text(format!("最多 {limit} 个字"), format!("at most {limit} characters")),
        Kind::Minimum { limit } => text(format!("不小于 {limit}"), format!("{limit} or more")),
        Kind::Maximum { limit } => text(format!("不大于 {limit}"), format!("{limit} or less")),
        Kind::ExclusiveMinimum { limit } => text(format!("大于 {limit}"), format!("more than {limit}")),
        Kind::ExclusiveMaximum { limit } => text(format!("小于 {limit}"), format!("less than {limit}")),
        Kind::MultipleOf { multiple_of } => text(
            format!("{multiple_of} 的整数倍"),
            format!("a multiple of {multiple_of}"),
        ),
        Kind::MinItems { limit } => text(format!("至少 {limit} 项"), format!("at least {limit} items")),
        Kind::MaxItems { limit } => text(format!("最多 {limit} 项"), format!("at most {limit} items")),
        Kind::MinProperties { limit } => text(format!("至少 {limit} 个字段"), format!("at least {limit} fields")),
        Kind::MaxProperties { limit } => text(format!("最多 {limit} 个字段"), format!("at most {limit} fields")),
        Kind::UniqueItems => Text::new("各项不得重复", "items that all differ"),
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            let names = unexpected.join(", ");
            text(format!("没有字段 {names}"), format!("no field {names}"))
        }
        Kind::AdditionalItems { limit } => text(format!("最多 {limit} 项"), format!("at most {limit} items")),
        Kind::AnyOf { .. } | Kind::OneOfNotValid { .. } => {
            Text::new("符合所列形式之一", "a value that fits one of the forms listed")
        }
        Kind::OneOfMultipleValid { .. } => {
            Text::new("只符合所列形式之一", "a value that fits only one of the forms listed")
        }
        Kind::Contains => Text::new("至少一项符合要求", "at least one item of the kind required"),
        Kind::FalseSchema => Text::new("此处不应有值", "no value here"),
        Kind::Not { .. } => Text::new("不属于所排除的形式", "a value that is not of the form excluded"),
        Kind::PropertyNames { .. } => Text::new("字段名符合要求", "field names of the form required"),
        _ => patterned(about),
    }
}

/// For a pattern nobody should have to read: the title and an example.
fn patterned(about: &About) -> Text {
    let (zh, en) = match &about.title {
        Some(title) => (
            format!("符合格式的{}", title.zh),
            format!("a well-formed value for “{}”", title.en),
        ),
        None => ("符合所要求的格式".to_owned(), "a value of the form required".to_owned()),
    };
    match &about.example {
        Some(example) => Text::new(format!("{zh}，如 {example}"), format!("{en}, such as {example}")),
        None => Text { zh, en },
    }
}

fn one_of(options: &Value, labels: Option<&Value>) -> Text {
    let options = options.as_array().map(Vec::as_slice).unwrap_or_default();
    let written = |lang: &str| {
        let words: Vec<String> = options
            .iter()
            .take(30)
            .map(|option| {
                let plain = option.as_str().map_or_else(|| option.to_string(), str::to_owned);
                let label = labels.and_then(|l| l.get(&plain)?.get(lang)?.as_str());
                label.map_or_else(|| plain.clone(), |label| format!("{plain}（{label}）"))
            })
            .collect();
        words.join(", ")
    };
    let (zh, en) = (written("zh"), written("en").replace('（', " (").replace('）', ")"));
    Text::new(format!("以下之一：{zh}"), format!("one of {en}"))
}

fn typed(kind: &TypeKind) -> Text {
    let names: Vec<String> = match kind {
        TypeKind::Single(one) => vec![one.to_string()],
        TypeKind::Multiple(set) => set.iter().map(|t| t.to_string()).collect(),
    };
    let (zh, en): (Vec<_>, Vec<_>) = names
        .iter()
        .map(|name| match name.as_str() {
            "string" => ("文字", "a string"),
            "integer" => ("整数", "an integer"),
            "number" => ("数字", "a number"),
            "boolean" => ("true 或 false", "true or false"),
            "object" => ("对象", "an object"),
            "array" => ("列表", "an array"),
            _ => ("null", "null"),
        })
        .unzip();
    Text::new(zh.join("或"), en.join(" or "))
}

/// The JSON type of a value, for saying what was found without showing it.
pub(crate) fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
