//! Records: fields of fixed widths or between separators, in one text (quirk 11). Lengths count bytes in the upstream's
//! charset: a name of three characters fills six bytes in GBK. Separators are looked for in characters, because the second
//! byte of a GBK character may be the separator's own.

use super::{Document, ReadError, encode, is_html};
use crate::charset::{Charset, decode};
use crate::manifest::model::{Format, Layout, LayoutField};
use crate::mapping::template::scalar_text;
use serde_json::{Map, Value};

/// Records a text may repeat.
const MAX_ROWS: usize = 10_000;

fn broken(what: impl Into<String>) -> ReadError {
    ReadError::Broken(what.into())
}

/// Reads a record.
///
/// # Errors
/// A page for people, a length that is not the text's, a field that ends within a character.
pub fn read(bytes: &[u8], layout: &Layout, format: Format, charset: Charset) -> Result<Document, ReadError> {
    let start = String::from_utf8_lossy(bytes.get(..bytes.len().min(300)).unwrap_or_default());
    if is_html(&start) {
        return Err(ReadError::Html);
    }
    let body = without_length(bytes, layout)?;
    let values = if format == Format::Fixed {
        cut(body, layout, charset)?
    } else {
        split(&text(body, charset)?, layout)
    };
    Ok(Document::of(tree(values, layout)))
}

fn text(bytes: &[u8], charset: Charset) -> Result<String, ReadError> {
    decode(bytes, Some(charset), None)
        .map(|d| d.text)
        .map_err(|e| broken(e.to_string()))
}

/// What stands behind the length header, which must be true.
fn without_length<'b>(bytes: &'b [u8], layout: &Layout) -> Result<&'b [u8], ReadError> {
    let trimmed = bytes.trim_ascii_end();
    let Some(digits) = layout.length else {
        // A separator or a filler may be white space; only line ends are not meant.
        let end = bytes
            .iter()
            .rposition(|b| !matches!(b, b'\r' | b'\n'))
            .map_or(0, |i| i + 1);
        return Ok(bytes.get(..end).unwrap_or_default());
    };
    let (head, body) = bytes
        .split_at_checked(digits)
        .ok_or_else(|| broken("a text shorter than its length header"))?;
    let told: usize = std::str::from_utf8(head)
        .ok()
        .and_then(|h| h.trim().parse().ok())
        .ok_or_else(|| broken("no length where one must be"))?;
    let whole = if layout.whole { bytes } else { body };
    let skipped = bytes.len() - whole.len();
    if whole.len() != told && trimmed.len().saturating_sub(skipped) != told {
        return Err(broken(format!("a length of {told} before {} bytes", whole.len())));
    }
    let end = (told + skipped).min(bytes.len());
    let body = bytes.get(digits..end).unwrap_or_default();
    // The separator between the length and the first field.
    let separator = layout.separator.as_bytes();
    Ok(if separator.is_empty() {
        body
    } else {
        body.strip_prefix(separator).unwrap_or(body)
    })
}

/// Fields by width; the widths of the repeated ones again and again until the text ends.
fn cut(bytes: &[u8], layout: &Layout, charset: Charset) -> Result<Vec<String>, ReadError> {
    let mut values = Vec::new();
    let mut rest = bytes;
    let repeated = layout.of.iter().cycle().take(MAX_ROWS * layout.of.len());
    for field in layout.fields.iter().chain(repeated) {
        if rest.is_empty() && values.len() >= layout.fields.len() {
            break;
        }
        let width = field.width.unwrap_or(rest.len());
        let (head, tail) = match rest.split_at_checked(width) {
            Some(parts) => parts,
            // The last field may have lost its filler to a trim on the way.
            None if field.width.is_some() && !rest.is_empty() => (rest, [].as_slice()),
            None => ([].as_slice(), [].as_slice()),
        };
        rest = tail;
        let text = text(head, charset).map_err(|_| broken(format!("`{}` ends within a character", field.name)))?;
        if text.contains('\u{fffd}') {
            return Err(broken(format!("`{}` ends within a character", field.name)));
        }
        values.push(field.unfilled(&text).to_owned());
    }
    Ok(values)
}

fn split(text: &str, layout: &Layout) -> Vec<String> {
    let mut values: Vec<String> = text.split(layout.separator()).map(|v| v.trim().to_owned()).collect();
    if layout.trailing && values.last().is_some_and(String::is_empty) {
        values.pop();
    }
    values
}

