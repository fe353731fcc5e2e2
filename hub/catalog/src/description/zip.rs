//! Zip archives (APPNOTE 6.3) in bounded memory: what an agency packs is text, so a few files and a few megabytes.

use flate2::read::DeflateDecoder;
use hub_core::{Finding, Text};
use std::collections::BTreeMap;
use std::io::Read;

/// Files of one archive.
const MAX_FILES: usize = 2_000;
/// Bytes of all files unpacked.
const MAX_UNPACKED: u64 = 64 << 20;
/// Bytes of the record at the end, comment included.
const MAX_END: usize = 22 + 0xFFFF;

/// Whether bytes begin as a zip archive does.
pub(super) fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06")
}

/// All files of an archive by their names in it.
pub(super) fn unpack(name: &str, bytes: &[u8]) -> Result<BTreeMap<String, Vec<u8>>, Finding> {
    let fail = |zh: &str, en: &str| {
        Finding::error("zip", name, Text::new(zh, en))
            .at("", 1, 1)
            .fix(Text::new(
                "请用普通 zip（不加密）重新打包，只放描述文件及其引用的文件",
                "Pack it anew as a plain zip without a password, with the description and the files it refers to.",
            ))
    };
    let broken = || fail("zip 文件已损坏", "The zip file is broken");
    let (count, mut at) = directory(bytes).ok_or_else(broken)?;
    if count > MAX_FILES {
        return Err(fail("zip 中的文件过多", "The zip holds too many files")
            .expected(format!("at most {MAX_FILES}"), count.to_string()));
    }
    let mut files = BTreeMap::new();
    let mut left = MAX_UNPACKED;
    for _ in 0..count {
        let entry = Entry::read(bytes, at).ok_or_else(broken)?;
        at = entry.next;
        if entry.name.ends_with('/') || entry.name.contains("__MACOSX/") {
            continue;
        }
        if entry.is_sealed {
            return Err(fail("zip 文件已加密", "The zip file has a password"));
        }
        let packed = entry.packed(bytes).ok_or_else(broken)?;
        let mut unpacked = Vec::new();
        // One byte more than is left tells a file that ends from one that goes on.
        let read = match entry.method {
            0 => packed.take(left + 1).read_to_end(&mut unpacked),
            8 => DeflateDecoder::new(packed).take(left + 1).read_to_end(&mut unpacked),
            _ => {
                return Err(fail(
                    "zip 使用了不支持的压缩方式",
                    "The zip uses a compression other than deflate",
                ));
            }
        };
        read.map_err(|_| broken())?;
        left = left.checked_sub(unpacked.len() as u64).ok_or_else(|| {
            fail("zip 解压后过大", "The zip is too large once unpacked")
                .expected(format!("at most {} MiB", MAX_UNPACKED >> 20), "more".to_owned())
        })?;
        if let Some(path) = super::paths::tidy(&entry.name) {
            files.insert(path, unpacked);
        }
    }
    Ok(files)
}

/// Count of entries and where the first of them is listed.
fn directory(bytes: &[u8]) -> Option<(usize, usize)> {
    let from = bytes.len().saturating_sub(MAX_END);
    let tail = bytes.get(from..)?;
    let end = from + tail.windows(4).rposition(|w| w == b"PK\x05\x06")?;
    Some((usize::from(short(bytes, end + 10)?), long(bytes, end + 16)?))
}

struct Entry {
    name: String,
    method: u16,
    is_sealed: bool,
    size: usize,
    start: usize,
    next: usize,
}

impl Entry {
    fn read(bytes: &[u8], at: usize) -> Option<Self> {
        if bytes.get(at..at.checked_add(4)?)? != b"PK\x01\x02" {
            return None;
        }
        let (named, extra, comment) = (short(bytes, at + 28)?, short(bytes, at + 30)?, short(bytes, at + 32)?);
        let raw = bytes.get(at + 46..at + 46 + usize::from(named))?;
        let flags = short(bytes, at + 8)?;
        // Bit 11 says UTF-8; without it Chinese systems write their own code page.
        let name = match std::str::from_utf8(raw) {
            Ok(name) => name.to_owned(),
            Err(_) => encoding_rs::GB18030.decode_without_bom_handling(raw).0.into_owned(),
        };
        Some(Self {
            name,
            method: short(bytes, at + 10)?,
            is_sealed: flags & 1 == 1,
            size: long(bytes, at + 20)?,
            start: long(bytes, at + 42)?,
            next: at + 46 + usize::from(named) + usize::from(extra) + usize::from(comment),
        })
    }

    fn packed<'b>(&self, bytes: &'b [u8]) -> Option<&'b [u8]> {
        let at = self.start;
        if bytes.get(at..at.checked_add(4)?)? != b"PK\x03\x04" {
            return None;
        }
        let data = at + 30 + usize::from(short(bytes, at + 26)?) + usize::from(short(bytes, at + 28)?);
        bytes.get(data..data.checked_add(self.size)?)
    }
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    let pair = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_le_bytes(pair.try_into().ok()?))
}

fn long(bytes: &[u8], at: usize) -> Option<usize> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    usize::try_from(u32::from_le_bytes(four.try_into().ok()?)).ok()
}
