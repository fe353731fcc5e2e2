//! Platforms whose gateways agencies copy. Published samples where there are any, else values by Python or OpenSSL.

use super::*;

const RSA: &str = include_str!("../../../../hub/crypto/tests/rsa/pkcs8.b64");

fn from_file(text: &str) -> String {
    text.split_whitespace().collect()
}

#[test]
fn s3_with_a_list_of_signed_headers_published_sample() {
    // "Signature calculations for the Authorization header", GET object.
    let part = json!({
        "template": "{method}\n{path}\n{query | sort}\nhost:{header:host}\nrange:{header:range}\nx-amz-content-sha256:{body | sha256}\nx-amz-date:{timestamp}\n\nhost;range;x-amz-content-sha256;x-amz-date\n{body | sha256}",
        "wrap": "AWS4-HMAC-SHA256\n{timestamp}\n{time:yyyyMMdd utc}/us-east-1/s3/aws4_request\n{text | sha256}",
        "digest": "hmac-sha256", "mac_key": "AWS4{secret}", "secret": "secret:key",
        "mac_steps": ["{time:yyyyMMdd utc}", "us-east-1", "s3", "aws4_request"],
        "timestamp": "yyyyMMdd'T'HHmmss'Z' utc",
        "add": {"header x-amz-date": "{timestamp}", "header x-amz-content-sha256": "{body | sha256}"},
        "into": "header Authorization",
        "value": "AWS4-HMAC-SHA256 Credential={secret:id}/{time:yyyyMMdd utc}/us-east-1/s3/aws4_request,SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,Signature={signature}",
    });
    let mut desk = Desk::new(&[
        ("key", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        ("id", "AKIAIOSFODNN7EXAMPLE"),
    ]);
    desk.now = "2013-05-24T00:00:00Z".parse().unwrap();
    let mut message = get(&[]);
    message.path = "/test.txt".into();
    message.set_header("Host", "examplebucket.s3.amazonaws.com");
    message.set_header("Range", "bytes=0-9");
    let message = signed(&recipe(part), message, &desk);
    assert!(
        message
            .header("authorization")
            .unwrap()
            .ends_with("Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41")
    );
}

fn wechat_v3() -> Value {
    json!({
        "template": "{method}\n{path}\n{timestamp}\n{nonce}\n{body}\n", "digest": "rsa2",
        "secret": "secret:key", "verify": "secret:theirs", "into": "header Authorization",
        "value": "WECHATPAY2-SHA256-RSA2048 mchid=\"{secret:mchid}\",nonce_str=\"{nonce}\",signature=\"{signature}\",timestamp=\"{timestamp}\",serial_no=\"{secret:serial}\"",
        "answer": {
            "template": "{timestamp}\n{nonce}\n{body}\n", "into": "header Wechatpay-Signature", "value": "{signature}",
            "seen": {"timestamp": "header Wechatpay-Timestamp", "nonce": "header Wechatpay-Nonce"},
        },
    })
}

#[test]
fn wechat_pay_v3_requests() {
    let desk = Desk::new(&[
        ("key", RSA),
        ("theirs", RSA),
        ("mchid", "1900009191"),
        ("serial", "1DDE55AD98ED71D6"),
    ]);
    let recipe = recipe(wechat_v3());
    let mut message = get(&[]);
    message.path = "/v3/certificates".into();
    // Another client's request, signed with OpenSSL; time and nonce stand beside the signature.
    let signature = from_file(include_str!("wechat.b64"));
    message.set_header(
        "Authorization",
        format!("WECHATPAY2-SHA256-RSA2048 mchid=\"1900009191\",nonce_str=\"593BEC0C930BF1AFEB40B4A08C8FB242\",signature=\"{signature}\",timestamp=\"1775614530\",serial_no=\"1DDE55AD98ED71D6\""),
    );
    let verified = recipe.verify(&message, &desk.given(), &body).unwrap();
    assert_eq!(verified.nonce.as_deref(), Some("593BEC0C930BF1AFEB40B4A08C8FB242"));
    assert_eq!(verified.at, Some(desk.now));
    let own = signed(&recipe, get(&[]), &desk);
    let authorization = own.header("authorization").unwrap();
    assert!(authorization.starts_with("WECHATPAY2-SHA256-RSA2048 mchid=\"1900009191\",nonce_str=\""));
    let mut other = Desk::new(&[
        ("key", RSA),
        ("theirs", RSA),
        ("mchid", "2"),
        ("serial", "1DDE55AD98ED71D6"),
    ]);
    other.now = desk.now;
    assert_eq!(recipe.verify(&message, &other.given(), &body), Err(SignError::Mismatch));
}

#[test]
fn wechat_pay_v3_answers_and_notices() {
    let desk = Desk::new(&[("key", RSA), ("theirs", RSA)]);
    let recipe = recipe(wechat_v3());
    let mut message = post(r#"{"name":"张三"}"#.into());
    message.set_header("Wechatpay-Timestamp", "1775614530");
    message.set_header("Wechatpay-Nonce", "N0NCE");
    message.set_header("Wechatpay-Signature", from_file(include_str!("wechat-answer.b64")));
    let answers = recipe.answer().unwrap();
    let verified = answers.verify(&message, &desk.given(), &body).unwrap();
    assert_eq!(verified.nonce.as_deref(), Some("N0NCE"));
    message.set_header("Wechatpay-Nonce", "N1NCE");
    assert_eq!(answers.verify(&message, &desk.given(), &body), Err(SignError::Mismatch));
}

#[test]
fn alipay_in_gbk() {
    let part = json!({"digest": "rsa2", "secret": "secret:key", "verify": "secret:theirs", "into": "sign", "answer": {"cover": "member alipay_trade_pay_response"}});
    let mut desk = Desk::new(&[("key", RSA), ("theirs", RSA)]);
    desk.charset = Charset::Gbk;
    let message = json!({"method": "alipay.trade.pay", "app_id": "2014", "charset": "GBK", "sign_type": "RSA2", "biz_content": "{\"subject\":\"水费\"}"});
    assert_eq!(
        sign(part.clone(), message, &desk),
        from_file(include_str!("alipay-gbk.b64"))
    );
    // The bytes of one member of an answer, in GBK.
    let signature = from_file(include_str!("alipay-answer-gbk.b64"));
    let text =
        format!("{{\"alipay_trade_pay_response\":{{\"code\":\"10000\",\"msg\":\"成功\"}},\"sign\":\"{signature}\"}}");
    let bytes = Charset::Gbk.encode(&text).unwrap().into_owned();
    let message = post(serde_json::from_str(&text).unwrap());
    let recipe = recipe(part);
    recipe
        .answer()
        .unwrap()
        .verify(&message, &desk.given(), &|_| Some(bytes.clone()))
        .unwrap();
}

#[test]
fn unionpay_signs_the_digest_of_the_text() {
    let part = json!({"wrap": "{text | sha256}", "digest": "rsa2", "secret": "secret:key", "into": "signature", "add": {"certId": "{secret:cert-id}"}});
    let desk = Desk::new(&[("key", RSA), ("cert-id", "68759585097")]);
    let message = json!({"version": "5.1.0", "txnAmt": "1000", "orderId": "20260408101530", "merId": "777290058110048", "bizType": "000201", "accessType": "0"});
    let message = signed(&recipe(part), post(message), &desk);
    assert_eq!(
        message.body["signature"].as_str(),
        Some(from_file(include_str!("unionpay.b64")).as_str())
    );
}

#[test]
fn shops_md5_and_hmac_md5() {
    // The open platform of a large shop, in its second form.
    let part = json!({"item": "{name}{value}", "joiner": "", "digest": "hmac-md5", "case": "upper", "into": "sign", "secret": "secret:key"});
    let message = json!({"foo": "1", "bar": "2", "foo_bar": "3", "foobar": "4"});
    assert_eq!(
        sign(part, message, &Desk::new(&[("key", "helloworld")])),
        "E687005F819D6F9E6ED085311C8ACC75"
    );
    // Another shop: secret on both sides, parameters in the query.
    let part = json!({"item": "{name}{value}", "joiner": "", "key": "both", "digest": "md5", "case": "upper", "into": "query sign", "secret": "secret:key"});
    let message = get(&[
        ("method", "jingdong.sku.get"),
        ("access_token", "T"),
        ("app_key", "A"),
        ("timestamp", "2026-04-08 10:15:30"),
        ("v", "2.0"),
        ("360buy_param_json", "{\"skuId\":\"1\"}"),
    ]);
    let message = signed(&recipe(part), message, &Desk::new(&[("key", "SEC")]));
    assert_eq!(message.parameter("sign"), Some("7BD5B1EB1CA94B48304D246835E0C942"));
}

#[test]
fn maps_sign_path_and_query() {
    // Published: "SN" of a map platform; path, query and key escaped as a whole.
    let part = json!({"template": "{path}?{query}", "wrap": "{text}{secret}", "key": "{text | form-url}", "digest": "md5", "into": "query sn", "secret": "secret:sk"});
    let mut message = get(&[("address", "百度大厦"), ("output", "json"), ("ak", "yourak")]);
    message.path = "/geocoder/v2/".into();
    let message = signed(&recipe(part), message, &Desk::new(&[("sk", "yoursk")]));
    assert_eq!(message.parameter("sn"), Some("7de5a22212ffaa9e326444c75a58f9a0"));
    // Another: parameters as they are, the key behind them.
    let part = json!({"cover": "sorted", "key": "suffix", "wrap": "{path}?{text}", "digest": "md5", "into": "query sig", "secret": "secret:sk"});
    let mut message = get(&[("location", "28.7033487,115.8660847"), ("key", "5Q5BZ")]);
    message.path = "/ws/geocoder/v1".into();
    let message = signed(&recipe(part), message, &Desk::new(&[("sk", "SWvT26")]));
    assert_eq!(message.parameter("sig"), Some("342d83068bb22648516549983704a6b7"));
}

#[test]
fn object_stores() {
    // Published: the token that manages an object store.
    let part = json!({"template": "{path}\n{body}", "digest": "hmac-sha1", "output": "base64url", "secret": "secret:key", "into": "header Authorization", "value": "QBox {secret:id}:{signature}="});
    let desk = Desk::new(&[("key", "MY_SECRET_KEY"), ("id", "MY_ACCESS_KEY")]);
    let mut message = post(Value::Null);
    message.path = "/move/bmV3ZG9jczpmaW5kX21hbi50eHQ=/bmV3ZG9jczpmaW5kLm1hbi50eHQ=".into();
    let message = signed(&recipe(part), message, &desk);
    assert_eq!(
        message.header("authorization"),
        Some("QBox MY_ACCESS_KEY:FXsYh0wKHYPEsIAgdPD9OfjkeEM=")
    );
    // A store whose key is the text of an HMAC, with the time as a span.
    let part = json!({
        "template": "get\n{path}\n\nhost={header:host}\n",
        "wrap": "sha1\n{session:span}\n{text | sha1}\n",
        "digest": "hmac-sha1", "secret": "secret:key", "mac_key": "{secret}", "mac_form": "hex",
        "mac_steps": ["{session:span}"], "into": "header Authorization", "value": "q-signature={signature}",
    });
    let mut desk = Desk::new(&[("key", "SK")]);
    desk.session.insert("span".into(), "1775614530;1775618130".into());
    let mut message = get(&[]);
    message.path = "/a.txt".into();
    message.set_header("Host", "b.cos.example");
    let message = signed(&recipe(part), message, &desk);
    assert_eq!(
        message.header("authorization"),
        Some("q-signature=aaa174448e048d40c18abf87ccf6b8197c316874")
    );
}

#[test]
fn parcels_and_short_videos() {
    let part = json!({"template": "{body:param}{secret}{body:customer}", "digest": "md5", "case": "upper", "into": "sign", "secret": "secret:key"});
    let message = json!({"customer": "CUST", "param": "{\"com\":\"yuantong\",\"num\":\"500306190180\"}"});
    assert_eq!(
        sign(part, message, &Desk::new(&[("key", "KEY")])),
        "2DD6B189CD9DE58DA164DF036AE0A4CE"
    );
    // Values and a salt, sorted together.
    let part = json!({"item": "{value}", "exclude": ["app_id"], "wrap": "{text}&{secret}", "key": "{text | sort}", "digest": "md5", "into": "sign", "secret": "secret:salt"});
    let message = json!({"app_id": "tt1", "out_order_no": "20260408001", "total_amount": 10, "subject": "water", "ts": 1_775_614_530});
    assert_eq!(
        sign(part, message, &Desk::new(&[("salt", "SALT")])),
        "8d7c319746dde03e6462328d9cac73b8"
    );
}

#[test]
fn robots_of_offices() {
    let desk = Desk::new(&[("key", "SEC1")]);
    let part = json!({"template": "{timestamp}\n{secret}", "digest": "hmac-sha256", "output": "base64", "secret": "secret:key", "timestamp": "epoch-ms", "add": {"query timestamp": "{timestamp}"}, "into": "query sign"});
    let message = signed(&recipe(part), post(json!({"msgtype": "text"})), &desk);
    assert_eq!(
        message.parameter("sign"),
        Some("szWc/+7jPEYLOgt2XaEKhkxFCurOD2rY4XySBCIIL0c=")
    );
    // The key is what others sign, and nothing is signed.
    let part = json!({"cover": "nothing", "digest": "hmac-sha256", "mac_key": "{timestamp}\n{secret}", "output": "base64", "secret": "secret:key", "add": {"timestamp": "{timestamp}"}, "into": "sign"});
    let message = signed(&recipe(part), post(json!({"msg_type": "text"})), &desk);
    assert_eq!(message.body["sign"], "2ZZq5vqS2BRAIKWajEKyHKpJEcYW/jx2ek8scF/5BRE=");
}

#[test]
fn payment_notices_with_time_and_signature_in_one_header() {
    let part = json!({"template": "{timestamp}.{body}", "digest": "hmac-sha256", "secret": "secret:key", "into": "header Stripe-Signature", "value": "t={timestamp},v1={signature}"});
    let desk = Desk::new(&[("key", "whsec_test")]);
    let recipe = recipe(part);
    let message = signed(&recipe, post(r#"{"id":"evt_1"}"#.into()), &desk);
    assert_eq!(
        message.header("stripe-signature"),
        Some("t=1775614530,v1=0067aa780d24c5b75b432a085277196c0b22e4840eeb2586e256bafb1074cda2")
    );
    let mut old = message.clone();
    old.set_header(
        "Stripe-Signature",
        "t=1775614230,v1=0067aa780d24c5b75b432a085277196c0b22e4840eeb2586e256bafb1074cda2",
    );
    assert_eq!(recipe.verify(&old, &desk.given(), &body), Err(SignError::Mismatch));
    let both = format!(
        "{},v1=0067aa780d24c5b75b432a085277196c0b22e4840eeb2586e256bafb1074cda2",
        "t=1775614530,v1=1111aa780d24c5b75b432a085277196c0b22e4840eeb2586e256bafb1074cda2"
    );
    old.set_header("Stripe-Signature", both.clone());
    assert_eq!(recipe.verify(&old, &desk.given(), &body), Err(SignError::Mismatch));
    // While a secret is changed there are two, each under its own name.
    let several = super::recipe(
        json!({"template": "{timestamp}.{body}", "digest": "hmac-sha256", "secret": "secret:key", "into": "header Stripe-Signature", "value": "t={timestamp},v1={signature}", "several": ","}),
    );
    for (signatures, fits) in [
        (both.clone(), true),
        (both.replace(",v1=1111", ",v0=1111"), true),
        (both.replace(",v1=0067", ",v0=0067"), false),
        (both.replace("t=1775614530", "t=1775614531"), false),
    ] {
        old.set_header("Stripe-Signature", signatures);
        let verified = several.verify(&old, &desk.given(), &body);
        assert_eq!(verified.is_ok(), fits, "{verified:?}");
    }
    assert_eq!(
        signed(&several, post(r#"{"id":"evt_1"}"#.into()), &desk).header("stripe-signature"),
        message.header("stripe-signature")
    );
    old.set_header("Stripe-Signature", "v1=0067aa");
    assert!(matches!(
        recipe.verify(&old, &desk.given(), &body),
        Err(SignError::Missing(_))
    ));
}

#[test]
fn cameras_clouds_and_the_national_exchange() {
    // A platform of video systems.
    let part = json!({
        "template": "{method}\n{header:Accept}\n{header:Content-Type}\nx-ca-key:{secret:ak}\nx-ca-timestamp:{timestamp}\n{path}",
        "digest": "hmac-sha256", "output": "base64", "secret": "secret:sk", "timestamp": "epoch-ms",
        "add": {"header X-Ca-Key": "{secret:ak}", "header X-Ca-Timestamp": "{timestamp}", "header X-Ca-Signature-Headers": "x-ca-key,x-ca-timestamp"},
        "into": "header X-Ca-Signature",
    });
    let desk = Desk::new(&[("ak", "AK"), ("sk", "SK"), ("rkey", "RKEY")]);
    let mut message = post(json!({"a": 1}));
    message.set_header("Accept", "*/*");
    message.set_header("Content-Type", "application/json");
    let message = signed(&recipe(part), message, &desk);
    assert_eq!(
        message.header("x-ca-signature"),
        Some("RmS5UzFTdN6a0HNtrhq7jKfBAlTs6RE+y1Neph8Z2FQ=")
    );
    // A gateway of clouds: canonical request, its digest, one HMAC.
    let part = json!({
        "template": "{method}\n{path}/\n{query | sort}\nhost:{header:host}\nx-sdk-date:{timestamp}\n\nhost;x-sdk-date\n{body | sha256}",
        "wrap": "SDK-HMAC-SHA256\n{timestamp}\n{text | sha256}", "digest": "hmac-sha256", "secret": "secret:sk",
        "timestamp": "yyyyMMdd'T'HHmmss'Z' utc", "add": {"header X-Sdk-Date": "{timestamp}"}, "into": "header Authorization",
        "value": "SDK-HMAC-SHA256 Access={secret:ak}, SignedHeaders=host;x-sdk-date, Signature={signature}",
    });
    let mut message = post(json!({"a": 1}));
    message.query = vec![("b".into(), "2".into()), ("a".into(), "1".into())];
    message.set_header("Host", "api.example");
    let message = signed(&recipe(part), message, &desk);
    assert!(
        message
            .header("authorization")
            .unwrap()
            .ends_with("Signature=1a13fd681a74f0b4f72f7f4bc62e6ab072dd01a2f1dc0e7bb848a65533e5275b")
    );
    // Data exchange between ministries: ids and time, in headers.
    let part = json!({
        "template": "{header:gjgxjhpt_sid}{header:gjgxjhpt_rid}{timestamp}", "digest": "hmac-sha256", "output": "base64",
        "secret": "secret:rkey", "timestamp": "epoch-ms", "add": {"header gjgxjhpt_rtime": "{timestamp}"}, "into": "header gjgxjhpt_sign",
    });
    let mut message = post(json!({}));
    message.set_header("gjgxjhpt_sid", "SID1");
    message.set_header("gjgxjhpt_rid", "RID1");
    let message = signed(&recipe(part), message, &desk);
    assert_eq!(
        message.header("gjgxjhpt_sign"),
        Some("5JM2+PO+xagagjT3gy6QYjmPPyZQ2XJAzxNp53Tcn4A=")
    );
}

#[test]
fn the_target_is_the_path_and_the_query_where_there_is_one() {
    let desk = Desk::new(&[("key", "k")]);
    let part = json!({
        "template": "{method}\n{target}\n{body}\n", "digest": "plain", "into": "header X-Sign",
    });
    let covered = |part: &Value, message: Message| {
        let message = signed(&recipe(part.clone()), message, &desk);
        message.header("X-Sign").unwrap().to_owned()
    };
    assert_eq!(covered(&part, post(json!({"a": 1}))), "POST\n/open/query\n{\"a\":1}\n");
    assert_eq!(
        covered(&part, get(&[("mchid", "1 2"), ("n", "张")])),
        "GET\n/?mchid=1%202&n=%E5%BC%A0\n\n"
    );
    // The signature's own parameter is not there yet when it is made.
    let into_query = json!({"template": "{target}", "digest": "plain", "into": "query sn"});
    let message = signed(&recipe(into_query.clone()), get(&[("a", "1")]), &desk);
    assert_eq!(message.parameter("sn"), Some("/?a=1"));
    let message = signed(&recipe(into_query), get(&[]), &desk);
    assert_eq!(message.parameter("sn"), Some("/"));
}
