//! What a reference means: a place of this description, one of another file, or nothing that is there.

use super::bases::Place;
use super::bundle::{Bundler, Target};
use super::paths;
use super::tree::{At, Node};
use hub_core::Finding;

/// The description of JSON Schema 2020-12 by itself, which every validator carries.
const META: &str = "https://json-schema.org/draft/2020-12/";

impl Bundler<'_, '_> {
    /// Notes the addresses in a file where there may be any.
    pub(super) fn look_at(&mut self, file: u16, root: &mut Node) -> Result<(), Finding> {
        let text = self.sources.text(file)?;
        if self.bases.may_hold(&text) && !self.bases.is_indexed(file) {
            let name = self.sources.name(file).to_owned();
            self.bases.index(file, &name, root);
        }
        Ok(())
    }

    fn look_into(&mut self, file: u16) -> Result<(), Finding> {
        let text = self.sources.text(file)?;
        if !self.bases.may_hold(&text) || self.bases.is_indexed(file) {
            return Ok(());
        }
        let mut tree = Node::clone(self.sources.tree(file)?.as_ref());
        let name = self.sources.name(file).to_owned();
        self.bases.index(file, &name, &mut tree);
        Ok(())
    }

    /// What a reference written in a file below an address means.
    pub(super) fn target(&mut self, text: &str, from: (u16, Option<&str>)) -> Target {
        let (wanted, fragment) = paths::split(text);
        let fragment = paths::percent(fragment);
        let Some(place) = self.document(wanted, from) else {
            return match text.starts_with(META) {
                true => Target::Known,
                false => Target::Missing,
            };
        };
        let file = place.0;
        let fragment = self.within(&place, &fragment, wanted.is_none());
        match file {
            0 => Target::Here(fragment),
            file => Target::There(file, fragment),
        }
    }

    /// The place of the schema or file a reference names before its fragment.
    fn document(&mut self, wanted: Option<&str>, (file, base): (u16, Option<&str>)) -> Option<Place> {
        let Some(wanted) = wanted else {
            return Some(
                base.and_then(|b| self.bases.resource(b))
                    .unwrap_or((file, String::new())),
            );
        };
        if let Some(known) = self.bases.resource(wanted) {
            return Some(known);
        }
        let joined = base.map(|base| paths::join(base, wanted));
        if let Some(known) = joined.as_deref().and_then(|j| self.bases.resource(j)) {
            return Some(known);
        }
        let rooted = joined.map(|joined| match paths::url_path(&joined) {
            Some(_) => joined,
            None => format!("/{joined}"),
        });
        // An address that people made up says nothing of where the files are.
        let found = rooted
            .and_then(|r| self.sources.find(file, &r))
            .or_else(|| self.sources.find(file, wanted))?;
        if found != 0
            && let Err(finding) = self.look_into(found)
        {
            self.failed = Some(finding);
        }
        Some((found, String::new()))
    }

    /// The pointer of a fragment from the beginning of its file.
    fn within(&mut self, place: &Place, fragment: &str, alone: bool) -> String {
        if fragment.is_empty() {
            return place.1.clone();
        }
        if !fragment.starts_with('/') {
            let file = (place.0, String::new());
            let found = self
                .bases
                .anchor(place, fragment)
                .or_else(|| self.bases.anchor(&file, fragment));
            return found.unwrap_or_else(|| fragment.to_owned());
        }
        let whole = format!("{}{fragment}", place.1);
        // Many who give a schema an address still count references from the beginning of the file.
        match alone && !place.1.is_empty() && !self.has(place.0, &whole) && self.has(place.0, fragment) {
            true => fragment.to_owned(),
            false => whole,
        }
    }

    fn has(&mut self, file: u16, pointer: &str) -> bool {
        match file {
            0 => self.itself.as_ref().is_some_and(|root| root.pointer(pointer).is_some()),
            file => self
                .sources
                .tree(file)
                .is_ok_and(|tree| tree.pointer(pointer).is_some()),
        }
    }

