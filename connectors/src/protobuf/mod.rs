//! Protocol buffers (proto2 and proto3 wire format) by tables of fields: reading and writing side by side.
//!
//! No generated code: which number is which field, and of which type, is data ([`Messages`]), so that a vendor's extension is
//! a line of its manifest. Numbers that no table knows are skipped, as the format asks. Depth and number of values are
//! bounded, because a feed comes from outside.

mod tables;

pub use tables::{Field, Kind, Messages};

use crate::dialect::{Document, ReadError, is_html};
use serde_json::{Map, Number, Value};

/// Media type of protobuf bodies.
pub const CONTENT_TYPE: &str = "application/x-protobuf";
/// Levels of messages within messages.
const MAX_DEPTH: usize = 32;
/// Values one body may hold.
const MAX_VALUES: usize = 2_000_000;

fn broken(what: &str) -> ReadError {
    ReadError::Broken(format!("{what} in a protobuf message"))
}

/// Reads a message.
///
/// # Errors
/// A page for people, or what is wrong with the bytes.
pub fn read(bytes: &[u8], messages: &Messages) -> Result<Document, ReadError> {
    let start = String::from_utf8_lossy(bytes.get(..bytes.len().min(300)).unwrap_or_default());
    if is_html(&start) {
        return Err(ReadError::Html);
    }
    let mut budget = MAX_VALUES;
    let tree = message(bytes, messages, messages.root(), 0, &mut budget)?;
    Ok(Document::of(tree))
}

fn message(
    bytes: &[u8],
    messages: &Messages,
    name: &str,
    depth: usize,
    budget: &mut usize,
) -> Result<Value, ReadError> {
    if depth > MAX_DEPTH {
        return Err(broken("too many levels"));
    }
    let mut map = Map::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        *budget = budget.checked_sub(1).ok_or_else(|| broken("too many values"))?;
        let key = varint(&mut rest)?;
        let (number, wire) = (key >> 3, key & 7);
        let raw = raw(&mut rest, wire)?;
        let Some(field) = u32::try_from(number).ok().and_then(|n| messages.field(name, n)) else {
            continue;
        };
        for value in values(field, raw, messages, depth, budget)? {
            add(&mut map, field, value);
        }
    }
    Ok(Value::Object(map))
}

/// A value as it stands on the wire.
#[derive(Clone, Copy)]
enum Raw<'b> {
    Varint(u64),
    Fixed64([u8; 8]),
    Bytes(&'b [u8]),
    Fixed32([u8; 4]),
}

fn varint(rest: &mut &[u8]) -> Result<u64, ReadError> {
    let mut value = 0_u64;
    for shift in (0..70).step_by(7) {
        let (byte, tail) = rest.split_first().ok_or_else(|| broken("a cut number"))?;
        *rest = tail;
        if shift < 64 {
            value |= u64::from(byte & 0x7f) << shift;
        }
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(broken("a number without end"))
}

fn raw<'b>(rest: &mut &'b [u8], wire: u64) -> Result<Raw<'b>, ReadError> {
    let mut take = |length: usize| -> Result<&'b [u8], ReadError> {
        let (head, tail) = rest.split_at_checked(length).ok_or_else(|| broken("a cut value"))?;
        *rest = tail;
        Ok(head)
    };
    Ok(match wire {
        0 => Raw::Varint(varint(rest)?),
        1 => Raw::Fixed64(take(8)?.try_into().map_err(|_| broken("a cut value"))?),
        2 => {
            let length = usize::try_from(varint(rest)?).map_err(|_| broken("a length without end"))?;
            let (head, tail) = rest.split_at_checked(length).ok_or_else(|| broken("a cut value"))?;
            *rest = tail;
            Raw::Bytes(head)
        }
        5 => Raw::Fixed32(take(4)?.try_into().map_err(|_| broken("a cut value"))?),
        // Groups (3, 4) are out of use since proto2 and no table here has them.
        _ => return Err(broken("an unknown kind of value")),
    })
}

fn values(
    field: &Field,
    raw: Raw<'_>,
    messages: &Messages,
    depth: usize,
    budget: &mut usize,
) -> Result<Vec<Value>, ReadError> {
    if let (Raw::Bytes(mut packed), true) = (raw, field.kind.is_packable()) {
        // Packed lists: proto3 writes them so, and readers must take both forms.
        let mut values = Vec::new();
        while !packed.is_empty() {
            *budget = budget.checked_sub(1).ok_or_else(|| broken("too many values"))?;
            let one = match field.kind {
                Kind::Double | Kind::Fixed64 => self::raw(&mut packed, 1)?,
                Kind::Float | Kind::Fixed32 => self::raw(&mut packed, 5)?,
                _ => self::raw(&mut packed, 0)?,
            };
            values.push(scalar(field, one, messages)?);
        }
        return Ok(values);
    }
    Ok(vec![match (&field.kind, raw) {
        (Kind::Message(name), Raw::Bytes(bytes)) => message(bytes, messages, name, depth + 1, budget)?,
        _ => scalar(field, raw, messages)?,
    }])
}

