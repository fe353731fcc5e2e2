//! `hub openapi` and `hub export`: what the folders say, as documents.

use super::args::{ExportArgs, Folders, OpenapiArgs};
use super::outcome::Outcome;
use crate::config::{Config, Paths};
use crate::hub::Edition;
use hub_catalog::{Catalog, OpenApiVersion, Selection};
use hub_core::Lang;
use serde_json::json;
use std::path::Path;

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

pub fn export(args: &ExportArgs, lang: Lang) -> Outcome {
    if let Err(misused) = named(&args.folders, lang) {
        return misused;
    }
    let used = args.out.read_dir().is_ok_and(|mut entries| entries.next().is_some());
    if used {
        let shown = args.out.display();
        let words = if lang == Lang::Zh {
            format!("{shown} 不是空文件夹")
        } else {
            format!("{shown} is not empty")
        };
        return Outcome::misused(words, lang);
    }
    let paths = folders(&args.folders, &Config::default().paths);
    if let Err(findings) = Edition::load(&paths, &[]) {
        return Outcome::findings(&findings, lang);
    }
    let mut files = 0;
    for (from, name) in [
        (&paths.specs, "specs"),
        (&paths.connectors, "connectors"),
        (&paths.policies, "policies"),
    ] {
        match copy(from, &args.out.join(name)) {
            Ok(n) => files += n,
            Err(e) => return Outcome::failed(format!("{}: {e}", from.display()), lang),
        }
    }
    if args.json {
        return Outcome::json(&json!({"folder": args.out, "files": files}));
    }
    let shown = args.out.display();
    Outcome::done(match lang {
        Lang::Zh => format!("已写出 {files} 个文件到 {shown}"),
        Lang::En => format!("wrote {files} files to {shown}"),
    })
}

/// Copies the files of a folder that belong to a city. Links are not followed out of it.
fn copy(from: &Path, to: &Path) -> std::io::Result<usize> {
    std::fs::create_dir_all(to)?;
    if !from.is_dir() {
        return Ok(0);
    }
    let mut files = 0;
    for entry in from.read_dir()? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        let name = entry.file_name();
        let hidden = name.to_string_lossy().starts_with('.');
        if kind.is_dir() && !hidden && name != "src" && name != "target" {
            files += copy(&path, &to.join(&name))?;
        } else if kind.is_file() && !hidden && belongs(&path) {
            std::fs::copy(&path, to.join(&name))?;
            files += 1;
        }
    }
    Ok(files)
}

fn belongs(path: &Path) -> bool {
    let ending = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
    ["yaml", "yml", "json", "bin", "txt", "xml", "http"].contains(&ending)
}
