//! How long a description takes to be read and held against the rules: `lint_speed FILE…`.

use hub_catalog::description::read;
use hub_catalog::lint::{RuleSet, Waivers, run};
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rules = RuleSet::standard().map_err(|f| f.first().map(ToString::to_string).unwrap_or_default())?;
    for name in std::env::args().skip(1) {
        let bytes = std::fs::read(&name)?;
        let start = Instant::now();
        let description = read(&name, &bytes);
        let reading = start.elapsed();
        let start = Instant::now();
        let found = description.map_or(0, |d| run(&d, &rules, &Waivers::default(), "2027-12-31").len());
        println!(
            "{:8.1} KiB  read {:7.1} ms  lint {:7.1} ms  {found:6} findings  {name}",
            bytes.len() as f64 / 1024.0,
            reading.as_secs_f64() * 1e3,
            start.elapsed().as_secs_f64() * 1e3,
        );
    }
    Ok(())
}
