//! Lives of matters over hand-made contracts: one archetype each, plus a stranger's plain API.

use crate::MockEngine;
use crate::testing::{HandClock, Handmade, bound, engine, map, operation};
use hub_core::{Archetype, Effect, Example, Problem, ProblemCode};
use serde_json::{Value, json};
use std::sync::Arc;

const WANG: &str = "990101197805120177";
const LI: &str = "99010119800308026X";
const NOBODY_YET: &str = "990103200610150154";
const NOW: &str = "2026-11-20T10:00:00+08:00";

fn states(words: &[&str]) -> Value {
    json!({"type": "string", "enum": words})
}

fn case_contracts() -> Arc<Handmade> {
    let text = json!({"type": "string"});
    let number = json!({"type": "string", "pattern": "^[0-9A-Z-]{12,50}$"});
    let status = states(&[
        "submitted",
        "supplementing",
        "accepted",
        "processing",
        "approved",
        "rejected",
        "withdrawn",
    ]);
    let case = json!({"type": "object", "required": ["acceptance_no", "case_status"], "additionalProperties": false,
        "properties": {"acceptance_no": number, "case_status": status, "full_name": text,
            "promise_date": {"type": "string", "format": "date"}}});
    let by_number = json!({"type": "object", "properties": {"acceptance_no": number, "id_card_no": text}});
    let listed = json!({"type": "object", "required": ["case_list", "total_count"], "properties": {
        "case_list": {"type": "array", "items": case}, "total_count": {"type": "integer"}}});
    let paged = json!({"type": "object", "properties": {"id_card_no": text, "case_status": status,
        "page_num": {"type": "integer"}, "page_size": {"type": "integer"}}});
    let apply = json!({"type": "object", "properties": {"full_name": text, "id_card_no": text}});
    let mut get = bound(operation(
        "a.b.case-get",
        "GET",
        "/cases/{acceptance_no}",
        &by_number,
        &case,
    ));
    get.examples = vec![Example {
        name: "normal".into(),
        input: Some(map(&json!({"acceptance_no": "EXAMPLE-00001"}))),
        output: Some(json!({"acceptance_no": "EXAMPLE-00001", "case_status": "accepted"})),
    }];
    let mut withdraw = bound(operation(
        "a.b.case-withdraw",
        "POST",
        "/cases/{acceptance_no}/withdrawal",
        &by_number,
        &case,
    ));
    withdraw.effect = Effect::Repeatable;
    let supplement = bound(operation(
        "a.b.case-supplement",
        "POST",
        "/cases/{acceptance_no}/supplements",
        &by_number,
        &case,
    ));
    let made = Handmade::default()
        .with(
            "a.permit",
            Archetype::Application,
            vec![bound(operation("a.permit", "POST", "/permit", &apply, &case))],
        )
        .with(
            "",
            Archetype::Query,
            vec![
                get,
                withdraw,
                supplement,
                bound(operation("a.b.case-list", "GET", "/cases", &paged, &listed)),
            ],
        );
    Arc::new(made)
}

struct Town {
    contracts: Arc<Handmade>,
    engine: MockEngine,
    clock: Arc<HandClock>,
}

fn town(contracts: Arc<Handmade>) -> Town {
    let clock = HandClock::at(NOW);
    let engine = engine(&contracts, clock.clone());
    Town {
        contracts,
        engine,
        clock,
    }
}

impl Town {
    fn under(&self, scenario: &str, id: &str, input: &Value) -> Result<Value, Problem> {
        let controls = [("hub-scenario".to_owned(), scenario.to_owned())];
        let answer = self.engine.answer("w", &self.contracts.get(id), &map(input), &controls);
        answer.map(|a| a.body)
    }

    fn call(&self, id: &str, input: &Value) -> Result<Value, Problem> {
        self.under("ok", id, input)
    }
}

fn code(result: Result<Value, Problem>) -> ProblemCode {
    result.unwrap_err().code
}

