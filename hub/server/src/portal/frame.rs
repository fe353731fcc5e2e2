//! What every page shares: language, search box, links that keep the language.

use super::assets;
use hub_core::{Lang, Text};
use url::form_urlencoded;

/// The frame around a page.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Language of the page.
    pub lang: Lang,
    /// Whether the address chose the language, so that links must keep it.
    pub chosen: bool,
    /// Words in the search box.
    pub q: String,
    /// Whether the header shows the search box.
    pub searchable: bool,
    /// Whether the page is in care mode: large letters, strong contrast, large targets.
    pub care: bool,
    care_said: bool,
    path: String,
    query: Vec<(String, String)>,
}

/// The language of a page: `?lang=`, else `Accept-Language`. The flag says that the address chose it.
#[must_use]
pub fn language(query: &[(String, String)], accept: &str) -> (Lang, bool) {
    match query.iter().find(|(n, _)| n == "lang").map(|(_, v)| v.as_str()) {
        Some("en") => (Lang::En, true),
        Some("zh") => (Lang::Zh, true),
        _ => (Lang::from_accept_language(accept), false),
    }
}

/// Name and value of the cookie of browsers in care mode.
const CARING: &str = "hub-care=1";

/// What the address says of care mode.
fn said(query: &[(String, String)]) -> Option<bool> {
    let word = query.iter().find(|(n, _)| n == "care")?;
    Some(word.1 == "1")
}

impl Frame {
    /// For a page at `path` with `query`, read by somebody who sent `accept` as `Accept-Language`.
    #[must_use]
    pub fn new(path: &str, query: &[(String, String)], accept: &str) -> Self {
        let (lang, chosen) = language(query, accept);
        Self {
            lang,
            chosen,
            q: query
                .iter()
                .find(|(n, _)| n == "q")
                .map(|(_, v)| v.clone())
                .unwrap_or_default(),
            searchable: path != "/",
            care: said(query) == Some(true),
            care_said: said(query).is_some(),
            path: path.to_owned(),
            query: query.to_vec(),
        }
    }

    /// The page for a browser that asked for care mode on an earlier one; what the address says now wins.
    #[must_use]
    pub fn remembering(mut self, cookies: &str) -> Self {
        let asked = |pair: &str| pair.trim() == CARING;
        self.care = if self.care_said {
            self.care
        } else {
            cookies.split(';').any(asked)
        };
        self
    }

    /// The cookie that keeps the choice, where the address makes one. It says nothing about anybody.
    #[must_use]
    pub fn remembered(&self) -> Option<String> {
        let kept = if self.care { "; Max-Age=31536000" } else { "; Max-Age=0" };
        self.care_said.then(|| format!("{CARING}{kept}; Path=/; SameSite=Lax"))
    }

    /// The first parameter of a name in the page's address.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// This page in care mode, or out of it.
    #[must_use]
    pub fn turned(&self) -> String {
        self.with("care", Some(if self.care { "0" } else { "1" }))
    }

    /// Whether the page is in Chinese.
    #[must_use]
    pub fn zh(&self) -> bool {
        self.lang == Lang::Zh
    }

    /// One of two wordings.
    #[must_use]
    pub fn t<'a>(&self, zh: &'a str, en: &'a str) -> &'a str {
        if self.zh() { zh } else { en }
    }

    /// A text in the page's language.
    #[must_use]
    pub fn of(&self, text: &Text) -> String {
        text.get(self.lang).to_owned()
    }

    /// The `lang` attribute.
    #[must_use]
    pub fn tag(&self) -> &'static str {
        self.lang.tag()
    }

    /// The other language's tag.
    #[must_use]
    pub fn other_tag(&self) -> &'static str {
        if self.zh() { Lang::En.tag() } else { Lang::Zh.tag() }
    }

    /// This page in the other language.
    #[must_use]
    pub fn other(&self) -> String {
        let other = if self.zh() { "en" } else { "zh" };
        self.with("lang", Some(other))
    }

    /// `?lang=…` where links must keep the language, else nothing.
    #[must_use]
    pub fn suffix(&self) -> &'static str {
        match (self.chosen, self.lang) {
            (false, _) => "",
            (true, Lang::Zh) => "?lang=zh",
            (true, Lang::En) => "?lang=en",
        }
    }

    /// The same behind other parameters.
    #[must_use]
    pub fn and(&self) -> &'static str {
        match (self.chosen, self.lang) {
            (false, _) => "",
            (true, Lang::Zh) => "&lang=zh",
            (true, Lang::En) => "&lang=en",
        }
    }

    /// This page with one parameter set or removed. Goes back to the first page of a list.
    #[must_use]
    pub fn with(&self, name: &str, value: Option<&str>) -> String {
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        for (n, v) in &self.query {
            if n != name && (n != "page" || name == "lang") {
                pairs.append_pair(n, v);
            }
        }
        if let Some(value) = value {
            pairs.append_pair(name, value);
        }
        let query = pairs.finish();
        if query.is_empty() {
            self.path.clone()
        } else {
            format!("{}?{query}", self.path)
        }
    }

    /// The address of an asset.
    #[must_use]
    pub fn asset(&self, name: &str) -> String {
        assets::address(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn care_mode_stays_until_it_is_turned_off() {
        let of = |care: Option<&str>, cookies: &str| {
            let query: Vec<_> = care.map(|c| ("care".to_owned(), c.to_owned())).into_iter().collect();
            Frame::new("/search", &query, "zh").remembering(cookies)
        };
        assert!(!of(None, "").care && !of(None, "hub-care=0; x=hub-care=1").care);
        assert!(of(Some("1"), "").care && of(None, "a=b; hub-care=1").care && !of(Some("0"), "hub-care=1").care);
        assert_eq!(of(None, "hub-care=1").remembered(), None);
        assert!(of(Some("1"), "").remembered().unwrap().contains("Max-Age=31536000"));
        assert!(of(Some("0"), "hub-care=1").remembered().unwrap().contains("Max-Age=0"));
        assert_eq!(of(None, "hub-care=1").turned(), "/search?care=0");
    }

    #[test]
    fn links_keep_what_was_chosen() {
        let query = [
            ("q".to_owned(), "公积金 &".to_owned()),
            ("page".to_owned(), "3".to_owned()),
            ("lang".to_owned(), "en".to_owned()),
        ];
        let frame = Frame::new("/search", &query, "zh");
        assert_eq!(frame.lang, Lang::En);
        assert_eq!(
            frame.with("domain", Some("city")),
            "/search?q=%E5%85%AC%E7%A7%AF%E9%87%91+%26&lang=en&domain=city"
        );
        assert_eq!(
            frame.other(),
            "/search?q=%E5%85%AC%E7%A7%AF%E9%87%91+%26&page=3&lang=zh"
        );
        assert_eq!(Frame::new("/", &[], "en").suffix(), "");
        assert_eq!(Frame::new("/", &[], "en").lang, Lang::En);
    }
}
