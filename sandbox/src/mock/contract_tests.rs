//! What a contract says of bodies, and what it cannot say: values for one of several forms, properties of one direction.

use super::state_tests::ask;
use super::*;
use hub_catalog::description::read;
use hub_core::Lang;

/// A mock of a description from its paths on.
fn mock(rest: &str) -> Mock {
    let text = format!("openapi: 3.0.3\ninfo: {{title: t, version: \"1\"}}{rest}");
    Mock::new(read("t.yaml", text.as_bytes()).unwrap(), 7).unwrap()
}

#[test]
fn what_is_only_written_is_never_said_though_it_is_required() {
    const TEXT: &str = r##"
paths:
  /things:
    post:
      requestBody: {required: true, content: {application/json: {schema: {$ref: "#/components/schemas/Thing"}}}}
      responses: {"201": {description: made, content: {application/json: {schema: {$ref: "#/components/schemas/Thing"}}}}}
    get:
      responses:
        "200":
          description: ok
          content:
            application/json:
              schema: {type: array, minItems: 1, items: {$ref: "#/components/schemas/Thing"}}
              example: [{id: "1", name: a, password: shown, inner: {key: shown}}]
components:
  schemas:
    Secret: {type: string, writeOnly: true}
    Thing:
      type: object
      required: [id, name, password, pin]
      additionalProperties: false
      properties:
        id: {type: string, readOnly: true}
        name: {type: string}
        password: {type: string, writeOnly: true, example: shown}
        pin: {$ref: "#/components/schemas/Secret"}
        inner: {oneOf: [{type: object, properties: {key: {type: string, writeOnly: true}}}]}
"##;
    let mock = mock(TEXT).remembering();
    let thing = r#"{"name": "a", "password": "shown", "pin": "shown", "inner": {"key": "shown"}}"#;
    for (method, body) in [("GET", ""), ("POST", thing), ("GET", "")] {
        let told = mock.answer(&ask(method, "/things", body)).unwrap();
        let said: Value = serde_json::from_slice(&told.body).unwrap();
        assert!(told.status < 300 && said.to_string().contains("\"name\":\""), "{said}");
        for hidden in ["shown", "password", "pin", "key"] {
            assert!(!said.to_string().contains(hidden), "{hidden}: {said}");
        }
    }
}

#[test]
fn exactly_one_of_several_open_forms_is_found() {
    const TEXT: &str = r##"
paths:
  /steps:
    get:
      responses:
        "200":
          description: ok
          content:
            application/json:
              schema:
                oneOf:
                  - {$ref: "#/components/schemas/Long"}
                  - {$ref: "#/components/schemas/Short"}
                  - {type: object, required: [status], properties: {status: {type: string}, flag: {type: boolean}}}
components:
  schemas:
    Short: {type: object, required: [status], properties: {status: {type: string}}}
    Long: {type: object, required: [status], properties: {status: {type: string}, number: {type: string}}}
"##;
    let mock = mock(TEXT);
    let told = mock.answer(&ask("GET", "/steps", ""));
    // Nothing keeps a value from the short form, so that it has to be the one; the others are foiled.
    let said: Value = serde_json::from_slice(&told.unwrap().body).unwrap();
    assert!(said["status"].is_string() && !said["number"].is_string(), "{said}");
    assert!(
        said.get("number").is_some() && said.get("flag").is_some_and(|f| !f.is_boolean()),
        "{said}"
    );
}