#[test]
fn a_case_is_followed_supplemented_and_withdrawn_by_its_owner_alone() {
    let town = town(case_contracts());
    let made = town
        .call("a.permit", &json!({"full_name": "王建国", "id_card_no": WANG}))
        .unwrap();
    assert_eq!(made["case_status"], "submitted");
    assert_eq!(made["full_name"], "王建国");
    assert_eq!(made["promise_date"], "2026-11-25", "three working days over a weekend");
    let mine = json!({"acceptance_no": made["acceptance_no"], "id_card_no": WANG});
    let stranger = json!({"acceptance_no": made["acceptance_no"], "id_card_no": LI});
    assert_eq!(town.call("a.b.case-get", &mine).unwrap()["full_name"], "王建国");
    for id in ["a.b.case-get", "a.b.case-withdraw", "a.b.case-supplement"] {
        assert_eq!(code(town.call(id, &stranger)), ProblemCode::RecordNotFound, "{id}");
    }
    assert_eq!(
        town.call("a.b.case-supplement", &mine).unwrap()["case_status"],
        "processing"
    );
    let withdrawn = town.call("a.b.case-withdraw", &mine).unwrap();
    assert_eq!(withdrawn["case_status"], "withdrawn");
    assert_eq!(
        town.call("a.b.case-withdraw", &mine).unwrap(),
        withdrawn,
        "again changes nothing"
    );
    assert_eq!(
        code(town.call("a.b.case-supplement", &mine)),
        ProblemCode::BusinessRejected
    );
}

#[test]
fn the_clock_decides_a_case() {
    let town = town(case_contracts());
    let made = town.call("a.permit", &json!({"id_card_no": WANG})).unwrap();
    let mine = json!({"acceptance_no": made["acceptance_no"], "id_card_no": WANG});
    town.clock.set("2026-12-01T10:00:00+08:00");
    assert_eq!(town.call("a.b.case-get", &mine).unwrap()["case_status"], "approved");
    assert_eq!(
        code(town.call("a.b.case-withdraw", &mine)),
        ProblemCode::BusinessRejected
    );
}

#[test]
fn unknown_numbers_are_not_found_and_examples_are_known() {
    let town = town(case_contracts());
    let unknown = json!({"acceptance_no": "990101-000000-000001", "id_card_no": WANG});
    assert_eq!(code(town.call("a.b.case-get", &unknown)), ProblemCode::RecordNotFound);
    let example = json!({"acceptance_no": "EXAMPLE-00001", "id_card_no": WANG});
    assert_eq!(town.call("a.b.case-get", &example).unwrap()["case_status"], "accepted");
    assert_eq!(
        town.call("a.b.case-withdraw", &example).unwrap()["case_status"],
        "withdrawn"
    );
    assert_eq!(town.call("a.b.case-get", &example).unwrap()["case_status"], "withdrawn");
    let other = json!({"acceptance_no": "EXAMPLE-00001", "id_card_no": LI});
    assert_eq!(
        code(town.call("a.b.case-get", &other)),
        ProblemCode::RecordNotFound,
        "it is the first one's now"
    );
}

#[test]
fn a_list_holds_what_was_made_newest_first_filtered_and_paged() {
    let town = town(case_contracts());
    let nobody = json!({"id_card_no": NOBODY_YET});
    assert_eq!(town.call("a.b.case-list", &nobody).unwrap()["total_count"], 0);
    let first = town.call("a.permit", &nobody).unwrap();
    let second = town.call("a.permit", &nobody).unwrap();
    assert_ne!(first["acceptance_no"], second["acceptance_no"]);
    town.call(
        "a.b.case-withdraw",
        &json!({"acceptance_no": first["acceptance_no"], "id_card_no": NOBODY_YET}),
    )
    .unwrap();
    let all = town.call("a.b.case-list", &nobody).unwrap();
    assert_eq!(all["total_count"], 2);
    let filtered = json!({"id_card_no": NOBODY_YET, "case_status": "withdrawn"});
    let filtered = town.call("a.b.case-list", &filtered).unwrap();
    assert_eq!(filtered["case_list"][0]["acceptance_no"], first["acceptance_no"]);
    assert_eq!(filtered["total_count"], 1);
    let page = json!({"id_card_no": NOBODY_YET, "page_num": 2, "page_size": 1});
    let page = town.call("a.b.case-list", &page).unwrap();
    assert_eq!(page["case_list"].as_array().map(Vec::len), Some(1));
    assert_eq!(page["total_count"], 2);
}

