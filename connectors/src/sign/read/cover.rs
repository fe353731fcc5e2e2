//! `cover` and what belongs to it.

use super::Reader;
use crate::mapping::path::Path;
use crate::sign::cover::{Cover, Nested, Order, Parameters, Source};

impl Reader<'_> {
    pub(super) fn cover(&mut self) -> Option<Cover> {
        let default = ["template", "fields"]
            .into_iter()
            .find(|key| self.part.contains_key(*key));
        let word = self
            .text("cover")
            .unwrap_or_else(|| default.unwrap_or("sorted").to_owned());
        if let Some(name) = word.strip_prefix("member ") {
            return Some(Cover::Member(name.trim().to_owned()));
        }
        match word.as_str() {
            "nothing" => Some(Cover::Nothing),
            "body" => Some(Cover::Body),
            "template" => {
                let text = self.text("template");
                if text.is_none() {
                    self.mistake("cover", "a template is covered, but `template` is missing");
                }
                Some(Cover::Template(self.template("template", &text?, &[])))
            }
            "sorted" | "sent" | "fields" => self.parameters(&word).map(Cover::Parameters),
            _ => {
                self.mistake(
                    "cover",
                    format!("expected sorted, sent, fields, template, body, member NAME or nothing, got `{word}`"),
                );
                None
            }
        }
    }

    fn parameters(&mut self, word: &str) -> Option<Parameters> {
        let fields = self.texts("fields");
        let order = match word {
            "fields" if fields.is_empty() => {
                self.mistake("fields", "expected the names of the covered fields in order");
                return None;
            }
            "fields" => Order::Listed(fields),
            "sent" => Order::Sent,
            _ => match self.text("order").as_deref() {
                None | Some("name") => Order::Name,
                Some("nocase") => Order::NameNoCase,
                Some("descending") => Order::NameDescending,
                Some("value") => Order::Value,
                Some(other) => {
                    let message = format!("expected name, nocase, descending or value, got `{other}`");
                    self.mistake("order", message);
                    return None;
                }
            },
        };
        let of = match self.text("of").as_deref() {
            None | Some("all") => Source::All,
            Some("query") => Source::Query,
            Some("body") => Source::Body(Path::default()),
            Some(path) => Source::Body(Path::parse(path.strip_prefix("body ").unwrap_or(path))),
        };
        let item = self.text("item").unwrap_or_else(|| "{name}={value}".into());
        Some(Parameters {
            of,
            order,
            exclude: self.texts("exclude"),
            keep_empty: self.word("empties", &[("drop", false), ("keep", true)])?,
            nested: self.word(
                "nested",
                &[
                    ("json", Nested::Json),
                    ("sorted-json", Nested::SortedJson),
                    ("skip", Nested::Skip),
                ],
            )?,
            item: self.template("item", &item, &["name", "value"]),
            joiner: self.text("joiner").unwrap_or_else(|| "&".into()),
        })
    }
}
