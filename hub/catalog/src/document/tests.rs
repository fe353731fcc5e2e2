use super::*;
use serde_json::json;

fn yaml(text: &str) -> Document {
    Document::parse("a.yaml", text.as_bytes()).unwrap()
}

fn refused(text: &str) -> Finding {
    Document::parse("a.yaml", text.as_bytes()).unwrap_err()
}

#[test]
fn values_and_places() {
    let doc = yaml("a: 1\nb:\n  - x: 你好\n    y: 1.10\n  - [3, {z: ~}]\n\"200\": ok\n404: gone\n");
    assert_eq!(
        doc.value.to_string(),
        r#"{"a":1,"b":[{"x":"你好","y":1.10},[3,{"z":null}]],"200":"ok","404":"gone"}"#
    );
    assert_eq!(doc.position(""), (1, 1));
    assert_eq!(doc.position("/a"), (1, 4));
    assert_eq!(doc.position("/b"), (2, 1));
    assert_eq!(doc.position("/b/0"), (3, 5));
    assert_eq!(doc.position("/b/0/x"), (3, 8));
    assert_eq!(doc.position("/b/0/y"), (4, 8));
    assert_eq!(doc.position("/b/1/1/z"), (5, 13));
    assert_eq!(doc.position("/200"), (6, 8));
    assert_eq!(doc.position("/404"), (7, 6));
    assert_eq!(doc.position("/b/0/nothing/here"), (3, 5));
    assert_eq!(doc.position("/b/99"), (2, 1));
}

#[test]
fn json_and_yaml_read_alike() {
    let text = "{\"a\": [1, 2.50, -3e2, true, null],\n \"b\": {\"c/d\": \"\\ud842\\udfb7\\n\", \"e\": []}}";
    let json = Document::parse("a.json", text.as_bytes()).unwrap();
    assert_eq!(json.value["b"]["c/d"], "𠮷\n");
    assert_eq!(json.value["a"][1].to_string(), "2.50");
    assert_eq!(json.position("/a/2"), (1, 17));
    assert_eq!(json.position("/b"), (2, 2));
    assert_eq!(json.position("/b/c~1d"), (2, 15));
    let flow = yaml("{a: [1, 2.50, -3e2, true, null], b: {c/d: \"𠮷\\n\", e: []}}");
    assert_eq!(flow.value, json.value);
    let quiet = yaml("\u{FEFF}{\"a\": 1}");
    assert_eq!(quiet.value, json!({"a": 1}));
}

#[test]
fn anchors_copy_value_and_places() {
    let doc = yaml("base: &b {x: 1, y: [2]}\ncopies: [*b, *b]\nlast: &s word\nagain: *s\nend: 1\n");
    assert_eq!(doc.value["copies"][1], json!({"x": 1, "y": [2]}));
    assert_eq!(doc.value["again"], "word");
    assert_eq!(doc.position("/copies/1/y/0"), (1, 21));
    assert_eq!(doc.position("/end"), (5, 6));
}

#[test]
fn every_refusal_names_line_and_column() {
    for (text, code, line, column) in [
        ("a: 1\nb: 2\na: 3\n", "duplicate-key", 3, 1),
        ("a: 1\nb: *x\n", "yaml-syntax", 2, 5),
        ("x: &x {a: 1}\ny:\n  <<: *x\n", "merge-key", 3, 3),
        ("a:\n\tb: 1\n", "yaml-syntax", 2, 2),
        ("a: b: c\n", "yaml-syntax", 1, 5),
        ("a: [1, 2\nb: 3\n", "yaml-syntax", 2, 2),
        ("a: 1\n  b: 2\n", "yaml-syntax", 2, 4),
        ("a: 1\n---\nb: 2\n", "several-documents", 2, 1),
        ("? [a]\n: 1\n", "bad-key", 1, 3),
        ("a: !ruby/object x\n", "unknown-tag", 1, 4),
        ("a: !!int x\n", "tag-mismatch", 1, 4),
        ("a: .nan\n", "not-json", 1, 4),
        ("a: &x [1, *x]\n", "alias-in-itself", 1, 11),
    ] {
        let finding = refused(text);
        assert_eq!(
            (finding.code.as_str(), finding.line),
            (code, line),
            "{text:?} {finding}"
        );
        assert!(finding.column.abs_diff(column) <= 3, "{text:?} {finding}");
        assert!(finding.message.zh.chars().any(|c| c > '\u{2E80}'), "{finding:?}");
    }
    let json = Document::parse("a.json", b"{\"a\": 1,\n \"a\": 2}").unwrap_err();
    assert_eq!((json.code.as_str(), json.line, json.column), ("duplicate-key", 2, 2));
    for text in ["", "{", "{\"a\" 1}", "[1,]", "{} x", "\"abc", "nul", "[1 2]"] {
        assert_eq!(
            Document::parse("a.json", text.as_bytes()).unwrap_err().code,
            "json-syntax",
            "{text}"
        );
    }
    let latin = Document::parse("a.yaml", b"a: 1\nb: \xE9\n").unwrap_err();
    assert_eq!((latin.code.as_str(), latin.line, latin.column), ("not-utf-8", 2, 4));
}

#[test]
fn bombs_are_defused() {
    let mut laughs = String::from("a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
    for i in 1..9 {
        let previous = format!("*a{}", i - 1);
        laughs += &format!("a{i}: &a{i} [{}]\n", [previous.as_str(); 9].join(", "));
    }
    assert_eq!(refused(&laughs).code, "alias-bomb");
    assert!(["too-deep", "yaml-syntax"].contains(&refused(&"[".repeat(5000)).code.as_str()));
    assert_eq!(refused(&format!("a: {}", "- ".repeat(200))).code, "yaml-syntax");
    let deep = Document::parse("a.json", "[".repeat(5000).as_bytes()).unwrap_err();
    assert_eq!(deep.code, "too-deep");
    assert_eq!(
        Document::parse("a", &vec![b' '; MAX_BYTES + 1]).unwrap_err().code,
        "document-too-large"
    );
}

#[test]
fn empty_documents_are_null() {
    assert_eq!(yaml("").value, Value::Null);
    assert_eq!(yaml("# only a comment\n").value, Value::Null);
}

#[test]
fn a_pointer_names_what_the_standard_says() {
    let value = serde_json::json!({
        "foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "m~n": 8, "deep": [{"x": [[5]]}], "~1": 9,
    });
    for pointer in [
        "",
        "/foo",
        "/foo/0",
        "/",
        "/a~1b",
        "/c%d",
        "/m~0n",
        "/deep/0/x/0/0",
        "/~01",
        "/foo/1",
        "/foo/01",
        "/foo/+1",
        "/foo/2",
        "/foo/",
        "/foo/-",
        "foo",
        "/foo/0/x",
        "/none",
    ] {
        assert_eq!(super::pointed(&value, pointer), value.pointer(pointer), "{pointer}");
    }
    assert_eq!(super::pointed(&value, "/~01"), Some(&9.into()));
}
