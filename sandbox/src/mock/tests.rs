use super::*;
use hub_catalog::description::read;
use serde_json::json;

const PETS: &str = r##"
openapi: 3.0.3
info: {title: Pets, version: "1"}
servers: [{url: "https://pets.example/v1/"}]
paths:
  /pets/{id}:
    parameters:
      - {name: id, in: path, required: true, schema: {type: integer, minimum: 1}}
    get:
      parameters:
        - {name: fields, in: query, schema: {type: array, items: {type: string, enum: [name, age]}}}
      responses:
        "200":
          description: one
          headers: {X-Rate: {schema: {type: integer, minimum: 5, maximum: 5}}}
          content:
            application/json:
              schema: {$ref: "#/components/schemas/Pet"}
            application/xml:
              schema: {$ref: "#/components/schemas/Pet"}
        "404":
          description: none
          content:
            application/json:
              schema: {type: object, required: [reason], properties: {reason: {type: string}}}
              examples:
                gone: {value: {reason: gone}}
                never: {value: {reason: never}}
                wrong: {value: {reason: 1}}
  /pets:
    post:
      requestBody:
        required: true
        content:
          application/json:
            schema: {$ref: "#/components/schemas/Pet"}
      responses: {"201": {description: made, content: {application/json: {schema: {$ref: "#/components/schemas/Pet"}}}}}
components:
  schemas:
    Pet:
      type: object
      required: [id, name]
      properties:
        id: {type: integer, readOnly: true, xml: {attribute: true}}
        name: {type: string, maxLength: 20}
        mother: {$ref: "#/components/schemas/Pet"}
"##;

fn mock(text: &str) -> Mock {
    Mock::new(read("pets.yaml", text.as_bytes()).unwrap(), 7).unwrap()
}

fn get<'a>(path: &'a str, query: &'a str, headers: &[(&str, &str)]) -> Ask<'a> {
    let headers = headers
        .iter()
        .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
        .collect();
    Ask {
        method: "GET",
        path,
        query,
        headers,
        body: b"",
        room: Room::default(),
    }
}

fn body(told: &Told) -> Value {
    serde_json::from_slice(&told.body).unwrap()
}

#[test]
fn what_is_described_is_answered_and_the_caller_is_heard() {
    let mock = mock(PETS);
    let told = mock.answer(&get("/pets/3", "", &[])).unwrap();
    assert_eq!((told.status, body(&told)["id"].clone()), (200, json!(3)));
    assert!(
        told.headers.contains(&("x-rate".to_owned(), "5".to_owned())),
        "{:?}",
        told.headers
    );
    assert_eq!(mock.answer(&get("/pets/3", "", &[])).unwrap(), told);
    let based = mock.answer(&get("/v1/pets/3", "fields=name&fields=age", &[])).unwrap();
    assert_eq!(body(&based)["id"], 3);
    let xml = mock
        .answer(&get("/pets/3", "", &[("Accept", "application/xml")]))
        .unwrap();
    let text = String::from_utf8(xml.body).unwrap();
    assert!(text.contains("<Pet id=\"3\"><name>"), "{text}");
}

#[test]
fn what_the_caller_says_does_not_take_the_place_of_an_object_or_a_list() {
    let mock = mock(
        r#"
openapi: 3.0.3
info: {title: Events, version: "1"}
paths:
  /events:
    get:
      parameters:
        - {name: kind, in: query, schema: {type: string}}
        - {name: town, in: query, schema: {type: string}}
      responses:
        "200":
          description: all
          content:
            application/json:
              schema:
                type: array
                minItems: 1
                items:
                  type: object
                  required: [kind, kinds, town]
                  properties:
                    kind: {properties: {name: {type: string}}}
                    kinds: {items: {type: string}}
                    town: {type: string}
"#,
    );
    let told = mock
        .answer(&get("/events", "kind=fair&kinds=fair&town=Nanyu", &[]))
        .unwrap();
    let first = &body(&told)[0];
    assert!(first["kind"].is_object() && first["kinds"].is_array(), "{first}");
    assert_eq!(first["town"], "Nanyu");
}

