//! Safe automatic fixes: places of the source are edited, comments and order stay, and what comes out is proven by the
//! differ to mean the same but for what the fix itself says.
//!
//! Which rule has a fix, and what it does, stands in the rule's data (`repair`).

mod edit;
mod layout;
mod proof;

use super::{LintFinding, RuleSet};
use crate::description::Description;
use crate::document::unescape;
use edit::Edit;
use hub_core::{Finding, Text};
use layout::{Form, Layout};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Characters of a sentence that may become a summary.
const SUMMARY: usize = 60;

/// What a rule does about what it finds.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Repair {
    /// Members that are put where they are missing; `{id}` is made from method and path, `{sentence}` is the first of the
    /// description.
    #[serde(default)]
    insert: Map<String, Value>,
    /// Items of a list that are taken out.
    remove: Option<Removal>,
    /// Changes the differ may find, by their ids; none: nothing at all.
    #[serde(default)]
    pub(super) changes: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Removal {
    /// Items that were said before.
    Repeated,
    /// Addresses that the list also names with `https`.
    PlainTwin,
}

/// A text with fixes made in it.
#[derive(Debug, Clone)]
pub struct Fixed {
    /// The whole text of the description's own file.
    pub text: String,
    /// What changes, as a unified diff of the source.
    pub diff: String,
    /// Findings that are settled by it, by rule.
    pub made: BTreeMap<String, usize>,
    /// Rules whose fix was left out, because the differ found more than it says.
    pub dropped: Vec<Text>,
}

/// What is edited for one rule.
struct Planned {
    rule: String,
    edits: Vec<Edit>,
    settles: usize,
    changes: BTreeSet<String>,
}

/// Fixes what can be fixed of findings in a description's own file, which the diff calls `shown`. Nothing is written.
///
/// # Errors
///
/// Why nothing can be edited: an archive, another encoding than UTF-8, a text that is neither JSON nor YAML.
pub fn fix(
    files: &BTreeMap<String, Vec<u8>>,
    description: &Description,
    findings: &[LintFinding],
    rules: &RuleSet,
    shown: &str,
) -> Result<Fixed, Finding> {
    let name = description.origin("").file.to_owned();
    let refuse = |zh: &str, en: &str| Finding::error("not-fixable", name.clone(), Text::new(zh, en)).at("", 1, 1);
    let Some(bytes) = files.get(&name) else {
        return Err(refuse(
            "压缩包不能就地修改；请解压后对其中的描述运行",
            "An archive is not edited; unpack it and name the description in it",
        ));
    };
    let Ok(whole) = std::str::from_utf8(bytes) else {
        return Err(refuse(
            "只能就地修改 UTF-8 编码的文件；请先转为 UTF-8",
            "Only files in UTF-8 are edited; convert it first",
        ));
    };
    let text = whole.strip_prefix('\u{feff}').unwrap_or(whole);
    let layout = Layout::of(text).filter(|_| !text.trim_start().starts_with('<'));
    let Some(layout) = layout else {
        return Err(refuse("只能就地修改 JSON 和 YAML", "Only JSON and YAML are edited"));
    };
    let planner = Planner {
        text,
        layout: &layout,
        description,
        file: &name,
    };
    let plans = planner.plans(findings, rules);
    let (kept, dropped) = proof::proven(files, &name, description, text, plans);
    let edits = merged(kept.iter());
    let mark = whole.len() - text.len();
    Ok(Fixed {
        text: format!(
            "{}{}",
            whole.get(..mark).unwrap_or_default(),
            edit::applied(text, &edits).unwrap_or_else(|| text.to_owned())
        ),
        diff: match edits.is_empty() {
            true => String::new(),
            false => edit::unified(shown, text, &edits),
        },
        made: kept.iter().map(|p| (p.rule.clone(), p.settles)).collect(),
        dropped,
    })
}

