//! Public standards: answers as third parties' servers give them, to the letter, through the reference city's manifests; and
//! what is sent to them.

use crate::city::now;
use hub_catalog::Catalog;
use hub_connectors::{Connector, ConnectorError, Context, NoFiles, Step};
use hub_core::ports::Call;
use hub_core::{RawRequest, RawResponse, SystemId};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

type City = (Catalog, BTreeMap<SystemId, Arc<Connector>>);

static CITY: LazyLock<City> = LazyLock::new(|| {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let catalog = Catalog::load(&root.join("../specs")).unwrap_or_else(|f| panic!("{}", f[0]));
    let (connectors, _) = hub_connectors::load_folder(&root, &catalog);
    (catalog, connectors)
});

/// A literal answer: status, headers, body.
fn answer(status: u16, headers: &[(&str, &str)], body: &[u8]) -> RawResponse {
    RawResponse {
        status,
        headers: headers
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect(),
        body: body.to_vec(),
    }
}

fn json_answer(body: &str) -> RawResponse {
    answer(200, &[("Content-Type", "application/json")], body.as_bytes())
}

/// A call of an operation, with these answers one after the other. Gives the answer and what was sent.
fn call(id: &str, input: &Value, answers: Vec<RawResponse>) -> (Result<Value, ConnectorError>, Vec<RawRequest>) {
    let (catalog, connectors) = &*CITY;
    let operation = catalog.operations().iter().find(|o| &*o.id == id).unwrap();
    let connector = &connectors[&operation.system];
    let secrets: BTreeMap<String, String> = connector
        .secrets()
        .iter()
        .map(|n| (n.clone(), format!("{n}-value")))
        .collect();
    let context = Context {
        now: now(),
        random: [1; 32],
        secrets: &secrets,
        session: None,
        files: &NoFiles,
    };
    let call = Call {
        operation: Arc::clone(operation),
        input: input.as_object().cloned().unwrap(),
        subject: None,
        pairwise: Some("pw".into()),
        agent: None,
        submission: Some("s".into()),
        request_id: "r".into(),
        controls: Vec::new(),
        deadline_ms: 1_000,
    };
    let mut sent = Vec::new();
    let mut answers = answers.into_iter();
    let mut step = connector.begin(&call, &context);
    loop {
        match step {
            Err(error) => return (Err(error), sent),
            Ok(Step::Done { answer, .. }) => {
                assert_eq!(answers.next(), None, "an answer that nobody asked for");
                return (Ok(answer.body), sent);
            }
            Ok(Step::Send { request, dialogue, .. }) => {
                let request = request
                    .http()
                    .cloned()
                    .unwrap_or_else(|| panic!("a step that is not HTTP"));
                let response = answers
                    .next()
                    .unwrap_or_else(|| panic!("one more request: {}", request.target));
                sent.push(request);
                step = connector.resume(dialogue, &response.into(), &context);
            }
        }
    }
}

fn targets(sent: &[RawRequest]) -> Vec<&str> {
    sent.iter().map(|r| r.target.as_str()).collect()
}

fn body_of(request: &RawRequest) -> String {
    String::from_utf8(request.body.clone()).unwrap()
}

#[test]
fn other_names_of_a_server_are_hosts() {
    let manifest = |names: &str| {
        format!("system: t/sys\nupstream: {{dialect: gbfs, known_as: {names}}}\noperations: {{\"*\": not-yet}}\n")
    };
    let compiled = crate::city::connector(&manifest("[bikes.city.example, \"Gw.example:8443\"]"));
    assert_eq!(compiled.settings().known_as, ["bikes.city.example", "Gw.example:8443"]);
    for wrong in [
        "https://bikes.city.example",
        "bikes.city.example/gbfs",
        "a b",
        "user@host",
        "host:99999",
    ] {
        let found = crate::city::compile(&manifest(&format!("[\"{wrong}\"]")))
            .err()
            .unwrap();
        let said = found
            .iter()
            .any(|f| f.code == "bad-value" && f.to_string().contains("host"));
        assert!(said, "{wrong}: {found:?}");
    }
}

