//! One rule: what it looks at, what it asks, and what it says to people.

use super::filter::{Filter, Scope};
use super::fix::Repair;
use super::functions::{Function, Miss, Target};
use super::path::{Hit, Manner, Path};
use super::tree::{Key, Tree};
use crate::document::unescape;
use hub_core::{Severity, Text};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Findings of one rule in one description; more of the same help nobody.
const MAX_FINDINGS: usize = 1_000;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Worth knowing.
    Info,
    /// Ought to be put right.
    Should,
    /// Keeps a version from going live.
    Must,
}

impl Level {
    /// Name for programs: `must`, `should`, `info`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Must => "must",
            Self::Should => "should",
            Self::Info => "info",
        }
    }

    /// The severity a finding of this level has.
    #[must_use]
    pub fn severity(self) -> Severity {
        match self {
            Self::Must => Severity::Error,
            Self::Should => Severity::Warning,
            Self::Info => Severity::Note,
        }
    }
}

impl From<Severity> for Level {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Error => Self::Must,
            Severity::Warning => Self::Should,
            Severity::Note => Self::Info,
        }
    }
}

/// What kind of thing a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// What a description has to consist of.
    Structure,
    /// Names of paths, operations, fields.
    Naming,
    /// What is said of failures.
    Errors,
    /// Long lists.
    Paging,
    /// Money, dates, numbers of people and companies, against the dictionary.
    Formats,
    /// As little about people as will do.
    Privacy,
    /// As far as a description shows it.
    Security,
    /// What citizens are told about a service.
    Card,
    /// Chinese and English.
    Bilingual,
    /// Whether the description could be read as it stands.
    Reading,
    /// Rules somebody brought along.
    Custom,
}

impl Family {
    /// Its name for people.
    #[must_use]
    pub fn name(self) -> Text {
        match self {
            Self::Structure => Text::new("结构", "Structure"),
            Self::Naming => Text::new("命名", "Naming"),
            Self::Errors => Text::new("错误", "Errors"),
            Self::Paging => Text::new("分页", "Paging"),
            Self::Formats => Text::new("金额、日期、编号格式", "Money, dates, identifiers"),
            Self::Privacy => Text::new("个人信息最小化", "Minimal personal data"),
            Self::Security => Text::new("安全", "Security"),
            Self::Card => Text::new("办事卡片完整性", "Complete service card"),
            Self::Bilingual => Text::new("中英文", "Two languages"),
            Self::Reading => Text::new("可读性", "Reading"),
            Self::Custom => Text::new("自带规则", "Rules of one's own"),
        }
    }
}

/// Why a rule exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ground {
    /// Descriptions of public services fail it.
    Corpus,
    /// A law or standard asks for it.
    Law,
    /// The hub's dictionary says so.
    Dictionary,
}

/// A rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Stable id, kebab-case.
    pub id: String,
    /// What it is about.
    pub family: Family,
    /// How much it weighs once its grace is over.
    pub level: Level,
    /// Day it came in force, `YYYY-MM-DD`; empty for rules somebody brought along.
    pub since: String,
    /// Until this day a must counts as should.
    pub grace: Option<String>,
    /// Why it exists; none for rules somebody brought along.
    pub ground: Option<(Ground, Text)>,
    /// What is wrong, one sentence.
    pub title: Text,
    /// Why that is bad.
    pub why: Text,
    /// What to do.
    pub fix: Text,
    /// A description without a finding of this rule.
    pub good: String,
    /// One with a finding.
    pub bad: String,
    /// A ruleset of others that has a rule of this id and meaning.
    pub known_as: Option<String>,
    /// What can be done about it without changing the meaning.
    pub(super) repair: Option<Repair>,
    pub(super) given: Vec<Path>,
    pub(super) when: Option<Filter>,
    pub(super) then: Vec<Then>,
    pub(super) manner: Manner,
    /// Text with places to fill, of rules of others.
    pub(super) message: Option<String>,
}

/// A question put to each place.
#[derive(Debug, Clone)]
pub(super) struct Then {
    pub(super) field: Option<Field>,
    pub(super) function: Function,
}

#[derive(Debug, Clone)]
pub(super) enum Field {
    /// Every name in a mapping.
    Keys,
    /// Names, one below the other.
    Names(Vec<String>),
    /// A path of its own, from the place on.
    Path(Path),
}

impl Field {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text == "@key" {
            return Ok(Self::Keys);
        }
        if text.starts_with('$') {
            return Ok(Self::Path(Path::parse(text)?));
        }
        let undone = text.replace("['", ".").replace(['[', ']', '\''], ".");
        let names = undone.split('.').filter(|n| !n.is_empty());
        Ok(Self::Names(names.map(str::to_owned).collect()))
    }
}

