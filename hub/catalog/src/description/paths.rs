//! Names of files in a set, and how one file names another.

use std::collections::BTreeMap;

/// A path without `.` and `..`; none where it leaves the set.
pub(crate) fn tidy(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    let path = path.replace('\\', "/");
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            other => parts.push(other),
        }
    }
    Some(parts.join("/"))
}

/// A reference taken apart: the file (none: the same), and the fragment behind `#`.
pub(super) fn split(reference: &str) -> (Option<&str>, &str) {
    match reference.split_once('#') {
        Some(("", fragment)) => (None, fragment),
        Some((file, fragment)) => (Some(file), fragment),
        None => (Some(reference), ""),
    }
}

/// Which file of the set a reference out of another means. A URL means the file that was put into the set for it: the one
/// whose path its path ends with.
pub(super) fn find<'f>(base: &str, wanted: &str, files: &'f BTreeMap<String, Vec<u8>>) -> Option<&'f str> {
    let wanted = percent(wanted.split('?').next().unwrap_or(wanted));
    let known = |path: &str| files.get_key_value(path).map(|(name, _)| name.as_str());
    if let Some(address) = url_path(&wanted) {
        return files
            .keys()
            .filter(|name| address.ends_with(name.as_str()) && !name.is_empty())
            .filter(|name| {
                address.len() == name.len() || address.as_bytes().get(address.len() - name.len() - 1) == Some(&b'/')
            })
            .max_by_key(|name| name.len())
            .map(String::as_str);
    }
    let folder = base.rsplit_once('/').map_or("", |(folder, _)| folder);
    let rooted = match wanted.strip_prefix('/') {
        Some(rest) => tidy(rest),
        None => tidy(&format!("{folder}/{wanted}")),
    };
    rooted.as_deref().and_then(known)
}

/// Host and path of a URL, where it is one.
pub(super) fn url_path(reference: &str) -> Option<String> {
    let (scheme, rest) = reference.split_once("://")?;
    let plain = !scheme.is_empty() && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+');
    plain.then(|| tidy(rest)).flatten()
}

/// A reference against the address it is relative to (RFC 3986, 5.2); an address without a scheme is a path of the set.
pub(super) fn join(base: &str, wanted: &str) -> String {
    let has_scheme = |text: &str| {
        text.split_once(':').is_some_and(|(scheme, _)| {
            !scheme.is_empty() && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
        })
    };
    if wanted.is_empty() {
        return base.to_owned();
    }
    if has_scheme(wanted) {
        return wanted.to_owned();
    }
    let (origin, path) = match base.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            (format!("{scheme}://{host}/"), path)
        }
        // Nothing is relative to a URN.
        None if has_scheme(base) => return wanted.to_owned(),
        None => (String::new(), base),
    };
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let whole = match wanted.strip_prefix('/') {
        Some(rest) => rest.to_owned(),
        None => format!("{folder}/{wanted}"),
    };
    let end = if whole.ends_with('/') { "/" } else { "" };
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            other => parts.push(other),
        }
    }
    format!("{origin}{}{end}", parts.join("/"))
}

/// A file's name for a person who has to add it.
pub(super) fn to_add(reference: &str) -> String {
    let file = split(reference).0.unwrap_or(reference);
    match url_path(file) {
        Some(path) => path.rsplit('/').next().unwrap_or(&path).to_owned(),
        None => file.to_owned(),
    }
}

/// Percent encoding undone (RFC 3986); bytes that are no UTF-8 stay as they were.
pub(super) fn percent(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        let hex = behind.get(..2).and_then(|h| std::str::from_utf8(h).ok());
        match hex
            .and_then(|h| u8::from_str_radix(h, 16).ok())
            .filter(|_| *first == b'%')
        {
            Some(byte) => {
                bytes.push(byte);
                rest = behind.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}
