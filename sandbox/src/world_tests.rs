//! What a world promises: bounds, timers in order, and that what is written down is the world.

use super::*;
use crate::clock::Distance;
use crate::links::Flow;
use crate::testing::matter;
use serde_json::Value;
use std::time::{Duration, Instant};

const START: &str = "2026-03-03T09:00:00+08:00";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn world() -> World {
    World::new("w", WorldClock::standing(at(START)), at(START))
}

fn case(n: u64, days: u32, legal_days: u32) -> Matter {
    let created = at(START).checked_sub(jiff::SignedDuration::from_mins(i64::try_from(n).unwrap()));
    Matter {
        created: created.unwrap(),
        days,
        legal_days,
        ..matter(&format!("h{n}"), "me")
    }
}

fn advance(world: &mut World, text: &str) -> Vec<(String, Kind, Option<String>)> {
    let turn = Turn::Advance(Distance::read(text).unwrap());
    let happened = world.turn(&turn, at(START)).unwrap();
    let told = happened.iter();
    told.map(|h| (hub_core::time::rfc3339(h.at), h.kind, h.case.clone()))
        .collect()
}

fn image(world: &mut World) -> Vec<(String, String)> {
    let changes = world.changes().into_iter();
    changes.filter_map(|c| Some((c.key, c.body?))).collect()
}

#[test]
fn the_oldest_goes_first_and_its_handle_with_it() {
    let (mut world, system) = (world(), SystemId::new("a", "b"));
    for n in 0..5 {
        world.add(matter(&format!("h{n}"), "me"), 3);
    }
    assert_eq!(world.len(), 3);
    assert!(!world.is_taken(&system, "h1"));
    assert!(world.find(&system, "h2", &["me".to_owned()]).is_some());
    assert!(world.find(&system, "h2", &["you".to_owned()]).is_none());
    assert!(world.find(&SystemId::new("a", "c"), "h2", &[]).is_none());
}

#[test]
fn the_oldest_goes_first_where_bytes_run_out() {
    let (mut world, system) = (world(), SystemId::new("a", "b"));
    let large = |n: usize| {
        let mut large = matter(&format!("h{n}"), "me");
        large.input.insert("text".to_owned(), Value::from("x".repeat(20 << 20)));
        large
    };
    for n in 0..5 {
        world.add(large(n), 99);
    }
    let (matters, bytes) = world.held();
    assert_eq!(matters, 3, "{bytes} bytes");
    assert!(world.is_taken(&system, "h4") && !world.is_taken(&system, "h1"));
    let (oldest, _) = world.find(&system, "h2", &[]).unwrap();
    world.change(oldest, |m| {
        m.data.insert("more".to_owned(), Value::from("y".repeat(20 << 20)));
    });
    assert!(
        world.is_taken(&system, "h2") && !world.is_taken(&system, "h3"),
        "what is used stays"
    );
    for id in world.with_handle("h2").into_iter().chain(world.with_handle("h4")) {
        world.remove(id);
    }
    assert_eq!(world.held(), (0, 0));
}

#[test]
fn a_case_that_nobody_decides_is_warned_of_and_overdue_on_its_days() {
    let mut world = world();
    world.add(case(0, 60, 20), 9);
    assert_eq!(world.happened(0, 9)[0].kind, Kind::Submitted);
    let first: Vec<Kind> = advance(&mut world, "16wd")
        .into_iter()
        .map(|(_, kind, _)| kind)
        .collect();
    assert_eq!(first, [Kind::Accepted, Kind::Examined, Kind::Warning]);
    assert_eq!(
        hub_core::time::rfc3339(world.clock().now(at(START))),
        "2026-03-25T09:00:00+08:00"
    );
    let then = advance(&mut world, "5wd");
    assert_eq!(
        then,
        [(
            "2026-04-01T00:00:00+08:00".to_owned(),
            Kind::Overdue,
            Some("h0".to_owned())
        )]
    );
    world.change(0, |m| m.events.push((at("2026-04-01T09:00:00+08:00"), Event::Approved)));
    assert_eq!(advance(&mut world, "P1Y"), []);
    let told: Vec<Kind> = world.happened(4, 99).iter().map(|h| h.kind).collect();
    assert_eq!(told, [Kind::Overdue, Kind::Approved]);
}