#[test]
fn a_persona_with_a_past_can_open_every_case_of_it() {
    let town = town(case_contracts());
    let listed = town
        .call("a.b.case-list", &json!({"id_card_no": LI, "page_size": 100}))
        .unwrap();
    let cases = listed["case_list"].as_array().unwrap();
    assert_eq!(cases.len(), 12);
    for case in cases {
        let one = json!({"acceptance_no": case["acceptance_no"], "id_card_no": LI});
        assert_eq!(
            town.call("a.b.case-get", &one).unwrap()["case_status"],
            case["case_status"]
        );
        let other = json!({"acceptance_no": case["acceptance_no"], "id_card_no": WANG});
        assert_eq!(code(town.call("a.b.case-get", &other)), ProblemCode::RecordNotFound);
    }
}

#[test]
fn scenarios_twist_what_is_made() {
    let town = town(case_contracts());
    let apply = json!({"id_card_no": WANG});
    let made = town.under("need-docs; n=2", "a.permit", &apply).unwrap();
    assert_eq!(made["case_status"], "supplementing");
    let mine = json!({"acceptance_no": made["acceptance_no"], "id_card_no": WANG});
    assert_eq!(
        town.call("a.b.case-get", &mine).unwrap()["case_status"],
        "supplementing"
    );
    let supplement = || town.call("a.b.case-supplement", &mine).unwrap()["case_status"].clone();
    assert_eq!(supplement(), "supplementing", "one of two papers is still missing");
    assert_eq!(supplement(), "processing");
    let slow = town.under("pending; days=30", "a.permit", &apply).unwrap();
    assert_eq!(slow["promise_date"], "2027-01-04");
    assert_eq!(
        code(town.under("need-docs", "a.b.case-get", &mine)),
        ProblemCode::ScenarioUnknown
    );
    let minimal = town.under("minimal", "a.b.case-get", &mine).unwrap();
    assert!(minimal.get("full_name").is_none() || minimal["full_name"].is_string());
    let refused = town.under("no-such-word", "a.permit", &apply).unwrap_err();
    assert_eq!(refused.code, ProblemCode::ScenarioUnknown);
    assert!(
        refused.more["possible"]
            .as_array()
            .unwrap()
            .iter()
            .any(|w| w == "need-docs")
    );
}

#[test]
fn worlds_do_not_see_each_other() {
    let town = town(case_contracts());
    let made = town.call("a.permit", &json!({"id_card_no": WANG})).unwrap();
    let mine = map(&json!({"acceptance_no": made["acceptance_no"], "id_card_no": WANG}));
    let elsewhere = town
        .engine
        .answer("other", &town.contracts.get("a.b.case-get"), &mine, &[]);
    assert_eq!(elsewhere.unwrap_err().code, ProblemCode::RecordNotFound);
    town.engine.reset("w");
    assert_eq!(
        code(town.call("a.b.case-get", &Value::Object(mine))),
        ProblemCode::RecordNotFound
    );
}

