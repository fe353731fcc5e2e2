//! Things that are made, changed and removed, and words that choose an outcome.

use super::*;
use hub_catalog::description::read;
use serde_json::json;

const CASES: &str = r##"
openapi: 3.1.0
info: {title: Cases, version: "1"}
paths:
  /applies:
    get:
      parameters:
        - {name: page, in: query, schema: {type: integer, minimum: 1}}
        - {name: size, in: query, schema: {type: integer, default: 10}}
        - {name: status, in: query, schema: {type: string}}
        - {name: colour, in: query, schema: {type: string}}
      responses:
        "200":
          description: all
          content:
            application/json:
              schema:
                type: object
                required: [total, items]
                properties:
                  total: {type: integer}
                  items: {type: array, items: {$ref: "#/components/schemas/Apply"}}
    post:
      security: [{login: []}]
      requestBody:
        required: true
        content:
          application/json: {schema: {$ref: "#/components/schemas/Apply"}}
          multipart/form-data: {schema: {$ref: "#/components/schemas/Apply"}}
      responses:
        "201": {description: made, content: {application/json: {schema: {$ref: "#/components/schemas/Apply"}}}}
  /applies/{applyId}:
    parameters: [{name: applyId, in: path, required: true, schema: {type: integer, minimum: 1}}]
    get:
      responses:
        "200": {description: one, content: {application/json: {schema: {type: object, properties: {data: {$ref: "#/components/schemas/Apply"}}}}}}
        "404": {description: none, content: {application/json: {schema: {type: object, required: [why], properties: {why: {const: gone}}}}}}
    put:
      requestBody: {content: {application/json: {schema: {$ref: "#/components/schemas/Apply"}}}}
      responses:
        "200": {description: changed, content: {application/json: {schema: {$ref: "#/components/schemas/Apply"}}}}
    patch:
      requestBody: {content: {application/merge-patch+json: {schema: {type: object}}, application/json-patch+json: {schema: {type: array}}}}
      responses: {"204": {description: changed}}
    delete: {responses: {"204": {description: removed}}}
  /applies/{id}/papers:
    parameters: [{name: id, in: path, required: true, schema: {type: integer}}]
    get: {responses: {"200": {description: all, content: {application/json: {schema: {type: array, items: {type: string}}}}}}}
  /keyed:
    get:
      security: [{key: []}, {basic: []}]
      responses: {"200": {description: ok}, "401": {description: who, content: {application/json: {schema: {const: who}}}}}
components:
  securitySchemes:
    login: {type: oauth2, flows: {}}
    key: {type: apiKey, in: header, name: X-Key}
    basic: {type: http, scheme: basic}
  schemas:
    Apply:
      type: object
      additionalProperties: false
      required: [id, title]
      properties:
        id: {type: integer, readOnly: true}
        title: {type: string, maxLength: 12}
        status: {type: string, enum: [draft, submitted, need_docs, in_review]}
        secret: {type: string, writeOnly: true}
"##;

fn cases() -> Mock {
    Mock::new(read("cases.yaml", CASES.as_bytes()).unwrap(), 7)
        .unwrap()
        .remembering()
}

pub(super) fn ask<'a>(method: &'a str, path: &'a str, body: &'a str) -> Ask<'a> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let media = match method {
        "PATCH" if body.starts_with('[') => "application/json-patch+json",
        "PATCH" => "application/merge-patch+json",
        _ => "application/json",
    };
    Ask {
        method,
        path,
        query,
        headers: vec![("content-type".to_owned(), media.to_owned())],
        body: body.as_bytes(),
        room: Room::default(),
    }
}

fn said(mock: &Mock, method: &str, path: &str, body: &str) -> (u16, Value) {
    let told = mock.answer(&ask(method, path, body)).unwrap();
    (told.status, serde_json::from_slice(&told.body).unwrap_or_default())
}

