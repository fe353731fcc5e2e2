//! Style, script and pictures of the pages, embedded in the binary.

use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "assets/"]
struct Files;

/// An asset: media type, entity tag and bytes.
#[derive(Debug, Clone)]
pub struct Asset {
    /// Media type.
    pub media_type: &'static str,
    /// Entity tag without quotes.
    pub tag: String,
    /// Bytes.
    pub bytes: std::borrow::Cow<'static, [u8]>,
}

/// An asset by file name.
#[must_use]
pub fn asset(name: &str) -> Option<Asset> {
    let file = Files::get(name)?;
    let media_type = match name.rsplit('.').next() {
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => return None,
    };
    Some(Asset {
        media_type,
        tag: tag(&file.metadata.sha256_hash()),
        bytes: file.data,
    })
}

/// The address of an asset; changes with its content, so that it may be kept for ever.
#[must_use]
pub fn address(name: &str) -> String {
    asset(name).map_or_else(String::new, |a| format!("/assets/{name}?v={}", a.tag))
}

fn tag(digest: &[u8]) -> String {
    digest.iter().take(6).map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_stay_within_their_budget() {
        let sizes: usize = Files::iter().filter_map(|n| asset(&n)).map(|a| a.bytes.len()).sum();
        assert!(sizes < 40 * 1024, "{sizes} bytes of assets before compression");
        assert!(address("portal.css").starts_with("/assets/portal.css?v="));
        assert!(asset("../Cargo.toml").is_none());
    }
}
