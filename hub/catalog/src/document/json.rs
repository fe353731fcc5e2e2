//! JSON with places (RFC 8259). Apart from the YAML reader because JSON writes characters beyond U+FFFF as surrogate pairs.

use super::{Care, Places, mangled};
use hub_core::{Finding, Text};
use serde_json::{Map, Value};

const MAX_DEPTH: usize = 100;

/// Reads a whole JSON text.
pub(super) fn read(name: &str, text: &str, care: Care) -> Result<(Value, Places), Finding> {
    let mut reader = Reader {
        text,
        care,
        at: 0,
        mark: Mark {
            at: 0,
            line: 1,
            column: 1,
        },
        places: Places::default(),
    };
    let read = reader.value(None, 0).and_then(|value| {
        reader.blank();
        if reader.at < text.len() {
            return Err(Fault::new(
                "json-syntax",
                "JSON 值之后还有内容",
                "there is text behind the JSON value",
            ));
        }
        Ok(value)
    });
    match read {
        Ok(value) => Ok((value, reader.places)),
        Err(fault) => {
            let (line, column) = reader.place();
            Err(Finding::error(fault.code, name, fault.message).at("", line, column))
        }
    }
}

struct Fault {
    code: &'static str,
    message: Text,
}

impl Fault {
    fn new(code: &'static str, zh: impl Into<String>, en: impl Into<String>) -> Self {
        let (zh, en) = (format!("JSON：{}", zh.into()), format!("JSON: {}", en.into()));
        Self {
            code,
            message: Text { zh, en },
        }
    }

    fn expected(what: &str) -> Self {
        Self::new(
            "json-syntax",
            format!("此处应为 {what}"),
            format!("{what} was expected here"),
        )
    }
}

struct Mark {
    at: usize,
    line: usize,
    column: usize,
}

struct Reader<'a> {
    text: &'a str,
    care: Care,
    at: usize,
    mark: Mark,
    places: Places,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Line and column of the current byte; moves a mark along so that a text of one long line stays linear.
    fn place(&mut self) -> (usize, usize) {
        let passed = self.text.get(self.mark.at..self.at).unwrap_or_default();
        for c in passed.chars() {
            if c == '\n' {
                self.mark.line += 1;
                self.mark.column = 1;
            } else {
                self.mark.column += 1;
            }
        }
        self.mark.at = self.at;
        (self.mark.line, self.mark.column)
    }

    fn take(&mut self, byte: u8) -> bool {
        self.blank();
        let found = self.peek() == Some(byte);
        if found {
            self.at += 1;
        }
        found
    }

    fn value(&mut self, key: Option<(usize, usize)>, depth: usize) -> Result<Value, Fault> {
        if depth > MAX_DEPTH {
            return Err(Fault::new(
                "too-deep",
                "嵌套过深",
                format!("nested deeper than {MAX_DEPTH} levels"),
            ));
        }
        self.blank();
        let own = self.place();
        let (line, column) = match self.peek() {
            Some(b'{' | b'[') => key.unwrap_or(own),
            _ => own,
        };
        let slot = self.places.open(line, column);
        let value = match self.peek() {
            Some(b'{') => self.object(depth)?,
            Some(b'[') => self.array(depth)?,
            Some(b'"') => Value::String(self.string()?),
            _ => self.word()?,
        };
        self.places.close(slot);
        Ok(value)
    }

    fn object(&mut self, depth: usize) -> Result<Value, Fault> {
        self.at += 1;
        let mut map = Map::new();
        if self.take(b'}') {
            return Ok(Value::Object(map));
        }
        loop {
            self.blank();
            let key_place = self.place();
            if self.peek() != Some(b'"') {
                return Err(Fault::expected("\""));
            }
            let start = self.at;
            let mut key = self.string()?;
            if map.contains_key(&key) && self.care == Care::Foreign {
                key = mangled(&key, &map);
            } else if map.contains_key(&key) {
                self.at = start;
                return Err(Fault::new(
                    "duplicate-key",
                    format!("键 `{key}` 重复"),
                    format!("the key `{key}` stands twice"),
                ));
            }
            if !self.take(b':') {
                return Err(Fault::expected(":"));
            }
            let value = self.value(Some(key_place), depth + 1)?;
            map.insert(key, value);
            if self.take(b',') {
                continue;
            }
            if self.take(b'}') {
                return Ok(Value::Object(map));
            }
            return Err(Fault::expected(", }"));
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, Fault> {
        self.at += 1;
        let mut items = Vec::new();
        if self.take(b']') {
            return Ok(Value::Array(items));
        }
        loop {
            items.push(self.value(None, depth + 1)?);
            if self.take(b',') {
                continue;
            }
            if self.take(b']') {
                return Ok(Value::Array(items));
            }
            return Err(Fault::expected(", ]"));
        }
    }

    /// A string literal; serde_json undoes the escapes, this only finds the end.
    fn string(&mut self) -> Result<String, Fault> {
        let mut escaped = false;
        let rest = self.rest();
        let end = rest.bytes().skip(1).position(|b| {
            let ends = b == b'"' && !escaped;
            escaped = b == b'\\' && !escaped;
            ends
        });
        let literal = end.and_then(|e| rest.get(..e + 2));
        let read = literal.and_then(|l| serde_json::from_str::<String>(l).ok().map(|s| (s, l.len())));
        let (text, length) = read.ok_or_else(|| {
            Fault::new(
                "json-syntax",
                "字符串无效或未结束",
                "the string is invalid or has no end",
            )
        })?;
        self.at += length;
        Ok(text)
    }

    fn word(&mut self) -> Result<Value, Fault> {
        let rest = self.rest();
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')))
            .unwrap_or(rest.len());
        let word = rest.get(..end).unwrap_or_default();
        let value = serde_json::from_str::<Value>(word)
            .map_err(|_| Fault::new("json-syntax", "此处应为一个值", "a value was expected here"))?;
        self.at += end;
        Ok(value)
    }
}