fn pay_contracts() -> Arc<Handmade> {
    let text = json!({"type": "string"});
    let fen = json!({"type": "integer", "minimum": 0});
    let order = json!({"type": "object", "required": ["order_no", "pay_status"], "properties": {
        "order_no": text, "pay_amount_fen": fen, "pay_status": states(&["created", "paying", "paid", "closed"])}});
    let open = json!({"type": "object", "properties":
        {"account_no": text, "order_no": text, "pay_amount_fen": fen, "id_card_no": text}});
    let by_number = json!({"type": "object", "properties": {"order_no": text, "id_card_no": text}});
    let account = json!({"type": "object", "properties": {"account_no": text, "id_card_no": text}});
    let bill = json!({"type": "object", "required": ["payable_fen"], "properties": {"payable_fen": fen}});
    Arc::new(Handmade::default().with(
        "a.water",
        Archetype::Payment,
        vec![
            bound(operation("a.water.bill", "GET", "/water/bill", &account, &bill)),
            bound(operation("a.water.order", "POST", "/water/orders", &open, &order)),
            bound(operation(
                "a.water.order-get",
                "GET",
                "/water/orders/{order_no}",
                &by_number,
                &order,
            )),
        ],
    ))
}

#[test]
fn an_order_number_is_good_for_one_amount_and_the_bill_is_settled() {
    let town = town(pay_contracts());
    let bill = json!({"account_no": "7", "id_card_no": WANG});
    assert!(town.call("a.water.bill", &bill).unwrap()["payable_fen"].as_i64() > Some(0));
    let order = json!({"account_no": "7", "order_no": "ORDER-0001", "pay_amount_fen": 500, "id_card_no": WANG});
    let opened = town.call("a.water.order", &order).unwrap();
    assert_eq!(
        (&opened["pay_status"], &opened["order_no"]),
        (&json!("created"), &json!("ORDER-0001"))
    );
    assert_eq!(town.call("a.water.order", &order).unwrap(), opened);
    let mut dearer = order.clone();
    dearer["pay_amount_fen"] = json!(501);
    assert_eq!(code(town.call("a.water.order", &dearer)), ProblemCode::Conflict);
    let read = town
        .call(
            "a.water.order-get",
            &json!({"order_no": "ORDER-0001", "id_card_no": WANG}),
        )
        .unwrap();
    assert_eq!(
        (&read["pay_status"], &read["pay_amount_fen"]),
        (&json!("paid"), &json!(500))
    );
    assert_eq!(
        code(town.call(
            "a.water.order-get",
            &json!({"order_no": "ORDER-0001", "id_card_no": LI})
        )),
        ProblemCode::RecordNotFound
    );
    assert_eq!(town.call("a.water.bill", &bill).unwrap()["payable_fen"], 0);
    let mut theirs = order;
    theirs["id_card_no"] = json!(LI);
    assert_eq!(
        code(town.call("a.water.order", &theirs)),
        ProblemCode::Conflict,
        "the number is somebody's"
    );
}

fn booking_contracts() -> Arc<Handmade> {
    let text = json!({"type": "string"});
    let date = json!({"type": "string", "format": "date"});
    let status = states(&["reserved", "done", "cancelled"]);
    let slot = json!({"type": "object", "required": ["slot_id", "date", "remaining"], "properties": {
        "slot_id": text, "date": date, "time_slot": text, "remaining": {"type": "integer", "minimum": 0}}});
    let slots = json!({"type": "object", "required": ["slot_list"], "properties":
        {"slot_list": {"type": "array", "items": slot}}});
    let booking = json!({"type": "object", "required": ["booking_no", "booking_status"], "properties":
        {"booking_no": text, "booking_status": status, "date": date, "time_slot": text}});
    let book = json!({"type": "object", "properties": {"slot_id": text, "id_card_no": text}});
    let by_number = json!({"type": "object", "properties": {"booking_no": text, "id_card_no": text}});
    let none = json!({"type": "object", "properties": {}});
    let mut cancel = bound(operation(
        "a.gym.cancel",
        "POST",
        "/gym/{booking_no}/cancellation",
        &by_number,
        &booking,
    ));
    cancel.effect = Effect::Repeatable;
    Arc::new(Handmade::default().with(
        "a.gym",
        Archetype::Booking,
        vec![
            operation("a.gym.slots", "GET", "/gym/slots", &none, &slots),
            bound(operation("a.gym.book", "POST", "/gym", &book, &booking)),
            bound(operation("a.gym.get", "GET", "/gym/{booking_no}", &by_number, &booking)),
            cancel,
        ],
    ))
}

