//! Paging: the contract's page, size and total, and what the upstream calls them.

use super::pair::Pairing;
use super::upstream::{Node, Part};
use super::values::text;
use super::words::squeezed;
use hub_core::{Operation, Text};

/// Page numbers, page sizes and totals of contracts.
const OWN: [&[&str]; 3] = [
    &["page", "page_num", "page_no", "page_index"],
    &["page_size", "size", "limit", "per_page"],
    &["total", "total_count", "count"],
];
const PAGE: &[&str] = &[
    "pagenum",
    "pageno",
    "page",
    "pageindex",
    "curpage",
    "currentpage",
    "current",
    "currpage",
    "pagenumber",
    "dqy",
    "ym",
];
const OFFSET: &[&str] = &["offset", "skip"];
const START: &[&str] = &["startrow", "startindex", "start", "beginrow", "rowstart", "firstresult"];
const END: &[&str] = &["endrow", "end", "rowend", "endindex"];
const SIZE: &[&str] = &[
    "pagesize",
    "size",
    "pernum",
    "rows",
    "limit",
    "maxcount",
    "perpage",
    "pagecount",
    "pagerows",
    "mytjls",
    "mys",
];
const TOTAL: &[&str] = &[
    "total",
    "totalcount",
    "totalnum",
    "totalrows",
    "recordcount",
    "totalrecords",
    "count",
    "records",
    "zs",
    "zts",
    "zjls",
    "totalsize",
];

/// Paging as found, with the places and fields that it covers.
#[derive(Debug, Default)]
pub(super) struct Pages {
    pub(super) part: Option<Part>,
    pub(super) places: Vec<String>,
    pub(super) fields: Vec<String>,
}

fn own(operation: &Operation) -> Option<[String; 3]> {
    let find = |shape: &hub_core::Shape, names: &[&str]| {
        let found = shape.children.iter().find(|c| names.contains(&c.name.as_ref()));
        found.map(|c| c.name.to_string())
    };
    let [page, size, total] = OWN;
    Some([
        find(&operation.input, page)?,
        find(&operation.input, size)?,
        find(&operation.output, total)?,
    ])
}

fn among<'n>(places: &[(String, &'n Node)], names: &[&str]) -> Option<(String, &'n Node)> {
    names.iter().find_map(|wanted| {
        let (path, node) = places.iter().find(|(p, n)| squeezed(p) == *wanted && !n.is_list)?;
        Some((path.clone(), *node))
    })
}

/// Looks at the operations whose contract has pages.
pub(super) fn find(pairings: &[Pairing<'_>]) -> Pages {
    for pairing in pairings {
        let (Some(call), Some(fields)) = (pairing.call, own(&pairing.operation)) else {
            continue;
        };
        let (request, response) = (call.request.places(), call.response.places());
        let mut entries = Vec::new();
        let mut places = Vec::new();
        let mut add = |key: &str, found: Option<(String, &Node)>, suffix: &str| -> bool {
            let Some((path, _)) = found else { return false };
            entries.push((key.to_owned(), format!("{path}{suffix}")));
            places.push(path);
            true
        };
        let page = among(&request, PAGE);
        let base = page
            .as_ref()
            .is_some_and(|(_, n)| n.samples.iter().any(|s| text(s) == "0"));
        let known = add("page", page, if base { " from 0" } else { "" })
            || add("offset", among(&request, OFFSET), "")
            || add("start", among(&request, START), "");
        if !known {
            continue;
        }
        if entries.iter().any(|(k, _)| k == "start") {
            let found = among(&request, END);
            if let Some((path, _)) = found {
                entries.push(("end".to_owned(), path.clone()));
                places.push(path);
            }
        }
        if let Some((path, _)) = among(&request, SIZE) {
            entries.push(("size".to_owned(), path.clone()));
            places.push(path);
        }
        if let Some((path, _)) = among(&response, TOTAL) {
            entries.push(("total".to_owned(), path.clone()));
            places.push(path);
        }
        let [page, size, total] = &fields;
        if fields != ["page", "page_size", "total"] {
            entries.push(("fields".to_owned(), format!("[{page}, {size}, {total}]")));
        }
        return Pages {
            part: Some(Part::new(
                "paging",
                entries,
                88,
                Text::new("分页的名称", "names of paging"),
            )),
            places,
            fields: fields.to_vec(),
        };
    }
    Pages::default()
}
