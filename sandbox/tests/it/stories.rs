//! Lives of matters in the real city, on every service that has one.

use crate::town::{CATALOG, bind, caller, engine, example};
use hub_catalog::Catalog;
use hub_core::{Archetype, Audience, Operation, ProblemCode, Service};
use hub_sandbox::MockEngine;
use serde_json::{Map, Value};
use std::sync::Arc;

const ME: (&str, &str) = ("wang-jianguo", "zheng-haiyan@yunfan-tech");
const OTHER: (&str, &str) = ("zhang-wei-1993", "li-xiulan@lantian-catering");

/// One service with the engine it is tried on.
struct Story<'a> {
    catalog: &'a Catalog,
    engine: &'a MockEngine,
    service: &'a Arc<Service>,
}

impl Story<'_> {
    /// The operation with a verb; the leading one for an empty verb.
    fn operation(&self, verb: &str) -> Option<Arc<Operation>> {
        let id = match verb {
            "" => self.service.id.clone(),
            verb => format!("{}.{verb}", self.service.id),
        };
        self.catalog.operation(&id).cloned()
    }

    /// A shared operation of the service's system.
    fn shared(&self, verb: &str) -> Option<Arc<Operation>> {
        self.catalog
            .operations_of(&self.service.system)
            .find(|o| o.service.is_none() && o.id.ends_with(verb))
            .cloned()
    }

    fn call(&self, operation: &Operation, who: (&str, &str), said: &Map<String, Value>) -> Result<Value, ProblemCode> {
        let of_firms = |id: &String| {
            self.catalog
                .operation(id)
                .is_some_and(|o| o.audience == Audience::Legal)
        };
        let audience = if self.service.operations.iter().any(of_firms) {
            who.1
        } else {
            who.0
        };
        let subject = self.engine.personas().subject(audience, "i", 0).unwrap();
        let mut input = example(operation);
        input.extend(said.clone());
        let answer = self
            .engine
            .answer("stories", operation, &bind(operation, &input, &subject), &[]);
        answer.map(|a| a.body).map_err(|p| p.code)
    }
}

