//! Schemes in use, each with a published sample or a value computed by hand with Python's hashlib and hmac, or OpenSSL.

use super::*;

#[test]
fn q5_md5_over_sorted_parameters_with_the_key_behind() {
    let part = json!({"cover": "sorted", "key": "suffix &key=", "digest": "md5", "case": "upper", "into": "sign", "secret": "secret:key"});
    let message = json!({"timestamp": "20260408101530", "appKey": "A1", "nonce": "8f3c", "empty": "", "none": null, "bizContent": {"grbh": "0011", "xm": "张三"}});
    let mut desk = Desk::new(&[("key", "SECRET")]);
    assert_eq!(
        sign(part.clone(), message.clone(), &desk),
        "8E53166D857C1465095E3CFD4CABDF09"
    );
    // The same in a system that speaks GBK: the bytes are other bytes.
    desk.charset = Charset::Gbk;
    assert_eq!(sign(part, message, &desk), "E6C3EF2056EA8ADC0992E8AB9E17A5D4");
}

#[test]
fn sm3_of_a_registry_gateway() {
    let part = json!({"cover": "sorted", "empties": "drop", "key": "suffix &key=", "digest": "sm3", "case": "upper", "into": "sign", "secret": "secret:key"});
    let message = json!({"method": "bdc.gx.cx", "appId": "a1", "timestamp": "2026-04-08 10:15:30", "nonce": "n1", "bizContent": "{\"ywh\":\"1\"}"});
    assert_eq!(
        sign(part, message, &Desk::new(&[("key", "k1")])),
        "8EC480080C77AF44EC2EFCB8435148959B4701916D66EE6156471C6DF65A9266"
    );
}

#[test]
fn wechat_pay_v2_published_sample() {
    // "Signature algorithm" of the payment manual, version 2.
    let part = |digest: &str| json!({"key": "suffix &key=", "digest": digest, "case": "upper", "into": "sign", "secret": "secret:key"});
    let message = json!({"appid": "wxd930ea5d5a258f4f", "mch_id": "10000100", "device_info": "1000", "body": "test", "nonce_str": "ibuaiVcKdpRxkhJA"});
    let desk = Desk::new(&[("key", "192006250b4c09247ec02edce69f6a2d")]);
    assert_eq!(
        sign(part("md5"), message.clone(), &desk),
        "9A0A8659F005D6984697E2CA0A9CF3B7"
    );
    assert_eq!(
        sign(part("hmac-sha256"), message, &desk),
        "6A9AE1657590FD6257D693A078E1C3E4BB6BA4DC30B23E0EE2496E54170DACD6"
    );
}

#[test]
fn wechat_page_signature_published_sample() {
    // "JS-SDK", appendix 1: SHA-1 over four fields, the ticket among them.
    let part = json!({"cover": "template", "template": "jsapi_ticket={secret}&noncestr={query:noncestr}&timestamp={query:timestamp}&url={query:url}", "digest": "sha1", "into": "query signature", "secret": "secret:ticket"});
    let message = get(&[
        ("noncestr", "Wm3WZYTPz0wzccnW"),
        ("timestamp", "1414587457"),
        ("url", "http://mp.weixin.qq.com?params=value"),
    ]);
    let desk = Desk::new(&[(
        "ticket",
        "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg",
    )]);
    let message = signed(&recipe(part), message, &desk);
    assert_eq!(
        message.parameter("signature"),
        Some("0f9de62fce790f9a083d5c99e95740ceb90c27ed")
    );
}

#[test]
fn values_sorted_and_joined_by_nothing() {
    // Server check of official accounts: SHA-1 over token, timestamp and nonce sorted by value.
    let part = json!({"order": "value", "item": "{value}", "joiner": "", "digest": "sha1", "into": "query signature"});
    let message = get(&[("token", "TOKEN"), ("timestamp", "1414587457"), ("nonce", "n0nce")]);
    let message = signed(&recipe(part), message, &Desk::new(&[]));
    assert_eq!(
        message.parameter("signature"),
        Some("0198a0bd3e36a0b05f05662284c49fbe15566652")
    );
}

#[test]
fn key_on_both_sides_without_separators() {
    // The open platform of a large shop: secret, names and values, secret.
    let part = json!({"item": "{name}{value}", "joiner": "", "key": "both", "digest": "md5", "case": "upper", "into": "sign", "secret": "secret:key"});
    let message = json!({"foo": "1", "bar": "2", "foo_bar": "3", "foobar": "4"});
    assert_eq!(
        sign(part, message, &Desk::new(&[("key", "helloworld")])),
        "5AAF1C690262A24768F5478B084C2C8A"
    );
}

