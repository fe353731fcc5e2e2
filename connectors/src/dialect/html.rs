//! Pages for people, as far as a machine must look at them: attributes of elements, nothing of their structure.

/// Bytes of a page that are looked at.
pub const MAX_PAGE: usize = 1024 * 1024;

/// Whether a page asks for a password: the login page once more.
#[must_use]
pub fn asks_for_password(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body.get(..MAX_PAGE).unwrap_or(body));
    elements(&text, "input")
        .any(|attributes| value_of(&attributes, "type").is_some_and(|t| t.eq_ignore_ascii_case("password")))
}

/// One attribute of the first element of a kind that has this name.
#[must_use]
pub fn attribute(page: &str, kind: &str, name: &str, wanted: &str) -> Option<String> {
    let mut found = elements(page, kind).filter(|attributes| value_of(attributes, "name").as_deref() == Some(name));
    found.find_map(|attributes| value_of(&attributes, wanted))
}

fn value_of(attributes: &[(String, String)], wanted: &str) -> Option<String> {
    let (_, raw) = attributes.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted))?;
    Some(quick_xml::escape::unescape(raw).map_or_else(|_| raw.clone(), std::borrow::Cow::into_owned))
}

/// The attributes of every element of a kind, in order; comments and scripts hold none.
fn elements<'p>(page: &'p str, kind: &'p str) -> impl Iterator<Item = Vec<(String, String)>> + 'p {
    let mut rest = page;
    std::iter::from_fn(move || {
        loop {
            rest = rest.get(rest.find('<')? + 1..)?;
            if let Some(comment) = rest.strip_prefix("!--") {
                rest = comment.split_once("-->").map_or("", |(_, after)| after);
                continue;
            }
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            let (attributes, behind) = attributes(after);
            rest = behind;
            for raw in ["script", "style", "textarea"] {
                if name.eq_ignore_ascii_case(raw) {
                    rest = behind_closing(behind, raw);
                }
            }
            if name.eq_ignore_ascii_case(kind) {
                return Some(attributes);
            }
        }
    })
}

fn behind_closing<'p>(text: &'p str, name: &str) -> &'p str {
    let closes = |at: &usize| {
        let tag = text.get(at + 2..at + 2 + name.len());
        tag.is_some_and(|t| t.eq_ignore_ascii_case(name))
    };
    let found = text.match_indices("</").map(|(at, _)| at).find(closes);
    found.and_then(|at| text.get(at..)).unwrap_or("")
}

/// Names and raw values up to the end of a tag, and what follows it.
fn attributes(text: &str) -> (Vec<(String, String)>, &str) {
    let mut all = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if rest.is_empty() {
            return (all, rest);
        }
        if let Some(after) = rest.strip_prefix('>') {
            return (all, after);
        }
        let end = rest
            .char_indices()
            .skip(1)
            .find(|(_, c)| c.is_ascii_whitespace() || matches!(c, '=' | '>' | '/'))
            .map_or(rest.len(), |(at, _)| at);
        let (name, after) = rest.split_at(end);
        let (value, behind) = match after.trim_ascii_start().strip_prefix('=') {
            Some(value) => quoted(value.trim_ascii_start()),
            None => ("", after),
        };
        all.push((name.to_owned(), value.to_owned()));
        rest = behind;
    }
}

fn quoted(text: &str) -> (&str, &str) {
    for quote in ['"', '\''] {
        if let Some(inside) = text.strip_prefix(quote) {
            return inside.split_once(quote).unwrap_or((inside, ""));
        }
    }
    let end = text
        .find(|c: char| c.is_ascii_whitespace() || c == '>')
        .unwrap_or(text.len());
    text.split_at(end)
}