/// The files of gbfs.org's reference, version 2.3, shortened.
#[test]
fn gbfs_discovers_its_feeds_and_joins_two() {
    let discovery = r#"{"last_updated": 1640887163, "ttl": 0, "version": "2.3", "data": {"en": {"feeds": [
        {"name": "system_information", "url": "https://www.example.com/gbfs/1/en/system_information"},
        {"name": "station_information", "url": "https://www.example.com/gbfs/1/en/station_information"},
        {"name": "station_status", "url": "https://www.example.com/gbfs/1/en/station_status"},
        {"name": "geofencing_zones", "url": "https://www.example.com/gbfs/1/en/geofencing_zones"}]}}}"#;
    let information = r#"{"last_updated": 1609866247, "ttl": 0, "version": "2.3", "data": {"stations": [
        {"station_id": "pga", "name": "Parking garage A", "address": "1 Main St", "lat": 12.345678, "lon": 45.678901,
         "parking_type": "underground_parking", "capacity": 16},
        {"station_id": "far", "name": "Far away", "address": "9 Other St", "lat": 13.345678, "lon": 45.678901},
        {"station_id": "pgb", "name": "Parking garage B", "address": "2 Main St", "lat": 12.346678, "lon": 45.678901}]}}"#;
    let status = r#"{"last_updated": 1609866247, "ttl": 0, "version": "2.3", "data": {"stations": [
        {"station_id": "pgb", "is_installed": true, "is_renting": false, "is_returning": true, "last_reported": 1609866125,
         "num_docks_available": 8, "num_bikes_available": 2},
        {"station_id": "pga", "is_installed": true, "is_renting": true, "is_returning": true, "last_reported": 1609866125,
         "num_docks_available": 3, "num_docks_disabled": 1, "num_bikes_available": 12, "num_bikes_disabled": 0}]}}"#;
    let (result, sent) = call(
        "bikeshare.bike-station-status",
        &json!({"longitude": 45.678901, "latitude": 12.345678, "radius_m": 500}),
        [discovery, information, status].map(json_answer).to_vec(),
    );
    assert_eq!(
        targets(&sent),
        [
            "/gbfs.json",
            "https://www.example.com/gbfs/1/en/station_information",
            "https://www.example.com/gbfs/1/en/station_status"
        ]
    );
    // 0.001 degrees of latitude are 111.19 m on a sphere of 6 371 008.8 m.
    assert_eq!(
        result.unwrap(),
        json!({"query_time": "2021-01-06T01:04:07+08:00", "site_list": [
            {"site_code": "pga", "name": "Parking garage A", "site_address": "1 Main St", "longitude": 45.678901,
             "latitude": 12.345678, "distance_m": 0, "bike_count": 12, "dock_count": 3, "status": "营运"},
            {"site_code": "pgb", "name": "Parking garage B", "site_address": "2 Main St", "longitude": 45.678901,
             "latitude": 12.346678, "distance_m": 111, "bike_count": 2, "dock_count": 8, "status": "暂停"}]})
    );
}

/// The trip update of gtfs.org's example feed with a stop, a route and times, encoded by hand from the field numbers.
const TRIP_UPDATES: &str = "\
    0a0d0a03322e30100018fc87bde40412700a0b73696d706c652d747269701a610a0f0a06747269702d312a053130e8b7af12190803120808\
    0510b689bde40422075354303130323428003803121508081208080110908cbde4042203535439280038031a0c0a0276311206382d313230\
    33320e2a0ce69ea2e59f8ee4b89ce7ab99122c0a04676f6e651a240a072a053130e8b7af121908011208080010a884bde404220753543031\
    30323428003803122d0a056f746865721a240a072a053237e8b7af121908011208080010e489bde40422075354303130323428003803";

