//! Sealed bodies (quirk 8): literal bytes made with OpenSSL, every option through both halves, and what is refused.

use crate::city::{agree, bill, call, compile, connector, drive, now, secrets, through};
use hub_connectors::{Connector, ConnectorError, Context, NoFiles, ServerContext};
use hub_core::ports::Answer;
use hub_core::{ProblemCode, RawRequest, RawResponse};
use serde_json::{Value, json};

const ROWS: &str = r#"
answer: {code: /code, ok: "0", message: /message, data: /data}
fails: {"404": not-found}
wire: {date: yyyy-MM-dd, money: yuan}
fields: {hh: account_no, je: amount_fen, dqr: due_date, ny: period_month}
operations: {bill-query: POST /gw, "*": not-yet}
"#;

fn with(parts: &str) -> Connector {
    connector(&format!(
        "system: t/sys\nupstream: {{dialect: sm-gateway, path: /gw}}\n{parts}\n{ROWS}"
    ))
}

/// The gateway of quirk 8: the operation's code stands in the frame.
fn q8() -> Connector {
    let rows = ROWS.replace("POST /gw", "zd.cx");
    connector(&format!(
        "system: t/sys\nupstream: {{dialect: sm-gateway, path: /gw}}\n{Q8}\n{rows}"
    ))
}

fn sealed(seal: &str) -> Connector {
    with(&format!("seal: {seal}"))
}

fn input() -> Value {
    json!({"account_no": "0081", "period_month": "2026-03"})
}

fn output() -> Value {
    json!({"account_no": "0081", "amount_fen": 128_050, "due_date": "2026-04-30"})
}

/// Quirk 8 with all its pitfalls: nested `data.data`, a key made of application id and secret, upper-case hex, SM2 over
/// sorted parameters of the plain content with a secret behind them.
const Q8: &str = r#"
frame: {code: data/transType, body: data/data}
send: {data/appCode: secret:app-id, data/version: "1.0.0", data/encType: SM4, data/signType: SM2, data/timestamp: $epoch}
seal:
  cipher: sm4-ecb
  key: "{secret:app-secret | sm4 app-id | hex | upper | first 16}"
  of: data/data
  into: data/data/encData
  case: upper
  signature: plain
  answer: {of: data, into: data/encData}
sign:
  of: data
  nested: sorted-json
  wrap: "{text}&key={secret:app-secret}"
  digest: sm2
  secret: secret:sm2-key
  into: body data/signData
  answer: {of: all, into: signData}
"#;

/// SM4-ECB of `{"hh":"0081","ny":"2026-03"}` under `47F0581593ED7335`, which is the beginning of the SM4-ECB of the
/// application's secret under the beginning of its id; both with another implementation.
const Q8_SEALED: &str = "F2CA3FDD9100857F63985E08C78D778AA29C1F614C2C154079DFAF64A9633F25";

#[test]
fn q8_request_as_the_manual_says() {
    let exchange = agree(&q8(), "bill-query", &input(), &output());
    let mut body: Value = serde_json::from_str(&exchange.last_body()).unwrap();
    let data = body["data"].as_object_mut().unwrap();
    let signature = data.shift_remove("signData").unwrap();
    assert!(signature.as_str().unwrap().starts_with("ME"), "DER in base64");
    assert_eq!(
        body,
        json!({"data": {"transType": "zd.cx", "appCode": "APPID-0123456789X", "version": "1.0.0", "encType": "SM4",
               "signType": "SM2", "timestamp": 1_775_614_530, "data": {"encData": Q8_SEALED}}})
    );
    // What is signed is the plain content, and explaining it shows neither key nor secret.
    let secrets = secrets();
    let context = Context {
        now: now(),
        random: [1; 32],
        secrets: &secrets,
        session: None,
        files: &NoFiles,
    };
    let explained = q8().explain(&call("bill-query", &input()), &context).unwrap();
    assert_eq!(
        explained.signature.unwrap().covered,
        "appCode=***&data={\"hh\":\"0081\",\"ny\":\"2026-03\"}&encType=SM4&signType=SM2&timestamp=1775614530\
         &transType=zd.cx&version=1.0.0&key=***"
    );
}