fn tree(values: Vec<String>, layout: &Layout) -> Value {
    let mut map = Map::new();
    let mut values = values.into_iter();
    for field in &layout.fields {
        if let Some(value) = values.next() {
            map.insert(field.name.clone(), Value::from(value));
        }
    }
    let rest: Vec<String> = values.collect();
    if let (Some(list), false) = (&layout.rows, layout.of.is_empty()) {
        let rows = rest.chunks(layout.of.len()).take(MAX_ROWS).map(|chunk| {
            let members = layout.of.iter().zip(chunk);
            Value::Object(
                members
                    .map(|(f, v)| (f.name.clone(), Value::from(v.as_str())))
                    .collect(),
            )
        });
        map.insert(list.clone(), rows.collect());
    }
    Value::Object(map)
}

/// Writes a record. Members that no field of the layout is for are left out.
///
/// # Errors
/// A value longer than its field, one that holds the separator, a character the charset has no bytes for.
pub fn write(tree: &Value, layout: &Layout, format: Format, charset: Charset) -> Result<Vec<u8>, ReadError> {
    let mut values: Vec<(&LayoutField, String)> = Vec::new();
    let value = |of: &Value, field: &LayoutField| of.get(&field.name).and_then(scalar_text).unwrap_or_default();
    values.extend(layout.fields.iter().map(|f| (f, value(tree, f))));
    let rows = layout
        .rows
        .as_ref()
        .and_then(|list| tree.get(list))
        .and_then(Value::as_array);
    for row in rows.into_iter().flatten() {
        values.extend(layout.of.iter().map(|f| (f, value(row, f))));
    }
    let mut body = Vec::new();
    let count = values.len();
    for (index, (field, value)) in values.into_iter().enumerate() {
        let bytes = encode(charset, &value, format)?;
        if format == Format::Fixed {
            body.extend(field.filled(&bytes)?);
            continue;
        }
        if value.contains(layout.separator()) {
            return Err(broken(format!("`{}` holds the separator", field.name)));
        }
        body.extend(bytes);
        if index + 1 < count || layout.trailing {
            body.extend(layout.separator().as_bytes());
        }
    }
    Ok(with_length(body, layout))
}

fn with_length(body: Vec<u8>, layout: &Layout) -> Vec<u8> {
    let Some(digits) = layout.length else {
        return body;
    };
    let mut body = body;
    // A piped text has its length as a first field.
    if !layout.separator.is_empty() {
        let mut led = layout.separator.as_bytes().to_vec();
        led.append(&mut body);
        body = led;
    }
    let length = body.len() + if layout.whole { digits } else { 0 };
    let mut bytes = format!("{length:0digits$}").into_bytes();
    bytes.append(&mut body);
    bytes
}

impl Layout {
    fn separator(&self) -> &str {
        if self.separator.is_empty() {
            "|"
        } else {
            &self.separator
        }
    }
}