#[test]
fn what_is_not_described_is_refused_with_its_place() {
    let mock = mock(PETS);
    let refused = |ask: &Ask<'_>| {
        let problem = mock.answer(ask).unwrap_err();
        (problem.code, problem.place.unwrap_or_default())
    };
    // The description has a status for a path that leads nowhere; why is said beside it.
    let nowhere = mock.answer(&get("/pets/0", "", &[])).unwrap();
    let why = nowhere.headers.iter().find(|(name, _)| name == "hub-why");
    assert_eq!(
        (nowhere.status, why.map(|(_, text)| text.as_str())),
        (404, Some("parameter/id: expected 1 or more"))
    );
    let (code, place) = refused(&get("/pets/1", "fields=size", &[]));
    assert_eq!(
        (code, place.as_str()),
        (ProblemCode::ValidationFailed, "parameter/fields/0")
    );
    assert_eq!(refused(&get("/pats/1", "", &[])).0, ProblemCode::NotFound);
    assert_eq!(refused(&get("/pets", "", &[])).0, ProblemCode::MethodNotAllowed);
    assert_eq!(
        refused(&get("/pets/1", "", &[("accept", "text/csv")])).0,
        ProblemCode::NotAcceptable
    );
    let post = |body, media: &str| Ask {
        method: "POST",
        body,
        headers: vec![("Content-Type".to_owned(), media.to_owned())],
        ..get("/pets", "", &[])
    };
    let made = mock.answer(&post(br#"{"name": "Rex"}"#, "application/json")).unwrap();
    assert_eq!((made.status, body(&made)["name"].clone()), (201, json!("Rex")));
    assert_eq!(refused(&post(b"{}", "application/json")).1, "/name");
    assert_eq!(refused(&post(b"{", "application/json")).0, ProblemCode::BadRequest);
    assert_eq!(refused(&post(b"{}", "text/csv")).0, ProblemCode::UnsupportedMediaType);
    assert_eq!(refused(&post(b"", "application/json")).1, "body");
}

#[test]
fn preferences_and_scenarios_choose_the_answer() {
    let mock = mock(PETS);
    let asked = |header: (&str, &str)| mock.answer(&get("/pets/3", "", &[header]));
    let gone = asked(("Prefer", "code=404, example=never")).unwrap();
    assert_eq!((gone.status, body(&gone)), (404, json!({"reason": "never"})));
    assert!(gone.headers.iter().any(|(n, _)| n == "preference-applied"));
    assert_eq!(body(&asked(("prefer", "code=404")).unwrap()), json!({"reason": "gone"}));
    assert_ne!(
        body(&asked(("prefer", "code=404; dynamic=true")).unwrap()),
        json!({"reason": "gone"})
    );
    for wish in ["code=500", "code=404, example=wrong", "code=404, example=nope"] {
        assert_eq!(
            asked(("prefer", wish)).unwrap_err().code,
            ProblemCode::ScenarioUnknown,
            "{wish}"
        );
    }
    assert_eq!(asked(("hub-scenario", "not-found")).unwrap().status, 404);
    assert_eq!(
        asked(("hub-scenario", "limited")).unwrap_err().code,
        ProblemCode::RateLimited
    );
    assert_eq!(
        asked(("hub-scenario", "perfect")).unwrap_err().code,
        ProblemCode::ScenarioUnknown
    );
    assert!(
        body(&asked(("hub-scenario", "minimal")).unwrap())
            .get("mother")
            .is_none()
    );
    assert_eq!(asked(("hub-scenario", "slow; ms=30")).unwrap().delay_ms, 30);
}

#[test]
fn once_takes_the_template_and_misses_nothing() {
    let mock = mock(PETS);
    assert_eq!(mock.answer_once(&get("/pets/{id}", "", &[])).unwrap().status, 200);
    let post = Ask {
        method: "POST",
        ..get("/pets", "", &[])
    };
    assert_eq!(mock.answer_once(&post).unwrap().status, 201);
    for listed in mock.operations() {
        let sample = mock.sample(&listed).unwrap();
        let ask = Ask {
            method: &sample.method,
            path: &sample.path,
            query: &sample.query,
            headers: sample.headers.clone(),
            body: &sample.body,
            room: Room::default(),
        };
        mock.answer(&ask).unwrap();
    }
}

#[test]
fn a_request_that_does_not_fit_is_refused_as_the_description_says() {
    let of = |responses: &str| {
        mock(&format!(
            "openapi: 3.1.0\ninfo: {{title: t, version: '1'}}\npaths:\n  /a:\n    get:\n      parameters: [{{name: n, in: query, \
             schema: {{type: integer}}}}]\n      responses:\n        '200': {{description: ok}}\n{responses}"
        ))
    };
    let wrong = get("/a", "n=x", &[("accept-language", "en")]);
    let own = of(
        "        '400': {description: no, content: {application/json: {schema: {type: object, required: [reason], \
                  additionalProperties: false, properties: {reason: {type: string, enum: [bad]}}}}}}\n",
    );
    let told = own.answer(&wrong).unwrap();
    assert_eq!((told.status, body(&told)), (400, json!({"reason": "bad"})));
    let why = told.headers.iter().find(|(name, _)| name == "hub-why").unwrap();
    assert!(why.1.starts_with("parameter/n: expected "), "{why:?}");
    let bare = of("        '400': {description: no}\n").answer(&wrong).unwrap();
    assert_eq!((bare.status, &body(&bare)["where"]), (400, &json!("parameter/n")));
    assert_eq!(body(&bare)["status"], 400);
    let open = of(
        "        '400': {description: no}\n        '422': {description: no, content: {application/problem+json: {schema: \
                   {type: object, required: [status], properties: {status: {const: 422}}}}}}\n",
    );
    let told = open.answer(&wrong).unwrap();
    assert_eq!((told.status, &body(&told)["code"]), (422, &json!("validation-failed")));
    assert_eq!(of("").answer(&wrong).unwrap_err().code, ProblemCode::ValidationFailed);
    assert_eq!(own.answer(&get("/a", "n=1", &[])).unwrap().status, 200);
}

const OLD: &str = r#"
swagger: "2.0"
info: {title: Old, version: "1"}
produces: [application/json]
securityDefinitions: {key: {type: apiKey, in: header, name: X-Key}}
paths:
  /a:
    get:
      security: [{key: []}]
      responses: {"200": {description: ok, schema: {type: object}}, "403": {description: no}}
    delete:
      security: [{key: []}]
      responses: {"200": {description: ok}, "403": {description: no}}
  /b:
    get:
      parameters: [{name: authorization, in: header, required: true, type: string}]
      responses: {"200": {description: ok, schema: {type: object}}, "401": {description: who}}
"#;

#[test]
fn a_refusal_declared_without_content_comes_in_the_json_of_the_other_answers() {
    let mock = mock(OLD).guarded();
    for method in ["GET", "DELETE"] {
        let ask = Ask {
            method,
            ..get("/a", "", &[])
        };
        let told = mock.answer(&ask).unwrap();
        assert_eq!(told.status, 403);
        let media = told.headers.iter().find(|(name, _)| name == "content-type");
        assert_eq!(media.unwrap().1, "application/json");
        assert_eq!(body(&told)["code"], "key-missing");
    }
}

#[test]
fn a_swagger_parameter_named_authorization_is_a_credential_and_an_openapi_one_is_ignored() {
    let old = mock(OLD).guarded();
    assert_eq!(old.answer(&get("/b", "", &[])).unwrap().status, 401);
    assert_eq!(
        old.answer(&get("/b", "", &[("authorization", "x")])).unwrap().status,
        200
    );
    let new = r#"
openapi: 3.0.3
info: {title: New, version: "1"}
paths:
  /b:
    get:
      parameters: [{name: Authorization, in: header, required: true, schema: {type: string}}]
      responses: {"200": {description: ok}, "401": {description: who}}
"#;
    assert_eq!(mock(new).guarded().answer(&get("/b", "", &[])).unwrap().status, 200);
}

#[test]
fn a_path_without_templates_is_matched_first_whatever_its_methods_are() {
    let described = r#"
openapi: 3.0.3
info: {title: Two, version: "1"}
paths:
  /uploads/{id}:
    get: {parameters: [{name: id, in: path, required: true, schema: {type: string}}], responses: {"200": {description: ok}}}
  /uploads/check:
    post: {responses: {"200": {description: ok}}}
"#;
    let mock = mock(described);
    assert_eq!(mock.answer(&get("/uploads/1", "", &[])).unwrap().status, 200);
    let refused = mock.answer(&get("/uploads/check", "", &[])).unwrap_err();
    assert_eq!(refused.code, hub_core::ProblemCode::MethodNotAllowed);
}
