//! What must hold for every value.

use super::*;
use proptest::prelude::*;

fn day() -> impl Strategy<Value = Value> {
    (1_i16..=9999, 1_i8..=12, 1_i8..=28)
        .prop_filter("year 1 is the upstreams' no date", |(year, ..)| *year > 1)
        .prop_map(|(y, m, d)| json!(format!("{y:04}-{m:02}-{d:02}")))
}

fn same(text: &str, value: &Value) -> Result<(), TestCaseError> {
    let codec = codec(text);
    let wire = codec.encode(value).unwrap();
    prop_assert_eq!(&codec.decode(&wire).unwrap(), value, "{} by way of {}", text, wire);
    Ok(())
}

proptest! {
    #[test]
    fn dates_return(day in day()) {
        for text in ["date yyyyMMdd", "date yyyy/M/d", "date yyyy年MM月dd日", "date yyyy-MM-dd HH:mm:ss", "date iso", "date xsd", "date any"] {
            same(text, &day)?;
        }
    }

    #[test]
    fn moments_return(second in -60_000_000_000_i64..250_000_000_000) {
        let at = json!(hub_core::time::rfc3339(jiff::Timestamp::from_second(second).unwrap()));
        for text in ["datetime yyyyMMddHHmmss", "datetime yyyy-MM-dd HH:mm:ss", "datetime iso", "datetime xsd", "datetime epoch", "datetime epoch-ms text"] {
            same(text, &at)?;
        }
    }

    #[test]
    fn amounts_return(fen in -9_000_000_000_000_000_i64..9_000_000_000_000_000) {
        for text in ["fen", "fen text", "yuan", "yuan-number", "yuan-comma", "wanyuan"] {
            same(text, &json!(fen))?;
        }
    }

    #[test]
    fn texts_return(value in "[a-z0-9张三·]{1,12}", items in prop::collection::vec("[a-z0-9张]{1,4}", 0..5)) {
        for text in ["text", "lower", "prefix A-", "suffix -Z", "base64", "hex", "json", "first"] {
            same(text, &json!(value))?;
        }
        same("join comma", &json!(items))?;
        same("json", &json!({"items": items}))?;
    }

    #[test]
    fn points_return(x in 73.0_f64..135.0, y in 3.0_f64..54.0) {
        for datum in [Datum::Gcj02, Datum::Bd09] {
            let (a, b) = datum.from_cgcs2000(x, y);
            let (c, d) = datum.to_cgcs2000(a, b);
            prop_assert!((x - c).abs() < 1e-6 && (y - d).abs() < 1e-6, "{:?} {} {} {} {}", datum, x, y, c, d);
        }
    }

    #[test]
    fn hostile_values_never_panic(text in "\\PC{0,40}", number in any::<f64>()) {
        for name in ["date any", "datetime iso", "month yyyyMM", "yuan", "bool 1/0", "id-card", "number", "pad 4 0", "join ,", "json", "base64", "hex", "first"] {
            for value in [json!(text), json!(number), json!([text]), json!({"a": text})] {
                let codec = codec(name).of_kind(ShapeKind::Integer);
                let _ = codec.decode(&value);
                let _ = codec.encode(&value);
            }
        }
        let _ = Codec::parse(&text);
    }
}
