//! Tokens good and bad.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // tests may fail loudly

mod figures;
mod forge;
mod sso;

use forge::{Forge, at, issuer, store, wang};
use hub_core::ports::Shown;
use hub_core::{Assurance, Mandate, ProblemCode};
use hub_identity::{Identity, PairwiseKey, TestIssuer, TokenError, TokenVerifier, TrustedIssuer};
use serde_json::{Value, json};

#[tokio::test]
async fn a_minted_token_says_who_stands_behind_it() {
    let (_folder, store) = store().await;
    let issuer = issuer(&store).await;
    let identity = Identity::new(
        TokenVerifier::new(vec![issuer.trusted()]),
        PairwiseKey::load(&store).await.unwrap(),
    );
    let mut acting = wang();
    acting.mandate = Some(Mandate {
        uscc: "91990100MA0000000X".into(),
        org_name: "星城测试有限公司".into(),
        role: "legal_rep".into(),
    });
    let token = issuer.mint(&acting, 600, at(0)).unwrap();
    let subject = identity.subject(&Shown::bearer(&token), at(1)).unwrap();
    assert_eq!(subject.id, "http://hub.test/sso#p-1");
    assert_eq!(
        (subject.assurance, subject.name.as_deref()),
        (Assurance::R3, Some("王小明"))
    );
    assert_eq!(subject.id_number.as_deref(), Some("990101199003070011"));
    assert_eq!(subject.mandate, acting.mandate);
    assert_eq!(subject.expires, at(600).as_second());
    assert_eq!(
        identity.subject(&Shown::bearer(&token), at(600)).unwrap_err().code,
        ProblemCode::TokenExpired
    );
    assert_eq!(
        identity.subject(&Shown::bearer("x"), at(1)).unwrap_err().code,
        ProblemCode::TokenInvalid
    );
}

#[tokio::test]
async fn the_issuer_keeps_its_key_and_the_jwks_is_enough_to_trust_it() {
    let (_folder, store) = store().await;
    let token = issuer(&store).await.mint(&wang(), 600, at(0)).unwrap();
    let again = issuer(&store).await;
    let jwks = again.jwks();
    assert!(jwks["keys"][0].get("d").is_none());
    let trusted = TrustedIssuer::from_jwks("http://hub.test/sso", vec!["hub".into()], Assurance::R2, &jwks).unwrap();
    let subject = TokenVerifier::new(vec![trusted]).verify(&token, at(1)).unwrap();
    assert_eq!(subject.assurance, Assurance::R2, "its word counts only so far");
    for (name, value) in [
        ("d", json!("AAAA")),
        ("kty", json!("oct")),
        ("alg", json!("HS256")),
        ("use", json!("enc")),
        ("x", json!("AA")),
        ("kid", json!(1)),
    ] {
        let mut bad = jwks.clone();
        bad["keys"][0][name] = value;
        assert!(
            TrustedIssuer::from_jwks("i", Vec::new(), Assurance::R4, &bad).is_err(),
            "{name}"
        );
    }
    assert!(TrustedIssuer::from_jwks("i", Vec::new(), Assurance::R4, &json!({"keys": []})).is_err());
}

#[test]
fn headers_that_ask_for_anything_else_are_refused() {
    let forge = Forge::new();
    let refused = |header: Value, why: TokenError| {
        let token = forge.signed(&header, &forge.claims());
        assert_eq!(forge.verify(&token), Err(why), "{header}");
    };
    let kid = forge.kid();
    assert!(forge.verify(&forge.signed(&forge.header(), &forge.claims())).is_ok());
    for alg in [
        "none", "None", "NONE", "nOnE", "HS256", "HS512", "RS256", "PS256", "ES384", "", "es256",
    ] {
        refused(json!({"alg": alg, "typ": "at+jwt", "kid": kid}), TokenError::Header);
    }
    // An algorithm that other keys are for.
    refused(json!({"alg": "EdDSA", "typ": "at+jwt", "kid": kid}), TokenError::Key);
    for typ in [json!(null), json!("JWT"), json!("logout+jwt"), json!("at+jwt ")] {
        refused(json!({"alg": "ES256", "typ": typ, "kid": kid}), TokenError::Header);
    }
    refused(json!({"alg": "ES256", "typ": "at+jwt"}), TokenError::Header);
    for odd in [
        "other",
        "../../etc/passwd",
        "' OR 1=1 --",
        "",
        "http://evil.example/jwks",
    ] {
        refused(json!({"alg": "ES256", "typ": "at+jwt", "kid": odd}), TokenError::Key);
    }
    for (name, value) in [
        ("jku", json!("http://evil.example/jwks")),
        ("x5u", json!("http://evil.example/cert")),
        ("x5c", json!(["AAAA"])),
        ("jwk", forge.jwk()),
        ("crit", json!(["b64"])),
        ("crit", json!([])),
        ("zip", json!("DEF")),
        ("enc", json!("A256GCM")),
        ("cty", json!("JWT")),
    ] {
        let mut header = forge.header();
        header[name] = value;
        refused(header, TokenError::Header);
    }
}