/// Edits of several rules in the order of the text; where two meet the first rule's stands.
fn merged<'p>(plans: impl Iterator<Item = &'p Planned>) -> Vec<Edit> {
    let mut all: Vec<Edit> = plans.flat_map(|p| p.edits.iter().cloned()).collect();
    all.sort_by_key(|e| (e.range.start, e.range.end));
    let mut kept: Vec<Edit> = Vec::with_capacity(all.len());
    for edit in all {
        match kept.last_mut() {
            // Several members put at one place stand behind one another.
            Some(last) if last.range == edit.range && edit.range.is_empty() => last.put.push_str(&edit.put),
            Some(last) if edit.range.start < last.range.end => {}
            _ => kept.push(edit),
        }
    }
    kept
}

struct Planner<'a> {
    text: &'a str,
    layout: &'a Layout,
    description: &'a Description,
    file: &'a str,
}

impl Planner<'_> {
    fn plans(&self, findings: &[LintFinding], rules: &RuleSet) -> Vec<Planned> {
        let mut ids = self.ids();
        let mut plans: Vec<Planned> = Vec::new();
        let mut done: HashSet<(String, usize)> = HashSet::new();
        for found in findings.iter().filter(|f| f.waived.is_none()) {
            let rule = &found.finding.code;
            let Some(repair) = rules.rule(rule).and_then(|r| r.repair.as_ref()) else {
                continue;
            };
            let edits = match repair.remove {
                Some(removal) => self.removals(removal, &found.finding.pointer),
                None => self.insertions(&repair.insert, &found.finding.pointer, &mut ids),
            };
            let Some(edits) = edits.filter(|e| !e.is_empty()) else {
                continue;
            };
            let place = edits.first().map_or(0, |e| e.range.start);
            let plan = match plans.iter().position(|p| p.rule == *rule) {
                Some(at) => plans.get_mut(at),
                None => {
                    plans.push(Planned {
                        rule: rule.clone(),
                        edits: Vec::new(),
                        settles: 0,
                        changes: repair.changes.iter().cloned().collect(),
                    });
                    plans.last_mut()
                }
            };
            let Some(plan) = plan else { continue };
            plan.settles += 1;
            // What is said once is edited once, however many places it is found from.
            if done.insert((rule.clone(), place)) {
                plan.edits.extend(edits);
            }
        }
        plans
    }

    fn ids(&self) -> HashSet<String> {
        let items = self.description.document.get("paths").and_then(Value::as_object);
        let operations = items.into_iter().flat_map(Map::values).filter_map(Value::as_object);
        operations
            .flat_map(Map::values)
            .filter_map(|o| o.get("operationId")?.as_str().map(str::to_owned))
            .collect()
    }

    /// The value in the source that a pointer of the normal form names.
    fn spot(&self, pointer: &str) -> Option<usize> {
        let origin = self.description.origin(pointer);
        if origin.file != self.file {
            return None;
        }
        let key = pointer.rsplit('/').next().map(unescape).unwrap_or_default();
        let at = self.layout.find((origin.line, origin.column), &key)?;
        (!self.layout.is_shared(at)).then_some(at)
    }

    fn insertions(&self, members: &Map<String, Value>, pointer: &str, ids: &mut HashSet<String>) -> Option<Vec<Edit>> {
        let mut edits = Vec::new();
        for (name, value) in members {
            let below = pointer.rsplit_once('/').filter(|(_, last)| unescape(last) == *name);
            let holder = below.map_or(pointer, |(holder, _)| holder);
            let value = self.filled(value, holder, ids)?;
            let spot = self.layout.spot(self.spot(pointer)?)?;
            edits.push(match below {
                // It is there and empty.
                Some(_) if spot.form == Form::Scalar && spot.end > spot.start => Edit {
                    range: spot.start..spot.end,
                    put: value.to_string(),
                },
                Some(_) => return None,
                None => edit::insert(self.text, self.layout, spot, name, &value)?,
            });
        }
        Some(edits)
    }

    /// A value with what stands in braces filled in; none where there is nothing to fill it with.
    fn filled(&self, value: &Value, holder: &str, ids: &mut HashSet<String>) -> Option<Value> {
        match value.as_str() {
            Some("{id}") => Some(Value::String(id(holder, ids)?)),
            Some("{sentence}") => {
                let text = self
                    .description
                    .document
                    .pointer(holder)?
                    .get("description")?
                    .as_str()?;
                sentence(text).map(Value::String)
            }
            _ => Some(value.clone()),
        }
    }

    fn removals(&self, removal: Removal, pointer: &str) -> Option<Vec<Edit>> {
        match removal {
            Removal::Repeated => {
                let items = self.description.document.pointer(pointer)?.as_array()?;
                let list = self.layout.spot(self.spot(pointer)?)?;
                if list.items.len() != items.len() {
                    return None;
                }
                let again = items
                    .iter()
                    .enumerate()
                    .filter(|(at, item)| items.iter().take(*at).any(|i| i == *item));
                again
                    .map(|(at, _)| edit::remove(self.text, self.layout, *list.items.get(at)?))
                    .collect()
            }
            Removal::PlainTwin => {
                let url = self.description.document.pointer(pointer)?.as_str()?;
                let secure = format!("https:{}", url.get(5..)?);
                let (server, _) = pointer.rsplit_once('/')?;
                let (list, _) = server.rsplit_once('/')?;
                let servers = self.description.document.pointer(list)?.as_array()?;
                servers
                    .iter()
                    .find(|s| s.get("url").and_then(Value::as_str) == Some(&secure))?;
                // Swagger 2.0 names the scheme apart from the address.
                let at = self.scheme("http").or_else(|| self.spot(server))?;
                Some(vec![edit::remove(self.text, self.layout, at)?])
            }
        }
    }

    /// The item of Swagger's `schemes` that is this one.
    fn scheme(&self, name: &str) -> Option<usize> {
        let root = self.layout.spot(0)?;
        let named = |at: &&usize| {
            self.layout
                .spot(**at)
                .is_some_and(|s| s.key.as_deref() == Some("schemes"))
        };
        let schemes = self.layout.spot(*root.items.iter().find(named)?)?;
        schemes.items.iter().copied().find(|at| {
            let spot = self.layout.spot(*at);
            let text = spot.and_then(|s| self.text.get(s.start..s.end)).unwrap_or_default();
            text.trim().trim_matches(['"', '\'']) == name
        })
    }
}

