//! Conditions in paths: `?(@.in == 'query' && !@.required)`, `?(@property.match(/^x-/i))`.
//!
//! The names are those of the existing filters: `@`, `@property`, `@parent`, `@parentProperty`, `@path` is not among
//! them. What is anything else is refused when a rule is loaded, never passed over.

use super::tree::{Id, Key, Tree};
use regex::Regex;
use serde_json::Value;
use std::cmp::Ordering;

/// Conditions in one another.
const MAX_DEPTH: usize = 32;
/// Bytes a compiled pattern may take.
const PATTERN_SIZE: usize = 1 << 20;

/// A parsed condition.
#[derive(Debug, Clone)]
pub(super) struct Filter(Expression);

#[derive(Debug, Clone)]
enum Expression {
    Or(Box<Expression>, Box<Expression>),
    And(Box<Expression>, Box<Expression>),
    Not(Box<Expression>),
    Compare(Box<Expression>, Sign, Box<Expression>),
    Match(Box<Expression>, Regex),
    Length(Box<Expression>),
    Value(Value),
    This(Vec<String>),
    Parent(Vec<String>),
    Property,
    ParentProperty,
    Includes(Box<Expression>, Box<Expression>),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Sign {
    Equal,
    Unequal,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

/// What a condition is asked of.
pub(super) struct Scope<'t, 'v> {
    pub(super) tree: &'t Tree<'v>,
    pub(super) id: Id,
}

impl Filter {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let tokens = tokens(text)?;
        let mut parser = Parser {
            tokens,
            at: 0,
            depth: 0,
        };
        let expression = parser.or()?;
        match parser.peek() {
            None => Ok(Self(expression)),
            Some(token) => Err(format!("`{text}`: {token:?} is not understood")),
        }
    }

    pub(super) fn holds(&self, scope: &Scope<'_, '_>) -> bool {
        self.0.value(scope).as_ref().is_some_and(truthy)
    }
}

/// Truth as JavaScript has it, because existing rules were written for it.
pub(super) fn truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

/// Compiles a pattern of a rule: plain, or `/…/i`.
pub(super) fn pattern(text: &str) -> Result<Regex, String> {
    let slashed = text.strip_prefix('/').and_then(|rest| rest.rsplit_once('/'));
    let (body, flags) = match slashed {
        Some((body, flags)) if flags.chars().all(|c| "imsuvg".contains(c)) => (body, flags),
        _ => (text, ""),
    };
    regex::RegexBuilder::new(body)
        .case_insensitive(flags.contains('i'))
        .multi_line(flags.contains('m'))
        .dot_matches_new_line(flags.contains('s'))
        .size_limit(PATTERN_SIZE)
        .build()
        .map_err(|_| format!("the pattern `{text}` is not among those that can be tried in bounded time"))
}

impl Expression {
    fn value(&self, scope: &Scope<'_, '_>) -> Option<Value> {
        match self {
            Self::Or(a, b) => match a.value(scope) {
                Some(value) if truthy(&value) => Some(value),
                _ => b.value(scope),
            },
            Self::And(a, b) => match a.value(scope) {
                Some(value) if truthy(&value) => b.value(scope),
                other => other,
            },
            Self::Not(a) => Some(Value::Bool(!a.value(scope).as_ref().is_some_and(truthy))),
            Self::Compare(a, sign, b) => Some(Value::Bool(compare(
                a.value(scope).as_ref(),
                *sign,
                b.value(scope).as_ref(),
            ))),
            Self::Match(a, regex) => Some(Value::Bool(match a.value(scope)? {
                Value::String(text) => regex.is_match(&text),
                Value::Number(number) => regex.is_match(&number.to_string()),
                _ => false,
            })),
            Self::Length(a) => match a.value(scope)? {
                Value::String(text) => Some(text.encode_utf16().count().into()),
                Value::Array(items) => Some(items.len().into()),
                _ => None,
            },
            Self::Value(value) => Some(value.clone()),
            Self::This(path) => scope.below(scope.id, path),
            Self::Parent(path) => scope.below(scope.tree.entry(scope.id)?.parent, path),
            Self::Property => scope.key(scope.id),
            Self::ParentProperty => scope.key(scope.tree.entry(scope.id)?.parent),
            Self::Includes(a, b) => {
                let wanted = b.value(scope)?;
                Some(Value::Bool(match a.value(scope)? {
                    Value::Array(items) => items.contains(&wanted),
                    Value::String(text) => wanted.as_str().is_some_and(|w| text.contains(w)),
                    _ => false,
                }))
            }
        }
    }
}

impl Scope<'_, '_> {
    fn below(&self, id: Id, path: &[String]) -> Option<Value> {
        let mut at = self.tree.settled(id);
        for name in path {
            at = self.tree.settled(self.tree.child(at, name)?);
        }
        // Whole objects only ask whether they are there; their members need no copying.
        Some(match self.tree.value(at) {
            Value::Object(_) => Value::Object(serde_json::Map::new()),
            other => other.clone(),
        })
    }

