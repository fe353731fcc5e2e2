use crate::catalog::tests::city;
use crate::{OpenApiVersion, Selection};
use serde_json::Value;

fn document(selection: &Selection, version: OpenApiVersion) -> Value {
    city().openapi(selection, version, "http://hub.test").as_ref().clone()
}

#[test]
fn everything_is_in_the_whole_document() {
    let doc = document(&Selection::default(), OpenApiVersion::V31);
    assert_eq!(doc["servers"][1]["url"], "http://hub.test/sandbox");
    let submit = &doc["paths"]["/psb/hukou/v2/permits"]["post"];
    assert_eq!(submit["operationId"], "psb.permit.submit");
    assert_eq!(submit["x-hub-level"], "L3");
    assert_eq!(
        submit["responses"]["422"]["$ref"],
        "#/components/responses/ValidationFailed"
    );
    assert_eq!(
        submit["parameters"][1]["$ref"],
        "#/components/parameters/Idempotency-Key"
    );
    assert_eq!(
        submit["requestBody"]["content"]["application/json"]["examples"]["normal"]["value"]["apply_date"],
        "2026-03-09"
    );
    let get = &doc["paths"]["/psb/hukou/v2/permits/{acceptance_no}"]["get"];
    assert_eq!(
        get["parameters"][0]["schema"]["$ref"],
        "#/components/schemas/acceptance_no"
    );
    assert_eq!(get["security"][0]["subjectToken"], serde_json::json!([]));
    assert_eq!(doc["tags"][0]["name"], "psb");
    // Nothing is referred to that is not there, nothing is there that is not referred to.
    let mut names = Vec::new();
    crate::check::references(&doc, &mut names);
    let schemas = doc["components"]["schemas"].as_object().unwrap();
    for name in &names {
        assert!(schemas.contains_key(name), "{name}");
    }
    for name in schemas.keys() {
        assert!(names.contains(name), "{name}");
    }
}

#[test]
fn anonymous_answers_take_the_masked_form() {
    let doc = document(&Selection::default(), OpenApiVersion::V31);
    let fee = &doc["paths"]["/psb/hukou/v2/permits/fee"]["get"]["responses"]["200"];
    let property = &fee["content"]["application/json"]["schema"]["properties"]["amount_fen"];
    assert_eq!(property["$ref"], "#/components/schemas/amount_fen.masked");
    let widened = &doc["components"]["schemas"]["amount_fen.masked"]["anyOf"];
    assert_eq!(widened[0]["$ref"], "#/components/schemas/amount_fen");
    assert_eq!(widened[1]["type"], "string");
}

#[test]
fn selections_filter() {
    let paths = |selection: Selection| {
        let doc = document(&selection, OpenApiVersion::V31);
        doc["paths"].as_object().unwrap().len()
    };
    let by = |key: &str, value: &str| {
        let value = Some(value.to_owned());
        match key {
            "agency" => Selection {
                agency: value,
                ..Selection::default()
            },
            "domain" => Selection {
                domain: value,
                ..Selection::default()
            },
            "theme" => Selection {
                theme: value,
                ..Selection::default()
            },
            _ => Selection {
                service: value,
                ..Selection::default()
            },
        }
    };
    assert_eq!(paths(by("agency", "zoo")), 2);
    assert_eq!(paths(by("agency", "nobody")), 0);
    assert_eq!(paths(by("domain", "government")), 5);
    assert_eq!(paths(by("theme", "n02")), 2);
    // The service's two paths and what its system's services share.
    assert_eq!(paths(by("service", "psb-0001")), 3);
}

#[test]
fn the_30_side_is_read_and_written_by_the_typed_model() {
    let doc = document(&Selection::default(), OpenApiVersion::V30);
    assert_eq!(doc["openapi"], "3.0.3");
    let typed = super::down::typed(&doc).expect("openapiv3 reads it");
    assert_eq!(typed, doc);
    let pet = &doc["components"]["schemas"]["zoo.pets.Pet"]["properties"];
    assert_eq!(pet["name"]["nullable"], true);
    assert_eq!(pet["age"]["exclusiveMinimum"], true);
    assert_eq!(doc["paths"].as_object().unwrap().len(), 5);
    let submit = &doc["paths"]["/psb/hukou/v2/permits"]["post"];
    assert_eq!(submit["x-hub-effect"], "once");
    assert!(submit["responses"]["200"]["content"]["application/json"]["examples"]["normal"]["value"].is_object());
}
