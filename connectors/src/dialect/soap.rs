//! SOAP 1.1 (W3C Note, 2000) and 1.2 (W3C Recommendation, 2007): envelopes around one element, faults, actions.

use super::{Document, ReadError, is_html};
use crate::manifest::model::Frame;
use crate::xml::{self, Element, Limits, Style};
use serde_json::{Map, Value, json};

/// Envelope namespace of SOAP 1.1.
pub const NS_11: &str = "http://schemas.xmlsoap.org/soap/envelope/";
/// Envelope namespace of SOAP 1.2.
pub const NS_12: &str = "http://www.w3.org/2003/05/soap-envelope";
/// Prefix of the call element's namespace.
const PREFIX: &str = "tns";

/// Whether a frame asks for SOAP 1.2.
#[must_use]
pub fn is_12(frame: &Frame) -> bool {
    frame.soap.as_deref() == Some("1.2")
}

/// Content-Type of a message.
#[must_use]
pub fn content_type(frame: &Frame, action: Option<&str>) -> String {
    match (is_12(frame), action) {
        (true, Some(action)) if !action.is_empty() => {
            format!("application/soap+xml; charset=utf-8; action=\"{action}\"")
        }
        (true, _) => "application/soap+xml; charset=utf-8".to_owned(),
        (false, _) => "text/xml; charset=utf-8".to_owned(),
    }
}

/// SOAPAction of a call; 1.1 wants the header even where it is empty.
#[must_use]
pub fn action(frame: &Frame, call: &str) -> String {
    frame.action.as_deref().unwrap_or("").replace("{call}", call)
}

/// Writes an envelope around one element (both halves).
///
/// # Errors
/// A name or character that XML cannot carry.
pub fn write(
    element: &str,
    content: Value,
    head: &Map<String, Value>,
    frame: &Frame,
    encoding: &str,
) -> Result<String, ReadError> {
    let prefix = frame.prefix.as_deref().unwrap_or(PREFIX);
    let named = if frame.namespace.is_some() && !element.contains(':') {
        format!("{prefix}:{element}")
    } else {
        element.to_owned()
    };
    let mut envelope = Map::new();
    if !head.is_empty() {
        envelope.insert("soap:Header".to_owned(), Value::Object(head.clone()));
    }
    // The element says which call it is, so that it is there where it holds nothing.
    let content = match content {
        Value::Null => Value::Object(Map::new()),
        some => some,
    };
    let body = Value::Object(Map::from_iter([(named, content)]));
    envelope.insert("soap:Body".to_owned(), body);
    write_envelope(envelope, frame, encoding)
}

/// Writes a fault (server half).
///
/// # Errors
/// A character that XML cannot carry.
pub fn write_fault(code: &str, words: &str, frame: &Frame, encoding: &str) -> Result<String, ReadError> {
    let fault = if is_12(frame) {
        json!({"soap:Code": {"soap:Value": "soap:Sender", "soap:Subcode": {"soap:Value": code}},
               "soap:Reason": {"soap:Text": {"@xml:lang": "zh", "#text": words}}})
    } else {
        json!({"faultcode": code, "faultstring": words})
    };
    let body = json!({"soap:Fault": fault});
    let plain = Frame {
        soap: frame.soap.clone(),
        ..Frame::default()
    };
    write_envelope(Map::from_iter([("soap:Body".to_owned(), body)]), &plain, encoding)
}

fn write_envelope(envelope: Map<String, Value>, frame: &Frame, encoding: &str) -> Result<String, ReadError> {
    let namespace = if is_12(frame) { NS_12 } else { NS_11 };
    let prefix = frame.prefix.as_deref().unwrap_or(PREFIX);
    let mut namespaces = vec![("soap".to_owned(), namespace.to_owned())];
    if let Some(target) = &frame.namespace {
        namespaces.push((prefix.to_owned(), target.clone()));
    }
    namespaces.extend(frame.namespaces.iter().cloned());
    let style = Style {
        declaration: Some(encoding.to_owned()),
        namespaces,
        prefix: frame.namespace.as_ref().map(|_| prefix.to_owned()),
        qualified: frame.qualified.unwrap_or(true),
        ..Style::default()
    };
    xml::write("soap:Envelope", &Value::Object(envelope), &style).map_err(|e| ReadError::Broken(e.to_string()))
}

/// Reads an envelope: the content of the first element of its body, or its fault.
///
/// # Errors
/// What it is instead.
pub fn read(text: &str) -> Result<Document, ReadError> {
    let trimmed = text.trim_start_matches('\u{feff}').trim();
    if trimmed.is_empty() {
        return Err(ReadError::Broken("nothing where a SOAP envelope should be".to_owned()));
    }
    if is_html(trimmed) {
        return Err(ReadError::Html);
    }
    let root = xml::parse(trimmed, Limits::default()).map_err(|e| ReadError::Broken(e.to_string()))?;
    let known = root.namespace.as_deref().is_some_and(|n| n == NS_11 || n == NS_12);
    let body = root.child("Body").filter(|_| root.name == "Envelope" && known);
    let Some(body) = body else {
        return Err(ReadError::Broken("XML that is no SOAP envelope".to_owned()));
    };
    let head = root.child("Header").map_or(Value::Null, Element::to_value);
    let Some(first) = body.children.first() else {
        return Ok(Document {
            head,
            ..Document::default()
        });
    };
    if first.name == "Fault" {
        return Ok(Document {
            fault: Some(fault(first)),
            head,
            ..Document::default()
        });
    }
    Ok(Document {
        tree: with_references(first, body),
        element: Some(first.name.clone()),
        head,
        fault: None,
    })
}

