//! Public standards, each with the sample its text prints.

use super::*;

const HMAC_KEY: &str = "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==";
const ED25519_KEY: &str = "MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF";
const P256_KEY: &str = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lfw0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==";

/// The request of RFC 9421, B.2.
fn request() -> Message {
    let mut message = post(r#"{"hello": "world"}"#.into());
    message.path = "/foo".into();
    message.query = vec![("param".into(), "Value".into()), ("Pet".into(), "dog".into())];
    for (name, value) in [
        ("Host", "example.com"),
        ("Date", "Tue, 20 Apr 2021 02:07:55 GMT"),
        ("Content-Type", "application/json"),
        ("Content-Length", "18"),
    ] {
        message.set_header(name, value);
    }
    message
}

fn desk(secrets: &[(&str, &str)]) -> Desk {
    let mut desk = Desk::new(secrets);
    desk.now = Timestamp::from_second(1_618_884_473).unwrap();
    desk
}

#[test]
fn rfc_9421_hmac_sha256() {
    // RFC 9421, B.2.5. The time stands inside of the parameters; whoever verifies reads it there.
    let part = json!({
        "template": "\"date\": {header:Date}\n\"@authority\": {header:Host}\n\"content-type\": {header:Content-Type}\n\"@signature-params\": (\"date\" \"@authority\" \"content-type\");created={timestamp};keyid=\"{secret:id}\"",
        "digest": "hmac-sha256", "mac_key": "{secret | unbase64}", "secret": "secret:key", "output": "base64",
        "add": {"header Signature-Input": "sig-b25=(\"date\" \"@authority\" \"content-type\");created={timestamp};keyid=\"{secret:id}\""},
        "into": "header Signature", "value": "sig-b25=:{signature}:",
    });
    let recipe = recipe(part);
    let mut desk = desk(&[("key", HMAC_KEY), ("id", "test-shared-secret")]);
    let message = signed(&recipe, request(), &desk);
    assert_eq!(
        message.header("signature"),
        Some("sig-b25=:pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:")
    );
    assert_eq!(
        message.header("signature-input"),
        Some(r#"sig-b25=("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret""#)
    );
    let verified = recipe.verify(&message, &desk.given(), &body).unwrap();
    assert_eq!(verified.at, Some(desk.now));
    desk.now = Timestamp::from_second(1_618_884_473 + 301).unwrap();
    assert!(matches!(
        recipe.verify(&message, &desk.given(), &body),
        Err(SignError::Stale { .. })
    ));
}

#[test]
fn rfc_9421_ed25519() {
    // RFC 9421, B.2.6.
    let covered = r#"("date" "@method" "@path" "@authority" "content-type" "content-length")"#;
    let part = json!({
        "template": format!("\"date\": {{header:Date}}\n\"@method\": {{method}}\n\"@path\": {{path}}\n\"@authority\": {{header:Host}}\n\"content-type\": {{header:Content-Type}}\n\"content-length\": {{header:Content-Length}}\n\"@signature-params\": {covered};created={{timestamp}};keyid=\"test-key-ed25519\""),
        "digest": "ed25519", "secret": "secret:key",
        "add": {"header Signature-Input": format!("sig-b26={covered};created={{timestamp}};keyid=\"test-key-ed25519\"")},
        "into": "header Signature", "value": "sig-b26=:{signature}:",
    });
    let message = signed(&recipe(part), request(), &desk(&[("key", ED25519_KEY)]));
    assert_eq!(
        message.header("signature"),
        Some("sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:")
    );
}

#[test]
fn rfc_9421_ecdsa_p256_over_an_answer() {
    // RFC 9421, B.2.4: an answer, so it is only verified. What must be 200 is written into the recipe.
    let covered = r#"("@status" "content-type" "content-digest" "content-length")"#;
    let part = json!({
        "digest": "ecdsa-p256", "verify": "secret:theirs", "into": "header Signature", "cover": "body",
        "answer": {
            "cover": "template",
            "template": format!("\"@status\": 200\n\"content-type\": {{header:Content-Type}}\n\"content-digest\": {{header:Content-Digest}}\n\"content-length\": {{header:Content-Length}}\n\"@signature-params\": {covered};created={{timestamp}};keyid=\"test-key-ecc-p256\""),
            "value": "sig-b24=:{signature}:",
            "add": {"header Signature-Input": format!("sig-b24={covered};created={{timestamp}};keyid=\"test-key-ecc-p256\"")},
        },
    });
    let recipe = recipe(part);
    let mut message = Message::default();
    for (name, value) in [
        ("Content-Type", "application/json"),
        (
            "Content-Digest",
            "sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:",
        ),
        ("Content-Length", "23"),
        (
            "Signature-Input",
            r#"sig-b24=("@status" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-ecc-p256""#,
        ),
        (
            "Signature",
            "sig-b24=:wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw==:",
        ),
    ] {
        message.set_header(name, value);
    }
    let desk = desk(&[("theirs", P256_KEY)]);
    let answers = recipe.answer().unwrap();
    answers.verify(&message, &desk.given(), &body).unwrap();
    message.set_header("Content-Length", "24");
    assert_eq!(answers.verify(&message, &desk.given(), &body), Err(SignError::Mismatch));
}

#[test]
fn rfc_9530_content_digest_signed_as_a_header() {
    // RFC 9530, appendix D prints the SHA-512 of this body; RFC 9421, B.2 has it too.
    let part = json!({
        "template": "\"content-digest\": {header:Content-Digest}\n\"@signature-params\": (\"content-digest\");created={timestamp}",
        "digest": "hmac-sha256", "secret": "secret:key", "output": "base64",
        "add": {
            "header Content-Digest": "sha-512=:{body | sha512 raw | base64}:",
            "header Signature-Input": "s=(\"content-digest\");created={timestamp}",
        },
        "into": "header Signature", "value": "s=:{signature}:",
    });
    let message = signed(&recipe(part), request(), &desk(&[("key", "k")]));
    assert_eq!(
        message.header("content-digest"),
        Some("sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:")
    );
}

#[test]
fn rfc_5849_oauth_hmac_sha1() {
    // RFC 5849, 1.2: the photo of a holiday.
    let part = json!({
        "template": "{query}&oauth_consumer_key={secret:id}&oauth_nonce=chapoH&oauth_signature_method=HMAC-SHA1&oauth_timestamp={timestamp}&oauth_token={session:token}",
        "wrap": "{text | sort}",
        "key": "{method}&http%3A%2F%2Fphotos.example.net%2Fphotos&{text | url}",
        "digest": "hmac-sha1", "mac_key": "{secret | url}&{secret:token-secret | url}", "secret": "secret:key", "output": "base64",
        "into": "header Authorization",
        "value": "OAuth realm=\"Photos\", oauth_consumer_key=\"{secret:id}\", oauth_token=\"{session:token}\", oauth_signature_method=\"HMAC-SHA1\", oauth_timestamp=\"{timestamp}\", oauth_nonce=\"chapoH\", oauth_signature=\"{signature}\"",
    });
    let mut desk = Desk::new(&[
        ("key", "kd94hf93k423kf44"),
        ("token-secret", "pfkkdhi9sl3r4s00"),
        ("id", "dpf43f3p2l4k3l03"),
    ]);
    desk.now = Timestamp::from_second(137_131_202).unwrap();
    desk.session.insert("token".into(), "nnch734d00sl2jdk".into());
    let message = get(&[("file", "vacation.jpg"), ("size", "original")]);
    let message = signed(&recipe(part), message, &desk);
    let authorization = message.header("authorization").unwrap();
    assert!(
        authorization.ends_with("oauth_signature=\"MdpQcU8iPSUjWoN/UDMsK2sui9I=\""),
        "{authorization}"
    );
}

#[test]
fn standard_webhooks() {
    // The specification's own sample.
    let part = json!({
        "template": "{header:webhook-id}.{timestamp}.{body}", "digest": "hmac-sha256", "mac_key": "{secret | unbase64}",
        "secret": "secret:key", "output": "base64", "seen": {"timestamp": "header webhook-timestamp"},
        "into": "header webhook-signature", "value": "v1,{signature}",
    });
    let mut desk = Desk::new(&[("key", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]);
    desk.now = Timestamp::from_second(1_614_265_330).unwrap();
    let mut message = post(r#"{"test": 2432232314}"#.into());
    message.set_header("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek");
    message.set_header("webhook-timestamp", "1614265330");
    message.set_header("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    recipe(part).verify(&message, &desk.given(), &body).unwrap();
}

#[test]
fn rsa_with_sha512_and_pss() {
    let key = include_str!("../../../../hub/crypto/tests/rsa/pkcs8.b64");
    let desk = Desk::new(&[("key", key)]);
    let part = |digest: &str| json!({"digest": digest, "secret": "secret:key", "into": "sign"});
    // By OpenSSL: `printf 'a=1&b=2' | openssl dgst -sha512 -sign`.
    let expected: String = include_str!("rs512.b64").split_whitespace().collect();
    assert_eq!(sign(part("rsa-sha512"), json!({"b": 2, "a": 1}), &desk), expected);
    for digest in ["rsa-pss-sha256", "rsa-pss-sha512"] {
        assert_eq!(sign(part(digest), json!({"a": 1}), &desk).len(), 344);
    }
}
