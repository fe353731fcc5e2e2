use super::*;
use hub_core::{Archetype, Assurance, DataLevel, Effect, Semantic, ShapeKind};
use serde_json::json;

const FIELDS: &str = r##"
full_name: {title: 姓名, x-hub-en: Full name, type: string, minLength: 1, maxLength: 50, x-hub-level: L2, x-hub-mask: keep_first=1, examples: [张三]}
id_card_no: {title: 居民身份证号码, x-hub-en: Resident ID number, type: string, format: id-card, minLength: 18, maxLength: 18, x-hub-level: L3, x-hub-mask: keep_first=3;keep_last=4, examples: [34052419800101001X]}
spouse_id_card_no: {$ref: "#/id_card_no", title: 配偶身份证号码, x-hub-en: Spouse ID number}
amount_fen: {title: 金额(分), x-hub-en: Amount (fen), type: integer, minimum: 0, maximum: 999999999999, x-hub-unit: fen, x-hub-level: L3, x-hub-level-when: {legal: L2, anonymous: L2}, x-hub-mask: bucket, examples: [120000]}
acceptance_no: {title: 受理编号, x-hub-en: Acceptance number, type: string, pattern: "^[0-9A-Z]{8,20}$", x-hub-level: L1, x-hub-handle: true, examples: [AB20260001]}
case_status:
  title: 办理状态
  x-hub-en: Case status
  type: string
  enum: [accepted, approved]
  x-hub-labels: {accepted: {zh: 已受理, en: Accepted}, approved: {zh: 已批准, en: Approved}}
  x-hub-level: L1
  examples: [accepted]
apply_date: {title: 申请日期, x-hub-en: Date, type: string, format: date, x-hub-level: L1, examples: ["2026-03-09"]}
material_list:
  title: 材料
  x-hub-en: Papers
  type: array
  maxItems: 3
  x-hub-level: L2
  examples: [[]]
  items:
    type: object
    required: [title]
    properties:
      title: {type: string, minLength: 1, maxLength: 20}
      owner: {$ref: "#/full_name"}
"##;

const SPEC: &str = r##"
openapi: 3.1.0
info: {title: 户籍系统, x-hub-en: Residence system, version: 2.3.0}
paths:
  /permits:
    post:
      operationId: psb.permit.submit
      summary: 申领居住证
      description: 提交申请
      x-hub-en: {summary: Apply for a residence permit, description: Submit}
      x-hub-service:
        id: psb.permit
        number: psb-0001
        name: {zh: 居住证申领, en: Residence permit application}
        aliases: [暂住证]
        domain: government
        themes: [n02]
        archetype: application
        event: newborn
        card: {who: {zh: 个人, en: Persons}, fee: {zh: 免费, en: Free}, legal_days: 15, promised_days: 3}
      x-hub-assurance: R2
      x-hub-audience: natural
      x-hub-effect: once
      x-hub-subject: {full_name: name, id_card_no: id_number}
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              required: [apply_date]
              properties:
                full_name: {$ref: "../fields.yaml#/full_name"}
                id_card_no: {$ref: "../fields.yaml#/id_card_no"}
                apply_date: {$ref: "../fields.yaml#/apply_date", description: 何日}
                material_list: {$ref: "../fields.yaml#/material_list"}
                contact: {$ref: "#/components/schemas/Contact"}
            examples:
              normal: {value: {full_name: 张三, apply_date: "2026-03-09"}}
      responses:
        "200":
          description: 受理
          content:
            application/json:
              schema:
                type: object
                required: [acceptance_no]
                properties:
                  acceptance_no: {$ref: "../fields.yaml#/acceptance_no"}
                  spouse_id_card_no: {$ref: "../fields.yaml#/spouse_id_card_no"}
              examples:
                normal: {value: {acceptance_no: AB20260001}}
  /permits/{acceptance_no}:
    parameters:
      - {name: acceptance_no, in: path, required: true, schema: {$ref: "../fields.yaml#/acceptance_no"}}
    get:
      operationId: psb.permit.get
      summary: 查询进度
      x-hub-en: {summary: Follow}
      x-hub-service: psb.permit
      x-hub-assurance: R3
      x-hub-subject: {id_card_no: id_number}
      responses:
        "200":
          description: 进度
          content:
            application/json:
              schema: {type: object, required: [case_status], properties: {case_status: {$ref: "../fields.yaml#/case_status"}}}
              examples: {normal: {value: {case_status: accepted}}}
  /permits/fee:
    get:
      operationId: psb.hukou.fee
      summary: 费用
      x-hub-en: {summary: Fee}
      x-hub-assurance: R0
      x-hub-cache: 60
      parameters:
        - {name: days, in: query, required: true, schema: {type: integer, minimum: 1, maximum: 10}}
      responses:
        "200":
          description: 费用
          content:
            application/json:
              schema: {type: object, required: [amount_fen], properties: {amount_fen: {$ref: "../fields.yaml#/amount_fen"}}}
              examples: {normal: {value: {amount_fen: 100}}}