/// A name for an operation nobody has yet, from its method and path: `get-titles-titleNo`.
fn id(operation: &str, taken: &mut HashSet<String>) -> Option<String> {
    let mut tokens = operation.strip_prefix("/paths/")?.split('/');
    let (path, method) = (unescape(tokens.next()?), tokens.next()?);
    if tokens.next().is_some() {
        return None;
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
    let words: Vec<&str> = path.split(|c| !plain(c)).filter(|w| !w.is_empty()).collect();
    let base = std::iter::once(method).chain(words).collect::<Vec<_>>().join("-");
    let numbered = |n: usize| if n == 1 { base.clone() } else { format!("{base}-{n}") };
    let free = (1..).map(numbered).find(|name| !taken.contains(name))?;
    taken.insert(free.clone());
    Some(free)
}

/// The first sentence of a text, where it is short and plain.
fn sentence(text: &str) -> Option<String> {
    let line = text.trim().lines().next()?.trim();
    let end = line
        .find(['。', '！'])
        .or_else(|| line.find(". "))
        .unwrap_or(line.len());
    let first = line.get(..end)?.trim().trim_end_matches('.');
    let plain = !first.contains(['<', '`', '[', '|', '#', '*']);
    (plain && !first.is_empty() && first.chars().count() <= SUMMARY).then(|| first.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::{Level, Waivers, run};
    use super::*;
    use crate::description::read_set;

    const TODAY: &str = "2027-12-31";

    fn fixed(name: &str, text: &str) -> Result<Fixed, Finding> {
        let files = BTreeMap::from([(name.to_owned(), text.as_bytes().to_vec())]);
        let description = read_set(name, &files).unwrap();
        let rules = RuleSet::standard().unwrap();
        let found = run(&description, &rules, &Waivers::default(), TODAY);
        fix(&files, &description, &found, &rules, name)
    }

    const OPERATIONS: &str = "openapi: 3.0.3
info: {title: t, version: \"1\"} # ours
servers:
  - url: https://a.example/v1
  - url: http://a.example/v1
paths:
  /titles/{titleNo}:
    # the first
    get:
      description: Finds one title. And more.
      responses:
        '200': {description: ok}
    put: {responses: {'200': {description: ok}}}
components:
  schemas:
    State: {type: string, enum: [open, closed, open]}
";

    #[test]
    fn places_are_edited_and_all_else_stays() {
        let fixed = fixed("a.yaml", OPERATIONS).unwrap();
        let wanted = "openapi: 3.0.3
info: {title: t, version: \"1\"} # ours
servers:
  - url: https://a.example/v1
paths:
  /titles/{titleNo}:
    # the first
    get:
      operationId: get-titles-titleNo
      summary: \"Finds one title\"
      description: Finds one title. And more.
      responses:
        default: {\"description\":\"失败 / Failure\"}
        '200': {description: ok}
    put: {\"operationId\": \"put-titles-titleNo\", responses: {\"default\": {\"description\":\"失败 / Failure\"}, '200': {description: ok}}}
components:
  schemas:
    State: {type: string, enum: [open, closed]}
";
        assert_eq!(fixed.text, wanted, "{:?}", fixed.dropped);
        assert!(
            fixed.diff.starts_with("--- a.yaml\n+++ a.yaml\n@@ -2,15 +2,17 @@\n"),
            "{}",
            fixed.diff
        );
        assert_eq!(fixed.made["operation-operationId"], 2);
        // Done once, nothing is left to do.
        let again = self::fixed("a.yaml", &fixed.text).unwrap();
        assert_eq!((again.text, again.diff.as_str()), (fixed.text, ""));
    }

    #[test]
    fn schemes_of_swagger_lose_the_plain_one() {
        let text = r#"{"swagger": "2.0", "info": {"title": "t", "version": "1"}, "host": "a.example", "schemes": ["http", "https"], "paths": {}}"#;
        let fixed = fixed("a.json", text).unwrap();
        assert_eq!(fixed.text, text.replace(r#""http", "#, ""));
    }

    #[test]
    fn what_would_change_more_than_it_says_is_left_out() {
        let files = BTreeMap::from([(
            "rules.yaml".to_owned(),
            include_str!("../../../../../policies/rules/errors.yaml")
                .replace("changes: [response.error-status.added]", "changes: []")
                .into_bytes(),
        )]);
        let rules = RuleSet::read(&files).unwrap();
        let files = BTreeMap::from([("a.yaml".to_owned(), OPERATIONS.as_bytes().to_vec())]);
        let description = read_set("a.yaml", &files).unwrap();
        let found = run(&description, &rules, &Waivers::default(), TODAY);
        let fixed = fix(&files, &description, &found, &rules, "a.yaml").unwrap();
        assert_eq!(
            (fixed.text.as_str(), fixed.made.len(), fixed.dropped.len()),
            (OPERATIONS, 0, 1)
        );
        assert!(
            fixed.dropped[0].en.contains("error-status.added"),
            "{:?}",
            fixed.dropped
        );
    }

    #[test]
    fn what_is_said_once_for_several_places_is_left_alone() {
        let text = "openapi: 3.0.3
info: {title: t, version: \"1\"}
paths:
  /a:
    get: &shared {responses: {'200': {description: ok}}}
  /b:
    get: *shared
";
        assert_eq!(fixed("a.yaml", text).unwrap().text, text);
    }

    #[test]
    fn an_archive_and_another_encoding_are_refused() {
        let text = OPERATIONS.replace("title: t", "title: 标题");
        let (bytes, ..) = encoding_rs::GB18030.encode(&text);
        let files = BTreeMap::from([("a.yaml".to_owned(), bytes.into_owned())]);
        let description = read_set("a.yaml", &files).unwrap();
        let rules = RuleSet::standard().unwrap();
        let refused = fix(&files, &description, &[], &rules, "a.yaml").unwrap_err();
        assert!(refused.message.en.contains("UTF-8") && refused.severity == hub_core::Severity::Error);
        let refused = fix(&BTreeMap::new(), &description, &[], &rules, "a.zip").unwrap_err();
        assert!(refused.message.en.contains("archive"));
        assert_eq!(rules.rule("server-https").unwrap().level, Level::Must);
    }
}
