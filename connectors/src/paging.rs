//! Pages: the contract's `page`, `page_size` and `total` in the upstream's names and bases, both ways.

use crate::manifest::model::{Paging, Place, Spot};
use crate::mapping::decode::Source;
use crate::mapping::encode::Sink;
use crate::mapping::template::scalar_text;
use crate::parts::Parts;
use serde_json::Value;

/// Rows a page has where nobody says.
const DEFAULT_SIZE: i64 = 20;
/// Most upstream pages that one page of the contract may cost.
pub(crate) const MOST_TURNS: i64 = 20;

/// The upstream's pages that hold one page of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The first of them, from 0.
    pub first: i64,
    /// How many.
    pub turns: i64,
    /// Rows of one of them.
    pub size: i64,
    /// Rows in front that belong to the page before.
    pub skip: i64,
    /// Rows that the contract's page has at most.
    pub want: i64,
}

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

    /// Which upstream pages hold the page asked for: one, or several where the upstream's pages are smaller.
    #[must_use]
    pub fn span(&self, input: &Value) -> Span {
        let [page, size, _] = self.names();
        let page = number(input.get(page)).unwrap_or(1).max(1);
        let want = number(input.get(size)).unwrap_or(DEFAULT_SIZE).max(1);
        let size = self.max.map_or(want, |max| want.min(max.max(1)));
        let start = (page - 1).saturating_mul(want);
        let last = start.saturating_add(want - 1) / size;
        Span {
            first: start / size,
            turns: last - start / size + 1,
            size,
            skip: start % size,
            want,
        }
    }

    /// Writes the upstream page of one turn (client half).
    pub fn encode(&self, input: &Value, turn: i64, parts: &mut Parts) {
        let span = self.span(input);
        let (index, size) = (span.first.saturating_add(turn), span.size);
        let skipped = index.saturating_mul(size);
        let mut put = |spot: &Spot, number: i64| parts.put(place(spot), &spot.path, Value::from(number));
        if let Some((spot, base)) = &self.page {
            put(spot, index.saturating_add(*base));
        }
        if let Some(spot) = &self.offset {
            put(spot, skipped);
        }
        if let Some((spot, base)) = &self.start {
            put(spot, skipped.saturating_add(*base));
        }
        if let Some(spot) = &self.end {
            let base = self.start.as_ref().map_or(1, |(_, base)| *base);
            put(spot, skipped.saturating_add(base + size - 1));
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

    /// The number of all rows out of an answer; from pages where the upstream counts only these.
    #[must_use]
    pub fn total(&self, document: &Value, data: &Value, input: &Value) -> Option<i64> {
        let look = |path: &crate::mapping::path::Path| number(path.get(if path.absolute { document } else { data }));
        let size = || self.span(input).size;
        self.total
            .as_ref()
            .and_then(look)
            .or_else(|| self.pages.as_ref().and_then(look).map(|p| p.saturating_mul(size())))
    }

    /// Puts the number of all rows into an answer (server half).
    pub fn put_total(&self, output: &Value, input: &Value, document: &mut Value, data: &mut Value) {
        let [_, size, total] = self.names();
        let Some(total) = number(output.get(total)) else { return };
        let size = number(input.get(size)).unwrap_or(DEFAULT_SIZE).max(1);
        let pages = (total + size - 1) / size;
        for (path, number) in [(&self.total, total), (&self.pages, pages)] {
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
        paging.encode(&json!({"page": page, "page_size": size}), 0, &mut parts);
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
        assert_eq!(paging.total(&answer, &json!(null), &json!({"page_size": 10})), Some(40));
    }
}