fn scalar(field: &Field, raw: Raw<'_>, messages: &Messages) -> Result<Value, ReadError> {
    let float = |f: f64| Number::from_f64(f).map_or(Value::Null, Value::Number);
    Ok(match (&field.kind, raw) {
        (Kind::Text, Raw::Bytes(bytes)) => {
            Value::from(std::str::from_utf8(bytes).map_err(|_| broken("a text that is not UTF-8"))?)
        }
        (Kind::Bytes, Raw::Bytes(bytes)) => {
            use base64::Engine as _;
            Value::from(base64::engine::general_purpose::STANDARD.encode(bytes))
        }
        (Kind::Bool, Raw::Varint(number)) => Value::from(number != 0),
        // Negative numbers stand in ten bytes, as two's complement; an int32 keeps its low half.
        (Kind::Int, Raw::Varint(number)) => Value::from(number.cast_signed()),
        (Kind::Uint, Raw::Varint(number)) => Value::from(number),
        (Kind::Sint, Raw::Varint(number)) => Value::from((number >> 1).cast_signed() ^ -((number & 1).cast_signed())),
        (Kind::Enum(name), Raw::Varint(number)) => match messages.word(name, number) {
            Some(word) => Value::from(word),
            None => Value::from(number),
        },
        (Kind::Float, Raw::Fixed32(bytes)) => short_float(f32::from_le_bytes(bytes)),
        (Kind::Double, Raw::Fixed64(bytes)) => float(f64::from_le_bytes(bytes)),
        (Kind::Fixed32, Raw::Fixed32(bytes)) => Value::from(u32::from_le_bytes(bytes)),
        (Kind::Fixed64, Raw::Fixed64(bytes)) => Value::from(u64::from_le_bytes(bytes)),
        _ => return Err(broken("a value of another type than its field")),
    })
}

/// A 32-bit float by its shortest decimal form: 30.2 is not 30.200000762939453.
fn short_float(float: f32) -> Value {
    let exact: f64 = float.to_string().parse().unwrap_or_else(|_| f64::from(float));
    Number::from_f64(exact).map_or(Value::Null, Value::Number)
}

fn add(map: &mut Map<String, Value>, field: &Field, value: Value) {
    if !field.repeated {
        map.insert(field.name.clone(), value);
        return;
    }
    match map.get_mut(&field.name) {
        Some(Value::Array(list)) => list.push(value),
        _ => {
            map.insert(field.name.clone(), Value::Array(vec![value]));
        }
    }
}

/// Writes a message. Members that no table knows are left out.
///
/// # Errors
/// A member whose value is not of its field's type.
pub fn write(tree: &Value, messages: &Messages) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    write_message(tree, messages, messages.root(), &mut bytes, 0)?;
    Ok(bytes)
}

fn write_message(
    tree: &Value,
    messages: &Messages,
    name: &str,
    out: &mut Vec<u8>,
    depth: usize,
) -> Result<(), ReadError> {
    if depth > MAX_DEPTH {
        return Err(broken("too many levels"));
    }
    for (number, field) in messages.fields(name) {
        let values: Vec<&Value> = match tree.get(&field.name) {
            None | Some(Value::Null) => continue,
            Some(Value::Array(items)) => items.iter().collect(),
            Some(one) => vec![one],
        };
        for value in values {
            write_value(number, field, value, messages, out, depth)?;
        }
    }
    Ok(())
}

fn write_value(
    number: u32,
    field: &Field,
    value: &Value,
    messages: &Messages,
    out: &mut Vec<u8>,
    depth: usize,
) -> Result<(), ReadError> {
    use crate::mapping::template::scalar_text;
    let wrong = || ReadError::Broken(format!("`{}` is not of its type", field.name));
    let key = u64::from(number) << 3;
    let text = || scalar_text(value).ok_or_else(wrong);
    fn parsed<T: std::str::FromStr>(text: &str) -> Option<T> {
        text.trim().parse().ok()
    }
    match &field.kind {
        Kind::Message(name) => {
            let mut inner = Vec::new();
            write_message(value, messages, name, &mut inner, depth + 1)?;
            put_bytes(key, &inner, out);
        }
        Kind::Text => put_bytes(key, text()?.as_bytes(), out),
        Kind::Bytes => {
            use base64::Engine as _;
            let bytes = base64::engine::general_purpose::STANDARD
                .decode(text()?)
                .map_err(|_| wrong())?;
            put_bytes(key, &bytes, out);
        }
        Kind::Float => {
            put_varint(key | 5, out);
            out.extend(parsed::<f32>(&text()?).ok_or_else(wrong)?.to_le_bytes());
        }
        Kind::Double => {
            put_varint(key | 1, out);
            out.extend(parsed::<f64>(&text()?).ok_or_else(wrong)?.to_le_bytes());
        }
        Kind::Fixed32 => {
            put_varint(key | 5, out);
            out.extend(parsed::<u32>(&text()?).ok_or_else(wrong)?.to_le_bytes());
        }
        Kind::Fixed64 => {
            put_varint(key | 1, out);
            out.extend(parsed::<u64>(&text()?).ok_or_else(wrong)?.to_le_bytes());
        }
        kind => {
            let number = varint_of(kind, &text()?, messages).ok_or_else(wrong)?;
            put_varint(key, out);
            put_varint(number, out);
        }
    }
    Ok(())
}

fn varint_of(kind: &Kind, text: &str, messages: &Messages) -> Option<u64> {
    let text = text.trim();
    match kind {
        Kind::Bool => match text {
            "true" | "1" => Some(1),
            "false" | "0" => Some(0),
            _ => None,
        },
        Kind::Int => text.parse::<i64>().ok().map(i64::cast_unsigned),
        Kind::Uint => text.parse().ok(),
        Kind::Sint => text
            .parse::<i64>()
            .ok()
            .map(|n| (n.cast_unsigned() << 1) ^ (n >> 63).cast_unsigned()),
        Kind::Enum(name) => messages.number(name, text).or_else(|| text.parse().ok()),
        _ => None,
    }
}

fn put_varint(mut number: u64, out: &mut Vec<u8>) {
    loop {
        let low = u8::try_from(number & 0x7f).unwrap_or(0);
        number >>= 7;
        if number == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

fn put_bytes(key: u64, bytes: &[u8], out: &mut Vec<u8>) {
    put_varint(key | 2, out);
    put_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests;