#[test]
fn q6_tif_headers() {
    let part = json!({
        "template": "{timestamp}{secret}{nonce}{timestamp}", "digest": "sha256", "secret": "secret:token",
        "into": "header x-tif-signature",
        "add": {"header x-tif-paasid": "{secret:paasid}", "header x-tif-timestamp": "{timestamp}", "header x-tif-nonce": "{nonce}"},
        "nonce": "letters 12",
    });
    let desk = Desk::new(&[("token", "TOKEN"), ("paasid", "p1")]);
    let message = signed(&recipe(part.clone()), post(json!({})), &desk);
    assert_eq!(message.header("x-tif-timestamp"), Some("1775614530"));
    assert_eq!(message.header("x-tif-paasid"), Some("p1"));
    assert_eq!(message.header("x-tif-nonce").map(str::len), Some(12));
    // Another system's message, by hand: sha256("1775614530" "TOKEN" "8f3c" "1775614530").
    let mut inbound = post(json!({}));
    for (name, value) in [
        ("x-tif-timestamp", "1775614530"),
        ("x-tif-nonce", "8f3c"),
        (
            "x-tif-signature",
            "f6225c1677eb1acf13dd136980ea18076979f6e6f421cc1bc3bb2a92c13064d4",
        ),
    ] {
        inbound.set_header(name, value);
    }
    let verified = recipe(part).verify(&inbound, &desk.given(), &body).unwrap();
    assert_eq!((verified.at, verified.nonce.as_deref()), (Some(desk.now), Some("8f3c")));
}

#[test]
fn q7_service_code_and_password_in_the_query() {
    let part = json!({"template": "{query:servicecode}{secret}{query:time}", "digest": "md5", "into": "query sign", "secret": "secret:pwd"});
    let message = get(&[
        ("method", "ticketValidation"),
        ("servicecode", "SVC"),
        ("time", "20260408101530"),
    ]);
    let message = signed(&recipe(part), message, &Desk::new(&[("pwd", "PWD")]));
    assert_eq!(message.parameter("sign"), Some("0b39d911ce3bde572d9e1e35aefa40a0"));
}

#[test]
fn rsa2_of_a_payment_gateway() {
    // The private key and signature of hub-crypto's tests; the signature was made with OpenSSL.
    let key = include_str!("../../../../hub/crypto/tests/rsa/pkcs8.b64");
    let public = include_str!("../../../../hub/crypto/tests/rsa/public.b64");
    let expected: String = include_str!("../../../../hub/crypto/tests/rsa/signature.b64")
        .split_whitespace()
        .collect();
    let part = json!({"digest": "rsa2", "into": "sign", "secret": "secret:key", "verify": "secret:public", "exclude": ["sign_type"]});
    let message =
        json!({"method": "alipay.trade.query", "charset": "utf-8", "app_id": "2014072300007148", "sign_type": "RSA2"});
    let desk = Desk::new(&[("key", key), ("public", public)]);
    assert_eq!(sign(part, message, &desk), expected);
}

#[test]
fn rsa2_over_one_member_of_an_answer() {
    let key = include_str!("../../../../hub/crypto/tests/rsa/pkcs8.b64");
    let part = json!({"digest": "rsa2", "into": "sign", "secret": "secret:key", "verify": "secret:theirs", "answer": {"cover": "member trade_query_response"}});
    let recipe = recipe(part);
    let answers = recipe.answer().unwrap();
    let desk = Desk::new(&[("key", key), ("theirs", key)]);
    // Spaces and escapes inside the member are signed as they stand.
    let raw = r#"{"code":"10000", "msg":"\u6210功 }"}"#;
    let signature = hub_crypto::base64(&hub_crypto::rsa_sign_sha256(key, raw.as_bytes()).unwrap());
    let text = format!("{{\"other\":[1,{{}}], \"trade_query_response\" : {raw} ,\"sign\":\"{signature}\"}}");
    let message = post(serde_json::from_str(&text).unwrap());
    answers
        .verify(&message, &desk.given(), &|_| Some(text.clone().into_bytes()))
        .unwrap();
    let changed = text.replace("10000", "10001");
    assert_eq!(
        answers.verify(&message, &desk.given(), &|_| Some(changed.clone().into_bytes())),
        Err(SignError::Mismatch)
    );
}

#[test]
fn sm2_with_named_options() {
    // The key pair of GB/T 32918.5-2017.
    let key = "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8";
    let desk = Desk::new(&[("key", key)]);
    let raw = json!({"digest": "sm2", "form": "raw", "output": "hex", "into": "sign", "secret": "secret:key", "exclude": ["encData", "extra"], "nested": "sorted-json"});
    assert_eq!(
        sign(raw, json!({"data": {"b": 1, "a": 2}, "extra": "x"}), &desk).len(),
        128
    );
    let der = json!({"digest": "sm2", "signer": "app-7", "into": "sign", "secret": "secret:key"});
    assert!(sign(der, json!({"data": "x"}), &desk).starts_with("ME"));
}