/// A request signed with OpenSSL (`dgst -sm3 -sign -sigopt distid:1234567812345678`).
fn q8_foreign_request() -> RawRequest {
    let body = json!({"data": {"appCode": "APPID-0123456789X", "version": "1.0.0", "encType": "SM4", "signType": "SM2",
        "timestamp": 1_775_614_530, "transType": "zd.cx", "data": {"encData": Q8_SEALED},
        "signData": "MEQCIGJAKa2ILmUZ+ZZRemQiNfUR0D+xXcl3D5xioqv3pVflAiARHx2HNe1/4JRj/DvXcWr2GCy4Y8VMLM4vBES+mCAGZA=="}});
    RawRequest {
        method: "POST".into(),
        target: "/gw".into(),
        headers: vec![("Content-Type".into(), "application/json".into())],
        body: body.to_string().into_bytes(),
    }
}

fn serve(connector: &Connector, request: &RawRequest) -> (RawResponse, Vec<Value>) {
    let secrets = secrets();
    let context = ServerContext {
        now: now(),
        secrets: &secrets,
    };
    let mut inputs = Vec::new();
    let response = connector.serve(request, &context, &mut |operation, input| {
        inputs.push(Value::Object(input));
        Ok(Answer::new(operation.status, output()))
    });
    (response, inputs)
}

#[test]
fn q8_request_of_another_client_is_opened_and_verified() {
    let connector = q8();
    let (response, inputs) = serve(&connector, &q8_foreign_request());
    assert_eq!(inputs, [input()]);
    let answer: Value = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(answer["code"], "0");
    assert!(answer["data"]["encData"].as_str().unwrap().len() > 64);
    assert_eq!(answer["data"].as_object().unwrap().len(), 1, "nothing in plain");
    // One digit of the sealed text changed: it opens to nonsense or not at all, and is refused either way.
    let mut changed = q8_foreign_request();
    let text = String::from_utf8(changed.body).unwrap();
    changed.body = text.replace("F2CA3F", "F2CA3E").into_bytes();
    assert_eq!(serve(&connector, &changed).1, [] as [Value; 0]);
    let mut changed = q8_foreign_request();
    let text = String::from_utf8(changed.body).unwrap();
    changed.body = text.replace("\"1.0.0\"", "\"1.0.1\"").into_bytes();
    assert_eq!(serve(&connector, &changed).1, [] as [Value; 0]);
}

fn answered(connector: &Connector, body: &Value) -> Result<Value, ConnectorError> {
    let body = body.to_string().into_bytes();
    let (answer, _) = drive(connector, "bill-query", &input(), None, &mut |_, _| RawResponse {
        status: 200,
        headers: vec![("Content-Type".into(), "application/json".into())],
        body: body.clone(),
    });
    answer.map(|a| a.body)
}

#[test]
fn q8_answer_of_another_server() {
    let connector = q8();
    // SM4 and SM2 by OpenSSL over `code=0&data={…}&message=ok&key=app-secret-value`.
    let answer = json!({"code": "0", "message": "ok",
        "data": {"encData": "3FEDF3204A908FE57BBED468826804770686538728CC7BC53DF7F06C9593C5F97D347FBFD1350B8FCC68FFA42D5F7E8D"},
        "signData": "MEUCIQDwzjDor1Qca62W36SrncqsttAvdFg5ji0M1KSie3QMoQIgKI8+XygQPLNrMj2pvTeCajd3bHOSfLiAtz5MTtvtilI="});
    assert_eq!(answered(&connector, &answer).unwrap(), output());
    let code = |error: Result<Value, ConnectorError>| error.unwrap_err().problem().code;
    // Damaged, not sealed at all, signed by nobody.
    let mut changed = answer.clone();
    changed["data"]["encData"] = json!("00");
    assert_eq!(code(answered(&connector, &changed)), ProblemCode::UpstreamUnexpected);
    let mut changed = answer.clone();
    changed["data"] = json!({"hh": "0081", "je": "1280.50", "dqr": "2026-04-30"});
    assert_eq!(code(answered(&connector, &changed)), ProblemCode::UpstreamUnexpected);
    let mut changed = answer.clone();
    changed["message"] = json!("OK");
    assert_eq!(code(answered(&connector, &changed)), ProblemCode::UpstreamUnexpected);
}