/// RPC/encoded messages may put values into elements beside the first and point there with `href="#id"` (SOAP 1.1,
/// section 5.4). One look is enough: what they point to does not point on in practice.
fn with_references(first: &Element, body: &Element) -> Value {
    let mut tree = first.to_value();
    if body.children.len() > 1 {
        resolve(&mut tree, body, 8);
    }
    tree
}

fn resolve(value: &mut Value, body: &Element, left: usize) {
    let Some(left) = left.checked_sub(1) else { return };
    let target = value
        .get("@href")
        .and_then(Value::as_str)
        .and_then(|r| r.strip_prefix('#'))
        .and_then(|id| body.children.iter().find(|c| c.attribute("id") == Some(id)));
    if let Some(target) = target {
        *value = target.to_value();
        if let Value::Object(map) = value {
            map.remove("@id");
            map.remove("@root");
        }
    }
    match value {
        Value::Object(map) => map.values_mut().for_each(|v| resolve(v, body, left)),
        Value::Array(items) => items.iter_mut().for_each(|v| resolve(v, body, left)),
        _ => {}
    }
}

/// Code and words of a fault of either version; the code without its prefix, a subcode before the general one.
fn fault(element: &Element) -> (String, String) {
    let text = |paths: [&str; 2]| {
        paths
            .iter()
            .find_map(|p| element.text_at(p))
            .unwrap_or("")
            .trim()
            .to_owned()
    };
    let code = element
        .text_at("Code/Subcode/Value")
        .map_or_else(|| text(["faultcode", "Code/Value"]), |c| c.trim().to_owned());
    let code = code.rsplit(':').next().unwrap_or_default().to_owned();
    (code, text(["faultstring", "Reason/Text"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SOAP 1.1, example 1 of the W3C Note (http://www.w3.org/TR/2000/NOTE-SOAP-20000508/).
    const EXAMPLE_1: &str = r#"<SOAP-ENV:Envelope
  xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/"
  SOAP-ENV:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/">
   <SOAP-ENV:Body>
       <m:GetLastTradePrice xmlns:m="Some-URI">
           <symbol>DIS</symbol>
       </m:GetLastTradePrice>
   </SOAP-ENV:Body>
</SOAP-ENV:Envelope>"#;

    /// SOAP 1.2 part 1, a fault with a subcode (https://www.w3.org/TR/soap12-part1/).
    const FAULT_12: &str = r#"<env:Envelope xmlns:env="http://www.w3.org/2003/05/soap-envelope"
              xmlns:m="http://www.example.org/timeouts" xmlns:xml="http://www.w3.org/XML/1998/namespace">
 <env:Body><env:Fault>
   <env:Code><env:Value>env:Sender</env:Value>
     <env:Subcode><env:Value>m:MessageTimeout</env:Value></env:Subcode></env:Code>
   <env:Reason><env:Text xml:lang="en">Sender Timeout</env:Text></env:Reason>
 </env:Fault></env:Body></env:Envelope>"#;

    #[test]
    fn the_standards_first_example_is_read() {
        let document = read(EXAMPLE_1).unwrap();
        assert_eq!(document.element.as_deref(), Some("GetLastTradePrice"));
        assert_eq!(document.tree, json!({"symbol": "DIS"}));
    }

    #[test]
    fn a_call_without_arguments_has_its_element() {
        let frame = Frame {
            namespace: Some("urn:x".to_owned()),
            ..Frame::default()
        };
        for content in [Value::Null, json!({})] {
            let text = write("Query", content, &Map::new(), &frame, "UTF-8").unwrap();
            assert!(text.contains("<soap:Body><tns:Query"), "{text}");
            assert_eq!(read(&text).unwrap().element.as_deref(), Some("Query"), "{text}");
        }
    }

    #[test]
    fn an_rpc_call_is_written_as_the_standard_shows_it() {
        let frame = Frame {
            namespace: Some("Some-URI".into()),
            prefix: Some("m".into()),
            qualified: Some(false),
            ..Frame::default()
        };
        let text = write(
            "GetLastTradePrice",
            json!({"symbol": "DIS"}),
            &Map::new(),
            &frame,
            "UTF-8",
        )
        .unwrap();
        assert_eq!(
            text,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><soap:Envelope \
             xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:m=\"Some-URI\"><soap:Body>\
             <m:GetLastTradePrice><symbol>DIS</symbol></m:GetLastTradePrice></soap:Body></soap:Envelope>"
        );
        assert_eq!(read(&text).unwrap().tree, read(EXAMPLE_1).unwrap().tree);
    }

    #[test]
    fn faults_of_both_versions() {
        let document = read(FAULT_12).unwrap();
        assert_eq!(document.fault, Some(("MessageTimeout".into(), "Sender Timeout".into())));
        let text = write_fault("soap:Client", "没有", &Frame::default(), "UTF-8").unwrap();
        assert_eq!(read(&text).unwrap().fault, Some(("Client".into(), "没有".into())));
    }

    #[test]
    fn references_of_encoded_messages_are_followed() {
        let text = format!(
            "<e:Envelope xmlns:e=\"{NS_11}\"><e:Body><r:getResponse xmlns:r=\"u\"><return href=\"#id0\"/></r:getResponse>\
             <multiRef id=\"id0\"><name>x</name></multiRef></e:Body></e:Envelope>"
        );
        assert_eq!(read(&text).unwrap().tree, json!({"return": {"name": "x"}}));
    }

    #[test]
    fn other_things_are_named() {
        assert_eq!(read("<html><body>blocked</body></html>"), Err(ReadError::Html));
        assert!(matches!(read("<a/>"), Err(ReadError::Broken(_))));
        assert!(matches!(read(""), Err(ReadError::Broken(_))));
    }
}
