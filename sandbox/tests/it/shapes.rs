//! Values made from the contract's shape, around an example that fits it.

use crate::rng::Rng;
use hub_core::{Semantic, Shape, ShapeKind};
use serde_json::{Map, Value, json};

/// Texts that formats and charsets stumble over. None is empty: an empty text is a text that is not there.
const TEXTS: [&str; 14] = [
    "张三",
    "欧阳娜娜·买买提",
    "a&b=c <d> \"e\" 'f' #%+g",
    "一、二，三；四|五",
    "]]> <![CDATA[ -->",
    "{\"a\":1}",
    "null",
    "0081",
    "1e5",
    "行一\n行二",
    "ａｂｃ１２３",
    "x",
    "?&#x4e2d;\\u4e2d",
    "é€—…",
];

/// A value of this shape. `like` is an example's, if there is one; what only a pattern describes is taken from it.
pub fn make(shape: &Shape, like: Option<&Value>, rng: &mut Rng) -> Option<Value> {
    if !shape.choices.is_empty() {
        let choices: Vec<&Value> = shape.choices.iter().filter(|c| !c.is_null()).collect();
        return Some((*rng.pick(&choices)).clone());
    }
    match shape.kind {
        ShapeKind::Object => Some(object(shape, like, rng)),
        ShapeKind::Array => array(shape, like, rng),
        ShapeKind::Boolean => Some(json!(rng.one_in(2))),
        ShapeKind::Integer => Some(integer(shape, rng)),
        ShapeKind::Number => number(shape, like, rng),
        ShapeKind::String => string(shape, like, rng),
        ShapeKind::Any => like.cloned(),
    }
}

pub fn object(shape: &Shape, like: Option<&Value>, rng: &mut Rng) -> Value {
    let mut map = Map::new();
    for child in &shape.children {
        let like = like.and_then(|l| l.get(child.name.as_ref()));
        if !child.required && rng.one_in(3) {
            continue;
        }
        if let Some(value) = make(child, like, rng) {
            map.insert(child.name.to_string(), value);
        }
    }
    Value::Object(map)
}

fn array(shape: &Shape, like: Option<&Value>, rng: &mut Rng) -> Option<Value> {
    let item = shape.item.as_deref()?;
    let like = like.and_then(Value::as_array).and_then(|l| l.first());
    let limit = |key: &str, other: u64| shape.schema.get(key).and_then(Value::as_u64).unwrap_or(other);
    let (least, most) = (limit("minItems", 0), limit("maxItems", 3).min(3));
    let count = least + rng.next() % (most.saturating_sub(least) + 1);
    let items: Vec<Value> = (0..count).filter_map(|_| make(item, like, rng)).collect();
    Some(Value::Array(items))
}

fn bound(shape: &Shape, key: &str) -> Option<i64> {
    shape.schema.get(key).and_then(Value::as_f64).map(|n| n as i64)
}

fn integer(shape: &Shape, rng: &mut Rng) -> Value {
    let least = bound(shape, "minimum").unwrap_or(-1_000_000);
    let most = bound(shape, "maximum").unwrap_or(9_007_199_254_740_993);
    let any =
        |rng: &mut Rng| least + i64::try_from(rng.next() % u64::try_from((most - least).max(1)).unwrap()).unwrap();
    json!(match rng.below(5) {
        0 => least,
        1 => most,
        2 => 0.clamp(least, most),
        3 => 128_050.clamp(least, most),
        _ => any(rng),
    })
}

fn number(shape: &Shape, like: Option<&Value>, rng: &mut Rng) -> Option<Value> {
    if matches!(shape.semantic, Semantic::Longitude | Semantic::Latitude) {
        return like.cloned();
    }
    let least = bound(shape, "minimum").unwrap_or(0);
    let most = bound(shape, "maximum").unwrap_or(least + 1_000);
    let whole = least + i64::try_from(rng.next() % u64::try_from((most - least).max(1)).unwrap()).unwrap();
    let text = match rng.below(3) {
        0 => whole.to_string(),
        1 if whole < most => format!("{whole}.5"),
        _ if whole < most => format!("{whole}.125"),
        _ => whole.to_string(),
    };
    serde_json::from_str(&text).ok()
}

fn string(shape: &Shape, like: Option<&Value>, rng: &mut Rng) -> Option<Value> {
    let date = |rng: &mut Rng| {
        format!(
            "{}-{:02}-{:02}",
            1950 + rng.below(100),
            1 + rng.below(12),
            1 + rng.below(28)
        )
    };
    match shape.semantic {
        Semantic::Date => {
            return Some(json!(if rng.one_in(10) {
                "9999-12-31".to_owned()
            } else {
                date(rng)
            }));
        }
        Semantic::DateTime => {
            let (h, m, s) = (rng.below(24), rng.below(60), rng.below(60));
            return Some(json!(format!("{}T{h:02}:{m:02}:{s:02}+08:00", date(rng))));
        }
        Semantic::Month => return Some(json!(date(rng)[..7])),
        Semantic::File => return like.cloned(),
        _ => {}
    }
    if shape.schema.get("pattern").is_some() || shape.schema.get("format").is_some() {
        return like.cloned();
    }
    let least = shape.schema.get("minLength").and_then(Value::as_u64).unwrap_or(0);
    let most = shape.schema.get("maxLength").and_then(Value::as_u64).unwrap_or(60);
    let text: String = rng.pick(&TEXTS).chars().take(usize::try_from(most).unwrap()).collect();
    if text.chars().count() < usize::try_from(least).unwrap() || text.trim() != text || text.is_empty() {
        return like.cloned();
    }
    Some(json!(text))
}
