//! Refusals, explanations, and mistakes in recipes.

use super::*;

fn header_recipe() -> Value {
    json!({
        "template": "{timestamp}{secret}{nonce}{body}", "digest": "sha256", "secret": "secret:token", "into": "header X-Sign",
        "add": {"header X-Time": "{timestamp}", "header X-Nonce": "{nonce}"}, "skew": "60s",
    })
}

#[test]
fn what_was_changed_is_refused() {
    let desk = Desk::new(&[("token", "T")]);
    let recipe = recipe(header_recipe());
    let good = signed(&recipe, post(json!({"a": 1})), &desk);
    let verify = |message: &Message| recipe.verify(message, &desk.given(), &body);
    let mut changed = good.clone();
    changed.body = json!({"a": 2});
    assert_eq!(verify(&changed), Err(SignError::Mismatch));
    let mut changed = good.clone();
    changed.set_header("X-Nonce", "other");
    assert_eq!(verify(&changed), Err(SignError::Mismatch));
    let mut changed = good.clone();
    changed.set_header("X-Sign", "");
    assert_eq!(verify(&changed), Err(SignError::Mismatch));
    let without = |name: &str| {
        let mut message = good.clone();
        message.headers.retain(|(n, _)| n != name);
        verify(&message).unwrap_err().to_string()
    };
    assert_eq!(without("X-Sign"), "header `X-Sign` is missing");
    assert_eq!(without("X-Time"), "header `X-Time` is missing");
    assert_eq!(without("X-Nonce"), "header `X-Nonce` is missing");
    let other = Desk::new(&[("token", "U")]);
    assert_eq!(recipe.verify(&good, &other.given(), &body), Err(SignError::Mismatch));
}

#[test]
fn the_clock_may_be_off_a_little() {
    let desk = Desk::new(&[("token", "T")]);
    let recipe = recipe(header_recipe());
    let good = signed(&recipe, post(json!({})), &desk);
    let at = |seconds: i64| {
        let mut later = Desk::new(&[("token", "T")]);
        later.now = Timestamp::from_second(desk.now.as_second() + seconds).unwrap();
        recipe.verify(&good, &later.given(), &body).map(|_| ())
    };
    assert_eq!(at(60), Ok(()));
    assert_eq!(at(-60), Ok(()));
    assert_eq!(
        at(61),
        Err(SignError::Stale {
            seconds: 61,
            allowed: 60
        })
    );
    assert_eq!(
        at(-3600),
        Err(SignError::Stale {
            seconds: 3600,
            allowed: 60
        })
    );
}

#[test]
fn stamps_that_the_manifest_sends_are_seen() {
    let desk = Desk::new(&[("key", "K")]);
    let recipe = recipe(json!({
        "digest": "md5", "key": "suffix", "secret": "secret:key", "into": "sign",
        "timestamp": "yyyy-MM-dd HH:mm:ss", "seen": {"timestamp": "timestamp", "nonce": "nonce"},
    }));
    let message = json!({"a": 1, "timestamp": "2026-04-08 10:15:00", "nonce": "n"});
    let good = signed(&recipe, post(message), &desk);
    let verified = recipe.verify(&good, &desk.given(), &body).unwrap();
    assert_eq!(verified.at.map(|at| desk.now.as_second() - at.as_second()), Some(30));
    assert_eq!(verified.nonce.as_deref(), Some("n"));
    // Signed right, but a week old.
    let mut old = post(json!({"a": 1, "timestamp": "2026-04-01 10:15:00", "nonce": "n"}));
    recipe.sign(&mut old, &desk.given(), &body).unwrap();
    assert!(matches!(
        recipe.verify(&old, &desk.given(), &body),
        Err(SignError::Stale { .. })
    ));
}

