//! Addresses the description names.

use super::collect::{Collector, Found};
use super::table::{Area, Effect};
use serde_json::Value;

/// Servers of the whole description.
pub(super) fn compare(out: &mut Collector<'_>) {
    let list = |root: &Value| -> Vec<String> {
        let all = root.get("servers").and_then(Value::as_array);
        let urls = all.into_iter().flatten().filter_map(|s| s.get("url")?.as_str());
        urls.map(|u| u.trim_end_matches('/').to_owned()).collect()
    };
    let (olds, news) = (list(out.old.root()), list(out.new.root()));
    let at = "/servers".into();
    for url in olds.iter().filter(|u| !news.contains(u)) {
        let found = Found::new(Area::Api, "server", Effect::Removed).old(&at);
        out.find_all(found.says(Some(url.clone()), None));
    }
    for url in news.iter().filter(|u| !olds.contains(u)) {
        let found = Found::new(Area::Api, "server", Effect::Added).new_at(&at);
        out.find_all(found.says(None, Some(url.clone())));
    }
}
