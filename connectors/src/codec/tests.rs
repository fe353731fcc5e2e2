use super::coordinates::Datum;
use super::*;
use serde_json::json;

mod properties;

// Literal values read better by value.
#[allow(clippy::needless_pass_by_value)]
mod shorthand {
    use super::*;

    pub fn reads(text: &str, wire: Value) -> Value {
        codec(text).decode(&wire).unwrap()
    }

    pub fn writes(text: &str, value: Value) -> Value {
        codec(text).encode(&value).unwrap()
    }

    pub fn expected(text: &str, wire: Value) -> String {
        codec(text).decode(&wire).unwrap_err().expected
    }

    /// Both directions of a pair.
    pub fn both(text: &str, canonical: Value, wire: Value) {
        assert_eq!(writes(text, canonical.clone()), wire, "{text} written");
        assert_eq!(reads(text, wire), canonical, "{text} read");
    }
}
use shorthand::{both, expected, reads, writes};

fn codec(text: &str) -> Codec {
    Codec::parse(text).unwrap()
}

#[test]
fn q12_dates_in_their_shapes() {
    let day = json!("2026-04-08");
    both("date yyyyMMdd", day.clone(), json!("20260408"));
    both("date yyyy-MM-dd", day.clone(), json!("2026-04-08"));
    both("date yyyy/M/d", day.clone(), json!("2026/4/8"));
    both("date yyyy年MM月dd日", day.clone(), json!("2026年04月08日"));
    both("date yyyy-MM-dd HH:mm:ss", day.clone(), json!("2026-04-08 00:00:00"));
    // 2026-04-07T16:00:00Z is midnight in China: 1775577600 by `date -d`.
    both("date epoch", day.clone(), json!(1_775_577_600));
    both("date epoch-ms text", day.clone(), json!("1775577600000"));
    for shape in [
        "20260408",
        "2026-04-08 10:15:30",
        "2026/4/8",
        "2026年4月8日",
        "1775614530000",
        "1775614530",
        "2026-04-08T10:15:30Z",
    ] {
        assert_eq!(reads("date any", json!(shape)), day, "{shape}");
    }
    assert_eq!(reads("date any", json!(1_775_614_530_000_i64)), day);
    assert_eq!(reads("date yyyy-MM-dd", json!("2026-4-8")), day);
}

#[test]
fn q12_long_term_and_no_date() {
    let long = json!("9999-12-31");
    for word in ["长期", "99991231", "永久有效"] {
        assert_eq!(reads("date yyyyMMdd", json!(word)), long, "{word}");
    }
    both("date yyyyMMdd", long.clone(), json!("99991231"));
    both("date yyyyMMdd long=长期", long, json!("长期"));
    for nothing in ["", "00010101", "00000000", " "] {
        assert_eq!(reads("date yyyyMMdd", json!(nothing)), Value::Null, "{nothing}");
    }
    assert_eq!(reads("date any", json!("0001-01-01T00:00:00")), Value::Null);
}

#[test]
fn dates_that_are_none_are_refused() {
    assert_eq!(expected("date yyyyMMdd", json!("20260431")), "a date written yyyyMMdd");
    for bad in ["2026048", "2026-04-08", "202604081", "不详", "26-04-08"] {
        assert!(codec("date yyyyMMdd").decode(&json!(bad)).is_err(), "{bad}");
    }
    assert!(codec("date yyyy-MM-dd").decode(&json!("26-04-08")).is_err());
    assert!(codec("date yyyyMMdd").decode(&json!({"a": 1})).is_err());
    assert!(codec("date yyyyMMdd").encode(&json!("20260408")).is_err());
}

