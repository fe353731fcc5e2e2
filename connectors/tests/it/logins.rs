//! Login pages made for people: success by a redirect, refusal by the page again, values hidden in the page before.

use crate::city::{Exchange, agree, compile, connector, drive};
use hub_connectors::{ConnectorError, Failure, Purpose, Session};
use hub_core::{ProblemCode, RawResponse};
use serde_json::{Value, json};

const ROWS: &str = r#"
fields: {hh: account_no, je: amount_fen, dqr: due_date}
operations: {bill-query: POST /bill, "*": not-yet}
"#;

/// As Flask-Login, Django and JSP answer a login.
fn by_redirect(more: &str) -> String {
    format!(
        "system: t/sys
upstream: {{dialect: form}}
session: {{login: POST /login, send: {{u: secret:user, p: secret:password}}, keep: cookie sid, answer: {{ok: http 302}}, lost: [302 /login, html]{more}}}
answer: {{code: /state, ok: ok, data: /}}{ROWS}"
    )
}

fn input() -> Value {
    json!({"account_no": "0081"})
}

fn bill() -> RawResponse {
    reply(
        200,
        &[("Content-Type", "application/json")],
        r#"{"state":"ok","hh":"0081","je":1,"dqr":"2026-04-30"}"#,
    )
}

fn reply(status: u16, headers: &[(&str, &str)], body: &str) -> RawResponse {
    RawResponse {
        status,
        headers: headers
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect(),
        body: body.as_bytes().to_vec(),
    }
}

/// One call whose login is answered so.
fn login(manifest: &str, answer: &RawResponse) -> Result<Exchange, ConnectorError> {
    let connector = connector(manifest);
    let (result, exchange) = drive(&connector, "bill-query", &input(), None, &mut |request, _| {
        if request.target.starts_with("/login") {
            answer.clone()
        } else {
            bill()
        }
    });
    result.map(|_| exchange)
}

fn is_refused(error: &ConnectorError) -> bool {
    error.problem().code == ProblemCode::UpstreamRefused
        && matches!(
            error,
            ConnectorError::Failed {
                failure: Failure::Refused,
                ..
            }
        )
}

const HOME: (&str, &str) = ("Location", "/home");
const SID: (&str, &str) = ("Set-Cookie", "sid=s1; HttpOnly; Path=/");
const MOVED: &str = "<!doctype html>\n<html lang=en>\n<title>Redirecting...</title>\n<p>You should be redirected to <a href=\"/home\">/home</a>";
const AGAIN: &str =
    "<!DOCTYPE html><html><form method=post><input name=u><input type=\"password\" name=p></form></html>";

#[test]
fn q20_a_login_that_answers_by_a_redirect() {
    for body in [MOVED, ""] {
        let told = login(&by_redirect(""), &reply(302, &[HOME, SID], body)).unwrap();
        assert_eq!(told.requests[1].1.header("cookie"), Some("sid=s1"));
        assert_eq!(told.session.unwrap().values["cookie"], "sid=s1");
    }
    // A bare number says the same where no code is declared; a class and a part of the address too.
    for word in ["302", "http 3xx", "302 /home", "http 302 home", "[http 303, http 302]"] {
        let manifest = by_redirect("").replace("http 302", word);
        assert!(login(&manifest, &reply(302, &[HOME, SID], MOVED)).is_ok(), "{word}");
    }
}

#[test]
fn q20_a_wrong_password_is_refused_however_the_page_says_so() {
    let again = reply(
        200,
        &[("Content-Type", "text/html"), ("Set-Cookie", "sid=anonymous")],
        AGAIN,
    );
    let bare = reply(200, &[], "<html><form>wrong password</form></html>");
    let back = reply(302, &[("Location", "/login?error"), SID], MOVED);
    for answer in [&again, &bare, &back] {
        assert!(is_refused(&login(&by_redirect(""), answer).unwrap_err()), "{answer:?}");
    }
    // A redirect to somewhere else than the manifest says.
    let manifest = by_redirect("").replace("http 302", "302 /home");
    let elsewhere = reply(302, &[("Location", "/blocked"), SID], MOVED);
    assert!(is_refused(&login(&manifest, &elsewhere).unwrap_err()));
    // The more particular part decides where both fit.
    let manifest = by_redirect("").replace("http 302", "302 /");
    assert!(is_refused(&login(&manifest, &back).unwrap_err()));
    assert!(login(&manifest, &reply(302, &[HOME, SID], MOVED)).is_ok());
}

