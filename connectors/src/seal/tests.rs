//! Parts of the machinery that whole manifests do not show. The options through both halves: `tests/it/sealed.rs`.

use super::*;
use serde_json::json;
use std::collections::BTreeMap;

fn rule(part: &Value) -> Seal {
    seal(part.as_object().unwrap()).unwrap()
}

fn with_given<T>(secrets: &[(&str, &str)], run: impl FnOnce(&Given<'_>) -> T) -> T {
    let secrets: BTreeMap<String, String> = secrets
        .iter()
        .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
        .collect();
    run(&Given {
        now: "2026-04-08T02:15:30Z".parse().unwrap(),
        random: [1; 32],
        secrets: &secrets,
        session: &BTreeMap::new(),
        charset: Charset::Utf8,
    })
}

fn opened(part: &Value, secrets: &[(&str, &str)], body: Value) -> Result<Value, SealError> {
    let mut message = Message {
        body,
        ..Message::default()
    };
    with_given(secrets, |given| rule(part).open(&mut message, given))?;
    Ok(message.body)
}

#[test]
fn a_notice_of_a_payment_platform_is_opened() {
    // AEAD_AES_256_GCM of the platform's third interface: nonce and associated data are texts beside the cipher text.
    // Sealed with Python's `cryptography` under the key of this test.
    let part = json!({"cipher": "aes-gcm", "key": "secret:v3", "iv": "text at resource/nonce", "aad": "{body:resource/associated_data}",
        "of": "data", "into": "resource/ciphertext", "output": "base64"});
    let notice = json!({"event_type": "TRANSACTION.SUCCESS", "resource": {"algorithm": "AEAD_AES_256_GCM",
        "ciphertext": "NOTICE", "associated_data": "transaction", "nonce": "fdasflkja484"}});
    let text = notice.to_string().replace("NOTICE", include_str!("notice.b64").trim());
    let body: Value = serde_json::from_str(&text).unwrap();
    let secrets = [("v3", "0123456789abcdef0123456789abcdef")];
    let plain = opened(&part, &secrets, body.clone()).unwrap();
    assert_eq!(
        plain["data"],
        json!({"out_trade_no": "20260408001", "trade_state": "SUCCESS"})
    );
    // Other associated data, another key.
    let mut changed = body.clone();
    changed["resource"]["associated_data"] = "refund".into();
    assert_eq!(opened(&part, &secrets, changed), Err(SealError::Broken));
    let other = [("v3", "0123456789abcdef0123456789abcdeF")];
    assert_eq!(opened(&part, &other, body.clone()), Err(SealError::Broken));
    assert_eq!(
        opened(&part, &[], body).unwrap_err().to_string(),
        "the secret `v3` is not set"
    );
}

#[test]
fn hostile_sealed_texts_end_in_an_error() {
    let part = json!({"cipher": "sm4-cbc", "iv": "front", "key": "secret:k", "of": "data", "into": "enc"});
    let secrets = [("k", "0123456789abcdef")];
    for enc in ["zz", "00", "0011", &"00".repeat(16), &"00".repeat(32), "中"] {
        let found = opened(&part, &secrets, json!({"enc": enc}));
        assert!(matches!(found, Err(SealError::Broken)), "{enc}: {found:?}");
    }
    assert_eq!(opened(&part, &secrets, json!({"enc": 7})), Err(SealError::Broken));
    assert_eq!(opened(&part, &secrets, json!({"enc": ""})), Ok(json!({"enc": ""})));
    assert_eq!(opened(&part, &secrets, json!([1])), Ok(json!([1])));
    let plain = opened(&part, &secrets, json!({"data": {"a": 1}}));
    assert_eq!(plain.unwrap_err().to_string(), "`enc` is missing");
    // Sealed well, but what is inside is no JSON, or nested without end.
    let deep = format!("{}1{}", "[".repeat(200), "]".repeat(200));
    for inside in ["<html>", deep.as_str()] {
        let key = b"0123456789abcdef";
        let mode = Mode::Cbc { iv: [7; 16] };
        let sealed = hub_crypto::encipher(Cipher::Sm4, &mode, Padding::Pkcs7, key, inside.as_bytes()).unwrap();
        let enc = hub_crypto::hex(&[[7; 16].as_slice(), &sealed].concat());
        let found = opened(&part, &secrets, json!({"enc": enc}));
        assert!(matches!(found, Err(SealError::Content(_))), "{found:?}");
    }
}

#[test]
fn different_keys_for_the_two_directions() {
    let part = json!({"cipher": "sm2-c1c3c2", "key": "secret:their-public-key", "open": "secret:our-private-key", "of": "data"});
    let seal = rule(&part);
    assert_eq!(
        seal.secrets(),
        [
            "their-public-key",
            "our-private-key",
            "our-private-key",
            "our-private-key"
        ]
    );
    assert_eq!(seal.answer().unwrap().key, seal.of_knock().key);
    let none = json!({"cipher": "sm4-ecb", "key": "secret:k", "of": "data", "answer": "none"});
    assert!(rule(&none).answer().is_none());
}

#[test]
fn vectors_differ_by_value_and_message() {
    let part = json!({"cipher": "sm4-gcm", "iv": "front", "key": "secret:k", "of": ["a", "b"]});
    let mut message = Message {
        body: json!({"a": "x", "b": "x"}),
        ..Message::default()
    };
    with_given(&[("k", "0123456789abcdef")], |given| {
        rule(&part).seal(&mut message, given)
    })
    .unwrap();
    assert_ne!(message.body["a"], message.body["b"]);
    let back = opened(&part, &[("k", "0123456789abcdef")], message.body).unwrap();
    assert_eq!(back, json!({"a": "x", "b": "x"}));
}
