//! A folder of specs to documents, parsed in parallel.

use crate::Document;
use hub_core::{Finding, Text};
use std::path::{Path, PathBuf};

/// `specs/<agency>/<system>.yaml` is two levels; one more is looked at so that a file too deep is reported, not missed.
const MAX_DEPTH: usize = 3;

/// Every YAML and JSON file below a folder, in order of their paths. A missing folder has none.
pub(super) fn read(folder: &Path) -> Result<Vec<Document>, Vec<Finding>> {
    let mut paths = Vec::new();
    if folder.exists() {
        walk(folder, folder, MAX_DEPTH, &mut paths).map_err(|finding| vec![finding])?;
    }
    paths.sort();
    let workers = std::thread::available_parallelism().map_or(2, usize::from).min(8);
    let parsed = parallel(&paths, workers, |(name, path)| parse(name, path));
    let mut documents = Vec::with_capacity(parsed.len());
    let mut findings = Vec::new();
    for result in parsed {
        match result {
            Ok(document) => documents.push(document),
            Err(finding) => findings.push(finding),
        }
    }
    if findings.is_empty() {
        Ok(documents)
    } else {
        Err(findings)
    }
}

/// Maps a list on several threads, keeping its order. Items are dealt round, since neighbours differ in size.
pub(super) fn parallel<T: Sync, R: Send>(items: &[T], workers: usize, work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let workers = workers.clamp(1, items.len().max(1));
    let work = &work;
    let mut done: Vec<(usize, R)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers)
            .map(|first| {
                scope.spawn(move || {
                    let own = items.iter().enumerate().skip(first).step_by(workers);
                    own.map(|(i, item)| (i, work(item))).collect::<Vec<_>>()
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| match thread.join() {
                Ok(results) => results,
                Err(panic) => std::panic::resume_unwind(panic),
            })
            .collect()
    });
    done.sort_unstable_by_key(|(i, _)| *i);
    done.into_iter().map(|(_, result)| result).collect()
}

fn parse(name: &str, path: &Path) -> Result<Document, Finding> {
    let bytes = std::fs::read(path).map_err(|error| unreadable(name, &error))?;
    Document::parse(name, &bytes)
}

fn walk(root: &Path, folder: &Path, depth: usize, found: &mut Vec<(String, PathBuf)>) -> Result<(), Finding> {
    let shown = |path: &Path| {
        let below = path.strip_prefix(root).unwrap_or(path);
        let parts: Vec<_> = below.iter().map(|p| p.to_string_lossy()).collect();
        parts.join("/")
    };
    let entries = std::fs::read_dir(folder).map_err(|error| unreadable(&shown(folder), &error))?;
    for entry in entries {
        let path = entry.map_err(|error| unreadable(&shown(folder), &error))?.path();
        let hidden = path.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
        if hidden {
            continue;
        }
        if path.is_dir() {
            if depth > 1 {
                walk(root, &path, depth - 1, found)?;
            }
        } else if path.extension().is_some_and(|e| {
            ["yaml", "yml", "json"]
                .iter()
                .any(|known| e.eq_ignore_ascii_case(known))
        }) {
            found.push((shown(&path), path));
        }
    }
    Ok(())
}

fn unreadable(name: &str, error: &std::io::Error) -> Finding {
    Finding::error(
        "unreadable",
        name,
        Text::new(format!("无法读取：{error}"), format!("It cannot be read: {error}")),
    )
}
