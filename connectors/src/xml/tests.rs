use super::*;
use proptest::prelude::*;
use serde_json::json;

fn read(text: &str) -> Result<Element, XmlError> {
    parse(text, Limits::default())
}

fn value(text: &str) -> Value {
    read(text).unwrap().to_value()
}

#[test]
fn elements_become_values() {
    let text = r#"<resp xmlns="urn:x" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ver="2.0">
        <head><code>1</code><msg/></head>
        <row id="7">张三</row><row id="8">李四</row>
        <note xsi:nil="true"/><typed xsi:type="xsd:string">a &amp; b</typed>
        <one>x</one>
    </resp>"#;
    assert_eq!(
        value(text),
        json!({
            "@ver": "2.0",
            "head": {"code": "1", "msg": ""},
            "row": [{"@id": "7", "#text": "张三"}, {"@id": "8", "#text": "李四"}],
            "note": null,
            "typed": "a & b",
            "one": "x",
        })
    );
}

#[test]
fn three_alike_are_one_list() {
    assert_eq!(
        value("<a><b>1</b><b/><b><c>3</c></b></a>"),
        json!({"b": ["1", "", {"c": "3"}]})
    );
}

#[test]
fn names_and_namespaces_are_kept_apart() {
    let root = read(r#"<s:a xmlns:s="urn:s"><s:b k="v">t</s:b><c/></s:a>"#).unwrap();
    assert_eq!((root.name.as_str(), root.namespace.as_deref()), ("a", Some("urn:s")));
    assert_eq!(root.text_at("b"), Some("t"));
    assert_eq!(root.text_at("b/@k"), Some("v"));
    assert_eq!(root.text_at("b/@z"), None);
    assert_eq!(root.at("c").and_then(|c| c.namespace.as_deref()), None);
    assert_eq!(root.at("c/d"), None);
    assert_eq!(root.attribute("k"), None);
}

#[test]
fn a_declaration_may_come_late_and_lie() {
    assert_eq!(
        value("\r\n <?xml version=\"1.0\" encoding=\"GBK\"?><a>中</a>"),
        json!("中")
    );
}

#[test]
fn q10_xml_in_a_cdata_section() {
    let outer = "<Call><FuncCode>SI0203</FuncCode><input><![CDATA[<?xml version=\"1.0\" encoding=\"GBK\"?><req><grbh>0011</grbh></req>]]></input></Call>";
    let call = read(outer).unwrap();
    assert_eq!(value(call.text_at("input").unwrap()), json!({"grbh": "0011"}));
}

#[test]
fn hostile_documents_are_refused() {
    assert_eq!(read("<!DOCTYPE html><html/>"), Err(XmlError::DocumentType));
    assert_eq!(
        read("<!DOCTYPE a [<!ENTITY x \"yyyy\"><!ENTITY z \"&x;&x;&x;\">]><a>&z;</a>"),
        Err(XmlError::DocumentType)
    );
    assert_eq!(
        read("<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>"),
        Err(XmlError::DocumentType)
    );
    assert!(matches!(read("<a>&x;</a>"), Err(XmlError::Malformed { line: 1, .. })));
    assert_eq!(read("<a>\n<b></a>"), Err(XmlError::Malformed { line: 2, column: 4 }));
    assert!(matches!(read(""), Err(XmlError::Malformed { .. })));
    let deep = "<a>".repeat(100_000);
    assert_eq!(
        read(&deep),
        Err(XmlError::TooLarge {
            limit: "the allowed depth"
        })
    );
    let sixty_five = format!("{}{}", "<a>".repeat(65), "</a>".repeat(65));
    assert!(matches!(read(&sixty_five), Err(XmlError::TooLarge { .. })));
    let sixty_four = format!("{}{}", "<a>".repeat(64), "</a>".repeat(64));
    assert!(read(&sixty_four).is_ok());
    let small = Limits {
        depth: 8,
        nodes: 10,
        ..Limits::default()
    };
    assert_eq!(
        parse(&format!("<a>{}</a>", "<b/>".repeat(20)), small),
        Err(XmlError::TooLarge {
            limit: "the allowed number of nodes"
        })
    );
}

#[test]
fn the_look_ahead_sees_what_the_reader_sees() {
    let attributes = |count: usize| (0..count).map(|i| format!(" a{i}='='")).collect::<String>();
    assert!(read(&format!("<a{}/>", attributes(256))).is_ok());
    assert_eq!(
        read(&format!("<b><a{}/></b>", attributes(257))),
        Err(XmlError::TooLarge {
            limit: "the allowed number of attributes"
        })
    );
    // Nothing inside comments, CDATA, instructions and values is a tag.
    let quiet = format!(
        "<a b='>' c=\"/>\"><!-- {0} --><![CDATA[{0}]]><?x {0} ?>t</a>",
        "<b>".repeat(100)
    );
    assert_eq!(read(&quiet).unwrap().attribute("c"), Some("/>"));
    // A broken text costs no more than a good one.
    let started = std::time::Instant::now();
    let broken = format!("{}/", "<a".repeat(60)) + &"</a".repeat(200_000);
    assert!(read(&broken).is_err());
    assert!(read(&format!("<a b='{}", "x".repeat(1_000_000))).is_err());
    assert!(started.elapsed().as_secs() < 5);
}

#[test]
fn values_become_elements() {
    let style = Style {
        declaration: Some("GBK".into()),
        namespaces: vec![("q".into(), "urn:q&a".into())],
        prefix: Some("q".into()),
        ..Style::default()
    };
    let value = json!({"name": "张 <三>", "@id": "a\"b\n", "empty": "", "gone": null, "n": 1.50, "row": ["x", "y"], "ok": true});
    assert_eq!(
        write("req", &value, &style).unwrap(),
        "<?xml version=\"1.0\" encoding=\"GBK\"?><q:req xmlns:q=\"urn:q&amp;a\" id=\"a&quot;b&#10;\">\
         <name>张 &lt;三&gt;</name><empty/><n>1.5</n><row>x</row><row>y</row><ok>true</ok></q:req>"
    );
    let all = Style {
        qualified: true,
        open_empty: true,
        nulls: Nulls::Nil,
        ..style
    };
    assert_eq!(
        write("req", &json!({"a": null, "x:b": ""}), &all).unwrap(),
        "<?xml version=\"1.0\" encoding=\"GBK\"?><q:req xmlns:q=\"urn:q&amp;a\"><q:a xsi:nil=\"true\"></q:a><x:b></x:b></q:req>"
    );
    let empty = Style {
        nulls: Nulls::Empty,
        ..Style::default()
    };
    assert_eq!(write("a", &json!({"b": null}), &empty).unwrap(), "<a><b/></a>");
}

#[test]
fn cdata_survives_its_own_end() {
    let inner = "<x>]]></x>";
    let text = write("a", &json!({"#cdata": inner}), &Style::default()).unwrap();
    assert_eq!(text, "<a><![CDATA[<x>]]]]><![CDATA[></x>]]></a>");
    assert_eq!(value(&text), json!(inner));
}

#[test]
fn what_xml_cannot_say_is_an_error() {
    let style = Style::default();
    let error = |name: &str, value: Value| write(name, &value, &style).unwrap_err();
    assert_eq!(error("1a", json!("")), XmlError::Name("1a".into()));
    assert_eq!(error("a", json!({"b c": ""})), XmlError::Name("b c".into()));
    assert_eq!(error("a", json!({"@b>": ""})), XmlError::Name("b>".into()));
    assert_eq!(error("a", json!("\u{0}")), XmlError::Character(0));
    assert_eq!(error("a", json!([1])), XmlError::Misplaced("at the root"));
    assert_eq!(error("a", json!({"b": [[1]]})), XmlError::Misplaced("in a list"));
    assert_eq!(
        error("a", json!({"@b": {}})),
        XmlError::Misplaced("in an attribute or text")
    );
    assert!(write("姓名", &json!("张三"), &style).is_ok());
}

fn tree() -> impl Strategy<Value = Value> {
    // Texts inside an object with attributes are trimmed, so none with outer white space here.
    let leaf = "[a-z<>&\"'张𠮷]{0,8}".prop_map(Value::from);
    leaf.prop_recursive(4, 40, 5, |inner| {
        let list = prop::collection::vec(inner.clone(), 2..4).prop_filter_map("no lists in lists", |items| {
            (!items.iter().any(Value::is_array)).then_some(Value::Array(items))
        });
        let entry = ("[a-z_]{1,5}", prop_oneof![3 => inner, 1 => list]);
        prop::collection::vec(entry, 1..5).prop_map(|entries| Value::Object(entries.into_iter().collect()))
    })
}

proptest! {
    #[test]
    fn what_is_written_reads_back(value in tree(), open_empty: bool) {
        let style = Style { open_empty, ..Style::default() };
        let text = write("root", &value, &style).unwrap();
        prop_assert_eq!(read(&text).unwrap().to_value(), value, "{}", text);
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "[<>/a-c&;!\\[\\]CDAT?\"'= \\-]{0,60}") {
        let _ = read(&text);
    }
}