#[test]
fn q20_a_login_that_answers_data_refuses_by_the_page_again() {
    let manifest = by_redirect("").replace("{ok: http 302}", "{}");
    let good = reply(200, &[SID], r#"{"ok":true}"#);
    assert!(login(&manifest, &good).is_ok());
    let bare = reply(200, &[], "<html><form>wrong password</form></html>");
    assert!(is_refused(&login(&manifest, &bare).unwrap_err()));
    // Without a word in `lost`: a page that asks for a password is the login page, another one closes the way.
    let manifest = manifest.replace(", lost: [302 /login, html]", "");
    assert!(is_refused(&login(&manifest, &reply(200, &[], AGAIN)).unwrap_err()));
    let waf = reply(200, &[], "<html><body>blocked</body></html>");
    assert_eq!(
        login(&manifest, &waf).unwrap_err().problem().code,
        ProblemCode::UpstreamBlocked
    );
}

#[test]
fn a_redirect_is_no_success_unless_the_manifest_says_so() {
    let manifest = by_redirect("")
        .replace("{ok: http 302}", "{}")
        .replace("302 /login, ", "");
    let error = login(&manifest, &reply(302, &[HOME, SID], "")).unwrap_err();
    assert!(is_refused(&error), "{error:?}");
    let findings = compile(&by_redirect("").replace("http 302", "http moved")).unwrap_err();
    assert_eq!(
        (findings[0].code.as_str(), findings[0].line > 0),
        ("bad-value", true),
        "{findings:#?}"
    );
}

/// Django: a cookie and a hidden input that must agree; JSP: the session begins at the page.
const PAGED: &str = ", page: {call: GET /login, read: {csrf: input csrfmiddlewaretoken, form: meta form-id, lang: header Content-Language}}";

fn page() -> RawResponse {
    let body = "<!DOCTYPE html><html><head><META content='f&amp;7' name=form-id>
<!-- <input name=csrfmiddlewaretoken value=commented> -->
<script>var t = '<input name=\"csrfmiddlewaretoken\" value=\"scripted\">';</script></head>
<form><input name=\"csrfmiddlewaretokens\" value=\"other\"><input
 type=hidden value=\"t0k+&quot;1&#x2F;&lt;\" NAME=\"csrfmiddlewaretoken\"/></form></html>";
    let headers = [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Language", "zh"),
        ("Set-Cookie", "csrftoken=c1; Path=/"),
        ("Set-Cookie", "JSESSIONID=j1; Path=/"),
        ("Set-Cookie", "tracking=x"),
    ];
    reply(200, &headers, body)
}

fn paged() -> String {
    by_redirect(PAGED)
        .replace("keep: cookie sid", "keep: [cookie sid, cookie csrftoken, cookie JSESSIONID]")
        .replace(
            "p: secret:password",
            "p: secret:password, csrfmiddlewaretoken: session:csrf, form: session:form, header X-CSRFToken: session:csrf",
        )
        + "send: {header X-CSRFToken: session:csrf}\n"
}

#[test]
fn q20_a_page_before_the_login_and_what_is_hidden_in_it() {
    let connector = connector(&paged());
    let (result, exchange) = drive(&connector, "bill-query", &input(), None, &mut |request, _| match (
        request.method.as_str(),
        request.target.as_str(),
    ) {
        ("GET", "/login") => page(),
        ("POST", "/login") => reply(302, &[HOME, SID, ("Set-Cookie", "csrftoken=c2")], MOVED),
        _ => bill(),
    });
    assert_eq!(result.unwrap().body["amount_fen"], 1);
    let [before, login, call] = exchange.requests.as_slice() else {
        panic!("{:?}", exchange.requests)
    };
    assert_eq!(
        (before.0, before.1.method.as_str(), before.1.body.len()),
        (Purpose::Login, "GET", 0)
    );
    assert_eq!(before.1.header("cookie"), None);
    assert_eq!(login.1.header("cookie"), Some("csrftoken=c1; JSESSIONID=j1"));
    assert_eq!(login.1.header("x-csrftoken"), Some("t0k+\"1/<"));
    let sent = String::from_utf8_lossy(&login.1.body).into_owned();
    assert!(
        sent.contains("csrfmiddlewaretoken=t0k%2B%221%2F%3C&form=f%267"),
        "{sent}"
    );
    // What the login does not set anew stays as the page set it.
    assert_eq!(call.1.header("cookie"), Some("sid=s1; csrftoken=c2; JSESSIONID=j1"));
    assert_eq!(call.1.header("x-csrftoken"), Some("t0k+\"1/<"));
}

#[test]
fn q20_a_page_that_lacks_its_value_is_told() {
    let connector = connector(&paged());
    let (result, exchange) = drive(&connector, "bill-query", &input(), None, &mut |_, _| {
        reply(200, &[], AGAIN)
    });
    let error = result.unwrap_err();
    assert_eq!(error.problem().code, ProblemCode::UpstreamContract, "{error:?}");
    assert!(error.to_string().contains("csrf"), "{error}");
    assert_eq!(exchange.requests.len(), 1);
    let (result, _) = drive(&connector, "bill-query", &input(), None, &mut |_, _| {
        reply(503, &[], "<html>")
    });
    assert_eq!(result.unwrap_err().problem().code, ProblemCode::UpstreamUnavailable);
    for (status, location) in [(302, "/sso"), (404, "/")] {
        let away = reply(status, &[("Location", location)], "<html>");
        let (result, _) = drive(&connector, "bill-query", &input(), None, &mut |_, _| away.clone());
        assert_eq!(
            result.unwrap_err().problem().code,
            ProblemCode::UpstreamUnexpected,
            "{status}"
        );
    }
    let findings = compile(&paged().replace("session:form", "session:from")).unwrap_err();
    assert_eq!(
        (findings[0].code.as_str(), findings[0].near[0].as_str()),
        ("unknown-session-value", "form")
    );
    let findings = compile(&paged().replace("call: GET /login, ", "")).unwrap_err();
    assert_eq!(findings[0].code, "missing-key");
}

#[test]
fn q20_both_halves_agree_about_login_pages() {
    for manifest in [
        by_redirect(""),
        paged(),
        by_redirect("").replace("http 302", "302 /home"),
    ] {
        let output = json!({"account_no": "0081", "amount_fen": 1, "due_date": "2026-04-30"});
        agree(&connector(&manifest), "bill-query", &input(), &output);
    }
}

#[test]
fn q20_a_session_that_is_lost_begins_at_the_page_again() {
    let connector = connector(&paged());
    let old = Session {
        values: [("cookie", "sid=old; csrftoken=o; JSESSIONID=o"), ("csrf", "old")]
            .map(|(n, v)| (n.to_owned(), v.to_owned()))
            .into(),
        since: crate::city::now(),
        until: None,
    };
    let mut calls = 0;
    let (result, exchange) = drive(
        &connector,
        "bill-query",
        &input(),
        Some(&old),
        &mut |request, _| match (request.method.as_str(), request.target.as_str()) {
            ("GET", "/login") => page(),
            ("POST", "/login") => reply(302, &[HOME, SID], ""),
            _ => {
                calls += 1;
                if calls == 1 {
                    reply(302, &[("Location", "/login?next=/bill")], MOVED)
                } else {
                    bill()
                }
            }
        },
    );
    assert!(result.is_ok(), "{result:?}");
    let targets: Vec<&str> = exchange.requests.iter().map(|(_, r)| r.target.as_str()).collect();
    assert_eq!(targets, ["/bill", "/login", "/login", "/bill"]);
    assert_eq!(
        exchange.requests[3].1.header("cookie"),
        Some("sid=s1; csrftoken=c1; JSESSIONID=j1")
    );
}

#[test]
fn q20_a_login_that_answers_a_page_either_way() {
    let manifest = by_redirect("").replace(
        "answer: {ok: http 302}",
        "answers: text, answer: {when: \"!answer.contains('name=p')\"}",
    );
    let home = reply(200, &[SID], "<html><h1>Welcome</h1></html>");
    assert_eq!(
        login(&manifest, &home).unwrap().session.unwrap().values["cookie"],
        "sid=s1"
    );
    assert!(is_refused(&login(&manifest, &reply(200, &[SID], AGAIN)).unwrap_err()));
}

fn authorization(session: &str, key: &str) -> String {
    let manifest = format!(
        "system: t/sys
upstream: {{dialect: rest-json}}
session: {{login: POST /token, sends: form, basic: [secret:app, \"{key}\"], answer: {{}}, read: {{token: /access_token}}{session}}}
send: {{header Authorization: \"Bearer {{session:token}}\"}}
operations: same"
    );
    let connector = connector(&manifest);
    let exchange = agree(
        &connector,
        "bill-query",
        &input(),
        &json!({"account_no": "0081", "amount_fen": 1, "due_date": "2026-04-30"}),
    );
    let login = exchange.requests[0].1.header("authorization").unwrap().to_owned();
    String::from_utf8(hub_crypto::from_base64(login.strip_prefix("Basic ").unwrap()).unwrap()).unwrap()
}

#[test]
fn rfc_6749_client_id_and_secret_are_escaped_as_in_a_form() {
    // Appendix B of RFC 6749: ` %&+£€` is `+%25%26%2B%C2%A3%E2%82%AC`.
    let key = " %&+£€";
    let grant = ", send: {grant_type: client_credentials}";
    assert_eq!(authorization(grant, key), "app-value:+%25%26%2B%C2%A3%E2%82%AC");
    assert_eq!(
        authorization(&format!("{grant}, basic-as: plain"), key),
        format!("app-value:{key}")
    );
    assert_eq!(authorization(", send: {a: b}", key), format!("app-value:{key}"));
    assert_eq!(
        authorization(", send: {a: b}, basic-as: form", "a:b/c="),
        "app-value:a%3Ab%2Fc%3D"
    );
    let renewed = ", send: {grant_type: client_credentials}, refresh: {call: POST /renew, send: {x: session:token}}";
    assert!(compile(&format!(
        "system: t/sys\nupstream: {{dialect: rest-json}}\nsession: {{login: POST /token, basic-as: base64, answer: {{}}{renewed}}}\noperations: same"
    ))
    .unwrap_err()
    .iter()
    .any(|f| f.code == "unknown-word"));
}