/// What stands in `data` of a request sealed as said; both halves agree besides.
fn data_of(seal: &str) -> Value {
    let exchange = agree(&sealed(seal), "bill-query", &input(), &output());
    let body: Value = serde_json::from_str(&exchange.last_body()).unwrap();
    body["data"].clone()
}

#[test]
fn literal_bytes_of_every_block_cipher() {
    // `{"hh":"0081","ny":"2026-03"}` by another implementation, under keys made as said.
    let cases = [
        (
            r#"{cipher: sm4-ecb, key: "{secret:key | md5 raw}", of: data, case: upper}"#,
            "27682164B3F0B3F955EC4D100277AAD1C7C758470E7BB6CC68A59B59872A30E5",
        ),
        (
            r#"{cipher: sm4-cbc, key: "{secret:key | sm3 raw | first 16}", iv: 0123456789abcdef, of: data, output: base64}"#,
            "b2UNvpnQLY6Q+H+Er3j50KyYu+9g8sGn1ARZ9ExV7Cc=",
        ),
        (
            r#"{cipher: sm4-ecb, key: "{secret:app-id | first 16}", padding: zero, of: data}"#,
            "f99f0be3d02779b2255754cc7c0ba72fc542401f49a13c3b496493664dac15df",
        ),
        (
            r#"{cipher: aes-cbc, key: "{secret:key | md5 raw}", iv: 0123456789abcdef, of: data, output: base64}"#,
            "nS+dgTatkBPCwAzqnsXauNv91g+bezHGFeMwSUcHGWc=",
        ),
        (
            r#"{cipher: aes-ecb, key: "{secret:key | sha256 raw}", of: data, output: base64url}"#,
            "WzqWU0ObcB9l96w64CLXGLsNUh2Rj6pMPNrJh330QLU",
        ),
    ];
    for (seal, expected) in cases {
        assert_eq!(data_of(seal), expected, "{seal}");
    }
}

#[test]
fn vectors_and_keys_made_for_each_message() {
    let key = r#"key: "{secret:key | md5 raw}", of: data"#;
    // 16 bytes of vector before two blocks; 12 before the text and 16 of tag behind it.
    let length = |seal: &str| data_of(seal).as_str().unwrap().len() / 2;
    assert_eq!(length(&format!("{{cipher: sm4-cbc, iv: front, {key}}}")), 16 + 32);
    assert_eq!(
        length(&format!(
            "{{cipher: aes-gcm, iv: front, aad: \"{{header:Accept}}\", answer: {{aad: v1}}, {key}}}"
        )),
        12 + 28 + 16
    );
    let at = sealed(&format!("{{cipher: sm4-gcm, iv: at header X-Iv, {key}}}"));
    let exchange = agree(&at, "bill-query", &input(), &output());
    assert_eq!(exchange.requests[0].1.header("x-iv").map(str::len), Some(24));
    let text = sealed(&format!("{{cipher: aes-gcm, iv: text at iv, {key}, output: base64}}"));
    let exchange = agree(&text, "bill-query", &input(), &output());
    let body: Value = serde_json::from_str(&exchange.last_body()).unwrap();
    assert_eq!(body["iv"].as_str().map(str::len), Some(12));
    for cipher in [
        "sm2-c1c3c2",
        "sm2-c1c2c3",
        "sm2-der",
        "rsa-oaep",
        "rsa-oaep-sha1",
        "rsa-pkcs1",
    ] {
        let pair = if cipher.starts_with("sm2") {
            "sm2-key"
        } else {
            "rsa-key"
        };
        let seal = format!(
            "{{cipher: aes-cbc, iv: front, of: data, output: base64, envelope: {{cipher: {cipher}, key: secret:{pair}, into: encKey, size: 32}}}}"
        );
        let exchange = agree(&sealed(&seal), "bill-query", &input(), &output());
        let body: Value = serde_json::from_str(&exchange.last_body()).unwrap();
        assert!(body["encKey"].as_str().unwrap().len() > 100, "{cipher}");
        // Content sealed for a key pair directly.
        let seal = format!("{{cipher: {cipher}, key: secret:{pair}, of: data, into: encData, answer: {{of: data}}}}");
        agree(&sealed(&seal), "bill-query", &input(), &output());
    }
}

