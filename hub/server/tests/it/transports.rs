//! Systems that are reached by no HTTP call of their own business: exchange tables, files, pages (Q24, Q25, Q26), live
//! through a real database and a real folder.

use crate::support::{City, TestHub, example, manifests_below, persona};

/// The same city without opening hours: the test is about something else than the time of day.
fn always_open(city: City) -> City {
    for manifest in manifests_below(&city.path("connectors")) {
        let text = std::fs::read_to_string(&manifest).unwrap();
        let open: String = text
            .split_inclusive('\n')
            .filter(|l| !l.starts_with("closed:"))
            .collect();
        std::fs::write(&manifest, open).unwrap();
    }
    city
}

async fn call(hub: &TestHub, id: &str) -> serde_json::Value {
    let operation = hub.catalog().operation(id).cloned().unwrap();
    assert!(hub.is_live(&operation), "{id}");
    let got = hub
        .call(
            "/gateway",
            &operation,
            &example(&operation),
            persona(hub.ready(), &operation),
        )
        .await;
    assert_eq!(got.status, operation.status, "{id}: {}", got.body);
    hub.catalog().check_output(&operation, &got.body).unwrap();
    got.body
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_files_and_pages_answer_live() {
    let hub = TestHub::demo(always_open(City::sample())).await;
    // A row of a real database.
    let accepted = call(&hub, "mca.authorisation-of-household-means-test").await;
    assert!(accepted["acceptance_no"].is_string());
    let address = hub.ready().simulated_systems["mca/relief"].clone();
    assert!(address.starts_with("sqlite:///"), "{address}");
    // A file of a real folder.
    let published = call(&hub, "stat.consumer-price-index-query").await;
    assert!(published["indicator_list"].as_array().is_some_and(|l| !l.is_empty()));
    let address = hub.ready().simulated_systems["stat/blue-svc"].clone();
    let folder = url::Url::parse(&address).unwrap().to_file_path().unwrap().join("out");
    let names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(
        names.iter().any(|n| n.starts_with("CPI_") && n.ends_with(".txt.ok")),
        "{names:?}"
    );
    // A page of the court's own, and the record of the visit.
    let filed = call(&hub, "court.online-case-filing").await;
    let page = filed["handling_url"].as_str().unwrap();
    assert!(
        page.starts_with("https://h5.court.example/filing/materials?ticket=JT-"),
        "{page}"
    );
    assert!(page.contains("&sign="), "{page}");
    let (_city, data) = hub.stop().await;
    let trail: String = std::fs::read_dir(data.path().join("trail"))
        .unwrap()
        .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap_or_default())
        .collect();
    assert!(trail.contains("\"jump\":\"h5.court.example\""));
}
