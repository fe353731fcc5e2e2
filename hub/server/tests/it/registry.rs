//! From the file an agency has to a callable address, and on to its end.

use crate::registry_desk::{Desk, hub, id, title, written};
use crate::support::{City, Got, TestHub, http};
use serde_json::{Value, json};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn one_command_leads_from_a_file_to_an_answer() {
    let city = TestHub::demo(City::sample()).await;
    let folder = tempfile::tempdir().unwrap();
    written(
        &folder,
        "权籍查询.yaml",
        &title("0.1.0", "https://title.example/api", ""),
    );
    let started = Instant::now();
    let output = hub(&folder, &city, &["register", "权籍查询.yaml", "--json"]);
    let took = started.elapsed();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    let base = &city.ready().base_url;
    assert_eq!(told["sandbox_url"], format!("{base}/sandbox/first/quan-ji-cha-xun/v0"));
    assert_eq!(
        (&told["format"], &told["format_version"], &told["operations"]),
        (&json!("openapi"), &json!("3.0.3"), &json!(1))
    );
    assert_eq!(told["answer"]["status"], 200, "{told}");
    assert!(told["answer"]["body"]["area"].is_number(), "{told}");
    assert!(took < Duration::from_secs(20), "{took:?}");
    // The line that is printed works as it stands.
    let curl = told["example"]["curl"].as_str().unwrap();
    let pasted = Command::new("sh")
        .arg("-c")
        .arg(format!("{curl} --silent"))
        .output()
        .unwrap();
    let pasted: Value = serde_json::from_slice(&pasted.stdout).unwrap();
    assert_eq!(pasted, told["answer"]["body"]);

    let text = hub(&folder, &city, &["register", "权籍查询.yaml"]);
    let text = String::from_utf8(text.stdout).unwrap();
    assert!(
        text.contains("/sandbox/first/quan-ji-cha-xun/v0") && text.contains("curl -X GET"),
        "{text}"
    );

    written(
        &folder,
        "broken.yaml",
        "openapi: 3.0.3\ninfo: {title: x, version: '1'}\npaths: {/a: {get: {responses: {'200': {$ref: '#/components/responses/Gone'}}}}}\n",
    );
    let broken = hub(&folder, &city, &["register", "broken.yaml"]);
    let words = String::from_utf8(broken.stderr).unwrap();
    assert_eq!(broken.status.code(), Some(2), "{words}");
    assert!(words.contains("broken.yaml:3:"), "{words}");

    let split = "openapi: 3.1.0\ninfo: {title: Split, version: '1.0'}\npaths: {/a: {$ref: 'parts/a.yaml'}}\n";
    written(&folder, "split.yaml", split);
    written(
        &folder,
        "parts/a.yaml",
        "get: {responses: {'200': {description: ok, content: {text/plain: {schema: {const: hi}}}}}}\n",
    );
    let split = hub(
        &folder,
        &city,
        &["register", "split.yaml", "--system-name", "split", "--json"],
    );
    let told: Value = serde_json::from_slice(&split.stdout).unwrap();
    assert_eq!(told["answer"]["body"], "hi", "files beside it travel with it: {told}");
    city.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_goes_live_by_two_people_and_ends_with_notice() {
    let desk = Desk::open().await;
    let first = desk.upload(&title("1.0.0", &desk.back.base, "")).await;
    let version = id(&first);
    assert_eq!(
        first.body["verdict"]["blocking"][0]["code"], "upstream-not-public",
        "{}",
        first.body
    );
    let shown = desk.call("/sandbox", "v1").await;
    assert_eq!(
        (shown.status, shown.header("hub-version")),
        (200, "1.0.0"),
        "{}",
        shown.body
    );
    let wrong = desk.hub.ask("GET", "/sandbox/first/title/v1/titles", &[], None).await;
    assert_eq!((wrong.status, wrong.code()), (404, "not-found"));
    let refused = desk.step("clerk", &version, "ask", json!({})).await;
    assert_eq!(
        (refused.status, refused.code()),
        (409, "version-not-ready"),
        "{}",
        refused.body
    );
    assert_eq!(desk.call("/gateway", "v1").await.status, 404, "nothing is live yet");

    desk.allow_inner(&version).await;
    assert_eq!(desk.step("clerk", &version, "ask", json!({})).await.status, 200);
    let refused = desk.step("owner", &version, "approve", json!({})).await;
    assert_eq!((refused.status, refused.code()), (403, "not-authorized"));
    let approved = desk.step("reviewer", &version, "approve", json!({})).await;
    assert_eq!(
        (approved.status, &approved.body["state"]),
        (200, &json!("live")),
        "{}",
        approved.body
    );
    let got = desk.call("/gateway", "v1").await;
    assert_eq!(
        (got.status, &got.body),
        (200, &json!({"no": "U1", "area": 96.5, "state": "valid"}))
    );
    assert_eq!(desk.back.calls.load(Ordering::Relaxed), 1);
    let listed = desk.hub.ask("GET", "/catalog/services?agency=first", &[], None).await;
    assert_eq!(listed.body["total"], 1, "{}", listed.body);

    let soon = desk
        .step(
            "owner",
            &version,
            "deprecate",
            json!({"sunset": "2026-12-01T00:00:00+08:00"}),
        )
        .await;
    assert_eq!(
        (soon.status, &soon.body["where"]),
        (422, &json!("/sunset")),
        "{}",
        soon.body
    );
    let ended = desk
        .step(
            "owner",
            &version,
            "deprecate",
            json!({"sunset": "2099-01-01T00:00:00+08:00"}),
        )
        .await;
    assert_eq!(ended.status, 200, "{}", ended.body);
    let got = desk.call("/gateway", "v1").await;
    assert_eq!(got.header("sunset"), "Wed, 31 Dec 2098 16:00:00 GMT");
    assert!(got.header("deprecation").starts_with('@'), "{:?}", got.headers);
    let told = until(async || {
        let got = desk
            .hub
            .ask("GET", "/registry/notices", &[("x-api-key", &desk.live)], None)
            .await;
        got.body["items"]
            .as_array()
            .unwrap()
            .iter()
            .any(|n| n["kind"] == "deprecated")
            .then_some(got)
    })
    .await;
    assert!(
        told.body["items"][0]["text"]["en"]
            .as_str()
            .unwrap()
            .contains("ends at 2099"),
        "{}",
        told.body
    );

    let history = desk
        .by(
            "reviewer",
            "GET",
            &format!("/registry/versions/{version}/history"),
            None,
        )
        .await;
    let acts: Vec<&str> = history.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| a["act"].as_str().unwrap())
        .collect();
    assert_eq!(acts, ["uploaded", "allow-inner", "ask", "approve", "deprecate"]);
    let then = history.body["items"][2]["at"].as_str().unwrap().replace('+', "%2B");
    let target = format!("/registry/versions/{version}/history?on={then}");
    let past = desk.by("reviewer", "GET", &target, None).await;
    assert_eq!(
        (&past.body["state"], &past.body["total"]),
        (&json!("in-review"), &json!(3)),
        "what was true then"
    );
    desk.close().await;
}