#[test]
fn whole_bodies_single_values_and_signatures_over_them() {
    let key = r#"cipher: sm4-ecb, key: "{secret:key | md5 raw}""#;
    for output_form in ["hex", "base64", "raw"] {
        let exchange = agree(
            &with(&format!(
                "seal: {{{key}, output: {output_form}}}\nsign: {{cover: body, digest: hmac-sm3, secret: secret:key, into: header X-Sign, answer: {{}}}}"
            )),
            "bill-query",
            &input(),
            &output(),
        );
        let body = &exchange.requests[0].1.body;
        assert!(!String::from_utf8_lossy(body).contains("0081"));
        // `{"data":{"hh":"0081","ny":"2026-03"}}` fills three blocks.
        assert_eq!(
            body.len(),
            match output_form {
                "hex" => 96,
                "base64" => 64,
                _ => 48,
            }
        );
    }
    // Signed before it is sealed, all members into one.
    let parts = format!(
        "seal: {{{key}, of: body, into: cipherText, as: sorted-json, signature: plain}}\n\
         sign: {{nested: sorted-json, digest: md5, key: suffix, secret: secret:key, into: sign, answer: {{}}}}"
    );
    let exchange = agree(&with(&parts), "bill-query", &input(), &output());
    let body: Value = serde_json::from_str(&exchange.last_body()).unwrap();
    assert_eq!(body.as_object().unwrap().keys().collect::<Vec<_>>(), ["cipherText"]);
    // Values where they stand; those that are absent are left alone.
    let parts = format!(
        "frame: {{body: data}}\nseal: {{{key}, of: [data/hh, data/nothing], answer: {{of: [data/je, data/hh]}}}}"
    );
    let exchange = agree(&with(&parts), "bill-query", &input(), &output());
    let body: Value = serde_json::from_str(&exchange.last_body()).unwrap();
    assert_eq!(body["data"]["ny"], "2026-03");
    assert_eq!(body["data"]["hh"].as_str().map(str::len), Some(32));
    let answer: Value = serde_json::from_slice(&exchange.responses[0].body).unwrap();
    assert_eq!(answer["data"]["je"].as_str().map(str::len), Some(32));
}