impl LayoutField {
    fn unfilled<'t>(&self, text: &'t str) -> &'t str {
        let text = match (self.right, self.fill) {
            (true, fill) => {
                let bare = text.trim_start_matches(fill);
                // A number of nothing but zeros is zero.
                if bare.is_empty() && fill == '0' && !text.is_empty() {
                    "0"
                } else {
                    bare
                }
            }
            (false, fill) => text.trim_end_matches(fill),
        };
        text.trim()
    }

    fn filled(&self, bytes: &[u8]) -> Result<Vec<u8>, ReadError> {
        let Some(width) = self.width else {
            return Ok(bytes.to_vec());
        };
        let missing = width
            .checked_sub(bytes.len())
            .ok_or_else(|| broken(format!("`{}` is longer than {width} bytes", self.name)))?;
        let fill = vec![u8::try_from(u32::from(self.fill)).unwrap_or(b' '); missing];
        Ok(if self.right {
            [fill.as_slice(), bytes].concat()
        } else {
            [bytes, fill.as_slice()].concat()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields(text: &[&str]) -> Vec<LayoutField> {
        text.iter().map(|t| LayoutField::parse(t).unwrap()).collect()
    }

    #[test]
    fn q11_a_length_and_pipes_in_gbk_bytes() {
        // `0000|交易成功|张三|1280.50|` behind its length: 4+1 + 8+1 + 4+1 + 7+1 and the separator before them.
        let layout = Layout {
            length: Some(8),
            separator: "|".to_owned(),
            trailing: true,
            fields: fields(&["code", "msg", "xm", "je"]),
            ..Layout::default()
        };
        let mut bytes = b"00000028|0000|".to_vec();
        bytes.extend([0xbd, 0xbb, 0xd2, 0xd7, 0xb3, 0xc9, 0xb9, 0xa6]);
        bytes.extend(b"|");
        bytes.extend([0xd5, 0xc5, 0xc8, 0xfd]);
        bytes.extend(b"|1280.50|");
        let tree = json!({"code": "0000", "msg": "交易成功", "xm": "张三", "je": "1280.50"});
        assert_eq!(read(&bytes, &layout, Format::Piped, Charset::Gbk).unwrap().tree, tree);
        assert_eq!(write(&tree, &layout, Format::Piped, Charset::Gbk).unwrap(), bytes);
        let mut short = bytes.clone();
        short.truncate(30);
        assert!(read(&short, &layout, Format::Piped, Charset::Gbk).is_err());
    }

    #[test]
    fn q11_a_character_whose_second_byte_is_the_separator() {
        // U+6910 is 97 7C in GBK.
        let layout = Layout {
            separator: "|".to_owned(),
            fields: fields(&["xm", "je"]),
            ..Layout::default()
        };
        let bytes = [0x97, 0x7c, b'|', b'5'];
        let (text, _, bad) = encoding_rs::GBK.decode(&bytes[..2]);
        assert!(!bad);
        let tree = read(&bytes, &layout, Format::Piped, Charset::Gbk).unwrap().tree;
        assert_eq!(tree, json!({"xm": text, "je": "5"}));
        assert_eq!(write(&tree, &layout, Format::Piped, Charset::Gbk).unwrap(), bytes);
    }

    #[test]
    fn q11_widths_count_bytes() {
        let layout = Layout {
            fields: fields(&["jym 4", "xm 10", "je 8 right 0"]),
            ..Layout::default()
        };
        let mut bytes = b"0012".to_vec();
        bytes.extend([0xd5, 0xc5, 0xc8, 0xfd]);
        bytes.extend(b"      ");
        bytes.extend(b"00128050");
        let tree = json!({"jym": "0012", "xm": "张三", "je": "128050"});
        assert_eq!(read(&bytes, &layout, Format::Fixed, Charset::Gbk).unwrap().tree, tree);
        assert_eq!(write(&tree, &layout, Format::Fixed, Charset::Gbk).unwrap(), bytes);
        // Six characters are twelve bytes and do not fit.
        let long = json!({"jym": "0012", "xm": "欧阳张三李四", "je": "1"});
        assert!(write(&long, &layout, Format::Fixed, Charset::Gbk).is_err());
        // A width that ends within a character is the manual's or the upstream's mistake, not a name.
        let cut = Layout {
            fields: fields(&["jym 4", "xm 3", "je 8"]),
            ..Layout::default()
        };
        assert!(read(&bytes, &cut, Format::Fixed, Charset::Gbk).is_err());
    }

    #[test]
    fn q11_repeated_fields_are_rows() {
        let layout = Layout {
            separator: "\u{1b}".to_owned(),
            fields: fields(&["code", "n"]),
            rows: Some("mx".to_owned()),
            of: fields(&["mc", "je"]),
            ..Layout::default()
        };
        let bytes = "0\u{1b}2\u{1b}a\u{1b}1\u{1b}b\u{1b}2".as_bytes();
        let tree = json!({"code": "0", "n": "2", "mx": [{"mc": "a", "je": "1"}, {"mc": "b", "je": "2"}]});
        assert_eq!(read(bytes, &layout, Format::Piped, Charset::Utf8).unwrap().tree, tree);
        assert_eq!(write(&tree, &layout, Format::Piped, Charset::Utf8).unwrap(), bytes);
        let fixed = Layout {
            fields: fields(&["n 2"]),
            rows: Some("mx".to_owned()),
            of: fields(&["mc 2", "je 3 right 0"]),
            ..Layout::default()
        };
        let tree = json!({"n": "2", "mx": [{"mc": "a", "je": "1"}, {"mc": "b", "je": "0"}]});
        assert_eq!(
            write(&tree, &fixed, Format::Fixed, Charset::Utf8).unwrap(),
            b"2 a 001b 000"
        );
        assert_eq!(
            read(b"2 a 001b 000", &fixed, Format::Fixed, Charset::Utf8)
                .unwrap()
                .tree,
            tree
        );
    }
}
