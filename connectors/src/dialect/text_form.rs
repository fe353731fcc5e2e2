//! Trees inside texts: JSON, XML or a form in a member or an element, plain or in Base64.

use super::{Document, ReadError, json, pairs, xml};
use crate::charset::Charset;
use crate::manifest::model::{Frame, TextForm};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// Writes a tree into a text. `root` is the element of XML that has none of its own.
///
/// # Errors
/// What the form cannot carry.
pub fn write(tree: Value, form: TextForm, root: Option<&str>, declaration: Option<&str>) -> Result<Value, ReadError> {
    Ok(match form {
        TextForm::Object => tree,
        TextForm::Json => Value::from(json::write(&tree)),
        TextForm::Form => {
            let text = pairs::write(&pairs::from_tree(&tree), Charset::Utf8);
            Value::from(text.map_err(|e| ReadError::Broken(e.to_string()))?)
        }
        TextForm::Xml => Value::from(write_xml(tree, root, declaration)?),
        TextForm::Base64Json => Value::from(STANDARD.encode(json::write(&tree))),
        TextForm::Base64Xml => Value::from(STANDARD.encode(write_xml(tree, root, declaration)?)),
    })
}

fn write_xml(tree: Value, root: Option<&str>, declaration: Option<&str>) -> Result<String, ReadError> {
    let declaration = declaration.filter(|d| *d != "none").map(str::to_owned);
    let (root, content) = match root {
        Some(root) => (root.to_owned(), tree),
        None => match tree {
            Value::Object(map) if map.len() == 1 => map.into_iter().next().unwrap_or_default(),
            other => (xml::DEFAULT_ROOT.to_owned(), other),
        },
    };
    xml::write(&root, &content, &Frame::default(), declaration)
}

/// Reads a tree out of a text. XML keeps its root (`{root: …}`). One level of text only: what is inside stays as it is.
///
/// # Errors
/// What stands there instead.
pub fn read(value: &Value, form: TextForm) -> Result<Document, ReadError> {
    if form == TextForm::Object {
        return Ok(Document::of(value.clone()));
    }
    let text = match value {
        Value::Null => return Ok(Document::default()),
        Value::String(text) => text.clone(),
        // Some upstreams send the object itself where the manual promises a text.
        Value::Object(_) | Value::Array(_) => return Ok(Document::of(value.clone())),
        other => other.to_string(),
    };
    match form {
        TextForm::Xml => xml::read(&text),
        TextForm::Form => pairs::read(&text, Charset::Utf8),
        TextForm::Base64Json => json::read(&from_base64(&text)?),
        TextForm::Base64Xml => xml::read(&from_base64(&text)?),
        TextForm::Json | TextForm::Object => json::read(&text),
    }
}

fn from_base64(text: &str) -> Result<String, ReadError> {
    let bytes: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let bytes = STANDARD.decode(bytes).map_err(|e| ReadError::Broken(e.to_string()))?;
    String::from_utf8(bytes).map_err(|_| ReadError::Broken("Base64 of bytes that are no UTF-8".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn there_and_back() {
        let tree = json!({"a": "1", "b": "张"});
        for form in [TextForm::Json, TextForm::Form, TextForm::Base64Json] {
            let text = write(tree.clone(), form, None, None).unwrap();
            assert!(text.is_string());
            assert_eq!(read(&text, form).unwrap().tree, tree);
        }
        let text = write(tree.clone(), TextForm::Xml, Some("req"), Some("GBK")).unwrap();
        assert_eq!(
            text,
            "<?xml version=\"1.0\" encoding=\"GBK\"?><req><a>1</a><b>张</b></req>"
        );
        assert_eq!(read(&text, TextForm::Xml).unwrap().tree, json!({"req": tree}));
    }

    #[test]
    fn doubly_encoded_is_decoded_once() {
        let twice = json!("\"{\\\"a\\\":1}\"");
        assert_eq!(read(&twice, TextForm::Json).unwrap().tree, json!("{\"a\":1}"));
    }
}