#[test]
fn a_location_is_whole_where_the_description_wants_it_whole() {
    let description = r##"
openapi: 3.0.3
info: {title: Cases, version: "1"}
paths:
  /cases:
    post:
      requestBody: {content: {application/json: {schema: {type: object, properties: {title: {type: string}}}}}}
      responses:
        "201":
          description: made
          headers: {Location: {schema: {type: string, format: uri}}}
          content: {application/json: {schema: {type: object, required: [id], properties: {id: {type: integer}, title: {type: string}}}}}
  /cases/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: integer}}]
    get: {responses: {"200": {description: one, content: {application/json: {schema: {type: object, required: [id], properties: {id: {type: integer}}}}}}}}
"##;
    let mock = Mock::new(read("cases.yaml", description.as_bytes()).unwrap(), 7)
        .unwrap()
        .remembering();
    let mut request = ask("POST", "/cases", r#"{"title": "new"}"#);
    request.headers.push(("host".to_owned(), "mock.test:1".to_owned()));
    let told = mock.answer(&request).unwrap();
    let id = serde_json::from_slice::<Value>(&told.body).unwrap()["id"].clone();
    let place = ("location".to_owned(), format!("http://mock.test:1/cases/{id}"));
    assert!(told.headers.contains(&place), "{:?}", told.headers);
}

#[test]
fn who_takes_nothing_in_particular_takes_anything() {
    let status = |accept: &str| {
        let mut request = ask("GET", "/applies", "");
        request.headers = vec![("accept".to_owned(), accept.to_owned())];
        let told = cases().answer(&request);
        told.map_or_else(|p| p.code.status(), |told| told.status)
    };
    assert_eq!(
        (status(""), status(" "), status("*/*"), status("image/png")),
        (200, 200, 200, 406)
    );
}

