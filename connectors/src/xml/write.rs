//! Values as XML text.

use super::XmlError;
use quick_xml::escape::{escape, partial_escape};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// What becomes of `null`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Nulls {
    /// No element.
    #[default]
    Leave,
    /// An empty element.
    Empty,
    /// An element with `xsi:nil="true"`; the prefix must be declared.
    Nil,
}

/// How a document is written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Style {
    /// Encoding that the XML declaration names; no declaration without one.
    pub declaration: Option<String>,
    /// Prefixes declared on the root, in order; the empty prefix is the default namespace.
    pub namespaces: Vec<(String, String)>,
    /// Prefix of the root, where its name has none.
    pub prefix: Option<String>,
    /// Whether that prefix goes on all elements.
    pub qualified: bool,
    /// What becomes of `null`.
    pub nulls: Nulls,
    /// Whether an empty element is written `<a></a>`, for parsers that stumble over `<a/>`.
    pub open_empty: bool,
}

/// Writes `value` as the element `name`.
///
/// # Errors
/// [`XmlError`] for names and characters that XML does not allow, and for lists without an element to repeat.
pub fn write(name: &str, value: &Value, style: &Style) -> Result<String, XmlError> {
    let mut writer = Writer {
        out: String::new(),
        style,
    };
    if let Some(encoding) = &style.declaration {
        writer.out.push_str("<?xml version=\"1.0\" encoding=\"");
        writer.out.push_str(&escape(encoding.as_str()));
        writer.out.push_str("\"?>");
    }
    if value.is_array() {
        return Err(XmlError::Misplaced("at the root"));
    }
    writer.element(name, value, true)?;
    Ok(writer.out)
}

struct Writer<'s> {
    out: String,
    style: &'s Style,
}

impl Writer<'_> {
    fn element(&mut self, name: &str, value: &Value, root: bool) -> Result<(), XmlError> {
        if let Value::Array(items) = value {
            return items.iter().try_for_each(|item| match item {
                Value::Array(_) => Err(XmlError::Misplaced("in a list")),
                item => self.element(name, item, false),
            });
        }
        if value.is_null() && !root && self.style.nulls == Nulls::Leave {
            return Ok(());
        }
        let tag = self.tag(name, root)?;
        self.out.push('<');
        self.out.push_str(&tag);
        if root {
            self.declarations()?;
        }
        if value.is_null() && self.style.nulls == Nulls::Nil {
            self.out.push_str(" xsi:nil=\"true\"");
        }
        if let Value::Object(members) = value {
            self.attributes(members)?;
        }
        self.out.push('>');
        let start = self.out.len();
        self.content(value)?;
        if self.out.len() == start && !self.style.open_empty {
            self.out.pop();
            self.out.push_str("/>");
        } else {
            self.out.push_str("</");
            self.out.push_str(&tag);
            self.out.push('>');
        }
        Ok(())
    }

    fn tag<'n>(&self, name: &'n str, root: bool) -> Result<Cow<'n, str>, XmlError> {
        checked_name(name)?;
        match &self.style.prefix {
            Some(prefix) if !prefix.is_empty() && (root || self.style.qualified) && !name.contains(':') => {
                Ok(format!("{prefix}:{name}").into())
            }
            _ => Ok(name.into()),
        }
    }

    fn declarations(&mut self) -> Result<(), XmlError> {
        for (prefix, uri) in &self.style.namespaces {
            let name = if prefix.is_empty() {
                "xmlns".to_owned()
            } else {
                format!("xmlns:{prefix}")
            };
            self.attribute(&name, uri)?;
        }
        Ok(())
    }

    fn attributes(&mut self, members: &Map<String, Value>) -> Result<(), XmlError> {
        for (key, value) in members {
            let Some(name) = key.strip_prefix('@') else { continue };
            if let Some(text) = scalar(value)? {
                self.attribute(name, &text)?;
            }
        }
        Ok(())
    }

    fn attribute(&mut self, name: &str, value: &str) -> Result<(), XmlError> {
        checked_name(name)?;
        checked_text(value)?;
        // Line breaks and tabs would be read back as spaces.
        let value = escape(value).replace('\n', "&#10;").replace('\t', "&#9;");
        self.out.push_str(&format!(" {name}=\"{value}\""));
        Ok(())
    }

    fn content(&mut self, value: &Value) -> Result<(), XmlError> {
        let Value::Object(members) = value else {
            if let Some(text) = scalar(value)? {
                checked_text(&text)?;
                self.out.push_str(&partial_escape(text.as_ref()));
            }
            return Ok(());
        };
        for (key, value) in members {
            match key.as_str() {
                "#text" => self.content(value)?,
                "#cdata" => self.cdata(value)?,
                name if name.starts_with('@') => {}
                name => self.element(name, value, false)?,
            }
        }
        Ok(())
    }

    fn cdata(&mut self, value: &Value) -> Result<(), XmlError> {
        let text = scalar(value)?.unwrap_or_default();
        checked_text(&text)?;
        self.out.push_str("<![CDATA[");
        // A section ends at the first `]]>`; one inside is split over two sections.
        self.out.push_str(&text.replace("]]>", "]]]]><![CDATA[>"));
        self.out.push_str("]]>");
        Ok(())
    }
}

/// Text of a scalar; `None` for null.
fn scalar(value: &Value) -> Result<Option<Cow<'_, str>>, XmlError> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.as_str().into())),
        Value::Bool(_) | Value::Number(_) => Ok(Some(value.to_string().into())),
        Value::Array(_) | Value::Object(_) => Err(XmlError::Misplaced("in an attribute or text")),
    }
}

/// Letters of any script, digits, `_`, `-`, `.`, and one colon between prefix and name.
fn checked_name(name: &str) -> Result<(), XmlError> {
    let part = |part: &str| {
        let mut chars = part.chars();
        chars.next().is_some_and(|c| c.is_alphabetic() || c == '_')
            && chars.all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '\u{b7}'))
    };
    let good = match name.split_once(':') {
        Some((prefix, local)) => part(prefix) && part(local),
        None => part(name),
    };
    if good {
        Ok(())
    } else {
        Err(XmlError::Name(name.to_owned()))
    }
}

/// XML 1.0 cannot say most control characters, not even as references.
fn checked_text(text: &str) -> Result<(), XmlError> {
    let bad = |c: &char| matches!(c, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}');
    text.chars()
        .find(bad)
        .map_or(Ok(()), |c| Err(XmlError::Character(c.into())))
}
