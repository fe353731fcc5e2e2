use super::*;
use serde_json::json;

/// A description with one operation that takes and answers some schemas.
fn api(request: &Value, response: &Value, components: &Value) -> Value {
    json!({
        "openapi": "3.1.0", "info": {"title": "t", "version": "1"},
        "paths": {"/things": {"post": {
            "operationId": "thing-add",
            "requestBody": {"required": true, "content": {"application/json": {"schema": request}}},
            "responses": {"200": {"description": "ok", "content": {"application/json": {"schema": response}}}},
        }}},
        "components": {"schemas": components},
    })
}

fn ids(old: &Value, new: &Value) -> Vec<String> {
    let report = diff(
        old,
        new,
        Options {
            today: Day::parse("2026-06-01"),
        },
    );
    report
        .changes
        .iter()
        .map(|c| format!("{} {}", words::severity(c.severity).en, c.id))
        .collect()
}

/// What becomes of a request and of an answer when a schema changes.
fn both_ways(old: &Value, new: &Value) -> (Vec<String>, Vec<String>) {
    let (nothing, none) = (json!({}), json!({}));
    (
        ids(&api(old, &nothing, &none), &api(new, &nothing, &none)),
        ids(&api(&nothing, old, &none), &api(&nothing, new, &none)),
    )
}

fn says(old: &Value, new: &Value, request: &[&str], response: &[&str]) {
    let (sent, received) = both_ways(old, new);
    assert_eq!(sent, request, "request: {old} -> {new}");
    assert_eq!(received, response, "response: {old} -> {new}");
}