#[test]
fn date_times_and_months() {
    let at = json!("2026-04-08T10:15:30+08:00");
    both("datetime yyyyMMddHHmmss", at.clone(), json!("20260408101530"));
    both("datetime yyyy/MM/dd HH:mm:ss", at.clone(), json!("2026/04/08 10:15:30"));
    both("datetime iso", at.clone(), json!("2026-04-08T10:15:30+08:00"));
    both("datetime xsd", at.clone(), json!("2026-04-08T10:15:30"));
    both("datetime yyyyMMddHHmmssSSS", at.clone(), json!("20260408101530000"));
    both(
        "datetime yyyy-MM-dd'T'HH:mm:ssXX",
        at.clone(),
        json!("2026-04-08T10:15:30+0800"),
    );
    // 10:15:30 in China is 02:15:30 UTC: 1775614530 by `date -d`.
    both("datetime epoch", at.clone(), json!(1_775_614_530));
    both("datetime epoch-ms", at.clone(), json!(1_775_614_530_000_i64));
    assert_eq!(reads("datetime iso", json!("2026-04-08T02:15:30.123Z")), at);
    assert_eq!(reads("datetime xsd", json!("2026-04-08T10:15:30.5")), at);
    both("month yyyyMM", json!("2026-03"), json!("202603"));
    both("month yyyy年M月", json!("2026-03"), json!("2026年3月"));
    assert_eq!(reads("month yyyyMM", json!(202_603)), json!("2026-03"));
    assert!(codec("month yyyyMM").decode(&json!("202613")).is_err());
}

#[test]
fn q13_money() {
    both("yuan", json!(128_050), json!("1280.50"));
    both("yuan-comma", json!(128_050), json!("1,280.50"));
    both("yuan-comma", json!(-123_456_789), json!("-1,234,567.89"));
    both("yuan-number", json!(128_050), json!(1280.5));
    both("yuan-number", json!(1200), json!(12));
    both("fen", json!(128_050), json!(128_050));
    both("fen text", json!(5), json!("5"));
    both("yuan", json!(-5), json!("-0.05"));
    both("wanyuan", json!(128_050), json!("0.128050"));
    for wire in ["１２８０．５", "¥1,280.50元", "1280.5000", "1.2805E3", " 1280.5 "] {
        assert_eq!(reads("yuan", json!(wire)), json!(128_050), "{wire}");
    }
    assert_eq!(reads("yuan", json!("")), Value::Null);
}

#[test]
fn q13_money_is_refused_rather_than_rounded() {
    assert_eq!(
        expected("yuan", json!("1280.505")),
        "an amount in yuan with at most two decimals"
    );
    for bad in [
        "12,80.50",
        "1280,50.1",
        "abc",
        ".",
        "-",
        "1e99",
        "99999999999999999999",
        "0x10",
        "1 280",
    ] {
        assert!(codec("yuan").decode(&json!(bad)).is_err(), "{bad}");
    }
    assert!(codec("yuan-number").decode(&json!(0.1 + 0.2)).is_err());
    assert!(codec("fen").decode(&json!("12.5")).is_err());
    assert!(codec("yuan").decode(&json!(true)).is_err());
    assert!(codec("yuan").encode(&json!(12.5)).is_err());
}