#[test]
fn gtfs_realtime_rows_are_chosen_and_reckoned() {
    let feed = answer(
        200,
        &[("Content-Type", "application/x-protobuf")],
        &hex::decode(TRIP_UPDATES).unwrap(),
    );
    let (result, sent) = call(
        "buscorp.real-time-bus-arrival",
        &json!({"line_no": "10路", "station_code": "ST01024"}),
        vec![feed],
    );
    assert_eq!(sent[0].target, "/trip-updates");
    assert_eq!(sent[0].header("accept"), Some("application/x-protobuf"));
    assert_eq!(sent[0].header("x-api-key"), Some("key-value"));
    // 1284457654 - 1284457468 = 186; the bus that has gone and the other line are not meant.
    assert_eq!(
        result.unwrap(),
        json!({"query_time": "2010-09-14T17:44:28+08:00", "arrival_list": [
            {"line_no": "10路", "direction": "枢城东站", "seconds": 186, "crowding_level": "high", "plate_no": "8-1203"}]})
    );
    let page = answer(
        200,
        &[("Content-Type", "text/html")],
        b"<html><body>maintenance</body></html>",
    );
    let (result, _) = call(
        "buscorp.real-time-bus-arrival",
        &json!({"line_no": "10路", "station_code": "ST01024"}),
        vec![page],
    );
    assert!(matches!(result, Err(ConnectorError::Blocked { .. })));
}

const POTHOLE: &str = r#"{"location_desc": "1234 5th street", "longitude": -122.404833, "latitude": 37.76524}"#;

/// The answers of the GeoReport v2 reference (wiki.open311.org/GeoReport_v2).
#[test]
fn open311_sends_forms_and_reads_lists_of_one() {
    let input: Value = serde_json::from_str(POTHOLE).unwrap();
    let created = r#"[{"service_request_id":"293944","service_notice":"The City will inspect and require the responsible party to correct within 24 hours and/or issue a Correction Notice or Notice of Violation of the Public Works Code","account_id":null}]"#;
    let (result, sent) = call(
        "urban.pothole-report",
        &input,
        vec![answer(201, &[], created.as_bytes())],
    );
    assert_eq!(
        result.unwrap(),
        json!({"acceptance_no": "293944", "case_status": "accepted"})
    );
    assert_eq!(sent[0].method, "POST");
    assert_eq!(sent[0].target, "/requests.json");
    assert_eq!(
        sent[0].header("content-type"),
        Some("application/x-www-form-urlencoded; charset=UTF-8")
    );
    assert_eq!(
        body_of(&sent[0]),
        "api_key=key-value&service_code=003&address_string=1234+5th+street&long=-122.404833&lat=37.76524"
    );
    let refused = r#"[{"code":403,"description":"Invalid api_key received -- can't proceed with create_request."}]"#;
    let (result, _) = call(
        "urban.pothole-report",
        &input,
        vec![answer(403, &[], refused.as_bytes())],
    );
    match result {
        Err(ConnectorError::Failed {
            failure,
            upstream_code,
            message,
            ..
        }) => {
            assert_eq!(failure, hub_connectors::Failure::Refused);
            assert_eq!(upstream_code.as_deref(), Some("403"));
            assert!(message.unwrap().starts_with("Invalid api_key"));
        }
        other => panic!("{other:?}"),
    }
}