#[test]
fn booking_takes_a_place_and_cancelling_frees_it() {
    let town = town(booking_contracts());
    let left = || town.call("a.gym.slots", &json!({})).unwrap()["slot_list"][0].clone();
    let slot = left();
    let before = slot["remaining"].as_u64().unwrap();
    let book = json!({"slot_id": slot["slot_id"], "id_card_no": WANG});
    let made = town.call("a.gym.book", &book).unwrap();
    assert_eq!(
        (&made["booking_status"], &made["date"]),
        (&json!("reserved"), &slot["date"])
    );
    assert_eq!(left()["remaining"], before - 1);
    let mine = json!({"booking_no": made["booking_no"], "id_card_no": WANG});
    let cancelled = town.call("a.gym.cancel", &mine).unwrap();
    assert_eq!(cancelled["booking_status"], "cancelled");
    assert_eq!(town.call("a.gym.cancel", &mine).unwrap(), cancelled);
    assert_eq!(left()["remaining"], before);
    for _ in 0..before {
        town.call("a.gym.book", &book).unwrap();
    }
    assert_eq!(left()["remaining"], 0);
    assert_eq!(
        code(town.call("a.gym.book", &book)),
        ProblemCode::Conflict,
        "no place is left"
    );
}

#[test]
fn a_strangers_collection_is_created_read_updated_and_deleted() {
    let text = json!({"type": "string"});
    let thing = json!({"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}, "title": text}});
    let given = json!({"type": "object", "properties": {"title": text}});
    let named = json!({"type": "object", "properties": {"thing_id": text, "title": text}});
    let mut put = operation("a.put", "PUT", "/things/{thing_id}", &named, &thing);
    put.effect = Effect::Repeatable;
    let mut delete = operation("a.delete", "DELETE", "/things/{thing_id}", &named, &thing);
    delete.effect = Effect::Repeatable;
    let contracts = Handmade::default().with(
        "a.x",
        Archetype::Query,
        vec![
            operation("a.post", "POST", "/things", &given, &thing),
            operation("a.get", "GET", "/things/{thing_id}", &named, &thing),
            put,
            delete,
        ],
    );
    let town = town(Arc::new(contracts));
    let made = town.call("a.post", &json!({"title": "one"})).unwrap();
    let id = made["id"].to_string();
    assert_eq!(town.call("a.get", &json!({"thing_id": id})).unwrap(), made);
    town.call("a.put", &json!({"thing_id": id, "title": "two"})).unwrap();
    assert_eq!(town.call("a.get", &json!({"thing_id": id})).unwrap()["title"], "two");
    assert_eq!(
        code(town.call("a.get", &json!({"thing_id": "999999"}))),
        ProblemCode::RecordNotFound
    );
    town.call("a.delete", &json!({"thing_id": id})).unwrap();
    assert_eq!(
        code(town.call("a.get", &json!({"thing_id": id}))),
        ProblemCode::RecordNotFound
    );
}

#[test]
fn an_impossible_contract_is_a_problem_that_names_the_place() {
    let none = json!({"type": "object", "properties": {}});
    let impossible = json!({"type": "object", "required": ["n"], "properties":
        {"n": {"type": "integer", "minimum": 5, "maximum": 4}}});
    let contracts = Handmade::default().with(
        "a.x",
        Archetype::Query,
        vec![operation("a.x", "GET", "/x", &none, &impossible)],
    );
    let problem = town(Arc::new(contracts)).call("a.x", &json!({})).unwrap_err();
    assert_eq!(problem.code, ProblemCode::Internal);
    assert_eq!(problem.place.as_deref(), Some("response/n"));
}
