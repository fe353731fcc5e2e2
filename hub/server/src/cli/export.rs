//! `hub export`: the folders of a city, and what was registered beside them, as folders again.

use super::args::ExportArgs;
use super::documents::{folders, named};
use super::outcome::Outcome;
use crate::config::Config;
use crate::hub::{Edition, published};
use hub_catalog::lint::RuleSet;
use hub_core::Lang;
use hub_core::time::Timestamp;
use hub_registry::{Desk, Published};
use hub_store::Store;
use serde_json::json;
use std::path::Path;

/// File of an embedded store in its folder.
const STORE: &str = "hub.db";

pub async fn run(args: &ExportArgs, lang: Lang) -> Outcome {
    if let Err(misused) = named(&args.folders, lang) {
        return misused;
    }
    let used = args.out.read_dir().is_ok_and(|mut entries| entries.next().is_some());
    if used {
        let shown = args.out.display();
        return Outcome::misused(
            match lang {
                Lang::Zh => format!("{shown} 不是空文件夹"),
                Lang::En => format!("{shown} is not empty"),
            },
            lang,
        );
    }
    let config = match Config::load(None, &|name| std::env::var(name).ok()) {
        Ok(config) => config,
        Err(findings) => return Outcome::findings(&findings, lang),
    };
    let paths = folders(&args.folders, &config.paths);
    let registered = match registered(&config, &args.data_dir).await {
        Ok(desk) => desk
            .map(|desk| published(&paths, &desk.shelf(), Timestamp::now()))
            .unwrap_or_default(),
        Err(reason) => return Outcome::failed(reason, lang),
    };
    if let Err(findings) = Edition::load(&paths, &registered) {
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
    for one in &registered {
        match write(one, &args.out) {
            Ok(n) => files += n,
            Err(e) => return Outcome::failed(format!("{}: {e}", one.system), lang),
        }
    }
    if args.json {
        return Outcome::json(&json!({"folder": args.out, "files": files, "registered": registered.len()}));
    }
    let (shown, count) = (args.out.display(), registered.len());
    Outcome::done(match lang {
        Lang::Zh => format!("已写出 {files} 个文件到 {shown}（其中登记的系统 {count} 个）"),
        Lang::En => format!("wrote {files} files to {shown} ({count} systems came from the registry)"),
    })
}

/// The registry of a store, if there is one.
async fn registered(config: &Config, data: &Path) -> Result<Option<Desk>, String> {
    let key = std::env::var("HUB_MASTER_KEY").ok().filter(|k| !k.trim().is_empty());
    let store = match &config.store.url {
        Some(url) => Store::open_url(url.show(), data, key.as_deref()).await,
        None if data.join(STORE).is_file() => Store::open(data, key.as_deref()).await,
        None => return Ok(None),
    };
    let store = store.map_err(|e| e.to_string())?;
    let desk = Desk::load(store, RuleSet::default()).await.map_err(|e| e.to_string())?;
    Ok(Some(desk))
}

/// Writes one system as it would stand in the folders.
fn write(one: &Published, out: &Path) -> std::io::Result<usize> {
    let spec = out.join("specs").join(format!("{}.yaml", one.system));
    let folder = spec.parent().unwrap_or(out);
    std::fs::create_dir_all(folder)?;
    std::fs::write(&spec, hub_catalog::to_yaml(one.contract()))?;
    let Some(manifest) = &one.connector else { return Ok(1) };
    let folder = out.join("connectors").join(one.system.to_string());
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("connector.yaml"), manifest)?;
    Ok(2)
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
