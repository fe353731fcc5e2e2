//! The portal's pages.

use crate::support::{City, Got, TestHub};

async fn page(hub: &TestHub, target: &str, language: &str) -> (Got, String) {
    let headers = [("accept", "text/html"), ("accept-language", language)];
    let got = hub.ask("GET", target, &headers, None).await;
    let text = got.body.as_str().unwrap_or_default().to_owned();
    (got, text)
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_speak_both_languages_and_run_nothing_foreign() {
    let hub = TestHub::demo(City::sample()).await;
    let service = hub.catalog().services()[0].clone();
    let pages = [
        "/".to_owned(),
        "/search".into(),
        "/status".into(),
        "/agency".into(),
        "/dev/verify".into(),
        "/problems/not-found".into(),
        format!("/s/{}", service.id),
    ];
    for target in &pages {
        for (language, tag) in [("zh", "zh-CN"), ("en", "en")] {
            let (got, text) = page(&hub, target, language).await;
            assert_eq!(got.status, 200, "{target}");
            assert_eq!(got.header("content-language"), tag);
            assert!(text.contains(&format!("<html lang=\"{tag}\">")), "{target}");
            let policy = got.header("content-security-policy");
            assert!(
                policy.contains("default-src 'none'") && !policy.contains("unsafe"),
                "{policy}"
            );
            assert!(!text.contains(" onclick=") && !text.contains(" style=\""), "{target}");
            assert!(
                !text.contains("https://") || target.starts_with("/s/"),
                "{target} names a foreign address"
            );
        }
    }
    let (_, chosen) = page(&hub, "/search?lang=en", "zh").await;
    assert!(chosen.contains("<html lang=\"en\">") && chosen.contains("lang=zh"));
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_can_be_found_read_and_tried() {
    let hub = TestHub::demo(City::sample()).await;
    let catalog = hub.catalog();
    for service in catalog.services().iter().take(40) {
        let (got, text) = page(&hub, &format!("/s/{}", service.id), "zh").await;
        assert_eq!(got.status, 200, "{}", service.id);
        assert!(text.contains(&service.number), "{}", service.id);
        for operation in &service.operations {
            assert!(text.contains(&format!("id=\"{operation}\"")), "{operation}");
        }
        // Citizen page: 60 KiB together, compressed; the text alone stays well under it even uncompressed.
        assert!(text.len() < 120 * 1024, "{} has {} bytes", service.id, text.len());
    }
    let wanted = &catalog.services()[0];
    let q: String = url::form_urlencoded::byte_serialize(wanted.name.zh.as_bytes()).collect();
    let (_, found) = page(&hub, &format!("/search?q={q}"), "zh").await;
    assert!(found.contains(&format!("/s/{}", wanted.id)), "{found}");
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn text_of_others_cannot_become_markup() {
    let hub = TestHub::demo(City::sample()).await;
    let (got, text) = page(&hub, "/search?q=%3Cscript%3Ealert(1)%3C/script%3E", "zh").await;
    assert_eq!(got.status, 200);
    assert!(!text.contains("<script>alert") && text.contains("script"), "{text}");
    let (got, text) = page(&hub, "/s/no-such-service", "zh").await;
    assert_eq!(got.status, 404);
    assert!(text.contains("<h1>"));
    let (got, _) = page(&hub, "/problems/no-such", "en").await;
    assert_eq!(got.status, 404);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn assets_are_kept_for_ever_under_their_own_mark() {
    let hub = TestHub::demo(City::empty()).await;
    let address = hub_server::portal::assets::address("portal.css");
    let got = hub.ask("GET", &address, &[], None).await;
    assert_eq!(
        (got.status, got.header("content-type")),
        (200, "text/css; charset=utf-8")
    );
    assert!(got.header("cache-control").contains("immutable"));
    let tag = got.header("etag").to_owned();
    assert_eq!(
        hub.ask("GET", "/assets/portal.css", &[("if-none-match", &tag)], None)
            .await
            .status,
        304
    );
    assert_eq!(hub.ask("GET", "/assets/none.css", &[], None).await.status, 404);
    hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn care_mode_is_kept_from_page_to_page() {
    let hub = TestHub::demo(City::sample()).await;
    let asked = hub.ask("GET", "/search?care=1", &[], None).await;
    let cookie = asked.header("set-cookie").split(';').next().unwrap().to_owned();
    assert!(asked.body.as_str().unwrap().contains("<body class=\"care\">") && cookie == "hub-care=1");
    for page in ["/", "/status", "/nowhere", "/dev/verify"] {
        let kept = hub
            .ask(
                "GET",
                page,
                &[("cookie", cookie.as_str()), ("accept", "text/html")],
                None,
            )
            .await;
        assert!(
            kept.body.as_str().unwrap_or_default().contains("<body class=\"care\">"),
            "{page}"
        );
    }
    let ended = hub.ask("GET", "/?care=0", &[("cookie", cookie.as_str())], None).await;
    assert!(
        !ended.body.as_str().unwrap().contains("class=\"care\"") && ended.header("set-cookie").contains("Max-Age=0")
    );
}