#[test]
fn signatures_that_do_not_fit_are_refused() {
    let forge = Forge::new();
    let good = forge.signed(&forge.header(), &forge.claims());
    let (message, signature) = good.rsplit_once('.').unwrap();
    for wrong in [
        format!("{message}."),
        format!("{message}.{}", "A".repeat(86)),
        format!("{message}.{}", signature.chars().rev().collect::<String>()),
        format!("{message}.{}", &signature[..80]),
    ] {
        assert!(forge.verify(&wrong).is_err(), "{wrong}");
    }
    let other = Forge::new();
    assert_eq!(
        forge.verify(&other.signed(&forge.header(), &forge.claims())),
        Err(TokenError::Signature)
    );
    let mut raised = forge.claims();
    raised["acr"] = json!("R4");
    let swapped = forge.signed(&forge.header(), &raised);
    let payload = swapped.split('.').nth(1).unwrap();
    let (head, _) = message.split_once('.').unwrap();
    assert_eq!(
        forge.verify(&format!("{head}.{payload}.{signature}")),
        Err(TokenError::Signature)
    );
    // The public key as an HMAC secret, in every form it is known in.
    for secret in forge.public_forms() {
        let header = json!({"alg": "HS256", "typ": "at+jwt", "kid": forge.kid()});
        assert_eq!(
            forge.verify(&Forge::mac(&secret, &header, &forge.claims())),
            Err(TokenError::Header)
        );
        let lying = Forge::mac(&secret, &forge.header(), &forge.claims());
        assert_eq!(forge.verify(&lying), Err(TokenError::Signature));
    }
}

#[test]
fn what_is_not_three_parts_is_no_token() {
    let forge = Forge::new();
    let good = forge.signed(&forge.header(), &forge.claims());
    for wrong in [
        "",
        ".",
        "..",
        "a.b",
        "a.b.c.d",
        "a.b.c.d.e",
        &good.replace('.', ""),
        &"a".repeat(9000),
        "中.文.字",
    ] {
        assert!(forge.verify(wrong).is_err(), "{wrong}");
    }
    for odd in [
        format!(" {good}"),
        format!("{good} "),
        format!("{good}="),
        good.replace('-', "+"),
    ] {
        let same = odd == good;
        assert!(same || forge.verify(&odd).is_err(), "{odd}");
    }
}

#[test]
fn claims_are_taken_at_their_exact_worth() {
    let forge = Forge::new();
    let (now, day) = (at(0).as_second(), 86_400);
    let refused = |name: &str, value: Option<Value>| {
        let mut claims = forge.claims();
        match value.clone() {
            Some(value) => claims[name] = value,
            None => drop(claims.as_object_mut().unwrap().remove(name)),
        }
        let error = forge.verify(&forge.signed(&forge.header(), &claims)).unwrap_err();
        assert!(
            !matches!(error, TokenError::Header | TokenError::Key),
            "{name} {value:?} {error}"
        );
    };
    for iss in [
        None,
        Some(json!("http://hub.test/sso/")),
        Some(json!("HTTP://hub.test/sso")),
        Some(json!(["http://hub.test/sso"])),
    ] {
        refused("iss", iss);
    }
    for aud in [
        None,
        Some(json!("other")),
        Some(json!([])),
        Some(json!(["other"])),
        Some(json!(["hub", 1])),
        Some(json!("hub ")),
    ] {
        refused("aud", aud);
    }
    for exp in [
        None,
        Some(json!(now)),
        Some(json!(now - 1)),
        Some(json!("4102444800")),
        Some(json!(null)),
        Some(json!(1e18)),
        Some(json!(now + 2 * day)),
        Some(json!(i64::MAX)),
        Some(json!(u64::MAX)),
        Some(json!(-1)),
    ] {
        refused("exp", exp);
    }
    for iat in [
        None,
        Some(json!(now + 3600)),
        Some(json!("1")),
        Some(json!(0)),
        Some(json!(i64::MIN)),
    ] {
        refused("iat", iat);
    }
    for nbf in [json!(now + 3600), json!("x"), json!(null)] {
        refused("nbf", Some(nbf));
    }
    let odd_texts = [
        json!(""),
        json!(" "),
        json!(1),
        json!(["p"]),
        json!({}),
        json!(null),
        json!(true),
        json!("a\r\nSet-Cookie: x"),
        json!("a\u{0}b"),
        json!("a\u{202e}b"),
        json!("x".repeat(300)),
    ];
    for odd in odd_texts {
        for name in ["sub", "name", "id_number", "mobile"] {
            refused(name, Some(odd.clone()));
        }
        refused("mandate", Some(json!({"uscc": odd, "org_name": "o", "role": "r"})));
    }
    refused("sub", None);
    for acr in [
        None,
        Some(json!("R5")),
        Some(json!("r3")),
        Some(json!(3)),
        Some(json!("loa3")),
    ] {
        refused("acr", acr);
    }
    for mandate in [
        json!("x"),
        json!([]),
        json!({}),
        json!({"uscc": "u", "org_name": "o"}),
        json!(null),
    ] {
        refused("mandate", Some(mandate));
    }
    let mut more = forge.claims();
    more["aud"] = json!(["other", "hub"]);
    more["roles"] = json!(["admin"]);
    more["assurance"] = json!("R4");
    more["nbf"] = json!(now + 10);
    let subject = forge.verify(&forge.signed(&forge.header(), &more)).unwrap();
    assert_eq!(subject.assurance, Assurance::R2, "claims nobody mapped mean nothing");
}

