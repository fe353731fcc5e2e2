//! People who operate the hub: two factors, a lock, roles that exclude each other, and a trail of what they did.

use crate::support::{City, Got, TestHub};
use hub_identity::totp;
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

const PASSWORD: &str = "一个足够长的口令 2026";

async fn ask(hub: &TestHub, token: &str, method: &str, target: &str, body: Option<&Value>) -> Got {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str())];
    hub.send(&hub.ready().admin_url, method, target, &headers, body).await
}

/// The secret of an authenticator app, as it is typed (RFC 4648, 6).
fn from_base32(text: &str) -> Vec<u8> {
    let bits = text.bytes().map(|b| match b {
        b'A'..=b'Z' => b - b'A',
        _ => b - b'2' + 26,
    });
    let (mut held, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for five in bits {
        held = (held << 5 | u32::from(five)) & 0xffff;
        count += 5;
        if count >= 8 {
            count -= 8;
            bytes.push((held >> count & 0xff) as u8);
        }
    }
    bytes
}

struct Person {
    id: String,
    name: String,
    secret: Vec<u8>,
}

impl Person {
    async fn new(hub: &TestHub, token: &str, name: &str, role: &str) -> Self {
        let body = json!({"name": name, "password": PASSWORD, "role": role});
        let made = ask(hub, token, "POST", "/admin/operators", Some(&body)).await;
        assert_eq!(made.status, 201, "{}", made.body);
        let text = |field: &str| made.body[field].as_str().unwrap().to_owned();
        assert!(text("otpauth").starts_with(&format!("otpauth://totp/hub:{name}?secret={}", text("secret"))));
        Self {
            id: text("id"),
            name: name.to_owned(),
            secret: from_base32(&text("secret")),
        }
    }

    /// The code of the moment, or of some steps later.
    fn code(&self, later: i64) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64;
        totp(&self.secret, now / 30 + later)
    }

    async fn sign_in(&self, hub: &TestHub, password: &str, code: &str) -> Got {
        let body = json!({"name": self.name, "password": password, "code": code});
        hub.send(&hub.ready().admin_url, "POST", "/admin/sign-in", &[], Some(&body))
            .await
    }

    async fn token(&self, hub: &TestHub) -> String {
        let got = self.sign_in(hub, PASSWORD, &self.code(0)).await;
        assert_eq!(got.status, 200, "{}", got.body);
        got.body["token"].as_str().unwrap().to_owned()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_come_with_two_factors_and_one_duty_each() {
    let hub = TestHub::demo(City::empty()).await;
    let first = hub.ready().admin_token.clone();
    let system = json!({"name": "wang", "password": PASSWORD, "role": "system"});
    let refused = ask(&hub, &first, "POST", "/admin/operators", Some(&system)).await;
    assert_eq!(
        (refused.status, &refused.body["where"]),
        (422, &json!("/role")),
        "{}",
        refused.body
    );
    for (name, value) in [("password", "short"), ("name", "a b"), ("role", "root")] {
        let mut body = json!({"name": "li", "password": PASSWORD, "role": "security"});
        body[name] = json!(value);
        assert_eq!(
            ask(&hub, &first, "POST", "/admin/operators", Some(&body)).await.status,
            422,
            "{name}"
        );
    }
    let li = Person::new(&hub, &first, "li-an", "security").await;
    let over = ask(&hub, &first, "GET", "/admin/clients", None).await;
    assert_eq!(
        (over.status, over.code()),
        (401, "token-invalid"),
        "the first token has had its time"
    );

    let security = li.token(&hub).await;
    let again = li.sign_in(&hub, PASSWORD, &li.code(0)).await;
    assert_eq!(again.status, 401, "a code counts once");
    let wang = Person::new(&hub, &security, "wang-xi", "system").await;
    let shen = Person::new(&hub, &security, "shen-ji", "audit").await;
    let taken = json!({"name": "wang-xi", "password": PASSWORD, "role": "audit"});
    assert_eq!(
        ask(&hub, &security, "POST", "/admin/operators", Some(&taken))
            .await
            .status,
        422
    );
    let (system, audit) = (wang.token(&hub).await, shen.token(&hub).await);

    let client = json!({"tenant": "t", "name": "n", "plan": "standard", "environment": "live"});
    let tries = [
        ("POST", "/admin/clients", Some(&client), [201, 403, 403]),
        ("GET", "/admin/clients", None, [200, 403, 200]),
        ("GET", "/admin/upstreams", None, [403, 200, 200]),
        ("POST", "/admin/reload", None, [403, 200, 403]),
        ("GET", "/admin/operators", None, [200, 403, 200]),
        ("GET", "/metrics", None, [403, 200, 200]),
    ];
    for (method, target, body, expected) in tries {
        for (token, expected) in [&security, &system, &audit].into_iter().zip(expected) {
            let got = ask(&hub, token, method, target, body).await;
            assert_eq!(got.status, expected, "{method} {target}: {}", got.body);
            assert!(expected != 403 || got.code() == "access-denied");
        }
    }
    let folder = hub.data().join("trail");
    let trail: String = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| std::fs::read_to_string(e.unwrap().path()).unwrap())
        .collect();
    for (who, act) in [
        ("li-an", "admin.POST /admin/clients"),
        ("wang-xi", "admin.POST /admin/reload"),
    ] {
        let line = trail
            .lines()
            .find(|l| l.contains(&format!("operator:{who}")) && l.contains(act));
        assert!(line.is_some(), "{who} {act}");
    }
    assert!(!trail.contains(PASSWORD));

    let last = ask(&hub, &security, "DELETE", &format!("/admin/operators/{}", li.id), None).await;
    assert_eq!(last.status, 422, "somebody must be left who lets others in");
    let gone = ask(
        &hub,
        &security,
        "DELETE",
        &format!("/admin/operators/{}", wang.id),
        None,
    )
    .await;
    assert_eq!(gone.status, 204);
    assert_eq!(ask(&hub, &system, "GET", "/admin/upstreams", None).await.status, 401);
    assert_eq!(ask(&hub, &audit, "POST", "/admin/sign-out", None).await.status, 204);
    assert_eq!(ask(&hub, &audit, "GET", "/admin/upstreams", None).await.status, 401);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_locked_after_five_failures() {
    let hub = TestHub::demo(City::empty()).await;
    let first = hub.ready().admin_token.clone();
    let li = Person::new(&hub, &first, "li-an", "security").await;
    for code in ["000000", ""] {
        let got = li.sign_in(&hub, PASSWORD, code).await;
        assert_eq!(got.status, if code.is_empty() { 422 } else { 401 });
    }
    for _ in 0..3 {
        let got = li.sign_in(&hub, "nearly the password", &li.code(0)).await;
        assert_eq!((got.status, got.code()), (401, "token-invalid"));
    }
    assert_eq!(li.sign_in(&hub, PASSWORD, "000000").await.status, 401, "the fifth");
    let locked = li.sign_in(&hub, PASSWORD, &li.code(1)).await;
    assert_eq!(locked.status, 401, "right, and too late");
    let listed = hub.hub().staff.all().await.unwrap();
    assert!(listed[0].locked > hub.hub().clock.now());
    // Nobody learns whether a name is one.
    let nobody = json!({"name": "nobody", "password": PASSWORD, "code": "123456"});
    let unknown = hub
        .send(&hub.ready().admin_url, "POST", "/admin/sign-in", &[], Some(&nobody))
        .await;
    assert_eq!((unknown.status, &unknown.body["detail"]), (401, &locked.body["detail"]));
    hub.stop().await;
}
