//! Pages of long lists, by whatever names a contract pages.

use crate::vocabulary::Paging;
use hub_core::Shape;
use serde_json::{Map, Value};

/// A window on a long list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Window {
    /// Top-level array property.
    pub list: String,
    /// Index of the first item shown.
    pub offset: usize,
    /// Items shown.
    pub count: usize,
}

/// The window on a list that paging members of the input ask for, if the output has one list and a total. The second
/// value is the name of the total.
pub(crate) fn paging<'s>(
    paging: &Paging,
    input: &Map<String, Value>,
    input_shape: &Shape,
    output: &'s Shape,
) -> Option<(Page, &'s Shape, Option<&'s str>)> {
    let named = |names: &[String]| {
        names
            .iter()
            .find(|n| input_shape.child(n).is_some() || input.contains_key(*n))
            .cloned()
    };
    let number = |name: &str| {
        input
            .get(name)
            .and_then(|v| v.as_u64().or_else(|| v.as_str()?.parse().ok()))
    };
    let (page, size, offset) = (named(&paging.page), named(&paging.size), named(&paging.offset));
    let mut lists = output.children.iter().filter(|c| c.item.is_some());
    let (Some(list), None) = (lists.next(), lists.next()) else {
        return None;
    };
    let total = paging
        .total
        .iter()
        .find_map(|n| output.child(n))
        .map(|s| s.name.as_ref());
    if page.is_none() && offset.is_none() {
        return None;
    }
    let default = size
        .as_deref()
        .and_then(|n| input_shape.child(n)?.schema.get("default")?.as_u64())
        .unwrap_or(10);
    let size = size.as_deref().and_then(number).unwrap_or(default).clamp(1, 200);
    let skip = match (page.as_deref().and_then(number), offset.as_deref().and_then(number)) {
        (Some(page), _) => page.saturating_sub(1).saturating_mul(size),
        (None, Some(offset)) => offset,
        (None, None) => 0,
    };
    let fit = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    Some((
        Page {
            skip: fit(skip),
            size: fit(size),
        },
        list,
        total,
    ))
}

/// Which part of a list was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Page {
    /// Items before it.
    pub skip: usize,
    /// Items on it.
    pub size: usize,
}

impl Page {
    /// How many of `total` items stand on it.
    pub(crate) fn count(self, total: usize) -> usize {
        total.saturating_sub(self.skip).min(self.size)
    }

    /// The part of a list of `all` items that it shows.
    pub(crate) fn window(self, list: &Shape, all: usize) -> Window {
        Window {
            list: list.name.to_string(),
            offset: self.skip,
            count: self.count(all),
        }
    }
}
