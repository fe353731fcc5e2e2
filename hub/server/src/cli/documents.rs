//! `hub openapi`: what the folders say, as one document.

use super::args::{Folders, OpenapiArgs};
use super::outcome::Outcome;
use crate::config::{Config, Paths};
use hub_catalog::{Catalog, OpenApiVersion, Selection};
use hub_core::Lang;
use serde_json::json;

/// The folders of a command: its own options over the config's.
pub fn folders(given: &Folders, paths: &Paths) -> Paths {
    let mut paths = paths.clone();
    for (mine, own) in [
        (&given.specs, &mut paths.specs),
        (&given.connectors, &mut paths.connectors),
        (&given.policies, &mut paths.policies),
    ] {
        if let Some(mine) = mine {
            own.clone_from(mine);
        }
    }
    paths
}

/// Whether folders that were named are there. A name that leads nowhere is a slip, not an empty city.
pub fn named(given: &Folders, lang: Lang) -> Result<(), Outcome> {
    for folder in [&given.specs, &given.connectors, &given.policies].into_iter().flatten() {
        if !folder.is_dir() {
            let shown = folder.display();
            let words = if lang == Lang::Zh {
                format!("没有文件夹 {shown}")
            } else {
                format!("there is no folder {shown}")
            };
            return Err(Outcome::misused(words, lang));
        }
    }
    Ok(())
}

pub fn openapi(args: &OpenapiArgs, lang: Lang) -> Outcome {
    if let Err(misused) = named(&args.folders, lang) {
        return misused;
    }
    let paths = folders(&args.folders, &Config::default().paths);
    let catalog = match Catalog::load(&paths.specs) {
        Ok(catalog) => catalog,
        Err(findings) => return Outcome::findings(&findings, lang),
    };
    let version = if args.version == "3.0" {
        OpenApiVersion::V30
    } else {
        OpenApiVersion::V31
    };
    let selection = Selection {
        agency: args.agency.clone(),
        service: args.service.clone(),
        ..Selection::default()
    };
    let document = catalog.openapi(&selection, version, args.base_url.trim_end_matches('/'));
    let text = format!("{document:#}\n");
    let Some(out) = &args.out else {
        return Outcome::done(text);
    };
    if let Err(e) = std::fs::write(out, &text) {
        return Outcome::failed(format!("{}: {e}", out.display()), lang);
    }
    let paths = document
        .get("paths")
        .and_then(|p| p.as_object())
        .map_or(0, serde_json::Map::len);
    if args.json {
        return Outcome::json(&json!({"file": out, "openapi": args.version, "paths": paths, "bytes": text.len()}));
    }
    let shown = out.display();
    Outcome::done(match lang {
        Lang::Zh => format!("已写入 {shown}：OpenAPI {}，{paths} 个路径", args.version),
        Lang::En => format!("wrote {shown}: OpenAPI {}, {paths} paths", args.version),
    })
}