#[test]
fn one_sub_at_two_issuers_is_two_subjects_and_keys_do_not_serve_strangers() {
    let (one, two) = (Forge::new(), Forge::named("http://other.test/sso"));
    let verifier = TokenVerifier::new(vec![one.trusted(), two.trusted()]);
    let first = verifier
        .verify(&one.signed(&one.header(), &one.claims()), at(0))
        .unwrap();
    let second = verifier
        .verify(&two.signed(&two.header(), &two.claims()), at(0))
        .unwrap();
    assert_ne!(first.id, second.id);
    let posing = verifier.verify(&two.signed(&two.header(), &one.claims()), at(0));
    assert_eq!(posing.unwrap_err(), TokenError::Issuer);
    // Both use one key id: the one whose signature fits is meant.
    let same_id = TrustedIssuer {
        keys: vec![two.key_called(&one.kid())],
        ..two.trusted()
    };
    let verifier = TokenVerifier::new(vec![same_id, one.trusted()]);
    assert!(
        verifier
            .verify(&one.signed(&one.header(), &one.claims()), at(0))
            .is_ok()
    );
}

#[test]
fn a_remembered_token_still_runs_out_and_a_bad_one_is_never_remembered() {
    let forge = Forge::new();
    let verifier = TokenVerifier::new(vec![forge.trusted()]);
    let mut claims = forge.claims();
    claims["exp"] = json!(at(30).as_second());
    let token = forge.signed(&forge.header(), &claims);
    let first = verifier.verify(&token, at(0)).unwrap();
    assert!(
        std::sync::Arc::ptr_eq(&first, &verifier.verify(&token, at(29)).unwrap()),
        "remembered"
    );
    assert_eq!(verifier.verify(&token, at(30)).unwrap_err(), TokenError::Expired);
    let early = forge.signed(&forge.header(), &forge.claims());
    assert_eq!(verifier.verify(&early, at(-3600)).unwrap_err(), TokenError::Times);
    assert!(verifier.verify(&early, at(0)).is_ok());
}

#[tokio::test]
async fn pairwise_ids_are_stable_and_joinable_by_nobody() {
    let (folder, store) = store().await;
    let key = PairwiseKey::load(&store).await.unwrap();
    let forge = Forge::new();
    let one = forge.verify(&forge.signed(&forge.header(), &forge.claims())).unwrap();
    let mut other = (*one).clone();
    other.id.push('1');
    let id = key.id(&one, "hpf");
    assert_eq!((id.len(), id.contains("p-1")), (43, false));
    assert_ne!(id, key.id(&one, "psb"));
    assert_ne!(id, key.id(&other, "hpf"));
    assert_ne!(key.id(&one, "hp"), id);
    store.close().await;
    let again = hub_store::Store::open(folder.path(), None).await.unwrap();
    assert_eq!(PairwiseKey::load(&again).await.unwrap().id(&one, "hpf"), id);
    let mut elsewhere = (*one).clone();
    elsewhere.name = None;
    elsewhere.assurance = Assurance::R0;
    assert_eq!(key.id(&elsewhere, "hpf"), id, "only the id counts");
}

#[tokio::test]
async fn nothing_personal_shows_in_words() {
    let (_folder, store) = store().await;
    let issuer: TestIssuer = issuer(&store).await;
    let verifier = TokenVerifier::new(vec![issuer.trusted()]);
    let token = issuer.mint(&wang(), 60, at(0)).unwrap();
    let subject = verifier.verify(&token, at(0)).unwrap();
    let words = format!("{subject:?} {issuer:?} {verifier:?}");
    assert!(!words.contains("王小明") && !words.contains("990101199003070011"));
    let problem = verifier.verify(&format!("{token}x"), at(0)).unwrap_err().problem();
    assert!(!format!("{problem:?}").contains(&token[..20]));
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_without_a_fall(text in "\\PC{0,200}", a in "[A-Za-z0-9_-]{0,60}", b in "[A-Za-z0-9_-]{0,60}") {
        let forge = Forge::shared();
        proptest::prop_assert!(forge.verify(&text).is_err());
        let shaped = [a.as_str(), b.as_str(), a.as_str()].join(".");
        proptest::prop_assert!(forge.verify(&shaped).is_err());
    }
}