    fn key(&self, id: Id) -> Option<Value> {
        match self.tree.entry(id)?.key {
            Key::Root => None,
            Key::Name(name) => Some(name.into()),
            Key::Index(index) => Some(index.into()),
        }
    }
}

fn compare(a: Option<&Value>, sign: Sign, b: Option<&Value>) -> bool {
    let order = match (a, b) {
        (Some(Value::Number(a)), Some(Value::Number(b))) => a.as_f64().partial_cmp(&b.as_f64()),
        (Some(Value::String(a)), Some(Value::String(b))) => Some(a.cmp(b)),
        _ => (a == b).then_some(Ordering::Equal),
    };
    match sign {
        Sign::Equal => order == Some(Ordering::Equal),
        Sign::Unequal => order != Some(Ordering::Equal),
        Sign::Less => order == Some(Ordering::Less),
        Sign::LessEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        Sign::Greater => order == Some(Ordering::Greater),
        Sign::GreaterEqual => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Open,
    Close,
    Or,
    And,
    Not,
    Sign(Sign),
    Text(String),
    Number(String),
    Word(String),
    Pattern(String),
    Dot,
    OpenIndex,
    CloseIndex,
    Matches,
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let signs: [(&str, Token); 18] = [
        ("===", Token::Sign(Sign::Equal)),
        ("!==", Token::Sign(Sign::Unequal)),
        ("==", Token::Sign(Sign::Equal)),
        ("!=", Token::Sign(Sign::Unequal)),
        ("=~", Token::Matches),
        ("<=", Token::Sign(Sign::LessEqual)),
        (">=", Token::Sign(Sign::GreaterEqual)),
        ("&&", Token::And),
        ("||", Token::Or),
        ("<", Token::Sign(Sign::Less)),
        (">", Token::Sign(Sign::Greater)),
        ("!", Token::Not),
        ("(", Token::Open),
        (")", Token::Close),
        ("[", Token::OpenIndex),
        ("]", Token::CloseIndex),
        ("?.", Token::Dot),
        (".", Token::Dot),
    ];
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if let Some((sign, token)) = signs.iter().find(|(sign, _)| rest.starts_with(sign)) {
            found.push(token.clone());
            rest = rest.get(sign.len()..).unwrap_or_default();
        } else if matches!(first, '\'' | '"' | '/') {
            let (inner, after) = quoted(rest, first).ok_or_else(|| format!("`{text}`: {first} is not closed"))?;
            if first == '/' {
                let flags: String = after.chars().take_while(char::is_ascii_alphabetic).collect();
                rest = after.get(flags.len()..).unwrap_or_default();
                found.push(Token::Pattern(format!("/{inner}/{flags}")));
            } else {
                rest = after;
                found.push(Token::Text(inner.replace(&format!("\\{first}"), &first.to_string())));
            }
        } else {
            let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '@' | '-');
            let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            if word.is_empty() {
                return Err(format!("`{text}`: `{first}` is not understood"));
            }
            rest = after;
            found.push(match word.parse::<f64>() {
                Ok(_) => Token::Number(word.to_owned()),
                Err(_) => Token::Word(word.to_owned()),
            });
        }
        rest = rest.trim_start();
    }
    Ok(found)
}

