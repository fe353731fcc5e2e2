//! Pages: the contract's `page`, `page_size` and `total` in the upstream's names and bases, both ways.

use crate::answer::AnswerSource;
use crate::manifest::model::{Paging, Place, Spot};
use crate::mapping::decode::Source;
use crate::mapping::encode::Sink;
use crate::mapping::template::scalar_text;
use crate::parts::Parts;
use serde_json::Value;

/// Rows a page has where nobody says.
const DEFAULT_SIZE: i64 = 20;

/// Upstream names of what asks for a page.
pub(crate) fn asked(paging: &Paging) -> Vec<String> {
    let page = paging.page.iter().chain(&paging.start).map(|(spot, _)| spot);
    let rest = [&paging.size, &paging.offset, &paging.end].into_iter().flatten();
    let names = page.chain(rest).filter_map(|spot| spot.path.first_name());
    names.map(str::to_owned).collect()
}

impl Paging {
    /// Canonical names of page, size and total.
    #[must_use]
    pub fn names(&self) -> [&str; 3] {
        match &self.fields {
            Some([page, size, total]) => [page, size, total],
            None => ["page", "page_size", "total"],
        }
    }

    /// Page and size the caller asks for.
    #[must_use]
    pub fn asked(&self, input: &Value) -> (i64, i64) {
        let [page, size, _] = self.names();
        let page = number(input.get(page)).unwrap_or(1).max(1);
        (page, number(input.get(size)).unwrap_or(DEFAULT_SIZE).max(1))
    }

    /// Writes a page and its size (client half).
    pub fn encode(&self, page: i64, size: i64, parts: &mut Parts) {
        let mut size = size;
        if let Some(max) = self.max {
            size = size.min(max);
        }
        let skipped = (page - 1).saturating_mul(size);
        let mut put = |spot: &Spot, number: i64| parts.put(place(spot), &spot.path, Value::from(number));
        if let Some((spot, base)) = &self.page {
            put(spot, page - 1 + base);
        }
        if let Some(spot) = &self.offset {
            put(spot, skipped);
        }
        if let Some((spot, base)) = &self.start {
            put(spot, skipped + base);
        }
        if let Some(spot) = &self.end {
            let base = self.start.as_ref().map_or(1, |(_, base)| *base);
            put(spot, skipped + base + size - 1);
        }
        if let Some(spot) = &self.size {
            put(spot, size);
        }
    }

    /// Reads the page asked for (server half).
    pub fn decode(&self, parts: &Parts, input: &mut Value) {
        let read = |spot: &Spot| number(parts.get(place(spot), &spot.path).as_ref());
        let start = self.start.as_ref().and_then(|(spot, base)| Some(read(spot)? - base));
        let skipped = self.offset.as_ref().and_then(read).or(start);
        let through_end = self.end.as_ref().and_then(read).and_then(|end| {
            let base = self.start.as_ref().map_or(1, |(_, base)| *base);
            Some(end - base + 1 - start?)
        });
        let size = self
            .size
            .as_ref()
            .and_then(read)
            .or(through_end)
            .unwrap_or(DEFAULT_SIZE)
            .max(1);
        let page = match &self.page {
            Some((spot, base)) => read(spot).map(|p| p - base + 1),
            None => skipped.map(|s| s / size + 1),
        };
        let [page_name, size_name, _] = self.names();
        if let (Some(page), Value::Object(map)) = (page, input) {
            map.insert(page_name.to_owned(), Value::from(page.max(1)));
            map.insert(size_name.to_owned(), Value::from(size));
        }
    }

    /// Reads the page that a link of the server half's own stands for (server half).
    pub fn decode_followed(&self, page: Option<i64>, parts: &Parts, input: &mut Value) {
        let [page_name, size_name, _] = self.names();
        if let Value::Object(map) = input {
            map.insert(page_name.to_owned(), Value::from(page.unwrap_or(1).max(1)));
            let size = self
                .size
                .as_ref()
                .and_then(|s| number(parts.get(place(s), &s.path).as_ref()));
            map.insert(size_name.to_owned(), Value::from(size.unwrap_or(DEFAULT_SIZE).max(1)));
        }
    }

