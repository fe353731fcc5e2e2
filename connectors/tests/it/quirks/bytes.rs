//! Q9, Q10: bytes before they are text. Bytes of characters are from the tables of GBK and GB 18030-2022.

use super::{answer, connector, input, sent, told};
use hub_core::ProblemCode;
use serde_json::{Value, json};

/// `张` D5 C5 in GBK; `𬭚` 99 33 AA 34, `𠮷` 95 34 B2 35, `㛃` 82 30 B7 31 in GB 18030.
const NAME: &[u8] = b"\xd5\xc5\x99\x33\xaa\x34\x95\x34\xb2\x35\x82\x30\xb7\x31";

fn xml(declaration: &str, name: &[u8]) -> Vec<u8> {
    let mut body = declaration.as_bytes().to_vec();
    body.extend(b"<r><code>0</code><data><account_no>0081</account_no><amount_fen>1</amount_fen>");
    body.extend(b"<due_date>2026-04-30</due_date><item_list><item_name>");
    body.extend(name);
    body.extend(b"</item_name><amount_fen>1</amount_fen></item_list></data></r>");
    body
}

fn name_of(content_type: &str, body: &[u8]) -> Result<Value, ProblemCode> {
    told(&connector("q09"), "bill-query", &answer(content_type, body))
        .map(|(body, _)| body["item_list"][0]["item_name"].clone())
        .map_err(|e| e.problem().code)
}

#[test]
fn q09_order_of_belief_and_rare_characters() {
    let rare = json!("张𬭚𠮷㛃");
    // The header says UTF-8, the bytes are GB18030: the manifest is believed before the header.
    assert_eq!(name_of("text/xml; charset=UTF-8", &xml("", NAME)).unwrap(), rare);
    // Nobody says anything.
    assert_eq!(name_of("text/xml", &xml("", NAME)).unwrap(), rare);
    // The declaration says GBK: read as its superset, so that rare characters survive.
    let gbk = "<?xml version=\"1.0\" encoding=\"GBK\"?>";
    assert_eq!(name_of("text/xml", &xml(gbk, NAME)).unwrap(), rare);
    // A mark is believed before everything: UTF-8 behind a declaration that a gateway forgot to change.
    let mut marked = b"\xef\xbb\xbf".to_vec();
    marked.extend(xml(gbk, "张𬭚𠮷㛃".as_bytes()));
    assert_eq!(name_of("text/xml; charset=GBK", &marked).unwrap(), rare);
    // A declaration that lies: UTF-8 said, GB18030 sent. The next in belief fits.
    let utf8 = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
    assert_eq!(name_of("text/xml", &xml(utf8, NAME)).unwrap(), rare);
    // D6 D0 B9 FA is 中国.
    assert_eq!(
        name_of("text/xml;charset=utf-8", &xml("", b"\xd6\xd0\xb9\xfa")).unwrap(),
        "中国"
    );
    // Bytes that are nothing in any of them are refused, not replaced.
    assert_eq!(
        name_of("text/xml", &xml("", b"\xff\xff")).unwrap_err(),
        ProblemCode::UpstreamUnexpected
    );
}

#[test]
fn q09_names_are_sent_in_their_bytes() {
    let up = connector("q09");
    let mut person = input("apply");
    person["full_name"] = json!("张𬭚𠮷㛃");
    let request = sent(&up, "apply", &person);
    let at = |needle: &[u8]| request.body.windows(needle.len()).any(|w| w == needle);
    let mut element = b"<full_name>".to_vec();
    element.extend(NAME);
    element.extend(b"</full_name>");
    assert!(at(&element), "{:x?}", request.body);
    assert!(!at(b"?<") && !at(b"&#"));
    assert_eq!(request.header("content-type"), Some("text/xml; charset=GB18030"));
}

#[test]
fn q10_xml_in_a_text_whose_declaration_lies() {
    let up = connector("q10");
    let request = sent(&up, "bill-query", &json!({"account_no": "0011"}));
    let body = String::from_utf8(request.body).unwrap();
    let inner = "&lt;?xml version=\"1.0\" encoding=\"GBK\"?&gt;&lt;req&gt;&lt;account_no&gt;0011&lt;/account_no&gt;&lt;/req&gt;";
    assert!(body.contains("<FuncCode>SI0203</FuncCode>"), "{body}");
    assert!(body.replace("&quot;", "\"").contains(inner), "{body}");

    let envelope = |inner: &str| {
        format!(
            "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\"><soap:Body><CallResponse>\
             <CallResult>{inner}</CallResult></CallResponse></soap:Body></soap:Envelope>"
        )
    };
    let said = "<?xml version=\"1.0\" encoding=\"GBK\"?><resp><code>1</code><body><account_no>0011</account_no>\
                <amount_fen>7</amount_fen><due_date>2026-04-30</due_date><item_list><item_name>水费</item_name>\
                <amount_fen>7</amount_fen></item_list></body></resp>";
    let escaped = said.replace('<', "&lt;").replace('>', "&gt;");
    for text in [
        format!("<![CDATA[{said}]]>"),
        escaped,
        format!("<![CDATA[\n{said}\n]]>"),
    ] {
        let reply = answer("text/xml; charset=utf-8", envelope(&text).as_bytes());
        let (body, _) = told(&up, "bill-query", &reply).unwrap_or_else(|e| panic!("{e} {text}"));
        assert_eq!(body["item_list"][0]["item_name"], "水费");
    }
    let none = envelope("<![CDATA[<resp><code>-2</code><msg>查无此人</msg></resp>]]>");
    let error = told(&up, "bill-query", &answer("text/xml", none.as_bytes())).unwrap_err();
    assert!(error.is_not_found());
    // The inner text is as hostile as the outer one.
    let bomb = envelope("<![CDATA[<!DOCTYPE r [<!ENTITY a \"aaaa\">]><resp><code>1</code><msg>&a;</msg></resp>]]>");
    let error = told(&up, "bill-query", &answer("text/xml", bomb.as_bytes())).unwrap_err();
    assert_eq!(error.problem().code, ProblemCode::UpstreamUnexpected);
}