components:
  schemas:
    Contact:
      type: object
      required: [mobile]
      additionalProperties: false
      properties: {mobile: {title: 手机, x-hub-en: Mobile, type: string, format: mobile, x-hub-level: L2, x-hub-mask: keep_last=4}}
"##;

const STRANGER: &str = r##"{
  "openapi": "3.0.3",
  "info": {"title": "Pets", "version": "1.4"},
  "paths": {
    "/pets/{id}": {
      "put": {
        "operationId": "putPet",
        "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "integer"}}],
        "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}}},
        "responses": {"204": {"description": "done"}}
      },
      "get": {
        "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "integer"}}],
        "responses": {"200": {"description": "a pet", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Pet"}}}}}
      }
    },
    "/pets": {
      "post": {
        "operationId": "list",
        "requestBody": {"required": true, "content": {"application/json": {"schema": {"type": "array", "items": {"type": "integer"}}}}},
        "responses": {"default": {"description": "all", "content": {"application/json": {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/Pet"}}}}}}
      }
    }
  },
  "components": {"schemas": {"Pet": {
    "type": "object", "required": ["name"],
    "properties": {"id": {"type": "integer"}, "name": {"type": "string", "nullable": true, "example": "Rex"},
      "age": {"type": "number", "minimum": 0, "exclusiveMinimum": true}, "mother": {"$ref": "#/components/schemas/Pet"}}
  }}}
}"##;

fn document(name: &str, text: &str) -> Document {
    Document::parse(name, text.as_bytes()).unwrap()
}

pub(crate) fn city() -> Catalog {
    let documents = vec![
        document("fields.yaml", FIELDS),
        document(
            "themes.yaml",
            "n02: {zh: 户籍, en: Residence, scheme: natural, sort: 2}\nn01: {zh: 生育, en: Birth, scheme: natural, sort: 1}\n",
        ),
        document("events.yaml", "newborn: {zh: 新生儿出生, en: A child is born}\n"),
        document(
            "psb/agency.yaml",
            "code: psb\nname: {zh: 市公安局, en: Public Security}\nshort: {zh: 公安, en: Police}\ndomain: government\nkind: bureau\n",
        ),
        document("psb/hukou.yaml", SPEC),
        document("zoo/pets.json", STRANGER),
    ];
    Catalog::from_documents(documents).unwrap_or_else(|f| panic!("{f:#?}"))
}

fn found(catalog: &Catalog, method: &str, path: &str) -> (String, Vec<(String, String)>) {
    match catalog.resolve(method, path) {
        Resolution::Found { operation, parameters } => (operation.id.to_string(), parameters),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_contract_becomes_operations_and_services() {
    let catalog = city();
    assert_eq!(
        catalog.counts(),
        Counts {
            agencies: 2,
            systems: 2,
            services: 4,
            operations: 6
        }
    );
    let submit = catalog.operation("psb.permit.submit").unwrap();
    assert_eq!(submit.key(), "permit.submit");
    assert_eq!(submit.public_path(), "/psb/hukou/v2/permits");
    assert_eq!(
        (submit.level, submit.effect, submit.assurance),
        (DataLevel::L3, Effect::Once, Assurance::R2)
    );
    let names: Vec<_> = submit
        .input
        .children
        .iter()
        .map(|c| (c.name.as_ref(), c.required))
        .collect();
    assert_eq!(
        names,
        [
            ("full_name", true),
            ("id_card_no", true),
            ("apply_date", true),
            ("material_list", false),
            ("contact", false)
        ]
    );
    assert_eq!(submit.input.child("apply_date").unwrap().semantic, Semantic::Date);
    let papers = submit.input.child("material_list").unwrap();
    assert_eq!(
        papers.item.as_ref().unwrap().child("owner").unwrap().field.as_deref(),
        Some("full_name")
    );
    let spouse = submit.output.child("spouse_id_card_no").unwrap();
    assert_eq!(
        (spouse.level, spouse.field.as_deref()),
        (DataLevel::L3, Some("spouse_id_card_no"))
    );
    assert_eq!(spouse.schema["title"], "配偶身份证号码");
    assert_eq!(
        submit.examples[0].input,
        json!({"apply_date": "2026-03-09"}).as_object().cloned()
    );
    assert_eq!(submit.examples[0].output, Some(json!({"acceptance_no": "AB20260001"})));

    let service = catalog.service("psb-0001").unwrap();
    assert_eq!(service.id, "psb.permit");
    assert_eq!(service.operations, ["psb.permit.submit", "psb.permit.get"]);
    assert_eq!((service.assurance, service.level), (Assurance::R3, DataLevel::L3));
    assert_eq!(service.event.as_ref().unwrap().en, "A child is born");
    let fee = catalog.operation("psb.hukou.fee").unwrap();
    assert_eq!(
        (fee.level, fee.service.as_deref(), fee.key()),
        (DataLevel::L2, None, "fee")
    );
    assert!(catalog.is_handle("acceptance_no") && !catalog.is_handle("full_name"));
    assert_eq!(catalog.themes()[0].code, "n01");
    assert_eq!(catalog.operations_of(&SystemId::new("psb", "hukou")).count(), 3);
    assert_eq!(catalog.notes().len(), 1, "{:?}", catalog.notes());
    assert_eq!(catalog.notes()[0].code, "cache-without-effect");
}

#[test]
fn a_bound_field_of_a_get_is_implicit_input() {
    let catalog = city();
    let get = catalog.operation("psb.permit.get").unwrap();
    let bound = get.input.child("id_card_no").unwrap();
    assert!(bound.required && get.is_bound("id_card_no") && get.request.is_none());
    let check = |input: Value| catalog.check_input(get, input.as_object().unwrap());
    assert_eq!(check(json!({"acceptance_no": "AB20260001"})), Ok(()));
    let wrong = check(json!({"acceptance_no": "AB20260001", "id_card_no": "340524198001010010"})).unwrap_err();
    assert_eq!(
        (wrong[0].place.as_str(), wrong[0].keyword.as_str()),
        ("/id_card_no", "format")
    );
}

#[test]
fn a_strangers_document_loads_with_defaults() {
    let catalog = city();
    let put = catalog.operation("zoo.pets.putPet").unwrap();
    assert_eq!(
        (put.assurance, put.effect, put.status),
        (Assurance::R2, Effect::Repeatable, 204)
    );
    assert_eq!(put.level, DataLevel::L2);
    let service = catalog.service("zoo.pets.putPet").unwrap();
    assert_eq!(
        (service.archetype, service.domain.as_str()),
        (Archetype::Application, "government")
    );
    assert_eq!(catalog.agency("zoo").unwrap().name.en, "zoo");
    let get = catalog.operation("zoo.pets.get-pets-id").unwrap();
    assert_eq!(get.public_path(), "/zoo/pets/v1/pets/{id}");
    let name = get.output.child("name").unwrap();
    assert!(name.nullable && name.required);
    assert_eq!(get.output.child("mother").unwrap().kind, ShapeKind::Any);
    let reference = get.response.as_ref().unwrap()["$ref"].as_str().unwrap();
    assert_eq!(reference, "#/components/schemas/zoo.pets.Pet");
    assert!(catalog.component(&get.system, reference).is_some());

    assert_eq!(
        catalog.check_output(get, &json!({"name": null, "age": 1, "mother": {"name": "a"}})),
        Ok(())
    );
    let violations = catalog
        .check_output(get, &json!({"age": 0, "mother": {"mother": {}}}))
        .unwrap_err();
    let places: Vec<_> = violations.iter().map(|v| v.place.as_str()).collect();
    assert_eq!(places, ["/name", "/age", "/mother/name", "/mother/mother/name"]);
    // The body is optional, `id` stands in the path and in the body.
    assert_eq!(catalog.check_input(put, json!({"id": 1}).as_object().unwrap()), Ok(()));
    let bad = catalog
        .check_input(put, json!({"id": "x", "name": "a"}).as_object().unwrap())
        .unwrap_err();
    assert_eq!(bad[0].place, "parameter/id");
    let list = catalog.operation("zoo.pets.list").unwrap();
    assert_eq!(
        catalog.check_input(list, json!({BODY_FIELD: [1]}).as_object().unwrap()),
        Ok(())
    );
    let bad = catalog
        .check_input(list, json!({BODY_FIELD: ["a"]}).as_object().unwrap())
        .unwrap_err();
    assert_eq!(bad[0].place, "/0");
    assert_eq!(
        catalog.check_input(list, &Map::new()).unwrap_err()[0].keyword,
        "required"
    );
}

#[test]
fn others_stand_beside_the_folder_and_leave_it_as_it_is() {
    let folder = city();
    let more = folder.beside(vec![document("ant/hill.json", STRANGER)]).unwrap();
    let (few, many) = (folder.counts(), more.counts());
    assert_eq!(
        (many.agencies, many.systems, many.operations),
        (few.agencies + 1, few.systems + 1, few.operations + 3)
    );
    let ids = more.systems().iter().map(|s| s.id.to_string()).collect::<Vec<_>>();
    assert_eq!(ids, ["ant/hill", "psb/hukou", "zoo/pets"]);
    assert!(more.operations()[0].id.starts_with("ant.hill."), "in order of systems");
    let same = |id: &str| Arc::ptr_eq(folder.operation(id).unwrap(), more.operation(id).unwrap());
    assert!(same("zoo.pets.putPet"), "nothing was read again");
    assert_eq!(found(&more, "GET", "/ant/hill/v1/pets/7").0, "ant.hill.get-pets-id");
    assert!(
        more.stands_in_folder(&SystemId::new("zoo", "pets")) && !more.stands_in_folder(&SystemId::new("ant", "hill"))
    );
    // What stood beside it before is gone, all of it.
    let others = more.beside(vec![document("bee/hive.json", STRANGER)]).unwrap();
    assert!(others.operation("ant.hill.putPet").is_none() && others.agency("ant").is_none());
    assert_eq!(more.beside(Vec::new()).unwrap().counts(), few);
    let taken = folder.beside(vec![document("zoo/pets.json", STRANGER)]).unwrap_err();
    assert!(
        taken
            .iter()
            .any(|f| f.code == "duplicate" && f.message.en.contains("zoo/pets")),
        "{taken:#?}"
    );
}

#[test]
fn violations_say_what_was_expected_and_leak_nothing() {
    let catalog = city();
    let submit = catalog.operation("psb.permit.submit").unwrap();
    let check = |input: Value| catalog.check_input(submit, input.as_object().unwrap());
    assert_eq!(check(json!({"apply_date": "2026-03-09"})), Ok(()));
    let violations = check(json!({
        "id_card_no": "340524198001010010",
        "full_name": "",
        "applydate": "2026-03-09",
        "material_list": [{"title": "a", "owner": 5}, {"owner": "李四"}, {"title": "b"}, {"title": "c"}],
        "contact": {"mobile": "12345678901", "fax": "1"},
    }))
    .unwrap_err();
    let lines: Vec<_> = violations
        .iter()
        .map(|v| {
            format!(
                "{} {} | {} | {} | {}",
                v.place, v.keyword, v.expected.zh, v.expected.en, v.got
            )
        })
        .collect();
    let expected = [
        "/id_card_no format | 18 位居民身份证号码，出生日期和校验码正确 | an 18-character resident ID number with a real birth date and the right check character | 340***********0010",
        "/full_name minLength | 不能为空 | at least one character | ***",
        "/applydate additionalProperties | 没有此字段，相近的有 apply_date | no such field; near are apply_date | string",
        "/apply_date required | 必填：申请日期（apply_date） | Date (apply_date), which is required | nothing",
        "/material_list maxItems | 最多 3 项 | at most 3 items | 4 items",
        "/material_list/0/owner type | 文字 | a string | number",
        "/material_list/1/title required | 必填：title | title, which is required | nothing",
        "/contact/mobile format | 11 位中国大陆手机号码 | an 11-digit mobile number of mainland China | *******8901",
        "/contact/fax additionalProperties | 合同中没有此字段 | no such field | string",
    ];
    assert_eq!(lines, expected);
    let status = catalog.operation("psb.permit.get").unwrap();
    let wrong = catalog
        .check_output(status, &json!({"case_status": "gone"}))
        .unwrap_err();
    assert_eq!(wrong[0].expected.en, "one of accepted (Accepted), approved (Approved)");
    assert_eq!(wrong[0].got, "gone");
}

#[test]
fn paths_resolve_fixed_before_open_and_say_what_is_near() {
    let catalog = city();
    assert_eq!(found(&catalog, "GET", "/psb/hukou/v2/permits/fee").0, "psb.hukou.fee");
    let (id, parameters) = found(&catalog, "GET", "/psb/hukou/v2/permits/AB%2F%E4%B8%AD");
    assert_eq!(id, "psb.permit.get");
    assert_eq!(parameters, [("acceptance_no".to_owned(), "AB/中".to_owned())]);
    assert_eq!(found(&catalog, "HEAD", "/psb/hukou/v2/permits/1").0, "psb.permit.get");
    match catalog.resolve("DELETE", "/zoo/pets/v1/pets/3") {
        Resolution::WrongMethod { allow } => assert_eq!(allow, ["GET", "PUT"]),
        other => panic!("{other:?}"),
    }
    for (path, near) in [
        ("/psb/hukou/v2/permit", "/psb/hukou/v2/permits"),
        ("/psb/hukuo/v2/permits", "/psb/hukou/v2"),
        ("/psb/hukou/v2/permits/", "/psb/hukou/v2/permits"),
    ] {
        match catalog.resolve("GET", path) {
            Resolution::Unknown { near: found } => assert!(found.iter().any(|n| n == near), "{path} {found:?}"),
            other => panic!("{path} {other:?}"),
        }
    }
    for path in ["", "x", "/", "/psb/hukou/v2/permits/%ZZ", "/psb/hukou/v2/permits/%FF"] {
        assert!(
            matches!(catalog.resolve("GET", path), Resolution::Unknown { .. }),
            "{path}"
        );
    }
}

#[test]
fn an_empty_folder_is_an_empty_catalog() {
    let catalog = Catalog::load(Path::new("/nowhere/at/all")).unwrap();
    assert_eq!(catalog.counts(), Counts::default());
    assert!(matches!(catalog.resolve("GET", "/a/b/v1"), Resolution::Unknown { .. }));
}

/// Each broken document and what is said about it.
#[test]
fn every_mistake_is_found_where_it_is() {
    let swap = |from: &str, to: &str| SPEC.replacen(from, to, 1);
    for (name, text, code, near) in [
        (
            "psb/hukou.yaml",
            swap(
                "#/full_name\"}\n                id_card",
                "#/fullname\"}\n                id_card",
            ),
            "unresolved-reference",
            "full_name",
        ),
        (
            "psb/hukou.yaml",
            swap("../fields.yaml#/apply_date", "http://x.org/a.json"),
            "outside-reference",
            "",
        ),
        (
            "psb/hukou.yaml",
            swap("schemas/Contact\"", "schemas/Contakt\""),
            "unresolved-reference",
            "#/components/schemas/Contact",
        ),
        (
            "psb/hukou.yaml",
            swap("legal_days: 15", "legal_day: 15"),
            "unknown-key",
            "legal_days",
        ),
        (
            "psb/hukou.yaml",
            swap("x-hub-effect: once", "x-hub-efect: once"),
            "unknown-extension",
            "x-hub-effect",
        ),
        (
            "psb/hukou.yaml",
            swap("x-hub-effect: once", "x-hub-effect: twice"),
            "bad-extension",
            "",
        ),
        (
            "psb/hukou.yaml",
            swap("fee: {zh: 免费, en: Free}", "fee: {zh: 免费}"),
            "bad-extension",
            "",
        ),
        (
            "psb/hukou.yaml",
            swap("themes: [n02]", "themes: [n2]"),
            "unknown-theme",
            "n02",
        ),
        (
            "psb/hukou.yaml",
            swap("event: newborn", "event: newborns"),
            "unknown-event",
            "newborn",
        ),
        (
            "psb/hukou.yaml",
            swap("x-hub-service: psb.permit\n", "x-hub-service: psb.permits\n"),
            "unknown-service",
            "psb.permit",
        ),
        (
            "psb/hukou.yaml",
            swap("required: [apply_date]", "required: [apply_date, full_name]"),
            "bound-required",
            "",
        ),
        (
            "psb/hukou.yaml",
            swap("full_name: name", "fullname: name"),
            "unknown-bound-field",
            "full_name",
        ),
        (
            "psb/hukou.yaml",
            swap("x-hub-assurance: R3", "x-hub-assurance: R0"),
            "anonymous-level",
            "",
        ),
        (
            "psb/hukou.yaml",
            swap(
                "schema: {type: integer, minimum: 1, maximum: 10}",
                "schema: {$ref: \"../fields.yaml#/id_card_no\"}",
            ),
            "level-in-address",
            "",
        ),
        (
            "psb/hukou.yaml",
            swap(
                "$ref: \"../fields.yaml#/id_card_no\"",
                "$ref: \"../fields.yaml#/id_card_no\", x-hub-level: L1",
            ),
            "level-lowered",
            "",
        ),
        (
            "psb/hukou.yaml",
            swap("in: path, required", "in: quary, required"),
            "bad-parameter",
            "query",
        ),
        (
            "psb/hukou.yaml",
            swap("name: acceptance_no, in", "name: acceptanc_no, in"),
            "missing-path-parameter",
            "acceptanc_no",
        ),
        (
            "psb/hukou.yaml",
            swap("operationId: psb.permit.get", "operationId: psb.permit.submit"),
            "duplicate",
            "",
        ),
        (
            "psb/hukou.yaml",
            swap("/permits/fee:", "/permits/{x}:"),
            "duplicate",
            "",
        ),
        (
            "psb/hukou.yaml",
            swap("    post:", "    poste:"),
            "unknown-method",
            "post",
        ),
        (
            "psb/hukou.yaml",
            swap("openapi: 3.1.0", "swagger: \"2.0\""),
            "not-openapi",
            "",
        ),
        ("hukou.yaml", SPEC.to_owned(), "bad-file-name", ""),
        (
            "psb/agency.yaml",
            "code: mca\nname: {zh: 市民政局, en: Civil Affairs}\n".to_owned(),
            "agency-code-mismatch",
            "",
        ),
    ] {
        let documents = vec![
            document("fields.yaml", FIELDS),
            document("themes.yaml", "n02: {zh: 户籍, en: Residence}\n"),
            document("events.yaml", "newborn: {zh: 新生儿出生, en: A child is born}\n"),
            document(name, &text),
        ];
        let findings = Catalog::from_documents(documents).unwrap_err();
        let finding = findings
            .iter()
            .find(|f| f.code == code)
            .unwrap_or_else(|| panic!("{code}: {findings:#?}"));
        assert!(
            finding.line > 0 && finding.column > 0 && finding.file == name,
            "{finding:?}"
        );
        assert!(
            near.is_empty() || finding.near.iter().any(|n| n == near),
            "{code}: {finding:?}"
        );
        assert!(finding.message.zh.chars().any(|c| c > '\u{2E80}'), "{finding:?}");
    }
}