#[test]
fn narrowing_breaks_what_is_sent_and_widening_what_is_received() {
    for (keyword, tight, loose) in [
        (
            "max-length",
            json!({"type": "string", "maxLength": 5}),
            json!({"type": "string", "maxLength": 6}),
        ),
        (
            "min-length",
            json!({"type": "string", "minLength": 5}),
            json!({"type": "string"}),
        ),
        (
            "pattern",
            json!({"type": "string", "pattern": "^a$"}),
            json!({"type": "string"}),
        ),
        (
            "minimum",
            json!({"type": "number", "exclusiveMinimum": 5}),
            json!({"type": "number", "minimum": 5}),
        ),
        (
            "maximum",
            json!({"type": "integer", "maximum": 5}),
            json!({"type": "integer", "maximum": 12_345_678_901_234_567_890_u64}),
        ),
        (
            "multiple-of",
            json!({"type": "integer", "multipleOf": 6}),
            json!({"type": "integer", "multipleOf": 3}),
        ),
        ("enum", json!({"enum": ["a"]}), json!({"enum": ["a", "b"]})),
        (
            "enum",
            json!({"type": "string", "const": "a"}),
            json!({"type": "string"}),
        ),
        ("type", json!({"type": "integer"}), json!({"type": "number"})),
        ("type", json!({"type": "string"}), json!({})),
        (
            "nullable",
            json!({"type": "string"}),
            json!({"type": ["string", "null"]}),
        ),
        (
            "nullable",
            json!({"type": "string"}),
            json!({"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ),
        (
            "format",
            json!({"type": "integer", "format": "int32"}),
            json!({"type": "integer", "format": "int64"}),
        ),
        (
            "unique-items",
            json!({"type": "array", "uniqueItems": true}),
            json!({"type": "array"}),
        ),
        (
            "items",
            json!({"type": "array", "prefixItems": [{}], "items": false}),
            json!({"type": "array", "prefixItems": [{}]}),
        ),
        (
            "contains",
            json!({"type": "array", "contains": {"const": 1}}),
            json!({"type": "array"}),
        ),
        (
            "additional-properties",
            json!({"type": "object", "additionalProperties": false}),
            json!({"type": "object"}),
        ),
        (
            "dependent-required",
            json!({"type": "object", "dependentRequired": {"a": ["b"]}}),
            json!({"type": "object"}),
        ),
        (
            "property-names",
            json!({"type": "object", "propertyNames": {"maxLength": 2}}),
            json!({"type": "object"}),
        ),
        (
            "if",
            json!({"if": {"required": ["a"]}, "then": {"required": ["b"]}}),
            json!({}),
        ),
        ("not", json!({"not": {"const": 1}}), json!({})),
        (
            "required",
            json!({"type": "object", "properties": {"a": {}}, "required": ["a"]}),
            json!({"type": "object", "properties": {"a": {}}}),
        ),
    ] {
        let id = |side: &str, effect: &str, severity: &str| vec![format!("{severity} {side}.{keyword}.{effect}")];
        assert_eq!(
            both_ways(&loose, &tight),
            (
                id("request-body", "narrowed", "breaking"),
                id("response-body", "narrowed", "safe")
            ),
            "{loose} -> {tight}"
        );
        assert_eq!(
            both_ways(&tight, &loose),
            (
                id("request-body", "widened", "safe"),
                id("response-body", "widened", "breaking")
            ),
            "{tight} -> {loose}"
        );
    }
}

#[test]
fn what_means_the_same_is_no_change() {
    let none = json!({});
    for (a, b) in [
        (
            json!({"type": "integer", "exclusiveMinimum": 4}),
            json!({"type": "integer", "minimum": 5}),
        ),
        (
            json!({"enum": ["a", "b"]}),
            json!({"type": "string", "enum": ["b", "a"]}),
        ),
        (json!({"const": 1}), json!({"enum": [1.0]})),
        (
            json!({"type": "string", "minLength": 0, "pattern": ".*"}),
            json!({"type": "string", "title": "t", "examples": ["x"]}),
        ),
        (
            json!({"anyOf": [{"type": "string"}, {"type": "null"}]}),
            json!({"type": ["null", "string"]}),
        ),
        (
            json!({"anyOf": [{"type": "string"}, {"type": "integer"}]}),
            json!({"anyOf": [{"type": "integer"}, {"type": "string"}]}),
        ),
        (
            json!({"type": "object", "additionalProperties": true, "required": []}),
            json!({"type": "object"}),
        ),
        (
            json!({"type": "string", "maxLength": 3, "allOf": [{"maxLength": 5}]}),
            json!({"type": "string", "maxLength": 3}),
        ),
        (
            json!({"allOf": [{"type": "object", "properties": {"a": {"type": "string"}}}, {"required": ["a"]}]}),
            json!({"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}),
        ),
    ] {
        assert!(
            unchanged(&api(&a, &a, &none), &api(&b, &b, &none)),
            "{a} -> {b}: {:?}",
            both_ways(&a, &b)
        );
    }
}

#[test]
fn renaming_inlining_and_wrapping_components_is_no_change() {
    let reference = json!({"$ref": "#/components/schemas/Tree"});
    let tree = json!({"Tree": {"type": "object", "properties": {
        "name": {"$ref": "#/components/schemas/Name"},
        "below": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}},
    }}, "Name": {"type": "string", "maxLength": 9}});
    let renamed = json!({"Node": {"properties": {
        "below": {"type": "array", "items": {"allOf": [{"$ref": "#/components/schemas/Node"}]}},
        "name": {"maxLength": 9, "type": "string", "description": "inlined"},
    }, "type": "object"}});
    let other = json!({"$ref": "#/components/schemas/Node"});
    let (old, new) = (api(&reference, &reference, &tree), api(&other, &other, &renamed));
    assert_eq!(ids(&old, &new), Vec::<String>::new());
    assert!(unchanged(&old, &new) && unchanged(&new, &old));
}

#[test]
fn a_change_of_a_component_is_one_change_with_all_its_operations() {
    let with = |length: u32| {
        let mut api = api(
            &json!({"$ref": "#/components/schemas/P"}),
            &json!({}),
            &json!({"P": {"type": "object", "properties": {
                "n": {"type": "string", "maxLength": length}, "p": {"$ref": "#/components/schemas/P"},
            }}}),
        );
        let again = api["paths"]["/things"]["post"].clone();
        api["paths"]["/others"] = json!({"put": again});
        api
    };
    let report = diff(&with(9), &with(8), Options::default());
    assert_eq!(report.changes.len(), 1, "{report:#?}");
    let change = &report.changes[0];
    assert_eq!(change.id, "request-body.max-length.narrowed");
    assert_eq!(
        change.place.old.as_deref(),
        Some("/components/schemas/P/properties/n/maxLength")
    );
    let operations: Vec<(&str, &str, &str)> = change
        .place
        .operations
        .iter()
        .map(|u| (u.operation.as_str(), u.at.as_str(), u.field.as_str()))
        .collect();
    assert_eq!(
        operations,
        [
            ("POST /things", "application/json n", "/n"),
            ("PUT /others", "application/json n", "/n")
        ]
    );
    assert_eq!((change.from.as_deref(), change.to.as_deref()), (Some("9"), Some("8")));
    assert_eq!(
        change.text.en,
        "The request body application/json n: maximum length narrowed from “9” to “8”."
    );
    assert_eq!(
        change.text.zh,
        "请求正文 application/json n：最大长度收紧，由“9”变为“8”。"
    );
    assert!(report.breaking());
}

#[test]
fn properties_come_and_go() {
    let with = |properties: Value, required: Value, more: Value| json!({"type": "object", "properties": properties, "required": required, "additionalProperties": more});
    let (a, ab) = (json!({"a": {}}), json!({"a": {}, "b": {"type": "string"}}));
    let (open, shut) = (json!(true), json!(false));
    let t = |v: &Value, r: &[&str], m: &Value| with(v.clone(), json!(r), m.clone());
    says(
        &t(&a, &[], &open),
        &t(&ab, &[], &open),
        &["safe request-body.property.added"],
        &["safe response-body.property.added"],
    );
    says(
        &t(&ab, &[], &open),
        &t(&a, &[], &open),
        &["risky request-body.property.removed"],
        &["risky response-body.property.removed"],
    );
    says(
        &t(&a, &[], &open),
        &t(&ab, &["b"], &open),
        &["breaking request-body.required-property.added"],
        &["safe response-body.required-property.added"],
    );
    says(
        &t(&ab, &["b"], &open),
        &t(&a, &[], &open),
        &["risky request-body.required-property.removed"],
        &["breaking response-body.required-property.removed"],
    );
    says(
        &t(&ab, &[], &shut),
        &t(&a, &[], &shut),
        &["breaking request-body.property.narrowed"],
        &["risky response-body.property.removed"],
    );
    says(
        &t(&a, &[], &shut),
        &t(&ab, &[], &shut),
        &["safe request-body.property.widened"],
        &["breaking response-body.property.widened"],
    );
    // What one part of an allOf shuts out, no other part lets in.
    let shut_out = json!({"allOf": [t(&a, &[], &shut), {"properties": {"b": {"type": "string"}}}]});
    says(
        &shut_out,
        &t(&ab, &[], &shut),
        &["safe request-body.schema.widened"],
        &["breaking response-body.schema.widened"],
    );
}

#[test]
fn read_only_and_write_only_count_in_their_direction() {
    let with =
        |flags: Value, required: Value| json!({"type": "object", "required": required, "properties": {"p": flags}});
    let plain = with(json!({"type": "string"}), json!([]));
    let read = with(json!({"type": "string", "readOnly": true}), json!([]));
    says(&plain, &read, &["breaking request-body.read-only.added"], &[]);
    says(&read, &plain, &["safe request-body.read-only.removed"], &[]);
    let needed = with(json!({"type": "string"}), json!(["p"]));
    says(
        &read,
        &needed,
        &[
            "breaking request-body.required.narrowed",
            "safe request-body.read-only.removed",
        ],
        &["safe response-body.required.narrowed"],
    );
    let write = with(json!({"type": "string", "writeOnly": true}), json!([]));
    says(&plain, &write, &[], &["risky response-body.write-only.added"]);
    says(&write, &plain, &[], &["breaking response-body.write-only.removed"]);
}

#[test]
fn alternatives_are_sets() {
    let one = |list: Value| json!({"oneOf": list});
    let (cat, dog) = (
        json!({"title": "cat", "type": "object", "properties": {"c": {"type": "string"}}, "required": ["c"]}),
        json!({"title": "dog", "type": "object", "properties": {"d": {"type": "string"}}, "required": ["d"]}),
    );
    says(
        &one(json!([cat])),
        &one(json!([dog, cat])),
        &["safe request-body.one-of.widened"],
        &["breaking response-body.one-of.widened"],
    );
    says(
        &one(json!([dog, cat])),
        &one(json!([cat])),
        &["breaking request-body.one-of.narrowed"],
        &["safe response-body.one-of.narrowed"],
    );
    says(
        &cat,
        &one(json!([dog, cat])),
        &["safe request-body.one-of.widened"],
        &["breaking response-body.one-of.widened"],
    );
    let more =
        json!({"title": "cat", "type": "object", "properties": {"c": {"type": "string"}, "e": {}}, "required": ["c"]});
    let (unnamed, grown) = (
        json!({"type": "object", "properties": {"c": {}}}),
        json!({"type": "object", "properties": {"c": {}, "e": {}}}),
    );
    says(
        &one(json!([cat, dog])),
        &one(json!([dog, more])),
        &["safe request-body.property.added"],
        &["safe response-body.property.added"],
    );
    says(
        &one(json!([unnamed, dog])),
        &one(json!([dog, grown])),
        &["safe request-body.property.added"],
        &["safe response-body.property.added"],
    );
    let text = json!({"anyOf": [{"type": "string"}, {"type": "integer"}]});
    says(
        &text,
        &json!({"type": "string"}),
        &["breaking request-body.any-of.narrowed"],
        &["safe response-body.any-of.narrowed"],
    );
    says(&text, &json!({"type": ["string", "integer"]}), &[], &[]);
}

fn operation(path: &str, method: &str, value: &Value) -> Value {
    json!({"openapi": "3.1.0", "paths": {path: {method: value}}})
}

#[test]
fn operations_parameters_and_answers_come_and_go() {
    let get = |value: Value| operation("/a/{id}", "get", &value);
    let empty = json!({"openapi": "3.1.0", "paths": {}});
    let plain = get(json!({}));
    assert_eq!(ids(&plain, &empty), ["breaking operation.operation.removed"]);
    assert_eq!(ids(&empty, &plain), ["safe operation.operation.added"]);
    assert_eq!(
        ids(&get(json!({"deprecated": true})), &empty),
        ["safe operation.retired-operation.removed"]
    );
    assert_eq!(
        ids(&get(json!({"deprecated": true, "x-sunset": "2026-05-31"})), &empty),
        ["safe operation.retired-operation.removed"]
    );
    assert_eq!(
        ids(&get(json!({"deprecated": true, "x-sunset": "2026-06-02"})), &empty),
        ["breaking operation.early-removal.removed"]
    );
    assert_eq!(
        ids(
            &get(json!({"deprecated": true, "x-sunset": "2026-09-02"})),
            &get(json!({"deprecated": true, "x-sunset": "2026-08-02"}))
        ),
        ["breaking operation.sunset.narrowed"]
    );
    let parameter = |v: Value| get(json!({"parameters": [v]}));
    let query = |required: bool| {
        parameter(json!({"name": "q", "in": "query", "required": required, "schema": {"type": "string"}}))
    };
    assert_eq!(ids(&plain, &query(false)), ["safe parameter.parameter.added"]);
    assert_eq!(
        ids(&plain, &query(true)),
        ["breaking parameter.required-parameter.added"]
    );
    assert_eq!(ids(&query(false), &plain), ["breaking parameter.parameter.removed"]);
    assert_eq!(
        ids(&query(false), &query(true)),
        ["breaking parameter.required.narrowed"]
    );
    let many = parameter(json!({"name": "q", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}}));
    assert_eq!(ids(&query(false), &many), ["safe parameter.list.widened"]);
    let answers = |list: &[&str]| {
        let all: serde_json::Map<String, Value> = list
            .iter()
            .map(|s| ((*s).to_owned(), json!({"description": "d"})))
            .collect();
        get(json!({"responses": all}))
    };
    assert_eq!(
        ids(&answers(&["200"]), &answers(&["201"])),
        ["breaking response.status.removed", "safe response.status.added"]
    );
    assert_eq!(
        ids(&answers(&["200", "404"]), &answers(&["2XX", "4XX"])),
        Vec::<String>::new()
    );
    assert_eq!(
        ids(&answers(&["200", "404"]), &answers(&["200"])),
        ["safe response.error-status.removed"]
    );
}

#[test]
fn names_of_path_parameters_and_their_place_are_no_change() {
    let one = json!({"paths": {"/a/{id}/b/{no}": {"get": {"parameters": [
        {"name": "no", "in": "path", "required": true, "schema": {"type": "integer"}},
        {"name": "id", "in": "path", "required": true, "schema": {"type": "string"}},
    ]}}}});
    let other = json!({"paths": {"/a/{case}/b/{page}": {
        "parameters": [{"$ref": "#/components/parameters/case"}],
        "get": {"parameters": [{"name": "page", "in": "path", "required": true, "schema": {"type": "integer"}}]},
    }}, "components": {"parameters": {"case": {"name": "case", "in": "path", "required": true, "schema": {"type": "string"}}}}});
    assert_eq!(ids(&one, &other), Vec::<String>::new());
}

#[test]
fn ways_in_are_compared_by_what_they_open() {
    let with = |security: Value, schemes: Value| json!({"paths": {"/a": {"get": {}}}, "security": security, "components": {"securitySchemes": schemes}});
    let key = json!({"type": "apiKey", "in": "header", "name": "X"});
    let flow =
        json!({"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "/t", "scopes": {"r": "", "w": ""}}}});
    let schemes = json!({"k": key, "o": flow});
    let t = |security: Value| with(security, schemes.clone());
    assert_eq!(
        ids(
            &t(json!([{"k": []}])),
            &with(json!([{"renamed": []}]), json!({"renamed": key, "o": flow}))
        ),
        Vec::<String>::new()
    );
    assert_eq!(
        ids(&t(json!([{"k": []}])), &t(json!([{"k": []}, {"o": ["r"]}]))),
        ["safe security.alternative.added"]
    );
    assert_eq!(
        ids(&t(json!([{"k": []}, {"o": ["r"]}])), &t(json!([{"k": []}]))),
        ["breaking security.alternative.removed"]
    );
    assert_eq!(
        ids(&t(json!([{"o": ["r"]}])), &t(json!([{"o": ["r", "w"]}]))),
        ["breaking security.scope.narrowed"]
    );
    assert_eq!(
        ids(&t(json!([{"o": ["r", "w"]}])), &t(json!([{"o": ["r"]}]))),
        ["safe security.scope.widened"]
    );
    assert_eq!(
        ids(&t(json!([])), &t(json!([{"k": []}]))),
        [
            "breaking security.alternative.removed",
            "safe security.alternative.added"
        ]
    );
    assert_eq!(
        ids(&t(json!([{"k": []}])), &t(json!([{}]))),
        ["safe security.alternative.added"]
    );
    let moved = json!({"k": {"type": "apiKey", "in": "query", "name": "X"}, "o": flow});
    assert_eq!(
        ids(&t(json!([{"k": []}])), &with(json!([{"k": []}]), moved)),
        ["breaking security.scheme.changed"]
    );
}

#[test]
fn events_flow_the_other_way() {
    let with = |schema: Value| {
        let body = json!({"content": {"application/json": {"schema": schema}}});
        json!({"paths": {"/a": {"post": {"callbacks": {"done": {"{$request.body#/url}": {"post": {"requestBody": body}}}}}}},
            "webhooks": {"news": {"post": {"requestBody": body}}}})
    };
    let (tight, loose) = (
        with(json!({"type": "string", "maxLength": 3})),
        with(json!({"type": "string"})),
    );
    assert_eq!(
        ids(&tight, &loose),
        ["breaking event.max-length.widened", "breaking event.max-length.widened"]
    );
    assert_eq!(
        ids(&loose, &tight),
        ["safe event.max-length.narrowed", "safe event.max-length.narrowed"]
    );
    let silent = json!({"paths": {"/a": {"post": {}}}});
    assert_eq!(
        ids(&tight, &silent),
        ["breaking event.callback.removed", "breaking event.webhook.removed"]
    );
}

#[test]
fn clients_that_used_what_breaks_are_named() {
    struct Index;
    impl Usage for Index {
        fn clients(&self, operation: &str, field: &str) -> Vec<Seen> {
            let seen = |client: &str, count| Seen {
                client: client.into(),
                last_used: "2026-05-01T00:00:00Z".into(),
                count,
            };
            match (operation, field) {
                ("thing-add", "/n") => vec![seen("app", 2), seen("bus", 7)],
                ("thing-add", "") => vec![seen("app", 2), seen("bus", 7), seen("car", 1)],
                _ => Vec::new(),
            }
        }
    }
    let with = |n: Value| {
        api(
            &json!({"type": "object", "properties": {"n": n, "m": {}}}),
            &json!({}),
            &json!({}),
        )
    };
    let mut report = diff(
        &with(json!({"type": "string"})),
        &with(json!({"type": "integer"})),
        Options::default(),
    );
    annotate(&mut report.changes, &Index);
    let clients: Vec<(&str, u64)> = report.changes[0]
        .clients
        .iter()
        .map(|c| (c.client.as_str(), c.count))
        .collect();
    assert_eq!(clients, [("bus", 7), ("app", 2)]);
    // What must be sent from now on concerns those who do not send it, and nobody sees what of an answer is read.
    let body = |required: Value, answer: Value| {
        let sent = json!({"type": "object", "properties": {"n": {"type": "string"}}, "required": required});
        api(&sent, &answer, &json!({}))
    };
    let (loose, tight) = (
        body(json!([]), json!({"type": "integer"})),
        body(json!(["n"]), json!({"type": "string"})),
    );
    let mut report = diff(&loose, &tight, Options::default());
    annotate(&mut report.changes, &Index);
    let told: Vec<(&str, usize)> = report
        .changes
        .iter()
        .map(|c| (c.id.as_str(), c.clients.len()))
        .collect();
    assert_eq!(
        told,
        [("request-body.required.narrowed", 3), ("response-body.type.changed", 3)]
    );
}

#[test]
fn unstable_operations_promise_nothing() {
    let get = |value: Value| operation("/a", "get", &value);
    let old = get(json!({"x-stability-level": "alpha", "parameters": [{"name": "q", "in": "query"}]}));
    assert_eq!(ids(&old, &get(json!({}))), ["risky parameter.parameter.removed"]);
}

#[test]
fn every_kind_has_an_id_of_its_own_and_both_languages() {
    let all: Vec<table::Kind> = table::kinds().collect();
    let distinct: std::collections::BTreeSet<String> = all.iter().map(table::Kind::id).collect();
    assert_eq!(distinct.len(), all.len());
    for kind in &all {
        for text in [
            words::name(kind),
            words::advice(kind),
            words::sentence(kind, "a", Some("1"), None),
        ] {
            assert!(
                !text.zh.is_empty() && !text.en.is_empty() && text.zh != text.en,
                "{}",
                kind.id()
            );
        }
        assert_eq!(table::kind(kind.area, kind.row.keyword, kind.effect), Some(*kind));
    }
}