#[test]
fn q14_truth_tables() {
    both("bool 1/0", json!(true), json!("1"));
    both("bool Y/N", json!(false), json!("N"));
    both("bool 是/否", json!(true), json!("是"));
    both("bool 01/02", json!(false), json!("02"));
    both("bool 1/0 number", json!(true), json!(1));
    both("bool 1,Y,true/0,N,false", json!(true), json!("1"));
    assert_eq!(reads("bool 1,Y/0,N", json!("Y")), json!(true));
    assert_eq!(reads("bool 1/0", json!(0)), json!(false));
    assert_eq!(reads("bool 1/0", json!(true)), json!(true));
    assert_eq!(reads("bool Y/N", json!("")), Value::Null);
    assert_eq!(expected("bool 1/0", json!("2")), "1 for yes or 0 for no");
    for bad in ["bool", "bool 1", "bool 1/1", "bool /0", "bool Y/N number"] {
        assert!(Codec::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn q16_id_numbers() {
    // 15 digits of quirk 16; by hand: the weighted sum of 43010519600101123 is 163, 163 mod 11 = 9, so `3`.
    assert_eq!(reads("id-card", json!("430105600101123")), json!("430105196001011233"));
    // GB 11643-1999, worked example.
    assert_eq!(
        reads("id-card", json!("34052419800101001x")),
        json!("34052419800101001X")
    );
    both(
        "id-card lower-x",
        json!("34052419800101001X"),
        json!("34052419800101001x"),
    );
    assert_eq!(
        reads("id-card", json!("430***********123x")),
        json!("430***********123X")
    );
    for bad in ["340524198001010011", "SM3:ab12", "4301056001011234"] {
        assert!(codec("id-card").decode(&json!(bad)).is_err(), "{bad}");
    }
}

#[test]
fn q29_long_numbers_keep_all_digits() {
    let wire: Value = serde_json::from_str("1775614530000123456789").unwrap();
    both("number", json!("1775614530000123456789"), wire);
    assert!(codec("number").encode(&json!("00123")).is_err());
    let text = Codec::plain().of_kind(ShapeKind::String);
    assert_eq!(
        text.decode(&serde_json::from_str("12345678901234567890").unwrap())
            .unwrap(),
        json!("12345678901234567890")
    );
    assert_eq!(text.decode(&json!("00123")).unwrap(), json!("00123"));
    let whole = Codec::plain().of_kind(ShapeKind::Integer);
    for wire in [json!("0012"), json!("12.00"), json!(12.0), json!(" 12 "), json!("１２")] {
        assert_eq!(whole.decode(&wire).unwrap(), json!(12), "{wire}");
    }
    assert!(whole.decode(&json!("12.5")).is_err());
    assert!(whole.decode(&json!("-")).is_err());
    let real = Codec::plain().of_kind(ShapeKind::Number);
    assert_eq!(real.decode(&json!(".5")).unwrap(), json!(0.5));
    let truth = Codec::plain().of_kind(ShapeKind::Boolean);
    assert_eq!(truth.decode(&json!("TRUE")).unwrap(), json!(true));
    assert!(truth.decode(&json!("maybe")).is_err());
}

#[test]
fn texts() {
    assert_eq!(reads("trim", json!("  张三\u{3000}")), json!("张三"));
    both("upper", json!("AB1"), json!("AB1"));
    assert_eq!(reads("upper", json!("ab1")), json!("AB1"));
    assert_eq!(writes("lower", json!("AB1")), json!("ab1"));
    both("prefix 0731-", json!("8412"), json!("0731-8412"));
    both("mark T-", json!("T-12345"), json!("12345"));
    assert_eq!(reads("mark T-", json!("T-12345")), json!("T-12345"));
    assert_eq!(reads("prefix 0731-", json!("8412")), json!("8412"));
    both("suffix 路", json!("101"), json!("101路"));
    both("pad 10 0", json!("123"), json!("0000000123"));
    assert_eq!(reads("pad 4 0", json!("0000")), json!("0"));
    assert!(codec("pad 10 0").encode(&json!("0123")).is_err());
    assert_eq!(reads("digits", json!("4301-0560 0101")), json!("430105600101"));
    both("text", json!("12"), json!("12"));
    assert_eq!(reads("text", json!(12)), json!("12"));
}

#[test]
fn lists() {
    both("join ,", json!(["a", "b"]), json!("a,b"));
    both("join dunhao", json!(["教育", "医疗"]), json!("教育、医疗"));
    both("join pipe", json!([]), json!(""));
    both("split ;", json!("a;b"), json!(["a", "b"]));
    both("first", json!("a"), json!(["a"]));
    assert_eq!(reads("first", json!([])), Value::Null);
    assert!(codec("join ,").encode(&json!(["a,b"])).is_err());
    assert!(codec("join ,").encode(&json!("a")).is_err());
}

#[test]
fn q3_double_encoded_json() {
    let inner = json!({"jfjl": [{"ny": "202603", "jfjs": "6520.00"}]});
    both(
        "json",
        inner.clone(),
        json!("{\"jfjl\":[{\"ny\":\"202603\",\"jfjs\":\"6520.00\"}]}"),
    );
    assert_eq!(reads("json", inner.clone()), inner);
    assert_eq!(reads("json 2", json!("[[1]]")), json!([[1]]));
    assert_eq!(
        expected("json 2", json!("[[[1]]]")),
        "JSON of at most 2 levels in a text"
    );
    assert_eq!(reads("json 1", json!("[\"[[\\\"[\"]")), json!(["[[\"["]));
    assert!(codec("json").decode(&json!("{")).is_err());
    assert!(codec("json").decode(&json!("[".repeat(100_000))).is_err());
}

#[test]
fn texts_in_texts() {
    both("base64", json!("枢纽"), json!("5p6i57q9"));
    both("hex", json!("枢纽"), json!("e69ea2e7babd"));
    assert!(codec("base64").decode(&json!("/w==")).is_err());
}

#[test]
fn chains_read_from_the_upstreams_side() {
    both("base64 | json", json!({"a": 1}), json!("eyJhIjoxfQ=="));
    assert_eq!(reads("trim | upper | bool Y/N", json!(" y ")), json!(true));
}

#[test]
fn null_stays_null() {
    for text in [
        "date yyyyMMdd",
        "yuan",
        "bool 1/0",
        "id-card",
        "number",
        "join ,",
        "json",
    ] {
        assert_eq!(reads(text, Value::Null), Value::Null, "{text}");
        assert_eq!(writes(text, Value::Null), Value::Null, "{text}");
    }
}

#[test]
fn mistakes_in_manifests_are_named() {
    let message = |text: &str| Codec::parse(text).unwrap_err();
    assert_eq!(message("dat yyyyMMdd"), "`dat` is not a codec; did you mean date?");
    assert!(message("date").contains("yyyy-MM-dd"));
    assert!(message("date yyMMdd").contains("`y` in `yyMMdd`"));
    assert!(message("date dd").contains("no year"));
    assert!(message("date yyyy'T").contains("quote"));
    assert!(message("join").contains("separator"));
    assert!(message("trim x").contains("takes nothing"));
    assert!(message("json 0").contains("1 to 64"));
    assert!(message("pad x").contains("pad 10 0"));
    for name in NAMES {
        assert!(
            !Codec::parse(name).err().unwrap_or_default().contains("is not a codec"),
            "{name}"
        );
    }
}

#[test]
fn defaults_apply_by_meaning_and_give_way_to_rows() {
    let mut wire = WireDefaults::default();
    for (key, value) in [
        ("date", "yyyyMMdd"),
        ("money", "yuan"),
        ("bool", "Y/N"),
        ("number", "text"),
        ("coordinates", "gcj02"),
    ] {
        assert_eq!(wire.set(key, value), Ok(true));
    }
    assert_eq!(wire.set("page", "a/b"), Ok(false));
    assert!(wire.set("money", "dollar").is_err());
    assert_eq!(wire.coordinates, Some(Datum::Gcj02));
    let mut shape = Shape::empty();
    shape.kind = ShapeKind::String;
    shape.semantic = Semantic::Date;
    assert_eq!(
        Codec::for_shape(&shape, &wire).encode(&json!("2026-04-08")),
        Ok(json!("20260408"))
    );
    assert_eq!(
        codec("trim").over_default(&shape, &wire).decode(&json!(" 20260408 ")),
        Ok(json!("2026-04-08"))
    );
    assert_eq!(
        codec("date yyyy")
            .over_default(&shape, &wire)
            .encode(&json!("2026-04-08")),
        Ok(json!("2026"))
    );
    assert_eq!(
        codec("plain").over_default(&shape, &wire).encode(&json!("2026-04-08")),
        Ok(json!("2026-04-08"))
    );
    shape.semantic = Semantic::Plain;
    shape.kind = ShapeKind::Boolean;
    assert_eq!(Codec::for_shape(&shape, &wire).encode(&json!(true)), Ok(json!("Y")));
    shape.kind = ShapeKind::Integer;
    let number = Codec::for_shape(&shape, &wire);
    assert_eq!(number.encode(&json!(7)), Ok(json!("7")));
    assert_eq!(number.decode(&json!("7")), Ok(json!(7)));
}

#[test]
fn coordinates_agree_with_published_conversions() {
    let near = |(x, y): (f64, f64), (a, b): (f64, f64), error: f64| (x - a).abs() < error && (y - b).abs() < error;
    // The example of the `coordtransform` documentation.
    let here = (116.404, 39.915);
    assert!(near(
        Datum::Gcj02.from_cgcs2000(here.0, here.1),
        (116.410_244_499_169, 39.916_404_281_502),
        1e-9
    ));
    assert!(near(
        Datum::Gcj02.to_cgcs2000(here.0, here.1),
        (116.397_755_5, 39.913_595_7),
        1e-5
    ));
    let bd = bd(here);
    assert!(near(bd, (116.410_369_493_710, 39.921_336_993_510), 1e-9), "{bd:?}");
    // Outside of China nothing moves.
    assert_eq!(Datum::Gcj02.from_cgcs2000(2.35, 48.85), (2.35, 48.85));
}

/// BD-09 of a GCJ-02 point, by way of the public functions.
fn bd((x, y): (f64, f64)) -> (f64, f64) {
    let (x, y) = Datum::Gcj02.to_cgcs2000(x, y);
    Datum::Bd09.from_cgcs2000(x, y)
}

#[test]
fn pairs_are_shifted_in_place() {
    let mut object = json!({"lng": 116.404, "lat": "39.915", "name": "x"})
        .as_object()
        .unwrap()
        .clone();
    Datum::Gcj02.encode_pair(&mut object, "lng", "lat").unwrap();
    assert_eq!(
        Value::Object(object.clone()),
        json!({"lng": 116.410244, "lat": "39.916404", "name": "x"})
    );
    Datum::Gcj02.decode_pair(&mut object, "lng", "lat").unwrap();
    assert_eq!(
        Value::Object(object.clone()),
        json!({"lng": 116.404, "lat": "39.915000", "name": "x"})
    );
    object.insert("lng".into(), json!(999));
    assert!(Datum::Gcj02.decode_pair(&mut object, "lng", "lat").is_err());
    object.insert("lng".into(), Value::Null);
    assert!(Datum::Gcj02.decode_pair(&mut object, "lng", "lat").is_ok());
}

#[test]
fn pairs_are_found_by_meaning() {
    let named = |name: &str, semantic: Semantic| {
        let mut shape = Shape::empty();
        shape.name = name.into();
        shape.semantic = semantic;
        shape
    };
    let mut stop = named("", Semantic::Plain);
    stop.children = vec![
        named("to_latitude", Semantic::Latitude),
        named("from_latitude", Semantic::Latitude),
        named("from_longitude", Semantic::Longitude),
        named("to_longitude", Semantic::Longitude),
    ];
    let mut list = named("stops", Semantic::Plain);
    list.item = Some(Box::new(stop));
    let mut root = Shape::empty();
    root.children = vec![list];
    let there = json!({"stops": [{"from_longitude": 116.404, "from_latitude": 39.915, "to_longitude": 2, "to_latitude": 48}], "x": 1});
    let mut value = there.clone();
    Datum::Gcj02.encode_tree(&mut value, &root).unwrap();
    let moved = json!({"stops": [{"from_longitude": 116.410244, "from_latitude": 39.916404, "to_longitude": 2, "to_latitude": 48}], "x": 1});
    assert_eq!(value, moved);
    Datum::Gcj02.decode_tree(&mut value, &root).unwrap();
    assert_eq!(value, there);
}

#[test]
fn the_manual_is_right() {
    let manual = include_str!("../../../docs/how-to/wire-values.md");
    let mut named = std::collections::BTreeSet::new();
    for row in manual.lines().filter(|line| line.starts_with("| `")) {
        let bare = row.replace("\\|", "¦");
        let cells: Vec<String> = bare
            .split('|')
            .map(|cell| cell.trim().trim_matches('`').replace('¦', "|"))
            .collect();
        let value = |cell: &str| serde_json::from_str(cell).unwrap();
        both(&cells[1], value(&cells[2]), value(&cells[3]));
        named.insert(cells[1].split(' ').next().unwrap().to_owned());
    }
    for name in NAMES {
        assert!(named.contains(name), "{name} is not described");
    }
}