#[test]
fn aws_signature_version_4_published_sample() {
    // "Signature Version 4 signing process", the IAM ListUsers example.
    let part = json!({
        "template": "{method}\n{path}\n{query | sort}\ncontent-type:{header:content-type}\nhost:{header:host}\nx-amz-date:{timestamp}\n\ncontent-type;host;x-amz-date\n{body | sha256}",
        "wrap": "AWS4-HMAC-SHA256\n{timestamp}\n{time:yyyyMMdd utc}/us-east-1/iam/aws4_request\n{text | sha256}",
        "digest": "hmac-sha256", "mac_key": "AWS4{secret}", "secret": "secret:key",
        "mac_steps": ["{time:yyyyMMdd utc}", "us-east-1", "iam", "aws4_request"],
        "timestamp": "yyyyMMdd'T'HHmmss'Z' utc", "add": {"header X-Amz-Date": "{timestamp}"},
        "into": "header Authorization",
        "value": "AWS4-HMAC-SHA256 Credential={secret:id}/{time:yyyyMMdd utc}/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature={signature}",
    });
    let mut desk = Desk::new(&[
        ("key", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
        ("id", "AKIDEXAMPLE"),
    ]);
    desk.now = "2015-08-30T12:36:00Z".parse().unwrap();
    let mut message = get(&[("Version", "2010-05-08"), ("Action", "ListUsers")]);
    message.set_header("Host", "iam.amazonaws.com");
    message.set_header("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
    let message = signed(&recipe(part), message, &desk);
    assert_eq!(message.header("x-amz-date"), Some("20150830T123600Z"));
    assert_eq!(
        message.header("authorization"),
        Some(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date, \
             Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
        )
    );
}

#[test]
fn tencent_cloud_v3() {
    // The request of the "Signature v3" manual; its hashed canonical request is 7019a55b…; key chosen here, value by hand.
    let part = json!({
        "template": "{method}\n{path}\n{query}\ncontent-type:{header:content-type}\nhost:{header:host}\nx-tc-action:{header:x-tc-action | lower}\n\ncontent-type;host;x-tc-action\n{body | sha256}",
        "wrap": "TC3-HMAC-SHA256\n{timestamp}\n{time:yyyy-MM-dd utc}/cvm/tc3_request\n{text | sha256}",
        "digest": "hmac-sha256", "mac_key": "TC3{secret}", "secret": "secret:key",
        "mac_steps": ["{time:yyyy-MM-dd utc}", "cvm", "tc3_request"],
        "add": {"header X-TC-Timestamp": "{timestamp}"}, "into": "header Authorization", "value": "Signature={signature}",
    });
    let mut desk = Desk::new(&[("key", "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE")]);
    desk.now = Timestamp::from_second(1_551_113_065).unwrap();
    let mut message =
        post(r#"{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}"#.into());
    message.path = "/".into();
    message.set_header("Host", "cvm.tencentcloudapi.com");
    message.set_header("Content-Type", "application/json; charset=utf-8");
    message.set_header("X-TC-Action", "DescribeInstances");
    let recipe = recipe(part);
    let message = signed(&recipe, message, &desk);
    assert_eq!(
        message.header("authorization"),
        Some("Signature=644be983de9a8a3f00db8eadaba61467c3b429e2215758ba897b738ca469fd26")
    );
    assert_eq!(
        recipe.explain(&message, &desk.given(), &body).unwrap(),
        "TC3-HMAC-SHA256\n1551113065\n2019-02-25/cvm/tc3_request\n7019a55be8395899b900fb5564e4200d984910f34794a27cb3fb7d10ff6a1e84"
    );
}

#[test]
fn aliyun_rpc_published_sample() {
    // "Signature method" of the RPC style: percent-encoded twice, key followed by `&`.
    let part = json!({
        "item": "{name | url}={value | url}", "wrap": "{method}&%2F&{text | url}", "digest": "hmac-sha1",
        "mac_key": "{secret}&", "secret": "secret:key", "output": "base64", "into": "query Signature",
    });
    let message = get(&[
        ("Timestamp", "2016-02-23T12:46:24Z"),
        ("Format", "XML"),
        ("AccessKeyId", "testid"),
        ("Action", "DescribeRegions"),
        ("SignatureMethod", "HMAC-SHA1"),
        ("SignatureNonce", "3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf"),
        ("Version", "2014-05-26"),
        ("SignatureVersion", "1.0"),
    ]);
    let message = signed(&recipe(part), message, &Desk::new(&[("key", "testsecret")]));
    assert_eq!(message.parameter("Signature"), Some("OLeaidS1JvxuMvnyHOwuJ+uX5qY="));
}

#[test]
fn webhook_body_in_a_header_published_sample() {
    // "Validating webhook deliveries" of a large code host.
    let part = json!({"cover": "body", "digest": "hmac-sha256", "secret": "secret:key", "into": "header X-Hub-Signature-256", "value": "sha256={signature}"});
    let desk = Desk::new(&[("key", "It's a Secret to Everybody")]);
    let message = signed(&recipe(part), post("Hello, World!".into()), &desk);
    assert_eq!(
        message.header("x-hub-signature-256"),
        Some("sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17")
    );
}

#[test]
fn method_path_time_and_body_in_headers() {
    let part = json!({
        "template": "{method}\n{path}\n{timestamp}\n{body}", "digest": "hmac-sha256", "output": "base64", "secret": "secret:key",
        "timestamp": "epoch-ms", "add": {"header X-App": "{secret:app}", "header X-Time": "{timestamp}"}, "into": "header X-Sign",
    });
    let desk = Desk::new(&[("key", "k"), ("app", "a1")]);
    let message = signed(&recipe(part), post(json!({"a": 1})), &desk);
    assert_eq!(message.header("x-time"), Some("1775614530000"));
    assert_eq!(
        message.header("x-sign"),
        Some("agT9WLgqOMW9E+Nca472wQ6HnQBYNZK02zJH6/5hIYo=")
    );
}

#[test]
fn small_habits() {
    let desk = Desk::new(&[
        ("key", "KEY"),
        ("k", "K"),
        ("salt", "SALT"),
        ("hm", "k1"),
        ("7", "7SALT"),
    ]);
    let md5 = |more: Value| {
        let mut part = json!({"digest": "md5", "into": "sign", "secret": "secret:k", "key": "suffix"});
        part.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        part
    };
    // Key in front.
    assert_eq!(
        sign(
            md5(json!({"key": "prefix", "secret": "secret:key"})),
            json!({"b": 2, "a": 1}),
            &desk
        ),
        "0fb1b0f15cfb8da2bc268bfaa8512243"
    );
    // Values escaped as Java does, before they are joined.
    let part = md5(json!({"item": "{name}={value | form-url}", "key": "suffix &key="}));
    assert_eq!(
        sign(part, json!({"n": "中", "a": "x y/z"}), &desk),
        "ea3e8cd522080cf262814c6893ffd04b"
    );
    // Descending, case-blind, listed, and values only.
    assert_eq!(
        sign(
            md5(json!({"order": "descending"})),
            json!({"a": 1, "b": 2, "c": 3}),
            &desk
        ),
        "7a02a7bfe697904eb70756d2f73c2b91"
    );
    assert_eq!(
        sign(md5(json!({"order": "nocase"})), json!({"c": 3, "a": 1, "B": 2}), &desk),
        "4d651f43fb62d308b4115bf15bc71cb0"
    );
    let listed = md5(json!({"fields": ["a", "b", "c"], "item": "{value}", "joiner": ""}));
    assert_eq!(
        sign(listed, json!({"c": 3, "b": 2, "a": 1, "d": 4}), &desk),
        "3552ac2c57862d75c7315d9285cdd16a"
    );
    // Digest of a digest and a salt.
    let twice = md5(json!({"wrap": "{text | md5}", "secret": "secret:salt"}));
    assert_eq!(
        sign(twice, json!({"id": "1"}), &desk),
        "f990c2113f52298f27fd92e80e0a9ae7"
    );
    // Nested JSON with sorted names.
    let sorted =
        json!({"digest": "sha256", "nested": "sorted-json", "key": "suffix", "secret": "secret:salt", "into": "sign"});
    let message = json!({"id": 7, "data": {"b": "中", "a": [{"y": 2, "x": 1}]}});
    assert_eq!(
        sign(sorted, message, &desk),
        "f15cb731bafad4a272d562cd44e098102c7a2f98cc17c99022acfeeef6e319ab"
    );
    // HMAC-SM3.
    let sm3 = json!({"digest": "hmac-sm3", "secret": "secret:hm", "into": "sign"});
    assert_eq!(
        sign(sm3, json!({"b": "2", "a": "1"}), &desk),
        "a8f23b76a4852ba2ba23c81a9828c08e2832c923bbaf67b481b1b5b635869734"
    );
    // Empty parameters kept; parameters of one object in the body; the signature outside of it.
    let kept = json!({"empties": "keep", "of": "data", "digest": "plain", "into": "sign"});
    assert_eq!(
        sign(kept, json!({"app": "x", "data": {"b": "", "a": "1"}}), &desk),
        "a=1&b="
    );
    // Content-MD5.
    let content =
        json!({"cover": "body", "wrap": "{text | md5 raw | base64}", "digest": "plain", "into": "header Content-MD5"});
    assert_eq!(
        signed(&recipe(content), post("body".into()), &desk).header("content-md5"),
        Some("hBotaJrYa9FhFEdFPCLG/A==")
    );
}