#[test]
fn papers_stop_the_clock_and_handing_them_in_starts_it_again() {
    let mut world = world();
    world.add(case(0, 3, 10), 9);
    world.change(0, |m| m.events.push((at(START), Event::NeedDocs)));
    assert_eq!(advance(&mut world, "P1M"), []);
    let now = world.now(at(START));
    world.change(0, |m| m.events.push((now, Event::Supplemented)));
    let kinds: Vec<Kind> = advance(&mut world, "20wd")
        .into_iter()
        .map(|(_, kind, _)| kind)
        .collect();
    assert_eq!(kinds, [Kind::Approved]);
}

#[test]
fn appointments_come_and_certificates_end() {
    let mut world = world();
    let mut visit = case(0, 1, 0);
    (visit.flow, visit.meets) = (Flow::Visit, Some(at("2026-03-05T09:00:00+08:00")));
    let mut licence = case(1, 1, 0);
    (licence.flow, licence.ends) = (Flow::Certificate, Some("2026-04-30".parse().unwrap()));
    world.add(visit, 9);
    world.add(licence, 9);
    let kinds: Vec<Kind> = advance(&mut world, "P1Y")
        .into_iter()
        .map(|(_, kind, _)| kind)
        .collect();
    assert_eq!(kinds, [Kind::Due, Kind::Missed, Kind::Expiring, Kind::Expired]);
}

/// Dice of our own: the same every time.
fn dice(seed: u64) -> impl FnMut(u64) -> u64 {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    move |limit| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % limit
    }
}

#[test]
fn one_step_of_the_clock_is_the_same_as_many() {
    for round in 0..200 {
        let mut throw = dice(round + 1);
        let (mut one, mut many) = (world().recording(), world().recording());
        for n in 0..1 + throw(12) {
            let mut made = case(
                throw(10_000),
                u32::try_from(throw(40)).unwrap(),
                u32::try_from(throw(30)).unwrap(),
            );
            made.flow = [Flow::Case, Flow::Order, Flow::Visit, Flow::Certificate][usize::try_from(throw(4)).unwrap()];
            made.held = true;
            made.meets = at(START)
                .checked_add(jiff::SignedDuration::from_hours(i64::try_from(throw(900)).unwrap()))
                .ok();
            made.ends = Some(at(START).to_zoned(hub_core::time::china()).date());
            made.handles = vec![format!("h{n}")];
            one.add(made.clone(), 99);
            many.add(made, 99);
        }
        let unit = ["wd", "d", "h", "m"][usize::try_from(throw(4)).unwrap()];
        let steps: Vec<u64> = (0..1 + throw(5)).map(|_| throw(60)).collect();
        let whole = advance(&mut one, &format!("{}{unit}", steps.iter().sum::<u64>()));
        let parts: Vec<_> = steps
            .iter()
            .flat_map(|n| advance(&mut many, &format!("{n}{unit}")))
            .collect();
        assert_eq!(whole, parts, "{steps:?}{unit}");
        assert_eq!(image(&mut one), image(&mut many));
    }
}

#[test]
fn twenty_years_of_a_thousand_timers_pass_at_once() {
    let mut world = world();
    for n in 0..1_000 {
        world.add(case(n, u32::try_from(n % 3_650).unwrap(), 20), 10_000);
    }
    let began = Instant::now();
    let happened = advance(&mut world, "P20Y");
    assert!(happened.len() >= 3_000, "{}", happened.len());
    assert!(happened.is_sorted_by_key(|(at, ..)| at.clone()));
    // The promise is a second in release.
    assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
}

#[test]
fn what_is_written_down_is_the_world() {
    let mut world = world().recording();
    for n in 0..3 {
        world.add(case(n, 3, 10), 99);
    }
    world.remember(&SystemId::new("a", "b"), "me");
    let memory = world.memory("v1");
    memory.keep(&(0, vec!["p/1".to_owned()]), "x".to_owned(), serde_json::Map::new());
    memory.remove(&(0, vec!["p/1".to_owned()]), "gone");
    let mut kept: BTreeMap<String, String> = image(&mut world).into_iter().collect();
    world.remove(1);
    advance(&mut world, "2wd");
    assert!(world.is_changed());
    for change in world.changes() {
        match change.body {
            Some(body) => drop(kept.insert(change.key, body)),
            None => drop(kept.remove(&change.key)),
        }
    }
    assert!(!world.is_changed() && world.changes().is_empty());
    let parts: Vec<(String, String)> = kept.into_iter().collect();
    let mut again = World::read(&parts).unwrap();
    assert_eq!(again.happened(0, 99), world.happened(0, 99));
    let memory = again.memory("v1");
    assert!(memory.get(&(0, vec!["p/1".to_owned()]), "x").is_some());
    assert!(memory.is_gone(&(0, vec!["p/1".to_owned()]), "gone"));
    assert!(!again.remember(&SystemId::new("a", "b"), "me"));
    assert_eq!((again.len(), again.next()), (2, 3));
    assert_eq!(advance(&mut again, "P1Y"), advance(&mut world, "P1Y"));
    let mut keys: Vec<String> = world.changes().into_iter().map(|c| c.key).collect();
    world.change_again(&keys);
    let mut once_more: Vec<String> = world.changes().into_iter().map(|c| c.key).collect();
    keys.sort();
    once_more.sort();
    assert_eq!(keys, once_more);
}