/// What stands between the first character and the next of its kind.
fn quoted(text: &str, quote: char) -> Option<(&str, &str)> {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == quote {
            return Some((text.get(1..at)?, text.get(at + 1..)?));
        }
    }
    None
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn take(&mut self, token: &Token) -> bool {
        let is = self.peek() == Some(token);
        self.at += usize::from(is);
        is
    }

    fn or(&mut self) -> Result<Expression, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("the condition is nested too deeply".to_owned());
        }
        let mut left = self.and()?;
        while self.take(&Token::Or) {
            left = Expression::Or(Box::new(left), Box::new(self.and()?));
        }
        self.depth -= 1;
        Ok(left)
    }

    fn and(&mut self) -> Result<Expression, String> {
        let mut left = self.comparison()?;
        while self.take(&Token::And) {
            left = Expression::And(Box::new(left), Box::new(self.comparison()?));
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Result<Expression, String> {
        let left = self.unary()?;
        match self.peek() {
            Some(Token::Sign(sign)) => {
                let sign = *sign;
                self.at += 1;
                Ok(Expression::Compare(Box::new(left), sign, Box::new(self.unary()?)))
            }
            Some(Token::Matches) => {
                self.at += 1;
                self.matched(left)
            }
            _ => Ok(left),
        }
    }

    fn matched(&mut self, left: Expression) -> Result<Expression, String> {
        match self.next() {
            Some(Token::Pattern(text)) => Ok(Expression::Match(Box::new(left), pattern(&text)?)),
            Some(Token::Text(text)) => Ok(Expression::Match(Box::new(left), pattern(&text)?)),
            _ => Err("a pattern is missing".to_owned()),
        }
    }

    fn unary(&mut self) -> Result<Expression, String> {
        let mut nots = 0;
        while self.take(&Token::Not) {
            nots += 1;
        }
        let mut inner = self.primary()?;
        for _ in 0..nots {
            inner = Expression::Not(Box::new(inner));
        }
        Ok(inner)
    }

    fn primary(&mut self) -> Result<Expression, String> {
        match self.next() {
            Some(Token::Open) => {
                let inner = self.or()?;
                match self.take(&Token::Close) {
                    true => Ok(inner),
                    false => Err("`)` is missing".to_owned()),
                }
            }
            Some(Token::Text(text)) => Ok(Expression::Value(text.into())),
            Some(Token::Number(text)) => match serde_json::from_str(&text) {
                Ok(number) => Ok(Expression::Value(number)),
                Err(_) => Err(format!("`{text}` is no number")),
            },
            Some(Token::Pattern(text)) => {
                // `/…/.test(@property)`
                let test = self.take(&Token::Dot) && self.take(&Token::Word("test".to_owned()));
                if !(test && self.take(&Token::Open)) {
                    return Err("a pattern is used with `.test(…)` or `.match(…)`".to_owned());
                }
                let inner = self.or()?;
                match self.take(&Token::Close) {
                    true => Ok(Expression::Match(Box::new(inner), pattern(&text)?)),
                    false => Err("`)` is missing".to_owned()),
                }
            }
            Some(Token::Word(word)) => self.word(&word),
            other => Err(format!("{other:?} is not understood in a condition")),
        }
    }

    fn word(&mut self, word: &str) -> Result<Expression, String> {
        match word {
            "true" => Ok(Expression::Value(true.into())),
            "false" => Ok(Expression::Value(false.into())),
            "null" => Ok(Expression::Value(Value::Null)),
            // Nothing has this name, so nothing is found.
            "undefined" | "void" => Ok(Expression::This(vec!["\0".to_owned()])),
            "@" => self.members(Expression::This(Vec::new())),
            "@parent" => self.members(Expression::Parent(Vec::new())),
            "@property" => self.members(Expression::Property),
            "@parentProperty" => self.members(Expression::ParentProperty),
            other => Err(format!("`{other}` is not understood in a condition")),
        }
    }

    /// `.a.b`, `['a']`, `.length`, `.match(/…/)`, `.includes('…')`.
    fn members(&mut self, start: Expression) -> Result<Expression, String> {
        let mut of = start;
        loop {
            let name = if self.take(&Token::Dot) {
                match self.next() {
                    Some(Token::Word(name)) => name,
                    _ => return Err("a name is missing after `.`".to_owned()),
                }
            } else if self.take(&Token::OpenIndex) {
                let Some(Token::Text(name) | Token::Number(name)) = self.next() else {
                    return Err("a name is missing after `[`".to_owned());
                };
                if !self.take(&Token::CloseIndex) {
                    return Err("`]` is missing".to_owned());
                }
                name
            } else {
                return Ok(of);
            };
            if self.take(&Token::Open) {
                of = match name.as_str() {
                    "match" => self.matched(of)?,
                    "includes" => Expression::Includes(Box::new(of), Box::new(self.or()?)),
                    other => return Err(format!("`{other}(…)` is not understood in a condition")),
                };
                if !self.take(&Token::Close) {
                    return Err("`)` is missing".to_owned());
                }
                continue;
            }
            of = match of {
                it if name == "length" => Expression::Length(Box::new(it)),
                Expression::This(mut path) => {
                    path.push(name);
                    Expression::This(path)
                }
                Expression::Parent(mut path) => {
                    path.push(name);
                    Expression::Parent(path)
                }
                _ => return Err(format!("`.{name}` is not understood in a condition")),
            };
        }
    }
}