    /// The number of all rows out of an answer; from pages where the upstream counts only these.
    #[must_use]
    pub(crate) fn total(&self, source: &AnswerSource<'_>, input: &Value) -> Option<i64> {
        let (document, data) = (source.document, source.data);
        let look = |path: &crate::mapping::path::Path| number(path.get(if path.absolute { document } else { data }));
        // Pages are counted as the upstream cuts them.
        let size = || {
            let (_, wanted) = self.asked(input);
            self.max.map_or(wanted, |most| wanted.min(most.max(1)))
        };
        let told = |spot: &Spot| match spot.place {
            Some(Place::Header) => number(source.get(Place::Header, &spot.path).as_ref()),
            _ => look(&spot.path),
        };
        self.total
            .as_ref()
            .and_then(told)
            .or_else(|| self.pages.as_ref().and_then(look).map(|p| p.saturating_mul(size())))
    }

    /// Puts the number of all rows into an answer (server half).
    pub fn put_total(
        &self,
        output: &Value,
        input: &Value,
        document: &mut Value,
        data: &mut Value,
        headers: &mut Vec<(String, String)>,
    ) {
        let [_, size, total] = self.names();
        let Some(total) = number(output.get(total)) else { return };
        let size = number(input.get(size)).unwrap_or(DEFAULT_SIZE).max(1);
        let pages = (total + size - 1) / size;
        let told = self.total.as_ref().filter(|s| s.place == Some(Place::Header));
        if let Some(name) = told.and_then(|s| s.path.only_name()) {
            headers.push((name.to_owned(), total.to_string()));
        }
        let spots = self.total.as_ref().filter(|_| told.is_none()).map(|s| &s.path);
        for (path, number) in [(spots, total), (self.pages.as_ref(), pages)] {
            if let Some(path) = path {
                let target = if path.absolute { &mut *document } else { &mut *data };
                path.set(target, Value::from(number));
            }
        }
    }
}

fn place(spot: &Spot) -> Place {
    spot.place.unwrap_or(Place::Body)
}

fn number(value: Option<&Value>) -> Option<i64> {
    scalar_text(value?)?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::path::Path;
    use serde_json::json;

    fn round(paging: &Paging, page: i64, size: i64) -> (Value, Value) {
        let mut parts = Parts::default();
        paging.encode(page, size, &mut parts);
        let mut input = json!({});
        paging.decode(&parts, &mut input);
        (parts.fields, input)
    }

    #[test]
    fn every_style_there_and_back() {
        let zero = Paging {
            page: Some((Spot::parse("CurPage"), 0)),
            size: Some(Spot::parse("PerNum")),
            ..Paging::default()
        };
        assert_eq!(round(&zero, 3, 10).0, json!({"CurPage": 2, "PerNum": 10}));
        let rows = Paging {
            start: Some((Spot::parse("startRow"), 1)),
            end: Some(Spot::parse("endRow")),
            ..Paging::default()
        };
        assert_eq!(round(&rows, 3, 10).0, json!({"startRow": 21, "endRow": 30}));
        let offset = Paging {
            offset: Some(Spot::parse("offset")),
            size: Some(Spot::parse("limit")),
            ..Paging::default()
        };
        assert_eq!(round(&offset, 3, 10).0, json!({"offset": 20, "limit": 10}));
        for paging in [zero, rows, offset] {
            assert_eq!(round(&paging, 3, 10).1, json!({"page": 3, "page_size": 10}));
        }
    }

    #[test]
    fn totals_from_rows_or_pages() {
        let paging = Paging {
            pages: Some(Path::parse("/totalPage")),
            ..Paging::default()
        };
        let answer = json!({"totalPage": "4"});
        let source = AnswerSource {
            data: &Value::Null,
            document: &answer,
            response: &hub_core::RawResponse::default(),
        };
        assert_eq!(paging.total(&source, &json!({"page_size": 10})), Some(40));
    }
}