/// Asks again until there is something, for a while.
async fn until<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = ask().await {
            return found;
        }
        assert!(started.elapsed() < Duration::from_secs(20), "it did not come");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_break_names_who_uses_it_and_majors_stand_side_by_side() {
    let desk = Desk::open().await;
    let first = desk.live("1.0.0", "").await;
    assert_eq!(desk.call("/gateway", "v1").await.status, 200);
    // What the answer always had is no longer promised, what everybody sends is bounded, and what nobody sends is gone.
    let gone = "        - {name: on, in: query, description: 哪一天的, schema: {type: string, format: date}}\n";
    let narrower = title("1.1.0", &desk.back.base, "")
        .replace("required: [no, area]", "required: [no]")
        .replace("maxLength: 28, example", "maxLength: 27, example")
        .replace(gone, "");
    let next = id(&desk.upload(&narrower).await);
    desk.allow_inner(&next).await;
    let target = format!("/registry/versions/{next}/changes");
    let named = |got: &Got, id: &str| {
        let all = got.body["changes"].as_array().unwrap();
        let change = all
            .iter()
            .find(|c| c["id"] == id)
            .unwrap_or_else(|| panic!("{}", got.body));
        change["clients"].as_array().map_or(0, Vec::len)
    };
    let changes = until(async || {
        let got = desk.by("clerk", "GET", &target, None).await;
        let told = [
            "response-body.required.widened",
            "parameter.max-length.narrowed",
            "parameter.parameter.removed",
        ];
        (told.map(|id| named(&got, id)) == [1, 1, 0]).then_some(got)
    })
    .await;
    assert_eq!(
        (&changes.body["breaking"], &changes.body["base"]),
        (&json!(true), &json!(first)),
        "{}",
        changes.body
    );
    assert_eq!(
        changes.body["changes"][0]["clients"][0]["client"], "first-live",
        "{}",
        changes.body
    );
    let refused = desk.step("clerk", &next, "ask", json!({})).await;
    assert_eq!(refused.code(), "version-not-ready");
    assert!(
        !refused.body["changes"].as_array().unwrap().is_empty(),
        "{}",
        refused.body
    );
    let own = desk.step("clerk", &next, "allow-break", json!({})).await;
    assert_eq!(own.status, 403, "{}", own.body);
    assert_eq!(desk.step("owner", &next, "allow-break", json!({})).await.status, 200);
    assert_eq!(desk.step("clerk", &next, "ask", json!({})).await.status, 200);
    assert_eq!(desk.step("reviewer", &next, "approve", json!({})).await.status, 200);
    let both = desk
        .hub
        .ask(
            "GET",
            "/sandbox/first/title/v1/titles/U1",
            &[("hub-version", "1.1.0")],
            None,
        )
        .await;
    assert_eq!(both.header("hub-version"), "1.1.0");

    let second = desk.live("2.0.0", ", state").await;
    for version in ["v1", "v2"] {
        let got = desk.call("/gateway", version).await;
        assert_eq!(got.status, 200, "{version}: {}", got.body);
    }
    let told = desk
        .hub
        .ask("GET", "/registry/notices", &[("x-api-key", &desk.live)], None)
        .await;
    let about: Vec<&Value> = told.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|n| &n["version"])
        .collect();
    assert!(
        about.contains(&&json!(next)) && about.contains(&&json!(second)),
        "{}",
        told.body
    );

    let back = desk.step("owner", &first, "roll-back", json!({})).await;
    assert_eq!(
        (back.status, &back.body["state"]),
        (200, &json!("live")),
        "{}",
        back.body
    );
    let states = desk
        .by("reviewer", "GET", "/registry/versions?agency=first&system=title", None)
        .await;
    let states: Vec<&str> = states.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|v| v["origin"] == "registry")
        .map(|v| v["state"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["live", "retired", "live"]);
    let document = desk.hub.ask("GET", "/openapi.json?agency=first", &[], None).await.body;
    let mut paths: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
    paths.sort();
    assert_eq!(paths, ["/first/title/v1/titles/{no}", "/first/title/v2/titles/{no}"]);
    desk.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn publishing_fails_no_call_and_a_restart_forgets_nothing() {
    let desk = Arc::new(Desk::open().await);
    desk.live("1.0.0", "").await;
    let stop = Arc::new(AtomicBool::new(false));
    let calls = (0..4).map(|_| {
        let (desk, stop) = (Arc::clone(&desk), Arc::clone(&stop));
        tokio::spawn(async move {
            let mut count = 0;
            while !stop.load(Ordering::Relaxed) {
                let got = desk.call("/gateway", "v1").await;
                // The plan's limit is no failed call.
                assert!([200, 429].contains(&got.status), "{} {}", got.status, got.body);
                count += 1;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            count
        })
    });
    let calls: Vec<_> = calls.collect();
    desk.live("1.1.0", "").await;
    desk.live("2.0.0", "").await;
    stop.store(true, Ordering::Relaxed);
    let mut count = 0;
    for one in calls {
        count += one.await.unwrap();
    }
    assert!(count > 20, "{count}");
    let Desk { hub, back, .. } = Arc::into_inner(desk).unwrap();
    exported(&hub);
    let (city, data) = hub.stop().await;
    let hub = TestHub::demo_over(city, data).await;
    let live = hub.ready().client_key.clone().unwrap();
    let desk = Desk { hub, back, live };
    for version in ["v1", "v2"] {
        let got = desk.call("/gateway", version).await;
        assert_eq!(got.status, 200, "{version}: {}", got.body);
    }
    desk.close().await;
}

/// What was registered comes back as folders that load by themselves.
fn exported(city: &TestHub) {
    let folder = tempfile::tempdir().unwrap();
    let (out, of) = (folder.path().join("out"), |name: &str| {
        city.city.path(name).display().to_string()
    });
    let (specs, connectors, policies) = (of("specs"), of("connectors"), of("policies"));
    let args = [
        "export",
        "--out",
        out.to_str().unwrap(),
        "--specs",
        &specs,
        "--connectors",
        &connectors,
        "--policies",
        &policies,
        "--json",
    ];
    let output = hub(&folder, city, &args);
    let told: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(told["registered"], 2, "{told}");
    let checked = Command::new(env!("CARGO_BIN_EXE_hub"))
        .args(["check", "--json", "--specs"])
        .arg(out.join("specs"))
        .arg("--connectors")
        .arg(out.join("connectors"))
        .arg("--policies")
        .arg(out.join("policies"))
        .output()
        .unwrap();
    assert_eq!(
        checked.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&checked.stdout)
    );
    let manifest = std::fs::read_to_string(out.join("connectors/first/title.v1/connector.yaml")).unwrap();
    assert!(manifest.contains("system: first/title.v1\n"), "{manifest}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_the_folder_is_neither_changed_nor_hidden() {
    let desk = Desk::open().await;
    let catalog = desk.hub.catalog();
    let system = catalog.systems().iter().find(|s| s.major == 1).unwrap().clone();
    let agency = json!({"id": system.id.agency, "name": "原有部门"});
    assert_eq!(
        desk.hub.operate("POST", "/admin/agencies", Some(&agency)).await.status,
        201
    );
    let clerk = json!({"agency": system.id.agency, "name": "某人", "role": "clerk"});
    let clerk = desk.hub.operate("POST", "/admin/members", Some(&clerk)).await;
    let bearer = format!("Bearer {}", clerk.body["token"].as_str().unwrap());
    // The name comes from the title: what counts is where it would stand, not how it was named.
    for (number, status) in [("1.9.0", 409), ("2.0.0", 201)] {
        let text = title(number, "https://title.example", "")
            .replace("权籍查询, version", &format!("{}, version", system.id.system));
        let url = format!("{}/registry/versions?file=a.yaml", desk.hub.ready().base_url);
        let answer = http()
            .post(url)
            .header("authorization", &bearer)
            .body(text)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status().as_u16(), status, "{number}");
    }
    desk.close().await;
}
