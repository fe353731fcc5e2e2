//! Reading `pick`, `also` and `layout`.

use super::*;
use crate::tell::{Tell, Words};

/// Input fields of a place, where the manifest names none.
const AROUND: [&str; 3] = ["longitude", "latitude", "radius_m"];

impl Reader<'_> {
    pub(super) fn pick(&mut self, map: &Part, at: &str) -> Option<Pick> {
        let Some(list) = path(map, "list") else {
            self.missing("`list`", at);
            return None;
        };
        let mut tests = Vec::new();
        for (name, words) in part(map, "where").into_iter().flatten() {
            let words = scalar_text(words).unwrap_or_default();
            match Test::parse(&words) {
                Ok(test) => tests.push((Path::parse(name), test)),
                Err(expected) => self.bad_value(&format!("{at}/where/{}", escape(name)), &expected, &words),
            }
        }
        let mut reckon = Vec::new();
        for (name, words) in part(map, "reckon").into_iter().flatten() {
            let words = scalar_text(words).unwrap_or_default();
            match words.split_once(" - ") {
                Some((left, right)) => reckon.push(Reckon {
                    to: Path::parse(name),
                    left: Path::parse(left),
                    right: Path::parse(right),
                }),
                None => self.bad_value(&format!("{at}/reckon/{}", escape(name)), "`path - path`", &words),
            }
        }
        let mut tell = Vec::new();
        for (name, words) in part(map, "tell").into_iter().flatten() {
            let words = scalar_text(words).unwrap_or_default();
            match Words::parse(&words) {
                Some(words) => tell.push(Tell {
                    to: Path::parse(name),
                    words,
                }),
                None => self.bad_value(
                    &format!("{at}/tell/{}", escape(name)),
                    "`span path path` or `when path text`",
                    &words,
                ),
            }
        }
        Some(Pick {
            near: self.near(map, at),
            one: flag(map, "one").unwrap_or(false),
            key: text(map, "key"),
            list,
            tests,
            reckon,
            tell,
        })
    }

    fn near(&mut self, map: &Part, at: &str) -> Option<Near> {
        let names = texts(map, "near");
        let (longitude, latitude) = match names.as_slice() {
            [] => return None,
            [longitude, latitude] => (Path::parse(longitude), Path::parse(latitude)),
            _ => {
                self.bad_value(&format!("{at}/near"), "[longitude, latitude]", &names.join(", "));
                return None;
            }
        };
        let around = texts(map, "around");
        let fields = match around.as_slice() {
            [] => AROUND.map(str::to_owned),
            [x, y, radius] => [x.clone(), y.clone(), radius.clone()],
            _ => {
                self.bad_value(
                    &format!("{at}/around"),
                    "[longitude, latitude, radius]",
                    &around.join(", "),
                );
                return None;
            }
        };
        Some(Near {
            longitude,
            latitude,
            fields,
            distance: path(map, "distance"),
        })
    }

    pub(super) fn also(&mut self, map: &Part, at: &str) -> Option<AlsoPart> {
        let Some(call) = text(map, "call") else {
            self.missing("`call`", at);
            return None;
        };
        let (list, by) = (path(map, "list"), text(map, "by"));
        if list.is_some() != by.is_some() {
            self.missing("`list` / `by`", at);
            return None;
        }
        Some(AlsoPart {
            call: CallSpec::parse(&call),
            list,
            by,
            without: path(map, "without"),
            holds: texts(map, "holds"),
            pointer: at.to_owned(),
        })
    }

    pub(super) fn resolve(&mut self, map: &Part) -> Option<ResolvePart> {
        let found = (
            text(map, "field"),
            text(map, "mark"),
            text(map, "call"),
            path(map, "read"),
        );
        let (Some(field), Some(mark), Some(call), Some(read)) = found else {
            self.missing("`field` / `mark` / `call` / `read`", "/resolve");
            return None;
        };
        Some(ResolvePart {
            field,
            mark,
            call: CallSpec::parse(&call),
            read,
        })
    }

    /// `frame` with its layout.
    pub(super) fn framed(&mut self, map: &Part, at: &str) -> Frame {
        let Some(map) = part(map, "frame") else {
            return Frame::default();
        };
        Frame {
            levels: self.levels(map, &format!("{at}/frame")),
            layout: self.layout(map, &format!("{at}/frame")),
            ..frame(map)
        }
    }

    pub(super) fn layout(&mut self, map: &Part, at: &str) -> Option<Layout> {
        let map = part(map, "layout")?;
        let at = format!("{at}/layout");
        let mut fields = |key: &str| -> Vec<LayoutField> {
            let mut read = Vec::new();
            for words in texts(map, key) {
                match LayoutField::parse(&words) {
                    Some(field) => read.push(field),
                    None => self.bad_value(&format!("{at}/{key}"), "`name`, `name 20` or `name 12 right 0`", &words),
                }
            }
            read
        };
        Some(Layout {
            fields: fields("fields"),
            of: fields("of"),
            length: map
                .get("length")
                .and_then(Value::as_u64)
                .and_then(|n| usize::try_from(n.min(16)).ok()),
            whole: flag(map, "whole").unwrap_or(false),
            separator: text(map, "separator").unwrap_or_default(),
            trailing: flag(map, "trailing").unwrap_or(false),
            rows: text(map, "rows"),
        })
    }
}
