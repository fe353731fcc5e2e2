//! Dialects that are data: the shipped examples, switched on and pointed at servers that behave as their manuals say, and worse.

use crate::channel::{Browser, Channel, query};
use crate::idp::{Asked, Reply, Server};
use crate::support::{TestHub, repository};
use crate::upstream::{claims, come_back, depart, hub, page, way_out};
use hub_crypto::{
    Digest, base64, digest, from_base64, hex, hex_upper, rsa_generate, rsa_sign_sha256, rsa_verify_sha256,
};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// A shipped example, switched on, its servers at another address.
fn shipped(id: &str, hosts: &[&str], base: &str) -> String {
    let text = std::fs::read_to_string(repository().join(format!("policies/identity/{id}.yaml"))).unwrap();
    assert!(text.lines().count() <= 60, "{id}: a provider is at most 60 lines");
    let mut text = text.replace("active: false", "active: true\ninner: true");
    for host in hosts {
        assert!(text.contains(host), "{host}");
        text = text.replace(host, base);
    }
    text
}

/// The way back that an address names, with these parameters.
fn back(out: &str, name: &str, pairs: &[(&str, &str)]) -> String {
    let callback = query(out.split('#').next().unwrap())[name].clone();
    let mark = if callback.contains('?') { '&' } else { '?' };
    format!("{callback}{mark}{}", crate::channel::encoded(pairs))
}

const WX: [&str; 2] = ["https://api.weixin.qq.com", "https://open.weixin.qq.com/connect"];

/// What WeChat knows: accounts by code, which is good once.
#[derive(Default)]
struct Weixin {
    codes: HashMap<String, Value>,
    seen: Vec<Asked>,
}

async fn weixin() -> (Server, Arc<Mutex<Weixin>>) {
    let known = Arc::new(Mutex::new(Weixin::default()));
    let own = Arc::clone(&known);
    let server = Server::start(move |asked| {
        let mut wx = own.lock().unwrap();
        wx.seen.push(asked.clone());
        let q = &asked.query;
        if asked.path == "/sns/userinfo" {
            let openid = q["openid"].clone();
            return Reply::Json(
                200,
                json!({"openid": openid, "nickname": "小李", "unionid": format!("union-of-{openid}")}),
            );
        }
        let right = asked.method == "GET" && q["secret"] == "wx-secret" && q["grant_type"] == "authorization_code";
        if !right {
            return Reply::Json(200, json!({"errcode": 40125, "errmsg": "invalid appsecret"}));
        }
        match wx.codes.remove(q.get("code").or(q.get("js_code")).unwrap()) {
            Some(Value::String(_)) | None => Reply::Json(200, json!({"errcode": 40163, "errmsg": "code been used"})),
            Some(account) => Reply::Json(200, account),
        }
    })
    .await;
    (server, known)
}

const WX_SECRETS: &str = "identity/wechat: {appid: wx1, appsecret: wx-secret}\nidentity/wechat-h5: {appid: wx2, appsecret: wx-secret}\n\
                          identity/wechat-mini: {appid: wx3, appsecret: wx-secret}\n";

