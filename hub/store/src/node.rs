//! The name of this node: made with its data folder, kept in it, so that a hub that starts again is the same node.

use crate::StoreError;
use crate::store::new_id;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// File of the name in the data folder.
const NAME: &str = "node.id";

/// The name kept in the folder; a new one where there is none.
pub(crate) fn name(folder: &Path) -> Result<String, StoreError> {
    let path = folder.join(NAME);
    let io = |e: std::io::Error| StoreError::Unavailable(format!("{}: {e}", path.display()));
    let known = |text: String| Some(text.trim().to_owned()).filter(|t| t.starts_with("node_") && t.len() == 37);
    if let Some(name) = std::fs::read_to_string(&path).ok().and_then(known) {
        return Ok(name);
    }
    let name = new_id("node_")?;
    // Whole or not at all: two openings at once must agree on one name.
    let draft = folder.join(format!("{NAME}.{name}"));
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)
        .map_err(io)?;
    file.write_all(name.as_bytes()).map_err(io)?;
    file.sync_all().map_err(io)?;
    let first = std::fs::hard_link(&draft, &path);
    let _ = std::fs::remove_file(&draft);
    match first {
        Ok(()) => Ok(name),
        Err(_) => std::fs::read_to_string(&path)
            .map_err(io)
            .map(|text| known(text).unwrap_or(name)),
    }
}
