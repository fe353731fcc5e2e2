//! Reading `exchange`, `batch`, `news` and `jump`.

use super::*;
use crate::manifest::transports::{BatchPart, ExchangePart, FlagPart, JumpPart, NewsPart};

const ANSWER_EVERY_MS: u64 = 200;
const NEWS_EVERY_MS: u64 = 30_000;

impl Reader<'_> {
    pub(super) fn exchange(&mut self, map: &Part) -> Option<ExchangePart> {
        let (key, flag, answers) = (text(map, "key"), text(map, "flag"), text(map, "answers"));
        for (name, value) in [("`key`", &key), ("`flag`", &flag), ("`answers`", &answers)] {
            if value.is_none() {
                self.missing(name, "/exchange");
            }
        }
        let word = |key: &str, or: &str| text(map, key).unwrap_or_else(|| or.to_owned());
        let lists: Vec<(String, String)> = part(map, "lists")
            .into_iter()
            .flatten()
            .filter_map(|(member, table)| Some((member.clone(), scalar_text(table)?)))
            .collect();
        let part = ExchangePart {
            key: key?,
            flag: FlagPart {
                column: flag?,
                new: word("new", "0"),
                taken: word("taken", "1"),
                dead: text(map, "dead"),
            },
            answers: answers?,
            lists,
            order: text(map, "order"),
            every_ms: self
                .duration(map, "every", "/exchange")
                .unwrap_or(ANSWER_EVERY_MS)
                .max(20),
        };
        let columns = [Some(&part.key), part.order.as_ref(), Some(&part.flag.column)];
        let tables = part.lists.iter().map(|(_, t)| t).chain([&part.answers]);
        for name in columns.into_iter().flatten().chain(tables) {
            if !is_identifier(&name.replace("{call}", "c")) {
                self.bad_value("/exchange", "names of letters, digits and _", name);
            }
        }
        Some(part)
    }

    pub(super) fn batch(&mut self, map: &Part, at: &str) -> BatchPart {
        for key in ["files", "request", "reply"] {
            if let Some(path) = text(map, key)
                && !is_file_path(&path)
            {
                self.bad_value(
                    &format!("{at}/{key}"),
                    "a path below the folder such as out/{call}_*.txt",
                    &path,
                );
            }
        }
        let cells = |key: &str| map.contains_key(key).then(|| texts(map, key));
        BatchPart {
            files: text(map, "files"),
            marker: text(map, "marker"),
            says: cells("says"),
            separator: text(map, "separator").filter(|s| !s.is_empty()),
            quotes: flag(map, "quotes"),
            header: flag(map, "header"),
            columns: cells("columns"),
            contains: cells("contains"),
            trailer: cells("trailer"),
            request: text(map, "request"),
            reply: text(map, "reply"),
            every_ms: self.duration(map, "every", at),
        }
    }

    pub(super) fn news(&mut self, map: &Part) -> Option<NewsPart> {
        let (from, case) = (text(map, "from"), path(map, "case"));
        if from.is_none() {
            self.missing("`from`", "/news");
        }
        if case.is_none() {
            self.missing("`case`", "/news");
        }
        let order = text(map, "order");
        if let Some(order) = order.as_ref().filter(|o| !is_identifier(o)) {
            self.bad_value("/news/order", "a name of letters, digits and _", order);
        }
        Some(NewsPart {
            from: from?,
            order,
            flagged: flag(map, "flagged").unwrap_or(true),
            every_ms: self.duration(map, "every", "/news").unwrap_or(NEWS_EVERY_MS).max(100),
            case: case?,
            state: path(map, "state"),
            time: path(map, "time"),
            fields: rows::read(map.get("fields"), "/news/fields"),
        })
    }

    pub(super) fn jump(&mut self, map: &Part, at: &str) -> JumpPart {
        let to = text(map, "to");
        if let Some(to) = &to
            && !url::Url::parse(to).is_ok_and(|u| u.scheme() == "https" && u.username().is_empty())
        {
            self.bad_value(&format!("{at}/to"), "an https URL", to);
        }
        JumpPart {
            hosts: texts(map, "hosts")
                .into_iter()
                .map(|h| h.to_ascii_lowercase())
                .collect(),
            into: path(map, "into"),
            to,
            with: self.sends(map, "with", at),
            signed: flag(map, "signed").unwrap_or(false),
        }
    }
}

/// A name of a table or column that can never be anything else: letters, digits, `_`, one dot behind a schema.
pub(crate) fn is_identifier(name: &str) -> bool {
    let plain = |part: &str| {
        !part.is_empty()
            && part.chars().count() <= 60
            && part.chars().all(|c| c.is_alphanumeric() || c == '_')
            && !part.starts_with(|c: char| c.is_ascii_digit())
    };
    let mut parts = name.splitn(3, '.');
    let (first, second, third) = (parts.next(), parts.next(), parts.next());
    first.is_some_and(plain) && second.is_none_or(plain) && third.is_none()
}

/// A path that stays below its folder, with `*` in its last part only, once at most.
fn is_file_path(path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let sound = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.contains(['\\', '\0', ':']);
    sound(name)
        && name.matches('*').count() <= 1
        && (folder.is_empty() || folder.split('/').all(|part| sound(part) && !part.contains('*')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_nothing_but_names() {
        for good in ["T_BJ", "gab.T_BJ_FK", "办件表", "_x1"] {
            assert!(is_identifier(good), "{good}");
        }
        for bad in ["", "a b", "a\"b", "a;drop", "1a", "a.b.c", "a.", "x'--", "a`b"] {
            assert!(!is_identifier(bad), "{bad}");
        }
    }

    #[test]
    fn paths_stay_below() {
        for good in ["out/{call}_*.txt", "a.csv", "out/20260408/x_{key}.txt"] {
            assert!(is_file_path(good), "{good}");
        }
        for bad in ["/etc/x", "../x", "a/../x", "a//b", "out/*/x", "a\\b", "a/**", ""] {
            assert!(!is_file_path(bad), "{bad}");
        }
    }
}
