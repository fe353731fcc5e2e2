//! Characters of upstream messages: which charset a message is in, and reading and writing it without losing any.
//!
//! Nothing is ever replaced. A name whose rare character became `?` fails an identity check, so a character that the
//! charset cannot say, and bytes that it cannot mean, are errors.

use encoding_rs::{DecoderResult, EncoderResult, Encoding, GB18030, GBK, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use std::borrow::Cow;
use std::fmt;

/// A charset that upstreams speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Charset {
    /// UTF-8.
    #[default]
    Utf8,
    /// GBK (Windows code page 936): two bytes a character. Read as its superset GB18030, written strictly.
    Gbk,
    /// GB18030: every character of Unicode.
    Gb18030,
    /// UTF-16, little-endian.
    Utf16Le,
    /// UTF-16, big-endian.
    Utf16Be,
    /// Windows-1252, which old stacks mean by ISO-8859-1.
    Latin1,
}

/// Bytes or characters that cannot be turned into each other.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CharsetError {
    /// Bytes that mean nothing in the charset.
    #[error("byte {offset} is not {charset}")]
    Malformed {
        /// Charset tried.
        charset: Charset,
        /// Offset of the first bad byte.
        offset: usize,
    },
    /// A character the charset has no bytes for.
    #[error("the character {} at {index} has no bytes in {charset}", code_point(*.character))]
    Unmappable {
        /// Charset to be written.
        charset: Charset,
        /// The character.
        character: char,
        /// Its position, in characters.
        index: usize,
    },
}

fn code_point(c: char) -> String {
    format!("U+{:04X}", u32::from(c))
}

/// What a charset was believed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Belief {
    /// A byte order mark.
    Bom,
    /// `<?xml … encoding="…"?>`.
    Declaration,
    /// The connector's manifest.
    Manifest,
    /// The `Content-Type` header.
    Header,
    /// Nobody said anything: UTF-8.
    Default,
}

/// A message as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// The text, without byte order mark.
    pub text: String,
    /// What it was in.
    pub charset: Charset,
    /// Who was right about it.
    pub belief: Belief,
}

impl Charset {
    /// By one of its usual names, in any case.
    #[must_use]
    pub fn named(label: &str) -> Option<Self> {
        let bare = label.trim().trim_matches(['"', '\'']);
        // WHATWG maps the bare name to little-endian; XML and Java mean big-endian without a mark, a mark wins anyway.
        if bare.eq_ignore_ascii_case("utf-16") {
            return Some(Self::Utf16Be);
        }
        let encoding = Encoding::for_label_no_replacement(bare.as_bytes())?;
        [
            Self::Utf8,
            Self::Gbk,
            Self::Gb18030,
            Self::Utf16Le,
            Self::Utf16Be,
            Self::Latin1,
        ]
        .into_iter()
        .find(|c| c.encoding() == encoding)
    }

    /// Its name as headers and declarations write it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Gbk => "GBK",
            Self::Gb18030 => "GB18030",
            Self::Utf16Le => "UTF-16LE",
            Self::Utf16Be => "UTF-16BE",
            Self::Latin1 => "ISO-8859-1",
        }
    }

    fn encoding(self) -> &'static Encoding {
        match self {
            Self::Utf8 => UTF_8,
            Self::Gbk => GBK,
            Self::Gb18030 => GB18030,
            Self::Utf16Le => UTF_16LE,
            Self::Utf16Be => UTF_16BE,
            Self::Latin1 => WINDOWS_1252,
        }
    }

    /// Reads bytes that are known to be in this charset.
    ///
    /// # Errors
    /// [`CharsetError::Malformed`] with the offset of the first bad byte.
    pub fn decode(self, bytes: &[u8]) -> Result<String, CharsetError> {
        let encoding = if self == Self::Gbk { GB18030 } else { self.encoding() };
        let mut decoder = encoding.new_decoder_without_bom_handling();
        let room = decoder.max_utf8_buffer_length_without_replacement(bytes.len());
        let mut text = String::with_capacity(room.unwrap_or(bytes.len()));
        let (result, read) = decoder.decode_to_string_without_replacement(bytes, &mut text, true);
        match result {
            DecoderResult::InputEmpty => Ok(text),
            DecoderResult::Malformed(bad, after) => Err(CharsetError::Malformed {
                charset: self,
                offset: read.saturating_sub(usize::from(bad) + usize::from(after)),
            }),
            DecoderResult::OutputFull => Err(CharsetError::Malformed {
                charset: self,
                offset: read,
            }),
        }
    }

    /// Writes text, without byte order mark.
    ///
    /// # Errors
    /// [`CharsetError::Unmappable`] with the first character that has no bytes here.
    pub fn encode(self, text: &str) -> Result<Cow<'_, [u8]>, CharsetError> {
        match self {
            Self::Utf8 => Ok(Cow::Borrowed(text.as_bytes())),
            // encoding_rs follows the web, where nothing is ever sent in UTF-16.
            Self::Utf16Le => Ok(text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
            Self::Utf16Be => Ok(text.encode_utf16().flat_map(u16::to_be_bytes).collect()),
            Self::Gbk | Self::Gb18030 | Self::Latin1 => self.encode_multibyte(text).map(Cow::Owned),
        }
    }

    fn encode_multibyte(self, text: &str) -> Result<Vec<u8>, CharsetError> {
        let mut encoder = self.encoding().new_encoder();
        let room = encoder.max_buffer_length_from_utf8_without_replacement(text.len());
        let mut bytes = Vec::with_capacity(room.unwrap_or(text.len()));
        let (result, read) = encoder.encode_from_utf8_to_vec_without_replacement(text, &mut bytes, true);
        match result {
            EncoderResult::InputEmpty => Ok(bytes),
            EncoderResult::Unmappable(character) => Err(CharsetError::Unmappable {
                charset: self,
                character,
                index: text.get(..read).map_or(0, |t| t.chars().count().saturating_sub(1)),
            }),
            EncoderResult::OutputFull => Err(CharsetError::Unmappable {
                charset: self,
                character: char::REPLACEMENT_CHARACTER,
                index: read,
            }),
        }
    }
}

