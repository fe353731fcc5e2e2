use hub_catalog::{Catalog, Format, OpenApiVersion, Selection};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Instant;

/// The reference city, loaded once for all tests here. Empty where the specs are not there.
pub(crate) fn city() -> &'static Catalog {
    static CITY: OnceLock<Catalog> = OnceLock::new();
    CITY.get_or_init(|| {
        let begin = Instant::now();
        let catalog = Catalog::load(&specs()).unwrap_or_else(|findings| {
            let lines: Vec<String> = findings.iter().take(40).map(ToString::to_string).collect();
            panic!("{} findings:\n{}", findings.len(), lines.join("\n"));
        });
        println!("{:?} in {:?}", catalog.counts(), begin.elapsed());
        catalog
    })
}

fn specs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../specs")
}

#[test]
fn every_example_fits_its_contract() {
    let begin = Instant::now();
    let unfit: Vec<String> = city()
        .unfit_examples()
        .iter()
        .map(|(id, name, v)| {
            format!(
                "{id} {name}: {} {} expected {}, got {}",
                v.place, v.keyword, v.expected.en, v.got
            )
        })
        .collect();
    println!("examples checked in {:?}", begin.elapsed());
    assert!(unfit.is_empty(), "{} examples:\n{}", unfit.len(), unfit.join("\n"));
}

#[test]
fn no_schema_accepts_anything() {
    let vacuous = city().vacuous_schemas();
    assert!(vacuous.is_empty(), "{vacuous:#?}");
}

#[test]
fn unified_documents_can_be_written_in_every_form() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    for (version, name) in [(OpenApiVersion::V31, "openapi-31"), (OpenApiVersion::V30, "openapi-30")] {
        for (format, ending) in [(Format::Json, "json"), (Format::Yaml, "yaml")] {
            let begin = Instant::now();
            let text = city().openapi_text(&Selection::default(), version, format, "http://127.0.0.1:8080");
            println!("{name}.{ending}: {} bytes in {:?}", text.len(), begin.elapsed());
            std::fs::write(folder.join(format!("{name}.{ending}")), text.as_bytes()).unwrap();
        }
    }
}