/// Tells a story about every service of an archetype; the story returns false where it does not fit.
fn tell(archetype: Archetype, story: impl Fn(&Story<'_>) -> bool) -> usize {
    let (Some(catalog), Some(engine)) = (CATALOG.as_ref(), engine(3)) else {
        return usize::MAX;
    };
    let services = catalog.services().iter().filter(|s| s.archetype == archetype);
    let told = services.filter(|service| {
        story(&Story {
            catalog,
            engine: &engine,
            service,
        })
    });
    told.count()
}

/// The handle of an answer: the first member an operation takes in its path.
fn handle(operation: &Operation, answer: &Value) -> Option<Map<String, Value>> {
    let name = operation
        .parameters
        .iter()
        .find(|p| p.place == hub_core::ParameterPlace::Path)?
        .name
        .clone();
    let value = answer.get(&name)?.clone();
    Some(Map::from_iter([(name, value)]))
}

#[test]
fn applications_are_followed_by_their_owner_and_withdrawn() {
    let told = tell(Archetype::Application, |story| {
        let (Some(apply), Some(get), Some(withdraw)) = (
            story.operation(""),
            story.shared("case-get"),
            story.shared("case-withdraw"),
        ) else {
            return false;
        };
        let made = story.call(&apply, ME, &Map::new()).unwrap();
        let Some(case) = handle(&get, &made) else { return false };
        let read = story.call(&get, ME, &case).unwrap();
        assert_eq!(read["acceptance_no"], made["acceptance_no"], "{}", apply.id);
        assert_eq!(
            read["service_name"].as_str().unwrap_or(&story.service.name.zh),
            story.service.name.zh
        );
        assert_eq!(
            story.call(&get, OTHER, &case),
            Err(ProblemCode::RecordNotFound),
            "{}",
            apply.id
        );
        let gone = story.call(&withdraw, ME, &case).unwrap();
        assert_eq!(gone["case_status"], "withdrawn", "{}", apply.id);
        assert_eq!(story.call(&withdraw, ME, &case).unwrap(), gone);
        true
    });
    assert!(told > 300, "{told}");
}

#[test]
fn bookings_are_read_and_cancelled_by_their_owner() {
    let both = [Archetype::Appointment, Archetype::Booking].map(|archetype| {
        tell(archetype, |story| {
            let (Some(slots), Some(book), Some(get), Some(cancel)) = (
                story.operation("slots"),
                story.operation("book"),
                story.operation("get"),
                story.operation("cancel"),
            ) else {
                return false;
            };
            let offered = story.call(&slots, ME, &Map::new()).unwrap();
            let place = offered.as_object().unwrap().values().find_map(Value::as_array).unwrap()[0].clone();
            let key = ["slot_id", "schedule_id"]
                .into_iter()
                .find_map(|k| Some((k.to_owned(), place.get(k)?.clone())));
            let made = story.call(&book, ME, &key.into_iter().collect()).unwrap();
            let mine = handle(&get, &made).unwrap();
            let read = story.call(&get, ME, &mine).unwrap();
            assert_eq!(read["booking_status"], "reserved", "{}", get.id);
            if let Some(day) = read.get("slot_date") {
                assert_eq!(*day, place["date"], "{}", get.id);
            }
            if !get.bound.is_empty() {
                assert_eq!(
                    story.call(&get, OTHER, &mine),
                    Err(ProblemCode::RecordNotFound),
                    "{}",
                    get.id
                );
            }
            assert_eq!(
                story.call(&cancel, ME, &mine).unwrap()["booking_status"],
                "cancelled",
                "{}",
                cancel.id
            );
            assert_eq!(
                story.call(&get, ME, &mine).unwrap()["booking_status"],
                "cancelled",
                "{}",
                get.id
            );
            true
        })
    });
    assert!(both[0].saturating_add(both[1]) > 60, "{both:?}");
}

#[test]
fn orders_are_paid_once() {
    let told = tell(Archetype::Payment, |story| {
        let (Some(order), Some(get)) = (story.operation("order"), story.operation("order-get")) else {
            return false;
        };
        let number = Map::from_iter([(
            "order_no".to_owned(),
            Value::from(format!("TEST-{}", story.service.number.to_uppercase())),
        )]);
        let opened = story
            .call(&order, ME, &number)
            .unwrap_or_else(|code| panic!("{}: {code:?}", order.id));
        assert_eq!(opened["pay_status"], "created", "{}", order.id);
        assert_eq!(story.call(&order, ME, &number).unwrap(), opened);
        assert_eq!(
            story.call(&get, ME, &number).unwrap()["pay_status"],
            "paid",
            "{}",
            get.id
        );
        if order.input.child("pay_amount_fen").is_some() {
            let mut dearer = number.clone();
            dearer.insert("pay_amount_fen".to_owned(), Value::from(99_999_901));
            assert_eq!(
                story.call(&order, ME, &dearer),
                Err(ProblemCode::Conflict),
                "{}",
                order.id
            );
        }
        let unknown = Map::from_iter([("order_no".to_owned(), Value::from("NOSUCHORDER00001"))]);
        assert_eq!(
            story.call(&get, ME, &unknown),
            Err(ProblemCode::RecordNotFound),
            "{}",
            get.id
        );
        true
    });
    assert!(told > 30, "{told}");
}

#[test]
fn certificates_are_fetched_by_their_owner_and_verified_by_anybody() {
    let told = tell(Archetype::Certificate, |story| {
        let (Some(issue), Some(fetch), Some(verify)) = (
            story.operation("issue"),
            story.operation("fetch"),
            story.operation("verify"),
        ) else {
            return false;
        };
        let issued = story.call(&issue, ME, &Map::new()).unwrap();
        let Some(mine) = handle(&fetch, &issued) else {
            return false;
        };
        let fetched = story.call(&fetch, ME, &mine).unwrap();
        assert_eq!(fetched["elicense_no"], issued["elicense_no"], "{}", fetch.id);
        if !fetch.bound.is_empty() {
            assert_eq!(
                story.call(&fetch, OTHER, &mine),
                Err(ProblemCode::RecordNotFound),
                "{}",
                fetch.id
            );
        }
        assert_eq!(
            story.call(&verify, OTHER, &mine).unwrap()["verify_result"],
            "match",
            "{}",
            verify.id
        );
        let forged = "1.2.156.3005.2.000000000000000000.0";
        let forged: Map<_, _> = mine.keys().map(|name| (name.clone(), Value::from(forged))).collect();
        assert_eq!(
            story.call(&verify, OTHER, &forged).unwrap()["verify_result"],
            "not_found",
            "{}",
            verify.id
        );
        true
    });
    assert!(told > 30, "{told}");
}

#[test]
fn subscriptions_are_listed_until_cancelled() {
    let told = tell(Archetype::Subscription, |story| {
        let (Some(subscribe), Some(list), Some(cancel)) = (
            story.operation("subscribe"),
            story.operation("list"),
            story.operation("cancel"),
        ) else {
            return false;
        };
        let made = story.call(&subscribe, ME, &Map::new()).unwrap();
        let mine = handle(&cancel, &made).unwrap();
        let state = || {
            let listed = story.call(&list, ME, &Map::new()).unwrap();
            let rows = listed
                .as_object()
                .unwrap()
                .values()
                .find_map(Value::as_array)
                .unwrap()
                .clone();
            let row = rows
                .into_iter()
                .find(|r| r["subscription_id"] == made["subscription_id"])
                .unwrap();
            row["subscription_status"].clone()
        };
        assert_eq!(state(), "active", "{}", list.id);
        story.call(&cancel, ME, &mine).unwrap();
        assert_eq!(state(), "cancelled", "{}", list.id);
        true
    });
    assert!(told > 10, "{told}");
}

#[test]
fn a_person_is_the_same_in_every_service() {
    let (Some(catalog), Some(engine)) = (CATALOG.as_ref(), engine(3)) else {
        return;
    };
    let mut seen: std::collections::BTreeMap<String, Value> = std::collections::BTreeMap::new();
    let stable = [
        "property_cert_no",
        "marriage_cert_no",
        "insured_no",
        "household_no",
        "passport_no",
        "plate_no",
    ];
    let mut compared = 0;
    for operation in catalog
        .operations()
        .iter()
        .filter(|o| !o.bound.is_empty() && o.effect == hub_core::Effect::None)
    {
        let subject = caller(&engine, operation, "ouyang-ruolan", "zheng-haiyan@yunfan-tech");
        if subject.mandate.is_some() {
            continue;
        }
        let given = example(operation);
        let input = bind(operation, &given, &subject);
        let Ok(answer) = engine.answer("same", operation, &input, &[]) else {
            continue;
        };
        if answer.body.get("full_name").is_some()
            && !input.contains_key("full_name")
            && input.contains_key("id_card_no")
        {
            assert_eq!(answer.body["full_name"], "欧阳若兰", "{}", operation.id);
        }
        for field in stable.iter().filter(|f| !input.contains_key(**f)) {
            if let Some(value) = answer.body.get(*field) {
                compared += 1;
                assert_eq!(
                    seen.entry((*field).to_owned()).or_insert_with(|| value.clone()),
                    value,
                    "{}",
                    operation.id
                );
            }
        }
    }
    assert!(compared > 0);
}
