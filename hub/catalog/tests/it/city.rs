use hub_catalog::Catalog;
use std::path::Path;
use std::time::Instant;

#[test]
fn the_reference_city_loads() {
    let specs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../specs");
    let begin = Instant::now();
    match Catalog::load(&specs) {
        Ok(catalog) => {
            println!("{:?} in {:?}", catalog.counts(), begin.elapsed());
            for note in catalog.notes() {
                println!("{note}");
            }
        }
        Err(findings) => {
            for finding in findings.iter().take(40) {
                println!("{finding}");
            }
            panic!("{} findings", findings.len());
        }
    }
}