#[test]
fn texts_of_no_length_and_yaml_are_bodies() {
    const TEXT: &str = r#"
paths:
  /notes:
    post:
      requestBody: {required: true, content: {text/plain: {schema: {type: string}}, application/json: {schema: {}}}}
      responses: {"204": {description: kept}}
  /sheets:
    post:
      requestBody: {required: true, content: {application/x-yaml: {schema: {type: object}}}}
      responses: {"204": {description: kept}}
  /names:
    post:
      requestBody: {required: true, content: {text/plain: {schema: {type: string, minLength: 1}}}}
      responses: {"204": {description: kept}}
"#;
    let mock = mock(TEXT);
    let status = |path: &str, media: Option<&str>| {
        let mut request = ask("POST", path, "");
        request.headers.retain(|(name, _)| name != "content-type");
        let media = media.map(|media| ("content-type".to_owned(), media.to_owned()));
        request.headers.extend(media);
        mock.answer(&request)
            .map_or_else(|problem| problem.code.status(), |told| told.status)
    };
    assert_eq!(status("/notes", Some("text/plain; charset=utf-8")), 204);
    for (text, expected) in [("a: 1", 204), ("- 1", 422), ("a: [", 400)] {
        let mut request = ask("POST", "/sheets", text);
        request.headers = vec![("content-type".to_owned(), "application/x-yaml".to_owned())];
        let status = mock
            .answer(&request)
            .map_or_else(|p| p.code.status(), |told| told.status);
        assert_eq!(status, expected, "{text}");
    }
    for (path, media) in [
        ("/notes", None),
        ("/notes", Some("application/json")),
        ("/names", Some("text/plain")),
    ] {
        assert_eq!(status(path, media), 422, "{path} {media:?}");
    }
}

#[test]
fn a_list_of_objects_comes_item_by_item_or_whole() {
    let mock = mock(
        r##"
paths:
  /upload:
    post:
      requestBody:
        content:
          multipart/form-data:
            schema:
              type: object
              properties:
                rows: {type: array, items: {type: object, properties: {n: {type: integer}}, required: [n]}}
                names: {type: array, items: {type: string}}
      responses: {"200": {description: d, content: {application/json: {schema: {type: boolean}}}}}
"##,
    );
    let part = |(name, value): &(&str, &str)| {
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let place = |parts: &[(&str, &str)]| {
        let body = parts.iter().map(part).collect::<String>() + "--b--\r\n";
        let mut asked = ask("POST", "/upload", &body);
        asked.headers = vec![("Content-Type".to_owned(), "multipart/form-data; boundary=b".to_owned())];
        mock.answer(&asked).err().and_then(|refused| refused.place)
    };
    assert_eq!(place(&[("rows", r#"{"n": 1}"#), ("rows", r#"{"n": 2}"#)]), None);
    assert_eq!(place(&[("rows", r#"[{"n": 1}, {"n": 2}]"#)]), None);
    assert_eq!(place(&[("rows", r#"[{"n": 1}, {}]"#)]).as_deref(), Some("/rows/1/n"));
    assert_eq!(
        place(&[("rows", r#"[{"n": 1}]"#), ("rows", "{}")]).as_deref(),
        Some("/rows/0")
    );
    assert_eq!(place(&[("names", "[]"), ("names", "a")]), None);
}

#[test]
fn a_declared_refusal_speaks_the_language_of_who_asks() {
    let mock = mock(
        r#"
paths:
  /things:
    get:
      parameters: [{name: n, in: query, required: true, schema: {type: integer}}]
      responses:
        "200": {description: ok}
        "400": {description: no, content: {application/problem+json: {schema: {type: object}}}}
"#,
    );
    let told = |lang: Lang, accept: Option<&str>| {
        let mut asked = ask("GET", "/things", "");
        asked.room.lang = lang;
        asked.headers = accept
            .map(|a| ("Accept-Language".to_owned(), a.to_owned()))
            .into_iter()
            .collect();
        let refused = mock.answer(&asked).unwrap();
        assert_eq!(refused.status, 400);
        refused.value.unwrap()
    };
    let title = |lang: Lang| Problem::new(ProblemCode::ValidationFailed).document("", lang, "")["title"].clone();
    assert_eq!(told(Lang::En, None)["title"], title(Lang::En));
    assert_eq!(told(Lang::Zh, None)["title"], title(Lang::Zh));
    assert_eq!(told(Lang::En, Some("zh"))["title"], title(Lang::Zh));
    assert!(told(Lang::En, None).get("request_id").is_none(), "a header says it");
}
