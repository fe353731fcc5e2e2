//! Bytes as people save them, as text: UTF-8 with or without a byte order mark, UTF-16, GB18030, what XML declares.

use encoding_rs::{Encoding, GB18030, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use hub_core::{Finding, Severity, Text};
use std::borrow::Cow;

/// Bytes of one file.
const MAX_BYTES: usize = 32 << 20;

/// The text of a file; an encoding that had to be concluded is told of.
pub(super) fn decode<'a>(name: &str, bytes: &'a [u8], findings: &mut Vec<Finding>) -> Result<Cow<'a, str>, Finding> {
    if bytes.len() > MAX_BYTES {
        let words = Text::new("文件过大", "The file is too large");
        let got = format!("{} MiB", bytes.len().div_ceil(1 << 20));
        return Err(Finding::error("document-too-large", name, words)
            .at("", 1, 1)
            .expected(format!("at most {} MiB", MAX_BYTES >> 20), got));
    }
    if let Some((encoding, length)) = Encoding::for_bom(bytes) {
        return strict(name, bytes.get(length..).unwrap_or_default(), encoding);
    }
    if let Some(encoding) = wide(bytes) {
        return strict(name, bytes, encoding);
    }
    if let Some(encoding) = declared(bytes) {
        return strict(name, bytes, encoding);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Ok(Cow::Borrowed(text));
    }
    let Some(encoding) = concluded(bytes) else {
        return strict(name, bytes, UTF_8);
    };
    let text = strict(name, bytes, encoding)?;
    let (line, column) = place(bytes);
    let label = encoding.name();
    let words = Text::new(
        format!("文件不是 UTF-8 编码，已按 {label} 读取"),
        format!("The file is not UTF-8; it was read as {label}"),
    );
    findings.push(
        Finding::error("encoding", name, words)
            .severity(match encoding == GB18030 {
                true => Severity::Note,
                false => Severity::Warning,
            })
            .at("", line, column)
            .fix(Text::new("请以 UTF-8 编码保存文件", "Save the file as UTF-8.")),
    );
    Ok(text)
}

/// UTF-16 without a mark: what begins a description is ASCII, so every other byte is zero.
fn wide(bytes: &[u8]) -> Option<&'static Encoding> {
    match bytes {
        [0, first, 0, second, ..] if *first != 0 && *second != 0 => Some(UTF_16BE),
        [first, 0, second, 0, ..] if *first != 0 && *second != 0 => Some(UTF_16LE),
        _ => None,
    }
}

/// What the declaration of an XML document says.
fn declared(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = bytes.get(..bytes.len().min(200))?;
    let head = head.get(..head.windows(2).position(|w| w == b"?>")?)?;
    let head = std::str::from_utf8(head).ok()?.trim_start();
    let rest = head.strip_prefix("<?xml")?.split_once("encoding")?.1;
    let rest = rest.trim_start().strip_prefix('=')?.trim_start();
    let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let label = rest.get(1..)?.split(quote).next()?;
    Encoding::for_label(label.as_bytes()).filter(|e| *e != UTF_16LE && *e != UTF_16BE)
}

/// Bytes beyond ASCII come in pairs in Chinese text, and alone between letters in western text. Anything between is
/// nobody's text.
fn concluded(bytes: &[u8]) -> Option<&'static Encoding> {
    let (mut pairs, mut alone, mut at) = (0_usize, 0_usize, 0);
    while let Some(byte) = bytes.get(at) {
        if *byte < 0x80 {
            at += 1;
            continue;
        }
        match bytes.get(at + 1) {
            Some(next) if *next >= 0x80 || next.is_ascii_digit() => {
                pairs += 1;
                at += 2;
            }
            _ => {
                alone += 1;
                at += 1;
            }
        }
    }
    if GB18030
        .decode_without_bom_handling_and_without_replacement(bytes)
        .is_some()
        && pairs >= 9 * alone
    {
        Some(GB18030)
    } else if alone >= 9 * pairs {
        Some(WINDOWS_1252)
    } else {
        None
    }
}

fn strict<'a>(name: &str, bytes: &'a [u8], encoding: &'static Encoding) -> Result<Cow<'a, str>, Finding> {
    if let Some(text) = encoding.decode_without_bom_handling_and_without_replacement(bytes) {
        return Ok(text);
    }
    let (line, column) = place(bytes);
    let label = encoding.name();
    let words = Text::new(
        format!("文件不是有效的 {label} 编码，也不是 UTF-8 或 GB18030"),
        format!("The file is neither valid {label} nor UTF-8 or GB18030"),
    );
    Err(Finding::error("not-utf-8", name, words)
        .at("", line, column)
        .fix(Text::new("请以 UTF-8 编码保存文件", "Save the file as UTF-8.")))
}

/// Where the first byte stands that is not UTF-8.
fn place(bytes: &[u8]) -> (usize, usize) {
    let valid = std::str::from_utf8(bytes).map_or_else(|e| e.valid_up_to(), str::len);
    let before = bytes.get(..valid).unwrap_or_default();
    let line = before.iter().filter(|b| **b == b'\n').count() + 1;
    let tail = before.rsplit(|b| *b == b'\n').next().unwrap_or_default();
    (line, String::from_utf8_lossy(tail).chars().count() + 1)
}
