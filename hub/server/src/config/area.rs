//! One area of the config: a struct whose fields, texts, defaults, variables and JSON Schema are written once.

use super::setting::{Given, Unfit};
use serde_json::Value;

/// An area: a section of the config file.
pub trait Area: Default {
    /// Its key in the file.
    const KEY: &'static str;
    /// Names of its settings.
    const NAMES: &'static [&'static str];
    /// Its JSON Schema.
    fn schema() -> Value;
    /// Sets one setting.
    ///
    /// # Errors
    /// What would have been right; `None` where the area has no such setting.
    fn set(&mut self, name: &str, given: Given<'_>) -> Result<(), Option<Unfit>>;
}

macro_rules! area {
    ($(#[doc = $about:literal])+ $name:ident $key:literal {
        $($(#[doc = $doc:literal])+ $field:ident: $kind:ty = $default:expr),+ $(,)?
    }) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone)]
        pub struct $name { $($(#[doc = $doc])+ pub $field: $kind),+ }

        impl Default for $name {
            fn default() -> Self { Self { $($field: $default),+ } }
        }

        impl $crate::config::area::Area for $name {
            const KEY: &'static str = $key;
            const NAMES: &'static [&'static str] = &[$(stringify!($field)),+];
            fn schema() -> serde_json::Value {
                use $crate::config::setting::Setting;
                let default = Self::default();
                let mut properties = serde_json::Map::new();
                $({
                    let mut schema = <$kind as Setting>::schema();
                    if let Some(schema) = schema.as_object_mut() {
                        let words = concat!($($doc, "\n"),+);
                        schema.insert("description".into(), serde_json::json!(words.trim().replace("\n ", " ")));
                        let value = default.$field.write();
                        if !value.is_null() { schema.insert("default".into(), value); }
                    }
                    properties.insert(stringify!($field).into(), schema);
                })+
                serde_json::json!({
                    "type": "object",
                    "description": concat!($($about, "\n"),+).trim().replace("\n ", " "),
                    "additionalProperties": false,
                    "properties": properties,
                })
            }
            fn set(&mut self, name: &str, given: $crate::config::setting::Given<'_>)
                -> Result<(), Option<$crate::config::setting::Unfit>> {
                use $crate::config::setting::Setting;
                match name {
                    $(stringify!($field) => self.$field = <$kind as Setting>::read(given).map_err(Some)?,)+
                    _ => return Err(None),
                }
                Ok(())
            }
        }
    };
}
pub(super) use area;