/// GeoReport v2 says of `service_request_id` that it is a string: counters, UUIDs, numbers with a year, as servers make them.
/// Some write a counter as a number.
#[test]
fn open311_ids_of_other_servers_fit_the_contract() {
    let operation = CITY.0.operation("urban.pothole-report").cloned().unwrap();
    let input: Value = serde_json::from_str(POTHOLE).unwrap();
    for (written, id) in [
        (r#""7""#, "7"),
        ("638344", "638344"),
        (r#""638344""#, "638344"),
        (r#""SR-2026.00123""#, "SR-2026.00123"),
        (
            r#""5a2f0c1e-9d1b-4c57-8f3e-0b6f2f7c9a10""#,
            "5a2f0c1e-9d1b-4c57-8f3e-0b6f2f7c9a10",
        ),
        (r#""case:req_4711""#, "case:req_4711"),
    ] {
        let created = format!(r#"[{{"service_request_id":{written},"service_notice":null,"account_id":null}}]"#);
        let (result, _) = call("urban.pothole-report", &input, vec![json_answer(&created)]);
        let body = result.unwrap();
        assert_eq!(body["acceptance_no"], id);
        assert_eq!(CITY.0.check_output(&operation, &body), Ok(()), "{id}");
        let asked = json!({"acceptance_no": id});
        let progress = CITY.0.operation("street.grid-case-progress").cloned().unwrap();
        assert_eq!(
            CITY.0.check_input(&progress, asked.as_object().unwrap()),
            Ok(()),
            "{id}"
        );
        let found = format!(r#"[{{"service_request_id":{written},"status":"open","status_notes":null}}]"#);
        let (result, sent) = call("street.grid-case-progress", &asked, vec![json_answer(&found)]);
        assert_eq!(result.unwrap()["case_status"], "processing");
        assert!(
            sent[0]
                .target
                .ends_with(&format!("service_request_id={}", id.replace(':', "%3A"))),
            "{}",
            sent[0].target
        );
    }
    // A token that waits for its number is one as well, and nothing that could lead elsewhere is.
    assert_eq!(
        CITY.0
            .check_output(&operation, &json!({"acceptance_no": "T-1a", "case_status": "accepted"})),
        Ok(())
    );
    for odd in ["", "../x", "a/b", "a b", "-1", "<b>"] {
        let body = json!({"acceptance_no": odd, "case_status": "accepted"});
        assert!(CITY.0.check_output(&operation, &body).is_err(), "{odd}");
    }
}

#[test]
fn open311_turns_a_token_into_a_number() {
    let input: Value = serde_json::from_str(POTHOLE).unwrap();
    let token = json_answer(r#"[{"token":"12345"}]"#);
    let number = json_answer(r#"[{"service_request_id":"638344","token":"12345"}]"#);
    let (result, sent) = call("urban.pothole-report", &input, vec![token.clone(), number]);
    assert_eq!(result.unwrap()["acceptance_no"], "638344");
    assert_eq!(
        targets(&sent),
        ["/requests.json", "/tokens/12345.json?api_key=key-value"]
    );
    // Not known yet, or not to be had: the token is the number then, and what was sent stays sent.
    for later in [json_answer("[]"), answer(500, &[], b"oops")] {
        let (result, _) = call("urban.pothole-report", &input, vec![token.clone(), later]);
        assert_eq!(result.unwrap()["acceptance_no"], "T-12345");
    }
}

#[test]
fn open311_exchanges_a_token_when_its_case_is_asked_about() {
    let asked = json!({"acceptance_no": "T-12345"});
    let number = json_answer(r#"[{"service_request_id":"638344","token":"12345"}]"#);
    let found = json_answer(r#"[{"service_request_id":"638344","status":"open","status_notes":null}]"#);
    let (result, sent) = call("street.grid-case-progress", &asked, vec![number, found]);
    assert_eq!(result.unwrap()["case_status"], "processing");
    assert_eq!(
        targets(&sent),
        [
            "/tokens/12345.json?api_key=key-value",
            "/requests.json?api_key=key-value&service_request_id=638344"
        ]
    );
    // Not numbered yet: come back later. Not known: not found. A number is no token, whatever it looks like.
    for nothing in [
        r#"[{"service_request_id":null,"token":"12345"}]"#,
        r#"[{"token":"12345"}]"#,
    ] {
        let (result, sent) = call("street.grid-case-progress", &asked, vec![json_answer(nothing)]);
        assert_eq!(result.unwrap_err().problem().code, hub_core::ProblemCode::UpstreamBusy);
        assert_eq!(sent.len(), 1);
    }
    let unknown = answer(404, &[], br#"[{"code":404,"description":"token not found"}]"#);
    let (result, _) = call("street.grid-case-progress", &asked, vec![unknown]);
    assert!(result.unwrap_err().is_not_found());
    let plain = json!({"acceptance_no": "12345"});
    let found = json_answer(r#"[{"service_request_id":"12345","status":"closed"}]"#);
    let (result, sent) = call("street.grid-case-progress", &plain, vec![found]);
    assert_eq!(
        (result.unwrap()["case_status"].as_str(), sent.len()),
        (Some("finished"), 1)
    );
}

#[test]
fn open311_asks_for_one_request() {
    let found = r#"[{"service_request_id":"638344","status":"closed","status_notes":"Duplicate request.",
        "service_name":"Sidewalk and Curb Issues","service_code":"006","description":null,"agency_responsible":null,
        "service_notice":null,"requested_datetime":"2010-04-14T06:37:38-08:00","updated_datetime":"2010-04-14T06:37:38-08:00",
        "expected_datetime":"2010-04-15T06:37:38-08:00","address":"8TH AVE and JUDAH ST","address_id":545483,"zipcode":94122,
        "lat":37.762221815,"long":-122.4651145,"media_url":"http://city.gov.s3.amazonaws.com/requests/media/638344.jpg"}]"#;
    let (result, sent) = call(
        "street.grid-case-progress",
        &json!({"acceptance_no": "638344"}),
        vec![json_answer(found)],
    );
    assert_eq!(
        sent[0].target,
        "/requests.json?api_key=key-value&service_request_id=638344"
    );
    assert_eq!(
        result.unwrap(),
        json!({"case_status": "finished", "reply_content": "Duplicate request."})
    );
    let none = r#"[{"code":404,"description":"jurisdiction_id not found"}]"#;
    let (result, _) = call(
        "street.grid-case-progress",
        &json!({"acceptance_no": "1"}),
        vec![answer(404, &[], none.as_bytes())],
    );
    assert!(result.unwrap_err().is_not_found());
}

const TOKEN: &str = r#"{"access_token": "SlAV32hkKG", "token_type": "Bearer", "expires_in": 3600}"#;

/// A search set of the FHIR R4 specification's form, over two pages that the server cuts smaller than asked for.
#[test]
fn fhir_follows_next_and_skips_outcomes() {
    let first = r#"{"resourceType": "Bundle", "id": "ba40", "meta": {"lastUpdated": "2014-08-18T01:43:30Z"},
        "type": "searchset", "total": 3,
        "link": [{"relation": "self", "url": "https://example.com/base/Location?type=HOSP&_count=2"},
                 {"relation": "next", "url": "https://example.com/base/Location?type=HOSP&_count=2&page=2"}],
        "entry": [
          {"fullUrl": "https://example.com/base/Location/1", "search": {"mode": "match", "score": 1},
           "resource": {"resourceType": "Location", "id": "1", "name": "South Wing", "address": {"text": "Galapagosweg 91"},
             "telecom": [{"system": "email", "value": "a@example.org"}, {"system": "phone", "value": "0990-2328"}],
             "position": {"longitude": -83.6945691, "latitude": 42.25475478}}},
          {"search": {"mode": "outcome"}, "resource": {"resourceType": "OperationOutcome",
             "issue": [{"severity": "warning", "code": "not-supported"}]}}]}"#;
    let second = r#"{"resourceType": "Bundle", "type": "searchset", "total": 3, "link": [{"relation": "self", "url": "x"}],
        "entry": [{"resource": {"resourceType": "Location", "id": "2", "name": "Ukraine", "address": {"text": "y"}}}]}"#;
    let fhir = |body: &str| answer(200, &[("Content-Type", "application/fhir+json")], body.as_bytes());
    let (result, sent) = call(
        "health.hospital-and-clinic-search",
        &json!({"keyword": "Wing", "page_num": 1, "page_size": 20}),
        vec![json_answer(TOKEN), fhir(first), fhir(second)],
    );
    assert_eq!(
        targets(&sent),
        [
            "/token",
            "/Location?type=HOSP&name=Wing&_count=100",
            "https://example.com/base/Location?type=HOSP&_count=2&page=2"
        ]
    );
    assert_eq!(sent[1].header("accept"), Some("application/fhir+json"));
    assert_eq!(sent[2].header("authorization"), Some("Bearer SlAV32hkKG"));
    assert_eq!(
        result.unwrap(),
        json!({"total_count": 2, "site_list": [
            {"site_code": "1", "name": "South Wing", "site_address": "Galapagosweg 91", "longitude": -83.6945691,
             "latitude": 42.25475478, "phone": "0990-2328"},
            {"site_code": "2", "name": "Ukraine", "site_address": "y"}]})
    );
}

/// Slots as R4 has them, without anything of ours; one that has more to say is believed.
#[test]
fn fhir_slots_of_others_tell_their_time_and_what_is_left() {
    let page = r#"{"resourceType": "Bundle", "type": "searchset", "total": 3, "entry": [
        {"resource": {"resourceType": "Slot", "id": "a", "schedule": {"reference": "Schedule/1"}, "status": "free",
          "start": "2026-04-09T09:15:00+08:00", "end": "2026-04-09T09:30:00+08:00"}},
        {"resource": {"resourceType": "Slot", "id": "b", "status": "busy-unavailable",
          "start": "2026-04-09T01:30:00Z", "end": "2026-04-09T02:00:00Z"}},
        {"resource": {"resourceType": "Slot", "id": "c", "status": "free", "start": "2026-04-09T10:00:00+08:00",
          "end": "2026-04-09T10:30:00+08:00", "extension": [{"url": "urn:hub:remaining", "valueInteger": 7}]}}]}"#;
    let (result, _) = call(
        "health.examination-appointment.slots",
        &json!({"appoint_date": "2026-04-09"}),
        vec![json_answer(TOKEN), json_answer(page)],
    );
    assert_eq!(
        result.unwrap()["slot_list"],
        json!([
            {"slot_id": "a", "date": "2026-04-09", "time_slot": "09:15-09:30", "remaining": 1},
            {"slot_id": "b", "date": "2026-04-09", "time_slot": "09:30-10:00", "remaining": 0},
            {"slot_id": "c", "date": "2026-04-09", "time_slot": "10:00-10:30", "remaining": 7},
        ])
    );
}

#[test]
fn fhir_creates_an_appointment_and_reads_outcomes() {
    let input = json!({"slot_id": "S1", "hospital_code": "H1", "department_code": "D1", "appoint_date": "2026-05-18",
        "full_name": "王建国", "id_card_no": "110101199003070011"});
    let made = r#"{"resourceType": "Appointment", "id": "example", "status": "booked",
        "slot": [{"reference": "Slot/S1"}], "participant": [{"actor": {"display": "x"}, "status": "accepted"}]}"#;
    let (result, sent) = call(
        "health.hospital-registration-booking.book",
        &input,
        vec![json_answer(TOKEN), answer(201, &[], made.as_bytes())],
    );
    assert_eq!(
        result.unwrap(),
        json!({"appoint_no": "example", "booking_status": "reserved"})
    );
    assert_eq!(sent[1].target, "/Appointment");
    assert_eq!(sent[1].header("content-type"), Some("application/fhir+json"));
    let body: Value = serde_json::from_slice(&sent[1].body).unwrap();
    assert_eq!(body["resourceType"], "Appointment");
    assert_eq!(body["status"], "proposed");
    assert_eq!(body["slot"][0]["reference"], "Slot/S1");
    assert_eq!(
        body["participant"][0]["actor"]["identifier"]["value"],
        "110101199003070011"
    );
    assert_eq!(
        body["extension"][0],
        json!({"url": "urn:hub:hospital-code", "valueString": "H1"})
    );
    let outcome = r#"{"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "conflict",
        "diagnostics": "The slot is not free any more"}]}"#;
    for status in [409, 200] {
        let (result, _) = call(
            "health.hospital-registration-booking.book",
            &input,
            vec![json_answer(TOKEN), answer(status, &[], outcome.as_bytes())],
        );
        let problem = result.unwrap_err().problem();
        assert_eq!(problem.code, hub_core::ProblemCode::Conflict, "{status}");
    }
}

/// The location of the OCPI 2.2.1 specification, 8.3.1, shortened.
#[test]
fn ocpi_reads_envelopes_and_links() {
    let first = r#"{"data": [{"country_code": "BE", "party_id": "BEC", "id": "LOC1", "publish": true, "name": "Gent Zuid",
        "address": "F.Rooseveltlaan 3A", "city": "Gent", "postal_code": "9000", "country": "BEL",
        "coordinates": {"latitude": "51.047599", "longitude": "3.729944"}, "operator": {"name": "BeCharged"},
        "power_kw": 60, "last_updated": "2015-06-29T20:39:09Z"}],
        "status_code": 1000, "status_message": "Success", "timestamp": "2015-06-30T21:59:59Z"}"#;
    let second = first
        .replace("LOC1", "LOC2")
        .replace("\"power_kw\": 60", "\"power_kw\": 7");
    let link = r#"<https://www.server.example/ocpi/cpo/2.2.1/locations?offset=1&limit=1>; rel="next""#;
    let (result, sent) = call(
        "charge.charging-station-search",
        &json!({"longitude": 3.729944, "latitude": 51.047599, "power_kw": 30}),
        vec![
            answer(200, &[("Link", link), ("X-Total-Count", "2")], first.as_bytes()),
            answer(200, &[("X-Total-Count", "2")], second.as_bytes()),
        ],
    );
    // `token-value` in Base64, as 2.2 and later want it.
    assert_eq!(sent[0].header("authorization"), Some("Token dG9rZW4tdmFsdWU="));
    assert_eq!(
        targets(&sent),
        [
            "/ocpi/cpo/2.2.1/locations?offset=0&limit=100",
            "https://www.server.example/ocpi/cpo/2.2.1/locations?offset=1&limit=1"
        ]
    );
    assert_eq!(
        result.unwrap(),
        json!({"total_count": 1, "site_list": [{"site_code": "LOC1", "name": "Gent Zuid",
            "site_address": "F.Rooseveltlaan 3A", "longitude": 3.729944, "latitude": 51.047599, "distance_m": 0,
            "power_kw": 60, "operator": "BeCharged"}]})
    );
    let unknown = r#"{"status_code": 2003, "status_message": "Unknown Location", "timestamp": "2015-06-30T21:59:59Z"}"#;
    let (result, _) = call(
        "charge.charging-station-search.connectors",
        &json!({"station_code": "LOC9"}),
        vec![json_answer(unknown)],
    );
    assert!(result.unwrap_err().is_not_found());
}