#[test]
fn a_clock_goes_back_only_where_nothing_has_happened() {
    let mut world = world();
    let set = |text: &str| Turn::Set(at(text));
    world.turn(&set("2020-01-01T00:00:00Z"), at(START)).unwrap();
    world.add(matter("h", "me"), 9);
    let refused = world.turn(&set("2019-01-01T00:00:00Z"), at(START)).unwrap_err();
    assert_eq!(refused.code, ProblemCode::ValidationFailed);
    world.turn(&set("2021-01-01T00:00:00Z"), at(START)).unwrap();
}

#[test]
fn a_world_of_ten_thousand_matters_is_forked_at_once() {
    let mut world = world().recording();
    for n in 0..10_000 {
        world.add(case(n, 3, 10), 10_000);
    }
    let began = Instant::now();
    let mut fork = world.apart();
    let took = began.elapsed();
    // The promise is a tenth of a second in release.
    assert!(took < Duration::from_secs(1), "{took:?}");
    eprintln!("forked in {took:?}");
    fork.remove(0);
    assert_eq!((world.len(), fork.len()), (10_000, 9_999));
    assert_eq!(fork.changes().len(), 1, "only what the fork did is its own");
}

/// Whoever writes a world down tells others of what happened: not one may be let go before.
#[test]
fn what_happened_is_kept_until_it_is_written_down() {
    let mut world = world().recording();
    let many = u64::try_from(HAPPENINGS).unwrap() + 50;
    for n in 0..many {
        let matter = Matter {
            created: at(START),
            ..case(n, 3, 0)
        };
        world.add(matter, 20);
    }
    let changes = world.changes();
    let told: Vec<String> = changes
        .iter()
        .filter(|c| c.key.starts_with("t/") && c.body.is_some())
        .map(|c| c.key.clone())
        .collect();
    assert_eq!(told.len() as u64, many, "none is let go that nobody was told of");
    // It could not be written down; meanwhile something else happens.
    world.change_again(&told);
    world.add(case(many, 3, 0), 20);
    world.add(
        Matter {
            created: at(START),
            ..case(many + 1, 3, 0)
        },
        20,
    );
    let again = world
        .changes()
        .into_iter()
        .filter(|c| c.key.starts_with("t/") && c.body.is_some());
    assert_eq!(again.count() as u64, many + 1);
    world.written_down(&told);
    world.add(
        Matter {
            created: at(START),
            ..case(many + 2, 3, 0)
        },
        20,
    );
    assert!(
        world.happened(0, usize::MAX).len() <= HAPPENINGS,
        "now the oldest may go"
    );
}

#[test]
fn what_happens_has_a_word_for_others() {
    let mut world = world().recording();
    let order = Matter {
        flow: Flow::Order,
        created: at(START),
        ..matter("o1", "me")
    };
    let held = Matter {
        held: true,
        days: 2,
        ..order.clone()
    };
    world.add(order, 9);
    world.add(held, 9);
    world.add(
        Matter {
            flow: Flow::Certificate,
            ends: "2026-04-20".parse().ok(),
            ..matter("c1", "me")
        },
        9,
    );
    advance(&mut world, "90d");
    let told: Vec<&str> = world.happened(0, 99).iter().map(|h| h.event()).collect();
    let expected = [
        "payment.created",
        "payment.paid",
        "payment.created",
        "payment.paid",
        "certificate.expiring",
        "certificate.expired",
    ];
    let mut sorted = told.clone();
    sorted.retain(|word| *word != "certificate.issued");
    assert_eq!(sorted, expected, "{told:?}");
    assert!(told.iter().all(|word| crate::EVENTS.contains(word)));
    assert!(world.happened(0, 99).iter().all(|h| h.owners == ["me"]));
    assert!(world.next_due().is_none(), "its clock stands");
}