#[test]
fn hex_is_compared_without_its_case() {
    let desk = Desk::new(&[("key", "K")]);
    let recipe =
        recipe(json!({"digest": "md5", "case": "upper", "key": "suffix", "secret": "secret:key", "into": "sign"}));
    let mut message = signed(&recipe, post(json!({"a": 1})), &desk);
    message.body["sign"] = message.body["sign"].as_str().unwrap().to_lowercase().into();
    recipe.verify(&message, &desk.given(), &body).unwrap();
}

#[test]
fn explains_without_secrets() {
    let desk = Desk::new(&[("token", "T-SECRET")]);
    let explain = |part: Value, message: Message| {
        let recipe = recipe(part);
        let message = signed(&recipe, message, &desk);
        recipe.explain(&message, &desk.given(), &body).unwrap()
    };
    let suffix = json!({"digest": "md5", "key": "suffix &key=", "secret": "secret:token", "into": "sign"});
    assert_eq!(explain(suffix, post(json!({"b": "中", "a": 1}))), "a=1&b=中&key=***");
    let mut header = header_recipe();
    header["template"] = json!("{timestamp}.{session:token}.{secret | md5}.{nonce | first 0}.{body}");
    assert_eq!(explain(header, post(json!({"a": 1}))), "1775614530.***.***..{\"a\":1}");
    let digest_of_both = json!({"digest": "md5", "key": "{text}:{secret}", "wrap": "{text | upper}", "secret": "secret:token", "into": "sign"});
    assert_eq!(explain(digest_of_both, post(json!({"a": "x"}))), "A=X:***");
}

#[test]
fn missing_secrets_are_named_and_never_shown() {
    let part = json!({"digest": "md5", "key": "suffix", "secret": "secret:key", "into": "sign"});
    let error = |part: &Value, desk: &Desk| {
        let error = recipe(part.clone())
            .sign(&mut post(json!({})), &desk.given(), &body)
            .unwrap_err();
        error.to_string()
    };
    assert_eq!(error(&part, &Desk::new(&[])), "the secret `key` is not set");
    let rsa = json!({"digest": "rsa2", "secret": "secret:key", "into": "sign"});
    let message = error(&rsa, &Desk::new(&[("key", "hunter2")]));
    assert!(message.starts_with("the secret `key` is not usable"), "{message}");
    assert!(!message.contains("hunter2"));
    let session = json!({"template": "{session:nope}", "digest": "md5", "into": "sign"});
    assert_eq!(error(&session, &Desk::new(&[])), "the session has no `nope`");
}

#[test]
fn secrets_are_listed_with_what_they_must_be() {
    let part = json!({
        "digest": "rsa2", "secret": "secret:key", "verify": "secret:theirs", "into": "sign",
        "add": {"header X-App": "{secret:app}"}, "answer": {"cover": "member data"},
    });
    let expected = [
        ("app", SecretKind::Text),
        ("key", SecretKind::Rsa),
        ("theirs", SecretKind::Rsa),
    ];
    let expected: Vec<_> = expected
        .iter()
        .map(|(name, kind)| ((*name).to_owned(), *kind))
        .collect();
    assert_eq!(recipe(part).secrets(), expected);
}

