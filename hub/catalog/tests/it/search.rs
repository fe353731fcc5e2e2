//! Recall over the project's example queries.

use crate::city::city;
use hub_catalog::SearchQuery;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

struct Example {
    query: String,
    kind: String,
    expected: Vec<String>,
}

/// One line of the file: id, query, lang, kind, expected, note; only the query may be quoted.
fn example(line: &str) -> Option<Example> {
    let (_, rest) = line.split_once(',')?;
    let (query, rest) = match rest.strip_prefix('"') {
        Some(quoted) => {
            let (query, rest) = quoted.split_once("\",")?;
            (query.replace("\"\"", "\""), rest)
        }
        None => {
            let (query, rest) = rest.split_once(',')?;
            (query.to_owned(), rest)
        }
    };
    let mut cells = rest.split(',');
    let (_, kind, expected) = (cells.next()?, cells.next()?, cells.next()?);
    Some(Example {
        query,
        kind: kind.to_owned(),
        expected: expected.split(';').map(str::to_owned).collect(),
    })
}

#[test]
fn people_find_what_they_ask_for() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/domain/search-examples.csv");
    let Ok(text) = std::fs::read_to_string(&file) else {
        println!("SKIPPED: {} is not there", file.display());
        return;
    };
    let examples: Vec<Example> = text.lines().skip(1).filter_map(example).collect();
    let mut kinds: BTreeMap<String, (usize, usize, usize)> = BTreeMap::new();
    let begin = Instant::now();
    for example in &examples {
        let query = SearchQuery {
            q: example.query.clone(),
            page_size: 20,
            ..SearchQuery::default()
        };
        let found: Vec<String> = city().search(&query).items.iter().map(|s| s.number.clone()).collect();
        let rank = found.iter().position(|id| example.expected.contains(id));
        let counts = kinds.entry(example.kind.clone()).or_default();
        counts.0 += 1;
        counts.1 += usize::from(rank == Some(0));
        counts.2 += usize::from(rank.is_some_and(|r| r < 5));
        if rank.is_none_or(|r| r >= 5) {
            let names: Vec<&str> = found
                .iter()
                .take(4)
                .filter_map(|id| city().service(id))
                .map(|s| s.name.zh.as_str())
                .collect();
            let wanted: Vec<&str> = example
                .expected
                .iter()
                .filter_map(|id| city().service(id))
                .map(|s| s.name.zh.as_str())
                .collect();
            println!(
                "{rank:?} {} [{}] wanted {wanted:?} got {names:?}",
                example.query, example.kind
            );
        }
    }
    let total = kinds.values().fold((0, 0, 0), |a, b| (a.0 + b.0, a.1 + b.1, a.2 + b.2));
    let share = |part: usize, all: usize| part as f64 / all.max(1) as f64;
    for (kind, (all, first, five)) in &kinds {
        println!(
            "{kind:12} {all:4} recall@1 {:.2} recall@5 {:.2}",
            share(*first, *all),
            share(*five, *all)
        );
    }
    println!(
        "all {} recall@1 {:.3} recall@5 {:.3}, {:?} a query",
        total.0,
        share(total.1, total.0),
        share(total.2, total.0),
        begin.elapsed() / u32::try_from(total.0.max(1)).unwrap()
    );
    assert!(share(total.2, total.0) >= 0.9, "recall@5 fell below 0.9");
}

/// What a service is called finds it, however it is typed.
#[test]
fn names_are_found_in_every_spelling() {
    let services = city().services();
    let step = (services.len() / 150).max(1);
    let mut misses: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut asked = 0;
    for service in services.iter().step_by(step) {
        asked += 1;
        let sounds: Vec<&str> = service.name.zh.chars().filter_map(sound).collect();
        let letters: String = sounds.iter().filter_map(|s| s.chars().next()).collect();
        for (kind, query) in [
            ("name", service.name.zh.clone()),
            ("english", service.name.en.clone()),
            ("number", service.number.clone()),
            ("pinyin", sounds.concat()),
            ("spaced pinyin", sounds.join(" ")),
            ("initials", letters),
            ("slip", slip(&service.name.zh)),
        ] {
            let query = SearchQuery {
                q: query,
                page_size: 5,
                ..SearchQuery::default()
            };
            if !city().search(&query).items.iter().any(|s| s.id == service.id) {
                misses
                    .entry(kind)
                    .or_default()
                    .push(format!("{} ({})", query.q, service.name.zh));
            }
        }
    }
    for (kind, missed) in &misses {
        println!(
            "{kind}: {} of {asked} missed: {:?}",
            missed.len(),
            missed.iter().take(8).collect::<Vec<_>>()
        );
    }
    let most = asked / 20;
    assert!(
        misses.values().all(|m| m.len() <= most),
        "more than one in twenty was missed"
    );
    assert!(!misses.contains_key("number") && !misses.contains_key("name"));
}

fn sound(c: char) -> Option<&'static str> {
    use pinyin::ToPinyin;
    c.to_pinyin().map(pinyin::Pinyin::plain)
}

/// The name with one of its characters replaced by another that sounds the same.
fn slip(name: &str) -> String {
    let mut characters: Vec<char> = name.chars().collect();
    let middle = characters.len() / 2;
    let wanted = characters.get(middle).copied().and_then(sound);
    let other = ('\u{4E00}'..='\u{9FA5}').find(|c| sound(*c) == wanted && characters.get(middle) != Some(c));
    if let (Some(slot), Some(other), true) = (characters.get_mut(middle), other, wanted.is_some()) {
        *slot = other;
    }
    characters.into_iter().collect()
}

/// Questions of our own: each with words that the name of a right answer holds.
#[test]
fn questions_lead_to_the_right_names() {
    let text = include_str!("questions.csv");
    let (mut all, mut first, mut five) = (0, 0, 0);
    for line in text.lines() {
        let (query, expected) = line.split_once(',').unwrap();
        let expected: Vec<&str> = expected.split(';').collect();
        assert!(
            expected
                .iter()
                .any(|e| city().services().iter().any(|s| s.name.zh.contains(e))),
            "nothing is called {expected:?}"
        );
        let page = city().search(&SearchQuery {
            q: query.to_owned(),
            page_size: 5,
            ..SearchQuery::default()
        });
        let rank = page
            .items
            .iter()
            .position(|s| expected.iter().any(|e| s.name.zh.contains(e)));
        all += 1;
        first += usize::from(rank == Some(0));
        five += usize::from(rank.is_some());
        if rank.is_none() {
            let names: Vec<&str> = page.items.iter().map(|s| s.name.zh.as_str()).collect();
            println!("{query}: wanted {expected:?}, got {names:?}");
        }
    }
    println!("{all} questions, {first} first, {five} in the first five");
    assert!(five * 10 >= all * 9, "fewer than nine in ten");
}
