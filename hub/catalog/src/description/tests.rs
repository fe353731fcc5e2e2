use super::*;
use flate2::{Compression, write::DeflateEncoder};
use serde_json::json;
use std::io::Write;

fn good(name: &str, text: &str) -> Description {
    read(name, text.as_bytes()).unwrap_or_else(|f| panic!("{}", f[0]))
}

fn refused(name: &str, bytes: &[u8]) -> Finding {
    let findings = read(name, bytes).expect_err("it should be refused");
    let first = findings[0].clone();
    assert!(first.line > 0, "{first}");
    assert!(!first.message.zh.is_empty() && !first.message.en.is_empty());
    first
}

fn codes(description: &Description) -> Vec<&str> {
    description.repairs.iter().map(|f| f.code.as_str()).collect()
}

fn with_schema(version: &str, schema: &str) -> Description {
    good(
        "a.json",
        &format!(
            r##"{{"openapi": "{version}", "info": {{"title": "t", "version": "1"}}, "paths": {{}},
            "components": {{"schemas": {{"S": {schema}, "T": {{"type": "string"}}}}}}}}"##
        ),
    )
}

fn schema(description: &Description) -> Value {
    description.document.pointer("/components/schemas/S").unwrap().clone()
}

#[test]
fn schemas_of_3_0_become_2020_12() {
    for (old, new) in [
        (
            r#"{"type": "string", "nullable": true}"#,
            json!({"type": ["string", "null"]}),
        ),
        (
            r#"{"minimum": 1, "exclusiveMinimum": true}"#,
            json!({"exclusiveMinimum": 1}),
        ),
        (r#"{"maximum": 1, "exclusiveMaximum": false}"#, json!({"maximum": 1})),
        (
            r#"{"type": "integer", "example": 3}"#,
            json!({"type": "integer", "examples": [3]}),
        ),
        (
            r#"{"type": "string", "format": "byte"}"#,
            json!({"type": "string", "contentEncoding": "base64"}),
        ),
        (
            r#"{"type": "string", "format": "binary"}"#,
            json!({"type": "string", "contentMediaType": "application/octet-stream"}),
        ),
        (
            r#"{"items": [{"type": "string"}], "additionalItems": false}"#,
            json!({"prefixItems": [{"type": "string"}], "items": false}),
        ),
        (
            r#"{"enum": [{"nullable": true, "example": 1}]}"#,
            json!({"enum": [{"nullable": true, "example": 1}]}),
        ),
        (
            r#"{"properties": {"nullable": {"type": "string"}}}"#,
            json!({"properties": {"nullable": {"type": "string"}}}),
        ),
        (r#"{"x-own": {"nullable": true}}"#, json!({"x-own": {"nullable": true}})),
        (
            r##"{"$ref": "#/components/schemas/T", "maxLength": 3, "description": "d"}"##,
            json!({"$ref": "#/components/schemas/T", "description": "d"}),
        ),
        (r#"{"pattern": "^\\d{1,2147483647}$"}"#, json!({"pattern": "^\\d{1,}$"})),
        (r#"{"pattern": "(?=a)b"}"#, json!({"x-pattern": "(?=a)b"})),
    ] {
        let description = with_schema("3.0.3", old);
        assert_eq!(schema(&description), new, "{old}");
        assert!(description.validator("/components/schemas/S").is_ok(), "{old}");
    }
    assert_eq!(
        codes(&with_schema("3.0.3", r#"{"nullable": true}"#)),
        ["nullable-alone"]
    );
}

#[test]
fn newer_schemas_stay_but_for_old_words() {
    let beside = r##"{"$ref": "#/components/schemas/T", "maxLength": 3}"##;
    let description = with_schema("3.1.0", beside);
    assert_eq!(
        schema(&description),
        json!({"$ref": "#/components/schemas/T", "maxLength": 3})
    );
    let validator = description.validator("/components/schemas/S").unwrap();
    assert!(validator.accepts(&json!("abc")) && !validator.accepts(&json!("abcd")));
    let old = with_schema("3.1.1", r#"{"type": "string", "nullable": true}"#);
    assert_eq!(schema(&old), json!({"type": ["string", "null"]}));
    assert_eq!(codes(&old), ["old-word"]);
}

const SWAGGER: &str = r##"
swagger: "2.0"
info: {title: t, version: "1"}
host: api.example
basePath: /v1
schemes: [https]
consumes: [application/json]
produces: [application/json, text/xml]
parameters:
  limit: {name: limit, in: query, type: integer, maximum: 50}
  thing: {name: thing, in: body, required: true, schema: {$ref: "#/definitions/Thing"}}
responses:
  gone: {description: gone, schema: {$ref: "#/definitions/Thing"}}
securityDefinitions:
  basic: {type: basic}
  o: {type: oauth2, flow: accessCode, authorizationUrl: https://a.example, tokenUrl: https://t.example, scopes: {r: read}}
definitions:
  Thing: {type: object, discriminator: kind, properties: {kind: {type: string}, n: {type: integer, x-nullable: true}}}
paths:
  /things/{id}:
    parameters: [{name: id, in: path, required: true, type: string}]
    post:
      operationId: put
      parameters: [{$ref: "#/parameters/thing"}, {$ref: "#/parameters/limit"}, {name: tags, in: query, type: array, items: {type: string}, collectionFormat: multi}]
      responses: {200: {description: ok, schema: {$ref: "#/definitions/Thing"}, headers: {X-N: {type: integer}}}, 410: {$ref: "#/responses/gone"}}
  /files:
    post:
      consumes: [multipart/form-data]
      parameters: [{name: file, in: formData, type: file, required: true}, {name: note, in: formData, type: string, description: words}]
      responses: {200: {description: ok}}
"##;

#[test]
fn swagger_becomes_openapi() {
    let description = good("old.yaml", SWAGGER);
    assert_eq!(
        (description.format, description.version.as_str(), description.operations),
        (Format::Swagger, "2.0", 2)
    );
    let at = |pointer: &str| description.document.pointer(pointer).cloned().unwrap_or_default();
    assert_eq!(at("/servers"), json!([{"url": "https://api.example/v1"}]));
    let post = "/paths/~1things~1{id}/post";
    assert_eq!(
        at(&format!("{post}/requestBody")),
        json!({"required": true, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}, "x-body-name": "thing"})
    );
    assert_eq!(
        at(&format!("{post}/parameters")),
        json!([
            {"$ref": "#/components/parameters/limit"},
            {"name": "tags", "in": "query", "explode": true, "schema": {"type": "array", "items": {"type": "string"}}},
        ])
    );
    let answer = at(&format!("{post}/responses/200"));
    assert_eq!(answer["headers"]["X-N"], json!({"schema": {"type": "integer"}}));
    assert_eq!(
        answer["content"]["text/xml"]["schema"]["$ref"],
        "#/components/schemas/Thing"
    );
    assert_eq!(
        at(&format!("{post}/responses/410")),
        json!({"$ref": "#/components/responses/gone"})
    );
    assert_eq!(
        at("/components/responses/gone/content/application~1json/schema/$ref"),
        "#/components/schemas/Thing"
    );
    let form = at("/paths/~1files/post/requestBody/content/multipart~1form-data/schema");
    assert_eq!(form["required"], json!(["file"]));
    assert_eq!(
        form["properties"]["file"],
        json!({"type": "string", "contentMediaType": "application/octet-stream"})
    );
    assert_eq!(
        form["properties"]["note"],
        json!({"type": "string", "description": "words"})
    );
    assert_eq!(
        at("/components/securitySchemes/basic"),
        json!({"type": "http", "scheme": "basic"})
    );
    assert_eq!(
        at("/components/securitySchemes/o/flows/authorizationCode/scopes"),
        json!({"r": "read"})
    );
    assert_eq!(
        at("/components/schemas/Thing/discriminator"),
        json!({"propertyName": "kind"})
    );
    assert_eq!(
        at("/components/schemas/Thing/properties/n/type"),
        json!(["integer", "null"])
    );
    // Moved, and still known where it was written.
    let origin = description.origin(&format!("{post}/requestBody/content/application~1json/schema"));
    assert_eq!((origin.file, origin.line), ("old.yaml", 11));
    assert_eq!(
        description.origin("/components/parameters/limit/schema/maximum").line,
        10
    );
}

#[test]
fn two_bodies_of_one_operation_are_refused() {
    let text = SWAGGER.replace(
        r##"{$ref: "#/parameters/limit"}"##,
        "{name: a, in: body, schema: {}}, {name: b, in: body, schema: {}}",
    );
    let finding = refused("old.yaml", text.as_bytes());
    assert_eq!((finding.code.as_str(), finding.line), ("several-bodies", 24));
}

const SMALL: &str = "openapi: 3.0.3\ninfo: {title: 办事, version: '1'}\npaths: {}\n";

#[test]
fn encodings_that_are_met_are_read() {
    let title =
        |bytes: &[u8]| read("a.yaml", bytes).unwrap_or_else(|f| panic!("{}", f[0])).document["info"]["title"].clone();
    let wide = |big: bool, mark: bool| -> Vec<u8> {
        let text = if mark {
            format!("\u{feff}{SMALL}")
        } else {
            SMALL.to_owned()
        };
        let unit = |u: u16| if big { u.to_be_bytes() } else { u.to_le_bytes() };
        text.encode_utf16().flat_map(unit).collect()
    };
    let marked = format!("\u{feff}{SMALL}");
    for bytes in [
        SMALL.as_bytes().to_vec(),
        marked.into_bytes(),
        wide(true, true),
        wide(false, true),
        wide(true, false),
        wide(false, false),
    ] {
        assert_eq!(title(&bytes), "办事");
    }
    let (chinese, _, _) = encoding_rs::GB18030.encode(SMALL);
    let description = read("a.yaml", &chinese).unwrap();
    assert_eq!(description.document["info"]["title"], "办事");
    assert_eq!(codes(&description), ["encoding"]);
    assert_eq!(description.repairs[0].line, 2);
    let finding = refused("a.yaml", b"openapi: 3.0.3\ninfo: {title: \x80\xff\xff\x80\x80a\xff}\n");
    assert_eq!(
        (finding.code.as_str(), finding.line, finding.column),
        ("not-utf-8", 2, 15)
    );
}

#[test]
fn what_has_one_meaning_is_repaired_and_told() {
    let rest = "\ninfo: {title: t, version: 1.10}\npaths:\n  pets:\n    get:\n      parameters:\n      - {name: q, in: query, type: string}\n      responses: {200: {}}\n";
    let description = good("a.yaml", &format!("openapi: 3.0.3{rest}"));
    assert_eq!(description.document["info"]["version"], "1.10");
    assert_eq!(
        description
            .document
            .pointer("/paths/~1pets/get/parameters/0/schema/type"),
        Some(&json!("string"))
    );
    let mut found = codes(&description);
    found.sort_unstable();
    assert_eq!(found, ["missing-field", "not-a-text", "outside-schema", "path-slash"]);
    for repair in &description.repairs {
        assert!(repair.line > 1 && repair.severity != Severity::Error, "{repair}");
    }

    let comma = good(
        "a.json",
        "{\"openapi\": \"3.0.3\",\n \"info\": {\"title\": \"t\", \"version\": \"1\",},\n \"paths\": {},}",
    );
    assert_eq!(codes(&comma), ["json-syntax"]);
    let tabs = good(
        "a.yaml",
        "openapi: 3.0.3\ninfo:\n\ttitle: t\n\tversion: '1'\npaths: {}\n",
    );
    assert_eq!((codes(&tabs), tabs.repairs[0].line), (vec!["tabs"], 3));
    let quoted = good(
        "a.yaml",
        "openapi: 3.0.3\npaths: {}\ninfo:\n    version: '1'\n    title: \"t\n  t\"\n",
    );
    assert_eq!(
        (codes(&quoted), &quoted.document["info"]["title"]),
        (vec!["indentation"], &json!("t t"))
    );
    let merged = good(
        "a.yaml",
        "x-a: &a {version: '1', title: a}\nopenapi: 3.0.3\ninfo: {<<: *a, title: t}\npaths: {}\n",
    );
    assert_eq!(merged.document["info"], json!({"title": "t", "version": "1"}));
    let twice = good("a.yaml", &format!("{SMALL}paths: {{}}\n"));
    assert_eq!(codes(&twice), ["duplicate-key"]);
}

#[test]
fn what_would_be_a_guess_is_refused_with_its_place() {
    let cases: [(&str, &str, usize); 9] = [
        (
            "openapi: 3.0.3\ninfo: {title: t, version: '1'}\npaths: {}\npaths: {/a: {}}\n",
            "duplicate-key",
            4,
        ),
        (
            "openapi: 3.0.3\ninfo: {title: t, version: '1'}\npath: {}\n",
            "missing-field",
            1,
        ),
        (
            "openapi: 4.0.0\ninfo: {title: t, version: '1'}\npaths: {}\n",
            "unknown-version",
            1,
        ),
        (
            "openapi: 3.1.0\ninfo: {title: t, version: '1'}\nservers:\n  url: /\npaths: {}\n",
            "wrong-type",
            3,
        ),
        (
            "openapi: 3.1.0\ninfo: {title: t, version: '1'}\ncomponents:\n  schemas:\n    A: {type: user}\n",
            "schema-type",
            5,
        ),
        (
            "openapi: 3.1.0\ninfo: {title: t, version: '1'}\ncomponents:\n  schemas:\n    Thing: {}\n    A: {$ref: '#/components/schemas/Thin'}\n",
            "dangling-reference",
            6,
        ),
        (
            "openapi: 3.1.0\ninfo: {title: t, version: '1'}\ncomponents:\n  schemas:\n    B: {$ref: '#/components/schemas/A'}\n    A: {$ref: '#/components/schemas/B'}\n",
            "reference-cycle",
            5,
        ),
        ("openapi: 3.1.0\ninfo: {title: t\n", "yaml-syntax", 3),
        ("a: 1\n", "unknown-format", 1),
    ];
    for (text, code, line) in cases {
        let finding = refused("a.yaml", text.as_bytes());
        assert_eq!((finding.code.as_str(), finding.line), (code, line), "{text}\n{finding}");
    }
    let near = refused("a.yaml", cases[5].0.as_bytes());
    assert_eq!(near.near, ["Thing"]);
    let quoted = refused("a.yaml", cases[3].0.as_bytes());
    assert!(quoted.got.is_some());
}

#[test]
fn other_documents_are_called_by_their_name() {
    for (name, bytes, what) in [
        (
            "a.json",
            &br#"{"info": {"schema": "https://schema.getpostman.com/x"}, "item": []}"#[..],
            "Postman",
        ),
        (
            "a.wsdl",
            br#"<description xmlns="http://www.w3.org/ns/wsdl"/>"#,
            "WSDL 2.0",
        ),
        (
            "a.xsd",
            br#"<schema xmlns="http://www.w3.org/2001/XMLSchema"/>"#,
            "XML Schema",
        ),
        ("a.pdf", b"%PDF-1.7", "PDF"),
        ("a.json", br#"{"asyncapi": "2.0.0"}"#, "AsyncAPI"),
    ] {
        let finding = refused(name, bytes);
        assert_eq!(finding.code, "unknown-format");
        assert!(finding.message.en.contains(what) && finding.fix.is_some(), "{finding}");
    }
}

fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut out, mut list) = (Vec::new(), Vec::new());
    for (name, bytes) in files {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        let packed = encoder.finish().unwrap();
        let sizes = [
            u32::try_from(packed.len()).unwrap(),
            u32::try_from(bytes.len()).unwrap(),
        ];
        let length = u16::try_from(name.len()).unwrap().to_le_bytes();
        let start = u32::try_from(out.len()).unwrap();
        let mut common = vec![20, 0, 0, 8, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        common.extend(sizes.iter().flat_map(|s| s.to_le_bytes()));
        common.extend(length);
        out.extend(b"PK\x03\x04");
        out.extend(&common);
        out.extend([0, 0]);
        out.extend(name.as_bytes());
        out.extend(packed);
        list.extend(b"PK\x01\x02\x14\0");
        list.extend(&common);
        list.extend([0; 12]);
        list.extend(start.to_le_bytes());
        list.extend(name.as_bytes());
    }
    let (start, count) = (u32::try_from(out.len()).unwrap(), u16::try_from(files.len()).unwrap());
    let size = u32::try_from(list.len()).unwrap();
    out.extend(list);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend(count.to_le_bytes());
    out.extend(count.to_le_bytes());
    out.extend(size.to_le_bytes());
    out.extend(start.to_le_bytes());
    out.extend([0, 0]);
    out
}

const ROOT: &str = "openapi: 3.0.3
info: {title: t, version: '1'}
paths:
  /a: {$ref: paths/a.yaml}
";
const ITEM: &str = "get:
  responses:
    '200':
      description: ok
      content:
        application/json:
          schema: {$ref: '../schemas.yaml#/Node'}
";
const PARTS: &str = "Node:
  type: object
  properties:
    next: {$ref: '#/Node'}
    kind: {$ref: '#/Kind'}
Kind: {type: string, nullable: true}
";

#[test]
fn a_zip_is_one_upload() {
    let bytes = zip(&[
        ("api/openapi.yaml", ROOT.as_bytes()),
        ("api/paths/a.yaml", ITEM.as_bytes()),
        ("api/schemas.yaml", PARTS.as_bytes()),
    ]);
    let description = read("upload.zip", &bytes).unwrap_or_else(|f| panic!("{}", f[0]));
    assert_eq!(description.operations, 1);
    let pointer = "/paths/~1a/get/responses/200/content/application~1json/schema/$ref";
    assert_eq!(
        description.document.pointer(pointer),
        Some(&json!("#/components/schemas/Node"))
    );
    let node = description.document.pointer("/components/schemas/Node").unwrap();
    assert_eq!(node["properties"]["next"]["$ref"], "#/components/schemas/Node");
    assert_eq!(
        description.document.pointer("/components/schemas/Kind/type"),
        Some(&json!(["string", "null"]))
    );
    let origin = description.origin("/components/schemas/Kind");
    assert_eq!((origin.file, origin.line), ("api/schemas.yaml", 6));
    let validator = description.validator("/components/schemas/Node").unwrap();
    assert!(validator.accepts(&json!({"next": {"kind": null}})) && !validator.accepts(&json!({"next": {"kind": 1}})));

    let lacking = zip(&[("openapi.yaml", ROOT.as_bytes()), ("paths/a.yaml", ITEM.as_bytes())]);
    let finding = refused("upload.zip", &lacking);
    assert_eq!(
        (finding.code.as_str(), finding.file.as_str(), finding.line),
        ("missing-file", "paths/a.yaml", 7)
    );
    assert_eq!(missing(&[finding]), ["schemas.yaml"]);
}

#[test]
fn addresses_are_never_fetched_but_may_be_packed() {
    let text = ROOT.replace("paths/a.yaml", "https://files.example/x/item.yaml");
    let finding = refused("a.yaml", text.as_bytes());
    assert_eq!(
        (finding.code.as_str(), finding.line, finding.expected.as_deref()),
        ("missing-file", 4, Some("item.yaml"))
    );
    assert!(missing(&[finding]).is_empty());
    let item = "get: {responses: {'200': {description: ok}}}";
    let packed = zip(&[("a.yaml", text.as_bytes()), ("item.yaml", item.as_bytes())]);
    assert_eq!(
        read("a.zip", &packed).unwrap_or_else(|f| panic!("{}", f[0])).operations,
        1
    );
}

#[test]
fn bombs_are_refused_in_bounded_time() {
    let start = std::time::Instant::now();
    let packed = zip(&[("openapi.yaml", &vec![b' '; 70 << 20])]);
    assert!(packed.len() < 1 << 20);
    assert_eq!(refused("bomb.zip", &packed).code, "zip");
    let mut aliases = String::from("openapi: 3.0.3\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for n in 1..9 {
        let list = vec![format!("*a{}", n - 1); 10].join(", ");
        aliases += &format!("a{n}: &a{n} [{list}]\n");
    }
    assert_eq!(refused("a.yaml", aliases.as_bytes()).code, "alias-bomb");
    let deep = format!("{{\"openapi\": \"3.0.3\", \"x\": {}", "[".repeat(100_000));
    assert_eq!(refused("a.json", deep.as_bytes()).code, "too-deep");
    let pattern = "openapi: 3.1.0\ninfo: {title: t, version: '1'}\ncomponents:\n  schemas:\n    A: {pattern: '([a-z]{1,1000}){1,1000}'}\n";
    let finding = refused("a.yaml", pattern.as_bytes());
    assert_eq!((finding.code.as_str(), finding.line), ("pattern-too-large", 5));
    let xml = "<!DOCTYPE d [<!ENTITY a \"aaaa\">]><definitions>&a;</definitions>";
    assert_eq!(refused("a.wsdl", xml.as_bytes()).code, "xml-syntax");
    let nested = format!(
        "<definitions xmlns=\"http://schemas.xmlsoap.org/wsdl/\">{}{}</definitions>",
        "<a>".repeat(5_000),
        "</a>".repeat(5_000)
    );
    assert_eq!(refused("a.wsdl", nested.as_bytes()).code, "too-deep");
    assert!(start.elapsed().as_secs() < 30);
}

#[test]
fn names_of_any_alphabet_can_be_referred_to() {
    for name in ["用户", "Answer«List«用户»»", "a b", "a/b~c", "50%"] {
        let pointer = crate::document::escape(name);
        let document = json!({
            "openapi": "3.0.3", "info": {"title": "t", "version": "1"}, "paths": {},
            "components": {"schemas": {name: {"type": "integer"}, "S": {"$ref": format!("#/components/schemas/{}", pointer.replace('%', "%25"))}}},
        });
        let description = good("a.json", &document.to_string());
        let validator = description
            .validator("/components/schemas/S")
            .unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(
            validator.accepts(&json!(1)) && !validator.accepts(&json!("x")),
            "{name}"
        );
    }
}

#[test]
fn schemas_that_hold_themselves_are_fine() {
    let description = with_schema(
        "3.0.3",
        r##"{"type": "object", "properties": {"s": {"$ref": "#/components/schemas/S"}}}"##,
    );
    let validator = description.validator("/components/schemas/S").unwrap();
    assert!(validator.accepts(&json!({"s": {"s": {}}})) && !validator.accepts(&json!({"s": {"s": 1}})));
}

const WSDL: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<w:definitions xmlns:w="http://schemas.xmlsoap.org/wsdl/" xmlns:s="http://schemas.xmlsoap.org/wsdl/soap/"
  xmlns:x="http://www.w3.org/2001/XMLSchema" xmlns:t="urn:t" targetNamespace="urn:t" name="Bills">
 <w:types>
  <x:schema targetNamespace="urn:t" elementFormDefault="qualified">
   <x:simpleType name="No"><x:restriction base="x:string"><x:pattern value="\d{3}"/></x:restriction></x:simpleType>
   <x:complexType name="Base"><x:sequence><x:element name="no" type="t:No"/></x:sequence></x:complexType>
   <x:complexType name="Bill"><x:complexContent><x:extension base="t:Base"><x:sequence>
     <x:element name="fen" type="x:int" nillable="true"/>
     <x:element name="line" type="x:string" minOccurs="0" maxOccurs="unbounded"/>
     <x:choice><x:element name="a" type="x:date"/><x:element name="b" type="x:boolean"/></x:choice>
    </x:sequence><x:attribute name="id" use="required" type="x:string"/></x:extension></x:complexContent></x:complexType>
   <x:element name="get"><x:complexType><x:sequence><x:element name="no" type="t:No"/></x:sequence></x:complexType></x:element>
   <x:element name="getResponse" type="t:Bill"/>
  </x:schema>
 </w:types>
 <w:message name="In"><w:part name="p" element="t:get"/></w:message>
 <w:message name="Out"><w:part name="p" element="t:getResponse"/></w:message>
 <w:portType name="P"><w:operation name="get"><w:documentation>One bill</w:documentation><w:input message="t:In"/><w:output message="t:Out"/></w:operation></w:portType>
 <w:binding name="B" type="t:P"><s:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
  <w:operation name="get"><s:operation soapAction="urn:get"/><w:input><s:body use="literal"/></w:input><w:output><s:body use="literal"/></w:output></w:operation></w:binding>
 <w:service name="Bills"><w:port name="P" binding="t:B"><s:address location="https://soap.example/bills"/></w:port></w:service>
</w:definitions>"#;

#[test]
fn wsdl_becomes_a_contract() {
    let description = good("bills.wsdl", WSDL);
    assert_eq!((description.format, description.operations), (Format::Wsdl, 1));
    assert_eq!(
        description.document["servers"],
        json!([{"url": "https://soap.example/bills"}])
    );
    let post = description.document.pointer("/paths/~1get/post").unwrap();
    assert_eq!(
        post["x-soap"],
        json!({"version": "1.1", "style": "document", "action": "urn:get", "namespace": "urn:t", "element": "get", "qualified": true})
    );
    let answer = description.validator("/components/schemas/getResponse").unwrap();
    let bill = json!({"no": "123", "fen": null, "line": ["x"], "a": "2026-03-09", "@id": "7"});
    assert!(answer.accepts(&bill), "{:#}", description.document["components"]);
    for (key, wrong) in [
        ("no", json!("12")),
        ("fen", json!("x")),
        ("line", json!("x")),
        ("a", json!("soon")),
        ("@id", json!(7)),
    ] {
        let mut changed = bill.clone();
        changed[key] = wrong;
        assert!(!answer.accepts(&changed), "{key}");
    }
    assert_eq!(description.origin("/components/schemas/No/pattern").line, 6);
}

#[test]
fn rpc_messages_have_their_parts() {
    let rpc = WSDL.replace(r#"style="document""#, r#"style="rpc""#).replace(
        r#"<w:part name="p" element="t:get"/>"#,
        r#"<w:part name="no" type="t:No"/><w:part name="year" type="x:int"/>"#,
    );
    let description = good("bills.wsdl", &rpc);
    let body = description
        .document
        .pointer("/paths/~1get/post/requestBody/content/application~1json/schema")
        .unwrap();
    assert_eq!(body["required"], json!(["no", "year"]));
    assert_eq!(body["properties"]["no"], json!({"$ref": "#/components/schemas/No"}));
}

#[test]
fn imports_of_a_wsdl_are_asked_for_by_name() {
    let text = WSDL.replace(
        "<x:simpleType name=\"No\">",
        "<x:import namespace=\"urn:u\" schemaLocation=\"../xsd/u.xsd\"/><x:simpleType name=\"No\">",
    );
    let files = BTreeMap::from([("w/bills.wsdl".to_owned(), text.clone().into_bytes())]);
    let findings = read_set("w/bills.wsdl", &files).unwrap_err();
    assert_eq!((findings[0].code.as_str(), findings[0].line), ("missing-file", 6));
    assert_eq!(missing(&findings), ["xsd/u.xsd"]);
    let schema = b"<x:schema xmlns:x='http://www.w3.org/2001/XMLSchema' targetNamespace='urn:u'/>".to_vec();
    let files = BTreeMap::from([
        ("w/bills.wsdl".to_owned(), text.into_bytes()),
        ("xsd/u.xsd".to_owned(), schema),
    ]);
    assert!(read_set("w/bills.wsdl", &files).is_ok());
}