#[test]
fn mistakes_are_named_with_their_place() {
    let mistakes = |part: Value| Recipe::parse(&part).unwrap_err();
    let one = |part: Value| {
        let mut all = mistakes(part);
        assert_eq!(all.len(), 1, "{all:?}");
        all.remove(0)
    };
    let base = |more: Value| {
        let mut part = json!({"digest": "md5", "into": "sign", "secret": "secret:key", "key": "suffix"});
        part.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        part
    };
    assert_eq!(
        one(base(json!({"digset": "md5"}))),
        ("/digset".into(), "unknown key `digset`; did you mean digest?".into())
    );
    assert_eq!(
        one(base(json!({"digest": "md55"}))),
        ("/digest".into(), "`md55` is not known; did you mean md5?".into())
    );
    assert_eq!(one(base(json!({"secret": "hunter2"}))).0, "/secret");
    assert!(one(base(json!({"key": "none"}))).1.contains("not used"));
    assert!(
        one(json!({"digest": "md5", "into": "sign", "key": "suffix"}))
            .1
            .contains("`secret` is missing")
    );
    assert!(one(json!({"digest": "md5"})).1.contains("`into` is missing"));
    assert_eq!(
        one(base(json!({"empties": "maybe"}))).1,
        "expected drop, keep, got `maybe`"
    );
    assert_eq!(
        one(base(json!({"wrap": "{txt}"}))).1,
        "`{txt}` is not known here; expected text"
    );
    assert!(
        one(base(json!({"wrap": "{text | mdd5}"})))
            .1
            .contains("did you mean md5")
    );
    assert!(one(base(json!({"wrap": "{text"}))).1.contains("no partner"));
    assert_eq!(one(base(json!({"wrap": "constant"}))).0, "/wrap");
    assert!(
        one(base(json!({"cover": "template"})))
            .1
            .contains("`template` is missing")
    );
    assert!(one(base(json!({"template": "{nonce}"}))).1.contains("seen"));
    assert!(
        one(base(json!({"template": "{time:YY}", "seen": {"timestamp": "t"}})))
            .1
            .contains("pattern letter")
    );
    assert_eq!(one(base(json!({"answer": {"digets": "md5"}}))).0, "/answer/digets");
    assert_eq!(one(base(json!({"add": {"header X": 1}}))).0, "/add/header X");
    assert_eq!(one(base(json!({"skew": "soon"}))).0, "/skew");
    assert_eq!(mistakes(json!("md5")).len(), 1);
    // The keys of the schema are the keys that are read.
    let schema = schema();
    let known: Vec<&str> = schema["properties"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    for key in read::KEYS.iter().chain(&read::RARE_KEYS) {
        assert!(known.contains(key), "{key}");
    }
    assert_eq!(known.len(), read::KEYS.len() + read::RARE_KEYS.len());
}

#[test]
fn other_forms_of_stamps() {
    let desk = Desk::new(&[]);
    let stamps = |timestamp: &str, nonce: &str| {
        let part = json!({"template": "{timestamp}{nonce}", "digest": "md5", "into": "header S", "timestamp": timestamp, "nonce": nonce, "add": {"header T": "{timestamp}", "header N": "{nonce}"}});
        let message = signed(&recipe(part), post(json!({})), &desk);
        (
            message.header("T").unwrap().to_owned(),
            message.header("N").unwrap().to_owned(),
        )
    };
    assert_eq!(stamps("http", "uuid").0, "Wed, 08 Apr 2026 02:15:30 GMT");
    assert_eq!(stamps("yyyyMMddHHmmss", "digits 6").0, "20260408101530");
    assert_eq!(
        stamps("yyyy-MM-dd'T'HH:mm:ss'Z' utc", "hex 8").0,
        "2026-04-08T02:15:30Z"
    );
    assert_eq!(
        stamps("epoch", "uuid").1.split('-').map(str::len).collect::<Vec<_>>(),
        [8, 4, 4, 4, 12]
    );
    assert!(stamps("epoch", "digits 6").1.parse::<u32>().is_ok());
    assert_eq!(stamps("epoch", "letters 20").1.len(), 20);
}

#[test]
fn the_manual_is_right() {
    let manual = include_str!("../../../../docs/how-to/signing.md");
    let mut parts = 0;
    for block in manual.split("```yaml\n").skip(1) {
        let block = block.split("```").next().unwrap();
        let document = hub_catalog::Document::parse("signing.md", block.as_bytes()).unwrap();
        if let Err(mistakes) = Recipe::parse(&document.value["sign"]) {
            panic!("{mistakes:?} in\n{block}");
        }
        parts += 1;
    }
    assert!(parts >= 12, "{parts}");
    for key in read::KEYS.iter().chain(&read::RARE_KEYS) {
        assert!(manual.contains(&format!("`{key}`")), "{key} is not described");
    }
}
