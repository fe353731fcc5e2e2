use super::*;
use serde_json::json;

fn gtfs() -> Messages {
    let mut messages = Messages::gtfs_realtime();
    messages.settle().unwrap();
    messages
}

/// A feed by hand from the field numbers of the specification: header {version "2.0", timestamp 1284457468},
/// entity {id "1", vehicle {trip {route_id "10"}, position {30.5, 100.25}, occupancy FULL}}.
const FEED: &str = "0a0b 0a03322e30 18 fc87bde404\
 1219 0a0131 2214\
 0a04 2a023130\
 120a 0d0000f441 150080c842\
 4805";

fn bytes(hex: &str) -> Vec<u8> {
    hex::decode(hex.replace(char::is_whitespace, "")).unwrap()
}

#[test]
fn the_encoding_guide_s_examples() {
    // The published examples of the encoding guide: 150 is 96 01, "testing" is 07 …, packed [3, 270, 86942].
    let mut messages = Messages::default().rooted("Test");
    for (number, words) in [
        ("1", "int32 a"),
        ("2", "string b"),
        ("3", "Test c"),
        ("4", "repeated int32 d"),
        ("6", "repeated int32 f"),
        ("7", "sint32 g"),
    ] {
        messages.add("Test", number, words).unwrap();
    }
    messages.settle().unwrap();
    let tree = |hex: &str| read(&bytes(hex), &messages).unwrap().tree;
    assert_eq!(tree("08 96 01"), json!({"a": 150}));
    assert_eq!(tree("12 07 74 65 73 74 69 6e 67"), json!({"b": "testing"}));
    assert_eq!(tree("1a 03 08 96 01"), json!({"c": {"a": 150}}));
    assert_eq!(tree("32 06 03 8e 02 9e a7 05"), json!({"f": [3, 270, 86942]}));
    assert_eq!(tree("20 01 20 02 20 03"), json!({"d": [1, 2, 3]}));
    assert_eq!(tree("08 fe ff ff ff ff ff ff ff ff 01"), json!({"a": -2}));
    assert_eq!(tree("38 03"), json!({"g": -2}));
    assert_eq!(write(&json!({"a": 150}), &messages).unwrap(), bytes("08 96 01"));
    assert_eq!(
        write(&json!({"a": -2}), &messages).unwrap(),
        bytes("08feffffffffffffffff01")
    );
    assert_eq!(write(&json!({"g": -2}), &messages).unwrap(), bytes("38 03"));
    assert_eq!(
        write(&json!({"c": {"a": 150}}), &messages).unwrap(),
        bytes("1a 03 08 96 01")
    );
}

#[test]
fn a_feed_both_ways() {
    let feed = bytes(FEED);
    let tree = json!({
        "header": {"gtfs_realtime_version": "2.0", "timestamp": 1_284_457_468},
        "entity": [{"id": "1", "vehicle": {
            "trip": {"route_id": "10"},
            "position": {"latitude": 30.5, "longitude": 100.25},
            "occupancy_status": "FULL",
        }}],
    });
    let read = read(&feed, &gtfs()).unwrap().tree;
    assert_eq!(read, tree);
    assert_eq!(write(&tree, &gtfs()).unwrap(), feed);
}

#[test]
fn what_no_table_knows_is_skipped() {
    let mut feed = bytes("0a050a03322e30");
    // Field 2000 as a text and field 2001 as a number.
    feed.extend(bytes("827d 02 6162 887d 05"));
    assert_eq!(
        read(&feed, &gtfs()).unwrap().tree,
        json!({"header": {"gtfs_realtime_version": "2.0"}})
    );
}

#[test]
fn hostile_bytes_end_in_an_error() {
    for hex in [
        "0a",
        "0aff",
        "0affffffffffffffffffff01",
        "0b",
        "0aff7f",
        "80808080808080808080 80",
        "0a020a05",
    ] {
        assert!(read(&bytes(hex), &gtfs()).is_err(), "{hex}");
    }
    assert_eq!(read(b"<html><body>login</body></html>", &gtfs()), Err(ReadError::Html));
    let mut deep = Messages::default().rooted("N");
    deep.add("N", "1", "N n").unwrap();
    deep.settle().unwrap();
    let mut nested = Vec::new();
    for _ in 0..40 {
        let mut outer = Vec::new();
        put_bytes(1 << 3, &nested, &mut outer);
        nested = outer;
    }
    assert!(read(&nested, &deep).is_err());
}

#[test]
fn floats_keep_their_short_form() {
    assert_eq!(short_float(30.2), json!(30.2));
    assert_eq!(short_float(100.119_86), json!(100.11986));
    assert_eq!(short_float(f32::NAN), Value::Null);
}

proptest::proptest! {
    #[test]
    fn any_bytes_end(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
        let _ = read(&bytes, &gtfs());
    }
}