async fn wechat_hub(base: &str) -> TestHub {
    let mini = shipped("wechat-mini", &["https://api.weixin.qq.com"], base);
    let (web, h5) = (shipped("wechat", &WX, base), shipped("wechat-h5", &WX, base));
    hub(
        &[("wechat", &web), ("wechat-h5", &h5), ("wechat-mini", &mini)],
        WX_SECRETS,
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_36_wechat_says_no_inside_of_yes() {
    let (server, wx) = weixin().await;
    let hub = wechat_hub(&server.base).await;
    let channel = Channel::new(&hub, &json!({})).await;
    let code = |code: &str, account: Value| drop(wx.lock().unwrap().codes.insert(code.to_owned(), account));
    let mut browser = Browser::new(&hub);
    let out = depart(&channel, &mut browser, "wechat", &[]).await;
    assert!(out.ends_with("#wechat_redirect"), "{out}");
    let asked = query(out.split('#').next().unwrap());
    assert_eq!(
        (asked["appid"].as_str(), asked["scope"].as_str()),
        ("wx1", "snsapi_login")
    );
    assert!(asked["state"].len() <= 128 && asked["state"].bytes().all(|b| b.is_ascii_alphanumeric()));

    // Its errors are HTTP 200.
    for account in [
        json!("used"),
        json!({"errcode": 40029, "errmsg": "invalid code"}),
        json!({"access_token": "t"}),
        json!([]),
    ] {
        code("c-1", account.clone());
        let mut browser = Browser::new(&hub);
        let out = depart(&channel, &mut browser, "wechat", &[]).await;
        let got = come_back(
            &mut browser,
            &back(
                &out,
                "redirect_uri",
                &[("code", "c-1"), ("state", &query(&out.replace('#', "&"))["state"])],
            ),
        )
        .await;
        assert_eq!(got.status, 400, "{account}");
        assert!(got.body.as_str().unwrap().contains("Try again"));
    }
    // The account of a snapshot page is none.
    code(
        "c-2",
        json!({"access_token": "t", "openid": "o-1", "unionid": "u-1", "is_snapshotuser": 1}),
    );
    let state = asked["state"].clone();
    let got = come_back(
        &mut browser,
        &back(&out, "redirect_uri", &[("code", "c-2"), ("state", &state)]),
    )
    .await;
    assert!(got.status == 403 && got.body.as_str().unwrap().contains("choose the full service"));
    // A code that was used.
    let mut browser = Browser::new(&hub);
    let out = depart(&channel, &mut browser, "wechat", &[]).await;
    let state = query(&out.replace('#', "&"))["state"].clone();
    let got = come_back(
        &mut browser,
        &back(&out, "redirect_uri", &[("code", "c-2"), ("state", &state)]),
    )
    .await;
    assert!(got.status == 400 && got.body.as_str().unwrap().contains("was used"));
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_36_an_openid_is_one_applications_and_a_unionid_is_everywhere() {
    let (server, wx) = weixin().await;
    let hub = wechat_hub(&server.base).await;
    let channel = Channel::new(&hub, &json!({})).await;
    let sub = async |id: &str, account: Value| {
        wx.lock().unwrap().codes.insert("c".to_owned(), account);
        let mut browser = Browser::new(&hub);
        let out = depart(&channel, &mut browser, id, &[]).await;
        let state = query(&out.replace('#', "&"))["state"].clone();
        let name = if id == "wechat-mini" { "back" } else { "redirect_uri" };
        let address = back(&out, name, &[("code", "c"), ("state", &state)]);
        claims(&channel, &mut browser, &address).await["sub"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let account = |openid: &str| json!({"access_token": "t", "openid": openid, "session_key": "sk-secret"});
    let with_union = |openid: &str, unionid: &str| {
        let mut account = account(openid);
        account["unionid"] = json!(unionid);
        account
    };
    let web = sub("wechat", account("o-1")).await;
    assert_ne!(
        sub("wechat-mini", account("o-1")).await,
        web,
        "the same openid in another application"
    );
    assert_eq!(sub("wechat", account("o-1")).await, web);
    // The unionid, once it is known, leads to the account of the openid, and from other applications too.
    assert_eq!(sub("wechat", with_union("o-1", "union-of-o-9")).await, web);
    assert_eq!(sub("wechat-mini", with_union("o-7", "union-of-o-9")).await, web);
    assert_eq!(sub("wechat-h5", account("o-9")).await, web, "by the second call");
    assert_ne!(
        sub("wechat", account("union-of-o-9")).await,
        web,
        "an openid is no unionid"
    );
    let seen = wx
        .lock()
        .unwrap()
        .seen
        .iter()
        .filter(|a| a.target.contains("sk-secret"))
        .count();
    assert_eq!(seen, 0);
    hub.stop().await;
}

const ALIPAY: [&str; 2] = ["https://openauth.alipay.com/oauth2", "https://openapi.alipay.com"];

/// How the gateway spoils its answers.
type Spoil = Arc<Mutex<fn(String) -> String>>;

/// A gateway that checks our signature by its manual and signs the raw text of its answer.
async fn alipay(ours: String, theirs: String, spoil: Spoil) -> Server {
    Server::start(move |asked| {
        let mut pairs: Vec<(&String, &String)> = asked
            .form
            .iter()
            .filter(|(n, v)| *n != "sign" && !v.is_empty())
            .collect();
        pairs.sort();
        let text: Vec<String> = pairs.iter().map(|(n, v)| format!("{n}={v}")).collect();
        let sign = from_base64(&asked.form["sign"]).unwrap();
        let good =
            rsa_verify_sha256(&ours, text.join("&").as_bytes(), &sign).is_ok() && asked.form["timestamp"].len() == 19;
        let (member, content) = match asked.form["method"].as_str() {
            _ if !good => (
                "error_response",
                r#"{"code":"40002","sub_code":"isv.invalid-signature"}"#,
            ),
            "alipay.system.oauth.token" if asked.form["code"] == "good" => (
                "alipay_system_oauth_token_response",
                "{\"access_token\":\"at\",  \"user_id\":\"2088\\/1\",\"expires_in\":100}",
            ),
            "alipay.user.info.share" => (
                "alipay_user_info_share_response",
                r#"{"code":"10000","user_name":"李测试","cert_no":"11010519491231002X","is_certified":"T"}"#,
            ),
            _ => ("error_response", r#"{"code":"40002","sub_code":"isv.code-invalid"}"#),
        };
        let signature = base64(&rsa_sign_sha256(&theirs, content.as_bytes()).unwrap());
        let body = format!("{{\"{member}\":{content},\"sign\":\"{signature}\"}}");
        Reply::Raw(200, "text/html;charset=utf-8", spoil.lock().unwrap()(body).into_bytes())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_37_alipay_signs_the_raw_text_of_its_answer() {
    let ((our_private, our_public), (their_private, their_public)) = (rsa_generate().unwrap(), rsa_generate().unwrap());
    let spoil: Spoil = Arc::new(Mutex::new(|body| body));
    let server = alipay(our_public, their_private, Arc::clone(&spoil)).await;
    let secrets = format!(
        "identity/alipay: {{app-id: a-1, our-private-key: '{our_private}', alipay-public-key: '{their_public}'}}\n"
    );
    let hub = hub(&[("alipay", &shipped("alipay", &ALIPAY, &server.base))], &secrets).await;
    let channel = Channel::new(&hub, &json!({})).await;
    let went = async |code: &str| {
        let mut browser = Browser::new(&hub);
        let out = depart(&channel, &mut browser, "alipay", &[]).await;
        let address = back(
            &out,
            "redirect_uri",
            &[("auth_code", code), ("state", &query(&out)["state"])],
        );
        (browser, address)
    };
    let (mut browser, address) = went("good").await;
    let person = claims(&channel, &mut browser, &address).await;
    assert_eq!((&person["name"], &person["acr"]), (&json!("李测试"), &json!("R2")));

    let (mut browser, address) = went("bad").await;
    let got = come_back(&mut browser, &address).await;
    assert!(got.status == 400 && got.body.as_str().unwrap().contains("was used"));
    let lies: [fn(String) -> String; 6] = [
        |body| body.replace("2088\\/1", "2088\\/2"),
        |body| body.replace(",  \"user_id\"", ",\"user_id\""),
        |body| body.replace("2088\\/1", "2088/1"),
        |body| body.split(",\"sign\"").next().unwrap().to_owned() + "}",
        |body| body.replace("\"sign\":\"", "\"sign\":\"AAAA"),
        // The first member is signed, the last one read: two of a name are none.
        |body| {
            let extra = r#","alipay_system_oauth_token_response":{"access_token":"at","user_id":"2088/9"}}"#;
            body.strip_suffix('}').unwrap().to_owned() + extra
        },
    ];
    for (index, lie) in lies.into_iter().enumerate() {
        *spoil.lock().unwrap() = lie;
        let (mut browser, address) = went("good").await;
        assert_eq!(come_back(&mut browser, &address).await.status, 400, "lie {index}");
    }
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_of_a_province_becomes_a_person() {
    let tickets: Arc<Mutex<HashMap<String, Value>>> = Arc::default();
    let own = Arc::clone(&tickets);
    let server = Server::start(move |asked| {
        let q = &asked.query;
        let right = hex(&digest(Digest::Md5, format!("svcpw-1{}", q["time"]).as_bytes()));
        if q["sign"] != right || asked.method != "POST" || q["servicecode"] != "svc" {
            return Reply::Json(200, json!({"result": "9001", "errmsg": "sign"}));
        }
        let mut tickets = own.lock().unwrap();
        match q["method"].as_str() {
            "ticketValidation" => match tickets.remove(&q["st"]) {
                Some(person) => {
                    tickets.insert("token-1".to_owned(), person);
                    Reply::Json(200, json!({"result": "0", "token": "token-1", "errmsg": "ok"}))
                }
                None => Reply::Json(200, json!({"result": "10018", "errmsg": "ticket"})),
            },
            _ => Reply::Json(200, tickets[&q["token"]].clone()),
        }
    })
    .await;
    let file = shipped(
        "ticket",
        &["https://sso.province.example/"],
        &format!("{}/", server.base),
    );
    let hub = hub(
        &[("ticket", &file)],
        "identity/ticket: {service-code: svc, password: pw-1}\n",
    )
    .await;
    let channel = Channel::new(&hub, &json!({})).await;
    let person = json!({"result": "0", "userid": 77, "username": "王测试", "idnum": "11010519491231002X", "authlevel": "3", "usertype": "1"});
    let mut browser = Browser::new(&hub);
    let out = depart(&channel, &mut browser, "ticket", &[]).await;
    assert_eq!(query(&out)["servicecode"], "svc");
    assert!(query(&out)["goto"].contains("/callback?state="));
    tickets.lock().unwrap().insert("st-1".to_owned(), person.clone());
    let address = back(&out, "goto", &[("ticket", "st-1")]);
    let came = claims(&channel, &mut browser, &address).await;
    assert_eq!((&came["name"], &came["acr"]), (&json!("王测试"), &json!("R3")));
    let again = async |ticket: &str, person: Option<Value>| {
        if let Some(person) = person {
            tickets.lock().unwrap().insert(ticket.to_owned(), person);
        }
        let mut browser = Browser::new(&hub);
        let out = depart(&channel, &mut browser, "ticket", &[]).await;
        come_back(&mut browser, &back(&out, "goto", &[("ticket", ticket)])).await
    };
    let used = again("st-1", None).await;
    assert!(used.status == 400 && used.body.as_str().unwrap().contains("was used"));
    let mut company = person.clone();
    company["usertype"] = json!(2);
    assert_eq!(again("st-2", Some(company)).await.status, 403);
    let mut odd = person;
    odd["result"] = json!("1");
    assert_eq!(again("st-3", Some(odd)).await.status, 400);
    hub.stop().await;
}

/// Headers as the gateway signs them: by hand, after its published scheme.
fn gateway(token: &str, at: i64, uid: &str) -> Vec<(String, String)> {
    let info = base64("{\"name\":\"李测试\",\"level\":2}".as_bytes());
    let nonce = hex(&hub_crypto::random::<8>().unwrap());
    let text = format!("{at}{token}{nonce},{uid},{info},{at}");
    let signature = hex_upper(&digest(Digest::Sha256, text.as_bytes()));
    let all = [
        ("x-tif-uid", uid.to_owned()),
        ("x-tif-uinfo", info),
        ("x-tif-timestamp", at.to_string()),
        ("x-tif-nonce", nonce),
        ("x-tif-signature", signature),
    ];
    all.into_iter().map(|(n, v)| (n.to_owned(), v)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn attack_38_headers_count_with_a_signature_fresh_and_once() {
    let file = shipped("gateway", &[], "");
    let hub = hub(&[("gateway", &file)], "identity/gateway: {token: tif-token}\n").await;
    let channel = Channel::new(&hub, &json!({})).await;
    let now = hub.hub().clock.now().as_second();
    let plain = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let enter = async |headers: &[(String, String)]| {
        let mut browser = Browser::new(&hub);
        let out = way_out(&page(&channel, &mut browser, &[]).await, "gateway");
        let mut request = plain.get(format!("{}{out}", hub.ready().base_url));
        request = request.header("cookie", format!("hub-local={}", browser.cookie.clone().unwrap()));
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let answer = request.send().await.unwrap();
        let new = answer
            .headers()
            .get("set-cookie")
            .map(|c| c.to_str().unwrap().to_owned());
        browser.cookie = new.map(|c| {
            c.strip_prefix("hub-local=")
                .unwrap()
                .split(';')
                .next()
                .unwrap()
                .to_owned()
        });
        let on = answer.headers().get("location").map(|l| l.to_str().unwrap().to_owned());
        (answer.status().as_u16(), on, browser)
    };
    let good = gateway("tif-token", now, "u-1");
    let changed = |name: &str, value: &str| {
        let mut all = gateway("tif-token", now, "u-1");
        all.iter_mut()
            .filter(|(n, _)| n == name)
            .for_each(|(_, v)| value.clone_into(v));
        all
    };
    let mut twice = good.clone();
    twice.push(("x-tif-uid".to_owned(), "u-2".to_owned()));
    let lies = [
        Vec::new(),
        gateway("other-token", now, "u-1"),
        gateway("tif-token", now - 120, "u-1"),
        gateway("tif-token", now + 120, "u-1"),
        changed("x-tif-uid", "u-2"),
        changed("x-tif-uinfo", &base64(br#"{"name":"x","level":3}"#)),
        changed("x-tif-timestamp", &(now + 1).to_string()),
        changed("x-tif-signature", ""),
        twice,
    ];
    for (index, lie) in lies.iter().enumerate() {
        assert_eq!(enter(lie).await.0, 400, "lie {index}");
    }
    let (status, on, mut browser) = enter(&good).await;
    assert_eq!(status, 303);
    let came = claims(&channel, &mut browser, &on.unwrap()).await;
    assert_eq!((&came["name"], &came["acr"]), (&json!("李测试"), &json!("R2")));
    assert_eq!(enter(&good).await.0, 400, "replayed");
    let mut disguised: Vec<_> = good.into_iter().rev().collect();
    disguised[0].1 = disguised[0].1.to_lowercase();
    disguised.push(("x-more".to_owned(), "1".to_owned()));
    assert_eq!(enter(&disguised).await.0, 400, "replayed in another dress");
    hub.stop().await;
}