#[test]
fn failures_come_without_a_seal_and_gbk_is_sealed_as_gbk() {
    let connector = sealed(r#"{cipher: sm4-ecb, key: "{secret:key | md5 raw}", of: data, into: encData}"#);
    let (answer, _) = through(&connector, "bill-query", &input(), Err(ProblemCode::RecordNotFound));
    assert!(answer.unwrap_err().is_not_found());
    let gbk = r#"
system: t/sys
upstream: {dialect: sm-gateway, charset: gbk}
seal: {cipher: sm4-ecb, key: "{secret:key | md5 raw}", of: data}
answer: {code: /code, ok: "0", message: /message, data: /data}
fields: {xm: full_name, zjh: id_card_no, "cl[]": {material_list: {mc: name, nr: file}}, slh: acceptance_no, zt: case_status}
operations: {apply: POST /sq, "*": not-yet}
"#;
    let person = json!({"full_name": "张三", "id_card_no": "430105199003071230", "material_list": []});
    let case = json!({"acceptance_no": "SL1", "case_status": "accepted"});
    let exchange = agree(&connector_of(gbk), "apply", &person, &case);
    let body: Value = serde_json::from_str(&exchange.last_body()).unwrap();
    let key: [u8; 16] = hub_crypto::digest(hub_crypto::Digest::Md5, b"key-value")
        .try_into()
        .unwrap();
    let sealed = hub_crypto::from_hex(body["data"].as_str().unwrap()).unwrap();
    let (cipher, mode, padding) = (
        hub_crypto::Cipher::Sm4,
        hub_crypto::Mode::Ecb,
        hub_crypto::Padding::Pkcs7,
    );
    let plain = hub_crypto::decipher(cipher, &mode, padding, &key, &sealed).unwrap();
    assert!(
        plain.windows(4).any(|w| w == [0xd5, 0xc5, 0xc8, 0xfd]),
        "GBK bytes of the name"
    );
}

fn connector_of(manifest: &str) -> Connector {
    connector(manifest)
}

#[test]
fn sealed_operations_beside_open_ones() {
    let manifest = r#"
system: t/sys
upstream: {dialect: sm-gateway}
seal: {cipher: sm4-ecb, key: "{secret:key | md5 raw}", of: data}
answer: {code: /code, ok: "0", message: /message, data: /data}
wire: {date: yyyy-MM-dd, money: yuan}
names: camel
operations:
  bill-query: {call: POST /bill, sealed: false}
  case-list: POST /cases
  apply: not-yet
"#;
    let connector = connector(manifest);
    let (input, output) = bill();
    let exchange = agree(&connector, "bill-query", &input, &output);
    assert!(exchange.last_body().contains("0081"));
    let list = json!({"items": [{"case_no": "7", "case_status": "in_review"}], "total": 1});
    let exchange = agree(&connector, "case-list", &json!({"page": 1}), &list);
    assert!(!exchange.last_body().contains("page"));
}

#[test]
fn mistakes_are_named_with_their_place() {
    let of = |seal: &str| {
        let manifest = format!("system: t/sys\nupstream: {{dialect: sm-gateway}}\nseal: {seal}\n{ROWS}");
        let findings = compile(&manifest).unwrap_err();
        findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    assert!(
        of("{key: secret:key}").contains("sm4-ecb"),
        "{}",
        of("{key: secret:key}")
    );
    assert!(of("{cipher: sm4-ecb}").contains("`key`"));
    assert!(of("{cipher: sm4-cbc, key: secret:key}").contains("`iv`"));
    assert!(of("{cipher: sm4-ecb, key: secret:key, iv: front}").contains("takes no vector"));
    assert!(of("{cipher: aes-gcm, key: secret:key, iv: 0123456789ab}").contains("never come twice"));
    assert!(of("{cipher: sm4, key: secret:key}").contains("sm4-ecb"));
    assert!(of("{cipher: sm4-ecb, key: \"{secret}\"}").contains("{secret:NAME}"));
    assert!(of("{cipher: sm4-ecb, key: \"{secret:key | frist 16}\"}").contains("first"));
    assert!(of("{cipher: sm4-ecb, key: secret:key, of: [a], into: b}").contains("where they stand"));
    assert!(of("{cipher: sm4-ecb, key: secret:key, of: data, output: raw}").contains("whole bodies"));
    assert!(of("{cipher: sm4-ecb, key: secret:key, sealed: x}").contains("has no key `sealed`"));
    // A key of the wrong length shows when it is used, without its content.
    let connector = sealed("{cipher: sm4-ecb, key: secret:key, of: data}");
    let (answer, _) = through(&connector, "bill-query", &input(), Ok(output()));
    let error = answer.unwrap_err().to_string();
    assert!(
        error.contains("16 bytes for SM4") && !error.contains("key-value"),
        "{error}"
    );
    assert_eq!(connector.secrets(), ["key"]);
}