impl fmt::Display for Charset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// Reads a message, asking in this order what it is in: byte order mark, XML declaration, the manifest, the header.
///
/// The first that fits is right: where the most believed charset finds a bad byte the next one said is tried, because
/// declarations lie (a gateway recodes the body and leaves them). A mark is never doubted.
///
/// # Errors
/// [`CharsetError::Malformed`] of the most believed charset, if none fits.
pub fn decode(bytes: &[u8], manifest: Option<Charset>, content_type: Option<&str>) -> Result<Decoded, CharsetError> {
    if let Some((charset, body)) = byte_order_mark(bytes) {
        return Ok(Decoded {
            text: charset.decode(body)?,
            charset,
            belief: Belief::Bom,
        });
    }
    let said = [
        (declaration(bytes), Belief::Declaration),
        (manifest, Belief::Manifest),
        (content_type.and_then(header), Belief::Header),
        (Some(Charset::Utf8), Belief::Default),
    ];
    let mut first_error = None;
    for (charset, belief) in said {
        let Some(charset) = charset else { continue };
        match charset.decode(bytes) {
            Ok(text) => return Ok(Decoded { text, charset, belief }),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    Err(first_error.unwrap_or(CharsetError::Malformed {
        charset: Charset::Utf8,
        offset: 0,
    }))
}

fn byte_order_mark(bytes: &[u8]) -> Option<(Charset, &[u8])> {
    let (encoding, length) = Encoding::for_bom(bytes)?;
    let charset = match encoding {
        e if e == UTF_16LE => Charset::Utf16Le,
        e if e == UTF_16BE => Charset::Utf16Be,
        _ => Charset::Utf8,
    };
    Some((charset, bytes.get(length..)?))
}

/// The encoding that an XML declaration names. Without a mark UTF-16 shows by its zero bytes (XML 1.0, appendix F).
fn declaration(bytes: &[u8]) -> Option<Charset> {
    match bytes.get(..4)? {
        [0, b'<', 0, b'?'] => return Some(Charset::Utf16Be),
        [b'<', 0, b'?', 0] => return Some(Charset::Utf16Le),
        _ => {}
    }
    let start = bytes.trim_ascii_start();
    if !start.starts_with(b"<?xml") {
        return None;
    }
    let end = start.iter().take(200).position(|b| *b == b'>')?;
    let head = std::str::from_utf8(start.get(..end)?).ok()?;
    let value = head
        .split_once("encoding")?
        .1
        .trim_start()
        .strip_prefix('=')?
        .trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    Charset::named(value.get(1..)?.split(quote).next()?)
}

/// The `charset` parameter of a `Content-Type` header.
fn header(content_type: &str) -> Option<Charset> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("charset")
            .then(|| Charset::named(value))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // 𬭚 U+2CB5A, 𠮷 U+20BB7, 㛃 U+36C3: bytes of GB18030-2022, computed with an independent codec.
    const RARE: &str = "𬭚𠮷㛃";
    const RARE_BYTES: [u8; 12] = [0x99, 0x33, 0xaa, 0x34, 0x95, 0x34, 0xb2, 0x35, 0x82, 0x30, 0xb7, 0x31];
    const CHINA: [u8; 4] = [0xd6, 0xd0, 0xb9, 0xfa];

    #[test]
    fn rare_names_survive_gb18030() {
        assert_eq!(Charset::Gb18030.encode(RARE).unwrap().as_ref(), RARE_BYTES);
        assert_eq!(Charset::Gb18030.decode(&RARE_BYTES).unwrap(), RARE);
        // A system that says GBK and sends four bytes is read all the same.
        assert_eq!(Charset::Gbk.decode(&RARE_BYTES).unwrap(), RARE);
    }

    #[test]
    fn the_edition_of_2022_moved_characters_out_of_the_private_area() {
        // GB 18030-2022, annex D: FE59 is now 龴 U+9FB4, A6D9 is now ︐ U+FE10.
        for (bytes, text) in [([0xfe, 0x59], "\u{9fb4}"), ([0xa6, 0xd9], "\u{fe10}")] {
            assert_eq!(Charset::Gb18030.decode(&bytes).unwrap(), text);
            assert_eq!(Charset::Gb18030.encode(text).unwrap().as_ref(), bytes);
        }
    }

    #[test]
    fn what_gbk_cannot_say_is_an_error() {
        assert_eq!(Charset::Gbk.encode("中国").unwrap().as_ref(), CHINA);
        assert_eq!(
            Charset::Gbk.encode("张𠮷"),
            Err(CharsetError::Unmappable {
                charset: Charset::Gbk,
                character: '𠮷',
                index: 1
            })
        );
        assert_eq!(
            Charset::Latin1.encode("é中").unwrap_err().to_string(),
            "the character U+4E2D at 1 has no bytes in ISO-8859-1"
        );
    }

    #[test]
    fn utf16_round_trip() {
        let le = [0x45, 0x5c, 0x11, 0x6c, 0x72, 0xd8, 0x5a, 0xdf];
        let be = [0x5c, 0x45, 0x6c, 0x11, 0xd8, 0x72, 0xdf, 0x5a];
        assert_eq!(Charset::Utf16Le.encode("居民𬭚").unwrap().as_ref(), le);
        assert_eq!(Charset::Utf16Be.encode("居民𬭚").unwrap().as_ref(), be);
        assert_eq!(Charset::Utf16Le.decode(&le).unwrap(), "居民𬭚");
        assert_eq!(Charset::Utf16Be.decode(&be).unwrap(), "居民𬭚");
        assert!(Charset::Utf16Be.decode(&be[..7]).is_err());
    }

    #[test]
    fn bad_bytes_are_named_by_offset() {
        let offset = |charset: Charset, bytes: &[u8]| match charset.decode(bytes) {
            Err(CharsetError::Malformed { offset, .. }) => offset,
            other => panic!("{other:?}"),
        };
        assert_eq!(offset(Charset::Utf8, b"ab\xd6\xd0"), 2);
        assert_eq!(offset(Charset::Gb18030, b"abc\xff"), 3);
        assert_eq!(offset(Charset::Gb18030, b"abc\xd6"), 3);
    }

    #[test]
    fn order_of_belief() {
        let read = |bytes: &[u8], manifest, header| {
            let d = decode(bytes, manifest, header).unwrap();
            (d.text, d.charset, d.belief)
        };
        let marked = [b"\xef\xbb\xbf".as_slice(), "中".as_bytes()].concat();
        assert_eq!(
            read(&marked, Some(Charset::Gbk), None),
            ("中".into(), Charset::Utf8, Belief::Bom)
        );
        let declared = b"<?xml version='1.0' encoding='GBK'?><a>\xd6\xd0</a>";
        let (text, charset, belief) = read(declared, Some(Charset::Utf8), Some("text/xml; charset=utf-8"));
        assert!(text.ends_with("<a>中</a>"));
        assert_eq!((charset, belief), (Charset::Gbk, Belief::Declaration));
        // Quirk 9: the header says UTF-8, the bytes are GBK, the manifest knows.
        assert_eq!(
            read(&CHINA, Some(Charset::Gb18030), Some("text/xml; charset=UTF-8")),
            ("中国".into(), Charset::Gb18030, Belief::Manifest)
        );
        assert_eq!(
            read(&CHINA, None, Some("text/html;charset=\"gb2312\"")),
            ("中国".into(), Charset::Gbk, Belief::Header)
        );
        assert_eq!(
            read("中".as_bytes(), None, Some("text/html")),
            ("中".into(), Charset::Utf8, Belief::Default)
        );
    }

    #[test]
    fn a_lying_declaration_is_found_out() {
        let lie = b"<?xml version=\"1.0\" encoding=\"UTF-8\"?><a>\xd6\xd0</a>";
        let read = decode(lie, Some(Charset::Gb18030), None).unwrap();
        assert_eq!((read.charset, read.belief), (Charset::Gb18030, Belief::Manifest));
        assert_eq!(
            decode(lie, None, None),
            Err(CharsetError::Malformed {
                charset: Charset::Utf8,
                offset: 41
            })
        );
    }

    #[test]
    fn utf16_without_a_mark_shows_in_its_declaration() {
        let bytes = Charset::Utf16Le
            .encode("<?xml version=\"1.0\" encoding=\"UTF-16\"?><a>中</a>")
            .unwrap();
        let read = decode(&bytes, None, None).unwrap();
        assert_eq!((read.charset, read.belief), (Charset::Utf16Le, Belief::Declaration));
        assert!(read.text.ends_with("<a>中</a>"));
    }

    #[test]
    fn names() {
        for (label, charset) in [
            ("utf8", Charset::Utf8),
            ("GBK", Charset::Gbk),
            ("gb2312", Charset::Gbk),
            ("gb18030", Charset::Gb18030),
            ("UTF-16", Charset::Utf16Be),
            ("utf-16le", Charset::Utf16Le),
            ("iso-8859-1", Charset::Latin1),
        ] {
            assert_eq!(Charset::named(label), Some(charset), "{label}");
        }
        assert_eq!(Charset::named("klingon"), None);
    }
}