    /// Where addresses stay: how a reference is written that goes by address; none where it is settled as any other.
    pub(super) fn kept(&mut self, target: &Target, text: &str, below: bool, at: At, pointer: &str) -> Option<String> {
        match target {
            Target::Here(_) if below => Some(text.to_owned()),
            Target::There(file, _) if below || self.bases.names_in(*file) => {
                let (file, (wanted, fragment)) = (*file, paths::split(text));
                if wanted.is_none() {
                    return Some(text.to_owned());
                }
                let mut node = self.copy(file, "", text, at, pointer)?;
                let name = self.sources.name(file).to_owned();
                let address = self.bases.address(&node, None, &name).unwrap_or(name);
                let address = match address.contains(':') {
                    true => address,
                    false => format!("file:///{address}"),
                };
                node.take("$schema");
                self.embed(file, &address, node);
                Some(match fragment {
                    "" => address,
                    fragment => format!("{address}#{fragment}"),
                })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::description::{Description, read_set};
    use serde_json::{Value, json};
    use std::collections::BTreeMap;

    fn described(version: &str, schemas: &Value) -> Vec<u8> {
        json!({"openapi": version, "info": {"title": "t", "version": "1"}, "paths": {}, "components": {"schemas": schemas}})
            .to_string()
            .into_bytes()
    }

    fn among(version: &str, schemas: &Value, files: &[(&str, Value)]) -> Result<Description, String> {
        let mut all: BTreeMap<String, Vec<u8>> = files
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.to_string().into_bytes()))
            .collect();
        all.insert("api.json".to_owned(), described(version, schemas));
        read_set("api.json", &all).map_err(|f| f[0].to_string())
    }

    #[test]
    fn references_are_relative_to_the_address_of_their_schema() {
        let schemas = json!({
            "Order": {
                "$id": "https://orders.example/schemas/order",
                "properties": {"place": {"$ref": "address"}, "size": {"$ref": "#/$defs/size"}, "by": {"$ref": "people/one.json#it"}},
                "$defs": {"size": {"$anchor": "s", "type": "integer"}}
            },
            "Address": {"$id": "https://orders.example/schemas/address", "type": "string"}
        });
        let files = [(
            "orders.example/schemas/people/one.json",
            json!({"$defs": {"p": {"$anchor": "it", "type": "boolean"}}}),
        )];
        let read = among("3.1.0", &schemas, &files).unwrap();
        let order = read.document.pointer("/components/schemas/Order").unwrap();
        assert_eq!(order["properties"]["place"]["$ref"], "#/components/schemas/Address");
        assert_eq!(
            order["properties"]["size"]["$ref"],
            "#/components/schemas/Order/$defs/size"
        );
        assert_eq!(order.get("$id"), None);
        let validator = read.validator("/components/schemas/Order").unwrap();
        assert!(validator.accepts(&json!({"place": "here", "size": 1, "by": true})));
        for wrong in [json!({"place": 1}), json!({"size": "x"}), json!({"by": "x"})] {
            assert!(!validator.accepts(&wrong), "{wrong}");
        }
        let refused = among("3.1.0", &schemas, &[]).unwrap_err();
        assert!(refused.contains("one.json"), "{refused}");
    }

    #[test]
    fn a_reference_to_nothing_names_what_is_nearest() {
        let near = |reference: &str| {
            let schemas = json!({"Title": {"type": "string"}, "S": {"$ref": reference}});
            let files = BTreeMap::from([("a.json".to_owned(), described("3.0.3", &schemas))]);
            let refused = read_set("a.json", &files).unwrap_err();
            assert_eq!(refused[0].code, "dangling-reference");
            refused[0].near.clone()
        };
        assert_eq!(near("#/components/schemas/Titel"), ["Title"]);
        assert_eq!(near("#/definitions/Title"), ["#/components/schemas/Title"]);
        assert!(near("#/components/schemas/Zebra").is_empty());
    }

    #[test]
    fn a_stray_identifier_does_not_lead_references_astray() {
        let schemas = json!({
            "Order": {"id": "urn:jsonschema:example:Order", "properties": {"t": {"$ref": "#/components/schemas/T"}}},
            "T": {"type": "string"}
        });
        for version in ["3.0.3", "3.1.0"] {
            let text = schemas
                .to_string()
                .replace("\"id\"", if version == "3.0.3" { "\"id\"" } else { "\"$id\"" });
            let read = among(version, &serde_json::from_str(&text).unwrap(), &[]).unwrap();
            let validator = read.validator("/components/schemas/Order").unwrap();
            assert!(validator.accepts(&json!({"t": "x"})) && !validator.accepts(&json!({"t": 1})));
        }
    }

    #[test]
    fn what_a_dynamic_reference_means_depends_on_the_way_to_it() {
        let schemas = json!({
            "Page": {
                "$id": "https://p.example/page",
                "properties": {"items": {"type": "array", "items": {"$dynamicRef": "#item"}}},
                "$defs": {"item": {"$dynamicAnchor": "item"}}
            },
            "Texts": {
                "$id": "https://p.example/texts",
                "$ref": "page",
                "$defs": {"item": {"$dynamicAnchor": "item", "type": "string"}}
            }
        });
        let read = among("3.1.0", &schemas, &[]).unwrap();
        let texts = read.validator("/components/schemas/Texts").unwrap();
        assert!(texts.accepts(&json!({"items": ["a"]})) && !texts.accepts(&json!({"items": [1]})));
        let page = read.validator("/components/schemas/Page").unwrap();
        assert!(page.accepts(&json!({"items": [1]})));
    }
}