#[test]
fn what_is_made_is_read_changed_listed_and_gone() {
    let mock = cases();
    let told = mock.answer(&ask(
        "POST",
        "/applies",
        r#"{"title": "new", "secret": "s", "status": "draft", "id": 3}"#,
    ));
    let told = told.unwrap();
    let made: Value = serde_json::from_slice(&told.body).unwrap();
    let id = made["id"].clone();
    assert_eq!(
        (told.status, &made["title"], made.get("secret")),
        (201, &json!("new"), None)
    );
    assert!(
        told.headers
            .contains(&("location".to_owned(), format!("/applies/{id}"))),
        "{:?}",
        told.headers
    );
    let path = format!("/applies/{id}");
    let (status, read) = said(&mock, "GET", &path, "");
    assert_eq!((status, &read["data"]), (200, &made));
    // The same request makes another thing.
    let (_, other) = said(&mock, "POST", "/applies", r#"{"title": "new", "status": "draft"}"#);
    assert_ne!(other["id"], id);
    said(&mock, "PUT", &path, r#"{"title": "put"}"#);
    let (_, read) = said(&mock, "GET", &path, "");
    assert_eq!((&read["data"]["title"], &read["data"]["id"]), (&json!("put"), &id));
    assert_eq!(said(&mock, "PATCH", &path, r#"{"title": "merged"}"#).0, 204);
    assert_eq!(said(&mock, "GET", &path, "").1["data"]["title"], "merged");
    said(
        &mock,
        "PATCH",
        &path,
        r#"[{"op": "replace", "path": "/title", "value": "patched"}]"#,
    );
    assert_eq!(said(&mock, "GET", &path, "").1["data"]["title"], "patched");
    let (_, all) = said(&mock, "GET", "/applies?size=100", "");
    let titles: Vec<&Value> = all["items"].as_array().unwrap().iter().map(|i| &i["title"]).collect();
    assert!(!all.to_string().contains("secret"), "{all}");
    assert!(
        titles.contains(&&json!("patched")) && titles.contains(&&json!("new")),
        "{all}"
    );
    assert_eq!(all["total"], json!(titles.len()));
    assert_eq!(said(&mock, "DELETE", &path, "").0, 204);
    assert_eq!(said(&mock, "GET", &path, ""), (404, json!({"why": "gone"})));
    let (_, after) = said(&mock, "GET", "/applies?size=100", "");
    assert_eq!(after["total"].as_u64().unwrap() + 1, all["total"].as_u64().unwrap());
    for (method, path) in [
        ("PUT", path.clone()),
        ("DELETE", path.clone()),
        ("GET", format!("{path}/papers")),
    ] {
        let refused = mock.answer(&ask(method, &path, r#"{"title": "x"}"#)).unwrap_err();
        assert_eq!(refused.code, ProblemCode::RecordNotFound, "{method}");
    }
    // Nobody made it, nobody removed it.
    let (status, read) = said(&mock, "GET", "/applies/987654", "");
    assert_eq!((status, &read["data"]["id"]), (200, &json!(987_654)));
}

#[test]
fn what_is_listed_can_be_read_and_removed_and_lists_are_filtered_and_paged() {
    let mock = cases();
    let (_, listed) = said(&mock, "GET", "/applies", "");
    let first = listed["items"][0].clone();
    let path = format!("/applies/{}", first["id"]);
    assert_eq!(said(&mock, "GET", &path, "").1["data"], first);
    said(&mock, "DELETE", &path, "");
    let (_, left) = said(&mock, "GET", "/applies", "");
    assert!(!left["items"].as_array().unwrap().contains(&first), "{left}");
    for number in 0..25 {
        let status = if number % 2 == 0 { "in_review" } else { "draft" };
        said(
            &mock,
            "POST",
            "/applies",
            &format!(r#"{{"title": "n{number}", "status": "{status}"}}"#),
        );
    }
    let (_, page) = said(&mock, "GET", "/applies?status=in_review&page=2&size=5", "");
    let items = page["items"].as_array().unwrap();
    assert_eq!(items.len(), 5);
    assert!(items.iter().all(|i| i["status"] == "in_review"), "{page}");
    assert!(page["total"].as_u64().unwrap() >= 13);
    let (_, last) = said(&mock, "GET", "/applies?page=99&size=5", "");
    assert_eq!(last["items"], json!([]));
    // No member is called so: it filters nothing.
    assert_eq!(
        said(&mock, "GET", "/applies?colour=red", "").1["items"]
            .as_array()
            .unwrap()
            .len(),
        10
    );
}

#[test]
fn the_same_history_gives_the_same_bytes_and_a_forgetful_mock_has_none() {
    let history = [
        ("POST", "/applies", r#"{"title": "a"}"#),
        ("GET", "/applies?size=3", ""),
        ("POST", "/applies", r#"{"title": "a"}"#),
        ("DELETE", "/applies/12", ""),
        ("GET", "/applies/11", ""),
        ("PATCH", "/applies/11", r#"{"title": "b"}"#),
        ("GET", "/applies/11", ""),
    ];
    let run = || {
        let mock = cases();
        let told = history.map(|(method, path, body)| mock.answer(&ask(method, path, body)).unwrap());
        told.map(|t| (t.headers, t.body))
    };
    assert_eq!(run(), run());
    let forgetful = Mock::new(read("cases.yaml", CASES.as_bytes()).unwrap(), 7).unwrap();
    let (_, made) = said(&forgetful, "POST", "/applies", r#"{"title": "a"}"#);
    assert_eq!(said(&forgetful, "POST", "/applies", r#"{"title": "a"}"#).1, made);
    said(&forgetful, "DELETE", "/applies/5", "");
    assert_eq!(said(&forgetful, "GET", "/applies/5", "").0, 200);
}

#[test]
fn what_was_inferred_is_said_in_a_sentence() {
    let inferred: Vec<Inferred> = cases().inference().collect();
    assert_eq!(inferred.len(), 1);
    assert_eq!(inferred[0].id.as_deref(), Some("id"));
    assert!(
        inferred[0]
            .sentence
            .zh
            .starts_with("POST /applies 建立，GET /applies 列出，GET /applies/{applyId} 读取"),
        "{}",
        inferred[0].sentence.zh
    );
    assert!(
        inferred[0]
            .sentence
            .en
            .contains("DELETE /applies/{applyId} removes; id tells")
    );
}

#[test]
fn every_scenario_word_is_shown_or_refused_with_those_that_can_be() {
    let with = |method: &'static str, path: &'static str, word: &str| {
        let mut ask = ask(method, path, if method == "POST" { r#"{"title": "a"}"# } else { "" });
        ask.headers.push(("Hub-Scenario".to_owned(), word.to_owned()));
        cases().answer(&ask)
    };
    let mock = cases();
    for listed in mock.operations() {
        let possible = mock.scenarios(&listed);
        let sample = mock.sample(&listed).unwrap();
        for (word, name) in Word::ALL {
            let mut headers = sample.headers.clone();
            headers.push(("hub-scenario".to_owned(), name.to_owned()));
            let ask = Ask {
                method: &sample.method,
                path: &sample.path,
                query: &sample.query,
                headers,
                body: &sample.body,
                room: Room::default(),
            };
            let told = cases().answer(&ask);
            let unknown = told.as_ref().is_err_and(|p| p.code == ProblemCode::ScenarioUnknown);
            assert_eq!(
                unknown,
                !possible.contains(&word),
                "{} {} {name}",
                listed.method,
                listed.path
            );
            if unknown {
                let problem = told.unwrap_err();
                let names: Vec<&str> = possible.iter().map(|w| w.as_str()).collect();
                assert_eq!(problem.more["possible"], json!(names));
            }
        }
    }
    let code = |told: Result<Told, Problem>| told.unwrap_err().code;
    assert_eq!(
        code(with("POST", "/applies", "consent-missing")),
        ProblemCode::ConsentMissing
    );
    assert_eq!(
        code(with("POST", "/applies", "consent-expired")),
        ProblemCode::ConsentExpired
    );
    assert_eq!(
        code(with("GET", "/applies", "consent-missing")),
        ProblemCode::ScenarioUnknown
    );
    assert_eq!(code(with("POST", "/applies", "duplicate")), ProblemCode::Conflict);
    assert_eq!(code(with("GET", "/applies", "duplicate")), ProblemCode::ScenarioUnknown);
    assert_eq!(code(with("GET", "/applies", "garbled")), ProblemCode::UpstreamContract);
    assert_eq!(code(with("GET", "/applies", "down")), ProblemCode::UpstreamUnavailable);
    let cut = with("GET", "/applies", "cut; after=99").unwrap_err();
    assert!(cut.detail.unwrap().en.contains("99 bytes"));
    assert_eq!(
        with("GET", "/applies", "limited; retry=9").unwrap_err().retry_after,
        Some(9)
    );
    assert_eq!(
        with("POST", "/applies", "invalid; at=/title")
            .unwrap_err()
            .place
            .as_deref(),
        Some("/title")
    );
    assert_eq!(
        with("POST", "/applies", "invalid").unwrap_err().place.as_deref(),
        Some("/id")
    );
    assert_eq!(with("GET", "/applies/1", "not-found").unwrap().status, 404);
    let empty: Value = serde_json::from_slice(&with("GET", "/applies", "empty").unwrap().body).unwrap();
    assert_eq!(empty["items"], json!([]));
}

#[test]
fn papers_are_asked_for_after_it_was_taken_in_and_a_decision_waits() {
    let mock = cases();
    let with = |word: &str| {
        let (_, made) = said(
            &mock,
            "POST",
            &format!("/applies?_scenario={word}"),
            r#"{"title": "a"}"#,
        );
        let (_, read) = said(&mock, "GET", &format!("/applies/{}", made["id"]), "");
        (made["status"].clone(), read["data"]["status"].clone())
    };
    assert_eq!(with("need-docs%3Bn%3D2"), (json!("submitted"), json!("need_docs")));
    assert_eq!(with("pending"), (json!("in_review"), json!("in_review")));
    let by_query = mock.answer(&ask("GET", "/applies/3?_scenario=slow;ms=5", "")).unwrap();
    let mut by_header = ask("GET", "/applies/3", "");
    by_header
        .headers
        .push(("hub-scenario".to_owned(), "slow; ms=5".to_owned()));
    assert_eq!(mock.answer(&by_header).unwrap(), by_query);
    assert_eq!(by_query.delay_ms, 5);
    assert_eq!(
        ask("GET", "/a?x=1&_scenario=slow", "").scenario().as_deref(),
        Some("slow")
    );
}

#[test]
fn credentials_are_asked_for_but_not_judged() {
    let mock = cases().guarded();
    let keyed = |headers: &[(&str, &str)]| {
        let mut asked = ask("GET", "/keyed", "");
        asked
            .headers
            .extend(headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())));
        mock.answer(&asked)
    };
    let told = keyed(&[]).unwrap();
    assert_eq!((told.status, told.value), (401, Some(json!("who"))));
    let challenge = told.headers.iter().find(|(n, _)| n == "www-authenticate").unwrap();
    assert_eq!(
        challenge.1,
        "ApiKey realm=\"mock\", header=\"X-Key\", Basic realm=\"mock\""
    );
    for shown in [("x-key", "any"), ("Authorization", "basic YTpi")] {
        assert_eq!(keyed(&[shown]).unwrap().status, 200);
    }
    assert_eq!(keyed(&[("authorization", "Bearer x")]).unwrap().status, 401);
    let problem = mock.answer(&ask("POST", "/applies", r#"{"title": "a"}"#)).unwrap_err();
    assert_eq!(
        (problem.code, problem.place.as_deref()),
        (ProblemCode::TokenMissing, Some("header/Authorization"))
    );
    assert_eq!(problem.more["challenge"], "Bearer realm=\"mock\"");
    assert_eq!(mock.answer(&ask("GET", "/applies", "")).unwrap().status, 200);
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
        assert!(mock.answer(&ask).unwrap().status < 300, "{listed:?}");
    }
}

#[test]
fn forms_in_parts_are_checked() {
    let mock = cases();
    let send = |fields: &str| {
        let mut asked = ask("POST", "/applies", fields);
        asked.headers = vec![("Content-Type".to_owned(), "multipart/form-data; boundary=b".to_owned())];
        mock.answer(&asked)
    };
    let part =
        |name: &str, value: &str| format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    let told = send(&(part("title", "t") + "--b--\r\n")).unwrap();
    assert_eq!(told.value.unwrap()["title"], "t");
    let wrong = send(&(part("title", "much too long for it") + "--b--\r\n")).unwrap_err();
    assert_eq!(
        (wrong.code, wrong.place.as_deref()),
        (ProblemCode::ValidationFailed, Some("/title"))
    );
    assert_eq!(send("--b--").unwrap_err().place.as_deref(), Some("/title"));
    assert_eq!(send("nothing").unwrap_err().code, ProblemCode::BadRequest);
}

#[test]
fn what_waits_is_decided_when_the_clock_has_come_so_far() {
    let decides = CASES.replace("need_docs, in_review]", "need_docs, in_review, passed]");
    let mock = Mock::new(read("cases.yaml", decides.as_bytes()).unwrap(), 7)
        .unwrap()
        .remembering();
    let body = r#"{"title": "a"}"#;
    let id = |scenario: &str| {
        let (_, made) = said(&mock, "POST", &format!("/applies?_scenario={scenario}"), body);
        made["id"].clone()
    };
    let at = |id: &Value, now: Option<&str>| {
        let target = format!("/applies/{id}");
        let mut ask = ask("GET", &target, "");
        ask.room.now = now.map(|text| text.parse().unwrap());
        let told = mock.answer(&ask).unwrap();
        let read: Value = serde_json::from_slice(&told.body).unwrap();
        read["data"]["status"].clone()
    };
    let waits = id("pending;days=5");
    assert_eq!(at(&waits, None), "in_review");
    // Monday 9 March, five working days.
    assert_eq!(at(&waits, Some("2026-03-13T23:59:00+08:00")), "in_review");
    assert_eq!(at(&waits, Some("2026-03-16T00:00:00+08:00")), "passed");
    let lacks = id("need-docs;n=2");
    assert_eq!(
        at(&lacks, Some("2027-01-01T00:00:00Z")),
        "need_docs",
        "no time hands in a paper"
    );
}