/// A place that does not fit a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// JSON pointer; of the parent where what is wrong is that something is missing.
    pub pointer: String,
    /// What would have been right.
    pub expected: String,
    /// What was found, if anything.
    pub got: Option<String>,
    /// What it says, where the rule brings a text to fill.
    pub message: Option<String>,
}

impl Rule {
    /// The level on a day, `YYYY-MM-DD`.
    #[must_use]
    pub fn level_on(&self, today: &str) -> Level {
        match &self.grace {
            Some(until) if self.level == Level::Must && today < until.as_str() => Level::Should,
            _ => self.level,
        }
    }

    /// Whether it has a safe automatic fix.
    #[must_use]
    pub fn is_fixable(&self) -> bool {
        self.repair.is_some()
    }

    pub(super) fn check(&self, tree: &Tree<'_>) -> Vec<Breach> {
        let mut found: Vec<Breach> = Vec::new();
        for path in &self.given {
            for hit in path.select(tree, self.manner) {
                let scope = Scope { tree, id: hit.id };
                if self.when.as_ref().is_some_and(|when| !when.holds(&scope)) {
                    continue;
                }
                for then in &self.then {
                    self.ask(tree, hit, then, &mut found);
                    if found.len() >= MAX_FINDINGS {
                        return found;
                    }
                }
            }
        }
        found
    }

    fn ask(&self, tree: &Tree<'_>, hit: Hit, then: &Then, found: &mut Vec<Breach>) {
        let resolved = self.manner.resolved;
        let id = if resolved && !hit.key {
            tree.settled(hit.id)
        } else {
            hit.id
        };
        if hit.key {
            let name = key(tree, id);
            let target = Target {
                value: Some(&name),
                id: None,
                resolved,
            };
            return self.tell(tree, then, &tree.pointer(id), target, found);
        }
        let whole = |id| Target {
            value: Some(tree.value(id)),
            id: Some(id),
            resolved,
        };
        let inner = tree.value(id).is_object() || tree.value(id).is_array();
        match &then.field {
            Some(Field::Keys) if inner => {
                for child in tree.children(id) {
                    let name = key(tree, child);
                    let target = Target {
                        value: Some(&name),
                        id: None,
                        resolved,
                    };
                    self.tell(tree, then, &tree.pointer(child), target, found);
                }
            }
            Some(Field::Names(names)) if inner => {
                let mut at = id;
                for name in names {
                    let next = if resolved { tree.settled(at) } else { at };
                    match tree.child(next, name) {
                        Some(child) => at = child,
                        None => {
                            let target = Target {
                                value: None,
                                id: None,
                                resolved,
                            };
                            return self.tell(tree, then, &tree.pointer(next), target, found);
                        }
                    }
                }
                self.tell(tree, then, &tree.pointer(at), whole(at), found);
            }
            Some(Field::Path(path)) if inner => {
                let places = path.select_from(tree, id, self.manner);
                if places.is_empty() {
                    let target = Target {
                        value: None,
                        id: None,
                        resolved,
                    };
                    self.tell(tree, then, &tree.pointer(id), target, found);
                }
                for place in places {
                    self.tell(tree, then, &tree.pointer(place.id), whole(place.id), found);
                }
            }
            _ => self.tell(tree, then, &tree.pointer(id), whole(id), found),
        }
    }

    fn tell(&self, tree: &Tree<'_>, then: &Then, pointer: &str, target: Target<'_>, found: &mut Vec<Breach>) {
        for miss in then.function.check(tree, target) {
            let breach = Breach {
                pointer: format!("{pointer}{}", miss.below),
                message: self.message.as_ref().map(|m| self.filled(m, pointer, &miss)),
                expected: miss.expected,
                got: miss.got,
            };
            if !found.contains(&breach) {
                found.push(breach);
            }
        }
    }

    /// A text of a rule of others with its places filled.
    fn filled(&self, message: &str, pointer: &str, miss: &Miss) -> String {
        if !message.contains("{{") {
            return message.to_owned();
        }
        let place = format!("{pointer}{}", miss.below);
        let property = place.rsplit('/').next().map(unescape).unwrap_or_default();
        let error = match &miss.got {
            Some(got) => format!("\"{property}\" has to be {}, not {got}", miss.expected),
            None => format!("\"{property}\" has to be {}", miss.expected),
        };
        message
            .replace("{{error}}", &error)
            .replace("{{property}}", &property)
            .replace("{{path}}", &format!("#{place}"))
            .replace("{{value}}", miss.got.as_deref().unwrap_or("undefined"))
            .replace("{{description}}", &self.title.en)
    }
}

fn key(tree: &Tree<'_>, id: usize) -> Value {
    match tree.entry(id).map(|e| e.key) {
        Some(Key::Name(name)) => name.into(),
        Some(Key::Index(index)) => index.into(),
        _ => Value::Null,
    }
}
