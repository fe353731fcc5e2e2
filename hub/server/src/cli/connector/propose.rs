//! `hub connector new`: proposes a manifest; the author decides.

use super::super::args::NewConnector;
use super::super::documents::{folders, named};
use super::super::outcome::{Outcome, line};
use crate::config::Config;
use hub_catalog::Catalog;
use hub_connectors::propose::{Proposal, propose};
use hub_core::Lang;
use serde_json::json;

/// Bytes of a source. Recordings of a browser are large; descriptions are not.
const MOST: u64 = 64 << 20;

pub fn run(args: &NewConnector, lang: Lang) -> Result<Outcome, Outcome> {
    named(&args.folders, lang)?;
    let system = super::system(&args.system, lang)?;
    let shown = args.from.display();
    let size = std::fs::metadata(&args.from).map(|m| m.len());
    let bytes = match size {
        Ok(size) if size <= MOST => std::fs::read(&args.from),
        Ok(_) => {
            let words = if lang == Lang::Zh {
                "文件过大"
            } else {
                "the file is too large"
            };
            return Err(Outcome::misused(format!("{shown}: {words}"), lang));
        }
        Err(error) => Err(error),
    };
    let bytes = bytes.map_err(|e| Outcome::misused(format!("{shown}: {e}"), lang))?;
    let paths = folders(&args.folders, &Config::default().paths);
    let catalog = Catalog::load(&paths.specs).map_err(|f| Outcome::findings(&f, lang))?;
    let proposal = propose(&shown.to_string(), &bytes, &system, &catalog, lang)
        .map_err(|e| Outcome::misused(format!("{shown}: {}", e.text().get(lang)), lang))?;
    let mut place = None;
    if let Some(out) = &args.out {
        let folder = out.join(&system.agency).join(&system.system);
        let file = folder.join(hub_connectors::MANIFEST_NAME);
        if file.exists() {
            let words = if lang == Lang::Zh {
                "已存在，不会覆盖"
            } else {
                "is there already and is not overwritten"
            };
            return Err(Outcome::misused(format!("{} {words}", file.display()), lang));
        }
        std::fs::create_dir_all(&folder)
            .and_then(|()| std::fs::write(&file, &proposal.manifest))
            .map_err(|e| Outcome::failed(format!("{}: {e}", file.display()), lang))?;
        place = Some(file);
    }
    let left = u8::from(!proposal.findings.is_empty());
    if args.json {
        let value = json!({
            "system": system.to_string(), "source": proposal.source, "dialect": proposal.dialect, "file": place,
            "rows": proposal.rows, "operations": proposal.operations, "findings": proposal.findings,
            "manifest": proposal.manifest,
        });
        return Ok(Outcome::json(&value).with_code(left));
    }
    let out = match &place {
        Some(file) => file.display().to_string(),
        None => proposal.manifest.clone(),
    };
    Ok(Outcome::done(out).saying(summary(&proposal, lang)).with_code(left))
}

fn summary(proposal: &Proposal, lang: Lang) -> String {
    let rows = proposal.rows.len();
    let taken = proposal.rows.iter().filter(|r| r.taken).count();
    let bound = proposal.operations.iter().filter(|o| o.call.is_some()).count();
    let all = proposal.operations.len();
    let mut lines: Vec<String> = proposal.findings.iter().map(|f| line(f, lang)).collect();
    lines.push(match lang {
        Lang::Zh => format!(
            "来源 {}，方言 {}：认出操作 {bound}/{all}，字段行 {taken}/{rows} 生效，待办 {}",
            proposal.source,
            proposal.dialect,
            proposal.findings.len()
        ),
        Lang::En => format!(
            "from {}, dialect {}: {bound} of {all} operations recognised, {taken} of {rows} rows in force, {} left to do",
            proposal.source,
            proposal.dialect,
            proposal.findings.len()
        ),
    });
    lines.join("\n")
}