/// A feature collection of OGC API Features, 7.15, in GeoJSON.
#[test]
fn ogc_features_follow_next_and_keep_the_key() {
    let page = |id: &str, next: &str| {
        format!(
            r#"{{"type": "FeatureCollection", "links": [{{"href": "http://data.example.com/collections/historic-buildings/items.json", "rel": "self"}}{next}],
            "timeStamp": "2018-04-03T14:52:23Z", "numberMatched": 3, "numberReturned": 1,
            "features": [{{"type": "Feature", "id": "{id}", "geometry": {{"type": "Point", "coordinates": [100.15, 30.24]}},
              "properties": {{"name": "x", "address": "y"}}}}]}}"#
        )
    };
    let next =
        r#", {"href": "http://data.example.com/collections/historic-buildings/items?offset=1&limit=1", "rel": "next"}"#;
    let geo = |body: String| answer(200, &[("Content-Type", "application/geo+json")], body.as_bytes());
    let (result, sent) = call(
        "nr.historic-building-directory",
        &json!({"page_num": 2, "page_size": 1}),
        vec![geo(page("123", next)), geo(page("124", next))],
    );
    assert_eq!(
        targets(&sent),
        [
            "/collections/historic-buildings/items?apikey=key-value&f=json&limit=1",
            "http://data.example.com/collections/historic-buildings/items?offset=1&limit=1&apikey=key-value"
        ]
    );
    assert_eq!(
        result.unwrap(),
        json!({"total_count": 3, "site_list": [
            {"site_code": "124", "name": "x", "site_address": "y", "longitude": 100.15, "latitude": 30.24}]})
    );
    let (_, sent) = call(
        "nr.land-use-query",
        &json!({"longitude": 100.1, "latitude": 30.2}),
        vec![answer(
            400,
            &[],
            br#"{"code": "InvalidParameterValue", "description": "bad bbox"}"#,
        )],
    );
    assert_eq!(
        sent[0].target,
        "/collections/land-use/items?apikey=key-value&f=json&bbox=100.1%2C30.2%2C100.1%2C30.2"
    );
}
